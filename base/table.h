/* Table: finds a handle by the hash of its key. Keys stay in the caller's items, so an entry costs
 * 7 to 11 bytes whatever the key. No call does more than a bounded amount of work: a full table
 * gets a larger half, each put moves what is in a few buckets there, and each bucket that was
 * left is given back, so growing needs no second copy. It never shrinks.
 * The caller's hash is mixed once more here: identity will do for keys that differ. */
#ifndef RINGBACK_BASE_TABLE_H
#define RINGBACK_BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_bucket;

struct table_half {
    struct table_bucket **chunks; /* NULL where no bucket of the chunk was ever used */
    uint32_t chunk_room;
    uint32_t home_count; /* buckets that a key can be at home in; those behind take what spills */
};

struct table {
    struct table_half into; /* every put goes here, unless its home in from still stands */
    struct table_half from; /* being emptied into the other; home_count 0 = nothing to do */
    uint32_t moved_count;   /* buckets of from that are empty and given back, from the front */
    size_t count;
    size_t bytes;
    uint64_t (*hash_of)(const void *user, uint32_t handle);
    const void *user;
};

/* hash_of gives the hash that the handle was put with; user is borrowed until table_deinit and is
 * also what equal gets. An empty table holds no memory. */
void table_init(struct table *table, uint64_t (*hash_of)(const void *user, uint32_t handle),
                const void *user);
void table_deinit(struct table *table);

/* The handle put with this hash for which equal says true; 0 = none. */
uint32_t table_find(const struct table *table, uint64_t hash,
                    bool (*equal)(const void *user, uint32_t handle, const void *key),
                    const void *key);
/* handle is not 0 and not in the table; hash_of already knows it. */
void table_put(struct table *table, uint64_t hash, uint32_t handle);
/* False: it was not in. The handle's item may be gone already: only the two numbers are used. */
bool table_remove(struct table *table, uint64_t hash, uint32_t handle);

size_t table_count(const struct table *table);
/* Each handle once, in no order; cursor starts at 0; 0 = end. The table is not changed meanwhile.
 */
uint32_t table_next(const struct table *table, size_t *cursor);
size_t table_bytes(const struct table *table); /* held, without struct table itself */

#endif
