/* What a worker tells its metrics. */
#include "daemon/worker.h"

/* In the order of the metrics' labels: the dead letters together. */
static int output_label(enum topic topic)
{
    return topic >= TOPIC_DLQ_FIRST ? (int)TOPIC_DLQ_FIRST - (int)INPUT_COUNT
                                    : (int)topic - (int)INPUT_COUNT;
}

static void count_records(struct worker *worker)
{
    const struct batch *batch = &worker->batch;
    uint64_t sent[TOPIC_COUNT] = {0};

    for (size_t i = 0; i < batch->count; i++)
        sent[batch->records[i].topic]++;
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

void count_gauges(struct worker *worker)
{
    const struct machine *machine = engine_machine(worker->engine);
    bool clock_event = worker->options.engine.clock_event;
    int64_t due_ms = engine_due(worker->engine);

    for (int i = 0; i < INPUT_COUNT; i++)
        metrics_set(worker->metrics, METRIC_input_waiting, i, (int64_t)worker->inputs[i].count);
    metrics_set(worker->metrics, METRIC_redis_backlog, 0,
                (int64_t)follow_backlog_bytes(worker->follow));
    metrics_set(worker->metrics, METRIC_redis_behind, 0, (int64_t)follow_behind(worker->follow));
    metrics_set(
        worker->metrics, METRIC_timers_late, 0,
        clock_event || due_ms >= worker->clock.now_ms ? 0 : (worker->clock.now_ms - due_ms) * 1000);
    metrics_set(worker->metrics, METRIC_clock_slow, 0, worker->clock.slow);
    metrics_set(worker->metrics, METRIC_callbacks, 0, (int64_t)machine_callbacks(machine));
    metrics_set(worker->metrics, METRIC_entities, 0, (int64_t)worker->committed.entity_count);
    metrics_set(worker->metrics, METRIC_memory, 0, (int64_t)machine_bytes(machine));
}
