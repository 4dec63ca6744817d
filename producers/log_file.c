#include "producers/log_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    buffer_bytes = 1024 * 1024,
    /* tags of LogRecord, LogBytes and LogHeader: number << 3 | wire type */
    tag_topic = 1 << 3 | 2,
    tag_partition = 2 << 3,
    tag_offset = 3 << 3,
    tag_timestamp = 4 << 3,
    tag_key = 5 << 3 | 2,
    tag_value = 6 << 3 | 2,
    tag_header = 7 << 3 | 2,
    tag_data = 1 << 3 | 2,
    tag_name = 1 << 3 | 2,
    tag_header_value = 2 << 3 | 2,
};

struct log_writer {
    char *path;
    int file;
    uint8_t *buffer;
    size_t used;
    size_t capacity;
    uint64_t count;
    uint64_t bytes;
};

static void *grow(void *items, size_t bytes)
{
    void *grown = realloc(items, bytes);

    if (grown == NULL) {
        fprintf(stderr, "ringback: out of memory: %zu bytes to write a log file\n", bytes);
        abort();
    }
    return grown;
}

enum err log_writer_create(const char *path, struct log_writer **created, struct err_note *note)
{
    bool standard = strcmp(path, "-") == 0;
    struct log_writer *writer;
    int file =
        standard ? STDOUT_FILENO : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

    *created = NULL;
    if (file < 0)
        return FAIL(note, ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
    writer = grow(NULL, sizeof(*writer));
    *writer = (struct log_writer){.file = file, .capacity = buffer_bytes};
    writer->path = grow(NULL, strlen(path) + 1);
    memcpy(writer->path, path, strlen(path) + 1);
    writer->buffer = grow(NULL, writer->capacity);
    *created = writer;
    return ERR_OK;
}

static enum err flush(struct log_writer *writer, struct err_note *note)
{
    size_t done = 0;

    while (done < writer->used) {
        ssize_t wrote = write(writer->file, writer->buffer + done, writer->used - done);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return FAIL(note, ERR_IO, "%s: cannot be written after %ju bytes: %s", writer->path,
                        (uintmax_t)(writer->bytes - (writer->used - done)), strerror(errno));
        done += (size_t)wrote;
    }
    writer->used = 0;
    return ERR_OK;
}

static inline size_t varint_size(uint64_t value)
{
    size_t size = 1;

    while (value >= 0x80) {
        value >>= 7;
        size++;
    }
    return size;
}

static inline uint8_t *put_varint(uint8_t *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

static uint8_t *put_bytes(uint8_t *at, int tag, const void *data, size_t size)
{
    *at++ = (uint8_t)tag;
    at = put_varint(at, size);
    if (size > 0)
        memcpy(at, data, size);
    return at + size;
}

static size_t bytes_size(size_t size)
{
    return 1 + varint_size(size) + size;
}

/* A LogBytes within its tag; nothing for null. Empty data are left out, as proto3 does. */
static size_t optional_size(struct slice slice)
{
    if (slice.data == NULL)
        return 0;
    return bytes_size(slice.size == 0 ? 0 : bytes_size(slice.size));
}

static uint8_t *put_optional(uint8_t *at, int tag, struct slice slice)
{
    if (slice.data == NULL)
        return at;
    *at++ = (uint8_t)tag;
    at = put_varint(at, slice.size == 0 ? 0 : bytes_size(slice.size));
    return slice.size == 0 ? at : put_bytes(at, tag_data, slice.data, slice.size);
}

static size_t integer_size(uint64_t value)
{
    return value == 0 ? 0 : 1 + varint_size(value);
}

static uint8_t *put_integer(uint8_t *at, int tag, uint64_t value)
{
    if (value == 0)
        return at;
    *at++ = (uint8_t)tag;
    return put_varint(at, value);
}

static size_t header_size(const struct header *header)
{
    size_t name = strlen(header->name);

    return (name == 0 ? 0 : bytes_size(name)) + optional_size(header->value);
}

static size_t record_size(const char *topic, const struct record *record)
{
    size_t size = bytes_size(strlen(topic)) + integer_size((uint64_t)record->partition) +
                  integer_size((uint64_t)record->offset) +
                  integer_size((uint64_t)record->timestamp_ms) + optional_size(record->key) +
                  optional_size(record->value);

    for (size_t i = 0; i < record->header_count; i++)
        size += bytes_size(header_size(&record->headers[i]));
    return size;
}

static uint8_t *put_record(uint8_t *at, const char *topic, const struct record *record)
{
    at = put_bytes(at, tag_topic, topic, strlen(topic));
    at = put_integer(at, tag_partition, (uint64_t)record->partition);
    at = put_integer(at, tag_offset, (uint64_t)record->offset);
    at = put_integer(at, tag_timestamp, (uint64_t)record->timestamp_ms);
    at = put_optional(at, tag_key, record->key);
    at = put_optional(at, tag_value, record->value);
    for (size_t i = 0; i < record->header_count; i++) {
        const struct header *header = &record->headers[i];

        *at++ = tag_header;
        at = put_varint(at, header_size(header));
        if (header->name[0] != '\0')
            at = put_bytes(at, tag_name, header->name, strlen(header->name));
        at = put_optional(at, tag_header_value, header->value);
    }
    return at;
}

enum err log_writer_add(struct log_writer *writer, const char *topic, const struct record *record,
                        struct err_note *note)
{
    size_t size, framed;
    uint8_t *at;

    assert(record->partition >= 0);
    assert(record->offset >= 0);
    size = record_size(topic, record);
    framed = varint_size(size) + size;
    if (framed > writer->capacity - writer->used)
        TRY(flush(writer, note));
    if (framed > writer->capacity) {
        writer->capacity = framed;
        writer->buffer = grow(writer->buffer, framed);
    }
    at = put_varint(writer->buffer + writer->used, size);
    at = put_record(at, topic, record);
    writer->used += framed;
    assert(at == writer->buffer + writer->used);
    writer->count++;
    writer->bytes += framed;
    return ERR_OK;
}

static int release(struct log_writer *writer)
{
    int failed = writer->file == STDOUT_FILENO ? 0 : close(writer->file);

    free(writer->buffer);
    free(writer->path);
    free(writer);
    return failed;
}

enum err log_writer_close(struct log_writer *writer, struct err_note *note)
{
    enum err err = flush(writer, note);

    if (err == ERR_OK && writer->file != STDOUT_FILENO && fsync(writer->file) != 0 &&
        errno != EINVAL)
        err =
            FAIL(note, ERR_IO, "%s: cannot be brought to disk: %s", writer->path, strerror(errno));
    release(writer);
    return err;
}

void log_writer_abandon(struct log_writer *writer)
{
    struct err_note note;

    if (writer == NULL)
        return;
    (void)flush(writer, &note);
    release(writer);
}

uint64_t log_writer_count(const struct log_writer *writer)
{
    return writer->count;
}

uint64_t log_writer_bytes(const struct log_writer *writer)
{
    return writer->bytes;
}
