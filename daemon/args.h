/* Command lines of subcommands, declared as a table: the flags are read from it, and --help, the
 * manual pages, docs/cli.md and the completion of bash and zsh are made from it (manual.h). Flags
 * are long: `--name value`, `--name=value`, a switch `--name` (or `--no-name`); "--" ends them.
 * --help and --color are always there, --json where the spec says so. */
#ifndef RINGBACK_DAEMON_ARGS_H
#define RINGBACK_DAEMON_ARGS_H

#include <stdint.h>

#include "daemon/command.h"
#include "daemon/value.h"

enum arg_type {
    ARG_END,
    ARG_OF, /* no flag: those behind it belong to the tasks that it names */
    ARG_SWITCH,
    ARG_TEXT,
    ARG_INT,
    ARG_DOUBLE,
    ARG_DURATION,
    ARG_SIZE,
    ARG_RATE,
    ARG_CHOICE
};

/* What completion offers. Nothing of it is checked; the values of ARGS_CHOICE are. */
enum arg_offer { ARG_OFFER_NOTHING, ARG_OFFER_FILES, ARG_OFFER_WORDS, ARG_OFFER_COMMANDS };

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
    const char *choices; /* "a|b|c": all that there are, or for a text those known */
    enum arg_offer offer;
    const char *help;
};

/* ARGS_OF("apply"), ARGS_OF("list|show"): the flags that follow, up to the next ARGS_OF, belong to
 * these tasks. Those before the first belong to all. */
#define ARGS_OF(tasks_)                                                                            \
    {                                                                                              \
        .type = ARG_OF, .name = (tasks_)                                                           \
    }

#define ARGS_SWITCH(name_, value_, help_)                                                          \
    {                                                                                              \
        .type = ARG_SWITCH, .name = (name_), .value = (bool *){(value_)}, .help = (help_)          \
    }
#define ARGS_TEXT(name_, shown_, value_, help_)                                                    \
    {                                                                                              \
        .type = ARG_TEXT, .name = (name_), .shown = (shown_), .value = (const char **){(value_)},  \
        .help = (help_)                                                                            \
    }
/* A text that names a file; a text with words known, "a|b|c", of which it may be a list. */
#define ARGS_FILE(name_, shown_, value_, help_)                                                    \
    {                                                                                              \
        .type = ARG_TEXT, .name = (name_), .shown = (shown_), .value = (const char **){(value_)},  \
        .offer = ARG_OFFER_FILES, .help = (help_)                                                  \
    }
#define ARGS_WORDS(name_, shown_, words_, value_, help_)                                           \
    {                                                                                              \
        .type = ARG_TEXT, .name = (name_), .shown = (shown_), .value = (const char **){(value_)},  \
        .choices = (words_), .offer = ARG_OFFER_WORDS, .help = (help_)                             \
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

/* Short names of topics, for ARGS_WORDS. */
#define TOPIC_WORDS                                                                                \
    "settings|interactions|presence|flows|commands|routing|analytics|results|state|journal"

/* How --json prints. */
enum arg_json {
    ARGS_JSON_NONE, /* there is none */
    ARGS_JSON,      /* one document, also when it fails: an object with `error` then */
    ARGS_JSON_LINES /* an object a line as they come; nothing when it fails */
};

/* One of the tasks of a command that has several: `queues apply`. Its arguments as the spec's. */
struct arg_task {
    const char *name;
    const char *help; /* a line: "Check the file without any server" */
    const char *text; /* more of it, before the spec's; NULL: nothing */
    const char *positional;
    int positional_min;
    int positional_max;
    enum arg_offer offer;
    const char *words;
    enum arg_json json;
};

/* What an exit code means here: only of codes of which docs/cli.md says too little. */
struct arg_exit {
    int code;
    const char *when; /* "they differ" */
};

/* line is what follows `ringback`: "queues lint settings.yaml". */
struct arg_example {
    const char *line;
    const char *does;
};

/* In texts a line that begins with a blank is printed as it stands; others are prose in
 * paragraphs, cut by empty lines, `code` in backticks. Arrays end with an element of NULLs. */
struct args_spec {
    const char *positional;       /* for the usage line: "CALLS.csv"; NULL: none */
    const char *text;             /* for --help: what the command does; lines end in \n */
    const struct arg_flag *flags; /* NULL: none */
    const struct arg_task *tasks; /* NULL: none. Then positional and json are theirs */
    const struct arg_exit *exits;
    const struct arg_example *examples;
    int positional_min;
    int positional_max;
    enum arg_offer offer; /* for the positional arguments */
    const char *words;    /* "a|b|c", of ARG_OFFER_WORDS */
    enum arg_json json;   /* --json sets context->json */
    bool options;         /* takes --config FILE and every option of the daemon as --KEY=VALUE */
};

/* The positional arguments, without the task's name; borrowed from argv. */
struct args {
    int count;
    char **values;
    int task; /* which of spec->tasks; -1: the spec has none */
};

/* Reads argv[1..] and reorders it so that args->values are in one run. Commands begin with
 * `TRY(args_parse(...))`: after --help the answer is ERR_END with context->help_shown, which
 * command_run takes for success; so it is when the spec is only asked for (context->describe).
 * Error: ERR_USAGE, naming the flag, its value, why, what is allowed. */
MUST_CHECK enum err args_parse(const struct args_spec *spec, struct command_context *context,
                               int argc, char **argv, struct args *args, struct err_note *note);

/* --- for what is made from the tables --- */

/* Whether the word is one of "a|b|c". */
bool args_is_one_of(const char *words, const char *word);

/* The flags that `ringback COMMAND TASK` takes, one after the other, with those that every command
 * has: what --help lists. task NULL: those that belong to all tasks. */
struct args_walk {
    const struct args_spec *spec;
    const struct arg_task *task;
    int at;       /* in spec->flags */
    int common;   /* in those that every command has */
    bool belongs; /* what the last ARGS_OF says */
};

void args_walk_init(struct args_walk *walk, const struct args_spec *spec,
                    const struct arg_task *task);
const struct arg_flag *args_walk_next(struct args_walk *walk);

enum arg_json args_json(const struct args_spec *spec, const struct arg_task *task);

/* The flag's default as --help says it: "30s", "on"; "" when there is none. Returns text. */
const char *args_default(const struct arg_flag *flag, char *text, size_t size);

/* Whether single tasks have flags of their own. */
bool args_tasks_differ(const struct args_spec *spec);

/* Whether the example is one of this task; of NULL all are. */
bool args_example_of(const struct arg_example *example, const struct arg_task *task);

void args_print_help(const struct args_spec *spec, const struct arg_task *task,
                     const struct command_context *context);

#endif
