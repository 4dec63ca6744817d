/* What goes wrong in a run: a plan of faults that follows from the seed, each with its time, and
 * what it meets. A plan can be thinned: that is how a failing run is shrunk. */
#ifndef RINGBACK_TESTS_SIM_FAULTS_H
#define RINGBACK_TESTS_SIM_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/point.h"

#define FAULT_MAP(X)                                                                               \
    X(REQUEST_LOST, "a request to the broker is lost")                                             \
    X(REPLY_LOST, "a request is done, its answer is lost")                                         \
    X(REQUEST_LATE, "a request comes long after it was given up")                                  \
    X(CUT, "a daemon is cut off the brokers")                                                      \
    X(TRANSACTIONS_AWAY, "the coordinator of transactions moves")                                  \
    X(GROUP_AWAY, "the coordinator of the group moves")                                            \
    X(LEADER_AWAY, "a partition has no leader")                                                    \
    X(MARKERS_LATE, "markers reach partitions at different times")                                 \
    X(HANGING, "a foreign transaction hangs on an output")                                         \
    X(FOREIGN_MARKER, "a marker that no reader sees is an input's last record")                    \
    X(COMPACTED, "the state topic is compacted")                                                   \
    X(KILLED, "a daemon is killed at an I/O call")                                                 \
    X(KILLED_AT_POINT, "a daemon is killed at a labelled point")                                   \
    X(FROZEN, "a daemon is frozen")                                                                \
    X(FROZEN_AT_POINT, "a daemon is frozen at a labelled point")                                   \
    X(STOPPED, "a daemon is stopped in order")                                                     \
    X(CLOCK_FORTH, "a daemon's clock jumps forth")                                                 \
    X(CLOCK_BACK, "a daemon's clock jumps back")                                                   \
    X(REDIS_CUT, "Redis's connection breaks before a call is done")                                \
    X(REDIS_REPLY_LOST, "Redis's connection breaks after a call is done")                          \
    X(REDIS_AWAY, "Redis does not answer")                                                         \
    X(REDIS_WIPED, "Redis is emptied")                                                             \
    X(REDIS_OLD, "Redis comes back from an older dump")                                            \
    X(REDIS_LOST_KEY, "Redis loses an entity")                                                     \
    X(SKIPPED, "a new producer's first records are refused, those behind them are taken")

#define FAULT_ENUM_(name, text) FAULT_##name,
enum fault_kind { FAULT_MAP(FAULT_ENUM_) FAULT_COUNT };
#undef FAULT_ENUM_

enum { faults_max = 16 };

struct fault {
    enum fault_kind kind;
    int64_t at_us; /* from when on */
    int64_t span_us;
    int who; /* the daemon's number */
    int api; /* of a request */
    int nth; /* of what meets it, from 1 */
    int topic;
    int partition;
    enum point point;
    bool kept; /* false: thinned out */
    bool armed;
    bool happened;
};

const char *fault_name(enum fault_kind kind);
const char *fault_text(enum fault_kind kind);
const char *fault_point_name(enum point point);

/* Make the plan: no fault begins after until_us. */
void faults_plan(uint64_t seed, int daemons, int partitions, int64_t until_us);
extern struct fault faults[faults_max];
extern int fault_count;

/* Begin: hooks are set, events made. */
void faults_begin(void);
/* Whatever still goes on ends; nothing more happens. */
void faults_heal(void);
void fault_say(const struct fault *fault, char text[200]);

/* Counted over all runs of this process. */
extern uint64_t faults_happened[FAULT_COUNT];
extern uint64_t points_reached[POINT_COUNT];
extern uint64_t points_died[POINT_COUNT];

#endif
