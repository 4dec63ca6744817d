/* The worker on a broker and a store in memory: take-over, unknown outcomes, fences, Redis behind.
 * The test turns the loop itself; only where a wait matters a thread does. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "daemon/kind.h"
#include "daemon/worker.h"
#include "tests/support/fake_bus.h"

/* Labels of the metric transactions_failed. */
enum { failed_resent, failed_unknown, failed_fenced, failed_uncommittable };

struct town {
    struct fake_bus *bus;
    struct store_world *world;
    struct machine_options machine;
    struct worker *worker;
    struct err_note note;
    int queues;
    bool clock_event;
    size_t backlog_bytes_max; /* of Redis; 0: a megabyte */
};

static void worker_options_of(struct town *town, struct worker_options *options)
{
    *options = (struct worker_options){
        .max_clock_skew_ms = 5000,
        .delete_retention_ms = -1,
        .backlog_bytes_max = 1 << 20,
        .horizon = {5000, 60000},
    };
    machine_options_default(&town->machine);
    engine_options_default(&options->engine);
    options->engine.machine = &town->machine;
    options->engine.cluster_id = "test";
    options->engine.clock_event = town->clock_event;
}

/* A process: what it knows dies with it. */
static void begin(struct town *town)
{
    struct worker_options options;

    worker_options_of(town, &options);
    town->worker = worker_create(&options, store_memory_create(town->world));
    town->worker->bus = fake_bus_of(town->bus);
    town->worker->follow = follow_create(&(struct follow_options){
        .store = town->worker->store,
        .bus = town->worker->bus,
        .backlog_bytes_max = town->backlog_bytes_max == 0 ? 1 << 20 : town->backlog_bytes_max});
}

static void end(struct town *town)
{
    follow_destroy(town->worker->follow);
    worker_destroy(town->worker);
    town->worker = NULL;
}

static int set_up(void **state)
{
    struct town *town = calloc(1, sizeof(*town));

    metrics_reset();
    town->bus = fake_bus_create();
    town->world = store_world_create();
    begin(town);
    *state = town;
    return 0;
}

static int tear_down(void **state)
{
    struct town *town = *state;

    end(town);
    fake_bus_destroy(town->bus);
    store_world_destroy(town->world);
    free(town);
    return 0;
}

static void must(struct town *town, enum err err)
{
    if (err != ERR_OK)
        fail_msg("%s: %s", err_name(err), town->note.text);
}

static void take(struct town *town)
{
    must(town, takeover(town->worker, &town->note));
}

static void turn(struct town *town)
{
    for (int i = 0; i < 5; i++)
        must(town, loop_turn(town->worker, &town->note));
}

static void add_queue(struct town *town)
{
    Ringback__V1__SettingsEvent event;
    Ringback__V1__QueueSettings queue;
    char id[20], queue_id[20];
    uint8_t value[200];

    ringback__v1__settings_event__init(&event);
    ringback__v1__queue_settings__init(&queue);
    snprintf(id, sizeof(id), "e%d", town->queues);
    snprintf(queue_id, sizeof(queue_id), "q%d", town->queues++);
    queue.queue_id = queue_id;
    queue.version = 1;
    event.id = id;
    event.event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_QUEUE;
    event.queue = &queue;
    assert_true(ringback__v1__settings_event__get_packed_size(&event) <= sizeof(value));
    fake_bus_add(town->bus, INPUT_SETTINGS, clock_wall_ms() - 10, slice_text("acme"),
                 slice_make(value, ringback__v1__settings_event__pack(&event, value)));
}

static void assert_store_equals_state(struct town *town)
{
    for (int i = 0; i < 50 && !follow_idle(town->worker->follow); i++)
        follow_run(town->worker->follow, clock_monotonic_ms() + 10000);
    assert_true(follow_idle(town->worker->follow));
    assert_int_equal(store_world_count(town->world), fake_bus_state_count(town->bus));
    for (size_t i = 0; i < town->bus->state.count; i++) {
        struct slice key = town->bus->state.records[i].key;
        struct slice want = fake_bus_state(town->bus, key);
        struct slice got = store_world_get(town->world, key);

        if (slice_equal(key, slice_text(META_KEY)))
            continue;
        assert_true((want.data == NULL) == (got.data == NULL));
        assert_true(slice_equal(got, want));
    }
}

static void worker_first_start_decides_and_redis_follows(void **state)
{
    struct town *town = *state;

    add_queue(town);
    add_queue(town);
    take(town);
    turn(town);
    assert_int_equal(town->bus->commits, 1);
    assert_int_equal(fake_bus_count(town->bus, TOPIC_RESULTS), 2);
    assert_int_equal(fake_bus_count(town->bus, TOPIC_JOURNAL), 1);
    assert_int_equal(engine_meta(town->worker->engine)->number, 1);
    assert_store_equals_state(town);
}

static void worker_after_a_death_goes_on_from_the_log(void **state)
{
    struct town *town = *state;
    uint64_t digest;

    add_queue(town);
    take(town);
    turn(town);
    digest = engine_meta(town->worker->engine)->entity_digest;
    end(town);
    store_world_clear(town->world);
    begin(town);
    take(town);
    assert_int_equal(engine_meta(town->worker->engine)->number, 1);
    assert_int_equal(engine_meta(town->worker->engine)->entity_digest, digest);
    turn(town);
    assert_int_equal(town->bus->commits, 1);
    add_queue(town);
    turn(town);
    assert_int_equal(town->bus->commits, 2);
    assert_int_equal(fake_bus_count(town->bus, TOPIC_RESULTS), 2);
    assert_store_equals_state(town);
}

static void worker_lost_commit_is_sent_again_once(void **state)
{
    struct town *town = *state;

    add_queue(town);
    take(town);
    town->bus->fault = FAKE_FAULT_LOST;
    turn(town);
    assert_int_equal(town->bus->commits, 1);
    assert_int_equal(fake_bus_count(town->bus, TOPIC_RESULTS), 1);
    assert_int_equal(atomic_load(&town->worker->counts[WORKER_COUNT_RESENT]), 1);
    assert_int_equal(metrics_total(METRIC_transactions_failed, failed_unknown), 1);
    assert_int_equal(metrics_total(METRIC_transactions_failed, failed_resent), 1);
    assert_int_equal(metrics_total(METRIC_producers_replaced, BUS_FAULT_ERROR), 1);
    assert_store_equals_state(town);
}

static void worker_unknown_commit_that_was_done_is_not_sent_again(void **state)
{
    struct town *town = *state;

    add_queue(town);
    take(town);
    turn(town);
    add_queue(town);
    town->bus->fault = FAKE_FAULT_UNKNOWN;
    turn(town);
    assert_int_equal(town->bus->commits, 2);
    assert_int_equal(fake_bus_count(town->bus, TOPIC_RESULTS), 2);
    assert_int_equal(atomic_load(&town->worker->counts[WORKER_COUNT_RESENT]), 0);
    assert_int_equal(atomic_load(&town->worker->counts[WORKER_COUNT_LOOK_UPS]), 1);
    assert_store_equals_state(town);
}

static void worker_lost_first_commit_after_a_restart_is_sent_again(void **state)
{
    struct town *town = *state;

    add_queue(town);
    take(town);
    turn(town);
    end(town);
    begin(town);
    take(town);
    add_queue(town);
    town->bus->fault = FAKE_FAULT_FENCED; /* librdkafka's word alone is no fence */
    turn(town);
    assert_int_equal(town->bus->commits, 2);
    assert_int_equal(engine_meta(town->worker->engine)->number, 2);
}

/* Another process decides the same batch first. */
static void worker_foreign_batch_is_a_fence(void **state)
{
    struct town *town = *state;
    struct town other = {.bus = town->bus, .world = town->world};
    int opens;

    add_queue(town);
    take(town);
    turn(town);
    begin(&other);
    take(&other);
    add_queue(town);
    turn(&other);
    assert_int_equal(town->bus->commits, 2);
    town->bus->fault = FAKE_FAULT_FENCED;
    town->bus->at[INPUT_SETTINGS] = 1; /* the frozen one reads it too */
    opens = town->bus->opens;
    assert_int_equal(loop_turn(town->worker, &town->note), ERR_FENCED);
    assert_int_equal(metrics_total(METRIC_transactions_failed, failed_fenced), 1);
    assert_int_equal(metrics_total(METRIC_producers_replaced, BUS_FAULT_FENCED), 1);
    assert_int_equal(town->bus->opens, opens); /* it does not take it back to look */
    assert_int_equal(town->bus->commits, 2);
    assert_int_equal(fake_bus_count(town->bus, TOPIC_RESULTS), 2);
    take(town); /* and learns what the other did */
    assert_int_equal(engine_meta(town->worker->engine)->number, 2);
    assert_store_equals_state(town);
    end(&other);
}

/* The owner before us wakes up and gets its batch through. Its writer is known to us, as that of
 * the batch that we began from; the batch is none of ours all the same. */
static void worker_batch_of_the_owner_before_is_a_fence(void **state)
{
    struct town *town = *state;
    struct town other = {.bus = town->bus, .world = town->world};

    add_queue(town);
    take(town);
    turn(town);
    begin(&other);
    take(&other);
    add_queue(town);
    turn(town);
    assert_int_equal(town->bus->commits, 2);
    town->bus->at[INPUT_SETTINGS] = 1;
    town->bus->fault = FAKE_FAULT_LOST;
    assert_int_equal(loop_turn(other.worker, &other.note), ERR_FENCED);
    assert_int_equal(town->bus->commits, 2);
    take(&other);
    assert_int_equal(engine_meta(other.worker->engine)->number, 2);
    end(&other);
}

static const struct record *last_journal(const struct town *town)
{
    const struct record *last = NULL;

    for (size_t i = 0; i < town->bus->outputs.count; i++) {
        if (town->bus->outputs.records[i].topic == TOPIC_JOURNAL)
            last = &town->bus->outputs.records[i];
    }
    assert_non_null(last);
    return last;
}

/* The process comes and goes twice without deciding anything: who wrote the last batch stays who
 * wrote it, in the journal's chain and for the look-up. */
static void worker_idle_take_overs_keep_the_chain_of_writers(void **state)
{
    struct town *town = *state;
    uint8_t writer[writer_bytes];
    Ringback__V1__JournalRecord *journal;

    add_queue(town);
    take(town);
    turn(town);
    memcpy(writer, town->worker->writer, writer_bytes);
    take(town);
    turn(town);
    take(town);
    turn(town);
    take(town);
    assert_memory_equal(town->worker->committed.writer, writer, writer_bytes);
    assert_store_equals_state(town);
    assert_int_equal(follow_counted(town->worker->follow, FOLLOW_COUNT_FILLS), 1);
    add_queue(town);
    town->bus->fault = FAKE_FAULT_LOST;
    turn(town);
    assert_int_equal(atomic_load(&town->worker->counts[WORKER_COUNT_RESENT]), 1);
    assert_int_equal(town->bus->commits, 2);
    journal = ringback__v1__journal_record__unpack(NULL, last_journal(town)->value.size,
                                                   last_journal(town)->value.data);
    assert_non_null(journal);
    assert_int_equal(journal->previous_writer.len, writer_bytes);
    assert_memory_equal(journal->previous_writer.data, writer, writer_bytes);
    ringback__v1__journal_record__free_unpacked(journal, NULL);
}

static void worker_refused_output_makes_a_dead_letter(void **state)
{
    struct town *town = *state;

    add_queue(town);
    take(town);
    town->bus->fault = FAKE_FAULT_TOO_LARGE;
    assert_int_equal(loop_turn(town->worker, &town->note), ERR_UNCOMMITTABLE);
    assert_int_equal(town->bus->commits, 0);
    take(town);
    turn(town);
    assert_int_equal(town->bus->commits, 1);
    assert_int_equal(fake_bus_count(town->bus, TOPIC_RESULTS), 0);
    assert_int_equal(fake_bus_count(town->bus, (enum topic)(TOPIC_DLQ_FIRST + INPUT_SETTINGS)), 1);
    assert_int_equal(metrics_total(METRIC_producers_replaced, BUS_FAULT_REFUSED), 1);
    assert_int_equal(metrics_total(METRIC_transactions_failed, failed_uncommittable), 1);
    assert_int_equal(
        metrics_total(METRIC_dead_letters,
                      METRIC_PAIR(dead_letter, INPUT_SETTINGS,
                                  RINGBACK__V1__UNDECIDED_REASON__UNDECIDED_REASON_UNCOMMITTABLE)),
        1);
}

/* What is told of a partition is what it holds; it ends with the partition's stay. */
static void worker_tells_its_metrics(void **state)
{
    struct town *town = *state;
    struct worker *worker;

    add_queue(town);
    add_queue(town);
    take(town);
    turn(town);
    worker = town->worker;
    assert_int_equal(metrics_total(METRIC_decisions, METRIC_PAIR(decision, kind_results + 4, 0)),
                     2); /* settings_accepted */
    add_queue(town);
    atomic_store(&worker->input_ends[INPUT_SETTINGS], 3);
    count_gauges(worker);
    count_machine(worker);
    assert_int_equal(metrics_total(METRIC_lag_records, INPUT_SETTINGS), 1);
    assert_int_equal(metrics_total(METRIC_lag_records, INPUT_FLOWS), 0);
    assert_int_equal(metrics_total(METRIC_machine, MACHINE_COUNT_EVENTS), 2);
    assert_true(metrics_total(METRIC_memory, MACHINE_MEMORY_QUEUES) > 0);
    count_machine(worker); /* nothing is counted twice */
    assert_int_equal(metrics_total(METRIC_machine, MACHINE_COUNT_EVENTS), 2);
    turn(town);
    count_gauges(worker);
    assert_int_equal(metrics_total(METRIC_lag_records, INPUT_SETTINGS), 0);
    count_machine(worker);
    end(town);
    begin(town);
    take(town);
    add_queue(town);
    turn(town);
    count_machine(town->worker); /* a machine that was loaded counts from 0 */
    assert_int_equal(metrics_total(METRIC_machine, MACHINE_COUNT_EVENTS), 4);
}

/* Which one it is shows one by one; what follows goes many in a request again. */
static void worker_ambiguous_refusal_is_found_one_by_one(void **state)
{
    struct town *town = *state;

    add_queue(town);
    add_queue(town);
    take(town);
    town->bus->fault = FAKE_FAULT_AMBIGUOUS;
    town->bus->then = FAKE_FAULT_TOO_LARGE;
    assert_int_equal(loop_turn(town->worker, &town->note), ERR_UNCOMMITTABLE);
    assert_true(town->bus->single);
    take(town);
    assert_false(town->bus->single);
    turn(town);
    assert_int_equal(town->bus->commits, 1);
    assert_int_equal(fake_bus_count(town->bus, TOPIC_RESULTS), 1);
    assert_int_equal(fake_bus_count(town->bus, (enum topic)(TOPIC_DLQ_FIRST + INPUT_SETTINGS)), 1);
}

static void worker_torn_records_are_written_over(void **state)
{
    struct town *town = *state;
    struct slice key = slice_text("queue|acme|q0"), stray = slice_text("queue|acme|stray");
    struct slice before;

    add_queue(town);
    take(town);
    turn(town);
    end(town);
    before = fake_bus_state(town->bus, key);
    assert_non_null(before.data);
    fake_bus_add_state(town->bus, key, slice_text("torn"));
    fake_bus_add_state(town->bus, stray, slice_text("torn"));
    begin(town);
    take(town);
    assert_int_equal(atomic_load(&town->worker->counts[WORKER_COUNT_TORN]), 2);
    add_queue(town);
    turn(town);
    assert_true(slice_equal(fake_bus_state(town->bus, key), before));
    assert_null(fake_bus_state(town->bus, stray).data);
    assert_store_equals_state(town);
}

static void worker_missing_batches_refuse(void **state)
{
    struct town *town = *state;
    size_t before;

    add_queue(town);
    take(town);
    turn(town);
    before = town->bus->state.count;
    add_queue(town);
    turn(town);
    assert_store_equals_state(town);
    end(town);
    while (town->bus->state.count > before) { /* a replica that lagged was made leader */
        struct record *record = &town->bus->state.records[--town->bus->state.count];

        free((void *)(uintptr_t)record->key.data);
        free((void *)(uintptr_t)record->value.data);
    }
    begin(town);
    assert_int_equal(takeover(town->worker, &town->note), ERR_STORE_AHEAD);
}

/* The state topic was made anew: from its beginning everything would be decided, and dialled, once
 * more. */
static void worker_emptied_state_refuses_while_redis_knows(void **state)
{
    struct town *town = *state;

    add_queue(town);
    take(town);
    turn(town);
    assert_store_equals_state(town);
    end(town);
    while (town->bus->state.count > 0) {
        struct record *record = &town->bus->state.records[--town->bus->state.count];

        free((void *)(uintptr_t)record->key.data);
        free((void *)(uintptr_t)record->value.data);
    }
    begin(town);
    assert_int_equal(takeover(town->worker, &town->note), ERR_STORE_AHEAD);
    assert_non_null(strstr(town->note.text, "empty"));
    town->bus->low[INPUT_SETTINGS] = 1; /* no input has a record: nothing can be decided twice */
    assert_int_equal(takeover(town->worker, &town->note), ERR_OK);
    town->bus->low[INPUT_SETTINGS] = 0;
    store_world_clear(town->world); /* on purpose */
    assert_int_equal(takeover(town->worker, &town->note), ERR_OK);
}

static void worker_lost_input_refuses(void **state)
{
    struct town *town = *state;

    add_queue(town);
    take(town);
    turn(town);
    end(town);
    begin(town);
    town->bus->inputs[INPUT_SETTINGS].records[0].timestamp_ms++;
    assert_int_equal(takeover(town->worker, &town->note), ERR_INPUT_LOST);
    town->bus->inputs[INPUT_SETTINGS].records[0].timestamp_ms--;
    add_queue(town);
    town->bus->low[INPUT_SETTINGS] = 2;
    assert_int_equal(takeover(town->worker, &town->note), ERR_INPUT_LOST);
    town->bus->hanging = true;
    assert_int_equal(takeover(town->worker, &town->note), ERR_BUS_REFUSED);
}

static void worker_wrong_copy_in_redis_is_found_and_filled_anew(void **state)
{
    struct town *town = *state;

    add_queue(town);
    add_queue(town);
    take(town);
    turn(town);
    assert_store_equals_state(town);
    end(town);
    store_world_lose(town->world, slice_text("queue|acme|q1"));
    begin(town);
    take(town);
    assert_int_equal(engine_meta(town->worker->engine)->number, 1);
    turn(town);
    assert_store_equals_state(town);
    assert_int_equal(store_world_fills(town->world), 1);
}

static void worker_old_copy_in_redis_is_fed_from_the_log(void **state)
{
    struct town *town = *state;
    struct store_world *old, *now = town->world;

    add_queue(town);
    take(town);
    turn(town);
    assert_store_equals_state(town);
    old = store_world_copy(town->world);
    for (int i = 0; i < 3; i++) {
        add_queue(town);
        turn(town);
    }
    assert_store_equals_state(town);
    end(town);
    town->world = old;
    begin(town);
    take(town);
    assert_int_equal(engine_meta(town->worker->engine)->number, 4);
    turn(town);
    assert_store_equals_state(town);
    store_world_destroy(now);
}

/* No batch comes after it that would show that one is missing. */
static void worker_last_batch_that_did_not_fit_the_backlog_is_fed(void **state)
{
    struct town *town = *state;

    end(town);
    town->backlog_bytes_max = 1;
    begin(town);
    add_queue(town);
    take(town);
    turn(town);
    add_queue(town);
    turn(town);
    assert_true(follow_counted(town->worker->follow, FOLLOW_COUNT_DROPPED) > 0);
    assert_store_equals_state(town);
}

/* Whatever call to the store fails, done or not, in the end it holds what the log says. */
static void worker_any_failing_call_of_redis_loses_nothing(void **state)
{
    struct town *town = *state;
    int calls = 0;

    for (int fail = 0; fail <= calls * 2; fail++) {
        struct town one = {.bus = fake_bus_create(), .world = store_world_create()};

        begin(&one);
        store_memory_fail(one.worker->store, (fail + 1) / 2, fail % 2 == 1);
        for (int i = 0; i < 3; i++) {
            add_queue(&one);
            if (i == 0)
                take(&one);
            turn(&one);
        }
        assert_store_equals_state(&one);
        if (fail == 0)
            calls = store_memory_calls(one.worker->store);
        end(&one);
        fake_bus_destroy(one.bus);
        store_world_destroy(one.world);
    }
    assert_true(calls > 5);
    (void)town;
}

static void add_markers(struct town *town)
{
    for (int i = 0; i < INPUT_COUNT; i++)
        fake_bus_add_marker(town->bus, (enum input)i, clock_wall_ms());
}

/* What a turn says, ERR_OK after some. */
static enum err turns(struct town *town)
{
    enum err err = ERR_OK;

    for (int i = 0; i < 5 && err == ERR_OK; i++)
        err = loop_turn(town->worker, &town->note);
    return err;
}

static void begin_event(struct town *town)
{
    end(town);
    town->clock_event = true;
    begin(town);
}

static void worker_records_behind_the_first_ends_are_refused(void **state)
{
    struct town *town = *state;

    begin_event(town);
    add_queue(town);
    take(town);
    add_queue(town); /* it is still being played */
    assert_int_equal(turns(town), ERR_BUS_REFUSED);
    assert_non_null(strstr(town->note.text, "settings, partition 0: a record came at offset 1, "
                                            "behind the end that the topics had"));
    assert_int_equal(fake_bus_state_count(town->bus), 0);
}

/* The marker of the late records comes with them: it does not make them good. */
static void worker_late_records_are_refused_with_their_markers(void **state)
{
    struct town *town = *state;

    begin_event(town);
    add_queue(town);
    take(town);
    add_queue(town);
    add_queue(town);
    add_markers(town);
    assert_int_equal(turns(town), ERR_BUS_REFUSED);
    assert_non_null(strstr(town->note.text, "settings, partition 0: a record came at offset 1, "
                                            "behind the end that the topics had"));
    assert_int_equal(fake_bus_state_count(town->bus), 0);
}

/* The daemon begins between the markers of `play --end`: the last ones belong to this log, not to
 * the next. */
static void worker_markers_that_come_after_the_start_end_the_same_log(void **state)
{
    struct town *town = *state;

    begin_event(town);
    add_queue(town);
    fake_bus_add_marker(town->bus, INPUT_SETTINGS, clock_wall_ms());
    take(town);
    assert_int_equal(turns(town), ERR_OK);
    for (int i = 1; i < INPUT_COUNT; i++)
        fake_bus_add_marker(town->bus, (enum input)i, clock_wall_ms());
    assert_int_equal(turns(town), ERR_OK);
    assert_int_equal(fake_bus_state_count(town->bus), 1);
    for (int i = 0; i < INPUT_COUNT; i++)
        assert_int_equal(engine_meta(town->worker->engine)->positions[i].next_offset,
                         i == 0 ? 2 : 1);
    add_queue(town); /* a second log */
    add_markers(town);
    assert_int_equal(turns(town), ERR_OK);
    assert_int_equal(fake_bus_state_count(town->bus), 2);
    for (int i = 0; i < INPUT_COUNT; i++)
        assert_int_equal(engine_meta(town->worker->engine)->positions[i].next_offset,
                         i == 0 ? 4 : 2);
}

static void worker_records_behind_end_markers_are_another_log(void **state)
{
    struct town *town = *state;

    begin_event(town);
    take(town);
    add_queue(town);
    add_markers(town);
    assert_int_equal(turns(town), ERR_OK);
    assert_int_equal(fake_bus_state_count(town->bus), 1);
    add_queue(town); /* a second log */
    add_markers(town);
    assert_int_equal(turns(town), ERR_OK);
    assert_int_equal(fake_bus_state_count(town->bus), 2);
}

/* --- a stop --- */

struct waiter {
    struct town *town;
    _Atomic long thread; /* the system's number of it; 0: it has not begun */
    enum err err;
};

static void *run_loop(void *context)
{
    struct waiter *waiter = context;

    waiter->thread = syscall(SYS_gettid);
    waiter->err = loop_run(waiter->town->worker, &waiter->town->note);
    return NULL;
}

static bool waits(long thread)
{
    char path[64], state = '?';
    FILE *file;

    snprintf(path, sizeof(path), "/proc/self/task/%ld/stat", thread);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
    (void)fclose(file);
    return state == 'S';
}

/* Who has nothing to do waits a second for something to come. */
static void worker_a_stop_wakes_who_has_nothing_to_do(void **state)
{
    struct waiter waiter = {.town = *state};
    pthread_t thread;
    int64_t began_ms;

    follow_destroy(waiter.town->worker->follow); /* a store would wake it, too */
    waiter.town->worker->follow = follow_create(
        &(struct follow_options){.bus = waiter.town->worker->bus, .backlog_bytes_max = 1 << 20});
    take(waiter.town);
    turn(waiter.town);
    assert_int_equal(pthread_create(&thread, NULL, run_loop, &waiter), 0);
    began_ms = clock_monotonic_ms();
    while (clock_monotonic_ms() - began_ms < 100) { /* a long wait, not a short one */
        (void)sched_yield();
        if (waiter.thread == 0 || !waits(waiter.thread))
            began_ms = clock_monotonic_ms();
    }
    began_ms = clock_monotonic_ms();
    worker_ask_stop(waiter.town->worker);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(waiter.err, ERR_OK);
    assert_true(clock_monotonic_ms() - began_ms < 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(worker_first_start_decides_and_redis_follows, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(worker_after_a_death_goes_on_from_the_log, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(worker_lost_commit_is_sent_again_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(worker_unknown_commit_that_was_done_is_not_sent_again,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(worker_lost_first_commit_after_a_restart_is_sent_again,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(worker_foreign_batch_is_a_fence, set_up, tear_down),
        cmocka_unit_test_setup_teardown(worker_batch_of_the_owner_before_is_a_fence, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(worker_idle_take_overs_keep_the_chain_of_writers, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(worker_refused_output_makes_a_dead_letter, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(worker_tells_its_metrics, set_up, tear_down),
        cmocka_unit_test_setup_teardown(worker_ambiguous_refusal_is_found_one_by_one, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(worker_torn_records_are_written_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(worker_missing_batches_refuse, set_up, tear_down),
        cmocka_unit_test_setup_teardown(worker_emptied_state_refuses_while_redis_knows, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(worker_lost_input_refuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(worker_records_behind_the_first_ends_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(worker_late_records_are_refused_with_their_markers, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(worker_markers_that_come_after_the_start_end_the_same_log,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(worker_records_behind_end_markers_are_another_log, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(worker_wrong_copy_in_redis_is_found_and_filled_anew, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(worker_old_copy_in_redis_is_fed_from_the_log, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(worker_last_batch_that_did_not_fit_the_backlog_is_fed,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(worker_any_failing_call_of_redis_loses_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(worker_a_stop_wakes_who_has_nothing_to_do, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
