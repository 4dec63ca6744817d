/* The kernel of the simulated world: one true time, events in its order, processes that live, are
 * frozen and die, and tasks in them, which are what the product takes for threads. Everything runs
 * on one thread of the machine and follows from the seed.
 *
 * A task runs until it waits; only then time goes on. A process that dies takes its tasks with it
 * wherever they stand, as kill -9 does; what it had sent is on its way. There is one world at a
 * time: world_begin() to world_end(). */
#ifndef RINGBACK_TESTS_SIM_WORLD_H
#define RINGBACK_TESTS_SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum { world_second_us = 1000000, world_ms_us = 1000 };

struct process {
    int number; /* of the daemon: it comes back with the same number and another life */
    int life;   /* from 1 */
    bool alive;
    bool asked;        /* to stop in order, as by SIGTERM */
    bool ended;        /* its main task came to an end */
    int exit_err;      /* enum err of that */
    char why[400];     /* and its note */
    int64_t frozen_us; /* until then it does nothing; 0: it runs */
    int64_t wall_us;   /* its wall clock, less the true time */
    int live_tasks;
    int calls_left;    /* of I/O until it dies; 0: not set */
    void *clients;     /* the broker's clients (client.c) */
    void *connections; /* to Redis (redis.c) */
    struct process *next;
};

struct task; /* opaque */

typedef void world_fn(void *context);

void world_begin(uint64_t seed);
void world_end(void);

/* True time since the beginning. */
int64_t world_now(void);
/* What is done costs time: the running task's clock goes on, nothing else happens. */
void world_spend(int64_t us);

/* Draws for how the world goes; those for the load and the faults are others'. */
uint64_t world_below(uint64_t bound);
bool world_one_in(uint64_t count);
/* Spread like times on a network: most near low, some far from it. */
int64_t world_spread(int64_t low, int64_t high);

/* A copy with a zero behind it, the caller's to free; data NULL stays NULL. */
struct slice world_copy(struct slice slice);

/* fn(context) at that time, or when it is past. Events of one time: as they were made. */
void world_at(int64_t at_us, world_fn *fn, void *context);
/* Only if the process is alive then; while it is frozen, when it no longer is. */
void world_at_process(struct process *process, int64_t at_us, world_fn *fn, void *context);

/* Run events up to that time, or until nothing is left. */
void world_run(int64_t until_us);

/* What happened, for --trace and for comparing two runs: kept as a digest, printed if asked. */
void world_trace(const char *format, ...) __attribute__((format(printf, 1, 2)));
uint64_t world_digest(void);
extern bool world_loud;

/* Processes live as long as the world. */
struct process *process_start(int number, world_fn *main, void *context);
void process_kill(struct process *process, const char *why); /* also from inside: never returns */
void process_freeze(struct process *process, int64_t until_us);
/* Its waiting tasks look again at what they wait for. */
void process_wake(struct process *process);
/* The one whose task runs; NULL: none does. */
struct process *process_current(void);
struct process *process_first(void);

/* A task of the running process. */
struct task *task_start(world_fn *main, void *context);
bool task_ended(const struct task *task);
/* Wait until then, or until the process is woken. Only in a task. */
void task_wait(int64_t until_us);

/* Called at each I/O call of a task: time passes, and the process may die here. */
void world_io(const char *what);
/* Told of each (sim.c): may kill the process. */
extern void (*world_on_io)(struct process *process, const char *what);

#endif
