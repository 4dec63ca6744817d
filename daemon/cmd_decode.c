/* ringback decode: a topic log as JSON lines. */
#include "consumers/log_file.h"
#include "daemon/args.h"
#include "daemon/log_json.h"
#include "daemon/log_topics.h"

static const char decode_text[] =
    "Prints LOG (- is standard input), one JSON object a record: topic, partition, offset,\n"
    "timestamp (Unix ms), key, headers, value. Values are decoded by their topic: fields by their\n"
    "names in the contract, those with their default left out, enums as names, bytes as hex. What\n"
    "cannot be decoded is value_hex. A damaged log is printed up to the damage.\n";

struct decode_options {
    const char *topic;    /* full or short name; NULL: all */
    const char *callback; /* NULL: all */
    int64_t partition;    /* -1: all */
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

static bool mentions(const struct log_entry *entry, enum topic topic, const char *callback,
                     const json_t *json, struct arena *arena)
{
    return log_json_mentions(json_object_get(json, "value"), callback) ||
           strcmp(log_json_callback(topic, &entry->record, arena), callback) == 0;
}

static enum err print_all(struct log_reader *reader, const struct decode_options *options,
                          FILE *out, struct arena *arena, struct err_note *note)
{
    struct log_entry entry;
    enum err err;

    for (;;) {
        enum topic topic;
        json_t *json;

        arena_reset(arena);
        err = log_reader_next(reader, arena, &entry, note);
        if (err != ERR_OK)
            return err == ERR_END ? ERR_OK : err;
        topic = log_topics_find(entry.topic, NULL);
        if (!wanted_topic(options, entry.topic, topic) ||
            (options->partition >= 0 && options->partition != entry.record.partition) ||
            (options->callback != NULL && !may_mention(&entry.record, options->callback)))
            continue;
        json = log_json_record(entry.topic, topic, &entry.record, arena);
        if (options->callback == NULL || mentions(&entry, topic, options->callback, json, arena)) {
            json_dumpf(json, out, JSON_COMPACT);
            fputc('\n', out);
        }
        json_decref(json);
        if (ferror(out))
            return FAIL(note, ERR_IO, "standard output cannot be written");
    }
}

enum err cmd_decode(struct command_context *context, int argc, char **argv, struct err_note *note)
{
    struct decode_options options = {.partition = -1};
    const struct arg_flag flags[] = {
        ARGS_TEXT("topic", "NAME", &options.topic, "only of this topic: routing, my.routing"),
        ARGS_INT("partition", "P", &options.partition, -1, INT32_MAX, "only of this one; -1: all"),
        ARGS_TEXT("callback", "ID", &options.callback, "only what names this callback"),
        ARGS_END,
    };
    const struct args_spec spec = {.positional = "LOG",
                                   .text = decode_text,
                                   .flags = flags,
                                   .positional_min = 1,
                                   .positional_max = 1};
    struct log_reader *reader;
    struct arena arena;
    struct args args;
    enum err err;

    TRY(args_parse(&spec, context, argc, argv, &args, note));
    TRY(log_reader_open(args.values[0], &reader, note));
    arena_init(&arena);
    err = print_all(reader, &options, context->out, &arena, note);
    arena_deinit(&arena);
    log_reader_close(reader);
    return err;
}
