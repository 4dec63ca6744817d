/* A broker of one partition in memory: inputs, `state`, commits that fail as told. For tests of the
 * worker, the follower and take-over. */
#ifndef RINGBACK_TESTS_FAKE_BUS_H
#define RINGBACK_TESTS_FAKE_BUS_H

#include "daemon/bus.h"

enum fake_fault {
    FAKE_FAULT_NONE,
    FAKE_FAULT_LOST,      /* TXN_UNKNOWN, and nothing was committed */
    FAKE_FAULT_UNKNOWN,   /* TXN_UNKNOWN, though it is committed */
    FAKE_FAULT_FENCED,    /* FENCED, nothing was committed */
    FAKE_FAULT_TOO_LARGE, /* UNCOMMITTABLE: the first record */
    FAKE_FAULT_AMBIGUOUS, /* TXN_UNKNOWN: one of several records, nothing was committed */
};

struct fake_log {
    struct record *records; /* own their bytes */
    size_t count;
};

struct fake_bus {
    struct bus head;
    struct fake_log inputs[INPUT_COUNT];
    struct fake_log state;
    struct fake_log outputs; /* committed, of all topics but state */
    int64_t low[INPUT_COUNT];
    int64_t at[INPUT_COUNT];
    bool seeked;
    size_t read_at;
    bool opened;
    enum fake_fault fault; /* of the next commit */
    enum fake_fault then;  /* and of the one after it */
    bool single;           /* as it was opened last */
    int commits;           /* done */
    int opens;
    bool hanging; /* a transaction hangs on `state` */
    bool down;    /* ends cannot be asked */
};

struct fake_bus *fake_bus_create(void);
void fake_bus_destroy(struct fake_bus *bus);
/* The bus that a worker gets; worker_join() or the test "destroys" it, the fake stays. */
struct bus *fake_bus_of(struct fake_bus *bus);

/* Append; copies. */
void fake_bus_add(struct fake_bus *bus, enum input input, int64_t timestamp_ms, struct slice key,
                  struct slice value);
/* An end marker (clock: event). */
void fake_bus_add_marker(struct fake_bus *bus, enum input input, int64_t timestamp_ms);
void fake_bus_add_state(struct fake_bus *bus, struct slice key, struct slice value);

/* The last value of a key on `state`; data NULL: none. */
struct slice fake_bus_state(const struct fake_bus *bus, struct slice key);
/* How many keys `state` holds, without meta. */
size_t fake_bus_state_count(const struct fake_bus *bus);
/* Committed records of a topic. */
size_t fake_bus_count(const struct fake_bus *bus, enum topic topic);

#endif
