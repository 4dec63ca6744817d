#include "daemon/sandbox_play.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "consumers/log_file.h"
#include "daemon/batch.h"
#include "daemon/bus_kafka.h"
#include "daemon/log_topics.h"
#include "daemon/sandbox.h"
#include "producers/log_file.h"

#include "ringback/v1/state.pb-c.h"

enum {
    /* Of inputs not yet decided: the broker silently drops what is beyond 5 MiB of a partition, and
     * analytics are several times its inputs. */
    ahead_bytes_max = 512 << 10,
    quiet_ms = 500, /* nothing came for so long after the last input: it is done */
    flush_ms = 10000,
    turn_records_max = 1000
};

/* One input's partition. Offsets are those of the sandbox's broker: dense from 0. */
struct stream {
    struct record *records;
    size_t count;
    size_t sent;    /* count + 1: the end marker too */
    size_t decided; /* as the daemon's last meta says */
    size_t ahead_bytes;
};

struct output {
    enum topic topic;
    int32_t partition;
    struct kafka_reader *reader;
};

struct sandbox_play {
    const struct options *options;
    struct log_reader *log;
    struct arena arena; /* headers of the records */
    int32_t partitions;
    size_t record_count;
    struct stream streams[INPUT_COUNT][sandbox_partitions_max];
    struct output *outputs;
    size_t output_count;
    size_t written[TOPIC_COUNT];
    rd_kafka_t *producer;
    rd_kafka_topic_t *kafka_topics[INPUT_COUNT];
    size_t failed; /* deliveries */
    struct log_writer *out;
    int64_t heard_ms; /* monotonic: the last output */
};

static enum err keep_record(struct sandbox_play *play, enum input input,
                            const struct log_entry *entry, struct err_note *note)
{
    struct stream *stream;

    if (entry->record.partition < 0 || entry->record.partition >= sandbox_partitions_max)
        return FAIL(note, ERR_BAD_FILE,
                    "byte %zu: partition %" PRId32 "; the sandbox plays at most %d partitions",
                    entry->byte, entry->record.partition, sandbox_partitions_max);
    if (entry->record.partition >= play->partitions)
        play->partitions = entry->record.partition + 1;
    stream = &play->streams[input][entry->record.partition];
    if ((stream->count & (stream->count + 1)) == 0) /* 0, 1, 3, 7, ...: twice the room and one */
        stream->records = memory_grow(
            stream->records, (2 * stream->count + 1) * sizeof(*stream->records), "a log to play");
    stream->records[stream->count++] = entry->record;
    play->record_count++;
    return ERR_OK;
}

static enum err read_log(struct sandbox_play *play, struct err_note *note)
{
    struct log_strangers strangers = {.count = 0};
    char text[log_strangers_text_bytes];
    struct log_entry entry;
    enum err err;

    while ((err = log_reader_next(play->log, &play->arena, &entry, note)) == ERR_OK) {
        enum topic topic = log_topics_find(play->options->topic_names, entry.topic, NULL);

        if (topic == TOPIC_COUNT)
            log_strangers_add(&strangers, entry.topic);
        if (topic < (enum topic)INPUT_COUNT)
            TRY(keep_record(play, (enum input)topic, &entry, note));
    }
    if (err != ERR_END)
        return err;
    if (play->record_count == 0 && strangers.records == 0)
        return FAIL(note, ERR_BAD_FILE, "it has no record of an input topic");
    if (play->record_count == 0)
        return FAIL(note, ERR_BAD_FILE,
                    "it has no record of an input topic, but of %s: " LOG_STRANGERS_ADVICE,
                    log_strangers_text(&strangers, text));
    return ERR_OK;
}

enum err sandbox_play_create(const char *path, const struct options *options,
                             struct sandbox_play **play, struct err_note *note)
{
    struct sandbox_play *made = memory_zalloc(sizeof(*made), "a log to play");
    enum err err;

    made->options = options;
    made->partitions = 1;
    arena_init(&made->arena);
    err = log_reader_open(path, &made->log, note);
    if (err == ERR_OK) {
        err = read_log(made, note);
        if (err != ERR_OK)
            (void)err_prefix(note, "%s: ", path);
    }
    if (err != ERR_OK) {
        sandbox_play_destroy(made);
        made = NULL;
    }
    *play = made;
    return err;
}

void sandbox_play_destroy(struct sandbox_play *play)
{
    if (play == NULL)
        return;
    for (int input = 0; input < INPUT_COUNT; input++) {
        for (int32_t partition = 0; partition < sandbox_partitions_max; partition++)
            free(play->streams[input][partition].records);
    }
    log_reader_close(play->log);
    arena_deinit(&play->arena);
    free(play);
}

int32_t sandbox_play_partitions(const struct sandbox_play *play)
{
    return play->partitions;
}

size_t sandbox_play_records(const struct sandbox_play *play)
{
    return play->record_count;
}

size_t sandbox_play_outputs(const struct sandbox_play *play, enum topic topic)
{
    return play->written[topic];
}

static void on_delivery(rd_kafka_t *kafka, const rd_kafka_message_t *message, void *opaque)
{
    struct sandbox_play *play = opaque;

    (void)kafka;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        play->failed++;
}

static size_t record_bytes(const struct record *record)
{
    return record->key.size + record->value.size + 100;
}

/* ERR_END: the producer's queue is full. */
static enum err produce(struct sandbox_play *play, enum input input, int32_t partition,
                        const struct record *record, struct err_note *note)
{
    struct record sent = *record;
    rd_kafka_resp_err_t answer;

    sent.partition = partition;
    answer = kafka_produce(play->producer, play->kafka_topics[input], &sent, true, NULL);
    if (answer == RD_KAFKA_RESP_ERR_NO_ERROR)
        return ERR_OK;
    if (answer == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        return ERR_END;
    return FAIL(note, ERR_BUS_DOWN, "a record cannot be sent to %s: %s",
                play->options->topic_names[input], rd_kafka_err2str(answer));
}

static enum err send_stream(struct sandbox_play *play, enum input input, int32_t partition,
                            bool *moved, struct err_note *note)
{
    static const struct header end_header[] = {{"ringback-end", {(const uint8_t *)"1", 1}}};
    struct stream *stream = &play->streams[input][partition];
    struct record end = {.headers = end_header, .header_count = 1};

    if (stream->count > 0)
        end.timestamp_ms = stream->records[stream->count - 1].timestamp_ms;
    while (stream->sent <= stream->count && stream->ahead_bytes < ahead_bytes_max) {
        bool is_end = stream->sent == stream->count;
        const struct record *record = is_end ? &end : &stream->records[stream->sent];
        enum err err = produce(play, input, partition, record, note);

        if (err == ERR_END)
            return ERR_OK;
        TRY(err);
        stream->sent++;
        stream->ahead_bytes += record_bytes(record);
        *moved = true;
    }
    return ERR_OK;
}

static void take_meta(struct sandbox_play *play, const struct record *record)
{
    Ringback__V1__Meta *meta =
        ringback__v1__meta__unpack(NULL, record->value.size, record->value.data);

    for (size_t input = 0; meta != NULL && input < meta->n_positions && input < INPUT_COUNT;
         input++) {
        struct stream *stream = &play->streams[input][record->partition];
        size_t next = (size_t)meta->positions[input]->next_offset;

        for (; stream->decided < next && stream->decided < stream->sent; stream->decided++) {
            if (stream->decided < stream->count)
                stream->ahead_bytes -= record_bytes(&stream->records[stream->decided]);
        }
    }
    ringback__v1__meta__free_unpacked(meta, NULL);
}

static bool is_meta(const struct record *record)
{
    return record->topic == TOPIC_STATE && slice_equal(record->key, slice_text(META_KEY)) &&
           record->value.data != NULL;
}

static enum err drain(struct sandbox_play *play, struct output *output, bool *moved,
                      struct err_note *note)
{
    struct record record;
    int64_t end;

    for (int i = 0; i < turn_records_max; i++) {
        enum err err = kafka_reader_next(output->reader, 0, &record, &end, note);

        if (err == ERR_END)
            return ERR_OK;
        TRY(err);
        if (record.offset == 0 || play->written[output->topic] > 0)
            TRY(log_writer_add(play->out, play->options->topic_names[output->topic], &record,
                               note));
        else
            return FAIL(note, ERR_BUS_DOWN, "the in-process broker dropped records of %s",
                        play->options->topic_names[output->topic]);
        play->written[output->topic]++;
        play->heard_ms = clock_monotonic_ms();
        *moved = true;
        if (is_meta(&record))
            take_meta(play, &record);
    }
    return ERR_OK;
}

static bool all_decided(const struct sandbox_play *play)
{
    for (int input = 0; input < INPUT_COUNT; input++) {
        for (int32_t partition = 0; partition < play->partitions; partition++) {
            const struct stream *stream = &play->streams[input][partition];

            if (stream->sent <= stream->count || stream->decided < stream->count)
                return false;
        }
    }
    return true;
}

static enum err turn(struct sandbox_play *play, bool *moved, struct err_note *note)
{
    for (int input = 0; input < INPUT_COUNT; input++) {
        for (int32_t partition = 0; partition < play->partitions; partition++)
            TRY(send_stream(play, (enum input)input, partition, moved, note));
    }
    (void)rd_kafka_poll(play->producer, 0);
    if (play->failed > 0)
        return FAIL(note, ERR_BUS_DOWN, "the in-process broker did not take %zu records",
                    play->failed);
    for (size_t i = 0; i < play->output_count; i++)
        TRY(drain(play, &play->outputs[i], moved, note));
    return ERR_OK;
}

static enum err play_all(struct sandbox_play *play, bool (*stopped)(void), struct err_note *note)
{
    play->heard_ms = clock_monotonic_ms();
    for (;;) {
        bool moved = false;

        if (stopped())
            return FAIL(note, ERR_CANCELLED, "stopped before all was decided");
        TRY(turn(play, &moved, note));
        if (moved)
            continue;
        if (all_decided(play) && clock_monotonic_ms() - play->heard_ms >= quiet_ms)
            return ERR_OK;
        (void)poll(NULL, 0, 2);
    }
}

static enum err open_outputs(struct sandbox_play *play, struct kafka_log *log,
                             struct err_note *note)
{
    play->outputs =
        memory_zalloc(TOPIC_COUNT * (size_t)play->partitions * sizeof(*play->outputs), "outputs");
    for (int topic = INPUT_COUNT; topic < TOPIC_COUNT; topic++) {
        for (int32_t partition = 0; partition < play->partitions; partition++) {
            struct output *output = &play->outputs[play->output_count++];

            output->topic = (enum topic)topic;
            output->partition = partition;
            TRY(kafka_reader_open(log, play->options->topic_names[topic], output->topic, partition,
                                  0, &output->reader, note));
        }
    }
    return ERR_OK;
}

static enum err make_producer(struct sandbox_play *play, const struct kafka_settings *settings,
                              struct err_note *note)
{
    static const char *const ours[] = {
        "client.id", "sandbox-play", "linger.ms", "5", "max.in.flight", "1", NULL};
    rd_kafka_conf_t *conf = NULL;

    TRY(kafka_conf_create(settings, ours, &conf, note));
    rd_kafka_conf_set_opaque(conf, play);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    TRY(kafka_create(RD_KAFKA_PRODUCER, conf, "the producer", &play->producer, note));
    for (int i = 0; i < INPUT_COUNT; i++)
        play->kafka_topics[i] =
            rd_kafka_topic_new(play->producer, play->options->topic_names[i], NULL);
    return ERR_OK;
}

static void end_producer(struct sandbox_play *play, int wait_ms)
{
    if (play->producer == NULL)
        return;
    (void)rd_kafka_flush(play->producer, wait_ms);
    for (int i = 0; i < INPUT_COUNT; i++) {
        if (play->kafka_topics[i] != NULL)
            rd_kafka_topic_destroy(play->kafka_topics[i]);
        play->kafka_topics[i] = NULL;
    }
    rd_kafka_destroy(play->producer);
    play->producer = NULL;
}

enum err sandbox_play_run(struct sandbox_play *play, const char *out_path, bool (*stopped)(void),
                          struct err_note *note)
{
    struct kafka_setting items[option_kafka_count_max];
    struct kafka_settings settings = bus_kafka_settings(play->options, items);
    struct kafka_log *log = NULL;
    enum err err = log_writer_create(out_path, &play->out, note);

    if (err == ERR_OK)
        err = make_producer(play, &settings, note);
    if (err == ERR_OK)
        err = kafka_log_create(&settings, &log, note);
    if (err == ERR_OK)
        err = open_outputs(play, log, note);
    if (err == ERR_OK)
        err = play_all(play, stopped, note);
    for (size_t i = 0; i < play->output_count; i++)
        kafka_reader_close(play->outputs[i].reader);
    free(play->outputs);
    play->outputs = NULL;
    play->output_count = 0;
    kafka_log_destroy(log);
    end_producer(play, err == ERR_OK ? flush_ms : 0);
    if (err == ERR_OK)
        return log_writer_close(play->out, note);
    log_writer_abandon(play->out);
    return err;
}
