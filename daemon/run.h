/* The live daemon: one member of the group, a worker a partition. It returns when it was asked to
 * stop, or with the reason for which it cannot go on. */
#ifndef RINGBACK_DAEMON_RUN_H
#define RINGBACK_DAEMON_RUN_H

#include "daemon/options.h"
#include "daemon/worker.h"

struct run_options {
    const struct options *options;
    bool supervised; /* the supervisor (systemd) is told, if there is one */
    bool described;  /* topics' settings are checked; the sandbox's broker does not tell them */
    bool (*stopped)(void *context);
    void *context;        /* stopped's */
    atomic_int *deciding; /* NULL, or told how many partitions have been taken over and run */
};

/* Errors: EXIT ones (topics, options, a partition that refuses), ERR_BUS_DOWN when the broker is
 * not reached at the start. Everything is freed in any case. */
MUST_CHECK enum err run_daemon(const struct run_options *run, struct err_note *note);

struct topics;

/* What a worker of that partition gets; decides lives as long as the worker. */
void run_worker_options(const struct options *options, const struct topics *topics,
                        const struct machine_options *machine, const char *decides,
                        int32_t partition, size_t partitions_active, struct worker_options *worker);

/* The store of that partition: NULL if there is to be none. Errors: ERR_BAD_OPTION. */
MUST_CHECK enum err run_store(const struct options *options, const struct topics *topics,
                              int32_t partition, struct store **store, struct err_note *note);

#endif
