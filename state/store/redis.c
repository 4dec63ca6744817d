/* The store on Redis. We write requests into a buffer of our own and read replies with hiredis's
 * reader: hiredis's asynchronous interface wants an event loop, its blocking one stops a worker
 * whose Redis hangs. Keys and scripts are in docs/redis.md.
 *
 * Any error reply drops the connection, with everything under way: what was written is not known
 * then, and the caller reads the pointer anew. That also covers NOSCRIPT (scripts are loaded again
 * with each connection), READONLY (a replica) and LOADING.
 *
 * With Sentinels each connect is two: one of them is asked who the master is, then that one is
 * connected to and must say itself that it is. A Sentinel that fails is followed by the next at
 * once. A replica that was promoted may lack the last writes; the pointer tells. */
#include <assert.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "state/store/redis_link.h"

enum {
    scan_count = 500, /* entities a SCAN asks for: about 200 kB a reply */
    read_bytes = 64 * 1024,
    backoff_ms_min = 50,
    key_bytes_max = 600,
    lookup_ms = 10,         /* how often an answer of the name servers is looked for */
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

enum phase { PHASE_DOWN, PHASE_LINKING, PHASE_SETUP, PHASE_UP };

/* What is asked first on a connection, by the reply that must come. */
enum step {
    STEP_PLAIN,  /* any but an error: AUTH, SELECT */
    STEP_NAMED,  /* of a Sentinel: where the master is; the last there */
    STEP_ROLE,   /* that it is a master */
    STEP_SCRIPT, /* a script's id */
};

struct redis_store {
    struct store head;
    enum phase phase;
    struct redis_link link;
    struct redis_access access;
    struct redis_tls_context *tls; /* read anew with each attempt; NULL: without */
    bool asking;                   /* the connection is to a Sentinel */
    bool named;                    /* master is what one just said */
    int sentinel_at;
    int sentinels_failed; /* of this attempt */
    bool refused;         /* the last attempt: by whom could have let us in */
    struct redis_address master;
    redisReplyObjectFunctions functions; /* hiredis's, with create_array() in front of its own */
    void *(*create_array)(const redisReadTask *task, ELEMENTS count);
    struct buffer out;
    enum step steps[SCRIPT_TOTAL + 4];
    int step_at, step_count, script_at;
    char secret[secret_bytes]; /* the password that was sent: no message may repeat it */
    char script_ids[SCRIPT_TOTAL][41];
    struct store_call *waiting_first, **waiting_last; /* sent, no reply yet */
    struct store_call *done_first, **done_last;
    int64_t now_ms;
    int64_t heard_ms; /* something arrived, or something was sent into silence */
    int64_t retry_ms;
    int64_t backoff_ms;
    int64_t timeout_ms;
    int64_t backoff_ms_max;
    char fault[1200];
    char prefix[key_bytes_max]; /* ringback:{cluster/group/partition}: */
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

/* A server or a proxy may repeat in its error what it was told. */
static void hide_secret(const struct redis_store *store, char *text)
{
    size_t size = strlen(store->secret);
    char *at = size == 0 ? NULL : strstr(text, store->secret);

    for (; at != NULL; at = strstr(at, store->secret)) {
        if (size > 3) {
            memset(at, '*', 3);
            memmove(at + 3, at + size, strlen(at + size) + 1);
            at += 3;
        } else {
            memset(at, '*', size);
            at += size;
        }
    }
}

/* What to do about an error that Redis answers. */
static const char *hint_of(const struct redis_store *store, const char *why)
{
    static const struct {
        const char *words;
        const char *hint, *sentinel_hint;
    } hints[] = {
        {"WRONGPASS", "; check the user in redis.url and its password",
         "; check redis.sentinel_user and redis.sentinel_password_file"},
        {"invalid password", "; check the password in redis.url or redis.password_file",
         "; check redis.sentinel_password_file"},
        {"NOAUTH", "; give the password in redis.url or redis.password_file",
         "; give redis.sentinel_password_file"},
        {"without any password configured",
         "; it wants none, or that of a user: check redis.url and redis.password_file",
         "; it wants none: leave redis.sentinel_password_file out"},
        {"NOPERM", "; docs/security.md lists what the user must be allowed",
         "; the user must be allowed `sentinel get-master-addr-by-name`"},
        {"READONLY", "; that is a replica: name the master, or redis.sentinels", ""},
        {"Protocol", "; does it want TLS? Then redis.url begins with rediss://",
         "; do they want TLS? Then redis.url begins with rediss://"},
    };

    if (store->phase == PHASE_SETUP && !store->access.tls &&
        (strstr(why, "closed") != NULL || strstr(why, "reset") != NULL))
        return "; it hung up at the first word: if it wants TLS, redis.url begins with rediss://";
    if (store->phase == PHASE_LINKING && store->link.stage == REDIS_LINK_SHAKING)
        return " to the offer of TLS: if it speaks none, redis.url begins with redis://";
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        if (strstr(why, hints[i].words) != NULL)
            return store->asking ? hints[i].sentinel_hint : hints[i].hint;
    }
    return "";
}

static void say_fault(struct redis_store *store, const char *why)
{
    const struct redis_address *address = &store->link.address;
    bool all =
        store->sentinels_failed > 0 && store->sentinels_failed == store->access.sentinel_count;
    char text[600], port[16] = "";

    snprintf(text, sizeof(text), "%s", why);
    hide_secret(store, text);
    if (text[0] != '\0' && text[strlen(text) - 1] == '.')
        text[strlen(text) - 1] = '\0'; /* more follows */
    if (address->port != 0)
        snprintf(port, sizeof(port), ":%d", address->port);
    snprintf(store->fault, sizeof(store->fault), "%s%s at %s%s: %s%s",
             all ? "no Sentinel of redis.sentinels says who the master is; the last: " : "",
             store->asking ? "the Sentinel" : "Redis", address->host, port, text,
             hint_of(store, text));
}

/* When to connect again: to the next Sentinel at once, else after a while. */
static void schedule(struct redis_store *store)
{
    bool tried = store->asking && store->sentinels_failed < store->access.sentinel_count;

    if (store->access.sentinel_count > 0)
        store->sentinel_at = (store->sentinel_at + 1) % store->access.sentinel_count;
    store->retry_ms = store->now_ms;
    if (tried)
        return;
    store->sentinels_failed = 0;
    store->backoff_ms = store->backoff_ms == 0 ? backoff_ms_min : store->backoff_ms * 2;
    if (store->backoff_ms > store->backoff_ms_max)
        store->backoff_ms = store->backoff_ms_max;
    store->retry_ms = store->now_ms + store->backoff_ms;
}

static void hang_up(struct redis_store *store)
{
    redis_link_close(&store->link);
    store->phase = PHASE_DOWN;
    store->out.at = store->out.size = 0;
}

static void drop_as(struct redis_store *store, bool refused, const char *why)
{
    struct store_call *call = store->waiting_first;

    store->sentinels_failed += store->asking;
    store->refused =
        refused && (!store->asking || store->sentinels_failed == store->access.sentinel_count);
    say_fault(store, why); /* why may lie in what is closed now */
    hang_up(store);
    schedule(store);
    store->asking = store->named = false;
    store->waiting_first = NULL;
    store->waiting_last = &store->waiting_first;
    while (call != NULL) {
        struct store_call *next = call->next;

        call->err = ERR_STORE_DOWN;
        finish(store, call);
        call = next;
    }
}

static void drop(struct redis_store *store, const char *why)
{
    drop_as(store, false, why);
}

/* It will be the same the next time. */
static void drop_refused(struct redis_store *store, const char *why)
{
    drop_as(store, true, why);
}

static void drop_link(struct redis_store *store)
{
    drop_as(store, store->link.refused, store->link.fault);
}

/* The words that begin a connection; texts end with NULL. */
static void ask_step(struct redis_store *store, enum step step, const char *const *texts)
{
    size_t count = 0;

    while (texts[count] != NULL)
        count++;
    put_count(&store->out, '*', count);
    for (size_t i = 0; i < count; i++)
        put_text(&store->out, texts[i]);
    assert(store->step_count < (int)(sizeof(store->steps) / sizeof(store->steps[0])));
    store->steps[store->step_count++] = step;
}

#define ASK(store, step, ...) ask_step((store), (step), (const char *const[]){__VA_ARGS__, NULL})

/* false: its file cannot be read; the connection was dropped. */
static bool read_secret(struct redis_store *store)
{
    const struct redis_access *access = &store->access;
    const char *path = store->asking ? access->sentinel_password_file : access->password_file;
    struct err_note note;

    secret_wipe(store->secret);
    if (!store->asking && access->password[0] != '\0')
        memcpy(store->secret, access->password, sizeof(store->secret));
    if (path[0] == '\0' || secret_read(path, store->secret, &note) == ERR_OK)
        return true;
    drop_refused(store, note.text);
    return false;
}

static void begin_setup(struct redis_store *store)
{
    const struct redis_access *access = &store->access;
    const char *user = store->asking ? access->sentinel_user : access->user;

    if (!read_secret(store))
        return;
    store->phase = PHASE_SETUP;
    store->step_at = store->step_count = store->script_at = 0;
    if (store->secret[0] != '\0' && user[0] != '\0')
        ASK(store, STEP_PLAIN, "AUTH", user, store->secret);
    else if (store->secret[0] != '\0')
        ASK(store, STEP_PLAIN, "AUTH", store->secret);
    if (store->asking) {
        ASK(store, STEP_NAMED, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", access->sentinel_master);
        return;
    }
    if (access->sentinel_count > 0)
        ASK(store, STEP_ROLE, "ROLE");
    if (access->database[0] != '\0')
        ASK(store, STEP_PLAIN, "SELECT", access->database);
    for (int i = 0; i < SCRIPT_TOTAL; i++)
        ASK(store, STEP_SCRIPT, "SCRIPT", "LOAD", *scripts[i]);
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
    redisReader *reader = store->link.redis->reader;

    store->functions = *reader->fn;
    store->create_array = store->functions.createArray;
    store->functions.createArray = create_array;
    reader->fn = &store->functions;
    reader->privdata = store;
}

/* Certificates are read anew: they are exchanged while we run. false: dropped. */
static bool read_certificates(struct redis_store *store)
{
    struct redis_tls_context *tls = NULL;
    struct err_note note;
    const char *key;

    if (!store->access.tls)
        return true;
    if (redis_tls_context_create(&store->access, &tls, &key, &note) != ERR_OK) {
        char why[400];

        snprintf(why, sizeof(why), "%s: %.300s", key, note.text);
        drop_refused(store, why);
        return false;
    }
    redis_tls_context_destroy(store->tls);
    store->tls = tls;
    return true;
}

static const struct redis_address *whom_to_call(struct redis_store *store)
{
    if (store->access.sentinel_count == 0)
        return &store->access.address;
    store->asking = !store->named;
    store->named = false;
    return store->asking ? &store->access.sentinels[store->sentinel_at] : &store->master;
}

static void connect_redis(struct redis_store *store)
{
    const struct redis_address *address = whom_to_call(store);
    const char *name = store->access.tls_name[0] == '\0' ? address->host : store->access.tls_name;
    struct redis_tls *tls = NULL;

    store->link.address = *address; /* for the message, should it fail */
    if (!read_certificates(store))
        return;
    if (store->access.tls) {
        tls = redis_tls_create(store->tls, name);
        if (tls == NULL) {
            drop(store, "TLS cannot be begun with it: no memory, or no name of a host");
            return;
        }
    }
    store->phase = PHASE_LINKING;
    store->heard_ms = store->now_ms;
    redis_link_open(&store->link, address, tls);
}

static void go_on_linking(struct redis_store *store)
{
    bool had_socket = store->link.redis != NULL;

    switch (redis_link_run(&store->link)) {
    case REDIS_LINK_CLOSED: drop_link(store); break;
    case REDIS_LINK_OPEN:
        bound_answers(store);
        begin_setup(store);
        break;
    case REDIS_LINK_LOOKING:
    case REDIS_LINK_CONNECTING:
    case REDIS_LINK_SHAKING:
        if (!had_socket && store->link.redis != NULL)
            store->heard_ms = store->now_ms; /* its own time begins behind the look-up's */
        break;
    }
}

static void write_out(struct redis_store *store)
{
    struct buffer *out = &store->out;

    while (out->at < out->size) {
        ssize_t sent = redis_link_write(&store->link, out->data + out->at, out->size - out->at);

        if (sent < 0)
            drop_link(store);
        if (sent <= 0)
            return;
        out->at += (size_t)sent;
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

static bool is_text(const redisReply *reply, const char *text)
{
    return reply->type == REDIS_REPLY_STRING && strcmp(reply->str, text) == 0;
}

/* false: the connection was dropped. */
static bool take_role(struct redis_store *store, const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 &&
        is_text(reply->element[0], "master"))
        return true;
    drop(store, "the Sentinels name it as the master, it says that it is none: they are asked "
                "again");
    return false;
}

/* The Sentinel is left in any case: false. */
static bool take_name(struct redis_store *store, const redisReply *reply)
{
    char why[400];
    struct redis_address master = {.port = 0};

    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
        reply->element[0]->type == REDIS_REPLY_STRING &&
        reply->element[1]->type == REDIS_REPLY_STRING) {
        snprintf(master.host, sizeof(master.host), "%s", reply->element[0]->str);
        master.port = atoi(reply->element[1]->str);
    }
    if (master.port <= 0 || master.port > 65535 || master.host[0] == '\0') {
        snprintf(why, sizeof(why),
                 "it knows no master named \"%.200s\"; check "
                 "redis.sentinel_master",
                 store->access.sentinel_master);
        drop_refused(store, why);
        return false;
    }
    hang_up(store);
    store->master = master;
    store->named = true;
    store->asking = false;
    store->sentinels_failed = 0;
    store->retry_ms = store->now_ms;
    return false;
}

/* false: the connection is gone. */
static bool take_step(struct redis_store *store, const redisReply *reply)
{
    switch (store->steps[store->step_at]) {
    case STEP_PLAIN: break;
    case STEP_NAMED: return take_name(store, reply);
    case STEP_ROLE:
        if (!take_role(store, reply))
            return false;
        break;
    case STEP_SCRIPT:
        snprintf(store->script_ids[store->script_at], sizeof(store->script_ids[0]), "%s",
                 reply->str == NULL ? "" : reply->str);
        store->script_at++;
        break;
    }
    if (++store->step_at == store->step_count) {
        store->phase = PHASE_UP;
        store->refused = false;
    }
    return true;
}

/* An error that Redis gives while it starts, or while its master is away. */
static bool passes(const char *error)
{
    static const char *const beginnings[] = {"LOADING", "MASTERDOWN", "BUSY", "TRYAGAIN"};

    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        if (strncmp(error, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    }
    return false;
}

/* false: the connection is gone. CONFIG may be forbidden; that is no fault. */
static bool take_reply(struct redis_store *store, const redisReply *reply)
{
    struct store_call *call = store->waiting_first;

    if (reply->type == REDIS_REPLY_ERROR &&
        (store->phase == PHASE_SETUP || call == NULL || call->kind != STORE_CALL_POLICY)) {
        drop_as(store, store->phase == PHASE_SETUP && !passes(reply->str), reply->str);
        return false;
    }
    if (store->phase == PHASE_SETUP)
        return take_step(store, reply);
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

        if (redisReaderGetReply(store->link.redis->reader, &reply) != REDIS_OK) {
            drop(store, "its answer is not of Redis's Protocol");
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

    while (store->phase == PHASE_SETUP || store->phase == PHASE_UP) {
        ssize_t got = redis_link_read(&store->link, data, sizeof(data));

        if (got < 0)
            drop_link(store);
        if (got <= 0)
            return;
        store->heard_ms = store->now_ms;
        if (redisReaderFeed(store->link.redis->reader, data, (size_t)got) != REDIS_OK) {
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
    if (store->phase != PHASE_UP) {
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
    if (store->phase == PHASE_DOWN && monotonic_ms >= store->retry_ms)
        connect_redis(store);
    if (store->phase == PHASE_LINKING)
        go_on_linking(store);
    if (store->phase == PHASE_SETUP || store->phase == PHASE_UP)
        write_out(store);
    if (store->phase == PHASE_SETUP || store->phase == PHASE_UP)
        read_in(store);
    if (monotonic_ms >= store->heard_ms + store->timeout_ms &&
        (store->phase == PHASE_LINKING || store->phase == PHASE_SETUP ||
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
    int fd = redis_link_fd(&store->link);

    *events = 0;
    if (fd < 0)
        return -1;
    *events = POLLIN;
    if (redis_link_wants_out(&store->link) || store->out.at < store->out.size)
        *events |= POLLOUT;
    return fd;
}

static int64_t redis_wake_ms(const struct store *head)
{
    const struct redis_store *store = (const struct redis_store *)head;

    if (store->phase == PHASE_DOWN)
        return store->retry_ms;
    if (store->phase == PHASE_LINKING && store->link.stage == REDIS_LINK_LOOKING)
        return store->now_ms + lookup_ms;
    if (store->phase == PHASE_UP && store->waiting_first == NULL)
        return INT64_MAX;
    return store->heard_ms + store->timeout_ms;
}

static const char *redis_fault(const struct store *head)
{
    const struct redis_store *store = (const struct redis_store *)head;

    if (store->phase == PHASE_UP)
        return NULL;
    return store->fault[0] == '\0' ? "Redis is not connected yet" : store->fault;
}

static bool redis_refused(const struct store *head)
{
    return ((const struct redis_store *)head)->refused;
}

static void redis_reset(struct store *head)
{
    struct redis_store *store = redis_of(head);

    drop(store, "not connected yet");
    while (redis_done(head) != NULL) {
    }
    store->backoff_ms = 0;
    store->sentinels_failed = 0;
    store->retry_ms = store->now_ms;
}

static void redis_destroy(struct store *head)
{
    struct redis_store *store = redis_of(head);

    redis_link_deinit(&store->link);
    redis_tls_context_destroy(store->tls);
    free(store->out.data);
    secret_wipe(store->access.password);
    secret_wipe(store->secret);
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
    .refused = redis_refused,
    .reset = redis_reset,
};

enum err store_redis_create(const struct store_redis_options *options, struct store **out,
                            struct err_note *note)
{
    struct redis_store *store = memory_zalloc(sizeof(*store), "a store");
    const char *key = "group";
    enum err err = redis_access_read(options, &store->access, &key, note);

    if (err == ERR_OK &&
        strlen(options->cluster_id) + strlen(options->group) + 40 > key_bytes_max) {
        key = "group";
        err = FAIL(note, ERR_BAD_OPTION, "its name is longer than %d characters",
                   key_bytes_max - 100);
    }
    if (err != ERR_OK) {
        secret_wipe(store->access.password);
        free(store);
        return note == NULL ? err : err_prefix(note, "%s: ", key);
    }
    store->head.ops = &redis_ops;
    store->link.address = store->access.address;
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
