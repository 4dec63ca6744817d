#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "daemon/hanging.h"

enum { limit_ms = 30000 };

static void hanging_alarms_when_it_stands_still(void **state)
{
    struct hanging hanging = {.known = false};

    (void)state;
    assert_false(hanging_alarms(&hanging, 10, 15, 1000, limit_ms));
    assert_false(hanging_alarms(&hanging, 10, 20, 1000 + limit_ms - 1, limit_ms));
    assert_true(hanging_alarms(&hanging, 10, 20, 1000 + limit_ms, limit_ms));
}

static void hanging_alarms_again_each_minute(void **state)
{
    struct hanging hanging = {.known = false};
    int alarms = 0;

    (void)state;
    for (int64_t now_ms = 0; now_ms <= limit_ms + 2 * hanging_again_ms; now_ms += 1000)
        alarms += hanging_alarms(&hanging, 10, 15, now_ms, limit_ms);
    assert_int_equal(alarms, 3);
}

static void hanging_is_silent_while_it_moves_or_all_is_seen(void **state)
{
    struct hanging moves = {.known = false}, rests = {.known = false}, ends = {.known = false};

    (void)state;
    for (int64_t now_ms = 0; now_ms < 10 * limit_ms; now_ms += limit_ms / 2) {
        assert_false(hanging_alarms(&moves, now_ms, now_ms + 5, now_ms, limit_ms));
        assert_false(hanging_alarms(&rests, 15, 15, now_ms, limit_ms));
    }
    assert_false(hanging_alarms(&ends, 10, 15, 0, limit_ms));
    assert_false(hanging_alarms(&ends, 10, 10, limit_ms, limit_ms)); /* aborted: nothing behind */
    assert_false(hanging_alarms(&ends, 10, 15, limit_ms + 1, limit_ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hanging_alarms_when_it_stands_still),
        cmocka_unit_test(hanging_alarms_again_each_minute),
        cmocka_unit_test(hanging_is_silent_while_it_moves_or_all_is_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
