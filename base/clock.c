#include "base/clock.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { day_ms = 86400000 };

static int64_t read_us(clockid_t id)
{
    struct timespec time;

    clock_gettime(id, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

#ifdef RINGBACK_TEST_POINTS
/* Open, read, close: the harness replaces the file by rename, so a read is never torn. */
static int64_t offset_ms(void)
{
    const char *path = getenv("RINGBACK_CLOCK_OFFSET_FILE");
    FILE *file = path == NULL ? NULL : fopen(path, "re");
    char text[40] = "";
    char *end;
    long long value;

    if (file == NULL)
        return 0;
    if (fgets(text, sizeof(text), file) == NULL)
        text[0] = '\0';
    fclose(file);
    text[strcspn(text, "\n")] = '\0';
    value = strtoll(text, &end, 10);
    if (*end != '\0') {
        fprintf(stderr, "ringback: %s: \"%s\" is not a number of milliseconds\n", path, text);
        abort();
    }
    return value;
}
#else
static int64_t offset_ms(void)
{
    return 0;
}
#endif

int64_t clock_wall_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000 + offset_ms();
}

int64_t clock_monotonic_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t clock_monotonic_ms(void)
{
    return clock_monotonic_us() / 1000;
}

void clock_init(struct clock *clock, int64_t floor_ms, int64_t skew_max_ms)
{
    *clock = (struct clock){.now_ms = floor_ms, .skew_max_ms = skew_max_ms};
}

void clock_raise(struct clock *clock, int64_t floor_ms)
{
    if (floor_ms <= clock->now_ms)
        return;
    clock->now_ms = floor_ms;
    clock->slow = false;
}

int64_t clock_step(struct clock *clock, int64_t wall_ms, int64_t monotonic_ms)
{
    if (wall_ms >= clock->now_ms) {
        clock->now_ms = wall_ms;
        clock->slow = false;
        return clock->now_ms;
    }
    if (!clock->slow && clock->now_ms - wall_ms > clock->skew_max_ms) {
        clock->slow = true;
        clock->slow_now_ms = clock->now_ms;
        clock->slow_monotonic_ms = monotonic_ms;
    }
    if (clock->slow)
        clock->now_ms = clock->slow_now_ms + (monotonic_ms - clock->slow_monotonic_ms) / 2;
    return clock->now_ms;
}

int64_t clock_read(struct clock *clock)
{
    return clock_step(clock, clock_wall_ms(), clock_monotonic_ms());
}

/* Both count in eras of 400 years (146,097 days) that begin on 1 March, so that the leap day is a
 * year's last day and a month's first day is a linear function of its number. */
int64_t clock_days(int64_t year, int month, int day)
{
    int64_t shifted = month > 2 ? year : year - 1;
    int64_t era = (shifted >= 0 ? shifted : shifted - 399) / 400;
    int64_t year_of_era = shifted - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

void clock_date(int64_t days, int64_t *year, int *month, int *day)
{
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march = (5 * day_of_year + 2) / 153;

    *day = (int)(day_of_year - (153 * march + 2) / 5 + 1);
    *month = (int)(march < 10 ? march + 3 : march - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

const char *clock_format(int64_t utc_ms, char *text)
{
    int64_t days = utc_ms / day_ms - (utc_ms % day_ms < 0);
    int64_t ms = utc_ms - days * day_ms;
    int64_t year;
    int month, day;

    clock_date(days, &year, &month, &day);
    if (year < 0 || year > 9999)
        return strcpy(text, "?");
    snprintf(text, clock_text_size, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)year, month, day,
             (int)(ms / 3600000), (int)(ms / 60000 % 60), (int)(ms / 1000 % 60), (int)(ms % 1000));
    return text;
}

/* Exactly count digits at *at, within min..max; *at moves behind them. */
static bool read_number(const char **at, int count, int min, int max, int *value)
{
    int sum = 0;

    for (int i = 0; i < count; i++) {
        if (!isdigit((unsigned char)(*at)[i]))
            return false;
        sum = sum * 10 + ((*at)[i] - '0');
    }
    *at += count;
    *value = sum;
    return sum >= min && sum <= max;
}

static bool read_char(const char **at, const char *allowed)
{
    if (**at == '\0' || strchr(allowed, **at) == NULL)
        return false;
    (*at)++;
    return true;
}

static bool read_date(const char **at, int64_t *days)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day;
    bool leap;

    if (!read_number(at, 4, 0, 9999, &year) || !read_char(at, "-") ||
        !read_number(at, 2, 1, 12, &month) || !read_char(at, "-") ||
        !read_number(at, 2, 1, 31, &day))
        return false;
    leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day > lengths[month - 1] + (month == 2 && leap))
        return false;
    *days = clock_days(year, month, day);
    return true;
}

static bool read_time(const char **at, int *ms)
{
    int hour, minute, second, unit = 100;

    if (!read_number(at, 2, 0, 23, &hour) || !read_char(at, ":") ||
        !read_number(at, 2, 0, 59, &minute) || !read_char(at, ":") ||
        !read_number(at, 2, 0, 59, &second))
        return false;
    *ms = ((hour * 60 + minute) * 60 + second) * 1000;
    if (!read_char(at, "."))
        return true;
    if (!isdigit((unsigned char)**at))
        return false;
    for (; isdigit((unsigned char)**at); (*at)++, unit /= 10)
        *ms += (**at - '0') * unit;
    return true;
}

static bool read_zone(const char **at, int *ms)
{
    int sign = **at == '-' ? -1 : 1;
    int hour, minute;

    *ms = 0;
    if (read_char(at, "Zz"))
        return **at == '\0';
    if (!read_char(at, "+-") || !read_number(at, 2, 0, 23, &hour) || !read_char(at, ":") ||
        !read_number(at, 2, 0, 59, &minute))
        return false;
    *ms = sign * (hour * 60 + minute) * 60000;
    return **at == '\0';
}

enum err clock_parse(const char *text, int64_t *utc_ms, struct err_note *note)
{
    const char *at = text;
    int64_t days = 0;
    int ms = 0, zone_ms = 0;

    if (!read_date(&at, &days) || !read_char(&at, "Tt ") || !read_time(&at, &ms) ||
        !read_zone(&at, &zone_ms))
        return FAIL(note, ERR_USAGE,
                    "\"%.60s\" is not an instant; write it as 2024-02-29T23:59:59.007Z", text);
    *utc_ms = days * day_ms + ms - zone_ms;
    return ERR_OK;
}
