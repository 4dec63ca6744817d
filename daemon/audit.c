#include "daemon/audit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/memory.h"
#include "daemon/audit_replay.h"
#include "daemon/batch.h"
#include "daemon/bus_kafka.h"
#include "daemon/command.h"
#include "daemon/engine.h"
#include "daemon/log_json.h"
#include "daemon/run.h"
#include "daemon/topic_walk.h"

enum { timeout_ms = 10000, tries_max = 5 };

/* An entity as the two have it. Values are malloc'ed; data NULL: it has none. */
struct item {
    struct slice redis;
    struct slice state; /* the last up to where was read */
    bool same;          /* Redis has what state had at some batch while Redis was read */
    UT_hash_handle hh;
    size_t key_size;
    char key[];
};

struct audit {
    const struct audit_plan *plan;
    struct audit_counts *counts;
    struct topics topics;
    struct kafka_log *log;
    struct machine_options machine;
    struct arena arena; /* of one entity */
    struct arena kept;
    const char *decides;
    int32_t partition; /* that is looked at */
    struct item *items;
    struct store_pointer before, after; /* where Redis stood when it was read */
    bool compared;                      /* all of it, when state was read up to `before` */
    struct slice meta;                  /* the last one up to where was read */
    uint64_t number;                    /* its */
};

/* --- differences --- */

static void tell(struct audit *audit, const char *what, const char *key, const char *text,
                 json_t *ours, json_t *theirs)
{
    const struct audit_difference difference = {what, audit->partition, key, text, ours, theirs};

    audit->counts->differences++;
    audit->plan->on_difference(audit->plan->context, &difference);
    json_decref(ours);
    json_decref(theirs);
}

static json_t *value_json(struct audit *audit, struct slice value)
{
    const struct record record = {.topic = TOPIC_STATE, .key = slice_text("x"), .value = value};
    const ProtobufCMessage *message;

    if (value.data == NULL)
        return NULL;
    message = log_json_unpack(NULL, TOPIC_STATE, &record, &audit->arena);
    return message == NULL ? json_string("(cannot be read)") : log_json_message(message);
}

static void tell_item(struct audit *audit, const struct item *item)
{
    const char *text = item->redis.data == NULL   ? "Redis has not got it"
                       : item->state.data == NULL ? "Redis has it, the state topic has not"
                                                  : "Redis has it otherwise than the state topic";

    tell(audit, "redis", item->key, text, value_json(audit, item->state),
         value_json(audit, item->redis));
}

/* --- entities --- */

static struct item *item_of(struct audit *audit, struct slice key)
{
    struct item *item;

    HASH_FIND(hh, audit->items, key.data, (unsigned)key.size, item);
    if (item != NULL)
        return item;
    item = memory_zalloc(sizeof(*item) + key.size + 1, "an entity");
    item->same = true; /* so far neither has it: what is made while Redis is read may be missed */
    item->key_size = key.size;
    memcpy(item->key, key.data, key.size);
    HASH_ADD_KEYPTR(hh, audit->items, item->key, (unsigned)key.size, item);
    return item;
}

static void set_value(struct slice *to, struct slice from)
{
    free((void *)(uintptr_t)to->data);
    *to = (struct slice){NULL, 0};
    if (from.data == NULL)
        return;
    to->data = memory_grow(NULL, from.size + 1, "an entity");
    memcpy((void *)(uintptr_t)to->data, from.data, from.size);
    to->size = from.size;
}

static void forget(struct audit *audit)
{
    struct item *item = audit->items, *next;

    HASH_CLEAR(hh, audit->items); /* frees the index alone; the items stay chained */
    for (; item != NULL; item = next) {
        next = item->hh.next;
        set_value(&item->redis, (struct slice){NULL, 0});
        set_value(&item->state, (struct slice){NULL, 0});
        free(item);
    }
    set_value(&audit->meta, (struct slice){NULL, 0});
    audit->number = 0;
}

/* --- Redis --- */

static void take_copy(void *context, struct slice key, struct slice value)
{
    set_value(&item_of(context, key)->redis, value);
}

static enum err scan(struct audit *audit, struct store *store, struct err_note *note)
{
    struct store_call call = {
        .kind = STORE_CALL_SCAN, .on_entity = take_copy, .context = audit, .more = true};

    memcpy(call.fill, audit->before.fill, store_id_bytes);
    while (call.more) {
        TRY(store_wait(store, &call, timeout_ms, NULL, NULL, note));
        if (command_stopped())
            return ERR_CANCELLED;
    }
    return ERR_OK;
}

static enum err read_pointer(struct store *store, struct store_pointer *pointer,
                             struct err_note *note)
{
    struct store_call call = {.kind = STORE_CALL_POINTER};

    TRY(store_wait(store, &call, timeout_ms, NULL, NULL, note));
    *pointer = call.pointer;
    return ERR_OK;
}

/* All of the fill that counts, and where it stood before and after. The fill is another one when
 * Redis was filled anew meanwhile. */
static enum err read_redis(struct audit *audit, struct store *store, bool *there,
                           struct err_note *note)
{
    for (int try = 0; try < tries_max; try++) {
        forget(audit);
        TRY(read_pointer(store, &audit->before, note));
        *there = audit->before.present;
        if (!*there)
            return ERR_OK;
        TRY(scan(audit, store, note));
        TRY(read_pointer(store, &audit->after, note));
        if (audit->after.present &&
            memcmp(audit->before.fill, audit->after.fill, store_id_bytes) == 0)
            return ERR_OK;
    }
    return FAIL(note, ERR_STORE_DOWN,
                "partition %" PRId32 ": Redis was filled anew %d times while it was read",
                audit->partition, tries_max);
}

/* --- the state topic --- */

static bool is_same(const struct item *item)
{
    if (item->redis.data == NULL || item->state.data == NULL)
        return item->redis.data == item->state.data;
    return slice_equal(item->redis, item->state);
}

/* Redis stood at `before` when its reading began: what state had there, or later, is right. */
static void compare_all(struct audit *audit)
{
    struct item *item, *next;

    HASH_ITER (hh, audit->items, item, next) {
        item->same = is_same(item);
    }
}

static enum err take_meta(struct audit *audit, const struct record *record, struct err_note *note)
{
    Ringback__V1__Meta *meta =
        ringback__v1__meta__unpack(NULL, record->value.size, record->value.data);

    if (meta == NULL)
        return FAIL(note, ERR_BAD_STATE, "the meta record at offset %" PRId64 " cannot be read",
                    record->offset);
    audit->number = meta->number;
    ringback__v1__meta__free_unpacked(meta, NULL);
    set_value(&audit->meta, record->value);
    return ERR_OK;
}

static enum err take_state(void *context, enum topic topic, const char *name,
                           const struct record *record, struct err_note *note)
{
    struct audit *audit = context;
    struct item *item;

    (void)topic;
    (void)name;
    if (!audit->compared && record->offset > audit->before.state_offset) {
        compare_all(audit);
        audit->compared = true;
    }
    if (slice_equal(record->key, slice_text(META_KEY)))
        return take_meta(audit, record, note);
    item = item_of(audit, record->key);
    set_value(&item->state, record->value);
    if (audit->compared && !item->same)
        item->same = is_same(item);
    return ERR_OK;
}

/* With what was read of Redis, if anything was, it is compared on the way. */
static enum err read_state(struct audit *audit, int64_t end, struct err_note *note)
{
    const struct topic_walk_range range = {
        .log = audit->log,
        .topic = TOPIC_STATE,
        .name = audit->plan->options->topic_names[TOPIC_STATE],
        .partition = audit->partition,
        .end = end,
    };

    audit->compared = false;
    TRY(topic_walk_partition(&range, take_state, audit, note));
    if (!audit->compared)
        compare_all(audit);
    return ERR_OK;
}

/* Count and digest as the last meta says them: the engine's own test at a take-over. */
static enum err check_meta(struct audit *audit, struct err_note *note)
{
    struct worker_options worker;
    struct err_note torn = {.err = ERR_OK};
    struct engine *engine;
    struct item *item, *next;
    enum err err = ERR_OK;

    run_worker_options(audit->plan->options, &audit->topics, &audit->machine, audit->decides,
                       audit->partition, 1, &worker);
    engine = engine_create(&worker.engine);
    HASH_ITER (hh, audit->items, item, next) {
        if (err == ERR_OK && item->state.data != NULL)
            err = engine_load_entity(engine, slice_make(item->key, item->key_size), item->state,
                                     &torn);
    }
    if (err == ERR_OK && audit->meta.data != NULL)
        err = engine_load_meta(engine, audit->meta, &torn);
    if (err == ERR_OK)
        err = engine_ready(engine, &torn);
    engine_destroy(engine);
    if (err == ERR_STATE_TORN || err == ERR_BAD_STATE) {
        tell(audit, "state", "", torn.text, NULL, NULL);
        return ERR_OK;
    }
    if (err != ERR_OK)
        *note = torn;
    return err;
}

/* --- one partition --- */

static void count_items(struct audit *audit, bool redis)
{
    struct item *item, *next;

    HASH_ITER (hh, audit->items, item, next) {
        audit->counts->entities += item->state.data != NULL;
        audit->counts->copies += redis && item->redis.data != NULL;
        if (redis && !item->same) {
            arena_reset(&audit->arena);
            tell_item(audit, item);
        }
    }
    audit->counts->batches += audit->number;
}

static enum err audit_partition(struct audit *audit, struct err_note *note)
{
    const char *name = audit->plan->options->topic_names[TOPIC_STATE];
    int64_t begin, stable, high;
    struct store *store;
    bool redis = false;
    enum err err = ERR_OK;

    TRY(run_store(audit->plan->options, &audit->topics, audit->partition, &store, note));
    if (store != NULL) {
        err = read_redis(audit, store, &redis, note);
        store_destroy(store);
        TRY(err);
    }
    TRY(kafka_log_ends(audit->log, name, audit->partition, timeout_ms, &begin, &stable, &high,
                       note));
    if (store != NULL && !redis && stable > 0)
        tell(audit, "redis", "", "Redis has no copy of this partition", NULL, NULL);
    if (redis && audit->after.state_offset >= high)
        tell(audit, "redis", "", "Redis stands behind the end of the state topic: it is another's",
             NULL, NULL);
    if (!redis || audit->after.state_offset >= high) {
        redis = false;
        err = read_state(audit, stable, note);
    } else {
        err = read_state(audit, audit->after.state_offset + 1, note);
    }
    if (err == ERR_OK)
        err = check_meta(audit, note);
    if (err == ERR_OK)
        count_items(audit, redis);
    forget(audit);
    return err;
}

static enum err open_audit(struct audit *audit, struct err_note *note)
{
    const struct options *options = audit->plan->options;
    struct kafka_setting items[option_kafka_count_max];
    struct kafka_settings settings = bus_kafka_settings(options, items);
    rd_kafka_t *client = NULL;
    enum err err;

    TRY(topics_client(options, &client, note));
    err = topics_read(client, options, false, timeout_ms, &audit->topics, note);
    rd_kafka_destroy(client);
    TRY(err);
    if (!audit->topics.items[TOPIC_STATE].present)
        return FAIL(note, ERR_BUS_REFUSED, "topic %s is missing: is topics.prefix right?",
                    options->topic_names[TOPIC_STATE]);
    if (audit->plan->partition >= audit->topics.items[TOPIC_STATE].partitions)
        return FAIL(note, ERR_USAGE, "--partition: there are %" PRId32 " partitions",
                    audit->topics.items[TOPIC_STATE].partitions);
    options_machine(options, &audit->machine);
    audit->decides = options_decides_text(options, &audit->kept);
    return kafka_log_create(&settings, &audit->log, note);
}

static void on_replay(void *context, const char *text, int32_t partition, json_t *ours,
                      json_t *theirs)
{
    struct audit *audit = context;

    audit->partition = partition;
    tell(audit, "replay", "", text, ours, theirs);
}

enum err audit_run(const struct audit_plan *plan, struct audit_counts *counts,
                   struct err_note *note)
{
    struct audit *audit = memory_zalloc(sizeof(*audit), "an audit");
    enum err err;

    *counts = (struct audit_counts){0};
    audit->plan = plan;
    audit->counts = counts;
    arena_init(&audit->arena);
    arena_init(&audit->kept);
    err = open_audit(audit, note);
    for (int32_t at = 0; err == ERR_OK && at < audit->topics.items[TOPIC_STATE].partitions; at++) {
        if (plan->partition >= 0 && plan->partition != at)
            continue;
        audit->partition = at;
        counts->partitions++;
        err = audit_partition(audit, note);
    }
    if (err == ERR_OK && plan->replay)
        err = audit_replay(plan->options, audit->topics.items[TOPIC_STATE].partitions, on_replay,
                           audit, &counts->replayed, note);
    forget(audit);
    kafka_log_destroy(audit->log);
    arena_deinit(&audit->arena);
    arena_deinit(&audit->kept);
    free(audit);
    return err;
}
