/* What the call records say about callers and agents: how long callers of a service wait before
 * they hang up, how long talks last, which services an agent serves and when he is there. */
#ifndef RINGBACK_DAEMON_SIM_MODEL_H
#define RINGBACK_DAEMON_SIM_MODEL_H

#include "base/arena.h"
#include "daemon/sim_csv.h"

/* Never hangs up. */
#define SIM_FOREVER_MS INT64_MAX

/* A survival curve (Kaplan and Meier 1958): steps where somebody hung up. alive[i]: the part of
 * callers still there just after waited_ms[i]. */
struct sim_curve {
    int64_t *waited_ms;
    double *alive;
    size_t count;
};

/* How long one caller waited; hung_up false: he was served, so he would have waited longer. */
struct sim_wait {
    int64_t waited_ms;
    bool hung_up;
};

/* Sorts waits; who is served at the moment when another hangs up counts as still there then. */
void sim_curve_fit(struct sim_curve *curve, struct sim_wait *waits, size_t count,
                   struct arena *arena);

/* The patience of a caller who waited already_ms without hanging up: uniform in [0, 1) picks it.
 * SIM_FOREVER_MS beyond the last step. */
int64_t sim_curve_beyond(const struct sim_curve *curve, int64_t already_ms, double uniform);

/* One who calls. */
struct sim_caller {
    const struct sim_row *row;
    int64_t arrive_ms;
    int64_t entry_ms; /* what he ranks by */
};

struct sim_span {
    int64_t from_ms, to_ms;
};

struct sim_agent {
    const char *name;
    const char *id; /* the name if it may be an id, else made from the index */
    bool *serves;   /* by service */
    struct sim_span *spans;
    size_t span_count;
    struct sim_span *errands; /* returned calls: begin and end of the talk */
    size_t errand_count;
};

struct sim_model {
    const struct sim_calls *calls;
    size_t service_count;
    const char **queue_ids;     /* by service, as agents' ids */
    struct sim_caller *callers; /* by arrival, then line of the file */
    size_t caller_count;
    struct sim_agent *agents; /* in the order of calls->agents */
    size_t agent_count;
    struct sim_curve *curves; /* by service */
    int64_t **talks;          /* by service, sorted; all talks of the file if a service has none */
    size_t *talk_counts;
    int64_t first_ms, last_ms; /* of anything in the file */
};

/* gap_ms: an agent without a talk for longer is absent meanwhile. Everything is in arena; calls is
 * borrowed for the model's life. Errors: ERR_BAD_FILE (nobody called, nobody served). */
MUST_CHECK enum err sim_model_make(struct sim_model *model, const struct sim_calls *calls,
                                   int64_t gap_ms, struct arena *arena, struct err_note *note);

/* How long this caller waits before he hangs up: recorded, or drawn beyond what he waited. */
int64_t sim_model_patience(const struct sim_model *model, uint32_t caller, uint64_t seed,
                           uint32_t domain);

/* How long he waits for an agent when he was called first and has answered: drawn from his
 * service's curve. */
int64_t sim_model_patience_called(const struct sim_model *model, uint32_t caller, uint64_t seed,
                                  uint32_t domain);

/* How long he talks: recorded, or drawn from the talks of his service. */
int64_t sim_model_talk(const struct sim_model *model, uint32_t caller, uint64_t seed,
                       uint32_t domain);

#endif
