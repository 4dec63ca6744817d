/* ringback: one binary, one subcommand a task. Only this file exits. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/command.h"

static bool may_colour(void)
{
    const char *term = getenv("TERM");

    return isatty(STDERR_FILENO) && getenv("NO_COLOR") == NULL && term != NULL &&
           strcmp(term, "dumb") != 0;
}

int main(int argc, char **argv)
{
    static struct command_context context;

    context.out = stdout;
    context.err = stderr;
    context.out_terminal = isatty(STDOUT_FILENO) != 0;
    context.err_terminal = isatty(STDERR_FILENO) != 0;
    context.colour = may_colour();
    return command_run(&context, commands, argc, argv);
}
