/* ringback check: stories, what must come of them and what came. */
#include <jansson.h>
#include <string.h>

#include "base/log.h"
#include "daemon/args.h"
#include "daemon/check_run.h"

struct flags {
    bool reference;
    bool verbose;
};

struct totals {
    size_t stories;
    size_t failed;
    size_t unread;
};

static json_t *problems_json(const struct check_story *story)
{
    json_t *list = json_array();

    for (size_t at = 0; at < story->problem_count; at++)
        json_array_append_new(
            list, json_pack("{s:i, s:i, s:s, s:s}", "line", story->problems[at].line, "column",
                            story->problems[at].column, "where", story->problems[at].where, "text",
                            story->problems[at].text));
    return list;
}

static json_t *faults_json(const struct check_result *result)
{
    json_t *list = json_array();

    for (size_t at = 0; at < result->fault_count; at++)
        json_array_append_new(
            list, json_pack("{s:I, s:i, s:s}", "time_ms", (json_int_t)result->faults[at].at_ms,
                            "line", result->faults[at].line, "text", result->faults[at].text));
    return list;
}

static json_t *rules_json(const struct check_story *story)
{
    json_t *list = json_array();

    for (size_t at = 0; at < story->rule_count; at++)
        json_array_append_new(list, json_string(story->rules[at]));
    return list;
}

static json_t *outputs_json(const struct check_story *story, struct check_result *result)
{
    json_t *list = json_array();

    for (size_t at = 0; at < result->output_count; at++) {
        const struct check_output *output = &result->outputs[at];
        const char *text = check_output_text(story, result, output, &result->arena);

        json_array_append_new(list,
                              json_pack("{s:I, s:b, s:s}", "time_ms", (json_int_t)output->at_ms,
                                        "expected", output->expected, "text", text));
    }
    return list;
}

static void print_problems(const struct check_story *story, const struct err_note *note, FILE *out)
{
    for (size_t at = 0; at < story->problem_count; at++) {
        const struct settings_problem *problem = &story->problems[at];

        fprintf(out, "%s:%d:%d: error: %s%s%s\n", story->path, problem->line, problem->column,
                problem->where, problem->where[0] == '\0' ? "" : ": ", problem->text);
    }
    if (story->problem_count == 0)
        fprintf(out, "%s\n", note->text);
}

/* A story that was read. */
static void tell(struct command_context *context, const struct check_story *story,
                 const struct flags *flags, struct totals *totals, json_t *list)
{
    struct check_result result;

    check_run(story, &result);
    totals->failed += result.fault_count > 0;
    if (context->json) {
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:o, s:b, s:o, s:o}", "file", story->path,
                                        "story", story->title, "rules", rules_json(story), "passed",
                                        result.fault_count == 0, "wrong", faults_json(&result),
                                        "outputs", outputs_json(story, &result)));
    } else {
        fprintf(context->out, "%-6s %s: %s\n", result.fault_count > 0 ? "FAILED" : "ok",
                story->path, story->title);
        if (result.fault_count > 0 || flags->verbose)
            check_print_story(story, &result, context->out);
    }
    check_result_deinit(&result);
}

static void check_one(struct command_context *context, const char *path, const struct flags *flags,
                      struct totals *totals, json_t *list)
{
    struct check_story story;
    struct err_note note = {.err = ERR_OK};
    enum err err = check_story_read(&story, path, &note);

    totals->stories++;
    if (err == ERR_OK) {
        tell(context, &story, flags, totals, list);
    } else {
        totals->unread++;
        if (context->json)
            json_array_append_new(list,
                                  json_pack("{s:s, s:b, s:s, s:o}", "file", path, "passed", 0,
                                            "error", note.text, "problems", problems_json(&story)));
        else
            print_problems(&story, &note, context->out);
    }
    check_story_deinit(&story);
}

static enum err check_all(struct command_context *context, const struct args *args,
                          const struct flags *flags, struct err_note *note)
{
    struct totals totals = {0};
    json_t *list = json_array(), *root;

    for (int at = 0; at < args->count; at++)
        check_one(context, args->values[at], flags, &totals, list);
    if (context->json) {
        root =
            json_pack("{s:I, s:I, s:I, s:O}", "stories", (json_int_t)totals.stories, "failed",
                      (json_int_t)totals.failed, "unread", (json_int_t)totals.unread, "list", list);
        json_dumpf(root, context->out, JSON_INDENT(2));
        fputc('\n', context->out);
        json_decref(root);
    } else {
        fprintf(context->out, "%zu stories: %zu hold, %zu failed, %zu cannot be read\n",
                totals.stories, totals.stories - totals.failed - totals.unread, totals.failed,
                totals.unread);
    }
    json_decref(list);
    if (totals.unread > 0)
        return FAIL(note, ERR_BAD_SETTINGS,
                    "%zu of %zu stories cannot be read; docs/scenarios.md"
                    " says how they are written",
                    totals.unread, totals.stories);
    return totals.failed > 0 ? FAIL(note, ERR_DIFFERENT, "%zu of %zu stories failed", totals.failed,
                                    totals.stories)
                             : ERR_OK;
}

enum err cmd_check(struct command_context *context, int argc, char **argv, struct err_note *note)
{
    struct flags flags = {.verbose = false};
    const struct arg_flag table[] = {
        ARGS_SWITCH("verbose", &flags.verbose, "print the time line of every story"),
        ARGS_SWITCH("reference", &flags.reference, "print the page of the format"),
        ARGS_END,
    };
    const struct args_spec spec = {
        .positional = "FILE.yaml...",
        .text =
            "Tells stories to the engine, in their own time and without any server, and compares\n"
            "what comes out with what each expects: settings, events at times, expectations.\n"
            "A story that fails is printed as a time line with what was expected and what came.\n"
            "The format: docs/scenarios.md.\n",
        .flags = table,
        .positional_max = 100000,
        .json = true,
    };
    struct args args;

    TRY(args_parse(&spec, context, argc, argv, &args, note));
    if (flags.reference) {
        check_print_reference(context->out);
        return ERR_OK;
    }
    if (args.count == 0)
        return FAIL(note, ERR_USAGE, "which stories? Give FILE.yaml");
    return check_all(context, &args, &flags, note);
}
