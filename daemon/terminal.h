/* What is measured and coloured for people: the width of texts and terminals, and a few colours. */
#ifndef RINGBACK_DAEMON_TERMINAL_H
#define RINGBACK_DAEMON_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

enum tint { TINT_PLAIN, TINT_BOLD, TINT_FAINT, TINT_GOOD, TINT_WARN, TINT_BAD };

/* What switches it on, TINT_PLAIN: all off. "" unless colour. */
const char *terminal_tint(bool colour, enum tint tint);

/* The width of the terminal that fd is: COLUMNS, else what it says itself, else 80. */
int terminal_columns(int fd);

/* Cells that the text takes, whatever the locale: UTF-8, wide characters take two. Bytes that are
 * none count one. */
int terminal_cells(const char *text);

/* Bytes of the longest beginning that takes at most so many cells. */
size_t terminal_fit(const char *text, int cells);

#endif
