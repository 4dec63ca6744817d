/* state/zones: local times by a table of clock changes. What real zones do is tested against the
 * zone data of Python in tests/quick.d/zones; here the tables are small and made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "state/limits.h"
#include "state/zones.h"

enum { offsets_most = 4 };

/* A table of up to four offsets: {from_ms, offset_s}. */
struct small_table {
    Ringback__V1__ZoneTable table;
    Ringback__V1__ZoneOffset offsets[offsets_most];
    Ringback__V1__ZoneOffset *list[offsets_most];
};

static const Ringback__V1__ZoneTable *table_of(struct small_table *small, size_t count,
                                               const int64_t rows[][2])
{
    ringback__v1__zone_table__init(&small->table);
    for (size_t at = 0; at < count; at++) {
        ringback__v1__zone_offset__init(&small->offsets[at]);
        small->offsets[at].from_ms = rows[at][0];
        small->offsets[at].offset_s = (int32_t)rows[at][1];
        small->list[at] = &small->offsets[at];
    }
    small->table.n_offsets = count;
    small->table.offsets = small->list;
    return &small->table;
}

/* One hour east; two from 1,000 h on; one again from 2,000 h on. */
static const int64_t summer[][2] = {{0, 3600}, {1000 * HOUR_MS, 7200}, {2000 * HOUR_MS, 3600}};

static void zones_local_is_the_offset_that_holds(void **state)
{
    static const int64_t rows[][2] = {
        {0, HOUR_MS},
        {-5 * DAY_MS, -5 * DAY_MS + HOUR_MS}, /* the first holds before its time too */
        {1000 * HOUR_MS - 1, 1001 * HOUR_MS - 1},
        {1000 * HOUR_MS, 1002 * HOUR_MS},
        {2000 * HOUR_MS - 1, 2002 * HOUR_MS - 1},
        {2000 * HOUR_MS, 2001 * HOUR_MS},
        {900000 * HOUR_MS, 900001 * HOUR_MS}, /* the last for ever */
    };
    struct small_table small;
    const Ringback__V1__ZoneTable *table = table_of(&small, 3, summer);

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++)
        assert_int_equal(zone_local(table, rows[at][0]), rows[at][1]);
}

/* The clocks go from 1,001 h to 1,002 h: what is between moves forward by that hour. */
static void zones_skipped_time_moves_forward_by_the_gap(void **state)
{
    static const int64_t rows[][2] = {
        /* local, UTC */
        {1001 * HOUR_MS - 1, 1000 * HOUR_MS - 1},
        {1001 * HOUR_MS, 1000 * HOUR_MS},
        {1001 * HOUR_MS + 30 * MINUTE_MS, 1000 * HOUR_MS + 30 * MINUTE_MS},
        {1002 * HOUR_MS - 1, 1001 * HOUR_MS - 1},
        {1002 * HOUR_MS, 1000 * HOUR_MS},
        {1002 * HOUR_MS + 1, 1000 * HOUR_MS + 1},
    };
    struct small_table small;
    const Ringback__V1__ZoneTable *table = table_of(&small, 3, summer);

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        bool skipped = at >= 1 && at <= 3;

        assert_int_equal(zone_utc(table, rows[at][0]), rows[at][1]);
        assert_int_equal(zone_local(table, rows[at][1]), rows[at][0] + (skipped ? HOUR_MS : 0));
    }
}

/* The clocks go from 2,002 h back to 2,001 h. */
static void zones_time_that_occurs_twice_is_the_first(void **state)
{
    static const int64_t rows[][2] = {
        {2001 * HOUR_MS - 1, 1999 * HOUR_MS - 1}, {2001 * HOUR_MS, 1999 * HOUR_MS},
        {2002 * HOUR_MS - 1, 2000 * HOUR_MS - 1}, {2002 * HOUR_MS, 2001 * HOUR_MS},
        {2002 * HOUR_MS + 1, 2001 * HOUR_MS + 1},
    };
    struct small_table small;
    const Ringback__V1__ZoneTable *table = table_of(&small, 3, summer);

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++)
        assert_int_equal(zone_utc(table, rows[at][0]), rows[at][1]);
}

/* Apia had no 2011-12-30: from 10 hours west to 14 hours east in one moment. */
static void zones_a_whole_day_may_be_skipped(void **state)
{
    static const int64_t samoa[][2] = {{0, -10 * 3600}, {1000 * HOUR_MS, 14 * 3600}};
    struct small_table small;
    const Ringback__V1__ZoneTable *table = table_of(&small, 2, samoa);

    (void)state;
    assert_int_equal(zone_utc(table, 990 * HOUR_MS - 1), 1000 * HOUR_MS - 1);
    assert_int_equal(zone_utc(table, 990 * HOUR_MS), 1000 * HOUR_MS);
    assert_int_equal(zone_utc(table, 1014 * HOUR_MS - 1), 1024 * HOUR_MS - 1);
    assert_int_equal(zone_utc(table, 1014 * HOUR_MS), 1000 * HOUR_MS);
    assert_int_equal(zone_local(table, 1000 * HOUR_MS), 1014 * HOUR_MS);
}

/* Clocks that change twice within a day: every instant is found again, or an earlier one that shows
 * the same; never one that shows anything else. */
static void zones_utc_undoes_local_whatever_the_table(void **state)
{
    static const int64_t odd[][2] = {
        {0, -86400}, {40 * HOUR_MS, 86400}, {45 * HOUR_MS, 1800}, {47 * HOUR_MS, -3600}};
    struct small_table small;
    const Ringback__V1__ZoneTable *table = table_of(&small, 4, odd);

    (void)state;
    for (int64_t utc = -100 * HOUR_MS; utc < 200 * HOUR_MS; utc += 10 * MINUTE_MS) {
        int64_t found = zone_utc(table, zone_local(table, utc));

        assert_true(found <= utc);
        assert_int_equal(zone_local(table, found), zone_local(table, utc));
    }
}

static void zones_table_without_offsets_is_utc(void **state)
{
    Ringback__V1__ZoneTable table = RINGBACK__V1__ZONE_TABLE__INIT;

    (void)state;
    assert_int_equal(zone_local(&table, 1234567), 1234567);
    assert_int_equal(zone_utc(&table, 1234567), 1234567);
}

static void zones_days_are_those_of_the_calendar(void **state)
{
    (void)state;
    for (int64_t day = -30000; day < 200000; day++) { /* 1887 to 2517 */
        time_t seconds = (time_t)(day * 86400 + day % 86400 * (day > 0));
        struct tm tm;
        struct zone_time got = zone_time((int64_t)seconds * 1000 + 7);

        gmtime_r(&seconds, &tm);
        assert_int_equal(got.date,
                         (tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday);
        assert_int_equal(got.weekday, tm.tm_wday == 0 ? 7 : tm.tm_wday);
        assert_int_equal(got.minute, tm.tm_hour * 60 + tm.tm_min);
        assert_int_equal(got.ms, tm.tm_sec * 1000 + 7);
        assert_int_equal(got.day * DAY_MS + got.minute * MINUTE_MS + got.ms,
                         (int64_t)seconds * 1000 + 7);
    }
}

static void zones_last_millisecond_of_a_day(void **state)
{
    struct zone_time got = zone_time(-1);

    (void)state;
    assert_int_equal(got.day, -1);
    assert_int_equal(got.date, 19691231);
    assert_int_equal(got.weekday, 3);
    assert_int_equal(got.minute, 1439);
    assert_int_equal(got.ms, 59999);
    assert_int_equal(zone_time(0).date, 19700101);
    assert_int_equal(zone_time(0).weekday, 4);
}

/* Day 41 of `summer` has 23 hours: 984 h to 1,008 h on the clocks, skipping 1,001 h. */
static void zones_minute_of_a_day_with_a_gap(void **state)
{
    struct small_table small;
    const Ringback__V1__ZoneTable *table = table_of(&small, 3, summer);

    (void)state;
    assert_int_equal(zone_minute(table, 41, 0), 983 * HOUR_MS);
    assert_int_equal(zone_minute(table, 41, 17 * 60), 1000 * HOUR_MS);
    assert_int_equal(zone_minute(table, 41, 18 * 60), 1000 * HOUR_MS);
    assert_int_equal(zone_minute(table, 41, 1440), 1006 * HOUR_MS);
    assert_int_equal(zone_minute(table, 42, 0), 1006 * HOUR_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zones_local_is_the_offset_that_holds),
        cmocka_unit_test(zones_skipped_time_moves_forward_by_the_gap),
        cmocka_unit_test(zones_time_that_occurs_twice_is_the_first),
        cmocka_unit_test(zones_a_whole_day_may_be_skipped),
        cmocka_unit_test(zones_utc_undoes_local_whatever_the_table),
        cmocka_unit_test(zones_table_without_offsets_is_utc),
        cmocka_unit_test(zones_days_are_those_of_the_calendar),
        cmocka_unit_test(zones_last_millisecond_of_a_day),
        cmocka_unit_test(zones_minute_of_a_day_with_a_gap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
