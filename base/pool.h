/* Pool: items of one size, found by a handle of 32 bits, 0 = none. Items never move, so a pointer
 * stays good until its item is given back; memory is kept for reuse until pool_deinit. Taking and
 * giving cost the same however many there are: a full pool gets one more chunk, nothing is
 * copied. Built with AddressSanitizer, an item that was given back may not be touched. */
#ifndef RINGBACK_BASE_POOL_H
#define RINGBACK_BASE_POOL_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

struct pool {
    uint8_t **chunks;
    uint32_t item_bytes;
    uint32_t chunk_shift; /* a chunk has 1 << chunk_shift items */
    uint32_t chunk_count;
    uint32_t chunk_room;
    uint32_t fresh; /* handles from here on were never taken */
    uint32_t freed; /* the last given back, which names the one before in its first 4 bytes */
    uint32_t count;
};

/* item_bytes: 4 to 65536, rounded up to a multiple of 4. Items are aligned to 16 bytes if
 * item_bytes is a multiple of 16, to 8 if of 8, else to 4; sizeof of a struct always fits it. */
void pool_init(struct pool *pool, size_t item_bytes);
void pool_deinit(struct pool *pool);

/* The item is zeroed. The handle is at least 1; the last one given back is taken first, so the
 * same calls give the same handles. Aborts when memory or handles run out. */
uint32_t pool_take(struct pool *pool);
/* handle is taken now. */
void pool_give(struct pool *pool, uint32_t handle);

size_t pool_count(const struct pool *pool); /* taken now */
/* Held, taken now or once; what was never taken of the newest chunk was never touched, and so is
 * no memory but address space. */
size_t pool_bytes(const struct pool *pool);

/* handle is taken now, so not 0. */
static inline void *pool_at(const struct pool *pool, uint32_t handle)
{
    uint32_t mask = ((uint32_t)1 << pool->chunk_shift) - 1;

    assert(handle != 0);
    return pool->chunks[handle >> pool->chunk_shift] + (size_t)(handle & mask) * pool->item_bytes;
}

#endif
