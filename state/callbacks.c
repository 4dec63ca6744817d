/* The life of a callback: a table of what each event does in each state, and the deeds. */
#include "state/internal.h"

#include <assert.h>

typedef PB(Reason) deed(struct machine *m, uint32_t handle, const struct callback_input *input);

enum cell_kind {
    CELL_UNSET, /* a gap in the table: a test wants none */
    CELL_DO,
    CELL_REFUSE, /* a command is answered with the reason */
    CELL_LATE,   /* a notice about something over: counted */
    CELL_NEVER,  /* our own event in a state that does not wait for it */
};

struct cell {
    enum cell_kind kind;
    deed *deed;
    PB(Reason) reason;
};

/* --- what deeds are made of --- */

void callback_updated(struct machine *m, uint32_t handle)
{
    struct callback *cb = callback_at(m, handle);

    touch(m, ref_make(KIND_CALLBACK, handle));
    cb->updated_ms = m->step.now;
    if (cb->flags & CB_INACTIVE) {
        PB(AnalyticsEvent) *event = emit_analytics(m, "analytics.resumed");

        event->callback_id = ident_emit(m, &cb->id);
        event->conversation_id = ident_emit(m, &cb->conversation);
        event->event_case = RINGBACK__V1__ANALYTICS_EVENT__EVENT_RESUMED;
        event->resumed = EMIT_NEW(m, Resumed, ringback__v1__resumed);
        cb->flags &= (uint16_t)~CB_INACTIVE;
    }
}

/* What it was in is over and told, before its agent is let go: the segment names him (10.1). Once,
 * until it enters another state. */
static void segment_over(struct machine *m, uint32_t handle, int64_t when_ms)
{
    struct callback *cb = callback_at(m, handle);

    callback_updated(m, handle);
    if (cb->flags & CB_TOLD)
        return;
    emit_segment(m, cb, (PB(CallbackState))cb->head.state, cb->since_ms, when_ms);
    metrics_stretch(m, handle, (PB(CallbackState))cb->head.state, cb->since_ms, when_ms);
    cb->since_ms = when_ms;
    cb->flags |= CB_TOLD;
}

/* The callback is in no tree until enter_state(). */
static void leave_state(struct machine *m, uint32_t handle, int64_t when_ms)
{
    segment_over(m, handle, when_ms);
    callback_unplace(m, handle);
    callback_at(m, handle)->since_ms = when_ms;
}

/* The one function that changes a living callback's state. */
static void enter_state(struct machine *m, uint32_t handle, PB(CallbackState) state)
{
    struct callback *cb = callback_at(m, handle);

    cb->head.state = (uint8_t)state;
    cb->flags &= (uint16_t)~CB_TOLD;
    if (state == STATE(WAITING) && callback_rings(m, cb) != NULL)
        rings_advance(m, &extra_get(m, cb)->rings, cb->queue); /* they ran on meanwhile (4.2) */
    callback_place(m, handle);
    number_refresh(m, handle);
}

static void change(struct machine *m, uint32_t handle, PB(CallbackState) state, int64_t when_ms)
{
    leave_state(m, handle, when_ms);
    enter_state(m, handle, state);
}

void callback_start(struct machine *m, uint32_t handle, PB(CallbackState) state)
{
    struct callback *cb = callback_at(m, handle);

    touch(m, ref_make(KIND_CALLBACK, handle));
    cb->head.state = (uint8_t)state;
    cb->since_ms = m->step.when;
    callback_place(m, handle);
    number_refresh(m, handle);
}

void callback_due_moves(struct machine *m, uint32_t handle, int64_t due_ms)
{
    struct callback *cb = callback_at(m, handle);

    assert(cb->head.state == STATE(SCHEDULED));
    callback_updated(m, handle);
    callback_unplace(m, handle);
    if (cb->owner != 0)
        extra_get(m, cb)->owner_end_ms += due_ms - cb->due_ms; /* its duration is stamped (3.4) */
    cb->due_ms = due_ms;
    callback_place(m, handle);
}

static void stay_close(struct machine *m, uint32_t handle, enum stay_end how, int64_t when_ms)
{
    struct callback *cb = callback_at(m, handle);

    if (cb->stay_ms == 0)
        return;
    stay_over(m, cb->queue, cb, NULL, how, cb->stay_ms, when_ms,
              how == STAY_ANSWERED ? cb->agent : 0);
    cb->stay_ms = 0;
}

static void stay_open(struct machine *m, uint32_t handle, int64_t when_ms)
{
    struct callback *cb = callback_at(m, handle);

    cb->stay_ms = when_ms;
    cb->still = 0;
    cb->flags &= (uint16_t)~CB_CFC_STAY;
    if (class_purpose(m, class_at(m, cb->class)) == USE_DIAL)
        cb->flags |= CB_CFC_STAY;
    stay_begin(m, cb->queue, cb, NULL);
}

/* Nobody alerts any more. */
static void drop_offer(struct machine *m, uint32_t handle, int64_t when_ms)
{
    struct callback *cb = callback_at(m, handle);
    uint32_t agent = cb->agent;

    segment_over(m, handle, when_ms);
    touch(m, ref_make(KIND_AGENT, agent));
    agent_at(m, agent)->offered = 0;
    cb->agent = 0;
    memset(&active_at(m, cb->active)->offer, 0, sizeof(struct ident));
}

/* The holder has it no longer. */
static void release(struct machine *m, uint32_t handle, PB(Reason) reason, int64_t when_ms)
{
    struct callback *cb = callback_at(m, handle);
    uint32_t agent = cb->agent;

    segment_over(m, handle, when_ms);
    metrics_handled(m, cb, when_ms);
    emit_released(m, cb, reason);
    agent_unhold(m, handle);
    agent_worked(m, agent, when_ms);
    cb->agent = 0;
}

static void drop_active(struct machine *m, uint32_t handle)
{
    struct callback *cb = callback_at(m, handle);

    if (cb->active == 0)
        return;
    attempt_unindex(m, handle);
    pool_give(&m->active_pool, cb->active);
    cb->active = 0;
}

static bool call_up(const struct machine *m, const struct callback *cb)
{
    return (cb->head.state == STATE(DIALLING) || cb->head.state == STATE(TALKING)) &&
           active_at(m, cb->active)->attempt_ended_ms == 0;
}

static void hang_up(struct machine *m, uint32_t handle, PB(Reason) reason)
{
    struct callback *cb = callback_at(m, handle);
    struct active *active = active_at(m, cb->active);

    emit_hang_up(m, cb, ident_emit(m, &active->attempt), reason);
    active->attempt_ended_ms = m->step.when;
}

/* The attempt that called the customer first is over with the callback. */
static void first_over(struct machine *m, uint32_t handle, PB(Reason) reason)
{
    struct callback *cb = callback_at(m, handle);

    if (call_up(m, cb))
        hang_up(m, handle, reason);
    callback_unreserve(m, handle);
    if (cb->agent == 0)
        return;
    metrics_handled(m, cb, m->step.when);
    agent_worked(m, cb->agent, m->step.when);
}

/* It ends, whoever has it. */
static void finish(struct machine *m, uint32_t handle, PB(Reason) reason)
{
    struct callback *cb = callback_at(m, handle);
    uint32_t class = cb->class;
    PB(StateRecord) * last;

    segment_over(m, handle, m->step.when);
    stay_close(m, handle, STAY_ABANDONED, m->step.when);
    if (cb->head.state == STATE(OFFERED) && cb->agent != 0) {
        emit_revoke(m, cb, reason);
        drop_offer(m, handle, m->step.when);
    } else if (callback_first(m, cb)) {
        first_over(m, handle, reason);
    } else if (cb->agent != 0) {
        if (call_up(m, cb))
            hang_up(m, handle, reason);
        release(m, handle, reason, m->step.when);
    }
    metrics_ended(m, cb);
    emit_ended(m, cb, reason);
    attempt_unindex(m, handle);
    number_drop(m, handle);
    callback_unplace(m, handle);
    if (m->step.last_callback == handle)
        m->step.last_callback = 0;
    cb->head.state = STATE(ENDED);
    cb->since_ms = m->step.when;
    if (callback_from_agent(m, cb) != 0) { /* he may take one more (8.2) */
        voicemail_count(m, callback_from_agent(m, cb), -1);
    }
    last = entity_record(m, ref_make(KIND_CALLBACK, handle), &m->scratch);
    last->callback->end_reason = reason;
    last->callback->ended_ms = m->step.now;
    class_release(m, class);
    callback_bury(m, handle, reason, m->step.now, last);
}

/* Drops the owner; its place stays (3.4). The callback is in no class's tree. */
static void disown(struct machine *m, uint32_t handle)
{
    struct callback *cb = callback_at(m, handle);

    cb->owner = 0;
    extra_get(m, cb)->owner_end_ms = 0;
    callback_class(m, handle, extra_get(m, cb)->skills, extra_get(m, cb)->language);
}

static int64_t owner_end(const struct machine *m, const struct callback *cb)
{
    return cb->owner == 0 ? 0 : extra_of(m, cb)->owner_end_ms;
}

static bool owner_removed(const struct machine *m, const struct callback *cb)
{
    const struct agent *owner = cb->owner == 0 ? NULL : agent_at(m, cb->owner);

    return owner != NULL && !agent_known(owner) && owner->removed_ms != 0;
}

/* 3.7: it comes into line, and its owner is no more. The callback is in no class's tree. */
static void check_owner_removed(struct machine *m, uint32_t handle)
{
    struct callback *cb = callback_at(m, handle);

    if (!owner_removed(m, cb))
        return;
    emit_notice(m, cb, REASON(OWNER_GONE), cb->owner);
    if (queue_assigns(queue_at(m, cb->queue)))
        disown(m, handle);
}

/* 3.4: it comes into line when its ownership is over already. False: so it ended. The callback is
 * in no class's tree. */
static bool check_owner_end(struct machine *m, uint32_t handle)
{
    struct callback *cb = callback_at(m, handle);

    if (owner_end(m, cb) == 0 || owner_end(m, cb) > m->step.now)
        return true;
    if (!queue_assigns(queue_at(m, cb->queue))) {
        finish(m, handle, REASON(OWNERSHIP_EXPIRED));
        return false;
    }
    emit_notice(m, cb, REASON(OWNERSHIP_EXPIRED), cb->owner);
    disown(m, handle);
    return true;
}

/* 12.13: the same for its expiry. */
static bool check_expiry(struct machine *m, uint32_t handle)
{
    int64_t expiry_ms = callback_expiry(m, callback_at(m, handle));

    if (expiry_ms == 0 || expiry_ms > m->step.now)
        return true;
    finish(m, handle, REASON(EXPIRED));
    return false;
}

/* Back into the line, or wherever its rules send it instead: the queue is being removed, or its
 * ownership ended meanwhile (3.4). fresh: it comes from an agent who had accepted it (10.6).
 * False: so it ended. */
static bool come_back(struct machine *m, uint32_t handle, PB(CallbackState) state, bool fresh,
                      int64_t when_ms)
{
    struct callback *cb = callback_at(m, handle);
    struct queue *queue = queue_at(m, cb->queue);

    if (fresh)
        stay_open(m, handle, when_ms);
    if (queue->settings == NULL && queue->removed_version != 0) {
        finish(m, handle, REASON(QUEUE_REMOVED));
        return false;
    }
    if (!check_expiry(m, handle) || !check_owner_end(m, handle))
        return false;
    if (state == STATE(WAITING))
        check_owner_removed(m, handle);
    change(m, handle, state, when_ms);
    drop_active(m, handle);
    return true;
}

/* --- entering the line (2.8, 3.3, 3.7) --- */

static void check_owner_at_due(struct machine *m, uint32_t handle)
{
    struct callback *cb = callback_at(m, handle);
    PB(Reason) reason = queue_owned_refusal(queue_at(m, cb->queue));

    if (cb->owner == 0)
        return;
    if (reason == REASON(UNSPECIFIED)) {
        check_owner_removed(m, handle);
        return;
    }
    emit_notice(m, cb, reason, cb->owner);
    disown(m, handle);
}

bool callback_agent_first(const struct callback *cb)
{
    return cb->head.kind == RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_VOICEMAIL ||
           cb->flags & CB_PREVIEW;
}

uint32_t callback_from_agent(const struct machine *m, const struct callback *cb)
{
    const struct extra *extra = extra_of(m, cb);

    return extra == NULL ? 0 : extra->from_agent;
}

void callback_enter_line(struct machine *m, uint32_t handle, int64_t when_ms)
{
    stay_open(m, handle, when_ms);
}

static PB(Reason) do_due(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    struct callback *cb = callback_at(m, handle);

    (void)input;
    touch(m, ref_make(KIND_CALLBACK, handle));
    check_owner_at_due(m, handle);
    callback_unplace(m, handle);
    cb->entry_ms = cb->due_ms;
    callback_place(m, handle);
    stay_open(m, handle, m->step.now);
    if (!check_expiry(m, handle) || !check_owner_end(m, handle))
        return REASON(UNSPECIFIED);
    change(m, handle, STATE(WAITING), m->step.now);
    if (cb->flags & CB_ROUTE_TO_ME && cb->owner == 0 && !(cb->flags & CB_CONTACT))
        m->step.routed = handle;
    return REASON(UNSPECIFIED);
}

/* 4.2: a ring is over; those of the next are preferred too, or everybody may have it. */
static PB(Reason)
    do_next_ring(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    struct callback *cb = callback_at(m, handle);

    (void)input;
    touch(m, ref_make(KIND_CALLBACK, handle));
    callback_unplace(m, handle);
    rings_advance(m, &extra_get(m, cb)->rings, cb->queue);
    callback_place(m, handle);
    return REASON(UNSPECIFIED);
}

/* --- offers (5.5) --- */

static PB(Reason) do_offer(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    struct callback *cb = callback_at(m, handle);
    struct agent *agent = agent_at(m, input->agent);
    struct active *active = active_get(m, cb);

    assert(agent->offered == 0);
    touch(m, ref_make(KIND_AGENT, input->agent));
    change(m, handle, STATE(OFFERED), m->step.now);
    active->offer = id_made(m, "offer", m->step.ordinal++);
    active->offer_made_ms = m->step.now;
    active->deadline_ms = m->step.now + queue_alerting_ms(queue_at(m, cb->queue));
    active->grace_ms = 0;
    active->unjoined = input->unjoined;
    active->status_version = agent->status_version;
    cb->agent = input->agent;
    agent->offered = handle;
    count(m, MACHINE_COUNT_OFFERS);
    emit_offer(m, cb);
    return REASON(UNSPECIFIED);
}

static bool is_this_offer(const struct machine *m, const struct callback *cb,
                          const struct callback_input *input)
{
    const struct active *active = active_at(m, cb->active);

    return input->agent == cb->agent && ident_equal(&m->texts, &active->offer, input->offer) &&
           m->step.when <= active->deadline_ms;
}

static PB(Reason) do_accept(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    struct callback *cb = callback_at(m, handle);
    struct active *active;
    const PB(QueueSettings) *settings = queue_at(m, cb->queue)->settings;

    if (!is_this_offer(m, cb, input))
        return REASON(OFFER_GONE);
    active = active_at(m, cb->active);
    touch(m, ref_make(KIND_AGENT, cb->agent));
    agent_at(m, cb->agent)->offered = 0;
    agent_hold(m, cb->agent, handle);
    stay_close(m, handle, STAY_ANSWERED, m->step.when);
    change(m, handle, STATE(WITH_AGENT), m->step.when);
    active->accepted_ms = m->step.when;
    active->active_ms = active->talk_ms = 0;
    active->grace_ms = 0;
    active->call_ended_ms = active->auto_end_ms = 0;
    active->gone = false;
    active->auto_dial_ms = active->act_until_ms = 0;
    if (settings != NULL && settings->auto_dial != NULL)
        active->auto_dial_ms = m->step.when + settings->auto_dial->delay_s * SECOND_MS;
    else
        active->act_until_ms = m->step.when + m->options.preview_max_ms;
    emit_assigned(m, cb);
    return REASON(UNSPECIFIED);
}

static PB(Reason) do_decline(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    struct callback *cb = callback_at(m, handle);
    struct agent *agent;

    if (!is_this_offer(m, cb, input))
        return REASON(OFFER_GONE);
    agent = agent_at(m, cb->agent);
    agent_pause(agent, &cb->id, m->step.when + m->options.decline_pause_ms);
    drop_offer(m, handle, m->step.when);
    come_back(m, handle, STATE(WAITING), false, m->step.when);
    return REASON(UNSPECIFIED);
}

static PB(Reason)
    do_offer_timeout(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    struct callback *cb = callback_at(m, handle);

    (void)input;
    agent_at(m, cb->agent)->missed_until_ms = m->step.now + m->options.missed_pause_ms;
    emit_metric(m, METRIC(T_NOT_RESPONDING), m->step.now - active_at(m, cb->active)->offer_made_ms,
                cb, NULL, cb->queue, cb->agent);
    emit_revoke(m, cb, REASON(TIMED_OUT));
    drop_offer(m, handle, m->step.now);
    come_back(m, handle, STATE(WAITING), false, m->step.now);
    return REASON(UNSPECIFIED);
}

static PB(Reason) do_revoke(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    emit_revoke(m, callback_at(m, handle), input->reason);
    drop_offer(m, handle, m->step.now);
    come_back(m, handle, STATE(WAITING), false, m->step.now);
    return REASON(UNSPECIFIED);
}

/* --- dialling (chapter 6) --- */

static void place_call(struct machine *m, uint32_t handle, uint64_t number)
{
    struct callback *cb = callback_at(m, handle);
    struct active *active = active_at(m, cb->active);

    attempt_unindex(m, handle);
    change(m, handle, STATE(DIALLING), m->step.now);
    active->attempt = id_made(m, "attempt", m->step.ordinal++);
    attempt_index(m, handle);
    active->attempt_version = 0;
    active->placed_ms = active->attempt_heard_ms = m->step.now;
    active->outcome_until_ms = m->step.now + queue_ring_s(queue_at(m, cb->queue)) * SECOND_MS +
                               LIMIT_OUTCOME_AFTER_RING_MS;
    active->ringing_ms = active->answered_ms = active->attempt_ended_ms = 0;
    active->answered_by = 0;
    active->lost = active->held = false;
    active->talk_ms = 0;
    active->auto_dial_ms = active->act_until_ms = active->auto_end_ms = 0;
    if (cb->attempts < UINT8_MAX)
        cb->attempts++;
    count(m, MACHINE_COUNT_DIALS);
    emit_place_call(m, cb, number);
    metrics_dialled(m, cb);
}

static PB(Reason) do_dial(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    struct callback *cb = callback_at(m, handle);
    uint64_t number = input->number != 0 ? input->number : cb->number;

    if (input->agent != cb->agent)
        return REASON(NOT_YOURS);
    if (number == 0)
        return REASON(NUMBER_MISSING);
    if (!queue_dials(m, queue_at(m, cb->queue)))
        return REASON(OUTSIDE_WINDOW);
    if (number_contacted(m, cb))
        return REASON(BUSY); /* with another call of ours (12.2) */
    if (number_blocked(m, m->step.domain, number)) {
        finish(m, handle, REASON(NUMBER_BLOCKED)); /* since it was taken: 12.11 */
        return REASON(NUMBER_BLOCKED);
    }
    place_call(m, handle, number);
    return REASON(UNSPECIFIED);
}

static PB(Reason)
    do_auto_dial(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    struct callback *cb = callback_at(m, handle);
    PB(Reason) why = REASON(UNSPECIFIED);

    (void)input;
    if (number_blocked(m, m->step.domain, cb->number)) {
        finish(m, handle, REASON(NUMBER_BLOCKED));
        return REASON(UNSPECIFIED);
    }
    if (cb->number == 0)
        why = REASON(NUMBER_MISSING);
    else if (queue_at(m, cb->queue)->closed_ms != 0)
        why = REASON(OUTSIDE_WINDOW); /* it starts nothing (12.3) */
    else if (number_contacted(m, cb))
        why = REASON(BUSY); /* with another call of ours (12.2) */
    if (why == REASON(UNSPECIFIED)) {
        place_call(m, handle, cb->number);
        return REASON(UNSPECIFIED);
    }
    touch(m, ref_make(KIND_CALLBACK, handle));
    active_at(m, cb->active)->auto_dial_ms = 0;
    active_at(m, cb->active)->act_until_ms = m->step.now + m->options.preview_max_ms;
    emit_notice(m, cb, why, cb->agent);
    return REASON(UNSPECIFIED);
}

static PB(Reason) do_ringing(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    struct active *active = active_at(m, callback_at(m, handle)->active);

    (void)input;
    if (active->ringing_ms == 0) {
        active->ringing_ms = m->step.when;
        metrics_rang(m, callback_at(m, handle));
    }
    return REASON(UNSPECIFIED);
}

static void call_over(struct machine *m, const struct callback *cb, int64_t when_ms)
{
    struct active *active = active_at(m, cb->active);

    active->call_ended_ms = active->attempt_ended_ms = when_ms;
    active->outcome_until_ms = 0;
}

/* The agent has it after a call, or after a dial that came to nothing (6.2, 6.3). */
static void after_call(struct machine *m, uint32_t handle, PB(CallbackState) state, int64_t when_ms)
{
    struct callback *cb = callback_at(m, handle);
    struct active *active = active_at(m, cb->active);
    const PB(QueueSettings) *settings = queue_at(m, cb->queue)->settings;

    call_over(m, cb, when_ms);
    active->act_until_ms = when_ms + m->options.after_call_max_ms;
    active->auto_end_ms = settings != NULL && settings->auto_end != NULL
                              ? when_ms + settings->auto_end->delay_s * SECOND_MS
                              : 0;
    change(m, handle, state, when_ms);
}

/* A dial that reached nobody (6.2, 7.5). Unless the agent is to handle it he has it no more from
 * the attempt's end on: no time with him is told (10.1). */
static void attempt_failed(struct machine *m, uint32_t handle, bool dead, int64_t when_ms)
{
    struct callback *cb = callback_at(m, handle);
    const struct queue *queue = queue_at(m, cb->queue);
    uint32_t retries = queue->settings == NULL ? 0 : queue->settings->agent_first_retries;

    if (retries == 0) {
        after_call(m, handle, STATE(WITH_AGENT), when_ms);
        return;
    }
    call_over(m, cb, when_ms);
    if (dead || cb->retries >= retries) {
        finish(m, handle, dead ? REASON(NUMBER_DEAD) : REASON(RETRIES_EXHAUSTED));
        return;
    }
    cb->retries++;
    release(m, handle, REASON(NO_ANSWER), when_ms);
    extra_get(m, cb)->resume_ms = when_ms + queue_retry_delay_ms(queue);
    come_back(m, handle, STATE(DELAYED), true, when_ms);
}

/* --- the customer first (chapter 7) --- */

static PB(Reason)
    do_call_first(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    struct callback *cb = callback_at(m, handle);
    struct active *active = active_get(m, cb);
    bool kept = cb->owner != 0 || queue_reserves(queue_at(m, cb->queue));

    active->first = true;
    if (kept)
        callback_reserve(m, handle, input->agent);
    place_call(m, handle, cb->number);
    if (kept)
        emit_reserve(m, cb, input->agent);
    return REASON(UNSPECIFIED);
}

/* It reached nobody (7.5): its place is kept. */
static void first_failed(struct machine *m, uint32_t handle, bool dead, int64_t when_ms)
{
    struct callback *cb = callback_at(m, handle);
    const struct queue *queue = queue_at(m, cb->queue);

    if (active_at(m, cb->active)->attempt_ended_ms == 0)
        active_at(m, cb->active)->attempt_ended_ms = when_ms;
    callback_unreserve(m, handle);
    if (dead) {
        finish(m, handle, REASON(NUMBER_DEAD));
    } else if (!queue_customer_first(queue)) {
        come_back(m, handle, STATE(WAITING), false, when_ms); /* an agent's to handle now (6.2) */
    } else if (cb->retries >= queue_first_retries(queue)) {
        finish(m, handle, REASON(RETRIES_EXHAUSTED));
    } else {
        cb->retries++;
        extra_get(m, cb)->resume_ms = when_ms + queue_first_retry_delay_ms(queue);
        come_back(m, handle, STATE(DELAYED), false, when_ms);
    }
}

/* 7.9: the call leaves us. */
static void first_to_flow(struct machine *m, uint32_t handle)
{
    struct callback *cb = callback_at(m, handle);

    active_at(m, cb->active)->attempt_ended_ms = m->step.when;
    emit_transfer(m, cb, queue_flow(queue_at(m, cb->queue)));
    stay_close(m, handle, STAY_FLOW_OUT, m->step.when);
    finish(m, handle, REASON(TO_FLOW));
}

/* 7.4 */
static void first_answered(struct machine *m, uint32_t handle, PB(AnswerKind) kind)
{
    struct callback *cb = callback_at(m, handle);
    struct active *active = active_at(m, cb->active);
    bool person = kind == RINGBACK__V1__ANSWER_KIND__ANSWER_KIND_PERSON ||
                  kind == RINGBACK__V1__ANSWER_KIND__ANSWER_KIND_UNSPECIFIED;
    PB(AnswerReaction) reaction = queue_reaction(queue_at(m, cb->queue), kind);

    active->answered_ms = m->step.when;
    active->answered_by = (uint8_t)kind;
    active->outcome_until_ms = 0;
    if (person)
        metrics_reached(m, cb);
    if (kind == RINGBACK__V1__ANSWER_KIND__ANSWER_KIND_NOT_CONFIRMED)
        reaction = RINGBACK__V1__ANSWER_REACTION__ANSWER_REACTION_HANG_UP;
    if (reaction == RINGBACK__V1__ANSWER_REACTION__ANSWER_REACTION_FLOW) {
        first_to_flow(m, handle);
    } else if (reaction != RINGBACK__V1__ANSWER_REACTION__ANSWER_REACTION_HANG_UP) {
        change(m, handle, STATE(TALKING), m->step.when);
        emit_transfer(m, cb, NULL);
    } else if (person) {
        finish(m, handle, REASON(COMPLETED));
    } else {
        hang_up(m, handle, REASON(NOT_REACHED));
        first_failed(m, handle, false, m->step.when);
    }
}

/* An agent is on the call: of those that waited in line, or after another one. */
static void first_connected(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    struct callback *cb = callback_at(m, handle);
    struct active *active = active_at(m, cb->active);

    if (input->agent == 0 || input->agent == cb->agent) {
        count(m, MACHINE_COUNT_LATE_NOTICES);
        return;
    }
    active->outcome_until_ms = 0;
    if (active->answered_ms == 0) { /* of the answer nothing was heard: a person */
        active->answered_ms = m->step.when;
        metrics_reached(m, cb);
    }
    leave_state(m, handle, m->step.when);
    callback_unreserve(m, handle);
    if (cb->agent != 0) {
        metrics_handled(m, cb, m->step.when);
        agent_worked(m, cb->agent, m->step.when);
    }
    cb->agent = input->agent;
    active->accepted_ms = m->step.when;
    stay_close(m, handle, STAY_ANSWERED, m->step.when);
    enter_state(m, handle, STATE(TALKING));
    agent_attend(m, input->agent, &active->attempt, input->time_ms);
}

static void first_ended(struct machine *m, uint32_t handle, PB(Reason) reason)
{
    active_at(m, callback_at(m, handle)->active)->attempt_ended_ms = m->step.when;
    finish(m, handle, reason);
}

/* 3.6: a customer on the line waits for nobody. */
static PB(Reason)
    do_owner_missed(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    struct callback *cb = callback_at(m, handle);

    (void)input;
    callback_updated(m, handle);
    emit_notice(m, cb, REASON(OWNER_MISSED), cb->owner);
    callback_unreserve(m, handle);
    callback_unplace(m, handle);
    disown(m, handle);
    callback_place(m, handle);
    emit_transfer(m, cb, NULL);
    return REASON(UNSPECIFIED);
}

/* --- answered, talking, over --- */

static PB(Reason)
    do_answered(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    struct callback *cb = callback_at(m, handle);
    struct active *active = active_at(m, cb->active);

    if (active->first) {
        first_answered(m, handle, input->answered_by);
        return REASON(UNSPECIFIED);
    }
    active->answered_ms = m->step.when;
    active->answered_by = (uint8_t)input->answered_by;
    active->outcome_until_ms = 0;
    if (input->answered_by == RINGBACK__V1__ANSWER_KIND__ANSWER_KIND_UNSPECIFIED ||
        input->answered_by == RINGBACK__V1__ANSWER_KIND__ANSWER_KIND_PERSON)
        metrics_reached(m, cb);
    change(m, handle, STATE(TALKING), m->step.when);
    return REASON(UNSPECIFIED);
}

static PB(Reason)
    do_connected(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    if (callback_first(m, callback_at(m, handle))) {
        first_connected(m, handle, input);
        return REASON(UNSPECIFIED);
    }
    return do_answered(m, handle, input); /* its answer was not heard of: a person */
}

/* The customer is on hold, or is off it (10.1, 10.3). */
static PB(Reason) do_held(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    struct callback *cb = callback_at(m, handle);
    struct active *active = active_at(m, cb->active);

    if (cb->agent == 0 || active->held == input->held)
        return REASON(UNSPECIFIED);
    callback_updated(m, handle);
    metrics_hold(m, handle, input->held);
    return REASON(UNSPECIFIED);
}

/* An attempt that was given up is answered after all (6.4). */
static PB(Reason)
    do_late_answer(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    struct callback *cb = callback_at(m, handle);

    (void)input;
    count(m, MACHINE_COUNT_LATE_ANSWERS);
    emit_hang_up(m, cb, ident_emit(m, &active_at(m, cb->active)->attempt), REASON(LOST));
    return REASON(UNSPECIFIED);
}

static PB(Reason) done_reason(const struct callback *cb)
{
    return cb->flags & CB_REACHED ? REASON(COMPLETED) : REASON(NOT_REACHED);
}

static PB(Reason)
    do_dial_ended(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    struct callback *cb = callback_at(m, handle);
    bool dead = input->result == RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_DEAD;

    if (input->result == RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_HUNG_UP) {
        metrics_reached(m, cb); /* answered, of which nothing was heard: by a person */
        if (callback_first(m, cb)) {
            first_ended(m, handle, REASON(CUSTOMER_HUNG_UP)); /* 7.9 */
            return REASON(UNSPECIFIED);
        }
        after_call(m, handle, STATE(WRAP_UP), m->step.when);
        return REASON(UNSPECIFIED);
    }
    if (callback_first(m, cb))
        first_failed(m, handle, dead, m->step.when);
    else
        attempt_failed(m, handle, dead, m->step.when);
    return REASON(UNSPECIFIED);
}

static void talk_over(struct machine *m, uint32_t handle, int64_t when_ms)
{
    struct callback *cb = callback_at(m, handle);
    struct active *active = active_at(m, cb->active);
    bool gone = active->gone;

    if (!(cb->flags & CB_REACHED) &&
        active->answered_by == RINGBACK__V1__ANSWER_KIND__ANSWER_KIND_NOT_CONFIRMED) {
        if (gone) {
            active->gone = false; /* nobody talked: it is taken back */
            touch(m, ref_make(KIND_AGENT, cb->agent));
        }
        attempt_failed(m, handle, false, when_ms);
    } else if (gone) {
        call_over(m, cb, when_ms);
        finish(m, handle, done_reason(cb)); /* 6.5 */
    } else if (cb->flags & CB_REACHED) {
        after_call(m, handle, STATE(WRAP_UP), when_ms);
    } else {
        after_call(m, handle, STATE(WITH_AGENT), when_ms); /* a machine: the agent's to handle */
    }
}

static PB(Reason)
    do_talk_ended(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    const struct callback *cb = callback_at(m, handle);

    (void)input;
    if (callback_first(m, cb)) /* 7.9 */
        first_ended(m, handle, cb->agent != 0 ? REASON(COMPLETED) : REASON(CUSTOMER_HUNG_UP));
    else
        talk_over(m, handle, m->step.when);
    return REASON(UNSPECIFIED);
}

static PB(Reason)
    do_outcome_lost(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    (void)input;
    count(m, MACHINE_COUNT_LOST_ATTEMPTS);
    hang_up(m, handle, REASON(LOST));
    active_at(m, callback_at(m, handle)->active)->lost = true;
    if (callback_first(m, callback_at(m, handle)))
        first_failed(m, handle, false, m->step.now);
    else
        attempt_failed(m, handle, false, m->step.now);
    return REASON(UNSPECIFIED);
}

static PB(Reason)
    do_call_lost(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    (void)input;
    count(m, MACHINE_COUNT_LOST_CALLS);
    if (callback_first(m, callback_at(m, handle)))
        first_ended(m, handle, REASON(LOST));
    else
        talk_over(m, handle, m->step.now);
    return REASON(UNSPECIFIED);
}

static PB(Reason)
    do_wrap_up_ended(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    struct callback *cb = callback_at(m, handle);

    (void)input;
    if (active_at(m, cb->active)->call_ended_ms == 0) {
        count(m, MACHINE_COUNT_LATE_NOTICES);
        return REASON(UNSPECIFIED);
    }
    finish(m, handle, done_reason(cb));
    return REASON(UNSPECIFIED);
}

static PB(Reason)
    do_auto_end(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    (void)input;
    finish(m, handle, done_reason(callback_at(m, handle)));
    return REASON(UNSPECIFIED);
}

static PB(Reason) do_end(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    struct callback *cb = callback_at(m, handle);

    if (cb->agent == 0)
        return REASON(NOT_WITH_AGENT); /* the customer is called first */
    if (input->agent != cb->agent)
        return REASON(NOT_YOURS);
    finish(m, handle, done_reason(cb));
    return REASON(UNSPECIFIED);
}

/* Taken back into its place (6.5). */
static void reclaim(struct machine *m, uint32_t handle)
{
    struct callback *cb = callback_at(m, handle);

    count(m, MACHINE_COUNT_RECLAIMS);
    if (call_up(m, cb))
        hang_up(m, handle, REASON(AGENT_GONE));
    release(m, handle, REASON(AGENT_GONE), m->step.now);
    come_back(m, handle, STATE(WAITING), true, m->step.now);
}

static PB(Reason) do_reclaim(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    (void)input;
    reclaim(m, handle);
    return REASON(UNSPECIFIED);
}

static PB(Reason)
    do_gone_talking(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    (void)input;
    touch(m, ref_make(KIND_CALLBACK, handle));
    active_at(m, callback_at(m, handle)->active)->gone = true;
    return REASON(UNSPECIFIED);
}

/* --- moved by a command (3.5, 3.7, 9.2, 11.3) --- */

/* 3.5: nobody edits it from 15 minutes before due until due. */
static bool lock_holds(int64_t due_ms, int64_t when)
{
    return when < due_ms && when >= due_ms - LIMIT_EDIT_LOCK_MS;
}

static bool edit_locked(const struct machine *m, const struct callback *cb)
{
    return cb->owner != 0 && !owner_removed(m, cb) && lock_holds(cb->due_ms, m->step.when);
}

/* Nobody is offered it or has it any more, and its stay is over (10.6). */
static void take_out(struct machine *m, uint32_t handle)
{
    struct callback *cb = callback_at(m, handle);

    stay_close(m, handle, STAY_FLOW_OUT, m->step.when);
    if (cb->agent == 0)
        return;
    if (cb->head.state == STATE(OFFERED)) {
        emit_revoke(m, cb, REASON(MOVED));
        drop_offer(m, handle, m->step.when);
        return;
    }
    release(m, handle, REASON(MOVED), m->step.when);
}

/* Its place is given up, and with it what it ranked and matched by, unless that is kept (1.7); its
 * scores in any case. Its class is that of its queue and owner now. The callback is in no tree. */
static void give_up_place(struct machine *m, uint32_t handle, int64_t entry_ms, bool kept)
{
    struct callback *cb = callback_at(m, handle);
    struct extra *extra = cb->extra == 0 ? NULL : extra_get(m, cb);
    const struct class *class = class_at(m, cb->class);
    bool apart = class->owner != 0; /* an owner is not asked for them */
    uint32_t skills = apart ? (extra == NULL ? 0 : extra->skills) : class->skills;
    uint32_t language = apart ? (extra == NULL ? 0 : extra->language) : class->language;

    if (cb->flags & CB_EXTRA_TIE)
        ident_drop(&m->texts, &extra->tie);
    cb->flags = (uint16_t)((cb->flags & ~CB_EXTRA_TIE) | CB_OWN_TIE);
    cb->entry_ms = entry_ms;
    if (!kept) {
        cb->priority = 0;
        skills = language = 0;
    }
    if (extra != NULL) {
        memset(&extra->tie, 0, sizeof(extra->tie));
        extra->told_position = 0;
    }
    callback_unprefer(m, handle);
    if (cb->owner != 0) {
        extra_get(m, cb)->skills = skills;
        extra_get(m, cb)->language = language;
    }
    callback_class(m, handle, skills, language);
}

static void stamp_owner_end(struct machine *m, struct callback *cb)
{
    if (cb->owner != 0)
        extra_get(m, cb)->owner_end_ms = cb->due_ms + owned_duration_ms(queue_at(m, cb->queue));
}

static PB(Reason)
    do_reschedule(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    struct callback *cb = callback_at(m, handle);
    const struct queue *queue = queue_at(m, cb->queue);
    bool held = cb->head.state == STATE(WITH_AGENT);
    struct due due;
    PB(Reason) reason;

    if (held && input->agent != cb->agent)
        return REASON(WITH_AGENT);
    if (!held && edit_locked(m, cb))
        return REASON(EDIT_LOCKED);
    if (queue->settings == NULL)
        return REASON(QUEUE_REMOVED);
    reason = due_choose(m, input->reschedule->due_ms, input->reschedule->local_due, 0, &due);
    if (reason != REASON(UNSPECIFIED))
        return reason;
    if (cb->owner != 0 && due.ms - m->step.when > owned_ahead_ms(queue))
        return REASON(TOO_FAR_AHEAD);
    if (window_refusal(m, queue, due.ms) != REASON(UNSPECIFIED))
        return REASON(OUTSIDE_WINDOW);
    take_out(m, handle);
    leave_state(m, handle, m->step.when);
    give_up_place(m, handle, 0, (cb->flags & CB_ROUTING_KEPT) != 0);
    if (cb->due_ms == 0)
        metrics_scheduled(m, cb);
    due_set(m, cb, &due);
    stamp_owner_end(m, cb);
    if (cb->extra != 0)
        extra_get(m, cb)->resume_ms = 0;
    cb->retries = 0; /* those of its new time in line */
    if (cb->scheduled_by == 0)
        cb->scheduled_by = input->agent;
    enter_state(m, handle, STATE(SCHEDULED));
    drop_active(m, handle);
    return REASON(UNSPECIFIED);
}

/* 7.7: it may not come into that queue; where it is it stays (12.15). */
static bool not_in_mode(const struct machine *m, const struct callback *cb, uint32_t queue)
{
    return queue != cb->queue && callback_agent_first(cb) &&
           queue_customer_first(queue_at(m, queue));
}

/* Where a reassign leads: 0 as owner: no other one. */
static PB(Reason) reassign_target(struct machine *m, const struct callback *cb,
                                  const PB(Reassign) * reassign, uint32_t *queue, uint32_t *owner)
{
    PB(Reason) reason;

    *queue = cb->queue;
    *owner = 0;
    if (reassign->queue_id[0] == '\0' && reassign->owner_agent_id[0] == '\0')
        return REASON(LIMIT);
    if (reassign->queue_id[0] != '\0')
        *queue = entity_find(m, KIND_QUEUE, m->step.domain, slice_text(reassign->queue_id));
    if (*queue == 0 || queue_at(m, *queue)->settings == NULL)
        return REASON(QUEUE_UNKNOWN);
    if (reassign->owner_agent_id[0] == '\0')
        return REASON(UNSPECIFIED);
    if (cb->owner == 0)
        return REASON(NOT_OWNED);
    *owner = entity_find(m, KIND_AGENT, m->step.domain, slice_text(reassign->owner_agent_id));
    if (*owner == 0 || !agent_known(agent_at(m, *owner)))
        return REASON(AGENT_UNKNOWN);
    reason = queue_owned_refusal(queue_at(m, *queue));
    if (reason != REASON(UNSPECIFIED))
        return reason;
    return agent_joined(agent_at(m, *owner), *queue) ? REASON(UNSPECIFIED) : REASON(NOT_A_MEMBER);
}

/* The owner in the queue that it comes to: another one, the same, or none (3.7). */
static void reassign_owner(struct machine *m, uint32_t handle, uint32_t owner)
{
    struct callback *cb = callback_at(m, handle);
    PB(Reason) reason = queue_owned_refusal(queue_at(m, cb->queue));

    if (cb->owner == 0)
        return;
    if (owner != 0) {
        cb->owner = owner;
    } else if (reason != REASON(UNSPECIFIED)) {
        emit_notice(m, cb, reason, cb->owner);
        cb->owner = 0;
        extra_get(m, cb)->owner_end_ms = 0;
    }
    stamp_owner_end(m, cb);
}

static PB(Reason)
    do_reassign(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    struct callback *cb = callback_at(m, handle);
    PB(CallbackState) state = (PB(CallbackState))cb->head.state;
    bool in_line = state != STATE(SCHEDULED);
    uint32_t queue, owner, from = cb->queue;
    PB(Reason) reason;

    if (edit_locked(m, cb))
        return REASON(EDIT_LOCKED);
    reason = reassign_target(m, cb, input->reassign, &queue, &owner);
    if (reason != REASON(UNSPECIFIED) || (queue == from && owner == 0))
        return reason; /* or it is where it is to be */
    if (not_in_mode(m, cb, queue))
        return REASON(NOT_IN_CUSTOMER_FIRST);
    take_out(m, handle);
    leave_state(m, handle, m->step.when);
    cb->queue = queue;
    reassign_owner(m, handle, owner);
    if (queue != from) {
        give_up_place(m, handle, in_line ? m->step.when : 0, (cb->flags & CB_ROUTING_KEPT) != 0);
        extra_get(m, cb)->ani_ms = m->step.now;
    } else {
        callback_class(m, handle, 0, 0); /* another owner's, who is asked for nothing */
    }
    if (in_line)
        stay_open(m, handle, m->step.when);
    if (in_line && (!check_expiry(m, handle) || !check_owner_end(m, handle)))
        return REASON(UNSPECIFIED);
    if (state == STATE(OFFERED))
        state = STATE(WAITING);
    if (state == STATE(WAITING) && queue_assigns(queue_at(m, queue)))
        check_owner_removed(m, handle);
    enter_state(m, handle, state);
    drop_active(m, handle);
    return REASON(UNSPECIFIED);
}

/* --- transfer (6.6, 4.3) --- */

/* May he have this one, whom its holder chose? (5.2) */
static PB(Reason)
    transfer_refusal(const struct machine *m, const struct callback *cb, uint32_t agent)
{
    const struct agent *to = agent_at(m, agent);
    const struct class *class = class_at(m, cb->class);

    if (queue_at(m, cb->queue)->settings == NULL)
        return REASON(QUEUE_REMOVED);
    if (!agent_joined(to, cb->queue))
        return REASON(NOT_A_MEMBER);
    if (queue_at(m, cb->queue)->closed_ms != 0)
        return REASON(OUTSIDE_WINDOW); /* an offer starts (12.3) */
    if (number_contacted(m, cb))
        return REASON(BUSY); /* nor is it offered (12.2) */
    return agent_available(m, to, USE_OFFER) && !agent_declined(to, &cb->id) &&
                   agent_skilled(m, to, class->skills, class->language)
               ? REASON(UNSPECIFIED)
               : REASON(AGENT_NOT_ELIGIBLE);
}

/* Where it is to go: a queue or an agent, one of them. */
static PB(Reason) transfer_target(struct machine *m, const PB(Transfer) * transfer, uint32_t *queue,
                                  uint32_t *agent)
{
    *queue = *agent = 0;
    if ((transfer->queue_id[0] == '\0') == (transfer->to_agent_id[0] == '\0'))
        return REASON(LIMIT);
    if (transfer->queue_id[0] != '\0') {
        *queue = entity_find(m, KIND_QUEUE, m->step.domain, slice_text(transfer->queue_id));
        return *queue == 0 || queue_at(m, *queue)->settings == NULL ? REASON(QUEUE_UNKNOWN)
                                                                    : REASON(UNSPECIFIED);
    }
    *agent = entity_find(m, KIND_AGENT, m->step.domain, slice_text(transfer->to_agent_id));
    return *agent == 0 || !agent_known(agent_at(m, *agent)) ? REASON(AGENT_UNKNOWN)
                                                            : REASON(UNSPECIFIED);
}

/* To the end of that line: priority and skills stay, scores and owner do not. */
static void transfer_to_queue(struct machine *m, uint32_t handle, uint32_t queue)
{
    struct callback *cb = callback_at(m, handle);

    take_out(m, handle);
    leave_state(m, handle, m->step.when);
    if (queue != cb->queue)
        extra_get(m, cb)->ani_ms = m->step.now;
    cb->queue = queue;
    cb->owner = 0;
    if (cb->extra != 0)
        extra_get(m, cb)->owner_end_ms = 0;
    give_up_place(m, handle, m->step.when, true);
    stay_open(m, handle, m->step.when);
    enter_state(m, handle, STATE(WAITING));
    drop_active(m, handle);
}

/* One offer to him; whatever becomes of it, its place is where it was. */
static void transfer_to_agent(struct machine *m, uint32_t handle, uint32_t agent)
{
    struct callback_input input = {.agent = agent};

    release(m, handle, REASON(MOVED), m->step.when);
    callback_unprefer(m, handle);
    if (come_back(m, handle, STATE(WAITING), true, m->step.when))
        callback_step(m, handle, CB_OFFER, &input);
}

static PB(Reason)
    do_transfer(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    struct callback *cb = callback_at(m, handle);
    uint32_t queue, agent;
    PB(Reason) reason;

    if (input->agent != cb->agent)
        return REASON(NOT_YOURS);
    reason = transfer_target(m, input->transfer, &queue, &agent);
    if (reason == REASON(UNSPECIFIED) && agent != 0)
        reason = transfer_refusal(m, cb, agent);
    else if (reason == REASON(UNSPECIFIED) && not_in_mode(m, cb, queue))
        reason = REASON(NOT_IN_CUSTOMER_FIRST);
    if (reason != REASON(UNSPECIFIED))
        return reason;
    if (agent != 0)
        transfer_to_agent(m, handle, agent);
    else
        transfer_to_queue(m, handle, queue);
    return REASON(UNSPECIFIED);
}

/* The call goes on with another agent. */
static void hand_over(struct machine *m, uint32_t handle, uint32_t agent)
{
    struct callback *cb = callback_at(m, handle);
    struct active *active = active_at(m, cb->active);
    const struct callback_input full = {.agent = agent, .reason = REASON(AGENT_NOT_ELIGIBLE)};

    leave_state(m, handle, m->step.when);
    release(m, handle, REASON(MOVED), m->step.when);
    callback_unprefer(m, handle);
    touch(m, ref_make(KIND_AGENT, agent));
    cb->agent = agent;
    agent_hold(m, agent, handle);
    memset(&active->offer, 0, sizeof(active->offer)); /* he had none */
    active->accepted_ms = m->step.when;
    active->gone = false;
    enter_state(m, handle, STATE(TALKING));
    emit_assigned(m, cb);
    if (agent_at(m, agent)->offered != 0 &&
        agent_at(m, agent)->held_count >= agent_capacity(agent_at(m, agent)))
        callback_step(m, agent_at(m, agent)->offered, CB_REVOKE, &full);
}

/* A call that is up follows by the switch: to an agent at once; to a queue when an agent there is
 * on it, of which the switch tells. */
static PB(Reason)
    do_transfer_talking(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    struct callback *cb = callback_at(m, handle);
    uint32_t queue, agent;
    PB(Reason) reason;

    if (cb->agent == 0)
        return REASON(NOT_WITH_AGENT); /* the customer was called first */
    if (input->agent != cb->agent)
        return REASON(NOT_YOURS);
    reason = transfer_target(m, input->transfer, &queue, &agent);
    if (reason != REASON(UNSPECIFIED) || agent == 0 || agent == cb->agent)
        return reason;
    if (callback_first(m, cb))
        first_connected(m, handle, &(struct callback_input){.agent = agent});
    else
        hand_over(m, handle, agent);
    return reason;
}

static PB(Reason)
    do_connected_other(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    const struct callback *cb = callback_at(m, handle);

    if (callback_first(m, cb))
        first_connected(m, handle, input);
    else if (input->agent == 0 || input->agent == cb->agent ||
             !agent_known(agent_at(m, input->agent)))
        count(m, MACHINE_COUNT_LATE_NOTICES);
    else
        hand_over(m, handle, input->agent);
    return REASON(UNSPECIFIED);
}

/* --- the rest --- */

static PB(Reason) do_cancel(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    (void)input;
    finish(m, handle, REASON(CANCELLED));
    return REASON(UNSPECIFIED);
}

/* 12.2: he talked with that agent in another interaction. */
static PB(Reason)
    do_customer_served(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    struct callback *cb = callback_at(m, handle);
    const PB(DomainSettings) *domain = domain_at(m, m->step.domain)->settings;

    if (domain->on_customer_contact == RINGBACK__V1__CUSTOMER_CONTACT__CUSTOMER_CONTACT_TAKE_OVER) {
        segment_over(m, handle, m->step.now);
        emit_notice(m, cb, REASON(CUSTOMER_SERVED), input->agent);
        if (cb->stay_ms != 0)
            stay_over(m, cb->queue, cb, NULL, STAY_ANSWERED, cb->stay_ms, m->step.now,
                      input->agent);
        cb->stay_ms = 0;
    }
    finish(m, handle, REASON(CUSTOMER_SERVED));
    return REASON(UNSPECIFIED);
}

/* 12.1: its number has a newer one, in whose stay its own goes on (10.6). */
static PB(Reason)
    do_replaced(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    (void)input;
    stay_close(m, handle, STAY_FLOW_OUT, m->step.when);
    finish(m, handle, REASON(REPLACED));
    return REASON(UNSPECIFIED);
}

static PB(Reason) do_resume(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    (void)input;
    if (!check_expiry(m, handle) || !check_owner_end(m, handle))
        return REASON(UNSPECIFIED);
    check_owner_removed(m, handle);
    change(m, handle, STATE(WAITING), m->step.now);
    extra_get(m, callback_at(m, handle))->resume_ms = 0;
    return REASON(UNSPECIFIED);
}

/* 3.4, in line or delayed. */
static PB(Reason)
    do_owner_end(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    struct callback *cb = callback_at(m, handle);

    (void)input;
    if (!queue_assigns(queue_at(m, cb->queue))) {
        finish(m, handle, REASON(OWNERSHIP_EXPIRED));
        return REASON(UNSPECIFIED);
    }
    callback_updated(m, handle);
    emit_notice(m, cb, REASON(OWNERSHIP_EXPIRED), cb->owner);
    callback_unplace(m, handle);
    disown(m, handle);
    callback_place(m, handle);
    return REASON(UNSPECIFIED);
}

/* 3.7: a removed owner's callback goes to the queue. */
static PB(Reason)
    do_owner_gone(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    struct callback *cb = callback_at(m, handle);

    (void)input;
    callback_updated(m, handle);
    emit_notice(m, cb, REASON(OWNER_GONE), cb->owner);
    callback_unplace(m, handle);
    disown(m, handle);
    callback_place(m, handle);
    return REASON(UNSPECIFIED);
}

/* --- put off (12.12), blocked (12.11), expired (12.13) --- */

static PB(Reason) do_snooze(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    struct callback *cb = callback_at(m, handle);
    int64_t until_ms;
    PB(Reason) reason = snooze_until(m, cb, input->minutes, owner_end(m, cb), &until_ms);

    if (reason != REASON(UNSPECIFIED))
        return reason;
    if (cb->head.state == STATE(OFFERED)) {
        emit_revoke(m, cb, REASON(MOVED));
        drop_offer(m, handle, m->step.when);
    }
    leave_state(m, handle, m->step.when);
    if (!snooze_keeps_place(queue_at(m, cb->queue)))
        give_up_place(m, handle, until_ms, (cb->flags & CB_ROUTING_KEPT) != 0);
    cb->snoozes++;
    extra_get(m, cb)->resume_ms = until_ms;
    enter_state(m, handle, STATE(SNOOZED));
    drop_active(m, handle);
    return REASON(UNSPECIFIED);
}

/* He asks in an attempt, which ends with it: the agent is free (6.2). */
static PB(Reason)
    do_snooze_dialling(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    struct callback *cb = callback_at(m, handle);
    bool fresh = !callback_first(m, cb); /* an agent had it */
    int64_t until_ms;
    PB(Reason) reason = snooze_until(m, cb, input->minutes, owner_end(m, cb), &until_ms);

    if (reason != REASON(UNSPECIFIED))
        return reason;
    hang_up(m, handle, REASON(SNOOZED));
    if (fresh)
        release(m, handle, REASON(SNOOZED), m->step.when);
    else
        callback_unreserve(m, handle);
    cb->snoozes++;
    extra_get(m, cb)->resume_ms = until_ms;
    if (come_back(m, handle, STATE(SNOOZED), fresh, m->step.when) &&
        !snooze_keeps_place(queue_at(m, cb->queue))) {
        callback_unplace(m, handle);
        give_up_place(m, handle, until_ms, (cb->flags & CB_ROUTING_KEPT) != 0);
        callback_place(m, handle);
    }
    return REASON(UNSPECIFIED);
}

static PB(Reason) do_blocked(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    (void)input;
    finish(m, handle, REASON(NUMBER_BLOCKED));
    return REASON(UNSPECIFIED);
}

static PB(Reason) do_expired(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    (void)input;
    finish(m, handle, REASON(EXPIRED));
    return REASON(UNSPECIFIED);
}

static PB(Reason)
    do_queue_removed(struct machine *m, uint32_t handle, const struct callback_input *input)
{
    (void)input;
    finish(m, handle, REASON(QUEUE_REMOVED));
    return REASON(UNSPECIFIED);
}

/* --- the table --- */

/* clang-format off */
#define DO(name)     {CELL_DO, name, REASON(UNSPECIFIED)}
#define REFUSE(name) {CELL_REFUSE, NULL, REASON(name)}
#define LATE         {CELL_LATE, NULL, REASON(UNSPECIFIED)}
#define NEVER        {CELL_NEVER, NULL, REASON(UNSPECIFIED)}

static const struct cell table[CB_EVENT_COUNT][RINGBACK__V1__CALLBACK_STATE__CALLBACK_STATE_ENDED] = {
    /*                       0      SCHEDULED               WAITING                 DELAYED                 SNOOZED                 OFFERED                 WITH_AGENT              DIALLING                TALKING                WRAP_UP */
    [CB_DUE]           = {NEVER, DO(do_due),             NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                 NEVER},
    [CB_NEXT_RING]     = {NEVER, NEVER,                  DO(do_next_ring),       NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                 NEVER},
    [CB_OFFER]         = {NEVER, NEVER,                  DO(do_offer),           NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                 NEVER},
    [CB_ACCEPT]        = {NEVER, REFUSE(OFFER_GONE),     REFUSE(OFFER_GONE),     REFUSE(OFFER_GONE),     REFUSE(OFFER_GONE),     DO(do_accept),          REFUSE(OFFER_GONE),     REFUSE(OFFER_GONE),     REFUSE(OFFER_GONE),    REFUSE(OFFER_GONE)},
    [CB_DECLINE]       = {NEVER, REFUSE(OFFER_GONE),     REFUSE(OFFER_GONE),     REFUSE(OFFER_GONE),     REFUSE(OFFER_GONE),     DO(do_decline),         REFUSE(OFFER_GONE),     REFUSE(OFFER_GONE),     REFUSE(OFFER_GONE),    REFUSE(OFFER_GONE)},
    [CB_OFFER_TIMEOUT] = {NEVER, NEVER,                  NEVER,                  NEVER,                  NEVER,                  DO(do_offer_timeout),   NEVER,                  NEVER,                  NEVER,                 NEVER},
    [CB_REVOKE]        = {NEVER, NEVER,                  NEVER,                  NEVER,                  NEVER,                  DO(do_revoke),          NEVER,                  NEVER,                  NEVER,                 NEVER},
    [CB_DIAL]          = {NEVER, REFUSE(NOT_WITH_AGENT), REFUSE(NOT_WITH_AGENT), REFUSE(NOT_WITH_AGENT), REFUSE(NOT_WITH_AGENT), REFUSE(NOT_WITH_AGENT), DO(do_dial),            REFUSE(IN_CALL),        REFUSE(IN_CALL),       REFUSE(IN_CALL)},
    [CB_AUTO_DIAL]     = {NEVER, NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                  DO(do_auto_dial),       NEVER,                  NEVER,                 NEVER},
    [CB_RINGING]       = {NEVER, NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                  LATE,                   DO(do_ringing),         LATE,                  LATE},
    [CB_ANSWERED]      = {NEVER, NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                  DO(do_late_answer),     DO(do_answered),        LATE,                  LATE},
    [CB_CONNECTED]     = {NEVER, NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                  LATE,                   DO(do_connected),       DO(do_connected_other), LATE},
    [CB_CALL_ENDED]    = {NEVER, NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                  LATE,                   DO(do_dial_ended),      DO(do_talk_ended),     LATE},
    [CB_OUTCOME_LOST]  = {NEVER, NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                  DO(do_outcome_lost),    NEVER,                 NEVER},
    [CB_CALL_LOST]     = {NEVER, NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                  DO(do_call_lost),      NEVER},
    [CB_WRAP_UP_ENDED] = {NEVER, NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                  DO(do_wrap_up_ended),   LATE,                   LATE,                  DO(do_wrap_up_ended)},
    [CB_ACT_LATE]      = {NEVER, NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                  DO(do_reclaim),         NEVER,                  NEVER,                 DO(do_auto_end)},
    [CB_AUTO_END]      = {NEVER, NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                  DO(do_auto_end),        NEVER,                  NEVER,                 DO(do_auto_end)},
    [CB_END]           = {NEVER, REFUSE(NOT_WITH_AGENT), REFUSE(NOT_WITH_AGENT), REFUSE(NOT_WITH_AGENT), REFUSE(NOT_WITH_AGENT), REFUSE(NOT_WITH_AGENT), DO(do_end),             DO(do_end),             REFUSE(IN_CALL),       DO(do_end)},
    [CB_CANCEL]        = {NEVER, DO(do_cancel),          DO(do_cancel),          DO(do_cancel),          DO(do_cancel),          DO(do_cancel),          DO(do_cancel),          DO(do_cancel),          REFUSE(IN_CALL),       REFUSE(IN_CALL)},
    [CB_RESUME]        = {NEVER, NEVER,                  NEVER,                  DO(do_resume),          DO(do_resume),          NEVER,                  NEVER,                  NEVER,                  NEVER,                 NEVER},
    [CB_OWNER_END]     = {NEVER, NEVER,                  DO(do_owner_end),       DO(do_owner_end),       DO(do_owner_end),       NEVER,                  NEVER,                  NEVER,                  NEVER,                 NEVER},
    [CB_OWNER_GONE]    = {NEVER, NEVER,                  DO(do_owner_gone),      NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                 NEVER},
    [CB_AGENT_GONE]    = {NEVER, NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                  DO(do_reclaim),         DO(do_reclaim),         DO(do_gone_talking),   DO(do_auto_end)},
    [CB_QUEUE_REMOVED] = {NEVER, DO(do_queue_removed),   DO(do_queue_removed),   DO(do_queue_removed),   DO(do_queue_removed),   DO(do_queue_removed),   DO(do_queue_removed),   DO(do_queue_removed),   NEVER,                 NEVER},
    [CB_RESCHEDULE]    = {NEVER, DO(do_reschedule),      DO(do_reschedule),      DO(do_reschedule),      DO(do_reschedule),      DO(do_reschedule),      DO(do_reschedule),      REFUSE(IN_CALL),        REFUSE(IN_CALL),       REFUSE(IN_CALL)},
    [CB_REASSIGN]      = {NEVER, DO(do_reassign),        DO(do_reassign),        DO(do_reassign),        DO(do_reassign),        DO(do_reassign),        REFUSE(WITH_AGENT),     REFUSE(IN_CALL),        REFUSE(IN_CALL),       REFUSE(IN_CALL)},
    [CB_TRANSFER]      = {NEVER, REFUSE(NOT_WITH_AGENT), REFUSE(NOT_WITH_AGENT), REFUSE(NOT_WITH_AGENT), REFUSE(NOT_WITH_AGENT), REFUSE(NOT_WITH_AGENT), DO(do_transfer),        REFUSE(IN_CALL),        DO(do_transfer_talking), DO(do_transfer)},
    [CB_SNOOZE]        = {NEVER, REFUSE(NOT_WAITING),    DO(do_snooze),          DO(do_snooze),          DO(do_snooze),          DO(do_snooze),          REFUSE(WITH_AGENT),     DO(do_snooze_dialling), REFUSE(IN_CALL),       REFUSE(IN_CALL)},
    [CB_BLOCKED]       = {NEVER, NEVER,                  DO(do_blocked),         NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                 NEVER},
    [CB_CALL_FIRST]    = {NEVER, NEVER,                  DO(do_call_first),      NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                 NEVER},
    [CB_OWNER_MISSED]  = {NEVER, NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                  DO(do_owner_missed),   NEVER},
    [CB_EXPIRED]       = {NEVER, NEVER,                  DO(do_expired),         DO(do_expired),         DO(do_expired),         NEVER,                  NEVER,                  NEVER,                  NEVER,                 NEVER},
    [CB_CUSTOMER_SERVED] = {NEVER, NEVER,                DO(do_customer_served), DO(do_customer_served), DO(do_customer_served), DO(do_customer_served), DO(do_customer_served), DO(do_customer_served), NEVER,                 NEVER},
    [CB_HELD]          = {NEVER, NEVER,                  NEVER,                  NEVER,                  NEVER,                  NEVER,                  LATE,                   LATE,                   DO(do_held),           LATE},
    [CB_REPLACED]      = {NEVER, NEVER,                  DO(do_replaced),        DO(do_replaced),        DO(do_replaced),        DO(do_replaced),        NEVER,                  NEVER,                  NEVER,                 NEVER},
};
#undef DO
#undef REFUSE
#undef LATE
#undef NEVER
/* clang-format on */

int callback_table_gaps(void)
{
    int gaps = 0;

    for (int event = 0; event < CB_EVENT_COUNT; event++)
        for (int state = 0; state < RINGBACK__V1__CALLBACK_STATE__CALLBACK_STATE_ENDED; state++)
            gaps += table[event][state].kind == CELL_UNSET;
    return gaps;
}

PB(Reason)
machine_edit_refusal(enum machine_edit edit, PB(CallbackState) state, bool owned, int64_t due_ms,
                     int64_t now_ms)
{
    static const enum callback_event events[MACHINE_EDIT_COUNT] = {
        [MACHINE_EDIT_CANCEL] = CB_CANCEL,
        [MACHINE_EDIT_RESCHEDULE] = CB_RESCHEDULE,
        [MACHINE_EDIT_REASSIGN] = CB_REASSIGN,
    };
    const struct cell *cell;

    if (state <= STATE(UNSPECIFIED) || state >= STATE(ENDED))
        return REASON(CALLBACK_ENDED);
    cell = &table[events[edit]][state];
    if (cell->kind == CELL_REFUSE)
        return cell->reason;
    if (edit == MACHINE_EDIT_RESCHEDULE && state == STATE(WITH_AGENT))
        return REASON(WITH_AGENT); /* who asks does not hold it */
    if (edit != MACHINE_EDIT_CANCEL && owned && lock_holds(due_ms, now_ms))
        return REASON(EDIT_LOCKED);
    return REASON(UNSPECIFIED);
}

static_assert((int)CB_EVENT_COUNT <= (int)CELL_EVENTS_MAX, "a row of machine.taken for each event");

char callback_table_cell(enum callback_event event, PB(CallbackState) state)
{
    switch (table[event][state].kind) {
    case CELL_DO: return 'd';
    case CELL_REFUSE: return 'r';
    case CELL_LATE: return 'l';
    case CELL_UNSET:
    case CELL_NEVER: break;
    }
    return '-';
}

PB(Reason)
callback_step(struct machine *m, uint32_t handle, enum callback_event event,
              const struct callback_input *input)
{
    struct callback *cb = callback_at(m, handle);
    const struct cell *cell = &table[event][cb->head.state];

    m->taken[event][cb->head.state] = true;
    switch (cell->kind) {
    case CELL_DO: return cell->deed(m, handle, input);
    case CELL_REFUSE: return cell->reason;
    case CELL_LATE: count(m, MACHINE_COUNT_LATE_NOTICES); return REASON(UNSPECIFIED);
    case CELL_UNSET:
    case CELL_NEVER: break;
    }
    assert(!"an event of ours in a state that does not wait for it");
    return REASON(UNSPECIFIED);
}

/* --- deadlines: one wake a callback --- */

enum deadline {
    DEADLINE_NONE,
    DEADLINE_DUE,
    DEADLINE_RESUME,
    DEADLINE_OFFER,
    DEADLINE_GRACE,
    DEADLINE_AUTO_DIAL,
    DEADLINE_AUTO_END,
    DEADLINE_ACT,
    DEADLINE_OUTCOME,
    DEADLINE_OWNER_ANSWER,
    DEADLINE_CALL,
    DEADLINE_OWNER,
    DEADLINE_RING,
    DEADLINE_EXPIRY,
    DEADLINE_INACTIVE,
    DEADLINE_STILL,
};

struct earliest {
    int64_t at;
    enum deadline what;
};

static void consider(struct earliest *earliest, int64_t at, enum deadline what)
{
    if (at != 0 && at < earliest->at)
        *earliest = (struct earliest){at, what};
}

static struct earliest next_deadline(const struct machine *m, const struct callback *cb)
{
    struct earliest next = {INT64_MAX, DEADLINE_NONE};
    static const struct active none;
    const struct active *active = cb->active == 0 ? &none : active_at(m, cb->active);
    bool waits = false;

    switch ((PB(CallbackState))cb->head.state) {
    case STATE(SCHEDULED): consider(&next, cb->due_ms, DEADLINE_DUE); break;
    case STATE(WAITING):
        waits = true;
        if (callback_rings(m, cb) != NULL)
            consider(&next, rings_wake(m, callback_rings(m, cb), cb->queue), DEADLINE_RING);
        break;
    case STATE(DELAYED):
    case STATE(SNOOZED):
        waits = true;
        consider(&next, extra_of(m, cb)->resume_ms, DEADLINE_RESUME);
        break;
    case STATE(OFFERED):
        consider(&next, active->deadline_ms, DEADLINE_OFFER);
        consider(&next, active->grace_ms, DEADLINE_GRACE);
        break;
    case STATE(WITH_AGENT):
        consider(&next, active->auto_dial_ms, DEADLINE_AUTO_DIAL);
        consider(&next, active->auto_end_ms, DEADLINE_AUTO_END);
        consider(&next, active->act_until_ms, DEADLINE_ACT);
        break;
    case STATE(DIALLING): consider(&next, active->outcome_until_ms, DEADLINE_OUTCOME); break;
    case STATE(TALKING):
        consider(&next, active->attempt_heard_ms + m->options.call_ttl_ms, DEADLINE_CALL);
        if (active->first && cb->agent == 0 && cb->owner != 0)
            consider(&next, active->answered_ms + m->options.owner_answer_ms,
                     DEADLINE_OWNER_ANSWER);
        break;
    case STATE(WRAP_UP):
        consider(&next, active->auto_end_ms, DEADLINE_AUTO_END);
        consider(&next, active->act_until_ms, DEADLINE_ACT);
        break;
    case STATE(UNSPECIFIED):
    case STATE(ENDED):
    case _RINGBACK__V1__CALLBACK_STATE_IS_INT_SIZE: assert(!"no state"); break;
    }
    if (waits) {
        consider(&next, owner_end(m, cb), DEADLINE_OWNER);
        consider(&next, callback_expiry(m, cb), DEADLINE_EXPIRY);
        if (cb->still < UINT16_MAX)
            consider(&next, cb->stay_ms + (cb->still + 1) * m->options.still_waiting_ms,
                     DEADLINE_STILL);
    }
    if (cb->due_ms == 0 && !(cb->flags & CB_INACTIVE))
        consider(&next, cb->updated_ms + m->options.inactivity_ms, DEADLINE_INACTIVE);
    return next;
}

int64_t callback_wake(const struct machine *m, uint32_t handle, enum wake_class *class)
{
    const struct callback *cb = callback_at(m, handle);
    struct earliest next = next_deadline(m, cb);

    *class = next.what >= DEADLINE_OFFER && next.what <= DEADLINE_CALL ? WAKE_STOP : WAKE_OTHER;
    return next.at;
}

static void fire_inactive(struct machine *m, uint32_t handle)
{
    struct callback *cb = callback_at(m, handle);
    PB(AnalyticsEvent) *event = emit_analytics(m, "analytics.inactivity");

    touch(m, ref_make(KIND_CALLBACK, handle));
    cb->flags |= CB_INACTIVE;
    event->callback_id = ident_emit(m, &cb->id);
    event->conversation_id = ident_emit(m, &cb->conversation);
    event->queue_id = text_string(m, queue_at(m, cb->queue)->id);
    event->inactivity = EMIT_NEW(m, Inactivity, ringback__v1__inactivity);
    event->inactivity->since_ms = cb->updated_ms;
    event->event_case = RINGBACK__V1__ANALYTICS_EVENT__EVENT_INACTIVITY;
}

/* No agent of the domain could: none that is known is joined and has what it asks (12.6). */
static bool nobody_can(struct machine *m, const struct callback *cb)
{
    const struct class *class = class_at(m, cb->class);
    uint32_t domain = queue_at(m, cb->queue)->domain, handle;
    size_t cursor = 0;

    while ((handle = table_next(&m->tables[KIND_AGENT], &cursor)) != 0) {
        const struct agent *agent = agent_at(m, handle);

        if (agent->domain == domain && agent_known(agent) && agent_capacity(agent) > 0 &&
            agent_joined(agent, cb->queue) && class_takes(m, class, agent))
            return false;
    }
    return true;
}

static void fire_still_waiting(struct machine *m, uint32_t handle)
{
    struct callback *cb = callback_at(m, handle);
    PB(AnalyticsEvent) *event = emit_analytics(m, "analytics.still_waiting");
    int64_t periods = (m->step.now - cb->stay_ms) / m->options.still_waiting_ms;

    touch(m, ref_make(KIND_CALLBACK, handle));
    /* Those that nobody was there to tell are told at once, by one. */
    cb->still = (uint16_t)(periods < UINT16_MAX ? periods : UINT16_MAX);
    event->callback_id = ident_emit(m, &cb->id);
    event->conversation_id = ident_emit(m, &cb->conversation);
    event->queue_id = text_string(m, queue_at(m, cb->queue)->id);
    event->still_waiting = EMIT_NEW(m, StillWaiting, ringback__v1__still_waiting);
    event->still_waiting->since_ms = cb->stay_ms;
    event->still_waiting->nobody_can_serve = nobody_can(m, cb);
    event->event_case = RINGBACK__V1__ANALYTICS_EVENT__EVENT_STILL_WAITING;
    if (event->still_waiting->nobody_can_serve)
        emit_notice(m, cb, REASON(NOBODY_CAN_SERVE), 0);
}

void callback_fire(struct machine *m, uint32_t handle)
{
    struct earliest next = next_deadline(m, callback_at(m, handle));
    struct callback_input input = {.reason = REASON(AGENT_NOT_ELIGIBLE)};
    enum callback_event event = CB_EVENT_COUNT;

    switch (next.what) {
    case DEADLINE_DUE: event = CB_DUE; break;
    case DEADLINE_RESUME: event = CB_RESUME; break;
    case DEADLINE_OFFER: event = CB_OFFER_TIMEOUT; break;
    case DEADLINE_GRACE: event = CB_REVOKE; break;
    case DEADLINE_AUTO_DIAL: event = CB_AUTO_DIAL; break;
    case DEADLINE_AUTO_END: event = CB_AUTO_END; break;
    case DEADLINE_ACT: event = CB_ACT_LATE; break;
    case DEADLINE_OUTCOME: event = CB_OUTCOME_LOST; break;
    case DEADLINE_OWNER_ANSWER: event = CB_OWNER_MISSED; break;
    case DEADLINE_CALL: event = CB_CALL_LOST; break;
    case DEADLINE_OWNER: event = CB_OWNER_END; break;
    case DEADLINE_RING: event = CB_NEXT_RING; break;
    case DEADLINE_EXPIRY: event = CB_EXPIRED; break;
    case DEADLINE_INACTIVE: fire_inactive(m, handle); return;
    case DEADLINE_STILL: fire_still_waiting(m, handle); return;
    case DEADLINE_NONE: assert(!"a callback fires without a deadline"); return;
    }
    callback_step(m, handle, event, &input);
}
