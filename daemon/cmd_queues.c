/* ringback queues: what queues, agents, scripts and zones are. */
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/args.h"
#include "daemon/columns.h"
#include "daemon/settings_apply.h"
#include "daemon/settings_file.h"
#include "daemon/settings_observed.h"

struct flags {
    bool prune;
    bool force;
    bool dry_run;
    bool state;
    int64_t wait_ms;
    const char *to;
    const char *at;
    const char *observed;
    bool strict;
    int64_t partitions;
};

static json_t *observed_json(const struct settings_observed *observed)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "callbacks", (json_int_t)observed->callbacks,
                     "refused", (json_int_t)observed->refused, "voicemails",
                     (json_int_t)observed->voicemails, "internal_voicemails",
                     (json_int_t)observed->internal, "of_other_queues",
                     (json_int_t)observed->strange, "unreadable", (json_int_t)observed->unreadable);
}

/* observed: NULL without --observed. */
static void print_json(struct command_context *context, const struct settings *settings,
                       const struct settings_observed *observed)
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
    command_print_json(context, root);
}

static void print_problems(const struct settings *settings, bool colour, FILE *out)
{
    for (size_t i = 0; i < settings->problem_count; i++) {
        const struct settings_problem *problem = &settings->problems[i];

        fputs(terminal_tint(colour, problem->warning ? TINT_WARN : TINT_BAD), out);
        settings_problem_print(settings, problem, out);
        fputs(terminal_tint(colour, TINT_PLAIN), out);
    }
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
        err = settings_observe(settings, log, (const char *const *)options.topic_names,
                               &options.framing, observed, note);
    options_deinit(&options);
    return err;
}

static void print_lint(struct command_context *context, const struct settings *settings,
                       const char *log, const struct settings_observed *observed)
{
    bool observed_too = settings->error_count == 0 && log != NULL;

    if (context->json) {
        print_json(context, settings, observed_too ? observed : NULL);
        return;
    }
    print_problems(settings, context->out_colour, context->out);
    if (settings->error_count == 0)
        print_counts(settings, context->out);
    if (observed_too)
        print_observed(log, observed, context->out);
}

static enum err lint(struct command_context *context, const char *path, const struct flags *flags,
                     struct err_note *note)
{
    struct settings_observed observed;
    struct settings settings;
    enum err err;

    settings_init(&settings);
    err = read_and_observe(context, &settings, path, flags->observed, &observed, note);
    if (err == ERR_OK || (err == ERR_BAD_SETTINGS && settings.error_count > 0)) {
        print_lint(context, &settings, flags->observed, &observed);
        err = ERR_OK;
        if (settings.error_count > 0)
            err = FAIL(note, ERR_DIFFERENT, "%s has %zu errors: nothing of it can be applied", path,
                       settings.error_count);
        else if (flags->strict && settings.problem_count > 0)
            err = FAIL(note, ERR_DIFFERENT, "%s has %zu warnings (--strict)", path,
                       settings.problem_count);
    }
    settings_deinit(&settings);
    return err;
}

static const char *answer_text(const struct settings_step *step)
{
    if (step->event_id == NULL)
        return "";
    if (step->answer == SETTINGS_WAITING)
        return "no answer";
    return step->answer == SETTINGS_ACCEPTED ? "accepted" : "refused";
}

static enum tint answer_tint(const struct settings_step *step)
{
    if (step->event_id == NULL)
        return TINT_PLAIN;
    if (step->answer == SETTINGS_WAITING)
        return TINT_WARN;
    return step->answer == SETTINGS_ACCEPTED ? TINT_GOOD : TINT_BAD;
}

static void print_plan(const struct command_context *context, const struct settings_plan *plan,
                       bool dry_run)
{
    struct columns *table =
        columns_create(context, dry_run ? "DOMAIN|KIND|ID|>VERSION|IN FILE"
                                        : "DOMAIN|KIND|ID|>VERSION|IN FILE|ANSWER");

    for (size_t i = 0; i < plan->count; i++) {
        const struct settings_step *step = &plan->steps[i];

        columns_add(table, TINT_PLAIN, step->domain);
        columns_add(table, TINT_PLAIN, settings_kind_name(step->kind));
        columns_add(table, TINT_PLAIN, step->id);
        columns_format(table, TINT_PLAIN, "%llu", (unsigned long long)step->version);
        columns_add(table, TINT_PLAIN, settings_action_text(step->action));
        if (dry_run)
            continue;
        if (step->answer == SETTINGS_REFUSED)
            columns_format(table, TINT_BAD, "refused: %s: %s", step->reason, step->text);
        else
            columns_add(table, answer_tint(step), answer_text(step));
    }
    columns_print(table, true);
}

static void print_plan_json(struct command_context *context, const struct settings_plan *plan,
                            bool dry_run)
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
    command_print_json(context, root);
}

static enum err apply_result(const struct settings_plan *plan, const struct flags *flags,
                             struct err_note *note)
{
    if (flags->dry_run)
        return ERR_OK;
    if (plan->refused > 0)
        return FAIL(note, ERR_DIFFERENT, "%zu of %zu items were refused: the table says why",
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
            print_plan_json(context, &plan, flags->dry_run);
        else
            print_plan(context, &plan, flags->dry_run);
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
        err = settings_write_log(settings, &options, (int32_t)flags->partitions, at_ms, flags->to,
                                 note);
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
        print_problems(&settings, context->err_colour, context->err);
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

static const struct arg_task tasks[] = {
    [TASK_APPLY] =
        {.name = "apply",
         .help = "Send what differs from what was last accepted",
         .text = "Each item gets the next version; the answers are waited for and one line an\n"
                 "item is printed.\n",
         .positional = "FILE.yaml",
         .positional_min = 1,
         .positional_max = 1,
         .offer = ARG_OFFER_FILES,
         .json = ARGS_JSON},
    [TASK_LINT] =
        {.name = "lint",
         .help = "Check the file without any server",
         .text =
             "Warns of what holds but will disappoint, with the rule's number; --observed LOG\n"
             "warns of the flows too: Create Callback without a failure path, voicemail into a\n"
             "customer-first queue, internal voicemail.\n",
         .positional = "FILE.yaml",
         .positional_min = 1,
         .positional_max = 1,
         .offer = ARG_OFFER_FILES,
         .json = ARGS_JSON},
    [TASK_REFERENCE] = {.name = "reference",
                        .help = "Print the page of all keys of such a file (docs/settings.md)"},
    {.name = NULL},
};

static const char help[] =
    "FILE.yaml may be - for standard input. An example is deploy/example-settings.yaml.\n"
    "What was accepted is read from the topics settings and results up to their ends; --state\n"
    "reads the topic state too, for when those are shorter than the settings are old.\n";

static const struct arg_exit exits[] = {
    {3, "lint: the file has errors, or warnings with --strict; apply: an item was refused"},
    {4, "apply: Kafka cannot be reached, or items are unanswered; apply again"},
    {0, NULL},
};

static const struct arg_example examples[] = {
    {"queues lint settings.yaml --strict", "Before it is sent: errors, and what will disappoint."},
    {"queues apply settings.yaml --dry-run", "What would be sent."},
    {"queues apply settings.yaml --prune --json", "Also remove what is not in the file."},
    {NULL, NULL},
};

static enum err check_flags(const struct flags *flags, const struct args *args,
                            struct err_note *note)
{
    if (flags->force && !flags->prune)
        return FAIL(note, ERR_USAGE, "--force belongs to --prune: nothing is removed without it");
    if (flags->observed != NULL && strcmp(flags->observed, "-") == 0 &&
        strcmp(args->values[0], "-") == 0)
        return FAIL(note, ERR_USAGE, "--observed: standard input is FILE.yaml already");
    return ERR_OK;
}

enum err cmd_queues(struct command_context *context, int argc, char **argv, struct err_note *note)
{
    struct flags flags = {.wait_ms = 30000, .partitions = 1};
    const struct arg_flag table[] = {
        ARGS_OF("apply"),
        ARGS_SWITCH("dry-run", &flags.dry_run, "print what would be sent, send nothing"),
        ARGS_SWITCH("prune", &flags.prune,
                    "remove what is not in the file, of the domains that are"),
        ARGS_SWITCH("force", &flags.force,
                    "with --prune: remove queues with callbacks too; those end QUEUE_REMOVED"),
        ARGS_SWITCH("state", &flags.state, "read the topic state too"),
        ARGS_DURATION("wait", "TIME", &flags.wait_ms, 0, 3600000, "for the answers"),
        ARGS_FILE("to", "LOG", &flags.to, "write all of the file as a topic log instead"),
        ARGS_TEXT("at", "TIME", &flags.at,
                  "with --to: the records' time, as 2026-01-31T08:00:00Z; now without it"),
        ARGS_INT("partitions", "N", &flags.partitions, 1, 1024, "with --to: of the topic"),
        ARGS_OF("lint"),
        ARGS_FILE("observed", "LOG", &flags.observed,
                  "what flows did, recorded by `ringback capture`; - is standard input"),
        ARGS_SWITCH("strict", &flags.strict, "warnings are a negative answer too: exit code 3"),
        ARGS_END,
    };
    const struct args_spec spec = {
        .text = help,
        .flags = table,
        .tasks = tasks,
        .exits = exits,
        .examples = examples,
        .options = true,
    };
    struct args args;

    TRY(args_parse(&spec, context, argc, argv, &args, note));
    if (args.task == TASK_REFERENCE) {
        settings_print_reference(context->out);
        return ERR_OK;
    }
    TRY(check_flags(&flags, &args, note));
    if (args.task == TASK_LINT)
        return lint(context, args.values[0], &flags, note);
    return apply(context, args.values[0], &flags, note);
}
