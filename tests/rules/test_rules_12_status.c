/* Chapter 12: what customers and flows are told: position and estimate (12.5), the offer gate
 * (12.9). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "state/internal.h"
#include "tests/support/story.h"

#define AT(ms) (STORY_START_MS + (ms))
#define NONE   REASON(UNSPECIFIED)

static const char *ask(struct story *story, const char *request)
{
    story_ask(story, request, story_create(story, request, "sales"));
    assert_int_equal(story_reason(story), NONE);
    return story_text(story, story_made(story));
}

/* The last position that was told of a callback, 0: none; how many were. */
static uint32_t position(struct story *story, const char *callback, size_t *times,
                         int64_t *estimate_ms)
{
    const PB(RoutingEvent) * event;
    uint32_t told = 0;

    *times = 0;
    for (size_t at = 0; (event = story_routing(story, "routing.customer_position", at)) != NULL;
         at++) {
        if (strcmp(event->callback_id, callback) != 0)
            continue;
        told = event->customer_position->position;
        *estimate_ms = event->customer_position->estimate_ms;
        ++*times;
    }
    return told;
}

static void assert_position(struct story *story, const char *callback, uint32_t want, size_t times)
{
    int64_t estimate_ms;
    size_t told;

    assert_int_equal(position(story, callback, &told, &estimate_ms), want);
    assert_int_equal(told, times);
}

static void open_step(struct story *story, uint32_t step)
{
    PB(QueueSettings) * settings;

    story_open(story);
    settings = story_queue(story, "sales");
    settings->position_step = step;
    story_set_queue(story, settings);
}

/* --- 12.5 --- */

static void rule_12_5_told_when_it_comes_and_as_it_moves(void **state)
{
    struct story story;
    const char *first, *second, *third;

    (void)state;
    open_step(&story, 1);
    first = ask(&story, "i1");
    story_at(&story, 1000);
    second = ask(&story, "i2");
    story_at(&story, 2000);
    third = ask(&story, "i3");
    assert_position(&story, first, 1, 1);
    assert_position(&story, second, 2, 1);
    assert_position(&story, third, 3, 1);
    story_cancel(&story, first);
    assert_position(&story, second, 1, 2);
    assert_position(&story, third, 2, 2);
    assert_int_equal(story_callback(&story, third)->updated_ms, AT(2000)); /* no update (10.2) */
    story_close(&story);
}

static void rule_12_5_only_by_the_set_step(void **state)
{
    struct story story;
    const char *waiting[6];

    (void)state;
    open_step(&story, 3);
    for (int at = 0; at < 6; at++) {
        story_at(&story, at * 1000);
        waiting[at] = ask(&story, arena_format(&story.arena, "i%d", at));
    }
    assert_position(&story, waiting[5], 6, 1);
    story_cancel(&story, waiting[0]);
    story_cancel(&story, waiting[1]);
    assert_position(&story, waiting[5], 6, 1);
    story_cancel(&story, waiting[2]);
    assert_position(&story, waiting[5], 3, 2);
    assert_position(&story, waiting[3], 1, 2);
    story_close(&story);
}

static void rule_12_5_not_told_unless_switched_on(void **state)
{
    struct story story;

    (void)state;
    open_step(&story, 0);
    ask(&story, "i1");
    assert_int_equal(story_count(&story, "routing.customer_position"), 0);
    story_close(&story);
}

/* Live calls count; who waits for his owner, and who is not in line, do not. */
static void rule_12_5_what_is_before_it(void **state)
{
    struct story story;
    PB(QueueSettings) * settings;
    PB(AgentOwned) owned = RINGBACK__V1__AGENT_OWNED__INIT;
    PB(Ring) ring = RINGBACK__V1__RING__INIT;
    PB(Ring) * rings[] = {&ring};
    PB(Command) * command;
    const char *last;

    (void)state;
    story_open(&story);
    settings = story_queue(&story, "sales");
    settings->position_step = 1;
    owned.enabled = true;
    settings->agent_owned = &owned;
    settings->n_rings = 1;
    settings->rings = rings;
    story_set_queue(&story, settings);
    story_ready(&story, "anna", "sales");
    story_enter(&story, "i1", "sales");
    story_connect(&story, "i1", "anna");
    command = story_schedule(&story, NULL, "anna", "i1", 1000); /* his alone, in line from 1 s */
    command->schedule->take_ownership = true;
    story_do(&story, command);
    assert_int_equal(story_reason(&story), NONE);
    story_at(&story, 2000);
    story_enter(&story, "i2", "sales");
    story_at(&story, 3000);
    story_enter(&story, "i3", "sales");
    story_at(&story, 4000);
    last = ask(&story, "i4");
    assert_position(&story, last, 3, 1);
    story_leave(&story, "i2", RINGBACK__V1__LEFT_REASON__LEFT_REASON_ABANDONED);
    assert_position(&story, last, 2, 2);
    story_close(&story);
}

static void rule_12_5_the_estimate(void **state)
{
    struct story story;
    PB(QueueSettings) * settings;
    const char *second;
    int64_t estimate_ms;
    size_t times;

    (void)state;
    open_step(&story, 1);
    ask(&story, "i1");
    story_at(&story, 500);
    second = ask(&story, "i2");
    assert_int_equal(position(&story, second, &times, &estimate_ms), 2);
    assert_int_equal(estimate_ms, 2 * 300000); /* nobody there counts as one */
    settings = story_queue(&story, "sales");
    settings->position_step = 1;
    settings->aht_s = 100;
    settings->serving = RINGBACK__V1__TOGGLE__TOGGLE_OFF; /* nobody is offered any */
    story_set_queue(&story, settings);
    story_ready(&story, "anna", "sales");
    story_ready(&story, "ben", "sales");
    story_ready(&story, "carl", "sales");
    story_at(&story, 1000);
    second = ask(&story, "i3");
    assert_int_equal(position(&story, second, &times, &estimate_ms), 3);
    assert_int_equal(estimate_ms, 100000); /* 3 x 100 s / 3 agents */
    story_at(&story, 2000);
    second = ask(&story, "i4");
    assert_int_equal(position(&story, second, &times, &estimate_ms), 4);
    assert_int_equal(estimate_ms, 133333); /* whole ms */
    story_close(&story);
}

/* The mean of the last tHandle once there are 8. */
static void rule_12_5_the_handling_time_is_measured(void **state)
{
    struct story story;
    int64_t estimate_ms;
    size_t times;

    (void)state;
    open_step(&story, 1);
    story_ready(&story, "anna", "sales");
    for (int at = 0; at < 8; at++) {
        const char *callback = ask(&story, arena_format(&story.arena, "i%d", at));
        const char *next = ask(&story, arena_format(&story.arena, "n%d", at));

        assert_int_equal(position(&story, next, &times, &estimate_ms), 1);
        assert_int_equal(estimate_ms, 300000);
        story_cancel(&story, next);
        story_accept(&story, "anna");
        story_at(&story, story.now_ms + 10000 + at);
        story_end(&story, "anna", callback);
    }
    ask(&story, "i8");
    assert_int_equal(position(&story, ask(&story, "i9"), &times, &estimate_ms), 1);
    assert_int_equal(estimate_ms, 10003); /* mean of 10,000 to 10,007 */
    story_close(&story);
}

static void rule_12_5_far_back_nobody_is_told(void **state)
{
    struct story story;
    const char *last = NULL, *first = NULL;

    (void)state;
    open_step(&story, 1);
    story.frozen = true;
    for (int at = 0; at < 201; at++) {
        story_at(&story, at);
        last = ask(&story, arena_format(&story.arena, "i%d", at));
        if (at == 0)
            first = last;
    }
    assert_position(&story, last, 0, 0);
    story_cancel(&story, first);
    assert_position(&story, last, 200, 1);
    story_close(&story);
}

/* --- 12.9 --- */

static PB(QueueSettings) * with_status(struct story *story)
{
    PB(QueueSettings) *settings = story_queue(story, "sales");

    settings->status_events = true;
    settings->aht_s = 60;
    return settings;
}

static const PB(QueueStatus) * last_status(struct story *story)
{
    size_t count = story_count(story, "routing.queue_status");

    assert_true(count > 0);
    assert_string_equal(story_routing(story, "routing.queue_status", count - 1)->queue_id, "sales");
    return story_routing(story, "routing.queue_status", count - 1)->queue_status;
}

static void assert_status(struct story *story, uint32_t live, uint32_t callbacks,
                          int64_t estimate_ms, PB(Reason) reason)
{
    const PB(QueueStatus) *status = last_status(story);

    assert_int_equal(status->waiting_live, live);
    assert_int_equal(status->waiting_callbacks, callbacks);
    assert_int_equal(status->estimate_ms, estimate_ms);
    assert_int_equal(status->offer_callback, reason == NONE);
    assert_int_equal(status->reason, reason);
}

static void rule_12_9_told_when_it_changes(void **state)
{
    struct story story;

    (void)state;
    story_open(&story);
    story_set_queue(&story, with_status(&story));
    assert_status(&story, 0, 0, 60000, NONE);
    story_enter(&story, "i1", "sales");
    assert_status(&story, 1, 0, 120000, NONE);
    ask(&story, "i2");
    assert_status(&story, 1, 1, 180000, NONE);
    assert_int_equal(story_count(&story, "routing.queue_status"), 3);
    story_at(&story, 3600000);
    story_set_queue(&story, with_status(&story)); /* nothing that it says is another */
    assert_int_equal(story_count(&story, "routing.queue_status"), 3);
    story_leave(&story, "i1", RINGBACK__V1__LEFT_REASON__LEFT_REASON_ABANDONED);
    assert_status(&story, 0, 1, 120000, NONE);
    story_ready(&story, "anna", "sales"); /* and is offered it: it waits still, in no line */
    assert_status(&story, 0, 1, 60000, NONE);
    story_ready(&story, "ben", "sales");
    assert_status(&story, 0, 1, 30000, NONE);
    story_close(&story);
}

static void rule_12_9_silent_unless_switched_on(void **state)
{
    struct story story;

    (void)state;
    story_open(&story);
    story_set_queue(&story, story_queue(&story, "sales"));
    ask(&story, "i1");
    assert_int_equal(story_count(&story, "routing.queue_status"), 0);
    story_set_queue(&story, with_status(&story));
    assert_int_equal(story_count(&story, "routing.queue_status"), 1);
    story_set_queue(&story, story_queue(&story, "sales"));
    ask(&story, "i2");
    assert_int_equal(story_count(&story, "routing.queue_status"), 1);
    story_close(&story);
}

static void rule_12_9_repeated_at_the_interval(void **state)
{
    struct story story;
    PB(QueueSettings) * settings;

    (void)state;
    story_open(&story);
    settings = with_status(&story);
    settings->status_interval_s = 30;
    story_set_queue(&story, settings);
    story_now_on(&story);
    story_at(&story, 29999);
    assert_int_equal(story_count(&story, "routing.queue_status"), 0);
    story_at(&story, 30000);
    assert_int_equal(story_count(&story, "routing.queue_status"), 1);
    story_at(&story, 45000);
    ask(&story, "i1"); /* told: the interval begins anew */
    story_at(&story, 74999);
    assert_int_equal(story_count(&story, "routing.queue_status"), 2);
    story_at(&story, 75000);
    assert_int_equal(story_count(&story, "routing.queue_status"), 3);
    story_close(&story);
}

static void rule_12_9_short_waits_need_no_callback(void **state)
{
    struct story story;
    PB(QueueSettings) * settings;

    (void)state;
    story_open(&story);
    settings = with_status(&story);
    settings->offer_above_s = 180;
    story_set_queue(&story, settings);
    assert_status(&story, 0, 0, 60000, REASON(SHORT_WAIT));
    story_enter(&story, "i1", "sales");
    assert_status(&story, 1, 0, 120000, REASON(SHORT_WAIT));
    story_enter(&story, "i2", "sales");
    assert_status(&story, 2, 0, 180000, NONE); /* at it */
    story_close(&story);
}

static void rule_12_9_a_full_or_closed_queue_offers_none(void **state)
{
    struct story story;
    PB(QueueSettings) * settings;

    (void)state;
    story_open(&story);
    settings = with_status(&story);
    settings->waiting_max = 1;
    story_set_queue(&story, settings);
    ask(&story, "i1");
    assert_status(&story, 0, 1, 120000, REASON(QUEUE_FULL));
    settings = with_status(&story);
    settings->accepting = RINGBACK__V1__TOGGLE__TOGGLE_OFF;
    story_set_queue(&story, settings);
    assert_status(&story, 0, 1, 120000, REASON(NOT_ACCEPTING));
    settings = with_status(&story);
    settings->serving = RINGBACK__V1__TOGGLE__TOGGLE_OFF;
    story_set_queue(&story, settings);
    assert_status(&story, 0, 1, 120000, REASON(OUTSIDE_WINDOW));
    story_set_queue(&story, with_status(&story));
    assert_status(&story, 0, 1, 120000, NONE);
    story_close(&story);
}

/* Open on Mondays from 13:00 to 14:00 UTC: a story begins on one, at 13:46:40. */
static PB(QueueSettings) * until_two(struct story *story)
{
    PB(QueueSettings) *settings = with_status(story);

    settings->window = arena_alloc(&story->arena, sizeof(*settings->window));
    ringback__v1__window__init(settings->window);
    settings->window->zone = story_text(story, "UTC");
    settings->window->n_hours = 2;
    settings->window->hours = arena_alloc(&story->arena, 2 * sizeof(void *));
    for (uint32_t at = 0; at < 2; at++) {
        settings->window->hours[at] =
            arena_alloc(&story->arena, sizeof(*settings->window->hours[at]));
        ringback__v1__open_hours__init(settings->window->hours[at]);
        settings->window->hours[at]->weekday = 1;
        settings->window->hours[at]->from_minute = 13 * 60 + at * 50; /* one after the other */
        settings->window->hours[at]->to_minute = 13 * 60 + 50 + at * 10;
    }
    return settings;
}

/* 800 s are left at first; when less than the estimate is, it says so by itself. */
static void rule_12_9_too_little_of_the_window_is_left(void **state)
{
    struct story story;

    (void)state;
    story_open(&story);
    story_zone(&story, "UTC", NULL, 0);
    story_set_queue(&story, until_two(&story));
    story_enter(&story, "i1", "sales");
    assert_status(&story, 1, 0, 120000, NONE);
    story_now_on(&story);
    story_at(&story, 800000 - 120000);
    assert_int_equal(story_count(&story, "routing.queue_status"), 0);
    story_at(&story, 800000 - 120000 + 1);
    assert_status(&story, 1, 0, 120000, REASON(OUTSIDE_WINDOW));
    story_leave(&story, "i1", RINGBACK__V1__LEFT_REASON__LEFT_REASON_ABANDONED);
    assert_status(&story, 0, 0, 60000, NONE); /* enough for him who comes now */
    story_at(&story, 800000);
    assert_status(&story, 0, 0, 60000, REASON(OUTSIDE_WINDOW));
    story_now_on(&story);
    story_at(&story, 7 * DAY_MS); /* and opens again */
    assert_status(&story, 0, 0, 60000, NONE);
    story_close(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_12_5_told_when_it_comes_and_as_it_moves),
        cmocka_unit_test(rule_12_5_only_by_the_set_step),
        cmocka_unit_test(rule_12_5_not_told_unless_switched_on),
        cmocka_unit_test(rule_12_5_what_is_before_it),
        cmocka_unit_test(rule_12_5_the_estimate),
        cmocka_unit_test(rule_12_5_the_handling_time_is_measured),
        cmocka_unit_test(rule_12_5_far_back_nobody_is_told),
        cmocka_unit_test(rule_12_9_told_when_it_changes),
        cmocka_unit_test(rule_12_9_silent_unless_switched_on),
        cmocka_unit_test(rule_12_9_repeated_at_the_interval),
        cmocka_unit_test(rule_12_9_short_waits_need_no_callback),
        cmocka_unit_test(rule_12_9_a_full_or_closed_queue_offers_none),
        cmocka_unit_test(rule_12_9_too_little_of_the_window_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
