/* The subcommands of ringback: their table, what each is given, and how an error becomes an exit
 * code. A command writes results to context->out, progress and warnings to context->err, and
 * returns its error; only main.c prints errors and exits. */
#ifndef RINGBACK_DAEMON_COMMAND_H
#define RINGBACK_DAEMON_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

#define COMMAND_GROUP_MAP(X)                                                                       \
    X(LIVE, "Live, on Kafka and Redis")                                                            \
    X(FILES, "On files alone")                                                                     \
    X(LOGS, "Topic logs")                                                                          \
    X(OPERATE, "Operation")

#define COMMAND_GROUP_ENUM_(name, title) COMMAND_##name,
enum command_group { COMMAND_GROUP_MAP(COMMAND_GROUP_ENUM_) COMMAND_GROUP_COUNT };
#undef COMMAND_GROUP_ENUM_

/* What `ringback --help` documents. */
enum exit_code {
    EXIT_CODE_OK = 0,
    EXIT_CODE_FAILED = 1,
    EXIT_CODE_USAGE = 2,        /* ERR_USAGE, ERR_BAD_OPTION */
    EXIT_CODE_DIFFERENT = 3,    /* ERR_DIFFERENT */
    EXIT_CODE_INTERRUPTED = 130 /* ERR_CANCELLED */
};

/* One option of the daemon given as a flag (--redis.url=...): borrowed from argv. */
struct command_option {
    const char *key; /* not terminated at the '=': key_size counts */
    size_t key_size;
    const char *value;
};

enum { command_options_max = 256 };

struct command_context {
    const struct command *command;
    FILE *out;         /* results */
    FILE *err;         /* progress, warnings */
    bool out_terminal; /* out is a terminal: tables may be wide, coloured */
    bool err_terminal; /* err is a terminal: progress may be drawn */
    bool colour;       /* err may be coloured (a terminal, NO_COLOR unset, TERM not dumb) */
    /* set by args_parse */
    bool json;               /* --json was given */
    bool help_shown;         /* --help was given: the command has nothing more to do */
    const char *config_path; /* --config FILE; NULL: not given */
    struct command_option options[command_options_max];
    int option_count;
};

/* argv[0] is the command's name; args_parse (args.h) reads the rest. ERR_DIFFERENT and
 * ERR_CANCELLED may leave the note's text empty: then nothing is printed. */
struct command {
    const char *name;
    enum command_group group;
    const char *help;
    enum err (*main)(struct command_context *context, int argc, char **argv, struct err_note *note);
};

#define X(name, group, help)                                                                       \
    enum err cmd_##name(struct command_context *context, int argc, char **argv,                    \
                        struct err_note *note);
#include "daemon/command_list.h"
#undef X

/* All commands, ended by one whose name is NULL. */
extern const struct command commands[];

/* Runs the whole program: reads argv, prints help, results and errors, returns the exit code. */
int command_run(struct command_context *context, const struct command *table, int argc,
                char **argv);

enum exit_code command_exit_code(enum err err);

/* For commands that set options of the daemon themselves. As if given first on the command line:
 * what the user gives wins. */
void command_option_first(struct command_context *context, const char *key, const char *value);
/* As if given last: it wins. Errors: ERR_USAGE. */
MUST_CHECK enum err command_option_last(struct command_context *context, const char *key,
                                        const char *value, struct err_note *note);

/* For commands that run long: SIGINT and SIGTERM only make command_stopped() true (the second one
 * kills, as ever) and SIGPIPE is ignored. A command that stops so returns ERR_CANCELLED, unless
 * stopping is its normal end (run). */
void command_catch_signals(void);
bool command_stopped(void);

#endif
