#include "tests/support/story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define NEW(story, Type, prefix)                                                                   \
    __extension__({                                                                                \
        PB(Type) *new_ = arena_alloc(&(story)->arena, sizeof(*new_));                              \
        prefix##__init(new_);                                                                      \
        new_;                                                                                      \
    })

void story_open(struct story *story)
{
    *story = (struct story){.timestamp_ms = -1};
    arena_init(&story->arena);
    arena_init(&story->saved);
    machine_options_default(&story->options);
}

void story_close(struct story *story)
{
    machine_destroy(story->machine);
    arena_deinit(&story->arena);
    arena_deinit(&story->saved);
}

char *story_text(struct story *story, const char *value)
{
    return arena_text(&story->arena, slice_text(value));
}

static void check(struct story *story)
{
    const char *broken = machine_broken(story->machine, &story->arena);

    if (broken != NULL)
        fail_msg("at %lld ms: %s", (long long)story->now_ms, broken);
}

static int compare_entities(const void *a, const void *b)
{
    const struct change *left = a, *right = b;

    return slice_compare(left->key, right->key);
}

/* All entities, sorted, packed. */
static struct slice dump(struct machine *machine, struct arena *arena)
{
    static struct change entities[4096];
    struct machine_cursor cursor = {0};
    size_t count = 0, size = 0;
    uint8_t *bytes;

    while (machine_next(machine, &cursor, arena, &entities[count]))
        assert_true(++count < 4096);
    qsort(entities, count, sizeof(*entities), compare_entities);
    for (size_t at = 0; at < count; at++)
        size +=
            entities[at].key.size + protobuf_c_message_get_packed_size(&entities[at].value->base);
    bytes = arena_alloc(arena, size);
    size = 0;
    for (size_t at = 0; at < count; at++) {
        memcpy(bytes + size, entities[at].key.data, entities[at].key.size);
        size += entities[at].key.size;
        size += protobuf_c_message_pack(&entities[at].value->base, bytes + size);
    }
    return slice_make(bytes, size);
}

/* The batch ends; the machine is loaded into another one, which goes on. */
static void save_and_load(struct story *story)
{
    struct machine_cursor cursor = {0};
    struct change *changes, entity;
    struct machine *other;
    struct err_note note;
    uint64_t count, digest, other_count, other_digest;
    struct slice before, after;
    size_t changed;

    machine_changes(story->machine, &story->arena, &changes, &changed);
    machine_digest(story->machine, &count, &digest);
    machine_batch_end(story->machine);
    check(story);
    if (story->frozen)
        return;
    arena_reset(&story->saved);
    other = machine_create(&story->options);
    while (machine_next(story->machine, &cursor, &story->saved, &entity))
        if (machine_load(other, entity.key, entity.value, &note) != ERR_OK)
            fail_msg("%s", note.text);
    machine_ready(other);
    if (machine_loaded(other, &note) != ERR_OK)
        fail_msg("%s", note.text);
    machine_digest(other, &other_count, &other_digest);
    assert_int_equal(count, other_count);
    assert_int_equal(digest, other_digest);
    before = dump(story->machine, &story->saved);
    after = dump(other, &story->saved);
    assert_int_equal(before.size, after.size);
    assert_memory_equal(before.data, after.data, before.size);
    assert_int_equal(machine_due(story->machine), machine_due(other));
    machine_destroy(story->machine);
    story->machine = other;
    check(story);
}

static void start(struct story *story)
{
    if (story->machine != NULL)
        return;
    story->machine = machine_create(&story->options);
    machine_ready(story->machine);
    effects_init(&story->effects, &story->arena);
}

static void fire(struct story *story, int64_t until_ms)
{
    struct timer_limits limits = {until_ms, INT64_MAX, INT64_MAX};
    int64_t due;

    while (machine_timer_next(story->machine, &limits, &due)) {
        if (due - STORY_START_MS > story->now_ms)
            story->now_ms = due - STORY_START_MS;
        machine_timer_fire(story->machine, &limits, STORY_START_MS + story->now_ms,
                           &story->effects);
        save_and_load(story);
    }
}

void story_at(struct story *story, int64_t at_ms)
{
    start(story);
    assert_true(at_ms >= story->now_ms);
    fire(story, STORY_START_MS + at_ms + 1);
    story->now_ms = at_ms;
}

void story_lag(struct story *story, int64_t at_ms)
{
    start(story);
    story->now_ms = at_ms;
}

void story_send(struct story *story, enum input input, const ProtobufCMessage *message)
{
    int64_t timestamp = story->timestamp_ms < 0 ? story->now_ms : story->timestamp_ms;
    struct input_event event = {
        .input = input,
        .offset = story->offset++,
        .timestamp_ms = story->unstamped ? -1 : STORY_START_MS + timestamp,
        .topic = "test",
        .domain = slice_text(story->domain == NULL ? "acme" : story->domain),
        .event = message,
        .refuse = story->refuse,
    };

    start(story);
    story->err = machine_event(story->machine, &event, STORY_START_MS + story->now_ms,
                               &story->effects, &story->why, &story->note);
    story->id = NULL;
    story->timestamp_ms = -1;
    story->domain = NULL;
    story->unstamped = false;
    story->refuse = REASON(UNSPECIFIED);
    save_and_load(story);
}

static char *next_id(struct story *story)
{
    if (story->id != NULL)
        return story_text(story, story->id);
    return arena_format(&story->arena, "e-%llu", (unsigned long long)++story->version);
}

/* --- settings --- */

PB(QueueSettings) * story_queue(struct story *story, const char *queue)
{
    PB(QueueSettings) *settings = NEW(story, QueueSettings, ringback__v1__queue_settings);

    settings->queue_id = story_text(story, queue);
    settings->version = ++story->version;
    return settings;
}

static void send_settings(struct story *story, PB(SettingsEvent) * event)
{
    event->id = next_id(story);
    story_send(story, INPUT_SETTINGS, &event->base);
}

void story_set_queue(struct story *story, PB(QueueSettings) * settings)
{
    PB(SettingsEvent) *event = NEW(story, SettingsEvent, ringback__v1__settings_event);

    event->event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_QUEUE;
    event->queue = settings;
    send_settings(story, event);
}

PB(AgentSettings) * story_agent(struct story *story, const char *agent)
{
    PB(AgentSettings) *settings = NEW(story, AgentSettings, ringback__v1__agent_settings);

    settings->agent_id = story_text(story, agent);
    settings->version = ++story->version;
    return settings;
}

void story_set_agent(struct story *story, PB(AgentSettings) * settings)
{
    PB(SettingsEvent) *event = NEW(story, SettingsEvent, ringback__v1__settings_event);

    event->event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_AGENT;
    event->agent = settings;
    send_settings(story, event);
}

void story_remove_queue(struct story *story, const char *queue, bool force)
{
    PB(SettingsEvent) *event = NEW(story, SettingsEvent, ringback__v1__settings_event);

    event->event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_QUEUE_REMOVAL;
    event->queue_removal = NEW(story, QueueRemoval, ringback__v1__queue_removal);
    event->queue_removal->queue_id = story_text(story, queue);
    event->queue_removal->version = ++story->version;
    event->queue_removal->force = force;
    send_settings(story, event);
}

void story_remove_agent(struct story *story, const char *agent)
{
    PB(SettingsEvent) *event = NEW(story, SettingsEvent, ringback__v1__settings_event);

    event->event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_AGENT_REMOVAL;
    event->agent_removal = NEW(story, AgentRemoval, ringback__v1__agent_removal);
    event->agent_removal->agent_id = story_text(story, agent);
    event->agent_removal->version = ++story->version;
    send_settings(story, event);
}

void story_script(struct story *story, const char *script, bool callback_enabled)
{
    PB(SettingsEvent) *event = NEW(story, SettingsEvent, ringback__v1__settings_event);

    event->event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_SCRIPT;
    event->script = NEW(story, ScriptSettings, ringback__v1__script_settings);
    event->script->script_id = story_text(story, script);
    event->script->version = ++story->version;
    event->script->callback_enabled = callback_enabled;
    send_settings(story, event);
}

void story_domain(struct story *story, const char *country_code, bool inherit)
{
    PB(SettingsEvent) *event = NEW(story, SettingsEvent, ringback__v1__settings_event);

    event->event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_DOMAIN;
    event->domain = NEW(story, DomainSettings, ringback__v1__domain_settings);
    event->domain->version = ++story->version;
    event->domain->country_code = story_text(story, country_code);
    event->domain->inherit_routing_data = inherit;
    send_settings(story, event);
}

void story_zone(struct story *story, const char *zone, const struct story_offset *offsets,
                size_t count)
{
    PB(SettingsEvent) *event = NEW(story, SettingsEvent, ringback__v1__settings_event);
    PB(ZoneTable) *table = NEW(story, ZoneTable, ringback__v1__zone_table);

    event->event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_ZONE;
    event->zone = table;
    table->zone = story_text(story, zone);
    table->version = ++story->version;
    table->offsets = arena_alloc(&story->arena, (count + 1) * sizeof(*table->offsets));
    for (; table->n_offsets < count; table->n_offsets++) {
        PB(ZoneOffset) *offset = NEW(story, ZoneOffset, ringback__v1__zone_offset);

        offset->from_ms = STORY_START_MS + offsets[table->n_offsets].from_ms;
        offset->offset_s = offsets[table->n_offsets].offset_s;
        table->offsets[table->n_offsets] = offset;
    }
    send_settings(story, event);
}

void story_remove_zone(struct story *story, const char *zone)
{
    PB(SettingsEvent) *event = NEW(story, SettingsEvent, ringback__v1__settings_event);

    event->event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_ZONE_REMOVAL;
    event->zone_removal = NEW(story, ZoneRemoval, ringback__v1__zone_removal);
    event->zone_removal->zone = story_text(story, zone);
    event->zone_removal->version = ++story->version;
    send_settings(story, event);
}

/* --- presence --- */

static PB(PresenceEvent) * fact(struct story *story, const char *agent)
{
    PB(PresenceEvent) *event = NEW(story, PresenceEvent, ringback__v1__presence_event);

    event->id = next_id(story);
    event->agent_id = story_text(story, agent);
    event->version = ++story->version;
    event->change_ms = STORY_START_MS + story->now_ms;
    return event;
}

void story_presence(struct story *story, const char *agent, PB(Presence) presence)
{
    PB(PresenceEvent) *event = fact(story, agent);

    event->event_case = RINGBACK__V1__PRESENCE_EVENT__EVENT_PRESENCE;
    event->presence = NEW(story, PresenceChanged, ringback__v1__presence_changed);
    event->presence->presence = presence;
    story_send(story, INPUT_PRESENCE, &event->base);
}

void story_status(struct story *story, const char *agent, PB(RoutingStatus) status)
{
    PB(PresenceEvent) *event = fact(story, agent);

    event->event_case = RINGBACK__V1__PRESENCE_EVENT__EVENT_ROUTING_STATUS;
    event->routing_status = NEW(story, RoutingStatusChanged, ringback__v1__routing_status_changed);
    event->routing_status->status = status;
    story_send(story, INPUT_PRESENCE, &event->base);
}

void story_join(struct story *story, const char *agent, const char *queue)
{
    PB(PresenceEvent) *event = fact(story, agent);

    event->event_case = RINGBACK__V1__PRESENCE_EVENT__EVENT_JOINED_QUEUES;
    event->joined_queues = NEW(story, JoinedQueuesChanged, ringback__v1__joined_queues_changed);
    event->joined_queues->n_queue_ids = queue[0] == '\0' ? 0 : 1;
    event->joined_queues->queue_ids = arena_alloc(&story->arena, sizeof(char *));
    event->joined_queues->queue_ids[0] = story_text(story, queue);
    story_send(story, INPUT_PRESENCE, &event->base);
}

void story_joins(struct story *story, const char *agent, const char *queues)
{
    PB(PresenceEvent) *event = fact(story, agent);
    char *list = story_text(story, queues), *rest = NULL;

    event->event_case = RINGBACK__V1__PRESENCE_EVENT__EVENT_JOINED_QUEUES;
    event->joined_queues = NEW(story, JoinedQueuesChanged, ringback__v1__joined_queues_changed);
    event->joined_queues->queue_ids = arena_alloc(&story->arena, 32 * sizeof(char *));
    for (char *queue = strtok_r(list, " ", &rest); queue != NULL;
         queue = strtok_r(NULL, " ", &rest))
        event->joined_queues->queue_ids[event->joined_queues->n_queue_ids++] = queue;
    story_send(story, INPUT_PRESENCE, &event->base);
}

void story_ready(struct story *story, const char *agent, const char *queue)
{
    story_set_agent(story, story_agent(story, agent));
    story_presence(story, agent, RINGBACK__V1__PRESENCE__PRESENCE_ON_QUEUE);
    story_join(story, agent, queue);
    story_status(story, agent, RINGBACK__V1__ROUTING_STATUS__ROUTING_STATUS_IDLE);
}

/* --- interactions --- */

PB(InteractionEvent) * story_interaction(struct story *story, const char *interaction)
{
    PB(InteractionEvent) *event = NEW(story, InteractionEvent, ringback__v1__interaction_event);

    event->id = next_id(story);
    event->interaction = NEW(story, Interaction, ringback__v1__interaction);
    event->interaction->interaction_id = story_text(story, interaction);
    event->interaction->conversation_id = arena_format(&story->arena, "c-%s", interaction);
    event->interaction->media = RINGBACK__V1__MEDIA__MEDIA_VOICE;
    event->interaction->version = ++story->version;
    event->interaction->time_ms = STORY_START_MS + story->now_ms;
    return event;
}

void story_enter(struct story *story, const char *interaction, const char *queue)
{
    PB(InteractionEvent) *event = story_interaction(story, interaction);

    event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ENTERED;
    event->entered = NEW(story, InteractionEntered, ringback__v1__interaction_entered);
    event->entered->place = NEW(story, Place, ringback__v1__place);
    event->entered->place->queue_id = story_text(story, queue);
    event->entered->place->entry_ms = STORY_START_MS + story->now_ms;
    event->entered->ani = story_text(story, "+97235551234");
    story_send(story, INPUT_INTERACTIONS, &event->base);
}

void story_leave(struct story *story, const char *interaction, PB(LeftReason) reason)
{
    PB(InteractionEvent) *event = story_interaction(story, interaction);

    event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_LEFT;
    event->left = NEW(story, InteractionLeft, ringback__v1__interaction_left);
    event->left->reason = reason;
    story_send(story, INPUT_INTERACTIONS, &event->base);
}

void story_alert(struct story *story, const char *interaction, const char *agent)
{
    PB(InteractionEvent) *event = story_interaction(story, interaction);

    event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ALERTING;
    event->alerting = NEW(story, InteractionAlerting, ringback__v1__interaction_alerting);
    event->alerting->agent_id = story_text(story, agent);
    story_send(story, INPUT_INTERACTIONS, &event->base);
}

void story_connect(struct story *story, const char *interaction, const char *agent)
{
    PB(InteractionEvent) *event = story_interaction(story, interaction);

    event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_CONNECTED;
    event->connected = NEW(story, InteractionConnected, ringback__v1__interaction_connected);
    event->connected->agent_id = story_text(story, agent);
    story_send(story, INPUT_INTERACTIONS, &event->base);
}

void story_end_call(struct story *story, const char *interaction)
{
    PB(InteractionEvent) *event = story_interaction(story, interaction);

    event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ENDED;
    event->ended = NEW(story, InteractionEnded, ringback__v1__interaction_ended);
    story_send(story, INPUT_INTERACTIONS, &event->base);
}

void story_wrap_up(struct story *story, const char *interaction, const char *agent, bool started)
{
    PB(InteractionEvent) *event = story_interaction(story, interaction);

    if (started) {
        event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_WRAP_UP_STARTED;
        event->wrap_up_started = NEW(story, WrapUpStarted, ringback__v1__wrap_up_started);
        event->wrap_up_started->agent_id = story_text(story, agent);
    } else {
        event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_WRAP_UP_ENDED;
        event->wrap_up_ended = NEW(story, WrapUpEnded, ringback__v1__wrap_up_ended);
        event->wrap_up_ended->agent_id = story_text(story, agent);
    }
    story_send(story, INPUT_INTERACTIONS, &event->base);
}

static const PB(RoutingEvent) * last_routing(struct story *story, const char *type)
{
    for (size_t at = story->effects.count; at-- > 0;)
        if (strcmp(story->effects.items[at].type, type) == 0)
            return (const PB(RoutingEvent) *)story->effects.items[at].message;
    return NULL;
}

static PB(InteractionEvent) * of_attempt(struct story *story)
{
    PB(InteractionEvent) *event = NEW(story, InteractionEvent, ringback__v1__interaction_event);
    const PB(RoutingEvent) *place = last_routing(story, "routing.place_call");

    assert_true(place != NULL || story->attempt != NULL);
    event->id = next_id(story);
    event->attempt = NEW(story, Attempt, ringback__v1__attempt);
    event->attempt->attempt_id =
        story->attempt != NULL ? story_text(story, story->attempt) : place->place_call->attempt_id;
    event->attempt->version = ++story->version;
    event->attempt->time_ms = STORY_START_MS + story->now_ms;
    return event;
}

void story_ringing(struct story *story)
{
    PB(InteractionEvent) *event = of_attempt(story);

    event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_RINGING;
    event->attempt_ringing = NEW(story, AttemptRinging, ringback__v1__attempt_ringing);
    story_send(story, INPUT_INTERACTIONS, &event->base);
}

void story_attempt_held(struct story *story, bool held)
{
    PB(InteractionEvent) *event = of_attempt(story);

    event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_HELD;
    event->attempt_held = NEW(story, AttemptHeld, ringback__v1__attempt_held);
    event->attempt_held->held = held;
    story_send(story, INPUT_INTERACTIONS, &event->base);
}

void story_answered(struct story *story, PB(AnswerKind) kind)
{
    PB(InteractionEvent) *event = of_attempt(story);

    event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_ANSWERED;
    event->attempt_answered = NEW(story, AttemptAnswered, ringback__v1__attempt_answered);
    event->attempt_answered->kind = kind;
    story_send(story, INPUT_INTERACTIONS, &event->base);
}

void story_attempt_ended(struct story *story, PB(AttemptResult) result)
{
    PB(InteractionEvent) *event = of_attempt(story);

    event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_ENDED;
    event->attempt_ended = NEW(story, AttemptEnded, ringback__v1__attempt_ended);
    event->attempt_ended->result = result;
    story_send(story, INPUT_INTERACTIONS, &event->base);
}

void story_attempt_wrapped(struct story *story)
{
    PB(InteractionEvent) *event = of_attempt(story);

    event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_WRAP_UP_ENDED;
    event->attempt_wrap_up_ended =
        NEW(story, AttemptWrapUpEnded, ringback__v1__attempt_wrap_up_ended);
    story_send(story, INPUT_INTERACTIONS, &event->base);
}

void story_attempt_connected(struct story *story, const char *agent)
{
    PB(InteractionEvent) *event = of_attempt(story);

    event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_CONNECTED;
    event->attempt_connected = NEW(story, AttemptConnected, ringback__v1__attempt_connected);
    event->attempt_connected->agent_id = story_text(story, agent);
    story_send(story, INPUT_INTERACTIONS, &event->base);
}

void story_attempt_wrapped_by(struct story *story, const char *agent)
{
    PB(InteractionEvent) *event = of_attempt(story);

    event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_WRAP_UP_ENDED;
    event->attempt_wrap_up_ended =
        NEW(story, AttemptWrapUpEnded, ringback__v1__attempt_wrap_up_ended);
    event->attempt_wrap_up_ended->agent_id = story_text(story, agent);
    story_send(story, INPUT_INTERACTIONS, &event->base);
}

/* --- flows --- */

PB(CreateCallback) * story_create(struct story *story, const char *interaction, const char *queue)
{
    PB(CreateCallback) *create = NEW(story, CreateCallback, ringback__v1__create_callback);

    create->interaction_id = story_text(story, interaction);
    create->conversation_id = arena_format(&story->arena, "c-%s", interaction);
    create->flow_type = RINGBACK__V1__FLOW_TYPE__FLOW_TYPE_IN_QUEUE_CALL;
    create->queue_id = story_text(story, queue);
    create->facts = NEW(story, InteractionFacts, ringback__v1__interaction_facts);
    create->facts->ani = story_text(story, "+97235551234");
    return create;
}

void story_ask(struct story *story, const char *request, PB(CreateCallback) * create)
{
    PB(FlowEvent) *event = NEW(story, FlowEvent, ringback__v1__flow_event);

    event->id = story_text(story, request);
    event->event_case = RINGBACK__V1__FLOW_EVENT__EVENT_CREATE_CALLBACK;
    event->create_callback = create;
    story_send(story, INPUT_FLOWS, &event->base);
}

void story_flow(struct story *story, PB(FlowEvent) * event)
{
    if (event->id[0] == '\0')
        event->id = next_id(story);
    story_send(story, INPUT_FLOWS, &event->base);
}

/* --- commands --- */

PB(Command) *
    story_command(struct story *story, const char *request, const char *agent, const char *callback)
{
    PB(Command) *command = NEW(story, Command, ringback__v1__command);

    command->request_id = request == NULL ? next_id(story) : story_text(story, request);
    command->agent_id = story_text(story, agent);
    command->callback_id = story_text(story, callback);
    return command;
}

void story_accept(struct story *story, const char *agent)
{
    const PB(RoutingEvent) *offer = last_routing(story, "routing.offer");
    PB(Command) * command;

    assert_non_null(offer);
    command = story_command(story, NULL, agent, offer->callback_id);
    command->command_case = RINGBACK__V1__COMMAND__COMMAND_ACCEPT;
    command->accept = NEW(story, Accept, ringback__v1__accept);
    command->accept->offer_id = offer->offer->offer_id;
    story_send(story, INPUT_COMMANDS, &command->base);
}

void story_decline(struct story *story, const char *agent)
{
    const PB(RoutingEvent) *offer = last_routing(story, "routing.offer");
    PB(Command) * command;

    assert_non_null(offer);
    command = story_command(story, NULL, agent, offer->callback_id);
    command->command_case = RINGBACK__V1__COMMAND__COMMAND_DECLINE;
    command->decline = NEW(story, Decline, ringback__v1__decline);
    command->decline->offer_id = offer->offer->offer_id;
    story_send(story, INPUT_COMMANDS, &command->base);
}

void story_dial(struct story *story, const char *agent, const char *callback)
{
    PB(Command) *command = story_command(story, NULL, agent, callback);

    command->command_case = RINGBACK__V1__COMMAND__COMMAND_DIAL;
    command->dial = NEW(story, Dial, ringback__v1__dial);
    story_send(story, INPUT_COMMANDS, &command->base);
}

void story_end(struct story *story, const char *agent, const char *callback)
{
    PB(Command) *command = story_command(story, NULL, agent, callback);

    command->command_case = RINGBACK__V1__COMMAND__COMMAND_END;
    command->end = NEW(story, End, ringback__v1__end);
    story_send(story, INPUT_COMMANDS, &command->base);
}

void story_cancel(struct story *story, const char *callback)
{
    PB(Command) *command = story_command(story, NULL, "", callback);

    command->command_case = RINGBACK__V1__COMMAND__COMMAND_CANCEL;
    command->cancel = NEW(story, Cancel, ringback__v1__cancel);
    story_send(story, INPUT_COMMANDS, &command->base);
}

PB(Command) * story_schedule(struct story *story, const char *request, const char *agent,
                             const char *interaction, int64_t due_ms)
{
    PB(Command) *command = story_command(story, request, agent, "");

    command->command_case = RINGBACK__V1__COMMAND__COMMAND_SCHEDULE;
    command->schedule = NEW(story, Schedule, ringback__v1__schedule);
    command->schedule->interaction_id = story_text(story, interaction);
    command->schedule->due_ms = due_ms == 0 ? 0 : STORY_START_MS + due_ms;
    return command;
}

void story_do(struct story *story, const PB(Command) * command)
{
    story_send(story, INPUT_COMMANDS, &command->base);
}

/* --- what came out --- */

void story_now_on(struct story *story)
{
    story->seen = story->effects.count;
}

static const ProtobufCMessage *nth_of(struct story *story, const char *type, size_t nth)
{
    for (size_t at = story->seen; at < story->effects.count; at++)
        if (strcmp(story->effects.items[at].type, type) == 0 && nth-- == 0)
            return story->effects.items[at].message;
    return NULL;
}

const PB(RoutingEvent) * story_routing(struct story *story, const char *type, size_t nth)
{
    return (const PB(RoutingEvent) *)nth_of(story, type, nth);
}

const PB(AnalyticsEvent) * story_analytics(struct story *story, const char *type, size_t nth)
{
    return (const PB(AnalyticsEvent) *)nth_of(story, type, nth);
}

size_t story_count(struct story *story, const char *type)
{
    size_t count = 0;

    while (nth_of(story, type, count) != NULL)
        count++;
    return count;
}

const PB(Result) * story_result(struct story *story)
{
    for (size_t at = story->effects.count; at-- > story->seen;)
        if (story->effects.items[at].topic == TOPIC_RESULTS)
            return (const PB(Result) *)story->effects.items[at].message;
    fail_msg("no result");
    return NULL;
}

PB(Reason) story_reason(struct story *story)
{
    const PB(Result) *result = story_result(story);

    switch (result->answer_case) {
    case RINGBACK__V1__RESULT__ANSWER_CALLBACK_REFUSED: return result->callback_refused->reason;
    case RINGBACK__V1__RESULT__ANSWER_COMMAND_REFUSED: return result->command_refused->reason;
    case RINGBACK__V1__RESULT__ANSWER_SETTINGS_REFUSED: return result->settings_refused->reason;
    case RINGBACK__V1__RESULT__ANSWER_CALLBACK_ACCEPTED:
    case RINGBACK__V1__RESULT__ANSWER_COMMAND_ACCEPTED:
    case RINGBACK__V1__RESULT__ANSWER_SETTINGS_ACCEPTED: return REASON(UNSPECIFIED);
    case RINGBACK__V1__RESULT__ANSWER__NOT_SET:
    case _RINGBACK__V1__RESULT__ANSWER__CASE_IS_INT_SIZE: break;
    }
    fail_msg("a result without an answer");
    return REASON(UNSPECIFIED);
}

int64_t story_metric(struct story *story, PB(MetricName) name, const char *queue, size_t *count)
{
    int64_t sum = 0;
    size_t times = 0;

    for (size_t at = 0; nth_of(story, "analytics.metric", at) != NULL; at++) {
        const PB(AnalyticsEvent) *event =
            (const PB(AnalyticsEvent) *)nth_of(story, "analytics.metric", at);

        if (event->metric->name != name || strcmp(event->queue_id, queue) != 0)
            continue;
        sum += event->metric->value;
        times++;
    }
    if (count != NULL)
        *count = times;
    return sum;
}

static const PB(StateRecord) * entity(struct story *story, const char *kind, const char *id)
{
    return machine_entity(story->machine,
                          slice_text(arena_format(&story->arena, "%s|acme|%s", kind, id)),
                          &story->arena);
}

const PB(CallbackEntity) * story_callback(struct story *story, const char *callback)
{
    const PB(StateRecord) *record = entity(story, "callback", callback);

    if (record == NULL || record->callback->ended_ms != 0)
        return NULL;
    return record->callback;
}

PB(CallbackState) story_state(struct story *story, const char *callback)
{
    const PB(StateRecord) *record = entity(story, "callback", callback);

    return record == NULL ? RINGBACK__V1__CALLBACK_STATE__CALLBACK_STATE_UNSPECIFIED
                          : record->callback->state;
}

const PB(CountersEntity) * story_counters(struct story *story, const char *queue)
{
    const PB(StateRecord) *record = entity(story, "counters", queue);

    return record == NULL ? NULL : record->counters;
}

const char *story_offered_to(struct story *story)
{
    const PB(RoutingEvent) *offer = last_routing(story, "routing.offer");

    return offer == NULL ? "" : offer->offer->agent_id;
}

const char *story_made(struct story *story)
{
    for (size_t at = story->effects.count; at-- > 0;) {
        const PB(Result) *result = (const PB(Result) *)story->effects.items[at].message;

        if (story->effects.items[at].topic != TOPIC_RESULTS)
            continue;
        if (result->answer_case == RINGBACK__V1__RESULT__ANSWER_CALLBACK_ACCEPTED)
            return result->callback_accepted->callback_id;
        if (result->answer_case == RINGBACK__V1__RESULT__ANSWER_COMMAND_ACCEPTED)
            return result->command_accepted->callback_id;
    }
    fail_msg("no callback was made");
    return "";
}

/* --- prepared, to change before sending --- */

PB(InteractionEvent) *
    story_entered(struct story *story, const char *interaction, const char *queue)
{
    PB(InteractionEvent) *event = story_interaction(story, interaction);

    event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ENTERED;
    event->entered = NEW(story, InteractionEntered, ringback__v1__interaction_entered);
    event->entered->place = NEW(story, Place, ringback__v1__place);
    event->entered->place->queue_id = story_text(story, queue);
    event->entered->place->entry_ms = STORY_START_MS + story->now_ms;
    event->entered->ani = story_text(story, "+97235551234");
    return event;
}

void story_tell(struct story *story, const PB(InteractionEvent) * event)
{
    story_send(story, INPUT_INTERACTIONS, &event->base);
}

/* The words of a text; *count of them. */
static char **words(struct story *story, const char *value, size_t *count)
{
    char **list = arena_alloc(&story->arena, 32 * sizeof(*list));
    char *copy = story_text(story, value), *rest = NULL;

    *count = 0;
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        assert_true(*count < 32);
        list[(*count)++] = word;
    }
    return list;
}

PB(RoutingData) *
    story_needs(struct story *story, int32_t priority, const char *skills, const char *language)
{
    PB(RoutingData) *routing = NEW(story, RoutingData, ringback__v1__routing_data);

    routing->priority = priority;
    routing->skills = words(story, skills, &routing->n_skills);
    routing->language = story_text(story, language);
    return routing;
}

void story_call_data(struct story *story, const char *interaction, const char *caller_id,
                     const char *caller_name)
{
    PB(FlowEvent) *event = NEW(story, FlowEvent, ringback__v1__flow_event);

    event->event_case = RINGBACK__V1__FLOW_EVENT__EVENT_CALL_DATA;
    event->call_data = NEW(story, CallData, ringback__v1__call_data);
    event->call_data->interaction_id = story_text(story, interaction);
    event->call_data->caller_id = story_text(story, caller_id);
    event->call_data->caller_name = story_text(story, caller_name);
    story_flow(story, event);
}

void story_flow_entered(struct story *story, const char *interaction, PB(FlowType) type)
{
    PB(FlowEvent) *event = NEW(story, FlowEvent, ringback__v1__flow_event);

    event->event_case = RINGBACK__V1__FLOW_EVENT__EVENT_FLOW_ENTERED;
    event->flow_entered = NEW(story, FlowEntered, ringback__v1__flow_entered);
    event->flow_entered->interaction_id = story_text(story, interaction);
    event->flow_entered->flow_type = type;
    story_flow(story, event);
}

const PB(CallEntity) * story_call(struct story *story, const char *interaction)
{
    const PB(StateRecord) *record = entity(story, "call", interaction);

    return record == NULL ? NULL : record->call;
}

void story_ready_with(struct story *story, const char *agent, const char *queue, const char *skills,
                      const char *languages)
{
    PB(AgentSettings) *settings = story_agent(story, agent);

    settings->skills = words(story, skills, &settings->n_skills);
    settings->languages = words(story, languages, &settings->n_languages);
    story_set_agent(story, settings);
    story_presence(story, agent, RINGBACK__V1__PRESENCE__PRESENCE_ON_QUEUE);
    story_join(story, agent, queue);
    story_status(story, agent, RINGBACK__V1__ROUTING_STATUS__ROUTING_STATUS_IDLE);
}
