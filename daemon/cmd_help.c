/* ringback help: what --help prints. */
#include "daemon/args.h"

enum err cmd_help(struct command_context *context, int argc, char **argv, struct err_note *note)
{
    const struct args_spec spec = {.positional = "[COMMAND [TASK]]",
                                   .text =
                                       "`ringback help COMMAND` is `ringback COMMAND --help`.\n",
                                   .positional_max = 2,
                                   .offer = ARG_OFFER_COMMANDS};
    char help[] = "--help";
    struct args args;

    TRY(args_parse(&spec, context, argc, argv, &args, note));
    if (args.count == 0) {
        command_print_help(context);
        return ERR_OK;
    }
    TRY(command_find(context, args.values[0], note));
    return context->command->main(
        context, args.count + 1,
        (char *[]){args.values[0], args.count > 1 ? args.values[1] : help, help, NULL}, note);
}
