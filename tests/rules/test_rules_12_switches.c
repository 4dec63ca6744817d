/* Chapter 12, what a queue or a domain turns on: accepting, serving (12.10), waiting_max (12.4),
 * blocked numbers (12.11), snooze (12.12), expiry (12.13). */
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

enum { minute = 60000, hour = 60 * minute };

static PB(Reason) ask(struct story *story, const char *request, const char *interaction)
{
    story_enter(story, interaction, "sales");
    story_ask(story, request, story_create(story, interaction, "sales"));
    return story_reason(story);
}

static PB(Reason) snooze(struct story *story, const char *callback, uint32_t minutes)
{
    PB(Command) *command = story_command(story, NULL, "", callback);

    command->command_case = RINGBACK__V1__COMMAND__COMMAND_SNOOZE;
    command->snooze = arena_alloc(&story->arena, sizeof(*command->snooze));
    ringback__v1__snooze__init(command->snooze);
    command->snooze->minutes = minutes;
    story_do(story, command);
    return story_reason(story);
}

static PB(Reason) customer_snooze(struct story *story, const char *callback, const char *attempt,
                                  uint32_t minutes)
{
    PB(FlowEvent) event = RINGBACK__V1__FLOW_EVENT__INIT;
    PB(CustomerSnooze) body = RINGBACK__V1__CUSTOMER_SNOOZE__INIT;
    static int number;

    event.id = arena_format(&story->arena, "customer-%d", number++);
    event.event_case = RINGBACK__V1__FLOW_EVENT__EVENT_CUSTOMER_SNOOZE;
    event.customer_snooze = &body;
    body.callback_id = story_text(story, callback);
    body.attempt_id = story_text(story, attempt);
    body.minutes = minutes;
    story_flow(story, &event);
    return story_reason(story);
}

static void block(struct story *story, const char *country_code, const char *number, bool prefix)
{
    PB(SettingsEvent) event = RINGBACK__V1__SETTINGS_EVENT__INIT;
    PB(DomainSettings) domain = RINGBACK__V1__DOMAIN_SETTINGS__INIT;
    PB(BlockedNumber) blocked = RINGBACK__V1__BLOCKED_NUMBER__INIT;
    PB(BlockedNumber) * list[] = {&blocked};

    event.id = arena_format(&story->arena, "block-%d", (int)story->version);
    event.event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_DOMAIN;
    event.domain = &domain;
    domain.version = ++story->version;
    domain.country_code = story_text(story, country_code);
    domain.blocked_numbers = list;
    domain.n_blocked_numbers = number == NULL ? 0 : 1;
    blocked.number = story_text(story, number == NULL ? "" : number);
    blocked.prefix = prefix;
    story_send(story, INPUT_SETTINGS, &event.base);
    assert_int_equal(story_reason(story), NONE);
}

static void open_sales(struct story *story, void (*change)(PB(QueueSettings) *))
{
    PB(QueueSettings) * settings;

    story_open(story);
    settings = story_queue(story, "sales");
    if (change != NULL)
        change(settings);
    story_set_queue(story, settings);
    story_at(story, 5000);
}

static void expires_in_an_hour(PB(QueueSettings) * settings)
{
    settings->expire_after_s = 3600;
}

static void end_reason(struct story *story, const char *callback, PB(Reason) reason)
{
    const PB(RoutingEvent) *ended = story_routing(story, "routing.callback_ended", 0);

    assert_non_null(ended);
    assert_string_equal(ended->callback_id, callback);
    assert_int_equal(ended->callback_ended->reason, reason);
    assert_null(story_callback(story, callback));
}

/* --- 12.10 --- */

static void rule_12_10_not_accepting_refuses_new_requests_alone(void **state)
{
    struct story story;
    PB(QueueSettings) * settings;
    const char *before, *scheduled;

    (void)state;
    open_sales(&story, NULL);
    assert_int_equal(ask(&story, "r1", "i1"), NONE);
    before = story_text(&story, story_made(&story));
    story_ready(&story, "anna", "sales");
    story_accept(&story, "anna");
    story_do(&story, story_schedule(&story, NULL, "anna", before, hour));
    scheduled = story_text(&story, story_made(&story));
    settings = story_queue(&story, "sales");
    settings->accepting = RINGBACK__V1__TOGGLE__TOGGLE_OFF;
    story_set_queue(&story, settings);
    assert_int_equal(ask(&story, "r2", "i2"), REASON(NOT_ACCEPTING));
    story_leave(&story, "i2", RINGBACK__V1__LEFT_REASON__LEFT_REASON_ABANDONED);
    story_enter(&story, "i3", "sales");
    story_connect(&story, "i3", "anna");
    story_do(&story, story_schedule(&story, NULL, "anna", "i3", hour));
    assert_int_equal(story_reason(&story), REASON(NOT_ACCEPTING));
    story_at(&story, hour);
    assert_int_equal(story_state(&story, scheduled), STATE(WAITING)); /* due ones come in */
    settings = story_queue(&story, "sales");
    story_set_queue(&story, settings);
    assert_int_equal(ask(&story, "r4", "i4"), NONE);
    story_close(&story);
}

static void serve(struct story *story, bool serving)
{
    PB(QueueSettings) *settings = story_queue(story, "sales");

    settings->serving =
        serving ? RINGBACK__V1__TOGGLE__TOGGLE_ON : RINGBACK__V1__TOGGLE__TOGGLE_OFF;
    story_set_queue(story, settings);
}

static void rule_12_10_not_serving_offers_nothing_and_takes_requests(void **state)
{
    struct story story;

    (void)state;
    open_sales(&story, NULL);
    serve(&story, false);
    story_ready(&story, "anna", "sales");
    assert_int_equal(ask(&story, "r1", "i1"), NONE); /* accepting is another switch */
    story_at(&story, hour);
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    assert_int_equal(story_state(&story, story_made(&story)), STATE(WAITING));
    serve(&story, true);
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

static void rule_12_10_the_other_queues_go_on_being_served(void **state)
{
    struct story story;

    (void)state;
    open_sales(&story, NULL);
    story_set_queue(&story, story_queue(&story, "help"));
    assert_int_equal(ask(&story, "r1", "i1"), NONE);
    serve(&story, false);
    story_enter(&story, "i2", "help");
    story_ask(&story, "r2", story_create(&story, "i2", "help"));
    story_ready(&story, "anna", "sales");
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    story_joins(&story, "anna", "sales help");
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    assert_string_equal(story_routing(&story, "routing.offer", 0)->callback_id, story_made(&story));
    story_close(&story);
}

static void rule_12_10_live_calls_still_count_on_their_agents(void **state)
{
    struct story story;

    (void)state;
    open_sales(&story, NULL);
    story_set_queue(&story, story_queue(&story, "help"));
    serve(&story, false);
    story_enter(&story, "live", "sales");
    story_at(&story, 6000);
    story_enter(&story, "i2", "help");
    story_ask(&story, "r2", story_create(&story, "i2", "help"));
    story_ready(&story, "anna", "sales");
    story_joins(&story, "anna", "sales help");
    assert_int_equal(story_count(&story, "routing.offer"), 0); /* the switch has her */
    story_leave(&story, "live", RINGBACK__V1__LEFT_REASON__LEFT_REASON_ABANDONED);
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_close(&story);
}

static void rule_12_10_a_last_agent_is_not_tried(void **state)
{
    struct story story;
    PB(CreateCallback) * create;
    PB(QueueSettings) * settings;

    (void)state;
    open_sales(&story, NULL);
    story_ready(&story, "anna", "sales");
    settings = story_queue(&story, "sales");
    settings->serving = RINGBACK__V1__TOGGLE__TOGGLE_OFF;
    settings->last_agent = RINGBACK__V1__LAST_AGENT__LAST_AGENT_ANY;
    story_set_queue(&story, settings);
    create = story_create(&story, "i1", "sales");
    create->facts->last_agent_id = story_text(&story, "anna");
    story_ask(&story, "r1", create);
    assert_int_equal(story_reason(&story), NONE);
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    story_close(&story);
}

/* With an agent who accepted; the queue serves no more from 10 s on. */
static const char *held_when_closed(struct story *story, void (*change)(PB(QueueSettings) *))
{
    PB(QueueSettings) * settings;
    const char *callback;

    open_sales(story, change);
    story_ready(story, "anna", "sales");
    assert_int_equal(ask(story, "r1", "i1"), NONE);
    callback = story_text(story, story_made(story));
    story_at(story, 10000);
    settings = story_queue(story, "sales");
    if (change != NULL)
        change(settings);
    settings->serving = RINGBACK__V1__TOGGLE__TOGGLE_OFF;
    story_set_queue(story, settings);
    assert_int_equal(story_count(story, "routing.revoke"), 0); /* what began goes on */
    story_accept(story, "anna");
    assert_int_equal(story_state(story, callback), STATE(WITH_AGENT));
    return callback;
}

static void rule_12_10_the_holder_dials_for_a_while(void **state)
{
    static const struct {
        int64_t at_ms;
        PB(Reason) reason;
    } rows[] = {
        {10000 + 15 * minute - 1, NONE},
        {10000 + 15 * minute, NONE},
        {10000 + 15 * minute + 1, REASON(OUTSIDE_WINDOW)},
    };

    (void)state;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        struct story story;
        const char *callback = held_when_closed(&story, NULL);

        story_at(&story, rows[row].at_ms);
        story_dial(&story, "anna", callback);
        assert_int_equal(story_reason(&story), rows[row].reason);
        assert_int_equal(story_count(&story, "routing.place_call"), rows[row].reason == NONE);
        assert_int_equal(story_state(&story, callback),
                         rows[row].reason == NONE ? STATE(DIALLING) : STATE(WITH_AGENT));
        serve(&story, true);
        if (rows[row].reason != NONE) {
            story_dial(&story, "anna", callback);
            assert_int_equal(story_state(&story, callback), STATE(DIALLING));
        }
        story_close(&story);
    }
}

static void dials_after_a_minute(PB(QueueSettings) * settings)
{
    static PB(AutoDial) auto_dial = RINGBACK__V1__AUTO_DIAL__INIT;

    auto_dial.delay_s = 60;
    settings->auto_dial = &auto_dial;
}

static void rule_12_10_what_is_saved_says_since_when(void **state)
{
    struct story story;
    const char *callback = held_when_closed(&story, NULL);

    (void)state;
    story_at(&story, 5 * minute);
    serve(&story, false); /* off as before: the time stands */
    story_at(&story, 10000 + 15 * minute + 1);
    story_dial(&story, "anna", callback);
    assert_int_equal(story_reason(&story), REASON(OUTSIDE_WINDOW));
    story_close(&story);
}

static void rule_12_10_auto_dial_does_not_start(void **state)
{
    struct story story;
    const PB(RoutingEvent) * notice;
    const char *callback = held_when_closed(&story, dials_after_a_minute);

    (void)state;
    story_at(&story, 10000 + minute - 1);
    assert_int_equal(story_count(&story, "routing.callback_notice"), 0);
    story_at(&story, 10000 + minute);
    assert_int_equal(story_count(&story, "routing.place_call"), 0);
    notice = story_routing(&story, "routing.callback_notice", 0);
    assert_non_null(notice);
    assert_int_equal(notice->callback_notice->reason, REASON(OUTSIDE_WINDOW));
    assert_string_equal(notice->callback_notice->agent_id, "anna");
    story_dial(&story, "anna", callback); /* his own Dial is another thing */
    assert_int_equal(story_state(&story, callback), STATE(DIALLING));
    story_close(&story);
}

static void retries_once(PB(QueueSettings) * settings)
{
    settings->agent_first_retries = 1;
    settings->agent_first_retry_delay_s = 60;
}

static void rule_12_10_a_retry_waits_for_serving(void **state)
{
    struct story story;
    const char *callback = held_when_closed(&story, retries_once);
    PB(QueueSettings) * settings;

    (void)state;
    story_dial(&story, "anna", callback);
    story_attempt_ended(&story, RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_NO_ANSWER);
    assert_int_equal(story_state(&story, callback), STATE(DELAYED));
    story_at(&story, 30 * minute);
    story_status(&story, "anna", STATUS(IDLE));
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    settings = story_queue(&story, "sales");
    retries_once(settings);
    story_now_on(&story);
    story_set_queue(&story, settings);
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_close(&story);
}

static void rule_12_10_a_transfer_to_an_agent_is_an_offer(void **state)
{
    struct story story;
    const char *callback = held_when_closed(&story, NULL);
    PB(Command) * command;

    (void)state;
    story_ready(&story, "ben", "sales");
    command = story_command(&story, NULL, "anna", callback);
    command->command_case = RINGBACK__V1__COMMAND__COMMAND_TRANSFER;
    command->transfer = arena_alloc(&story.arena, sizeof(*command->transfer));
    ringback__v1__transfer__init(command->transfer);
    command->transfer->to_agent_id = story_text(&story, "ben");
    story_do(&story, command);
    assert_int_equal(story_reason(&story), REASON(OUTSIDE_WINDOW));
    assert_int_equal(story_state(&story, callback), STATE(WITH_AGENT));
    story_close(&story);
}

/* --- 12.4 --- */

static void two_wait(PB(QueueSettings) * settings)
{
    settings->waiting_max = 2;
}

static void rule_12_4_so_many_wait_and_no_more(void **state)
{
    struct story story;
    const char *first;

    (void)state;
    open_sales(&story, two_wait);
    assert_int_equal(ask(&story, "r1", "i1"), NONE);
    first = story_text(&story, story_made(&story));
    assert_int_equal(ask(&story, "r2", "i2"), NONE);
    assert_int_equal(ask(&story, "r3", "i3"), REASON(QUEUE_FULL));
    assert_int_equal(snooze(&story, first, 5), NONE); /* snoozed, offered and delayed ones count */
    assert_int_equal(ask(&story, "r4", "i4"), REASON(QUEUE_FULL));
    story_ready(&story, "anna", "sales");
    assert_int_equal(ask(&story, "r5", "i5"), REASON(QUEUE_FULL));
    story_accept(&story, "anna"); /* one that an agent has does not */
    assert_int_equal(ask(&story, "r6", "i6"), NONE);
    assert_int_equal(ask(&story, "r7", "i7"), REASON(QUEUE_FULL));
    story_close(&story);
}

/* --- 12.11 --- */

static void rule_12_11_blocked_numbers_are_refused(void **state)
{
    static const struct {
        const char *country, *number;
        bool prefix, blocked;
    } rows[] = {
        {"", "+97235551234", false, true},
        {"", "+97235551235", false, false},
        {"", "+9723555", true, true},
        {"", "+9724", true, false},
        {"972", "0097235551234", false, true},
        {"972", "035551234", false, true},
        {"972", "03555", true, true},
        {"972", "009723", true, true},
        {"972", "04", true, false},
        {"", NULL, false, false},
    };

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        struct story story;

        open_sales(&story, NULL);
        block(&story, rows[at].country, rows[at].number, rows[at].prefix);
        if (ask(&story, "r1", "i1") != (rows[at].blocked ? REASON(NUMBER_BLOCKED) : NONE))
            fail_msg("row %zu", at);
        story_close(&story);
    }
}

static void rule_12_11_blocked_later_ends_at_its_next_offer(void **state)
{
    struct story story;
    const char *first, *second;

    (void)state;
    open_sales(&story, NULL);
    assert_int_equal(ask(&story, "r1", "i1"), NONE);
    first = story_text(&story, story_made(&story));
    story_at(&story, 6000);
    story_enter(&story, "i2", "sales");
    {
        PB(CreateCallback) *create = story_create(&story, "i2", "sales");

        create->number = story_text(&story, "+15550100");
        story_ask(&story, "r2", create);
    }
    second = story_text(&story, story_made(&story));
    block(&story, "", "+97235551234", false);
    assert_int_equal(story_state(&story, first), STATE(WAITING));
    story_at(&story, 10000);
    story_now_on(&story);
    story_ready(&story, "anna", "sales");
    end_reason(&story, first, REASON(NUMBER_BLOCKED));
    assert_int_equal(story_count(&story, "routing.offer"), 1); /* he who was free takes the next */
    assert_string_equal(story_routing(&story, "routing.offer", 0)->callback_id, second);
    story_close(&story);
}

static void rule_12_11_blocked_later_ends_at_its_dial(void **state)
{
    (void)state;
    for (int by_itself = 0; by_itself < 2; by_itself++) {
        struct story story;
        PB(QueueSettings) * settings;
        PB(AutoDial) auto_dial = RINGBACK__V1__AUTO_DIAL__INIT;
        const char *callback;

        story_open(&story);
        settings = story_queue(&story, "sales");
        auto_dial.delay_s = 60;
        settings->auto_dial = by_itself ? &auto_dial : NULL;
        story_set_queue(&story, settings);
        story_ready(&story, "anna", "sales");
        assert_int_equal(ask(&story, "r1", "i1"), NONE);
        callback = story_text(&story, story_made(&story));
        story_accept(&story, "anna");
        block(&story, "", "+97235551234", false);
        story_now_on(&story);
        if (by_itself) {
            story_at(&story, 60000);
        } else {
            story_dial(&story, "anna", callback);
            assert_int_equal(story_reason(&story), REASON(NUMBER_BLOCKED));
        }
        assert_int_equal(story_count(&story, "routing.place_call"), 0);
        end_reason(&story, callback, REASON(NUMBER_BLOCKED));
        story_close(&story);
    }
}

/* --- 12.12 --- */

static void rule_12_12_snoozed_keeps_its_place(void **state)
{
    (void)state;
    for (int keeps = 0; keeps < 2; keeps++) {
        struct story story;
        PB(QueueSettings) * settings;
        const char *first, *second;

        open_sales(&story, NULL);
        settings = story_queue(&story, "sales");
        settings->snooze_keeps_place =
            keeps ? RINGBACK__V1__TOGGLE__TOGGLE_UNSPECIFIED : RINGBACK__V1__TOGGLE__TOGGLE_OFF;
        story_set_queue(&story, settings);
        assert_int_equal(ask(&story, "r1", "i1"), NONE);
        first = story_text(&story, story_made(&story));
        story_at(&story, 6000);
        assert_int_equal(ask(&story, "r2", "i2"), NONE);
        second = story_text(&story, story_made(&story));
        story_at(&story, 10000);
        assert_int_equal(snooze(&story, first, 5), NONE);
        assert_int_equal(story_state(&story, first), STATE(SNOOZED));
        story_at(&story, 10000 + 5 * minute - 1);
        assert_int_equal(story_state(&story, first), STATE(SNOOZED));
        story_at(&story, 10000 + 5 * minute);
        assert_int_equal(story_state(&story, first), STATE(WAITING));
        story_now_on(&story);
        story_ready(&story, "anna", "sales");
        assert_string_equal(story_routing(&story, "routing.offer", 0)->callback_id,
                            keeps ? first : second);
        assert_int_equal(story_callback(&story, first)->place->entry_ms,
                         keeps ? AT(5000) : AT(10000 + 5 * minute));
        story_close(&story);
    }
}

static void rule_12_12_range_and_times(void **state)
{
    struct story story;
    PB(QueueSettings) * settings;
    PB(SnoozeLimit) limit = RINGBACK__V1__SNOOZE_LIMIT__INIT;
    const char *callback;

    (void)state;
    open_sales(&story, NULL);
    assert_int_equal(ask(&story, "r1", "i1"), NONE);
    callback = story_text(&story, story_made(&story));
    assert_int_equal(snooze(&story, callback, 4), REASON(SNOOZE_RANGE));
    assert_int_equal(snooze(&story, callback, 1441), REASON(SNOOZE_RANGE));
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    assert_int_equal(snooze(&story, callback, 1440), NONE);
    assert_int_equal(story_callback(&story, callback)->resume_ms, AT(5000 + 1440 * minute));
    assert_int_equal(snooze(&story, callback, 5), NONE); /* again while it sleeps */
    assert_int_equal(story_callback(&story, callback)->resume_ms, AT(5000 + 5 * minute));
    assert_int_equal(snooze(&story, callback, 5), REASON(SNOOZE_LIMIT));
    settings = story_queue(&story, "sales");
    limit.times = 3;
    settings->snooze_limit = &limit;
    story_set_queue(&story, settings);
    assert_int_equal(snooze(&story, callback, 5), NONE);
    assert_int_equal(snooze(&story, callback, 5), REASON(SNOOZE_LIMIT));
    story_close(&story);
}

static void rule_12_12_not_beyond_expiry(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_sales(&story, expires_in_an_hour);
    assert_int_equal(ask(&story, "r1", "i1"), NONE);
    callback = story_text(&story, story_made(&story));
    story_at(&story, 5000 + 10 * minute);
    assert_int_equal(snooze(&story, callback, 51), REASON(SNOOZE_RANGE));
    assert_int_equal(snooze(&story, callback, 50), NONE);
    story_close(&story);
}

static void rule_12_12_an_offer_is_revoked(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_sales(&story, NULL);
    story_ready(&story, "anna", "sales");
    assert_int_equal(ask(&story, "r1", "i1"), NONE);
    callback = story_text(&story, story_made(&story));
    story_now_on(&story);
    assert_int_equal(customer_snooze(&story, callback, "", 10), NONE);
    assert_string_equal(story_result(&story)->callback_accepted->callback_id, callback);
    assert_int_equal(story_routing(&story, "routing.revoke", 0)->revoke->reason, REASON(MOVED));
    assert_int_equal(story_state(&story, callback), STATE(SNOOZED));
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    story_at(&story, 5000 + 10 * minute);
    assert_string_equal(story_offered_to(&story), "anna");
    assert_int_equal(story_counters(&story, "sales")->callbacks->offered, 1); /* one stay: 10.6 */
    story_close(&story);
}

static void rule_12_12_asked_in_an_attempt_it_ends_and_uses_no_retry(void **state)
{
    struct story story;
    PB(QueueSettings) * settings;
    const char *callback, *attempt;

    (void)state;
    open_sales(&story, NULL);
    settings = story_queue(&story, "sales");
    settings->agent_first_retries = 1;
    story_set_queue(&story, settings);
    story_ready(&story, "anna", "sales");
    assert_int_equal(ask(&story, "r1", "i1"), NONE);
    callback = story_text(&story, story_made(&story));
    story_accept(&story, "anna");
    story_dial(&story, "anna", callback);
    attempt =
        story_text(&story, story_routing(&story, "routing.place_call", 0)->place_call->attempt_id);
    story_now_on(&story);
    assert_int_equal(customer_snooze(&story, "", "no-such", 30), REASON(CALLBACK_UNKNOWN));
    assert_int_equal(customer_snooze(&story, "", attempt, 30), NONE);
    assert_int_equal(story_routing(&story, "routing.hang_up", 0)->hang_up->reason, REASON(SNOOZED));
    assert_string_equal(
        story_routing(&story, "routing.agent_released", 0)->agent_released->agent_id, "anna");
    assert_int_equal(story_state(&story, callback), STATE(SNOOZED));
    assert_int_equal(story_callback(&story, callback)->retries, 0);
    assert_int_equal(story_callback(&story, callback)->snoozes, 1);
    assert_int_equal(story_callback(&story, callback)->place->entry_ms, AT(5000));
    story_attempt_ended(&story, RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_FAILED);
    assert_int_equal(story_state(&story, callback), STATE(SNOOZED)); /* the late outcome */
    story_status(&story, "anna", STATUS(IDLE));
    story_at(&story, 5000 + 30 * minute);
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

static void rule_12_12_of_one_that_has_ended(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_sales(&story, NULL);
    assert_int_equal(ask(&story, "r1", "i1"), NONE);
    callback = story_text(&story, story_made(&story));
    story_cancel(&story, callback);
    assert_int_equal(customer_snooze(&story, callback, "", 10), REASON(CALLBACK_ENDED));
    assert_int_equal(customer_snooze(&story, "rubbish", "", 10), REASON(CALLBACK_UNKNOWN));
    story_close(&story);
}

/* --- 12.13 --- */

static void rule_12_13_expires_in_line(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_sales(&story, expires_in_an_hour);
    assert_int_equal(ask(&story, "r1", "i1"), NONE);
    callback = story_text(&story, story_made(&story));
    story_at(&story, 5000 + hour - 1);
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    story_at(&story, 5000 + hour);
    end_reason(&story, callback, REASON(EXPIRED));
    assert_int_equal(story_counters(&story, "sales")->callbacks->abandoned, 1);
    story_close(&story);
}

static void rule_12_13_counts_from_due(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_sales(&story, expires_in_an_hour);
    story_enter(&story, "i1", "sales");
    story_connect(&story, "i1", "anna");
    story_set_agent(&story, story_agent(&story, "anna"));
    story_do(&story, story_schedule(&story, NULL, "anna", "i1", 5 * hour));
    callback = story_text(&story, story_made(&story));
    story_at(&story, 6 * hour - 1);
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    story_at(&story, 6 * hour);
    end_reason(&story, callback, REASON(EXPIRED));
    story_close(&story);
}

static void rule_12_13_what_is_with_an_agent_finishes_and_ends_when_it_comes_back(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_sales(&story, expires_in_an_hour);
    assert_int_equal(ask(&story, "r1", "i1"), NONE);
    callback = story_text(&story, story_made(&story));
    story_at(&story, 5000 + hour - 10000);
    story_ready(&story, "anna", "sales");
    story_at(&story, 5000 + hour + 10000);
    assert_int_equal(story_state(&story, callback), STATE(OFFERED)); /* it is let finish */
    story_now_on(&story);
    story_decline(&story, "anna");
    end_reason(&story, callback, REASON(EXPIRED));
    story_close(&story);
}

/* The setting is read when it is used (12.15): it may end a snooze that reached less far before. */
static void rule_12_13_a_snoozed_one_expires_where_the_time_is_made_shorter(void **state)
{
    struct story story;
    PB(QueueSettings) * settings;
    const char *callback;

    (void)state;
    open_sales(&story, NULL);
    assert_int_equal(ask(&story, "r1", "i1"), NONE);
    callback = story_text(&story, story_made(&story));
    assert_int_equal(snooze(&story, callback, 90), NONE);
    settings = story_queue(&story, "sales");
    settings->expire_after_s = 3600;
    story_set_queue(&story, settings);
    story_at(&story, 5000 + hour - 1);
    assert_int_equal(story_state(&story, callback), STATE(SNOOZED));
    story_at(&story, 5000 + hour);
    end_reason(&story, callback, REASON(EXPIRED));
    story_close(&story);
}

static void rule_12_13_read_when_used(void **state)
{
    struct story story;
    PB(QueueSettings) * settings;
    const char *callback;

    (void)state;
    open_sales(&story, NULL);
    assert_int_equal(ask(&story, "r1", "i1"), NONE);
    callback = story_text(&story, story_made(&story));
    story_at(&story, 2 * hour);
    settings = story_queue(&story, "sales");
    settings->expire_after_s = 3 * 3600;
    story_set_queue(&story, settings);
    story_at(&story, 5000 + 3 * hour - 1);
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    story_at(&story, 5000 + 3 * hour);
    end_reason(&story, callback, REASON(EXPIRED));
    story_close(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_12_10_not_accepting_refuses_new_requests_alone),
        cmocka_unit_test(rule_12_10_not_serving_offers_nothing_and_takes_requests),
        cmocka_unit_test(rule_12_10_the_other_queues_go_on_being_served),
        cmocka_unit_test(rule_12_10_live_calls_still_count_on_their_agents),
        cmocka_unit_test(rule_12_10_a_last_agent_is_not_tried),
        cmocka_unit_test(rule_12_10_the_holder_dials_for_a_while),
        cmocka_unit_test(rule_12_10_what_is_saved_says_since_when),
        cmocka_unit_test(rule_12_10_auto_dial_does_not_start),
        cmocka_unit_test(rule_12_10_a_retry_waits_for_serving),
        cmocka_unit_test(rule_12_10_a_transfer_to_an_agent_is_an_offer),
        cmocka_unit_test(rule_12_4_so_many_wait_and_no_more),
        cmocka_unit_test(rule_12_11_blocked_numbers_are_refused),
        cmocka_unit_test(rule_12_11_blocked_later_ends_at_its_next_offer),
        cmocka_unit_test(rule_12_11_blocked_later_ends_at_its_dial),
        cmocka_unit_test(rule_12_12_snoozed_keeps_its_place),
        cmocka_unit_test(rule_12_12_range_and_times),
        cmocka_unit_test(rule_12_12_not_beyond_expiry),
        cmocka_unit_test(rule_12_12_an_offer_is_revoked),
        cmocka_unit_test(rule_12_12_asked_in_an_attempt_it_ends_and_uses_no_retry),
        cmocka_unit_test(rule_12_12_of_one_that_has_ended),
        cmocka_unit_test(rule_12_13_expires_in_line),
        cmocka_unit_test(rule_12_13_counts_from_due),
        cmocka_unit_test(rule_12_13_what_is_with_an_agent_finishes_and_ends_when_it_comes_back),
        cmocka_unit_test(rule_12_13_a_snoozed_one_expires_where_the_time_is_made_shorter),
        cmocka_unit_test(rule_12_13_read_when_used),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
