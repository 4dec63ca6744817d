/* The view's small parts: texts of answers, parameters, bodies, rates, request ids, time lines,
 * what may be asked by state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "view/limits.h"
#include "view/out.h"
#include "view/params.h"
#include "view/render.h"
#include "view/requests.h"
#include "view/timeline.h"

#include "ringback/v1/analytics.pb-c.h"

static const char subject_id[] = "11111111-1111-8222-8333-123456789abc";

static void expect_json(const char *text, size_t size, const char *wanted)
{
    struct out out = {.data = NULL};

    out_json(&out, text, size);
    assert_string_equal(out_end(&out), wanted);
    out_deinit(&out);
}

static void out_json_escapes_and_mends(void **state)
{
    (void)state;
    expect_json("plain \xc3\xa4", 8, "\"plain \xc3\xa4\"");
    expect_json("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
    expect_json("\n\0\x7f", 3, "\"\\u000a\\u0000\\u007f\"");
    expect_json("\xff\xc3", 2, "\"\\ufffd\\ufffd\"");
    expect_json("\xed\xa0\x80", 3, "\"\\ufffd\\ufffd\\ufffd\""); /* half a pair */
    expect_json("\xf0\x9f\x98\x80", 4, "\"\xf0\x9f\x98\x80\"");
}

static void out_csv_quotes_and_defuses(void **state)
{
    static const char *const rows[][2] = {
        {"plain", "plain"},       {"a,b", "\"a,b\""}, {"say \"x\"", "\"say \"\"x\"\"\""},
        {"=1+1", "'=1+1"},        {"@x", "'@x"},      {"-1", "'-1"},
        {"+4930123", "+4930123"}, {"+A1", "'+A1"},    {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct out out = {.data = NULL};

        out_csv(&out, rows[i][0]);
        assert_string_equal(out_end(&out), rows[i][1]);
        out_deinit(&out);
    }
}

/* "a=b&c=d" */
static void params_of(char *text, struct params *params)
{
    params->count = 0;
    for (char *at = strtok(text, "&"); at != NULL; at = strtok(NULL, "&")) {
        struct param *param = &params->items[params->count++];
        char *equal = strchr(at, '=');

        *equal = '\0';
        *param = (struct param){at, equal + 1, strlen(at), strlen(equal + 1)};
    }
}

static size_t faults_of(const char *query, struct params_list *list)
{
    static struct params params;
    static char text[1000];
    struct params_faults faults = {.count = 0};

    (void)snprintf(text, sizeof(text), "%s", query);
    params_of(text, &params);
    (void)params_list(&params, PARAMS_PAGE, list, &faults);
    out_deinit(&faults.out);
    return faults.count;
}

static void params_list_reads_every_filter(void **state)
{
    struct params_list list;

    (void)state;
    assert_int_equal(faults_of("domain=a&domain=b&queue=q&state=waiting&state=ended&kind=campaign&"
                               "owner=-&scheduled_by=x&campaign=c&agent=y&number=12&q=z&ended=any&"
                               "due_from=2026-01-01T00:00:00Z&created_to=2026-01-01T00:00:00%2B&",
                               &list),
                     1); /* the last is no time */
    assert_int_equal(
        faults_of("sort=-name&limit=500&cursor=x&domain=a&domain=b&state=waiting", &list), 0);
    assert_int_equal(list.query.domains.count, 2);
    assert_int_equal(list.query.states, 1u << RINGBACK__V1__CALLBACK_STATE__CALLBACK_STATE_WAITING);
    assert_int_equal(list.query.sort, VIEW_SORT_NAME);
    assert_true(list.query.descending);
    assert_int_equal(list.limit, 500);
}

static void params_list_names_every_fault(void **state)
{
    static const char *const wrong[] = {
        "limit=0",     "limit=501",  "limit=1e1", "limit=-1",
        "sort=--due",  "sort=",      "state=on",  "kind=x",
        "ended=maybe", "number=",    "number=1x", "number=1234567890123456",
        "q=",          "due_to=1",   "q=a&q=b",   "limit=1&limit=1",
        "other=1",     "format=csv", "domain=",   "q=\xff",
    };
    struct params_list list;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (faults_of(wrong[i], &list) != 1)
            fail_msg("%s", wrong[i]);
    }
}

#define ITEM "\"items\":[{\"domain\":\"acme\",\"id\":\"11111111-1111-8222-8333-123456789abc\"}]"

static void params_action_takes_what_fits(void **state)
{
    static const struct {
        const char *body;
        bool good;
    } rows[] = {
        {"{\"action\":\"cancel\"," ITEM "}", true},
        {"{\"action\":\"cancel\"," ITEM ",\"due\":\"2030-01-01T00:00:00Z\"}", false},
        {"{\"action\":\"reschedule\"," ITEM ",\"due\":\"2030-01-01T00:00:00Z\"}", true},
        {"{\"action\":\"reschedule\"," ITEM "}", false},
        {"{\"action\":\"reschedule\"," ITEM
         ",\"local_due\":{\"time\":\"2030-01-01T09:00\",\"zone\":\"Europe/Berlin\"}}",
         true},
        {"{\"action\":\"reschedule\"," ITEM
         ",\"local_due\":{\"time\":\"2030-13-01T09:00\",\"zone\":"
         "\"Europe/Berlin\"}}",
         false},
        {"{\"action\":\"reschedule\"," ITEM
         ",\"due\":\"2030-01-01T00:00:00Z\",\"local_due\":{\"time\":\"2030-01-01T09:00\",\"zone\":"
         "\"x\"}}",
         false},
        {"{\"action\":\"reassign\"," ITEM ",\"queue_id\":\"q\"}", true},
        {"{\"action\":\"reassign\"," ITEM ",\"queue_id\":\"q\",\"owner_agent_id\":\"a\"}", true},
        {"{\"action\":\"reassign\"," ITEM ",\"queue_id\":\"no id\"}", false},
        {"{\"action\":\"reassign\"," ITEM "}", false},
        {"{\"action\":\"cancel\"," ITEM ",\"more\":1}", false},
        {"{\"action\":\"cancel\"," ITEM ",\"request_key\":\"\"}", false},
        {"{\"action\":\"cancel\"," ITEM ",\"request_key\":\"a\\u0000b\"}", false},
        {"{\"action\":\"cancel\",\"action\":\"cancel\"," ITEM "}", false},
        {"{\"action\":\"cancel\",\"items\":[{\"domain\":\"acme\",\"id\":\"x\"}]}", false},
        {"{\"action\":\"cancel\",\"items\":[{\"domain\":\"a b\",\"id\":\""
         "11111111-1111-8222-8333-123456789abc"
         "\"}]}",
         false},
        {"{\"action\":\"cancel\",\"items\":{}}", false},
        {"", false},
        {"null", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct params_faults faults = {.count = 0};
        struct params_action action;

        if (params_action(rows[i].body, strlen(rows[i].body), &action, &faults) != rows[i].good)
            fail_msg("%s", rows[i].body);
        params_action_deinit(&action);
        out_deinit(&faults.out);
    }
}

static void limits_let_so_many_and_then_a_rate(void **state)
{
    static struct limits limits;
    int64_t wait_ms;

    (void)state;
    limits_init(&limits, 5);
    for (int i = 0; i < 10; i++)
        assert_true(limits_take(&limits, 'u', "ann", 1000, &wait_ms));
    assert_false(limits_take(&limits, 'u', "ann", 1000, &wait_ms));
    assert_in_range(wait_ms, 1, 201);
    assert_true(limits_take(&limits, 'a', "ann", 1000, &wait_ms));
    assert_true(limits_take(&limits, 'u', "ben", 1000, &wait_ms));
    assert_true(limits_take(&limits, 'u', "ann", 1201, &wait_ms));
    assert_false(limits_take(&limits, 'u', "ann", 1202, &wait_ms));
    limits_deinit(&limits);
}

static void requests_of_one_key_are_one(void **state)
{
    struct request_ask ask = {.edit = MACHINE_EDIT_CANCEL, .user = "ann", .request_key = "k"};
    struct request_item item = {.domain = "acme", .id = subject_id};
    char first[request_id_bytes], second[request_id_bytes];

    (void)state;
    requests_request_id(&ask, &item, first);
    requests_request_id(&ask, &item, second);
    assert_string_equal(first, second);
    ask.user = "ben";
    requests_request_id(&ask, &item, second);
    assert_string_not_equal(first, second);
    ask.user = "ann";
    ask.edit = MACHINE_EDIT_REASSIGN;
    requests_request_id(&ask, &item, second);
    assert_string_not_equal(first, second);
    ask.request_key = "";
    requests_request_id(&ask, &item, first);
    requests_request_id(&ask, &item, second);
    assert_string_not_equal(first, second);
}

static void edit_refusals_are_those_of_rule_11_3(void **state)
{
    static const char *const words[MACHINE_EDIT_COUNT] = {
        /* by state from SCHEDULED on: . done, c IN_CALL, w WITH_AGENT */
        ".......cc", ".....wccc", ".....wccc"};

    (void)state;
    for (int edit = 0; edit < MACHINE_EDIT_COUNT; edit++) {
        for (int at = 0; words[edit][at] != '\0'; at++) {
            Ringback__V1__Reason reason = machine_edit_refusal(
                (enum machine_edit)edit, (Ringback__V1__CallbackState)(at + 1), false, 1000, 500);
            char word = reason == RINGBACK__V1__REASON__REASON_UNSPECIFIED  ? '.'
                        : reason == RINGBACK__V1__REASON__REASON_IN_CALL    ? 'c'
                        : reason == RINGBACK__V1__REASON__REASON_WITH_AGENT ? 'w'
                                                                            : '?';

            if (word != words[edit][at])
                fail_msg("edit %d, state %d: %c", edit, at + 1, word);
        }
    }
}

static void edit_refusals_are_those_of_rule_3_5(void **state)
{
    const int64_t due = INT64_C(100000000), lock = 15 * 60 * 1000;
    const Ringback__V1__CallbackState scheduled =
        RINGBACK__V1__CALLBACK_STATE__CALLBACK_STATE_SCHEDULED;

    (void)state;
    for (int edit = 0; edit < MACHINE_EDIT_COUNT; edit++) {
        enum machine_edit one = (enum machine_edit)edit;
        Ringback__V1__Reason locked = one == MACHINE_EDIT_CANCEL
                                          ? RINGBACK__V1__REASON__REASON_UNSPECIFIED
                                          : RINGBACK__V1__REASON__REASON_EDIT_LOCKED;

        assert_int_equal(machine_edit_refusal(one, scheduled, true, due, due - lock), locked);
        assert_int_equal(machine_edit_refusal(one, scheduled, true, due, due - 1), locked);
        assert_int_equal(machine_edit_refusal(one, scheduled, true, due, due - lock - 1), 0);
        assert_int_equal(machine_edit_refusal(one, scheduled, true, due, due), 0);
        assert_int_equal(machine_edit_refusal(one, scheduled, false, due, due - 1), 0);
    }
}

/* --- time lines --- */

static void tell(struct timeline *line, const struct timeline_subject *subject,
                 Ringback__V1__AnalyticsEvent *event)
{
    uint8_t bytes[1000];

    timeline_take(line, subject,
                  slice_make(bytes, ringback__v1__analytics_event__pack(event, bytes)));
}

static void timeline_is_in_order_and_of_one(void **state)
{
    Ringback__V1__AnalyticsEvent event = RINGBACK__V1__ANALYTICS_EVENT__INIT;
    Ringback__V1__SessionStarted started = RINGBACK__V1__SESSION_STARTED__INIT;
    Ringback__V1__Segment segment = RINGBACK__V1__SEGMENT__INIT;
    struct timeline_subject subject = {.created_ms = 1000, .due_ms = 9000, .since_ms = 5000};
    struct timeline line;

    (void)state;
    memcpy(subject.id, subject_id, sizeof(subject_id));
    subject.state = RINGBACK__V1__CALLBACK_STATE__CALLBACK_STATE_WAITING;
    timeline_init(&line);
    event.callback_id = (char *)(uintptr_t)subject_id;
    event.event_case = RINGBACK__V1__ANALYTICS_EVENT__EVENT_SEGMENT;
    event.segment = &segment;
    segment.type = RINGBACK__V1__SEGMENT_TYPE__SEGMENT_TYPE_SCHEDULED;
    segment.start_ms = 900;
    segment.end_ms = 5000;
    tell(&line, &subject, &event);
    event.callback_id = (char *)(uintptr_t) "other";
    event.conversation_id = (char *)(uintptr_t)subject_id; /* mentions it, is another's */
    tell(&line, &subject, &event);
    event.callback_id = (char *)(uintptr_t)subject_id;
    event.event_case = RINGBACK__V1__ANALYTICS_EVENT__EVENT_SESSION_STARTED;
    event.session_started = &started;
    event.time_ms = 1000;
    tell(&line, &subject, &event);
    timeline_take(&line, &subject,
                  slice_text("\xff"
                             "11111111-1111-8222-8333-123456789abc"));
    timeline_finish(&line, &subject);
    assert_int_equal(line.count, 4);
    assert_string_equal(line.events[0].what, "created");
    assert_int_equal(line.events[0].time_ms, 900);
    assert_string_equal(line.events[1].what, "scheduled");
    assert_int_equal(line.events[1].duration_ms, 4100);
    assert_string_equal(line.events[2].what, "waiting");
    assert_string_equal(line.events[3].what, "due");
    assert_true(line.complete);
    assert_null(line.note);
    timeline_deinit(&line);
}

static void timeline_says_what_it_lacks(void **state)
{
    struct timeline_subject subject = {.created_ms = 1000, .ended_ms = 2000};
    struct timeline line;

    (void)state;
    memcpy(subject.id, subject_id, sizeof(subject_id));
    subject.state = RINGBACK__V1__CALLBACK_STATE__CALLBACK_STATE_ENDED;
    subject.reason = RINGBACK__V1__REASON__REASON_CANCELLED;
    timeline_init(&line);
    timeline_finish(&line, &subject);
    assert_int_equal(line.count, 2);
    assert_string_equal(line.events[1].reason, "CANCELLED");
    assert_false(line.complete);
    assert_non_null(line.note);
    timeline_deinit(&line);
}

/* That the page does not read by itself is shown in a browser: tests/ui, neverByItself. */
static void rule_9_4_an_answer_says_the_time_of_its_data(void **state)
{
    const struct follower_status late = {
        .clock_ms = 1764547200000,
        .behind_ms = 12500,
        .behind_records = 7,
        .undecided = -1,
        .loaded_percent = 100,
        .complete = true,
    };
    struct out out = {.data = NULL};

    (void)state;
    render_data(&out, &late);
    assert_string_equal(out_end(&out),
                        "\"data\":{\"time\":\"2025-12-01T00:00:00.000Z\",\"behind_seconds\":12.500,"
                        "\"behind_records\":7,\"undecided_records\":null,\"complete\":true,"
                        "\"loaded_percent\":100.0,\"warnings\":[]}");
    out_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(out_json_escapes_and_mends),
        cmocka_unit_test(out_csv_quotes_and_defuses),
        cmocka_unit_test(params_list_reads_every_filter),
        cmocka_unit_test(params_list_names_every_fault),
        cmocka_unit_test(params_action_takes_what_fits),
        cmocka_unit_test(limits_let_so_many_and_then_a_rate),
        cmocka_unit_test(requests_of_one_key_are_one),
        cmocka_unit_test(edit_refusals_are_those_of_rule_11_3),
        cmocka_unit_test(edit_refusals_are_those_of_rule_3_5),
        cmocka_unit_test(timeline_is_in_order_and_of_one),
        cmocka_unit_test(timeline_says_what_it_lacks),
        cmocka_unit_test(rule_9_4_an_answer_says_the_time_of_its_data),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
