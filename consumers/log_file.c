#include "consumers/log_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    read_bytes = 1024 * 1024,
    /* protobuf wire types */
    wire_varint = 0,
    wire_64 = 1,
    wire_bytes = 2,
    wire_32 = 5,
    varint_bytes_max = 10,
    log_format = 1, /* of a record; one that tells none has the first */
    field_format = 8,
};

struct log_reader {
    char *path;
    const uint8_t *data;
    uint8_t *heap; /* data, if it is not mapped */
    size_t size;
    size_t at;
    uint64_t count;
};

/* What is left to parse of a message. */
struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

/* Of a record, what only a newer version knows; 0: nothing. */
struct newer {
    uint64_t format;
    uint64_t field;
};

/* One field of a message: number and its value as integer or bytes. */
struct field {
    uint64_t number;
    unsigned wire;
    uint64_t integer;
    struct slice bytes;
};

static void *grow(void *items, size_t bytes)
{
    void *grown = realloc(items, bytes);

    if (grown == NULL) {
        fprintf(stderr, "ringback: out of memory: %zu bytes for a log file\n", bytes);
        abort();
    }
    return grown;
}

static enum err read_all(struct log_reader *reader, int file, struct err_note *note)
{
    size_t capacity = 0;

    for (;;) {
        ssize_t got;

        if (reader->size == capacity) {
            capacity = capacity == 0 ? read_bytes : 2 * capacity;
            reader->heap = grow(reader->heap, capacity);
        }
        got = read(file, reader->heap + reader->size, capacity - reader->size);
        if (got < 0 && errno == EINTR) /* only a request to stop is caught */
            return FAIL(note, ERR_CANCELLED, "%s", "");
        if (got < 0)
            return FAIL(note, ERR_IO, "%s: cannot be read: %s", reader->path, strerror(errno));
        if (got == 0)
            break;
        reader->size += (size_t)got;
    }
    reader->data = reader->heap;
    return ERR_OK;
}

static enum err map_or_read(struct log_reader *reader, int file, struct err_note *note)
{
    struct stat status;
    void *mapped;

    if (fstat(file, &status) != 0)
        return FAIL(note, ERR_IO, "%s: cannot be looked at: %s", reader->path, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return FAIL(note, ERR_IO, "%s: is a folder; a topic log is a file", reader->path);
    if (!S_ISREG(status.st_mode) || status.st_size == 0)
        return read_all(reader, file, note);
    mapped = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (mapped == MAP_FAILED)
        return FAIL(note, ERR_IO, "%s: %jd bytes cannot be mapped: %s", reader->path,
                    (intmax_t)status.st_size, strerror(errno));
    (void)madvise(mapped, (size_t)status.st_size, MADV_SEQUENTIAL);
    reader->data = mapped;
    reader->size = (size_t)status.st_size;
    return ERR_OK;
}

enum err log_reader_open(const char *path, struct log_reader **opened, struct err_note *note)
{
    bool standard = strcmp(path, "-") == 0;
    struct log_reader *reader;
    enum err err;
    int file = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);

    *opened = NULL;
    if (file < 0)
        return FAIL(note, ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    reader = grow(NULL, sizeof(*reader));
    *reader = (struct log_reader){.path = grow(NULL, strlen(path) + 1)};
    memcpy(reader->path, path, strlen(path) + 1);
    err = map_or_read(reader, file, note);
    if (!standard)
        close(file);
    if (err != ERR_OK) {
        log_reader_close(reader);
        return err;
    }
    *opened = reader;
    return ERR_OK;
}

void log_reader_close(struct log_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->heap == NULL && reader->data != NULL)
        munmap((void *)(uintptr_t)reader->data, reader->size);
    free(reader->heap);
    free(reader->path);
    free(reader);
}

static inline bool read_varint(struct cursor *cursor, uint64_t *value)
{
    uint64_t read = 0;

    if (cursor->at < cursor->end && *cursor->at < 0x80) { /* nearly all are of one byte */
        *value = *cursor->at++;
        return true;
    }
    for (unsigned i = 0; i < varint_bytes_max && cursor->at < cursor->end; i++) {
        uint8_t byte = *cursor->at++;

        read |= (uint64_t)(byte & 0x7f) << 7 * i;
        if (byte < 0x80) {
            *value = read;
            return true;
        }
    }
    return false;
}

static inline bool read_field(struct cursor *cursor, struct field *field)
{
    uint64_t tag;
    size_t size;

    if (!read_varint(cursor, &tag))
        return false;
    field->number = tag >> 3;
    field->wire = (unsigned)tag & 7;
    if (field->number == 0)
        return false;
    if (field->wire == wire_varint)
        return read_varint(cursor, &field->integer);
    if (field->wire == wire_bytes) {
        if (!read_varint(cursor, &field->integer))
            return false;
        if (field->integer > (uint64_t)(cursor->end - cursor->at))
            return false;
        size = (size_t)field->integer;
    } else if (field->wire == wire_64 || field->wire == wire_32) {
        size = field->wire == wire_64 ? 8 : 4;
        if (size > (size_t)(cursor->end - cursor->at))
            return false;
    } else {
        return false;
    }
    field->bytes = slice_make(cursor->at, size);
    cursor->at += size;
    return true;
}

/* A LogBytes: its data, empty if the field is left out. */
static bool read_bytes_message(struct slice message, struct slice *bytes)
{
    struct cursor cursor = {message.data, message.data + message.size};
    struct field field;

    *bytes = slice_make(message.data, 0);
    while (cursor.at < cursor.end) {
        if (!read_field(&cursor, &field))
            return false;
        if (field.number == 1 && field.wire == wire_bytes)
            *bytes = field.bytes;
    }
    return true;
}

static bool read_header(struct slice message, struct arena *arena, struct header *header)
{
    struct cursor cursor = {message.data, message.data + message.size};
    struct field field;

    *header = (struct header){.name = ""};
    while (cursor.at < cursor.end) {
        if (!read_field(&cursor, &field))
            return false;
        if (field.number == 1 && field.wire == wire_bytes)
            header->name = arena_text(arena, field.bytes);
        else if (field.number == 2 && field.wire == wire_bytes &&
                 !read_bytes_message(field.bytes, &header->value))
            return false;
    }
    return true;
}

/* The headers of a LogRecord, which has been read once and is well-formed so far. */
static bool read_headers(struct cursor cursor, size_t count, struct arena *arena,
                         struct record *record)
{
    struct header *headers = arena_alloc(arena, count * sizeof(*headers));
    struct field field;
    size_t at = 0;

    while (cursor.at < cursor.end && read_field(&cursor, &field)) {
        if (field.number == 7 && field.wire == wire_bytes &&
            !read_header(field.bytes, arena, &headers[at++]))
            return false;
    }
    record->headers = headers;
    record->header_count = count;
    return true;
}

/* What a newer version wrote is refused, not guessed: *newer is set to what is not known. */
static bool read_record(struct cursor cursor, struct arena *arena, struct log_entry *entry,
                        struct newer *newer)
{
    struct cursor whole = cursor;
    struct record *record = &entry->record;
    struct field field;
    size_t header_count = 0;

    while (cursor.at < cursor.end) {
        bool good = true;

        if (!read_field(&cursor, &field))
            return false;
        if (field.wire == wire_varint) {
            if (field.number == 2)
                record->partition = (int32_t)field.integer;
            else if (field.number == 3)
                record->offset = (int64_t)field.integer;
            else if (field.number == 4)
                record->timestamp_ms = (int64_t)field.integer;
            else if (field.number == field_format)
                newer->format = field.integer;
        } else if (field.wire == wire_bytes) {
            if (field.number == 1)
                entry->topic = field.bytes;
            else if (field.number == 5)
                good = read_bytes_message(field.bytes, &record->key);
            else if (field.number == 6)
                good = read_bytes_message(field.bytes, &record->value);
            else if (field.number == 7)
                header_count++;
        }
        if (!good)
            return false;
        if (field.number > field_format)
            newer->field = field.number;
    }
    return header_count == 0 || read_headers(whole, header_count, arena, record);
}

static enum err damaged(const struct log_reader *reader, const char *what, struct err_note *note)
{
    return FAIL(note, ERR_BAD_FILE,
                "%s: damaged record at byte %zu: %s; the %" PRIu64 " records before it are good%s",
                reader->path, reader->at, what, reader->count,
                reader->count == 0 ? " (is it a topic log?)" : "");
}

static enum err written_newer(const struct log_reader *reader, const struct newer *newer,
                              struct err_note *note)
{
    if (newer->format > log_format)
        return FAIL(note, ERR_BAD_FILE,
                    "%s: the record at byte %zu has format %" PRIu64
                    "; this version reads up to %d: use the version that wrote it",
                    reader->path, reader->at, newer->format, log_format);
    return FAIL(note, ERR_BAD_FILE,
                "%s: the record at byte %zu has a field %" PRIu64
                ", which this version does not know: written by a newer one? Use the version that"
                " wrote it, or a newer one",
                reader->path, reader->at, newer->field);
}

/* The bytes of the next record in *cursor. Errors: ERR_END, ERR_BAD_FILE. */
static enum err next_frame(const struct log_reader *reader, struct cursor *cursor,
                           struct err_note *note)
{
    uint64_t size;

    if (reader->at == reader->size)
        return ERR_END;
    *cursor = (struct cursor){reader->data + reader->at, reader->data + reader->size};
    if (!read_varint(cursor, &size))
        return damaged(reader, "the file ends within its length, or that is none", note);
    if (size > log_record_bytes_max)
        return damaged(reader, "its length is more than 64 MiB", note);
    if (size > (uint64_t)(cursor->end - cursor->at))
        return damaged(reader, "the file is cut: it ends within the record", note);
    cursor->end = cursor->at + size;
    return ERR_OK;
}

enum err log_reader_next(struct log_reader *reader, struct arena *arena, struct log_entry *entry,
                         struct err_note *note)
{
    struct newer newer = {.format = 0};
    struct cursor cursor;

    TRY(next_frame(reader, &cursor, note));
    *entry = (struct log_entry){.byte = reader->at};
    if (!read_record(cursor, arena, entry, &newer))
        return damaged(reader, "it is not a LogRecord", note);
    if (entry->topic.size == 0)
        return damaged(reader, "it names no topic", note);
    if (newer.format > log_format || newer.field != 0)
        return written_newer(reader, &newer, note);
    if (entry->record.partition < 0 || entry->record.offset < 0)
        return damaged(reader, "its partition or offset is below 0", note);
    reader->at = (size_t)(cursor.end - reader->data);
    reader->count++;
    return ERR_OK;
}

void log_reader_seek(struct log_reader *reader, size_t byte)
{
    assert(byte <= reader->size);
    reader->at = byte;
    reader->count = 0;
}

size_t log_reader_at(const struct log_reader *reader)
{
    return reader->at;
}

size_t log_reader_size(const struct log_reader *reader)
{
    return reader->size;
}

uint64_t log_reader_count(const struct log_reader *reader)
{
    return reader->count;
}
