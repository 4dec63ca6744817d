/* The worker of one partition: a thread with its own engine, producer, clock and store. It goes
 * through the states below; loop.c is what it does while it runs, takeover.c how it gets there.
 *
 * Memory outlives the thread: a partition that goes and comes back is taken over with what is kept,
 * if the log says that nobody was here in between. */
#ifndef RINGBACK_DAEMON_WORKER_H
#define RINGBACK_DAEMON_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "daemon/bus.h"
#include "daemon/engine.h"
#include "daemon/follow.h"
#include "daemon/horizon.h"
#include "daemon/spans.h"

#define WORKER_STATE_MAP(X)                                                                        \
    X(STOPPED, "stopped")                                                                          \
    X(TAKING_OVER, "taking over")                                                                  \
    X(RUNNING, "running")                                                                          \
    X(BACKING_OFF, "backing off")                                                                  \
    X(REFUSED, "refused")

#define WORKER_STATE_ENUM_(name, text) WORKER_STATE_##name,
enum worker_state { WORKER_STATE_MAP(WORKER_STATE_ENUM_) WORKER_STATE_COUNT };
#undef WORKER_STATE_ENUM_

const char *worker_state_name(enum worker_state state);

struct worker_options {
    struct engine_options engine; /* partition and all; what it points to lives longer */
    int64_t commit_interval_ms;   /* between the beginnings of two transactions */
    int64_t merge_wait_ms;
    int64_t max_clock_skew_ms;
    int64_t fence_wait_ms;       /* session.timeout.ms */
    int64_t delete_retention_ms; /* of `state`; -1: unknown */
    int64_t compare_ms;
    size_t backlog_bytes_max;
    struct horizon_options horizon;
    struct spans *spans; /* borrowed; NULL: none are written */
    bool recovering; /* `recover`: batches that Redis has and the log has not are told, not refused
                      */
};

enum { worker_refused_max = 100, worker_fences_max = 3, worker_fence_span_ms = 5 * 60 * 1000 };

#define WORKER_COUNT_MAP(X)                                                                        \
    X(BATCHES, "batches committed")                                                                \
    X(RECORDS, "records decided")                                                                  \
    X(TIMERS, "timers fired")                                                                      \
    X(OUTPUTS, "records written")                                                                  \
    X(DEAD_LETTERS, "records not decided")                                                         \
    X(TAKE_OVERS, "take-overs")                                                                    \
    X(LOOK_UPS, "outcomes of a transaction looked up")                                             \
    X(RESENT, "batches sent again")                                                                \
    X(FENCES, "times fenced")                                                                      \
    X(TORN, "torn records found on state")                                                         \
    X(NOT_WAITED, "times that an unreadable input was not waited for any longer")                  \
    X(COMMIT_US, "microseconds spent in commits")

#define WORKER_COUNT_ENUM_(name, text) WORKER_COUNT_##name,
enum worker_count { WORKER_COUNT_MAP(WORKER_COUNT_ENUM_) WORKER_COUNT_END };
#undef WORKER_COUNT_ENUM_

/* An input record that the broker does not take the outputs of. */
struct worker_refused {
    enum input input;
    int64_t offset;
};

struct worker {
    struct worker_options options;
    struct metrics *metrics;
    struct bus *bus;     /* only while assigned */
    struct store *store; /* NULL: without Redis */
    struct follow *follow;
    struct engine *engine;
    struct batch batch;
    struct clock clock;
    struct horizon horizon;
    bool kept;                    /* engine holds what the last committed meta says */
    int64_t meta_offset;          /* of that meta on `state`; -1: none, or unknown */
    struct engine_meta committed; /* number and writer of the last committed batch */
    uint8_t writer[writer_bytes];
    uint64_t ahead_number; /* recovering: the batch that Redis stands at, 0: not above the log */
    bool store_wrong;      /* Redis's copy did not fit the log */
    bool single;           /* one record a request, to find the one that is refused */
    struct worker_refused refused[worker_refused_max];
    size_t refused_count;
    int64_t fenced_ms[worker_fences_max];
    /* the loop */
    struct bus_input inputs[INPUT_COUNT];
    int64_t arrived_ms;   /* monotonic: since when candidates wait; INT64_MAX: there are none */
    int64_t began_ms;     /* monotonic: the last transaction */
    int64_t told_ms;      /* monotonic: group offsets */
    int64_t full_stop_ms; /* monotonic: nothing could be decided, look again then */
    bool fresh;           /* something came since the last decision */
    int64_t oldest_ms;    /* timestamp of the batch's oldest record; INT64_MAX: timers only */
    bool limited;         /* the last batch ended at a limit */
    int64_t not_waited_ms;
    uint64_t redis_target; /* the batch that Redis lacks since redis_since_ms */
    int64_t counted_ms;    /* monotonic: the gauges */
    uint64_t machine_counted[MACHINE_COUNT_END]; /* as the metrics have it */
    /* shared with the process's thread */
    pthread_t thread;
    bool threaded;
    atomic_int state;
    atomic_bool stop;
    int wake_fd;          /* readable once a stop was asked for: nothing else may come any more */
    atomic_llong stop_ms; /* monotonic, when stop was set */
    atomic_llong progress_ms;                   /* monotonic: it moved, or had nothing to do */
    atomic_llong waiting_since_ms[INPUT_COUNT]; /* wall: of the oldest record of that input that
                                                   waits; INT64_MAX: none */
    atomic_llong input_ends[INPUT_COUNT]; /* as the process's thread asked for them; -1: not yet */
    atomic_llong redis_since_ms; /* monotonic: Redis lacks something since; INT64_MAX: nothing */
    atomic_llong unread_ms;      /* monotonic: an input was last not waited for; 0: never */
    atomic_bool slow;            /* the clock waits for the wall clock */
    atomic_llong counts[WORKER_COUNT_END];
    struct err_note note; /* why it is REFUSED; read after that state */
};

/* options are copied. store may be NULL; it is the worker's from now on. Never NULL. */
struct worker *worker_create(const struct worker_options *options, struct store *store);
void worker_destroy(struct worker *worker); /* stopped; NULL is fine */

/* Begin, with this bus, which is the worker's until it has stopped. */
void worker_start(struct worker *worker, struct bus *bus);
/* Ask it to stop: it finishes the batch; take-over is left at once. Any thread. */
void worker_ask_stop(struct worker *worker);
/* Wait for it, and destroy the bus (its producer with it). */
void worker_join(struct worker *worker);

/* What the thread does: for tests, which give time and cause. Errors: those of the state it is
 * refused in; OK: stopped. */
enum err worker_run(struct worker *worker, struct err_note *note);

/* takeover.c: become owner, load, verify, seek. Errors: by their duty. */
MUST_CHECK enum err takeover(struct worker *worker, struct err_note *note);

/* takeover.c: only owner and load; nothing is positioned. Errors: as above. */
MUST_CHECK enum err takeover_load(struct worker *worker, struct err_note *note);

/* takeover.c: the commit of worker->batch failed with err: what became of it? OK: it is committed,
 * or was sent again and is. Errors: ERR_FENCED (another's meta is the last), ERR_PRODUCER_FATAL
 * (take over without kept memory), ERR_UNCOMMITTABLE, ERR_CANCELLED, EXIT ones. */
MUST_CHECK enum err takeover_resolve(struct worker *worker, enum err err,
                                     const struct bus_committed *committed, struct err_note *note);

/* loop.c: run until stopped. Errors: by their duty. */
MUST_CHECK enum err loop_run(struct worker *worker, struct err_note *note);

/* One turn of it, without waiting. */
MUST_CHECK enum err loop_turn(struct worker *worker, struct err_note *note);

/* count.c: a batch was committed; the gauges. */
void count_batch(struct worker *worker, int64_t commit_us);
void count_gauges(struct worker *worker);
void count_machine(struct worker *worker);

/* Shared by the three. */
bool worker_stopped(const struct worker *worker);
struct bus_cancel worker_cancel_now(struct worker *worker);   /* asked to stop */
struct bus_cancel worker_cancel_later(struct worker *worker); /* asked, and 2 s have passed */
void worker_count_add(struct worker *worker, enum worker_count count, size_t by);
void worker_progress(struct worker *worker);
/* Wait without work; ends at once when stopped. */
void worker_pause(struct worker *worker, int64_t ms);

#endif
