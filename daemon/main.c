/* ringback: one binary, one subcommand a task. Only this file exits. */
#include <stdio.h>

int main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    fputs("usage: ringback COMMAND [OPTIONS]\n", stderr);
    return 2;
}
