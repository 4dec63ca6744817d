/* What every Kafka handle of the program shares: configuration from the options kafka.*, the log,
 * errors in words. Topics and records are others' (consumers/, producers/). */
#ifndef RINGBACK_BASE_KAFKA_H
#define RINGBACK_BASE_KAFKA_H

#include <librdkafka/rdkafka.h>

#include "base/err.h"
#include "base/record.h"

struct kafka_setting {
    const char *name; /* librdkafka's, without "kafka." */
    const char *value;
};

/* Borrowed. */
struct kafka_settings {
    const struct kafka_setting *items; /* bootstrap.servers and whatever else was given */
    size_t count;
};

/* A configuration with ours (name, value, ..., NULL), and then the settings, which win but for
 * those that the guarantees rest on (kafka_fixed). Logs go to base/log. Errors: ERR_BAD_OPTION
 * (names the setting and says what is allowed). */
MUST_CHECK enum err kafka_conf_create(const struct kafka_settings *settings,
                                      const char *const *ours, rd_kafka_conf_t **conf,
                                      struct err_note *note);

/* Set one; what is wrong with it names it as kafka.NAME. */
MUST_CHECK enum err kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value,
                                   struct err_note *note);

/* A producer or consumer; takes conf in any case. what: "the consumer", for the message. Errors:
 * ERR_BAD_OPTION. */
MUST_CHECK enum err kafka_create(rd_kafka_type_t type, rd_kafka_conf_t *conf, const char *what,
                                 rd_kafka_t **kafka, struct err_note *note);

/* Settings that cannot be given, and why; NULL: it can. */
const char *kafka_fixed(const char *name);

/* The value of a given setting, or NULL. */
const char *kafka_setting(const struct kafka_settings *settings, const char *name);

/* Produce record to its partition of topic. copied: the value is; else it lives until it is
 * delivered or the producer is gone. opaque comes with the delivery report. */
rd_kafka_resp_err_t kafka_produce(rd_kafka_t *kafka, rd_kafka_topic_t *topic,
                                  const struct record *record, bool copied, void *opaque);

/* Destroy error (NULL is success) and turn it into err, with "what: words". */
enum err kafka_fail(struct err_note *note, enum err err, const char *what, rd_kafka_error_t *error);

#endif
