/* Spans: what is written, what is masked, what happens to those that cannot be written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/metrics.h"
#include "daemon/spans.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN  "b7ad6b7169203331"

static struct batch batch;
static struct err_note note;
static char path[200];

static struct spans *open_spans(const char *file, int percent)
{
    struct spans_options options = {.file = file,
                                    .topic = "",
                                    .percent = percent,
                                    .group = "g",
                                    .topics = {"s", "i", "p", "f"}};
    struct spans *spans = NULL;

    metrics_reset();
    assert_int_equal(spans_create(&options, &spans, &note), ERR_OK);
    return spans;
}

static struct span *add(int64_t offset)
{
    struct span *span = batch_add_span(&batch);
    char header[80];

    snprintf(header, sizeof(header), "00-0af7651916cd43dd8448eb21%08x-" SPAN "-01",
             (unsigned)offset * 2654435761u + 1);
    assert_true(trace_read(slice_text(header), &span->trace));
    span->input = INPUT_FLOWS;
    span->offset = offset;
    span->start_ms = 1000;
    span->name = slice_text("create_callback");
    span->domain = slice_text("acme");
    span->callback_id = "3f2504e0-4f89-11d3-9a0c-0305e82c3301";
    span->queue_id = "+49 30 1234567";
    span->kinds = 1u << 0 | 1u << 21;
    span->reason = 41;
    return span;
}

static void start(const char *name)
{
    batch_reset(&batch);
    snprintf(path, sizeof(path), "/tmp/ringback-test-spans-%d-%s.jsonl", (int)getpid(), name);
    (void)unlink(path);
}

static size_t spans_in_file(json_t **last)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t room = 0, count = 0;

    assert_non_null(file);
    while (getline(&line, &room, file) > 0) {
        json_t *root = json_loads(line, 0, NULL), *spans;

        assert_non_null(root);
        assert_int_equal(
            json_unpack(root, "{s:[{s:[{s:o}]}]}", "resourceSpans", "scopeSpans", "spans", &spans),
            0);
        count += json_array_size(spans);
        if (last != NULL) {
            json_decref(*last);
            *last = json_incref(json_array_get(spans, json_array_size(spans) - 1));
        }
        json_decref(root);
    }
    free(line);
    fclose(file);
    return count;
}

static const char *attribute(const json_t *span, const char *key, const char *type)
{
    const json_t *list = json_object_get(span, "attributes"), *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        if (strcmp(json_string_value(json_object_get(item, "key")), key) == 0)
            return json_string_value(json_object_get(json_object_get(item, "value"), type));
    }
    return NULL;
}

static void spans_tell_what_a_decision_was(void **state)
{
    struct spans *spans;
    json_t *span = NULL;

    (void)state;
    start("tell");
    spans = open_spans(path, 100);
    add(41);
    spans_put(spans, &batch, 3, 1250);
    spans_destroy(spans);
    assert_int_equal(spans_in_file(&span), 1);
    assert_string_equal(json_string_value(json_object_get(span, "name")), "flows create_callback");
    assert_string_equal(json_string_value(json_object_get(span, "startTimeUnixNano")),
                        "1000000000");
    assert_string_equal(json_string_value(json_object_get(span, "endTimeUnixNano")), "1250000000");
    assert_string_equal(json_string_value(json_object_get(span, "parentSpanId")), SPAN);
    assert_int_equal(json_integer_value(json_object_get(span, "kind")), 5);
    assert_string_equal(attribute(span, "messaging.destination.name", "stringValue"), "f");
    assert_string_equal(attribute(span, "messaging.kafka.offset", "intValue"), "41");
    assert_string_equal(attribute(span, "ringback.partition", "intValue"), "3");
    assert_string_equal(attribute(span, "ringback.reason", "stringValue"), "DUPLICATE_NUMBER");
    assert_string_equal(attribute(span, "ringback.callback.id", "stringValue"),
                        "3f2504e0-4f89-11d3-9a0c-0305e82c3301");
    assert_string_equal(attribute(span, "ringback.queue.id", "stringValue"), "+49 30 xxxx567");
    assert_int_equal(metrics_total(METRIC_spans_written, 0), 1);
    json_decref(span);
    (void)unlink(path);
}

static void spans_of_dead_letters_are_errors_and_timers_have_no_record(void **state)
{
    struct spans *spans;
    struct span *span;
    json_t *told = NULL;

    (void)state;
    start("dead");
    spans = open_spans(path, 100);
    span = add(7);
    span->undecided = RINGBACK__V1__UNDECIDED_REASON__UNDECIDED_REASON_NO_DOMAIN;
    span->start_ms = 9000; /* stamped later than the commit: it does not end before it begins */
    spans_put(spans, &batch, 0, 2000);
    spans_destroy(spans);
    assert_int_equal(spans_in_file(&told), 1);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(told, "status"), "code")),
                     2);
    assert_string_equal(attribute(told, "ringback.reason", "stringValue"), "NO_DOMAIN");
    assert_string_equal(json_string_value(json_object_get(told, "endTimeUnixNano")), "9000000000");
    batch_reset(&batch);
    (void)unlink(path);
    spans = open_spans(path, 100);
    span = add(-1);
    span->input = INPUT_COUNT;
    span->trace.came = false;
    spans_put(spans, &batch, 0, 2000);
    spans_destroy(spans);
    assert_int_equal(spans_in_file(&told), 1);
    assert_int_equal(json_integer_value(json_object_get(told, "kind")), 1);
    assert_null(json_object_get(told, "parentSpanId"));
    assert_null(attribute(told, "messaging.system", "stringValue"));
    json_decref(told);
    (void)unlink(path);
}

/* 40,000 at once: what does not fit into the queue, or is left at the end, is counted. */
static void spans_that_do_not_fit_are_counted(void **state)
{
    struct spans *spans;
    size_t written;

    (void)state;
    start("many");
    spans = open_spans(path, 100);
    for (int64_t i = 0; i < 40000; i++)
        add(i);
    spans_put(spans, &batch, 0, 2000);
    spans_destroy(spans);
    written = spans_in_file(NULL);
    assert_in_range(written, 1, 16384);
    assert_int_equal(metrics_total(METRIC_spans_written, 0), written);
    assert_int_equal(metrics_total(METRIC_spans_dropped, SPANS_LOST_QUEUE), 40000 - written);
    (void)unlink(path);
}

static void spans_of_some_traces_are_chosen_by_id(void **state)
{
    struct spans *spans;
    size_t half, none;

    (void)state;
    start("half");
    spans = open_spans(path, 50);
    for (int64_t i = 0; i < 2000; i++)
        add(i);
    spans_put(spans, &batch, 0, 2000);
    spans_destroy(spans);
    half = spans_in_file(NULL);
    assert_in_range(half, 900, 1100);
    (void)unlink(path);
    spans = open_spans(path, 0);
    spans_put(spans, &batch, 0, 2000);
    spans_destroy(spans);
    none = spans_in_file(NULL);
    assert_int_equal(none, 0);
    (void)unlink(path);
}

static void spans_that_a_full_disk_refuses_are_counted(void **state)
{
    struct spans *spans;

    (void)state;
    start("full");
    spans = open_spans("/dev/full", 100);
    add(1);
    add(2);
    spans_put(spans, &batch, 0, 2000);
    spans_destroy(spans);
    assert_int_equal(metrics_total(METRIC_spans_dropped, SPANS_LOST_FILE), 2);
    assert_int_equal(metrics_total(METRIC_spans_written, 0), 0);
}

static void spans_need_a_file_that_can_be_opened(void **state)
{
    struct spans_options options = {.file = "/nowhere/spans", .topic = "", .group = "g"};
    struct spans *spans;

    (void)state;
    assert_int_equal(spans_create(&options, &spans, &note), ERR_BAD_OPTION);
    assert_non_null(strstr(note.text, "trace.file: /nowhere/spans"));
}

static void spans_mask_what_looks_like_a_telephone_number(void **state)
{
    static const char *const rows[][2] = {
        {"+4930123456", "+xxxxxxx456"},
        {"tel:030-123.45/67", "tel:xxx-xxx.x5/67"},
        {"support", "support"},
        {"queue-12", "queue-12"},
        {"q123456", "q123456"},
        {"q1234567b7654321", "qxxxx567bxxxx321"},
        {"3f2504e0-4f89-11d3-9a0c-030512345678", "3f2504e0-4f89-11d3-9a0c-030512345678"},
        {"1234567-", "xxxx567-"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char id[64];

        snprintf(id, sizeof(id), "%s", rows[i][0]);
        spans_mask(id);
        assert_string_equal(id, rows[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_tell_what_a_decision_was),
        cmocka_unit_test(spans_of_dead_letters_are_errors_and_timers_have_no_record),
        cmocka_unit_test(spans_that_do_not_fit_are_counted),
        cmocka_unit_test(spans_of_some_traces_are_chosen_by_id),
        cmocka_unit_test(spans_that_a_full_disk_refuses_are_counted),
        cmocka_unit_test(spans_need_a_file_that_can_be_opened),
        cmocka_unit_test(spans_mask_what_looks_like_a_telephone_number),
    };

    batch_init(&batch);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
