/* ringback audit: do Redis, the state topic and a replay agree? */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/args.h"
#include "daemon/audit.h"
#include "daemon/terminal.h"

struct printer {
    struct command_context *context;
    json_t *list;
    int64_t left; /* so many more */
};

static void add_side(json_t *json, const char *name, json_t *side)
{
    (void)json_object_set_new(json, name, side == NULL ? json_null() : json_incref(side));
}

static void print_side(const char *name, const json_t *side, FILE *out)
{
    char *text = side == NULL ? NULL : json_dumps(side, JSON_COMPACT);

    if (text != NULL)
        fprintf(out, "  %s %s\n", name, text);
    free(text);
}

static void print_difference(void *context, const struct audit_difference *difference)
{
    struct printer *printer = context;
    FILE *out = printer->context->out;
    json_t *json;

    if (printer->left-- <= 0)
        return;
    if (printer->context->json) {
        json =
            json_pack("{s:s, s:i, s:s, s:s}", "what", difference->what, "partition",
                      (int)difference->partition, "key", difference->key, "text", difference->text);
        add_side(json, "ours", difference->ours);
        add_side(json, "theirs", difference->theirs);
        (void)json_array_append_new(printer->list, json);
        return;
    }
    fprintf(out, "%s, partition %" PRId32 ": %s%s%s\n", difference->what, difference->partition,
            difference->key, difference->key[0] == '\0' ? "" : ": ", difference->text);
    print_side("Kafka:", difference->ours, out);
    print_side(strcmp(difference->what, "replay") == 0 ? "replay:" : "Redis:", difference->theirs,
               out);
}

static void print_counts(const struct printer *printer, const struct audit_counts *counts,
                         const struct options *options, bool replay)
{
    bool colour = printer->context->out_colour;
    FILE *out = printer->context->out;
    json_t *json;

    if (printer->context->json) {
        json =
            json_pack("{s:b, s:i, s:I, s:I, s:I, s:I, s:I, s:O}", "agree", counts->differences == 0,
                      "partitions", (int)counts->partitions, "batches", (json_int_t)counts->batches,
                      "entities", (json_int_t)counts->entities, "in_redis",
                      (json_int_t)counts->copies, "replayed", (json_int_t)counts->replayed,
                      "differences", (json_int_t)counts->differences, "list", printer->list);
        command_print_json(printer->context, json);
        return;
    }
    fprintf(out,
            "%" PRId32 " partitions, %" PRIu64 " batches, %" PRIu64 " entities, %" PRIu64
            " of them in Redis%s: ",
            counts->partitions, counts->batches, counts->entities, counts->copies,
            options->redis_enabled ? "" : " (redis.enabled is false)");
    if (counts->differences == 0)
        fprintf(out, "%sall agree%s\n", terminal_tint(colour, TINT_GOOD),
                terminal_tint(colour, TINT_PLAIN));
    else
        fprintf(out, "%s%" PRIu64 " differences%s\n", terminal_tint(colour, TINT_BAD),
                counts->differences, terminal_tint(colour, TINT_PLAIN));
    if (replay)
        fprintf(out, "%" PRIu64 " records of a replay are on the outputs\n", counts->replayed);
}

static const struct arg_exit exits[] = {
    {0, "all agree"},
    {3, "something differs"},
    {0, NULL},
};

static const struct arg_example examples[] = {
    {"audit", "Redis and the topic state, while the daemon runs."},
    {"audit --replay --json", "Decide all again, too; for machines."},
    {NULL, NULL},
};

enum err cmd_audit(struct command_context *context, int argc, char **argv, struct err_note *note)
{
    static struct options options;
    struct printer printer = {.context = context};
    int64_t partition = -1, max = 100;
    bool replay = false;
    const struct arg_flag flags[] = {
        ARGS_INT("partition", "P", &partition, -1, INT32_MAX, "only this one; -1: all"),
        ARGS_SWITCH("replay", &replay, "decide the journal again, from its beginning"),
        ARGS_INT("max", "N", &max, 0, 1000000000, "print at most so many differences"),
        ARGS_END,
    };
    const struct args_spec spec = {
        .text =
            "Reads Redis and the topic state while the daemon runs, and tells every entity that\n"
            "Redis has otherwise than state had it at any batch while Redis was read; and whether\n"
            "count and digest of state are those that its last meta record says. With --replay\n"
            "the journal and the inputs are decided again, and what comes of it must be on\n"
            "routing, analytics and results, byte for byte (they must be there from their\n"
            "beginning). Nothing is changed.\n",
        .flags = flags,
        .exits = exits,
        .examples = examples,
        .json = ARGS_JSON,
        .options = true,
    };
    struct audit_plan plan = {.options = &options, .on_difference = print_difference};
    struct audit_counts counts = {0};
    struct args args;
    enum err err;

    TRY(args_parse(&spec, context, argc, argv, &args, note));
    command_option_first(context, "log.level", "error");
    plan.partition = (int32_t)partition;
    plan.replay = replay;
    plan.context = &printer;
    printer.left = max;
    printer.list = json_array();
    err = options_load(&options, context, note);
    if (err == ERR_OK) {
        options_log(&options);
        command_catch_signals();
        err = audit_run(&plan, &counts, note);
    }
    if (err == ERR_OK) {
        print_counts(&printer, &counts, &options, replay);
        if (counts.differences > 0)
            err = FAIL(note, ERR_DIFFERENT, "%s", "");
    }
    json_decref(printer.list);
    options_deinit(&options);
    return err;
}
