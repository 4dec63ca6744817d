#include "daemon/check_say.h"

#include <stdio.h>
#include <string.h>

#include "ringback/v1/commands.pb-c.h"
#include "ringback/v1/flows.pb-c.h"
#include "ringback/v1/interactions.pb-c.h"
#include "ringback/v1/presence.pb-c.h"

#define PB(name) Ringback__V1__##name

/* A message in the story's arena. */
#define NEW(voice, Type, prefix)                                                                   \
    __extension__({                                                                                \
        PB(Type) *new_ = arena_alloc((voice)->arena, sizeof(*new_));                               \
        prefix##__init(new_);                                                                      \
        new_;                                                                                      \
    })

static char *text_of(const struct check_voice *voice, const char *text)
{
    return arena_text(voice->arena, slice_text(text));
}

/* What the event says under a key, "" without it. */
static char *given(const struct check_voice *voice, const char *key)
{
    return text_of(voice, check_text(&voice->event->is, key, ""));
}

static char *subject(const struct check_voice *voice)
{
    return text_of(voice, voice->event->is.subject);
}

static bool is_on(const struct check_voice *voice, const char *key)
{
    return check_number(&voice->event->is, key, 0) != 0;
}

static char *next_id(const struct check_voice *voice)
{
    return arena_format(voice->arena, "story/%llu", (unsigned long long)++*voice->version);
}

/* --- agents' facts --- */

static PB(PresenceEvent) * fact(const struct check_voice *voice)
{
    PB(PresenceEvent) *event = NEW(voice, PresenceEvent, ringback__v1__presence_event);

    event->id = next_id(voice);
    event->agent_id = subject(voice);
    event->version = *voice->version;
    event->change_ms = voice->now_ms;
    return event;
}

static void say_presence(struct check_run *run, const struct check_voice *voice, int64_t presence)
{
    PB(PresenceEvent) *event = fact(voice);

    event->event_case = RINGBACK__V1__PRESENCE_EVENT__EVENT_PRESENCE;
    event->presence = NEW(voice, PresenceChanged, ringback__v1__presence_changed);
    event->presence->presence = (PB(Presence))presence;
    check_send(run, INPUT_PRESENCE, &event->base);
}

static void say_status(struct check_run *run, const struct check_voice *voice, int64_t status)
{
    PB(PresenceEvent) *event = fact(voice);

    event->event_case = RINGBACK__V1__PRESENCE_EVENT__EVENT_ROUTING_STATUS;
    event->routing_status = NEW(voice, RoutingStatusChanged, ringback__v1__routing_status_changed);
    event->routing_status->status = (PB(RoutingStatus))status;
    check_send(run, INPUT_PRESENCE, &event->base);
}

static void say_joined(struct check_run *run, const struct check_voice *voice)
{
    const struct check_value *queues = check_value(&voice->event->is, "queues");
    PB(PresenceEvent) *event = fact(voice);

    event->event_case = RINGBACK__V1__PRESENCE_EVENT__EVENT_JOINED_QUEUES;
    event->joined_queues = NEW(voice, JoinedQueuesChanged, ringback__v1__joined_queues_changed);
    event->joined_queues->n_queue_ids = queues->item_count;
    event->joined_queues->queue_ids = queues->items;
    check_send(run, INPUT_PRESENCE, &event->base);
}

void check_say_ready(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);

    (void)event;
    say_presence(run, &voice, RINGBACK__V1__PRESENCE__PRESENCE_ON_QUEUE);
    say_joined(run, &voice);
    say_status(run, &voice, RINGBACK__V1__ROUTING_STATUS__ROUTING_STATUS_IDLE);
}

void check_say_presence(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);

    say_presence(run, &voice, check_number(&event->is, "to", 0));
}

void check_say_status(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);

    say_status(run, &voice, check_number(&event->is, "to", 0));
}

void check_say_join(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);

    (void)event;
    say_joined(run, &voice);
}

/* --- commands --- */

/* The callback that the event names, by name or id. */
static struct check_name *the_callback(struct check_run *run, const struct check_voice *voice,
                                       char **id)
{
    const char *literal = check_text(&voice->event->is, "callback_id", NULL);
    const char *name = check_text(&voice->event->is, "callback", NULL);
    struct check_name *known = name == NULL ? NULL : check_name(run, name);

    *id = text_of(voice, literal != NULL ? literal : "");
    if (literal == NULL && known == NULL)
        check_cannot(run, "it names no callback: `callback` or `callback_id` is missing");
    else if (literal == NULL && known->id == NULL)
        check_cannot(run, arena_format(voice->arena, "the callback %s was not made", name));
    else if (literal == NULL)
        *id = text_of(voice, known->id);
    return known;
}

static PB(Command) * command(struct check_run *run, const struct check_voice *voice)
{
    PB(Command) *made = NEW(voice, Command, ringback__v1__command);

    made->request_id = check_request_id(run);
    if (voice->event->verb->subject == CHECK_AGENT)
        made->agent_id = subject(voice);
    else
        made->user_id = subject(voice);
    return made;
}

static PB(Command) *
    command_about(struct check_run *run, const struct check_voice *voice, struct check_name **about)
{
    PB(Command) *made = command(run, voice);

    *about = the_callback(run, voice, &made->callback_id);
    return made;
}

static char *offer_of(const struct check_voice *voice, const struct check_name *about)
{
    return text_of(voice, about == NULL || about->offer_id == NULL ? "none" : about->offer_id);
}

void check_say_accept(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);
    struct check_name *about;
    PB(Command) *made = command_about(run, &voice, &about);

    (void)event;
    made->command_case = RINGBACK__V1__COMMAND__COMMAND_ACCEPT;
    made->accept = NEW(&voice, Accept, ringback__v1__accept);
    made->accept->offer_id = offer_of(&voice, about);
    check_send(run, INPUT_COMMANDS, &made->base);
}

void check_say_decline(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);
    struct check_name *about;
    PB(Command) *made = command_about(run, &voice, &about);

    (void)event;
    made->command_case = RINGBACK__V1__COMMAND__COMMAND_DECLINE;
    made->decline = NEW(&voice, Decline, ringback__v1__decline);
    made->decline->offer_id = offer_of(&voice, about);
    check_send(run, INPUT_COMMANDS, &made->base);
}

void check_say_dial(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);
    struct check_name *about;
    PB(Command) *made = command_about(run, &voice, &about);

    (void)event;
    made->command_case = RINGBACK__V1__COMMAND__COMMAND_DIAL;
    made->dial = NEW(&voice, Dial, ringback__v1__dial);
    made->dial->number = given(&voice, "number");
    check_send(run, INPUT_COMMANDS, &made->base);
}

void check_say_end(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);
    struct check_name *about;
    PB(Command) *made = command_about(run, &voice, &about);

    (void)event;
    made->command_case = RINGBACK__V1__COMMAND__COMMAND_END;
    made->end = NEW(&voice, End, ringback__v1__end);
    check_send(run, INPUT_COMMANDS, &made->base);
}

void check_say_cancel(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);
    struct check_name *about;
    PB(Command) *made = command_about(run, &voice, &about);

    (void)event;
    made->command_case = RINGBACK__V1__COMMAND__COMMAND_CANCEL;
    made->cancel = NEW(&voice, Cancel, ringback__v1__cancel);
    check_send(run, INPUT_COMMANDS, &made->base);
}

void check_say_transfer(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);
    struct check_name *about;
    PB(Command) *made = command_about(run, &voice, &about);

    (void)event;
    made->command_case = RINGBACK__V1__COMMAND__COMMAND_TRANSFER;
    made->transfer = NEW(&voice, Transfer, ringback__v1__transfer);
    made->transfer->queue_id = given(&voice, "to_queue");
    made->transfer->to_agent_id = given(&voice, "to_agent");
    check_send(run, INPUT_COMMANDS, &made->base);
}

void check_say_snooze(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);
    struct check_name *about;
    PB(Command) *made = command_about(run, &voice, &about);

    made->command_case = RINGBACK__V1__COMMAND__COMMAND_SNOOZE;
    made->snooze = NEW(&voice, Snooze, ringback__v1__snooze);
    made->snooze->minutes = (uint32_t)check_number(&event->is, "minutes", 0);
    check_send(run, INPUT_COMMANDS, &made->base);
}

static PB(LocalTime) * local_due(const struct check_voice *voice)
{
    PB(LocalTime) * local;

    if (check_value(&voice->event->is, "local_due") == NULL)
        return NULL;
    local = NEW(voice, LocalTime, ringback__v1__local_time);
    local->zone = given(voice, "zone");
    local->local_ms = check_number(&voice->event->is, "local_due", 0);
    return local;
}

void check_say_schedule(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);
    const char *during = check_text(&event->is, "during", "");
    const struct check_name *callback = check_name(run, during);
    PB(Command) *made = command(run, &voice);
    PB(Schedule) *schedule = NEW(&voice, Schedule, ringback__v1__schedule);

    made->command_case = RINGBACK__V1__COMMAND__COMMAND_SCHEDULE;
    made->schedule = schedule;
    /* A caller of that name is meant before a callback that came of the call. */
    schedule->interaction_id = text_of(&voice, check_caller(run, during) == NULL &&
                                                       callback != NULL && callback->id != NULL
                                                   ? callback->id
                                                   : during);
    schedule->due_ms = check_number(&event->is, "due", 0);
    schedule->local_due = local_due(&voice);
    schedule->queue_id = given(&voice, "queue");
    schedule->number = given(&voice, "number");
    schedule->callee_name = given(&voice, "callee");
    schedule->script_id = given(&voice, "script");
    schedule->name = given(&voice, "name");
    schedule->route_to_me = is_on(&voice, "route_to_me");
    schedule->take_ownership = is_on(&voice, "take_ownership");
    check_send(run, INPUT_COMMANDS, &made->base);
}

void check_say_reschedule(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);
    struct check_name *about;
    PB(Command) *made = command_about(run, &voice, &about);

    made->command_case = RINGBACK__V1__COMMAND__COMMAND_RESCHEDULE;
    made->reschedule = NEW(&voice, Reschedule, ringback__v1__reschedule);
    made->reschedule->due_ms = check_number(&event->is, "due", 0);
    made->reschedule->local_due = local_due(&voice);
    check_send(run, INPUT_COMMANDS, &made->base);
}

void check_say_reassign(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);
    struct check_name *about;
    PB(Command) *made = command_about(run, &voice, &about);

    (void)event;
    made->command_case = RINGBACK__V1__COMMAND__COMMAND_REASSIGN;
    made->reassign = NEW(&voice, Reassign, ringback__v1__reassign);
    made->reassign->queue_id = given(&voice, "to_queue");
    made->reassign->owner_agent_id = given(&voice, "to_owner");
    check_send(run, INPUT_COMMANDS, &made->base);
}

/* --- live interactions --- */

/* Made up from the name, so that a caller has the same number in every run. */
static const char *number_of(const struct check_voice *voice, const char *name)
{
    unsigned number = 0;

    for (; *name != '\0'; name++)
        number = (number * 31 + (unsigned char)*name) % 10000000;
    return arena_format(voice->arena, "+4930%07u", number);
}

static PB(RoutingData) * routing_of(const struct check_voice *voice, const struct check_line *line)
{
    PB(RoutingData) *routing = NEW(voice, RoutingData, ringback__v1__routing_data);
    const struct check_value *skills = check_value(line, "skills");
    const struct check_value *scores = check_value(line, "scores");

    routing->priority = (int32_t)check_number(line, "priority", 0);
    routing->language = text_of(voice, check_text(line, "language", ""));
    if (skills != NULL) {
        routing->n_skills = skills->item_count;
        routing->skills = skills->items;
    }
    if (scores == NULL)
        return routing;
    routing->scores = arena_alloc(voice->arena, (scores->item_count + 1) * sizeof(void *));
    for (; routing->n_scores < scores->item_count; routing->n_scores++) {
        PB(AgentScore) *score = NEW(voice, AgentScore, ringback__v1__agent_score);

        score->agent_id = scores->items[routing->n_scores];
        score->score = (uint32_t)scores->numbers[routing->n_scores];
        routing->scores[routing->n_scores] = score;
    }
    return routing;
}

static PB(Place) * place_of(const struct check_voice *voice, const struct check_caller *caller)
{
    PB(Place) *place = NEW(voice, Place, ringback__v1__place);

    place->queue_id = text_of(voice, caller->queue);
    place->entry_ms = caller->entry_ms;
    return place;
}

static char *conversation_of(const struct check_voice *voice, const char *name)
{
    return arena_format(voice->arena, "conversation-%s", name);
}

static PB(InteractionEvent) * interaction(struct check_run *run, const struct check_voice *voice)
{
    PB(InteractionEvent) *event = NEW(voice, InteractionEvent, ringback__v1__interaction_event);
    struct check_caller *caller = check_caller(run, voice->event->is.subject);

    event->id = next_id(voice);
    event->interaction = NEW(voice, Interaction, ringback__v1__interaction);
    event->interaction->interaction_id = subject(voice);
    event->interaction->conversation_id = conversation_of(voice, voice->event->is.subject);
    event->interaction->media = caller->media;
    event->interaction->version = caller->version = *voice->version;
    event->interaction->time_ms = voice->now_ms;
    return event;
}

void check_say_enter(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);
    struct check_caller *caller = check_caller(run, event->is.subject);
    const char *number = check_text(&event->is, "number", NULL);
    PB(InteractionEvent) * made;

    caller->media = (PB(Media))check_number(&event->is, "media", RINGBACK__V1__MEDIA__MEDIA_VOICE);
    caller->queue = check_text(&event->is, "queue", "");
    caller->entry_ms = check_number(&event->is, "entered", voice.now_ms);
    caller->waits = true;
    caller->entered = event;
    if (number == NULL)
        number = number_of(&voice, event->is.subject);
    caller->number = strcmp(number, "withheld") == 0 ? "" : number;
    caller->dialled = is_on(&voice, "outbound") ? caller->number : "";
    if (is_on(&voice, "outbound"))
        caller->number = "";
    made = interaction(run, &voice);
    made->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ENTERED;
    made->entered = NEW(&voice, InteractionEntered, ringback__v1__interaction_entered);
    made->entered->place = place_of(&voice, caller);
    made->entered->routing = routing_of(&voice, &event->is);
    made->entered->ani = text_of(&voice, caller->number);
    made->entered->dialled_number = text_of(&voice, caller->dialled);
    made->entered->last_agent_id = given(&voice, "last_agent");
    made->entered->outbound = is_on(&voice, "outbound");
    check_send(run, INPUT_INTERACTIONS, &made->base);
}

void check_say_alert(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);
    PB(InteractionEvent) *made = interaction(run, &voice);

    (void)event;
    made->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ALERTING;
    made->alerting = NEW(&voice, InteractionAlerting, ringback__v1__interaction_alerting);
    made->alerting->agent_id = given(&voice, "agent");
    check_send(run, INPUT_INTERACTIONS, &made->base);
}

void check_say_connect(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);
    PB(InteractionEvent) *made = interaction(run, &voice);

    check_caller(run, event->is.subject)->waits = false;
    made->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_CONNECTED;
    made->connected = NEW(&voice, InteractionConnected, ringback__v1__interaction_connected);
    made->connected->agent_id = given(&voice, "agent");
    check_send(run, INPUT_INTERACTIONS, &made->base);
}

static void say_left(struct check_run *run, PB(LeftReason) reason)
{
    struct check_voice voice = check_voice(run);
    PB(InteractionEvent) *made = interaction(run, &voice);

    check_caller(run, voice.event->is.subject)->waits = false;
    made->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_LEFT;
    made->left = NEW(&voice, InteractionLeft, ringback__v1__interaction_left);
    made->left->reason = reason;
    check_send(run, INPUT_INTERACTIONS, &made->base);
}

void check_say_leave(struct check_run *run, const struct check_event *event)
{
    (void)event;
    say_left(run, RINGBACK__V1__LEFT_REASON__LEFT_REASON_FLOW_OUT);
}

void check_say_abandon(struct check_run *run, const struct check_event *event)
{
    (void)event;
    say_left(run, RINGBACK__V1__LEFT_REASON__LEFT_REASON_ABANDONED);
}

void check_say_hang_up(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);
    PB(InteractionEvent) *made = interaction(run, &voice);

    check_caller(run, event->is.subject)->waits = false;
    made->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ENDED;
    made->ended = NEW(&voice, InteractionEnded, ringback__v1__interaction_ended);
    check_send(run, INPUT_INTERACTIONS, &made->base);
}

void check_say_wrap_up(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);
    PB(InteractionEvent) *made = interaction(run, &voice);

    (void)event;
    made->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_WRAP_UP_STARTED;
    made->wrap_up_started = NEW(&voice, WrapUpStarted, ringback__v1__wrap_up_started);
    made->wrap_up_started->agent_id = given(&voice, "agent");
    check_send(run, INPUT_INTERACTIONS, &made->base);
}

void check_say_wrapped_up(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);
    PB(InteractionEvent) *made = interaction(run, &voice);

    (void)event;
    made->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_WRAP_UP_ENDED;
    made->wrap_up_ended = NEW(&voice, WrapUpEnded, ringback__v1__wrap_up_ended);
    made->wrap_up_ended->agent_id = given(&voice, "agent");
    check_send(run, INPUT_INTERACTIONS, &made->base);
}

/* --- flows --- */

static PB(FlowEvent) * flow(const struct check_voice *voice, char *id)
{
    PB(FlowEvent) *event = NEW(voice, FlowEvent, ringback__v1__flow_event);

    event->id = id;
    return event;
}

void check_say_enter_flow(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);
    struct check_caller *caller = check_caller(run, event->is.subject);
    PB(FlowEvent) *made = flow(&voice, check_request_id(run));
    PB(FlowEntered) *entered = NEW(&voice, FlowEntered, ringback__v1__flow_entered);

    caller->media = (PB(Media))check_number(&event->is, "media", (int64_t)caller->media);
    made->event_case = RINGBACK__V1__FLOW_EVENT__EVENT_FLOW_ENTERED;
    made->flow_entered = entered;
    entered->interaction_id = subject(&voice);
    entered->conversation_id = conversation_of(&voice, event->is.subject);
    entered->media = caller->media;
    entered->flow_id = text_of(&voice, "flow");
    entered->flow_type = (PB(FlowType))check_number(&event->is, "flow", 0);
    check_send(run, INPUT_FLOWS, &made->base);
}

void check_say_set_caller_id(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);
    PB(FlowEvent) *made = flow(&voice, next_id(&voice));

    made->event_case = RINGBACK__V1__FLOW_EVENT__EVENT_CALL_DATA;
    made->call_data = NEW(&voice, CallData, ringback__v1__call_data);
    made->call_data->interaction_id = subject(&voice);
    made->call_data->conversation_id = conversation_of(&voice, event->is.subject);
    made->call_data->caller_id = given(&voice, "number");
    made->call_data->caller_name = given(&voice, "name");
    check_send(run, INPUT_FLOWS, &made->base);
}

/* What the flow engine knows of the interaction (12.8). */
static PB(InteractionFacts) *
    facts_of(const struct check_voice *voice, const struct check_caller *caller)
{
    PB(InteractionFacts) *facts = NEW(voice, InteractionFacts, ringback__v1__interaction_facts);

    facts->media = caller->media;
    facts->version = caller->version;
    facts->ani =
        text_of(voice, caller->number != NULL ? caller->number : number_of(voice, caller->name));
    facts->dialled_number = text_of(voice, caller->dialled != NULL ? caller->dialled : "");
    if (caller->waits)
        facts->place = place_of(voice, caller);
    if (caller->entered != NULL) {
        facts->routing = routing_of(voice, &caller->entered->is);
        facts->last_agent_id = text_of(voice, check_text(&caller->entered->is, "last_agent", ""));
    }
    return facts;
}

static PB(FlowType) flow_type(const struct check_event *event)
{
    return (PB(FlowType))check_number(&event->is, "flow",
                                      RINGBACK__V1__FLOW_TYPE__FLOW_TYPE_IN_QUEUE_CALL);
}

void check_say_ask_callback(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);
    const struct check_caller *caller = check_caller(run, event->is.subject);
    PB(FlowEvent) *made = flow(&voice, check_request_id(run));
    PB(CreateCallback) *create = NEW(&voice, CreateCallback, ringback__v1__create_callback);

    made->event_case = RINGBACK__V1__FLOW_EVENT__EVENT_CREATE_CALLBACK;
    made->create_callback = create;
    create->interaction_id = subject(&voice);
    create->conversation_id = conversation_of(&voice, event->is.subject);
    create->flow_type = flow_type(event);
    create->name = given(&voice, "name");
    create->callee_name = given(&voice, "callee");
    create->number = given(&voice, "number");
    create->queue_id = given(&voice, "queue");
    create->script_id = given(&voice, "script");
    create->facts = facts_of(&voice, caller);
    check_send(run, INPUT_FLOWS, &made->base);
}

void check_say_leave_voicemail(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);
    const struct check_caller *caller = check_caller(run, event->is.subject);
    PB(FlowEvent) *made = flow(&voice, check_request_id(run));
    PB(LeaveVoicemail) *leave = NEW(&voice, LeaveVoicemail, ringback__v1__leave_voicemail);

    made->event_case = RINGBACK__V1__FLOW_EVENT__EVENT_LEAVE_VOICEMAIL;
    made->leave_voicemail = leave;
    leave->interaction_id = subject(&voice);
    leave->conversation_id = conversation_of(&voice, event->is.subject);
    leave->flow_type = flow_type(event);
    leave->queue_id = given(&voice, "queue");
    leave->recording_id = given(&voice, "recording");
    leave->number = given(&voice, "number");
    leave->from_agent_id = given(&voice, "from_agent");
    leave->callee_name = given(&voice, "callee");
    leave->script_id = given(&voice, "script");
    leave->facts = facts_of(&voice, caller);
    check_send(run, INPUT_FLOWS, &made->base);
}

void check_say_customer_snooze(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);
    const struct check_name *name = check_name(run, event->is.subject);
    PB(FlowEvent) *made = flow(&voice, check_request_id(run));

    made->event_case = RINGBACK__V1__FLOW_EVENT__EVENT_CUSTOMER_SNOOZE;
    made->customer_snooze = NEW(&voice, CustomerSnooze, ringback__v1__customer_snooze);
    made->customer_snooze->callback_id = text_of(&voice, name->id == NULL ? "none" : name->id);
    made->customer_snooze->minutes = (uint32_t)check_number(&event->is, "minutes", 0);
    check_send(run, INPUT_FLOWS, &made->base);
}

void check_say_campaign_schedule(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);
    PB(FlowEvent) *made = flow(&voice, check_request_id(run));
    PB(ScheduleCallback) *schedule = NEW(&voice, ScheduleCallback, ringback__v1__schedule_callback);

    made->event_case = RINGBACK__V1__FLOW_EVENT__EVENT_SCHEDULE_CALLBACK;
    made->schedule_callback = schedule;
    schedule->campaign_id = subject(&voice);
    schedule->contact_id = given(&voice, "contact");
    schedule->campaign_mode = (PB(CampaignMode))check_number(
        &event->is, "mode", RINGBACK__V1__CAMPAIGN_MODE__CAMPAIGN_MODE_OTHER);
    schedule->skilled = is_on(&voice, "skilled");
    schedule->queue_id = given(&voice, "queue");
    schedule->number = given(&voice, "number");
    schedule->callee_name = given(&voice, "callee");
    schedule->script_id = given(&voice, "script");
    schedule->due_ms = check_number(&event->is, "due", 0);
    schedule->local_due = local_due(&voice);
    schedule->routing = routing_of(&voice, &event->is);
    check_send(run, INPUT_FLOWS, &made->base);
}

/* --- calls to customers --- */

static PB(InteractionEvent) * attempt(struct check_run *run, const struct check_voice *voice)
{
    PB(InteractionEvent) *event = NEW(voice, InteractionEvent, ringback__v1__interaction_event);
    const struct check_name *name = check_name(run, voice->event->is.subject);

    if (name->attempt_id == NULL) {
        check_cannot(run, "no call was placed for this callback");
        return NULL;
    }
    event->id = next_id(voice);
    event->attempt = NEW(voice, Attempt, ringback__v1__attempt);
    event->attempt->attempt_id = text_of(voice, name->attempt_id);
    event->attempt->version = *voice->version;
    event->attempt->time_ms = voice->now_ms;
    return event;
}

void check_say_ring(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);
    PB(InteractionEvent) *made = attempt(run, &voice);

    (void)event;
    if (made == NULL)
        return;
    made->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_RINGING;
    made->attempt_ringing = NEW(&voice, AttemptRinging, ringback__v1__attempt_ringing);
    check_send(run, INPUT_INTERACTIONS, &made->base);
}

void check_say_answer(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);
    PB(InteractionEvent) *made = attempt(run, &voice);

    if (made == NULL)
        return;
    made->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_ANSWERED;
    made->attempt_answered = NEW(&voice, AttemptAnswered, ringback__v1__attempt_answered);
    made->attempt_answered->kind = (PB(AnswerKind))check_number(
        &event->is, "by", RINGBACK__V1__ANSWER_KIND__ANSWER_KIND_PERSON);
    check_send(run, INPUT_INTERACTIONS, &made->base);
}

void check_say_customer_connect(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);
    PB(InteractionEvent) *made = attempt(run, &voice);

    (void)event;
    if (made == NULL)
        return;
    made->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_CONNECTED;
    made->attempt_connected = NEW(&voice, AttemptConnected, ringback__v1__attempt_connected);
    made->attempt_connected->agent_id = given(&voice, "agent");
    check_send(run, INPUT_INTERACTIONS, &made->base);
}

void check_say_call_ends(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);
    PB(InteractionEvent) *made = attempt(run, &voice);

    if (made == NULL)
        return;
    made->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_ENDED;
    made->attempt_ended = NEW(&voice, AttemptEnded, ringback__v1__attempt_ended);
    made->attempt_ended->result = (PB(AttemptResult))check_number(&event->is, "as", 0);
    made->attempt_ended->by = (PB(Party))check_number(&event->is, "by", 0);
    check_send(run, INPUT_INTERACTIONS, &made->base);
}

void check_say_customer_wrapped_up(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);
    PB(InteractionEvent) *made = attempt(run, &voice);

    (void)event;
    if (made == NULL)
        return;
    made->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_WRAP_UP_ENDED;
    made->attempt_wrap_up_ended =
        NEW(&voice, AttemptWrapUpEnded, ringback__v1__attempt_wrap_up_ended);
    made->attempt_wrap_up_ended->agent_id = given(&voice, "agent");
    check_send(run, INPUT_INTERACTIONS, &made->base);
}

/* --- settings --- */

static PB(SettingsEvent) * setting(const struct check_voice *voice, char *id)
{
    PB(SettingsEvent) *event = NEW(voice, SettingsEvent, ringback__v1__settings_event);

    event->id = id;
    return event;
}

void check_say_settings(struct check_run *run, const struct settings *settings)
{
    struct check_voice voice = check_voice(run);

    for (size_t at = 0; at < settings->item_count; at++) {
        const struct settings_item *item = &settings->items[at];
        PB(SettingsEvent) * event;
        struct slice packed;
        const char *id;

        /* A domain about which nothing is said is there, and need not be said. */
        if (strcmp(item->domain, voice.story->settings_domain) != 0 ||
            (item->kind == SETTINGS_DOMAIN &&
             protobuf_c_message_get_packed_size(item->message) == 0))
            continue;
        packed = settings_item_event(item, ++*voice.version, voice.arena, &id);
        event =
            ringback__v1__settings_event__unpack(&voice.arena->allocator, packed.size, packed.data);
        event->id = check_request_id(run);
        check_send(run, INPUT_SETTINGS, &event->base);
    }
}

void check_say_change(struct check_run *run, const struct check_event *event)
{
    check_say_settings(run, check_value(&event->is, "settings")->settings);
}

void check_say_remove(struct check_run *run, const struct check_event *event)
{
    struct check_voice voice = check_voice(run);
    PB(SettingsEvent) *made = setting(&voice, check_request_id(run));

    if (check_value(&event->is, "queue") != NULL) {
        made->event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_QUEUE_REMOVAL;
        made->queue_removal = NEW(&voice, QueueRemoval, ringback__v1__queue_removal);
        made->queue_removal->queue_id = given(&voice, "queue");
        made->queue_removal->version = ++*voice.version;
        made->queue_removal->force = is_on(&voice, "force");
    } else if (check_value(&event->is, "agent") != NULL) {
        made->event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_AGENT_REMOVAL;
        made->agent_removal = NEW(&voice, AgentRemoval, ringback__v1__agent_removal);
        made->agent_removal->agent_id = given(&voice, "agent");
        made->agent_removal->version = ++*voice.version;
    } else if (check_value(&event->is, "script") != NULL) {
        made->event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_SCRIPT_REMOVAL;
        made->script_removal = NEW(&voice, ScriptRemoval, ringback__v1__script_removal);
        made->script_removal->script_id = given(&voice, "script");
        made->script_removal->version = ++*voice.version;
    } else {
        check_cannot(run, "it names nothing to remove");
        return;
    }
    check_send(run, INPUT_SETTINGS, &made->base);
}
