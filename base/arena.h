/* Arena: memory that is given back all at once. Blocks are kept over a reset, so a warm arena
 * never calls malloc; one that once grew large keeps at most arena_keep_bytes_max. */
#ifndef RINGBACK_BASE_ARENA_H
#define RINGBACK_BASE_ARENA_H

#include <protobuf-c/protobuf-c.h>

#include "base/slice.h"

struct arena_block;

struct arena {
    struct arena_block *first;
    struct arena_block *current;
    uint8_t *free; /* what is left of the current block */
    size_t left;   /* bytes, a multiple of 16 */
    /* For protobuf_c_message_unpack: allocates here, frees nothing. */
    ProtobufCAllocator allocator;
};

void arena_init(struct arena *arena);
void arena_deinit(struct arena *arena);

/* Everything handed out since the last reset is invalid afterwards. */
void arena_reset(struct arena *arena);

/* 16-byte aligned, not zeroed; never NULL: running out of memory ends the process by abort, since
 * no part of a decision may be skipped. size 0 gives a valid pointer. */
static inline void *arena_alloc(struct arena *arena, size_t size)
    __attribute__((malloc, returns_nonnull));
void *arena_zalloc(struct arena *arena, size_t size) __attribute__((malloc, returns_nonnull));

/* Copies; text is terminated. */
char *arena_text(struct arena *arena, struct slice slice) __attribute__((returns_nonnull));
struct slice arena_slice(struct arena *arena, struct slice slice);
char *arena_format(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull));

/* The next block; for arena_alloc alone. size is a multiple of 16. */
void *arena_alloc_slow(struct arena *arena, size_t size) __attribute__((malloc, returns_nonnull));

/* Here, because it is called some twenty times an event. */
static inline void *arena_alloc(struct arena *arena, size_t size)
{
    uint8_t *pointer = arena->free;

    size = (size + 15) & ~(size_t)15;
    if (size > arena->left || pointer == NULL)
        return arena_alloc_slow(arena, size);
    arena->free += size;
    arena->left -= size;
    return pointer;
}

/* Held, used or not. */
size_t arena_bytes(const struct arena *arena);

#endif
