#include "base/err.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

struct err_row {
    const char *name;
    const char *text;
    enum err_duty duty;
};

static const struct err_row rows[ERR_COUNT] = {
#define ROW_(name, duty, text) [ERR_##name] = {#name, text, ERR_DUTY_##duty},
    ERR_MAP(ROW_)
#undef ROW_
};

const char *err_name(enum err err)
{
    assert(err < ERR_COUNT);
    return rows[err].name;
}

const char *err_text(enum err err)
{
    assert(err < ERR_COUNT);
    return rows[err].text;
}

enum err_duty err_duty(enum err err)
{
    assert(err < ERR_COUNT);
    return rows[err].duty;
}

enum err err_fail(struct err_note *note, enum err err, const char *file, int line,
                  const char *format, ...)
{
    va_list args;

    if (note == NULL)
        return err;
    note->err = err;
    note->file = file;
    note->line = line;
    va_start(args, format);
    vsnprintf(note->text, sizeof(note->text), format, args);
    va_end(args);
    return err;
}

enum err err_prefix(struct err_note *note, const char *format, ...)
{
    char tail[sizeof(note->text)];
    va_list args;
    int used;

    memcpy(tail, note->text, sizeof(tail));
    va_start(args, format);
    used = vsnprintf(note->text, sizeof(note->text), format, args);
    va_end(args);
    if (used >= 0 && (size_t)used < sizeof(note->text))
        snprintf(note->text + used, sizeof(note->text) - (size_t)used, "%s", tail);
    return note->err;
}
