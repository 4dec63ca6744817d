/* Genesys Cloud: conversation and user events as its Amazon EventBridge integration sends them. */
#include "daemon/adapt_table.h"

#include "ringback/v1/flows.pb-c.h"
#include "ringback/v1/interactions.pb-c.h"
#include "ringback/v1/presence.pb-c.h"

#define MEDIA(name)    RINGBACK__V1__MEDIA__MEDIA_##name, #name
#define LEFT(name)     RINGBACK__V1__LEFT_REASON__LEFT_REASON_##name, #name
#define PRESENCE(name) RINGBACK__V1__PRESENCE__PRESENCE_##name, #name
#define STATUS(name)   RINGBACK__V1__ROUTING_STATUS__ROUTING_STATUS_##name, #name
#define FLOW(name)     RINGBACK__V1__FLOW_TYPE__FLOW_TYPE_##name, #name

#define CONVERSATION(name) "v2.detail.events.conversation.{id}." name
#define USER(name)         "v2.users.{id}." name

static const struct adapt_value media[] = {
    {"VOICE", MEDIA(VOICE)}, {"EMAIL", MEDIA(EMAIL)},       {"MESSAGE", MEDIA(MESSAGE)},
    {"CHAT", MEDIA(CHAT)},   {"CALLBACK", MEDIA(CALLBACK)}, {NULL, 0, NULL},
};

static const struct adapt_value outbound[] = {
    {"OUTBOUND", 1, "true"}, {"*", 0, "false"}, {NULL, 0, NULL}};

static const struct adapt_value outcomes[] = {
    {"ABANDON", LEFT(ABANDONED)}, {"FLOW_OUT", LEFT(FLOW_OUT)}, {NULL, 0, NULL}};

static const struct adapt_value presences[] = {
    {"ON_QUEUE", PRESENCE(ON_QUEUE)}, {"AVAILABLE", PRESENCE(AVAILABLE)},
    {"BUSY", PRESENCE(BUSY)},         {"AWAY|BREAK|MEAL|MEETING|TRAINING|IDLE", PRESENCE(AWAY)},
    {"OFFLINE", PRESENCE(OFFLINE)},   {NULL, 0, NULL},
};

static const struct adapt_value statuses[] = {
    {"OFF_QUEUE", STATUS(OFF_QUEUE)},           {"IDLE", STATUS(IDLE)},
    {"INTERACTING", STATUS(INTERACTING)},       {"COMMUNICATING", STATUS(COMMUNICATING)},
    {"NOT_RESPONDING", STATUS(NOT_RESPONDING)}, {NULL, 0, NULL},
};

static const struct adapt_value flow_types[] = {
    {"INBOUNDCALL", FLOW(INBOUND_CALL)},
    {"INQUEUECALL", FLOW(IN_QUEUE_CALL)},
    {"OUTBOUNDCALL", FLOW(OUTBOUND_CALL)},
    {"INQUEUEEMAIL", FLOW(IN_QUEUE_EMAIL)},
    {"INQUEUESHORTMESSAGE", FLOW(IN_QUEUE_MESSAGE)},
    {"*", FLOW(OTHER)},
    {NULL, 0, NULL},
};

static json_t *dialled(const struct adapt_event *event)
{
    const json_t *found = adapt_find(event, "dnis|addressTo");

    if (!adapt_same(adapt_text_at(event, "direction"), "OUTBOUND") || found == NULL)
        return NULL;
    return json_string(adapt_text(event, found));
}

static bool talked(const struct adapt_event *event)
{
    const json_t *talk = adapt_find(event, "interactingDurationMs");
    const json_t *held = adapt_find(event, "heldDurationMs");

    return (json_is_number(talk) && json_number_value(talk) > 0) ||
           (json_is_number(held) && json_number_value(held) > 0);
}

#define ABOUT                                                                                      \
    {.to = ADAPT_TO_INTERACTION_ID, .from = "conversationId"},                                     \
        {.to = ADAPT_TO_CONVERSATION_ID, .from = "conversationId"},                                \
        {.to = ADAPT_TO_MEDIA, .from = "mediaType", .values = media},                              \
    {                                                                                              \
        .to = ADAPT_TO_TIME, .from = "eventTime|@time"                                             \
    }
#define MEDIA_KNOWN                                                                                \
    {                                                                                              \
        .path = "mediaType", .is_not = "COBROWSE|SCREENSHARE|VIDEO|INTERNALMESSAGE|UNKNOWN"        \
    }

static const struct adapt_row rows[] = {
    {.event = CONVERSATION("acd.start"),
     .kind = ADAPT_ENTERED,
     .when = {MEDIA_KNOWN},
     .fields = {ABOUT,
                {.to = ADAPT_TO_QUEUE_ID, .from = "queueId"},
                {.to = ADAPT_TO_ENTRY, .from = "eventTime|@time"},
                {.to = ADAPT_TO_ANI, .from = "ani|addressFrom"},
                {.to = ADAPT_TO_DIALLED,
                 .make = dialled,
                 .said = "`dnis`, else `addressTo`, if "
                         "`direction` is `OUTBOUND`"},
                {.to = ADAPT_TO_OUTBOUND, .from = "direction", .values = outbound}},
     .why =
         "Skills, language, priority and scores come only with acd.end, when they are of no use: "
         "let the flow give them in the facts of Create Callback."},
    {.event = CONVERSATION("acd.start"),
     .otherwise = true,
     .why = "no call, e-mail, message, chat or callback"},

    {.event = CONVERSATION("acd.end"),
     .kind = ADAPT_CONNECTED,
     .when = {MEDIA_KNOWN, {.path = "acdOutcome", .is = "ANSWERED"}},
     .fields = {ABOUT, {.to = ADAPT_TO_AGENT_ID, .from = "answeredUserId"}}},
    {.event = CONVERSATION("acd.end"),
     .kind = ADAPT_LEFT,
     .when = {MEDIA_KNOWN, {.path = "acdOutcome", .is = "ABANDON|FLOW_OUT"}},
     .fields = {ABOUT, {.to = ADAPT_TO_REASON, .from = "acdOutcome", .values = outcomes}}},
    {.event = CONVERSATION("acd.end"),
     .otherwise = true,
     .why = "acdOutcome does not say how it left the queue"},

    {.event = CONVERSATION("user.start"),
     .kind = ADAPT_ALERTING,
     .when = {MEDIA_KNOWN,
              {.path = "direction", .is_not = "OUTBOUND"},
              {.path = "queueId", .is_not = ""}},
     .fields = {ABOUT, {.to = ADAPT_TO_AGENT_ID, .from = "userId"}}},
    {.event = CONVERSATION("user.start"),
     .otherwise = true,
     .why = "an agent's own or outbound call: the routing status tells it"},

    {.event = CONVERSATION("user.end"),
     .kind = ADAPT_WRAP_UP_ENDED,
     .when = {MEDIA_KNOWN,
              {.path = "queueId", .is_not = ""},
              {.holds = talked, .said = "`interactingDurationMs` or `heldDurationMs` is above 0"}},
     .fields = {ABOUT, {.to = ADAPT_TO_AGENT_ID, .from = "userId"}},
     .why = "Whether after-call work follows is not in the event. Until then the routing status "
            "says INTERACTING; `acw` moves the end."},
    {.event = CONVERSATION("user.end"),
     .otherwise = true,
     .why = "the agent did not talk, or it is no queue's: the routing status tells it"},

    {.event = CONVERSATION("acw"),
     .kind = ADAPT_WRAP_UP_ENDED,
     .when = {MEDIA_KNOWN},
     .fields = {ABOUT, {.to = ADAPT_TO_AGENT_ID, .from = "userId"}}},
    {.event = CONVERSATION("acw"),
     .otherwise = true,
     .why = "no call, e-mail, message, chat or callback"},

    {.event = CONVERSATION("customer.end"),
     .kind = ADAPT_ENDED,
     .when = {MEDIA_KNOWN},
     .fields = {ABOUT}},
    {.event = CONVERSATION("customer.end"),
     .otherwise = true,
     .why = "no call, e-mail, message, chat or callback"},

    {.event = CONVERSATION("flow.start"),
     .kind = ADAPT_FLOW_ENTERED,
     .when = {MEDIA_KNOWN},
     .fields = {ABOUT,
                {.to = ADAPT_TO_FLOW_ID, .from = "flowId"},
                {.to = ADAPT_TO_FLOW_TYPE, .from = "flowType", .values = flow_types}}},
    {.event = CONVERSATION("flow.start"),
     .otherwise = true,
     .why = "no call, e-mail, message, chat or callback"},

    {.event = USER("presence"),
     .kind = ADAPT_PRESENCE,
     .fields = {{.to = ADAPT_TO_AGENT_ID, .from = "@topic_id"},
                {.to = ADAPT_TO_CHANGE, .from = "modifiedDate|@time"},
                {.to = ADAPT_TO_PRESENCE,
                 .from = "presenceDefinition.systemPresence",
                 .values = presences}}},
    {.event = USER("routingStatus"),
     .kind = ADAPT_STATUS,
     .fields = {{.to = ADAPT_TO_AGENT_ID, .from = "id|@topic_id"},
                {.to = ADAPT_TO_CHANGE, .from = "routingStatus.startTime|@time"},
                {.to = ADAPT_TO_STATUS, .from = "routingStatus.status", .values = statuses}}},
    {.event = USER("activity"),
     .kind = ADAPT_PRESENCE,
     .when = {{.path = "presence.presenceDefinition.systemPresence", .is_not = ""}},
     .fields = {{.to = ADAPT_TO_AGENT_ID, .from = "id|@topic_id"},
                {.to = ADAPT_TO_CHANGE, .from = "presence.modifiedDate|@time"},
                {.to = ADAPT_TO_PRESENCE,
                 .from = "presence.presenceDefinition.systemPresence",
                 .values = presences}}},
    {.event = USER("activity"),
     .kind = ADAPT_STATUS,
     .when = {{.path = "routingStatus.status", .is_not = ""}},
     .fields = {{.to = ADAPT_TO_AGENT_ID, .from = "id|@topic_id"},
                {.to = ADAPT_TO_CHANGE, .from = "routingStatus.startTime|@time"},
                {.to = ADAPT_TO_STATUS, .from = "routingStatus.status", .values = statuses}}},
    {.event = USER("activity"),
     .kind = ADAPT_QUEUES,
     .when = {{.path = "activeQueueIds", .there = true}},
     .fields = {{.to = ADAPT_TO_AGENT_ID, .from = "id|@topic_id"},
                {.to = ADAPT_TO_CHANGE, .from = "dateActiveQueuesChanged|@time"},
                {.to = ADAPT_TO_QUEUE_IDS, .from = "activeQueueIds"}}},
    {.event = USER("activity"),
     .otherwise = true,
     .why = "it has neither presence nor routing status nor queues"},

    {.event = CONVERSATION("customer.start"), .why = "it is in no queue yet: acd.start tells that"},
    {.event = CONVERSATION("wrapup"), .why = "a wrap-up code; acw tells the end of the work"},
    {.event = CONVERSATION("contact"), .why = "who the contact is changes nothing here"},
    {.event = CONVERSATION("contact.update"), .why = "who the contact is changes nothing here"},
    {.event = CONVERSATION("attributes"), .why = "participant data are no facts of ours"},
    {.event = CONVERSATION("flow.end"), .why = "where a flow went is told by what follows"},
    {.event = CONVERSATION("flow.outcome"), .why = "outcomes of flows are no facts of ours"},
    {.event = CONVERSATION("outbound"), .why = "dials of campaigns are no live interactions"},
    {.event = CONVERSATION("voicemail.start"),
     .why = "a request with an answer: the flow asks with LeaveVoicemail"},
    {.event = CONVERSATION("voicemail.end"),
     .why = "a request with an answer: the flow asks with LeaveVoicemail"},
    {.event = USER("conversationsummary"), .why = "counts; the routing status tells"},
    {.event = USER("conversations"), .why = "a view of the conversation; the detail events tell"},
    {.event = USER("station"), .why = "telephones are the switch's"},
    {.event = USER("outofoffice"), .why = "no fact of routing"},
    {.event = USER("geolocation"), .why = "no fact of routing"},
    {.event = NULL},
};

/* "v2.users.8a1f.presence" is "v2.users.{id}.presence" and the id. */
static const char *split_topic(struct adapt_event *event, const char *topic)
{
    static const char *const prefixes[] = {"v2.detail.events.conversation.", "v2.users."};

    for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
        size_t size = strlen(prefixes[i]);
        const char *rest;

        if (strncmp(topic, prefixes[i], size) != 0)
            continue;
        rest = strchr(topic + size, '.');
        if (rest == NULL)
            return topic;
        if (strncmp(topic + size, "{id}", 4) != 0)
            (void)json_object_set_new(event->made, "topic_id",
                                      json_stringn(topic + size, (size_t)(rest - topic) - size));
        return arena_format(event->arena, "%s{id}%s", prefixes[i], rest);
    }
    return topic;
}

/* "aws.partner/genesys.com/cloud/ORGANIZATION/SUFFIX" */
static void find_organization(struct adapt_event *event, const char *source)
{
    static const char before[] = "/genesys.com/cloud/";
    const char *at = strstr(source, before);

    if (at == NULL)
        return;
    at += sizeof(before) - 1;
    (void)json_object_set_new(event->made, "organization", json_stringn(at, strcspn(at, "/")));
}

static const char *open_event(struct adapt_event *event, const json_t *root)
{
    const json_t *detail = adapt_key(root, "detail");
    const char *topic = adapt_text(event, adapt_key(detail, "topicName"));
    int64_t envelope_ms = 0;

    event->body = adapt_key(detail, "eventBody");
    if (!json_is_object(event->body))
        return "it has no detail.eventBody: is it an event of Genesys Cloud from EventBridge?";
    if (topic[0] == '\0')
        topic = adapt_text(event, adapt_key(root, "detail-type"));
    event->type = split_topic(event, topic);
    find_organization(event, adapt_text(event, adapt_key(root, "source")));
    event->id = adapt_text(event, adapt_key(root, "id"));
    if (!adapt_time(adapt_key(detail, "timestamp"), &envelope_ms))
        (void)adapt_time(adapt_key(root, "time"), &envelope_ms);
    if (envelope_ms > 0)
        (void)json_object_set_new(event->made, "time", json_integer(envelope_ms));
    event->time_ms = adapt_time_at(
        event, strncmp(event->type, "v2.users.", 9) == 0 ? "@time" : "eventTime|@time");
    return NULL;
}

const struct adapt_platform adapt_genesys = {
    .name = "genesys",
    .title = "Genesys Cloud",
    .published =
        "Genesys Cloud Developer Center, pages \"Available topics\" and \"Notifications\" (the "
        "schema of each topic) and Resource Center, \"About the Amazon EventBridge integration\"",
    .intro =
        "Fields are those of `detail.eventBody`. `@time` is `detail.timestamp`, else `time`;\n"
        "`@topic_id` is the id within `detail.topicName`; `@organization` is the part of `source`\n"
        "behind `genesys.com/cloud/`. Subscribe the integration to the topics of the table that\n"
        "become something. A conversation is one interaction here, and `conversationId` its id.\n",
    .domain_from = "@organization|organizationId",
    .domain_said = "the organization's id",
    .rows = rows,
    .open = open_event,
};
