#include "daemon/run.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/version.h"
#include "daemon/bus_kafka.h"
#include "daemon/hanging.h"
#include "daemon/health.h"
#include "daemon/notify.h"
#include "daemon/room.h"
#include "daemon/security.h"
#include "daemon/spans.h"
#include "daemon/topics.h"
#include "daemon/watchdog.h"

enum {
    poll_ms = 50,
    start_timeout_ms = 10000,
    watchdog_ms = 60 * 1000,
    watchdog_tick_ms = 1000, /* and of this thread, which may wait for workers that end */
    watchdog_ticks = 150,
    asleep_ms = 5000, /* between two looks at the workers: the process was frozen, or blocked */
    topics_ms = 60 * 1000, /* how often partition counts are looked at again */
    tell_ms = 60 * 1000,
    hanging_ms = 10 * 1000, /* how often the outputs' ends are looked at */
    hanging_timeout_ms = 1000,
    outputs_count = TOPIC_COUNT - INPUT_COUNT,
    behind_for_ms = 1000,      /* until what waits too long is told */
    unread_for_ms = 10 * 1000, /* how long it is told that an input was not waited for */
    interval_ms = 4, /* of commits, a partition: the broker manages some 300 transactions/s */
    compare_ms = 3600 * 1000
};

struct running {
    const struct run_options *run;
    const struct options *options;
    struct topics topics;
    struct machine_options machine;
    struct arena arena;
    const char *decides;
    rd_kafka_t *client;
    struct kafka_log *log;
    struct kafka_group *group;
    struct worker **workers; /* by partition; NULL: never ours */
    int32_t partitions;
    struct hanging *hanging; /* by partition and output */
    struct watchdog *watchdog;
    struct health health;
    struct notify notify;
    struct health_view view; /* its partitions have room for all */
    int64_t
        *behind_from_ms; /* by partition, monotonic: records wait too long since; 0: they do not */
    struct http *http;
    struct spans *spans; /* NULL: none are written */
    struct kafka_setting spans_settings[option_kafka_count_max];
    int64_t looked_ms; /* monotonic: at the workers */
    int64_t awake_ms;  /* monotonic: since when this thread runs without a pause */
    enum err err;
    struct err_note *note;
};

void run_worker_options(const struct options *options, const struct topics *topics,
                        const struct machine_options *machine, const char *decides,
                        int32_t partition, size_t partitions_active, struct worker_options *worker)
{
    struct engine_options *engine = &worker->engine;
    struct room room;

    room_share(options, topics->items[TOPIC_STATE].partitions, &room);
    *worker = (struct worker_options){
        .commit_interval_ms = options->commit_interval_ms,
        .merge_wait_ms = options->merge_wait_ms,
        .max_clock_skew_ms = options->max_clock_skew_ms,
        .fence_wait_ms = options->session_timeout_ms,
        .delete_retention_ms = topics->items[TOPIC_STATE].delete_retention_ms,
        .compare_ms = compare_ms,
        .backlog_bytes_max = (size_t)room.backlog_bytes,
        .horizon = {options->horizon_wait_ms, options->horizon_wait_stop_ms},
    };
    if (worker->commit_interval_ms == 0)
        worker->commit_interval_ms = interval_ms * (int64_t)partitions_active;
    engine_options_default(engine);
    engine->machine = machine;
    engine->partition = partition;
    for (int i = 0; i < TOPIC_COUNT; i++) {
        engine->partitions[i] = topics->items[i].partitions;
        engine->topics[i] = options->topic_names[i];
    }
    engine->partitioner = (enum partitioner)options->partitioner;
    engine->framing = options->framing;
    engine->clock_event = options->clock == OPTION_CLOCK_EVENT;
    engine->records_max = (size_t)room.batch_records;
    engine->timers_max = (size_t)options->batch_timers_max;
    engine->bytes_max = (size_t)room.batch_bytes;
    engine->dlq_bytes_max = (size_t)options->dlq_bytes_max;
    engine->event_jump_max_ms = options->event_jump_max;
    engine->trace_begin = (enum trace_begin)options->trace_begin;
    engine->cluster_id = topics->cluster_id;
    engine->program_version = RINGBACK_VERSION;
    engine->decides = decides;
}

static enum err create_store(const struct options *options, const struct topics *topics,
                             int32_t partition, struct store **store, struct err_note *note)
{
    struct store_redis_options redis = security_redis(options);

    *store = NULL;
    if (!options->redis_enabled)
        return ERR_OK;
    redis.cluster_id = topics->cluster_id;
    redis.group = options->group;
    redis.partition = partition;
    return store_redis_create(&redis, store, note);
}

enum err run_store(const struct options *options, const struct topics *topics, int32_t partition,
                   struct store **store, struct err_note *note)
{
    *store = NULL;
    if (options->redis_enabled)
        TRY(security_check_redis(options, note));
    return create_store(options, topics, partition, store, note);
}

/* --- the group's events, in the process's thread --- */

static void start_worker(struct running *running, int32_t partition, size_t active)
{
    struct worker_options options;
    struct worker *worker = running->workers[partition];
    struct store *store = NULL;

    run_worker_options(running->options, &running->topics, &running->machine, running->decides,
                       partition, active, &options);
    options.spans = running->spans;
    options.engine.spans = running->spans != NULL;
    if (worker == NULL) {
        /* Files that are gone for now are no reason to end: Redis is tried again. */
        if (create_store(running->options, &running->topics, partition, &store, running->note) !=
            ERR_OK) {
            running->err = ERR_BAD_OPTION;
            return;
        }
        worker = running->workers[partition] = worker_create(&options, store);
    }
    worker->options.commit_interval_ms = options.commit_interval_ms;
    worker_start(worker,
                 bus_kafka_create(running->options, running->group, running->log, partition));
}

static void on_assigned(void *context, const int32_t *partitions, size_t count)
{
    struct running *running = context;
    size_t at = 0;

    log_info("partitions assigned", LOG_UINT("count", count));
    running->view.started = true;
    for (int32_t i = 0; i < running->partitions; i++) {
        if (at < count && partitions[at] == i) {
            at++;
            start_worker(running, i, count);
        } else { /* another has it now: what was kept is of no use */
            worker_destroy(running->workers[i]);
            running->workers[i] = NULL;
        }
    }
}

static void on_revoked(void *context)
{
    struct running *running = context;

    for (int32_t i = 0; i < running->partitions; i++) {
        if (running->workers[i] != NULL)
            worker_ask_stop(running->workers[i]);
    }
    for (int32_t i = 0; i < running->partitions; i++) {
        if (running->workers[i] != NULL)
            worker_join(running->workers[i]);
    }
    log_info("partitions given back");
}

/* --- start --- */

static enum err read_topics(struct running *running, struct topics *topics, struct err_note *note)
{
    struct topics_report *report = memory_zalloc(sizeof(*report), "a report");
    enum err err = topics_read(running->client, running->options, running->run->described,
                               start_timeout_ms, topics, note);

    if (err == ERR_OK) {
        topics_check(topics, running->options, false, report);
        err = topics_refused(topics, report, note);
    }
    for (size_t i = 0; i < report->count && topics == &running->topics; i++) {
        if (report->items[i].severity == TOPICS_WARNED)
            log_warn("a topic is not as it should be",
                     LOG_TEXT("topic", topics->items[report->items[i].topic].name),
                     LOG_TEXT("why", report->items[i].text));
    }
    free(report);
    return err;
}

static enum err join_group(struct running *running, struct err_note *note)
{
    const struct options *options = running->options;
    struct kafka_setting items[option_kafka_count_max];
    struct kafka_group_events events = {running, on_assigned, on_revoked};
    struct kafka_group_options group = {
        .settings = bus_kafka_settings(options, items),
        .group = options->group,
        .instance = options->group_instance_id,
        .session_timeout_ms = options->session_timeout_ms,
        .partitions_max = running->partitions,
    };
    struct room room;

    room_share(options, running->partitions, &room);
    group.queued_bytes = room.queued_bytes;
    for (int i = 0; i < INPUT_COUNT; i++)
        group.topics[i] = options->topic_names[i];
    TRY(kafka_log_create(&group.settings, &running->log, note));
    return kafka_group_create(&group, &events, &running->group, note);
}

/* First of all, so that what takes long at a start is seen. */
static enum err start_http(struct running *running, struct err_note *note)
{
    struct http_options http = {running->options->http_listen, health_handle, &running->health};

    if (http.listen[0] == '\0')
        return ERR_OK;
    TRY(http_start(&http, &running->http, note));
    log_info("health and metrics", LOG_TEXT("listen", http.listen));
    return ERR_OK;
}

static enum err start_spans(struct running *running, struct err_note *note)
{
    const struct options *options = running->options;
    struct spans_options spans = {
        .file = options->trace_file,
        .topic = options->trace_topic,
        .percent = (int)options->trace_percent,
        .group = options->group,
        .settings = bus_kafka_settings(options, running->spans_settings),
    };

    if (spans.file[0] == '\0' && spans.topic[0] == '\0')
        return ERR_OK;
    for (int i = 0; i < INPUT_COUNT; i++)
        spans.topics[i] = options->topic_names[i];
    return spans_create(&spans, &running->spans, note);
}

static enum err prepare(struct running *running, struct err_note *note)
{
    struct store *store;

    if (running->options->redis_enabled) /* before anything is waited for */
        TRY(security_check_redis(running->options, note));
    TRY(topics_client(running->options, &running->client, note));
    TRY(read_topics(running, &running->topics, note));
    running->partitions = running->topics.items[TOPIC_STATE].partitions;
    running->workers =
        memory_zalloc((size_t)running->partitions * sizeof(struct worker *), "workers");
    running->view.partitions =
        memory_zalloc((size_t)running->partitions * sizeof(*running->view.partitions), "health");
    running->behind_from_ms =
        memory_zalloc((size_t)running->partitions * sizeof(*running->behind_from_ms), "health");
    running->hanging = memory_zalloc(
        (size_t)running->partitions * outputs_count * sizeof(*running->hanging), "outputs");
    options_machine(running->options, &running->machine);
    running->decides = options_decides_text(running->options, &running->arena);
    kafka_fault_log();
    TRY(create_store(running->options, &running->topics, 0, &store, note)); /* does it fit? */
    store_destroy(store);
    return join_group(running, note);
}

/* --- while it runs --- */

static enum err check_workers(struct running *running, struct err_note *note)
{
    int64_t now_ms = clock_monotonic_ms();
    int deciding = 0;

    if (now_ms - running->looked_ms > asleep_ms)
        running->awake_ms = now_ms;
    running->looked_ms = now_ms;
    for (int32_t i = 0; i < running->partitions; i++) {
        struct worker *worker = running->workers[i];

        if (worker == NULL || !worker->threaded)
            continue;
        deciding += atomic_load(&worker->state) == WORKER_STATE_RUNNING;
        if (atomic_load(&worker->state) == WORKER_STATE_REFUSED) {
            *note = worker->note;
            return note->err;
        }
        if (now_ms - atomic_load(&worker->progress_ms) > watchdog_ms &&
            now_ms - running->awake_ms > watchdog_ms) {
            /* Its thread hangs: nothing can be ended in order any more. */
            log_error("a partition makes no progress though work waits: the process ends",
                      LOG_INT("partition", i),
                      LOG_TEXT("state",
                               worker_state_name((enum worker_state)atomic_load(&worker->state))));
            abort();
        }
    }
    if (running->run->deciding != NULL)
        atomic_store(running->run->deciding, deciding);
    return running->err;
}

/* The age of what waits longest; each input's own goes to the metrics. */
static int64_t oldest_ms(const struct worker *worker)
{
    int64_t wall_ms = clock_wall_ms(), oldest_ms = 0;

    for (int i = 0; i < INPUT_COUNT; i++) {
        int64_t since_ms = atomic_load(&worker->waiting_since_ms[i]);
        int64_t age_ms = since_ms < wall_ms ? wall_ms - since_ms : 0;

        metrics_set(worker->metrics, METRIC_lag, i, age_ms * 1000);
        oldest_ms = age_ms > oldest_ms ? age_ms : oldest_ms;
    }
    return oldest_ms;
}

/* One record with an old stamp is not yet a queue: what waits too long does so for a while. */
static int64_t records_behind_ms(struct running *running, const struct worker *worker,
                                 int32_t partition, int64_t now_ms)
{
    int64_t behind_ms = oldest_ms(worker);
    int64_t *from_ms = &running->behind_from_ms[partition];

    if (behind_ms <= running->options->health_behind) {
        *from_ms = 0;
        return behind_ms;
    }
    if (*from_ms == 0)
        *from_ms = now_ms;
    return now_ms - *from_ms >= behind_for_ms ? behind_ms : 0;
}

static bool any_hangs(const struct running *running, int32_t partition)
{
    for (int i = 0; i < outputs_count; i++) {
        if (running->hanging[partition * outputs_count + i].hangs)
            return true;
    }
    return false;
}

static void set_metrics(const struct worker *worker, const struct health_partition *partition)
{
    for (int state = 0; state < WORKER_STATE_COUNT; state++)
        metrics_set(worker->metrics, METRIC_worker_state, state, (int)partition->state == state);
    metrics_set(worker->metrics, METRIC_redis_lag, 0, partition->redis_behind_ms * 1000);
    metrics_set(worker->metrics, METRIC_transaction_hangs, 0, partition->hangs);
}

static void see_health(struct running *running, bool stopping, bool memory_over)
{
    struct health_view *view = &running->view;
    int64_t now_ms = clock_monotonic_ms();
    int deciding = 0;

    view->stopping = stopping;
    view->memory_over = memory_over;
    view->count = 0;
    for (int32_t i = 0; i < running->partitions; i++) {
        const struct worker *worker = running->workers[i];
        struct health_partition *partition = &view->partitions[view->count];
        int64_t redis_ms, unread_ms;

        if (worker == NULL || !worker->threaded)
            continue;
        redis_ms = atomic_load(&worker->redis_since_ms);
        unread_ms = atomic_load(&worker->unread_ms);
        *partition = (struct health_partition){
            .partition = i,
            .state = (enum worker_state)atomic_load(&worker->state),
            .behind_ms = records_behind_ms(running, worker, i, now_ms),
            .redis_behind_ms = redis_ms == INT64_MAX ? 0 : now_ms - redis_ms,
            .clock_slow = atomic_load(&worker->slow),
            .input_unread = unread_ms != 0 && now_ms - unread_ms < unread_for_ms,
            .hangs = any_hangs(running, i),
        };
        deciding += partition->state == WORKER_STATE_RUNNING;
        set_metrics(worker, partition);
        view->count++;
    }
    metrics_set(metrics_of(-1), METRIC_partitions, 0, deciding);
    metrics_set(metrics_of(-1), METRIC_partitions_assigned, 0, (int64_t)view->count);
    health_see(&running->health, view, now_ms);
}

static void tell_supervisor(struct running *running)
{
    int64_t now_ms = clock_monotonic_ms();
    char line[notify_line_bytes_max];
    bool ready;

    if (!notify_due(&running->notify, now_ms))
        return;
    ready = health_line(&running->health, now_ms, line, sizeof(line));
    notify_turn(&running->notify, ready, line, now_ms);
}

/* The outputs of the partitions that are decided here. */
static size_t list_outputs(const struct running *running, struct kafka_end *ends,
                           struct hanging **hanging)
{
    size_t count = 0;

    for (int32_t i = 0; i < running->partitions; i++) {
        const struct worker *worker = running->workers[i];

        if (worker == NULL || !worker->threaded ||
            atomic_load(&worker->state) != WORKER_STATE_RUNNING)
            continue;
        for (int j = 0; j < outputs_count; j++) {
            const struct topic_info *topic = &running->topics.items[INPUT_COUNT + j];

            hanging[count] = &running->hanging[i * outputs_count + j];
            ends[count++] =
                (struct kafka_end){.topic = topic->name, .partition = i % topic->partitions};
        }
    }
    return count;
}

/* For the lag in records: what the workers hear themselves stands still while they fetch nothing.
 */
static void ask_input_ends(struct running *running)
{
    size_t count = 0, asked = (size_t)running->partitions * INPUT_COUNT;
    struct kafka_end *ends = memory_zalloc(asked * sizeof(*ends), "ends");
    atomic_llong **into = memory_zalloc(asked * sizeof(*into), "ends");
    struct err_note ignored;

    for (int32_t i = 0; i < running->partitions; i++) {
        struct worker *worker = running->workers[i];

        if (worker == NULL || !worker->threaded)
            continue;
        for (int j = 0; j < INPUT_COUNT; j++) {
            into[count] = &worker->input_ends[j];
            ends[count++] =
                (struct kafka_end){.topic = running->topics.items[j].name, .partition = i};
        }
    }
    if (count > 0 &&
        kafka_log_many_ends(running->log, ends, count, hanging_timeout_ms, &ignored) == ERR_OK) {
        for (size_t i = 0; i < count; i++) {
            if (ends[i].high >= 0)
                atomic_store(into[i], ends[i].high);
        }
    }
    free(into);
    free(ends);
}

/* protocol.md, "When anything fails". A broker that does not answer is told elsewhere. */
static void check_hanging(struct running *running)
{
    size_t count_max = (size_t)running->partitions * outputs_count, count;
    struct kafka_end *ends = memory_zalloc(count_max * sizeof(*ends), "ends");
    struct hanging **hanging = memory_zalloc(count_max * sizeof(struct hanging *), "ends");
    int64_t limit_ms = 2 * running->options->transaction_timeout_ms;
    struct err_note ignored;

    count = list_outputs(running, ends, hanging);
    if (count > 0 &&
        kafka_log_many_ends(running->log, ends, count, hanging_timeout_ms, &ignored) != ERR_OK)
        count = 0;
    for (size_t i = 0; i < count; i++) {
        if (ends[i].stable >= 0 && ends[i].high >= 0 &&
            hanging_alarms(hanging[i], ends[i].stable, ends[i].high, clock_monotonic_ms(),
                           limit_ms))
            log_error("a transaction hangs on an output: readers see nothing behind it. End it "
                      "with Kafka's `kafka-transactions.sh abort`",
                      LOG_TEXT("topic", ends[i].topic), LOG_INT("partition", ends[i].partition),
                      LOG_INT("offset", ends[i].stable));
    }
    free(hanging);
    free(ends);
}

static void say_counts(const struct running *running)
{
    for (int32_t i = 0; i < running->partitions; i++) {
        struct worker *worker = running->workers[i];

        if (worker == NULL)
            continue;
        log_info(
            "partition", LOG_INT("partition", i),
            LOG_TEXT("state", worker_state_name((enum worker_state)atomic_load(&worker->state))),
            LOG_INT("batches", atomic_load(&worker->counts[WORKER_COUNT_BATCHES])),
            LOG_INT("records", atomic_load(&worker->counts[WORKER_COUNT_RECORDS])),
            LOG_INT("timers", atomic_load(&worker->counts[WORKER_COUNT_TIMERS])),
            LOG_INT("outputs", atomic_load(&worker->counts[WORKER_COUNT_OUTPUTS])),
            LOG_INT("dead_letters", atomic_load(&worker->counts[WORKER_COUNT_DEAD_LETTERS])),
            LOG_INT("look_ups", atomic_load(&worker->counts[WORKER_COUNT_LOOK_UPS])),
            LOG_INT("fences", atomic_load(&worker->counts[WORKER_COUNT_FENCES])));
    }
}

/* Partitions that were added would go to other domains: stop before anything is decided twice. */
static enum err check_topics(struct running *running, struct err_note *note)
{
    struct topics *topics = memory_zalloc(sizeof(*topics), "topics");
    struct err_note ignored;
    enum err err =
        topics_read(running->client, running->options, false, poll_ms * 20, topics, &ignored);

    if (err != ERR_OK) { /* a broker that is away is no reason to stop */
        free(topics);
        return ERR_OK;
    }
    for (int i = 0; err == ERR_OK && i < TOPIC_COUNT; i++) {
        const struct topic_info *was = &running->topics.items[i], *now = &topics->items[i];

        if (now->present && now->partitions != was->partitions)
            err = FAIL(note, ERR_BUS_REFUSED,
                       "topic %s had %" PRId32 " partitions, now it has %" PRId32
                       ": start again, after all inputs, state and journal have the same count",
                       was->name, was->partitions, now->partitions);
    }
    free(topics);
    return err;
}

static enum err serve(struct running *running, struct err_note *note)
{
    int64_t topics_at_ms = clock_monotonic_ms() + topics_ms;
    int64_t tell_at_ms = clock_monotonic_ms() + tell_ms;
    int64_t each_ms = running->options->transaction_timeout_ms < hanging_ms
                          ? running->options->transaction_timeout_ms
                          : hanging_ms;
    int64_t hanging_at_ms = clock_monotonic_ms() + each_ms;
    struct room_watch room = {.limit = running->options->memory_limit};

    while (!running->run->stopped(running->run->context)) {
        watchdog_turn(running->watchdog);
        TRY(kafka_group_poll(running->group, poll_ms, note));
        TRY(check_workers(running, note));
        room_look(&room, clock_monotonic_ms());
        see_health(running, false, room.over);
        tell_supervisor(running);
        if (clock_monotonic_ms() >= topics_at_ms) {
            TRY(check_topics(running, note));
            topics_at_ms = clock_monotonic_ms() + topics_ms;
        }
        if (clock_monotonic_ms() >= hanging_at_ms) {
            check_hanging(running);
            ask_input_ends(running);
            hanging_at_ms = clock_monotonic_ms() + each_ms;
        }
        if (clock_monotonic_ms() >= tell_at_ms) {
            say_counts(running);
            tell_at_ms = clock_monotonic_ms() + tell_ms;
        }
    }
    return ERR_OK;
}

/* Called by the watchdog. What the main thread waits for does not come back. */
static void hangs(void *context)
{
    (void)context;
    log_error("the process's own thread hangs, while a partition was given back or the group was "
              "left: the process ends",
              LOG_INT("seconds", watchdog_tick_ms / 1000 * watchdog_ticks));
    abort();
}

enum err run_daemon(const struct run_options *run, struct err_note *note)
{
    struct running *running = memory_zalloc(sizeof(*running), "the daemon");
    enum err err;

    running->run = run;
    running->options = run->options;
    running->note = note;
    arena_init(&running->arena);
    health_init(&running->health, run->options->health_behind, clock_monotonic_ms());
    metrics_name(RINGBACK_VERSION, run->options->group);
    if (run->supervised)
        notify_init(&running->notify, clock_monotonic_ms());
    err = start_http(running, note);
    if (err == ERR_OK)
        err = start_spans(running, note);
    if (err == ERR_OK)
        err = prepare(running, note);
    if (err == ERR_OK) {
        log_info("running", LOG_TEXT("version", RINGBACK_VERSION),
                 LOG_TEXT("group", run->options->group),
                 LOG_TEXT("cluster", running->topics.cluster_id),
                 LOG_INT("partitions", running->partitions));
        running->watchdog = watchdog_create(watchdog_tick_ms, watchdog_ticks, hangs, NULL);
        err = serve(running, note);
        watchdog_turn(running->watchdog);
        see_health(running, true, false);
        notify_stop(&running->notify);
    }
    kafka_group_close(running->group);
    if (running->workers != NULL)
        say_counts(running);
    for (int32_t i = 0; running->workers != NULL && i < running->partitions; i++)
        worker_destroy(running->workers[i]);
    free(running->workers);
    spans_destroy(running->spans);
    http_stop(running->http);
    health_deinit(&running->health);
    free(running->view.partitions);
    free(running->behind_from_ms);
    free(running->hanging);
    kafka_log_destroy(running->log);
    if (running->client != NULL)
        rd_kafka_destroy(running->client);
    watchdog_destroy(running->watchdog);
    arena_deinit(&running->arena);
    free(running);
    return err;
}
