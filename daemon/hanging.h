/* The alarm for transactions that hang on an output: whose last stable offset stands still readers
 * of committed records see nothing new of, and nobody else would tell. It may be another program's
 * transaction; the worker's own ends with its time-out. */
#ifndef RINGBACK_DAEMON_HANGING_H
#define RINGBACK_DAEMON_HANGING_H

#include <stdbool.h>
#include <stdint.h>

/* Of one partition of an output. Pure; zeroed at first. */
struct hanging {
    bool known;
    int64_t stable;   /* as of the last answer */
    int64_t since_ms; /* since when it is that, with something behind it */
    int64_t told_ms;
    bool hangs; /* since limit_ms */
};

enum { hanging_again_ms = 60 * 1000 };

/* An answer of the broker: what is visible ends at stable, what is there at high. Returns whether
 * the alarm is due: it stands for limit_ms, and was not told for a minute. now_ms: monotonic. */
bool hanging_alarms(struct hanging *hanging, int64_t stable, int64_t high, int64_t now_ms,
                    int64_t limit_ms);

#endif
