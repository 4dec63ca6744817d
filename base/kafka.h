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
    const char *place; /* where it was given, for messages: "ringback.yaml:3: kafka.KEY"; or NULL */
    bool file;         /* value names a file, and what is in it is the value (base/secret.h) */
};

/* Borrowed. */
struct kafka_settings {
    const struct kafka_setting *items; /* bootstrap.servers and whatever else was given */
    size_t count;
};

/* A configuration with ours (name, value, ..., NULL), and then the settings, which win but for
 * those that the guarantees rest on (kafka_fixed). Passwords are read from their files, and other
 * files that settings name are looked at: librdkafka's own words for one that is missing tell
 * nothing. Logs go to base/log. Errors: ERR_BAD_OPTION (names the setting, where it was given, and
 * says what is allowed). */
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

/* Why brokers and clients do not come together, as far as librdkafka's words tell. Each but AWAY
 * stays as it is until somebody changes an option, a certificate or a password. */
enum kafka_fault {
    KAFKA_FAULT_NONE,
    KAFKA_FAULT_AWAY,        /* nobody there, or not now */
    KAFKA_FAULT_UNTRUSTED,   /* its certificate: of another authority, or for another name */
    KAFKA_FAULT_CERTIFICATE, /* it wants a certificate of ours, or another one */
    KAFKA_FAULT_LOGIN,       /* user or password */
    KAFKA_FAULT_MECHANISM,   /* it does not know this way of logging in, or wants no login */
    KAFKA_FAULT_NOT_TLS,     /* TLS was tried, it speaks none */
    KAFKA_FAULT_PROTOCOL     /* no TLS, or no login, was tried, and it seems to want that */
};

/* text: as librdkafka logs it. */
enum kafka_fault kafka_fault_of(const char *text);

/* The last one of any handle since kafka_fault_forget(), with librdkafka's words. */
enum kafka_fault kafka_fault_last(char *text, size_t size);
void kafka_fault_forget(void);

/* From now on faults but AWAY are also logged as errors, each kind once a minute: whoever begins
 * has said so that all was well, and nobody waits for an answer that would tell. */
void kafka_fault_log(void);

/* The value of a given setting, or NULL. */
const char *kafka_setting(const struct kafka_settings *settings, const char *name);

/* Produce record to its partition of topic. copied: the value is; else it lives until it is
 * delivered or the producer is gone. opaque comes with the delivery report. */
rd_kafka_resp_err_t kafka_produce(rd_kafka_t *kafka, rd_kafka_topic_t *topic,
                                  const struct record *record, bool copied, void *opaque);

/* Destroy error (NULL is success) and turn it into err, with "what: words". */
enum err kafka_fail(struct err_note *note, enum err err, const char *what, rd_kafka_error_t *error);

#endif
