/* Command lines of subcommands, declared as a table: the flags are read from it and --help is
 * printed from it. Flags are long: `--name value`, `--name=value`, a switch `--name` (or
 * `--no-name`); "--" ends them. --help is always there, --json where the spec says so. */
#ifndef RINGBACK_DAEMON_ARGS_H
#define RINGBACK_DAEMON_ARGS_H

#include <stdint.h>

#include "daemon/command.h"
#include "daemon/value.h"

enum arg_type {
    ARG_END,
    ARG_SWITCH,
    ARG_TEXT,
    ARG_INT,
    ARG_DOUBLE,
    ARG_DURATION,
    ARG_SIZE,
    ARG_RATE,
    ARG_CHOICE
};

/* value points to the caller's variable, which holds the default beforehand (NULL text: none) and
 * has the type named at the macros below. Make tables with those macros, ARGS_END last. */
struct arg_flag {
    enum arg_type type;
    const char *name;  /* without dashes */
    const char *shown; /* what --help calls the value: FILE */
    void *value;
    int64_t min;
    int64_t max;
    double low;
    double high;
    const char *choices; /* "a|b|c" */
    const char *help;
};

#define ARGS_SWITCH(name_, value_, help_)                                                          \
    {                                                                                              \
        .type = ARG_SWITCH, .name = (name_), .value = (bool *){(value_)}, .help = (help_)          \
    }
#define ARGS_TEXT(name_, shown_, value_, help_)                                                    \
    {                                                                                              \
        .type = ARG_TEXT, .name = (name_), .shown = (shown_), .value = (const char **){(value_)},  \
        .help = (help_)                                                                            \
    }
#define ARGS_INT_(type_, name_, shown_, value_, min_, max_, help_)                                 \
    {                                                                                              \
        .type = (type_), .name = (name_), .shown = (shown_), .value = (int64_t *){(value_)},       \
        .min = (min_), .max = (max_), .help = (help_)                                              \
    }
/* int64_t: a number; milliseconds; bytes. */
#define ARGS_INT(...)      ARGS_INT_(ARG_INT, __VA_ARGS__)
#define ARGS_DURATION(...) ARGS_INT_(ARG_DURATION, __VA_ARGS__)
#define ARGS_SIZE(...)     ARGS_INT_(ARG_SIZE, __VA_ARGS__)
#define ARGS_DOUBLE(name_, shown_, value_, low_, high_, help_)                                     \
    {                                                                                              \
        .type = ARG_DOUBLE, .name = (name_), .shown = (shown_), .value = (double *){(value_)},     \
        .low = (low_), .high = (high_), .help = (help_)                                            \
    }
#define ARGS_RATE(name_, shown_, value_, help_)                                                    \
    {                                                                                              \
        .type = ARG_RATE, .name = (name_), .shown = (shown_),                                      \
        .value = (struct value_rate *){(value_)}, .help = (help_)                                  \
    }
/* int: which of "a|b|c", from 0. */
#define ARGS_CHOICE(name_, choices_, value_, help_)                                                \
    {                                                                                              \
        .type = ARG_CHOICE, .name = (name_), .shown = (choices_), .value = (int *){(value_)},      \
        .choices = (choices_), .help = (help_)                                                     \
    }
#define ARGS_END                                                                                   \
    {                                                                                              \
        .type = ARG_END                                                                            \
    }

struct args_spec {
    const char *positional;       /* for the usage line: "CALLS.csv"; NULL: none */
    const char *text;             /* for --help: what the command does; lines end in \n */
    const struct arg_flag *flags; /* NULL: none */
    int positional_min;
    int positional_max;
    bool json;    /* takes --json (context->json) */
    bool options; /* takes --config FILE and every option of the daemon as --KEY=VALUE */
};

/* The positional arguments; borrowed from argv. */
struct args {
    int count;
    char **values;
};

/* Reads argv[1..] and reorders it so that args->values are in one run. Commands begin with
 * `TRY(args_parse(...))`: after --help the answer is ERR_END with context->help_shown, which
 * command_run takes for success. Error: ERR_USAGE, naming the flag, its value, why, what is
 * allowed. */
MUST_CHECK enum err args_parse(const struct args_spec *spec, struct command_context *context,
                               int argc, char **argv, struct args *args, struct err_note *note);

/* For commands of several tasks (`queues apply`): which of tasks, ended by NULL, the word is, from
 * 0. Error: ERR_USAGE, with the nearest. */
MUST_CHECK enum err args_task(const char *word, const char *const *tasks, int *task,
                              struct err_note *note);

void args_print_help(const struct args_spec *spec, const struct command *command, FILE *out);

#endif
