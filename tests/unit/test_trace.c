/* Trace contexts: what is taken over from a cause, what begins here, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "daemon/trace.h"

#include "ringback/v1/routing.pb-c.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN  "b7ad6b7169203331"

static struct effects effects_of(struct effect *items, size_t count, const char *cause)
{
    return (struct effects){.items = items, .count = count, .cause = slice_text(cause)};
}

static void make(const char *header, const char *domain, const char *cause, enum trace_begin begin,
                 struct trace *trace, char text[trace_text_bytes + 1], bool carried)
{
    struct effects effects = effects_of(NULL, 0, cause);

    assert_int_equal(trace_make(slice_text(header), slice_text(domain), &effects, begin, trace),
                     carried);
    memcpy(text, trace->text, trace_text_bytes);
    text[trace_text_bytes] = '\0';
}

static void trace_headers_are_read_as_the_standard_says(void **state)
{
    static const char *const good[][2] = {
        {"00-" TRACE "-" SPAN "-01", "01"},
        {"00-" TRACE "-" SPAN "-00", "00"},
        {"00-" TRACE "-" SPAN "-03", "03"},
        {"00-" TRACE "-" SPAN "-ff", "03"}, /* of flags only those that are known */
        {"00-" TRACE "-" SPAN "-fc", "00"},
        {"01-" TRACE "-" SPAN "-01", "01"}, /* a later version, */
        {"cc-" TRACE "-" SPAN "-01-what-it-adds", "01"},
        {"fe-" TRACE "-" SPAN "-01-", "01"},
    };
    static const char *const bad[] = {
        "",
        "00",
        "00-" TRACE "-" SPAN "-0",
        "00-" TRACE "-" SPAN "-01-", /* of version 00 nothing may follow */
        "00-" TRACE "-" SPAN "-01x",
        "01-" TRACE "-" SPAN "-01x",
        "ff-" TRACE "-" SPAN "-01",
        "0-" TRACE "-" SPAN "-01x",
        "00-00000000000000000000000000000000-" SPAN "-01",
        "00-" TRACE "-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01",
        "00-" TRACE "-B7AD6B7169203331-01",
        "00-" TRACE "-" SPAN "-0G",
        "g0-" TRACE "-" SPAN "-01",
        "00_" TRACE "-" SPAN "-01",
        "00-" TRACE "_" SPAN "-01",
        "00-" TRACE "-" SPAN "_01",
        "00-0af7651916cd43dd-" SPAN "-01                 ",
        " 00-" TRACE "-" SPAN "-01",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct trace trace;

        assert_true(trace_read(slice_text(good[i][0]), &trace));
        assert_memory_equal(trace.text, "00-" TRACE "-" SPAN "-", trace_text_bytes - 2);
        assert_memory_equal(trace.text + trace_text_bytes - 2, good[i][1], 2);
        assert_memory_equal(trace.parent, SPAN, trace_span_digits);
        assert_int_equal(trace.sampled, good[i][1][1] != '0');
        assert_true(trace.came);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct trace trace = {.sampled = true};

        if (trace_read(slice_text(bad[i]), &trace))
            fail_msg("\"%s\" was taken", bad[i]);
        assert_false(trace.came);
    }
    assert_false(trace_read((struct slice){NULL, 0}, &(struct trace){.came = false}));
}

static void trace_goes_on_with_its_id_and_a_parent_of_the_decision(void **state)
{
    static const char header[] = "00-" TRACE "-" SPAN "-01";
    char one[trace_text_bytes + 1], again[trace_text_bytes + 1], two[trace_text_bytes + 1];
    char other[trace_text_bytes + 1];
    struct trace trace;

    (void)state;
    make(header, "acme", "e1", TRACE_BEGIN_NO, &trace, one, true);
    assert_memory_equal(one, "00-" TRACE "-", 36);
    assert_memory_not_equal(one + 36, SPAN, trace_span_digits);
    assert_string_equal(one + 52, "-01");
    assert_memory_equal(trace.parent, SPAN, trace_span_digits);
    make(header, "acme", "e1", TRACE_BEGIN_SAMPLED, &trace, again, true);
    assert_string_equal(one, again); /* the same decision, the same bytes */
    make(header, "acme", "e2", TRACE_BEGIN_NO, &trace, two, true);
    assert_string_not_equal(one, two);
    make(header, "other", "e1", TRACE_BEGIN_NO, &trace, other, true);
    assert_string_not_equal(one, other);
    assert_true(trace_read(slice_text(one), &trace));
}

static void trace_begins_only_if_it_may(void **state)
{
    char text[trace_text_bytes + 1], again[trace_text_bytes + 1];
    struct trace trace;

    (void)state;
    make("", "acme", "e1", TRACE_BEGIN_NO, &trace, text, false);
    make("rubbish", "acme", "e1", TRACE_BEGIN_SAMPLED, &trace, text, true);
    assert_string_equal(text + 52, "-01");
    assert_false(trace.came);
    assert_true(trace.sampled);
    make("", "acme", "e1", TRACE_BEGIN_SAMPLED, &trace, again, true);
    assert_string_equal(text, again);
    make("", "acme", "e1", TRACE_BEGIN_UNSAMPLED, &trace, again, true);
    assert_memory_equal(text, again, 52);
    assert_string_equal(again + 52, "-00");
    assert_false(trace.sampled);
    assert_true(trace_read(slice_text(again), &trace));
}

/* Whatever befalls a callback is one trace, whose id is the callback's. */
static void trace_that_begins_is_the_callbacks(void **state)
{
    Ringback__V1__RoutingEvent first = RINGBACK__V1__ROUTING_EVENT__INIT, second = first;
    char id[] = "3f2504e0-4f89-11d3-9a0c-0305e82c3301";
    struct effect items[] = {{.topic = TOPIC_ROUTING, .message = &first.base},
                             {.topic = TOPIC_ROUTING, .message = &second.base}};
    struct effects effects = effects_of(items, 2, "callback|acme|x|3|900");
    struct trace trace;

    (void)state;
    second.callback_id = id;
    assert_true(
        trace_make((struct slice){NULL, 0}, slice_text(""), &effects, TRACE_BEGIN_SAMPLED, &trace));
    assert_memory_equal(trace.text, "00-3f2504e04f8911d39a0c0305e82c3301-", 36);
    assert_string_equal(trace_callback(&items[0]), "");
    assert_string_equal(trace_callback(&items[1]), id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trace_headers_are_read_as_the_standard_says),
        cmocka_unit_test(trace_goes_on_with_its_id_and_a_parent_of_the_decision),
        cmocka_unit_test(trace_begins_only_if_it_may),
        cmocka_unit_test(trace_that_begins_is_the_callbacks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
