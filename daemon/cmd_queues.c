/* ringback queues: what queues, agents, scripts and zones are. */
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/args.h"
#include "daemon/settings_apply.h"
#include "daemon/settings_file.h"
#include "daemon/settings_observed.h"

static json_t *observed_json(const struct settings_observed *observed)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "callbacks", (json_int_t)observed->callbacks,
                     "refused", (json_int_t)observed->refused, "voicemails",
                     (json_int_t)observed->voicemails, "internal_voicemails",
                     (json_int_t)observed->internal, "of_other_queues",
                     (json_int_t)observed->strange, "unreadable", (json_int_t)observed->unreadable);
}

/* observed: NULL without --observed. */
static void print_json(const struct settings *settings, const struct settings_observed *observed,
                       FILE *out)
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
    if (observed != NULL)
        (void)json_object_set_new(root, "observed", observed_json(observed));
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

static void print_observed(const char *log, const struct settings_observed *observed, FILE *out)
{
    fprintf(out, "%s: %zu Create Callbacks, %zu refused; %zu voicemails, %zu internal", log,
            observed->callbacks, observed->refused, observed->voicemails, observed->internal);
    if (observed->strange > 0)
        fprintf(out, "; %zu of these for queues that are not in the file", observed->strange);
    if (observed->unreadable > 0)
        fprintf(out, "; %zu records cannot be read", observed->unreadable);
    fputc('\n', out);
}

/* log: NULL, or what was recorded. */
static enum err read_and_observe(struct command_context *context, struct settings *settings,
                                 const char *path, const char *log,
                                 struct settings_observed *observed, struct err_note *note)
{
    static struct options options;
    enum err err = settings_read(settings, path, note);

    if (err != ERR_OK || log == NULL)
        return err;
    err = options_load(&options, context, note);
    if (err == ERR_OK)
        err = settings_observe(settings, log, (const char *const *)options.topic_names, observed,
                               note);
    options_deinit(&options);
    return err;
}

static enum err lint(struct command_context *context, const char *path, const char *log,
                     struct err_note *note)
{
    struct settings_observed observed;
    struct settings settings;
    enum err err;

    settings_init(&settings);
    err = read_and_observe(context, &settings, path, log, &observed, note);
    if (err == ERR_OK || err == ERR_BAD_SETTINGS) {
        if (context->json)
            print_json(&settings, err == ERR_OK && log != NULL ? &observed : NULL, context->out);
        else
            print_problems(&settings, context->out);
    }
    if (err == ERR_OK && !context->json) {
        print_counts(&settings, context->out);
        if (log != NULL)
            print_observed(log, &observed, context->out);
    }
    if (err == ERR_BAD_SETTINGS)
        err = FAIL(note, err, "%s has %zu errors: nothing of it can be applied", path,
                   settings.error_count);
    settings_deinit(&settings);
    return err;
}

struct flags {
    bool prune;
    bool force;
    bool dry_run;
    bool state;
    int64_t wait_ms;
    const char *to;
    const char *at;
    const char *observed;
    int64_t partitions;
};

static const char *answer_text(const struct settings_step *step)
{
    if (step->event_id == NULL)
        return "";
    if (step->answer == SETTINGS_WAITING)
        return "no answer";
    return step->answer == SETTINGS_ACCEPTED ? "accepted" : "refused";
}

static void print_plan(const struct settings_plan *plan, bool dry_run, FILE *out)
{
    fprintf(out, "%-20s %-7s %-28s %8s  %-16s %s\n", "DOMAIN", "KIND", "ID", "VERSION", "IN FILE",
            dry_run ? "" : "ANSWER");
    for (size_t i = 0; i < plan->count; i++) {
        const struct settings_step *step = &plan->steps[i];

        fprintf(out, "%-20s %-7s %-28s %8llu  %-16s %s", step->domain,
                settings_kind_name(step->kind), step->id, (unsigned long long)step->version,
                settings_action_text(step->action), dry_run ? "" : answer_text(step));
        if (step->answer == SETTINGS_REFUSED)
            fprintf(out, ": %s: %s", step->reason, step->text);
        fputc('\n', out);
    }
}

static void print_plan_json(const struct settings_plan *plan, bool dry_run, FILE *out)
{
    json_t *steps = json_array(), *root;

    for (size_t i = 0; i < plan->count; i++) {
        const struct settings_step *step = &plan->steps[i];
        json_t *line =
            json_pack("{s:s, s:s, s:s, s:I, s:s}", "domain", step->domain, "kind",
                      settings_kind_name(step->kind), "id", step->id, "version",
                      (json_int_t)step->version, "action", settings_action_text(step->action));

        if (!dry_run && step->event_id != NULL)
            (void)json_object_set_new(line, "answer", json_string(answer_text(step)));
        if (step->answer == SETTINGS_REFUSED) {
            (void)json_object_set_new(line, "reason", json_string(step->reason));
            (void)json_object_set_new(line, "text", json_string(step->text));
        }
        (void)json_array_append_new(steps, line);
    }
    root = json_pack("{s:b, s:I, s:I, s:I, s:o}", "dry_run", dry_run, "sent",
                     (json_int_t)(dry_run ? 0 : plan->sent), "refused", (json_int_t)plan->refused,
                     "unanswered", (json_int_t)(dry_run ? 0 : plan->waiting), "items", steps);
    (void)json_dumpf(root, out, JSON_INDENT(2));
    (void)fputc('\n', out);
    json_decref(root);
}

static enum err apply_result(const struct settings_plan *plan, const struct flags *flags,
                             struct err_note *note)
{
    if (flags->dry_run)
        return ERR_OK;
    if (plan->refused > 0)
        return FAIL(note, ERR_BAD_SETTINGS, "%zu of %zu items were refused: the table says why",
                    plan->refused, plan->count);
    if (command_stopped())
        return FAIL(note, ERR_CANCELLED, "stopped with %zu items unanswered", plan->waiting);
    if (plan->waiting > 0)
        return FAIL(note, ERR_BUS_DOWN,
                    "%zu items are sent and not answered: does `ringback run` run on these topics?"
                    " Apply again to wait for them; nothing is sent twice",
                    plan->waiting);
    return ERR_OK;
}

static enum err apply_to_kafka(struct command_context *context, const struct settings *settings,
                               const struct flags *flags, struct err_note *note)
{
    static struct options options;
    struct settings_apply apply = {.options = &options,
                                   .prune = flags->prune,
                                   .force = flags->force,
                                   .dry_run = flags->dry_run,
                                   .from_state = flags->state,
                                   .wait_ms = flags->wait_ms,
                                   .stopped = command_stopped};
    struct settings_plan plan;
    bool planned = false;
    enum err err = options_load(&options, context, note);

    if (err == ERR_OK) {
        log_init(STDERR_FILENO, LOG_LEVEL_WARN, (enum log_format)options.log_format);
        command_catch_signals();
        err = settings_apply(&apply, settings, &plan, &planned, note);
    }
    if (planned) {
        if (context->json)
            print_plan_json(&plan, flags->dry_run, context->out);
        else
            print_plan(&plan, flags->dry_run, context->out);
        if (err == ERR_OK)
            err = apply_result(&plan, flags, note);
        settings_plan_deinit(&plan);
    }
    options_deinit(&options);
    return err;
}

static enum err apply_to_log(struct command_context *context, const struct settings *settings,
                             const struct flags *flags, struct err_note *note)
{
    static struct options options;
    int64_t at_ms = clock_wall_ms();
    enum err err = ERR_OK;

    if (flags->at != NULL && clock_parse(flags->at, &at_ms, note) != ERR_OK) {
        (void)err_prefix(note, "--at: ");
        return note->err;
    }
    err = options_load(&options, context, note);
    if (err == ERR_OK)
        err = settings_write_log(settings, options.topic_names[TOPIC_SETTINGS],
                                 (int32_t)flags->partitions, at_ms, flags->to, note);
    options_deinit(&options);
    if (err == ERR_OK && strcmp(flags->to, "-") != 0)
        fprintf(context->out, "%s: %zu settings written\n", flags->to, settings->item_count);
    return err;
}

static enum err apply(struct command_context *context, const char *path, const struct flags *flags,
                      struct err_note *note)
{
    struct settings settings;
    enum err err;

    settings_init(&settings);
    err = settings_read(&settings, path, note);
    if (settings.problem_count > 0)
        print_problems(&settings, context->err);
    if (err == ERR_BAD_SETTINGS)
        err = FAIL(note, err, "%s has %zu errors: nothing was sent", path, settings.error_count);
    if (err == ERR_OK && flags->to != NULL)
        err = apply_to_log(context, &settings, flags, note);
    else if (err == ERR_OK)
        err = apply_to_kafka(context, &settings, flags, note);
    settings_deinit(&settings);
    return err;
}

enum task { TASK_APPLY, TASK_LINT, TASK_REFERENCE };

static const char *const tasks[] = {"apply", "lint", "reference", NULL};

static const char help[] =
    "apply      sends what differs from what was last accepted, each with the next version,\n"
    "           waits for the answers and prints one line an item; exit code 1 if any is\n"
    "           refused or unanswered\n"
    "lint       checks the file without any server, and warns of what holds but will\n"
    "           disappoint, with the rule's number; --observed LOG warns of the flows too:\n"
    "           Create Callback without a failure path, voicemail into a customer-first queue,\n"
    "           internal voicemail\n"
    "reference  prints the page of all keys of such a file (docs/settings.md)\n"
    "\n"
    "FILE.yaml may be - for standard input. An example is deploy/example-settings.yaml.\n"
    "What was accepted is read from the topics settings and results up to their ends; --state\n"
    "reads the topic state too, for when those are shorter than the settings are old.\n";

enum err cmd_queues(struct command_context *context, int argc, char **argv, struct err_note *note)
{
    struct flags flags = {.wait_ms = 30000, .partitions = 1};
    const struct arg_flag table[] = {
        ARGS_SWITCH("dry-run", &flags.dry_run, "apply: print what would be sent, send nothing"),
        ARGS_SWITCH("prune", &flags.prune,
                    "apply: remove what is not in the file, of the domains that are"),
        ARGS_SWITCH("force", &flags.force,
                    "apply --prune: remove queues with callbacks too; those end QUEUE_REMOVED"),
        ARGS_SWITCH("state", &flags.state, "apply: read the topic state too"),
        ARGS_DURATION("wait", "TIME", &flags.wait_ms, 0, 3600000, "apply: for the answers"),
        ARGS_TEXT("to", "LOG", &flags.to, "apply: write all of the file as a topic log instead"),
        ARGS_TEXT("at", "TIME", &flags.at,
                  "apply --to: the records' time, as 2026-01-31T08:00:00Z; now without it"),
        ARGS_INT("partitions", "N", &flags.partitions, 1, 1024, "apply --to: of the topic"),
        ARGS_TEXT("observed", "LOG", &flags.observed,
                  "lint: what flows did, recorded by `ringback capture`; - is standard input"),
        ARGS_END,
    };
    const struct args_spec spec = {
        .positional = "apply|lint|reference [FILE.yaml]",
        .text = help,
        .flags = table,
        .positional_min = 1,
        .positional_max = 2,
        .json = true,
        .options = true,
    };
    struct args args;
    int task;

    TRY(args_parse(&spec, context, argc, argv, &args, note));
    TRY(args_task(args.values[0], tasks, &task, note));
    if (task == TASK_REFERENCE) {
        settings_print_reference(context->out);
        return ERR_OK;
    }
    if (args.count < 2)
        return FAIL(note, ERR_USAGE, "%s which file? Give FILE.yaml, or - for standard input",
                    args.values[0]);
    if (flags.force && !flags.prune)
        return FAIL(note, ERR_USAGE, "--force belongs to --prune: nothing is removed without it");
    if (flags.observed != NULL && task != TASK_LINT)
        return FAIL(note, ERR_USAGE, "--observed belongs to lint: apply reads no log");
    if (flags.observed != NULL && strcmp(flags.observed, "-") == 0 &&
        strcmp(args.values[1], "-") == 0)
        return FAIL(note, ERR_USAGE, "--observed: standard input is FILE.yaml already");
    if (task == TASK_LINT)
        return lint(context, args.values[1], flags.observed, note);
    return apply(context, args.values[1], &flags, note);
}
