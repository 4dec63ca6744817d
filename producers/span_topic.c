#include "producers/span_topic.h"

#include <stdlib.h>

#include "base/memory.h"

struct span_topic {
    rd_kafka_t *kafka;
    rd_kafka_topic_t *topic;
    size_t written, lost; /* reported since they were asked for */
};

static void on_delivery(rd_kafka_t *kafka, const rd_kafka_message_t *message, void *opaque)
{
    struct span_topic *topic = opaque;
    size_t spans = (size_t)(uintptr_t)message->_private;

    (void)kafka;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        topic->written += spans;
    else
        topic->lost += spans;
}

enum err span_topic_create(const struct kafka_settings *settings, const char *name,
                           struct span_topic **out, struct err_note *note)
{
    static const char *const ours[] = {"client.id",
                                       "ringback-spans",
                                       "message.timeout.ms",
                                       "10000",
                                       "linger.ms",
                                       "50",
                                       "acks",
                                       "1",
                                       "compression.type",
                                       "lz4",
                                       "queue.buffering.max.kbytes",
                                       "16384",
                                       NULL};
    struct span_topic *topic = memory_zalloc(sizeof(*topic), "a topic of spans");
    rd_kafka_conf_t *conf;
    enum err err = kafka_conf_create(settings, ours, &conf, note);

    if (err == ERR_OK) {
        rd_kafka_conf_set_opaque(conf, topic);
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
        err = kafka_create(RD_KAFKA_PRODUCER, conf, "the producer of spans", &topic->kafka, note);
    }
    if (err != ERR_OK) {
        free(topic);
        return err;
    }
    topic->topic = rd_kafka_topic_new(topic->kafka, name, NULL);
    *out = topic;
    return ERR_OK;
}

void span_topic_destroy(struct span_topic *topic, int wait_ms)
{
    if (topic == NULL)
        return;
    if (rd_kafka_flush(topic->kafka, wait_ms) != RD_KAFKA_RESP_ERR_NO_ERROR)
        (void)rd_kafka_purge(topic->kafka, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_topic_destroy(topic->topic);
    rd_kafka_destroy(topic->kafka);
    free(topic);
}

enum err span_topic_write(struct span_topic *topic, struct slice value, size_t spans,
                          struct err_note *note)
{
    if (rd_kafka_produce(topic->topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY,
                         (void *)(uintptr_t)value.data, value.size, NULL, 0,
                         (void *)(uintptr_t)spans) == 0)
        return ERR_OK;
    return FAIL(note, ERR_BUS_DOWN, "spans cannot be sent to %s: %s",
                rd_kafka_topic_name(topic->topic), rd_kafka_err2str(rd_kafka_last_error()));
}

void span_topic_poll(struct span_topic *topic, size_t *written, size_t *lost)
{
    (void)rd_kafka_poll(topic->kafka, 0);
    *written = topic->written;
    *lost = topic->lost;
    topic->written = topic->lost = 0;
}
