/* ringback decode: a topic log, or topics of Kafka, as JSON lines. */
#include "consumers/log_file.h"
#include "daemon/args.h"
#include "daemon/log_json.h"
#include "daemon/log_topics.h"
#include "daemon/topic_walk.h"

static const char decode_text[] =
    "Prints the file LOG (- is standard input), or without LOG the topics of Kafka as consumers "
    "with\n"
    "read_committed see them, up to the ends that they have. One JSON object a record: topic,\n"
    "partition, offset, timestamp (Unix ms), key, headers, value. Values are decoded by their "
    "topic:\n"
    "fields by their names in the contract, those with their default left out, enums as names, "
    "bytes\n"
    "as hex. What cannot be decoded is value_hex. A damaged log is printed up to the damage.\n"
    "Topics are known by the names that the options give them (topics.*), else by their endings.\n";

struct decode_options {
    const char *topic;    /* full or short name; NULL: all */
    const char *callback; /* NULL: all */
    int64_t partition;    /* -1: all */
    bool follow;
};

static bool wanted_topic(const struct decode_options *options, struct slice name, enum topic topic)
{
    bool dead = topic >= TOPIC_DLQ_FIRST;

    if (options->topic == NULL || slice_equal(slice_text(options->topic), name))
        return true;
    return topic != TOPIC_COUNT && !dead && strcmp(options->topic, topic_short_name(topic)) == 0;
}

static bool holds(struct slice bytes, const char *text)
{
    return bytes.size > 0 && memmem(bytes.data, bytes.size, text, strlen(text)) != NULL;
}

/* Cheap: whether the text stands anywhere in key or value. */
static bool may_mention(const struct record *record, const char *text)
{
    return holds(record->key, text) || holds(record->value, text);
}

static bool mentions(const struct framing *framing, const struct log_entry *entry, enum topic topic,
                     const char *callback, const json_t *json, struct arena *arena)
{
    return log_json_mentions(json_object_get(json, "value"), callback) ||
           strcmp(log_json_callback(framing, topic, &entry->record, arena), callback) == 0;
}

struct printer {
    const struct decode_options *options;
    struct command_context *context;
    const struct framing *framing;
    struct arena arena; /* of one record */
};

static enum err print_record(struct printer *printer, const struct log_entry *entry,
                             enum topic topic, struct err_note *note)
{
    const char *callback = printer->options->callback;
    FILE *out = printer->context->out;
    json_t *json;

    if (callback != NULL && !may_mention(&entry->record, callback))
        return ERR_OK;
    json = log_json_record(printer->framing, entry->topic, topic, &entry->record, &printer->arena);
    if (callback == NULL ||
        mentions(printer->framing, entry, topic, callback, json, &printer->arena)) {
        json_dumpf(json, out, JSON_COMPACT);
        fputc('\n', out);
    }
    json_decref(json);
    return ferror(out) ? FAIL(note, ERR_IO, "standard output cannot be written") : ERR_OK;
}

static enum err print_log(struct printer *printer, const char *path, const char *const *names,
                          struct err_note *note)
{
    const struct decode_options *options = printer->options;
    struct log_reader *reader;
    struct log_entry entry;
    enum err err;

    TRY(log_reader_open(path, &reader, note));
    for (;;) {
        enum topic topic;

        arena_reset(&printer->arena);
        err = log_reader_next(reader, &printer->arena, &entry, note);
        if (err != ERR_OK)
            break;
        topic = log_topics_find(names, entry.topic, NULL);
        if (!wanted_topic(options, entry.topic, topic) ||
            (options->partition >= 0 && options->partition != entry.record.partition))
            continue;
        err = print_record(printer, &entry, topic, note);
        if (err != ERR_OK)
            break;
    }
    log_reader_close(reader);
    return err == ERR_END ? ERR_OK : err;
}

static enum err print_from_kafka(void *context, enum topic topic, const char *name,
                                 const struct record *record, struct err_note *note)
{
    struct printer *printer = context;
    struct log_entry entry = {.topic = slice_text(name), .record = *record};

    arena_reset(&printer->arena);
    TRY(print_record(printer, &entry, topic, note));
    if (printer->options->follow && fflush(printer->context->out) != 0)
        return FAIL(note, ERR_IO, "standard output cannot be written");
    return ERR_OK;
}

/* A topic by its short or its full name. */
static enum err choose_topics(const struct decode_options *wanted, const struct options *options,
                              uint64_t *topics, struct err_note *note)
{
    for (int i = 0; wanted->topic != NULL && i < TOPIC_COUNT; i++) {
        if (strcmp(options->topic_names[i], wanted->topic) == 0) {
            *topics = UINT64_C(1) << i;
            return ERR_OK;
        }
    }
    return topic_walk_parse("--topic", wanted->topic, topics, note);
}

static enum err print_kafka(struct printer *printer, const struct options *options,
                            struct err_note *note)
{
    struct topic_walk_plan plan = {.partition = (int32_t)printer->options->partition,
                                   .follow = printer->options->follow,
                                   .on_record = print_from_kafka,
                                   .context = printer};
    struct topic_walk *walk;
    enum err err;

    TRY(choose_topics(printer->options, options, &plan.topics, note));
    TRY(topic_walk_open(options, &plan, &walk, note));
    command_catch_signals();
    err = topic_walk_run(walk, note);
    topic_walk_close(walk);
    return err;
}

static enum err check_flags(const struct decode_options *options, bool file, struct err_note *note)
{
    if (file && options->follow)
        return FAIL(note, ERR_USAGE, "--follow: a file does not grow; leave LOG out to read Kafka");
    return ERR_OK;
}

static const struct arg_example examples[] = {
    {"decode day.log --callback cb-1", "All that a log says of one callback."},
    {"decode --topic routing --follow", "What the switch is told, as it comes."},
    {NULL, NULL},
};

enum err cmd_decode(struct command_context *context, int argc, char **argv, struct err_note *note)
{
    struct decode_options wanted = {.partition = -1};
    const struct arg_flag flags[] = {
        ARGS_WORDS("topic", "NAME", TOPIC_WORDS, &wanted.topic,
                   "only of this topic: routing, my.routing"),
        ARGS_INT("partition", "P", &wanted.partition, -1, INT32_MAX, "only of this one; -1: all"),
        ARGS_TEXT("callback", "ID", &wanted.callback, "only what names this callback"),
        ARGS_SWITCH("follow", &wanted.follow,
                    "of Kafka: go on with what comes, until SIGINT or SIGTERM"),
        ARGS_END,
    };
    const struct args_spec spec = {.positional = "[LOG]",
                                   .text = decode_text,
                                   .flags = flags,
                                   .examples = examples,
                                   .positional_max = 1,
                                   .offer = ARG_OFFER_FILES,
                                   .options = true};
    struct printer printer = {.options = &wanted, .context = context};
    struct options options;
    struct args args;
    enum err err;

    TRY(args_parse(&spec, context, argc, argv, &args, note));
    TRY(check_flags(&wanted, args.count > 0, note));
    arena_init(&printer.arena);
    err = options_load(&options, context, note);
    printer.framing = &options.framing;
    if (err == ERR_OK && args.count > 0)
        err = print_log(&printer, args.values[0], (const char *const *)options.topic_names, note);
    else if (err == ERR_OK)
        err = print_kafka(&printer, &options, note);
    options_deinit(&options);
    arena_deinit(&printer.arena);
    return err;
}
