/* Chapter 4 of the rules: preferred agents and the last agent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "state/internal.h"
#include "tests/support/story.h"

#define ALL    RINGBACK__V1__LAST_AGENT__LAST_AGENT_ANY
#define MEMBER RINGBACK__V1__LAST_AGENT__LAST_AGENT_QUEUE_MEMBERS
#define EMAIL  RINGBACK__V1__MEDIA__MEDIA_EMAIL

/* The queue sales with rings: words like "90:5s" or "any:2s"; their thresholds and waits. */
static PB(QueueSettings) * queue_with(struct story *story, const char *rings)
{
    PB(QueueSettings) *queue = story_queue(story, "sales");
    char *rest = NULL, *list = story_text(story, rings);

    queue->rings = arena_alloc(&story->arena, 16 * sizeof(*queue->rings));
    for (char *word = strtok_r(list, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        PB(Ring) *ring = arena_alloc(&story->arena, sizeof(*ring));
        unsigned threshold = 0, wait_s = 0;

        ringback__v1__ring__init(ring);
        ring->any = strncmp(word, "any", 3) == 0;
        if (ring->any)
            assert_int_equal(sscanf(word, "any:%us", &wait_s), 1);
        else
            assert_int_equal(sscanf(word, "%u:%us", &threshold, &wait_s), 2);
        ring->threshold = threshold;
        ring->wait_ms = wait_s * 1000;
        queue->rings[queue->n_rings++] = ring;
    }
    return queue;
}

static void open_with(struct story *story, const char *rings)
{
    story_open(story);
    story_set_queue(story, queue_with(story, rings));
}

/* Routing data with scores: words like "anna:90". */
static PB(RoutingData) *
    scored(struct story *story, int32_t priority, const char *skills, const char *scores)
{
    PB(RoutingData) *routing = story_needs(story, priority, skills, "");
    char *rest = NULL, *list = story_text(story, scores);

    routing->scores = arena_alloc(&story->arena, 256 * sizeof(*routing->scores));
    for (char *word = strtok_r(list, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        PB(AgentScore) *score = arena_alloc(&story->arena, sizeof(*score));
        char *colon = strchr(word, ':');

        assert_non_null(colon);
        *colon = '\0';
        ringback__v1__agent_score__init(score);
        score->agent_id = word;
        score->score = (uint32_t)strtoul(colon + 1, NULL, 10);
        routing->scores[routing->n_scores++] = score;
    }
    return routing;
}

/* A callback at the place of a call in sales, with its routing data. */
static const char *ask_routed(struct story *story, const char *call, PB(RoutingData) * routing)
{
    PB(CreateCallback) *create = story_create(story, call, "sales");

    create->facts->place = arena_alloc(&story->arena, sizeof(*create->facts->place));
    ringback__v1__place__init(create->facts->place);
    create->facts->place->queue_id = story_text(story, "sales");
    create->facts->place->entry_ms = STORY_START_MS + story->now_ms;
    create->facts->routing = routing;
    story_ask(story, arena_format(&story->arena, "ask-%s", call), create);
    assert_int_equal(story_reason(story), REASON(UNSPECIFIED));
    return story_made(story);
}

static const char *ask(struct story *story, const char *call, const char *scores)
{
    return ask_routed(story, call, scored(story, 0, "", scores));
}

/* To whom there is an offer since story_now_on(); "" to nobody. */
static const char *offered_to(struct story *story)
{
    size_t count = story_count(story, "routing.offer");

    return count == 0 ? "" : story_routing(story, "routing.offer", count - 1)->offer->agent_id;
}

static void enter_mail(struct story *story, const char *mail, PB(Media) media, const char *scores)
{
    PB(InteractionEvent) *event = story_entered(story, mail, "sales");

    event->interaction->media = media;
    event->entered->routing = scored(story, 0, "", scores);
    story_tell(story, event);
}

/* The agents of the newest PreferAgents, between spaces; its ring in *ring. */
static const char *preferred(struct story *story, uint32_t *ring)
{
    size_t count = story_count(story, "routing.prefer_agents");
    const PB(RoutingEvent) * event;
    char *text = arena_format(&story->arena, "%s", "");

    assert_int_not_equal(count, 0);
    event = story_routing(story, "routing.prefer_agents", count - 1);
    assert_string_equal(event->queue_id, "sales");
    *ring = event->prefer_agents->ring;
    for (size_t at = 0; at < event->prefer_agents->n_agent_ids; at++)
        text = arena_format(&story->arena, "%s%s%s", text, at == 0 ? "" : " ",
                            event->prefer_agents->agent_ids[at]);
    return text;
}

/* --- 4.1 --- */

static void rule_4_1_a_queue_has_0_to_6_rings(void **state)
{
    struct story story;

    (void)state;
    story_open(&story);
    story_set_queue(&story, queue_with(&story, ""));
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    story_set_queue(&story, queue_with(&story, "90:2s 80:2s 70:2s 60:2s 50:2s 40:2s"));
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    story_set_queue(&story, queue_with(&story, "90:2s 80:2s 70:2s 60:2s 50:2s 40:2s any:2s"));
    assert_int_equal(story_reason(&story), REASON(SETTINGS_INVALID));
    story_close(&story);
}

static void rule_4_1_thresholds_are_0_to_100(void **state)
{
    struct story story;

    (void)state;
    story_open(&story);
    story_set_queue(&story, queue_with(&story, "0:5s 100:5s"));
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    story_set_queue(&story, queue_with(&story, "101:5s"));
    assert_int_equal(story_reason(&story), REASON(SETTINGS_INVALID));
    story_close(&story);
}

static void rule_4_1_a_wait_is_2_seconds_to_72_hours(void **state)
{
    struct story story;
    PB(QueueSettings) * queue;

    (void)state;
    story_open(&story);
    story_set_queue(&story, queue_with(&story, "90:2s 80:259200s"));
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    queue = queue_with(&story, "90:2s");
    queue->rings[0]->wait_ms = 1999;
    story_set_queue(&story, queue);
    assert_int_equal(story_reason(&story), REASON(SETTINGS_INVALID));
    queue = queue_with(&story, "90:2s");
    queue->rings[0]->wait_ms = 259200001;
    story_set_queue(&story, queue);
    assert_int_equal(story_reason(&story), REASON(SETTINGS_INVALID));
    story_close(&story);
}

static void rule_4_1_a_wait_left_out_is_5_seconds(void **state)
{
    struct story story;

    (void)state;
    open_with(&story, "90:0s");
    story_ready(&story, "anna", "sales");
    story_join(&story, "boris", "sales"); /* scored, a member, not On Queue */
    ask(&story, "i1", "boris:95");
    story_at(&story, 4999);
    assert_string_equal(offered_to(&story), "");
    story_at(&story, 5000);
    assert_string_equal(offered_to(&story), "anna");
    story_close(&story);
}

static void rule_4_1_scores_are_0_to_100(void **state)
{
    struct story story;
    PB(CreateCallback) * create;

    (void)state;
    open_with(&story, "90:5s");
    ask(&story, "i1", "anna:100 boris:0");
    create = story_create(&story, "i2", "sales");
    create->facts->routing = scored(&story, 0, "", "anna:101");
    story_ask(&story, "ask-i2", create);
    assert_int_equal(story_reason(&story), REASON(LIMIT));
    story_close(&story);
}

/* 101 agents, scored 1 to 100 and once more 1: the lowest is left out. */
static void rule_4_1_of_more_than_100_scores_the_highest_100_count(void **state)
{
    struct story story;
    const PB(CallbackEntity) * callback;
    char *scores;

    (void)state;
    open_with(&story, "90:5s");
    scores = arena_format(&story.arena, "low:0");
    for (int at = 1; at <= 100; at++)
        scores = arena_format(&story.arena, "%s a%d:%d", scores, at, at);
    callback = story_callback(&story, ask(&story, "i1", scores));
    assert_int_equal(callback->routing->n_scores, 100);
    assert_string_equal(callback->routing->scores[0]->agent_id, "a100");
    assert_string_equal(callback->routing->scores[99]->agent_id, "a1");
    scores = arena_format(&story.arena, "a1:1");
    for (int at = 2; at <= 100; at++)
        scores = arena_format(&story.arena, "%s a%d:%d", scores, at, at);
    callback = story_callback(&story, ask(&story, "i2", scores));
    assert_int_equal(callback->routing->n_scores, 100);
    story_close(&story);
}

static void rule_4_1_of_two_scores_of_one_agent_the_higher_counts(void **state)
{
    struct story story;
    const PB(CallbackEntity) * callback;

    (void)state;
    open_with(&story, "90:5s");
    callback = story_callback(&story, ask(&story, "i1", "anna:20 boris:50 anna:90 boris:10"));
    assert_int_equal(callback->routing->n_scores, 2);
    assert_string_equal(callback->routing->scores[0]->agent_id, "anna");
    assert_int_equal(callback->routing->scores[0]->score, 90);
    assert_int_equal(callback->routing->scores[1]->score, 50);
    story_close(&story);
}

/* --- 4.2 --- */

static void rule_4_2_ring_by_ring_those_who_score_enough(void **state)
{
    struct story story;

    (void)state;
    open_with(&story, "90:5s 60:10s");
    story_ready(&story, "anna", "sales");
    story_ready(&story, "boris", "sales");
    story_ready(&story, "carl", "sales");
    story_status(&story, "anna", STATUS(COMMUNICATING));
    ask(&story, "i1", "anna:90 boris:60 carl:59");
    story_at(&story, 4999);
    assert_string_equal(offered_to(&story), "");
    story_at(&story, 5000);
    assert_string_equal(offered_to(&story), "boris");
    story_decline(&story, "boris");
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_at(&story, 14999);
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_at(&story, 15000);
    assert_string_equal(offered_to(&story), "carl");
    story_close(&story);
}

static void rule_4_2_a_score_at_the_threshold_is_enough_one_below_is_not(void **state)
{
    struct story story;

    (void)state;
    open_with(&story, "90:5s");
    story_ready(&story, "anna", "sales");
    story_ready(&story, "boris", "sales");
    ask(&story, "i1", "anna:89 boris:90");
    assert_string_equal(offered_to(&story), "boris");
    story_now_on(&story);
    ask(&story, "i2", "anna:89");
    assert_string_equal(offered_to(&story), "");
    story_close(&story);
}

static void rule_4_2_the_highest_score_first_then_who_waited_longest(void **state)
{
    struct story story;

    (void)state;
    open_with(&story, "50:5s");
    story_ready(&story, "anna", "sales");
    story_at(&story, 1);
    story_ready(&story, "carl", "sales");
    story_at(&story, 2);
    story_ready(&story, "boris", "sales");
    ask(&story, "i1", "anna:60 boris:80 carl:80");
    assert_string_equal(offered_to(&story), "carl"); /* boris scores the same, and came later */
    ask(&story, "i2", "anna:60 boris:80 carl:80");
    assert_string_equal(offered_to(&story), "boris");
    ask(&story, "i3", "anna:60 boris:80 carl:80");
    assert_string_equal(offered_to(&story), "anna");
    story_close(&story);
}

static void rule_4_2_the_pool_only_grows(void **state)
{
    struct story story;

    (void)state;
    open_with(&story, "50:5s 90:5s");
    story_ready(&story, "anna", "sales");
    story_status(&story, "anna", STATUS(COMMUNICATING));
    ask(&story, "i1", "anna:60");
    story_at(&story, 7000); /* the second ring asks for 90: she was in the first */
    story_status(&story, "anna", STATUS(IDLE));
    assert_string_equal(offered_to(&story), "anna");
    story_close(&story);
}

static void rule_4_2_only_members_of_the_queue(void **state)
{
    struct story story;

    (void)state;
    open_with(&story, "50:5s");
    story_ready(&story, "anna", "other");
    story_ready(&story, "boris", "sales");
    story_status(&story, "boris", STATUS(COMMUNICATING));
    ask(&story, "i1", "anna:90 boris:60");
    assert_string_equal(offered_to(&story), "");
    story_joins(&story, "anna", "other sales");
    assert_string_equal(offered_to(&story), "anna");
    story_close(&story);
}

static void rule_4_2_skills_are_not_asked_of_a_preferred_agent(void **state)
{
    struct story story;

    (void)state;
    open_with(&story, "50:5s");
    story_ready(&story, "anna", "sales");
    story_ready(&story, "boris", "sales");
    ask_routed(&story, "i1", scored(&story, 0, "billing", "anna:60"));
    assert_string_equal(offered_to(&story), "anna");
    story_decline(&story, "anna");
    story_at(&story, 5000); /* everybody: of boris they are asked */
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_at(&story, 60000); /* her pause is over, and she is still preferred */
    assert_int_equal(story_count(&story, "routing.offer"), 2);
    assert_string_equal(offered_to(&story), "anna");
    story_close(&story);
}

static void rule_4_2_after_the_last_ring_every_agent_the_preferred_first(void **state)
{
    struct story story;

    (void)state;
    open_with(&story, "90:5s");
    story_ready(&story, "anna", "sales");
    story_at(&story, 1);
    story_ready(&story, "boris", "sales");
    story_status(&story, "boris", STATUS(COMMUNICATING));
    story_status(&story, "anna", STATUS(COMMUNICATING));
    ask(&story, "i1", "boris:95");
    story_at(&story, 9000);
    story_lag(&story, 9000);
    story_status(&story, "boris", STATUS(IDLE));
    assert_string_equal(offered_to(&story), "boris");
    story_decline(&story, "boris");
    story_status(&story, "anna", STATUS(IDLE));
    assert_string_equal(offered_to(&story), "anna");
    story_close(&story);
}

static void rule_4_2_any_is_every_scored_agent(void **state)
{
    struct story story;

    (void)state;
    open_with(&story, "any:5s");
    story_ready(&story, "anna", "sales");
    story_ready(&story, "boris", "sales");
    ask(&story, "i1", "boris:0");
    assert_string_equal(offered_to(&story), "boris");
    story_now_on(&story);
    ask(&story, "i2", "boris:0");
    assert_string_equal(offered_to(&story), "");
    story_close(&story);
}

static void rule_4_2_without_a_scored_member_there_are_no_rings(void **state)
{
    struct story story;

    (void)state;
    open_with(&story, "50:5s");
    story_ready(&story, "anna", "sales");
    story_ready(&story, "boris", "other");
    ask(&story, "i1", "boris:90");
    assert_string_equal(offered_to(&story), "anna");
    story_close(&story);
}

static void rule_4_2_a_member_who_scores_too_little_for_every_ring_holds_the_rings_up(void **state)
{
    struct story story;

    (void)state;
    open_with(&story, "90:5s");
    story_ready(&story, "anna", "sales");
    story_ready(&story, "boris", "sales");
    ask(&story, "i1", "boris:10");
    story_at(&story, 4999);
    assert_string_equal(offered_to(&story), "");
    story_at(&story, 5000);
    assert_string_equal(offered_to(&story), "anna");
    story_close(&story);
}

static void rule_4_2_rings_start_when_it_enters_not_at_the_inherited_entry(void **state)
{
    struct story story;
    PB(InteractionEvent) * event;
    const char *callback;

    (void)state;
    open_with(&story, "90:5s");
    story_ready(&story, "anna", "sales");
    story_ready(&story, "boris", "sales");
    story_status(&story, "boris", STATUS(COMMUNICATING));
    story_at(&story, 100000);
    event = story_entered(&story, "i1", "sales");
    event->entered->place->entry_ms = STORY_START_MS;
    event->entered->routing = scored(&story, 0, "", "boris:90");
    story_tell(&story, event);
    story_at(&story, 103000);
    story_ask(&story, "ask-i1", story_create(&story, "i1", "sales"));
    callback = story_made(&story);
    assert_int_equal(story_callback(&story, callback)->place->entry_ms, STORY_START_MS);
    story_at(&story, 107999);
    assert_string_equal(offered_to(&story), "");
    story_at(&story, 108000);
    assert_string_equal(offered_to(&story), "anna");
    story_close(&story);
}

static void rule_4_2_rings_run_on_through_offers(void **state)
{
    struct story story;

    (void)state;
    open_with(&story, "90:5s 80:20s");
    story_ready(&story, "anna", "sales");
    story_ready(&story, "boris", "sales");
    story_ready(&story, "carl", "sales");
    ask(&story, "i1", "anna:90 boris:85");
    assert_string_equal(offered_to(&story), "anna");
    story_at(&story, 30000); /* missed; both rings ran out while she was alerted */
    assert_int_equal(story_count(&story, "routing.offer"), 2);
    assert_string_equal(offered_to(&story), "boris");
    story_decline(&story, "boris");
    assert_string_equal(offered_to(&story), "carl");
    story_close(&story);
}

static void rule_4_2_rings_run_on_through_retries(void **state)
{
    struct story story;
    PB(QueueSettings) * queue;
    const char *callback;

    (void)state;
    story_open(&story);
    queue = queue_with(&story, "90:30s");
    queue->agent_first_retries = 1;
    queue->agent_first_retry_delay_s = 60;
    story_set_queue(&story, queue);
    story_ready(&story, "anna", "sales");
    story_ready(&story, "boris", "sales");
    callback = ask(&story, "i1", "anna:95");
    story_accept(&story, "anna");
    story_dial(&story, "anna", callback);
    story_attempt_ended(&story, RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_BUSY);
    assert_int_equal(story_state(&story, callback), STATE(DELAYED));
    story_status(&story, "anna", STATUS(COMMUNICATING));
    story_now_on(&story);
    story_at(&story, 60000);
    assert_string_equal(offered_to(&story), "boris");
    story_close(&story);
}

static void rule_4_2_rings_last_their_wait_though_nobody_is_on_queue(void **state)
{
    struct story story;

    (void)state;
    open_with(&story, "90:5s 50:5s");
    story_ready(&story, "anna", "sales");
    story_join(&story, "boris", "sales");
    ask(&story, "i1", "boris:90");
    story_at(&story, 9999);
    assert_string_equal(offered_to(&story), "");
    story_at(&story, 10000);
    assert_string_equal(offered_to(&story), "anna");
    story_close(&story);
}

static void rule_4_2_rings_override_the_last_agent(void **state)
{
    struct story story;
    PB(QueueSettings) * queue;
    PB(CreateCallback) * create;

    (void)state;
    story_open(&story);
    queue = queue_with(&story, "90:5s");
    queue->last_agent = ALL;
    story_set_queue(&story, queue);
    story_ready(&story, "anna", "sales");
    story_join(&story, "boris", "sales");
    create = story_create(&story, "i1", "sales");
    create->facts->place = arena_alloc(&story.arena, sizeof(*create->facts->place));
    ringback__v1__place__init(create->facts->place);
    create->facts->place->queue_id = story_text(&story, "sales");
    create->facts->place->entry_ms = STORY_START_MS;
    create->facts->routing = scored(&story, 0, "", "boris:90");
    create->facts->last_agent_id = story_text(&story, "anna");
    story_ask(&story, "ask-i1", create);
    assert_string_equal(offered_to(&story), "");
    story_at(&story, 5000);
    assert_string_equal(offered_to(&story), "anna");
    story_close(&story);
}

static void rule_4_2_who_becomes_free_gets_the_best_place_of_those_who_prefer_him(void **state)
{
    struct story story;
    const char *first, *second;

    (void)state;
    open_with(&story, "90:60s");
    story_ready(&story, "anna", "sales");
    story_status(&story, "anna", STATUS(COMMUNICATING));
    story_join(&story, "boris", "sales");
    ask(&story, "i1", "boris:95");
    first = ask_routed(&story, "i2", scored(&story, 1, "", "anna:90"));
    second = ask_routed(&story, "i3", scored(&story, 2, "", "anna:91"));
    story_now_on(&story);
    story_status(&story, "anna", STATUS(IDLE));
    assert_string_equal(story_routing(&story, "routing.offer", 0)->callback_id, second);
    story_decline(&story, "anna");
    assert_string_equal(story_routing(&story, "routing.offer", 1)->callback_id, first);
    story_close(&story);
}

static void rule_4_2_a_preferred_callback_behind_a_live_call_leaves_it_its_agent(void **state)
{
    struct story story;

    (void)state;
    open_with(&story, "90:60s");
    story_ready(&story, "anna", "sales");
    story_enter(&story, "live", "sales");
    story_at(&story, 1);
    ask(&story, "i1", "anna:95");
    assert_string_equal(offered_to(&story), "");
    story_leave(&story, "live", RINGBACK__V1__LEFT_REASON__LEFT_REASON_ABANDONED);
    assert_string_equal(offered_to(&story), "anna");
    story_close(&story);
}

static void rule_4_2_rings_taken_from_the_queue_are_over_at_once(void **state)
{
    struct story story;

    (void)state;
    open_with(&story, "90:60s");
    story_ready(&story, "anna", "sales");
    story_join(&story, "boris", "sales");
    ask(&story, "i1", "boris:95");
    story_at(&story, 1000);
    story_set_queue(&story, queue_with(&story, ""));
    story_at(&story, 1000);
    assert_string_equal(offered_to(&story), "anna");
    story_close(&story);
}

static void rule_4_2_a_longer_wait_holds_for_those_who_wait_already(void **state)
{
    struct story story;

    (void)state;
    open_with(&story, "90:5s 80:5s");
    story_ready(&story, "anna", "sales");
    story_join(&story, "boris", "sales");
    ask(&story, "i1", "boris:95");
    story_at(&story, 1000);
    story_set_queue(&story, queue_with(&story, "90:20s 80:5s"));
    story_at(&story, 24999);
    assert_string_equal(offered_to(&story), "");
    story_at(&story, 25000);
    assert_string_equal(offered_to(&story), "anna");
    story_close(&story);
}

static void rule_4_2_of_an_e_mail_each_ring_goes_out_to_the_switch(void **state)
{
    struct story story;
    uint32_t ring;

    (void)state;
    open_with(&story, "90:5s 60:10s");
    story_ready(&story, "anna", "sales");
    story_at(&story, 1);
    story_ready(&story, "boris", "sales");
    story_ready(&story, "carl", "other");
    enter_mail(&story, "m1", EMAIL, "boris:95 carl:99 anna:70 dora:80");
    assert_string_equal(preferred(&story, &ring), "boris");
    assert_int_equal(ring, 1);
    assert_string_equal(
        story_routing(&story, "routing.prefer_agents", 0)->prefer_agents->interaction_id, "m1");
    assert_string_equal(story_routing(&story, "routing.prefer_agents", 0)->conversation_id, "c-m1");
    story_at(&story, 5000);
    assert_int_equal(story_count(&story, "routing.prefer_agents"), 1);
    story_at(&story, 5001);
    assert_string_equal(preferred(&story, &ring), "boris anna");
    assert_int_equal(ring, 2);
    story_at(&story, 15001);
    assert_string_equal(preferred(&story, &ring), "");
    assert_int_equal(ring, 0);
    story_at(&story, 100000);
    assert_int_equal(story_count(&story, "routing.prefer_agents"), 3);
    story_close(&story);
}

static void rule_4_2_messages_too_calls_and_chats_not(void **state)
{
    struct story story;
    uint32_t ring;

    (void)state;
    open_with(&story, "90:5s");
    story_ready(&story, "anna", "sales");
    enter_mail(&story, "v1", RINGBACK__V1__MEDIA__MEDIA_VOICE, "anna:95");
    enter_mail(&story, "c1", RINGBACK__V1__MEDIA__MEDIA_CHAT, "anna:95");
    assert_int_equal(story_count(&story, "routing.prefer_agents"), 0);
    enter_mail(&story, "m1", RINGBACK__V1__MEDIA__MEDIA_MESSAGE, "anna:95");
    assert_string_equal(preferred(&story, &ring), "anna");
    assert_int_equal(ring, 1);
    story_close(&story);
}

static void rule_4_2_a_ring_that_nobody_is_in_goes_out_empty(void **state)
{
    struct story story;
    uint32_t ring;

    (void)state;
    open_with(&story, "90:5s 50:5s");
    story_ready(&story, "anna", "sales");
    enter_mail(&story, "m1", EMAIL, "anna:60");
    assert_string_equal(preferred(&story, &ring), "");
    assert_int_equal(ring, 1);
    story_at(&story, 5000);
    assert_string_equal(preferred(&story, &ring), "anna");
    assert_int_equal(ring, 2);
    story_close(&story);
}

static void rule_4_2_an_e_mail_that_leaves_the_line_has_no_more_rings(void **state)
{
    struct story story;
    uint32_t ring;

    (void)state;
    open_with(&story, "90:5s");
    story_ready(&story, "anna", "sales");
    enter_mail(&story, "m1", EMAIL, "anna:95");
    story_at(&story, 1000);
    story_alert(&story, "m1", "anna"); /* an alert: they run on */
    enter_mail(&story, "m2", EMAIL, "anna:95");
    story_at(&story, 5000);
    assert_int_equal(story_count(&story, "routing.prefer_agents"), 3);
    assert_string_equal(preferred(&story, &ring), "");
    story_connect(&story, "m2", "anna");
    story_at(&story, 60000);
    assert_int_equal(story_count(&story, "routing.prefer_agents"), 3);
    story_close(&story);
}

static void rule_4_2_a_newer_word_of_the_same_entry_starts_no_rings_anew(void **state)
{
    struct story story;
    PB(InteractionEvent) * event;
    uint32_t ring;

    (void)state;
    open_with(&story, "90:5s");
    story_ready(&story, "anna", "sales");
    enter_mail(&story, "m1", EMAIL, "anna:95");
    story_at(&story, 3000);
    event = story_entered(&story, "m1", "sales");
    event->interaction->media = EMAIL;
    event->entered->place->entry_ms = STORY_START_MS;
    event->entered->routing = scored(&story, 0, "", "anna:97");
    story_tell(&story, event);
    assert_int_equal(story_count(&story, "routing.prefer_agents"), 1);
    story_at(&story, 5000);
    assert_int_equal(story_count(&story, "routing.prefer_agents"), 2);
    story_at(&story, 6000);
    enter_mail(&story, "m1", EMAIL, "anna:95"); /* another entry */
    assert_int_equal(story_count(&story, "routing.prefer_agents"), 3);
    assert_string_equal(preferred(&story, &ring), "anna");
    assert_int_equal(ring, 1);
    story_close(&story);
}

static void rule_4_2_an_e_mail_that_holds_the_line_keeps_one_of_its_pool(void **state)
{
    static const char *const pools[] = {"boris:95 anna:93", "anna:95 boris:93"};

    (void)state;
    for (int at = 0; at < 2; at++) {
        const char *kept = at == 0 ? "boris" : "anna", *other = at == 0 ? "anna" : "boris";
        struct story story;

        story_open(&story);
        story.options.holds_line |= 1u << EMAIL;
        story_set_queue(&story, queue_with(&story, "90:60s"));
        story_ready(&story, "anna", "sales");
        story_ready(&story, "boris", "sales");
        enter_mail(&story, "m1", EMAIL, pools[at]);
        story_at(&story, 1);
        ask(&story, "i1", arena_format(&story.arena, "%s:95", kept));
        assert_string_equal(offered_to(&story), "");
        ask(&story, "i2", "");
        assert_string_equal(offered_to(&story), other); /* the mail keeps the best, and no more */
        story_close(&story);
    }
}

/* A callback in its rings costs nothing but its own; the first of them is found at once. */
static void rule_4_2_who_prefers_others_is_not_walked_past(void **state)
{
    enum { CALLBACKS = 200 };
    struct story story;
    const char *first = "", *made;
    uint64_t steps;

    (void)state;
    open_with(&story, "90:600s");
    story.frozen = true;
    story_join(&story, "boris", "sales");
    for (int at = 0; at < CALLBACKS; at++) {
        story_at(&story, at);
        made = ask(&story, arena_format(&story.arena, "i%d", at), "boris:95 dora:91 emil:92");
        first = at == 0 ? made : first;
    }
    steps = machine_counted(story.machine, MACHINE_COUNT_WALK_STEPS);
    story_ready(&story, "anna", "sales"); /* nobody prefers her */
    assert_int_equal(machine_counted(story.machine, MACHINE_COUNT_WALK_STEPS), steps);
    story_ready(&story, "boris", "sales");
    assert_string_equal(story_routing(&story, "routing.offer", 0)->callback_id, first);
    assert_true(machine_counted(story.machine, MACHINE_COUNT_WALK_STEPS) - steps < 10);
    story_close(&story);
}

/* --- 4.3 --- */

static void rule_4_3_scheduled_callbacks_are_unaffected(void **state)
{
    struct story story;
    PB(InteractionEvent) * event;

    (void)state;
    open_with(&story, "90:60s");
    story_ready(&story, "anna", "sales");
    story_ready(&story, "boris", "sales");
    event = story_entered(&story, "i1", "sales");
    event->entered->routing = scored(&story, 0, "", "boris:95");
    story_tell(&story, event);
    story_connect(&story, "i1", "anna");
    story_do(&story, story_schedule(&story, "s1", "anna", "i1", 10000));
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    story_status(&story, "boris", STATUS(COMMUNICATING));
    story_ready(&story, "carl", "sales");
    story_at(&story, 10000);
    assert_string_equal(offered_to(&story), "carl");
    story_close(&story);
}

static void rule_4_3_a_rescheduled_callback_has_no_rings_any_more(void **state)
{
    struct story story;
    const char *callback;
    PB(Command) * command;

    (void)state;
    open_with(&story, "90:60s");
    story_ready(&story, "anna", "sales");
    story_join(&story, "boris", "sales");
    callback = ask(&story, "i1", "boris:95");
    command = story_command(&story, "r1", "", callback);
    command->command_case = RINGBACK__V1__COMMAND__COMMAND_RESCHEDULE;
    command->reschedule = arena_alloc(&story.arena, sizeof(*command->reschedule));
    ringback__v1__reschedule__init(command->reschedule);
    command->reschedule->due_ms = STORY_START_MS + 10000;
    story_do(&story, command);
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    assert_null(story_callback(&story, callback)->rings);
    story_at(&story, 10000);
    assert_string_equal(offered_to(&story), "anna");
    story_close(&story);
}

/* --- 4.4 --- */

static void last_agent_queue(struct story *story, PB(LastAgent) how)
{
    PB(QueueSettings) *queue = story_queue(story, "sales");

    queue->last_agent = how;
    story_set_queue(story, queue);
}

static void ask_after(struct story *story, const char *call, const char *last, const char *skills)
{
    PB(CreateCallback) *create = story_create(story, call, "sales");

    create->facts->last_agent_id = story_text(story, last);
    create->facts->routing = story_needs(story, 0, skills, "");
    create->facts->place = arena_alloc(&story->arena, sizeof(*create->facts->place));
    ringback__v1__place__init(create->facts->place);
    create->facts->place->queue_id = story_text(story, "sales");
    create->facts->place->entry_ms = STORY_START_MS + story->now_ms;
    story_ask(story, arena_format(&story->arena, "ask-%s", call), create);
    assert_int_equal(story_reason(story), REASON(UNSPECIFIED));
}

static void rule_4_4_off_by_default(void **state)
{
    struct story story;

    (void)state;
    story_open(&story);
    last_agent_queue(&story, RINGBACK__V1__LAST_AGENT__LAST_AGENT_UNSPECIFIED);
    story_ready(&story, "anna", "sales");
    story_at(&story, 1);
    story_ready(&story, "boris", "sales");
    ask_after(&story, "i1", "boris", "");
    assert_string_equal(offered_to(&story), "anna");
    story_close(&story);
}

static void rule_4_4_queue_members_tries_the_last_agent_first_once(void **state)
{
    struct story story;

    (void)state;
    story_open(&story);
    last_agent_queue(&story, MEMBER);
    story_ready(&story, "anna", "sales");
    story_at(&story, 1);
    story_ready(&story, "boris", "sales");
    ask_after(&story, "i1", "boris", "");
    assert_string_equal(offered_to(&story), "boris");
    story_at(&story, 10000);
    story_decline(&story, "boris");
    assert_string_equal(offered_to(&story), "anna");
    story_decline(&story, "anna");
    story_at(&story, 70000); /* both pauses are over: by 5.4 now */
    assert_int_equal(story_count(&story, "routing.offer"), 3);
    assert_string_equal(offered_to(&story), "anna");
    story_close(&story);
}

static void rule_4_4_queue_members_asks_for_membership_any_does_not(void **state)
{
    struct story story;

    (void)state;
    story_open(&story);
    last_agent_queue(&story, MEMBER);
    story_ready(&story, "boris", "other");
    ask_after(&story, "i1", "boris", "");
    assert_string_equal(offered_to(&story), "");
    last_agent_queue(&story, ALL);
    assert_string_equal(offered_to(&story), ""); /* only when it enters the line */
    ask_after(&story, "i2", "boris", "");
    assert_string_equal(offered_to(&story), "boris");
    assert_string_equal(story_routing(&story, "routing.offer", 0)->callback_id, story_made(&story));
    story_close(&story);
}

static void rule_4_4_an_offer_to_any_is_not_revoked_for_want_of_membership(void **state)
{
    struct story story;

    (void)state;
    story_open(&story);
    last_agent_queue(&story, ALL);
    story_ready(&story, "boris", "other");
    ask_after(&story, "i1", "boris", "");
    story_at(&story, 1000);
    story_join(&story, "boris", "third");
    story_status(&story, "boris", STATUS(IDLE));
    assert_int_equal(story_count(&story, "routing.revoke"), 0);
    story_accept(&story, "boris");
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    assert_int_equal(story_state(&story, story_made(&story)), STATE(WITH_AGENT));
    story_close(&story);
}

static void rule_4_4_a_last_agent_who_is_not_eligible_is_not_waited_for(void **state)
{
    struct story story;

    (void)state;
    story_open(&story);
    last_agent_queue(&story, ALL);
    story_ready(&story, "anna", "sales");
    story_ready(&story, "boris", "other");
    story_status(&story, "boris", STATUS(COMMUNICATING));
    ask_after(&story, "i1", "boris", "");
    assert_string_equal(offered_to(&story), "anna");
    story_ready(&story, "carl", "other");
    ask_after(&story, "i2", "carl", "billing"); /* skills are asked of him */
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_close(&story);
}

static void rule_4_4_a_live_call_ahead_keeps_the_last_agent(void **state)
{
    struct story story;

    (void)state;
    story_open(&story);
    last_agent_queue(&story, MEMBER);
    story_ready(&story, "boris", "sales");
    story_enter(&story, "live", "sales");
    story_at(&story, 1);
    ask_after(&story, "i1", "boris", "");
    assert_string_equal(offered_to(&story), "");
    story_close(&story);
}

static void rule_4_4_not_for_scheduled_callbacks(void **state)
{
    struct story story;
    PB(InteractionEvent) * event;

    (void)state;
    story_open(&story);
    last_agent_queue(&story, ALL);
    story_ready(&story, "anna", "sales");
    event = story_entered(&story, "i1", "sales");
    event->entered->last_agent_id = story_text(&story, "boris");
    story_tell(&story, event);
    story_connect(&story, "i1", "anna");
    story_do(&story, story_schedule(&story, "s1", "anna", "i1", 10000));
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    story_ready(&story, "boris", "other");
    story_at(&story, 1);
    story_ready(&story, "carl", "sales");
    story_at(&story, 10000);
    assert_string_equal(offered_to(&story), "carl");
    story_close(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_4_1_a_queue_has_0_to_6_rings),
        cmocka_unit_test(rule_4_1_thresholds_are_0_to_100),
        cmocka_unit_test(rule_4_1_a_wait_is_2_seconds_to_72_hours),
        cmocka_unit_test(rule_4_1_a_wait_left_out_is_5_seconds),
        cmocka_unit_test(rule_4_1_scores_are_0_to_100),
        cmocka_unit_test(rule_4_1_of_more_than_100_scores_the_highest_100_count),
        cmocka_unit_test(rule_4_1_of_two_scores_of_one_agent_the_higher_counts),
        cmocka_unit_test(rule_4_2_ring_by_ring_those_who_score_enough),
        cmocka_unit_test(rule_4_2_a_score_at_the_threshold_is_enough_one_below_is_not),
        cmocka_unit_test(rule_4_2_the_highest_score_first_then_who_waited_longest),
        cmocka_unit_test(rule_4_2_the_pool_only_grows),
        cmocka_unit_test(rule_4_2_only_members_of_the_queue),
        cmocka_unit_test(rule_4_2_skills_are_not_asked_of_a_preferred_agent),
        cmocka_unit_test(rule_4_2_after_the_last_ring_every_agent_the_preferred_first),
        cmocka_unit_test(rule_4_2_any_is_every_scored_agent),
        cmocka_unit_test(rule_4_2_without_a_scored_member_there_are_no_rings),
        cmocka_unit_test(rule_4_2_a_member_who_scores_too_little_for_every_ring_holds_the_rings_up),
        cmocka_unit_test(rule_4_2_rings_start_when_it_enters_not_at_the_inherited_entry),
        cmocka_unit_test(rule_4_2_rings_run_on_through_offers),
        cmocka_unit_test(rule_4_2_rings_run_on_through_retries),
        cmocka_unit_test(rule_4_2_rings_last_their_wait_though_nobody_is_on_queue),
        cmocka_unit_test(rule_4_2_rings_override_the_last_agent),
        cmocka_unit_test(rule_4_2_who_becomes_free_gets_the_best_place_of_those_who_prefer_him),
        cmocka_unit_test(rule_4_2_a_preferred_callback_behind_a_live_call_leaves_it_its_agent),
        cmocka_unit_test(rule_4_2_rings_taken_from_the_queue_are_over_at_once),
        cmocka_unit_test(rule_4_2_a_longer_wait_holds_for_those_who_wait_already),
        cmocka_unit_test(rule_4_2_of_an_e_mail_each_ring_goes_out_to_the_switch),
        cmocka_unit_test(rule_4_2_messages_too_calls_and_chats_not),
        cmocka_unit_test(rule_4_2_a_ring_that_nobody_is_in_goes_out_empty),
        cmocka_unit_test(rule_4_2_an_e_mail_that_leaves_the_line_has_no_more_rings),
        cmocka_unit_test(rule_4_2_a_newer_word_of_the_same_entry_starts_no_rings_anew),
        cmocka_unit_test(rule_4_2_an_e_mail_that_holds_the_line_keeps_one_of_its_pool),
        cmocka_unit_test(rule_4_2_who_prefers_others_is_not_walked_past),
        cmocka_unit_test(rule_4_3_scheduled_callbacks_are_unaffected),
        cmocka_unit_test(rule_4_3_a_rescheduled_callback_has_no_rings_any_more),
        cmocka_unit_test(rule_4_4_off_by_default),
        cmocka_unit_test(rule_4_4_queue_members_tries_the_last_agent_first_once),
        cmocka_unit_test(rule_4_4_queue_members_asks_for_membership_any_does_not),
        cmocka_unit_test(rule_4_4_an_offer_to_any_is_not_revoked_for_want_of_membership),
        cmocka_unit_test(rule_4_4_a_last_agent_who_is_not_eligible_is_not_waited_for),
        cmocka_unit_test(rule_4_4_a_live_call_ahead_keeps_the_last_agent),
        cmocka_unit_test(rule_4_4_not_for_scheduled_callbacks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
