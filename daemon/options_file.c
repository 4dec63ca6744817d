/* The configuration file: nested maps become dotted keys. No aliases, tags or second documents: a
 * file of options needs none, and so it cannot grow when it is read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "daemon/options.h"

enum { file_bytes_max = 1 << 20, key_bytes_max = 200, value_bytes_max = 16384, depth_max = 8 };

struct reader {
    struct options *options;
    const char *name;
    struct err_note *note;
    yaml_parser_t parser;
    char key[key_bytes_max];
    size_t key_size;
    int depth;
};

static int line_of(const yaml_mark_t *mark)
{
    return (int)mark->line + 1;
}

#define FAIL_AT(reader, line, ...)                                                                 \
    (FAIL((reader)->note, ERR_BAD_OPTION, __VA_ARGS__),                                            \
     (reader)->note == NULL ? ERR_BAD_OPTION                                                       \
                            : err_prefix((reader)->note, "%s:%d: ", (reader)->name, (line)))

/* The caller deletes event when the answer is ERR_OK. */
static enum err next_event(struct reader *reader, yaml_event_t *event)
{
    const yaml_parser_t *parser = &reader->parser;

    if (yaml_parser_parse(&reader->parser, event) != 0)
        return ERR_OK;
    /* An error of the encoding has no mark, only a byte. */
    if (parser->error == YAML_READER_ERROR)
        return FAIL_AT(reader, line_of(&parser->mark), "byte %zu: this is no text in UTF-8: %s",
                       parser->problem_offset, parser->problem);
    return FAIL_AT(reader, line_of(&parser->problem_mark), "column %zu: this is no YAML: %s%s%s",
                   parser->problem_mark.column + 1, parser->problem == NULL ? "" : parser->problem,
                   parser->context == NULL ? "" : ", ",
                   parser->context == NULL ? "" : parser->context);
}

/* A value is text as C knows it. */
static enum err scalar_text(struct reader *reader, const yaml_event_t *event, const char **text)
{
    int line = line_of(&event->start_mark);

    *text = (const char *)event->data.scalar.value;
    if (memchr(*text, '\0', event->data.scalar.length) != NULL)
        return FAIL_AT(reader, line, "%s: a zero byte", reader->key);
    if (event->data.scalar.length > value_bytes_max)
        return FAIL_AT(reader, line, "%s: a value of more than %d bytes", reader->key,
                       value_bytes_max);
    return ERR_OK;
}

/* Where the key was given before, in this file or another; its line is 0 if it was not. */
static struct option_origin earlier_origin(const struct reader *reader)
{
    const struct options *options = reader->options;
    enum option option = options_find(reader->key);

    if (option != OPTION_COUNT)
        return options->origins[option];
    for (int i = 0; i < options->kafka_count; i++) {
        if (strncmp(reader->key, "kafka.", 6) == 0 &&
            strcmp(options->kafka[i].key, reader->key + 6) == 0)
            return options->kafka[i].origin;
    }
    return (struct option_origin){OPTION_SOURCE_DEFAULT, NULL, 0};
}

static enum err set_option(struct reader *reader, const char *value, int line)
{
    struct option_origin earlier = earlier_origin(reader);

    if (earlier.line != 0 && strcmp(earlier.name, reader->name) != 0)
        return FAIL_AT(reader, line, "%s: given twice, first in %s:%d", reader->key, earlier.name,
                       earlier.line);
    if (earlier.line != 0)
        return FAIL_AT(reader, line, "%s: given twice, first in line %d", reader->key,
                       earlier.line);
    return options_set(reader->options, reader->key, value,
                       (struct option_origin){OPTION_SOURCE_FILE, reader->name, line},
                       reader->note);
}

/* `redis:` with all below it commented out says nothing, and is no mistake. */
static bool is_section(const char *key)
{
    size_t size = strlen(key);

    if (strcmp(key, "kafka") == 0)
        return true;
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (strncmp(option_rows[i].key, key, size) == 0 && option_rows[i].key[size] == '.')
            return true;
    }
    return false;
}

static enum err read_scalar(struct reader *reader, const yaml_event_t *event)
{
    int line = line_of(&event->start_mark);
    const char *text;

    TRY(scalar_text(reader, event, &text));
    if (text[0] == '\0' && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        if (is_section(reader->key))
            return ERR_OK;
        if (options_known(reader->key))
            return FAIL_AT(reader, line, "%s: no value is given; \"\" is the empty one",
                           reader->key);
    }
    return set_option(reader, text, line);
}

static enum err add_item(struct reader *reader, const yaml_event_t *event, char *joined,
                         size_t size)
{
    int line = line_of(&event->start_mark);
    size_t used = strlen(joined);
    const char *text;

    if (event->type != YAML_SCALAR_EVENT)
        return FAIL_AT(reader, line, "%s: a list may only hold plain values", reader->key);
    TRY(scalar_text(reader, event, &text));
    if (used + strlen(text) + 2 > size)
        return FAIL_AT(reader, line, "%s: a list of more than %zu bytes", reader->key, size);
    snprintf(joined + used, size - used, "%s%s", used == 0 ? "" : ",", text);
    return ERR_OK;
}

/* A list is its values with commas: media, brokers. */
static enum err read_list(struct reader *reader, int line)
{
    enum option option = options_find(reader->key);
    char joined[value_bytes_max] = "";

    if (option != OPTION_COUNT && option_rows[option].type != OPTION_TYPE_MEDIA)
        return FAIL_AT(reader, line, "%s: one value is needed, no list", reader->key);
    for (;;) {
        yaml_event_t event;
        enum err err;

        TRY(next_event(reader, &event));
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            return set_option(reader, joined, line);
        }
        err = add_item(reader, &event, joined, sizeof(joined));
        yaml_event_delete(&event);
        TRY(err);
    }
}

static enum err read_map(struct reader *reader, int line);

static enum err read_value(struct reader *reader)
{
    yaml_event_t event;
    enum err err;
    int line;

    TRY(next_event(reader, &event));
    line = line_of(&event.start_mark);
    if (event.type == YAML_SCALAR_EVENT)
        err = read_scalar(reader, &event);
    else if (event.type == YAML_MAPPING_START_EVENT)
        err = read_map(reader, line);
    else if (event.type == YAML_SEQUENCE_START_EVENT)
        err = read_list(reader, line);
    else
        err = FAIL_AT(reader, line, "%s: aliases (*name) are not supported; write the value",
                      reader->key);
    yaml_event_delete(&event);
    return err;
}

static enum err push_key(struct reader *reader, const yaml_event_t *event)
{
    int line = line_of(&event->start_mark);
    size_t left = sizeof(reader->key) - reader->key_size;
    const char *dot = reader->key_size == 0 ? "" : ".";
    const char *text = (const char *)event->data.scalar.value;
    int size;

    if (event->type != YAML_SCALAR_EVENT)
        return FAIL_AT(reader, line, "a key must be plain text");
    if (event->data.scalar.length == 0 || strlen(text) != event->data.scalar.length)
        return FAIL_AT(reader, line, "a key is empty or holds a zero byte");
    size = snprintf(reader->key + reader->key_size, left, "%s%s", dot, text);
    if (size < 0 || (size_t)size >= left)
        return FAIL_AT(reader, line, "a key of more than %d bytes", key_bytes_max - 1);
    reader->key_size += (size_t)size;
    return ERR_OK;
}

/* Behind its start, up to and with its end. */
static enum err read_map(struct reader *reader, int line)
{
    size_t key_size = reader->key_size;

    if (reader->depth++ == depth_max)
        return FAIL_AT(reader, line, "%s: more than %d levels", reader->key, depth_max);
    for (;;) {
        yaml_event_t event;
        enum err err;
        bool end;

        TRY(next_event(reader, &event));
        end = event.type == YAML_MAPPING_END_EVENT;
        err = end ? ERR_OK : push_key(reader, &event);
        yaml_event_delete(&event);
        if (end)
            break;
        TRY(err);
        TRY(read_value(reader));
        reader->key_size = key_size;
        reader->key[key_size] = '\0';
    }
    reader->depth--;
    return ERR_OK;
}

static enum err read_document(struct reader *reader, const yaml_event_t *event, int *documents)
{
    int line = line_of(&event->start_mark);

    if (event->type == YAML_DOCUMENT_START_EVENT && ++*documents > 1)
        return FAIL_AT(reader, line, "a second document begins; one is allowed");
    if (event->type == YAML_MAPPING_START_EVENT)
        return read_map(reader, line);
    if (event->type == YAML_SEQUENCE_START_EVENT || event->type == YAML_ALIAS_EVENT ||
        (event->type == YAML_SCALAR_EVENT && event->data.scalar.length > 0))
        return FAIL_AT(reader, line, "options are needed, as KEY: VALUE");
    return ERR_OK;
}

enum err options_text(struct options *options, const char *name, struct slice text,
                      struct err_note *note)
{
    struct reader reader = {.options = options, .name = name, .note = note};
    bool ended = false;
    int documents = 0;
    enum err err = ERR_OK;

    if (yaml_parser_initialize(&reader.parser) == 0)
        return FAIL(note, ERR_NO_MEMORY, "%s: no memory to read it", name);
    yaml_parser_set_input_string(&reader.parser, text.data, text.size);
    while (err == ERR_OK && !ended) {
        yaml_event_t event;

        err = next_event(&reader, &event);
        if (err != ERR_OK)
            break;
        ended = event.type == YAML_STREAM_END_EVENT;
        err = read_document(&reader, &event, &documents);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&reader.parser);
    return err;
}

enum err options_file(struct options *options, const char *path, struct err_note *note)
{
    char *text;
    size_t size;
    FILE *file = fopen(path, "re");
    int error;

    if (file == NULL)
        return FAIL(note, ERR_BAD_OPTION, "%s: the configuration file cannot be read: %s", path,
                    strerror(errno));
    text = malloc(file_bytes_max + 1);
    if (text == NULL)
        abort();
    errno = 0;
    size = fread(text, 1, file_bytes_max + 1, file);
    error = ferror(file) != 0 ? errno : 0;
    (void)fclose(file);
    if (error != 0 || size > file_bytes_max) {
        free(text);
        return FAIL(note, ERR_BAD_OPTION, "%s: the configuration file cannot be read: %s", path,
                    error != 0 ? strerror(error) : "it is larger than 1 MiB");
    }
    {
        enum err err = options_text(options, path, slice_make(text, size), note);

        free(text);
        return err;
    }
}
