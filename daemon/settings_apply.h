/* The settings file to Kafka: what was sent and answered is read, what differs is sent, the answers
 * are waited for. What is to be sent is settings_plan's to say. */
#ifndef RINGBACK_DAEMON_SETTINGS_APPLY_H
#define RINGBACK_DAEMON_SETTINGS_APPLY_H

#include "daemon/options.h"
#include "daemon/settings_plan.h"

struct settings_apply {
    const struct options *options;
    bool prune;
    bool force;
    bool dry_run;    /* nothing is sent */
    bool from_state; /* what holds is read from `state`, when settings and results are gone */
    int64_t wait_ms; /* for the answers */
    bool (*stopped)(void);
};

/* Fills plan, which the caller deinitialises if *planned. Errors:
 * ERR_BUS_DOWN (no broker, no answer of one), ERR_BUS_REFUSED (a topic is missing), ERR_CANCELLED,
 * ERR_BAD_OPTION. Answers that do not come are no error here: plan->waiting tells. */
MUST_CHECK enum err settings_apply(const struct settings_apply *apply,
                                   const struct settings *settings, struct settings_plan *plan,
                                   bool *planned, struct err_note *note);

/* All of the file as the settings topic of a recorded log: version 1, stamped at_ms, offsets from
 * 0. Errors: ERR_IO. */
MUST_CHECK enum err settings_write_log(const struct settings *settings,
                                       const struct options *options, int32_t partitions,
                                       int64_t at_ms, const char *path, struct err_note *note);

#endif
