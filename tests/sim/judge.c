#include "tests/sim/judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/memory.h"
#include "base/version.h"
#include "daemon/engine.h"
#include "tests/sim/broker.h"
#include "tests/sim/redis.h"
#include "tests/sim/system.h"

#include "ringback/v1/analytics.pb-c.h"
#include "ringback/v1/journal.pb-c.h"
#include "ringback/v1/routing.pb-c.h"
#include "ringback/v1/state.pb-c.h"

/* --- is it over? --- */

/* Was on the log for readers of committed records, compacted or not. */
static bool was_committed(const struct broker_entry *entry)
{
    return entry->kind == BROKER_DATA && !entry->open && !entry->aborted;
}

static const struct broker_entry *last_meta(int32_t partition)
{
    for (int64_t i = broker_stable(TOPIC_STATE, partition); i-- > 0;) {
        const struct broker_entry *entry = broker_entry(TOPIC_STATE, partition, i);

        if (was_committed(entry) && slice_equal(entry->record.key, slice_text(META_KEY)))
            return entry;
    }
    return NULL;
}

static const char *unquiet(int32_t partition)
{
    const struct broker_entry *entry = last_meta(partition);
    struct store_pointer pointer;
    Ringback__V1__Meta *meta;
    const char *why = NULL;

    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        if (broker_stable((enum topic)topic, partition) !=
            broker_high((enum topic)topic, partition))
            return "a transaction is open on an output";
    }
    for (int input = 0; entry == NULL && input < INPUT_COUNT; input++) {
        if (broker_high((enum topic)input, partition) > 0)
            return "nothing is decided";
    }
    if (entry == NULL)
        return NULL;
    meta = ringback__v1__meta__unpack(NULL, entry->record.value.size, entry->record.value.data);
    for (int input = 0; input < INPUT_COUNT; input++) {
        int64_t end = broker_high((enum topic)input, partition);

        for (int64_t i = meta->positions[input]->next_offset; i < end; i++) {
            if (broker_entry((enum topic)input, partition, i)->kind == BROKER_DATA)
                why = "records are not decided";
        }
    }
    if (why == NULL &&
        (!store_world_pointer(redis_world(partition), &pointer) || pointer.number != meta->number))
        why = "Redis does not stand at the last batch";
    ringback__v1__meta__free_unpacked(meta, NULL);
    return why;
}

const char *judge_unquiet(void)
{
    for (int32_t i = 0; i < broker_partitions(); i++) {
        const char *why = unquiet(i);

        if (why != NULL)
            return why;
    }
    return broker_open_transactions() == 0 ? NULL : "a transaction is open";
}

/* --- the reference --- */

struct reference {
    const struct judge_options *options;
    int32_t partition;
    struct engine *engine;
    struct engine_options engine_options;
    struct machine_options machine;
    struct arena texts; /* the options' */
    struct arena arena;
    struct batch batch;
    int64_t at[TOPIC_COUNT]; /* next offset to compare with */
    char *why;
};

#define WRONG(reference, ...) (snprintf((reference)->why, 500, __VA_ARGS__), false)

static bool same_record(const struct record *a, const struct record *b)
{
    if (!slice_equal(a->key, b->key) || !slice_equal(a->value, b->value) ||
        (a->value.data == NULL) != (b->value.data == NULL) || a->timestamp_ms != b->timestamp_ms ||
        a->header_count != b->header_count)
        return false;
    for (size_t i = 0; i < a->header_count; i++) {
        if (strcmp(a->headers[i].name, b->headers[i].name) != 0 ||
            !slice_equal(a->headers[i].value, b->headers[i].value))
            return false;
    }
    return true;
}

/* The next record of a topic that was committed; NULL: there is none. */
static const struct broker_entry *next_entry(struct reference *reference, enum topic topic)
{
    while (reference->at[topic] < broker_high(topic, reference->partition)) {
        const struct broker_entry *entry =
            broker_entry(topic, reference->partition, reference->at[topic]++);

        if (was_committed(entry))
            return entry;
    }
    return NULL;
}

/* Told only in a run that is traced. */
static void show(const char *what, const struct record *record)
{
    char text[400] = "";

    for (size_t i = 0; i < record->value.size && i < 190; i++)
        snprintf(text + 2 * i, 3, "%02x", record->value.data[i]);
    world_trace("%s: %.*s = %s", what, (int)record->key.size, (const char *)record->key.data, text);
}

static bool compare_batch(struct reference *reference)
{
    for (size_t i = 0; i < reference->batch.count; i++) {
        const struct record *record = &reference->batch.records[i];
        const struct broker_entry *entry = next_entry(reference, record->topic);

        if (entry == NULL)
            return WRONG(reference,
                         "LOST partition %" PRId32 ": batch %" PRIu64 " should have written a "
                         "record on %s that is not there",
                         reference->partition, reference->batch.number,
                         topic_short_name(record->topic));
        if (!same_record(record, &entry->record)) {
            show("decided", record);
            show("written", &entry->record);
            return WRONG(reference,
                         "DIFFERENT partition %" PRId32 ": %s, offset %" PRId64
                         " is not what batch %" PRIu64 " decides",
                         reference->partition, topic_short_name(record->topic),
                         entry->record.offset, reference->batch.number);
        }
    }
    return true;
}

static bool follow(struct reference *reference, const Ringback__V1__JournalRecord *journal)
{
    const struct engine_time time = {.clock_ms = journal->clock_ms,
                                     .horizon_ms = journal->horizon_ms,
                                     .horizon_stop_ms = journal->horizon_stop_ms,
                                     .follow = true,
                                     .timers = journal->timers_fired};
    struct engine_input inputs[INPUT_COUNT];

    for (size_t i = 0; i < journal->n_undecided; i++) {
        if (journal->undecided[i]->reason ==
            RINGBACK__V1__UNDECIDED_REASON__UNDECIDED_REASON_UNCOMMITTABLE)
            engine_refuse(reference->engine, (enum input)journal->undecided[i]->input,
                          journal->undecided[i]->offset);
    }
    for (int i = 0; i < INPUT_COUNT; i++) {
        int64_t from = journal->ranges[i]->from_offset, to = journal->ranges[i]->to_offset;
        struct record *records =
            arena_alloc(&reference->arena, (size_t)(to - from + 1) * sizeof(*records));
        size_t count = 0;

        if (from != engine_meta(reference->engine)->positions[i].next_offset)
            return WRONG(reference,
                         "RANGE partition %" PRId32 ": batch %" PRIu64 " takes %s from %" PRId64
                         " on, %" PRId64 " is next",
                         reference->partition, journal->number, topic_short_name((enum topic)i),
                         from, engine_meta(reference->engine)->positions[i].next_offset);
        for (int64_t offset = from; offset < to; offset++) {
            const struct broker_entry *entry =
                broker_entry((enum topic)i, reference->partition, offset);

            if (entry->kind == BROKER_DATA)
                records[count++] = entry->record;
        }
        inputs[i] = (struct engine_input){records, count, false};
    }
    engine_decide(reference->engine, inputs, &time, &reference->batch);
    if (reference->batch.timers != journal->timers_fired)
        return WRONG(reference,
                     "TIMERS partition %" PRId32 ": batch %" PRIu64 " fired %" PRIu32
                     " timers, its replay %zu",
                     reference->partition, journal->number, journal->timers_fired,
                     reference->batch.timers);
    return compare_batch(reference);
}

/* All timers of a batch without records were due at due_ms or later: did they fire although a
 * record from before that was there when the ends were asked? */
static bool check_horizon(struct reference *reference, const Ringback__V1__JournalRecord *journal,
                          int64_t due_ms)
{
    int64_t wait_ms = reference->options->options->horizon_wait_ms;

    for (int i = 0; i < INPUT_COUNT; i++) {
        if (journal->ranges[i]->to_offset > journal->ranges[i]->from_offset)
            return true; /* its records may have made the timer */
    }
    if (!reference->options->clocks_right || journal->timers_fired == 0 ||
        journal->horizon_ms <= journal->clock_ms - wait_ms)
        return true;
    for (int i = 0; i < INPUT_COUNT; i++) {
        int64_t end = broker_high((enum topic)i, reference->partition);
        int64_t merge_ms = engine_meta(reference->engine)->positions[i].merge_ms;

        for (int64_t at = journal->ranges[i]->to_offset; at < end; at++) {
            const struct broker_entry *entry =
                broker_entry((enum topic)i, reference->partition, at);
            int64_t append_ms = system_start_ms + entry->append_us / world_ms_us;

            if (entry->kind != BROKER_DATA)
                continue;
            if (entry->record.timestamp_ms > merge_ms)
                merge_ms = entry->record.timestamp_ms;
            if (append_ms < journal->horizon_ms - 1 && merge_ms <= due_ms)
                return WRONG(reference,
                             "EARLY partition %" PRId32 ": batch %" PRIu64
                             " fired timers due from %" PRId64 " on though %s, offset %" PRId64
                             ", came before and was there %" PRId64 " ms before the horizon",
                             reference->partition, journal->number, due_ms,
                             topic_short_name((enum topic)i), at, journal->horizon_ms - append_ms);
        }
    }
    return true;
}

static bool check_batch(struct reference *reference, const Ringback__V1__JournalRecord *journal,
                        const Ringback__V1__Meta *meta)
{
    const struct engine_meta *mine = engine_meta(reference->engine);
    int64_t due_ms;

    if (journal->number != mine->number + 1)
        return WRONG(reference, "NUMBER partition %" PRId32 ": batch %" PRIu64 " follows %" PRIu64,
                     reference->partition, journal->number, mine->number);
    if (mine->number > 0 &&
        (journal->previous_writer.len != writer_bytes ||
         memcmp(journal->previous_writer.data, mine->writer, writer_bytes) != 0))
        return WRONG(reference,
                     "CHAIN partition %" PRId32 ": batch %" PRIu64
                     " does not follow the writer before it",
                     reference->partition, journal->number);
    if (mine->number == 0 || memcmp(journal->writer.data, mine->writer, writer_bytes) != 0)
        engine_writer(reference->engine, journal->writer.data, meta->incarnation.data);
    due_ms = engine_due(reference->engine);
    return follow(reference, journal) && check_horizon(reference, journal, due_ms);
}

/* What is committed and what the reference has not written. */
static bool check_rest(struct reference *reference)
{
    for (int topic = INPUT_COUNT; topic < TOPIC_COUNT; topic++) {
        const struct broker_entry *entry = next_entry(reference, (enum topic)topic);

        if (entry != NULL)
            return WRONG(reference,
                         "DOUBLED partition %" PRId32 ": %s, offset %" PRId64
                         " is of no batch of the journal",
                         reference->partition, topic_short_name((enum topic)topic),
                         entry->record.offset);
    }
    return true;
}

/* --- copies --- */

struct seen_key {
    UT_hash_handle hh;
};

/* From the end, so that the first record met of a key is its last. */
static bool is_first_met(struct seen_key **seen, const struct broker_entry *entry)
{
    struct seen_key *key = NULL;

    HASH_FIND(hh, *seen, entry->record.key.data, entry->record.key.size, key);
    if (key != NULL)
        return false;
    key = memory_zalloc(sizeof(*key), "a key");
    HASH_ADD_KEYPTR(hh, *seen, entry->record.key.data, entry->record.key.size, key);
    return true;
}

static void forget(struct seen_key *seen)
{
    struct seen_key *key, *next;

    HASH_ITER (hh, seen, key, next) {
        HASH_DEL(seen, key);
        free(key);
    }
}

/* count: of the entities that state holds. */
static bool check_redis_entities(struct reference *reference, struct seen_key **seen, size_t *count)
{
    struct store_world *redis = redis_world(reference->partition);

    for (int64_t i = broker_high(TOPIC_STATE, reference->partition); i-- > 0;) {
        const struct broker_entry *entry = broker_entry(TOPIC_STATE, reference->partition, i);

        if (!was_committed(entry) || slice_equal(entry->record.key, slice_text(META_KEY)) ||
            !is_first_met(seen, entry) || entry->record.value.data == NULL)
            continue;
        ++*count;
        if (!slice_equal(store_world_get(redis, entry->record.key), entry->record.value))
            return WRONG(reference,
                         "REDIS partition %" PRId32 ": \"%.*s\" is another than on state",
                         reference->partition, (int)entry->record.key.size,
                         (const char *)entry->record.key.data);
    }
    return true;
}

static bool check_redis(struct reference *reference)
{
    struct store_world *redis = redis_world(reference->partition);
    struct seen_key *seen = NULL;
    size_t count = 0;
    bool good = check_redis_entities(reference, &seen, &count);

    forget(seen);
    if (!good)
        return false;
    if (store_world_count(redis) != count)
        return WRONG(reference, "REDIS partition %" PRId32 ": %zu entities, state has %zu",
                     reference->partition, store_world_count(redis), count);
    if (count != engine_meta(reference->engine)->entity_count)
        return WRONG(reference,
                     "STATE partition %" PRId32 ": %zu entities, the reference has %" PRIu64,
                     reference->partition, count, engine_meta(reference->engine)->entity_count);
    return true;
}

/* --- once --- */

enum { ids_max = 20000, id_bytes = 40 };

struct ids {
    char (*texts)[id_bytes];
    size_t count;
};

static int compare_ids(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void add_id(struct ids *ids, const char *id)
{
    if (ids->texts == NULL)
        ids->texts = memory_zalloc(ids_max * sizeof(*ids->texts), "ids");
    if (ids->count < ids_max)
        snprintf(ids->texts[ids->count++], id_bytes, "%s", id);
}

/* The first that is there twice; NULL: each is there once. */
static const char *doubled_id(struct ids *ids)
{
    if (ids->count > 0)
        qsort(ids->texts, ids->count, sizeof(*ids->texts), compare_ids);
    for (size_t i = 1; i < ids->count; i++) {
        if (strcmp(ids->texts[i - 1], ids->texts[i]) == 0)
            return ids->texts[i];
    }
    return NULL;
}

static void note_ids(struct reference *reference, const struct record *record, struct ids *begun,
                     struct ids *dialled)
{
    ProtobufCAllocator *allocator = &reference->arena.allocator;

    arena_reset(&reference->arena);
    if (record->topic == TOPIC_ANALYTICS) {
        const Ringback__V1__AnalyticsEvent *event = ringback__v1__analytics_event__unpack(
            allocator, record->value.size, record->value.data);

        if (event->event_case == RINGBACK__V1__ANALYTICS_EVENT__EVENT_SESSION_STARTED)
            add_id(begun, event->callback_id);
    } else {
        const Ringback__V1__RoutingEvent *event =
            ringback__v1__routing_event__unpack(allocator, record->value.size, record->value.data);

        if (event->event_case == RINGBACK__V1__ROUTING_EVENT__EVENT_PLACE_CALL)
            add_id(dialled, event->place_call->attempt_id);
    }
}

/* A callback begins once and an attempt is dialled once, whatever was sent twice. */
static bool check_once(struct reference *reference)
{
    struct ids begun = {.count = 0}, dialled = {.count = 0};
    const enum topic topics[] = {TOPIC_ANALYTICS, TOPIC_ROUTING};
    const char *twice;
    bool good = true;

    for (int i = 0; i < 2; i++) {
        for (int64_t at = 0; at < broker_high(topics[i], reference->partition); at++) {
            const struct broker_entry *entry = broker_entry(topics[i], reference->partition, at);

            if (was_committed(entry))
                note_ids(reference, &entry->record, &begun, &dialled);
        }
    }
    twice = doubled_id(&begun);
    if (twice != NULL)
        good = WRONG(reference, "TWICE partition %" PRId32 ": callback %s has begun twice",
                     reference->partition, twice);
    twice = good ? doubled_id(&dialled) : NULL;
    if (twice != NULL)
        good = WRONG(reference, "TWICE partition %" PRId32 ": attempt %s is dialled twice",
                     reference->partition, twice);
    free(begun.texts);
    free(dialled.texts);
    return good;
}

/* --- all --- */

static Ringback__V1__Meta *first_meta(int32_t partition)
{
    for (int64_t i = 0; i < broker_high(TOPIC_STATE, partition); i++) {
        const struct broker_entry *entry = broker_entry(TOPIC_STATE, partition, i);

        if (was_committed(entry) && slice_equal(entry->record.key, slice_text(META_KEY)))
            return ringback__v1__meta__unpack(NULL, entry->record.value.size,
                                              entry->record.value.data);
    }
    return NULL;
}

static bool follow_all(struct reference *reference)
{
    Ringback__V1__Meta *meta = first_meta(reference->partition);
    bool good = true;
    int64_t end = broker_high(TOPIC_JOURNAL, reference->partition);

    for (int64_t i = 0; good && i < end; i++) {
        const struct broker_entry *entry = broker_entry(TOPIC_JOURNAL, reference->partition, i);
        Ringback__V1__JournalRecord *journal;

        if (!was_committed(entry))
            continue;
        arena_reset(&reference->arena);
        journal = ringback__v1__journal_record__unpack(
            &reference->arena.allocator, entry->record.value.size, entry->record.value.data);
        good = check_batch(reference, journal, meta);
    }
    if (meta != NULL)
        ringback__v1__meta__free_unpacked(meta, NULL);
    return good && check_rest(reference);
}

static void set_options(struct reference *reference)
{
    const struct options *options = reference->options->options;
    struct engine_options *engine = &reference->engine_options;

    engine_options_default(engine);
    options_machine(options, &reference->machine);
    engine->machine = &reference->machine;
    engine->partition = reference->partition;
    for (int i = 0; i < TOPIC_COUNT; i++) {
        engine->partitions[i] = broker_partitions();
        engine->topics[i] = options->topic_names[i];
    }
    engine->partitioner = (enum partitioner)options->partitioner;
    engine->timers_max = (size_t)options->batch_timers_max;
    engine->bytes_max = (size_t)options->batch_bytes_max;
    engine->dlq_bytes_max = (size_t)options->dlq_bytes_max;
    engine->event_jump_max_ms = options->event_jump_max;
    engine->trace_begin = (enum trace_begin)options->trace_begin;
    engine->cluster_id = "simulated";
    engine->program_version = RINGBACK_VERSION;
    engine->decides = options_decides_text(options, &reference->texts);
}

static bool judge_partition(const struct judge_options *options, int32_t partition, char *why)
{
    struct reference reference = {.options = options, .partition = partition, .why = why};
    struct err_note note;
    bool good;

    arena_init(&reference.texts);
    arena_init(&reference.arena);
    set_options(&reference);
    batch_init(&reference.batch);
    reference.engine = engine_create(&reference.engine_options);
    good = engine_ready(reference.engine, &note) == ERR_OK && follow_all(&reference) &&
           check_once(&reference) && (options->redis_wild || check_redis(&reference));
    engine_destroy(reference.engine);
    batch_deinit(&reference.batch);
    arena_deinit(&reference.arena);
    arena_deinit(&reference.texts);
    return good;
}

bool judge_all(const struct judge_options *options, char why[500])
{
    snprintf(why, 500, "NOTHING was decided");
    for (int32_t i = 0; i < broker_partitions(); i++) {
        if (!judge_partition(options, i, why))
            return false;
    }
    return true;
}
