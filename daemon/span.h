/* What a decision was, kept with its batch until that is committed, for who writes spans
 * (daemon/spans.h). Pure; only when the engine's option spans is set. */
#ifndef RINGBACK_DAEMON_SPAN_H
#define RINGBACK_DAEMON_SPAN_H

#include "daemon/trace.h"

/* What it points to lives as long as the batch. */
struct span {
    enum input input; /* INPUT_COUNT: a timer */
    int64_t offset;
    int64_t start_ms;  /* the record's timestamp, the timer's due time */
    struct slice name; /* of the event in the contract; of a timer what it is of */
    struct slice domain;
    const char *callback_id; /* the first that an effect names; "": none */
    const char *queue_id;    /* likewise */
    struct trace trace;
    uint32_t kinds;    /* of its effects: 1 << kind (kind.h) */
    uint8_t reason;    /* of the first that has one: enum Reason */
    uint8_t undecided; /* a dead letter: enum UndecidedReason; else 0 */
};

/* Fills what effects and event tell; event NULL: it was not read, or a timer. Copies go into
 * arena. */
void span_fill(struct span *span, const struct effects *effects, const ProtobufCMessage *event,
               struct arena *arena);

#endif
