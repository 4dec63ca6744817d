#include "daemon/args.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/near.h"
#include "daemon/options.h"

enum { flags_max = 64 };

static const struct arg_flag no_flags[] = {ARGS_END};

/* Of every command that has them; see has_common(). */
enum common {
    COMMON_JSON,
    COMMON_JSON_LINES,
    COMMON_CONFIG,
    COMMON_KEY,
    COMMON_COLOR,
    COMMON_HELP
};

static const struct arg_flag common_flags[] = {
    [COMMON_JSON] = {.type = ARG_SWITCH, .name = "json", .help = "JSON for machines"},
    [COMMON_JSON_LINES] = {.type = ARG_SWITCH,
                           .name = "json",
                           .help = "JSON for machines, an object a line"},
    [COMMON_CONFIG] = {.type = ARG_TEXT,
                       .name = "config",
                       .shown = "FILE",
                       .offer = ARG_OFFER_FILES,
                       .help = "a configuration file (YAML); more than one may be given"},
    [COMMON_KEY] = {.type = ARG_TEXT,
                    .name = "KEY",
                    .shown = "VALUE",
                    .help = "any option of that file, such as --redis.url; all are listed by"
                            " `ringback config`"},
    [COMMON_COLOR] = {.type = ARG_CHOICE,
                      .name = "color",
                      .shown = "auto|always|never",
                      .choices = "auto|always|never",
                      .help = "auto: on a terminal, unless NO_COLOR is set or TERM is dumb"},
    [COMMON_HELP] = {.type = ARG_SWITCH, .name = "help", .help = "this text"},
    {.type = ARG_END},
};

/* What is read, and which of spec->flags were there. */
struct parsing {
    const struct args_spec *spec;
    struct command_context *context;
    int argc;
    char **argv;
    uint64_t given;
    bool json_given;
};

static const struct arg_flag *flags_of(const struct args_spec *spec)
{
    return spec->flags == NULL ? no_flags : spec->flags;
}

bool args_is_one_of(const char *words, const char *word)
{
    size_t size = strlen(word);

    while (words != NULL && *words != '\0') {
        size_t here = strcspn(words, "|");

        if (here == size && memcmp(words, word, size) == 0)
            return true;
        words += here + (words[here] == '|');
    }
    return false;
}

enum arg_json args_json(const struct args_spec *spec, const struct arg_task *task)
{
    if (spec->tasks == NULL)
        return spec->json;
    if (task != NULL)
        return task->json;
    for (task = spec->tasks; task->name != NULL; task++) {
        if (task->json != ARGS_JSON_NONE)
            return ARGS_JSON;
    }
    return ARGS_JSON_NONE;
}

static bool has_common(const struct args_walk *walk, enum common common)
{
    enum arg_json json = args_json(walk->spec, walk->task);

    switch (common) {
    case COMMON_JSON: return json == ARGS_JSON;
    case COMMON_JSON_LINES: return json == ARGS_JSON_LINES;
    case COMMON_CONFIG:
    case COMMON_KEY: return walk->spec->options;
    case COMMON_COLOR:
    case COMMON_HELP: return true;
    }
    return false;
}

void args_walk_init(struct args_walk *walk, const struct args_spec *spec,
                    const struct arg_task *task)
{
    *walk = (struct args_walk){.spec = spec, .task = task, .belongs = true};
}

const struct arg_flag *args_walk_next(struct args_walk *walk)
{
    const struct arg_flag *flags = flags_of(walk->spec);

    while (flags[walk->at].type != ARG_END) {
        const struct arg_flag *flag = &flags[walk->at++];

        if (flag->type == ARG_OF)
            walk->belongs = walk->task != NULL && args_is_one_of(flag->name, walk->task->name);
        else if (walk->belongs)
            return flag;
    }
    while (common_flags[walk->common].type != ARG_END) {
        int common = walk->common++;

        if (has_common(walk, (enum common)common))
            return &common_flags[common];
    }
    return NULL;
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
    case ARG_OF:
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
    for (const struct arg_flag *flag = flags_of(spec); flag->type != ARG_END; flag++) {
        if (flag->type != ARG_OF)
            near_offer(&near, flag->name);
    }
    near_offer(&near, "help");
    near_offer(&near, "color");
    if (args_json(spec, NULL) != ARGS_JSON_NONE)
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
        if (context->config_count == command_configs_max)
            return FAIL(note, ERR_USAGE, "--config is given more than %d times",
                        command_configs_max);
        context->config_paths[context->config_count++] = value;
        return ERR_OK;
    }
    if (context->option_count == command_options_max)
        return FAIL(note, ERR_USAGE, "more than %d options given", command_options_max);
    context->options[context->option_count++] = (struct command_option){word, size, value};
    return ERR_OK;
}

/* --color is told once more by args_parse(), before --help is printed. */
static enum err read_common(struct parsing *parsing, const char *word, size_t size, bool equals,
                            const char *next, bool *known, bool *took_next, struct err_note *note)
{
    *known = true;
    *took_next = false;
    if (same_name("json", word, size) && !equals &&
        args_json(parsing->spec, NULL) != ARGS_JSON_NONE) {
        parsing->json_given = parsing->context->json = true;
        return ERR_OK;
    }
    if (same_name("color", word, size)) {
        int colour;

        if (next == NULL)
            return FAIL(note, ERR_USAGE, "--color needs a value: --color auto|always|never");
        *took_next = !equals;
        if (value_choice(next, common_flags[COMMON_COLOR].choices, &colour, note) == ERR_OK) {
            command_colour(parsing->context, (enum command_colour)colour);
            return ERR_OK;
        }
        (void)err_prefix(note, "--color: ");
        if (note != NULL)
            note->err = ERR_USAGE;
        return ERR_USAGE;
    }
    *known = false;
    return ERR_OK;
}

/* argv[*at] is a flag; *at moves to the last word used. */
static enum err read_flag(struct parsing *parsing, int *at, struct err_note *note)
{
    const struct arg_flag *flags = flags_of(parsing->spec);
    const char *word = parsing->argv[*at] + 2;
    const char *equals = strchr(word, '=');
    size_t size = equals == NULL ? strlen(word) : (size_t)(equals - word);
    const char *next = equals != NULL            ? equals + 1
                       : *at + 1 < parsing->argc ? parsing->argv[*at + 1]
                                                 : NULL;
    bool known, took_next;

    for (int i = 0; flags[i].type != ARG_END; i++) {
        const struct arg_flag *flag = &flags[i];
        bool negated = flag->type == ARG_SWITCH && size > 3 && memcmp(word, "no-", 3) == 0 &&
                       same_name(flag->name, word + 3, size - 3);

        if (flag->type == ARG_OF || (!negated && !same_name(flag->name, word, size)))
            continue;
        assert(i < flags_max);
        parsing->given |= UINT64_C(1) << i;
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
    TRY(read_common(parsing, word, size, equals != NULL, next, &known, &took_next, note));
    *at += took_next;
    if (known)
        return ERR_OK;
    if (parsing->spec->options)
        *at += equals == NULL && next != NULL;
    return add_option(parsing->spec, parsing->context, word, size, next, note);
}

static enum err check_positional(const struct args_spec *spec, const struct args *args,
                                 struct err_note *note)
{
    const struct arg_task *task = args->task < 0 ? NULL : &spec->tasks[args->task];
    int min = task != NULL ? task->positional_min : spec->positional_min;
    int max = task != NULL ? task->positional_max : spec->positional_max;

    if (args->count < min)
        return FAIL(note, ERR_USAGE, "%s is missing",
                    task != NULL ? task->positional : spec->positional);
    if (args->count > max)
        return FAIL(note, ERR_USAGE, "one argument too many: \"%s\"", args->values[max]);
    return ERR_OK;
}

static enum err find_task(const struct arg_task *tasks, struct args *args, struct err_note *note)
{
    struct near near;
    char text[300] = "";

    if (args->count == 0) {
        for (int i = 0; tasks[i].name != NULL; i++)
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
                     i == 0                      ? ""
                     : tasks[i + 1].name == NULL ? " or "
                                                 : ", ",
                     tasks[i].name);
        return FAIL(note, ERR_USAGE, "which task? Give %s", text);
    }
    near_init(&near, args->values[0]);
    for (args->task = 0; tasks[args->task].name != NULL; args->task++) {
        if (strcmp(tasks[args->task].name, args->values[0]) == 0) {
            args->values++;
            args->count--;
            return ERR_OK;
        }
        near_offer(&near, tasks[args->task].name);
    }
    return FAIL(note, ERR_USAGE, "unknown task \"%s\"%s", args->values[0],
                near_hint(&near, "", text, sizeof(text)));
}

/* A flag of another task is refused: it would be without effect. */
static enum err check_task(const struct parsing *parsing, const struct arg_task *task,
                           struct err_note *note)
{
    const struct arg_flag *flags = flags_of(parsing->spec);
    const char *of = NULL;

    for (int i = 0; flags[i].type != ARG_END; i++) {
        if (flags[i].type == ARG_OF)
            of = flags[i].name;
        else if ((parsing->given >> i & 1) != 0 && of != NULL && !args_is_one_of(of, task->name))
            return FAIL(note, ERR_USAGE, "--%s belongs to %s, not to %s", flags[i].name, of,
                        task->name);
    }
    if (parsing->json_given && task->json == ARGS_JSON_NONE)
        return FAIL(note, ERR_USAGE, "%s has no --json", task->name);
    return ERR_OK;
}

static const struct arg_task *task_in(const struct args_spec *spec, int argc, char **argv)
{
    for (int i = 1; spec->tasks != NULL && i < argc; i++) {
        for (const struct arg_task *task = spec->tasks; task->name != NULL; task++) {
            if (strcmp(task->name, argv[i]) == 0)
                return task;
        }
    }
    return NULL;
}

/* Wins over whatever else is there, also over what is wrong. */
static bool help_wanted(const struct parsing *parsing)
{
    bool wanted = false;
    int colour;

    for (int i = 1; i < parsing->argc && strcmp(parsing->argv[i], "--") != 0; i++) {
        const char *word = parsing->argv[i];

        wanted = wanted || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
        if (strncmp(word, "--color=", 8) == 0 &&
            value_choice(word + 8, common_flags[COMMON_COLOR].choices, &colour, NULL) == ERR_OK)
            command_colour(parsing->context, (enum command_colour)colour);
    }
    return wanted;
}

static enum err read_words(struct parsing *parsing, struct args *args, struct err_note *note)
{
    bool flags_ended = false;

    for (int i = 1; i < parsing->argc; i++) {
        char *word = parsing->argv[i];

        if (flags_ended || word[0] != '-' || word[1] == '\0') {
            args->values[args->count++] = word;
            continue;
        }
        if (word[1] != '-')
            return FAIL(note, ERR_USAGE, "unknown option %s (options begin with --)", word);
        flags_ended = word[2] == '\0';
        if (!flags_ended)
            TRY(read_flag(parsing, &i, note));
    }
    return ERR_OK;
}

enum err args_parse(const struct args_spec *spec, struct command_context *context, int argc,
                    char **argv, struct args *args, struct err_note *note)
{
    struct parsing parsing = {.spec = spec, .context = context, .argc = argc, .argv = argv};

    *args = (struct args){.values = argv + 1, .task = -1};
    if (context->describe != NULL) {
        context->describe(context->describe_user, context->command, spec);
        context->help_shown = true;
        return ERR_END;
    }
    if (help_wanted(&parsing)) {
        args_print_help(spec, task_in(spec, argc, argv), context);
        context->help_shown = true;
        return ERR_END;
    }
    TRY(read_words(&parsing, args, note));
    if (spec->tasks != NULL) {
        TRY(find_task(spec->tasks, args, note));
        TRY(check_task(&parsing, &spec->tasks[args->task], note));
    }
    context->json_lines =
        args_json(spec, args->task < 0 ? NULL : &spec->tasks[args->task]) == ARGS_JSON_LINES;
    return check_positional(spec, args, note);
}

bool args_tasks_differ(const struct args_spec *spec)
{
    const struct arg_flag *flag = flags_of(spec);

    while (flag->type != ARG_END && flag->type != ARG_OF)
        flag++;
    return flag->type == ARG_OF;
}

const char *args_default(const struct arg_flag *flag, char *text, size_t size)
{
    text[0] = '\0';
    if (flag->value == NULL)
        return text;
    switch (flag->type) {
    case ARG_TEXT:
        if (*(const char **)flag->value != NULL)
            snprintf(text, size, "%s", *(const char **)flag->value);
        break;
    case ARG_INT: snprintf(text, size, "%" PRId64, *(int64_t *)flag->value); break;
    case ARG_DOUBLE: snprintf(text, size, "%g", *(double *)flag->value); break;
    case ARG_DURATION: value_format_duration(*(int64_t *)flag->value, text, size); break;
    case ARG_SIZE: value_format_size(*(int64_t *)flag->value, text, size); break;
    case ARG_RATE: {
        const struct value_rate *rate = flag->value;

        if (rate->kind == VALUE_RATE_MAX)
            snprintf(text, size, "max");
        else
            snprintf(text, size, "%g%s", rate->value, rate->kind == VALUE_RATE_TIMES ? "x" : "/s");
        break;
    }
    case ARG_CHOICE: {
        const char *choice = flag->choices;

        for (int i = 0; i < *(int *)flag->value; i++)
            choice = strchr(choice, '|') + 1;
        snprintf(text, size, "%.*s", (int)strcspn(choice, "|"), choice);
        break;
    }
    case ARG_SWITCH:
        if (*(bool *)flag->value)
            snprintf(text, size, "on; --no-%s turns it off", flag->name);
        break;
    case ARG_OF:
    case ARG_END: break;
    }
    return text;
}
