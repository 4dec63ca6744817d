/* The live daemon in a thread of this process, for commands that run one for a while. */
#ifndef RINGBACK_DAEMON_ASIDE_H
#define RINGBACK_DAEMON_ASIDE_H

#include <pthread.h>

#include "daemon/run.h"

/* Zeroed before aside_start(). */
struct aside {
    pthread_t thread;
    struct run_options run;
    atomic_bool stop;    /* it is to */
    atomic_bool ended;   /* it has, wanted or not */
    atomic_int deciding; /* partitions that it decides */
    struct err_note note;
    enum err err;
};

/* described: as in struct run_options. options are borrowed until aside_stop(). Ctrl-C stops it
 * too. Errors: ERR_IO (no thread). */
MUST_CHECK enum err aside_start(struct aside *aside, const struct options *options, bool described,
                                struct err_note *note);

/* Whether it ended, or everything is to: nothing more will come of it. */
bool aside_ended(struct aside *aside);

/* Ends it, waits, and tells its error, those of run_daemon(). Once after each start. */
enum err aside_stop(struct aside *aside, struct err_note *note);

#endif
