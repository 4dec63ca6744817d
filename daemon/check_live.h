/* `ringback check --live`: the inputs of stories that were told to the engine, on a real Kafka and
 * Redis: topics of their own, the real daemon in a thread of this process, restarts on the way.
 * What the daemon wrote is compared with what each story expects, and with what the engine alone
 * said, byte for byte. */
#ifndef RINGBACK_DAEMON_CHECK_LIVE_H
#define RINGBACK_DAEMON_CHECK_LIVE_H

#include "daemon/check_run.h"
#include "daemon/command.h"

/* One story among many on the same topics: a domain of its own. Before check_run(); nth: its index
 * among those of check_live(). */
void check_live_domain(struct check_story *story, size_t nth);

/* A story, and what check_run() said of it. */
struct check_live_story {
    const struct check_story *story;
    struct check_result *result;
};

struct check_live_options {
    struct command_context *context; /* options of servers, as given; those that decide are the
                                        stories' */
    int32_t partitions;              /* of each topic */
    int restarts;                    /* of the daemon, on the way */
    bool redis;                      /* told: there was one (redis.enabled) */
};

/* Afterwards each result is that of the servers (check_compare()); one that had faults already is
 * left as it is. Stories with the same options run together. Topics and keys of Redis that were
 * made are removed, also after an error. Errors: ERR_BAD_OPTION, ERR_BUS_DOWN,
 * ERR_BUS_REFUSED, ERR_STORE_DOWN (Redis did not come to the log's end), those of run_daemon(),
 * ERR_CANCELLED. */
MUST_CHECK enum err check_live(struct check_live_options *live, struct check_live_story *stories,
                               size_t count, struct err_note *note);

#endif
