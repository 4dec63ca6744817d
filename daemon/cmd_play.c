/* ringback play: the inputs of a recorded log to Kafka. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "consumers/log_file.h"
#include "daemon/args.h"
#include "daemon/feed.h"
#include "daemon/log_topics.h"
#include "daemon/topics.h"

enum { timeout_ms = 10000, progress_ms = 200, slice_ms = 50 };

struct flags {
    struct value_rate speed;
    bool end;
    bool check;
};

struct play {
    struct command_context *context;
    const struct options *options;
    const struct flags *flags;
    struct topics *topics;
    struct feed *feed;
    struct log_reader *reader;
    uint64_t sent;
    uint64_t skipped; /* records of topics that are no inputs */
    struct log_strangers strangers;
    int64_t first_ms; /* the first record's timestamp, and when it was sent */
    int64_t began_ms;
    int64_t said_ms;
    int64_t last_ms; /* the largest timestamp, for end markers */
};

/* A file names topics in full, maybe as another installation does. INPUT_COUNT: no input. */
static int input_of(struct play *play, struct slice name)
{
    enum topic topic = log_topics_find(play->options->topic_names, name, NULL);

    if (topic == TOPIC_COUNT)
        log_strangers_add(&play->strangers, name);
    return topic < (enum topic)INPUT_COUNT ? (int)topic : INPUT_COUNT;
}

/* Until this record's turn has come. */
static enum err pace(struct play *play, int64_t stamp_ms, struct err_note *note)
{
    const struct value_rate *speed = &play->flags->speed;
    int64_t at_ms = play->began_ms;

    if (speed->kind == VALUE_RATE_MAX)
        return ERR_OK;
    if (speed->kind == VALUE_RATE_TIMES)
        at_ms += (int64_t)((double)(stamp_ms - play->first_ms) / speed->value);
    else
        at_ms += (int64_t)((double)play->sent * 1000 / speed->value);
    while (clock_monotonic_ms() < at_ms) {
        int64_t left_ms = at_ms - clock_monotonic_ms();

        TRY(feed_poll(play->feed, (int)(left_ms < slice_ms ? left_ms : slice_ms), note));
        if (command_stopped())
            return ERR_CANCELLED;
    }
    return ERR_OK;
}

static void say(struct play *play, bool last)
{
    int64_t now_ms = clock_monotonic_ms();

    if (!play->context->err_terminal || (!last && now_ms - play->said_ms < progress_ms))
        return;
    play->said_ms = now_ms;
    fprintf(play->context->err, "\r%" PRIu64 " records, %.0f %%%s", play->sent,
            100.0 * (double)log_reader_at(play->reader) /
                (double)(log_reader_size(play->reader) + 1),
            last ? "\n" : "");
    (void)fflush(play->context->err);
}

static enum err send_ends(struct play *play, struct err_note *note)
{
    int64_t at_ms = play->last_ms > 0 ? play->last_ms : clock_wall_ms();

    for (int i = 0; i < INPUT_COUNT; i++) {
        for (int32_t partition = 0; partition < play->topics->items[i].partitions; partition++)
            TRY(feed_end(play->feed, (enum input)i, partition, at_ms, note));
    }
    return feed_flush(play->feed, note);
}

static enum err send_all(struct play *play, struct err_note *note)
{
    struct arena arena;
    enum err err = ERR_OK;

    arena_init(&arena);
    play->began_ms = clock_monotonic_ms();
    while (err == ERR_OK) {
        struct log_entry entry;
        int input;

        arena_reset(&arena);
        err = log_reader_next(play->reader, &arena, &entry, note);
        if (err != ERR_OK)
            break;
        input = input_of(play, entry.topic);
        if (input == INPUT_COUNT) {
            play->skipped++;
            continue;
        }
        if (play->sent == 0)
            play->first_ms = entry.record.timestamp_ms;
        if (entry.record.timestamp_ms > play->last_ms)
            play->last_ms = entry.record.timestamp_ms;
        if (entry.record.partition >= play->topics->items[input].partitions) {
            err = FAIL(note, ERR_BUS_REFUSED,
                       "the log has partition %" PRId32 " of %s, the topic only %" PRId32
                       " partitions: make it with as many as the log",
                       entry.record.partition, play->options->topic_names[input],
                       play->topics->items[input].partitions);
            break;
        }
        err = pace(play, entry.record.timestamp_ms, note);
        if (err == ERR_OK) {
            entry.record.topic = (enum topic)input;
            err = feed_send(play->feed, &entry.record, note);
        }
        play->sent += err == ERR_OK;
        if (err == ERR_OK && play->sent % 1000 == 0) {
            err = command_stopped() ? ERR_CANCELLED : feed_poll(play->feed, 0, note);
            say(play, false);
        }
    }
    arena_deinit(&arena);
    return err == ERR_END ? ERR_OK : err;
}

static enum err check_topics(struct play *play, struct err_note *note)
{
    struct topics_report *report = memory_zalloc(sizeof(*report), "a report");
    rd_kafka_t *client = NULL;
    enum err err = topics_client(play->options, &client, note);

    if (err == ERR_OK)
        err =
            topics_read(client, play->options, play->flags->check, timeout_ms, play->topics, note);
    if (err == ERR_OK && play->flags->check) {
        topics_check(play->topics, play->options, true, report);
        err = topics_refused(play->topics, report, note);
    }
    if (client != NULL)
        rd_kafka_destroy(client);
    free(report);
    return err;
}

static enum err check_sent(const struct play *play, const char *path, struct err_note *note)
{
    char text[log_strangers_text_bytes];

    if (play->sent > 0 || play->skipped == 0)
        return ERR_OK;
    if (play->strangers.records == 0)
        return FAIL(note, ERR_BAD_FILE,
                    "%s has no record of an input topic (settings, interactions, presence, flows, "
                    "commands): nothing was sent",
                    path);
    return FAIL(note, ERR_BAD_FILE,
                "%s has no record of an input topic (settings, interactions, presence, flows, "
                "commands), but of %s: nothing was sent; " LOG_STRANGERS_ADVICE,
                path, log_strangers_text(&play->strangers, text));
}

static void print_sent(const struct play *play)
{
    char text[log_strangers_text_bytes];

    if (play->context->json) {
        command_print_json(play->context,
                           json_pack("{s:I, s:I, s:I, s:b}", "sent", (json_int_t)play->sent,
                                     "left_out", (json_int_t)play->skipped, "of_unknown_topics",
                                     (json_int_t)play->strangers.records, "ended",
                                     play->flags->end));
        return;
    }
    fprintf(play->context->err,
            "%" PRIu64 " records sent%s; %" PRIu64 " of other topics were left out\n", play->sent,
            play->flags->end ? ", and the end markers" : "", play->skipped);
    if (play->strangers.records > 0)
        fprintf(play->context->err, "of them %" PRIu64 " of %s; " LOG_STRANGERS_ADVICE "\n",
                play->strangers.records, log_strangers_text(&play->strangers, text));
}

static enum err work(struct play *play, const char *path, struct err_note *note)
{
    enum err err;

    TRY(log_reader_open(path, &play->reader, note));
    TRY(check_topics(play, note));
    TRY(feed_create(play->options, "ringback-play", &play->feed, note));
    err = send_all(play, note);
    if (err == ERR_OK || err == ERR_BAD_FILE) { /* what is before the damage is good */
        struct err_note flushed;
        enum err after = feed_flush(play->feed, &flushed);

        if (err == ERR_OK && after != ERR_OK)
            *note = flushed;
        err = err == ERR_OK ? after : err;
    }
    if (err == ERR_OK)
        err = check_sent(play, path, note);
    if (err == ERR_OK && play->flags->end)
        err = send_ends(play, note);
    say(play, true);
    if (err == ERR_OK)
        print_sent(play);
    return err;
}

static const struct arg_example examples[] = {
    {"play day.log --speed 10x", "A recorded day, ten times as fast."},
    {"play day.log --end", "All at once, for a daemon with clock: event."},
    {NULL, NULL},
};

enum err cmd_play(struct command_context *context, int argc, char **argv, struct err_note *note)
{
    struct flags values = {.check = true};
    const struct arg_flag flags[] = {
        ARGS_RATE("speed", "X", &values.speed,
                  "max, 10x (times the recorded speed) or 500/s (records a second)"),
        ARGS_SWITCH("end", &values.end,
                    "write an end marker to every partition of all inputs, for clock: event"),
        ARGS_SWITCH("check", &values.check, "check retention and time limits of the topics first"),
        ARGS_END,
    };
    const struct args_spec spec = {
        .positional = "LOG",
        .text =
            "Sends the records of the five inputs in LOG (- is standard input) to the topics:\n"
            "same keys, partitions, timestamps and headers, in the order of the file. Other\n"
            "topics in it are left out. Of a damaged file everything before the damage is sent.\n"
            "The topics in LOG are known by the names that the options give them (topics.*), else\n"
            "by their endings, so that a log of another installation can be played too.\n",
        .flags = flags,
        .examples = examples,
        .json = ARGS_JSON,
        .options = true,
        .positional_min = 1,
        .positional_max = 1,
        .offer = ARG_OFFER_FILES,
    };
    struct play *play;
    struct args args;
    struct options options;
    enum err err;

    TRY(args_parse(&spec, context, argc, argv, &args, note));
    err = options_load(&options, context, note);
    if (err == ERR_OK) {
        command_catch_signals();
        play = memory_zalloc(sizeof(*play), "a play");
        play->topics = memory_zalloc(sizeof(*play->topics), "topics");
        play->context = context;
        play->options = &options;
        play->flags = &values;
        err = work(play, args.values[0], note);
        feed_destroy(play->feed);
        log_reader_close(play->reader);
        free(play->topics);
        free(play);
    }
    options_deinit(&options);
    return err;
}
