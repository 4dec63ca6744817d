/* The topics on the broker: what there is, what is missing, what is wrong with it, in words that
 * say what to do. It creates topics and raises their time limits; it deletes only what it is told
 * to. */
#ifndef RINGBACK_DAEMON_TOPICS_H
#define RINGBACK_DAEMON_TOPICS_H

#include "base/arena.h"
#include "base/kafka.h"
#include "base/record.h"
#include "daemon/options.h"

/* One topic as the broker describes it; a value that it does not tell is -2. -1 ms: for ever. */
struct topic_info {
    const char *name; /* borrowed from the options */
    bool present;
    int32_t partitions;
    int replication;
    char cleanup[40];
    char timestamp_type[20];
    int64_t retention_ms;
    int64_t min_compaction_lag_ms;
    int64_t delete_retention_ms;
    int64_t message_bytes_max;
    int64_t insync_min;
    int64_t before_ms_max; /* a record's stamp may be so much older, newer than now */
    int64_t after_ms_max;
};

struct topics {
    struct topic_info items[TOPIC_COUNT];
    char cluster_id[80];
    int broker_count;
};

enum topics_severity { TOPICS_REFUSED, TOPICS_WARNED };

struct topics_problem {
    enum topics_severity severity;
    enum topic topic;
    char text[400]; /* what is wrong and what to do; without the topic's name */
};

enum { topics_problem_count_max = 4 * TOPIC_COUNT };

struct topics_report {
    struct topics_problem items[topics_problem_count_max];
    size_t count;
};

/* A client for questions to the broker, from the options. Errors: ERR_BAD_OPTION. */
MUST_CHECK enum err topics_client(const struct options *options, rd_kafka_t **client,
                                  struct err_note *note);

/* Ask the broker. described: also the settings of each (librdkafka's in-process broker never
 * answers that). Errors: ERR_BUS_DOWN (no answer in timeout_ms). */
MUST_CHECK enum err topics_read(rd_kafka_t *client, const struct options *options, bool described,
                                int timeout_ms, struct topics *topics, struct err_note *note);

/* What is wrong with them for `run`. Pure. for_replay: also what a recorded log needs. */
void topics_check(const struct topics *topics, const struct options *options, bool for_replay,
                  struct topics_report *report);

/* The first problem that refuses as an error: ERR_BUS_REFUSED; OK if there is none. */
MUST_CHECK enum err topics_refused(const struct topics *topics, const struct topics_report *report,
                                   struct err_note *note);

/* Create the missing ones. partitions 0: as the inputs that are there, else 1. Errors:
 * ERR_BUS_REFUSED (the broker's words), ERR_BUS_DOWN. */
MUST_CHECK enum err topics_create(rd_kafka_t *client, const struct topics *topics,
                                  int32_t partitions, int replication, bool for_replay,
                                  struct err_note *note);

/* The same with replication 0: 3, or as many as there are brokers; and waits until every one of
 * them is described without a reason to refuse, a few seconds at most: topics then says what is
 * there. */
MUST_CHECK enum err topics_make(rd_kafka_t *client, const struct options *options,
                                int32_t partitions, int replication, bool for_replay,
                                struct topics *topics, struct err_note *note);

/* Deletes those that are there, with all that is in them. Errors: ERR_BUS_REFUSED, ERR_BUS_DOWN. */
MUST_CHECK enum err topics_delete(rd_kafka_t *client, const struct topics *topics,
                                  struct err_note *note);

/* Set unlimited retention and stamps of any age on those that are there. Errors as above. */
MUST_CHECK enum err topics_open_for_replay(rd_kafka_t *client, const struct topics *topics,
                                           struct err_note *note);

#endif
