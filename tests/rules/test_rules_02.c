/* Chapter 2: callbacks that agents schedule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "state/internal.h"
#include "tests/support/story.h"

#define AT(ms) (STORY_START_MS + (ms))

#define NONE REASON(UNSPECIFIED)

/* anna talks with i1 of "sales" since 10 s; it is 20 s. */
static void open_talk(struct story *story)
{
    story_open(story);
    story_set_queue(story, story_queue(story, "sales"));
    story_set_queue(story, story_queue(story, "support"));
    story_ready(story, "anna", "sales");
    story_ready(story, "ben", "sales");
    story_enter(story, "i1", "sales");
    story_at(story, 10000);
    story_connect(story, "i1", "anna");
    story_at(story, 20000);
}

static PB(Reason)
    schedule(struct story *story, const char *agent, const char *interaction, int64_t due_ms)
{
    story_do(story, story_schedule(story, NULL, agent, interaction, due_ms));
    return story_reason(story);
}

/* --- 2.1 --- */

static void rule_2_1_agent_connected_may_schedule(void **state)
{
    struct story story;
    const PB(CallbackEntity) * cb;
    const PB(AnalyticsEvent) * session;

    (void)state;
    open_talk(&story);
    story_now_on(&story);
    assert_int_equal(schedule(&story, "anna", "i1", 3600000), NONE);
    cb = story_callback(&story, story_made(&story));
    assert_int_equal(cb->state, STATE(SCHEDULED));
    assert_int_equal(cb->kind, RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_SCHEDULED);
    assert_int_equal(cb->due_ms, AT(3600000));
    assert_string_equal(cb->scheduled_by, "anna");
    assert_string_equal(cb->owner_agent_id, "");
    assert_string_equal(cb->conversation_id, "c-i1");
    assert_string_equal(cb->interaction_id, "i1");
    assert_string_equal(cb->number, "+97235551234");
    assert_string_equal(cb->place->queue_id, "sales");
    assert_int_equal(cb->stay_ms, 0); /* in no line yet */
    session = story_analytics(&story, "analytics.session_started", 0);
    assert_int_equal(session->session_started->due_ms, AT(3600000));
    story_close(&story);
}

static void rule_2_1_nobody_else_may(void **state)
{
    struct story story;
    PB(Command) * command;

    (void)state;
    open_talk(&story);
    assert_int_equal(schedule(&story, "ben", "i1", 3600000), REASON(NOT_CONNECTED));
    assert_int_equal(schedule(&story, "anna", "i2", 3600000), REASON(NOT_CONNECTED));
    assert_int_equal(schedule(&story, "nobody", "i1", 3600000), REASON(AGENT_UNKNOWN));
    assert_int_equal(schedule(&story, "", "i1", 3600000), REASON(LIMIT));
    story_remove_agent(&story, "anna");
    assert_int_equal(schedule(&story, "anna", "i1", 3600000), REASON(AGENT_UNKNOWN));
    command = story_schedule(&story, NULL, "ben", "", 3600000);
    story_do(&story, command);
    assert_int_equal(story_reason(&story), REASON(LIMIT));
    assert_int_equal(machine_callbacks(story.machine), 0);
    story_close(&story);
}

static void rule_2_1_alerting_is_not_connected(void **state)
{
    struct story story;

    (void)state;
    open_talk(&story);
    story_enter(&story, "i2", "sales");
    story_alert(&story, "i2", "ben");
    assert_int_equal(schedule(&story, "ben", "i2", 3600000), REASON(NOT_CONNECTED));
    story_alert(&story, "i1", "ben"); /* anna's call rings at him */
    story_at(&story, 21000);
    assert_int_equal(schedule(&story, "ben", "i1", 3600000), REASON(NOT_CONNECTED));
    story_close(&story);
}

static void rule_2_1_voice_alone(void **state)
{
    static const struct {
        PB(Media) media;
        PB(Reason) reason;
    } rows[] = {
        {RINGBACK__V1__MEDIA__MEDIA_VOICE, NONE},
        {RINGBACK__V1__MEDIA__MEDIA_EMAIL, REASON(NOT_CONNECTED)},
        {RINGBACK__V1__MEDIA__MEDIA_MESSAGE, REASON(NOT_CONNECTED)},
        {RINGBACK__V1__MEDIA__MEDIA_CHAT, REASON(NOT_CONNECTED)},
    };

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        struct story story;
        PB(InteractionEvent) * event, *connected;

        open_talk(&story);
        event = story_entered(&story, "i2", "sales");
        event->interaction->media = rows[at].media;
        story_tell(&story, event);
        connected = story_interaction(&story, "i2");
        connected->interaction->media = rows[at].media;
        connected->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_CONNECTED;
        connected->connected = arena_alloc(&story.arena, sizeof(*connected->connected));
        ringback__v1__interaction_connected__init(connected->connected);
        connected->connected->agent_id = story_text(&story, "ben");
        story_tell(&story, connected);
        assert_int_equal(schedule(&story, "ben", "i2", 3600000), rows[at].reason);
        story_close(&story);
    }
}

/* Connected at 10 s, wrap-up from 30 s to 40 s. The command is read at 50 s. */
static void rule_2_1_counts_at_the_commands_timestamp(void **state)
{
    static const struct {
        int64_t stamped_ms;
        PB(Reason) reason;
    } rows[] = {
        {9999, REASON(NOT_CONNECTED)},  {10000, NONE}, {30000, NONE}, {40000, NONE},
        {40001, REASON(NOT_CONNECTED)},
    };

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        struct story story;

        open_talk(&story);
        story_at(&story, 30000);
        story_wrap_up(&story, "i1", "anna", true);
        story_end_call(&story, "i1");
        story_at(&story, 40000);
        story_wrap_up(&story, "i1", "anna", false);
        story_at(&story, 50000);
        story.timestamp_ms = rows[at].stamped_ms;
        if (schedule(&story, "anna", "i1", 3600000) != rows[at].reason)
            fail_msg("at %lld: %d", (long long)rows[at].stamped_ms, story_reason(&story));
        story_close(&story);
    }
}

static void rule_2_1_in_wrap_up_he_still_may(void **state)
{
    struct story story;

    (void)state;
    open_talk(&story);
    story_wrap_up(&story, "i1", "anna", true);
    story_end_call(&story, "i1");
    story_at(&story, 25000);
    assert_int_equal(schedule(&story, "anna", "i1", 3600000), NONE);
    story_close(&story);
}

static void rule_2_1_ended_without_wrap_up_he_no_longer_may(void **state)
{
    struct story story;

    (void)state;
    open_talk(&story);
    story_end_call(&story, "i1");
    assert_int_equal(schedule(&story, "anna", "i1", 3600000), NONE); /* that very moment */
    story_close(&story);
    open_talk(&story);
    story_end_call(&story, "i1");
    story_at(&story, 20001);
    assert_int_equal(schedule(&story, "anna", "i1", 3600000), REASON(NOT_CONNECTED));
    story_close(&story);
}

static void rule_2_1_one_per_interaction(void **state)
{
    struct story story;

    (void)state;
    open_talk(&story);
    assert_int_equal(schedule(&story, "anna", "i1", 3600000), NONE);
    assert_int_equal(schedule(&story, "anna", "i1", 7200000), REASON(ALREADY_SCHEDULED));
    story_cancel(&story, story_made(&story));
    assert_int_equal(story_reason(&story), NONE);
    assert_int_equal(schedule(&story, "anna", "i1", 7200000), REASON(ALREADY_SCHEDULED));
    assert_int_equal(machine_callbacks(story.machine), 0);
    story_close(&story);
}

/* ben talks with the customer of an in-queue callback since 30 s. */
static const char *open_called_back(struct story *story)
{
    const char *callback;

    open_talk(story);
    story_enter(story, "i2", "sales");
    story_ask(story, "r1", story_create(story, "i2", "sales"));
    callback = story_made(story);
    assert_string_equal(story_offered_to(story), "ben");
    story_accept(story, "ben");
    story_dial(story, "ben", callback);
    story_at(story, 30000);
    story_answered(story, RINGBACK__V1__ANSWER_KIND__ANSWER_KIND_PERSON);
    return callback;
}

static void rule_2_1_callback_is_an_interaction_of_its_own(void **state)
{
    struct story story;
    const char *callback, *second;

    (void)state;
    callback = open_called_back(&story);
    assert_int_equal(schedule(&story, "anna", callback, 3600000), REASON(NOT_CONNECTED));
    assert_int_equal(schedule(&story, "ben", callback, 3600000), NONE);
    second = story_made(&story);
    assert_string_equal(story_callback(&story, second)->interaction_id, callback);
    assert_string_equal(story_callback(&story, second)->conversation_id, "c-i2");
    assert_string_equal(story_callback(&story, second)->number, "+97235551234");
    assert_int_equal(schedule(&story, "ben", callback, 3600000), REASON(ALREADY_SCHEDULED));
    story_cancel(&story, second);
    assert_int_equal(schedule(&story, "ben", callback, 3600000), REASON(ALREADY_SCHEDULED));
    story_attempt_ended(&story, RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_HUNG_UP);
    story_end(&story, "ben", callback);
    assert_int_equal(schedule(&story, "ben", callback, 3600000), REASON(NOT_CONNECTED));
    story_close(&story);
}

static void rule_2_1_callback_in_wrap_up_may_schedule(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    callback = open_called_back(&story);
    story_attempt_ended(&story, RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_HUNG_UP);
    assert_int_equal(story_state(&story, callback), STATE(WRAP_UP));
    assert_int_equal(schedule(&story, "ben", callback, 3600000), NONE);
    story_close(&story);
}

static void rule_2_1_outbound_call_schedules_to_the_number_dialled(void **state)
{
    struct story story;
    PB(InteractionEvent) * event;

    (void)state;
    open_talk(&story);
    event = story_entered(&story, "o1", "sales");
    event->entered->outbound = true;
    event->entered->dialled_number = story_text(&story, "+97235557777");
    story_tell(&story, event);
    story_connect(&story, "o1", "ben");
    assert_int_equal(schedule(&story, "ben", "o1", 3600000), NONE);
    assert_string_equal(story_callback(&story, story_made(&story))->number, "+97235557777");
    story_close(&story);
}

/* ben accepted it at 20 s and previews. */
static void rule_2_1_callback_is_his_from_accept_on(void **state)
{
    static const struct {
        int64_t stamped_ms;
        const char *agent;
        PB(Reason) reason;
    } rows[] = {{19999, "ben", REASON(NOT_CONNECTED)},
                {20000, "ben", NONE},
                {20001, "anna", REASON(NOT_CONNECTED)}};

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        struct story story;
        const char *callback;

        open_talk(&story);
        story_enter(&story, "i2", "sales");
        story_ask(&story, "r1", story_create(&story, "i2", "sales"));
        callback = story_made(&story);
        assert_int_equal(schedule(&story, "ben", callback, 3600000), REASON(NOT_CONNECTED));
        story_accept(&story, "ben");
        story_at(&story, 21000);
        story.timestamp_ms = rows[at].stamped_ms;
        if (schedule(&story, rows[at].agent, callback, 3600000) != rows[at].reason)
            fail_msg("row %zu: %d", at, story_reason(&story));
        story_close(&story);
    }
}

/* ben takes the call over: it is his, and still one interaction. */
static void rule_2_1_whoever_it_passed_to_may(void **state)
{
    (void)state;
    for (int made = 0; made < 2; made++) {
        struct story story;

        open_talk(&story);
        if (made)
            assert_int_equal(schedule(&story, "anna", "i1", 3600000), NONE);
        story_connect(&story, "i1", "ben");
        assert_int_equal(schedule(&story, "anna", "i1", 3600000), REASON(NOT_CONNECTED));
        assert_int_equal(schedule(&story, "ben", "i1", 3600000),
                         made ? REASON(ALREADY_SCHEDULED) : NONE);
        story_close(&story);
    }
}

/* It waits in another queue: nobody has it; then ben has it there. */
static void rule_2_4_queue_is_that_of_the_last_transfer(void **state)
{
    struct story story;

    (void)state;
    open_talk(&story);
    story_enter(&story, "i1", "support");
    assert_int_equal(schedule(&story, "anna", "i1", 3600000), REASON(NOT_CONNECTED));
    story_connect(&story, "i1", "ben");
    assert_int_equal(schedule(&story, "ben", "i1", 3600000), NONE);
    assert_string_equal(story_callback(&story, story_made(&story))->place->queue_id, "support");
    story_close(&story);
}

/* A platform that reports our callback back under its id as an interaction: it is the callback. */
static void rule_2_1_callback_reported_back_is_still_the_callback(void **state)
{
    struct story story;
    const char *callback;
    PB(InteractionEvent) * event;

    (void)state;
    callback = open_called_back(&story);
    event = story_entered(&story, callback, "sales");
    event->interaction->media = RINGBACK__V1__MEDIA__MEDIA_CALLBACK;
    story_tell(&story, event);
    assert_int_equal(schedule(&story, "ben", callback, 3600000), NONE);
    assert_string_equal(story_callback(&story, story_made(&story))->conversation_id, "c-i2");
    assert_int_equal(schedule(&story, "ben", callback, 3600000), REASON(ALREADY_SCHEDULED));
    story_close(&story);
}

/* --- 2.2 --- */

static void rule_2_2_later_than_now_at_most_30_days_ahead(void **state)
{
    static const int64_t now = 20000;
    const struct {
        int64_t due_ms;
        PB(Reason) reason;
    } rows[] = {
        {now - 1, REASON(IN_THE_PAST)},
        {now, REASON(IN_THE_PAST)},
        {now + 1, NONE},
        {now + 30 * DAY_MS - 1, NONE},
        {now + 30 * DAY_MS, NONE},
        {now + 30 * DAY_MS + 1, REASON(TOO_FAR_AHEAD)},
        {INT64_MAX - STORY_START_MS, REASON(TOO_FAR_AHEAD)},
        {INT64_MIN, REASON(IN_THE_PAST)},
    };

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        struct story story;

        open_talk(&story);
        if (schedule(&story, "anna", "i1", rows[at].due_ms) != rows[at].reason)
            fail_msg("row %zu: %d", at, story_reason(&story));
        story_close(&story);
    }
}

static void rule_2_2_now_is_the_commands_timestamp(void **state)
{
    struct story story;

    (void)state;
    open_talk(&story);
    story_at(&story, 25000);
    story.timestamp_ms = 20000;
    assert_int_equal(schedule(&story, "anna", "i1", 20000 + 30 * DAY_MS + 1),
                     REASON(TOO_FAR_AHEAD));
    story.timestamp_ms = 20000;
    assert_int_equal(schedule(&story, "anna", "i1", 20001), NONE); /* due already */
    story_at(&story, 25000);
    assert_int_equal(story_callback(&story, story_made(&story))->place->entry_ms, AT(20001));
    assert_string_equal(story_offered_to(&story), "ben");
    story_close(&story);
}

static void rule_2_2_left_out_is_30_minutes_from_now(void **state)
{
    struct story story;

    (void)state;
    open_talk(&story);
    assert_int_equal(schedule(&story, "anna", "i1", 0), NONE);
    assert_int_equal(story_callback(&story, story_made(&story))->due_ms, AT(20000 + 1800000));
    story_close(&story);
}

static void rule_2_2_number_given_left_out_or_bad(void **state)
{
    static const struct {
        const char *given, *ani;
        PB(Reason) reason;
        const char *number;
    } rows[] = {
        {"", "+97235551234", NONE, "+97235551234"},
        {"03 555 0000", "+97235551234", NONE, "+97235550000"},
        {"", "", REASON(NUMBER_MISSING), ""},
        {"", "anonymous", REASON(NUMBER_MISSING), ""},
        {"12", "+97235551234", REASON(NUMBER_INVALID), ""},
        {"x12345", "+97235551234", REASON(NUMBER_INVALID), ""},
    };

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        struct story story;
        PB(InteractionEvent) * event;
        PB(Command) * command;

        open_talk(&story);
        story_domain(&story, "972", false);
        event = story_entered(&story, "i2", "sales");
        event->entered->ani = story_text(&story, rows[at].ani);
        story_tell(&story, event);
        story_connect(&story, "i2", "ben");
        command = story_schedule(&story, NULL, "ben", "i2", 3600000);
        command->schedule->number = story_text(&story, rows[at].given);
        story_do(&story, command);
        assert_int_equal(story_reason(&story), rows[at].reason);
        if (rows[at].reason == REASON(UNSPECIFIED))
            assert_string_equal(story_callback(&story, story_made(&story))->number,
                                rows[at].number);
        story_close(&story);
    }
}

static void rule_2_2_script_and_caller_id_are_as_in_chapter_1(void **state)
{
    struct story story;
    PB(Command) * command;

    (void)state;
    open_talk(&story);
    story_script(&story, "off", false);
    story_call_data(&story, "i1", "+97231111111", "Offers");
    command = story_schedule(&story, NULL, "anna", "i1", 3600000);
    command->schedule->script_id = story_text(&story, "none");
    story_do(&story, command);
    assert_int_equal(story_reason(&story), REASON(SCRIPT_UNKNOWN));
    command = story_schedule(&story, NULL, "anna", "i1", 3600000);
    command->schedule->script_id = story_text(&story, "off");
    story_do(&story, command);
    assert_int_equal(story_reason(&story), REASON(SCRIPT_NOT_CALLBACK));
    story_script(&story, "off", true);
    command = story_schedule(&story, NULL, "anna", "i1", 3600000);
    command->schedule->script_id = story_text(&story, "off");
    command->schedule->callee_name = story_text(&story, "Dana");
    story_do(&story, command);
    assert_int_equal(story_reason(&story), NONE);
    assert_string_equal(story_callback(&story, story_made(&story))->script_id, "off");
    assert_string_equal(story_callback(&story, story_made(&story))->callee_name, "Dana");
    assert_string_equal(story_callback(&story, story_made(&story))->caller_id, "+97231111111");
    assert_string_equal(story_callback(&story, story_made(&story))->caller_name, "Offers");
    story_close(&story);
}

/* --- 2.3 --- */

/* One hour east; two from 10 h of the story to 20 h: the clocks skip from 11 h to 12 h of their own
 * time, and go through 21 h to 22 h twice. Local times here count from the story's start too. */
static const struct story_offset summer[] = {{0, 3600}, {10 * HOUR_MS, 7200}, {20 * HOUR_MS, 3600}};

static void set_zone(struct story *story, const struct story_offset *offsets, size_t count)
{
    story_zone(story, "Test/Zone", offsets, count);
}

static PB(Command) * local_command(struct story *story, const char *zone, int64_t local_ms)
{
    PB(Command) *command = story_schedule(story, NULL, "anna", "i1", 0);
    PB(LocalTime) *local = arena_alloc(&story->arena, sizeof(*local));

    ringback__v1__local_time__init(local);
    local->zone = story_text(story, zone);
    local->local_ms = AT(local_ms);
    command->schedule->due_ms = 0;
    command->schedule->local_due = local;
    return command;
}

static PB(Reason) schedule_local(struct story *story, const char *zone, int64_t local_ms)
{
    story_do(story, local_command(story, zone, local_ms));
    return story_reason(story);
}

static void rule_2_3_local_time_and_zone_are_both_kept(void **state)
{
    struct story story;
    const PB(CallbackEntity) * cb;

    (void)state;
    open_talk(&story);
    set_zone(&story, summer, 3);
    assert_int_equal(schedule_local(&story, "Test/Zone", 5 * HOUR_MS), NONE);
    cb = story_callback(&story, story_made(&story));
    assert_int_equal(cb->due_ms, AT(4 * HOUR_MS));
    assert_string_equal(cb->local_due->zone, "Test/Zone");
    assert_int_equal(cb->local_due->local_ms, AT(5 * HOUR_MS));
    story_at(&story, 4 * HOUR_MS - 1);
    assert_int_equal(story_state(&story, story_made(&story)), STATE(SCHEDULED));
    story_at(&story, 4 * HOUR_MS);
    cb = story_callback(&story, story_made(&story));
    assert_int_not_equal(cb->state, STATE(SCHEDULED));
    assert_int_equal(cb->place->entry_ms, AT(4 * HOUR_MS));
    assert_int_equal(cb->local_due->local_ms, AT(5 * HOUR_MS));
    story_close(&story);
}

static void rule_2_3_an_instant_has_no_local_time(void **state)
{
    struct story story;
    PB(Command) * command;

    (void)state;
    open_talk(&story);
    set_zone(&story, summer, 3);
    command = local_command(&story, "Test/Zone", 5 * HOUR_MS);
    command->schedule->due_ms = AT(7 * HOUR_MS); /* the instant comes first */
    story_do(&story, command);
    assert_int_equal(story_callback(&story, story_made(&story))->due_ms, AT(7 * HOUR_MS));
    assert_null(story_callback(&story, story_made(&story))->local_due);
    story_close(&story);
}

static void rule_2_3_unknown_zone_is_refused(void **state)
{
    struct story story;
    char longest[130];

    (void)state;
    open_talk(&story);
    assert_int_equal(schedule_local(&story, "Test/Zone", 5 * HOUR_MS), REASON(ZONE_UNKNOWN));
    assert_int_equal(schedule_local(&story, "", 5 * HOUR_MS), REASON(ZONE_UNKNOWN));
    memset(longest, 'x', sizeof(longest));
    longest[129] = '\0';
    assert_int_equal(schedule_local(&story, longest, 5 * HOUR_MS), REASON(LIMIT));
    set_zone(&story, summer, 3);
    assert_int_equal(schedule_local(&story, "test/zone", 5 * HOUR_MS), REASON(ZONE_UNKNOWN));
    story_remove_zone(&story, "Test/Zone");
    assert_int_equal(schedule_local(&story, "Test/Zone", 5 * HOUR_MS), REASON(ZONE_UNKNOWN));
    assert_int_equal(machine_callbacks(story.machine), 0);
    story_close(&story);
}

static void rule_2_3_skipped_time_moves_forward_by_the_gap_and_of_two_it_is_the_first(void **state)
{
    static const int64_t rows[][2] = {
        {11 * HOUR_MS - 1, 10 * HOUR_MS - 1}, {11 * HOUR_MS, 10 * HOUR_MS},
        {12 * HOUR_MS - 1, 11 * HOUR_MS - 1}, {12 * HOUR_MS, 10 * HOUR_MS},
        {21 * HOUR_MS - 1, 19 * HOUR_MS - 1}, {21 * HOUR_MS, 19 * HOUR_MS},
        {22 * HOUR_MS - 1, 20 * HOUR_MS - 1}, {22 * HOUR_MS, 21 * HOUR_MS},
    };

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        struct story story;

        open_talk(&story);
        set_zone(&story, summer, 3);
        assert_int_equal(schedule_local(&story, "Test/Zone", rows[at][0]), NONE);
        assert_int_equal(story_callback(&story, story_made(&story))->due_ms, AT(rows[at][1]));
        story_close(&story);
    }
}

/* 2.2 for local times: it is 20 s, on the clocks of the zone one hour more. */
static void rule_2_3_local_times_are_later_than_now_and_at_most_30_days_ahead(void **state)
{
    static const struct {
        int64_t local_ms;
        PB(Reason) reason;
    } rows[] = {
        {HOUR_MS + 20000, REASON(IN_THE_PAST)},
        {HOUR_MS + 20001, NONE},
        {HOUR_MS + 20000 + 30 * DAY_MS, NONE},
        {HOUR_MS + 20001 + 30 * DAY_MS, REASON(TOO_FAR_AHEAD)},
        {-DAY_MS, REASON(IN_THE_PAST)},
        {40 * DAY_MS, REASON(TOO_FAR_AHEAD)},
        {INT64_MIN, REASON(IN_THE_PAST)},
        {INT64_MAX - STORY_START_MS, REASON(TOO_FAR_AHEAD)},
    };

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        struct story story;

        open_talk(&story);
        set_zone(&story, summer, 3);
        if (schedule_local(&story, "Test/Zone", rows[at].local_ms) != rows[at].reason)
            fail_msg("row %zu: %d", at, story_reason(&story));
        story_close(&story);
    }
}

/* The zone has no summer time after all. */
static const struct story_offset no_summer[] = {{0, 3600}};

static void rule_2_3_changed_rules_move_what_is_scheduled(void **state)
{
    struct story story;
    const char *callback;
    const PB(CallbackEntity) * cb;

    (void)state;
    open_talk(&story);
    set_zone(&story, summer, 3);
    assert_int_equal(schedule_local(&story, "Test/Zone", 15 * HOUR_MS), NONE);
    callback = story_made(&story);
    assert_int_equal(story_callback(&story, callback)->due_ms, AT(13 * HOUR_MS));
    story_at(&story, 9 * HOUR_MS);
    set_zone(&story, no_summer, 1);
    cb = story_callback(&story, callback);
    assert_int_equal(cb->due_ms, AT(14 * HOUR_MS));
    assert_int_equal(cb->local_due->local_ms, AT(15 * HOUR_MS));
    assert_int_equal(cb->updated_ms, AT(9 * HOUR_MS));
    story_at(&story, 14 * HOUR_MS - 1);
    assert_int_equal(story_state(&story, callback), STATE(SCHEDULED));
    story_at(&story, 14 * HOUR_MS);
    assert_int_not_equal(story_state(&story, callback), STATE(SCHEDULED));
    set_zone(&story, summer, 3); /* after due nothing moves any more */
    assert_int_equal(story_callback(&story, callback)->due_ms, AT(14 * HOUR_MS));
    assert_int_equal(story_callback(&story, callback)->place->entry_ms, AT(14 * HOUR_MS));
    story_close(&story);
}

static void rule_2_3_changed_rules_leave_alone_what_they_do_not_concern(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_talk(&story);
    set_zone(&story, summer, 3);
    assert_int_equal(schedule_local(&story, "Test/Zone", 5 * HOUR_MS), NONE);
    callback = story_made(&story);
    story_at(&story, 2 * HOUR_MS);
    set_zone(&story, no_summer, 1);
    story_zone(&story, "Test/Other", summer, 3);
    assert_int_equal(story_callback(&story, callback)->due_ms, AT(4 * HOUR_MS));
    assert_int_equal(story_callback(&story, callback)->updated_ms, AT(20000));
    story_remove_zone(&story, "Test/Zone");
    assert_int_equal(story_callback(&story, callback)->due_ms, AT(4 * HOUR_MS));
    set_zone(&story, (const struct story_offset[]){{0, 0}}, 1); /* known again, with other rules */
    assert_int_equal(story_callback(&story, callback)->due_ms, AT(5 * HOUR_MS));
    story_close(&story);
}

/* It is 13:30 on clocks that were to show 12:30; 13:00 is over. */
static void rule_2_3_due_moved_into_the_past_is_due_at_once(void **state)
{
    struct story story;
    const char *callback;
    const PB(CallbackEntity) * cb;

    (void)state;
    open_talk(&story);
    set_zone(&story, no_summer, 1);
    assert_int_equal(schedule_local(&story, "Test/Zone", 13 * HOUR_MS), NONE);
    callback = story_made(&story);
    story_presence(&story, "anna", PRESENCE(AWAY));
    story_presence(&story, "ben", PRESENCE(AWAY));
    story_at(&story, 11 * HOUR_MS + 30 * MINUTE_MS);
    assert_int_equal(story_state(&story, callback), STATE(SCHEDULED));
    set_zone(&story, summer, 3);
    story_at(&story, 11 * HOUR_MS + 30 * MINUTE_MS); /* timers of this very moment */
    cb = story_callback(&story, callback);
    assert_int_equal(cb->state, STATE(WAITING));
    assert_int_equal(cb->due_ms, AT(11 * HOUR_MS));
    assert_int_equal(cb->place->entry_ms, AT(11 * HOUR_MS));
    assert_int_equal(cb->stay_ms, AT(11 * HOUR_MS + 30 * MINUTE_MS));
    story_close(&story);
}

/* More callbacks than one decision moves: all of them have moved before time goes on. */
static void rule_2_3_many_move_in_several_steps(void **state)
{
    enum { many = 205 };
    struct story story;
    char *callbacks[many];

    (void)state;
    story_open(&story);
    story.frozen = true;
    story_set_queue(&story, story_queue(&story, "sales"));
    story_ready(&story, "anna", "sales");
    set_zone(&story, summer, 3);
    for (size_t at = 0; at < many; at++) {
        char interaction[16];
        PB(Command) * command;

        snprintf(interaction, sizeof(interaction), "i%zu", at);
        story_enter(&story, interaction, "sales");
        story_connect(&story, interaction, "anna");
        command = local_command(&story, "Test/Zone", 15 * HOUR_MS + (int64_t)(at / 3));
        command->schedule->interaction_id = story_text(&story, interaction);
        story_do(&story, command);
        assert_int_equal(story_reason(&story), NONE);
        callbacks[at] = story_text(&story, story_made(&story));
        story_end_call(&story, interaction);
    }
    story.frozen = false;
    story_at(&story, HOUR_MS);
    set_zone(&story, no_summer, 1);
    story_at(&story, HOUR_MS);
    for (size_t at = 0; at < many; at++)
        assert_int_equal(story_callback(&story, callbacks[at])->due_ms,
                         AT(14 * HOUR_MS + (int64_t)(at / 3)));
    story_close(&story);
}

static void rule_2_3_ownership_ends_as_much_later(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;
    PB(Command) * command;
    PB(AgentOwned) owned = RINGBACK__V1__AGENT_OWNED__INIT;
    PB(Ring) ring = RINGBACK__V1__RING__INIT, *rings[] = {&ring};

    (void)state;
    open_talk(&story);
    sales = story_queue(&story, "sales");
    owned.enabled = true;
    owned.duration_s = 7200;
    sales->agent_owned = &owned;
    sales->n_rings = 1;
    sales->rings = rings;
    story_set_queue(&story, sales);
    set_zone(&story, summer, 3);
    command = local_command(&story, "Test/Zone", 15 * HOUR_MS);
    command->schedule->take_ownership = true;
    story_do(&story, command);
    assert_int_equal(story_callback(&story, story_made(&story))->owner_end_ms, AT(15 * HOUR_MS));
    set_zone(&story, no_summer, 1);
    assert_int_equal(story_callback(&story, story_made(&story))->due_ms, AT(14 * HOUR_MS));
    assert_int_equal(story_callback(&story, story_made(&story))->owner_end_ms, AT(16 * HOUR_MS));
    story_close(&story);
}

/* --- 2.5 to 2.8 --- */

enum { due = 3600000 };

/* Scheduled by anna for an hour, to go to her first; both are Idle since, ben for longer. */
static const char *open_routed(struct story *story)
{
    PB(Command) * command;

    open_talk(story);
    command = story_schedule(story, NULL, "anna", "i1", due);
    command->schedule->route_to_me = true;
    story_do(story, command);
    assert_int_equal(story_reason(story), NONE);
    story_end_call(story, "i1");
    story_at(story, 30000);
    story_status(story, "ben", STATUS(IDLE));
    story_status(story, "anna", STATUS(IDLE));
    assert_true(story_callback(story, story_made(story))->route_to_scheduler);
    return story_made(story);
}

static void rule_2_5_offered_first_to_who_scheduled_it(void **state)
{
    struct story story;

    (void)state;
    (void)open_routed(&story);
    story_at(&story, due - 1);
    assert_string_equal(story_offered_to(&story), "");
    story_at(&story, due);
    assert_string_equal(story_offered_to(&story), "anna");
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_close(&story);
}

/* Without it, the same callback goes to ben, who is Idle for longer (5.4). */
static void rule_2_5_not_asked_for_is_not_done(void **state)
{
    struct story story;

    (void)state;
    open_talk(&story);
    assert_int_equal(schedule(&story, "anna", "i1", due), NONE);
    assert_false(story_callback(&story, story_made(&story))->route_to_scheduler);
    story_end_call(&story, "i1");
    story_at(&story, 30000);
    story_status(&story, "anna", STATUS(IDLE));
    story_at(&story, due);
    assert_string_equal(story_offered_to(&story), "ben");
    story_close(&story);
}

enum hindrance { AWAY, NOT_JOINED, BUSY, HOLDING, REMOVED, HINDRANCES };

static void hinder(struct story *story, enum hindrance how)
{
    switch (how) {
    case AWAY: story_presence(story, "anna", PRESENCE(AWAY)); break;
    case NOT_JOINED: story_join(story, "anna", "support"); break;
    case BUSY:
        story_enter(story, "i8", "support");
        story_connect(story, "i8", "anna");
        break;
    case HOLDING:
        story_presence(story, "ben", PRESENCE(AWAY));
        story_ask(story, "r9", story_create(story, "i9", "sales"));
        story_accept(story, "anna");
        story_presence(story, "ben", PRESENCE(ON_QUEUE));
        break;
    case REMOVED: story_remove_agent(story, "anna"); break;
    case HINDRANCES: break;
    }
}

static void rule_2_5_not_eligible_at_due_goes_to_the_queue_at_once(void **state)
{
    (void)state;
    for (enum hindrance how = AWAY; how < HINDRANCES; how++) {
        struct story story;

        (void)open_routed(&story);
        story_at(&story, due - 1000);
        hinder(&story, how);
        story_now_on(&story);
        story_at(&story, due);
        if (strcmp(story_offered_to(&story), "ben") != 0)
            fail_msg("hindrance %d: offered to \"%s\"", (int)how, story_offered_to(&story));
        story_close(&story);
    }
}

/* She cannot at due, nor can ben; she comes back while he is there again, Idle for longer. */
static void rule_2_5_that_moment_alone_counts(void **state)
{
    struct story story;

    (void)state;
    (void)open_routed(&story);
    story_presence(&story, "anna", PRESENCE(AWAY));
    story_presence(&story, "ben", PRESENCE(AWAY));
    story_at(&story, due);
    assert_string_equal(story_offered_to(&story), "");
    story_at(&story, due + 1000);
    story_presence(&story, "ben", PRESENCE(ON_QUEUE));
    assert_string_equal(story_offered_to(&story), "ben");
    story_decline(&story, "ben");
    story_presence(&story, "anna", PRESENCE(ON_QUEUE));
    assert_string_equal(story_offered_to(&story), "anna"); /* as the next available one */
    story_close(&story);
}

/* A live call ahead takes her on paper (5.3): she is not there for the callback. */
static void rule_2_5_a_live_call_ahead_comes_first(void **state)
{
    struct story story;

    (void)state;
    (void)open_routed(&story);
    story_presence(&story, "ben", PRESENCE(AWAY));
    story_at(&story, due - 1000);
    story_enter(&story, "i7", "sales");
    story_at(&story, due);
    assert_string_equal(story_offered_to(&story), "");
    story_close(&story);
}

static void rule_2_5_each_goes_to_its_own_scheduler(void **state)
{
    struct story story;
    PB(Command) * command;
    const char *first, *second;

    (void)state;
    first = open_routed(&story);
    story_enter(&story, "i2", "sales");
    story_connect(&story, "i2", "ben");
    command = story_schedule(&story, NULL, "ben", "i2", due);
    command->schedule->route_to_me = true;
    story_do(&story, command);
    second = story_made(&story);
    story_end_call(&story, "i2");
    story_at(&story, 40000);
    story_status(&story, "ben", STATUS(IDLE));
    story_at(&story, due);
    assert_string_equal(story_callback(&story, first)->agent_id, "anna");
    assert_string_equal(story_callback(&story, second)->agent_id, "ben");
    story_close(&story);
}

static void rule_2_6_missed_goes_to_the_next_available_agent_at_once(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    callback = open_routed(&story);
    story_at(&story, due);
    assert_string_equal(story_offered_to(&story), "anna");
    story_now_on(&story);
    story_at(&story, due + 29999);
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    story_at(&story, due + 30000);
    assert_string_equal(story_offered_to(&story), "ben");
    assert_int_equal(story_callback(&story, callback)->place->entry_ms, AT(due));
    story_close(&story);
}

static void rule_2_6_declined_goes_to_the_next_available_agent_at_once(void **state)
{
    struct story story;

    (void)state;
    (void)open_routed(&story);
    story_at(&story, due);
    story_decline(&story, "anna");
    assert_string_equal(story_offered_to(&story), "ben");
    assert_int_equal(story_count(&story, "routing.offer"), 2);
    story_close(&story);
}

static void rule_2_6_with_nobody_there_it_stays_until_there_is_one(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    callback = open_routed(&story);
    story_presence(&story, "ben", PRESENCE(AWAY));
    story_at(&story, due);
    story_decline(&story, "anna");
    story_now_on(&story);
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    story_at(&story, due + 50000);
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    story_presence(&story, "ben", PRESENCE(ON_QUEUE));
    assert_string_equal(story_offered_to(&story), "ben");
    story_close(&story);
}

/* The ring is for those with a score of 90; nobody has one, and it would last three days. */
static void rule_2_7_preferred_agent_rules_do_not_apply(void **state)
{
    struct story story;
    PB(Ring) ring = RINGBACK__V1__RING__INIT, *rings[] = {&ring};
    PB(QueueSettings) * sales;
    PB(InteractionEvent) * event;
    PB(AgentScore) score = RINGBACK__V1__AGENT_SCORE__INIT, *scores[] = {&score};

    (void)state;
    story_open(&story);
    sales = story_queue(&story, "sales");
    ring.threshold = 10;
    ring.wait_ms = 72 * 3600000;
    sales->rings = rings;
    sales->n_rings = 1;
    sales->inherit_routing_data = RINGBACK__V1__TOGGLE__TOGGLE_ON;
    story_set_queue(&story, sales);
    story_ready(&story, "anna", "sales");
    story_ready(&story, "ben", "sales");
    score.agent_id = story_text(&story, "anna");
    score.score = 100;
    event = story_entered(&story, "i1", "sales");
    event->entered->routing = story_needs(&story, 0, "", "");
    event->entered->routing->n_scores = 1;
    event->entered->routing->scores = scores;
    story_tell(&story, event);
    story_connect(&story, "i1", "anna");
    assert_int_equal(schedule(&story, "anna", "i1", due), NONE);
    story_end_call(&story, "i1");
    story_status(&story, "anna", STATUS(IDLE));
    story_at(&story, due);
    assert_string_equal(story_offered_to(&story), "ben"); /* the longest Idle, without a score */
    story_close(&story);
}

/* --- 2.4 --- */

static PB(Reason) schedule_into(struct story *story, const char *agent, const char *interaction,
                                const char *queue)
{
    PB(Command) *command = story_schedule(story, NULL, agent, interaction, 3600000);

    command->schedule->queue_id = story_text(story, queue);
    story_do(story, command);
    return story_reason(story);
}

static void rule_2_4_interaction_without_a_queue_needs_one_named(void **state)
{
    struct story story;

    (void)state;
    open_talk(&story);
    story_connect(&story, "direct", "ben");
    assert_int_equal(schedule_into(&story, "ben", "direct", ""), REASON(QUEUE_NEEDED));
    assert_int_equal(schedule_into(&story, "ben", "direct", "nowhere"), REASON(QUEUE_UNKNOWN));
    {
        PB(Command) *command = story_schedule(&story, NULL, "ben", "direct", 3600000);

        command->schedule->queue_id = story_text(&story, "support");
        command->schedule->number = story_text(&story, "+97235551234");
        story_do(&story, command);
        assert_int_equal(story_reason(&story), NONE);
    }
    assert_string_equal(story_callback(&story, story_made(&story))->place->queue_id, "support");
    story_close(&story);
}

static void rule_2_4_another_queue_only_where_selection_is_allowed(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;

    (void)state;
    open_talk(&story);
    assert_int_equal(schedule_into(&story, "anna", "i1", "support"), REASON(QUEUE_SELECTION_OFF));
    assert_int_equal(schedule_into(&story, "anna", "i1", "nowhere"), REASON(QUEUE_UNKNOWN));
    sales = story_queue(&story, "sales");
    sales->allow_queue_selection = true;
    story_set_queue(&story, sales);
    assert_int_equal(schedule_into(&story, "anna", "i1", "support"), NONE);
    assert_string_equal(story_callback(&story, story_made(&story))->place->queue_id, "support");
    story_close(&story);
}

static void rule_2_4_naming_its_own_queue_is_no_selection(void **state)
{
    struct story story;

    (void)state;
    open_talk(&story);
    assert_int_equal(schedule_into(&story, "anna", "i1", "sales"), NONE);
    story_close(&story);
}

static void rule_2_4_queue_removed_meanwhile_is_unknown(void **state)
{
    struct story story;

    (void)state;
    open_talk(&story);
    story_remove_queue(&story, "sales", false);
    assert_int_equal(schedule(&story, "anna", "i1", 3600000), REASON(QUEUE_UNKNOWN));
    story_close(&story);
}

/* --- 2.8 --- */

static void rule_2_8_enters_its_queue_at_due(void **state)
{
    struct story story;
    const char *callback;
    size_t count;

    (void)state;
    open_talk(&story);
    assert_int_equal(schedule(&story, "anna", "i1", 3600000), NONE);
    callback = story_made(&story);
    story_now_on(&story);
    story_at(&story, 3599999);
    assert_int_equal(story_state(&story, callback), STATE(SCHEDULED));
    (void)story_metric(&story, METRIC(N_OFFERED), "sales", &count);
    assert_int_equal(count, 0);
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    story_at(&story, 3600000);
    assert_int_equal(story_callback(&story, callback)->place->entry_ms, AT(3600000));
    assert_string_equal(story_callback(&story, callback)->place->tie_break, callback);
    (void)story_metric(&story, METRIC(N_OFFERED), "sales", &count);
    assert_int_equal(count, 1);
    assert_string_equal(story_offered_to(&story), "ben");
    story_close(&story);
}

static void rule_2_8_due_is_the_entry_however_late_the_timer_fires(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_talk(&story);
    assert_int_equal(schedule(&story, "anna", "i1", 3600000), NONE);
    callback = story_made(&story);
    story_lag(&story, 3700000);
    story_at(&story, 3700000);
    assert_int_equal(story_callback(&story, callback)->place->entry_ms, AT(3600000));
    assert_int_equal(story_callback(&story, callback)->stay_ms, AT(3700000));
    story_close(&story);
}

static void rule_2_8_stands_behind_who_came_before_due(void **state)
{
    struct story story;

    (void)state;
    open_talk(&story);
    assert_int_equal(schedule(&story, "anna", "i1", 3600000), NONE);
    story_status(&story, "ben", STATUS(OFF_QUEUE));
    story_at(&story, 3599000);
    story_enter(&story, "i3", "sales");
    story_at(&story, 3600001);
    story_enter(&story, "i4", "sales");
    story_at(&story, 3600002);
    story_status(&story, "ben", STATUS(IDLE));
    assert_string_equal(story_offered_to(&story), ""); /* i3 takes him on paper */
    story_leave(&story, "i3", RINGBACK__V1__LEFT_REASON__LEFT_REASON_ABANDONED);
    assert_string_equal(story_offered_to(&story), "ben"); /* i4 does not */
    story_close(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_2_1_agent_connected_may_schedule),
        cmocka_unit_test(rule_2_1_nobody_else_may),
        cmocka_unit_test(rule_2_1_alerting_is_not_connected),
        cmocka_unit_test(rule_2_1_voice_alone),
        cmocka_unit_test(rule_2_1_counts_at_the_commands_timestamp),
        cmocka_unit_test(rule_2_1_in_wrap_up_he_still_may),
        cmocka_unit_test(rule_2_1_ended_without_wrap_up_he_no_longer_may),
        cmocka_unit_test(rule_2_1_one_per_interaction),
        cmocka_unit_test(rule_2_1_callback_is_an_interaction_of_its_own),
        cmocka_unit_test(rule_2_1_callback_in_wrap_up_may_schedule),
        cmocka_unit_test(rule_2_1_outbound_call_schedules_to_the_number_dialled),
        cmocka_unit_test(rule_2_1_callback_is_his_from_accept_on),
        cmocka_unit_test(rule_2_1_whoever_it_passed_to_may),
        cmocka_unit_test(rule_2_1_callback_reported_back_is_still_the_callback),
        cmocka_unit_test(rule_2_4_queue_is_that_of_the_last_transfer),
        cmocka_unit_test(rule_2_2_later_than_now_at_most_30_days_ahead),
        cmocka_unit_test(rule_2_2_now_is_the_commands_timestamp),
        cmocka_unit_test(rule_2_2_left_out_is_30_minutes_from_now),
        cmocka_unit_test(rule_2_2_number_given_left_out_or_bad),
        cmocka_unit_test(rule_2_2_script_and_caller_id_are_as_in_chapter_1),
        cmocka_unit_test(rule_2_3_local_time_and_zone_are_both_kept),
        cmocka_unit_test(rule_2_3_an_instant_has_no_local_time),
        cmocka_unit_test(rule_2_3_unknown_zone_is_refused),
        cmocka_unit_test(rule_2_3_skipped_time_moves_forward_by_the_gap_and_of_two_it_is_the_first),
        cmocka_unit_test(rule_2_3_local_times_are_later_than_now_and_at_most_30_days_ahead),
        cmocka_unit_test(rule_2_3_changed_rules_move_what_is_scheduled),
        cmocka_unit_test(rule_2_3_changed_rules_leave_alone_what_they_do_not_concern),
        cmocka_unit_test(rule_2_3_due_moved_into_the_past_is_due_at_once),
        cmocka_unit_test(rule_2_3_many_move_in_several_steps),
        cmocka_unit_test(rule_2_3_ownership_ends_as_much_later),
        cmocka_unit_test(rule_2_5_offered_first_to_who_scheduled_it),
        cmocka_unit_test(rule_2_5_not_asked_for_is_not_done),
        cmocka_unit_test(rule_2_5_not_eligible_at_due_goes_to_the_queue_at_once),
        cmocka_unit_test(rule_2_5_that_moment_alone_counts),
        cmocka_unit_test(rule_2_5_a_live_call_ahead_comes_first),
        cmocka_unit_test(rule_2_5_each_goes_to_its_own_scheduler),
        cmocka_unit_test(rule_2_6_missed_goes_to_the_next_available_agent_at_once),
        cmocka_unit_test(rule_2_6_declined_goes_to_the_next_available_agent_at_once),
        cmocka_unit_test(rule_2_6_with_nobody_there_it_stays_until_there_is_one),
        cmocka_unit_test(rule_2_7_preferred_agent_rules_do_not_apply),
        cmocka_unit_test(rule_2_4_interaction_without_a_queue_needs_one_named),
        cmocka_unit_test(rule_2_4_another_queue_only_where_selection_is_allowed),
        cmocka_unit_test(rule_2_4_naming_its_own_queue_is_no_selection),
        cmocka_unit_test(rule_2_4_queue_removed_meanwhile_is_unknown),
        cmocka_unit_test(rule_2_8_enters_its_queue_at_due),
        cmocka_unit_test(rule_2_8_due_is_the_entry_however_late_the_timer_fires),
        cmocka_unit_test(rule_2_8_stands_behind_who_came_before_due),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
