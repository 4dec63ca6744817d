/* Amazon Connect: contact events from EventBridge, and the agent event stream from Kinesis. */
#include "daemon/adapt_table.h"

#include "ringback/v1/interactions.pb-c.h"
#include "ringback/v1/presence.pb-c.h"

#define MEDIA(name)    RINGBACK__V1__MEDIA__MEDIA_##name, #name
#define LEFT(name)     RINGBACK__V1__LEFT_REASON__LEFT_REASON_##name, #name
#define PRESENCE(name) RINGBACK__V1__PRESENCE__PRESENCE_##name, #name
#define STATUS(name)   RINGBACK__V1__ROUTING_STATUS__ROUTING_STATUS_##name, #name

/* Both agents' own calls and attempts of ours, which whoever places them reports. */
#define OUTBOUND "OUTBOUND|EXTERNAL_OUTBOUND|CALLBACK|MONITOR"

static const struct adapt_value media[] = {
    {"VOICE", MEDIA(VOICE)}, {"CHAT", MEDIA(CHAT)}, {"EMAIL", MEDIA(EMAIL)}, {NULL, 0, NULL}};

static const struct adapt_value flow_out[] = {{"*", LEFT(FLOW_OUT)}, {NULL, 0, NULL}};

static const struct adapt_value presences[] = {
    {"ROUTABLE|Available", PRESENCE(ON_QUEUE)},
    {"OFFLINE", PRESENCE(OFFLINE)},
    {"CUSTOM", PRESENCE(AWAY)},
    {NULL, 0, NULL},
};

static const struct adapt_value statuses[] = {
    {"OFF_QUEUE", STATUS(OFF_QUEUE)},           {"IDLE", STATUS(IDLE)},
    {"INTERACTING", STATUS(INTERACTING)},       {"COMMUNICATING", STATUS(COMMUNICATING)},
    {"NOT_RESPONDING", STATUS(NOT_RESPONDING)}, {NULL, 0, NULL},
};

static const json_t *contacts_of(const struct adapt_event *event)
{
    return adapt_find(event, "CurrentAgentSnapshot.Contacts");
}

static bool is_type(const struct adapt_event *event, const char *types)
{
    return adapt_one_of(adapt_text_at(event, "EventType"), types);
}

/* A status by its name, where the settings know it; else by its type; in old formats, which have no
 * type, "Available" and "Offline" are the two that every instance has. */
static json_t *presence(const struct adapt_event *event)
{
    const char *name = adapt_text_at(event, "CurrentAgentSnapshot.AgentStatus.Name");
    const char *type = adapt_text_at(event, "CurrentAgentSnapshot.AgentStatus.Type");
    const struct adapt_settings *settings = event->settings;

    if (is_type(event, "LOGOUT"))
        return json_string("OFFLINE");
    for (size_t i = 0; i < settings->presence_count; i++)
        if (adapt_same(settings->presences[i].name, name))
            return json_string(name);
    if (type[0] != '\0' || name[0] == '\0')
        return type[0] == '\0' ? NULL : json_string(type);
    return json_string(adapt_one_of(name, "Available|Offline") ? name : "CUSTOM");
}

static json_t *time_json(int64_t ms)
{
    return ms > 0 ? json_integer(ms) : NULL;
}

/* A login and a logout change what he is, although the status began before. */
static json_t *presence_change(const struct adapt_event *event)
{
    int64_t began_ms = adapt_time_at(event, "CurrentAgentSnapshot.AgentStatus.StartTimestamp");

    return time_json(is_type(event, "LOGIN|LOGOUT") || began_ms == 0 ? event->time_ms : began_ms);
}

static bool agents_own(const struct adapt_event *event, const json_t *contact)
{
    const json_t *queue = adapt_key(contact, "Queue");

    return adapt_one_of(adapt_text(event, adapt_key(contact, "InitiationMethod")), OUTBOUND) ||
           !json_is_object(queue);
}

/* What he has to do decides; having nothing, his status. */
static json_t *status(const struct adapt_event *event)
{
    const json_t *contacts = contacts_of(event), *contact;
    const char *found = NULL;
    struct adapt_value room;
    const struct adapt_value *is;
    json_t *named = presence(event);
    size_t i;

    is = json_is_string(named) ? adapt_presence(event, json_string_value(named), &room) : NULL;
    json_decref(named);
    if (is_type(event, "LOGOUT"))
        return json_string("OFF_QUEUE");
    json_array_foreach(contacts, i, contact)
    {
        const char *state = adapt_text(event, adapt_key(contact, "State"));

        if (adapt_one_of(state, "MISSED|REJECTED|ERROR"))
            found = found == NULL ? "NOT_RESPONDING" : found;
        else if (!agents_own(event, contact))
            found = "INTERACTING";
        else if (found == NULL || strcmp(found, "NOT_RESPONDING") == 0)
            found = "COMMUNICATING";
    }
    if (found != NULL)
        return json_string(found);
    if (is == NULL)
        return NULL;
    return json_string(is->value == RINGBACK__V1__PRESENCE__PRESENCE_ON_QUEUE ? "IDLE"
                                                                              : "OFF_QUEUE");
}

/* A heartbeat repeats: it must not look like a change. When the last contact went is not in it. */
static json_t *status_change(const struct adapt_event *event)
{
    const json_t *contact;
    int64_t last_ms = adapt_time_at(event, "CurrentAgentSnapshot.AgentStatus.StartTimestamp"), ms;
    size_t i;

    if (!is_type(event, "HEART_BEAT") || last_ms == 0)
        return time_json(event->time_ms);
    json_array_foreach(contacts_of(event), i, contact)
    {
        if (adapt_time(adapt_key(contact, "StateStartTimestamp"), &ms) && ms > last_ms)
            last_ms = ms;
    }
    return time_json(last_ms);
}

static json_t *queues(const struct adapt_event *event)
{
    const json_t *list =
        adapt_find(event, "CurrentAgentSnapshot.Configuration.RoutingProfile.InboundQueues");
    const json_t *queue;
    json_t *ids;
    size_t i;

    if (!json_is_array(list))
        return NULL;
    ids = json_array();
    json_array_foreach(list, i, queue)
    {
        const char *arn = adapt_text(event, adapt_key(queue, "ARN"));

        (void)json_array_append_new(ids, json_string(adapt_tail(arn)));
    }
    return ids;
}

static bool queues_told(const struct adapt_event *event)
{
    const char *path = "CurrentAgentSnapshot.Configuration.RoutingProfile.InboundQueues";
    const json_t *before =
        adapt_find(event, "PreviousAgentSnapshot.Configuration.RoutingProfile.InboundQueues");
    const json_t *now = adapt_find(event, path);

    if (now == NULL || is_type(event, "LOGOUT"))
        return false;
    return !is_type(event, "STATE_CHANGE") || before == NULL || !json_equal(before, now);
}

static bool snapshot_told(const struct adapt_event *event)
{
    return is_type(event, "LOGOUT") ||
           adapt_find(event, "CurrentAgentSnapshot.AgentStatus") != NULL;
}

/* The customer was called: by a flow or a campaign that brings him into a queue. A chat that an API
 * opened is the customer's. */
static bool called(const struct adapt_event *event)
{
    return adapt_same(adapt_text_at(event, "channel"), "VOICE") &&
           adapt_one_of(adapt_text_at(event, "initiationMethod"), "API");
}

static json_t *dialled(const struct adapt_event *event)
{
    return called(event) ? json_string(adapt_text_at(event, "customerEndpoint.address")) : NULL;
}

static json_t *caller(const struct adapt_event *event)
{
    return called(event) ? NULL : json_string(adapt_text_at(event, "customerEndpoint.address"));
}

static json_t *outbound(const struct adapt_event *event)
{
    return json_string(called(event) ? "true" : "false");
}

static const struct adapt_value truths[] = {
    {"true", 1, "true"}, {"false", 0, "false"}, {NULL, 0, NULL}};

#define ABOUT_AT(times)                                                                            \
    {.to = ADAPT_TO_INTERACTION_ID, .from = "contactId"},                                          \
        {.to = ADAPT_TO_CONVERSATION_ID, .from = "initialContactId|contactId"},                    \
        {.to = ADAPT_TO_MEDIA, .from = "channel", .values = media},                                \
    {                                                                                              \
        .to = ADAPT_TO_TIME, .from = times                                                         \
    }
#define AGENT                                                                                      \
    {                                                                                              \
        .to = ADAPT_TO_AGENT_ID, .from = "agentInfo.agentArn", .tail = true                        \
    }
#define LIVE                                                                                       \
    {.path = "initiationMethod", .is_not = OUTBOUND},                                              \
    {                                                                                              \
        .path = "channel", .is_not = "TASK"                                                        \
    }
#define SNAPSHOT                                                                                   \
    {                                                                                              \
        .holds = snapshot_told, .said = "there is `CurrentAgentSnapshot.AgentStatus`"              \
    }
#define SNAPSHOT_AGENT                                                                             \
    {                                                                                              \
        .to = ADAPT_TO_AGENT_ID, .from = "AgentARN", .tail = true                                  \
    }

#define NOT_LIVE                                                                                   \
    "an outbound call, which whoever places it reports, a callback of Connect, or a task"

static const struct adapt_row rows[] = {
    {.event = "QUEUED",
     .kind = ADAPT_ENTERED,
     .when = {LIVE},
     .fields = {ABOUT_AT("queueInfo.enqueueTimestamp|@time"),
                {.to = ADAPT_TO_QUEUE_ID, .from = "queueInfo.queueArn", .tail = true},
                {.to = ADAPT_TO_ENTRY, .from = "queueInfo.enqueueTimestamp|@time"},
                {.to = ADAPT_TO_ANI,
                 .make = caller,
                 .said = "`customerEndpoint.address`, if not outbound"},
                {.to = ADAPT_TO_DIALLED,
                 .make = dialled,
                 .said = "`customerEndpoint.address`, if outbound"},
                {.to = ADAPT_TO_OUTBOUND,
                 .make = outbound,
                 .values = truths,
                 .said = "whether `channel` is `VOICE` and `initiationMethod` is `API`"}},
     .why = "Routing criteria and Connect's priority are an order of its own, no minutes: the flow "
            "gives priority, skills and language in the facts of Create Callback."},
    {.event = "QUEUED", .otherwise = true, .why = NOT_LIVE},

    {.event = "CONNECTED_TO_AGENT",
     .kind = ADAPT_CONNECTED,
     .when = {LIVE},
     .fields = {ABOUT_AT("agentInfo.connectedToAgentTimestamp|@time"), AGENT}},
    {.event = "CONNECTED_TO_AGENT", .otherwise = true, .why = NOT_LIVE},

    {.event = "DISCONNECTED",
     .kind = ADAPT_LEFT,
     .when = {LIVE, {.path = "disconnectReason", .is = "CONTACT_FLOW_DISCONNECT|EXPIRED|API"}},
     .fields = {ABOUT_AT("disconnectTimestamp|@time"),
                {.to = ADAPT_TO_REASON, .from = "disconnectReason", .values = flow_out}},
     .why = "If it is still in the queue it did not hang up itself. Of one that is with an agent "
            "this changes nothing."},
    {.event = "DISCONNECTED",
     .kind = ADAPT_ENDED,
     .when = {LIVE},
     .fields = {ABOUT_AT("disconnectTimestamp|@time")}},
    {.event = "DISCONNECTED", .otherwise = true, .why = NOT_LIVE},

    {.event = "COMPLETED",
     .kind = ADAPT_WRAP_UP_ENDED,
     .when = {LIVE, {.path = "agentInfo.agentArn", .is_not = ""}},
     .fields = {ABOUT_AT("agentInfo.afterContactWorkEndTimestamp|@time"), AGENT}},
    {.event = "COMPLETED", .otherwise = true, .why = "no agent had it"},

    {.event = "INITIATED", .why = "it is in no queue yet: QUEUED tells that"},
    {.event = "CONNECTED_TO_SYSTEM", .why = "it is in no queue yet: QUEUED tells that"},
    {.event = "CONTACT_DATA_UPDATED",
     .why = "attributes and routing criteria are no facts of ours"},
    {.event = "PAUSED", .why = "it stays where it is"},
    {.event = "RESUMED", .why = "it stays where it is"},
    {.event = "AMD_DISABLED", .why = "of dials, which whoever places them reports"},
    {.event = "WEBRTC_API", .why = "it is in no queue yet: QUEUED tells that"},

    {.event = "agent event",
     .kind = ADAPT_PRESENCE,
     .when = {SNAPSHOT},
     .fields = {SNAPSHOT_AGENT,
                {.to = ADAPT_TO_CHANGE,
                 .make = presence_change,
                 .said = "`EventTimestamp` of LOGIN and LOGOUT, else "
                         "`CurrentAgentSnapshot.AgentStatus.StartTimestamp`"},
                {.to = ADAPT_TO_PRESENCE,
                 .make = presence,
                 .values = presences,
                 .said = "LOGOUT is OFFLINE; else `CurrentAgentSnapshot.AgentStatus`: its `Name` "
                         "if `--presence` has it, else its `Type`"}}},
    {.event = "agent event",
     .kind = ADAPT_STATUS,
     .when = {SNAPSHOT},
     .fields = {SNAPSHOT_AGENT,
                {.to = ADAPT_TO_CHANGE,
                 .make = status_change,
                 .said = "`EventTimestamp`; of HEART_BEAT the last `StateStartTimestamp` or "
                         "`StartTimestamp`"},
                {.to = ADAPT_TO_STATUS,
                 .make = status,
                 .values = statuses,
                 .said = "of `CurrentAgentSnapshot.Contacts`: one of a queue, after-contact work "
                         "(`ENDED`) too, is INTERACTING; else one without a queue, or outbound, "
                         "is COMMUNICATING; else `MISSED`, `REJECTED` or `ERROR` is "
                         "NOT_RESPONDING; none is IDLE if he is on queue, else OFF_QUEUE"}}},
    {.event = "agent event",
     .kind = ADAPT_QUEUES,
     .when = {{.holds = queues_told,
               .said = "not LOGOUT; of STATE_CHANGE only if `PreviousAgentSnapshot` has others"}},
     .fields = {SNAPSHOT_AGENT,
                {.to = ADAPT_TO_CHANGE, .from = "EventTimestamp"},
                {.to = ADAPT_TO_QUEUE_IDS,
                 .make = queues,
                 .said = "`ARN` of each of "
                         "`CurrentAgentSnapshot.Configuration.RoutingProfile.InboundQueues`, "
                         "after the last `/`"}}},
    {.event = "agent event",
     .kind = ADAPT_ALERTING,
     .each = "CurrentAgentSnapshot.Contacts",
     .when = {{.path = "*.State", .is = "INCOMING|PENDING|CONNECTING"},
              {.path = "*.InitiationMethod", .is_not = OUTBOUND},
              {.path = "*.Channel", .is_not = "TASK"}},
     .fields = {{.to = ADAPT_TO_INTERACTION_ID, .from = "*.ContactId"},
                {.to = ADAPT_TO_CONVERSATION_ID, .from = "*.InitialContactId|*.ContactId"},
                {.to = ADAPT_TO_MEDIA, .from = "*.Channel", .values = media},
                {.to = ADAPT_TO_TIME, .from = "*.StateStartTimestamp|EventTimestamp"},
                SNAPSHOT_AGENT}},
    {.event = "agent event", .otherwise = true, .why = "it has no CurrentAgentSnapshot"},
    {.event = NULL},
};

static const char *open_event(struct adapt_event *event, const json_t *root)
{
    const json_t *detail = adapt_key(root, "detail");
    int64_t envelope_ms = 0;
    const char *instance;

    if (json_is_object(adapt_key(root, "CurrentAgentSnapshot")) ||
        (adapt_key(root, "AgentARN") != NULL && adapt_key(root, "EventType") != NULL)) {
        event->type = "agent event";
        event->body = root;
        event->id = adapt_text_at(event, "EventId");
        event->time_ms = adapt_time_at(event, "EventTimestamp");
    } else if (json_is_object(detail) && adapt_key(detail, "eventType") != NULL) {
        event->body = detail;
        event->type = adapt_text_at(event, "eventType");
        event->id = adapt_text(event, adapt_key(root, "id"));
        if (adapt_time(adapt_key(root, "time"), &envelope_ms))
            (void)json_object_set_new(event->made, "time", json_integer(envelope_ms));
        event->time_ms = adapt_time_at(event, "@time");
    } else {
        return "it is neither a contact event (detail.eventType) nor an agent event "
               "(AgentARN, EventType)";
    }
    instance = adapt_text_at(event, "instanceArn");
    if (instance[0] != '\0')
        (void)json_object_set_new(event->made, "instance", json_string(adapt_tail(instance)));
    return NULL;
}

const struct adapt_platform adapt_connect = {
    .name = "connect",
    .title = "Amazon Connect",
    .published = "Amazon Connect Administrator Guide, pages \"Amazon Connect contact events\" and "
                 "\"Agent event streams data model\"",
    .intro =
        "Of a contact event, fields are those of `detail`, and `@time` is `time`, which has whole\n"
        "seconds; of an agent event they are those of the record. `agent event` is each of LOGIN,\n"
        "LOGOUT, STATE_CHANGE and HEART_BEAT. Of ARNs the part behind the last `/` is taken, so\n"
        "that queues and agents have their UUIDs. `@instance` is that of `instanceArn`. A contact\n"
        "is an interaction; a transfer makes a new one of the same conversation.\n",
    .domain_from = "@instance",
    .domain_said = "the instance's id",
    .rows = rows,
    .presences = presences,
    .open = open_event,
};
