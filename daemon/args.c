#include "daemon/args.h"

#include <inttypes.h>
#include <string.h>

#include "base/near.h"
#include "daemon/options.h"

static const struct arg_flag no_flags[] = {ARGS_END};

static const struct arg_flag *flags_of(const struct args_spec *spec)
{
    return spec->flags == NULL ? no_flags : spec->flags;
}

static enum err set_text(const struct arg_flag *flag, const char *text, struct err_note *note)
{
    switch (flag->type) {
    case ARG_TEXT:
        if (text[0] == '\0')
            return FAIL(note, ERR_BAD_OPTION, "the value is empty; %s is needed", flag->shown);
        *(const char **)flag->value = text;
        return ERR_OK;
    case ARG_INT: return value_int(text, flag->min, flag->max, flag->value, note);
    case ARG_DOUBLE: return value_double(text, flag->low, flag->high, flag->value, note);
    case ARG_DURATION: return value_duration(text, flag->min, flag->max, flag->value, note);
    case ARG_SIZE: return value_size(text, flag->min, flag->max, flag->value, note);
    case ARG_RATE: return value_rate(text, flag->value, note);
    case ARG_CHOICE: return value_choice(text, flag->choices, flag->value, note);
    case ARG_SWITCH: return value_bool(text, flag->value, note);
    case ARG_END: break;
    }
    return FAIL(note, ERR_USAGE, "not a flag");
}

/* Every error of a value is the command line's: ERR_USAGE. */
static enum err set_flag(const struct arg_flag *flag, const char *text, struct err_note *note)
{
    if (set_text(flag, text, note) == ERR_OK)
        return ERR_OK;
    err_prefix(note, "--%s: ", flag->name);
    if (note != NULL)
        note->err = ERR_USAGE;
    return ERR_USAGE;
}

static bool same_name(const char *name, const char *word, size_t size)
{
    return strlen(name) == size && memcmp(name, word, size) == 0;
}

static enum err unknown_flag(const struct args_spec *spec, const char *word, size_t size,
                             struct err_note *note)
{
    struct near near;
    char name[near_word_bytes_max + 1], hint[300];

    snprintf(name, sizeof(name), "%.*s", (int)size, word);
    near_init(&near, name);
    for (const struct arg_flag *flag = flags_of(spec); flag->type != ARG_END; flag++)
        near_offer(&near, flag->name);
    near_offer(&near, "help");
    if (spec->json)
        near_offer(&near, "json");
    if (spec->options)
        near_offer(&near, "config");
    for (int i = 0; spec->options && i < OPTION_COUNT; i++)
        near_offer(&near, option_rows[i].key);
    return FAIL(note, ERR_USAGE, "unknown option --%s%s", name,
                near_hint(&near, "--", hint, sizeof(hint)));
}

/* A flag that the spec does not know is an option of the daemon, where those are taken. */
static enum err add_option(const struct args_spec *spec, struct command_context *context,
                           const char *word, size_t size, const char *value, struct err_note *note)
{
    char key[200];

    snprintf(key, sizeof(key), "%.*s", (int)size, word);
    if (!spec->options || (strcmp(key, "config") != 0 && !options_known(key)))
        return unknown_flag(spec, word, size, note);
    if (value == NULL)
        return FAIL(note, ERR_USAGE, "--%.*s needs a value: --%.*s=VALUE", (int)size, word,
                    (int)size, word);
    if (same_name("config", word, size)) {
        context->config_path = value;
        return ERR_OK;
    }
    if (context->option_count == command_options_max)
        return FAIL(note, ERR_USAGE, "more than %d options given", command_options_max);
    context->options[context->option_count++] = (struct command_option){word, size, value};
    return ERR_OK;
}

/* argv[*at] is a flag; *at moves to the last word used. */
static enum err read_flag(const struct args_spec *spec, struct command_context *context, int argc,
                          char **argv, int *at, struct err_note *note)
{
    const char *word = argv[*at] + 2;
    const char *equals = strchr(word, '=');
    size_t size = equals == NULL ? strlen(word) : (size_t)(equals - word);
    const char *next = equals != NULL ? equals + 1 : *at + 1 < argc ? argv[*at + 1] : NULL;

    if (spec->json && same_name("json", word, size) && equals == NULL) {
        context->json = true;
        return ERR_OK;
    }
    for (const struct arg_flag *flag = flags_of(spec); flag->type != ARG_END; flag++) {
        bool negated = flag->type == ARG_SWITCH && size > 3 && memcmp(word, "no-", 3) == 0 &&
                       same_name(flag->name, word + 3, size - 3);

        if (!negated && !same_name(flag->name, word, size))
            continue;
        if (flag->type == ARG_SWITCH && equals == NULL)
            return set_flag(flag, negated ? "false" : "true", note);
        if (negated)
            return FAIL(note, ERR_USAGE, "--no-%s takes no value", flag->name);
        if (next == NULL)
            return FAIL(note, ERR_USAGE, "--%s needs a value: --%s %s", flag->name, flag->name,
                        flag->shown);
        *at += equals == NULL;
        return set_flag(flag, next, note);
    }
    if (spec->options)
        *at += equals == NULL && next != NULL;
    return add_option(spec, context, word, size, next, note);
}

static enum err check_positional(const struct args_spec *spec, const struct args *args,
                                 struct err_note *note)
{
    if (args->count < spec->positional_min)
        return FAIL(note, ERR_USAGE, "%s is missing", spec->positional);
    if (args->count > spec->positional_max)
        return FAIL(note, ERR_USAGE, "one argument too many: \"%s\"",
                    args->values[spec->positional_max]);
    return ERR_OK;
}

enum err args_parse(const struct args_spec *spec, struct command_context *context, int argc,
                    char **argv, struct args *args, struct err_note *note)
{
    bool flags_ended = false;

    *args = (struct args){0, argv + 1};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0)
            break;
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            args_print_help(spec, context->command, context->out);
            context->help_shown = true;
            return ERR_END;
        }
    }
    for (int i = 1; i < argc; i++) {
        if (flags_ended || argv[i][0] != '-' || argv[i][1] == '\0') {
            args->values[args->count++] = argv[i];
            continue;
        }
        if (argv[i][1] != '-')
            return FAIL(note, ERR_USAGE, "unknown option %s (options begin with --)", argv[i]);
        flags_ended = argv[i][2] == '\0';
        if (!flags_ended)
            TRY(read_flag(spec, context, argc, argv, &i, note));
    }
    return check_positional(spec, args, note);
}

static void format_default(const struct arg_flag *flag, char *text, size_t size)
{
    char value[80] = "";

    text[0] = '\0';
    switch (flag->type) {
    case ARG_TEXT:
        if (*(const char **)flag->value != NULL)
            snprintf(value, sizeof(value), "%s", *(const char **)flag->value);
        break;
    case ARG_INT: snprintf(value, sizeof(value), "%" PRId64, *(int64_t *)flag->value); break;
    case ARG_DOUBLE: snprintf(value, sizeof(value), "%g", *(double *)flag->value); break;
    case ARG_DURATION: value_format_duration(*(int64_t *)flag->value, value, sizeof(value)); break;
    case ARG_SIZE: value_format_size(*(int64_t *)flag->value, value, sizeof(value)); break;
    case ARG_RATE: {
        const struct value_rate *rate = flag->value;

        if (rate->kind == VALUE_RATE_MAX)
            snprintf(value, sizeof(value), "max");
        else
            snprintf(value, sizeof(value), "%g%s", rate->value,
                     rate->kind == VALUE_RATE_TIMES ? "x" : "/s");
        break;
    }
    case ARG_CHOICE: {
        const char *choice = flag->choices;

        for (int i = 0; i < *(int *)flag->value; i++)
            choice = strchr(choice, '|') + 1;
        snprintf(value, sizeof(value), "%.*s", (int)strcspn(choice, "|"), choice);
        break;
    }
    case ARG_SWITCH:
        if (*(bool *)flag->value)
            snprintf(value, sizeof(value), "on; --no-%s turns it off", flag->name);
        break;
    case ARG_END: break;
    }
    if (value[0] != '\0')
        snprintf(text, size, " (default %s)", value);
}

enum err args_task(const char *word, const char *const *tasks, int *task, struct err_note *note)
{
    struct near near;
    char hint[200];

    near_init(&near, word);
    for (*task = 0; tasks[*task] != NULL; ++*task) {
        if (strcmp(tasks[*task], word) == 0)
            return ERR_OK;
        near_offer(&near, tasks[*task]);
    }
    return FAIL(note, ERR_USAGE, "unknown task \"%s\"%s", word,
                near_hint(&near, "", hint, sizeof(hint)));
}

static void print_flag(FILE *out, const char *name, const char *shown, const char *help,
                       const char *fallback)
{
    char left[200];

    snprintf(left, sizeof(left), "--%s%s%s", name, shown == NULL ? "" : " ",
             shown == NULL ? "" : shown);
    if (strlen(left) > 24)
        fprintf(out, "  %s\n  %-24s %s%s\n", left, "", help, fallback);
    else
        fprintf(out, "  %-24s %s%s\n", left, help, fallback);
}

void args_print_help(const struct args_spec *spec, const struct command *command, FILE *out)
{
    char fallback[200];

    fprintf(out, "usage: ringback %s%s%s [OPTIONS]\n\n%s.\n", command->name,
            spec->positional == NULL ? "" : " ", spec->positional == NULL ? "" : spec->positional,
            command->help);
    if (spec->text != NULL)
        fprintf(out, "\n%s", spec->text);
    fputs("\nOptions:\n", out);
    for (const struct arg_flag *flag = flags_of(spec); flag->type != ARG_END; flag++) {
        format_default(flag, fallback, sizeof(fallback));
        print_flag(out, flag->name, flag->shown, flag->help, fallback);
    }
    if (spec->json)
        print_flag(out, "json", NULL, "JSON for machines instead of a table", "");
    if (spec->options) {
        print_flag(out, "config", "FILE", "the configuration file (YAML)", "");
        print_flag(out, "KEY", "VALUE",
                   "any option of that file, such as --redis.url; all are"
                   " listed by `ringback config`",
                   "");
    }
    print_flag(out, "help", NULL, "this text", "");
}
