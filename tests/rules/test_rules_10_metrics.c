/* Chapter 10: what agents and dials are measured by (10.3, 10.6), to the millisecond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "state/internal.h"
#include "tests/support/story.h"

#define NONE         REASON(UNSPECIFIED)
#define RESULT(name) RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_##name
#define KIND(name)   RINGBACK__V1__ANSWER_KIND__ANSWER_KIND_##name

/* How many values there were since story_now_on, their sum, and whose they all are. */
static void assert_metric(struct story *story, PB(MetricName) name, size_t times, int64_t sum,
                          const char *agent)
{
    const PB(AnalyticsEvent) * event;
    size_t count = 0;
    int64_t value = 0;

    for (size_t at = 0; (event = story_analytics(story, "analytics.metric", at)) != NULL; at++) {
        if (event->metric->name != name)
            continue;
        count++;
        value += event->metric->value;
        assert_string_equal(event->agent_id, agent);
        assert_string_equal(event->queue_id, "sales");
    }
    assert_int_equal(count, times);
    assert_int_equal(value, sum);
}

static const char *ask(struct story *story, const char *request)
{
    story_ask(story, request, story_create(story, request, "sales"));
    assert_int_equal(story_reason(story), NONE);
    return story_text(story, story_made(story));
}

/* Waits from 1 s, alerts from 4 s, accepted at 7 s. */
static const char *open_held(struct story *story, PB(QueueSettings) * (*settings)(struct story *))
{
    const char *callback;

    story_open(story);
    story_set_queue(story, settings != NULL ? settings(story) : story_queue(story, "sales"));
    story_at(story, 1000);
    callback = ask(story, "i1");
    story_at(story, 4000);
    story_ready(story, "anna", "sales");
    story_at(story, 7000);
    story_now_on(story);
    story_accept(story, "anna");
    return callback;
}

/* --- alerts --- */

static void rule_10_3_an_accepted_alert_is_told(void **state)
{
    struct story story;

    (void)state;
    open_held(&story, NULL);
    assert_metric(&story, METRIC(T_ALERT), 1, 3000, "anna");
    assert_metric(&story, METRIC(T_NOT_RESPONDING), 0, 0, "");
    assert_metric(&story, METRIC(T_ANSWERED), 1, 6000, "anna");
    assert_metric(&story, METRIC(T_ACD), 1, 6000, "anna");
    story_close(&story);
}

static void rule_10_3_a_missed_alert_is_not_responding(void **state)
{
    struct story story;

    (void)state;
    story_open(&story);
    story_set_queue(&story, story_queue(&story, "sales"));
    story_ready(&story, "anna", "sales");
    ask(&story, "i1");
    story_now_on(&story);
    story_at(&story, 30000);
    assert_metric(&story, METRIC(T_ALERT), 1, 30000, "anna");
    assert_metric(&story, METRIC(T_NOT_RESPONDING), 1, 30000, "anna");
    assert_metric(&story, METRIC(T_ACD), 0, 0, "");
    story_close(&story);
}

static void rule_10_3_a_declined_or_revoked_alert_is_no_miss(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    story_set_queue(&story, story_queue(&story, "sales"));
    story_ready(&story, "anna", "sales");
    callback = ask(&story, "i1");
    story_at(&story, 5000);
    story_now_on(&story);
    story_decline(&story, "anna");
    assert_metric(&story, METRIC(T_ALERT), 1, 5000, "anna");
    story_ready(&story, "ben", "sales");
    story_now_on(&story);
    story_at(&story, 7000);
    story_cancel(&story, callback);
    assert_metric(&story, METRIC(T_ALERT), 1, 2000, "ben");
    assert_metric(&story, METRIC(T_NOT_RESPONDING), 0, 0, "");
    assert_metric(&story, METRIC(T_ABANDON), 1, 7000, "");
    story_close(&story);
}

/* --- dials --- */

static void rule_10_3_a_dial_is_contacting_until_it_rings_then_dialing(void **state)
{
    struct story story;
    const char *callback = open_held(&story, NULL);

    (void)state;
    story_at(&story, 10000);
    story_now_on(&story);
    story_dial(&story, "anna", callback);
    assert_metric(&story, METRIC(N_OUTBOUND_ATTEMPTED), 1, 1, "anna");
    assert_metric(&story, METRIC(T_FIRST_DIAL), 1, 3000, "anna"); /* accepted at 7 s */
    story_at(&story, 12500);
    story_ringing(&story);
    assert_metric(&story, METRIC(T_CONTACTING), 1, 2500, "anna"); /* told when known */
    story_ringing(&story);
    assert_metric(&story, METRIC(T_CONTACTING), 1, 2500, "anna");
    story_at(&story, 20000);
    story_answered(&story, KIND(PERSON));
    assert_metric(&story, METRIC(T_DIALING), 1, 7500, "anna");
    assert_metric(&story, METRIC(N_OUTBOUND_CONNECTED), 1, 1, "anna");
    assert_metric(&story, METRIC(T_FIRST_CONNECT), 1, 13000, "anna");
    assert_metric(&story, METRIC(N_CALLBACK_ATTEMPTS), 0, 0, "");
    story_close(&story);
}

static void rule_10_3_a_dial_that_never_rang_is_contacting(void **state)
{
    struct story story;
    const char *callback = open_held(&story, NULL);

    (void)state;
    story_at(&story, 10000);
    story_dial(&story, "anna", callback);
    story_at(&story, 14000);
    story_now_on(&story);
    story_attempt_ended(&story, RESULT(BUSY));
    assert_metric(&story, METRIC(T_CONTACTING), 1, 4000, "anna");
    assert_metric(&story, METRIC(T_DIALING), 0, 0, "");
    assert_metric(&story, METRIC(N_OUTBOUND_CONNECTED), 0, 0, "");
    story_close(&story);
}

/* By a machine: not connected, though the agent hears it. */
static void rule_10_3_a_machine_is_no_connection(void **state)
{
    struct story story;
    const char *callback = open_held(&story, NULL);

    (void)state;
    story_at(&story, 10000);
    story_dial(&story, "anna", callback);
    story_at(&story, 20000);
    story_now_on(&story);
    story_answered(&story, KIND(MACHINE));
    story_at(&story, 25000);
    story_attempt_ended(&story, RESULT(HUNG_UP));
    assert_metric(&story, METRIC(N_OUTBOUND_CONNECTED), 0, 0, "");
    assert_metric(&story, METRIC(T_FIRST_CONNECT), 0, 0, "");
    assert_metric(&story, METRIC(T_TALK), 1, 5000, "anna");
    story_close(&story);
}

static PB(QueueSettings) * retrying(struct story *story)
{
    PB(QueueSettings) *settings = story_queue(story, "sales");

    settings->agent_first_retries = 2;
    settings->agent_first_retry_delay_s = 60;
    return settings;
}

/* tFirstDial and tFirstConnect are the callback's, once; nCallbackAttempts is all dials at its end.
 */
static void rule_10_3_attempts_are_summed_up_at_the_end(void **state)
{
    struct story story;
    const char *callback = open_held(&story, retrying);

    (void)state;
    story_dial(&story, "anna", callback);
    story_at(&story, 17000);
    story_attempt_ended(&story, RESULT(NO_ANSWER));
    assert_metric(&story, METRIC(T_HANDLE), 1, 10000, "anna"); /* he has it no more */
    story_at(&story, 77000);
    story_status(&story, "anna", STATUS(IDLE));
    story_accept(&story, "anna");
    story_dial(&story, "anna", callback);
    assert_metric(&story, METRIC(T_FIRST_DIAL), 1, 0, "anna");
    assert_metric(&story, METRIC(N_OUTBOUND_ATTEMPTED), 2, 2, "anna");
    story_at(&story, 80000);
    story_answered(&story, KIND(PERSON));
    assert_metric(&story, METRIC(T_FIRST_CONNECT), 1, 3000, "anna");
    story_at(&story, 90000);
    story_attempt_ended(&story, RESULT(HUNG_UP));
    assert_metric(&story, METRIC(N_CALLBACK_ATTEMPTS), 0, 0, "");
    story_attempt_wrapped(&story);
    assert_metric(&story, METRIC(N_CALLBACK_ATTEMPTS), 1, 2, "");
    assert_metric(&story, METRIC(N_OFFERED), 1, 1, ""); /* the retry came from an agent (10.6) */
    story_close(&story);
}

static void rule_10_3_a_callback_never_dialled_has_no_attempts(void **state)
{
    struct story story;

    (void)state;
    story_open(&story);
    story_set_queue(&story, story_queue(&story, "sales"));
    story_cancel(&story, ask(&story, "i1"));
    assert_metric(&story, METRIC(N_CALLBACK_ATTEMPTS), 0, 0, "");
    assert_metric(&story, METRIC(T_TALK_COMPLETE), 0, 0, "");
    story_close(&story);
}

/* --- talk, hold, after-call work, handle --- */

static const char *open_talk(struct story *story, PB(QueueSettings) * (*settings)(struct story *))
{
    const char *callback = open_held(story, settings);

    story_at(story, 10000);
    story_dial(story, "anna", callback); /* 10 to 12 contacting, to 20 dialing */
    story_at(story, 12000);
    story_ringing(story);
    story_at(story, 20000);
    story_answered(story, KIND(PERSON));
    story_now_on(story);
    return callback;
}

static void rule_10_3_talk_acw_and_handle(void **state)
{
    struct story story;

    (void)state;
    open_talk(&story, NULL);
    story_at(&story, 50000);
    story_attempt_ended(&story, RESULT(HUNG_UP));
    assert_metric(&story, METRIC(T_TALK), 1, 30000, "anna");
    assert_metric(&story, METRIC(T_HELD), 0, 0, "");
    assert_metric(&story, METRIC(T_ACW), 0, 0, "");
    assert_metric(&story, METRIC(T_TALK_COMPLETE), 0, 0, "");
    story_at(&story, 55000);
    story_attempt_wrapped(&story);
    assert_metric(&story, METRIC(T_ACW), 1, 5000, "anna");
    assert_metric(&story, METRIC(T_HANDLE), 1, 48000, "anna");          /* 7 s to 55 s */
    assert_metric(&story, METRIC(T_ACTIVE_CALLBACK), 1, 45000, "anna"); /* without the preview */
    assert_metric(&story, METRIC(T_TALK_COMPLETE), 1, 30000, "");
    story_close(&story);
}

static PB(QueueSettings) * total_active(struct story *story)
{
    PB(QueueSettings) *settings = story_queue(story, "sales");

    settings->total_active_callback = true;
    return settings;
}

static void rule_10_6_handle_is_the_active_time_if_set(void **state)
{
    struct story story;

    (void)state;
    open_talk(&story, total_active);
    story_at(&story, 50000);
    story_attempt_ended(&story, RESULT(HUNG_UP));
    story_at(&story, 55000);
    story_attempt_wrapped(&story);
    assert_metric(&story, METRIC(T_HANDLE), 1, 45000, "anna");
    story_close(&story);
}

static void assert_segment(struct story *story, size_t at, PB(SegmentType) type, int64_t start_ms,
                           int64_t end_ms)
{
    const PB(Segment) *segment = story_analytics(story, "analytics.segment", at)->segment;

    assert_int_equal(segment->type, type);
    assert_int_equal(segment->start_ms, STORY_START_MS + start_ms);
    assert_int_equal(segment->end_ms, STORY_START_MS + end_ms);
}

static void rule_10_3_hold_is_no_talk(void **state)
{
    struct story story;

    (void)state;
    open_talk(&story, NULL);
    story_at(&story, 25000);
    story_attempt_held(&story, true);
    story_attempt_held(&story, true); /* again: nothing new */
    story_at(&story, 32000);
    story_attempt_held(&story, false);
    assert_metric(&story, METRIC(T_HELD), 1, 7000, "anna");
    story_at(&story, 40000);
    story_attempt_held(&story, true);
    story_at(&story, 41000);
    story_attempt_ended(&story, RESULT(HUNG_UP)); /* from hold */
    assert_metric(&story, METRIC(T_HELD), 2, 8000, "anna");
    assert_metric(&story, METRIC(T_TALK), 1, 13000, "anna");
    assert_segment(&story, 0, SEGMENT(INTERACT), 20000, 25000);
    assert_segment(&story, 1, SEGMENT(HOLD), 25000, 32000);
    assert_segment(&story, 2, SEGMENT(INTERACT), 32000, 40000);
    assert_segment(&story, 3, SEGMENT(HOLD), 40000, 41000);
    story_at(&story, 45000);
    story_attempt_wrapped(&story);
    assert_metric(&story, METRIC(T_ACTIVE_CALLBACK), 1, 35000, "anna"); /* 10 s to 45 s */
    assert_metric(&story, METRIC(T_TALK_COMPLETE), 1, 13000, "");
    story_close(&story);
}

static void rule_10_3_hold_outside_a_talk_is_late(void **state)
{
    struct story story;
    const char *callback = open_held(&story, NULL);

    (void)state;
    story.frozen = true; /* counts are not saved */
    story_dial(&story, "anna", callback);
    story_now_on(&story);
    story_attempt_held(&story, true);
    assert_metric(&story, METRIC(T_HELD), 0, 0, "");
    assert_int_equal(machine_counted(story.machine, MACHINE_COUNT_LATE_NOTICES), 1);
    story_close(&story);
}

/* Each agent his own; the callback's talk is both. */
static void rule_10_3_a_talk_that_moves_is_told_for_both(void **state)
{
    struct story story;
    const PB(AnalyticsEvent) * event;
    int64_t talk[2] = {0, 0};

    (void)state;
    open_talk(&story, NULL);
    story_ready(&story, "ben", "sales");
    story_at(&story, 26000);
    story_attempt_connected(&story, "ben");
    assert_metric(&story, METRIC(T_HANDLE), 1, 19000, "anna");
    story_at(&story, 36000);
    story_attempt_ended(&story, RESULT(HUNG_UP));
    story_attempt_wrapped_by(&story, "ben");
    for (size_t at = 0; (event = story_analytics(&story, "analytics.metric", at)) != NULL; at++)
        if (event->metric->name == METRIC(T_TALK))
            talk[strcmp(event->agent_id, "ben") == 0] += event->metric->value;
    assert_int_equal(talk[0], 6000);
    assert_int_equal(talk[1], 10000);
    assert_metric(&story, METRIC(T_TALK_COMPLETE), 1, 16000, "");
    story_close(&story);
}

/* The last 32 are kept for the estimate (12.5). */
static void rule_10_3_the_queue_keeps_the_last_handle_times(void **state)
{
    struct story story;
    const PB(CountersEntity) * counters;

    (void)state;
    story_open(&story);
    story.frozen = true;
    story_set_queue(&story, story_queue(&story, "sales"));
    story_ready(&story, "anna", "sales");
    for (int at = 0; at < 40; at++) {
        const char *callback = ask(&story, arena_format(&story.arena, "i%d", at));

        story_accept(&story, "anna");
        story_at(&story, story.now_ms + 1000 + at);
        story_end(&story, "anna", callback);
    }
    counters = story_counters(&story, "sales");
    assert_int_equal(counters->n_handle_ms, 32);
    assert_int_equal(counters->handle_ms[0], 1008);
    assert_int_equal(counters->handle_ms[31], 1039);
    story_close(&story);
}

/* --- scheduling, service level --- */

static void rule_10_3_scheduled_once(void **state)
{
    struct story story;
    PB(Command) * command;
    const char *callback;

    (void)state;
    story_open(&story);
    story_set_queue(&story, story_queue(&story, "sales"));
    story_ready(&story, "anna", "sales");
    story_enter(&story, "i1", "sales");
    story_connect(&story, "i1", "anna");
    story_now_on(&story);
    story_do(&story, story_schedule(&story, NULL, "anna", "i1", 3600000));
    callback = story_text(&story, story_made(&story));
    assert_metric(&story, METRIC(N_CALLBACK_SCHEDULED), 1, 1, "");
    command = story_command(&story, NULL, "", callback);
    command->command_case = RINGBACK__V1__COMMAND__COMMAND_RESCHEDULE;
    command->reschedule = arena_alloc(&story.arena, sizeof(*command->reschedule));
    ringback__v1__reschedule__init(command->reschedule);
    command->reschedule->due_ms = STORY_START_MS + 7200000;
    story_do(&story, command);
    assert_metric(&story, METRIC(N_CALLBACK_SCHEDULED), 1, 1, "");
    callback = ask(&story, "i2"); /* in line, and scheduled only then */
    assert_metric(&story, METRIC(N_CALLBACK_SCHEDULED), 1, 1, "");
    command = story_command(&story, NULL, "", callback);
    command->command_case = RINGBACK__V1__COMMAND__COMMAND_RESCHEDULE;
    command->reschedule = arena_alloc(&story.arena, sizeof(*command->reschedule));
    ringback__v1__reschedule__init(command->reschedule);
    command->reschedule->due_ms = STORY_START_MS + 7200000;
    story_do(&story, command);
    assert_metric(&story, METRIC(N_CALLBACK_SCHEDULED), 2, 2, "");
    story_close(&story);
}

/* In time over answered and abandoned; a flow-out is neither. */
static void rule_10_6_service_level_is_the_mean_of_its_stays(void **state)
{
    struct story story;
    PB(QueueSettings) * settings;

    (void)state;
    story_open(&story);
    settings = story_queue(&story, "sales");
    settings->service_level_s = 5;
    story_set_queue(&story, settings);
    story_now_on(&story);
    story_enter(&story, "i1", "sales");
    story_enter(&story, "i2", "sales");
    story_enter(&story, "i3", "sales");
    story_at(&story, 5000);
    story_connect(&story, "i1", "anna"); /* in time */
    story_at(&story, 5001);
    story_connect(&story, "i2", "ben"); /* later */
    story_leave(&story, "i3", RINGBACK__V1__LEFT_REASON__LEFT_REASON_ABANDONED);
    story_enter(&story, "i4", "sales");
    story_leave(&story, "i4", RINGBACK__V1__LEFT_REASON__LEFT_REASON_FLOW_OUT);
    assert_int_equal(story_count(&story, "analytics.metric"), 4 + 4 + 3 + 1);
    {
        size_t count;

        assert_int_equal(story_metric(&story, METRIC(O_SERVICE_LEVEL), "sales", &count), 1000000);
        assert_int_equal(count, 3); /* a third */
        assert_int_equal(story_metric(&story, METRIC(N_OVER_SLA), "sales", &count), 1);
        assert_int_equal(count, 1);
    }
    story_close(&story);
}

/* --- customer-first (7.8) --- */

static void rule_10_3_customer_first_the_agent_counts_from_his_connection(void **state)
{
    struct story story;
    PB(QueueSettings) * settings;

    (void)state;
    story_open(&story);
    settings = story_queue(&story, "sales");
    settings->dial_mode = RINGBACK__V1__DIAL_MODE__DIAL_MODE_CUSTOMER_FIRST;
    story_set_queue(&story, settings);
    story_ready(&story, "anna", "sales");
    story_now_on(&story);
    ask(&story, "i1");
    assert_metric(&story, METRIC(N_OUTBOUND_ATTEMPTED), 1, 1, "");
    story_at(&story, 2000);
    story_ringing(&story);
    assert_metric(&story, METRIC(T_CONTACTING), 1, 2000, "");
    story_at(&story, 9000);
    story_answered(&story, KIND(PERSON));
    assert_metric(&story, METRIC(T_DIALING), 1, 7000, "");
    assert_metric(&story, METRIC(N_OUTBOUND_CONNECTED), 1, 1, "");
    story_at(&story, 12000);
    story_attempt_connected(&story, "anna");
    story_at(&story, 20000);
    story_attempt_held(&story, true);
    story_at(&story, 22000);
    story_attempt_held(&story, false);
    story_at(&story, 42000);
    story_attempt_ended(&story, RESULT(HUNG_UP));
    assert_metric(&story, METRIC(T_TALK), 1, 28000, "anna");
    assert_metric(&story, METRIC(T_HELD), 1, 2000, "anna");
    assert_metric(&story, METRIC(T_HANDLE), 1, 30000, "anna");
    assert_metric(&story, METRIC(T_ACTIVE_CALLBACK), 0, 0, "");
    assert_metric(&story, METRIC(T_FIRST_DIAL), 0, 0, "");
    assert_metric(&story, METRIC(T_FIRST_CONNECT), 0, 0, "");
    assert_metric(&story, METRIC(N_CALLBACK_ATTEMPTS), 1, 1, "");
    assert_metric(&story, METRIC(T_TALK_COMPLETE), 1, 28000, "");
    story_close(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_10_3_an_accepted_alert_is_told),
        cmocka_unit_test(rule_10_3_a_missed_alert_is_not_responding),
        cmocka_unit_test(rule_10_3_a_declined_or_revoked_alert_is_no_miss),
        cmocka_unit_test(rule_10_3_a_dial_is_contacting_until_it_rings_then_dialing),
        cmocka_unit_test(rule_10_3_a_dial_that_never_rang_is_contacting),
        cmocka_unit_test(rule_10_3_a_machine_is_no_connection),
        cmocka_unit_test(rule_10_3_attempts_are_summed_up_at_the_end),
        cmocka_unit_test(rule_10_3_a_callback_never_dialled_has_no_attempts),
        cmocka_unit_test(rule_10_3_talk_acw_and_handle),
        cmocka_unit_test(rule_10_6_handle_is_the_active_time_if_set),
        cmocka_unit_test(rule_10_3_hold_is_no_talk),
        cmocka_unit_test(rule_10_3_hold_outside_a_talk_is_late),
        cmocka_unit_test(rule_10_3_a_talk_that_moves_is_told_for_both),
        cmocka_unit_test(rule_10_3_the_queue_keeps_the_last_handle_times),
        cmocka_unit_test(rule_10_3_scheduled_once),
        cmocka_unit_test(rule_10_6_service_level_is_the_mean_of_its_stays),
        cmocka_unit_test(rule_10_3_customer_first_the_agent_counts_from_his_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
