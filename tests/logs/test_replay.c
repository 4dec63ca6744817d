/* The day decided on the wall clock, with lags, horizons, limits, take-overs and a record that the
 * broker refuses, is decided again along its journal: the outputs are equal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/memory.h"
#include "consumers/log_file.h"
#include "daemon/command.h"
#include "daemon/diff.h"
#include "daemon/log_topics.h"
#include "daemon/replay.h"
#include "producers/log_file.h"
#include "tests/support/chance.h"

#define DAY "tests/data/bank-1999-08-01.csv"

enum { records_max = 20000, entities_max = 100000, path_bytes = 64 };
enum { refused_flow = 200, refused_presence = 40 };

static struct arena arena;
static struct err_note note;
static struct chance chance;
static char day_path[path_bytes], capture_path[path_bytes], replay_path[path_bytes];

/* The day's inputs, and how far they are decided. */
static struct log_reader *day;
static struct record *given[INPUT_COUNT];
static size_t counts[INPUT_COUNT], taken[INPUT_COUNT];

/* The daemon: its engine, what it wrote. */
static struct options decide;
static struct machine_options machine_options;
static struct engine_options options;
static struct engine *engine;
static struct batch batch;
static struct log_writer *capture;
static int64_t offsets[TOPIC_COUNT];
static struct {
    struct slice key;
    struct slice value;
} * entities;
static size_t entity_count;
static struct slice meta;

static void must(enum err err)
{
    if (err != ERR_OK)
        fail_msg("seed %llu: %s: %s", chance_seed(&chance), err_name(err), note.text);
}

static void temporary(char path[path_bytes])
{
    snprintf(path, path_bytes, "/tmp/ringback-replay-XXXXXX");
    close(mkstemp(path));
}

static void make_day(void)
{
    static struct command_context context;
    char name[] = "ringback", simulate[] = "simulate", csv[] = DAY, record[] = "--record";
    char *argv[] = {name, simulate, csv, record, day_path, NULL};
    struct log_entry entry;

    context.out = fopen("/dev/null", "w");
    context.err = stderr;
    assert_int_equal(command_run(&context, commands, 5, argv), 0);
    (void)fclose(context.out);
    must(log_reader_open(day_path, &day, &note));
    for (int i = 0; i < INPUT_COUNT; i++)
        given[i] = memory_alloc(records_max * sizeof(*given[i]), "a test");
    while (log_reader_next(day, &arena, &entry, &note) == ERR_OK) {
        enum topic topic = log_topics_find(NULL, entry.topic, NULL);

        assert_true(topic < (enum topic)INPUT_COUNT);
        assert_true(counts[topic] < records_max);
        entry.record.topic = topic;
        given[topic][counts[topic]++] = entry.record;
    }
}

static int set_up(void **state)
{
    (void)state;
    chance = chance_start();
    arena_init(&arena);
    batch_init(&batch);
    temporary(day_path);
    temporary(capture_path);
    temporary(replay_path);
    make_day();
    options_init(&decide);
    must(options_check(&decide, &note));
    options_machine(&decide, &machine_options);
    engine_options_default(&options);
    options.machine = &machine_options;
    options.trace_begin = (enum trace_begin)decide.trace_begin;
    options.decides = options_decides_text(&decide, &arena);
    entities = memory_alloc(entities_max * sizeof(*entities), "a test");
    must(log_writer_create(capture_path, &capture, &note));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    engine_destroy(engine);
    engine = NULL;
    for (int i = 0; i < INPUT_COUNT; i++)
        free(given[i]);
    free(entities);
    log_reader_close(day);
    options_deinit(&decide);
    batch_deinit(&batch);
    arena_deinit(&arena);
    unlink(day_path);
    unlink(capture_path);
    unlink(replay_path);
    return 0;
}

/* As a worker takes over: all of state, the last meta, a new writer. */
static void take_over(void)
{
    uint8_t writer[writer_bytes];

    engine_destroy(engine);
    engine = engine_create(&options);
    for (size_t i = 0; i < entity_count; i++)
        must(engine_load_entity(engine, entities[i].key, entities[i].value, &note));
    if (meta.data != NULL)
        must(engine_load_meta(engine, meta, &note));
    must(engine_ready(engine, &note));
    for (size_t i = 0; i < writer_bytes; i++)
        writer[i] = (uint8_t)chance_next(&chance);
    engine_writer(engine, writer, writer);
    engine_refuse(engine, INPUT_FLOWS, refused_flow);
    engine_refuse(engine, INPUT_PRESENCE, refused_presence);
    engine_refuse(engine, INPUT_PRESENCE, refused_presence + 1);
    engine_refuse(engine, INPUT_PRESENCE, refused_presence + 1); /* its dead letter too */
}

static struct slice kept(struct slice slice)
{
    return slice.data == NULL ? slice : arena_slice(&arena, slice);
}

static void commit(void)
{
    for (size_t i = 0; i < batch.count; i++) {
        struct record *record = &batch.records[i];

        record->offset = offsets[record->topic]++;
        must(log_writer_add(capture, options.topics[record->topic], record, &note));
    }
    for (size_t i = 0; i < batch.state_count; i++) {
        const struct record *record = &batch.records[batch.state_first + i];

        assert_true(entity_count < entities_max);
        entities[entity_count].key = kept(record->key);
        entities[entity_count++].value = kept(record->value);
    }
    if (batch.count > 0)
        meta = kept(batch.records[batch.count - 1].value);
    for (int i = 0; i < INPUT_COUNT; i++)
        taken[i] += batch.taken[i];
}

/* One loop of a worker at that clock: of each input what came until some time before it. */
static void work(int64_t clock_ms)
{
    struct engine_input inputs[INPUT_COUNT];
    struct engine_time time = {.clock_ms = clock_ms};

    for (int i = 0; i < INPUT_COUNT; i++) {
        int64_t until_ms = clock_ms - (int64_t)chance_below(&chance, 3000);
        size_t end = taken[i];

        while (end < counts[i] && given[i][end].timestamp_ms <= until_ms)
            end++;
        inputs[i] = (struct engine_input){given[i] + taken[i], end - taken[i], false};
    }
    time.horizon_ms = clock_ms - (int64_t)chance_below(&chance, 5000);
    time.horizon_stop_ms = time.horizon_ms - (int64_t)chance_below(&chance, 5000);
    engine_decide(engine, inputs, &time, &batch);
    commit();
}

static bool all_taken(void)
{
    for (int i = 0; i < INPUT_COUNT; i++) {
        if (taken[i] < counts[i])
            return false;
    }
    return true;
}

static size_t decide_day(void)
{
    int64_t clock_ms = given[INPUT_SETTINGS][0].timestamp_ms;
    size_t loops = 0;

    for (; !all_taken(); loops++) {
        options.records_max = 1 + chance_below(&chance, 200);
        options.timers_max = 1 + chance_below(&chance, 5);
        if (loops % 300 == 0)
            take_over();
        work(clock_ms);
        clock_ms += (int64_t)chance_below(&chance, 60000);
    }
    for (int i = 0; i < INPUT_COUNT; i++) {
        for (size_t at = 0; at < counts[i]; at++)
            must(log_writer_add(capture, options.topics[i], &given[i][at], &note));
    }
    must(log_writer_close(capture, &note));
    return loops;
}

static void replay_follows_the_journal_of_the_wall_clock(void **state)
{
    struct options replayed;
    struct replay_options replay = {.log = capture_path,
                                    .out = replay_path,
                                    .records_max = 1,
                                    .journal = true,
                                    .options = &replayed};
    struct replay_counts replay_counts;
    struct diff_result result;
    size_t loops = decide_day();

    (void)state;
    assert_true(loops > 1000);
    options_init(&replayed);
    replayed.missed_pause = 1; /* the journal's holds */
    must(options_check(&replayed, &note));
    must(replay_run(&replay, &replay_counts, &note));
    assert_int_equal(replayed.missed_pause, 300000);
    options_deinit(&replayed);
    assert_true(replay_counts.wall_clock);
    assert_true(replay_counts.timers > 500);
    assert_int_equal(replay_counts.dead_letters, 2);
    must(diff_logs(capture_path, replay_path,
                   &(struct diff_plan){.topics = UINT32_MAX << INPUT_COUNT}, &arena, &result,
                   &note));
    if (!result.identical)
        fail_msg("seed %llu: %s [%d] record %d: %s", chance_seed(&chance),
                 topic_short_name(result.topic), (int)result.partition, (int)result.index,
                 result.what);
    assert_true(result.records[TOPIC_ROUTING] > 500);
    assert_true(result.records[TOPIC_STATE] > 500);
    assert_int_equal(result.records[TOPIC_DLQ_FIRST + INPUT_PRESENCE], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(replay_follows_the_journal_of_the_wall_clock, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
