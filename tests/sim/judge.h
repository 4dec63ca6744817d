/* What must hold at the end of a run, from what the broker and Redis hold alone:
 *
 *   - every batch of the journal, replayed along it by an engine of its own, gives exactly what
 *     lies committed on every output topic, in that order: the reference without faults;
 *   - batches are numbered without gaps, each by a writer that knew the one before, and their
 *     ranges of the inputs leave nothing out and take nothing twice;
 *   - what Redis holds is what `state` holds is what that engine holds;
 *   - no timer fired ahead of a record that waited on the broker when the deadline was proven;
 *   - nothing is left open. */
#ifndef RINGBACK_TESTS_SIM_JUDGE_H
#define RINGBACK_TESTS_SIM_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/options.h"

/* NULL: everything is decided and told to Redis, and nothing is open; else what is not. */
const char *judge_unquiet(void);

struct judge_options {
    const struct options *options;
    bool clocks_right; /* of all processes: the order of timers can be looked at */
    bool redis_wild;   /* Redis was changed from outside: what it lost may not be found yet */
};

/* false: the reason is in why. */
bool judge_all(const struct judge_options *options, char why[500]);

#endif
