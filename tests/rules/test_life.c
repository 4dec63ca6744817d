/* One callback's whole life, as a first look at the machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "state/internal.h"
#include "tests/support/story.h"

static void life_of_an_in_queue_callback_from_promise_to_end(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    story_set_queue(&story, story_queue(&story, "sales"));
    story_enter(&story, "i1", "sales");
    story_at(&story, 60000);
    story_ask(&story, "r1", story_create(&story, "i1", "sales"));
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    callback = story_made(&story);
    assert_int_equal(story_callback(&story, callback)->place->entry_ms, STORY_START_MS);
    story_ready(&story, "anna", "sales");
    assert_string_equal(story_offered_to(&story), "anna");
    story_at(&story, 65000);
    story_accept(&story, "anna");
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    assert_int_equal(story_metric(&story, METRIC(T_ANSWERED), "sales", NULL), 5000);
    story_at(&story, 70000);
    story_dial(&story, "anna", callback);
    assert_int_equal(story_reason(&story), REASON(UNSPECIFIED));
    story_ringing(&story);
    story_at(&story, 80000);
    story_answered(&story, RINGBACK__V1__ANSWER_KIND__ANSWER_KIND_PERSON);
    assert_int_equal(story_state(&story, callback), STATE(TALKING));
    story_at(&story, 200000);
    story_attempt_ended(&story, RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_HUNG_UP);
    assert_int_equal(story_state(&story, callback), STATE(WRAP_UP));
    story_end(&story, "anna", callback);
    assert_int_equal(story_state(&story, callback), STATE(ENDED));
    assert_int_equal(story_routing(&story, "routing.callback_ended", 0)->callback_ended->reason,
                     REASON(COMPLETED));
    story_at(&story, 200000 + 31 * DAY_MS);
    assert_int_equal(story_state(&story, callback), STATE(UNSPECIFIED));
    story_close(&story);
}

static void life_table_says_what_happens_in_every_cell(void **state)
{
    (void)state;
    assert_int_equal(callback_table_gaps(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(life_of_an_in_queue_callback_from_promise_to_end),
        cmocka_unit_test(life_table_says_what_happens_in_every_cell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
