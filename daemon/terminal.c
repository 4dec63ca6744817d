#include "daemon/terminal.h"

#include <assert.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <wchar.h>

enum { columns_default = 80, columns_min = 20, columns_max = 10000 };

const char *terminal_tint(bool colour, enum tint tint)
{
    static const char *const codes[] = {
        [TINT_PLAIN] = "\033[0m", [TINT_BOLD] = "\033[1m",  [TINT_FAINT] = "\033[2m",
        [TINT_GOOD] = "\033[32m", [TINT_WARN] = "\033[33m", [TINT_BAD] = "\033[1;31m",
    };

    return colour ? codes[tint] : "";
}

int terminal_columns(int fd)
{
    const char *variable = getenv("COLUMNS");
    int columns = variable == NULL ? 0 : atoi(variable);
    struct winsize size;

    if (columns <= 0 && ioctl(fd, TIOCGWINSZ, &size) == 0)
        columns = size.ws_col;
    if (columns <= 0)
        columns = columns_default;
    return columns < columns_min ? columns_min : columns > columns_max ? columns_max : columns;
}

/* wcwidth() needs a UTF-8 locale; the user's may be another, his data are UTF-8. NULL: the system
 * has none, and every byte counts one. */
static locale_t utf8_locale(void)
{
    static locale_t locale;
    static bool asked;

    if (!asked)
        locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
    asked = true;
    return locale;
}

/* The character at text, which is not at its end: its bytes and cells. */
static size_t next_character(const char *text, size_t left, int *cells)
{
    mbstate_t state = {0};
    wchar_t character;
    size_t size = mbrtowc(&character, text, left, &state);

    *cells = 1;
    if (size == 0 || size > left)
        return 1;
    *cells = wcwidth(character);
    if (*cells < 0)
        *cells = 1;
    return size;
}

/* How far it goes within so many cells; *cells becomes how many that are. */
static size_t measure(const char *text, int *cells)
{
    locale_t before = utf8_locale() == NULL ? NULL : uselocale(utf8_locale());
    size_t at = 0, left = strlen(text);
    int used = 0;

    while (left > 0) {
        int here;
        size_t size = next_character(text + at, left, &here);

        assert(size <= left);
        if (used + here > *cells)
            break;
        used += here;
        at += size;
        left -= size;
    }
    if (before != NULL)
        (void)uselocale(before);
    *cells = used;
    return at;
}

int terminal_cells(const char *text)
{
    int cells = columns_max * 100;

    (void)measure(text, &cells);
    return cells;
}

size_t terminal_fit(const char *text, int cells)
{
    return measure(text, &cells);
}
