/* The journal of a running installation decided again, and what comes of it compared with what is
 * on the outputs. Needs the journal and the inputs from their beginning. */
#ifndef RINGBACK_DAEMON_AUDIT_REPLAY_H
#define RINGBACK_DAEMON_AUDIT_REPLAY_H

#include <jansson.h>

#include "daemon/options.h"

/* on_difference: the first difference, if there is one; takes the references. *records: outputs
 * that are alike. Errors: those of audit_run(). */
MUST_CHECK enum err audit_replay(const struct options *options, int32_t partitions,
                                 void (*on_difference)(void *context, const char *text,
                                                       int32_t partition, json_t *ours,
                                                       json_t *theirs),
                                 void *context, uint64_t *records, struct err_note *note);

#endif
