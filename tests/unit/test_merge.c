/* daemon/merge: the order of records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "daemon/merge.h"

enum { records_max = 64, steps_max = INPUT_COUNT * records_max, jump_ms = 1000 };

static const struct header end_headers[] = {{"ringback-end", {(const uint8_t *)"1", 1}}};

static struct record records[INPUT_COUNT][records_max];
static struct engine_input inputs[INPUT_COUNT];
static struct engine_position positions[INPUT_COUNT];
static struct merge merge;
static int64_t event_ms;
static char said[2000]; /* "s0@5 i3@7 ...": input's first letter, offset, merge time */

static int set_up(void **state)
{
    (void)state;
    memset(records, 0, sizeof(records));
    for (int i = 0; i < INPUT_COUNT; i++) {
        inputs[i] = (struct engine_input){records[i], 0, true};
        positions[i] = (struct engine_position){.fixed_end = -1, .last_timestamp_ms = -1};
    }
    merge = (struct merge){.inputs = inputs,
                           .positions = positions,
                           .clock_event = true,
                           .event_jump_max_ms = jump_ms};
    event_ms = 0;
    said[0] = '\0';
    return 0;
}

/* Offsets count from 0 on each input. */
static struct record *add(enum input input, int64_t timestamp_ms)
{
    size_t at = inputs[input].count++;

    assert_true(at < records_max);
    records[input][at] = (struct record){.topic = (enum topic)input,
                                         .offset = (int64_t)at,
                                         .timestamp_ms = timestamp_ms,
                                         .key = slice_text("d")};
    return &records[input][at];
}

static void add_marker(enum input input, int64_t timestamp_ms)
{
    struct record *record = add(input, timestamp_ms);

    record->key = slice_make(NULL, 0);
    record->headers = end_headers;
    record->header_count = 1;
}

static void say(const struct merge_step *step)
{
    static const char kinds[] = {[MERGE_RECORD] = '@', [MERGE_REPEATED] = '=', [MERGE_JUMP] = '!'};
    size_t used = strlen(said);

    if (step->kind > MERGE_JUMP)
        return;
    snprintf(said + used, sizeof(said) - used, "%c%d%c%d ",
             topic_short_name((enum topic)step->input)[0], (int)step->record->offset,
             kinds[step->kind], (int)step->time_ms);
}

/* Takes steps until there is no record to take; appends them to said. */
static struct merge_step run(void)
{
    for (;;) {
        struct merge_step step = merge_next(&merge, event_ms);

        say(&step);
        if (step.kind > MERGE_JUMP)
            return step;
        if (step.kind == MERGE_RECORD && step.time_ms > event_ms)
            event_ms = step.time_ms;
        merge_take(&merge, &step);
    }
}

static void merge_takes_the_earliest_head_and_ties_by_input(void **state)
{
    (void)state;
    add(INPUT_COMMANDS, 5);
    add(INPUT_FLOWS, 5);
    add(INPUT_SETTINGS, 6);
    add(INPUT_SETTINGS, 7);
    add(INPUT_PRESENCE, 5);
    add(INPUT_INTERACTIONS, 4);
    add(INPUT_INTERACTIONS, 6);
    assert_int_equal(run().kind, MERGE_END);
    assert_string_equal(said, "i0@4 p0@5 f0@5 c0@5 s0@6 i1@6 s1@7 ");
    assert_int_equal(positions[INPUT_SETTINGS].next_offset, 2);
    assert_int_equal(positions[INPUT_SETTINGS].last_timestamp_ms, 7);
}

static void merge_never_reorders_within_an_input(void **state)
{
    (void)state;
    add(INPUT_INTERACTIONS, 9);
    add(INPUT_INTERACTIONS, 3);
    add(INPUT_PRESENCE, 8);
    add(INPUT_PRESENCE, 9);
    run();
    assert_string_equal(said, "p0@8 i0@9 i1@9 p1@9 ");
    assert_int_equal(positions[INPUT_INTERACTIONS].merge_ms, 9);
    assert_int_equal(positions[INPUT_INTERACTIONS].last_timestamp_ms, 3);
}

static void merge_live_caps_times_at_the_clock_and_waits_for_nobody(void **state)
{
    (void)state;
    merge.clock_event = false;
    merge.clock_ms = 100;
    inputs[INPUT_FLOWS].at_end = false;
    add(INPUT_INTERACTIONS, 5000);
    add(INPUT_INTERACTIONS, 7);
    add(INPUT_PRESENCE, 99);
    add(INPUT_PRESENCE, 100);
    assert_int_equal(run().kind, MERGE_END);
    assert_string_equal(said, "p0@99 i0@100 i1@100 p1@100 ");
    assert_int_equal(positions[INPUT_INTERACTIONS].merge_ms, 100);
}

static void merge_waits_for_an_input_without_candidates(void **state)
{
    struct merge_step step;

    (void)state;
    inputs[INPUT_FLOWS].at_end = false;
    add(INPUT_SETTINGS, 1);
    step = run();
    assert_int_equal(step.kind, MERGE_MISSING);
    assert_int_equal(step.input, INPUT_FLOWS);
    assert_string_equal(said, "");
    add(INPUT_FLOWS, 2);
    step = run();
    assert_int_equal(step.kind, MERGE_MISSING);
    assert_string_equal(said, "s0@1 f0@2 ");
}

static void merge_ends_at_a_fixed_end(void **state)
{
    (void)state;
    inputs[INPUT_FLOWS].at_end = false;
    positions[INPUT_FLOWS].fixed_end = 1;
    add(INPUT_FLOWS, 2);
    add(INPUT_FLOWS, 3);
    add(INPUT_SETTINGS, 9);
    assert_int_equal(run().kind, MERGE_END);
    assert_string_equal(said, "f0@2 s0@9 ");
}

static void merge_ends_at_markers_and_takes_them_afterwards(void **state)
{
    (void)state;
    for (int i = 0; i < INPUT_COUNT; i++)
        inputs[i].at_end = false;
    add(INPUT_SETTINGS, 4);
    add(INPUT_FLOWS, 8);
    for (int i = 0; i < INPUT_COUNT; i++)
        add_marker((enum input)i, 3);
    assert_int_equal(run().kind, MERGE_END);
    assert_string_equal(said, "s0@4 f0@8 ");
    assert_int_equal(merge_take_markers(&merge), 5);
    assert_int_equal(positions[INPUT_SETTINGS].next_offset, 2);
    assert_int_equal(positions[INPUT_PRESENCE].next_offset, 1);
    assert_int_equal(run().kind, MERGE_MISSING);
    assert_string_equal(said, "s0@4 f0@8 ");
}

static void merge_waits_for_the_markers_of_all_inputs_once_one_has_come(void **state)
{
    (void)state;
    for (int i = 0; i < INPUT_COUNT; i++)
        positions[i].fixed_end = 0;
    positions[INPUT_SETTINGS].fixed_end = 2;
    add(INPUT_SETTINGS, 4);
    assert_int_equal(run().kind, MERGE_END); /* fixed ends alone are enough */
    for (int i = 0; i < INPUT_COUNT; i++) {
        struct merge_step step;

        add_marker((enum input)i, 9);
        step = run();
        assert_int_equal(step.kind, i < INPUT_COMMANDS ? MERGE_MISSING : MERGE_END);
        assert_int_equal(step.input, i < INPUT_COMMANDS ? INPUT_COMMANDS : INPUT_COUNT);
    }
    assert_string_equal(said, "s0@4 ");
    assert_int_equal(merge_take_markers(&merge), 5);
}

static void merge_drops_offsets_decided_before(void **state)
{
    (void)state;
    positions[INPUT_FLOWS].next_offset = 2;
    positions[INPUT_FLOWS].merge_ms = 50;
    add(INPUT_FLOWS, 7);
    add(INPUT_FLOWS, 8);
    add(INPUT_FLOWS, 9);
    run();
    assert_string_equal(said, "f0=50 f1=50 f2@50 ");
    assert_int_equal(positions[INPUT_FLOWS].next_offset, 3);
}

static void merge_a_lone_jump_is_dropped_as_soon_as_it_is_a_head(void **state)
{
    (void)state;
    add(INPUT_FLOWS, 10);
    add(INPUT_FLOWS, 999999);
    add(INPUT_FLOWS, 11);
    add(INPUT_PRESENCE, 12);
    run();
    assert_string_equal(said, "f0@10 f1!10 f2@11 p0@12 ");
    assert_int_equal(positions[INPUT_FLOWS].merge_ms, 11);
}

static void merge_a_jump_is_dropped_even_if_it_is_the_first_record(void **state)
{
    (void)state;
    add(INPUT_FLOWS, 999999);
    add(INPUT_PRESENCE, 12);
    run();
    assert_string_equal(said, "p0@12 f0!0 ");
    set_up(NULL);
    add(INPUT_FLOWS, 999999);
    add(INPUT_FLOWS, 11);
    add(INPUT_PRESENCE, 12);
    run();
    assert_string_equal(said, "f0!0 f1@11 p0@12 ");
}

static void merge_a_quiet_input_is_no_jump(void **state)
{
    (void)state;
    add(INPUT_SETTINGS, 1);
    add(INPUT_SETTINGS, 3 * jump_ms);
    for (int64_t at_ms = 0; at_ms < 4 * jump_ms; at_ms += jump_ms)
        add(INPUT_FLOWS, at_ms);
    run();
    assert_string_equal(said, "f0@0 s0@1 f1@1000 f2@2000 s1@3000 f3@3000 ");
}

static void merge_a_jump_stands_if_another_record_is_near_it(void **state)
{
    (void)state;
    add(INPUT_FLOWS, 10);
    add(INPUT_FLOWS, 50000);
    add(INPUT_FLOWS, 50000 + jump_ms);
    run();
    assert_string_equal(said, "f0@10 f1@50000 f2@51000 ");
    set_up(NULL);
    add(INPUT_FLOWS, 10);
    add(INPUT_FLOWS, 50000);
    add(INPUT_PRESENCE, 50000 + jump_ms);
    run();
    assert_string_equal(said, "f0@10 f1@50000 p0@51000 ");
    set_up(NULL);
    add(INPUT_FLOWS, 10);
    add(INPUT_FLOWS, 50000);
    add(INPUT_PRESENCE, 50001 + jump_ms);
    run();
    assert_string_equal(said, "f0@10 f1!10 p0!0 ");
}

static void merge_a_jump_waits_for_the_record_behind_it(void **state)
{
    struct merge_step step;

    (void)state;
    inputs[INPUT_FLOWS].at_end = false;
    add(INPUT_FLOWS, 10);
    add(INPUT_FLOWS, 50000);
    step = run();
    assert_int_equal(step.kind, MERGE_MISSING);
    assert_int_equal(step.input, INPUT_FLOWS);
    assert_string_equal(said, "f0@10 ");
    add(INPUT_FLOWS, 50001);
    inputs[INPUT_FLOWS].at_end = true;
    run();
    assert_string_equal(said, "f0@10 f1@50000 f2@50001 ");
}

static void merge_order_does_not_depend_on_what_was_fetched(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 200; seed++) {
        char whole[sizeof(said)];
        size_t counts[INPUT_COUNT];

        srand(seed);
        set_up(NULL);
        for (int n = 0; n < 60; n++)
            add((enum input)(rand() % INPUT_COUNT),
                rand() % 20 == 0 ? rand() % 90000 : n * 100 + rand() % 300);
        run();
        memcpy(whole, said, sizeof(whole));
        for (int i = 0; i < INPUT_COUNT; i++) {
            counts[i] = inputs[i].count;
            inputs[i].count = 0;
            inputs[i].at_end = counts[i] == 0;
            positions[i] = (struct engine_position){.fixed_end = -1};
            merge.at[i] = 0;
        }
        said[0] = '\0';
        event_ms = 0;
        for (struct merge_step step = run(); step.kind == MERGE_MISSING; step = run()) {
            size_t left = counts[step.input] - inputs[step.input].count;
            size_t more = 1 + (size_t)rand() % left;

            inputs[step.input].count += more;
            inputs[step.input].at_end = more == left;
        }
        if (strcmp(whole, said) != 0)
            fail_msg("seed %u\n%s\n%s", seed, whole, said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(merge_takes_the_earliest_head_and_ties_by_input, set_up),
        cmocka_unit_test_setup(merge_never_reorders_within_an_input, set_up),
        cmocka_unit_test_setup(merge_live_caps_times_at_the_clock_and_waits_for_nobody, set_up),
        cmocka_unit_test_setup(merge_waits_for_an_input_without_candidates, set_up),
        cmocka_unit_test_setup(merge_ends_at_a_fixed_end, set_up),
        cmocka_unit_test_setup(merge_ends_at_markers_and_takes_them_afterwards, set_up),
        cmocka_unit_test_setup(merge_waits_for_the_markers_of_all_inputs_once_one_has_come, set_up),
        cmocka_unit_test_setup(merge_drops_offsets_decided_before, set_up),
        cmocka_unit_test_setup(merge_a_lone_jump_is_dropped_as_soon_as_it_is_a_head, set_up),
        cmocka_unit_test_setup(merge_a_jump_is_dropped_even_if_it_is_the_first_record, set_up),
        cmocka_unit_test_setup(merge_a_quiet_input_is_no_jump, set_up),
        cmocka_unit_test_setup(merge_a_jump_stands_if_another_record_is_near_it, set_up),
        cmocka_unit_test_setup(merge_a_jump_waits_for_the_record_behind_it, set_up),
        cmocka_unit_test_setup(merge_order_does_not_depend_on_what_was_fetched, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
