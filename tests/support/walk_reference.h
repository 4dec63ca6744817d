/* The walk of 5.3 over again, the naive way: all who wait against all who are free, told from the
 * entities as they go to `state`.
 */
#ifndef RINGBACK_TESTS_SUPPORT_WALK_REFERENCE_H
#define RINGBACK_TESTS_SUPPORT_WALK_REFERENCE_H

#include "state/machine.h"

/* The machine after a step of that domain, cause the event, NULL: a timer; effects from first on
 * are the step's. NULL if its offers are those that the rules want, else what is wrong, in arena.
 * After another domain's step it may want more than was done: a dial in flight takes an agent as a
 * live call does, maybe not the one it counted on, and the walk that finds this comes after the
 * domain's own next event (5.3). */
const char *walk_reference(struct machine *machine, const struct machine_options *options,
                           struct slice domain, const struct input_event *cause,
                           const struct effects *effects, size_t first, struct arena *arena);

#endif
