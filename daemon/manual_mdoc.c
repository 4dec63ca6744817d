/* Manual pages in mdoc(7). */
#include <ctype.h>
#include <string.h>

#include "base/near.h"
#include "base/version.h"
#include "daemon/manual.h"

enum { name_bytes_max = 64 };

/* One character of text; what roff would take for its own is escaped. In code a hyphen is a minus,
 * which can be copied to a command line. */
static void put_char(FILE *out, char character, bool first, bool code)
{
    if (first && (character == '.' || character == '\''))
        fputs("\\&", out);
    switch (character) {
    case '\\': fputs("\\e", out); break;
    case '-': fputs(code ? "\\-" : "-", out); break;
    case '\'': fputs(code ? "\\(aq" : "'", out); break;
    case '^': fputs("\\(ha", out); break;
    case '~': fputs("\\(ti", out); break;
    default: fputc(character, out);
    }
}

/* A sentence ends a line: roff then puts the right blank. */
static bool ends_sentence(const char *text, size_t at, size_t size)
{
    return at > 1 && at + 1 < size && text[at] == ' ' && strchr(".?!", text[at - 1]) != NULL &&
           text[at - 2] != '.';
}

/* Prose, `code` in bold; lines are filled by roff. Literal text keeps its lines and blanks. */
static void put_prose(FILE *out, const char *text, size_t size, bool literal)
{
    bool code = false, typed = false, first = true;

    for (size_t i = 0; i < size; i++) {
        bool begins = !literal && (i == 0 || strchr(" \n(`", text[i - 1]) != NULL);

        /* What is typed is neither cut at the end of a line, nor given dashes that are not typed.
         */
        if (begins && (code || text[i] == '-'))
            fputs("\\%", out);
        if (begins)
            typed = text[i] == '-';
        if (text[i] == '`') {
            code = !code;
            fputs(code ? "\\fB" : "\\fP", out);
        } else if (!literal && !code && ends_sentence(text, i, size)) {
            fputc('\n', out);
            first = true;
            continue;
        } else {
            put_char(out, text[i], first, code || typed || literal);
        }
        first = text[i] == '\n';
    }
    if (size == 0 || text[size - 1] != '\n')
        fputc('\n', out);
}

static void put_line(FILE *out, const char *text)
{
    put_prose(out, text, strlen(text), false);
}

/* The one line of help, which has no full stop. */
static void put_sentence(FILE *out, const char *text)
{
    char sentence[300];

    snprintf(sentence, sizeof(sentence), "%s.", text);
    put_line(out, sentence);
}

/* An argument of a macro; a short word might be a macro itself. */
static void put_words(FILE *out, const char *text)
{
    bool begins = true;

    for (; *text != '\0'; text++) {
        if (begins && (isupper((unsigned char)*text) || ispunct((unsigned char)*text)))
            fputs("\\&", out);
        begins = *text == ' ';
        put_char(out, *text, false, true);
    }
}

static void put_text(FILE *out, const char *text)
{
    enum manual_block kind;
    struct slice block;

    while ((kind = manual_next_block(&text, &block)) != MANUAL_END) {
        fputs(kind == MANUAL_LITERAL ? ".Bd -literal\n" : ".Pp\n", out);
        put_prose(out, (const char *)block.data, block.size, kind == MANUAL_LITERAL);
        if (kind == MANUAL_LITERAL)
            fputs(".Ed\n", out);
    }
}

static void put_head(FILE *out, const char *name, int section, const char *about)
{
    char upper[name_bytes_max];
    size_t size = 0;

    for (; name[size] != '\0' && size + 1 < sizeof(upper); size++)
        upper[size] = (char)toupper((unsigned char)name[size]);
    upper[size] = '\0';
    fprintf(out,
            ".\\\" Made by `ringback manual`; do not edit.\n"
            ".Dd " RINGBACK_VERSION_DATE "\n.Dt %s %d\n.Os Ringback " RINGBACK_VERSION "\n"
            ".Sh NAME\n.Nm %s\n.Nd ",
            upper, section, name);
    put_words(out, about);
    fputc('\n', out);
}

/* --- one command --- */

static void put_synopsis(FILE *out, const char *command, const char *task, const char *positional)
{
    fprintf(out, ".Nm ringback\n.Cm ");
    put_words(out, command);
    if (task != NULL) {
        fputc(' ', out);
        put_words(out, task);
    }
    fputc('\n', out);
    if (positional != NULL) {
        fputs(".Ar ", out);
        put_words(out, positional);
        fputc('\n', out);
    }
    fputs(".Op Ar OPTIONS\n", out);
}

static void put_flag(FILE *out, const struct arg_flag *flag)
{
    char fallback[200];

    fputs(".It Fl ", out);
    fputs("\\-", out);
    put_words(out, flag->name);
    if (flag->shown != NULL) {
        fputs(" Ar ", out);
        put_words(out, flag->shown);
    }
    fputc('\n', out);
    put_line(out, flag->help);
    args_default(flag, fallback, sizeof(fallback));
    if (fallback[0] == '\0')
        return;
    fputs("(default ", out);
    for (const char *at = fallback; *at != '\0'; at++)
        put_char(out, *at, false, true);
    fputs(")\n", out);
}

static void put_flags_of_tasks(FILE *out, const struct args_spec *spec)
{
    const struct arg_flag *flag = spec->flags;
    bool open = false;

    for (; flag != NULL && flag->type != ARG_END && flag->type != ARG_OF; flag++)
        continue;
    for (; flag != NULL && flag->type != ARG_END; flag++) {
        if (flag->type != ARG_OF) {
            put_flag(out, flag);
            continue;
        }
        fprintf(out, "%s.Ss Options of ", open ? ".El\n" : "");
        for (const char *at = flag->name; *at != '\0'; at++)
            fprintf(out, "%.*s%s", *at == '|' ? 0 : 1, at, *at == '|' ? ", " : "");
        fputs("\n.Bl -tag -width Ds\n", out);
        open = true;
    }
    fputs(open ? ".El\n" : "", out);
}

static void put_flags(FILE *out, const struct args_spec *spec)
{
    const struct arg_flag *flag;
    struct args_walk walk;

    fputs(".Sh OPTIONS\n", out);
    if (args_tasks_differ(spec)) {
        put_flags_of_tasks(out, spec);
        fputs(".Ss Options of all\n", out);
    }
    fputs(".Bl -tag -width Ds\n", out);
    args_walk_init(&walk, spec, NULL);
    while ((flag = args_walk_next(&walk)) != NULL)
        put_flag(out, flag);
    fputs(".El\n", out);
}

static void put_tasks(FILE *out, const struct arg_task *tasks)
{
    fputs(".Pp\nTasks:\n.Bl -tag -width Ds\n", out);
    for (; tasks->name != NULL; tasks++) {
        fputs(".It Cm ", out);
        put_words(out, tasks->name);
        fputc('\n', out);
        put_sentence(out, tasks->help);
        if (tasks->text != NULL)
            put_text(out, tasks->text);
    }
    fputs(".El\n", out);
}

static void put_exits(FILE *out, const struct arg_exit *exits)
{
    fputs(".Sh EXIT STATUS\n", out);
    if (exits != NULL) {
        fputs(".Bl -tag -width Ds\n", out);
        for (; exits->when != NULL; exits++) {
            fprintf(out, ".It %d\n", exits->code);
            put_line(out, exits->when);
        }
        fputs(".El\n.Pp\n", out);
    }
    fprintf(out, "%s\n.Xr ringback 1 .\n", exits != NULL ? "Others are those of" : "Those of");
}

static void put_examples(FILE *out, const struct arg_example *example)
{
    if (example == NULL)
        return;
    fputs(".Sh EXAMPLES\n.Bl -tag -width Ds\n", out);
    for (; example->line != NULL; example++) {
        fputs(".It Li \"ringback ", out);
        for (const char *at = example->line; *at != '\0'; at++)
            put_char(out, *at == '"' ? '\'' : *at, false, true);
        fputs("\"\n", out);
        put_line(out, example->does);
    }
    fputs(".El\n", out);
}

struct wanted {
    FILE *out;
    const char *name;
};

static void put_command(void *user, const struct command *command, const struct args_spec *spec)
{
    const struct wanted *wanted = user;
    FILE *out = wanted->out;
    char name[name_bytes_max];

    if (strcmp(command->name, wanted->name) != 0)
        return;
    snprintf(name, sizeof(name), "ringback-%s", command->name);
    put_head(out, name, 1, command->help);
    fputs(".Sh SYNOPSIS\n", out);
    if (spec->tasks == NULL)
        put_synopsis(out, command->name, NULL, spec->positional);
    for (const struct arg_task *task = spec->tasks; task != NULL && task->name != NULL; task++)
        put_synopsis(out, command->name, task->name, task->positional);
    fputs(".Sh DESCRIPTION\n", out);
    put_sentence(out, command->help);
    if (spec->tasks != NULL)
        put_tasks(out, spec->tasks);
    put_text(out, spec->text);
    put_flags(out, spec);
    put_exits(out, spec->exits);
    put_examples(out, spec->examples);
    fputs(".Sh SEE ALSO\n.Xr ringback 1", out);
    fputs(spec->options ? " ,\n.Xr ringback.yaml 5\n" : "\n", out);
}

/* --- ringback itself --- */

static const char *const environment[][2] = {
    {"RINGBACK_CONFIG", "The configuration file, when `--config` is not given."},
    {"RINGBACK_KEY", "Any option: its key in capitals, an underscore for each dot, as in"
                     " `RINGBACK_REDIS_URL`; see ringback.yaml(5)."},
    {"NO_COLOR", "Set and not empty: no colours, unless `--color=always` is given."},
    {"TERM", "dumb or empty: no colours either."},
    {"COLUMNS", "The width of the terminal, if it does not say so itself."},
    {NULL, NULL},
};

static void put_group(const struct command_context *context, enum command_group group,
                      const char *title)
{
    FILE *out = context->out;

    fprintf(out, ".Ss %s\n.Bl -tag -width Ds\n", title);
    for (const struct command *command = context->table; command->name != NULL; command++) {
        if (command->group != group)
            continue;
        fprintf(out, ".It Xr ringback-%s 1\n", command->name);
        put_line(out, command->help);
    }
    fputs(".El\n", out);
}

static void put_overview(const struct command_context *context)
{
    FILE *out = context->out;

    put_head(out, "ringback", 1, COMMAND_ABOUT);
    fputs(".Sh SYNOPSIS\n.Nm\n.Ar COMMAND\n.Op Ar OPTIONS\n.Nm\n.Ar COMMAND\n.Fl \\-help\n"
          ".Nm\n.Fl \\-version\n.Sh DESCRIPTION\n",
          out);
    put_line(out, "Ringback owns the callbacks of a call centre: it reads what switch, desktops and"
                  " flows say from Kafka, decides, and writes what is to happen to Kafka.");
    put_line(out, "Results go to standard output, all else to standard error. Tables are fitted to"
                  " a terminal and whole in a pipe; with `--json` they are one JSON document.");
#define PUT_GROUP_(id, title) put_group(context, COMMAND_##id, title);
    COMMAND_GROUP_MAP(PUT_GROUP_)
#undef PUT_GROUP_
    fputs(".Sh ENVIRONMENT\n.Bl -tag -width Ds\n", out);
    for (size_t i = 0; environment[i][0] != NULL; i++) {
        fprintf(out, ".It Ev %s\n", environment[i][0]);
        put_line(out, environment[i][1]);
    }
    fputs(".El\n.Sh EXIT STATUS\n.Bl -tag -width Ds\n", out);
#define PUT_EXIT_(name, code, when)                                                                \
    fprintf(out, ".It %d\n", code);                                                                \
    put_line(out, when);
    EXIT_CODE_MAP(PUT_EXIT_)
#undef PUT_EXIT_
    fputs(".El\n.Sh SEE ALSO\n.Xr ringback.yaml 5\n", out);
}

/* --- the configuration file --- */

static void put_option(FILE *out, const struct option_row *row)
{
    char allowed[200];

    fputs(".It Ic ", out);
    put_words(out, row->key);
    fputc('\n', out);
    put_line(out, row->help);
    options_allowed(row, allowed, sizeof(allowed));
    fputs("Allowed: ", out);
    put_line(out, allowed);
    if (row->fallback[0] != '\0') {
        fputs("(default ", out);
        for (const char *at = row->fallback; *at != '\0'; at++)
            put_char(out, *at, false, true);
        fputs(")\n", out);
    }
}

static void put_options(FILE *out)
{
    put_head(out, "ringback.yaml", 5, "configuration of ringback");
    fputs(".Sh DESCRIPTION\n", out);
    put_line(out, "A YAML file, named by `--config` or the variable `RINGBACK_CONFIG`. A key with a"
                  " dot may be written in one piece or as a map: `redis.url: ...` is the same as"
                  " `redis: {url: ...}`.");
    fputs(".Pp\n", out);
    put_line(out, "A value comes from a flag (`--redis.url=...`), else the environment"
                  " (`RINGBACK_REDIS_URL`), else the file, else the default. What is unknown or"
                  " wrong is refused, with its place; `ringback config` prints what is in force.");
    fputs(".Pp\n", out);
    put_line(out, "Durations are written as 250ms, 60s, 5m, 1h30m, 7d; sizes as 512, 64KiB, 16MiB,"
                  " 64kB.");
    for (int section = 0; section < OPTION_SECTION_COUNT; section++) {
        fprintf(out, ".Ss %s\n.Bl -tag -width Ds\n", options_section_title(section));
        if (section == OPTION_SECTION_KAFKA) {
            fputs(".It Ic kafka.KEY\n", out);
            put_line(out, "Any setting of librdkafka, as `kafka.bootstrap.servers`; in the"
                          " environment `RINGBACK_KAFKA__BOOTSTRAP_SERVERS`.");
        }
        for (int i = 0; i < OPTION_COUNT; i++) {
            if ((int)option_rows[i].section == section)
                put_option(out, &option_rows[i]);
        }
        fputs(".El\n", out);
    }
    fputs(".Sh EXAMPLES\n", out);
    put_line(out, "`ringback config --example` prints a file with all defaults.");
    fputs(".Sh SEE ALSO\n.Xr ringback 1 ,\n.Xr ringback-config 1\n", out);
}

/* --- which page --- */

void manual_print_list(const struct command_context *context)
{
    fputs("ringback.1\n", context->out);
    for (const struct command *command = context->table; command->name != NULL; command++)
        fprintf(context->out, "ringback-%s.1\n", command->name);
    fputs("ringback.yaml.5\n", context->out);
}

enum err manual_print_page(const struct command_context *context, const char *page,
                           struct err_note *note)
{
    char name[name_bytes_max], hint[200];
    struct near near;
    size_t size;

    snprintf(name, sizeof(name), "%s",
             page + (strncmp(page, "ringback-", 9) == 0 ? strlen("ringback-") : 0));
    size = strlen(name);
    if (size > 2 && name[size - 2] == '.' && isdigit((unsigned char)name[size - 1]))
        name[size - 2] = '\0';
    if (strcmp(name, "ringback") == 0) {
        put_overview(context);
        return ERR_OK;
    }
    if (strcmp(name, "ringback.yaml") == 0) {
        put_options(context->out);
        return ERR_OK;
    }
    near_init(&near, name);
    near_offer(&near, "ringback.yaml");
    for (const struct command *command = context->table; command->name != NULL; command++) {
        near_offer(&near, command->name);
        if (strcmp(command->name, name) != 0)
            continue;
        manual_each(context, put_command, &(struct wanted){context->out, name});
        return ERR_OK;
    }
    return FAIL(note, ERR_USAGE, "there is no page \"%s\"%s", page,
                near_hint(&near, "", hint, sizeof(hint)));
}
