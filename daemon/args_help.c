/* --help of one subcommand, from its table. */
#include <string.h>

#include "daemon/args.h"
#include "daemon/terminal.h"

enum { left_width = 24, words_min = 30 };

struct printer {
    const struct command_context *context;
    FILE *out;
    const char *bold;
    const char *plain;
};

/* Words from column `indent` on; on a terminal they are folded at its edge. */
static void print_folded(const struct printer *printer, int indent, const char *text)
{
    int width = printer->context->out_columns - indent;

    while (printer->context->out_columns > 0 && width >= words_min &&
           terminal_cells(text) > width) {
        size_t size = terminal_fit(text, width);

        while (size > 0 && text[size] != ' ')
            size--;
        if (size == 0)
            break;
        fprintf(printer->out, "%.*s\n%*s", (int)size, text, indent, "");
        text += size + 1;
    }
    fprintf(printer->out, "%s\n", text);
}

static void print_pair(const struct printer *printer, const char *left, const char *right)
{
    if (strlen(left) > left_width)
        fprintf(printer->out, "  %s\n  %-*s ", left, left_width, "");
    else
        fprintf(printer->out, "  %-*s ", left_width, left);
    print_folded(printer, left_width + 3, right);
}

static void print_flag(const struct printer *printer, const struct arg_flag *flag)
{
    char left[200], fallback[200], right[600];

    snprintf(left, sizeof(left), "--%s%s%s", flag->name, flag->shown == NULL ? "" : " ",
             flag->shown == NULL ? "" : flag->shown);
    args_default(flag, fallback, sizeof(fallback));
    if (fallback[0] == '\0')
        snprintf(right, sizeof(right), "%s", flag->help);
    else
        snprintf(right, sizeof(right), "%s (default %s)", flag->help, fallback);
    print_pair(printer, left, right);
}

/* of: "list|show" is printed as "list, show". */
static void print_title(const struct printer *printer, const char *title, const char *of)
{
    fprintf(printer->out, "\n%s%s", printer->bold, title);
    for (; *of != '\0'; of++)
        fprintf(printer->out, "%.*s%s", *of == '|' ? 0 : 1, of, *of == '|' ? ", " : "");
    fprintf(printer->out, ":%s\n", printer->plain);
}

/* Those of single tasks under their names, when all tasks are shown. */
static void print_flags_of_tasks(const struct printer *printer, const struct args_spec *spec)
{
    const struct arg_flag *flag = spec->flags;

    for (; flag != NULL && flag->type != ARG_END && flag->type != ARG_OF; flag++)
        continue;
    for (; flag != NULL && flag->type != ARG_END; flag++) {
        if (flag->type != ARG_OF) {
            print_flag(printer, flag);
            continue;
        }
        print_title(printer, "Options of ", flag->name);
    }
}

static void print_flags(const struct printer *printer, const struct args_spec *spec,
                        const struct arg_task *task)
{
    const struct arg_flag *flag;
    struct args_walk walk;

    if (spec->tasks != NULL && task == NULL)
        print_flags_of_tasks(printer, spec);
    print_title(printer, task == NULL && args_tasks_differ(spec) ? "Options of all" : "Options",
                "");
    args_walk_init(&walk, spec, task);
    while ((flag = args_walk_next(&walk)) != NULL)
        print_flag(printer, flag);
}

static void print_usage_line(const struct printer *printer, const char *before, const char *task,
                             const char *positional)
{
    fprintf(printer->out, "%s ringback %s%s%s%s%s [OPTIONS]\n", before,
            printer->context->command->name, task == NULL ? "" : " ", task == NULL ? "" : task,
            positional == NULL ? "" : " ", positional == NULL ? "" : positional);
}

static void print_usage(const struct printer *printer, const struct args_spec *spec,
                        const struct arg_task *task)
{
    if (spec->tasks == NULL)
        print_usage_line(printer, "usage:", NULL, spec->positional);
    else if (task != NULL)
        print_usage_line(printer, "usage:", task->name, task->positional);
    for (const struct arg_task *one = spec->tasks; task == NULL && one != NULL && one->name != NULL;
         one++)
        print_usage_line(printer, one == spec->tasks ? "usage:" : "      ", one->name,
                         one->positional);
}

static void print_tasks(const struct printer *printer, const struct arg_task *tasks)
{
    print_title(printer, "Tasks", "");
    for (; tasks->name != NULL; tasks++)
        print_pair(printer, tasks->name, tasks->help);
}

static void print_exits(const struct printer *printer, const struct arg_exit *exits)
{
    print_title(printer, "Exit codes", "");
    for (; exits->when != NULL; exits++) {
        fprintf(printer->out, "  %-4d ", exits->code);
        print_folded(printer, 7, exits->when);
    }
    fputs("  Others are those of `ringback --help`.\n", printer->out);
}

bool args_example_of(const struct arg_example *example, const struct arg_task *task)
{
    const char *word = strchr(example->line, ' ');
    size_t size = task == NULL ? 0 : strlen(task->name);

    return task == NULL || (word != NULL && strncmp(word + 1, task->name, size) == 0 &&
                            (word[1 + size] == ' ' || word[1 + size] == '\0'));
}

static void print_examples(const struct printer *printer, const struct args_spec *spec,
                           const struct arg_task *task)
{
    bool titled = false;

    for (const struct arg_example *example = spec->examples;
         example != NULL && example->line != NULL; example++) {
        if (!args_example_of(example, task))
            continue;
        if (!titled)
            print_title(printer, "Examples", "");
        titled = true;
        fprintf(printer->out, "  ringback %s\n      ", example->line);
        print_folded(printer, 6, example->does);
    }
}

void args_print_help(const struct args_spec *spec, const struct arg_task *task,
                     const struct command_context *context)
{
    struct printer printer = {.context = context,
                              .out = context->out,
                              .bold = terminal_tint(context->out_colour, TINT_BOLD),
                              .plain = terminal_tint(context->out_colour, TINT_PLAIN)};

    print_usage(&printer, spec, task);
    fprintf(printer.out, "\n%s.\n", task != NULL ? task->help : context->command->help);
    if (task != NULL && task->text != NULL)
        fprintf(printer.out, "\n%s", task->text);
    if (spec->tasks != NULL && task == NULL)
        print_tasks(&printer, spec->tasks);
    if (spec->text != NULL)
        fprintf(printer.out, "\n%s", spec->text);
    print_flags(&printer, spec, task);
    if (spec->exits != NULL)
        print_exits(&printer, spec->exits);
    print_examples(&printer, spec, task);
}
