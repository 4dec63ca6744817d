/* ringback run: the daemon. */

#include "base/point.h"
#include "daemon/args.h"
#include "daemon/run.h"

#if defined(RINGBACK_TEST_POINTS)
static void list_points(FILE *out)
{
    for (int i = 0; i < POINT_COUNT; i++)
        fprintf(out, "%s\t%s\n", point_name((enum point)i), point_text((enum point)i));
}
#endif

static bool stopped(void *context)
{
    (void)context;
    return command_stopped();
}

static const struct arg_exit exits[] = {
    {0, "it was told to stop"},
    {1, "it must not go on; the reason says what to do"},
    {0, NULL},
};

static const struct arg_example examples[] = {
    {"run --config ringback.yaml --http.listen=127.0.0.1:9464", "With health and metrics."},
    {NULL, NULL},
};

enum err cmd_run(struct command_context *context, int argc, char **argv, struct err_note *note)
{
#if defined(RINGBACK_TEST_POINTS)
    bool listed = false;
#endif
    const struct arg_flag flags[] = {
#if defined(RINGBACK_TEST_POINTS)
        ARGS_SWITCH("list-points", &listed, "print the places at which this test build can die"),
#endif
        ARGS_END,
    };
    const struct args_spec spec = {
        .text = "Reads the five inputs, decides, and writes routing, analytics and results, each\n"
                "batch in one transaction; Redis follows. Runs until SIGTERM or SIGINT, which end\n"
                "the batch and leave the group. Exits with the reason when it must not go on.\n"
                "`ringback topics` makes the topics that it needs.\n",
        .flags = flags,
        .exits = exits,
        .examples = examples,
        .options = true,
    };
    struct run_options run = {.supervised = true, .described = true, .stopped = stopped};
    struct args args;
    struct options options;
    enum err err;

    TRY(args_parse(&spec, context, argc, argv, &args, note));
#if defined(RINGBACK_TEST_POINTS)
    if (listed) {
        list_points(context->out);
        return ERR_OK;
    }
#endif
    err = options_load(&options, context, note);
    if (err == ERR_OK) {
        options_log(&options);
        command_catch_signals();
        run.options = &options;
        err = run_daemon(&run, note);
    }
    options_deinit(&options);
    return err;
}
