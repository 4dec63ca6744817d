/* `ringback audit`: whether Redis, the state topic, what its meta records say, and a replay of the
 * journal agree, while the daemon runs. It reads only; each difference is told by partition and
 * key. */
#ifndef RINGBACK_DAEMON_AUDIT_H
#define RINGBACK_DAEMON_AUDIT_H

#include <jansson.h>

#include "daemon/options.h"

/* One thing that does not agree. */
struct audit_difference {
    const char *what; /* "redis", "state", "replay" */
    int32_t partition;
    const char *key;  /* of an entity; "" if it is about none */
    const char *text; /* what is wrong, in words */
    json_t *ours;     /* as the state topic has it, or the daemon wrote it; NULL: not there */
    json_t *theirs;   /* as Redis has it, or the replay wrote it; NULL: not there */
};

struct audit_plan {
    const struct options *options;
    int32_t partition; /* -1: all */
    bool replay;       /* the journal, too, from its beginning */
    /* Called for each difference, which lives for the call. */
    void (*on_difference)(void *context, const struct audit_difference *difference);
    void *context;
};

struct audit_counts {
    int32_t partitions;
    uint64_t entities; /* on the state topic */
    uint64_t copies;   /* of them in Redis */
    uint64_t batches;  /* numbers of the last ones, summed up */
    uint64_t replayed; /* records of outputs that a replay wrote alike */
    uint64_t differences;
};

/* Errors: ERR_BUS_DOWN, ERR_BUS_REFUSED (no topics), ERR_STORE_DOWN, ERR_BAD_OPTION, ERR_IO,
 * ERR_BAD_FILE (the journal cannot be replayed from its beginning: the note says why),
 * ERR_CANCELLED. Differences are none. */
MUST_CHECK enum err audit_run(const struct audit_plan *plan, struct audit_counts *counts,
                              struct err_note *note);

#endif
