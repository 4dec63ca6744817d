/* Reschedule and reassign: what they do beside the table of 11.3 (which test_rules_11.c goes
 * through), the edit lock (3.5), owners in other queues (3.7, 9.2), places and routing data (1.7),
 * stays (10.6). */
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

enum { due = 3600000, hour = 3600000, minute = 60000 };

static PB(Ring) ring = RINGBACK__V1__RING__INIT;
static PB(Ring) * rings[] = {&ring};

/* Settings of a queue with ownership. */
static PB(QueueSettings) * owning(struct story *story, const char *queue)
{
    PB(QueueSettings) *settings = story_queue(story, queue);

    settings->agent_owned = arena_alloc(&story->arena, sizeof(*settings->agent_owned));
    ringback__v1__agent_owned__init(settings->agent_owned);
    settings->agent_owned->enabled = true;
    settings->agent_owned->duration_s = 7200;
    settings->rings = rings;
    settings->n_rings = 1;
    return settings;
}

static PB(Reason)
    reschedule(struct story *story, const char *agent, const char *callback, int64_t due_ms)
{
    PB(Command) *command = story_command(story, NULL, agent, callback);

    command->command_case = RINGBACK__V1__COMMAND__COMMAND_RESCHEDULE;
    command->reschedule = arena_alloc(&story->arena, sizeof(*command->reschedule));
    ringback__v1__reschedule__init(command->reschedule);
    command->reschedule->due_ms = AT(due_ms);
    story_do(story, command);
    return story_reason(story);
}

static PB(Reason)
    reassign(struct story *story, const char *callback, const char *queue, const char *owner)
{
    PB(Command) *command = story_command(story, NULL, "", callback);

    command->command_case = RINGBACK__V1__COMMAND__COMMAND_REASSIGN;
    command->reassign = arena_alloc(&story->arena, sizeof(*command->reassign));
    ringback__v1__reassign__init(command->reassign);
    command->reassign->queue_id = story_text(story, queue);
    command->reassign->owner_agent_id = story_text(story, owner);
    story_do(story, command);
    return story_reason(story);
}

/* "sales" and "support", both with ownership, "plain" without; anna and ben in sales; it is 20 s.
 */
static void open_queues(struct story *story)
{
    story_open(story);
    story_set_queue(story, owning(story, "sales"));
    story_set_queue(story, owning(story, "support"));
    story_set_queue(story, story_queue(story, "plain"));
    story_ready(story, "anna", "sales");
    story_ready(story, "ben", "sales");
    story_joins(story, "ben", "sales support");
    story_at(story, 20000);
}

static void away(struct story *story, const char *agent)
{
    story_presence(story, agent, PRESENCE(AWAY));
}

/* An owned callback of anna's, due at an hour. Both agents are Idle. */
static const char *open_owned(struct story *story)
{
    PB(Command) * command;

    open_queues(story);
    story_enter(story, "i1", "sales");
    story_connect(story, "i1", "anna");
    command = story_schedule(story, NULL, "anna", "i1", due);
    command->schedule->take_ownership = true;
    story_do(story, command);
    assert_int_equal(story_reason(story), NONE);
    story_end_call(story, "i1");
    story_at(story, 30000);
    story_status(story, "anna", STATUS(IDLE));
    story_now_on(story);
    return story_text(story, story_made(story));
}

/* In line in "sales" at the place of i1 (its entry 5 s, priority 2, skill loans), nobody there. */
static const char *open_inherited(struct story *story, bool kept)
{
    PB(QueueSettings) * sales;
    PB(InteractionEvent) * event;

    open_queues(story);
    away(story, "anna");
    away(story, "ben");
    sales = owning(story, "sales");
    sales->inherit_routing_data =
        kept ? RINGBACK__V1__TOGGLE__TOGGLE_ON : RINGBACK__V1__TOGGLE__TOGGLE_OFF;
    story_set_queue(story, sales);
    event = story_entered(story, "i1", "sales");
    event->entered->place->entry_ms = AT(5000);
    event->entered->routing = story_needs(story, 2, "loans", "he");
    story_tell(story, event);
    story_at(story, 30000);
    story_ask(story, "r1", story_create(story, "i1", "sales"));
    assert_int_equal(story_reason(story), NONE);
    story_now_on(story);
    return story_text(story, story_made(story));
}

static void assert_counts(struct story *story, const char *queue, uint64_t offered,
                          uint64_t answered, uint64_t abandoned, uint64_t flow_out)
{
    const PB(CountersEntity) *counters = story_counters(story, queue);

    assert_non_null(counters);
    assert_int_equal(counters->callbacks->offered, offered);
    assert_int_equal(counters->callbacks->answered, answered);
    assert_int_equal(counters->callbacks->abandoned, abandoned);
    assert_int_equal(counters->callbacks->flow_out, flow_out);
}

/* --- reschedule --- */

static void rule_11_3_rescheduled_before_due_has_the_new_due(void **state)
{
    struct story story;
    const char *callback = open_owned(&story);

    (void)state;
    assert_int_equal(reschedule(&story, "anna", callback, 2 * due), NONE);
    assert_int_equal(story_callback(&story, callback)->due_ms, AT(2 * due));
    assert_int_equal(story_callback(&story, callback)->owner_end_ms, AT(2 * due + 2 * hour));
    assert_string_equal(story_callback(&story, callback)->owner_agent_id, "anna");
    story_at(&story, 2 * due - 1);
    assert_int_equal(story_state(&story, callback), STATE(SCHEDULED));
    story_at(&story, 2 * due);
    assert_string_equal(story_offered_to(&story), "anna");
    assert_int_equal(story_callback(&story, callback)->place->entry_ms, AT(2 * due));
    assert_counts(&story, "sales", 1, 0, 0, 0);
    story_close(&story);
}

/* At 30 s: later than now, at most 30 days. */
static void rule_11_3_rescheduled_within_the_bounds_of_2_2(void **state)
{
    static const struct {
        int64_t due_ms;
        PB(Reason) reason;
    } rows[] = {
        {30000, REASON(IN_THE_PAST)},
        {30001, NONE},
        {30000 + 30 * DAY_MS, NONE},
        {30001 + 30 * DAY_MS, REASON(TOO_FAR_AHEAD)},
        {-STORY_START_MS, REASON(IN_THE_PAST)}, /* left out */
    };

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        struct story story;
        const char *callback = open_inherited(&story, false);

        if (reschedule(&story, "", callback, rows[at].due_ms) != rows[at].reason)
            fail_msg("row %zu: %d", at, story_reason(&story));
        assert_int_equal(story_state(&story, callback),
                         rows[at].reason == NONE ? STATE(SCHEDULED) : STATE(WAITING));
        story_close(&story);
    }
}

static void rule_3_2_rescheduling_beyond_ahead_is_too_far(void **state)
{
    struct story story;
    const char *callback = open_owned(&story);
    PB(QueueSettings) *sales = owning(&story, "sales");

    (void)state;
    sales->agent_owned->ahead_s = 7200;
    story_set_queue(&story, sales);
    assert_int_equal(reschedule(&story, "", callback, 30001 + 2 * hour), REASON(TOO_FAR_AHEAD));
    assert_int_equal(reschedule(&story, "", callback, 30000 + 2 * hour), NONE);
    story_close(&story);
}

static void rule_2_3_rescheduled_to_a_local_time(void **state)
{
    static const struct story_offset zone[] = {{0, 3600}, {10 * HOUR_MS, 7200}};
    struct story story;
    const char *callback = open_owned(&story);
    PB(Command) *command = story_command(&story, NULL, "", callback);
    PB(LocalTime) local = RINGBACK__V1__LOCAL_TIME__INIT;
    PB(Reschedule) move = RINGBACK__V1__RESCHEDULE__INIT;
    char longest[130];

    (void)state;
    command->command_case = RINGBACK__V1__COMMAND__COMMAND_RESCHEDULE;
    command->reschedule = &move;
    move.local_due = &local;
    local.zone = story_text(&story, "Test/Zone");
    local.local_ms = AT(11 * HOUR_MS + 5 * minute); /* skipped: 12:05 there */
    story_do(&story, command);
    assert_int_equal(story_reason(&story), REASON(ZONE_UNKNOWN));
    story_zone(&story, "Test/Zone", zone, 2);
    command->request_id = story_text(&story, "again");
    story_do(&story, command);
    assert_int_equal(story_reason(&story), NONE);
    assert_int_equal(story_callback(&story, callback)->due_ms, AT(10 * HOUR_MS + 5 * minute));
    assert_string_equal(story_callback(&story, callback)->local_due->zone, "Test/Zone");
    story_zone(&story, "Test/Zone", zone, 1);
    assert_int_equal(story_callback(&story, callback)->due_ms, AT(10 * HOUR_MS + 5 * minute));
    assert_int_equal(reschedule(&story, "", callback, 2 * due), NONE);
    assert_null(story_callback(&story, callback)->local_due); /* an instant now */
    memset(longest, 'x', sizeof(longest));
    longest[129] = '\0';
    local.zone = longest;
    command->request_id = story_text(&story, "too long");
    story_do(&story, command);
    assert_int_equal(story_reason(&story), REASON(LIMIT));
    story_close(&story);
}

static void rule_1_7_rescheduled_gives_up_place_and_routing_data(void **state)
{
    struct story story;
    const char *callback = open_inherited(&story, false);
    const PB(CallbackEntity) *cb = story_callback(&story, callback);

    (void)state;
    assert_int_equal(cb->place->entry_ms, AT(5000));
    assert_string_equal(cb->place->tie_break, "i1");
    assert_int_equal(cb->routing->priority, 2);
    story_at(&story, 40000);
    assert_int_equal(reschedule(&story, "", callback, due), NONE);
    cb = story_callback(&story, callback);
    assert_int_equal(cb->state, STATE(SCHEDULED));
    assert_int_equal(cb->place->entry_ms, 0);
    assert_int_equal(cb->stay_ms, 0);
    assert_int_equal(cb->routing->priority, 0);
    assert_int_equal(cb->routing->n_skills, 0);
    assert_string_equal(cb->routing->language, "");
    story_at(&story, due);
    cb = story_callback(&story, callback);
    assert_int_equal(cb->place->entry_ms, AT(due));
    assert_string_equal(cb->place->tie_break, callback);
    story_close(&story);
}

static void rule_1_7_rescheduled_keeps_inherited_routing_data(void **state)
{
    struct story story;
    const char *callback = open_inherited(&story, true);
    const PB(CallbackEntity) * cb;

    (void)state;
    assert_int_equal(reschedule(&story, "", callback, due), NONE);
    cb = story_callback(&story, callback);
    assert_int_equal(cb->routing->priority, 2);
    assert_string_equal(cb->routing->skills[0], "loans");
    assert_string_equal(cb->routing->language, "he");
    assert_int_equal(cb->place->entry_ms, 0);
    story_close(&story);
}

static void rule_10_6_rescheduled_in_line_is_flow_out_and_offered_again_at_due(void **state)
{
    struct story story;
    const char *callback = open_inherited(&story, false);
    size_t count;

    (void)state;
    story_at(&story, 45000);
    assert_int_equal(reschedule(&story, "", callback, due), NONE);
    assert_int_equal(story_metric(&story, METRIC(T_FLOW_OUT), "sales", &count), 15000);
    assert_int_equal(count, 1);
    assert_counts(&story, "sales", 1, 0, 0, 1);
    story_at(&story, due);
    assert_counts(&story, "sales", 2, 0, 0, 1);
    story_close(&story);
}

static void rule_11_3_rescheduled_while_offered_is_revoked(void **state)
{
    struct story story;
    const char *callback = open_owned(&story);

    (void)state;
    story_at(&story, due);
    assert_string_equal(story_offered_to(&story), "anna");
    story_at(&story, due + 1000);
    assert_int_equal(reschedule(&story, "", callback, 3 * due), NONE);
    assert_int_equal(story_count(&story, "routing.revoke"), 1);
    assert_int_equal(story_routing(&story, "routing.revoke", 0)->revoke->reason, REASON(MOVED));
    assert_int_equal(story_state(&story, callback), STATE(SCHEDULED));
    story_accept(&story, "anna");
    assert_int_equal(story_reason(&story), REASON(OFFER_GONE));
    assert_counts(&story, "sales", 1, 0, 0, 1);
    story_close(&story);
}

static void rule_11_3_rescheduled_by_its_holder_frees_him(void **state)
{
    struct story story;
    const char *callback = open_owned(&story);
    const PB(RoutingEvent) * released;

    (void)state;
    story_at(&story, due);
    story_accept(&story, "anna");
    story_dial(&story, "anna", callback);
    story_attempt_ended(&story, RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_NO_ANSWER);
    assert_int_equal(reschedule(&story, "ben", callback, 3 * due), REASON(WITH_AGENT));
    assert_int_equal(reschedule(&story, "", callback, 3 * due), REASON(WITH_AGENT));
    assert_int_equal(reschedule(&story, "anna", callback, 3 * due), NONE);
    released = story_routing(&story, "routing.agent_released", 0);
    assert_string_equal(released->agent_released->agent_id, "anna");
    assert_int_equal(released->agent_released->reason, REASON(MOVED));
    assert_int_equal(story_state(&story, callback), STATE(SCHEDULED));
    assert_string_equal(story_callback(&story, callback)->agent_id, "");
    assert_int_equal(story_callback(&story, callback)->attempts, 1);
    assert_counts(&story, "sales", 1, 1, 0, 0); /* answered; no stay until due */
    story_status(&story, "anna", STATUS(IDLE));
    story_ask(&story, "r9", story_create(&story, "i9", "sales"));
    assert_int_equal(story_state(&story, story_made(&story)), STATE(OFFERED));
    story_close(&story);
}

static void rule_6_2_rescheduled_keeps_caller_id_and_name(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_queues(&story);
    story_enter(&story, "i1", "sales");
    story_call_data(&story, "i1", "+97231111111", "Offers");
    away(&story, "anna");
    away(&story, "ben");
    story_ask(&story, "r1", story_create(&story, "i1", "sales"));
    callback = story_text(&story, story_made(&story));
    assert_int_equal(reschedule(&story, "", callback, due), NONE);
    assert_string_equal(story_callback(&story, callback)->caller_id, "+97231111111");
    assert_string_equal(story_callback(&story, callback)->caller_name, "Offers");
    assert_string_equal(story_callback(&story, callback)->number, "+97235551234");
    assert_int_equal(story_callback(&story, callback)->kind,
                     RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_IN_QUEUE);
    story_close(&story);
}

static void rule_11_3_rescheduled_while_delayed_begins_anew(void **state)
{
    struct story story;
    const char *callback = open_owned(&story);
    PB(QueueSettings) *sales = owning(&story, "sales");

    (void)state;
    sales->agent_first_retries = 1;
    sales->agent_first_retry_delay_s = 60;
    story_set_queue(&story, sales);
    story_at(&story, due);
    story_accept(&story, "anna");
    story_dial(&story, "anna", callback);
    story_attempt_ended(&story, RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_BUSY);
    assert_int_equal(story_state(&story, callback), STATE(DELAYED));
    assert_int_equal(story_callback(&story, callback)->retries, 1);
    assert_int_equal(reschedule(&story, "", callback, 3 * due), NONE);
    assert_int_equal(story_callback(&story, callback)->retries, 0);
    assert_int_equal(story_callback(&story, callback)->resume_ms, 0);
    story_at(&story, due + 2 * minute); /* the delay is over and wakes nobody */
    assert_int_equal(story_state(&story, callback), STATE(SCHEDULED));
    story_at(&story, 3 * due);
    assert_int_equal(story_state(&story, callback), STATE(OFFERED));
    story_close(&story);
}

static void rule_2_5_rescheduled_goes_to_its_scheduler_again(void **state)
{
    struct story story;
    PB(Command) * command;

    (void)state;
    open_queues(&story);
    story_enter(&story, "i1", "sales");
    story_connect(&story, "i1", "anna");
    command = story_schedule(&story, NULL, "anna", "i1", due);
    command->schedule->route_to_me = true;
    story_do(&story, command);
    story_end_call(&story, "i1");
    story_at(&story, 30000);
    story_status(&story, "anna", STATUS(IDLE));
    assert_int_equal(reschedule(&story, "ben", story_made(&story), 2 * due), NONE);
    story_at(&story, 2 * due);
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

/* --- 3.5 --- */

static void rule_3_5_owned_ones_are_locked_for_15_minutes_before_due(void **state)
{
    static const struct {
        int64_t at_ms;
        PB(Reason) reason;
    } rows[] = {
        {due - 15 * minute - 1, NONE},
        {due - 15 * minute, REASON(EDIT_LOCKED)},
        {due - 1, REASON(EDIT_LOCKED)},
        {due, NONE},
    };

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++)
        for (int moves = 0; moves < 2; moves++) {
            struct story story;
            const char *callback = open_owned(&story);
            PB(Reason) reason;

            story_at(&story, rows[at].at_ms);
            reason = moves ? reassign(&story, callback, "support", "")
                           : reschedule(&story, "anna", callback, 5 * due);
            if (reason != rows[at].reason)
                fail_msg("row %zu, %d: %d", at, moves, reason);
            story_close(&story);
        }
}

/* What counts is when he asked (12.14): read after due, stamped before it. */
static void rule_3_5_the_commands_timestamp_counts(void **state)
{
    struct story story;
    const char *callback = open_owned(&story);

    (void)state;
    story_at(&story, due - 14 * minute);
    story.timestamp_ms = due - 15 * minute - 1;
    assert_int_equal(reschedule(&story, "", callback, 5 * due), NONE);
    story_close(&story);
    callback = open_owned(&story);
    story_at(&story, due + 1000);
    story.timestamp_ms = due - 1;
    assert_int_equal(reschedule(&story, "", callback, 5 * due), REASON(EDIT_LOCKED));
    story_close(&story);
}

static void rule_3_5_those_without_an_owner_are_never_locked(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_queues(&story);
    story_enter(&story, "i1", "sales");
    story_connect(&story, "i1", "anna");
    story_do(&story, story_schedule(&story, NULL, "anna", "i1", due));
    callback = story_text(&story, story_made(&story));
    story_at(&story, due - 1);
    assert_int_equal(reassign(&story, callback, "support", ""), NONE);
    assert_int_equal(reschedule(&story, "", callback, 2 * due), NONE);
    story_close(&story);
}

static void rule_3_5_cancel_is_never_locked(void **state)
{
    struct story story;
    const char *callback = open_owned(&story);

    (void)state;
    story_at(&story, due - minute);
    story_cancel(&story, callback);
    assert_int_equal(story_reason(&story), NONE);
    assert_int_equal(story_state(&story, callback), STATE(ENDED));
    story_close(&story);
}

static void rule_3_5_an_owners_removal_lifts_the_lock(void **state)
{
    struct story story;
    const char *callback = open_owned(&story);

    (void)state;
    story_at(&story, due - minute);
    assert_int_equal(reassign(&story, callback, "", "ben"), REASON(EDIT_LOCKED));
    story_remove_agent(&story, "anna");
    assert_int_equal(reassign(&story, callback, "", "ben"), NONE);
    assert_string_equal(story_callback(&story, callback)->owner_agent_id, "ben");
    assert_int_equal(reschedule(&story, "", callback, 2 * due), REASON(EDIT_LOCKED)); /* ben's */
    story_close(&story);
}

static void rule_3_5_its_holder_may_always_reschedule(void **state)
{
    struct story story;
    const char *callback = open_owned(&story);

    (void)state;
    story_at(&story, due);
    story_accept(&story, "anna");
    story_at(&story, due + 1000);
    story.timestamp_ms = due - 1; /* his clock is behind */
    assert_int_equal(reschedule(&story, "anna", callback, 3 * due), NONE);
    story_close(&story);
}

/* --- reassign --- */

static void rule_9_2_to_an_agent_owned_ones_alone(void **state)
{
    struct story story;
    const char *callback = open_inherited(&story, false);

    (void)state;
    assert_int_equal(reassign(&story, callback, "", "ben"), REASON(NOT_OWNED));
    assert_int_equal(reassign(&story, callback, "support", "ben"), REASON(NOT_OWNED));
    assert_string_equal(story_callback(&story, callback)->place->queue_id, "sales");
    assert_int_equal(reassign(&story, callback, "", ""), REASON(LIMIT));
    assert_int_equal(reassign(&story, callback, "nowhere", ""), REASON(QUEUE_UNKNOWN));
    assert_int_equal(reassign(&story, callback, "support", ""), NONE);
    assert_string_equal(story_callback(&story, callback)->place->queue_id, "support");
    story_close(&story);
}

static void rule_9_2_unknown_agents_and_long_ids(void **state)
{
    struct story story;
    const char *callback = open_owned(&story);
    char longest[130];

    (void)state;
    memset(longest, 'x', sizeof(longest));
    longest[129] = '\0';
    assert_int_equal(reassign(&story, callback, longest, ""), REASON(LIMIT));
    assert_int_equal(reassign(&story, callback, "", longest), REASON(LIMIT));
    assert_int_equal(reassign(&story, callback, "", "nobody"), REASON(AGENT_UNKNOWN));
    story_remove_agent(&story, "ben");
    assert_int_equal(reassign(&story, callback, "", "ben"), REASON(AGENT_UNKNOWN));
    assert_string_equal(story_callback(&story, callback)->owner_agent_id, "anna");
    story_close(&story);
}

static void rule_9_2_to_another_owner_before_due(void **state)
{
    struct story story;
    const char *callback = open_owned(&story);
    PB(QueueSettings) *sales = owning(&story, "sales");

    (void)state;
    sales->agent_owned->duration_s = 3600;
    story_set_queue(&story, sales);
    assert_int_equal(story_callback(&story, callback)->owner_end_ms, AT(due + 2 * hour));
    assert_int_equal(reassign(&story, callback, "", "ben"), NONE);
    assert_string_equal(story_callback(&story, callback)->owner_agent_id, "ben");
    assert_int_equal(story_callback(&story, callback)->owner_end_ms, AT(due + hour)); /* 3.4 */
    assert_int_equal(story_callback(&story, callback)->due_ms, AT(due));
    story_at(&story, due);
    assert_string_equal(story_offered_to(&story), "ben");
    assert_true(story_routing(&story, "routing.offer", 0)->offer->owned);
    story_close(&story);
}

static void rule_9_2_to_another_owner_in_line_keeps_the_place(void **state)
{
    struct story story;
    const char *callback = open_owned(&story);
    const PB(CallbackEntity) * cb;

    (void)state;
    away(&story, "anna");
    story_at(&story, due + minute);
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    assert_int_equal(reassign(&story, callback, "", "ben"), NONE);
    cb = story_callback(&story, callback);
    assert_string_equal(cb->owner_agent_id, "ben");
    assert_string_equal(cb->agent_id, "ben"); /* offered to him at once */
    assert_int_equal(cb->place->entry_ms, AT(due));
    assert_counts(&story, "sales", 2, 0, 0, 1); /* 10.6 */
    story_close(&story);
}

/* Ownership ends at due + duration, stamped now: a shorter one may be over already (3.4). */
static void rule_3_4_reassigned_when_the_new_ownership_is_over(void **state)
{
    for (int assigns = 0; assigns < 2; assigns++) {
        struct story story;
        const char *callback = open_owned(&story);
        PB(QueueSettings) *sales = owning(&story, "sales");

        away(&story, "anna");
        sales->agent_owned->duration_s = 3600;
        sales->agent_owned->assign_to_queue = assigns != 0;
        story_set_queue(&story, sales);
        story_at(&story, due + hour);
        assert_int_equal(reassign(&story, callback, "", "ben"), NONE);
        if (assigns) {
            assert_string_equal(story_callback(&story, callback)->owner_agent_id, "");
            assert_int_equal(
                story_routing(&story, "routing.callback_notice", 0)->callback_notice->reason,
                REASON(OWNERSHIP_EXPIRED));
        } else {
            assert_null(story_callback(&story, callback));
            assert_int_equal(
                story_routing(&story, "routing.callback_ended", 0)->callback_ended->reason,
                REASON(OWNERSHIP_EXPIRED));
        }
        story_close(&story);
    }
    (void)state;
}

static void rule_3_7_to_an_agent_not_in_the_queue(void **state)
{
    struct story story;
    const char *callback = open_owned(&story);

    (void)state;
    story_ready(&story, "carl", "plain");
    assert_int_equal(reassign(&story, callback, "", "carl"), REASON(NOT_A_MEMBER));
    assert_int_equal(reassign(&story, callback, "support", "anna"), REASON(NOT_A_MEMBER));
    assert_string_equal(story_callback(&story, callback)->place->queue_id, "sales");
    assert_string_equal(story_callback(&story, callback)->owner_agent_id, "anna");
    assert_int_equal(reassign(&story, callback, "support", "ben"), NONE);
    assert_string_equal(story_callback(&story, callback)->place->queue_id, "support");
    assert_string_equal(story_callback(&story, callback)->owner_agent_id, "ben");
    story_at(&story, due);
    assert_string_equal(story_offered_to(&story), "ben");
    story_close(&story);
}

static void rule_3_7_to_a_queue_without_ownership_the_owner_is_dropped(void **state)
{
    static const PB(Reason) rows[] = {REASON(OWNERSHIP_OFF), REASON(NO_PREFERRED_AGENT_RULE)};

    (void)state;
    for (size_t at = 0; at < 2; at++) {
        struct story story;
        const char *callback = open_owned(&story);
        const PB(RoutingEvent) * notice;
        PB(QueueSettings) *plain = owning(&story, "plain");

        if (rows[at] == REASON(OWNERSHIP_OFF))
            plain->agent_owned->enabled = false;
        else
            plain->n_rings = 0;
        story_set_queue(&story, plain);
        story_ready(&story, "carl", "plain");
        assert_int_equal(reassign(&story, callback, "plain", "anna"), rows[at]);
        assert_int_equal(reassign(&story, callback, "plain", ""), NONE);
        assert_string_equal(story_callback(&story, callback)->owner_agent_id, "");
        assert_int_equal(story_callback(&story, callback)->owner_end_ms, 0);
        notice = story_routing(&story, "routing.callback_notice", 0);
        assert_int_equal(notice->callback_notice->reason, rows[at]);
        assert_string_equal(notice->callback_notice->agent_id, "anna");
        story_at(&story, due);
        assert_string_equal(story_offered_to(&story), "carl");
        assert_int_equal(story_counters(&story, "plain")->callbacks->offered, 1);
        story_close(&story);
    }
}

/* "support" has ownership too: the owner stays, though he is not in it; he may join. */
static void rule_3_7_to_a_queue_with_ownership_the_owner_stays(void **state)
{
    struct story story;
    const char *callback = open_owned(&story);

    (void)state;
    assert_int_equal(reassign(&story, callback, "support", ""), NONE);
    assert_string_equal(story_callback(&story, callback)->owner_agent_id, "anna");
    story_at(&story, due);
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    story_joins(&story, "anna", "sales support");
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

static void rule_3_7_owner_removed_then_reassigned(void **state)
{
    struct story story;
    const char *callback = open_owned(&story);
    PB(QueueSettings) *support = owning(&story, "support");

    (void)state;
    story_remove_agent(&story, "anna");
    story_at(&story, due + minute);
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    assert_int_equal(reassign(&story, callback, "", "ben"), NONE); /* what it waited for */
    assert_string_equal(story_offered_to(&story), "ben");
    story_close(&story);
    callback = open_owned(&story);
    support = owning(&story, "support");
    support->agent_owned->assign_to_queue = true;
    story_set_queue(&story, support);
    story_remove_agent(&story, "anna");
    story_at(&story, due + minute);
    assert_int_equal(reassign(&story, callback, "support", ""), NONE); /* takes over at once */
    assert_string_equal(story_callback(&story, callback)->owner_agent_id, "");
    assert_string_equal(story_offered_to(&story), "ben");
    story_close(&story);
}

static void rule_1_6_reassigned_stands_at_the_end_of_the_other_queue(void **state)
{
    struct story story;
    const char *callback = open_inherited(&story, false);
    const PB(CallbackEntity) * cb;

    (void)state;
    story_at(&story, 40000);
    assert_int_equal(reassign(&story, callback, "support", ""), NONE);
    cb = story_callback(&story, callback);
    assert_int_equal(cb->state, STATE(WAITING));
    assert_string_equal(cb->place->queue_id, "support");
    assert_int_equal(cb->place->entry_ms, AT(40000));
    assert_string_equal(cb->place->tie_break, callback);
    assert_int_equal(cb->routing->priority, 0);
    assert_int_equal(cb->routing->n_skills, 0);
    assert_int_equal(cb->stay_ms, AT(40000));
    story_presence(&story, "ben", PRESENCE(ON_QUEUE));
    assert_string_equal(story_offered_to(&story), "ben"); /* who has no skill */
    story_close(&story);
}

static void rule_1_7_reassigned_keeps_inherited_routing_data(void **state)
{
    struct story story;
    const char *callback = open_inherited(&story, true);
    const PB(CallbackEntity) * cb;

    (void)state;
    assert_int_equal(reassign(&story, callback, "support", ""), NONE);
    cb = story_callback(&story, callback);
    assert_int_equal(cb->routing->priority, 2);
    assert_string_equal(cb->routing->skills[0], "loans");
    assert_string_equal(cb->routing->language, "he");
    story_close(&story);
}

static void rule_10_6_reassigned_flows_out_and_is_offered_to_the_other_queue(void **state)
{
    struct story story;
    const char *callback = open_inherited(&story, false);
    size_t count;

    (void)state;
    story_at(&story, 45000);
    assert_int_equal(reassign(&story, callback, "support", ""), NONE);
    assert_int_equal(story_metric(&story, METRIC(T_FLOW_OUT), "sales", &count), 15000);
    assert_int_equal(count, 1);
    assert_counts(&story, "sales", 1, 0, 0, 1);
    assert_counts(&story, "support", 1, 0, 0, 0);
    assert_string_equal(story_analytics(&story, "analytics.segment", 0)->queue_id, "sales");
    story_close(&story);
}

static void rule_11_3_reassigned_while_offered_is_revoked(void **state)
{
    struct story story;
    const char *callback = open_owned(&story);

    (void)state;
    story_at(&story, due);
    assert_string_equal(story_offered_to(&story), "anna");
    assert_int_equal(reassign(&story, callback, "", "ben"), NONE);
    assert_int_equal(story_routing(&story, "routing.revoke", 0)->revoke->reason, REASON(MOVED));
    assert_string_equal(story_routing(&story, "routing.revoke", 0)->revoke->agent_id, "anna");
    assert_string_equal(story_offered_to(&story), "ben");
    assert_counts(&story, "sales", 2, 0, 0, 1);
    story_close(&story);
}

static void rule_11_3_reassigned_while_delayed_waits_on(void **state)
{
    struct story story;
    const char *callback = open_owned(&story);
    PB(QueueSettings) *sales = owning(&story, "sales");

    (void)state;
    sales->agent_first_retries = 1;
    sales->agent_first_retry_delay_s = 60;
    story_set_queue(&story, sales);
    story_at(&story, due);
    story_accept(&story, "anna");
    story_dial(&story, "anna", callback);
    story_attempt_ended(&story, RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_BUSY);
    story_at(&story, due + 10000);
    assert_int_equal(reassign(&story, callback, "plain", ""), NONE);
    assert_int_equal(story_state(&story, callback), STATE(DELAYED));
    assert_int_equal(story_callback(&story, callback)->place->entry_ms, AT(due + 10000));
    story_ready(&story, "carl", "plain");
    story_now_on(&story);
    story_at(&story, due + 59999);
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    story_at(&story, due + 60000);
    assert_string_equal(story_offered_to(&story), "carl");
    story_close(&story);
}

/* It is there already: nothing moves, the offer stands. */
static void rule_9_2_to_its_own_queue_changes_nothing(void **state)
{
    struct story story;
    const char *callback = open_owned(&story);

    (void)state;
    story_at(&story, due);
    story_now_on(&story);
    assert_int_equal(reassign(&story, callback, "sales", ""), NONE);
    assert_int_equal(story.effects.count - story.seen, 1);
    assert_int_equal(story_state(&story, callback), STATE(OFFERED));
    assert_string_equal(story_callback(&story, callback)->owner_agent_id, "anna");
    story_close(&story);
}

/* The queue was removed by force and its callbacks are about to end: nothing is put off in it. */
static void rule_12_15_not_rescheduled_in_a_removed_queue(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_queues(&story);
    away(&story, "ben");
    story_ask(&story, "r1", story_create(&story, "i1", "sales"));
    callback = story_text(&story, story_made(&story));
    story_remove_queue(&story, "sales", true);
    assert_int_equal(reschedule(&story, "", callback, due), REASON(QUEUE_REMOVED));
    story_close(&story);
}

/* Its call counts as the other queue's, whose caller ID is stamped when it comes there (12.15). */
static void rule_1_5_reassigned_shows_the_other_queues_caller_id(void **state)
{
    static const char *const anis[] = {"+15550100", "+15550101", "+15550102"};
    struct story story;
    const char *callback = open_inherited(&story, false);

    (void)state;
    for (int at = 0; at < 3; at++) {
        PB(QueueSettings) *support = owning(&story, "support");

        if (at == 2) /* moved while the second one holds */
            assert_int_equal(reassign(&story, callback, "support", ""), NONE);
        support->ani = story_text(&story, anis[at]);
        story_at(&story, 40000 + 1000 * at);
        story_set_queue(&story, support);
    }
    story_at(&story, 50000);
    story_presence(&story, "ben", PRESENCE(ON_QUEUE));
    story_accept(&story, "ben");
    story_dial(&story, "ben", callback);
    assert_string_equal(story_routing(&story, "routing.place_call", 0)->place_call->caller_id,
                        "+15550101");
    story_close(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_11_3_rescheduled_before_due_has_the_new_due),
        cmocka_unit_test(rule_11_3_rescheduled_within_the_bounds_of_2_2),
        cmocka_unit_test(rule_3_2_rescheduling_beyond_ahead_is_too_far),
        cmocka_unit_test(rule_2_3_rescheduled_to_a_local_time),
        cmocka_unit_test(rule_1_7_rescheduled_gives_up_place_and_routing_data),
        cmocka_unit_test(rule_1_7_rescheduled_keeps_inherited_routing_data),
        cmocka_unit_test(rule_10_6_rescheduled_in_line_is_flow_out_and_offered_again_at_due),
        cmocka_unit_test(rule_11_3_rescheduled_while_offered_is_revoked),
        cmocka_unit_test(rule_11_3_rescheduled_by_its_holder_frees_him),
        cmocka_unit_test(rule_6_2_rescheduled_keeps_caller_id_and_name),
        cmocka_unit_test(rule_11_3_rescheduled_while_delayed_begins_anew),
        cmocka_unit_test(rule_2_5_rescheduled_goes_to_its_scheduler_again),
        cmocka_unit_test(rule_3_5_owned_ones_are_locked_for_15_minutes_before_due),
        cmocka_unit_test(rule_3_5_the_commands_timestamp_counts),
        cmocka_unit_test(rule_3_5_those_without_an_owner_are_never_locked),
        cmocka_unit_test(rule_3_5_cancel_is_never_locked),
        cmocka_unit_test(rule_3_5_an_owners_removal_lifts_the_lock),
        cmocka_unit_test(rule_3_5_its_holder_may_always_reschedule),
        cmocka_unit_test(rule_9_2_to_an_agent_owned_ones_alone),
        cmocka_unit_test(rule_9_2_unknown_agents_and_long_ids),
        cmocka_unit_test(rule_9_2_to_another_owner_before_due),
        cmocka_unit_test(rule_9_2_to_another_owner_in_line_keeps_the_place),
        cmocka_unit_test(rule_3_4_reassigned_when_the_new_ownership_is_over),
        cmocka_unit_test(rule_3_7_to_an_agent_not_in_the_queue),
        cmocka_unit_test(rule_3_7_to_a_queue_without_ownership_the_owner_is_dropped),
        cmocka_unit_test(rule_3_7_to_a_queue_with_ownership_the_owner_stays),
        cmocka_unit_test(rule_3_7_owner_removed_then_reassigned),
        cmocka_unit_test(rule_1_6_reassigned_stands_at_the_end_of_the_other_queue),
        cmocka_unit_test(rule_1_7_reassigned_keeps_inherited_routing_data),
        cmocka_unit_test(rule_10_6_reassigned_flows_out_and_is_offered_to_the_other_queue),
        cmocka_unit_test(rule_11_3_reassigned_while_offered_is_revoked),
        cmocka_unit_test(rule_11_3_reassigned_while_delayed_waits_on),
        cmocka_unit_test(rule_9_2_to_its_own_queue_changes_nothing),
        cmocka_unit_test(rule_12_15_not_rescheduled_in_a_removed_queue),
        cmocka_unit_test(rule_1_5_reassigned_shows_the_other_queues_caller_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
