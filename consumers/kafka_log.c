/* Reading a topic's partition without a group: `state` at take-over, for Redis, and for capture. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "consumers/kafka.h"
#include "consumers/kafka_message.h"
#include "consumers/kafka_offset.h"

struct kafka_log {
    rd_kafka_t *committed;
    rd_kafka_t *uncommitted;
};

struct kafka_reader {
    rd_kafka_topic_t *topic;
    rd_kafka_queue_t *queue;
    rd_kafka_message_t *message;
    const struct header *headers;
    enum topic kind;
    int32_t partition;
};

static enum err make_handle(const struct kafka_settings *settings, const char *isolation,
                            rd_kafka_t **kafka, struct err_note *note)
{
    rd_kafka_conf_t *conf;

    const char *const ours[] = {"client.id",
                                "ringback-state",
                                "enable.auto.commit",
                                "false",
                                "enable.partition.eof",
                                "true",
                                "isolation.level",
                                isolation,
                                "auto.offset.reset",
                                "error",
                                "queued.min.messages",
                                "1000000",
                                "queued.max.messages.kbytes",
                                "65536",
                                "fetch.wait.max.ms",
                                "50",
                                "fetch.error.backoff.ms",
                                "50",
                                "socket.nagle.disable",
                                "true",
                                "reconnect.backoff.ms",
                                "20",
                                "reconnect.backoff.max.ms",
                                "1000",
                                NULL};

    TRY(kafka_conf_create(settings, ours, &conf, note));
    return kafka_create(RD_KAFKA_CONSUMER, conf, "a reader", kafka, note);
}

enum err kafka_log_create(const struct kafka_settings *settings, struct kafka_log **out,
                          struct err_note *note)
{
    struct kafka_log *log = memory_zalloc(sizeof(*log), "readers");
    enum err err = make_handle(settings, "read_committed", &log->committed, note);

    if (err == ERR_OK)
        err = make_handle(settings, "read_uncommitted", &log->uncommitted, note);
    if (err != ERR_OK) {
        kafka_log_destroy(log);
        return err;
    }
    *out = log;
    return ERR_OK;
}

void kafka_log_destroy(struct kafka_log *log)
{
    if (log == NULL)
        return;
    if (log->committed != NULL)
        rd_kafka_destroy(log->committed);
    if (log->uncommitted != NULL)
        rd_kafka_destroy(log->uncommitted);
    free(log);
}

enum err kafka_log_ends(struct kafka_log *log, const char *topic, int32_t partition, int timeout_ms,
                        int64_t *begin, int64_t *stable, int64_t *high, struct err_note *note)
{
    int64_t until_ms = clock_monotonic_ms() + timeout_ms;
    rd_kafka_resp_err_t code = kafka_offset_ask(log->uncommitted, topic, partition,
                                                RD_KAFKA_OFFSET_BEGINNING, until_ms, begin);

    /* The high watermark first: whatever is committed in between only raises the last stable one.
     */
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = kafka_offset_ask(log->uncommitted, topic, partition, RD_KAFKA_OFFSET_END, until_ms,
                                high);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = kafka_offset_ask(log->committed, topic, partition, RD_KAFKA_OFFSET_END, until_ms,
                                stable);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return ERR_OK;
    return FAIL(note, ERR_BUS_DOWN, "ends of %s, partition %" PRId32 ": %s", topic, partition,
                rd_kafka_err2str(code));
}

enum err kafka_log_time(struct kafka_log *log, const char *topic, int32_t partition, int64_t at_ms,
                        int timeout_ms, int64_t *offset, struct err_note *note)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *one = rd_kafka_topic_partition_list_add(list, topic, partition);
    int64_t until_ms = clock_monotonic_ms() + timeout_ms;
    rd_kafka_resp_err_t code;

    one->offset = at_ms < 0 ? 0 : at_ms;
    code = rd_kafka_offsets_for_times(log->committed, list, timeout_ms);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = one->err;
    *offset = one->offset;
    rd_kafka_topic_partition_list_destroy(list);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && *offset < 0) /* all are older */
        code = kafka_offset_ask(log->committed, topic, partition, RD_KAFKA_OFFSET_END, until_ms,
                                offset);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return ERR_OK;
    return FAIL(note, ERR_BUS_DOWN, "%s, partition %" PRId32 ": offset of a time: %s", topic,
                partition, rd_kafka_err2str(code));
}

static enum err ask_ends(rd_kafka_t *kafka, const struct kafka_end *ends, size_t count,
                         int timeout_ms, int64_t *found, struct err_note *note)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    const char *unknown = NULL;
    rd_kafka_resp_err_t code;

    for (size_t i = 0; i < count; i++) { /* outputs may have fewer partitions: once each */
        if (rd_kafka_topic_partition_list_find(list, ends[i].topic, ends[i].partition) == NULL)
            rd_kafka_topic_partition_list_add(list, ends[i].topic, ends[i].partition)->offset =
                RD_KAFKA_OFFSET_END;
    }
    code = rd_kafka_offsets_for_times(kafka, list, timeout_ms);
    for (size_t i = 0; i < count; i++) {
        const rd_kafka_topic_partition_t *one =
            rd_kafka_topic_partition_list_find(list, ends[i].topic, ends[i].partition);

        found[i] = code == RD_KAFKA_RESP_ERR_NO_ERROR && one->err == RD_KAFKA_RESP_ERR_NO_ERROR &&
                           one->offset >= 0
                       ? one->offset
                       : -1;
        if (found[i] < 0 && unknown == NULL)
            unknown = ends[i].topic;
    }
    if (unknown != NULL) /* for the next time: its leader may have moved */
        kafka_offset_leaders(kafka, unknown, timeout_ms);
    rd_kafka_topic_partition_list_destroy(list);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return ERR_OK;
    return FAIL(note, ERR_BUS_DOWN, "ends of the outputs: %s", rd_kafka_err2str(code));
}

enum err kafka_log_many_ends(struct kafka_log *log, struct kafka_end *ends, size_t count,
                             int timeout_ms, struct err_note *note)
{
    int64_t *found = memory_zalloc((count + 1) * sizeof(*found), "ends");
    enum err err = ask_ends(log->uncommitted, ends, count, timeout_ms, found, note);

    for (size_t i = 0; i < count; i++)
        ends[i].high = found[i];
    if (err == ERR_OK)
        err = ask_ends(log->committed, ends, count, timeout_ms, found, note);
    for (size_t i = 0; i < count; i++)
        ends[i].stable = found[i];
    free(found);
    return err;
}

enum err kafka_reader_open(struct kafka_log *log, const char *topic, enum topic kind,
                           int32_t partition, int64_t offset, struct kafka_reader **out,
                           struct err_note *note)
{
    struct kafka_reader *reader = memory_zalloc(sizeof(*reader), "a reader");

    reader->kind = kind;
    reader->partition = partition;
    reader->topic = rd_kafka_topic_new(log->committed, topic, NULL);
    reader->queue = rd_kafka_queue_new(log->committed);
    if (rd_kafka_consume_start_queue(reader->topic, partition,
                                     offset <= 0 ? RD_KAFKA_OFFSET_BEGINNING : offset,
                                     reader->queue) != 0) {
        enum err err = FAIL(note, ERR_BUS_DOWN, "read %s, partition %" PRId32 ": %s", topic,
                            partition, rd_kafka_err2str(rd_kafka_last_error()));

        rd_kafka_queue_destroy(reader->queue);
        rd_kafka_topic_destroy(reader->topic);
        free(reader);
        return err;
    }
    *out = reader;
    return ERR_OK;
}

static void release(struct kafka_reader *reader)
{
    if (reader->message != NULL)
        rd_kafka_message_destroy(reader->message);
    reader->message = NULL;
    free((void *)(uintptr_t)reader->headers);
    reader->headers = NULL;
}

enum err kafka_reader_next(struct kafka_reader *reader, int timeout_ms, struct record *record,
                           int64_t *end, struct err_note *note)
{
    const char *topic = rd_kafka_topic_name(reader->topic);
    rd_kafka_resp_err_t code;

    release(reader);
    *end = -1;
    reader->message = rd_kafka_consume_queue(reader->queue, timeout_ms);
    if (reader->message == NULL)
        return ERR_END;
    code = reader->message->err;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        kafka_message_record(reader->message, reader->kind, record);
        reader->headers = record->headers;
        return ERR_OK;
    }
    if (code == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        *end = reader->message->offset;
        return ERR_END;
    }
    return FAIL(note,
                code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
                        code == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE
                    ? ERR_INPUT_LOST
                    : ERR_BUS_DOWN,
                "read %s, partition %" PRId32 ": %s", topic, reader->partition,
                rd_kafka_message_errstr(reader->message));
}

void kafka_reader_close(struct kafka_reader *reader)
{
    if (reader == NULL)
        return;
    release(reader);
    (void)rd_kafka_consume_stop(reader->topic, reader->partition);
    rd_kafka_queue_destroy(reader->queue);
    rd_kafka_topic_destroy(reader->topic);
    free(reader);
}
