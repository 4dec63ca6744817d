/* Nanoseconds an operation and bytes an entry of base/pool, table, heap and order, everything
 * chosen at random: what a large process sees, where each access misses the cache.
 *   bench_structures [ENTRIES...]   without an argument 10000 and 1000000 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/heap.h"
#include "base/memory.h"
#include "base/order.h"
#include "base/pool.h"
#include "base/table.h"
#include "tests/support/chance.h"

/* About as large as a callback. */
struct item {
    uint64_t id[2];
    int64_t key;
    uint64_t mark;
    uint32_t index;
    uint8_t rest[148];
};

struct bench {
    struct pool items;
    struct chance chance;
    uint32_t entries;
    uint32_t rounds; /* of operations on a full structure */
    uint64_t start_ns;
};

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void begin(struct bench *bench)
{
    bench->start_ns = now_ns();
}

static void end(struct bench *bench, const char *what, uint32_t operations)
{
    printf("  %-36s %8.1f ns\n", what, (double)(now_ns() - bench->start_ns) / operations);
}

static void bytes(const struct bench *bench, const char *what, size_t held)
{
    printf("  %-36s %8.2f bytes an entry\n", what, (double)held / bench->entries);
}

static struct item *item_at(const struct bench *bench, uint32_t handle)
{
    return pool_at(&bench->items, handle);
}

static uint32_t any(struct bench *bench)
{
    return 1 + (uint32_t)chance_below(&bench->chance, bench->entries);
}

static uint64_t item_hash(const void *user, uint32_t handle)
{
    return item_at(user, handle)->id[0];
}

static bool item_equal(const void *user, uint32_t handle, const void *key)
{
    return item_at(user, handle)->id[0] == *(const uint64_t *)key;
}

static bool item_before(const void *user, uint32_t a, uint32_t b)
{
    return item_at(user, a)->mark < item_at(user, b)->mark;
}

static void item_moved(void *user, uint32_t handle, uint32_t index)
{
    item_at(user, handle)->index = index;
}

static int item_compare(const void *user, uint32_t sought, uint32_t entry)
{
    uint64_t a = item_at(user, sought)->mark, b = item_at(user, entry)->mark;

    return a < b ? -1 : a > b;
}

static void bench_pool(struct bench *bench)
{
    begin(bench);
    for (uint32_t i = 1; i <= bench->entries; i++) {
        struct item *item = item_at(bench, pool_take(&bench->items));

        item->id[0] = chance_next(&bench->chance);
        item->mark = chance_next(&bench->chance);
        item->key = (int64_t)chance_below(&bench->chance, 86400000);
    }
    end(bench, "pool: take, fill", bench->entries);
    begin(bench);
    for (uint32_t i = 0; i < bench->rounds; i++)
        item_at(bench, any(bench))->index++;
    end(bench, "pool: touch any", bench->rounds);
    begin(bench);
    for (uint32_t i = 0; i < bench->rounds; i++) {
        uint32_t handle = any(bench), again;
        struct item item = *item_at(bench, handle);

        pool_give(&bench->items, handle);
        again = pool_take(&bench->items);
        *item_at(bench, again) = item;
    }
    end(bench, "pool: copy, give, take, copy back", bench->rounds);
    bytes(bench, "pool", pool_bytes(&bench->items));
}

static void bench_table(struct bench *bench)
{
    struct table table;
    uint64_t longest = 0, found = 0;

    table_init(&table, item_hash, bench);
    begin(bench);
    for (uint32_t i = 1; i <= bench->entries; i++) {
        uint64_t before = now_ns(), took;

        table_put(&table, item_at(bench, i)->id[0], i);
        took = now_ns() - before;
        longest = took > longest ? took : longest;
    }
    end(bench, "table: put while growing, with clock", bench->entries);
    printf("  %-36s %8.1f us\n", "table: longest put", (double)longest / 1000);
    begin(bench);
    for (uint32_t i = 0; i < bench->rounds; i++) {
        uint64_t id = item_at(bench, any(bench))->id[0];

        found += table_find(&table, id, item_equal, &id) != 0;
    }
    end(bench, "table: touch any, find it", bench->rounds);
    begin(bench);
    for (uint32_t i = 0; i < bench->rounds; i++) {
        uint64_t id = chance_next(&bench->chance);

        found += table_find(&table, id, item_equal, &id) != 0;
    }
    end(bench, "table: find none", bench->rounds);
    begin(bench);
    for (uint32_t i = 0; i < bench->rounds; i++) {
        uint32_t handle = any(bench);
        uint64_t id = item_at(bench, handle)->id[0];

        found += table_remove(&table, id, handle);
        item_at(bench, handle)->id[0] = id + 1;
        table_put(&table, id + 1, handle);
    }
    end(bench, "table: remove, put under another", bench->rounds);
    if (found < 2 * (uint64_t)bench->rounds)
        printf("  table: found too few, %" PRIu64 "\n", found);
    bytes(bench, "table", table_bytes(&table));
    table_deinit(&table);
}

static void bench_heap(struct bench *bench)
{
    struct heap heap;
    int64_t key = 0;

    heap_init(&heap, item_before, item_moved, bench);
    begin(bench);
    for (uint32_t i = 1; i <= bench->entries; i++)
        heap_put(&heap, item_at(bench, i)->key, i);
    end(bench, "heap: put", bench->entries);
    begin(bench);
    for (uint32_t i = 0; i < bench->rounds; i++)
        heap_move(&heap, item_at(bench, any(bench))->index,
                  (int64_t)chance_below(&bench->chance, 86400000));
    end(bench, "heap: move any anywhere", bench->rounds);
    begin(bench);
    for (uint32_t i = 0; i < bench->rounds; i++) {
        uint32_t handle = heap_first(&heap, &key);

        heap_remove(&heap, 1);
        heap_put(&heap, key + (int64_t)chance_below(&bench->chance, 86400000), handle);
    }
    end(bench, "heap: take first, put later", bench->rounds);
    bytes(bench, "heap", heap_bytes(&heap));
    heap_deinit(&heap);
}

static void bench_order_random(struct bench *bench, struct order *orders, uint32_t sets)
{
    struct order_compare how = {item_compare, bench};
    struct order_nodes nodes;
    uint64_t ranks = 0;

    order_nodes_init(&nodes);
    begin(bench);
    for (uint32_t i = 1; i <= bench->entries; i++)
        order_put(&orders[i % sets], &nodes, item_at(bench, i)->key, i, how);
    end(bench, "order: put at random", bench->entries);
    bytes(bench, "order, filled at random", order_nodes_bytes(&nodes));
    begin(bench);
    for (uint32_t i = 0; i < bench->rounds; i++) {
        uint32_t handle = any(bench);

        ranks +=
            order_rank(&orders[handle % sets], &nodes, item_at(bench, handle)->key, handle, how);
    }
    end(bench, "order: rank of any", bench->rounds);
    begin(bench);
    for (uint32_t i = 0; i < bench->rounds; i++) {
        uint32_t handle = any(bench);
        struct item *item = item_at(bench, handle);

        if (!order_remove(&orders[handle % sets], &nodes, item->key, handle, how))
            printf("  order: %" PRIu32 " of rank sum %" PRIu64 " is lost\n", handle, ranks);
        item->key = (int64_t)chance_below(&bench->chance, 86400000);
        order_put(&orders[handle % sets], &nodes, item->key, handle, how);
    }
    end(bench, "order: remove any, put anywhere", bench->rounds);
    bytes(bench, "order, then", order_nodes_bytes(&nodes));
    for (uint32_t i = 0; i < sets; i++)
        order_clear(&orders[i], &nodes);
    order_nodes_deinit(&nodes);
}

static void bench_order_queue(struct bench *bench, struct order *orders, uint32_t sets)
{
    struct order_compare how = {item_compare, bench};
    struct order_nodes nodes;

    order_nodes_init(&nodes);
    begin(bench);
    for (uint32_t i = 1; i <= bench->entries; i++)
        order_put(&orders[i % sets], &nodes, i, i, how);
    end(bench, "order: append", bench->entries);
    bytes(bench, "order, appended", order_nodes_bytes(&nodes));
    begin(bench);
    for (uint32_t i = 1; i <= bench->rounds; i++) {
        uint32_t handle = 1 + (i - 1) % bench->entries;

        if (!order_remove(&orders[handle % sets], &nodes, i, handle, how))
            printf("  order: %" PRIu32 " is lost\n", handle);
        order_put(&orders[handle % sets], &nodes, (int64_t)i + bench->entries, handle, how);
    }
    end(bench, "order: remove first, append", bench->rounds);
    for (uint32_t i = 0; i < sets; i++)
        order_clear(&orders[i], &nodes);
    order_nodes_deinit(&nodes);
}

static void bench_all(uint32_t entries)
{
    struct bench bench = {.chance = chance_start(), .entries = entries, .rounds = 2000000};
    uint32_t sets[] = {1, entries / 100 + 1};

    printf("%" PRIu32 " entries\n", entries);
    pool_init(&bench.items, sizeof(struct item));
    bench_pool(&bench);
    bench_table(&bench);
    bench_heap(&bench);
    for (int i = 0; i < 2; i++) {
        struct order *orders = memory_zalloc(sets[i] * sizeof(*orders), "the sets");

        printf("  %" PRIu32 " set(s):\n", sets[i]);
        bench_order_random(&bench, orders, sets[i]);
        bench_order_queue(&bench, orders, sets[i]);
        free(orders);
    }
    pool_deinit(&bench.items);
}

int main(int count, char **arguments)
{
    for (int i = 1; i < count; i++) {
        uint64_t entries = strtoull(arguments[i], NULL, 10);

        if (entries < 1 || entries > 100000000) {
            fprintf(stderr, "bench_structures: %s: not a number from 1 to 100000000\n",
                    arguments[i]);
            return 2;
        }
        bench_all((uint32_t)entries);
    }
    if (count == 1) {
        bench_all(10000);
        bench_all(1000000);
    }
    return 0;
}
