/* ringback topics: creates what is missing, checks what is there. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/memory.h"
#include "daemon/args.h"
#include "daemon/columns.h"
#include "daemon/topics.h"

enum { read_timeout_ms = 10000 };

struct flags {
    bool create;
    bool for_replay;
    int64_t partitions;
    int64_t replication;
};

static const char *ms_text(int64_t ms, char *text, size_t size)
{
    if (ms == -2)
        snprintf(text, size, "?");
    else if (ms == -1 || ms == INT64_MAX)
        snprintf(text, size, "for ever");
    else
        value_format_duration(ms, text, size);
    return text;
}

static void print_topic(struct columns *table, const struct topic_info *info, bool for_ever)
{
    char retention[40];

    columns_add(table, TINT_PLAIN, info->name);
    if (!info->present) {
        columns_add(table, TINT_BAD, "missing");
        for (int i = 0; i < 3; i++)
            columns_add(table, TINT_PLAIN, "");
        return;
    }
    columns_format(table, TINT_PLAIN, "%" PRId32, info->partitions);
    columns_format(table, TINT_PLAIN, "%d", info->replication);
    columns_add(table, TINT_PLAIN, info->cleanup);
    columns_add(table, TINT_PLAIN,
                ms_text(for_ever ? -1 : info->retention_ms, retention, sizeof(retention)));
}

static void print_table(const struct command_context *context, const struct topics *topics,
                        const struct topics_report *report)
{
    struct columns *table =
        columns_create(context, "TOPIC|>PARTITIONS|>REPLICAS|CLEANUP|RETENTION");
    FILE *out = context->out;

    for (int i = 0; i < TOPIC_COUNT; i++)
        print_topic(table, &topics->items[i], i == TOPIC_STATE);
    columns_print(table, true);
    for (size_t i = 0; i < report->count; i++) {
        bool refused = report->items[i].severity == TOPICS_REFUSED;

        fprintf(out, "%s%s:%s %s %s\n",
                terminal_tint(context->out_colour, refused ? TINT_BAD : TINT_WARN),
                refused ? "refused" : "warning", terminal_tint(context->out_colour, TINT_PLAIN),
                topics->items[report->items[i].topic].name, report->items[i].text);
    }
    if (report->count == 0)
        fputs("All topics are there and as they should be.\n", out);
}

static void print_json(struct command_context *context, const struct topics *topics,
                       const struct topics_report *report)
{
    json_t *list = json_array(), *problems = json_array();

    for (int i = 0; i < TOPIC_COUNT; i++) {
        const struct topic_info *info = &topics->items[i];

        json_array_append_new(
            list, json_pack("{s:s, s:b, s:i, s:i, s:s, s:I, s:I}", "topic", info->name, "present",
                            info->present, "partitions", (int)info->partitions, "replication",
                            info->replication, "cleanup", info->cleanup, "retention_ms",
                            (json_int_t)info->retention_ms, "min_compaction_lag_ms",
                            (json_int_t)info->min_compaction_lag_ms));
    }
    for (size_t i = 0; i < report->count; i++)
        json_array_append_new(
            problems,
            json_pack("{s:s, s:s, s:s}", "severity",
                      report->items[i].severity == TOPICS_REFUSED ? "refused" : "warning", "topic",
                      topics->items[report->items[i].topic].name, "text", report->items[i].text));
    command_print_json(context, json_pack("{s:s, s:i, s:o, s:o}", "cluster_id", topics->cluster_id,
                                          "brokers", topics->broker_count, "topics", list,
                                          "problems", problems));
}

static enum err make_topics(rd_kafka_t *client, const struct options *options,
                            const struct flags *flags, struct topics *topics, struct err_note *note)
{
    if (flags->replication > topics->broker_count)
        return FAIL(note, ERR_USAGE, "--replication %d: the cluster has %d broker%s",
                    (int)flags->replication, topics->broker_count,
                    topics->broker_count == 1 ? "" : "s");
    if (flags->for_replay)
        TRY(topics_open_for_replay(client, topics, note));
    return topics_make(client, options, (int32_t)flags->partitions, (int)flags->replication,
                       flags->for_replay, topics, note);
}

static enum err work(struct command_context *context, const struct options *options,
                     const struct flags *flags, struct err_note *note)
{
    struct topics *topics = memory_zalloc(sizeof(*topics), "topics");
    struct topics_report *report = memory_zalloc(sizeof(*report), "a report");
    rd_kafka_t *client = NULL;
    enum err err = topics_client(options, &client, note);

    if (err == ERR_OK)
        err = topics_read(client, options, true, read_timeout_ms, topics, note);
    if (err == ERR_OK && flags->create)
        err = make_topics(client, options, flags, topics, note);
    if (err == ERR_OK) {
        topics_check(topics, options, flags->for_replay, report);
        if (context->json)
            print_json(context, topics, report);
        else
            print_table(context, topics, report);
        if (topics_refused(topics, report, note) != ERR_OK) {
            err = ERR_DIFFERENT; /* the answer is no; what was asked is done */
            if (note != NULL)
                note->err = err;
        }
    }
    if (client != NULL)
        rd_kafka_destroy(client);
    free(report);
    free(topics);
    return err;
}

static const struct arg_exit exits[] = {
    {3, "a topic is missing or is such that `ringback run` would refuse it"},
    {0, NULL},
};

static const struct arg_example examples[] = {
    {"topics --no-create", "What is there, and what is wrong with it."},
    {"topics --partitions 12", "Make those that are missing, the inputs with 12 partitions."},
    {NULL, NULL},
};

enum err cmd_topics(struct command_context *context, int argc, char **argv, struct err_note *note)
{
    struct flags values = {.create = true};
    const struct arg_flag flags[] = {
        ARGS_SWITCH("create", &values.create, "create the topics that are missing"),
        ARGS_INT("partitions", "N", &values.partitions, 0, 1024,
                 "partitions of new topics; 0: as the inputs that are there, else 1"),
        ARGS_INT("replication", "R", &values.replication, 0, 100,
                 "replicas of new topics; 0: 3, or as many as there are brokers"),
        ARGS_SWITCH("for-replay", &values.for_replay,
                    "keep records for ever and take stamps of any age: for recorded logs"),
        ARGS_END,
    };
    const struct args_spec spec = {
        .text = "Creates the topics that are missing with the settings that Ringback needs, and\n"
                "checks those that are there. Nothing is deleted; what is there is only changed\n"
                "with --for-replay.\n",
        .flags = flags,
        .exits = exits,
        .examples = examples,
        .json = ARGS_JSON,
        .options = true,
    };
    struct args args;
    struct options options;
    enum err err;

    TRY(args_parse(&spec, context, argc, argv, &args, note));
    err = options_load(&options, context, note);
    if (err == ERR_OK)
        err = work(context, &options, &values, note);
    options_deinit(&options);
    return err;
}
