/* What effects may follow each other, told from the effects alone: a little model of every callback
 * and agent that knows nothing of the machine (5.6, 6.4, 10.6).
 */
#ifndef RINGBACK_TESTS_SUPPORT_LEGAL_H
#define RINGBACK_TESTS_SUPPORT_LEGAL_H

#include "state/machine.h"

struct legal; /* opaque */

struct legal *legal_create(void);
void legal_destroy(struct legal *legal);

/* The next effect; cause is the event that had it, NULL for a timer. NULL, or what is wrong with
 * it: a literal. */
const char *legal_next(struct legal *legal, const struct effect *effect,
                       const struct input_event *cause);

/* Stays of a queue that began and ended so far, by the metrics (10.5). */
struct legal_stays {
    uint64_t offered, answered, abandoned, flow_out;
};
struct legal_stays legal_stays(struct legal *legal, struct slice domain, const char *queue,
                               bool live);

/* Callbacks that began and have not ended. */
size_t legal_living(const struct legal *legal);

#endif
