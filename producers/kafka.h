/* The way out to Kafka: the transactional producer of one partition. Its id is what owns the
 * partition; opening it ends whatever an earlier owner left.
 *
 * There is no abort: a transaction that is not committed ends by closing the producer, a new one
 * settles it. Who gets anything but OK from kafka_outputs_commit() closes, opens anew and looks up
 * on `state` what became of it. One thread's. */
#ifndef RINGBACK_PRODUCERS_KAFKA_H
#define RINGBACK_PRODUCERS_KAFKA_H

#include "base/kafka.h"
#include "base/record.h"

struct kafka_outputs; /* opaque */

struct kafka_outputs_options {
    struct kafka_settings settings;
    const char *transactional_id;
    int64_t transaction_timeout_ms;
    const char *topics[TOPIC_COUNT]; /* borrowed */
    bool inputs;                     /* records of the inputs too (`dlq resend`); else outputs */
};

/* Not open yet; options are copied, what they point to is borrowed. Never NULL. */
struct kafka_outputs *kafka_outputs_create(const struct kafka_outputs_options *options);
void kafka_outputs_destroy(struct kafka_outputs *outputs); /* NULL is fine */

/* A new producer, the topics' metadata, init_transactions: from then on the partition is ours.
 * single: one record a request, so that the broker's refusal names its record. Errors: ERR_BUS_DOWN
 * (try again), ERR_CANCELLED, ERR_BAD_OPTION, ERR_BUS_REFUSED (no right to the id). */
MUST_CHECK enum err kafka_outputs_open(struct kafka_outputs *outputs, bool single,
                                       bool (*cancelled)(void *context), void *context,
                                       struct err_note *note);

/* Drops what is not committed. It may be closed already. */
void kafka_outputs_close(struct kafka_outputs *outputs);

/* Why it did not; in the order of the metrics' label fault. */
enum outputs_fault {
    OUTPUTS_FAULT_ERROR,   /* librdkafka or the broker says no, finally */
    OUTPUTS_FAULT_FENCED,  /* somebody else may own the id */
    OUTPUTS_FAULT_REFUSED, /* the broker does not take a record */
    OUTPUTS_FAULT_ANSWER,  /* a request was answered with an error: the transaction may be half done
                            */
    OUTPUTS_FAULT_TIMEOUT, /* no answer in time */
    OUTPUTS_FAULT_UNPLACED, /* records were reported without an offset */
    OUTPUTS_FAULT_AWAY,     /* the broker cannot be reached, for opening or looking up */
    OUTPUTS_FAULT_COUNT,
};

/* What a commit told. */
struct kafka_committed {
    enum outputs_fault fault; /* only if it failed */
    int64_t last_offset;      /* of the last record */
    size_t refused; /* ERR_UNCOMMITTABLE: index of the record that the broker does not take */
    bool ambiguous; /* ERR_TXN_UNKNOWN: it does not take one of several: open with single */
};

/* Begin, produce records in their order, commit. They are borrowed until it returns or, if it
 * fails, until the producer is closed. Errors: ERR_TXN_UNKNOWN (may or may not be committed),
 * ERR_UNCOMMITTABLE (it is not), ERR_FENCED (somebody else may own the id), ERR_CANCELLED. */
MUST_CHECK enum err kafka_outputs_commit(struct kafka_outputs *outputs,
                                         const struct record *records, size_t count,
                                         bool (*cancelled)(void *context), void *context,
                                         struct kafka_committed *committed, struct err_note *note);

#endif
