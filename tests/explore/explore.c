/* Every reachable state of a small world: two queues, two agents, three callbacks of different
 * kinds and one live call, told to the real core in every order of a bounded number of events and
 * wakes.
 *
 *   explore [--states N] [--depth D]      prints JSON; exit code 1: an invariant does not hold
 *   explore --plant place|agent|count      breaks a saved state: so one sees that it is seen
 *
 * From each root (a state that a short script leads to) all sequences of actions up to a depth are
 * tried, deeper and deeper, until N states were seen. A state is told by a hash of all entities,
 * without what only counts (versions, ids of offers and attempts, answers, sums) and with the
 * clock; one seen before is followed again only if more steps are left now. At every state: the
 * machine's own invariants (state/check.c); no agent in two offers or with two callbacks beyond his
 * capacity, no callback with an agent that it should not have or without one that it should (5.6);
 * places change only by what may change them (1.6); whoever lives has a deadline (12.6); counts
 * reconcile (10.5); saved and loaded it is the same bytes. */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/memory.h"
#include "state/internal.h"

enum { CALLBACKS = 3, AGENTS = 2, STEPS_MAX = 40, DEPTH_MAX = 16, ENTITIES_MAX = 200 };

#define START_MS INT64_C(1000000000000)

static const char *const agents[AGENTS] = {"anna", "ben"};
static char agents_text[AGENTS][8] = {"anna", "ben"};
/* The interactions that the callbacks come from; "live" is the call beside them. */
static const char *const calls[CALLBACKS] = {"i-asks", "i-anna", "i-ben"};

/* --- actions --- */

#define ACTION_MAP(X)                                                                              \
    X(WAKE, 1, "the next deadline passes")                                                         \
    X(ASK, 1, "the caller asks for a callback")                                                    \
    X(LIVE_ENTER, 1, "a call enters sales")                                                        \
    X(LIVE_LEAVE, 1, "it leaves")                                                                  \
    X(LIVE_CONNECT, AGENTS, "it is with an agent")                                                 \
    X(LIVE_END, 1, "it is over")                                                                   \
    X(IDLE, AGENTS, "an agent is idle")                                                            \
    X(INTERACTING, AGENTS, "an agent is interacting")                                              \
    X(NOT_RESPONDING, AGENTS, "an agent does not respond")                                         \
    X(OFFLINE, AGENTS, "an agent goes offline")                                                    \
    X(ON_QUEUE, AGENTS, "an agent is On Queue")                                                    \
    X(JOIN_NONE, AGENTS, "an agent leaves the queues")                                             \
    X(JOIN_ALL, AGENTS, "an agent joins both queues")                                              \
    X(ACCEPT, CALLBACKS, "its agent accepts")                                                      \
    X(ACCEPT_OTHER, CALLBACKS, "anna accepts an offer that is gone")                               \
    X(DECLINE, CALLBACKS, "its agent declines")                                                    \
    X(DIAL, CALLBACKS, "its agent, or anna, dials")                                                \
    X(END, CALLBACKS, "its agent, or anna, ends it")                                               \
    X(TRANSFER_QUEUE, CALLBACKS, "its agent, or anna, hands it to support")                        \
    X(TRANSFER_AGENT, CALLBACKS, "its agent, or anna, hands it to ben")                            \
    X(SNOOZE, CALLBACKS, "its agent, or anna, snoozes it")                                         \
    X(CANCEL, CALLBACKS, "a supervisor cancels it")                                                \
    X(RESCHEDULE, CALLBACKS, "its agent, or a supervisor, gives it another time")                  \
    X(REASSIGN, CALLBACKS, "a supervisor moves it to support")                                     \
    X(RINGING, CALLBACKS, "its call rings")                                                        \
    X(ANSWERED, CALLBACKS, "a person answers")                                                     \
    X(MACHINE, CALLBACKS, "a machine answers")                                                     \
    X(CONNECTED, CALLBACKS, "its call is with anna")                                               \
    X(NO_ANSWER, CALLBACKS, "nobody answers")                                                      \
    X(DEAD, CALLBACKS, "the number is dead")                                                       \
    X(HUNG_UP, CALLBACKS, "the call is over")                                                      \
    X(HELD, CALLBACKS, "its customer is on hold")                                                  \
    X(WRAPPED_UP, CALLBACKS, "wrap-up is over")                                                    \
    X(REMOVE_AGENT, 1, "ben is removed")                                                           \
    X(REMOVE_QUEUE, 1, "sales is removed by force")                                                \
    X(BLOCK, 1, "the customer's number is blocked")                                                \
    X(NUMBERS, 1, "one callback per number; who gets through himself is not called")               \
    X(ASK_AGAIN, 1, "a caller of the same number asks for one")                                    \
    X(CHANGE, 1, "sales dials and ends by itself, retries nothing, and lets callbacks expire")

#define ACTION_ENUM_(name, targets, text) ACTION_##name,
enum action_kind { ACTION_MAP(ACTION_ENUM_) ACTION_COUNT };
#undef ACTION_ENUM_

static const struct {
    const char *name;
    int targets;
    const char *text;
} kinds[] = {
#define ACTION_ROW_(name, targets, text) {#name, targets, text},
    ACTION_MAP(ACTION_ROW_)
#undef ACTION_ROW_
};

struct action {
    enum action_kind kind;
    int target;
};

/* --- the world at one point --- */

/* A state saved: entities as they go to `state`. */
struct saved {
    struct arena arena;
    struct change entities[ENTITIES_MAX];
    size_t count;
    int64_t now_ms;
};

struct world {
    struct machine_options options;
    struct machine *machine;
    struct arena effects_arena;
    struct effects effects;
    struct arena scratch; /* messages; reset at each action */
    int64_t now_ms;
    struct action path[STEPS_MAX + DEPTH_MAX];
    int path_count;
};

static struct world world;
static struct saved frames[DEPTH_MAX + 1];
static bool taken[CELL_EVENTS_MAX][CELL_STATES_MAX];
static struct {
    uint64_t states, transitions, again, checks;
    uint64_t states_max;
    int depth;       /* of this round */
    int depth_done;  /* rounds that were finished */
    uint64_t *table; /* hash without its low 4 bits, and the steps left */
    uint64_t room;   /* a power of two */
    int64_t began_ms;
    bool full;
    const char *planted; /* NULL: nothing */
} run;

static void broken(const char *what)
{
    fprintf(stderr, "\nthe invariant does not hold: %s\nafter:\n", what);
    for (int at = 0; at < world.path_count; at++)
        fprintf(stderr, "  %s%s%s\n", kinds[world.path[at].kind].text,
                kinds[world.path[at].kind].targets == CALLBACKS ? ", callback " : " ",
                kinds[world.path[at].kind].targets == CALLBACKS ? calls[world.path[at].target]
                : kinds[world.path[at].kind].targets == AGENTS  ? agents[world.path[at].target]
                                                                : "");
    exit(1);
}

/* --- telling the machine --- */

static void send(enum input input, const ProtobufCMessage *message)
{
    static int64_t offset;
    struct input_event event = {
        .input = input,
        .offset = offset++,
        .timestamp_ms = world.now_ms,
        .topic = "explore",
        .domain = slice_text("acme"),
        .event = message,
    };
    Ringback__V1__UndecidedReason why;
    struct err_note note;

    if (machine_event(world.machine, &event, world.now_ms, &world.effects, &why, &note) != ERR_OK)
        broken(note.text);
}

#define NEW(Type, prefix)                                                                          \
    __extension__({                                                                                \
        PB(Type) *new_ = arena_alloc(&world.scratch, sizeof(*new_));                               \
        prefix##__init(new_);                                                                      \
        new_;                                                                                      \
    })

static char *text(const char *value)
{
    return arena_text(&world.scratch, slice_text(value));
}

/* Unique along a path, and equal on paths of equal length: so that equal states hash equal. */
static char *next_id(void)
{
    static int number;

    return arena_format(&world.scratch, "e-%d-%d", world.path_count, number++ % 1000000);
}

/* Above all versions that came before on the path. */
static uint64_t next_version(void)
{
    static uint64_t version = 1000;

    return ++version;
}

static void send_setting(PB(SettingsEvent) * event)
{
    event->id = next_id();
    send(INPUT_SETTINGS, &event->base);
}

/* changed: sales as ACTION_CHANGE has it. */
static void set_queue(const char *id, bool changed)
{
    PB(SettingsEvent) *event = NEW(SettingsEvent, ringback__v1__settings_event);
    PB(QueueSettings) *queue = NEW(QueueSettings, ringback__v1__queue_settings);

    event->event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_QUEUE;
    event->queue = queue;
    queue->queue_id = text(id);
    queue->version = next_version();
    queue->agent_owned = NEW(AgentOwned, ringback__v1__agent_owned);
    queue->agent_owned->enabled = true;
    queue->agent_owned->duration_s = 3600;
    queue->agent_owned->assign_to_queue = true;
    queue->n_rings = 1;
    queue->rings = arena_alloc(&world.scratch, sizeof(*queue->rings));
    queue->rings[0] = NEW(Ring, ringback__v1__ring);
    queue->rings[0]->any = true;
    if (strcmp(id, "support") == 0) {
        queue->dial_mode = RINGBACK__V1__DIAL_MODE__DIAL_MODE_CUSTOMER_FIRST;
        queue->customer_first = NEW(CustomerFirst, ringback__v1__customer_first);
        queue->customer_first->max_retries = 1;
        queue->customer_first->reserve_agent = true;
    } else if (changed) {
        queue->agent_owned->assign_to_queue = false;
        queue->expire_after_s = 3600;
        queue->auto_dial = NEW(AutoDial, ringback__v1__auto_dial);
        queue->auto_dial->delay_s = 60;
        queue->auto_end = NEW(AutoEnd, ringback__v1__auto_end);
        queue->auto_end->delay_s = 60;
    } else {
        queue->agent_first_retries = 1;
        queue->agent_first_retry_delay_s = 7200; /* beyond the end of ownership */
    }
    send_setting(event);
}

static void set_agent(int agent)
{
    PB(SettingsEvent) *event = NEW(SettingsEvent, ringback__v1__settings_event);

    event->event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_AGENT;
    event->agent = NEW(AgentSettings, ringback__v1__agent_settings);
    event->agent->agent_id = text(agents[agent]);
    event->agent->version = next_version();
    send_setting(event);
}

static PB(PresenceEvent) * fact(int agent)
{
    PB(PresenceEvent) *event = NEW(PresenceEvent, ringback__v1__presence_event);

    event->id = next_id();
    event->agent_id = text(agents[agent]);
    event->version = next_version();
    event->change_ms = world.now_ms;
    return event;
}

static void tell_status(int agent, PB(RoutingStatus) status)
{
    PB(PresenceEvent) *event = fact(agent);

    event->event_case = RINGBACK__V1__PRESENCE_EVENT__EVENT_ROUTING_STATUS;
    event->routing_status = NEW(RoutingStatusChanged, ringback__v1__routing_status_changed);
    event->routing_status->status = status;
    send(INPUT_PRESENCE, &event->base);
}

static void tell_presence(int agent, PB(Presence) presence)
{
    PB(PresenceEvent) *event = fact(agent);

    event->event_case = RINGBACK__V1__PRESENCE_EVENT__EVENT_PRESENCE;
    event->presence = NEW(PresenceChanged, ringback__v1__presence_changed);
    event->presence->presence = presence;
    send(INPUT_PRESENCE, &event->base);
}

static void tell_joined(int agent, bool all)
{
    PB(PresenceEvent) *event = fact(agent);

    event->event_case = RINGBACK__V1__PRESENCE_EVENT__EVENT_JOINED_QUEUES;
    event->joined_queues = NEW(JoinedQueuesChanged, ringback__v1__joined_queues_changed);
    event->joined_queues->queue_ids = arena_alloc(&world.scratch, 2 * sizeof(char *));
    event->joined_queues->queue_ids[0] = text("sales");
    event->joined_queues->queue_ids[1] = text("support");
    event->joined_queues->n_queue_ids = all ? 2 : 0;
    send(INPUT_PRESENCE, &event->base);
}

static PB(InteractionEvent) * interaction(const char *id)
{
    PB(InteractionEvent) *event = NEW(InteractionEvent, ringback__v1__interaction_event);

    event->id = next_id();
    event->interaction = NEW(Interaction, ringback__v1__interaction);
    event->interaction->interaction_id = text(id);
    event->interaction->conversation_id = arena_format(&world.scratch, "c-%s", id);
    event->interaction->media = RINGBACK__V1__MEDIA__MEDIA_VOICE;
    event->interaction->version = next_version();
    event->interaction->time_ms = world.now_ms;
    return event;
}

static void tell_entered(const char *id)
{
    PB(InteractionEvent) *event = interaction(id);

    event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ENTERED;
    event->entered = NEW(InteractionEntered, ringback__v1__interaction_entered);
    event->entered->place = NEW(Place, ringback__v1__place);
    event->entered->place->queue_id = text("sales");
    event->entered->place->entry_ms = world.now_ms;
    event->entered->ani = text("+493012345");
    send(INPUT_INTERACTIONS, &event->base);
}

static void tell_left(const char *id)
{
    PB(InteractionEvent) *event = interaction(id);

    event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_LEFT;
    event->left = NEW(InteractionLeft, ringback__v1__interaction_left);
    event->left->reason = RINGBACK__V1__LEFT_REASON__LEFT_REASON_FLOW_OUT;
    send(INPUT_INTERACTIONS, &event->base);
}

static void tell_connected(const char *id, int agent)
{
    PB(InteractionEvent) *event = interaction(id);

    event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_CONNECTED;
    event->connected = NEW(InteractionConnected, ringback__v1__interaction_connected);
    event->connected->agent_id = text(agents[agent]);
    send(INPUT_INTERACTIONS, &event->base);
}

static void tell_ended(const char *id)
{
    PB(InteractionEvent) *event = interaction(id);

    event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ENDED;
    event->ended = NEW(InteractionEnded, ringback__v1__interaction_ended);
    send(INPUT_INTERACTIONS, &event->base);
}

static void ask(const char *id, const char *call)
{
    PB(FlowEvent) *event = NEW(FlowEvent, ringback__v1__flow_event);
    PB(CreateCallback) *create = NEW(CreateCallback, ringback__v1__create_callback);

    event->id = text(id);
    event->event_case = RINGBACK__V1__FLOW_EVENT__EVENT_CREATE_CALLBACK;
    event->create_callback = create;
    create->interaction_id = text(call);
    create->conversation_id = text("c-asks");
    create->flow_type = RINGBACK__V1__FLOW_TYPE__FLOW_TYPE_IN_QUEUE_CALL;
    create->queue_id = text("sales");
    create->facts = NEW(InteractionFacts, ringback__v1__interaction_facts);
    create->facts->ani = text("+493012345");
    create->facts->place = NEW(Place, ringback__v1__place);
    create->facts->place->queue_id = text("sales");
    create->facts->place->entry_ms = world.now_ms;
    create->facts->routing = NEW(RoutingData, ringback__v1__routing_data);
    create->facts->routing->scores = arena_alloc(&world.scratch, sizeof(void *));
    create->facts->routing->scores[0] = NEW(AgentScore, ringback__v1__agent_score);
    create->facts->routing->scores[0]->agent_id = text("anna");
    create->facts->routing->scores[0]->score = 90;
    create->facts->routing->n_scores = 1;
    send(INPUT_FLOWS, &event->base);
}

static void schedule(int agent, const char *call, int64_t due_ms, bool own)
{
    PB(Command) *command = NEW(Command, ringback__v1__command);

    command->request_id = arena_format(&world.scratch, "schedule-%s", call);
    command->agent_id = text(agents[agent]);
    command->command_case = RINGBACK__V1__COMMAND__COMMAND_SCHEDULE;
    command->schedule = NEW(Schedule, ringback__v1__schedule);
    command->schedule->interaction_id = text(call);
    command->schedule->due_ms = world.now_ms + due_ms;
    command->schedule->take_ownership = own;
    command->schedule->route_to_me = !own;
    send(INPUT_COMMANDS, &command->base);
}

/* --- the callbacks --- */

/* The callback of that call that lives, 0: none. */
static uint32_t callback_of(int target)
{
    struct machine *m = world.machine;
    size_t cursor = 0;
    uint32_t handle;

    while ((handle = table_next(&m->tables[KIND_CALLBACK], &cursor)) != 0) {
        char buffer[IDENT_TEXT_BYTES];
        struct slice from = ident_text(&m->texts, &callback_at(m, handle)->interaction, buffer);

        if (slice_equal(from, slice_text(calls[target])))
            return handle;
    }
    return 0;
}

static char *id_text(const struct ident *ident)
{
    char buffer[IDENT_TEXT_BYTES];

    return arena_text(&world.scratch, ident_text(&world.machine->texts, ident, buffer));
}

static char *agent_text(uint32_t agent)
{
    struct machine *m = world.machine;

    return agent == 0 ? text("anna")
                      : arena_text(&world.scratch, text_at(&m->texts, agent_at(m, agent)->id));
}

static bool held(const struct callback *cb)
{
    return cb->head.state >= STATE(WITH_AGENT) && cb->head.state <= STATE(WRAP_UP);
}

static PB(Command) * command_about(uint32_t handle, bool by_agent)
{
    PB(Command) *command = NEW(Command, ringback__v1__command);
    const struct callback *cb = callback_at(world.machine, handle);

    command->request_id = next_id();
    command->callback_id = id_text(&cb->id);
    if (by_agent)
        command->agent_id = agent_text(cb->agent);
    return command;
}

static char *offer_text(uint32_t handle, bool gone)
{
    const struct callback *cb = callback_at(world.machine, handle);

    return gone || cb->active == 0 ? text("00000000-0000-0000-0000-000000000000")
                                   : id_text(&active_at(world.machine, cb->active)->offer);
}

static void tell_command(enum action_kind kind, uint32_t handle)
{
    PB(Command) *command = command_about(
        handle, kind != ACTION_CANCEL && kind != ACTION_REASSIGN &&
                    (kind != ACTION_RESCHEDULE || held(callback_at(world.machine, handle))));

    if (kind == ACTION_ACCEPT || kind == ACTION_ACCEPT_OTHER) {
        command->command_case = RINGBACK__V1__COMMAND__COMMAND_ACCEPT;
        command->accept = NEW(Accept, ringback__v1__accept);
        command->accept->offer_id = offer_text(handle, kind == ACTION_ACCEPT_OTHER);
    } else if (kind == ACTION_DECLINE) {
        command->command_case = RINGBACK__V1__COMMAND__COMMAND_DECLINE;
        command->decline = NEW(Decline, ringback__v1__decline);
        command->decline->offer_id = offer_text(handle, false);
    } else if (kind == ACTION_DIAL) {
        command->command_case = RINGBACK__V1__COMMAND__COMMAND_DIAL;
        command->dial = NEW(Dial, ringback__v1__dial);
    } else if (kind == ACTION_END) {
        command->command_case = RINGBACK__V1__COMMAND__COMMAND_END;
        command->end = NEW(End, ringback__v1__end);
    } else if (kind == ACTION_TRANSFER_QUEUE || kind == ACTION_TRANSFER_AGENT) {
        command->command_case = RINGBACK__V1__COMMAND__COMMAND_TRANSFER;
        command->transfer = NEW(Transfer, ringback__v1__transfer);
        if (kind == ACTION_TRANSFER_QUEUE)
            command->transfer->queue_id = text("support");
        else
            command->transfer->to_agent_id = text("ben");
    } else if (kind == ACTION_SNOOZE) {
        command->command_case = RINGBACK__V1__COMMAND__COMMAND_SNOOZE;
        command->snooze = NEW(Snooze, ringback__v1__snooze);
        command->snooze->minutes = 90;
    } else if (kind == ACTION_CANCEL) {
        command->command_case = RINGBACK__V1__COMMAND__COMMAND_CANCEL;
        command->cancel = NEW(Cancel, ringback__v1__cancel);
    } else if (kind == ACTION_RESCHEDULE) {
        command->command_case = RINGBACK__V1__COMMAND__COMMAND_RESCHEDULE;
        command->reschedule = NEW(Reschedule, ringback__v1__reschedule);
        command->reschedule->due_ms = world.now_ms + 1200000;
    } else {
        command->command_case = RINGBACK__V1__COMMAND__COMMAND_REASSIGN;
        command->reassign = NEW(Reassign, ringback__v1__reassign);
        command->reassign->queue_id = text("support");
    }
    send(INPUT_COMMANDS, &command->base);
}

/* False: it was never dialled. */
static bool tell_attempt(enum action_kind kind, uint32_t handle)
{
    const struct callback *cb = callback_at(world.machine, handle);
    const struct active *active = cb->active == 0 ? NULL : active_at(world.machine, cb->active);
    PB(InteractionEvent) * event;

    if (active == NULL || active->placed_ms == 0)
        return false;
    event = NEW(InteractionEvent, ringback__v1__interaction_event);
    event->id = next_id();
    event->attempt = NEW(Attempt, ringback__v1__attempt);
    event->attempt->attempt_id = id_text(&active->attempt);
    event->attempt->version = next_version();
    event->attempt->time_ms = world.now_ms;
    if (kind == ACTION_RINGING) {
        event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_RINGING;
        event->attempt_ringing = NEW(AttemptRinging, ringback__v1__attempt_ringing);
    } else if (kind == ACTION_ANSWERED || kind == ACTION_MACHINE) {
        event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_ANSWERED;
        event->attempt_answered = NEW(AttemptAnswered, ringback__v1__attempt_answered);
        event->attempt_answered->kind = kind == ACTION_ANSWERED
                                            ? RINGBACK__V1__ANSWER_KIND__ANSWER_KIND_PERSON
                                            : RINGBACK__V1__ANSWER_KIND__ANSWER_KIND_MACHINE;
    } else if (kind == ACTION_CONNECTED) {
        event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_CONNECTED;
        event->attempt_connected = NEW(AttemptConnected, ringback__v1__attempt_connected);
        event->attempt_connected->agent_id = text("anna");
    } else if (kind == ACTION_HELD) {
        event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_HELD;
        event->attempt_held = NEW(AttemptHeld, ringback__v1__attempt_held);
        event->attempt_held->held = true;
    } else if (kind == ACTION_WRAPPED_UP) {
        event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_WRAP_UP_ENDED;
        event->attempt_wrap_up_ended = NEW(AttemptWrapUpEnded, ringback__v1__attempt_wrap_up_ended);
        event->attempt_wrap_up_ended->agent_id = agent_text(cb->agent);
    } else {
        event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_ENDED;
        event->attempt_ended = NEW(AttemptEnded, ringback__v1__attempt_ended);
        event->attempt_ended->result =
            kind == ACTION_NO_ANSWER ? RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_NO_ANSWER
            : kind == ACTION_DEAD    ? RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_DEAD
                                     : RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_HUNG_UP;
    }
    send(INPUT_INTERACTIONS, &event->base);
    return true;
}

static void tell_removal(bool queue)
{
    PB(SettingsEvent) *event = NEW(SettingsEvent, ringback__v1__settings_event);

    if (queue) {
        event->event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_QUEUE_REMOVAL;
        event->queue_removal = NEW(QueueRemoval, ringback__v1__queue_removal);
        event->queue_removal->queue_id = text("sales");
        event->queue_removal->version = next_version();
        event->queue_removal->force = true;
    } else {
        event->event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_AGENT_REMOVAL;
        event->agent_removal = NEW(AgentRemoval, ringback__v1__agent_removal);
        event->agent_removal->agent_id = text("ben");
        event->agent_removal->version = next_version();
    }
    send_setting(event);
}

static void tell_blocked(void)
{
    PB(SettingsEvent) *event = NEW(SettingsEvent, ringback__v1__settings_event);
    PB(DomainSettings) *domain = NEW(DomainSettings, ringback__v1__domain_settings);

    event->event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_DOMAIN;
    event->domain = domain;
    domain->version = next_version();
    domain->n_blocked_numbers = 1;
    domain->blocked_numbers = arena_alloc(&world.scratch, sizeof(*domain->blocked_numbers));
    domain->blocked_numbers[0] = NEW(BlockedNumber, ringback__v1__blocked_number);
    domain->blocked_numbers[0]->number = text("+493012345");
    send_setting(event);
}

static void tell_numbers(void)
{
    PB(SettingsEvent) *event = NEW(SettingsEvent, ringback__v1__settings_event);
    PB(DomainSettings) *domain = NEW(DomainSettings, ringback__v1__domain_settings);

    event->event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_DOMAIN;
    event->domain = domain;
    domain->version = next_version();
    domain->duplicate_number = RINGBACK__V1__DUPLICATE_NUMBER__DUPLICATE_NUMBER_REPLACE;
    domain->on_customer_contact = RINGBACK__V1__CUSTOMER_CONTACT__CUSTOMER_CONTACT_TAKE_OVER;
    send_setting(event);
}

/* --- one action --- */

static void end_batch(void)
{
    struct change *changes;
    size_t count;

    machine_changes(world.machine, &world.scratch, &changes, &count);
    machine_batch_end(world.machine);
}

static bool wake(void)
{
    struct timer_limits limits = {INT64_MAX, INT64_MAX, INT64_MAX};
    int64_t due;

    if (!machine_timer_next(world.machine, &limits, &due))
        return false;
    if (due > world.now_ms)
        world.now_ms = due;
    limits.before_ms = due + 1;
    machine_timer_fire(world.machine, &limits, world.now_ms, &world.effects);
    return true;
}

static bool is_live(void)
{
    return entity_find(world.machine, KIND_CALL, 1, slice_text("live")) != 0;
}

static bool is_attempt(enum action_kind kind)
{
    return kind >= ACTION_RINGING && kind <= ACTION_WRAPPED_UP;
}

/* False: it cannot happen here. */
static bool act(struct action action)
{
    int who = action.target;
    uint32_t handle = 0;

    arena_reset(&world.scratch);
    arena_reset(&world.effects_arena);
    effects_init(&world.effects, &world.effects_arena);
    if (kinds[action.kind].targets == CALLBACKS) {
        handle = callback_of(who);
        if (handle == 0)
            return false;
        if (is_attempt(action.kind))
            return tell_attempt(action.kind, handle);
        tell_command(action.kind, handle);
        return true;
    }
    switch (action.kind) {
    case ACTION_WAKE: return wake();
    case ACTION_ASK: ask("asks", calls[0]); return true;
    case ACTION_ASK_AGAIN: ask("asks-again", "i-again"); return true;
    case ACTION_NUMBERS: tell_numbers(); return true;
    case ACTION_LIVE_ENTER: tell_entered("live"); return true;
    case ACTION_LIVE_LEAVE: tell_left("live"); return is_live();
    case ACTION_LIVE_CONNECT: tell_connected("live", who); return is_live();
    case ACTION_LIVE_END: tell_ended("live"); return is_live();
    case ACTION_IDLE:
        world.now_ms++; /* later than the call that made him busy (5.2) */
        tell_status(who, STATUS(IDLE));
        return true;
    case ACTION_INTERACTING: tell_status(who, STATUS(INTERACTING)); return true;
    case ACTION_NOT_RESPONDING: tell_status(who, STATUS(NOT_RESPONDING)); return true;
    case ACTION_OFFLINE: tell_presence(who, PRESENCE(OFFLINE)); return true;
    case ACTION_ON_QUEUE: tell_presence(who, PRESENCE(ON_QUEUE)); return true;
    case ACTION_JOIN_NONE: tell_joined(who, false); return true;
    case ACTION_JOIN_ALL: tell_joined(who, true); return true;
    case ACTION_REMOVE_AGENT: tell_removal(false); return true;
    case ACTION_REMOVE_QUEUE: tell_removal(true); return true;
    case ACTION_BLOCK: tell_blocked(); return true;
    case ACTION_CHANGE: set_queue("sales", true); return true;
    case ACTION_ACCEPT:
    case ACTION_ACCEPT_OTHER:
    case ACTION_DECLINE:
    case ACTION_DIAL:
    case ACTION_END:
    case ACTION_TRANSFER_QUEUE:
    case ACTION_TRANSFER_AGENT:
    case ACTION_SNOOZE:
    case ACTION_CANCEL:
    case ACTION_RESCHEDULE:
    case ACTION_REASSIGN:
    case ACTION_RINGING:
    case ACTION_ANSWERED:
    case ACTION_MACHINE:
    case ACTION_CONNECTED:
    case ACTION_NO_ANSWER:
    case ACTION_DEAD:
    case ACTION_HUNG_UP:
    case ACTION_HELD:
    case ACTION_WRAPPED_UP:
    case ACTION_COUNT: break;
    }
    abort();
}

/* --- saving, loading, telling states apart --- */

static void note_cells(void)
{
    const bool *from = &world.machine->taken[0][0];
    bool *to = &taken[0][0];

    for (size_t at = 0; at < sizeof(taken); at++)
        to[at] |= from[at];
}

static int compare_entities(const void *a, const void *b)
{
    return slice_compare(((const struct change *)a)->key, ((const struct change *)b)->key);
}

static void save(struct saved *saved)
{
    struct machine_cursor cursor = {0};

    arena_reset(&saved->arena);
    saved->count = 0;
    saved->now_ms = world.now_ms;
    while (machine_next(world.machine, &cursor, &saved->arena, &saved->entities[saved->count])) {
        if (++saved->count == ENTITIES_MAX)
            broken("more entities than this program has room for");
    }
    qsort(saved->entities, saved->count, sizeof(*saved->entities), compare_entities);
}

static void load(const struct saved *saved)
{
    struct err_note note;

    if (world.machine != NULL)
        note_cells();
    machine_destroy(world.machine);
    world.machine = machine_create(&world.options);
    for (size_t at = 0; at < saved->count; at++) {
        if (machine_load(world.machine, saved->entities[at].key, saved->entities[at].value,
                         &note) != ERR_OK)
            broken(note.text);
    }
    machine_ready(world.machine);
    if (machine_loaded(world.machine, &note) != ERR_OK)
        broken(note.text);
    world.now_ms = saved->now_ms;
}

static bool starts(struct slice key, const char *kind)
{
    return key.size > strlen(kind) && memcmp(key.data, kind, strlen(kind)) == 0;
}

/* What only counts, or names one thing in another way, is not part of a state. The record is the
 * saved one: what is blanked is put back. */
static uint64_t hash_entity(const struct change *change, uint64_t seed)
{
    static uint8_t bytes[65536];
    union {
        const PB(StateRecord) * in;
        PB(StateRecord) * out;
    } cast = {.in = change->value};
    PB(StateRecord) record = *cast.out;
    PB(AgentEntity) agent;
    PB(CallEntity) call;
    PB(CallbackEntity) cb;
    PB(OfferEntity) offer;
    PB(HoldEntity) hold;
    PB(AttemptEntity) attempt;
    char none[] = "", some[] = "a";
    size_t size;

    record.version = 0;
    if (starts(change->key, "agent|")) {
        agent = *record.agent;
        agent.presence_version = agent.status_version = agent.queues_version = 0;
        agent.settings = NULL;
        if (agent.attempt_id[0] != '\0')
            agent.attempt_id = some;
        record.agent = &agent;
    } else if (starts(change->key, "call|")) {
        call = *record.call;
        call.switch_version = 0;
        record.call = &call;
    } else if (starts(change->key, "callback|")) {
        cb = *record.callback;
        cb.talk_ms = 0;
        if (cb.offer != NULL) {
            offer = *cb.offer;
            offer.offer_id = none;
            offer.status_version = 0;
            cb.offer = &offer;
        }
        if (cb.hold != NULL) {
            hold = *cb.hold;
            hold.offer_id = none;
            hold.active_ms = 0;
            cb.hold = &hold;
        }
        if (cb.attempt != NULL) {
            attempt = *cb.attempt;
            attempt.attempt_id = none;
            attempt.switch_version = 0;
            attempt.talk_ms = 0;
            cb.attempt = &attempt;
        }
        record.callback = &cb;
    }
    size = protobuf_c_message_get_packed_size(&record.base);
    if (size > sizeof(bytes))
        broken("an entity is larger than this program has room for");
    protobuf_c_message_pack(&record.base, bytes);
    seed = XXH3_64bits_withSeed(change->key.data, change->key.size, seed);
    return XXH3_64bits_withSeed(bytes, size, seed);
}

static uint64_t hash_saved(const struct saved *saved)
{
    uint64_t hash = (uint64_t)saved->now_ms;

    for (size_t at = 0; at < saved->count; at++) {
        struct slice key = saved->entities[at].key;

        if (!starts(key, "answer|") && !starts(key, "counters|"))
            hash = hash_entity(&saved->entities[at], hash);
    }
    return hash;
}

/* Steps left at that state when it was last followed, -1: it is new. Remembers that left is now. */
static int visit(uint64_t hash, int left)
{
    uint64_t tag = hash & ~(uint64_t)15, mask = run.room - 1;
    uint64_t at = (hash >> 4) & mask;

    if (tag == 0)
        tag = 16;
    while (run.table[at] != 0 && (run.table[at] & ~(uint64_t)15) != tag)
        at = (at + 1) & mask;
    if (run.table[at] == 0) {
        run.table[at] = tag | (uint64_t)left;
        return -1;
    }
    if ((int)(run.table[at] & 15) < left) {
        int before = (int)(run.table[at] & 15);

        run.table[at] = tag | (uint64_t)left;
        return before;
    }
    return left;
}

/* --- invariants --- */

/* Two dumps are the same bytes. */
static bool same(const struct saved *a, const struct saved *b)
{
    static uint8_t left[65536], right[65536];

    if (a->count != b->count)
        return false;
    for (size_t at = 0; at < a->count; at++) {
        size_t size = protobuf_c_message_get_packed_size(&a->entities[at].value->base);

        if (!slice_equal(a->entities[at].key, b->entities[at].key) || size > sizeof(left) ||
            protobuf_c_message_get_packed_size(&b->entities[at].value->base) != size)
            return false;
        protobuf_c_message_pack(&a->entities[at].value->base, left);
        protobuf_c_message_pack(&b->entities[at].value->base, right);
        if (memcmp(left, right, size) != 0)
            return false;
    }
    return true;
}

/* The customer is called first: nobody has it, or the switch's line does (7.1). */
static bool is_first(const PB(CallbackEntity) * cb)
{
    return cb->attempt != NULL && cb->attempt->customer_first &&
           (cb->state == STATE(DIALLING) || cb->state == STATE(TALKING));
}

static void check_agents(const struct saved *saved)
{
    for (int agent = 0; agent < AGENTS; agent++) {
        int offers = 0, held_count = 0;

        for (size_t at = 0; at < saved->count; at++) {
            const PB(CallbackEntity) * cb;

            if (!starts(saved->entities[at].key, "callback|"))
                continue;
            cb = saved->entities[at].value->callback;
            if (strcmp(cb->agent_id, agents[agent]) != 0)
                continue;
            offers += cb->state == STATE(OFFERED);
            held_count +=
                cb->state >= STATE(WITH_AGENT) && cb->state <= STATE(WRAP_UP) && !is_first(cb);
        }
        if (offers > 1)
            broken("an agent in two offers (5.6)");
        /* A call handed over to him may be one too many (6.6); an offer beside it may not. */
        if (offers > 0 && offers + held_count > 1)
            broken("an offer to an agent who has what he may have (5.2)");
    }
}

static void check_callback_entity(const PB(CallbackEntity) * cb)
{
    bool is_held = cb->state >= STATE(WITH_AGENT) && cb->state <= STATE(WRAP_UP);
    bool alerts = cb->state == STATE(OFFERED);

    if (cb->ended_ms != 0 || cb->state == STATE(ENDED) || is_first(cb))
        return;
    if ((cb->agent_id[0] != '\0') != (is_held || alerts))
        broken("a callback with an agent that it should not have, or without one (5.6)");
    if ((cb->offer != NULL) != alerts && !is_held)
        broken("an offer without alerting, or alerting without an offer (5.5)");
    if (cb->owner_agent_id[0] != '\0' && cb->state != STATE(SCHEDULED) && cb->owner_end_ms == 0)
        broken("an owner without an end of ownership (3.4)");
    if (cb->state != STATE(SCHEDULED) && cb->place->entry_ms == 0)
        broken("in line without a place (1.6)");
}

static void check_counts(const struct saved *saved)
{
    for (size_t at = 0; at < saved->count; at++) {
        const PB(CountersEntity) * counters;
        const PB(StayCounts) * stays;
        struct slice queue;
        uint64_t waiting = 0;

        if (!starts(saved->entities[at].key, "counters|"))
            continue;
        counters = saved->entities[at].value->counters;
        stays = counters->callbacks;
        queue = slice_make(saved->entities[at].key.data + strlen("counters|acme|"),
                           saved->entities[at].key.size - strlen("counters|acme|"));
        for (size_t other = 0; other < saved->count; other++) {
            const struct change *entity = &saved->entities[other];

            if (starts(entity->key, "callback|") && entity->value->callback->ended_ms == 0 &&
                entity->value->callback->place != NULL &&
                slice_equal(slice_text(entity->value->callback->place->queue_id), queue))
                waiting += entity->value->callback->stay_ms != 0;
        }
        if (stays != NULL &&
            stays->offered != stays->answered + stays->abandoned + stays->flow_out + waiting)
            broken("the counts of callbacks do not reconcile (10.5)");
    }
}

static const PB(CallbackEntity) * find_callback(const struct saved *saved, struct slice key)
{
    for (size_t at = 0; at < saved->count; at++) {
        if (slice_equal(saved->entities[at].key, key))
            return saved->entities[at].value->callback;
    }
    return NULL;
}

/* What may give another place: another time or queue, due, and coming into line as owned or not. */
static bool moves(enum action_kind kind)
{
    return kind == ACTION_RESCHEDULE || kind == ACTION_REASSIGN || kind == ACTION_TRANSFER_QUEUE ||
           kind == ACTION_TRANSFER_AGENT;
}

static void check_places(const struct saved *before, const struct saved *after,
                         struct action action)
{
    for (size_t at = 0; at < after->count; at++) {
        const PB(CallbackEntity) * was, *is;

        if (!starts(after->entities[at].key, "callback|"))
            continue;
        is = after->entities[at].value->callback;
        was = find_callback(before, after->entities[at].key);
        if (was == NULL || is->ended_ms != 0 || moves(action.kind))
            continue;
        if (was->place->entry_ms != 0 && (was->place->entry_ms != is->place->entry_ms ||
                                          strcmp(was->place->queue_id, is->place->queue_id) != 0 ||
                                          strcmp(was->place->tie_break, is->place->tie_break) != 0))
            broken("a place jumps (1.6)");
        if (was->place->entry_ms == 0 && is->place->entry_ms != 0 &&
            is->place->entry_ms != was->due_ms)
            broken("comes into line at another place than its due time (2.8)");
    }
}

static void check_state(const struct saved *saved)
{
    static struct saved again;
    static bool made;
    const char *what = machine_broken(world.machine, &world.scratch);

    if (!made)
        arena_init(&again.arena);
    made = true;
    run.checks++;
    if (what != NULL)
        broken(what);
    check_agents(saved);
    for (size_t at = 0; at < saved->count; at++) {
        if (starts(saved->entities[at].key, "callback|"))
            check_callback_entity(saved->entities[at].value->callback);
    }
    check_counts(saved);
    if (machine_callbacks(world.machine) > 0 && machine_due(world.machine) == INT64_MAX)
        broken("callbacks live and nothing wakes them (12.6)");
    load(saved);
    save(&again);
    if (!same(saved, &again))
        broken("saved and loaded it is another state");
}

/* --- what is broken on purpose --- */

static void plant(const char *what, struct saved *saved)
{
    for (size_t at = 0; at < saved->count; at++) {
        struct change *entity = &saved->entities[at];
        union {
            const PB(StateRecord) * in;
            PB(StateRecord) * out;
        } record = {.in = entity->value};

        if (starts(entity->key, "counters|") && strcmp(what, "count") == 0 &&
            record.out->counters->callbacks != NULL) {
            record.out->counters->callbacks->offered++;
            return;
        }
        if (!starts(entity->key, "callback|") || record.out->callback->ended_ms != 0)
            continue;
        if (strcmp(what, "place") == 0 && record.out->callback->place->entry_ms != 0)
            record.out->callback->place->entry_ms++;
        if (strcmp(what, "agent") == 0 && record.out->callback->state == STATE(WAITING))
            record.out->callback->agent_id = agents_text[0];
    }
}

/* --- the search --- */

static void progress(bool end)
{
    static int64_t last_ms;
    int64_t now_ms = clock_monotonic_ms();

    if (!end && now_ms - last_ms < 1000)
        return;
    last_ms = now_ms;
    fprintf(stderr, "\rdepth %d: %" PRIu64 " states, %" PRIu64 " transitions, %" PRId64 " s%s",
            run.depth, run.states, run.transitions, (now_ms - run.began_ms) / 1000,
            end ? "\n" : " ");
}

/* Follows everything from frames[level], with so many steps left. */
static void follow(int level, int left)
{
    const struct saved *from = &frames[level];
    struct saved *to = &frames[level + 1];

    for (int kind = 0; kind < ACTION_COUNT; kind++) {
        for (int target = 0; target < kinds[kind].targets && !run.full; target++) {
            struct action action = {(enum action_kind)kind, target};
            int before;

            load(from);
            world.path[world.path_count++] = action;
            if (!act(action)) {
                world.path_count--;
                continue;
            }
            run.transitions++;
            end_batch();
            save(to);
            if (run.planted != NULL && run.states > 100)
                plant(run.planted, to);
            before = visit(hash_saved(to), left - 1);
            if (before < 0) {
                check_places(from, to, action);
                check_state(to);
                run.full = ++run.states >= run.states_max;
                if (run.states % 1000 == 0)
                    progress(false);
            } else {
                run.again++;
            }
            if (before < left - 1 && left > 1)
                follow(level + 1, left - 1);
            world.path_count--;
        }
    }
}

/* --- the roots --- */

struct root {
    const char *name;
    struct action script[STEPS_MAX];
    int count;
};

#define DO(kind)                                                                                   \
    {                                                                                              \
        ACTION_##kind, 0                                                                           \
    }
#define TO(kind, who)                                                                              \
    {                                                                                              \
        ACTION_##kind, who                                                                         \
    }

static const struct root roots[] = {
    {"nobody there yet", {DO(OFFLINE)}, 0},
    {"one waits", {DO(ASK)}, 1},
    {"one is offered", {TO(ON_QUEUE, 0), TO(IDLE, 0), DO(ASK)}, 3},
    {"one is with an agent", {TO(ON_QUEUE, 0), TO(IDLE, 0), DO(ASK), DO(ACCEPT)}, 4},
    {"one is dialled", {TO(ON_QUEUE, 0), TO(IDLE, 0), DO(ASK), DO(ACCEPT), DO(DIAL)}, 5},
    {"one talks", {TO(ON_QUEUE, 0), TO(IDLE, 0), DO(ASK), DO(ACCEPT), DO(DIAL), DO(ANSWERED)}, 6},
    {"one is wrapped up",
     {TO(ON_QUEUE, 0), TO(IDLE, 0), DO(ASK), DO(ACCEPT), DO(DIAL), DO(ANSWERED), DO(HUNG_UP)},
     7},
    {"one waits for its retry",
     {TO(ON_QUEUE, 0), TO(IDLE, 0), DO(ASK), DO(ACCEPT), DO(DIAL), DO(NO_ANSWER)},
     6},
    {"one is snoozed", {DO(ASK), DO(SNOOZE)}, 2},
    {"called first", {DO(ASK), DO(REASSIGN), TO(ON_QUEUE, 0), TO(IDLE, 0)}, 4},
    {"called first and answered",
     {DO(ASK), DO(REASSIGN), TO(ON_QUEUE, 0), TO(IDLE, 0), DO(ANSWERED)},
     5},
    {"called first and with an agent",
     {DO(ASK), DO(REASSIGN), TO(ON_QUEUE, 0), TO(IDLE, 0), DO(ANSWERED), DO(CONNECTED)},
     6},
    {"called first and delayed",
     {DO(ASK), DO(REASSIGN), TO(ON_QUEUE, 0), TO(IDLE, 0), DO(NO_ANSWER)},
     5},
    {"all are due, two are offered",
     {DO(WAKE), DO(WAKE), DO(ASK), TO(ON_QUEUE, 0), TO(IDLE, 0), TO(ON_QUEUE, 1), TO(IDLE, 1)},
     7},
    {"the owner has his",
     {TO(CANCEL, 1), DO(WAKE), TO(ON_QUEUE, 1), TO(IDLE, 1), TO(ACCEPT, 2)},
     5},
    {"the owner's hour is over soon", {TO(CANCEL, 1), DO(WAKE), DO(WAKE), DO(WAKE)}, 4},
    {"his is delayed",
     {TO(CANCEL, 1), DO(WAKE), TO(ON_QUEUE, 1), TO(IDLE, 1), TO(ACCEPT, 2), TO(DIAL, 2),
      TO(NO_ANSWER, 2)},
     7},
    {"his is delayed until his hour is over",
     {TO(CANCEL, 1), DO(WAKE), TO(ON_QUEUE, 1), TO(IDLE, 1), TO(ACCEPT, 2), TO(DIAL, 2),
      TO(NO_ANSWER, 2), DO(WAKE), DO(WAKE)},
     9},
    {"owned and called first",
     {TO(CANCEL, 1), TO(REASSIGN, 2), DO(WAKE), TO(ON_QUEUE, 1), TO(IDLE, 1), TO(ANSWERED, 2)},
     6},
    {"changed, one waits", {DO(CHANGE), DO(ASK)}, 2},
    {"changed, one is with an agent",
     {DO(CHANGE), TO(ON_QUEUE, 0), TO(IDLE, 0), DO(ASK), DO(ACCEPT)},
     5},
    {"changed, one is unanswered",
     {DO(CHANGE), TO(ON_QUEUE, 0), TO(IDLE, 0), DO(ASK), DO(ACCEPT), DO(DIAL), DO(NO_ANSWER)},
     7},
    {"changed, one is wrapped up",
     {DO(CHANGE), TO(ON_QUEUE, 0), TO(IDLE, 0), DO(ASK), DO(ACCEPT), DO(DIAL), DO(ANSWERED),
      DO(HUNG_UP)},
     8},
    {"changed, one is snoozed", {DO(ASK), DO(SNOOZE), DO(CHANGE)}, 3},
    {"changed, one is delayed",
     {TO(ON_QUEUE, 0), TO(IDLE, 0), DO(ASK), DO(ACCEPT), DO(DIAL), DO(NO_ANSWER), DO(CHANGE)},
     7},
    {"changed, one expires while it is snoozed",
     {TO(CANCEL, 1), TO(CANCEL, 2), DO(ASK), DO(SNOOZE), DO(CHANGE), DO(WAKE), DO(WAKE)},
     7},
    {"changed, one expires while it is delayed",
     {TO(CANCEL, 1), TO(CANCEL, 2), TO(ON_QUEUE, 0), TO(IDLE, 0), DO(ASK), DO(ACCEPT), DO(DIAL),
      DO(NO_ANSWER), DO(CHANGE), DO(WAKE), DO(WAKE)},
     11},
    {"a talk of which nothing is heard",
     {TO(ON_QUEUE, 0), TO(IDLE, 0), DO(ASK), DO(ACCEPT), DO(DIAL), DO(ANSWERED), DO(WAKE), DO(WAKE),
      DO(WAKE), DO(WAKE), DO(WAKE)},
     11},
    {"a call waits before one", {DO(LIVE_ENTER), DO(ASK), TO(ON_QUEUE, 0)}, 3},
    {"by number, one waits and its customer talks",
     {DO(NUMBERS), DO(ASK), DO(LIVE_ENTER), TO(LIVE_CONNECT, 1)},
     4},
    {"by number, one is snoozed and its customer talks",
     {DO(NUMBERS), DO(ASK), DO(SNOOZE), DO(LIVE_ENTER), TO(LIVE_CONNECT, 1)},
     5},
    {"by number, one is offered and its customer talks",
     {DO(NUMBERS), TO(ON_QUEUE, 0), TO(IDLE, 0), DO(ASK), DO(LIVE_ENTER), TO(LIVE_CONNECT, 1)},
     6},
    {"by number, one is with an agent and its customer talks",
     {DO(NUMBERS), TO(ON_QUEUE, 0), TO(IDLE, 0), DO(ASK), DO(ACCEPT), DO(LIVE_ENTER),
      TO(LIVE_CONNECT, 1)},
     7},
    {"by number, one is dialled and its customer talks",
     {DO(NUMBERS), TO(ON_QUEUE, 0), TO(IDLE, 0), DO(ASK), DO(ACCEPT), DO(DIAL), DO(LIVE_ENTER),
      TO(LIVE_CONNECT, 1)},
     8},
    {"by number, one is delayed and its customer talks",
     {DO(NUMBERS), TO(ON_QUEUE, 0), TO(IDLE, 0), DO(ASK), DO(ACCEPT), DO(DIAL), DO(NO_ANSWER),
      DO(LIVE_ENTER), TO(LIVE_CONNECT, 1)},
     9},
};

enum { root_count = sizeof(roots) / sizeof(roots[0]) };

/* anna and ben each scheduled one in a call: his is owned, hers comes back to her first. Both are
 * joined to both queues and off queue. */
static void begin(void)
{
    if (world.machine != NULL)
        note_cells();
    machine_destroy(world.machine);
    world.machine = machine_create(&world.options);
    machine_ready(world.machine);
    world.now_ms = START_MS;
    world.path_count = 0;
    arena_reset(&world.effects_arena);
    effects_init(&world.effects, &world.effects_arena);
    set_queue("sales", false);
    set_queue("support", false);
    for (int agent = 0; agent < AGENTS; agent++) {
        const char *call = calls[1 + agent];

        set_agent(agent);
        tell_joined(agent, true);
        tell_presence(agent, PRESENCE(AVAILABLE));
        tell_entered(call);
        tell_connected(call, agent);
        schedule(agent, call, agent == 0 ? 1200000 : 1800000, agent == 1);
        tell_ended(call);
        if (callback_of(1 + agent) == 0)
            broken("the beginning schedules no callback");
    }
    end_batch();
}

static void play(const struct root *root)
{
    begin();
    for (int at = 0; at < root->count; at++) {
        world.path[world.path_count++] = root->script[at];
        if (!act(root->script[at]))
            broken("a root's script cannot be played");
        end_batch();
    }
    save(&frames[0]);
    if (visit(hash_saved(&frames[0]), run.depth) < 0)
        run.states++;
    check_state(&frames[0]);
}

static void print_cells(void)
{
    const char *comma = "";

    printf("  \"cells\": [");
    for (int event = 0; event < CB_EVENT_COUNT; event++) {
        for (int state = STATE(SCHEDULED); state < STATE(ENDED); state++) {
            char what = callback_table_cell((enum callback_event)event, (PB(CallbackState))state);

            printf("%s\n    {\"event\": %d, \"state\": %d, \"does\": \"%c\", \"taken\": %s}", comma,
                   event, state, what, taken[event][state] ? "true" : "false");
            comma = ",";
        }
    }
    printf("\n  ]\n");
}

static void search(int depth_max)
{
    for (run.depth = 1; run.depth <= depth_max && !run.full; run.depth++) {
        for (int at = 0; at < root_count && !run.full; at++) {
            play(&roots[at]);
            follow(0, run.depth);
        }
        if (!run.full)
            run.depth_done = run.depth;
        progress(true);
    }
}

int main(int argc, char **argv)
{
    int depth_max = DEPTH_MAX - 1;

    run.states_max = 10000000;
    for (int at = 1; at + 1 < argc; at += 2) {
        if (strcmp(argv[at], "--states") == 0)
            run.states_max = strtoull(argv[at + 1], NULL, 10);
        else if (strcmp(argv[at], "--depth") == 0)
            depth_max = (int)strtol(argv[at + 1], NULL, 10);
        else if (strcmp(argv[at], "--plant") == 0)
            run.planted = argv[at + 1];
    }
    if (depth_max >= DEPTH_MAX)
        depth_max = DEPTH_MAX - 1;
    for (run.room = 1024; run.room < 3 * run.states_max; run.room *= 2)
        ;
    run.table = memory_zalloc(run.room * sizeof(*run.table), "the table of states");
    machine_options_default(&world.options);
    arena_init(&world.scratch);
    arena_init(&world.effects_arena);
    for (int at = 0; at <= DEPTH_MAX; at++)
        arena_init(&frames[at].arena);
    /* A machine is made for every step: its memory is not given back to the system in between. */
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 30);
    (void)mallopt(M_TRIM_THRESHOLD, 1 << 30);
    run.began_ms = clock_monotonic_ms();
    search(depth_max);
    note_cells();
    printf("{\n  \"states\": %" PRIu64 ",\n  \"transitions\": %" PRIu64
           ",\n  \"seen_again\": %" PRIu64
           ",\n  \"roots\": %d,\n  \"depth_complete\": %d,\n  \"seconds\": %" PRId64 ",\n",
           run.states, run.transitions, run.again, root_count, run.depth_done,
           (clock_monotonic_ms() - run.began_ms) / 1000);
    print_cells();
    printf("}\n");
    return 0;
}
