/* Filters: a query made ready, and whether a row matches it. */
#include "view/query.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/memory.h"
#include "view/query_parts.h"

#define KIND(NAME)  (1u << RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_##NAME)
#define STATE_ENDED (1u << RINGBACK__V1__CALLBACK_STATE__CALLBACK_STATE_ENDED)

const char *view_sort_name(int sort)
{
    static const char *const names[] = {
#define VIEW_SORT_NAME_(name, text) text,
        VIEW_SORT_MAP(VIEW_SORT_NAME_)
#undef VIEW_SORT_NAME_
    };

    return sort < VIEW_SORT_COUNT ? names[sort] : NULL;
}

void query_init(struct view_query *query)
{
    memset(query, 0, sizeof(*query));
    query->due_from_ms = query->created_from_ms = INT64_MIN;
    query->due_to_ms = query->created_to_ms = INT64_MAX;
    query->sight.domains_all = query->sight.queues_all = true;
}

static void hash_text(XXH3_state_t *hash, const char *text)
{
    if (text != NULL)
        XXH3_64bits_update(hash, text, strlen(text));
    XXH3_64bits_update(hash, text == NULL ? "\1" : "\0", 1);
}

static void hash_values(XXH3_state_t *hash, const struct query_values *values)
{
    for (size_t i = 0; i < values->count; i++)
        hash_text(hash, values->items[i]);
    hash_text(hash, NULL);
}

uint64_t query_hash(const struct view_query *query)
{
    const int64_t numbers[] = {
        query->states,        query->kinds,           (int64_t)query->ended,
        (int64_t)query->sort, query->descending,      query->due_from_ms,
        query->due_to_ms,     query->created_from_ms, query->created_to_ms,
    };
    XXH3_state_t *hash = XXH3_createState();
    uint64_t value;

    if (hash == NULL)
        abort();
    XXH3_64bits_reset(hash);
    XXH3_64bits_update(hash, numbers, sizeof(numbers));
    hash_values(hash, &query->domains);
    hash_values(hash, &query->queues);
    hash_values(hash, &query->owners);
    hash_values(hash, &query->scheduled_by);
    hash_values(hash, &query->campaigns);
    hash_values(hash, &query->agents);
    hash_text(hash, query->number);
    hash_text(hash, query->q);
    value = XXH3_64bits_digest(hash);
    XXH3_freeState(hash);
    return value;
}

/* --- made ready --- */

bool query_has(const struct query_values *values, const char *text)
{
    for (size_t i = 0; i < values->count; i++) {
        if (strcmp(values->items[i], text) == 0)
            return true;
    }
    return values->count == 0;
}

static bool sees_domain(const struct view_sight *sight, const char *id)
{
    for (size_t i = 0; !sight->domains_all && i < sight->domain_count; i++) {
        if (strcmp(sight->domains[i], id) == 0)
            return true;
    }
    return sight->domains_all;
}

/* "id" or "domain/id". */
static bool sees_queue(const struct view_sight *sight, const char *domain, const char *id)
{
    size_t size = strlen(domain);

    for (size_t i = 0; !sight->queues_all && i < sight->queue_count; i++) {
        const char *one = sight->queues[i];

        if (strcmp(one, id) == 0 || (strncmp(one, domain, size) == 0 && one[size] == '/' &&
                                     strcmp(one + size + 1, id) == 0))
            return true;
    }
    return sight->queues_all;
}

bool query_may_see(const struct view_model *model, const struct view_sight *sight, uint32_t domain,
                   uint32_t queue)
{
    const char *name = model_string(model, model->domains[domain].id);

    return sees_domain(sight, name) &&
           sees_queue(sight, name, model_string(model, model->queues[queue].id));
}

static void set_init(const struct query_plan *plan, const struct query_values *values,
                     struct query_set *set)
{
    set->wanted = values->count > 0;
    set->none = set->any = false;
    set->count = 0;
    for (size_t i = 0; i < values->count; i++) {
        const char *text = values->items[i];
        uint32_t handle = strings_find(&plan->model->strings, slice_text(text));

        if (strcmp(text, "-") == 0)
            set->none = true;
        else if (strcmp(text, "*") == 0)
            set->any = true;
        else if (handle != 0)
            set->items[set->count++] = handle;
    }
}

static bool set_has(const struct query_set *set, uint32_t handle)
{
    if (handle == 0)
        return set->none;
    for (size_t i = 0; i < set->count; i++) {
        if (set->items[i] == handle)
            return true;
    }
    return set->any;
}

/* Four bits a digit, the last one lowest, as view_digits() has them. */
static uint64_t digits_pattern(const char *text, int *count)
{
    uint64_t digits = view_digits(text, count);

    return *count == 0 ? 0 : digits >> (64 - 4 * *count);
}

static int nibble_of(char letter)
{
    unsigned char small = view_small(letter);

    if (small >= '0' && small <= '9')
        return small - '0';
    return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

/* The beginning of a callback's id, from four letters. */
static void plan_id(struct query_plan *plan, const char *q)
{
    size_t size = strlen(q);
    int nibbles = 0;

    if (size < 4 || size >= view_id_size)
        return;
    for (size_t at = 0; at < size; at++) {
        int nibble = nibble_of(q[at]);

        if (at == 8 || at == 13 || at == 18 || at == 23) {
            if (q[at] != '-')
                return;
            continue;
        }
        if (nibble < 0)
            return;
        plan->id_bytes[nibbles / 2] |= (uint8_t)(nibble << (nibbles % 2 == 0 ? 4 : 0));
        nibbles++;
    }
    plan->id_nibbles = nibbles;
}

static void plan_q(struct query_plan *plan, const char *q)
{
    size_t size = strlen(q);

    if (size > sizeof(plan->small) - 1)
        size = sizeof(plan->small) - 1;
    for (size_t at = 0; at < size; at++)
        plan->small[at] = (char)view_small(q[at]);
    plan->small[size] = '\0';
    plan->pairs = view_pairs(plan->small);
    plan->id_hash = view_id_hash(q);
    if (q[strspn(q, "0123456789+-() ./")] == '\0')
        plan->q_number = digits_pattern(q, &plan->q_number_size);
    plan_id(plan, q);
}

static void plan_classes(struct query_plan *plan)
{
    const struct view_query *query = plan->query;
    bool live, ended, shown, other;

    plan->kinds = query->kinds == 0 ? KIND(SCHEDULED) | KIND(CAMPAIGN) : query->kinds;
    plan->states = query->states;
    if (plan->states == 0)
        plan->states = query->ended == VIEW_ENDED_NO    ? ~STATE_ENDED
                       : query->ended == VIEW_ENDED_YES ? STATE_ENDED
                                                        : ~0u;
    live = (plan->states & ~STATE_ENDED) != 0;
    ended = (plan->states & STATE_ENDED) != 0;
    shown = (plan->kinds & (KIND(SCHEDULED) | KIND(CAMPAIGN))) != 0;
    other = (plan->kinds & (KIND(IN_QUEUE) | KIND(VOICEMAIL))) != 0;
    plan->classes[VIEW_CLASS_SHOWN] = live && shown;
    plan->classes[VIEW_CLASS_OTHER] = live && other;
    plan->classes[VIEW_CLASS_SHOWN_ENDED] = ended && shown;
    plan->classes[VIEW_CLASS_OTHER_ENDED] = ended && other;
}

static void plan_places(struct query_plan *plan)
{
    const struct view_model *model = plan->model;
    const struct view_query *query = plan->query;

    plan->domain_ok = memory_zalloc(model->domain_count + 1, "a query");
    plan->queue_ok = memory_zalloc(model->queue_count + 1, "a query");
    for (uint32_t at = 1; at < model->domain_count; at++) {
        const char *id = model_string(model, model->domains[at].id);

        plan->domain_ok[at] = query_has(&query->domains, id) && sees_domain(&query->sight, id);
    }
    plan->all_queues = query->queues.count == 0 && query->sight.queues_all;
    plan->queue_ok[0] = plan->all_queues;
    for (uint32_t at = 1; at < model->queue_count; at++) {
        const struct view_queue *queue = &model->queues[at];
        const char *id = model_string(model, queue->id);

        plan->queue_ok[at] =
            plan->domain_ok[queue->domain] && query_has(&query->queues, id) &&
            sees_queue(&query->sight, model_string(model, model->domains[queue->domain].id), id);
    }
}

static void plan_ranks(struct query_plan *plan)
{
    const struct view_model *model = plan->model;

    switch (plan->query->sort) {
    case VIEW_SORT_QUEUE:
    case VIEW_SORT_OWNER:
    case VIEW_SORT_SCHEDULED_BY:
    case VIEW_SORT_CAMPAIGN: break;
    case VIEW_SORT_DUE:
    case VIEW_SORT_CREATED:
    case VIEW_SORT_UPDATED:
    case VIEW_SORT_NAME:
    case VIEW_SORT_NUMBER:
    case VIEW_SORT_STATE:
    case VIEW_SORT_KIND:
    case VIEW_SORT_COUNT: return;
    }
    /* The ranks are a cache: readers fill it under a lock of its own. */
    plan->ranks = strings_ranks((struct strings *)(uintptr_t)&model->strings);
    if (plan->query->sort != VIEW_SORT_QUEUE)
        return;
    plan->queue_ranks = memory_alloc(model->queue_count * sizeof(*plan->queue_ranks), "ranks");
    for (uint32_t at = 0; at < model->queue_count; at++) {
        const struct view_queue *queue = &model->queues[at];

        plan->queue_ranks[at] = plan->ranks->by[queue->name != 0 ? queue->name : queue->id];
    }
}

void query_plan_init(struct query_plan *plan, const struct view_model *model,
                     const struct view_query *query)
{
    memset(plan, 0, sizeof(*plan));
    plan->model = model;
    plan->query = query;
    plan_classes(plan);
    plan_places(plan);
    set_init(plan, &query->owners, &plan->owners);
    set_init(plan, &query->scheduled_by, &plan->scheduled_by);
    set_init(plan, &query->campaigns, &plan->campaigns);
    set_init(plan, &query->agents, &plan->agents);
    if (query->number != NULL)
        plan->number = digits_pattern(query->number, &plan->number_size);
    if (query->q != NULL)
        plan_q(plan, query->q);
    plan_ranks(plan);
}

void query_plan_deinit(struct query_plan *plan)
{
    strings_ranks_done((struct strings *)(uintptr_t)&plan->model->strings, plan->ranks);
    free(plan->queue_ranks);
    free(plan->domain_ok);
    free(plan->queue_ok);
}

/* --- matching --- */

/* Where the pattern's first digit stands is found in all 16 places at once. */
static bool digits_have(uint64_t digits, uint64_t pattern, int size)
{
    const uint64_t ones = UINT64_C(0x1111111111111111), lows = 7 * ones;
    uint64_t mask = (UINT64_C(1) << 4 * size) - 1;
    uint64_t differ = digits ^ ones * (pattern >> 4 * (size - 1));
    uint64_t same = ~(((differ & lows) + lows) | differ) & 8 * ones; /* top bit of each that is */

    for (; same != 0; same &= same - 1) {
        int at = __builtin_ctzll(same) - 3 - 4 * (size - 1); /* of the pattern's last digit */

        if (at >= 0 && (digits >> at & mask) == pattern)
            return true;
    }
    return false;
}

static bool text_has(const char *text, const char *small)
{
    size_t size = strlen(small);

    for (; *text != '\0'; text++) {
        size_t at = 0;

        while (at < size && view_small(text[at]) == (unsigned char)small[at])
            at++; /* the end of text is no letter of small */
        if (at == size)
            return true;
    }
    return false;
}

static bool id_begins(const struct query_plan *plan, uint32_t handle)
{
    const uint8_t *id = model_rest(plan->model, handle)->id;
    size_t whole = (size_t)plan->id_nibbles / 2;

    if (plan->id_nibbles == 0 || memcmp(id, plan->id_bytes, whole) != 0)
        return false;
    return plan->id_nibbles % 2 == 0 || (id[whole] & 0xf0) == plan->id_bytes[whole];
}

static bool q_matches(const struct query_plan *plan, uint32_t handle, const struct view_row *row)
{
    const struct view_search *search = model_search(plan->model, handle);
    const char *texts[VIEW_TEXT_COUNT];

    if (plan->q_number_size > 0 && digits_have(row->number, plan->q_number, plan->q_number_size))
        return true;
    if (search->ids[0] == plan->id_hash || search->ids[1] == plan->id_hash || row->campaign != 0) {
        model_texts(plan->model, handle, texts);
        if (strcmp(texts[VIEW_TEXT_CONVERSATION], plan->query->q) == 0 ||
            strcmp(texts[VIEW_TEXT_INTERACTION], plan->query->q) == 0 ||
            strcmp(texts[VIEW_TEXT_CONTACT], plan->query->q) == 0)
            return true;
    }
    if ((search->pairs & plan->pairs) == plan->pairs) {
        model_texts(plan->model, handle, texts);
        if (text_has(texts[VIEW_TEXT_NAME], plan->small) ||
            text_has(texts[VIEW_TEXT_CALLEE], plan->small))
            return true;
    }
    return id_begins(plan, handle);
}

static bool time_in(int64_t ms, int64_t from_ms, int64_t to_ms)
{
    return ms >= from_ms && ms < to_ms;
}

bool query_matches(const struct query_plan *plan, uint32_t handle, const struct view_row *row)
{
    const struct view_query *query = plan->query;

    if (row->kind == 0 || (plan->kinds >> row->kind & 1) == 0 ||
        (plan->states >> row->state & 1) == 0 || plan->domain_ok[row->domain] == 0 ||
        plan->queue_ok[row->queue] == 0)
        return false;
    if ((query->due_from_ms != INT64_MIN || query->due_to_ms != INT64_MAX) &&
        (row->due_ms == INT64_MAX || !time_in(row->due_ms, query->due_from_ms, query->due_to_ms)))
        return false;
    if (!time_in(row->created_ms, query->created_from_ms, query->created_to_ms))
        return false;
    if (plan->owners.wanted && !set_has(&plan->owners, row->owner))
        return false;
    if (plan->scheduled_by.wanted && !set_has(&plan->scheduled_by, row->scheduled_by))
        return false;
    if (plan->campaigns.wanted && !set_has(&plan->campaigns, row->campaign))
        return false;
    if (plan->agents.wanted && !set_has(&plan->agents, row->agent))
        return false;
    if (plan->number_size > 0 && !digits_have(row->number, plan->number, plan->number_size))
        return false;
    return query->q == NULL || q_matches(plan, handle, row);
}

static int64_t ordered(uint64_t key)
{
    return (int64_t)(key ^ UINT64_C(1) << 63);
}

int64_t query_key(const struct query_plan *plan, uint32_t handle, const struct view_row *row)
{
    switch (plan->query->sort) {
    case VIEW_SORT_DUE: return row->due_ms;
    case VIEW_SORT_CREATED: return row->created_ms;
    case VIEW_SORT_UPDATED: return row->updated_ms;
    case VIEW_SORT_QUEUE: return plan->queue_ranks[row->queue];
    case VIEW_SORT_NAME: return ordered(model_search(plan->model, handle)->name_key);
    case VIEW_SORT_NUMBER: return ordered(row->number);
    case VIEW_SORT_STATE: return row->state;
    case VIEW_SORT_OWNER: return plan->ranks->by[row->owner];
    case VIEW_SORT_SCHEDULED_BY: return plan->ranks->by[row->scheduled_by];
    case VIEW_SORT_CAMPAIGN: return plan->ranks->by[row->campaign];
    case VIEW_SORT_KIND: return row->kind;
    case VIEW_SORT_COUNT: break;
    }
    return 0;
}

void query_each(const struct view_model *model, const struct view_query *query,
                void (*each)(void *context, uint32_t handle), void *context)
{
    struct query_plan plan;

    query_plan_init(&plan, model, query);
    for (uint32_t handle = 1; handle < model->row_end; handle++) {
        if (query_matches(&plan, handle, model_row(model, handle)))
            each(context, handle);
    }
    query_plan_deinit(&plan);
}
