/* The log: one line an event, written with one write(2) so that threads and processes do not mix
 * theirs. JSON (ts, level, msg, then the fields) when it does not go to a terminal, else readable
 * text. A number to call is logged by LOG_NUMBER, which masks it; nothing else may log one.
 *
 *     log_info("batch committed", LOG_INT("partition", 3), LOG_TEXT("topic", name));
 */
#ifndef RINGBACK_BASE_LOG_H
#define RINGBACK_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_AUTO, LOG_FORMAT_JSON, LOG_FORMAT_TEXT };

/* A line longer than this has its texts cut and says so ("cut":true): PIPE_BUF, up to which a
 * write to a pipe is never mixed with another. */
enum { log_line_bytes_max = 4096 };

enum log_kind {
    LOG_KIND_END,
    LOG_KIND_INT,
    LOG_KIND_UINT,
    LOG_KIND_DOUBLE,
    LOG_KIND_BOOL,
    LOG_KIND_TEXT,
    LOG_KIND_NUMBER
};

/* Names are literals of [a-z_]; text is borrowed for the call, any bytes. */
struct log_field {
    const char *name;
    enum log_kind kind;
    int64_t integer;
    uint64_t natural;
    double number;
    struct slice text;
};

#define LOG_FIELD_(...) ((struct log_field){__VA_ARGS__})
#define LOG_INT(name_, value_)                                                                     \
    LOG_FIELD_(.name = (name_), .kind = LOG_KIND_INT, .integer = (value_))
#define LOG_UINT(name_, value_)                                                                    \
    LOG_FIELD_(.name = (name_), .kind = LOG_KIND_UINT, .natural = (value_))
#define LOG_DOUBLE(name_, value_)                                                                  \
    LOG_FIELD_(.name = (name_), .kind = LOG_KIND_DOUBLE, .number = (value_))
#define LOG_BOOL(name_, value_)                                                                    \
    LOG_FIELD_(.name = (name_), .kind = LOG_KIND_BOOL, .integer = (value_))
/* NULL is logged as null. */
#define LOG_TEXT(name_, value_)                                                                    \
    LOG_FIELD_(.name = (name_), .kind = LOG_KIND_TEXT, .text = slice_text(value_))
#define LOG_SLICE(name_, value_)                                                                   \
    LOG_FIELD_(.name = (name_), .kind = LOG_KIND_TEXT, .text = (value_))
/* A phone number, all digits but the last 3 masked (of fewer than 6: half of them). */
#define LOG_NUMBER(name_, value_)                                                                  \
    LOG_FIELD_(.name = (name_), .kind = LOG_KIND_NUMBER, .text = (value_))
/* Both of an error: its name and the note's text. */
#define LOG_ERR(note_) LOG_TEXT("err", err_name((note_)->err)), LOG_TEXT("error", (note_)->text)

#define LOG_WRITE_(level_, message_, ...)                                                          \
    log_write((level_), (message_), (const struct log_field[]){__VA_ARGS__})
#define LOG_END_       LOG_FIELD_(.kind = LOG_KIND_END)
#define log_debug(...) LOG_WRITE_(LOG_LEVEL_DEBUG, __VA_ARGS__, LOG_END_)
#define log_info(...)  LOG_WRITE_(LOG_LEVEL_INFO, __VA_ARGS__, LOG_END_)
#define log_warn(...)  LOG_WRITE_(LOG_LEVEL_WARN, __VA_ARGS__, LOG_END_)
#define log_error(...) LOG_WRITE_(LOG_LEVEL_ERROR, __VA_ARGS__, LOG_END_)

/* Where lines go from now on; fd is borrowed. Before it: standard error, info and above, auto.
 * May be called at any time (reload), from one thread. */
void log_init(int fd, enum log_level level, enum log_format format);

/* message is a literal: what happened, lower case, no values. fields end with LOG_KIND_END. Any
 * thread. A log that cannot be written stops nothing. */
void log_write(enum log_level level, const char *message, const struct log_field *fields);

bool log_enabled(enum log_level level);

/* The level of a syslog severity 0..7, as librdkafka gives it. */
enum log_level log_level_of_syslog(int severity);

/* The line without writing it, for tests: its length in text, which ends in \n and is not
 * terminated. json: which of the two forms. */
size_t log_format_line(char text[log_line_bytes_max], bool json, int64_t utc_ms,
                       enum log_level level, const char *message, const struct log_field *fields);

#endif
