/* The subcommands of ringback: their table, what each is given, and how an error becomes an exit
 * code. A command writes results to context->out, progress and warnings to context->err, and
 * returns its error; only main.c prints errors and exits. */
#ifndef RINGBACK_DAEMON_COMMAND_H
#define RINGBACK_DAEMON_COMMAND_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

#define COMMAND_GROUP_MAP(X)                                                                       \
    X(LIVE, "Live, on Kafka and Redis")                                                            \
    X(FILES, "On files alone")                                                                     \
    X(LOGS, "Topic logs")                                                                          \
    X(OPERATE, "Operation")                                                                        \
    X(HELP, "Help")

#define COMMAND_GROUP_ENUM_(name, title) COMMAND_##name,
enum command_group { COMMAND_GROUP_MAP(COMMAND_GROUP_ENUM_) COMMAND_GROUP_COUNT };
#undef COMMAND_GROUP_ENUM_

#define COMMAND_ABOUT "callbacks of a call centre, from promise to end, on Kafka and Redis"

/* X(name, code, "when"): what `ringback --help`, the manual page and docs/cli.md say. */
#define EXIT_CODE_MAP(X)                                                                           \
    X(OK, 0, "done, and the answer is yes: equal, nothing wrong")                                  \
    X(FAILED, 1, "failed; the reason is on standard error")                                        \
    X(USAGE, 2, "wrong command line, option or configuration file")                                \
    X(DIFFERENT, 3, "done, and the answer is no: differences or faults were found")                \
    X(UNREACHABLE, 4, "Kafka or Redis cannot be reached or gave no answer in time: try again")     \
    X(INTERRUPTED, 130, "interrupted")                                                             \
    X(PIPE, 141, "whoever read the output has gone, as `head` does")

#define EXIT_CODE_ENUM_(name, code, when) EXIT_CODE_##name = (code),
enum exit_code { EXIT_CODE_MAP(EXIT_CODE_ENUM_) };
#undef EXIT_CODE_ENUM_

/* --color: on a terminal alone (NO_COLOR unset, TERM not dumb), always, never. */
enum command_colour { COMMAND_COLOUR_AUTO, COMMAND_COLOUR_ALWAYS, COMMAND_COLOUR_NEVER };

/* One option of the daemon given as a flag (--redis.url=...): borrowed from argv. */
struct command_option {
    const char *key; /* not terminated at the '=': key_size counts */
    size_t key_size;
    const char *value;
};

enum { command_options_max = 256, command_configs_max = 4 };

struct args_spec;
struct command;

struct command_context {
    const struct command *table; /* all commands */
    const struct command *command;
    FILE *out;         /* results */
    FILE *err;         /* progress, warnings */
    bool out_terminal; /* out is a terminal: tables are cut to its width */
    bool err_terminal; /* err is a terminal: progress may be drawn */
    bool plain;        /* no colours unless --color=always (NO_COLOR, TERM=dumb) */
    bool out_colour;
    bool err_colour;
    int out_columns; /* width of the terminal that out is; 0: it is none */
    /* Set: args_parse only shows the spec. */
    void (*describe)(void *user, const struct command *command, const struct args_spec *spec);
    void *describe_user;
    /* set by args_parse */
    bool json;         /* --json was given */
    bool json_lines;   /* and prints lines */
    bool json_printed; /* by command_print_json: nothing more may follow */
    bool log_json;     /* errors are one JSON line: log.format=json (options_load) */
    bool help_shown;   /* --help was given: the command has nothing more to do */
    const char *config_paths[command_configs_max]; /* --config FILE, as often as given */
    int config_count;
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

/* Makes it context->command. Error: ERR_USAGE, with the nearest. */
MUST_CHECK enum err command_find(struct command_context *context, const char *name,
                                 struct err_note *note);

/* `ringback --help`. */
void command_print_help(const struct command_context *context);

/* The one JSON document of --json, indented; takes json. That it cannot be written is found by
 * command_run. */
void command_print_json(struct command_context *context, json_t *json);

/* Decides out_colour and err_colour. */
void command_colour(struct command_context *context, enum command_colour colour);

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
