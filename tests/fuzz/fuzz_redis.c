/* What Redis answers, any bytes: every call comes back once, as done, moved or down, and what was
 * read is whole.
 *
 * The bytes: how we set out (bit 0: the three scripts are loaded rightly, bit 1: password and
 * database, bit 2: Sentinels), how many bytes arrive at a time (0: all), how many calls, their
 * kinds, the answers. */
#include <hiredis/hiredis.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "state/store/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
redisContext *__wrap_redisConnectNonBlock(const char *host, int port);

enum { calls_max = 8, scans_max = 40 };

static int server = -1; /* our end of the pair */

/* In place of hiredis's (tests/fuzz.mk): no address, no port, nothing left behind. */
redisContext *__wrap_redisConnectNonBlock(const char *host, int port)
{
    int pair[2];

    (void)host;
    (void)port;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        abort();
    if (server >= 0)
        (void)close(server);
    server = pair[0];
    return redisConnectFd(pair[1]);
}

struct call {
    struct store_call call; /* first */
    bool away;
    int scans;
};

struct world {
    struct store *store;
    struct call calls[calls_max];
    size_t count;
    int64_t now_ms;
};

static void on_entity(void *context, struct slice key, struct slice value)
{
    static volatile uint8_t sum;

    (void)context;
    if (key.data == NULL || value.data == NULL)
        abort();
    for (size_t at = 0; at < key.size; at++)
        sum = (uint8_t)(sum + key.data[at]);
    for (size_t at = 0; at < value.size; at++)
        sum = (uint8_t)(sum + value.data[at]);
}

static void start(struct world *world, struct call *call)
{
    call->away = true;
    store_start(world->store, &call->call);
}

static void check_ended(const struct call *call)
{
    const struct store_call *ended = &call->call;

    if (!call->away)
        abort();
    if (ended->err != ERR_OK && ended->err != ERR_STORE_DOWN && ended->err != ERR_STORE_MOVED)
        abort();
    if (memchr(ended->policy, '\0', sizeof(ended->policy)) == NULL)
        abort();
    if (!ended->pointer.present && (ended->pointer.number != 0 || ended->pointer.clock_ms != 0))
        abort();
}

/* Takes back what ended; a scan that is not through goes on. */
static void collect(struct world *world)
{
    struct store_call *ended;

    while ((ended = store_done(world->store)) != NULL) {
        struct call *call = (struct call *)ended;

        check_ended(call);
        call->away = false;
        if (ended->kind == STORE_CALL_SCAN && ended->err == ERR_OK && ended->more &&
            call->scans++ < scans_max)
            start(world, call);
    }
}

static void turn(struct world *world)
{
    uint8_t request[4096];

    store_run(world->store, ++world->now_ms);
    while (recv(server, request, sizeof(request), MSG_DONTWAIT) > 0) {
    }
    collect(world);
}

static void answer(struct world *world, const void *bytes, size_t size)
{
    if (size > 0 && send(server, bytes, size, MSG_NOSIGNAL) < 0)
        return; /* it hung up */
    turn(world);
}

static void start_calls(struct world *world, const uint8_t *kinds)
{
    static const uint8_t value[] = "value";
    static const struct store_entity entities[] = {
        {{(const uint8_t *)"agent|d|a", 9}, {value, sizeof(value)}},
        {{(const uint8_t *)"agent|d|b", 9}, {NULL, 0}},
        {{(const uint8_t *)"meta", 4}, {value, 0}},
    };

    for (size_t at = 0; at < world->count; at++) {
        struct call *call = &world->calls[at];

        call->call =
            (struct store_call){.kind = (enum store_call_kind)(kinds[at] % (STORE_CALL_POLICY + 1)),
                                .entities = entities,
                                .entity_count = (kinds[at] >> 4) % 4,
                                .on_entity = on_entity};
        call->call.from.present = kinds[at] >= 128;
        start(world, call);
    }
}

static void talk(struct world *world, const uint8_t *data, size_t size)
{
    static const char loaded[] = "$40\r\n0123456789012345678901234567890123456789\r\n"
                                 "+0123456789012345678901234567890123456789\r\n+short\r\n";
    size_t piece = data[1] == 0 ? size : data[1];

    turn(world);
    if (data[0] & 2)
        answer(world, "+OK\r\n+OK\r\n", 10);
    if (data[0] & 1)
        answer(world, loaded, sizeof(loaded) - 1);
    world->count = data[2] % (calls_max + 1);
    world->count = world->count < size - 3 ? world->count : size - 3;
    start_calls(world, data + 3);
    for (size_t at = 3 + world->count; at < size; at += piece)
        answer(world, data + at, size - at < piece ? size - at : piece);
    (void)shutdown(server, SHUT_WR);
    turn(world);
    if (store_fault(world->store) == NULL)
        abort();
    for (size_t at = 0; at < world->count; at++)
        if (world->calls[at].away)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct store_redis_options options = {.cluster_id = "cluster",
                                          .group = "group",
                                          .timeout_ms = 1 << 30,
                                          .backoff_ms_max = 1 << 30};
    struct world world = {.now_ms = 1};
    struct err_note note;

    if (size < 3)
        return 0;
    options.url = data[0] & 2 ? "redis://me:secret@127.0.0.1/3" : "redis://127.0.0.1";
    if (data[0] & 4) {
        options.sentinels = "127.0.0.1,127.0.0.2:7";
        options.sentinel_master = "m";
    }
    if (store_redis_create(&options, &world.store, &note) != ERR_OK)
        abort();
    talk(&world, data, size);
    store_destroy(world.store);
    (void)close(server);
    server = -1;
    return 0;
}
