/* A batch: what one decision of the engine writes, all in one transaction or none of it.
 *
 * records are in the order in which they are to be produced: outputs and dead letters as they were
 * decided, then the changed entities on `state`, the journal record, and last the meta record on
 * `state`. Everything in it lives in its own arena until batch_reset(). It does no I/O. */
#ifndef RINGBACK_DAEMON_BATCH_H
#define RINGBACK_DAEMON_BATCH_H

#include "base/arena.h"
#include "base/record.h"
#include "daemon/span.h"

#include "ringback/v1/journal.pb-c.h"

/* The key of the meta record, alone without a '|'. */
#define META_KEY "meta"

/* Why the batch ended where it did. */
enum batch_end {
    BATCH_END_ALL,     /* everything that may be decided now is */
    BATCH_END_RECORDS, /* records_max; more may be decided at once, so with the next two */
    BATCH_END_TIMERS,  /* timers_max */
    BATCH_END_BYTES,   /* bytes_max, or the journal record is full */
    BATCH_END_INPUT,   /* clock: event: input `missing` has no candidate and is not at its end */
};

/* What made a record of the batch: the input's record, or (input INPUT_COUNT) a timer or the batch
 * as a whole. */
struct batch_cause {
    enum input input;
    uint8_t kind;    /* of an effect: kind.h; else 0 */
    uint8_t reason;  /* likewise */
    uint8_t command; /* of the answer to a command: what was asked; else 0 */
    int64_t offset;
};

struct batch {
    struct arena arena;
    struct record *records;
    struct batch_cause *causes; /* of records[i] */
    size_t count;               /* 0: nothing was decided, nothing is to be committed */
    size_t capacity;
    size_t bytes; /* keys, values and headers of all records */
    /* The changed entities: records[state_first .. state_first + state_count); key kind|domain|id,
     * value NULL for a removed one. They go to Redis too. records[count - 1] is the meta record,
     * records[count - 2] the journal's. */
    size_t state_first;
    size_t state_count;
    uint64_t number;
    int64_t clock_ms;          /* at its end */
    size_t taken[INPUT_COUNT]; /* of the candidates, how many are done with */
    size_t decided;            /* records of all inputs that the machine decided */
    size_t timers;             /* that fired */
    size_t undecided[RINGBACK__V1__UNDECIDED_REASON__UNDECIDED_REASON_UNKNOWN_KIND + 1];
    enum batch_end end;
    enum input missing;
    struct span *spans; /* of its decisions, in their order; only with the engine's option spans */
    size_t span_count;
    size_t span_capacity;
};

void batch_init(struct batch *batch);
void batch_deinit(struct batch *batch);

/* Empty again; memory is kept. engine_decide() does it itself. */
void batch_reset(struct batch *batch);

/* One more span, all zeros. */
struct span *batch_add_span(struct batch *batch);

/* One more record, of topic etc. as given; what it points to must live as long as the batch. */
struct record *batch_add(struct batch *batch, const struct record *record,
                         struct batch_cause cause);

#endif
