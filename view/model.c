#include "view/model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/memory.h"
#include "state/text.h"

/* --- parts --- */

uint64_t view_digits(const char *text, int *count)
{
    uint64_t digits = 0;
    int found = 0;

    for (; *text != '\0' && found < 15; text++) {
        if (*text >= '0' && *text <= '9')
            digits |= (uint64_t)(*text - '0' + 1) << (60 - 4 * found++);
    }
    *count = found;
    return digits;
}

uint64_t view_pairs(const char *text)
{
    uint64_t pairs = 0;

    for (; text[0] != '\0' && text[1] != '\0'; text++) {
        uint32_t pair = (uint32_t)view_small(text[0]) << 8 | view_small(text[1]);

        pairs |= UINT64_C(1) << (pair * UINT32_C(0x9e3779b1) >> 26);
    }
    return pairs;
}

uint64_t view_name_key(const char *name)
{
    uint64_t key = 0;

    for (int at = 0; at < 8 && name[at] != '\0'; at++)
        key |= (uint64_t)view_small(name[at]) << (56 - 8 * at);
    return key;
}

uint64_t view_id_hash(const char *id)
{
    return id[0] == '\0' ? 0 : XXH3_64bits(id, strlen(id)) | 1;
}

int view_compare_small(const char *left, const char *right)
{
    for (; *left != '\0' && view_small(*left) == view_small(*right); left++)
        right++;
    return (int)view_small(*left) - (int)view_small(*right);
}

const char *view_id_text(const uint8_t id[16], char text[view_id_size])
{
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;

    for (int byte = 0; byte < 16; byte++) {
        if (byte == 4 || byte == 6 || byte == 8 || byte == 10)
            text[at++] = '-';
        text[at++] = digits[id[byte] >> 4];
        text[at++] = digits[id[byte] & 15];
    }
    text[at] = '\0';
    return text;
}

bool view_id_parse(struct slice text, uint8_t id[16])
{
    uint8_t small[view_id_size];

    if (text.size != view_id_size - 1)
        return false;
    for (size_t at = 0; at < text.size; at++)
        small[at] = view_small((char)text.data[at]);
    return ident_uuid(slice_make(small, text.size), id);
}

/* --- tables --- */

struct row_key {
    uint32_t domain;
    const uint8_t *id;
};

struct pair_key {
    uint32_t domain, id;
};

static uint64_t hash_pair(uint32_t domain, uint32_t id)
{
    return ((uint64_t)domain << 32 | id) * UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t hash_id(uint32_t domain, const uint8_t id[16])
{
    uint64_t low, high;

    memcpy(&low, id, 8);
    memcpy(&high, id + 8, 8);
    return low ^ high * UINT64_C(0x9e3779b97f4a7c15) ^ domain;
}

static uint64_t row_hash(const void *user, uint32_t handle)
{
    const struct view_model *model = user;

    return hash_id(model_row(model, handle)->domain, model_rest(model, handle)->id);
}

static bool row_equals(const void *user, uint32_t handle, const void *key)
{
    const struct view_model *model = user;
    const struct row_key *sought = key;

    return memcmp(model_rest(model, handle)->id, sought->id, 16) == 0 &&
           model_row(model, handle)->domain == sought->domain;
}

static uint64_t domain_hash(const void *user, uint32_t handle)
{
    return hash_pair(0, ((const struct view_model *)user)->domains[handle].id);
}

static bool domain_equals(const void *user, uint32_t handle, const void *key)
{
    return ((const struct view_model *)user)->domains[handle].id == *(const uint32_t *)key;
}

static uint64_t queue_hash(const void *user, uint32_t handle)
{
    const struct view_queue *queue = &((const struct view_model *)user)->queues[handle];

    return hash_pair(queue->domain, queue->id);
}

static bool queue_equals(const void *user, uint32_t handle, const void *key)
{
    const struct view_queue *queue = &((const struct view_model *)user)->queues[handle];
    const struct pair_key *sought = key;

    return queue->domain == sought->domain && queue->id == sought->id;
}

static uint64_t agent_hash(const void *user, uint32_t handle)
{
    const struct view_agent *agent = &((const struct view_model *)user)->agents[handle];

    return hash_pair(agent->domain, agent->id);
}

static bool agent_equals(const void *user, uint32_t handle, const void *key)
{
    const struct view_agent *agent = &((const struct view_model *)user)->agents[handle];
    const struct pair_key *sought = key;

    return agent->domain == sought->domain && agent->id == sought->id;
}

static uint64_t call_hash(const void *user, uint32_t handle)
{
    const struct view_call *call = pool_at(&((const struct view_model *)user)->calls, handle);

    return hash_id(0, call->key);
}

static bool call_equals(const void *user, uint32_t handle, const void *key)
{
    const struct view_call *call = pool_at(&((const struct view_model *)user)->calls, handle);

    return memcmp(call->key, key, 16) == 0;
}

void model_init(struct view_model *model)
{
    *model = (struct view_model){.row_end = 1};
    strings_init(&model->strings);
    pool_init(&model->rows, sizeof(struct view_row));
    pool_init(&model->searches, sizeof(struct view_search));
    pool_init(&model->rests, sizeof(struct view_rest));
    pool_init(&model->calls, sizeof(struct view_call));
    order_nodes_init(&model->nodes);
    table_init(&model->row_table, row_hash, model);
    table_init(&model->domain_table, domain_hash, model);
    table_init(&model->queue_table, queue_hash, model);
    table_init(&model->agent_table, agent_hash, model);
    table_init(&model->call_table, call_hash, model);
    model->domain_count = model->queue_count = model->agent_count = 1;
    model->domain_room = model->queue_room = model->agent_room = 16;
    model->domains = memory_zalloc(16 * sizeof(*model->domains), "domains");
    model->queues = memory_zalloc(16 * sizeof(*model->queues), "queues");
    model->agents = memory_zalloc(16 * sizeof(*model->agents), "agents");
}

void model_deinit(struct view_model *model)
{
    for (uint32_t handle = 1; handle < model->row_end; handle++) {
        if (model_row(model, handle)->kind != 0)
            free(model_rest(model, handle)->texts);
    }
    for (uint32_t at = 1; at < model->agent_count; at++)
        free(model->agents[at].queues);
    table_deinit(&model->row_table);
    table_deinit(&model->domain_table);
    table_deinit(&model->queue_table);
    table_deinit(&model->agent_table);
    table_deinit(&model->call_table);
    order_nodes_deinit(&model->nodes);
    pool_deinit(&model->rows);
    pool_deinit(&model->searches);
    pool_deinit(&model->rests);
    pool_deinit(&model->calls);
    free(model->domains);
    free(model->queues);
    free(model->agents);
    strings_deinit(&model->strings);
}

/* --- finding and making --- */

uint32_t model_find_domain(const struct view_model *model, struct slice id)
{
    uint32_t string = strings_find(&model->strings, id);

    return string == 0
               ? 0
               : table_find(&model->domain_table, hash_pair(0, string), domain_equals, &string);
}

uint32_t model_find_queue(const struct view_model *model, uint32_t domain, uint32_t id)
{
    const struct pair_key key = {domain, id};

    return table_find(&model->queue_table, hash_pair(domain, id), queue_equals, &key);
}

uint32_t model_find_agent(const struct view_model *model, uint32_t domain, uint32_t id)
{
    const struct pair_key key = {domain, id};

    return table_find(&model->agent_table, hash_pair(domain, id), agent_equals, &key);
}

uint32_t model_find(const struct view_model *model, struct slice domain, const uint8_t id[16])
{
    struct row_key key = {model_find_domain(model, domain), id};

    if (key.domain == 0)
        return 0;
    return table_find(&model->row_table, hash_id(key.domain, id), row_equals, &key);
}

/* Room for one more in an array that begins with 16; what is new is zeroed. */
static void *more_room(void *items, uint32_t count, uint32_t *room, size_t size)
{
    if (count < *room)
        return items;
    *room *= 2;
    items = memory_grow(items, *room * size, "the view's rows");
    memset((char *)items + count * size, 0, (*room - count) * size);
    return items;
}

static uint32_t domain_get(struct view_model *model, struct slice id, int32_t partition)
{
    uint32_t handle = model_find_domain(model, id);

    if (handle == 0) {
        uint32_t string = strings_put(&model->strings, id);

        model->domains = more_room(model->domains, model->domain_count, &model->domain_room,
                                   sizeof(*model->domains));
        handle = model->domain_count++;
        model->domains[handle].id = string;
        table_put(&model->domain_table, hash_pair(0, string), handle);
    }
    model->domains[handle].partition = partition;
    return handle;
}

static uint32_t queue_get(struct view_model *model, uint32_t domain, struct slice id)
{
    uint32_t string = strings_put(&model->strings, id), handle;

    if (string == 0)
        return 0;
    handle = model_find_queue(model, domain, string);
    if (handle != 0)
        return handle;
    model->queues =
        more_room(model->queues, model->queue_count, &model->queue_room, sizeof(*model->queues));
    handle = model->queue_count++;
    model->queues[handle] = (struct view_queue){.domain = domain, .id = string, .estimate_ms = -1};
    table_put(&model->queue_table, hash_pair(domain, string), handle);
    return handle;
}

static uint32_t agent_get(struct view_model *model, uint32_t domain, struct slice id)
{
    uint32_t string = strings_put(&model->strings, id), handle;

    handle = model_find_agent(model, domain, string);
    if (handle != 0)
        return handle;
    model->agents =
        more_room(model->agents, model->agent_count, &model->agent_room, sizeof(*model->agents));
    handle = model->agent_count++;
    model->agents[handle] = (struct view_agent){.domain = domain, .id = string};
    table_put(&model->agent_table, hash_pair(domain, string), handle);
    return handle;
}

void model_texts(const struct view_model *model, uint32_t handle,
                 const char *texts[VIEW_TEXT_COUNT])
{
    const char *at = model_rest(model, handle)->texts;

    for (int i = 0; i < VIEW_TEXT_COUNT; i++) {
        texts[i] = at;
        at += strlen(at) + 1;
    }
}

const char *model_queue_name(const struct view_model *model, uint32_t queue)
{
    const struct view_queue *found = &model->queues[queue];

    return model_string(model, found->name != 0 ? found->name : found->id);
}

bool model_owned(const struct view_model *model, uint32_t handle)
{
    const struct view_row *row = model_row(model, handle);
    uint32_t agent = row->owner == 0 ? 0 : model_find_agent(model, row->domain, row->owner);

    return row->owner != 0 && (agent == 0 || !model->agents[agent].removed);
}

/* --- trees --- */

int64_t model_tree_key(const struct view_row *row, enum view_tree tree)
{
    switch (tree) {
    case VIEW_TREE_DUE: return row->due_ms;
    case VIEW_TREE_CREATED: return row->created_ms;
    case VIEW_TREE_UPDATED: return row->updated_ms;
    case VIEW_TREE_COUNT: break;
    }
    return 0;
}

static int compare_ids(const void *user, uint32_t sought, uint32_t entry)
{
    const struct model_order *order = user;
    const uint8_t *id = sought == 0 ? order->sought : model_rest(order->model, sought)->id;

    return memcmp(id, model_rest(order->model, entry)->id, 16);
}

struct order_compare model_compare(const struct model_order *order)
{
    return (struct order_compare){compare_ids, order};
}

static struct order *tree_of(struct view_model *model, const struct view_row *row, int tree)
{
    return &model->domains[row->domain].trees[row->class][tree];
}

static void plant(struct view_model *model, uint32_t handle)
{
    const struct model_order order = {model, NULL};
    const struct view_row *row = model_row(model, handle);

    for (int tree = 0; tree < VIEW_TREE_COUNT; tree++)
        order_put(tree_of(model, row, tree), &model->nodes,
                  model_tree_key(row, (enum view_tree)tree), handle, model_compare(&order));
    model->counts[row->class]++;
    model->queues[row->queue].live += row->class < VIEW_CLASS_SHOWN_ENDED;
}

static void pull(struct view_model *model, uint32_t handle)
{
    const struct model_order order = {model, NULL};
    const struct view_row *row = model_row(model, handle);

    for (int tree = 0; tree < VIEW_TREE_COUNT; tree++) {
        bool was =
            order_remove(tree_of(model, row, tree), &model->nodes,
                         model_tree_key(row, (enum view_tree)tree), handle, model_compare(&order));

        assert(was);
    }
    model->counts[row->class]--;
    model->queues[row->queue].live -= row->class < VIEW_CLASS_SHOWN_ENDED;
}

/* --- callbacks --- */

static uint32_t row_take(struct view_model *model)
{
    uint32_t handle = model->row_free;

    model->row_count++;
    if (handle != 0) {
        model->row_free = model_row(model, handle)->domain;
        return handle;
    }
    handle = pool_take(&model->rows);
    if (pool_take(&model->searches) != handle || pool_take(&model->rests) != handle)
        abort(); /* the three are taken together and never given back */
    model->row_end = handle + 1;
    return handle;
}

static void row_remove(struct view_model *model, uint32_t handle)
{
    struct view_row *row = model_row(model, handle);
    struct view_rest *rest = model_rest(model, handle);

    pull(model, handle);
    (void)table_remove(&model->row_table, row_hash(model, handle), handle);
    model->text_bytes -= row->text_size;
    free(rest->texts);
    memset(rest, 0, sizeof(*rest));
    memset(row, 0, sizeof(*row));
    row->domain = model->row_free;
    model->row_free = handle;
    model->row_count--;
}

static void set_texts(struct view_model *model, uint32_t handle,
                      const Ringback__V1__CallbackEntity *value)
{
    const char *const texts[VIEW_TEXT_COUNT] = {
        [VIEW_TEXT_NUMBER] = value->number,
        [VIEW_TEXT_NAME] = value->name,
        [VIEW_TEXT_CALLEE] = value->callee_name,
        [VIEW_TEXT_CONVERSATION] = value->conversation_id,
        [VIEW_TEXT_INTERACTION] = value->interaction_id,
        [VIEW_TEXT_CONTACT] = value->contact_id,
        [VIEW_TEXT_CALLER_ID] = value->caller_id,
    };
    struct view_row *row = model_row(model, handle);
    struct view_rest *rest = model_rest(model, handle);
    struct view_search *search = model_search(model, handle);
    size_t size = 0, at = 0;
    int count;

    for (int i = 0; i < VIEW_TEXT_COUNT; i++)
        size += strlen(texts[i]) + 1;
    if (size != row->text_size) {
        model->text_bytes += size - row->text_size;
        rest->texts = memory_grow(rest->texts, size, "a callback's texts");
        row->text_size = (uint32_t)size;
    }
    for (int i = 0; i < VIEW_TEXT_COUNT; i++) {
        size_t one = strlen(texts[i]) + 1;

        memcpy(rest->texts + at, texts[i], one);
        at += one;
    }
    row->number = view_digits(value->number, &count);
    search->name_key = view_name_key(value->name);
    search->pairs = view_pairs(value->name) | view_pairs(value->callee_name);
    search->ids[0] = view_id_hash(value->conversation_id);
    search->ids[1] = view_id_hash(value->interaction_id);
}

static uint8_t class_of(const Ringback__V1__CallbackEntity *value)
{
    bool shown = value->kind == RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_SCHEDULED ||
                 value->kind == RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_CAMPAIGN;
    bool ended = value->state == RINGBACK__V1__CALLBACK_STATE__CALLBACK_STATE_ENDED;

    if (ended)
        return shown ? VIEW_CLASS_SHOWN_ENDED : VIEW_CLASS_OTHER_ENDED;
    return shown ? VIEW_CLASS_SHOWN : VIEW_CLASS_OTHER;
}

static uint32_t put_text(struct view_model *model, const char *text)
{
    return strings_put(&model->strings, slice_text(text));
}

static void set_row(struct view_model *model, uint32_t handle,
                    const Ringback__V1__CallbackEntity *value)
{
    struct view_row *row = model_row(model, handle);
    struct view_rest *rest = model_rest(model, handle);
    const Ringback__V1__Place *place = value->place;

    row->due_ms = value->due_ms == 0 ? INT64_MAX : value->due_ms;
    row->created_ms = value->created_ms;
    row->updated_ms = value->updated_ms;
    row->queue = place == NULL ? 0 : queue_get(model, row->domain, slice_text(place->queue_id));
    row->owner = put_text(model, value->owner_agent_id);
    row->scheduled_by = put_text(model, value->scheduled_by);
    row->agent = put_text(model, value->agent_id);
    row->campaign = put_text(model, value->campaign_id);
    row->kind = (uint8_t)value->kind;
    row->state = (uint8_t)value->state;
    row->reason = (uint8_t)value->end_reason;
    row->class = class_of(value);
    rest->since_ms = value->since_ms;
    rest->entry_ms = place == NULL ? 0 : place->entry_ms;
    rest->resume_ms = value->resume_ms;
    rest->ended_ms = value->ended_ms;
    rest->owner_end_ms = value->owner_end_ms;
    rest->zone = value->local_due == NULL ? 0 : put_text(model, value->local_due->zone);
    rest->local_ms = value->local_due == NULL ? 0 : value->local_due->local_ms;
    rest->script = put_text(model, value->script_id);
    rest->attempts = value->attempts;
    rest->retries = value->retries;
    rest->snoozes = value->snoozes;
    set_texts(model, handle, value);
}

static bool callback_known(const Ringback__V1__CallbackEntity *value)
{
    return value->kind > 0 && value->kind < UINT8_MAX && value->state > 0 &&
           value->state <= RINGBACK__V1__CALLBACK_STATE__CALLBACK_STATE_ENDED &&
           value->kind <= RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_VOICEMAIL &&
           (unsigned)value->end_reason <= UINT8_MAX;
}

static void take_callback(struct view_model *model, uint32_t domain, const uint8_t id[16],
                          const Ringback__V1__CallbackEntity *value, int32_t partition)
{
    const struct row_key key = {domain, id};
    uint32_t handle = table_find(&model->row_table, hash_id(domain, id), row_equals, &key);

    if (handle != 0 && value == NULL)
        row_remove(model, handle);
    if (value == NULL)
        return;
    if (handle != 0) {
        pull(model, handle);
    } else {
        handle = row_take(model);
        model_row(model, handle)->domain = domain;
        memcpy(model_rest(model, handle)->id, id, 16);
        table_put(&model->row_table, hash_id(domain, id), handle);
    }
    set_row(model, handle, value);
    model_rest(model, handle)->partition = partition;
    plant(model, handle);
}

/* --- queues, agents, calls --- */

static void take_queue(struct view_model *model, uint32_t domain, struct slice id,
                       const Ringback__V1__QueueEntity *value)
{
    struct view_queue *queue = &model->queues[queue_get(model, domain, id)];

    queue->there = value != NULL && value->settings != NULL;
    queue->closed = value != NULL && value->closed_ms != 0;
    if (queue->there)
        queue->name = put_text(model, value->settings->name);
}

static void take_counters(struct view_model *model, uint32_t domain, struct slice id,
                          const Ringback__V1__CountersEntity *value)
{
    struct view_queue *queue = &model->queues[queue_get(model, domain, id)];

    queue->estimate_ms = value != NULL && value->status != NULL ? value->status->estimate_ms : -1;
}

static void take_agent(struct view_model *model, uint32_t domain, struct slice id,
                       const Ringback__V1__AgentEntity *value)
{
    struct view_agent *agent = &model->agents[agent_get(model, domain, id)];

    free(agent->queues);
    agent->queues = NULL;
    agent->queue_count = 0;
    agent->there = value != NULL;
    if (value == NULL)
        return;
    agent->presence = (uint8_t)value->presence;
    agent->status = (uint8_t)value->status;
    agent->removed = value->removed_version != 0;
    if (value->settings != NULL)
        agent->name = put_text(model, value->settings->name);
    if (value->n_queue_ids == 0)
        return;
    agent->queues = memory_alloc(value->n_queue_ids * sizeof(*agent->queues), "an agent's queues");
    for (size_t i = 0; i < value->n_queue_ids; i++)
        agent->queues[i] = queue_get(model, domain, slice_text(value->queue_ids[i]));
    agent->queue_count = (uint32_t)value->n_queue_ids;
}

static void take_call(struct view_model *model, uint32_t domain, struct slice key,
                      const Ringback__V1__CallEntity *value)
{
    XXH128_hash_t hash = XXH3_128bits(key.data, key.size);
    bool waits = value != NULL && value->place != NULL &&
                 (value->state == RINGBACK__V1__CALL_STATE__CALL_STATE_WAITING ||
                  value->state == RINGBACK__V1__CALL_STATE__CALL_STATE_ALERTING);
    uint8_t bytes[16];
    uint32_t handle;
    struct view_call *call;

    memcpy(bytes, &hash.low64, 8);
    memcpy(bytes + 8, &hash.high64, 8);
    handle = table_find(&model->call_table, hash_id(0, bytes), call_equals, bytes);
    if (handle != 0 && !waits) {
        (void)table_remove(&model->call_table, hash_id(0, bytes), handle);
        pool_give(&model->calls, handle);
    }
    if (!waits)
        return;
    if (handle == 0) {
        handle = pool_take(&model->calls);
        memcpy(((struct view_call *)pool_at(&model->calls, handle))->key, bytes, 16);
        table_put(&model->call_table, hash_id(0, bytes), handle);
    }
    call = pool_at(&model->calls, handle);
    call->domain = domain;
    call->queue = queue_get(model, domain, slice_text(value->place->queue_id));
    call->entry_ms = value->place->entry_ms;
}

/* --- records --- */

#define ENTITY(NAME) RINGBACK__V1__STATE_RECORD__ENTITY_##NAME

struct state_key {
    struct slice kind, domain, id, whole;
};

static bool key_split(struct slice key, struct state_key *split)
{
    const uint8_t *first = key.size == 0 ? NULL : memchr(key.data, '|', key.size);
    const uint8_t *end = key.data + key.size, *second;

    if (first == NULL)
        return false;
    second = memchr(first + 1, '|', (size_t)(end - first - 1));
    if (second == NULL || second == first + 1)
        return false;
    split->kind = slice_make(key.data, (size_t)(first - key.data));
    split->domain = slice_make(first + 1, (size_t)(second - first - 1));
    split->id = slice_make(second + 1, (size_t)(end - second - 1));
    split->whole = key;
    return true;
}

static bool is_kind(const struct state_key *key, const char *kind)
{
    return slice_equal(key->kind, slice_text(kind));
}

/* The kinds of which rows are kept. value NULL: it went. False: it cannot be read. */
static bool take(struct view_model *model, const struct state_key *key,
                 const Ringback__V1__StateRecord *value, int32_t partition)
{
    uint32_t domain = domain_get(model, key->domain, partition);
    int entity = value == NULL ? -1 : (int)value->entity_case;
    uint8_t id[16];

    if (is_kind(key, "callback")) {
        if (!ident_uuid(key->id, id) ||
            (value != NULL && (entity != ENTITY(CALLBACK) || !callback_known(value->callback))))
            return false;
        take_callback(model, domain, id, value == NULL ? NULL : value->callback, partition);
        return true;
    }
    if (key->id.size == 0)
        return false;
    if (is_kind(key, "queue") && (value == NULL || entity == ENTITY(QUEUE)))
        take_queue(model, domain, key->id, value == NULL ? NULL : value->queue);
    else if (is_kind(key, "counters") && (value == NULL || entity == ENTITY(COUNTERS)))
        take_counters(model, domain, key->id, value == NULL ? NULL : value->counters);
    else if (is_kind(key, "agent") && (value == NULL || entity == ENTITY(AGENT)))
        take_agent(model, domain, key->id, value == NULL ? NULL : value->agent);
    else if (is_kind(key, "call") && (value == NULL || entity == ENTITY(CALL)))
        take_call(model, domain, key->whole, value == NULL ? NULL : value->call);
    else
        return false;
    return true;
}

static bool is_shown(const struct state_key *key)
{
    static const char *const kinds[] = {"callback", "queue", "counters", "agent", "call"};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (is_kind(key, kinds[i]))
            return true;
    }
    return false;
}

void model_apply(struct view_model *model, int32_t partition, struct slice key, struct slice value,
                 struct arena *arena)
{
    const Ringback__V1__StateRecord *record = NULL;
    struct state_key split;

    if (!key_split(key, &split)) {
        model->unread++;
        return;
    }
    if (!is_shown(&split))
        return;
    arena_reset(arena);
    if (value.data != NULL) {
        record = ringback__v1__state_record__unpack(&arena->allocator, value.size, value.data);
        if (record == NULL) {
            model->unread++;
            return;
        }
    }
    model->unread += !take(model, &split, record, partition);
}

void model_forget(struct view_model *model, int32_t partition)
{
    size_t cursor = 0;
    uint32_t handle;

    for (handle = 1; handle < model->row_end; handle++) {
        if (model_row(model, handle)->kind != 0 &&
            model_rest(model, handle)->partition == partition)
            row_remove(model, handle);
    }
    for (uint32_t at = 1; at < model->queue_count; at++) {
        if (model->domains[model->queues[at].domain].partition == partition)
            model->queues[at].there = false;
    }
    for (uint32_t at = 1; at < model->agent_count; at++) {
        struct view_agent *agent = &model->agents[at];

        if (model->domains[agent->domain].partition != partition)
            continue;
        free(agent->queues);
        *agent = (struct view_agent){.domain = agent->domain, .id = agent->id};
    }
    do { /* a table is not changed while it is gone through */
        cursor = 0;
        while ((handle = table_next(&model->call_table, &cursor)) != 0) {
            const struct view_call *call = pool_at(&model->calls, handle);

            if (model->domains[call->domain].partition == partition)
                break;
        }
        if (handle != 0) {
            (void)table_remove(&model->call_table, call_hash(model, handle), handle);
            pool_give(&model->calls, handle);
        }
    } while (handle != 0);
}

/* --- for the curious --- */

size_t model_bytes(const struct view_model *model)
{
    return strings_bytes(&model->strings) + pool_bytes(&model->rows) +
           pool_bytes(&model->searches) + pool_bytes(&model->rests) + pool_bytes(&model->calls) +
           table_bytes(&model->row_table) + table_bytes(&model->queue_table) +
           table_bytes(&model->agent_table) + table_bytes(&model->call_table) +
           table_bytes(&model->domain_table) + order_nodes_bytes(&model->nodes) +
           model->text_bytes + model->domain_room * sizeof(*model->domains) +
           model->queue_room * sizeof(*model->queues) + model->agent_room * sizeof(*model->agents);
}

const char *model_fault(const struct view_model *model)
{
    const struct model_order order = {model, NULL};
    size_t in_trees[VIEW_TREE_COUNT] = {0}, rows = 0;

    for (uint32_t at = 1; at < model->domain_count; at++) {
        for (int class = 0; class < VIEW_CLASS_COUNT; class ++) {
            for (int tree = 0; tree < VIEW_TREE_COUNT; tree++) {
                const struct order *one = &model->domains[at].trees[class][tree];
                const char *fault = order_fault(one, &model->nodes, model_compare(&order));

                if (fault != NULL)
                    return fault;
                in_trees[tree] += order_count(one);
            }
        }
    }
    for (uint32_t handle = 1; handle < model->row_end; handle++)
        rows += model_row(model, handle)->kind != 0;
    if (rows != model->row_count || rows != table_count(&model->row_table))
        return "rows and their table differ";
    for (int tree = 0; tree < VIEW_TREE_COUNT; tree++) {
        if (in_trees[tree] != rows)
            return "a tree has not all rows";
    }
    return NULL;
}
