#include "daemon/topic_walk.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "consumers/kafka.h"
#include "daemon/args.h"
#include "daemon/bus_kafka.h"

enum { timeout_ms = 10000, slice_ms = 100, silent_ms_max = 60000 };

struct topic_walk {
    const struct options *options;
    struct topic_walk_plan plan;
    struct topics topics;
    struct kafka_log *log;
    int64_t *next; /* [topic * max_partitions + partition] */
};

static bool is_named(const char *word, size_t size, enum topic topic)
{
    const char *name = topic_short_name(topic);
    const char *suffix = topic >= TOPIC_DLQ_FIRST ? ".dlq" : "";
    size_t name_size = strlen(name);

    return size == name_size + strlen(suffix) && memcmp(word, name, name_size) == 0 &&
           memcmp(word + name_size, suffix, size - name_size) == 0;
}

enum err topic_walk_parse(const char *flag, const char *names, uint64_t *topics,
                          struct err_note *note)
{
    *topics = names == NULL ? (UINT64_C(1) << TOPIC_COUNT) - 1 : 0;
    for (const char *at = names; at != NULL && *at != '\0';) {
        size_t size = strcspn(at, ",");
        bool known = false;

        for (int i = 0; i < TOPIC_COUNT; i++) {
            if (is_named(at, size, (enum topic)i)) {
                *topics |= UINT64_C(1) << i;
                known = true;
            }
        }
        if (!known)
            return FAIL(note, ERR_USAGE,
                        "%s: there is no topic \"%.*s\"; known are settings, interactions, "
                        "presence, flows, commands, routing, analytics, results, state, journal, "
                        "and an input with .dlq",
                        flag, (int)size, at);
        at += size + (at[size] == ',');
    }
    return ERR_OK;
}

static bool is_wanted(const struct topic_walk *walk, int topic)
{
    return walk->topics.items[topic].present && (walk->plan.topics >> topic & 1) != 0;
}

enum err topic_walk_partition(const struct topic_walk_range *range,
                              enum err (*on_record)(void *context, enum topic topic,
                                                    const char *name, const struct record *record,
                                                    struct err_note *note),
                              void *context, struct err_note *note)
{
    int64_t heard_ms = clock_monotonic_ms();
    struct kafka_reader *reader;
    enum err err;

    if (range->from >= range->end)
        return ERR_OK;
    TRY(kafka_reader_open(range->log, range->name, range->topic, range->partition, range->from,
                          &reader, note));
    for (;;) {
        struct record record;
        int64_t seen;

        err = kafka_reader_next(reader, slice_ms, &record, &seen, note);
        if (err == ERR_OK) {
            heard_ms = clock_monotonic_ms();
            if (record.offset < range->end)
                err = on_record(context, range->topic, range->name, &record, note);
            if (err == ERR_OK && record.offset + 1 >= range->end)
                break;
        } else if (err == ERR_END) {
            err = ERR_OK;
            if (seen >= range->end)
                break;
            if (clock_monotonic_ms() - heard_ms > silent_ms_max)
                err = FAIL(note, ERR_BUS_DOWN,
                           "%s, partition %" PRId32 ": nothing came for %d s before its end",
                           range->name, range->partition, silent_ms_max / 1000);
        }
        if (err == ERR_OK && command_stopped())
            err = ERR_CANCELLED;
        if (err != ERR_OK)
            break;
    }
    kafka_reader_close(reader);
    return err;
}

/* All that is wanted, from where the last round ended. */
static enum err walk_round(struct topic_walk *walk, struct err_note *note)
{
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        const struct topic_info *info = &walk->topics.items[topic];

        for (int32_t i = 0; is_wanted(walk, topic) && i < info->partitions; i++) {
            int64_t *next = &walk->next[topic * walk->options->max_partitions + i];
            int64_t begin, stable, high;
            struct topic_walk_range range;

            if (walk->plan.partition >= 0 && walk->plan.partition != i)
                continue;
            TRY(kafka_log_ends(walk->log, info->name, i, timeout_ms, &begin, &stable, &high, note));
            range = (struct topic_walk_range){
                walk->log, (enum topic)topic, info->name, i, *next > begin ? *next : begin, stable};
            TRY(topic_walk_partition(&range, walk->plan.on_record, walk->plan.context, note));
            *next = stable;
        }
    }
    return ERR_OK;
}

enum err topic_walk_run(struct topic_walk *walk, struct err_note *note)
{
    enum err err = walk_round(walk, note);

    while (err == ERR_OK && walk->plan.follow && !command_stopped()) {
        (void)poll(NULL, 0, slice_ms);
        err = walk_round(walk, note);
    }
    return walk->plan.follow && err == ERR_CANCELLED ? ERR_OK : err;
}

static enum err check_partitions(const struct topic_walk *walk, struct err_note *note)
{
    bool any = false;

    for (int i = 0; i < TOPIC_COUNT; i++) {
        const struct topic_info *info = &walk->topics.items[i];

        if (!is_wanted(walk, i))
            continue;
        any = true;
        if (info->partitions > walk->options->max_partitions)
            return FAIL(note, ERR_BUS_REFUSED,
                        "topic %s has %" PRId32 " partitions, more than max_partitions (%" PRId64
                        "): raise that",
                        info->name, info->partitions, walk->options->max_partitions);
        if (walk->plan.partition >= info->partitions)
            return FAIL(note, ERR_USAGE,
                        "--partition: topic %s has %" PRId32 " partitions, there is no %" PRId32,
                        info->name, info->partitions, walk->plan.partition);
    }
    if (!any)
        return FAIL(note, ERR_BUS_REFUSED, "none of the topics is there: is topics.prefix right?");
    return ERR_OK;
}

enum err topic_walk_open(const struct options *options, const struct topic_walk_plan *plan,
                         struct topic_walk **out, struct err_note *note)
{
    struct topic_walk *walk = memory_zalloc(sizeof(*walk), "a walk through topics");
    struct kafka_setting items[option_kafka_count_max];
    struct kafka_settings settings = bus_kafka_settings(options, items);
    rd_kafka_t *client = NULL;
    enum err err;

    walk->options = options;
    walk->plan = *plan;
    walk->next = memory_zalloc(
        (size_t)TOPIC_COUNT * (size_t)options->max_partitions * sizeof(*walk->next), "positions");
    err = topics_client(options, &client, note);
    if (err == ERR_OK)
        err = topics_read(client, options, false, timeout_ms, &walk->topics, note);
    if (client != NULL)
        rd_kafka_destroy(client);
    if (err == ERR_OK)
        err = check_partitions(walk, note);
    if (err == ERR_OK)
        err = kafka_log_create(&settings, &walk->log, note);
    if (err != ERR_OK) {
        topic_walk_close(walk);
        walk = NULL;
    }
    *out = walk;
    return err;
}

void topic_walk_close(struct topic_walk *walk)
{
    if (walk == NULL)
        return;
    kafka_log_destroy(walk->log);
    free(walk->next);
    free(walk);
}
