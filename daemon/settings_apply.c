#include "daemon/settings_apply.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/partition.h"
#include "consumers/kafka.h"
#include "daemon/bus_kafka.h"
#include "daemon/feed.h"
#include "daemon/topics.h"
#include "producers/log_file.h"

enum { broker_ms = 10000, read_ms = 60000, slice_ms = 100, partitions_max = 1024 };

struct applying {
    const struct settings_apply *apply;
    struct topics topics;
    struct kafka_log *log;
    bool wanted[partitions_max]; /* partitions of the inputs that the file's domains are on */
    struct kafka_reader *results[partitions_max];
    struct feed *feed;
};

static int32_t partition_for(const struct applying *applying, const char *domain)
{
    enum partitioner partitioner = (enum partitioner)applying->apply->options->partitioner;

    return partition_of(partitioner, slice_text(domain),
                        applying->topics.items[TOPIC_SETTINGS].partitions);
}

static enum err check_topics(struct applying *applying, struct err_note *note)
{
    static const enum topic needed[] = {TOPIC_SETTINGS, TOPIC_RESULTS, TOPIC_STATE};

    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        const struct topic_info *info = &applying->topics.items[needed[i]];

        if (!info->present)
            return FAIL(note, ERR_BUS_REFUSED, "topic %s is missing: `ringback topics` makes it",
                        info->name);
        if (info->partitions > partitions_max)
            return FAIL(note, ERR_BUS_REFUSED,
                        "topic %s has %" PRId32 " partitions, more than the %d that are supported",
                        info->name, info->partitions, partitions_max);
    }
    return ERR_OK;
}

static enum err read_topics(struct applying *applying, struct err_note *note)
{
    rd_kafka_t *client = NULL;
    enum err err;

    TRY(topics_client(applying->apply->options, &client, note));
    err = topics_read(client, applying->apply->options, false, broker_ms, &applying->topics, note);
    rd_kafka_destroy(client);
    TRY(err);
    return check_topics(applying, note);
}

static bool stopped(const struct applying *applying)
{
    return applying->apply->stopped();
}

/* All that the reader's partition holds up to `stable`. */
static enum err read_to(struct applying *applying, struct kafka_reader *reader, int64_t stable,
                        struct settings_known *known, struct err_note *note)
{
    int64_t until_ms = clock_monotonic_ms() + read_ms;
    int64_t next = 0, end = -1;
    struct record record;

    while (next < stable) {
        enum err err = kafka_reader_next(reader, slice_ms, &record, &end, note);

        if (err == ERR_OK) {
            record.value =
                framing_message(&applying->apply->options->framing, record.topic, record.value);
            settings_known_record(known, &record);
            next = record.offset + 1;
            continue;
        }
        if (err != ERR_END)
            return err;
        if (end >= stable)
            return ERR_OK;
        if (stopped(applying))
            return FAIL(note, ERR_CANCELLED, "stopped; nothing was sent");
        if (clock_monotonic_ms() > until_ms)
            return FAIL(note, ERR_BUS_DOWN,
                        "the broker gave nothing from offset %" PRId64 " to %" PRId64
                        " for %d s; nothing was sent",
                        next, stable, read_ms / 1000);
    }
    return ERR_OK;
}

/* A topic that was just made has no leader for a moment: what the broker says is asked again. */
static enum err ask_ends(struct applying *applying, const char *name, int32_t partition,
                         int64_t *begin, int64_t *stable, struct err_note *note)
{
    int64_t until_ms = clock_monotonic_ms() + broker_ms;
    int64_t high;
    enum err err;

    for (;;) {
        err = kafka_log_ends(applying->log, name, partition, broker_ms, begin, stable, &high, note);
        if (err != ERR_BUS_DOWN || clock_monotonic_ms() >= until_ms || stopped(applying))
            return err;
        (void)poll(NULL, 0, slice_ms);
    }
}

/* Reads the partition to its end; keep: the reader stays open, else it may be NULL. */
static enum err read_partition(struct applying *applying, enum topic topic, int32_t partition,
                               struct kafka_reader **keep, struct settings_known *known,
                               struct err_note *note)
{
    const char *name = applying->topics.items[topic].name;
    struct kafka_reader *reader = NULL;
    int64_t begin, stable;
    enum err err;

    TRY(ask_ends(applying, name, partition, &begin, &stable, note));
    TRY(kafka_reader_open(applying->log, name, topic, partition, begin, &reader, note));
    err = begin >= stable ? ERR_OK : read_to(applying, reader, stable, known, note);
    if (keep != NULL)
        *keep = reader;
    else
        kafka_reader_close(reader);
    if (err != ERR_OK)
        (void)err_prefix(note, "%s, partition %" PRId32 ": ", name, partition);
    return err;
}

static enum err read_known(struct applying *applying, struct settings_known *known,
                           struct err_note *note)
{
    int32_t count = applying->topics.items[TOPIC_SETTINGS].partitions;
    int32_t results = applying->topics.items[TOPIC_RESULTS].partitions;

    for (int32_t i = 0; i < count; i++) {
        if (!applying->wanted[i])
            continue;
        if (applying->results[i % results] == NULL)
            TRY(read_partition(applying, TOPIC_RESULTS, i % results,
                               &applying->results[i % results], known, note));
        TRY(read_partition(applying, TOPIC_SETTINGS, i, NULL, known, note));
        if (applying->apply->from_state)
            TRY(read_partition(applying, TOPIC_STATE, i, NULL, known, note));
    }
    return ERR_OK;
}

static enum err send_step(struct applying *applying, const struct settings_step *step,
                          struct err_note *note)
{
    struct record record = {.topic = TOPIC_SETTINGS,
                            .partition = partition_for(applying, step->domain),
                            .timestamp_ms = clock_wall_ms(),
                            .key = slice_text(step->domain)};
    struct arena arena;
    enum err err;

    arena_init(&arena);
    record.value =
        framing_close(&applying->apply->options->framing, TOPIC_SETTINGS, step->value, &arena);
    err = feed_send(applying->feed, &record, note);
    arena_deinit(&arena);
    return err;
}

static enum err send_all(struct applying *applying, const struct settings_plan *plan,
                         struct err_note *note)
{
    enum err err;

    TRY(feed_create(applying->apply->options, "ringback-queues", &applying->feed, note));
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->steps[i].value.data != NULL)
            TRY(send_step(applying, &plan->steps[i], note));
    }
    err = feed_flush(applying->feed, note);
    if (err == ERR_BUS_DOWN)
        return FAIL(
            note, ERR_BUS_DOWN,
            "the broker did not take everything; apply again: what it took is not sent twice");
    return err;
}

static enum err wait_for_answers(struct applying *applying, struct settings_plan *plan,
                                 struct err_note *note)
{
    int64_t until_ms = clock_monotonic_ms() + applying->apply->wait_ms;
    struct record record;
    int64_t end;

    while (plan->waiting > 0 && clock_monotonic_ms() < until_ms && !stopped(applying)) {
        for (int32_t i = 0; i < partitions_max; i++) {
            enum err err = ERR_OK;

            while (applying->results[i] != NULL && err == ERR_OK) {
                err = kafka_reader_next(applying->results[i], 10, &record, &end, note);
                if (err == ERR_OK) {
                    record.value = framing_message(&applying->apply->options->framing, record.topic,
                                                   record.value);
                    settings_plan_result(plan, &record);
                } else if (err != ERR_END)
                    return err;
            }
        }
    }
    return ERR_OK;
}

static void end_applying(struct applying *applying)
{
    for (int32_t i = 0; i < partitions_max; i++)
        kafka_reader_close(applying->results[i]);
    kafka_log_destroy(applying->log);
    feed_destroy(applying->feed);
    free(applying);
}

static enum err apply_with(struct applying *applying, const struct settings *settings,
                           struct settings_known *known, struct settings_plan *plan, bool *planned,
                           struct err_note *note)
{
    const struct settings_apply *apply = applying->apply;
    struct kafka_setting items[option_kafka_count_max];
    struct kafka_settings kafka = bus_kafka_settings(apply->options, items);

    TRY(framing_check_write(&apply->options->framing, TOPIC_SETTINGS, note));
    TRY(read_topics(applying, note));
    for (size_t i = 0; i < settings->item_count; i++)
        applying->wanted[partition_for(applying, settings->items[i].domain)] = true;
    TRY(kafka_log_create(&kafka, &applying->log, note));
    TRY(read_known(applying, known, note));
    settings_plan_init(plan, settings, known, apply->prune, apply->force);
    *planned = true;
    if (apply->dry_run)
        return ERR_OK;
    if (plan->sent > 0)
        TRY(send_all(applying, plan, note));
    return wait_for_answers(applying, plan, note);
}

enum err settings_apply(const struct settings_apply *apply, const struct settings *settings,
                        struct settings_plan *plan, bool *planned, struct err_note *note)
{
    struct applying *applying = memory_zalloc(sizeof(*applying), "settings to apply");
    struct settings_known *known = settings_known_create();
    enum err err;

    *planned = false;
    applying->apply = apply;
    err = apply_with(applying, settings, known, plan, planned, note);
    settings_known_destroy(known);
    end_applying(applying);
    return err;
}

enum err settings_write_log(const struct settings *settings, const struct options *options,
                            int32_t partitions, int64_t at_ms, const char *path,
                            struct err_note *note)
{
    struct log_writer *writer = NULL;
    int64_t next[partitions_max] = {0};
    struct arena arena;
    enum err err = ERR_OK;

    TRY(framing_check_write(&options->framing, TOPIC_SETTINGS, note));
    TRY(log_writer_create(path, &writer, note));
    arena_init(&arena);
    for (size_t i = 0; err == ERR_OK && i < settings->item_count; i++) {
        const struct settings_item *item = &settings->items[i];
        struct record record = {.topic = TOPIC_SETTINGS, .timestamp_ms = at_ms};
        const char *id;

        record.key = slice_text(item->domain);
        record.partition = partition_of(PARTITIONER_MURMUR2, record.key, partitions);
        record.offset = next[record.partition]++;
        record.value = framing_close(&options->framing, TOPIC_SETTINGS,
                                     settings_item_event(item, 1, &arena, &id), &arena);
        err = log_writer_add(writer, options->topic_names[TOPIC_SETTINGS], &record, note);
    }
    arena_deinit(&arena);
    if (err == ERR_OK)
        return log_writer_close(writer, note);
    log_writer_abandon(writer);
    return err;
}
