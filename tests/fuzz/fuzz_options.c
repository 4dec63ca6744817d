/* Option files, any bytes, and the same bytes as lines KEY=VALUE (flags, and the journal's): read,
 * or refused with a place and a reason. What was read is written, and read again, as it was. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct options *begin(void)
{
    struct options *options = malloc(sizeof(*options));

    if (options == NULL)
        abort();
    options_init(options);
    return options;
}

static void end(struct options *options)
{
    options_deinit(options);
    free(options);
}

static void check_note(enum err err, const struct err_note *note)
{
    if (err != ERR_OK && note->text[0] == '\0')
        abort();
}

static void check_again(const struct options *options)
{
    struct options *other = begin();
    struct err_note note;
    struct arena arena;
    const char *text;

    arena_init(&arena);
    text = options_decides_text(options, &arena);
    if (options_decides_read(other, slice_text(text), &note) != ERR_OK ||
        strcmp(options_decides_text(other, &arena), text) != 0)
        abort();
    arena_deinit(&arena);
    end(other);
}

static void read_file(struct slice text)
{
    struct options *options = begin();
    struct err_note note = {.err = ERR_OK};
    enum err err = options_text(options, "fuzz.yaml", text, &note);

    if (err == ERR_OK)
        err = options_check(options, &note);
    check_note(err, &note);
    if (err == ERR_OK)
        check_again(options);
    end(options);
}

static void read_journal(struct slice text)
{
    struct options *options = begin();
    struct err_note note = {.err = ERR_OK};

    check_note(options_decides_read(options, text, &note), &note);
    end(options);
}

static void set_each(char *text)
{
    struct options *options = begin();
    char *rest = NULL;

    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        struct option_origin origin = {.source = OPTION_SOURCE_FLAG, .name = "fuzz"};
        struct err_note note = {.err = ERR_OK};
        char *value = strchr(line, '=');

        if (value == NULL)
            continue;
        *value++ = '\0';
        check_note(options_set(options, line, value, origin, &note), &note);
    }
    end(options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    read_file(slice_make(data, size));
    read_journal(slice_make(data, size));
    set_each(text);
    free(text);
    return 0;
}
