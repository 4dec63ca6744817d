/* Spans of decisions, as OTLP/JSON: one ExportTraceServiceRequest a line of a file, or a record of
 * a topic. What was decided and committed is copied into a queue of fixed room; a thread of its own
 * writes. What does not fit or cannot be written is counted and dropped: no decision waits for it
 * or fails by it. There is no telephone number in a span: ids that look like one are masked. */
#ifndef RINGBACK_DAEMON_SPANS_H
#define RINGBACK_DAEMON_SPANS_H

#include "base/kafka.h"
#include "daemon/batch.h"

/* In the order of the metrics' label lost. */
enum spans_lost { SPANS_LOST_QUEUE, SPANS_LOST_FILE, SPANS_LOST_TOPIC, SPANS_LOST_COUNT };

/* Texts are borrowed. */
struct spans_options {
    const char *file;  /* "": none */
    const char *topic; /* "": none */
    int percent;       /* of the traces */
    const char *group;
    const char *topics[INPUT_COUNT];
    struct kafka_settings settings;
};

struct spans; /* opaque */

/* Errors: ERR_BAD_OPTION (the file cannot be opened, a setting of Kafka is wrong). */
MUST_CHECK enum err spans_create(const struct spans_options *options, struct spans **spans,
                                 struct err_note *note);
/* Writes what is in the queue, for a second at most. NULL is fine. */
void spans_destroy(struct spans *spans);

/* The batch is committed, at end_ms (wall clock). Any thread; never waits for a disk or a broker.
 */
void spans_put(struct spans *spans, const struct batch *batch, int32_t partition, int64_t end_ms);

/* For tests: an id as it is shown. Digits that look like a telephone number, seven in a row with
 * nothing but single -, ., / or : between them, are masked but for the last three; a UUID is left
 * as it is. */
void spans_mask(char *id);

#endif
