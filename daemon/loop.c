/* The main loop of a worker: poll a batch, step the machine, commit to Kafka, follow up in Redis,
 * tick. */
#include <inttypes.h>
#include <poll.h>

#include "base/log.h"
#include "base/point.h"
#include "daemon/merge.h"
#include "daemon/worker.h"

enum {
    straggler_ms_max = 5000, /* an input that is not at its end and brings nothing */
    tell_ms = 5000,
    count_ms = 1000, /* gauges */
    idle_ms_max = 1000,
    again_ms = 20 /* nothing could be decided although something is there */
};

static enum err poll_batch(struct worker *worker, struct err_note *note);
static void note_waiting(struct worker *worker);
static bool ready(struct worker *worker, int64_t now_ms);
static void step_machine(struct worker *worker);
static enum err commit(struct worker *worker, struct err_note *note);
static void tick(struct worker *worker);
static void wait_for_work(struct worker *worker);

enum err loop_run(struct worker *worker, struct err_note *note)
{
    while (!worker_stopped(worker)) {
        TRY(loop_turn(worker, note));
        wait_for_work(worker);
    }
    return ERR_OK;
}

enum err loop_turn(struct worker *worker, struct err_note *note)
{
    TRY(poll_batch(worker, note));
    note_waiting(worker);
    if (ready(worker, clock_monotonic_ms())) {
        step_machine(worker);
        if (worker->batch.count > 0)
            TRY(commit(worker, note));
    }
    follow_run(worker->follow, clock_monotonic_ms());
    tick(worker);
    return ERR_OK;
}

static bool is_live(const struct worker *worker)
{
    return !worker->options.engine.clock_event;
}

static size_t waiting(const struct worker *worker)
{
    size_t count = 0;

    for (int i = 0; i < INPUT_COUNT; i++)
        count += worker->inputs[i].count;
    return count;
}

/* The first record at or behind an offset; NULL: none was fetched. */
static const struct record *first_from(const struct bus_input *input, int64_t offset)
{
    size_t at = input->count;

    while (at > 0 && input->records[at - 1].offset >= offset)
        at--;
    return at < input->count ? &input->records[at] : NULL;
}

/* Clock: event, without end markers: the log ends where it ended at first start. What comes behind
 * would never be decided, and nobody would notice; a marker behind it makes it no better. */
static enum err check_ends(const struct worker *worker, struct err_note *note)
{
    for (int i = 0; i < INPUT_COUNT; i++) {
        int64_t end = engine_meta(worker->engine)->positions[i].fixed_end;
        const struct record *late = end < 0 ? NULL : first_from(&worker->inputs[i], end);

        if (late != NULL && !merge_is_marker(late))
            return FAIL(note, ERR_BUS_REFUSED,
                        "clock: event: %s, partition %" PRId32 ": a record came at offset %" PRId64
                        ", behind the end that the topics had when they were first read (%" PRId64
                        "). Was `play` still sending? On new topics, start this when it is done, "
                        "or before it begins and let it send end markers (--end)",
                        worker->options.engine.topics[i], worker->options.engine.partition,
                        late->offset, end);
    }
    return ERR_OK;
}

static enum err poll_batch(struct worker *worker, struct err_note *note)
{
    size_t before = waiting(worker);
    bool ends[INPUT_COUNT];

    for (int i = 0; i < INPUT_COUNT; i++)
        ends[i] = worker->inputs[i].at_end;
    TRY(worker->bus->ops->fetch(worker->bus, worker->options.engine.records_max, worker->inputs,
                                note));
    if (!is_live(worker))
        TRY(check_ends(worker, note));
    for (int i = 0; i < INPUT_COUNT; i++)
        worker->fresh |= ends[i] != worker->inputs[i].at_end;
    if (waiting(worker) == 0)
        worker->arrived_ms = INT64_MAX;
    else if (before == 0)
        worker->arrived_ms = clock_monotonic_ms();
    worker->fresh |= waiting(worker) != before;
    return ERR_OK;
}

/* Is every input that brings nothing waited for long enough? Monotonic ms when it is. */
static int64_t merged_ms(const struct worker *worker)
{
    int64_t until_ms = worker->arrived_ms;

    for (int i = 0; i < INPUT_COUNT; i++) {
        const struct bus_input *input = &worker->inputs[i];
        int64_t wait_ms = input->at_end ? worker->options.merge_wait_ms : straggler_ms_max;

        if (input->count == 0 && worker->arrived_ms + wait_ms > until_ms)
            until_ms = worker->arrived_ms + wait_ms;
    }
    return until_ms;
}

/* Monotonic ms when there is something to decide; INT64_MAX: not before something comes. */
static int64_t ready_ms(struct worker *worker, int64_t now_ms)
{
    int64_t ready_ms = INT64_MAX, due_ms = engine_due(worker->engine);

    if (worker->limited)
        return now_ms;
    if (is_live(worker) && due_ms != INT64_MAX) {
        int64_t left_ms = due_ms - clock_read(&worker->clock);

        ready_ms = now_ms + (left_ms > 0 ? left_ms : 0);
    }
    if (waiting(worker) > 0 || !is_live(worker)) {
        int64_t merge_ms = is_live(worker) ? merged_ms(worker) : now_ms;

        if (waiting(worker) >= worker->options.engine.records_max)
            merge_ms = now_ms;
        if ((worker->fresh || is_live(worker)) && merge_ms < ready_ms)
            ready_ms = merge_ms;
    }
    if (!worker->fresh && ready_ms < worker->full_stop_ms)
        ready_ms = worker->full_stop_ms;
    if (ready_ms < worker->began_ms + worker->options.commit_interval_ms)
        ready_ms = worker->began_ms + worker->options.commit_interval_ms;
    return ready_ms;
}

static bool ready(struct worker *worker, int64_t now_ms)
{
    return ready_ms(worker, now_ms) <= now_ms;
}

static void find_horizon(struct worker *worker, struct engine_time *time)
{
    struct horizon_input inputs[INPUT_COUNT];
    int64_t ends[INPUT_COUNT];
    struct err_note note;
    int64_t now_ms = time->clock_ms;

    if (horizon_wants_ends(&worker->horizon, engine_due(worker->engine), now_ms)) {
        if (worker->bus->ops->ends(worker->bus, ends, &note) == ERR_OK)
            horizon_answer(&worker->horizon, ends, now_ms);
        else
            horizon_silence(&worker->horizon, now_ms);
    }
    for (int i = 0; i < INPUT_COUNT; i++) {
        const struct bus_input *input = &worker->inputs[i];

        inputs[i] = (struct horizon_input){
            .read_to = input->read_to,
            .waiting = input->count > 0,
            .waiting_ms = input->count > 0 ? input->records[0].timestamp_ms : 0,
        };
    }
    if (!horizon_update(&worker->horizon, inputs, now_ms, &time->horizon_ms,
                        &time->horizon_stop_ms))
        return;
    worker_count_add(worker, WORKER_COUNT_NOT_WAITED, 1);
    metrics_add(worker->metrics, METRIC_inputs_not_waited, 0, 1);
    atomic_store(&worker->unread_ms, clock_monotonic_ms());
    if (now_ms - worker->not_waited_ms > 10000)
        log_error("an input cannot be read: deadlines do not wait for it any longer",
                  LOG_INT("partition", worker->options.engine.partition));
    worker->not_waited_ms = now_ms;
}

static void note_oldest(struct worker *worker)
{
    worker->oldest_ms = INT64_MAX;
    for (int i = 0; i < INPUT_COUNT; i++) {
        if (worker->batch.taken[i] > 0 &&
            worker->inputs[i].records[0].timestamp_ms < worker->oldest_ms)
            worker->oldest_ms = worker->inputs[i].records[0].timestamp_ms;
    }
}

static void step_machine(struct worker *worker)
{
    struct engine_input inputs[INPUT_COUNT];
    struct engine_time time = {.clock_ms = clock_read(&worker->clock)};
    const struct engine_meta *meta = engine_meta(worker->engine);
    struct batch *batch = &worker->batch;
    int64_t began_us;

    if (is_live(worker))
        find_horizon(worker, &time);
    for (int i = 0; i < INPUT_COUNT; i++) {
        const struct bus_input *input = &worker->inputs[i];
        int64_t end = meta->positions[i].fixed_end;

        inputs[i] = (struct engine_input){
            .records = input->records,
            .count = input->count,
            .at_end = end >= 0 && input->read_to >= end,
        };
    }
    began_us = clock_monotonic_us();
    engine_decide(worker->engine, inputs, &time, batch);
    if (batch->count > 0)
        metrics_observe(worker->metrics, METRIC_decide, 0, clock_monotonic_us() - began_us);
    note_oldest(worker);
    worker->bus->ops->taken(worker->bus, batch->taken);
    worker->fresh = false;
    worker->limited =
        batch->count > 0 && (batch->end == BATCH_END_RECORDS || batch->end == BATCH_END_TIMERS ||
                             batch->end == BATCH_END_BYTES);
    worker->full_stop_ms = batch->count > 0 ? 0 : clock_monotonic_ms() + again_ms;
    POINT(batch_decided);
    /* The records went with `taken`: what is held now is learnt with the next fetch. */
    for (int i = 0; i < INPUT_COUNT; i++) {
        worker->inputs[i].count -= batch->taken[i];
        worker->inputs[i].records = NULL;
    }
    worker->arrived_ms = waiting(worker) > 0 ? worker->arrived_ms : INT64_MAX;
}

static enum err commit(struct worker *worker, struct err_note *note)
{
    struct bus_cancel cancel = worker_cancel_later(worker);
    struct bus_committed committed;
    struct batch *batch = &worker->batch;
    int64_t began_us = clock_monotonic_us();
    enum err err;

    worker->began_ms = began_us / 1000;
    worker->kept = false;
    err = worker->bus->ops->commit(worker->bus, batch, &cancel, &committed, note);
    if (err == ERR_OK)
        worker->meta_offset = committed.meta_offset;
    else
        TRY(takeover_resolve(worker, err, &committed, note));
    POINT(batch_committed);
    worker->kept = true;
    worker->committed = *engine_meta(worker->engine);
    follow_committed(worker->follow, batch, &worker->committed, worker->meta_offset);
    count_batch(worker, clock_monotonic_us() - began_us);
    if (worker->options.spans != NULL)
        spans_put(worker->options.spans, batch, worker->options.engine.partition, clock_wall_ms());
    worker_progress(worker);
    return ERR_OK;
}

/* For health: what waits, and since when. The records are lent: before they are decided. */
static void note_waiting(struct worker *worker)
{
    for (int i = 0; i < INPUT_COUNT; i++) {
        const struct bus_input *input = &worker->inputs[i];

        atomic_store_explicit(&worker->waiting_since_ms[i],
                              is_live(worker) && input->count > 0 ? input->records[0].timestamp_ms
                                                                  : INT64_MAX,
                              memory_order_relaxed);
    }
}

static void note_redis(struct worker *worker, int64_t now_ms)
{
    uint64_t behind = follow_behind(worker->follow);
    int64_t since_ms = atomic_load(&worker->redis_since_ms);

    if (behind == 0) {
        atomic_store(&worker->redis_since_ms, INT64_MAX);
    } else if (since_ms == INT64_MAX || worker->committed.number - behind >= worker->redis_target) {
        worker->redis_target = worker->committed.number;
        atomic_store(&worker->redis_since_ms, now_ms);
    }
}

static void tick(struct worker *worker)
{
    int64_t now_ms = clock_monotonic_ms();

    if (waiting(worker) == 0 || !is_live(worker))
        worker_progress(worker);
    if (worker->clock.slow && !atomic_load(&worker->slow))
        log_error(
            "the saved clock is far ahead of this machine's: time goes at half its pace until "
            "they meet; check the clocks of all machines",
            LOG_INT("partition", worker->options.engine.partition),
            LOG_INT("ahead_ms", worker->clock.now_ms - clock_wall_ms()));
    atomic_store(&worker->slow, worker->clock.slow);
    note_redis(worker, now_ms);
    if (now_ms - worker->told_ms >= tell_ms && worker->committed.number > 0) {
        int64_t next[INPUT_COUNT];

        for (int i = 0; i < INPUT_COUNT; i++)
            next[i] = worker->committed.positions[i].next_offset;
        worker->bus->ops->tell(worker->bus, next);
        worker->told_ms = now_ms;
    }
    if (now_ms - worker->counted_ms >= count_ms) {
        worker->counted_ms = now_ms;
        count_gauges(worker);
        count_machine(worker);
    }
}

static void wait_for_work(struct worker *worker)
{
    struct pollfd fds[3] = {{.fd = worker->bus->ops->fd(worker->bus), .events = POLLIN},
                            {.fd = worker->wake_fd, .events = POLLIN},
                            {.fd = -1}};
    int64_t now_ms = clock_monotonic_ms(), wake_ms = now_ms + idle_ms_max;
    int64_t decide_ms = ready_ms(worker, now_ms);
    int64_t follow_ms = follow_wake_ms(worker->follow);

    if (worker->store != NULL)
        fds[2].fd = store_fd(worker->store, &fds[2].events);
    if (decide_ms < wake_ms)
        wake_ms = decide_ms;
    if (follow_ms < wake_ms)
        wake_ms = follow_ms;
    (void)poll(fds, 3, wake_ms > now_ms ? (int)(wake_ms - now_ms) : 0);
}
