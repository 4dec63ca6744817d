/* What agents and dials are measured by (10.3, 10.6). Stays have theirs in emit.c. */
#include "state/internal.h"

static void tell(struct machine *m, PB(MetricName) name, int64_t value, const struct callback *cb)
{
    emit_metric(m, name, value < 0 ? 0 : value, cb, NULL, cb->queue, cb->agent);
}

/* A dial until its outcome; that it rang was told then. */
static void dial_over(struct machine *m, const struct callback *cb, int64_t start_ms,
                      int64_t end_ms)
{
    const struct active *active = active_at(m, cb->active);

    if (active->ringing_ms == 0)
        tell(m, METRIC(T_CONTACTING), end_ms - start_ms, cb);
    else
        tell(m, METRIC(T_DIALING), end_ms - active->ringing_ms, cb);
}

static void talk_over(struct machine *m, struct callback *cb, int64_t start_ms, int64_t end_ms)
{
    struct active *active = active_at(m, cb->active);

    if (active->held)
        tell(m, METRIC(T_HELD), end_ms - start_ms, cb);
    else
        active->talk_ms += end_ms > start_ms ? end_ms - start_ms : 0;
    tell(m, METRIC(T_TALK), active->talk_ms, cb);
    extra_get(m, cb)->talk_ms += active->talk_ms;
    active->talk_ms = 0;
    active->held = false;
}

void metrics_stretch(struct machine *m, uint32_t handle, PB(CallbackState) state, int64_t start_ms,
                     int64_t end_ms)
{
    struct callback *cb = callback_at(m, handle);
    bool works = state >= STATE(DIALLING) && cb->agent != 0;

    if (state == STATE(OFFERED) && cb->agent != 0)
        tell(m, METRIC(T_ALERT), end_ms - start_ms, cb);
    else if (state == STATE(DIALLING))
        dial_over(m, cb, start_ms, end_ms);
    else if (state == STATE(TALKING) && cb->agent != 0)
        talk_over(m, cb, start_ms, end_ms);
    else if (state == STATE(WRAP_UP))
        tell(m, METRIC(T_ACW), end_ms - start_ms, cb);
    if (works && end_ms > start_ms)
        active_at(m, cb->active)->active_ms += end_ms - start_ms;
}

void metrics_hold(struct machine *m, uint32_t handle, bool held)
{
    struct callback *cb = callback_at(m, handle);
    struct active *active = active_at(m, cb->active);
    int64_t stretch_ms = m->step.when > cb->since_ms ? m->step.when - cb->since_ms : 0;

    emit_segment(m, cb, STATE(TALKING), cb->since_ms, m->step.when);
    if (active->held)
        tell(m, METRIC(T_HELD), stretch_ms, cb);
    else
        active->talk_ms += stretch_ms;
    active->active_ms += stretch_ms;
    active->held = held;
    cb->since_ms = m->step.when;
}

/* The last 32 of a queue (12.5), oldest first. */
static void sample(struct machine *m, uint32_t handle, int64_t handle_ms)
{
    struct queue *queue = queue_at(m, handle);

    touch(m, ref_make(KIND_COUNTERS, handle));
    queue_stir(m, handle);
    if (queue->handle_count == HANDLE_SAMPLES)
        memmove(queue->handle_ms, queue->handle_ms + 1,
                (HANDLE_SAMPLES - 1) * sizeof(queue->handle_ms[0]));
    else
        queue->handle_count++;
    queue->handle_ms[queue->handle_count - 1] = handle_ms;
}

void metrics_handled(struct machine *m, const struct callback *cb, int64_t when_ms)
{
    struct active *active = active_at(m, cb->active);
    const PB(QueueSettings) *settings = queue_at(m, cb->queue)->settings;
    int64_t handle_ms = when_ms > active->accepted_ms ? when_ms - active->accepted_ms : 0;

    if (settings != NULL && settings->total_active_callback)
        handle_ms = active->active_ms;
    if (!active->first) /* 7.8 */
        tell(m, METRIC(T_ACTIVE_CALLBACK), active->active_ms, cb);
    tell(m, METRIC(T_HANDLE), handle_ms, cb);
    sample(m, cb->queue, handle_ms);
    active->active_ms = 0;
}

void metrics_scheduled(struct machine *m, const struct callback *cb)
{
    tell(m, METRIC(N_CALLBACK_SCHEDULED), 1, cb);
}

void metrics_dialled(struct machine *m, const struct callback *cb)
{
    const struct active *active = active_at(m, cb->active);

    tell(m, METRIC(N_OUTBOUND_ATTEMPTED), 1, cb);
    if (cb->attempts == 1 && cb->agent != 0)
        tell(m, METRIC(T_FIRST_DIAL), active->placed_ms - active->accepted_ms, cb);
}

void metrics_rang(struct machine *m, const struct callback *cb)
{
    const struct active *active = active_at(m, cb->active);

    tell(m, METRIC(T_CONTACTING), active->ringing_ms - active->placed_ms, cb);
}

void metrics_reached(struct machine *m, struct callback *cb)
{
    tell(m, METRIC(N_OUTBOUND_CONNECTED), 1, cb);
    if (!(cb->flags & CB_REACHED) && cb->agent != 0)
        tell(m, METRIC(T_FIRST_CONNECT), m->step.when - active_at(m, cb->active)->accepted_ms, cb);
    cb->flags |= CB_REACHED;
}

void metrics_ended(struct machine *m, const struct callback *cb)
{
    const struct extra *extra = extra_of(m, cb);

    if (extra != NULL && extra->talk_ms != 0)
        emit_metric(m, METRIC(T_TALK_COMPLETE), extra->talk_ms, cb, NULL, cb->queue, 0);
    if (cb->attempts != 0)
        emit_metric(m, METRIC(N_CALLBACK_ATTEMPTS), cb->attempts, cb, NULL, cb->queue, 0);
}

void metrics_service(struct machine *m, uint32_t handle, const struct callback *cb,
                     const struct call *call, bool answered, int64_t waited_ms, uint32_t agent)
{
    const PB(QueueSettings) *settings = queue_at(m, handle)->settings;
    uint32_t level_s = settings == NULL ? 0 : settings->service_level_s;
    bool in_time;

    if (level_s == 0)
        level_s = LIMIT_SERVICE_LEVEL_S_DEFAULT;
    in_time = answered && waited_ms <= level_s * SECOND_MS;
    if (answered && !in_time)
        emit_metric(m, METRIC(N_OVER_SLA), 1, cb, call, handle, agent);
    emit_metric(m, METRIC(O_SERVICE_LEVEL), in_time ? 1000000 : 0, cb, call, handle, agent);
}
