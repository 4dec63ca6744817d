#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <cmocka.h>
#include <poll.h>

#include "base/clock.h"
#include "daemon/watchdog.h"

enum { tick_ms = 2, ticks_max = 20, deadline_ms = 20000 };

static void count(void *context)
{
    atomic_fetch_add((atomic_int *)context, 1);
}

static void watchdog_says_once_that_its_thread_hangs(void **state)
{
    atomic_int hung = 0;
    int64_t began_ms = clock_monotonic_ms();
    struct watchdog *watchdog = watchdog_create(tick_ms, ticks_max, count, &hung);

    (void)state;
    while (atomic_load(&hung) == 0 && clock_monotonic_ms() - began_ms < deadline_ms)
        (void)poll(NULL, 0, tick_ms);
    assert_true(clock_monotonic_ms() - began_ms >= tick_ms * ticks_max);
    watchdog_destroy(watchdog);
    assert_int_equal(atomic_load(&hung), 1);
}

/* As a thread does that turns all the time; the ticks alone would have been enough. A busy machine
 * may keep it from turning for most of a second. */
static void watchdog_is_silent_while_its_thread_turns(void **state)
{
    atomic_int hung = 0;
    int64_t until_ms = clock_monotonic_ms() + 1500;
    struct watchdog *watchdog = watchdog_create(10, 100, count, &hung);

    (void)state;
    while (clock_monotonic_ms() < until_ms) {
        watchdog_turn(watchdog);
        (void)poll(NULL, 0, 1);
    }
    watchdog_destroy(watchdog);
    assert_int_equal(atomic_load(&hung), 0);
    watchdog_turn(NULL);
    watchdog_destroy(NULL);
}

static void watchdog_ends_at_once(void **state)
{
    atomic_int hung = 0;
    int64_t began_ms = clock_monotonic_ms();

    (void)state;
    watchdog_destroy(watchdog_create(deadline_ms, 1, count, &hung));
    assert_true(clock_monotonic_ms() - began_ms < deadline_ms / 2);
    assert_int_equal(atomic_load(&hung), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(watchdog_says_once_that_its_thread_hangs),
        cmocka_unit_test(watchdog_is_silent_while_its_thread_turns),
        cmocka_unit_test(watchdog_ends_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
