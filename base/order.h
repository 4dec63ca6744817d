/* Order: a set of handles ordered by an int64_t key and, where keys are equal, by what the caller
 * says; how many come before something is known in O(log n). It is a B+ tree whose inner nodes
 * count what is below them. Sets share the memory of their nodes: a set of one costs 56 bytes
 * beside struct order, a large one 12.8 (always appended at an end) to 15.3 (filled at random) an
 * entry. Handles are not 0 and at most once in a set. */
#ifndef RINGBACK_BASE_ORDER_H
#define RINGBACK_BASE_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pool.h"

enum { order_class_count = 7 };

/* Memory for the nodes of any number of sets. */
struct order_nodes {
    struct pool pools[order_class_count];
};

/* Zeroed = empty, holding no memory. */
struct order {
    uint32_t root;
    uint32_t count;
    uint8_t root_class;
    uint8_t levels; /* of inner nodes */
};

/* compare orders two things of equal key: below 0 if sought comes before entry, above 0 if after,
 * 0 if neither. entry is always in the set now (or just being put there); sought is what was passed
 * in, for rank and seek it may be of another kind. Two entries of a set never compare as 0. */
struct order_compare {
    int (*compare)(const void *user, uint32_t sought, uint32_t entry);
    const void *user;
};

void order_nodes_init(struct order_nodes *nodes);
void order_nodes_deinit(struct order_nodes *nodes);        /* of all sets at once */
size_t order_nodes_bytes(const struct order_nodes *nodes); /* held, used or not */

/* handle is not in the set. */
void order_put(struct order *order, struct order_nodes *nodes, int64_t key, uint32_t handle,
               struct order_compare how);
/* key and what compare looks at are as they were when it was put. False: it was not in. */
bool order_remove(struct order *order, struct order_nodes *nodes, int64_t key, uint32_t handle,
                  struct order_compare how);
/* Leaves it empty; takes as long as the set is large. */
void order_clear(struct order *order, struct order_nodes *nodes);

static inline size_t order_count(const struct order *order)
{
    return order->count;
}

/* How many entries come strictly before (key, sought). */
size_t order_rank(const struct order *order, const struct order_nodes *nodes, int64_t key,
                  uint32_t sought, struct order_compare how);

/* Stands on an entry; invalid after any change of the set. */
struct order_cursor {
    const int64_t *keys;
    const uint32_t *handles;
    uint32_t place;
    uint32_t count;
    uint32_t next;
};

/* On the first entry, on the first that does not come before (key, sought), on the next one.
 * False: there is none; then the cursor may not be used. */
bool order_first(const struct order *order, const struct order_nodes *nodes,
                 struct order_cursor *cursor);
bool order_seek(const struct order *order, const struct order_nodes *nodes, int64_t key,
                uint32_t sought, struct order_compare how, struct order_cursor *cursor);
bool order_next(const struct order_nodes *nodes, struct order_cursor *cursor);
/* On the entry that index others come before, in O(log n). */
bool order_select(const struct order *order, const struct order_nodes *nodes, size_t index,
                  struct order_cursor *cursor);

static inline uint32_t order_at(const struct order_cursor *cursor)
{
    return cursor->handles[cursor->place];
}

static inline int64_t order_key_at(const struct order_cursor *cursor)
{
    return cursor->keys[cursor->place];
}

/* What is wrong with the set, NULL = nothing. Goes through all of it: for tests and audits. */
const char *order_fault(const struct order *order, const struct order_nodes *nodes,
                        struct order_compare how);

#endif
