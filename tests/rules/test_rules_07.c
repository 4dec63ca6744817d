/* 7.5 as far as agent-first retries need it (6.2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "state/internal.h"
#include "tests/support/story.h"

#define NONE         REASON(UNSPECIFIED)
#define ANSWER(name) RINGBACK__V1__ANSWER_KIND__ANSWER_KIND_##name
#define ENDED(name)  RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_##name
#define AT(ms)       (STORY_START_MS + (ms))

static void set_retries(struct story *story, uint32_t retries, uint32_t delay_s)
{
    PB(QueueSettings) *sales = story_queue(story, "sales");

    sales->agent_first_retries = retries;
    sales->agent_first_retry_delay_s = delay_s;
    story_set_queue(story, sales);
}

/* A callback of i1's place (time 0), accepted by anna at 10 s and dialled. */
static const char *open_dialled(struct story *story, uint32_t retries, uint32_t delay_s)
{
    const char *callback;

    story_open(story);
    set_retries(story, retries, delay_s);
    story_enter(story, "i1", "sales");
    story_at(story, 10000);
    story_ask(story, "r1", story_create(story, "i1", "sales"));
    callback = story_made(story);
    story_ready(story, "anna", "sales");
    story_accept(story, "anna");
    story_dial(story, "anna", callback);
    assert_int_equal(story_reason(story), NONE);
    story_at(story, 20000);
    return callback;
}

static PB(Reason) ended_reason(struct story *story)
{
    const PB(RoutingEvent) *ended = story_routing(story, "routing.callback_ended", 0);

    return ended == NULL ? NONE : ended->callback_ended->reason;
}

static void dial_again(struct story *story, const char *callback)
{
    assert_string_equal(story_offered_to(story), "anna");
    assert_int_equal(story_state(story, callback), STATE(OFFERED));
    story_accept(story, "anna");
    story_dial(story, "anna", callback);
    assert_int_equal(story_reason(story), NONE);
}

/* --- what is retried --- */

static void rule_7_5_busy_no_answer_and_failed_are_retried(void **state)
{
    static const PB(AttemptResult)
        results[] = {ENDED(BUSY), ENDED(NO_ANSWER), ENDED(FAILED), ENDED(UNSPECIFIED)};

    (void)state;
    for (size_t at = 0; at < 4; at++) {
        struct story story;
        const char *callback = open_dialled(&story, 1, 60);

        story_attempt_ended(&story, results[at]);
        assert_int_equal(story_state(&story, callback), STATE(DELAYED));
        assert_int_equal(story_callback(&story, callback)->retries, 1);
        assert_string_equal(story_callback(&story, callback)->agent_id, "");
        assert_int_equal(story_count(&story, "routing.agent_released"), 1);
        story_close(&story);
    }
}

static void rule_7_5_not_confirmed_is_retried(void **state)
{
    struct story story;
    const char *callback = open_dialled(&story, 1, 60);

    (void)state;
    story_answered(&story, ANSWER(NOT_CONFIRMED));
    story_at(&story, 25000);
    story_attempt_ended(&story, ENDED(HUNG_UP));
    assert_int_equal(story_state(&story, callback), STATE(DELAYED));
    assert_int_equal(story_callback(&story, callback)->resume_ms, AT(85000));
    story_close(&story);
}

static void rule_7_5_lost_is_retried(void **state)
{
    struct story story;
    const char *callback = open_dialled(&story, 1, 60);

    (void)state;
    story_at(&story, 10000 + 45000 + 30000); /* ring time-out and 30 s (6.4) */
    assert_int_equal(story_state(&story, callback), STATE(DELAYED));
    assert_int_equal(story_count(&story, "routing.hang_up"), 1);
    assert_int_equal(story_callback(&story, callback)->resume_ms, AT(85000 + 60000));
    story_answered(&story, ANSWER(PERSON)); /* late: hung up again, and counted nowhere else */
    assert_int_equal(story_count(&story, "routing.hang_up"), 2);
    assert_int_equal(story_state(&story, callback), STATE(DELAYED));
    story_close(&story);
}

static void rule_7_5_a_person_is_not_retried(void **state)
{
    struct story story;
    const char *callback = open_dialled(&story, 1, 60);

    (void)state;
    story_answered(&story, ANSWER(PERSON));
    story_attempt_ended(&story, ENDED(HUNG_UP));
    assert_int_equal(story_state(&story, callback), STATE(WRAP_UP));
    story_end(&story, "anna", callback);
    assert_int_equal(ended_reason(&story), REASON(COMPLETED));
    story_close(&story);
}

/* --- how often, how far apart --- */

static void rule_7_5_is_retried_so_many_times(void **state)
{
    (void)state;
    for (uint32_t retries = 1; retries <= 3; retries++) {
        struct story story;
        const char *callback = open_dialled(&story, retries, 60);
        int64_t now = 20000;

        for (uint32_t used = 0; used < retries; used++) {
            story_attempt_ended(&story, ENDED(NO_ANSWER));
            assert_int_equal(story_state(&story, callback), STATE(DELAYED));
            now += 60000;
            story_at(&story, now);
            dial_again(&story, callback);
        }
        story_attempt_ended(&story, ENDED(NO_ANSWER));
        assert_int_equal(story_state(&story, callback), STATE(ENDED));
        assert_int_equal(ended_reason(&story), REASON(RETRIES_EXHAUSTED));
        assert_int_equal(
            story_routing(&story, "routing.callback_ended", 0)->callback_ended->attempts,
            retries + 1);
        story_close(&story);
    }
}

static void rule_7_5_delay_counts_from_the_attempts_end(void **state)
{
    struct story story;
    const char *callback = open_dialled(&story, 1, 90);

    (void)state;
    story_at(&story, 30000);
    story.timestamp_ms = 25000; /* it ended then, and is read now */
    story_attempt_ended(&story, ENDED(BUSY));
    assert_int_equal(story_callback(&story, callback)->resume_ms, AT(25000 + 90000));
    story_at(&story, 114999);
    assert_int_equal(story_state(&story, callback), STATE(DELAYED));
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_at(&story, 115000);
    assert_int_equal(story_state(&story, callback), STATE(OFFERED));
    story_close(&story);
}

static void rule_7_5_delay_is_300_s_by_default(void **state)
{
    struct story story;
    const char *callback = open_dialled(&story, 1, 0);

    (void)state;
    story_attempt_ended(&story, ENDED(BUSY));
    assert_int_equal(story_callback(&story, callback)->resume_ms, AT(20000 + 300000));
    story_close(&story);
}

static void rule_7_5_keeps_its_place_and_waits_for_its_turn(void **state)
{
    struct story story;
    const char *callback = open_dialled(&story, 1, 60);
    PB(InteractionEvent) * ahead;

    (void)state;
    story_attempt_ended(&story, ENDED(BUSY));
    story_at(&story, 40000);
    ahead = story_entered(&story, "i0", "sales"); /* its priority puts it ahead */
    ahead->entered->routing = story_needs(&story, 60, "", "");
    story_tell(&story, ahead);
    story_enter(&story, "i2", "sales"); /* waits since 40 s: behind */
    story_at(&story, 80000);
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    assert_int_equal(story_callback(&story, callback)->place->entry_ms, AT(0));
    assert_string_equal(story_callback(&story, callback)->place->tie_break, "i1");
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_leave(&story, "i0", RINGBACK__V1__LEFT_REASON__LEFT_REASON_ABANDONED);
    assert_int_equal(story_count(&story, "routing.offer"), 2);
    assert_int_equal(story_state(&story, callback), STATE(OFFERED));
    story_close(&story);
}

static void rule_7_5_failed_for_good_ends(void **state)
{
    struct story story;
    const char *callback = open_dialled(&story, 3, 60);

    (void)state;
    story_attempt_ended(&story, ENDED(DEAD));
    assert_int_equal(story_state(&story, callback), STATE(ENDED));
    assert_int_equal(ended_reason(&story), REASON(NUMBER_DEAD));
    assert_int_equal(story_count(&story, "routing.agent_released"), 1);
    story_close(&story);
}

static void rule_7_5_without_retries_it_stays_with_the_agent(void **state)
{
    static const PB(AttemptResult)
        results[] = {ENDED(BUSY), ENDED(NO_ANSWER), ENDED(FAILED), ENDED(DEAD)};

    (void)state;
    for (size_t at = 0; at < 4; at++) { /* 6.2 */
        struct story story;
        const char *callback = open_dialled(&story, 0, 0);

        story_attempt_ended(&story, results[at]);
        assert_int_equal(story_state(&story, callback), STATE(WITH_AGENT));
        assert_string_equal(story_callback(&story, callback)->agent_id, "anna");
        story_dial(&story, "anna", callback);
        assert_int_equal(story_reason(&story), NONE);
        assert_int_equal(
            story_routing(&story, "routing.place_call", 1)->place_call->number_of_attempt, 2);
        story_close(&story);
    }
}

static void rule_7_5_fewer_retries_than_used_make_the_next_failure_the_last(void **state)
{
    struct story story;
    const char *callback = open_dialled(&story, 3, 60);

    (void)state;
    story_attempt_ended(&story, ENDED(BUSY));
    story_at(&story, 80000);
    dial_again(&story, callback);
    story_attempt_ended(&story, ENDED(BUSY));
    set_retries(&story, 1, 60); /* two are used */
    assert_int_equal(story_state(&story, callback), STATE(DELAYED));
    story_at(&story, 140000);
    dial_again(&story, callback);
    story_attempt_ended(&story, ENDED(BUSY));
    assert_int_equal(ended_reason(&story), REASON(RETRIES_EXHAUSTED));
    story_close(&story);
}

static void rule_7_5_retries_and_delay_have_limits(void **state)
{
    static const struct {
        uint32_t retries, delay_s;
        PB(Reason) reason;
    } rows[] = {
        {0, 0, NONE},
        {20, 0, NONE},
        {21, 0, REASON(SETTINGS_INVALID)},
        {1, 60, NONE},
        {1, 59, REASON(SETTINGS_INVALID)},
        {1, 86400, NONE},
        {1, 86401, REASON(SETTINGS_INVALID)},
    };
    struct story story;

    (void)state;
    story_open(&story);
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        set_retries(&story, rows[at].retries, rows[at].delay_s);
        if (story_reason(&story) != rows[at].reason)
            fail_msg("row %zu: %d", at, story_reason(&story));
    }
    story_close(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_7_5_busy_no_answer_and_failed_are_retried),
        cmocka_unit_test(rule_7_5_not_confirmed_is_retried),
        cmocka_unit_test(rule_7_5_lost_is_retried),
        cmocka_unit_test(rule_7_5_a_person_is_not_retried),
        cmocka_unit_test(rule_7_5_is_retried_so_many_times),
        cmocka_unit_test(rule_7_5_delay_counts_from_the_attempts_end),
        cmocka_unit_test(rule_7_5_delay_is_300_s_by_default),
        cmocka_unit_test(rule_7_5_keeps_its_place_and_waits_for_its_turn),
        cmocka_unit_test(rule_7_5_failed_for_good_ends),
        cmocka_unit_test(rule_7_5_without_retries_it_stays_with_the_agent),
        cmocka_unit_test(rule_7_5_fewer_retries_than_used_make_the_next_failure_the_last),
        cmocka_unit_test(rule_7_5_retries_and_delay_have_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
