/* Recorded topic logs, read: LogRecord messages, each behind its length as a varint.
 *
 * A regular file is mapped, so what is read points into it and costs no copy; anything else (a
 * pipe) is read to its end first. Nothing here writes. */
#ifndef RINGBACK_CONSUMERS_LOG_FILE_H
#define RINGBACK_CONSUMERS_LOG_FILE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/record.h"

enum { log_record_bytes_max = 64 * 1024 * 1024 };

struct log_reader; /* opaque */

/* One record of the file. Key, value and header values point into the file and live as long as the
 * reader; names of headers and the list of them are in the arena given. record.topic is not set:
 * files name topics in full, and which is which is for the caller to know. */
struct log_entry {
    struct slice topic;
    struct record record;
    size_t byte; /* where it begins in the file */
};

/* path is copied; "-" is standard input. Errors: ERR_IO (not there, not readable). */
MUST_CHECK enum err log_reader_open(const char *path, struct log_reader **reader,
                                    struct err_note *note);
void log_reader_close(struct log_reader *reader); /* NULL is fine */

/* The next record. Errors: ERR_END (no more, the file is whole); ERR_BAD_FILE, whose note names the
 * byte at which the damaged record begins and how many before it are good: those were all given. */
MUST_CHECK enum err log_reader_next(struct log_reader *reader, struct arena *arena,
                                    struct log_entry *entry, struct err_note *note);

/* Go on at that byte, where a record begins (entry.byte). */
void log_reader_seek(struct log_reader *reader, size_t byte);

/* Bytes read so far and in all, for progress. */
size_t log_reader_at(const struct log_reader *reader);
size_t log_reader_size(const struct log_reader *reader);

/* Records given so far. */
uint64_t log_reader_count(const struct log_reader *reader);

#endif
