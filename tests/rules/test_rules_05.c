/* Chapter 5 of the rules: ranking and agent choice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "state/internal.h"
#include "tests/support/story.h"

#define ON_QUEUE PRESENCE(ON_QUEUE)

static void open_with_queue(struct story *story)
{
    story_open(story);
    story_set_queue(story, story_queue(story, "sales"));
}

/* A callback at the place of a call that stood in queue since entry_ms. */
static const char *stand(struct story *story, const char *call, const char *queue, int64_t entry_ms,
                         int32_t priority, const char *tie)
{
    PB(CreateCallback) *create = story_create(story, call, queue);
    PB(Place) *place = arena_alloc(&story->arena, sizeof(*place));
    PB(RoutingData) *routing = arena_alloc(&story->arena, sizeof(*routing));

    ringback__v1__place__init(place);
    ringback__v1__routing_data__init(routing);
    place->queue_id = arena_text(&story->arena, slice_text(queue));
    place->entry_ms = STORY_START_MS + entry_ms;
    place->tie_break = arena_text(&story->arena, slice_text(tie));
    routing->priority = priority;
    create->facts->place = place;
    create->facts->routing = routing;
    story_ask(story, arena_format(&story->arena, "ask-%s", call), create);
    assert_int_equal(story_reason(story), REASON(UNSPECIFIED));
    return story_made(story);
}

static const char *simple(struct story *story, const char *call)
{
    story_ask(story, arena_format(&story->arena, "ask-%s", call),
              story_create(story, call, "sales"));
    assert_int_equal(story_reason(story), REASON(UNSPECIFIED));
    return story_made(story);
}

/* Which callback the newest offer is of; "" without one since story_now_on(). */
static const char *offered(struct story *story)
{
    size_t count = story_count(story, "routing.offer");

    return count == 0 ? "" : story_routing(story, "routing.offer", count - 1)->callback_id;
}

/* An agent comes, gets the best and accepts it. */
static const char *next_served(struct story *story, const char *agent, const char *queues)
{
    story_now_on(story);
    story_set_agent(story, story_agent(story, agent));
    story_presence(story, agent, ON_QUEUE);
    story_joins(story, agent, queues);
    story_status(story, agent, STATUS(IDLE));
    if (story_count(story, "routing.offer") != 0)
        story_accept(story, agent);
    return offered(story);
}

static void enter_at(struct story *story, const char *call, PB(Media) media, int64_t entry_ms,
                     const char *tie)
{
    PB(InteractionEvent) *event = story_interaction(story, call);

    event->interaction->media = media;
    event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ENTERED;
    event->entered = arena_alloc(&story->arena, sizeof(*event->entered));
    ringback__v1__interaction_entered__init(event->entered);
    event->entered->place = arena_alloc(&story->arena, sizeof(*event->entered->place));
    ringback__v1__place__init(event->entered->place);
    event->entered->place->queue_id = arena_text(&story->arena, slice_text("sales"));
    event->entered->place->entry_ms = STORY_START_MS + entry_ms;
    event->entered->place->tie_break = arena_text(&story->arena, slice_text(tie));
    story_send(story, INPUT_INTERACTIONS, &event->base);
}

static void named(struct story *story, const char *call, PB(Media) media, const char *agent,
                  bool connected)
{
    PB(InteractionEvent) *event = story_interaction(story, call);

    event->interaction->media = media;
    if (connected) {
        event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_CONNECTED;
        event->connected = arena_alloc(&story->arena, sizeof(*event->connected));
        ringback__v1__interaction_connected__init(event->connected);
        event->connected->agent_id = arena_text(&story->arena, slice_text(agent));
    } else {
        event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ALERTING;
        event->alerting = arena_alloc(&story->arena, sizeof(*event->alerting));
        ringback__v1__interaction_alerting__init(event->alerting);
        event->alerting->agent_id = arena_text(&story->arena, slice_text(agent));
    }
    story_send(story, INPUT_INTERACTIONS, &event->base);
}

static void status_of(struct story *story, uint64_t version, int64_t change_ms,
                      PB(RoutingStatus) status)
{
    PB(PresenceEvent) event = RINGBACK__V1__PRESENCE_EVENT__INIT;
    PB(RoutingStatusChanged) changed = RINGBACK__V1__ROUTING_STATUS_CHANGED__INIT;

    event.agent_id = story_text(story, "anna");
    event.version = version;
    event.change_ms = STORY_START_MS + change_ms;
    changed.status = status;
    event.event_case = RINGBACK__V1__PRESENCE_EVENT__EVENT_ROUTING_STATUS;
    event.routing_status = &changed;
    story_send(story, INPUT_PRESENCE, &event.base);
}

/* --- 5.1 --- */

static void rule_5_1_a_minute_waited_weighs_as_much_as_one_of_priority(void **state)
{
    struct story story;
    const char *first, *second, *third;

    (void)state;
    open_with_queue(&story);
    story_at(&story, 200000);
    first = stand(&story, "i1", "sales", 0, 0, "");
    second = stand(&story, "i2", "sales", 59999, 1, ""); /* 1 ms better */
    third = stand(&story, "i3", "sales", 0, -1, "");
    assert_string_equal(next_served(&story, "anna", "sales"), second);
    assert_string_equal(next_served(&story, "bela", "sales"), first);
    assert_string_equal(next_served(&story, "cora", "sales"), third);
    story_close(&story);
}

static void rule_5_1_equal_keys_go_by_entry_time(void **state)
{
    struct story story;
    const char *early, *late;

    (void)state;
    open_with_queue(&story);
    story_at(&story, 200000);
    late = stand(&story, "i1", "sales", 60000, 1, "a"); /* both 0 */
    early = stand(&story, "i2", "sales", 0, 0, "b");
    assert_string_equal(next_served(&story, "anna", "sales"), early);
    assert_string_equal(next_served(&story, "bela", "sales"), late);
    story_close(&story);
}

static void rule_5_1_equal_entries_go_by_the_bytes_of_the_tie_break(void **state)
{
    struct story story;
    const char *a, *b, *capital;

    (void)state;
    open_with_queue(&story);
    story_at(&story, 1000);
    b = stand(&story, "i1", "sales", 0, 0, "b");
    a = stand(&story, "i2", "sales", 0, 0, "a");
    capital = stand(&story, "i3", "sales", 0, 0, "Z");
    assert_string_equal(next_served(&story, "anna", "sales"), capital);
    assert_string_equal(next_served(&story, "bela", "sales"), a);
    assert_string_equal(next_served(&story, "cora", "sales"), b);
    story_close(&story);
}

static void rule_5_1_a_live_call_comes_before_a_callback_of_the_same_place(void **state)
{
    struct story story;
    const char *before;

    (void)state;
    open_with_queue(&story);
    story_at(&story, 1000);
    stand(&story, "i1", "sales", 0, 0, "t");
    enter_at(&story, "i2", RINGBACK__V1__MEDIA__MEDIA_VOICE, 0, "t");
    assert_string_equal(next_served(&story, "anna", "sales"), "");
    before = stand(&story, "i3", "sales", 0, 0, "s");
    assert_string_equal(offered(&story), before);
    story_close(&story);
}

static void rule_5_1_priority_is_bounded(void **state)
{
    struct story story;
    const int32_t refused[] = {25000001, -25000001};

    (void)state;
    open_with_queue(&story);
    stand(&story, "i1", "sales", 0, 25000000, "");
    stand(&story, "i2", "sales", 0, -25000000, "");
    for (int at = 0; at < 2; at++) {
        PB(CreateCallback) *create = story_create(&story, "i3", "sales");
        PB(RoutingData) routing = RINGBACK__V1__ROUTING_DATA__INIT;

        routing.priority = refused[at];
        create->facts->routing = &routing;
        story_ask(&story, at == 0 ? "r3" : "r4", create);
        assert_int_equal(story_reason(&story), REASON(LIMIT));
    }
    story_close(&story);
}

static void rule_5_1_priority_only_queues_rank_by_priority_and_come_first(void **state)
{
    struct story story;
    PB(QueueSettings) * vip;
    const char *old, *low, *high, *higher;

    (void)state;
    open_with_queue(&story);
    vip = story_queue(&story, "vip");
    vip->ranking = RINGBACK__V1__RANKING__RANKING_PRIORITY_ONLY;
    story_set_queue(&story, vip);
    story_at(&story, 100 * MINUTE_MS);
    old = stand(&story, "i1", "sales", 0, 1000, "");
    low = stand(&story, "i2", "vip", 0, -5, "");
    high = stand(&story, "i3", "vip", 5000, 2, "");
    higher = stand(&story, "i4", "vip", 4999, 2, ""); /* equal priority: entry time */
    assert_string_equal(next_served(&story, "anna", "sales vip"), higher);
    assert_string_equal(next_served(&story, "bela", "sales vip"), high);
    assert_string_equal(next_served(&story, "cora", "sales vip"), low);
    assert_string_equal(next_served(&story, "dora", "sales vip"), old);
    story_close(&story);
}

static void rule_5_1_another_ranking_holds_for_those_who_wait_already(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;
    const char *urgent;

    (void)state;
    open_with_queue(&story);
    story_at(&story, 100 * MINUTE_MS);
    stand(&story, "i1", "sales", 0, 0, "");
    urgent = stand(&story, "i2", "sales", 99 * MINUTE_MS, 1, "");
    sales = story_queue(&story, "sales");
    sales->ranking = RINGBACK__V1__RANKING__RANKING_PRIORITY_ONLY;
    story_set_queue(&story, sales);
    assert_string_equal(next_served(&story, "anna", "sales"), urgent);
    story_close(&story);
}

static void rule_5_1_an_entry_time_after_the_records_stamp_is_the_stamp(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_with_queue(&story);
    story_at(&story, 10000);
    story.timestamp_ms = 9000;
    callback = stand(&story, "i1", "sales", 9001, 0, "");
    assert_int_equal(story_callback(&story, callback)->place->entry_ms, STORY_START_MS + 9000);
    story.timestamp_ms = 9000;
    callback = stand(&story, "i2", "sales", 9000, 0, "");
    assert_int_equal(story_callback(&story, callback)->place->entry_ms, STORY_START_MS + 9000);
    story_close(&story);
}

/* --- 5.2 --- */

static void rule_5_2_every_fact_is_needed(void **state)
{
    (void)state;
    for (int missing = 0; missing < 5; missing++) {
        struct story story;

        open_with_queue(&story);
        simple(&story, "i1");
        for (int round = 0; round < 2; round++)
            for (int fact = 0; fact < 4; fact++) {
                if ((fact == missing) != (round == 1))
                    continue;
                assert_string_equal(offered(&story), "");
                if (fact == 0)
                    story_set_agent(&story, story_agent(&story, "anna"));
                if (fact == 1)
                    story_presence(&story, "anna", ON_QUEUE);
                if (fact == 2)
                    story_join(&story, "anna", "sales");
                if (fact == 3)
                    story_status(&story, "anna", STATUS(IDLE));
            }
        assert_int_equal(story_count(&story, "routing.offer"), 1);
        story_close(&story);
    }
}

static void rule_5_2_only_idle_or_interacting_beside_and_only_on_queue(void **state)
{
    static const PB(RoutingStatus) statuses[] = {STATUS(OFF_QUEUE), STATUS(INTERACTING),
                                                 STATUS(COMMUNICATING), STATUS(NOT_RESPONDING)};
    static const PB(Presence)
        presences[] = {PRESENCE(OFFLINE), PRESENCE(AVAILABLE), PRESENCE(BUSY), PRESENCE(AWAY)};
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    for (int at = 0; at < 4; at++) {
        story_status(&story, "anna", statuses[at]);
        if (at == 0)
            simple(&story, "i1");
        assert_string_equal(offered(&story), "");
    }
    for (int at = 0; at < 4; at++) {
        story_presence(&story, "anna", presences[at]);
        if (at == 0)
            story_at(&story, 10);
        story_status(&story, "anna", STATUS(IDLE));
        assert_string_equal(offered(&story), "");
    }
    story_presence(&story, "anna", ON_QUEUE);
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_close(&story);
}

static void rule_5_2_joined_to_the_queue_itself(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_set_queue(&story, story_queue(&story, "other"));
    story_ready(&story, "anna", "other");
    simple(&story, "i1");
    assert_string_equal(offered(&story), "");
    story_joins(&story, "anna", "other sales");
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

static void rule_5_2_required_skills_and_language(void **state)
{
    struct story story;
    char *asked[2], *languages[1];
    PB(RoutingData) routing = RINGBACK__V1__ROUTING_DATA__INIT;
    PB(AgentSettings) * anna;
    PB(CreateCallback) * create;

    (void)state;
    open_with_queue(&story);
    asked[0] = story_text(&story, "billing");
    asked[1] = story_text(&story, "cards");
    languages[0] = story_text(&story, "he");
    story_domain(&story, "", true); /* routing data is kept */
    create = story_create(&story, "i1", "sales");
    routing.n_skills = 2;
    routing.skills = asked;
    routing.language = languages[0];
    create->facts->routing = &routing;
    story_ask(&story, "r1", create);
    story_ready(&story, "anna", "sales");
    anna = story_agent(&story, "anna");
    anna->n_skills = 1;
    anna->skills = asked;
    anna->n_languages = 1;
    anna->languages = languages;
    story_set_agent(&story, anna);
    assert_string_equal(offered(&story), "");
    anna = story_agent(&story, "anna");
    anna->n_skills = 2;
    anna->skills = asked;
    story_set_agent(&story, anna);
    assert_string_equal(offered(&story), "");
    anna = story_agent(&story, "anna");
    anna->n_skills = 2;
    anna->skills = asked;
    anna->n_languages = 1;
    anna->languages = languages;
    story_set_agent(&story, anna);
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

static void set_capacity(struct story *story, uint32_t callbacks)
{
    PB(AgentSettings) *anna = story_agent(story, "anna");
    PB(CallbackCapacity) capacity = RINGBACK__V1__CALLBACK_CAPACITY__INIT;

    capacity.callbacks = callbacks;
    anna->callback_capacity = &capacity;
    story_set_agent(story, anna);
}

static void rule_5_2_capacity_bounds_the_callbacks_held(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    set_capacity(&story, 0);
    simple(&story, "i1");
    simple(&story, "i2");
    simple(&story, "i3");
    assert_string_equal(offered(&story), "");
    story_set_agent(&story, story_agent(&story, "anna")); /* default: 1 */
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_accept(&story, "anna");
    story_status(&story, "anna", STATUS(INTERACTING));
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    set_capacity(&story, 2); /* beside one of ours */
    assert_int_equal(story_count(&story, "routing.offer"), 2);
    story_accept(&story, "anna");
    assert_int_equal(story_count(&story, "routing.offer"), 2);
    set_capacity(&story, 25);
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    assert_int_equal(story_count(&story, "routing.offer"), 3);
    set_capacity(&story, 26);
    assert_int_equal(story_reason(&story), REASON(SETTINGS_INVALID));
    story_close(&story);
}

static void rule_5_2_e_mail_beside_is_welcome_and_nothing_else_by_default(void **state)
{
    static const struct {
        PB(Media) media;
        bool welcome;
    } rows[] = {
        {RINGBACK__V1__MEDIA__MEDIA_VOICE, false},       {RINGBACK__V1__MEDIA__MEDIA_EMAIL, true},
        {RINGBACK__V1__MEDIA__MEDIA_MESSAGE, false},     {RINGBACK__V1__MEDIA__MEDIA_CHAT, false},
        {RINGBACK__V1__MEDIA__MEDIA_UNSPECIFIED, false},
    };

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        struct story story;

        open_with_queue(&story);
        story_ready(&story, "anna", "sales");
        named(&story, "m1", rows[at].media, "anna", true);
        story_at(&story, 10);
        story_status(&story, "anna", STATUS(INTERACTING));
        simple(&story, "i1");
        assert_int_equal(story_count(&story, "routing.offer"), rows[at].welcome);
        story_close(&story);
    }
}

static void rule_5_2_callback_beside_names_the_media(void **state)
{
    struct story story;

    (void)state;
    story_open(&story);
    story.options.callback_beside = 1u << RINGBACK__V1__MEDIA__MEDIA_CHAT;
    story_set_queue(&story, story_queue(&story, "sales"));
    story_ready(&story, "anna", "sales");
    story_ready(&story, "bela", "sales");
    named(&story, "m1", RINGBACK__V1__MEDIA__MEDIA_CHAT, "bela", true);
    named(&story, "m2", RINGBACK__V1__MEDIA__MEDIA_EMAIL, "anna", true);
    simple(&story, "i1");
    simple(&story, "i2");
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    assert_string_equal(story_offered_to(&story), "bela");
    story_close(&story);
}

static void rule_5_2_a_live_call_or_its_wrap_up_keeps_callbacks_away(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    story_enter(&story, "i1", "sales");
    story_connect(&story, "i1", "anna");
    simple(&story, "i2");
    story_end_call(&story, "i1");
    story_wrap_up(&story, "i1", "anna", true);
    story_at(&story, 10);
    story_status(&story, "anna", STATUS(INTERACTING));
    assert_string_equal(offered(&story), "");
    story_wrap_up(&story, "i1", "anna", false);
    assert_string_equal(offered(&story), "");
    story_status(&story, "anna", STATUS(IDLE));
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

static void rule_5_2_who_is_named_is_idle_only_by_a_later_status(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    story_at(&story, 1000);
    story_alert(&story, "i1", "anna"); /* at 1000 */
    simple(&story, "i2");
    assert_string_equal(offered(&story), "");
    story_end_call(&story, "i1");
    assert_string_equal(offered(&story), "");
    story_status(&story, "anna", STATUS(IDLE)); /* of the same millisecond */
    assert_string_equal(offered(&story), "");
    story_at(&story, 1001);
    story_status(&story, "anna", STATUS(IDLE));
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

/* --- 5.3 --- */

static void rule_5_3_live_call_ahead_keeps_its_agent(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_enter(&story, "i1", "sales");
    story_at(&story, 1000);
    simple(&story, "i2");
    story_ready(&story, "anna", "sales");
    assert_string_equal(offered(&story), "");
    story_ready(&story, "bela", "sales"); /* one for each */
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    assert_string_equal(story_offered_to(&story), "bela"); /* anna is kept: longest idle */
    story_close(&story);
}

static void rule_5_3_a_live_call_behind_keeps_nobody(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    simple(&story, "i2");
    story_at(&story, 1000);
    story_enter(&story, "i1", "sales");
    story_ready(&story, "anna", "sales");
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

static void rule_5_3_a_live_call_that_nobody_could_serve_is_passed_over(void **state)
{
    struct story story;
    PB(InteractionEvent) * event;
    PB(RoutingData) routing = RINGBACK__V1__ROUTING_DATA__INIT;
    PB(InteractionEntered) entered = RINGBACK__V1__INTERACTION_ENTERED__INIT;
    PB(Place) place = RINGBACK__V1__PLACE__INIT;
    char *skills[1];

    (void)state;
    open_with_queue(&story);
    event = story_interaction(&story, "i1");
    routing.n_skills = 1;
    routing.skills = skills;
    skills[0] = story_text(&story, "cards");
    place.queue_id = story_text(&story, "sales");
    entered.place = &place;
    entered.routing = &routing;
    event->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ENTERED;
    event->entered = &entered;
    story_send(&story, INPUT_INTERACTIONS, &event->base);
    story_at(&story, 1000);
    simple(&story, "i2");
    story_ready(&story, "anna", "sales");
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

static void rule_5_3_the_lines_of_all_queues_are_one(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_set_queue(&story, story_queue(&story, "other"));
    story_enter(&story, "i1", "other");
    story_at(&story, 1000);
    simple(&story, "i2");
    assert_string_equal(next_served(&story, "anna", "sales other"), "");
    story_ready(&story, "bela", "other"); /* the call could have bela: 5.4 still picks anna */
    assert_string_equal(offered(&story), "");
    story_joins(&story, "anna", "sales"); /* now only bela */
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

static void rule_5_3_e_mails_hold_no_place_unless_holds_line_names_them(void **state)
{
    (void)state;
    for (int holds = 0; holds < 2; holds++) {
        struct story story;

        story_open(&story);
        if (holds)
            story.options.holds_line |= 1u << RINGBACK__V1__MEDIA__MEDIA_EMAIL;
        story_set_queue(&story, story_queue(&story, "sales"));
        enter_at(&story, "m1", RINGBACK__V1__MEDIA__MEDIA_EMAIL, 0, "");
        story_at(&story, 1000);
        simple(&story, "i2");
        story_ready(&story, "anna", "sales");
        assert_int_equal(story_count(&story, "routing.offer"), !holds);
        story_close(&story);
    }
}

static void rule_5_3_a_call_that_alerts_holds_the_place_of_nobody_else(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_enter(&story, "i1", "sales");
    story_at(&story, 1000);
    simple(&story, "i2");
    story_ready(&story, "anna", "sales");
    story_ready(&story, "bela", "sales");
    story_now_on(&story);
    story_decline(&story, "bela");
    assert_string_equal(offered(&story), ""); /* anna is kept for the call */
    story_alert(&story, "i1", "bela");
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

/* --- 5.4 --- */

static void rule_5_4_longest_since_the_end_of_the_last_work_wrap_up_included(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    story_ready(&story, "bela", "sales");
    story_at(&story, 1000);
    story_connect(&story, "i1", "anna");
    story_connect(&story, "i2", "bela");
    story_at(&story, 2000);
    story_end_call(&story, "i1");
    story_wrap_up(&story, "i1", "anna", true);
    story_at(&story, 3000);
    story_end_call(&story, "i2"); /* no wrap-up: free since 3000 */
    story_at(&story, 4000);
    story_wrap_up(&story, "i1", "anna", false); /* since 4000 */
    story_at(&story, 5000);
    story_status(&story, "anna", STATUS(IDLE));
    story_status(&story, "bela", STATUS(IDLE));
    simple(&story, "i3");
    assert_string_equal(story_offered_to(&story), "bela");
    story_close(&story);
}

static void rule_5_4_without_work_since_first_on_queue_then_by_id(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_at(&story, 1000);
    story_ready(&story, "bela", "sales");
    story_ready(&story, "anna", "sales"); /* the same millisecond: by id */
    story_at(&story, 2000);
    story_ready(&story, "aida", "sales");
    story_presence(&story, "bela", PRESENCE(AWAY)); /* leaves and comes back: first counts */
    story_at(&story, 3000);
    story_presence(&story, "bela", ON_QUEUE);
    simple(&story, "i1");
    assert_string_equal(story_offered_to(&story), "anna");
    simple(&story, "i2");
    assert_string_equal(story_offered_to(&story), "bela");
    simple(&story, "i3");
    assert_string_equal(story_offered_to(&story), "aida");
    story_close(&story);
}

static void rule_5_4_the_end_of_a_callback_counts_as_work(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    story_at(&story, 1000);
    story_ready(&story, "bela", "sales");
    callback = simple(&story, "i1");
    assert_string_equal(story_offered_to(&story), "anna");
    story_accept(&story, "anna");
    story_at(&story, 2000);
    story_end(&story, "anna", callback);
    simple(&story, "i2");
    assert_string_equal(story_offered_to(&story), "bela");
    story_close(&story);
}

static void rule_5_4_a_decline_a_miss_or_a_new_status_moves_nobody(void **state)
{
    struct story story;
    const char *first;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    story_at(&story, 1000);
    story_ready(&story, "bela", "sales");
    first = simple(&story, "i1");
    story_decline(&story, "anna");
    assert_string_equal(story_offered_to(&story), "bela");
    story_accept(&story, "bela");
    story_at(&story, 2000);
    story_status(&story, "anna", STATUS(IDLE));
    story_end(&story, "bela", first);
    simple(&story, "i2");
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

static void rule_5_4_idle_reset_presence_counts_from_the_status(void **state)
{
    struct story story;

    (void)state;
    story_open(&story);
    story.options.idle_reset = IDLE_RESET_PRESENCE;
    story_set_queue(&story, story_queue(&story, "sales"));
    story_ready(&story, "anna", "sales");
    story_at(&story, 1000);
    story_ready(&story, "bela", "sales");
    story_at(&story, 2000);
    story_status(&story, "anna", STATUS(IDLE));
    simple(&story, "i1");
    assert_string_equal(story_offered_to(&story), "bela");
    story_close(&story);
}

/* --- 5.5 --- */

static void rule_5_5_an_offer_carries_version_and_deadline(void **state)
{
    struct story story;
    const PB(Offer) * offer;
    PB(QueueSettings) * sales;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    story_at(&story, 5000);
    status_of(&story, 777, 5000, STATUS(IDLE));
    simple(&story, "i1");
    offer = story_routing(&story, "routing.offer", 0)->offer;
    assert_int_equal(offer->deadline_ms, STORY_START_MS + 35000);
    assert_int_equal(offer->routing_status_version, 777);
    assert_int_equal(strlen(offer->offer_id), 36);
    sales = story_queue(&story, "sales");
    sales->alerting_timeout_s = 7;
    story_set_queue(&story, sales);
    story_at(&story, 34999); /* the deadline was fixed when it was made */
    assert_int_equal(story_count(&story, "routing.revoke"), 0);
    story_at(&story, 35000);
    assert_int_equal(story_routing(&story, "routing.revoke", 0)->revoke->reason, REASON(TIMED_OUT));
    story_close(&story);
}

static void rule_5_5_alerting_timeout_is_7_to_900_seconds(void **state)
{
    static const uint32_t seconds[] = {6, 7, 900, 901};
    struct story story;

    (void)state;
    open_with_queue(&story);
    for (int at = 0; at < 4; at++) {
        PB(QueueSettings) *sales = story_queue(&story, "sales");

        sales->alerting_timeout_s = seconds[at];
        story_set_queue(&story, sales);
        assert_int_equal(story_reason(&story),
                         at == 0 || at == 3 ? REASON(SETTINGS_INVALID) : REASON(UNSPECIFIED));
    }
    story_close(&story);
}

static void rule_5_5_a_newer_fact_revokes_the_offer(void **state)
{
    (void)state;
    for (int fact = 0; fact < 6; fact++) {
        struct story story;
        const char *callback;

        open_with_queue(&story);
        story_ready(&story, "anna", "sales");
        callback = simple(&story, "i1");
        story_at(&story, 1000);
        story_ready(&story, "bela", "sales");
        story_now_on(&story);
        if (fact == 0)
            story_presence(&story, "anna", PRESENCE(AWAY));
        if (fact == 1)
            story_status(&story, "anna", STATUS(NOT_RESPONDING));
        if (fact == 2)
            story_status(&story, "anna", STATUS(COMMUNICATING));
        if (fact == 3)
            story_join(&story, "anna", "");
        if (fact == 4)
            story_alert(&story, "i9", "anna");
        if (fact == 5)
            story_remove_agent(&story, "anna");
        assert_int_equal(story_routing(&story, "routing.revoke", 0)->revoke->reason,
                         REASON(AGENT_NOT_ELIGIBLE));
        assert_string_equal(story_routing(&story, "routing.revoke", 0)->revoke->agent_id, "anna");
        assert_string_equal(offered(&story), callback); /* at once, to the next */
        assert_string_equal(story_offered_to(&story), "bela");
        story_close(&story);
    }
}

static void rule_5_5_an_e_mail_beside_or_idle_again_revokes_nothing(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    simple(&story, "i1");
    story_at(&story, 1000);
    story_status(&story, "anna", STATUS(IDLE));
    story_presence(&story, "anna", ON_QUEUE);
    story_joins(&story, "anna", "other sales");
    story_at(&story, 20000);
    assert_int_equal(story_count(&story, "routing.revoke"), 0);
    story_accept(&story, "anna");
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    story_close(&story);
}

static void rule_5_5_interacting_alone_revokes_after_the_answer_grace(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    simple(&story, "i1");
    story_at(&story, 1000);
    story_status(&story, "anna", STATUS(INTERACTING));
    story_at(&story, 2999);
    assert_int_equal(story_count(&story, "routing.revoke"), 0);
    story_at(&story, 3000);
    assert_int_equal(story_routing(&story, "routing.revoke", 0)->revoke->reason,
                     REASON(AGENT_NOT_ELIGIBLE));
    story_close(&story);
}

static void rule_5_5_an_accept_within_the_grace_counts(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    callback = simple(&story, "i1");
    story_at(&story, 1000);
    story_status(&story, "anna", STATUS(INTERACTING));
    story_lag(&story, 3000); /* records of a millisecond come before its deadlines */
    story_accept(&story, "anna");
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    story_at(&story, 3000);
    assert_int_equal(story_state(&story, callback), STATE(WITH_AGENT));
    story_close(&story);
}

static void rule_5_5_the_end_of_the_callback_revokes(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    callback = simple(&story, "i1");
    story_cancel(&story, callback);
    assert_int_equal(story_routing(&story, "routing.revoke", 0)->revoke->reason, REASON(CANCELLED));
    simple(&story, "i2"); /* anna is free */
    assert_int_equal(story_count(&story, "routing.offer"), 2);
    story_close(&story);
}

static void rule_5_5_a_miss_pauses_until_a_newer_idle(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    simple(&story, "i1");
    story_at(&story, 30000);
    assert_int_equal(story_count(&story, "routing.revoke"), 1);
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    simple(&story, "i2"); /* nor any other */
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_at(&story, 40000);
    story_status(&story, "anna", STATUS(NOT_RESPONDING));
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_status(&story, "anna", STATUS(IDLE));
    assert_int_equal(story_count(&story, "routing.offer"), 2);
    story_close(&story);
}

static void rule_5_5_a_miss_pauses_300_seconds_without_a_newer_status(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    simple(&story, "i1");
    story_at(&story, 30000 + 299999);
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_at(&story, 30000 + 300000);
    assert_int_equal(story_count(&story, "routing.offer"), 2);
    story_close(&story);
}

static void rule_5_5_after_a_miss_a_newer_status_that_is_not_idle_waits_for_idle(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    simple(&story, "i1");
    story_at(&story, 30000);
    story_at(&story, 40000);
    named(&story, "m1", RINGBACK__V1__MEDIA__MEDIA_EMAIL, "anna", true);
    story_status(&story, "anna", STATUS(INTERACTING)); /* by an e-mail: else eligible */
    story_at(&story, 30000 + 600000);
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_status(&story, "anna", STATUS(IDLE));
    assert_int_equal(story_count(&story, "routing.offer"), 2);
    story_close(&story);
}

static void rule_5_5_a_decline_pauses_that_callback_for_60_seconds(void **state)
{
    struct story story;
    const char *first, *second;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    first = simple(&story, "i1");
    story_at(&story, 1000);
    story_decline(&story, "anna");
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    assert_int_equal(story_state(&story, first), STATE(WAITING)); /* in its place at once */
    assert_int_equal(story_callback(&story, first)->place->entry_ms, STORY_START_MS);
    story_now_on(&story);
    second = simple(&story, "i2"); /* others go on */
    assert_string_equal(offered(&story), second);
    story_cancel(&story, second);
    story_at(&story, 60999);
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_at(&story, 61000);
    assert_string_equal(offered(&story), first);
    story_close(&story);
}

static void rule_5_5_an_offer_is_never_taken_back_for_a_better_match(void **state)
{
    struct story story;
    const char *first, *better;

    (void)state;
    open_with_queue(&story);
    story_at(&story, 1000);
    story_ready(&story, "anna", "sales");
    first = simple(&story, "i1");
    better = stand(&story, "i2", "sales", 0, 100, "");
    assert_int_equal(story_count(&story, "routing.revoke"), 0);
    assert_string_equal(offered(&story), first);
    assert_int_equal(story_state(&story, better), STATE(WAITING));
    story_close(&story);
}

static void rule_5_5_an_answer_to_a_dead_offer_or_by_another_is_refused(void **state)
{
    struct story story;
    PB(Command) * command;
    PB(Accept) accept = RINGBACK__V1__ACCEPT__INIT;
    const char *callback;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    story_ready(&story, "bela", "sales");
    callback = simple(&story, "i1");
    story_accept(&story, "bela"); /* it is anna's */
    assert_int_equal(story_reason(&story), REASON(OFFER_GONE));
    story_decline(&story, "bela");
    assert_int_equal(story_reason(&story), REASON(OFFER_GONE));
    command = story_command(&story, NULL, "anna", callback);
    accept.offer_id = story_text(&story, "another");
    command->command_case = RINGBACK__V1__COMMAND__COMMAND_ACCEPT;
    command->accept = &accept;
    story_do(&story, command);
    assert_int_equal(story_reason(&story), REASON(OFFER_GONE));
    story_accept(&story, "anna");
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    story_accept(&story, "anna"); /* accepted already, another request */
    assert_int_equal(story_reason(&story), REASON(OFFER_GONE));
    story_close(&story);
}

static void rule_5_5_an_answer_after_the_deadline_by_its_stamp_is_refused(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        struct story story;

        open_with_queue(&story);
        story_ready(&story, "anna", "sales");
        simple(&story, "i1");
        story_lag(&story, 31000); /* deadlines wait for what lags */
        story.timestamp_ms = 30000 + late;
        story_accept(&story, "anna");
        assert_int_equal(story_reason(&story), late ? REASON(OFFER_GONE) : REASON(UNSPECIFIED));
        story_close(&story);
    }
}

/* --- 5.6, 5.7 --- */

static void rule_5_6_one_agent_one_offer_one_callback_one_agent(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    simple(&story, "i1");
    simple(&story, "i2");
    story_ready(&story, "anna", "sales");
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_ready(&story, "bela", "sales");
    story_ready(&story, "cora", "sales");
    assert_int_equal(story_count(&story, "routing.offer"), 2);
    assert_string_not_equal(story_routing(&story, "routing.offer", 0)->callback_id,
                            story_routing(&story, "routing.offer", 1)->callback_id);
    story_close(&story);
}

static void rule_5_7_the_newer_version_of_a_fact_wins(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story.frozen = true; /* counts are of one machine */
    story_set_agent(&story, story_agent(&story, "anna"));
    story_presence(&story, "anna", ON_QUEUE);
    story_join(&story, "anna", "sales");
    story_at(&story, 1000);
    status_of(&story, 100, 500, STATUS(COMMUNICATING));
    simple(&story, "i1");
    status_of(&story, 99, 900, STATUS(IDLE));  /* older by version, newer by time */
    status_of(&story, 100, 900, STATUS(IDLE)); /* equal */
    assert_string_equal(offered(&story), "");
    assert_int_equal(machine_counted(story.machine, MACHINE_COUNT_OLD_FACTS), 2);
    status_of(&story, 101, 400, STATUS(IDLE));
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

static void rule_5_7_without_versions_the_change_time_decides(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_set_agent(&story, story_agent(&story, "anna"));
    story_presence(&story, "anna", ON_QUEUE);
    story_join(&story, "anna", "sales");
    story_at(&story, 1000);
    status_of(&story, 0, 500, STATUS(COMMUNICATING));
    simple(&story, "i1");
    status_of(&story, 0, 499, STATUS(IDLE));
    status_of(&story, 0, 500, STATUS(IDLE));
    assert_string_equal(offered(&story), "");
    status_of(&story, 0, 501, STATUS(IDLE));
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

static void rule_5_7_the_facts_have_versions_of_their_own(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    simple(&story, "i1");
    status_of(&story, 1000000, 10, STATUS(IDLE));
    story_set_agent(&story, story_agent(&story, "anna"));
    story_presence(&story, "anna", ON_QUEUE); /* a far lower version, of another fact */
    story_join(&story, "anna", "sales");
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

static void rule_5_7_joined_queues_are_the_whole_list(void **state)
{
    struct story story;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    story_joins(&story, "anna", "other third");
    simple(&story, "i1");
    assert_string_equal(offered(&story), "");
    story_joins(&story, "anna", "other third sales");
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

static void rule_5_1_priority_only_ties_go_by_the_tie_break_then_live_first(void **state)
{
    struct story story;
    PB(QueueSettings) * vip;
    const char *late, *early;

    (void)state;
    story_open(&story);
    vip = story_queue(&story, "sales");
    vip->ranking = RINGBACK__V1__RANKING__RANKING_PRIORITY_ONLY;
    story_set_queue(&story, vip);
    story_at(&story, MINUTE_MS);
    late = stand(&story, "i1", "sales", 0, 2, "t2");
    early = stand(&story, "i2", "sales", 0, 2, "t1");
    enter_at(&story, "live", RINGBACK__V1__MEDIA__MEDIA_VOICE, 0, "t1"); /* of priority 0 */
    assert_string_equal(next_served(&story, "anna", "sales"), early);
    assert_string_equal(next_served(&story, "bela", "sales"), late);
    story_close(&story);
}

static void rule_5_4_a_missed_or_revoked_offer_moves_nobody(void **state)
{
    for (int missed = 0; missed < 2; missed++) {
        struct story story;

        open_with_queue(&story);
        story_ready(&story, "anna", "sales");
        story_at(&story, 1000);
        story_ready(&story, "bela", "sales");
        simple(&story, "i1");
        assert_string_equal(story_offered_to(&story), "anna");
        if (missed)
            story_at(&story, 31000);
        else
            story_status(&story, "anna", STATUS(NOT_RESPONDING));
        assert_string_equal(story_offered_to(&story), "bela");
        story_accept(&story, "bela");
        story_at(&story, 32000);
        story_status(&story, "anna", STATUS(IDLE));
        story_ready(&story, "cora", "sales");
        simple(&story, "i2");
        assert_string_equal(story_offered_to(&story), "anna"); /* still since 0 */
        story_close(&story);
    }
    (void)state;
}

static void rule_5_5_the_deadline_is_fixed_when_the_offer_is_made(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    simple(&story, "i1");
    story_at(&story, 1000);
    sales = story_queue(&story, "sales");
    sales->alerting_timeout_s = 7;
    story_set_queue(&story, sales);
    story_at(&story, 29999);
    assert_int_equal(story_count(&story, "routing.revoke"), 0);
    story_at(&story, 30000);
    assert_int_equal(story_routing(&story, "routing.revoke", 0)->revoke->reason, REASON(TIMED_OUT));
    story_close(&story);
}

static void rule_5_6_a_transferred_callback_has_one_agent_at_a_time(void **state)
{
    struct story story;
    PB(Command) * command;
    const char *callback;

    (void)state;
    open_with_queue(&story);
    story_ready(&story, "anna", "sales");
    callback = simple(&story, "i1");
    story_accept(&story, "anna");
    story_ready(&story, "bela", "sales");
    simple(&story, "i2"); /* offered to bela: she is in no second offer */
    command = story_command(&story, NULL, "anna", callback);
    command->command_case = RINGBACK__V1__COMMAND__COMMAND_TRANSFER;
    command->transfer = arena_alloc(&story.arena, sizeof(*command->transfer));
    ringback__v1__transfer__init(command->transfer);
    command->transfer->to_agent_id = story_text(&story, "bela");
    story_do(&story, command);
    assert_int_equal(story_reason(&story), REASON(AGENT_NOT_ELIGIBLE));
    assert_int_equal(story_count(&story, "routing.offer"), 2);
    assert_string_equal(story_callback(&story, callback)->agent_id, "anna");
    story_close(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_5_1_a_minute_waited_weighs_as_much_as_one_of_priority),
        cmocka_unit_test(rule_5_1_equal_keys_go_by_entry_time),
        cmocka_unit_test(rule_5_1_equal_entries_go_by_the_bytes_of_the_tie_break),
        cmocka_unit_test(rule_5_1_a_live_call_comes_before_a_callback_of_the_same_place),
        cmocka_unit_test(rule_5_1_priority_is_bounded),
        cmocka_unit_test(rule_5_1_priority_only_queues_rank_by_priority_and_come_first),
        cmocka_unit_test(rule_5_1_another_ranking_holds_for_those_who_wait_already),
        cmocka_unit_test(rule_5_1_an_entry_time_after_the_records_stamp_is_the_stamp),
        cmocka_unit_test(rule_5_2_every_fact_is_needed),
        cmocka_unit_test(rule_5_2_only_idle_or_interacting_beside_and_only_on_queue),
        cmocka_unit_test(rule_5_2_joined_to_the_queue_itself),
        cmocka_unit_test(rule_5_2_required_skills_and_language),
        cmocka_unit_test(rule_5_2_capacity_bounds_the_callbacks_held),
        cmocka_unit_test(rule_5_2_e_mail_beside_is_welcome_and_nothing_else_by_default),
        cmocka_unit_test(rule_5_2_callback_beside_names_the_media),
        cmocka_unit_test(rule_5_2_a_live_call_or_its_wrap_up_keeps_callbacks_away),
        cmocka_unit_test(rule_5_2_who_is_named_is_idle_only_by_a_later_status),
        cmocka_unit_test(rule_5_3_live_call_ahead_keeps_its_agent),
        cmocka_unit_test(rule_5_3_a_live_call_behind_keeps_nobody),
        cmocka_unit_test(rule_5_3_a_live_call_that_nobody_could_serve_is_passed_over),
        cmocka_unit_test(rule_5_3_the_lines_of_all_queues_are_one),
        cmocka_unit_test(rule_5_3_e_mails_hold_no_place_unless_holds_line_names_them),
        cmocka_unit_test(rule_5_3_a_call_that_alerts_holds_the_place_of_nobody_else),
        cmocka_unit_test(rule_5_4_longest_since_the_end_of_the_last_work_wrap_up_included),
        cmocka_unit_test(rule_5_4_without_work_since_first_on_queue_then_by_id),
        cmocka_unit_test(rule_5_4_the_end_of_a_callback_counts_as_work),
        cmocka_unit_test(rule_5_4_a_decline_a_miss_or_a_new_status_moves_nobody),
        cmocka_unit_test(rule_5_4_idle_reset_presence_counts_from_the_status),
        cmocka_unit_test(rule_5_5_an_offer_carries_version_and_deadline),
        cmocka_unit_test(rule_5_5_alerting_timeout_is_7_to_900_seconds),
        cmocka_unit_test(rule_5_5_a_newer_fact_revokes_the_offer),
        cmocka_unit_test(rule_5_5_an_e_mail_beside_or_idle_again_revokes_nothing),
        cmocka_unit_test(rule_5_5_interacting_alone_revokes_after_the_answer_grace),
        cmocka_unit_test(rule_5_5_an_accept_within_the_grace_counts),
        cmocka_unit_test(rule_5_5_the_end_of_the_callback_revokes),
        cmocka_unit_test(rule_5_5_a_miss_pauses_until_a_newer_idle),
        cmocka_unit_test(rule_5_5_a_miss_pauses_300_seconds_without_a_newer_status),
        cmocka_unit_test(rule_5_5_after_a_miss_a_newer_status_that_is_not_idle_waits_for_idle),
        cmocka_unit_test(rule_5_5_a_decline_pauses_that_callback_for_60_seconds),
        cmocka_unit_test(rule_5_5_an_offer_is_never_taken_back_for_a_better_match),
        cmocka_unit_test(rule_5_5_an_answer_to_a_dead_offer_or_by_another_is_refused),
        cmocka_unit_test(rule_5_5_an_answer_after_the_deadline_by_its_stamp_is_refused),
        cmocka_unit_test(rule_5_6_one_agent_one_offer_one_callback_one_agent),
        cmocka_unit_test(rule_5_7_the_newer_version_of_a_fact_wins),
        cmocka_unit_test(rule_5_7_without_versions_the_change_time_decides),
        cmocka_unit_test(rule_5_7_the_facts_have_versions_of_their_own),
        cmocka_unit_test(rule_5_7_joined_queues_are_the_whole_list),
        cmocka_unit_test(rule_5_1_priority_only_ties_go_by_the_tie_break_then_live_first),
        cmocka_unit_test(rule_5_4_a_missed_or_revoked_offer_moves_nobody),
        cmocka_unit_test(rule_5_5_the_deadline_is_fixed_when_the_offer_is_made),
        cmocka_unit_test(rule_5_6_a_transferred_callback_has_one_agent_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
