/* Which topic a name in a recorded log means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/log_topics.h"
#include "daemon/options.h"

/* Names as the options make them, two of them to confuse. */
static struct options options;

static int set_up(void **state)
{
    struct err_note note;

    (void)state;
    options_init(&options);
    options.topics_flows = "callback-requests";
    options.topics_routing = "to-switch.commands";
    options.topics_dlq_suffix = "-dead";
    assert_int_equal(options_check(&options, &note), ERR_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    options_deinit(&options);
    return 0;
}

static enum topic find(const char *name)
{
    return log_topics_find(options.topic_names, slice_text(name), NULL);
}

static void log_topics_are_found_by_the_names_of_the_options(void **state)
{
    (void)state;
    assert_int_equal(find("callback-requests"), TOPIC_FLOWS);
    assert_int_equal(find("to-switch.commands"), TOPIC_ROUTING);
    assert_int_equal(find("ringback.commands"), TOPIC_COMMANDS);
    assert_int_equal(find("callback-requests-dead"), (int)TOPIC_DLQ_FIRST + (int)INPUT_FLOWS);
}

static void log_topics_of_another_installation_are_found_by_their_endings(void **state)
{
    struct slice prefix = {NULL, 0};

    (void)state;
    assert_int_equal(find("cc.flows"), TOPIC_FLOWS);
    assert_int_equal(find("cc-routing"), TOPIC_ROUTING);
    assert_int_equal(find("journal"), TOPIC_JOURNAL);
    assert_int_equal(find("cc.presence.dlq"), (int)TOPIC_DLQ_FIRST + (int)INPUT_PRESENCE);
    assert_int_equal(log_topics_find(NULL, slice_text("cc.eu.state"), &prefix), TOPIC_STATE);
    assert_true(slice_equal(prefix, slice_text("cc.eu.")));
}

static void log_topics_that_are_none_are_told_by_name(void **state)
{
    struct log_strangers strangers = {.count = 0};
    char text[log_strangers_text_bytes];

    (void)state;
    assert_int_equal(find("overflows"), TOPIC_COUNT);
    assert_int_equal(find("callback-request"), TOPIC_COUNT);
    assert_int_equal(find(""), TOPIC_COUNT);
    for (int i = 0; i < 3; i++)
        log_strangers_add(&strangers, slice_text("a"));
    log_strangers_add(&strangers, slice_text("b"));
    assert_string_equal(log_strangers_text(&strangers, text), "a, b");
    for (const char *name = "cdefgh"; *name != '\0'; name++)
        log_strangers_add(&strangers, slice_make(name, 1));
    assert_string_equal(log_strangers_text(&strangers, text), "a, b, c, d, e and others");
    assert_int_equal(strangers.records, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(log_topics_are_found_by_the_names_of_the_options, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            log_topics_of_another_installation_are_found_by_their_endings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(log_topics_that_are_none_are_told_by_name, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
