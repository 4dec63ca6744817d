/* What a recorded log shows of the flows that ask for callbacks in the queues of a settings file:
 * what no file can say (rules.md 13.1). Warns of Create Callback without a failure path, of
 * voicemails left to a customer-first queue, and of internal voicemails.
 *
 * A failure path is seen when something of the interaction came after a refusal: another flow or
 * action, an agent, a queue. Being heard of no more, or as gone, is none. It decides nothing, and
 * reads no server. */
#ifndef RINGBACK_DAEMON_SETTINGS_OBSERVED_H
#define RINGBACK_DAEMON_SETTINGS_OBSERVED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/framing.h"
#include "daemon/settings_file.h"

/* Requests are counted once, however often they were sent. */
struct settings_observed {
    size_t callbacks, refused; /* Create Callbacks; those that were refused */
    size_t voicemails, internal;
    size_t strange; /* of these, for queues that the file does not have: nothing is said of them */
    size_t unreadable; /* records of flows, interactions and results that are none */
};

/* Adds its warnings to settings, which was read without errors. log: a path, or "-", standard
 * input. names: struct options' topic_names, or NULL (log_topics.h); framing: theirs, or NULL.
 * Errors: ERR_IO; ERR_BAD_FILE (damaged, or without any record of flows). */
MUST_CHECK enum err settings_observe(struct settings *settings, const char *log,
                                     const char *const *names, const struct framing *framing,
                                     struct settings_observed *observed, struct err_note *note);

#endif
