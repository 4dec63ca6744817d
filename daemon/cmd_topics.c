/* ringback topics: creates what is missing, checks what is there. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/memory.h"
#include "daemon/args.h"
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

static void print_table(const struct topics *topics, const struct topics_report *report, FILE *out)
{
    char retention[40];

    fprintf(out, "%-36s %10s %8s %-16s %s\n", "TOPIC", "PARTITIONS", "REPLICAS", "CLEANUP",
            "RETENTION");
    for (int i = 0; i < TOPIC_COUNT; i++) {
        const struct topic_info *info = &topics->items[i];

        if (!info->present) {
            fprintf(out, "%-36s %10s\n", info->name, "missing");
            continue;
        }
        fprintf(out, "%-36s %10" PRId32 " %8d %-16s %s\n", info->name, info->partitions,
                info->replication, info->cleanup,
                ms_text(i == TOPIC_STATE ? -1 : info->retention_ms, retention, sizeof(retention)));
    }
    for (size_t i = 0; i < report->count; i++)
        fprintf(out, "%s: %s %s\n",
                report->items[i].severity == TOPICS_REFUSED ? "refused" : "warning",
                topics->items[report->items[i].topic].name, report->items[i].text);
    if (report->count == 0)
        fputs("All topics are there and as they should be.\n", out);
}

static enum err print_json(const struct topics *topics, const struct topics_report *report,
                           FILE *out, struct err_note *note)
{
    json_t *list = json_array(), *problems = json_array(), *root;
    int failed;

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
    root = json_pack("{s:s, s:i, s:o, s:o}", "cluster_id", topics->cluster_id, "brokers",
                     topics->broker_count, "topics", list, "problems", problems);
    failed = json_dumpf(root, out, JSON_INDENT(2));
    json_decref(root);
    fputs("\n", out);
    return failed == 0 ? ERR_OK : FAIL(note, ERR_IO, "standard output cannot be written");
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
            err = print_json(topics, report, context->out, note);
        else
            print_table(topics, report, context->out);
    }
    if (err == ERR_OK)
        err = topics_refused(topics, report, note);
    if (client != NULL)
        rd_kafka_destroy(client);
    free(report);
    free(topics);
    return err;
}

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
                "with --for-replay. Exits with 1 when `ringback run` would refuse them.\n",
        .flags = flags,
        .json = true,
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
