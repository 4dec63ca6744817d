/* ringback play: the inputs of a recorded log to Kafka. */
#include <inttypes.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "consumers/log_file.h"
#include "daemon/args.h"
#include "daemon/bus_kafka.h"
#include "daemon/log_topics.h"
#include "daemon/topics.h"

enum { timeout_ms = 10000, flush_ms = 60000, progress_ms = 200, slice_ms = 50 };

#define END_HEADER "ringback-end"

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
    rd_kafka_t *producer;
    rd_kafka_topic_t *kafka_topics[INPUT_COUNT];
    struct log_reader *reader;
    uint64_t sent;
    uint64_t skipped; /* records of topics that are no inputs */
    struct log_strangers strangers;
    int64_t first_ms; /* the first record's timestamp, and when it was sent */
    int64_t began_ms;
    int64_t said_ms;
    int64_t last_ms; /* the largest timestamp, for end markers */
    atomic_int failures;
    rd_kafka_resp_err_t code;
};

static void on_delivery(rd_kafka_t *kafka, const rd_kafka_message_t *message, void *opaque)
{
    struct play *play = opaque;

    (void)kafka;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    play->code = message->err;
    atomic_fetch_add(&play->failures, 1);
}

static enum err make_producer(struct play *play, struct err_note *note)
{
    struct kafka_setting items[option_kafka_count_max];
    struct kafka_settings settings = bus_kafka_settings(play->options, items);
    rd_kafka_conf_t *conf;

    const char *const ours[] = {"client.id",
                                "ringback-play",
                                "enable.idempotence",
                                "true",
                                "linger.ms",
                                "5",
                                "queue.buffering.max.messages",
                                "200000",
                                NULL};

    TRY(kafka_conf_create(&settings, ours, &conf, note));
    rd_kafka_conf_set_opaque(conf, play);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    TRY(kafka_create(RD_KAFKA_PRODUCER, conf, "a producer", &play->producer, note));
    for (int i = 0; i < INPUT_COUNT; i++)
        play->kafka_topics[i] =
            rd_kafka_topic_new(play->producer, play->options->topic_names[i], NULL);
    return ERR_OK;
}

static void end_producer(struct play *play)
{
    if (play->producer == NULL)
        return;
    for (int i = 0; i < INPUT_COUNT; i++)
        rd_kafka_topic_destroy(play->kafka_topics[i]);
    rd_kafka_destroy(play->producer);
}

/* A file names topics in full, maybe as another installation does. INPUT_COUNT: no input. */
static int input_of(struct play *play, struct slice name)
{
    enum topic topic = log_topics_find(play->options->topic_names, name, NULL);

    if (topic == TOPIC_COUNT)
        log_strangers_add(&play->strangers, name);
    return topic < (enum topic)INPUT_COUNT ? (int)topic : INPUT_COUNT;
}

static enum err send_one(struct play *play, int input, const struct record *record,
                         struct err_note *note)
{
    const char *topic = play->options->topic_names[input];

    for (;;) {
        rd_kafka_resp_err_t code =
            kafka_produce(play->producer, play->kafka_topics[input], record, true, NULL);

        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            return ERR_OK;
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return FAIL(note, ERR_BUS_REFUSED, "cannot send to %s, partition %" PRId32 ": %s",
                        topic, record->partition, rd_kafka_err2str(code));
        (void)rd_kafka_poll(play->producer, slice_ms);
        if (command_stopped())
            return ERR_CANCELLED;
    }
}

/* Until this record's turn has come. */
static enum err pace(struct play *play, int64_t stamp_ms)
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

        (void)rd_kafka_poll(play->producer, (int)(left_ms < slice_ms ? left_ms : slice_ms));
        if (command_stopped())
            return ERR_CANCELLED;
    }
    return ERR_OK;
}

static enum err check_delivery(const struct play *play, struct err_note *note)
{
    if (atomic_load(&play->failures) == 0)
        return ERR_OK;
    return FAIL(note, ERR_BUS_REFUSED,
                "the broker refused %d records: %s. Topics for recorded logs are made by `ringback "
                "topics --for-replay`",
                atomic_load(&play->failures), rd_kafka_err2str(play->code));
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

static enum err flush(struct play *play, struct err_note *note)
{
    int64_t until_ms = clock_monotonic_ms() + flush_ms;

    while (rd_kafka_outq_len(play->producer) > 0) {
        (void)rd_kafka_flush(play->producer, slice_ms);
        if (command_stopped())
            return ERR_CANCELLED;
        if (clock_monotonic_ms() > until_ms)
            return FAIL(note, ERR_BUS_DOWN, "%d records were not taken by the broker within %d s",
                        rd_kafka_outq_len(play->producer), flush_ms / 1000);
    }
    return check_delivery(play, note);
}

static enum err send_ends(struct play *play, struct err_note *note)
{
    const struct header header = {END_HEADER, slice_make("1", 1)};

    for (int i = 0; i < INPUT_COUNT; i++) {
        for (int32_t partition = 0; partition < play->topics->items[i].partitions; partition++) {
            struct record marker = {
                .topic = (enum topic)i,
                .partition = partition,
                .timestamp_ms = play->last_ms > 0 ? play->last_ms : clock_wall_ms(),
                .headers = &header,
                .header_count = 1,
            };

            TRY(send_one(play, i, &marker, note));
        }
    }
    return flush(play, note);
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
        err = pace(play, entry.record.timestamp_ms);
        if (err == ERR_OK)
            err = send_one(play, input, &entry.record, note);
        play->sent += err == ERR_OK;
        if (err == ERR_OK && play->sent % 1000 == 0) {
            (void)rd_kafka_poll(play->producer, 0);
            err = command_stopped() ? ERR_CANCELLED : check_delivery(play, note);
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
    TRY(make_producer(play, note));
    err = send_all(play, note);
    if (err == ERR_OK || err == ERR_BAD_FILE) { /* what is before the damage is good */
        struct err_note flushed;
        enum err after = flush(play, &flushed);

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
        .options = true,
        .positional_min = 1,
        .positional_max = 1,
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
        end_producer(play);
        log_reader_close(play->reader);
        free(play->topics);
        free(play);
    }
    options_deinit(&options);
    return err;
}
