/* Chapter 12: business hours (12.3). The office's clocks show Monday 12 January 1970, 10:00, when a
 * story begins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "state/internal.h"
#include "state/zones.h"
#include "tests/support/story.h"

#define AT(ms) (STORY_START_MS + (ms))
#define NONE   REASON(UNSPECIFIED)

/* STORY_START_MS is 13:46:40 in UTC. */
enum { office_s = 10 * 3600 - (13 * 3600 + 46 * 60 + 40) };

static const struct story_offset office[] = {{-STORY_START_MS, office_s}};

struct hours {
    uint32_t weekday, from, to; /* minutes of the day */
};

static void set_hours(struct story *story, PB(QueueSettings) * settings, const struct hours *hours,
                      size_t count)
{
    settings->window = arena_alloc(&story->arena, sizeof(*settings->window));
    ringback__v1__window__init(settings->window);
    settings->window->zone = story_text(story, "Office");
    settings->window->n_hours = count;
    settings->window->hours = arena_alloc(&story->arena, count * sizeof(void *));
    for (size_t at = 0; at < count; at++) {
        settings->window->hours[at] =
            arena_alloc(&story->arena, sizeof(*settings->window->hours[at]));
        ringback__v1__open_hours__init(settings->window->hours[at]);
        settings->window->hours[at]->weekday = hours[at].weekday;
        settings->window->hours[at]->from_minute = hours[at].from;
        settings->window->hours[at]->to_minute = hours[at].to;
    }
}

/* Open on Mondays from 11:00 to 12:00. */
static PB(QueueSettings) * monday(struct story *story)
{
    static const struct hours hours[] = {{1, 11 * 60, 12 * 60}};
    PB(QueueSettings) *settings = story_queue(story, "sales");

    set_hours(story, settings, hours, 1);
    return settings;
}

static void open_office(struct story *story)
{
    story_open(story);
    story_zone(story, "Office", office, 1);
    story_set_queue(story, monday(story));
    assert_int_equal(story_reason(story), NONE);
}

static PB(Reason) ask(struct story *story, const char *request)
{
    story_ask(story, request, story_create(story, request, "sales"));
    return story_reason(story);
}

static const struct queue *sales(const struct story *story)
{
    uint32_t domain = domain_find(story->machine, slice_text("acme"));

    return queue_at(story->machine,
                    entity_find(story->machine, KIND_QUEUE, domain, slice_text("sales")));
}

/* --- open and closed --- */

static void rule_12_3_nothing_is_offered_outside(void **state)
{
    struct story story;

    (void)state;
    open_office(&story);
    story_ready(&story, "anna", "sales");
    assert_int_equal(ask(&story, "i1"), NONE);
    story_at(&story, HOUR_MS - 1);
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    assert_int_equal(story_state(&story, story_made(&story)), STATE(WAITING));
    story_at(&story, HOUR_MS);
    assert_string_equal(story_offered_to(&story), "anna");
    assert_int_equal(story_routing(&story, "routing.offer", 0)->time_ms, AT(HOUR_MS));
    story_close(&story);
}

static void rule_12_3_from_is_inside_and_to_is_not(void **state)
{
    static const struct {
        int64_t at_ms;
        size_t offers;
    } rows[] = {{HOUR_MS, 1}, {2 * HOUR_MS - 1, 1}, {2 * HOUR_MS, 0}, {2 * HOUR_MS + 1, 0}};

    (void)state;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        struct story story;

        open_office(&story);
        assert_int_equal(ask(&story, "i1"), NONE);
        story_at(&story, rows[row].at_ms);
        story_ready(&story, "anna", "sales");
        assert_int_equal(story_count(&story, "routing.offer"), rows[row].offers);
        story_close(&story);
    }
}

static void rule_12_3_it_opens_again_next_week(void **state)
{
    struct story story;

    (void)state;
    open_office(&story);
    story_at(&story, 3 * HOUR_MS);
    story_ready(&story, "anna", "sales");
    assert_int_equal(ask(&story, "i1"), NONE);
    story_at(&story, 7 * DAY_MS + HOUR_MS - 1);
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    story_at(&story, 7 * DAY_MS + HOUR_MS);
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_close(&story);
}

static void rule_12_3_a_day_may_have_several_hours(void **state)
{
    static const struct hours hours[] = {
        {1, 11 * 60, 12 * 60}, {1, 12 * 60, 13 * 60}, {1, 15 * 60, 1440}, {2, 0, 60}};
    static const struct {
        int64_t at_ms;
        bool open;
    } rows[] = {{HOUR_MS - 1, false},        {HOUR_MS, true},          {2 * HOUR_MS, true},
                {3 * HOUR_MS - 1, true},     {3 * HOUR_MS, false},     {5 * HOUR_MS - 1, false},
                {5 * HOUR_MS, true},         {14 * HOUR_MS - 1, true}, {14 * HOUR_MS, true},
                {15 * HOUR_MS - 1, true},    {15 * HOUR_MS, false},    {24 * HOUR_MS, false},
                {7 * DAY_MS + HOUR_MS, true}};
    struct story story;
    PB(QueueSettings) * settings;

    (void)state;
    open_office(&story);
    settings = story_queue(&story, "sales");
    set_hours(&story, settings, hours, 4);
    story_set_queue(&story, settings);
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        story_at(&story, rows[row].at_ms);
        assert_int_equal(sales(&story)->closed_ms == 0, rows[row].open);
    }
    story_close(&story);
}

static void rule_12_3_holidays_are_closed(void **state)
{
    static uint32_t holidays[] = {19691231, 19700112};
    struct story story;
    PB(QueueSettings) * settings;

    (void)state;
    open_office(&story);
    settings = monday(&story);
    settings->window->n_holidays = 2;
    settings->window->holidays = holidays;
    story_set_queue(&story, settings);
    story_ready(&story, "anna", "sales");
    assert_int_equal(ask(&story, "i1"), NONE);
    story_at(&story, 7 * DAY_MS + HOUR_MS - 1);
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    story_at(&story, 7 * DAY_MS + HOUR_MS);
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_close(&story);
}

static void rule_12_3_without_hours_it_never_opens(void **state)
{
    struct story story;
    PB(QueueSettings) * settings;

    (void)state;
    open_office(&story);
    settings = story_queue(&story, "sales");
    set_hours(&story, settings, NULL, 0);
    story_set_queue(&story, settings);
    story_ready(&story, "anna", "sales");
    assert_int_equal(ask(&story, "i1"), NONE);
    story_at(&story, 20 * DAY_MS);
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    assert_int_equal(sales(&story)->edge_ms, 0);
    story_close(&story);
}

/* Holidays for longer than is looked ahead in one go: it looks again. */
static void rule_12_3_a_window_closed_for_years_opens_again(void **state)
{
    static uint32_t holidays[200];
    struct story story;
    PB(QueueSettings) * settings;
    size_t count = 0;

    (void)state;
    open_office(&story);
    for (int64_t at = 11; count < 80; at += 7) /* the Mondays from 12 January 1970 on */
        holidays[count++] = zone_time(at * DAY_MS).date;
    settings = monday(&story);
    settings->window->n_holidays = count;
    settings->window->holidays = holidays;
    story_set_queue(&story, settings);
    story_at(&story, 80 * 7 * DAY_MS + HOUR_MS - 1);
    assert_int_not_equal(sales(&story)->closed_ms, 0);
    story_at(&story, 80 * 7 * DAY_MS + HOUR_MS);
    assert_int_equal(sales(&story)->closed_ms, 0);
    story_close(&story);
}

/* 2.3: what a change skips is as much later; what comes twice is the first. */
static void rule_12_3_hours_follow_the_clocks(void **state)
{
    static const struct hours hours[] = {{1, 11 * 60, 12 * 60}, {1, 13 * 60, 14 * 60}};
    /* At 10:30 the clocks go to 11:30; at 13:30 of then back to 12:30. */
    static const struct story_offset changes[] = {{-STORY_START_MS, office_s},
                                                  {30 * MINUTE_MS, office_s + 3600},
                                                  {150 * MINUTE_MS, office_s}};
    static const struct {
        int64_t at_ms;
        bool open;
    } rows[] = {
        {30 * MINUTE_MS, false}, /* 11:30, and 11:00 was skipped: it counts as 12:00 */
        {60 * MINUTE_MS - 1, false},  {60 * MINUTE_MS, false},  /* 12:00: and 12:00 ends it */
        {120 * MINUTE_MS - 1, false}, {120 * MINUTE_MS, true},  /* 13:00 */
        {150 * MINUTE_MS - 1, true},  {150 * MINUTE_MS, true},  /* 12:30 again: not 14:00 yet */
        {240 * MINUTE_MS - 1, true},  {240 * MINUTE_MS, false}, /* 14:00, the only one */
    };
    struct story story;
    PB(QueueSettings) * settings;

    (void)state;
    story_open(&story);
    story_zone(&story, "Office", changes, 3);
    settings = story_queue(&story, "sales");
    set_hours(&story, settings, hours, 2);
    story_set_queue(&story, settings);
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        story_at(&story, rows[row].at_ms);
        assert_int_equal(sales(&story)->closed_ms == 0, rows[row].open);
    }
    story_close(&story);
}

/* --- what began inside goes on, nothing else starts --- */

static void rule_12_3_an_offer_goes_on_and_a_missed_one_waits(void **state)
{
    struct story story;
    const char *made;

    (void)state;
    open_office(&story);
    assert_int_equal(ask(&story, "i1"), NONE);
    made = story_text(&story, story_made(&story));
    story_at(&story, 2 * HOUR_MS - 10000);
    story_ready(&story, "anna", "sales");
    story_ready(&story, "ben", "sales");
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_at(&story, 2 * HOUR_MS + 10000);
    assert_int_equal(story_state(&story, made), STATE(OFFERED));
    assert_int_equal(story_count(&story, "routing.revoke"), 0);
    story_at(&story, 2 * HOUR_MS + 20000); /* 30 s */
    assert_int_equal(story_count(&story, "routing.revoke"), 1);
    assert_int_equal(story_state(&story, made), STATE(WAITING));
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_close(&story);
}

static const char *held_at_closing(struct story *story)
{
    const char *made;

    open_office(story);
    assert_int_equal(ask(story, "i1"), NONE);
    made = story_text(story, story_made(story));
    story_at(story, 2 * HOUR_MS - MINUTE_MS);
    story_ready(story, "anna", "sales");
    story_accept(story, "anna");
    return made;
}

static void rule_12_3_the_holder_dials_until_the_overrun(void **state)
{
    static const struct {
        int64_t at_ms;
        PB(Reason) reason;
    } rows[] = {{2 * HOUR_MS + 15 * MINUTE_MS - 1, NONE},
                {2 * HOUR_MS + 15 * MINUTE_MS, NONE},
                {2 * HOUR_MS + 15 * MINUTE_MS + 1, REASON(OUTSIDE_WINDOW)}};

    (void)state;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        struct story story;
        const char *made = held_at_closing(&story);

        story_at(&story, rows[row].at_ms);
        story_dial(&story, "anna", made);
        assert_int_equal(story_reason(&story), rows[row].reason);
        assert_int_equal(story_count(&story, "routing.place_call"), rows[row].reason == NONE);
        story_close(&story);
    }
}

/* Nobody looked for days: what counts is when it closed last, not when that was noticed. */
static void rule_12_3_edges_that_passed_unseen_count_at_their_times(void **state)
{
    struct story story;

    (void)state;
    open_office(&story);
    story_lag(&story, 14 * DAY_MS + 5 * HOUR_MS);
    story_at(&story, 14 * DAY_MS + 5 * HOUR_MS + 1);
    assert_int_equal(sales(&story)->closed_ms, AT(14 * DAY_MS + 2 * HOUR_MS));
    assert_int_equal(sales(&story)->edge_ms, AT(21 * DAY_MS + HOUR_MS));
    story_close(&story);
}

static void rule_12_3_auto_dial_does_not_start_and_the_agent_is_told(void **state)
{
    struct story story;
    PB(AutoDial) auto_dial = RINGBACK__V1__AUTO_DIAL__INIT;
    PB(QueueSettings) * settings;

    (void)state;
    open_office(&story);
    settings = monday(&story);
    auto_dial.delay_s = 120;
    settings->auto_dial = &auto_dial;
    story_set_queue(&story, settings);
    assert_int_equal(ask(&story, "i1"), NONE);
    story_at(&story, 2 * HOUR_MS - MINUTE_MS);
    story_ready(&story, "anna", "sales");
    story_accept(&story, "anna");
    story_at(&story, 2 * HOUR_MS + MINUTE_MS);
    assert_int_equal(story_count(&story, "routing.place_call"), 0);
    assert_int_equal(story_routing(&story, "routing.callback_notice", 0)->callback_notice->reason,
                     REASON(OUTSIDE_WINDOW));
    story_close(&story);
}

static void rule_12_3_a_retry_waits_for_the_opening(void **state)
{
    struct story story;
    PB(QueueSettings) * settings;
    const char *made;

    (void)state;
    open_office(&story);
    settings = monday(&story);
    settings->agent_first_retries = 3;
    settings->agent_first_retry_delay_s = 60;
    story_set_queue(&story, settings);
    assert_int_equal(ask(&story, "i1"), NONE);
    made = story_text(&story, story_made(&story));
    story_at(&story, 2 * HOUR_MS - MINUTE_MS);
    story_ready(&story, "anna", "sales");
    story_accept(&story, "anna");
    story_dial(&story, "anna", made);
    story_at(&story, 2 * HOUR_MS + MINUTE_MS); /* an attempt goes on */
    story_attempt_ended(&story, RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_NO_ANSWER);
    story_now_on(&story);
    story_at(&story, 7 * DAY_MS + HOUR_MS - 1);
    assert_int_equal(story_state(&story, made), STATE(WAITING));
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    story_at(&story, 7 * DAY_MS + HOUR_MS);
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_close(&story);
}

static void rule_12_3_no_customer_is_called_first_outside(void **state)
{
    struct story story;
    PB(QueueSettings) * settings;

    (void)state;
    open_office(&story);
    settings = monday(&story);
    settings->dial_mode = RINGBACK__V1__DIAL_MODE__DIAL_MODE_CUSTOMER_FIRST;
    story_set_queue(&story, settings);
    story_ready(&story, "anna", "sales");
    assert_int_equal(ask(&story, "i1"), NONE);
    story_at(&story, HOUR_MS - 1);
    assert_int_equal(story_count(&story, "routing.place_call"), 0);
    story_at(&story, HOUR_MS);
    assert_int_equal(story_count(&story, "routing.place_call"), 1);
    story_close(&story);
}

static PB(Reason) schedule(struct story *story, const char *interaction, int64_t due_ms)
{
    story_do(story, story_schedule(story, NULL, "anna", interaction, due_ms));
    return story_reason(story);
}

static void talk(struct story *story, const char *interaction)
{
    story_enter(story, interaction, "sales");
    story_connect(story, interaction, "anna");
}

/* Due, ownership and expiry run on. */
static void rule_12_3_the_clocks_run(void **state)
{
    struct story story;
    PB(QueueSettings) * settings;
    const char *made;

    (void)state;
    open_office(&story);
    settings = monday(&story);
    settings->expire_after_s = 3600;
    story_set_queue(&story, settings);
    story_ready(&story, "anna", "sales");
    talk(&story, "i1");
    assert_int_equal(schedule(&story, "i1", 4 * HOUR_MS), NONE);
    made = story_text(&story, story_made(&story));
    story_at(&story, 4 * HOUR_MS);
    assert_int_equal(story_state(&story, made), STATE(WAITING));
    assert_int_equal(story_callback(&story, made)->place->entry_ms, AT(4 * HOUR_MS));
    story_now_on(&story);
    story_at(&story, 5 * HOUR_MS);
    assert_int_equal(story_routing(&story, "routing.callback_ended", 0)->callback_ended->reason,
                     REASON(EXPIRED));
    story_close(&story);
}

/* --- outside_window: refuse --- */

static PB(QueueSettings) * refusing(struct story *story)
{
    PB(QueueSettings) *settings = monday(story);

    settings->outside_window = RINGBACK__V1__OUTSIDE_WINDOW__OUTSIDE_WINDOW_REFUSE;
    return settings;
}

static void rule_12_3_requests_outside_are_refused_if_set(void **state)
{
    static const struct {
        int64_t at_ms;
        PB(Reason) reason;
    } rows[] = {{HOUR_MS - 1, REASON(OUTSIDE_WINDOW)},
                {HOUR_MS, NONE},
                {2 * HOUR_MS - 1, NONE},
                {2 * HOUR_MS, REASON(OUTSIDE_WINDOW)}};
    struct story story;

    (void)state;
    open_office(&story);
    story_set_queue(&story, refusing(&story));
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        story_at(&story, rows[row].at_ms);
        assert_int_equal(ask(&story, arena_format(&story.arena, "i%zu", row)), rows[row].reason);
    }
    story.timestamp_ms = 2 * HOUR_MS - 1; /* it was asked in time, and read late */
    assert_int_equal(ask(&story, "late"), NONE);
    story_close(&story);
}

static void rule_12_3_of_a_scheduled_one_due_is_tested(void **state)
{
    static const struct {
        int64_t due_ms;
        PB(Reason) reason;
    } rows[] = {{7 * DAY_MS + HOUR_MS - 1, REASON(OUTSIDE_WINDOW)},
                {7 * DAY_MS + HOUR_MS, NONE},
                {7 * DAY_MS + 2 * HOUR_MS - 1, NONE},
                {7 * DAY_MS + 2 * HOUR_MS, REASON(OUTSIDE_WINDOW)}};
    struct story story;
    PB(Command) * command;
    const char *made = NULL;

    (void)state;
    open_office(&story);
    story_set_queue(&story, refusing(&story));
    story_ready(&story, "anna", "sales");
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        const char *interaction = arena_format(&story.arena, "i%zu", row);

        talk(&story, interaction);
        assert_int_equal(schedule(&story, interaction, rows[row].due_ms), rows[row].reason);
        if (rows[row].reason == NONE)
            made = story_text(&story, story_made(&story));
        story_end_call(&story, interaction);
    }
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        command = story_command(&story, NULL, "", made);
        command->command_case = RINGBACK__V1__COMMAND__COMMAND_RESCHEDULE;
        command->reschedule = arena_alloc(&story.arena, sizeof(*command->reschedule));
        ringback__v1__reschedule__init(command->reschedule);
        command->reschedule->due_ms = AT(rows[row].due_ms);
        story_do(&story, command);
        assert_int_equal(story_reason(&story), rows[row].reason);
    }
    assert_int_equal(story_callback(&story, made)->due_ms, AT(7 * DAY_MS + 2 * HOUR_MS - 1));
    story_close(&story);
}

static PB(Reason) ask_campaign(struct story *story, int64_t due_ms)
{
    PB(FlowEvent) event = RINGBACK__V1__FLOW_EVENT__INIT;
    PB(ScheduleCallback) schedule = RINGBACK__V1__SCHEDULE_CALLBACK__INIT;

    event.event_case = RINGBACK__V1__FLOW_EVENT__EVENT_SCHEDULE_CALLBACK;
    event.schedule_callback = &schedule;
    schedule.campaign_id = story_text(story, "spring");
    schedule.contact_id = story_text(story, "c-7");
    schedule.queue_id = story_text(story, "sales");
    schedule.number = story_text(story, "+4917012345");
    schedule.due_ms = AT(due_ms);
    story_flow(story, &event);
    return story_reason(story);
}

static PB(Reason) leave_voicemail(struct story *story)
{
    PB(FlowEvent) event = RINGBACK__V1__FLOW_EVENT__INIT;
    PB(LeaveVoicemail) voicemail = RINGBACK__V1__LEAVE_VOICEMAIL__INIT;

    event.event_case = RINGBACK__V1__FLOW_EVENT__EVENT_LEAVE_VOICEMAIL;
    event.leave_voicemail = &voicemail;
    voicemail.interaction_id = story_text(story, "v1");
    voicemail.queue_id = story_text(story, "sales");
    voicemail.recording_id = story_text(story, "rec-1");
    voicemail.flow_type = RINGBACK__V1__FLOW_TYPE__FLOW_TYPE_IN_QUEUE_CALL;
    story_flow(story, &event);
    return story_reason(story);
}

static void rule_12_3_campaigns_and_voicemails_are_asked_too(void **state)
{
    struct story story;

    (void)state;
    open_office(&story);
    story_set_queue(&story, refusing(&story));
    assert_int_equal(ask_campaign(&story, HOUR_MS - 1), REASON(OUTSIDE_WINDOW));
    assert_int_equal(ask_campaign(&story, HOUR_MS), NONE);
    assert_int_equal(leave_voicemail(&story), REASON(OUTSIDE_WINDOW));
    story_at(&story, HOUR_MS);
    assert_int_equal(leave_voicemail(&story), NONE);
    story_close(&story);
}

/* 12.10: serving off acts as a closed window; later it may serve again. */
static void rule_12_3_a_queue_that_does_not_serve_refuses_as_well(void **state)
{
    struct story story;
    PB(QueueSettings) * settings;

    (void)state;
    open_office(&story);
    story_at(&story, HOUR_MS);
    settings = refusing(&story);
    settings->serving = RINGBACK__V1__TOGGLE__TOGGLE_OFF;
    story_set_queue(&story, settings);
    assert_int_equal(ask(&story, "i1"), REASON(OUTSIDE_WINDOW));
    assert_int_equal(ask_campaign(&story, HOUR_MS + MINUTE_MS), NONE);
    story_close(&story);
}

/* --- settings --- */

static void rule_12_3_the_zone_must_be_known(void **state)
{
    struct story story;
    PB(QueueSettings) * settings;

    (void)state;
    story_open(&story);
    settings = monday(&story);
    story_set_queue(&story, settings);
    assert_int_equal(story_reason(&story), REASON(SETTINGS_INVALID));
    assert_non_null(strstr(story_result(&story)->settings_refused->text, "zone"));
    story_zone(&story, "Office", office, 1);
    story_set_queue(&story, settings);
    assert_int_equal(story_reason(&story), NONE);
    story_remove_zone(&story, "Office");
    assert_int_equal(story_reason(&story), REASON(SETTINGS_INVALID));
    assert_non_null(strstr(story_result(&story)->settings_refused->text, "sales"));
    story_set_queue(&story, story_queue(&story, "sales")); /* without a window */
    story_remove_zone(&story, "Office");
    assert_int_equal(story_reason(&story), NONE);
    story_close(&story);
}

static void rule_12_3_another_table_of_the_zone_counts_at_once(void **state)
{
    static const struct story_offset east[] = {{-STORY_START_MS, office_s + 3600}};
    struct story story;

    (void)state;
    open_office(&story);
    story_ready(&story, "anna", "sales");
    assert_int_equal(ask(&story, "i1"), NONE);
    story_at(&story, MINUTE_MS);
    story_zone(&story, "Office", east, 1); /* 11:01 there */
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    assert_int_equal(sales(&story)->edge_ms, AT(HOUR_MS));
    story_close(&story);
}

static void rule_12_3_another_window_counts_at_once(void **state)
{
    struct story story;

    (void)state;
    open_office(&story);
    story_ready(&story, "anna", "sales");
    assert_int_equal(ask(&story, "i1"), NONE);
    story_at(&story, MINUTE_MS);
    story_set_queue(&story, story_queue(&story, "sales")); /* none: always open */
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    assert_int_equal(sales(&story)->edge_ms, 0);
    story_at(&story, 2 * MINUTE_MS);
    story_set_queue(&story, monday(&story));
    assert_int_equal(sales(&story)->closed_ms, AT(2 * MINUTE_MS)); /* the overrun counts from now */
    story_close(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_12_3_nothing_is_offered_outside),
        cmocka_unit_test(rule_12_3_from_is_inside_and_to_is_not),
        cmocka_unit_test(rule_12_3_it_opens_again_next_week),
        cmocka_unit_test(rule_12_3_a_day_may_have_several_hours),
        cmocka_unit_test(rule_12_3_holidays_are_closed),
        cmocka_unit_test(rule_12_3_without_hours_it_never_opens),
        cmocka_unit_test(rule_12_3_a_window_closed_for_years_opens_again),
        cmocka_unit_test(rule_12_3_hours_follow_the_clocks),
        cmocka_unit_test(rule_12_3_an_offer_goes_on_and_a_missed_one_waits),
        cmocka_unit_test(rule_12_3_the_holder_dials_until_the_overrun),
        cmocka_unit_test(rule_12_3_edges_that_passed_unseen_count_at_their_times),
        cmocka_unit_test(rule_12_3_auto_dial_does_not_start_and_the_agent_is_told),
        cmocka_unit_test(rule_12_3_a_retry_waits_for_the_opening),
        cmocka_unit_test(rule_12_3_no_customer_is_called_first_outside),
        cmocka_unit_test(rule_12_3_the_clocks_run),
        cmocka_unit_test(rule_12_3_requests_outside_are_refused_if_set),
        cmocka_unit_test(rule_12_3_of_a_scheduled_one_due_is_tested),
        cmocka_unit_test(rule_12_3_campaigns_and_voicemails_are_asked_too),
        cmocka_unit_test(rule_12_3_a_queue_that_does_not_serve_refuses_as_well),
        cmocka_unit_test(rule_12_3_the_zone_must_be_known),
        cmocka_unit_test(rule_12_3_another_table_of_the_zone_counts_at_once),
        cmocka_unit_test(rule_12_3_another_window_counts_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
