/* Chapter 9 of the rules, what is built: the export (9.5). Its limits are in test_rules_14.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "base/arena.h"
#include "daemon/export.h"

#define METRIC(name)  RINGBACK__V1__METRIC_NAME__METRIC_NAME_##name
#define SEGMENT(name) RINGBACK__V1__SEGMENT_TYPE__SEGMENT_TYPE_##name
#define EVENT(name)   RINGBACK__V1__ANALYTICS_EVENT__EVENT_##name

enum { now_s = 1000000, line_s = now_s - 12 * 3600 };

/* What is told to one export; texts live until close_(). */
struct telling {
    struct arena arena;
    struct exporter *exporter;
    const char *domain;
    char *text;
    size_t bytes;
};

static void open_between(struct telling *telling, enum export_format format, int64_t from_ms,
                         int64_t to_ms)
{
    const struct export_plan plan = {
        .now_ms = now_s * INT64_C(1000), .from_ms = from_ms, .to_ms = to_ms, .format = format};

    *telling = (struct telling){.exporter = export_create(&plan), .domain = "acme"};
    arena_init(&telling->arena);
}

static void open_all(struct telling *telling, enum export_format format)
{
    open_between(telling, format, INT64_MIN, INT64_MAX);
}

static void close_all(struct telling *telling)
{
    free(telling->text);
    export_destroy(telling->exporter);
    arena_deinit(&telling->arena);
}

static char *text_of(struct telling *telling, const char *text)
{
    return arena_text(&telling->arena, slice_text(text));
}

static Ringback__V1__AnalyticsEvent event_of(struct telling *telling, const char *callback,
                                             const char *conversation, int64_t time_ms)
{
    Ringback__V1__AnalyticsEvent event = RINGBACK__V1__ANALYTICS_EVENT__INIT;

    event.time_ms = time_ms;
    event.callback_id = text_of(telling, callback);
    event.conversation_id = text_of(telling, conversation);
    event.queue_id = text_of(telling, "sales");
    return event;
}

static void tell(struct telling *telling, const Ringback__V1__AnalyticsEvent *event)
{
    export_add(telling->exporter, slice_text(telling->domain), event);
}

static void begin(struct telling *telling, const char *callback, const char *conversation,
                  int64_t time_ms)
{
    Ringback__V1__AnalyticsEvent event = event_of(telling, callback, conversation, time_ms);
    Ringback__V1__SessionStarted started = RINGBACK__V1__SESSION_STARTED__INIT;

    started.kind = RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_IN_QUEUE;
    event.event_case = EVENT(SESSION_STARTED);
    event.session_started = &started;
    tell(telling, &event);
}

static void measure(struct telling *telling, const char *callback, const char *conversation,
                    Ringback__V1__MetricName name, int64_t value)
{
    Ringback__V1__AnalyticsEvent event = event_of(telling, callback, conversation, 0);
    Ringback__V1__Metric metric = RINGBACK__V1__METRIC__INIT;

    metric.name = name;
    metric.value = value;
    event.event_case = EVENT(METRIC);
    event.metric = &metric;
    tell(telling, &event);
}

static void end(struct telling *telling, const char *callback, const char *conversation,
                int64_t time_ms)
{
    Ringback__V1__AnalyticsEvent event = event_of(telling, callback, conversation, time_ms);
    Ringback__V1__SessionEnded ended = RINGBACK__V1__SESSION_ENDED__INIT;

    ended.reason = RINGBACK__V1__REASON__REASON_COMPLETED;
    event.event_case = EVENT(SESSION_ENDED);
    event.session_ended = &ended;
    tell(telling, &event);
}

/* All that is written, which must succeed. */
static const char *written(struct telling *telling)
{
    struct err_note note = {.err = ERR_OK};
    FILE *out = open_memstream(&telling->text, &telling->bytes);

    assert_non_null(out);
    if (export_write(telling->exporter, out, &note) != ERR_OK)
        fail_msg("%s", note.text);
    (void)fclose(out);
    return telling->text;
}

/* The nth line (from 0: CSV's header) of what was written; "": there is none. */
static const char *line(struct telling *telling, size_t nth)
{
    const char *at = telling->text;

    for (; nth > 0 && at[0] != '\0'; nth--)
        at = strchr(at, '\n') + 1;
    return arena_text(&telling->arena, slice_make(at, strcspn(at, "\n")));
}

/* The field of that column in the nth line; none of these has a comma. */
static const char *field(struct telling *telling, size_t nth, const char *column)
{
    char *names = text_of(telling, line(telling, 0)), *name;
    char *fields = text_of(telling, line(telling, nth)), *value;

    while ((name = strsep(&names, ",")) != NULL) {
        value = strsep(&fields, ",");
        assert_non_null(value);
        if (strcmp(name, column) == 0)
            return value;
    }
    fail_msg("there is no column %s", column);
    return "";
}

static size_t lines(const struct telling *telling)
{
    size_t count = 0;

    for (const char *at = telling->text; *at != '\0'; at++)
        count += *at == '\n';
    return count;
}

static void rule_9_5_a_row_says_what_became_of_a_callback(void **state)
{
    struct telling telling;
    Ringback__V1__AnalyticsEvent event;
    Ringback__V1__Segment segment = RINGBACK__V1__SEGMENT__INIT;

    (void)state;
    open_all(&telling, EXPORT_CSV);
    begin(&telling, "b1", "c1", 999000123);
    measure(&telling, "b1", "c1", METRIC(N_OFFERED), 1);
    measure(&telling, "b1", "c1", METRIC(T_ANSWERED), 12000);
    measure(&telling, "b1", "c1", METRIC(N_OFFERED), 1);
    measure(&telling, "b1", "c1", METRIC(O_SERVICE_LEVEL), 1000000);
    measure(&telling, "b1", "c1", METRIC(O_SERVICE_LEVEL), 0);
    event = event_of(&telling, "b1", "c1", 999020000);
    event.agent_id = text_of(&telling, "anna");
    event.event_case = EVENT(SEGMENT);
    event.segment = &segment;
    tell(&telling, &event);
    end(&telling, "b1", "c1", 999090000);
    written(&telling);
    assert_int_equal(lines(&telling), 2);
    assert_string_equal(field(&telling, 1, "part"), "recent");
    assert_string_equal(field(&telling, 1, "domain"), "acme");
    assert_string_equal(field(&telling, 1, "conversation"), "c1");
    assert_string_equal(field(&telling, 1, "created"), "1970-01-12T13:30:00.123Z");
    assert_string_equal(field(&telling, 1, "callback"), "b1");
    assert_string_equal(field(&telling, 1, "kind"), "IN_QUEUE");
    assert_string_equal(field(&telling, 1, "state"), "ended");
    assert_string_equal(field(&telling, 1, "ended"), "1970-01-12T13:31:30.000Z");
    assert_string_equal(field(&telling, 1, "reason"), "COMPLETED");
    assert_string_equal(field(&telling, 1, "first_due"), "");
    assert_string_equal(field(&telling, 1, "queue"), "sales");
    assert_string_equal(field(&telling, 1, "last_agent"), "anna");
    assert_string_equal(field(&telling, 1, "nOffered"), "2");
    assert_string_equal(field(&telling, 1, "tAnswered"), "12000");
    assert_string_equal(field(&telling, 1, "tAbandon"), ""); /* none is not 0 */
    assert_string_equal(field(&telling, 1, "oServiceLevel"), "500000");
    assert_string_equal(field(&telling, 1, "tCfcFlowOut"), "");
    close_all(&telling);
}

static void rule_9_5_created_12_hours_ago_is_recent_and_a_millisecond_earlier_older(void **state)
{
    const int64_t line_ms = line_s * INT64_C(1000);
    struct telling telling;
    struct export_counts counts;

    (void)state;
    open_all(&telling, EXPORT_CSV);
    begin(&telling, "b3", "c3", line_ms + 1);
    begin(&telling, "b2", "c2", line_ms);
    begin(&telling, "b1", "c1", line_ms - 1);
    counts = export_counts(telling.exporter);
    assert_int_equal(counts.recent, 2);
    assert_int_equal(counts.older, 1);
    written(&telling); /* by creation: the older part first */
    assert_string_equal(field(&telling, 1, "callback"), "b1");
    assert_string_equal(field(&telling, 1, "part"), "older");
    assert_string_equal(field(&telling, 2, "callback"), "b2");
    assert_string_equal(field(&telling, 2, "part"), "recent");
    assert_string_equal(field(&telling, 3, "callback"), "b3");
    close_all(&telling);
}

static void rule_9_5_a_span_has_its_beginning_and_not_its_end(void **state)
{
    struct telling telling;

    (void)state;
    open_between(&telling, EXPORT_CSV, 5000, 7000);
    begin(&telling, "b1", "c1", 4999);
    begin(&telling, "b2", "c2", 5000);
    begin(&telling, "b3", "c3", 6999);
    begin(&telling, "b4", "c4", 7000);
    end(&telling, "b2", "c2", 9000); /* what comes later is told of those in the span, */
    end(&telling, "b1", "c1", 6000); /* and what happens in it of no others */
    written(&telling);
    assert_int_equal(lines(&telling), 3);
    assert_string_equal(field(&telling, 1, "callback"), "b2");
    assert_string_equal(field(&telling, 1, "state"), "ended");
    assert_string_equal(field(&telling, 2, "callback"), "b3");
    assert_string_equal(field(&telling, 2, "state"), "live");
    close_all(&telling);
}

static void rule_9_5_a_conversation_is_whole_and_counts_once(void **state)
{
    struct telling telling;

    (void)state;
    open_between(&telling, EXPORT_CSV, 5000, 7000);
    begin(&telling, "b1", "c1", 4000);
    begin(&telling, "b2", "c1", 6000); /* its conversation is older than the span */
    begin(&telling, "b3", "c2", 6500);
    begin(&telling, "b4", "c2", 8000); /* its conversation is in it */
    telling.domain = "other";
    begin(&telling, "b3", "c1", 6600); /* the same ids of another domain are others */
    assert_int_equal(export_counts(telling.exporter).older, 2);
    assert_int_equal(export_counts(telling.exporter).recent, 0);
    written(&telling);
    assert_int_equal(lines(&telling), 4);
    assert_string_equal(field(&telling, 1, "callback"), "b3");
    assert_string_equal(field(&telling, 2, "callback"), "b4");
    assert_string_equal(field(&telling, 2, "conversation"), "c2");
    assert_string_equal(field(&telling, 3, "domain"), "other");
    close_all(&telling);
}

static void rule_9_5_of_one_domain(void **state)
{
    const struct export_plan plan = {
        .from_ms = INT64_MIN, .to_ms = INT64_MAX, .domain = "other", .format = EXPORT_CSV};
    struct telling telling = {.domain = "acme"};

    (void)state;
    arena_init(&telling.arena);
    telling.exporter = export_create(&plan);
    begin(&telling, "b1", "c1", 4000);
    telling.domain = "other";
    begin(&telling, "b2", "c2", 4000);
    written(&telling);
    assert_int_equal(lines(&telling), 2);
    assert_string_equal(field(&telling, 1, "callback"), "b2");
    close_all(&telling);
}

static void rule_9_5_without_its_beginning_a_callback_is_left_out_and_counted(void **state)
{
    struct telling telling;

    (void)state;
    open_all(&telling, EXPORT_CSV);
    measure(&telling, "b1", "c1", METRIC(T_ANSWERED), 12000);
    end(&telling, "b1", "c1", 4000);
    begin(&telling, "b2", "c1", 5000); /* nor is it known when its conversation began */
    begin(&telling, "b3", "c3", 6000);
    assert_int_equal(export_counts(telling.exporter).headless, 1);
    assert_int_equal(export_counts(telling.exporter).older, 1);
    written(&telling);
    assert_int_equal(lines(&telling), 2);
    assert_string_equal(field(&telling, 1, "callback"), "b3");
    close_all(&telling);
}

static void rule_9_5_what_live_calls_were_measured_by_is_no_conversation(void **state)
{
    struct telling telling;

    (void)state;
    open_all(&telling, EXPORT_CSV);
    measure(&telling, "", "c1", METRIC(N_OFFERED), 1);
    written(&telling);
    assert_int_equal(lines(&telling), 1); /* the header */
    assert_int_equal(export_counts(telling.exporter).headless, 0);
    close_all(&telling);
}

static void rule_9_5_analytics_may_have_ended_it_and_resumed_it(void **state)
{
    struct telling telling;
    Ringback__V1__AnalyticsEvent event;
    Ringback__V1__Inactivity inactivity = RINGBACK__V1__INACTIVITY__INIT;
    Ringback__V1__Resumed resumed = RINGBACK__V1__RESUMED__INIT;

    (void)state;
    open_all(&telling, EXPORT_CSV);
    begin(&telling, "b1", "c1", 1000);
    begin(&telling, "b2", "c2", 2000);
    for (int at = 0; at < 2; at++) {
        event = event_of(&telling, at == 0 ? "b1" : "b2", at == 0 ? "c1" : "c2", 3000);
        event.event_case = EVENT(INACTIVITY);
        event.inactivity = &inactivity;
        tell(&telling, &event);
    }
    event = event_of(&telling, "b2", "c2", 4000);
    event.event_case = EVENT(RESUMED);
    event.resumed = &resumed;
    tell(&telling, &event);
    written(&telling);
    assert_string_equal(field(&telling, 1, "state"), "inactive");
    assert_string_equal(field(&telling, 2, "state"), "live");
    close_all(&telling);
}

static void rule_9_5_csv_quotes_what_would_break_a_row(void **state)
{
    struct telling telling;

    (void)state;
    open_all(&telling, EXPORT_CSV);
    begin(&telling, "a,b", "say \"yes\"", 1000);
    begin(&telling, "b\n2", "c2", 2000);
    written(&telling);
    assert_non_null(strstr(telling.text, ",\"say \"\"yes\"\"\",1970-01-01T00:00:01.000Z,\"a,b\","));
    assert_non_null(strstr(telling.text, ",\"b\n2\","));
    close_all(&telling);
}

static void rule_9_5_every_metric_has_its_usual_name(void **state)
{
    static const char *const usual[] = {
        "nOffered",
        "tAnswered",
        "tAbandon",
        "tFlowOut",
        "tAcd",
        "tAlert",
        "tNotResponding",
        "tContacting",
        "tDialing",
        "tTalk",
        "tTalkComplete",
        "tHeld",
        "tAcw",
        "tHandle",
        "tActiveCallback",
        "tFirstDial",
        "tFirstConnect",
        "nOutboundAttempted",
        "nOutboundConnected",
        "nCallbackScheduled",
        "nCallbackAttempts",
        "nOverSla",
        "oServiceLevel",
        "nCfcOffered",
        "tCfcAcd",
        "tCfcAnswered",
        "tCfcAbandon",
        "tCfcFlowOut",
    };
    const ProtobufCEnumDescriptor *names = &ringback__v1__metric_name__descriptor;
    char text[40];

    (void)state;
    assert_int_equal(names->n_values, 1 + sizeof(usual) / sizeof(usual[0]));
    for (size_t at = 0; at < sizeof(usual) / sizeof(usual[0]); at++)
        assert_string_equal(export_metric_name(&names->values[at + 1], text), usual[at]);
}

static void rule_9_5_json_has_a_line_a_conversation_with_segments(void **state)
{
    struct telling telling;
    Ringback__V1__AnalyticsEvent event;
    Ringback__V1__Segment segment = RINGBACK__V1__SEGMENT__INIT;
    json_t *json, *session;
    size_t at;

    (void)state;
    open_all(&telling, EXPORT_JSON);
    begin(&telling, "b1", "c1", 1000);
    begin(&telling, "b2", "c1", 2000);
    begin(&telling, "b3", "c2", 3000);
    measure(&telling, "b2", "c1", METRIC(T_FLOW_OUT), 7);
    segment.type = SEGMENT(ALERT);
    segment.start_ms = 4000;
    segment.end_ms = 4500;
    event = event_of(&telling, "b2", "c1", 4500);
    event.agent_id = text_of(&telling, "anna");
    event.event_case = EVENT(SEGMENT);
    event.segment = &segment;
    tell(&telling, &event);
    written(&telling);
    assert_int_equal(lines(&telling), 2);
    json = json_loads(line(&telling, 0), 0, NULL);
    assert_string_equal(json_string_value(json_object_get(json, "conversation")), "c1");
    assert_string_equal(json_string_value(json_object_get(json, "part")), "older");
    assert_int_equal(json_integer_value(json_object_get(json, "created_ms")), 1000);
    assert_int_equal(json_array_size(json_object_get(json, "sessions")), 2);
    session = json_array_get(json_object_get(json, "sessions"), 1);
    assert_string_equal(json_string_value(json_object_get(session, "callback")), "b2");
    at = json_object_size(json_object_get(session, "metrics"));
    assert_int_equal(at, 1);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(session, "metrics"), "tFlowOut")), 7);
    session = json_array_get(json_object_get(session, "segments"), 0);
    assert_string_equal(json_string_value(json_object_get(session, "type")), "ALERT");
    assert_string_equal(json_string_value(json_object_get(session, "agent")), "anna");
    assert_int_equal(json_integer_value(json_object_get(session, "start_ms")), 4000);
    assert_int_equal(json_integer_value(json_object_get(session, "end_ms")), 4500);
    json_decref(json);
    close_all(&telling);
}

static void rule_9_5_a_full_disk_is_an_error(void **state)
{
    struct telling telling;
    struct err_note note;
    FILE *full = fopen("/dev/full", "w");

    (void)state;
    open_all(&telling, EXPORT_CSV);
    begin(&telling, "b1", "c1", 1000);
    assert_int_equal(export_write(telling.exporter, full, &note), ERR_IO);
    (void)fclose(full);
    close_all(&telling);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_9_5_a_row_says_what_became_of_a_callback),
        cmocka_unit_test(rule_9_5_created_12_hours_ago_is_recent_and_a_millisecond_earlier_older),
        cmocka_unit_test(rule_9_5_a_span_has_its_beginning_and_not_its_end),
        cmocka_unit_test(rule_9_5_a_conversation_is_whole_and_counts_once),
        cmocka_unit_test(rule_9_5_of_one_domain),
        cmocka_unit_test(rule_9_5_without_its_beginning_a_callback_is_left_out_and_counted),
        cmocka_unit_test(rule_9_5_what_live_calls_were_measured_by_is_no_conversation),
        cmocka_unit_test(rule_9_5_analytics_may_have_ended_it_and_resumed_it),
        cmocka_unit_test(rule_9_5_csv_quotes_what_would_break_a_row),
        cmocka_unit_test(rule_9_5_every_metric_has_its_usual_name),
        cmocka_unit_test(rule_9_5_json_has_a_line_a_conversation_with_segments),
        cmocka_unit_test(rule_9_5_a_full_disk_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
