/* ringback: one binary, one subcommand a task. Only this file exits. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/command.h"
#include "daemon/terminal.h"

static bool is_plain(void)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    return (no_colour != NULL && no_colour[0] != '\0') || term == NULL || term[0] == '\0' ||
           strcmp(term, "dumb") == 0;
}

int main(int argc, char **argv)
{
    static struct command_context context;

    context.out = stdout;
    context.err = stderr;
    context.out_terminal = isatty(STDOUT_FILENO) != 0;
    context.err_terminal = isatty(STDERR_FILENO) != 0;
    context.out_columns = context.out_terminal ? terminal_columns(STDOUT_FILENO) : 0;
    context.plain = is_plain();
    command_colour(&context, COMMAND_COLOUR_AUTO);
    return command_run(&context, commands, argc, argv);
}
