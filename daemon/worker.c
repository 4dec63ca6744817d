#include "daemon/worker.h"

#include <assert.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"

enum {
    backoff_ms_min = 100,
    backoff_ms_max = 5000,
    later_ms = 2000, /* how long a commit may go on once a stop was asked for */
    flush_ms = 1000, /* and Redis */
    pause_slice_ms = 20
};

static const char *const state_names[WORKER_STATE_COUNT] = {
#define NAME_(name, text) [WORKER_STATE_##name] = text,
    WORKER_STATE_MAP(NAME_)
#undef NAME_
};

const char *worker_state_name(enum worker_state state)
{
    return state_names[state];
}

struct worker *worker_create(const struct worker_options *options, struct store *store)
{
    struct worker *worker = memory_zalloc(sizeof(*worker), "a worker");

    worker->options = *options;
    worker->store = store;
    worker->metrics = metrics_of(options->engine.partition);
    worker->meta_offset = -1;
    worker->arrived_ms = INT64_MAX;
    worker->engine = engine_create(&worker->options.engine);
    batch_init(&worker->batch);
    worker->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    assert(worker->wake_fd >= 0);
    for (int i = 0; i < worker_fences_max; i++)
        worker->fenced_ms[i] = INT64_MIN / 2;
    atomic_store(&worker->state, WORKER_STATE_STOPPED);
    for (int i = 0; i < INPUT_COUNT; i++) {
        atomic_store(&worker->waiting_since_ms[i], INT64_MAX);
        atomic_store(&worker->input_ends[i], -1);
    }
    atomic_store(&worker->redis_since_ms, INT64_MAX);
    atomic_store(&worker->progress_ms, clock_monotonic_ms());
    return worker;
}

void worker_destroy(struct worker *worker)
{
    if (worker == NULL)
        return;
    assert(!worker->threaded);
    engine_destroy(worker->engine);
    batch_deinit(&worker->batch);
    store_destroy(worker->store);
    (void)close(worker->wake_fd);
    free(worker);
}

bool worker_stopped(const struct worker *worker)
{
    return atomic_load_explicit(&worker->stop, memory_order_relaxed);
}

static bool stopped_now(void *context)
{
    return worker_stopped(context);
}

static bool stopped_later(void *context)
{
    struct worker *worker = context;

    return worker_stopped(worker) &&
           clock_monotonic_ms() > atomic_load(&worker->stop_ms) + later_ms;
}

struct bus_cancel worker_cancel_now(struct worker *worker)
{
    return (struct bus_cancel){stopped_now, worker};
}

struct bus_cancel worker_cancel_later(struct worker *worker)
{
    return (struct bus_cancel){stopped_later, worker};
}

void worker_count_add(struct worker *worker, enum worker_count count, size_t by)
{
    atomic_fetch_add_explicit(&worker->counts[count], (long long)by, memory_order_relaxed);
}

void worker_progress(struct worker *worker)
{
    atomic_store_explicit(&worker->progress_ms, clock_monotonic_ms(), memory_order_relaxed);
}

void worker_pause(struct worker *worker, int64_t ms)
{
    int64_t until_ms = clock_monotonic_ms() + ms;

    while (!worker_stopped(worker) && clock_monotonic_ms() < until_ms) {
        worker_progress(worker);
        (void)poll(NULL, 0, pause_slice_ms);
    }
}

static void enter(struct worker *worker, enum worker_state state)
{
    atomic_store(&worker->state, state);
    worker_progress(worker);
}

/* The third fence in five minutes is two groups with one name. */
static enum err fenced(struct worker *worker, struct err_note *note)
{
    int64_t now_ms = clock_monotonic_ms();

    worker_count_add(worker, WORKER_COUNT_FENCES, 1);
    metrics_add(worker->metrics, METRIC_fenced, 0, 1);
    for (int i = worker_fences_max - 1; i > 0; i--)
        worker->fenced_ms[i] = worker->fenced_ms[i - 1];
    worker->fenced_ms[0] = now_ms;
    if (now_ms - worker->fenced_ms[worker_fences_max - 1] < worker_fence_span_ms)
        return FAIL(note, ERR_BUS_REFUSED,
                    "partition %" PRId32 " was taken by another process %d times in 5 minutes, "
                    "though the group says that it is ours: is the option group of two "
                    "installations the same?",
                    worker->options.engine.partition, worker_fences_max);
    enter(worker, WORKER_STATE_BACKING_OFF);
    worker_pause(worker, worker->options.fence_wait_ms);
    return ERR_OK;
}

/* OK: try again. */
static enum err back_off(struct worker *worker, enum err err, int64_t *backoff_ms,
                         struct err_note *note)
{
    if (err == ERR_UNCOMMITTABLE)
        return ERR_OK;
    if (err_duty(err) == ERR_DUTY_EXIT)
        return err;
    log_warn("partition is taken over anew", LOG_INT("partition", worker->options.engine.partition),
             LOG_ERR(note));
    worker->bus->ops->close(worker->bus);
    if (err == ERR_FENCED)
        return fenced(worker, note);
    enter(worker, WORKER_STATE_BACKING_OFF);
    worker_pause(worker, *backoff_ms);
    *backoff_ms = *backoff_ms * 2 < backoff_ms_max ? *backoff_ms * 2 : backoff_ms_max;
    return ERR_OK;
}

/* Redis gets what is committed, if it takes it at once. */
static void flush(struct worker *worker)
{
    int64_t until_ms = clock_monotonic_ms() + flush_ms;

    while (worker->store != NULL && worker->kept && !follow_idle(worker->follow) &&
           clock_monotonic_ms() < until_ms) {
        struct pollfd poller = {.fd = -1};

        follow_run(worker->follow, clock_monotonic_ms());
        poller.fd = store_fd(worker->store, &poller.events);
        (void)poll(&poller, 1, 2);
    }
}

enum err worker_run(struct worker *worker, struct err_note *note)
{
    struct follow_options follow = {
        .store = worker->store,
        .bus = worker->bus,
        .partition = worker->options.engine.partition,
        .backlog_bytes_max = worker->options.backlog_bytes_max,
        .compare_ms = worker->options.compare_ms,
        .pointer_age_ms =
            worker->options.engine.clock_event || worker->options.delete_retention_ms < 0
                ? 0
                : worker->options.delete_retention_ms / 2,
    };
    int64_t backoff_ms = backoff_ms_min;
    enum err err = ERR_OK;

    worker->follow = follow_create(&follow);
    while (err == ERR_OK && !worker_stopped(worker)) {
        note->text[0] = '\0';
        enter(worker, WORKER_STATE_TAKING_OVER);
        err = takeover(worker, note);
        if (err == ERR_OK) {
            int64_t began_ms = clock_monotonic_ms();

            enter(worker, WORKER_STATE_RUNNING);
            err = loop_run(worker, note);
            if (clock_monotonic_ms() - began_ms > 2 * backoff_ms_max)
                backoff_ms = backoff_ms_min;
        }
        if (err != ERR_OK && err != ERR_CANCELLED)
            err = back_off(worker, err, &backoff_ms, note);
    }
    if (err == ERR_OK)
        flush(worker);
    worker->bus->ops->close(worker->bus);
    count_machine(worker);
    metrics_leave(worker->metrics);
    follow_destroy(worker->follow);
    worker->follow = NULL;
    return err == ERR_CANCELLED ? ERR_OK : err;
}

static void *thread_main(void *context)
{
    struct worker *worker = context;
    enum err err = worker_run(worker, &worker->note);

    if (err == ERR_OK) {
        enter(worker, WORKER_STATE_STOPPED);
        return NULL;
    }
    log_error("partition refused", LOG_INT("partition", worker->options.engine.partition),
              LOG_ERR(&worker->note));
    enter(worker, WORKER_STATE_REFUSED);
    return NULL;
}

void worker_start(struct worker *worker, struct bus *bus)
{
    uint64_t woken;
    int failed;

    assert(!worker->threaded);
    worker->bus = bus;
    (void)!read(worker->wake_fd, &woken, sizeof(woken)); /* of the stop before */
    atomic_store(&worker->stop, false);
    enter(worker, WORKER_STATE_TAKING_OVER);
    failed = pthread_create(&worker->thread, NULL, thread_main, worker);
    assert(failed == 0);
    worker->threaded = true;
}

void worker_ask_stop(struct worker *worker)
{
    static const uint64_t wake_up = 1;

    atomic_store(&worker->stop_ms, clock_monotonic_ms());
    atomic_store(&worker->stop, true);
    (void)!write(worker->wake_fd, &wake_up, sizeof(wake_up));
}

void worker_join(struct worker *worker)
{
    if (!worker->threaded)
        return;
    (void)pthread_join(worker->thread, NULL);
    worker->threaded = false;
    bus_destroy(worker->bus);
    worker->bus = NULL;
}
