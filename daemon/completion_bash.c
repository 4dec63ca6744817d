/* Completion for bash: the tables as case statements, and a function that looks into them. Words
 * that need an = stand with it in the lists of flags. */
#include <string.h>

#include "daemon/manual.h"

static const char bash_code[] =
    "\n"
    "# $1: what may stand there, as \"files\", \"commands\", \"words a b\" or \"list a b\"; $2: "
    "what is\n"
    "# there already; $3: what has to stand before each reply.\n"
    "_ringback_offer() {\n"
    "    local head i\n"
    "    case $1 in\n"
    "    files)\n"
    "        mapfile -t COMPREPLY < <(compgen -f -- \"$2\")\n"
    "        [ -n \"$3\" ] || compopt -o filenames 2>/dev/null\n"
    "        ;;\n"
    "    commands) mapfile -t COMPREPLY < <(compgen -W \"$_ringback_commands\" -- \"$2\") ;;\n"
    "    words*) mapfile -t COMPREPLY < <(compgen -W \"${1#words}\" -- \"$2\") ;;\n"
    "    list*)\n"
    "        head=${2%\"${2##*,}\"}\n"
    "        mapfile -t COMPREPLY < <(compgen -P \"$head\" -W \"${1#list}\" -- \"${2##*,}\")\n"
    "        ;;\n"
    "    esac\n"
    "    for i in \"${!COMPREPLY[@]}\"; do\n"
    "        COMPREPLY[i]=$3${COMPREPLY[i]}\n"
    "    done\n"
    "}\n"
    "\n"
    "_ringback() {\n"
    "    local command= path= flag= ended= cur word i before=\n"
    "    local -a words=()\n"
    "    COMPREPLY=()\n"
    "    # bash cuts words at = and :, of --redis.url=redis://host makes seven; back to one.\n"
    "    for ((i = 1; i <= COMP_CWORD; i++)); do\n"
    "        word=${COMP_WORDS[i]}\n"
    "        if [ ${#words[@]} -gt 0 ] && [[ ${words[-1]} == --* ]] &&\n"
    "            [[ $word == [=:]* || ${words[-1]} == *[=:] ]]; then\n"
    "            words[-1]+=$word\n"
    "        else\n"
    "            words+=(\"$word\")\n"
    "        fi\n"
    "    done\n"
    "    cur=${words[-1]}\n"
    "    for ((i = 0; i < ${#words[@]} - 1; i++)); do\n"
    "        word=${words[i]}\n"
    "        flag=\n"
    "        if [ -z \"$ended\" ] && [[ $word == -* ]]; then\n"
    "            [ \"$word\" != -- ] || ended=yes\n"
    "            if [[ \" $(_ringback_flags \"$path\") \" == *\" $word= \"* ]]; then\n"
    "                i=$((i + 1))\n"
    "                [ $i -lt $((${#words[@]} - 1)) ] || flag=$word\n"
    "            fi\n"
    "        elif [ -z \"$command\" ]; then\n"
    "            command=$word path=$word\n"
    "        elif [ \"$path\" = \"$command\" ] && [[ \" $(_ringback_tasks \"$command\") \" == *\" "
    "$word \"* ]]; then\n"
    "            path=\"$command $word\"\n"
    "        fi\n"
    "    done\n"
    "    if [ -z \"$ended\" ] && [ -z \"$flag\" ] && [[ $cur == --*=* ]]; then\n"
    "        flag=${cur%%=*}\n"
    "        cur=${cur#*=}\n"
    "        [[ $COMP_WORDBREAKS == *=* ]] || before=$flag=\n"
    "    fi\n"
    "    if [ -n \"$flag\" ]; then\n"
    "        _ringback_offer \"$(_ringback_value \"$command $flag\")\" \"$cur\" \"$before\"\n"
    "    elif [ -z \"$ended\" ] && [[ $cur == -* ]]; then\n"
    "        _ringback_offer \"words $(_ringback_flags \"$path\")\" \"$cur\" ''\n"
    "        [[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace "
    "2>/dev/null\n"
    "    elif [ -z \"$command\" ]; then\n"
    "        _ringback_offer commands \"$cur\" ''\n"
    "    elif [ \"$path\" = \"$command\" ] && [ -n \"$(_ringback_tasks \"$command\")\" ]; then\n"
    "        _ringback_offer \"words $(_ringback_tasks \"$command\")\" \"$cur\" ''\n"
    "    else\n"
    "        _ringback_offer \"$(_ringback_argument \"$path\")\" \"$cur\" ''\n"
    "    fi\n"
    "}\n"
    "\n"
    "complete -F _ringback ringback\n";

/* "a|b" as " a b". */
static void put_words(FILE *out, const char *words)
{
    for (fputc(' ', out); *words != '\0'; words++)
        fputc(*words == '|' ? ' ' : *words, out);
}

static void put_flag(FILE *out, const struct arg_flag *flag)
{
    if (flag->type == ARG_SWITCH && flag->value != NULL && *(bool *)flag->value)
        fprintf(out, " --no-%s", flag->name);
    if (strcmp(flag->name, "KEY") == 0)
        fputs(" '\"$_ringback_options\"'", out);
    else
        fprintf(out, " --%s%s", flag->name, flag->type == ARG_SWITCH ? "" : "=");
}

/* All of the command before its task is known, then those of each task. */
static void put_flags(void *user, const struct command *command, const struct args_spec *spec)
{
    FILE *out = user;
    const struct arg_flag *flag;
    struct args_walk walk;
    bool of = false;

    fprintf(out, "    '%s') echo '", command->name);
    for (flag = spec->flags; flag != NULL && flag->type != ARG_END; flag++) {
        of = of || flag->type == ARG_OF;
        if (of && flag->type != ARG_OF)
            put_flag(out, flag);
    }
    args_walk_init(&walk, spec, NULL);
    while ((flag = args_walk_next(&walk)) != NULL)
        put_flag(out, flag);
    fputs("' ;;\n", out);
    for (const struct arg_task *task = spec->tasks; task != NULL && task->name != NULL; task++) {
        fprintf(out, "    '%s %s') echo '", command->name, task->name);
        args_walk_init(&walk, spec, task);
        while ((flag = args_walk_next(&walk)) != NULL)
            put_flag(out, flag);
        fputs("' ;;\n", out);
    }
}

static void put_tasks(void *user, const struct command *command, const struct args_spec *spec)
{
    FILE *out = user;

    if (spec->tasks == NULL)
        return;
    fprintf(out, "    '%s') echo '", command->name);
    for (const struct arg_task *task = spec->tasks; task->name != NULL; task++)
        fprintf(out, "%s%s", task == spec->tasks ? "" : " ", task->name);
    fputs("' ;;\n", out);
}

static void put_offer(FILE *out, enum arg_offer offer, const char *shown, const char *words)
{
    switch (offer) {
    case ARG_OFFER_NOTHING: break;
    case ARG_OFFER_FILES: fputs("files", out); break;
    case ARG_OFFER_COMMANDS: fputs("commands", out); break;
    case ARG_OFFER_WORDS:
        fputs(shown != NULL && strchr(shown, ',') != NULL ? "list" : "words", out);
        put_words(out, words);
        break;
    }
}

static void put_value(FILE *out, const char *command, const struct arg_flag *flag)
{
    enum arg_offer offer = flag->type == ARG_CHOICE ? ARG_OFFER_WORDS : flag->offer;

    if (flag->type == ARG_OF || offer == ARG_OFFER_NOTHING)
        return;
    fprintf(out, "    '%s --%s') echo '", command, flag->name);
    put_offer(out, offer, flag->shown, flag->choices);
    fputs("' ;;\n", out);
}

static void put_values(void *user, const struct command *command, const struct args_spec *spec)
{
    for (const struct arg_flag *flag = spec->flags; flag != NULL && flag->type != ARG_END; flag++)
        put_value(user, command->name, flag);
}

static void put_common_values(FILE *out)
{
    fputs("    *' --config') echo files ;;\n"
          "    *' --color') echo words auto always never ;;\n",
          out);
    for (int i = 0; i < OPTION_COUNT; i++) {
        const char *words = manual_option_words(&option_rows[i]);

        if (words == NULL)
            continue;
        fprintf(out, "    *' --%s') echo 'words", option_rows[i].key);
        put_words(out, words);
        fputs("' ;;\n", out);
    }
    for (const struct manual_kafka *row = manual_kafka_keys; row->key != NULL; row++) {
        if (row->offer == ARG_OFFER_NOTHING)
            continue;
        fprintf(out, "    *' --%s') echo '", row->key);
        put_offer(out, row->offer, NULL, row->choices);
        fputs("' ;;\n", out);
    }
}

static void put_arguments(void *user, const struct command *command, const struct args_spec *spec)
{
    FILE *out = user;

    if (spec->tasks == NULL && spec->offer != ARG_OFFER_NOTHING) {
        fprintf(out, "    '%s') echo '", command->name);
        put_offer(out, spec->offer, NULL, spec->words);
        fputs("' ;;\n", out);
    }
    for (const struct arg_task *task = spec->tasks; task != NULL && task->name != NULL; task++) {
        if (task->offer == ARG_OFFER_NOTHING)
            continue;
        fprintf(out, "    '%s %s') echo '", command->name, task->name);
        put_offer(out, task->offer, NULL, task->words);
        fputs("' ;;\n", out);
    }
}

void completion_print_bash(const struct command_context *context)
{
    FILE *out = context->out;

    fputs("# Completion of ringback for bash; made by `ringback completion bash`.\n\n"
          "_ringback_commands='",
          out);
    for (const struct command *command = context->table; command->name != NULL; command++)
        fprintf(out, "%s%s", command == context->table ? "" : " ", command->name);
    fputs("'\n_ringback_options='", out);
    for (int i = 0; i < OPTION_COUNT; i++)
        fprintf(out, "%s--%s=", i == 0 ? "" : " ", option_rows[i].key);
    for (const struct manual_kafka *row = manual_kafka_keys; row->key != NULL; row++)
        fprintf(out, " --%s=", row->key);
    fputs("'\n\n_ringback_tasks() { # command\n    case $1 in\n", out);
    manual_each(context, put_tasks, out);
    fputs("    esac\n}\n\n_ringback_flags() { # command, or command and task\n    case $1 in\n"
          "    '') echo '--help --version --color=' ;;\n",
          out);
    manual_each(context, put_flags, out);
    fputs("    esac\n}\n\n_ringback_value() { # command and flag\n    case $1 in\n", out);
    manual_each(context, put_values, out);
    put_common_values(out);
    fputs("    esac\n}\n\n_ringback_argument() { # command, or command and task\n    case $1 in\n",
          out);
    manual_each(context, put_arguments, out);
    fputs("    esac\n}\n", out);
    fputs(bash_code, out);
}
