/* ringback queues: what queues, agents, scripts and zones are. */
#include <string.h>

#include <jansson.h>

#include "base/near.h"
#include "daemon/args.h"
#include "daemon/settings_file.h"

static void print_json(const struct settings *settings, FILE *out)
{
    json_t *problems = json_array();
    json_t *root;

    for (size_t i = 0; i < settings->problem_count; i++) {
        const struct settings_problem *problem = &settings->problems[i];

        json_array_append_new(problems, json_pack("{s:s, s:i, s:i, s:s, s:s, s:s}", "kind",
                                                  problem->warning ? "warning" : "error", "line",
                                                  problem->line, "column", problem->column, "where",
                                                  problem->where, "text", problem->text, "rule",
                                                  problem->rule));
    }
    root = json_pack("{s:s, s:I, s:I, s:o}", "file", settings->path, "errors",
                     (json_int_t)settings->error_count, "warnings",
                     (json_int_t)(settings->problem_count - settings->error_count), "problems",
                     problems);
    json_dumpf(root, out, JSON_INDENT(2));
    fputc('\n', out);
    json_decref(root);
}

static void print_problems(const struct settings *settings, FILE *out)
{
    for (size_t i = 0; i < settings->problem_count; i++)
        settings_problem_print(settings, &settings->problems[i], out);
}

static void print_counts(const struct settings *settings, FILE *out)
{
    size_t counts[SETTINGS_KIND_COUNT] = {0};

    for (size_t i = 0; i < settings->item_count; i++)
        counts[settings->items[i].kind]++;
    fprintf(out,
            "%s: %zu domains, %zu queues, %zu agents, %zu scripts, %zu zones; no errors, %zu"
            " warnings\n",
            settings->path, counts[SETTINGS_DOMAIN], counts[SETTINGS_QUEUE], counts[SETTINGS_AGENT],
            counts[SETTINGS_SCRIPT], counts[SETTINGS_ZONE],
            settings->problem_count - settings->error_count);
}

static enum err lint(struct command_context *context, const char *path, struct err_note *note)
{
    struct settings settings;
    enum err err;

    settings_init(&settings);
    err = settings_read(&settings, path, note);
    if (err == ERR_OK || err == ERR_BAD_SETTINGS) {
        if (context->json)
            print_json(&settings, context->out);
        else
            print_problems(&settings, context->out);
    }
    if (err == ERR_OK && !context->json)
        print_counts(&settings, context->out);
    if (err == ERR_BAD_SETTINGS)
        err = FAIL(note, err, "%s has %zu errors: nothing of it can be applied", path,
                   settings.error_count);
    settings_deinit(&settings);
    return err;
}

static enum err unknown_task(const char *task, struct err_note *note)
{
    struct near near;
    char hint[200];

    near_init(&near, task);
    near_offer(&near, "lint");
    near_offer(&near, "reference");
    return FAIL(note, ERR_USAGE, "unknown task \"%s\"%s", task,
                near_hint(&near, "", hint, sizeof(hint)));
}

enum err cmd_queues(struct command_context *context, int argc, char **argv, struct err_note *note)
{
    const struct args_spec spec = {
        .positional = "lint|reference [FILE.yaml]",
        .text = "lint       checks the file of queues, agents, scripts and zones without any"
                " server,\n"
                "           and warns of what holds but will disappoint, with the rule's number\n"
                "reference  prints the page of all keys of such a file (docs/settings.md)\n"
                "\n"
                "FILE.yaml may be - for standard input. An example is deploy/example-settings.yaml."
                "\n",
        .positional_min = 1,
        .positional_max = 2,
        .json = true,
    };
    struct args args;
    const char *task;

    TRY(args_parse(&spec, context, argc, argv, &args, note));
    task = args.values[0];
    if (strcmp(task, "reference") == 0) {
        settings_print_reference(context->out);
        return ERR_OK;
    }
    if (strcmp(task, "lint") != 0)
        return unknown_task(task, note);
    if (args.count < 2)
        return FAIL(note, ERR_USAGE, "%s which file? Give FILE.yaml, or - for standard input",
                    task);
    return lint(context, args.values[1], note);
}
