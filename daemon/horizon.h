/* The horizon of timers: up to where no record can come any more that should have been decided
 * before (rules.md 12.14, protocol.md "Time"). Pure: all times are given; now is the partition's
 * clock, UTC ms. */
#ifndef RINGBACK_DAEMON_HORIZON_H
#define RINGBACK_DAEMON_HORIZON_H

#include "base/record.h"

enum { horizon_ask_ms_min = 50 };

struct horizon_options {
    int64_t wait_ms;      /* how long timers wait for an input that cannot be read */
    int64_t wait_stop_ms; /* and those that a record could stop */
};

/* What is known of an input. */
struct horizon_input {
    int64_t read_to;    /* everything below it was fetched; -1: unknown */
    bool waiting;       /* a record is fetched and not decided */
    int64_t waiting_ms; /* the first such record's timestamp */
};

struct horizon {
    struct horizon_options options;
    int64_t proven_ms; /* everything up to here has been read */
    bool asked;        /* ends hold what the broker said at asked_ms, and are not all read yet */
    int64_t asked_ms;
    int64_t ends[INPUT_COUNT];
    int64_t tried_ms;              /* when ends were last asked for, with or without an answer */
    int64_t moved_ms[INPUT_COUNT]; /* when each input last moved, or was at its end */
    int64_t read_to[INPUT_COUNT];
    int64_t silent_since_ms; /* the broker has not answered since; INT64_MAX: it does */
};

void horizon_init(struct horizon *horizon, const struct horizon_options *options, int64_t now_ms);

/* Must the ends be asked from the broker now? due_ms: of the earliest timer. */
bool horizon_wants_ends(const struct horizon *horizon, int64_t due_ms, int64_t now_ms);

/* The ends as the broker said them; now_ms was read before it was asked. */
void horizon_answer(struct horizon *horizon, const int64_t ends[INPUT_COUNT], int64_t now_ms);
/* It did not answer. */
void horizon_silence(struct horizon *horizon, int64_t now_ms);

/* After each fetch. The two horizons, neither above now: timers due up to them may fire. Returns
 * whether an input is not waited for any longer (to be counted, alarmed). */
bool horizon_update(struct horizon *horizon, const struct horizon_input inputs[INPUT_COUNT],
                    int64_t now_ms, int64_t *horizon_ms, int64_t *horizon_stop_ms);

#endif
