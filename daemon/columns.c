#include "daemon/columns.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/memory.h"

enum { columns_count_max = 20, gap = 2, squeezed_min = 8 };

#define ELLIPSIS "\xe2\x80\xa6" /* one cell */

struct cell {
    const char *text;
    int cells;
    enum tint tint;
};

struct columns {
    const struct command_context *context;
    struct arena arena;
    struct cell *cells;
    size_t count, room;
    int width[columns_count_max];
    bool right[columns_count_max];
    const char *heads[columns_count_max];
    int column_count;
};

struct columns *columns_create(const struct command_context *context, const char *heads)
{
    struct columns *columns = memory_zalloc(sizeof(*columns), "a table");

    columns->context = context;
    arena_init(&columns->arena);
    while (heads != NULL) {
        const char *end = strchr(heads, '|');
        int at = columns->column_count++;

        assert(at < columns_count_max);
        columns->right[at] = *heads == '>';
        heads += *heads == '>';
        columns->heads[at] = arena_format(&columns->arena, "%.*s", (int)strcspn(heads, "|"), heads);
        columns->width[at] = terminal_cells(columns->heads[at]);
        heads = end == NULL ? NULL : end + 1;
    }
    return columns;
}

/* Bytes of the UTF-8 character at text that may be printed; 0: it is escaped. C1 controls, which
 * begin with 0xc2, are obeyed by terminals too. */
static size_t printable(const char *text)
{
    const unsigned char *byte = (const unsigned char *)text;
    size_t size = *byte < 0x80 ? 1 : *byte >= 0xf0 ? 4 : *byte >= 0xe0 ? 3 : 2;

    if (*byte < 0x20 || *byte == 0x7f || (*byte >= 0x80 && *byte < 0xc2) || *byte > 0xf4 ||
        (*byte == 0xc2 && byte[1] < 0xa0))
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((byte[i] & 0xc0) != 0x80)
            return 0;
    }
    return size;
}

static const char *clean(struct arena *arena, const char *text)
{
    static const char digits[] = "0123456789abcdef";
    char *copy = arena_alloc(arena, 4 * strlen(text) + 2), *end = copy;

    if (*text == '\0')
        *end++ = '-';
    while (*text != '\0') {
        size_t size = printable(text);

        if (size > 0) {
            memcpy(end, text, size);
            end += size;
            text += size;
            continue;
        }
        *end++ = '\\';
        *end++ = 'x';
        *end++ = digits[(unsigned char)*text >> 4];
        *end++ = digits[(unsigned char)*text & 15];
        text++;
    }
    *end = '\0';
    return copy;
}

void columns_add(struct columns *columns, enum tint tint, const char *text)
{
    int at = (int)(columns->count % (size_t)columns->column_count);
    struct cell *cell;

    if (columns->count == columns->room) {
        columns->room = columns->room == 0 ? 256 : columns->room * 2;
        columns->cells =
            memory_grow(columns->cells, columns->room * sizeof(*columns->cells), "a table");
    }
    cell = &columns->cells[columns->count++];
    cell->text = clean(&columns->arena, text);
    cell->cells = terminal_cells(cell->text);
    cell->tint = tint;
    if (cell->cells > columns->width[at])
        columns->width[at] = cell->cells;
}

void columns_format(struct columns *columns, enum tint tint, const char *format, ...)
{
    char text[1000];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    columns_add(columns, tint, text);
}

/* The widest gives cell by cell, until all fit or none can give more. */
static void squeeze(struct columns *columns)
{
    int total = (columns->column_count - 1) * gap;

    for (int at = 0; at < columns->column_count; at++)
        total += columns->width[at];
    for (; columns->context->out_columns > 0 && total > columns->context->out_columns; total--) {
        int widest = 0;

        for (int at = 1; at < columns->column_count; at++) {
            if (columns->width[at] > columns->width[widest])
                widest = at;
        }
        if (columns->width[widest] <= squeezed_min)
            return;
        columns->width[widest]--;
    }
}

static void print_cell(const struct columns *columns, int at, const struct cell *cell)
{
    FILE *out = columns->context->out;
    bool tinted = columns->context->out_colour && cell->tint != TINT_PLAIN;
    bool cut = cell->cells > columns->width[at];
    size_t size = cut ? terminal_fit(cell->text, columns->width[at] - 1) : strlen(cell->text);
    int cells = cut ? columns->width[at] : cell->cells;
    int padding = columns->width[at] - cells;

    if (columns->right[at])
        fprintf(out, "%*s", padding, "");
    fprintf(out, "%s%.*s%s%s", terminal_tint(tinted, cell->tint), (int)size, cell->text,
            cut ? ELLIPSIS : "", terminal_tint(tinted, TINT_PLAIN));
    if (at + 1 < columns->column_count)
        fprintf(out, "%*s", (columns->right[at] ? 0 : padding) + gap, "");
    else
        fputc('\n', out);
}

void columns_print(struct columns *columns, bool heads_too)
{
    assert(columns->count % (size_t)columns->column_count == 0);
    squeeze(columns);
    for (int at = 0; (heads_too || columns->count > 0) && at < columns->column_count; at++) {
        const struct cell head = {columns->heads[at], terminal_cells(columns->heads[at]),
                                  TINT_BOLD};

        print_cell(columns, at, &head);
    }
    for (size_t i = 0; i < columns->count; i++)
        print_cell(columns, (int)(i % (size_t)columns->column_count), &columns->cells[i]);
    arena_deinit(&columns->arena);
    free(columns->cells);
    free(columns);
}
