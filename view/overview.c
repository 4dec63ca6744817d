#include "view/overview.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "view/query_parts.h"

enum { hour_ms = 3600 * 1000 };

static void wait_from(int64_t *oldest_ms, int64_t since_ms)
{
    if (since_ms != 0 && (*oldest_ms == 0 || since_ms < *oldest_ms))
        *oldest_ms = since_ms;
}

#define STATE(NAME) RINGBACK__V1__CALLBACK_STATE__CALLBACK_STATE_##NAME

static void count_due(const struct overview *overview, const struct view_row *row,
                      struct overview_numbers *numbers)
{
    int64_t hour;

    if (row->due_ms < overview->from_ms)
        return;
    hour = (row->due_ms - overview->from_ms) / hour_ms;
    if (hour < overview_hours)
        numbers->due[hour]++;
}

static void count_callback(const struct overview *overview, const struct view_row *row,
                           const struct view_rest *rest, struct overview_numbers *numbers)
{
    bool waits = false;

    switch ((Ringback__V1__CallbackState)row->state) {
    case STATE(SCHEDULED):
        count_due(overview, row, numbers);
        waits = true;
        break;
    case STATE(WAITING):
    case STATE(DELAYED):
    case STATE(SNOOZED):
        numbers->waiting_callbacks++;
        wait_from(&numbers->oldest_callback_ms, rest->entry_ms);
        waits = true;
        break;
    case STATE(OFFERED): numbers->offers++; break;
    case STATE(DIALLING): numbers->dials++; break;
    case STATE(TALKING): numbers->in_call++; break;
    case STATE(WITH_AGENT):
    case STATE(WRAP_UP):
    case STATE(UNSPECIFIED):
    case STATE(ENDED):
    case _RINGBACK__V1__CALLBACK_STATE_IS_INT_SIZE: break;
    }
    numbers->overdue += waits && row->due_ms < overview->now_ms;
}

static void count_agent(const struct view_agent *agent, struct overview_numbers *numbers)
{
    bool on = agent->presence == RINGBACK__V1__PRESENCE__PRESENCE_ON_QUEUE;
    bool idle = agent->status == RINGBACK__V1__ROUTING_STATUS__ROUTING_STATUS_IDLE;

    numbers->joined++;
    numbers->on_queue += on;
    numbers->available += on && idle;
    numbers->busy += on && !idle;
}

static void count_agents(struct overview *overview, const struct query_plan *plan)
{
    const struct view_model *model = plan->model;

    for (uint32_t at = 1; at < model->agent_count; at++) {
        const struct view_agent *agent = &model->agents[at];
        bool any = false;

        if (!agent->there || agent->removed)
            continue;
        for (uint32_t i = 0; i < agent->queue_count; i++) {
            if (plan->queue_ok[agent->queues[i]] == 0)
                continue;
            count_agent(agent, &overview->queues[agent->queues[i]]);
            any = true;
        }
        if (any)
            count_agent(agent, &overview->totals);
    }
}

static void count_calls(struct overview *overview, const struct query_plan *plan)
{
    const struct view_model *model = plan->model;
    size_t cursor = 0;
    uint32_t handle;

    while ((handle = table_next(&model->call_table, &cursor)) != 0) {
        const struct view_call *call = pool_at(&model->calls, handle);

        if (plan->queue_ok[call->queue] == 0)
            continue;
        overview->queues[call->queue].waiting_live++;
        wait_from(&overview->queues[call->queue].oldest_live_ms, call->entry_ms);
    }
}

static void add_up(struct overview_numbers *sum, const struct overview_numbers *one)
{
    sum->waiting_live += one->waiting_live;
    sum->waiting_callbacks += one->waiting_callbacks;
    wait_from(&sum->oldest_live_ms, one->oldest_live_ms);
    wait_from(&sum->oldest_callback_ms, one->oldest_callback_ms);
    sum->offers += one->offers;
    sum->dials += one->dials;
    sum->in_call += one->in_call;
    sum->overdue += one->overdue;
    for (int i = 0; i < overview_hours; i++)
        sum->due[i] += one->due[i];
}

void overview_init(struct overview *overview, const struct view_model *model,
                   const struct view_query *query, int64_t now_ms)
{
    struct query_plan plan;

    memset(overview, 0, sizeof(*overview));
    overview->now_ms = now_ms;
    overview->from_ms = now_ms - now_ms % hour_ms;
    overview->queues = memory_zalloc(model->queue_count * sizeof(*overview->queues), "an overview");
    query_plan_init(&plan, model, query);
    for (uint32_t handle = 1; handle < model->row_end; handle++) {
        const struct view_row *row = model_row(model, handle);

        if (row->kind != 0 && row->state != STATE(ENDED) && plan.queue_ok[row->queue] != 0)
            count_callback(overview, row, model_rest(model, handle), &overview->queues[row->queue]);
    }
    count_calls(overview, &plan);
    count_agents(overview, &plan);
    for (uint32_t at = 1; at < model->queue_count; at++)
        add_up(&overview->totals, &overview->queues[at]);
    query_plan_deinit(&plan);
}

void overview_deinit(struct overview *overview)
{
    free(overview->queues);
}

/* --- as JSON --- */

static void age_field(struct out *out, const char *name, int64_t since_ms, int64_t now_ms)
{
    out_format(out, "\"%s\":", name);
    out_json_seconds(out, since_ms == 0 ? -1 : now_ms > since_ms ? now_ms - since_ms : 0);
    out_char(out, ',');
}

static void render_numbers(struct out *out, const struct overview *overview,
                           const struct overview_numbers *numbers)
{
    out_format(out, "\"waiting_live\":%u,\"waiting_callbacks\":%u,", numbers->waiting_live,
               numbers->waiting_callbacks);
    age_field(out, "oldest_live_seconds", numbers->oldest_live_ms, overview->now_ms);
    age_field(out, "oldest_callback_seconds", numbers->oldest_callback_ms, overview->now_ms);
    out_format(out, "\"agents\":{\"joined\":%u,\"on_queue\":%u,\"available\":%u,\"busy\":%u},",
               numbers->joined, numbers->on_queue, numbers->available, numbers->busy);
    out_format(out, "\"offers\":%u,\"dials\":%u,\"in_call\":%u,\"overdue\":%u,\"due\":[",
               numbers->offers, numbers->dials, numbers->in_call, numbers->overdue);
    for (int i = 0; i < overview_hours; i++) {
        out_text(out, i == 0 ? "{\"from\":" : ",{\"from\":");
        out_json_time(out, overview->from_ms + i * (int64_t)hour_ms);
        out_format(out, ",\"count\":%u}", numbers->due[i]);
    }
    out_char(out, ']');
}

static void render_queue(struct out *out, const struct overview *overview,
                         const struct view_model *model, uint32_t handle)
{
    const struct view_queue *queue = &model->queues[handle];
    const char *id = model_string(model, queue->id), *name = model_queue_name(model, handle);

    out_text(out, "{\"id\":");
    out_json(out, id, strlen(id));
    out_text(out, ",\"name\":");
    out_json(out, name, strlen(name));
    out_format(out, ",\"open\":%s,\"estimate_seconds\":",
               queue->there && !queue->closed ? "true" : "false");
    out_json_seconds(out, queue->estimate_ms);
    out_char(out, ',');
    render_numbers(out, overview, &overview->queues[handle]);
    out_char(out, '}');
}

/* A queue that was only named somewhere is none. */
static bool is_told(const struct view_model *model, const struct query_plan *plan, uint32_t at)
{
    return plan->queue_ok[at] != 0 && (model->queues[at].there || model->queues[at].live > 0);
}

void overview_render(struct out *out, const struct overview *overview,
                     const struct view_model *model, const struct view_query *query)
{
    const char *between = "";
    struct query_plan plan;

    query_plan_init(&plan, model, query);
    out_text(out, "\"domains\":[");
    for (uint32_t domain = 1; domain < model->domain_count; domain++) {
        const char *comma = "";

        if (plan.domain_ok[domain] == 0)
            continue;
        out_format(out, "%s{\"id\":", between);
        out_json_or_null(out, model_string(model, model->domains[domain].id));
        out_text(out, ",\"queues\":[");
        for (uint32_t at = 1; at < model->queue_count; at++) {
            if (model->queues[at].domain != domain || !is_told(model, &plan, at))
                continue;
            out_text(out, comma);
            render_queue(out, overview, model, at);
            comma = ",";
        }
        out_text(out, "]}");
        between = ",";
    }
    out_text(out, "],\"totals\":{");
    render_numbers(out, overview, &overview->totals);
    out_char(out, '}');
    query_plan_deinit(&plan);
}
