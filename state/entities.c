/* Entities: found by domain and id, made, removed, marked as changed. */
#include "state/internal.h"

#include <assert.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/memory.h"

static const char *const kind_names[KIND_COUNT] = {
    [KIND_DOMAIN] = "domain",     [KIND_QUEUE] = "queue",       [KIND_COUNTERS] = "counters",
    [KIND_SCRIPT] = "script",     [KIND_ZONE] = "zone",         [KIND_AGENT] = "agent",
    [KIND_CALL] = "call",         [KIND_CALLBACK] = "callback", [KIND_ANSWER] = "answer",
    [KIND_REQUESTS] = "requests", [KIND_STUB] = "callback",
};

static const size_t kind_bytes[KIND_COUNT] = {
    [KIND_DOMAIN] = sizeof(struct domain),
    [KIND_QUEUE] = sizeof(struct queue),
    [KIND_COUNTERS] = 4,
    [KIND_SCRIPT] = sizeof(struct script),
    [KIND_ZONE] = sizeof(struct zone),
    [KIND_AGENT] = sizeof(struct agent),
    [KIND_CALL] = sizeof(struct call),
    [KIND_CALLBACK] = sizeof(struct callback),
    [KIND_ANSWER] = sizeof(struct answer),
    [KIND_REQUESTS] = sizeof(struct requests),
    [KIND_STUB] = sizeof(struct stub),
};

/* What a look-up looks for. */
struct sought {
    const struct machine *m;
    uint32_t domain;
    struct slice id;
    const struct ident *ident;
};

static void *grow(void *items, size_t count, size_t *room, size_t item_bytes)
{
    if (count < *room)
        return items;
    *room = *room == 0 ? 64 : *room * 2;
    return memory_grow(items, *room * item_bytes, "a list");
}

/* The id of those that keep it as a text; NULL for those that keep an ident. */
static inline const uint32_t *text_id(const struct machine *m, enum kind kind, uint32_t handle)
{
    switch (kind) {
    case KIND_DOMAIN: return &domain_at(m, handle)->id;
    case KIND_QUEUE:
    case KIND_COUNTERS: return &queue_at(m, handle)->id;
    case KIND_SCRIPT: return &script_at(m, handle)->id;
    case KIND_ZONE: return &zone_at(m, handle)->id;
    case KIND_AGENT: return &agent_at(m, handle)->id;
    case KIND_CALL:
    case KIND_CALLBACK:
    case KIND_ANSWER:
    case KIND_REQUESTS:
    case KIND_STUB:
    case KIND_COUNT: break;
    }
    return NULL;
}

static inline const struct ident *ident_id(const struct machine *m, enum kind kind, uint32_t handle)
{
    switch (kind) {
    case KIND_CALL: return &call_at(m, handle)->id;
    case KIND_CALLBACK: return &callback_at(m, handle)->id;
    case KIND_ANSWER: return &answer_at(m, handle)->request;
    case KIND_REQUESTS: return &requests_at(m, handle)->id;
    case KIND_STUB: return &stub_at(m, handle)->id;
    case KIND_DOMAIN:
    case KIND_QUEUE:
    case KIND_COUNTERS:
    case KIND_SCRIPT:
    case KIND_ZONE:
    case KIND_AGENT:
    case KIND_COUNT: break;
    }
    return NULL;
}

static inline uint32_t domain_of(const struct machine *m, enum kind kind, uint32_t handle)
{
    switch (kind) {
    case KIND_DOMAIN: return handle;
    case KIND_QUEUE:
    case KIND_COUNTERS: return queue_at(m, handle)->domain;
    case KIND_SCRIPT: return script_at(m, handle)->domain;
    case KIND_ZONE: return zone_at(m, handle)->domain;
    case KIND_AGENT: return agent_at(m, handle)->domain;
    case KIND_CALL: return call_at(m, handle)->domain;
    case KIND_CALLBACK: return queue_at(m, callback_at(m, handle)->queue)->domain;
    case KIND_ANSWER: return answer_at(m, handle)->domain;
    case KIND_REQUESTS: return requests_at(m, handle)->domain;
    case KIND_STUB: return stub_at(m, handle)->domain;
    case KIND_COUNT: break;
    }
    assert(!"a reference of no kind");
    return 0;
}

uint32_t ref_domain(const struct machine *m, uint32_t ref)
{
    return domain_of(m, ref_kind(ref), ref_handle(ref));
}

struct slice ref_id(const struct machine *m, uint32_t ref, char buffer[IDENT_TEXT_BYTES])
{
    const uint32_t *text = text_id(m, ref_kind(ref), ref_handle(ref));

    if (ref_kind(ref) == KIND_DOMAIN)
        return slice_make("", 0);
    if (text != NULL)
        return text_at(&m->texts, *text);
    return ident_text(&m->texts, ident_id(m, ref_kind(ref), ref_handle(ref)), buffer);
}

struct head *head_of(const struct machine *m, uint32_t ref)
{
    enum kind kind = ref_kind(ref);

    if (kind == KIND_COUNTERS)
        return &queue_at(m, ref_handle(ref))->counters;
    return pool_at(&m->pools[kind], ref_handle(ref)); /* head is the first member of all others */
}

struct slice ref_key(const struct machine *m, uint32_t ref, struct arena *arena)
{
    char buffer[IDENT_TEXT_BYTES];
    struct slice id = ref_id(m, ref, buffer);
    struct slice domain = text_at(&m->texts, domain_at(m, ref_domain(m, ref))->id);
    const char *kind = kind_names[ref_kind(ref)];
    size_t kind_size = strlen(kind), size = kind_size + domain.size + id.size + 2;
    uint8_t *key = arena_alloc(arena, size + 1);

    memcpy(key, kind, kind_size);
    key[kind_size] = '|';
    memcpy(key + kind_size + 1, domain.data, domain.size);
    key[kind_size + 1 + domain.size] = '|';
    if (id.size > 0)
        memcpy(key + kind_size + 2 + domain.size, id.data, id.size);
    key[size] = '\0';
    return slice_make(key, size);
}

uint64_t entity_digest(struct slice key, uint32_t version)
{
    uint8_t bytes[512];
    const uint8_t little[4] = {(uint8_t)version, (uint8_t)(version >> 8), (uint8_t)(version >> 16),
                               (uint8_t)(version >> 24)};

    assert(key.size + 4 <= sizeof(bytes));
    memcpy(bytes, key.data, key.size);
    memcpy(bytes + key.size, little, 4);
    return XXH3_64bits(bytes, key.size + 4);
}

/* --- tables --- */

static inline uint64_t hash_entity(const struct machine *m, enum kind kind, uint32_t handle)
{
    const uint32_t *text = text_id(m, kind, handle);
    uint64_t seed = kind == KIND_DOMAIN ? 0 : domain_of(m, kind, handle);

    if (text != NULL)
        return ident_hash(text_at(&m->texts, *text), seed);
    return ident_hash_of(&m->texts, ident_id(m, kind, handle), seed);
}

#define HASH_FUNCTION(name, kind)                                                                  \
    static uint64_t name(const void *user, uint32_t handle)                                        \
    {                                                                                              \
        return hash_entity(user, kind, handle);                                                    \
    }
HASH_FUNCTION(hash_domain, KIND_DOMAIN)
HASH_FUNCTION(hash_queue, KIND_QUEUE)
HASH_FUNCTION(hash_script, KIND_SCRIPT)
HASH_FUNCTION(hash_zone, KIND_ZONE)
HASH_FUNCTION(hash_agent, KIND_AGENT)
HASH_FUNCTION(hash_call, KIND_CALL)
HASH_FUNCTION(hash_callback, KIND_CALLBACK)
HASH_FUNCTION(hash_answer, KIND_ANSWER)
HASH_FUNCTION(hash_requests, KIND_REQUESTS)
HASH_FUNCTION(hash_stub, KIND_STUB)
#undef HASH_FUNCTION

static uint64_t hash_attempt(const void *user, uint32_t handle)
{
    const struct machine *m = user;
    const struct callback *cb = callback_at(m, handle);

    return ident_hash_of(&m->texts, &active_at(m, cb->active)->attempt,
                         queue_at(m, cb->queue)->domain);
}

static uint64_t hash_contact(const void *user, uint32_t handle)
{
    return contact_hash(user, handle);
}

static uint64_t hash_number(const void *user, uint32_t handle)
{
    return number_hash(user, handle);
}

static uint64_t hash_name(const void *user, uint32_t handle)
{
    const struct machine *m = user;
    const struct name *name = pool_at(&m->name_pool, handle);

    return ident_hash(text_at(&m->texts, name->text), name->domain);
}

static uint64_t hash_skillset(const void *user, uint32_t handle)
{
    const struct machine *m = user;
    const struct skillset *set = pool_at(&m->skillset_pool, handle);
    struct slice blob = text_at(&m->texts, set->blob);

    return XXH3_64bits_withSeed(blob.data, blob.size, set->domain);
}

static uint64_t hash_class(const void *user, uint32_t handle)
{
    return class_hash(class_at(user, handle));
}

void entities_init(struct machine *m)
{
    static uint64_t (*const hashes[KIND_COUNT])(const void *, uint32_t) = {
        [KIND_DOMAIN] = hash_domain,  [KIND_QUEUE] = hash_queue,
        [KIND_COUNTERS] = hash_queue, [KIND_SCRIPT] = hash_script,
        [KIND_ZONE] = hash_zone,      [KIND_AGENT] = hash_agent,
        [KIND_CALL] = hash_call,      [KIND_CALLBACK] = hash_callback,
        [KIND_ANSWER] = hash_answer,  [KIND_REQUESTS] = hash_requests,
        [KIND_STUB] = hash_stub,
    };

    texts_init(&m->texts);
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        pool_init(&m->pools[kind], kind_bytes[kind]);
        table_init(&m->tables[kind], hashes[kind], m);
    }
    pool_init(&m->name_pool, sizeof(struct name));
    pool_init(&m->skillset_pool, sizeof(struct skillset));
    pool_init(&m->class_pool, sizeof(struct class));
    pool_init(&m->extra_pool, sizeof(struct extra));
    pool_init(&m->held_pool, sizeof(struct held));
    pool_init(&m->active_pool, sizeof(struct active));
    table_init(&m->names, hash_name, m);
    table_init(&m->skillsets, hash_skillset, m);
    table_init(&m->classes, hash_class, m);
    table_init(&m->attempts, hash_attempt, m);
    table_init(&m->numbers, hash_number, m);
    table_init(&m->contacts, hash_contact, m);
    order_nodes_init(&m->nodes);
    arena_init(&m->scratch);
}

static void *keep_alloc(void *data, size_t size)
{
    (void)data;
    return memory_alloc(size, "settings");
}

static void keep_free(void *data, void *pointer)
{
    (void)data;
    free(pointer);
}

void *message_keep(const ProtobufCMessage *message, struct arena *arena)
{
    ProtobufCAllocator allocator = {keep_alloc, keep_free, NULL};
    size_t size;
    uint8_t *bytes;

    if (message == NULL)
        return NULL;
    size = protobuf_c_message_get_packed_size(message);
    bytes = arena_alloc(arena, size);
    protobuf_c_message_pack(message, bytes);
    return protobuf_c_message_unpack(message->descriptor, &allocator, size, bytes);
}

static void free_message(void *message)
{
    if (message != NULL)
        protobuf_c_message_free_unpacked(message, NULL);
}

void entities_deinit(struct machine *m)
{
    size_t cursor;
    uint32_t handle;

    for (cursor = 0; (handle = table_next(&m->tables[KIND_DOMAIN], &cursor)) != 0;) {
        free_message(domain_at(m, handle)->settings);
        blocked_clear(domain_at(m, handle));
    }
    for (cursor = 0; (handle = table_next(&m->tables[KIND_QUEUE], &cursor)) != 0;) {
        free_message(queue_at(m, handle)->settings);
        free(queue_at(m, handle)->past);
    }
    for (cursor = 0; (handle = table_next(&m->tables[KIND_SCRIPT], &cursor)) != 0;)
        free_message(script_at(m, handle)->settings);
    for (cursor = 0; (handle = table_next(&m->tables[KIND_ZONE], &cursor)) != 0;)
        free_message(zone_at(m, handle)->table);
    for (cursor = 0; (handle = table_next(&m->tables[KIND_AGENT], &cursor)) != 0;) {
        free_message(agent_at(m, handle)->settings);
        free(agent_at(m, handle)->queues);
        free(agent_at(m, handle)->declines);
    }
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        pool_deinit(&m->pools[kind]);
        table_deinit(&m->tables[kind]);
    }
    pool_deinit(&m->name_pool);
    pool_deinit(&m->skillset_pool);
    pool_deinit(&m->class_pool);
    pool_deinit(&m->extra_pool);
    pool_deinit(&m->held_pool);
    pool_deinit(&m->active_pool);
    table_deinit(&m->names);
    table_deinit(&m->skillsets);
    table_deinit(&m->classes);
    table_deinit(&m->attempts);
    table_deinit(&m->numbers);
    table_deinit(&m->contacts);
    free(m->stirred);
    order_nodes_deinit(&m->nodes);
    arena_deinit(&m->scratch);
    texts_deinit(&m->texts);
    free(m->dirty);
    free(m->touched);
    free(m->removed);
}

/* --- finding --- */

#define EQUAL_FUNCTION(name, kind)                                                                 \
    static bool name(const void *user, uint32_t handle, const void *key)                           \
    {                                                                                              \
        const struct machine *m = user;                                                            \
        const struct sought *sought = key;                                                         \
        const uint32_t *text = text_id(m, kind, handle);                                           \
        const struct ident *ident = ident_id(m, kind, handle);                                     \
                                                                                                   \
        if (kind != KIND_DOMAIN && domain_of(m, kind, handle) != sought->domain)                   \
            return false;                                                                          \
        if (text != NULL || ident == NULL)                                                         \
            return text != NULL && slice_equal(text_at(&m->texts, *text), sought->id);             \
        if (sought->ident != NULL)                                                                 \
            return memcmp(ident, sought->ident, 16) == 0;                                          \
        return ident_equal(&m->texts, ident, sought->id);                                          \
    }
EQUAL_FUNCTION(equal_domain, KIND_DOMAIN)
EQUAL_FUNCTION(equal_queue, KIND_QUEUE)
EQUAL_FUNCTION(equal_script, KIND_SCRIPT)
EQUAL_FUNCTION(equal_zone, KIND_ZONE)
EQUAL_FUNCTION(equal_agent, KIND_AGENT)
EQUAL_FUNCTION(equal_call, KIND_CALL)
EQUAL_FUNCTION(equal_callback, KIND_CALLBACK)
EQUAL_FUNCTION(equal_answer, KIND_ANSWER)
EQUAL_FUNCTION(equal_requests, KIND_REQUESTS)
EQUAL_FUNCTION(equal_stub, KIND_STUB)
#undef EQUAL_FUNCTION

static bool (*const equals[KIND_COUNT])(const void *, uint32_t, const void *) = {
    [KIND_DOMAIN] = equal_domain,  [KIND_QUEUE] = equal_queue,
    [KIND_COUNTERS] = equal_queue, [KIND_SCRIPT] = equal_script,
    [KIND_ZONE] = equal_zone,      [KIND_AGENT] = equal_agent,
    [KIND_CALL] = equal_call,      [KIND_CALLBACK] = equal_callback,
    [KIND_ANSWER] = equal_answer,  [KIND_REQUESTS] = equal_requests,
    [KIND_STUB] = equal_stub,
};

uint32_t domain_find(const struct machine *m, struct slice id)
{
    struct sought sought = {.m = m, .id = id};

    return table_find(&m->tables[KIND_DOMAIN], ident_hash(id, 0), equal_domain, &sought);
}

uint32_t entity_find(const struct machine *m, enum kind kind, uint32_t domain, struct slice id)
{
    struct sought sought = {.m = m, .domain = domain, .id = id};

    if (domain == 0 || id.size == 0)
        return 0;
    return table_find(&m->tables[kind], ident_hash(id, domain), equals[kind], &sought);
}

static uint32_t find_ident(const struct machine *m, enum kind kind, uint32_t domain,
                           const struct ident *id)
{
    struct sought sought = {.m = m, .domain = domain, .ident = id};

    return table_find(&m->tables[kind], ident_hash_of(&m->texts, id, domain), equals[kind],
                      &sought);
}

uint32_t callback_find(const struct machine *m, uint32_t domain, const struct ident *id)
{
    return find_ident(m, KIND_CALLBACK, domain, id);
}

static struct slice id_text(const struct machine *m, enum kind kind, uint32_t handle)
{
    uint32_t id = kind == KIND_QUEUE ? queue_at(m, handle)->id : agent_at(m, handle)->id;

    assert(kind == KIND_QUEUE || kind == KIND_AGENT);
    return text_at(&m->texts, id);
}

void by_id_add(struct machine *m, struct by_id *list, enum kind kind, uint32_t handle)
{
    struct slice id = id_text(m, kind, handle);
    size_t at = list->count;

    while (at > 0 && slice_compare(id_text(m, kind, list->handles[at - 1]), id) > 0)
        at--;
    if (at > 0 && list->handles[at - 1] == handle)
        return;
    if (list->count == list->room) {
        uint32_t *more;

        list->room = 2 * list->room + 16;
        more = arena_alloc(m->step.arena, list->room * sizeof(*more));
        if (list->count > 0)
            memcpy(more, list->handles, list->count * sizeof(*more));
        list->handles = more;
    }
    memmove(&list->handles[at + 1], &list->handles[at],
            (list->count - at) * sizeof(*list->handles));
    list->handles[at] = handle;
    list->count++;
}

uint32_t stub_find(const struct machine *m, uint32_t domain, const struct ident *id)
{
    return find_ident(m, KIND_STUB, domain, id);
}

static bool equal_attempt(const void *user, uint32_t handle, const void *key)
{
    const struct machine *m = user;
    const struct sought *sought = key;
    const struct callback *cb = callback_at(m, handle);

    return queue_at(m, cb->queue)->domain == sought->domain &&
           ident_equal(&m->texts, &active_at(m, cb->active)->attempt, sought->id);
}

uint32_t attempt_find(const struct machine *m, uint32_t domain, struct slice id)
{
    struct sought sought = {.m = m, .domain = domain, .id = id};

    return table_find(&m->attempts, ident_hash(id, domain), equal_attempt, &sought);
}

/* --- making --- */

uint32_t domain_get(struct machine *m, struct slice id)
{
    uint32_t handle = domain_find(m, id);

    if (handle != 0)
        return handle;
    handle = pool_take(&m->pools[KIND_DOMAIN]);
    domain_at(m, handle)->id = text_put(&m->texts, id);
    table_put(&m->tables[KIND_DOMAIN], ident_hash(id, 0), handle);
    return handle;
}

uint32_t entity_get(struct machine *m, enum kind kind, uint32_t domain, struct slice id)
{
    uint32_t handle = entity_find(m, kind, domain, id);

    if (handle != 0)
        return handle;
    handle = pool_take(&m->pools[kind]);
    switch (kind) {
    case KIND_QUEUE:
        queue_at(m, handle)->domain = domain;
        queue_at(m, handle)->id = text_put(&m->texts, id);
        break;
    case KIND_SCRIPT:
        script_at(m, handle)->domain = domain;
        script_at(m, handle)->id = text_put(&m->texts, id);
        break;
    case KIND_ZONE:
        zone_at(m, handle)->domain = domain;
        zone_at(m, handle)->id = text_put(&m->texts, id);
        break;
    case KIND_AGENT:
        agent_at(m, handle)->domain = domain;
        agent_at(m, handle)->id = text_put(&m->texts, id);
        break;
    case KIND_CALL:
        call_at(m, handle)->domain = domain;
        call_at(m, handle)->id = ident_put(&m->texts, id);
        break;
    case KIND_ANSWER:
        answer_at(m, handle)->domain = domain;
        answer_at(m, handle)->request = ident_put(&m->texts, id);
        break;
    case KIND_REQUESTS:
        requests_at(m, handle)->domain = domain;
        requests_at(m, handle)->id = ident_put(&m->texts, id);
        break;
    case KIND_DOMAIN:
    case KIND_COUNTERS:
    case KIND_CALLBACK:
    case KIND_STUB:
    case KIND_COUNT: assert(!"not made by entity_get"); break;
    }
    table_put(&m->tables[kind], ident_hash(id, domain), handle);
    return handle;
}

uint32_t callback_new(struct machine *m, uint32_t domain, const struct ident *id, uint32_t queue)
{
    uint32_t handle = pool_take(&m->pools[KIND_CALLBACK]);
    struct callback *cb = callback_at(m, handle);

    assert(queue_at(m, queue)->domain == domain);
    cb->id = *id;
    cb->queue = queue;
    table_put(&m->tables[KIND_CALLBACK], ident_hash_of(&m->texts, id, domain), handle);
    return handle;
}

uint32_t stub_new(struct machine *m, uint32_t domain, const struct ident *id)
{
    uint32_t handle = pool_take(&m->pools[KIND_STUB]);
    struct stub *stub = stub_at(m, handle);

    stub->id = *id;
    stub->domain = domain;
    table_put(&m->tables[KIND_STUB], ident_hash_of(&m->texts, id, domain), handle);
    return handle;
}

/* --- changing --- */

static void mark_dirty(struct machine *m, uint32_t ref, struct head *head)
{
    if (head->marks & MARK_DIRTY)
        return;
    head->marks |= MARK_DIRTY;
    m->dirty = grow(m->dirty, m->dirty_count, &m->dirty_room, sizeof(*m->dirty));
    m->dirty[m->dirty_count++] = (struct dirty){.ref = ref};
    if (head->version == 0)
        m->entity_count++;
    else
        m->digest -= entity_digest(ref_key(m, ref, &m->scratch), head->version);
}

void touch(struct machine *m, uint32_t ref)
{
    struct head *head = head_of(m, ref);

    if (m->loading || head->marks & MARK_TOUCHED)
        return;
    mark_dirty(m, ref, head);
    head->marks |= MARK_TOUCHED;
    head->version++;
    m->touched = grow(m->touched, m->touched_count, &m->touched_room, sizeof(*m->touched));
    m->touched[m->touched_count++] = ref;
}

/* Take ref out of the batch's and the step's lists. */
static void unlist(struct machine *m, uint32_t ref, struct head *head)
{
    if (head->marks & MARK_DIRTY)
        for (size_t at = m->dirty_count; at-- > 0;)
            if (m->dirty[at].ref == ref) {
                m->dirty[at].ref = 0;
                break;
            }
    if (head->marks & MARK_TOUCHED)
        for (size_t at = m->touched_count; at-- > 0;)
            if (m->touched[at] == ref) {
                m->touched[at] = 0;
                break;
            }
    head->marks = 0;
}

void entity_forget(struct machine *m, uint32_t ref)
{
    struct head *head = head_of(m, ref);
    struct slice key;

    if (head->wake_index != 0)
        heap_remove(&m->wakes[head->wake_class], head->wake_index);
    if (m->loading || head->version == 0)
        return;
    key = ref_key(m, ref, &m->scratch);
    if (!(head->marks & MARK_DIRTY))
        m->digest -= entity_digest(key, head->version);
    unlist(m, ref, head);
    m->entity_count--;
    m->removed = grow(m->removed, m->removed_count, &m->removed_room, sizeof(*m->removed));
    m->removed[m->removed_count++] = key;
}

struct extra *extra_get(struct machine *m, struct callback *cb)
{
    if (cb->extra == 0)
        cb->extra = pool_take(&m->extra_pool);
    return pool_at(&m->extra_pool, cb->extra);
}

const struct extra *extra_of(const struct machine *m, const struct callback *cb)
{
    return cb->extra == 0 ? NULL : pool_at(&m->extra_pool, cb->extra);
}

struct active *active_get(struct machine *m, struct callback *cb)
{
    if (cb->active == 0)
        cb->active = pool_take(&m->active_pool);
    return active_at(m, cb->active);
}

void attempt_index(struct machine *m, uint32_t callback)
{
    if (callback_at(m, callback)->active != 0 &&
        !ident_is_none(&active_at(m, callback_at(m, callback)->active)->attempt))
        table_put(&m->attempts, hash_attempt(m, callback), callback);
}

void attempt_unindex(struct machine *m, uint32_t callback)
{
    if (callback_at(m, callback)->active != 0 &&
        !ident_is_none(&active_at(m, callback_at(m, callback)->active)->attempt))
        table_remove(&m->attempts, hash_attempt(m, callback), callback);
}

void callback_strip(struct machine *m, struct callback *cb)
{
    if (cb->extra != 0) {
        struct extra *extra = extra_get(m, cb);

        ident_drop(&m->texts, &extra->tie);
        text_drop(&m->texts, extra->name);
        text_drop(&m->texts, extra->callee_name);
        text_drop(&m->texts, extra->caller_id);
        text_drop(&m->texts, extra->caller_name);
        text_drop(&m->texts, extra->scores);
        text_drop(&m->texts, extra->campaign);
        text_drop(&m->texts, extra->contact);
        text_drop(&m->texts, extra->recording);
        pool_give(&m->extra_pool, cb->extra);
    }
    if (cb->active != 0)
        pool_give(&m->active_pool, cb->active);
    ident_drop(&m->texts, &cb->conversation);
    ident_drop(&m->texts, &cb->interaction);
    cb->extra = cb->active = 0;
}

static struct held *held_at(const struct machine *m, uint32_t handle)
{
    return pool_at(&m->held_pool, handle);
}

/* Frees the place that link refers to. */
static void held_unlink(struct machine *m, uint32_t *link)
{
    uint32_t handle = *link;
    struct held *held = held_at(m, handle);

    *link = held->next;
    ident_drop(&m->texts, &held->tie);
    text_drop(&m->texts, held->scores);
    pool_give(&m->held_pool, handle);
}

struct held *held_push(struct machine *m, struct call *call)
{
    uint32_t handle = pool_take(&m->held_pool), *link = &call->held;

    for (int kept = 1; *link != 0 && kept < HELD_PLACES_MAX; kept++)
        link = &held_at(m, *link)->next;
    if (*link != 0)
        held_unlink(m, link);
    *held_at(m, handle) = (struct held){.next = call->held};
    call->held = handle;
    return held_at(m, handle);
}

void held_clear(struct machine *m, struct call *call)
{
    while (call->held != 0)
        held_unlink(m, &call->held);
}

const struct held *held_in(const struct machine *m, const struct call *call, uint32_t queue)
{
    for (uint32_t at = call->held; at != 0; at = held_at(m, at)->next)
        if (held_at(m, at)->queue == queue)
            return held_at(m, at);
    return NULL;
}

void call_strip(struct machine *m, struct call *call)
{
    held_clear(m, call);
    ident_drop(&m->texts, &call->conversation);
    ident_drop(&m->texts, &call->tie);
    text_drop(&m->texts, call->scores);
    text_drop(&m->texts, call->ani);
    text_drop(&m->texts, call->dialled);
    text_drop(&m->texts, call->caller_id);
    text_drop(&m->texts, call->caller_name);
    text_drop(&m->texts, call->flow_ids);
    text_drop(&m->texts, call->data_ids);
    call->scores = call->ani = call->dialled = call->caller_id = call->caller_name = 0;
    call->flow_ids = call->data_ids = 0;
}

void call_remove(struct machine *m, uint32_t handle)
{
    struct call *call = call_at(m, handle);

    if (!m->loading) {
        contact_drop(m, handle);
        call_unplace(m, handle);
        agent_detach(m, handle);
    }
    entity_forget(m, ref_make(KIND_CALL, handle));
    table_remove(&m->tables[KIND_CALL], hash_call(m, handle), handle);
    call_strip(m, call);
    ident_drop(&m->texts, &call->id);
    pool_give(&m->pools[KIND_CALL], handle);
}

void answer_remove(struct machine *m, uint32_t handle)
{
    entity_forget(m, ref_make(KIND_ANSWER, handle));
    table_remove(&m->tables[KIND_ANSWER], hash_answer(m, handle), handle);
    ident_drop(&m->texts, &answer_at(m, handle)->request);
    pool_give(&m->pools[KIND_ANSWER], handle);
}

void requests_remove(struct machine *m, uint32_t handle)
{
    entity_forget(m, ref_make(KIND_REQUESTS, handle));
    table_remove(&m->tables[KIND_REQUESTS], hash_requests(m, handle), handle);
    ident_drop(&m->texts, &requests_at(m, handle)->id);
    pool_give(&m->pools[KIND_REQUESTS], handle);
}

void stub_remove(struct machine *m, uint32_t handle)
{
    entity_forget(m, ref_make(KIND_STUB, handle));
    table_remove(&m->tables[KIND_STUB], hash_stub(m, handle), handle);
    pool_give(&m->pools[KIND_STUB], handle);
}

void callback_bury(struct machine *m, uint32_t handle, uint32_t reason, int64_t ended_ms,
                   const PB(StateRecord) * last)
{
    uint32_t ref = ref_make(KIND_CALLBACK, handle), domain = ref_domain(m, ref), stub_handle;
    struct callback *cb = callback_at(m, handle);
    struct head *head = &cb->head;
    struct ident id = cb->id;
    struct stub *stub;

    if (head->wake_index != 0)
        heap_remove(&m->wakes[head->wake_class], head->wake_index);
    stub_handle = stub_new(m, domain, &id);
    stub = stub_at(m, stub_handle);
    stub->reason = reason;
    stub->ended_ms = ended_ms;
    stub->head.kind = head->kind;
    stub->head.version = head->version;
    stub->head.marks = head->marks;
    /* The stub takes the callback's place in the lists. */
    for (size_t at = m->dirty_count; (head->marks & MARK_DIRTY) && at-- > 0;)
        if (m->dirty[at].ref == ref) {
            m->dirty[at] = (struct dirty){ref_make(KIND_STUB, stub_handle), last};
            break;
        }
    for (size_t at = m->touched_count; (head->marks & MARK_TOUCHED) && at-- > 0;)
        if (m->touched[at] == ref) {
            m->touched[at] = ref_make(KIND_STUB, stub_handle);
            break;
        }
    table_remove(&m->tables[KIND_CALLBACK], hash_callback(m, handle), handle);
    callback_strip(m, cb);
    pool_give(&m->pools[KIND_CALLBACK], handle);
}

/* --- names and sets of names --- */

static bool equal_name(const void *user, uint32_t handle, const void *key)
{
    const struct machine *m = user;
    const struct sought *sought = key;
    const struct name *name = pool_at(&m->name_pool, handle);

    return name->domain == sought->domain &&
           slice_equal(text_at(&m->texts, name->text), sought->id);
}

static bool name_listed(const struct machine *m, uint32_t domain, struct slice text)
{
    const PB(DomainSettings) *settings = domain_at(m, domain)->settings;

    if (settings == NULL || (settings->n_skills == 0 && settings->n_languages == 0))
        return true;
    for (size_t at = 0; at < settings->n_skills; at++)
        if (slice_equal(slice_text(settings->skills[at]), text))
            return true;
    for (size_t at = 0; at < settings->n_languages; at++)
        if (slice_equal(slice_text(settings->languages[at]), text))
            return true;
    return false;
}

uint32_t name_get(struct machine *m, uint32_t domain, struct slice text)
{
    struct sought sought = {.m = m, .domain = domain, .id = text};
    uint64_t hash = ident_hash(text, domain);
    uint32_t handle;
    struct name *name;

    if (text.size == 0)
        return 0;
    handle = table_find(&m->names, hash, equal_name, &sought);
    if (handle != 0)
        return handle;
    handle = pool_take(&m->name_pool);
    name = pool_at(&m->name_pool, handle);
    name->domain = domain;
    name->text = text_put(&m->texts, text);
    name->asked = name_listed(m, domain, text);
    table_put(&m->names, hash, handle);
    return handle;
}

void names_refresh(struct machine *m, uint32_t domain)
{
    size_t cursor = 0;
    uint32_t handle;

    while ((handle = table_next(&m->names, &cursor)) != 0) {
        struct name *name = pool_at(&m->name_pool, handle);

        if (name->domain == domain)
            name->asked = name_listed(m, domain, text_at(&m->texts, name->text));
    }
}

static bool equal_skillset(const void *user, uint32_t handle, const void *key)
{
    const struct machine *m = user;
    const struct sought *sought = key;
    const struct skillset *set = pool_at(&m->skillset_pool, handle);

    return set->domain == sought->domain && slice_equal(text_at(&m->texts, set->blob), sought->id);
}

static uint32_t skillset_intern(struct machine *m, uint32_t domain, const uint32_t *names,
                                uint32_t count)
{
    struct slice blob = slice_make(names, count * sizeof(*names));
    struct sought sought = {.m = m, .domain = domain, .id = blob};
    uint64_t hash = XXH3_64bits_withSeed(blob.data, blob.size, domain);
    uint32_t handle = table_find(&m->skillsets, hash, equal_skillset, &sought);
    struct skillset *set;

    if (handle != 0)
        return handle;
    handle = pool_take(&m->skillset_pool);
    set = pool_at(&m->skillset_pool, handle);
    set->domain = domain;
    set->blob = text_put(&m->texts, blob);
    set->count = count;
    for (uint32_t at = 0; at < count; at++)
        set->bits |= UINT64_C(1) << (names[at] % 64);
    table_put(&m->skillsets, hash, handle);
    return handle;
}

uint32_t skillset_get(struct machine *m, uint32_t domain, char **texts, size_t count)
{
    uint32_t names[64];
    uint32_t used = 0;

    assert(count <= sizeof(names) / sizeof(names[0]));
    for (size_t at = 0; at < count; at++) {
        uint32_t name = name_get(m, domain, slice_text(texts[at])), place = used;

        while (place > 0 && names[place - 1] > name)
            place--;
        if (name == 0 || (place > 0 && names[place - 1] == name))
            continue;
        memmove(names + place + 1, names + place, (used - place) * sizeof(*names));
        names[place] = name;
        used++;
    }
    return used == 0 ? 0 : skillset_intern(m, domain, names, used);
}

const uint32_t *skillset_names(const struct machine *m, uint32_t skillset, uint32_t *count)
{
    const struct skillset *set;

    *count = 0;
    if (skillset == 0)
        return NULL;
    set = pool_at(&m->skillset_pool, skillset);
    *count = set->count;
    return (const uint32_t *)(const void *)text_at(&m->texts, set->blob).data;
}
