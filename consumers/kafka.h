/* Ways in from Kafka: the process's one member of the consumer group, the five inputs of one
 * partition, and reading of `state`. What it hands out is as the broker had it; decoding, merging
 * and positions are others'. */
#ifndef RINGBACK_CONSUMERS_KAFKA_H
#define RINGBACK_CONSUMERS_KAFKA_H

#include "base/kafka.h"
#include "base/record.h"

struct kafka_group; /* opaque; the process's one consumer */

/* Called from kafka_group_poll() and kafka_group_close(), in their thread. */
struct kafka_group_events {
    void *context;
    /* These partitions are ours, of all five inputs; others are not. Before anything is fetched. */
    void (*assigned)(void *context, const int32_t *partitions, size_t count);
    /* All partitions are about to go: nothing may use kafka_inputs once this returns. */
    void (*revoked)(void *context);
};

struct kafka_group_options {
    struct kafka_settings settings;
    const char *group;
    const char *instance; /* static membership; "": dynamic */
    int64_t session_timeout_ms;
    const char *topics[INPUT_COUNT];
    int64_t queued_bytes;   /* fetched, of all inputs of up to eight partitions */
    int32_t partitions_max; /* bounds what may be assigned */
};

/* Texts are borrowed for its life. Errors: ERR_BAD_OPTION, ERR_BUS_DOWN. */
MUST_CHECK enum err kafka_group_create(const struct kafka_group_options *options,
                                       const struct kafka_group_events *events,
                                       struct kafka_group **group, struct err_note *note);

/* Serve the membership, waiting up to timeout_ms. Errors: ERR_BUS_REFUSED: this member cannot go on
 * (another process has its instance name, the broker refuses it); ERR_BUS_DOWN: partitions were
 * assigned, but the broker does not tell where the inputs end. */
MUST_CHECK enum err kafka_group_poll(struct kafka_group *group, int timeout_ms,
                                     struct err_note *note);

/* Gives the partitions back (events.revoked), leaves the group unless the membership is static,
 * and frees everything. NULL is fine. */
void kafka_group_close(struct kafka_group *group);

rd_kafka_t *kafka_group_handle(struct kafka_group *group);

struct kafka_inputs; /* opaque; the five inputs of one partition; one thread's */

/* What was fetched and is not yet taken, in the order of offsets. */
struct kafka_fetched {
    const struct record *records; /* lent until the next call */
    size_t count;
    int64_t read_to; /* everything below it has been fetched; -1: unknown */
    bool at_end;     /* nothing more is there, as far as was heard */
    bool verified;   /* the record before the first was looked at, and is the noted one */
    size_t bytes;    /* of the values held */
};

/* Lent until events.revoked returns. */
struct kafka_inputs *kafka_group_inputs(struct kafka_group *group, int32_t partition);

/* Go on at next[i]; the record before it must have the timestamp last_ms[i] (-1: not checked).
 * Whatever was fetched is dropped. Should librdkafka lose the seek, kafka_inputs_fetch() seeks
 * again. Errors: ERR_BUS_DOWN (try again); ERR_INPUT_LOST: next[i] lies outside what the broker
 * has. */
MUST_CHECK enum err kafka_inputs_seek(struct kafka_inputs *inputs, const int64_t next[INPUT_COUNT],
                                      const int64_t last_ms[INPUT_COUNT], struct err_note *note);

/* Take what has arrived, up to count_max records an input, without waiting. Errors: ERR_INPUT_LOST
 * (the record before is another one, or the position is gone); ERR_BUS_DOWN: seek again (records
 * cannot be read, and librdkafka would leave them out). */
MUST_CHECK enum err kafka_inputs_fetch(struct kafka_inputs *inputs, size_t count_max,
                                       struct kafka_fetched fetched[INPUT_COUNT],
                                       struct err_note *note);

/* The first taken[i] records of each input are done with. */
void kafka_inputs_taken(struct kafka_inputs *inputs, const size_t taken[INPUT_COUNT]);

/* Readable when something has arrived; kafka_inputs_fetch() empties it. */
int kafka_inputs_fd(const struct kafka_inputs *inputs);

/* Ask the leader for the ends now. Errors: ERR_BUS_DOWN. */
MUST_CHECK enum err kafka_inputs_ends(struct kafka_inputs *inputs, int timeout_ms,
                                      int64_t ends[INPUT_COUNT], struct err_note *note);

/* The ends as the last answers told them, without asking; -1: none did. */
void kafka_inputs_heard_ends(struct kafka_inputs *inputs, int64_t ends[INPUT_COUNT]);

/* First offset that is there, and the end. Errors: ERR_BUS_DOWN. */
MUST_CHECK enum err kafka_inputs_bounds(struct kafka_inputs *inputs, enum input input,
                                        int timeout_ms, int64_t *low, int64_t *high,
                                        struct err_note *note);

/* Tell the group where we are, for lag tools only; nobody waits for it. */
void kafka_inputs_tell(struct kafka_inputs *inputs, const int64_t next[INPUT_COUNT]);

/* Records below the position that came anyway and were dropped. */
uint64_t kafka_inputs_dropped(const struct kafka_inputs *inputs);

struct kafka_log; /* opaque; reads topics without a group; shared by all threads */

/* Errors: ERR_BAD_OPTION. */
MUST_CHECK enum err kafka_log_create(const struct kafka_settings *settings, struct kafka_log **log,
                                     struct err_note *note);
void kafka_log_destroy(struct kafka_log *log);

/* The beginning, the last stable offset and the high watermark. Asks again while the partition has
 * no leader, all within timeout_ms. Errors: ERR_BUS_DOWN. */
MUST_CHECK enum err kafka_log_ends(struct kafka_log *log, const char *topic, int32_t partition,
                                   int timeout_ms, int64_t *begin, int64_t *stable, int64_t *high,
                                   struct err_note *note);

/* The first record that readers of committed records see and that is stamped at_ms or later; the
 * end if there is none. Errors: ERR_BUS_DOWN. */
MUST_CHECK enum err kafka_log_time(struct kafka_log *log, const char *topic, int32_t partition,
                                   int64_t at_ms, int timeout_ms, int64_t *offset,
                                   struct err_note *note);

/* The end of one partition: of what readers of committed records see, and of what is there. */
struct kafka_end {
    const char *topic; /* given */
    int32_t partition; /* given */
    int64_t stable;    /* -1: the broker did not say */
    int64_t high;      /* likewise; asked first: what ends in between only raises stable */
};

/* Many at once; waits up to timeout_ms, twice. Errors: ERR_BUS_DOWN. */
MUST_CHECK enum err kafka_log_many_ends(struct kafka_log *log, struct kafka_end *ends, size_t count,
                                        int timeout_ms, struct err_note *note);

struct kafka_reader; /* opaque; reads one partition of one topic; one thread's */

/* read_committed, from offset on (below the beginning: from there). One reader a partition at a
 * time. Errors: ERR_BUS_DOWN. */
MUST_CHECK enum err kafka_reader_open(struct kafka_log *log, const char *topic, enum topic kind,
                                      int32_t partition, int64_t offset,
                                      struct kafka_reader **reader, struct err_note *note);

/* The next record, lent until the next call; waits up to timeout_ms. ERR_END: none now; *end is
 * then the offset that an EOF was seen at, or -1. Errors: ERR_BUS_DOWN; ERR_INPUT_LOST: the offset
 * is gone. */
MUST_CHECK enum err kafka_reader_next(struct kafka_reader *reader, int timeout_ms,
                                      struct record *record, int64_t *end, struct err_note *note);
void kafka_reader_close(struct kafka_reader *reader); /* NULL is fine */

#endif
