#include "tests/support/walk_reference.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "state/internal.h"

enum { MANY = 1024 };

struct item {
    const char *id, *queue, *tie, *owner;
    const char *routed; /* to whom it goes first in this step (2.5); "" : by 5.4 */
    const PB(RoutingData) * routing;
    const PB(RingsEntity) * rings; /* NULL: none apply */
    const char *last;              /* 4.4: tried first; NULL: nobody */
    bool last_any;
    bool live, priority_only, closed;
    bool agent_first;  /* whatever the queue's mode (7.7) */
    bool flight, dial; /* in flight: takes an agent on paper; called first, not offered (5.3) */
    size_t place;      /* of its queue in the list */
    int64_t key, entry_ms;
};

struct person {
    const char *id;
    const PB(AgentEntity) * entity;
    bool offered, used, other_call; /* a call beside which he takes no callback */
    bool kept;                      /* for a dial made before (7.3) */
    unsigned held, calls;
    unsigned left; /* voicemails that he left, and does not hold himself (8.2) */
    int64_t since_ms;
};

struct reference {
    struct machine *machine;
    struct slice domain;
    const struct machine_options *options;
    struct arena *arena;
    const struct effects *effects;
    size_t first;
    const char *transferred; /* to an agent in this step; "": none */
    const PB(DomainSettings) * settings;
    struct item items[MANY];
    struct person people[MANY];
    size_t item_count, person_count;
    struct {
        const char *id;
        const PB(QueueSettings) * settings;
        bool priority_only, closed;
        unsigned in_flight, online; /* 7.2 */
    } queues[MANY];
    size_t queue_count;
    struct {
        const char *id;
        uint64_t number;
    } contacts[MANY]; /* live calls, whose customers are left alone (12.2) */
    size_t contact_count;
};

/* Called first in this step: taken back in mind too. */
static bool dialled_now(const struct reference *reference, const char *callback)
{
    for (size_t at = reference->first; at < reference->effects->count; at++) {
        const PB(RoutingEvent) *event =
            (const PB(RoutingEvent) *)reference->effects->items[at].message;

        if (strcmp(reference->effects->items[at].type, "routing.place_call") == 0 &&
            event->place_call->customer_first && strcmp(event->callback_id, callback) == 0)
            return true;
    }
    return false;
}

/* The callback that its holder gave to one agent in this step: that one is offered it, whoever else
 * is free (6.6). */
static const char *transferred_by(const struct reference *reference,
                                  const struct input_event *cause)
{
    const PB(Command) * command;

    if (cause == NULL || cause->input != INPUT_COMMANDS)
        return "";
    command = (const PB(Command) *)cause->event;
    if (command->command_case != RINGBACK__V1__COMMAND__COMMAND_TRANSFER ||
        command->transfer->to_agent_id[0] == '\0')
        return "";
    for (size_t at = reference->first; at < reference->effects->count; at++)
        if (strcmp(reference->effects->items[at].type, "routing.agent_released") == 0 &&
            strcmp(((const PB(RoutingEvent) *)reference->effects->items[at].message)->callback_id,
                   command->callback_id) == 0)
            return command->callback_id;
    return "";
}

/* Offers of this step are taken back in mind, but for one that the walk did not make. */
static bool offered_now(const struct reference *reference, const char *callback)
{
    if (strcmp(callback, reference->transferred) == 0)
        return false;
    for (size_t at = reference->first; at < reference->effects->count; at++)
        if (strcmp(reference->effects->items[at].type, "routing.offer") == 0 &&
            strcmp(((const PB(RoutingEvent) *)reference->effects->items[at].message)->callback_id,
                   callback) == 0)
            return true;
    return false;
}

/* 2.5: it became due in this step, so a segment of being scheduled is over. */
static const char *routed_now(const struct reference *reference, const char *id,
                              const PB(CallbackEntity) * callback)
{
    if (!callback->route_to_scheduler || callback->owner_agent_id[0] != '\0')
        return "";
    for (size_t at = reference->first; at < reference->effects->count; at++) {
        const PB(AnalyticsEvent) *event =
            (const PB(AnalyticsEvent) *)reference->effects->items[at].message;

        if (strcmp(reference->effects->items[at].type, "analytics.segment") == 0 &&
            strcmp(event->callback_id, id) == 0 && event->segment->type == SEGMENT(SCHEDULED))
            return callback->scheduled_by;
    }
    return "";
}

static struct person *person_of(struct reference *reference, const char *id)
{
    for (size_t at = 0; at < reference->person_count; at++)
        if (strcmp(reference->people[at].id, id) == 0)
            return &reference->people[at];
    return NULL;
}

static void add_item(struct reference *reference, const struct item *item)
{
    struct item *added = &reference->items[reference->item_count++];
    int32_t priority = item->routing == NULL ? 0 : item->routing->priority;

    assert(reference->item_count <= MANY);
    *added = *item;
    for (size_t at = 0; at < reference->queue_count; at++)
        if (strcmp(reference->queues[at].id, item->queue) == 0) {
            const PB(QueueSettings) *settings = reference->queues[at].settings;

            added->place = at;
            added->priority_only = reference->queues[at].priority_only;
            added->closed = reference->queues[at].closed && !item->live && !item->flight;
            added->dial =
                !item->live && !item->flight && settings != NULL &&
                settings->dial_mode == RINGBACK__V1__DIAL_MODE__DIAL_MODE_CUSTOMER_FIRST &&
                !item->agent_first;
        }
    added->key = added->priority_only ? -(int64_t)priority
                                      : item->entry_ms - INT64_C(60000) * (int64_t)priority;
}

static void add_contact(struct reference *reference, const char *id, const PB(CallEntity) * call)
{
    const PB(DomainSettings) *settings = reference->settings;
    uint64_t number;

    if (settings == NULL ||
        settings->on_customer_contact <= RINGBACK__V1__CUSTOMER_CONTACT__CUSTOMER_CONTACT_KEEP ||
        call->media != RINGBACK__V1__MEDIA__MEDIA_VOICE || call->state < CALL(WAITING) ||
        call->state > CALL(CONNECTED) ||
        number_parse(slice_text(call->outbound ? call->dialled_number : call->ani),
                     slice_text(settings->country_code), &number) != NUMBER_OK)
        return;
    assert(reference->contact_count < MANY);
    reference->contacts[reference->contact_count].id = id;
    reference->contacts[reference->contact_count++].number = number;
}

static bool left_alone(const struct reference *reference, const PB(CallbackEntity) * callback)
{
    uint64_t number;

    if (callback->kind == RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_VOICEMAIL ||
        number_parse(slice_text(callback->number), slice_make(NULL, 0), &number) != NUMBER_OK)
        return false;
    for (size_t at = 0; at < reference->contact_count; at++)
        if (reference->contacts[at].number == number &&
            strcmp(reference->contacts[at].id, callback->interaction_id) != 0)
            return true;
    return false;
}

static void add_call(struct reference *reference, const char *id, const PB(CallEntity) * call)
{
    struct person *person = person_of(reference, call->agent_id);

    add_contact(reference, id, call);

    if (person != NULL && (call->state == CALL(ALERTING) || call->state == CALL(CONNECTED) ||
                           call->state == CALL(WRAP_UP))) {
        person->calls++;
        if (!(reference->options->callback_beside & 1u << call->media))
            person->other_call = true;
    }
    if (call->state == CALL(WAITING) && call->stay_ms != 0 &&
        reference->options->holds_line & 1u << call->media)
        add_item(
            reference,
            &(struct item){.id = id,
                           .queue = call->place->queue_id,
                           .tie = call->place->tie_break[0] == '\0' ? id : call->place->tie_break,
                           .owner = "",
                           .routed = "",
                           .routing = call->routing,
                           .rings = call->rings,
                           .live = true,
                           .entry_ms = call->place->entry_ms});
}

/* 4.4: it was made in this step, of a call that brought its last agent. */
static void find_last(const struct reference *reference, const char *id,
                      const PB(CallbackEntity) * callback, struct item *item)
{
    PB(LastAgent) how = RINGBACK__V1__LAST_AGENT__LAST_AGENT_UNSPECIFIED;
    const PB(StateRecord) * call;
    bool made = false,
         asked = callback->kind == RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_IN_QUEUE ||
                 callback->kind == RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_VOICEMAIL;

    for (size_t at = reference->first; at < reference->effects->count; at++)
        made |=
            strcmp(reference->effects->items[at].type, "analytics.session_started") == 0 &&
            strcmp(((const PB(AnalyticsEvent) *)reference->effects->items[at].message)->callback_id,
                   id) == 0;
    for (size_t at = 0; at < reference->queue_count; at++)
        if (strcmp(reference->queues[at].id, item->queue) == 0 &&
            reference->queues[at].settings != NULL)
            how = reference->queues[at].settings->last_agent;
    if (!made || !asked || callback->rings != NULL ||
        how < RINGBACK__V1__LAST_AGENT__LAST_AGENT_QUEUE_MEMBERS)
        return;
    call = machine_entity(
        reference->machine,
        slice_text(arena_format(reference->arena, "call|%.*s|%s", (int)reference->domain.size,
                                (const char *)reference->domain.data, callback->interaction_id)),
        reference->arena);
    assert(call != NULL);
    item->last = call->call->last_agent_id;
    item->last_any = how == RINGBACK__V1__LAST_AGENT__LAST_AGENT_ANY;
}

/* Called first by an earlier decision, and not yet with an agent (7.2). */
static void add_flight(struct reference *reference, const char *id,
                       const PB(CallbackEntity) * callback)
{
    struct person *kept = person_of(reference, callback->attempt->reserved_agent_id);

    for (size_t at = 0; at < reference->queue_count; at++)
        if (strcmp(reference->queues[at].id, callback->place->queue_id) == 0)
            reference->queues[at].in_flight++;
    if (kept != NULL) {
        kept->kept = true;
        return;
    }
    add_item(reference,
             &(struct item){.id = id,
                            .queue = callback->place->queue_id,
                            .tie = callback->place->tie_break,
                            .owner = callback->owner_agent_id,
                            .routed = "",
                            .routing = callback->routing,
                            .rings = callback->state == STATE(DIALLING) ? callback->rings : NULL,
                            .flight = true,
                            .entry_ms = callback->place->entry_ms});
}

/* 8.2: of the agent who left it, whoever has it but himself. */
static void use_capacity(struct reference *reference, const char *agent)
{
    struct person *sender = person_of(reference, agent);

    if (sender != NULL)
        sender->left++;
}

static void add_callback(struct reference *reference, const char *id,
                         const PB(CallbackEntity) * callback)
{
    struct person *person = person_of(reference, callback->agent_id);
    bool first = callback->attempt != NULL && callback->attempt->customer_first &&
                 (callback->state == STATE(DIALLING) || callback->state == STATE(TALKING));
    bool now = (callback->state == STATE(OFFERED) && offered_now(reference, id)) ||
               (first && dialled_now(reference, id));

    if (callback->from_agent_id[0] != '\0' &&
        strcmp(callback->from_agent_id, callback->agent_id) != 0)
        use_capacity(reference, callback->from_agent_id);
    if (first && !now) {
        if (callback->agent_id[0] == '\0')
            add_flight(reference, id, callback);
        return;
    }

    if (person != NULL && callback->state == STATE(OFFERED) && !now)
        person->offered = true;
    if (person != NULL && callback->state >= STATE(WITH_AGENT) && callback->state <= STATE(WRAP_UP))
        person->held++;
    if ((callback->state == STATE(WAITING) && !left_alone(reference, callback)) || now) {
        struct item item = {.id = id,
                            .queue = callback->place->queue_id,
                            .tie = callback->place->tie_break,
                            .owner = callback->owner_agent_id,
                            .routed = routed_now(reference, id, callback),
                            .routing = callback->routing,
                            .rings = callback->rings,
                            .agent_first = callback->preview ||
                                           callback->kind ==
                                               RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_VOICEMAIL,
                            .entry_ms = callback->place->entry_ms};

        find_last(reference, id, callback, &item);
        add_item(reference, &item);
    }
}

static void add_person(struct reference *reference, const char *id, const PB(AgentEntity) * agent)
{
    struct person *person = &reference->people[reference->person_count++];

    assert(reference->person_count <= MANY);
    *person = (struct person){.id = id, .entity = agent};
    for (size_t at = 0; at < reference->queue_count; at++) /* 7.2 */
        for (size_t joined = 0; joined < agent->n_queue_ids; joined++)
            reference->queues[at].online +=
                strcmp(agent->queue_ids[joined], reference->queues[at].id) == 0 &&
                agent->settings != NULL && !agent->silent && agent->queues_ms != 0 &&
                agent->presence == PRESENCE(ON_QUEUE) && agent->status != STATUS(UNSPECIFIED) &&
                agent->status != STATUS(OFF_QUEUE);
    person->since_ms = agent->last_end_ms != 0 ? agent->last_end_ms : agent->first_on_queue_ms;
    if (reference->options->idle_reset == IDLE_RESET_PRESENCE)
        person->since_ms = agent->status_ms;
}

static void add(struct reference *reference, const char *id, const PB(StateRecord) * record)
{
    if (record->domain != NULL && record->entity_case == RINGBACK__V1__STATE_RECORD__ENTITY_DOMAIN)
        reference->settings = record->domain->settings;
    if (record->entity_case == RINGBACK__V1__STATE_RECORD__ENTITY_QUEUE) {
        assert(reference->queue_count < MANY);
        reference->queues[reference->queue_count].in_flight = 0;
        reference->queues[reference->queue_count].online = 0;
        reference->queues[reference->queue_count].id = id;
        reference->queues[reference->queue_count].settings = record->queue->settings;
        reference->queues[reference->queue_count].closed =
            record->queue->settings != NULL &&
            (record->queue->settings->serving == RINGBACK__V1__TOGGLE__TOGGLE_OFF ||
             (record->queue->settings->window != NULL && record->queue->closed_ms != 0));
        reference->queues[reference->queue_count++].priority_only =
            record->queue->settings != NULL &&
            record->queue->settings->ranking == RINGBACK__V1__RANKING__RANKING_PRIORITY_ONLY;
    }
    if (record->entity_case == RINGBACK__V1__STATE_RECORD__ENTITY_AGENT)
        add_person(reference, id, record->agent);
    if (record->entity_case == RINGBACK__V1__STATE_RECORD__ENTITY_CALL)
        add_call(reference, id, record->call);
    if (record->entity_case == RINGBACK__V1__STATE_RECORD__ENTITY_CALLBACK)
        add_callback(reference, id, record->callback);
}

/* Kinds come in the order queue, agent, call, callback; answers and stubs are left out. */
static void read_all(struct reference *reference, struct machine *machine, struct slice domain)
{
    struct machine_cursor cursor = {0};
    struct change entity;

    while (machine_next(machine, &cursor, reference->arena, &entity)) {
        const char *key = (const char *)entity.key.data, *bar = strchr(key, '|');

        if (cursor.kind >= KIND_ANSWER)
            return;
        if (strncmp(bar + 1, (const char *)domain.data, domain.size) == 0 &&
            bar[1 + domain.size] == '|')
            add(reference, bar + 2 + domain.size, entity.value);
    }
}

static int compare_items(const void *a, const void *b)
{
    const struct item *left = a, *right = b;

    if (left->priority_only != right->priority_only)
        return left->priority_only ? -1 : 1;
    if (left->key != right->key)
        return left->key < right->key ? -1 : 1;
    if (left->entry_ms != right->entry_ms)
        return left->entry_ms < right->entry_ms ? -1 : 1;
    if (strcmp(left->tie, right->tie) != 0)
        return strcmp(left->tie, right->tie);
    if (left->live != right->live)
        return left->live ? -1 : 1;
    return strcmp(left->id, right->id);
}

static bool has(char **names, size_t count, const char *name)
{
    for (size_t at = 0; at < count; at++)
        if (strcmp(names[at], name) == 0)
            return true;
    return false;
}

/* 12.15: what the domain lists no more is not asked. */
static bool asked(const struct reference *reference, const char *name)
{
    const PB(DomainSettings) *settings = reference->settings;

    if (settings == NULL || (settings->n_skills == 0 && settings->n_languages == 0))
        return true;
    return has(settings->skills, settings->n_skills, name) ||
           has(settings->languages, settings->n_languages, name);
}

static bool skilled(const struct reference *reference, const struct person *person,
                    const PB(RoutingData) * routing)
{
    const PB(AgentSettings) *settings = person->entity->settings;

    if (routing == NULL)
        return true;
    for (size_t at = 0; at < routing->n_skills; at++)
        if (asked(reference, routing->skills[at]) &&
            !has(settings->skills, settings->n_skills, routing->skills[at]))
            return false;
    return routing->language[0] == '\0' || !asked(reference, routing->language) ||
           has(settings->languages, settings->n_languages, routing->language);
}

static bool declined(const struct person *person, const char *callback)
{
    for (size_t at = 0; at < person->entity->n_declines; at++)
        if (strcmp(person->entity->declines[at]->callback_id, callback) == 0)
            return true;
    return false;
}

/* His score for the item if that makes him one of its pool, else -1 (4.2). */
static int preferred(const struct person *person, const struct item *item)
{
    int best = -1;

    if (item->rings == NULL || item->routing == NULL)
        return -1;
    for (size_t at = 0; at < item->routing->n_scores; at++)
        if (strcmp(item->routing->scores[at]->agent_id, person->id) == 0 &&
            item->routing->scores[at]->score >= item->rings->floor)
            best = (int)item->routing->scores[at]->score;
    return best;
}

/* 5.2, but for whose it is: he takes one. */
static bool is_free(const struct person *person, const struct item *item)
{
    const PB(AgentEntity) *agent = person->entity;
    bool idle = agent->status == STATUS(IDLE) && agent->status_ms > agent->busy_ms;
    bool beside = (agent->status == STATUS(IDLE) || agent->status == STATUS(INTERACTING)) &&
                  !person->other_call && person->held + person->calls > 0 &&
                  agent->attempt_id[0] == '\0';
    uint32_t capacity = 1;

    if (agent->settings == NULL || agent->silent || agent->presence != PRESENCE(ON_QUEUE) ||
        person->offered || person->used || person->kept || agent->queues_ms == 0)
        return false;
    if (item->live || item->flight)
        return idle;
    if (item->dial)
        return idle && agent->missed_until_ms == 0 && !declined(person, item->id);
    if (agent->settings->callback_capacity != NULL)
        capacity = agent->settings->callback_capacity->callbacks;
    return agent->missed_until_ms == 0 && person->held + person->left < capacity &&
           (idle || beside) && !declined(person, item->id);
}

static bool may_take(const struct reference *reference, const struct person *person,
                     const struct item *item)
{
    if (!is_free(person, item) ||
        !has(person->entity->queue_ids, person->entity->n_queue_ids, item->queue))
        return false;
    if (item->owner[0] != '\0')
        return strcmp(item->owner, person->id) == 0;
    if (preferred(person, item) >= 0)
        return true;
    return (item->rings == NULL || item->rings->ring == RING_ALL) &&
           skilled(reference, person, item->routing);
}

/* 4.4 */
static bool last_may(const struct reference *reference, const struct person *person,
                     const struct item *item)
{
    return item->last != NULL && strcmp(item->last, person->id) == 0 && is_free(person, item) &&
           skilled(reference, person, item->routing) &&
           ((item->last_any && !item->dial) ||
            has(person->entity->queue_ids, person->entity->n_queue_ids, item->queue));
}

/* 4.2, 5.4 */
static bool before(const struct person *a, const struct person *b, const struct item *item)
{
    if (preferred(a, item) != preferred(b, item))
        return preferred(a, item) > preferred(b, item);
    if (a->since_ms != b->since_ms)
        return a->since_ms < b->since_ms;
    return strcmp(a->id, b->id) < 0;
}

static struct person *pick(struct reference *reference, const struct item *item)
{
    struct person *best = person_of(reference, item->routed);

    if (best != NULL && may_take(reference, best, item))
        return best;
    best = NULL;

    for (size_t at = 0; at < reference->person_count; at++) {
        struct person *person = &reference->people[at];

        if (last_may(reference, person, item))
            return person;
        if (!may_take(reference, person, item))
            continue;
        if (best == NULL || before(person, best, item))
            best = person;
    }
    return best;
}

/* 7.2, in other words: pacing is in hundredths, and for ten agents. */
static unsigned cap_of(const PB(QueueSettings) * settings, unsigned online)
{
    uint64_t pacing = 100;

    if (settings->customer_first != NULL && settings->customer_first->pacing_hundredths != 0)
        pacing = settings->customer_first->pacing_hundredths;
    return pacing * online < 1000 ? 1 : (unsigned)(pacing * online / 1000);
}

/* What the walk says of an item: an offer to him, or a dial that counts on him. */
static const char *compare_dial(const struct reference *reference, const struct item *item,
                                const struct person *person, const PB(RoutingEvent) * said)
{
    if (said == NULL || said->event_case != RINGBACK__V1__ROUTING_EVENT__EVENT_PLACE_CALL ||
        strcmp(said->callback_id, item->id) != 0)
        return arena_format(reference->arena, "%s is not called first, counting on %s", item->id,
                            person->id);
    for (size_t at = reference->first; at < reference->effects->count; at++) {
        const PB(RoutingEvent) *event =
            (const PB(RoutingEvent) *)reference->effects->items[at].message;

        if (strcmp(reference->effects->items[at].type, "routing.reserve_agent") == 0 &&
            strcmp(event->callback_id, item->id) == 0 &&
            strcmp(event->reserve_agent->agent_id, person->id) != 0)
            return arena_format(reference->arena, "%s is kept for %s, not %s",
                                event->reserve_agent->agent_id, item->id, person->id);
    }
    return NULL;
}

/* Made by the walk. */
static const PB(RoutingEvent) *
    next_offer(const struct reference *reference, struct slice domain, size_t *at)
{
    for (; *at < reference->effects->count; (*at)++) {
        const struct effect *effect = &reference->effects->items[*at];

        if ((strcmp(effect->type, "routing.offer") == 0 ||
             (strcmp(effect->type, "routing.place_call") == 0 &&
              ((const PB(RoutingEvent) *)effect->message)->place_call->customer_first)) &&
            slice_equal(effect->domain, domain) &&
            strcmp(((const PB(RoutingEvent) *)effect->message)->callback_id,
                   reference->transferred) != 0)
            return (const PB(RoutingEvent) *)reference->effects->items[(*at)++].message;
    }
    return NULL;
}

const char *walk_reference(struct machine *machine, const struct machine_options *options,
                           struct slice domain, const struct input_event *cause,
                           const struct effects *effects, size_t first, struct arena *arena)
{
    static struct reference reference;
    const PB(RoutingEvent) * offer;
    size_t at = first;

    reference.machine = machine;
    reference.domain = domain;
    reference.options = options;
    reference.arena = arena;
    reference.effects = effects;
    reference.first = first;
    reference.transferred = transferred_by(&reference, cause);
    reference.settings = NULL;
    reference.item_count = reference.person_count = reference.queue_count = 0;
    reference.contact_count = 0;
    read_all(&reference, machine, domain);
    qsort(reference.items, reference.item_count, sizeof(*reference.items), compare_items);
    for (size_t item = 0; item < reference.item_count; item++) {
        const struct item *now = &reference.items[item];
        struct person *person;

        if (now->dial &&
            reference.queues[now->place].in_flight >=
                cap_of(reference.queues[now->place].settings, reference.queues[now->place].online))
            continue;
        person = pick(&reference, now);
        if (person == NULL || now->closed) /* 12.10 */
            continue;
        person->used = true;
        if (now->live || now->flight)
            continue;
        offer = next_offer(&reference, domain, &at);
        if (now->dial) {
            const char *fault = compare_dial(&reference, now, person, offer);

            if (fault != NULL)
                return fault;
            reference.queues[now->place].in_flight++;
            continue;
        }
        if (offer == NULL || offer->event_case != RINGBACK__V1__ROUTING_EVENT__EVENT_OFFER)
            return arena_format(arena, "no offer of %s to %s", reference.items[item].id,
                                person->id);
        if (strcmp(offer->callback_id, reference.items[item].id) != 0 ||
            strcmp(offer->offer->agent_id, person->id) != 0)
            return arena_format(arena, "offered %s to %s, not %s to %s", offer->callback_id,
                                offer->offer->agent_id, reference.items[item].id, person->id);
    }
    offer = next_offer(&reference, domain, &at);
    if (offer == NULL)
        return NULL;
    if (offer->event_case == RINGBACK__V1__ROUTING_EVENT__EVENT_PLACE_CALL)
        return arena_format(arena, "called %s first without reason", offer->callback_id);
    return arena_format(arena, "offered %s to %s without reason", offer->callback_id,
                        offer->offer->agent_id);
}
