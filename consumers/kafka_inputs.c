/* The five inputs of one partition, each from a queue of its own: forwarded into one, a full one
 * would stop the fetching of the other four. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "consumers/kafka_group.h"
#include "consumers/kafka_message.h"
#include "consumers/kafka_offset.h"

enum {
    bounds_timeout_ms = 5000,
    seek_timeout_ms = 5000,
    seek_total_ms = 20000,
    misses_max = 10, /* seeks whose record did not come, one after the other */
    take_max = 2000
};

static const uint64_t wake_up = 1;

struct one_input {
    rd_kafka_queue_t *queue;
    /* Held: [first, first + count) of both arrays. */
    rd_kafka_message_t **messages;
    struct record *records;
    size_t first;
    size_t count;
    size_t capacity;
    size_t bytes;    /* of those held */
    int64_t next;    /* records below it are dropped */
    int64_t last_ms; /* what the record before `next` must carry; -1: not checked */
    int64_t read_to;
    bool at_end;
    bool verified; /* the record before `next` came, or need not */
    bool missed;   /* something else came in its place */
    int misses;
};

struct kafka_inputs {
    rd_kafka_t *kafka;
    const char *topics[INPUT_COUNT];
    int32_t partition;
    int fd;
    atomic_bool rewind;
    uint64_t dropped;
    size_t bytes_max; /* held of one input; one record may go beyond */
    struct one_input inputs[INPUT_COUNT];
    rd_kafka_message_t *taken[take_max];
};

struct kafka_inputs *kafka_inputs_create(rd_kafka_t *kafka, const char *const topics[INPUT_COUNT],
                                         int32_t partition, size_t bytes_max)
{
    struct kafka_inputs *inputs = memory_zalloc(sizeof(*inputs), "inputs");

    inputs->bytes_max = bytes_max;
    inputs->kafka = kafka;
    inputs->partition = partition;
    inputs->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    assert(inputs->fd >= 0);
    for (int i = 0; i < INPUT_COUNT; i++) {
        struct one_input *input = &inputs->inputs[i];

        inputs->topics[i] = topics[i];
        input->read_to = -1;
        input->next = INT64_MAX; /* until the first seek nothing counts */
        input->queue = rd_kafka_queue_get_partition(kafka, topics[i], partition);
        assert(input->queue != NULL);
        rd_kafka_queue_forward(input->queue, NULL);
        rd_kafka_queue_io_event_enable(input->queue, inputs->fd, &wake_up, sizeof(wake_up));
    }
    return inputs;
}

static void release(struct one_input *input, size_t count)
{
    for (size_t i = input->first; i < input->first + count; i++) {
        input->bytes -= input->messages[i]->len;
        free((void *)(uintptr_t)input->records[i].headers);
        rd_kafka_message_destroy(input->messages[i]);
    }
    input->first += count;
    input->count -= count;
    if (input->count == 0)
        input->first = 0;
}

void kafka_inputs_destroy(struct kafka_inputs *inputs)
{
    if (inputs == NULL)
        return;
    for (int i = 0; i < INPUT_COUNT; i++) {
        struct one_input *input = &inputs->inputs[i];

        release(input, input->count);
        rd_kafka_queue_io_event_enable(input->queue, -1, NULL, 0);
        rd_kafka_queue_destroy(input->queue);
        free(input->messages);
        free(input->records);
    }
    close(inputs->fd);
    free(inputs);
}

void kafka_inputs_rewind(struct kafka_inputs *inputs)
{
    atomic_store(&inputs->rewind, true);
    (void)!write(inputs->fd, &wake_up, sizeof(wake_up));
}

static enum err lost(const struct kafka_inputs *inputs, int i, const char *why,
                     struct err_note *note)
{
    return FAIL(note, ERR_INPUT_LOST,
                "input %s, partition %" PRId32 ", offset %" PRId64
                ": %s. Nothing is decided past it; `ringback recover` shows what is gone and goes "
                "on from what is there",
                inputs->topics[i], inputs->partition, inputs->inputs[i].next, why);
}

enum err kafka_inputs_bounds(struct kafka_inputs *inputs, enum input input, int timeout_ms,
                             int64_t *low, int64_t *high, struct err_note *note)
{
    const char *topic = inputs->topics[input];
    int64_t until_ms = clock_monotonic_ms() + timeout_ms;
    rd_kafka_resp_err_t code = kafka_offset_ask(inputs->kafka, topic, inputs->partition,
                                                RD_KAFKA_OFFSET_BEGINNING, until_ms, low);

    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = kafka_offset_ask(inputs->kafka, topic, inputs->partition, RD_KAFKA_OFFSET_END,
                                until_ms, high);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return ERR_OK;
    return FAIL(note, ERR_BUS_DOWN, "bounds of %s, partition %" PRId32 ": %s", topic,
                inputs->partition, rd_kafka_err2str(code));
}

/* Where to read from so that the record before `next` is seen, if it can be. */
static enum err place(struct kafka_inputs *inputs, int i, int64_t *from, struct err_note *note)
{
    struct one_input *input = &inputs->inputs[i];
    char why[160];
    int64_t low = 0, high = 0;

    TRY(kafka_inputs_bounds(inputs, (enum input)i, bounds_timeout_ms, &low, &high, note));
    if (input->next < low || input->next > high) {
        snprintf(why, sizeof(why), "the broker has %" PRId64 " up to %" PRId64 "; %s", low, high,
                 input->next < low ? "records were deleted before they were read"
                                   : "records that were decided are gone, or the log is another");
        return lost(inputs, i, why, note);
    }
    *from = input->next;
    if (input->last_ms >= 0 && input->next - 1 >= low) {
        *from = input->next - 1;
        return ERR_OK;
    }
    input->verified = true; /* nothing is to be compared, or it was deleted by age */
    return ERR_OK;
}

/* Before 2.1.0 librdkafka takes the milliseconds for microseconds. */
static int seek_timeout(void)
{
    return rd_kafka_version() < 0x02010000 ? seek_timeout_ms * 1000 : seek_timeout_ms;
}

/* from below 0: that input stays where it is. A partition that has just been assigned is not ready
 * at once: _STATE, and again. */
static enum err seek_all(struct kafka_inputs *inputs, const int64_t from[INPUT_COUNT],
                         struct err_note *note)
{
    int64_t end_ms = clock_monotonic_ms() + seek_total_ms;

    for (;;) {
        rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(INPUT_COUNT);
        rd_kafka_resp_err_t worst = RD_KAFKA_RESP_ERR_NO_ERROR;
        rd_kafka_error_t *error;

        for (int i = 0; i < INPUT_COUNT; i++) {
            if (from[i] >= 0)
                rd_kafka_topic_partition_list_add(list, inputs->topics[i], inputs->partition)
                    ->offset = from[i];
        }
        error = rd_kafka_seek_partitions(inputs->kafka, list, seek_timeout());
        if (error != NULL)
            worst = rd_kafka_error_code(error);
        for (int i = 0; error == NULL && i < list->cnt; i++) {
            if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR)
                worst = list->elems[i].err;
        }
        if (error != NULL)
            rd_kafka_error_destroy(error);
        rd_kafka_topic_partition_list_destroy(list);
        if (worst == RD_KAFKA_RESP_ERR_NO_ERROR)
            return ERR_OK;
        if (clock_monotonic_ms() >= end_ms)
            return FAIL(note, ERR_BUS_DOWN, "seek of partition %" PRId32 ": %s", inputs->partition,
                        rd_kafka_err2str(worst));
        (void)usleep(5000);
    }
}

enum err kafka_inputs_seek(struct kafka_inputs *inputs, const int64_t next[INPUT_COUNT],
                           const int64_t last_ms[INPUT_COUNT], struct err_note *note)
{
    int64_t from[INPUT_COUNT];

    for (int i = 0; i < INPUT_COUNT; i++) {
        struct one_input *input = &inputs->inputs[i];

        release(input, input->count);
        input->next = next[i];
        input->last_ms = last_ms[i];
        input->at_end = false;
        input->verified = input->missed = false;
        input->misses = 0;
        input->read_to = -1;
        TRY(place(inputs, i, &from[i], note));
    }
    TRY(seek_all(inputs, from, note));
    for (int i = 0; i < INPUT_COUNT; i++)
        inputs->inputs[i].read_to = from[i];
    return ERR_OK;
}

/* The record before `next` did not come first: librdkafka lost the seek (docs/adr/0010), and what
 * lies between would never be read; or it has been deleted by age since. */
static enum err seek_again(struct kafka_inputs *inputs, int i, struct err_note *note)
{
    struct one_input *input = &inputs->inputs[i];
    int64_t from[INPUT_COUNT] = {-1, -1, -1, -1, -1};

    if (++input->misses > misses_max)
        return lost(inputs, i, "the record before it does not come, though the broker has it",
                    note);
    log_warn("an input does not go on where it was sought: it is sought again",
             LOG_TEXT("topic", inputs->topics[i]), LOG_INT("partition", inputs->partition),
             LOG_INT("offset", input->next));
    input->missed = false;
    TRY(place(inputs, i, &from[i], note));
    TRY(seek_all(inputs, from, note));
    input->read_to = from[i];
    return ERR_OK;
}

static void reserve(struct one_input *input, size_t count)
{
    if (input->first + input->count + count <= input->capacity)
        return;
    if (input->first > 0) {
        memmove(input->messages, input->messages + input->first,
                input->count * sizeof(*input->messages));
        memmove(input->records, input->records + input->first,
                input->count * sizeof(*input->records));
        input->first = 0;
    }
    if (input->count + count <= input->capacity)
        return;
    input->capacity = (input->count + count) * 2;
    input->messages =
        memory_grow(input->messages, input->capacity * sizeof(*input->messages), "fetched records");
    input->records =
        memory_grow(input->records, input->capacity * sizeof(*input->records), "fetched records");
}

/* Takes message. */
static enum err take_record(struct kafka_inputs *inputs, int i, rd_kafka_message_t *message,
                            struct err_note *note)
{
    struct one_input *input = &inputs->inputs[i];
    bool before = !input->verified && message->offset == input->next - 1;
    rd_kafka_timestamp_type_t type;
    char why[160];

    if (message->offset < input->next) {
        int64_t stamp_ms = rd_kafka_message_timestamp(message, &type);

        inputs->dropped += !before;
        rd_kafka_message_destroy(message);
        input->read_to = before ? input->next : input->read_to;
        input->verified |= before;
        if (!before || stamp_ms == input->last_ms)
            return ERR_OK;
        snprintf(why, sizeof(why),
                 "the record before it has the timestamp %" PRId64 ", decided was one with %" PRId64
                 ": the log is another one",
                 stamp_ms, input->last_ms);
        return lost(inputs, i, why, note);
    }
    if (!input->verified) {
        input->missed = true;
        rd_kafka_message_destroy(message);
        return ERR_OK;
    }
    reserve(input, 1);
    kafka_message_record(message, (enum topic)i, &input->records[input->first + input->count]);
    input->messages[input->first + input->count++] = message;
    input->bytes += message->len;
    input->read_to = message->offset + 1;
    input->next = message->offset + 1;
    return ERR_OK;
}

/* librdkafka goes on behind what it cannot read: a batch with a wrong checksum (with
 * kafka.check.crcs), of a format that it does not know, or damaged in its compression. */
static bool is_unreadable(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__BAD_MSG || code == RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED ||
           code == RD_KAFKA_RESP_ERR__BAD_COMPRESSION;
}

/* Takes message. */
static enum err take_message(struct kafka_inputs *inputs, int i, rd_kafka_message_t *message,
                             struct err_note *note)
{
    struct one_input *input = &inputs->inputs[i];
    enum err err = ERR_OK;

    if (input->missed) {
        rd_kafka_message_destroy(message);
        return ERR_OK;
    }
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return take_record(inputs, i, message, note);
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        if (message->offset >= input->read_to && input->read_to >= 0) {
            input->missed = !input->verified;
            input->at_end = input->verified;
            input->read_to = input->verified ? message->offset : input->read_to;
        }
    } else if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
               message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
        err = lost(inputs, i, rd_kafka_message_errstr(message), note);
    } else if (is_unreadable(message->err)) {
        err = FAIL(note, ERR_BUS_DOWN,
                   "input %s, partition %" PRId32 ", offset %" PRId64
                   ": records cannot be read: %s. They are not left out: it is tried for ever",
                   inputs->topics[i], inputs->partition, input->next,
                   rd_kafka_message_errstr(message));
    } else {
        log_warn("an input cannot be read", LOG_TEXT("topic", inputs->topics[i]),
                 LOG_INT("partition", inputs->partition),
                 LOG_TEXT("reason", rd_kafka_message_errstr(message)));
    }
    rd_kafka_message_destroy(message);
    return err;
}

/* The broker's answers tell the high watermark too: an EOF event comes only with the next answer,
 * up to fetch.wait.max.ms later. A last offset may be a transaction's marker, which nobody sees. */
static void guess_end(struct kafka_inputs *inputs, int i)
{
    struct one_input *input = &inputs->inputs[i];
    int64_t low, high;

    if (rd_kafka_get_watermark_offsets(inputs->kafka, inputs->topics[i], inputs->partition, &low,
                                       &high) == RD_KAFKA_RESP_ERR_NO_ERROR &&
        high >= 0)
        input->at_end = input->read_to + 1 >= high;
}

static enum err fetch_one(struct kafka_inputs *inputs, int i, size_t count_max,
                          struct err_note *note)
{
    struct one_input *input = &inputs->inputs[i];
    enum err err = ERR_OK;
    bool any = false;

    while (err == ERR_OK && input->count < count_max && input->bytes < inputs->bytes_max) {
        size_t room = count_max - input->count < take_max ? count_max - input->count : take_max;
        ssize_t got = rd_kafka_consume_batch_queue(input->queue, 0, inputs->taken, room);

        if (got <= 0)
            break;
        any = true;
        for (ssize_t j = 0; j < got; j++) {
            if (err == ERR_OK)
                err = take_message(inputs, i, inputs->taken[j], note);
            else
                rd_kafka_message_destroy(inputs->taken[j]);
        }
        if ((size_t)got < room || input->missed)
            break;
        if (input->count >= count_max ||
            input->bytes >= inputs->bytes_max) /* there may be more, of which nobody tells again */
            (void)!write(inputs->fd, &wake_up, sizeof(wake_up));
    }
    if (any && input->count > 0)
        guess_end(inputs, i);
    return err;
}

enum err kafka_inputs_fetch(struct kafka_inputs *inputs, size_t count_max,
                            struct kafka_fetched fetched[INPUT_COUNT], struct err_note *note)
{
    uint64_t woken;

    (void)!read(inputs->fd, &woken, sizeof(woken));
    if (atomic_exchange(&inputs->rewind, false)) {
        int64_t from[INPUT_COUNT];

        for (int i = 0; i < INPUT_COUNT; i++)
            from[i] = inputs->inputs[i].read_to;
        TRY(seek_all(inputs, from, note));
    }
    for (int i = 0; i < INPUT_COUNT; i++) {
        struct one_input *input = &inputs->inputs[i];

        TRY(fetch_one(inputs, i, count_max, note));
        if (input->missed)
            TRY(seek_again(inputs, i, note));
        fetched[i] = (struct kafka_fetched){
            .records = input->records == NULL ? NULL : input->records + input->first,
            .count = input->count,
            .read_to = input->read_to,
            .at_end = input->at_end,
            .verified = input->verified,
            .bytes = input->bytes,
        };
    }
    return ERR_OK;
}

void kafka_inputs_taken(struct kafka_inputs *inputs, const size_t taken[INPUT_COUNT])
{
    bool full = false;

    for (int i = 0; i < INPUT_COUNT; i++) {
        full |= taken[i] > 0;
        release(&inputs->inputs[i], taken[i]);
    }
    if (full)
        (void)!write(inputs->fd, &wake_up, sizeof(wake_up));
}

int kafka_inputs_fd(const struct kafka_inputs *inputs)
{
    return inputs->fd;
}

enum err kafka_inputs_ends(struct kafka_inputs *inputs, int timeout_ms, int64_t ends[INPUT_COUNT],
                           struct err_note *note)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(INPUT_COUNT);
    rd_kafka_resp_err_t code;
    const char *topic = inputs->topics[0];

    for (int i = 0; i < INPUT_COUNT; i++)
        rd_kafka_topic_partition_list_add(list, inputs->topics[i], inputs->partition)->offset =
            RD_KAFKA_OFFSET_END;
    code = rd_kafka_offsets_for_times(inputs->kafka, list, timeout_ms);
    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < INPUT_COUNT; i++) {
        const rd_kafka_topic_partition_t *found =
            rd_kafka_topic_partition_list_find(list, inputs->topics[i], inputs->partition);

        topic = inputs->topics[i];
        code = found->err;
        ends[i] = found->offset;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR && found->offset < 0)
            code = RD_KAFKA_RESP_ERR__NOENT;
    }
    rd_kafka_topic_partition_list_destroy(list);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return ERR_OK;
    return FAIL(note, ERR_BUS_DOWN, "ends of the inputs (%s, partition %" PRId32 "): %s", topic,
                inputs->partition, rd_kafka_err2str(code));
}

void kafka_inputs_heard_ends(struct kafka_inputs *inputs, int64_t ends[INPUT_COUNT])
{
    for (int i = 0; i < INPUT_COUNT; i++) {
        int64_t low;

        if (rd_kafka_get_watermark_offsets(inputs->kafka, inputs->topics[i], inputs->partition,
                                           &low, &ends[i]) != RD_KAFKA_RESP_ERR_NO_ERROR ||
            ends[i] < 0)
            ends[i] = -1;
    }
}

void kafka_inputs_tell(struct kafka_inputs *inputs, const int64_t next[INPUT_COUNT])
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(INPUT_COUNT);

    for (int i = 0; i < INPUT_COUNT; i++)
        rd_kafka_topic_partition_list_add(list, inputs->topics[i], inputs->partition)->offset =
            next[i];
    (void)rd_kafka_commit(inputs->kafka, list, 1);
    rd_kafka_topic_partition_list_destroy(list);
}

uint64_t kafka_inputs_dropped(const struct kafka_inputs *inputs)
{
    return inputs->dropped;
}
