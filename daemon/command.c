#include "daemon/command.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "base/near.h"
#include "base/version.h"

const struct command commands[] = {
#define X(name, group, help) {#name, COMMAND_##group, help, cmd_##name},
#include "daemon/command_list.h"
#undef X
    {NULL, COMMAND_LIVE, NULL, NULL},
};

static const char *const group_titles[COMMAND_GROUP_COUNT] = {
#define TITLE_(name, title) [COMMAND_##name] = title,
    COMMAND_GROUP_MAP(TITLE_)
#undef TITLE_
};

static atomic_bool stopped;

static void on_stop_signal(int number)
{
    (void)number;
    atomic_store(&stopped, true);
}

void command_catch_signals(void)
{
    struct sigaction stop = {.sa_handler = on_stop_signal, .sa_flags = (int)SA_RESETHAND};
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    sigemptyset(&stop.sa_mask);
    sigemptyset(&ignore.sa_mask);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

bool command_stopped(void)
{
    return atomic_load_explicit(&stopped, memory_order_relaxed);
}

enum exit_code command_exit_code(enum err err)
{
    if (err == ERR_OK)
        return EXIT_CODE_OK;
    if (err == ERR_USAGE || err == ERR_BAD_OPTION)
        return EXIT_CODE_USAGE;
    if (err == ERR_DIFFERENT)
        return EXIT_CODE_DIFFERENT;
    return err == ERR_CANCELLED ? EXIT_CODE_INTERRUPTED : EXIT_CODE_FAILED;
}

static void print_group(FILE *out, const struct command *table, enum command_group group)
{
    bool titled = false;

    for (const struct command *command = table; command->name != NULL; command++) {
        if (command->group != group)
            continue;
        if (!titled)
            fprintf(out, "\n%s:\n", group_titles[group]);
        titled = true;
        fprintf(out, "  %-11s %s\n", command->name, command->help);
    }
}

static void print_help(FILE *out, const struct command *table)
{
    fputs("Ringback " RINGBACK_VERSION ": callbacks of a call centre, from promise to end,"
          " on Kafka and Redis.\n\n"
          "usage: ringback COMMAND [OPTIONS]\n"
          "       ringback COMMAND --help\n"
          "       ringback --version\n",
          out);
    for (int group = 0; group < COMMAND_GROUP_COUNT; group++)
        print_group(out, table, (enum command_group)group);
    fputs("\nExit codes:\n"
          "  0    done\n"
          "  1    failed; the reason is on standard error\n"
          "  2    wrong command line, option or configuration file\n"
          "  3    done, and differences were found\n"
          "  130  interrupted\n",
          out);
}

static void print_error(const struct command_context *context, enum err err,
                        const struct err_note *note)
{
    const char *name = context->command == NULL ? "" : context->command->name;
    const char *text = note->text[0] != '\0' ? note->text : err_text(err);
    const char *red = context->colour ? "\033[1;31m" : "";
    const char *plain = context->colour ? "\033[0m" : "";

    if (note->text[0] == '\0' && (err == ERR_DIFFERENT || err == ERR_CANCELLED))
        return;
    fprintf(context->err, "ringback%s%s: %s%s%s\n", name[0] == '\0' ? "" : " ", name, red, text,
            plain);
    if (err == ERR_USAGE)
        fprintf(context->err, "Try `ringback%s%s --help`.\n", name[0] == '\0' ? "" : " ", name);
}

static enum err unknown_command(const struct command *table, const char *name,
                                struct err_note *note)
{
    struct near near;
    char hint[200];

    near_init(&near, name);
    for (const struct command *command = table; command->name != NULL; command++)
        near_offer(&near, command->name);
    return FAIL(note, ERR_USAGE, "unknown %s \"%s\"%s", name[0] == '-' ? "option" : "command", name,
                near_hint(&near, "", hint, sizeof(hint)));
}

static const struct command *find_command(const struct command *table, const char *name)
{
    for (; table->name != NULL; table++) {
        if (strcmp(table->name, name) == 0)
            return table;
    }
    return NULL;
}

static enum err dispatch(struct command_context *context, const struct command *table, int argc,
                         char **argv, struct err_note *note)
{
    const char *first = argc > 1 ? argv[1] : NULL;
    enum err err;

    if (first == NULL) {
        print_help(context->err, table);
        return FAIL(note, ERR_USAGE, "no command given");
    }
    if (strcmp(first, "--version") == 0) {
        fputs("ringback " RINGBACK_VERSION "\n", context->out);
        return ERR_OK;
    }
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 ||
        (strcmp(first, "help") == 0 && argc == 2)) {
        print_help(context->out, table);
        return ERR_OK;
    }
    if (strcmp(first, "help") == 0) {
        char help[] = "--help";
        char *again[] = {argv[0], argv[2], help, NULL};

        return dispatch(context, table, 3, again, note);
    }
    context->command = find_command(table, first);
    if (context->command == NULL)
        return unknown_command(table, first, note);
    err = context->command->main(context, argc - 1, argv + 1, note);
    return err == ERR_END && context->help_shown ? ERR_OK : err;
}

int command_run(struct command_context *context, const struct command *table, int argc, char **argv)
{
    struct err_note note = {.err = ERR_OK};
    enum err err = dispatch(context, table, argc, argv, &note);

    if ((fflush(context->out) != 0 || ferror(context->out)) && err == ERR_OK)
        err = FAIL(&note, ERR_IO, "standard output cannot be written: %s", strerror(errno));
    if (err != ERR_OK)
        print_error(context, err, &note);
    return command_exit_code(err);
}

void command_option_first(struct command_context *context, const char *key, const char *value)
{
    if (context->option_count == command_options_max)
        return;
    memmove(&context->options[1], &context->options[0],
            (size_t)context->option_count * sizeof(context->options[0]));
    context->options[0] = (struct command_option){key, strlen(key), value};
    context->option_count++;
}

enum err command_option_last(struct command_context *context, const char *key, const char *value,
                             struct err_note *note)
{
    if (context->option_count == command_options_max)
        return FAIL(note, ERR_USAGE, "too many options");
    context->options[context->option_count++] = (struct command_option){key, strlen(key), value};
    return ERR_OK;
}
