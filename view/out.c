#include "view/out.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

static char *reserve(struct out *out, size_t size)
{
    if (out->room - out->size <= size) {
        size_t room = out->room == 0 ? 4096 : 2 * out->room;

        while (room - out->size <= size)
            room *= 2;
        out->data = memory_grow(out->data, room, "an answer");
        out->room = room;
    }
    return out->data + out->size;
}

void out_deinit(struct out *out)
{
    free(out->data);
    *out = (struct out){.data = NULL};
}

void out_bytes(struct out *out, const void *bytes, size_t size)
{
    if (size == 0)
        return;
    memcpy(reserve(out, size), bytes, size);
    out->size += size;
}

void out_text(struct out *out, const char *text)
{
    out_bytes(out, text, strlen(text));
}

void out_char(struct out *out, char letter)
{
    *reserve(out, 1) = letter;
    out->size++;
}

void out_int(struct out *out, int64_t value)
{
    char digits[24];
    size_t at = sizeof(digits);
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        digits[--at] = '-';
    out_bytes(out, digits + at, sizeof(digits) - at);
}

void out_format(struct out *out, const char *format, ...)
{
    va_list list, again;
    int size;

    va_start(list, format);
    va_copy(again, list);
    size = vsnprintf(NULL, 0, format, list);
    va_end(list);
    if (size > 0) {
        char *to = reserve(out, (size_t)size + 1);

        (void)vsnprintf(to, (size_t)size + 1, format, again);
        out->size += (size_t)size;
    }
    va_end(again);
}

/* Bytes of the letter that begins here; 0: it is no UTF-8 (RFC 3629). */
static size_t letter_size(const unsigned char *at, size_t left)
{
    size_t size = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;

    if (at[0] > 0xf4 || size == 0 || size > left)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
        (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
        return 0;
    return size;
}

bool out_is_utf8(const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *)text;

    for (size_t i = 0; i < size;) {
        size_t letter = letter_size(at + i, size - i);

        if (letter == 0)
            return false;
        i += letter;
    }
    return true;
}

void out_json(struct out *out, const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t plain = 0;

    out_char(out, '"');
    for (size_t i = 0; i < size;) {
        size_t letter = at[i] >= 0x20 && at[i] < 0x80 ? 1 : letter_size(at + i, size - i);

        if (letter != 0 && at[i] >= 0x20 && at[i] != '"' && at[i] != '\\' && at[i] != 0x7f) {
            i += letter;
            continue;
        }
        out_bytes(out, text + plain, i - plain);
        if (at[i] == '"' || at[i] == '\\')
            out_format(out, "\\%c", at[i]);
        else if (letter == 0)
            out_text(out, "\\ufffd");
        else
            out_format(out, "\\u%04x", at[i]);
        plain = ++i;
    }
    out_bytes(out, text + plain, size - plain);
    out_char(out, '"');
}

void out_json_or_null(struct out *out, const char *text)
{
    if (text == NULL || text[0] == '\0')
        out_text(out, "null");
    else
        out_json(out, text, strlen(text));
}

void out_json_time(struct out *out, int64_t utc_ms)
{
    char text[clock_text_size];

    if (utc_ms == 0 || clock_format(utc_ms, text)[0] == '?') {
        out_text(out, "null");
        return;
    }
    out_char(out, '"');
    out_text(out, text);
    out_char(out, '"');
}

void out_json_seconds(struct out *out, int64_t ms)
{
    if (ms < 0)
        out_text(out, "null");
    else
        out_format(out, "%lld.%03d", (long long)(ms / 1000), (int)(ms % 1000));
}

/* Numbers of telephones begin with a plus and are no formula. */
static bool is_formula(const char *text)
{
    if (text[0] == '+')
        return text[1 + strspn(text + 1, "0123456789")] != '\0';
    return text[0] != '\0' && strchr("=-@\t\r", text[0]) != NULL;
}

void out_csv(struct out *out, const char *text)
{
    bool quoted;

    if (text == NULL)
        return;
    quoted = strpbrk(text, ",\"\r\n") != NULL;
    if (quoted)
        out_char(out, '"');
    if (is_formula(text))
        out_char(out, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '"')
            out_char(out, '"');
        out_char(out, *text);
    }
    if (quoted)
        out_char(out, '"');
}

char *out_end(struct out *out)
{
    *reserve(out, 1) = '\0';
    return out->data;
}
