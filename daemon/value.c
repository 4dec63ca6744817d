#include "daemon/value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct unit {
    const char *name;
    int64_t factor;
};

/* Largest first: formatting takes them in this order. */
static const struct unit duration_units[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {NULL, 0},
};
static const struct unit size_units[] = {
    {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"GB", 1000000000},
    {"MB", 1000000},  {"kB", 1000},     {"B", 1},         {NULL, 0},
};

/* Reads digits (and '_' between them). Returns their end, or NULL when there are none or the
 * number does not fit. */
static const char *read_digits(const char *text, int64_t *value)
{
    int64_t sum = 0;

    if (!isdigit((unsigned char)*text))
        return NULL;
    for (; isdigit((unsigned char)*text) || (*text == '_' && isdigit((unsigned char)text[1]));
         text++) {
        if (*text == '_')
            continue;
        if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, *text - '0', &sum))
            return NULL;
    }
    *value = sum;
    return text;
}

static const struct unit *read_unit(const struct unit *units, const char **text)
{
    size_t size = 0;

    while (isalpha((unsigned char)(*text)[size]))
        size++;
    for (; units->name != NULL; units++) {
        if (strlen(units->name) == size && memcmp(units->name, *text, size) == 0) {
            *text += size;
            return units;
        }
    }
    return NULL;
}

enum err value_bool(const char *text, bool *value, struct err_note *note)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *value = i % 2 == 1;
            return ERR_OK;
        }
    }
    return FAIL(note, ERR_BAD_OPTION, "\"%.100s\" is neither true nor false", text);
}

enum err value_int(const char *text, int64_t min, int64_t max, int64_t *value,
                   struct err_note *note)
{
    bool negative = *text == '-';
    int64_t parsed = 0;
    const char *end = read_digits(text + negative, &parsed);

    if (end == NULL || *end != '\0')
        return FAIL(note, ERR_BAD_OPTION,
                    "\"%.100s\" is not a whole number; allowed: %" PRId64 " to %" PRId64, text, min,
                    max);
    if (negative)
        parsed = -parsed;
    if (parsed < min || parsed > max)
        return FAIL(note, ERR_BAD_OPTION,
                    "%.100s is out of range; allowed: %" PRId64 " to %" PRId64, text, min, max);
    *value = parsed;
    return ERR_OK;
}

/* strtod also reads hex, "inf", "nan" and leading blanks: none of that is wanted here. */
enum err value_double(const char *text, double min, double max, double *value,
                      struct err_note *note)
{
    size_t plain = strspn(text, "+-.0123456789eE");
    char *end = NULL;
    double parsed = 0;

    if (plain == strlen(text) && plain > 0)
        parsed = strtod(text, &end);
    if (end == NULL || end == text || *end != '\0' || !isfinite(parsed))
        return FAIL(note, ERR_BAD_OPTION, "\"%.100s\" is not a number; allowed: %g to %g", text,
                    min, max);
    if (parsed < min || parsed > max)
        return FAIL(note, ERR_BAD_OPTION, "%.100s is out of range; allowed: %g to %g", text, min,
                    max);
    *value = parsed;
    return ERR_OK;
}

static enum err bad_duration(const char *text, const char *why, int64_t min, int64_t max,
                             struct err_note *note)
{
    char low[40], high[40];

    return FAIL(note, ERR_BAD_OPTION,
                "\"%.100s\" %s; allowed: %s to %s, written as 250ms, 60s, 5m, 1h30m or 7d", text,
                why, value_format_duration(min, low, sizeof(low)),
                value_format_duration(max, high, sizeof(high)));
}

enum err value_duration(const char *text, int64_t min_ms, int64_t max_ms, int64_t *ms,
                        struct err_note *note)
{
    const char *at = text;
    int64_t sum = 0;

    if (strcmp(text, "0") == 0 || strcmp(text, "off") == 0)
        at = "";
    else if (*at == '\0')
        return bad_duration(text, "is empty", min_ms, max_ms, note);
    while (*at != '\0') {
        int64_t count = 0;
        const struct unit *unit;

        at = read_digits(at, &count);
        if (at == NULL)
            return bad_duration(text, "is not a duration", min_ms, max_ms, note);
        if (*at == '\0')
            return bad_duration(text, "has no unit", min_ms, max_ms, note);
        unit = read_unit(duration_units, &at);
        if (unit == NULL)
            return bad_duration(text, "is not a duration", min_ms, max_ms, note);
        if (__builtin_mul_overflow(count, unit->factor, &count) ||
            __builtin_add_overflow(sum, count, &sum))
            return bad_duration(text, "is too long", min_ms, max_ms, note);
    }
    if (sum < min_ms || sum > max_ms)
        return bad_duration(text, "is out of range", min_ms, max_ms, note);
    *ms = sum;
    return ERR_OK;
}

enum err value_size(const char *text, int64_t min_bytes, int64_t max_bytes, int64_t *bytes,
                    struct err_note *note)
{
    int64_t count = 0;
    const char *at = read_digits(text, &count);
    const struct unit *unit = NULL;
    char low[40], high[40];
    const char *why = "is not a size";

    if (at != NULL && *at != '\0')
        unit = read_unit(size_units, &at);
    if (at != NULL && *at == '\0' &&
        !__builtin_mul_overflow(count, unit == NULL ? 1 : unit->factor, &count)) {
        if (count >= min_bytes && count <= max_bytes) {
            *bytes = count;
            return ERR_OK;
        }
        why = "is out of range";
    }
    return FAIL(note, ERR_BAD_OPTION,
                "\"%.100s\" %s; allowed: %s to %s, written as 512, 64KiB, 16MiB or 1GiB", text, why,
                value_format_size(min_bytes, low, sizeof(low)),
                value_format_size(max_bytes, high, sizeof(high)));
}

enum err value_rate(const char *text, struct value_rate *rate, struct err_note *note)
{
    size_t size = strlen(text);
    struct value_rate parsed = {VALUE_RATE_MAX, 0};
    char number[40];

    if (strcmp(text, "max") == 0) {
        *rate = parsed;
        return ERR_OK;
    }
    if (size > 1 && size < sizeof(number)) {
        bool per_second = size > 2 && strcmp(text + size - 2, "/s") == 0;

        parsed.kind = per_second ? VALUE_RATE_PER_SECOND : VALUE_RATE_TIMES;
        if (per_second || text[size - 1] == 'x') {
            memcpy(number, text, size);
            number[size - (per_second ? 2 : 1)] = '\0';
            if (value_double(number, 0.001, 1e9, &parsed.value, NULL) == ERR_OK) {
                *rate = parsed;
                return ERR_OK;
            }
        }
    }
    return FAIL(note, ERR_BAD_OPTION,
                "\"%.100s\" is not a speed; allowed: max, times the recorded speed (10x, 0.5x),"
                " or records a second (500/s)",
                text);
}

enum err value_choice(const char *text, const char *choices, int *index, struct err_note *note)
{
    size_t size = strlen(text);
    int at = 0;

    for (const char *choice = choices; choice != NULL; at++) {
        const char *end = strchr(choice, '|');
        size_t choice_size = end == NULL ? strlen(choice) : (size_t)(end - choice);

        if (choice_size == size && memcmp(choice, text, size) == 0) {
            *index = at;
            return ERR_OK;
        }
        choice = end == NULL ? NULL : end + 1;
    }
    return FAIL(note, ERR_BAD_OPTION, "\"%.100s\" is none of %s", text, choices);
}

const char *value_format_duration(int64_t ms, char *text, size_t size)
{
    size_t used = 0;

    snprintf(text, size, "0");
    for (const struct unit *unit = duration_units; unit->name != NULL && used < size; unit++) {
        if (ms < unit->factor)
            continue;
        used += (size_t)snprintf(text + used, size - used, "%" PRId64 "%s", ms / unit->factor,
                                 unit->name);
        ms %= unit->factor;
    }
    return text;
}

const char *value_format_size(int64_t bytes, char *text, size_t size)
{
    for (const struct unit *unit = size_units; unit->factor > 1; unit++) {
        if (bytes >= unit->factor && bytes % unit->factor == 0) {
            snprintf(text, size, "%" PRId64 "%s", bytes / unit->factor, unit->name);
            return text;
        }
    }
    snprintf(text, size, "%" PRId64, bytes);
    return text;
}
