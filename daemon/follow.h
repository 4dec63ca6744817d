/* Redis follows Kafka: committed batches go to the store in their order, compare-and-swap, behind
 * the transactions and never before them. It waits for nothing: what the store does not take is
 * kept up to a bound, then dropped and read from `state` later. What the store holds is believed
 * only as far as its pointer fits the log; else it is filled anew beside the old and swapped in.
 *
 * One thread's. Reads `state` by the partition's bus, one reading at a time: whoever else wants to
 * read calls follow_interrupt() first. */
#ifndef RINGBACK_DAEMON_FOLLOW_H
#define RINGBACK_DAEMON_FOLLOW_H

#include "daemon/bus.h"
#include "daemon/engine.h"
#include "state/store/store.h"

struct follow; /* opaque */

struct follow_options {
    struct store *store; /* NULL: nothing follows */
    struct bus *bus;
    int32_t partition;
    size_t backlog_bytes_max;
    int64_t compare_ms;     /* count and digest are compared so often; 0: never */
    int64_t pointer_age_ms; /* a pointer older than this has missed removals: it is filled anew */
};

#define FOLLOW_COUNT_MAP(X)                                                                        \
    X(APPLIED, "batches written to Redis")                                                         \
    X(MOVED, "times that Redis held another batch than expected")                                  \
    X(DROPPED, "batches that did not fit the backlog")                                             \
    X(FEEDS, "times that Redis was fed from the state topic")                                      \
    X(FILLS, "fills begun anew")                                                                   \
    X(COMPARED, "comparisons of count and digest")                                                 \
    X(DIFFERENT, "comparisons that found a difference")

#define FOLLOW_COUNT_ENUM_(name, text) FOLLOW_COUNT_##name,
enum follow_count { FOLLOW_COUNT_MAP(FOLLOW_COUNT_ENUM_) FOLLOW_COUNT_END };
#undef FOLLOW_COUNT_ENUM_

/* Store and bus are borrowed. Never NULL. */
struct follow *follow_create(const struct follow_options *options);
void follow_destroy(struct follow *follow); /* NULL is fine; ends what is under way */

/* The last committed batch as take-over found it; meta_offset of its meta record. number 0: none.
 */
void follow_begin(struct follow *follow, const struct engine_meta *meta, int64_t meta_offset);

/* A batch was committed; what it needs is copied. */
void follow_committed(struct follow *follow, const struct batch *batch,
                      const struct engine_meta *meta, int64_t meta_offset);

/* Do what can be done without waiting. */
void follow_run(struct follow *follow, int64_t monotonic_ms);

/* Somebody else is about to read `state`, or the worker stops: a feed begins anew later. */
void follow_interrupt(struct follow *follow);

/* The store is wanted by take-over: whatever is under way is forgotten. */
void follow_stop(struct follow *follow);

/* Compare count and digest as soon as may be. */
void follow_compare(struct follow *follow);

/* Take-over found that what the store holds is wrong: fill it anew. After follow_begin(). */
void follow_distrust(struct follow *follow);

/* Everything committed is in the store (or nothing is to be). */
bool follow_idle(const struct follow *follow);

/* When follow_run() has something to do although the store's descriptor is silent, monotonic ms. */
int64_t follow_wake_ms(const struct follow *follow);

/* Committed batches that the store lacks, as far as is known. */
uint64_t follow_behind(const struct follow *follow);

size_t follow_backlog_bytes(const struct follow *follow);
uint64_t follow_counted(const struct follow *follow, enum follow_count count);

#endif
