/* Commands of agents and supervisors, and the memory of answers (chapter 11). */
#include "state/internal.h"

#include <assert.h>

/* --- answers --- */

static void say_flow(struct machine *m, const char *request, PB(Reason) reason,
                     const struct ident *callback)
{
    PB(Result) * result;

    if (reason == REASON(UNSPECIFIED)) {
        PB(CallbackAccepted) *accepted =
            EMIT_NEW(m, CallbackAccepted, ringback__v1__callback_accepted);

        result = emit_result(m, "results.callback_accepted", request);
        accepted->callback_id = ident_emit(m, callback);
        result->answer_case = RINGBACK__V1__RESULT__ANSWER_CALLBACK_ACCEPTED;
        result->callback_accepted = accepted;
    } else {
        PB(CallbackRefused) *refused = EMIT_NEW(m, CallbackRefused, ringback__v1__callback_refused);

        result = emit_result(m, "results.callback_refused", request);
        refused->reason = reason;
        refused->text = arena_text(m->step.arena, slice_text(reason_text(reason)));
        if (callback != NULL)
            refused->callback_id = ident_emit(m, callback);
        result->answer_case = RINGBACK__V1__RESULT__ANSWER_CALLBACK_REFUSED;
        result->callback_refused = refused;
    }
}

static void say_command(struct machine *m, const char *request, PB(Reason) reason,
                        const struct ident *callback, const struct ident *attempt)
{
    PB(Result) * result;

    if (reason == REASON(UNSPECIFIED)) {
        PB(CommandAccepted) *accepted =
            EMIT_NEW(m, CommandAccepted, ringback__v1__command_accepted);

        result = emit_result(m, "results.command_accepted", request);
        if (callback != NULL)
            accepted->callback_id = ident_emit(m, callback);
        if (attempt != NULL)
            accepted->attempt_id = ident_emit(m, attempt);
        result->answer_case = RINGBACK__V1__RESULT__ANSWER_COMMAND_ACCEPTED;
        result->command_accepted = accepted;
    } else {
        PB(CommandRefused) *refused = EMIT_NEW(m, CommandRefused, ringback__v1__command_refused);

        result = emit_result(m, "results.command_refused", request);
        refused->reason = reason;
        refused->text = arena_text(m->step.arena, slice_text(reason_text(reason)));
        if (callback != NULL)
            refused->callback_id = ident_emit(m, callback);
        result->answer_case = RINGBACK__V1__RESULT__ANSWER_COMMAND_REFUSED;
        result->command_refused = refused;
    }
}

static struct answer *remember(struct machine *m, const char *request, PB(Reason) reason,
                               const struct ident *callback, bool flow)
{
    uint32_t handle = entity_get(m, KIND_ANSWER, m->step.domain, slice_text(request));
    struct answer *answer = answer_at(m, handle);

    touch(m, ref_make(KIND_ANSWER, handle));
    answer->answered_ms = m->step.now;
    answer->reason = reason;
    answer->flow = flow;
    if (callback != NULL)
        answer->callback = *callback;
    return answer;
}

void answer_flow(struct machine *m, const char *request, PB(Reason) reason,
                 const struct ident *callback)
{
    if (reason != REASON(UNSPECIFIED))
        count(m, MACHINE_COUNT_REFUSALS);
    remember(m, request, reason, callback, true);
    say_flow(m, request, reason, callback);
}

void answer_command(struct machine *m, const char *request, PB(Reason) reason,
                    const struct ident *callback, const struct ident *attempt)
{
    struct answer *answer = remember(m, request, reason, callback, false);

    if (reason != REASON(UNSPECIFIED))
        count(m, MACHINE_COUNT_REFUSALS);
    if (attempt != NULL)
        answer->attempt = *attempt;
    say_command(m, request, reason, callback, attempt);
}

/* The callback itself, and later its stub, remember this answer: its id derives from the request.
 */
void answer_created(struct machine *m, const char *request, const struct ident *callback, bool flow)
{
    if (flow)
        say_flow(m, request, REASON(UNSPECIFIED), callback);
    else
        say_command(m, request, REASON(UNSPECIFIED), callback, NULL);
}

/* Answered, but not remembered: the id is none. */
void answer_limit(struct machine *m, const char *request, PB(Reason) reason, bool flow)
{
    struct slice id = slice_text(request);

    if (id.size > (size_t)LIMIT_ID_BYTES_MAX)
        for (id.size = (size_t)LIMIT_ID_BYTES_MAX; id.size > 0; id.size--)
            if ((id.data[id.size] & 0xc0) != 0x80)
                break; /* cut between letters: it stays UTF-8 */
    count(m, MACHINE_COUNT_REFUSALS);
    if (flow)
        say_flow(m, arena_text(m->step.arena, id), reason, NULL);
    else
        say_command(m, arena_text(m->step.arena, id), reason, NULL, NULL);
}

bool answer_repeat(struct machine *m, struct slice request)
{
    struct ident id = id_made(m, "callback", 0);
    uint32_t handle = entity_find(m, KIND_ANSWER, m->step.domain, request), stub;
    const char *text = arena_text(m->step.arena, request);

    if (handle != 0) {
        const struct answer *answer = answer_at(m, handle);
        const struct ident *callback = ident_is_none(&answer->callback) ? NULL : &answer->callback;

        count(m, MACHINE_COUNT_REPEATS);
        if (answer->flow)
            say_flow(m, text, (PB(Reason))answer->reason, callback);
        else
            say_command(m, text, (PB(Reason))answer->reason, callback,
                        ident_is_none(&answer->attempt) ? NULL : &answer->attempt);
        return true;
    }
    handle = callback_find(m, m->step.domain, &id);
    stub = handle == 0 ? stub_find(m, m->step.domain, &id) : 0;
    if (handle == 0 && stub == 0)
        return false;
    count(m, MACHINE_COUNT_REPEATS);
    /* As the first answer was, whatever asks now: agents schedule by commands, all else is made by
     * flows. */
    answer_created(
        m, text, &id,
        (handle != 0 ? callback_at(m, handle)->head.kind : stub_at(m, stub)->head.kind) !=
            RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_SCHEDULED);
    return true;
}

/* --- commands --- */

#define COMMAND_CASE(NAME) RINGBACK__V1__COMMAND__COMMAND_##NAME

/* Which event of a callback's life a command is; CB_EVENT_COUNT: none. */
static enum callback_event command_kind(const PB(Command) * command)
{
    switch (command->command_case) {
    case COMMAND_CASE(CANCEL): return CB_CANCEL;
    case COMMAND_CASE(RESCHEDULE): return CB_RESCHEDULE;
    case COMMAND_CASE(REASSIGN): return CB_REASSIGN;
    case COMMAND_CASE(ACCEPT): return CB_ACCEPT;
    case COMMAND_CASE(DECLINE): return CB_DECLINE;
    case COMMAND_CASE(DIAL): return CB_DIAL;
    case COMMAND_CASE(END): return CB_END;
    case COMMAND_CASE(TRANSFER): return CB_TRANSFER;
    case COMMAND_CASE(SNOOZE): return CB_SNOOZE;
    case COMMAND_CASE(SCHEDULE):
    case COMMAND_CASE(_NOT_SET):
    case _RINGBACK__V1__COMMAND__COMMAND__CASE_IS_INT_SIZE: break;
    }
    return CB_EVENT_COUNT;
}

/* 0 for nobody, and for one who is only named somewhere: whether he is remembered is chance. */
static uint32_t agent_heard_of(const struct machine *m, const char *id)
{
    uint32_t agent = entity_find(m, KIND_AGENT, m->step.domain, slice_text(id));

    return agent == 0 || agent_at(m, agent)->head.version == 0 ? 0 : agent;
}

static bool move_fits(const PB(Command) * command)
{
    const PB(LocalTime) *local =
        command->command_case == COMMAND_CASE(RESCHEDULE) ? command->reschedule->local_due : NULL;

    if (command->command_case == COMMAND_CASE(REASSIGN))
        return text_fits(command->reassign->queue_id, LIMIT_ID_BYTES_MAX) &&
               text_fits(command->reassign->owner_agent_id, LIMIT_ID_BYTES_MAX);
    if (command->command_case == COMMAND_CASE(TRANSFER))
        return text_fits(command->transfer->queue_id, LIMIT_ID_BYTES_MAX) &&
               text_fits(command->transfer->to_agent_id, LIMIT_ID_BYTES_MAX);
    return local == NULL || text_fits(local->zone, LIMIT_ID_BYTES_MAX);
}

/* What a command brings with it; a reason if that breaks a rule already. */
static PB(Reason)
    command_input(struct machine *m, const PB(Command) * command, struct callback_input *input)
{
    *input = (struct callback_input){0};
    if (command->agent_id[0] != '\0') {
        input->agent = agent_heard_of(m, command->agent_id);
        if (input->agent == 0)
            return REASON(AGENT_UNKNOWN);
    }
    if (!move_fits(command))
        return REASON(LIMIT);
    if (command->command_case == COMMAND_CASE(RESCHEDULE))
        input->reschedule = command->reschedule;
    if (command->command_case == COMMAND_CASE(TRANSFER))
        input->transfer = command->transfer;
    if (command->command_case == COMMAND_CASE(REASSIGN))
        input->reassign = command->reassign;
    if (command->command_case == COMMAND_CASE(ACCEPT))
        input->offer = slice_text(command->accept->offer_id);
    if (command->command_case == COMMAND_CASE(DECLINE))
        input->offer = slice_text(command->decline->offer_id);
    if (command->command_case == COMMAND_CASE(SNOOZE))
        input->minutes = command->snooze->minutes;
    if (command->command_case == COMMAND_CASE(DIAL) && command->dial->number[0] != '\0')
        return text_fits(command->dial->number, LIMIT_ID_BYTES_MAX)
                   ? number_choose(m, m->step.domain, command->dial->number, slice_make(NULL, 0),
                                   &input->number)
                   : REASON(LIMIT);
    return REASON(UNSPECIFIED);
}

static void on_callback(struct machine *m, const PB(Command) * command)
{
    struct callback_input input;
    uint32_t handle, stub;
    struct ident id = {{0}}, attempt = {{0}};
    PB(Reason) reason;

    if (!ident_uuid(slice_text(command->callback_id), id.bytes)) {
        answer_command(m, command->request_id, REASON(CALLBACK_UNKNOWN), NULL, NULL);
        return;
    }
    handle = callback_find(m, m->step.domain, &id);
    stub = handle == 0 ? stub_find(m, m->step.domain, &id) : 0;
    if (handle == 0) {
        answer_command(m, command->request_id,
                       stub == 0 ? REASON(CALLBACK_UNKNOWN) : REASON(CALLBACK_ENDED), &id, NULL);
        return;
    }
    reason = command_input(m, command, &input);
    if (reason == REASON(UNSPECIFIED))
        reason = callback_step(m, handle, command_kind(command), &input);
    if (reason == REASON(UNSPECIFIED) && command->command_case == COMMAND_CASE(DIAL))
        attempt = active_at(m, callback_at(m, handle)->active)->attempt;
    answer_command(m, command->request_id, reason, &id, ident_is_none(&attempt) ? NULL : &attempt);
}

static bool command_fits(const PB(Command) * command)
{
    return text_fits(command->callback_id, LIMIT_ID_BYTES_MAX) &&
           text_fits(command->user_id, LIMIT_ID_BYTES_MAX) &&
           text_fits(command->agent_id, LIMIT_ID_BYTES_MAX);
}

enum err command_event(struct machine *m, const struct input_event *input)
{
    const PB(Command) *command = (const PB(Command) *)input->event;
    PB(Reason) reason = input->refuse;
    uint32_t agent;

    if (reason == REASON(UNSPECIFIED) && !command_fits(command))
        reason = REASON(LIMIT);
    if (!ident_valid(slice_text(command->request_id))) {
        answer_limit(m, command->request_id, reason != REASON(UNSPECIFIED) ? reason : REASON(LIMIT),
                     false);
        return ERR_OK;
    }
    if (answer_repeat(m, slice_text(command->request_id)))
        return ERR_OK;
    if (reason != REASON(UNSPECIFIED)) {
        answer_command(m, command->request_id, reason, NULL, NULL);
        return ERR_OK;
    }
    agent = agent_heard_of(m, command->agent_id);
    if (agent != 0)
        agent_heard(m, agent);
    if (command->command_case == COMMAND_CASE(SCHEDULE))
        command_schedule(m, command);
    else if (command_kind(command) == CB_EVENT_COUNT)
        answer_command(m, command->request_id, REASON(NOT_SUPPORTED), NULL, NULL);
    else
        on_callback(m, command);
    return ERR_OK;
}
