/* producers/encode: outputs and dead letters as records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "producers/encode.h"

#include "ringback/v1/routing.pb-c.h"

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return 0;
}

static void encode_times_equal_those_of_the_c_library(void **state)
{
    char text[encode_time_bytes], want[encode_time_bytes];

    (void)state;
    for (int64_t time_ms = 0; time_ms < 253402300800000; time_ms += 86400000LL * 13 + 12345679) {
        time_t seconds = (time_t)(time_ms / 1000);
        struct tm tm;
        size_t size;

        assert_non_null(gmtime_r(&seconds, &tm));
        size = strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(want + size, sizeof(want) - size, ".%03dZ", (int)(time_ms % 1000));
        assert_int_equal(encode_time(time_ms, text), strlen(want));
        assert_string_equal(text, want);
    }
    encode_time(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
    encode_time(-5, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
}

static void encode_an_output_has_all_headers_and_its_bytes(void **state)
{
    static const char *const names[] = {"ce_specversion", "ce_id",      "ce_type",
                                        "ce_time",        "ce_source",  "ce_partitionkey",
                                        "content-type",   "traceparent"};
    static const char *const values[] = {
        "1.0",       "id-1", "ringback.routing.hang_up", "1970-01-01T00:00:07.001Z",
        "/ringback", "dom",  "application/protobuf",     "00-1-2-3"};
    Ringback__V1__RoutingEvent event, *read;
    char queue_id[] = "q1";
    struct encode_output output = {.topic = TOPIC_ROUTING,
                                   .domain = slice_text("dom"),
                                   .id = "id-1",
                                   .type = "routing.hang_up",
                                   .message = &event.base,
                                   .traceparent = slice_text("00-1-2-3"),
                                   .now_ms = 7001};
    struct encoder encoder = {0};
    struct record record;

    ringback__v1__routing_event__init(&event);
    (void)state;
    event.queue_id = queue_id;
    encode_output(&encoder, NULL, &output, &arena, &record);
    assert_int_equal(record.timestamp_ms, 7001);
    assert_int_equal(record.offset, -1);
    assert_true(slice_equal(record.key, slice_text("dom")));
    assert_int_equal(record.header_count, 8);
    for (size_t i = 0; i < 8; i++) {
        assert_string_equal(record.headers[i].name, names[i]);
        assert_true(slice_equal(record.headers[i].value, slice_text(values[i])));
    }
    read =
        ringback__v1__routing_event__unpack(&arena.allocator, record.value.size, record.value.data);
    assert_non_null(read);
    assert_string_equal(read->queue_id, "q1");
    output.traceparent.size = 0;
    output.now_ms = 0;
    encode_output(&encoder, NULL, &output, &arena, &record);
    assert_int_equal(record.header_count, 7);
    assert_true(slice_equal(record.headers[3].value, slice_text("1970-01-01T00:00:00.000Z")));
}

static size_t count_headers(const struct record *record, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < record->header_count; i++)
        count += strcmp(record->headers[i].name, name) == 0;
    return count;
}

static void encode_a_dead_letter_is_cut_value_first_then_headers_then_key(void **state)
{
    const struct header headers[] = {{"h", slice_text("123456789")}};
    const struct record input = {.topic = TOPIC_FLOWS,
                                 .key = slice_text("0123456789"),
                                 .value = slice_text("abcdefghij"),
                                 .headers = headers,
                                 .header_count = 1};
    static const struct {
        size_t bytes_max, key, value, headers;
    } rows[] = {{30, 10, 10, 1}, {29, 10, 9, 1}, {20, 10, 0, 1},
                {19, 10, 9, 0},  {9, 9, 0, 0},   {0, 0, 0, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct record record;

        encode_dead_letter(&input, "flows", "LIMIT", "why", rows[i].bytes_max, 5, &arena, &record);
        assert_int_equal(record.key.size, rows[i].key);
        assert_int_equal(record.value.size, rows[i].value);
        assert_memory_equal(record.value.data, "abcdefghij", rows[i].value);
        assert_int_equal(count_headers(&record, "h"), rows[i].headers);
        assert_int_equal(count_headers(&record, "__connect.errors.value.bytes"),
                         rows[i].value < 10);
        assert_int_equal(count_headers(&record, "__connect.errors.offset"), 1);
    }
}

static void encode_a_dead_letter_keeps_null_and_empty_apart(void **state)
{
    struct record input = {.topic = TOPIC_FLOWS, .value = slice_text("")}, record;

    (void)state;
    encode_dead_letter(&input, "flows", "LIMIT", "why", 100, 5, &arena, &record);
    assert_null(record.key.data);
    assert_non_null(record.value.data);
    assert_int_equal(record.topic, TOPIC_DLQ_FIRST + INPUT_FLOWS);
}

static void encode_reason_names_are_those_of_the_contract(void **state)
{
    (void)state;
    assert_string_equal(
        encode_reason_name(RINGBACK__V1__UNDECIDED_REASON__UNDECIDED_REASON_WRONG_PARTITION),
        "WRONG_PARTITION");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(encode_times_equal_those_of_the_c_library, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(encode_an_output_has_all_headers_and_its_bytes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            encode_a_dead_letter_is_cut_value_first_then_headers_then_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(encode_a_dead_letter_keeps_null_and_empty_apart, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(encode_reason_names_are_those_of_the_contract, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
