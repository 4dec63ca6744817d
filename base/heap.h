/* Heap: the least of many int64_t keys, each with a handle, 12 bytes an entry. The owner of a
 * handle is told the entry's index whenever it changes, so any entry can be moved or removed in
 * O(log n). Grows and shrinks by chunks: no call copies more than a list of them. */
#ifndef RINGBACK_BASE_HEAP_H
#define RINGBACK_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_entry;

struct heap {
    struct heap_entry **chunks;
    uint32_t chunk_count;
    uint32_t chunk_room;
    uint32_t count;
    bool (*before)(const void *user, uint32_t a, uint32_t b);
    void (*moved)(void *user, uint32_t handle, uint32_t index);
    void *user;
};

/* before orders entries of equal keys: true if a comes first; it must be a total order for what
 * comes first to be determined. moved is told each entry's index, at least 1, and 0 when
 * it is no longer in; it must not call the heap. user is borrowed until heap_deinit. */
void heap_init(struct heap *heap, bool (*before)(const void *user, uint32_t a, uint32_t b),
               void (*moved)(void *user, uint32_t handle, uint32_t index), void *user);
void heap_deinit(struct heap *heap); /* tells nobody */

void heap_put(struct heap *heap, int64_t key, uint32_t handle);
/* A new key for the entry at index. Also right if only what before looks at has changed. */
void heap_move(struct heap *heap, uint32_t index, int64_t key);
void heap_remove(struct heap *heap, uint32_t index);

/* The least entry's handle, 0 = empty (then key is left as it is); key may be NULL. */
uint32_t heap_first(const struct heap *heap, int64_t *key);

size_t heap_count(const struct heap *heap);
/* How many keys are below that one, counted up to max: it looks at as many entries, and four for
 * each. */
size_t heap_count_below(const struct heap *heap, int64_t key, size_t max);
size_t heap_bytes(const struct heap *heap); /* held, without struct heap itself */

#endif
