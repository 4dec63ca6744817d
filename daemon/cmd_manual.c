/* ringback manual: the manual pages, docs/cli.md. */
#include "daemon/manual.h"

enum { FORMAT_ROFF, FORMAT_MARKDOWN, FORMAT_JSON, FORMAT_LIST };

static const char manual_text[] =
    "PAGE is `ringback` (the default), a command, or `ringback.yaml`, the configuration file.\n"
    "Markdown and JSON are of all commands at once; list names the pages.\n";

static const struct arg_example examples[] = {
    {"manual queues | man -l -", "Read a page without installing it."},
    {"manual --format json", "Every command, flag and option, for other programs."},
    {NULL, NULL},
};

enum err cmd_manual(struct command_context *context, int argc, char **argv, struct err_note *note)
{
    int format = FORMAT_ROFF;
    const struct arg_flag flags[] = {
        ARGS_CHOICE("format", "roff|markdown|json|list", &format, "what to print"),
        ARGS_END,
    };
    const struct args_spec spec = {.positional = "[PAGE]",
                                   .text = manual_text,
                                   .flags = flags,
                                   .examples = examples,
                                   .positional_max = 1,
                                   .offer = ARG_OFFER_COMMANDS};
    struct args args;

    TRY(args_parse(&spec, context, argc, argv, &args, note));
    if (format == FORMAT_ROFF)
        return manual_print_page(context, args.count > 0 ? args.values[0] : "ringback", note);
    if (args.count > 0)
        return FAIL(note, ERR_USAGE, "--format: only roff has pages; leave \"%s\" out",
                    args.values[0]);
    if (format == FORMAT_MARKDOWN)
        manual_print_markdown(context);
    else if (format == FORMAT_JSON)
        manual_print_json(context);
    else
        manual_print_list(context);
    return ERR_OK;
}
