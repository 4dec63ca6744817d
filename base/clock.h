/* Time: UTC milliseconds of the wall clock that never go back, milliseconds that only run, and
 * instants as text. Nothing else in the program asks the system for the time. */
#ifndef RINGBACK_BASE_CLOCK_H
#define RINGBACK_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* A clock that never goes back. When the wall clock is behind it by no more than skew_max_ms it
 * stands still; by more, it goes at half the pace of the monotonic clock, until they meet. One
 * thread's. */
struct clock {
    int64_t now_ms;
    int64_t skew_max_ms;
    int64_t slow_now_ms;       /* what it said when it began to go slowly */
    int64_t slow_monotonic_ms; /* and when that was */
    bool slow;                 /* ahead of the wall clock by more than skew_max_ms: alarm */
};

/* floor_ms: the least it ever says (a meta record's clock; 0: none). */
void clock_init(struct clock *clock, int64_t floor_ms, int64_t skew_max_ms);

/* Raise the least it ever says from now on. */
void clock_raise(struct clock *clock, int64_t floor_ms);

/* Read the system and return now, UTC ms. */
int64_t clock_read(struct clock *clock);

/* The same with the system's two clocks given. */
int64_t clock_step(struct clock *clock, int64_t wall_ms, int64_t monotonic_ms);

/* UTC ms since 1970, as the system says: may go back. Test builds (RINGBACK_TEST_POINTS) add the
 * milliseconds in the file that RINGBACK_CLOCK_OFFSET_FILE names, read anew every time; a file
 * that is missing or empty is 0, one that is no number aborts. */
int64_t clock_wall_ms(void);

/* Since an arbitrary beginning; never goes back. */
int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_us(void);

enum { clock_text_size = 32 };

/* RFC 3339 with milliseconds, "2024-02-29T23:59:59.007Z". Returns text, of clock_text_size bytes.
 * Years outside 0..9999 are written as "?". */
const char *clock_format(int64_t utc_ms, char *text);

/* RFC 3339: a zone is needed (Z or +02:00); fractions are cut to ms; seconds 0..59.
 * Error: ERR_USAGE, the text quoted. */
MUST_CHECK enum err clock_parse(const char *text, int64_t *utc_ms, struct err_note *note);

/* Days since 1970-01-01 of a date of the Gregorian calendar, and back. month 1..12, day 1..31. */
int64_t clock_days(int64_t year, int month, int day);
void clock_date(int64_t days, int64_t *year, int *month, int *day);

#endif
