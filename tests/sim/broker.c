#include "tests/sim/broker.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { foreign_producer = 1 };

enum {
    transactions_max = 32,
    places_max = 64,
    producers_max = 256,
    id_bytes = 64,
    kept_batches = 5, /* of a producer, to know a repeat by */
    timeout_check_us = 10 * world_second_us
};

/* What a partition knows of a producer. */
struct producer_state {
    int64_t producer;
    int16_t epoch;
    int64_t first_open; /* of its transaction; -1: none goes on */
    int32_t next_sequence;
    bool known; /* it wrote something */
    struct {
        int32_t sequence;
        int32_t count;
        int64_t offset;
    } batches[kept_batches];
    int batch_count;
};

struct partition {
    struct broker_entry **entries; /* they stay where they are: readers point to them */
    size_t count;
    size_t capacity;
    struct producer_state producers[producers_max];
    size_t producer_count;
    int64_t away_us;
};

enum transaction_state {
    EMPTY,
    ONGOING,
    PREPARE_COMMIT,
    PREPARE_ABORT,
    COMPLETE_COMMIT,
    COMPLETE_ABORT
};

struct transaction {
    char id[id_bytes];
    int64_t producer;
    int16_t epoch;
    enum transaction_state state;
    struct broker_place places[places_max];
    size_t place_count;
    size_t markers; /* that have not arrived */
    int64_t timeout_us;
    int64_t began_us;
};

struct marker {
    struct transaction *transaction;
    struct broker_place place;
    int16_t epoch;
    bool commit;
};

struct member {
    struct broker_member told;
    int64_t seen_us;
    bool joined; /* waits for the others */
    int32_t from, to;
};

static struct {
    struct partition *partitions; /* [topic * count + partition] */
    int32_t count;
    struct transaction transactions[transactions_max];
    size_t transaction_count;
    int64_t next_producer;
    int64_t transactions_away_us, group_away_us, markers_late_us;
    struct member members[broker_members_max];
    size_t member_count;
    int generation;
    bool rebalancing;
} cluster;

void (*broker_on_change)(enum topic topic, int32_t partition);

static struct partition *at(enum topic topic, int32_t partition)
{
    assert(partition >= 0 && partition < cluster.count);
    return &cluster.partitions[topic * cluster.count + partition];
}

static void changed(enum topic topic, int32_t partition)
{
    if (broker_on_change != NULL)
        broker_on_change(topic, partition);
}

static void check_timeouts(void *context);
static void check_sessions(void *context);

void broker_begin(int32_t partitions)
{
    memset(&cluster, 0, sizeof(cluster));
    cluster.count = partitions;
    cluster.next_producer = 1000;
    cluster.partitions = memory_zalloc(
        (size_t)(TOPIC_COUNT * partitions) * sizeof(*cluster.partitions), "partitions");
    world_at(timeout_check_us, check_timeouts, NULL);
    world_at(world_second_us / 4, check_sessions, NULL);
}

void broker_end(void)
{
    for (int32_t i = 0; i < TOPIC_COUNT * cluster.count; i++) {
        struct partition *partition = &cluster.partitions[i];

        for (size_t j = 0; j < partition->count; j++) {
            struct broker_entry *entry = partition->entries[j];

            free((void *)(uintptr_t)entry->record.key.data);
            free((void *)(uintptr_t)entry->record.value.data);
            for (size_t k = 0; k < entry->record.header_count; k++) {
                free((void *)(uintptr_t)entry->record.headers[k].name);
                free((void *)(uintptr_t)entry->record.headers[k].value.data);
            }
            free((void *)(uintptr_t)entry->record.headers);
            free(entry);
        }
        free(partition->entries);
    }
    free(cluster.partitions);
    memset(&cluster, 0, sizeof(cluster));
}

int32_t broker_partitions(void)
{
    return cluster.count;
}

void broker_leader_away(enum topic topic, int32_t partition, int64_t until_us)
{
    at(topic, partition)->away_us = until_us;
}

void broker_transactions_away(int64_t until_us)
{
    cluster.transactions_away_us = until_us;
}

void broker_group_away(int64_t until_us)
{
    cluster.group_away_us = until_us;
}

bool broker_leader_is_away(enum topic topic, int32_t partition)
{
    return at(topic, partition)->away_us > world_now();
}

bool broker_group_is_away(void)
{
    return cluster.group_away_us > world_now();
}

void broker_markers_late(int64_t us)
{
    cluster.markers_late_us = us;
}

/* --- logs --- */

static struct broker_entry *append(struct partition *partition, const struct record *record)
{
    struct broker_entry *entry;

    if (partition->count == partition->capacity) {
        partition->capacity = 2 * partition->capacity + 64;
        partition->entries =
            memory_grow(partition->entries, partition->capacity * sizeof(entry), "a log");
    }
    entry = partition->entries[partition->count] = memory_alloc(sizeof(*entry), "a record");
    *entry = (struct broker_entry){.record = *record, .append_us = world_now()};
    entry->record.offset = (int64_t)partition->count++;
    entry->record.key = world_copy(record->key);
    entry->record.value = world_copy(record->value);
    if (record->header_count > 0) {
        struct header *headers =
            memory_alloc(record->header_count * sizeof(*headers), "a record's headers");

        for (size_t i = 0; i < record->header_count; i++)
            headers[i] =
                (struct header){(const char *)world_copy(slice_text(record->headers[i].name)).data,
                                world_copy(record->headers[i].value)};
        entry->record.headers = headers;
    }
    return entry;
}

int64_t broker_append(enum topic topic, int32_t partition, int64_t timestamp_ms, struct slice key,
                      struct slice value)
{
    struct record record = {.topic = topic,
                            .partition = partition,
                            .timestamp_ms = timestamp_ms,
                            .key = key,
                            .value = value};
    int64_t offset = append(at(topic, partition), &record)->record.offset;

    changed(topic, partition);
    return offset;
}

void broker_append_marker(enum topic topic, int32_t partition)
{
    struct record record = {.topic = topic, .partition = partition};

    append(at(topic, partition), &record)->kind = BROKER_COMMIT;
    changed(topic, partition);
}

int64_t broker_low(enum topic topic, int32_t partition)
{
    (void)topic, (void)partition;
    return 0;
}

int64_t broker_high(enum topic topic, int32_t partition)
{
    return (int64_t)at(topic, partition)->count;
}

int64_t broker_stable(enum topic topic, int32_t partition)
{
    const struct partition *log = at(topic, partition);
    int64_t stable = (int64_t)log->count;

    for (size_t i = 0; i < log->producer_count; i++) {
        if (log->producers[i].first_open >= 0 && log->producers[i].first_open < stable)
            stable = log->producers[i].first_open;
    }
    return stable;
}

const struct broker_entry *broker_entry(enum topic topic, int32_t partition, int64_t offset)
{
    return at(topic, partition)->entries[offset];
}

bool broker_visible(const struct broker_entry *entry)
{
    return entry->kind == BROKER_DATA && !entry->open && !entry->aborted && !entry->gone;
}

size_t broker_compact(enum topic topic, int32_t partition, int64_t age_us)
{
    struct partition *log = at(topic, partition);
    int64_t stable = broker_stable(topic, partition);
    size_t gone = 0;

    for (int64_t i = 0; i < stable; i++) {
        struct broker_entry *entry = log->entries[i];

        if (!broker_visible(entry) || entry->append_us > world_now() - age_us)
            continue;
        for (int64_t j = i + 1; j < stable && !entry->gone; j++) {
            const struct broker_entry *later = log->entries[j];

            entry->gone = broker_visible(later) && later->append_us <= world_now() - age_us &&
                          slice_equal(later->record.key, entry->record.key);
        }
        gone += entry->gone;
    }
    return gone;
}

/* --- transactions --- */

static struct producer_state *state_of(struct partition *log, int64_t producer)
{
    struct producer_state *state;

    for (size_t i = 0; i < log->producer_count; i++) {
        if (log->producers[i].producer == producer)
            return &log->producers[i];
    }
    assert(log->producer_count < producers_max);
    state = &log->producers[log->producer_count++];
    *state = (struct producer_state){.producer = producer, .epoch = -1, .first_open = -1};
    return state;
}

static struct transaction *find(const char *id)
{
    for (size_t i = 0; i < cluster.transaction_count; i++) {
        if (strcmp(cluster.transactions[i].id, id) == 0)
            return &cluster.transactions[i];
    }
    return NULL;
}

/* What the producer's transaction has on the log becomes visible, or never will be. */
static void end_on(struct partition *log, struct producer_state *state, struct broker_place place,
                   bool commit)
{
    struct record record = {.topic = place.topic, .partition = place.partition};
    struct broker_entry *entry;

    for (int64_t i = state->first_open; i >= 0 && i < (int64_t)log->count; i++) {
        entry = log->entries[i];
        if (entry->open && entry->producer == state->producer) {
            entry->open = false;
            entry->aborted = !commit;
        }
    }
    state->first_open = -1;
    entry = append(log, &record);
    entry->kind = commit ? BROKER_COMMIT : BROKER_ABORT;
    entry->producer = state->producer;
}

void broker_hang(enum topic topic, int32_t partition)
{
    struct partition *log = at(topic, partition);
    struct producer_state *state = state_of(log, foreign_producer);
    struct record record = {.topic = topic, .partition = partition};
    struct broker_entry *entry;

    if (state->first_open >= 0)
        return;
    entry = append(log, &record);
    entry->producer = foreign_producer;
    entry->open = true;
    state->first_open = entry->record.offset;
}

void broker_unhang(enum topic topic, int32_t partition)
{
    struct partition *log = at(topic, partition);
    struct producer_state *state = state_of(log, foreign_producer);

    if (state->first_open < 0)
        return;
    end_on(log, state, (struct broker_place){topic, partition}, false);
    changed(topic, partition);
}

static void marker_arrives(void *context)
{
    struct marker *marker = context;
    struct broker_place place = marker->place;
    struct partition *log = at(place.topic, place.partition);
    struct producer_state *state = state_of(log, marker->transaction->producer);

    if (log->away_us > world_now()) {
        world_at(log->away_us, marker_arrives, marker);
        return;
    }
    if (marker->epoch > state->epoch) {
        state->epoch = marker->epoch;
        state->next_sequence = 0;
        state->batch_count = 0;
    }
    end_on(log, state, place, marker->commit);
    if (--marker->transaction->markers == 0) {
        marker->transaction->state = marker->commit ? COMPLETE_COMMIT : COMPLETE_ABORT;
        marker->transaction->place_count = 0;
    }
    world_trace("marker %s of %s on %s [%d]", marker->commit ? "commit" : "abort",
                marker->transaction->id, topic_short_name(place.topic), (int)place.partition);
    free(marker);
    changed(place.topic, place.partition);
}

/* The decision is durable; the markers go out one by one. */
static void prepare(struct transaction *transaction, bool commit)
{
    int64_t late_us = cluster.markers_late_us;

    cluster.markers_late_us = 0;
    transaction->state = commit ? PREPARE_COMMIT : PREPARE_ABORT;
    transaction->markers = transaction->place_count;
    if (transaction->place_count == 0)
        transaction->state = commit ? COMPLETE_COMMIT : COMPLETE_ABORT;
    world_trace("%s is %s, %zu partitions", transaction->id, commit ? "committed" : "aborted",
                transaction->place_count);
    for (size_t i = 0; i < transaction->place_count; i++) {
        struct marker *marker = memory_alloc(sizeof(*marker), "a marker");
        int64_t after_us = world_spread(200, 4000);

        *marker = (struct marker){transaction, transaction->places[i], transaction->epoch, commit};
        if (late_us > 0 && world_one_in(2))
            after_us += (int64_t)world_below((uint64_t)late_us);
        world_at(world_now() + after_us, marker_arrives, marker);
    }
}

static bool is_away(void)
{
    return cluster.transactions_away_us > world_now();
}

rd_kafka_resp_err_t broker_init_producer(const char *id, int64_t timeout_ms, int64_t *producer,
                                         int16_t *epoch)
{
    struct transaction *transaction = find(id);

    if (is_away())
        return RD_KAFKA_RESP_ERR_NOT_COORDINATOR;
    if (transaction == NULL) {
        assert(cluster.transaction_count < transactions_max);
        transaction = &cluster.transactions[cluster.transaction_count++];
        *transaction =
            (struct transaction){.producer = cluster.next_producer++, .epoch = -1, .state = EMPTY};
        snprintf(transaction->id, sizeof(transaction->id), "%s", id);
    }
    if (transaction->state == ONGOING) {
        transaction->epoch++; /* the owner of now is fenced */
        prepare(transaction, false);
        if (transaction->state == PREPARE_ABORT)
            return RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS;
    }
    if (transaction->state == PREPARE_COMMIT || transaction->state == PREPARE_ABORT)
        return RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS;
    transaction->epoch++;
    transaction->state = EMPTY;
    transaction->timeout_us = timeout_ms * world_ms_us;
    *producer = transaction->producer;
    *epoch = transaction->epoch;
    world_trace("%s has epoch %d", id, (int)*epoch);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* Whoever asks must be the one that the id belongs to now. */
static rd_kafka_resp_err_t check_owner(const struct transaction *transaction, int64_t producer,
                                       int16_t epoch)
{
    if (is_away())
        return RD_KAFKA_RESP_ERR_NOT_COORDINATOR;
    if (transaction == NULL || transaction->producer != producer)
        return RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING;
    if (transaction->epoch != epoch)
        return RD_KAFKA_RESP_ERR_PRODUCER_FENCED;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static bool has_place(const struct transaction *transaction, struct broker_place place)
{
    for (size_t i = 0; i < transaction->place_count; i++) {
        if (transaction->places[i].topic == place.topic &&
            transaction->places[i].partition == place.partition)
            return true;
    }
    return false;
}

rd_kafka_resp_err_t broker_add_partitions(const char *id, int64_t producer, int16_t epoch,
                                          const struct broker_place *places, size_t count)
{
    struct transaction *transaction = find(id);
    rd_kafka_resp_err_t code = check_owner(transaction, producer, epoch);

    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return code;
    if (transaction->state == PREPARE_COMMIT || transaction->state == PREPARE_ABORT)
        return RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS;
    if (transaction->state != ONGOING) {
        transaction->state = ONGOING;
        transaction->began_us = world_now();
        transaction->place_count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (has_place(transaction, places[i]))
            continue;
        assert(transaction->place_count < places_max);
        transaction->places[transaction->place_count++] = places[i];
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* The batch with that sequence was taken before: its offset; -1: it was not. */
static int64_t repeated(const struct producer_state *state, int32_t sequence, size_t count)
{
    for (int i = 0; i < state->batch_count; i++) {
        if (state->batches[i].sequence == sequence && state->batches[i].count == (int32_t)count)
            return state->batches[i].offset;
    }
    return -1;
}

static void remember(struct producer_state *state, int32_t sequence, size_t count, int64_t offset)
{
    if (state->batch_count == kept_batches)
        memmove(&state->batches[0], &state->batches[1],
                (kept_batches - 1) * sizeof(state->batches[0]));
    else
        state->batch_count++;
    state->batches[state->batch_count - 1].sequence = sequence;
    state->batches[state->batch_count - 1].count = (int32_t)count;
    state->batches[state->batch_count - 1].offset = offset;
    state->next_sequence = sequence + (int32_t)count;
}

bool broker_knows(struct broker_place place, int64_t producer)
{
    return state_of(at(place.topic, place.partition), producer)->known;
}

rd_kafka_resp_err_t broker_produce(const char *id, struct broker_place place, int64_t producer,
                                   int16_t epoch, int32_t sequence, const struct record *records,
                                   size_t count, int64_t *base)
{
    struct partition *log = at(place.topic, place.partition);
    struct producer_state *state = state_of(log, producer);
    const struct transaction *transaction = find(id);

    if (log->away_us > world_now())
        return RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION;
    if (epoch < state->epoch)
        return RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
    if (epoch > state->epoch) {
        state->epoch = epoch;
        state->next_sequence = 0;
        state->batch_count = 0;
    }
    *base = repeated(state, sequence, count);
    if (*base >= 0)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    if (state->first_open < 0 &&
        (transaction == NULL || transaction->producer != producer || transaction->epoch != epoch ||
         transaction->state != ONGOING || !has_place(transaction, place)))
        return RD_KAFKA_RESP_ERR_INVALID_TXN_STATE;
    if (sequence != state->next_sequence && state->known)
        return RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    *base = (int64_t)log->count;
    for (size_t i = 0; i < count; i++) {
        struct broker_entry *entry = append(log, &records[i]);

        entry->producer = producer;
        entry->epoch = epoch;
        entry->open = true;
    }
    if (state->first_open < 0)
        state->first_open = *base;
    state->known = true;
    remember(state, sequence, count, *base);
    changed(place.topic, place.partition);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t broker_end_transaction(const char *id, int64_t producer, int16_t epoch,
                                           bool commit)
{
    struct transaction *transaction = find(id);
    rd_kafka_resp_err_t code = check_owner(transaction, producer, epoch);

    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return code;
    switch (transaction->state) {
    case ONGOING: prepare(transaction, commit); return RD_KAFKA_RESP_ERR_NO_ERROR;
    case PREPARE_COMMIT:
        return commit ? RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS
                      : RD_KAFKA_RESP_ERR_INVALID_TXN_STATE;
    case PREPARE_ABORT:
        return commit ? RD_KAFKA_RESP_ERR_INVALID_TXN_STATE
                      : RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS;
    case COMPLETE_COMMIT:
        return commit ? RD_KAFKA_RESP_ERR_NO_ERROR : RD_KAFKA_RESP_ERR_INVALID_TXN_STATE;
    case COMPLETE_ABORT:
        return commit ? RD_KAFKA_RESP_ERR_INVALID_TXN_STATE : RD_KAFKA_RESP_ERR_NO_ERROR;
    case EMPTY: break;
    }
    return RD_KAFKA_RESP_ERR_INVALID_TXN_STATE;
}

static void check_timeouts(void *context)
{
    for (size_t i = 0; i < cluster.transaction_count; i++) {
        struct transaction *transaction = &cluster.transactions[i];

        if (transaction->state == ONGOING &&
            world_now() - transaction->began_us > transaction->timeout_us) {
            transaction->epoch++;
            prepare(transaction, false);
        }
    }
    world_at(world_now() + timeout_check_us, check_timeouts, context);
}

size_t broker_open_transactions(void)
{
    size_t open = 0;

    for (size_t i = 0; i < cluster.transaction_count; i++) {
        enum transaction_state state = cluster.transactions[i].state;

        open += state == ONGOING || state == PREPARE_COMMIT || state == PREPARE_ABORT;
    }
    return open;
}

/* --- the group --- */

static struct member *member_of(const void *client)
{
    for (size_t i = 0; i < cluster.member_count; i++) {
        if (cluster.members[i].told.client == client)
            return &cluster.members[i];
    }
    return NULL;
}

/* All have joined: partitions are given in runs, in the order of the members. */
static void settle(void)
{
    size_t count = cluster.member_count;
    int32_t each, more, from = 0;

    if (!cluster.rebalancing || count == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        if (!cluster.members[i].joined)
            return;
    }
    cluster.rebalancing = false;
    cluster.generation++;
    each = cluster.count / (int32_t)count;
    more = cluster.count % (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        struct member *member = &cluster.members[i];

        member->joined = false;
        member->seen_us = world_now();
        member->from = from;
        member->to = from + each + ((int32_t)i < more);
        from = member->to;
        member->told.assigned(member->told.client, member->from, member->to, cluster.generation);
    }
    world_trace("generation %d of the group, %zu members", cluster.generation, count);
}

static void remove_member(struct member *member)
{
    *member = cluster.members[--cluster.member_count];
    cluster.rebalancing = true;
    settle();
}

rd_kafka_resp_err_t broker_join(const struct broker_member *told)
{
    struct member *member = member_of(told->client);

    if (broker_group_is_away())
        return RD_KAFKA_RESP_ERR_NOT_COORDINATOR;
    if (member == NULL) {
        assert(cluster.member_count < broker_members_max);
        member = &cluster.members[cluster.member_count++];
    }
    *member = (struct member){.told = *told, .seen_us = world_now(), .joined = true};
    cluster.rebalancing = true;
    settle();
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t broker_heartbeat(void *client, int generation)
{
    struct member *member = member_of(client);

    if (broker_group_is_away())
        return RD_KAFKA_RESP_ERR_NOT_COORDINATOR;
    if (member == NULL)
        return RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID;
    member->seen_us = world_now();
    if (cluster.rebalancing)
        return RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS;
    return generation == cluster.generation ? RD_KAFKA_RESP_ERR_NO_ERROR
                                            : RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION;
}

void broker_leave(void *client)
{
    struct member *member = member_of(client);

    if (member != NULL)
        remove_member(member);
}

static void check_sessions(void *context)
{
    for (size_t i = cluster.member_count; i-- > 0;) {
        struct member *member = &cluster.members[i];

        if (!broker_group_is_away() && !member->joined &&
            world_now() - member->seen_us > member->told.session_us) {
            world_trace("a member of the group is no longer heard");
            remove_member(member);
        }
    }
    world_at(world_now() + world_second_us / 4, check_sessions, context);
}
