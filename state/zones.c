/* Local time by a table of clock changes. */
#include "state/zones.h"

#include <stdbool.h>
#include <stddef.h>

#include "state/limits.h"

/* The table's checks allow no offset of more than a day (settings.c). */
static int64_t offset_ms(const Ringback__V1__ZoneTable *table, size_t at)
{
    return table->n_offsets == 0 ? 0 : table->offsets[at]->offset_s * SECOND_MS;
}

/* Which offset holds at that instant; the first also before its time. */
static size_t offset_index(const Ringback__V1__ZoneTable *table, int64_t utc_ms)
{
    size_t low = 0, high = table->n_offsets;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (table->offsets[middle]->from_ms <= utc_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? 0 : low - 1;
}

int64_t zone_local(const Ringback__V1__ZoneTable *table, int64_t utc_ms)
{
    return utc_ms + offset_ms(table, offset_index(table, utc_ms));
}

/* The first span of one offset in which the clocks show the local time. If none does, it was
 * skipped where they passed it: those before the change say it, so that it is as much later on
 * those after as the gap is long. Spans a day and more away cannot show it. */
int64_t zone_utc(const Ringback__V1__ZoneTable *table, int64_t local_ms)
{
    size_t at = offset_index(table, local_ms - DAY_MS), before_gap = at;
    bool skipped = false;

    for (; at < table->n_offsets; at++) {
        int64_t utc_ms = local_ms - offset_ms(table, at);

        if (at > 0 && utc_ms < table->offsets[at]->from_ms) {
            if (!skipped)
                before_gap = at - 1;
            skipped = true;
            if (table->offsets[at]->from_ms > local_ms + DAY_MS)
                break;
        } else if (at + 1 == table->n_offsets || utc_ms < table->offsets[at + 1]->from_ms) {
            return utc_ms;
        }
    }
    return local_ms - offset_ms(table, before_gap);
}

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 1970-01-01 to the first day of the year. */
static int64_t year_day(int64_t year)
{
    int64_t before = year - 1;

    return 365 * (year - 1970) + floor_divide(before, 4) - floor_divide(before, 100) +
           floor_divide(before, 400) - 477; /* leap days until 1969 */
}

static uint32_t date_of(int64_t day)
{
    static const uint8_t months[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t year = 1970 + floor_divide(day * 400, 146097); /* days of 400 years; at most 1 off */
    int64_t left, month = 0;

    while (year_day(year) > day)
        year--;
    while (year_day(year + 1) <= day)
        year++;
    left = day - year_day(year);
    for (;; month++) {
        int64_t days = months[month] + (month == 1 && is_leap(year));

        if (left < days)
            break;
        left -= days;
    }
    return (uint32_t)(year * 10000 + (month + 1) * 100 + left + 1);
}

struct zone_time zone_time(int64_t local_ms)
{
    int64_t day = floor_divide(local_ms, DAY_MS), of_day = local_ms - day * DAY_MS;
    int64_t week = floor_divide(day + 3, 7); /* 1970-01-01 was a Thursday */

    return (struct zone_time){
        .day = day,
        .date = date_of(day),
        .weekday = (uint32_t)(day + 3 - 7 * week + 1),
        .minute = (uint32_t)(of_day / MINUTE_MS),
        .ms = (uint32_t)(of_day % MINUTE_MS),
    };
}

int64_t zone_minute(const Ringback__V1__ZoneTable *table, int64_t day, uint32_t minute)
{
    return zone_utc(table, day * DAY_MS + minute * MINUTE_MS);
}
