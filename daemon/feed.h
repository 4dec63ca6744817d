/* A producer of inputs, for commands that send recorded or made ones: as they are, to the partition
 * that each names, in the order of sending. */
#ifndef RINGBACK_DAEMON_FEED_H
#define RINGBACK_DAEMON_FEED_H

#include "daemon/options.h"

struct feed; /* opaque; one thread's */

/* options are borrowed. Errors: ERR_BAD_OPTION. */
MUST_CHECK enum err feed_create(const struct options *options, const char *client_id,
                                struct feed **feed, struct err_note *note);

/* Sends a copy, waiting while the producer's queue is full. Errors: ERR_BUS_REFUSED (this record
 * cannot be sent), ERR_CANCELLED (command_stopped()). */
MUST_CHECK enum err feed_send(struct feed *feed, const struct record *record,
                              struct err_note *note);
/* The end marker of an input's partition, for clock: event. Errors: as feed_send(). */
MUST_CHECK enum err feed_end(struct feed *feed, enum input input, int32_t partition,
                             int64_t timestamp_ms, struct err_note *note);

/* Serve deliveries for up to wait_ms. Errors: ERR_BUS_REFUSED: the broker refused a record. */
MUST_CHECK enum err feed_poll(struct feed *feed, int wait_ms, struct err_note *note);
/* Until everything is taken. Errors: ERR_BUS_REFUSED, ERR_BUS_DOWN (not within a minute),
 * ERR_CANCELLED. */
MUST_CHECK enum err feed_flush(struct feed *feed, struct err_note *note);

/* The same for a command that was told to stop: goes on in spite of that, for up to wait_ms.
 * Errors: ERR_BUS_REFUSED, ERR_BUS_DOWN. */
MUST_CHECK enum err feed_drain(struct feed *feed, int wait_ms, struct err_note *note);

void feed_destroy(struct feed *feed); /* NULL is fine; what is not taken is forgotten */

#endif
