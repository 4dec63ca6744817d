/* ringback export: callbacks and what became of them, from the analytics topic (rule 9.5). */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "consumers/log_file.h"
#include "daemon/args.h"
#include "daemon/export.h"
#include "daemon/log_json.h"
#include "daemon/log_topics.h"
#include "daemon/topic_walk.h"

static const char export_text[] =
    "Reads the analytics topic in the file LOG (- is standard input), or without LOG that of Kafka "
    "up\n"
    "to its end, and writes the conversations that have callbacks, in order of their creation. "
    "CSV: a\n"
    "row a callback, times as RFC 3339, UTC; JSON: a line a conversation, with segments, times as "
    "Unix\n"
    "ms. Metrics have their usual names: t... are ms and n... counts, summed over the callback;\n"
    "oServiceLevel is the mean in millionths. A metric that a callback has not is empty.\n"
    "Limits: 10,000 conversations created in the last 12 hours, and 1,000,000 older ones; a span "
    "that\n"
    "has both is two parts (`part`), each under its own limit. Over a limit nothing is written: it "
    "says\n"
    "how many there are. Nor is anything written of a damaged log. Callbacks that began before "
    "what the\n"
    "topic still holds are left out and counted.\n";

struct wanted {
    struct export_plan plan;
    const char *from, *to, *now, *output;
    int format;
};

struct reading {
    struct exporter *exporter;
    const struct framing *framing;
    struct arena arena; /* of one record */
};

static enum err take(struct reading *reading, const char *name, const struct record *record,
                     struct err_note *note)
{
    const ProtobufCMessage *message =
        log_json_unpack(reading->framing, TOPIC_ANALYTICS, record, &reading->arena);

    if (message == NULL)
        return FAIL(note, ERR_BAD_FILE,
                    "%s, partition %" PRId32 ", offset %" PRId64
                    ": no analytics event; nothing is written: is it another topic's?",
                    name, record->partition, record->offset);
    export_add(reading->exporter, record->key, (const Ringback__V1__AnalyticsEvent *)message);
    return ERR_OK;
}

static enum err take_from_kafka(void *context, enum topic topic, const char *name,
                                const struct record *record, struct err_note *note)
{
    struct reading *reading = context;

    (void)topic;
    arena_reset(&reading->arena);
    return take(reading, name, record, note);
}

static enum err read_kafka(struct reading *reading, const struct options *options,
                           struct err_note *note)
{
    const struct topic_walk_plan plan = {.topics = UINT64_C(1) << TOPIC_ANALYTICS,
                                         .partition = -1,
                                         .on_record = take_from_kafka,
                                         .context = reading};
    struct topic_walk *walk;
    enum err err;

    TRY(topic_walk_open(options, &plan, &walk, note));
    command_catch_signals();
    err = topic_walk_run(walk, note);
    topic_walk_close(walk);
    return err;
}

static enum err read_log(struct reading *reading, const char *path, const struct options *options,
                         struct err_note *note)
{
    const char *const *names = (const char *const *)options->topic_names;
    struct log_strangers strangers = {.count = 0};
    char text[log_strangers_text_bytes];
    struct log_reader *reader;
    struct log_entry entry;
    uint64_t taken = 0;
    enum err err;

    TRY(log_reader_open(path, &reader, note));
    for (;;) {
        enum topic topic;

        arena_reset(&reading->arena);
        err = log_reader_next(reader, &reading->arena, &entry, note);
        if (err != ERR_OK)
            break;
        topic = log_topics_find(names, entry.topic, NULL);
        if (topic == TOPIC_COUNT)
            log_strangers_add(&strangers, entry.topic);
        if (topic != TOPIC_ANALYTICS)
            continue;
        taken++;
        err = take(reading, path, &entry.record, note);
        if (err != ERR_OK)
            break;
    }
    log_reader_close(reader);
    if (err != ERR_END)
        return err;
    if (taken == 0 && strangers.records > 0)
        return FAIL(note, ERR_BAD_FILE,
                    "%s: no topic of it is known as analytics; it has %s: " LOG_STRANGERS_ADVICE,
                    path, log_strangers_text(&strangers, text));
    return ERR_OK;
}

/* A file appears under its name when it is whole. */
static enum err write_file(struct exporter *exporter, const char *path, struct err_note *note)
{
    char partial[4096];
    FILE *file;
    enum err err;

    if (snprintf(partial, sizeof(partial), "%s.partial", path) >= (int)sizeof(partial))
        return FAIL(note, ERR_USAGE, "--output: the name is longer than %zu bytes",
                    sizeof(partial) - 9);
    file = fopen(partial, "w");
    if (file == NULL)
        return FAIL(note, ERR_IO, "--output %s: %s cannot be made: %s", path, partial,
                    strerror(errno));
    err = export_write(exporter, file, note);
    if (err == ERR_OK && fsync(fileno(file)) != 0 && errno != EINVAL && errno != EROFS)
        err = FAIL(note, ERR_IO, "%s cannot be written: %s", partial, strerror(errno));
    if (fclose(file) != 0 && err == ERR_OK)
        err = FAIL(note, ERR_IO, "%s cannot be written: %s", partial, strerror(errno));
    if (err == ERR_OK && rename(partial, path) != 0)
        err = FAIL(note, ERR_IO, "%s cannot be renamed to %s: %s", partial, path, strerror(errno));
    if (err != ERR_OK)
        (void)unlink(partial);
    return err;
}

static enum err work(struct command_context *context, const struct wanted *wanted, const char *log,
                     const struct options *options, struct err_note *note)
{
    struct reading reading = {.exporter = export_create(&wanted->plan),
                              .framing = &options->framing};
    struct export_counts counts;
    enum err err;

    arena_init(&reading.arena);
    err =
        log != NULL ? read_log(&reading, log, options, note) : read_kafka(&reading, options, note);
    if (err == ERR_OK && strcmp(wanted->output, "-") == 0)
        err = export_write(reading.exporter, context->out, note);
    else if (err == ERR_OK)
        err = write_file(reading.exporter, wanted->output, note);
    counts = export_counts(reading.exporter);
    if (err == ERR_OK && counts.headless > 0)
        fprintf(context->err,
                "left out: %" PRIu64 " callbacks that began before what the topic still holds\n",
                counts.headless);
    arena_deinit(&reading.arena);
    export_destroy(reading.exporter);
    return err;
}

static enum err read_time(const char *flag, const char *text, int64_t *time_ms,
                          struct err_note *note)
{
    if (text == NULL || clock_parse(text, time_ms, note) == ERR_OK)
        return ERR_OK;
    return err_prefix(note, "%s: ", flag);
}

static enum err read_times(struct wanted *wanted, struct err_note *note)
{
    TRY(read_time("--from", wanted->from, &wanted->plan.from_ms, note));
    TRY(read_time("--to", wanted->to, &wanted->plan.to_ms, note));
    TRY(read_time("--now", wanted->now, &wanted->plan.now_ms, note));
    if (wanted->plan.from_ms >= wanted->plan.to_ms)
        return FAIL(note, ERR_USAGE, "--to: %s is not later than --from, %s", wanted->to,
                    wanted->from);
    return ERR_OK;
}

static const struct arg_example examples[] = {
    {"export --from 2026-01-01T00:00:00Z --to 2026-02-01T00:00:00Z --output january.csv",
     "A month, from Kafka."},
    {"export day.log --format json", "Conversations of a log with their segments."},
    {NULL, NULL},
};

enum err cmd_export(struct command_context *context, int argc, char **argv, struct err_note *note)
{
    struct wanted wanted = {
        .plan = {.now_ms = clock_wall_ms(), .from_ms = INT64_MIN, .to_ms = INT64_MAX},
        .output = "-",
    };
    const struct arg_flag flags[] = {
        ARGS_TEXT("from", "TIME", &wanted.from, "created then or later: 2026-01-31T08:00:00Z"),
        ARGS_TEXT("to", "TIME", &wanted.to, "created before then"),
        ARGS_TEXT("domain", "ID", &wanted.plan.domain, "only of this domain"),
        ARGS_CHOICE("format", "csv|json", &wanted.format, "rows, or JSON lines"),
        ARGS_FILE("output", "FILE", &wanted.output,
                  "where to, there when it is whole; - is standard output"),
        ARGS_TEXT("now", "TIME", &wanted.now, "what the 12 hours count back from, if not now"),
        ARGS_END,
    };
    const struct args_spec spec = {.positional = "[LOG]",
                                   .text = export_text,
                                   .flags = flags,
                                   .examples = examples,
                                   .positional_max = 1,
                                   .offer = ARG_OFFER_FILES,
                                   .options = true};
    struct options options;
    struct args args;
    enum err err;

    TRY(args_parse(&spec, context, argc, argv, &args, note));
    TRY(read_times(&wanted, note));
    wanted.plan.format = wanted.format == 0 ? EXPORT_CSV : EXPORT_JSON;
    err = options_load(&options, context, note);
    if (err == ERR_OK)
        err = work(context, &wanted, args.count > 0 ? args.values[0] : NULL, &options, note);
    options_deinit(&options);
    return err;
}
