/* daemon/adapt: every row of every table by the samples in tests/adapt/rows.txt; values of foreign
 * JSON; what is counted, and that it is bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "consumers/decode.h"
#include "daemon/adapt_table.h"
#include "daemon/log_json.h"

enum { line_bytes = 8192, samples_max = 400, records_max = 16, name_bytes = 80 };

struct sample {
    const struct adapt_platform *platform;
    char event[name_bytes];
    char kind[name_bytes];
    char reason[line_bytes]; /* "" or the last */
};

static struct sample samples[samples_max];
static size_t sample_count;

/* What the sink got. */
static json_t *records[records_max];
static char ids[records_max][decode_id_bytes_max + 1];
static char keys[records_max][decode_id_bytes_max + 1];
static size_t record_count;
static struct arena arena;
static struct err_note note;

#define KIND_(name, topic, type, rank, said) #name,
static const char *const kinds[ADAPT_KIND_COUNT] = {ADAPT_KIND_MAP(KIND_)};
#undef KIND_

static enum err take(void *context, const struct record *record, struct err_note *why)
{
    struct decoded decoded;
    Ringback__V1__UndecidedReason reason;
    char text[line_bytes];
    json_t *json, *value;

    (void)context;
    assert_true(record_count < records_max);
    assert_int_equal(decode_event(NULL, (enum input)record->topic, record->value, &arena, &decoded,
                                  &reason, why),
                     ERR_OK);
    assert_true(decode_id_valid(record->key));
    json = log_json_record(NULL, slice_text("x"), record->topic, record, &arena);
    value = json_object_get(json, "value");
    snprintf(ids[record_count], sizeof(ids[0]), "%s",
             json_string_value(json_object_get(value, "id")));
    snprintf(keys[record_count], sizeof(keys[0]), "%.*s", (int)record->key.size,
             (const char *)record->key.data);
    json_object_del(value, "id");
    snprintf(text, sizeof(text), "%s %lld", topic_short_name(record->topic),
             (long long)record->timestamp_ms);
    json_object_set_new(json, "what", json_string(text));
    records[record_count++] = json;
    return ERR_OK;
}

static void forget_records(void)
{
    for (size_t i = 0; i < record_count; i++)
        json_decref(records[i]);
    record_count = 0;
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    forget_records();
    arena_deinit(&arena);
    return 0;
}

static const struct adapt_sink sink = {take, NULL};

static struct adapt *adapted(const struct adapt_settings *settings, const char *line)
{
    struct adapt *adapt = adapt_create(settings, &sink, NULL);

    forget_records();
    assert_int_equal(adapt_line(adapt, 1, slice_text(line), slice_text(""), &note), ERR_OK);
    return adapt;
}

/* --- the samples --- */

static void check_record(const struct sample *sample, size_t index, char *line)
{
    char *value = strchr(line, '{');
    json_t *want = json_loads(value, 0, NULL);
    const json_t *got;

    assert_non_null(want);
    value[-1] = '\0';
    if (index >= record_count)
        fail_msg("%s %s: only %zu records", sample->kind, sample->event, record_count);
    got = json_object_get(records[index], "value");
    assert_string_equal(json_string_value(json_object_get(records[index], "what")), line);
    if (!json_equal(got, want))
        fail_msg("%s %s\n got: %s\nwant: %s", sample->kind, sample->event,
                 json_dumps(got, JSON_COMPACT), value);
    json_decref(want);
}

static void check_reason(struct sample *sample, const struct adapt *adapt, const char *line)
{
    json_t *json = adapt_json(adapt), *reason;
    bool found = false;
    size_t i;

    json_array_foreach(json_object_get(json, "reasons"), i, reason)
    {
        const char *text = json_string_value(json_object_get(reason, "reason"));

        found = found || strcmp(text, line) == 0;
    }
    json_decref(json);
    if (!found)
        fail_msg("%s %s: no reason \"%s\"", sample->kind, sample->event, line);
    snprintf(sample->reason, sizeof(sample->reason), "%s", line);
}

static void read_head(struct sample *sample, const char *line)
{
    char name[name_bytes];

    assert_int_equal(sscanf(line, "%79s %79s %79[^\n]", name, sample->kind, sample->event), 3);
    sample->platform = adapt_platform_find(name);
    assert_non_null(sample->platform);
}

/* Fills samples; each is checked. */
static void check_samples(void)
{
    FILE *file = fopen("tests/adapt/rows.txt", "r");
    static char line[line_bytes];
    struct adapt_settings settings = {.platform = NULL};
    struct adapt *adapt = NULL;
    struct sample *sample = NULL;
    size_t checked = 0;

    assert_non_null(file);
    sample_count = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#' || line[0] == '\0')
            continue;
        if (line[0] == '>') {
            check_record(sample, checked++, line + 2);
        } else if (line[0] == '!') {
            check_reason(sample, adapt, line + 2);
        } else if (line[0] == '<') {
            adapt_destroy(adapt);
            settings.platform = sample->platform;
            adapt = adapted(&settings, line + 2);
            checked = 0;
        } else {
            if (sample != NULL && checked != record_count)
                fail_msg("%s %s: %zu records, not %zu", sample->kind, sample->event, record_count,
                         checked);
            assert_true(sample_count < samples_max);
            sample = &samples[sample_count++];
            read_head(sample, line);
        }
    }
    assert_int_equal(checked, record_count);
    adapt_destroy(adapt);
    fclose(file);
}

static void adapt_samples_become_what_they_say(void **state)
{
    (void)state;
    check_samples();
    assert_true(sample_count > 80);
}

/* How many samples a row's event and kind, and of NOTHING its reason, have. */
static int sampled(const struct adapt_platform *platform, const struct adapt_row *row)
{
    int count = 0;

    for (size_t i = 0; i < sample_count; i++) {
        const struct sample *sample = &samples[i];

        count += sample->platform == platform && strcmp(sample->event, row->event) == 0 &&
                 strcmp(sample->kind, kinds[row->kind]) == 0 &&
                 (row->kind != ADAPT_NOTHING || strcmp(sample->reason, row->why) == 0);
    }
    return count;
}

static int like(const struct adapt_platform *platform, const struct adapt_row *row)
{
    int count = 0;

    for (const struct adapt_row *at = platform->rows; at->event != NULL; at++)
        count += strcmp(at->event, row->event) == 0 && at->kind == row->kind;
    return count;
}

/* A type that is always nothing needs no sample of its own: its event is made. */
static bool nothing_by_itself(const struct adapt_platform *platform, const struct adapt_row *row)
{
    struct adapt_settings settings = {.platform = platform};
    char line[line_bytes];
    struct adapt *adapt;
    bool good;

    if (row->kind != ADAPT_NOTHING || row->otherwise)
        return false;
    if (platform == &adapt_genesys)
        snprintf(line, sizeof(line), "{\"detail\":{\"topicName\":\"%s\",\"eventBody\":{}}}",
                 row->event);
    else
        snprintf(line, sizeof(line), "{\"detail\":{\"eventType\":\"%s\"},\"EventType\":\"%s\"}",
                 row->event, row->event);
    adapt = adapted(&settings, line);
    good = adapt_counts(adapt)->unmapped == 1 && adapt_counts(adapt)->faults == 0;
    adapt_destroy(adapt);
    return good;
}

static void adapt_every_row_has_a_sample(void **state)
{
    (void)state;
    check_samples();
    for (size_t i = 0; adapt_platforms[i] != NULL; i++) {
        const struct adapt_platform *platform = adapt_platforms[i];

        for (const struct adapt_row *row = platform->rows; row->event != NULL; row++) {
            if (nothing_by_itself(platform, row))
                continue;
            if (sampled(platform, row) < (row->kind == ADAPT_NOTHING ? 1 : like(platform, row)))
                fail_msg("%s, %s, %s%s: no sample in tests/adapt/rows.txt", platform->name,
                         row->event, kinds[row->kind], row->otherwise ? ", otherwise" : "");
        }
    }
}

/* --- the tables --- */

static void adapt_tables_are_whole(void **state)
{
    (void)state;
    for (size_t i = 0; adapt_platforms[i] != NULL; i++) {
        for (const struct adapt_row *row = adapt_platforms[i]->rows; row->event != NULL; row++) {
            uint32_t filled = 0;

            assert_true(row->kind != ADAPT_NOTHING || row->why != NULL);
            for (size_t at = 0; at < adapt_fields_max; at++) {
                const struct adapt_field *field = &row->fields[at];

                if (field->from == NULL && field->make == NULL && field->said == NULL)
                    break;
                assert_true((filled & 1u << field->to) == 0);
                filled |= 1u << field->to;
                assert_true(field->make == NULL || field->said != NULL);
                assert_true(adapt_to_type[field->to] != ADAPT_ENUM || field->values != NULL ||
                            (field->from == NULL && field->make == NULL));
            }
            if (row->kind != ADAPT_NOTHING && filled == 0)
                fail_msg("%s: a row without fields", row->event);
        }
    }
}

/* --- ids, versions, domains --- */

static const char completed[] =
    "{\"type\":\"com.twilio.taskrouter.task.completed\",\"data\":{\"payload\":{\"sid\":\"%s\","
    "\"workspace_sid\":\"WS1\",\"task_sid\":\"WT1\",\"timestamp\":\"2026-03-02T09:00:00Z\"}}}";

static void adapt_id_is_the_events_and_what_it_is(void **state)
{
    const struct adapt_settings settings = {.platform = &adapt_twilio};
    char line[line_bytes], first[decode_id_bytes_max + 1];

    (void)state;
    snprintf(line, sizeof(line), completed, "EV1");
    adapt_destroy(adapted(&settings, line));
    assert_string_equal(ids[0], "EV1:ended");
    snprintf(line, sizeof(line), completed, "an id with spaces");
    adapt_destroy(adapted(&settings, line));
    assert_int_equal(strlen(ids[0]), 32 + strlen(":ended"));
    snprintf(first, sizeof(first), "%s", ids[0]);
    adapt_destroy(adapted(&settings, line));
    assert_string_equal(ids[0], first);
    snprintf(line, sizeof(line), completed, "");
    adapt_destroy(adapted(&settings, line));
    assert_string_not_equal(ids[0], first);
    assert_string_equal(keys[0], "WS1");
}

static void adapt_same_millisecond_goes_on_as_calls_live(void **state)
{
    static const enum adapt_kind order[] = {
        ADAPT_LEFT,          ADAPT_ENTERED, ADAPT_ALERTING, ADAPT_CONNECTED, ADAPT_WRAP_UP_STARTED,
        ADAPT_WRAP_UP_ENDED, ADAPT_ENDED};
#define RANK_(name, topic, type, rank, said) rank,
    static const int ranks[ADAPT_KIND_COUNT] = {ADAPT_KIND_MAP(RANK_)};
#undef RANK_

    (void)state;
    for (size_t i = 1; i < sizeof(order) / sizeof(*order); i++)
        assert_true(ranks[order[i]] > ranks[order[i - 1]]);
    assert_true(ranks[ADAPT_ENDED] < 8);
}

/* That queue, and no other. */
static bool joins(const json_t *record, const char *queue)
{
    const json_t *list = json_object_get(
        json_object_get(json_object_get(record, "value"), "joined_queues"), "queue_ids");

    return json_array_size(list) == 1 &&
           strcmp(json_string_value(json_array_get(list, 0)), queue) == 0;
}

static void adapt_settings_name_presences_and_queues(void **state)
{
    struct adapt_settings settings = {.platform = &adapt_twilio,
                                      .domain_from = "@worker.team",
                                      .presences = {{"Juggling", 4}},
                                      .presence_count = 1,
                                      .joined = {"WQ7"},
                                      .joined_count = 1,
                                      .joined_attribute = "routing.skills"};
    static const char line[] =
        "{\"type\":\"com.twilio.taskrouter.worker.activity.update\",\"data\":{\"payload\":"
        "{\"sid\":\"EV1\",\"timestamp\":1772442000,\"worker_sid\":\"WK1\",\"worker_activity_name\""
        ":\"juggling\",\"worker_attributes\":\"{\\\"team\\\":\\\"t1\\\"%s}\"}}}";
    char text[line_bytes];

    (void)state;
    snprintf(text, sizeof(text), line, "");
    adapt_destroy(adapted(&settings, text));
    assert_int_equal(record_count, 2);
    assert_string_equal(keys[0], "t1");
    assert_string_equal(
        json_string_value(json_object_get(
            json_object_get(json_object_get(records[0], "value"), "presence"), "presence")),
        "PRESENCE_BUSY");
    assert_true(joins(records[1], "WQ7"));
    snprintf(text, sizeof(text), line, ",\\\"routing\\\":{\\\"skills\\\":[\\\"WQ8\\\"]}");
    adapt_destroy(adapted(&settings, text));
    assert_true(joins(records[1], "WQ8"));
}

/* --- values --- */

static void adapt_times_are_read_in_every_writing(void **state)
{
    static const struct {
        const char *json;
        int64_t ms; /* 0: it is none */
    } rows[] = {
        {"1772442000123", 1772442000123},
        {"1772442000", 1772442000000},
        {"1772442000.5", 1772442000500},
        {"\"1772442000\"", 1772442000000},
        {"\"1772442000123\"", 1772442000123},
        {"\"2026-03-02T09:00:00Z\"", 1772442000000},
        {"\"2026-03-02T10:00:00.123456+01:00\"", 1772442000123},
        {"0", 0},
        {"-5", 0},
        {"1e300", 0},
        {"\"\"", 0},
        {"\"tomorrow\"", 0},
        {"\"1960-01-01T00:00:00Z\"", 0},
        {"\"9999999999999999999999\"", 0},
        {"true", 0},
        {"{}", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        json_t *json = json_loads(rows[i].json, JSON_DECODE_ANY, NULL);
        int64_t ms = 0;

        assert_non_null(json);
        if (adapt_time(json, &ms) != (rows[i].ms != 0) || (rows[i].ms != 0 && ms != rows[i].ms))
            fail_msg("%s: %lld", rows[i].json, (long long)ms);
        json_decref(json);
    }
}

static void adapt_numbers_are_taken_out_of_addresses(void **state)
{
    static const char *const rows[][2] = {
        {"+12025550101", "+12025550101"},
        {"tel:+1 202 555-0101", "+1 202 555-0101"},
        {"sip:2025550101@example.com;user=phone", "2025550101"},
        {"sip:anonymous@example.com", ""},
        {"client:anna", ""},
        {"12@example.com", ""},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_string_equal(adapt_number(&arena, rows[i][0]), rows[i][1]);
}

static void adapt_names_are_compared_loosely(void **state)
{
    (void)state;
    assert_true(adapt_same("TaskQueueSid", "task_queue_sid"));
    assert_true(adapt_same("On Queue", "ON_QUEUE"));
    assert_false(adapt_same("task", "tasks"));
    assert_true(adapt_one_of("", "|hangup"));
    assert_true(adapt_one_of("HangUp", "|hangup"));
    assert_false(adapt_one_of("hang", "|hangup"));
}

static void adapt_traceparent_is_the_w3cs(void **state)
{
    (void)state;
    assert_true(adapt_traceparent_valid(
        slice_text("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")));
    assert_false(adapt_traceparent_valid(
        slice_text("00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")));
    assert_false(adapt_traceparent_valid(slice_text("00-1-2-01")));
    assert_false(adapt_traceparent_valid(slice_text("")));
}

static void adapt_forms_are_read_whole_or_not(void **state)
{
    json_t *form = adapt_form(slice_text("A=1+2&B_c=%7B%22x%22%3A1%7D&D=&E=%zz"));

    (void)state;
    assert_non_null(form);
    assert_string_equal(json_string_value(json_object_get(form, "A")), "1 2");
    assert_string_equal(json_string_value(json_object_get(form, "B_c")), "{\"x\":1}");
    assert_string_equal(json_string_value(json_object_get(form, "D")), "");
    assert_string_equal(json_string_value(json_object_get(form, "E")), "%zz");
    json_decref(form);
    assert_null(adapt_form(slice_text("A=1&B")));
    assert_null(adapt_form(slice_text("nothing")));
    assert_null(adapt_form(slice_text("A=%ff")));
    assert_null(adapt_form(slice_text("=1")));
}

/* --- counts --- */

static void adapt_counts_are_bounded(void **state)
{
    const struct adapt_settings settings = {.platform = &adapt_connect};
    struct adapt *adapt = adapt_create(&settings, &sink, NULL);
    char line[200];
    json_t *json;

    (void)state;
    for (int i = 0; i < 3 * adapt_count_rows_max; i++) {
        snprintf(line, sizeof(line), "{\"detail\":{\"eventType\":\"NEW_%d\"}}", i);
        assert_int_equal(adapt_line(adapt, 1, slice_text(line), slice_text(""), &note), ERR_OK);
    }
    assert_int_equal(adapt_counts(adapt)->unmapped, 3 * adapt_count_rows_max);
    assert_int_equal(adapt_counts(adapt)->faults, 0);
    json = adapt_json(adapt);
    assert_int_equal(json_array_size(json_object_get(json, "reasons")), adapt_count_rows_max + 1);
    json_decref(json);
    adapt_destroy(adapt);
}

static void adapt_optional_field_is_left_out_and_counted(void **state)
{
    const struct adapt_settings settings = {.platform = &adapt_genesys};
    struct adapt *adapt = adapted(
        &settings, "{\"source\":\"aws.partner/genesys.com/cloud/o/x\",\"detail\":{\"topicName\":"
                   "\"v2.detail.events.conversation.c1.flow.start\",\"eventBody\":{\"eventTime\":"
                   "1772442000123,\"conversationId\":\"c1\",\"flowId\":\"no id\",\"flowType\":"
                   "\"BOT\"}}}");

    (void)state;
    assert_int_equal(record_count, 1);
    assert_int_equal(adapt_counts(adapt)->unmapped, 1);
    assert_int_equal(adapt_counts(adapt)->faults, 0);
    adapt_destroy(adapt);
}

static enum err refuse_all(void *context, const struct record *record, struct err_note *why)
{
    (void)context;
    (void)record;
    return FAIL(why, ERR_IO, "full");
}

static void adapt_error_of_the_sink_comes_back(void **state)
{
    const struct adapt_settings settings = {.platform = &adapt_twilio};
    const struct adapt_sink full = {refuse_all, NULL};
    struct adapt *adapt = adapt_create(&settings, &full, NULL);
    char line[line_bytes];

    (void)state;
    snprintf(line, sizeof(line), completed, "EV1");
    assert_int_equal(adapt_line(adapt, 1, slice_text(line), slice_text(""), &note), ERR_IO);
    assert_int_equal(adapt_counts(adapt)->messages[INPUT_INTERACTIONS], 0);
    adapt_destroy(adapt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adapt_samples_become_what_they_say),
        cmocka_unit_test(adapt_every_row_has_a_sample),
        cmocka_unit_test(adapt_tables_are_whole),
        cmocka_unit_test(adapt_id_is_the_events_and_what_it_is),
        cmocka_unit_test(adapt_same_millisecond_goes_on_as_calls_live),
        cmocka_unit_test(adapt_settings_name_presences_and_queues),
        cmocka_unit_test(adapt_times_are_read_in_every_writing),
        cmocka_unit_test(adapt_numbers_are_taken_out_of_addresses),
        cmocka_unit_test(adapt_names_are_compared_loosely),
        cmocka_unit_test(adapt_traceparent_is_the_w3cs),
        cmocka_unit_test(adapt_forms_are_read_whole_or_not),
        cmocka_unit_test(adapt_counts_are_bounded),
        cmocka_unit_test(adapt_optional_field_is_left_out_and_counted),
        cmocka_unit_test(adapt_error_of_the_sink_comes_back),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
