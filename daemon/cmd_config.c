/* ringback config: the options in force and where each came from. */
#include <jansson.h>
#include <string.h>

#include "daemon/args.h"
#include "daemon/columns.h"
#include "daemon/options.h"

static void add_row(struct columns *table, const char *key, const char *value, const char *origin)
{
    bool changed = strcmp(origin, "default") != 0;

    columns_add(table, TINT_PLAIN, key);
    columns_add(table, changed ? TINT_BOLD : TINT_PLAIN, value[0] == '\0' ? "\"\"" : value);
    columns_add(table, changed ? TINT_PLAIN : TINT_FAINT, origin);
}

static const char *kafka_value(const struct option_kafka *kafka)
{
    return options_kafka_secret(kafka->key) ? "***" : kafka->value;
}

static void print_table(const struct command_context *context, const struct options *options)
{
    struct columns *table = columns_create(context, "OPTION|VALUE|FROM");
    char key[300], value[1200], origin[1200];

    for (int i = 0; i < OPTION_COUNT; i++)
        add_row(table, option_rows[i].key,
                options_value(options, (enum option)i, value, sizeof(value)),
                options_origin(&options->origins[i], option_rows[i].key, origin, sizeof(origin)));
    for (int i = 0; i < options->kafka_count; i++) {
        snprintf(key, sizeof(key), "kafka.%s", options->kafka[i].key);
        add_row(table, key, kafka_value(&options->kafka[i]),
                options_origin(&options->kafka[i].origin, key, origin, sizeof(origin)));
    }
    columns_print(table, true);
}

static void add_json(json_t *list, const char *key, const char *value, const char *origin,
                     bool decides)
{
    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:b}", "key", key, "value", value,
                                          "from", origin, "decides", decides));
}

static void print_json(struct command_context *context, const struct options *options)
{
    char key[300], value[1200], origin[1200];
    json_t *list = json_array();

    for (int i = 0; i < OPTION_COUNT; i++)
        add_json(list, option_rows[i].key,
                 options_value(options, (enum option)i, value, sizeof(value)),
                 options_origin(&options->origins[i], option_rows[i].key, origin, sizeof(origin)),
                 (option_rows[i].flags & OPTION_DECIDES) != 0);
    for (int i = 0; i < options->kafka_count; i++) {
        snprintf(key, sizeof(key), "kafka.%s", options->kafka[i].key);
        add_json(list, key, kafka_value(&options->kafka[i]),
                 options_origin(&options->kafka[i].origin, key, origin, sizeof(origin)), false);
    }
    command_print_json(context, list);
}

static const struct arg_example examples[] = {
    {"config --config ringback.yaml", "Whether the file can be read, and what it comes to."},
    {"config --example", "A file with all defaults, to begin with."},
    {NULL, NULL},
};

enum err cmd_config(struct command_context *context, int argc, char **argv, struct err_note *note)
{
    bool markdown = false, example = false;
    const struct arg_flag flags[] = {
        ARGS_SWITCH("markdown", &markdown, "print docs/CONFIG.md instead"),
        ARGS_SWITCH("example", &example, "print an example file with all defaults instead"),
        ARGS_END,
    };
    const struct args_spec spec = {
        .text = "Each option with its value, and where that came from: the default, the file's\n"
                "line, the variable or the flag. Passwords are not shown.\n",
        .flags = flags,
        .examples = examples,
        .json = ARGS_JSON,
        .options = true,
    };
    struct args args;
    struct options options;
    enum err err;

    TRY(args_parse(&spec, context, argc, argv, &args, note));
    if (markdown || example) {
        if (markdown)
            options_print_markdown(context->out);
        if (example)
            options_print_example(context->out);
        return ERR_OK;
    }
    err = options_load(&options, context, note);
    if (err == ERR_OK && context->json)
        print_json(context, &options);
    else if (err == ERR_OK)
        print_table(context, &options);
    options_deinit(&options);
    return err;
}
