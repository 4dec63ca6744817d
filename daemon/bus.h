/* The bus of one partition, as the loop needs it: five inputs to fetch, batches to commit, `state`
 * to read. Kafka implements it (bus_kafka.c); recorded logs, tests and the fault simulation can.
 *
 * One thread's. What blocks says so, and gives up when cancelled() says true. */
#ifndef RINGBACK_DAEMON_BUS_H
#define RINGBACK_DAEMON_BUS_H

#include "base/err.h"
#include "base/record.h"
#include "daemon/batch.h"

struct bus;

/* What was fetched of an input and is not yet taken, in the order of offsets. */
struct bus_input {
    const struct record *records; /* lent until the next fetch, taken or seek */
    size_t count;
    int64_t read_to; /* everything below it was fetched; -1: unknown */
    bool at_end;     /* nothing more is there, as far as was heard */
    bool verified;   /* the record before the position was looked at, and is the noted one */
    size_t bytes;    /* of the values held; 0: not known */
};

struct bus_cancel {
    bool (*cancelled)(void *context);
    void *context;
};

/* Why a commit failed; in the order of the metrics' label fault. */
enum bus_fault {
    BUS_FAULT_ERROR,    /* the broker or its client says no, finally */
    BUS_FAULT_FENCED,   /* somebody else may own the partition */
    BUS_FAULT_REFUSED,  /* the broker does not take a record */
    BUS_FAULT_ANSWER,   /* a request was answered with an error on the way */
    BUS_FAULT_TIMEOUT,  /* no answer in time */
    BUS_FAULT_UNPLACED, /* records were reported without an offset */
    BUS_FAULT_AWAY,     /* the broker cannot be reached, for opening or looking up */
    BUS_FAULT_COUNT,
};

struct bus_committed {
    int64_t meta_offset;  /* of the batch's last record, on `state` */
    size_t refused;       /* ERR_UNCOMMITTABLE: index of the record that is not taken */
    bool ambiguous;       /* ERR_TXN_UNKNOWN: one of several is not taken: open with single */
    enum bus_fault fault; /* of any error */
};

struct bus_bounds {
    int64_t low;
    int64_t high;
};

struct bus_ops {
    void (*destroy)(struct bus *bus);

    /* Go on at next[i]; last_ms[i]: the timestamp that the record before it must have, -1: any.
     * Blocks. Errors: ERR_BUS_DOWN, ERR_INPUT_LOST. */
    enum err (*seek)(struct bus *bus, const int64_t next[INPUT_COUNT],
                     const int64_t last_ms[INPUT_COUNT], struct err_note *note);
    /* What has arrived, up to count_max records an input. Errors: ERR_INPUT_LOST, ERR_BUS_DOWN. */
    enum err (*fetch)(struct bus *bus, size_t count_max, struct bus_input inputs[INPUT_COUNT],
                      struct err_note *note);
    /* The first taken[i] records are done with. */
    void (*taken)(struct bus *bus, const size_t taken[INPUT_COUNT]);
    /* Readable when fetch() may find something; -1: always try. */
    int (*fd)(const struct bus *bus);
    /* What the inputs' ends are now; blocks for one answer. Errors: ERR_BUS_DOWN. */
    enum err (*ends)(struct bus *bus, int64_t ends[INPUT_COUNT], struct err_note *note);
    enum err (*bounds)(struct bus *bus, struct bus_bounds bounds[INPUT_COUNT],
                       struct err_note *note);
    /* The inputs' ends as they were last heard, without asking; -1: not yet. For metrics only; may
     * be NULL. */
    void (*heard_ends)(struct bus *bus, int64_t ends[INPUT_COUNT]);
    /* For lag tools only. */
    void (*tell)(struct bus *bus, const int64_t next[INPUT_COUNT]);

    /* Become the owner: whatever an earlier one left open is settled when it returns. single: after
     * an ambiguous refusal. Blocks. Errors: ERR_BUS_DOWN, ERR_BUS_REFUSED, ERR_CANCELLED. */
    enum err (*open)(struct bus *bus, bool single, const struct bus_cancel *cancel,
                     struct err_note *note);
    /* What is not committed is dropped. */
    void (*close)(struct bus *bus);
    /* All of it or nothing; blocks. After any error: close or open. Errors: ERR_TXN_UNKNOWN,
     * ERR_UNCOMMITTABLE, ERR_FENCED, ERR_CANCELLED. */
    enum err (*commit)(struct bus *bus, const struct batch *batch, const struct bus_cancel *cancel,
                       struct bus_committed *committed, struct err_note *note);

    /* The end of `state`, asked now, by its owner. Blocks. Errors: ERR_BUS_DOWN; ERR_BUS_REFUSED:
     * a transaction hangs on it. */
    enum err (*state_end)(struct bus *bus, int64_t *end, struct err_note *note);
    /* Read `state` from offset on (0: all); one reading at a time. Errors: ERR_BUS_DOWN. */
    enum err (*state_open)(struct bus *bus, int64_t offset, struct err_note *note);
    /* The next record, lent until the next call. ERR_END: none within timeout_ms; *end is where an
     * end was seen, or -1. Errors: ERR_BUS_DOWN, ERR_INPUT_LOST. */
    enum err (*state_next)(struct bus *bus, int timeout_ms, struct record *record, int64_t *end,
                           struct err_note *note);
    void (*state_close)(struct bus *bus); /* fine when nothing is open */
};

struct bus {
    const struct bus_ops *ops;
};

static inline void bus_destroy(struct bus *bus)
{
    if (bus != NULL)
        bus->ops->destroy(bus);
}

#endif
