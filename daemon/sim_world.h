/* The simulated call centre: callers, switch, desktops and customers around the engine, in event
 * time. Without a bus the switch is alone: what happens without callbacks. All domains run at once,
 * each the same records with draws of its own.
 *
 * What happens is a list of acts, done in the order (time, input of the records they send, made
 * first), which is the order in which a replay merges the records. An act made at one millisecond
 * for an input that is past moves to the next. */
#ifndef RINGBACK_DAEMON_SIM_WORLD_H
#define RINGBACK_DAEMON_SIM_WORLD_H

#include "base/record.h"
#include "daemon/sim_bus.h"
#include "daemon/sim_model.h"

/* Times in milliseconds. */
struct sim_options {
    int64_t offer_after_ms; /* in the queue until a callback is offered */
    double accept;          /* part of those who take it */
    double answer;          /* part of dials that are answered */
    int64_t seed;
    int64_t retries; /* of a dial that nobody answered, 300 s apart */
    int64_t domains;
    bool customer_first; /* the queues' mode (chapter 7), and its settings */
    bool reserve;
    uint32_t pacing_hundredths;
};

/* What the model holds fixed; --help states it. */
enum {
    sim_gap_ms = 120000,   /* an agent without a talk for longer is absent */
    sim_wrap_ms = 5000,    /* work after a talk */
    sim_hold_ms = 200,     /* the switch's offer_hold */
    sim_react_ms = 2000,   /* an agent accepts an offer */
    sim_preview_ms = 1000, /* and dials */
    sim_dial_ms = 20000,   /* dialled until answered or given up */
    sim_ring_ms = 1000,    /* dialled until it rings */
    sim_confirm_ms = 3000, /* the flow says "we call you back" */
    sim_retry_s = 300,
};

enum sim_fate {
    SIM_FATE_WAITING, /* in the line at the end */
    SIM_FATE_SERVED,
    SIM_FATE_ABANDONED,
    SIM_FATE_CALLBACK, /* took a callback that has not ended */
    SIM_FATE_KEPT,     /* called back and talked */
    SIM_FATE_FAILED,   /* the callback ended without a talk */
};

/* What happened to one caller; times are Unix milliseconds, 0 = never. */
struct sim_call {
    enum sim_fate fate;
    int32_t agent;   /* who talked, -1 = nobody */
    int64_t wait_ms; /* in the queue, of SERVED and ABANDONED */
    int64_t asked_ms, offered_ms, assigned_ms, dialled_ms, reached_ms, talked_ms, ended_ms;
    int64_t answered_ms,
        line_wait_ms; /* called first: on the line, and until an agent or hung up */
    bool alone;       /* and no agent was free when he answered */
    uint32_t offers, attempts;
    uint32_t live_ahead, callbacks_ahead; /* in his line when he asked */
    Ringback__V1__Reason reason;          /* why the callback ended, or was refused */
};

struct sim_outcome_of_run {
    struct sim_call *calls; /* domain 0's callers, domain 1's, ... */
    size_t count;
    int64_t busy_ms, present_ms; /* of all agents */
    int64_t end_ms;
};

/* Called now and then with the time of the simulated day. */
struct sim_progress {
    void (*show)(void *user, int64_t now_ms);
    void *user;
};

/* Runs to the end of the day. bus NULL: without callbacks. Everything is in arena. Errors: those of
 * the bus; ERR_CANCELLED (SIGINT, SIGTERM). */
MUST_CHECK enum err sim_world_run(const struct sim_model *model, const struct sim_options *options,
                                  struct sim_bus *bus, const struct sim_progress *progress,
                                  struct arena *arena, struct sim_outcome_of_run *outcome,
                                  struct err_note *note);

#endif
