#include "base/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* A bucket is one cache line: 12 slots, so most searches miss the cache once. A key that finds its
 * home full goes to the next bucket with room, and each bucket that it passed counts it: a search
 * goes on only while that count is above 0, and removal counts down, so nothing is left behind
 * (tombstones) and nothing is moved (which would need the hashes of the neighbours). */
enum {
    table_slots = 12,
    table_chunk_shift = 8,
    table_chunk_buckets = 1 << table_chunk_shift,
    table_load_percent_max = 80, /* above it a search passes many full buckets */
    table_moves = 2,             /* buckets emptied at each put; the load stays below 85 % */
};

struct table_bucket {
    uint8_t tags[table_slots]; /* part of the hash, 1..255; 0 = the slot is free */
    uint32_t passed;           /* entries that are behind this bucket and would be in it */
    uint32_t handles[table_slots];
};

_Static_assert(sizeof(struct table_bucket) == 64, "a bucket is a cache line");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "slots are counted from the low byte");

struct table_key {
    uint32_t place; /* share of the home buckets, of 2^32 */
    uint8_t tag;
};

static struct table_key table_key(uint64_t hash)
{
    uint64_t mixed = (hash ^ (hash >> 32)) * 0x9e3779b97f4a7c15u;
    uint8_t tag;

    mixed ^= mixed >> 29;
    mixed *= 0xbf58476d1ce4e5b9u;
    tag = (uint8_t)(mixed >> 24);
    return (struct table_key){.place = (uint32_t)(mixed >> 32), .tag = tag == 0 ? 255 : tag};
}

static uint32_t table_home(const struct table_half *half, struct table_key key)
{
    return (uint32_t)(((uint64_t)key.place * half->home_count) >> 32);
}

/* One bit a slot. Equal bytes are found eight at a time: a byte's high bit stays clear in the sum
 * and in the difference only where the difference is 0. */
static uint64_t table_zero_bytes(uint64_t word)
{
    const uint64_t low = 0x7f7f7f7f7f7f7f7fu;

    return ~(((word & low) + low) | word | low);
}

struct table_match {
    uint64_t first; /* 0x80 in the byte of each slot 0..7 */
    uint64_t rest;  /* and 8..11 */
};

static struct table_match table_match(const struct table_bucket *bucket, uint8_t tag)
{
    uint64_t same = (uint64_t)tag * 0x0101010101010101u;
    uint64_t first;
    uint32_t rest;

    memcpy(&first, bucket->tags, 8);
    memcpy(&rest, bucket->tags + 8, 4);
    return (struct table_match){
        .first = table_zero_bytes(first ^ same),
        .rest = table_zero_bytes((uint64_t)rest ^ same) & 0xffffffffu,
    };
}

/* The next slot of the match, -1 = no more. */
static int table_match_next(struct table_match *match)
{
    int slot;

    if (match->first != 0) {
        slot = __builtin_ctzll(match->first) / 8;
        match->first &= match->first - 1;
        return slot;
    }
    if (match->rest != 0) {
        slot = 8 + __builtin_ctzll(match->rest) / 8;
        match->rest &= match->rest - 1;
        return slot;
    }
    return -1;
}

/* NULL: nothing was ever put near there. */
static struct table_bucket *table_bucket(const struct table_half *half, uint32_t index)
{
    uint32_t chunk = index >> table_chunk_shift;

    if (chunk >= half->chunk_room || half->chunks[chunk] == NULL)
        return NULL;
    return &half->chunks[chunk][index & (table_chunk_buckets - 1)];
}

static struct table_bucket *table_bucket_made(struct table *table, struct table_half *half,
                                              uint32_t index)
{
    uint32_t chunk = index >> table_chunk_shift;

    if (chunk >= half->chunk_room) {
        uint32_t room = chunk + 1 + chunk / 8;
        uint32_t more = room - half->chunk_room;

        half->chunks = memory_grow(half->chunks, room * sizeof(*half->chunks), "a table");
        memset(half->chunks + half->chunk_room, 0, more * sizeof(*half->chunks));
        half->chunk_room = room;
        table->bytes += more * sizeof(*half->chunks);
    }
    if (half->chunks[chunk] == NULL) {
        size_t bytes = table_chunk_buckets * sizeof(struct table_bucket);

        half->chunks[chunk] = memory_zalloc_lines(bytes, "a table");
        table->bytes += bytes;
    }
    return &half->chunks[chunk][index & (table_chunk_buckets - 1)];
}

static void table_chunk_free(struct table *table, struct table_half *half, uint32_t chunk)
{
    if (chunk >= half->chunk_room || half->chunks[chunk] == NULL)
        return;
    free(half->chunks[chunk]);
    half->chunks[chunk] = NULL;
    table->bytes -= table_chunk_buckets * sizeof(struct table_bucket);
}

static void table_half_free(struct table *table, struct table_half *half)
{
    for (uint32_t i = 0; i < half->chunk_room; i++)
        table_chunk_free(table, half, i);
    free(half->chunks);
    table->bytes -= half->chunk_room * sizeof(*half->chunks);
    *half = (struct table_half){0};
}

void table_init(struct table *table, uint64_t (*hash_of)(const void *user, uint32_t handle),
                const void *user)
{
    *table = (struct table){.hash_of = hash_of, .user = user};
}

void table_deinit(struct table *table)
{
    table_half_free(table, &table->into);
    table_half_free(table, &table->from);
    table_init(table, table->hash_of, table->user);
}

/* Where the key is if it is in: an entry is in from as long as its home there was not moved. */
static const struct table_half *table_half(const struct table *table, struct table_key key)
{
    if (table->from.home_count != 0 && table_home(&table->from, key) >= table->moved_count)
        return &table->from;
    return &table->into;
}

uint32_t table_find(const struct table *table, uint64_t hash,
                    bool (*equal)(const void *user, uint32_t handle, const void *key),
                    const void *key)
{
    struct table_key sought = table_key(hash);
    const struct table_half *half = table_half(table, sought);
    uint32_t index = table_home(half, sought);
    const struct table_bucket *bucket;

    while ((bucket = table_bucket(half, index)) != NULL) {
        struct table_match match = table_match(bucket, sought.tag);

        for (int slot = table_match_next(&match); slot >= 0; slot = table_match_next(&match)) {
            if (equal(table->user, bucket->handles[slot], key))
                return bucket->handles[slot];
        }
        if (bucket->passed == 0)
            return 0;
        index++;
    }
    return 0;
}

static void table_place(struct table *table, struct table_half *half, struct table_key key,
                        uint32_t handle)
{
    uint32_t index = table_home(half, key);

    for (;; index++) {
        struct table_bucket *bucket = table_bucket_made(table, half, index);
        struct table_match match = table_match(bucket, 0);
        int slot = table_match_next(&match);

        if (slot >= 0) {
            bucket->tags[slot] = key.tag;
            bucket->handles[slot] = handle;
            return;
        }
        bucket->passed++;
    }
}

/* Empties buckets of from until nothing that belongs before the next one is behind it, so that
 * a key's home alone says which half it is in. */
static void table_move(struct table *table)
{
    uint32_t end = table->moved_count + table_moves;
    bool spilled = false;

    while (table->moved_count < end || spilled) {
        struct table_bucket *bucket = table_bucket(&table->from, table->moved_count);

        if (!spilled && table->moved_count >= table->from.home_count) {
            table_half_free(table, &table->from);
            table->moved_count = 0;
            return;
        }
        spilled = bucket != NULL && bucket->passed != 0;
        for (int slot = 0; bucket != NULL && slot < table_slots; slot++) {
            uint32_t handle = bucket->handles[slot];

            if (bucket->tags[slot] != 0)
                table_place(table, &table->into, table_key(table->hash_of(table->user, handle)),
                            handle);
        }
        table->moved_count++;
        if (table->moved_count % table_chunk_buckets == 0)
            table_chunk_free(table, &table->from, (table->moved_count >> table_chunk_shift) - 1);
    }
}

/* By half: twice would leave the table emptier, less would move entries more often. */
static void table_grow(struct table *table)
{
    uint64_t home_count = (uint64_t)table->into.home_count * 3 / 2 + 1;

    assert(table->from.home_count == 0);
    assert(home_count <= UINT32_MAX / 2);
    table->from = table->into;
    table->into = (struct table_half){.home_count = (uint32_t)home_count};
    table->moved_count = 0;
}

void table_put(struct table *table, uint64_t hash, uint32_t handle)
{
    struct table_key key = table_key(hash);
    uint64_t room = (uint64_t)table->into.home_count * table_slots;

    assert(handle != 0);
    if ((uint64_t)(table->count + 1) * 100 > room * table_load_percent_max)
        table_grow(table);
    if (table->from.home_count != 0)
        table_move(table);
    if (table_half(table, key) == &table->from)
        table_place(table, &table->from, key, handle);
    else
        table_place(table, &table->into, key, handle);
    table->count++;
}

bool table_remove(struct table *table, uint64_t hash, uint32_t handle)
{
    struct table_key key = table_key(hash);
    const struct table_half *half = table_half(table, key);
    uint32_t home = table_home(half, key);
    struct table_bucket *bucket;

    for (uint32_t index = home; (bucket = table_bucket(half, index)) != NULL; index++) {
        struct table_match match = table_match(bucket, key.tag);

        for (int slot = table_match_next(&match); slot >= 0; slot = table_match_next(&match)) {
            if (bucket->handles[slot] != handle)
                continue;
            bucket->tags[slot] = 0;
            bucket->handles[slot] = 0;
            for (; home < index; home++)
                table_bucket(half, home)->passed--;
            table->count--;
            return true;
        }
        if (bucket->passed == 0)
            return false;
    }
    return false;
}

size_t table_count(const struct table *table)
{
    return table->count;
}

static bool table_bucket_empty(const struct table_bucket *bucket)
{
    uint64_t first;
    uint32_t rest;

    memcpy(&first, bucket->tags, sizeof(first));
    memcpy(&rest, bucket->tags + sizeof(first), sizeof(rest));
    return (first | rest) == 0;
}

/* The handle in the first used slot at or behind *slot of the half; 0 = none. Empty buckets are
 * passed over whole: most tables of a small domain are. */
static uint32_t table_half_next(const struct table_half *half, size_t *slot)
{
    size_t end = (size_t)half->chunk_room * table_chunk_buckets * table_slots;

    while (*slot < end) {
        const struct table_bucket *bucket = table_bucket(half, (uint32_t)(*slot / table_slots));

        if (bucket == NULL) {
            size_t chunk = *slot / (table_chunk_buckets * table_slots);

            *slot = (chunk + 1) * table_chunk_buckets * table_slots;
            continue;
        }
        if (*slot % table_slots == 0 && table_bucket_empty(bucket)) {
            *slot += table_slots;
            continue;
        }
        if (bucket->tags[*slot % table_slots] != 0)
            return bucket->handles[(*slot)++ % table_slots];
        (*slot)++;
    }
    return 0;
}

uint32_t table_next(const struct table *table, size_t *cursor)
{
    size_t into_slots = (size_t)table->into.chunk_room * table_chunk_buckets * table_slots;
    size_t moved_slots = (size_t)table->moved_count * table_slots;
    size_t slot;
    uint32_t handle;

    if (*cursor < into_slots) {
        handle = table_half_next(&table->into, cursor);
        if (handle != 0)
            return handle;
    }
    /* Behind the slots of into count those of from; its moved buckets are stale. */
    slot = *cursor - into_slots;
    if (slot < moved_slots)
        slot = moved_slots;
    handle = table_half_next(&table->from, &slot);
    *cursor = into_slots + slot;
    return handle;
}

size_t table_bytes(const struct table *table)
{
    return table->bytes;
}
