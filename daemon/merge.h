/* The order of records: five inputs, merged by their heads (protocol.md, "Batch").
 *
 * Merge time = the largest timestamp so far on that input (live: not above the clock); the smallest
 * goes first, ties by input. What comes next depends on the records alone, not on how many of them
 * were fetched: where it would, the merge says MERGE_MISSING. */
#ifndef RINGBACK_DAEMON_MERGE_H
#define RINGBACK_DAEMON_MERGE_H

#include "daemon/engine.h"

enum merge_kind {
    MERGE_RECORD,   /* decide it at time_ms */
    MERGE_REPEATED, /* its offset was decided before: drop it */
    MERGE_JUMP,     /* too far ahead of the clock (clock: event): a dead letter */
    MERGE_END,      /* no candidate is left; clock: event: all inputs are at their ends */
    MERGE_MISSING,  /* clock: event: input must be fetched first */
};

struct merge_step {
    enum merge_kind kind;
    enum input input;            /* of the first three, and of MISSING */
    const struct record *record; /* of the first three */
    int64_t time_ms;             /* merge time */
};

/* All borrowed; positions move on with merge_take(). */
struct merge {
    const struct engine_input *inputs;
    struct engine_position *positions;
    bool clock_event;
    bool follow;      /* every input is at its end behind its candidates */
    int64_t clock_ms; /* live: merge times are not above it */
    int64_t event_jump_max_ms;
    size_t at[INPUT_COUNT]; /* of each input's candidates, how many are taken */
};

/* What comes next; changes nothing. event_ms: clock: event: the clock now, 0: nothing was decided
 * yet. */
struct merge_step merge_next(const struct merge *merge, int64_t event_ms);

/* The record of that step is done with. */
void merge_take(struct merge *merge, const struct merge_step *step);

/* After MERGE_END: takes the end markers that are heads; how many. */
size_t merge_take_markers(struct merge *merge);

/* An end marker: no key, header `ringback-end`. */
bool merge_is_marker(const struct record *record);

#endif
