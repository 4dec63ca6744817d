/* What a worker tells its metrics. */
#include "daemon/worker.h"

enum {
    overdue_max = 10000,
    memory_backlog = MACHINE_MEMORY_END, /* labels of the metric memory, behind the machine's */
    memory_fetched,
    memory_batch,
    memory_count
};
_Static_assert((int)memory_count == (int)METRIC_LABEL_SIZE_memory, "each purpose has its label");
_Static_assert((int)BUS_FAULT_COUNT == (int)METRIC_LABEL_SIZE_fault, "each fault has its label");
_Static_assert((int)WORKER_STATE_COUNT == (int)METRIC_LABEL_SIZE_state, "each state has its label");

/* In the order of the metrics' labels: the dead letters together. */
static int output_label(enum topic topic)
{
    return topic >= TOPIC_DLQ_FIRST ? (int)TOPIC_DLQ_FIRST - (int)INPUT_COUNT
                                    : (int)topic - (int)INPUT_COUNT;
}

/* One record of the batch: what it is an answer to, why it is a dead letter, what it says. */
static void count_record(struct worker *worker, enum topic topic, const struct batch_cause *cause)
{
    struct metrics *metrics = worker->metrics;

    if (topic >= TOPIC_DLQ_FIRST) {
        metrics_add(metrics, METRIC_dead_letters,
                    METRIC_PAIR(dead_letter, cause->input, cause->reason), 1);
        return;
    }
    if (topic >= TOPIC_STATE)
        return;
    metrics_add(metrics, METRIC_decisions, METRIC_PAIR(decision, cause->kind, cause->reason), 1);
    if (topic == TOPIC_RESULTS && cause->input == INPUT_COMMANDS)
        metrics_add(metrics, METRIC_commands, METRIC_PAIR(answered, cause->command, cause->reason),
                    1);
}

static void count_records(struct worker *worker)
{
    const struct batch *batch = &worker->batch;
    uint64_t sent[TOPIC_COUNT] = {0};

    for (size_t i = 0; i < batch->count; i++) {
        sent[batch->records[i].topic]++;
        count_record(worker, batch->records[i].topic, &batch->causes[i]);
    }
    for (int i = 0; i < INPUT_COUNT; i++) {
        uint64_t dead = sent[TOPIC_DLQ_FIRST + i];

        metrics_add(worker->metrics, METRIC_records_read, i, batch->taken[i]);
        metrics_add(worker->metrics, METRIC_records_decided, i,
                    batch->taken[i] > dead ? batch->taken[i] - dead : 0);
    }
    for (int i = INPUT_COUNT; i < TOPIC_COUNT; i++)
        metrics_add(worker->metrics, METRIC_records_sent, output_label((enum topic)i), sent[i]);
}

void count_batch(struct worker *worker, int64_t commit_us)
{
    const struct batch *batch = &worker->batch;
    size_t undecided = 0;

    for (size_t i = 0; i < sizeof(batch->undecided) / sizeof(batch->undecided[0]); i++) {
        undecided += batch->undecided[i];
        metrics_add(worker->metrics, METRIC_records_undecided, (int)i, batch->undecided[i]);
    }
    count_records(worker);
    metrics_add(worker->metrics, METRIC_batches, 0, 1);
    metrics_observe(worker->metrics, METRIC_batch_records, 0, (int64_t)batch->decided);
    metrics_observe(worker->metrics, METRIC_commit, 0, commit_us);
    if (worker->oldest_ms != INT64_MAX && !worker->options.engine.clock_event)
        metrics_observe(worker->metrics, METRIC_delay, 0,
                        (clock_wall_ms() - worker->oldest_ms) * 1000);
    worker_count_add(worker, WORKER_COUNT_BATCHES, 1);
    worker_count_add(worker, WORKER_COUNT_RECORDS, batch->decided);
    worker_count_add(worker, WORKER_COUNT_TIMERS, batch->timers);
    worker_count_add(worker, WORKER_COUNT_OUTPUTS, batch->count);
    worker_count_add(worker, WORKER_COUNT_DEAD_LETTERS, undecided);
    worker_count_add(worker, WORKER_COUNT_COMMIT_US, (size_t)commit_us);
}

/* A machine that was loaded anew counts from 0. */
void count_machine(struct worker *worker)
{
    const struct machine *machine = engine_machine(worker->engine);

    for (int i = 0; i < MACHINE_COUNT_END; i++) {
        uint64_t now = machine_counted(machine, (enum machine_count)i);
        uint64_t was = worker->machine_counted[i];

        metrics_add(worker->metrics, METRIC_machine, i, now >= was ? now - was : now);
        worker->machine_counted[i] = now;
    }
}

/* What an input still has for us. Offsets may have gaps: who has read to the end lacks nothing. */
static int64_t lag_records(const struct worker *worker, int i, int64_t end)
{
    const struct bus_input *input = &worker->inputs[i];
    int64_t next = worker->committed.positions[i].next_offset;
    int64_t asked = atomic_load(&worker->input_ends[i]);

    end = asked > end ? asked : end;
    if (input->count == 0 && input->at_end && input->read_to >= end)
        return 0;
    return end > next ? end - next : 0;
}

static void count_inputs(struct worker *worker)
{
    int64_t ends[INPUT_COUNT];

    for (int i = 0; i < INPUT_COUNT; i++)
        ends[i] = -1;
    if (worker->bus->ops->heard_ends != NULL)
        worker->bus->ops->heard_ends(worker->bus, ends);
    for (int i = 0; i < INPUT_COUNT; i++) {
        metrics_set(worker->metrics, METRIC_input_waiting, i, (int64_t)worker->inputs[i].count);
        metrics_set(worker->metrics, METRIC_lag_records, i, lag_records(worker, i, ends[i]));
    }
}

static void count_memory(struct worker *worker, const struct machine *machine)
{
    struct metrics *metrics = worker->metrics;
    size_t fetched = 0;

    for (int i = 0; i < MACHINE_MEMORY_END; i++)
        metrics_set(metrics, METRIC_memory, i,
                    (int64_t)machine_bytes_of(machine, (enum machine_memory)i));
    for (int i = 0; i < INPUT_COUNT; i++)
        fetched += worker->inputs[i].bytes;
    metrics_set(metrics, METRIC_memory, memory_backlog,
                (int64_t)follow_backlog_bytes(worker->follow));
    metrics_set(metrics, METRIC_memory, memory_fetched, (int64_t)fetched);
    metrics_set(metrics, METRIC_memory, memory_batch, (int64_t)arena_bytes(&worker->batch.arena));
}

static void count_timers(struct worker *worker, const struct machine *machine)
{
    bool clock_event = worker->options.engine.clock_event;
    int64_t due_ms = engine_due(worker->engine), now_ms = worker->clock.now_ms;
    bool late = !clock_event && due_ms < now_ms;

    metrics_set(worker->metrics, METRIC_timers, 0, (int64_t)machine_timers(machine));
    metrics_set(worker->metrics, METRIC_timers_overdue, 0,
                late ? (int64_t)machine_overdue(machine, now_ms, overdue_max) : 0);
    metrics_set(worker->metrics, METRIC_timers_late, 0, late ? (now_ms - due_ms) * 1000 : 0);
}

void count_gauges(struct worker *worker)
{
    const struct machine *machine = engine_machine(worker->engine);
    struct metrics *metrics = worker->metrics;

    count_inputs(worker);
    count_timers(worker, machine);
    count_memory(worker, machine);
    metrics_set(metrics, METRIC_redis_backlog, 0, (int64_t)follow_backlog_bytes(worker->follow));
    metrics_set(metrics, METRIC_redis_behind, 0, (int64_t)follow_behind(worker->follow));
    metrics_set(metrics, METRIC_clock_slow, 0, worker->clock.slow);
    metrics_set(metrics, METRIC_callbacks, 0, (int64_t)machine_callbacks(machine));
    metrics_set(metrics, METRIC_entities, 0, (int64_t)worker->committed.entity_count);
}
