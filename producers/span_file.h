/* Lines of spans to a file. A line is written whole or not at all; nothing is retried. Whoever
 * renames or removes the file gets a new one in its place within a second. One thread's. */
#ifndef RINGBACK_PRODUCERS_SPAN_FILE_H
#define RINGBACK_PRODUCERS_SPAN_FILE_H

#include "base/err.h"
#include "base/slice.h"

struct span_file; /* opaque */

/* path is copied. Errors: ERR_BAD_OPTION (it cannot be opened). */
MUST_CHECK enum err span_file_create(const char *path, struct span_file **file,
                                     struct err_note *note);
void span_file_destroy(struct span_file *file); /* NULL is fine */

/* line ends with a line feed. Errors: ERR_BUS_DOWN (nothing of it is in the file). */
MUST_CHECK enum err span_file_write(struct span_file *file, struct slice line, int64_t now_ms,
                                    struct err_note *note);

#endif
