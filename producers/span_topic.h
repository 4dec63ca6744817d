/* Requests of spans to a topic, by a producer of their own that is in no transaction: what does not
 * get through is dropped and counted, nobody waits. One thread's. */
#ifndef RINGBACK_PRODUCERS_SPAN_TOPIC_H
#define RINGBACK_PRODUCERS_SPAN_TOPIC_H

#include "base/kafka.h"

struct span_topic; /* opaque */

/* Texts are borrowed. Errors: ERR_BAD_OPTION. */
MUST_CHECK enum err span_topic_create(const struct kafka_settings *settings, const char *name,
                                      struct span_topic **topic, struct err_note *note);
/* Gives what is under way up to wait_ms. NULL is fine. */
void span_topic_destroy(struct span_topic *topic, int wait_ms);

/* value is copied; it has that many spans. Errors: ERR_BUS_DOWN (it is not taken). */
MUST_CHECK enum err span_topic_write(struct span_topic *topic, struct slice value, size_t spans,
                                     struct err_note *note);

/* What was reported since the last call: spans that are on the topic, and that are not. */
void span_topic_poll(struct span_topic *topic, size_t *written, size_t *lost);

#endif
