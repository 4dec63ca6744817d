/* Memory is shared out: nothing where there is no limit, less than the limit where there is one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/metrics.h"
#include "daemon/room.h"

enum { mib = 1024 * 1024 };

static void share(int64_t limit, int32_t partitions, struct room *room)
{
    struct options options;

    options_init(&options);
    options.memory_limit = limit;
    options.batch_bytes_max = INT64_C(32) * mib;
    options.redis_backlog = INT64_C(64) * mib;
    room_share(&options, partitions, room);
    options_deinit(&options);
}

static void room_without_a_limit_is_what_the_options_say(void **state)
{
    struct room room;

    (void)state;
    share(0, 32, &room);
    assert_int_equal(room.queued_bytes, INT64_C(256) * mib);
    assert_int_equal(room.batch_bytes, INT64_C(32) * mib);
    assert_int_equal(room.backlog_bytes, INT64_C(64) * mib);
}

static void room_of_a_large_limit_changes_nothing(void **state)
{
    struct room room;

    (void)state;
    share(INT64_C(64) * 1024 * mib, 32, &room);
    assert_int_equal(room.queued_bytes, INT64_C(256) * mib);
    assert_int_equal(room.batch_bytes, INT64_C(32) * mib);
    assert_int_equal(room.backlog_bytes, INT64_C(64) * mib);
}

static void room_of_a_small_limit_is_shared_by_eighths(void **state)
{
    struct room room;

    (void)state;
    share(INT64_C(512) * mib, 8, &room);
    assert_int_equal(room.queued_bytes, INT64_C(64) * mib);
    assert_int_equal(room.batch_bytes, INT64_C(8) * mib);
    assert_int_equal(room.batch_records, 1024);
    assert_int_equal(room.backlog_bytes, INT64_C(8) * mib);
    assert_true(2 * room.queued_bytes + 8 * (2 * room.batch_bytes + room.backlog_bytes) <
                INT64_C(512) * mib);
    share(1, 32, &room); /* a batch has something in it all the same */
    assert_int_equal(room.batch_bytes, 64 * 1024);
    assert_int_equal(room.batch_records, 100);
    assert_int_equal(room.backlog_bytes, 0);
}

static void room_looked_at_is_counted(void **state)
{
    struct room_watch watch = {.limit = 1};

    (void)state;
    metrics_reset();
    room_look(&watch, 10000);
    assert_true(watch.over);
    assert_true(metrics_total(METRIC_memory_resident, 0) > mib);
    assert_int_equal(metrics_total(METRIC_memory_over, 0), 1);
    watch.limit = INT64_MAX;
    room_look(&watch, 10500); /* not again so soon */
    assert_true(watch.over);
    room_look(&watch, 11000);
    assert_false(watch.over);
    assert_int_equal(metrics_total(METRIC_memory_over, 0), 0);
    watch.limit = 0;
    room_look(&watch, 12000);
    assert_false(watch.over);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(room_without_a_limit_is_what_the_options_say),
        cmocka_unit_test(room_of_a_large_limit_changes_nothing),
        cmocka_unit_test(room_of_a_small_limit_is_shared_by_eighths),
        cmocka_unit_test(room_looked_at_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
