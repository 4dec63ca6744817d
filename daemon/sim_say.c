#include "daemon/sim_say.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/sim_world.h"

#include "ringback/v1/commands.pb-c.h"
#include "ringback/v1/flows.pb-c.h"
#include "ringback/v1/interactions.pb-c.h"
#include "ringback/v1/settings.pb-c.h"

#define SCRIPT       "callback"
#define CONVERSATION "conv-"

enum { id_bytes = 64 };

struct id {
    char text[id_bytes];
};

/* Ids of callers, from 1, padded so that their order as bytes is the order of arrival. */
static char *format_id(struct id *id, const char *kind, uint32_t caller)
{
    snprintf(id->text, sizeof(id->text), "%s%010" PRIu64, kind, (uint64_t)caller + 1);
    return id->text;
}

/* The next event id of the domain: "bank-0001/17". */
static char *event_id(struct sim_say *say, uint32_t domain, struct id *id)
{
    snprintf(id->text, sizeof(id->text), "%s/%" PRIu64, sim_bus_domain(say->bus, domain),
             ++say->events[domain]);
    return id->text;
}

/* protobuf-c wants texts that may be written; nobody writes them. */
static char *lent(const char *text)
{
    union {
        const char *in;
        char *out;
    } cast = {.in = text};

    return cast.out;
}

static char *id_of_agent(const struct sim_say *say, int32_t agent)
{
    return agent < 0 ? lent("") : lent(say->model->agents[agent].id);
}

int64_t sim_caller_of(const char *conversation_id)
{
    size_t size = strlen(CONVERSATION);
    char *end;
    unsigned long long number;

    if (strncmp(conversation_id, CONVERSATION, size) != 0)
        return -1;
    number = strtoull(conversation_id + size, &end, 10);
    return *end == '\0' && number > 0 && number <= UINT32_MAX ? (int64_t)number - 1 : -1;
}

int32_t sim_agent_of(const struct sim_model *model, const char *agent_id)
{
    for (size_t i = 0; i < model->agent_count; i++) {
        if (strcmp(model->agents[i].id, agent_id) == 0)
            return (int32_t)i;
    }
    return -1;
}

/* The last digits of texts, at most count of them, as a number. */
static uint64_t digits_of(const char *a, const char *b, uint64_t modulo)
{
    uint64_t number = 0;

    for (; *a != '\0'; a++)
        number = *a >= '0' && *a <= '9' ? (number * 10 + (uint64_t)(*a - '0')) % modulo : number;
    for (; *b != '\0'; b++)
        number = *b >= '0' && *b <= '9' ? (number * 10 + (uint64_t)(*b - '0')) % modulo : number;
    return number;
}

void sim_number(const struct sim_row *row, char number[sim_number_bytes])
{
    const uint64_t modulo = 100000000;
    bool known = row->customer[0] != '\0';
    uint64_t digits =
        known ? digits_of(row->customer, "", modulo) : digits_of(row->line, row->call, modulo);

    if (!known && digits == 0)
        digits = row->line_number;
    snprintf(number, sim_number_bytes, "+972%c%08" PRIu64, known ? '5' : '3', digits % modulo);
}

static void send_settings(struct sim_say *say, struct sim_speaker speaker,
                          Ringback__V1__SettingsEvent *event)
{
    struct id id;

    event->id = event_id(say, speaker.domain, &id);
    sim_bus_send(say->bus, speaker.domain, INPUT_SETTINGS, speaker.now_ms, &event->base);
    event->id = NULL;
}

static void say_queue(struct sim_say *say, struct sim_speaker speaker, size_t service)
{
    Ringback__V1__SettingsEvent event;
    Ringback__V1__QueueSettings queue;
    Ringback__V1__CustomerFirst first;

    ringback__v1__settings_event__init(&event);
    ringback__v1__queue_settings__init(&queue);
    ringback__v1__customer_first__init(&first);
    queue.queue_id = lent(say->model->queue_ids[service]);
    queue.name = lent(say->model->calls->services.items[service]);
    queue.version = 1;
    queue.default_script_id = lent(SCRIPT);
    queue.agent_first_retries = (uint32_t)say->options->retries;
    queue.agent_first_retry_delay_s = sim_retry_s;
    if (say->options->customer_first) {
        queue.dial_mode = RINGBACK__V1__DIAL_MODE__DIAL_MODE_CUSTOMER_FIRST;
        first.pacing_hundredths = say->options->pacing_hundredths;
        first.reserve_agent = say->options->reserve;
        first.max_retries = (uint32_t)say->options->retries;
        first.retry_delay_s = sim_retry_s;
        queue.customer_first = &first;
    }
    event.event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_QUEUE;
    event.queue = &queue;
    send_settings(say, speaker, &event);
}

static void say_agent(struct sim_say *say, struct sim_speaker speaker, int32_t agent)
{
    Ringback__V1__SettingsEvent event;
    Ringback__V1__AgentSettings settings;

    ringback__v1__settings_event__init(&event);
    ringback__v1__agent_settings__init(&settings);
    settings.agent_id = id_of_agent(say, agent);
    settings.name = lent(say->model->agents[agent].name);
    settings.version = 1;
    event.event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_AGENT;
    event.agent = &settings;
    send_settings(say, speaker, &event);
}

void sim_say_settings(struct sim_say *say, struct sim_speaker speaker)
{
    Ringback__V1__SettingsEvent event;
    Ringback__V1__DomainSettings domain;
    Ringback__V1__ScriptSettings script;

    ringback__v1__settings_event__init(&event);
    ringback__v1__domain_settings__init(&domain);
    ringback__v1__script_settings__init(&script);
    if (say->bus == NULL)
        return;
    domain.version = 1;
    domain.country_code = lent("972");
    event.event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_DOMAIN;
    event.domain = &domain;
    send_settings(say, speaker, &event);
    script.script_id = script.name = lent(SCRIPT);
    script.version = 1;
    script.callback_enabled = true;
    event.event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_SCRIPT;
    event.script = &script;
    send_settings(say, speaker, &event);
    for (size_t i = 0; i < say->model->service_count; i++)
        say_queue(say, speaker, i);
    for (size_t i = 0; i < say->model->agent_count; i++)
        say_agent(say, speaker, (int32_t)i);
}

static void send_interaction(struct sim_say *say, struct sim_speaker speaker,
                             Ringback__V1__InteractionEvent *event)
{
    struct id id;

    event->id = event_id(say, speaker.domain, &id);
    sim_bus_send(say->bus, speaker.domain, INPUT_INTERACTIONS, speaker.now_ms, &event->base);
    event->id = NULL;
}

static void fill_place(const struct sim_say *say, uint32_t caller, Ringback__V1__Place *place)
{
    const struct sim_caller *who = &say->model->callers[caller];

    place->queue_id = lent(say->model->queue_ids[who->row->service]);
    place->entry_ms = who->entry_ms;
}

static void send_entered(struct sim_say *say, struct sim_speaker speaker, uint32_t caller,
                         Ringback__V1__InteractionEvent *event)
{
    Ringback__V1__InteractionEntered entered;
    Ringback__V1__Place place;
    Ringback__V1__RoutingData routing;
    char number[sim_number_bytes];

    ringback__v1__interaction_entered__init(&entered);
    ringback__v1__place__init(&place);
    ringback__v1__routing_data__init(&routing);
    fill_place(say, caller, &place);
    sim_number(say->model->callers[caller].row, number);
    entered.place = &place;
    entered.routing = &routing;
    entered.ani = number;
    event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ENTERED;
    event->entered = &entered;
    send_interaction(say, speaker, event);
    event->entered = NULL;
}

void sim_say_call(struct sim_say *say, struct sim_speaker speaker, uint32_t caller,
                  enum sim_call_news news, uint32_t version, int32_t agent)
{
    Ringback__V1__InteractionEvent event;
    Ringback__V1__Interaction interaction;
    Ringback__V1__InteractionLeft left;
    Ringback__V1__InteractionConnected connected;
    Ringback__V1__InteractionEnded ended;
    Ringback__V1__WrapUpStarted started;
    Ringback__V1__WrapUpEnded done;
    struct id call, conversation;

    ringback__v1__interaction_event__init(&event);
    ringback__v1__interaction__init(&interaction);
    ringback__v1__interaction_left__init(&left);
    ringback__v1__interaction_connected__init(&connected);
    ringback__v1__interaction_ended__init(&ended);
    ringback__v1__wrap_up_started__init(&started);
    ringback__v1__wrap_up_ended__init(&done);
    if (say->bus == NULL)
        return;
    interaction.interaction_id = format_id(&call, "call-", caller);
    interaction.conversation_id = format_id(&conversation, CONVERSATION, caller);
    interaction.media = RINGBACK__V1__MEDIA__MEDIA_VOICE;
    interaction.version = version;
    interaction.time_ms = speaker.now_ms;
    event.interaction = &interaction;
    switch (news) {
    case SIM_CALL_ENTERED: send_entered(say, speaker, caller, &event); return;
    case SIM_CALL_ABANDONED:
    case SIM_CALL_FLOWED_OUT:
        left.reason = news == SIM_CALL_ABANDONED ? RINGBACK__V1__LEFT_REASON__LEFT_REASON_ABANDONED
                                                 : RINGBACK__V1__LEFT_REASON__LEFT_REASON_FLOW_OUT;
        event.event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_LEFT;
        event.left = &left;
        break;
    case SIM_CALL_CONNECTED:
        connected.agent_id = id_of_agent(say, agent);
        event.event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_CONNECTED;
        event.connected = &connected;
        break;
    case SIM_CALL_ENDED:
        event.event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ENDED;
        event.ended = &ended;
        break;
    case SIM_CALL_WRAP_UP_STARTED:
        started.agent_id = id_of_agent(say, agent);
        event.event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_WRAP_UP_STARTED;
        event.wrap_up_started = &started;
        break;
    case SIM_CALL_WRAP_UP_ENDED:
        done.agent_id = id_of_agent(say, agent);
        event.event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_WRAP_UP_ENDED;
        event.wrap_up_ended = &done;
        break;
    }
    send_interaction(say, speaker, &event);
}

void sim_say_attempt(struct sim_say *say, struct sim_speaker speaker, const char *attempt_id,
                     enum sim_attempt_news news, uint32_t version, int32_t agent)
{
    Ringback__V1__InteractionEvent event;
    Ringback__V1__Attempt attempt;
    Ringback__V1__AttemptRinging ringing;
    Ringback__V1__AttemptAnswered answered;
    Ringback__V1__AttemptConnected connected;
    Ringback__V1__AttemptEnded ended;
    Ringback__V1__AttemptWrapUpEnded done;
    bool answer = news == SIM_ATTEMPT_HUNG_UP;

    ringback__v1__interaction_event__init(&event);
    ringback__v1__attempt__init(&attempt);
    ringback__v1__attempt_ringing__init(&ringing);
    ringback__v1__attempt_answered__init(&answered);
    ringback__v1__attempt_connected__init(&connected);
    ringback__v1__attempt_ended__init(&ended);
    ringback__v1__attempt_wrap_up_ended__init(&done);
    if (say->bus == NULL)
        return;
    attempt.attempt_id = lent(attempt_id);
    attempt.version = version;
    attempt.time_ms = speaker.now_ms;
    event.attempt = &attempt;
    switch (news) {
    case SIM_ATTEMPT_RINGING:
        event.event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_RINGING;
        event.attempt_ringing = &ringing;
        break;
    case SIM_ATTEMPT_ANSWERED:
        answered.kind = RINGBACK__V1__ANSWER_KIND__ANSWER_KIND_PERSON;
        event.event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_ANSWERED;
        event.attempt_answered = &answered;
        break;
    case SIM_ATTEMPT_CONNECTED:
        connected.agent_id = id_of_agent(say, agent);
        event.event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_CONNECTED;
        event.attempt_connected = &connected;
        break;
    case SIM_ATTEMPT_NO_ANSWER:
    case SIM_ATTEMPT_HUNG_UP:
        ended.result = answer ? RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_HUNG_UP
                              : RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_NO_ANSWER;
        ended.by = answer ? RINGBACK__V1__PARTY__PARTY_CUSTOMER : RINGBACK__V1__PARTY__PARTY_SYSTEM;
        event.event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_ENDED;
        event.attempt_ended = &ended;
        break;
    case SIM_ATTEMPT_WRAP_UP_ENDED:
        done.agent_id = id_of_agent(say, agent);
        event.event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_WRAP_UP_ENDED;
        event.attempt_wrap_up_ended = &done;
        break;
    }
    send_interaction(say, speaker, &event);
}

static void send_presence(struct sim_say *say, struct sim_speaker speaker, int32_t agent,
                          uint32_t version, Ringback__V1__PresenceEvent *event)
{
    struct id id;

    event->id = event_id(say, speaker.domain, &id);
    event->agent_id = id_of_agent(say, agent);
    event->version = version;
    event->change_ms = speaker.now_ms;
    sim_bus_send(say->bus, speaker.domain, INPUT_PRESENCE, speaker.now_ms, &event->base);
    event->id = NULL;
}

void sim_say_presence(struct sim_say *say, struct sim_speaker speaker, int32_t agent,
                      Ringback__V1__Presence presence, uint32_t version)
{
    Ringback__V1__PresenceEvent event;
    Ringback__V1__PresenceChanged changed;

    ringback__v1__presence_event__init(&event);
    ringback__v1__presence_changed__init(&changed);
    if (say->bus == NULL)
        return;
    changed.presence = presence;
    event.event_case = RINGBACK__V1__PRESENCE_EVENT__EVENT_PRESENCE;
    event.presence = &changed;
    send_presence(say, speaker, agent, version, &event);
}

void sim_say_status(struct sim_say *say, struct sim_speaker speaker, int32_t agent,
                    Ringback__V1__RoutingStatus status, uint32_t version)
{
    Ringback__V1__PresenceEvent event;
    Ringback__V1__RoutingStatusChanged changed;

    ringback__v1__presence_event__init(&event);
    ringback__v1__routing_status_changed__init(&changed);
    if (say->bus == NULL)
        return;
    changed.status = status;
    event.event_case = RINGBACK__V1__PRESENCE_EVENT__EVENT_ROUTING_STATUS;
    event.routing_status = &changed;
    send_presence(say, speaker, agent, version, &event);
}

void sim_say_joined(struct sim_say *say, struct sim_speaker speaker, int32_t agent,
                    uint32_t version)
{
    Ringback__V1__PresenceEvent event;
    Ringback__V1__JoinedQueuesChanged joined;
    char *queues[1000];

    ringback__v1__presence_event__init(&event);
    ringback__v1__joined_queues_changed__init(&joined);
    if (say->bus == NULL)
        return;
    for (size_t i = 0; i < say->model->service_count && joined.n_queue_ids < 1000; i++) {
        if (say->model->agents[agent].serves[i])
            queues[joined.n_queue_ids++] = lent(say->model->queue_ids[i]);
    }
    joined.queue_ids = queues;
    event.event_case = RINGBACK__V1__PRESENCE_EVENT__EVENT_JOINED_QUEUES;
    event.joined_queues = &joined;
    send_presence(say, speaker, agent, version, &event);
}

void sim_say_ask(struct sim_say *say, struct sim_speaker speaker, uint32_t caller, uint32_t version)
{
    Ringback__V1__FlowEvent event;
    Ringback__V1__CreateCallback create;
    Ringback__V1__InteractionFacts facts;
    Ringback__V1__Place place;
    Ringback__V1__RoutingData routing;
    const struct sim_row *row = say->model->callers[caller].row;
    struct id call, conversation;
    char number[sim_number_bytes];

    ringback__v1__flow_event__init(&event);
    ringback__v1__create_callback__init(&create);
    ringback__v1__interaction_facts__init(&facts);
    ringback__v1__place__init(&place);
    ringback__v1__routing_data__init(&routing);
    if (say->bus == NULL)
        return;
    fill_place(say, caller, &place);
    sim_number(row, number);
    facts.place = &place;
    facts.routing = &routing;
    facts.ani = number;
    facts.media = RINGBACK__V1__MEDIA__MEDIA_VOICE;
    facts.version = version;
    create.interaction_id = format_id(&call, "call-", caller);
    create.conversation_id = format_id(&conversation, CONVERSATION, caller);
    create.flow_type = RINGBACK__V1__FLOW_TYPE__FLOW_TYPE_IN_QUEUE_CALL;
    create.name = lent("Offer a callback");
    create.callee_name = lent(row->customer);
    create.queue_id = place.queue_id;
    create.facts = &facts;
    /* The conversation is the request's id: one request a caller, and the answer names him. */
    event.id = conversation.text;
    event.event_case = RINGBACK__V1__FLOW_EVENT__EVENT_CREATE_CALLBACK;
    event.create_callback = &create;
    sim_bus_send(say->bus, speaker.domain, INPUT_FLOWS, speaker.now_ms, &event.base);
}

void sim_say_request(struct sim_say *say, struct sim_speaker speaker, enum sim_request request,
                     int32_t agent, const char *callback_id, const char *offer_id)
{
    Ringback__V1__Command command;
    Ringback__V1__Accept accept;
    Ringback__V1__Dial dial;
    Ringback__V1__End end;
    struct id id;

    ringback__v1__command__init(&command);
    ringback__v1__accept__init(&accept);
    ringback__v1__dial__init(&dial);
    ringback__v1__end__init(&end);
    if (say->bus == NULL)
        return;
    command.request_id = event_id(say, speaker.domain, &id);
    command.callback_id = lent(callback_id);
    command.agent_id = id_of_agent(say, agent);
    switch (request) {
    case SIM_REQUEST_ACCEPT:
        accept.offer_id = lent(offer_id);
        command.command_case = RINGBACK__V1__COMMAND__COMMAND_ACCEPT;
        command.accept = &accept;
        break;
    case SIM_REQUEST_DIAL:
        command.command_case = RINGBACK__V1__COMMAND__COMMAND_DIAL;
        command.dial = &dial;
        break;
    case SIM_REQUEST_END:
        command.command_case = RINGBACK__V1__COMMAND__COMMAND_END;
        command.end = &end;
        break;
    }
    sim_bus_send(say->bus, speaker.domain, INPUT_COMMANDS, speaker.now_ms, &command.base);
}
