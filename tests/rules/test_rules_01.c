/* Chapter 1: the flow action Create Callback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "state/internal.h"
#include "tests/support/story.h"

#define FLOW(name) RINGBACK__V1__FLOW_TYPE__FLOW_TYPE_##name
#define LEFT(name) RINGBACK__V1__LEFT_REASON__LEFT_REASON_##name
#define AT(ms)     (STORY_START_MS + (ms))

#define NONE REASON(UNSPECIFIED)

/* A domain with one queue, "sales". */
static void open_sales(struct story *story)
{
    story_open(story);
    story_set_queue(story, story_queue(story, "sales"));
}

static void ask(struct story *story, const char *request, const char *interaction,
                const char *queue)
{
    story_ask(story, request, story_create(story, interaction, queue));
}

static const PB(Offer) * last_offer(struct story *story)
{
    size_t count = story_count(story, "routing.offer");

    assert_true(count > 0);
    return story_routing(story, "routing.offer", count - 1)->offer;
}

/* The offer is taken, dialled; what PlaceCall said. */
static const PB(PlaceCall) * called(struct story *story, const char *agent)
{
    const char *callback = story_made(story);

    story_accept(story, agent);
    assert_int_equal(story_reason(story), NONE);
    story_dial(story, agent, callback);
    assert_int_equal(story_reason(story), NONE);
    return story_routing(story, "routing.place_call", story_count(story, "routing.place_call") - 1)
        ->place_call;
}

/* --- 1.1 --- */

static void rule_1_1_is_accepted_from_three_flow_types_alone(void **state)
{
    static const struct {
        PB(FlowType) type;
        PB(Reason) reason;
    } rows[] = {
        {FLOW(INBOUND_CALL), NONE},
        {FLOW(IN_QUEUE_CALL), NONE},
        {FLOW(OUTBOUND_CALL), NONE},
        {FLOW(UNSPECIFIED), REASON(FLOW_TYPE)},
        {FLOW(IN_QUEUE_EMAIL), REASON(FLOW_TYPE)},
        {FLOW(IN_QUEUE_MESSAGE), REASON(FLOW_TYPE)},
        {FLOW(OTHER), REASON(FLOW_TYPE)},
        {(PB(FlowType))77, REASON(FLOW_TYPE)},
    };
    struct story story;

    (void)state;
    open_sales(&story);
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        PB(CreateCallback) *create =
            story_create(&story, arena_format(&story.arena, "i%zu", at), "sales");

        create->flow_type = rows[at].type;
        create->facts->dialled_number = story_text(&story, "+97235551235");
        story_ask(&story, arena_format(&story.arena, "r%zu", at), create);
        assert_int_equal(story_reason(&story), rows[at].reason);
    }
    assert_int_equal(machine_callbacks(story.machine), 3);
    story_close(&story);
}

/* --- 1.2 --- */

static void rule_1_2_fields_reach_the_agent(void **state)
{
    struct story story;
    PB(CreateCallback) * create;
    const PB(Offer) * offer;

    (void)state;
    open_sales(&story);
    story_script(&story, "script", true);
    create = story_create(&story, "i1", "sales");
    create->name = story_text(&story, "Call me");
    create->callee_name = story_text(&story, "Dana");
    create->number = story_text(&story, "+97235550000");
    create->script_id = story_text(&story, "script");
    story_ask(&story, "r1", create);
    story_ready(&story, "anna", "sales");
    offer = last_offer(&story);
    assert_string_equal(offer->name, "Call me");
    assert_string_equal(offer->callee_name, "Dana");
    assert_string_equal(offer->number, "+97235550000");
    assert_string_equal(offer->script_id, "script");
    assert_string_equal(offer->place->queue_id, "sales");
    assert_int_equal(offer->kind, RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_IN_QUEUE);
    story_close(&story);
}

static void rule_1_2_callee_name_may_be_left_out(void **state)
{
    struct story story;

    (void)state;
    open_sales(&story);
    ask(&story, "r1", "i1", "sales");
    assert_int_equal(story_reason(&story), NONE);
    assert_string_equal(story_callback(&story, story_made(&story))->callee_name, "");
    story_close(&story);
}

/* What the number is, by what was given, what the facts say, and the type of the flow. */
static void rule_1_2_number_left_out_is_the_customers(void **state)
{
    static const struct {
        const char *given, *ani, *dialled;
        PB(FlowType) type;
        PB(Reason) reason;
        const char *number;
    } rows[] = {
        {"", "+97235551111", "+97235552222", FLOW(INBOUND_CALL), NONE, "+97235551111"},
        {"", "+97235551111", "+97235552222", FLOW(IN_QUEUE_CALL), NONE, "+97235551111"},
        {"", "+97235551111", "+97235552222", FLOW(OUTBOUND_CALL), NONE, "+97235552222"},
        {"+97235553333", "+97235551111", "", FLOW(IN_QUEUE_CALL), NONE, "+97235553333"},
        {"tel:03-555.3333", "", "", FLOW(IN_QUEUE_CALL), NONE, "035553333"},
        {"", "", "+97235552222", FLOW(IN_QUEUE_CALL), REASON(NUMBER_MISSING), ""},
        {"", "+97235551111", "", FLOW(OUTBOUND_CALL), REASON(NUMBER_MISSING), ""},
        {"", "anonymous", "", FLOW(IN_QUEUE_CALL), REASON(NUMBER_MISSING), ""},
        {"", "12", "", FLOW(IN_QUEUE_CALL), REASON(NUMBER_INVALID), ""},
        {"", "123", "", FLOW(IN_QUEUE_CALL), NONE, "123"},
        {"12", "+97235551111", "", FLOW(IN_QUEUE_CALL), REASON(NUMBER_INVALID), ""},
        {"123", "+97235551111", "", FLOW(IN_QUEUE_CALL), NONE, "123"},
        {"123456789012345", "", "", FLOW(IN_QUEUE_CALL), NONE, "123456789012345"},
        {"1234567890123456", "", "", FLOW(IN_QUEUE_CALL), REASON(NUMBER_INVALID), ""},
        {"call me", "+97235551111", "", FLOW(IN_QUEUE_CALL), REASON(NUMBER_MISSING), ""},
    };
    struct story story;

    (void)state;
    open_sales(&story);
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        PB(CreateCallback) *create =
            story_create(&story, arena_format(&story.arena, "i%zu", at), "sales");

        create->flow_type = rows[at].type;
        create->number = story_text(&story, rows[at].given);
        create->facts->ani = story_text(&story, rows[at].ani);
        create->facts->dialled_number = story_text(&story, rows[at].dialled);
        story_ask(&story, arena_format(&story.arena, "r%zu", at), create);
        if (story_reason(&story) != rows[at].reason)
            fail_msg("row %zu: %d", at, story_reason(&story));
        if (rows[at].reason == REASON(UNSPECIFIED))
            assert_string_equal(story_callback(&story, story_made(&story))->number,
                                rows[at].number);
    }
    story_close(&story);
}

static void rule_1_2_number_known_from_the_switch_wins(void **state)
{
    struct story story;
    PB(InteractionEvent) * entered;
    PB(CreateCallback) * create;

    (void)state;
    open_sales(&story);
    story_enter(&story, "i1", "sales"); /* ANI +97235551234 */
    create = story_create(&story, "i1", "sales");
    create->facts->ani = story_text(&story, "+97235559999");
    story_ask(&story, "r1", create);
    assert_string_equal(story_callback(&story, story_made(&story))->number, "+97235551234");

    entered = story_entered(&story, "i2", "sales");
    entered->entered->outbound = true;
    entered->entered->dialled_number = story_text(&story, "+97235558888");
    story_tell(&story, entered);
    create = story_create(&story, "i2", "sales");
    create->flow_type = FLOW(OUTBOUND_CALL);
    create->facts = NULL;
    story_ask(&story, "r2", create);
    assert_string_equal(story_callback(&story, story_made(&story))->number, "+97235558888");
    story_close(&story);
}

static void rule_1_2_country_code_makes_one_form_of_a_number(void **state)
{
    static const char *const forms[] = {"03-555 1234", "0097235551234", "+97235551234",
                                        "sip:035551234@10.0.0.1"};
    struct story story;

    (void)state;
    open_sales(&story);
    story_domain(&story, "972", false);
    for (size_t at = 0; at < sizeof(forms) / sizeof(forms[0]); at++) {
        PB(CreateCallback) *create =
            story_create(&story, arena_format(&story.arena, "i%zu", at), "sales");

        create->number = story_text(&story, forms[at]);
        story_ask(&story, arena_format(&story.arena, "r%zu", at), create);
        assert_string_equal(story_callback(&story, story_made(&story))->number, "+97235551234");
    }
    story_close(&story);
}

static void rule_1_2_longer_than_the_contract_allows_is_refused(void **state)
{
    struct story story;
    PB(CreateCallback) * create;
    char longest[258];

    (void)state;
    open_sales(&story);
    memset(longest, 'n', sizeof(longest));
    longest[256] = '\0';
    create = story_create(&story, "i1", "sales");
    create->name = story_text(&story, longest);
    create->callee_name = story_text(&story, longest);
    story_ask(&story, "r1", create);
    assert_int_equal(story_reason(&story), NONE);
    longest[256] = 'n';
    longest[257] = '\0';
    create = story_create(&story, "i2", "sales");
    create->name = story_text(&story, longest);
    story_ask(&story, "r2", create);
    assert_int_equal(story_reason(&story), REASON(LIMIT));
    create = story_create(&story, "i2", "sales");
    create->callee_name = story_text(&story, longest);
    story_ask(&story, "r3", create);
    assert_int_equal(story_reason(&story), REASON(LIMIT));
    create = story_create(&story, "", "sales");
    story_ask(&story, "r4", create);
    assert_int_equal(story_reason(&story), REASON(LIMIT));
    story_close(&story);
}

/* One field at its limit, then beyond it. */
enum field { NUMBER, QUEUE, SCRIPT, ANI, DIALLED, LAST_AGENT, CALLER_ID, CALLER_NAME, TIE, FIELDS };

static char **field_of(PB(CreateCallback) * create, enum field field)
{
    switch (field) {
    case NUMBER: return &create->number;
    case QUEUE: return &create->queue_id;
    case SCRIPT: return &create->script_id;
    case ANI: return &create->facts->ani;
    case DIALLED: return &create->facts->dialled_number;
    case LAST_AGENT: return &create->facts->last_agent_id;
    case CALLER_ID: return &create->facts->caller_id;
    case CALLER_NAME: return &create->facts->caller_name;
    case TIE: return &create->facts->place->tie_break;
    case FIELDS: break;
    }
    fail();
    return NULL;
}

static void rule_1_2_every_text_has_its_limit(void **state)
{
    static const struct {
        size_t bytes;
        PB(Reason) reason; /* at the limit: another one or none */
    } rows[FIELDS] = {
        [NUMBER] = {128, REASON(NUMBER_INVALID)},
        [QUEUE] = {128, REASON(QUEUE_UNKNOWN)},
        [SCRIPT] = {128, REASON(SCRIPT_UNKNOWN)},
        [ANI] = {128, REASON(NUMBER_INVALID)},
        [DIALLED] = {128, NONE},
        [LAST_AGENT] = {128, NONE},
        [CALLER_ID] = {128, NONE},
        [CALLER_NAME] = {256, NONE},
        [TIE] = {128, NONE},
    };
    struct story story;

    (void)state;
    open_sales(&story);
    for (int field = 0; field < FIELDS; field++)
        for (size_t over = 0; over < 2; over++) {
            char *text = arena_alloc(&story.arena, rows[field].bytes + over + 1);
            const char *id = arena_format(&story.arena, "%d-%zu", field, over);
            PB(CreateCallback) *create = story_create(&story, id, "sales");

            memset(text, '1', rows[field].bytes + over);
            text[rows[field].bytes + over] = '\0';
            create->facts->place = story_entered(&story, id, "sales")->entered->place;
            *field_of(create, (enum field)field) = text;
            story_ask(&story, id, create);
            if (story_reason(&story) != (over ? REASON(LIMIT) : rows[field].reason))
                fail_msg("field %d, %zu over: %d", field, over, story_reason(&story));
        }
    story_close(&story);
}

static void rule_1_2_routing_data_have_their_limits(void **state)
{
    static const struct {
        int32_t priority;
        size_t skills;
        PB(Reason) reason;
    } rows[] = {
        {25000000, 0, NONE}, {25000001, 0, REASON(LIMIT)}, {-25000000, 0, NONE},
        {0, 64, NONE},       {0, 65, REASON(LIMIT)},       {-25000001, 0, REASON(LIMIT)},
    };
    struct story story;

    (void)state;
    open_sales(&story);
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        const char *id = arena_format(&story.arena, "i%zu", at);
        PB(CreateCallback) *create = story_create(&story, id, "sales");
        PB(RoutingData) *routing = story_needs(&story, rows[at].priority, "", "");

        routing->n_skills = rows[at].skills;
        routing->skills = arena_alloc(&story.arena, (rows[at].skills + 1) * sizeof(char *));
        for (size_t skill = 0; skill < rows[at].skills; skill++)
            routing->skills[skill] = arena_format(&story.arena, "s%zu", skill);
        create->facts->routing = routing;
        story_ask(&story, id, create);
        if (story_reason(&story) != rows[at].reason)
            fail_msg("row %zu: %d", at, story_reason(&story));
    }
    story_close(&story);
}

/* Who was dialled is the customer: in an outbound call, and in a callback that a platform reports
 * back, whatever the type of the flow. */
static void rule_1_2_of_who_was_dialled_it_is_the_number_dialled(void **state)
{
    struct story story;
    PB(CreateCallback) * create;
    PB(InteractionEvent) * entered;

    (void)state;
    open_sales(&story);
    create = story_create(&story, "i1", "sales");
    create->facts->media = RINGBACK__V1__MEDIA__MEDIA_CALLBACK;
    create->facts->dialled_number = story_text(&story, "+97235552222");
    story_ask(&story, "r1", create);
    assert_string_equal(story_callback(&story, story_made(&story))->number, "+97235552222");

    entered = story_entered(&story, "i2", "sales");
    entered->interaction->media = RINGBACK__V1__MEDIA__MEDIA_CALLBACK;
    entered->entered->dialled_number = story_text(&story, "+97235553333");
    story_tell(&story, entered);
    ask(&story, "r2", "i2", "sales");
    assert_string_equal(story_callback(&story, story_made(&story))->number, "+97235553333");

    entered = story_entered(&story, "i3", "sales");
    entered->entered->outbound = true;
    story_tell(&story, entered); /* without its number */
    create = story_create(&story, "i3", "sales");
    create->facts->dialled_number = story_text(&story, "+97235554444");
    story_ask(&story, "r3", create);
    assert_string_equal(story_callback(&story, story_made(&story))->number, "+97235554444");

    create = story_create(&story, "i4", "sales"); /* its ANI is not the customer's */
    create->facts->media = RINGBACK__V1__MEDIA__MEDIA_CALLBACK;
    story_ask(&story, "r4", create);
    assert_int_equal(story_reason(&story), REASON(NUMBER_MISSING));
    story_close(&story);
}

/* --- 1.3 --- */

static void rule_1_3_script_unknown_is_refused(void **state)
{
    struct story story;
    PB(CreateCallback) * create;

    (void)state;
    open_sales(&story);
    create = story_create(&story, "i1", "sales");
    create->script_id = story_text(&story, "nowhere");
    story_ask(&story, "r1", create);
    assert_int_equal(story_reason(&story), REASON(SCRIPT_UNKNOWN));
    story_close(&story);
}

static void rule_1_3_script_not_for_callbacks_is_refused(void **state)
{
    struct story story;
    PB(CreateCallback) * create;

    (void)state;
    open_sales(&story);
    story_script(&story, "plain", false);
    create = story_create(&story, "i1", "sales");
    create->script_id = story_text(&story, "plain");
    story_ask(&story, "r1", create);
    assert_int_equal(story_reason(&story), REASON(SCRIPT_NOT_CALLBACK));
    story_script(&story, "plain", true);
    story_ask(&story, "r2", create);
    assert_int_equal(story_reason(&story), NONE);
    assert_string_equal(story_callback(&story, story_made(&story))->script_id, "plain");
    story_close(&story);
}

static void rule_1_3_none_given_is_the_queues_default_script(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;

    (void)state;
    story_open(&story);
    story_script(&story, "default", true);
    story_script(&story, "off", false);
    sales = story_queue(&story, "sales");
    sales->default_script_id = story_text(&story, "default");
    story_set_queue(&story, sales);
    ask(&story, "r1", "i1", "sales");
    assert_string_equal(story_callback(&story, story_made(&story))->script_id, "default");
    sales = story_queue(&story, "sales");
    sales->default_script_id = story_text(&story, "off");
    story_set_queue(&story, sales);
    ask(&story, "r2", "i2", "sales");
    assert_int_equal(story_reason(&story), NONE);
    assert_string_equal(story_callback(&story, story_made(&story))->script_id, "");
    sales = story_queue(&story, "sales");
    story_set_queue(&story, sales);
    ask(&story, "r3", "i3", "sales");
    assert_int_equal(story_reason(&story), NONE);
    assert_string_equal(story_callback(&story, story_made(&story))->script_id, "");
    story_close(&story);
}

/* --- 1.4 --- */

static void rule_1_4_unknown_queue_is_refused(void **state)
{
    struct story story;

    (void)state;
    open_sales(&story);
    ask(&story, "r1", "i1", "support");
    assert_int_equal(story_reason(&story), REASON(QUEUE_UNKNOWN));
    ask(&story, "r2", "i1", "");
    assert_int_equal(story_reason(&story), REASON(QUEUE_UNKNOWN));
    story_enter(&story, "i2", "support"); /* named by the switch, known by no settings */
    ask(&story, "r3", "i2", "support");
    assert_int_equal(story_reason(&story), REASON(QUEUE_UNKNOWN));
    story_remove_queue(&story, "sales", false);
    ask(&story, "r4", "i1", "sales");
    assert_int_equal(story_reason(&story), REASON(QUEUE_UNKNOWN));
    story_close(&story);
}

/* --- 1.5 --- */

static void open_with_ani(struct story *story, const char *ani, const char *name)
{
    PB(QueueSettings) * sales;

    story_open(story);
    sales = story_queue(story, "sales");
    sales->ani = story_text(story, ani);
    sales->ani_name = story_text(story, name);
    story_set_queue(story, sales);
}

static void check_caller(struct story *story, const char *id, const char *name)
{
    const PB(PlaceCall) * call;

    story_ready(story, "anna", "sales");
    call = called(story, "anna");
    assert_string_equal(call->caller_id, id);
    assert_string_equal(call->caller_name, name);
    story_close(story);
}

static void rule_1_5_caller_id_is_what_call_data_set(void **state)
{
    struct story story;

    (void)state;
    open_with_ani(&story, "+97230000000", "Sales");
    story_enter(&story, "i1", "sales");
    story_call_data(&story, "i1", "+97231111111", "Offers");
    ask(&story, "r1", "i1", "sales");
    check_caller(&story, "+97231111111", "Offers");
}

static void rule_1_5_caller_id_of_the_event_serves_until_call_data_is_read(void **state)
{
    struct story story;
    PB(CreateCallback) * create;

    (void)state;
    open_with_ani(&story, "+97230000000", "Sales");
    story_enter(&story, "i1", "sales");
    create = story_create(&story, "i1", "sales");
    create->facts->caller_id = story_text(&story, "+97231111111");
    create->facts->caller_name = story_text(&story, "Offers");
    story_ask(&story, "r1", create);
    check_caller(&story, "+97231111111", "Offers");
}

static void rule_1_5_call_data_known_wins_over_the_events(void **state)
{
    struct story story;
    PB(CreateCallback) * create;

    (void)state;
    open_with_ani(&story, "+97230000000", "Sales");
    story_call_data(&story, "i1", "+97231111111", "Offers");
    create = story_create(&story, "i1", "sales");
    create->facts->caller_id = story_text(&story, "+97232222222");
    create->facts->caller_name = story_text(&story, "Other");
    story_ask(&story, "r1", create);
    check_caller(&story, "+97231111111", "Offers");
}

static void rule_1_5_caller_id_else_is_the_queues(void **state)
{
    struct story story;

    (void)state;
    open_with_ani(&story, "+97230000000", "Sales");
    ask(&story, "r1", "i1", "sales");
    check_caller(&story, "+97230000000", "Sales");
}

static void rule_1_5_name_alone_goes_with_the_queues_ani(void **state)
{
    struct story story;

    (void)state;
    open_with_ani(&story, "+97230000000", "Sales");
    story_call_data(&story, "i1", "", "Offers");
    ask(&story, "r1", "i1", "sales");
    check_caller(&story, "+97230000000", "Offers");
}

static void rule_1_5_caller_id_stays_empty_without_either(void **state)
{
    struct story story;

    (void)state;
    open_with_ani(&story, "", "");
    ask(&story, "r1", "i1", "sales");
    check_caller(&story, "", ""); /* never the agent's */
}

static void rule_1_5_call_data_afterwards_changes_no_callback(void **state)
{
    struct story story;

    (void)state;
    open_with_ani(&story, "+97230000000", "Sales");
    ask(&story, "r1", "i1", "sales");
    story_call_data(&story, "i1", "+97231111111", "Offers");
    check_caller(&story, "+97230000000", "Sales");
}

static void rule_1_5_caller_id_of_scheduled_callbacks_too(void **state)
{
    static const char *const set[] = {"", "+97231111111"};
    static const char *const wanted[] = {"+97230000000", "+97231111111"};

    (void)state;
    for (int row = 0; row < 2; row++) {
        struct story story;
        const PB(PlaceCall) * call;

        open_with_ani(&story, "+97230000000", "Sales");
        story_ready(&story, "anna", "sales");
        story_enter(&story, "i1", "sales");
        story_call_data(&story, "i1", set[row], "");
        story_connect(&story, "i1", "anna");
        story_do(&story, story_schedule(&story, NULL, "anna", "i1", 60000));
        assert_int_equal(story_reason(&story), NONE);
        story_at(&story, 60000);
        story_ready(&story, "ben", "sales");
        call = called(&story, "ben");
        assert_string_equal(call->caller_id, wanted[row]);
        story_close(&story);
    }
}

static void rule_1_5_last_call_data_counts(void **state)
{
    struct story story;

    (void)state;
    open_with_ani(&story, "+97230000000", "Sales");
    story_call_data(&story, "i1", "+97231111111", "Offers");
    story_call_data(&story, "i1", "", ""); /* none was set */
    ask(&story, "r1", "i1", "sales");
    check_caller(&story, "+97230000000", "Sales");
}

/* --- 1.6 --- */

static const PB(Place) * place_of(struct story *story)
{
    return story_callback(story, story_made(story))->place;
}

static void rule_1_6_takes_the_place_of_its_interaction(void **state)
{
    struct story story;
    PB(InteractionEvent) * entered;

    (void)state;
    open_sales(&story);
    story_enter(&story, "i1", "sales");
    entered = story_entered(&story, "i2", "sales");
    entered->entered->place->tie_break = story_text(&story, "tie-2");
    story_at(&story, 20000);
    story_tell(&story, entered);
    story_at(&story, 60000);
    ask(&story, "r1", "i1", "sales");
    assert_int_equal(place_of(&story)->entry_ms, AT(0));
    assert_string_equal(place_of(&story)->tie_break, "i1");
    assert_string_equal(place_of(&story)->queue_id, "sales");
    ask(&story, "r2", "i2", "sales");
    assert_int_equal(place_of(&story)->entry_ms, AT(0)); /* as Entered said, not when it came */
    assert_string_equal(place_of(&story)->tie_break, "tie-2");
    story_close(&story);
}

/* Live ones before it take an agent each on paper; those behind it do not. */
static void rule_1_6_keeps_its_rank_among_live_ones(void **state)
{
    struct story story;

    (void)state;
    open_sales(&story);
    story_enter(&story, "i0", "sales");
    story_at(&story, 10000);
    story_enter(&story, "i1", "sales");
    story_at(&story, 20000);
    story_enter(&story, "i2", "sales");
    story_at(&story, 60000);
    ask(&story, "r1", "i1", "sales");
    story_ready(&story, "anna", "sales");
    assert_string_equal(story_offered_to(&story), ""); /* i0 stands before it */
    story_leave(&story, "i0", LEFT(ABANDONED));
    assert_string_equal(story_offered_to(&story), "anna"); /* i2 does not */
    story_close(&story);
}

static void rule_1_6_keeps_its_rank_among_callbacks_of_one_entry_time(void **state)
{
    struct story story;

    (void)state;
    open_sales(&story);
    story_enter(&story, "b", "sales");
    story_enter(&story, "a", "sales");
    story_at(&story, 1000);
    ask(&story, "r1", "b", "sales");
    ask(&story, "r2", "a", "sales");
    story_ready(&story, "anna", "sales");
    assert_string_equal(last_offer(&story)->place->tie_break, "a");
    story_ready(&story, "ben", "sales");
    assert_string_equal(last_offer(&story)->place->tie_break, "b");
    story_close(&story);
}

static void rule_1_6_from_elsewhere_is_the_end(void **state)
{
    struct story story;
    PB(CreateCallback) * create;

    (void)state;
    open_sales(&story);
    story_enter(&story, "i0", "sales");
    story_at(&story, 50000);
    story_enter(&story, "i2", "sales");
    story_at(&story, 60000);
    create = story_create(&story, "i1", "sales");
    story.timestamp_ms = 45000; /* asked then, read now */
    story_ask(&story, "r1", create);
    assert_int_equal(place_of(&story)->entry_ms, AT(45000));
    assert_string_equal(place_of(&story)->tie_break, story_made(&story));
    story_ready(&story, "anna", "sales");
    assert_string_equal(story_offered_to(&story), ""); /* i0 */
    story_leave(&story, "i0", LEFT(ABANDONED));
    assert_string_equal(story_offered_to(&story), "anna"); /* before i2 */
    story_close(&story);
}

static void rule_1_6_into_another_queue_is_its_end(void **state)
{
    struct story story;

    (void)state;
    open_sales(&story);
    story_set_queue(&story, story_queue(&story, "support"));
    story_enter(&story, "i1", "sales");
    story_at(&story, 60000);
    ask(&story, "r1", "i1", "support");
    assert_int_equal(place_of(&story)->entry_ms, AT(60000));
    assert_string_equal(place_of(&story)->queue_id, "support");
    assert_string_equal(place_of(&story)->tie_break, story_made(&story));
    assert_int_equal(story_counters(&story, "sales")->live->flow_out, 1);
    story_close(&story);
}

static void rule_1_6_flowed_out_counts_as_waiting_there(void **state)
{
    struct story story;

    (void)state;
    open_sales(&story);
    story_enter(&story, "i1", "sales");
    story_at(&story, 30000);
    story_leave(&story, "i1", LEFT(FLOW_OUT));
    story_at(&story, 60000);
    ask(&story, "r1", "i1", "sales");
    assert_int_equal(place_of(&story)->entry_ms, AT(0));
    assert_string_equal(place_of(&story)->tie_break, "i1");
    assert_int_equal(story_counters(&story, "sales")->live->flow_out, 1); /* counted once */
    story_close(&story);
}

static void rule_1_6_flowed_out_over_other_queues_counts_as_waiting_in_the_first(void **state)
{
    struct story story;
    PB(InteractionEvent) * entered;
    const PB(CallbackEntity) * cb;

    (void)state;
    open_sales(&story);
    story_set_queue(&story, story_queue(&story, "support"));
    story_set_queue(&story, story_queue(&story, "billing"));
    entered = story_entered(&story, "i1", "sales");
    entered->entered->place->tie_break = story_text(&story, "tie-sales");
    entered->entered->routing = story_needs(&story, 5, "loans", "he");
    story_tell(&story, entered);
    story_at(&story, 20000);
    story_enter(&story, "i1", "support"); /* straight on */
    story_at(&story, 30000);
    story_leave(&story, "i1", LEFT(FLOW_OUT)); /* through a flow */
    story_at(&story, 40000);
    story_enter(&story, "i1", "billing");
    assert_int_equal(story_call(&story, "i1")->n_held_places, 2);
    story_at(&story, 50000);
    story_end_call(&story, "i1"); /* hanging up does not undo it (1.11) */
    story_at(&story, 60000);
    ask(&story, "r1", "i1", "sales");
    cb = story_callback(&story, story_made(&story));
    assert_int_equal(cb->place->entry_ms, AT(0));
    assert_string_equal(cb->place->tie_break, "tie-sales");
    assert_int_equal(cb->routing->priority, 5); /* 1.7: as that place did */
    assert_string_equal(cb->routing->skills[0], "loans");
    assert_string_equal(cb->routing->language, "he");
    assert_int_equal(story_call(&story, "i1")->n_held_places, 0);
    story_close(&story);
}

static void rule_1_6_flowed_out_and_back_has_the_newer_place(void **state)
{
    struct story story;

    (void)state;
    open_sales(&story);
    story_set_queue(&story, story_queue(&story, "support"));
    story_enter(&story, "i1", "sales");
    story_at(&story, 20000);
    story_enter(&story, "i1", "support");
    story_at(&story, 30000);
    story_enter(&story, "i1", "sales");
    story_at(&story, 40000);
    story_enter(&story, "i1", "support");
    story_at(&story, 50000);
    ask(&story, "r1", "i1", "sales");
    assert_int_equal(place_of(&story)->entry_ms, AT(30000));
    story_close(&story);
}

static void rule_1_6_abandoned_before_another_queue_is_not_held(void **state)
{
    struct story story;

    (void)state;
    open_sales(&story);
    story_set_queue(&story, story_queue(&story, "support"));
    story_enter(&story, "i1", "sales");
    story_at(&story, 20000);
    story_leave(&story, "i1", LEFT(ABANDONED));
    story_at(&story, 30000);
    story_enter(&story, "i1", "support");
    story_at(&story, 50000);
    ask(&story, "r1", "i1", "sales");
    assert_int_equal(place_of(&story)->entry_ms, AT(50000));
    story_close(&story);
}

static void rule_1_6_eight_places_are_held_elsewhere(void **state)
{
    static const struct {
        const char *queue;
        int64_t entry_ms;
    } rows[] = {{"q0", 60000}, {"q1", 1000}, {"q8", 8000}, {"q9", 9000}};

    (void)state;
    for (size_t at = 0; at < 4; at++) {
        struct story story;

        story_open(&story);
        for (int queue = 0; queue < 10; queue++) {
            const char *id = arena_format(&story.arena, "q%d", queue);

            story_set_queue(&story, story_queue(&story, id));
            story_at(&story, queue * 1000);
            story_enter(&story, "i1", id);
        }
        assert_int_equal(story_call(&story, "i1")->n_held_places, 8);
        story_at(&story, 60000);
        ask(&story, "r1", "i1", rows[at].queue);
        assert_int_equal(place_of(&story)->entry_ms, AT(rows[at].entry_ms));
        story_close(&story);
    }
}

static void rule_1_6_with_an_agent_since_counts_no_more(void **state)
{
    struct story story;

    (void)state;
    open_sales(&story);
    story_set_queue(&story, story_queue(&story, "support"));
    story_ready(&story, "anna", "support");
    story_enter(&story, "i1", "sales");
    story_at(&story, 10000);
    story_leave(&story, "i1", LEFT(FLOW_OUT));
    story_at(&story, 20000);
    story_enter(&story, "i1", "support");
    story_connect(&story, "i1", "anna");
    story_at(&story, 30000);
    story_enter(&story, "i1", "support"); /* she sent it back */
    story_at(&story, 60000);
    ask(&story, "r1", "i1", "sales");
    assert_int_equal(story_reason(&story), NONE);
    assert_int_equal(place_of(&story)->entry_ms, AT(60000));
    story_close(&story);
}

/* --- 12.8, as far as the place needs it --- */

static PB(CreateCallback) * with_place(struct story *story, const char *interaction,
                                       const char *queue, int64_t entry_ms, uint64_t version)
{
    PB(CreateCallback) *create = story_create(story, interaction, queue);

    create->facts->place = story_entered(story, interaction, queue)->entered->place;
    create->facts->place->entry_ms = AT(entry_ms);
    create->facts->version = version;
    return create;
}

static void rule_1_6_place_by_the_events_own_facts(void **state)
{
    struct story story;
    PB(CreateCallback) * create;
    PB(InteractionEvent) * late;

    (void)state;
    open_sales(&story);
    late = story_entered(&story, "i1", "sales"); /* of time 0, read later */
    story_at(&story, 60000);
    create = with_place(&story, "i1", "sales", 0, late->interaction->version);
    create->facts->routing = story_needs(&story, 7, "loans", "he");
    story_ask(&story, "r1", create);
    assert_int_equal(place_of(&story)->entry_ms, AT(0));
    assert_string_equal(place_of(&story)->tie_break, "i1");
    assert_int_equal(story_callback(&story, story_made(&story))->routing->priority, 7);
    assert_string_equal(story_callback(&story, story_made(&story))->routing->language, "he");
    assert_int_equal(story_counters(&story, "sales")->live->offered, 1);
    assert_int_equal(story_counters(&story, "sales")->live->flow_out, 1);
    story_now_on(&story);
    story_tell(&story, late); /* 12.8: it does not stand in line again */
    assert_int_equal(story_call(&story, "i1")->stay_ms, 0);
    assert_int_equal(story_counters(&story, "sales")->live->offered, 1);
    assert_int_equal(story_count(&story, "analytics.metric"), 0);
    story_close(&story);
}

static void rule_1_6_late_entered_without_versions_is_known_by_its_entry(void **state)
{
    struct story story;
    PB(InteractionEvent) * late;

    (void)state;
    open_sales(&story);
    late = story_entered(&story, "i1", "sales");
    story_at(&story, 60000);
    story_ask(&story, "r1", with_place(&story, "i1", "sales", 0, 0));
    assert_int_equal(place_of(&story)->entry_ms, AT(0));
    story_tell(&story, late);
    assert_int_equal(story_call(&story, "i1")->stay_ms, 0);
    assert_int_equal(story_counters(&story, "sales")->live->offered, 1);
    story_close(&story);
}

static void rule_1_6_place_known_wins_over_the_events(void **state)
{
    struct story story;

    (void)state;
    open_sales(&story);
    story_at(&story, 5000);
    story_enter(&story, "i1", "sales");
    story_at(&story, 60000);
    story_ask(&story, "r1", with_place(&story, "i1", "sales", 1000, 0));
    assert_int_equal(place_of(&story)->entry_ms, AT(5000));
    story_close(&story);
}

static void rule_1_6_events_facts_newer_than_the_known_win(void **state)
{
    struct story story;
    PB(InteractionEvent) * late;

    (void)state;
    open_sales(&story);
    story_set_queue(&story, story_queue(&story, "support"));
    story_enter(&story, "i1", "sales");
    story_at(&story, 20000);
    late = story_entered(&story, "i1", "support");
    story_at(&story, 60000);
    story_ask(&story, "r1", with_place(&story, "i1", "support", 20000, late->interaction->version));
    assert_int_equal(story_reason(&story), NONE);
    assert_int_equal(place_of(&story)->entry_ms, AT(20000));
    assert_string_equal(place_of(&story)->tie_break, "i1");
    assert_int_equal(story_counters(&story, "sales")->live->flow_out, 1);
    assert_int_equal(story_counters(&story, "support")->live->flow_out, 1);
    story_tell(&story, late);
    assert_int_equal(story_call(&story, "i1")->stay_ms, 0);
    assert_int_equal(story_counters(&story, "support")->live->offered, 1);
    story_close(&story);
}

static void rule_1_6_place_later_than_the_request_is_the_requests(void **state)
{
    struct story story;

    (void)state;
    open_sales(&story);
    story_at(&story, 60000);
    story_ask(&story, "r1", with_place(&story, "i1", "sales", 90000, 0));
    assert_int_equal(place_of(&story)->entry_ms, AT(60000));
    story_close(&story);
}

static void rule_1_6_newer_facts_of_the_same_place_count_once(void **state)
{
    struct story story;

    (void)state;
    open_sales(&story);
    story_enter(&story, "i1", "sales");
    story_at(&story, 60000);
    story_ask(&story, "r1", with_place(&story, "i1", "sales", 0, story.version + 5));
    assert_int_equal(place_of(&story)->entry_ms, AT(0));
    assert_int_equal(story_counters(&story, "sales")->live->offered, 1);
    assert_int_equal(story_counters(&story, "sales")->live->flow_out, 1);
    assert_int_equal(story_counters(&story, "sales")->callbacks->offered, 1);
    story_close(&story);
}

static void rule_1_6_place_is_of_its_own_domain(void **state)
{
    struct story story;

    (void)state;
    open_sales(&story);
    story.domain = "other";
    story_set_queue(&story, story_queue(&story, "sales"));
    story_enter(&story, "i1", "sales");
    story_at(&story, 60000);
    story.domain = "other";
    ask(&story, "r1", "i1", "sales");
    assert_int_equal(story_reason(&story), NONE);
    assert_int_equal(story_call(&story, "i1")->state, CALL(WAITING)); /* the one of acme */
    assert_int_equal(story_counters(&story, "sales")->live->flow_out, 0);
    ask(&story, "r1", "i1", "sales"); /* the id is another request's in another domain */
    assert_int_equal(place_of(&story)->entry_ms, AT(0));
    assert_int_equal(machine_callbacks(story.machine), 2);
    story_close(&story);
}

/* --- 1.7 --- */

static void enter_needing(struct story *story, const char *interaction, const char *queue,
                          PB(RoutingData) * needs)
{
    PB(InteractionEvent) *event = story_entered(story, interaction, queue);

    event->entered->routing = needs;
    story_tell(story, event);
}

static void rule_1_7_ranks_as_its_place_did(void **state)
{
    struct story story;

    (void)state;
    open_sales(&story);
    story_enter(&story, "i0", "sales");
    story_at(&story, 120000);
    enter_needing(&story, "i1", "sales", story_needs(&story, 3, "", ""));
    story_at(&story, 130000);
    ask(&story, "r1", "i1", "sales");
    assert_int_equal(story_callback(&story, story_made(&story))->routing->priority, 3);
    story_ready(&story, "anna", "sales");
    assert_string_equal(story_offered_to(&story), "anna"); /* 2 minutes behind, 3 ahead */
    story_close(&story);
}

static void rule_1_7_matches_as_its_place_did(void **state)
{
    struct story story;

    (void)state;
    open_sales(&story);
    enter_needing(&story, "i1", "sales", story_needs(&story, 0, "loans", "he"));
    ask(&story, "r1", "i1", "sales");
    story_ready_with(&story, "anna", "sales", "", "he");
    story_ready_with(&story, "ben", "sales", "loans", "en");
    assert_string_equal(story_offered_to(&story), "");
    story_ready_with(&story, "carl", "sales", "cards loans", "en he");
    assert_string_equal(story_offered_to(&story), "carl");
    story_close(&story);
}

static void rule_1_7_place_and_routing_data_stay_through_offers_and_retries(void **state)
{
    struct story story;
    PB(QueueSettings) * sales;
    const PB(CallbackEntity) * cb;
    const char *callback;

    (void)state;
    story_open(&story);
    sales = story_queue(&story, "sales");
    sales->agent_first_retries = 1;
    sales->agent_first_retry_delay_s = 60;
    story_set_queue(&story, sales);
    enter_needing(&story, "i1", "sales", story_needs(&story, 4, "loans", "he"));
    story_at(&story, 10000);
    ask(&story, "r1", "i1", "sales");
    callback = story_made(&story);
    story_ready_with(&story, "anna", "sales", "loans", "he");
    story_decline(&story, "anna");
    story_at(&story, 70000); /* declined a minute ago: offered again */
    (void)called(&story, "anna");
    story_attempt_ended(&story, RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_BUSY);
    assert_int_equal(story_state(&story, callback), STATE(DELAYED));
    story_at(&story, 130000);
    cb = story_callback(&story, callback);
    assert_int_equal(cb->state, STATE(OFFERED));
    assert_int_equal(cb->place->entry_ms, AT(0));
    assert_string_equal(cb->place->tie_break, "i1");
    assert_int_equal(cb->routing->priority, 4);
    assert_int_equal(cb->routing->n_skills, 1);
    assert_string_equal(cb->routing->skills[0], "loans");
    assert_string_equal(cb->routing->language, "he");
    story_close(&story);
}

static void rule_1_7_another_queue_gives_its_defaults(void **state)
{
    struct story story;
    const PB(CallbackEntity) * cb;

    (void)state;
    open_sales(&story);
    story_set_queue(&story, story_queue(&story, "support"));
    enter_needing(&story, "i1", "sales", story_needs(&story, 4, "loans", "he"));
    story_at(&story, 10000);
    ask(&story, "r1", "i1", "support");
    cb = story_callback(&story, story_made(&story));
    assert_int_equal(cb->routing == NULL ? 0 : cb->routing->priority, 0);
    assert_int_equal(cb->routing == NULL ? 0 : cb->routing->n_skills, 0);
    assert_false(cb->routing_kept);
    story_ready(&story, "anna", "support");
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

/* inherit_routing_data of the domain, of the queue, and whether they are copied to another queue */
static void rule_1_7_inherit_routing_data_by_domain_and_queue(void **state)
{
    static const struct {
        bool domain;
        PB(Toggle) queue;
        bool copied;
    } rows[] = {
        {false, RINGBACK__V1__TOGGLE__TOGGLE_UNSPECIFIED, false},
        {true, RINGBACK__V1__TOGGLE__TOGGLE_UNSPECIFIED, true},
        {true, RINGBACK__V1__TOGGLE__TOGGLE_OFF, false},
        {false, RINGBACK__V1__TOGGLE__TOGGLE_ON, true},
        {false, RINGBACK__V1__TOGGLE__TOGGLE_OFF, false},
        {true, RINGBACK__V1__TOGGLE__TOGGLE_ON, true},
    };

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        struct story story;
        PB(QueueSettings) * support;
        const PB(CallbackEntity) * cb;

        open_sales(&story);
        story_domain(&story, "", rows[at].domain);
        support = story_queue(&story, "support");
        support->inherit_routing_data = rows[at].queue;
        story_set_queue(&story, support);
        enter_needing(&story, "i1", "sales", story_needs(&story, 4, "loans", "he"));
        story_at(&story, 10000);
        ask(&story, "r1", "i1", "support");
        cb = story_callback(&story, story_made(&story));
        assert_int_equal(cb->place->entry_ms, AT(10000));
        assert_int_equal(cb->routing_kept, rows[at].copied);
        story_ready(&story, "anna", "support");
        assert_string_equal(story_offered_to(&story), rows[at].copied ? "" : "anna");
        story_ready_with(&story, "ben", "support", "loans", "he");
        assert_string_equal(story_offered_to(&story), rows[at].copied ? "ben" : "anna");
        cb = story_callback(&story, story_made(&story));
        assert_int_equal(cb->routing == NULL ? 0 : cb->routing->priority, rows[at].copied ? 4 : 0);
        story_close(&story);
    }
}

/* The same switch serves scheduled callbacks: carl alone has what the interaction needed. */
static void rule_1_7_scheduled_callbacks_inherit_by_the_same_switch(void **state)
{
    (void)state;
    for (int inherits = 0; inherits < 2; inherits++) {
        struct story story;
        PB(RoutingData) * needs;
        const PB(CallbackEntity) * cb;

        open_sales(&story);
        story_domain(&story, "", inherits);
        story_ready(&story, "anna", "sales");
        story_ready(&story, "ben", "sales");
        story_ready_with(&story, "carl", "sales", "loans", "he");
        needs = story_needs(&story, 4, "loans", "he");
        enter_needing(&story, "i1", "sales", needs);
        story_connect(&story, "i1", "anna");
        story_do(&story, story_schedule(&story, NULL, "anna", "i1", 60000));
        assert_int_equal(story_reason(&story), NONE);
        story_at(&story, 60000);
        cb = story_callback(&story, story_made(&story));
        assert_int_equal(cb->routing->priority, inherits ? 4 : 0);
        assert_int_equal(cb->routing->n_skills, inherits);
        assert_int_equal(cb->place->entry_ms, AT(60000));
        assert_string_equal(story_offered_to(&story), inherits ? "carl" : "ben");
        story_close(&story);
    }
}

static void rule_1_7_inherited_routing_data_stay_when_the_switch_is_turned(void **state)
{
    struct story story;
    PB(QueueSettings) * support;

    (void)state;
    open_sales(&story);
    support = story_queue(&story, "support");
    support->inherit_routing_data = RINGBACK__V1__TOGGLE__TOGGLE_ON;
    story_set_queue(&story, support);
    enter_needing(&story, "i1", "sales", story_needs(&story, 4, "loans", "he"));
    story_at(&story, 10000);
    ask(&story, "r1", "i1", "support");
    story_set_queue(&story, story_queue(&story, "support")); /* stamped when accepted (12.15) */
    story_ready(&story, "anna", "support");
    assert_string_equal(story_offered_to(&story), "");
    assert_int_equal(story_callback(&story, story_made(&story))->routing->priority, 4);
    story_close(&story);
}

/* --- 1.8 --- */

static void rule_1_8_interaction_leaves_as_flow_out(void **state)
{
    struct story story;
    const PB(AnalyticsEvent) * session;
    const char *callback;
    size_t count;

    (void)state;
    open_sales(&story);
    story_enter(&story, "i1", "sales");
    story_at(&story, 45000);
    story_now_on(&story);
    ask(&story, "r1", "i1", "sales");
    callback = story_made(&story);
    assert_int_equal(story_metric(&story, METRIC(T_FLOW_OUT), "sales", &count), 45000);
    assert_int_equal(count, 1);
    assert_int_equal(story_counters(&story, "sales")->live->flow_out, 1);
    assert_int_equal(story_call(&story, "i1")->state, CALL(LEFT));
    assert_int_equal(story_call(&story, "i1")->stay_ms, 0);
    session = story_analytics(&story, "analytics.session_started", 0);
    assert_string_equal(session->conversation_id, "c-i1");
    assert_string_equal(session->callback_id, callback);
    assert_string_equal(session->session_started->from_interaction_id, "i1");
    assert_int_equal(session->session_started->kind,
                     RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_IN_QUEUE);
    story_at(&story, 50000);
    story_leave(&story, "i1", LEFT(ABANDONED)); /* the flow hangs up */
    story_end_call(&story, "i1");
    assert_int_equal(story_counters(&story, "sales")->live->abandoned, 0);
    (void)story_metric(&story, METRIC(T_ABANDON), "sales", &count);
    assert_int_equal(count, 0);
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    story_close(&story);
}

static void rule_1_8_interaction_alerting_leaves_its_agent(void **state)
{
    struct story story;

    (void)state;
    open_sales(&story);
    story_ready(&story, "anna", "sales");
    story_at(&story, 10000);
    story_enter(&story, "i1", "sales");
    story_alert(&story, "i1", "anna");
    ask(&story, "r1", "i1", "sales");
    assert_int_equal(story_reason(&story), NONE);
    assert_int_equal(place_of(&story)->entry_ms, AT(10000));
    assert_int_equal(story_call(&story, "i1")->state, CALL(LEFT));
    assert_string_equal(story_offered_to(&story), ""); /* she was named: not Idle until she says */
    story_at(&story, 11000);
    story_status(&story, "anna", STATUS(IDLE));
    assert_string_equal(story_offered_to(&story), "anna");
    story_close(&story);
}

static void rule_1_8_entered_again_stands_anew_at_the_end(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_sales(&story);
    story_enter(&story, "i1", "sales");
    story_at(&story, 10000);
    ask(&story, "r1", "i1", "sales");
    callback = story_made(&story);
    story_at(&story, 15000);
    story_enter(&story, "i2", "sales");
    story_at(&story, 20000);
    story_enter(&story, "i1", "sales");
    assert_int_equal(story_call(&story, "i1")->state, CALL(WAITING));
    assert_int_equal(story_call(&story, "i1")->place->entry_ms, AT(20000));
    assert_int_equal(story_counters(&story, "sales")->live->offered, 3);
    assert_int_equal(story_callback(&story, callback)->place->entry_ms, AT(0));
    story_ready(&story, "anna", "sales");
    assert_string_equal(story_offered_to(&story), "anna"); /* the callback is first */
    story_close(&story);
}

static void rule_1_8_entered_with_the_old_entry_stands_nowhere(void **state)
{
    struct story story;
    PB(InteractionEvent) * again;

    (void)state;
    open_sales(&story);
    story_at(&story, 5000);
    story_enter(&story, "i1", "sales");
    story_at(&story, 10000);
    ask(&story, "r1", "i1", "sales");
    again = story_entered(&story, "i1", "sales");
    again->entered->place->entry_ms = AT(5000);
    story_tell(&story, again);
    assert_int_equal(story_call(&story, "i1")->stay_ms, 0);
    assert_int_equal(story_counters(&story, "sales")->live->offered, 1);
    again = story_entered(&story, "i1", "sales");
    again->entered->place->entry_ms = AT(5001);
    story_tell(&story, again);
    assert_int_equal(story_call(&story, "i1")->state, CALL(WAITING));
    assert_int_equal(story_counters(&story, "sales")->live->offered, 2);
    story_close(&story);
}

static void rule_1_8_flow_out_is_timed_by_the_request(void **state)
{
    static const struct {
        int64_t asked_ms, flow_out_ms;
    } rows[] = {{45000, 35000}, {10000, 0}, {5000, 0}};

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        struct story story;
        size_t count;

        open_sales(&story);
        story_at(&story, 10000);
        story_enter(&story, "i1", "sales");
        story_at(&story, 60000);
        story.timestamp_ms = rows[at].asked_ms;
        ask(&story, "r1", "i1", "sales");
        assert_int_equal(story_metric(&story, METRIC(T_FLOW_OUT), "sales", &count),
                         rows[at].flow_out_ms);
        assert_int_equal(count, 1);
        story_close(&story);
    }
}

static void rule_1_8_callback_stays_when_its_call_is_answered(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_sales(&story);
    story_ready(&story, "anna", "support");
    story_enter(&story, "i1", "sales");
    ask(&story, "r1", "i1", "sales");
    callback = story_made(&story);
    story_at(&story, 10000);
    story_enter(&story, "i1", "sales");
    story_connect(&story, "i1", "anna");
    story_end_call(&story, "i1");
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    assert_int_equal(story_counters(&story, "sales")->live->answered, 1);
    assert_int_equal(story_counters(&story, "sales")->callbacks->offered, 1);
    assert_int_equal(story_counters(&story, "sales")->callbacks->flow_out, 0);
    assert_int_equal(story_counters(&story, "sales")->callbacks->abandoned, 0);
    story_close(&story);
}

/* --- 1.9 --- */

static void rule_1_9_accepted_comes_with_the_callback_itself(void **state)
{
    struct story story;
    const PB(Result) * result;

    (void)state;
    open_sales(&story);
    story_at(&story, 7000);
    ask(&story, "r1", "i1", "sales");
    result = story_result(&story);
    assert_int_equal(result->answer_case, RINGBACK__V1__RESULT__ANSWER_CALLBACK_ACCEPTED);
    assert_string_equal(result->request_id, "r1");
    assert_int_equal(result->time_ms, AT(7000));
    assert_int_equal(story_state(&story, result->callback_accepted->callback_id), STATE(WAITING));
    assert_int_equal(story_callback(&story, story_made(&story))->created_ms, AT(7000));
    story_close(&story);
}

static void rule_1_9_refused_leaves_the_interaction_where_it_stands(void **state)
{
    struct story story;
    PB(CreateCallback) * create;
    const PB(Result) * result;

    (void)state;
    open_sales(&story);
    story_enter(&story, "i1", "sales");
    story_at(&story, 10000);
    story_enter(&story, "i2", "sales");
    ask(&story, "r2", "i2", "sales");
    story_at(&story, 20000);
    story_now_on(&story);
    create = story_create(&story, "i1", "sales");
    create->script_id = story_text(&story, "none");
    story_ask(&story, "r1", create);
    result = story_result(&story);
    assert_int_equal(result->answer_case, RINGBACK__V1__RESULT__ANSWER_CALLBACK_REFUSED);
    assert_string_equal(result->request_id, "r1");
    assert_int_equal(result->callback_refused->reason, REASON(SCRIPT_UNKNOWN));
    assert_string_equal(result->callback_refused->text, reason_text(REASON(SCRIPT_UNKNOWN)));
    assert_int_equal(story_call(&story, "i1")->state, CALL(WAITING));
    assert_int_equal(story_call(&story, "i1")->place->entry_ms, AT(0));
    assert_int_equal(story.effects.count - story.seen, 1); /* nothing but the answer */
    story_ready(&story, "anna", "sales");
    assert_string_equal(story_offered_to(&story), ""); /* i1 still stands before i2's callback */
    story_close(&story);
}

static void rule_1_9_refused_makes_no_interaction_known(void **state)
{
    struct story story;
    PB(CreateCallback) * create;

    (void)state;
    open_sales(&story);
    create = with_place(&story, "i1", "sales", 0, 0);
    create->flow_type = FLOW(OTHER);
    story_ask(&story, "r1", create);
    assert_int_equal(story_reason(&story), REASON(FLOW_TYPE));
    assert_null(story_call(&story, "i1"));
    assert_null(story_counters(&story, "sales"));
    story_close(&story);
}

/* --- 1.10 --- */

static void rule_1_10_the_31st_in_queue_flow_is_refused(void **state)
{
    struct story story;
    PB(InteractionEvent) * mail;
    PB(FlowEvent) event = RINGBACK__V1__FLOW_EVENT__INIT;
    PB(FlowEntered) flow = RINGBACK__V1__FLOW_ENTERED__INIT;

    (void)state;
    open_sales(&story);
    mail = story_entered(&story, "m1", "sales");
    mail->interaction->media = RINGBACK__V1__MEDIA__MEDIA_EMAIL;
    story_tell(&story, mail);
    story_now_on(&story);
    for (int times = 0; times < 30; times++)
        story_flow_entered(&story, "m1", FLOW(IN_QUEUE_EMAIL));
    assert_int_equal(story.effects.count - story.seen, 0);
    assert_int_equal(story_call(&story, "m1")->n_in_queue_flows, 30);
    story_at(&story, 8000);
    event.id = story_text(&story, "flow-31");
    event.event_case = RINGBACK__V1__FLOW_EVENT__EVENT_FLOW_ENTERED;
    event.flow_entered = &flow;
    flow.interaction_id = story_text(&story, "m1");
    flow.flow_type = FLOW(IN_QUEUE_EMAIL);
    story_flow(&story, &event);
    assert_int_equal(story_reason(&story), REASON(IN_QUEUE_FLOW_LIMIT));
    assert_string_equal(story_result(&story)->request_id, "flow-31");
    assert_int_equal(story_counters(&story, "sales")->live->flow_out, 1);
    assert_int_equal(story_counters(&story, "sales")->live->abandoned, 0);
    assert_int_equal(story_count(&story, "routing.hang_up"), 0);
    mail = story_entered(&story, "m1", "sales"); /* the platform's again: it may enter it anew */
    mail->interaction->media = RINGBACK__V1__MEDIA__MEDIA_EMAIL;
    story_tell(&story, mail);
    story_flow(&story, &event); /* the same flow event once more */
    assert_int_equal(story_reason(&story), REASON(IN_QUEUE_FLOW_LIMIT));
    assert_int_equal(story_call(&story, "m1")->state, CALL(WAITING));
    assert_int_equal(story_counters(&story, "sales")->live->flow_out, 1);
    story_close(&story);
}

static void rule_1_10_counts_a_flow_event_once_and_no_other_flows(void **state)
{
    struct story story;

    (void)state;
    open_sales(&story);
    for (int times = 0; times < 40; times++) {
        story_flow_entered(&story, "i1", FLOW(IN_QUEUE_CALL));
        story_flow_entered(&story, "m1", FLOW(OTHER));
        story.id = "flow-1";
        story_flow_entered(&story, "m1", FLOW(IN_QUEUE_MESSAGE));
    }
    assert_int_equal(story_count(&story, "results.callback_refused"), 0);
    story_close(&story);
}

static void rule_1_10_counts_of_each_interaction_and_beyond_31(void **state)
{
    struct story story;
    size_t refused = 0;

    (void)state;
    open_sales(&story);
    for (int times = 1; times <= 33; times++) {
        story_flow_entered(&story, "m1", times % 2 ? FLOW(IN_QUEUE_MESSAGE) : FLOW(IN_QUEUE_EMAIL));
        refused += times > 30;
        assert_int_equal(story_count(&story, "results.callback_refused"), refused);
        if (refused > 0)
            assert_int_equal(story_reason(&story), REASON(IN_QUEUE_FLOW_LIMIT));
    }
    story_flow_entered(&story, "m2", FLOW(IN_QUEUE_MESSAGE));
    assert_int_equal(story_count(&story, "results.callback_refused"), 3);
    assert_null(story_counters(&story, "sales")); /* it stood in no line that it could leave */
    story_close(&story);
}

/* --- 1.11 --- */

/* Ends so long before the request. */
static PB(Reason) asked_after(struct story *story, int64_t gap_ms, bool left_first)
{
    open_sales(story);
    story_enter(story, "i1", "sales");
    story_at(story, 30000);
    if (left_first)
        story_leave(story, "i1", LEFT(ABANDONED));
    story_end_call(story, "i1");
    story_at(story, 30000 + gap_ms);
    ask(story, "r1", "i1", "sales");
    return story_reason(story);
}

static void rule_1_11_hanging_up_does_not_undo_the_request(void **state)
{
    struct story story;

    (void)state;
    for (int left_first = 0; left_first < 2; left_first++) {
        assert_int_equal(asked_after(&story, 59999, left_first), NONE);
        story_close(&story);
        assert_int_equal(asked_after(&story, 60000, left_first), NONE);
        assert_int_equal(place_of(&story)->entry_ms, AT(0)); /* by 1.6 */
        assert_string_equal(place_of(&story)->tie_break, "i1");
        assert_int_equal(story_counters(&story, "sales")->live->abandoned, 1); /* stands */
        assert_int_equal(story_counters(&story, "sales")->live->flow_out, 0);
        story_close(&story);
        assert_int_equal(asked_after(&story, 60001, left_first), REASON(NOT_CONNECTED));
        story_close(&story);
    }
}

static void rule_1_11_the_request_counts_by_its_timestamp(void **state)
{
    struct story story;

    (void)state;
    open_sales(&story);
    story_enter(&story, "i1", "sales");
    story_at(&story, 30000);
    story_end_call(&story, "i1");
    story_at(&story, 100000);
    story.timestamp_ms = 90000;
    ask(&story, "r1", "i1", "sales");
    assert_int_equal(story_reason(&story), NONE);
    story_close(&story);
}

static void rule_1_11_hung_up_after_it_was_read_is_a_flow_out(void **state)
{
    struct story story;

    (void)state;
    open_sales(&story);
    story_enter(&story, "i1", "sales");
    story_at(&story, 30000);
    ask(&story, "r1", "i1", "sales");
    story_end_call(&story, "i1");
    assert_int_equal(story_counters(&story, "sales")->live->abandoned, 0);
    assert_int_equal(story_counters(&story, "sales")->live->flow_out, 1);
    assert_int_equal(story_state(&story, story_made(&story)), STATE(WAITING));
    story_close(&story);
}

static void rule_1_11_flowed_out_and_hung_up_keeps_the_place(void **state)
{
    struct story story;

    (void)state;
    open_sales(&story);
    story_enter(&story, "i1", "sales");
    story_at(&story, 30000);
    story_leave(&story, "i1", LEFT(FLOW_OUT));
    story_at(&story, 40000);
    story_end_call(&story, "i1");
    story_at(&story, 100000);
    ask(&story, "r1", "i1", "sales");
    assert_int_equal(story_reason(&story), NONE);
    assert_int_equal(place_of(&story)->entry_ms, AT(0));
    story_close(&story);
}

/* Answered at 20 s; asked then, read at 30 s. */
static PB(Reason) answered_and_asked(struct story *story, int64_t asked_ms)
{
    open_sales(story);
    story_ready(story, "anna", "sales");
    story_enter(story, "i1", "sales");
    story_at(story, 20000);
    story_connect(story, "i1", "anna");
    story_at(story, 30000);
    story->timestamp_ms = asked_ms;
    ask(story, "r1", "i1", "sales");
    return story_reason(story);
}

static void rule_1_11_answered_before_is_served(void **state)
{
    struct story story;

    (void)state;
    assert_int_equal(answered_and_asked(&story, 20001), REASON(ALREADY_SERVED));
    story_end_call(&story, "i1");
    ask(&story, "r2", "i1", "sales");
    assert_int_equal(story_reason(&story), REASON(ALREADY_SERVED));
    story_close(&story);
    assert_int_equal(answered_and_asked(&story, 20000), NONE); /* not before */
    assert_int_equal(place_of(&story)->entry_ms, AT(0));       /* it waited at that moment */
    story_close(&story);
    assert_int_equal(answered_and_asked(&story, 15000), NONE);
    assert_int_equal(place_of(&story)->entry_ms, AT(0));
    story_close(&story);
}

static void rule_1_11_answered_and_wrapped_up_is_served(void **state)
{
    struct story story;

    (void)state;
    open_sales(&story);
    story_ready(&story, "anna", "sales");
    story_enter(&story, "i1", "sales");
    story_connect(&story, "i1", "anna");
    story_at(&story, 20000);
    story_wrap_up(&story, "i1", "anna", true);
    ask(&story, "r1", "i1", "sales");
    assert_int_equal(story_reason(&story), REASON(ALREADY_SERVED));
    story_wrap_up(&story, "i1", "anna", false);
    ask(&story, "r2", "i1", "sales");
    assert_int_equal(story_reason(&story), REASON(ALREADY_SERVED));
    story_end_call(&story, "i1");
    ask(&story, "r3", "i1", "sales");
    assert_int_equal(story_reason(&story), REASON(ALREADY_SERVED));
    story_close(&story);
}

static void rule_1_11_sent_back_into_line_may_ask(void **state)
{
    struct story story;

    (void)state;
    open_sales(&story);
    story_ready(&story, "anna", "sales");
    story_enter(&story, "i1", "sales");
    story_connect(&story, "i1", "anna");
    story_at(&story, 20000);
    story_enter(&story, "i1", "sales");
    story_at(&story, 25000);
    ask(&story, "r1", "i1", "sales");
    assert_int_equal(story_reason(&story), NONE);
    assert_int_equal(place_of(&story)->entry_ms, AT(20000));
    story_close(&story);
}

static void rule_1_11_second_request_names_the_first(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_sales(&story);
    story_enter(&story, "i1", "sales");
    ask(&story, "r1", "i1", "sales");
    callback = story_made(&story);
    ask(&story, "r2", "i1", "sales");
    assert_int_equal(story_reason(&story), REASON(ALREADY_REQUESTED));
    assert_string_equal(story_result(&story)->callback_refused->callback_id, callback);
    story_cancel(&story, callback);
    ask(&story, "r3", "i1", "sales"); /* ended: still the second */
    assert_int_equal(story_reason(&story), REASON(ALREADY_REQUESTED));
    assert_string_equal(story_result(&story)->callback_refused->callback_id, callback);
    assert_int_equal(machine_callbacks(story.machine), 0);
    story_close(&story);
}

static void rule_1_11_second_after_a_refused_one_is_the_first(void **state)
{
    struct story story;
    PB(CreateCallback) * create;

    (void)state;
    open_sales(&story);
    story_enter(&story, "i1", "sales");
    create = story_create(&story, "i1", "sales");
    create->script_id = story_text(&story, "none");
    story_ask(&story, "r1", create);
    assert_int_equal(story_reason(&story), REASON(SCRIPT_UNKNOWN));
    ask(&story, "r2", "i1", "sales");
    assert_int_equal(story_reason(&story), NONE);
    story_close(&story);
}

/* Whatever the call did since: ended, entered again, named by newer facts. */
static void rule_1_11_second_request_stays_the_second(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_sales(&story);
    story_set_queue(&story, story_queue(&story, "support"));
    ask(&story, "r1", "i1", "sales"); /* an interaction that only the request names */
    callback = story_made(&story);
    ask(&story, "r2", "i1", "support");
    assert_int_equal(story_reason(&story), REASON(ALREADY_REQUESTED));
    story_at(&story, 10000);
    story_enter(&story, "i1", "support");
    ask(&story, "r3", "i1", "support");
    assert_int_equal(story_reason(&story), REASON(ALREADY_REQUESTED));
    assert_int_equal(story_call(&story, "i1")->state, CALL(WAITING)); /* its place untouched */
    story_ask(&story, "r4", with_place(&story, "i1", "support", 9000, story.version + 5));
    assert_int_equal(story_reason(&story), REASON(ALREADY_REQUESTED));
    story_end_call(&story, "i1");
    story_at(&story, 60000);
    ask(&story, "r5", "i1", "support");
    assert_int_equal(story_reason(&story), REASON(ALREADY_REQUESTED));
    assert_string_equal(story_result(&story)->callback_refused->callback_id, callback);
    assert_int_equal(machine_callbacks(story.machine), 1);
    story_close(&story);
}

static void rule_1_11_hung_up_while_alerting_may_ask(void **state)
{
    struct story story;

    (void)state;
    open_sales(&story);
    story_ready(&story, "anna", "sales");
    story_enter(&story, "i1", "sales");
    story_at(&story, 5000);
    story_alert(&story, "i1", "anna");
    story_at(&story, 30000);
    story_end_call(&story, "i1");
    assert_int_equal(story_counters(&story, "sales")->live->abandoned, 1);
    story_at(&story, 90000);
    ask(&story, "r1", "i1", "sales");
    assert_int_equal(story_reason(&story), NONE);
    assert_int_equal(place_of(&story)->entry_ms, AT(0));
    story_close(&story);
}

static void rule_1_11_abandoned_but_back_in_line_lives(void **state)
{
    struct story story;

    (void)state;
    open_sales(&story);
    story_enter(&story, "i1", "sales");
    story_at(&story, 10000);
    story_leave(&story, "i1", LEFT(ABANDONED));
    story_at(&story, 20000);
    story_enter(&story, "i1", "sales");
    story_at(&story, 200000); /* late_request ran from no end */
    ask(&story, "r1", "i1", "sales");
    assert_int_equal(story_reason(&story), NONE);
    assert_int_equal(place_of(&story)->entry_ms, AT(20000));
    assert_int_equal(story_counters(&story, "sales")->live->abandoned, 1);
    assert_int_equal(story_counters(&story, "sales")->live->flow_out, 1);
    story_close(&story);
}

static void rule_1_11_late_request_is_an_option(void **state)
{
    (void)state;
    for (int over = 0; over < 2; over++) {
        struct story story;

        story_open(&story);
        story.options.late_request_ms = 5000;
        story_set_queue(&story, story_queue(&story, "sales"));
        story_enter(&story, "i1", "sales");
        story_at(&story, 10000);
        story_end_call(&story, "i1");
        story_at(&story, 15000 + over);
        ask(&story, "r1", "i1", "sales");
        assert_int_equal(story_reason(&story), over ? REASON(NOT_CONNECTED) : NONE);
        story_close(&story);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_1_1_is_accepted_from_three_flow_types_alone),
        cmocka_unit_test(rule_1_2_fields_reach_the_agent),
        cmocka_unit_test(rule_1_2_callee_name_may_be_left_out),
        cmocka_unit_test(rule_1_2_number_left_out_is_the_customers),
        cmocka_unit_test(rule_1_2_number_known_from_the_switch_wins),
        cmocka_unit_test(rule_1_2_country_code_makes_one_form_of_a_number),
        cmocka_unit_test(rule_1_2_longer_than_the_contract_allows_is_refused),
        cmocka_unit_test(rule_1_2_every_text_has_its_limit),
        cmocka_unit_test(rule_1_2_routing_data_have_their_limits),
        cmocka_unit_test(rule_1_2_of_who_was_dialled_it_is_the_number_dialled),
        cmocka_unit_test(rule_1_3_script_unknown_is_refused),
        cmocka_unit_test(rule_1_3_script_not_for_callbacks_is_refused),
        cmocka_unit_test(rule_1_3_none_given_is_the_queues_default_script),
        cmocka_unit_test(rule_1_4_unknown_queue_is_refused),
        cmocka_unit_test(rule_1_5_caller_id_is_what_call_data_set),
        cmocka_unit_test(rule_1_5_caller_id_of_the_event_serves_until_call_data_is_read),
        cmocka_unit_test(rule_1_5_call_data_known_wins_over_the_events),
        cmocka_unit_test(rule_1_5_caller_id_else_is_the_queues),
        cmocka_unit_test(rule_1_5_name_alone_goes_with_the_queues_ani),
        cmocka_unit_test(rule_1_5_caller_id_stays_empty_without_either),
        cmocka_unit_test(rule_1_5_call_data_afterwards_changes_no_callback),
        cmocka_unit_test(rule_1_5_caller_id_of_scheduled_callbacks_too),
        cmocka_unit_test(rule_1_5_last_call_data_counts),
        cmocka_unit_test(rule_1_6_takes_the_place_of_its_interaction),
        cmocka_unit_test(rule_1_6_keeps_its_rank_among_live_ones),
        cmocka_unit_test(rule_1_6_keeps_its_rank_among_callbacks_of_one_entry_time),
        cmocka_unit_test(rule_1_6_from_elsewhere_is_the_end),
        cmocka_unit_test(rule_1_6_into_another_queue_is_its_end),
        cmocka_unit_test(rule_1_6_flowed_out_counts_as_waiting_there),
        cmocka_unit_test(rule_1_6_flowed_out_over_other_queues_counts_as_waiting_in_the_first),
        cmocka_unit_test(rule_1_6_flowed_out_and_back_has_the_newer_place),
        cmocka_unit_test(rule_1_6_abandoned_before_another_queue_is_not_held),
        cmocka_unit_test(rule_1_6_eight_places_are_held_elsewhere),
        cmocka_unit_test(rule_1_6_with_an_agent_since_counts_no_more),
        cmocka_unit_test(rule_1_6_place_by_the_events_own_facts),
        cmocka_unit_test(rule_1_6_late_entered_without_versions_is_known_by_its_entry),
        cmocka_unit_test(rule_1_6_place_known_wins_over_the_events),
        cmocka_unit_test(rule_1_6_events_facts_newer_than_the_known_win),
        cmocka_unit_test(rule_1_6_place_later_than_the_request_is_the_requests),
        cmocka_unit_test(rule_1_6_newer_facts_of_the_same_place_count_once),
        cmocka_unit_test(rule_1_6_place_is_of_its_own_domain),
        cmocka_unit_test(rule_1_7_ranks_as_its_place_did),
        cmocka_unit_test(rule_1_7_matches_as_its_place_did),
        cmocka_unit_test(rule_1_7_place_and_routing_data_stay_through_offers_and_retries),
        cmocka_unit_test(rule_1_7_another_queue_gives_its_defaults),
        cmocka_unit_test(rule_1_7_inherit_routing_data_by_domain_and_queue),
        cmocka_unit_test(rule_1_7_scheduled_callbacks_inherit_by_the_same_switch),
        cmocka_unit_test(rule_1_7_inherited_routing_data_stay_when_the_switch_is_turned),
        cmocka_unit_test(rule_1_8_interaction_leaves_as_flow_out),
        cmocka_unit_test(rule_1_8_interaction_alerting_leaves_its_agent),
        cmocka_unit_test(rule_1_8_entered_again_stands_anew_at_the_end),
        cmocka_unit_test(rule_1_8_entered_with_the_old_entry_stands_nowhere),
        cmocka_unit_test(rule_1_8_flow_out_is_timed_by_the_request),
        cmocka_unit_test(rule_1_8_callback_stays_when_its_call_is_answered),
        cmocka_unit_test(rule_1_9_accepted_comes_with_the_callback_itself),
        cmocka_unit_test(rule_1_9_refused_leaves_the_interaction_where_it_stands),
        cmocka_unit_test(rule_1_9_refused_makes_no_interaction_known),
        cmocka_unit_test(rule_1_10_the_31st_in_queue_flow_is_refused),
        cmocka_unit_test(rule_1_10_counts_a_flow_event_once_and_no_other_flows),
        cmocka_unit_test(rule_1_10_counts_of_each_interaction_and_beyond_31),
        cmocka_unit_test(rule_1_11_hanging_up_does_not_undo_the_request),
        cmocka_unit_test(rule_1_11_the_request_counts_by_its_timestamp),
        cmocka_unit_test(rule_1_11_hung_up_after_it_was_read_is_a_flow_out),
        cmocka_unit_test(rule_1_11_flowed_out_and_hung_up_keeps_the_place),
        cmocka_unit_test(rule_1_11_answered_before_is_served),
        cmocka_unit_test(rule_1_11_answered_and_wrapped_up_is_served),
        cmocka_unit_test(rule_1_11_sent_back_into_line_may_ask),
        cmocka_unit_test(rule_1_11_second_request_names_the_first),
        cmocka_unit_test(rule_1_11_second_after_a_refused_one_is_the_first),
        cmocka_unit_test(rule_1_11_second_request_stays_the_second),
        cmocka_unit_test(rule_1_11_hung_up_while_alerting_may_ask),
        cmocka_unit_test(rule_1_11_abandoned_but_back_in_line_lives),
        cmocka_unit_test(rule_1_11_late_request_is_an_option),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
