/* ringback sandbox: the real daemon on an in-process broker and a private redis-server. */
#include <inttypes.h>
#include <poll.h>

#include "daemon/args.h"
#include "daemon/aside.h"
#include "daemon/sandbox.h"
#include "daemon/sandbox_play.h"

struct flags {
    const char *play;
    const char *out;
    int64_t partitions;
};

static struct aside daemon_aside;

static bool play_stopped(void)
{
    return aside_ended(&daemon_aside);
}

static enum err make_topics(struct sandbox *sandbox, const struct options *options,
                            int32_t partitions, struct err_note *note)
{
    for (int i = 0; i < TOPIC_COUNT; i++)
        TRY(sandbox_topic(sandbox, options->topic_names[i], partitions, note));
    return ERR_OK;
}

static enum err play_log(struct command_context *context, struct sandbox_play *play,
                         const struct flags *flags, struct err_note *note)
{
    struct err_note daemon_note = {.err = ERR_OK};
    enum err err, daemon_err;

    /* What is there at a first start with clock: event is taken for the whole log. */
    while (!play_stopped() && atomic_load(&daemon_aside.deciding) < sandbox_play_partitions(play))
        (void)poll(NULL, 0, 10);
    err = sandbox_play_run(play, flags->out, play_stopped, note);
    daemon_err = aside_stop(&daemon_aside, &daemon_note);
    if (daemon_err != ERR_OK && err != ERR_IO && !command_stopped()) {
        *note = daemon_note;
        return daemon_err;
    }
    TRY(err);
    fprintf(context->out,
            "%s: %zu records played, all decided; written to %s: %zu routing, %zu analytics,"
            " %zu results\n",
            flags->play, sandbox_play_records(play), flags->out,
            sandbox_play_outputs(play, TOPIC_ROUTING), sandbox_play_outputs(play, TOPIC_ANALYTICS),
            sandbox_play_outputs(play, TOPIC_RESULTS));
    return ERR_OK;
}

static enum err stay(struct command_context *context, const struct sandbox *sandbox,
                     const struct options *options, int32_t partitions, struct err_note *note)
{
    const char *broker = sandbox_bootstrap(sandbox);

    fprintf(context->out,
            "The daemon runs on\n"
            "  Kafka  %s  (librdkafka's in-process broker: no real transactions)\n"
            "  Redis  %s\n"
            "  topics %s, ... with %" PRId32 " partitions\n"
            "The checks of the topics' settings are skipped: this broker does not tell them.\n"
            "Nothing outlives this command; Ctrl-C ends it. Try in another terminal:\n"
            "  ringback queues apply deploy/example-settings.yaml"
            " --kafka.bootstrap.servers=%s\n"
            "  ringback decode --follow --kafka.bootstrap.servers=%s\n",
            broker, sandbox_redis_url(sandbox), options->topic_names[0], partitions, broker,
            broker);
    (void)fflush(context->out);
    while (!play_stopped())
        (void)poll(NULL, 0, 50);
    return aside_stop(&daemon_aside, note);
}

static enum err run_in(struct command_context *context, struct sandbox *sandbox,
                       const struct options *options, const struct flags *flags,
                       struct err_note *note)
{
    struct sandbox_play *play = NULL;
    int32_t partitions = (int32_t)flags->partitions;
    enum err err = ERR_OK;

    if (flags->play != NULL) {
        TRY(sandbox_play_create(flags->play, options, &play, note));
        partitions = sandbox_play_partitions(play);
    }
    err = make_topics(sandbox, options, partitions, note);
    if (err == ERR_OK)
        err = aside_start(&daemon_aside, options, false, note);
    if (err == ERR_OK)
        err = play != NULL ? play_log(context, play, flags, note)
                           : stay(context, sandbox, options, partitions, note);
    sandbox_play_destroy(play);
    return err;
}

static enum err prepare(struct command_context *context, const struct sandbox *sandbox,
                        const struct flags *flags, struct err_note *note)
{
    command_option_first(context, "log.level", "warn");
    command_option_first(context, "group", "sandbox");
    TRY(command_option_last(context, "kafka.bootstrap.servers", sandbox_bootstrap(sandbox), note));
    TRY(command_option_last(context, "redis.url", sandbox_redis_url(sandbox), note));
    return flags->play == NULL ? ERR_OK : command_option_last(context, "clock", "event", note);
}

static const struct arg_example examples[] = {
    {"sandbox", "A daemon to play with, until Ctrl-C."},
    {"sandbox --play day.log --out live.log", "A recorded day through the real daemon."},
    {NULL, NULL},
};

enum err cmd_sandbox(struct command_context *context, int argc, char **argv, struct err_note *note)
{
    static struct options options;
    struct flags flags = {.partitions = 1};
    const struct arg_flag table[] = {
        ARGS_FILE("play", "LOG", &flags.play, "play the inputs of a recorded log, then end"),
        ARGS_FILE("out", "LOG", &flags.out, "where to write what the daemon answers to --play"),
        ARGS_INT("partitions", "N", &flags.partitions, 1, sandbox_partitions_max,
                 "of each topic; with --play, as the log has"),
        ARGS_END,
    };
    const struct args_spec spec = {
        .text = "Starts librdkafka's in-process broker and a private redis-server, makes the\n"
                "topics, and runs the real daemon on them. For a first look: that broker does no\n"
                "real transactions, so nothing here says anything about guarantees.\n"
                "\n"
                "--play LOG sends the inputs of a recorded log (as `ringback simulate --record`\n"
                "writes it), lets the daemon decide with the records' own times (clock: event),\n"
                "writes its answers to --out LOG and ends.\n",
        .flags = table,
        .examples = examples,
        .options = true,
    };
    struct args args;
    struct sandbox *sandbox = NULL;
    enum err err;

    TRY(args_parse(&spec, context, argc, argv, &args, note));
    if ((flags.play == NULL) != (flags.out == NULL))
        return FAIL(note, ERR_USAGE, "--play LOG and --out LOG go together");
    command_catch_signals();
    TRY(sandbox_create(&sandbox, note));
    err = prepare(context, sandbox, &flags, note);
    if (err == ERR_OK) {
        err = options_load(&options, context, note);
        if (err == ERR_OK) {
            options_log(&options);
            err = run_in(context, sandbox, &options, &flags, note);
        }
        options_deinit(&options);
    }
    sandbox_destroy(sandbox);
    return err;
}
