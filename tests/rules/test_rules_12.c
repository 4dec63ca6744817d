/* Chapter 12 of the rules, what is built: 12.6, 12.7, 12.8, 12.14, 12.15. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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

static PB(CallState) call_state(struct story *story, const char *call)
{
    const char *key = arena_format(&story->arena, "call|acme|%s", call);
    const PB(StateRecord) *record = machine_entity(story->machine, slice_text(key), &story->arena);

    return record == NULL ? CALL(UNSPECIFIED) : record->call->state;
}

static PB(Reason) ended_by(struct story *story)
{
    const PB(RoutingEvent) *ended = story_routing(story, "routing.callback_ended", 0);

    return ended == NULL ? REASON(UNSPECIFIED) : ended->callback_ended->reason;
}

/* --- 12.6 --- */

static void rule_12_6_still_waiting_is_told_every_14_days(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_with_queue(&story);
    story_at(&story, 1000);
    callback = simple(&story, "i1");
    story_at(&story, 14 * DAY_MS + 999);
    assert_int_equal(story_count(&story, "analytics.still_waiting"), 0);
    story_at(&story, 14 * DAY_MS + 1000);
    assert_int_equal(story_count(&story, "analytics.still_waiting"), 1);
    assert_int_equal(story_analytics(&story, "analytics.still_waiting", 0)->still_waiting->since_ms,
                     STORY_START_MS + 1000);
    story_at(&story, 28 * DAY_MS + 999);
    assert_int_equal(story_count(&story, "analytics.still_waiting"), 1);
    story_at(&story, 28 * DAY_MS + 1000);
    assert_int_equal(story_count(&story, "analytics.still_waiting"), 2);
    assert_int_equal(story_state(&story, callback), STATE(WAITING)); /* no end */
    story_close(&story);
}

static void rule_12_6_after_ten_years_it_is_told_no_oftener(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story.frozen = true;
    simple(&story, "i1");
    story_at(&story, 300 * 14 * DAY_MS);
    assert_int_equal(story_count(&story, "analytics.still_waiting"), 300);
    story_close(&story);
}

static void rule_12_6_nobody_can_serve_when_no_agent_of_the_domain_could(void **state)
{
    (void)state;
    for (int could = 0; could < 2; could++) {
        struct story story;

        open_with_queue(&story);
        story_ready(&story, "anna", could ? "sales" : "other");
        story_presence(&story, "anna", PRESENCE(AWAY)); /* away now, could later */
        simple(&story, "i1");
        story_at(&story, 14 * DAY_MS);
        assert_int_equal(
            story_analytics(&story, "analytics.still_waiting", 0)->still_waiting->nobody_can_serve,
            !could);
        assert_int_equal(story_count(&story, "routing.callback_notice"), !could);
        if (!could)
            assert_int_equal(
                story_routing(&story, "routing.callback_notice", 0)->callback_notice->reason,
                REASON(NOBODY_CAN_SERVE));
        story_close(&story);
    }
}

static void rule_12_6_everything_out_of_line_has_its_time(void **state)
{
    /* Nobody says a word after the step; when is the callback somewhere else at the latest? */
    static const struct {
        int steps; /* offered, accepted, dialled, answered, ended */
        int64_t until_ms;
    } rows[] = {{1, 30 * SECOND_MS},
                {2, 30 * MINUTE_MS},
                {3, 75 * SECOND_MS},
                {4, 4 * HOUR_MS},
                {5, HOUR_MS}};

    (void)state;
    for (size_t at = 0; at < 5; at++) {
        struct story story;
        PB(CallbackState) before;
        const char *callback;

        open_with_queue(&story);
        story_ready(&story, "anna", "sales");
        callback = simple(&story, "i1");
        if (rows[at].steps >= 2)
            story_accept(&story, "anna");
        if (rows[at].steps >= 3)
            story_dial(&story, "anna", callback);
        if (rows[at].steps >= 4)
            story_answered(&story, PERSON);
        if (rows[at].steps >= 5)
            story_attempt_ended(&story, RESULT(HUNG_UP));
        before = story_state(&story, callback);
        story_at(&story, rows[at].until_ms - 1);
        assert_int_equal(story_state(&story, callback), before);
        story_at(&story, rows[at].until_ms);
        assert_int_not_equal(story_state(&story, callback), before);
        story_close(&story);
    }
}

/* --- 12.7 --- */

static void rule_12_7_presence_ttl_is_off_by_default(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    story_at(&story, 30 * DAY_MS);
    simple(&story, "i1");
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

static void open_with_ttl(struct story *story)
{
    story_open(story);
    story->options.presence_ttl_ms = 20000;
    story_set_queue(story, story_queue(story, "sales"));
    story_ready(story, "anna", "sales");
}

static void rule_12_7_a_silent_agent_is_off_queue(void **state)
{
    struct story story;

    (void)state;
    open_with_ttl(&story);
    simple(&story, "i1");
    story_at(&story, 19999);
    assert_int_equal(story_count(&story, "routing.revoke"), 0);
    story_at(&story, 20000);
    assert_int_equal(story_routing(&story, "routing.revoke", 0)->revoke->reason,
                     REASON(AGENT_NOT_ELIGIBLE));
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_status(&story, "anna", STATUS(IDLE)); /* a word */
    assert_int_equal(story_count(&story, "routing.offer"), 2);
    story_close(&story);
}

static void rule_12_7_a_repeated_fact_an_answer_or_a_command_is_a_word(void **state)
{
    (void)state;
    for (int word = 0; word < 3; word++) {
        struct story story;
        const char *callback;

        open_with_ttl(&story);
        callback = simple(&story, "i1");
        story_at(&story, 15000);
        if (word == 0) {
            story.version -= 2;
            story_status(&story, "anna", STATUS(IDLE)); /* nothing new in it */
        }
        if (word == 1)
            story_accept(&story, "anna");
        if (word == 2)
            story_dial(&story, "anna", callback); /* refused, but hers */
        story_now_on(&story);
        story_at(&story, 29999);
        assert_int_equal(story_count(&story, "routing.revoke"), 0);
        assert_int_not_equal(story_state(&story, callback), STATE(WAITING));
        story_close(&story);
    }
}

/* A platform may repeat the very same event: what it brings about each time has ids of its own. */
static void rule_12_7_the_same_word_again_has_effects_of_its_own(void **state)
{
    const PB(RoutingEvent) * offers[3];
    struct story story;

    (void)state;
    open_with_ttl(&story);
    simple(&story, "i1");
    for (int word = 0; word < 3; word++) {
        story_at(&story, 21000 * (word + 1)); /* silent since 20 s */
        story_now_on(&story);
        story.id = "word-1";
        story.version -= word > 0; /* the same version */
        story_status(&story, "anna", STATUS(IDLE));
        assert_int_equal(story_count(&story, "routing.offer"), 1);
        offers[word] = story_routing(&story, "routing.offer", 0);
        for (int before = 0; before < word; before++) {
            assert_string_not_equal(offers[before]->id, offers[word]->id);
            assert_string_not_equal(offers[before]->offer->offer_id, offers[word]->offer->offer_id);
        }
    }
    story_close(&story);
}

static void rule_12_7_a_silent_agent_loses_what_she_holds_after_60_seconds(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_with_ttl(&story);
    callback = simple(&story, "i1");
    story_accept(&story, "anna");
    story_at(&story, 79999);
    assert_int_equal(story_state(&story, callback), STATE(WITH_AGENT));
    story_at(&story, 80000);
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    story_close(&story);
}

static void rule_12_7_a_silent_agent_is_counted(void **state)
{
    struct story story;

    (void)state;
    open_with_ttl(&story);
    story.frozen = true;
    story_at(&story, 20000);
    assert_int_equal(machine_counted(story.machine, MACHINE_COUNT_SILENT_AGENTS), 1);
    story_close(&story);
}

static void rule_12_7_a_connected_call_without_an_event_ends_after_call_ttl(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story.frozen = true;
    story_ready(&story, "anna", "sales");
    story_enter(&story, "i1", "sales");
    story_at(&story, 1000);
    story_connect(&story, "i1", "anna");
    story_at(&story, 4 * HOUR_MS + 999);
    assert_int_equal(call_state(&story, "i1"), CALL(CONNECTED));
    story_at(&story, 4 * HOUR_MS + 1000);
    assert_int_equal(call_state(&story, "i1"), CALL(ENDED));
    assert_int_equal(machine_counted(story.machine, MACHINE_COUNT_LOST_CALLS), 1);
    story_close(&story);
}

static void rule_12_7_a_talk_without_an_event_ends_after_call_ttl(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    callback = simple(&story, "i1");
    story_accept(&story, "anna");
    story_dial(&story, "anna", callback);
    story_at(&story, 5000);
    story_answered(&story, PERSON);
    story_at(&story, 4 * HOUR_MS + 4999);
    assert_int_equal(story_state(&story, callback), STATE(TALKING));
    story_at(&story, 4 * HOUR_MS + 5000);
    assert_int_equal(story_state(&story, callback), STATE(WRAP_UP));
    story_close(&story);
}

static void rule_12_7_a_waiting_call_without_an_event_leaves_after_2_hours(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story.frozen = true;
    story_at(&story, 1000);
    story_enter(&story, "i1", "sales");
    story_at(&story, 2 * HOUR_MS + 999);
    assert_int_equal(call_state(&story, "i1"), CALL(WAITING));
    story_at(&story, 2 * HOUR_MS + 1000);
    assert_int_equal(story_counters(&story, "sales")->live->flow_out, 1);
    assert_int_equal(story_counters(&story, "sales")->live->abandoned, 0);
    assert_int_equal(story_metric(&story, METRIC(T_FLOW_OUT), "sales", NULL), 2 * HOUR_MS);
    assert_int_equal(machine_counted(story.machine, MACHINE_COUNT_LOST_CALLS), 1);
    story_close(&story);
}

/* --- 12.8 --- */

static PB(CreateCallback) * standing(struct story *story, const char *call, int64_t entry_ms)
{
    PB(CreateCallback) *create = story_create(story, call, "sales");

    create->facts->place = arena_alloc(&story->arena, sizeof(*create->facts->place));
    ringback__v1__place__init(create->facts->place);
    create->facts->place->queue_id = story_text(story, "sales");
    create->facts->place->entry_ms = STORY_START_MS + entry_ms;
    return create;
}

static void rule_12_8_a_request_carries_the_facts_it_needs(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_with_queue(&story);
    story_at(&story, 60000);
    story_ask(&story, "r1", standing(&story, "i1", 10000)); /* the switch was not heard yet */
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    callback = story_made(&story);
    assert_int_equal(story_callback(&story, callback)->place->entry_ms, STORY_START_MS + 10000);
    assert_string_equal(story_callback(&story, callback)->number, "+97235551234");
    story_close(&story);
}

static void rule_12_8_facts_already_known_win(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_with_queue(&story);
    story_at(&story, 20000);
    story_enter(&story, "i1", "sales"); /* since 20000 */
    story_at(&story, 60000);
    story_ask(&story, "r1", standing(&story, "i1", 10000));
    callback = story_made(&story);
    assert_int_equal(story_callback(&story, callback)->place->entry_ms, STORY_START_MS + 20000);
    story_close(&story);
}

static void rule_12_8_a_late_entry_puts_no_released_call_back_in_line(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story.frozen = true;
    story_at(&story, 60000);
    story_ask(&story, "r1", standing(&story, "i1", 60000));
    story_lag(&story, 60000);
    story_enter(&story, "i1", "sales"); /* its entry event comes only now */
    assert_int_equal(story_counters(&story, "sales")->live->offered, 1);
    assert_int_equal(story_counters(&story, "sales")->live->flow_out, 1);
    assert_int_equal(machine_counted(story.machine, MACHINE_COUNT_LATE_NOTICES), 1);
    story_close(&story);
}

static void rule_12_8_notices_about_an_ended_call_change_nothing(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story.frozen = true;
    story_ready(&story, "anna", "sales");
    story_enter(&story, "i1", "sales");
    story_end_call(&story, "i1");
    story_at(&story, 10);
    story_enter(&story, "i1", "sales");
    story_alert(&story, "i1", "anna");
    story_connect(&story, "i1", "anna");
    story_leave(&story, "i1", RINGBACK__V1__LEFT_REASON__LEFT_REASON_FLOW_OUT);
    story_end_call(&story, "i1");
    assert_int_equal(machine_counted(story.machine, MACHINE_COUNT_LATE_NOTICES), 5);
    assert_int_equal(call_state(&story, "i1"), CALL(ENDED));
    assert_int_equal(story_counters(&story, "sales")->live->offered, 1);
    assert_int_equal(story_counters(&story, "sales")->live->abandoned, 1);
    simple(&story, "i2"); /* anna was taken by none of it */
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

static void say_caller(struct story *story, const char *id, int64_t timestamp_ms,
                       const char *number)
{
    story->id = id;
    story->timestamp_ms = timestamp_ms;
    story_call_data(story, "i1", number, "");
    story->id = NULL;
    story->timestamp_ms = -1;
}

/* Call Data has no version: it is known by its event's id, and by when it was said. */
static void rule_12_8_late_call_data_overwrites_no_newer(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_enter(&story, "i1", "sales");
    story_at(&story, 10000);
    say_caller(&story, "d1", 1000, "+97230000001");
    say_caller(&story, "d2", 2000, "+97230000002");
    say_caller(&story, "d1", 3000, "+97230000001"); /* repeated, with a stamp of its own */
    assert_string_equal(story_call(&story, "i1")->caller_id, "+97230000002");
    say_caller(&story, "d0", 1999, "+97230000000"); /* heard late for the first time */
    assert_string_equal(story_call(&story, "i1")->caller_id, "+97230000002");
    say_caller(&story, "d3", 2000, "+97230000003"); /* in the same millisecond, as on the topic */
    assert_string_equal(story_call(&story, "i1")->caller_id, "+97230000003");
    say_caller(&story, "d2", 2000, "+97230000002");
    assert_string_equal(story_call(&story, "i1")->caller_id, "+97230000003");
    story_close(&story);
}

/* Eight are known by their ids; one before them is older than they are. */
static void rule_12_8_much_call_data_keeps_its_order(void **state)
{
    struct story story;
    char id[16], number[32];

    (void)state;
    open_with_queue(&story);
    story_enter(&story, "i1", "sales");
    story_at(&story, 100000);
    for (int at = 0; at < 20; at++) {
        snprintf(id, sizeof(id), "d%d", at);
        snprintf(number, sizeof(number), "+97230000%03d", at);
        say_caller(&story, id, 1000 * at, number);
    }
    for (int at = 0; at < 20; at++) {
        snprintf(id, sizeof(id), "d%d", at);
        say_caller(&story, id, at < 12 ? 1000 * at : 99000, "+97239999999");
    }
    assert_string_equal(story_call(&story, "i1")->caller_id, "+97230000019");
    story_close(&story);
}

static void rule_12_8_call_data_of_an_ended_call_changes_nothing(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story.frozen = true;
    story_enter(&story, "i1", "sales");
    story_call_data(&story, "i1", "+97230000001", "");
    story_end_call(&story, "i1");
    story_call_data(&story, "i1", "+97230000002", "");
    assert_int_equal(machine_counted(story.machine, MACHINE_COUNT_LATE_NOTICES), 1);
    assert_string_equal(story_call(&story, "i1")->caller_id, "+97230000001");
    story_close(&story);
}

static void rule_12_8_ends_are_remembered_for_an_hour(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_enter(&story, "i1", "sales");
    story_at(&story, 1000);
    story_end_call(&story, "i1");
    story_at(&story, HOUR_MS + 999);
    assert_int_equal(call_state(&story, "i1"), CALL(ENDED));
    story_at(&story, HOUR_MS + 1000);
    assert_int_equal(call_state(&story, "i1"), CALL(UNSPECIFIED));
    story_close(&story);
}

static void rule_12_8_a_request_is_always_answered(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_cancel(&story, "01234567-89ab-8def-8123-456789abcdef");
    assert_int_equal(story_reason(&story), REASON(CALLBACK_UNKNOWN));
    story_cancel(&story, "no callback's id");
    assert_int_equal(story_reason(&story), REASON(CALLBACK_UNKNOWN));
    story_cancel(&story, simple(&story, "i1"));
    story_cancel(&story, story_routing(&story, "routing.callback_ended", 0)->callback_id);
    assert_int_equal(story_reason(&story), REASON(CALLBACK_ENDED));
    story_close(&story);
}

static void rule_12_8_an_unknown_attempts_notices_are_counted(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_with_queue(&story);
    story.frozen = true;
    story_ready(&story, "anna", "sales");
    callback = simple(&story, "i1");
    story_accept(&story, "anna");
    story_dial(&story, "anna", callback);
    story_cancel(&story, callback);
    story_ringing(&story);
    story_attempt_ended(&story, RESULT(BUSY));
    story_attempt_wrapped(&story);
    assert_int_equal(machine_counted(story.machine, MACHINE_COUNT_LATE_NOTICES), 3);
    assert_int_equal(story_count(&story, "routing.callback_ended"), 1);
    story_close(&story);
}

/* --- 12.14 --- */

static void rule_12_14_what_people_did_counts_by_its_stamp(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;
    PB(AutoDial) dial = RINGBACK__V1__AUTO_DIAL__INIT;

    (void)state;
    story_open(&story);
    sales = story_queue(&story, "sales");
    dial.delay_s = 10;
    sales->auto_dial = &dial;
    story_set_queue(&story, sales);
    story_ready(&story, "anna", "sales");
    simple(&story, "i1");
    story_at(&story, 9000);
    story.timestamp_ms = 2000; /* accepted then, heard of now */
    story_accept(&story, "anna");
    story_at(&story, 11999);
    assert_int_equal(story_count(&story, "routing.place_call"), 0);
    story_at(&story, 12000);
    assert_int_equal(story_count(&story, "routing.place_call"), 1);
    story_close(&story);
}

static void rule_12_14_a_stamp_after_the_clock_is_the_clock(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_with_queue(&story);
    story_at(&story, 1000);
    story.timestamp_ms = 5000;
    callback = simple(&story, "i1");
    assert_int_equal(story_callback(&story, callback)->place->entry_ms, STORY_START_MS + 1000);
    assert_int_equal(story_callback(&story, callback)->stay_ms, STORY_START_MS + 1000);
    story_close(&story);
}

static void rule_12_14_a_record_without_a_stamp_counts_as_now(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_with_queue(&story);
    story_at(&story, 1000);
    story.unstamped = true;
    callback = simple(&story, "i1");
    assert_int_equal(story_callback(&story, callback)->stay_ms, STORY_START_MS + 1000);
    story_close(&story);
}

static bool fires(struct story *story, int64_t horizon_ms, int64_t horizon_stop_ms)
{
    struct timer_limits limits = {INT64_MAX, STORY_START_MS + horizon_ms,
                                  STORY_START_MS + horizon_stop_ms};
    int64_t due;

    return machine_timer_next(story->machine, &limits, &due);
}

static void rule_12_14_deadlines_that_a_record_stops_have_their_own_horizon(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    simple(&story, "i1"); /* offered until 30000: an answer would stop it */
    assert_false(fires(&story, 100000, 29999));
    assert_true(fires(&story, 0, 30000));
    story_close(&story);
}

static void rule_12_14_a_due_time_waits_for_no_record(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_set_agent(&story, story_agent(&story, "anna"));
    story_enter(&story, "i1", "sales");
    story_connect(&story, "i1", "anna");
    story_do(&story, story_schedule(&story, "s1", "anna", "i1", 60000));
    assert_false(fires(&story, 59999, INT64_C(59999)));
    assert_true(fires(&story, 60000, 0));
    story_close(&story);
}

static void rule_12_14_nothing_fires_at_or_after_the_next_record(void **state)
{
    struct story story;
    struct timer_limits limits = {STORY_START_MS + 30000, INT64_MAX, INT64_MAX};
    int64_t due;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    simple(&story, "i1");
    assert_false(machine_timer_next(story.machine, &limits, &due)); /* records first */
    limits.before_ms++;
    assert_true(machine_timer_next(story.machine, &limits, &due));
    assert_int_equal(due, STORY_START_MS + 30000);
    story_close(&story);
}

static void rule_12_14_at_one_millisecond_by_id(void **state)
{
    struct story story;
    const char *first, *second;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    story_ready(&story, "bela", "sales");
    simple(&story, "i1");
    simple(&story, "i2");
    story_now_on(&story);
    story_at(&story, 30000);
    first = story_routing(&story, "routing.revoke", 0)->callback_id;
    second = story_routing(&story, "routing.revoke", 1)->callback_id;
    assert_true(strcmp(first, second) < 0);
    story_close(&story);
}

/* --- 12.15 --- */

static void rule_12_15_caller_id_is_that_of_the_acceptance(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;
    const char *callback = "";

    (void)state;
    story_open(&story);
    for (int at = 0; at < 3; at++) {
        sales = story_queue(&story, "sales");
        sales->ani = story_text(&story, at == 0 ? "+15550100" : at == 1 ? "+15550101" : "");
        story_set_queue(&story, sales);
        if (at == 0)
            callback = simple(&story, "i1");
        story_at(&story, 1000 * (at + 1));
    }
    story_ready(&story, "anna", "sales");
    story_accept(&story, "anna");
    story_dial(&story, "anna", callback);
    assert_string_equal(story_routing(&story, "routing.place_call", 0)->place_call->caller_id,
                        "+15550100");
    story_close(&story);
}

/* Number, label, script, place: as accepted, whatever the settings say later. */
static void rule_12_15_what_was_accepted_is_stamped(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;
    PB(CreateCallback) * create;
    const PB(RoutingEvent) * offer;

    (void)state;
    story_open(&story);
    story_domain(&story, "972", false);
    story_script(&story, "old", true);
    story_script(&story, "new", true);
    sales = story_queue(&story, "sales");
    sales->default_script_id = story_text(&story, "old");
    story_set_queue(&story, sales);
    create = story_create(&story, "i1", "sales");
    create->number = story_text(&story, "03-555 1234");
    create->name = story_text(&story, "Loans");
    story_at(&story, 1000);
    story_ask(&story, "r1", create);
    story_at(&story, 2000);
    story_domain(&story, "44", true);
    sales->default_script_id = story_text(&story, "new");
    sales->ranking = RINGBACK__V1__RANKING__RANKING_PRIORITY_ONLY;
    sales->version = ++story.version;
    story_set_queue(&story, sales);
    story_ready(&story, "anna", "sales");
    offer = story_routing(&story, "routing.offer", 0);
    assert_string_equal(offer->offer->number, "+97235551234");
    assert_string_equal(offer->offer->name, "Loans");
    assert_string_equal(offer->offer->script_id, "old");
    assert_int_equal(offer->offer->place->entry_ms, STORY_START_MS + 1000);
    assert_false(story_callback(&story, story_made(&story))->routing_kept);
    story_close(&story);
}

/* Due and the end of ownership: shorter bounds and durations later change neither. */
static void rule_12_15_due_and_ownership_end_are_stamped(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;
    PB(Command) * command;
    PB(Ring) ring = RINGBACK__V1__RING__INIT, *rings[] = {&ring};
    PB(AgentOwned) owned = RINGBACK__V1__AGENT_OWNED__INIT;

    (void)state;
    story_open(&story);
    sales = story_queue(&story, "sales");
    owned.enabled = true;
    owned.duration_s = 7200;
    sales->agent_owned = &owned;
    sales->rings = rings;
    sales->n_rings = 1;
    story_set_queue(&story, sales);
    story_ready(&story, "anna", "sales");
    story_enter(&story, "i1", "sales");
    story_connect(&story, "i1", "anna");
    command = story_schedule(&story, NULL, "anna", "i1", 10 * HOUR_MS);
    command->schedule->take_ownership = true;
    story_do(&story, command);
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    owned.duration_s = owned.ahead_s = 3600;
    sales->version = ++story.version;
    story_set_queue(&story, sales);
    assert_int_equal(story_callback(&story, story_made(&story))->due_ms,
                     STORY_START_MS + 10 * HOUR_MS);
    assert_int_equal(story_callback(&story, story_made(&story))->owner_end_ms,
                     STORY_START_MS + 12 * HOUR_MS);
    story_close(&story);
}

static void rule_12_15_what_is_not_stamped_is_read_when_used(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;

    (void)state;
    open_with_queue(&story);
    simple(&story, "i1");
    sales = story_queue(&story, "sales");
    sales->alerting_timeout_s = 12;
    sales->auto_answer = true;
    story_set_queue(&story, sales);
    story_ready(&story, "anna", "sales");
    assert_int_equal(story_routing(&story, "routing.offer", 0)->offer->deadline_ms,
                     STORY_START_MS + 12000);
    assert_true(story_routing(&story, "routing.offer", 0)->offer->auto_answer);
    story_close(&story);
}

static void rule_12_15_fewer_retries_than_used_make_the_next_failure_the_last(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;
    const char *callback;

    (void)state;
    story_open(&story);
    sales = story_queue(&story, "sales");
    sales->agent_first_retries = 5;
    sales->agent_first_retry_delay_s = 60;
    story_set_queue(&story, sales);
    story_ready(&story, "anna", "sales");
    callback = simple(&story, "i1");
    for (int at = 0; at < 3; at++) {
        story_accept(&story, "anna");
        story_dial(&story, "anna", callback);
        if (at == 2) {
            sales = story_queue(&story, "sales");
            sales->agent_first_retries = 1;
            story_set_queue(&story, sales);
        }
        story_attempt_ended(&story, RESULT(BUSY));
        if (at < 2)
            story_at(&story, 60000 * (at + 1));
    }
    assert_int_equal(ended_by(&story), REASON(RETRIES_EXHAUSTED));
    story_close(&story);
}

static const char *offered_script(struct story *story, bool gone, const char *other)
{
    PB(QueueSettings) *sales = story_queue(story, "sales");
    PB(CreateCallback) * create;
    PB(SettingsEvent) event = RINGBACK__V1__SETTINGS_EVENT__INIT;
    PB(ScriptRemoval) removal = RINGBACK__V1__SCRIPT_REMOVAL__INIT;

    story_script(story, "special", true);
    story_script(story, "usual", true);
    sales->default_script_id = story_text(story, other);
    story_set_queue(story, sales);
    create = story_create(story, "i1", "sales");
    create->script_id = story_text(story, "special");
    story_ask(story, "r1", create);
    if (gone) {
        event.id = story_text(story, "gone");
        event.event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_SCRIPT_REMOVAL;
        event.script_removal = &removal;
        removal.script_id = create->script_id;
        removal.version = 1000000;
        story_send(story, INPUT_SETTINGS, &event.base);
    } else {
        story_script(story, "special", false);
    }
    story_ready(story, "anna", "sales");
    return story_routing(story, "routing.offer", 0)->offer->script_id;
}

static void rule_12_15_a_script_that_is_gone_gives_way_to_the_queues(void **state)
{
    (void)state;
    for (int gone = 0; gone < 2; gone++) {
        struct story story;

        story_open(&story);
        assert_string_equal(offered_script(&story, gone, "usual"), "usual");
        story_close(&story);
        story_open(&story);
        assert_string_equal(offered_script(&story, gone, ""), "");
        story_close(&story);
    }
}

static void set_skills(struct story *story, const char *name)
{
    PB(SettingsEvent) event = RINGBACK__V1__SETTINGS_EVENT__INIT;
    PB(DomainSettings) domain = RINGBACK__V1__DOMAIN_SETTINGS__INIT;
    char *names[1] = {story_text(story, name)};

    event.id = story_text(story, name);
    event.event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_DOMAIN;
    event.domain = &domain;
    domain.version = ++story->version;
    domain.inherit_routing_data = true;
    domain.n_skills = 1;
    domain.skills = names;
    story_send(story, INPUT_SETTINGS, &event.base);
}

static void rule_12_15_a_deleted_skill_is_asked_no_more(void **state)
{
    struct story story;
    PB(CreateCallback) * create;
    PB(RoutingData) routing = RINGBACK__V1__ROUTING_DATA__INIT;
    char *skills[1];

    (void)state;
    open_with_queue(&story);
    set_skills(&story, "cards");
    create = story_create(&story, "i1", "sales");
    skills[0] = story_text(&story, "cards");
    routing.n_skills = 1;
    routing.skills = skills;
    create->facts->routing = &routing;
    story_ask(&story, "r1", create);
    story_ready(&story, "anna", "sales");
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    set_skills(&story, "billing"); /* the list is whole: cards is gone */
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_close(&story);
}

static void rule_12_15_a_queue_in_use_is_not_removed_unless_forced(void **state)
{
    struct story story;
    const PB(SettingsRefused) * refused;
    const char *waiting;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    simple(&story, "i1"); /* offered */
    story_at(&story, 10);
    waiting = simple(&story, "i2");
    story_remove_queue(&story, "sales", false);
    assert_int_equal(story_reason(&story), REASON(QUEUE_IN_USE));
    refused = story_result(&story)->settings_refused;
    assert_non_null(
        strstr(refused->text, "1 callbacks waiting, 0 scheduled or delayed and 1 with"));
    assert_int_equal(story_state(&story, waiting), STATE(WAITING));
    story_remove_queue(&story, "sales", true);
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    story_at(&story, 10);
    assert_int_equal(story_count(&story, "routing.callback_ended"), 2);
    assert_int_equal(ended_by(&story), REASON(QUEUE_REMOVED));
    assert_int_equal(story_routing(&story, "routing.callback_ended", 1)->callback_ended->reason,
                     REASON(QUEUE_REMOVED));
    assert_int_equal(story_count(&story, "routing.revoke"), 1);
    story_ask(&story, "r3", story_create(&story, "i3", "sales"));
    assert_int_equal(story_reason(&story), REASON(QUEUE_UNKNOWN));
    story_close(&story);
}

/* The last answer: that version does not hold, which one does. */
static void assert_other_content(struct story *story, const char *kind, uint64_t holds)
{
    const PB(Result) *result = story_result(story);

    assert_int_equal(result->answer_case, RINGBACK__V1__RESULT__ANSWER_SETTINGS_REFUSED);
    assert_int_equal(result->settings_refused->reason, REASON(OLD_VERSION));
    assert_int_equal(result->settings_refused->version, holds);
    assert_string_equal(result->settings_refused->kind, kind);
    assert_non_null(strstr(result->settings_refused->text, "other content"));
    assert_non_null(strstr(result->settings_refused->text, "higher version"));
}

static void rule_12_15_settings_of_the_same_version_must_be_the_same(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;
    PB(AgentSettings) * anna;
    uint64_t version;

    (void)state;
    story_open(&story);
    sales = story_queue(&story, "sales");
    sales->alerting_timeout_s = 20;
    version = sales->version;
    story_set_queue(&story, sales);
    story_set_queue(&story, sales); /* sent twice: it holds */
    assert_int_equal(story_result(&story)->answer_case,
                     RINGBACK__V1__RESULT__ANSWER_SETTINGS_ACCEPTED);
    assert_int_equal(story_result(&story)->settings_accepted->version, version);
    sales->alerting_timeout_s = 25;
    story_set_queue(&story, sales);
    assert_other_content(&story, "queue", version);
    sales->version++;
    story_set_queue(&story, sales);
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    anna = story_agent(&story, "anna");
    story_set_agent(&story, anna);
    version = anna->version;
    anna->name = story_text(&story, "Anna");
    story_set_agent(&story, anna);
    assert_other_content(&story, "agent", version);
    story_script(&story, "s", true);
    version = --story.version; /* the event's id was made after it */
    story.version--;
    story_script(&story, "s", true);
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    story.version = version - 1;
    story_script(&story, "s", false);
    assert_other_content(&story, "script", version);
    story_close(&story);
}

/* What holds is no removal, and what is removed does not hold. */
static void rule_12_15_a_removal_of_the_same_version_is_other_content(void **state)
{
    struct story story;
    PB(AgentSettings) * anna;
    PB(QueueSettings) * sales;
    uint64_t version;

    (void)state;
    story_open(&story);
    anna = story_agent(&story, "anna");
    story_set_agent(&story, anna);
    version = anna->version;
    story.version = version - 1;
    story_remove_agent(&story, "anna");
    assert_other_content(&story, "agent", version);
    story_ready(&story, "anna", "sales"); /* sets her anew */
    story_remove_agent(&story, "anna");
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    version = story_result(&story)->settings_accepted->version;
    story.version = version - 1;
    story_remove_agent(&story, "anna"); /* sent twice */
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    anna->version = version;
    story_set_agent(&story, anna);
    assert_other_content(&story, "agent", version);
    sales = story_queue(&story, "sales");
    story_set_queue(&story, sales);
    story_remove_queue(&story, "sales", false);
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    version = story_result(&story)->settings_accepted->version;
    sales->version = version;
    story_set_queue(&story, sales);
    assert_other_content(&story, "queue", version);
    story_ask(&story, "r9", story_create(&story, "i9", "sales"));
    assert_int_equal(story_reason(&story), REASON(QUEUE_UNKNOWN));
    story_close(&story);
}

static void rule_12_15_an_unused_queue_is_removed(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_cancel(&story, simple(&story, "i1"));
    story_remove_queue(&story, "sales", false);
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    story_remove_queue(&story, "sales", false);
    assert_int_equal(story_reason(&story), REASON(QUEUE_UNKNOWN));
    story_close(&story);
}

static void rule_12_15_one_scheduled_holds_its_queue(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_with_queue(&story);
    story_set_agent(&story, story_agent(&story, "anna"));
    story_enter(&story, "i1", "sales");
    story_connect(&story, "i1", "anna");
    story_do(&story, story_schedule(&story, "s1", "anna", "i1", 60000));
    callback = story_made(&story);
    story_remove_queue(&story, "sales", false);
    assert_int_equal(story_reason(&story), REASON(QUEUE_IN_USE));
    story_remove_queue(&story, "sales", true);
    story_at(&story, 0);
    assert_int_equal(ended_by(&story), REASON(QUEUE_REMOVED));
    assert_int_equal(story_state(&story, callback), STATE(ENDED));
    story_close(&story);
}

static void rule_12_15_a_forced_removal_lets_a_talk_finish(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    callback = simple(&story, "i1");
    story_accept(&story, "anna");
    story_dial(&story, "anna", callback);
    story_answered(&story, PERSON);
    story_remove_queue(&story, "sales", true);
    story_at(&story, 60000);
    assert_int_equal(story_state(&story, callback), STATE(TALKING));
    story_attempt_ended(&story, RESULT(HUNG_UP));
    story_end(&story, "anna", callback);
    assert_int_equal(ended_by(&story), REASON(COMPLETED));
    story_close(&story);
}

static void rule_12_15_a_removed_priority_only_queue_ends_all_of_its_callbacks(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;

    (void)state;
    story_open(&story);
    sales = story_queue(&story, "sales");
    sales->ranking = RINGBACK__V1__RANKING__RANKING_PRIORITY_ONLY;
    story_set_queue(&story, sales);
    simple(&story, "i1");
    story_at(&story, 10);
    simple(&story, "i2");
    story_remove_queue(&story, "sales", true);
    story_at(&story, 10);
    assert_int_equal(story_count(&story, "routing.callback_ended"), 2);
    story_close(&story);
}

static void rule_12_15_a_removed_agent_gets_no_offer_and_may_come_again(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    simple(&story, "i1");
    story_remove_agent(&story, "anna");
    assert_int_equal(story_count(&story, "routing.revoke"), 1);
    story_status(&story, "anna", STATUS(IDLE));
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_set_agent(&story, story_agent(&story, "anna"));
    assert_int_equal(story_count(&story, "routing.offer"), 2);
    story_close(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_12_6_still_waiting_is_told_every_14_days),
        cmocka_unit_test(rule_12_6_after_ten_years_it_is_told_no_oftener),
        cmocka_unit_test(rule_12_6_nobody_can_serve_when_no_agent_of_the_domain_could),
        cmocka_unit_test(rule_12_6_everything_out_of_line_has_its_time),
        cmocka_unit_test(rule_12_7_presence_ttl_is_off_by_default),
        cmocka_unit_test(rule_12_7_a_silent_agent_is_off_queue),
        cmocka_unit_test(rule_12_7_a_repeated_fact_an_answer_or_a_command_is_a_word),
        cmocka_unit_test(rule_12_7_the_same_word_again_has_effects_of_its_own),
        cmocka_unit_test(rule_12_7_a_silent_agent_loses_what_she_holds_after_60_seconds),
        cmocka_unit_test(rule_12_7_a_silent_agent_is_counted),
        cmocka_unit_test(rule_12_7_a_connected_call_without_an_event_ends_after_call_ttl),
        cmocka_unit_test(rule_12_7_a_talk_without_an_event_ends_after_call_ttl),
        cmocka_unit_test(rule_12_7_a_waiting_call_without_an_event_leaves_after_2_hours),
        cmocka_unit_test(rule_12_8_a_request_carries_the_facts_it_needs),
        cmocka_unit_test(rule_12_8_facts_already_known_win),
        cmocka_unit_test(rule_12_8_a_late_entry_puts_no_released_call_back_in_line),
        cmocka_unit_test(rule_12_8_notices_about_an_ended_call_change_nothing),
        cmocka_unit_test(rule_12_8_late_call_data_overwrites_no_newer),
        cmocka_unit_test(rule_12_8_much_call_data_keeps_its_order),
        cmocka_unit_test(rule_12_8_call_data_of_an_ended_call_changes_nothing),
        cmocka_unit_test(rule_12_8_ends_are_remembered_for_an_hour),
        cmocka_unit_test(rule_12_8_a_request_is_always_answered),
        cmocka_unit_test(rule_12_8_an_unknown_attempts_notices_are_counted),
        cmocka_unit_test(rule_12_14_what_people_did_counts_by_its_stamp),
        cmocka_unit_test(rule_12_14_a_stamp_after_the_clock_is_the_clock),
        cmocka_unit_test(rule_12_14_a_record_without_a_stamp_counts_as_now),
        cmocka_unit_test(rule_12_14_deadlines_that_a_record_stops_have_their_own_horizon),
        cmocka_unit_test(rule_12_14_a_due_time_waits_for_no_record),
        cmocka_unit_test(rule_12_14_nothing_fires_at_or_after_the_next_record),
        cmocka_unit_test(rule_12_14_at_one_millisecond_by_id),
        cmocka_unit_test(rule_12_15_caller_id_is_that_of_the_acceptance),
        cmocka_unit_test(rule_12_15_what_was_accepted_is_stamped),
        cmocka_unit_test(rule_12_15_due_and_ownership_end_are_stamped),
        cmocka_unit_test(rule_12_15_what_is_not_stamped_is_read_when_used),
        cmocka_unit_test(rule_12_15_fewer_retries_than_used_make_the_next_failure_the_last),
        cmocka_unit_test(rule_12_15_a_script_that_is_gone_gives_way_to_the_queues),
        cmocka_unit_test(rule_12_15_a_deleted_skill_is_asked_no_more),
        cmocka_unit_test(rule_12_15_a_queue_in_use_is_not_removed_unless_forced),
        cmocka_unit_test(rule_12_15_settings_of_the_same_version_must_be_the_same),
        cmocka_unit_test(rule_12_15_a_removal_of_the_same_version_is_other_content),
        cmocka_unit_test(rule_12_15_an_unused_queue_is_removed),
        cmocka_unit_test(rule_12_15_one_scheduled_holds_its_queue),
        cmocka_unit_test(rule_12_15_a_forced_removal_lets_a_talk_finish),
        cmocka_unit_test(rule_12_15_a_removed_priority_only_queue_ends_all_of_its_callbacks),
        cmocka_unit_test(rule_12_15_a_removed_agent_gets_no_offer_and_may_come_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
