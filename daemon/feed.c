#include "daemon/feed.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "daemon/bus_kafka.h"

enum { flush_ms = 60000, slice_ms = 50 };

struct feed {
    const struct options *options;
    rd_kafka_t *producer;
    rd_kafka_topic_t *topics[INPUT_COUNT];
    atomic_int failures;
    rd_kafka_resp_err_t code; /* of the last */
};

static void on_delivery(rd_kafka_t *kafka, const rd_kafka_message_t *message, void *opaque)
{
    struct feed *feed = opaque;

    (void)kafka;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    feed->code = message->err;
    atomic_fetch_add(&feed->failures, 1);
}

/* One request at a time: two could lose the first one's records (producers/kafka.c, flush_all()).
 */
static enum err make_producer(struct feed *feed, const char *client_id, struct err_note *note)
{
    struct kafka_setting items[option_kafka_count_max];
    struct kafka_settings settings = bus_kafka_settings(feed->options, items);
    const char *const ours[] = {"client.id",
                                client_id,
                                "enable.idempotence",
                                "true",
                                "max.in.flight",
                                "1",
                                "linger.ms",
                                "5",
                                "queue.buffering.max.messages",
                                "200000",
                                NULL};
    rd_kafka_conf_t *conf;

    TRY(kafka_conf_create(&settings, ours, &conf, note));
    rd_kafka_conf_set_opaque(conf, feed);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    TRY(kafka_create(RD_KAFKA_PRODUCER, conf, "a producer", &feed->producer, note));
    for (int i = 0; i < INPUT_COUNT; i++)
        feed->topics[i] = rd_kafka_topic_new(feed->producer, feed->options->topic_names[i], NULL);
    return ERR_OK;
}

enum err feed_create(const struct options *options, const char *client_id, struct feed **feed,
                     struct err_note *note)
{
    enum err err;

    *feed = memory_zalloc(sizeof(**feed), "a producer of inputs");
    (*feed)->options = options;
    err = make_producer(*feed, client_id, note);
    if (err != ERR_OK) {
        feed_destroy(*feed);
        *feed = NULL;
    }
    return err;
}

void feed_destroy(struct feed *feed)
{
    if (feed == NULL)
        return;
    for (int i = 0; i < INPUT_COUNT; i++) {
        if (feed->topics[i] != NULL)
            rd_kafka_topic_destroy(feed->topics[i]);
    }
    if (feed->producer != NULL)
        rd_kafka_destroy(feed->producer);
    free(feed);
}

static enum err check_delivery(const struct feed *feed, struct err_note *note)
{
    if (atomic_load(&feed->failures) == 0)
        return ERR_OK;
    return FAIL(note, ERR_BUS_REFUSED, "the broker refused %d records: %s%s",
                atomic_load(&feed->failures), rd_kafka_err2str(feed->code),
                feed->code == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP
                    ? ": topics for recorded logs are made by `ringback topics --for-replay`"
                    : "");
}

enum err feed_send(struct feed *feed, const struct record *record, struct err_note *note)
{
    for (;;) {
        rd_kafka_resp_err_t code =
            kafka_produce(feed->producer, feed->topics[record->topic], record, true, NULL);

        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            return ERR_OK;
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return FAIL(note, ERR_BUS_REFUSED, "cannot send to %s, partition %" PRId32 ": %s",
                        feed->options->topic_names[record->topic], record->partition,
                        rd_kafka_err2str(code));
        (void)rd_kafka_poll(feed->producer, slice_ms);
        if (command_stopped())
            return ERR_CANCELLED;
    }
}

enum err feed_end(struct feed *feed, enum input input, int32_t partition, int64_t timestamp_ms,
                  struct err_note *note)
{
    const struct header header = {"ringback-end", slice_make("1", 1)};
    struct record marker = {
        .topic = (enum topic)input,
        .partition = partition,
        .timestamp_ms = timestamp_ms,
        .headers = &header,
        .header_count = 1,
    };

    return feed_send(feed, &marker, note);
}

enum err feed_poll(struct feed *feed, int wait_ms, struct err_note *note)
{
    (void)rd_kafka_poll(feed->producer, wait_ms);
    return check_delivery(feed, note);
}

enum err feed_flush(struct feed *feed, struct err_note *note)
{
    int64_t until_ms = clock_monotonic_ms() + flush_ms;

    while (rd_kafka_outq_len(feed->producer) > 0) {
        (void)rd_kafka_flush(feed->producer, slice_ms);
        if (command_stopped())
            return ERR_CANCELLED;
        if (clock_monotonic_ms() > until_ms)
            return FAIL(note, ERR_BUS_DOWN, "%d records were not taken by the broker within %d s",
                        rd_kafka_outq_len(feed->producer), flush_ms / 1000);
    }
    return check_delivery(feed, note);
}

enum err feed_drain(struct feed *feed, int wait_ms, struct err_note *note)
{
    if (rd_kafka_flush(feed->producer, wait_ms) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return FAIL(note, ERR_BUS_DOWN, "%d records were not taken by the broker within %d ms",
                    rd_kafka_outq_len(feed->producer), wait_ms);
    return check_delivery(feed, note);
}
