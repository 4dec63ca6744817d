#include "daemon/audit_replay.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "daemon/diff.h"
#include "daemon/replay.h"
#include "daemon/scratch.h"
#include "daemon/topic_walk.h"
#include "producers/log_file.h"

#define BIT(topic) (UINT64_C(1) << (topic))

/* Journals first: what they tell of has been committed, so outputs and inputs that are read later
 * have it all, and maybe more. */
static const uint64_t rounds[] = {
    BIT(TOPIC_JOURNAL),
    BIT(TOPIC_ROUTING) | BIT(TOPIC_ANALYTICS) | BIT(TOPIC_RESULTS) |
        ((BIT(INPUT_COUNT) - 1) << TOPIC_DLQ_FIRST),
    BIT(INPUT_COUNT) - 1,
};

static const uint32_t compared_topics =
    (1U << TOPIC_ROUTING) | (1U << TOPIC_ANALYTICS) | (1U << TOPIC_RESULTS);

static enum err add(void *context, enum topic topic, const char *name, const struct record *record,
                    struct err_note *note)
{
    (void)topic;
    return log_writer_add(context, name, record, note);
}

static enum err capture_all(const struct options *options, const char *path, struct err_note *note)
{
    struct log_writer *writer;
    enum err err = ERR_OK;

    TRY(log_writer_create(path, &writer, note));
    for (size_t at = 0; at < sizeof(rounds) / sizeof(rounds[0]) && err == ERR_OK; at++) {
        const struct topic_walk_plan plan = {
            .topics = rounds[at], .partition = -1, .on_record = add, .context = writer};
        struct topic_walk *walk;

        err = topic_walk_open(options, &plan, &walk, note);
        if (err == ERR_OK) {
            err = topic_walk_run(walk, note);
            topic_walk_close(walk);
        }
    }
    if (err == ERR_OK)
        return log_writer_close(writer, note);
    log_writer_abandon(writer);
    return err;
}

struct comparison {
    const struct options *options;
    int32_t partitions;
    void (*on_difference)(void *context, const char *text, int32_t partition, json_t *ours,
                          json_t *theirs);
    void *context;
    uint64_t *records;
};

static enum err compare(const struct comparison *comparison, const char *live, const char *replayed,
                        struct err_note *note)
{
    const struct diff_plan plan = {.names = (const char *const *)comparison->options->topic_names,
                                   .framing = &comparison->options->framing,
                                   .topics = compared_topics,
                                   .a_goes_on = true};
    struct diff_result result = {.identical = true};
    struct arena arena;
    enum err err;

    arena_init(&arena);
    err = diff_logs(live, replayed, &plan, &arena, &result, note);
    for (int topic = 0; err == ERR_OK && topic < TOPIC_COUNT; topic++)
        *comparison->records += result.records[topic];
    if (err == ERR_OK && !result.identical)
        comparison->on_difference(
            comparison->context,
            arena_format(&arena, "%s, record %" PRIu64 ": %s (A: the daemon, B: a replay)%s%s",
                         topic_short_name(result.topic), result.index, result.what,
                         result.callback[0] == '\0' ? "" : ", callback ", result.callback),
            result.partition, result.sides[0], result.sides[1]);
    arena_deinit(&arena);
    return err;
}

static enum err replay_and_compare(const struct comparison *comparison, const char *live,
                                   const char *replayed, struct err_note *note)
{
    struct replay_counts counts = {.events = 0};
    struct replay_options replay = {.log = live,
                                    .out = replayed,
                                    .records_max = 1, /* the journal cuts */
                                    .partitions = comparison->partitions,
                                    .journal = true};
    struct options *decide = memory_zalloc(sizeof(*decide), "options"); /* the journal's */
    enum err err;

    options_init(decide);
    memcpy(decide->topic_names, comparison->options->topic_names, sizeof(decide->topic_names));
    replay.options = decide;
    err = replay_run(&replay, &counts, note);
    options_deinit(decide);
    free(decide);
    if (err == ERR_DIFFERENT) {
        comparison->on_difference(comparison->context, note->text, -1, NULL, NULL);
        return ERR_OK;
    }
    TRY(err);
    return compare(comparison, live, replayed, note);
}

enum err audit_replay(const struct options *options, int32_t partitions,
                      void (*on_difference)(void *context, const char *text, int32_t partition,
                                            json_t *ours, json_t *theirs),
                      void *context, uint64_t *records, struct err_note *note)
{
    const struct comparison comparison = {options, partitions, on_difference, context, records};
    char folder[scratch_bytes], live[scratch_bytes + 20], replayed[scratch_bytes + 20];
    enum err err;

    TRY(scratch_folder("audit", 150, folder, note));
    snprintf(live, sizeof(live), "%s/live.log", folder);
    snprintf(replayed, sizeof(replayed), "%s/replayed.log", folder);
    err = capture_all(options, live, note);
    if (err == ERR_OK)
        err = replay_and_compare(&comparison, live, replayed, note);
    (void)unlink(live);
    (void)unlink(replayed);
    (void)rmdir(folder);
    return err;
}
