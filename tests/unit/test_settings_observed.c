/* daemon/settings_observed: what `queues lint --observed` says of recorded flows (13.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "daemon/settings_observed.h"
#include "producers/log_file.h"

#include "ringback/v1/flows.pb-c.h"
#include "ringback/v1/interactions.pb-c.h"
#include "ringback/v1/results.pb-c.h"

#define PB(name)          Ringback__V1__##name
#define FLOW(name)        RINGBACK__V1__FLOW_EVENT__EVENT_##name
#define INTERACTION(name) RINGBACK__V1__INTERACTION_EVENT__EVENT_##name

/* Two queues of a domain without any other warning, and one of the same name elsewhere. */
static const char file[] =
    "domains:\n"
    "  bank:\n"
    "    queues:\n"
    "      sales: &q {ani: \"+4971112\", window: {zone: UTC, hours: [mon-sun 00:00-24:00]}}\n"
    "      cards:\n"
    "        ani: \"+4971112\"\n"
    "        window: {zone: UTC, hours: [mon-sun 00:00-24:00]}\n"
    "        dial_mode: customer_first\n"
    "  shop:\n"
    "    queues:\n"
    "      sales: *q\n";

static struct settings settings;
static struct settings_observed observed;
static struct err_note note;
static struct arena arena;
static struct log_writer *writer;
static int64_t offset;
static const char *domain;
static char path[40];
static char *said;
static size_t said_size;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena);
    settings_init(&settings);
    snprintf(path, sizeof(path), "/tmp/ringback-seen-XXXXXX");
    close(mkstemp(path));
    assert_int_equal(settings_read_text(&settings, "f.yaml", file, strlen(file), &note), ERR_OK);
    assert_int_equal(settings.problem_count, 0);
    assert_int_equal(log_writer_create(path, &writer, &note), ERR_OK);
    offset = 0;
    domain = "bank";
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    log_writer_abandon(writer);
    writer = NULL;
    settings_deinit(&settings);
    arena_deinit(&arena);
    free(said);
    said = NULL;
    unlink(path);
    return 0;
}

/* Another world within a test. */
static void again(void)
{
    teardown(NULL);
    setup(NULL);
}

static void put_bytes(const char *topic, int64_t at_ms, const void *bytes, size_t size)
{
    struct record record = {.offset = offset++,
                            .timestamp_ms = at_ms,
                            .key = slice_text(domain),
                            .value = slice_make(bytes, size)};

    assert_int_equal(log_writer_add(writer, topic, &record, &note), ERR_OK);
}

static void put(const char *topic, int64_t at_ms, const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = arena_alloc(&arena, size);

    protobuf_c_message_pack(message, bytes);
    put_bytes(topic, at_ms, bytes, size);
}

static char *text(const char *value)
{
    return arena_text(&arena, slice_text(value));
}

/* --- what is recorded --- */

static void ask(int64_t at_ms, const char *id, const char *interaction, const char *queue)
{
    PB(CreateCallback) create = RINGBACK__V1__CREATE_CALLBACK__INIT;
    PB(FlowEvent) event = RINGBACK__V1__FLOW_EVENT__INIT;

    create.interaction_id = text(interaction);
    create.queue_id = text(queue);
    event.id = text(id);
    event.event_case = FLOW(CREATE_CALLBACK);
    event.create_callback = &create;
    put("flows", at_ms, &event.base);
}

static void voicemail(int64_t at_ms, const char *id, const char *interaction, const char *queue,
                      const char *agent)
{
    PB(LeaveVoicemail) left = RINGBACK__V1__LEAVE_VOICEMAIL__INIT;
    PB(FlowEvent) event = RINGBACK__V1__FLOW_EVENT__INIT;

    left.interaction_id = text(interaction);
    left.queue_id = text(queue);
    left.from_agent_id = text(agent);
    event.id = text(id);
    event.event_case = FLOW(LEAVE_VOICEMAIL);
    event.leave_voicemail = &left;
    put("flows", at_ms, &event.base);
}

static void flow_entered(int64_t at_ms, const char *interaction)
{
    PB(FlowEntered) entered = RINGBACK__V1__FLOW_ENTERED__INIT;
    PB(FlowEvent) event = RINGBACK__V1__FLOW_EVENT__INIT;

    entered.interaction_id = text(interaction);
    event.id = text("entered");
    event.event_case = FLOW(FLOW_ENTERED);
    event.flow_entered = &entered;
    put("flows", at_ms, &event.base);
}

static void call_data(int64_t at_ms, const char *interaction)
{
    PB(CallData) data = RINGBACK__V1__CALL_DATA__INIT;
    PB(FlowEvent) event = RINGBACK__V1__FLOW_EVENT__INIT;

    data.interaction_id = text(interaction);
    event.id = text("data");
    event.event_case = FLOW(CALL_DATA);
    event.call_data = &data;
    put("flows", at_ms, &event.base);
}

static void answer(const char *request, bool refused)
{
    PB(CallbackAccepted) accepted = RINGBACK__V1__CALLBACK_ACCEPTED__INIT;
    PB(CallbackRefused) refusal = RINGBACK__V1__CALLBACK_REFUSED__INIT;
    PB(Result) result = RINGBACK__V1__RESULT__INIT;

    refusal.reason = RINGBACK__V1__REASON__REASON_QUEUE_FULL;
    result.request_id = text(request);
    result.answer_case = refused ? RINGBACK__V1__RESULT__ANSWER_CALLBACK_REFUSED
                                 : RINGBACK__V1__RESULT__ANSWER_CALLBACK_ACCEPTED;
    if (refused)
        result.callback_refused = &refusal;
    else
        result.callback_accepted = &accepted;
    put("results", 1000, &result.base);
}

static void happens(int64_t at_ms, const char *interaction, PB(InteractionEvent__EventCase) what,
                    PB(LeftReason) why)
{
    PB(Interaction) about = RINGBACK__V1__INTERACTION__INIT;
    PB(InteractionEntered) entered = RINGBACK__V1__INTERACTION_ENTERED__INIT;
    PB(InteractionLeft) left = RINGBACK__V1__INTERACTION_LEFT__INIT;
    PB(InteractionAlerting) alerting = RINGBACK__V1__INTERACTION_ALERTING__INIT;
    PB(InteractionConnected) connected = RINGBACK__V1__INTERACTION_CONNECTED__INIT;
    PB(InteractionEnded) ended = RINGBACK__V1__INTERACTION_ENDED__INIT;
    PB(InteractionEvent) event = RINGBACK__V1__INTERACTION_EVENT__INIT;

    about.interaction_id = text(interaction);
    left.reason = why;
    event.interaction = &about;
    event.event_case = what;
    if (what == INTERACTION(ENTERED))
        event.entered = &entered;
    else if (what == INTERACTION(LEFT))
        event.left = &left;
    else if (what == INTERACTION(ALERTING))
        event.alerting = &alerting;
    else if (what == INTERACTION(CONNECTED))
        event.connected = &connected;
    else
        event.ended = &ended;
    put("interactions", at_ms, &event.base);
}

/* --- what comes of it --- */

static enum err observe(void)
{
    assert_int_equal(log_writer_close(writer, &note), ERR_OK);
    writer = NULL;
    return settings_observe(&settings, path, NULL, NULL, &observed, &note);
}

/* All warnings, as they are printed. */
static const char *warnings(void)
{
    FILE *out;

    free(said);
    said = NULL;
    out = open_memstream(&said, &said_size);
    for (size_t i = 0; i < settings.problem_count; i++)
        settings_problem_print(&settings, &settings.problems[i], out);
    assert_int_equal(fclose(out), 0);
    return said;
}

#define REFUSED_ONE                                                                                \
    "f.yaml:4:7: warning: bank: queues: sales: no failure path seen for Create Callback: 1 of 1 "  \
    "were refused, and none of these callers came to a flow, a queue or an agent after it (rule "  \
    "1.9)\n"

/* What may follow the refusal of i1, asked as ask-1 at 1000 ms. */
enum sequel {
    NOTHING,
    HANGS_UP,
    ABANDONS,
    SAME_AGAIN,
    WAS_BEFORE,
    AT_ONCE_ELSEWHERE,
    ANOTHER_CALL,
    ANOTHER_DOMAIN,
    LAST_BAD = ANOTHER_DOMAIN,
    ANOTHER_FLOW,
    SAME_MILLISECOND,
    SETS_DATA,
    ASKS_ANEW,
    LEAVES_WORD,
    ENTERS,
    ALERTS,
    CONNECTS,
    FLOWS_OUT,
    SEQUEL_COUNT
};

static void tell(enum sequel sequel)
{
    switch (sequel) {
    case NOTHING: break;
    case HANGS_UP: happens(1001, "i1", INTERACTION(ENDED), 0); break;
    case ABANDONS: happens(1001, "i1", INTERACTION(LEFT), 1); break;
    case SAME_AGAIN: ask(1001, "ask-1", "i1", "sales"); break;
    case WAS_BEFORE: flow_entered(999, "i1"); break;
    case AT_ONCE_ELSEWHERE: happens(1000, "i1", INTERACTION(ENTERED), 0); break;
    case ANOTHER_CALL: flow_entered(1001, "i2"); break;
    case ANOTHER_DOMAIN:
        domain = "shop";
        flow_entered(1001, "i1");
        break;
    case ANOTHER_FLOW: flow_entered(1001, "i1"); break;
    case SAME_MILLISECOND: flow_entered(1000, "i1"); break;
    case SETS_DATA: call_data(1001, "i1"); break;
    case ASKS_ANEW: ask(1001, "ask-2", "i1", "cards"); break;
    case LEAVES_WORD: voicemail(1001, "ask-2", "i1", "sales", ""); break;
    case ENTERS: happens(1001, "i1", INTERACTION(ENTERED), 0); break;
    case ALERTS: happens(1001, "i1", INTERACTION(ALERTING), 0); break;
    case CONNECTS: happens(1001, "i1", INTERACTION(CONNECTED), 0); break;
    case FLOWS_OUT: happens(1001, "i1", INTERACTION(LEFT), 2); break;
    case SEQUEL_COUNT: break;
    }
}

static void rule_13_1_observed_a_failure_path_is_what_follows_a_refusal(void **state)
{
    (void)state;
    for (enum sequel sequel = 0; sequel < SEQUEL_COUNT; sequel++) {
        const char *want = sequel <= LAST_BAD ? REFUSED_ONE : "";

        again();
        ask(1000, "ask-1", "i1", "sales");
        answer("ask-1", true);
        tell(sequel);
        assert_int_equal(observe(), ERR_OK);
        if (sequel == ASKS_ANEW) /* that one shows nothing of its own */
            want = "f.yaml:5:7: warning: bank: queues: cards: no failure path seen for Create"
                   " Callback: none of its 1 was refused; see what the flow does then before"
                   " customers do (rule 1.9)\n";
        if (strcmp(warnings(), want) != 0)
            fail_msg("%d: %s", (int)sequel, warnings());
        assert_int_equal(observed.refused, 1);
        assert_int_equal(observed.callbacks, sequel == ASKS_ANEW ? 2 : 1);
    }
}

/* One caller who was led on shows the path, whatever others did. */
static void rule_13_1_observed_one_led_on_is_enough(void **state)
{
    (void)state;
    for (int led = 0; led < 2; led++) {
        again();
        ask(1000, "ask-3", "i3", "sales");
        ask(1000, "ask-1", "i1", "sales");
        ask(1000, "ask-2", "i2", "sales");
        answer("ask-1", true);
        answer("ask-2", false);
        answer("ask-3", true);
        flow_entered(2000, led ? "i3" : "i2"); /* i2 was accepted */
        assert_int_equal(observe(), ERR_OK);
        assert_int_equal(settings.problem_count, led ? 0 : 1);
        if (!led)
            assert_non_null(strstr(warnings(), "Create Callback: 2 of 3 were refused"));
        assert_int_equal(observed.callbacks, 3);
        assert_int_equal(observed.refused, 2);
    }
}

static void rule_13_1_observed_without_a_refusal_nothing_is_seen(void **state)
{
    (void)state;
    ask(1000, "ask-1", "i1", "sales");
    ask(1000, "ask-2", "i2", "sales");
    answer("ask-1", false);
    answer("other", true); /* of a request that is not in the log */
    domain = "shop";
    answer("ask-2", true); /* another domain's */
    assert_int_equal(observe(), ERR_OK);
    assert_string_equal(warnings(),
                        "f.yaml:4:7: warning: bank: queues: sales: no failure path seen for Create"
                        " Callback: none of its 2 was refused; see what the flow does then before"
                        " customers do (rule 1.9)\n");
    again();
    ask(1000, "ask-1", "i1", "sales");
    assert_int_equal(observe(), ERR_OK);
    assert_string_equal(warnings(),
                        "f.yaml:4:7: warning: bank: queues: sales: no failure path seen for Create"
                        " Callback: the log has no answers (topic results) to its 1 (rule 1.9)\n");
}

static void rule_13_1_observed_voicemails(void **state)
{
    (void)state;
    voicemail(1000, "ask-1", "i1", "sales", "");
    assert_int_equal(observe(), ERR_OK);
    assert_int_equal(settings.problem_count, 0);
    again();
    voicemail(1000, "ask-1", "i1", "cards", "");
    voicemail(1000, "ask-2", "i2", "cards", "");
    voicemail(1000, "ask-3", "i3", "sales", "anna");
    voicemail(1001, "ask-3", "i3", "sales", "anna"); /* sent again */
    voicemail(1002, "ask-4", "i4", "sales", "ben");
    domain = "shop";
    voicemail(1002, "ask-4", "i4", "sales", "");
    assert_int_equal(observe(), ERR_OK);
    assert_string_equal(
        warnings(),
        "f.yaml:4:7: warning: bank: queues: sales: 2 internal voicemails were left to it, one by"
        " \"anna\": each keeps that agent's callback capacity in use until it is resolved (rule"
        " 8.2)\n"
        "f.yaml:5:7: warning: bank: queues: cards: 2 voicemails were left to it, and `dial_mode`"
        " is customer_first: each is refused, NOT_IN_CUSTOMER_FIRST; the flow must take its failure"
        " path before it records (rule 7.7)\n");
    assert_int_equal(observed.voicemails, 5);
    assert_int_equal(observed.internal, 2);
    assert_int_equal(observed.strange, 0);
}

static void observed_what_is_not_of_the_file_is_counted(void **state)
{
    (void)state;
    put_bytes("flows", 1, "\xff\xff", 2);
    put_bytes("results", 1, "\xff\xff", 2);
    put_bytes("weather", 1, "\xff\xff", 2);
    ask(1000, "ask-1", "i1", "nowhere");
    domain = "mill";
    voicemail(1000, "ask-1", "i1", "sales", "");
    assert_int_equal(observe(), ERR_OK);
    assert_int_equal(settings.problem_count, 0);
    assert_int_equal(observed.callbacks, 1);
    assert_int_equal(observed.voicemails, 1);
    assert_int_equal(observed.strange, 2);
    assert_int_equal(observed.unreadable, 2);
}

static void observed_a_log_without_flows_is_refused(void **state)
{
    char want[200];

    (void)state;
    answer("ask-1", true);
    assert_int_equal(observe(), ERR_BAD_FILE);
    snprintf(want, sizeof(want),
             "%s has no record of the topic flows: record it with `ringback capture`", path);
    assert_string_equal(note.text, want);
    again();
    put_bytes("weather", 1, "", 0);
    assert_int_equal(observe(), ERR_BAD_FILE);
    assert_non_null(strstr(note.text, "has no record of the topic flows, but of weather: if"));
    again();
    put_bytes("flows", 1, "", 0);
    assert_int_equal(log_writer_close(writer, &note), ERR_OK);
    writer = NULL;
    assert_int_equal(truncate(path, 5), 0);
    assert_int_equal(settings_observe(&settings, path, NULL, NULL, &observed, &note), ERR_BAD_FILE);
    assert_int_equal(settings_observe(&settings, "/nowhere", NULL, NULL, &observed, &note), ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rule_13_1_observed_a_failure_path_is_what_follows_a_refusal,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(rule_13_1_observed_one_led_on_is_enough, setup, teardown),
        cmocka_unit_test_setup_teardown(rule_13_1_observed_without_a_refusal_nothing_is_seen, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(rule_13_1_observed_voicemails, setup, teardown),
        cmocka_unit_test_setup_teardown(observed_what_is_not_of_the_file_is_counted, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(observed_a_log_without_flows_is_refused, setup, teardown),
    };

    return cmocka_run_group_tests_name("settings_observed", tests, NULL, NULL);
}
