/* Whether the process lives, is ready and does well: what the process's thread saw last, and how
 * it is told over HTTP.
 *
 *   /livez    200, or 503 when the process's own thread does not move any more
 *   /readyz   200 when it decides on all partitions that it was given; 503 with reasons else
 *   /metrics  Prometheus text format 0.0.4
 *
 * An overload does not make it unready: nobody else would take the work. It is a warning, and the
 * status is `degraded`. */
#ifndef RINGBACK_DAEMON_HEALTH_H
#define RINGBACK_DAEMON_HEALTH_H

#include <pthread.h>

#include "daemon/http.h"
#include "daemon/worker.h"

/* Why it is not ready (REASON), or not well (WARNING). */
#define HEALTH_MAP(X)                                                                              \
    X(STARTING, REASON, "the broker was not reached yet, or the group gave no answer")             \
    X(HANGS, REASON, "the process's own thread does not move")                                     \
    X(STOPPING, REASON, "it was asked to stop")                                                    \
    X(TAKING_OVER, REASON, "the partition is being taken over")                                    \
    X(BACKING_OFF, REASON, "the partition waits to be taken over again, after an error")           \
    X(REFUSED, REASON, "the partition cannot be decided: see the log")                             \
    X(NO_PARTITION, WARNING, "the group gave it no partition: others decide")                      \
    X(BEHIND, WARNING, "records wait longer than health_behind for their decision")                \
    X(REDIS_BEHIND, WARNING, "Redis lacks what was decided longer than health_behind ago")         \
    X(CLOCK_SLOW, WARNING,                                                                         \
      "the saved clock is ahead of this machine's: time goes at half its pace")                    \
    X(INPUT_UNREAD, WARNING, "an input cannot be read: deadlines do not wait for it any longer")   \
    X(TRANSACTION_HANGS, WARNING,                                                                  \
      "a transaction hangs on an output: readers see nothing behind it")                           \
    X(MEMORY_OVER, WARNING, "the process's memory is over memory_limit")

#define HEALTH_ENUM_(name, kind, text) HEALTH_##name,
enum health_what { HEALTH_MAP(HEALTH_ENUM_) HEALTH_COUNT };
#undef HEALTH_ENUM_

/* One partition, as it is now. */
struct health_partition {
    int32_t partition;
    enum worker_state state;
    int64_t behind_ms;       /* age of the oldest record that waits; 0: none does */
    int64_t redis_behind_ms; /* how long Redis has lacked something; 0: it does not */
    bool clock_slow;
    bool input_unread;
    bool hangs;
};

/* What is shown. partitions: those that were given to this process. */
struct health_view {
    bool started; /* the group gave an answer */
    bool stopping;
    bool memory_over;
    int64_t behind_max_ms; /* health_behind */
    size_t count;
    struct health_partition *partitions;
};

struct health {
    pthread_mutex_t lock;
    struct health_view view; /* its partitions are ours */
    int64_t seen_ms;         /* monotonic: when the process's thread last moved */
};

void health_init(struct health *health, int64_t behind_max_ms, int64_t now_ms);
void health_deinit(struct health *health);

/* The process's thread, at each turn; the partitions are copied. now_ms: monotonic. */
void health_see(struct health *health, const struct health_view *view, int64_t now_ms);

/* Any thread: the same in a line for people, as "ready: decides on 4 partitions". Returns whether
 * it is ready. now_ms: monotonic. */
bool health_line(struct health *health, int64_t now_ms, char *line, size_t size);

/* Any thread. For http: context is a struct health. */
void health_handle(void *context, const char *path, struct http_answer *answer);

/* The parts of it, for tests. now_ms: monotonic. Bodies are JSON, to be freed. */
unsigned health_live(struct health *health, int64_t now_ms, char **body);
unsigned health_ready(struct health *health, int64_t now_ms, char **body);

#endif
