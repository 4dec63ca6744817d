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
    /* For protobuf_c_message_unpack: allocates here, frees nothing. */
    ProtobufCAllocator allocator;
};

void arena_init(struct arena *arena);
void arena_deinit(struct arena *arena);

/* Everything handed out since the last reset is invalid afterwards. */
void arena_reset(struct arena *arena);

/* 16-byte aligned, not zeroed; never NULL: running out of memory ends the process by abort, since
 * no part of a decision may be skipped. size 0 gives a valid pointer. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((malloc, returns_nonnull));
void *arena_zalloc(struct arena *arena, size_t size) __attribute__((malloc, returns_nonnull));

/* Copies; text is terminated. */
char *arena_text(struct arena *arena, struct slice slice) __attribute__((returns_nonnull));
struct slice arena_slice(struct arena *arena, struct slice slice);
char *arena_format(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull));

#endif
