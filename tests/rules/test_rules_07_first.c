/* Chapter 7: the customer is called first; with it 3.6, 10.4, and
 * what 5.2, 5.3, 6.4, 11.3, 12.6, 12.15 say of such a call. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "state/internal.h"
#include "tests/support/story.h"

#define NONE           REASON(UNSPECIFIED)
#define ANSWER(name)   RINGBACK__V1__ANSWER_KIND__ANSWER_KIND_##name
#define ENDED(name)    RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_##name
#define REACTION(name) RINGBACK__V1__ANSWER_REACTION__ANSWER_REACTION_##name
#define AT(ms)         (STORY_START_MS + (ms))

/* --- how a story begins --- */

/* The settings of a customer-first queue, to change before they are sent. */
static PB(QueueSettings) * first_queue(struct story *story, const char *queue)
{
    PB(QueueSettings) *settings = story_queue(story, queue);

    settings->dial_mode = RINGBACK__V1__DIAL_MODE__DIAL_MODE_CUSTOMER_FIRST;
    settings->customer_first = arena_alloc(&story->arena, sizeof(*settings->customer_first));
    ringback__v1__customer_first__init(settings->customer_first);
    return settings;
}

static void open_first(struct story *story)
{
    story_open(story);
    story_set_queue(story, first_queue(story, "sales"));
}

/* A callback of a call that came now. */
static const char *wait_in_line(struct story *story, const char *interaction, const char *queue)
{
    story_enter(story, interaction, queue);
    story_ask(story, arena_format(&story->arena, "ask-%s", interaction),
              story_create(story, interaction, queue));
    assert_int_equal(story_reason(story), NONE);
    return story_made(story);
}

/* One callback of time 0, dialled at 10 s, since anna came. */
static const char *open_dialled(struct story *story, const PB(QueueSettings) * settings)
{
    const char *callback;

    if (story->machine == NULL)
        story_set_queue(story, first_queue(story, "sales"));
    if (settings != NULL) {
        PB(QueueSettings) *copy = first_queue(story, "sales");
        uint64_t version = copy->version;

        *copy = *settings;
        copy->version = version;
        story_set_queue(story, copy);
    }
    assert_int_equal(story_reason(story), NONE);
    callback = wait_in_line(story, "i1", "sales");
    story_at(story, 10000);
    story_ready(story, "anna", "sales");
    assert_int_equal(story_state(story, callback), STATE(DIALLING));
    return callback;
}

static const char *open_with(struct story *story, uint32_t retries, uint32_t delay_s)
{
    PB(QueueSettings) * sales;

    story_open(story);
    sales = first_queue(story, "sales");
    sales->customer_first->max_retries = retries;
    sales->customer_first->retry_delay_s = delay_s;
    return open_dialled(story, sales);
}

static const char *open_reserving(struct story *story)
{
    PB(QueueSettings) * sales;

    story_open(story);
    sales = first_queue(story, "sales");
    sales->customer_first->reserve_agent = true;
    return open_dialled(story, sales);
}

static PB(Reason) ended_reason(struct story *story)
{
    const PB(RoutingEvent) *ended = story_routing(story, "routing.callback_ended", 0);

    return ended == NULL ? NONE : ended->callback_ended->reason;
}

static const PB(PlaceCall) * placed(struct story *story, size_t nth)
{
    const PB(RoutingEvent) *event = story_routing(story, "routing.place_call", nth);

    assert_non_null(event);
    return event->place_call;
}

static void assert_in_flight(struct story *story, const char *callback)
{
    const PB(CallbackEntity) *entity = story_callback(story, callback);

    assert_non_null(entity);
    assert_string_equal(entity->agent_id, "");
    assert_int_not_equal(entity->stay_ms, 0);
    assert_true(entity->attempt->customer_first);
}

static const char *reserved_for(struct story *story, const char *callback)
{
    const PB(CallbackEntity) *entity = story_callback(story, callback);

    return entity == NULL || entity->attempt == NULL ? "" : entity->attempt->reserved_agent_id;
}

/* --- 7.1 --- */

static void rule_7_1_the_customer_is_dialled_before_any_agent_has_it(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = open_dialled(&story, NULL);
    assert_int_equal(story_count(&story, "routing.place_call"), 1);
    assert_true(placed(&story, 0)->customer_first);
    assert_string_equal(placed(&story, 0)->agent_id, "");
    assert_string_equal(placed(&story, 0)->number, "+97235551234");
    assert_int_equal(placed(&story, 0)->ring_timeout_s, 45);
    assert_int_equal(placed(&story, 0)->number_of_attempt, 1);
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    assert_int_equal(story_count(&story, "routing.callback_assigned"), 0);
    assert_int_equal(story_count(&story, "routing.reserve_agent"), 0); /* opt-in */
    assert_in_flight(&story, callback);
    story_close(&story);
}

static void rule_7_1_answered_he_stands_in_line_at_the_place_held(void **state)
{
    struct story story;
    PB(InteractionEvent) * call;
    const PB(RoutingEvent) * event;
    const PB(TransferToQueue) * transfer;
    const char *callback;

    (void)state;
    open_first(&story);
    call = story_entered(&story, "i1", "sales");
    call->entered->place->entry_ms = AT(-50000);
    call->entered->place->tie_break = story_text(&story, "first-come");
    call->entered->routing = story_needs(&story, 3, "spanish loans", "es");
    story_tell(&story, call);
    story_ask(&story, "r1", story_create(&story, "i1", "sales"));
    callback = story_made(&story);
    story_at(&story, 10000);
    story_ready_with(&story, "anna", "sales", "loans spanish", "es");
    story_at(&story, 20000);
    story_answered(&story, ANSWER(PERSON));
    event = story_routing(&story, "routing.transfer_to_queue", 0);
    assert_non_null(event);
    transfer = event->transfer_to_queue;
    assert_string_equal(event->callback_id, callback);
    assert_string_equal(event->queue_id, "sales");
    assert_string_equal(transfer->attempt_id, placed(&story, 0)->attempt_id);
    assert_string_equal(transfer->place->queue_id, "sales");
    assert_int_equal(transfer->place->entry_ms, AT(-50000));
    assert_string_equal(transfer->place->tie_break, "first-come");
    assert_int_equal(transfer->routing->priority, 3);
    assert_int_equal(transfer->routing->n_skills, 2);
    assert_string_equal(transfer->routing->skills[0], "loans");
    assert_string_equal(transfer->routing->skills[1], "spanish");
    assert_string_equal(transfer->routing->language, "es");
    assert_string_equal(transfer->flow_id, "");
    assert_int_equal(story_state(&story, callback), STATE(TALKING));
    assert_in_flight(&story, callback);
    story_close(&story);
}

static void rule_7_1_an_unknown_answer_is_a_persons(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = open_dialled(&story, NULL);
    story_answered(&story, ANSWER(UNSPECIFIED));
    assert_int_equal(story_count(&story, "routing.transfer_to_queue"), 1);
    assert_true(story_callback(&story, callback)->reached);
    story_close(&story);
}

static void rule_7_1_callback_and_call_are_one_item_of_the_line(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = open_dialled(&story, NULL);
    story_answered(&story, ANSWER(PERSON));
    assert_int_equal(story_counters(&story, "sales")->callbacks->offered, 1);
    assert_int_equal(story_counters(&story, "sales")->live->offered, 1);  /* the call before, */
    assert_int_equal(story_counters(&story, "sales")->live->flow_out, 1); /* which is gone */
    /* It stands before who came later, and takes the only agent from him. */
    story_set_queue(&story, story_queue(&story, "other"));
    wait_in_line(&story, "i2", "other");
    story_joins(&story, "anna", "sales other");
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    story_at(&story, 15000);
    story_attempt_connected(&story, "anna");
    assert_int_equal(story_counters(&story, "sales")->callbacks->answered, 1);
    assert_int_equal(story_counters(&story, "sales")->live->offered, 1);
    assert_string_equal(story_callback(&story, callback)->agent_id, "anna");
    story_close(&story);
}

static void rule_7_1_the_place_is_kept_until_he_is_with_an_agent(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = open_dialled(&story, NULL);
    story_answered(&story, ANSWER(PERSON));
    assert_int_equal(story_callback(&story, callback)->place->entry_ms, AT(0));
    assert_string_equal(story_callback(&story, callback)->place->tie_break, "i1");
    story_at(&story, 15000);
    story_attempt_connected(&story, "anna");
    assert_int_equal(story_state(&story, callback), STATE(TALKING));
    assert_int_equal(story_callback(&story, callback)->stay_ms, 0);
    story_close(&story);
}

static void rule_7_1_connected_without_an_answer_heard(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = open_dialled(&story, NULL);
    story_at(&story, 15000);
    story_attempt_connected(&story, "anna");
    assert_int_equal(story_state(&story, callback), STATE(TALKING));
    assert_string_equal(story_callback(&story, callback)->agent_id, "anna");
    assert_int_equal(story_count(&story, "routing.transfer_to_queue"), 0); /* he is there */
    assert_int_equal(story_count(&story, "routing.hang_up"), 0);
    story_attempt_ended(&story, ENDED(HUNG_UP));
    assert_int_equal(ended_reason(&story), REASON(COMPLETED));
    story_close(&story);
}

static void rule_7_1_the_switch_may_hand_the_call_on(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = open_dialled(&story, NULL);
    story_answered(&story, ANSWER(PERSON));
    story_attempt_connected(&story, "anna");
    story_ready(&story, "boaz", "sales");
    story_at(&story, 30000);
    story_attempt_connected(&story, "boaz");
    assert_string_equal(story_callback(&story, callback)->agent_id, "boaz");
    assert_int_equal(story_counters(&story, "sales")->callbacks->answered, 1); /* once */
    story_attempt_connected(&story, "boaz"); /* says nothing new */
    assert_int_equal(story_state(&story, callback), STATE(TALKING));
    story_close(&story);
}

/* --- 6.4, 5.2: the agent on the call --- */

static void rule_6_4_until_it_is_transferred_the_call_is_no_agents(void **state)
{
    struct story story;

    (void)state;
    story_open(&story);
    open_dialled(&story, NULL);
    story_at(&story, 12000);
    story_ringing(&story);
    story_at(&story, 14000);
    story_answered(&story, ANSWER(PERSON));
    story_set_queue(&story, story_queue(&story, "other"));
    story_ready(&story, "boaz", "other"); /* in another queue, and not concerned */
    wait_in_line(&story, "i2", "other");
    assert_string_equal(story_offered_to(&story), "boaz");
    story_close(&story);
}

static void rule_5_2_who_is_on_the_call_is_not_idle_until_he_says_so(void **state)
{
    struct story story;

    (void)state;
    story_open(&story);
    open_dialled(&story, NULL);
    story_answered(&story, ANSWER(PERSON));
    story_at(&story, 15000);
    story_attempt_connected(&story, "anna");
    story_set_queue(&story, story_queue(&story, "other"));
    story_joins(&story, "anna", "sales other");
    wait_in_line(&story, "i2", "other");
    assert_int_equal(story_count(&story, "routing.offer"), 0); /* her status still says Idle */
    story_at(&story, 16000);
    story_status(&story, "anna", STATUS(INTERACTING));
    story_at(&story, 60000);
    story_attempt_ended(&story, ENDED(HUNG_UP));
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    story_at(&story, 65000);
    story_status(&story, "anna", STATUS(IDLE));
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

static void rule_5_2_an_email_beside_the_call_makes_no_room_for_a_callback(void **state)
{
    struct story story;
    PB(InteractionEvent) * mail;

    (void)state;
    story_open(&story);
    open_dialled(&story, NULL);
    story_answered(&story, ANSWER(PERSON));
    story_attempt_connected(&story, "anna");
    mail = story_interaction(&story, "m1");
    mail->interaction->media = RINGBACK__V1__MEDIA__MEDIA_EMAIL;
    mail->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_CONNECTED;
    mail->connected = arena_alloc(&story.arena, sizeof(*mail->connected));
    ringback__v1__interaction_connected__init(mail->connected);
    mail->connected->agent_id = story_text(&story, "anna");
    story_tell(&story, mail);
    story_at(&story, 16000);
    story_status(&story, "anna", STATUS(INTERACTING));
    story_set_queue(&story, story_queue(&story, "other"));
    story_joins(&story, "anna", "sales other");
    wait_in_line(&story, "i2", "other");
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    story_at(&story, 60000);
    story_attempt_ended(&story, ENDED(HUNG_UP));
    assert_int_equal(story_count(&story, "routing.offer"), 0); /* she finishes after it */
    story_at(&story, 70000);
    story_attempt_wrapped_by(&story, "anna");
    assert_string_equal(story_offered_to(&story), "anna"); /* beside the e-mail */
    story_close(&story);
}

static void rule_5_2_idle_ends_the_time_after_the_call_too(void **state)
{
    struct story story;
    PB(InteractionEvent) * mail;

    (void)state;
    story_open(&story);
    open_dialled(&story, NULL);
    story_answered(&story, ANSWER(PERSON));
    story_attempt_connected(&story, "anna");
    story_at(&story, 60000);
    story_attempt_ended(&story, ENDED(HUNG_UP));
    story_at(&story, 61000);
    story_status(&story, "anna", STATUS(IDLE)); /* of a wrap-up nothing is heard */
    story_at(&story, 62000);
    mail = story_interaction(&story, "m1");
    mail->interaction->media = RINGBACK__V1__MEDIA__MEDIA_EMAIL;
    mail->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_CONNECTED;
    mail->connected = arena_alloc(&story.arena, sizeof(*mail->connected));
    ringback__v1__interaction_connected__init(mail->connected);
    mail->connected->agent_id = story_text(&story, "anna");
    story_tell(&story, mail);
    story_status(&story, "anna", STATUS(INTERACTING));
    story_set_queue(&story, story_queue(&story, "other"));
    story_joins(&story, "anna", "sales other");
    wait_in_line(&story, "i2", "other");
    assert_string_equal(story_offered_to(&story), "anna"); /* beside the e-mail */
    story_close(&story);
}

static void rule_5_4_wrap_up_after_the_call_counts_as_work(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;

    (void)state;
    story_open(&story);
    open_dialled(&story, NULL);
    story_answered(&story, ANSWER(PERSON));
    story_attempt_connected(&story, "anna");
    story_at(&story, 20000);
    story_attempt_ended(&story, ENDED(HUNG_UP));
    story_at(&story, 30000);
    story_ready(&story, "boaz", "sales"); /* On Queue since 30 s */
    story_at(&story, 40000);
    story_attempt_wrapped_by(&story, "anna");
    story_at(&story, 41000);
    story_status(&story, "anna", STATUS(IDLE));
    sales = first_queue(&story, "sales");
    sales->customer_first->reserve_agent = true; /* shows whom a dial counts on */
    story_set_queue(&story, sales);
    wait_in_line(&story, "i2", "sales");
    assert_string_equal(story_routing(&story, "routing.reserve_agent", 0)->reserve_agent->agent_id,
                        "boaz");
    story_close(&story);
}

static void rule_5_2_a_dial_wants_an_idle_agent_whatever_his_capacity(void **state)
{
    struct story story;
    PB(AgentSettings) * anna;

    (void)state;
    open_first(&story);
    wait_in_line(&story, "i1", "sales");
    anna = story_agent(&story, "anna");
    anna->callback_capacity = arena_alloc(&story.arena, sizeof(*anna->callback_capacity));
    ringback__v1__callback_capacity__init(anna->callback_capacity); /* 0 */
    story_set_agent(&story, anna);
    story_presence(&story, "anna", PRESENCE(ON_QUEUE));
    story_join(&story, "anna", "sales");
    story_status(&story, "anna", STATUS(INTERACTING));
    assert_int_equal(story_count(&story, "routing.place_call"), 0);
    story_status(&story, "anna", STATUS(IDLE));
    assert_int_equal(story_count(&story, "routing.place_call"), 1);
    story_close(&story);
}

/* Each takes her away; Idle brings the dial. */
static void rule_5_2_nobody_is_dialled_for_who_is_not_there(void **state)
{
    static const struct {
        PB(Presence) presence;
        PB(RoutingStatus) status;
        const char *queue;
        size_t dials;
    } rows[] = {
        {PRESENCE(ON_QUEUE), STATUS(IDLE), "sales", 1},
        {PRESENCE(AWAY), STATUS(IDLE), "sales", 0},
        {PRESENCE(OFFLINE), STATUS(IDLE), "sales", 0},
        {PRESENCE(ON_QUEUE), STATUS(OFF_QUEUE), "sales", 0},
        {PRESENCE(ON_QUEUE), STATUS(COMMUNICATING), "sales", 0},
        {PRESENCE(ON_QUEUE), STATUS(NOT_RESPONDING), "sales", 0},
        {PRESENCE(ON_QUEUE), STATUS(IDLE), "other", 0},
    };

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        struct story story;

        open_first(&story);
        wait_in_line(&story, "i1", "sales");
        story_set_agent(&story, story_agent(&story, "anna"));
        story_presence(&story, "anna", rows[at].presence);
        story_join(&story, "anna", rows[at].queue);
        story_status(&story, "anna", rows[at].status);
        if (story_count(&story, "routing.place_call") != rows[at].dials)
            fail_msg("row %zu: %zu dials", at, story_count(&story, "routing.place_call"));
        story_close(&story);
    }
}

static void rule_5_2_skills_are_asked_for_a_dial(void **state)
{
    struct story story;
    PB(InteractionEvent) * call;

    (void)state;
    open_first(&story);
    call = story_entered(&story, "i1", "sales");
    call->entered->routing = story_needs(&story, 0, "loans", "");
    story_tell(&story, call);
    story_ask(&story, "r1", story_create(&story, "i1", "sales"));
    story_ready_with(&story, "anna", "sales", "cards", "");
    assert_int_equal(story_count(&story, "routing.place_call"), 0);
    story_ready_with(&story, "boaz", "sales", "loans cards", "");
    assert_int_equal(story_count(&story, "routing.place_call"), 1);
    story_close(&story);
}

/* --- 7.2 --- */

/* Dials with so many agents On Queue and Idle, and more waiting than that. */
static size_t dials_of(uint32_t pacing_hundredths, unsigned agents)
{
    struct story story;
    PB(QueueSettings) * sales;
    size_t dials;

    story_open(&story);
    story.frozen = true;
    sales = first_queue(&story, "sales");
    sales->customer_first->pacing_hundredths = pacing_hundredths;
    story_set_queue(&story, sales);
    for (unsigned at = 0; at < agents; at++)
        story_ready(&story, arena_format(&story.arena, "agent-%u", at), "sales");
    for (unsigned at = 0; at < agents + 2; at++)
        wait_in_line(&story, arena_format(&story.arena, "i%u", at), "sales");
    dials = story_count(&story, "routing.place_call");
    story_close(&story);
    return dials;
}

static void rule_7_2_the_cap_is_exact(void **state)
{
    static const struct {
        uint32_t pacing;
        unsigned agents;
        size_t dials;
    } rows[] = {
        {0, 1, 1},    {0, 19, 1},    {0, 20, 2},                   /* 1 by default */
        {100, 9, 1},  {100, 10, 1},  {100, 11, 1},                 /* at least one */
        {100, 29, 2}, {100, 30, 3},  {100, 31, 3},                 /* */
        {250, 7, 1},  {250, 8, 2},   {250, 11, 2},   {250, 12, 3}, /* 1.75, 2, 2.75, 3 */
        {229, 8, 1},  {229, 9, 2},                                 /* 1.832, 2.061 */
        {333, 30, 9}, {334, 30, 10},                               /* 9.99, 10.02 */
        {1000, 1, 1}, {1000, 7, 7},  {1000, 12, 12},               /* one an agent */
    };

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++)
        if (dials_of(rows[at].pacing, rows[at].agents) != rows[at].dials)
            fail_msg("pacing %u, %u agents: %zu dials, not %zu", rows[at].pacing, rows[at].agents,
                     dials_of(rows[at].pacing, rows[at].agents), rows[at].dials);
}

static void rule_7_2_nobody_waits_nobody_is_dialled(void **state)
{
    struct story story;

    (void)state;
    open_first(&story);
    story_ready(&story, "anna", "sales");
    assert_int_equal(story_count(&story, "routing.place_call"), 0);
    wait_in_line(&story, "i1", "sales");
    assert_int_equal(story_count(&story, "routing.place_call"), 1);
    story_close(&story);
}

/* Pacing 10 and three waiting: what counts is who is On Queue, and who of them is Idle. */
static void rule_7_2_agents_count_whatever_their_status_but_off_queue(void **state)
{
    static const struct {
        PB(Presence) presence;
        PB(RoutingStatus) status;
        unsigned more; /* dials when the second becomes idle for the first's two */
    } rows[] = {
        {PRESENCE(ON_QUEUE), STATUS(INTERACTING), 2},
        {PRESENCE(ON_QUEUE), STATUS(COMMUNICATING), 2},
        {PRESENCE(ON_QUEUE), STATUS(NOT_RESPONDING), 2},
        {PRESENCE(ON_QUEUE), STATUS(OFF_QUEUE), 1},
        {PRESENCE(AWAY), STATUS(INTERACTING), 1},
        {PRESENCE(OFFLINE), STATUS(OFF_QUEUE), 1},
    };

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        struct story story;
        PB(QueueSettings) * sales;

        story_open(&story);
        sales = first_queue(&story, "sales");
        sales->customer_first->pacing_hundredths = 666; /* 2 x 6.66 / 10 = 1.3; 3: 1.99; 4: 2.6 */
        story_set_queue(&story, sales);
        story_ready(&story, "anna", "sales");
        story_ready(&story, "boaz", "sales");
        story_ready(&story, "carmel", "sales");
        story_set_agent(&story, story_agent(&story, "dana"));
        story_presence(&story, "dana", rows[at].presence);
        story_join(&story, "dana", "sales");
        story_status(&story, "dana", rows[at].status);
        for (unsigned call = 0; call < 3; call++)
            wait_in_line(&story, arena_format(&story.arena, "i%u", call), "sales");
        if (story_count(&story, "routing.place_call") != rows[at].more)
            fail_msg("row %zu: %zu dials", at, story_count(&story, "routing.place_call"));
        story_close(&story);
    }
}

static void rule_7_2_nobody_is_dialled_without_an_idle_agent_of_his_own(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;

    (void)state;
    story_open(&story);
    sales = first_queue(&story, "sales");
    sales->customer_first->pacing_hundredths = 1000;
    story_set_queue(&story, sales);
    story_ready(&story, "anna", "sales");
    story_ready(&story, "boaz", "sales");
    story_status(&story, "boaz", STATUS(INTERACTING));
    for (unsigned call = 0; call < 4; call++)
        wait_in_line(&story, arena_format(&story.arena, "i%u", call), "sales");
    assert_int_equal(story_count(&story, "routing.place_call"), 1); /* the cap would be 2 */
    for (unsigned event = 0; event < 20; event++) {
        story_at(&story, 1000 + event);
        story_presence(&story, "boaz", PRESENCE(ON_QUEUE));
        story_enter(&story, arena_format(&story.arena, "e%u", event), "nowhere");
        if (event == 5)
            story_answered(&story, ANSWER(PERSON)); /* on the line: anna is his */
    }
    assert_int_equal(story_count(&story, "routing.place_call"), 1);
    story_at(&story, 5000);
    story_status(&story, "boaz", STATUS(IDLE));
    assert_int_equal(story_count(&story, "routing.place_call"), 2);
    story_close(&story);
}

static void rule_7_2_in_flight_until_an_agent_is_there(void **state)
{
    struct story story;

    (void)state;
    open_first(&story);
    story_ready(&story, "anna", "sales");
    story_ready(&story, "boaz", "sales");
    wait_in_line(&story, "i1", "sales");
    wait_in_line(&story, "i2", "sales");
    assert_int_equal(story_count(&story, "routing.place_call"), 1); /* the cap is 1 */
    story_answered(&story, ANSWER(PERSON));
    assert_int_equal(story_count(&story, "routing.place_call"), 1);
    story_at(&story, 15000);
    story_attempt_connected(&story, "anna");
    assert_int_equal(story_count(&story, "routing.place_call"), 2); /* counting on boaz */
    story_close(&story);
}

static void rule_7_2_a_failed_dial_makes_room_for_the_next(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;
    const char *first, *second;

    (void)state;
    story_open(&story);
    sales = first_queue(&story, "sales");
    sales->customer_first->max_retries = 1;
    story_set_queue(&story, sales);
    story_ready(&story, "anna", "sales");
    first = wait_in_line(&story, "i1", "sales");
    second = wait_in_line(&story, "i2", "sales");
    story_attempt_ended(&story, ENDED(BUSY));
    assert_int_equal(story_state(&story, first), STATE(DELAYED));
    assert_int_equal(story_state(&story, second), STATE(DIALLING));
    story_close(&story);
}

static void rule_7_2_fewer_agents_dial_no_more_but_end_nothing(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;

    (void)state;
    story_open(&story);
    sales = first_queue(&story, "sales");
    sales->customer_first->pacing_hundredths = 1000;
    story_set_queue(&story, sales);
    story_ready(&story, "anna", "sales");
    story_ready(&story, "boaz", "sales");
    for (unsigned call = 0; call < 3; call++)
        wait_in_line(&story, arena_format(&story.arena, "i%u", call), "sales");
    assert_int_equal(story_count(&story, "routing.place_call"), 2);
    story_presence(&story, "anna", PRESENCE(OFFLINE));
    story_presence(&story, "boaz", PRESENCE(OFFLINE));
    assert_int_equal(story_count(&story, "routing.hang_up"), 0);
    assert_int_equal(story_count(&story, "routing.place_call"), 2);
    story_close(&story);
}

/* 4.4, 2.5: a dial may count on the last agent, but not on one to whom the switch will not bring
 * the customer. */
static void rule_4_4_a_dial_counts_on_the_last_agent_if_he_is_a_member(void **state)
{
    (void)state;
    for (int member = 0; member < 2; member++) {
        struct story story;
        PB(QueueSettings) * sales;
        PB(InteractionEvent) * call;

        story_open(&story);
        sales = first_queue(&story, "sales");
        sales->last_agent = RINGBACK__V1__LAST_AGENT__LAST_AGENT_ANY;
        sales->customer_first->reserve_agent = true;
        story_set_queue(&story, sales);
        story_ready(&story, "boaz", member ? "sales" : "other"); /* idle for longest */
        story_at(&story, 1000);
        story_ready(&story, "anna", member ? "sales" : "other");
        call = story_entered(&story, "i1", "sales");
        call->entered->last_agent_id = story_text(&story, "anna");
        story_tell(&story, call);
        story_ask(&story, "r1", story_create(&story, "i1", "sales"));
        assert_int_equal(story_count(&story, "routing.place_call"), member);
        if (member)
            assert_string_equal(reserved_for(&story, story_made(&story)), "anna");
        story_close(&story);
    }
}

static void rule_5_3_a_live_call_ahead_has_the_agent(void **state)
{
    struct story story;

    (void)state;
    open_first(&story);
    story_enter(&story, "live", "sales"); /* waits since 0 */
    story_at(&story, 5000);
    wait_in_line(&story, "i1", "sales");
    story_at(&story, 10000);
    story_ready(&story, "anna", "sales");
    assert_int_equal(story_count(&story, "routing.place_call"), 0);
    story_leave(&story, "live", RINGBACK__V1__LEFT_REASON__LEFT_REASON_ABANDONED);
    assert_int_equal(story_count(&story, "routing.place_call"), 1);
    story_close(&story);
}

static void rule_5_3_a_dial_in_flight_has_an_agent_before_offers(void **state)
{
    struct story story;

    (void)state;
    open_first(&story);
    story_set_queue(&story, story_queue(&story, "other"));
    wait_in_line(&story, "i1", "sales");
    story_at(&story, 1000);
    wait_in_line(&story, "i2", "other");
    story_at(&story, 10000);
    story_set_agent(&story, story_agent(&story, "anna"));
    story_presence(&story, "anna", PRESENCE(ON_QUEUE));
    story_joins(&story, "anna", "sales other");
    story_status(&story, "anna", STATUS(IDLE));
    assert_int_equal(story_count(&story, "routing.place_call"), 1);
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    story_at(&story, 11000);
    story_ringing(&story); /* another event, another walk */
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    story_attempt_ended(&story, ENDED(DEAD));
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

/* The dial for i1 counts on boaz: anna is in a pause of 5.5. The switch knows none, so at the next
 * walk it is she whom that dial takes on paper, and boaz is left for i2. Nothing is gone through
 * again until the domain has an event: another domain's is none. */
static void rule_5_3_whom_a_dial_leaves_is_found_at_the_domains_next_event(void **state)
{
    struct story story;
    const char *missed, *first, *second;

    (void)state;
    open_first(&story);
    story_set_queue(&story, first_queue(&story, "service"));
    story_set_queue(&story, story_queue(&story, "other"));
    story_ready(&story, "anna", "other");
    missed = wait_in_line(&story, "i0", "other");
    story_at(&story, 30000); /* she did not answer */
    assert_int_equal(story_state(&story, missed), STATE(WAITING));
    story_cancel(&story, missed);
    story_join(&story, "anna", "sales");
    first = wait_in_line(&story, "i1", "sales");
    story_at(&story, 31000);
    second = wait_in_line(&story, "i2", "service");
    story_set_agent(&story, story_agent(&story, "boaz"));
    story_presence(&story, "boaz", PRESENCE(ON_QUEUE));
    story_joins(&story, "boaz", "sales service");
    story_status(&story, "boaz", STATUS(IDLE));
    assert_int_equal(story_state(&story, first), STATE(DIALLING));
    assert_int_equal(story_state(&story, second), STATE(WAITING));
    story.domain = "globex";
    story_enter(&story, "theirs", "sales");
    assert_int_equal(story_state(&story, second), STATE(WAITING));
    story_ringing(&story);
    assert_int_equal(story_state(&story, second), STATE(DIALLING));
    assert_int_equal(story_count(&story, "routing.place_call"), 2); /* two agents are idle */
    story_close(&story);
}

static void rule_5_3_a_dial_and_an_offer_for_two_agents_in_one_walk(void **state)
{
    struct story story;

    (void)state;
    open_first(&story);
    story_set_queue(&story, story_queue(&story, "other"));
    wait_in_line(&story, "i1", "sales");
    story_at(&story, 1000);
    wait_in_line(&story, "i2", "other");
    story_ready(&story, "boaz", "other");
    assert_string_equal(story_offered_to(&story), "boaz");
    assert_int_equal(story_count(&story, "routing.place_call"), 0);
    story_ready(&story, "anna", "sales");
    assert_int_equal(story_count(&story, "routing.place_call"), 1);
    story_close(&story);
}

/* --- 7.3 --- */

static void rule_7_3_the_agent_that_a_dial_counts_on_is_kept(void **state)
{
    struct story story;
    const PB(RoutingEvent) * event;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = open_reserving(&story);
    event = story_routing(&story, "routing.reserve_agent", 0);
    assert_non_null(event);
    assert_string_equal(event->reserve_agent->agent_id, "anna");
    assert_string_equal(event->reserve_agent->attempt_id, placed(&story, 0)->attempt_id);
    assert_string_equal(event->callback_id, callback);
    assert_string_equal(reserved_for(&story, callback), "anna");
    /* Nothing else for her: no offer, no dial. */
    story_set_queue(&story, story_queue(&story, "other"));
    story_joins(&story, "anna", "sales other");
    wait_in_line(&story, "i2", "other");
    wait_in_line(&story, "i3", "sales");
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    assert_int_equal(story_count(&story, "routing.place_call"), 1);
    assert_int_equal(story_count(&story, "routing.release_agent"), 0);
    story_close(&story);
}

static void rule_7_3_kept_until_the_customer_is_with_an_agent(void **state)
{
    static const char *const with[] = {"anna", "boaz"};

    (void)state;
    for (size_t at = 0; at < 2; at++) {
        struct story story;
        const char *callback = open_reserving(&story);

        story_answered(&story, ANSWER(PERSON));
        assert_int_equal(story_count(&story, "routing.release_agent"), 0);
        story_ready(&story, "boaz", "sales");
        story_at(&story, 15000);
        story_attempt_connected(&story, with[at]);
        assert_int_equal(story_count(&story, "routing.release_agent"), 1);
        assert_string_equal(
            story_routing(&story, "routing.release_agent", 0)->release_agent->agent_id, "anna");
        assert_string_equal(
            story_routing(&story, "routing.release_agent", 0)->release_agent->attempt_id,
            placed(&story, 0)->attempt_id);
        assert_string_equal(reserved_for(&story, callback), "");
        story_close(&story);
    }
}

static void rule_7_3_kept_until_the_attempt_is_over(void **state)
{
    (void)state;
    for (int how = 0; how < 5; how++) {
        struct story story;
        const char *callback = open_reserving(&story);

        story_set_queue(&story, story_queue(&story, "other"));
        story_joins(&story, "anna", "sales other");
        wait_in_line(&story, "i2", "other");
        switch (how) {
        case 0: story_attempt_ended(&story, ENDED(BUSY)); break;
        case 1: story_attempt_ended(&story, ENDED(DEAD)); break;
        case 2: story_cancel(&story, callback); break;
        case 3: story_answered(&story, ANSWER(MACHINE)); break;
        default: story_at(&story, 10000 + 45000 + 30000); break;
        }
        assert_int_equal(story_count(&story, "routing.release_agent"), 1);
        assert_string_equal(story_offered_to(&story), "anna"); /* free again */
        story_close(&story);
    }
}

static void rule_7_3_passes_on_to_the_longest_idle(void **state)
{
    struct story story;
    const char *callback = open_reserving(&story);

    (void)state;
    story_at(&story, 20000);
    story_ready(&story, "carmel", "sales");
    story_at(&story, 21000);
    story_ready(&story, "boaz", "sales");
    story_at(&story, 22000);
    story_connect(&story, "other-call", "anna"); /* the switch gives her a call */
    assert_int_equal(story_count(&story, "routing.release_agent"), 1);
    assert_int_equal(story_count(&story, "routing.reserve_agent"), 2);
    assert_string_equal(story_routing(&story, "routing.reserve_agent", 1)->reserve_agent->agent_id,
                        "carmel");
    assert_string_equal(reserved_for(&story, callback), "carmel");
    assert_int_equal(story_state(&story, callback), STATE(DIALLING));
    story_close(&story);
}

static void rule_7_3_passes_on_only_to_who_could_serve_it(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;
    PB(InteractionEvent) * call;
    const char *callback;

    (void)state;
    story_open(&story);
    sales = first_queue(&story, "sales");
    sales->customer_first->reserve_agent = true;
    story_set_queue(&story, sales);
    call = story_entered(&story, "i1", "sales");
    call->entered->routing = story_needs(&story, 0, "loans", "");
    story_tell(&story, call);
    story_ask(&story, "r1", story_create(&story, "i1", "sales"));
    callback = story_made(&story);
    story_ready_with(&story, "anna", "sales", "loans", "");
    story_ready_with(&story, "boaz", "sales", "cards", "");
    story_ready_with(&story, "carmel", "other", "loans", "");
    assert_string_equal(reserved_for(&story, callback), "anna");
    story_connect(&story, "other-call", "anna");
    assert_string_equal(reserved_for(&story, callback), "");
    story_close(&story);
}

static void rule_7_3_lapses_when_there_is_nobody_else(void **state)
{
    struct story story;
    const char *callback = open_reserving(&story);

    (void)state;
    story_at(&story, 22000);
    story_connect(&story, "other-call", "anna");
    assert_int_equal(story_count(&story, "routing.release_agent"), 1);
    assert_int_equal(story_count(&story, "routing.reserve_agent"), 1);
    assert_string_equal(reserved_for(&story, callback), "");
    assert_int_equal(story_state(&story, callback), STATE(DIALLING)); /* it rings on */
    story_at(&story, 23000);
    story_ready(&story, "boaz", "sales"); /* not kept, but his on paper (5.3) */
    wait_in_line(&story, "i2", "sales");
    assert_int_equal(story_count(&story, "routing.reserve_agent"), 1);
    assert_int_equal(story_count(&story, "routing.place_call"), 1);
    story_close(&story);
}

/* Interacting: with whom? While it rings, with another; once he is on the line, with him. */
static void rule_7_3_interacting_alone(void **state)
{
    struct story story;
    const char *callback = open_reserving(&story);

    (void)state;
    story_at(&story, 12000);
    story_status(&story, "anna", STATUS(INTERACTING));
    assert_string_equal(reserved_for(&story, callback), "");
    story_close(&story);
    callback = open_reserving(&story);
    story_at(&story, 12000);
    story_answered(&story, ANSWER(PERSON));
    story_status(&story, "anna", STATUS(INTERACTING));
    assert_string_equal(reserved_for(&story, callback), "anna");
    story_attempt_connected(&story, "anna");
    assert_int_equal(story_count(&story, "routing.release_agent"), 1);
    story_close(&story);
}

static void rule_7_3_who_goes_away_is_kept_no_longer(void **state)
{
    (void)state;
    for (int how = 0; how < 5; how++) {
        struct story story;
        const char *callback = open_reserving(&story);

        story_at(&story, 12000);
        switch (how) {
        case 0: story_presence(&story, "anna", PRESENCE(AWAY)); break;
        case 1: story_status(&story, "anna", STATUS(COMMUNICATING)); break;
        case 2: story_status(&story, "anna", STATUS(NOT_RESPONDING)); break;
        case 3: story_join(&story, "anna", "other"); break;
        default: story_remove_agent(&story, "anna"); break;
        }
        if (reserved_for(&story, callback)[0] != '\0')
            fail_msg("way %d: still kept", how);
        assert_int_equal(story_count(&story, "routing.release_agent"), 1);
        story_close(&story);
    }
}

/* --- 7.4 --- */

static const char *open_reacting(struct story *story, PB(AnswerReaction) live,
                                 PB(AnswerReaction) machine)
{
    PB(QueueSettings) * sales;

    story_open(story);
    sales = first_queue(story, "sales");
    sales->customer_first->live_voice = live;
    sales->customer_first->answering_machine = machine;
    sales->customer_first->flow_id = story_text(story, "please-hold");
    sales->customer_first->max_retries = 1;
    sales->customer_first->retry_delay_s = 60;
    return open_dialled(story, sales);
}

static void rule_7_4_a_live_voice_goes_where_the_setting_says(void **state)
{
    static const struct {
        PB(AnswerReaction) reaction;
        PB(CallbackState) becomes;
        PB(Reason) reason;
        const char *flow;
        size_t transfers, hang_ups;
    } rows[] = {
        {REACTION(UNSPECIFIED), STATE(TALKING), NONE, "", 1, 0},
        {REACTION(QUEUE), STATE(TALKING), NONE, "", 1, 0},
        {REACTION(FLOW), STATE(ENDED), REASON(TO_FLOW), "please-hold", 1, 0},
        {REACTION(HANG_UP), STATE(ENDED), REASON(COMPLETED), "", 0, 1},
    };

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        struct story story;
        const char *callback = open_reacting(&story, rows[at].reaction, REACTION(UNSPECIFIED));
        const PB(RoutingEvent) * transfer;

        story_answered(&story, ANSWER(PERSON));
        transfer = story_routing(&story, "routing.transfer_to_queue", 0);
        assert_int_equal(story_state(&story, callback), rows[at].becomes);
        assert_int_equal(ended_reason(&story), rows[at].reason);
        assert_int_equal(story_count(&story, "routing.transfer_to_queue"), rows[at].transfers);
        assert_int_equal(story_count(&story, "routing.hang_up"), rows[at].hang_ups);
        if (transfer != NULL) {
            assert_string_equal(transfer->transfer_to_queue->flow_id, rows[at].flow);
            assert_true((transfer->transfer_to_queue->place == NULL) == (rows[at].flow[0] != '\0'));
        }
        story_close(&story);
    }
}

static void rule_7_4_a_machine_is_hung_up_and_tried_again_unless_said_otherwise(void **state)
{
    static const struct {
        PB(AnswerReaction) reaction;
        PB(CallbackState) becomes;
        PB(Reason) reason;
        size_t transfers, hang_ups;
    } rows[] = {
        {REACTION(UNSPECIFIED), STATE(DELAYED), NONE, 0, 1},
        {REACTION(HANG_UP), STATE(DELAYED), NONE, 0, 1},
        {REACTION(QUEUE), STATE(TALKING), NONE, 1, 0},
        {REACTION(FLOW), STATE(ENDED), REASON(TO_FLOW), 1, 0},
    };

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        struct story story;
        const char *callback = open_reacting(&story, REACTION(UNSPECIFIED), rows[at].reaction);

        story_answered(&story, ANSWER(MACHINE));
        assert_int_equal(story_state(&story, callback), rows[at].becomes);
        assert_int_equal(ended_reason(&story), rows[at].reason);
        assert_int_equal(story_count(&story, "routing.transfer_to_queue"), rows[at].transfers);
        assert_int_equal(story_count(&story, "routing.hang_up"), rows[at].hang_ups);
        if (rows[at].hang_ups == 1)
            assert_string_equal(story_routing(&story, "routing.hang_up", 0)->hang_up->attempt_id,
                                placed(&story, 0)->attempt_id);
        if (rows[at].becomes != STATE(ENDED))
            assert_false(story_callback(&story, callback)->reached);
        story_close(&story);
    }
}

/* Found by `make chaos`: the bus brings an answer again when its attempt is over. */
static void rule_7_4_an_answer_heard_again_is_hung_up_by_another_id(void **state)
{
    struct story story;

    (void)state;
    (void)open_reacting(&story, REACTION(UNSPECIFIED), REACTION(HANG_UP));
    story_ringing(&story);
    story.id = "answer";
    story_answered(&story, ANSWER(MACHINE));
    assert_int_equal(story_count(&story, "routing.hang_up"), 1);
    story.id = "answer";
    story_answered(&story, ANSWER(MACHINE));
    assert_int_equal(story_count(&story, "routing.hang_up"), 2);
    assert_string_not_equal(story_routing(&story, "routing.hang_up", 0)->id,
                            story_routing(&story, "routing.hang_up", 1)->id);
    story_close(&story);
}

static void rule_7_4_a_flow_must_be_named(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;

    (void)state;
    story_open(&story);
    sales = first_queue(&story, "sales");
    sales->customer_first->answering_machine = REACTION(FLOW);
    story_set_queue(&story, sales);
    assert_int_equal(story_reason(&story), REASON(SETTINGS_INVALID));
    sales = first_queue(&story, "sales");
    sales->customer_first->answering_machine = REACTION(FLOW);
    sales->customer_first->flow_id = story_text(&story, "goodbye");
    story_set_queue(&story, sales);
    assert_int_equal(story_reason(&story), NONE);
    story_close(&story);
}

/* --- 7.5 --- */

static void rule_7_5_customer_first_keeps_the_place_and_the_stay(void **state)
{
    static const PB(AttemptResult)
        results[] = {ENDED(BUSY), ENDED(NO_ANSWER), ENDED(FAILED), ENDED(UNSPECIFIED)};

    (void)state;
    for (size_t at = 0; at < 4; at++) {
        struct story story;
        const char *callback = open_with(&story, 1, 90);

        story_at(&story, 20000);
        story_attempt_ended(&story, results[at]);
        assert_int_equal(story_state(&story, callback), STATE(DELAYED));
        assert_int_equal(story_callback(&story, callback)->retries, 1);
        assert_int_equal(story_callback(&story, callback)->resume_ms, AT(110000));
        assert_int_equal(story_callback(&story, callback)->place->entry_ms, AT(0));
        assert_int_equal(story_callback(&story, callback)->stay_ms, AT(0)); /* 10.6 */
        story_at(&story, 109999);
        assert_int_equal(story_count(&story, "routing.place_call"), 1);
        story_at(&story, 110000);
        assert_int_equal(story_count(&story, "routing.place_call"), 2);
        assert_int_equal(placed(&story, 1)->number_of_attempt, 2);
        assert_string_not_equal(placed(&story, 0)->attempt_id, placed(&story, 1)->attempt_id);
        assert_int_equal(story_counters(&story, "sales")->callbacks->offered, 1);
        story_close(&story);
    }
}

static void rule_7_5_not_confirmed_is_hung_up_and_retried(void **state)
{
    struct story story;
    const char *callback = open_with(&story, 1, 60);

    (void)state;
    story_at(&story, 20000);
    story_answered(&story, ANSWER(NOT_CONFIRMED));
    assert_int_equal(story_state(&story, callback), STATE(DELAYED));
    assert_int_equal(story_callback(&story, callback)->resume_ms, AT(80000));
    assert_int_equal(story_count(&story, "routing.hang_up"), 1);
    assert_int_equal(story_count(&story, "routing.transfer_to_queue"), 0);
    story_attempt_ended(&story, ENDED(HUNG_UP)); /* late, and changes nothing */
    assert_int_equal(story_state(&story, callback), STATE(DELAYED));
    story_close(&story);
}

static void rule_7_5_customer_first_ends_after_the_last(void **state)
{
    (void)state;
    for (uint32_t retries = 0; retries <= 2; retries++) {
        struct story story;
        const char *callback = open_with(&story, retries, 60);
        int64_t now = 20000;

        for (uint32_t used = 0; used < retries; used++) {
            story_attempt_ended(&story, ENDED(NO_ANSWER));
            now += 60000;
            story_at(&story, now);
            assert_int_equal(story_state(&story, callback), STATE(DIALLING));
        }
        story_attempt_ended(&story, ENDED(NO_ANSWER));
        assert_int_equal(story_state(&story, callback), STATE(ENDED));
        assert_int_equal(ended_reason(&story), REASON(RETRIES_EXHAUSTED));
        assert_int_equal(
            story_routing(&story, "routing.callback_ended", 0)->callback_ended->attempts,
            retries + 1);
        assert_int_equal(story_count(&story, "routing.hang_up"), 0);
        story_close(&story);
    }
}

static void rule_7_5_customer_first_waits_for_its_turn_again(void **state)
{
    struct story story;
    const char *callback = open_with(&story, 1, 60), *second;

    (void)state;
    story_at(&story, 20000);
    second = wait_in_line(&story, "i2", "sales");
    story_attempt_ended(&story, ENDED(BUSY));
    assert_int_equal(story_state(&story, second), STATE(DIALLING)); /* the cap is 1 */
    story_at(&story, 80000);
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    story_at(&story, 81000);
    story_attempt_ended(&story, ENDED(DEAD));
    assert_int_equal(story_state(&story, callback), STATE(DIALLING));
    story_close(&story);
}

static void rule_7_5_dead_for_good_ends(void **state)
{
    struct story story;
    const char *callback = open_with(&story, 3, 60);

    (void)state;
    story_attempt_ended(&story, ENDED(DEAD));
    assert_int_equal(story_state(&story, callback), STATE(ENDED));
    assert_int_equal(ended_reason(&story), REASON(NUMBER_DEAD));
    story_close(&story);
}

static void rule_7_5_customer_first_without_an_outcome_counts_as_failed(void **state)
{
    struct story story;
    const char *callback = open_with(&story, 1, 60);

    (void)state;
    story_at(&story, 10000 + 45000 + 30000 - 1);
    assert_int_equal(story_state(&story, callback), STATE(DIALLING));
    story_at(&story, 10000 + 45000 + 30000);
    assert_int_equal(story_state(&story, callback), STATE(DELAYED));
    assert_int_equal(story_count(&story, "routing.hang_up"), 1);
    assert_int_equal(story_routing(&story, "routing.hang_up", 0)->hang_up->reason, REASON(LOST));
    assert_int_equal(story_callback(&story, callback)->resume_ms, AT(85000 + 60000));
    story_answered(&story, ANSWER(PERSON)); /* late: hung up again */
    assert_int_equal(story_count(&story, "routing.hang_up"), 2);
    assert_int_equal(story_state(&story, callback), STATE(DELAYED));
    story_close(&story);
}

static void rule_7_5_customer_first_delay_is_300_s_by_default(void **state)
{
    struct story story;
    const char *callback = open_with(&story, 1, 0);

    (void)state;
    story_attempt_ended(&story, ENDED(BUSY));
    assert_int_equal(story_callback(&story, callback)->resume_ms, AT(10000 + 300000));
    story_close(&story);
}

static void rule_7_5_a_queue_that_does_not_serve_dials_nobody(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;
    const char *callback = open_with(&story, 1, 60);

    (void)state;
    sales = first_queue(&story, "sales");
    sales->customer_first->max_retries = 1;
    sales->serving = RINGBACK__V1__TOGGLE__TOGGLE_OFF;
    story_set_queue(&story, sales);
    story_attempt_ended(&story, ENDED(BUSY)); /* what began goes on */
    story_at(&story, 400000);
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    assert_int_equal(story_count(&story, "routing.place_call"), 1);
    sales = first_queue(&story, "sales");
    story_set_queue(&story, sales);
    assert_int_equal(story_state(&story, callback), STATE(DIALLING));
    story_close(&story);
}

/* --- 7.6, 7.7, 7.8 --- */

static void rule_7_6_site_or_edge_group_goes_out_with_the_call(void **state)
{
    static const struct {
        const char *site, *edge_group;
    } rows[] = {{"haifa", ""}, {"", "edges-2"}, {"", ""}};

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        struct story story;
        PB(QueueSettings) * sales;

        story_open(&story);
        sales = first_queue(&story, "sales");
        sales->customer_first->site_id = story_text(&story, rows[at].site);
        sales->customer_first->edge_group_id = story_text(&story, rows[at].edge_group);
        open_dialled(&story, sales);
        assert_string_equal(placed(&story, 0)->site_id, rows[at].site);
        assert_string_equal(placed(&story, 0)->edge_group_id, rows[at].edge_group);
        story_close(&story);
    }
}

static void rule_7_6_not_both(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;

    (void)state;
    story_open(&story);
    sales = first_queue(&story, "sales");
    sales->customer_first->site_id = story_text(&story, "haifa");
    sales->customer_first->edge_group_id = story_text(&story, "edges-2");
    story_set_queue(&story, sales);
    assert_int_equal(story_reason(&story), REASON(SETTINGS_INVALID));
    story_close(&story);
}

static void rule_7_7_the_callback_script_is_checked_and_not_used(void **state)
{
    struct story story;
    PB(CreateCallback) * create;

    (void)state;
    open_first(&story);
    story_script(&story, "good", true);
    story_script(&story, "off", false);
    story_enter(&story, "i1", "sales");
    create = story_create(&story, "i1", "sales");
    create->script_id = story_text(&story, "none");
    story_ask(&story, "r1", create);
    assert_int_equal(story_reason(&story), REASON(SCRIPT_UNKNOWN));
    create = story_create(&story, "i1", "sales");
    create->script_id = story_text(&story, "off");
    story_ask(&story, "r2", create);
    assert_int_equal(story_reason(&story), REASON(SCRIPT_NOT_CALLBACK));
    create = story_create(&story, "i1", "sales");
    create->script_id = story_text(&story, "good");
    story_ask(&story, "r3", create);
    assert_int_equal(story_reason(&story), NONE);
    story_ready(&story, "anna", "sales");
    story_answered(&story, ANSWER(PERSON));
    story_attempt_connected(&story, "anna");
    assert_int_equal(story_count(&story, "routing.offer"), 0); /* what would carry the script */
    story_close(&story);
}

static PB(Reason) leave_voicemail(struct story *story, const char *queue)
{
    PB(FlowEvent) *event = arena_alloc(&story->arena, sizeof(*event));

    ringback__v1__flow_event__init(event);
    event->event_case = RINGBACK__V1__FLOW_EVENT__EVENT_LEAVE_VOICEMAIL;
    event->leave_voicemail = arena_alloc(&story->arena, sizeof(*event->leave_voicemail));
    ringback__v1__leave_voicemail__init(event->leave_voicemail);
    event->leave_voicemail->interaction_id = story_text(story, "i1");
    event->leave_voicemail->queue_id = story_text(story, queue);
    event->leave_voicemail->recording_id = story_text(story, "rec-1");
    event->leave_voicemail->flow_type = RINGBACK__V1__FLOW_TYPE__FLOW_TYPE_IN_QUEUE_CALL;
    story_flow(story, event);
    return story_reason(story);
}

static PB(Reason) campaign_callback(struct story *story, const char *queue, PB(CampaignMode) mode)
{
    PB(FlowEvent) *event = arena_alloc(&story->arena, sizeof(*event));

    ringback__v1__flow_event__init(event);
    event->event_case = RINGBACK__V1__FLOW_EVENT__EVENT_SCHEDULE_CALLBACK;
    event->schedule_callback = arena_alloc(&story->arena, sizeof(*event->schedule_callback));
    ringback__v1__schedule_callback__init(event->schedule_callback);
    event->schedule_callback->queue_id = story_text(story, queue);
    event->schedule_callback->campaign_id = story_text(story, "spring");
    event->schedule_callback->contact_id = story_text(story, "contact-1");
    event->schedule_callback->campaign_mode = mode;
    event->schedule_callback->number = story_text(story, "+97235551234");
    story_flow(story, event);
    return story_reason(story);
}

static void rule_7_7_voicemail_and_preview_campaigns_are_refused(void **state)
{
    struct story story;

    (void)state;
    open_first(&story);
    story_set_queue(&story, story_queue(&story, "other")); /* agent-first */
    assert_int_equal(leave_voicemail(&story, "sales"), REASON(NOT_IN_CUSTOMER_FIRST));
    assert_int_not_equal(leave_voicemail(&story, "other"), REASON(NOT_IN_CUSTOMER_FIRST));
    assert_int_equal(
        campaign_callback(&story, "sales", RINGBACK__V1__CAMPAIGN_MODE__CAMPAIGN_MODE_PREVIEW),
        REASON(NOT_IN_CUSTOMER_FIRST));
    assert_int_not_equal(
        campaign_callback(&story, "sales", RINGBACK__V1__CAMPAIGN_MODE__CAMPAIGN_MODE_OTHER),
        REASON(NOT_IN_CUSTOMER_FIRST));
    assert_int_not_equal(
        campaign_callback(&story, "other", RINGBACK__V1__CAMPAIGN_MODE__CAMPAIGN_MODE_PREVIEW),
        REASON(NOT_IN_CUSTOMER_FIRST));
    story_close(&story);
}

static void rule_7_8_the_agent_has_no_callback_of_it(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = open_dialled(&story, NULL);
    story_answered(&story, ANSWER(PERSON));
    story_at(&story, 15000);
    story_attempt_connected(&story, "anna");
    story_at(&story, 45000);
    story_attempt_ended(&story, ENDED(HUNG_UP));
    assert_int_equal(story_state(&story, callback), STATE(ENDED)); /* no wrap-up of ours */
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    assert_int_equal(story_count(&story, "routing.callback_assigned"), 0);
    assert_int_equal(story_count(&story, "routing.agent_released"), 0);
    for (size_t at = 0; story_analytics(&story, "analytics.metric", at) != NULL; at++) {
        const PB(AnalyticsEvent) *event = story_analytics(&story, "analytics.metric", at);

        if (event->metric->name >= METRIC(N_CFC_OFFERED))
            assert_string_equal(event->agent_id, "");
        if (event->agent_id[0] != '\0') /* voice ones */
            assert_true(
                event->metric->name == METRIC(T_ANSWERED) || event->metric->name == METRIC(T_ACD) ||
                event->metric->name == METRIC(T_TALK) || event->metric->name == METRIC(T_HANDLE) ||
                event->metric->name == METRIC(N_OVER_SLA) ||
                event->metric->name == METRIC(O_SERVICE_LEVEL));
    }
    story_close(&story);
}

/* --- 7.9 --- */

static void rule_7_9_with_an_agent_it_ends_when_the_call_does(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = open_dialled(&story, NULL);
    story_answered(&story, ANSWER(PERSON));
    story_attempt_connected(&story, "anna");
    assert_int_equal(story_state(&story, callback), STATE(TALKING));
    story_at(&story, 60000);
    story_attempt_ended(&story, ENDED(HUNG_UP));
    assert_int_equal(story_state(&story, callback), STATE(ENDED));
    assert_int_equal(ended_reason(&story), REASON(COMPLETED));
    assert_int_equal(story_count(&story, "routing.hang_up"), 0);
    story_close(&story);
}

static void rule_7_9_hanging_up_before_an_agent_ends_it_without_a_retry(void **state)
{
    (void)state;
    for (int heard = 0; heard < 2; heard++) {
        struct story story;
        const char *callback = open_with(&story, 3, 60);

        if (heard == 1)
            story_answered(&story, ANSWER(PERSON));
        story_at(&story, 25000);
        story_attempt_ended(&story, ENDED(HUNG_UP));
        assert_int_equal(story_state(&story, callback), STATE(ENDED));
        assert_int_equal(ended_reason(&story), REASON(CUSTOMER_HUNG_UP));
        assert_int_equal(story_counters(&story, "sales")->callbacks->abandoned, 1);
        assert_int_equal(story_count(&story, "routing.hang_up"), 0);
        story_close(&story);
    }
}

static void rule_7_9_to_a_flow_it_ends_as_a_flow_out(void **state)
{
    struct story story;

    (void)state;
    open_reacting(&story, REACTION(FLOW), REACTION(UNSPECIFIED));
    story_answered(&story, ANSWER(PERSON));
    assert_int_equal(ended_reason(&story), REASON(TO_FLOW));
    assert_int_equal(story_counters(&story, "sales")->callbacks->flow_out, 1);
    assert_int_equal(story_counters(&story, "sales")->callbacks->abandoned, 0);
    story_close(&story);
}

static void rule_7_9_a_machine_to_the_queue_goes_to_its_own(void **state)
{
    struct story story;
    const char *callback = open_reacting(&story, REACTION(FLOW), REACTION(QUEUE));

    (void)state;
    story_answered(&story, ANSWER(MACHINE));
    assert_string_equal(
        story_routing(&story, "routing.transfer_to_queue", 0)->transfer_to_queue->place->queue_id,
        "sales");
    story_attempt_connected(&story, "anna");
    assert_string_equal(story_callback(&story, callback)->agent_id, "anna");
    story_attempt_ended(&story, ENDED(HUNG_UP));
    assert_int_equal(ended_reason(&story), REASON(COMPLETED)); /* with an agent */
    story_close(&story);
}

/* Also 12.6: each of its states has a deadline. */
static void rule_7_9_no_word_ends_it(void **state)
{
    (void)state;
    for (int connected = 0; connected < 2; connected++) {
        struct story story;
        const char *callback;

        story_open(&story);
        callback = open_dialled(&story, NULL);
        story_at(&story, 20000);
        story_answered(&story, ANSWER(PERSON));
        if (connected == 1)
            story_attempt_connected(&story, "anna");
        story_at(&story, 20000 + LIMIT_CALL_TTL_MS - 1);
        assert_int_equal(story_state(&story, callback), STATE(TALKING));
        story_at(&story, 20000 + LIMIT_CALL_TTL_MS);
        assert_int_equal(story_state(&story, callback), STATE(ENDED));
        assert_int_equal(ended_reason(&story), REASON(LOST));
        story_close(&story);
    }
}

/* --- 3.6 --- */

/* A customer-first queue with ownership; anna and boaz are in it, anna schedules for herself: due
 * at 100 s. */
static const char *open_owned_in(struct story *story, uint32_t retries, bool assigns)
{
    PB(QueueSettings) * sales;
    PB(Command) * command;

    story_open(story);
    sales = first_queue(story, "sales");
    sales->customer_first->max_retries = retries;
    sales->customer_first->retry_delay_s = 60;
    sales->agent_owned = arena_alloc(&story->arena, sizeof(*sales->agent_owned));
    ringback__v1__agent_owned__init(sales->agent_owned);
    sales->agent_owned->enabled = true;
    sales->agent_owned->assign_to_queue = assigns;
    sales->n_rings = 1;
    sales->rings = arena_alloc(&story->arena, sizeof(*sales->rings));
    sales->rings[0] = arena_alloc(&story->arena, sizeof(**sales->rings));
    ringback__v1__ring__init(sales->rings[0]);
    story_set_queue(story, sales);
    story_ready(story, "boaz", "sales"); /* idle for longest */
    story_at(story, 1);
    story_ready(story, "anna", "sales");
    story_at(story, 1000);
    story_enter(story, "i1", "sales");
    story_connect(story, "i1", "anna");
    command = story_schedule(story, "r1", "anna", "i1", 100000);
    command->schedule->take_ownership = true;
    story_do(story, command);
    assert_int_equal(story_reason(story), NONE);
    story_at(story, 5000);
    story_end_call(story, "i1");
    return story_made(story);
}

static const char *open_owned(struct story *story, uint32_t retries)
{
    return open_owned_in(story, retries, false);
}

static void rule_3_6_dialled_only_while_the_owner_is_idle(void **state)
{
    struct story story;
    const char *callback = open_owned(&story, 0);

    (void)state;
    story_at(&story, 100000); /* boaz is idle, anna's call named her last */
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    assert_int_equal(story_count(&story, "routing.place_call"), 0);
    story_at(&story, 110000);
    story_status(&story, "anna", STATUS(IDLE));
    assert_int_equal(story_state(&story, callback), STATE(DIALLING));
    assert_int_equal(story_count(&story, "routing.place_call"), 1);
    story_close(&story);
}

static void rule_3_6_the_owner_is_reserved_whatever_the_setting(void **state)
{
    struct story story;
    const char *callback = open_owned(&story, 0);

    (void)state;
    story_status(&story, "anna", STATUS(IDLE));
    story_at(&story, 100000);
    assert_int_equal(story_count(&story, "routing.reserve_agent"), 1);
    assert_string_equal(reserved_for(&story, callback), "anna");
    story_close(&story);
}

static void rule_3_6_with_the_owner_in_time(void **state)
{
    struct story story;
    const char *callback = open_owned(&story, 0);

    (void)state;
    story_status(&story, "anna", STATUS(IDLE));
    story_at(&story, 110000);
    story_answered(&story, ANSWER(PERSON));
    story_at(&story, 129999);
    assert_int_equal(story_count(&story, "routing.callback_notice"), 0);
    story_attempt_connected(&story, "anna");
    story_at(&story, 140000);
    assert_int_equal(story_count(&story, "routing.callback_notice"), 0);
    assert_string_equal(story_callback(&story, callback)->owner_agent_id, "anna");
    story_attempt_ended(&story, ENDED(HUNG_UP));
    assert_int_equal(ended_reason(&story), REASON(COMPLETED));
    story_close(&story);
}

static void rule_3_6_after_20_s_the_next_available_agent(void **state)
{
    struct story story;
    const char *callback = open_owned(&story, 0);
    const PB(RoutingEvent) * notice;

    (void)state;
    story_status(&story, "anna", STATUS(IDLE));
    story_at(&story, 110000);
    story_answered(&story, ANSWER(PERSON));
    assert_int_equal(story_count(&story, "routing.transfer_to_queue"), 1);
    story_at(&story, 129999);
    assert_string_equal(reserved_for(&story, callback), "anna");
    story_at(&story, 130000);
    notice = story_routing(&story, "routing.callback_notice", 0);
    assert_non_null(notice);
    assert_int_equal(notice->callback_notice->reason, REASON(OWNER_MISSED));
    assert_string_equal(notice->callback_notice->agent_id, "anna");
    assert_string_equal(story_callback(&story, callback)->owner_agent_id, "");
    assert_string_equal(reserved_for(&story, callback), "");
    assert_int_equal(story_count(&story, "routing.release_agent"), 1);
    assert_int_equal(story_count(&story, "routing.transfer_to_queue"), 2); /* for everybody now */
    assert_int_equal(story_state(&story, callback), STATE(TALKING));
    story_at(&story, 131000);
    story_attempt_connected(&story, "boaz");
    story_at(&story, 200000);
    story_attempt_ended(&story, ENDED(HUNG_UP));
    assert_int_equal(ended_reason(&story), REASON(COMPLETED));
    story_close(&story);
}

static void rule_3_6_a_reservation_for_the_owner_passes_on_to_nobody(void **state)
{
    struct story story;
    const char *callback = open_owned(&story, 0);

    (void)state;
    story_status(&story, "anna", STATUS(IDLE));
    story_at(&story, 101000);
    assert_string_equal(reserved_for(&story, callback), "anna");
    story_connect(&story, "other-call", "anna"); /* boaz is idle */
    assert_string_equal(reserved_for(&story, callback), "");
    assert_int_equal(story_count(&story, "routing.reserve_agent"), 1);
    story_at(&story, 105000);
    story_answered(&story, ANSWER(PERSON));
    story_at(&story, 125000);
    assert_int_equal(story_count(&story, "routing.callback_notice"), 1); /* as if he were there */
    story_close(&story);
}

static void rule_3_6_a_failed_dial_leaves_it_with_the_owner(void **state)
{
    struct story story;
    const char *callback = open_owned(&story, 1);

    (void)state;
    story_status(&story, "anna", STATUS(IDLE));
    story_at(&story, 110000);
    story_attempt_ended(&story, ENDED(BUSY));
    assert_int_equal(story_state(&story, callback), STATE(DELAYED));
    assert_string_equal(story_callback(&story, callback)->owner_agent_id, "anna");
    assert_int_equal(story_count(&story, "routing.release_agent"), 1);
    story_at(&story, 120000);
    story_status(&story, "anna", STATUS(INTERACTING));
    story_at(&story, 170000);
    assert_int_equal(story_state(&story, callback), STATE(WAITING)); /* not for boaz */
    story_at(&story, 180000);
    story_status(&story, "anna", STATUS(IDLE));
    assert_int_equal(story_state(&story, callback), STATE(DIALLING));
    story_close(&story);
}

/* 3.7: nobody takes over a dial but by 3.6. */
static void rule_3_6_an_owner_removed_while_his_customer_is_called(void **state)
{
    (void)state;
    for (int how = 0; how < 4; how++) {
        struct story story;
        const char *callback = open_owned_in(&story, 0, how % 2 == 1);

        story_status(&story, "anna", STATUS(IDLE));
        story_at(&story, 101000);
        if (how >= 2)
            story_connect(&story, "other-call", "anna"); /* kept for it no longer */
        story_remove_agent(&story, "anna");
        story_at(&story, 105000);
        assert_int_equal(story_state(&story, callback), STATE(DIALLING));
        assert_int_equal(story_count(&story, "routing.callback_notice"), 0);
        story_answered(&story, ANSWER(PERSON));
        story_at(&story, 124999);
        assert_int_equal(story_count(&story, "routing.callback_notice"), 0);
        story_at(&story, 125000);
        assert_int_equal(
            story_routing(&story, "routing.callback_notice", 0)->callback_notice->reason,
            REASON(OWNER_MISSED));
        story_attempt_connected(&story, "boaz");
        assert_string_equal(story_callback(&story, callback)->agent_id, "boaz");
        story_close(&story);
    }
}

/* Also 12.15: the queue goes, and one who was called for her is on the line. */
static void rule_3_6_a_removed_queue_ends_what_waits_for_the_owner_alone(void **state)
{
    struct story story;
    const char *first = open_owned(&story, 0), *second;
    PB(Command) * command;

    (void)state;
    story_at(&story, 6000);
    story_enter(&story, "i2", "sales");
    story_connect(&story, "i2", "anna");
    command = story_schedule(&story, "r2", "anna", "i2", 102000);
    command->schedule->take_ownership = true;
    story_do(&story, command);
    assert_int_equal(story_reason(&story), NONE);
    second = story_made(&story);
    story_at(&story, 7000);
    story_end_call(&story, "i2");
    story_status(&story, "anna", STATUS(IDLE));
    story_at(&story, 100000);
    assert_int_equal(story_state(&story, first), STATE(DIALLING));
    story_connect(&story, "other-call", "anna"); /* she is kept no longer */
    story_at(&story, 101000);
    story_answered(&story, ANSWER(PERSON));
    story_at(&story, 103000);
    assert_int_equal(story_state(&story, second), STATE(WAITING));
    story_remove_queue(&story, "sales", true);
    story_at(&story, 104000);
    assert_int_equal(story_state(&story, first), STATE(TALKING));
    assert_int_equal(story_state(&story, second), STATE(ENDED));
    story_close(&story);
}

/* --- 10.4 --- */

static void assert_metric(struct story *story, PB(MetricName) name, size_t times, int64_t sum)
{
    size_t count = 0;
    int64_t found = story_metric(story, name, "sales", &count);

    if (count != times || found != sum)
        fail_msg("metric %d: %zu times, %lld in all; not %zu, %lld", name, count, (long long)found,
                 times, (long long)sum);
}

static void rule_10_4_an_answered_stay(void **state)
{
    struct story story;

    (void)state;
    story_open(&story);
    open_dialled(&story, NULL); /* asked at 0, dialled at 10 s */
    assert_metric(&story, METRIC(N_CFC_OFFERED), 1, 1);
    story_at(&story, 20000);
    story_answered(&story, ANSWER(PERSON));
    assert_metric(&story, METRIC(T_CFC_ANSWERED), 0, 0);
    story_at(&story, 27000);
    story_attempt_connected(&story, "anna");
    assert_metric(&story, METRIC(T_CFC_ANSWERED), 1, 27000);
    assert_metric(&story, METRIC(T_CFC_ACD), 1, 7000);
    assert_metric(&story, METRIC(T_ANSWERED), 1, 27000); /* beside the usual one (10.6) */
    story_at(&story, 60000);
    story_attempt_ended(&story, ENDED(HUNG_UP));
    assert_metric(&story, METRIC(N_CFC_OFFERED), 1, 1);
    assert_metric(&story, METRIC(T_CFC_ABANDON), 0, 0);
    assert_metric(&story, METRIC(T_CFC_FLOW_OUT), 0, 0);
    story_close(&story);
}

static void rule_10_4_abandoned_and_flowed_out(void **state)
{
    struct story story;

    (void)state;
    story_open(&story);
    open_dialled(&story, NULL);
    story_at(&story, 20000);
    story_answered(&story, ANSWER(PERSON));
    story_at(&story, 33000);
    story_attempt_ended(&story, ENDED(HUNG_UP));
    assert_metric(&story, METRIC(T_CFC_ABANDON), 1, 33000);
    assert_metric(&story, METRIC(T_CFC_ANSWERED), 0, 0);
    assert_metric(&story, METRIC(T_CFC_ACD), 0, 0);
    story_close(&story);
    open_reacting(&story, REACTION(FLOW), REACTION(UNSPECIFIED));
    story_at(&story, 21000);
    story_answered(&story, ANSWER(PERSON));
    assert_metric(&story, METRIC(T_CFC_FLOW_OUT), 1, 21000);
    assert_metric(&story, METRIC(T_CFC_ABANDON), 0, 0);
    story_close(&story);
}

static void rule_10_4_once_a_stay_not_once_a_retry(void **state)
{
    struct story story;

    (void)state;
    open_with(&story, 1, 60);
    story_attempt_ended(&story, ENDED(BUSY));
    story_at(&story, 90000);
    assert_int_equal(story_count(&story, "routing.place_call"), 2);
    assert_metric(&story, METRIC(N_CFC_OFFERED), 1, 1);
    assert_metric(&story, METRIC(N_OFFERED), 2, 2); /* the call's own, and the callback's */
    story_attempt_ended(&story, ENDED(BUSY));
    assert_metric(&story, METRIC(T_CFC_ABANDON), 1, 90000);
    story_close(&story);
}

static void rule_10_4_not_of_agent_first_queues(void **state)
{
    struct story story;

    (void)state;
    story_open(&story);
    story_set_queue(&story, story_queue(&story, "sales"));
    wait_in_line(&story, "i1", "sales");
    story_ready(&story, "anna", "sales");
    story_accept(&story, "anna");
    for (PB(MetricName) name = METRIC(N_CFC_OFFERED); name <= METRIC(T_CFC_FLOW_OUT); name++)
        assert_metric(&story, name, 0, 0);
    story_close(&story);
}

/* --- 11.3, 12.12: commands --- */

static void rule_11_3_commands_on_who_is_called_first(void **state)
{
    struct story story;
    const char *callback;
    PB(Command) * command;

    (void)state;
    story_open(&story);
    callback = open_dialled(&story, NULL);
    for (int answered = 0; answered < 2; answered++) {
        story_end(&story, "anna", callback);
        assert_int_equal(story_reason(&story), answered ? REASON(IN_CALL) : REASON(NOT_WITH_AGENT));
        story_dial(&story, "anna", callback);
        assert_int_equal(story_reason(&story), REASON(IN_CALL));
        command = story_command(&story, NULL, "anna", callback);
        command->command_case = RINGBACK__V1__COMMAND__COMMAND_RESCHEDULE;
        command->reschedule = arena_alloc(&story.arena, sizeof(*command->reschedule));
        ringback__v1__reschedule__init(command->reschedule);
        command->reschedule->due_ms = AT(900000);
        story_do(&story, command);
        assert_int_equal(story_reason(&story), REASON(IN_CALL));
        command = story_command(&story, NULL, "", callback); /* a supervisor */
        command->command_case = RINGBACK__V1__COMMAND__COMMAND_TRANSFER;
        command->transfer = arena_alloc(&story.arena, sizeof(*command->transfer));
        ringback__v1__transfer__init(command->transfer);
        command->transfer->queue_id = story_text(&story, "sales");
        story_do(&story, command);
        assert_int_equal(story_reason(&story), answered ? REASON(NOT_WITH_AGENT) : REASON(IN_CALL));
        if (!answered)
            story_answered(&story, ANSWER(PERSON));
    }
    story_cancel(&story, callback);
    assert_int_equal(story_reason(&story), REASON(IN_CALL));
    assert_in_flight(&story, callback);
    story_close(&story);
}

static void rule_11_3_cancel_hangs_up_a_dial(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = open_dialled(&story, NULL);
    story_cancel(&story, callback);
    assert_int_equal(story_reason(&story), NONE);
    assert_int_equal(ended_reason(&story), REASON(CANCELLED));
    assert_int_equal(story_count(&story, "routing.hang_up"), 1);
    assert_string_equal(story_routing(&story, "routing.hang_up", 0)->hang_up->attempt_id,
                        placed(&story, 0)->attempt_id);
    story_close(&story);
}

static void rule_12_12_the_customer_puts_off_a_dial(void **state)
{
    struct story story;
    PB(FlowEvent) * event;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = open_dialled(&story, NULL);
    event = arena_alloc(&story.arena, sizeof(*event));
    ringback__v1__flow_event__init(event);
    event->event_case = RINGBACK__V1__FLOW_EVENT__EVENT_CUSTOMER_SNOOZE;
    event->customer_snooze = arena_alloc(&story.arena, sizeof(*event->customer_snooze));
    ringback__v1__customer_snooze__init(event->customer_snooze);
    event->customer_snooze->attempt_id = placed(&story, 0)->attempt_id;
    event->customer_snooze->minutes = 10;
    story_flow(&story, event);
    assert_int_equal(story_reason(&story), NONE);
    assert_int_equal(story_state(&story, callback), STATE(SNOOZED));
    assert_int_equal(story_callback(&story, callback)->retries, 0);
    assert_int_equal(story_counters(&story, "sales")->callbacks->offered, 1); /* the same stay */
    assert_int_equal(story_routing(&story, "routing.hang_up", 0)->hang_up->reason, REASON(SNOOZED));
    story_at(&story, 610000);
    assert_int_equal(story_state(&story, callback), STATE(DIALLING));
    story_close(&story);
}

/* --- 12.15: the mode changes --- */

static void rule_12_15_those_who_wait_are_dialled_once_the_queue_is_customer_first(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    story_set_queue(&story, story_queue(&story, "sales"));
    callback = wait_in_line(&story, "i1", "sales");
    story_set_agent(&story, story_agent(&story, "anna"));
    story_presence(&story, "anna", PRESENCE(ON_QUEUE));
    story_status(&story, "anna", STATUS(IDLE));
    story_set_queue(&story, first_queue(&story, "sales"));
    story_join(&story, "anna", "sales");
    assert_int_equal(story_state(&story, callback), STATE(DIALLING));
    assert_true(placed(&story, 0)->customer_first);
    assert_metric(&story, METRIC(N_CFC_OFFERED), 0, 0); /* its stay began before */
    story_at(&story, 5000);
    story_attempt_connected(&story, "anna");
    assert_metric(&story, METRIC(T_CFC_ANSWERED), 0, 0);
    assert_metric(&story, METRIC(T_ANSWERED), 1, 5000);
    story_close(&story);
}

static void rule_12_15_back_and_forth(void **state)
{
    struct story story;

    (void)state;
    story_open(&story);
    story_set_queue(&story, story_queue(&story, "sales"));
    story_ready(&story, "anna", "sales");
    story_set_queue(&story, first_queue(&story, "sales"));
    wait_in_line(&story, "i1", "sales");
    assert_int_equal(story_count(&story, "routing.place_call"), 1);
    story_attempt_ended(&story, ENDED(DEAD));
    story_set_queue(&story, story_queue(&story, "sales"));
    wait_in_line(&story, "i2", "sales");
    assert_int_equal(story_count(&story, "routing.place_call"), 1);
    assert_string_equal(story_offered_to(&story), "anna");
    story_cancel(&story, story_made(&story));
    story_set_queue(&story, first_queue(&story, "sales"));
    wait_in_line(&story, "i3", "sales");
    assert_int_equal(story_count(&story, "routing.place_call"), 2);
    story_close(&story);
}

static void rule_12_15_an_offer_out_stands_when_the_queue_becomes_customer_first(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    story_set_queue(&story, story_queue(&story, "sales"));
    callback = wait_in_line(&story, "i1", "sales");
    story_ready(&story, "anna", "sales");
    story_set_queue(&story, first_queue(&story, "sales"));
    assert_int_equal(story_state(&story, callback), STATE(OFFERED));
    story_accept(&story, "anna");
    story_dial(&story, "anna", callback);
    assert_false(placed(&story, 0)->customer_first);
    assert_string_equal(placed(&story, 0)->agent_id, "anna");
    story_answered(&story, ANSWER(PERSON));
    assert_int_equal(story_count(&story, "routing.transfer_to_queue"), 0);
    story_attempt_ended(&story, ENDED(HUNG_UP));
    assert_int_equal(story_state(&story, callback), STATE(WRAP_UP));
    story_close(&story);
}

static void rule_12_15_a_dial_out_goes_on_when_the_queue_becomes_agent_first(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    callback = open_dialled(&story, NULL);
    story_set_queue(&story, story_queue(&story, "sales"));
    assert_int_equal(story_state(&story, callback), STATE(DIALLING));
    story_at(&story, 20000);
    story_attempt_ended(&story, ENDED(BUSY)); /* an agent's to handle now */
    assert_int_equal(story_state(&story, callback), STATE(OFFERED));
    assert_string_equal(story_offered_to(&story), "anna");
    assert_int_equal(story_callback(&story, callback)->place->entry_ms, AT(0));
    story_close(&story);
}

static void rule_12_15_pacing_and_retries_are_read_when_used(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;
    const char *callback = open_with(&story, 0, 0);

    (void)state;
    story_ready(&story, "boaz", "sales");
    wait_in_line(&story, "i2", "sales");
    assert_int_equal(story_count(&story, "routing.place_call"), 1);
    sales = first_queue(&story, "sales");
    sales->customer_first->pacing_hundredths = 1000;
    sales->customer_first->max_retries = 1;
    story_set_queue(&story, sales);
    assert_int_equal(story_count(&story, "routing.place_call"), 2);
    story.attempt = placed(&story, 0)->attempt_id;
    story_attempt_ended(&story, ENDED(BUSY));
    assert_int_equal(story_state(&story, callback), STATE(DELAYED));
    story_close(&story);
}

static void rule_12_15_a_removed_queue_hangs_up_dials_and_lets_calls_finish(void **state)
{
    (void)state;
    for (int answered = 0; answered < 2; answered++) {
        struct story story;
        const char *callback;

        story_open(&story);
        callback = open_dialled(&story, NULL);
        if (answered == 1)
            story_answered(&story, ANSWER(PERSON));
        story_remove_queue(&story, "sales", true);
        story_at(&story, 11000);
        assert_int_equal(story_state(&story, callback), answered ? STATE(TALKING) : STATE(ENDED));
        assert_int_equal(story_count(&story, "routing.hang_up"), answered ? 0 : 1);
        assert_int_equal(ended_reason(&story), answered ? NONE : REASON(QUEUE_REMOVED));
        if (answered == 1) {
            story_attempt_connected(&story, "anna");
            story_attempt_ended(&story, ENDED(HUNG_UP));
            assert_int_equal(ended_reason(&story), REASON(COMPLETED));
        }
        story_close(&story);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_7_1_the_customer_is_dialled_before_any_agent_has_it),
        cmocka_unit_test(rule_7_1_answered_he_stands_in_line_at_the_place_held),
        cmocka_unit_test(rule_7_1_an_unknown_answer_is_a_persons),
        cmocka_unit_test(rule_7_1_callback_and_call_are_one_item_of_the_line),
        cmocka_unit_test(rule_7_1_the_place_is_kept_until_he_is_with_an_agent),
        cmocka_unit_test(rule_7_1_connected_without_an_answer_heard),
        cmocka_unit_test(rule_7_1_the_switch_may_hand_the_call_on),
        cmocka_unit_test(rule_6_4_until_it_is_transferred_the_call_is_no_agents),
        cmocka_unit_test(rule_5_2_who_is_on_the_call_is_not_idle_until_he_says_so),
        cmocka_unit_test(rule_5_2_an_email_beside_the_call_makes_no_room_for_a_callback),
        cmocka_unit_test(rule_5_2_idle_ends_the_time_after_the_call_too),
        cmocka_unit_test(rule_5_4_wrap_up_after_the_call_counts_as_work),
        cmocka_unit_test(rule_5_2_a_dial_wants_an_idle_agent_whatever_his_capacity),
        cmocka_unit_test(rule_5_2_nobody_is_dialled_for_who_is_not_there),
        cmocka_unit_test(rule_5_2_skills_are_asked_for_a_dial),
        cmocka_unit_test(rule_7_2_the_cap_is_exact),
        cmocka_unit_test(rule_7_2_nobody_waits_nobody_is_dialled),
        cmocka_unit_test(rule_7_2_agents_count_whatever_their_status_but_off_queue),
        cmocka_unit_test(rule_7_2_nobody_is_dialled_without_an_idle_agent_of_his_own),
        cmocka_unit_test(rule_7_2_in_flight_until_an_agent_is_there),
        cmocka_unit_test(rule_7_2_a_failed_dial_makes_room_for_the_next),
        cmocka_unit_test(rule_7_2_fewer_agents_dial_no_more_but_end_nothing),
        cmocka_unit_test(rule_4_4_a_dial_counts_on_the_last_agent_if_he_is_a_member),
        cmocka_unit_test(rule_5_3_a_live_call_ahead_has_the_agent),
        cmocka_unit_test(rule_5_3_a_dial_in_flight_has_an_agent_before_offers),
        cmocka_unit_test(rule_5_3_whom_a_dial_leaves_is_found_at_the_domains_next_event),
        cmocka_unit_test(rule_5_3_a_dial_and_an_offer_for_two_agents_in_one_walk),
        cmocka_unit_test(rule_7_3_the_agent_that_a_dial_counts_on_is_kept),
        cmocka_unit_test(rule_7_3_kept_until_the_customer_is_with_an_agent),
        cmocka_unit_test(rule_7_3_kept_until_the_attempt_is_over),
        cmocka_unit_test(rule_7_3_passes_on_to_the_longest_idle),
        cmocka_unit_test(rule_7_3_passes_on_only_to_who_could_serve_it),
        cmocka_unit_test(rule_7_3_lapses_when_there_is_nobody_else),
        cmocka_unit_test(rule_7_3_interacting_alone),
        cmocka_unit_test(rule_7_3_who_goes_away_is_kept_no_longer),
        cmocka_unit_test(rule_7_4_a_live_voice_goes_where_the_setting_says),
        cmocka_unit_test(rule_7_4_a_machine_is_hung_up_and_tried_again_unless_said_otherwise),
        cmocka_unit_test(rule_7_4_an_answer_heard_again_is_hung_up_by_another_id),
        cmocka_unit_test(rule_7_4_a_flow_must_be_named),
        cmocka_unit_test(rule_7_5_customer_first_keeps_the_place_and_the_stay),
        cmocka_unit_test(rule_7_5_not_confirmed_is_hung_up_and_retried),
        cmocka_unit_test(rule_7_5_customer_first_ends_after_the_last),
        cmocka_unit_test(rule_7_5_customer_first_waits_for_its_turn_again),
        cmocka_unit_test(rule_7_5_dead_for_good_ends),
        cmocka_unit_test(rule_7_5_customer_first_without_an_outcome_counts_as_failed),
        cmocka_unit_test(rule_7_5_customer_first_delay_is_300_s_by_default),
        cmocka_unit_test(rule_7_5_a_queue_that_does_not_serve_dials_nobody),
        cmocka_unit_test(rule_7_6_site_or_edge_group_goes_out_with_the_call),
        cmocka_unit_test(rule_7_6_not_both),
        cmocka_unit_test(rule_7_7_the_callback_script_is_checked_and_not_used),
        cmocka_unit_test(rule_7_7_voicemail_and_preview_campaigns_are_refused),
        cmocka_unit_test(rule_7_8_the_agent_has_no_callback_of_it),
        cmocka_unit_test(rule_7_9_with_an_agent_it_ends_when_the_call_does),
        cmocka_unit_test(rule_7_9_hanging_up_before_an_agent_ends_it_without_a_retry),
        cmocka_unit_test(rule_7_9_to_a_flow_it_ends_as_a_flow_out),
        cmocka_unit_test(rule_7_9_a_machine_to_the_queue_goes_to_its_own),
        cmocka_unit_test(rule_7_9_no_word_ends_it),
        cmocka_unit_test(rule_3_6_dialled_only_while_the_owner_is_idle),
        cmocka_unit_test(rule_3_6_the_owner_is_reserved_whatever_the_setting),
        cmocka_unit_test(rule_3_6_with_the_owner_in_time),
        cmocka_unit_test(rule_3_6_after_20_s_the_next_available_agent),
        cmocka_unit_test(rule_3_6_a_reservation_for_the_owner_passes_on_to_nobody),
        cmocka_unit_test(rule_3_6_a_failed_dial_leaves_it_with_the_owner),
        cmocka_unit_test(rule_3_6_an_owner_removed_while_his_customer_is_called),
        cmocka_unit_test(rule_3_6_a_removed_queue_ends_what_waits_for_the_owner_alone),
        cmocka_unit_test(rule_10_4_an_answered_stay),
        cmocka_unit_test(rule_10_4_abandoned_and_flowed_out),
        cmocka_unit_test(rule_10_4_once_a_stay_not_once_a_retry),
        cmocka_unit_test(rule_10_4_not_of_agent_first_queues),
        cmocka_unit_test(rule_11_3_commands_on_who_is_called_first),
        cmocka_unit_test(rule_11_3_cancel_hangs_up_a_dial),
        cmocka_unit_test(rule_12_12_the_customer_puts_off_a_dial),
        cmocka_unit_test(rule_12_15_those_who_wait_are_dialled_once_the_queue_is_customer_first),
        cmocka_unit_test(rule_12_15_back_and_forth),
        cmocka_unit_test(rule_12_15_an_offer_out_stands_when_the_queue_becomes_customer_first),
        cmocka_unit_test(rule_12_15_a_dial_out_goes_on_when_the_queue_becomes_agent_first),
        cmocka_unit_test(rule_12_15_pacing_and_retries_are_read_when_used),
        cmocka_unit_test(rule_12_15_a_removed_queue_hangs_up_dials_and_lets_calls_finish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
