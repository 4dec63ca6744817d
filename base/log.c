#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

static atomic_int log_fd = STDERR_FILENO;
static atomic_int log_least = LOG_LEVEL_INFO;
static atomic_int log_form = LOG_FORMAT_AUTO;

static const char *const level_names[] = {"debug", "info", "warn", "error"};

/* room keeps back what closes the line. */
enum { line_room = 16 };

struct line {
    char *text;
    size_t used;
    bool json;
    bool cut;
};

static size_t line_left(const struct line *line)
{
    return log_line_bytes_max - line_room - line->used;
}

static void put(struct line *line, const char *text, size_t size)
{
    if (size > line_left(line)) {
        line->cut = true;
        return;
    }
    memcpy(line->text + line->used, text, size);
    line->used += size;
}

static void put_format(struct line *line, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void put_format(struct line *line, const char *format, ...)
{
    char text[64];
    va_list args;
    int size;

    va_start(args, format);
    size = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    put(line, text, size < 0 ? 0 : (size_t)size < sizeof(text) ? (size_t)size : sizeof(text) - 1);
}

/* Bytes of the UTF-8 character at text, 0 if it is none. */
static size_t utf8_size(const uint8_t *text, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = *text < 0x80 ? 1 : *text >= 0xf0 ? 4 : *text >= 0xe0 ? 3 : 2;
    uint32_t code = size == 1 ? *text : *text & (0x7fU >> size);

    if ((*text >= 0x80 && *text < 0xc2) || *text > 0xf4 || size > left)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3f);
    }
    return code < least[size] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0 : size;
}

/* One character, escaped. Control characters are escaped in text too: a line stays a line, and a
 * terminal obeys nobody's escape sequences. Returns the bytes taken. */
static size_t put_char(struct line *line, const uint8_t *text, size_t left)
{
    size_t size = utf8_size(text, left);
    bool c1 = size == 2 && text[0] == 0xc2 && text[1] < 0xa0;

    if (size == 0)
        put(line, "\xef\xbf\xbd", 3);
    else if (*text == '"' || *text == '\\')
        put_format(line, "\\%c", *text);
    else if (*text == '\n')
        put(line, "\\n", 2);
    else if (*text == '\t')
        put(line, "\\t", 2);
    else if (*text < 0x20 || *text == 0x7f)
        put_format(line, "\\u%04x", *text);
    else if (c1)
        put_format(line, "\\u%04x", text[1]);
    else
        put(line, (const char *)text, size);
    return size == 0 ? 1 : size;
}

/* The closing quote always has its place: the text stops before it. */
static void put_text(struct line *line, struct slice text)
{
    size_t at = 0;

    if (text.data == NULL) {
        put(line, "null", 4);
        return;
    }
    put(line, "\"", 1);
    while (at < text.size) {
        if (line_left(line) < 8) {
            line->cut = true;
            break;
        }
        at += put_char(line, text.data + at, text.size - at);
    }
    put(line, "\"", 1);
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static void put_number(struct line *line, struct slice text)
{
    size_t digits = 0, shown, seen = 0;
    char masked[64];
    size_t size = text.size < sizeof(masked) ? text.size : sizeof(masked);

    if (text.data == NULL) {
        put(line, "null", 4);
        return;
    }
    for (size_t i = 0; i < size; i++)
        digits += is_digit(text.data[i]);
    shown = digits / 2 < 3 ? digits / 2 : 3;
    /* Letters are masked too: a SIP address is a number to call. */
    for (size_t i = 0; i < size; i++) {
        bool digit = is_digit(text.data[i]);

        seen += digit;
        masked[i] = digit && seen > digits - shown  ? (char)text.data[i]
                    : i == 0 && text.data[i] == '+' ? '+'
                                                    : '*';
    }
    put_text(line, slice_make(masked, size));
}

static void put_double(struct line *line, double number)
{
    if (isfinite(number))
        put_format(line, "%.15g", number);
    else
        put(line, "null", 4);
}

static void put_value(struct line *line, const struct log_field *field)
{
    switch (field->kind) {
    case LOG_KIND_INT: put_format(line, "%" PRId64, field->integer); break;
    case LOG_KIND_UINT: put_format(line, "%" PRIu64, field->natural); break;
    case LOG_KIND_DOUBLE: put_double(line, field->number); break;
    case LOG_KIND_BOOL: put_format(line, "%s", field->integer != 0 ? "true" : "false"); break;
    case LOG_KIND_TEXT: put_text(line, field->text); break;
    case LOG_KIND_NUMBER: put_number(line, field->text); break;
    case LOG_KIND_END: break;
    }
}

/* A field is written whole (its text perhaps cut) or not at all. */
static void put_field(struct line *line, const struct log_field *field)
{
    size_t name_size = strlen(field->name);

    if (line_left(line) < name_size + 48) {
        line->cut = true;
        return;
    }
    put(line, line->json ? ",\"" : " ", line->json ? 2 : 1);
    put(line, field->name, name_size);
    put(line, line->json ? "\":" : "=", line->json ? 2 : 1);
    put_value(line, field);
}

size_t log_format_line(char text[log_line_bytes_max], bool json, int64_t utc_ms,
                       enum log_level level, const char *message, const struct log_field *fields)
{
    struct line line = {.text = text, .json = json};
    char time[clock_text_size];

    clock_format(utc_ms, time);
    if (json) {
        put_format(&line, "{\"ts\":\"%s\",\"level\":\"%s\",\"msg\":", time, level_names[level]);
        put_text(&line, slice_text(message));
    } else {
        put_format(&line, "%s %-5s ", time, level_names[level]);
        put(&line, message, strlen(message));
    }
    for (; fields->kind != LOG_KIND_END; fields++)
        put_field(&line, fields);
    if (line.cut) {
        memcpy(text + line.used, json ? ",\"cut\":true" : " cut=true", json ? 11 : 9);
        line.used += json ? 11 : 9;
    }
    if (json)
        text[line.used++] = '}';
    text[line.used++] = '\n';
    return line.used;
}

void log_init(int fd, enum log_level level, enum log_format format)
{
    atomic_store(&log_fd, fd);
    atomic_store(&log_least, level);
    atomic_store(&log_form, format);
}

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&log_least, memory_order_relaxed);
}

enum log_level log_level_of_syslog(int severity)
{
    if (severity <= 3)
        return LOG_LEVEL_ERROR;
    if (severity == 4)
        return LOG_LEVEL_WARN;
    return severity <= 6 ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;
}

void log_write(enum log_level level, const char *message, const struct log_field *fields)
{
    char text[log_line_bytes_max];
    int fd = atomic_load(&log_fd);
    int form = atomic_load(&log_form);
    bool json = form == LOG_FORMAT_JSON || (form == LOG_FORMAT_AUTO && isatty(fd) == 0);
    size_t size;
    int error = errno;

    if (!log_enabled(level))
        return;
    size = log_format_line(text, json, clock_wall_ms(), level, message, fields);
    while (write(fd, text, size) < 0 && errno == EINTR)
        ;
    errno = error;
}
