/* Metrics: what is counted, in one list (metric_list.h), and written as Prometheus reads it.
 *
 * Each worker has a block of its own, so that counting is one relaxed add that shares nothing;
 * the writer adds them up. Blocks live as long as the process: a counter never goes back because
 * a partition went away. Serving the text is not done here. */
#ifndef RINGBACK_BASE_METRICS_H
#define RINGBACK_BASE_METRICS_H

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

/* Reasons of the contract (enum Reason) but the first, which is none. */
/* clang-format off */
#define METRIC_REASONS \
    "FLOW_TYPE|NUMBER_MISSING|NUMBER_INVALID|SCRIPT_UNKNOWN|SCRIPT_NOT_CALLBACK|"               \
    "QUEUE_UNKNOWN|IN_QUEUE_FLOW_LIMIT|ALREADY_SERVED|ALREADY_REQUESTED|NOT_CONNECTED|"         \
    "ALREADY_SCHEDULED|IN_THE_PAST|TOO_FAR_AHEAD|ZONE_UNKNOWN|QUEUE_NEEDED|"                    \
    "QUEUE_SELECTION_OFF|OWNERSHIP_OFF|NO_PREFERRED_AGENT_RULE|OWNERSHIP_EXPIRED|"              \
    "EDIT_LOCKED|OWNER_MISSED|OWNER_GONE|NOT_A_MEMBER|OFFER_GONE|LOST|RETRIES_EXHAUSTED|"       \
    "NUMBER_DEAD|NOT_IN_CUSTOMER_FIRST|CUSTOMER_HUNG_UP|TO_FLOW|NOT_OWNED|COMPLETED|"           \
    "NOT_REACHED|CALLBACK_UNKNOWN|CALLBACK_ENDED|IN_CALL|WITH_AGENT|NOT_WITH_AGENT|"            \
    "NOT_YOURS|NOT_WAITING|DUPLICATE_NUMBER|REPLACED|CUSTOMER_SERVED|OUTSIDE_WINDOW|"           \
    "QUEUE_FULL|TOO_MANY_REQUESTS|NOBODY_CAN_SERVE|NOT_ACCEPTING|NUMBER_BLOCKED|"               \
    "SNOOZE_RANGE|SNOOZE_LIMIT|SNOOZED|EXPIRED|QUEUE_IN_USE|QUEUE_REMOVED|AGENT_UNKNOWN|"       \
    "SETTINGS_INVALID|CANCELLED|AGENT_GONE|LIMIT|TOO_LARGE|NOT_SUPPORTED|TIMED_OUT|"            \
    "DECLINED|AGENT_NOT_ELIGIBLE|MOVED|BUSY|NO_ANSWER|FAILED|INACTIVITY|OLD_VERSION|"           \
    "SHORT_WAIT"
/* clang-format on */

/* Sets of label values, fixed: X(set, name of the label, values by index, how many). input and
 * output are in the order of enum topic; undecided of UndecidedReason; machine of enum
 * machine_count; kind, command and reason of the contract (daemon/decision_kind.h); memory of enum
 * machine_memory, and what the worker holds; fault of enum bus_fault; state of enum worker_state;
 * lost of enum spans_lost. */
#define METRIC_LABEL_MAP(X)                                                                        \
    X(none, NULL, "", 1)                                                                           \
    X(input, "input", "settings|interactions|presence|flows|commands", 5)                          \
    X(output, "output", "routing|analytics|results|state|journal|dlq", 6)                          \
    X(undecided, "reason",                                                                         \
      "unspecified|undecodable|no_domain|wrong_partition|limit|time|uncommittable|repeated|"       \
      "unknown_kind",                                                                              \
      9)                                                                                           \
    X(failure, "reason", "resent|unknown|fenced|uncommittable|error", 5)                           \
    X(fault, "why", "error|fenced|refused|answer|timeout|unplaced|broker_away", 7)                 \
    X(store, "copy", "redis|state", 2)                                                             \
    X(machine, "what",                                                                             \
      "events|timers|old_facts|late_notices|repeats|refusals|offers|dials|late_answers|"           \
      "lost_attempts|lost_calls|silent_agents|reclaims|future_stamps|walks|walk_steps",            \
      16)                                                                                          \
    X(kind, "kind",                                                                                \
      "offer|revoke|callback_assigned|agent_released|place_call|hang_up|transfer_to_queue|"        \
      "reserve_agent|release_agent|prefer_agents|callback_ended|queue_status|"                     \
      "customer_position|callback_notice|session_started|segment|metric|session_ended|"            \
      "inactivity|resumed|still_waiting|callback_accepted|callback_refused|"                       \
      "command_accepted|command_refused|settings_accepted|settings_refused",                       \
      27)                                                                                          \
    X(command, "kind",                                                                             \
      "none|schedule|cancel|reschedule|reassign|accept|decline|dial|end|transfer|snooze", 11)      \
    X(reason, "reason", "|" METRIC_REASONS, 73)                                                    \
    X(answer, "answer", "ACCEPTED|" METRIC_REASONS, 73)                                            \
    X(memory, "kind",                                                                              \
      "callbacks|calls|agents|queues|answers|numbers|lines|names|timers|backlog|fetched|batch",    \
      12)                                                                                          \
    X(state, "state", "stopped|taking_over|running|backing_off|refused", 5)                        \
    X(lost, "reason", "queue|file|topic", 3)

/* Pairs of them: X(set, first, second). Of many values only those are written that were counted. */
#define METRIC_PAIR_MAP(X)                                                                         \
    X(dead_letter, input, undecided)                                                               \
    X(decision, kind, reason)                                                                      \
    X(answered, command, answer)

#define METRIC_LABEL_ENUM_(set, ...) METRIC_LABEL_##set,
enum metric_label {
    METRIC_LABEL_MAP(METRIC_LABEL_ENUM_) METRIC_PAIR_MAP(METRIC_LABEL_ENUM_) METRIC_LABEL_COUNT
};
#undef METRIC_LABEL_ENUM_

#define METRIC_LABEL_SIZE_(set, label, values, count) METRIC_LABEL_SIZE_##set = (count),
#define METRIC_PAIR_SIZE_(set, first, second)                                                      \
    METRIC_PAIR_STEP_##set = METRIC_LABEL_SIZE_##second,                                           \
    METRIC_LABEL_SIZE_##set = METRIC_LABEL_SIZE_##first * METRIC_LABEL_SIZE_##second,
enum { METRIC_LABEL_MAP(METRIC_LABEL_SIZE_) METRIC_PAIR_MAP(METRIC_PAIR_SIZE_) };
#undef METRIC_LABEL_SIZE_
#undef METRIC_PAIR_SIZE_

/* The index of a pair of values. */
#define METRIC_PAIR(set, first, second) ((int)(first)*METRIC_PAIR_STEP_##set + (int)(second))

enum metric_type {
    METRIC_TYPE_COUNTER,
    METRIC_TYPE_GAUGE,
    METRIC_TYPE_WORKER_GAUGE,
    METRIC_TYPE_HISTOGRAM
};

/* Values are whole numbers: SECONDS are given in microseconds. */
enum metric_unit { METRIC_UNIT_ONE, METRIC_UNIT_BYTES, METRIC_UNIT_SECONDS };

#define METRIC(name, ...) METRIC_##name,
enum metric {
#include "base/metric_list.h"
    METRIC_COUNT
};
#undef METRIC

/* A histogram's cells: its buckets, the one without an upper bound, the sum. */
enum { metric_bucket_count = 18, metric_histogram_cells = metric_bucket_count + 2 };
enum {
    METRIC_CELLS_COUNTER = 1,
    METRIC_CELLS_GAUGE = 1,
    METRIC_CELLS_WORKER_GAUGE = 1,
    METRIC_CELLS_HISTOGRAM = metric_histogram_cells
};

/* The first cell of each metric; the last one is named only to count on. */
#define METRIC(name, type, unit, label, help)                                                      \
    METRIC_AT_##name,                                                                              \
        METRIC_LAST_##name =                                                                       \
            METRIC_AT_##name + METRIC_CELLS_##type * METRIC_LABEL_SIZE_##label - 1,
enum metric_cell {
#include "base/metric_list.h"
    METRIC_CELL_COUNT
};
#undef METRIC

enum { metrics_workers_max = 1024 };

struct metrics; /* opaque: the cells of one worker */

/* The block of a partition's worker (0 .. metrics_workers_max - 1), or of the process outside them
 * (-1): the same one at each call. Never NULL, never freed. Any thread. */
struct metrics *metrics_of(int partition);

/* label: an index of the metric's set, 0 where it has none. Any thread, lock-free. */
void metrics_add(struct metrics *metrics, enum metric metric, int label, uint64_t count);
void metrics_set(struct metrics *metrics, enum metric metric, int label, int64_t value);
/* Negative values count as 0. */
void metrics_observe(struct metrics *metrics, enum metric metric, int label, int64_t value);

/* The worker's gauges are no longer written (its partition went away) until they are set again. */
void metrics_leave(struct metrics *metrics);

/* Who this is, for the metric info: copied; once, before anybody else counts or reads. */
void metrics_name(const char *version, const char *group);

/* All of them, Prometheus text format 0.0.4. Returns 0, or -1 if out has an error. */
int metrics_write(FILE *out);

/* For logs and tests: one cell's value over all workers; of a histogram how often it was observed.
 */
uint64_t metrics_total(enum metric metric, int label);

/* For tests: all cells to 0, no worker known. */
void metrics_reset(void);

#endif
