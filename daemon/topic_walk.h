/* Reading topics of Kafka as consumers with read_committed see them, up to the ends that they have:
 * what `capture` and `decode` do. One walk goes topic by topic, partition by partition. */
#ifndef RINGBACK_DAEMON_TOPIC_WALK_H
#define RINGBACK_DAEMON_TOPIC_WALK_H

#include "base/record.h"
#include "consumers/kafka.h"
#include "daemon/options.h"
#include "daemon/topics.h"

struct topic_walk;

struct topic_walk_plan {
    uint64_t topics;   /* bit i: enum topic i is read */
    int32_t partition; /* -1: all */
    bool follow;       /* go on with what comes until command_stopped(), which is no error then */
    /* The record lives until the call is over; an error ends the walk. */
    enum err (*on_record)(void *context, enum topic topic, const char *name,
                          const struct record *record, struct err_note *note);
    void *context;
};

/* One partition of a topic, as consumers with read_committed see it. */
struct topic_walk_range {
    struct kafka_log *log;
    enum topic topic;
    const char *name; /* the topic's, in full */
    int32_t partition;
    int64_t from;
    int64_t end; /* behind the last record that is read; not beyond the stable end */
};

/* Its records in their order; lives and errors as in a plan. Errors: ERR_BUS_DOWN, ERR_CANCELLED
 * (command_stopped()). */
MUST_CHECK enum err
topic_walk_partition(const struct topic_walk_range *range,
                     enum err (*on_record)(void *context, enum topic topic, const char *name,
                                           const struct record *record, struct err_note *note),
                     void *context, struct err_note *note);

/* "settings,flows.dlq", the value of that flag, as bits; NULL: all. Error: ERR_USAGE. */
MUST_CHECK enum err topic_walk_parse(const char *flag, const char *names, uint64_t *topics,
                                     struct err_note *note);

/* Ask the broker what is there. options outlives the walk. Errors: ERR_BUS_DOWN, ERR_BUS_REFUSED
 * (none of the topics is there, or one has more partitions than max_partitions), ERR_BAD_OPTION. */
MUST_CHECK enum err topic_walk_open(const struct options *options,
                                    const struct topic_walk_plan *plan, struct topic_walk **out,
                                    struct err_note *note);
/* Errors: of on_record; ERR_BUS_DOWN; ERR_CANCELLED: command_stopped() without follow. */
MUST_CHECK enum err topic_walk_run(struct topic_walk *walk, struct err_note *note);
void topic_walk_close(struct topic_walk *walk); /* or NULL */

#endif
