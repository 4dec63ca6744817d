/* Lists of the view over many callbacks, through HTTP, beside a plain HMGET of the same callbacks.
 *   bench_view COUNT PORT [REDIS_PORT [ROUNDS]]    its server listens on PORT of 127.0.0.1 */
#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "tests/support/chance.h"
#include "view/api.h"
#include "view/server.h"

enum { rounds_max = 400, page = 50, answer_bytes_max = 4 * 1024 * 1024 };

struct bench {
    struct options options;
    struct api api;
    struct server *server;
    struct view_model *model;
    struct arena arena;
    struct chance chance;
    redisContext *redis; /* NULL: not asked */
    int fd;
    int64_t times[rounds_max];
    int rounds;
    int64_t cpu_us; /* of the process, when the measuring began */
    char *answer;
};

static void fail(const char *what)
{
    fprintf(stderr, "bench_view: %s\n", what);
    abort();
}

/* --- made-up callbacks --- */

static const char *pick(struct bench *bench, const char *const *items, size_t count)
{
    return items[chance_below(&bench->chance, count)];
}

static void put(struct bench *bench, unsigned index)
{
    static const char *const first[] = {"Anna", "Bert", "Chris", "Dora", "Emil", "Fatima"};
    static const char *const last[] = {"Meyer", "Okafor", "Silva", "Novak", "Jensen", "Haddad"};
    Ringback__V1__StateRecord record = RINGBACK__V1__STATE_RECORD__INIT;
    Ringback__V1__CallbackEntity entity = RINGBACK__V1__CALLBACK_ENTITY__INIT;
    Ringback__V1__Place place = RINGBACK__V1__PLACE__INIT;
    char key[100], id[40], name[60], number[20], conversation[40], queue[16], agent[16];
    static uint8_t bytes[4096];
    size_t size;

    (void)snprintf(id, sizeof(id), "%08x-%04x-8222-8333-%012x",
                   (unsigned)chance_below(&bench->chance, UINT32_MAX), index & 0xffff, index);
    (void)snprintf(key, sizeof(key), "callback|acme|%s", id);
    (void)snprintf(name, sizeof(name), "%s %s %u", pick(bench, last, 6), pick(bench, first, 6),
                   (unsigned)chance_below(&bench->chance, 100000));
    (void)snprintf(number, sizeof(number), "+4930%08u",
                   (unsigned)chance_below(&bench->chance, 100000000));
    (void)snprintf(conversation, sizeof(conversation), "conversation-%u", index);
    (void)snprintf(queue, sizeof(queue), "queue-%u", (unsigned)chance_below(&bench->chance, 40));
    (void)snprintf(agent, sizeof(agent), "agent-%u", (unsigned)chance_below(&bench->chance, 500));
    place.queue_id = queue;
    record.version = 1;
    record.entity_case = RINGBACK__V1__STATE_RECORD__ENTITY_CALLBACK;
    record.callback = &entity;
    entity.place = &place;
    entity.kind = RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_SCHEDULED;
    entity.state = RINGBACK__V1__CALLBACK_STATE__CALLBACK_STATE_SCHEDULED;
    entity.created_ms = entity.updated_ms =
        INT64_C(1790000000000) + (int64_t)chance_below(&bench->chance, 2000000000);
    entity.due_ms = entity.created_ms + (int64_t)chance_below(&bench->chance, 2000000000);
    entity.name = name;
    entity.number = number;
    entity.conversation_id = conversation;
    entity.scheduled_by = agent;
    size = ringback__v1__state_record__pack(&record, bytes);
    model_apply(bench->model, 0, slice_text(key), slice_make(bytes, size), &bench->arena);
    if (bench->redis != NULL)
        redisAppendCommand(bench->redis, "HSET bench %s %b", id, bytes, size);
    if (bench->redis != NULL && index % 1000 == 999) {
        redisReply *reply;

        for (int i = 0; i < 1000; i++) {
            if (redisGetReply(bench->redis, (void **)&reply) != REDIS_OK)
                fail("Redis does not answer");
            freeReplyObject(reply);
        }
    }
}

/* --- requests --- */

static void ask(struct bench *bench, const char *path)
{
    char head[2000];
    int size = snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", path);
    size_t got = 0, wanted = SIZE_MAX;
    const char *body, *length;

    if (send(bench->fd, head, (size_t)size, 0) != size)
        fail("the view cannot be asked");
    while (got < wanted) {
        ssize_t more = recv(bench->fd, bench->answer + got, answer_bytes_max - 1 - got, 0);

        if (more <= 0)
            fail("the view hung up");
        got += (size_t)more;
        bench->answer[got] = '\0';
        body = strstr(bench->answer, "\r\n\r\n");
        length = body == NULL ? NULL : strcasestr(bench->answer, "content-length:");
        if (length != NULL)
            wanted = (size_t)(body + 4 - bench->answer) + strtoul(length + 15, NULL, 10);
    }
    if (strncmp(bench->answer, "HTTP/1.1 200", 12) != 0)
        fail(bench->answer);
}

static int compare(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

    return (a > b) - (a < b);
}

static int64_t cpu_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void print(struct bench *bench, const char *what)
{
    int rounds = bench->rounds;
    int64_t *times = bench->times;
    int middle = rounds / 2, last = rounds * 99 / 100;

    qsort(bench->times, (size_t)rounds, sizeof(bench->times[0]), compare);
    printf("%-34s p50 %8.2f ms  p99 %8.2f ms  CPU %8.2f ms\n", what, (double)times[middle] / 1000,
           (double)times[last] / 1000, (double)(cpu_us() - bench->cpu_us) / 1000 / rounds);
    bench->cpu_us = cpu_us();
    (void)fflush(stdout);
}

/* numbered: a random number is put behind the path. */
static void measure(struct bench *bench, const char *what, const char *path, bool numbered)
{
    for (int i = 0; i < bench->rounds; i++) {
        char full[500];
        int64_t begin;

        (void)snprintf(full, sizeof(full), "%s", path);
        if (numbered)
            (void)snprintf(full, sizeof(full), "%s%u", path,
                           (unsigned)chance_below(&bench->chance, 40));
        begin = clock_monotonic_us();
        ask(bench, full);
        bench->times[i] = clock_monotonic_us() - begin;
    }
    print(bench, what);
}

/* Pages anywhere in the list: each begins behind a row of chance. */
static void measure_deep(struct bench *bench, size_t count, bool redis)
{
    struct query_anchor anchor;
    struct view_query query;
    char cursor[query_cursor_bytes_max], path[query_cursor_bytes_max + 100];

    query_init(&query);
    for (int i = 0; i < bench->rounds; i++) {
        uint32_t handle = 1 + (uint32_t)chance_below(&bench->chance, count);
        int64_t begin;

        query_anchor_of(bench->model, &query, handle, false, &anchor);
        query_cursor_write(&query, &anchor, cursor);
        (void)snprintf(path, sizeof(path), "/api/v1/callbacks?limit=%d&cursor=%s", page, cursor);
        if (redis) {
            const char *words[page + 2] = {"HMGET", "bench"};
            char ids[page][view_id_size];
            struct query_page found;
            redisReply *reply;

            query_page(bench->model, &query, &anchor, page, &found);
            for (size_t at = 0; at < found.count; at++)
                words[2 + at] =
                    view_id_text(model_rest(bench->model, found.handles[at])->id, ids[at]);
            begin = clock_monotonic_us();
            reply = redisCommandArgv(bench->redis, (int)(2 + found.count), words, NULL);
            bench->times[i] = clock_monotonic_us() - begin;
            freeReplyObject(reply);
            continue;
        }
        begin = clock_monotonic_us();
        ask(bench, path);
        bench->times[i] = clock_monotonic_us() - begin;
    }
    print(bench, redis ? "HMGET of the same 50, hiredis" : "page of 50 anywhere, by due");
}

static void start(struct bench *bench, int port)
{
    const struct option_origin origin = {.source = OPTION_SOURCE_FLAG};
    struct auth_options auth = {"", "", "", "", true};
    struct follower_options follower = {&bench->options, NULL, NULL};
    struct err_note note;
    char listen[40];

    (void)snprintf(listen, sizeof(listen), "127.0.0.1:%d", port);
    log_init(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    options_init(&bench->options);
    /* Nobody is there: the rows are put in by hand. */
    if (options_set(&bench->options, "kafka.bootstrap.servers", "127.0.0.1:1", origin, &note) !=
            0 ||
        options_set(&bench->options, "kafka.log_level", "0", origin, &note) != 0 ||
        options_set(&bench->options, "view.listen", listen, origin, &note) != 0 ||
        options_set(&bench->options, "view.development", "true", origin, &note) != 0 ||
        options_check(&bench->options, &note) != 0)
        fail(note.text);
    bench->api.options = &bench->options;
    limits_init(&bench->api.limits, 1e9);
    if (auth_create(&auth, &bench->api.auth, &note) != ERR_OK ||
        follower_start(&follower, &bench->api.follower, &note) != ERR_OK ||
        server_start(&bench->api, &bench->server, &note) != ERR_OK)
        fail(note.text);
    bench->model = (struct view_model *)(uintptr_t)follower_lock(bench->api.follower);
    follower_unlock(bench->api.follower);
}

static void reach(struct bench *bench, int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bench->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(bench->fd, (struct sockaddr *)&at, sizeof(at)) != 0)
        fail("the view cannot be reached");
}

int main(int argc, char **argv)
{
    struct bench *bench = memory_zalloc(sizeof(*bench), "a bench");
    unsigned count = argc > 2 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;

    count = count / 1000 * 1000;
    if (count < 1000)
        fail("usage: bench_view COUNT PORT [REDIS_PORT [ROUNDS]]");
    bench->answer = memory_alloc(answer_bytes_max, "an answer");
    bench->chance = (struct chance){.seed = 1, .state = 1};
    arena_init(&bench->arena);
    if (argc > 3)
        bench->redis = redisConnect("127.0.0.1", atoi(argv[3]));
    start(bench, atoi(argv[2]));
    for (unsigned i = 0; i < count; i++)
        put(bench, i);
    reach(bench, atoi(argv[2]));
    bench->rounds = argc > 4 ? atoi(argv[4]) : rounds_max;
    bench->cpu_us = cpu_us();
    printf("%u callbacks, %zu bytes each\n", count, model_bytes(bench->model) / count);
    measure_deep(bench, count, false);
    if (bench->redis != NULL)
        measure_deep(bench, count, true);
    measure(bench, "first page, by creation, last first", "/api/v1/callbacks?sort=-created", false);
    measure(bench, "of one queue, by due", "/api/v1/callbacks?queue=queue-", true);
    measure(bench, "by name", "/api/v1/callbacks?sort=name&queue=queue-", true);
    measure(bench, "all by number", "/api/v1/callbacks?sort=number", false);
    measure(bench, "part of a name", "/api/v1/callbacks?q=novak%20dora%20", true);
    measure(bench, "part of a number", "/api/v1/callbacks?number=77", true);
    measure(bench, "overview", "/api/v1/overview", false);
    (void)close(bench->fd);
    server_stop(bench->server);
    follower_stop(bench->api.follower);
    auth_destroy(bench->api.auth);
    return 0;
}
