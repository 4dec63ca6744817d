/* base/clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"

static void clock_wall_goes_back_a_little_clock_stands_still(void **state)
{
    struct clock clock;

    (void)state;
    clock_init(&clock, 1000, 5000);
    assert_int_equal(clock_step(&clock, 900, 0), 1000);
    assert_int_equal(clock_step(&clock, 10000, 10), 10000);
    assert_int_equal(clock_step(&clock, 5000, 20), 10000);
    assert_false(clock.slow);
    assert_int_equal(clock_step(&clock, 10001, 30), 10001);
}

static void clock_wall_goes_back_far_clock_goes_at_half_pace_until_they_meet(void **state)
{
    struct clock clock;

    (void)state;
    clock_init(&clock, 100000, 5000);
    assert_int_equal(clock_step(&clock, 90000, 7000), 100000);
    assert_true(clock.slow);
    assert_int_equal(clock_step(&clock, 91000, 8000), 100500);
    assert_int_equal(clock_step(&clock, 99000, 16000), 104500);
    /* also when less than the limit is left */
    assert_int_equal(clock_step(&clock, 104000, 21000), 107000);
    assert_int_equal(clock_step(&clock, 106000, 23000), 108000);
    assert_true(clock.slow);
    assert_int_equal(clock_step(&clock, 110000, 27000), 110000);
    assert_false(clock.slow);
    assert_int_equal(clock_step(&clock, 110001, 27001), 110001);
}

static void clock_floor_is_raised_never_lowered(void **state)
{
    struct clock clock;

    (void)state;
    clock_init(&clock, 0, 5000);
    clock_raise(&clock, 70);
    assert_int_equal(clock_step(&clock, 60, 0), 70);
    clock_raise(&clock, 50);
    assert_int_equal(clock_step(&clock, 60, 0), 70);
}

static void clock_reads_the_system(void **state)
{
    struct clock clock;
    int64_t before = (int64_t)time(NULL) * 1000;
    int64_t now, again;

    (void)state;
    clock_init(&clock, 0, 5000);
    now = clock_read(&clock);
    again = clock_read(&clock);
    assert_true(now >= before && now < before + 60000);
    assert_true(again >= now);
    before = clock_monotonic_us();
    assert_true(clock_monotonic_ms() >= before / 1000);
}

/* A release ignores the variable; a test build is moved by it at once. */
static void clock_offset_file_moves_only_test_builds(void **state)
{
    char path[] = "/tmp/ringback-clock-XXXXXX";
    int64_t now = (int64_t)time(NULL) * 1000;
    int64_t moved;
    FILE *file = fdopen(mkstemp(path), "w");

    (void)state;
    fputs("-86400000\n", file);
    fclose(file);
    setenv("RINGBACK_CLOCK_OFFSET_FILE", path, 1);
    moved = clock_wall_ms() - now;
    unlink(path);
#ifdef RINGBACK_TEST_POINTS
    assert_in_range(moved + 86400000, 0, 60000);
    assert_in_range(clock_wall_ms() - now, 0, 60000);
#else
    assert_in_range(moved, 0, 60000);
#endif
    unsetenv("RINGBACK_CLOCK_OFFSET_FILE");
}

static const struct {
    const char *text;
    int64_t utc_ms;
} instants[] = {
    {"1970-01-01T00:00:00.000Z", 0},
    {"1969-12-31T23:59:59.999Z", -1},
    {"2000-02-29T12:00:00.500Z", 951825600500},
    {"2024-02-29T23:59:59.007Z", 1709251199007},
    {"1999-01-04T08:15:09.000Z", 915437709000},
    {"0000-01-01T00:00:00.000Z", -62167219200000},
    {"9999-12-31T23:59:59.999Z", 253402300799999},
};

static void clock_instants_are_written_and_read_alike(void **state)
{
    char text[clock_text_size];
    int64_t utc_ms;

    (void)state;
    for (size_t i = 0; i < sizeof(instants) / sizeof(instants[0]); i++) {
        assert_string_equal(clock_format(instants[i].utc_ms, text), instants[i].text);
        assert_int_equal(clock_parse(instants[i].text, &utc_ms, NULL), ERR_OK);
        assert_int_equal(utc_ms, instants[i].utc_ms);
    }
    assert_string_equal(clock_format(253402300800000, text), "?");
    assert_string_equal(clock_format(INT64_MIN, text), "?");
    assert_string_equal(clock_format(INT64_MAX, text), "?");
}

static void clock_instants_agree_with_the_c_library(void **state)
{
    char text[clock_text_size], expected[clock_text_size];

    (void)state;
    for (int64_t seconds = -62167219200; seconds < 253402300800; seconds += 86400 * 97 + 12345) {
        time_t time = (time_t)seconds;
        struct tm parts;
        int64_t utc_ms;

        gmtime_r(&time, &parts);
        snprintf(expected, sizeof(expected), "%04d-%02d-%02dT%02d:%02d:%02d.000Z",
                 (parts.tm_year + 1900) % 10000, (parts.tm_mon + 1) % 100, parts.tm_mday % 100,
                 parts.tm_hour % 100, parts.tm_min % 100, parts.tm_sec % 100);
        assert_string_equal(clock_format(seconds * 1000, text), expected);
        assert_int_equal(clock_parse(text, &utc_ms, NULL), ERR_OK);
        assert_int_equal(utc_ms, seconds * 1000);
    }
}

static void clock_parse_takes_zones_and_refuses_what_is_no_instant(void **state)
{
    static const char *const bad[] = {
        "",
        "2024-02-30T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-00-01T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:60:00Z",
        "2024-01-01T00:00:60Z",
        "2024-01-01T00:00:00",
        "2024-01-01T00:00:00.Z",
        "2024-01-01T00:00:00Zx",
        "2024-01-01T00:00:00+0200",
        "2024-01-01",
        "24-01-01T00:00:00Z",
        "2024-1-01T00:00:00Z",
    };
    struct err_note note;
    int64_t utc_ms = 42;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (clock_parse(bad[i], &utc_ms, &note) != ERR_USAGE)
            fail_msg("\"%s\" is read as %lld", bad[i], (long long)utc_ms);
    }
    assert_int_equal(utc_ms, 42);
    assert_int_equal(clock_parse("2024-01-01T02:00:00.1239+02:00", &utc_ms, NULL), ERR_OK);
    assert_int_equal(utc_ms, 1704067200123);
    assert_int_equal(clock_parse("2023-12-31t22:30:00-01:30", &utc_ms, NULL), ERR_OK);
    assert_int_equal(utc_ms, 1704067200000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_wall_goes_back_a_little_clock_stands_still),
        cmocka_unit_test(clock_wall_goes_back_far_clock_goes_at_half_pace_until_they_meet),
        cmocka_unit_test(clock_floor_is_raised_never_lowered),
        cmocka_unit_test(clock_reads_the_system),
        cmocka_unit_test(clock_offset_file_moves_only_test_builds),
        cmocka_unit_test(clock_instants_are_written_and_read_alike),
        cmocka_unit_test(clock_instants_agree_with_the_c_library),
        cmocka_unit_test(clock_parse_takes_zones_and_refuses_what_is_no_instant),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
