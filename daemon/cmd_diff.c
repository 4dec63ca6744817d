/* ringback diff: whether two topic logs hold the same outputs. */
#include <inttypes.h>

#include "daemon/args.h"
#include "daemon/diff.h"
#include "daemon/options.h"
#include "daemon/terminal.h"

static const char diff_text[] =
    "Compares the outputs in two topic logs: per topic and partition, in order, key, value,\n"
    "timestamp and headers of routing, analytics, results and dead letters; of state the last\n"
    "value of each key; of the journals that their ranges join. Offsets and inputs are not "
    "compared.\n"
    "Topics are known by the names that the options give them (topics.*), else by their endings.\n"
    "Prints `identical` and how many records, or the first difference, and with what callback it\n"
    "has to do.\n";

static const struct arg_exit exits[] = {
    {0, "they are identical"},
    {3, "they differ"},
    {0, NULL},
};

static const struct arg_example examples[] = {
    {"diff replay.log live.log", "Whether a replay decided as the daemon did."},
    {"diff a.log b.log --topics routing,results", "Only what switch and flows were told."},
    {NULL, NULL},
};

enum { word_bytes_max = 40 };

/* The bit of one short name; "dlq": all dead letters. 0: unknown. */
static uint32_t topic_bit(const char *word)
{
    if (strcmp(word, "dlq") == 0)
        return ((1u << INPUT_COUNT) - 1) << TOPIC_DLQ_FIRST;
    for (int topic = TOPIC_ROUTING; topic < TOPIC_DLQ_FIRST; topic++) {
        if (strcmp(word, topic_short_name((enum topic)topic)) == 0)
            return 1u << topic;
    }
    return 0;
}

/* "routing,state" as bits; NULL: all outputs. */
static enum err read_topics(const char *list, uint32_t *topics, struct err_note *note)
{
    *topics = list == NULL ? ((1u << TOPIC_COUNT) - 1) & ~((1u << INPUT_COUNT) - 1) : 0;
    while (list != NULL && *list != '\0') {
        size_t size = strcspn(list, ",");
        char word[word_bytes_max];
        uint32_t bit;

        snprintf(word, sizeof(word), "%.*s", (int)size, list);
        bit = topic_bit(word);
        if (bit == 0)
            return FAIL(note, ERR_USAGE,
                        "--topics: \"%s\" is no output; allowed: routing, analytics, results,"
                        " state, journal, dlq",
                        word);
        *topics |= bit;
        list += size + (list[size] == ',');
    }
    return ERR_OK;
}

static uint64_t total(const struct diff_result *result)
{
    uint64_t records = 0;

    for (int topic = 0; topic < TOPIC_COUNT; topic++)
        records += topic == TOPIC_JOURNAL ? 0 : result->records[topic];
    return records;
}

static const char *name_of(enum topic topic)
{
    static const char *const dead_letters[INPUT_COUNT] = {
        "settings.dlq", "interactions.dlq", "presence.dlq", "flows.dlq", "commands.dlq"};

    return topic >= TOPIC_DLQ_FIRST ? dead_letters[topic - TOPIC_DLQ_FIRST]
                                    : topic_short_name(topic);
}

static void print_verdict(const struct command_context *context, enum tint tint, const char *word)
{
    fprintf(context->out, "%s%s:%s ", terminal_tint(context->out_colour, tint), word,
            terminal_tint(context->out_colour, TINT_PLAIN));
}

static void print_identical(const struct command_context *context, const struct diff_result *result)
{
    uint64_t dead_letters = 0;

    for (int topic = TOPIC_DLQ_FIRST; topic < TOPIC_COUNT; topic++)
        dead_letters += result->records[topic];
    print_verdict(context, TINT_GOOD, "identical");
    fprintf(context->out,
            "%" PRIu64 " records (routing %" PRIu64 ", analytics %" PRIu64 ", results %" PRIu64
            ", dead letters %" PRIu64 ", state %" PRIu64 " keys)\n",
            total(result), result->records[TOPIC_ROUTING], result->records[TOPIC_ANALYTICS],
            result->records[TOPIC_RESULTS], dead_letters, result->records[TOPIC_STATE]);
}

static void print_side(const char *name, const char *path, const json_t *record, FILE *out)
{
    fprintf(out, "%s (%s): ", name, path);
    if (record == NULL)
        fputs("nothing", out);
    else
        json_dumpf(record, out, JSON_COMPACT);
    fputc('\n', out);
}

static void print_difference(const struct command_context *context,
                             const struct diff_result *result, char **paths)
{
    FILE *out = context->out;

    print_verdict(context, TINT_BAD, "different");
    fprintf(out, "%s, partition %" PRId32 ", record %" PRIu64 ": %s%s%s\n", name_of(result->topic),
            result->partition, result->index, result->what,
            result->callback[0] == '\0' ? "" : ", callback ", result->callback);
    print_side("A", paths[0], result->sides[0], out);
    print_side("B", paths[1], result->sides[1], out);
}

static json_t *side_json(json_t *record)
{
    return record == NULL ? json_null() : json_incref(record);
}

static void print_json(struct command_context *context, const struct diff_result *result)
{
    json_t *json = json_pack("{s:b, s:I}", "identical", result->identical, "records",
                             (json_int_t)total(result));

    if (!result->identical) {
        json_object_set_new(json, "topic", json_string(name_of(result->topic)));
        json_object_set_new(json, "partition", json_integer(result->partition));
        json_object_set_new(json, "record", json_integer((json_int_t)result->index));
        json_object_set_new(json, "what", json_string(result->what));
        json_object_set_new(json, "callback", json_string(result->callback));
        json_object_set_new(json, "a", side_json(result->sides[0]));
        json_object_set_new(json, "b", side_json(result->sides[1]));
    }
    command_print_json(context, json);
}

enum err cmd_diff(struct command_context *context, int argc, char **argv, struct err_note *note)
{
    const char *list = NULL;
    const struct arg_flag flags[] = {
        ARGS_WORDS("topics", "NAME,...", "routing|analytics|results|state|journal|dlq", &list,
                   "only of routing, analytics, results, state, journal, dlq"),
        ARGS_END,
    };
    const struct args_spec spec = {.positional = "A B",
                                   .text = diff_text,
                                   .flags = flags,
                                   .positional_min = 2,
                                   .exits = exits,
                                   .examples = examples,
                                   .positional_max = 2,
                                   .offer = ARG_OFFER_FILES,
                                   .json = ARGS_JSON,
                                   .options = true};
    struct diff_result result = {.identical = true};
    struct options options;
    struct arena arena;
    struct args args;
    struct diff_plan plan = {.names = (const char *const *)options.topic_names,
                             .framing = &options.framing};
    enum err err;

    TRY(args_parse(&spec, context, argc, argv, &args, note));
    TRY(read_topics(list, &plan.topics, note));
    arena_init(&arena);
    err = options_load(&options, context, note);
    if (err == ERR_OK)
        err = diff_logs(args.values[0], args.values[1], &plan, &arena, &result, note);
    if (err == ERR_OK && context->json)
        print_json(context, &result);
    else if (err == ERR_OK && result.identical)
        print_identical(context, &result);
    else if (err == ERR_OK)
        print_difference(context, &result, args.values);
    if (err == ERR_OK && !result.identical)
        err = FAIL(note, ERR_DIFFERENT, "%s", "");
    json_decref(result.sides[0]);
    json_decref(result.sides[1]);
    arena_deinit(&arena);
    options_deinit(&options);
    return err;
}
