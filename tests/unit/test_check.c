/* daemon/check_run.c: what came another way from the same inputs must be the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "daemon/check_run.h"

#include "ringback/v1/routing.pb-c.h"

static const char story_text[] =
    "story: Dora is called back\n"
    "settings: {queues: {sales: {}}, agents: {anna: {}}}\n"
    "events:\n"
    "  - {at: 09:00:00, agent: anna, does: ready, queues: [sales]}\n"
    "  - {at: 09:01:00, caller: dora, does: ask_callback, queue: sales}\n"
    "  - {at: 09:01:05, agent: anna, does: accept, callback: dora}\n"
    "expect:\n"
    "  - {at: 09:01:00, callback: dora, is: offered, agent: anna}\n"
    "  - {at: 09:01:05, callback: dora, is: assigned, agent: anna}\n";

struct told {
    struct check_story story;
    struct check_result result;
    struct check_output outputs[100]; /* what the run gave */
    size_t count;
};

static int tell(void **state)
{
    static struct told told;
    struct err_note note;

    assert_int_equal(
        check_story_text(&told.story, "story.yaml", story_text, strlen(story_text), &note), ERR_OK);
    check_run(&told.story, &told.result);
    assert_int_equal(told.result.fault_count, 0);
    told.count = told.result.output_count;
    assert_in_range(told.count, 2, 100);
    memcpy(told.outputs, told.result.outputs, told.count * sizeof(told.outputs[0]));
    *state = &told;
    return 0;
}

static int forget(void **state)
{
    struct told *told = *state;

    check_result_deinit(&told->result);
    check_story_deinit(&told->story);
    memset(told, 0, sizeof(*told));
    return 0;
}

static size_t find(const struct told *told, const char *text)
{
    for (size_t at = 0; at < told->count; at++) {
        const struct check_word *word = check_word_of(&told->outputs[at]);

        if (word != NULL && strcmp(word->word, text) == 0)
            return at;
    }
    fail_msg("there is no %s", text);
    return 0;
}

static bool is_wrong(const struct told *told, const char *text)
{
    for (size_t at = 0; at < told->result.fault_count; at++) {
        if (strstr(told->result.faults[at].text, text) != NULL)
            return true;
    }
    return false;
}

static void check_compare_of_the_same_finds_nothing(void **state)
{
    struct told *told = *state;

    check_compare(&told->story, &told->result, told->outputs, told->count);
    assert_int_equal(told->result.fault_count, 0);
    assert_int_equal(told->result.output_count, told->count);
    /* the offer comes after the event that makes it */
    assert_true(told->result.decided[2] > told->result.decided[1]);
    assert_true(told->result.outputs[told->result.decided[2] - 1].at_ms >=
                told->story.events[1].is.at_ms);
}

static void check_compare_without_one_names_it(void **state)
{
    struct told *told = *state;
    size_t at = find(told, "assigned");

    memmove(&told->outputs[at], &told->outputs[at + 1],
            (told->count - at - 1) * sizeof(told->outputs[0]));
    check_compare(&told->story, &told->result, told->outputs, told->count - 1);
    assert_true(is_wrong(told, "expected, did not come: callback dora: assigned, agent anna"));
    assert_true(is_wrong(told, "from the engine alone \"callback dora: assigned, agent anna"));
}

static void check_compare_with_one_too_many_names_it(void **state)
{
    struct told *told = *state;
    size_t at = find(told, "offered");

    memmove(&told->outputs[at + 1], &told->outputs[at],
            (told->count - at) * sizeof(told->outputs[0]));
    check_compare(&told->story, &told->result, told->outputs, told->count + 1);
    assert_true(is_wrong(told, "came, not expected: callback dora: offered, agent anna"));
    assert_true(is_wrong(told, "routing: \"callback dora: offered, agent anna"));
}

/* Nothing that a story can name is otherwise, but a byte is. */
static void check_compare_of_another_byte_finds_it(void **state)
{
    struct told *told = *state;
    struct check_output *output = &told->outputs[find(told, "offered")];
    uint8_t bytes[2000];

    assert_true(output->value.size <= sizeof(bytes));
    memcpy(bytes, output->value.data, output->value.size);
    bytes[3] ^= 1; /* in its id */
    output->value = slice_make(bytes, output->value.size);
    check_compare(&told->story, &told->result, told->outputs, told->count);
    assert_int_equal(told->result.fault_count, 1);
    assert_true(is_wrong(told, "they differ in other fields"));
}

static void check_compare_of_another_time_finds_it(void **state)
{
    struct told *told = *state;

    told->outputs[find(told, "assigned")].at_ms += 1;
    check_compare(&told->story, &told->result, told->outputs, told->count);
    assert_true(is_wrong(told, "expected, did not come: callback dora: assigned, agent anna"));
}

static void check_compare_leaves_out_what_is_later_than_the_story(void **state)
{
    struct told *told = *state;

    told->outputs[told->count] = told->outputs[told->count - 1];
    told->outputs[told->count].at_ms = told->story.until_ms + 1;
    check_compare(&told->story, &told->result, told->outputs, told->count + 1);
    assert_int_equal(told->result.fault_count, 0);
}

static void check_output_read_of_rubbish_fails(void **state)
{
    struct told *told = *state;
    struct check_output output = {.topic = TOPIC_ROUTING};

    assert_false(check_output_read(&output, NULL, slice_text("\xff\xff"), &told->result.arena));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(check_compare_of_the_same_finds_nothing, tell, forget),
        cmocka_unit_test_setup_teardown(check_compare_without_one_names_it, tell, forget),
        cmocka_unit_test_setup_teardown(check_compare_with_one_too_many_names_it, tell, forget),
        cmocka_unit_test_setup_teardown(check_compare_of_another_byte_finds_it, tell, forget),
        cmocka_unit_test_setup_teardown(check_compare_of_another_time_finds_it, tell, forget),
        cmocka_unit_test_setup_teardown(check_compare_leaves_out_what_is_later_than_the_story, tell,
                                        forget),
        cmocka_unit_test_setup_teardown(check_output_read_of_rubbish_fails, tell, forget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
