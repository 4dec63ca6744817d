/* ringback capture: topics of Kafka into a recorded log. */
#include <inttypes.h>

#include "base/clock.h"
#include "daemon/args.h"
#include "daemon/topic_walk.h"
#include "producers/log_file.h"

enum { progress_ms = 200 };

struct capture {
    struct command_context *context;
    struct log_writer *writer;
    int64_t said_ms;
};

static void say(struct capture *capture, bool last)
{
    int64_t now_ms = clock_monotonic_ms();

    if (!capture->context->err_terminal || (!last && now_ms - capture->said_ms < progress_ms))
        return;
    capture->said_ms = now_ms;
    fprintf(capture->context->err, "\r%" PRIu64 " records, %.1f MB%s",
            log_writer_count(capture->writer), (double)log_writer_bytes(capture->writer) / 1e6,
            last ? "\n" : "");
    (void)fflush(capture->context->err);
}

static enum err add(void *context, enum topic topic, const char *name, const struct record *record,
                    struct err_note *note)
{
    struct capture *capture = context;

    (void)topic;
    TRY(log_writer_add(capture->writer, name, record, note));
    say(capture, false);
    return ERR_OK;
}

static enum err work(struct capture *capture, const struct options *options,
                     struct topic_walk_plan *plan, const char *output, struct err_note *note)
{
    struct topic_walk *walk;
    enum err err;

    plan->on_record = add;
    plan->context = capture;
    TRY(topic_walk_open(options, plan, &walk, note));
    err = log_writer_create(output, &capture->writer, note);
    if (err == ERR_OK) {
        err = topic_walk_run(walk, note);
        say(capture, true);
        if (err == ERR_OK)
            err = log_writer_close(capture->writer, note);
        else
            log_writer_abandon(capture->writer);
    }
    topic_walk_close(walk);
    return err;
}

static const struct arg_example examples[] = {
    {"capture --output all.log", "Every topic, up to its end."},
    {"capture --topics flows,commands --follow --output -", "Two of them, as it comes."},
    {NULL, NULL},
};

enum err cmd_capture(struct command_context *context, int argc, char **argv, struct err_note *note)
{
    struct topic_walk_plan plan = {.partition = -1};
    struct capture capture = {.context = context};
    const char *output = "-", *only = NULL;
    const struct arg_flag flags[] = {
        ARGS_FILE("output", "FILE", &output, "where to; - is standard output"),
        ARGS_WORDS("topics", "NAME,...", TOPIC_WORDS, &only,
                   "only these, by their short names: settings,flows,journal,flows.dlq"),
        ARGS_SWITCH("follow", &plan.follow, "go on with what comes, until SIGINT or SIGTERM"),
        ARGS_END,
    };
    const struct args_spec spec = {
        .text =
            "Writes the records of the topics, as consumers with read_committed see them, into\n"
            "a file: topic by topic, partition by partition, up to the ends that they have when\n"
            "it comes to them. Offsets are the broker's. `replay`, `play`, `decode` and `diff`\n"
            "read it.\n",
        .flags = flags,
        .examples = examples,
        .options = true,
    };
    struct args args;
    struct options options;
    enum err err;

    TRY(args_parse(&spec, context, argc, argv, &args, note));
    TRY(topic_walk_parse("--topics", only, &plan.topics, note));
    err = options_load(&options, context, note);
    if (err == ERR_OK) {
        command_catch_signals();
        err = work(&capture, &options, &plan, output, note);
    }
    options_deinit(&options);
    return err;
}
