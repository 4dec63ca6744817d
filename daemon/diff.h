/* Whether two topic logs hold the same outputs, and where they first differ.
 *
 * Compared are, per topic and partition and in order, key, value, timestamp and all headers of
 * routing, analytics, results and the dead letters; of state the last value of each key without
 * meta; of the journals only that their ranges join, each in its own log. Offsets, names of topics
 * before their short names, inputs and other topics are not. */
#ifndef RINGBACK_DAEMON_DIFF_H
#define RINGBACK_DAEMON_DIFF_H

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/framing.h"
#include "base/record.h"

struct diff_result {
    bool identical;
    uint64_t records[TOPIC_COUNT]; /* compared and equal; of state: keys */
    /* The first difference, by time: */
    enum topic topic;
    int32_t partition;
    uint64_t index;       /* which record of the topic and partition, from 0 */
    const char *what;     /* "value", "key", "timestamp", "headers", "only in A", ... */
    const char *callback; /* that it is about; "" if none. In the arena */
    json_t *sides[2];     /* the records; NULL: that side has none. The caller's to release */
};

struct diff_plan {
    const char *const *names;      /* as for log_topics_find(), of both logs */
    const struct framing *framing; /* to show a difference; NULL is none */
    uint32_t topics;               /* bits 1u << topic: those compared */
    bool a_goes_on;                /* what A has behind the end of B is no difference */
};

/* What result says is in arena. Errors: ERR_IO, ERR_BAD_FILE (damaged, naming the byte; or nothing
 * in it is compared, but it has topics of unknown names). */
MUST_CHECK enum err diff_logs(const char *path_a, const char *path_b, const struct diff_plan *plan,
                              struct arena *arena, struct diff_result *result,
                              struct err_note *note);

#endif
