#include "base/pool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#ifdef __SANITIZE_ADDRESS__
#define POOL_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_POISON 1
#endif
#endif
#ifdef POOL_POISON
#include <sanitizer/asan_interface.h>
#define POOL_HIDE(item, bytes) __asan_poison_memory_region(item, bytes)
#define POOL_SHOW(item, bytes) __asan_unpoison_memory_region(item, bytes)
#else
#define POOL_HIDE(item, bytes) ((void)(item), (void)(bytes))
#define POOL_SHOW(item, bytes) ((void)(item), (void)(bytes))
#endif

/* A chunk of about 1 MiB comes from mmap and is touched only as far as it is used, and the
 * rounding up to pages is below 1 % of it. */
enum { pool_item_bytes_max = 65536, pool_chunk_bytes_max = 1024 * 1024 };

void pool_init(struct pool *pool, size_t item_bytes)
{
    assert(item_bytes >= 4);
    assert(item_bytes <= pool_item_bytes_max);
    *pool = (struct pool){.item_bytes = (uint32_t)(item_bytes + 3) & ~(uint32_t)3, .fresh = 1};
    while (((size_t)pool->item_bytes << (pool->chunk_shift + 1)) <= pool_chunk_bytes_max)
        pool->chunk_shift++;
}

void pool_deinit(struct pool *pool)
{
    for (uint32_t i = 0; i < pool->chunk_count; i++)
        free(pool->chunks[i]);
    free(pool->chunks);
    pool_init(pool, pool->item_bytes);
}

static size_t pool_chunk_bytes(const struct pool *pool)
{
    return (size_t)pool->item_bytes << pool->chunk_shift;
}

static void pool_grow(struct pool *pool)
{
    uint8_t *chunk;

    if (pool->chunk_count == pool->chunk_room) {
        pool->chunk_room = pool->chunk_room == 0 ? 4 : pool->chunk_room * 2;
        pool->chunks =
            memory_grow(pool->chunks, pool->chunk_room * sizeof(*pool->chunks), "a pool");
    }
    chunk = memory_alloc(pool_chunk_bytes(pool), "a pool");
    POOL_HIDE(chunk, pool_chunk_bytes(pool));
    pool->chunks[pool->chunk_count++] = chunk;
}

uint32_t pool_take(struct pool *pool)
{
    uint32_t handle = pool->freed;
    uint8_t *item;

    if (handle == 0) {
        handle = pool->fresh;
        if (handle == UINT32_MAX) {
            fprintf(stderr, "ringback: a pool of %" PRIu32 "-byte items has no handle left\n",
                    pool->item_bytes);
            abort();
        }
        if (handle >> pool->chunk_shift == pool->chunk_count)
            pool_grow(pool);
        pool->fresh++;
        item = pool_at(pool, handle);
        POOL_SHOW(item, pool->item_bytes);
    } else {
        item = pool_at(pool, handle);
        POOL_SHOW(item, pool->item_bytes);
        memcpy(&pool->freed, item, sizeof(pool->freed));
    }
    pool->count++;
    memset(item, 0, pool->item_bytes);
    return handle;
}

void pool_give(struct pool *pool, uint32_t handle)
{
    uint8_t *item;

    assert(handle < pool->fresh);
    assert(pool->count > 0);
    item = pool_at(pool, handle);
    memcpy(item, &pool->freed, sizeof(pool->freed));
    POOL_HIDE(item, pool->item_bytes);
    pool->freed = handle;
    pool->count--;
}

size_t pool_count(const struct pool *pool)
{
    return pool->count;
}

size_t pool_bytes(const struct pool *pool)
{
    size_t items = pool->chunk_count == 0 ? 0 : pool->fresh;

    return items * pool->item_bytes + pool->chunk_room * sizeof(*pool->chunks);
}
