/* The store on Redis. We write requests into a buffer of our own and read replies with hiredis's
 * reader: hiredis's asynchronous interface wants an event loop, its blocking one stops a worker
 * whose Redis hangs. Keys and scripts are in docs/redis.md.
 *
 * Any error reply drops the connection, with everything under way: what was written is not known
 * then, and the caller reads the pointer anew. That also covers NOSCRIPT (scripts are loaded again
 * with each connection), READONLY (a replica) and LOADING. */
#include <assert.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "state/store/store.h"

enum {
    scan_count = 500, /* entities a SCAN asks for: about 200 kB a reply */
    read_bytes = 64 * 1024,
    backoff_ms_min = 50,
    key_bytes_max = 600,
    elements_max = 1 << 20, /* of an answer; SCAN's has some 1,000, more of a small hash */
    held_count = 6          /* fields of the pointer */
};

/* One hash a kind; the last takes whatever kind a later version knows. */
static const char *const kind_names[] = {"domain", "queue",    "counters", "script",
                                         "zone",   "agent",    "call",     "callback",
                                         "answer", "requests", "other"};
enum { kind_count = sizeof(kind_names) / sizeof(kind_names[0]), kind_other = kind_count - 1 };

/* KEYS: pointer, fills, marks, the fill's hashes. ARGV 1..4: what the pointer must hold; 5: "fill"
 * for a fill that it must not name; 6..11: what it holds afterwards; 12: the mark that the fill
 * must have ("": any); 13: its mark afterwards ("": left); then runs: index in KEYS, HSET or HDEL,
 * how many arguments, those. Lua cannot unpack more than some 8,000 at once. */
static const char *const script_apply =
    "local held = redis.call('HMGET', KEYS[1], 'fill', 'incarnation', 'number', 'writer',\n"
    "                        'offset', 'clock')\n"
    "for i = 1, 6 do held[i] = held[i] or '' end\n"
    "if ARGV[5] == 'fill' then\n"
    "  if held[1] == ARGV[6] then return {0, unpack(held)} end\n"
    "else\n"
    "  for i = 1, 4 do\n"
    "    if held[i] ~= ARGV[i] then return {0, unpack(held)} end\n"
    "  end\n"
    "end\n"
    "if ARGV[12] ~= '' and redis.call('HGET', KEYS[3], ARGV[6]) ~= ARGV[12] then\n"
    "  return {0, unpack(held)}\n"
    "end\n"
    "redis.call('SADD', KEYS[2], ARGV[6])\n"
    "if ARGV[13] ~= '' then redis.call('HSET', KEYS[3], ARGV[6], ARGV[13]) end\n"
    "local i = 14\n"
    "while i <= #ARGV do\n"
    "  local key, call, last = KEYS[tonumber(ARGV[i])], ARGV[i + 1], i + 2 + tonumber(ARGV[i + "
    "2])\n"
    "  i = i + 3\n"
    "  while i <= last do\n"
    "    local stop = math.min(last, i + 1999)\n"
    "    redis.call(call, key, unpack(ARGV, i, stop))\n"
    "    i = stop + 1\n"
    "  end\n"
    "end\n"
    "if ARGV[5] ~= 'fill' then\n"
    "  redis.call('HSET', KEYS[1], 'fill', ARGV[6], 'incarnation', ARGV[7], 'number', ARGV[8],\n"
    "             'writer', ARGV[9], 'offset', ARGV[10], 'clock', ARGV[11])\n"
    "end\n"
    "return {1}\n";

/* KEYS: pointer. ARGV: beginning of the names of hashes, then the kinds. */
static const char *const script_count =
    "local held = redis.call('HMGET', KEYS[1], 'fill', 'incarnation', 'number', 'writer',\n"
    "                        'offset', 'clock')\n"
    "for i = 1, 6 do held[i] = held[i] or '' end\n"
    "local count = 0\n"
    "for i = 2, #ARGV do\n"
    "  count = count + redis.call('HLEN', ARGV[1] .. held[1] .. ':' .. ARGV[i])\n"
    "end\n"
    "return {count, unpack(held)}\n";

/* KEYS: pointer, fills, marks. ARGV: beginning of the names of hashes, a fill to be spared ("":
 * none, and the pointer goes too), the kinds. */
static const char *const script_drop =
    "if ARGV[2] == '' then redis.call('DEL', KEYS[1]) end\n"
    "local held = redis.call('HGET', KEYS[1], 'fill')\n"
    "for _, fill in ipairs(redis.call('SMEMBERS', KEYS[2])) do\n"
    "  if fill ~= held and fill ~= ARGV[2] then\n"
    "    for i = 3, #ARGV do redis.call('UNLINK', ARGV[1] .. fill .. ':' .. ARGV[i]) end\n"
    "    redis.call('SREM', KEYS[2], fill)\n"
    "    redis.call('HDEL', KEYS[3], fill)\n"
    "  end\n"
    "end\n"
    "return {1}\n";

enum script { SCRIPT_APPLY, SCRIPT_COUNT, SCRIPT_DROP, SCRIPT_TOTAL };

static const char *const *const scripts[SCRIPT_TOTAL] = {&script_apply, &script_count,
                                                         &script_drop};

#if HIREDIS_MAJOR < 1
#define ELEMENTS int
#else
#define ELEMENTS size_t
#endif

struct buffer {
    char *data;
    size_t at; /* sent up to here */
    size_t size;
    size_t capacity;
};

enum link { LINK_DOWN, LINK_CONNECTING, LINK_SETUP, LINK_UP };

struct redis_store {
    struct store head;
    enum link link;
    redisContext *redis;
    redisReplyObjectFunctions functions; /* hiredis's, with create_array() in front of its own */
    void *(*create_array)(const redisReadTask *task, ELEMENTS count);
    struct buffer out;
    int setup_left;      /* replies to AUTH, SELECT, SCRIPT LOAD still to come */
    int setup_greetings; /* how many of them come before the scripts' */
    char script_ids[SCRIPT_TOTAL][41];
    struct store_call *waiting_first, **waiting_last; /* sent, no reply yet */
    struct store_call *done_first, **done_last;
    int64_t now_ms;
    int64_t heard_ms; /* something arrived, or something was sent into silence */
    int64_t retry_ms;
    int64_t backoff_ms;
    int64_t timeout_ms;
    int64_t backoff_ms_max;
    char fault[300];
    char prefix[key_bytes_max]; /* ringback:{cluster/group/partition}: */
    char host[256];             /* or path */
    int port;                   /* 0: host is a path */
    char user[128];
    char password[256];
    char database[16];
};

static struct redis_store *redis_of(struct store *store)
{
    return (struct redis_store *)store;
}

/* --- requests --- */

static void put(struct buffer *out, const void *data, size_t size)
{
    if (size == 0)
        return;
    if (out->size + size > out->capacity) {
        out->capacity = (out->size + size) * 2;
        out->data = memory_grow(out->data, out->capacity, "requests to Redis");
    }
    memcpy(out->data + out->size, data, size);
    out->size += size;
}

static void put_count(struct buffer *out, char type, size_t count)
{
    char text[32];
    int size = snprintf(text, sizeof(text), "%c%zu\r\n", type, count);

    put(out, text, (size_t)size);
}

static void put_bytes(struct buffer *out, struct slice bytes)
{
    put_count(out, '$', bytes.size);
    put(out, bytes.data, bytes.size);
    put(out, "\r\n", 2);
}

static void put_text(struct buffer *out, const char *text)
{
    put_bytes(out, slice_text(text));
}

static void put_number(struct buffer *out, int64_t number)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRId64, number);
    put_text(out, text);
}

static void put_key(struct redis_store *store, const char *fill, const char *name)
{
    char key[key_bytes_max + 100];

    snprintf(key, sizeof(key), "%s%s%s%s", store->prefix, fill, fill[0] == '\0' ? "" : ":", name);
    put_text(&store->out, key);
}

static void put_id(struct buffer *out, const uint8_t id[store_id_bytes])
{
    char text[store_id_text_size];

    put_text(out, store_id_text(id, text));
}

static void put_mark(struct buffer *out, bool given, const uint8_t mark[store_id_bytes])
{
    if (given)
        put_id(out, mark);
    else
        put_text(out, "");
}

static void put_keys(struct redis_store *store)
{
    put_key(store, "", "pointer");
    put_key(store, "", "fills");
    put_key(store, "", "marks");
}

/* fill, incarnation, number, writer; "" four times without a pointer. */
static void put_pointer(struct buffer *out, const struct store_pointer *pointer)
{
    if (!pointer->present) {
        for (int i = 0; i < 4; i++)
            put_text(out, "");
        return;
    }
    put_id(out, pointer->fill);
    put_id(out, pointer->incarnation);
    put_number(out, (int64_t)pointer->number);
    put_id(out, pointer->writer);
}

/* key "kind|rest" into its hash and field. */
static int split_key(struct slice key, struct slice *field)
{
    const uint8_t *bar = key.size == 0 ? NULL : memchr(key.data, '|', key.size);

    *field = key;
    if (bar == NULL)
        return kind_other;
    for (int kind = 0; kind < kind_other; kind++) {
        size_t size = strlen(kind_names[kind]);

        if ((size_t)(bar - key.data) == size && memcmp(key.data, kind_names[kind], size) == 0) {
            *field = slice_make(bar + 1, key.size - size - 1);
            return kind;
        }
    }
    return kind_other;
}

/* Entities of one hash, one call: they go as one run. Returns how many. */
static size_t run_length(const struct store_call *call, size_t first, int *kind)
{
    struct slice field;
    bool removed = call->entities[first].value.data == NULL;
    size_t end = first + 1;

    *kind = split_key(call->entities[first].key, &field);
    while (end < call->entity_count && (call->entities[end].value.data == NULL) == removed &&
           split_key(call->entities[end].key, &field) == *kind)
        end++;
    return end - first;
}

static size_t argument_count(const struct store_call *call)
{
    size_t count = 13;
    int kind;

    for (size_t i = 0; i < call->entity_count;) {
        size_t length = run_length(call, i, &kind);

        count += 3 + length * (call->entities[i].value.data == NULL ? 1 : 2);
        i += length;
    }
    return count;
}

static void put_run(struct buffer *out, const struct store_call *call, size_t first, size_t length,
                    int kind)
{
    bool removed = call->entities[first].value.data == NULL;
    struct slice field;

    put_number(out, kind + 4);
    put_text(out, removed ? "HDEL" : "HSET");
    put_number(out, (int64_t)(removed ? length : 2 * length));
    for (size_t i = first; i < first + length; i++) {
        (void)split_key(call->entities[i].key, &field);
        put_bytes(out, field);
        if (!removed)
            put_bytes(out, call->entities[i].value);
    }
}

static void put_script(struct redis_store *store, enum script script, size_t keys, size_t arguments)
{
    put_count(&store->out, '*', 3 + keys + arguments);
    put_text(&store->out, "EVALSHA");
    put_text(&store->out, store->script_ids[script]);
    put_number(&store->out, (int64_t)keys);
}

static void request_apply(struct redis_store *store, const struct store_call *call)
{
    static const struct store_pointer nothing;
    bool filling = call->kind == STORE_CALL_FILL;
    struct buffer *out = &store->out;
    char fill[store_id_text_size];
    int kind;

    store_id_text(filling ? call->fill : call->to.fill, fill);
    put_script(store, SCRIPT_APPLY, 3 + kind_count, argument_count(call));
    put_keys(store);
    for (int i = 0; i < kind_count; i++)
        put_key(store, fill, kind_names[i]);
    put_pointer(out, filling ? &nothing : &call->from);
    put_text(out, filling ? "fill" : "batch");
    put_text(out, fill);
    put_id(out, call->to.incarnation);
    put_number(out, (int64_t)call->to.number);
    put_id(out, call->to.writer);
    put_number(out, call->to.state_offset);
    put_number(out, call->to.clock_ms);
    put_mark(out, call->marked, call->after);
    put_mark(out, call->marks, call->mark);
    for (size_t i = 0; i < call->entity_count;) {
        size_t length = run_length(call, i, &kind);

        put_run(out, call, i, length, kind);
        i += length;
    }
}

static void request_scan(struct redis_store *store, const struct store_call *call)
{
    char fill[store_id_text_size];
    char at[24];

    put_count(&store->out, '*', 5);
    put_text(&store->out, "HSCAN");
    put_key(store, store_id_text(call->fill, fill), kind_names[call->scan_kind]);
    snprintf(at, sizeof(at), "%" PRIu64, call->scan_at);
    put_text(&store->out, at);
    put_text(&store->out, "COUNT");
    put_number(&store->out, scan_count);
}

static void request_pointer(struct redis_store *store)
{
    static const char *const fields[held_count] = {"fill",   "incarnation", "number",
                                                   "writer", "offset",      "clock"};

    put_count(&store->out, '*', 2 + held_count);
    put_text(&store->out, "HMGET");
    put_key(store, "", "pointer");
    for (int i = 0; i < held_count; i++)
        put_text(&store->out, fields[i]);
}

static void put_kinds(struct redis_store *store)
{
    for (int i = 0; i < kind_count; i++)
        put_text(&store->out, kind_names[i]);
}

static void request(struct redis_store *store, const struct store_call *call)
{
    char fill[store_id_text_size];

    switch (call->kind) {
    case STORE_CALL_POINTER: request_pointer(store); break;
    case STORE_CALL_APPLY:
    case STORE_CALL_FILL: request_apply(store, call); break;
    case STORE_CALL_SCAN: request_scan(store, call); break;
    case STORE_CALL_COUNT:
        put_script(store, SCRIPT_COUNT, 1, 1 + kind_count);
        put_key(store, "", "pointer");
        put_text(&store->out, store->prefix);
        put_kinds(store);
        break;
    case STORE_CALL_DROP:
    case STORE_CALL_CLEAR:
        put_script(store, SCRIPT_DROP, 3, 2 + kind_count);
        put_keys(store);
        put_text(&store->out, store->prefix);
        put_text(&store->out,
                 call->kind == STORE_CALL_CLEAR ? "" : store_id_text(call->fill, fill));
        put_kinds(store);
        break;
    case STORE_CALL_POLICY:
        put_count(&store->out, '*', 3);
        put_text(&store->out, "CONFIG");
        put_text(&store->out, "GET");
        put_text(&store->out, "maxmemory-policy");
        break;
    }
}

/* --- the connection --- */

static void finish(struct redis_store *store, struct store_call *call)
{
    call->next = NULL;
    *store->done_last = call;
    store->done_last = &call->next;
}

static void drop(struct redis_store *store, const char *why)
{
    struct store_call *call = store->waiting_first;

    if (store->redis != NULL)
        redisFree(store->redis);
    store->redis = NULL;
    store->link = LINK_DOWN;
    store->out.at = store->out.size = 0;
    snprintf(store->fault, sizeof(store->fault), "Redis at %s:%d: %s", store->host, store->port,
             why);
    store->backoff_ms = store->backoff_ms == 0 ? backoff_ms_min : store->backoff_ms * 2;
    if (store->backoff_ms > store->backoff_ms_max)
        store->backoff_ms = store->backoff_ms_max;
    store->retry_ms = store->now_ms + store->backoff_ms;
    store->waiting_first = NULL;
    store->waiting_last = &store->waiting_first;
    while (call != NULL) {
        struct store_call *next = call->next;

        call->err = ERR_STORE_DOWN;
        finish(store, call);
        call = next;
    }
}

static void begin_setup(struct redis_store *store)
{
    struct buffer *out = &store->out;

    store->link = LINK_SETUP;
    store->setup_greetings = 0;
    if (store->password[0] != '\0') {
        put_count(out, '*', store->user[0] == '\0' ? 2 : 3);
        put_text(out, "AUTH");
        if (store->user[0] != '\0')
            put_text(out, store->user);
        put_text(out, store->password);
        store->setup_greetings++;
    }
    if (store->database[0] != '\0') {
        put_count(out, '*', 2);
        put_text(out, "SELECT");
        put_text(out, store->database);
        store->setup_greetings++;
    }
    for (int i = 0; i < SCRIPT_TOTAL; i++) {
        put_count(out, '*', 3);
        put_text(out, "SCRIPT");
        put_text(out, "LOAD");
        put_text(out, *scripts[i]);
    }
    store->setup_left = store->setup_greetings + SCRIPT_TOTAL;
}

/* hiredis asks for the memory of all elements that an answer claims to have before the first one is
 * there: a damaged one of 13 bytes would take 16 GB. NULL ends the connection. */
static void *create_array(const redisReadTask *task, ELEMENTS count)
{
    const struct redis_store *store = task->privdata;

    return count > elements_max ? NULL : store->create_array(task, count);
}

static void bound_answers(struct redis_store *store)
{
    redisReader *reader = store->redis->reader;

    store->functions = *reader->fn;
    store->create_array = store->functions.createArray;
    store->functions.createArray = create_array;
    reader->fn = &store->functions;
    reader->privdata = store;
}

static void connect_redis(struct redis_store *store)
{
    store->redis = store->port == 0 ? redisConnectUnixNonBlock(store->host)
                                    : redisConnectNonBlock(store->host, store->port);
    if (store->redis == NULL) {
        drop(store, "out of memory");
        return;
    }
    if (store->redis->err != 0) {
        char why[160];

        snprintf(why, sizeof(why), "%s", store->redis->errstr);
        drop(store, why);
        return;
    }
    bound_answers(store);
    store->link = LINK_CONNECTING;
    store->heard_ms = store->now_ms;
}

static void finish_connect(struct redis_store *store)
{
    struct pollfd poller = {.fd = store->redis->fd, .events = POLLOUT};
    int fault = 0;
    socklen_t size = sizeof(fault);

    if (poll(&poller, 1, 0) <= 0)
        return;
    if (getsockopt(store->redis->fd, SOL_SOCKET, SO_ERROR, &fault, &size) != 0)
        fault = errno;
    if (fault != 0)
        drop(store, strerror(fault));
    else
        begin_setup(store);
}

static void write_out(struct redis_store *store)
{
    struct buffer *out = &store->out;

    while (out->at < out->size) {
        ssize_t sent = send(store->redis->fd, out->data + out->at, out->size - out->at,
                            MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (sent < 0) {
            drop(store, strerror(errno));
            return;
        }
        out->at += (size_t)sent;
        store->heard_ms = store->now_ms; /* it takes what we send: slow, not dead */
    }
    out->at = out->size = 0;
}

/* --- replies --- */

static struct slice text_of(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING ? slice_make(reply->str, reply->len)
                                             : (struct slice){0};
}

static int64_t number_of(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING ? strtoll(reply->str, NULL, 10) : 0;
}

/* held_count elements from `first` on. A pointer that somebody damaged counts as none. */
static void read_pointer(const redisReply *reply, size_t first, struct store_pointer *pointer)
{
    struct slice fill, incarnation, writer;
    redisReply **held;

    *pointer = (struct store_pointer){0};
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < first + held_count)
        return;
    held = reply->element + first;
    fill = text_of(held[0]);
    incarnation = text_of(held[1]);
    writer = text_of(held[3]);
    pointer->present =
        store_id_parse((const char *)fill.data, fill.size, pointer->fill) &&
        store_id_parse((const char *)incarnation.data, incarnation.size, pointer->incarnation) &&
        store_id_parse((const char *)writer.data, writer.size, pointer->writer);
    if (!pointer->present) {
        *pointer = (struct store_pointer){0};
        return;
    }
    pointer->number = (uint64_t)number_of(held[2]);
    pointer->state_offset = number_of(held[4]);
    pointer->clock_ms = number_of(held[5]);
}

static void read_scan(struct store_call *call, const redisReply *reply)
{
    uint8_t key[1024];
    const char *kind = kind_names[call->scan_kind];
    size_t kind_size = call->scan_kind == kind_other ? 0 : strlen(kind) + 1;

    call->err = ERR_STORE_DOWN;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_ARRAY)
        return;
    if (kind_size > 0) {
        memcpy(key, kind, kind_size - 1);
        key[kind_size - 1] = '|';
    }
    for (size_t i = 0; i + 1 < reply->element[1]->elements; i += 2) {
        struct slice field = text_of(reply->element[1]->element[i]);
        struct slice value = text_of(reply->element[1]->element[i + 1]);

        if (field.data == NULL || field.size + kind_size > sizeof(key) || value.data == NULL)
            continue; /* not ours: no key of ours is that long. The digest will tell. */
        memcpy(key + kind_size, field.data, field.size);
        call->on_entity(call->context, slice_make(key, kind_size + field.size), value);
    }
    call->err = ERR_OK;
    call->scan_at = strtoull(reply->element[0]->str, NULL, 10);
    if (call->scan_at == 0)
        call->scan_kind++;
    call->more = call->scan_kind < kind_count;
}

static void read_reply(struct store_call *call, const redisReply *reply)
{
    bool numbered = reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 &&
                    reply->element[0]->type == REDIS_REPLY_INTEGER;

    call->err = ERR_OK;
    switch (call->kind) {
    case STORE_CALL_POINTER: read_pointer(reply, 0, &call->pointer); break;
    case STORE_CALL_APPLY:
    case STORE_CALL_FILL:
        if (!numbered || reply->element[0]->integer != 1) {
            call->err = ERR_STORE_MOVED;
            read_pointer(reply, 1, &call->pointer);
        }
        break;
    case STORE_CALL_SCAN: read_scan(call, reply); break;
    case STORE_CALL_COUNT:
        call->count = numbered ? (uint64_t)reply->element[0]->integer : 0;
        read_pointer(reply, 1, &call->pointer);
        break;
    case STORE_CALL_DROP:
    case STORE_CALL_CLEAR: break;
    case STORE_CALL_POLICY:
        call->policy[0] = '\0';
        if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
            reply->element[1]->type == REDIS_REPLY_STRING)
            snprintf(call->policy, sizeof(call->policy), "%s", reply->element[1]->str);
        break;
    }
}

/* false: the connection was dropped. CONFIG may be forbidden; that is no fault. */
static bool take_reply(struct redis_store *store, const redisReply *reply)
{
    struct store_call *call = store->waiting_first;
    int script = SCRIPT_TOTAL - store->setup_left;

    if (reply->type == REDIS_REPLY_ERROR &&
        (store->link == LINK_SETUP || call == NULL || call->kind != STORE_CALL_POLICY)) {
        char why[200];

        snprintf(why, sizeof(why), "%s", reply->str);
        drop(store, why);
        return false;
    }
    if (store->link == LINK_SETUP) {
        if (script >= 0)
            snprintf(store->script_ids[script], sizeof(store->script_ids[script]), "%s",
                     reply->str == NULL ? "" : reply->str);
        if (--store->setup_left == 0)
            store->link = LINK_UP;
        return true;
    }
    if (call == NULL) {
        drop(store, "a reply that nobody asked for");
        return false;
    }
    store->backoff_ms = 0;
    store->waiting_first = call->next;
    if (store->waiting_first == NULL)
        store->waiting_last = &store->waiting_first;
    read_reply(call, reply);
    finish(store, call);
    return true;
}

static void take_replies(struct redis_store *store)
{
    void *reply = NULL;

    for (;;) {
        bool alive;

        if (redisReaderGetReply(store->redis->reader, &reply) != REDIS_OK) {
            drop(store, "its answer is not Redis's protocol");
            return;
        }
        if (reply == NULL)
            return;
        alive = take_reply(store, reply);
        freeReplyObject(reply);
        if (!alive)
            return;
    }
}

static void read_in(struct redis_store *store)
{
    char data[read_bytes];

    while (store->redis != NULL) {
        ssize_t got = recv(store->redis->fd, data, sizeof(data), MSG_DONTWAIT);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (got <= 0) {
            drop(store, got == 0 ? "it closed the connection" : strerror(errno));
            return;
        }
        store->heard_ms = store->now_ms;
        if (redisReaderFeed(store->redis->reader, data, (size_t)got) != REDIS_OK) {
            drop(store, "out of memory");
            return;
        }
        take_replies(store);
    }
}

/* --- the interface --- */

static void redis_start(struct store *head, struct store_call *call)
{
    struct redis_store *store = redis_of(head);

    call->next = NULL;
    call->more = false;
    if (store->link != LINK_UP) {
        call->err = ERR_STORE_DOWN;
        finish(store, call);
        return;
    }
    if (store->waiting_first == NULL)
        store->heard_ms = store->now_ms;
    *store->waiting_last = call;
    store->waiting_last = &call->next;
    request(store, call);
}

static void redis_run(struct store *head, int64_t monotonic_ms)
{
    struct redis_store *store = redis_of(head);

    store->now_ms = monotonic_ms;
    if (store->link == LINK_DOWN && monotonic_ms >= store->retry_ms)
        connect_redis(store);
    if (store->link == LINK_CONNECTING)
        finish_connect(store);
    if (store->link == LINK_SETUP || store->link == LINK_UP)
        write_out(store);
    if (store->link == LINK_SETUP || store->link == LINK_UP)
        read_in(store);
    if (monotonic_ms >= store->heard_ms + store->timeout_ms &&
        (store->link == LINK_CONNECTING || store->link == LINK_SETUP ||
         store->waiting_first != NULL))
        drop(store, "no answer in time");
}

static struct store_call *redis_done(struct store *head)
{
    struct redis_store *store = redis_of(head);
    struct store_call *call = store->done_first;

    if (call == NULL)
        return NULL;
    store->done_first = call->next;
    if (store->done_first == NULL)
        store->done_last = &store->done_first;
    return call;
}

static int redis_fd(const struct store *head, short *events)
{
    const struct redis_store *store = (const struct redis_store *)head;

    *events = 0;
    if (store->redis == NULL)
        return -1;
    *events = POLLIN;
    if (store->link == LINK_CONNECTING || store->out.at < store->out.size)
        *events |= POLLOUT;
    return store->redis->fd;
}

static int64_t redis_wake_ms(const struct store *head)
{
    const struct redis_store *store = (const struct redis_store *)head;

    if (store->link == LINK_DOWN)
        return store->retry_ms;
    if (store->link == LINK_UP && store->waiting_first == NULL)
        return INT64_MAX;
    return store->heard_ms + store->timeout_ms;
}

static const char *redis_fault(const struct store *head)
{
    const struct redis_store *store = (const struct redis_store *)head;

    if (store->link == LINK_UP)
        return NULL;
    return store->fault[0] == '\0' ? "Redis is not connected yet" : store->fault;
}

static void redis_reset(struct store *head)
{
    struct redis_store *store = redis_of(head);

    drop(store, "not connected yet");
    while (redis_done(head) != NULL) {
    }
    store->backoff_ms = 0;
    store->retry_ms = store->now_ms;
}

static void redis_destroy(struct store *head)
{
    struct redis_store *store = redis_of(head);

    if (store->redis != NULL)
        redisFree(store->redis);
    free(store->out.data);
    memset(store->password, 0, sizeof(store->password));
    free(store);
}

static const struct store_ops redis_ops = {
    .destroy = redis_destroy,
    .start = redis_start,
    .run = redis_run,
    .done = redis_done,
    .fd = redis_fd,
    .wake_ms = redis_wake_ms,
    .fault = redis_fault,
    .reset = redis_reset,
};

/* --- the URL --- */

static bool copy(char *to, size_t size, const char *from, size_t length)
{
    if (length >= size)
        return false;
    memcpy(to, from, length);
    to[length] = '\0';
    return true;
}

/* What follows redis://. */
static bool parse_server(struct redis_store *store, const char *text)
{
    const char *slash = strchr(text, '/');
    const char *end = slash == NULL ? text + strlen(text) : slash;
    const char *at = memrchr(text, '@', (size_t)(end - text));
    const char *host = at == NULL ? text : at + 1;
    const char *colon = memrchr(host, ':', (size_t)(end - host));
    char port[8] = "6379";

    if (at != NULL) {
        const char *split = memchr(text, ':', (size_t)(at - text));

        if (split == NULL ||
            !copy(store->user, sizeof(store->user), text, (size_t)(split - text)) ||
            !copy(store->password, sizeof(store->password), split + 1, (size_t)(at - split - 1)))
            return false;
    }
    if (colon != NULL && !copy(port, sizeof(port), colon + 1, (size_t)(end - colon - 1)))
        return false;
    store->port = atoi(port);
    if (slash != NULL &&
        !copy(store->database, sizeof(store->database), slash + 1, strlen(slash + 1)))
        return false;
    if (strspn(store->database, "0123456789") != strlen(store->database))
        return false;
    if (!copy(store->host, sizeof(store->host), host,
              (size_t)((colon == NULL ? end : colon) - host)))
        return false;
    return store->host[0] != '\0' && store->port > 0 && store->port < 65536;
}

static enum err parse_url(struct redis_store *store, const char *url, struct err_note *note)
{
    bool good = false;

    if (strncmp(url, "redis://", 8) == 0)
        good = parse_server(store, url + 8);
    else if (strncmp(url, "unix://", 7) == 0)
        good = url[7] == '/' && copy(store->host, sizeof(store->host), url + 7, strlen(url + 7));
    if (good)
        return ERR_OK;
    /* The URL may hold a password: it is not shown. */
    return FAIL(note, ERR_BAD_OPTION,
                "redis.url is not of the form redis://[[user]:password@]host[:port][/database] or "
                "unix:///path (TLS is not supported yet: put a tunnel in front of it)");
}

enum err store_redis_create(const struct store_redis_options *options, struct store **out,
                            struct err_note *note)
{
    struct redis_store *store = memory_zalloc(sizeof(*store), "a store");
    enum err err = parse_url(store, options->url, note);

    if (err == ERR_OK && strlen(options->cluster_id) + strlen(options->group) + 40 > key_bytes_max)
        err = FAIL(note, ERR_BAD_OPTION, "group: its name is longer than %d characters",
                   key_bytes_max - 100);
    if (err != ERR_OK) {
        free(store);
        return err;
    }
    store->head.ops = &redis_ops;
    store->waiting_last = &store->waiting_first;
    store->done_last = &store->done_first;
    store->timeout_ms = options->timeout_ms;
    store->backoff_ms_max = options->backoff_ms_max;
    snprintf(store->prefix, sizeof(store->prefix),
             "ringback:{%s/%s/%" PRId32 "}:", options->cluster_id, options->group,
             options->partition);
    *out = &store->head;
    return ERR_OK;
}
