/* A table for people: columns as wide as what is in them, two blanks between. On a terminal it is
 * fitted to its width, the widest columns giving first, what is cut ends in an ellipsis; in a pipe
 * nothing is cut. An empty cell is shown as "-", so that every row has as many words as columns;
 * control characters and bytes that are not UTF-8 are escaped: a terminal obeys nobody's data.
 *
 *     struct columns *table = columns_create(context, "TOPIC|>PARTITIONS|STATE");
 *     columns_add(table, TINT_PLAIN, name);
 *     columns_format(table, TINT_PLAIN, "%d", count);
 *     columns_add(table, TINT_GOOD, "fine");
 *     columns_print(table);
 */
#ifndef RINGBACK_DAEMON_COLUMNS_H
#define RINGBACK_DAEMON_COLUMNS_H

#include "daemon/command.h"
#include "daemon/terminal.h"

struct columns;

/* heads: '|' between them, '>' before those whose cells stand to the right. A literal. Colours and
 * width are those of context->out. */
struct columns *columns_create(const struct command_context *context, const char *heads);

/* The next cell, row by row. text is copied. */
void columns_add(struct columns *columns, enum tint tint, const char *text);
void columns_format(struct columns *columns, enum tint tint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Prints heads and rows, the last of which is whole, and frees the table. Without rows nothing is
 * printed, unless heads_too. */
void columns_print(struct columns *columns, bool heads_too);

#endif
