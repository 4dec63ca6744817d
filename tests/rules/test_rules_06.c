/* Chapter 6 of the rules: agent-first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "state/internal.h"
#include "tests/support/story.h"

#define KIND(name)   RINGBACK__V1__ANSWER_KIND__ANSWER_KIND_##name
#define RESULT(name) RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_##name

/* A queue without auto-dial and auto-end, agent anna, her callback accepted at 0. */
static const char *with_anna(struct story *story, const PB(QueueSettings) * settings)
{
    const char *callback;

    if (settings == NULL)
        settings = story_queue(story, "sales");
    story_set_queue(story, (PB(QueueSettings) *)(uintptr_t)settings);
    story_ready(story, "anna", "sales");
    story_ask(story, "r1", story_create(story, "i1", "sales"));
    callback = story_made(story);
    story_accept(story, "anna");
    assert_int_equal(story_state(story, callback), STATE(WITH_AGENT));
    return callback;
}

static PB(QueueSettings) * auto_queue(struct story *story, int dial_s, int end_s)
{
    PB(QueueSettings) *sales = story_queue(story, "sales");

    if (dial_s >= 0) {
        sales->auto_dial = arena_alloc(&story->arena, sizeof(*sales->auto_dial));
        ringback__v1__auto_dial__init(sales->auto_dial);
        sales->auto_dial->delay_s = (uint32_t)dial_s;
    }
    if (end_s >= 0) {
        sales->auto_end = arena_alloc(&story->arena, sizeof(*sales->auto_end));
        ringback__v1__auto_end__init(sales->auto_end);
        sales->auto_end->delay_s = (uint32_t)end_s;
    }
    return sales;
}

static PB(Reason) ended_by(struct story *story)
{
    const PB(RoutingEvent) *ended = story_routing(story, "routing.callback_ended", 0);

    return ended == NULL ? REASON(UNSPECIFIED) : ended->callback_ended->reason;
}

static size_t dials(struct story *story)
{
    return story_count(story, "routing.place_call");
}

/* --- 6.1 --- */

static void rule_6_1_dial_places_the_call(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;
    const PB(RoutingEvent) * placed;
    const char *callback;

    (void)state;
    story_open(&story);
    sales = story_queue(&story, "sales");
    sales->ani = story_text(&story, "+15550100");
    sales->ani_name = story_text(&story, "Acme");
    callback = with_anna(&story, sales);
    assert_int_equal(dials(&story), 0); /* she previews */
    story_dial(&story, "anna", callback);
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    placed = story_routing(&story, "routing.place_call", 0);
    assert_string_equal(placed->callback_id, callback);
    assert_string_equal(placed->queue_id, "sales");
    assert_string_equal(placed->place_call->agent_id, "anna");
    assert_string_equal(placed->place_call->number, "+97235551234");
    assert_string_equal(placed->place_call->caller_id, "+15550100");
    assert_string_equal(placed->place_call->caller_name, "Acme");
    assert_int_equal(placed->place_call->ring_timeout_s, 45);
    assert_int_equal(placed->place_call->number_of_attempt, 1);
    assert_int_equal(strlen(placed->place_call->attempt_id), 36);
    assert_string_equal(story_result(&story)->command_accepted->attempt_id,
                        placed->place_call->attempt_id);
    story_close(&story);
}

static void rule_6_1_ring_timeout_is_10_to_120_seconds(void **state)
{
    static const uint32_t seconds[] = {9, 121, 10, 120};
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = with_anna(&story, NULL);
    for (int at = 0; at < 4; at++) {
        PB(QueueSettings) *sales = story_queue(&story, "sales");

        sales->ring_timeout_s = seconds[at];
        story_set_queue(&story, sales);
        assert_int_equal(story_reason(&story),
                         at < 2 ? REASON(SETTINGS_INVALID) : REASON(UNSPECIFIED));
    }
    story_dial(&story, "anna", callback); /* read when it is used */
    assert_int_equal(story_routing(&story, "routing.place_call", 0)->place_call->ring_timeout_s,
                     120);
    story_close(&story);
}

static void rule_6_1_dial_takes_another_number(void **state)
{
    struct story story;
    PB(Command) * command;
    PB(Dial) dial = RINGBACK__V1__DIAL__INIT;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = with_anna(&story, NULL);
    command = story_command(&story, NULL, "anna", callback);
    command->command_case = RINGBACK__V1__COMMAND__COMMAND_DIAL;
    command->dial = &dial;
    dial.number = story_text(&story, "12");
    story_do(&story, command);
    assert_int_equal(story_reason(&story), REASON(NUMBER_INVALID));
    dial.number = story_text(&story, "+1 (555) 0199");
    command->request_id = story_text(&story, "again");
    story_do(&story, command);
    assert_string_equal(story_routing(&story, "routing.place_call", 0)->place_call->number,
                        "+15550199");
    story_close(&story);
}

static void rule_6_1_only_the_holder_dials(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = with_anna(&story, NULL);
    story_set_agent(&story, story_agent(&story, "bela"));
    story_dial(&story, "bela", callback);
    assert_int_equal(story_reason(&story), REASON(NOT_YOURS));
    assert_int_equal(dials(&story), 0);
    story_close(&story);
}

static void rule_6_1_auto_answer_tells_the_desktop(void **state)
{
    (void)state;
    for (int on = 0; on < 2; on++) {
        struct story story;
        PB(QueueSettings) * sales;

        story_open(&story);
        sales = story_queue(&story, "sales");
        sales->auto_answer = on;
        with_anna(&story, sales);
        assert_int_equal(story_routing(&story, "routing.offer", 0)->offer->auto_answer, on);
        assert_int_equal(dials(&story), 0);
        story_close(&story);
    }
}

static void rule_6_1_auto_dial_dials_that_long_after_the_accept(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = with_anna(&story, auto_queue(&story, 20, -1));
    assert_int_equal(
        story_routing(&story, "routing.callback_assigned", 0)->callback_assigned->auto_dial_ms,
        STORY_START_MS + 20000);
    story_at(&story, 19999);
    assert_int_equal(dials(&story), 0);
    story_at(&story, 20000);
    assert_int_equal(dials(&story), 1);
    assert_int_equal(story_state(&story, callback), STATE(DIALLING));
    story_close(&story);
}

static void rule_6_1_auto_dial_of_0_dials_at_once_and_of_1201_is_refused(void **state)
{
    struct story story;

    (void)state;
    story_open(&story);
    story_set_queue(&story, auto_queue(&story, 1201, -1));
    assert_int_equal(story_reason(&story), REASON(SETTINGS_INVALID));
    story_set_queue(&story, auto_queue(&story, -1, 1201));
    assert_int_equal(story_reason(&story), REASON(SETTINGS_INVALID));
    story_set_queue(&story, auto_queue(&story, 1200, 1200));
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    with_anna(&story, auto_queue(&story, 0, -1));
    story_at(&story, 0);
    assert_int_equal(dials(&story), 1);
    story_close(&story);
}

static void rule_6_1_her_own_dial_comes_before_auto_dial(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = with_anna(&story, auto_queue(&story, 20, -1));
    story_at(&story, 5000);
    story_dial(&story, "anna", callback);
    story_at(&story, 6000);
    story_attempt_ended(&story, RESULT(BUSY));
    story_at(&story, 60000); /* no second auto-dial after it */
    assert_int_equal(dials(&story), 1);
    story_close(&story);
}

static void rule_6_1_auto_end_ends_that_long_after_the_call(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = with_anna(&story, auto_queue(&story, -1, 10));
    story_at(&story, 1000);
    story_dial(&story, "anna", callback);
    story_answered(&story, KIND(PERSON));
    story_at(&story, 60000);
    story_attempt_ended(&story, RESULT(HUNG_UP));
    story_at(&story, 69999);
    assert_int_equal(ended_by(&story), REASON(UNSPECIFIED));
    story_at(&story, 70000);
    assert_int_equal(ended_by(&story), REASON(COMPLETED));
    story_close(&story);
}

static void rule_6_1_each_automatic_is_a_switch_of_its_own(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = with_anna(&story, auto_queue(&story, -1, 0)); /* auto-end on, auto-dial off */
    story_at(&story, 29 * MINUTE_MS);
    assert_int_equal(dials(&story), 0);
    story_dial(&story, "anna", callback);
    story_attempt_ended(&story, RESULT(NO_ANSWER));
    story_at(&story, 29 * MINUTE_MS);
    assert_int_equal(ended_by(&story), REASON(NOT_REACHED));
    story_close(&story);
}

/* --- 6.2 --- */

static void rule_6_2_no_answer_stays_with_the_agent_by_default(void **state)
{
    static const PB(AttemptResult) results[] = {RESULT(BUSY), RESULT(NO_ANSWER), RESULT(FAILED),
                                                RESULT(DEAD), RESULT(UNSPECIFIED)};

    (void)state;
    for (size_t at = 0; at < 5; at++) {
        struct story story;
        const char *callback;

        story_open(&story);
        callback = with_anna(&story, NULL);
        story_dial(&story, "anna", callback);
        story_ringing(&story);
        story_attempt_ended(&story, results[at]);
        assert_int_equal(story_state(&story, callback), STATE(WITH_AGENT));
        assert_string_equal(story_callback(&story, callback)->agent_id, "anna");
        story_dial(&story, "anna", callback); /* redial */
        assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
        assert_int_equal(
            story_routing(&story, "routing.place_call", 1)->place_call->number_of_attempt, 2);
        assert_string_not_equal(
            story_routing(&story, "routing.place_call", 0)->place_call->attempt_id,
            story_routing(&story, "routing.place_call", 1)->place_call->attempt_id);
        story_attempt_ended(&story, results[at]);
        story_end(&story, "anna", callback);
        assert_int_equal(ended_by(&story), REASON(NOT_REACHED));
        story_close(&story);
    }
}

static PB(QueueSettings) * retrying(struct story *story, uint32_t retries, uint32_t delay_s)
{
    PB(QueueSettings) *sales = story_queue(story, "sales");

    sales->agent_first_retries = retries;
    sales->agent_first_retry_delay_s = delay_s;
    return sales;
}

static void rule_6_2_retries_leave_the_agent_and_wait_in_their_place(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = with_anna(&story, retrying(&story, 1, 60));
    story_at(&story, 1000);
    story_dial(&story, "anna", callback);
    story_at(&story, 21000);
    story_attempt_ended(&story, RESULT(NO_ANSWER));
    assert_int_equal(story_state(&story, callback), STATE(DELAYED));
    assert_string_equal(
        story_routing(&story, "routing.agent_released", 0)->agent_released->agent_id, "anna");
    assert_int_equal(story_callback(&story, callback)->place->entry_ms, STORY_START_MS);
    story_status(&story, "anna", STATUS(IDLE));
    story_now_on(&story);
    story_at(&story, 80999);
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    story_at(&story, 81000); /* from the attempt's end */
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_accept(&story, "anna");
    story_dial(&story, "anna", callback);
    story_attempt_ended(&story, RESULT(NO_ANSWER));
    assert_int_equal(ended_by(&story), REASON(RETRIES_EXHAUSTED));
    story_close(&story);
}

static void rule_6_2_the_delay_is_60_seconds_to_a_day_and_5_minutes_by_default(void **state)
{
    static const struct {
        uint32_t retries, delay_s;
        bool fine;
    } rows[] = {{1, 59, false},    {1, 60, true}, {1, 86400, true},
                {1, 86401, false}, {20, 0, true}, {21, 0, false}};
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    for (size_t at = 0; at < 6; at++) {
        story_set_queue(&story, retrying(&story, rows[at].retries, rows[at].delay_s));
        assert_int_equal(story_reason(&story),
                         rows[at].fine ? REASON(UNSPECIFIED) : REASON(SETTINGS_INVALID));
    }
    callback = with_anna(&story, retrying(&story, 2, 0));
    story_dial(&story, "anna", callback);
    story_attempt_ended(&story, RESULT(BUSY));
    assert_int_equal(story_callback(&story, callback)->resume_ms, STORY_START_MS + 300000);
    story_close(&story);
}

static void rule_6_2_a_dead_number_is_not_tried_again(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = with_anna(&story, retrying(&story, 5, 60));
    story_dial(&story, "anna", callback);
    story_attempt_ended(&story, RESULT(DEAD));
    assert_int_equal(ended_by(&story), REASON(NUMBER_DEAD));
    story_close(&story);
}

static void rule_6_2_not_confirmed_is_a_failure_a_talk_is_none(void **state)
{
    (void)state;
    for (int confirmed = 0; confirmed < 2; confirmed++) {
        struct story story;
        const char *callback;

        story_open(&story);
        callback = with_anna(&story, retrying(&story, 5, 60));
        story_dial(&story, "anna", callback);
        story_answered(&story, confirmed ? KIND(PERSON) : KIND(NOT_CONFIRMED));
        story_attempt_ended(&story, RESULT(HUNG_UP));
        assert_int_equal(story_state(&story, callback),
                         confirmed ? STATE(WRAP_UP) : STATE(DELAYED));
        story_close(&story);
    }
}

/* --- 6.3 --- */

static const char *talked(struct story *story, const PB(QueueSettings) * settings)
{
    const char *callback = with_anna(story, settings);

    story_at(story, 1000);
    story_dial(story, "anna", callback);
    story_answered(story, KIND(PERSON));
    story_at(story, 60000);
    story_attempt_ended(story, RESULT(HUNG_UP));
    return callback;
}

static void rule_6_3_the_first_of_end_auto_end_and_wrap_up_done(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        struct story story;
        const char *callback;

        story_open(&story);
        callback = talked(&story, auto_queue(&story, -1, 10));
        story_at(&story, 65000);
        if (way == 0)
            story_end(&story, "anna", callback);
        if (way == 1)
            story_attempt_wrapped(&story);
        if (way == 2)
            story_at(&story, 70000);
        assert_int_equal(ended_by(&story), REASON(COMPLETED));
        assert_string_equal(
            story_routing(&story, "routing.agent_released", 0)->agent_released->agent_id, "anna");
        assert_int_equal(story_state(&story, callback), STATE(ENDED));
        story_ask(&story, "r2", story_create(&story, "i2", "sales")); /* she is free */
        assert_int_equal(story_count(&story, "routing.offer"), 2);
        story_close(&story);
    }
}

static void rule_6_3_never_while_a_call_is_up(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = with_anna(&story, auto_queue(&story, -1, 0));
    story_dial(&story, "anna", callback);
    story_answered(&story, KIND(PERSON));
    story_end(&story, "anna", callback);
    assert_int_equal(story_reason(&story), REASON(IN_CALL));
    story_attempt_wrapped(&story); /* too early */
    story_at(&story, HOUR_MS);
    assert_int_equal(story_state(&story, callback), STATE(TALKING));
    story_close(&story);
}

static void rule_6_3_a_redial_stops_auto_end(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = with_anna(&story, auto_queue(&story, -1, 10));
    story_dial(&story, "anna", callback);
    story_attempt_ended(&story, RESULT(BUSY));
    story_at(&story, 9999);
    story_dial(&story, "anna", callback);
    story_at(&story, 20000);
    story_attempt_ended(&story, RESULT(BUSY));
    story_at(&story, 29999); /* from the end of the last */
    assert_int_equal(ended_by(&story), REASON(UNSPECIFIED));
    story_at(&story, 30000);
    assert_int_equal(ended_by(&story), REASON(NOT_REACHED));
    story_close(&story);
}

static void rule_6_3_completed_only_if_a_person_was_reached(void **state)
{
    static const struct {
        PB(AnswerKind) kind;
        PB(Reason) reason;
    } rows[] = {{KIND(PERSON), REASON(COMPLETED)},
                {KIND(UNSPECIFIED), REASON(COMPLETED)}, /* 6.4: unknown is a person */
                {KIND(MACHINE), REASON(NOT_REACHED)},
                {KIND(NOT_CONFIRMED), REASON(NOT_REACHED)}};

    (void)state;
    for (size_t at = 0; at < 4; at++) {
        struct story story;
        const char *callback;

        story_open(&story);
        callback = with_anna(&story, NULL);
        story_dial(&story, "anna", callback);
        story_answered(&story, rows[at].kind);
        story_attempt_ended(&story, RESULT(HUNG_UP));
        story_end(&story, "anna", callback);
        assert_int_equal(ended_by(&story), rows[at].reason);
        story_close(&story);
    }
}

static void rule_6_3_ended_without_a_dial_is_not_reached(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = with_anna(&story, NULL);
    story_end(&story, "anna", callback);
    assert_int_equal(ended_by(&story), REASON(NOT_REACHED));
    story_close(&story);
}

/* --- 6.4 --- */

static void rule_6_4_no_outcome_by_ring_timeout_and_30_seconds_is_lost(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    story.frozen = true;
    callback = with_anna(&story, NULL);
    story_at(&story, 1000);
    story_dial(&story, "anna", callback);
    story_at(&story, 75999);
    assert_int_equal(story_state(&story, callback), STATE(DIALLING));
    story_at(&story, 76000);
    assert_int_equal(story_state(&story, callback), STATE(WITH_AGENT));
    assert_int_equal(story_routing(&story, "routing.hang_up", 0)->hang_up->reason, REASON(LOST));
    assert_string_equal(story_routing(&story, "routing.hang_up", 0)->hang_up->attempt_id,
                        story_routing(&story, "routing.place_call", 0)->place_call->attempt_id);
    assert_int_equal(machine_counted(story.machine, MACHINE_COUNT_LOST_ATTEMPTS), 1);
    story_answered(&story, KIND(PERSON)); /* after all */
    assert_int_equal(story_count(&story, "routing.hang_up"), 2);
    assert_int_equal(story_state(&story, callback), STATE(WITH_AGENT));
    assert_int_equal(machine_counted(story.machine, MACHINE_COUNT_LATE_ANSWERS), 1);
    story_close(&story);
}

static void rule_6_4_ringing_is_no_outcome(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = with_anna(&story, NULL);
    story_dial(&story, "anna", callback);
    story_at(&story, 70000);
    story_ringing(&story);
    story_at(&story, 75000);
    assert_int_equal(story_state(&story, callback), STATE(WITH_AGENT));
    story_close(&story);
}

static void rule_6_4_a_lost_attempt_counts_as_failed(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = with_anna(&story, retrying(&story, 1, 60));
    story_dial(&story, "anna", callback);
    story_at(&story, 75000);
    assert_int_equal(story_state(&story, callback), STATE(DELAYED));
    assert_int_equal(story_callback(&story, callback)->resume_ms, STORY_START_MS + 135000);
    story_answered(&story, KIND(PERSON));
    assert_int_equal(story_count(&story, "routing.hang_up"), 2);
    assert_int_equal(story_state(&story, callback), STATE(DELAYED));
    story_close(&story);
}

static void rule_6_4_an_answer_after_the_callbacks_end_is_hung_up(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = with_anna(&story, NULL);
    story_dial(&story, "anna", callback);
    story_end(&story, "anna", callback); /* hangs up */
    assert_int_equal(story_count(&story, "routing.hang_up"), 1);
    story_answered(&story, KIND(PERSON));
    assert_int_equal(story_count(&story, "routing.hang_up"), 2);
    assert_string_equal(story_routing(&story, "routing.hang_up", 1)->hang_up->attempt_id,
                        story_routing(&story, "routing.place_call", 0)->place_call->attempt_id);
    story_close(&story);
}

static void rule_6_4_one_id_is_dialled_once_and_old_news_changes_nothing(void **state)
{
    struct story story;
    const char *callback;
    PB(Command) * command;
    PB(Dial) dial = RINGBACK__V1__DIAL__INIT;

    (void)state;
    story_open(&story);
    callback = with_anna(&story, NULL);
    command = story_command(&story, "d1", "anna", callback);
    command->command_case = RINGBACK__V1__COMMAND__COMMAND_DIAL;
    command->dial = &dial;
    story_do(&story, command);
    story_do(&story, command);
    assert_int_equal(dials(&story), 1);
    command->request_id = story_text(&story, "d2");
    story_do(&story, command);
    assert_int_equal(story_reason(&story), REASON(IN_CALL));
    assert_int_equal(dials(&story), 1);
    story_answered(&story, KIND(PERSON));
    story.version -= 10;
    story_attempt_ended(&story, RESULT(HUNG_UP)); /* an older version */
    assert_int_equal(story_state(&story, callback), STATE(TALKING));
    story_close(&story);
}

static void rule_6_4_a_call_of_an_attempt_is_no_live_call(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = talked(&story, NULL);
    story_end(&story, "anna", callback);
    assert_int_equal(story_counters(&story, "sales")->live->offered, 0);
    assert_int_equal(story_counters(&story, "sales")->callbacks->offered, 1);
    story_close(&story);
}

static void rule_6_4_connected_without_an_answer_is_a_person(void **state)
{
    struct story story;
    PB(InteractionEvent) event = RINGBACK__V1__INTERACTION_EVENT__INIT;
    PB(Attempt) attempt = RINGBACK__V1__ATTEMPT__INIT;
    PB(AttemptConnected) connected = RINGBACK__V1__ATTEMPT_CONNECTED__INIT;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = with_anna(&story, NULL);
    story_dial(&story, "anna", callback);
    attempt.attempt_id = story_routing(&story, "routing.place_call", 0)->place_call->attempt_id;
    attempt.version = 1;
    connected.agent_id = story_text(&story, "anna");
    event.attempt = &attempt;
    event.event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_CONNECTED;
    event.attempt_connected = &connected;
    story_send(&story, INPUT_INTERACTIONS, &event.base);
    assert_int_equal(story_state(&story, callback), STATE(TALKING));
    story_attempt_ended(&story, RESULT(HUNG_UP));
    story_end(&story, "anna", callback);
    assert_int_equal(ended_by(&story), REASON(COMPLETED));
    story_close(&story);
}

/* --- 6.5 --- */

static void rule_6_5_an_agent_who_goes_offline_loses_it_after_60_seconds(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = with_anna(&story, NULL);
    story_ready(&story, "bela", "sales");
    story_at(&story, 1000);
    story_presence(&story, "anna", PRESENCE(OFFLINE));
    story_now_on(&story);
    story_at(&story, 60999);
    assert_string_equal(story_callback(&story, callback)->agent_id, "anna");
    story_at(&story, 61000);
    assert_int_equal(story_routing(&story, "routing.agent_released", 0)->agent_released->reason,
                     REASON(AGENT_GONE));
    assert_string_equal(story_offered_to(&story), "bela");
    assert_int_equal(story_callback(&story, callback)->place->entry_ms, STORY_START_MS);
    story_close(&story);
}

static void rule_6_5_who_comes_back_in_time_keeps_it_and_a_break_takes_nothing(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = with_anna(&story, NULL);
    story_presence(&story, "anna", PRESENCE(OFFLINE));
    story_at(&story, 59999);
    story_presence(&story, "anna", PRESENCE(AWAY));
    story_at(&story, 20 * MINUTE_MS);
    assert_string_equal(story_callback(&story, callback)->agent_id, "anna");
    story_close(&story);
}

static void rule_6_5_a_removed_agent_loses_it_after_60_seconds(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = with_anna(&story, NULL);
    story_at(&story, 1000);
    story_remove_agent(&story, "anna");
    story_at(&story, 60999);
    assert_int_equal(story_state(&story, callback), STATE(WITH_AGENT));
    story_at(&story, 61000);
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    story_close(&story);
}

static void rule_6_5_an_attempt_is_hung_up_first(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = with_anna(&story, NULL);
    story_presence(&story, "anna", PRESENCE(OFFLINE));
    story_at(&story, 50000);
    story_dial(&story, "anna", callback);
    story_at(&story, 60000);
    assert_int_equal(story_routing(&story, "routing.hang_up", 0)->hang_up->reason,
                     REASON(AGENT_GONE));
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    story_close(&story);
}

static void rule_6_5_a_talk_finishes_then_it_ends(void **state)
{
    static const struct {
        PB(AnswerKind) kind;
        PB(Reason) reason;
    } rows[] = {{KIND(PERSON), REASON(COMPLETED)}, {KIND(MACHINE), REASON(NOT_REACHED)}};

    (void)state;
    for (size_t at = 0; at < 2; at++) {
        struct story story;
        const char *callback;

        story_open(&story);
        callback = with_anna(&story, NULL);
        story_dial(&story, "anna", callback);
        story_answered(&story, rows[at].kind);
        story_presence(&story, "anna", PRESENCE(OFFLINE));
        story_at(&story, 120000);
        assert_int_equal(story_state(&story, callback), STATE(TALKING));
        assert_int_equal(story_count(&story, "routing.hang_up"), 0);
        story_attempt_ended(&story, RESULT(HUNG_UP));
        assert_int_equal(ended_by(&story), rows[at].reason);
        story_close(&story);
    }
}

static void rule_6_5_nobody_talked_so_it_is_taken_back(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = with_anna(&story, NULL);
    story_dial(&story, "anna", callback);
    story_answered(&story, KIND(NOT_CONFIRMED));
    story_presence(&story, "anna", PRESENCE(OFFLINE));
    story_at(&story, 60000);
    story_attempt_ended(&story, RESULT(HUNG_UP));
    story_at(&story, 60000);
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    story_close(&story);
}

static void rule_6_5_no_dial_for_30_minutes_takes_it_back(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = with_anna(&story, NULL);
    story_at(&story, 30 * MINUTE_MS - 1);
    assert_int_equal(story_state(&story, callback), STATE(WITH_AGENT));
    story_now_on(&story);
    story_at(&story, 30 * MINUTE_MS);
    assert_int_equal(story_routing(&story, "routing.agent_released", 0)->agent_released->reason,
                     REASON(AGENT_GONE));
    story_close(&story);
}

static void rule_6_5_nothing_for_60_minutes_after_an_unanswered_call_takes_it_back(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = with_anna(&story, NULL);
    story_at(&story, 10 * MINUTE_MS);
    story_dial(&story, "anna", callback);
    story_attempt_ended(&story, RESULT(BUSY));
    story_at(&story, 70 * MINUTE_MS - 1);
    assert_int_equal(story_state(&story, callback), STATE(WITH_AGENT));
    assert_int_equal(story_count(&story, "routing.agent_released"), 0);
    story_at(&story, 70 * MINUTE_MS);
    assert_int_equal(story_count(&story, "routing.agent_released"), 1);
    assert_int_equal(ended_by(&story), REASON(UNSPECIFIED));
    story_close(&story);
}

static void rule_6_5_nothing_for_60_minutes_after_a_talk_ends_it(void **state)
{
    struct story story;

    (void)state;
    story_open(&story);
    talked(&story, NULL); /* until 60000 */
    story_at(&story, 61 * MINUTE_MS - 1);
    assert_int_equal(ended_by(&story), REASON(UNSPECIFIED));
    story_at(&story, 61 * MINUTE_MS);
    assert_int_equal(ended_by(&story), REASON(COMPLETED));
    story_close(&story);
}

/* --- 6.6 --- */

static void transfer(struct story *story, const char *agent, const char *callback,
                     const char *queue, const char *to_agent)
{
    PB(Command) *command = story_command(story, NULL, agent, callback);

    command->command_case = RINGBACK__V1__COMMAND__COMMAND_TRANSFER;
    command->transfer = arena_alloc(&story->arena, sizeof(*command->transfer));
    ringback__v1__transfer__init(command->transfer);
    command->transfer->queue_id = story_text(story, queue);
    command->transfer->to_agent_id = story_text(story, to_agent);
    story_do(story, command);
}

/* Sales and support; a callback of i1 with routing data stands in sales since 0, anna holds it. */
static const char *open_transfer(struct story *story)
{
    PB(CreateCallback) * create;

    story_open(story);
    story_set_queue(story, story_queue(story, "sales"));
    story_set_queue(story, story_queue(story, "support"));
    story_ready_with(story, "anna", "sales", "billing", "");
    create = story_create(story, "i1", "sales");
    create->facts->place = arena_alloc(&story->arena, sizeof(*create->facts->place));
    ringback__v1__place__init(create->facts->place);
    create->facts->place->queue_id = story_text(story, "sales");
    create->facts->place->entry_ms = STORY_START_MS;
    create->facts->routing = story_needs(story, 3, "billing", "");
    create->facts->routing->n_scores = 1;
    create->facts->routing->scores = arena_alloc(&story->arena, sizeof(void *));
    create->facts->routing->scores[0] = arena_alloc(&story->arena, sizeof(PB(AgentScore)));
    ringback__v1__agent_score__init(create->facts->routing->scores[0]);
    create->facts->routing->scores[0]->agent_id = story_text(story, "anna");
    create->facts->routing->scores[0]->score = 80;
    story_ask(story, "r1", create);
    story_accept(story, "anna");
    assert_int_equal(story_state(story, story_made(story)), STATE(WITH_AGENT));
    return story_made(story);
}

static void rule_6_6_to_a_queue_it_goes_to_the_end_of_that_line(void **state)
{
    struct story story;
    const char *callback;
    const PB(CallbackEntity) * entity;
    size_t stays;

    (void)state;
    callback = open_transfer(&story);
    story_at(&story, 20000);
    story_now_on(&story);
    transfer(&story, "anna", callback, "support", "");
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    entity = story_callback(&story, callback);
    assert_int_equal(entity->state, STATE(WAITING));
    assert_string_equal(entity->place->queue_id, "support");
    assert_int_equal(entity->place->entry_ms, STORY_START_MS + 20000);
    assert_string_equal(entity->place->tie_break, callback);
    assert_int_equal(entity->routing->priority, 3); /* kept, and skills */
    assert_int_equal(entity->routing->n_skills, 1);
    assert_string_equal(entity->routing->skills[0], "billing");
    assert_int_equal(entity->routing->n_scores, 0);
    assert_string_equal(entity->agent_id, "");
    assert_int_equal(story_count(&story, "routing.agent_released"), 1);
    assert_int_equal(story_routing(&story, "routing.agent_released", 0)->agent_released->reason,
                     REASON(MOVED));
    story_metric(&story, METRIC(N_OFFERED), "support", &stays); /* a new stay */
    assert_int_equal(stays, 1);
    story_metric(&story, METRIC(T_FLOW_OUT), "sales", &stays); /* the other ended at the accept */
    assert_int_equal(stays, 0);
    story_ready(&story, "ben", "support");
    assert_int_equal(story_count(&story, "routing.offer"), 0); /* of him billing is asked */
    story_ready_with(&story, "carl", "support", "billing", "");
    assert_string_equal(story_offered_to(&story), "carl");
    story_close(&story);
}

static void rule_6_6_to_its_own_queue_it_goes_behind_the_others(void **state)
{
    struct story story;
    const char *callback, *other;

    (void)state;
    callback = open_transfer(&story);
    story_at(&story, 1000);
    story_ask(&story, "r2", story_create(&story, "i2", "sales"));
    other = story_made(&story);
    story_at(&story, 200000);
    story_now_on(&story);
    transfer(&story, "anna", callback, "sales", "");
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    assert_string_equal(story_routing(&story, "routing.offer", 0)->callback_id, other);
    story_close(&story);
}

static void rule_6_6_to_a_queue_the_owner_is_dropped(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;
    PB(Command) * schedule;
    PB(Ring) ring = RINGBACK__V1__RING__INIT, *rings[1] = {&ring};
    PB(AgentOwned) owned = RINGBACK__V1__AGENT_OWNED__INIT;
    const char *callback;

    (void)state;
    story_open(&story);
    sales = story_queue(&story, "sales");
    owned.enabled = true;
    sales->agent_owned = &owned;
    sales->n_rings = 1;
    sales->rings = rings;
    story_set_queue(&story, sales);
    story_set_queue(&story, story_queue(&story, "support"));
    story_ready(&story, "anna", "sales");
    story_enter(&story, "i1", "sales");
    story_connect(&story, "i1", "anna");
    schedule = story_schedule(&story, "s1", "anna", "i1", 60000);
    schedule->schedule->take_ownership = true;
    story_do(&story, schedule);
    callback = story_made(&story);
    story_end_call(&story, "i1");
    story_at(&story, 1000);
    story_status(&story, "anna", STATUS(IDLE));
    story_at(&story, 60000);
    story_accept(&story, "anna");
    transfer(&story, "anna", callback, "support", "");
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    assert_string_equal(story_callback(&story, callback)->owner_agent_id, "");
    assert_int_equal(story_callback(&story, callback)->owner_end_ms, 0);
    story_ready(&story, "ben", "support");
    assert_string_equal(story_offered_to(&story), "ben");
    story_close(&story);
}

static void rule_6_6_to_an_agent_one_offer_and_missed_back_in_its_place(void **state)
{
    struct story story;
    const char *callback;
    const PB(CallbackEntity) * entity;

    (void)state;
    callback = open_transfer(&story);
    story_at(&story, 10000);
    story_ready_with(&story, "ben", "sales", "billing", "");
    story_at(&story, 11000);
    story_ready_with(&story, "carl", "sales", "billing", "");
    story_at(&story, 20000);
    story_now_on(&story);
    transfer(&story, "anna", callback, "", "carl"); /* ben waits longer */
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    assert_int_equal(story_count(&story, "routing.agent_released"), 1);
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    assert_string_equal(story_offered_to(&story), "carl");
    assert_int_equal(story_routing(&story, "routing.offer", 0)->offer->deadline_ms,
                     STORY_START_MS + 50000);
    story_at(&story, 50000); /* missed: on to the next, by 5.4 */
    entity = story_callback(&story, callback);
    assert_string_equal(entity->place->queue_id, "sales");
    assert_int_equal(entity->place->entry_ms, STORY_START_MS);
    assert_string_equal(entity->place->tie_break, "i1");
    assert_int_equal(entity->routing->n_scores, 0); /* 4.3 */
    assert_int_equal(story_count(&story, "routing.offer"), 2);
    assert_string_equal(story_offered_to(&story), "ben");
    story_close(&story);
}

static void rule_6_6_to_an_agent_accepted_it_is_his(void **state)
{
    struct story story;
    const char *callback;
    size_t stays;

    (void)state;
    callback = open_transfer(&story);
    story_ready_with(&story, "ben", "sales", "billing", "");
    story_at(&story, 20000);
    story_now_on(&story);
    transfer(&story, "anna", callback, "", "ben");
    story_accept(&story, "ben");
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    assert_int_equal(story_state(&story, callback), STATE(WITH_AGENT));
    assert_string_equal(story_callback(&story, callback)->agent_id, "ben");
    assert_int_equal(story_metric(&story, METRIC(N_OFFERED), "sales", &stays), 1);
    assert_int_equal(stays, 1);
    story_dial(&story, "anna", callback);
    assert_int_equal(story_reason(&story), REASON(NOT_YOURS));
    story_dial(&story, "ben", callback);
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    story_close(&story);
}

static void rule_6_6_whom_it_cannot_go_to_is_said_and_the_holder_keeps_it(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    callback = open_transfer(&story);
    story_ready_with(&story, "ben", "support", "billing", "");
    story_ready_with(&story, "carl", "sales", "billing", "");
    story_status(&story, "carl", STATUS(COMMUNICATING));
    story_ready(&story, "dora", "sales");
    story_now_on(&story);
    transfer(&story, "anna", callback, "nowhere", "");
    assert_int_equal(story_reason(&story), REASON(QUEUE_UNKNOWN));
    transfer(&story, "anna", callback, "", "nobody");
    assert_int_equal(story_reason(&story), REASON(AGENT_UNKNOWN));
    transfer(&story, "anna", callback, "", "ben");
    assert_int_equal(story_reason(&story), REASON(NOT_A_MEMBER));
    transfer(&story, "anna", callback, "", "carl");
    assert_int_equal(story_reason(&story), REASON(AGENT_NOT_ELIGIBLE));
    transfer(&story, "anna", callback, "", "dora"); /* she has no billing */
    assert_int_equal(story_reason(&story), REASON(AGENT_NOT_ELIGIBLE));
    transfer(&story, "anna", callback, "", "anna"); /* at her capacity */
    assert_int_equal(story_reason(&story), REASON(AGENT_NOT_ELIGIBLE));
    transfer(&story, "anna", callback, "", "");
    assert_int_equal(story_reason(&story), REASON(LIMIT));
    transfer(&story, "anna", callback, "support", "ben");
    assert_int_equal(story_reason(&story), REASON(LIMIT));
    transfer(&story, "ben", callback, "support", "");
    assert_int_equal(story_reason(&story), REASON(NOT_YOURS));
    assert_int_equal(story_state(&story, callback), STATE(WITH_AGENT));
    assert_string_equal(story_callback(&story, callback)->agent_id, "anna");
    assert_int_equal(story_count(&story, "routing.agent_released"), 0);
    story_close(&story);
}

static void rule_6_6_a_call_that_is_up_follows_to_an_agent_only_the_holder_changes(void **state)
{
    struct story story;
    const char *callback;
    const PB(CallbackEntity) * entity;

    (void)state;
    callback = open_transfer(&story);
    story_ready(&story, "ben", "support"); /* no member, and without the skill: the call is up */
    story_dial(&story, "anna", callback);
    story_at(&story, 10000);
    story_answered(&story, KIND(PERSON));
    story_at(&story, 20000);
    story_now_on(&story);
    transfer(&story, "anna", callback, "", "ben");
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    entity = story_callback(&story, callback);
    assert_int_equal(entity->state, STATE(TALKING));
    assert_string_equal(entity->agent_id, "ben");
    assert_string_equal(entity->place->queue_id, "sales");
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    assert_int_equal(story_count(&story, "routing.hang_up"), 0);
    assert_string_equal(
        story_routing(&story, "routing.agent_released", 0)->agent_released->agent_id, "anna");
    assert_string_equal(
        story_routing(&story, "routing.callback_assigned", 0)->callback_assigned->agent_id, "ben");
    story_at(&story, 30000);
    story_attempt_ended(&story, RESULT(HUNG_UP));
    assert_int_equal(story_state(&story, callback), STATE(WRAP_UP));
    story_end(&story, "anna", callback);
    assert_int_equal(story_reason(&story), REASON(NOT_YOURS));
    story_end(&story, "ben", callback);
    assert_int_equal(ended_by(&story), REASON(COMPLETED));
    story_close(&story);
}

/* ben, who holds one callback at a time, is offered another one as the call comes to him. */
static void rule_6_6_who_gets_the_call_loses_an_offer_that_he_has_no_room_for(void **state)
{
    for (uint32_t room = 1; room <= 2; room++) {
        struct story story;
        const char *callback;
        PB(AgentSettings) * ben;

        (void)state;
        callback = open_transfer(&story);
        story_dial(&story, "anna", callback);
        story_answered(&story, KIND(PERSON));
        story_ready(&story, "ben", "support");
        ben = story_agent(&story, "ben");
        ben->callback_capacity = arena_alloc(&story.arena, sizeof(*ben->callback_capacity));
        ringback__v1__callback_capacity__init(ben->callback_capacity);
        ben->callback_capacity->callbacks = room;
        story_set_agent(&story, ben);
        story_ask(&story, "other", story_create(&story, "other", "support"));
        assert_string_equal(story_offered_to(&story), "ben");
        story_now_on(&story);
        transfer(&story, "anna", callback, "", "ben");
        assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
        assert_string_equal(story_callback(&story, callback)->agent_id, "ben");
        assert_int_equal(story_count(&story, "routing.revoke"), room == 1);
        if (room == 1)
            assert_int_equal(story_routing(&story, "routing.revoke", 0)->revoke->reason,
                             REASON(AGENT_NOT_ELIGIBLE));
        story_close(&story);
    }
}

static void connected_with(struct story *story, const char *agent)
{
    PB(InteractionEvent) event = RINGBACK__V1__INTERACTION_EVENT__INIT;
    PB(Attempt) attempt = RINGBACK__V1__ATTEMPT__INIT;
    PB(AttemptConnected) connected = RINGBACK__V1__ATTEMPT_CONNECTED__INIT;

    event.id = story_text(story, agent);
    attempt.attempt_id =
        story_text(story, story_callback(story, story_made(story))->attempt->attempt_id);
    attempt.version = ++story->version;
    connected.agent_id = story_text(story, agent);
    event.attempt = &attempt;
    event.event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_CONNECTED;
    event.attempt_connected = &connected;
    story_tell(story, &event);
}

static void rule_6_6_a_call_that_is_up_follows_to_a_queue_the_holder_is_who_gets_it(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    callback = open_transfer(&story);
    story_ready(&story, "ben", "support");
    story_dial(&story, "anna", callback);
    story_answered(&story, KIND(PERSON));
    story_at(&story, 20000);
    transfer(&story, "anna", callback, "nowhere", "");
    assert_int_equal(story_reason(&story), REASON(QUEUE_UNKNOWN));
    transfer(&story, "anna", callback, "support", "");
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    assert_string_equal(story_callback(&story, callback)->agent_id, "anna");
    story_at(&story, 25000);
    connected_with(&story, "ben");
    assert_string_equal(story_callback(&story, callback)->agent_id, "ben");
    assert_int_equal(story_state(&story, callback), STATE(TALKING));
    assert_string_equal(story_callback(&story, callback)->place->queue_id, "sales");
    connected_with(&story, "nobody");
    assert_string_equal(story_callback(&story, callback)->agent_id, "ben");
    assert_int_equal(story_count(&story, "routing.agent_released"), 1);
    story_close(&story);
}

static void rule_6_6_in_wrap_up_it_goes_on_like_one_without_a_call(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    callback = open_transfer(&story);
    story_dial(&story, "anna", callback);
    story_answered(&story, KIND(PERSON));
    story_attempt_ended(&story, RESULT(HUNG_UP));
    assert_int_equal(story_state(&story, callback), STATE(WRAP_UP));
    story_at(&story, 20000);
    transfer(&story, "anna", callback, "support", "");
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    assert_int_equal(story_callback(&story, callback)->place->entry_ms, STORY_START_MS + 20000);
    story_ready_with(&story, "ben", "support", "billing", "");
    assert_string_equal(story_offered_to(&story), "ben");
    story_close(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_6_1_dial_places_the_call),
        cmocka_unit_test(rule_6_1_ring_timeout_is_10_to_120_seconds),
        cmocka_unit_test(rule_6_1_dial_takes_another_number),
        cmocka_unit_test(rule_6_1_only_the_holder_dials),
        cmocka_unit_test(rule_6_1_auto_answer_tells_the_desktop),
        cmocka_unit_test(rule_6_1_auto_dial_dials_that_long_after_the_accept),
        cmocka_unit_test(rule_6_1_auto_dial_of_0_dials_at_once_and_of_1201_is_refused),
        cmocka_unit_test(rule_6_1_her_own_dial_comes_before_auto_dial),
        cmocka_unit_test(rule_6_1_auto_end_ends_that_long_after_the_call),
        cmocka_unit_test(rule_6_1_each_automatic_is_a_switch_of_its_own),
        cmocka_unit_test(rule_6_2_no_answer_stays_with_the_agent_by_default),
        cmocka_unit_test(rule_6_2_retries_leave_the_agent_and_wait_in_their_place),
        cmocka_unit_test(rule_6_2_the_delay_is_60_seconds_to_a_day_and_5_minutes_by_default),
        cmocka_unit_test(rule_6_2_a_dead_number_is_not_tried_again),
        cmocka_unit_test(rule_6_2_not_confirmed_is_a_failure_a_talk_is_none),
        cmocka_unit_test(rule_6_3_the_first_of_end_auto_end_and_wrap_up_done),
        cmocka_unit_test(rule_6_3_never_while_a_call_is_up),
        cmocka_unit_test(rule_6_3_a_redial_stops_auto_end),
        cmocka_unit_test(rule_6_3_completed_only_if_a_person_was_reached),
        cmocka_unit_test(rule_6_3_ended_without_a_dial_is_not_reached),
        cmocka_unit_test(rule_6_4_no_outcome_by_ring_timeout_and_30_seconds_is_lost),
        cmocka_unit_test(rule_6_4_ringing_is_no_outcome),
        cmocka_unit_test(rule_6_4_a_lost_attempt_counts_as_failed),
        cmocka_unit_test(rule_6_4_an_answer_after_the_callbacks_end_is_hung_up),
        cmocka_unit_test(rule_6_4_one_id_is_dialled_once_and_old_news_changes_nothing),
        cmocka_unit_test(rule_6_4_a_call_of_an_attempt_is_no_live_call),
        cmocka_unit_test(rule_6_4_connected_without_an_answer_is_a_person),
        cmocka_unit_test(rule_6_5_an_agent_who_goes_offline_loses_it_after_60_seconds),
        cmocka_unit_test(rule_6_5_who_comes_back_in_time_keeps_it_and_a_break_takes_nothing),
        cmocka_unit_test(rule_6_5_a_removed_agent_loses_it_after_60_seconds),
        cmocka_unit_test(rule_6_5_an_attempt_is_hung_up_first),
        cmocka_unit_test(rule_6_5_a_talk_finishes_then_it_ends),
        cmocka_unit_test(rule_6_5_nobody_talked_so_it_is_taken_back),
        cmocka_unit_test(rule_6_5_no_dial_for_30_minutes_takes_it_back),
        cmocka_unit_test(rule_6_5_nothing_for_60_minutes_after_an_unanswered_call_takes_it_back),
        cmocka_unit_test(rule_6_5_nothing_for_60_minutes_after_a_talk_ends_it),
        cmocka_unit_test(rule_6_6_to_a_queue_it_goes_to_the_end_of_that_line),
        cmocka_unit_test(rule_6_6_to_its_own_queue_it_goes_behind_the_others),
        cmocka_unit_test(rule_6_6_to_a_queue_the_owner_is_dropped),
        cmocka_unit_test(rule_6_6_to_an_agent_one_offer_and_missed_back_in_its_place),
        cmocka_unit_test(rule_6_6_to_an_agent_accepted_it_is_his),
        cmocka_unit_test(rule_6_6_whom_it_cannot_go_to_is_said_and_the_holder_keeps_it),
        cmocka_unit_test(rule_6_6_a_call_that_is_up_follows_to_an_agent_only_the_holder_changes),
        cmocka_unit_test(rule_6_6_who_gets_the_call_loses_an_offer_that_he_has_no_room_for),
        cmocka_unit_test(rule_6_6_a_call_that_is_up_follows_to_a_queue_the_holder_is_who_gets_it),
        cmocka_unit_test(rule_6_6_in_wrap_up_it_goes_on_like_one_without_a_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
