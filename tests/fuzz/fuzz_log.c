/* Topic logs, any bytes: records, and then its end or a damage with its byte. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "consumers/log_file.h"
#include "daemon/log_json.h"
#include "daemon/log_topics.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Jansson's tables are in the same order each time. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    json_object_seed(1);
    return 0;
}

static void read_all(struct log_reader *reader)
{
    struct err_note note = {.err = ERR_OK};
    struct log_entry entry;
    struct arena arena;
    enum err err;

    arena_init(&arena);
    while ((err = log_reader_next(reader, &arena, &entry, &note)) == ERR_OK) {
        json_t *json = log_json_record(NULL, entry.topic, log_topics_find(NULL, entry.topic, NULL),
                                       &entry.record, &arena);

        json_decref(json);
        arena_reset(&arena);
    }
    if (err != ERR_END && note.text[0] == '\0')
        abort();
    arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err_note note = {.err = ERR_OK};
    struct log_reader *reader;
    char path[40];
    int file = memfd_create("fuzz", 0);

    if (file < 0 || (size > 0 && write(file, data, size) != (ssize_t)size))
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    if (log_reader_open(path, &reader, &note) == ERR_OK) {
        read_all(reader);
        log_reader_close(reader);
    } else if (note.text[0] == '\0') {
        abort();
    }
    (void)close(file);
    return 0;
}
