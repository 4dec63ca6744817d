#include "tests/support/history.h"

#include <string.h>

#include "state/internal.h"

#define NEW(history, Type, prefix)                                                                 \
    __extension__({                                                                                \
        PB(Type) *new_ = arena_alloc(&(history)->arena, sizeof(*new_));                            \
        prefix##__init(new_);                                                                      \
        new_;                                                                                      \
    })

#define FORMAT(history, ...) arena_format(&(history)->arena, __VA_ARGS__)

static uint64_t below(struct history *history, uint64_t bound)
{
    return chance_below(&history->chance, bound);
}

static bool once_in(struct history *history, uint64_t times)
{
    return below(history, times) == 0;
}

void history_init(struct history *history, uint64_t seed)
{
    *history = (struct history){.chance = {.seed = seed, .state = seed},
                                .domains = 2,
                                .queues = 3,
                                .agents = 5,
                                .odd = true,
                                .repeat_ms = INT64_MAX,
                                .now_ms = INT64_C(1700000000000)};
    arena_init(&history->arena);
}

void history_deinit(struct history *history)
{
    arena_deinit(&history->arena);
}

/* --- values --- */

static int64_t odd_time(struct history *history, int64_t usual)
{
    static const int64_t odd[] = {INT64_MAX, INT64_MIN, 0, -1, 1};

    if (history->odd && once_in(history, 400))
        return odd[below(history, 5)];
    return usual;
}

static uint64_t version(struct history *history)
{
    if (history->odd && once_in(history, 4000))
        return UINT64_MAX;
    if (once_in(history, 20))
        return history->number > 40 ? history->number - below(history, 40) : 0;
    return history->number;
}

static char *odd_id(struct history *history, char *usual)
{
    char *text;

    if (!history->odd || !once_in(history, 500))
        return usual;
    switch (below(history, 4)) {
    case 0: return FORMAT(history, "%s", "");
    case 1: return FORMAT(history, "%s", "no id\n");
    case 2: return FORMAT(history, "a%u", (unsigned)below(history, 100000));
    default: break;
    }
    text = arena_zalloc(&history->arena, 130);
    memset(text, 'x', below(history, 2) == 0 ? 128 : 129);
    return text;
}

/* Of an event or a request: odd or not, no other has it (events.md). */
static char *own_id(struct history *history, char kind)
{
    char *usual = FORMAT(history, "%c-%llu", kind, (unsigned long long)history->number);
    char *id = odd_id(history, usual);
    int size = (int)strlen(id), own = (int)strlen(usual);

    return size < 128 ? id : FORMAT(history, "%.*s%s", size - own, id, usual);
}

static char *queue_id(struct history *history)
{
    return odd_id(history, FORMAT(history, "q%u", (unsigned)below(history, history->queues)));
}

static char *agent_id(struct history *history)
{
    return odd_id(history, FORMAT(history, "a%u", (unsigned)below(history, history->agents)));
}

/* One of the calls that are new about now; every third one's id is a UUID. */
static char *call_id(struct history *history)
{
    unsigned number = (unsigned)(history->number / 14 + below(history, 10));

    if (number % 3 == 0)
        return odd_id(history, FORMAT(history, "%08x-1111-4222-8333-444455556666", number));
    return odd_id(history, FORMAT(history, "i%u", number));
}

static char *number_text(struct history *history)
{
    static const char *const texts[] = {"+97235551234", "03-555 1234",       "",       "12",
                                        "anonymous",    "tel:+1(555)0100.9", "0035512"};

    return FORMAT(history, "%s", texts[below(history, below(history, 4) == 0 ? 7 : 1)]);
}

static int32_t priority(struct history *history)
{
    static const int32_t odd[] = {25000000, -25000000, 25000001, INT32_MIN};

    if (history->odd && once_in(history, 100))
        return odd[below(history, 4)];
    return once_in(history, 3) ? (int32_t)below(history, 11) - 5 : 0;
}

/* Up to two of four skills. */
static size_t skills(struct history *history, char ***names, size_t most)
{
    size_t count = below(history, most + 1);

    *names = arena_alloc(&history->arena, (most + 1) * sizeof(**names));
    for (size_t at = 0; at < count; at++)
        (*names)[at] = FORMAT(history, "s%u", (unsigned)below(history, 4));
    return count;
}

static PB(RoutingData) * routing(struct history *history)
{
    PB(RoutingData) *data = NEW(history, RoutingData, ringback__v1__routing_data);

    if (once_in(history, 2))
        return NULL;
    data->priority = priority(history);
    if (once_in(history, 3))
        data->n_skills = skills(history, &data->skills, 2);
    if (once_in(history, 4))
        data->language = FORMAT(history, "l%u", (unsigned)below(history, 2));
    data->n_scores = below(history, 3);
    data->scores = arena_alloc(&history->arena, 3 * sizeof(*data->scores));
    for (size_t at = 0; at < data->n_scores; at++) {
        data->scores[at] = NEW(history, AgentScore, ringback__v1__agent_score);
        data->scores[at]->agent_id = agent_id(history);
        data->scores[at]->score = (uint32_t)below(history, 101);
    }
    return data;
}

static PB(Place) * place(struct history *history)
{
    PB(Place) *made = NEW(history, Place, ringback__v1__place);

    made->queue_id = queue_id(history);
    made->entry_ms =
        odd_time(history, history->now_ms - (int64_t)below(history, 20) * 10 * SECOND_MS);
    if (once_in(history, 4))
        made->tie_break = odd_id(history, FORMAT(history, "t%u", (unsigned)below(history, 5)));
    return made;
}

/* --- what was heard --- */

static const struct history_fact *recent(struct history *history, const struct history_ring *ring)
{
    size_t window = ring->count < 6 ? ring->count : 6;

    if (once_in(history, 12))
        window = ring->count < HISTORY_RING ? ring->count : HISTORY_RING;
    if (window == 0)
        return NULL;
    return &ring->facts[(ring->count - 1 - below(history, window)) % HISTORY_RING];
}

static void hear(struct history *history, struct history_ring *ring, struct slice domain,
                 const char *callback, const char *agent, const char *id)
{
    ring->facts[ring->count++ % HISTORY_RING] =
        (struct history_fact){arena_text(&history->arena, domain), FORMAT(history, "%s", callback),
                              FORMAT(history, "%s", agent), FORMAT(history, "%s", id)};
}

void history_hear(struct history *history, const struct effects *effects, size_t first)
{
    for (size_t at = first; at < effects->count; at++) {
        const struct effect *effect = &effects->items[at];
        const PB(RoutingEvent) *event = (const PB(RoutingEvent) *)effect->message;

        if (strcmp(effect->type, "analytics.session_started") == 0)
            hear(history, &history->callbacks, effect->domain,
                 ((const PB(AnalyticsEvent) *)effect->message)->callback_id, "", "");
        if (effect->topic != TOPIC_ROUTING)
            continue;
        if (event->event_case == RINGBACK__V1__ROUTING_EVENT__EVENT_OFFER)
            hear(history, &history->offers, effect->domain, event->callback_id,
                 event->offer->agent_id, event->offer->offer_id);
        if (event->event_case == RINGBACK__V1__ROUTING_EVENT__EVENT_PLACE_CALL)
            hear(history, &history->attempts, effect->domain, event->callback_id,
                 event->place_call->agent_id, event->place_call->attempt_id);
        if (event->event_case == RINGBACK__V1__ROUTING_EVENT__EVENT_CALLBACK_ASSIGNED)
            hear(history, &history->callbacks, effect->domain, event->callback_id,
                 event->callback_assigned->agent_id, "");
    }
}

/* --- settings --- */

static void fill_rings(struct history *history, PB(QueueSettings) * made)
{
    made->n_rings = 1 + below(history, 3);
    made->rings = arena_alloc(&history->arena, 3 * sizeof(*made->rings));
    for (size_t at = 0; at < made->n_rings; at++) {
        made->rings[at] = NEW(history, Ring, ringback__v1__ring);
        made->rings[at]->threshold = (uint32_t)below(history, 101);
        made->rings[at]->any = once_in(history, 4);
        made->rings[at]->wait_ms = once_in(history, 3) ? 0 : 2000 + (uint32_t)below(history, 9000);
    }
}

static PB(CustomerFirst) * customer_first(struct history *history)
{
    PB(CustomerFirst) *made = NEW(history, CustomerFirst, ringback__v1__customer_first);

    made->pacing_hundredths = once_in(history, 2) ? 0 : 100 + (uint32_t)below(history, 901);
    made->reserve_agent = once_in(history, 2);
    made->live_voice = once_in(history, 3) ? (PB(AnswerReaction))below(history, 4) : 0;
    made->answering_machine = (PB(AnswerReaction))below(history, 4);
    made->flow_id = FORMAT(history, "%s", once_in(history, 20) && history->odd ? "" : "goodbye");
    made->max_retries = (uint32_t)below(history, 3);
    made->retry_delay_s = once_in(history, 2) ? 60 : 0;
    if (once_in(history, 2))
        made->site_id = FORMAT(history, "site");
    return made;
}

/* Open for most of each hour, the whole week (12.3). */
static PB(Window) * window(struct history *history)
{
    PB(Window) *made = NEW(history, Window, ringback__v1__window);
    uint32_t from = (uint32_t)below(history, 20), to = from + 1 + (uint32_t)below(history, 40);

    made->zone = FORMAT(history, "z%u", (unsigned)below(history, 2)); /* refused if there is none */
    made->n_hours = 7 * 24;
    made->hours = arena_alloc(&history->arena, made->n_hours * sizeof(*made->hours));
    for (uint32_t at = 0; at < 7 * 24; at++) {
        made->hours[at] = NEW(history, OpenHours, ringback__v1__open_hours);
        made->hours[at]->weekday = at / 24 + 1;
        made->hours[at]->from_minute = at % 24 * 60 + from;
        made->hours[at]->to_minute = at % 24 * 60 + to;
    }
    return made;
}

static PB(QueueSettings) * queue_settings(struct history *history, unsigned queue)
{
    PB(QueueSettings) *made = NEW(history, QueueSettings, ringback__v1__queue_settings);

    made->queue_id = FORMAT(history, "q%u", queue);
    made->version = version(history);
    made->ranking = once_in(history, 4) ? RINGBACK__V1__RANKING__RANKING_PRIORITY_ONLY : 0;
    made->alerting_timeout_s = once_in(history, 2) ? 0 : 7 + (uint32_t)below(history, 20);
    made->ring_timeout_s = once_in(history, 2) ? 0 : 10 + (uint32_t)below(history, 20);
    made->auto_answer = once_in(history, 3);
    made->agent_first_retries = once_in(history, 2) ? 0 : (uint32_t)below(history, 3);
    made->agent_first_retry_delay_s = once_in(history, 2) ? 0 : 60;
    made->inherit_routing_data = (PB(Toggle))below(history, 3);
    made->allow_queue_selection = once_in(history, 2);
    made->ani = FORMAT(history, "+1%u", 5550000 + (unsigned)below(history, 3));
    if (once_in(history, 3)) {
        made->auto_dial = NEW(history, AutoDial, ringback__v1__auto_dial);
        made->auto_dial->delay_s = (uint32_t)below(history, 20);
    }
    if (once_in(history, 3)) {
        made->auto_end = NEW(history, AutoEnd, ringback__v1__auto_end);
        made->auto_end->delay_s = (uint32_t)below(history, 20);
    }
    if (once_in(history, 2)) {
        made->agent_owned = NEW(history, AgentOwned, ringback__v1__agent_owned);
        made->agent_owned->enabled = !once_in(history, 4);
        made->agent_owned->duration_s = once_in(history, 2) ? 3600 : 0;
        made->agent_owned->assign_to_queue = once_in(history, 2);
    }
    if (!once_in(history, 4))
        fill_rings(history, made);
    if (once_in(history, 3))
        made->dial_mode = RINGBACK__V1__DIAL_MODE__DIAL_MODE_CUSTOMER_FIRST;
    if (once_in(history, 2))
        made->customer_first = customer_first(history);
    made->last_agent = (PB(LastAgent))below(history, 4);
    made->accepting = once_in(history, 8) ? RINGBACK__V1__TOGGLE__TOGGLE_OFF : 0;
    made->serving = once_in(history, 6) ? RINGBACK__V1__TOGGLE__TOGGLE_OFF : 0;
    if (once_in(history, 3))
        made->window = window(history);
    made->outside_window = (PB(OutsideWindow))below(history, 3);
    made->total_active_callback = once_in(history, 3);
    made->service_level_s = (uint32_t)below(history, 40);
    made->requests_per_number_max = once_in(history, 3) ? 1 + (uint32_t)below(history, 9) : 0;
    made->position_step = once_in(history, 3) ? 1 + (uint32_t)below(history, 3) : 0;
    made->status_events = once_in(history, 3);
    made->status_interval_s = once_in(history, 2) ? 0 : 1 + (uint32_t)below(history, 90);
    made->offer_above_s = (uint32_t)below(history, 900);
    made->waiting_max = once_in(history, 4) ? 1 + (uint32_t)below(history, 3) : 0;
    made->expire_after_s = once_in(history, 4) ? 60 + (uint32_t)below(history, 3600) : 0;
    made->snooze_keeps_place = (PB(Toggle))below(history, 3);
    if (once_in(history, 2))
        made->default_script_id = FORMAT(history, "p%u", (unsigned)below(history, 2));
    if (history->odd && once_in(history, 20))
        made->alerting_timeout_s = 5; /* refused */
    return made;
}

static PB(AgentSettings) * agent_settings(struct history *history, unsigned agent)
{
    PB(AgentSettings) *made = NEW(history, AgentSettings, ringback__v1__agent_settings);

    made->agent_id = FORMAT(history, "a%u", agent);
    made->version = version(history);
    if (once_in(history, 2))
        made->n_skills = skills(history, &made->skills, 4);
    if (once_in(history, 3))
        made->n_languages = skills(history, &made->languages, 0);
    if (once_in(history, 3)) {
        made->n_languages = 1;
        made->languages = arena_alloc(&history->arena, sizeof(char *));
        made->languages[0] = FORMAT(history, "l%u", (unsigned)below(history, 2));
    }
    if (once_in(history, 2)) {
        made->callback_capacity = NEW(history, CallbackCapacity, ringback__v1__callback_capacity);
        made->callback_capacity->callbacks = (uint32_t)below(history, 4);
    }
    return made;
}

static PB(DomainSettings) * domain_settings(struct history *history)
{
    PB(DomainSettings) *made = NEW(history, DomainSettings, ringback__v1__domain_settings);

    made->version = version(history);
    made->country_code = FORMAT(history, "%s", once_in(history, 2) ? "972" : "");
    made->inherit_routing_data = once_in(history, 2);
    made->duplicate_number = (PB(DuplicateNumber))below(history, 5);
    made->on_customer_contact = (PB(CustomerContact))below(history, 4);
    if (once_in(history, 2))
        made->n_skills = skills(history, &made->skills, 3);
    if (once_in(history, 4)) {
        made->blocked_numbers = arena_alloc(&history->arena, sizeof(*made->blocked_numbers));
        made->blocked_numbers[0] = NEW(history, BlockedNumber, ringback__v1__blocked_number);
        made->blocked_numbers[0]->number = number_text(history);
        made->blocked_numbers[0]->prefix = once_in(history, 4);
        made->n_blocked_numbers = 1;
    }
    return made;
}

#define SETTINGS_CASE(NAME) RINGBACK__V1__SETTINGS_EVENT__EVENT_##NAME

static void fill_script(struct history *history, PB(SettingsEvent) * event)
{
    char *id = FORMAT(history, "p%u", (unsigned)below(history, 2));

    if (once_in(history, 4)) {
        event->event_case = SETTINGS_CASE(SCRIPT_REMOVAL);
        event->script_removal = NEW(history, ScriptRemoval, ringback__v1__script_removal);
        event->script_removal->script_id = id;
        event->script_removal->version = version(history);
        return;
    }
    event->event_case = SETTINGS_CASE(SCRIPT);
    event->script = NEW(history, ScriptSettings, ringback__v1__script_settings);
    event->script->script_id = id;
    event->script->version = version(history);
    event->script->callback_enabled = !once_in(history, 3);
}

/* One of two zones, up to three clock changes of up to an hour about now; or it goes. */
static void fill_zone(struct history *history, PB(SettingsEvent) * event)
{
    char *id = FORMAT(history, "z%u", (unsigned)below(history, 2));
    int64_t from_ms = history->now_ms - HOUR_MS;

    if (once_in(history, 8)) {
        event->event_case = SETTINGS_CASE(ZONE_REMOVAL);
        event->zone_removal = NEW(history, ZoneRemoval, ringback__v1__zone_removal);
        event->zone_removal->zone = id;
        event->zone_removal->version = version(history);
        return;
    }
    event->event_case = SETTINGS_CASE(ZONE);
    event->zone = NEW(history, ZoneTable, ringback__v1__zone_table);
    event->zone->zone = id;
    event->zone->version = version(history);
    event->zone->n_offsets = below(history, 4);
    event->zone->offsets = arena_alloc(&history->arena, 4 * sizeof(*event->zone->offsets));
    for (size_t at = 0; at < event->zone->n_offsets; at++) {
        PB(ZoneOffset) *offset = NEW(history, ZoneOffset, ringback__v1__zone_offset);

        offset->from_ms = odd_time(history, from_ms);
        offset->offset_s = ((int32_t)below(history, 5) - 2) * 60;
        event->zone->offsets[at] = offset;
        from_ms += 1 + (int64_t)below(history, 2 * HOUR_MS);
    }
}

static PB(LocalTime) * local_time(struct history *history)
{
    PB(LocalTime) *made = NEW(history, LocalTime, ringback__v1__local_time);

    made->zone = odd_id(history, FORMAT(history, "z%u", (unsigned)below(history, 2)));
    made->local_ms = odd_time(history, history->now_ms + (int64_t)below(history, 300000));
    return made;
}

static void fill_removal(struct history *history, PB(SettingsEvent) * event)
{
    if (once_in(history, 2)) {
        event->event_case = SETTINGS_CASE(QUEUE_REMOVAL);
        event->queue_removal = NEW(history, QueueRemoval, ringback__v1__queue_removal);
        event->queue_removal->queue_id = queue_id(history);
        event->queue_removal->version = version(history);
        event->queue_removal->force = once_in(history, 2);
        return;
    }
    event->event_case = SETTINGS_CASE(AGENT_REMOVAL);
    event->agent_removal = NEW(history, AgentRemoval, ringback__v1__agent_removal);
    event->agent_removal->agent_id = agent_id(history);
    event->agent_removal->version = version(history);
}

static const ProtobufCMessage *settings(struct history *history)
{
    PB(SettingsEvent) *event = NEW(history, SettingsEvent, ringback__v1__settings_event);

    event->id = FORMAT(history, "s-%llu", (unsigned long long)history->number);
    switch (below(history, 10)) {
    case 0: fill_removal(history, event); break;
    case 1:
        if (once_in(history, 2))
            fill_script(history, event);
        else
            fill_zone(history, event);
        break;
    case 2:
        event->event_case = SETTINGS_CASE(DOMAIN);
        event->domain = domain_settings(history);
        break;
    case 3:
    case 4:
    case 5:
    case 6:
        event->event_case = SETTINGS_CASE(AGENT);
        event->agent = agent_settings(history, (unsigned)below(history, history->agents));
        break;
    default:
        event->event_case = SETTINGS_CASE(QUEUE);
        event->queue = queue_settings(history, (unsigned)below(history, history->queues));
        break;
    }
    return &event->base;
}

/* --- presence --- */

static const ProtobufCMessage *presence(struct history *history)
{
    static const PB(Presence)
        what[] = {PRESENCE(ON_QUEUE), PRESENCE(ON_QUEUE), PRESENCE(ON_QUEUE), PRESENCE(ON_QUEUE),
                  PRESENCE(ON_QUEUE), PRESENCE(ON_QUEUE), PRESENCE(OFFLINE),  PRESENCE(AWAY)};
    PB(PresenceEvent) *event = NEW(history, PresenceEvent, ringback__v1__presence_event);
    uint64_t kind = below(history, 10);

    event->id = FORMAT(history, "p-%llu", (unsigned long long)history->number);
    event->agent_id = agent_id(history);
    event->version = once_in(history, 10) ? 0 : version(history);
    event->change_ms = odd_time(history, history->now_ms - (int64_t)below(history, 3000));
    if (kind < 3) {
        event->event_case = RINGBACK__V1__PRESENCE_EVENT__EVENT_PRESENCE;
        event->presence = NEW(history, PresenceChanged, ringback__v1__presence_changed);
        event->presence->presence = what[below(history, 8)];
    } else if (kind < 5) {
        event->event_case = RINGBACK__V1__PRESENCE_EVENT__EVENT_JOINED_QUEUES;
        event->joined_queues =
            NEW(history, JoinedQueuesChanged, ringback__v1__joined_queues_changed);
        event->joined_queues->n_queue_ids = below(history, 4);
        event->joined_queues->queue_ids = arena_alloc(&history->arena, 4 * sizeof(char *));
        for (size_t at = 0; at < event->joined_queues->n_queue_ids; at++)
            event->joined_queues->queue_ids[at] = queue_id(history);
    } else {
        event->event_case = RINGBACK__V1__PRESENCE_EVENT__EVENT_ROUTING_STATUS;
        event->routing_status =
            NEW(history, RoutingStatusChanged, ringback__v1__routing_status_changed);
        event->routing_status->status =
            kind < 8 ? STATUS(IDLE) : (PB(RoutingStatus))(1 + below(history, 5));
    }
    return &event->base;
}

/* --- interactions --- */

#define INTERACTION_CASE(NAME) RINGBACK__V1__INTERACTION_EVENT__EVENT_##NAME

static void fill_entered(struct history *history, PB(InteractionEvent) * event)
{
    event->event_case = INTERACTION_CASE(ENTERED);
    event->entered = NEW(history, InteractionEntered, ringback__v1__interaction_entered);
    event->entered->place = place(history);
    event->entered->routing = routing(history);
    event->entered->ani = number_text(history);
    event->entered->outbound = once_in(history, 6);
    event->entered->dialled_number = number_text(history);
    if (once_in(history, 3))
        event->entered->last_agent_id = agent_id(history);
}

static void fill_interaction(struct history *history, PB(InteractionEvent) * event)
{
    char *agent = agent_id(history);

    switch (below(history, 9)) {
    case 0:
    case 1:
    case 2: fill_entered(history, event); break;
    case 3:
        event->event_case = INTERACTION_CASE(LEFT);
        event->left = NEW(history, InteractionLeft, ringback__v1__interaction_left);
        event->left->reason = (PB(LeftReason))below(history, 3);
        break;
    case 4:
        event->event_case = INTERACTION_CASE(ALERTING);
        event->alerting = NEW(history, InteractionAlerting, ringback__v1__interaction_alerting);
        event->alerting->agent_id = agent;
        break;
    case 5:
        event->event_case = INTERACTION_CASE(CONNECTED);
        event->connected = NEW(history, InteractionConnected, ringback__v1__interaction_connected);
        event->connected->agent_id = agent;
        break;
    case 6:
        event->event_case = INTERACTION_CASE(ENDED);
        event->ended = NEW(history, InteractionEnded, ringback__v1__interaction_ended);
        break;
    case 7:
        event->event_case = INTERACTION_CASE(WRAP_UP_STARTED);
        event->wrap_up_started = NEW(history, WrapUpStarted, ringback__v1__wrap_up_started);
        event->wrap_up_started->agent_id = agent;
        break;
    default:
        event->event_case = INTERACTION_CASE(WRAP_UP_ENDED);
        event->wrap_up_ended = NEW(history, WrapUpEnded, ringback__v1__wrap_up_ended);
        event->wrap_up_ended->agent_id = agent;
        break;
    }
}

static const ProtobufCMessage *interaction(struct history *history, struct slice domain)
{
    PB(InteractionEvent) *event = NEW(history, InteractionEvent, ringback__v1__interaction_event);
    PB(Interaction) *about = NEW(history, Interaction, ringback__v1__interaction);

    event->id = FORMAT(history, "i-%llu", (unsigned long long)history->number);
    event->interaction = about;
    about->interaction_id = call_id(history);
    about->conversation_id = FORMAT(history, "c-%s", about->interaction_id);
    about->media = once_in(history, 5) ? (PB(Media))below(history, 6) : 0;
    about->version = version(history);
    about->time_ms = odd_time(history, history->now_ms - (int64_t)below(history, 2000));
    fill_interaction(history, event);
    if (event->event_case == INTERACTION_CASE(CONNECTED))
        hear(history, &history->connected, domain, "", event->connected->agent_id,
             about->interaction_id);
    return &event->base;
}

static const ProtobufCMessage *attempt(struct history *history, const struct history_fact *tried)
{
    bool first = tried->agent[0] == '\0'; /* nobody would answer it but by luck */
    PB(InteractionEvent) *event = NEW(history, InteractionEvent, ringback__v1__interaction_event);

    event->id = FORMAT(history, "t-%llu", (unsigned long long)history->number);
    event->attempt = NEW(history, Attempt, ringback__v1__attempt);
    event->attempt->attempt_id = odd_id(history, FORMAT(history, "%s", tried->id));
    event->attempt->version = version(history);
    event->attempt->time_ms = odd_time(history, history->now_ms);
    switch (first && once_in(history, 2) ? 2 : below(history, 9)) {
    case 8:
        event->event_case = INTERACTION_CASE(ATTEMPT_HELD);
        event->attempt_held = NEW(history, AttemptHeld, ringback__v1__attempt_held);
        event->attempt_held->held = once_in(history, 2);
        break;
    case 0:
    case 1:
        event->event_case = INTERACTION_CASE(ATTEMPT_RINGING);
        event->attempt_ringing = NEW(history, AttemptRinging, ringback__v1__attempt_ringing);
        break;
    case 2:
    case 3:
        event->event_case = INTERACTION_CASE(ATTEMPT_ANSWERED);
        event->attempt_answered = NEW(history, AttemptAnswered, ringback__v1__attempt_answered);
        event->attempt_answered->kind = (PB(AnswerKind))below(history, first ? 3 : 4);
        break;
    case 4:
        event->event_case = INTERACTION_CASE(ATTEMPT_CONNECTED);
        event->attempt_connected = NEW(history, AttemptConnected, ringback__v1__attempt_connected);
        event->attempt_connected->agent_id = agent_id(history);
        break;
    case 5:
    case 6:
        event->event_case = INTERACTION_CASE(ATTEMPT_ENDED);
        event->attempt_ended = NEW(history, AttemptEnded, ringback__v1__attempt_ended);
        event->attempt_ended->result = (PB(AttemptResult))below(history, 6);
        break;
    default:
        event->event_case = INTERACTION_CASE(ATTEMPT_WRAP_UP_ENDED);
        event->attempt_wrap_up_ended =
            NEW(history, AttemptWrapUpEnded, ringback__v1__attempt_wrap_up_ended);
        event->attempt_wrap_up_ended->agent_id = agent_id(history);
        break;
    }
    return &event->base;
}

/* --- flows --- */

static PB(CreateCallback) * create(struct history *history)
{
    PB(CreateCallback) *made = NEW(history, CreateCallback, ringback__v1__create_callback);

    made->interaction_id = call_id(history);
    made->conversation_id = FORMAT(history, "c-%s", made->interaction_id);
    made->flow_type = once_in(history, 20) ? (PB(FlowType))below(history, 7)
                                           : RINGBACK__V1__FLOW_TYPE__FLOW_TYPE_IN_QUEUE_CALL;
    made->queue_id = queue_id(history);
    made->number = once_in(history, 2) ? number_text(history) : FORMAT(history, "+4477009");
    if (once_in(history, 6))
        made->script_id = FORMAT(history, "p%u", (unsigned)below(history, 2));
    if (once_in(history, 3))
        made->callee_name = FORMAT(history, "Rivka %u", (unsigned)below(history, 9));
    if (once_in(history, 2))
        return made;
    made->facts = NEW(history, InteractionFacts, ringback__v1__interaction_facts);
    made->facts->ani = number_text(history);
    made->facts->version = once_in(history, 2) ? 0 : version(history);
    made->facts->routing = routing(history);
    made->facts->media = once_in(history, 9) ? (PB(Media))below(history, 6) : 0;
    if (once_in(history, 2))
        made->facts->place = place(history);
    if (once_in(history, 2))
        made->facts->last_agent_id = agent_id(history);
    if (once_in(history, 5))
        made->facts->caller_id = FORMAT(history, "+15550199");
    return made;
}

static PB(LeaveVoicemail) * voicemail(struct history *history)
{
    PB(LeaveVoicemail) *made = NEW(history, LeaveVoicemail, ringback__v1__leave_voicemail);
    const PB(CreateCallback) *like = create(history);

    made->interaction_id = like->interaction_id;
    made->conversation_id = like->conversation_id;
    made->flow_type = once_in(history, 2) ? RINGBACK__V1__FLOW_TYPE__FLOW_TYPE_OTHER
                                          : RINGBACK__V1__FLOW_TYPE__FLOW_TYPE_IN_QUEUE_CALL;
    made->queue_id = like->queue_id;
    made->recording_id = FORMAT(history, "rec-%u", (unsigned)below(history, 99));
    if (once_in(history, 3))
        made->number = like->number;
    if (once_in(history, 2))
        made->from_agent_id = agent_id(history);
    made->callee_name = like->callee_name;
    made->script_id = like->script_id;
    made->facts = like->facts;
    return made;
}

static PB(ScheduleCallback) * campaign(struct history *history)
{
    PB(ScheduleCallback) *made = NEW(history, ScheduleCallback, ringback__v1__schedule_callback);

    made->campaign_id = FORMAT(history, "spring");
    made->contact_id = FORMAT(history, "contact-%u", (unsigned)below(history, 99));
    made->campaign_mode = (PB(CampaignMode))below(history, 3);
    made->skilled = once_in(history, 2);
    made->queue_id = queue_id(history);
    made->number = number_text(history);
    if (!once_in(history, 3))
        made->due_ms = history->now_ms + (int64_t)below(history, 40 * 60000);
    if (once_in(history, 2))
        made->routing = routing(history);
    if (once_in(history, 2))
        made->conversation_id = FORMAT(history, "c-%u", (unsigned)below(history, 9));
    return made;
}

static const ProtobufCMessage *flow(struct history *history)
{
    PB(FlowEvent) *event = NEW(history, FlowEvent, ringback__v1__flow_event);

    event->id = own_id(history, 'f');
    switch (below(history, 12)) {
    case 0:
        event->event_case = RINGBACK__V1__FLOW_EVENT__EVENT_FLOW_ENTERED;
        event->flow_entered = NEW(history, FlowEntered, ringback__v1__flow_entered);
        event->flow_entered->interaction_id = call_id(history);
        event->flow_entered->flow_type = RINGBACK__V1__FLOW_TYPE__FLOW_TYPE_IN_QUEUE_EMAIL;
        break;
    case 1:
        event->event_case = RINGBACK__V1__FLOW_EVENT__EVENT_CALL_DATA;
        event->call_data = NEW(history, CallData, ringback__v1__call_data);
        event->call_data->interaction_id = call_id(history);
        event->call_data->caller_id = FORMAT(history, "+155501%02u", (unsigned)below(history, 99));
        break;
    case 2:
        event->event_case = RINGBACK__V1__FLOW_EVENT__EVENT_LEAVE_VOICEMAIL;
        event->leave_voicemail = voicemail(history);
        break;
    case 3:
        event->event_case = RINGBACK__V1__FLOW_EVENT__EVENT_SCHEDULE_CALLBACK;
        event->schedule_callback = campaign(history);
        break;
    default:
        event->event_case = RINGBACK__V1__FLOW_EVENT__EVENT_CREATE_CALLBACK;
        event->create_callback = create(history);
        break;
    }
    return &event->base;
}

/* --- commands --- */

#define COMMAND_CASE(NAME) RINGBACK__V1__COMMAND__COMMAND_##NAME

static PB(Schedule) * schedule(struct history *history, const char *interaction)
{
    PB(Schedule) *made = NEW(history, Schedule, ringback__v1__schedule);

    made->interaction_id = FORMAT(history, "%s", interaction);
    if (!once_in(history, 3))
        made->queue_id = queue_id(history);
    made->due_ms = odd_time(
        history, once_in(history, 8) ? 0 : history->now_ms + (int64_t)below(history, 300000));
    if (once_in(history, 3)) {
        made->due_ms = 0;
        made->local_due = local_time(history);
    }
    made->number = once_in(history, 3) ? number_text(history) : FORMAT(history, "+4477008");
    made->take_ownership = once_in(history, 2);
    made->route_to_me = once_in(history, 2);
    return made;
}

static void fill_move(struct history *history, PB(Command) * command)
{
    if (once_in(history, 2)) {
        command->command_case = COMMAND_CASE(RESCHEDULE);
        command->reschedule = NEW(history, Reschedule, ringback__v1__reschedule);
        if (once_in(history, 3))
            command->reschedule->local_due = local_time(history);
        else
            command->reschedule->due_ms =
                odd_time(history, history->now_ms + (int64_t)below(history, 300000));
        return;
    }
    command->command_case = COMMAND_CASE(REASSIGN);
    command->reassign = NEW(history, Reassign, ringback__v1__reassign);
    if (!once_in(history, 3))
        command->reassign->queue_id = queue_id(history);
    if (once_in(history, 2))
        command->reassign->owner_agent_id = agent_id(history);
}

static void answer_offer(struct history *history, PB(Command) * command,
                         const struct history_fact *offer)
{
    command->callback_id = FORMAT(history, "%s", offer->callback);
    command->agent_id =
        once_in(history, 15) ? agent_id(history) : FORMAT(history, "%s", offer->agent);
    if (once_in(history, 5)) {
        command->command_case = COMMAND_CASE(DECLINE);
        command->decline = NEW(history, Decline, ringback__v1__decline);
        command->decline->offer_id = FORMAT(history, "%s", offer->id);
        return;
    }
    command->command_case = COMMAND_CASE(ACCEPT);
    command->accept = NEW(history, Accept, ringback__v1__accept);
    command->accept->offer_id = FORMAT(history, "%s", offer->id);
}

static void ask_of(struct history *history, PB(Command) * command,
                   const struct history_fact *callback)
{
    command->callback_id = odd_id(history, FORMAT(history, "%s", callback->callback));
    command->agent_id =
        once_in(history, 8) ? agent_id(history) : FORMAT(history, "%s", callback->agent);
    switch (below(history, 12)) {
    case 0:
        command->command_case = COMMAND_CASE(CANCEL);
        command->cancel = NEW(history, Cancel, ringback__v1__cancel);
        break;
    case 1: fill_move(history, command); break;
    case 2:
    case 3:
        if (once_in(history, 2)) {
            command->command_case = COMMAND_CASE(TRANSFER);
            command->transfer = NEW(history, Transfer, ringback__v1__transfer);
            if (!once_in(history, 3))
                command->transfer->queue_id = queue_id(history);
            else
                command->transfer->to_agent_id = agent_id(history);
            break;
        }
        command->command_case = COMMAND_CASE(END);
        command->end = NEW(history, End, ringback__v1__end);
        break;
    case 4:
        command->command_case = COMMAND_CASE(SNOOZE);
        command->snooze = NEW(history, Snooze, ringback__v1__snooze);
        command->snooze->minutes = 4 + (uint32_t)below(history, 8);
        break;
    default:
        command->command_case = COMMAND_CASE(DIAL);
        command->dial = NEW(history, Dial, ringback__v1__dial);
        if (once_in(history, 4))
            command->dial->number = number_text(history);
        break;
    }
}

/* The domain is that of what was heard. */
static const ProtobufCMessage *command(struct history *history, struct slice *domain)
{
    PB(Command) *made = NEW(history, Command, ringback__v1__command);
    const struct history_fact *offer = recent(history, &history->offers),
                              *callback = recent(history, &history->callbacks),
                              *call = recent(history, &history->connected), *used = NULL;
    uint64_t kind = below(history, 20);

    made->request_id = own_id(history, 'r');
    if (kind < 8 && offer != NULL) {
        used = offer;
        answer_offer(history, made, offer);
    } else if (kind < 15 && callback != NULL) {
        used = callback;
        ask_of(history, made, callback);
    } else {
        bool in_callback = callback != NULL && (call == NULL || once_in(history, 2));

        used = in_callback ? callback : call;
        made->command_case = COMMAND_CASE(SCHEDULE);
        made->agent_id = used == NULL ? agent_id(history) : FORMAT(history, "%s", used->agent);
        made->schedule = schedule(history, used == NULL  ? "i1"
                                           : in_callback ? used->callback
                                                         : used->id);
    }
    if (used != NULL && !once_in(history, 30))
        *domain = slice_text(used->domain);
    return &made->base;
}

/* --- the stream --- */

/* First the settings that everything needs. */
static const ProtobufCMessage *ground(struct history *history, struct slice *domain)
{
    PB(SettingsEvent) *event = NEW(history, SettingsEvent, ringback__v1__settings_event);
    uint64_t each = history->queues + history->agents, number = history->number - 1;

    if (number >= each * history->domains)
        return NULL;
    *domain = slice_text(FORMAT(history, "d%u", (unsigned)(number / each)));
    event->id = FORMAT(history, "s-%llu", (unsigned long long)history->number);
    if (number % each < history->queues) {
        event->event_case = SETTINGS_CASE(QUEUE);
        event->queue = queue_settings(history, (unsigned)(number % each));
    } else {
        event->event_case = SETTINGS_CASE(AGENT);
        event->agent = agent_settings(history, (unsigned)(number % each - history->queues));
    }
    return &event->base;
}

static void fill(struct history *history, struct input_event *event)
{
    const struct history_fact *tried = recent(history, &history->attempts);
    uint64_t kind = below(history, 100);

    event->domain = slice_text(FORMAT(history, "d%u", (unsigned)below(history, history->domains)));
    event->input = INPUT_SETTINGS;
    event->event = ground(history, &event->domain);
    if (event->event != NULL)
        return;
    if (kind < 4) {
        event->event = settings(history);
    } else if (kind < 26) {
        event->input = INPUT_PRESENCE;
        event->event = presence(history);
    } else if (kind < 50) {
        event->input = INPUT_INTERACTIONS;
        event->event = interaction(history, event->domain);
    } else if (kind < 62 && tried != NULL) {
        event->input = INPUT_INTERACTIONS;
        event->domain = slice_text(tried->domain);
        event->event = attempt(history, tried);
    } else if (kind < 75) {
        event->input = INPUT_FLOWS;
        event->event = flow(history);
    } else {
        event->input = INPUT_COMMANDS;
        event->event = command(history, &event->domain);
    }
}

static void pass_time(struct history *history)
{
    uint64_t kind = below(history, 1000);

    if (kind < 300)
        return;
    if (kind < 985)
        history->now_ms += (int64_t)below(history, 4000);
    else if (kind < 998)
        history->now_ms += (int64_t)below(history, 5 * MINUTE_MS);
    else
        history->now_ms += (int64_t)below(history, 2 * HOUR_MS);
}

static bool again(struct history *history, struct input_event *event)
{
    size_t window = history->kept_count < HISTORY_KEPT ? history->kept_count : HISTORY_KEPT;
    const struct history_kept *kept =
        &history->kept[(history->kept_count - 1 - below(history, window)) % HISTORY_KEPT];

    if (history->now_ms - kept->sent_ms >= history->repeat_ms)
        return false;
    history->repeat = kept;
    *event = kept->event;
    event->offset = history->offset++;
    return true;
}

struct input_event history_next(struct history *history)
{
    struct input_event event = {.topic = "test"};

    history->number++;
    pass_time(history);
    history->repeat = NULL;
    if (history->kept_count > 0 && once_in(history, 25) && again(history, &event))
        return event;
    fill(history, &event);
    event.offset = history->offset++;
    event.timestamp_ms =
        history->now_ms - (once_in(history, 4) ? (int64_t)below(history, 5000) : 0);
    event.timestamp_ms = odd_time(history, event.timestamp_ms);
    if (event.timestamp_ms == 1)
        event.timestamp_ms = history->now_ms - 20 * DAY_MS;
    if (history->odd && once_in(history, 3000))
        event.domain = slice_make(NULL, 0);
    if (once_in(history, 500) && (event.input == INPUT_FLOWS || event.input == INPUT_COMMANDS))
        event.refuse = REASON(TOO_LARGE);
    history->kept[history->kept_count++ % HISTORY_KEPT] =
        (struct history_kept){event, history->now_ms};
    return event;
}
