#include "daemon/follow.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/point.h"
#include "base/random.h"

enum {
    chunk_bytes_max = 2 * 1024 * 1024, /* of one call: Redis serves nobody else meanwhile */
    chunk_count_max = 4000,
    again_ms = 1000,
    feed_slice_max = 2000 /* records read in one run: the loop goes on in between */
};

/* A committed batch that is not in the store yet. */
struct kept {
    struct kept *next;
    struct store_pointer to; /* fill is not set */
    uint8_t from_writer[writer_bytes];
    uint64_t entity_count;
    uint64_t entity_digest;
    size_t bytes;
    size_t count;
    struct store_entity entities[];
};

enum mode {
    MODE_POINTER, /* what does the store hold? */
    MODE_LIVE,    /* it holds `held`; the backlog follows */
    MODE_FEED,    /* entities are read from `state` into the pointed fill */
    MODE_FILL,    /* the same, into a new one */
    MODE_SWAP,    /* all are there, the pointer is moved */
    MODE_COUNT,   /* the comparison: how many? */
    MODE_SCAN     /* the comparison: what digest? */
};

struct follow {
    struct follow_options options;
    struct metrics *metrics;
    enum mode mode;
    struct store_call call;
    bool calling;
    int64_t began_us; /* monotonic: the call */
    bool policy_asked;
    bool drop_wanted; /* old fills lie about */
    bool was_down;
    int64_t down_ms; /* monotonic: since when no call can be started; 0: one can */
    bool ahead_said;
    bool distrusted; /* what the pointer names is wrong */
    bool opened;     /* the reading of `state` */
    bool at_end;     /* the feed has the meta that it needs */
    bool marked;     /* a chunk is there, under the mark that its call left */
    bool read_all;
    int64_t again_ms; /* not before */
    int64_t now_ms;
    int64_t compare_ms;
    bool compare_again;        /* the second try: what differs now differs */
    struct store_pointer held; /* what the store holds, as far as is known */
    uint64_t held_count;       /* of entities; and their digest, at `held` */
    uint64_t held_digest;
    struct store_pointer committed; /* the newest batch of the log; number 0: none */
    uint64_t committed_count;
    uint64_t committed_digest;
    struct kept *first, **last;
    size_t backlog_bytes;
    size_t sent; /* batches of the backlog that are in the call */
    /* the feed */
    struct store_pointer fed; /* where it will stand */
    uint64_t fed_count;
    uint64_t fed_digest;
    struct store_entity *chunk;
    size_t chunk_count;
    size_t chunk_bytes;
    /* the comparison */
    uint64_t scan_count;
    uint64_t scan_digest;
    struct arena arena;
    uint64_t counts[FOLLOW_COUNT_END];
};

struct follow *follow_create(const struct follow_options *options)
{
    struct follow *follow = memory_zalloc(sizeof(*follow), "a follower");

    follow->options = *options;
    follow->metrics = metrics_of(options->partition);
    follow->last = &follow->first;
    follow->compare_ms = INT64_MAX;
    follow->chunk = memory_alloc(chunk_count_max * sizeof(*follow->chunk), "a chunk of entities");
    arena_init(&follow->arena);
    return follow;
}

static void drop_first(struct follow *follow)
{
    struct kept *kept = follow->first;

    follow->first = kept->next;
    if (follow->first == NULL)
        follow->last = &follow->first;
    follow->backlog_bytes -= kept->bytes;
    free(kept);
}

static void drop_backlog(struct follow *follow)
{
    while (follow->first != NULL)
        drop_first(follow);
}

static void drop_chunk(struct follow *follow)
{
    for (size_t i = 0; i < follow->chunk_count; i++)
        free((void *)(uintptr_t)follow->chunk[i].key.data);
    follow->chunk_count = 0;
    follow->chunk_bytes = 0;
}

static void close_reading(struct follow *follow)
{
    if (follow->opened)
        follow->options.bus->ops->state_close(follow->options.bus);
    follow->opened = false;
    drop_chunk(follow);
}

void follow_destroy(struct follow *follow)
{
    if (follow == NULL)
        return;
    follow_stop(follow);
    drop_backlog(follow);
    free(follow->chunk);
    arena_deinit(&follow->arena);
    free(follow);
}

static void ask_pointer(struct follow *follow, int64_t not_before_ms)
{
    close_reading(follow);
    follow->mode = MODE_POINTER;
    follow->again_ms = not_before_ms;
}

void follow_begin(struct follow *follow, const struct engine_meta *meta, int64_t meta_offset)
{
    drop_backlog(follow);
    follow->committed = (struct store_pointer){.present = meta->number > 0,
                                               .number = meta->number,
                                               .state_offset = meta_offset,
                                               .clock_ms = meta->clock_ms};
    memcpy(follow->committed.incarnation, meta->incarnation, store_id_bytes);
    memcpy(follow->committed.writer, meta->writer, store_id_bytes);
    follow->committed_count = meta->entity_count;
    follow->committed_digest = meta->entity_digest;
    follow->drop_wanted = true;
    follow->policy_asked = false;
    ask_pointer(follow, 0);
}

/* One block: the struct, the entities, their bytes. */
static struct kept *keep(const struct batch *batch)
{
    size_t bytes = 0;
    struct kept *kept;
    uint8_t *at;

    for (size_t i = 0; i < batch->state_count; i++) {
        const struct record *record = &batch->records[batch->state_first + i];

        bytes += record->key.size + record->value.size + 1;
    }
    bytes += sizeof(*kept) + batch->state_count * sizeof(kept->entities[0]);
    kept = memory_zalloc(bytes, "the backlog of Redis");
    kept->bytes = bytes;
    kept->count = batch->state_count;
    at = (uint8_t *)&kept->entities[kept->count];
    for (size_t i = 0; i < kept->count; i++) {
        const struct record *record = &batch->records[batch->state_first + i];

        memcpy(at, record->key.data, record->key.size);
        kept->entities[i].key = slice_make(at, record->key.size);
        at += record->key.size;
        if (record->value.data == NULL)
            continue;
        if (record->value.size > 0)
            memcpy(at, record->value.data, record->value.size);
        kept->entities[i].value = slice_make(at, record->value.size);
        at += record->value.size + 1;
    }
    return kept;
}

void follow_committed(struct follow *follow, const struct batch *batch,
                      const struct engine_meta *meta, int64_t meta_offset)
{
    struct kept *kept;

    if (follow->options.store == NULL)
        return;
    kept = keep(batch);
    memcpy(kept->from_writer, follow->committed.writer, writer_bytes);
    kept->to = (struct store_pointer){.present = true,
                                      .number = meta->number,
                                      .state_offset = meta_offset,
                                      .clock_ms = meta->clock_ms};
    memcpy(kept->to.incarnation, meta->incarnation, store_id_bytes);
    memcpy(kept->to.writer, meta->writer, store_id_bytes);
    kept->entity_count = meta->entity_count;
    kept->entity_digest = meta->entity_digest;
    follow->committed = kept->to;
    follow->committed_count = kept->entity_count;
    follow->committed_digest = kept->entity_digest;
    *follow->last = kept;
    follow->last = &kept->next;
    follow->backlog_bytes += kept->bytes;
    /* What a call under way was made from may go: it was written out when it started. */
    while (follow->first != NULL && follow->backlog_bytes > follow->options.backlog_bytes_max) {
        drop_first(follow);
        follow->counts[FOLLOW_COUNT_DROPPED]++;
        follow->sent -= follow->sent > 0;
    }
}

static void start(struct follow *follow, enum store_call_kind kind)
{
    follow->call.kind = kind;
    follow->calling = true;
    follow->began_us = clock_monotonic_us();
    store_start(follow->options.store, &follow->call);
}

static void said_down(struct follow *follow)
{
    const char *fault = store_fault(follow->options.store);

    if (!follow->was_down)
        log_warn("Redis does not follow; nothing is lost",
                 LOG_INT("partition", follow->options.partition),
                 LOG_TEXT("reason", fault == NULL ? "a call failed" : fault));
    follow->was_down = true;
}

/* --- what the pointer says --- */

static void begin_fill(struct follow *follow, const char *why)
{
    follow->counts[FOLLOW_COUNT_FILLS]++;
    log_info("Redis is filled anew from the state topic",
             LOG_INT("partition", follow->options.partition), LOG_TEXT("why", why));
    close_reading(follow);
    random_bytes(follow->call.fill, store_id_bytes);
    follow->mode = MODE_FILL;
    follow->fed = (struct store_pointer){0};
    memcpy(follow->fed.fill, follow->call.fill, store_id_bytes);
    follow->at_end = follow->marked = false;
}

static void begin_feed(struct follow *follow)
{
    follow->counts[FOLLOW_COUNT_FEEDS]++;
    log_info("Redis is fed from the state topic", LOG_INT("partition", follow->options.partition),
             LOG_UINT("from", follow->held.number), LOG_UINT("to", follow->committed.number));
    close_reading(follow);
    follow->mode = MODE_FEED;
    follow->fed = (struct store_pointer){0};
    memcpy(follow->fed.fill, follow->held.fill, store_id_bytes);
    follow->at_end = follow->marked = false;
}

/* Does the backlog begin at or before the batch after `held`? Drops what it has already. */
static bool backlog_joins(struct follow *follow)
{
    while (follow->first != NULL && follow->first->to.number <= follow->held.number)
        drop_first(follow);
    if (follow->held.number == follow->committed.number)
        return memcmp(follow->held.writer, follow->committed.writer, store_id_bytes) == 0;
    return follow->first != NULL && follow->first->to.number == follow->held.number + 1 &&
           memcmp(follow->first->from_writer, follow->held.writer, writer_bytes) == 0;
}

/* Something is committed that neither the store has nor the backlog: it did not fit. */
static bool lacks_batches(const struct follow *follow)
{
    return follow->first == NULL && follow->held.number < follow->committed.number;
}

static bool holds_expected_count(struct follow *follow)
{
    if (follow->held.number == follow->committed.number) {
        follow->held_count = follow->committed_count;
        follow->held_digest = follow->committed_digest;
        return true;
    }
    return false;
}

static void take_pointer(struct follow *follow, const struct store_pointer *pointer)
{
    const struct store_pointer *committed = &follow->committed;

    follow->held = *pointer;
    if (!committed->present) { /* nothing of ours is in the log yet: wait for batch 1 */
        follow->again_ms = follow->now_ms + 50;
        return;
    }
    if (!pointer->present || follow->distrusted) {
        begin_fill(follow, pointer->present ? "it differs from the log" : "it is empty");
    } else if (memcmp(pointer->incarnation, committed->incarnation, store_id_bytes) != 0) {
        begin_fill(follow, "it holds another history");
    } else if (pointer->number > committed->number) {
        /* Fenced and not knowing it, or the log has lost batches: the next take-over tells. */
        if (!follow->ahead_said)
            log_error("Redis is ahead of this worker",
                      LOG_INT("partition", follow->options.partition),
                      LOG_UINT("redis", pointer->number), LOG_UINT("log", committed->number));
        follow->ahead_said = true;
        follow->again_ms = follow->now_ms + again_ms;
    } else if (follow->options.pointer_age_ms > 0 &&
               committed->clock_ms - pointer->clock_ms > follow->options.pointer_age_ms) {
        begin_fill(follow, "it is so old that removals may be missing");
    } else if (backlog_joins(follow)) {
        follow->mode = MODE_LIVE;
        if (!holds_expected_count(follow))
            follow->held_count = UINT64_MAX; /* known with the next batch */
    } else if (pointer->number == committed->number) {
        begin_fill(follow, "its batch was written by another");
    } else {
        begin_feed(follow);
    }
}

/* --- feeding from `state` --- */

static void add_chunk(struct follow *follow, const struct record *record)
{
    uint8_t *data =
        memory_alloc(record->key.size + record->value.size + 1, "an entity on its way to Redis");
    struct store_entity *entity = &follow->chunk[follow->chunk_count++];

    memcpy(data, record->key.data, record->key.size);
    if (record->value.size > 0)
        memcpy(data + record->key.size, record->value.data, record->value.size);
    entity->key = slice_make(data, record->key.size);
    entity->value = (struct slice){0};
    if (record->value.data != NULL)
        entity->value = slice_make(data + record->key.size, record->value.size);
    follow->chunk_bytes += record->key.size + record->value.size;
}

static void take_meta(struct follow *follow, const struct record *record)
{
    Ringback__V1__Meta *meta;

    arena_reset(&follow->arena);
    meta = ringback__v1__meta__unpack(&follow->arena.allocator, record->value.size,
                                      record->value.data);
    if (meta == NULL || meta->writer.len != writer_bytes ||
        meta->incarnation.len != incarnation_bytes)
        return; /* take-over has read it well: it is one of another, older history */
    follow->fed.present = true;
    follow->fed.number = meta->number;
    follow->fed.state_offset = record->offset;
    follow->fed.clock_ms = meta->clock_ms;
    memcpy(follow->fed.writer, meta->writer.data, writer_bytes);
    memcpy(follow->fed.incarnation, meta->incarnation.data, incarnation_bytes);
    follow->fed_count = meta->entity_count;
    follow->fed_digest = meta->entity_digest;
    /* The backlog takes over from here; without one, from the last batch. */
    follow->at_end = follow->first != NULL ? meta->number + 1 >= follow->first->to.number
                                           : meta->number >= follow->committed.number;
}

static void read_state(struct follow *follow)
{
    struct bus *bus = follow->options.bus;
    struct err_note note;
    struct record record;
    int64_t end;

    if (!follow->opened) {
        int64_t from = follow->mode == MODE_FILL ? 0 : follow->held.state_offset;

        if (bus->ops->state_open(bus, from, &note) != ERR_OK) {
            ask_pointer(follow, follow->now_ms + again_ms);
            return;
        }
        follow->opened = true;
    }
    for (int i = 0; i < feed_slice_max && !follow->at_end &&
                    follow->chunk_count < chunk_count_max && follow->chunk_bytes < chunk_bytes_max;
         i++) {
        enum err err = bus->ops->state_next(bus, 0, &record, &end, &note);

        if (err == ERR_END)
            return;
        if (err != ERR_OK) {
            log_warn("the state topic cannot be read for Redis", LOG_ERR(&note));
            ask_pointer(follow, follow->now_ms + again_ms);
            return;
        }
        if (slice_equal(record.key, slice_text(META_KEY)))
            take_meta(follow, &record);
        else if (record.key.data != NULL)
            add_chunk(follow, &record);
    }
}

/* The next call goes on only where the last one's chunk is: the server may have been brought back
 * from a copy without it, whose pointer is the same. */
static void set_marks(struct follow *follow, bool leaves_one)
{
    struct store_call *call = &follow->call;

    call->marked = follow->marked;
    memcpy(call->after, call->mark, store_id_bytes);
    call->marks = leaves_one;
    if (leaves_one)
        random_bytes(call->mark, store_id_bytes);
    follow->marked |= leaves_one;
}

static void send_chunk(struct follow *follow)
{
    set_marks(follow, true);
    follow->call.entities = follow->chunk;
    follow->call.entity_count = follow->chunk_count;
    follow->call.from = follow->held;
    follow->call.to = follow->held;
    start(follow, follow->mode == MODE_FILL ? STORE_CALL_FILL : STORE_CALL_APPLY);
    drop_chunk(follow);
}

static void swap_pointer(struct follow *follow)
{
    close_reading(follow);
    POINT(store_filled);
    while (follow->first != NULL && follow->first->to.number <= follow->fed.number)
        drop_first(follow);
    follow->drop_wanted |= memcmp(follow->fed.fill, follow->held.fill, store_id_bytes) != 0;
    follow->mode = MODE_SWAP;
    set_marks(follow, false);
    follow->call.entity_count = 0;
    follow->call.from = follow->held;
    follow->call.to = follow->fed;
    start(follow, STORE_CALL_APPLY);
}

static void feed(struct follow *follow)
{
    read_state(follow);
    if (follow->mode == MODE_POINTER)
        return;
    if (follow->chunk_count > 0)
        send_chunk(follow);
    else if (follow->at_end)
        swap_pointer(follow);
    else
        follow->again_ms = follow->now_ms + 2; /* the reader is not there yet */
}

/* --- live --- */

static void apply_backlog(struct follow *follow)
{
    static const size_t growth = 2;
    size_t count = 0, bytes = 0, capacity = 0;
    struct store_entity *entities = NULL;
    const struct kept *last = follow->first;

    follow->call.marked = follow->call.marks = false;
    follow->sent = 0;
    for (const struct kept *kept = follow->first;
         kept != NULL && (follow->sent == 0 || bytes + kept->bytes <= chunk_bytes_max);
         kept = kept->next) {
        if (count + kept->count > capacity) {
            capacity = (count + kept->count) * growth;
            entities = memory_grow(entities, capacity * sizeof(*entities), "a call to Redis");
        }
        if (kept->count > 0)
            memcpy(entities + count, kept->entities, kept->count * sizeof(*entities));
        count += kept->count;
        bytes += kept->bytes;
        last = kept;
        follow->sent++;
    }
    follow->call.entities = entities;
    follow->call.entity_count = count;
    follow->call.from = follow->held;
    follow->call.to = last->to;
    memcpy(follow->call.to.fill, follow->held.fill, store_id_bytes);
    follow->held_count = last->entity_count; /* once it is applied */
    follow->held_digest = last->entity_digest;
    start(follow, STORE_CALL_APPLY);
    free(entities);
}

static void applied(struct follow *follow)
{
    follow->held = follow->call.to;
    follow->counts[FOLLOW_COUNT_APPLIED] += follow->sent;
    metrics_add(follow->metrics, METRIC_redis_batches, 0, follow->sent);
    for (; follow->sent > 0; follow->sent--)
        drop_first(follow);
    if (follow->was_down)
        log_info("Redis follows again", LOG_INT("partition", follow->options.partition));
    follow->was_down = false;
    POINT(store_applied);
}

/* --- the comparison --- */

static void on_scanned(void *context, struct slice key, struct slice value)
{
    struct follow *follow = context;
    Ringback__V1__StateRecord *record;

    arena_reset(&follow->arena);
    record = ringback__v1__state_record__unpack(&follow->arena.allocator, value.size, value.data);
    follow->scan_count++;
    follow->scan_digest += entity_digest(key, record == NULL ? 0 : record->version);
}

static void different(struct follow *follow, const char *what, uint64_t found, uint64_t expected)
{
    if (!follow->compare_again) { /* a scan can give an entity twice while a table grows */
        follow->compare_again = true;
        follow->compare_ms = follow->now_ms;
        follow->mode = MODE_LIVE;
        return;
    }
    follow->compare_again = false;
    follow->counts[FOLLOW_COUNT_DIFFERENT]++;
    metrics_add(follow->metrics, METRIC_digest_mismatches, 0, 1);
    log_error("Redis differs from the log: somebody else wrote to it",
              LOG_INT("partition", follow->options.partition), LOG_TEXT("what", what),
              LOG_UINT("found", found), LOG_UINT("expected", expected));
    begin_fill(follow, "it differs from the log");
}

static void begin_compare(struct follow *follow)
{
    follow->mode = MODE_COUNT;
    follow->counts[FOLLOW_COUNT_COMPARED]++;
    start(follow, STORE_CALL_COUNT);
}

static void counted(struct follow *follow)
{
    if (!store_pointer_equal(&follow->call.pointer, &follow->held)) {
        ask_pointer(follow, 0);
        return;
    }
    if (follow->call.count != follow->held_count) {
        different(follow, "count", follow->call.count, follow->held_count);
        return;
    }
    follow->mode = MODE_SCAN;
    follow->scan_count = follow->scan_digest = 0;
    follow->call.on_entity = on_scanned;
    follow->call.context = follow;
    follow->call.scan_kind = 0;
    follow->call.scan_at = 0;
    memcpy(follow->call.fill, follow->held.fill, store_id_bytes);
    start(follow, STORE_CALL_SCAN);
}

static void scanned(struct follow *follow)
{
    if (follow->call.more) {
        start(follow, STORE_CALL_SCAN);
        return;
    }
    if (follow->scan_digest != follow->held_digest) {
        different(follow, "digest", follow->scan_digest, follow->held_digest);
        return;
    }
    follow->compare_again = false;
    follow->compare_ms = INT64_MAX;
    follow->mode = MODE_LIVE;
}

/* --- steps --- */

static void answered_apply(struct follow *follow)
{
    if (follow->mode == MODE_LIVE) {
        applied(follow);
    } else if (follow->mode == MODE_SWAP) {
        POINT(store_swapped);
        follow->held = follow->call.to;
        follow->held_count = follow->fed_count;
        follow->held_digest = follow->fed_digest;
        follow->mode = MODE_LIVE;
        follow->distrusted = false;
        log_info("Redis is complete", LOG_INT("partition", follow->options.partition),
                 LOG_UINT("number", follow->held.number));
    } else if (follow->mode == MODE_FILL) {
        POINT(store_filling);
    }
}

static void answered(struct follow *follow)
{
    follow->calling = false;
    follow->call.entities = NULL;
    if (follow->call.err == ERR_OK && follow->sent > 0)
        metrics_observe(follow->metrics, METRIC_redis_write, 0,
                        clock_monotonic_us() - follow->began_us);
    if (follow->call.err == ERR_STORE_DOWN) {
        follow->sent = 0;
        metrics_add(follow->metrics, METRIC_redis_failures, 0, 1);
        said_down(follow);
        ask_pointer(follow, follow->now_ms + 20);
        return;
    }
    if (follow->call.err == ERR_STORE_MOVED) {
        struct store_pointer pointer = follow->call.pointer;

        follow->sent = 0;
        follow->counts[FOLLOW_COUNT_MOVED]++;
        log_warn("Redis holds another batch than expected",
                 LOG_INT("partition", follow->options.partition), LOG_UINT("redis", pointer.number),
                 LOG_UINT("expected", follow->held.number));
        ask_pointer(follow, 0);
        take_pointer(follow, &pointer);
        return;
    }
    switch (follow->call.kind) {
    case STORE_CALL_POINTER: {
        struct store_pointer pointer = follow->call.pointer;

        take_pointer(follow, &pointer);
        break;
    }
    case STORE_CALL_APPLY:
    case STORE_CALL_FILL: answered_apply(follow); break;
    case STORE_CALL_COUNT: counted(follow); break;
    case STORE_CALL_SCAN: scanned(follow); break;
    case STORE_CALL_DROP: follow->drop_wanted = false; break;
    case STORE_CALL_CLEAR: break; /* never asked */
    case STORE_CALL_POLICY:
        follow->policy_asked = true;
        if (follow->call.policy[0] != '\0' && strcmp(follow->call.policy, "noeviction") != 0)
            log_warn("Redis may throw keys away when it is full: set maxmemory-policy noeviction",
                     LOG_TEXT("policy", follow->call.policy));
        break;
    }
}

/* In LIVE: what is next? */
static void step_live(struct follow *follow)
{
    if (!follow->policy_asked) {
        start(follow, STORE_CALL_POLICY);
    } else if (follow->drop_wanted) {
        memcpy(follow->call.fill, follow->held.fill, store_id_bytes);
        start(follow, STORE_CALL_DROP);
    } else if (follow->now_ms >= follow->compare_ms && follow->held_count != UINT64_MAX) {
        begin_compare(follow);
    } else if (follow->first != NULL || lacks_batches(follow)) {
        if (!backlog_joins(follow)) {
            ask_pointer(follow, 0);
            return;
        }
        if (follow->first == NULL) /* it has them already */
            return;
        apply_backlog(follow);
        POINT(store_sent);
    }
}

static void step(struct follow *follow)
{
    switch (follow->mode) {
    case MODE_POINTER: start(follow, STORE_CALL_POINTER); break;
    case MODE_LIVE: step_live(follow); break;
    case MODE_FEED:
    case MODE_FILL: feed(follow); break;
    case MODE_SWAP:
    case MODE_COUNT:
    case MODE_SCAN: ask_pointer(follow, 0); break; /* interrupted */
    }
}

void follow_run(struct follow *follow, int64_t monotonic_ms)
{
    struct store *store = follow->options.store;

    if (store == NULL)
        return;
    follow->now_ms = monotonic_ms;
    if (follow->options.compare_ms > 0 && follow->compare_ms == INT64_MAX)
        follow->compare_ms = monotonic_ms + follow->options.compare_ms;
    for (int i = 0; i < 100; i++) {
        store_run(store, monotonic_ms);
        if (follow->calling) {
            if (store_done(store) == NULL)
                return;
            answered(follow);
            continue;
        }
        if (store_fault(store) != NULL) {
            if (follow->down_ms == 0)
                follow->down_ms = monotonic_ms;
            if (monotonic_ms - follow->down_ms >= again_ms)
                said_down(follow); /* it was so from the start: no call has failed */
            if (follow->mode != MODE_POINTER)
                ask_pointer(follow, 0);
            return;
        }
        follow->down_ms = 0;
        if (monotonic_ms < follow->again_ms)
            return;
        step(follow);
        if (!follow->calling && follow->mode == MODE_LIVE && follow->first == NULL &&
            !lacks_batches(follow))
            return;
    }
}

void follow_interrupt(struct follow *follow)
{
    if (follow->options.store == NULL)
        return;
    if (follow->opened)
        ask_pointer(follow, 0);
}

void follow_stop(struct follow *follow)
{
    if (follow->options.store == NULL)
        return;
    ask_pointer(follow, 0);
    if (follow->calling)
        store_reset(follow->options.store);
    follow->calling = false;
    follow->sent = 0;
}

void follow_compare(struct follow *follow)
{
    follow->compare_ms = 0;
}

void follow_distrust(struct follow *follow)
{
    follow->distrusted = true;
}

bool follow_idle(const struct follow *follow)
{
    if (follow->options.store == NULL || !follow->committed.present)
        return true;
    return follow->mode == MODE_LIVE && !follow->calling && follow->first == NULL &&
           !lacks_batches(follow) && !follow->drop_wanted;
}

uint64_t follow_behind(const struct follow *follow)
{
    uint64_t held = follow->held.present ? follow->held.number : 0;

    if (follow->options.store == NULL || !follow->committed.present ||
        held > follow->committed.number)
        return 0;
    return follow->committed.number - held;
}

int64_t follow_wake_ms(const struct follow *follow)
{
    int64_t wake_ms;

    if (follow->options.store == NULL)
        return INT64_MAX;
    wake_ms = store_wake_ms(follow->options.store);
    if (store_fault(follow->options.store) != NULL || follow->calling)
        return wake_ms;
    if (follow->mode != MODE_LIVE)
        return follow->again_ms < wake_ms ? follow->again_ms : wake_ms;
    if (follow->first != NULL || lacks_batches(follow) || follow->drop_wanted ||
        !follow->policy_asked)
        return 0;
    return follow->compare_ms < wake_ms ? follow->compare_ms : wake_ms;
}

size_t follow_backlog_bytes(const struct follow *follow)
{
    return follow->backlog_bytes;
}

uint64_t follow_counted(const struct follow *follow, enum follow_count count)
{
    return follow->counts[count];
}
