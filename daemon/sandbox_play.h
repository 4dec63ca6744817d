/* `sandbox --play`: the recorded inputs of a log into the sandbox's broker, and what the daemon
 * answers into another log. */
#ifndef RINGBACK_DAEMON_SANDBOX_PLAY_H
#define RINGBACK_DAEMON_SANDBOX_PLAY_H

#include "consumers/kafka.h"
#include "daemon/options.h"

struct sandbox_play; /* opaque */

/* Reads the inputs of the log at path, which may hold other topics too. Errors: ERR_IO,
 * ERR_BAD_FILE (damaged, or without inputs of these topics). */
MUST_CHECK enum err sandbox_play_create(const char *path, const struct options *options,
                                        struct sandbox_play **play, struct err_note *note);
void sandbox_play_destroy(struct sandbox_play *play); /* NULL is fine */

/* How many the topics must have. */
int32_t sandbox_play_partitions(const struct sandbox_play *play);
/* Records that will be sent. */
size_t sandbox_play_records(const struct sandbox_play *play);

/* Sends the inputs, each stream no more than 2 MiB before the daemon's position, an end marker
 * behind each; writes what comes on the output topics to the log at out_path; returns when every
 * input is decided to its end and nothing came for a while. stopped: the daemon ended, or Ctrl-C.
 * Errors: ERR_IO, ERR_BUS_DOWN, ERR_CANCELLED (stopped). */
MUST_CHECK enum err sandbox_play_run(struct sandbox_play *play, const char *out_path,
                                     bool (*stopped)(void), struct err_note *note);

/* What was written by topic, after a run. */
size_t sandbox_play_outputs(const struct sandbox_play *play, enum topic topic);

#endif
