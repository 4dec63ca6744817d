/* A store in memory for tests: call number fail_at fails, before or after it was done. */
#include <stdlib.h>

#include "base/memory.h"
#include "state/store/store.h"

struct cell {
    uint8_t fill[store_id_bytes];
    struct slice key; /* owned, with value behind it */
    struct slice value;
};

struct mark {
    uint8_t fill[store_id_bytes];
    uint8_t mark[store_id_bytes];
};

struct store_world {
    struct store_pointer pointer;
    struct mark *marks;
    size_t mark_count;
    struct cell *cells;
    size_t count;
    size_t capacity;
};

struct memory_store {
    struct store head;
    struct store_world *world;
    struct store_call *done_first, **done_last;
    int calls;
    int fail_at;
    bool fail_after;
};

enum { scan_step = 3 };

struct store_world *store_world_create(void)
{
    return memory_zalloc(sizeof(struct store_world), "a store in memory");
}

static void cell_remove(struct store_world *world, size_t index)
{
    struct cell *last = &world->cells[--world->count], gone = world->cells[index];

    world->cells[index] = *last;
    *last = (struct cell){0};
    free((void *)(uintptr_t)gone.key.data);
}

void store_world_clear(struct store_world *world)
{
    for (size_t i = 0; i < world->count; i++)
        free((void *)(uintptr_t)world->cells[i].key.data);
    world->count = world->mark_count = 0;
    world->pointer = (struct store_pointer){0};
}

void store_world_destroy(struct store_world *world)
{
    if (world == NULL)
        return;
    store_world_clear(world);
    free(world->cells);
    free(world->marks);
    free(world);
}

static struct cell *cell_find(const struct store_world *world, const uint8_t *fill,
                              struct slice key)
{
    for (size_t i = 0; i < world->count; i++) {
        if (memcmp(world->cells[i].fill, fill, store_id_bytes) == 0 &&
            slice_equal(world->cells[i].key, key))
            return &world->cells[i];
    }
    return NULL;
}

static void cell_set(struct store_world *world, const uint8_t *fill, struct slice key,
                     struct slice value)
{
    struct cell *cell = cell_find(world, fill, key);
    uint8_t *data;

    if (cell != NULL)
        cell_remove(world, (size_t)(cell - world->cells));
    if (value.data == NULL)
        return;
    if (world->count == world->capacity) {
        world->capacity = world->capacity * 2 + 16;
        world->cells =
            memory_grow(world->cells, world->capacity * sizeof(*world->cells), "a store in memory");
    }
    data = memory_alloc(key.size + value.size + 1, "a store in memory");
    memcpy(data, key.data, key.size);
    memcpy(data + key.size, value.data, value.size);
    cell = &world->cells[world->count++];
    memcpy(cell->fill, fill, store_id_bytes);
    cell->key = slice_make(data, key.size);
    cell->value = slice_make(data + key.size, value.size);
}

static struct mark *mark_of(const struct store_world *world, const uint8_t *fill)
{
    for (size_t i = 0; i < world->mark_count; i++) {
        if (memcmp(world->marks[i].fill, fill, store_id_bytes) == 0)
            return &world->marks[i];
    }
    return NULL;
}

static void mark_set(struct store_world *world, const uint8_t *fill, const uint8_t *to)
{
    struct mark *mark = mark_of(world, fill);

    if (mark == NULL) {
        world->marks = memory_grow(world->marks, (world->mark_count + 1) * sizeof(*world->marks),
                                   "a store in memory");
        mark = &world->marks[world->mark_count++];
        memcpy(mark->fill, fill, store_id_bytes);
    }
    memcpy(mark->mark, to, store_id_bytes);
}

/* Is the fill where the call goes on? */
static bool stands(const struct store_world *world, const uint8_t *fill,
                   const struct store_call *call)
{
    const struct mark *mark = mark_of(world, fill);

    return !call->marked || (mark != NULL && memcmp(mark->mark, call->after, store_id_bytes) == 0);
}

struct store_world *store_world_copy(const struct store_world *world)
{
    struct store_world *copy = store_world_create();

    copy->pointer = world->pointer;
    for (size_t i = 0; i < world->mark_count; i++)
        mark_set(copy, world->marks[i].fill, world->marks[i].mark);
    for (size_t i = 0; i < world->count; i++)
        cell_set(copy, world->cells[i].fill, world->cells[i].key, world->cells[i].value);
    return copy;
}

struct slice store_world_get(const struct store_world *world, struct slice key)
{
    const struct cell *cell = cell_find(world, world->pointer.fill, key);

    if (cell == NULL)
        return (struct slice){0};
    return cell->value;
}

static size_t count_of(const struct store_world *world, const uint8_t *fill)
{
    size_t count = 0;

    for (size_t i = 0; i < world->count; i++)
        count += memcmp(world->cells[i].fill, fill, store_id_bytes) == 0;
    return count;
}

size_t store_world_count(const struct store_world *world)
{
    return world->pointer.present ? count_of(world, world->pointer.fill) : 0;
}

size_t store_world_fills(const struct store_world *world)
{
    size_t fills = 0;

    for (size_t i = 0; i < world->count; i++) {
        size_t before = 0;

        while (before < i &&
               memcmp(world->cells[before].fill, world->cells[i].fill, store_id_bytes) != 0)
            before++;
        fills += before == i;
    }
    return fills;
}

bool store_world_pointer(const struct store_world *world, struct store_pointer *pointer)
{
    *pointer = world->pointer;
    return pointer->present;
}

void store_world_lose(struct store_world *world, struct slice key)
{
    cell_set(world, world->pointer.fill, key, (struct slice){0});
}

static void scan(struct store_world *world, struct store_call *call)
{
    size_t end =
        call->scan_at + scan_step < world->count ? call->scan_at + scan_step : world->count;

    for (size_t i = call->scan_at; i < end; i++) {
        if (memcmp(world->cells[i].fill, call->fill, store_id_bytes) == 0)
            call->on_entity(call->context, world->cells[i].key, world->cells[i].value);
    }
    call->scan_at = end;
    call->more = end < world->count;
}

static void write_entities(struct store_world *world, const uint8_t *fill,
                           const struct store_call *call)
{
    for (size_t i = 0; i < call->entity_count; i++)
        cell_set(world, fill, call->entities[i].key, call->entities[i].value);
    if (call->marks)
        mark_set(world, fill, call->mark);
}

static void perform(struct store_world *world, struct store_call *call)
{
    switch (call->kind) {
    case STORE_CALL_POINTER: call->pointer = world->pointer; break;
    case STORE_CALL_APPLY:
        if (!store_pointer_equal(&world->pointer, &call->from) ||
            !stands(world, call->to.fill, call)) {
            call->err = ERR_STORE_MOVED;
            call->pointer = world->pointer;
            break;
        }
        write_entities(world, call->to.fill, call);
        world->pointer = call->to;
        break;
    case STORE_CALL_FILL:
        if ((world->pointer.present &&
             memcmp(world->pointer.fill, call->fill, store_id_bytes) == 0) ||
            !stands(world, call->fill, call)) {
            call->err = ERR_STORE_MOVED;
            call->pointer = world->pointer;
            break;
        }
        write_entities(world, call->fill, call);
        break;
    case STORE_CALL_SCAN: scan(world, call); break;
    case STORE_CALL_COUNT:
        call->count = store_world_count(world);
        call->pointer = world->pointer;
        break;
    case STORE_CALL_DROP:
        for (size_t i = world->count; i-- > 0;) {
            const uint8_t *fill = world->cells[i].fill;

            if (memcmp(fill, world->pointer.fill, store_id_bytes) != 0 &&
                memcmp(fill, call->fill, store_id_bytes) != 0)
                cell_remove(world, i);
        }
        break;
    case STORE_CALL_CLEAR: store_world_clear(world); break;
    case STORE_CALL_POLICY: memcpy(call->policy, "noeviction", sizeof("noeviction")); break;
    }
}

static void memory_start(struct store *head, struct store_call *call)
{
    struct memory_store *store = (struct memory_store *)head;
    bool fails = ++store->calls == store->fail_at;

    call->err = ERR_OK;
    call->more = false;
    if (!fails || store->fail_after)
        perform(store->world, call);
    if (fails)
        call->err = ERR_STORE_DOWN;
    call->next = NULL;
    *store->done_last = call;
    store->done_last = &call->next;
}

static void memory_run(struct store *store, int64_t monotonic_ms)
{
    (void)store;
    (void)monotonic_ms;
}

static struct store_call *memory_done(struct store *head)
{
    struct memory_store *store = (struct memory_store *)head;
    struct store_call *call = store->done_first;

    if (call == NULL)
        return NULL;
    store->done_first = call->next;
    if (store->done_first == NULL)
        store->done_last = &store->done_first;
    return call;
}

static int memory_fd(const struct store *store, short *events)
{
    (void)store;
    *events = 0;
    return -1;
}

static int64_t memory_wake_ms(const struct store *store)
{
    (void)store;
    return INT64_MAX;
}

static const char *memory_fault(const struct store *store)
{
    (void)store;
    return NULL;
}

static void memory_reset(struct store *store)
{
    while (memory_done(store) != NULL) {
    }
}

static void memory_destroy(struct store *store)
{
    free(store);
}

static const struct store_ops memory_ops = {
    .destroy = memory_destroy,
    .start = memory_start,
    .run = memory_run,
    .done = memory_done,
    .fd = memory_fd,
    .wake_ms = memory_wake_ms,
    .fault = memory_fault,
    .reset = memory_reset,
};

struct store *store_memory_create(struct store_world *world)
{
    struct memory_store *store = memory_zalloc(sizeof(*store), "a store in memory");

    store->head.ops = &memory_ops;
    store->world = world;
    store->done_last = &store->done_first;
    return &store->head;
}

void store_memory_fail(struct store *head, int fail_at, bool fail_after)
{
    struct memory_store *store = (struct memory_store *)head;

    store->fail_at = store->calls + fail_at;
    store->fail_after = fail_after;
    if (fail_at == 0)
        store->fail_at = 0;
}

int store_memory_calls(const struct store *head)
{
    return ((const struct memory_store *)head)->calls;
}
