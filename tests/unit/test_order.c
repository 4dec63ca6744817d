/* base/order. The model is a sorted array; equal keys are ordered by what marks[] says of the
 * handles, also for handles that are never in a set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/order.h"
#include "tests/support/chance.h"

enum { most = 1000000, probe = most + 1 };

static uint64_t marks[probe + 1];
static uint8_t in_set[probe + 1];

static int mark_compare(const void *user, uint32_t sought, uint32_t entry)
{
    const uint64_t *all = user;

    /* What an entry stands for may be gone once it is removed: never ask about it then. */
    if (!in_set[entry])
        fail_msg("compare was asked about %u, which is not in the set", entry);
    return all[sought] < all[entry] ? -1 : all[sought] > all[entry];
}

static const struct order_compare by_mark = {mark_compare, marks};

struct entry {
    int64_t key;
    uint32_t handle;
};

struct model {
    struct entry *entries;
    size_t count;
};

struct subject {
    struct order_nodes nodes;
    struct order order;
    struct model model;
    struct chance chance;
    int64_t (*key_of)(struct chance *chance, uint32_t handle);
};

static void subject_start(struct subject *subject)
{
    memset(in_set, 0, sizeof(in_set));
    memset(subject, 0, sizeof(*subject));
    order_nodes_init(&subject->nodes);
    subject->model.entries = calloc(most, sizeof(struct entry));
    assert_non_null(subject->model.entries);
    subject->chance = chance_start();
}

static void subject_end(struct subject *subject)
{
    order_nodes_deinit(&subject->nodes);
    free(subject->model.entries);
}

static void put(struct subject *subject, int64_t key, uint32_t handle)
{
    in_set[handle] = 1;
    order_put(&subject->order, &subject->nodes, key, handle, by_mark);
}

static bool removed(struct subject *subject, int64_t key, uint32_t handle)
{
    bool was = order_remove(&subject->order, &subject->nodes, key, handle, by_mark);

    in_set[handle] = 0;
    return was;
}

/* How many of the model come strictly before. */
static size_t model_rank(const struct model *model, int64_t key, uint32_t handle)
{
    size_t low = 0, high = model->count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct entry *entry = &model->entries[middle];

        if (entry->key < key || (entry->key == key && marks[entry->handle] < marks[handle]))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void model_put(struct model *model, int64_t key, uint32_t handle)
{
    size_t at = model_rank(model, key, handle);

    memmove(model->entries + at + 1, model->entries + at,
            (model->count - at) * sizeof(struct entry));
    model->entries[at] = (struct entry){key, handle};
    model->count++;
}

static void model_remove(struct model *model, size_t at)
{
    model->count--;
    memmove(model->entries + at, model->entries + at + 1,
            (model->count - at) * sizeof(struct entry));
}

static void assert_sound(struct subject *subject, int step)
{
    const char *fault = order_fault(&subject->order, &subject->nodes, by_mark);

    if (fault != NULL)
        fail_msg("seed %llu step %d: %s", chance_seed(&subject->chance), step, fault);
}

static void assert_same(struct subject *subject, int step)
{
    const struct model *model = &subject->model;
    struct order_cursor cursor;
    size_t at = 0;

    assert_sound(subject, step);
    assert_int_equal(order_count(&subject->order), model->count);
    for (bool is = order_first(&subject->order, &subject->nodes, &cursor); is;
         is = order_next(&subject->nodes, &cursor)) {
        assert_true(at < model->count);
        if (order_at(&cursor) != model->entries[at].handle ||
            order_key_at(&cursor) != model->entries[at].key)
            fail_msg("seed %llu step %d: place %zu has %u, not %u", chance_seed(&subject->chance),
                     step, at, order_at(&cursor), model->entries[at].handle);
        at++;
    }
    assert_int_equal(at, model->count);
    for (at = 0; at < model->count; at += 1 + model->count / 50) {
        assert_true(order_select(&subject->order, &subject->nodes, at, &cursor));
        if (order_at(&cursor) != model->entries[at].handle)
            fail_msg("seed %llu step %d: select %zu gives %u, not %u",
                     chance_seed(&subject->chance), step, at, order_at(&cursor),
                     model->entries[at].handle);
    }
    assert_false(order_select(&subject->order, &subject->nodes, model->count, &cursor));
}

/* Rank and seek of something that is in the set or of another kind. */
static void assert_rank(struct subject *subject, int64_t key, uint32_t sought, int step)
{
    size_t expected = model_rank(&subject->model, key, sought);
    size_t rank = order_rank(&subject->order, &subject->nodes, key, sought, by_mark);
    struct order_cursor cursor;
    bool is = order_seek(&subject->order, &subject->nodes, key, sought, by_mark, &cursor);

    if (rank != expected || is != (expected < subject->model.count) ||
        (is && order_at(&cursor) != subject->model.entries[expected].handle))
        fail_msg("seed %llu step %d: rank %zu, not %zu, of %zu", chance_seed(&subject->chance),
                 step, rank, expected, subject->model.count);
}

static int64_t key_any(struct chance *chance, uint32_t handle)
{
    (void)handle;
    return (int64_t)chance_next(chance);
}

static int64_t key_few(struct chance *chance, uint32_t handle)
{
    (void)handle;
    return (int64_t)chance_below(chance, 5) - 2;
}

static int64_t key_same(struct chance *chance, uint32_t handle)
{
    (void)chance;
    (void)handle;
    return INT64_MIN;
}

static int64_t key_up(struct chance *chance, uint32_t handle)
{
    (void)chance;
    return handle;
}

static int64_t key_down(struct chance *chance, uint32_t handle)
{
    (void)chance;
    return INT64_MAX - (int64_t)handle;
}

static int64_t key_nearly_up(struct chance *chance, uint32_t handle)
{
    return (int64_t)handle + (int64_t)chance_below(chance, 20);
}

/* Up to limit entries by turns growing and shrinking, each step checked against the model. */
static void compare_with_model(int64_t (*key_of)(struct chance *, uint32_t), size_t limit,
                               int steps, bool even_marks)
{
    struct subject subject;
    uint32_t handle = 0;

    subject_start(&subject);
    for (int step = 0; step < steps; step++) {
        struct model *model = &subject.model;
        struct chance *chance = &subject.chance;
        uint64_t puts = (step / (steps / 6)) % 2 == 0 ? 80 : 25;
        size_t at = model->count == 0 ? 0 : chance_below(chance, model->count);

        if (model->count == 0 || (model->count < limit && chance_below(chance, 100) < puts)) {
            int64_t key = key_of(chance, ++handle);

            marks[handle] = even_marks ? 2 * (uint64_t)handle : chance_next(chance);
            model_put(model, key, handle);
            put(&subject, key, handle);
        } else {
            struct entry entry = model->entries[at];

            model_remove(model, at);
            assert_true(removed(&subject, entry.key, entry.handle));
            assert_false(removed(&subject, entry.key, entry.handle));
        }
        if (model->count > 0) {
            at = chance_below(chance, model->count);
            assert_rank(&subject, model->entries[at].key, model->entries[at].handle, step);
            marks[probe] = marks[model->entries[at].handle] + 1;
            assert_rank(&subject, model->entries[at].key, probe, step);
        }
        marks[probe] = chance_next(chance);
        assert_rank(&subject, key_of(chance, handle), probe, step);
        if (step % 500 == 0 || model->count < 3)
            assert_same(&subject, step);
    }
    assert_same(&subject, steps);
    while (subject.model.count > 0) {
        size_t at = chance_below(&subject.chance, subject.model.count);
        struct entry entry = subject.model.entries[at];

        model_remove(&subject.model, at);
        assert_true(removed(&subject, entry.key, entry.handle));
        if (subject.model.count % 300 == 0)
            assert_same(&subject, (int)subject.model.count);
    }
    assert_int_equal(order_count(&subject.order), 0);
    for (int class = 0; class < order_class_count; class ++)
        assert_int_equal(pool_count(&subject.nodes.pools[class]), 0);
    subject_end(&subject);
}

static void order_empty_answers_everything(void **state)
{
    struct subject subject;
    struct order_cursor cursor;

    (void)state;
    subject_start(&subject);
    assert_int_equal(order_count(&subject.order), 0);
    assert_false(order_first(&subject.order, &subject.nodes, &cursor));
    assert_false(order_seek(&subject.order, &subject.nodes, 0, probe, by_mark, &cursor));
    assert_int_equal(order_rank(&subject.order, &subject.nodes, 0, probe, by_mark), 0);
    assert_false(order_remove(&subject.order, &subject.nodes, 0, 1, by_mark));
    order_clear(&subject.order, &subject.nodes);
    assert_int_equal(order_nodes_bytes(&subject.nodes), 0);
    subject_end(&subject);
}

static void order_at_random_equals_a_model(void **state)
{
    (void)state;
    compare_with_model(key_any, 20000, 60000, false);
    compare_with_model(key_any, 70, 20000, false);
    compare_with_model(key_any, 6, 5000, false);
}

static void order_of_few_keys_follows_compare(void **state)
{
    (void)state;
    compare_with_model(key_few, 8000, 40000, false);
    compare_with_model(key_same, 8000, 40000, false);
    compare_with_model(key_same, 8000, 40000, true);
}

static void order_rising_and_falling_equals_a_model(void **state)
{
    (void)state;
    compare_with_model(key_up, 20000, 40000, true);
    compare_with_model(key_down, 20000, 40000, true);
    compare_with_model(key_nearly_up, 20000, 40000, true);
}

/* An entry that stands twice under different keys cannot be; one asked for under another key is
 * not in. */
static void order_remove_needs_the_key_it_was_put_with(void **state)
{
    struct subject subject;

    (void)state;
    subject_start(&subject);
    for (uint32_t handle = 1; handle <= 500; handle++) {
        marks[handle] = handle;
        put(&subject, handle % 7, handle);
    }
    assert_false(order_remove(&subject.order, &subject.nodes, 3, 8, by_mark));
    assert_false(order_remove(&subject.order, &subject.nodes, INT64_MIN, 8, by_mark));
    assert_false(order_remove(&subject.order, &subject.nodes, INT64_MAX, 8, by_mark));
    assert_int_equal(order_count(&subject.order), 500);
    assert_true(removed(&subject, 1, 8));
    assert_int_equal(order_count(&subject.order), 499);
    assert_sound(&subject, 0);
    subject_end(&subject);
}

static void order_sets_share_nodes_and_clear_gives_them_back(void **state)
{
    enum { sets = 50, each = 700 };
    static struct order orders[sets];
    struct subject subject;

    (void)state;
    subject_start(&subject);
    memset(orders, 0, sizeof(orders));
    for (uint32_t i = 0; i < sets * each; i++) {
        marks[i + 1] = i;
        in_set[i + 1] = 1;
        order_put(&orders[i % sets], &subject.nodes, (int64_t)chance_below(&subject.chance, 99),
                  i + 1, by_mark);
    }
    for (int i = 0; i < sets; i++) {
        assert_int_equal(order_count(&orders[i]), each);
        assert_null(order_fault(&orders[i], &subject.nodes, by_mark));
        order_clear(&orders[i], &subject.nodes);
        assert_int_equal(order_count(&orders[i]), 0);
    }
    for (int class = 0; class < order_class_count; class ++)
        assert_int_equal(pool_count(&subject.nodes.pools[class]), 0);
    subject_end(&subject);
}

/* Bytes of the nodes in use, an entry. */
static double bytes_each(const struct subject *subject)
{
    size_t bytes = 0;

    for (int class = 0; class < order_class_count; class ++)
        bytes += pool_count(&subject->nodes.pools[class]) * subject->nodes.pools[class].item_bytes;
    return (double)bytes / (double)order_count(&subject->order);
}

static double bytes_filled(int64_t (*key_of)(struct chance *, uint32_t), uint32_t count)
{
    struct subject subject;
    double bytes;

    subject_start(&subject);
    for (uint32_t handle = 1; handle <= count; handle++) {
        marks[handle] = handle;
        put(&subject, key_of(&subject.chance, handle), handle);
    }
    assert_sound(&subject, 0);
    bytes = bytes_each(&subject);
    subject_end(&subject);
    return bytes;
}

static void assert_bytes(const char *what, double bytes, double least, double limit)
{
    if (bytes < least || bytes > limit)
        fail_msg("%s: %.3f bytes an entry, expected %.2f to %.2f", what, bytes, least, limit);
}

static void order_entry_costs_thirteen_to_sixteen_bytes(void **state)
{
    (void)state;
    assert_bytes("appended", bytes_filled(key_up, 300000), 12, 13);
    assert_bytes("prepended", bytes_filled(key_down, 300000), 12, 13);
    assert_bytes("nearly in order", bytes_filled(key_nearly_up, 300000), 12, 14);
    assert_bytes("equal keys", bytes_filled(key_same, 300000), 12, 13);
    assert_bytes("at random", bytes_filled(key_any, 300000), 12, 16);
}

static void order_of_one_costs_a_cache_line_and_small_ones_little(void **state)
{
    (void)state;
    assert_bytes("1", bytes_filled(key_any, 1), 56, 56);
    assert_bytes("4", bytes_filled(key_any, 4), 14, 14);
    assert_bytes("5", bytes_filled(key_any, 5), 20, 21);
    assert_bytes("33", bytes_filled(key_any, 33), 23, 24);
    assert_bytes("64", bytes_filled(key_any, 64), 26, 27);
}

/* Callbacks that come at the end and leave at the front, for long. */
static void order_as_a_queue_keeps_its_memory(void **state)
{
    enum { waiting = 10000 };
    struct subject subject;
    struct order_cursor cursor;
    size_t bytes = 0;

    (void)state;
    subject_start(&subject);
    for (uint32_t handle = 1; handle <= 60 * waiting; handle++) {
        marks[handle] = handle;
        put(&subject, handle / 3, handle);
        if (handle <= waiting)
            continue;
        assert_true(order_first(&subject.order, &subject.nodes, &cursor));
        assert_int_equal(order_at(&cursor), handle - waiting);
        assert_true(removed(&subject, (handle - waiting) / 3, handle - waiting));
        if (handle == 2 * waiting)
            bytes = order_nodes_bytes(&subject.nodes);
        if (handle % 50000 == 0)
            assert_bytes("queue", bytes_each(&subject), 12, 13.5);
    }
    assert_sound(&subject, 0);
    assert_int_equal(order_nodes_bytes(&subject.nodes), bytes);
    subject_end(&subject);
}

/* Most of a large set leaves, from anywhere: what stays does not keep the nodes of the others. */
static void order_thinned_out_gives_its_nodes_back(void **state)
{
    enum { before = 200000, step = 20 };
    struct subject subject;

    (void)state;
    subject_start(&subject);
    for (uint32_t handle = 1; handle <= before; handle++) {
        marks[handle] = handle;
        put(&subject, handle, handle);
    }
    for (uint32_t handle = 1; handle <= before; handle++) {
        if (handle % step != 0)
            assert_true(removed(&subject, handle, handle));
    }
    assert_sound(&subject, 0);
    assert_int_equal(order_count(&subject.order), before / step);
    assert_bytes("thinned", bytes_each(&subject), 12, 30);
    subject_end(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_empty_answers_everything),
        cmocka_unit_test(order_at_random_equals_a_model),
        cmocka_unit_test(order_of_few_keys_follows_compare),
        cmocka_unit_test(order_rising_and_falling_equals_a_model),
        cmocka_unit_test(order_remove_needs_the_key_it_was_put_with),
        cmocka_unit_test(order_sets_share_nodes_and_clear_gives_them_back),
        cmocka_unit_test(order_entry_costs_thirteen_to_sixteen_bytes),
        cmocka_unit_test(order_of_one_costs_a_cache_line_and_small_ones_little),
        cmocka_unit_test(order_as_a_queue_keeps_its_memory),
        cmocka_unit_test(order_thinned_out_gives_its_nodes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
