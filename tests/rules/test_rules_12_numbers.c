/* Chapter 12, by number: one live callback per number (12.1), requests of a day (12.4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "state/internal.h"
#include "tests/support/story.h"

#define AT(ms)          (STORY_START_MS + (ms))
#define NONE            REASON(UNSPECIFIED)
#define DUPLICATE(name) RINGBACK__V1__DUPLICATE_NUMBER__DUPLICATE_NUMBER_##name

static const int64_t minute_ms = 60000;

static void set_domain(struct story *story, PB(DuplicateNumber) duplicates)
{
    PB(SettingsEvent) *event = arena_alloc(&story->arena, sizeof(*event));

    ringback__v1__settings_event__init(event);
    event->id = arena_format(&story->arena, "domain-%d", (int)story->version);
    event->event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_DOMAIN;
    event->domain = arena_alloc(&story->arena, sizeof(*event->domain));
    ringback__v1__domain_settings__init(event->domain);
    event->domain->version = ++story->version;
    event->domain->country_code = story_text(story, "972");
    event->domain->duplicate_number = duplicates;
    story_send(story, INPUT_SETTINGS, &event->base);
    assert_int_equal(story_reason(story), NONE);
}

static void open_domain(struct story *story, PB(DuplicateNumber) duplicates)
{
    story_open(story);
    story_set_queue(story, story_queue(story, "sales"));
    story_set_queue(story, story_queue(story, "help"));
    set_domain(story, duplicates);
}

/* For a number; the interaction is that of the request's id. */
static PB(CreateCallback) *
    for_number(struct story *story, const char *id, const char *queue, const char *number)
{
    PB(CreateCallback) *create = story_create(story, id, queue);

    create->number = story_text(story, number);
    return create;
}

static PB(Reason) ask(struct story *story, const char *id, const char *queue, const char *number)
{
    story_ask(story, id, for_number(story, id, queue, number));
    return story_reason(story);
}

static const char *made(struct story *story)
{
    return story_text(story, story_made(story));
}

static PB(Reason) end_of(struct story *story, const char *callback)
{
    const PB(RoutingEvent) * event;

    for (size_t at = 0; (event = story_routing(story, "routing.callback_ended", at)) != NULL; at++)
        if (strcmp(event->callback_id, callback) == 0)
            return event->callback_ended->reason;
    return NONE;
}

static void rule_12_1_by_default_both_live(void **state)
{
    struct story story;
    const char *first;

    (void)state;
    open_domain(&story, DUPLICATE(UNSPECIFIED));
    assert_int_equal(ask(&story, "r1", "sales", "0541234567"), NONE);
    first = made(&story);
    assert_int_equal(ask(&story, "r2", "sales", "0541234567"), NONE);
    assert_string_not_equal(made(&story), first);
    assert_int_equal(story_state(&story, first), STATE(WAITING));
    story_close(&story);
}

/* By number as 1.2 has it, in the whole domain. */
static void rule_12_1_refused_naming_the_first(void **state)
{
    struct story story;
    const char *first;

    (void)state;
    open_domain(&story, DUPLICATE(REFUSE));
    assert_int_equal(ask(&story, "r1", "sales", "0541234567"), NONE);
    first = made(&story);
    assert_int_equal(ask(&story, "r2", "help", "+972 54-123 4567"), REASON(DUPLICATE_NUMBER));
    assert_string_equal(story_result(&story)->callback_refused->callback_id, first);
    assert_int_equal(ask(&story, "r3", "sales", "0541234568"), NONE);
    story.domain = "other";
    story_set_queue(&story, story_queue(&story, "sales"));
    story.domain = "other";
    assert_int_equal(ask(&story, "r4", "sales", "+972541234567"), NONE);
    story_cancel(&story, first);
    assert_int_equal(ask(&story, "r5", "sales", "0541234567"), NONE); /* it lives no more */
    story_close(&story);
}

/* Of every state in line, with an agent and in an attempt; not behind the talk. */
static void rule_12_1_what_is_served_is_live(void **state)
{
    struct story story;
    const char *first;

    (void)state;
    open_domain(&story, DUPLICATE(REFUSE));
    story_ready(&story, "anna", "sales");
    assert_int_equal(ask(&story, "r1", "sales", "0541234567"), NONE);
    first = made(&story);
    assert_int_equal(story_state(&story, first), STATE(OFFERED));
    assert_int_equal(ask(&story, "r2", "sales", "0541234567"), REASON(DUPLICATE_NUMBER));
    story_accept(&story, "anna");
    assert_int_equal(ask(&story, "r3", "sales", "0541234567"), REASON(DUPLICATE_NUMBER));
    story_dial(&story, "anna", first);
    assert_int_equal(ask(&story, "r4", "sales", "0541234567"), REASON(DUPLICATE_NUMBER));
    story_answered(&story, RINGBACK__V1__ANSWER_KIND__ANSWER_KIND_PERSON);
    assert_int_equal(ask(&story, "r5", "sales", "0541234567"), REASON(DUPLICATE_NUMBER));
    story_at(&story, minute_ms);
    story_attempt_ended(&story, RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_HUNG_UP);
    assert_int_equal(story_state(&story, first), STATE(WRAP_UP));
    assert_int_equal(ask(&story, "r6", "sales", "0541234567"), NONE); /* he was served */
    story_close(&story);
}

static PB(Reason) leave_voicemail(struct story *story, const char *interaction)
{
    PB(FlowEvent) event = RINGBACK__V1__FLOW_EVENT__INIT;
    PB(LeaveVoicemail) voicemail = RINGBACK__V1__LEAVE_VOICEMAIL__INIT;

    event.event_case = RINGBACK__V1__FLOW_EVENT__EVENT_LEAVE_VOICEMAIL;
    event.leave_voicemail = &voicemail;
    voicemail.interaction_id = story_text(story, interaction);
    voicemail.queue_id = story_text(story, "sales");
    voicemail.recording_id = story_text(story, "rec-1");
    voicemail.number = story_text(story, "0541234567");
    voicemail.flow_type = RINGBACK__V1__FLOW_TYPE__FLOW_TYPE_IN_QUEUE_CALL;
    story_flow(story, &event);
    return story_reason(story);
}

static void rule_12_1_voicemails_and_scheduled_ones_are_no_duplicates(void **state)
{
    struct story story;
    PB(Command) * command;
    const char *later;

    (void)state;
    open_domain(&story, DUPLICATE(REFUSE));
    assert_int_equal(leave_voicemail(&story, "v1"), NONE);
    story_ready(&story, "anna", "help");
    story_enter(&story, "i1", "help");
    story_connect(&story, "i1", "anna");
    command = story_schedule(&story, NULL, "anna", "i1", 10 * minute_ms);
    command->schedule->number = story_text(&story, "0541234567");
    story_do(&story, command);
    assert_int_equal(story_reason(&story), NONE);
    later = made(&story);
    assert_int_equal(ask(&story, "r1", "sales", "0541234567"), NONE);
    assert_int_equal(leave_voicemail(&story, "v2"), NONE); /* 8.2: it is not asked */
    story_cancel(&story, made(&story));
    story_at(&story, 10 * minute_ms);
    assert_int_equal(story_state(&story, later), STATE(WAITING)); /* due: no request */
    assert_int_equal(ask(&story, "r2", "sales", "0541234567"), REASON(DUPLICATE_NUMBER));
    story_close(&story);
}

/* --- replace --- */

static void rule_12_1_the_newer_one_takes_the_earlier_place(void **state)
{
    struct story story;
    const char *old, *new;
    const PB(CallbackEntity) * cb;

    (void)state;
    open_domain(&story, DUPLICATE(REPLACE));
    story_at(&story, minute_ms);
    assert_int_equal(ask(&story, "r1", "sales", "0541234567"), NONE);
    old = made(&story);
    story_at(&story, 10 * minute_ms);
    story_now_on(&story);
    assert_int_equal(ask(&story, "r2", "sales", "0541234567"), NONE);
    new = made(&story);
    assert_string_not_equal(new, old);
    assert_int_equal(end_of(&story, old), REASON(REPLACED));
    cb = story_callback(&story, new);
    assert_int_equal(cb->place->entry_ms, AT(minute_ms));
    assert_string_equal(cb->place->tie_break, old);
    assert_int_equal(cb->stay_ms, AT(10 * minute_ms)); /* a stay of its own (10.6) */
    assert_int_equal(story_counters(&story, "sales")->callbacks->offered, 2);
    assert_int_equal(story_counters(&story, "sales")->callbacks->flow_out, 1);
    assert_int_equal(story_counters(&story, "sales")->callbacks->abandoned, 0);
    story_close(&story);
}

/* What it ranks and matches by comes with the place (1.7). */
static void rule_12_1_the_earlier_place_comes_with_its_routing_data(void **state)
{
    struct story story;
    PB(InteractionEvent) * entered;
    const PB(CallbackEntity) * cb;

    (void)state;
    open_domain(&story, DUPLICATE(REPLACE));
    entered = story_entered(&story, "r1", "sales");
    entered->entered->routing = story_needs(&story, 2, "loans", "he");
    story_tell(&story, entered);
    story_at(&story, minute_ms);
    assert_int_equal(ask(&story, "r1", "sales", "0541234567"), NONE);
    story_at(&story, 10 * minute_ms);
    story_enter(&story, "r2", "sales");
    assert_int_equal(ask(&story, "r2", "sales", "0541234567"), NONE);
    cb = story_callback(&story, made(&story));
    assert_int_equal(cb->place->entry_ms, AT(0));
    assert_string_equal(cb->place->tie_break, "r1");
    assert_int_equal(cb->routing->priority, 2);
    assert_string_equal(cb->routing->skills[0], "loans");
    assert_string_equal(cb->routing->language, "he");
    story_close(&story);
}

static void rule_12_1_its_own_place_if_that_is_earlier(void **state)
{
    struct story story;
    const char *old;

    (void)state;
    open_domain(&story, DUPLICATE(REPLACE));
    story_enter(&story, "r2", "sales"); /* waits since 0 */
    story_at(&story, minute_ms);
    assert_int_equal(ask(&story, "r1", "sales", "0541234567"), NONE);
    old = made(&story);
    assert_int_equal(ask(&story, "r2", "sales", "0541234567"), NONE);
    assert_int_equal(end_of(&story, old), REASON(REPLACED));
    assert_int_equal(story_callback(&story, made(&story))->place->entry_ms, AT(0));
    assert_string_equal(story_callback(&story, made(&story))->place->tie_break, "r2");
    story_close(&story);
}

static void rule_12_1_in_another_queue_it_stands_where_it_comes(void **state)
{
    struct story story;
    const char *old;

    (void)state;
    open_domain(&story, DUPLICATE(REPLACE));
    assert_int_equal(ask(&story, "r1", "sales", "0541234567"), NONE);
    old = made(&story);
    story_at(&story, minute_ms);
    assert_int_equal(ask(&story, "r2", "help", "0541234567"), NONE);
    assert_int_equal(end_of(&story, old), REASON(REPLACED));
    assert_int_equal(story_callback(&story, made(&story))->place->entry_ms, AT(minute_ms));
    assert_string_equal(story_callback(&story, made(&story))->place->queue_id, "help");
    story_close(&story);
}

static void rule_12_1_a_replaced_offer_is_revoked(void **state)
{
    struct story story;
    const char *old;

    (void)state;
    open_domain(&story, DUPLICATE(REPLACE));
    story_ready(&story, "anna", "sales");
    assert_int_equal(ask(&story, "r1", "sales", "0541234567"), NONE);
    old = made(&story);
    story_now_on(&story);
    assert_int_equal(ask(&story, "r2", "sales", "0541234567"), NONE);
    assert_int_equal(story_routing(&story, "routing.revoke", 0)->revoke->reason, REASON(REPLACED));
    assert_int_equal(end_of(&story, old), REASON(REPLACED));
    assert_int_equal(story_state(&story, made(&story)), STATE(OFFERED)); /* to her again */
    story_close(&story);
}

/* Switched on late, there may be several: none of those that wait is left. */
static void rule_12_1_all_that_wait_are_replaced(void **state)
{
    struct story story;
    const char *old[3];

    (void)state;
    open_domain(&story, DUPLICATE(ALLOW));
    for (int at = 0; at < 3; at++) {
        const char *id = arena_format(&story.arena, "r%d", at);

        story_at(&story, at * minute_ms);
        assert_int_equal(ask(&story, id, at == 1 ? "sales" : "help", "0541234567"), NONE);
        old[at] = made(&story);
    }
    set_domain(&story, DUPLICATE(REPLACE));
    assert_int_equal(ask(&story, "r9", "sales", "0541234567"), NONE);
    for (int at = 0; at < 3; at++)
        assert_int_equal(end_of(&story, old[at]), REASON(REPLACED));
    assert_int_equal(story_state(&story, made(&story)), STATE(WAITING));
    story_close(&story);
}

/* 12.4: it is no more of them than before. */
static void rule_12_1_a_full_queue_takes_the_one_that_replaces(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;

    (void)state;
    open_domain(&story, DUPLICATE(REPLACE));
    sales = story_queue(&story, "sales");
    sales->waiting_max = 1;
    story_set_queue(&story, sales);
    assert_int_equal(ask(&story, "r1", "sales", "0541234567"), NONE);
    assert_int_equal(ask(&story, "r2", "sales", "0541234568"), REASON(QUEUE_FULL));
    assert_int_equal(ask(&story, "r3", "sales", "0541234567"), NONE);
    assert_int_equal(ask(&story, "r4", "help", "0541234567"), NONE);
    assert_int_equal(ask(&story, "r5", "sales", "0541234568"), NONE);
    assert_int_equal(ask(&story, "r6", "sales", "0541234567"), REASON(QUEUE_FULL)); /* from help */
    story_close(&story);
}

/* --- merge --- */

static void rule_12_1_merged_it_has_the_new_name_and_script(void **state)
{
    struct story story;
    PB(CreateCallback) * create;
    const PB(CallbackEntity) * cb;
    const char *old;

    (void)state;
    open_domain(&story, DUPLICATE(MERGE));
    story_script(&story, "upsell", true);
    create = for_number(&story, "r1", "sales", "0541234567");
    create->name = story_text(&story, "old label");
    create->callee_name = story_text(&story, "Ms Doe");
    story_ask(&story, "r1", create);
    old = made(&story);
    story_at(&story, minute_ms);
    story_enter(&story, "r2", "help");
    create = for_number(&story, "r2", "help", "0541234567");
    create->name = story_text(&story, "new label");
    create->script_id = story_text(&story, "upsell");
    story_now_on(&story);
    story_ask(&story, "r2", create);
    assert_int_equal(story_reason(&story), NONE);
    assert_string_equal(story_made(&story), old);
    cb = story_callback(&story, old);
    assert_string_equal(cb->name, "new label");
    assert_string_equal(cb->callee_name, "Ms Doe"); /* nothing newer was said */
    assert_string_equal(cb->script_id, "upsell");
    assert_string_equal(cb->place->queue_id, "sales");
    assert_int_equal(cb->place->entry_ms, AT(0));
    assert_int_equal(cb->updated_ms, AT(minute_ms));
    assert_int_equal(story_count(&story, "analytics.session_started"), 0);
    assert_int_equal(story_counters(&story, "sales")->callbacks->offered, 1);
    assert_int_equal(story_counters(&story, "help")->live->flow_out, 1); /* the call leaves (1.8) */
    story_close(&story);
}

static void rule_12_1_merged_it_keeps_the_earlier_place(void **state)
{
    struct story story;
    PB(InteractionEvent) * entered;
    const PB(CallbackEntity) * cb;
    const char *old;

    (void)state;
    open_domain(&story, DUPLICATE(MERGE));
    entered = story_entered(&story, "r2", "sales"); /* since 0 */
    entered->entered->routing = story_needs(&story, 0, "loans", "");
    story_tell(&story, entered);
    story_at(&story, minute_ms);
    assert_int_equal(ask(&story, "r1", "sales", "0541234567"), NONE);
    old = made(&story);
    story_at(&story, 2 * minute_ms);
    assert_int_equal(ask(&story, "r2", "sales", "0541234567"), NONE);
    assert_string_equal(story_made(&story), old);
    cb = story_callback(&story, old);
    assert_int_equal(cb->place->entry_ms, AT(0));
    assert_string_equal(cb->place->tie_break, "r2");
    assert_string_equal(cb->routing->skills[0], "loans");
    assert_int_equal(cb->stay_ms, AT(minute_ms)); /* the stay is its own */
    story_enter(&story, "r3", "sales");
    assert_int_equal(ask(&story, "r3", "sales", "0541234567"), NONE);
    assert_int_equal(story_callback(&story, old)->place->entry_ms, AT(0)); /* later: kept */
    story_ready(&story, "anna", "sales");
    assert_string_equal(story_offered_to(&story), "");
    story_ready_with(&story, "ben", "sales", "loans", "");
    assert_string_equal(story_offered_to(&story), "ben");
    story_close(&story);
}

/* The same answer again (11.1), and no second request of the interaction (1.11). */
static void rule_12_1_a_merged_request_is_answered_again(void **state)
{
    struct story story;
    const char *old;

    (void)state;
    open_domain(&story, DUPLICATE(MERGE));
    assert_int_equal(ask(&story, "r1", "sales", "0541234567"), NONE);
    old = made(&story);
    assert_int_equal(ask(&story, "r2", "sales", "0541234567"), NONE);
    story_cancel(&story, old);
    assert_int_equal(ask(&story, "r2", "sales", "0541234567"), NONE);
    assert_string_equal(story_made(&story), old);
    story_ask(&story, "r3", for_number(&story, "r2", "sales", "0541234567"));
    assert_int_equal(story_reason(&story), REASON(ALREADY_REQUESTED));
    story_close(&story);
}

static void rule_12_1_merging_asks_no_room(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;

    (void)state;
    open_domain(&story, DUPLICATE(MERGE));
    sales = story_queue(&story, "sales");
    sales->waiting_max = 1;
    story_set_queue(&story, sales);
    assert_int_equal(ask(&story, "r1", "sales", "0541234567"), NONE);
    assert_int_equal(ask(&story, "r2", "sales", "0541234567"), NONE);
    assert_int_equal(ask(&story, "r3", "sales", "0541234568"), REASON(QUEUE_FULL));
    story_close(&story);
}

/* --- one that is served --- */

static void rule_12_1_one_that_is_served_stays_as_it_is(void **state)
{
    static const PB(DuplicateNumber) how[] = {DUPLICATE(REPLACE), DUPLICATE(MERGE)};

    (void)state;
    for (size_t at = 0; at < 2; at++) {
        struct story story;
        PB(CreateCallback) * create;
        const char *old;

        open_domain(&story, how[at]);
        story_ready(&story, "anna", "sales");
        assert_int_equal(ask(&story, "r1", "sales", "0541234567"), NONE);
        old = made(&story);
        story_accept(&story, "anna");
        story_enter(&story, "r2", "sales");
        create = for_number(&story, "r2", "sales", "0541234567");
        create->name = story_text(&story, "another");
        story_now_on(&story);
        story_ask(&story, "r2", create);
        assert_int_equal(story_reason(&story), NONE);
        assert_string_equal(story_made(&story), old);
        assert_int_equal(story_state(&story, old), STATE(WITH_AGENT));
        assert_string_equal(story_callback(&story, old)->name, "");
        assert_int_equal(story_count(&story, "routing.callback_ended"), 0);
        story_dial(&story, "anna", old);
        assert_int_equal(ask(&story, "r3", "help", "0541234567"), NONE);
        assert_string_equal(story_made(&story), old);
        assert_int_equal(story_state(&story, old), STATE(DIALLING));
        story_close(&story);
    }
}

static void rule_12_1_the_switch_may_come_and_go(void **state)
{
    struct story story;

    (void)state;
    open_domain(&story, DUPLICATE(ALLOW));
    assert_int_equal(ask(&story, "r1", "sales", "0541234567"), NONE);
    set_domain(&story, DUPLICATE(REFUSE));
    assert_int_equal(ask(&story, "r2", "sales", "0541234567"), REASON(DUPLICATE_NUMBER));
    set_domain(&story, DUPLICATE(ALLOW));
    assert_int_equal(ask(&story, "r3", "sales", "0541234567"), NONE);
    story_close(&story);
}

/* --- 12.4: requests of a number on a day --- */

static void set_max(struct story *story, const char *queue, uint32_t max, bool window)
{
    PB(QueueSettings) *settings = story_queue(story, queue);

    settings->requests_per_number_max = max;
    if (window) {
        settings->window = arena_alloc(&story->arena, sizeof(*settings->window));
        ringback__v1__window__init(settings->window);
        settings->window->zone = story_text(story, "East");
    }
    story_set_queue(story, settings);
    assert_int_equal(story_reason(story), NONE);
}

/* One below, at, one above; the number, the queue and the domain are its own. */
static void rule_12_4_so_many_requests_of_a_number(void **state)
{
    struct story story;

    (void)state;
    open_domain(&story, DUPLICATE(ALLOW));
    set_max(&story, "sales", 2, false);
    assert_int_equal(ask(&story, "r1", "sales", "0541234567"), NONE);
    story_cancel(&story, made(&story)); /* it was accepted all the same */
    assert_int_equal(ask(&story, "r2", "sales", "0541234567"), NONE);
    assert_int_equal(ask(&story, "r3", "sales", "+972 54 123 4567"), REASON(TOO_MANY_REQUESTS));
    assert_int_equal(ask(&story, "r4", "sales", "0541234568"), NONE);
    assert_int_equal(ask(&story, "r5", "help", "0541234567"), NONE);
    assert_int_equal(leave_voicemail(&story, "v1"), NONE);            /* 8.2 */
    assert_int_equal(ask(&story, "r2", "sales", "0541234567"), NONE); /* a repeat is none */
    set_max(&story, "sales", 3, false);
    assert_int_equal(ask(&story, "r6", "sales", "0541234567"), NONE);
    assert_int_equal(ask(&story, "r7", "sales", "0541234567"), REASON(TOO_MANY_REQUESTS));
    story_close(&story);
}

/* What was refused does not count. */
static void rule_12_4_refused_requests_do_not_count(void **state)
{
    struct story story;
    PB(CreateCallback) * create;

    (void)state;
    open_domain(&story, DUPLICATE(ALLOW));
    set_max(&story, "sales", 1, false);
    create = for_number(&story, "r1", "sales", "0541234567");
    create->script_id = story_text(&story, "nothing");
    story_ask(&story, "r1", create);
    assert_int_equal(story_reason(&story), REASON(SCRIPT_UNKNOWN));
    assert_int_equal(ask(&story, "r2", "sales", "0541234567"), NONE);
    story_close(&story);
}

/* 1970-01-12 ends in UTC at 36,800 s of the story; in the east two hours before. */
static void rule_12_4_the_day_is_the_windows_else_of_utc(void **state)
{
    static const struct story_offset east[] = {{-STORY_START_MS, 7200}};
    static const int64_t midnight_ms = 36800000;

    (void)state;
    for (int in_window = 0; in_window < 2; in_window++) {
        int64_t end_ms = midnight_ms - in_window * 2 * HOUR_MS;
        struct story story;
        uint32_t domain;

        open_domain(&story, DUPLICATE(ALLOW));
        story_zone(&story, "East", east, 1);
        set_max(&story, "sales", 1, in_window);
        assert_int_equal(ask(&story, "r1", "sales", "0541234567"), NONE);
        story_at(&story, end_ms - 1);
        assert_int_equal(ask(&story, "r2", "sales", "0541234567"), REASON(TOO_MANY_REQUESTS));
        story_at(&story, end_ms);
        domain = domain_find(story.machine, slice_text("acme"));
        assert_int_not_equal(domain, 0);
        assert_int_equal(table_count(&story.machine->tables[KIND_REQUESTS]), 0); /* forgotten */
        assert_int_equal(ask(&story, "r3", "sales", "0541234567"), NONE);
        assert_int_equal(table_count(&story.machine->tables[KIND_REQUESTS]), 1);
        story.timestamp_ms = end_ms - 1; /* asked yesterday, read today */
        assert_int_equal(ask(&story, "r4", "sales", "0541234567"), REASON(TOO_MANY_REQUESTS));
        story_close(&story);
    }
}

/* A merged request was accepted. */
static void rule_12_4_merged_requests_count(void **state)
{
    struct story story;

    (void)state;
    open_domain(&story, DUPLICATE(MERGE));
    set_max(&story, "sales", 2, false);
    assert_int_equal(ask(&story, "r1", "sales", "0541234567"), NONE);
    assert_int_equal(ask(&story, "r2", "sales", "0541234567"), NONE);
    assert_int_equal(ask(&story, "r3", "sales", "0541234567"), REASON(TOO_MANY_REQUESTS));
    story_close(&story);
}

/* --- 12.2: the customer gets through himself --- */

#define CONTACT(name) RINGBACK__V1__CUSTOMER_CONTACT__CUSTOMER_CONTACT_##name

/* dora's callback waits in sales since 0; she asked in i1. */
static const char *open_contact(struct story *story, PB(CustomerContact) contact)
{
    PB(SettingsEvent) * event;

    story_open(story);
    story_set_queue(story, story_queue(story, "sales"));
    story_set_queue(story, story_queue(story, "help"));
    event = arena_alloc(&story->arena, sizeof(*event));
    ringback__v1__settings_event__init(event);
    event->id = story_text(story, "domain");
    event->event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_DOMAIN;
    event->domain = arena_alloc(&story->arena, sizeof(*event->domain));
    ringback__v1__domain_settings__init(event->domain);
    event->domain->version = ++story->version;
    event->domain->country_code = story_text(story, "972");
    event->domain->on_customer_contact = contact;
    story_send(story, INPUT_SETTINGS, &event->base);
    assert_int_equal(ask(story, "i1", "sales", "0541234567"), NONE);
    return made(story);
}

static void calls(struct story *story, const char *interaction, const char *ani)
{
    PB(InteractionEvent) *entered = story_entered(story, interaction, "help");

    entered->entered->ani = story_text(story, ani);
    story_tell(story, entered);
}

static void rule_12_2_on_another_call_he_is_not_offered(void **state)
{
    static const PB(CustomerContact)
        how[] = {CONTACT(UNSPECIFIED), CONTACT(KEEP), CONTACT(CANCEL), CONTACT(TAKE_OVER)};

    (void)state;
    for (size_t at = 0; at < 4; at++) {
        struct story story;
        const char *callback = open_contact(&story, how[at]);

        calls(&story, "i2", "+972 54 123 4567");
        story_ready(&story, "anna", "sales");
        assert_int_equal(story_count(&story, "routing.offer"), at < 2);
        story_leave(&story, "i2", RINGBACK__V1__LEFT_REASON__LEFT_REASON_ABANDONED);
        assert_int_equal(story_count(&story, "routing.offer"), 1); /* the call is over */
        assert_int_equal(story_state(&story, callback), STATE(OFFERED));
        story_close(&story);
    }
}

/* Another number's, and the interaction that asked, are no contacts; a voicemail is to be heard. */
static void rule_12_2_only_another_call_of_the_number(void **state)
{
    struct story story;

    (void)state;
    open_contact(&story, CONTACT(CANCEL));
    calls(&story, "i1", "+972541234567"); /* she is back in line: the callback stays (1.8) */
    calls(&story, "i2", "+972541234568");
    story_ready(&story, "anna", "sales");
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_close(&story);
}

static void rule_12_2_a_talk_long_enough_ends_it(void **state)
{
    struct story story;
    const char *callback = open_contact(&story, CONTACT(CANCEL));

    (void)state;
    calls(&story, "i2", "+972541234567");
    story_ready(&story, "ben", "help");
    story_at(&story, 5000);
    story_connect(&story, "i2", "ben");
    story_now_on(&story);
    story_at(&story, 24999);
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    story_at(&story, 25000);
    assert_int_equal(end_of(&story, callback), REASON(CUSTOMER_SERVED));
    assert_int_equal(story_count(&story, "routing.callback_notice"), 0);
    assert_int_equal(story_counters(&story, "sales")->callbacks->abandoned, 1);
    story_close(&story);
}

/* What is asked for in the talk is counted from then: what was said before is no answer to it. */
static void rule_12_2_asked_for_in_the_talk_counts_from_then(void **state)
{
    struct story story;
    const char *callback = open_contact(&story, CONTACT(CANCEL)), *late;

    (void)state;
    calls(&story, "i2", "+972541234567");
    story_ready(&story, "ben", "help");
    story_at(&story, 5000);
    story_connect(&story, "i2", "ben");
    story_at(&story, 15000);
    story_ask(&story, "r3", for_number(&story, "i3", "sales", "0541234567"));
    late = made(&story);
    story_at(&story, 25000);
    assert_int_equal(end_of(&story, callback), REASON(CUSTOMER_SERVED));
    assert_int_equal(story_state(&story, late), STATE(WAITING));
    story_at(&story, 34999);
    assert_int_equal(story_state(&story, late), STATE(WAITING));
    story_at(&story, 35000);
    assert_int_equal(end_of(&story, late), REASON(CUSTOMER_SERVED));

    /* long after the talk has served the others */
    story_at(&story, 300000);
    story_ask(&story, "r4", for_number(&story, "i4", "sales", "0541234567"));
    late = made(&story);
    story_at(&story, 319999);
    assert_int_equal(story_state(&story, late), STATE(WAITING));
    story_at(&story, 320000);
    assert_int_equal(end_of(&story, late), REASON(CUSTOMER_SERVED));
    story_close(&story);
}

/* As soon as it is in line, and not before. */
static void rule_12_2_due_in_the_talk_counts_from_then(void **state)
{
    struct story story;
    const char *callback = open_contact(&story, CONTACT(CANCEL));

    (void)state;
    story_cancel(&story, callback);
    story_ready(&story, "ben", "help");
    calls(&story, "i2", "+972541234567");
    story_connect(&story, "i2", "ben");
    story_do(&story, story_schedule(&story, "r5", "ben", "i2", 120000));
    callback = story_made(&story);
    assert_int_equal(story_reason(&story), 0);
    story_at(&story, 100000);
    assert_int_equal(story_state(&story, callback), STATE(SCHEDULED));
    story_at(&story, 130000);
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    story_at(&story, 200000); /* asked for in this very call: never by it */
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    calls(&story, "i6", "+972541234567");
    story_ready(&story, "carl", "help");
    story_connect(&story, "i6", "carl");
    story_at(&story, 219999);
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    story_at(&story, 220000);
    assert_int_equal(end_of(&story, callback), REASON(CUSTOMER_SERVED));
    story_close(&story);
}

static void rule_12_2_a_short_talk_ends_nothing(void **state)
{
    struct story story;
    const char *callback = open_contact(&story, CONTACT(CANCEL));

    (void)state;
    calls(&story, "i2", "+972541234567");
    story_connect(&story, "i2", "ben");
    story_at(&story, 19999);
    story_end_call(&story, "i2");
    story_at(&story, 60000);
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    story_ready(&story, "anna", "sales");
    assert_int_equal(story_state(&story, callback), STATE(OFFERED));
    story_close(&story);
}

/* Its agent gets name and script, and it counts as answered by him. */
static void rule_12_2_taken_over_the_agent_gets_what_it_knew(void **state)
{
    struct story story;
    PB(CreateCallback) * create;
    const PB(CallbackNotice) * notice;
    const PB(AnalyticsEvent) * event;
    const char *callback;
    bool answered = false;

    (void)state;
    story_cancel(&story, open_contact(&story, CONTACT(TAKE_OVER)));
    story_script(&story, "upsell", true);
    create = for_number(&story, "i3", "sales", "0541234567");
    create->name = story_text(&story, "loan");
    create->callee_name = story_text(&story, "Ms Doe");
    create->script_id = story_text(&story, "upsell");
    story_ask(&story, "r3", create);
    callback = made(&story);
    story_at(&story, 10000);
    calls(&story, "i2", "+972541234567");
    story_ready(&story, "ben", "help");
    story_connect(&story, "i2", "ben");
    story_now_on(&story);
    story_at(&story, 30000);
    notice = story_routing(&story, "routing.callback_notice", 0)->callback_notice;
    assert_int_equal(notice->reason, REASON(CUSTOMER_SERVED));
    assert_string_equal(notice->agent_id, "ben");
    assert_string_equal(notice->name, "loan");
    assert_string_equal(notice->callee_name, "Ms Doe");
    assert_string_equal(notice->script_id, "upsell");
    assert_int_equal(end_of(&story, callback), REASON(CUSTOMER_SERVED));
    assert_int_equal(story_counters(&story, "sales")->callbacks->answered, 1);
    for (size_t at = 0; (event = story_analytics(&story, "analytics.metric", at)) != NULL; at++)
        if (event->metric->name == METRIC(T_ANSWERED)) {
            answered = true;
            assert_string_equal(event->agent_id, "ben");
            assert_int_equal(event->metric->value, 30000);
        }
    assert_true(answered);
    story_close(&story);
}

/* An offer is revoked, a holder freed, an attempt hung up; one already talking stays. */
static void rule_12_2_wherever_it_is(void **state)
{
    static const PB(CallbackState)
        states[] = {STATE(OFFERED), STATE(WITH_AGENT), STATE(DIALLING), STATE(TALKING)};

    (void)state;
    for (size_t at = 0; at < 4; at++) {
        struct story story;
        const char *callback = open_contact(&story, CONTACT(CANCEL));

        story_ready(&story, "anna", "sales");
        if (states[at] >= STATE(WITH_AGENT))
            story_accept(&story, "anna");
        if (states[at] >= STATE(DIALLING))
            story_dial(&story, "anna", callback);
        if (states[at] >= STATE(TALKING))
            story_answered(&story, RINGBACK__V1__ANSWER_KIND__ANSWER_KIND_PERSON);
        assert_int_equal(story_state(&story, callback), states[at]);
        calls(&story, "i2", "+972541234567");
        story_connect(&story, "i2", "ben");
        assert_int_equal(story_state(&story, callback), states[at]); /* it goes on meanwhile */
        story_now_on(&story);
        story_at(&story, 20000);
        if (states[at] == STATE(TALKING)) {
            assert_int_equal(story_state(&story, callback), STATE(TALKING));
        } else {
            assert_int_equal(end_of(&story, callback), REASON(CUSTOMER_SERVED));
            assert_int_equal(story_count(&story, "routing.revoke"), states[at] == STATE(OFFERED));
            assert_int_equal(story_count(&story, "routing.agent_released"),
                             states[at] >= STATE(WITH_AGENT));
            assert_int_equal(story_count(&story, "routing.hang_up"), states[at] == STATE(DIALLING));
        }
        story_close(&story);
    }
}

/* Its holder does not dial into the other call. */
static void rule_12_2_nor_is_he_dialled(void **state)
{
    struct story story;
    const char *callback = open_contact(&story, CONTACT(CANCEL));

    (void)state;
    story_ready(&story, "anna", "sales");
    story_accept(&story, "anna");
    calls(&story, "i2", "+972541234567");
    story_dial(&story, "anna", callback);
    assert_int_equal(story_reason(&story), REASON(BUSY));
    assert_int_equal(story_count(&story, "routing.place_call"), 0);
    story_leave(&story, "i2", RINGBACK__V1__LEFT_REASON__LEFT_REASON_ABANDONED);
    story_dial(&story, "anna", callback);
    assert_int_equal(story_count(&story, "routing.place_call"), 1);
    story_close(&story);
}

static void rule_12_2_auto_dial_waits_for_the_agent(void **state)
{
    struct story story;
    PB(AutoDial) auto_dial = RINGBACK__V1__AUTO_DIAL__INIT;
    PB(QueueSettings) * settings;

    (void)state;
    open_contact(&story, CONTACT(CANCEL));
    settings = story_queue(&story, "sales");
    auto_dial.delay_s = 10;
    settings->auto_dial = &auto_dial;
    story_set_queue(&story, settings);
    story_ready(&story, "anna", "sales");
    story_accept(&story, "anna");
    calls(&story, "i2", "+972541234567");
    story_at(&story, 10000);
    assert_int_equal(story_count(&story, "routing.place_call"), 0);
    assert_int_equal(story_routing(&story, "routing.callback_notice", 0)->callback_notice->reason,
                     REASON(BUSY));
    story_close(&story);
}

static void rule_12_2_no_customer_is_called_first_meanwhile(void **state)
{
    struct story story;
    PB(QueueSettings) * settings;

    (void)state;
    open_contact(&story, CONTACT(CANCEL));
    settings = story_queue(&story, "sales");
    settings->dial_mode = RINGBACK__V1__DIAL_MODE__DIAL_MODE_CUSTOMER_FIRST;
    story_set_queue(&story, settings);
    calls(&story, "i2", "+972541234567");
    story_ready(&story, "anna", "sales");
    assert_int_equal(story_count(&story, "routing.place_call"), 0);
    story_end_call(&story, "i2");
    assert_int_equal(story_count(&story, "routing.place_call"), 1);
    story_close(&story);
}

static void rule_12_2_what_is_scheduled_for_later_is_untouched(void **state)
{
    struct story story;
    PB(Command) * command;
    const char *later;

    (void)state;
    story_cancel(&story, open_contact(&story, CONTACT(CANCEL)));
    story_ready(&story, "anna", "help");
    calls(&story, "i2", "+972541234567");
    story_connect(&story, "i2", "anna");
    command = story_schedule(&story, NULL, "anna", "i2", 10 * minute_ms);
    story_do(&story, command);
    assert_int_equal(story_reason(&story), NONE);
    later = made(&story);
    story_at(&story, minute_ms);
    assert_int_equal(story_state(&story, later), STATE(SCHEDULED));
    calls(&story, "i3", "+972541234567");
    story_connect(&story, "i3", "ben");
    story_at(&story, 2 * minute_ms);
    assert_int_equal(story_state(&story, later), STATE(SCHEDULED));
    story_close(&story);
}

/* A message is to be heard, whoever its caller talks with meanwhile. */
static void rule_12_2_a_voicemail_is_kept(void **state)
{
    struct story story;
    const char *voicemail;

    (void)state;
    story_cancel(&story, open_contact(&story, CONTACT(CANCEL)));
    assert_int_equal(leave_voicemail(&story, "v1"), NONE);
    voicemail = made(&story);
    calls(&story, "i2", "+972541234567");
    story_connect(&story, "i2", "ben");
    story_at(&story, minute_ms);
    assert_int_equal(story_state(&story, voicemail), STATE(WAITING));
    story_ready(&story, "anna", "sales");
    assert_int_equal(story_state(&story, voicemail), STATE(OFFERED));
    story_close(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_12_1_by_default_both_live),
        cmocka_unit_test(rule_12_1_refused_naming_the_first),
        cmocka_unit_test(rule_12_1_what_is_served_is_live),
        cmocka_unit_test(rule_12_1_voicemails_and_scheduled_ones_are_no_duplicates),
        cmocka_unit_test(rule_12_1_the_newer_one_takes_the_earlier_place),
        cmocka_unit_test(rule_12_1_the_earlier_place_comes_with_its_routing_data),
        cmocka_unit_test(rule_12_1_its_own_place_if_that_is_earlier),
        cmocka_unit_test(rule_12_1_in_another_queue_it_stands_where_it_comes),
        cmocka_unit_test(rule_12_1_a_replaced_offer_is_revoked),
        cmocka_unit_test(rule_12_1_all_that_wait_are_replaced),
        cmocka_unit_test(rule_12_1_a_full_queue_takes_the_one_that_replaces),
        cmocka_unit_test(rule_12_1_merged_it_has_the_new_name_and_script),
        cmocka_unit_test(rule_12_1_merged_it_keeps_the_earlier_place),
        cmocka_unit_test(rule_12_1_a_merged_request_is_answered_again),
        cmocka_unit_test(rule_12_1_merging_asks_no_room),
        cmocka_unit_test(rule_12_1_one_that_is_served_stays_as_it_is),
        cmocka_unit_test(rule_12_1_the_switch_may_come_and_go),
        cmocka_unit_test(rule_12_4_so_many_requests_of_a_number),
        cmocka_unit_test(rule_12_4_refused_requests_do_not_count),
        cmocka_unit_test(rule_12_4_the_day_is_the_windows_else_of_utc),
        cmocka_unit_test(rule_12_4_merged_requests_count),
        cmocka_unit_test(rule_12_2_on_another_call_he_is_not_offered),
        cmocka_unit_test(rule_12_2_only_another_call_of_the_number),
        cmocka_unit_test(rule_12_2_a_talk_long_enough_ends_it),
        cmocka_unit_test(rule_12_2_asked_for_in_the_talk_counts_from_then),
        cmocka_unit_test(rule_12_2_due_in_the_talk_counts_from_then),
        cmocka_unit_test(rule_12_2_a_short_talk_ends_nothing),
        cmocka_unit_test(rule_12_2_taken_over_the_agent_gets_what_it_knew),
        cmocka_unit_test(rule_12_2_wherever_it_is),
        cmocka_unit_test(rule_12_2_nor_is_he_dialled),
        cmocka_unit_test(rule_12_2_auto_dial_waits_for_the_agent),
        cmocka_unit_test(rule_12_2_no_customer_is_called_first_meanwhile),
        cmocka_unit_test(rule_12_2_what_is_scheduled_for_later_is_untouched),
        cmocka_unit_test(rule_12_2_a_voicemail_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
