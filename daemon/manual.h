/* What is made from the tables of commands, flags and options besides --help: manual pages,
 * docs/cli.md, the same as JSON, and the completion of bash and zsh. */
#ifndef RINGBACK_DAEMON_MANUAL_H
#define RINGBACK_DAEMON_MANUAL_H

#include "daemon/args.h"
#include "daemon/options.h"

/* Calls on_command for every command, in the order of the list; the spec lives during the call. */
void manual_each(const struct command_context *context,
                 void (*on_command)(void *user, const struct command *command,
                                    const struct args_spec *spec),
                 void *user);

/* Pages: ringback.1, ringback-COMMAND.1 and ringback.yaml.5, in mdoc; names without "ringback-" and
 * section are known too. Error: ERR_USAGE, with the nearest. */
MUST_CHECK enum err manual_print_page(const struct command_context *context, const char *page,
                                      struct err_note *note);
void manual_print_list(const struct command_context *context); /* the names of all, one a line */
void manual_print_markdown(const struct command_context *context);
void manual_print_json(struct command_context *context);

void completion_print_bash(const struct command_context *context);
void completion_print_zsh(const struct command_context *context);

/* Settings of librdkafka that nearly everybody needs: for completion; others are taken too. */
struct manual_kafka {
    const char *key; /* "kafka.bootstrap.servers" */
    const char *choices;
    enum arg_offer offer;
    const char *help;
};

extern const struct manual_kafka manual_kafka_keys[]; /* ended by a key of NULL */

/* One piece of a text of a spec. */
enum manual_block { MANUAL_END, MANUAL_PROSE, MANUAL_LITERAL };

/* The next block of lines, *text moves behind it; prose is what begins without a blank. */
enum manual_block manual_next_block(const char **text, struct slice *block);

/* What completion offers for an option of the daemon: "true|false", its choices; NULL: nothing. */
const char *manual_option_words(const struct option_row *row);

#endif
