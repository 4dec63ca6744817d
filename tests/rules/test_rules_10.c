/* Chapter 10 of the rules, what is built: analytics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "state/internal.h"
#include "tests/support/story.h"

#define RESULT(name) RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_##name
#define PERSON       RINGBACK__V1__ANSWER_KIND__ANSWER_KIND_PERSON

static void open_with_queue(struct story *story)
{
    story_open(story);
    story_set_queue(story, story_queue(story, "sales"));
}

static const char *simple(struct story *story, const char *call)
{
    story_ask(story, arena_format(&story->arena, "ask-%s", call),
              story_create(story, call, "sales"));
    assert_int_equal(story_reason(story), REASON(UNSPECIFIED));
    return story_made(story);
}

/* How many values of the metric there were since story_now_on, and their sum. */
static void assert_metric(struct story *story, PB(MetricName) name, size_t times, int64_t sum)
{
    size_t count;
    int64_t value = story_metric(story, name, "sales", &count);

    assert_int_equal(count, times);
    assert_int_equal(value, sum);
}

/* offered, answered, abandoned, flow-out, and what is left: waiting (10.5). */
static void assert_counts(const PB(StayCounts) * counts, uint64_t offered, uint64_t answered,
                          uint64_t abandoned, uint64_t flow_out, uint64_t waiting)
{
    assert_int_equal(counts->offered, offered);
    assert_int_equal(counts->answered, answered);
    assert_int_equal(counts->abandoned, abandoned);
    assert_int_equal(counts->flow_out, flow_out);
    assert_int_equal(offered, answered + abandoned + flow_out + waiting);
}

/* --- 10.1 --- */

static void rule_10_1_a_life_is_told_as_a_session_and_its_segments(void **state)
{
    static const struct {
        PB(SegmentType) type;
        int64_t start_ms, end_ms;
    } rows[] = {{SEGMENT(CALLBACK), 1000, 4000},  {SEGMENT(ALERT), 4000, 6000},
                {SEGMENT(INTERACT), 6000, 10000}, {SEGMENT(CONTACTING), 10000, 12000},
                {SEGMENT(DIALING), 12000, 20000}, {SEGMENT(INTERACT), 20000, 50000},
                {SEGMENT(WRAPUP), 50000, 55000}};
    struct story story;
    const PB(AnalyticsEvent) * event;
    const char *callback;

    (void)state;
    open_with_queue(&story);
    story_at(&story, 1000);
    callback = simple(&story, "i1");
    event = story_analytics(&story, "analytics.session_started", 0);
    assert_string_equal(event->callback_id, callback);
    assert_string_equal(event->conversation_id, "c-i1"); /* the call's own conversation */
    assert_string_equal(event->session_started->from_interaction_id, "i1");
    assert_int_equal(event->session_started->kind,
                     RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_IN_QUEUE);
    assert_int_equal(event->time_ms, STORY_START_MS + 1000);
    story_at(&story, 4000);
    story_ready(&story, "anna", "sales");
    story_at(&story, 6000);
    story_accept(&story, "anna");
    story_at(&story, 10000);
    story_dial(&story, "anna", callback);
    story_at(&story, 12000);
    story_ringing(&story);
    story_at(&story, 20000);
    story_answered(&story, PERSON);
    story_at(&story, 50000);
    story_attempt_ended(&story, RESULT(HUNG_UP));
    story_at(&story, 55000);
    story_end(&story, "anna", callback);
    for (size_t at = 0; at < 7; at++) {
        event = story_analytics(&story, "analytics.segment", at);
        assert_string_equal(event->callback_id, callback);
        assert_int_equal(event->segment->type, rows[at].type);
        assert_int_equal(event->segment->start_ms, STORY_START_MS + rows[at].start_ms);
        assert_int_equal(event->segment->end_ms, STORY_START_MS + rows[at].end_ms);
    }
    assert_int_equal(story_count(&story, "analytics.segment"), 7);
    assert_int_equal(story_analytics(&story, "analytics.session_ended", 0)->session_ended->reason,
                     REASON(COMPLETED));
    story_close(&story);
}

static void rule_10_1_a_dial_that_never_rang_is_contacting_alone(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    callback = simple(&story, "i1");
    story_accept(&story, "anna");
    story_now_on(&story);
    story_dial(&story, "anna", callback);
    story_at(&story, 3000);
    story_attempt_ended(&story, RESULT(BUSY));
    assert_int_equal(story_count(&story, "analytics.segment"), 2); /* interact before it */
    assert_int_equal(story_analytics(&story, "analytics.segment", 1)->segment->type,
                     SEGMENT(CONTACTING));
    assert_int_equal(story_analytics(&story, "analytics.segment", 1)->segment->end_ms,
                     STORY_START_MS + 3000);
    story_close(&story);
}

static PB(QueueSettings) * retrying(struct story *story)
{
    PB(QueueSettings) *sales = story_queue(story, "sales");

    sales->agent_first_retries = 1;
    sales->agent_first_retry_delay_s = 60;
    return sales;
}

static void rule_10_1_a_delay_is_a_segment(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    story_set_queue(&story, retrying(&story));
    story_ready(&story, "anna", "sales");
    callback = simple(&story, "i1");
    story_accept(&story, "anna");
    story_dial(&story, "anna", callback);
    story_attempt_ended(&story, RESULT(BUSY));
    story_now_on(&story);
    story_at(&story, 60000);
    assert_int_equal(story_analytics(&story, "analytics.segment", 0)->segment->type,
                     SEGMENT(DELAY));
    assert_int_equal(story_analytics(&story, "analytics.segment", 0)->segment->end_ms,
                     STORY_START_MS + 60000);
    story_close(&story);
}

/* --- whose segment it was --- */

/* The nth segment since story_now_on: what it was, from when to when, whose ("": nobody's). */
static void expect_segment(struct story *story, size_t nth, PB(SegmentType) type, int64_t start_ms,
                           int64_t end_ms, const char *agent)
{
    const PB(AnalyticsEvent) *event = story_analytics(story, "analytics.segment", nth);

    assert_non_null(event);
    assert_int_equal(event->segment->type, type);
    assert_int_equal(event->segment->start_ms, STORY_START_MS + start_ms);
    assert_int_equal(event->segment->end_ms, STORY_START_MS + end_ms);
    assert_string_equal(event->agent_id, agent);
}

/* Offered to anna at 1 s; it is 4 s. */
static const char *open_offered(struct story *story)
{
    const char *callback;

    open_with_queue(story);
    story_ready(story, "anna", "sales");
    story_at(story, 1000);
    callback = simple(story, "i1");
    assert_string_equal(story_offered_to(story), "anna");
    story_at(story, 4000);
    story_now_on(story);
    return callback;
}

static void rule_10_1_an_alert_names_the_agent_however_it_ends(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_offered(&story);
    story_decline(&story, "anna");
    expect_segment(&story, 0, SEGMENT(ALERT), 1000, 4000, "anna");
    assert_int_equal(story_count(&story, "analytics.segment"), 1);
    story_close(&story);
    open_offered(&story);
    story_at(&story, 31000); /* missed */
    expect_segment(&story, 0, SEGMENT(ALERT), 1000, 31000, "anna");
    assert_int_equal(story_count(&story, "analytics.segment"), 1);
    story_close(&story);
    open_offered(&story);
    story_presence(&story, "anna", PRESENCE(AWAY)); /* revoked */
    expect_segment(&story, 0, SEGMENT(ALERT), 1000, 4000, "anna");
    assert_int_equal(story_count(&story, "analytics.segment"), 1);
    story_close(&story);
    callback = open_offered(&story);
    story_cancel(&story, callback);
    expect_segment(&story, 0, SEGMENT(ALERT), 1000, 4000, "anna");
    assert_int_equal(story_count(&story, "analytics.segment"), 1);
    story_close(&story);
    callback = open_offered(&story);
    {
        PB(Command) *command = story_command(&story, NULL, "", callback);
        PB(Reschedule) reschedule = RINGBACK__V1__RESCHEDULE__INIT;

        reschedule.due_ms = STORY_START_MS + 3600000;
        command->command_case = RINGBACK__V1__COMMAND__COMMAND_RESCHEDULE;
        command->reschedule = &reschedule;
        story_do(&story, command);
    }
    assert_int_equal(story_state(&story, callback), STATE(SCHEDULED));
    expect_segment(&story, 0, SEGMENT(ALERT), 1000, 4000, "anna");
    assert_int_equal(story_count(&story, "analytics.segment"), 1);
    story_close(&story);
    callback = open_offered(&story);
    {
        PB(Command) *command = story_command(&story, NULL, "", callback);
        PB(Snooze) snooze = RINGBACK__V1__SNOOZE__INIT;

        snooze.minutes = 5;
        command->command_case = RINGBACK__V1__COMMAND__COMMAND_SNOOZE;
        command->snooze = &snooze;
        story_do(&story, command);
    }
    assert_int_equal(story_state(&story, callback), STATE(SNOOZED));
    expect_segment(&story, 0, SEGMENT(ALERT), 1000, 4000, "anna");
    assert_int_equal(story_count(&story, "analytics.segment"), 1);
    story_close(&story);
}

/* What comes after it is nobody's. */
static void rule_10_1_the_wait_after_an_alert_names_nobody(void **state)
{
    struct story story;

    (void)state;
    open_offered(&story);
    story_decline(&story, "anna");
    story_at(&story, 10000);
    story_now_on(&story);
    story_ready(&story, "ben", "sales");
    expect_segment(&story, 0, SEGMENT(CALLBACK), 4000, 10000, "");
    story_close(&story);
}

static void rule_10_1_what_a_holder_did_names_him_when_it_is_taken_from_him(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_offered(&story);
    story_accept(&story, "anna");
    story_presence(&story, "anna", PRESENCE(OFFLINE));
    story_now_on(&story);
    story_at(&story, 64000); /* reclaim_after */
    expect_segment(&story, 0, SEGMENT(INTERACT), 4000, 64000, "anna");
    assert_int_equal(story_count(&story, "analytics.segment"), 1);
    story_close(&story);
    callback = open_offered(&story);
    story_accept(&story, "anna");
    story_dial(&story, "anna", callback);
    story_at(&story, 6000);
    story_ringing(&story);
    story_presence(&story, "anna", PRESENCE(OFFLINE));
    story_now_on(&story);
    story_at(&story, 66000);
    expect_segment(&story, 0, SEGMENT(CONTACTING), 4000, 6000, "anna");
    expect_segment(&story, 1, SEGMENT(DIALING), 6000, 66000, "anna");
    assert_int_equal(story_count(&story, "analytics.segment"), 2);
    story_close(&story);
    callback = open_offered(&story);
    story_accept(&story, "anna");
    story_at(&story, 5000);
    {
        PB(Command) *command = story_command(&story, NULL, "anna", callback);
        PB(Transfer) transfer = RINGBACK__V1__TRANSFER__INIT;

        transfer.queue_id = story_text(&story, "sales");
        command->command_case = RINGBACK__V1__COMMAND__COMMAND_TRANSFER;
        command->transfer = &transfer;
        story_now_on(&story);
        story_do(&story, command);
    }
    expect_segment(&story, 0, SEGMENT(INTERACT), 4000, 5000, "anna");
    story_close(&story);
}

/* --- no segment of what was not --- */

/* As open_offered(), dialled at 4 s, with one retry; it is 9 s. */
static const char *open_dialled(struct story *story)
{
    const char *callback;

    story_open(story);
    story_set_queue(story, retrying(story));
    story_ready(story, "anna", "sales");
    story_at(story, 1000);
    callback = simple(story, "i1");
    story_at(story, 4000);
    story_accept(story, "anna");
    story_dial(story, "anna", callback);
    story_at(story, 9000);
    story_now_on(story);
    return callback;
}

static void rule_10_1_a_dial_that_is_retried_was_no_time_with_the_agent(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    callback = open_dialled(&story);
    story_attempt_ended(&story, RESULT(BUSY));
    assert_int_equal(story_state(&story, callback), STATE(DELAYED));
    expect_segment(&story, 0, SEGMENT(CONTACTING), 4000, 9000, "anna");
    assert_int_equal(story_count(&story, "analytics.segment"), 1);
    assert_int_equal(story_count(&story, "routing.hang_up"), 0); /* nothing is up */
    assert_int_equal(story_count(&story, "routing.agent_released"), 1);
    story_at(&story, 69000);
    expect_segment(&story, 1, SEGMENT(DELAY), 9000, 69000, "");
    story_close(&story);
    callback = open_dialled(&story); /* no outcome: lost at 79 s */
    story_at(&story, 79000);
    assert_int_equal(story_state(&story, callback), STATE(DELAYED));
    expect_segment(&story, 0, SEGMENT(CONTACTING), 4000, 79000, "anna");
    assert_int_equal(story_count(&story, "analytics.segment"), 1);
    assert_int_equal(story_count(&story, "routing.hang_up"), 1);
    story_close(&story);
}

static void rule_10_1_a_dial_that_is_the_last_ends_the_session(void **state)
{
    struct story story;

    (void)state;
    open_dialled(&story);
    story_attempt_ended(&story, RESULT(DEAD));
    assert_int_equal(story_routing(&story, "routing.callback_ended", 0)->callback_ended->reason,
                     REASON(NUMBER_DEAD));
    expect_segment(&story, 0, SEGMENT(CONTACTING), 4000, 9000, "anna");
    assert_int_equal(story_count(&story, "analytics.segment"), 1);
    assert_int_equal(story_count(&story, "routing.hang_up"), 0);
    story_close(&story);
}

static void rule_10_1_no_wrap_up_of_an_agent_who_is_gone(void **state)
{
    struct story story;

    (void)state;
    open_dialled(&story);
    story_answered(&story, PERSON);
    story_presence(&story, "anna", PRESENCE(OFFLINE));
    story_at(&story, 100000); /* reclaim_after has passed: the call finishes (6.5) */
    story_now_on(&story);
    story_attempt_ended(&story, RESULT(HUNG_UP));
    assert_int_equal(story_routing(&story, "routing.callback_ended", 0)->callback_ended->reason,
                     REASON(COMPLETED));
    expect_segment(&story, 0, SEGMENT(INTERACT), 9000, 100000, "anna");
    assert_int_equal(story_count(&story, "analytics.segment"), 1);
    assert_int_equal(story_count(&story, "routing.hang_up"), 0);
    story_close(&story);
}

/* --- 10.2 --- */

static void rule_10_2_14_days_without_an_update_end_the_conversation_not_the_callback(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_with_queue(&story);
    story_at(&story, 1000);
    callback = simple(&story, "i1");
    story_at(&story, 14 * DAY_MS + 999);
    assert_int_equal(story_count(&story, "analytics.inactivity"), 0);
    story_at(&story, 14 * DAY_MS + 1000);
    assert_int_equal(story_analytics(&story, "analytics.inactivity", 0)->inactivity->since_ms,
                     STORY_START_MS + 1000);
    assert_string_equal(story_analytics(&story, "analytics.inactivity", 0)->callback_id, callback);
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    assert_counts(story_counters(&story, "sales")->callbacks, 1, 0, 0, 0, 1);
    assert_int_equal(story_count(&story, "analytics.session_ended"), 0);
    story_at(&story, 100 * DAY_MS); /* once */
    assert_int_equal(story_count(&story, "analytics.inactivity"), 1);
    story_close(&story);
}

static void rule_10_2_the_next_update_resumes_and_14_days_start_anew(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_with_queue(&story);
    callback = simple(&story, "i1");
    story_at(&story, 20 * DAY_MS);
    assert_int_equal(story_count(&story, "analytics.resumed"), 0);
    story_ready(&story, "anna", "sales"); /* it is offered: an update */
    assert_int_equal(story_count(&story, "analytics.resumed"), 1);
    assert_string_equal(story_analytics(&story, "analytics.resumed", 0)->callback_id, callback);
    story_decline(&story, "anna");
    story_presence(&story, "anna", PRESENCE(AWAY));
    assert_int_equal(story_count(&story, "analytics.resumed"), 1);
    story_at(&story, 34 * DAY_MS - 1);
    assert_int_equal(story_count(&story, "analytics.inactivity"), 1);
    story_at(&story, 34 * DAY_MS);
    assert_int_equal(story_count(&story, "analytics.inactivity"), 2);
    story_close(&story);
}

static void rule_10_2_a_status_event_is_no_update(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    story.options.inactivity_ms = 60000;
    story_set_queue(&story, story_queue(&story, "sales"));
    story_ready(&story, "anna", "sales");
    callback = simple(&story, "i1");
    story_accept(&story, "anna");
    story_dial(&story, "anna", callback);
    story_at(&story, 30000);
    story_ringing(&story);
    story_at(&story, 59999);
    assert_int_equal(story_count(&story, "analytics.inactivity"), 0);
    story_at(&story, 60000);
    assert_int_equal(story_count(&story, "analytics.inactivity"), 1);
    story_close(&story);
}

/* An agent schedules one in a call. */
static const char *scheduled(struct story *story, int64_t due_ms)
{
    story_enter(story, "i1", "sales");
    story_connect(story, "i1", "anna");
    story_do(story, story_schedule(story, "s1", "anna", "i1", due_ms));
    assert_int_equal(story_reason(story), REASON(UNSPECIFIED));
    return story_made(story);
}

static void rule_10_2_not_for_one_that_had_a_due_time(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_set_agent(&story, story_agent(&story, "anna"));
    scheduled(&story, 60000);
    story_at(&story, 60 * DAY_MS);
    assert_int_equal(story_count(&story, "analytics.inactivity"), 0);
    story_close(&story);
}

/* --- 10.5 --- */

static void rule_10_5_the_counts_reconcile_at_any_moment(void **state)
{
    struct story story;
    const char *first, *second;

    (void)state;
    open_with_queue(&story);
    first = simple(&story, "i1");
    story_at(&story, 10);
    second = simple(&story, "i2");
    assert_counts(story_counters(&story, "sales")->callbacks, 2, 0, 0, 0, 2);
    story_ready(&story, "anna", "sales"); /* offered still waits */
    assert_counts(story_counters(&story, "sales")->callbacks, 2, 0, 0, 0, 2);
    story_accept(&story, "anna");
    assert_counts(story_counters(&story, "sales")->callbacks, 2, 1, 0, 0, 1);
    story_cancel(&story, second);
    assert_counts(story_counters(&story, "sales")->callbacks, 2, 1, 1, 0, 0);
    story_cancel(&story, first); /* answered it stays */
    assert_counts(story_counters(&story, "sales")->callbacks, 2, 1, 1, 0, 0);
    story_close(&story);
}

static void rule_10_5_live_calls_count_by_themselves(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_set_agent(&story, story_agent(&story, "anna"));
    story_enter(&story, "i1", "sales");
    story_enter(&story, "i2", "sales");
    story_enter(&story, "i3", "sales");
    story_enter(&story, "i4", "sales");
    assert_counts(story_counters(&story, "sales")->live, 4, 0, 0, 0, 4);
    story_alert(&story, "i1", "anna"); /* still in the line */
    assert_counts(story_counters(&story, "sales")->live, 4, 0, 0, 0, 4);
    story_connect(&story, "i1", "anna");
    story_leave(&story, "i2", RINGBACK__V1__LEFT_REASON__LEFT_REASON_ABANDONED);
    story_leave(&story, "i3", RINGBACK__V1__LEFT_REASON__LEFT_REASON_FLOW_OUT);
    assert_counts(story_counters(&story, "sales")->live, 4, 1, 1, 1, 1);
    simple(&story, "i4"); /* the call leaves, the callback comes */
    assert_counts(story_counters(&story, "sales")->live, 4, 1, 1, 2, 0);
    assert_counts(story_counters(&story, "sales")->callbacks, 1, 0, 0, 0, 1);
    story_close(&story);
}

/* --- 10.6 --- */

static void rule_10_6_times_run_from_the_stays_own_start(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_at(&story, 1000);
    story_enter(&story, "i1", "sales");
    assert_metric(&story, METRIC(N_OFFERED), 1, 1);
    story_at(&story, 61000);
    story_now_on(&story);
    simple(&story, "i1");                                /* inherits the entry of 1000 */
    assert_metric(&story, METRIC(T_FLOW_OUT), 1, 60000); /* the call's */
    assert_metric(&story, METRIC(N_OFFERED), 1, 1);      /* the callback's */
    assert_metric(&story, METRIC(T_ABANDON), 0, 0);
    story_at(&story, 71000);
    story_ready(&story, "anna", "sales");
    story_at(&story, 73000);
    story_accept(&story, "anna");
    assert_metric(&story, METRIC(T_ANSWERED), 1, 12000); /* the alert included */
    story_close(&story);
}

static void rule_10_6_a_stay_is_offered_once_whatever_alerts(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    simple(&story, "i1");
    story_at(&story, 30000);                    /* missed */
    story_status(&story, "anna", STATUS(IDLE)); /* offered again */
    story_decline(&story, "anna");
    story_at(&story, 90000); /* and again */
    assert_int_equal(story_count(&story, "routing.offer"), 3);
    assert_metric(&story, METRIC(N_OFFERED), 1, 1);
    story_accept(&story, "anna");
    assert_metric(&story, METRIC(T_ANSWERED), 1, 90000);
    story_close(&story);
}

static void rule_10_6_a_return_after_an_accept_is_a_new_stay(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    story_set_queue(&story, retrying(&story));
    story_ready(&story, "anna", "sales");
    callback = simple(&story, "i1");
    story_accept(&story, "anna");
    story_dial(&story, "anna", callback);
    story_at(&story, 10000);
    story_now_on(&story);
    story_attempt_ended(&story, RESULT(BUSY));
    assert_metric(&story, METRIC(N_OFFERED), 1, 1);
    assert_counts(story_counters(&story, "sales")->callbacks, 2, 1, 0, 0, 1); /* delayed waits */
    story_status(&story, "anna", STATUS(IDLE));
    story_at(&story, 70000); /* in line again: the same stay */
    assert_metric(&story, METRIC(N_OFFERED), 1, 1);
    story_accept(&story, "anna");
    assert_metric(&story, METRIC(T_ANSWERED), 1, 60000);
    story_close(&story);
}

static void rule_10_6_taken_back_is_a_new_stay(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    simple(&story, "i1");
    story_accept(&story, "anna");
    story_now_on(&story);
    story_presence(&story, "anna", PRESENCE(OFFLINE));
    story_at(&story, 60000);
    assert_metric(&story, METRIC(N_OFFERED), 1, 1);
    story_close(&story);
}

static void rule_10_6_a_scheduled_one_is_offered_at_due(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_with_queue(&story);
    story_set_agent(&story, story_agent(&story, "anna"));
    callback = scheduled(&story, 60000);
    story_now_on(&story);
    story_at(&story, 59999);
    assert_metric(&story, METRIC(N_OFFERED), 0, 0);
    story_at(&story, 60000);
    assert_metric(&story, METRIC(N_OFFERED), 1, 1);
    story_at(&story, 65000);
    story_cancel(&story, callback);
    assert_metric(&story, METRIC(T_ABANDON), 1, 5000);
    story_close(&story);
}

static void rule_10_6_one_cancelled_before_due_was_in_no_stay(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_with_queue(&story);
    story_set_agent(&story, story_agent(&story, "anna"));
    callback = scheduled(&story, 60000);
    story_now_on(&story);
    story_cancel(&story, callback);
    assert_int_equal(story_count(&story, "analytics.metric"), 0);
    assert_int_equal(story_count(&story, "analytics.session_ended"), 1);
    story_close(&story);
}

static void rule_10_6_any_other_end_in_line_is_abandoned(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    simple(&story, "i1");
    story_at(&story, 5000);
    story_remove_queue(&story, "sales", true); /* the system's doing */
    story_at(&story, 5000);
    assert_metric(&story, METRIC(T_ABANDON), 1, 5000);
    assert_metric(&story, METRIC(T_FLOW_OUT), 0, 0);
    story_close(&story);
}

static void rule_10_6_what_people_did_ends_a_stay_when_they_did_it(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    simple(&story, "i1");
    story_at(&story, 9000);
    story.timestamp_ms = 7000;
    story_accept(&story, "anna");
    assert_metric(&story, METRIC(T_ANSWERED), 1, 7000);
    story_close(&story);
}

static void rule_10_6_a_metric_names_queue_agent_and_who_waited(void **state)
{
    struct story story;
    const PB(AnalyticsEvent) * event;
    const char *callback;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    callback = simple(&story, "i1");
    event = story_analytics(&story, "analytics.metric", 0);
    assert_string_equal(event->callback_id, callback);
    assert_string_equal(event->agent_id, "");
    story_now_on(&story);
    story_accept(&story, "anna");
    event = story_analytics(&story, "analytics.metric", 0);
    assert_string_equal(event->queue_id, "sales");
    assert_string_equal(event->agent_id, "anna");
    story_now_on(&story);
    story_enter(&story, "i2", "sales");
    event = story_analytics(&story, "analytics.metric", 0);
    assert_string_equal(event->interaction_id, "i2");
    assert_string_equal(event->conversation_id, "c-i2");
    assert_string_equal(event->callback_id, "");
    story_close(&story);
}

static void rule_10_6_a_call_in_another_queue_flows_out_of_the_first(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_set_queue(&story, story_queue(&story, "other"));
    story_enter(&story, "i1", "sales");
    story_at(&story, 8000);
    story_enter(&story, "i1", "other");
    assert_metric(&story, METRIC(T_FLOW_OUT), 1, 8000);
    assert_counts(story_counters(&story, "sales")->live, 1, 0, 0, 1, 0);
    assert_counts(story_counters(&story, "other")->live, 1, 0, 0, 0, 1);
    story_close(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_10_1_a_life_is_told_as_a_session_and_its_segments),
        cmocka_unit_test(rule_10_1_a_dial_that_never_rang_is_contacting_alone),
        cmocka_unit_test(rule_10_1_a_delay_is_a_segment),
        cmocka_unit_test(rule_10_1_a_dial_that_is_retried_was_no_time_with_the_agent),
        cmocka_unit_test(rule_10_1_a_dial_that_is_the_last_ends_the_session),
        cmocka_unit_test(rule_10_1_no_wrap_up_of_an_agent_who_is_gone),
        cmocka_unit_test(rule_10_1_an_alert_names_the_agent_however_it_ends),
        cmocka_unit_test(rule_10_1_the_wait_after_an_alert_names_nobody),
        cmocka_unit_test(rule_10_1_what_a_holder_did_names_him_when_it_is_taken_from_him),
        cmocka_unit_test(rule_10_2_14_days_without_an_update_end_the_conversation_not_the_callback),
        cmocka_unit_test(rule_10_2_the_next_update_resumes_and_14_days_start_anew),
        cmocka_unit_test(rule_10_2_a_status_event_is_no_update),
        cmocka_unit_test(rule_10_2_not_for_one_that_had_a_due_time),
        cmocka_unit_test(rule_10_5_the_counts_reconcile_at_any_moment),
        cmocka_unit_test(rule_10_5_live_calls_count_by_themselves),
        cmocka_unit_test(rule_10_6_times_run_from_the_stays_own_start),
        cmocka_unit_test(rule_10_6_a_stay_is_offered_once_whatever_alerts),
        cmocka_unit_test(rule_10_6_a_return_after_an_accept_is_a_new_stay),
        cmocka_unit_test(rule_10_6_taken_back_is_a_new_stay),
        cmocka_unit_test(rule_10_6_a_scheduled_one_is_offered_at_due),
        cmocka_unit_test(rule_10_6_one_cancelled_before_due_was_in_no_stay),
        cmocka_unit_test(rule_10_6_any_other_end_in_line_is_abandoned),
        cmocka_unit_test(rule_10_6_what_people_did_ends_a_stay_when_they_did_it),
        cmocka_unit_test(rule_10_6_a_metric_names_queue_agent_and_who_waited),
        cmocka_unit_test(rule_10_6_a_call_in_another_queue_flows_out_of_the_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
