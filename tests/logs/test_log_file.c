/* consumers/log_file and producers/log_file: what is written is read; damage is named by its byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "consumers/log_file.h"
#include "producers/log_file.h"

#include "ringback/v1/log.pb-c.h"

/* A slice of a literal, without its terminator. */
#define TEXT(text)                                                                                 \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }

static const struct header headers[] = {
    {"ce_id", TEXT("abc")}, {"empty", TEXT("")}, {"null", {NULL, 0}}, {"", {NULL, 0}}};

static const struct record records[] = {
    {.key = TEXT("dom"), .value = TEXT("first")},
    {.partition = 7,
     .offset = INT64_C(1) << 40,
     .timestamp_ms = 933480000123,
     .key = TEXT(""),
     .value = TEXT(""),
     .headers = headers,
     .header_count = 4},
    {.partition = 300, .offset = 128, .timestamp_ms = -1, .headers = headers, .header_count = 1},
    {.offset = 5, .key = TEXT("k"), .value = {NULL, 0}},
};

enum { record_count = sizeof(records) / sizeof(records[0]) };

static const char *const topics[record_count] = {"routing", "a.long.topic-name", "state", "state"};

static struct arena arena;
static struct err_note note;
static char path[] = "/tmp/ringback-log-XXXXXX";
static uint8_t file_bytes[4096];
static size_t file_size;
static size_t ends[record_count + 1]; /* byte after record i - 1 */

static void write_file(const uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* A file of all records; its bytes are kept. */
static int set_up(void **state)
{
    struct log_writer *writer;
    FILE *file;

    (void)state;
    arena_init(&arena);
    memcpy(path + strlen(path) - 6, "XXXXXX", 6);
    close(mkstemp(path));
    assert_int_equal(log_writer_create(path, &writer, &note), ERR_OK);
    for (size_t i = 0; i < record_count; i++) {
        assert_int_equal(log_writer_add(writer, topics[i], &records[i], &note), ERR_OK);
        ends[i + 1] = log_writer_bytes(writer);
    }
    assert_int_equal(log_writer_count(writer), record_count);
    assert_int_equal(log_writer_close(writer, &note), ERR_OK);
    file = fopen(path, "rb");
    assert_non_null(file);
    file_size = fread(file_bytes, 1, sizeof(file_bytes), file);
    fclose(file);
    assert_int_equal(file_size, ends[record_count]);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    arena_deinit(&arena);
    return 0;
}

static void assert_same(struct slice got, struct slice want)
{
    assert_int_equal(got.data == NULL, want.data == NULL);
    assert_true(slice_equal(got, want));
}

static void assert_entry(const struct log_entry *entry, size_t i)
{
    assert_true(slice_equal(entry->topic, slice_text(topics[i])));
    assert_int_equal(entry->record.partition, records[i].partition);
    assert_int_equal(entry->record.offset, records[i].offset);
    assert_int_equal(entry->record.timestamp_ms, records[i].timestamp_ms);
    assert_same(entry->record.key, records[i].key);
    assert_same(entry->record.value, records[i].value);
    assert_int_equal(entry->record.header_count, records[i].header_count);
    assert_int_equal(entry->byte, ends[i]);
    for (size_t j = 0; j < records[i].header_count; j++) {
        assert_string_equal(entry->record.headers[j].name, headers[j].name);
        assert_same(entry->record.headers[j].value, headers[j].value);
    }
}

/* Reads until something is wrong; how many were good in *count. */
static enum err read_file(size_t *count)
{
    struct log_reader *reader;
    struct log_entry entry;
    enum err err;

    assert_int_equal(log_reader_open(path, &reader, &note), ERR_OK);
    *count = 0;
    while ((err = log_reader_next(reader, &arena, &entry, &note)) == ERR_OK) {
        assert_entry(&entry, *count);
        ++*count;
    }
    assert_int_equal(log_reader_count(reader), *count);
    assert_int_equal(log_reader_at(reader), ends[*count]);
    log_reader_close(reader);
    return err;
}

static void log_file_reads_what_was_written(void **state)
{
    struct log_reader *reader;
    struct log_entry entry;
    size_t count;

    (void)state;
    assert_int_equal(read_file(&count), ERR_END);
    assert_int_equal(count, record_count);
    assert_int_equal(log_reader_open(path, &reader, &note), ERR_OK);
    assert_int_equal(log_reader_size(reader), file_size);
    assert_int_equal(log_reader_next(reader, &arena, &entry, &note), ERR_OK);
    log_reader_seek(reader, 0);
    assert_int_equal(log_reader_next(reader, &arena, &entry, &note), ERR_OK);
    assert_entry(&entry, 0);
    log_reader_close(reader);
}

static void log_file_is_what_the_contract_says(void **state)
{
    Ringback__V1__LogRecord *read;

    (void)state;
    assert_int_equal(file_bytes[0], ends[1] - 1);
    read = ringback__v1__log_record__unpack(&arena.allocator, ends[1] - 1, file_bytes + 1);
    assert_non_null(read);
    assert_string_equal(read->topic, "routing");
    assert_memory_equal(read->value->data.data, "first", 5);
    read = ringback__v1__log_record__unpack(&arena.allocator, ends[2] - ends[1] - 1,
                                            file_bytes + ends[1] + 1);
    assert_non_null(read);
    assert_int_equal(read->n_headers, 4);
    assert_non_null(read->headers[1]->value);
    assert_null(read->headers[2]->value);
    assert_int_equal(read->timestamp_ms, 933480000123);
    assert_non_null(read->key);
}

static void log_file_cut_at_any_byte_gives_all_before_and_names_the_byte(void **state)
{
    char want[100];

    (void)state;
    for (size_t size = 0; size < file_size; size++) {
        size_t whole = 0, count;
        enum err err;

        while (ends[whole + 1] <= size)
            whole++;
        write_file(file_bytes, size);
        err = read_file(&count);
        assert_int_equal(count, whole);
        assert_int_equal(err, size == ends[whole] ? ERR_END : ERR_BAD_FILE);
        if (err == ERR_END)
            continue;
        snprintf(want, sizeof(want), ": damaged record at byte %zu: the file ", ends[whole]);
        if (strstr(note.text, want) == NULL)
            fail_msg("cut at %zu: %s", size, note.text);
        snprintf(want, sizeof(want), "the %zu records before it are good", whole);
        assert_non_null(strstr(note.text, want));
    }
}

static void log_file_with_any_byte_changed_is_read_or_refused(void **state)
{
    static uint8_t changed[sizeof(file_bytes)];

    (void)state;
    for (size_t at = 0; at < file_size; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            struct log_reader *reader;
            struct log_entry entry;
            enum err err;

            memcpy(changed, file_bytes, file_size);
            changed[at] ^= (uint8_t)(1u << bit);
            write_file(changed, file_size);
            assert_int_equal(log_reader_open(path, &reader, &note), ERR_OK);
            do
                err = log_reader_next(reader, &arena, &entry, &note);
            while (err == ERR_OK);
            assert_true(err == ERR_END || err == ERR_BAD_FILE);
            log_reader_close(reader);
        }
        arena_reset(&arena);
    }
}

static void log_file_of_another_kind_is_refused(void **state)
{
    size_t count;

    (void)state;
    write_file((const uint8_t *)"call,queue,agent\n1,2,3\n", 23);
    assert_int_equal(read_file(&count), ERR_BAD_FILE);
    assert_non_null(strstr(note.text, "at byte 0: "));
    assert_non_null(strstr(note.text, "is it a topic log?"));
}

static void log_file_that_is_not_there_or_a_folder_is_refused(void **state)
{
    struct log_reader *reader;
    struct log_writer *writer;

    (void)state;
    assert_int_equal(log_reader_open("/nowhere/x.log", &reader, &note), ERR_IO);
    assert_string_equal(note.text, "/nowhere/x.log: cannot be opened: No such file or directory");
    assert_int_equal(log_reader_open("/tmp", &reader, &note), ERR_IO);
    assert_non_null(strstr(note.text, "/tmp: is a folder"));
    assert_int_equal(log_writer_create("/nowhere/x.log", &writer, &note), ERR_IO);
    assert_string_equal(note.text, "/nowhere/x.log: cannot be written: No such file or directory");
}

static void log_file_full_disk_is_an_error(void **state)
{
    struct log_writer *writer;

    (void)state;
    assert_int_equal(log_writer_create("/dev/full", &writer, &note), ERR_OK);
    assert_int_equal(log_writer_add(writer, "t", &records[0], &note), ERR_OK);
    assert_int_equal(log_writer_close(writer, &note), ERR_IO);
    assert_string_equal(note.text,
                        "/dev/full: cannot be written after 0 bytes: No space left on device");
}

static void log_file_large_records_grow_the_buffer(void **state)
{
    const size_t size = 3 * 1024 * 1024;
    uint8_t *large = arena_zalloc(&arena, size);
    struct record record = {.key = slice_text("d"), .value = slice_make(large, size)};
    struct log_writer *writer;
    struct log_reader *reader;
    struct log_entry entry;

    (void)state;
    large[size - 1] = 9;
    assert_int_equal(log_writer_create(path, &writer, &note), ERR_OK);
    assert_int_equal(log_writer_add(writer, "t", &records[0], &note), ERR_OK);
    assert_int_equal(log_writer_add(writer, "t", &record, &note), ERR_OK);
    assert_int_equal(log_writer_close(writer, &note), ERR_OK);
    assert_int_equal(log_reader_open(path, &reader, &note), ERR_OK);
    assert_int_equal(log_reader_next(reader, &arena, &entry, &note), ERR_OK);
    assert_int_equal(log_reader_next(reader, &arena, &entry, &note), ERR_OK);
    assert_true(slice_equal(entry.record.value, record.value));
    assert_int_equal(log_reader_next(reader, &arena, &entry, &note), ERR_END);
    log_reader_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(log_file_reads_what_was_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(log_file_is_what_the_contract_says, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            log_file_cut_at_any_byte_gives_all_before_and_names_the_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(log_file_with_any_byte_changed_is_read_or_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(log_file_of_another_kind_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(log_file_that_is_not_there_or_a_folder_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(log_file_full_disk_is_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(log_file_large_records_grow_the_buffer, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
