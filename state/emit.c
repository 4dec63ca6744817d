/* Effects: messages of the contract, made in the arena of the step. */
#include "state/internal.h"

#include <assert.h>

void effects_init(struct effects *effects, struct arena *arena)
{
    *effects = (struct effects){.arena = arena};
}

static struct effect *effect_add(struct effects *effects)
{
    if (effects->count == effects->capacity) {
        size_t capacity = effects->capacity == 0 ? 16 : effects->capacity * 2;
        struct effect *items = arena_alloc(effects->arena, capacity * sizeof(*items));

        if (effects->count > 0)
            memcpy(items, effects->items, effects->count * sizeof(*items));
        effects->items = items;
        effects->capacity = capacity;
    }
    return &effects->items[effects->count++];
}

struct ident id_made(struct machine *m, const char *role, uint32_t ordinal)
{
    struct slice domain = text_at(&m->texts, domain_at(m, m->step.domain)->id);
    uint8_t bytes[1024];
    size_t used = 0, role_size = strlen(role);

    assert(domain.size + m->step.cause.size + role_size + 8 <= sizeof(bytes));
    memcpy(bytes, domain.data, domain.size);
    used = domain.size;
    bytes[used++] = 0;
    memcpy(bytes + used, m->step.cause.data, m->step.cause.size);
    used += m->step.cause.size;
    bytes[used++] = 0;
    memcpy(bytes + used, role, role_size);
    used += role_size;
    bytes[used++] = 0;
    for (int shift = 0; shift < 32; shift += 8)
        bytes[used++] = (uint8_t)(ordinal >> shift);
    return ident_hashed(bytes, used);
}

void cause_is(struct machine *m, uint32_t ref)
{
    struct slice key = ref_key(m, ref, m->step.arena);

    touch(m, ref);
    m->step.cause = slice_text(arena_format(m->step.arena, "%.*s|%u", (int)key.size,
                                            (const char *)key.data, head_of(m, ref)->version));
}

char *ident_emit(struct machine *m, const struct ident *ident)
{
    return ident_string(&m->texts, ident, m->step.arena);
}

char *id_next(struct machine *m, const char *role)
{
    struct ident ident = id_made(m, role, m->step.ordinal++);

    return ident_emit(m, &ident);
}

char *text_string(struct machine *m, uint32_t text)
{
    return arena_text(m->step.arena, text_at(&m->texts, text));
}

char *agent_string(struct machine *m, uint32_t agent)
{
    return agent == 0 ? arena_text(m->step.arena, slice_make("", 0))
                      : text_string(m, agent_at(m, agent)->id);
}

static char *queue_string(struct machine *m, uint32_t queue)
{
    return queue == 0 ? arena_text(m->step.arena, slice_make("", 0))
                      : text_string(m, queue_at(m, queue)->id);
}

static void add(struct machine *m, enum topic topic, const char *type, const char *id,
                const ProtobufCMessage *message)
{
    struct effect *effect = effect_add(m->step.effects);

    *effect = (struct effect){
        .topic = topic,
        .domain = arena_slice(m->step.arena, text_at(&m->texts, domain_at(m, m->step.domain)->id)),
        .id = id,
        .type = type,
        .message = message,
    };
}

/* role: what tells its id from those of other events of one cause. */
static PB(RoutingEvent) *
    add_routing(struct machine *m, const char *type, const char *role, const struct callback *cb)
{
    PB(RoutingEvent) *event = EMIT_NEW(m, RoutingEvent, ringback__v1__routing_event);

    event->id = id_next(m, role);
    event->time_ms = m->step.now;
    if (cb != NULL) {
        event->callback_id = ident_emit(m, &cb->id);
        event->conversation_id = ident_emit(m, &cb->conversation);
        event->queue_id = queue_string(m, cb->queue);
    }
    add(m, TOPIC_ROUTING, type, event->id, &event->base);
    return event;
}

PB(RoutingEvent) * emit_routing(struct machine *m, const char *type, const struct callback *cb)
{
    return add_routing(m, type, type, cb);
}

PB(AnalyticsEvent) * emit_analytics(struct machine *m, const char *type)
{
    PB(AnalyticsEvent) *event = EMIT_NEW(m, AnalyticsEvent, ringback__v1__analytics_event);

    event->id = id_next(m, type);
    event->time_ms = m->step.now;
    add(m, TOPIC_ANALYTICS, type, event->id, &event->base);
    return event;
}

PB(Result) * emit_result(struct machine *m, const char *type, const char *request_id)
{
    PB(Result) *result = EMIT_NEW(m, Result, ringback__v1__result);
    struct ident id = id_made(m, "result", 0);

    result->id = ident_emit(m, &id);
    result->request_id = arena_text(m->step.arena, slice_text(request_id));
    result->time_ms = m->step.now;
    add(m, TOPIC_RESULTS, type, result->id, &result->base);
    return result;
}

static void fill_callback(struct machine *m, PB(AnalyticsEvent) * event, const struct callback *cb)
{
    event->callback_id = ident_emit(m, &cb->id);
    event->conversation_id = ident_emit(m, &cb->conversation);
    event->queue_id = queue_string(m, cb->queue);
    event->agent_id = agent_string(m, cb->agent);
}

void emit_metric(struct machine *m, PB(MetricName) name, int64_t value, const struct callback *cb,
                 const struct call *call, uint32_t queue, uint32_t agent)
{
    PB(AnalyticsEvent) *event = emit_analytics(m, "analytics.metric");
    PB(Metric) *metric = EMIT_NEW(m, Metric, ringback__v1__metric);

    if (cb != NULL) {
        fill_callback(m, event, cb);
    } else {
        event->interaction_id = ident_emit(m, &call->id);
        event->conversation_id = ident_emit(m, &call->conversation);
    }
    event->queue_id = queue_string(m, queue);
    event->agent_id = agent_string(m, agent);
    metric->name = name;
    metric->value = value;
    event->event_case = RINGBACK__V1__ANALYTICS_EVENT__EVENT_METRIC;
    event->metric = metric;
}

void emit_session(struct machine *m, const struct callback *cb)
{
    PB(AnalyticsEvent) *event = emit_analytics(m, "analytics.session_started");
    PB(SessionStarted) *started = EMIT_NEW(m, SessionStarted, ringback__v1__session_started);
    const struct extra *extra = extra_of(m, cb);

    fill_callback(m, event, cb);
    started->kind = (PB(CallbackKind))cb->head.kind;
    started->from_interaction_id = ident_emit(m, &cb->interaction);
    started->due_ms = cb->due_ms;
    started->owner_agent_id = agent_string(m, cb->owner);
    if (extra != NULL) {
        started->campaign_id = text_string(m, extra->campaign);
        started->contact_id = text_string(m, extra->contact);
        started->recording_id = text_string(m, extra->recording);
        started->from_agent_id = agent_string(m, extra->from_agent);
    }
    event->event_case = RINGBACK__V1__ANALYTICS_EVENT__EVENT_SESSION_STARTED;
    event->session_started = started;
}

static PB(SegmentType) segment_type(PB(CallbackState) state)
{
    switch (state) {
    case STATE(SCHEDULED): return SEGMENT(SCHEDULED);
    case STATE(WAITING): return SEGMENT(CALLBACK);
    case STATE(DELAYED):
    case STATE(SNOOZED): return SEGMENT(DELAY);
    case STATE(OFFERED): return SEGMENT(ALERT);
    case STATE(WITH_AGENT):
    case STATE(TALKING): return SEGMENT(INTERACT);
    case STATE(DIALLING): return SEGMENT(DIALING);
    case STATE(WRAP_UP): return SEGMENT(WRAPUP);
    case STATE(UNSPECIFIED):
    case STATE(ENDED):
    case _RINGBACK__V1__CALLBACK_STATE_IS_INT_SIZE: break;
    }
    assert(!"no segment of this state");
    return SEGMENT(UNSPECIFIED);
}

static void emit_stretch(struct machine *m, const struct callback *cb, PB(SegmentType) type,
                         int64_t start_ms, int64_t end_ms)
{
    PB(AnalyticsEvent) *event = emit_analytics(m, "analytics.segment");
    PB(Segment) *segment = EMIT_NEW(m, Segment, ringback__v1__segment);

    fill_callback(m, event, cb);
    segment->type = type;
    segment->start_ms = start_ms;
    segment->end_ms = end_ms < start_ms ? start_ms : end_ms;
    event->event_case = RINGBACK__V1__ANALYTICS_EVENT__EVENT_SEGMENT;
    event->segment = segment;
}

/* A dial is contacting until it rings, then dialing (10.6). */
void emit_segment(struct machine *m, const struct callback *cb, PB(CallbackState) state,
                  int64_t start_ms, int64_t end_ms)
{
    const struct active *active = cb->active == 0 ? NULL : active_at(m, cb->active);

    if (state == STATE(DIALLING) && active != NULL) {
        int64_t rang = active->ringing_ms;

        if (rang == 0 || rang > end_ms)
            rang = end_ms;
        emit_stretch(m, cb, SEGMENT(CONTACTING), start_ms, rang);
        if (active->ringing_ms != 0)
            emit_stretch(m, cb, SEGMENT(DIALING), rang, end_ms);
        return;
    }
    if (callback_in_flight(m, cb)) /* on the line, and yet in line (7.1) */
        state = STATE(WAITING);
    if (state == STATE(WITH_AGENT) && active != NULL && ident_is_none(&active->attempt) &&
        cb->head.kind == RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_VOICEMAIL)
        emit_stretch(m, cb, SEGMENT(VOICEMAIL), start_ms, end_ms);
    else if (state == STATE(TALKING) && active != NULL && active->held)
        emit_stretch(m, cb, SEGMENT(HOLD), start_ms, end_ms);
    else
        emit_stretch(m, cb, segment_type(state), start_ms, end_ms);
}

static PB(Place) * emit_place(struct machine *m, const struct callback *cb)
{
    PB(Place) *place = EMIT_NEW(m, Place, ringback__v1__place);
    struct ident tie = callback_tie(m, cb);

    place->queue_id = queue_string(m, cb->queue);
    place->entry_ms = cb->entry_ms;
    place->tie_break = ident_emit(m, &tie);
    return place;
}

void emit_offer(struct machine *m, const struct callback *cb)
{
    const struct queue *queue = queue_at(m, cb->queue);
    const struct active *active = active_at(m, cb->active);
    const struct extra *extra = extra_of(m, cb);
    PB(RoutingEvent) *event = emit_routing(m, "routing.offer", cb);
    PB(Offer) *offer = EMIT_NEW(m, Offer, ringback__v1__offer);
    uint32_t script = callback_script(m, cb);

    offer->offer_id = ident_emit(m, &active->offer);
    offer->agent_id = agent_string(m, cb->agent);
    offer->deadline_ms = active->deadline_ms;
    offer->routing_status_version = active->status_version;
    offer->auto_answer = queue->settings != NULL && queue->settings->auto_answer;
    offer->number = number_string(cb->number, m->step.arena);
    if (extra != NULL) {
        offer->callee_name = text_string(m, extra->callee_name);
        offer->name = text_string(m, extra->name);
        offer->recording_id = text_string(m, extra->recording);
        offer->from_agent_id = agent_string(m, extra->from_agent);
        offer->campaign_id = text_string(m, extra->campaign);
        offer->contact_id = text_string(m, extra->contact);
    }
    if (script != 0)
        offer->script_id = text_string(m, script_at(m, script)->id);
    offer->kind = (PB(CallbackKind))cb->head.kind;
    offer->owned = cb->owner != 0;
    offer->place = emit_place(m, cb);
    event->event_case = RINGBACK__V1__ROUTING_EVENT__EVENT_OFFER;
    event->offer = offer;
}

void emit_revoke(struct machine *m, const struct callback *cb, PB(Reason) reason)
{
    PB(RoutingEvent) *event = emit_routing(m, "routing.revoke", cb);
    PB(Revoke) *revoke = EMIT_NEW(m, Revoke, ringback__v1__revoke);

    revoke->offer_id = ident_emit(m, &active_at(m, cb->active)->offer);
    revoke->agent_id = agent_string(m, cb->agent);
    revoke->reason = reason;
    event->event_case = RINGBACK__V1__ROUTING_EVENT__EVENT_REVOKE;
    event->revoke = revoke;
}

void emit_assigned(struct machine *m, const struct callback *cb)
{
    PB(RoutingEvent) *event = emit_routing(m, "routing.callback_assigned", cb);
    PB(CallbackAssigned) *assigned = EMIT_NEW(m, CallbackAssigned, ringback__v1__callback_assigned);

    assigned->offer_id = ident_emit(m, &active_at(m, cb->active)->offer);
    assigned->agent_id = agent_string(m, cb->agent);
    assigned->auto_dial_ms = active_at(m, cb->active)->auto_dial_ms;
    event->event_case = RINGBACK__V1__ROUTING_EVENT__EVENT_CALLBACK_ASSIGNED;
    event->callback_assigned = assigned;
}

void emit_released(struct machine *m, const struct callback *cb, PB(Reason) reason)
{
    PB(RoutingEvent) *event = emit_routing(m, "routing.agent_released", cb);
    PB(AgentReleased) *released = EMIT_NEW(m, AgentReleased, ringback__v1__agent_released);

    released->agent_id = agent_string(m, cb->agent);
    released->reason = reason;
    event->event_case = RINGBACK__V1__ROUTING_EVENT__EVENT_AGENT_RELEASED;
    event->agent_released = released;
}

void emit_place_call(struct machine *m, const struct callback *cb, uint64_t number)
{
    const struct queue *queue = queue_at(m, cb->queue);
    const struct extra *extra = extra_of(m, cb);
    PB(RoutingEvent) *event = emit_routing(m, "routing.place_call", cb);
    PB(PlaceCall) *place = EMIT_NEW(m, PlaceCall, ringback__v1__place_call);
    struct slice ani, ani_name;

    place->attempt_id = ident_emit(m, &active_at(m, cb->active)->attempt);
    place->agent_id = agent_string(m, cb->agent);
    place->number = number_string(number, m->step.arena);
    /* 1.5: what Call Data set, else the queue's. */
    if (extra != NULL && (extra->caller_id != 0 || extra->caller_name != 0)) {
        place->caller_id = text_string(m, extra->caller_id);
        place->caller_name = text_string(m, extra->caller_name);
    }
    queue_ani(m, queue, extra != NULL && extra->ani_ms != 0 ? extra->ani_ms : cb->created_ms, &ani,
              &ani_name);
    if (place->caller_id[0] == '\0')
        place->caller_id = arena_text(m->step.arena, ani);
    if (place->caller_name[0] == '\0')
        place->caller_name = arena_text(m->step.arena, ani_name);
    if (callback_first(m, cb)) {
        place->customer_first = true;
        if (queue->settings != NULL && queue->settings->customer_first != NULL) { /* 7.6 */
            place->site_id =
                arena_text(m->step.arena, slice_text(queue->settings->customer_first->site_id));
            place->edge_group_id = arena_text(
                m->step.arena, slice_text(queue->settings->customer_first->edge_group_id));
        }
    }
    place->ring_timeout_s = (uint32_t)queue_ring_s(queue);
    place->number_of_attempt = cb->attempts;
    event->event_case = RINGBACK__V1__ROUTING_EVENT__EVENT_PLACE_CALL;
    event->place_call = place;
}

void emit_hang_up(struct machine *m, const struct callback *cb, const char *attempt,
                  PB(Reason) reason)
{
    /* An answer may be repeated when what it made us hang up is forgotten: two events, two ids. */
    const char *role = cb == NULL ? "routing.hang_up.late" : "routing.hang_up";
    PB(RoutingEvent) *event = add_routing(m, "routing.hang_up", role, cb);
    PB(HangUp) *hang_up = EMIT_NEW(m, HangUp, ringback__v1__hang_up);

    hang_up->attempt_id = arena_text(m->step.arena, slice_text(attempt));
    hang_up->reason = reason;
    event->event_case = RINGBACK__V1__ROUTING_EVENT__EVENT_HANG_UP;
    event->hang_up = hang_up;
}

void emit_transfer(struct machine *m, const struct callback *cb, const char *flow)
{
    PB(RoutingEvent) *event = emit_routing(m, "routing.transfer_to_queue", cb);
    PB(TransferToQueue) *transfer = EMIT_NEW(m, TransferToQueue, ringback__v1__transfer_to_queue);

    transfer->attempt_id = ident_emit(m, &active_at(m, cb->active)->attempt);
    if (flow != NULL) {
        transfer->flow_id = arena_text(m->step.arena, slice_text(flow));
    } else {
        transfer->place = emit_place(m, cb);
        transfer->routing = callback_routing(m, cb, m->step.arena);
    }
    event->event_case = RINGBACK__V1__ROUTING_EVENT__EVENT_TRANSFER_TO_QUEUE;
    event->transfer_to_queue = transfer;
}

void emit_reserve(struct machine *m, const struct callback *cb, uint32_t agent)
{
    PB(RoutingEvent) *event = emit_routing(m, "routing.reserve_agent", cb);
    PB(ReserveAgent) *reserve = EMIT_NEW(m, ReserveAgent, ringback__v1__reserve_agent);

    reserve->agent_id = agent_string(m, agent);
    reserve->attempt_id = ident_emit(m, &active_at(m, cb->active)->attempt);
    event->event_case = RINGBACK__V1__ROUTING_EVENT__EVENT_RESERVE_AGENT;
    event->reserve_agent = reserve;
}

void emit_unreserve(struct machine *m, const struct callback *cb, uint32_t agent)
{
    PB(RoutingEvent) *event = emit_routing(m, "routing.release_agent", cb);
    PB(ReleaseAgent) *release = EMIT_NEW(m, ReleaseAgent, ringback__v1__release_agent);

    release->agent_id = agent_string(m, agent);
    release->attempt_id = ident_emit(m, &active_at(m, cb->active)->attempt);
    event->event_case = RINGBACK__V1__ROUTING_EVENT__EVENT_RELEASE_AGENT;
    event->release_agent = release;
}

void emit_ended(struct machine *m, const struct callback *cb, PB(Reason) reason)
{
    PB(RoutingEvent) *event = emit_routing(m, "routing.callback_ended", cb);
    PB(CallbackEnded) *ended = EMIT_NEW(m, CallbackEnded, ringback__v1__callback_ended);
    PB(AnalyticsEvent) * analytics;
    PB(SessionEnded) * session;

    ended->reason = reason;
    ended->text = arena_text(m->step.arena, slice_text(reason_text(reason)));
    ended->attempts = cb->attempts;
    event->event_case = RINGBACK__V1__ROUTING_EVENT__EVENT_CALLBACK_ENDED;
    event->callback_ended = ended;
    analytics = emit_analytics(m, "analytics.session_ended");
    session = EMIT_NEW(m, SessionEnded, ringback__v1__session_ended);
    fill_callback(m, analytics, cb);
    session->reason = reason;
    analytics->event_case = RINGBACK__V1__ANALYTICS_EVENT__EVENT_SESSION_ENDED;
    analytics->session_ended = session;
}

void emit_notice(struct machine *m, const struct callback *cb, PB(Reason) reason, uint32_t agent)
{
    PB(RoutingEvent) *event = emit_routing(m, "routing.callback_notice", cb);
    PB(CallbackNotice) *notice = EMIT_NEW(m, CallbackNotice, ringback__v1__callback_notice);
    const struct extra *extra = extra_of(m, cb);

    notice->reason = reason;
    notice->text = arena_text(m->step.arena, slice_text(reason_text(reason)));
    notice->agent_id = agent_string(m, agent);
    if (reason == REASON(CUSTOMER_SERVED)) {
        uint32_t script = callback_script(m, cb);

        if (extra != NULL) {
            notice->name = text_string(m, extra->name);
            notice->callee_name = text_string(m, extra->callee_name);
        }
        if (script != 0)
            notice->script_id = text_string(m, script_at(m, script)->id);
    }
    event->event_case = RINGBACK__V1__ROUTING_EVENT__EVENT_CALLBACK_NOTICE;
    event->callback_notice = notice;
}

/* --- stays (10.6) --- */

void stay_begin(struct machine *m, uint32_t queue, const struct callback *cb,
                const struct call *call)
{
    struct stay_counts *counts =
        cb != NULL ? &queue_at(m, queue)->callbacks : &queue_at(m, queue)->live;

    touch(m, ref_make(KIND_COUNTERS, queue));
    queue_stir(m, queue);
    counts->offered++;
    counts->waiting++;
    emit_metric(m, METRIC(N_OFFERED), 1, cb, call, queue, 0);
    if (cb != NULL && cb->flags & CB_CFC_STAY)
        emit_metric(m, METRIC(N_CFC_OFFERED), 1, cb, NULL, queue, 0);
}

/* 10.4: the queue's alone, beside the usual ones. */
static void emit_cfc(struct machine *m, uint32_t queue, const struct callback *cb,
                     enum stay_end how, int64_t began_ms, int64_t when_ms)
{
    static const PB(MetricName) names[] = {[STAY_ANSWERED] = METRIC(T_CFC_ANSWERED),
                                           [STAY_ABANDONED] = METRIC(T_CFC_ABANDON),
                                           [STAY_FLOW_OUT] = METRIC(T_CFC_FLOW_OUT)};
    int64_t answered_ms = cb->active == 0 ? 0 : active_at(m, cb->active)->answered_ms;

    emit_metric(m, names[how], when_ms > began_ms ? when_ms - began_ms : 0, cb, NULL, queue, 0);
    if (how == STAY_ANSWERED && answered_ms != 0)
        emit_metric(m, METRIC(T_CFC_ACD), when_ms > answered_ms ? when_ms - answered_ms : 0, cb,
                    NULL, queue, 0);
}

void stay_over(struct machine *m, uint32_t queue, const struct callback *cb,
               const struct call *call, enum stay_end how, int64_t began_ms, int64_t when_ms,
               uint32_t agent)
{
    static const PB(MetricName) names[] = {[STAY_ANSWERED] = METRIC(T_ANSWERED),
                                           [STAY_ABANDONED] = METRIC(T_ABANDON),
                                           [STAY_FLOW_OUT] = METRIC(T_FLOW_OUT)};
    struct stay_counts *counts =
        cb != NULL ? &queue_at(m, queue)->callbacks : &queue_at(m, queue)->live;
    int64_t waited_ms = when_ms > began_ms ? when_ms - began_ms : 0;

    touch(m, ref_make(KIND_COUNTERS, queue));
    queue_stir(m, queue);
    assert(counts->waiting > 0);
    counts->waiting--;
    counts->answered += how == STAY_ANSWERED;
    counts->abandoned += how == STAY_ABANDONED;
    counts->flow_out += how == STAY_FLOW_OUT;
    emit_metric(m, names[how], waited_ms, cb, call, queue, agent);
    if (cb != NULL && how == STAY_ANSWERED)
        emit_metric(m, METRIC(T_ACD), waited_ms, cb, NULL, queue, agent);
    if (how != STAY_FLOW_OUT)
        metrics_service(m, queue, cb, call, how == STAY_ANSWERED, waited_ms, agent);
    if (cb != NULL && cb->flags & CB_CFC_STAY)
        emit_cfc(m, queue, cb, how, began_ms, when_ms);
}
