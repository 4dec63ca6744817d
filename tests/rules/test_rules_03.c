/* Chapter 3: agent-owned callbacks, 3.1 to 3.4 and 3.7; 3.5 is in test_rules_11_moves.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "state/internal.h"
#include "tests/support/story.h"

#define AT(ms) (STORY_START_MS + (ms))

#define NONE REASON(UNSPECIFIED)

enum { due = 3600000, hour = 3600000 };

static PB(Ring) ring = RINGBACK__V1__RING__INIT;
static PB(Ring) * rings[] = {&ring};

/* Settings of "sales" with ownership. */
static PB(QueueSettings) * owned_queue(struct story *story, bool assign_to_queue)
{
    PB(QueueSettings) *sales = story_queue(story, "sales");

    sales->agent_owned = arena_alloc(&story->arena, sizeof(*sales->agent_owned));
    ringback__v1__agent_owned__init(sales->agent_owned);
    sales->agent_owned->enabled = true;
    sales->agent_owned->assign_to_queue = assign_to_queue;
    sales->rings = rings;
    sales->n_rings = 1;
    return sales;
}

/* anna talks with i1 of "sales" since 10 s; it is 20 s; ben is free. */
static void open_with(struct story *story, PB(QueueSettings) * sales)
{
    story_set_queue(story, sales);
    story_ready(story, "anna", "sales");
    story_ready(story, "ben", "sales");
    story_enter(story, "i1", "sales");
    story_at(story, 10000);
    story_connect(story, "i1", "anna");
    story_at(story, 20000);
}

static PB(Reason) schedule_owned(struct story *story, int64_t due_ms)
{
    PB(Command) *command = story_schedule(story, NULL, "anna", "i1", due_ms);

    command->schedule->take_ownership = true;
    story_do(story, command);
    return story_reason(story);
}

/* An owned callback of anna's, due at an hour; her call is over, she is Idle. */
static const char *open_owned(struct story *story, bool assign_to_queue)
{
    story_open(story);
    open_with(story, owned_queue(story, assign_to_queue));
    assert_int_equal(schedule_owned(story, due), NONE);
    story_at(story, 30000);
    story_end_call(story, "i1");
    story_at(story, 30001);
    story_status(story, "anna", STATUS(IDLE));
    return story_made(story);
}

static void away(struct story *story, const char *agent)
{
    story_presence(story, agent, PRESENCE(AWAY));
}

static void back(struct story *story, const char *agent)
{
    story_presence(story, agent, PRESENCE(ON_QUEUE));
}

static PB(Reason) ended_reason(struct story *story)
{
    const PB(RoutingEvent) *ended = story_routing(story, "routing.callback_ended", 0);

    return ended == NULL ? REASON(UNSPECIFIED) : ended->callback_ended->reason;
}

static PB(Reason) noticed(struct story *story, size_t nth)
{
    const PB(RoutingEvent) *notice = story_routing(story, "routing.callback_notice", nth);

    return notice == NULL ? REASON(UNSPECIFIED) : notice->callback_notice->reason;
}

/* --- 3.1 --- */

static void rule_3_1_needs_ownership_enabled(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;

    (void)state;
    story_open(&story);
    sales = owned_queue(&story, true);
    sales->agent_owned->enabled = false;
    open_with(&story, sales);
    assert_int_equal(schedule_owned(&story, due), REASON(OWNERSHIP_OFF));
    sales = owned_queue(&story, true);
    sales->agent_owned = NULL;
    story_set_queue(&story, sales);
    assert_int_equal(schedule_owned(&story, due), REASON(OWNERSHIP_OFF));
    story_set_queue(&story, owned_queue(&story, true));
    assert_int_equal(schedule_owned(&story, due), NONE);
    story_close(&story);
}

static void rule_3_1_needs_a_preferred_agent_rule(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;

    (void)state;
    story_open(&story);
    sales = owned_queue(&story, true);
    sales->n_rings = 0;
    open_with(&story, sales);
    assert_int_equal(schedule_owned(&story, due), REASON(NO_PREFERRED_AGENT_RULE));
    story_close(&story);
}

/* The ring asks for scores; the owner, without any, is offered it at once all the same. */
static void rule_3_1_its_rings_do_not_apply(void **state)
{
    struct story story;

    (void)state;
    ring.threshold = 90;
    ring.wait_ms = 72 * 3600000;
    (void)open_owned(&story, true);
    story_at(&story, due);
    assert_string_equal(story_offered_to(&story), "anna");
    ring.threshold = ring.wait_ms = 0;
    story_close(&story);
}

/* --- 3.2 --- */

static void rule_3_2_duration_and_ahead_are_1_hour_to_30_days(void **state)
{
    static const struct {
        uint32_t duration_s, ahead_s;
        PB(Reason) reason;
    } rows[] = {
        {0, 0, NONE},
        {3599, 0, REASON(SETTINGS_INVALID)},
        {3600, 0, NONE},
        {30 * 86400, 0, NONE},
        {30 * 86400 + 1, 0, REASON(SETTINGS_INVALID)},
        {0, 3599, REASON(SETTINGS_INVALID)},
        {0, 3600, NONE},
        {0, 30 * 86400, NONE},
        {0, 30 * 86400 + 1, REASON(SETTINGS_INVALID)},
    };
    struct story story;

    (void)state;
    story_open(&story);
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        PB(QueueSettings) *sales = owned_queue(&story, true);

        sales->agent_owned->duration_s = rows[at].duration_s;
        sales->agent_owned->ahead_s = rows[at].ahead_s;
        story_set_queue(&story, sales);
        if (story_reason(&story) != rows[at].reason)
            fail_msg("row %zu: %d", at, story_reason(&story));
    }
    story_close(&story);
}

static void rule_3_2_scheduling_beyond_ahead_is_too_far(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;

    (void)state;
    story_open(&story);
    sales = owned_queue(&story, true);
    sales->agent_owned->ahead_s = 7200;
    open_with(&story, sales);
    assert_int_equal(schedule_owned(&story, 20000 + 2 * hour + 1), REASON(TOO_FAR_AHEAD));
    assert_int_equal(schedule_owned(&story, 20000 + 2 * hour), NONE);
    story_close(&story);
    story_open(&story); /* it bounds owned ones alone */
    sales = owned_queue(&story, true);
    sales->agent_owned->ahead_s = 7200;
    open_with(&story, sales);
    story_do(&story, story_schedule(&story, NULL, "anna", "i1", 20000 + 2 * hour + 1));
    assert_int_equal(story_reason(&story), NONE);
    story_close(&story);
}

static void rule_3_2_ahead_is_30_days_by_default(void **state)
{
    struct story story;

    (void)state;
    story_open(&story);
    open_with(&story, owned_queue(&story, true));
    assert_int_equal(schedule_owned(&story, 20000 + 30 * DAY_MS + 1), REASON(TOO_FAR_AHEAD));
    assert_int_equal(schedule_owned(&story, 20000 + 30 * DAY_MS), NONE);
    story_close(&story);
}

static void rule_3_2_duration_is_stamped_when_scheduled(void **state)
{
    static const struct {
        uint32_t set_s;
        int64_t end_ms;
    } rows[] = {{0, due + 24 * (int64_t)hour}, {3600, due + hour}, {7200, due + 2 * hour}};

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        struct story story;
        PB(QueueSettings) * sales;
        const char *callback;

        story_open(&story);
        sales = owned_queue(&story, true);
        sales->agent_owned->duration_s = rows[at].set_s;
        open_with(&story, sales);
        assert_int_equal(schedule_owned(&story, due), NONE);
        callback = story_made(&story);
        assert_int_equal(story_callback(&story, callback)->owner_end_ms, AT(rows[at].end_ms));
        sales = owned_queue(&story, true);
        sales->agent_owned->duration_s = 10800;
        story_set_queue(&story, sales);
        assert_int_equal(story_callback(&story, callback)->owner_end_ms, AT(rows[at].end_ms));
        story_close(&story);
    }
}

/* --- 3.3 --- */

static void rule_3_3_waits_for_its_owner_alone_from_due(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    callback = open_owned(&story, true);
    away(&story, "anna");
    story_at(&story, due + 1000);
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    assert_string_equal(story_offered_to(&story), ""); /* ben is free all the time */
    assert_string_equal(story_callback(&story, callback)->owner_agent_id, "anna");
    story_at(&story, due + 2000);
    back(&story, "anna");
    assert_string_equal(story_offered_to(&story), "anna");
    assert_true(story_routing(&story, "routing.offer", 0)->offer->owned);
    story_close(&story);
}

static void rule_3_3_is_offered_when_the_owner_is_eligible(void **state)
{
    struct story story;

    (void)state;
    (void)open_owned(&story, true);
    story_join(&story, "anna", "");
    story_at(&story, due);
    assert_string_equal(story_offered_to(&story), ""); /* joined is asked of him (3.7) */
    story_status(&story, "anna", STATUS(NOT_RESPONDING));
    story_join(&story, "anna", "sales");
    assert_string_equal(story_offered_to(&story), "");
    story_at(&story, due + 1);
    story_status(&story, "anna", STATUS(IDLE));
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

static void rule_3_3_missed_alert_leaves_it_with_the_owner(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    callback = open_owned(&story, true);
    story_at(&story, due + 30000); /* alerted 30 s */
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    assert_string_equal(story_callback(&story, callback)->owner_agent_id, "anna");
    story_at(&story, due + 330000 - 1); /* her pause (5.5) */
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_at(&story, due + 330000);
    assert_int_equal(story_count(&story, "routing.offer"), 2);
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

static void rule_3_3_declined_leaves_it_with_the_owner(void **state)
{
    struct story story;

    (void)state;
    (void)open_owned(&story, true);
    story_at(&story, due);
    story_decline(&story, "anna");
    assert_int_equal(story_reason(&story), NONE);
    story_at(&story, due + 59999);
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_at(&story, due + 60000);
    assert_int_equal(story_count(&story, "routing.offer"), 2);
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

static void rule_3_3_retry_waits_for_its_owner(void **state)
{
    struct story story;
    const char *callback = open_owned(&story, true);
    PB(QueueSettings) *sales = owned_queue(&story, true);

    (void)state;
    sales->agent_first_retries = 1;
    sales->agent_first_retry_delay_s = 60;
    story_set_queue(&story, sales);
    story_at(&story, due);
    story_accept(&story, "anna");
    story_dial(&story, "anna", callback);
    story_attempt_ended(&story, RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_BUSY);
    away(&story, "anna");
    story_now_on(&story);
    story_at(&story, due + 60000);
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    assert_int_equal(story_count(&story, "routing.offer"), 0); /* ben is free */
    back(&story, "anna");
    story_at(&story, due + 60001);
    story_status(&story, "anna", STATUS(IDLE));
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    assert_string_equal(story_offered_to(&story), "anna");
    assert_int_equal(story_callback(&story, callback)->place->entry_ms, AT(due));
    story_close(&story);
}

/* --- 3.4 --- */

enum { ends = due + 24 * hour };

static void rule_3_4_goes_to_the_queue_at_the_end_of_ownership(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    callback = open_owned(&story, true);
    away(&story, "anna");
    story_now_on(&story);
    story_at(&story, ends - 1);
    assert_string_equal(story_callback(&story, callback)->owner_agent_id, "anna");
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    story_at(&story, ends);
    assert_string_equal(story_offered_to(&story), "ben");
    assert_false(story_routing(&story, "routing.offer", 0)->offer->owned);
    assert_string_equal(story_callback(&story, callback)->owner_agent_id, "");
    assert_int_equal(story_callback(&story, callback)->owner_end_ms, 0);
    assert_int_equal(story_callback(&story, callback)->place->entry_ms, AT(due));
    assert_int_equal(noticed(&story, 0), REASON(OWNERSHIP_EXPIRED));
    story_close(&story);
}

static void rule_3_4_is_removed_at_the_end_without_assign_to_queue(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    callback = open_owned(&story, false);
    away(&story, "anna");
    story_at(&story, ends - 1);
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    story_now_on(&story);
    story_at(&story, ends);
    assert_int_equal(story_state(&story, callback), STATE(ENDED));
    assert_int_equal(ended_reason(&story), REASON(OWNERSHIP_EXPIRED));
    assert_int_equal(story_analytics(&story, "analytics.session_ended", 0)->session_ended->reason,
                     REASON(OWNERSHIP_EXPIRED));
    assert_int_equal(story_counters(&story, "sales")->callbacks->abandoned, 1);
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    story_close(&story);
}

static void rule_3_4_assign_to_queue_is_read_at_that_moment(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    callback = open_owned(&story, false);
    away(&story, "anna");
    story_at(&story, due + 1);
    story_set_queue(&story, owned_queue(&story, true));
    story_at(&story, ends);
    assert_string_equal(story_offered_to(&story), "ben");
    story_close(&story);
    callback = open_owned(&story, true);
    away(&story, "anna");
    story_at(&story, due + 1);
    story_set_queue(&story, owned_queue(&story, false));
    story_at(&story, ends);
    assert_int_equal(story_state(&story, callback), STATE(ENDED));
    story_close(&story);
}

/* Offered to her 10 s before the end. */
static const char *open_alerting(struct story *story, bool assign_to_queue)
{
    const char *callback = open_owned(story, assign_to_queue);

    away(story, "anna");
    story_at(story, ends - 10000);
    back(story, "anna");
    assert_string_equal(story_offered_to(story), "anna");
    story_at(story, ends + 1);
    assert_int_equal(story_state(story, callback), STATE(OFFERED)); /* let finish */
    story_now_on(story);
    return callback;
}

static void rule_3_4_alert_over_the_end_may_be_accepted(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    callback = open_alerting(&story, false);
    story_accept(&story, "anna");
    assert_int_equal(story_reason(&story), NONE);
    story_dial(&story, "anna", callback);
    story_answered(&story, RINGBACK__V1__ANSWER_KIND__ANSWER_KIND_PERSON);
    story_at(&story, ends + 60000);
    assert_int_equal(story_state(&story, callback), STATE(TALKING));
    story_attempt_ended(&story, RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_HUNG_UP);
    story_end(&story, "anna", callback);
    assert_int_equal(ended_reason(&story), REASON(COMPLETED));
    story_close(&story);
}

static void rule_3_4_alert_over_the_end_timed_out_is_removed(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    callback = open_alerting(&story, false);
    story_at(&story, ends + 20000);
    assert_int_equal(story_state(&story, callback), STATE(ENDED));
    assert_int_equal(ended_reason(&story), REASON(OWNERSHIP_EXPIRED));
    assert_int_equal(story_count(&story, "routing.revoke"), 1); /* of the time-out alone */
    assert_int_equal(story_routing(&story, "routing.revoke", 0)->revoke->reason, REASON(TIMED_OUT));
    story_close(&story);
}

static void rule_3_4_alert_over_the_end_declined_is_removed(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    callback = open_alerting(&story, false);
    story_decline(&story, "anna");
    assert_int_equal(story_reason(&story), NONE);
    assert_int_equal(story_state(&story, callback), STATE(ENDED));
    assert_int_equal(ended_reason(&story), REASON(OWNERSHIP_EXPIRED));
    assert_int_equal(story_count(&story, "routing.revoke"), 0);
    story_close(&story);
}

static void rule_3_4_alert_over_the_end_revoked_goes_to_the_queue(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    callback = open_alerting(&story, true);
    away(&story, "anna");
    assert_int_equal(story_count(&story, "routing.revoke"), 1);
    assert_int_equal(noticed(&story, 0), REASON(OWNERSHIP_EXPIRED));
    assert_string_equal(story_offered_to(&story), "ben");
    assert_int_equal(story_callback(&story, callback)->place->entry_ms, AT(due));
    story_close(&story);
}

static void rule_3_4_preview_over_the_end_then_taken_back(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    for (int assign = 0; assign < 2; assign++) {
        callback = open_owned(&story, assign);
        away(&story, "anna");
        story_at(&story, ends - 10000);
        back(&story, "anna");
        story_accept(&story, "anna");
        story_at(&story, ends + 1000);
        assert_int_equal(story_state(&story, callback), STATE(WITH_AGENT));
        story_now_on(&story);
        story_presence(&story, "anna", PRESENCE(OFFLINE));
        story_at(&story, ends + 61000); /* 6.5: taken back */
        if (assign) {
            assert_string_equal(story_offered_to(&story), "ben");
            assert_int_equal(story_callback(&story, callback)->place->entry_ms, AT(due));
        } else {
            assert_int_equal(story_state(&story, callback), STATE(ENDED));
            assert_int_equal(ended_reason(&story), REASON(OWNERSHIP_EXPIRED));
        }
        story_close(&story);
    }
}

static void rule_3_4_attempt_over_the_end_then_delayed(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    for (int assign = 0; assign < 2; assign++) {
        PB(QueueSettings) * sales;

        callback = open_owned(&story, assign);
        sales = owned_queue(&story, assign);
        sales->agent_first_retries = 3;
        sales->agent_first_retry_delay_s = 60;
        story_set_queue(&story, sales);
        away(&story, "anna");
        story_at(&story, ends - 10000);
        back(&story, "anna");
        story_accept(&story, "anna");
        story_dial(&story, "anna", callback);
        story_at(&story, ends + 5000);
        assert_int_equal(story_state(&story, callback), STATE(DIALLING)); /* let finish */
        story_now_on(&story);
        story_attempt_ended(&story, RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_BUSY);
        if (assign) {
            assert_int_equal(story_state(&story, callback), STATE(DELAYED));
            assert_string_equal(story_callback(&story, callback)->owner_agent_id, "");
            assert_int_equal(noticed(&story, 0), REASON(OWNERSHIP_EXPIRED));
            story_at(&story, ends + 65000);
            assert_string_equal(story_offered_to(&story), "ben");
        } else {
            assert_int_equal(story_state(&story, callback), STATE(ENDED));
            assert_int_equal(ended_reason(&story), REASON(OWNERSHIP_EXPIRED));
        }
        story_close(&story);
    }
}

static void rule_3_4_ends_while_delayed(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    for (int assign = 0; assign < 2; assign++) {
        PB(QueueSettings) * sales;

        callback = open_owned(&story, assign);
        sales = owned_queue(&story, assign);
        sales->agent_first_retries = 3;
        sales->agent_first_retry_delay_s = 60;
        story_set_queue(&story, sales);
        away(&story, "anna");
        story_at(&story, ends - 10000);
        back(&story, "anna");
        story_accept(&story, "anna");
        story_dial(&story, "anna", callback);
        story_at(&story, ends - 5000);
        story_attempt_ended(&story, RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_BUSY);
        assert_string_equal(story_callback(&story, callback)->owner_agent_id, "anna");
        story_now_on(&story);
        story_at(&story, ends);
        if (assign) {
            assert_int_equal(story_state(&story, callback), STATE(DELAYED));
            assert_string_equal(story_callback(&story, callback)->owner_agent_id, "");
            story_at(&story, ends + 54999);
            assert_int_equal(story_count(&story, "routing.offer"), 0);
            story_at(&story, ends + 55000);
            assert_string_equal(story_offered_to(&story), "ben");
        } else {
            assert_int_equal(story_state(&story, callback), STATE(ENDED));
            assert_int_equal(ended_reason(&story), REASON(OWNERSHIP_EXPIRED));
        }
        story_close(&story);
    }
}

/* Nobody was there from before due until after the end: what is due then is not the owner's. */
static void rule_3_4_over_when_it_comes_into_line(void **state)
{
    (void)state;
    for (int assign = 0; assign < 2; assign++) {
        struct story story;
        const char *callback = open_owned(&story, assign);

        story_now_on(&story);
        story_lag(&story, ends + 1000);
        story_at(&story, ends + 1000); /* anna is Idle all the time */
        assert_int_equal(noticed(&story, 0), assign ? REASON(OWNERSHIP_EXPIRED) : NONE);
        assert_int_equal(ended_reason(&story), assign ? NONE : REASON(OWNERSHIP_EXPIRED));
        assert_int_equal(story_count(&story, "routing.offer"), assign);
        if (assign) {
            assert_false(story_routing(&story, "routing.offer", 0)->offer->owned);
            assert_string_equal(story_callback(&story, callback)->owner_agent_id, "");
            assert_int_equal(story_callback(&story, callback)->place->entry_ms, AT(due));
        }
        story_close(&story);
    }
}

/* The same of one that is delayed: its turn and its end both came while nobody was there. */
static void rule_3_4_over_when_its_delay_is(void **state)
{
    (void)state;
    for (int assign = 0; assign < 2; assign++) {
        struct story story;
        const char *callback = open_owned(&story, assign);
        PB(QueueSettings) *sales = owned_queue(&story, assign);

        sales->agent_first_retries = 3;
        sales->agent_first_retry_delay_s = 60;
        story_set_queue(&story, sales);
        story_at(&story, due);
        story_accept(&story, "anna");
        story_dial(&story, "anna", callback);
        story_attempt_ended(&story, RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_BUSY);
        assert_int_equal(story_state(&story, callback), STATE(DELAYED));
        story_at(&story, due + 1);
        story_status(&story, "anna", STATUS(IDLE));
        story_now_on(&story);
        story_lag(&story, ends + 1000);
        story_at(&story, ends + 1000);
        assert_int_equal(noticed(&story, 0), assign ? REASON(OWNERSHIP_EXPIRED) : NONE);
        assert_int_equal(ended_reason(&story), assign ? NONE : REASON(OWNERSHIP_EXPIRED));
        assert_int_equal(story_count(&story, "routing.offer"), assign);
        if (assign)
            assert_false(story_routing(&story, "routing.offer", 0)->offer->owned);
        story_close(&story);
    }
}

/* --- 3.7 --- */

static void rule_3_7_makes_the_scheduling_agent_the_owner(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    callback = open_owned(&story, true);
    assert_string_equal(story_callback(&story, callback)->owner_agent_id, "anna");
    assert_string_equal(story_callback(&story, callback)->scheduled_by, "anna");
    assert_string_equal(
        story_analytics(&story, "analytics.session_started", 0)->session_started->owner_agent_id,
        "anna");
    story_close(&story);
}

static void rule_3_7_overrides_route_to_me(void **state)
{
    struct story story;
    PB(Command) * command;

    (void)state;
    story_open(&story);
    open_with(&story, owned_queue(&story, true));
    command = story_schedule(&story, NULL, "anna", "i1", due);
    command->schedule->take_ownership = true;
    command->schedule->route_to_me = true;
    story_do(&story, command);
    assert_int_equal(story_reason(&story), NONE);
    assert_string_equal(story_callback(&story, story_made(&story))->owner_agent_id, "anna");
    story_close(&story);
}

/* i1 needs a skill and a language that anna lacks; with routing data inherited the queue asks. */
static void rule_3_7_skills_are_not_asked_of_the_owner(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;
    PB(InteractionEvent) * event;
    const char *callback;

    (void)state;
    story_open(&story);
    sales = owned_queue(&story, true);
    sales->inherit_routing_data = RINGBACK__V1__TOGGLE__TOGGLE_ON;
    story_set_queue(&story, sales);
    story_ready(&story, "anna", "sales");
    story_ready(&story, "ben", "sales");
    story_ready_with(&story, "carl", "sales", "loans", "he");
    event = story_entered(&story, "i1", "sales");
    event->entered->routing = story_needs(&story, 2, "loans", "he");
    story_tell(&story, event);
    story_connect(&story, "i1", "anna");
    assert_int_equal(schedule_owned(&story, due), NONE);
    callback = story_made(&story);
    story_at(&story, 30000);
    story_end_call(&story, "i1");
    story_at(&story, 30001);
    story_status(&story, "anna", STATUS(IDLE));
    story_at(&story, due);
    assert_string_equal(story_offered_to(&story), "anna");
    story_decline(&story, "anna");
    away(&story, "anna");
    story_at(&story, ends); /* outlived the owner: asked again of all */
    assert_string_equal(story_offered_to(&story), "carl");
    assert_int_equal(story_callback(&story, callback)->routing->priority, 2);
    story_close(&story);
}

static void rule_3_7_skills_pass_on_to_a_callback_scheduled_in_an_owned_one(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;
    PB(InteractionEvent) * event;
    const char *first;

    (void)state;
    story_open(&story);
    sales = owned_queue(&story, true);
    sales->inherit_routing_data = RINGBACK__V1__TOGGLE__TOGGLE_ON;
    story_set_queue(&story, sales);
    story_ready(&story, "anna", "sales");
    event = story_entered(&story, "i1", "sales");
    event->entered->routing = story_needs(&story, 2, "loans", "he");
    story_tell(&story, event);
    story_connect(&story, "i1", "anna");
    assert_int_equal(schedule_owned(&story, due), NONE);
    first = story_made(&story);
    story_at(&story, 30000);
    story_end_call(&story, "i1");
    story_at(&story, 30001);
    story_status(&story, "anna", STATUS(IDLE));
    story_at(&story, due);
    story_accept(&story, "anna");
    story_do(&story, story_schedule(&story, NULL, "anna", first, 2 * due));
    assert_int_equal(story_reason(&story), NONE);
    assert_string_not_equal(story_made(&story), first);
    assert_int_equal(story_callback(&story, story_made(&story))->routing->n_skills, 1);
    assert_string_equal(story_callback(&story, story_made(&story))->routing->skills[0], "loans");
    assert_string_equal(story_callback(&story, story_made(&story))->routing->language, "he");
    assert_int_equal(story_callback(&story, story_made(&story))->routing->priority, 2);
    story_close(&story);
}

/* What is missing at due, and the notice that says so. */
static void rule_3_7_ownership_off_or_no_ring_at_due_is_not_owned(void **state)
{
    static const PB(Reason) rows[] = {REASON(OWNERSHIP_OFF), REASON(NO_PREFERRED_AGENT_RULE)};

    (void)state;
    for (size_t at = 0; at < 2; at++) {
        struct story story;
        const char *callback = open_owned(&story, false);
        PB(QueueSettings) *sales = owned_queue(&story, false);

        if (rows[at] == REASON(OWNERSHIP_OFF))
            sales->agent_owned->enabled = false;
        else
            sales->n_rings = 0;
        story_set_queue(&story, sales);
        away(&story, "anna");
        assert_string_equal(story_callback(&story, callback)->owner_agent_id, "anna");
        story_at(&story, due);
        assert_string_equal(story_callback(&story, callback)->owner_agent_id, "");
        assert_int_equal(noticed(&story, 0), rows[at]);
        assert_string_equal(
            story_routing(&story, "routing.callback_notice", 0)->callback_notice->agent_id, "anna");
        assert_string_equal(story_offered_to(&story), "ben");
        story_close(&story);
    }
}

static void rule_3_7_ownership_off_after_due_changes_nothing(void **state)
{
    struct story story;
    const char *callback;
    PB(QueueSettings) * sales;

    (void)state;
    callback = open_owned(&story, true);
    away(&story, "anna");
    story_at(&story, due);
    sales = owned_queue(&story, true);
    sales->n_rings = 0;
    sales->agent_owned->enabled = false;
    story_set_queue(&story, sales);
    story_at(&story, due + 1000);
    assert_string_equal(story_callback(&story, callback)->owner_agent_id, "anna");
    story_close(&story);
}

static void rule_3_7_owner_removed_goes_to_the_queue_at_due(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    callback = open_owned(&story, true);
    story_remove_agent(&story, "anna");
    story_at(&story, due - 1);
    assert_string_equal(story_callback(&story, callback)->owner_agent_id, "anna");
    story_at(&story, due);
    assert_string_equal(story_callback(&story, callback)->owner_agent_id, "");
    assert_int_equal(noticed(&story, 0), REASON(OWNER_GONE));
    assert_string_equal(story_offered_to(&story), "ben");
    story_close(&story);
}

static void rule_3_7_owner_removed_after_due_goes_to_the_queue_now(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    callback = open_owned(&story, true);
    away(&story, "anna");
    story_at(&story, due + 1000);
    story_remove_agent(&story, "anna");
    story_at(&story, due + 1000);
    assert_string_equal(story_callback(&story, callback)->owner_agent_id, "");
    assert_int_equal(noticed(&story, 0), REASON(OWNER_GONE));
    assert_string_equal(story_offered_to(&story), "ben");
    assert_int_equal(story_callback(&story, callback)->place->entry_ms, AT(due));
    story_close(&story);
}

static void rule_3_7_owner_removed_while_alerting_goes_to_the_queue(void **state)
{
    struct story story;

    (void)state;
    (void)open_owned(&story, true);
    story_at(&story, due + 1000);
    assert_string_equal(story_offered_to(&story), "anna");
    story_remove_agent(&story, "anna");
    story_at(&story, due + 1000);
    assert_int_equal(story_count(&story, "routing.revoke"), 1);
    assert_int_equal(noticed(&story, 0), REASON(OWNER_GONE));
    assert_string_equal(story_offered_to(&story), "ben");
    story_close(&story);
}

static void rule_3_7_owner_removed_while_delayed_goes_to_the_queue(void **state)
{
    struct story story;
    const char *callback;
    PB(QueueSettings) * sales;

    (void)state;
    callback = open_owned(&story, true);
    sales = owned_queue(&story, true);
    sales->agent_first_retries = 1;
    sales->agent_first_retry_delay_s = 60;
    story_set_queue(&story, sales);
    story_at(&story, due);
    story_accept(&story, "anna");
    story_dial(&story, "anna", callback);
    story_attempt_ended(&story, RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_BUSY);
    story_at(&story, due + 10000);
    story_remove_agent(&story, "anna");
    story_at(&story, due + 60000);
    assert_int_equal(noticed(&story, 0), REASON(OWNER_GONE));
    assert_string_equal(story_callback(&story, callback)->owner_agent_id, "");
    assert_string_equal(story_offered_to(&story), "ben");
    story_close(&story);
}

static void rule_3_7_owner_removed_without_assign_waits_to_its_end(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    callback = open_owned(&story, false);
    story_remove_agent(&story, "anna");
    story_at(&story, due);
    assert_int_equal(noticed(&story, 0), REASON(OWNER_GONE));
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    assert_string_equal(story_callback(&story, callback)->owner_agent_id, "anna");
    story_at(&story, ends - 1);
    assert_string_equal(story_offered_to(&story), "");
    story_at(&story, ends);
    assert_int_equal(ended_reason(&story), REASON(OWNERSHIP_EXPIRED));
    story_close(&story);
}

static void rule_3_7_owner_removed_after_due_without_assign_is_told(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    callback = open_owned(&story, false);
    away(&story, "anna");
    story_at(&story, due + 1000);
    story_remove_agent(&story, "anna");
    story_at(&story, due + 1000);
    assert_int_equal(noticed(&story, 0), REASON(OWNER_GONE));
    assert_int_equal(story_count(&story, "routing.callback_notice"), 1);
    assert_string_equal(story_callback(&story, callback)->owner_agent_id, "anna");
    assert_string_equal(story_offered_to(&story), "");
    story_close(&story);
}

/* The owner is gone; then the queue starts to take over: what waits for him goes to it. */
static void rule_3_7_assign_to_queue_switched_on_for_a_removed_owner(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    callback = open_owned(&story, false);
    story_remove_agent(&story, "anna");
    story_at(&story, due + 1000);
    story_set_queue(&story, owned_queue(&story, true));
    story_at(&story, due + 1000);
    assert_string_equal(story_callback(&story, callback)->owner_agent_id, "");
    assert_string_equal(story_offered_to(&story), "ben");
    story_close(&story);
}

static void rule_3_7_owner_who_comes_back_is_the_owner_still(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    callback = open_owned(&story, false);
    story_remove_agent(&story, "anna");
    story_at(&story, due + 1000);
    story_set_agent(&story, story_agent(&story, "anna"));
    assert_string_equal(story_callback(&story, callback)->owner_agent_id, "anna");
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_3_1_needs_ownership_enabled),
        cmocka_unit_test(rule_3_1_needs_a_preferred_agent_rule),
        cmocka_unit_test(rule_3_1_its_rings_do_not_apply),
        cmocka_unit_test(rule_3_2_duration_and_ahead_are_1_hour_to_30_days),
        cmocka_unit_test(rule_3_2_scheduling_beyond_ahead_is_too_far),
        cmocka_unit_test(rule_3_2_ahead_is_30_days_by_default),
        cmocka_unit_test(rule_3_2_duration_is_stamped_when_scheduled),
        cmocka_unit_test(rule_3_3_waits_for_its_owner_alone_from_due),
        cmocka_unit_test(rule_3_3_is_offered_when_the_owner_is_eligible),
        cmocka_unit_test(rule_3_3_missed_alert_leaves_it_with_the_owner),
        cmocka_unit_test(rule_3_3_declined_leaves_it_with_the_owner),
        cmocka_unit_test(rule_3_3_retry_waits_for_its_owner),
        cmocka_unit_test(rule_3_4_goes_to_the_queue_at_the_end_of_ownership),
        cmocka_unit_test(rule_3_4_is_removed_at_the_end_without_assign_to_queue),
        cmocka_unit_test(rule_3_4_assign_to_queue_is_read_at_that_moment),
        cmocka_unit_test(rule_3_4_alert_over_the_end_may_be_accepted),
        cmocka_unit_test(rule_3_4_alert_over_the_end_timed_out_is_removed),
        cmocka_unit_test(rule_3_4_alert_over_the_end_declined_is_removed),
        cmocka_unit_test(rule_3_4_alert_over_the_end_revoked_goes_to_the_queue),
        cmocka_unit_test(rule_3_4_preview_over_the_end_then_taken_back),
        cmocka_unit_test(rule_3_4_attempt_over_the_end_then_delayed),
        cmocka_unit_test(rule_3_4_ends_while_delayed),
        cmocka_unit_test(rule_3_4_over_when_it_comes_into_line),
        cmocka_unit_test(rule_3_4_over_when_its_delay_is),
        cmocka_unit_test(rule_3_7_makes_the_scheduling_agent_the_owner),
        cmocka_unit_test(rule_3_7_overrides_route_to_me),
        cmocka_unit_test(rule_3_7_skills_are_not_asked_of_the_owner),
        cmocka_unit_test(rule_3_7_skills_pass_on_to_a_callback_scheduled_in_an_owned_one),
        cmocka_unit_test(rule_3_7_ownership_off_or_no_ring_at_due_is_not_owned),
        cmocka_unit_test(rule_3_7_ownership_off_after_due_changes_nothing),
        cmocka_unit_test(rule_3_7_owner_removed_goes_to_the_queue_at_due),
        cmocka_unit_test(rule_3_7_owner_removed_after_due_goes_to_the_queue_now),
        cmocka_unit_test(rule_3_7_owner_removed_while_alerting_goes_to_the_queue),
        cmocka_unit_test(rule_3_7_owner_removed_while_delayed_goes_to_the_queue),
        cmocka_unit_test(rule_3_7_owner_removed_without_assign_waits_to_its_end),
        cmocka_unit_test(rule_3_7_owner_removed_after_due_without_assign_is_told),
        cmocka_unit_test(rule_3_7_assign_to_queue_switched_on_for_a_removed_owner),
        cmocka_unit_test(rule_3_7_owner_who_comes_back_is_the_owner_still),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
