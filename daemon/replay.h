/* A recorded log once more through the engine, to another log: no servers, no wall clock.
 *
 * The clock is the records' own, an input's end is its last record in the log. Or, to follow a
 * capture of the wall clock, the journal in the log: its batches, clocks and horizons, one after
 * the other, whoever wrote them. */
#ifndef RINGBACK_DAEMON_REPLAY_H
#define RINGBACK_DAEMON_REPLAY_H

#include <stdio.h>

#include "daemon/engine.h"
#include "daemon/log_topics.h"
#include "daemon/options.h"

struct replay_options {
    const char *log;         /* "-": standard input */
    const char *out;         /* "-": standard output; NULL: decide and write nothing */
    size_t records_max;      /* of a batch; not with journal */
    int32_t partitions;      /* of the inputs; 0: as meta in the log says, else the highest + 1 */
    bool journal;            /* follow it */
    struct options *options; /* those that decide are set from the journal that is followed; by
                                topics.* the log's topics are known */
    FILE *progress;          /* NULL: quiet */
};

struct replay_counts {
    uint64_t events;  /* input records taken */
    uint64_t outputs; /* routing, analytics, results */
    uint64_t dead_letters;
    uint64_t timers;
    uint64_t batches;
    uint64_t records; /* all that was written, state and journal included */
    int32_t partitions;
    struct log_strangers strangers; /* what was left out */
    bool wall_clock;                /* the log has a journal of the wall clock */
    int64_t elapsed_ns; /* of deciding and writing; without looking through the log first */
    int64_t cpu_ns;     /* of that, what this process computed */
};

/* Errors: ERR_BAD_FILE (the log is damaged, or without what is asked of it; what comes before the
 * damage is decided and written), ERR_IO, ERR_CANCELLED, ERR_DIFFERENT (the journal cannot be
 * followed: the note says where). */
MUST_CHECK enum err replay_run(const struct replay_options *options, struct replay_counts *counts,
                               struct err_note *note);

#endif
