/* ringback adapt: events of contact-centre platforms as events of ours. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/partition.h"
#include "daemon/adapt.h"
#include "daemon/adapt_kafka.h"
#include "daemon/args.h"
#include "daemon/feed.h"
#include "daemon/topics.h"
#include "producers/log_file.h"

#include "ringback/v1/presence.pb-c.h"

enum { timeout_ms = 10000, drain_ms = 5000, partitions_max = 10000, chunk_bytes = 1 << 16 };

static const char adapt_text[] =
    "Reads events of a platform, one JSON object a line, from IN, from standard input (- or\n"
    "nothing), or from a Kafka topic, and writes what they are in ours, interactions, presence "
    "and\n"
    "flows, to a log, which `play`, `replay` and `decode` read, or to the topics. With neither it\n"
    "only counts. What becomes of which event, field by field, is in docs/adapters.md, which\n"
    "`ringback adapt reference` prints.\n"
    "\n"
    "Nothing is remembered from event to event: ids and versions come from the event's own, so it\n"
    "may be started anew or run twice, and what it repeats changes nothing.\n"
    "\n"
    "What is not mapped is counted by type and reason and said at the end on standard error, or\n"
    "with --json on standard output. Lines that cannot be read are named and left out.\n";

#define PLATFORM_(name_, help_)                                                                    \
    {                                                                                              \
        .name = (name_), .help = (help_), .positional = "[IN]", .positional_max = 1,               \
        .offer = ARG_OFFER_FILES, .json = ARGS_JSON                                                \
    }

static const struct arg_task tasks[] = {
    PLATFORM_("genesys", "Genesys Cloud: conversation and user events, as EventBridge has them"),
    PLATFORM_("connect", "Amazon Connect: contact events and agent event streams"),
    PLATFORM_("twilio", "Twilio TaskRouter: events, as callbacks or from Event Streams"),
    {.name = "reference", .help = "Print docs/adapters.md: what becomes of which event"},
    {.name = NULL},
};

#undef PLATFORM_

static const struct arg_exit exits[] = {
    {1, "a line cannot be read, or an event lacks what its row needs; not at the end of --follow, "
        "and not for types that are not known or not mapped"},
    {0, NULL},
};

static const struct arg_example examples[] = {
    {"adapt genesys events.jsonl --log day.log", "A recorded day, for `replay` and `decode`."},
    {"adapt connect --from-topic contact-events --follow --to-topics",
     "As they come, until it is stopped."},
    {NULL, NULL},
};

struct flags {
    const char *domain;
    const char *domain_from;
    const char *presence;
    const char *joined;
    const char *joined_attribute;
    const char *log;
    const char *from_topic;
    const char *group;
    bool to_topics;
    bool follow;
    int64_t partitions;
};

/* Where records go. */
struct out {
    const struct options *options;
    struct log_writer *writer; /* or NULL */
    struct feed *feed;         /* or NULL */
    struct topics *topics;
    int32_t partitions[INPUT_COUNT];
    int64_t *next; /* offsets in the log: of INPUT_COUNT times partitions */
};

/* --- flags --- */

static const char *const presences[] = {"offline", "on_queue", "available", "busy", "away", NULL};

static enum err add_presence(struct adapt_settings *settings, char *part, struct err_note *note)
{
    char *equals = strrchr(part, '=');

    if (equals == NULL || equals == part)
        return FAIL(note, ERR_USAGE, "--presence: \"%s\": write NAME=PRESENCE", part);
    *equals = '\0';
    for (int i = 0; presences[i] != NULL; i++) {
        if (strcmp(equals + 1, presences[i]) != 0)
            continue;
        settings->presences[settings->presence_count++] =
            (struct adapt_name){part, RINGBACK__V1__PRESENCE__PRESENCE_OFFLINE + i};
        return ERR_OK;
    }
    return FAIL(note, ERR_USAGE,
                "--presence: \"%s\" is no presence; it is offline, on_queue, available, busy or "
                "away",
                equals + 1);
}

static enum err add_joined(struct adapt_settings *settings, char *part, struct err_note *note)
{
    (void)note;
    settings->joined[settings->joined_count++] = part;
    return ERR_OK;
}

/* Splits list at its commas, in the arena. */
static enum err
each_part(struct adapt_settings *settings, const char *flag, const char *list, struct arena *arena,
          enum err (*add)(struct adapt_settings *settings, char *part, struct err_note *note),
          struct err_note *note)
{
    char *at = list == NULL ? NULL : arena_text(arena, slice_text(list));
    int count = 0;

    while (at != NULL) {
        char *comma = strchr(at, ',');

        if (comma != NULL)
            *comma = '\0';
        if (*at == '\0')
            return FAIL(note, ERR_USAGE, "%s: there is nothing before or behind a comma", flag);
        if (++count > adapt_names_max)
            return FAIL(note, ERR_USAGE, "%s: at most %d are allowed", flag, adapt_names_max);
        TRY(add(settings, at, note));
        at = comma == NULL ? NULL : comma + 1;
    }
    return ERR_OK;
}

static enum err read_flags(const struct flags *flags, const struct args *args, bool json,
                           struct adapt_settings *settings, struct arena *arena,
                           struct err_note *note)
{
    settings->domain = flags->domain;
    settings->domain_from = flags->domain_from;
    settings->joined_attribute = flags->joined_attribute;
    if (flags->domain != NULL && flags->domain_from != NULL)
        return FAIL(note, ERR_USAGE, "--domain and --domain-from: only one of them");
    if (flags->to_topics && flags->log != NULL)
        return FAIL(note, ERR_USAGE, "--log and --to-topics: only one of them");
    if (json && flags->log != NULL && strcmp(flags->log, "-") == 0)
        return FAIL(note, ERR_USAGE, "--json and --log -: only one can be standard output");
    if (flags->from_topic != NULL && args->count > 0)
        return FAIL(note, ERR_USAGE, "--from-topic: there is IN, too; only one of them");
    if (flags->from_topic == NULL && (flags->follow || flags->group != NULL))
        return FAIL(note, ERR_USAGE, "--follow and --from-group go with --from-topic");
    TRY(each_part(settings, "--presence", flags->presence, arena, add_presence, note));
    return each_part(settings, "--joined", flags->joined, arena, add_joined, note);
}

/* --- out --- */

static enum err open_topics(struct out *out, struct err_note *note)
{
    rd_kafka_t *client = NULL;
    enum err err = topics_client(out->options, &client, note);

    out->topics = memory_zalloc(sizeof(*out->topics), "topics");
    if (err == ERR_OK)
        err = topics_read(client, out->options, false, timeout_ms, out->topics, note);
    if (client != NULL)
        rd_kafka_destroy(client);
    for (int i = 0; err == ERR_OK && i < INPUT_COUNT; i++) {
        out->partitions[i] = out->topics->items[i].partitions;
        if (!out->topics->items[i].present || out->partitions[i] < 1)
            err = FAIL(note, ERR_BUS_REFUSED,
                       "topic %s is missing: `ringback topics` creates the topics",
                       out->options->topic_names[i]);
    }
    return err == ERR_OK ? feed_create(out->options, "ringback-adapt", &out->feed, note) : err;
}

static enum err open_out(struct out *out, const struct flags *flags, struct err_note *note)
{
    static const enum topic made[] = {TOPIC_INTERACTIONS, TOPIC_PRESENCE, TOPIC_FLOWS};

    for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
        TRY(framing_check_write(&out->options->framing, made[i], note));
    if (flags->to_topics)
        return open_topics(out, note);
    for (int i = 0; i < INPUT_COUNT; i++)
        out->partitions[i] = (int32_t)flags->partitions;
    out->next =
        memory_zalloc(INPUT_COUNT * (size_t)flags->partitions * sizeof(*out->next), "offsets");
    return flags->log == NULL ? ERR_OK : log_writer_create(flags->log, &out->writer, note);
}

static enum err put(void *context, const struct record *record, struct err_note *note)
{
    struct out *out = context;
    struct record copy = *record;
    int32_t partitions = out->partitions[record->topic];

    copy.partition =
        partition_of((enum partitioner)out->options->partitioner, record->key, partitions);
    if (out->feed != NULL) {
        TRY(feed_send(out->feed, &copy, note));
        return feed_poll(out->feed, 0, note);
    }
    if (out->writer == NULL)
        return ERR_OK;
    copy.offset = out->next[(int)record->topic * partitions + copy.partition]++;
    return log_writer_add(out->writer, out->options->topic_names[record->topic], &copy, note);
}

static enum err keep(void *context, struct err_note *note)
{
    struct out *out = context;

    return command_stopped() ? feed_drain(out->feed, drain_ms, note) : feed_flush(out->feed, note);
}

/* What was made before an error is good, and is kept. */
static enum err close_out(struct out *out, enum err err, struct err_note *note)
{
    struct err_note own;
    enum err after = ERR_OK;

    if (out->feed != NULL)
        after = keep(out, &own);
    else if (out->writer != NULL)
        after = log_writer_close(out->writer, &own);
    feed_destroy(out->feed);
    free(out->topics);
    free(out->next);
    if (after != ERR_OK && (err == ERR_OK || err == ERR_CANCELLED)) {
        *note = own;
        return after;
    }
    return err;
}

/* --- in --- */

/* Lines of a file, a bounded part of it in memory. */
struct lines {
    int file;
    const char *path;
    char *data;
    size_t size;
    uint64_t number;
    bool too_long; /* the line in work is being skipped */
};

static enum err take_lines(struct lines *lines, struct adapt *adapt, bool last,
                           struct err_note *note)
{
    const struct slice none = {NULL, 0};
    size_t at = 0;

    for (;;) {
        const char *end = memchr(lines->data + at, '\n', lines->size - at);
        size_t length = end == NULL ? lines->size - at : (size_t)(end - lines->data) - at;

        if (end == NULL && length <= adapt_line_bytes_max && !(last && length > 0))
            break;
        if (!lines->too_long)
            lines->number++;
        if (!lines->too_long && length > adapt_line_bytes_max)
            adapt_line_too_long(adapt, lines->number);
        else if (!lines->too_long)
            TRY(adapt_line(adapt, lines->number, slice_make(lines->data + at, length), none, note));
        lines->too_long = end == NULL;
        at += length + (end != NULL);
        if (end == NULL)
            break;
    }
    memmove(lines->data, lines->data + at, lines->size - at);
    lines->size -= at;
    return ERR_OK;
}

static enum err read_lines(struct lines *lines, struct adapt *adapt, struct err_note *note)
{
    for (;;) {
        ssize_t got = read(lines->file, lines->data + lines->size, chunk_bytes);

        if (command_stopped())
            return ERR_CANCELLED;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return FAIL(note, ERR_IO, "%s: %s", lines->path, strerror(errno));
        lines->size += (size_t)got;
        TRY(take_lines(lines, adapt, got == 0, note));
        if (got == 0)
            return ERR_OK;
    }
}

static enum err read_file(struct adapt *adapt, const char *path, struct err_note *note)
{
    bool standard = strcmp(path, "-") == 0;
    struct lines lines = {.file = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC),
                          .path = standard ? "standard input" : path};
    enum err err;

    if (lines.file < 0)
        return FAIL(note, ERR_IO, "%s: %s", path, strerror(errno));
    lines.data = memory_alloc(adapt_line_bytes_max + 1 + chunk_bytes, "lines");
    err = read_lines(&lines, adapt, note);
    free(lines.data);
    if (!standard)
        (void)close(lines.file);
    return err;
}

static enum err read_in(struct adapt *adapt, const struct flags *flags, const struct args *args,
                        struct out *out, struct err_note *note)
{
    struct adapt_kafka_plan plan = {
        .topic = flags->from_topic, .group = flags->group, .follow = flags->follow, .context = out};
    char group[40];

    if (flags->from_topic == NULL)
        return read_file(adapt, args->count > 0 ? args->values[0] : "-", note);
    if (plan.group == NULL) {
        snprintf(group, sizeof(group), "ringback-adapt-%s", tasks[args->task].name);
        plan.group = group;
    }
    if (out->feed != NULL)
        plan.keep = keep;
    return adapt_kafka_read(adapt, out->options, &plan, note);
}

/* --- the command --- */

static enum err tell(struct command_context *context, const struct adapt *adapt, bool follow,
                     enum err err, struct err_note *note)
{
    const struct adapt_counts *counts = adapt_counts(adapt);

    if (context->json && err == ERR_OK)
        command_print_json(context, adapt_json(adapt));
    else if (!context->json)
        adapt_print(adapt, context->err);
    if (err == ERR_OK && counts->faults > 0 && !follow)
        return FAIL(note, ERR_BAD_FILE,
                    "%" PRIu64 " lines cannot be read, and %" PRIu64
                    " events or parts of them lack what they need (see above); the rest was done",
                    counts->damaged, counts->faults - counts->damaged);
    return err;
}

static enum err adapt_all(struct command_context *context, const struct flags *flags,
                          const struct args *args, struct adapt_settings *settings,
                          struct err_note *note)
{
    struct options options;
    struct out out = {.options = &options};
    const struct adapt_sink sink = {put, &out};
    struct adapt *adapt = adapt_create(settings, &sink, context->err);
    enum err err = options_load(&options, context, note);

    settings->framing = &options.framing;
    if (err == ERR_OK)
        err = open_out(&out, flags, note);
    if (err == ERR_OK) {
        command_catch_signals();
        err = read_in(adapt, flags, args, &out, note);
        err = close_out(&out, err, note);
        err = tell(context, adapt, flags->follow, err, note);
    } else {
        err = close_out(&out, err, note);
    }
    options_deinit(&options);
    adapt_destroy(adapt);
    return err;
}

enum err cmd_adapt(struct command_context *context, int argc, char **argv, struct err_note *note)
{
    struct flags values = {.partitions = 1};
    const struct arg_flag flags[] = {
        ARGS_OF("genesys|connect|twilio"),
        ARGS_FILE("log", "FILE", &values.log, "write a topic log; - is standard output"),
        ARGS_SWITCH("to-topics", &values.to_topics, "send to the topics"),
        ARGS_INT("partitions", "P", &values.partitions, 1, partitions_max,
                 "of the inputs, for --log"),
        ARGS_TEXT("from-topic", "NAME", &values.from_topic, "read this topic of Kafka"),
        ARGS_TEXT("from-group", "NAME", &values.group,
                  "its consumer group; without it ringback-adapt-PLATFORM"),
        ARGS_SWITCH("follow", &values.follow,
                    "of the topic: go on with what comes, until SIGINT or SIGTERM"),
        ARGS_TEXT("domain", "ID", &values.domain, "the domain of all events"),
        ARGS_TEXT("domain-from", "PATH", &values.domain_from,
                  "the field of the event that is its domain; without it: the organization, the "
                  "instance, the workspace"),
        ARGS_OF("connect|twilio"),
        ARGS_TEXT("presence", "NAME=P,...", &values.presence,
                  "what a status of connect or an activity of twilio is: offline, on_queue, "
                  "available, busy, away"),
        ARGS_OF("twilio"),
        ARGS_TEXT("joined", "IDS", &values.joined,
                  "queues, by commas, of workers whose attributes name none"),
        ARGS_TEXT("joined-attribute", "NAME", &values.joined_attribute,
                  "the worker's attribute with the list of his queues; without it queues"),
        ARGS_END,
    };
    const struct args_spec spec = {.text = adapt_text,
                                   .flags = flags,
                                   .tasks = tasks,
                                   .exits = exits,
                                   .examples = examples,
                                   .options = true};
    struct adapt_settings *settings;
    struct arena arena;
    struct args args;
    enum err err;

    TRY(args_parse(&spec, context, argc, argv, &args, note));
    if (strcmp(tasks[args.task].name, "reference") == 0) {
        adapt_print_reference(context->out);
        return ERR_OK;
    }
    settings = memory_zalloc(sizeof(*settings), "settings of an adapter");
    settings->platform = adapt_platform_find(tasks[args.task].name);
    arena_init(&arena);
    err = read_flags(&values, &args, context->json, settings, &arena, note);
    if (err == ERR_OK)
        err = adapt_all(context, &values, &args, settings, note);
    arena_deinit(&arena);
    free(settings);
    return err;
}
