#include "daemon/command.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/near.h"
#include "base/version.h"
#include "daemon/args.h"
#include "daemon/terminal.h"

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
    if (err == ERR_DIFFERENT || err == ERR_REFUSED)
        return EXIT_CODE_DIFFERENT;
    if (err == ERR_BUS_DOWN || err == ERR_STORE_DOWN)
        return EXIT_CODE_UNREACHABLE;
    return err == ERR_CANCELLED ? EXIT_CODE_INTERRUPTED : EXIT_CODE_FAILED;
}

void command_colour(struct command_context *context, enum command_colour colour)
{
    bool always = colour == COMMAND_COLOUR_ALWAYS;
    bool may = colour == COMMAND_COLOUR_AUTO && !context->plain;

    context->out_colour = always || (may && context->out_terminal);
    context->err_colour = always || (may && context->err_terminal);
}

void command_print_json(struct command_context *context, json_t *json)
{
    context->json_printed = true;
    (void)json_dumpf(json, context->out, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    (void)fputc('\n', context->out);
    json_decref(json);
}

static void print_group(const struct command_context *context, enum command_group group)
{
    bool titled = false;

    for (const struct command *command = context->table; command->name != NULL; command++) {
        if (command->group != group)
            continue;
        if (!titled)
            fprintf(context->out, "\n%s%s:%s\n", terminal_tint(context->out_colour, TINT_BOLD),
                    group_titles[group], terminal_tint(context->out_colour, TINT_PLAIN));
        titled = true;
        fprintf(context->out, "  %-11s %s\n", command->name, command->help);
    }
}

void command_print_help(const struct command_context *context)
{
    FILE *out = context->out;

    fputs("Ringback " RINGBACK_VERSION ": " COMMAND_ABOUT ".\n\n"
          "usage: ringback COMMAND [OPTIONS]\n"
          "       ringback COMMAND --help\n"
          "       ringback --version\n",
          out);
    for (int group = 0; group < COMMAND_GROUP_COUNT; group++)
        print_group(context, (enum command_group)group);
    fprintf(out, "\n%sExit codes:%s\n", terminal_tint(context->out_colour, TINT_BOLD),
            terminal_tint(context->out_colour, TINT_PLAIN));
#define EXIT_CODE_LINE_(name, code, when) fprintf(out, "  %-4d %s\n", code, when);
    EXIT_CODE_MAP(EXIT_CODE_LINE_)
#undef EXIT_CODE_LINE_
}

/* Before the options are loaded only flag and environment can tell. */
static bool errors_as_json(const struct command_context *context)
{
    const char *variable = getenv("RINGBACK_LOG_FORMAT");

    for (int i = context->option_count - 1; i >= 0; i--) {
        const struct command_option *option = &context->options[i];

        if (option->key_size == strlen("log.format") &&
            memcmp(option->key, "log.format", option->key_size) == 0)
            return strcmp(option->value, "json") == 0;
    }
    return context->log_json || (variable != NULL && strcmp(variable, "json") == 0);
}

static void print_error_line(const struct command_context *context, enum err err, const char *text)
{
    const char *name = context->command == NULL ? "" : context->command->name;
    char line[log_line_bytes_max];
    const struct log_field fields[] = {
        LOG_TEXT("command", name),
        LOG_TEXT("err", err_name(err)),
        LOG_TEXT("error", text),
        LOG_INT("exit", (int)command_exit_code(err)),
        LOG_END_,
    };
    size_t size =
        log_format_line(line, true, clock_wall_ms(), LOG_LEVEL_ERROR, "command failed", fields);

    fwrite(line, 1, size, context->err);
}

static void print_error(const struct command_context *context, enum err err,
                        const struct err_note *note)
{
    const char *name = context->command == NULL ? "" : context->command->name;
    const char *text = note->text[0] != '\0' ? note->text : err_text(err);

    if (note->text[0] == '\0' && (err == ERR_DIFFERENT || err == ERR_CANCELLED))
        return;
    if (errors_as_json(context)) {
        print_error_line(context, err, text);
        return;
    }
    fprintf(context->err, "ringback%s%s: %s%s%s\n", name[0] == '\0' ? "" : " ", name,
            terminal_tint(context->err_colour, TINT_BAD), text,
            terminal_tint(context->err_colour, TINT_PLAIN));
    if (err == ERR_USAGE)
        fprintf(context->err, "Try `ringback%s%s --help`.\n", name[0] == '\0' ? "" : " ", name);
}

/* What reads --json has a document in every case, unless it reads lines. */
static void print_json_error(struct command_context *context, enum err err,
                             const struct err_note *note)
{
    const char *text = note->text[0] != '\0' ? note->text : err_text(err);
    json_t *json = json_pack("{s:{s:s, s:s%, s:i}}", "error", "err", err_name(err), "text", text,
                             strlen(text), "exit", (int)command_exit_code(err));

    if (context->json && !context->json_lines && !context->json_printed && json != NULL)
        command_print_json(context, json_incref(json));
    json_decref(json);
}

enum err command_find(struct command_context *context, const char *name, struct err_note *note)
{
    static const char *const flags[] = {"help", "version", "color"};
    bool is_flag = strncmp(name, "--", 2) == 0;
    struct near near;
    char hint[200];

    near_init(&near, is_flag ? name + 2 : name);
    for (size_t i = 0; is_flag && i < sizeof(flags) / sizeof(flags[0]); i++)
        near_offer(&near, flags[i]);
    for (const struct command *command = context->table; command->name != NULL; command++) {
        if (strcmp(command->name, name) == 0) {
            context->command = command;
            return ERR_OK;
        }
        if (!is_flag)
            near_offer(&near, command->name);
    }
    return FAIL(note, ERR_USAGE, "unknown %s \"%s\"%s", name[0] == '-' ? "option" : "command", name,
                near_hint(&near, is_flag ? "--" : "", hint, sizeof(hint)));
}

/* --color may stand before the command, too. Returns how many words it took. */
static int read_colour(struct command_context *context, int argc, char **argv,
                       struct err_note *note)
{
    bool joined = argc > 1 && strncmp(argv[1], "--color=", 8) == 0;
    int colour;

    if (!joined && (argc < 3 || strcmp(argv[1], "--color") != 0))
        return 0;
    if (value_choice(joined ? argv[1] + 8 : argv[2], "auto|always|never", &colour, note) !=
        ERR_OK) {
        (void)err_prefix(note, "--color: ");
        return -1;
    }
    command_colour(context, (enum command_colour)colour);
    return joined ? 1 : 2;
}

static enum err dispatch(struct command_context *context, int argc, char **argv,
                         struct err_note *note)
{
    int taken = read_colour(context, argc, argv, note);
    const char *first = taken >= 0 && argc > 1 + taken ? argv[1 + taken] : NULL;
    enum err err;

    if (taken < 0)
        return note->err = ERR_USAGE;
    if (first == NULL) {
        struct command_context other = *context;

        other.out = context->err;
        other.out_colour = context->err_colour;
        command_print_help(&other);
        return FAIL(note, ERR_USAGE, "no command given");
    }
    if (strcmp(first, "--version") == 0) {
        fputs("ringback " RINGBACK_VERSION "\n", context->out);
        return ERR_OK;
    }
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
        command_print_help(context);
        return ERR_OK;
    }
    TRY(command_find(context, first, note));
    err = context->command->main(context, argc - 1 - taken, argv + 1 + taken, note);
    return err == ERR_END && context->help_shown ? ERR_OK : err;
}

/* `ringback decode LOG | head` is no error: as if the signal had ended it. */
static bool reader_gone(const struct command_context *context)
{
    struct pollfd poll_out = {.fd = fileno(context->out), .events = POLLOUT};

    return ferror(context->out) && poll_out.fd >= 0 && poll(&poll_out, 1, 0) == 1 &&
           (poll_out.revents & POLLERR) != 0;
}

int command_run(struct command_context *context, const struct command *table, int argc, char **argv)
{
    struct err_note note = {.err = ERR_OK};
    enum err err;

    context->table = table;
    err = dispatch(context, argc, argv, &note);
    if (err != ERR_OK)
        print_json_error(context, err, &note);
    if ((fflush(context->out) != 0 || ferror(context->out)) && err == ERR_OK)
        err = FAIL(&note, ERR_IO, "standard output cannot be written: %s", strerror(errno));
    if (reader_gone(context) && (err == ERR_IO || err == ERR_DIFFERENT))
        return EXIT_CODE_PIPE;
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
