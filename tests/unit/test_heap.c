/* base/heap. Items know their key and index; equal keys are ordered by rank. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/heap.h"
#include "tests/support/chance.h"

enum { most = 100000 };

struct item {
    int64_t key;
    uint32_t rank;
    uint32_t index;
};

static struct item items[most + 1];

static bool item_before(const void *user, uint32_t a, uint32_t b)
{
    const struct item *all = user;

    return all[a].rank < all[b].rank;
}

static void item_moved(void *user, uint32_t handle, uint32_t index)
{
    struct item *all = user;

    all[handle].index = index;
}

static void start(struct heap *heap)
{
    memset(items, 0, sizeof(items));
    heap_init(heap, item_before, item_moved, items);
}

static void put(struct heap *heap, uint32_t handle, int64_t key, uint32_t rank)
{
    items[handle].key = key;
    items[handle].rank = rank;
    heap_put(heap, key, handle);
}

static int item_compare(const void *a, const void *b)
{
    const struct item *left = a, *right = b;

    if (left->key != right->key)
        return left->key < right->key ? -1 : 1;
    return left->rank < right->rank ? -1 : left->rank > right->rank;
}

/* Takes all out and fails unless they come in order of key and rank. */
static void drain(struct heap *heap)
{
    struct item last = {INT64_MIN, 0, 0};
    int64_t key;
    uint32_t handle;

    while ((handle = heap_first(heap, &key)) != 0) {
        assert_int_equal(items[handle].index, 1);
        assert_true(key == items[handle].key);
        assert_true(item_compare(&last, &items[handle]) <= 0);
        last = items[handle];
        heap_remove(heap, 1);
        assert_int_equal(items[handle].index, 0);
    }
    assert_int_equal(heap_count(heap), 0);
}

static void heap_empty_has_no_first_and_no_memory(void **state)
{
    struct heap heap;
    int64_t key = 7;

    (void)state;
    start(&heap);
    assert_int_equal(heap_first(&heap, &key), 0);
    assert_int_equal(key, 7);
    assert_int_equal(heap_bytes(&heap), 0);
    put(&heap, 3, -5, 0);
    assert_int_equal(heap_first(&heap, NULL), 3);
    assert_int_equal(heap_first(&heap, &key), 3);
    assert_int_equal(key, -5);
    assert_int_equal(items[3].index, 1);
    heap_deinit(&heap);
    assert_int_equal(heap_first(&heap, NULL), 0);
}

static void heap_keys_of_all_sizes_come_in_order(void **state)
{
    static const int64_t keys[] = {INT64_MAX, 0, INT64_MIN, -1, 1, INT64_MAX - 1, 1, INT64_MIN};
    struct heap heap;

    (void)state;
    start(&heap);
    for (uint32_t i = 0; i < 8; i++)
        put(&heap, i + 1, keys[i], i);
    drain(&heap);
    heap_deinit(&heap);
}

/* As many as are below, whatever the shape; never more than asked for. */
static void heap_counts_what_is_below_a_key(void **state)
{
    struct chance chance = chance_start();
    struct heap heap;

    (void)state;
    start(&heap);
    assert_int_equal(heap_count_below(&heap, INT64_MAX, 10), 0);
    for (uint32_t i = 1; i <= 5000; i++)
        put(&heap, i, (int64_t)chance_below(&chance, 1000), i);
    for (int64_t key = -1; key <= 1001; key += 167) {
        size_t below = 0;

        for (uint32_t i = 1; i <= 5000; i++)
            below += items[i].key < key;
        assert_int_equal(heap_count_below(&heap, key, 5000), below);
        assert_int_equal(heap_count_below(&heap, key, 100), below < 100 ? below : 100);
    }
    heap_deinit(&heap);
}

static void heap_of_equal_keys_follows_before(void **state)
{
    struct chance chance = chance_start();
    struct heap heap;

    (void)state;
    start(&heap);
    for (uint32_t i = 1; i <= 5000; i++)
        put(&heap, i, 77, (uint32_t)chance_next(&chance));
    drain(&heap);
    heap_deinit(&heap);
}

static void heap_filled_up_or_down_comes_in_order(void **state)
{
    struct heap heap;

    (void)state;
    start(&heap);
    for (uint32_t i = 1; i <= 20000; i++)
        put(&heap, i, i, 0);
    for (uint32_t i = 20001; i <= 40000; i++)
        put(&heap, i, -(int64_t)i, 0);
    drain(&heap);
    heap_deinit(&heap);
}

static void heap_move_also_follows_a_changed_rank(void **state)
{
    struct heap heap;

    (void)state;
    start(&heap);
    for (uint32_t i = 1; i <= 100; i++)
        put(&heap, i, 5, 10 * i);
    items[90].rank = 1;
    heap_move(&heap, items[90].index, 5);
    assert_int_equal(heap_first(&heap, NULL), 90);
    items[90].rank = 2000;
    heap_move(&heap, items[90].index, 5);
    assert_int_equal(heap_first(&heap, NULL), 1);
    drain(&heap);
    heap_deinit(&heap);
}

/* Every entry's index is right and no entry comes before its parent. */
static void assert_ordered(const struct heap *heap, const uint32_t *live, size_t count,
                           const struct chance *chance)
{
    static uint32_t by_index[most + 1];

    memset(by_index, 0, sizeof(by_index));
    for (size_t i = 0; i < count; i++) {
        uint32_t index = items[live[i]].index;

        if (index < 1 || index > count || by_index[index] != 0)
            fail_msg("seed %llu: index %u of %zu", chance_seed(chance), index, count);
        by_index[index] = live[i];
    }
    for (uint32_t index = 2; index <= count; index++) {
        uint32_t parent = (index - 2) / 4 + 1;

        if (item_compare(&items[by_index[index]], &items[by_index[parent]]) < 0)
            fail_msg("seed %llu: index %u before its parent", chance_seed(chance), index);
    }
    assert_int_equal(heap_count(heap), count);
}

static void heap_at_random_keeps_its_order(void **state)
{
    enum { pool = 2000, steps = 60000 };
    static uint32_t live[pool];
    struct chance chance = chance_start();
    struct heap heap;
    size_t count = 0;

    (void)state;
    start(&heap);
    for (int step = 0; step < steps; step++) {
        /* Few keys, so that many are equal. */
        int64_t key = (int64_t)chance_below(&chance, 50) - 25;
        size_t pick = count == 0 ? 0 : chance_below(&chance, count);
        uint64_t action = chance_below(&chance, 3);

        if (count == 0 || (action == 0 && count < pool)) {
            uint32_t handle = 1;

            while (items[handle].index != 0)
                handle++;
            live[count++] = handle;
            put(&heap, handle, key, (uint32_t)chance_next(&chance));
        } else if (action == 1) {
            items[live[pick]].key = key;
            heap_move(&heap, items[live[pick]].index, key);
        } else if (chance_below(&chance, 10) < 9) {
            heap_remove(&heap, items[live[pick]].index);
            assert_int_equal(items[live[pick]].index, 0);
            live[pick] = live[--count];
        }
        if (step % 100 == 0)
            assert_ordered(&heap, live, count, &chance);
    }
    drain(&heap);
    heap_deinit(&heap);
}

static void heap_entry_costs_twelve_bytes_and_is_given_back(void **state)
{
    struct heap heap;
    double each;

    (void)state;
    start(&heap);
    for (uint32_t i = 1; i <= most; i++)
        put(&heap, i, (int64_t)(i * 2654435761u), 0);
    each = (double)heap_bytes(&heap) / most;
    if (each < 12 || each > 12.4)
        fail_msg("%.2f bytes an entry", each);
    drain(&heap);
    assert_in_range(heap_bytes(&heap), 0, 2 * 4096 * 12 + 1024);
    heap_deinit(&heap);
    assert_int_equal(heap_bytes(&heap), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heap_empty_has_no_first_and_no_memory),
        cmocka_unit_test(heap_keys_of_all_sizes_come_in_order),
        cmocka_unit_test(heap_counts_what_is_below_a_key),
        cmocka_unit_test(heap_of_equal_keys_follows_before),
        cmocka_unit_test(heap_filled_up_or_down_comes_in_order),
        cmocka_unit_test(heap_move_also_follows_a_changed_rank),
        cmocka_unit_test(heap_at_random_keeps_its_order),
        cmocka_unit_test(heap_entry_costs_twelve_bytes_and_is_given_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
