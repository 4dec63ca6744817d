/* docs/cli.md. */
#include <string.h>

#include "daemon/manual.h"

/* In a cell of a table a bar would end it. */
static void put_cell(FILE *out, const char *text)
{
    for (; *text != '\0'; text++)
        fprintf(out, "%s%c", *text == '|' ? "\\" : "", *text);
}

/* What stands before it, if there is anything. */
static void put_text(FILE *out, const char *before, const char *text)
{
    enum manual_block kind;
    struct slice block;

    while ((kind = manual_next_block(&text, &block)) != MANUAL_END) {
        fprintf(out, "\n%s%s%.*s%s", before, kind == MANUAL_LITERAL ? "```\n" : "", (int)block.size,
                (const char *)block.data, kind == MANUAL_LITERAL ? "```\n" : "");
        before = "";
    }
}

/* of: NULL when the command has no tasks. */
static void put_flag(FILE *out, const struct arg_flag *flag, const char *of)
{
    char fallback[200];

    fprintf(out, "| `--%s%s", flag->name, flag->shown == NULL ? "" : " ");
    put_cell(out, flag->shown == NULL ? "" : flag->shown);
    fputs("` | ", out);
    for (const char *at = of; at != NULL && *at != '\0'; at++)
        fprintf(out, "%.*s%s", *at == '|' ? 0 : 1, at, *at == '|' ? ", " : "");
    fputs(of == NULL ? "" : " | ", out);
    put_cell(out, flag->help);
    args_default(flag, fallback, sizeof(fallback));
    if (fallback[0] != '\0') {
        fputs(" (default ", out);
        put_cell(out, fallback);
        fputc(')', out);
    }
    fputs(" |\n", out);
}

/* Those that every command has are told once, above. */
static void put_flags(FILE *out, const struct args_spec *spec)
{
    const char *of = spec->tasks == NULL ? NULL : "all";

    if (spec->flags == NULL || spec->flags->type == ARG_END)
        return;
    fputs(of == NULL ? "\n| Option | |\n|---|---|\n" : "\n| Option | of | |\n|---|---|---|\n", out);
    for (const struct arg_flag *flag = spec->flags; flag->type != ARG_END; flag++) {
        if (flag->type == ARG_OF)
            of = flag->name;
        else
            put_flag(out, flag, of);
    }
}

static const char *json_text(enum arg_json json)
{
    switch (json) {
    case ARGS_JSON_NONE: return "no";
    case ARGS_JSON: return "a document";
    case ARGS_JSON_LINES: return "a line each";
    }
    return "";
}

static void put_tasks(FILE *out, const struct arg_task *tasks)
{
    fputs("\n| Task | | `--json` |\n|---|---|---|\n", out);
    for (const struct arg_task *task = tasks; task->name != NULL; task++) {
        fprintf(out, "| `%s%s", task->name, task->positional == NULL ? "" : " ");
        put_cell(out, task->positional == NULL ? "" : task->positional);
        fputs("` | ", out);
        put_cell(out, task->help);
        fprintf(out, " | %s |\n", json_text(task->json));
    }
    for (const struct arg_task *task = tasks; task->name != NULL; task++) {
        char before[40];

        snprintf(before, sizeof(before), "`%s`: ", task->name);
        put_text(out, before, task->text);
    }
}

static void put_takes(FILE *out, const struct args_spec *spec)
{
    const char *json = spec->tasks != NULL             ? ""
                       : spec->json == ARGS_JSON       ? "`--json` (a document)"
                       : spec->json == ARGS_JSON_LINES ? "`--json` (a line each)"
                                                       : "";
    const char *options = spec->options ? "the options of the daemon" : "";

    if (json[0] != '\0' || options[0] != '\0')
        fprintf(out, "\nTakes %s%s%s.\n", json,
                json[0] != '\0' && options[0] != '\0' ? " and " : "", options);
}

static void put_exits(FILE *out, const struct arg_exit *exits)
{
    fputs("\nExit codes: ", out);
    for (const struct arg_exit *exit = exits; exit->when != NULL; exit++)
        fprintf(out, "%s%d %s", exit == exits ? "" : "; ", exit->code, exit->when);
    fputs(".\n", out);
}

static void put_command(void *user, const struct command *command, const struct args_spec *spec)
{
    FILE *out = user;

    fprintf(out, "\n### %s\n\n```\nringback %s%s%s [OPTIONS]\n```\n\n%s.\n", command->name,
            command->name,
            spec->tasks != NULL        ? " TASK"
            : spec->positional == NULL ? ""
                                       : " ",
            spec->tasks != NULL || spec->positional == NULL ? "" : spec->positional, command->help);
    if (spec->tasks != NULL)
        put_tasks(out, spec->tasks);
    put_text(out, "", spec->text);
    put_flags(out, spec);
    put_takes(out, spec);
    if (spec->exits != NULL)
        put_exits(out, spec->exits);
    if (spec->examples == NULL)
        return;
    fputs("\n```\n", out);
    for (const struct arg_example *example = spec->examples; example->line != NULL; example++)
        fprintf(out, "ringback %s\n    # %s\n", example->line, example->does);
    fputs("```\n", out);
}

void manual_print_markdown(const struct command_context *context)
{
    FILE *out = context->out;

    fputs(
        "# The command line\n\n"
        "Made from the tables of the commands by `make docs`; do not edit. `ringback COMMAND "
        "--help`"
        " says the\nsame, so do the manual pages (`make man`, or `ringback manual COMMAND`), and"
        " bash and zsh complete it:\n\n"
        "```\n"
        "source <(ringback completion bash)    # in ~/.bashrc\n"
        "source <(ringback completion zsh)     # in ~/.zshrc, behind compinit\n"
        "```\n\n"
        "Results go to standard output, all else to standard error: progress (only on a terminal),"
        " warnings,\nand the reason when a command fails; that is one JSON line with"
        " `--log.format=json`.\n\n"
        "Tables are fitted to the width of a terminal; in a pipe nothing is cut, and an empty cell"
        " is `-`.\nWith `--json` they are one document, also when nothing is found; when the"
        " command fails it is\n`{\"error\": {\"err\", \"text\", \"exit\"}}`. Where it is said "
        "below,"
        " they are an object a line instead.\n\n"
        "Every command takes `--help` and `--color auto|always|never`. auto: on a terminal, unless"
        " `NO_COLOR` is\nset or `TERM` is `dumb`. \"The options of the daemon\" are `--config FILE`"
        " and every key of\n[CONFIG.md](CONFIG.md) as `--KEY=VALUE`.\n\n"
        "## Exit codes\n\n| Code | |\n|---|---|\n",
        out);
#define PUT_EXIT_(name, code, when) fprintf(out, "| %d | %s |\n", code, when);
    EXIT_CODE_MAP(PUT_EXIT_)
#undef PUT_EXIT_
    fputs("\n## Commands\n", out);
    manual_each(context, put_command, out);
}
