/* Recorded topic logs, written: LogRecord messages, each behind its length as a varint. */
#ifndef RINGBACK_PRODUCERS_LOG_FILE_H
#define RINGBACK_PRODUCERS_LOG_FILE_H

#include "base/err.h"
#include "base/record.h"

struct log_writer; /* opaque */

/* A new file at path, in place of what was there; "-" is standard output. path is copied.
 * Errors: ERR_IO. */
MUST_CHECK enum err log_writer_create(const char *path, struct log_writer **writer,
                                      struct err_note *note);

/* Appends the record under the topic's full name; both borrowed for the call. It is in the file at
 * the latest after log_writer_close(). record.offset is written as it is. Errors: ERR_IO. */
MUST_CHECK enum err log_writer_add(struct log_writer *writer, const char *topic,
                                   const struct record *record, struct err_note *note);

/* Writes what is buffered and closes; the writer is gone whatever comes back. Errors: ERR_IO (the
 * file lacks its end). */
MUST_CHECK enum err log_writer_close(struct log_writer *writer, struct err_note *note);

/* Closes without a word about what could not be written; for ways out after another error. NULL is
 * fine. */
void log_writer_abandon(struct log_writer *writer);

uint64_t log_writer_count(const struct log_writer *writer);
uint64_t log_writer_bytes(const struct log_writer *writer);

#endif
