/* ringback replay: a recorded log once more through the engine. */
#include <inttypes.h>

#include "daemon/args.h"
#include "daemon/replay.h"

static const char replay_text[] =
    "Decides the input topics of LOG again and writes what comes out to --out: routing, "
    "analytics,\n"
    "results, dead letters, state and journal, with offsets from 0. The clock is the records' "
    "own,\n"
    "the last record of an input is its end; so a log gives the same outputs whenever and "
    "wherever\n"
    "it is replayed, in batches of any size. With --journal it follows the journal in LOG "
    "instead,\n"
    "which a capture of the wall clock needs. Compare with `ringback diff`. LOG and --out may be "
    "-.\n"
    "Topics are known by the names that the options give them (topics.*), else by their endings.\n"
    "A damaged log is decided up to the damage, which is then named by its byte.\n";

static void print_counts(const struct replay_options *options, const struct replay_counts *counts,
                         FILE *err)
{
    double seconds = (double)counts->elapsed_ns / 1e9;
    double events = counts->events == 0 ? 1 : (double)counts->events;

    fprintf(err,
            "%s: %" PRIu64 " events on %" PRId32 " partitions: %" PRIu64 " outputs, %" PRIu64
            " dead letters, %" PRIu64 " timers, %" PRIu64 " batches\n",
            options->log, counts->events, counts->partitions, counts->outputs, counts->dead_letters,
            counts->timers, counts->batches);
    fprintf(err, "%.3f s, %.0f events/s, %.0f ns an event (%.0f of computing)\n", seconds,
            seconds > 0 ? events / seconds : 0, (double)counts->elapsed_ns / events,
            (double)counts->cpu_ns / events);
    if (counts->strangers.records > 0) {
        char text[log_strangers_text_bytes];

        fprintf(err, "left out: %" PRIu64 " records of %s; " LOG_STRANGERS_ADVICE "\n",
                counts->strangers.records, log_strangers_text(&counts->strangers, text));
    }
    if (counts->wall_clock && !options->journal)
        fputs("LOG has the journal of a run on the wall clock; only --journal gives its outputs"
              " again\n",
              err);
}

static void print_json(struct command_context *context, const struct replay_counts *counts)
{
    command_print_json(
        context,
        json_pack("{s:I, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "events",
                  (json_int_t)counts->events, "partitions", (int)counts->partitions, "outputs",
                  (json_int_t)counts->outputs, "dead_letters", (json_int_t)counts->dead_letters,
                  "timers", (json_int_t)counts->timers, "batches", (json_int_t)counts->batches,
                  "records", (json_int_t)counts->records, "left_out",
                  (json_int_t)counts->strangers.records, "elapsed_ns",
                  (json_int_t)counts->elapsed_ns, "cpu_ns", (json_int_t)counts->cpu_ns));
}

static const struct arg_example examples[] = {
    {"replay day.log --out replay.log", "Decide a recorded day again."},
    {"replay day.log --journal --json", "As its journal says; counts for machines."},
    {NULL, NULL},
};

enum err cmd_replay(struct command_context *context, int argc, char **argv, struct err_note *note)
{
    int64_t records_max = 1000, partitions = 0;
    struct options decide;
    struct replay_options options = {.options = &decide};
    const struct arg_flag flags[] = {
        ARGS_FILE("out", "FILE", &options.out, "where the outputs go; without it nowhere"),
        ARGS_INT("batch", "N", &records_max, 1, 1000000, "records of a batch"),
        ARGS_INT("partitions", "P", &partitions, 0, 10000,
                 "of the inputs; 0: as the log's meta records say, else its highest"),
        ARGS_SWITCH("journal", &options.journal, "follow the journal in LOG"),
        ARGS_END,
    };
    const struct args_spec spec = {.positional = "LOG",
                                   .text = replay_text,
                                   .flags = flags,
                                   .positional_min = 1,
                                   .examples = examples,
                                   .positional_max = 1,
                                   .offer = ARG_OFFER_FILES,
                                   .json = ARGS_JSON,
                                   .options = true};
    struct replay_counts counts;
    struct args args;
    enum err err;

    TRY(args_parse(&spec, context, argc, argv, &args, note));
    options.log = args.values[0];
    options.records_max = (size_t)records_max;
    options.partitions = (int32_t)partitions;
    options.progress = context->err_terminal ? context->err : NULL;
    command_catch_signals();
    counts = (struct replay_counts){.events = 0};
    err = options_load(&decide, context, note);
    if (err == ERR_OK)
        err = replay_run(&options, &counts, note);
    options_deinit(&decide);
    if (err != ERR_OK && (err != ERR_BAD_FILE || counts.events == 0))
        return err;
    if (context->json)
        print_json(context, &counts);
    else
        print_counts(&options, &counts, context->err);
    return err;
}
