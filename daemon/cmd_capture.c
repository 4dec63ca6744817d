/* ringback capture: topics of Kafka into a recorded log. */
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "consumers/kafka.h"
#include "daemon/args.h"
#include "daemon/bus_kafka.h"
#include "daemon/topics.h"
#include "producers/log_file.h"

enum { timeout_ms = 10000, slice_ms = 100, silent_ms_max = 60000, progress_ms = 200 };

struct flags {
    const char *output;
    const char *only; /* "settings,flows"; NULL: all */
    bool follow;
};

struct capture {
    struct command_context *context;
    const struct options *options;
    const struct flags *flags;
    struct topics topics;
    struct kafka_log *log;
    struct log_writer *writer;
    int64_t said_ms;
};

static bool is_wanted(const char *only, enum topic topic)
{
    const char *name = topic_short_name(topic);
    const char *suffix = topic >= TOPIC_DLQ_FIRST ? ".dlq" : "";
    size_t size = strlen(name), suffix_size = strlen(suffix);

    if (only == NULL)
        return true;
    for (const char *at = only; *at != '\0';) {
        size_t length = strcspn(at, ",");

        if (length == size + suffix_size && memcmp(at, name, size) == 0 &&
            memcmp(at + size, suffix, suffix_size) == 0)
            return true;
        at += length + (at[length] == ',');
    }
    return false;
}

static enum err check_only(const char *only, struct err_note *note)
{
    for (const char *at = only; at != NULL && *at != '\0';) {
        size_t length = strcspn(at, ",");
        char name[80];
        bool known = false;

        snprintf(name, sizeof(name), "%.*s", (int)length, at);
        for (int i = 0; i < TOPIC_COUNT; i++)
            known |= is_wanted(name, (enum topic)i);
        if (!known)
            return FAIL(note, ERR_USAGE,
                        "--topics: there is no topic \"%s\"; known are settings, interactions, "
                        "presence, flows, commands, routing, analytics, results, state, journal, "
                        "and an input with .dlq",
                        name);
        at += length + (at[length] == ',');
    }
    return ERR_OK;
}

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

/* One partition up to the end that it had when this began. */
static enum err capture_partition(struct capture *capture, enum topic topic, int32_t partition,
                                  int64_t from, int64_t end, struct err_note *note)
{
    const char *name = capture->options->topic_names[topic];
    int64_t heard_ms = clock_monotonic_ms();
    struct kafka_reader *reader;
    enum err err;

    if (from >= end)
        return ERR_OK;
    TRY(kafka_reader_open(capture->log, name, topic, partition, from, &reader, note));
    for (;;) {
        struct record record;
        int64_t seen;

        err = kafka_reader_next(reader, slice_ms, &record, &seen, note);
        if (err == ERR_OK) {
            heard_ms = clock_monotonic_ms();
            if (record.offset < end)
                err = log_writer_add(capture->writer, name, &record, note);
            if (err == ERR_OK && record.offset + 1 >= end)
                break;
            say(capture, false);
        } else if (err == ERR_END) {
            err = ERR_OK;
            if (seen >= end)
                break;
            if (clock_monotonic_ms() - heard_ms > silent_ms_max)
                err = FAIL(note, ERR_BUS_DOWN,
                           "%s, partition %" PRId32 ": nothing came for %d s before its end", name,
                           partition, silent_ms_max / 1000);
        }
        if (err == ERR_OK && command_stopped())
            err = ERR_CANCELLED;
        if (err != ERR_OK)
            break;
    }
    kafka_reader_close(reader);
    return err;
}

/* All partitions of all wanted topics from where the last round ended. */
static enum err capture_round(struct capture *capture, int64_t *from, struct err_note *note)
{
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        const struct topic_info *info = &capture->topics.items[topic];

        if (!info->present || !is_wanted(capture->flags->only, (enum topic)topic))
            continue;
        for (int32_t i = 0; i < info->partitions; i++) {
            int64_t *next = &from[topic * (int64_t)capture->options->max_partitions + i];
            int64_t begin, stable, high;

            TRY(kafka_log_ends(capture->log, info->name, i, timeout_ms, &begin, &stable, &high,
                               note));
            TRY(capture_partition(capture, (enum topic)topic, i, *next > begin ? *next : begin,
                                  stable, note));
            *next = stable;
        }
    }
    return ERR_OK;
}

static enum err capture_all(struct capture *capture, struct err_note *note)
{
    int64_t *from = memory_zalloc((size_t)TOPIC_COUNT * (size_t)capture->options->max_partitions *
                                      sizeof(*from),
                                  "positions");
    enum err err = capture_round(capture, from, note);

    while (err == ERR_OK && capture->flags->follow && !command_stopped()) {
        (void)poll(NULL, 0, slice_ms);
        err = capture_round(capture, from, note);
    }
    if (capture->flags->follow && err == ERR_CANCELLED)
        err = ERR_OK; /* its normal end */
    free(from);
    return err;
}

static enum err check_partitions(const struct capture *capture, struct err_note *note)
{
    bool any = false;

    for (int i = 0; i < TOPIC_COUNT; i++) {
        const struct topic_info *info = &capture->topics.items[i];

        any |= info->present && is_wanted(capture->flags->only, (enum topic)i);
        if (info->present && info->partitions > capture->options->max_partitions)
            return FAIL(note, ERR_BUS_REFUSED,
                        "topic %s has %" PRId32 " partitions, more than max_partitions (%" PRId64
                        "): raise that",
                        info->name, info->partitions, capture->options->max_partitions);
    }
    if (!any)
        return FAIL(note, ERR_BUS_REFUSED, "none of the topics is there: is topics.prefix right?");
    return ERR_OK;
}

static enum err work(struct capture *capture, struct err_note *note)
{
    struct kafka_setting items[option_kafka_count_max];
    struct kafka_settings settings = bus_kafka_settings(capture->options, items);
    rd_kafka_t *client = NULL;
    enum err err = topics_client(capture->options, &client, note);

    if (err == ERR_OK)
        err = topics_read(client, capture->options, false, timeout_ms, &capture->topics, note);
    if (client != NULL)
        rd_kafka_destroy(client);
    TRY(err);
    TRY(check_partitions(capture, note));
    TRY(kafka_log_create(&settings, &capture->log, note));
    TRY(log_writer_create(capture->flags->output, &capture->writer, note));
    err = capture_all(capture, note);
    say(capture, true);
    if (err != ERR_OK) {
        log_writer_abandon(capture->writer);
        return err;
    }
    return log_writer_close(capture->writer, note);
}

enum err cmd_capture(struct command_context *context, int argc, char **argv, struct err_note *note)
{
    struct flags values = {.output = "-"};
    const struct arg_flag flags[] = {
        ARGS_TEXT("output", "FILE", &values.output, "where to; - is standard output"),
        ARGS_TEXT("topics", "NAMES", &values.only,
                  "only these, by their short names: settings,flows,journal,flows.dlq"),
        ARGS_SWITCH("follow", &values.follow, "go on with what comes, until SIGINT or SIGTERM"),
        ARGS_END,
    };
    const struct args_spec spec = {
        .text =
            "Writes the records of the topics, as consumers with read_committed see them, into\n"
            "a file: topic by topic, partition by partition, up to the ends that they have when\n"
            "it comes to them. Offsets are the broker's. `replay`, `play`, `decode` and `diff`\n"
            "read it.\n",
        .flags = flags,
        .options = true,
    };
    struct capture *capture;
    struct args args;
    struct options options;
    enum err err;

    TRY(args_parse(&spec, context, argc, argv, &args, note));
    TRY(check_only(values.only, note));
    err = options_load(&options, context, note);
    if (err == ERR_OK) {
        command_catch_signals();
        capture = memory_zalloc(sizeof(*capture), "a capture");
        capture->context = context;
        capture->options = &options;
        capture->flags = &values;
        err = work(capture, note);
        kafka_log_destroy(capture->log);
        free(capture);
    }
    options_deinit(&options);
    return err;
}
