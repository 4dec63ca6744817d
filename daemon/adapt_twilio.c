/* Twilio TaskRouter: events of Event Streams (CloudEvents), and event callbacks (forms). */
#include "daemon/adapt_table.h"

#include "ringback/v1/interactions.pb-c.h"
#include "ringback/v1/presence.pb-c.h"

#define MEDIA(name)    RINGBACK__V1__MEDIA__MEDIA_##name, #name
#define LEFT(name)     RINGBACK__V1__LEFT_REASON__LEFT_REASON_##name, #name
#define PRESENCE(name) RINGBACK__V1__PRESENCE__PRESENCE_##name, #name
#define STATUS(name)   RINGBACK__V1__ROUTING_STATUS__ROUTING_STATUS_##name, #name

static const struct adapt_value media[] = {
    {"voice", MEDIA(VOICE)},   {"email", MEDIA(EMAIL)},
    {"chat|web", MEDIA(CHAT)}, {"sms|messaging|whatsapp", MEDIA(MESSAGE)},
    {NULL, 0, NULL},
};

static const struct adapt_value flow_out[] = {{"*", LEFT(FLOW_OUT)}, {NULL, 0, NULL}};

/* The activities that a new workspace has, or had. */
static const struct adapt_value presences[] = {
    {"Available|Idle", PRESENCE(ON_QUEUE)},
    {"Busy|Reserved", PRESENCE(BUSY)},
    {"Unavailable|Break", PRESENCE(AWAY)},
    {"Offline", PRESENCE(OFFLINE)},
    {NULL, 0, NULL},
};

static const struct adapt_value outbound[] = {
    {"outbound", 1, "true"}, {"*", 0, "false"}, {NULL, 0, NULL}};

static const struct adapt_value off_queue[] = {{"*", STATUS(OFF_QUEUE)}, {NULL, 0, NULL}};
static const struct adapt_value idle[] = {{"*", STATUS(IDLE)}, {NULL, 0, NULL}};
static const struct adapt_value interacting[] = {{"*", STATUS(INTERACTING)}, {NULL, 0, NULL}};

static json_t *caller(const struct adapt_event *event)
{
    const char *from = adapt_text_at(event, "@task.from|@task.caller");

    if (adapt_same(adapt_text_at(event, "@task.direction"), "outbound") || from[0] == '\0')
        return NULL;
    return json_string(from);
}

static json_t *dialled(const struct adapt_event *event)
{
    const char *to = adapt_text_at(event, "@task.outbound_to|@task.to|@task.called");

    if (!adapt_same(adapt_text_at(event, "@task.direction"), "outbound") || to[0] == '\0')
        return NULL;
    return json_string(to);
}

static json_t *queues(const struct adapt_event *event)
{
    const struct adapt_settings *settings = event->settings;
    const char *name = settings->joined_attribute;
    const json_t *list =
        adapt_find(event, arena_format(event->arena, "@worker.%s", name == NULL ? "queues" : name));
    json_t *ids;

    if (json_is_array(list))
        return json_deep_copy(list);
    if (settings->joined_count == 0)
        return NULL;
    ids = json_array();
    for (size_t i = 0; i < settings->joined_count; i++)
        (void)json_array_append_new(ids, json_string(settings->joined[i]));
    return ids;
}

static bool queues_told(const struct adapt_event *event)
{
    json_t *ids = queues(event);
    bool told = ids != NULL;

    json_decref(ids);
    return told;
}

static bool is_offline(const struct adapt_event *event, const char *path)
{
    struct adapt_value room;
    const struct adapt_value *found = adapt_presence(event, adapt_text_at(event, path), &room);

    return found != NULL && found->value == RINGBACK__V1__PRESENCE__PRESENCE_OFFLINE;
}

static bool goes_offline(const struct adapt_event *event)
{
    return is_offline(event, "worker_activity_name");
}

static bool comes_online(const struct adapt_event *event)
{
    return is_offline(event, "worker_previous_activity_name") &&
           !is_offline(event, "worker_activity_name");
}

#define ABOUT                                                                                      \
    {.to = ADAPT_TO_INTERACTION_ID, .from = "task_sid"},                                           \
        {.to = ADAPT_TO_CONVERSATION_ID,                                                           \
         .from = "@task.conversations.conversation_id|@task.call_sid|task_sid"},                   \
        {.to = ADAPT_TO_MEDIA, .from = "task_channel_unique_name", .values = media},               \
    {                                                                                              \
        .to = ADAPT_TO_TIME, .from = "@time"                                                       \
    }
/* Attempts are never live interactions (6.4). */
#define LIVE                                                                                       \
    {                                                                                              \
        .path = "@task.ringback_attempt_id", .is = ""                                              \
    }
#define VOICE                                                                                      \
    {                                                                                              \
        .path = "task_channel_unique_name", .is = "voice"                                          \
    }
#define WORKER                                                                                     \
    {                                                                                              \
        .to = ADAPT_TO_AGENT_ID, .from = "worker_sid"                                              \
    }
#define CHANGE                                                                                     \
    {                                                                                              \
        .to = ADAPT_TO_CHANGE, .from = "@time"                                                     \
    }
#define STATUS_IS(map)                                                                             \
    {                                                                                              \
        .to = ADAPT_TO_STATUS, .from = "worker_sid", .values = map                                 \
    }
#define ENTERED                                                                                    \
    {                                                                                              \
        ABOUT, {.to = ADAPT_TO_QUEUE_ID, .from = "task_queue_sid"},                                \
            {.to = ADAPT_TO_ENTRY, .from = "task_queue_entered_date|@time"},                       \
            {.to = ADAPT_TO_PRIORITY, .from = "task_priority"},                                    \
            {.to = ADAPT_TO_ANI,                                                                   \
             .make = caller,                                                                       \
             .said = "`from`, else `caller`, of `task_attributes`, if not outbound"},              \
            {.to = ADAPT_TO_DIALLED,                                                               \
             .make = dialled,                                                                      \
             .said = "`outbound_to`, `to` or `called` of `task_attributes`, if outbound"},         \
        {                                                                                          \
            .to = ADAPT_TO_OUTBOUND, .from = "@task.direction", .values = outbound                 \
        }                                                                                          \
    }
#define ATTEMPT "a task of an attempt of ours (ringback_attempt_id), which whoever dials reports"
#define FREE_AGAIN(name, reason)                                                                   \
    {.event = name,                                                                                \
     .kind = ADAPT_STATUS,                                                                         \
     .when = {VOICE},                                                                              \
     .fields = {WORKER, CHANGE, STATUS_IS(idle)}},                                                 \
    {                                                                                              \
        .event = name, .otherwise = true, .why = reason                                            \
    }
#define STILL "the status follows the voice channel, and the task stays in its queue"
#define BUSY_FROM(name)                                                                            \
    {                                                                                              \
        .event = name, .kind = ADAPT_STATUS, .when = {VOICE}, .fields = {                          \
            WORKER,                                                                                \
            CHANGE,                                                                                \
            STATUS_IS(interacting)                                                                 \
        }                                                                                          \
    }

static const struct adapt_row rows[] = {
    {.event = "task-queue.entered",
     .kind = ADAPT_ENTERED,
     .when = {LIVE},
     .fields = ENTERED,
     .why = "Twilio's priority is an order, not minutes: give such queues `ranking: "
            "priority_only`. Skills are expressions of the workflow: the flow gives them."},
    {.event = "task-queue.entered", .otherwise = true, .why = ATTEMPT},
    {.event = "task-queue.moved", .kind = ADAPT_ENTERED, .when = {LIVE}, .fields = ENTERED},
    {.event = "task-queue.moved", .otherwise = true, .why = ATTEMPT},
    {.event = "task-queue.timeout",
     .kind = ADAPT_LEFT,
     .when = {LIVE},
     .fields = {ABOUT, {.to = ADAPT_TO_REASON, .from = "task_sid", .values = flow_out}}},
    {.event = "task-queue.timeout", .otherwise = true, .why = ATTEMPT},

    {.event = "reservation.created",
     .kind = ADAPT_ALERTING,
     .when = {LIVE},
     .fields = {ABOUT, WORKER}},
    BUSY_FROM("reservation.created"),
    {.event = "reservation.created", .otherwise = true, .why = ATTEMPT},
    {.event = "reservation.accepted",
     .kind = ADAPT_CONNECTED,
     .when = {LIVE},
     .fields = {ABOUT, WORKER}},
    BUSY_FROM("reservation.accepted"),
    {.event = "reservation.accepted", .otherwise = true, .why = ATTEMPT},
    FREE_AGAIN("reservation.rejected", STILL),
    FREE_AGAIN("reservation.timeout", STILL),
    FREE_AGAIN("reservation.canceled", STILL),
    FREE_AGAIN("reservation.rescinded", STILL),
    FREE_AGAIN("reservation.failed", STILL),
    {.event = "reservation.wrapup",
     .kind = ADAPT_WRAP_UP_STARTED,
     .when = {LIVE},
     .fields = {ABOUT, WORKER}},
    BUSY_FROM("reservation.wrapup"),
    {.event = "reservation.wrapup", .otherwise = true, .why = ATTEMPT},
    {.event = "reservation.completed",
     .kind = ADAPT_WRAP_UP_ENDED,
     .when = {LIVE},
     .fields = {ABOUT, WORKER}},
    FREE_AGAIN("reservation.completed", ATTEMPT),

    {.event = "task.canceled",
     .kind = ADAPT_LEFT,
     .when = {LIVE, {.path = "task_canceled_reason|reason", .is_not = "|hangup"}},
     .fields = {ABOUT, {.to = ADAPT_TO_REASON, .from = "task_sid", .values = flow_out}},
     .why = "What is cancelled for another reason than `hangup` did not hang up itself."},
    {.event = "task.canceled", .kind = ADAPT_ENDED, .when = {LIVE}, .fields = {ABOUT}},
    {.event = "task.canceled", .otherwise = true, .why = ATTEMPT},
    {.event = "task.completed", .kind = ADAPT_ENDED, .when = {LIVE}, .fields = {ABOUT}},
    {.event = "task.completed", .otherwise = true, .why = ATTEMPT},
    {.event = "task.deleted", .kind = ADAPT_ENDED, .when = {LIVE}, .fields = {ABOUT}},
    {.event = "task.deleted", .otherwise = true, .why = ATTEMPT},

    {.event = "worker.activity.update",
     .kind = ADAPT_PRESENCE,
     .fields = {WORKER,
                CHANGE,
                {.to = ADAPT_TO_PRESENCE,
                 .from = "worker_activity_name",
                 .values = presences,
                 .said = "`worker_activity_name`, by `--presence`, else:"}}},
    {.event = "worker.activity.update",
     .kind = ADAPT_STATUS,
     .when = {{.holds = goes_offline, .said = "the activity is OFFLINE"}},
     .fields = {WORKER, CHANGE, STATUS_IS(off_queue)}},
    {.event = "worker.activity.update",
     .kind = ADAPT_STATUS,
     .when = {{.holds = comes_online, .said = "the one before was OFFLINE, this is not"}},
     .fields = {WORKER, CHANGE, STATUS_IS(idle)},
     .why = "From a break to work the status stays: he may still have a call."},
    {.event = "worker.activity.update",
     .kind = ADAPT_QUEUES,
     .when = {{.holds = queues_told, .said = "the worker's attributes or `--joined` name queues"}},
     .fields = {WORKER,
                CHANGE,
                {.to = ADAPT_TO_QUEUE_IDS,
                 .make = queues,
                 .said = "the list `queues` (`--joined-attribute`) of `worker_attributes`, else "
                         "`--joined`"}}},
    {.event = "worker.attributes.update",
     .kind = ADAPT_QUEUES,
     .when = {{.holds = queues_told, .said = "the worker's attributes or `--joined` name queues"}},
     .fields = {WORKER, CHANGE, {.to = ADAPT_TO_QUEUE_IDS, .make = queues, .said = "as above"}}},
    {.event = "worker.attributes.update",
     .otherwise = true,
     .why = "neither the worker's attributes nor --joined name queues"},
    {.event = "worker.channel.availability.update",
     .kind = ADAPT_STATUS,
     .when = {VOICE, {.path = "worker_channel_task_count", .is = "0"}},
     .fields = {WORKER, CHANGE, STATUS_IS(idle)}},
    {.event = "worker.channel.availability.update",
     .kind = ADAPT_STATUS,
     .when = {VOICE, {.path = "worker_channel_task_count", .is_not = "0|"}},
     .fields = {WORKER, CHANGE, STATUS_IS(interacting)}},
    {.event = "worker.channel.availability.update",
     .otherwise = true,
     .why = "the status follows the voice channel, by worker_channel_task_count"},
    {.event = "worker.deleted",
     .kind = ADAPT_PRESENCE,
     .fields = {WORKER,
                CHANGE,
                {.to = ADAPT_TO_PRESENCE,
                 .fixed = RINGBACK__V1__PRESENCE__PRESENCE_OFFLINE,
                 .said = "OFFLINE"}}},

    {.event = "task.created", .why = "it is in no queue yet: task-queue.entered tells that"},
    {.event = "task.updated",
     .why = "attributes and priority of a task that waits stay as they were"},
    {.event = "task.wrapup", .why = "reservation.wrapup tells it, with the worker"},
    {.event = "task.system-deleted", .why = "it had ended before"},
    {.event = "task.transfer-initiated", .why = "the new reservation tells it"},
    {.event = "task.transfer-attempt-failed", .why = "the new reservation tells it"},
    {.event = "task.transfer-failed", .why = "the new reservation tells it"},
    {.event = "task.transfer-canceled", .why = "the new reservation tells it"},
    {.event = "task.transfer-completed", .why = "the new reservation tells it"},
    {.event = "workflow.target-matched", .why = "task-queue.entered tells the queue"},
    {.event = "workflow.entered", .why = "task-queue.entered tells the queue"},
    {.event = "workflow.timeout", .why = "task.canceled tells it"},
    {.event = "workflow.skipped", .why = "task-queue.entered tells the queue"},
    {.event = "worker.created", .why = "agents come from the settings; the first activity follows"},
    {.event = "worker.capacity.update", .why = "capacity for callbacks comes from the settings"},
    {.event = "activity.created", .why = "settings of the platform"},
    {.event = "activity.updated", .why = "settings of the platform"},
    {.event = "activity.deleted", .why = "settings of the platform"},
    {.event = "task-queue.created", .why = "queues come from the settings"},
    {.event = "task-queue.deleted", .why = "queues come from the settings"},
    {.event = "task-queue.expression.updated", .why = "queues come from the settings"},
    {.event = "task-channel.created", .why = "settings of the platform"},
    {.event = "task-channel.updated", .why = "settings of the platform"},
    {.event = "task-channel.deleted", .why = "settings of the platform"},
    {.event = "workflow.created", .why = "settings of the platform"},
    {.event = "workflow.updated", .why = "settings of the platform"},
    {.event = "workflow.deleted", .why = "settings of the platform"},
    {.event = "workspace.created", .why = "settings of the platform"},
    {.event = "workspace.updated", .why = "settings of the platform"},
    {.event = "workspace.deleted", .why = "settings of the platform"},
    {.event = NULL},
};

/* Attributes are JSON in a text. What is none counts as none. */
static void read_attributes(struct adapt_event *event, const char *field, const char *name)
{
    const json_t *found = adapt_key(event->body, field);
    json_t *read = NULL;

    if (json_is_string(found))
        read = json_loadb(json_string_value(found), json_string_length(found), 0, NULL);
    else if (json_is_object(found))
        read = json_deep_copy(found);
    if (json_is_object(read))
        (void)json_object_set(event->made, name, read);
    json_decref(read);
}

static const char *open_event(struct adapt_event *event, const json_t *root)
{
    static const char prefix[] = "com.twilio.taskrouter.";
    const json_t *data = adapt_key(root, "data");
    const json_t *payload = adapt_key(data, "payload");
    const char *type = adapt_text(event, adapt_key(root, "type"));

    event->body = json_is_object(payload) ? payload : json_is_object(data) ? data : root;
    if (strncmp(type, prefix, sizeof(prefix) - 1) == 0)
        event->type = type + sizeof(prefix) - 1;
    else
        event->type = adapt_text_at(event, "EventType");
    if (event->type[0] == '\0')
        return "it has neither a type com.twilio.taskrouter... nor an EventType";
    event->id = adapt_text_at(event, "sid");
    if (event->id[0] == '\0')
        event->id = adapt_text(event, adapt_key(root, "id"));
    event->time_ms = adapt_time_at(event, "timestamp_ms|timestamp");
    if (event->time_ms == 0 && !adapt_time(adapt_key(root, "time"), &event->time_ms))
        event->time_ms = 0;
    if (event->time_ms > 0)
        (void)json_object_set_new(event->made, "time", json_integer(event->time_ms));
    read_attributes(event, "task_attributes", "task");
    read_attributes(event, "worker_attributes", "worker");
    return NULL;
}

const struct adapt_platform adapt_twilio = {
    .name = "twilio",
    .title = "Twilio TaskRouter",
    .published =
        "Twilio Docs, pages \"TaskRouter Events reference\" (event callbacks) and "
        "\"Event Streams event types: TaskRouter\" (reservation, task, task queue, worker)",
    .intro =
        "Fields are those of `data.payload` of an event of Event Streams, or the parameters of an\n"
        "event callback, which are the same in capitals (`task_sid`, `TaskSid`). A callback may "
        "be\n"
        "given as it is posted, as a form on one line, or as JSON. `@time` is `timestamp_ms`, "
        "else\n"
        "`timestamp`; `@task` is the JSON in `task_attributes`, `@worker` that in\n"
        "`worker_attributes`. A task is an interaction.\n"
        "\n"
        "TaskRouter tells no queues of a worker, since a queue chooses workers by an expression:\n"
        "give workers an attribute with the list of their queues, or name them by `--joined`. The\n"
        "routing status follows the voice channel, whose capacity must be 1.\n",
    .domain_from = "workspace_sid",
    .domain_said = "the workspace's SID (`--domain-from account_sid`: the account's)",
    .forms = true,
    .rows = rows,
    .presences = presences,
    .open = open_event,
};
