/* Callbacks scheduled by agents (chapters 2 and 3) and by campaigns (8.1). */
#include "state/internal.h"

/* --- Schedule (chapters 2 and 3) --- */

/* What the agent is connected to (2.1). */
struct source {
    uint32_t call, callback; /* one of them */
    uint32_t queue;
    uint64_t number;       /* the customer's, of a callback */
    struct slice customer; /* the customer's, of a call */
    bool scheduled;        /* one was made in it already */
};

static bool find_source(struct machine *m, uint32_t agent, struct slice id, struct source *source)
{
    /* First: a platform may report our callback back as an interaction of the same id. */
    *source = (struct source){.callback = entity_find(m, KIND_CALLBACK, m->step.domain, id)};
    if (source->callback != 0) {
        const struct callback *cb = callback_at(m, source->callback);
        const struct extra *extra = extra_of(m, cb);

        source->queue = cb->queue;
        source->number = cb->number;
        source->scheduled = extra != NULL && !ident_is_none(&extra->scheduled);
        return cb->agent == agent && cb->head.state >= STATE(WITH_AGENT) &&
               cb->head.state <= STATE(WRAP_UP) &&
               active_at(m, cb->active)->accepted_ms <= m->step.when;
    }
    source->call = entity_find(m, KIND_CALL, m->step.domain, id);
    if (source->call != 0) {
        const struct call *call = call_at(m, source->call);

        source->queue = call->queue;
        source->customer = text_at(&m->texts, call->outbound ? call->dialled : call->ani);
        source->scheduled = !ident_is_none(&call->scheduled);
        return call->agent == agent && call->connected_ms != 0 &&
               call->head.state != CALL(ALERTING) &&
               call->head.kind == RINGBACK__V1__MEDIA__MEDIA_VOICE &&
               call->connected_ms <= m->step.when &&
               (call->released_ms == 0 || m->step.when <= call->released_ms);
    }
    return false;
}

/* 2.4 */
static PB(Reason) schedule_queue(struct machine *m, const PB(Schedule) * schedule,
                                 const struct source *source, uint32_t *queue)
{
    *queue = source->queue;
    if (schedule->queue_id[0] != '\0') {
        *queue = entity_find(m, KIND_QUEUE, m->step.domain, slice_text(schedule->queue_id));
        if (*queue == 0 || queue_at(m, *queue)->settings == NULL)
            return REASON(QUEUE_UNKNOWN);
        if (source->queue != 0 && *queue != source->queue) {
            const PB(QueueSettings) *settings = queue_at(m, source->queue)->settings;

            if (settings == NULL || !settings->allow_queue_selection)
                return REASON(QUEUE_SELECTION_OFF);
        }
        return REASON(UNSPECIFIED);
    }
    if (*queue == 0)
        return REASON(QUEUE_NEEDED);
    return queue_at(m, *queue)->settings == NULL ? REASON(QUEUE_UNKNOWN) : REASON(UNSPECIFIED);
}

/* 2.2, 2.3, 3.1, 3.2 */
static PB(Reason) schedule_due(struct machine *m, const PB(Schedule) * schedule,
                               const struct queue *queue, struct due *due)
{
    PB(Reason)
    reason = due_choose(m, schedule->due_ms, schedule->local_due,
                        m->step.when + LIMIT_SCHEDULE_DEFAULT_MS, due);

    if (reason == REASON(UNSPECIFIED))
        reason = window_refusal(m, queue, due->ms);
    if (reason != REASON(UNSPECIFIED) || !schedule->take_ownership)
        return reason;
    reason = queue_owned_refusal(queue);
    if (reason != REASON(UNSPECIFIED))
        return reason;
    return due->ms - m->step.when > owned_ahead_ms(queue) ? REASON(TOO_FAR_AHEAD)
                                                          : REASON(UNSPECIFIED);
}

static bool schedule_fits(const PB(Command) * command)
{
    const PB(Schedule) *schedule = command->schedule;

    return ident_valid(slice_text(command->agent_id)) &&
           ident_valid(slice_text(schedule->interaction_id)) && optional_id(schedule->queue_id) &&
           text_fits(schedule->number, LIMIT_ID_BYTES_MAX) &&
           text_fits(schedule->callee_name, LIMIT_NAME_BYTES_MAX) &&
           text_fits(schedule->name, LIMIT_NAME_BYTES_MAX) &&
           text_fits(schedule->script_id, LIMIT_ID_BYTES_MAX) &&
           (schedule->local_due == NULL ||
            text_fits(schedule->local_due->zone, LIMIT_ID_BYTES_MAX));
}

static void remember_scheduled(struct machine *m, const struct source *source,
                               const struct ident *id)
{
    if (source->call != 0) {
        touch(m, ref_make(KIND_CALL, source->call));
        call_at(m, source->call)->scheduled = *id;
        return;
    }
    touch(m, ref_make(KIND_CALLBACK, source->callback));
    extra_get(m, callback_at(m, source->callback))->scheduled = *id;
}

/* What a scheduled callback takes from where it was made: conversation, caller ID, routing data. */
static void take_from_source(struct machine *m, uint32_t handle, const struct source *source)
{
    struct callback *cb = callback_at(m, handle);
    bool kept = queue_inherits(m, queue_at(m, cb->queue));
    uint32_t skills = 0, language = 0;

    if (source->call != 0) {
        const struct call *call = call_at(m, source->call);

        cb->conversation = ident_copy(&m->texts, &call->conversation);
        cb->interaction = ident_copy(&m->texts, &call->id);
        callback_caller(m, cb, call->caller_id, call->caller_name);
        if (kept) {
            cb->priority = call->priority;
            skills = call->skills;
            language = call->language;
        }
    } else {
        const struct callback *from = callback_at(m, source->callback);
        const struct extra *extra = extra_of(m, from);

        cb->conversation = ident_copy(&m->texts, &from->conversation);
        cb->interaction = from->id;
        if (extra != NULL)
            callback_caller(m, cb, extra->caller_id, extra->caller_name);
        if (kept && from->flags & CB_ROUTING_KEPT) {
            bool apart = from->owner != 0 && extra != NULL; /* an owner is not asked for them */

            cb->priority = from->priority;
            skills = apart ? extra->skills : class_at(m, from->class)->skills;
            language = apart ? extra->language : class_at(m, from->class)->language;
        }
    }
    if (kept)
        cb->flags |= CB_ROUTING_KEPT;
    if (cb->owner != 0 && (skills != 0 || language != 0)) {
        extra_get(m, cb)->skills = skills;
        extra_get(m, cb)->language = language;
    }
    callback_class(m, handle, skills, language);
}

void command_schedule(struct machine *m, const PB(Command) * command)
{
    const PB(Schedule) *schedule = command->schedule;
    struct ident id = id_made(m, "callback", 0);
    uint32_t agent, queue = 0, script = 0, handle;
    struct source source;
    struct callback *cb;
    struct due due = {0};
    uint64_t number = 0;
    PB(Reason) reason = REASON(UNSPECIFIED);

    if (!schedule_fits(command))
        reason = REASON(LIMIT);
    agent = entity_find(m, KIND_AGENT, m->step.domain, slice_text(command->agent_id));
    if (reason == REASON(UNSPECIFIED) && (agent == 0 || !agent_known(agent_at(m, agent))))
        reason = REASON(AGENT_UNKNOWN);
    if (reason == REASON(UNSPECIFIED) &&
        !find_source(m, agent, slice_text(schedule->interaction_id), &source))
        reason = REASON(NOT_CONNECTED);
    if (reason == REASON(UNSPECIFIED) && source.scheduled)
        reason = REASON(ALREADY_SCHEDULED);
    if (reason == REASON(UNSPECIFIED))
        reason = schedule_queue(m, schedule, &source, &queue);
    if (reason == REASON(UNSPECIFIED) && !queue_accepting(queue_at(m, queue)))
        reason = REASON(NOT_ACCEPTING);
    if (reason == REASON(UNSPECIFIED))
        reason = schedule_due(m, schedule, queue_at(m, queue), &due);
    if (reason == REASON(UNSPECIFIED) && (schedule->number[0] != '\0' || source.number == 0))
        reason = number_choose(m, m->step.domain, schedule->number, source.customer, &number);
    else if (reason == REASON(UNSPECIFIED) && number_blocked(m, m->step.domain, source.number))
        reason = REASON(NUMBER_BLOCKED);
    else if (reason == REASON(UNSPECIFIED))
        number = source.number;
    if (reason == REASON(UNSPECIFIED))
        reason = script_choose(m, m->step.domain, queue_at(m, queue), schedule->script_id, &script);
    if (reason != REASON(UNSPECIFIED)) {
        answer_command(m, command->request_id, reason, NULL, NULL);
        return;
    }
    handle = callback_new(m, m->step.domain, &id, queue);
    cb = callback_at(m, handle);
    touch(m, ref_make(KIND_CALLBACK, handle));
    cb->head.kind = RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_SCHEDULED;
    cb->flags |= CB_OWN_TIE;
    cb->number = number;
    cb->script = script;
    due_set(m, cb, &due);
    cb->scheduled_by = agent;
    if (schedule->route_to_me && !schedule->take_ownership) /* 3.7 */
        cb->flags |= CB_ROUTE_TO_ME;
    cb->created_ms = cb->updated_ms = m->step.now;
    callback_label(m, cb, schedule->name, schedule->callee_name);
    if (schedule->take_ownership) {
        cb->owner = agent;
        extra_get(m, cb)->owner_end_ms = due.ms + owned_duration_ms(queue_at(m, queue));
    }
    take_from_source(m, handle, &source);
    remember_scheduled(m, &source, &id);
    answer_created(m, command->request_id, &id, false);
    emit_session(m, cb);
    metrics_scheduled(m, cb);
    callback_start(m, handle, STATE(SCHEDULED));
}

/* --- by a campaign (8.1) --- */

static bool campaign_fits(const PB(ScheduleCallback) * schedule)
{
    return ident_valid(slice_text(schedule->campaign_id)) &&
           ident_valid(slice_text(schedule->contact_id)) &&
           ident_valid(slice_text(schedule->queue_id)) && optional_id(schedule->conversation_id) &&
           text_fits(schedule->number, LIMIT_ID_BYTES_MAX) &&
           text_fits(schedule->callee_name, LIMIT_NAME_BYTES_MAX) &&
           text_fits(schedule->script_id, LIMIT_ID_BYTES_MAX) && routing_valid(schedule->routing) &&
           (schedule->local_due == NULL ||
            text_fits(schedule->local_due->zone, LIMIT_ID_BYTES_MAX));
}

static bool previews(const PB(ScheduleCallback) * schedule)
{
    return schedule->campaign_mode == RINGBACK__V1__CAMPAIGN_MODE__CAMPAIGN_MODE_PREVIEW;
}

static PB(Reason)
    check_campaign(struct machine *m, const PB(ScheduleCallback) * schedule, uint32_t *queue,
                   struct due *due, uint64_t *number, uint32_t *script)
{
    PB(Reason) reason;

    if (!campaign_fits(schedule))
        return REASON(LIMIT);
    *queue = entity_find(m, KIND_QUEUE, m->step.domain, slice_text(schedule->queue_id));
    if (*queue == 0 || queue_at(m, *queue)->settings == NULL)
        return REASON(QUEUE_UNKNOWN);
    if (previews(schedule) && queue_customer_first(queue_at(m, *queue)))
        return REASON(NOT_IN_CUSTOMER_FIRST);
    if (!queue_accepting(queue_at(m, *queue)))
        return REASON(NOT_ACCEPTING);
    reason = due_choose(m, schedule->due_ms, schedule->local_due,
                        m->step.when + LIMIT_SCHEDULE_DEFAULT_MS, due);
    if (reason == REASON(UNSPECIFIED))
        reason = window_refusal(m, queue_at(m, *queue), due->ms);
    if (reason == REASON(UNSPECIFIED))
        reason = number_choose(m, m->step.domain, schedule->number, slice_make(NULL, 0), number);
    if (reason != REASON(UNSPECIFIED))
        return reason;
    return script_choose(m, m->step.domain, queue_at(m, *queue), schedule->script_id, script);
}

/* 1.7: a skilled campaign's routing data, where they are inherited. */
static void campaign_routing(struct machine *m, uint32_t handle,
                             const PB(ScheduleCallback) * schedule)
{
    struct callback *cb = callback_at(m, handle);
    const PB(RoutingData) *routing = schedule->routing;
    uint32_t skills = 0, language = 0;

    if (schedule->skilled && queue_inherits(m, queue_at(m, cb->queue))) {
        cb->flags |= CB_ROUTING_KEPT;
        if (routing != NULL) {
            cb->priority = routing->priority;
            skills = skillset_get(m, m->step.domain, routing->skills, routing->n_skills);
            if (routing->language[0] != '\0')
                language = name_get(m, m->step.domain, slice_text(routing->language));
        }
    }
    callback_class(m, handle, skills, language);
}

void campaign_schedule(struct machine *m, const char *request,
                       const PB(ScheduleCallback) * schedule)
{
    struct ident id = id_made(m, "callback", 0), conversation = id_made(m, "conversation", 0);
    uint32_t queue = 0, script = 0, handle;
    struct due due = {0};
    struct callback *cb;
    uint64_t number = 0;
    PB(Reason) reason = check_campaign(m, schedule, &queue, &due, &number, &script);

    if (reason != REASON(UNSPECIFIED)) {
        answer_flow(m, request, reason, NULL);
        return;
    }
    handle = callback_new(m, m->step.domain, &id, queue);
    cb = callback_at(m, handle);
    touch(m, ref_make(KIND_CALLBACK, handle));
    cb->head.kind = RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_CAMPAIGN;
    cb->flags |= (uint16_t)(CB_OWN_TIE | (previews(schedule) ? CB_PREVIEW : 0));
    cb->conversation = schedule->conversation_id[0] != '\0'
                           ? ident_put(&m->texts, slice_text(schedule->conversation_id))
                           : conversation;
    cb->number = number;
    cb->script = script;
    cb->created_ms = cb->updated_ms = m->step.now;
    due_set(m, cb, &due);
    callback_label(m, cb, "", schedule->callee_name);
    extra_get(m, cb)->campaign = text_put(&m->texts, slice_text(schedule->campaign_id));
    extra_get(m, cb)->contact = text_put(&m->texts, slice_text(schedule->contact_id));
    campaign_routing(m, handle, schedule);
    answer_created(m, request, &id, true);
    emit_session(m, cb);
    metrics_scheduled(m, cb);
    callback_start(m, handle, STATE(SCHEDULED));
}
