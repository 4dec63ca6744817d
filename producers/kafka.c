#include "producers/kafka.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/point.h"

enum {
    slice_ms = 1000,
    metadata_timeout_ms = 10000,
    open_ms_max = 30000, /* well below what the process gives a worker that makes no progress */
    /* Requests that can leave a transaction half done (protocol numbers of Kafka). */
    api_produce = 0,
    api_add_partitions = 24,
    api_end_transaction = 26
};

struct kafka_outputs {
    struct kafka_outputs_options options;
    rd_kafka_t *kafka;
    rd_kafka_topic_t *topics[TOPIC_COUNT];
    atomic_int response_faults; /* since the last begin; counted in librdkafka's threads */
    const struct record *records;
    size_t count;
    int64_t last_offset;
    size_t refused; /* the first record that the broker does not take, and how many */
    size_t refused_count;
    rd_kafka_resp_err_t refused_code;
    size_t failures; /* records that were not written */
    size_t unplaced; /* records that were, as it is said, but not where */
    enum outputs_fault fault;
    bool single;
};

struct kafka_outputs *kafka_outputs_create(const struct kafka_outputs_options *options)
{
    struct kafka_outputs *outputs = memory_zalloc(sizeof(*outputs), "outputs");

    outputs->options = *options;
    return outputs;
}

void kafka_outputs_close(struct kafka_outputs *outputs)
{
    if (outputs->kafka == NULL)
        return;
    for (int i = 0; i < TOPIC_COUNT; i++) {
        if (outputs->topics[i] != NULL)
            rd_kafka_topic_destroy(outputs->topics[i]);
        outputs->topics[i] = NULL;
    }
    (void)rd_kafka_purge(outputs->kafka, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_destroy(outputs->kafka);
    outputs->kafka = NULL;
}

void kafka_outputs_destroy(struct kafka_outputs *outputs)
{
    if (outputs == NULL)
        return;
    kafka_outputs_close(outputs);
    free(outputs);
}

/* --- what librdkafka tells --- */

/* librdkafka retries these inside and says nothing; an EndTxn that was delayed ends the next
 * transaction half-way (KAFKA-17754). */
static rd_kafka_resp_err_t on_response(rd_kafka_t *kafka, int fd, const char *broker, int32_t id,
                                       int16_t api, int16_t version, int32_t correlation,
                                       size_t size, int64_t rtt, rd_kafka_resp_err_t err,
                                       void *opaque)
{
    struct kafka_outputs *outputs = opaque;

    (void)kafka, (void)fd, (void)broker, (void)id, (void)version, (void)correlation, (void)size,
        (void)rtt;
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR &&
        (api == api_produce || api == api_add_partitions || api == api_end_transaction))
        atomic_fetch_add(&outputs->response_faults, 1);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_new(rd_kafka_t *kafka, const rd_kafka_conf_t *conf, void *opaque,
                                  char *why, size_t why_size)
{
    (void)conf, (void)why, (void)why_size;
    return rd_kafka_interceptor_add_on_response_received(kafka, "ringback", on_response, opaque);
}

static void on_delivery(rd_kafka_t *kafka, const rd_kafka_message_t *message, void *opaque)
{
    struct kafka_outputs *outputs = opaque;
    size_t index = (size_t)(uintptr_t)message->_private;

    (void)kafka;
    outputs->failures += message->err != RD_KAFKA_RESP_ERR_NO_ERROR;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        outputs->unplaced += message->offset < 0;
        if (index + 1 == outputs->count)
            outputs->last_offset = message->offset;
        return;
    }
    if (message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
        message->err == RD_KAFKA_RESP_ERR_INVALID_RECORD) {
        if (outputs->refused_count == 0 || index < outputs->refused)
            outputs->refused = index;
        outputs->refused_count++;
        outputs->refused_code = message->err;
    }
}

/* --- opening --- */

static enum err make_producer(struct kafka_outputs *outputs, struct err_note *note)
{
    rd_kafka_conf_t *conf;
    char timeout[24];

    snprintf(timeout, sizeof(timeout), "%" PRId64, outputs->options.transaction_timeout_ms);
    const char *const ours[] = {"client.id",
                                "ringback",
                                "transactional.id",
                                outputs->options.transactional_id,
                                "transaction.timeout.ms",
                                timeout,
                                "message.timeout.ms",
                                timeout,
                                "socket.timeout.ms",
                                timeout,
                                "linger.ms",
                                "1",
                                "retry.backoff.ms",
                                "5",
                                "socket.nagle.disable",
                                "true",
                                "queue.buffering.max.messages",
                                "500000",
                                "queue.buffering.max.kbytes",
                                "1048576",
                                "reconnect.backoff.ms",
                                "20",
                                "reconnect.backoff.max.ms",
                                "1000",
                                NULL};

    TRY(kafka_conf_create(&outputs->options.settings, ours, &conf, note));
    if (outputs->single)
        TRY(kafka_conf_set(conf, "batch.num.messages", "1", note));
    rd_kafka_conf_set_opaque(conf, outputs);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    (void)rd_kafka_conf_interceptor_add_on_new(conf, "ringback", on_new, outputs);
    return kafka_create(RD_KAFKA_PRODUCER, conf, "the producer", &outputs->kafka, note);
}

/* Without it the first produce to each topic waits a second (librdkafka 2.0.2). */
static enum err fetch_metadata(struct kafka_outputs *outputs, struct err_note *note)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code;

    for (int i = outputs->options.inputs ? 0 : INPUT_COUNT; i < TOPIC_COUNT; i++)
        outputs->topics[i] = rd_kafka_topic_new(outputs->kafka, outputs->options.topics[i], NULL);
    code = rd_kafka_metadata(outputs->kafka, 0, NULL, &metadata, metadata_timeout_ms);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return FAIL(note, ERR_BUS_DOWN, "metadata of the outputs: %s", rd_kafka_err2str(code));
    rd_kafka_metadata_destroy(metadata);
    return ERR_OK;
}

static enum err initialise(struct kafka_outputs *outputs, bool (*cancelled)(void *context),
                           void *context, struct err_note *note)
{
    int64_t timeout_ms = 2 * outputs->options.transaction_timeout_ms;
    int64_t end_ms = clock_monotonic_ms() + (timeout_ms < open_ms_max ? timeout_ms : open_ms_max);

    for (;;) {
        rd_kafka_error_t *error = rd_kafka_init_transactions(outputs->kafka, slice_ms);
        rd_kafka_resp_err_t code;

        if (error == NULL)
            return ERR_OK;
        code = rd_kafka_error_code(error);
        if (cancelled(context)) {
            rd_kafka_error_destroy(error);
            return ERR_CANCELLED;
        }
        if ((rd_kafka_error_is_retriable(error) || code == RD_KAFKA_RESP_ERR__TIMED_OUT) &&
            clock_monotonic_ms() < end_ms) {
            rd_kafka_error_destroy(error);
            continue;
        }
        return kafka_fail(note,
                          code == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED ||
                                  code == RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT
                              ? ERR_BUS_REFUSED
                              : ERR_BUS_DOWN,
                          "init_transactions", error);
    }
}

enum err kafka_outputs_open(struct kafka_outputs *outputs, bool single,
                            bool (*cancelled)(void *context), void *context, struct err_note *note)
{
    enum err err;

    kafka_outputs_close(outputs);
    outputs->single = single;
    err = make_producer(outputs, note);
    POINT(take_over_created);
    if (err == ERR_OK)
        err = fetch_metadata(outputs, note);
    if (err == ERR_OK)
        err = initialise(outputs, cancelled, context, note);
    if (err != ERR_OK)
        kafka_outputs_close(outputs);
    return err;
}

/* --- a transaction --- */

/* Values are not copied: they live until the transaction is over or the producer gone. */
static rd_kafka_resp_err_t produce(struct kafka_outputs *outputs, size_t index)
{
    const struct record *record = &outputs->records[index];

    return kafka_produce(outputs->kafka, outputs->topics[record->topic], record, false,
                         (void *)(uintptr_t)index);
}

static bool is_fence(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
           code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH ||
           code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING ||
           code == RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID;
}

static enum err failed(struct kafka_outputs *outputs, const char *what, rd_kafka_resp_err_t code,
                       struct err_note *note)
{
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(outputs->kafka, NULL, 0);

    if (fatal != RD_KAFKA_RESP_ERR_NO_ERROR)
        code = fatal;
    outputs->fault = is_fence(code) ? OUTPUTS_FAULT_FENCED
                     : code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__QUEUE_FULL
                         ? OUTPUTS_FAULT_TIMEOUT
                         : OUTPUTS_FAULT_ERROR;
    return FAIL(note, is_fence(code) ? ERR_FENCED : ERR_TXN_UNKNOWN, "%s of %s: %s (%s)", what,
                outputs->options.transactional_id, rd_kafka_err2str(code), rd_kafka_err2name(code));
}

static void pass_points(size_t index, size_t count)
{
    if (index == 0)
        POINT(batch_first);
    if (index == count / 2)
        POINT(batch_half);
    if (index + 2 == count)
        POINT(batch_before_meta);
    (void)index;
    (void)count;
}

/* librdkafka takes nothing more of a transaction in which a record was refused, nor commits it, and
 * may say so before it tells why: that is in the delivery reports, which come at once. */
static bool hears_refusal(struct kafka_outputs *outputs)
{
    int64_t until_ms = clock_monotonic_ms() + slice_ms;

    while (outputs->refused_count == 0 && clock_monotonic_ms() < until_ms)
        (void)rd_kafka_poll(outputs->kafka, 10);
    return outputs->refused_count > 0;
}

static enum err produce_all(struct kafka_outputs *outputs, int64_t end_ms,
                            bool (*cancelled)(void *context), void *context, struct err_note *note)
{
    for (size_t i = 0; i < outputs->count;) {
        rd_kafka_resp_err_t code = produce(outputs, i);

        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            pass_points(i++, outputs->count);
            continue;
        }
        if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
            outputs->refused = i;
            outputs->refused_count = 1;
            outputs->refused_code = code;
            return ERR_OK; /* commit_all() tells */
        }
        if (code == RD_KAFKA_RESP_ERR__STATE && hears_refusal(outputs))
            return ERR_OK; /* commit_all() tells */
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return failed(outputs, "produce", code, note);
        (void)rd_kafka_poll(outputs->kafka, 10);
        if (cancelled(context))
            return ERR_CANCELLED;
        if (clock_monotonic_ms() >= end_ms)
            return failed(outputs, "produce", code, note);
    }
    (void)rd_kafka_poll(outputs->kafka, 0);
    return ERR_OK;
}

static enum err refused(struct kafka_outputs *outputs, struct kafka_committed *committed,
                        struct err_note *note)
{
    const struct record *record = &outputs->records[outputs->refused];

    outputs->fault = OUTPUTS_FAULT_REFUSED;
    committed->refused = outputs->refused;
    /* One record a request: each of them was refused for itself. */
    committed->ambiguous = outputs->refused_count > 1 && !outputs->single;
    return FAIL(note, committed->ambiguous ? ERR_TXN_UNKNOWN : ERR_UNCOMMITTABLE,
                "the broker refuses %s of %zu bytes on %s: %s",
                committed->ambiguous ? "one of several records" : "a record", record->value.size,
                outputs->options.topics[record->topic], rd_kafka_err2str(outputs->refused_code));
}

/* A probe that changes nothing: no transaction can begin within one, and the answer tells why. */
static bool is_broken(struct kafka_outputs *outputs)
{
    rd_kafka_error_t *error = rd_kafka_begin_transaction(outputs->kafka);
    bool broken = error != NULL && rd_kafka_error_txn_requires_abort(error);

    if (error != NULL)
        rd_kafka_error_destroy(error);
    return broken || rd_kafka_fatal_error(outputs->kafka, NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* Until every record is reported, before anything is committed. A record that is reported as
 * written but without its offset may be nowhere: while a partition comes online it refuses the
 * first request of a producer that it has not heard before and takes the second, which was under
 * way already, although numbers are missing; librdkafka (2.0.2) then holds the first for written.
 * Seen with Kafka 4.3 on new topics. What else is wrong is for commit_all() to tell. */
static enum err flush_all(struct kafka_outputs *outputs, int64_t end_ms,
                          bool (*cancelled)(void *context), void *context, struct err_note *note)
{
    while (rd_kafka_flush(outputs->kafka, slice_ms) != RD_KAFKA_RESP_ERR_NO_ERROR &&
           outputs->failures == 0 && clock_monotonic_ms() < end_ms && !is_broken(outputs)) {
        if (cancelled(context))
            return ERR_CANCELLED;
    }
    if (outputs->unplaced > 0) {
        outputs->fault = OUTPUTS_FAULT_UNPLACED;
        return FAIL(note, ERR_TXN_UNKNOWN,
                    "%zu records of %s were reported without an offset: they may not be written",
                    outputs->unplaced, outputs->options.transactional_id);
    }
    return ERR_OK;
}

/* In slices, resumed, so that a revoke can cancel it. */
static enum err commit_all(struct kafka_outputs *outputs, int64_t end_ms,
                           bool (*cancelled)(void *context), void *context,
                           struct kafka_committed *committed, struct err_note *note)
{
    for (;;) {
        rd_kafka_error_t *error = rd_kafka_commit_transaction(outputs->kafka, slice_ms);
        rd_kafka_resp_err_t code;
        bool again, broken;

        if (error == NULL)
            break;
        code = rd_kafka_error_code(error);
        again = rd_kafka_error_is_retriable(error) || code == RD_KAFKA_RESP_ERR__TIMED_OUT;
        broken = rd_kafka_error_txn_requires_abort(error);
        rd_kafka_error_destroy(error);
        if (outputs->refused_count > 0 || (broken && hears_refusal(outputs)))
            return refused(outputs, committed, note);
        if (!again)
            return failed(outputs, "commit", code, note);
        if (cancelled(context))
            return ERR_CANCELLED;
        if (clock_monotonic_ms() >= end_ms)
            return failed(outputs, "commit", RD_KAFKA_RESP_ERR__TIMED_OUT, note);
    }
    if (atomic_load(&outputs->response_faults) > 0) {
        outputs->fault = OUTPUTS_FAULT_ANSWER;
        return FAIL(note, ERR_TXN_UNKNOWN,
                    "commit of %s: a request was lost on the way; its outcome is looked up",
                    outputs->options.transactional_id);
    }
    outputs->fault = OUTPUTS_FAULT_UNPLACED;
    if (outputs->last_offset < 0)
        return FAIL(note, ERR_TXN_UNKNOWN, "commit of %s: the last record was not reported",
                    outputs->options.transactional_id);
    committed->last_offset = outputs->last_offset;
    return ERR_OK;
}

static enum err commit_records(struct kafka_outputs *outputs, bool (*cancelled)(void *context),
                               void *context, struct kafka_committed *committed,
                               struct err_note *note)
{
    int64_t end_ms = clock_monotonic_ms() + outputs->options.transaction_timeout_ms;
    rd_kafka_error_t *error;
    rd_kafka_resp_err_t code;

    error = rd_kafka_begin_transaction(outputs->kafka);
    if (error != NULL) {
        code = rd_kafka_error_code(error);
        rd_kafka_error_destroy(error);
        return failed(outputs, "begin", code, note);
    }
    POINT(batch_begun);
    TRY(produce_all(outputs, end_ms, cancelled, context, note));
    if (outputs->refused_count > 0)
        return refused(outputs, committed, note);
    POINT(batch_produced);
    TRY(flush_all(outputs, end_ms, cancelled, context, note));
    POINT(batch_flushed);
    POINT(batch_committing);
    return commit_all(outputs, end_ms, cancelled, context, committed, note);
}

enum err kafka_outputs_commit(struct kafka_outputs *outputs, const struct record *records,
                              size_t count, bool (*cancelled)(void *context), void *context,
                              struct kafka_committed *committed, struct err_note *note)
{
    enum err err;

    *committed = (struct kafka_committed){.last_offset = -1};
    outputs->records = records;
    outputs->count = count;
    outputs->last_offset = -1;
    outputs->refused_count = 0;
    outputs->failures = outputs->unplaced = 0;
    outputs->fault = OUTPUTS_FAULT_ERROR;
    atomic_store(&outputs->response_faults, 0);
    err = commit_records(outputs, cancelled, context, committed, note);
    committed->fault = outputs->fault;
    return err;
}
