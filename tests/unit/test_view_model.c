/* Rows, lists and pages of the view, against sorting all by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tests/support/chance.h"
#include "view/overview.h"
#include "view/query.h"
#include "view/render.h"

enum { rows_count = 700, rounds = 60, many = 1000000 };

struct made {
    struct view_model model;
    struct arena arena;
    struct chance chance;
    char keys[rows_count][80];
    bool there[rows_count];
};

static void apply(struct made *made, const char *key, const Ringback__V1__StateRecord *record)
{
    static uint8_t bytes[4096];
    size_t size = record == NULL ? 0 : ringback__v1__state_record__pack(record, bytes);

    model_apply(&made->model, 0, slice_text(key), slice_make(record == NULL ? NULL : bytes, size),
                &made->arena);
}

static uint32_t below(struct made *made, uint32_t count)
{
    return (uint32_t)chance_below(&made->chance, count);
}

/* Few different values of each, so that there are ties. */
static void put_random(struct made *made, int index)
{
    static const char *const queues[] = {"sales", "care", "Billing", "zeta"};
    static const char *const people[] = {"", "anna", "ben", "carla"};
    Ringback__V1__StateRecord record = RINGBACK__V1__STATE_RECORD__INIT;
    Ringback__V1__CallbackEntity entity = RINGBACK__V1__CALLBACK_ENTITY__INIT;
    Ringback__V1__Place place = RINGBACK__V1__PLACE__INIT;
    char name[40], number[24], contact[24];

    (void)snprintf(name, sizeof(name), "Customer %c%u", 'A' + (char)below(made, 4),
                   below(made, 30));
    (void)snprintf(number, sizeof(number), "+4930%05u", below(made, 300));
    (void)snprintf(contact, sizeof(contact), "contact-%d", index);
    place.queue_id = (char *)(uintptr_t)queues[below(made, 4)];
    place.entry_ms = below(made, 50);
    record.version = 1;
    record.entity_case = RINGBACK__V1__STATE_RECORD__ENTITY_CALLBACK;
    record.callback = &entity;
    entity.place = &place;
    entity.kind = (Ringback__V1__CallbackKind)(1 + below(made, 4));
    entity.state = (Ringback__V1__CallbackState)(1 + below(made, 10));
    entity.due_ms = below(made, 40);
    entity.created_ms = 1 + below(made, 40);
    entity.updated_ms = 1 + below(made, 40);
    entity.name = name;
    entity.number = number;
    entity.contact_id = contact;
    entity.conversation_id = contact;
    entity.owner_agent_id = (char *)(uintptr_t)people[below(made, 4)];
    entity.scheduled_by = (char *)(uintptr_t)people[below(made, 4)];
    entity.agent_id = (char *)(uintptr_t)people[below(made, 4)];
    entity.campaign_id = (char *)(uintptr_t)(below(made, 2) == 0 ? "" : "spring");
    apply(made, made->keys[index], &record);
    made->there[index] = true;
}

static struct made *make(uint64_t seed)
{
    static const char *const domains[] = {"acme", "beta", "gamma"};
    struct made *made = memory_zalloc(sizeof(*made), "a test");

    model_init(&made->model);
    arena_init(&made->arena);
    made->chance = (struct chance){.seed = seed, .state = seed};
    for (int i = 0; i < rows_count; i++)
        (void)snprintf(made->keys[i], sizeof(made->keys[i]),
                       "callback|%s|%08x-1111-8222-8333-%012x", domains[below(made, 3)],
                       below(made, 0xffffff), (unsigned)i);
    for (int i = 0; i < rows_count; i++)
        put_random(made, i);
    return made;
}

static void unmake(struct made *made)
{
    model_deinit(&made->model);
    arena_deinit(&made->arena);
    free(made);
}

static void model_follows_changes_and_tombstones(void **state)
{
    struct made *made = make(1);
    size_t there = 0;

    (void)state;
    for (int i = 0; i < 5000; i++) {
        int index = (int)below(made, rows_count);

        if (below(made, 3) == 0) {
            apply(made, made->keys[index], NULL);
            made->there[index] = false;
        } else {
            put_random(made, index);
        }
    }
    for (int i = 0; i < rows_count; i++)
        there += made->there[i];
    assert_int_equal(made->model.row_count, there);
    assert_null(model_fault(&made->model));
    assert_int_equal(made->model.unread, 0);
    model_forget(&made->model, 1);
    assert_int_equal(made->model.row_count, there);
    model_forget(&made->model, 0);
    assert_int_equal(made->model.row_count, 0);
    assert_null(model_fault(&made->model));
    unmake(made);
}

static void model_counts_what_it_cannot_read(void **state)
{
    struct made *made = make(2);
    static const char *const keys[] = {"", "callback", "callback|acme", "callback||x",
                                       "callback|acme|no-uuid"};
    uint8_t rubbish[] = {0xff, 0xff, 0x01};
    size_t before = made->model.row_count;

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        apply(made, keys[i], NULL);
    model_apply(&made->model, 0, slice_text(made->keys[0]), slice_make(rubbish, 3), &made->arena);
    assert_int_equal(made->model.unread, 6);
    assert_int_equal(made->model.row_count, before);
    unmake(made);
}

/* --- lists by hand --- */

struct reference {
    const struct view_model *model;
    const struct view_query *query;
    uint32_t items[rows_count];
    size_t count;
};

static struct reference *sorting;

static void keep(void *context, uint32_t handle)
{
    struct reference *reference = context;

    reference->items[reference->count++] = handle;
}

static int compare_texts(const char *left, const char *right)
{
    int order = strcmp(left, right);

    return order < 0 ? -1 : order > 0;
}

static int compare_field(uint32_t left, uint32_t right)
{
    const struct view_model *model = sorting->model;
    const struct view_row *a = model_row(model, left), *b = model_row(model, right);
    const char *at[VIEW_TEXT_COUNT], *bt[VIEW_TEXT_COUNT];

#define NUMBERS(field) (a->field > b->field) - (a->field < b->field)
    model_texts(model, left, at);
    model_texts(model, right, bt);
    switch (sorting->query->sort) {
    case VIEW_SORT_DUE: return NUMBERS(due_ms);
    case VIEW_SORT_CREATED: return NUMBERS(created_ms);
    case VIEW_SORT_UPDATED: return NUMBERS(updated_ms);
    case VIEW_SORT_STATE: return NUMBERS(state);
    case VIEW_SORT_KIND: return NUMBERS(kind);
    case VIEW_SORT_NUMBER: return compare_texts(at[VIEW_TEXT_NUMBER], bt[VIEW_TEXT_NUMBER]);
    case VIEW_SORT_NAME: return view_compare_small(at[VIEW_TEXT_NAME], bt[VIEW_TEXT_NAME]);
    case VIEW_SORT_QUEUE:
        return compare_texts(model_queue_name(model, a->queue), model_queue_name(model, b->queue));
    case VIEW_SORT_OWNER:
        return compare_texts(model_string(model, a->owner), model_string(model, b->owner));
    case VIEW_SORT_SCHEDULED_BY:
        return compare_texts(model_string(model, a->scheduled_by),
                             model_string(model, b->scheduled_by));
    case VIEW_SORT_CAMPAIGN:
        return compare_texts(model_string(model, a->campaign), model_string(model, b->campaign));
    case VIEW_SORT_COUNT: break;
    }
#undef NUMBERS
    return 0;
}

static int compare_rows(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    int order = compare_field(a, b);

    if (order == 0)
        order = memcmp(model_rest(sorting->model, a)->id, model_rest(sorting->model, b)->id, 16);
    return sorting->query->descending ? -order : order;
}

static void list_by_hand(const struct made *made, const struct view_query *query,
                         struct reference *reference)
{
    *reference = (struct reference){.model = &made->model, .query = query};
    query_each(&made->model, query, keep, reference);
    sorting = reference;
    qsort(reference->items, reference->count, sizeof(uint32_t), compare_rows);
}

static void random_query(struct made *made, struct view_query *query)
{
    query_init(query);
    query->sort = (enum view_sort)below(made, VIEW_SORT_COUNT);
    query->descending = below(made, 2) == 0;
    query->ended = (enum view_ended)below(made, 3);
    if (below(made, 2) == 0)
        query->kinds = ~1u;
    if (below(made, 3) == 0)
        query->domains = (struct query_values){{"acme", "beta"}, 1 + below(made, 2)};
    if (below(made, 4) == 0)
        query->queues = (struct query_values){{"sales", "zeta"}, 1 + below(made, 2)};
    if (below(made, 4) == 0)
        query->owners = (struct query_values){{"anna", "-"}, 1 + below(made, 2)};
    if (below(made, 5) == 0)
        query->number = "7";
    if (below(made, 5) == 0)
        query->q = "customer b";
    if (below(made, 5) == 0)
        query->due_to_ms = 20;
    if (below(made, 5) == 0)
        query->created_from_ms = 10;
}

static void cursor_of(const struct made *made, const struct view_query *query, uint32_t handle,
                      bool backward, struct query_anchor *anchor)
{
    char text[query_cursor_bytes_max];
    struct query_anchor made_anchor;

    query_anchor_of(&made->model, query, handle, backward, &made_anchor);
    query_cursor_write(query, &made_anchor, text);
    assert_true(query_cursor_read(query, text, anchor));
}

static void check_pages(struct made *made, const struct view_query *query)
{
    struct query_anchor anchor = {.given = false};
    struct reference *reference = memory_zalloc(sizeof(*reference), "a test");
    size_t limit = 1 + below(made, 60), at = 0;
    struct query_page page;

    list_by_hand(made, query, reference);
    do { /* to the end */
        query_page(&made->model, query, &anchor, limit, &page);
        assert_int_equal(page.total, reference->count);
        assert_int_equal(page.first_index, at);
        assert_memory_equal(page.handles, reference->items + at, page.count * sizeof(uint32_t));
        at += page.count;
        assert_int_equal(page.more, at < reference->count);
        if (page.count > 0)
            cursor_of(made, query, page.handles[page.count - 1], false, &anchor);
    } while (page.more);
    assert_int_equal(at, reference->count);
    at -= page.count;
    while (at > 0) { /* and back */
        cursor_of(made, query, reference->items[at], true, &anchor);
        query_page(&made->model, query, &anchor, limit, &page);
        assert_int_equal(page.count, at < limit ? at : limit);
        at -= page.count;
        assert_int_equal(page.first_index, at);
        assert_true(page.more);
        assert_memory_equal(page.handles, reference->items + at, page.count * sizeof(uint32_t));
    }
    free(reference);
}

static void rule_9_1_pages_are_those_of_the_whole_list(void **state)
{
    struct made *made = make(3);
    struct view_query query;

    (void)state;
    for (int i = 0; i < rounds; i++) {
        random_query(made, &query);
        check_pages(made, &query);
    }
    unmake(made);
}

static void query_page_goes_on_when_its_row_went(void **state)
{
    struct made *made = make(4);
    struct query_anchor anchor = {.given = false};
    struct view_query query;
    struct query_page page;
    char key[80], id[view_id_size];
    uint32_t next;

    (void)state;
    query_init(&query);
    query_page(&made->model, &query, &anchor, 6, &page);
    next = page.handles[5];
    cursor_of(made, &query, page.handles[4], false, &anchor);
    (void)snprintf(
        key, sizeof(key), "callback|%s|%s",
        model_string(&made->model,
                     made->model.domains[model_row(&made->model, page.handles[4])->domain].id),
        view_id_text(model_rest(&made->model, page.handles[4])->id, id));
    apply(made, key, NULL);
    query_page(&made->model, &query, &anchor, 1, &page);
    assert_int_equal(page.handles[0], next);
    assert_int_equal(page.first_index, 4);
    unmake(made);
}

static void query_cursor_is_of_one_query(void **state)
{
    struct made *made = make(5);
    struct query_anchor anchor = {.given = false};
    char text[query_cursor_bytes_max];
    struct view_query query, other;
    struct query_page page;

    (void)state;
    query_init(&query);
    query_page(&made->model, &query, &anchor, 1, &page);
    query_anchor_of(&made->model, &query, page.handles[0], false, &anchor);
    query_cursor_write(&query, &anchor, text);
    other = query;
    other.number = "1";
    assert_false(query_cursor_read(&other, text, &anchor));
    other = query;
    other.descending = true;
    assert_false(query_cursor_read(&other, text, &anchor));
    assert_false(query_cursor_read(&query, "AAAA", &anchor));
    assert_false(query_cursor_read(&query, "not!base64", &anchor));
    assert_true(query_cursor_read(&query, text, &anchor));
    unmake(made);
}

static void rule_9_3_what_a_viewer_may_not_see_is_hidden(void **state)
{
    static const char *const domains[] = {"acme", "beta"};
    static const char *const queues[] = {"acme/sales", "care"};
    struct made *made = make(6);
    struct query_anchor anchor = {.given = false};
    struct view_query query;
    struct query_page page;

    (void)state;
    query_init(&query);
    query.kinds = ~1u;
    query.ended = VIEW_ENDED_ANY;
    query.sight = (struct view_sight){domains, 2, queues, 2, false, false};
    query_page(&made->model, &query, &anchor, query_page_max, &page);
    assert_int_not_equal(page.total, 0);
    for (size_t i = 0; i < page.count; i++) {
        const struct view_row *row = model_row(&made->model, page.handles[i]);
        const char *domain = model_string(&made->model, made->model.domains[row->domain].id);
        const char *queue = model_string(&made->model, made->model.queues[row->queue].id);

        assert_true(strcmp(queue, "care") == 0 ||
                    (strcmp(queue, "sales") == 0 && strcmp(domain, "acme") == 0));
        assert_string_not_equal(domain, "gamma");
        assert_true(query_may_see(&made->model, &query.sight, row->domain, row->queue));
    }
    unmake(made);
}

static size_t total_of(const struct made *made, const struct view_query *query)
{
    struct query_anchor anchor = {.given = false};
    struct query_page page;

    query_page(&made->model, query, &anchor, 1, &page);
    return page.total;
}

static void query_finds_by_texts_and_ids(void **state)
{
    struct made *made = make(7);
    struct view_query query;
    const char *id = strrchr(made->keys[9], '|') + 1;
    char part[10], wrong[] = "contact-12x";

    (void)state;
    query_init(&query);
    query.kinds = ~1u;
    query.ended = VIEW_ENDED_ANY;
    query.q = "contact-12"; /* a whole id */
    assert_int_equal(total_of(made, &query), 1);
    query.q = wrong;
    assert_int_equal(total_of(made, &query), 0);
    query.q = id;
    assert_int_equal(total_of(made, &query), 1);
    (void)snprintf(part, sizeof(part), "%.8s", id);
    query.q = part;
    assert_true(total_of(made, &query) >= 1);
    query.q = "CUSTOMER a";
    assert_int_not_equal(total_of(made, &query), 0);
    query.q = "+49 (30) 00";
    assert_int_not_equal(total_of(made, &query), 0);
    query.q = NULL;
    query.number = "4930";
    assert_int_equal(total_of(made, &query), rows_count);
    query.number = "94930";
    assert_int_equal(total_of(made, &query), 0);
    unmake(made);
}

static void overview_counts_what_lists_count(void **state)
{
    struct made *made = make(8);
    struct view_query query, list;
    struct overview overview;

    (void)state;
    query_init(&query);
    query_init(&list);
    overview_init(&overview, &made->model, &query, 20);
    list.kinds = ~1u;
    list.states = 1u << render_state_find("offered");
    assert_int_equal(overview.totals.offers, total_of(made, &list));
    list.states = 1u << render_state_find("waiting") | 1u << render_state_find("delayed") |
                  1u << render_state_find("snoozed");
    assert_int_equal(overview.totals.waiting_callbacks, total_of(made, &list));
    list.states |= 1u << render_state_find("scheduled");
    list.due_to_ms = 20;
    assert_int_equal(overview.totals.overdue, total_of(made, &list));
    overview_deinit(&overview);
    unmake(made);
}

/* What a million costs, and that its pages are right. */
static void model_holds_a_million(void **state)
{
    struct made *made = memory_zalloc(sizeof(*made), "a test");
    struct query_anchor anchor = {.given = false};
    struct view_query query;
    struct query_page page;
    int count = getenv("RINGBACK_TEST_MANY") != NULL ? many : many / 20;

    (void)state;
    model_init(&made->model);
    arena_init(&made->arena);
    made->chance = (struct chance){.seed = 9, .state = 9};
    for (int i = 0; i < count; i++) {
        (void)snprintf(made->keys[0], sizeof(made->keys[0]),
                       "callback|acme|%08x-1111-8222-8333-%012x", below(made, 0xffffff),
                       (unsigned)i);
        put_random(made, 0);
    }
    assert_null(model_fault(&made->model));
    query_init(&query);
    query.kinds = ~1u;
    query.ended = VIEW_ENDED_ANY;
    query_page(&made->model, &query, &anchor, 50, &page);
    assert_int_equal(page.total, count);
    assert_in_range(model_bytes(&made->model) / (size_t)count, 100, 450);
    unmake(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(model_follows_changes_and_tombstones),
        cmocka_unit_test(model_counts_what_it_cannot_read),
        cmocka_unit_test(rule_9_1_pages_are_those_of_the_whole_list),
        cmocka_unit_test(query_page_goes_on_when_its_row_went),
        cmocka_unit_test(query_cursor_is_of_one_query),
        cmocka_unit_test(rule_9_3_what_a_viewer_may_not_see_is_hidden),
        cmocka_unit_test(query_finds_by_texts_and_ids),
        cmocka_unit_test(overview_counts_what_lists_count),
        cmocka_unit_test(model_holds_a_million),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
