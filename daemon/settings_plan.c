#include "daemon/settings_plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include <uthash.h>

#include "base/memory.h"
#include "state/reasons.h"

#include "ringback/v1/results.pb-c.h"
#include "ringback/v1/state.pb-c.h"

/* A settings event that was sent. */
struct sent {
    char *id;
    char *key; /* of the entity */
    uint64_t version;
    uint8_t *value; /* the packed message with version 0; NULL: a removal */
    size_t size;
    enum settings_answer answer;
    UT_hash_handle hh;
};

/* All that is known of one queue, agent, ... */
struct known {
    char *key; /* "domain|kind|id" */
    char *domain;
    char *id;
    enum settings_kind kind;
    uint64_t top_version;    /* the highest that was sent or answered */
    const struct sent *last; /* the one with the highest version */
    const struct sent *held; /* the accepted one with the highest version */
    /* From the state topic, which knows only what holds. */
    uint64_t state_version;
    uint8_t *state_value; /* NULL: none, or removed */
    size_t state_size;
    UT_hash_handle hh;
};

struct settings_known {
    struct sent *sent;
    struct known *entities;
    struct known *answers; /* unused answers by event id: results read before settings */
};

struct settings_known *settings_known_create(void)
{
    return memory_zalloc(sizeof(struct settings_known), "known settings");
}

static void free_entities(struct known *first)
{
    struct known *next, *head = first;

    HASH_CLEAR(hh, head); /* frees the index alone; the items stay chained */
    for (struct known *entity = first; entity != NULL; entity = next) {
        next = entity->hh.next;
        free(entity->key);
        free(entity->domain);
        free(entity->id);
        free(entity->state_value);
        free(entity);
    }
}

void settings_known_destroy(struct settings_known *known)
{
    struct sent *next, *head;

    if (known == NULL)
        return;
    head = known->sent;
    HASH_CLEAR(hh, known->sent);
    for (struct sent *sent = head; sent != NULL; sent = next) {
        next = sent->hh.next;
        free(sent->id);
        free(sent->key);
        free(sent->value);
        free(sent);
    }
    free_entities(known->entities);
    free_entities(known->answers);
    free(known);
}

static char *copy_text(struct slice text)
{
    char *copy = memory_alloc(text.size + 1, "known settings");

    if (text.size > 0)
        memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    return copy;
}

static struct known *entity_of(struct settings_known *known, struct slice domain,
                               enum settings_kind kind, const char *id)
{
    char *domain_text = copy_text(domain);
    size_t size = domain.size + strlen(id) + 20;
    char *key = memory_alloc(size, "known settings");
    struct known *entity;

    snprintf(key, size, "%s|%d|%s", domain_text, (int)kind, id);
    HASH_FIND_STR(known->entities, key, entity);
    if (entity != NULL) {
        free(domain_text);
        free(key);
        return entity;
    }
    entity = memory_zalloc(sizeof(*entity), "known settings");
    entity->key = key;
    entity->domain = domain_text;
    entity->id = copy_text(slice_text(id));
    entity->kind = kind;
    HASH_ADD_KEYPTR(hh, known->entities, entity->key, strlen(entity->key), entity);
    return entity;
}

/* What an event sets: message is NULL for a removal. */
struct said {
    enum settings_kind kind;
    const char *id;
    uint64_t version;
    ProtobufCMessage *message;
    uint64_t *version_field;
};

static bool read_event(const Ringback__V1__SettingsEvent *event, struct said *said)
{
    switch (event->event_case) {
    case RINGBACK__V1__SETTINGS_EVENT__EVENT_QUEUE:
        *said = (struct said){SETTINGS_QUEUE, event->queue->queue_id, event->queue->version,
                              &event->queue->base, &event->queue->version};
        return true;
    case RINGBACK__V1__SETTINGS_EVENT__EVENT_QUEUE_REMOVAL:
        *said = (struct said){SETTINGS_QUEUE, event->queue_removal->queue_id,
                              event->queue_removal->version, NULL, NULL};
        return true;
    case RINGBACK__V1__SETTINGS_EVENT__EVENT_AGENT:
        *said = (struct said){SETTINGS_AGENT, event->agent->agent_id, event->agent->version,
                              &event->agent->base, &event->agent->version};
        return true;
    case RINGBACK__V1__SETTINGS_EVENT__EVENT_AGENT_REMOVAL:
        *said = (struct said){SETTINGS_AGENT, event->agent_removal->agent_id,
                              event->agent_removal->version, NULL, NULL};
        return true;
    case RINGBACK__V1__SETTINGS_EVENT__EVENT_SCRIPT:
        *said = (struct said){SETTINGS_SCRIPT, event->script->script_id, event->script->version,
                              &event->script->base, &event->script->version};
        return true;
    case RINGBACK__V1__SETTINGS_EVENT__EVENT_SCRIPT_REMOVAL:
        *said = (struct said){SETTINGS_SCRIPT, event->script_removal->script_id,
                              event->script_removal->version, NULL, NULL};
        return true;
    case RINGBACK__V1__SETTINGS_EVENT__EVENT_DOMAIN:
        *said = (struct said){SETTINGS_DOMAIN, "", event->domain->version, &event->domain->base,
                              &event->domain->version};
        return true;
    case RINGBACK__V1__SETTINGS_EVENT__EVENT_ZONE:
        *said = (struct said){SETTINGS_ZONE, event->zone->zone, event->zone->version,
                              &event->zone->base, &event->zone->version};
        return true;
    case RINGBACK__V1__SETTINGS_EVENT__EVENT_ZONE_REMOVAL:
        *said = (struct said){SETTINGS_ZONE, event->zone_removal->zone,
                              event->zone_removal->version, NULL, NULL};
        return true;
    case RINGBACK__V1__SETTINGS_EVENT__EVENT__NOT_SET:
    case _RINGBACK__V1__SETTINGS_EVENT__EVENT__CASE_IS_INT_SIZE: break;
    }
    return false;
}

static uint8_t *pack(const ProtobufCMessage *message, size_t *size)
{
    uint8_t *bytes;

    *size = protobuf_c_message_get_packed_size(message);
    bytes = memory_alloc(*size + 1, "known settings");
    protobuf_c_message_pack(message, bytes);
    return bytes;
}

static void raise_version(struct known *entity, uint64_t version)
{
    if (version > entity->top_version)
        entity->top_version = version;
}

static void hold(struct known *entity, const struct sent *sent)
{
    if (sent->answer == SETTINGS_ACCEPTED &&
        (entity->held == NULL || sent->version >= entity->held->version))
        entity->held = sent;
}

static void take_settings(struct settings_known *known, const struct record *record)
{
    Ringback__V1__SettingsEvent *event =
        ringback__v1__settings_event__unpack(NULL, record->value.size, record->value.data);
    struct known *entity, *answer;
    struct sent *sent = NULL;
    struct said said;

    if (event != NULL)
        HASH_FIND_STR(known->sent, event->id, sent);
    if (event == NULL || sent != NULL || event->id[0] == '\0' || !read_event(event, &said)) {
        ringback__v1__settings_event__free_unpacked(event, NULL);
        return;
    }
    entity = entity_of(known, record->key, said.kind, said.id);
    sent = memory_zalloc(sizeof(*sent), "known settings");
    sent->id = copy_text(slice_text(event->id));
    sent->key = copy_text(slice_text(entity->key));
    sent->version = said.version;
    if (said.message != NULL) {
        *said.version_field = 0;
        sent->value = pack(said.message, &sent->size);
    }
    HASH_ADD_KEYPTR(hh, known->sent, sent->id, strlen(sent->id), sent);
    raise_version(entity, sent->version);
    if (entity->last == NULL || sent->version >= entity->last->version)
        entity->last = sent;
    HASH_FIND_STR(known->answers, sent->id, answer);
    if (answer != NULL)
        sent->answer = answer->top_version != 0 ? SETTINGS_ACCEPTED : SETTINGS_REFUSED;
    hold(entity, sent);
    ringback__v1__settings_event__free_unpacked(event, NULL);
}

/* Its answer, if the event was read already; else it is kept until then. */
static void take_answer(struct settings_known *known, const char *event_id, bool accepted)
{
    struct known *entity = NULL, *answer = NULL;
    struct sent *sent;

    HASH_FIND_STR(known->sent, event_id, sent);
    if (sent != NULL) {
        sent->answer = accepted ? SETTINGS_ACCEPTED : SETTINGS_REFUSED;
        HASH_FIND_STR(known->entities, sent->key, entity);
        assert(entity != NULL);
        hold(entity, sent);
        return;
    }
    HASH_FIND_STR(known->answers, event_id, answer);
    if (answer == NULL) {
        answer = memory_zalloc(sizeof(*answer), "known settings");
        answer->key = copy_text(slice_text(event_id));
        HASH_ADD_KEYPTR(hh, known->answers, answer->key, strlen(answer->key), answer);
    }
    answer->top_version = accepted;
}

static bool kind_of(const char *word, enum settings_kind *kind)
{
    for (int i = 0; i < SETTINGS_KIND_COUNT; i++) {
        if (strcmp(word, settings_kind_name((enum settings_kind)i)) == 0) {
            *kind = (enum settings_kind)i;
            return true;
        }
    }
    return false;
}

static void take_result(struct settings_known *known, const struct record *record)
{
    Ringback__V1__Result *result =
        ringback__v1__result__unpack(NULL, record->value.size, record->value.data);
    const Ringback__V1__SettingsAccepted *accepted;
    const Ringback__V1__SettingsRefused *refused;
    enum settings_kind kind;

    if (result == NULL)
        return;
    if (result->answer_case == RINGBACK__V1__RESULT__ANSWER_SETTINGS_ACCEPTED) {
        accepted = result->settings_accepted;
        take_answer(known, result->request_id, true);
        if (kind_of(accepted->kind, &kind))
            raise_version(entity_of(known, record->key, kind, accepted->key), accepted->version);
    } else if (result->answer_case == RINGBACK__V1__RESULT__ANSWER_SETTINGS_REFUSED) {
        refused = result->settings_refused;
        take_answer(known, result->request_id, false);
        if (kind_of(refused->kind, &kind))
            raise_version(entity_of(known, record->key, kind, refused->key), refused->version);
    }
    ringback__v1__result__free_unpacked(result, NULL);
}

static void hold_state(struct settings_known *known, struct slice domain, enum settings_kind kind,
                       const char *id, uint64_t removed_version, ProtobufCMessage *message,
                       uint64_t *version)
{
    struct known *entity = entity_of(known, domain, kind, id);

    free(entity->state_value);
    entity->state_value = NULL;
    entity->state_version = message == NULL ? removed_version : *version;
    if (message != NULL) {
        *version = 0;
        entity->state_value = pack(message, &entity->state_size);
    }
    raise_version(entity, entity->state_version);
}

#define HOLD_STATE(kind_, entity_, field_)                                                         \
    hold_state(known, domain, (kind_), id, (entity_)->removed_version,                             \
               (entity_)->field_ == NULL ? NULL : &(entity_)->field_->base,                        \
               (entity_)->field_ == NULL ? NULL : &(entity_)->field_->version)

/* The key is kind|domain|id. */
static void take_state(struct settings_known *known, const struct record *record)
{
    Ringback__V1__StateRecord *state;
    char *key = copy_text(record->key);
    char *id = strchr(key, '|') == NULL ? NULL : strrchr(key, '|') + 1;
    struct slice domain;

    if (id == NULL || id - 1 == strchr(key, '|')) {
        free(key);
        return;
    }
    domain = slice_make(strchr(key, '|') + 1, (size_t)(id - 1 - (strchr(key, '|') + 1)));
    state = ringback__v1__state_record__unpack(NULL, record->value.size, record->value.data);
    if (state != NULL) {
        if (state->entity_case == RINGBACK__V1__STATE_RECORD__ENTITY_QUEUE)
            HOLD_STATE(SETTINGS_QUEUE, state->queue, settings);
        else if (state->entity_case == RINGBACK__V1__STATE_RECORD__ENTITY_AGENT)
            HOLD_STATE(SETTINGS_AGENT, state->agent, settings);
        else if (state->entity_case == RINGBACK__V1__STATE_RECORD__ENTITY_SCRIPT)
            HOLD_STATE(SETTINGS_SCRIPT, state->script, settings);
        else if (state->entity_case == RINGBACK__V1__STATE_RECORD__ENTITY_ZONE)
            HOLD_STATE(SETTINGS_ZONE, state->zone, table);
        else if (state->entity_case == RINGBACK__V1__STATE_RECORD__ENTITY_DOMAIN &&
                 state->domain->settings != NULL)
            hold_state(known, domain, SETTINGS_DOMAIN, "", 0, &state->domain->settings->base,
                       &state->domain->settings->version);
    }
    ringback__v1__state_record__free_unpacked(state, NULL);
    free(key);
}

void settings_known_record(struct settings_known *known, const struct record *record)
{
    if (record->key.data == NULL || record->value.data == NULL)
        return;
    if (record->topic == TOPIC_SETTINGS)
        take_settings(known, record);
    else if (record->topic == TOPIC_RESULTS)
        take_result(known, record);
    else if (record->topic == TOPIC_STATE)
        take_state(known, record);
}

const char *settings_action_text(enum settings_action action)
{
    static const char *const texts[SETTINGS_ACTION_COUNT] = {
#define TEXT_(name, text) [SETTINGS_ACTION_##name] = text,
        SETTINGS_ACTION_MAP(TEXT_)
#undef TEXT_
    };

    return texts[action];
}

/* The value that holds, as packed with version 0; data NULL: none. */
static struct slice held_value(const struct known *entity, uint64_t *version)
{
    *version = entity->state_version;
    if (entity->held != NULL && entity->held->version >= entity->state_version) {
        *version = entity->held->version;
        return slice_make(entity->held->value, entity->held->size);
    }
    return slice_make(entity->state_value, entity->state_size);
}

static struct settings_step *add_step(struct settings_plan *plan, enum settings_action action,
                                      enum settings_kind kind, const char *domain, const char *id)
{
    struct settings_step *step;

    plan->steps =
        memory_grow(plan->steps, (plan->count + 1) * sizeof(*plan->steps), "a plan of settings");
    step = &plan->steps[plan->count++];
    *step = (struct settings_step){
        .action = action,
        .kind = kind,
        .domain = arena_text(&plan->arena, slice_text(domain)),
        .id = arena_text(&plan->arena, slice_text(id)),
    };
    return step;
}

static void plan_item(struct settings_plan *plan, const struct settings_item *item,
                      struct settings_known *known)
{
    const struct known *entity = entity_of(known, slice_text(item->domain), item->kind, item->id);
    struct settings_step *step =
        add_step(plan, SETTINGS_ACTION_NEW, item->kind, item->domain, item->id);
    struct slice held, wanted;
    size_t size;
    uint8_t *bytes = pack(item->message, &size);

    wanted = slice_make(bytes, size);
    held = held_value(entity, &step->version);
    if (entity->last != NULL && entity->last->answer == SETTINGS_WAITING &&
        entity->last->version > step->version && entity->last->value != NULL &&
        slice_equal(slice_make(entity->last->value, entity->last->size), wanted)) {
        step->action = SETTINGS_ACTION_PENDING;
        step->version = entity->last->version;
        step->event_id = arena_text(&plan->arena, slice_text(entity->last->id));
        plan->waiting++;
    } else if (held.data != NULL && slice_equal(held, wanted) &&
               (entity->last == NULL || entity->last->answer != SETTINGS_WAITING ||
                entity->last->version <= step->version)) {
        step->action = SETTINGS_ACTION_SAME;
    } else {
        step->action = held.data == NULL ? SETTINGS_ACTION_NEW : SETTINGS_ACTION_CHANGED;
        step->version = entity->top_version + 1;
        step->value = settings_item_event(item, step->version, &plan->arena, &step->event_id);
        plan->sent++;
        plan->waiting++;
    }
    free(bytes);
}

static void set_removal(Ringback__V1__SettingsEvent *event, const struct known *entity,
                        uint64_t version, bool force, struct arena *arena)
{
    Ringback__V1__QueueRemoval *queue = arena_alloc(arena, sizeof(*queue));
    Ringback__V1__AgentRemoval *agent = arena_alloc(arena, sizeof(*agent));
    Ringback__V1__ScriptRemoval *script = arena_alloc(arena, sizeof(*script));
    Ringback__V1__ZoneRemoval *zone = arena_alloc(arena, sizeof(*zone));

    ringback__v1__queue_removal__init(queue);
    ringback__v1__agent_removal__init(agent);
    ringback__v1__script_removal__init(script);
    ringback__v1__zone_removal__init(zone);
    queue->queue_id = agent->agent_id = script->script_id = zone->zone = entity->id;
    queue->version = agent->version = script->version = zone->version = version;
    queue->force = force;
    switch (entity->kind) {
    case SETTINGS_QUEUE:
        event->event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_QUEUE_REMOVAL;
        event->queue_removal = queue;
        return;
    case SETTINGS_AGENT:
        event->event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_AGENT_REMOVAL;
        event->agent_removal = agent;
        return;
    case SETTINGS_SCRIPT:
        event->event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_SCRIPT_REMOVAL;
        event->script_removal = script;
        return;
    case SETTINGS_ZONE:
        event->event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_ZONE_REMOVAL;
        event->zone_removal = zone;
        return;
    case SETTINGS_DOMAIN:
    case SETTINGS_KIND_COUNT: break;
    }
    abort();
}

static void plan_removal(struct settings_plan *plan, const struct known *entity, bool prune,
                         bool force)
{
    struct settings_step *step =
        add_step(plan, prune ? SETTINGS_ACTION_REMOVED : SETTINGS_ACTION_EXTRA, entity->kind,
                 entity->domain, entity->id);
    Ringback__V1__SettingsEvent event;
    uint8_t *bytes;
    size_t size;

    (void)held_value(entity, &step->version);
    if (!prune)
        return;
    step->version = entity->top_version + 1;
    ringback__v1__settings_event__init(&event);
    event.id = arena_format(&plan->arena, "settings-removal-%016llx-%llu%s",
                            (unsigned long long)XXH3_64bits(entity->key, strlen(entity->key)),
                            (unsigned long long)step->version, force ? "-force" : "");
    set_removal(&event, entity, step->version, force, &plan->arena);
    size = ringback__v1__settings_event__get_packed_size(&event);
    bytes = arena_alloc(&plan->arena, size);
    ringback__v1__settings_event__pack(&event, bytes);
    step->event_id = event.id;
    step->value = slice_make(bytes, size);
    plan->sent++;
    plan->waiting++;
}

static bool in_file(const struct settings *settings, const struct known *entity, bool *domain)
{
    *domain = false;
    for (size_t i = 0; i < settings->item_count; i++) {
        const struct settings_item *item = &settings->items[i];

        if (strcmp(item->domain, entity->domain) != 0)
            continue;
        *domain = true;
        if (item->kind == entity->kind && strcmp(item->id, entity->id) == 0)
            return true;
    }
    return false;
}

/* Those who refer to others go first. */
static int compare_removals(const void *a, const void *b)
{
    const struct known *left = *(const struct known *const *)a;
    const struct known *right = *(const struct known *const *)b;
    int order = strcmp(left->domain, right->domain);

    if (order == 0)
        order = (int)right->kind - (int)left->kind;
    return order != 0 ? order : strcmp(left->id, right->id);
}

void settings_plan_init(struct settings_plan *plan, const struct settings *settings,
                        struct settings_known *known, bool prune, bool force)
{
    const struct known **removals;
    const struct known *entity, *next;
    size_t count = 0;

    memset(plan, 0, sizeof(*plan));
    arena_init(&plan->arena);
    for (size_t i = 0; i < settings->item_count; i++)
        plan_item(plan, &settings->items[i], known);
    removals = arena_alloc(&plan->arena, (HASH_COUNT(known->entities) + 1) * sizeof(*removals));
    for (entity = known->entities; entity != NULL; entity = next) {
        uint64_t version;
        bool domain;

        next = entity->hh.next;
        if (entity->kind != SETTINGS_DOMAIN && held_value(entity, &version).data != NULL &&
            !in_file(settings, entity, &domain) && domain)
            removals[count++] = entity;
    }
    qsort(removals, count, sizeof(*removals), compare_removals);
    for (size_t i = 0; i < count; i++)
        plan_removal(plan, removals[i], prune, force);
}

void settings_plan_deinit(struct settings_plan *plan)
{
    free(plan->steps);
    arena_deinit(&plan->arena);
}

void settings_plan_result(struct settings_plan *plan, const struct record *record)
{
    Ringback__V1__Result *result;

    if (record->topic != TOPIC_RESULTS || record->value.data == NULL)
        return;
    result = ringback__v1__result__unpack(NULL, record->value.size, record->value.data);
    for (size_t i = 0; result != NULL && i < plan->count; i++) {
        struct settings_step *step = &plan->steps[i];

        if (step->event_id == NULL || step->answer != SETTINGS_WAITING ||
            strcmp(step->event_id, result->request_id) != 0)
            continue;
        plan->waiting--;
        step->answer = SETTINGS_ACCEPTED;
        if (result->answer_case != RINGBACK__V1__RESULT__ANSWER_SETTINGS_REFUSED)
            continue;
        step->answer = SETTINGS_REFUSED;
        step->reason = reason_name(result->settings_refused->reason);
        step->text = arena_text(&plan->arena, slice_text(result->settings_refused->text));
        plan->refused++;
    }
    ringback__v1__result__free_unpacked(result, NULL);
}
