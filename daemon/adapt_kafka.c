#include "daemon/adapt_kafka.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "consumers/decode.h"
#include "consumers/kafka_message.h"
#include "daemon/bus_kafka.h"

enum { poll_ms = 100, keep_ms = 1000, keep_records = 5000, silent_ms_max = 60000 };

struct source {
    struct adapt *adapt;
    const struct adapt_kafka_plan *plan;
    rd_kafka_t *consumer;
    uint64_t unkept; /* records since positions were told */
    int64_t kept_ms;
    int64_t heard_ms;
    int ended; /* partitions that were read to their end */
};

static enum err make_consumer(struct source *source, const struct options *options,
                              struct err_note *note)
{
    struct kafka_setting items[option_kafka_count_max];
    struct kafka_settings settings = bus_kafka_settings(options, items);
    char session[24];
    const char *const ours[] = {"client.id",
                                "ringback-adapt",
                                "group.id",
                                source->plan->group,
                                "enable.auto.commit",
                                "false",
                                "auto.offset.reset",
                                "earliest",
                                "enable.partition.eof",
                                "true",
                                "session.timeout.ms",
                                session,
                                NULL};
    rd_kafka_conf_t *conf;

    snprintf(session, sizeof(session), "%" PRId64, options->session_timeout_ms);
    TRY(kafka_conf_create(&settings, ours, &conf, note));
    TRY(kafka_create(RD_KAFKA_CONSUMER, conf, "the consumer", &source->consumer, note));
    (void)rd_kafka_poll_set_consumer(source->consumer);
    return ERR_OK;
}

static enum err subscribe(struct source *source, struct err_note *note)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_resp_err_t code;

    rd_kafka_topic_partition_list_add(list, source->plan->topic, RD_KAFKA_PARTITION_UA);
    code = rd_kafka_subscribe(source->consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return FAIL(note, ERR_BUS_REFUSED, "--from-topic %s: %s", source->plan->topic,
                    rd_kafka_err2str(code));
    return ERR_OK;
}

/* A new member may take over while we tell: then it repeats, which changes nothing. */
static enum err keep(struct source *source, struct err_note *note)
{
    rd_kafka_resp_err_t code;

    source->kept_ms = clock_monotonic_ms();
    if (source->plan->keep == NULL || source->unkept == 0)
        return ERR_OK;
    TRY(source->plan->keep(source->plan->context, note));
    code = rd_kafka_commit(source->consumer, NULL, 0);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR__NO_OFFSET &&
        code != RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION &&
        code != RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID &&
        code != RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS)
        return FAIL(note, ERR_BUS_DOWN, "tell group %s where to go on: %s", source->plan->group,
                    rd_kafka_err2str(code));
    source->unkept = 0;
    return ERR_OK;
}

static int assigned(const struct source *source)
{
    rd_kafka_topic_partition_list_t *list = NULL;
    int count = 0;

    if (rd_kafka_assignment(source->consumer, &list) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        count = list->cnt;
        rd_kafka_topic_partition_list_destroy(list);
    }
    return count;
}

static enum err take(struct source *source, const rd_kafka_message_t *message,
                     struct err_note *note)
{
    struct record record;
    enum err err;

    kafka_message_record(message, TOPIC_COUNT, &record);
    if (record.value.size > adapt_line_bytes_max) {
        adapt_line_too_long(source->adapt, (uint64_t)message->offset);
        err = ERR_OK;
    } else {
        err = adapt_line(source->adapt, (uint64_t)message->offset, record.value,
                         decode_header(&record, "traceparent"), note);
    }
    free((void *)(uintptr_t)record.headers);
    source->unkept++;
    return err;
}

static enum err on_message(struct source *source, const rd_kafka_message_t *message,
                           struct err_note *note)
{
    source->heard_ms = clock_monotonic_ms();
    switch ((int)message->err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR: return take(source, message, note);
    case RD_KAFKA_RESP_ERR__PARTITION_EOF: source->ended++; return ERR_OK;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
        return FAIL(note, ERR_BUS_REFUSED, "--from-topic %s: %s", source->plan->topic,
                    rd_kafka_message_errstr(message));
    }
    return ERR_OK; /* librdkafka tries again; silence is what counts */
}

static enum err read_on(struct source *source, struct err_note *note)
{
    source->heard_ms = source->kept_ms = clock_monotonic_ms();
    while (!command_stopped()) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(source->consumer, poll_ms);
        int64_t now_ms = clock_monotonic_ms();
        enum err err = ERR_OK;

        if (message != NULL) {
            err = on_message(source, message, note);
            rd_kafka_message_destroy(message);
        }
        if (err == ERR_OK &&
            (source->unkept >= keep_records || now_ms - source->kept_ms >= keep_ms))
            err = keep(source, note);
        if (err != ERR_OK)
            return err;
        if (source->plan->follow)
            continue;
        if (source->ended > 0 && source->ended >= assigned(source))
            return ERR_OK;
        if (now_ms - source->heard_ms > silent_ms_max)
            return FAIL(note, ERR_BUS_DOWN, "--from-topic %s: nothing came for %d s before its end",
                        source->plan->topic, silent_ms_max / 1000);
    }
    return source->plan->follow ? ERR_OK : ERR_CANCELLED;
}

enum err adapt_kafka_read(struct adapt *adapt, const struct options *options,
                          const struct adapt_kafka_plan *plan, struct err_note *note)
{
    struct source source = {.adapt = adapt, .plan = plan};
    struct err_note kept;
    enum err err = make_consumer(&source, options, note);

    if (err == ERR_OK)
        err = subscribe(&source, note);
    if (err == ERR_OK)
        err = read_on(&source, note);
    if (source.consumer == NULL)
        return err;
    if ((err == ERR_OK || err == ERR_CANCELLED) && keep(&source, &kept) != ERR_OK) {
        *note = kept;
        err = kept.err;
    }
    (void)rd_kafka_consumer_close(source.consumer);
    rd_kafka_destroy(source.consumer);
    return err;
}
