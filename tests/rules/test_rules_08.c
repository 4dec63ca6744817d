/* Chapter 8: campaign callbacks and ACD voicemail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "state/internal.h"
#include "tests/support/story.h"

#define AT(ms)     (STORY_START_MS + (ms))
#define NONE       REASON(UNSPECIFIED)
#define MODE(name) RINGBACK__V1__CAMPAIGN_MODE__CAMPAIGN_MODE_##name
#define FLOW(name) RINGBACK__V1__FLOW_TYPE__FLOW_TYPE_##name
#define KIND(name) RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_##name

static const int64_t minute_ms = 60000;

static void open_two(struct story *story)
{
    story_open(story);
    story_set_queue(story, story_queue(story, "sales"));
    story_set_queue(story, story_queue(story, "support"));
}

/* --- 8.1 --- */

/* Of the campaign "spring", for contact c-7, at that time of the story; 0: left out. */
static PB(ScheduleCallback) * campaign(struct story *story, int64_t due_ms)
{
    PB(ScheduleCallback) *schedule = arena_alloc(&story->arena, sizeof(*schedule));

    ringback__v1__schedule_callback__init(schedule);
    schedule->campaign_id = story_text(story, "spring");
    schedule->contact_id = story_text(story, "c-7");
    schedule->queue_id = story_text(story, "sales");
    schedule->number = story_text(story, "+49 170-12345");
    schedule->due_ms = due_ms == 0 ? 0 : AT(due_ms);
    return schedule;
}

static PB(Reason)
    ask_campaign(struct story *story, const char *request, PB(ScheduleCallback) * schedule)
{
    PB(FlowEvent) *event = arena_alloc(&story->arena, sizeof(*event));

    ringback__v1__flow_event__init(event);
    if (request != NULL)
        event->id = story_text(story, request);
    event->event_case = RINGBACK__V1__FLOW_EVENT__EVENT_SCHEDULE_CALLBACK;
    event->schedule_callback = schedule;
    story_flow(story, event);
    return story_reason(story);
}

static void rule_8_1_a_campaign_schedules_a_callback(void **state)
{
    struct story story;
    const PB(CallbackEntity) * cb;
    const PB(AnalyticsEvent) * session;
    const PB(Offer) * offer;
    PB(ScheduleCallback) * schedule;

    (void)state;
    open_two(&story);
    story_ready(&story, "anna", "sales");
    schedule = campaign(&story, 60 * minute_ms);
    schedule->callee_name = story_text(&story, "Ms Doe");
    schedule->conversation_id = story_text(&story, "conv-7");
    story_now_on(&story);
    assert_int_equal(ask_campaign(&story, NULL, schedule), NONE);
    cb = story_callback(&story, story_made(&story));
    assert_int_equal(cb->kind, KIND(CAMPAIGN));
    assert_int_equal(cb->state, STATE(SCHEDULED));
    assert_int_equal(cb->due_ms, AT(60 * minute_ms));
    assert_string_equal(cb->number, "+4917012345");
    assert_string_equal(cb->campaign_id, "spring");
    assert_string_equal(cb->contact_id, "c-7");
    assert_string_equal(cb->conversation_id, "conv-7");
    assert_string_equal(cb->interaction_id, "");
    assert_string_equal(cb->scheduled_by, "");
    assert_int_equal(cb->stay_ms, 0);
    session = story_analytics(&story, "analytics.session_started", 0);
    assert_int_equal(session->session_started->kind, KIND(CAMPAIGN));
    assert_int_equal(session->session_started->due_ms, AT(60 * minute_ms));
    assert_string_equal(session->session_started->campaign_id, "spring");
    assert_string_equal(session->session_started->contact_id, "c-7");
    story_at(&story, 60 * minute_ms - 1);
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    story_at(&story, 60 * minute_ms);
    offer = story_routing(&story, "routing.offer", 0)->offer;
    assert_int_equal(offer->kind, KIND(CAMPAIGN));
    assert_string_equal(offer->campaign_id, "spring");
    assert_string_equal(offer->contact_id, "c-7");
    assert_string_equal(offer->callee_name, "Ms Doe");
    assert_int_equal(offer->place->entry_ms, AT(60 * minute_ms)); /* 2.8 */
    story_close(&story);
}

static void rule_8_1_left_out_is_half_an_hour_in_a_conversation_of_its_own(void **state)
{
    struct story story;
    const PB(CallbackEntity) * cb;
    const char *conversation;

    (void)state;
    open_two(&story);
    story_at(&story, 5000);
    assert_int_equal(ask_campaign(&story, NULL, campaign(&story, 0)), NONE);
    cb = story_callback(&story, story_made(&story));
    assert_int_equal(cb->due_ms, AT(5000 + 30 * minute_ms));
    assert_int_equal(strlen(cb->conversation_id), 36);
    assert_string_not_equal(cb->conversation_id, story_made(&story));
    conversation = story_text(&story, cb->conversation_id);
    assert_int_equal(ask_campaign(&story, NULL, campaign(&story, 0)), NONE);
    cb = story_callback(&story, story_made(&story));
    assert_string_not_equal(cb->conversation_id, conversation);
    story_close(&story);
}

static void rule_8_1_the_limits_of_scheduling_hold(void **state)
{
    const int64_t month_ms = INT64_C(30) * 24 * 60 * minute_ms;
    struct story story;
    PB(ScheduleCallback) * schedule;

    (void)state;
    open_two(&story);
    story_at(&story, 10 * minute_ms);
    assert_int_equal(ask_campaign(&story, NULL, campaign(&story, 10 * minute_ms + month_ms + 1)),
                     REASON(TOO_FAR_AHEAD));
    assert_int_equal(ask_campaign(&story, NULL, campaign(&story, 10 * minute_ms + month_ms)), NONE);
    assert_int_equal(ask_campaign(&story, NULL, campaign(&story, 10 * minute_ms - 1)),
                     REASON(IN_THE_PAST));
    schedule = campaign(&story, 20 * minute_ms);
    schedule->number = story_text(&story, "");
    assert_int_equal(ask_campaign(&story, NULL, schedule), REASON(NUMBER_MISSING));
    schedule->number = story_text(&story, "12");
    assert_int_equal(ask_campaign(&story, NULL, schedule), REASON(NUMBER_INVALID));
    schedule = campaign(&story, 20 * minute_ms);
    schedule->queue_id = story_text(&story, "nowhere");
    assert_int_equal(ask_campaign(&story, NULL, schedule), REASON(QUEUE_UNKNOWN));
    schedule = campaign(&story, 20 * minute_ms);
    schedule->script_id = story_text(&story, "nothing");
    assert_int_equal(ask_campaign(&story, NULL, schedule), REASON(SCRIPT_UNKNOWN));
    schedule = campaign(&story, 20 * minute_ms);
    schedule->contact_id = story_text(&story, "");
    assert_int_equal(ask_campaign(&story, NULL, schedule), REASON(LIMIT));
    schedule = campaign(&story, 20 * minute_ms);
    schedule->campaign_id = story_text(&story, "");
    assert_int_equal(ask_campaign(&story, NULL, schedule), REASON(LIMIT));
    story_close(&story);
}

static void rule_8_1_a_local_time_is_kept(void **state)
{
    static const struct story_offset offsets[] = {{-STORY_START_MS, 7200}, {100 * 60000, 3600}};
    struct story story;
    const PB(CallbackEntity) * cb;
    PB(ScheduleCallback) * schedule;
    PB(LocalTime) local = RINGBACK__V1__LOCAL_TIME__INIT;

    (void)state;
    open_two(&story);
    schedule = campaign(&story, 0);
    local.zone = story_text(&story, "Europe/Berlin");
    local.local_ms = AT(200 * minute_ms) + 3600000; /* behind the change: an hour ahead of UTC */
    schedule->local_due = &local;
    assert_int_equal(ask_campaign(&story, NULL, schedule), REASON(ZONE_UNKNOWN));
    story_zone(&story, "Europe/Berlin", offsets, 2);
    assert_int_equal(ask_campaign(&story, NULL, schedule), NONE);
    cb = story_callback(&story, story_made(&story));
    assert_int_equal(cb->due_ms, AT(200 * minute_ms));
    assert_string_equal(cb->local_due->zone, "Europe/Berlin");
    story_close(&story);
}

static void rule_8_1_a_repeat_makes_no_second_one(void **state)
{
    struct story story;
    const char *made;

    (void)state;
    open_two(&story);
    assert_int_equal(ask_campaign(&story, "ask-1", campaign(&story, 20 * minute_ms)), NONE);
    made = story_text(&story, story_made(&story));
    story_now_on(&story);
    assert_int_equal(ask_campaign(&story, "ask-1", campaign(&story, 20 * minute_ms)), NONE);
    assert_string_equal(story_made(&story), made);
    assert_int_equal(story_count(&story, "analytics.session_started"), 0);
    story_close(&story);
}

static PB(ScheduleCallback) * skilled_campaign(struct story *story, bool skilled)
{
    PB(ScheduleCallback) *schedule = campaign(story, 10 * minute_ms);

    schedule->skilled = skilled;
    schedule->routing = story_needs(story, 3, "loans", "he");
    return schedule;
}

/* 1.7: only where the switch is on, and only of a skilled campaign. */
static void rule_8_1_a_skilled_campaign_keeps_its_routing_data(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;
    const PB(CallbackEntity) * cb;

    (void)state;
    open_two(&story);
    assert_int_equal(ask_campaign(&story, NULL, skilled_campaign(&story, true)), NONE);
    cb = story_callback(&story, story_made(&story));
    assert_false(cb->routing_kept);
    assert_int_equal(cb->routing->priority, 0);
    assert_int_equal(cb->routing->n_skills, 0);
    sales = story_queue(&story, "sales");
    sales->inherit_routing_data = RINGBACK__V1__TOGGLE__TOGGLE_ON;
    story_set_queue(&story, sales);
    assert_int_equal(ask_campaign(&story, NULL, skilled_campaign(&story, false)), NONE);
    cb = story_callback(&story, story_made(&story));
    assert_false(cb->routing_kept);
    assert_int_equal(cb->routing->n_skills, 0);
    assert_int_equal(ask_campaign(&story, NULL, skilled_campaign(&story, true)), NONE);
    cb = story_callback(&story, story_made(&story));
    assert_true(cb->routing_kept);
    assert_int_equal(cb->routing->priority, 3);
    assert_int_equal(cb->routing->n_skills, 1);
    assert_string_equal(cb->routing->skills[0], "loans");
    assert_string_equal(cb->routing->language, "he");
    story_close(&story);
}

static void rule_8_1_a_queue_that_does_not_accept_refuses_it(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;

    (void)state;
    open_two(&story);
    sales = story_queue(&story, "sales");
    sales->accepting = RINGBACK__V1__TOGGLE__TOGGLE_OFF;
    story_set_queue(&story, sales);
    assert_int_equal(ask_campaign(&story, NULL, campaign(&story, 0)), REASON(NOT_ACCEPTING));
    story_close(&story);
}

static PB(QueueSettings) * customer_first(struct story *story, const char *queue)
{
    PB(QueueSettings) *settings = story_queue(story, queue);

    settings->dial_mode = RINGBACK__V1__DIAL_MODE__DIAL_MODE_CUSTOMER_FIRST;
    return settings;
}

/* 7.7 holds behind the acceptance too; one that waits where the mode changes is an agent's. */
static void rule_8_1_a_previewing_campaign_stays_agent_first(void **state)
{
    struct story story;
    PB(ScheduleCallback) * schedule;
    PB(Command) * command;
    PB(Reassign) reassign = RINGBACK__V1__REASSIGN__INIT;
    const char *made;

    (void)state;
    open_two(&story);
    story_set_queue(&story, customer_first(&story, "support"));
    schedule = campaign(&story, 10 * minute_ms);
    schedule->campaign_mode = MODE(PREVIEW);
    schedule->queue_id = story_text(&story, "support");
    assert_int_equal(ask_campaign(&story, NULL, schedule), REASON(NOT_IN_CUSTOMER_FIRST));
    schedule->campaign_mode = MODE(OTHER);
    assert_int_equal(ask_campaign(&story, NULL, schedule), NONE);
    story_cancel(&story, story_made(&story));
    schedule->campaign_mode = MODE(PREVIEW);
    schedule->queue_id = story_text(&story, "sales");
    assert_int_equal(ask_campaign(&story, NULL, schedule), NONE);
    made = story_text(&story, story_made(&story));
    reassign.queue_id = story_text(&story, "support");
    command = story_command(&story, NULL, "", made);
    command->command_case = RINGBACK__V1__COMMAND__COMMAND_REASSIGN;
    command->reassign = &reassign;
    story_do(&story, command);
    assert_int_equal(story_reason(&story), REASON(NOT_IN_CUSTOMER_FIRST));
    story_set_queue(&story, customer_first(&story, "sales"));
    story_ready(&story, "anna", "sales");
    story_now_on(&story);
    story_at(&story, 10 * minute_ms);
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    assert_string_equal(story_offered_to(&story), "anna");
    assert_int_equal(story_count(&story, "routing.place_call"), 0);
    story_close(&story);
}

/* It stays the campaign's: the view shows whose it is (9.1, 9.2). */
static void rule_8_1_a_rescheduled_one_stays_the_campaigns(void **state)
{
    struct story story;
    PB(Reschedule) reschedule = RINGBACK__V1__RESCHEDULE__INIT;
    PB(Command) * command;
    const PB(CallbackEntity) * cb;
    const char *made;

    (void)state;
    open_two(&story);
    assert_int_equal(ask_campaign(&story, NULL, campaign(&story, 10 * minute_ms)), NONE);
    made = story_text(&story, story_made(&story));
    reschedule.due_ms = AT(50 * minute_ms);
    command = story_command(&story, NULL, "", made);
    command->command_case = RINGBACK__V1__COMMAND__COMMAND_RESCHEDULE;
    command->reschedule = &reschedule;
    story_do(&story, command);
    assert_int_equal(story_reason(&story), NONE);
    cb = story_callback(&story, made);
    assert_int_equal(cb->due_ms, AT(50 * minute_ms));
    assert_int_equal(cb->kind, KIND(CAMPAIGN));
    assert_string_equal(cb->campaign_id, "spring");
    assert_string_equal(cb->contact_id, "c-7");
    story_ready(&story, "anna", "sales");
    story_at(&story, 50 * minute_ms - 1);
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    story_at(&story, 50 * minute_ms);
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

/* --- 8.2 --- */

static PB(LeaveVoicemail) *
    voicemail(struct story *story, const char *interaction, PB(FlowType) flow_type)
{
    PB(LeaveVoicemail) *leave = arena_alloc(&story->arena, sizeof(*leave));

    ringback__v1__leave_voicemail__init(leave);
    leave->interaction_id = story_text(story, interaction);
    leave->queue_id = story_text(story, "sales");
    leave->recording_id = story_text(story, "rec-1");
    leave->flow_type = flow_type;
    return leave;
}

static PB(Reason) leave(struct story *story, const char *request, PB(LeaveVoicemail) * voicemail)
{
    PB(FlowEvent) *event = arena_alloc(&story->arena, sizeof(*event));

    ringback__v1__flow_event__init(event);
    if (request != NULL)
        event->id = story_text(story, request);
    event->event_case = RINGBACK__V1__FLOW_EVENT__EVENT_LEAVE_VOICEMAIL;
    event->leave_voicemail = voicemail;
    story_flow(story, event);
    return story_reason(story);
}

/* Always: also where routing data are not inherited elsewhere (1.7). */
static void rule_8_2_from_the_queue_it_takes_the_place_with_its_routing_data(void **state)
{
    struct story story;
    const PB(CallbackEntity) * cb;
    PB(InteractionEvent) * entered;

    (void)state;
    open_two(&story);
    story_at(&story, 1000);
    entered = story_entered(&story, "i1", "sales");
    entered->entered->routing = story_needs(&story, 2, "loans", "he");
    story_tell(&story, entered);
    story_at(&story, 60000);
    story_now_on(&story);
    assert_int_equal(leave(&story, NULL, voicemail(&story, "i1", FLOW(IN_QUEUE_CALL))), NONE);
    cb = story_callback(&story, story_made(&story));
    assert_int_equal(cb->kind, KIND(VOICEMAIL));
    assert_int_equal(cb->state, STATE(WAITING));
    assert_string_equal(cb->recording_id, "rec-1");
    assert_int_equal(cb->place->entry_ms, AT(1000));
    assert_string_equal(cb->place->tie_break, "i1");
    assert_int_equal(cb->routing->priority, 2);
    assert_string_equal(cb->routing->skills[0], "loans");
    assert_string_equal(cb->number, "+97235551234");
    assert_string_equal(cb->conversation_id, "c-i1");
    assert_int_equal(story_call(&story, "i1")->stay_ms, 0); /* a flow-out (1.8) */
    assert_int_equal(story_counters(&story, "sales")->live->flow_out, 1);
    assert_int_equal(story_counters(&story, "sales")->callbacks->offered, 1);
    assert_string_equal(
        story_analytics(&story, "analytics.session_started", 0)->session_started->recording_id,
        "rec-1");
    story_ready(&story, "anna", "sales");
    assert_string_equal(story_offered_to(&story), "");
    story_ready_with(&story, "ben", "sales", "loans", "he");
    assert_string_equal(story_offered_to(&story), "ben");
    assert_string_equal(story_routing(&story, "routing.offer", 0)->offer->recording_id, "rec-1");
    assert_int_equal(story_routing(&story, "routing.offer", 0)->offer->kind, KIND(VOICEMAIL));
    story_close(&story);
}

static void rule_8_2_from_elsewhere_it_goes_to_the_end(void **state)
{
    static const PB(FlowType) types[] = {FLOW(INBOUND_CALL), FLOW(OUTBOUND_CALL), FLOW(OTHER)};
    struct story story;
    const PB(CallbackEntity) * cb;
    PB(InteractionEvent) * entered;
    const char *id[] = {"i1", "i2", "i3"};

    (void)state;
    open_two(&story);
    for (size_t at = 0; at < 3; at++) {
        entered = story_entered(&story, id[at], "sales");
        entered->entered->routing = story_needs(&story, 2, "loans", "");
        story_tell(&story, entered);
    }
    story_at(&story, 60000);
    for (size_t at = 0; at < 3; at++) {
        assert_int_equal(leave(&story, NULL, voicemail(&story, id[at], types[at])), NONE);
        cb = story_callback(&story, story_made(&story));
        assert_int_equal(cb->place->entry_ms, AT(60000));
        assert_string_equal(cb->place->tie_break, story_made(&story));
        assert_int_equal(cb->routing->priority, 0);
        assert_int_equal(cb->routing->n_skills, 0);
    }
    story_close(&story);
}

/* 1.7: with the switch on what it ranks and matches by comes along, the place does not. */
static void rule_8_2_from_elsewhere_routing_data_come_where_they_are_inherited(void **state)
{
    struct story story;
    const PB(CallbackEntity) * cb;
    PB(InteractionEvent) * entered;
    PB(QueueSettings) * sales;

    (void)state;
    open_two(&story);
    sales = story_queue(&story, "sales");
    sales->inherit_routing_data = RINGBACK__V1__TOGGLE__TOGGLE_ON;
    story_set_queue(&story, sales);
    entered = story_entered(&story, "i1", "support");
    entered->entered->routing = story_needs(&story, 2, "loans", "");
    story_tell(&story, entered);
    story_at(&story, 60000);
    assert_int_equal(leave(&story, NULL, voicemail(&story, "i1", FLOW(IN_QUEUE_CALL))), NONE);
    cb = story_callback(&story, story_made(&story));
    assert_int_equal(cb->place->entry_ms, AT(60000)); /* another queue's line */
    assert_int_equal(cb->routing->priority, 2);
    assert_string_equal(cb->routing->skills[0], "loans");
    story_close(&story);
}

static void rule_8_2_what_it_is_refused_for(void **state)
{
    static const PB(FlowType)
        wrong[] = {FLOW(UNSPECIFIED), FLOW(IN_QUEUE_EMAIL), FLOW(IN_QUEUE_MESSAGE)};
    struct story story;
    PB(LeaveVoicemail) * left;
    PB(QueueSettings) * sales;
    const char *made;

    (void)state;
    open_two(&story);
    story_enter(&story, "i1", "sales");
    for (size_t at = 0; at < 3; at++)
        assert_int_equal(leave(&story, NULL, voicemail(&story, "i1", wrong[at])),
                         REASON(FLOW_TYPE));
    left = voicemail(&story, "i1", FLOW(IN_QUEUE_CALL));
    left->recording_id = story_text(&story, "");
    assert_int_equal(leave(&story, NULL, left), REASON(LIMIT));
    left = voicemail(&story, "i1", FLOW(IN_QUEUE_CALL));
    left->queue_id = story_text(&story, "nowhere");
    assert_int_equal(leave(&story, NULL, left), REASON(QUEUE_UNKNOWN));
    left = voicemail(&story, "i1", FLOW(IN_QUEUE_CALL));
    left->number = story_text(&story, "12"); /* given, and no number */
    assert_int_equal(leave(&story, NULL, left), REASON(NUMBER_INVALID));
    left = voicemail(&story, "i1", FLOW(IN_QUEUE_CALL));
    left->script_id = story_text(&story, "nothing");
    assert_int_equal(leave(&story, NULL, left), REASON(SCRIPT_UNKNOWN));
    sales = story_queue(&story, "sales");
    sales->accepting = RINGBACK__V1__TOGGLE__TOGGLE_OFF;
    story_set_queue(&story, sales);
    left = voicemail(&story, "i1", FLOW(IN_QUEUE_CALL));
    assert_int_equal(leave(&story, NULL, left), REASON(NOT_ACCEPTING));
    assert_int_equal(story_call(&story, "i1")->state, CALL(WAITING)); /* untouched (1.9) */
    story_set_queue(&story, story_queue(&story, "sales"));
    assert_int_equal(leave(&story, "ask-1", left), NONE);
    made = story_text(&story, story_made(&story));
    assert_int_equal(leave(&story, "ask-2", left), REASON(ALREADY_REQUESTED));
    assert_string_equal(story_result(&story)->callback_refused->callback_id, made);
    assert_int_equal(leave(&story, "ask-1", left), NONE); /* the same request again */
    assert_string_equal(story_made(&story), made);
    story_ask(&story, "ask-3", story_create(&story, "i1", "sales"));
    assert_int_equal(story_reason(&story), REASON(ALREADY_REQUESTED));
    story_close(&story);
}

/* 12.4 does not apply. */
static void rule_8_2_a_full_queue_takes_it(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;

    (void)state;
    open_two(&story);
    sales = story_queue(&story, "sales");
    sales->waiting_max = 1;
    story_set_queue(&story, sales);
    story_ask(&story, "ask-c1", story_create(&story, "i1", "sales"));
    assert_int_equal(story_reason(&story), NONE);
    story_ask(&story, "ask-c2", story_create(&story, "i2", "sales"));
    assert_int_equal(story_reason(&story), REASON(QUEUE_FULL));
    assert_int_equal(leave(&story, NULL, voicemail(&story, "i3", FLOW(OTHER))), NONE);
    story_close(&story);
}

/* Withheld, no number at all, or none that could be called: the agent hears it, and cannot dial. */
static void rule_8_2_no_number_is_needed(void **state)
{
    static const char *const withheld[] = {"", "anonymous", "12"};
    struct story story;
    PB(InteractionEvent) * entered;
    const char *made;

    (void)state;
    for (size_t at = 0; at < 3; at++) {
        open_two(&story);
        entered = story_entered(&story, "i1", "sales");
        entered->entered->ani = story_text(&story, withheld[at]);
        story_tell(&story, entered);
        assert_int_equal(leave(&story, NULL, voicemail(&story, "i1", FLOW(IN_QUEUE_CALL))), NONE);
        made = story_text(&story, story_made(&story));
        assert_string_equal(story_callback(&story, made)->number, "");
        story_ready(&story, "anna", "sales");
        story_accept(&story, "anna");
        story_at(&story, 5000);
        story_dial(&story, "anna", made);
        assert_int_equal(story_reason(&story), REASON(NUMBER_MISSING));
        story_at(&story, 20000);
        story_now_on(&story);
        story_end(&story, "anna", made);
        assert_int_equal(story_reason(&story), NONE);
        assert_int_equal(story_analytics(&story, "analytics.segment", 0)->segment->type,
                         SEGMENT(VOICEMAIL)); /* he played it (10.1) */
        assert_int_equal(story_analytics(&story, "analytics.segment", 0)->segment->end_ms,
                         AT(20000));
        story_close(&story);
    }
}

static void rule_8_2_with_a_number_it_is_dialled_as_a_callback(void **state)
{
    struct story story;
    const char *made;

    (void)state;
    open_two(&story);
    story_enter(&story, "i1", "sales");
    assert_int_equal(leave(&story, NULL, voicemail(&story, "i1", FLOW(IN_QUEUE_CALL))), NONE);
    made = story_text(&story, story_made(&story));
    story_ready(&story, "anna", "sales");
    story_accept(&story, "anna");
    story_at(&story, 30000);
    story_now_on(&story);
    story_dial(&story, "anna", made);
    assert_string_equal(story_routing(&story, "routing.place_call", 0)->place_call->number,
                        "+97235551234");
    assert_int_equal(story_analytics(&story, "analytics.segment", 0)->segment->type,
                     SEGMENT(VOICEMAIL));
    story_ringing(&story);
    story_at(&story, 40000);
    story_attempt_ended(&story, RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_NO_ANSWER);
    story_at(&story, 50000);
    story_now_on(&story);
    story_end(&story, "anna", made);
    assert_int_equal(story_analytics(&story, "analytics.segment", 0)->segment->type,
                     SEGMENT(INTERACT)); /* after a dial he plays nothing */
    story_close(&story);
}

/* Nothing can be dialled for him: he is told, and has as long as any preview (6.5). */
static void rule_8_2_nothing_dials_by_itself_without_a_number(void **state)
{
    struct story story;
    PB(AutoDial) after = RINGBACK__V1__AUTO_DIAL__INIT;
    const PB(RoutingEvent) * notice;
    PB(InteractionEvent) * entered;
    PB(QueueSettings) * sales;
    PB(Command) * command;
    PB(Dial) dial = RINGBACK__V1__DIAL__INIT;
    const char *made;

    (void)state;
    open_two(&story);
    after.delay_s = 20;
    sales = story_queue(&story, "sales");
    sales->auto_dial = &after;
    story_set_queue(&story, sales);
    entered = story_entered(&story, "i1", "sales");
    entered->entered->ani = story_text(&story, "");
    story_tell(&story, entered);
    assert_int_equal(leave(&story, NULL, voicemail(&story, "i1", FLOW(IN_QUEUE_CALL))), NONE);
    made = story_text(&story, story_made(&story));
    story_ready(&story, "anna", "sales");
    story_accept(&story, "anna");
    story_at(&story, 19999);
    assert_int_equal(story_count(&story, "routing.callback_notice"), 0);
    story_at(&story, 20000);
    notice = story_routing(&story, "routing.callback_notice", 0);
    assert_int_equal(notice->callback_notice->reason, REASON(NUMBER_MISSING));
    assert_string_equal(notice->callback_notice->agent_id, "anna");
    assert_int_equal(story_count(&story, "routing.place_call"), 0);
    assert_int_equal(story_callback(&story, made)->hold->act_until_ms, AT(20000 + 30 * minute_ms));
    dial.number = story_text(&story, "+49 170-12345"); /* heard on the recording */
    command = story_command(&story, NULL, "anna", made);
    command->command_case = RINGBACK__V1__COMMAND__COMMAND_DIAL;
    command->dial = &dial;
    story_do(&story, command);
    assert_int_equal(story_reason(&story), NONE);
    assert_string_equal(story_routing(&story, "routing.place_call", 0)->place_call->number,
                        "+4917012345");
    story_close(&story);
}

/* 2.1: a voicemail is a conversation in which an agent may schedule; without a number he says one.
 */
static void rule_8_2_a_callback_is_scheduled_in_it(void **state)
{
    struct story story;
    PB(Command) * command;
    const char *made;

    (void)state;
    open_two(&story);
    assert_int_equal(leave(&story, NULL, voicemail(&story, "i1", FLOW(OTHER))), NONE);
    made = story_text(&story, story_made(&story));
    story_ready(&story, "anna", "sales");
    story_accept(&story, "anna");
    command = story_schedule(&story, NULL, "anna", made, 20 * minute_ms);
    story_do(&story, command);
    assert_int_equal(story_reason(&story), REASON(NUMBER_MISSING));
    command = story_schedule(&story, NULL, "anna", made, 20 * minute_ms);
    command->schedule->number = story_text(&story, "+4917012345");
    story_do(&story, command);
    assert_int_equal(story_reason(&story), NONE);
    assert_int_equal(story_callback(&story, story_made(&story))->kind, KIND(SCHEDULED));
    assert_string_equal(story_callback(&story, story_made(&story))->interaction_id, made);
    assert_string_equal(story_callback(&story, story_made(&story))->recording_id, "");
    story_close(&story);
}

/* 10.2: it never had a due time; a campaign's has one. */
static void rule_8_2_analytics_ends_it_after_14_days(void **state)
{
    const int64_t days_ms = INT64_C(14) * 24 * 60 * minute_ms;
    struct story story;
    const char *made;

    (void)state;
    open_two(&story);
    assert_int_equal(ask_campaign(&story, NULL, campaign(&story, minute_ms)), NONE);
    assert_int_equal(leave(&story, NULL, voicemail(&story, "i1", FLOW(OTHER))), NONE);
    made = story_made(&story);
    story_at(&story, days_ms - 1);
    assert_int_equal(story_count(&story, "analytics.inactivity"), 0);
    story_at(&story, days_ms + 2 * minute_ms);
    assert_int_equal(story_count(&story, "analytics.inactivity"), 1);
    assert_string_equal(story_analytics(&story, "analytics.inactivity", 0)->callback_id, made);
    story_close(&story);
}

static PB(LeaveVoicemail) *
    internal(struct story *story, const char *interaction, const char *agent)
{
    PB(LeaveVoicemail) *left = voicemail(story, interaction, FLOW(OTHER));

    left->queue_id = story_text(story, "support");
    left->from_agent_id = story_text(story, agent);
    return left;
}

static void rule_8_2_an_internal_one_keeps_the_agents_capacity(void **state)
{
    struct story story;
    const char *left;

    (void)state;
    open_two(&story);
    story_ready(&story, "anna", "sales");
    story_enter(&story, "i9", "support");
    assert_int_equal(leave(&story, NULL, internal(&story, "i9", "anna")), NONE);
    left = story_text(&story, story_made(&story));
    assert_string_equal(story_callback(&story, left)->number, ""); /* a colleague's own */
    assert_string_equal(story_callback(&story, left)->from_agent_id, "anna");
    story_ask(&story, "ask-c3", story_create(&story, "i1", "sales"));
    story_now_on(&story);
    story_at(&story, 60000);
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    story_ready(&story, "ben", "support");
    assert_string_equal(story_offered_to(&story), "ben");
    assert_string_equal(story_routing(&story, "routing.offer", 0)->offer->from_agent_id, "anna");
    story_accept(&story, "ben");
    story_at(&story, 70000);
    assert_int_equal(story_count(&story, "routing.offer"), 1); /* with ben: not over */
    story_end(&story, "ben", left);
    assert_string_equal(story_offered_to(&story), "anna");
    assert_int_equal(story_count(&story, "routing.offer"), 2);
    story_close(&story);
}

static void rule_8_2_an_internal_one_uses_one_of_several(void **state)
{
    struct story story;
    PB(AgentSettings) * anna;
    PB(CallbackCapacity) capacity = RINGBACK__V1__CALLBACK_CAPACITY__INIT;

    (void)state;
    open_two(&story);
    story_ready(&story, "anna", "sales");
    anna = story_agent(&story, "anna");
    capacity.callbacks = 3;
    anna->callback_capacity = &capacity;
    story_set_agent(&story, anna);
    assert_int_equal(leave(&story, NULL, internal(&story, "i8", "anna")), NONE);
    assert_int_equal(leave(&story, NULL, internal(&story, "i9", "anna")), NONE);
    story_ask(&story, "ask-c4", story_create(&story, "i1", "sales"));
    story_ask(&story, "ask-c5", story_create(&story, "i2", "sales"));
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_accept(&story, "anna");
    story_at(&story, 60000);
    assert_int_equal(story_count(&story, "routing.offer"), 1); /* two voicemails, one held */
    story_close(&story);
}

/* It is one use, not two, when he is offered the one that he left and takes it. */
static void rule_8_2_his_own_that_he_holds_counts_once(void **state)
{
    struct story story;
    PB(AgentSettings) * anna;
    PB(CallbackCapacity) capacity = RINGBACK__V1__CALLBACK_CAPACITY__INIT;

    (void)state;
    open_two(&story);
    story_ready(&story, "anna", "support");
    anna = story_agent(&story, "anna");
    capacity.callbacks = 2;
    anna->callback_capacity = &capacity;
    story_set_agent(&story, anna);
    assert_int_equal(leave(&story, NULL, internal(&story, "i9", "anna")), NONE);
    assert_string_equal(story_offered_to(&story), "anna");
    story_accept(&story, "anna");
    story_now_on(&story);
    story_ask(&story, "ask-c6", story_create(&story, "i1", "support"));
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

/* What another one left is one use by being held, and not instead of what he left himself. */
static void rule_8_2_anothers_that_he_holds_is_one_more(void **state)
{
    struct story story;
    PB(AgentSettings) * anna;
    PB(CallbackCapacity) capacity = RINGBACK__V1__CALLBACK_CAPACITY__INIT;
    const char *own;

    (void)state;
    open_two(&story);
    story_ready(&story, "anna", "support");
    anna = story_agent(&story, "anna");
    capacity.callbacks = 2;
    anna->callback_capacity = &capacity;
    story_set_agent(&story, anna);
    assert_int_equal(leave(&story, NULL, internal(&story, "i8", "ben")), NONE);
    assert_string_equal(story_offered_to(&story), "anna");
    story_accept(&story, "anna");
    story_now_on(&story);
    assert_int_equal(leave(&story, NULL, internal(&story, "i10", "anna")), NONE);
    own = story_text(&story, story_made(&story));
    assert_int_equal(story_count(&story, "routing.offer"), 0); /* one held, one left */
    story_cancel(&story, own);
    story_ask(&story, "ask-c7", story_create(&story, "i1", "support"));
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_close(&story);
}

static void rule_8_2_it_comes_into_no_customer_first_queue(void **state)
{
    struct story story;
    PB(Command) * command;
    PB(Reassign) reassign = RINGBACK__V1__REASSIGN__INIT;
    PB(Transfer) transfer = RINGBACK__V1__TRANSFER__INIT;
    const char *made;

    (void)state;
    open_two(&story);
    story_set_queue(&story, customer_first(&story, "support"));
    story_enter(&story, "i1", "sales");
    assert_int_equal(leave(&story, NULL, voicemail(&story, "i1", FLOW(IN_QUEUE_CALL))), NONE);
    made = story_text(&story, story_made(&story));
    reassign.queue_id = transfer.queue_id = story_text(&story, "support");
    command = story_command(&story, NULL, "", made);
    command->command_case = RINGBACK__V1__COMMAND__COMMAND_REASSIGN;
    command->reassign = &reassign;
    story_do(&story, command);
    assert_int_equal(story_reason(&story), REASON(NOT_IN_CUSTOMER_FIRST));
    assert_string_equal(story_callback(&story, made)->place->queue_id, "sales");
    story_ready(&story, "anna", "sales");
    story_accept(&story, "anna");
    command = story_command(&story, NULL, "anna", made);
    command->command_case = RINGBACK__V1__COMMAND__COMMAND_TRANSFER;
    command->transfer = &transfer;
    story_do(&story, command);
    assert_int_equal(story_reason(&story), REASON(NOT_IN_CUSTOMER_FIRST));
    assert_int_equal(story_callback(&story, made)->state, STATE(WITH_AGENT));
    /* Where it is it stays an agent's, whatever the mode becomes (12.15). */
    story_set_queue(&story, customer_first(&story, "sales"));
    transfer.queue_id = story_text(&story, "sales");
    command = story_command(&story, NULL, "anna", made);
    command->command_case = RINGBACK__V1__COMMAND__COMMAND_TRANSFER;
    command->transfer = &transfer;
    story_now_on(&story);
    story_do(&story, command);
    assert_int_equal(story_reason(&story), NONE);
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    assert_int_equal(story_count(&story, "routing.place_call"), 0);
    story_close(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_8_1_a_campaign_schedules_a_callback),
        cmocka_unit_test(rule_8_1_left_out_is_half_an_hour_in_a_conversation_of_its_own),
        cmocka_unit_test(rule_8_1_the_limits_of_scheduling_hold),
        cmocka_unit_test(rule_8_1_a_local_time_is_kept),
        cmocka_unit_test(rule_8_1_a_repeat_makes_no_second_one),
        cmocka_unit_test(rule_8_1_a_skilled_campaign_keeps_its_routing_data),
        cmocka_unit_test(rule_8_1_a_queue_that_does_not_accept_refuses_it),
        cmocka_unit_test(rule_8_1_a_previewing_campaign_stays_agent_first),
        cmocka_unit_test(rule_8_1_a_rescheduled_one_stays_the_campaigns),
        cmocka_unit_test(rule_8_2_from_the_queue_it_takes_the_place_with_its_routing_data),
        cmocka_unit_test(rule_8_2_from_elsewhere_it_goes_to_the_end),
        cmocka_unit_test(rule_8_2_from_elsewhere_routing_data_come_where_they_are_inherited),
        cmocka_unit_test(rule_8_2_what_it_is_refused_for),
        cmocka_unit_test(rule_8_2_a_full_queue_takes_it),
        cmocka_unit_test(rule_8_2_no_number_is_needed),
        cmocka_unit_test(rule_8_2_with_a_number_it_is_dialled_as_a_callback),
        cmocka_unit_test(rule_8_2_nothing_dials_by_itself_without_a_number),
        cmocka_unit_test(rule_8_2_a_callback_is_scheduled_in_it),
        cmocka_unit_test(rule_8_2_analytics_ends_it_after_14_days),
        cmocka_unit_test(rule_8_2_an_internal_one_keeps_the_agents_capacity),
        cmocka_unit_test(rule_8_2_an_internal_one_uses_one_of_several),
        cmocka_unit_test(rule_8_2_his_own_that_he_holds_counts_once),
        cmocka_unit_test(rule_8_2_anothers_that_he_holds_is_one_more),
        cmocka_unit_test(rule_8_2_it_comes_into_no_customer_first_queue),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
