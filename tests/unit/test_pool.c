/* base/pool. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/pool.h"
#include "tests/support/chance.h"

static void pool_handles_start_at_one_and_the_last_freed_comes_first(void **state)
{
    struct pool pool;

    (void)state;
    pool_init(&pool, 8);
    assert_int_equal(pool_take(&pool), 1);
    assert_int_equal(pool_take(&pool), 2);
    assert_int_equal(pool_take(&pool), 3);
    pool_give(&pool, 1);
    pool_give(&pool, 3);
    assert_int_equal(pool_count(&pool), 1);
    assert_int_equal(pool_take(&pool), 3);
    assert_int_equal(pool_take(&pool), 1);
    assert_int_equal(pool_take(&pool), 4);
    assert_int_equal(pool_count(&pool), 4);
    pool_deinit(&pool);
    assert_int_equal(pool_count(&pool), 0);
    assert_int_equal(pool_bytes(&pool), 0);
    assert_int_equal(pool_take(&pool), 1);
    pool_deinit(&pool);
}

static void pool_items_are_zeroed_when_taken_again(void **state)
{
    struct pool pool;
    static const uint8_t zeros[20];
    uint32_t handle;

    (void)state;
    pool_init(&pool, 18); /* rounded up to 20 */
    handle = pool_take(&pool);
    assert_memory_equal(pool_at(&pool, handle), zeros, 20);
    memset(pool_at(&pool, handle), 0xff, 20);
    pool_give(&pool, handle);
    assert_int_equal(pool_take(&pool), handle);
    assert_memory_equal(pool_at(&pool, handle), zeros, 20);
    pool_deinit(&pool);
}

static void pool_items_never_move_and_never_overlap(void **state)
{
    enum { items = 300000, bytes = 12 };
    struct pool pool;
    static uint8_t *places[items + 1];

    (void)state;
    pool_init(&pool, bytes);
    for (uint32_t i = 1; i <= items; i++) {
        assert_int_equal(pool_take(&pool), i);
        places[i] = pool_at(&pool, i);
        memcpy(places[i], &i, 4);
        memcpy(places[i] + 8, &i, 4);
    }
    for (uint32_t i = 1; i <= items; i++) {
        assert_ptr_equal(pool_at(&pool, i), places[i]);
        assert_memory_equal(places[i], &i, 4);
        assert_memory_equal(places[i] + 8, &i, 4);
    }
    pool_deinit(&pool);
}

static void pool_items_of_eight_bytes_are_aligned_to_eight(void **state)
{
    struct pool pool;

    (void)state;
    pool_init(&pool, 56);
    for (uint32_t i = 0; i < 50000; i++)
        assert_int_equal((uintptr_t)pool_at(&pool, pool_take(&pool)) % 8, 0);
    pool_deinit(&pool);
}

static void pool_taken_and_given_at_random_keeps_every_item(void **state)
{
    enum { most = 3000, steps = 200000 };
    static uint32_t live[most];
    static uint64_t marks[most];
    struct chance chance = chance_start();
    struct pool pool;
    size_t count = 0, peak = 0;

    (void)state;
    pool_init(&pool, 16);
    for (int step = 0; step < steps; step++) {
        if (count < most && (count == 0 || chance_below(&chance, 100) < 51)) {
            live[count] = pool_take(&pool);
            marks[count] = chance_next(&chance);
            memcpy(pool_at(&pool, live[count]), &marks[count], 8);
            count++;
            peak = count > peak ? count : peak;
        } else {
            size_t i = chance_below(&chance, count);

            if (memcmp(pool_at(&pool, live[i]), &marks[i], 8) != 0)
                fail_msg("seed %llu step %d: item %u changed", chance_seed(&chance), step, live[i]);
            pool_give(&pool, live[i]);
            count--;
            live[i] = live[count];
            marks[i] = marks[count];
        }
        assert_int_equal(pool_count(&pool), count);
    }
    /* No handle beyond the most that ever lived at once: memory is reused. */
    for (; count > 0; count--)
        pool_give(&pool, live[count - 1]);
    for (size_t i = 0; i < peak; i++)
        assert_true(pool_take(&pool) <= peak);
    pool_deinit(&pool);
}

static void pool_costs_its_items_and_little_more(void **state)
{
    enum { items = 1000000, bytes = 40 };
    struct pool pool;

    (void)state;
    pool_init(&pool, bytes);
    assert_int_equal(pool_bytes(&pool), 0);
    for (uint32_t i = 0; i < items; i++)
        pool_take(&pool);
    assert_in_range(pool_bytes(&pool), (size_t)items * bytes, (size_t)items * bytes + items / 100);
    pool_deinit(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pool_handles_start_at_one_and_the_last_freed_comes_first),
        cmocka_unit_test(pool_items_are_zeroed_when_taken_again),
        cmocka_unit_test(pool_items_never_move_and_never_overlap),
        cmocka_unit_test(pool_items_of_eight_bytes_are_aligned_to_eight),
        cmocka_unit_test(pool_taken_and_given_at_random_keeps_every_item),
        cmocka_unit_test(pool_costs_its_items_and_little_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
