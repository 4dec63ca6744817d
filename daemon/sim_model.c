#include "daemon/sim_model.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "daemon/sim_draw.h"

/* README of the data: a customer of high priority is taken as if he had come 1.5 minutes earlier.
 */
enum { high_priority_ms = 90000 };

/* A clock of events takes no longer jump (protocol.md, event_jump_max). */
#define GAP_MS_MAX INT64_C(2592000000)

static int compare_waits(const void *a, const void *b)
{
    const struct sim_wait *x = a, *y = b;

    if (x->waited_ms != y->waited_ms)
        return x->waited_ms < y->waited_ms ? -1 : 1;
    return (int)y->hung_up - (int)x->hung_up;
}

void sim_curve_fit(struct sim_curve *curve, struct sim_wait *waits, size_t count,
                   struct arena *arena)
{
    double alive = 1;

    curve->waited_ms = arena_alloc(arena, count * sizeof(*curve->waited_ms));
    curve->alive = arena_alloc(arena, count * sizeof(*curve->alive));
    curve->count = 0;
    if (count > 0)
        qsort(waits, count, sizeof(*waits), compare_waits);
    for (size_t i = 0; i < count;) {
        size_t gone = 0, next = i;

        for (; next < count && waits[next].waited_ms == waits[i].waited_ms; next++)
            gone += waits[next].hung_up;
        if (gone > 0) {
            alive *= 1 - (double)gone / (double)(count - i);
            curve->waited_ms[curve->count] = waits[i].waited_ms;
            curve->alive[curve->count++] = alive;
        }
        i = next;
    }
}

int64_t sim_curve_beyond(const struct sim_curve *curve, int64_t already_ms, double uniform)
{
    double alive = 1;
    size_t i = 0;

    for (; i < curve->count && curve->waited_ms[i] <= already_ms; i++)
        alive = curve->alive[i];
    for (; i < curve->count; i++) {
        if (curve->alive[i] <= (1 - uniform) * alive)
            return curve->waited_ms[i];
    }
    return SIM_FOREVER_MS;
}

static bool is_caller(const struct sim_row *row)
{
    return row->use == SIM_USE_SERVED || row->use == SIM_USE_HUNG_UP;
}

static int compare_callers(const void *a, const void *b)
{
    const struct sim_caller *x = a, *y = b;

    if (x->arrive_ms != y->arrive_ms)
        return x->arrive_ms < y->arrive_ms ? -1 : 1;
    return x->row->line_number < y->row->line_number ? -1 : 1;
}

static void make_callers(struct sim_model *model, struct arena *arena)
{
    const struct sim_calls *calls = model->calls;

    model->callers = arena_alloc(arena, calls->count * sizeof(*model->callers));
    for (size_t i = 0; i < calls->count; i++) {
        const struct sim_row *row = &calls->rows[i];

        if (is_caller(row))
            model->callers[model->caller_count++] = (struct sim_caller){
                row, row->enter_ms, row->enter_ms - (row->high ? high_priority_ms : 0)};
    }
    qsort(model->callers, model->caller_count, sizeof(*model->callers), compare_callers);
}

static int compare_spans(const void *a, const void *b)
{
    const struct sim_span *x = a, *y = b;

    if (x->from_ms != y->from_ms)
        return x->from_ms < y->from_ms ? -1 : 1;
    return (x->to_ms > y->to_ms) - (x->to_ms < y->to_ms);
}

/* Talks of one agent, sorted, become the spans in which he is there. */
static size_t join_spans(struct sim_span *spans, size_t count, int64_t gap_ms)
{
    size_t joined = 0;

    if (count > 0)
        qsort(spans, count, sizeof(*spans), compare_spans);
    for (size_t i = 0; i < count; i++) {
        if (joined > 0 && spans[i].from_ms - spans[joined - 1].to_ms <= gap_ms) {
            if (spans[i].to_ms > spans[joined - 1].to_ms)
                spans[joined - 1].to_ms = spans[i].to_ms;
        } else {
            spans[joined++] = spans[i];
        }
    }
    return joined;
}

/* Ids of the contract are 1..128 of these bytes; names of a file may be anything. */
static const char *make_id(const char *name, const char *kind, size_t index, struct arena *arena)
{
    size_t size = strlen(name);

    if (size <= 128 && size == strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                            "0123456789._@:/+-"))
        return name;
    return arena_format(arena, "%s:%zu", kind, index + 1);
}

static void make_agents(struct sim_model *model, int64_t gap_ms, struct arena *arena)
{
    const struct sim_calls *calls = model->calls;
    size_t *talks;

    model->agent_count = calls->agents.count;
    model->agents = arena_zalloc(arena, model->agent_count * sizeof(*model->agents));
    talks = arena_zalloc(arena, model->agent_count * sizeof(*talks));
    for (size_t i = 0; i < calls->count; i++) {
        if (calls->rows[i].agent >= 0)
            talks[calls->rows[i].agent]++;
    }
    for (size_t i = 0; i < model->agent_count; i++) {
        struct sim_agent *agent = &model->agents[i];

        agent->name = calls->agents.items[i];
        agent->id = make_id(agent->name, "agent", i, arena);
        agent->serves = arena_zalloc(arena, model->service_count * sizeof(*agent->serves));
        agent->spans = arena_alloc(arena, talks[i] * sizeof(*agent->spans));
        agent->errands = arena_alloc(arena, talks[i] * sizeof(*agent->errands));
    }
    for (size_t i = 0; i < calls->count; i++) {
        const struct sim_row *row = &calls->rows[i];
        struct sim_agent *agent;
        struct sim_span talk;

        if (row->agent < 0 || row->use == SIM_USE_OUT || row->talk_start_ms < 0)
            continue;
        agent = &model->agents[row->agent];
        talk = (struct sim_span){row->talk_start_ms, row->talk_start_ms + row->talk_ms};
        agent->spans[agent->span_count++] = talk;
        if (row->use == SIM_USE_ERRAND)
            agent->errands[agent->errand_count++] = talk;
        else
            agent->serves[row->service] = true;
    }
    for (size_t i = 0; i < model->agent_count; i++) {
        struct sim_agent *agent = &model->agents[i];

        agent->span_count = join_spans(agent->spans, agent->span_count, gap_ms);
        if (agent->errand_count > 0)
            qsort(agent->errands, agent->errand_count, sizeof(*agent->errands), compare_spans);
    }
}

static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static bool is_talk(const struct sim_row *row, int32_t service)
{
    return row->use == SIM_USE_SERVED && (service < 0 || row->service == service);
}

static size_t count_talks(const struct sim_model *model, int32_t service)
{
    size_t count = 0;

    for (size_t i = 0; i < model->caller_count; i++)
        count += is_talk(model->callers[i].row, service);
    return count;
}

/* The talks of a service, of all services if it is negative, sorted. */
static void collect_talks(const struct sim_model *model, int32_t service, int64_t *talks)
{
    size_t count = 0;

    for (size_t i = 0; i < model->caller_count; i++) {
        if (is_talk(model->callers[i].row, service))
            talks[count++] = model->callers[i].row->talk_ms;
    }
    if (count > 0)
        qsort(talks, count, sizeof(*talks), compare_times);
}

static void make_services(struct sim_model *model, struct arena *arena)
{
    struct sim_wait *waits = arena_alloc(arena, model->caller_count * sizeof(*waits));
    size_t all_count = count_talks(model, -1);
    int64_t *all = arena_alloc(arena, all_count * sizeof(*all));

    collect_talks(model, -1, all);
    model->queue_ids = arena_alloc(arena, model->service_count * sizeof(*model->queue_ids));
    model->curves = arena_zalloc(arena, model->service_count * sizeof(*model->curves));
    model->talks = arena_zalloc(arena, model->service_count * sizeof(*model->talks));
    model->talk_counts = arena_zalloc(arena, model->service_count * sizeof(*model->talk_counts));
    for (size_t service = 0; service < model->service_count; service++) {
        size_t talk_count = count_talks(model, (int32_t)service), wait_count = 0;
        int64_t *talks = arena_alloc(arena, talk_count * sizeof(*talks));

        collect_talks(model, (int32_t)service, talks);
        model->queue_ids[service] =
            make_id(model->calls->services.items[service], "queue", service, arena);
        model->talks[service] = talk_count > 0 ? talks : all;
        model->talk_counts[service] = talk_count > 0 ? talk_count : all_count;
        for (size_t i = 0; i < model->caller_count; i++) {
            const struct sim_row *row = model->callers[i].row;

            if (row->service == (int32_t)service)
                waits[wait_count++] = (struct sim_wait){row->wait_ms, row->use == SIM_USE_HUNG_UP};
        }
        sim_curve_fit(&model->curves[service], waits, wait_count, arena);
    }
}

static void widen(struct sim_model *model, int64_t from_ms, int64_t to_ms)
{
    if (from_ms < model->first_ms)
        model->first_ms = from_ms;
    if (to_ms > model->last_ms)
        model->last_ms = to_ms;
}

enum err sim_model_make(struct sim_model *model, const struct sim_calls *calls, int64_t gap_ms,
                        struct arena *arena, struct err_note *note)
{
    size_t talking = 0;

    *model = (struct sim_model){.calls = calls,
                                .service_count = calls->services.count,
                                .first_ms = INT64_MAX,
                                .last_ms = INT64_MIN};
    make_callers(model, arena);
    make_agents(model, gap_ms, arena);
    make_services(model, arena);
    for (size_t i = 0; i < model->caller_count; i++)
        widen(model, model->callers[i].entry_ms,
              model->callers[i].arrive_ms + model->callers[i].row->wait_ms);
    for (size_t i = 0; i < model->agent_count; i++) {
        const struct sim_agent *agent = &model->agents[i];

        talking += agent->span_count > 0;
        if (agent->span_count > 0)
            widen(model, agent->spans[0].from_ms, agent->spans[agent->span_count - 1].to_ms);
    }
    for (size_t i = 1; i < model->caller_count; i++) {
        if (model->callers[i].arrive_ms - model->callers[i - 1].arrive_ms > GAP_MS_MAX)
            return FAIL(note, ERR_BAD_FILE,
                        "line %" PRIu32 ": nobody called for 30 days before; give each stretch of"
                        " time a file of its own",
                        model->callers[i].row->line_number);
    }
    if (model->caller_count == 0)
        return FAIL(note, ERR_BAD_FILE, "no row is of a caller who queued or was served");
    if (talking == 0 || count_talks(model, -1) == 0)
        return FAIL(note, ERR_BAD_FILE,
                    "no row says which agent served it: who was there cannot be told");
    return ERR_OK;
}

int64_t sim_model_patience(const struct sim_model *model, uint32_t caller, uint64_t seed,
                           uint32_t domain)
{
    const struct sim_row *row = model->callers[caller].row;

    if (row->use == SIM_USE_HUNG_UP)
        return row->wait_ms;
    return sim_curve_beyond(&model->curves[row->service], row->wait_ms,
                            sim_uniform(seed, SIM_DRAW_PATIENCE, domain, caller, 0));
}

int64_t sim_model_patience_called(const struct sim_model *model, uint32_t caller, uint64_t seed,
                                  uint32_t domain)
{
    return sim_curve_beyond(&model->curves[model->callers[caller].row->service], 0,
                            sim_uniform(seed, SIM_DRAW_ON_LINE, domain, caller, 0));
}

int64_t sim_model_talk(const struct sim_model *model, uint32_t caller, uint64_t seed,
                       uint32_t domain)
{
    const struct sim_row *row = model->callers[caller].row;
    size_t count = model->talk_counts[row->service];

    if (row->use == SIM_USE_SERVED)
        return row->talk_ms;
    assert(count > 0);
    return model->talks[row->service][(size_t)(sim_uniform(seed, SIM_DRAW_TALK, domain, caller, 0) *
                                               (double)count)];
}
