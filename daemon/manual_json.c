/* The tables as they are, for other programs and for the tests. */
#include <string.h>

#include "base/version.h"
#include "daemon/manual.h"

static const char *offer_name(enum arg_offer offer)
{
    switch (offer) {
    case ARG_OFFER_NOTHING: return "nothing";
    case ARG_OFFER_FILES: return "files";
    case ARG_OFFER_WORDS: return "words";
    case ARG_OFFER_COMMANDS: return "commands";
    }
    return "";
}

static const char *json_name(enum arg_json json)
{
    switch (json) {
    case ARGS_JSON_NONE: return "none";
    case ARGS_JSON: return "document";
    case ARGS_JSON_LINES: return "lines";
    }
    return "";
}

/* "a|b" as ["a", "b"]; NULL as []. */
static json_t *words_json(const char *words)
{
    json_t *list = json_array();

    while (words != NULL && *words != '\0') {
        size_t size = strcspn(words, "|");

        (void)json_array_append_new(list, json_stringn(words, size));
        words += size + (words[size] == '|');
    }
    return list;
}

static json_t *flag_json(const struct arg_flag *flag, const char *of)
{
    char fallback[200];

    return json_pack("{s:s, s:s?, s:o, s:b, s:s, s:o, s:s, s:s}", "name", flag->name, "value",
                     flag->shown, "of", words_json(of), "switch", flag->type == ARG_SWITCH, "offer",
                     offer_name(flag->offer), "words", words_json(flag->choices), "default",
                     args_default(flag, fallback, sizeof(fallback)), "help", flag->help);
}

/* Own ones with their tasks, then those that all commands have. */
static json_t *flags_json(const struct args_spec *spec)
{
    json_t *list = json_array();
    const struct arg_flag *flag;
    struct args_walk walk;
    const char *of = NULL;

    args_walk_init(&walk, spec, NULL);
    while ((flag = args_walk_next(&walk)) != NULL)
        (void)json_array_append_new(list, flag_json(flag, NULL));
    for (flag = spec->flags; flag != NULL && flag->type != ARG_END; flag++) {
        if (flag->type == ARG_OF)
            of = flag->name;
        else if (of != NULL)
            (void)json_array_append_new(list, flag_json(flag, of));
    }
    return list;
}

static json_t *tasks_json(const struct arg_task *task)
{
    json_t *list = json_array();

    for (; task != NULL && task->name != NULL; task++)
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s, s:s?, s:s?, s:s, s:o, s:s}", "name", task->name, "help",
                            task->help, "text", task->text, "positional", task->positional, "offer",
                            offer_name(task->offer), "words", words_json(task->words), "json",
                            json_name(task->json)));
    return list;
}

static void add_command(void *user, const struct command *command, const struct args_spec *spec)
{
    json_t *exits = json_array(), *examples = json_array();

    for (const struct arg_exit *exit = spec->exits; exit != NULL && exit->when != NULL; exit++)
        (void)json_array_append_new(
            exits, json_pack("{s:i, s:s}", "code", exit->code, "when", exit->when));
    for (const struct arg_example *example = spec->examples;
         example != NULL && example->line != NULL; example++)
        (void)json_array_append_new(
            examples, json_pack("{s:s, s:s}", "line", example->line, "does", example->does));
    (void)json_array_append_new(
        user, json_pack("{s:s, s:s, s:s?, s:s?, s:s, s:o, s:s, s:b, s:o, s:o, s:o, s:o}", "name",
                        command->name, "help", command->help, "text", spec->text, "positional",
                        spec->positional, "offer", offer_name(spec->offer), "words",
                        words_json(spec->words), "json", json_name(args_json(spec, NULL)),
                        "options", spec->options, "tasks", tasks_json(spec->tasks), "flags",
                        flags_json(spec), "exits", exits, "examples", examples));
}

void manual_print_json(struct command_context *context)
{
    json_t *commands_list = json_array(), *exits = json_array(), *options = json_array();

#define ADD_EXIT_(name, code, when)                                                                \
    (void)json_array_append_new(exits, json_pack("{s:i, s:s}", "code", code, "when", when));
    EXIT_CODE_MAP(ADD_EXIT_)
#undef ADD_EXIT_
    for (int i = 0; i < OPTION_COUNT; i++)
        (void)json_array_append_new(options,
                                    json_pack("{s:s, s:s, s:o, s:s}", "key", option_rows[i].key,
                                              "default", option_rows[i].fallback, "words",
                                              words_json(manual_option_words(&option_rows[i])),
                                              "help", option_rows[i].help));
    manual_each(context, add_command, commands_list);
    command_print_json(context,
                       json_pack("{s:s, s:o, s:o, s:o}", "version", RINGBACK_VERSION, "exit_codes",
                                 exits, "commands", commands_list, "options", options));
}
