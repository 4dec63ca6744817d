/* Callbacks and voicemails that flows ask for (chapter 1, 8.2), and what flows tell us. */
#include "state/internal.h"

#include <assert.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define DUPLICATE(name) RINGBACK__V1__DUPLICATE_NUMBER__DUPLICATE_NUMBER_##name

bool text_fits(const char *text, int64_t bytes_max)
{
    return strlen(text) <= (size_t)bytes_max;
}

PB(Reason)
number_choose(struct machine *m, uint32_t domain, const char *given, struct slice customer,
              uint64_t *number)
{
    struct slice text = given[0] != '\0' ? slice_text(given) : customer;

    switch (number_parse(text, country_code(m, domain), number)) {
    case NUMBER_OK:
        return number_blocked(m, domain, *number) ? REASON(NUMBER_BLOCKED) : REASON(UNSPECIFIED);
    case NUMBER_NONE: return REASON(NUMBER_MISSING);
    case NUMBER_BAD: break;
    }
    return REASON(NUMBER_INVALID);
}

static bool script_usable(const struct script *script)
{
    return script->settings != NULL && script->settings->callback_enabled;
}

PB(Reason)
script_choose(struct machine *m, uint32_t domain, const struct queue *queue, const char *given,
              uint32_t *script)
{
    *script = 0;
    if (given[0] != '\0') {
        *script = entity_find(m, KIND_SCRIPT, domain, slice_text(given));
        if (*script == 0 || script_at(m, *script)->settings == NULL)
            return REASON(SCRIPT_UNKNOWN);
        return script_usable(script_at(m, *script)) ? REASON(UNSPECIFIED)
                                                    : REASON(SCRIPT_NOT_CALLBACK);
    }
    if (queue->settings->default_script_id[0] != '\0')
        *script =
            entity_find(m, KIND_SCRIPT, domain, slice_text(queue->settings->default_script_id));
    if (*script != 0 && !script_usable(script_at(m, *script)))
        *script = 0;
    return REASON(UNSPECIFIED);
}

uint32_t callback_script(const struct machine *m, const struct callback *cb)
{
    const struct queue *queue = queue_at(m, cb->queue);
    const char *usual = queue->settings == NULL ? "" : queue->settings->default_script_id;
    uint32_t script;

    if (cb->script == 0 || script_usable(script_at(m, cb->script)))
        return cb->script;
    script = entity_find(m, KIND_SCRIPT, queue->domain, slice_text(usual));
    return script != 0 && script_usable(script_at(m, script)) ? script : 0;
}

/* --- Create Callback --- */

bool optional_id(const char *id)
{
    return id[0] == '\0' || ident_valid(slice_text(id));
}

static bool facts_fit(const PB(InteractionFacts) * facts)
{
    if (facts == NULL)
        return true;
    if (facts->place != NULL &&
        (!ident_valid(slice_text(facts->place->queue_id)) || facts->place->entry_ms < 0 ||
         !optional_id(facts->place->tie_break)))
        return false;
    return routing_valid(facts->routing) && text_fits(facts->ani, LIMIT_ID_BYTES_MAX) &&
           text_fits(facts->dialled_number, LIMIT_ID_BYTES_MAX) &&
           optional_id(facts->last_agent_id) && text_fits(facts->caller_id, LIMIT_ID_BYTES_MAX) &&
           text_fits(facts->caller_name, LIMIT_NAME_BYTES_MAX) &&
           (unsigned)facts->media <= RINGBACK__V1__MEDIA__MEDIA_CALLBACK;
}

static bool create_fits(const PB(CreateCallback) * create, const PB(LeaveVoicemail) * voicemail)
{
    if (voicemail != NULL && (!ident_valid(slice_text(voicemail->recording_id)) ||
                              !optional_id(voicemail->from_agent_id)))
        return false;
    return ident_valid(slice_text(create->interaction_id)) &&
           optional_id(create->conversation_id) && text_fits(create->name, LIMIT_NAME_BYTES_MAX) &&
           text_fits(create->callee_name, LIMIT_NAME_BYTES_MAX) &&
           text_fits(create->number, LIMIT_ID_BYTES_MAX) &&
           text_fits(create->queue_id, LIMIT_ID_BYTES_MAX) &&
           text_fits(create->script_id, LIMIT_ID_BYTES_MAX) && facts_fit(create->facts);
}

/* 1.1 */
static bool flow_type_allowed(PB(FlowType) type)
{
    return type == RINGBACK__V1__FLOW_TYPE__FLOW_TYPE_INBOUND_CALL ||
           type == RINGBACK__V1__FLOW_TYPE__FLOW_TYPE_IN_QUEUE_CALL ||
           type == RINGBACK__V1__FLOW_TYPE__FLOW_TYPE_OUTBOUND_CALL;
}

/* 8.2: one is recorded in the flow of any call. */
static bool voicemail_flow_allowed(PB(FlowType) type)
{
    return flow_type_allowed(type) || type == RINGBACK__V1__FLOW_TYPE__FLOW_TYPE_OTHER;
}

/* 1.11: may a callback still be made of the call? */
static PB(Reason) call_refusal(const struct machine *m, const struct call *call)
{
    if (!ident_is_none(&call->callback))
        return REASON(ALREADY_REQUESTED);
    if (call->connected_ms != 0)
        return call->connected_ms < m->step.when ? REASON(ALREADY_SERVED) : REASON(UNSPECIFIED);
    if (call->ended_ms != 0 && m->step.when - call->ended_ms > m->options.late_request_ms)
        return REASON(NOT_CONNECTED);
    return REASON(UNSPECIFIED);
}

/* The facts of the event make the call known, as if the switch had told (12.8). */
static void call_from_facts(struct machine *m, uint32_t handle, const PB(CreateCallback) * create)
{
    struct call *call = call_at(m, handle);
    const PB(InteractionFacts) *facts = create->facts;
    PB(InteractionEntered) entered = RINGBACK__V1__INTERACTION_ENTERED__INIT;

    touch(m, ref_make(KIND_CALL, handle));
    call->heard_ms = m->step.now;
    if (ident_is_none(&call->conversation) && create->conversation_id[0] != '\0')
        call->conversation = ident_put(&m->texts, slice_text(create->conversation_id));
    if (facts == NULL)
        return;
    if (call->caller_id == 0) /* Call Data is no word of the switch */
        call->caller_id = text_put(&m->texts, slice_text(facts->caller_id));
    if (call->caller_name == 0)
        call->caller_name = text_put(&m->texts, slice_text(facts->caller_name));
    if (call->switch_version != 0 && call->switch_version >= facts->version)
        return; /* what the switch told wins, unless this is newer */
    call_set_media(m, handle, facts->media);
    call->switch_version = facts->version;
    entered.place = facts->place;
    entered.routing = facts->routing;
    entered.ani = facts->ani;
    entered.dialled_number = facts->dialled_number;
    entered.last_agent_id = facts->last_agent_id;
    entered.outbound = create->flow_type == RINGBACK__V1__FLOW_TYPE__FLOW_TYPE_OUTBOUND_CALL;
    if (entered.place != NULL)
        call_entered(m, handle, &entered);
    else if (call->queue == 0)
        call_describe(m, handle, &entered);
}

/* 1.6: the call stands, or counts as standing, in that queue. */
static bool stands_in(const struct machine *m, const struct call *call, uint32_t queue)
{
    if (call->queue != queue)
        return false;
    if (call->stay_ms != 0 || call->holds_place)
        return true;
    /* At the request's moment it was in line: an agent answered later, or it ended there. */
    return call->connected_ms != 0 ? call->connected_ms >= m->step.when : call->ended_ms != 0;
}

/* What a callback inherits from: where the call stands, or a place that it holds elsewhere. */
struct source_place {
    bool place;
    int64_t entry_ms;
    const struct ident *tie;
    int32_t priority;
    uint32_t skills, language, scores;
};

static struct source_place place_of(const struct machine *m, const struct call *call,
                                    uint32_t queue)
{
    const struct held *held = held_in(m, call, queue);

    if (held != NULL && !stands_in(m, call, queue))
        return (struct source_place){true,         held->entry_ms, &held->tie,  held->priority,
                                     held->skills, held->language, held->scores};
    return (struct source_place){stands_in(m, call, queue),
                                 call->entry_ms,
                                 &call->tie,
                                 call->priority,
                                 call->skills,
                                 call->language,
                                 call->scores};
}

/* Place and routing data (1.6, 1.7). to_end: it takes no place (8.2). */
static void inherit(struct machine *m, uint32_t handle, const struct call *call, bool to_end)
{
    struct callback *cb = callback_at(m, handle);
    const struct queue *queue = queue_at(m, cb->queue);
    struct source_place from = place_of(m, call, cb->queue);
    bool kept = queue_inherits(m, queue);

    if (to_end)
        from.place = false;
    cb->entry_ms = m->step.when;
    cb->flags |= CB_OWN_TIE;
    if (from.place) {
        cb->entry_ms = from.entry_ms;
        cb->flags &= (uint16_t)~CB_OWN_TIE;
        if (!ident_is_none(from.tie)) {
            cb->flags |= CB_EXTRA_TIE;
            extra_get(m, cb)->tie = ident_copy(&m->texts, from.tie);
        }
    }
    if (kept)
        cb->flags |= CB_ROUTING_KEPT;
    if (!from.place && !kept) {
        callback_class(m, handle, 0, 0);
        return;
    }
    cb->priority = from.priority;
    if (from.scores != 0)
        extra_get(m, cb)->scores = text_put(&m->texts, text_at(&m->texts, from.scores));
    callback_class(m, handle, from.skills, from.language);
    if (from.scores != 0)
        rings_begin(m, &extra_get(m, cb)->rings, cb->queue, extra_get(m, cb)->scores, m->step.when);
}

void callback_label(struct machine *m, struct callback *cb, const char *name,
                    const char *callee_name)
{
    if (name[0] != '\0')
        extra_get(m, cb)->name = text_put(&m->texts, slice_text(name));
    if (callee_name[0] != '\0')
        extra_get(m, cb)->callee_name = text_put(&m->texts, slice_text(callee_name));
}

/* text_put of what already stands in the texts: the pool may move under it, so it is copied. */
static uint32_t text_again(struct machine *m, uint32_t text)
{
    return text_put(&m->texts, arena_slice(m->step.arena, text_at(&m->texts, text)));
}

void callback_caller(struct machine *m, struct callback *cb, uint32_t id, uint32_t name)
{
    if (id != 0)
        extra_get(m, cb)->caller_id = text_again(m, id);
    if (name != 0)
        extra_get(m, cb)->caller_name = text_again(m, name);
}

/* What a request comes to. */
struct wanted {
    struct ident id;
    uint32_t call, queue, script; /* 0: not known, no script */
    uint32_t old;                 /* the number's live callback, where 12.1 asks; 0: none */
    uint64_t number;              /* 0: none */
    bool joins;                   /* the request becomes the old one's */
};

/* What only a voicemail has (8.2). */
static void voicemail_put(struct machine *m, struct callback *cb,
                          const PB(LeaveVoicemail) * voicemail)
{
    struct extra *extra = extra_get(m, cb);

    cb->head.kind = RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_VOICEMAIL;
    extra->recording = text_put(&m->texts, slice_text(voicemail->recording_id));
    if (voicemail->from_agent_id[0] == '\0')
        return;
    extra->from_agent =
        entity_get(m, KIND_AGENT, m->step.domain, slice_text(voicemail->from_agent_id));
    voicemail_count(m, extra->from_agent, 1);
}

/* What a place ranks and matches by, of a callback that waits. */
static struct source_place place_held(const struct machine *m, const struct callback *cb,
                                      const struct ident *tie)
{
    const struct class *class = class_at(m, cb->class);
    const struct extra *extra = extra_of(m, cb);
    bool apart = cb->owner != 0 && extra != NULL;

    return (struct source_place){true,
                                 cb->entry_ms,
                                 tie,
                                 cb->priority,
                                 apart ? extra->skills : class->skills,
                                 apart ? extra->language : class->language,
                                 extra == NULL ? 0 : extra->scores};
}

/* Place and routing data stay together (1.7). The callback is in no tree; from's texts are not its
 * own. */
static void place_take(struct machine *m, uint32_t handle, struct source_place from)
{
    struct callback *cb = callback_at(m, handle);
    struct slice scores = arena_slice(m->step.arena, text_at(&m->texts, from.scores));
    struct ident tie = ident_copy(&m->texts, from.tie);

    callback_unprefer(m, handle);
    if (cb->flags & CB_EXTRA_TIE)
        ident_drop(&m->texts, &extra_get(m, cb)->tie);
    cb->flags = (uint16_t)((cb->flags & ~CB_OWN_TIE) | CB_EXTRA_TIE);
    extra_get(m, cb)->tie = tie;
    cb->entry_ms = from.entry_ms;
    cb->priority = from.priority;
    if (cb->owner != 0) {
        extra_get(m, cb)->skills = from.skills;
        extra_get(m, cb)->language = from.language;
    }
    callback_class(m, handle, from.skills, from.language);
    if (scores.size == 0 || cb->owner != 0)
        return;
    extra_get(m, cb)->scores = text_put(&m->texts, scores);
    rings_begin(m, &extra_get(m, cb)->rings, cb->queue, extra_get(m, cb)->scores, m->step.when);
}

/* The new one is not in line yet; of two places in one queue it keeps the earlier (12.1). */
static void keep_earlier_place(struct machine *m, uint32_t handle, uint32_t old)
{
    struct ident tie = callback_tie(m, callback_at(m, old));

    if (callback_at(m, old)->queue == callback_at(m, handle)->queue &&
        place_compare(m, old, false, handle, false) < 0)
        place_take(m, handle, place_held(m, callback_at(m, old), &tie));
}

static void make_in_queue(struct machine *m, const char *request, const PB(CreateCallback) * create,
                          const PB(LeaveVoicemail) * voicemail, const struct wanted *wanted)
{
    struct call *call = call_at(m, wanted->call);
    const struct ident *id = &wanted->id;
    uint32_t handle = callback_new(m, m->step.domain, id, wanted->queue);
    struct callback *cb = callback_at(m, handle);
    bool in_queue = create->flow_type == RINGBACK__V1__FLOW_TYPE__FLOW_TYPE_IN_QUEUE_CALL;

    touch(m, ref_make(KIND_CALLBACK, handle));
    cb->head.kind = RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_IN_QUEUE;
    cb->conversation = ident_copy(&m->texts, &call->conversation);
    cb->interaction = ident_copy(&m->texts, &call->id);
    cb->number = wanted->number;
    cb->script = wanted->script;
    cb->created_ms = cb->updated_ms = m->step.now;
    callback_label(m, cb, create->name, create->callee_name);
    callback_caller(m, cb, call->caller_id, call->caller_name);
    if (voicemail != NULL)
        voicemail_put(m, cb, voicemail);
    inherit(m, handle, call, voicemail != NULL && !in_queue);
    if (wanted->old != 0)
        keep_earlier_place(m, handle, wanted->old);
    call_flow_out(m, wanted->call); /* 1.8 */
    call->callback = *id;
    call->holds_place = false;
    held_clear(m, call);
    answer_created(m, request, id, true);
    emit_session(m, cb);
    callback_enter_line(m, handle, m->step.when);
    callback_start(m, handle, STATE(WAITING));
    last_agent_try(m, handle, call->last_agent);
    for (uint32_t old = wanted->old, left = LIMIT_FAN_OUT_MAX; old != 0 && left > 0; left--) {
        callback_step(m, old, CB_REPLACED, &(struct callback_input){.agent = 0});
        old = number_other(m, m->step.domain, cb->number, handle);
    }
}

/* 12.1: the number's callback takes what is new of the request: name, script, an earlier place. */
static void merge(struct machine *m, const PB(CreateCallback) * create, const struct wanted *wanted)
{
    struct callback *old = callback_at(m, wanted->old);
    const struct call *call = call_at(m, wanted->call);
    struct source_place from = place_of(m, call, old->queue);
    struct ident tie = call_tie(call);
    const struct queue *queue = queue_at(m, old->queue);
    int64_t held = line_key(queue, old->entry_ms, old->priority);
    int64_t new = line_key(queue, from.entry_ms, from.priority);

    callback_updated(m, wanted->old);
    if (create->name[0] != '\0')
        extra_get(m, old)->name =
            text_set(&m->texts, extra_get(m, old)->name, slice_text(create->name));
    if (create->callee_name[0] != '\0')
        extra_get(m, old)->callee_name =
            text_set(&m->texts, extra_get(m, old)->callee_name, slice_text(create->callee_name));
    if (create->script_id[0] != '\0')
        old->script = wanted->script;
    if (!from.place || new > held || (new == held &&from.entry_ms >= old->entry_ms))
        return;
    if (ident_is_none(from.tie))
        from.tie = &tie;
    callback_unplace(m, wanted->old);
    place_take(m, wanted->old, from);
    callback_place(m, wanted->old);
}

/* The request is the old callback's too: it is answered with its id. */
static void join_old(struct machine *m, const char *request, const PB(CreateCallback) * create,
                     const struct wanted *wanted)
{
    struct ident id = callback_at(m, wanted->old)->id;
    struct call *call = call_at(m, wanted->call);

    if (!callback_served(callback_at(m, wanted->old)))
        merge(m, create, wanted);
    call_flow_out(m, wanted->call); /* 1.8 */
    call->callback = id;
    call->holds_place = false;
    held_clear(m, call);
    answer_flow(m, request, REASON(UNSPECIFIED), &id);
}

/* 1.2: the customer is who was dialled, in an outbound call or a callback. */
static bool customer_dialled(const struct call *known, const PB(CreateCallback) * create)
{
    if (create->flow_type == RINGBACK__V1__FLOW_TYPE__FLOW_TYPE_OUTBOUND_CALL)
        return true;
    if (known != NULL && known->switch_version != 0)
        return known->outbound || known->head.kind == RINGBACK__V1__MEDIA__MEDIA_CALLBACK;
    return create->facts != NULL && create->facts->media == RINGBACK__V1__MEDIA__MEDIA_CALLBACK;
}

/* The customer's number, as far as known. */
static struct slice customer_of(const struct machine *m, const struct call *known,
                                const PB(CreateCallback) * create)
{
    const PB(InteractionFacts) *facts = create->facts;
    bool dialled = customer_dialled(known, create);
    struct slice customer = {NULL, 0};

    if (known != NULL && known->switch_version != 0)
        customer = text_at(&m->texts, dialled ? known->dialled : known->ani);
    if (customer.size == 0 && facts != NULL)
        customer = slice_text(dialled ? facts->dialled_number : facts->ani);
    return customer;
}

/* A voicemail needs none: without a number given, and with none of the customer that could be
 * called, it has none; a colleague's is not called (8.2). */
static PB(Reason) voicemail_number(struct machine *m, const PB(LeaveVoicemail) * voicemail,
                                   struct slice customer, uint64_t *number)
{
    PB(Reason) reason;

    if (voicemail->from_agent_id[0] != '\0')
        customer = slice_make(NULL, 0);
    reason = number_choose(m, m->step.domain, voicemail->number, customer, number);
    if (reason == REASON(NUMBER_MISSING) ||
        (reason == REASON(NUMBER_INVALID) && voicemail->number[0] == '\0')) {
        *number = 0;
        return REASON(UNSPECIFIED);
    }
    return reason;
}

/* What only voicemails are asked. 12.4 is not. */
static PB(Reason) check_voicemail(const struct machine *m, const PB(CreateCallback) * create,
                                  const struct call *known, uint32_t queue)
{
    if (!voicemail_flow_allowed(create->flow_type))
        return REASON(FLOW_TYPE);
    if (queue == 0 || queue_at(m, queue)->settings == NULL)
        return REASON(QUEUE_UNKNOWN);
    if (queue_customer_first(queue_at(m, queue)))
        return REASON(NOT_IN_CUSTOMER_FIRST);
    if (known != NULL && !ident_is_none(&known->callback))
        return REASON(ALREADY_REQUESTED);
    return queue_refusal(m, queue_at(m, queue), m->step.when);
}

static PB(Reason) check_callback(const struct machine *m, const PB(CreateCallback) * create,
                                 const struct call *known, uint32_t queue)
{
    PB(Reason) reason = REASON(UNSPECIFIED);

    if (!flow_type_allowed(create->flow_type))
        return REASON(FLOW_TYPE);
    if (queue == 0 || queue_at(m, queue)->settings == NULL)
        return REASON(QUEUE_UNKNOWN);
    if (known != NULL)
        reason = call_refusal(m, known);
    return reason == REASON(UNSPECIFIED) ? queue_refusal(m, queue_at(m, queue), m->step.when)
                                         : reason;
}

/* 12.1, and 12.4 of one that would wait more. */
static PB(Reason) check_number(const struct machine *m, struct wanted *wanted)
{
    PB(DuplicateNumber) how = domain_duplicates(m, m->step.domain);
    const struct queue *queue = queue_at(m, wanted->queue);
    const struct callback *old;
    PB(Reason) reason = requests_refusal(m, wanted->queue, wanted->number);

    if (reason != REASON(UNSPECIFIED))
        return reason;
    if (how != DUPLICATE(ALLOW))
        wanted->old = number_find(m, m->step.domain, wanted->number);
    if (wanted->old == 0)
        return queue_full(queue) ? REASON(QUEUE_FULL) : REASON(UNSPECIFIED);
    if (how == DUPLICATE(REFUSE))
        return REASON(DUPLICATE_NUMBER);
    old = callback_at(m, wanted->old);
    wanted->joins = how == DUPLICATE(MERGE) || callback_served(old);
    return !wanted->joins && old->queue != wanted->queue && queue_full(queue) ? REASON(QUEUE_FULL)
                                                                              : REASON(UNSPECIFIED);
}

static PB(Reason) check_create(struct machine *m, const PB(CreateCallback) * create,
                               const PB(LeaveVoicemail) * voicemail, struct wanted *wanted)
{
    const struct call *known = wanted->call == 0 ? NULL : call_at(m, wanted->call);
    struct slice customer;
    PB(Reason) reason;

    wanted->queue = entity_find(m, KIND_QUEUE, m->step.domain, slice_text(create->queue_id));
    reason = voicemail != NULL ? check_voicemail(m, create, known, wanted->queue)
                               : check_callback(m, create, known, wanted->queue);
    if (reason != REASON(UNSPECIFIED))
        return reason;
    customer = customer_of(m, known, create);
    reason = voicemail != NULL
                 ? voicemail_number(m, voicemail, customer, &wanted->number)
                 : number_choose(m, m->step.domain, create->number, customer, &wanted->number);
    if (reason == REASON(UNSPECIFIED))
        reason = script_choose(m, m->step.domain, queue_at(m, wanted->queue), create->script_id,
                               &wanted->script);
    return reason != REASON(UNSPECIFIED) || voicemail != NULL ? reason : check_number(m, wanted);
}

/* voicemail: what create does not say of one; NULL: it is a Create Callback. */
static void create_callback(struct machine *m, const char *request,
                            const PB(CreateCallback) * create, const PB(LeaveVoicemail) * voicemail)
{
    struct wanted wanted = {.id = id_made(m, "callback", 0)};
    PB(Reason) reason;

    if (!create_fits(create, voicemail)) {
        answer_flow(m, request, REASON(LIMIT), NULL);
        return;
    }
    wanted.call = entity_find(m, KIND_CALL, m->step.domain, slice_text(create->interaction_id));
    reason = check_create(m, create, voicemail, &wanted);
    if (reason != REASON(UNSPECIFIED)) {
        answer_flow(m, request, reason,
                    reason == REASON(ALREADY_REQUESTED)  ? &call_at(m, wanted.call)->callback
                    : reason == REASON(DUPLICATE_NUMBER) ? &callback_at(m, wanted.old)->id
                                                         : NULL);
        return;
    }
    wanted.call = entity_get(m, KIND_CALL, m->step.domain, slice_text(create->interaction_id));
    call_from_facts(m, wanted.call, create);
    if (voicemail == NULL)
        requests_count(m, wanted.queue, wanted.number);
    if (wanted.joins)
        join_old(m, request, create, &wanted);
    else
        make_in_queue(m, request, create, voicemail, &wanted);
}

/* 8.2: it is asked for as a callback is. */
static void leave_voicemail(struct machine *m, const char *request,
                            const PB(LeaveVoicemail) * voicemail)
{
    PB(CreateCallback) create = RINGBACK__V1__CREATE_CALLBACK__INIT;

    create.interaction_id = voicemail->interaction_id;
    create.conversation_id = voicemail->conversation_id;
    create.flow_type = voicemail->flow_type;
    create.queue_id = voicemail->queue_id;
    create.number = voicemail->number;
    create.callee_name = voicemail->callee_name;
    create.script_id = voicemail->script_id;
    create.facts = voicemail->facts;
    create_callback(m, request, &create, voicemail);
}

/* --- the other events of flows --- */

/* 1.10; a flow that was counted before is known by its event id. */
static void flow_entered(struct machine *m, const char *id, const PB(FlowEntered) * entered)
{
    uint64_t hashes[64], hash = XXH3_64bits(id, strlen(id));
    struct slice seen;
    uint32_t handle;
    struct call *call;
    size_t used;

    if (!ident_valid(slice_text(entered->interaction_id)) ||
        !optional_id(entered->conversation_id)) {
        answer_limit(m, id, REASON(LIMIT), true);
        return;
    }
    if (entered->flow_type != RINGBACK__V1__FLOW_TYPE__FLOW_TYPE_IN_QUEUE_EMAIL &&
        entered->flow_type != RINGBACK__V1__FLOW_TYPE__FLOW_TYPE_IN_QUEUE_MESSAGE)
        return;
    handle = entity_get(m, KIND_CALL, m->step.domain, slice_text(entered->interaction_id));
    call = call_at(m, handle);
    seen = text_at(&m->texts, call->flow_ids);
    used = seen.size / sizeof(hash);
    memcpy(hashes, seen.data, seen.size);
    for (size_t at = 0; at < used; at++)
        if (hashes[at] == hash) {
            count(m, MACHINE_COUNT_REPEATS);
            return;
        }
    if (used >= (size_t)LIMIT_IN_QUEUE_FLOWS_MAX) {
        if (answer_repeat(m, slice_text(id)))
            return;
        call_flow_out(m, handle);
        answer_flow(m, id, REASON(IN_QUEUE_FLOW_LIMIT), NULL);
        return;
    }
    touch(m, ref_make(KIND_CALL, handle));
    if (call->heard_ms == 0)
        call->heard_ms = m->step.now;
    hashes[used++] = hash;
    call->flow_ids = text_set(&m->texts, call->flow_ids, slice_make(hashes, used * sizeof(hash)));
}

enum { DATA_IDS_MAX = 8 };

/* Call Data has no version. A repeat is known by its event's id, as far as those are kept, and one
 * that comes late by its record's time (12.8). What is new is remembered. */
static bool data_new(struct machine *m, struct call *call, const char *id)
{
    uint64_t hashes[DATA_IDS_MAX + 1] = {XXH3_64bits(id, strlen(id))};
    struct slice seen = text_at(&m->texts, call->data_ids);
    size_t used = seen.size / sizeof(hashes[0]);

    assert(used <= (size_t)DATA_IDS_MAX);
    if (used > 0)
        memcpy(hashes + 1, seen.data, used * sizeof(hashes[0]));
    for (size_t at = 1; at <= used; at++)
        if (hashes[at] == hashes[0]) {
            count(m, MACHINE_COUNT_REPEATS);
            return false;
        }
    if (m->step.when < call->data_ms) {
        count(m, MACHINE_COUNT_OLD_FACTS);
        return false;
    }
    used = used < (size_t)DATA_IDS_MAX ? used + 1 : (size_t)DATA_IDS_MAX;
    call->data_ids =
        text_set(&m->texts, call->data_ids, slice_make(hashes, used * sizeof(hashes[0])));
    call->data_ms = m->step.when;
    return true;
}

static void call_data(struct machine *m, const char *id, const PB(CallData) * data)
{
    uint32_t handle;
    struct call *call;

    if (!ident_valid(slice_text(data->interaction_id)) || !optional_id(data->conversation_id) ||
        !text_fits(data->caller_id, LIMIT_ID_BYTES_MAX) ||
        !text_fits(data->caller_name, LIMIT_NAME_BYTES_MAX)) {
        answer_limit(m, id, REASON(LIMIT), true);
        return;
    }
    handle = entity_get(m, KIND_CALL, m->step.domain, slice_text(data->interaction_id));
    call = call_at(m, handle);
    if (call->head.state == CALL(ENDED)) {
        count(m, MACHINE_COUNT_LATE_NOTICES);
        return;
    }
    if (!data_new(m, call, id))
        return;
    touch(m, ref_make(KIND_CALL, handle));
    if (call->heard_ms == 0)
        call->heard_ms = m->step.now;
    if (ident_is_none(&call->conversation) && data->conversation_id[0] != '\0')
        call->conversation = ident_put(&m->texts, slice_text(data->conversation_id));
    call->caller_id = text_set(&m->texts, call->caller_id, slice_text(data->caller_id));
    call->caller_name = text_set(&m->texts, call->caller_name, slice_text(data->caller_name));
}

/* The customer asks for later (12.12), by the callback or by the attempt in which he asks. */
static void customer_snooze(struct machine *m, const char *request,
                            const PB(CustomerSnooze) * snooze)
{
    struct callback_input input = {.minutes = snooze->minutes};
    struct ident id = {{0}};
    uint32_t handle;
    PB(Reason) reason;

    if (!text_fits(snooze->callback_id, LIMIT_ID_BYTES_MAX) ||
        !text_fits(snooze->attempt_id, LIMIT_ID_BYTES_MAX)) {
        answer_flow(m, request, REASON(LIMIT), NULL);
        return;
    }
    if (snooze->callback_id[0] == '\0') {
        handle = attempt_find(m, m->step.domain, slice_text(snooze->attempt_id));
        if (handle != 0)
            id = callback_at(m, handle)->id;
    } else if (ident_uuid(slice_text(snooze->callback_id), id.bytes)) {
        handle = callback_find(m, m->step.domain, &id);
    } else {
        handle = 0;
    }
    if (handle != 0)
        reason = callback_step(m, handle, CB_SNOOZE, &input);
    else if (!ident_is_none(&id) && stub_find(m, m->step.domain, &id) != 0)
        reason = REASON(CALLBACK_ENDED);
    else
        reason = REASON(CALLBACK_UNKNOWN);
    answer_flow(m, request, reason, ident_is_none(&id) ? NULL : &id);
}

#define FLOW_CASE(NAME) RINGBACK__V1__FLOW_EVENT__EVENT_##NAME

enum err flow_event(struct machine *m, const struct input_event *input)
{
    const PB(FlowEvent) *event = (const PB(FlowEvent) *)input->event;
    bool notice =
        event->event_case == FLOW_CASE(FLOW_ENTERED) || event->event_case == FLOW_CASE(CALL_DATA);

    if (!ident_valid(slice_text(event->id)) || (notice && input->refuse != REASON(UNSPECIFIED))) {
        answer_limit(m, event->id,
                     input->refuse != REASON(UNSPECIFIED) ? input->refuse : REASON(LIMIT), true);
        return ERR_OK;
    }
    if (!notice && answer_repeat(m, slice_text(event->id)))
        return ERR_OK;
    if (input->refuse != REASON(UNSPECIFIED)) {
        answer_flow(m, event->id, input->refuse, NULL);
        return ERR_OK;
    }
    switch (event->event_case) {
    case FLOW_CASE(FLOW_ENTERED): flow_entered(m, event->id, event->flow_entered); break;
    case FLOW_CASE(CALL_DATA): call_data(m, event->id, event->call_data); break;
    case FLOW_CASE(CREATE_CALLBACK):
        create_callback(m, event->id, event->create_callback, NULL);
        break;
    case FLOW_CASE(CUSTOMER_SNOOZE): customer_snooze(m, event->id, event->customer_snooze); break;
    case FLOW_CASE(LEAVE_VOICEMAIL): leave_voicemail(m, event->id, event->leave_voicemail); break;
    case FLOW_CASE(SCHEDULE_CALLBACK):
        campaign_schedule(m, event->id, event->schedule_callback);
        break;
    case FLOW_CASE(_NOT_SET):
    case _RINGBACK__V1__FLOW_EVENT__EVENT__CASE_IS_INT_SIZE:
        answer_flow(m, event->id, REASON(NOT_SUPPORTED), NULL);
        break;
    }
    return ERR_OK;
}
