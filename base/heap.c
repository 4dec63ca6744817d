#include "base/heap.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"

/* Four children a node: half the levels of a binary heap, and the four lie side by side. */
enum { heap_children = 4, heap_chunk_shift = 12, heap_chunk_entries = 1 << heap_chunk_shift };

/* Packed: with padding an entry would cost 16 bytes. */
struct heap_entry {
    int64_t key;
    uint32_t handle;
} __attribute__((packed, aligned(4)));

_Static_assert(sizeof(struct heap_entry) == 12, "no padding");

void heap_init(struct heap *heap, bool (*before)(const void *user, uint32_t a, uint32_t b),
               void (*moved)(void *user, uint32_t handle, uint32_t index), void *user)
{
    *heap = (struct heap){.before = before, .moved = moved, .user = user};
}

void heap_deinit(struct heap *heap)
{
    for (uint32_t i = 0; i < heap->chunk_count; i++)
        free(heap->chunks[i]);
    free(heap->chunks);
    heap_init(heap, heap->before, heap->moved, heap->user);
}

/* place counts from 0; what callers see counts from 1. */
static struct heap_entry *heap_at(const struct heap *heap, uint32_t place)
{
    return &heap->chunks[place >> heap_chunk_shift][place & (heap_chunk_entries - 1)];
}

static bool heap_before(const struct heap *heap, struct heap_entry a, struct heap_entry b)
{
    if (a.key != b.key)
        return a.key < b.key;
    return heap->before(heap->user, a.handle, b.handle);
}

static void heap_set(struct heap *heap, uint32_t place, struct heap_entry entry)
{
    *heap_at(heap, place) = entry;
    heap->moved(heap->user, entry.handle, place + 1);
}

/* Puts entry where it belongs on the way from place to the top. */
static void heap_rise(struct heap *heap, uint32_t place, struct heap_entry entry)
{
    while (place > 0) {
        uint32_t parent = (place - 1) / heap_children;

        if (!heap_before(heap, entry, *heap_at(heap, parent)))
            break;
        heap_set(heap, place, *heap_at(heap, parent));
        place = parent;
    }
    heap_set(heap, place, entry);
}

/* Puts entry where it belongs at place or below. */
static void heap_sink(struct heap *heap, uint32_t place, struct heap_entry entry)
{
    for (;;) {
        uint64_t child = (uint64_t)place * heap_children + 1;
        uint64_t end = child + heap_children < heap->count ? child + heap_children : heap->count;
        uint32_t least = (uint32_t)child;

        if (child >= heap->count)
            break;
        for (uint32_t i = least + 1; i < end; i++) {
            if (heap_before(heap, *heap_at(heap, i), *heap_at(heap, least)))
                least = i;
        }
        if (!heap_before(heap, *heap_at(heap, least), entry))
            break;
        heap_set(heap, place, *heap_at(heap, least));
        place = least;
    }
    heap_set(heap, place, entry);
}

static void heap_settle(struct heap *heap, uint32_t place, struct heap_entry entry)
{
    if (place > 0 && heap_before(heap, entry, *heap_at(heap, (place - 1) / heap_children)))
        heap_rise(heap, place, entry);
    else
        heap_sink(heap, place, entry);
}

void heap_put(struct heap *heap, int64_t key, uint32_t handle)
{
    assert(handle != 0);
    assert(heap->count < UINT32_MAX);
    if (heap->count >> heap_chunk_shift == heap->chunk_count) {
        if (heap->chunk_count == heap->chunk_room) {
            heap->chunk_room = heap->chunk_room == 0 ? 4 : heap->chunk_room * 2;
            heap->chunks =
                memory_grow(heap->chunks, heap->chunk_room * sizeof(*heap->chunks), "a heap");
        }
        heap->chunks[heap->chunk_count++] =
            memory_alloc(heap_chunk_entries * sizeof(struct heap_entry), "a heap");
    }
    heap->count++;
    heap_rise(heap, heap->count - 1, (struct heap_entry){key, handle});
}

void heap_move(struct heap *heap, uint32_t index, int64_t key)
{
    assert(index >= 1);
    assert(index <= heap->count);
    heap_settle(heap, index - 1, (struct heap_entry){key, heap_at(heap, index - 1)->handle});
}

void heap_remove(struct heap *heap, uint32_t index)
{
    struct heap_entry last;
    uint32_t handle;

    assert(index >= 1);
    assert(index <= heap->count);
    handle = heap_at(heap, index - 1)->handle;
    heap->count--;
    last = *heap_at(heap, heap->count);
    if (index - 1 < heap->count)
        heap_settle(heap, index - 1, last);
    /* One chunk is kept spare, so that going up and down at a border costs no allocation. */
    if ((heap->count >> heap_chunk_shift) + 2 < heap->chunk_count)
        free(heap->chunks[--heap->chunk_count]);
    heap->moved(heap->user, handle, 0);
}

uint32_t heap_first(const struct heap *heap, int64_t *key)
{
    if (heap->count == 0)
        return 0;
    if (key != NULL)
        *key = heap_at(heap, 0)->key;
    return heap_at(heap, 0)->handle;
}

size_t heap_count(const struct heap *heap)
{
    return heap->count;
}

size_t heap_count_below(const struct heap *heap, int64_t key, size_t max)
{
    uint32_t places[heap_children * 16 + 1]; /* of 16 levels: more than 2^32 entries */
    size_t used = 0, count = 0;

    if (heap->count > 0)
        places[used++] = 0;
    while (used > 0 && count < max) {
        uint32_t place = places[--used];
        uint64_t child = (uint64_t)place * heap_children + 1;

        if (heap_at(heap, place)->key >= key)
            continue;
        count++;
        for (uint64_t i = child; i < child + heap_children && i < heap->count; i++)
            places[used++] = (uint32_t)i;
    }
    return count;
}

size_t heap_bytes(const struct heap *heap)
{
    return heap->chunk_count * heap_chunk_entries * sizeof(struct heap_entry) +
           heap->chunk_room * sizeof(*heap->chunks);
}
