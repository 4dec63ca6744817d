/* Labelled places at which a test build (V=points, RINGBACK_TEST_POINTS) can be made to die as by
 * kill -9: RINGBACK_POINT=NAME, or NAME:COUNT for the COUNTth time that any thread comes by;
 * NAME:COUNT:stop freezes it there, as by SIGSTOP. Other builds have none of it. POINT_MAP is the
 * list; `ringback run --list-points` prints it. */
#ifndef RINGBACK_BASE_POINT_H
#define RINGBACK_BASE_POINT_H

#define POINT_MAP(X)                                                                               \
    X(take_over_begin, "before a new producer is made")                                            \
    X(take_over_created, "the producer is made, not yet the owner")                                \
    X(take_over_owned, "init_transactions returned")                                               \
    X(take_over_store, "entities were read from Redis")                                            \
    X(take_over_state, "`state` was read to its end")                                              \
    X(take_over_ready, "count and digest are right")                                               \
    X(take_over_seeked, "the inputs are at their positions")                                       \
    X(batch_decided, "decided, nothing sent")                                                      \
    X(batch_begun, "the transaction is begun")                                                     \
    X(batch_first, "the first record is produced")                                                 \
    X(batch_half, "half of the records are produced")                                              \
    X(batch_before_meta, "all but the meta record are produced")                                   \
    X(batch_produced, "all are produced")                                                          \
    X(batch_flushed, "all are on the broker, nothing is committed")                                \
    X(batch_committing, "the commit is sent next")                                                 \
    X(batch_committed, "committed, nothing told to Redis")                                         \
    X(store_sent, "a batch was sent to Redis, its answer is not there")                            \
    X(store_applied, "the pointer was swapped")                                                    \
    X(store_filling, "a new fill is partly written")                                               \
    X(store_filled, "a new fill is complete, the pointer is not on it")                            \
    X(store_swapped, "the pointer is on a new fill, the old one is there")

#if defined(RINGBACK_TEST_POINTS)
#define POINT_ENUM_(name, text) POINT_##name,
enum point { POINT_MAP(POINT_ENUM_) POINT_COUNT };
#undef POINT_ENUM_
/* Dies by SIGKILL, or stands by SIGSTOP, when it is this point's turn. */
void point_reach(enum point point);
const char *point_name(enum point point);
const char *point_text(enum point point);
#define POINT(name) point_reach(POINT_##name)
#else
#define POINT(name) ((void)0)
#endif

#endif
