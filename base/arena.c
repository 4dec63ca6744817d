#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { arena_block_bytes = 64 * 1024, arena_keep_bytes_max = 16 * 1024 * 1024 };

struct arena_block {
    struct arena_block *next;
    size_t size; /* a multiple of 16; bytes are on a 16-byte boundary */
    uint8_t bytes[];
};

static void *arena_protobuf_alloc(void *data, size_t size)
{
    return arena_alloc(data, size);
}

static void arena_protobuf_free(void *data, void *pointer)
{
    (void)data;
    (void)pointer;
}

static void use(struct arena *arena, struct arena_block *block)
{
    arena->current = block;
    arena->free = block == NULL ? NULL : block->bytes;
    arena->left = block == NULL ? 0 : block->size;
}

void arena_init(struct arena *arena)
{
    *arena = (struct arena){.allocator = {arena_protobuf_alloc, arena_protobuf_free, arena}};
}

void arena_deinit(struct arena *arena)
{
    struct arena_block *block = arena->first;

    while (block != NULL) {
        struct arena_block *next = block->next;

        free(block);
        block = next;
    }
    arena->first = NULL;
    use(arena, NULL);
}

void arena_reset(struct arena *arena)
{
    struct arena_block **link = &arena->first;
    size_t kept = 0;

    while (*link != NULL) {
        struct arena_block *block = *link;

        if (kept + block->size > arena_keep_bytes_max) {
            *link = block->next;
            free(block);
            continue;
        }
        kept += block->size;
        link = &block->next;
    }
    use(arena, arena->first);
}

static struct arena_block *arena_grow(struct arena *arena, size_t size)
{
    size_t bytes = size > arena_block_bytes ? size : arena_block_bytes;
    struct arena_block *block = malloc(sizeof(*block) + bytes);

    if (block == NULL) {
        fprintf(stderr, "ringback: out of memory: %zu bytes for an arena\n", bytes);
        abort();
    }
    block->size = bytes;
    if (arena->current == NULL) {
        block->next = NULL;
        arena->first = block;
    } else {
        block->next = arena->current->next;
        arena->current->next = block;
    }
    return block;
}

void *arena_alloc_slow(struct arena *arena, size_t size)
{
    struct arena_block *block = arena->current == NULL ? NULL : arena->current->next;
    void *pointer;

    while (block != NULL && block->size < size) {
        arena->current = block;
        block = block->next;
    }
    use(arena, block == NULL ? arena_grow(arena, size) : block);
    pointer = arena->free;
    arena->free += size;
    arena->left -= size;
    return pointer;
}

void *arena_zalloc(struct arena *arena, size_t size)
{
    return memset(arena_alloc(arena, size), 0, size);
}

char *arena_text(struct arena *arena, struct slice slice)
{
    char *text = arena_alloc(arena, slice.size + 1);

    if (slice.size > 0)
        memcpy(text, slice.data, slice.size);
    text[slice.size] = '\0';
    return text;
}

struct slice arena_slice(struct arena *arena, struct slice slice)
{
    return slice_make(arena_text(arena, slice), slice.size);
}

char *arena_format(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    char *text;
    int size;

    va_start(args, format);
    va_copy(again, args);
    size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    text = arena_alloc(arena, (size_t)(size < 0 ? 0 : size) + 1);
    text[0] = '\0';
    vsnprintf(text, (size_t)(size < 0 ? 0 : size) + 1, format, again);
    va_end(again);
    return text;
}

size_t arena_bytes(const struct arena *arena)
{
    size_t bytes = 0;

    for (const struct arena_block *block = arena->first; block != NULL; block = block->next)
        bytes += sizeof(*block) + block->size;
    return bytes;
}
