/* ringback check: stories, what must come of them and what came. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/memory.h"
#include "daemon/args.h"
#include "daemon/check_live.h"
#include "daemon/terminal.h"

struct flags {
    bool reference;
    bool verbose;
    bool live;
    int64_t partitions;
    int64_t restarts;
    bool redis; /* told by check_live() */
};

/* One file. result is set if err is OK. */
struct told {
    struct check_story story;
    struct check_result result;
    enum err err;
    struct err_note note;
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
static void print_story(struct command_context *context, const struct check_story *story,
                        struct check_result *result, const struct flags *flags, json_t *list)
{
    if (context->json) {
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:o, s:b, s:o, s:o}", "file", story->path,
                                        "story", story->title, "rules", rules_json(story), "passed",
                                        result->fault_count == 0, "wrong", faults_json(result),
                                        "outputs", outputs_json(story, result)));
    } else {
        bool failed = result->fault_count > 0;

        fprintf(context->out, "%s%-6s%s %s: %s\n",
                terminal_tint(context->out_colour, failed ? TINT_BAD : TINT_GOOD),
                failed ? "FAILED" : "ok", terminal_tint(context->out_colour, TINT_PLAIN),
                story->path, story->title);
        if (result->fault_count > 0 || flags->verbose)
            check_print_story(story, result, context->out);
    }
}

static void print_told(struct command_context *context, struct told *told,
                       const struct flags *flags, struct totals *totals, json_t *list)
{
    totals->stories++;
    if (told->err == ERR_OK) {
        totals->failed += told->result.fault_count > 0;
        print_story(context, &told->story, &told->result, flags, list);
        return;
    }
    totals->unread++;
    if (context->json)
        json_array_append_new(list, json_pack("{s:s, s:b, s:s, s:o}", "file", told->story.path,
                                              "passed", 0, "error", told->note.text, "problems",
                                              problems_json(&told->story)));
    else
        print_problems(&told->story, &told->note, context->out);
}

static void print_totals(struct command_context *context, const struct totals *totals,
                         const struct flags *flags, json_t *list)
{
    json_t *root;

    if (context->json) {
        root = json_pack("{s:b, s:I, s:I, s:I, s:O}", "live", flags->live, "stories",
                         (json_int_t)totals->stories, "failed", (json_int_t)totals->failed,
                         "unread", (json_int_t)totals->unread, "list", list);
        command_print_json(context, root);
        return;
    }
    fprintf(context->out, "%zu stories: %zu hold, %zu failed, %zu cannot be read", totals->stories,
            totals->stories - totals->failed - totals->unread, totals->failed, totals->unread);
    if (flags->live)
        fprintf(context->out,
                "; on Kafka with %" PRId64 " partition%s %s Redis, %" PRId64
                " restart%s of the daemon on the way",
                flags->partitions, flags->partitions == 1 ? "" : "s",
                flags->redis ? "and on" : "without", flags->restarts,
                flags->restarts == 1 ? "" : "s");
    fputc('\n', context->out);
}

/* Options that decide, but are of the topics, not of the story. */
static bool of_the_servers(enum option option)
{
    return option == OPTION_partitioner || option == OPTION_framing_confluent ||
           option == OPTION_framing_schema_ids;
}

/* Options that decide stand in the story: given beside it they would not count. */
static enum err check_options(const struct command_context *context, const struct flags *flags,
                              struct err_note *note)
{
    for (int at = 0; at < context->option_count; at++) {
        char key[100];
        enum option option;

        snprintf(key, sizeof(key), "%.*s", (int)context->options[at].key_size,
                 context->options[at].key);
        option = options_find(key);
        if (!flags->live)
            return FAIL(note, ERR_USAGE,
                        "--%s: options of the servers go with --live; those that decide stand"
                        " under `options` in the story",
                        key);
        if (option != OPTION_COUNT && (option_rows[option].flags & OPTION_DECIDES) != 0 &&
            !of_the_servers(option))
            return FAIL(note, ERR_USAGE, "--%s decides: it stands under `options` in the story",
                        key);
    }
    return ERR_OK;
}

static void read_and_run(struct told *told, const char *path, const struct flags *flags,
                         size_t *count)
{
    told->note.err = ERR_OK;
    told->err = check_story_read(&told->story, path, &told->note);
    if (told->err != ERR_OK)
        return;
    if (flags->live)
        check_live_domain(&told->story, *count);
    ++*count;
    check_run(&told->story, &told->result);
}

static enum err run_live(struct command_context *context, struct flags *flags, struct told *told,
                         int told_count, size_t count, struct err_note *note)
{
    struct check_live_options live = {
        .context = context,
        .partitions = (int32_t)flags->partitions,
        .restarts = (int)flags->restarts,
    };
    struct check_live_story *stories = memory_zalloc((count + 1) * sizeof(*stories), "stories");
    size_t at = 0;
    enum err err;

    for (int i = 0; i < told_count; i++) {
        if (told[i].err == ERR_OK)
            stories[at++] = (struct check_live_story){&told[i].story, &told[i].result};
    }
    command_catch_signals();
    command_option_first(context, "log.level", "error");
    err = check_live(&live, stories, count, note);
    flags->redis = live.redis;
    free(stories);
    return err;
}

static enum err print_all(struct command_context *context, struct told *told, int count,
                          const struct flags *flags, struct err_note *note)
{
    struct totals totals = {0};
    json_t *list = json_array();

    for (int at = 0; at < count; at++)
        print_told(context, &told[at], flags, &totals, list);
    print_totals(context, &totals, flags, list);
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

static enum err check_all(struct command_context *context, const struct args *args,
                          struct flags *flags, struct err_note *note)
{
    struct told *told = memory_zalloc((size_t)args->count * sizeof(*told), "stories");
    size_t count = 0;
    enum err err = ERR_OK;

    for (int at = 0; at < args->count; at++)
        read_and_run(&told[at], args->values[at], flags, &count);
    if (flags->live && count > 0)
        err = run_live(context, flags, told, args->count, count, note);
    if (err == ERR_OK)
        err = print_all(context, told, args->count, flags, note);
    for (int at = 0; at < args->count; at++) {
        if (told[at].err == ERR_OK)
            check_result_deinit(&told[at].result);
        check_story_deinit(&told[at].story);
    }
    free(told);
    return err;
}

static const struct arg_exit exits[] = {
    {0, "every story holds"},
    {1, "a story cannot be read"},
    {3, "a story failed"},
    {0, NULL},
};

static const struct arg_example examples[] = {
    {"check tests/scenarios/snooze-keeps-the-place.yaml --verbose", "One story as a time line."},
    {"check --live stories.yaml --kafka.bootstrap.servers=127.0.0.1:9092",
     "Tell it to the daemon on Kafka and Redis, too."},
    {NULL, NULL},
};

enum err cmd_check(struct command_context *context, int argc, char **argv, struct err_note *note)
{
    struct flags flags = {.partitions = 4, .restarts = 1};
    const struct arg_flag table[] = {
        ARGS_SWITCH("verbose", &flags.verbose, "print the time line of every story"),
        ARGS_SWITCH("live", &flags.live, "tell them to the daemon on Kafka and Redis, too"),
        ARGS_INT("partitions", "N", &flags.partitions, 1, 32, "of its topics, with --live"),
        ARGS_INT("restarts", "N", &flags.restarts, 0, 100, "of the daemon, with --live"),
        ARGS_SWITCH("reference", &flags.reference, "print the page of the format"),
        ARGS_END,
    };
    const struct args_spec spec = {
        .positional = "FILE.yaml...",
        .text =
            "Tells stories to the engine, in their own time and without any server, and compares\n"
            "what comes out with what each expects: settings, events at times, expectations.\n"
            "A story that fails is printed as a time line with what was expected and what came.\n"
            "The format: docs/scenarios.md.\n"
            "\n"
            "With --live the same inputs then go to the Kafka of kafka.bootstrap.servers, to\n"
            "topics made for them; a daemon in this process decides them, its copy in the Redis\n"
            "of redis.url; it is stopped and started on the way. What it wrote must be as the\n"
            "story expects, and as the engine alone said, byte for byte. Topics and keys are\n"
            "removed afterwards; nothing else is touched.\n",
        .flags = table,
        .exits = exits,
        .examples = examples,
        .positional_max = 10000,
        .offer = ARG_OFFER_FILES,
        .json = ARGS_JSON,
        .options = true,
    };
    struct args args;

    TRY(args_parse(&spec, context, argc, argv, &args, note));
    if (flags.reference) {
        check_print_reference(context->out);
        return ERR_OK;
    }
    if (args.count == 0)
        return FAIL(note, ERR_USAGE, "which stories? Give FILE.yaml");
    TRY(check_options(context, &flags, note));
    return check_all(context, &args, &flags, note);
}
