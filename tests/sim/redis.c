#include "tests/sim/redis.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tests/sim/broker.h"
#include "tests/sim/system.h"

/* What a SCAN finds, until it is told. */
struct found {
    struct store_entity entity; /* owned */
    struct found *next;
};

struct sim_store {
    struct store head;
    struct process *process;
    int32_t partition;
    int fd;
    struct store_call *calling; /* NULL: none */
    struct store_call sent;     /* a copy: what the server does */
    struct store_entity *entities;
    struct found *found, **found_last;
    uint64_t number; /* of the call: answers to an earlier one are none */
    bool answered;
    bool broken;     /* the answer is a broken connection */
    bool ended;      /* store_done() gives it */
    int64_t down_us; /* not connected until then */
    bool destroyed;
};

struct answer {
    struct sim_store *store;
    uint64_t number;
};

static struct {
    struct store_world **worlds;
    struct store_world **dumps;
    int32_t count;
    int64_t away_us;
    int cut; /* 0: no, 1: before it is done, 2: after */
} server;

void redis_begin(int32_t partitions)
{
    memset(&server, 0, sizeof(server));
    server.count = partitions;
    server.worlds = memory_zalloc((size_t)partitions * sizeof(*server.worlds), "Redis");
    server.dumps = memory_zalloc((size_t)partitions * sizeof(*server.dumps), "Redis");
    for (int32_t i = 0; i < partitions; i++)
        server.worlds[i] = store_world_create();
}

void redis_end(void)
{
    for (int32_t i = 0; i < server.count; i++) {
        store_world_destroy(server.worlds[i]);
        store_world_destroy(server.dumps[i]);
    }
    free(server.worlds);
    free(server.dumps);
    server.count = 0;
}

struct store_world *redis_world(int32_t partition)
{
    return server.worlds[partition];
}

void redis_cut(bool done)
{
    server.cut = done ? 2 : 1;
}

void redis_away(int64_t until_us)
{
    server.away_us = until_us;
}

void redis_wipe(int32_t partition)
{
    store_world_clear(server.worlds[partition]);
}

void redis_dump(int32_t partition)
{
    store_world_destroy(server.dumps[partition]);
    server.dumps[partition] = store_world_copy(server.worlds[partition]);
}

void redis_bring_back(int32_t partition)
{
    if (server.dumps[partition] == NULL)
        return;
    store_world_destroy(server.worlds[partition]);
    server.worlds[partition] = store_world_copy(server.dumps[partition]);
}

bool redis_lose(int32_t partition)
{
    int32_t count = broker_partitions();
    int64_t end = broker_high(TOPIC_STATE, partition);

    for (int64_t i = 0; i < end && count > 0; i++) {
        const struct broker_entry *entry = broker_entry(TOPIC_STATE, partition, i);

        if (entry->kind != BROKER_DATA ||
            store_world_get(server.worlds[partition], entry->record.key).data == NULL)
            continue;
        store_world_lose(server.worlds[partition], entry->record.key);
        return true;
    }
    return false;
}

/* --- the store --- */

static struct sim_store *of(const struct store *store)
{
    return (struct sim_store *)(uintptr_t)store;
}

static void forget(struct sim_store *store)
{
    for (size_t i = 0; i < store->sent.entity_count && store->entities != NULL; i++) {
        free((void *)(uintptr_t)store->entities[i].key.data);
        free((void *)(uintptr_t)store->entities[i].value.data);
    }
    free(store->entities);
    store->entities = NULL;
    while (store->found != NULL) {
        struct found *found = store->found;

        store->found = found->next;
        free((void *)(uintptr_t)found->entity.key.data);
        free((void *)(uintptr_t)found->entity.value.data);
        free(found);
    }
    store->found_last = &store->found;
}

static void on_found(void *context, struct slice key, struct slice value)
{
    struct sim_store *store = context;
    struct found *found = memory_zalloc(sizeof(*found), "Redis");

    found->entity = (struct store_entity){world_copy(key), world_copy(value)};
    *store->found_last = found;
    store->found_last = &found->next;
}

static void perform(struct sim_store *store)
{
    struct store *memory = store_memory_create(server.worlds[store->partition]);

    store->sent.entities = store->entities;
    store->sent.on_entity = on_found;
    store->sent.context = store;
    store_start(memory, &store->sent);
    (void)store_done(memory);
    store_destroy(memory);
}

static void answer(void *context)
{
    struct answer *told = context;
    struct sim_store *store = told->store;

    if (!store->destroyed && store->calling != NULL && store->number == told->number) {
        store->answered = true;
        system_signal(store->fd);
    }
    free(told);
}

static void answer_at(struct sim_store *store, int64_t at_us)
{
    struct answer *told = memory_alloc(sizeof(*told), "Redis");

    *told = (struct answer){store, store->number};
    world_at_process(store->process, at_us, answer, told);
}

/* The server's part: it goes on although the process is dead. */
static void arrive(void *context)
{
    struct answer *told = context;
    struct sim_store *store = told->store;
    int cut = server.cut;

    if (store->destroyed || store->number != told->number) {
        free(told);
        return;
    }
    free(told);
    server.cut = 0;
    if (server.away_us > world_now()) {
        store->broken = true;
        answer_at(store, world_now() + world_second_us);
        return;
    }
    if (cut != 1)
        perform(store);
    if (cut != 0) {
        world_trace("Redis's connection breaks, the call is %sdone", cut == 1 ? "not " : "");
        store->broken = true;
    }
    answer_at(store, world_now() + world_spread(30, 500));
}

static void sim_start(struct store *head, struct store_call *call)
{
    struct sim_store *store = of(head);
    struct answer *told;

    world_io("redis");
    forget(store);
    store->calling = call;
    store->sent = *call;
    if (call->kind != STORE_CALL_APPLY && call->kind != STORE_CALL_FILL)
        store->sent.entity_count = 0; /* what an earlier call left there */
    store->number++;
    store->answered = store->broken = store->ended = false;
    if (store->sent.entity_count > 0) {
        store->entities =
            memory_zalloc(call->entity_count * sizeof(*store->entities), "entities for Redis");
        for (size_t i = 0; i < call->entity_count; i++)
            store->entities[i] = (struct store_entity){world_copy(call->entities[i].key),
                                                       world_copy(call->entities[i].value)};
    }
    if (store->down_us > world_now()) {
        store->answered = store->broken = true;
        return;
    }
    told = memory_alloc(sizeof(*told), "Redis");
    *told = (struct answer){store, store->number};
    world_at(world_now() + world_spread(30, 500), arrive, told);
}

static void sim_run(struct store *head, int64_t monotonic_ms)
{
    struct sim_store *store = of(head);
    struct store_call *call = store->calling;

    (void)monotonic_ms;
    if (call == NULL || !store->answered || store->ended)
        return;
    store->ended = true;
    system_unsignal(store->fd);
    if (store->broken) {
        call->err = ERR_STORE_DOWN;
        store->down_us = world_now() + world_spread(10000, 200000);
        if (server.away_us > store->down_us)
            store->down_us = server.away_us;
        return;
    }
    call->err = store->sent.err;
    call->pointer = store->sent.pointer;
    call->count = store->sent.count;
    call->more = store->sent.more;
    call->scan_at = store->sent.scan_at;
    call->scan_kind = store->sent.scan_kind;
    memcpy(call->policy, store->sent.policy, sizeof(call->policy));
    for (const struct found *found = store->found; found != NULL; found = found->next)
        call->on_entity(call->context, found->entity.key, found->entity.value);
}

static struct store_call *sim_done(struct store *head)
{
    struct sim_store *store = of(head);
    struct store_call *call = store->ended ? store->calling : NULL;

    if (call != NULL) {
        store->calling = NULL;
        store->ended = false;
    }
    return call;
}

static int sim_fd(const struct store *head, short *events)
{
    *events = POLLIN;
    if (!of(head)->answered) /* an old signal is none */
        system_unsignal(of(head)->fd);
    return of(head)->fd;
}

static int64_t sim_wake_ms(const struct store *head)
{
    const struct sim_store *store = of(head);

    if (store->answered && store->calling != NULL)
        return 0;
    return store->down_us > world_now() ? 1000 * 1000 + store->down_us / world_ms_us + 1
                                        : INT64_MAX;
}

static const char *sim_fault(const struct store *head)
{
    return of(head)->down_us > world_now() ? "Redis is away" : NULL;
}

static void sim_reset(struct store *head)
{
    struct sim_store *store = of(head);

    store->calling = NULL;
    store->ended = store->answered = false;
    store->number++;
}

static void sim_destroy(struct store *head)
{
    struct sim_store *store = of(head);

    store->destroyed = true; /* answers under way point here: it is freed with its process */
    store->calling = NULL;
    forget(store);
    system_close(store->fd);
}

static const struct store_ops sim_ops = {
    .destroy = sim_destroy,
    .start = sim_start,
    .run = sim_run,
    .done = sim_done,
    .fd = sim_fd,
    .wake_ms = sim_wake_ms,
    .fault = sim_fault,
    .reset = sim_reset,
};

enum err store_redis_create(const struct store_redis_options *options, struct store **out,
                            struct err_note *note)
{
    struct sim_store *store = memory_zalloc(sizeof(*store), "a store");

    (void)note;
    store->head.ops = &sim_ops;
    store->process = process_current();
    store->partition = options->partition;
    store->fd = system_fd();
    store->found_last = &store->found;
    *out = &store->head;
    return ERR_OK;
}
