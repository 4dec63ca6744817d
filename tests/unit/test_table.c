/* base/table. A model holds which handles are in; the key of a handle is itself, its hash is
 * whatever the test says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/table.h"
#include "tests/support/chance.h"

static uint64_t hash_same(const void *user, uint32_t handle)
{
    (void)user;
    (void)handle;
    return 42;
}

static uint64_t hash_identity(const void *user, uint32_t handle)
{
    (void)user;
    return handle;
}

static uint64_t hash_high_bits(const void *user, uint32_t handle)
{
    (void)user;
    return (uint64_t)handle << 40;
}

/* 16 hashes in all, next to each other in the table's order or not, as chance has it. */
static uint64_t hash_few(const void *user, uint32_t handle)
{
    (void)user;
    return handle % 16;
}

static bool equal_handle(const void *user, uint32_t handle, const void *key)
{
    (void)user;
    return handle == *(const uint32_t *)key;
}

static uint32_t find(const struct table *table, uint32_t handle)
{
    return table_find(table, table->hash_of(table->user, handle), equal_handle, &handle);
}

static void put(struct table *table, uint32_t handle)
{
    table_put(table, table->hash_of(table->user, handle), handle);
}

static bool removed(struct table *table, uint32_t handle)
{
    return table_remove(table, table->hash_of(table->user, handle), handle);
}

/* Fails unless walking the table meets exactly the handles 1..most that are in. */
static void assert_walk(const struct table *table, const bool *in, uint32_t most)
{
    bool *seen = calloc(most + 1, sizeof(*seen));
    size_t cursor = 0, count = 0;
    uint32_t handle;

    assert_non_null(seen);
    while ((handle = table_next(table, &cursor)) != 0) {
        assert_in_range(handle, 1, most);
        if (!in[handle] || seen[handle])
            fail_msg("handle %u: in %d, seen before %d", handle, in[handle], seen[handle]);
        seen[handle] = true;
        count++;
    }
    assert_int_equal(count, table_count(table));
    free(seen);
}

/* Puts and removes at random, growing, shrinking and growing again, and compares all the while. */
static void compare_with_model(uint64_t (*hash_of)(const void *, uint32_t), uint32_t most,
                               int steps)
{
    struct chance chance = chance_start();
    bool *in = calloc(most + 1, sizeof(*in));
    struct table table;
    size_t count = 0;

    assert_non_null(in);
    table_init(&table, hash_of, NULL);
    for (int step = 0; step < steps; step++) {
        uint32_t handle = 1 + (uint32_t)chance_below(&chance, most);
        uint64_t puts = (step / (steps / 4)) % 2 == 0 ? 90 : 20;

        if (find(&table, handle) != (in[handle] ? handle : 0))
            fail_msg("seed %llu step %d: handle %u, in %d, is not so in the table",
                     chance_seed(&chance), step, handle, in[handle]);
        if (in[handle] && chance_below(&chance, 100) >= puts) {
            assert_true(removed(&table, handle));
            assert_false(removed(&table, handle));
            in[handle] = false;
            count--;
        } else if (!in[handle] && chance_below(&chance, 100) < puts) {
            put(&table, handle);
            in[handle] = true;
            count++;
        }
        assert_int_equal(table_count(&table), count);
        if (step % (steps / 16) == 0)
            assert_walk(&table, in, most);
    }
    for (uint32_t handle = 1; handle <= most; handle++)
        assert_int_equal(find(&table, handle), in[handle] ? handle : 0);
    assert_walk(&table, in, most);
    table_deinit(&table);
    assert_int_equal(table_bytes(&table), 0);
    free(in);
}

static void table_empty_finds_nothing_and_holds_no_memory(void **state)
{
    struct table table;
    size_t cursor = 0;

    (void)state;
    table_init(&table, hash_identity, NULL);
    assert_int_equal(find(&table, 1), 0);
    assert_false(removed(&table, 1));
    assert_int_equal(table_next(&table, &cursor), 0);
    assert_int_equal(table_count(&table), 0);
    assert_int_equal(table_bytes(&table), 0);
    table_deinit(&table);
}

static void table_at_random_equals_a_model(void **state)
{
    (void)state;
    compare_with_model(hash_identity, 50000, 400000);
    compare_with_model(hash_high_bits, 20000, 200000);
    compare_with_model(hash_identity, 40, 20000);
}

static void table_with_colliding_hashes_equals_a_model(void **state)
{
    (void)state;
    compare_with_model(hash_same, 600, 20000);
    compare_with_model(hash_few, 2000, 40000);
}

static void table_at_every_size_finds_all_and_nothing_else(void **state)
{
    enum { most = 3000 };
    static bool in[most + 1];
    struct table table;

    (void)state;
    table_init(&table, hash_identity, NULL);
    for (uint32_t size = 1; size <= most; size++) {
        put(&table, size);
        in[size] = true;
        for (uint32_t handle = size; handle > 0; handle -= handle < 7 ? 1 : 7)
            assert_int_equal(find(&table, handle), handle);
        assert_int_equal(find(&table, size + 1), 0);
        assert_walk(&table, in, size);
    }
    table_deinit(&table);
}

/* A stream of new keys through a table of steady size, as callbacks come and end. */
static void table_turned_over_many_times_neither_grows_nor_slows(void **state)
{
    enum { alive = 5000, turns = 100 };
    struct table table;
    size_t bytes, longest = 0;

    (void)state;
    table_init(&table, hash_identity, NULL);
    for (uint32_t handle = 1; handle <= 2 * alive; handle++) {
        put(&table, handle);
        if (handle > alive)
            assert_true(removed(&table, handle - alive));
    }
    bytes = table_bytes(&table);
    for (uint32_t handle = 2 * alive + 1; handle <= turns * alive; handle++) {
        assert_true(removed(&table, handle - alive));
        put(&table, handle);
    }
    assert_int_equal(table_count(&table), alive);
    assert_int_equal(table_bytes(&table), bytes);
    for (uint32_t handle = turns * alive; handle > (turns - 1) * alive; handle--)
        longest += find(&table, handle) == handle;
    assert_int_equal(longest, alive);
    table_deinit(&table);
}

static size_t hashes_asked;

static uint64_t hash_counted(const void *user, uint32_t handle)
{
    (void)user;
    hashes_asked++;
    return handle;
}

static void table_put_moves_a_bounded_number_of_entries(void **state)
{
    struct table table;
    size_t most = 0, before = 0;

    (void)state;
    table_init(&table, hash_counted, NULL);
    hashes_asked = 0;
    for (uint32_t handle = 1; handle <= 500000; handle++) {
        table_put(&table, handle, handle);
        most = hashes_asked - before > most ? hashes_asked - before : most;
        before = hashes_asked;
    }
    /* 2 buckets of 12, and so many more as spilled over into each other (27 here). */
    assert_in_range(most, 12, 40 * 12);
    assert_in_range(hashes_asked, 500000, 3 * 500000);
    table_deinit(&table);
}

/* At every size on the way: the load is 53 to 80 % of slots of 5.33 bytes. */
static void table_entry_costs_seven_to_eleven_bytes(void **state)
{
    struct table table;
    double most = 0, least = 100;

    (void)state;
    table_init(&table, hash_identity, NULL);
    for (uint32_t handle = 1; handle <= 1000000; handle++) {
        double each;

        put(&table, handle);
        each = (double)table_bytes(&table) / handle;
        if (handle > 100000) {
            most = each > most ? each : most;
            least = each < least ? each : least;
        }
    }
    if (most > 10.9 || least < 6.6 || least > 7.0)
        fail_msg("%.2f to %.2f bytes an entry", least, most);
    table_deinit(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_empty_finds_nothing_and_holds_no_memory),
        cmocka_unit_test(table_at_random_equals_a_model),
        cmocka_unit_test(table_with_colliding_hashes_equals_a_model),
        cmocka_unit_test(table_at_every_size_finds_all_and_nothing_else),
        cmocka_unit_test(table_turned_over_many_times_neither_grows_nor_slows),
        cmocka_unit_test(table_put_moves_a_bounded_number_of_entries),
        cmocka_unit_test(table_entry_costs_seven_to_eleven_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
