/* Entities as messages and back. What a message does not carry is derived by machine_ready(). */
#include "state/internal.h"

#include <assert.h>

#include "base/memory.h"

struct out {
    struct machine *m;
    struct arena *arena;
};

static char *out_text(struct out out, uint32_t text)
{
    return arena_text(out.arena, text_at(&out.m->texts, text));
}

static char *out_ident(struct out out, const struct ident *ident)
{
    return ident_string(&out.m->texts, ident, out.arena);
}

static char *out_agent(struct out out, uint32_t agent)
{
    return agent == 0 ? arena_text(out.arena, slice_make("", 0))
                      : out_text(out, agent_at(out.m, agent)->id);
}

static char *out_queue(struct out out, uint32_t queue)
{
    return queue == 0 ? arena_text(out.arena, slice_make("", 0))
                      : out_text(out, queue_at(out.m, queue)->id);
}

static char *out_name(struct out out, uint32_t name)
{
    const struct name *row;

    if (name == 0)
        return arena_text(out.arena, slice_make("", 0));
    row = pool_at(&out.m->name_pool, name);
    return out_text(out, row->text);
}

#define OUT_NEW(out, Type, prefix)                                                                 \
    __extension__({                                                                                \
        PB(Type) *out_new_ = arena_alloc((out).arena, sizeof(*out_new_));                          \
        prefix##__init(out_new_);                                                                  \
        out_new_;                                                                                  \
    })

/* A message that the machine keeps, deep, in the arena. */
static void *out_copy(struct out out, const ProtobufCMessage *message)
{
    size_t size;
    uint8_t *bytes;

    if (message == NULL)
        return NULL;
    size = protobuf_c_message_get_packed_size(message);
    bytes = arena_alloc(out.arena, size);
    protobuf_c_message_pack(message, bytes);
    return protobuf_c_message_unpack(message->descriptor, &out.arena->allocator, size, bytes);
}

static PB(RoutingData) * out_routing(struct out out, int32_t priority, uint32_t skills,
                                     uint32_t language, uint32_t scores)
{
    PB(RoutingData) *routing = OUT_NEW(out, RoutingData, ringback__v1__routing_data);
    struct slice blob = text_at(&out.m->texts, scores);
    uint32_t count;
    const uint32_t *names = skillset_names(out.m, skills, &count);

    routing->priority = priority;
    routing->n_skills = count;
    routing->skills = arena_alloc(out.arena, count * sizeof(char *));
    for (uint32_t at = 0; at < count; at++) {
        char *name = out_name(out, names[at]);
        uint32_t place = at;

        /* By text: the order in memory depends on what else was heard. */
        for (; place > 0 && strcmp(routing->skills[place - 1], name) > 0; place--)
            routing->skills[place] = routing->skills[place - 1];
        routing->skills[place] = name;
    }
    routing->language = out_name(out, language);
    routing->n_scores = blob.size / sizeof(struct score);
    routing->scores = arena_alloc(out.arena, routing->n_scores * sizeof(*routing->scores));
    for (size_t at = 0; at < routing->n_scores; at++) {
        struct score score;

        memcpy(&score, blob.data + at * sizeof(score), sizeof(score));
        routing->scores[at] = OUT_NEW(out, AgentScore, ringback__v1__agent_score);
        routing->scores[at]->agent_id = out_agent(out, score.agent);
        routing->scores[at]->score = score.score;
    }
    return routing;
}

static PB(Place) *
    out_place(struct out out, uint32_t queue, int64_t entry_ms, const struct ident *tie)
{
    PB(Place) *place = OUT_NEW(out, Place, ringback__v1__place);

    place->queue_id = out_queue(out, queue);
    place->entry_ms = entry_ms;
    place->tie_break = out_ident(out, tie);
    return place;
}

/* --- out --- */

static PB(QueueEntity) * queue_out(struct out out, const struct queue *queue)
{
    PB(QueueEntity) *entity = OUT_NEW(out, QueueEntity, ringback__v1__queue_entity);

    entity->settings = out_copy(out, queue->settings == NULL ? NULL : &queue->settings->base);
    entity->removed_version = queue->removed_version;
    entity->removing_ms = queue->removing_ms;
    entity->closed_ms = queue->closed_ms;
    entity->edge_ms = queue->edge_ms;
    entity->n_past_caller_ids = queue->past_count;
    entity->past_caller_ids = arena_alloc(out.arena, queue->past_count * sizeof(void *));
    for (uint32_t at = 0; at < queue->past_count; at++) {
        PB(PastCallerId) *past = OUT_NEW(out, PastCallerId, ringback__v1__past_caller_id);

        past->until_ms = queue->past[at].until_ms;
        past->ani = out_text(out, queue->past[at].ani);
        past->ani_name = out_text(out, queue->past[at].ani_name);
        entity->past_caller_ids[at] = past;
    }
    return entity;
}

static PB(StayCounts) * counts_out(struct out out, const struct stay_counts *counts)
{
    PB(StayCounts) *message = OUT_NEW(out, StayCounts, ringback__v1__stay_counts);

    message->offered = counts->offered;
    message->answered = counts->answered;
    message->abandoned = counts->abandoned;
    message->flow_out = counts->flow_out;
    return message;
}

static PB(CountersEntity) * counters_out(struct out out, const struct queue *queue)
{
    PB(CountersEntity) *entity = OUT_NEW(out, CountersEntity, ringback__v1__counters_entity);

    entity->live = counts_out(out, &queue->live);
    entity->callbacks = counts_out(out, &queue->callbacks);
    entity->n_handle_ms = queue->handle_count;
    entity->handle_ms = arena_alloc(out.arena, sizeof(queue->handle_ms));
    memcpy(entity->handle_ms, queue->handle_ms, sizeof(queue->handle_ms));
    if (queue->status.told_ms != 0) {
        entity->status = OUT_NEW(out, StatusEntity, ringback__v1__status_entity);
        entity->status->waiting_live = queue->status.waiting_live;
        entity->status->waiting_callbacks = queue->status.waiting_callbacks;
        entity->status->estimate_ms = queue->status.estimate_ms;
        entity->status->reason = (PB(Reason))queue->status.reason;
        entity->status->told_ms = queue->status.told_ms;
        entity->status->wake_ms = queue->status.wake_ms;
    }
    return entity;
}

static PB(AgentEntity) * agent_out(struct out out, const struct agent *agent)
{
    PB(AgentEntity) *entity = OUT_NEW(out, AgentEntity, ringback__v1__agent_entity);

    entity->settings = out_copy(out, agent->settings == NULL ? NULL : &agent->settings->base);
    entity->removed_version = agent->removed_version;
    entity->removed_ms = agent->removed_ms;
    entity->presence = (PB(Presence))agent->presence;
    entity->presence_version = agent->presence_version;
    entity->presence_ms = agent->presence_ms;
    entity->status = (PB(RoutingStatus))agent->status;
    entity->status_version = agent->status_version;
    entity->status_ms = agent->status_ms;
    entity->n_queue_ids = agent->queue_count;
    entity->queue_ids = arena_alloc(out.arena, agent->queue_count * sizeof(char *));
    for (uint32_t at = 0; at < agent->queue_count; at++)
        entity->queue_ids[at] = out_queue(out, agent->queues[at]);
    entity->queues_version = agent->queues_version;
    entity->queues_ms = agent->queues_ms;
    entity->first_on_queue_ms = agent->first_on_queue_ms;
    entity->last_end_ms = agent->last_end_ms;
    entity->busy_ms = agent->busy_ms;
    entity->missed_until_ms = agent->missed_until_ms;
    entity->n_declines = agent->decline_count;
    entity->declines = arena_alloc(out.arena, agent->decline_count * sizeof(void *));
    for (uint32_t at = 0; at < agent->decline_count; at++) {
        PB(DeclinePause) *pause = OUT_NEW(out, DeclinePause, ringback__v1__decline_pause);

        pause->callback_id = out_ident(out, &agent->declines[at].callback);
        pause->until_ms = agent->declines[at].until_ms;
        entity->declines[at] = pause;
    }
    entity->gone_ms = agent->gone_ms;
    entity->heard_ms = agent->heard_ms;
    entity->silent = agent->silent;
    entity->attempt_id = out_ident(out, &agent->after);
    return entity;
}

static void held_out(struct out out, const struct call *call, PB(CallEntity) * entity)
{
    entity->held_places = arena_alloc(out.arena, HELD_PLACES_MAX * sizeof(void *));
    for (uint32_t at = call->held; at != 0;) {
        const struct held *held = pool_at(&out.m->held_pool, at);
        PB(HeldPlace) *place = OUT_NEW(out, HeldPlace, ringback__v1__held_place);

        place->place = out_place(out, held->queue, held->entry_ms, &held->tie);
        place->routing =
            out_routing(out, held->priority, held->skills, held->language, held->scores);
        entity->held_places[entity->n_held_places++] = place;
        at = held->next;
    }
}

static PB(RingsEntity) * rings_out(struct out out, const struct rings *rings)
{
    PB(RingsEntity) *entity = OUT_NEW(out, RingsEntity, ringback__v1__rings_entity);

    entity->began_ms = rings->began_ms;
    entity->ring = rings->ring;
    entity->floor = rings->floor;
    return entity;
}

static PB(CallEntity) * call_out(struct out out, const struct call *call)
{
    PB(CallEntity) *entity = OUT_NEW(out, CallEntity, ringback__v1__call_entity);
    struct slice flows = text_at(&out.m->texts, call->flow_ids);
    struct slice data = text_at(&out.m->texts, call->data_ids);

    entity->conversation_id = out_ident(out, &call->conversation);
    entity->media = (PB(Media))call->head.kind;
    entity->state = (PB(CallState))call->head.state;
    entity->switch_version = call->switch_version;
    entity->heard_ms = call->heard_ms;
    entity->place = out_place(out, call->queue, call->entry_ms, &call->tie);
    entity->routing = out_routing(out, call->priority, call->skills, call->language, call->scores);
    entity->ani = out_text(out, call->ani);
    entity->dialled_number = out_text(out, call->dialled);
    entity->last_agent_id = out_agent(out, call->last_agent);
    entity->caller_id = out_text(out, call->caller_id);
    entity->caller_name = out_text(out, call->caller_name);
    entity->agent_id = out_agent(out, call->agent);
    entity->connected_ms = call->connected_ms;
    entity->released_ms = call->released_ms;
    entity->stay_ms = call->stay_ms;
    entity->ended_ms = call->ended_ms;
    entity->holds_place = call->holds_place;
    entity->outbound = call->outbound;
    if (call->held != 0)
        held_out(out, call, entity);
    if (call->rings.ring != 0)
        entity->rings = rings_out(out, &call->rings);
    entity->callback_id = out_ident(out, &call->callback);
    entity->scheduled_id = out_ident(out, &call->scheduled);
    entity->n_in_queue_flows = flows.size / sizeof(uint64_t);
    entity->in_queue_flows = arena_alloc(out.arena, flows.size);
    if (flows.size > 0)
        memcpy(entity->in_queue_flows, flows.data, flows.size);
    entity->call_data_ms = call->data_ms;
    entity->n_call_data = data.size / sizeof(uint64_t);
    entity->call_data = arena_alloc(out.arena, data.size);
    if (data.size > 0)
        memcpy(entity->call_data, data.data, data.size);
    return entity;
}

static void active_out(struct out out, const struct callback *cb, PB(CallbackEntity) * entity)
{
    const struct active *active = active_at(out.m, cb->active);

    if (cb->head.state == STATE(OFFERED)) {
        PB(OfferEntity) *offer = OUT_NEW(out, OfferEntity, ringback__v1__offer_entity);

        offer->offer_id = out_ident(out, &active->offer);
        offer->made_ms = active->offer_made_ms;
        offer->deadline_ms = active->deadline_ms;
        offer->status_version = active->status_version;
        offer->grace_ms = active->grace_ms;
        offer->unjoined = active->unjoined;
        entity->offer = offer;
    } else {
        PB(HoldEntity) *hold = OUT_NEW(out, HoldEntity, ringback__v1__hold_entity);

        hold->accepted_ms = active->accepted_ms;
        hold->offer_id = out_ident(out, &active->offer);
        hold->auto_dial_ms = active->auto_dial_ms;
        hold->call_ended_ms = active->call_ended_ms;
        hold->act_until_ms = active->act_until_ms;
        hold->auto_end_ms = active->auto_end_ms;
        hold->gone = active->gone;
        hold->active_ms = active->active_ms;
        entity->hold = hold;
    }
    if (!ident_is_none(&active->attempt)) {
        PB(AttemptEntity) *attempt = OUT_NEW(out, AttemptEntity, ringback__v1__attempt_entity);

        attempt->attempt_id = out_ident(out, &active->attempt);
        attempt->switch_version = active->attempt_version;
        attempt->placed_ms = active->placed_ms;
        attempt->outcome_until_ms = active->outcome_until_ms;
        attempt->ringing_ms = active->ringing_ms;
        attempt->answered_ms = active->answered_ms;
        attempt->answered_by = (PB(AnswerKind))active->answered_by;
        attempt->heard_ms = active->attempt_heard_ms;
        attempt->ended_ms = active->attempt_ended_ms;
        attempt->lost = active->lost;
        attempt->customer_first = active->first;
        attempt->reserved_agent_id = out_agent(out, active->reserved);
        attempt->held = active->held;
        attempt->talk_ms = active->talk_ms;
        entity->attempt = attempt;
    }
}

static void extra_out(struct out out, const struct callback *cb, PB(CallbackEntity) * entity)
{
    const struct extra *extra = extra_of(out.m, cb);

    entity->name = out_text(out, extra->name);
    entity->callee_name = out_text(out, extra->callee_name);
    entity->caller_id = out_text(out, extra->caller_id);
    entity->caller_name = out_text(out, extra->caller_name);
    if (extra->local_zone != 0) {
        entity->local_due = OUT_NEW(out, LocalTime, ringback__v1__local_time);
        entity->local_due->zone = out_text(out, zone_at(out.m, extra->local_zone)->id);
        entity->local_due->local_ms = extra->local_ms;
    }
    entity->campaign_id = out_text(out, extra->campaign);
    entity->contact_id = out_text(out, extra->contact);
    entity->recording_id = out_text(out, extra->recording);
    entity->from_agent_id = out_agent(out, extra->from_agent);
    entity->owner_end_ms = extra->owner_end_ms;
    entity->resume_ms = extra->resume_ms;
    entity->talk_ms = extra->talk_ms;
    entity->told_position = extra->told_position;
    entity->caller_id_ms = extra->ani_ms;
    if (extra->rings.ring != 0)
        entity->rings = rings_out(out, &extra->rings);
    entity->scheduled_id = out_ident(out, &extra->scheduled);
}

PB(RoutingData) *
    callback_routing(struct machine *m, const struct callback *cb, struct arena *arena)
{
    const struct class *class = class_at(m, cb->class);
    const struct extra *extra = extra_of(m, cb);
    bool owned = class->owner != 0 && extra != NULL;

    return out_routing((struct out){m, arena}, cb->priority, owned ? extra->skills : class->skills,
                       owned ? extra->language : class->language,
                       extra == NULL ? 0 : extra->scores);
}

static PB(CallbackEntity) * callback_out(struct out out, const struct callback *cb)
{
    PB(CallbackEntity) *entity = OUT_NEW(out, CallbackEntity, ringback__v1__callback_entity);
    const struct extra *extra = extra_of(out.m, cb);
    struct ident tie = callback_tie(out.m, cb);

    entity->kind = (PB(CallbackKind))cb->head.kind;
    entity->state = (PB(CallbackState))cb->head.state;
    entity->conversation_id = out_ident(out, &cb->conversation);
    entity->interaction_id = out_ident(out, &cb->interaction);
    entity->place = out_place(out, cb->queue, cb->entry_ms, &tie);
    entity->routing = callback_routing(out.m, cb, out.arena);
    entity->routing_kept = (cb->flags & CB_ROUTING_KEPT) != 0;
    entity->number = number_string(cb->number, out.arena);
    if (cb->script != 0)
        entity->script_id = out_text(out, script_at(out.m, cb->script)->id);
    entity->created_ms = cb->created_ms;
    entity->updated_ms = cb->updated_ms;
    entity->due_ms = cb->due_ms;
    entity->scheduled_by = out_agent(out, cb->scheduled_by);
    entity->route_to_scheduler = (cb->flags & CB_ROUTE_TO_ME) != 0;
    entity->owner_agent_id = out_agent(out, cb->owner);
    entity->agent_id = out_agent(out, cb->agent);
    entity->stay_ms = cb->stay_ms;
    entity->since_ms = cb->since_ms;
    entity->still_waiting = cb->still;
    entity->inactive = (cb->flags & CB_INACTIVE) != 0;
    entity->reached = (cb->flags & CB_REACHED) != 0;
    entity->customer_first_stay = (cb->flags & CB_CFC_STAY) != 0;
    entity->preview = (cb->flags & CB_PREVIEW) != 0;
    entity->attempts = cb->attempts;
    entity->retries = cb->retries;
    entity->snoozes = cb->snoozes;
    if (extra != NULL)
        extra_out(out, cb, entity);
    if (cb->active != 0)
        active_out(out, cb, entity);
    return entity;
}

static PB(AnswerEntity) * answer_out(struct out out, const struct answer *answer)
{
    PB(AnswerEntity) *entity = OUT_NEW(out, AnswerEntity, ringback__v1__answer_entity);

    entity->request_id = out_ident(out, &answer->request);
    entity->answered_ms = answer->answered_ms;
    entity->reason = (PB(Reason))answer->reason;
    entity->callback_id = out_ident(out, &answer->callback);
    entity->attempt_id = out_ident(out, &answer->attempt);
    entity->flow = answer->flow;
    return entity;
}

static PB(RequestsEntity) * requests_out(struct out out, const struct requests *requests)
{
    PB(RequestsEntity) *entity = OUT_NEW(out, RequestsEntity, ringback__v1__requests_entity);

    entity->queue_id = out_queue(out, requests->queue);
    entity->number = number_string(requests->number, out.arena);
    entity->day = requests->day;
    entity->count = requests->count;
    entity->until_ms = requests->until_ms;
    return entity;
}

static PB(DomainEntity) * domain_out(struct out out, const struct domain *domain)
{
    PB(DomainEntity) *entity = OUT_NEW(out, DomainEntity, ringback__v1__domain_entity);

    entity->settings = out_copy(out, domain->settings == NULL ? NULL : &domain->settings->base);
    entity->walk_ms = domain->walk_ms;
    return entity;
}

static PB(ScriptEntity) * script_out(struct out out, const struct script *script)
{
    PB(ScriptEntity) *entity = OUT_NEW(out, ScriptEntity, ringback__v1__script_entity);

    entity->settings = out_copy(out, script->settings == NULL ? NULL : &script->settings->base);
    entity->removed_version = script->removed_version;
    return entity;
}

static PB(ZoneEntity) * zone_out(struct out out, const struct zone *zone)
{
    PB(ZoneEntity) *entity = OUT_NEW(out, ZoneEntity, ringback__v1__zone_entity);

    entity->table = out_copy(out, zone->table == NULL ? NULL : &zone->table->base);
    entity->removed_version = zone->removed_version;
    entity->apply_ms = zone->apply_ms;
    entity->apply_local_ms = zone->apply_local_ms;
    return entity;
}

static PB(CallbackEntity) * stub_out(struct out out, const struct stub *stub)
{
    PB(CallbackEntity) *entity = OUT_NEW(out, CallbackEntity, ringback__v1__callback_entity);

    entity->kind = (PB(CallbackKind))stub->head.kind;
    entity->state = STATE(ENDED);
    entity->end_reason = (PB(Reason))stub->reason;
    entity->ended_ms = stub->ended_ms;
    return entity;
}

#define ENTITY_CASE(NAME) RINGBACK__V1__STATE_RECORD__ENTITY_##NAME

PB(StateRecord) * entity_record(struct machine *m, uint32_t ref, struct arena *arena)
{
    struct out out = {m, arena};
    PB(StateRecord) *record = OUT_NEW(out, StateRecord, ringback__v1__state_record);
    uint32_t handle = ref_handle(ref);

    record->version = head_of(m, ref)->version;
    switch (ref_kind(ref)) {
    case KIND_DOMAIN:
        record->entity_case = ENTITY_CASE(DOMAIN);
        record->domain = domain_out(out, domain_at(m, handle));
        break;
    case KIND_QUEUE:
        record->entity_case = ENTITY_CASE(QUEUE);
        record->queue = queue_out(out, queue_at(m, handle));
        break;
    case KIND_COUNTERS:
        record->entity_case = ENTITY_CASE(COUNTERS);
        record->counters = counters_out(out, queue_at(m, handle));
        break;
    case KIND_SCRIPT:
        record->entity_case = ENTITY_CASE(SCRIPT);
        record->script = script_out(out, script_at(m, handle));
        break;
    case KIND_ZONE:
        record->entity_case = ENTITY_CASE(ZONE);
        record->zone = zone_out(out, zone_at(m, handle));
        break;
    case KIND_AGENT:
        record->entity_case = ENTITY_CASE(AGENT);
        record->agent = agent_out(out, agent_at(m, handle));
        break;
    case KIND_CALL:
        record->entity_case = ENTITY_CASE(CALL);
        record->call = call_out(out, call_at(m, handle));
        break;
    case KIND_CALLBACK:
        record->entity_case = ENTITY_CASE(CALLBACK);
        record->callback = callback_out(out, callback_at(m, handle));
        break;
    case KIND_ANSWER:
        record->entity_case = ENTITY_CASE(ANSWER);
        record->answer = answer_out(out, answer_at(m, handle));
        break;
    case KIND_REQUESTS:
        record->entity_case = ENTITY_CASE(REQUESTS);
        record->requests = requests_out(out, requests_at(m, handle));
        break;
    case KIND_STUB:
        record->entity_case = ENTITY_CASE(CALLBACK);
        record->callback = stub_out(out, stub_at(m, handle));
        break;
    case KIND_COUNT: assert(!"a reference of no kind"); break;
    }
    return record;
}

/* --- in --- */

static void *in_copy(struct machine *m, const ProtobufCMessage *message)
{
    void *copy = message_keep(message, &m->scratch);

    arena_reset(&m->scratch);
    return copy;
}

static void free_message(void *message)
{
    if (message != NULL)
        protobuf_c_message_free_unpacked(message, NULL);
}

static struct ident in_ident(struct machine *m, const char *text)
{
    struct ident none = {{0}};

    return text[0] == '\0' ? none : ident_put(&m->texts, slice_text(text));
}

static uint32_t in_entity(struct machine *m, enum kind kind, uint32_t domain, const char *id)
{
    return id[0] == '\0' ? 0 : entity_get(m, kind, domain, slice_text(id));
}

static uint32_t in_skills(struct machine *m, uint32_t domain, const PB(RoutingData) * routing)
{
    return routing == NULL ? 0 : skillset_get(m, domain, routing->skills, routing->n_skills);
}

static uint32_t in_language(struct machine *m, uint32_t domain, const PB(RoutingData) * routing)
{
    return routing == NULL ? 0 : name_get(m, domain, slice_text(routing->language));
}

static void queue_in(struct machine *m, uint32_t handle, const PB(QueueEntity) * entity)
{
    struct queue *queue = queue_at(m, handle);

    free_message(queue->settings);
    queue->settings = in_copy(m, entity->settings == NULL ? NULL : &entity->settings->base);
    queue->removed_version = entity->removed_version;
    queue->removing_ms = entity->removing_ms;
    queue->closed_ms = entity->closed_ms;
    queue->edge_ms = entity->edge_ms;
    queue_past_clear(m, queue);
    for (size_t at = 0; at < entity->n_past_caller_ids; at++)
        queue_past_add(m, queue, entity->past_caller_ids[at]->until_ms,
                       slice_text(entity->past_caller_ids[at]->ani),
                       slice_text(entity->past_caller_ids[at]->ani_name));
}

static void counts_in(struct stay_counts *counts, const PB(StayCounts) * message)
{
    *counts = (struct stay_counts){0};
    if (message == NULL)
        return;
    counts->offered = message->offered;
    counts->answered = message->answered;
    counts->abandoned = message->abandoned;
    counts->flow_out = message->flow_out;
    counts->waiting = message->offered - message->answered - message->abandoned - message->flow_out;
}

static void counters_in(struct machine *m, uint32_t handle, const PB(CountersEntity) * entity)
{
    struct queue *queue = queue_at(m, handle);

    counts_in(&queue->live, entity->live);
    counts_in(&queue->callbacks, entity->callbacks);
    queue->status = (struct queue_status){.told_ms = 0};
    if (entity->status != NULL)
        queue->status = (struct queue_status){
            entity->status->waiting_live,     entity->status->waiting_callbacks,
            (uint32_t)entity->status->reason, entity->status->estimate_ms,
            entity->status->told_ms,          entity->status->wake_ms};
    queue->handle_count = 0;
    for (size_t at = 0; at < entity->n_handle_ms && at < HANDLE_SAMPLES; at++)
        queue->handle_ms[queue->handle_count++] = entity->handle_ms[at];
}

static void agent_in(struct machine *m, uint32_t handle, const PB(AgentEntity) * entity)
{
    struct agent *agent = agent_at(m, handle);

    free_message(agent->settings);
    agent->settings = in_copy(m, entity->settings == NULL ? NULL : &entity->settings->base);
    agent->skills = agent->languages = 0;
    if (agent->settings != NULL) {
        agent->skills =
            skillset_get(m, agent->domain, agent->settings->skills, agent->settings->n_skills);
        agent->languages = skillset_get(m, agent->domain, agent->settings->languages,
                                        agent->settings->n_languages);
    }
    agent->removed_version = entity->removed_version;
    agent->removed_ms = entity->removed_ms;
    agent->presence = (uint8_t)entity->presence;
    agent->presence_version = entity->presence_version;
    agent->presence_ms = entity->presence_ms;
    agent->status = (uint8_t)entity->status;
    agent->status_version = entity->status_version;
    agent->status_ms = entity->status_ms;
    agent->queues = memory_grow(agent->queues, (entity->n_queue_ids + 1) * sizeof(uint32_t),
                                "queues of an agent");
    agent->queue_count = 0;
    for (size_t at = 0; at < entity->n_queue_ids; at++)
        agent->queues[agent->queue_count++] =
            in_entity(m, KIND_QUEUE, agent->domain, entity->queue_ids[at]);
    agent->queues_version = entity->queues_version;
    agent->queues_ms = entity->queues_ms;
    agent->first_on_queue_ms = entity->first_on_queue_ms;
    agent->last_end_ms = entity->last_end_ms;
    agent->busy_ms = entity->busy_ms;
    agent->missed_until_ms = entity->missed_until_ms;
    agent->decline_count = 0;
    for (size_t at = 0; at < entity->n_declines; at++) {
        struct ident id = in_ident(m, entity->declines[at]->callback_id);

        agent_pause(agent, &id, entity->declines[at]->until_ms);
    }
    agent->gone_ms = entity->gone_ms;
    agent->heard_ms = entity->heard_ms;
    agent->silent = entity->silent;
    agent->after = in_ident(m, entity->attempt_id);
}

static void held_places_in(struct machine *m, struct call *call, const PB(CallEntity) * entity)
{
    for (size_t at = entity->n_held_places; at-- > 0;) {
        const PB(HeldPlace) *place = entity->held_places[at];
        struct held *held;

        if (place->place == NULL)
            continue;
        held = held_push(m, call);
        held->queue = in_entity(m, KIND_QUEUE, call->domain, place->place->queue_id);
        held->entry_ms = place->place->entry_ms;
        held->tie = in_ident(m, place->place->tie_break);
        held->priority = place->routing == NULL ? 0 : place->routing->priority;
        held->skills = in_skills(m, call->domain, place->routing);
        held->language = in_language(m, call->domain, place->routing);
        held->scores = scores_put(m, call->domain, place->routing);
    }
}

static struct rings rings_in(const PB(RingsEntity) * entity)
{
    struct rings rings = {.began_ms = entity->began_ms};

    rings.ring = (uint8_t)(entity->ring < RING_ALL ? entity->ring : RING_ALL);
    rings.floor = (uint8_t)(entity->floor < UINT8_MAX ? entity->floor : UINT8_MAX);
    return rings;
}

static void call_in(struct machine *m, uint32_t handle, const PB(CallEntity) * entity)
{
    struct call *call = call_at(m, handle);
    uint32_t domain = call->domain;

    call_strip(m, call);
    call->conversation = in_ident(m, entity->conversation_id);
    call->head.kind = (uint8_t)entity->media;
    call->head.state = (uint8_t)entity->state;
    call->switch_version = entity->switch_version;
    call->heard_ms = entity->heard_ms;
    if (entity->place != NULL) {
        call->queue = in_entity(m, KIND_QUEUE, domain, entity->place->queue_id);
        call->entry_ms = entity->place->entry_ms;
        call->tie = in_ident(m, entity->place->tie_break);
    }
    call->priority = entity->routing == NULL ? 0 : entity->routing->priority;
    call->skills = in_skills(m, domain, entity->routing);
    call->language = in_language(m, domain, entity->routing);
    call->scores = scores_put(m, domain, entity->routing);
    call->ani = text_put(&m->texts, slice_text(entity->ani));
    call->dialled = text_put(&m->texts, slice_text(entity->dialled_number));
    call->last_agent = in_entity(m, KIND_AGENT, domain, entity->last_agent_id);
    call->caller_id = text_put(&m->texts, slice_text(entity->caller_id));
    call->caller_name = text_put(&m->texts, slice_text(entity->caller_name));
    call->agent = in_entity(m, KIND_AGENT, domain, entity->agent_id);
    call->connected_ms = entity->connected_ms;
    call->released_ms = entity->released_ms;
    call->stay_ms = entity->stay_ms;
    call->ended_ms = entity->ended_ms;
    call->holds_place = entity->holds_place;
    call->outbound = entity->outbound;
    held_places_in(m, call, entity);
    if (entity->rings != NULL)
        call->rings = rings_in(entity->rings);
    call->callback = in_ident(m, entity->callback_id);
    call->scheduled = in_ident(m, entity->scheduled_id);
    call->flow_ids = text_put(
        &m->texts, slice_make(entity->in_queue_flows, entity->n_in_queue_flows * sizeof(uint64_t)));
    call->data_ms = entity->call_data_ms;
    call->data_ids =
        text_put(&m->texts, slice_make(entity->call_data, entity->n_call_data * sizeof(uint64_t)));
}

static void active_in(struct machine *m, struct callback *cb, const PB(CallbackEntity) * entity,
                      uint32_t domain)
{
    struct active *active;

    if (entity->offer == NULL && entity->hold == NULL)
        return;
    active = active_get(m, cb);
    if (entity->offer != NULL) {
        active->offer = in_ident(m, entity->offer->offer_id);
        active->offer_made_ms = entity->offer->made_ms;
        active->deadline_ms = entity->offer->deadline_ms;
        active->status_version = entity->offer->status_version;
        active->grace_ms = entity->offer->grace_ms;
        active->unjoined = entity->offer->unjoined;
    }
    if (entity->hold != NULL) {
        active->accepted_ms = entity->hold->accepted_ms;
        active->offer = in_ident(m, entity->hold->offer_id);
        active->auto_dial_ms = entity->hold->auto_dial_ms;
        active->call_ended_ms = entity->hold->call_ended_ms;
        active->act_until_ms = entity->hold->act_until_ms;
        active->auto_end_ms = entity->hold->auto_end_ms;
        active->gone = entity->hold->gone;
        active->active_ms = entity->hold->active_ms;
    }
    if (entity->attempt != NULL) {
        active->attempt = in_ident(m, entity->attempt->attempt_id);
        active->attempt_version = entity->attempt->switch_version;
        active->placed_ms = entity->attempt->placed_ms;
        active->outcome_until_ms = entity->attempt->outcome_until_ms;
        active->ringing_ms = entity->attempt->ringing_ms;
        active->answered_ms = entity->attempt->answered_ms;
        active->answered_by = (uint8_t)entity->attempt->answered_by;
        active->attempt_heard_ms = entity->attempt->heard_ms;
        active->attempt_ended_ms = entity->attempt->ended_ms;
        active->lost = entity->attempt->lost;
        active->first = entity->attempt->customer_first;
        active->held = entity->attempt->held;
        active->talk_ms = entity->attempt->talk_ms;
        active->reserved = in_entity(m, KIND_AGENT, domain, entity->attempt->reserved_agent_id);
    }
}

static void extra_in(struct machine *m, struct callback *cb, const PB(CallbackEntity) * entity,
                     uint32_t domain)
{
    if (entity->name[0] != '\0')
        extra_get(m, cb)->name = text_put(&m->texts, slice_text(entity->name));
    if (entity->callee_name[0] != '\0')
        extra_get(m, cb)->callee_name = text_put(&m->texts, slice_text(entity->callee_name));
    if (entity->caller_id[0] != '\0')
        extra_get(m, cb)->caller_id = text_put(&m->texts, slice_text(entity->caller_id));
    if (entity->caller_name[0] != '\0')
        extra_get(m, cb)->caller_name = text_put(&m->texts, slice_text(entity->caller_name));
    if (entity->campaign_id[0] != '\0')
        extra_get(m, cb)->campaign = text_put(&m->texts, slice_text(entity->campaign_id));
    if (entity->contact_id[0] != '\0')
        extra_get(m, cb)->contact = text_put(&m->texts, slice_text(entity->contact_id));
    if (entity->recording_id[0] != '\0')
        extra_get(m, cb)->recording = text_put(&m->texts, slice_text(entity->recording_id));
    if (entity->from_agent_id[0] != '\0')
        extra_get(m, cb)->from_agent = in_entity(m, KIND_AGENT, domain, entity->from_agent_id);
    if (entity->local_due != NULL) {
        extra_get(m, cb)->local_zone = in_entity(m, KIND_ZONE, domain, entity->local_due->zone);
        extra_get(m, cb)->local_ms = entity->local_due->local_ms;
    }
    if (entity->owner_end_ms != 0)
        extra_get(m, cb)->owner_end_ms = entity->owner_end_ms;
    if (entity->caller_id_ms != 0)
        extra_get(m, cb)->ani_ms = entity->caller_id_ms;
    if (entity->told_position != 0)
        extra_get(m, cb)->told_position = entity->told_position;
    if (entity->talk_ms != 0)
        extra_get(m, cb)->talk_ms = entity->talk_ms;
    if (entity->resume_ms != 0)
        extra_get(m, cb)->resume_ms = entity->resume_ms;
    if (entity->scheduled_id[0] != '\0')
        extra_get(m, cb)->scheduled = in_ident(m, entity->scheduled_id);
    if (entity->routing != NULL && entity->routing->n_scores > 0)
        extra_get(m, cb)->scores = scores_put(m, domain, entity->routing);
    if (entity->rings != NULL)
        extra_get(m, cb)->rings = rings_in(entity->rings);
    if (cb->owner != 0 && in_skills(m, domain, entity->routing) != 0)
        extra_get(m, cb)->skills = in_skills(m, domain, entity->routing);
    if (cb->owner != 0 && in_language(m, domain, entity->routing) != 0)
        extra_get(m, cb)->language = in_language(m, domain, entity->routing);
}

static void callback_in(struct machine *m, uint32_t domain, uint32_t handle,
                        const PB(CallbackEntity) * entity)
{
    struct callback *cb = callback_at(m, handle);
    struct slice tie = slice_text(entity->place == NULL ? NULL : entity->place->tie_break);
    uint64_t number;

    cb->head.kind = (uint8_t)entity->kind;
    cb->head.state = (uint8_t)entity->state;
    cb->conversation = in_ident(m, entity->conversation_id);
    cb->interaction = in_ident(m, entity->interaction_id);
    cb->entry_ms = entity->place->entry_ms;
    cb->flags =
        (uint16_t)((entity->routing_kept ? CB_ROUTING_KEPT : 0) |
                   (entity->inactive ? CB_INACTIVE : 0) | (entity->reached ? CB_REACHED : 0) |
                   (entity->route_to_scheduler ? CB_ROUTE_TO_ME : 0) |
                   (entity->customer_first_stay ? CB_CFC_STAY : 0) |
                   (entity->preview ? CB_PREVIEW : 0));
    cb->priority = entity->routing == NULL ? 0 : entity->routing->priority;
    if (number_parse(slice_text(entity->number), slice_make(NULL, 0), &number) == NUMBER_OK)
        cb->number = number;
    cb->script = in_entity(m, KIND_SCRIPT, domain, entity->script_id);
    cb->created_ms = entity->created_ms;
    cb->updated_ms = entity->updated_ms;
    cb->due_ms = entity->due_ms;
    cb->scheduled_by = in_entity(m, KIND_AGENT, domain, entity->scheduled_by);
    cb->owner = in_entity(m, KIND_AGENT, domain, entity->owner_agent_id);
    cb->agent = in_entity(m, KIND_AGENT, domain, entity->agent_id);
    cb->stay_ms = entity->stay_ms;
    cb->since_ms = entity->since_ms;
    cb->still = (uint16_t)entity->still_waiting;
    cb->attempts = (uint8_t)entity->attempts;
    cb->retries = (uint8_t)entity->retries;
    cb->snoozes = (uint8_t)entity->snoozes;
    if (ident_equal(&m->texts, &cb->id, tie)) {
        cb->flags |= CB_OWN_TIE;
    } else if (!ident_equal(&m->texts, &cb->interaction, tie)) {
        cb->flags |= CB_EXTRA_TIE;
        extra_get(m, cb)->tie = ident_put(&m->texts, tie);
    }
    extra_in(m, cb, entity, domain);
    active_in(m, cb, entity, domain);
    cb->class = class_get(m, cb, in_skills(m, domain, entity->routing),
                          in_language(m, domain, entity->routing));
}

static void answer_in(struct machine *m, uint32_t handle, const PB(AnswerEntity) * entity)
{
    struct answer *answer = answer_at(m, handle);

    answer->answered_ms = entity->answered_ms;
    answer->reason = (uint32_t)entity->reason;
    answer->callback = in_ident(m, entity->callback_id);
    answer->attempt = in_ident(m, entity->attempt_id);
    answer->flow = entity->flow;
}

static void requests_in(struct machine *m, uint32_t domain, uint32_t handle,
                        const PB(RequestsEntity) * entity)
{
    struct requests *requests = requests_at(m, handle);
    uint64_t number;

    requests->queue = in_entity(m, KIND_QUEUE, domain, entity->queue_id);
    if (number_parse(slice_text(entity->number), slice_make(NULL, 0), &number) == NUMBER_OK)
        requests->number = number;
    requests->day = entity->day;
    requests->count = entity->count;
    requests->until_ms = entity->until_ms;
}

/* --- keys --- */

struct parsed_key {
    enum kind kind;
    struct slice domain, id;
};

static bool key_parse(struct slice key, struct parsed_key *parsed)
{
    static const char *const names[] = {"domain", "queue", "counters", "script", "zone",
                                        "agent",  "call",  "callback", "answer", "requests"};
    const uint8_t *first = key.size == 0 ? NULL : memchr(key.data, '|', key.size);
    const uint8_t *second;

    if (first == NULL)
        return false;
    second = memchr(first + 1, '|', key.size - (size_t)(first + 1 - key.data));
    if (second == NULL)
        return false;
    parsed->domain = slice_make(first + 1, (size_t)(second - first - 1));
    parsed->id = slice_make(second + 1, key.size - (size_t)(second + 1 - key.data));
    for (int kind = 0; kind < KIND_STUB; kind++)
        if (slice_equal(slice_text(names[kind]),
                        slice_make(key.data, (size_t)(first - key.data)))) {
            parsed->kind = (enum kind)kind;
            return ident_valid(parsed->domain) &&
                   (kind == KIND_DOMAIN ? parsed->id.size == 0 : ident_valid(parsed->id));
        }
    return false;
}

/* The entity of the key, 0 if there is none; a callback may be a stub. */
static uint32_t key_find(struct machine *m, const struct parsed_key *key)
{
    uint32_t domain = domain_find(m, key->domain), handle;

    if (key->kind == KIND_DOMAIN)
        return domain == 0 ? 0 : ref_make(KIND_DOMAIN, domain);
    if (key->kind == KIND_COUNTERS) {
        handle = entity_find(m, KIND_QUEUE, domain, key->id);
        return handle == 0 ? 0 : ref_make(KIND_COUNTERS, handle);
    }
    handle = entity_find(m, key->kind, domain, key->id);
    if (handle == 0 && key->kind == KIND_CALLBACK) {
        handle = entity_find(m, KIND_STUB, domain, key->id);
        return handle == 0 ? 0 : ref_make(KIND_STUB, handle);
    }
    return handle == 0 ? 0 : ref_make(key->kind, handle);
}

uint32_t ref_find(struct machine *m, struct slice key)
{
    struct parsed_key parsed;
    uint32_t ref = key_parse(key, &parsed) ? key_find(m, &parsed) : 0;

    return ref != 0 && head_of(m, ref)->version != 0 ? ref : 0;
}

/* --- loading --- */

/* Take what is there of a callback away: it is replaced or removed. */
static void callback_discard(struct machine *m, uint32_t handle)
{
    struct callback *cb = callback_at(m, handle);
    uint32_t domain = queue_at(m, cb->queue)->domain;
    struct ident id = cb->id;
    uint32_t class = cb->class;

    if (class != 0)
        class_release(m, class);
    callback_bury(m, handle, 0, 0, NULL);
    stub_remove(m, stub_find(m, domain, &id));
}

static void entity_discard(struct machine *m, uint32_t ref)
{
    uint32_t handle = ref_handle(ref);

    switch (ref_kind(ref)) {
    case KIND_CALLBACK: callback_discard(m, handle); break;
    case KIND_STUB: stub_remove(m, handle); break;
    case KIND_CALL: call_remove(m, handle); break;
    case KIND_ANSWER: answer_remove(m, handle); break;
    case KIND_REQUESTS: requests_remove(m, handle); break;
    case KIND_DOMAIN:
    case KIND_QUEUE:
    case KIND_COUNTERS:
    case KIND_SCRIPT:
    case KIND_ZONE:
    case KIND_AGENT: head_of(m, ref)->version = 0; break; /* never removed by the machine */
    case KIND_COUNT: assert(!"a reference of no kind"); break;
    }
}

/* What a damaged record lacks, or has too much, so that it would meet an assertion or be written
 * under no key later; NULL: nothing. machine_loaded() looks at what entities say of each other. */
static const char *scores_fault(const PB(RoutingData) * routing)
{
    for (size_t at = 0; routing != NULL && at < routing->n_scores; at++)
        if (!ident_valid(slice_text(routing->scores[at]->agent_id)))
            return "a score of no agent";
    return NULL;
}

static const char *agent_fault(const PB(AgentEntity) * entity)
{
    for (size_t at = 0; at < entity->n_queue_ids; at++)
        if (!ident_valid(slice_text(entity->queue_ids[at])))
            return "an agent who joined a queue without an id";
    return NULL;
}

/* With whom it is, and what is kept about that. */
static const char *holder_fault(const PB(CallbackEntity) * entity)
{
    bool first = entity->attempt != NULL && entity->attempt->customer_first;

    if (first && entity->state != STATE(DIALLING) && entity->state != STATE(TALKING))
        return "a callback whose customer was called first, and who is in no call";
    if (entity->state < STATE(OFFERED))
        return entity->agent_id[0] == '\0' ? NULL : "a callback that waits at an agent";
    if (entity->agent_id[0] == '\0' && !first)
        return entity->state == STATE(OFFERED) ? "a callback that is offered to nobody"
                                               : "a callback that nobody holds";
    if (entity->state == STATE(OFFERED))
        return entity->offer != NULL ? NULL : "a callback that is offered without an offer";
    return entity->hold != NULL ? NULL : "a callback that is held without a hold";
}

static const char *callback_fault(const PB(CallbackEntity) * entity)
{
    if (entity->place == NULL || !ident_valid(slice_text(entity->place->queue_id)))
        return "a callback without a queue";
    if (entity->state < STATE(SCHEDULED) || entity->state > STATE(WRAP_UP))
        return "a callback of an unknown state";
    if (entity->owner_agent_id[0] != '\0' && entity->owner_end_ms == 0)
        return "a callback with an owner, but no end of that";
    if ((entity->state == STATE(DELAYED) || entity->state == STATE(SNOOZED)) &&
        entity->resume_ms == 0)
        return "a callback that pauses without its end";
    if (entity->route_to_scheduler && entity->scheduled_by[0] == '\0')
        return "a callback that is to go back to nobody";
    if (scores_fault(entity->routing) != NULL)
        return scores_fault(entity->routing);
    return holder_fault(entity);
}

static const char *call_fault(const PB(CallEntity) * entity)
{
    bool placed = entity->place != NULL && entity->place->queue_id[0] != '\0';

    if ((unsigned)entity->media > RINGBACK__V1__MEDIA__MEDIA_CALLBACK)
        return "an interaction of an unknown medium";
    if ((entity->state == CALL(WAITING) || entity->stay_ms != 0) && !placed)
        return "an interaction that waits without a queue";
    return scores_fault(entity->routing);
}

static const char *answer_fault(const PB(AnswerEntity) * entity)
{
    if (protobuf_c_enum_descriptor_get_value(&ringback__v1__reason__descriptor, entity->reason) ==
        NULL)
        return "an answer of an unknown reason";
    if (entity->flow && entity->reason == REASON(UNSPECIFIED) && entity->callback_id[0] == '\0')
        return "a flow's request that was accepted without a callback";
    return NULL;
}

static const char *entity_fault(const PB(StateRecord) * value)
{
    if (value->entity_case == ENTITY_CASE(AGENT))
        return agent_fault(value->agent);
    if (value->entity_case == ENTITY_CASE(CALL))
        return call_fault(value->call);
    if (value->entity_case == ENTITY_CASE(ANSWER))
        return answer_fault(value->answer);
    if (value->entity_case == ENTITY_CASE(CALLBACK) && value->callback->state != STATE(ENDED))
        return callback_fault(value->callback);
    return NULL;
}

static enum err load_callback(struct machine *m, const struct parsed_key *key, uint32_t domain,
                              const PB(StateRecord) * value, struct err_note *note)
{
    const PB(CallbackEntity) *entity = value->callback;
    struct ident id = {{0}};
    uint32_t handle;

    if (!ident_uuid(key->id, id.bytes))
        return FAIL(note, ERR_BAD_STATE, "the id of a callback is no UUID");
    if (entity->state == STATE(ENDED)) {
        struct stub *stub;

        handle = stub_new(m, domain, &id);
        stub = stub_at(m, handle);
        stub->head.version = value->version;
        stub->head.kind = (uint8_t)entity->kind;
        stub->reason = (uint32_t)entity->end_reason;
        stub->ended_ms = entity->ended_ms;
        return ERR_OK;
    }
    handle =
        callback_new(m, domain, &id, in_entity(m, KIND_QUEUE, domain, entity->place->queue_id));
    callback_at(m, handle)->head.version = value->version;
    callback_in(m, domain, handle, entity);
    return ERR_OK;
}

static enum err load_entity(struct machine *m, const struct parsed_key *key,
                            const PB(StateRecord) * value, struct err_note *note)
{
    uint32_t domain = domain_get(m, key->domain), handle = 0;
    const char *fault = entity_fault(value);
    enum kind kind = key->kind;

    if (fault != NULL)
        return FAIL(note, ERR_BAD_STATE, "%s: the state is damaged", fault);
    if (kind == KIND_CALLBACK && value->entity_case == ENTITY_CASE(CALLBACK))
        return load_callback(m, key, domain, value, note);
    if (kind != KIND_DOMAIN && kind != KIND_CALLBACK)
        handle = entity_get(m, kind == KIND_COUNTERS ? KIND_QUEUE : kind, domain, key->id);
    if (kind == KIND_DOMAIN && value->entity_case == ENTITY_CASE(DOMAIN)) {
        handle = domain;
        free_message(domain_at(m, handle)->settings);
        domain_at(m, handle)->settings =
            in_copy(m, value->domain->settings == NULL ? NULL : &value->domain->settings->base);
        domain_at(m, handle)->walk_ms = value->domain->walk_ms;
    } else if (kind == KIND_QUEUE && value->entity_case == ENTITY_CASE(QUEUE)) {
        queue_in(m, handle, value->queue);
    } else if (kind == KIND_COUNTERS && value->entity_case == ENTITY_CASE(COUNTERS)) {
        counters_in(m, handle, value->counters);
    } else if (kind == KIND_SCRIPT && value->entity_case == ENTITY_CASE(SCRIPT)) {
        struct script *script = script_at(m, handle);

        free_message(script->settings);
        script->settings =
            in_copy(m, value->script->settings == NULL ? NULL : &value->script->settings->base);
        script->removed_version = value->script->removed_version;
    } else if (kind == KIND_ZONE && value->entity_case == ENTITY_CASE(ZONE)) {
        struct zone *zone = zone_at(m, handle);

        free_message(zone->table);
        zone->table = in_copy(m, value->zone->table == NULL ? NULL : &value->zone->table->base);
        zone->removed_version = value->zone->removed_version;
        zone->apply_ms = value->zone->apply_ms;
        zone->apply_local_ms = value->zone->apply_local_ms;
    } else if (kind == KIND_AGENT && value->entity_case == ENTITY_CASE(AGENT)) {
        agent_in(m, handle, value->agent);
    } else if (kind == KIND_CALL && value->entity_case == ENTITY_CASE(CALL)) {
        call_in(m, handle, value->call);
    } else if (kind == KIND_ANSWER && value->entity_case == ENTITY_CASE(ANSWER)) {
        answer_in(m, handle, value->answer);
    } else if (kind == KIND_REQUESTS && value->entity_case == ENTITY_CASE(REQUESTS)) {
        requests_in(m, domain, handle, value->requests);
    } else {
        return FAIL(note, ERR_BAD_STATE,
                    "the value is not of the key's kind, or of a newer version");
    }
    head_of(m, ref_make(kind, handle))->version = value->version;
    return ERR_OK;
}

enum err machine_load(struct machine *m, struct slice key, const PB(StateRecord) * value,
                      struct err_note *note)
{
    struct parsed_key parsed;
    uint32_t ref;

    assert(m->loading);
    if (!key_parse(key, &parsed))
        return FAIL(
            note, ERR_BAD_STATE,
            "state key '%.*s' is not kind|domain|id of a kind that this version knows: written by"
            " a newer one? Use the version that wrote it, or a newer one",
            (int)key.size, (const char *)key.data);
    ref = key_find(m, &parsed);
    if (ref != 0 && head_of(m, ref)->version != 0)
        entity_discard(m, ref);
    if (value == NULL)
        return ERR_OK;
    if (value->version == 0)
        return FAIL(note, ERR_BAD_STATE, "state key '%.*s' has version 0", (int)key.size,
                    (const char *)key.data);
    if (load_entity(m, &parsed, value, note) != ERR_OK)
        return err_prefix(note, "state key '%.*s': ", (int)key.size, (const char *)key.data);
    return ERR_OK;
}
