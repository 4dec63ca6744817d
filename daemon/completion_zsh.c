/* Completion for zsh: a function a command, on _arguments. */
#include <string.h>

#include "daemon/manual.h"

/* Within single quotes, and where _arguments reads brackets and colons. */
static void put_escaped(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            fputs("'\\''", out);
        else
            fprintf(out, "%s%c", strchr("[]:\\", *text) != NULL ? "\\" : "", *text);
    }
}

static void put_words(FILE *out, const char *words)
{
    for (; *words != '\0'; words++)
        fputc(*words == '|' ? ' ' : *words, out);
}

static void put_action(FILE *out, enum arg_offer offer, const char *shown, const char *words)
{
    bool list = shown != NULL && strchr(shown, ',') != NULL;

    switch (offer) {
    case ARG_OFFER_NOTHING: fputc(' ', out); break;
    case ARG_OFFER_FILES: fputs("_files", out); break;
    case ARG_OFFER_COMMANDS: fputs("_ringback_commands", out); break;
    case ARG_OFFER_WORDS:
        fputs(list ? "_sequence compadd - " : "(", out);
        put_words(out, words);
        fputs(list ? "" : ")", out);
        break;
    }
}

static void put_option(FILE *out, const char *name, const char *help, const char *shown,
                       enum arg_offer offer, const char *words)
{
    fprintf(out, "    '--%s=[", name);
    put_escaped(out, help);
    fputs("]:", out);
    put_escaped(out, shown);
    fputc(':', out);
    put_action(out, offer, shown, words);
    fputs("'\n", out);
}

static void put_flag(FILE *out, const struct arg_flag *flag)
{
    if (strcmp(flag->name, "KEY") == 0) {
        fputs("    $_ringback_options\n", out);
        return;
    }
    if (flag->type != ARG_SWITCH) {
        put_option(out, flag->name, flag->help, flag->shown,
                   flag->type == ARG_CHOICE ? ARG_OFFER_WORDS : flag->offer, flag->choices);
        return;
    }
    if (flag->value != NULL && *(bool *)flag->value) {
        fprintf(out, "    '--no-%s[not\\: ", flag->name);
        put_escaped(out, flag->help);
        fputs("]'\n", out);
    }
    fprintf(out, "    '--%s[", flag->name);
    put_escaped(out, flag->help);
    fputs("]'\n", out);
}

static void put_argument(FILE *out, const char *positional, int max, enum arg_offer offer,
                         const char *words)
{
    if (positional == NULL || max == 0)
        return;
    fputs("    '*:", out);
    put_escaped(out, positional);
    fputc(':', out);
    put_action(out, offer, NULL, words);
    fputs("'\n", out);
}

static void put_flags(FILE *out, const struct args_spec *spec, const struct arg_task *task)
{
    const struct arg_flag *flag;
    struct args_walk walk;

    args_walk_init(&walk, spec, task);
    while ((flag = args_walk_next(&walk)) != NULL)
        put_flag(out, flag);
}

static void put_task(FILE *out, const struct command *command, const struct args_spec *spec,
                     const struct arg_task *task)
{
    fprintf(out, "\n_ringback_%s_%s() {\n  local -a spec=(\n", command->name, task->name);
    put_flags(out, spec, task);
    put_argument(out, task->positional, task->positional_max, task->offer, task->words);
    fputs("  )\n  _arguments -S \"${spec[@]}\"\n}\n", out);
}

static void put_tasks(FILE *out, const struct command *command, const struct args_spec *spec)
{
    fputs("  local -a tasks=(\n", out);
    for (const struct arg_task *task = spec->tasks; task->name != NULL; task++) {
        fprintf(out, "    '%s:", task->name);
        put_escaped(out, task->help);
        fputs("'\n", out);
    }
    fprintf(out,
            "  )\n"
            "  _arguments -C -A '-*' \"${spec[@]}\" '1:task:->task' '*::argument:->rest'\n"
            "  case $state in\n"
            "  task) _describe -t tasks task tasks ;;\n"
            "  rest) (( $+functions[_ringback_%s_$words[1]] )) && _ringback_%s_$words[1] ;;\n"
            "  esac\n",
            command->name, command->name);
}

static void put_command(void *user, const struct command *command, const struct args_spec *spec)
{
    FILE *out = user;
    bool of = false;

    for (const struct arg_task *task = spec->tasks; task != NULL && task->name != NULL; task++)
        put_task(out, command, spec, task);
    fprintf(out,
            "\n_ringback_%s() {\n"
            "  local curcontext=\"$curcontext\" state line\n"
            "  local -a spec=(\n",
            command->name);
    for (const struct arg_flag *flag = spec->flags; flag != NULL && flag->type != ARG_END; flag++) {
        of = of || flag->type == ARG_OF;
        if (of && flag->type != ARG_OF)
            put_flag(out, flag);
    }
    put_flags(out, spec, NULL);
    if (spec->tasks == NULL)
        put_argument(out, spec->positional, spec->positional_max, spec->offer, spec->words);
    fputs("  )\n", out);
    if (spec->tasks == NULL)
        fputs("  _arguments -S \"${spec[@]}\"\n", out);
    else
        put_tasks(out, command, spec);
    fputs("}\n", out);
}

static void put_options(FILE *out)
{
    fputs("typeset -ga _ringback_options=(\n", out);
    for (int i = 0; i < OPTION_COUNT; i++) {
        const char *words = manual_option_words(&option_rows[i]);

        put_option(out, option_rows[i].key, option_rows[i].help, "VALUE",
                   words == NULL ? ARG_OFFER_NOTHING : ARG_OFFER_WORDS, words);
    }
    for (const struct manual_kafka *row = manual_kafka_keys; row->key != NULL; row++)
        put_option(out, row->key, row->help, "VALUE", row->offer, row->choices);
    fputs(")\n", out);
}

void completion_print_zsh(const struct command_context *context)
{
    FILE *out = context->out;

    fputs("#compdef ringback\n# Completion of ringback for zsh; made by `ringback completion "
          "zsh`.\n\n",
          out);
    put_options(out);
    fputs("\n_ringback_commands() {\n  local -a commands=(\n", out);
    for (const struct command *command = context->table; command->name != NULL; command++) {
        fprintf(out, "    '%s:", command->name);
        put_escaped(out, command->help);
        fputs("'\n", out);
    }
    fputs("  )\n  _describe -t commands command commands\n}\n", out);
    manual_each(context, put_command, out);
    fputs("\n_ringback() {\n"
          "  local curcontext=\"$curcontext\" state line\n"
          "  _arguments -C -A '-*' '--help[what there is]' '--version[which it is]' \\\n"
          "    '--color=[colours]:when:(auto always never)' \\\n"
          "    '1:command:_ringback_commands' '*::argument:->rest'\n"
          "  case $state in\n"
          "  rest) (( $+functions[_ringback_$words[1]] )) && _ringback_$words[1] ;;\n"
          "  esac\n"
          "}\n\n"
          "if [ \"$funcstack[1]\" = _ringback ]; then\n"
          "  _ringback \"$@\"\n"
          "else\n"
          "  compdef _ringback ringback\n"
          "fi\n",
          out);
}
