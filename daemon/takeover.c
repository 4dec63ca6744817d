/* How a partition becomes ours, with exactly the state that the log says (protocol.md "Take-over"),
 * and how the outcome of a transaction is found out. */
#include <assert.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/point.h"
#include "base/random.h"
#include "daemon/worker.h"

enum {
    slice_ms = 200,
    silent_ms_max = 30000, /* no record and no end from `state` or an input: try again */
    store_timeout_ms = 3000,
    backoff_ms_min = 100,
    backoff_ms_max = 5000,
    failed_resent = 0, /* labels of the metric transactions_failed */
    failed_unknown = 1,
    failed_fenced = 2,
    failed_uncommittable = 3,
    failed_error = 4,
    fenced_pause_ms = 1000 /* so that the group can tell that the partition is another's now */
};

static int32_t partition_of_worker(const struct worker *worker)
{
    return worker->options.engine.partition;
}

/* --- reading `state` --- */

/* As end: up to where nothing more can be seen now. */
enum { any_end = -1 };

/* All visible records in [from, end). Only an EOF event at or past the end says that it was read:
 * a record's offset does not, markers count too. */
static enum err read_state(struct worker *worker, int64_t from, int64_t end,
                           enum err (*on_record)(void *context, const struct record *record,
                                                 struct err_note *note),
                           void *context, struct err_note *note)
{
    struct bus *bus = worker->bus;
    int64_t heard_ms = clock_monotonic_ms();
    enum err err;

    follow_interrupt(worker->follow);
    TRY(bus->ops->state_open(bus, from, note));
    for (;;) {
        struct record record;
        int64_t seen_end;

        err = bus->ops->state_next(bus, slice_ms, &record, &seen_end, note);
        if (err == ERR_OK) {
            heard_ms = clock_monotonic_ms();
            if (record.offset < end || end == any_end)
                err = on_record(context, &record, note);
        } else if (err == ERR_END && seen_end >= 0 && seen_end >= end) {
            err = ERR_OK;
            break;
        } else if (err == ERR_END) {
            err = ERR_OK;
            if (clock_monotonic_ms() - heard_ms > silent_ms_max)
                err = FAIL(note, ERR_BUS_DOWN,
                           "state, partition %" PRId32 ": nothing came for %d s before its end",
                           partition_of_worker(worker), silent_ms_max / 1000);
        }
        if (err == ERR_OK && worker_stopped(worker))
            err = ERR_CANCELLED;
        if (err != ERR_OK)
            break;
        worker_progress(worker);
    }
    bus->ops->state_close(bus);
    return err;
}

static bool is_meta(const struct record *record)
{
    return slice_equal(record->key, slice_text(META_KEY));
}

/* --- the last meta --- */

struct last_meta {
    struct arena arena;
    bool found;
    uint64_t number;
    uint8_t writer[writer_bytes];
    int64_t offset;
    size_t torn; /* records behind it */
};

static enum err on_look_up(void *context, const struct record *record, struct err_note *note)
{
    struct last_meta *last = context;
    Ringback__V1__Meta *meta;

    if (!is_meta(record)) {
        last->torn++;
        return ERR_OK;
    }
    arena_reset(&last->arena);
    meta =
        ringback__v1__meta__unpack(&last->arena.allocator, record->value.size, record->value.data);
    if (meta == NULL || meta->writer.len != writer_bytes)
        return FAIL(note, ERR_BAD_STATE, "the meta record at offset %" PRId64 " cannot be read",
                    record->offset);
    last->found = true;
    last->number = meta->number;
    memcpy(last->writer, meta->writer.data, writer_bytes);
    last->offset = record->offset;
    last->torn = 0;
    return ERR_OK;
}

static enum err look_up_to(struct worker *worker, int64_t end, struct last_meta *last,
                           struct err_note *note)
{
    enum err err;

    *last = (struct last_meta){.found = false};
    arena_init(&last->arena);
    err = read_state(worker, worker->meta_offset < 0 ? 0 : worker->meta_offset, end, on_look_up,
                     last, note);
    arena_deinit(&last->arena);
    return err;
}

/* The owner's look: whatever was open has ended. */
static enum err look_up(struct worker *worker, struct last_meta *last, struct err_note *note)
{
    int64_t end;

    TRY(worker->bus->ops->state_end(worker->bus, &end, note));
    return look_up_to(worker, end, last, note);
}

static bool is_committed_before(const struct worker *worker, const struct last_meta *last)
{
    if (!last->found)
        return worker->committed.number == 0 && last->torn == 0;
    return last->number == worker->committed.number &&
           memcmp(last->writer, worker->committed.writer, writer_bytes) == 0;
}

/* Another process has decided since: a fence. Its writer may be the one that we took over from: a
 * process that was frozen and is back. */
static bool is_foreign(const struct worker *worker, const struct last_meta *last)
{
    return last->found && last->number > worker->committed.number &&
           memcmp(last->writer, worker->writer, writer_bytes) != 0;
}

static enum err tell_fence(const struct worker *worker, const struct last_meta *last, bool *fence,
                           struct err_note *note)
{
    *fence = true;
    return FAIL(note, ERR_FENCED,
                "partition %" PRId32 " was taken over: batch %" PRIu64 " is another process's",
                partition_of_worker(worker), last->number);
}

/* Before we make ourselves the owner again: whoever has decided since is not to be thrown out. */
static enum err check_foreign(struct worker *worker, bool *fence, struct err_note *note)
{
    struct last_meta last;

    TRY(look_up_to(worker, any_end, &last, note));
    return is_foreign(worker, &last) ? tell_fence(worker, &last, fence, note) : ERR_OK;
}

/* --- loading --- */

struct torn_key {
    struct slice key;
    struct slice value; /* the true one: the last before the meta */
};

struct load {
    struct worker *worker;
    struct arena pending_arena; /* records since the last meta */
    struct store_entity *pending;
    size_t pending_count;
    size_t pending_capacity;
    bool found;
    uint64_t number;
    int64_t meta_offset;
    enum err err; /* of the store's entities */
    struct err_note *note;
};

static enum err on_load(void *context, const struct record *record, struct err_note *note)
{
    struct load *load = context;
    struct engine *engine = load->worker->engine;
    uint64_t number = load->number;

    if (!is_meta(record)) {
        if (record->key.data == NULL)
            return ERR_OK;
        if (load->pending_count == load->pending_capacity) {
            load->pending_capacity = load->pending_capacity * 2 + 1024;
            load->pending = memory_grow(
                load->pending, load->pending_capacity * sizeof(*load->pending), "a take-over");
        }
        load->pending[load->pending_count++] = (struct store_entity){
            arena_slice(&load->pending_arena, record->key),
            record->value.data == NULL ? (struct slice){0}
                                       : arena_slice(&load->pending_arena, record->value)};
        return ERR_OK;
    }
    TRY(engine_load_meta(engine, record->value, note)); /* it knows the format of those before it */
    for (size_t i = 0; i < load->pending_count; i++)
        TRY(engine_load_entity(engine, load->pending[i].key, load->pending[i].value, note));
    load->pending_count = 0;
    arena_reset(&load->pending_arena);
    load->number = engine_meta(engine)->number;
    load->meta_offset = record->offset;
    if (load->found && load->number <= number)
        return FAIL(note, ERR_STATE_TORN,
                    "state, partition %" PRId32 ", offset %" PRId64 ": batch %" PRIu64
                    " follows batch %" PRIu64 ": two histories are mixed",
                    record->partition, record->offset, load->number, number);
    load->found = true;
    return ERR_OK;
}

static void on_stored(void *context, struct slice key, struct slice value)
{
    struct load *load = context;

    if (load->err == ERR_OK)
        load->err = engine_load_entity(load->worker->engine, key, value, load->note);
}

static bool is_cancelled(void *context)
{
    return worker_stopped(context);
}

/* The pointer, if the store can be used at all: present is false otherwise. */
static enum err read_pointer(struct worker *worker, struct store_pointer *pointer,
                             struct err_note *note)
{
    struct store_call call = {.kind = STORE_CALL_POINTER};
    enum err err;

    *pointer = (struct store_pointer){.present = false};
    if (worker->store == NULL)
        return ERR_OK;
    err = store_wait(worker->store, &call, store_timeout_ms, is_cancelled, worker, note);
    if (err == ERR_CANCELLED)
        return err;
    if (err != ERR_OK) {
        log_warn("Redis cannot be read: everything is loaded from the state topic", LOG_ERR(note));
        return ERR_OK;
    }
    *pointer = call.pointer;
    return ERR_OK;
}

static bool too_old(const struct worker *worker, const struct store_pointer *pointer)
{
    int64_t keep_ms = worker->options.delete_retention_ms;

    return keep_ms >= 0 && !worker->options.engine.clock_event &&
           clock_wall_ms() - pointer->clock_ms > keep_ms / 2;
}

/* Redis's entities into the engine. false in *used: Redis counts as empty. */
static enum err load_store(struct worker *worker, struct load *load,
                           const struct store_pointer *pointer, bool *used, struct err_note *note)
{
    struct store_call call = {.kind = STORE_CALL_SCAN, .on_entity = on_stored, .context = load};
    enum err err;

    memcpy(call.fill, pointer->fill, store_id_bytes);
    load->note = note;
    do {
        err = store_wait(worker->store, &call, store_timeout_ms, is_cancelled, worker, note);
        if (err == ERR_OK)
            err = load->err;
        worker_progress(worker);
    } while (err == ERR_OK && call.more);
    *used = err == ERR_OK;
    if (err == ERR_OK || err == ERR_CANCELLED)
        return err;
    log_warn("Redis cannot be used: everything is loaded from the state topic", LOG_ERR(note));
    return ERR_OK;
}

static void fresh_engine(struct worker *worker)
{
    engine_destroy(worker->engine);
    worker->engine = engine_create(&worker->options.engine);
    for (size_t i = 0; i < worker->refused_count; i++)
        engine_refuse(worker->engine, worker->refused[i].input, worker->refused[i].offset);
}

struct torn {
    struct arena arena;
    struct torn_key *keys;
    size_t count;
    int64_t meta_offset;
};

static enum err on_torn(void *context, const struct record *record, struct err_note *note)
{
    struct torn *torn = context;

    (void)note;
    if (record->offset > torn->meta_offset)
        return ERR_OK;
    for (size_t i = 0; i < torn->count; i++) {
        if (!slice_equal(record->key, torn->keys[i].key))
            continue;
        torn->keys[i].value = record->value.data == NULL ? (struct slice){0}
                                                         : arena_slice(&torn->arena, record->value);
    }
    return ERR_OK;
}

/* Records behind the last meta: of a transaction that was ended twice. Their keys are written again
 * with what they were before. */
static enum err mend(struct worker *worker, struct load *load, int64_t end, struct err_note *note)
{
    struct torn torn = {.count = load->pending_count, .meta_offset = load->meta_offset};
    enum err err;

    if (load->pending_count == 0)
        return ERR_OK;
    worker_count_add(worker, WORKER_COUNT_TORN, load->pending_count);
    metrics_add(worker->metrics, METRIC_torn_records, 0, load->pending_count);
    log_error("records behind the last batch on the state topic: they are ignored and written over "
              "(docs/guarantees.md: a late marker of the coordinator)",
              LOG_INT("partition", partition_of_worker(worker)),
              LOG_UINT("records", load->pending_count));
    arena_init(&torn.arena);
    torn.keys = memory_zalloc(torn.count * sizeof(*torn.keys), "torn records");
    for (size_t i = 0; i < torn.count; i++)
        torn.keys[i].key = load->pending[i].key;
    err = read_state(worker, 0, end, on_torn, &torn, note);
    for (size_t i = 0; err == ERR_OK && i < torn.count; i++)
        engine_mend(worker->engine, torn.keys[i].key, torn.keys[i].value);
    free(torn.keys);
    arena_deinit(&torn.arena);
    return err;
}

/* Once: pointer NULL: from the log alone. ERR_STATE_TORN: what was loaded does not fit. */
static enum err load_once(struct worker *worker, struct load *load, int64_t end,
                          const struct store_pointer *pointer, struct err_note *note)
{
    bool used = false;

    fresh_engine(worker);
    load->found = false;
    load->number = 0;
    load->meta_offset = -1;
    load->pending_count = 0;
    load->err = ERR_OK;
    arena_reset(&load->pending_arena);
    if (pointer != NULL)
        TRY(load_store(worker, load, pointer, &used, note));
    if (!used && pointer != NULL)
        fresh_engine(worker);
    POINT(take_over_store);
    TRY(read_state(worker, used ? pointer->state_offset : 0, end, on_load, load, note));
    POINT(take_over_state);
    if (used && (!load->found || memcmp(engine_meta(worker->engine)->incarnation,
                                        pointer->incarnation, store_id_bytes) != 0))
        return FAIL(note, ERR_STATE_TORN, "Redis holds another history than the log");
    if (used && load->number == pointer->number &&
        memcmp(engine_meta(worker->engine)->writer, pointer->writer, store_id_bytes) != 0)
        return FAIL(note, ERR_STATE_TORN, "Redis holds a batch of another writer");
    TRY(mend(worker, load, end, note));
    return engine_ready(worker->engine, note);
}

/* Redis says that more was committed than the log has. */
static enum err check_ahead(struct worker *worker, const struct store_pointer *pointer,
                            const struct load *load, struct err_note *note)
{
    if (!pointer->present || !load->found || pointer->number <= load->number ||
        memcmp(engine_meta(worker->engine)->incarnation, pointer->incarnation, store_id_bytes) != 0)
        return ERR_OK;
    if (worker->options.recovering) {
        worker->ahead_number = pointer->number;
        return ERR_OK;
    }
    return FAIL(note, ERR_STORE_AHEAD,
                "partition %" PRId32 ": Redis holds batch %" PRIu64 ", the state topic ends with "
                "%" PRIu64 ": committed batches are missing on Kafka (was a replica that lagged "
                "made leader?). `ringback recover` shows what is missing and goes on from the log",
                partition_of_worker(worker), pointer->number, load->number);
}

/* Redis says that there were batches, the log has none at all: a first start would decide again
 * what the inputs still hold. */
static enum err check_emptied(struct worker *worker, const struct store_pointer *pointer,
                              const struct load *load, struct err_note *note)
{
    struct bus_bounds bounds[INPUT_COUNT];
    bool any = false;

    if (!pointer->present || load->found || worker->options.recovering)
        return ERR_OK;
    TRY(worker->bus->ops->bounds(worker->bus, bounds, note));
    for (int i = 0; i < INPUT_COUNT; i++)
        any |= bounds[i].high > bounds[i].low;
    if (!any)
        return ERR_OK;
    return FAIL(note, ERR_STORE_AHEAD,
                "partition %" PRId32 ": the state topic is empty, Redis holds batch %" PRIu64
                " of this group, and the inputs hold records: all of them would be decided again. "
                "Was the topic deleted or made anew? To begin anew on purpose, delete Redis's keys "
                "of the group (docs/redis.md) or use another group",
                partition_of_worker(worker), pointer->number);
}

static enum err load_all(struct worker *worker, struct load *load, struct err_note *note)
{
    struct store_pointer pointer;
    const struct store_pointer *use = NULL;
    int64_t end;
    enum err err;

    TRY(worker->bus->ops->state_end(worker->bus, &end, note));
    TRY(read_pointer(worker, &pointer, note));
    if (pointer.present && pointer.state_offset < end && !too_old(worker, &pointer))
        use = &pointer;
    err = load_once(worker, load, end, use, note);
    if (use != NULL && (err == ERR_STATE_TORN || err == ERR_BAD_STATE || err == ERR_INPUT_LOST)) {
        log_warn("Redis's copy does not fit: everything is loaded from the state topic",
                 LOG_INT("partition", partition_of_worker(worker)), LOG_ERR(note));
        worker->store_wrong = true;
        metrics_add(worker->metrics, METRIC_digest_mismatches, 0, 1);
        err = load_once(worker, load, end, NULL, note);
    }
    TRY(err);
    TRY(check_emptied(worker, &pointer, load, note));
    return check_ahead(worker, &pointer, load, note);
}

static enum err load_memory(struct worker *worker, struct err_note *note)
{
    struct load load = {.worker = worker};
    enum err err;

    arena_init(&load.pending_arena);
    err = load_all(worker, &load, note);
    worker->meta_offset = load.meta_offset;
    arena_deinit(&load.pending_arena);
    free(load.pending);
    return err;
}

/* --- positions --- */

static enum err first_start(struct worker *worker, struct err_note *note)
{
    struct bus_bounds bounds[INPUT_COUNT];
    bool any = false;

    TRY(worker->bus->ops->bounds(worker->bus, bounds, note));
    for (int i = 0; i < INPUT_COUNT; i++)
        any |= bounds[i].high > bounds[i].low;
    /* clock: event, without end markers: what is there now is the log; nothing yet: they will come.
     */
    for (int i = 0; i < INPUT_COUNT; i++)
        engine_begin_at(worker->engine, (enum input)i, bounds[i].low,
                        worker->options.engine.clock_event && any ? bounds[i].high : -1);
    if (worker->options.engine.clock_event)
        log_info(any ? "clock: event: the log ends where the inputs end now"
                     : "clock: event: the inputs are empty: it waits for records with end markers "
                       "behind them (`ringback play --end`)",
                 LOG_INT("partition", partition_of_worker(worker)));
    return ERR_OK;
}

static enum err check_meta(const struct worker *worker, struct err_note *note)
{
    const struct engine_meta *meta = engine_meta(worker->engine);
    const struct engine_options *engine = &worker->options.engine;

    if (meta->partitions != engine->partitions[TOPIC_STATE])
        return FAIL(note, ERR_BUS_REFUSED,
                    "the inputs had %" PRId32 " partitions, now they have %" PRId32
                    ": domains would be decided twice. Go back, or begin on new topics",
                    meta->partitions, engine->partitions[TOPIC_STATE]);
    if (engine->cluster_id[0] != '\0' && meta->cluster_id[0] != '\0' &&
        strcmp(engine->cluster_id, meta->cluster_id) != 0)
        return FAIL(note, ERR_INPUT_LOST,
                    "the state topic was written on Kafka cluster %s, this is %s: offsets of the "
                    "inputs mean nothing here. `ringback recover` goes on from what is there",
                    meta->cluster_id, engine->cluster_id);
    return ERR_OK;
}

static enum err wait_verified(struct worker *worker, struct err_note *note)
{
    int64_t until_ms = clock_monotonic_ms() + silent_ms_max;

    for (;;) {
        struct pollfd poller = {.fd = worker->bus->ops->fd(worker->bus), .events = POLLIN};
        bool all = true;

        TRY(worker->bus->ops->fetch(worker->bus, worker->options.engine.records_max, worker->inputs,
                                    note));
        for (int i = 0; i < INPUT_COUNT; i++)
            all &= worker->inputs[i].verified;
        if (all)
            return ERR_OK;
        if (worker_stopped(worker))
            return ERR_CANCELLED;
        if (clock_monotonic_ms() > until_ms)
            return FAIL(note, ERR_BUS_DOWN,
                        "partition %" PRId32 ": an input brought neither record nor end for %d s",
                        partition_of_worker(worker), silent_ms_max / 1000);
        (void)poll(&poller, 1, 50);
    }
}

static enum err take_positions(struct worker *worker, struct err_note *note)
{
    const struct engine_meta *meta = engine_meta(worker->engine);
    int64_t next[INPUT_COUNT], last_ms[INPUT_COUNT];

    if (meta->number == 0)
        TRY(first_start(worker, note));
    else
        TRY(check_meta(worker, note));
    for (int i = 0; i < INPUT_COUNT; i++) {
        next[i] = meta->positions[i].next_offset;
        last_ms[i] = meta->positions[i].last_timestamp_ms;
    }
    worker_progress(worker);
    TRY(worker->bus->ops->seek(worker->bus, next, last_ms, note));
    worker_progress(worker);
    return wait_verified(worker, note);
}

/* --- take-over --- */

static enum err use_kept(struct worker *worker, struct err_note *note)
{
    struct last_meta last;

    if (!worker->kept || worker->committed.number == 0) {
        worker->kept = false;
        return ERR_OK;
    }
    TRY(look_up(worker, &last, note));
    worker->kept = last.torn == 0 && is_committed_before(worker, &last);
    return ERR_OK;
}

/* When each step of a take-over ended, monotonic. */
struct steps {
    int64_t began_ms;
    int64_t owned_ms;  /* the producer is initialised */
    int64_t loaded_ms; /* memory is complete */
};

static void begin_running(struct worker *worker, const struct steps *steps)
{
    int64_t now_ms = clock_monotonic_ms();
    const struct engine_meta *meta = engine_meta(worker->engine);
    uint8_t incarnation[incarnation_bytes];

    /* With the writer of that batch: engine_writer() changes it. What is kept knows it already, and
     * the engine may hold a writer that took over and wrote nothing. */
    if (!worker->kept)
        worker->committed = *meta;
    random_bytes(worker->writer, sizeof(worker->writer));
    random_bytes(incarnation, sizeof(incarnation));
    engine_writer(worker->engine, worker->writer, incarnation);
    clock_init(&worker->clock, meta->clock_ms, worker->options.max_clock_skew_ms);
    horizon_init(&worker->horizon, &worker->options.horizon, clock_read(&worker->clock));
    follow_begin(worker->follow, &worker->committed, worker->meta_offset);
    if (worker->store_wrong)
        follow_distrust(worker->follow);
    else if (worker->kept)
        follow_compare(worker->follow);
    worker->store_wrong = false;
    worker->arrived_ms = INT64_MAX;
    worker->fresh = true;
    worker->limited = false;
    worker->full_stop_ms = 0;
    for (int i = 0; i < INPUT_COUNT; i++)
        worker->inputs[i].count = 0; /* the next fetch gives them again */
    log_info("partition taken over", LOG_INT("partition", partition_of_worker(worker)),
             LOG_UINT("number", meta->number), LOG_UINT("entities", meta->entity_count),
             LOG_BOOL("kept", worker->kept), LOG_INT("ms", now_ms - steps->began_ms),
             LOG_INT("owned_ms", steps->owned_ms - steps->began_ms),
             LOG_INT("loaded_ms", steps->loaded_ms - steps->owned_ms),
             LOG_INT("inputs_ms", now_ms - steps->loaded_ms));
    metrics_add(worker->metrics, METRIC_takeovers, 0, 1);
    metrics_observe(worker->metrics, METRIC_takeover, 0, (now_ms - steps->began_ms) * 1000);
    worker->kept = true;
}

enum err takeover_load(struct worker *worker, struct err_note *note)
{
    struct bus_cancel cancel = worker_cancel_now(worker);

    TRY(worker->bus->ops->open(worker->bus, false, &cancel, note));
    return load_memory(worker, note);
}

enum err takeover(struct worker *worker, struct err_note *note)
{
    struct bus_cancel cancel = worker_cancel_now(worker);
    struct steps steps = {.began_ms = clock_monotonic_ms()};

    worker_count_add(worker, WORKER_COUNT_TAKE_OVERS, 1);
    POINT(take_over_begin);
    follow_stop(worker->follow);
    TRY(worker->bus->ops->open(worker->bus, worker->single, &cancel, note));
    worker_progress(worker);
    POINT(take_over_owned);
    steps.owned_ms = clock_monotonic_ms();
    TRY(use_kept(worker, note));
    if (!worker->kept)
        TRY(load_memory(worker, note));
    POINT(take_over_ready);
    steps.loaded_ms = clock_monotonic_ms();
    TRY(take_positions(worker, note));
    POINT(take_over_seeked);
    begin_running(worker, &steps);
    return ERR_OK;
}

/* --- an outcome --- */

static enum err note_refused(struct worker *worker, size_t index, struct err_note *note)
{
    const struct batch_cause *cause = &worker->batch.causes[index];

    if (cause->input == INPUT_COUNT || worker->refused_count == worker_refused_max)
        return FAIL(note, ERR_BUS_REFUSED,
                    "partition %" PRId32 ": the broker refuses a record that no single input made "
                    "(topic %s, %zu bytes): raise max.message.bytes of that topic",
                    partition_of_worker(worker),
                    worker->options.engine.topics[worker->batch.records[index].topic],
                    worker->batch.records[index].value.size);
    worker->refused[worker->refused_count++] = (struct worker_refused){cause->input, cause->offset};
    log_error("the broker refuses an output of a record: it becomes a dead letter, or is answered "
              "TOO_LARGE",
              LOG_INT("partition", partition_of_worker(worker)),
              LOG_TEXT("topic", worker->options.engine.topics[cause->input]),
              LOG_INT("offset", cause->offset));
    return ERR_UNCOMMITTABLE;
}

/* Open, look up, send again if it must be. ERR_TXN_UNKNOWN, ERR_BUS_DOWN: once more. */
static enum err resolve_once(struct worker *worker, struct bus_committed *committed, bool *fence,
                             struct err_note *note)
{
    struct bus_cancel cancel = worker_cancel_now(worker), later = worker_cancel_later(worker);
    struct last_meta last;

    TRY(worker->bus->ops->open(worker->bus, worker->single, &cancel, note));
    worker_count_add(worker, WORKER_COUNT_LOOK_UPS, 1);
    metrics_add(worker->metrics, METRIC_transactions_failed, failed_unknown, 1);
    TRY(look_up(worker, &last, note));
    if (last.torn > 0)
        return FAIL(note, ERR_PRODUCER_FATAL, "torn records behind the last batch");
    if (last.found && last.number == worker->batch.number &&
        memcmp(last.writer, worker->writer, writer_bytes) == 0) {
        worker->meta_offset = last.offset;
        return ERR_OK;
    }
    if (is_committed_before(worker, &last)) {
        worker_count_add(worker, WORKER_COUNT_RESENT, 1);
        metrics_add(worker->metrics, METRIC_transactions_failed, failed_resent, 1);
        TRY(worker->bus->ops->commit(worker->bus, &worker->batch, &later, committed, note));
        worker->meta_offset = committed->meta_offset;
        return ERR_OK;
    }
    if (is_foreign(worker, &last))
        return tell_fence(worker, &last, fence, note);
    return FAIL(note, ERR_PRODUCER_FATAL, "partition %" PRId32 ": the log is not where it was",
                partition_of_worker(worker));
}

/* The commit failed: the producer is about to be replaced. */
static void count_failure(struct worker *worker, enum err err, enum bus_fault fault)
{
    if (err == ERR_FENCED)
        fault = BUS_FAULT_FENCED;
    else if (err == ERR_BUS_DOWN)
        fault = BUS_FAULT_AWAY;
    else if (err == ERR_UNCOMMITTABLE)
        fault = BUS_FAULT_REFUSED;
    metrics_add(worker->metrics, METRIC_producers_replaced, (int)fault, 1);
    if (err == ERR_UNCOMMITTABLE)
        metrics_add(worker->metrics, METRIC_transactions_failed, failed_uncommittable, 1);
    else if (err != ERR_TXN_UNKNOWN && err != ERR_FENCED && err != ERR_BUS_DOWN)
        metrics_add(worker->metrics, METRIC_transactions_failed, failed_error, 1);
}

enum err takeover_resolve(struct worker *worker, enum err err,
                          const struct bus_committed *committed, struct err_note *note)
{
    struct bus_committed told = *committed;
    int64_t backoff_ms = backoff_ms_min;
    bool fence = false;

    for (;;) {
        if (err == ERR_OK) {
            worker->single = false;
            return ERR_OK;
        }
        if (err != ERR_CANCELLED)
            count_failure(worker, err, told.fault);
        if (err == ERR_UNCOMMITTABLE) {
            worker->single = false; /* it is found: the others go many in a request again */
            return note_refused(worker, told.refused, note);
        }
        if (err != ERR_TXN_UNKNOWN && err != ERR_FENCED && err != ERR_BUS_DOWN)
            return err;
        if (err == ERR_TXN_UNKNOWN)
            worker->single = told.ambiguous || worker->single;
        log_warn("the outcome of a batch is not known: it is looked up",
                 LOG_INT("partition", partition_of_worker(worker)),
                 LOG_UINT("number", worker->batch.number), LOG_ERR(note));
        worker->bus->ops->close(worker->bus);
        worker_progress(worker);
        worker_pause(worker, err == ERR_FENCED ? fenced_pause_ms : backoff_ms);
        backoff_ms = backoff_ms * 2 < backoff_ms_max ? backoff_ms * 2 : backoff_ms_max;
        if (worker_stopped(worker))
            return ERR_CANCELLED;
        told = (struct bus_committed){.meta_offset = -1};
        err = check_foreign(worker, &fence, note);
        if (err == ERR_OK)
            err = resolve_once(worker, &told, &fence, note);
        if (fence) { /* the last batch is another's, not only librdkafka's word for it */
            metrics_add(worker->metrics, METRIC_transactions_failed, failed_fenced, 1);
            return err;
        }
    }
}
