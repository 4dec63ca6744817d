/* Pages: in the trees where they have the order, else by one pass over the rows. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "view/query_parts.h"

/* One that may be on the page. handle 0: the anchor. */
struct pick {
    int64_t key;
    uint32_t handle;
};

struct paging {
    struct query_plan plan;
    const struct query_anchor *anchor;
    struct pick stands; /* where the anchor is */
    bool backward;
    bool reversed; /* the page is taken against the ascending order */
    size_t limit;
    struct pick *picks; /* a heap: the one that is furthest from the anchor is first */
    size_t count;
    size_t before;
    struct query_page *page;
};

/* --- order --- */

static const char *name_of(const struct paging *paging, uint32_t handle)
{
    const char *texts[VIEW_TEXT_COUNT];

    if (handle == 0)
        return paging->anchor->text;
    model_texts(paging->plan.model, handle, texts);
    return texts[VIEW_TEXT_NAME];
}

static const uint8_t *id_of(const struct paging *paging, uint32_t handle)
{
    return handle == 0 ? paging->anchor->id : model_rest(paging->plan.model, handle)->id;
}

/* In ascending order, whatever the query's. */
static int compare(const struct paging *paging, const struct pick *left, const struct pick *right)
{
    if (left->key != right->key)
        return left->key < right->key ? -1 : 1;
    if (paging->plan.query->sort == VIEW_SORT_NAME) {
        int order =
            view_compare_small(name_of(paging, left->handle), name_of(paging, right->handle));

        if (order != 0)
            return order;
    }
    return memcmp(id_of(paging, left->handle), id_of(paging, right->handle), 16);
}

/* Below 0: left comes to the page earlier than right. */
static int nearer(const struct paging *paging, const struct pick *left, const struct pick *right)
{
    int order = compare(paging, left, right);

    return paging->reversed ? -order : order;
}

static void place_anchor(struct paging *paging)
{
    const struct query_anchor *anchor = paging->anchor;
    const struct query_plan *plan = &paging->plan;

    paging->stands.handle = 0;
    paging->stands.key = anchor->key;
    if (plan->ranks != NULL)
        paging->stands.key = strings_rank_of(&plan->model->strings, plan->ranks, anchor->text);
}

/* --- one pass --- */

static void sift_down(struct paging *paging, size_t at)
{
    struct pick *picks = paging->picks;

    for (;;) {
        size_t child = 2 * at + 1;
        struct pick swap;

        if (child >= paging->count)
            return;
        if (child + 1 < paging->count && nearer(paging, &picks[child], &picks[child + 1]) < 0)
            child++;
        if (nearer(paging, &picks[at], &picks[child]) >= 0)
            return;
        swap = picks[at];
        picks[at] = picks[child];
        picks[child] = swap;
        at = child;
    }
}

static void sift_up(struct paging *paging, size_t at)
{
    struct pick *picks = paging->picks;

    while (at > 0 && nearer(paging, &picks[(at - 1) / 2], &picks[at]) < 0) {
        struct pick swap = picks[at];

        picks[at] = picks[(at - 1) / 2];
        picks[(at - 1) / 2] = swap;
        at = (at - 1) / 2;
    }
}

static void offer(struct paging *paging, const struct pick *pick)
{
    if (paging->count < paging->limit) {
        paging->picks[paging->count++] = *pick;
        sift_up(paging, paging->count - 1);
    } else if (nearer(paging, pick, &paging->picks[0]) < 0) {
        paging->picks[0] = *pick;
        sift_down(paging, 0);
    }
}

/* The heap becomes the list, nearest first. */
static void unheap(struct paging *paging)
{
    size_t count = paging->count;

    while (paging->count > 1) {
        struct pick last = paging->picks[--paging->count];

        paging->picks[paging->count] = paging->picks[0];
        paging->picks[0] = last;
        sift_down(paging, 0);
    }
    paging->count = count;
}

static void scan(struct paging *paging)
{
    const struct view_model *model = paging->plan.model;

    for (uint32_t handle = 1; handle < model->row_end; handle++) {
        const struct view_row *row = model_row(model, handle);
        struct pick pick;

        if (!query_matches(&paging->plan, handle, row))
            continue;
        paging->page->total++;
        pick = (struct pick){query_key(&paging->plan, handle, row), handle};
        if (paging->anchor->given && nearer(paging, &pick, &paging->stands) <= 0)
            paging->before++;
        else
            offer(paging, &pick);
    }
    unheap(paging);
}

/* --- trees --- */

/* A tree of one domain and class, and where in it the page goes on. */
struct source {
    const struct order *order;
    size_t index; /* of the next one in ascending order; reversed: one more than that */
    struct pick head;
    bool there;
};

static enum view_tree tree_of(enum view_sort sort)
{
    return sort == VIEW_SORT_DUE       ? VIEW_TREE_DUE
           : sort == VIEW_SORT_CREATED ? VIEW_TREE_CREATED
           : sort == VIEW_SORT_UPDATED ? VIEW_TREE_UPDATED
                                       : VIEW_TREE_COUNT;
}

/* Whole classes of whole domains, in an order that a tree has? */
static bool in_trees(const struct query_plan *plan)
{
    const struct view_query *query = plan->query;
    const uint32_t shown = 1u << RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_SCHEDULED |
                           1u << RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_CAMPAIGN;
    const uint32_t other = 1u << RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_IN_QUEUE |
                           1u << RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_VOICEMAIL;
    uint32_t some = plan->kinds & shown, rest = plan->kinds & other;

    return tree_of(query->sort) != VIEW_TREE_COUNT && plan->all_queues && query->states == 0 &&
           (some == 0 || some == shown) && (rest == 0 || rest == other) && !plan->owners.wanted &&
           !plan->scheduled_by.wanted && !plan->campaigns.wanted && !plan->agents.wanted &&
           query->number == NULL && query->q == NULL && query->due_from_ms == INT64_MIN &&
           query->due_to_ms == INT64_MAX && query->created_from_ms == INT64_MIN &&
           query->created_to_ms == INT64_MAX;
}

static void look(const struct paging *paging, struct source *source)
{
    const struct view_model *model = paging->plan.model;
    struct order_cursor cursor;

    source->there = (!paging->reversed || source->index > 0) &&
                    order_select(source->order, &model->nodes,
                                 paging->reversed ? source->index - 1 : source->index, &cursor);
    if (source->there)
        source->head = (struct pick){order_key_at(&cursor), order_at(&cursor)};
}

/* How many of the tree are not behind the anchor on the way of the page. */
static void start(struct paging *paging, struct source *source)
{
    const struct view_model *model = paging->plan.model;
    const struct model_order order = {model, paging->anchor->id};
    size_t count = order_count(source->order), index = paging->reversed ? count : 0;
    struct order_cursor cursor;

    paging->page->total += count;
    if (paging->anchor->given) {
        index =
            order_rank(source->order, &model->nodes, paging->stands.key, 0, model_compare(&order));
        /* The anchor's own row is passed on the way up, and not come to on the way down. */
        if (!paging->reversed && order_select(source->order, &model->nodes, index, &cursor) &&
            order_key_at(&cursor) == paging->stands.key &&
            memcmp(model_rest(model, order_at(&cursor))->id, paging->anchor->id, 16) == 0)
            index++;
    }
    source->index = index;
    paging->before += paging->reversed ? count - index : index;
    look(paging, source);
}

static size_t find_sources(struct paging *paging, struct source *sources)
{
    const struct view_model *model = paging->plan.model;
    enum view_tree tree = tree_of(paging->plan.query->sort);
    size_t count = 0;

    for (uint32_t domain = 1; domain < model->domain_count; domain++) {
        for (int class = 0; class < VIEW_CLASS_COUNT; class ++) {
            const struct order *order = &model->domains[domain].trees[class][tree];

            if (paging->plan.domain_ok[domain] == 0 || !paging->plan.classes[class] ||
                order_count(order) == 0)
                continue;
            sources[count].order = order;
            start(paging, &sources[count++]);
        }
    }
    return count;
}

static void merge(struct paging *paging)
{
    struct source *sources = memory_zalloc(
        paging->plan.model->domain_count * VIEW_CLASS_COUNT * sizeof(*sources), "a page's sources");
    size_t count = find_sources(paging, sources);

    while (paging->count < paging->limit) {
        struct source *next = NULL;

        for (size_t i = 0; i < count; i++) {
            if (sources[i].there &&
                (next == NULL || nearer(paging, &sources[i].head, &next->head) < 0))
                next = &sources[i];
        }
        if (next == NULL)
            break;
        paging->picks[paging->count++] = next->head;
        next->index += paging->reversed ? (size_t)-1 : 1;
        look(paging, next);
    }
    free(sources);
}

/* --- the page --- */

void query_page(const struct view_model *model, const struct view_query *query,
                const struct query_anchor *anchor, size_t limit, struct query_page *page)
{
    struct paging paging = {.anchor = anchor, .limit = limit, .page = page};
    size_t taken;

    page->total = 0;
    query_plan_init(&paging.plan, model, query);
    paging.backward = anchor->given && anchor->backward;
    paging.reversed = query->descending != paging.backward;
    paging.picks = memory_alloc(limit * sizeof(*paging.picks), "a page");
    if (anchor->given)
        place_anchor(&paging);
    if (in_trees(&paging.plan))
        merge(&paging);
    else
        scan(&paging);
    taken = page->count = paging.count;
    for (size_t i = 0; i < taken; i++)
        page->handles[i] = paging.picks[paging.backward ? taken - 1 - i : i].handle;
    /* What came before counts from the page's own end of the list. */
    page->first_index = paging.backward ? page->total - paging.before - taken : paging.before;
    page->more = page->first_index + taken < page->total;
    free(paging.picks);
    query_plan_deinit(&paging.plan);
}

void query_anchor_of(const struct view_model *model, const struct view_query *query,
                     uint32_t handle, bool backward, struct query_anchor *anchor)
{
    const struct view_row *row = model_row(model, handle);
    const char *texts[VIEW_TEXT_COUNT], *text = "";
    struct query_plan plan = {.model = model, .query = query};

    memset(anchor, 0, sizeof(*anchor));
    model_texts(model, handle, texts);
    switch (query->sort) {
    case VIEW_SORT_QUEUE: text = model_queue_name(model, row->queue); break;
    case VIEW_SORT_OWNER: text = model_string(model, row->owner); break;
    case VIEW_SORT_SCHEDULED_BY: text = model_string(model, row->scheduled_by); break;
    case VIEW_SORT_CAMPAIGN: text = model_string(model, row->campaign); break;
    case VIEW_SORT_NAME: text = texts[VIEW_TEXT_NAME];
    /* fall through */
    case VIEW_SORT_DUE:
    case VIEW_SORT_CREATED:
    case VIEW_SORT_UPDATED:
    case VIEW_SORT_NUMBER:
    case VIEW_SORT_STATE:
    case VIEW_SORT_KIND: anchor->key = query_key(&plan, handle, row); break;
    case VIEW_SORT_COUNT: break;
    }
    anchor->given = true;
    anchor->backward = backward;
    memcpy(anchor->id, model_rest(model, handle)->id, 16);
    memcpy(anchor->text, text, strnlen(text, sizeof(anchor->text) - 1));
}

/* --- cursors --- */

enum { cursor_version = 1, cursor_head = 1 + 1 + 8 + 8 + 16 };

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void query_cursor_write(const struct view_query *query, const struct query_anchor *anchor,
                        char text[query_cursor_bytes_max])
{
    uint8_t bytes[cursor_head + query_text_bytes_max] = {cursor_version, anchor->backward};
    uint64_t hash = query_hash(query);
    size_t size = cursor_head + strlen(anchor->text), at = 0;

    memcpy(bytes + 2, &hash, 8);
    memcpy(bytes + 10, &anchor->key, 8);
    memcpy(bytes + 18, anchor->id, 16);
    memcpy(bytes + cursor_head, anchor->text, size - cursor_head);
    for (size_t i = 0; i < size; i += 3) {
        uint32_t three = (uint32_t)bytes[i] << 16;

        three |= i + 1 < size ? (uint32_t)bytes[i + 1] << 8 : 0;
        three |= i + 2 < size ? bytes[i + 2] : 0;
        text[at++] = letters[three >> 18];
        text[at++] = letters[three >> 12 & 63];
        if (i + 1 < size)
            text[at++] = letters[three >> 6 & 63];
        if (i + 2 < size)
            text[at++] = letters[three & 63];
    }
    text[at] = '\0';
}

bool query_cursor_read(const struct view_query *query, const char *text,
                       struct query_anchor *anchor)
{
    uint8_t bytes[cursor_head + query_text_bytes_max];
    uint64_t hash, wanted = query_hash(query);
    size_t size = 0;
    uint32_t held = 0;
    int bits = 0;

    for (; *text != '\0'; text++) {
        const char *letter = strchr(letters, *text);

        if (letter == NULL || size == sizeof(bytes) - 1)
            return false;
        held = held << 6 | (uint32_t)(letter - letters);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes[size++] = (uint8_t)(held >> bits);
        }
    }
    if (size < cursor_head || bytes[0] != cursor_version || bytes[1] > 1)
        return false;
    bytes[size] = '\0';
    memcpy(&hash, bytes + 2, 8);
    if (hash != wanted)
        return false;
    memset(anchor, 0, sizeof(*anchor));
    anchor->given = true;
    anchor->backward = bytes[1] == 1;
    memcpy(&anchor->key, bytes + 10, 8);
    memcpy(anchor->id, bytes + 18, 16);
    memcpy(anchor->text, bytes + cursor_head, size - cursor_head);
    return true;
}
