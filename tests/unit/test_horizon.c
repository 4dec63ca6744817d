/* Up to where timers may fire (12.14). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/horizon.h"

static const struct horizon_options waits = {5000, 60000};

static bool update(struct horizon *horizon, const int64_t read_to[INPUT_COUNT], int64_t now_ms,
                   int64_t *ms, int64_t *stop_ms)
{
    struct horizon_input inputs[INPUT_COUNT];

    for (int i = 0; i < INPUT_COUNT; i++)
        inputs[i] = (struct horizon_input){.read_to = read_to[i]};
    return horizon_update(horizon, inputs, now_ms, ms, stop_ms);
}

static void horizon_ends_read_proves_the_moment_they_were_asked(void **state)
{
    struct horizon horizon;
    int64_t ends[INPUT_COUNT] = {3, 4, 5, 6, 7}, read[INPUT_COUNT] = {3, 4, 5, 6, 6};
    int64_t ms, stop_ms;

    (void)state;
    horizon_init(&horizon, &waits, 1000);
    assert_false(horizon_wants_ends(&horizon, 2000, 1999));
    assert_true(horizon_wants_ends(&horizon, 2000, 2000));
    horizon_answer(&horizon, ends, 2000);
    assert_false(horizon_wants_ends(&horizon, 2000, 2100));
    update(&horizon, read, 2010, &ms, &stop_ms);
    assert_true(ms < 2000);
    read[4] = 7;
    update(&horizon, read, 2020, &ms, &stop_ms);
    assert_int_equal(ms, 2000);
    assert_int_equal(stop_ms, 2000);
    assert_false(horizon_wants_ends(&horizon, 2000, 2100));
    assert_true(horizon_wants_ends(&horizon, 2001, 2100));
}

static void horizon_is_asked_at_most_every_50_ms(void **state)
{
    struct horizon horizon;

    (void)state;
    horizon_init(&horizon, &waits, 1000);
    horizon_silence(&horizon, 1000);
    assert_false(horizon_wants_ends(&horizon, 900, 1049));
    assert_true(horizon_wants_ends(&horizon, 900, 1050));
}

static void horizon_records_waiting_everywhere_prove_what_is_before_them(void **state)
{
    struct horizon horizon;
    struct horizon_input inputs[INPUT_COUNT];
    int64_t ms, stop_ms;

    (void)state;
    horizon_init(&horizon, &waits, 1000);
    for (int i = 0; i < INPUT_COUNT; i++)
        inputs[i] = (struct horizon_input){.read_to = 1, .waiting = true, .waiting_ms = 500 + i};
    horizon_update(&horizon, inputs, 1000, &ms, &stop_ms);
    assert_int_equal(ms, 499);
    inputs[2].waiting = false;
    inputs[0].waiting_ms = 800;
    horizon_update(&horizon, inputs, 1010, &ms, &stop_ms);
    assert_int_equal(ms, 499);
    for (int i = 0; i < INPUT_COUNT; i++)
        inputs[i] = (struct horizon_input){.read_to = 1, .waiting = true, .waiting_ms = 90000};
    horizon_update(&horizon, inputs, 1020, &ms, &stop_ms);
    /* Stamped above the clock: merged at the clock, and so is what follows. */
    assert_int_equal(ms, 1019);
    assert_int_equal(stop_ms, 1019);
}

static void horizon_an_unreadable_input_is_waited_for_by_class(void **state)
{
    struct horizon horizon;
    int64_t ends[INPUT_COUNT] = {9, 1, 1, 1, 1}, read[INPUT_COUNT] = {1, 1, 1, 1, 1};
    int64_t ms, stop_ms;

    (void)state;
    horizon_init(&horizon, &waits, 10000);
    update(&horizon, read, 10000, &ms, &stop_ms);
    horizon_answer(&horizon, ends, 10000);
    assert_false(update(&horizon, read, 14999, &ms, &stop_ms));
    assert_true(ms < 10000);
    assert_true(update(&horizon, read, 15000, &ms, &stop_ms));
    assert_int_equal(ms, 10000);
    assert_true(stop_ms < 10000);
    assert_true(update(&horizon, read, 70000, &ms, &stop_ms));
    assert_int_equal(ms, 65000);
    assert_int_equal(stop_ms, 10000);
    read[0] = 2; /* it moves: it is only behind */
    assert_false(update(&horizon, read, 70010, &ms, &stop_ms));
}

static void horizon_a_silent_broker_counts_as_unreadable(void **state)
{
    struct horizon horizon;
    int64_t read[INPUT_COUNT] = {1, 1, 1, 1, 1};
    int64_t ms, stop_ms;

    (void)state;
    horizon_init(&horizon, &waits, 10000);
    horizon_silence(&horizon, 10000);
    horizon_silence(&horizon, 12000);
    assert_false(update(&horizon, read, 14000, &ms, &stop_ms));
    assert_true(update(&horizon, read, 15000, &ms, &stop_ms));
    assert_int_equal(ms, 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(horizon_ends_read_proves_the_moment_they_were_asked),
        cmocka_unit_test(horizon_is_asked_at_most_every_50_ms),
        cmocka_unit_test(horizon_records_waiting_everywhere_prove_what_is_before_them),
        cmocka_unit_test(horizon_an_unreadable_input_is_waited_for_by_class),
        cmocka_unit_test(horizon_a_silent_broker_counts_as_unreadable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
