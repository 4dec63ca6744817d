/* ringback completion: what makes bash and zsh complete its command lines. */
#include "daemon/manual.h"

enum task { TASK_BASH, TASK_ZSH };

static const struct arg_task tasks[] = {
    [TASK_BASH] = {.name = "bash", .help = "For bash 4.4 and later; bash-completion is not needed"},
    [TASK_ZSH] = {.name = "zsh", .help = "For zsh, behind compinit, or as _ringback in fpath"},
    {.name = NULL},
};

static const struct arg_example examples[] = {
    {"completion bash >~/.local/share/bash-completion/completions/ringback", "For good."},
    {"completion zsh >/usr/local/share/zsh/site-functions/_ringback", "For all users of zsh."},
    {NULL, NULL},
};

enum err cmd_completion(struct command_context *context, int argc, char **argv,
                        struct err_note *note)
{
    const struct args_spec spec = {
        .text = "Completes commands, tasks, options, their choices, and files where one is taken.\n"
                "For this shell alone: `source <(ringback completion bash)`, or zsh.\n",
        .tasks = tasks,
        .examples = examples};
    struct args args;

    TRY(args_parse(&spec, context, argc, argv, &args, note));
    if (args.task == TASK_BASH)
        completion_print_bash(context);
    else
        completion_print_zsh(context);
    return ERR_OK;
}
