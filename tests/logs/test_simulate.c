/* What `ringback simulate` records is what its engine decided: the recorded day through the engine
 * again, cut into batches otherwise, gives the outputs that the simulation heard. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "consumers/log_file.h"
#include "daemon/engine.h"
#include "daemon/sim_world.h"

#define DAY "tests/data/bank-1999-08-01.csv"

enum { domains = 3, partitions = 3, path_bytes = 64 };

/* A topic log in memory, by topic and partition. */
struct log {
    struct log_reader *reader;
    struct record *records[TOPIC_COUNT][partitions];
    size_t counts[TOPIC_COUNT][partitions];
};

static struct arena arena;
static struct err_note note;
static char inputs_path[path_bytes], outputs_path[path_bytes];
static struct log inputs, outputs;

static void must(enum err err)
{
    if (err != ERR_OK)
        fail_msg("%s: %s", err_name(err), note.text);
}

static enum topic topic_of(struct slice name)
{
    for (int topic = 0; topic < TOPIC_STATE; topic++) {
        char full[40];

        snprintf(full, sizeof(full), "ringback.%s", topic_short_name((enum topic)topic));
        if (slice_equal(name, slice_text(full)))
            return (enum topic)topic;
    }
    fail_msg("a record of topic %.*s", (int)name.size, (const char *)name.data);
    return TOPIC_COUNT;
}

static void read_log(const char *path, struct log *log)
{
    enum { room = 100000 };
    struct log_entry entry;
    enum err err;

    must(log_reader_open(path, &log->reader, &note));
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        for (int part = 0; part < partitions; part++)
            log->records[topic][part] = arena_alloc(&arena, room * sizeof(struct record));
    }
    while ((err = log_reader_next(log->reader, &arena, &entry, &note)) == ERR_OK) {
        enum topic topic = topic_of(entry.topic);
        size_t *count = &log->counts[topic][entry.record.partition];

        entry.record.topic = topic;
        assert_int_equal(entry.record.offset, *count);
        assert_true(*count < room);
        log->records[topic][entry.record.partition][(*count)++] = entry.record;
    }
    assert_int_equal(err, ERR_END);
}

static void make_file(char path[path_bytes])
{
    int file;

    snprintf(path, path_bytes, "/tmp/ringback-simulate-XXXXXX");
    file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
}

static int simulate_once(void **state)
{
    const struct sim_options options = {.offer_after_ms = 60000,
                                        .accept = 0.5,
                                        .answer = 0.8,
                                        .seed = 1,
                                        .retries = 1,
                                        .domains = domains};
    const struct sim_bus_options bus_options = {.topic_prefix = "ringback.",
                                                .partitions = partitions,
                                                .domains = domains,
                                                .inputs_path = inputs_path,
                                                .outputs_path = outputs_path};
    struct sim_outcome_of_run outcome = {0};
    struct sim_progress progress = {0};
    struct sim_mapping mapping;
    struct sim_calls calls;
    struct sim_model model;
    struct sim_bus *bus;

    (void)state;
    arena_init(&arena);
    make_file(inputs_path);
    make_file(outputs_path);
    sim_mapping_default(&mapping);
    must(sim_zone_set("UTC", &note));
    must(sim_csv_read(DAY, &mapping, &arena, &calls, &note));
    must(sim_model_make(&model, &calls, sim_gap_ms, &arena, &note));
    must(sim_bus_create(&bus_options, &bus, &note));
    must(sim_world_run(&model, &options, bus, &progress, &arena, &outcome, &note));
    sim_bus_destroy(bus);
    read_log(inputs_path, &inputs);
    read_log(outputs_path, &outputs);
    return 0;
}

static int forget(void **state)
{
    (void)state;
    log_reader_close(inputs.reader);
    log_reader_close(outputs.reader);
    unlink(inputs_path);
    unlink(outputs_path);
    arena_deinit(&arena);
    return 0;
}

static void same_record(const struct record *heard, const struct record *decided)
{
    assert_int_equal(heard->timestamp_ms, decided->timestamp_ms);
    assert_true(slice_equal(heard->key, decided->key));
    assert_true(slice_equal(heard->value, decided->value));
    assert_int_equal(heard->header_count, decided->header_count);
    for (size_t i = 0; i < heard->header_count; i++) {
        assert_string_equal(heard->headers[i].name, decided->headers[i].name);
        assert_true(slice_equal(heard->headers[i].value, decided->headers[i].value));
    }
}

/* Decides the inputs of one partition in batches of at most records_max; returns the outputs. */
static size_t replay_part(int part, const struct engine_options *options)
{
    const uint8_t writer[writer_bytes] = "replay";
    const struct engine_time time = {0};
    struct engine *engine = engine_create(options);
    size_t at[INPUT_COUNT] = {0}, made[TOPIC_COUNT] = {0}, count = 0;
    struct batch batch;

    batch_init(&batch);
    must(engine_ready(engine, &note));
    engine_writer(engine, writer, writer);
    do {
        struct engine_input candidates[INPUT_COUNT];

        for (int i = 0; i < INPUT_COUNT; i++)
            candidates[i] = (struct engine_input){inputs.records[i][part] + at[i],
                                                  inputs.counts[i][part] - at[i], true};
        engine_decide(engine, candidates, &time, &batch);
        for (int i = 0; i < INPUT_COUNT; i++)
            at[i] += batch.taken[i];
        for (size_t i = 0; i < batch.state_first; i++) {
            enum topic topic = batch.records[i].topic;

            assert_true(topic < TOPIC_STATE && made[topic] < outputs.counts[topic][part]);
            same_record(&outputs.records[topic][part][made[topic]++], &batch.records[i]);
            count++;
        }
    } while (batch.count > 0);
    for (int topic = TOPIC_ROUTING; topic < TOPIC_STATE; topic++)
        assert_int_equal(made[topic], outputs.counts[topic][part]);
    assert_null(machine_broken(engine_machine(engine), &arena));
    assert_int_equal(machine_counted(engine_machine(engine), MACHINE_COUNT_REPEATS), 0);
    assert_int_equal(machine_counted(engine_machine(engine), MACHINE_COUNT_REFUSALS), 0);
    assert_int_equal(machine_counted(engine_machine(engine), MACHINE_COUNT_LOST_ATTEMPTS), 0);
    batch_deinit(&batch);
    engine_destroy(engine);
    return count;
}

static void replay(size_t records_max)
{
    struct machine_options machine;
    struct engine_options options;
    size_t count = 0;

    machine_options_default(&machine);
    engine_options_default(&options);
    options.machine = &machine;
    options.clock_event = true;
    options.records_max = records_max;
    options.trace_begin = TRACE_BEGIN_SAMPLED;
    for (int topic = 0; topic < TOPIC_COUNT; topic++)
        options.partitions[topic] = partitions;
    for (options.partition = 0; options.partition < partitions; options.partition++)
        count += replay_part(options.partition, &options);
    assert_true(count > 40000);
}

static void simulate_log_gives_the_same_outputs_in_batches_of_1(void **state)
{
    (void)state;
    replay(1);
}

static void simulate_log_gives_the_same_outputs_in_batches_of_7(void **state)
{
    (void)state;
    replay(7);
}

static void simulate_log_gives_the_same_outputs_in_large_batches(void **state)
{
    (void)state;
    replay(20000);
}

static void simulate_log_lies_in_more_than_one_partition(void **state)
{
    int used = 0;

    (void)state;
    for (int part = 0; part < partitions; part++)
        used += inputs.counts[INPUT_PRESENCE][part] > 0 && outputs.counts[TOPIC_ROUTING][part] > 0;
    assert_int_equal(used, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(simulate_log_gives_the_same_outputs_in_batches_of_1),
        cmocka_unit_test(simulate_log_gives_the_same_outputs_in_batches_of_7),
        cmocka_unit_test(simulate_log_gives_the_same_outputs_in_large_batches),
        cmocka_unit_test(simulate_log_lies_in_more_than_one_partition),
    };

    return cmocka_run_group_tests_name("simulate", tests, simulate_once, forget);
}
