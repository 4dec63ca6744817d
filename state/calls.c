/* Live interactions: in whose line they stand, at which agent they are (chapter
 * 1, 5.2, 12.7, 12.8). */
#include "state/internal.h"

#include <assert.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static bool in_line(const struct call *call)
{
    return call->stay_ms != 0;
}

static bool at_agent(const struct call *call)
{
    return call->head.state == CALL(ALERTING) || call->head.state == CALL(CONNECTED) ||
           call->head.state == CALL(WRAP_UP);
}

/* Ends the stay, whatever becomes of the call. */
static void leave_line(struct machine *m, uint32_t handle, enum stay_end how, int64_t when_ms)
{
    struct call *call = call_at(m, handle);
    int64_t began = call->stay_ms;

    if (!in_line(call))
        return;
    call_unplace(m, handle);
    call->rings = (struct rings){0};
    call->stay_ms = 0;
    stay_over(m, call->queue, NULL, call, how, began, when_ms,
              how == STAY_ANSWERED ? call->agent : 0);
}

static void let_agent_go(struct machine *m, uint32_t handle, bool worked)
{
    struct call *call = call_at(m, handle);
    uint32_t agent = call->agent;

    if (agent == 0 || !at_agent(call))
        return;
    agent_detach(m, handle);
    touch(m, ref_make(KIND_AGENT, agent));
    if (worked)
        agent_worked(m, agent, m->step.when);
}

void call_flow_out(struct machine *m, uint32_t handle)
{
    struct call *call = call_at(m, handle);

    touch(m, ref_make(KIND_CALL, handle));
    if (!in_line(call))
        return;
    let_agent_go(m, handle, false);
    leave_line(m, handle, STAY_FLOW_OUT, m->step.when);
    call->head.state = CALL(LEFT);
}

void call_unalert(struct machine *m, uint32_t agent)
{
    uint32_t next;

    for (uint32_t at = agent_at(m, agent)->calls; at != 0; at = next) {
        struct call *call = call_at(m, at);

        next = call->at_next;
        if (call->head.state != CALL(ALERTING))
            continue;
        touch(m, ref_make(KIND_CALL, at));
        agent_detach(m, at);
        call->agent = 0;
        call->head.state = in_line(call) ? CALL(WAITING) : CALL(LEFT);
        if (in_line(call))
            call_place(m, at);
    }
}

/* --- what an event carries --- */

bool routing_valid(const PB(RoutingData) * routing)
{
    if (routing == NULL)
        return true;
    if (routing->priority > LIMIT_PRIORITY_MAX || routing->priority < -LIMIT_PRIORITY_MAX ||
        routing->n_skills > (size_t)LIMIT_SKILLS_MAX || routing->n_scores > (size_t)LIMIT_LIST_MAX)
        return false;
    for (size_t at = 0; at < routing->n_skills; at++)
        if (!text_fits(routing->skills[at], LIMIT_ID_BYTES_MAX) || routing->skills[at][0] == '\0')
            return false;
    for (size_t at = 0; at < routing->n_scores; at++)
        if (!ident_valid(slice_text(routing->scores[at]->agent_id)) ||
            routing->scores[at]->score > LIMIT_SCORE_MAX)
            return false;
    return text_fits(routing->language, LIMIT_ID_BYTES_MAX);
}

/* The highest 100 (4.1), best first, equal ones as they came. */
uint32_t scores_put(struct machine *m, uint32_t domain, const PB(RoutingData) * routing)
{
    struct score best[100];
    size_t used = 0;

    assert(LIMIT_SCORES_MAX == 100);
    for (size_t at = 0; routing != NULL && at < routing->n_scores; at++) {
        struct score score = {0, routing->scores[at]->score};
        size_t place = used, twice = 0;

        while (place > 0 && best[place - 1].score < score.score)
            place--;
        if (place == 100)
            continue;
        score.agent = entity_get(m, KIND_AGENT, domain, slice_text(routing->scores[at]->agent_id));
        while (twice < used && best[twice].agent != score.agent)
            twice++;
        if (twice < place)
            continue; /* of an agent's scores the highest counts */
        if (twice == used && used < 100)
            twice = used++;
        else if (twice == used)
            twice--; /* the lowest goes */
        memmove(best + place + 1, best + place, (twice - place) * sizeof(*best));
        best[place] = score;
    }
    return text_put(&m->texts, slice_make(best, used * sizeof(*best)));
}

static bool entered_valid(const PB(InteractionEntered) * entered)
{
    return entered->place != NULL && ident_valid(slice_text(entered->place->queue_id)) &&
           entered->place->entry_ms >= 0 &&
           (entered->place->tie_break[0] == '\0' ||
            ident_valid(slice_text(entered->place->tie_break))) &&
           routing_valid(entered->routing) && text_fits(entered->ani, LIMIT_ID_BYTES_MAX) &&
           text_fits(entered->dialled_number, LIMIT_ID_BYTES_MAX) &&
           (entered->last_agent_id[0] == '\0' || ident_valid(slice_text(entered->last_agent_id)));
}

/* The agent that the event names; NULL: it names none. */
static const char *named_agent(const PB(InteractionEvent) * event)
{
    switch (event->event_case) {
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_ALERTING: return event->alerting->agent_id;
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_CONNECTED: return event->connected->agent_id;
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_WRAP_UP_STARTED:
        return event->wrap_up_started->agent_id;
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_WRAP_UP_ENDED:
        return event->wrap_up_ended->agent_id;
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_CONNECTED:
        return event->attempt_connected->agent_id;
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_WRAP_UP_ENDED:
        return event->attempt_wrap_up_ended->agent_id;
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_ENTERED:
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_LEFT:
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_ENDED:
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_RINGING:
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_ANSWERED:
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_ENDED:
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_HELD:
    case RINGBACK__V1__INTERACTION_EVENT__EVENT__NOT_SET:
    case _RINGBACK__V1__INTERACTION_EVENT__EVENT__CASE_IS_INT_SIZE: break;
    }
    return NULL;
}

static bool of_attempt(const PB(InteractionEvent) * event)
{
    return event->event_case == RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_RINGING ||
           event->event_case == RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_ANSWERED ||
           event->event_case == RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_CONNECTED ||
           event->event_case == RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_ENDED ||
           event->event_case == RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_HELD ||
           event->event_case == RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_WRAP_UP_ENDED;
}

static const char *interaction_fault(const PB(InteractionEvent) * event)
{
    const char *agent = named_agent(event);

    if (of_attempt(event)) {
        if (event->attempt == NULL || !ident_valid(slice_text(event->attempt->attempt_id)))
            return "attempt_id is missing or no id";
        if (event->attempt->version == 0)
            return "attempt.version must be above 0";
        if (agent != NULL && agent[0] != '\0' && !ident_valid(slice_text(agent)))
            return "agent_id is no id";
        return NULL;
    }
    if (event->interaction == NULL || !ident_valid(slice_text(event->interaction->interaction_id)))
        return "interaction_id is missing or no id";
    if (event->interaction->version == 0)
        return "interaction.version must be above 0";
    if (event->interaction->conversation_id[0] != '\0' &&
        !ident_valid(slice_text(event->interaction->conversation_id)))
        return "conversation_id is no id";
    if ((unsigned)event->interaction->media > RINGBACK__V1__MEDIA__MEDIA_CALLBACK)
        return "media is unknown";
    if (agent != NULL && !ident_valid(slice_text(agent)))
        return "agent_id is missing or no id";
    if (event->event_case == RINGBACK__V1__INTERACTION_EVENT__EVENT_ENTERED &&
        !entered_valid(event->entered))
        return "entered: queue, entry time, tie-break, numbers or routing data break a limit";
    return NULL;
}

/* --- the events --- */

void call_describe(struct machine *m, uint32_t handle, const PB(InteractionEntered) * event)
{
    struct call *call = call_at(m, handle);

    call->priority = event->routing == NULL ? 0 : event->routing->priority;
    call->skills = event->routing == NULL ? 0
                                          : skillset_get(m, call->domain, event->routing->skills,
                                                         event->routing->n_skills);
    call->language = event->routing == NULL
                         ? 0
                         : name_get(m, call->domain, slice_text(event->routing->language));
    text_drop(&m->texts, call->scores);
    call->scores = scores_put(m, call->domain, event->routing);
    call->ani = text_set(&m->texts, call->ani, slice_text(event->ani));
    call->dialled = text_set(&m->texts, call->dialled, slice_text(event->dialled_number));
    call->outbound = event->outbound;
    if (event->last_agent_id[0] != '\0')
        call->last_agent =
            entity_get(m, KIND_AGENT, call->domain, slice_text(event->last_agent_id));
}

/* 4.2: of e-mails and messages. It is in no tree. */
static void rings_start(struct machine *m, uint32_t handle)
{
    struct call *call = call_at(m, handle);

    call->rings = (struct rings){0};
    if (call->head.kind != RINGBACK__V1__MEDIA__MEDIA_EMAIL &&
        call->head.kind != RINGBACK__V1__MEDIA__MEDIA_MESSAGE)
        return;
    rings_begin(m, &call->rings, call->queue, call->scores, m->step.when);
}

/* 1.6: it goes on to another queue, and was with no agent: it still counts as waiting in this. */
static void hold_place(struct machine *m, struct call *call, uint32_t next_queue)
{
    struct held *held;

    if (call->queue == next_queue || call->connected_ms != 0 ||
        (!in_line(call) && !call->holds_place))
        return;
    held = held_push(m, call);
    held->queue = call->queue;
    held->entry_ms = call->entry_ms;
    held->tie = ident_copy(&m->texts, &call->tie);
    held->priority = call->priority;
    held->skills = call->skills;
    held->language = call->language;
    held->scores = text_put(&m->texts, text_at(&m->texts, call->scores));
}

void call_entered(struct machine *m, uint32_t handle, const PB(InteractionEntered) * event)
{
    struct call *call = call_at(m, handle);
    uint32_t queue = entity_get(m, KIND_QUEUE, call->domain, slice_text(event->place->queue_id));
    int64_t entry = event->place->entry_ms;
    bool same;

    if (entry == 0 || entry > m->step.when)
        entry = m->step.when;
    same = queue == call->queue && entry == call->entry_ms;
    if (call->head.state == CALL(ENDED) ||
        (!ident_is_none(&call->callback) && call->queue != 0 && entry <= call->entry_ms)) {
        count(m, MACHINE_COUNT_LATE_NOTICES); /* 12.8 */
        return;
    }
    hold_place(m, call, queue);
    let_agent_go(m, handle, !in_line(call));
    call->connected_ms = call->released_ms = 0; /* it waits anew: nobody has served it since */
    call_unplace(m, handle);
    if (in_line(call) && !same)
        leave_line(m, handle, STAY_FLOW_OUT, m->step.when);
    call->queue = queue;
    call->entry_ms = entry;
    ident_drop(&m->texts, &call->tie);
    if (event->place->tie_break[0] != '\0' &&
        !ident_equal(&m->texts, &call->id, slice_text(event->place->tie_break)))
        call->tie = ident_put(&m->texts, slice_text(event->place->tie_break));
    call_describe(m, handle, event);
    if (!same || !in_line(call))
        rings_start(m, handle);
    call->agent = 0;
    call->holds_place = false;
    call->ended_ms = 0;
    call->head.state = CALL(WAITING);
    if (!in_line(call)) {
        call->stay_ms = m->step.when;
        stay_begin(m, queue, NULL, call);
        if (call->rings.ring != 0)
            emit_prefer(m, handle);
    }
    call_place(m, handle);
}

static void left(struct machine *m, uint32_t handle, PB(LeftReason) reason)
{
    struct call *call = call_at(m, handle);
    bool out = reason == RINGBACK__V1__LEFT_REASON__LEFT_REASON_FLOW_OUT;

    if (!in_line(call)) {
        count(m, MACHINE_COUNT_LATE_NOTICES);
        if (call->head.state == CALL(UNSPECIFIED))
            call->head.state = CALL(LEFT);
        return;
    }
    let_agent_go(m, handle, false);
    leave_line(m, handle, out ? STAY_FLOW_OUT : STAY_ABANDONED, m->step.when);
    call->head.state = CALL(LEFT);
    call->holds_place = out; /* 1.6 */
    call->ended_ms = out ? 0 : m->step.when;
}

static void named(struct machine *m, uint32_t handle, const char *agent_id, int64_t time_ms,
                  PB(CallState) state)
{
    struct call *call = call_at(m, handle);
    uint32_t agent;

    if (call->head.state == CALL(ENDED)) {
        count(m, MACHINE_COUNT_LATE_NOTICES);
        return;
    }
    agent = entity_get(m, KIND_AGENT, call->domain, slice_text(agent_id));
    touch(m, ref_make(KIND_AGENT, agent));
    if (call->agent != 0 && call->agent != agent)
        let_agent_go(m, handle, call->head.state != CALL(ALERTING));
    call_unplace(m, handle);
    agent_attach(m, agent, handle);
    call->head.state = (uint8_t)state;
    if (time_ms <= 0)
        time_ms = m->step.when;
    if (time_ms > agent_at(m, agent)->busy_ms)
        agent_at(m, agent)->busy_ms = time_ms;
    if (state == CALL(CONNECTED)) {
        leave_line(m, handle, STAY_ANSWERED, m->step.when);
        held_clear(m, call);
        call->holds_place = false;
        call->connected_ms = m->step.when;
        call->released_ms = 0;
        call->ended_ms = 0;
    }
    agent_check_offer(m, agent);
}

static void ended(struct machine *m, uint32_t handle)
{
    struct call *call = call_at(m, handle);

    if (call->head.state == CALL(ENDED)) {
        count(m, MACHINE_COUNT_LATE_NOTICES);
        return;
    }
    if (call->head.state == CALL(WRAP_UP)) {
        call->ended_ms = m->step.when; /* the agent goes on */
        return;
    }
    if (call->head.state == CALL(CONNECTED))
        call->released_ms = m->step.when;
    let_agent_go(m, handle, call->head.state == CALL(CONNECTED));
    leave_line(m, handle, STAY_ABANDONED, m->step.when);
    call->head.state = CALL(ENDED);
    if (call->ended_ms == 0)
        call->ended_ms = m->step.when;
}

static void wrap_up_started(struct machine *m, uint32_t handle, const char *agent_id)
{
    struct call *call = call_at(m, handle);
    uint32_t agent = entity_get(m, KIND_AGENT, call->domain, slice_text(agent_id));

    if (call->agent != agent || call->connected_ms == 0 || call->head.state == CALL(ALERTING)) {
        count(m, MACHINE_COUNT_LATE_NOTICES); /* alerting: of the time before, when he had it */
        return;
    }
    touch(m, ref_make(KIND_AGENT, agent));
    agent_attach(m, agent, handle);
    call->head.state = CALL(WRAP_UP);
    call->released_ms = 0;
}

static void wrap_up_ended(struct machine *m, uint32_t handle, const char *agent_id)
{
    struct call *call = call_at(m, handle);
    uint32_t agent = entity_get(m, KIND_AGENT, call->domain, slice_text(agent_id));

    if (call->agent != agent || call->connected_ms == 0 || call->head.state == CALL(ALERTING)) {
        count(m, MACHINE_COUNT_LATE_NOTICES);
        return;
    }
    let_agent_go(m, handle, true);
    agent_worked(m, agent, m->step.when);
    call->released_ms = m->step.when;
    if (call->head.state == CALL(WRAP_UP) || call->head.state == CALL(CONNECTED))
        call->head.state = call->ended_ms != 0 ? CALL(ENDED) : CALL(LEFT);
}

void call_set_media(struct machine *m, uint32_t handle, PB(Media) media)
{
    struct call *call = call_at(m, handle);

    if (media == RINGBACK__V1__MEDIA__MEDIA_UNSPECIFIED)
        media =
            call->head.kind != 0 ? (PB(Media))call->head.kind : RINGBACK__V1__MEDIA__MEDIA_VOICE;
    if (call->head.kind == (uint8_t)media)
        return;
    call_unplace(m, handle);
    call->head.kind = (uint8_t)media;
    if (call->head.state == CALL(WAITING))
        call_place(m, handle);
    if (call->agent != 0 && at_agent(call)) {
        touch(m, ref_make(KIND_AGENT, call->agent));
        agent_check_offer(m, call->agent);
    }
}

static void live_event(struct machine *m, const PB(InteractionEvent) * event)
{
    const PB(Interaction) *about = event->interaction;
    uint32_t handle = entity_get(m, KIND_CALL, m->step.domain, slice_text(about->interaction_id));
    struct call *call = call_at(m, handle);

    if (about->version <= call->switch_version) {
        count(m, MACHINE_COUNT_OLD_FACTS);
        return;
    }
    touch(m, ref_make(KIND_CALL, handle));
    call->switch_version = about->version;
    call->heard_ms = m->step.now;
    call_set_media(m, handle, about->media);
    if (ident_is_none(&call->conversation) && about->conversation_id[0] != '\0')
        call->conversation = ident_put(&m->texts, slice_text(about->conversation_id));
    switch (event->event_case) {
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_ENTERED:
        call_entered(m, handle, event->entered);
        break;
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_LEFT: left(m, handle, event->left->reason); break;
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_ALERTING:
        named(m, handle, event->alerting->agent_id, about->time_ms, CALL(ALERTING));
        break;
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_CONNECTED:
        named(m, handle, event->connected->agent_id, about->time_ms, CALL(CONNECTED));
        break;
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_ENDED: ended(m, handle); break;
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_WRAP_UP_STARTED:
        wrap_up_started(m, handle, event->wrap_up_started->agent_id);
        break;
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_WRAP_UP_ENDED:
        wrap_up_ended(m, handle, event->wrap_up_ended->agent_id);
        break;
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_RINGING:
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_ANSWERED:
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_CONNECTED:
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_ENDED:
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_WRAP_UP_ENDED:
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_HELD:
    case RINGBACK__V1__INTERACTION_EVENT__EVENT__NOT_SET:
    case _RINGBACK__V1__INTERACTION_EVENT__EVENT__CASE_IS_INT_SIZE: break;
    }
}

/* --- attempts (6.4) --- */

/* Of a customer who was called first: the callback ended with the call, its agent is done now. */
static bool wrapped_first(struct machine *m, const char *attempt, const char *agent_id)
{
    uint32_t agent = entity_find(m, KIND_AGENT, m->step.domain, slice_text(agent_id));

    return agent != 0 && agent_attended(m, agent, slice_text(attempt));
}

/* Whoever he is, he takes a customer who was called first out of the line. */
static uint32_t connected_agent(struct machine *m, uint32_t callback, const char *agent_id)
{
    struct slice id = slice_text(agent_id);

    if (id.size > 0 && callback_first(m, callback_at(m, callback)))
        return entity_get(m, KIND_AGENT, m->step.domain, id);
    return entity_find(m, KIND_AGENT, m->step.domain, id);
}

static void attempt_event(struct machine *m, const PB(InteractionEvent) * event)
{
    const PB(Attempt) *about = event->attempt;
    uint32_t handle = attempt_find(m, m->step.domain, slice_text(about->attempt_id));
    struct callback_input input = {.time_ms = about->time_ms};
    bool wrapped =
        event->event_case == RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_WRAP_UP_ENDED &&
        wrapped_first(m, about->attempt_id, event->attempt_wrap_up_ended->agent_id);
    struct active *active;

    if (handle == 0) {
        if (!wrapped)
            count(m, MACHINE_COUNT_LATE_NOTICES);
        if (event->event_case == RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_ANSWERED) {
            count(m, MACHINE_COUNT_LATE_ANSWERS);
            emit_hang_up(m, NULL, about->attempt_id, REASON(LOST));
        }
        return;
    }
    active = active_at(m, callback_at(m, handle)->active);
    if (about->version <= active->attempt_version) {
        count(m, MACHINE_COUNT_OLD_FACTS);
        return;
    }
    touch(m, ref_make(KIND_CALLBACK, handle));
    active->attempt_version = about->version;
    active->attempt_heard_ms = m->step.now;
    if (wrapped) /* of an earlier talk of that agent in the same call */
        return;
    switch (event->event_case) {
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_RINGING:
        callback_step(m, handle, CB_RINGING, &input);
        break;
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_ANSWERED:
        input.answered_by = event->attempt_answered->kind;
        callback_step(m, handle, CB_ANSWERED, &input);
        break;
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_CONNECTED:
        input.agent = connected_agent(m, handle, event->attempt_connected->agent_id);
        callback_step(m, handle, CB_CONNECTED, &input);
        break;
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_ENDED:
        input.result = event->attempt_ended->result;
        callback_step(m, handle, CB_CALL_ENDED, &input);
        break;
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_WRAP_UP_ENDED:
        callback_step(m, handle, CB_WRAP_UP_ENDED, &input);
        break;
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_HELD:
        input.held = event->attempt_held->held;
        callback_step(m, handle, CB_HELD, &input);
        break;
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_ENTERED:
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_LEFT:
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_ALERTING:
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_CONNECTED:
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_ENDED:
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_WRAP_UP_STARTED:
    case RINGBACK__V1__INTERACTION_EVENT__EVENT_WRAP_UP_ENDED:
    case RINGBACK__V1__INTERACTION_EVENT__EVENT__NOT_SET:
    case _RINGBACK__V1__INTERACTION_EVENT__EVENT__CASE_IS_INT_SIZE: break;
    }
}

enum err interaction_event(struct machine *m, const struct input_event *input,
                           PB(UndecidedReason) * why, struct err_note *note)
{
    const PB(InteractionEvent) *event = (const PB(InteractionEvent) *)input->event;
    const char *fault;

    if (event->event_case == RINGBACK__V1__INTERACTION_EVENT__EVENT__NOT_SET) {
        *why = RINGBACK__V1__UNDECIDED_REASON__UNDECIDED_REASON_UNKNOWN_KIND;
        return FAIL(note, ERR_BAD_EVENT, "an interaction event of an unknown kind");
    }
    fault = interaction_fault(event);
    if (fault != NULL) {
        *why = RINGBACK__V1__UNDECIDED_REASON__UNDECIDED_REASON_LIMIT;
        return FAIL(note, ERR_BAD_EVENT, "%s", fault);
    }
    if (of_attempt(event))
        attempt_event(m, event);
    else
        live_event(m, event);
    return ERR_OK;
}

/* --- timers (12.7, 12.8) --- */

int64_t call_wake(const struct machine *m, uint32_t handle)
{
    const struct call *call = call_at(m, handle);
    int64_t wake;

    if (call->head.state == CALL(ENDED))
        return call->heard_ms + m->options.late_window_ms;
    if (in_line(call)) {
        int64_t ring = rings_wake(m, &call->rings, call->queue);

        wake = call->heard_ms + m->options.live_wait_ttl_ms;
        return ring < wake ? ring : wake;
    }
    wake = call->heard_ms + m->options.call_ttl_ms;
    return contact_wake(m, call) < wake ? contact_wake(m, call) : wake;
}

void call_fire(struct machine *m, uint32_t handle)
{
    struct call *call = call_at(m, handle);

    if (call->head.state == CALL(ENDED)) {
        call_remove(m, handle);
        return;
    }
    touch(m, ref_make(KIND_CALL, handle));
    if (in_line(call) && rings_wake(m, &call->rings, call->queue) <= m->step.now) {
        bool placed = call->in_tree;

        call_unplace(m, handle);
        rings_advance(m, &call->rings, call->queue);
        if (placed)
            call_place(m, handle);
        emit_prefer(m, handle);
        return;
    }
    if (contact_wake(m, call) <= m->step.now) {
        contact_talked(m, handle);
        return;
    }
    count(m, MACHINE_COUNT_LOST_CALLS);
    if (at_agent(call))
        call->released_ms = m->step.now;
    let_agent_go(m, handle, call->head.state != CALL(ALERTING));
    leave_line(m, handle, STAY_FLOW_OUT, m->step.now);
    call->head.state = CALL(ENDED);
    call->ended_ms = m->step.now;
    call->heard_ms = m->step.now;
}
