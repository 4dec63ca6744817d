/* Values as people write them: on the command line, in the configuration file and in the
 * environment. Each parser leaves *value alone when it fails. Error: ERR_BAD_OPTION, whose note
 * quotes the text, says why it is wrong and what is allowed; callers prefix the name. */
#ifndef RINGBACK_DAEMON_VALUE_H
#define RINGBACK_DAEMON_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* How fast to play a log: "max", "10x" (times the recorded speed), "500/s" (records a second). */
enum value_rate_kind { VALUE_RATE_MAX, VALUE_RATE_TIMES, VALUE_RATE_PER_SECOND };

struct value_rate {
    enum value_rate_kind kind;
    double value; /* > 0; 0 for VALUE_RATE_MAX */
};

/* true, false, yes, no, on, off. */
MUST_CHECK enum err value_bool(const char *text, bool *value, struct err_note *note);

/* Decimal; a '_' may stand between digits. Both bounds are allowed values. */
MUST_CHECK enum err value_int(const char *text, int64_t min, int64_t max, int64_t *value,
                              struct err_note *note);
MUST_CHECK enum err value_double(const char *text, double min, double max, double *value,
                                 struct err_note *note);

/* "250ms", "60s", "5m", "1h30m", "7d"; "0" and "off" are 0. A bare number is refused: of what? */
MUST_CHECK enum err value_duration(const char *text, int64_t min_ms, int64_t max_ms, int64_t *ms,
                                   struct err_note *note);

/* "512", "64kB" (1,000), "64KiB" (1,024), "16MiB", "1GiB". */
MUST_CHECK enum err value_size(const char *text, int64_t min_bytes, int64_t max_bytes,
                               int64_t *bytes, struct err_note *note);

MUST_CHECK enum err value_rate(const char *text, struct value_rate *rate, struct err_note *note);

/* choices: "a|b|c"; *index counts from 0. */
MUST_CHECK enum err value_choice(const char *text, const char *choices, int *index,
                                 struct err_note *note);

/* Exactly what the parsers read back: "1h30m", "16MiB". Return text. */
const char *value_format_duration(int64_t ms, char *text, size_t size);
const char *value_format_size(int64_t bytes, char *text, size_t size);

#endif
