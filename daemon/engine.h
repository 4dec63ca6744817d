/* The engine of one partition: five inputs in, batches out. It merges the inputs, cuts batches,
 * decodes, lets the machine decide, encodes, and writes dead letters, journal and meta
 * (protocol.md).
 *
 * It does no I/O and reads no clock: live, replay, simulation and fault simulation run this same
 * code. One engine belongs to one thread; nothing is shared between engines.
 *
 * Its life: engine_create(); engine_load_entity() and engine_load_meta() in any order, with
 * engine_mend() for torn keys; engine_ready(); engine_writer(); then engine_decide() for ever. Only
 * engine_destroy() undoes: after a batch that turns out not to be committed and is not sent again,
 * create a new one and load it. engine_decide() may be called for batch N+1 while N is in flight.
 */
#ifndef RINGBACK_DAEMON_ENGINE_H
#define RINGBACK_DAEMON_ENGINE_H

#include "base/framing.h"
#include "base/partition.h"
#include "daemon/batch.h"
#include "state/machine.h"

enum {
    writer_bytes = 16,
    incarnation_bytes = 16,
};

/* Names and texts are borrowed for the engine's life. */
struct engine_options {
    const struct machine_options *machine;
    int32_t partition; /* of the inputs, state and journal */
    int32_t
        partitions[TOPIC_COUNT]; /* of each topic; those of the inputs, state, journal are equal */
    const char *topics[TOPIC_COUNT]; /* full names, "<input>.dlq" last */
    enum partitioner partitioner;
    struct framing framing;    /* of inputs and outputs */
    bool clock_event;          /* the records' own timestamps are the clock */
    size_t records_max;        /* input records of a batch */
    size_t timers_max;         /* timers of a batch */
    size_t bytes_max;          /* outputs and dead letters of a batch; one record may go beyond */
    size_t dlq_bytes_max;      /* a dead letter; its value is cut to fit */
    int64_t event_jump_max_ms; /* clock: event: farther ahead is a dead letter */
    const char *cluster_id;    /* "" without Kafka */
    enum trace_begin trace_begin;
    bool spans; /* batches keep what their decisions were; changes no output */
    const char *program_version;
    const char *decides; /* options that decide, name=value lines, for the journal */
};

/* 20,000 records, 1,000 timers, 32 MiB, dead letters of 900,000 bytes, a jump of 31 days, murmur2,
 * the wall clock; no trace begins here, no spans; 1 partition everywhere; no framing; the topics'
 * short names (dead letters: "<name>.dlq"); the machine's defaults; decides "". */
void engine_options_default(struct engine_options *options);

/* Where one input goes on. */
struct engine_position {
    int64_t next_offset;
    int64_t last_timestamp_ms; /* of the record before it; -1: none */
    int64_t merge_ms;          /* largest timestamp so far */
    int64_t fixed_end;         /* clock: event: the offset that counts as its end; -1: none */
};

/* What the last meta record says. */
struct engine_meta {
    uint64_t number;              /* of the last batch; 0: none, a first start */
    uint8_t writer[writer_bytes]; /* who wrote it */
    uint8_t incarnation[incarnation_bytes];
    struct engine_position positions[INPUT_COUNT];
    int64_t clock_ms; /* the floor of the clock; 0: none yet */
    uint64_t entity_count;
    uint64_t entity_digest;
    const char *cluster_id; /* borrowed from the engine */
    int32_t partitions;
};

/* What is fetched of one input, in the order of offsets; borrowed for the call. Offsets may have
 * gaps. */
struct engine_input {
    const struct record *records;
    size_t count;
    /* Clock: event: no record before the input's fixed end comes after these (a recorded log is
     * read to its end; EOF at or past fixed_end). A record at or past a fixed end, and an end
     * marker (no key, header `ringback-end`), say it by themselves. Live: ignored. */
    bool at_end;
};

/* The clock of one batch. Clock: event: the clock and the horizons are not looked at. */
struct engine_time {
    int64_t clock_ms; /* wall clock; the engine never goes below its meta's */
    int64_t horizon_ms;
    int64_t horizon_stop_ms; /* for timers that a record could stop */
    /* Clock: event, not 0: no end is the last one yet. Inputs that are at_end have no record with a
     * timestamp below this beyond their candidates; after the last candidate the timers due
     * strictly before it fire. */
    int64_t quiet_until_ms;
    /* Replay of a journal of the wall clock: take exactly the records given, fire exactly `timers`,
     * mind no limit. */
    bool follow;
    size_t timers;
};

struct engine; /* opaque; daemon/engine.c */

/* options is copied, what it points to is borrowed. Never NULL. */
struct engine *engine_create(const struct engine_options *options);
void engine_destroy(struct engine *engine); /* NULL is fine */

/* Take-over. value.data NULL: a tombstone. A later value of a key replaces an earlier one; the
 * records are those before the last meta. Errors: ERR_BAD_STATE (cannot be read, or of a newer
 * version: format.h). */
MUST_CHECK enum err engine_load_entity(struct engine *engine, struct slice key, struct slice value,
                                       struct err_note *note);
/* The last call counts. Errors: ERR_BAD_STATE (cannot be read, or of another format). */
MUST_CHECK enum err engine_load_meta(struct engine *engine, struct slice value,
                                     struct err_note *note);

/* A key seen behind the last meta (torn): the next batch writes it again, with value (copied; NULL:
 * a tombstone) unless that batch changes it anyway. Not to be loaded. */
void engine_mend(struct engine *engine, struct slice key, struct slice value);

/* Everything is loaded. No meta and no entity: a first start. Errors: ERR_STATE_TORN (count or
 * digest differ from meta's, or entities without meta): destroy it, load from the start.
 * ERR_BAD_STATE (entities that do not fit together: machine_loaded()): likewise. */
MUST_CHECK enum err engine_ready(struct engine *engine, struct err_note *note);

/* Who decides from now on: random bytes, at every take-over anew, also with kept memory.
 * incarnation is used at a first start only. The next batch carries the options in full. */
void engine_writer(struct engine *engine, const uint8_t writer[writer_bytes],
                   const uint8_t incarnation[incarnation_bytes]);

/* Only at a first start: where the inputs begin (default 0), and with clock: event the ends that
 * count (-1: none is fixed; they are kept in meta). */
void engine_begin_at(struct engine *engine, enum input input, int64_t next_offset,
                     int64_t fixed_end);

/* `recover`: go on there though records are missing; last_timestamp_ms -1: not checked. */
void engine_skip_to(struct engine *engine, enum input input, int64_t next_offset,
                    int64_t last_timestamp_ms);

/* The broker refuses an output of this record: when its turn comes it is a dead letter, or, a flow
 * or command, refused TOO_LARGE; the journal names it UNCOMMITTABLE. Said twice of a record, its
 * dead letter goes out without key, value and headers of its own, and the journal names it twice.
 */
void engine_refuse(struct engine *engine, enum input input, int64_t offset);

/* Decide the prefix of the merged candidates up to the first limit; batch is reset first. Records
 * are in (merge time, input, offset) order; merge time = largest timestamp so far on that input
 * (live: not above the clock). Candidates that were not taken are given again next time, with or
 * without more behind them; how they are cut changes no output.
 *
 * Live: before each record the timers due strictly before its merge time and within the horizons;
 * after the last candidate those within the horizons. All at clock_ms.
 *
 * Clock: event: before each record the timers due strictly before its merge time, each at its due;
 * when all inputs are at their ends, those due up to the last record, and then end markers are
 * taken: what comes behind one counts until the next.
 *
 * For one who makes inputs out of outputs (a simulator): all inputs at_end, timers_max 1, the next
 * record as the only candidate and quiet_until_ms its timestamp: either one timer fires before it
 * or it is decided, so an answer to that timer may still come first. Records must be made in
 * (timestamp, input) order, for so a replay will merge them.
 *
 * A record below the input's next offset is dropped and journaled REPEATED. */
void engine_decide(struct engine *engine, const struct engine_input inputs[INPUT_COUNT],
                   const struct engine_time *time, struct batch *batch);

/* As of the last decided batch (or load). Borrowed until the next call of engine_decide(). */
const struct engine_meta *engine_meta(const struct engine *engine);

/* When the next timer is due, INT64_MAX: none. */
int64_t engine_due(const struct engine *engine);

/* For metrics, audit and tests; owned by the engine. */
struct machine *engine_machine(struct engine *engine);

#endif
