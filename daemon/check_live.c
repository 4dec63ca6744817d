#include "daemon/check_live.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/partition.h"
#include "daemon/aside.h"
#include "daemon/batch.h"
#include "daemon/bus_kafka.h"
#include "daemon/feed.h"
#include "daemon/topic_walk.h"
#include "state/limits.h"

#include "ringback/v1/presence.pb-c.h"
#include "ringback/v1/settings.pb-c.h"
#include "ringback/v1/state.pb-c.h"

enum {
    turn_ms = 20,
    timeout_ms = 10000, /* of one question to a server */
    stuck_ms = 60000,   /* nothing was decided for so long: it never will */
    batch_records = 100 /* small, so that a restart falls between two */
};

/* Less than event_jump_max: a record of a partition may not be farther ahead of the one before. */
static const int64_t tick_ms = (int64_t)300 * 24 * 3600 * 1000;

/* One record that is to be sent. */
struct line {
    struct record record;
    size_t order; /* as it was said */
};

/* What a story got. */
struct got {
    struct check_output *outputs;
    size_t count;
};

/* Those of the stories that one daemon is told. */
struct run {
    const struct check_live_options *live;
    struct check_live_story *stories; /* all of them */
    size_t count;
    bool *mine; /* by story */
    struct options options;
    struct arena arena;
    struct line *lines;
    size_t line_count;
    size_t line_capacity;
    int64_t sent; /* with the markers */
    struct topics topics;
    rd_kafka_t *client;
    struct feed *feed;
    struct kafka_log *log;
    struct kafka_reader **states; /* by partition */
    uint64_t *numbers;            /* of the last batch, by partition */
    int64_t *decided;             /* records, by partition */
    struct aside aside;
    struct got *got; /* by story */
};

void check_live_domain(struct check_story *story, size_t nth)
{
    char *own = arena_format(&story->arena, "%s.%zu", story->domain, nth);

    story->domain =
        strlen(own) <= LIMIT_ID_BYTES_MAX ? own : arena_format(&story->arena, "story.%zu", nth);
}

/* --- what is sent --- */

static void add_line(struct run *run, const struct record *record)
{
    struct line *line;

    if (run->line_count == run->line_capacity) {
        run->line_capacity = 2 * run->line_capacity + 1000;
        run->lines = memory_grow(run->lines, run->line_capacity * sizeof(*run->lines), "inputs");
    }
    line = &run->lines[run->line_count];
    *line = (struct line){*record, run->line_count};
    line->record.value =
        framing_close(&run->options.framing, record->topic, record->value, &run->arena);
    run->line_count++;
}

/* The same for a message that is made here. */
static void add_message(struct run *run, struct record record, const ProtobufCMessage *message)
{
    uint8_t *bytes = arena_alloc(&run->arena, protobuf_c_message_get_packed_size(message));

    record.value = slice_make(bytes, protobuf_c_message_pack(message, bytes));
    add_line(run, &record);
}

/* When a story is over its agents go home: else they would decline callbacks until the last story
 * is over, which may be weeks. */
static void go_home(struct run *run, struct record record, const struct check_input *input,
                    int64_t at_ms)
{
    Ringback__V1__PresenceEvent *event = ringback__v1__presence_event__unpack(
        &run->arena.allocator, input->value.size, input->value.data);

    if (event == NULL || event->event_case != RINGBACK__V1__PRESENCE_EVENT__EVENT_PRESENCE)
        return;
    event->id = arena_format(&run->arena, "home-%zu", run->line_count);
    event->version += UINT64_C(1) << 62;
    event->change_ms = record.timestamp_ms = at_ms;
    event->presence->presence = RINGBACK__V1__PRESENCE__PRESENCE_OFFLINE;
    add_message(run, record, &event->base);
}

static void add_story(struct run *run, const struct check_live_story *story)
{
    for (size_t at = 0; at < story->result->input_count; at++) {
        const struct check_input *input = &story->result->inputs[at];
        struct record record = {.topic = input->topic,
                                .timestamp_ms = input->at_ms,
                                .key = slice_text(story->story->domain),
                                .value = input->value};

        record.partition = partition_of((enum partitioner)run->options.partitioner, record.key,
                                        run->live->partitions);
        add_line(run, &record);
        if (record.topic == TOPIC_PRESENCE)
            go_home(run, record, input, story->story->until_ms + 1);
    }
}

/* A domain that belongs to that partition. */
static const char *tick_domain(struct run *run, int32_t partition)
{
    for (int attempt = 0;; attempt++) {
        char *domain = arena_format(&run->arena, "clock.%d", attempt);

        if (partition_of((enum partitioner)run->options.partitioner, slice_text(domain),
                         run->live->partitions) == partition)
            return domain;
    }
}

/* Something happens in every partition, elsewhere: its clock goes on to then. */
static void add_tick(struct run *run, int64_t at_ms)
{
    for (int32_t partition = 0; partition < run->live->partitions; partition++) {
        Ringback__V1__SettingsEvent event = RINGBACK__V1__SETTINGS_EVENT__INIT;
        Ringback__V1__AgentSettings agent = RINGBACK__V1__AGENT_SETTINGS__INIT;
        struct record record = {.topic = TOPIC_SETTINGS,
                                .partition = partition,
                                .timestamp_ms = at_ms,
                                .key = slice_text(tick_domain(run, partition))};

        event.id = arena_format(&run->arena, "tick-%" PRId64, at_ms);
        event.event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_AGENT;
        event.agent = &agent;
        agent.agent_id = arena_format(&run->arena, "clock");
        agent.version = (uint64_t)at_ms;
        add_message(run, record, &event.base);
    }
}

static void add_all(struct run *run)
{
    int64_t first_ms = INT64_MAX, last_ms = 0;

    for (size_t at = 0; at < run->count; at++) {
        const struct check_story *story = run->stories[at].story;

        if (!run->mine[at])
            continue;
        add_story(run, &run->stories[at]);
        first_ms = story->start_ms < first_ms ? story->start_ms : first_ms;
        last_ms = story->until_ms > last_ms ? story->until_ms : last_ms;
    }
    for (int64_t at_ms = first_ms; at_ms < last_ms; at_ms += tick_ms)
        add_tick(run, at_ms);
    add_tick(run, last_ms + 1); /* what is due at the last moment is due before it */
}

static int compare_lines(const void *a, const void *b)
{
    const struct line *left = a, *right = b;

    if (left->record.timestamp_ms != right->record.timestamp_ms)
        return left->record.timestamp_ms < right->record.timestamp_ms ? -1 : 1;
    return left->order < right->order ? -1 : 1;
}

static enum err send_all(struct run *run, struct err_note *note)
{
    add_all(run);
    qsort(run->lines, run->line_count, sizeof(*run->lines), compare_lines);
    for (size_t at = 0; at < run->line_count; at++)
        TRY(feed_send(run->feed, &run->lines[at].record, note));
    for (int input = 0; input < INPUT_COUNT; input++) {
        for (int32_t partition = 0; partition < run->live->partitions; partition++)
            TRY(feed_end(run->feed, (enum input)input, partition,
                         run->lines[run->line_count - 1].record.timestamp_ms, note));
    }
    run->sent = (int64_t)run->line_count + (int64_t)INPUT_COUNT * run->live->partitions;
    return feed_flush(run->feed, note);
}

/* --- the daemon --- */

static enum err take_state(struct run *run, const struct record *record, struct err_note *note)
{
    Ringback__V1__Meta *meta;

    if (!slice_equal(record->key, slice_text(META_KEY)))
        return ERR_OK;
    meta = ringback__v1__meta__unpack(NULL, record->value.size, record->value.data);
    if (meta == NULL)
        return FAIL(note, ERR_BAD_STATE, "a meta record cannot be read");
    run->numbers[record->partition] = meta->number;
    run->decided[record->partition] = 0;
    for (size_t input = 0; input < meta->n_positions; input++)
        run->decided[record->partition] += meta->positions[input]->next_offset;
    ringback__v1__meta__free_unpacked(meta, NULL);
    return ERR_OK;
}

/* Records that are decided and committed by now. */
static enum err look(struct run *run, int64_t *decided, struct err_note *note)
{
    *decided = 0;
    for (int32_t partition = 0; partition < run->live->partitions; partition++) {
        for (;;) {
            struct record record;
            int64_t end;
            enum err err = kafka_reader_next(run->states[partition], 0, &record, &end, note);

            if (err == ERR_END)
                break;
            TRY(err);
            TRY(take_state(run, &record, note));
        }
        *decided += run->decided[partition];
    }
    return ERR_OK;
}

/* Until so many records are decided, or the daemon ended. */
static enum err wait_decided(struct run *run, int64_t wanted, struct err_note *note)
{
    int64_t moved_ms = clock_monotonic_ms(), before = -1, decided;

    while (!aside_ended(&run->aside)) {
        TRY(look(run, &decided, note));
        if (decided >= wanted)
            return ERR_OK;
        if (decided != before)
            moved_ms = clock_monotonic_ms();
        before = decided;
        if (clock_monotonic_ms() - moved_ms > stuck_ms)
            return FAIL(note, ERR_BUS_DOWN,
                        "%" PRId64 " of %" PRId64 " records were decided, and none for %d s",
                        decided, run->sent, stuck_ms / 1000);
        (void)poll(NULL, 0, turn_ms);
    }
    return ERR_OK;
}

/* To connect, and for an answer. */
static int64_t redis_wait_ms(const struct run *run)
{
    return 2 * run->options.redis_timeout_ms + 1000;
}

/* Until Redis has what we saw of the log. */
static enum err wait_store(struct run *run, struct store *store, int32_t partition,
                           struct err_note *note)
{
    int64_t until_ms = clock_monotonic_ms() + stuck_ms;

    for (;;) {
        struct store_call call = {.kind = STORE_CALL_POINTER};

        TRY(store_wait(store, &call, redis_wait_ms(run), NULL, NULL, note));
        if (call.pointer.number >= run->numbers[partition]) /* without a pointer 0 */
            return ERR_OK;
        if (aside_ended(&run->aside))
            return ERR_OK; /* why is said by aside_stop() */
        if (clock_monotonic_ms() > until_ms)
            return FAIL(note, ERR_STORE_DOWN,
                        "Redis is at batch %" PRIu64 " of partition %" PRId32
                        ", the log at %" PRIu64 ", for %d s",
                        call.pointer.number, partition, run->numbers[partition], stuck_ms / 1000);
        (void)poll(NULL, 0, turn_ms);
    }
}

static enum err clear_store(struct run *run, struct store *store, int32_t partition,
                            struct err_note *note)
{
    struct store_call call = {.kind = STORE_CALL_CLEAR};

    (void)partition;
    return store_wait(store, &call, redis_wait_ms(run), NULL, NULL, note);
}

/* For the store of each partition; for none if there is to be none. */
static enum err each_store(struct run *run,
                           enum err (*use)(struct run *run, struct store *store, int32_t partition,
                                           struct err_note *note),
                           struct err_note *note)
{
    for (int32_t partition = 0; partition < run->live->partitions; partition++) {
        struct store *store;
        enum err err;

        TRY(run_store(&run->options, &run->topics, partition, &store, note));
        if (store == NULL)
            return ERR_OK;
        err = use(run, store, partition, note);
        store_destroy(store);
        TRY(err);
    }
    return ERR_OK;
}

static enum err run_once(struct run *run, int nth, struct err_note *note)
{
    struct err_note daemon_note = {.err = ERR_OK};
    enum err err, daemon_err;

    TRY(aside_start(&run->aside, &run->options, true, note));
    err = wait_decided(run, run->sent * (nth + 1) / (run->live->restarts + 1), note);
    if (err == ERR_OK)
        err = each_store(run, wait_store, note);
    daemon_err = aside_stop(&run->aside, &daemon_note);
    if (daemon_err != ERR_OK) {
        *note = daemon_note;
        return daemon_err;
    }
    if (err == ERR_OK && command_stopped())
        return FAIL(note, ERR_CANCELLED, "stopped before all was decided");
    return err;
}

/* --- what came --- */

/* By the end of its domain (check_live_domain()). The clock's have none: run->count. */
static size_t story_of(const struct run *run, struct slice domain, struct arena *arena)
{
    const char *text = arena_text(arena, domain), *dot = strrchr(text, '.');
    size_t index = dot == NULL ? run->count : (size_t)strtoull(dot + 1, NULL, 10);

    if (index >= run->count || !run->mine[index] ||
        strcmp(run->stories[index].story->domain, text) != 0)
        return run->count;
    return index;
}

static enum err take_output(void *context, enum topic topic, const char *name,
                            const struct record *record, struct err_note *note)
{
    struct run *run = context;
    size_t index = story_of(run, record->key, &run->arena);
    struct check_output output = {.at_ms = record->timestamp_ms, .topic = topic};
    struct check_result *result;
    struct got *got;

    if (index == run->count || record->timestamp_ms > run->stories[index].story->until_ms)
        return ERR_OK;
    result = run->stories[index].result;
    if (topic >= TOPIC_DLQ_FIRST) {
        check_fault(result, record->timestamp_ms, 0, check_dead_letter(record, &result->arena));
        return ERR_OK;
    }
    if (!check_output_read(&output, &run->options.framing, record->value, &result->arena))
        return FAIL(note, ERR_BAD_FILE, "a record of %s cannot be read", name);
    got = &run->got[index];
    output.order = got->count;
    if ((got->count & (got->count + 1)) == 0) /* 0, 1, 3, 7, ... */
        got->outputs =
            memory_grow(got->outputs, (2 * got->count + 1) * sizeof(*got->outputs), "outputs");
    got->outputs[got->count++] = output;
    return ERR_OK;
}

/* All that is committed. */
static enum err read_output(struct run *run, enum topic topic, int32_t partition,
                            struct err_note *note)
{
    struct topic_walk_range range = {
        .log = run->log,
        .topic = topic,
        .name = run->options.topic_names[topic],
        .partition = partition,
    };
    int64_t begin, high, until_ms = clock_monotonic_ms() + stuck_ms;

    do { /* the end of a transaction comes to each partition by itself */
        TRY(kafka_log_ends(run->log, range.name, partition, timeout_ms, &begin, &range.end, &high,
                           note));
        if (range.end < high)
            (void)poll(NULL, 0, turn_ms);
    } while (range.end < high && clock_monotonic_ms() < until_ms);
    return topic_walk_partition(&range, take_output, run, note);
}

static int compare_outputs(const void *a, const void *b)
{
    const struct check_output *left = a, *right = b;

    if (left->at_ms != right->at_ms)
        return left->at_ms < right->at_ms ? -1 : 1;
    if (left->topic != right->topic)
        return left->topic < right->topic ? -1 : 1;
    return left->order < right->order ? -1 : 1;
}

static enum err read_all(struct run *run, struct err_note *note)
{
    run->got = memory_zalloc((run->count + 1) * sizeof(*run->got), "outputs");
    for (int topic = INPUT_COUNT; topic < TOPIC_COUNT; topic++) {
        if (topic == TOPIC_STATE || topic == TOPIC_JOURNAL)
            continue;
        for (int32_t partition = 0; partition < run->live->partitions; partition++)
            TRY(read_output(run, (enum topic)topic, partition, note));
    }
    for (size_t at = 0; at < run->count; at++) {
        struct got *got = &run->got[at];

        if (got->count > 1)
            qsort(got->outputs, got->count, sizeof(*got->outputs), compare_outputs);
        if (run->mine[at] && run->stories[at].result->fault_count == 0)
            check_compare(run->stories[at].story, run->stories[at].result, got->outputs,
                          got->count);
    }
    return ERR_OK;
}

/* --- one run --- */

static enum err set(struct options *options, const char *key, const char *value,
                    struct err_note *note)
{
    return options_set(options, key, value,
                       (struct option_origin){OPTION_SOURCE_FLAG, "check --live", 0}, note);
}

/* The servers are the user's, decisions the story's, names our own. */
static enum err make_options(struct run *run, const char *decides, struct err_note *note)
{
    struct options *options = &run->options;
    int partitioner;
    const char *framed, *schema_ids;
    char name[40], prefix[60];

    TRY(options_load(options, run->live->context, note));
    for (int input = 0; input < INPUT_COUNT; input++)
        TRY(framing_check_write(&options->framing, (enum topic)input, note));
    partitioner = options->partitioner;
    framed = options->framing_confluent;
    schema_ids = options->framing_schema_ids;
    options_log(options);
    snprintf(name, sizeof(name), "check-%08" PRIx64 "-%d", (uint64_t)clock_wall_ms() & 0xffffffffU,
             (int)getpid());
    snprintf(prefix, sizeof(prefix), "ringback.%s.", name);
    for (int i = 0; i < OPTION_COUNT; i++) {
        const char *key = option_rows[i].key;

        if (strncmp(key, "topics.", 7) == 0 && strcmp(key, "topics.dlq_suffix") != 0)
            TRY(set(options, key, strcmp(key, "topics.prefix") == 0 ? prefix : "", note));
    }
    TRY(options_decides_read(options, slice_text(decides), note));
    options->partitioner = partitioner;
    options->framing_confluent = framed;
    options->framing_schema_ids = schema_ids;
    TRY(set(options, "group", name, note));
    TRY(set(options, "clock", "event", note));
    TRY(set(options, "event_jump_max", "400d", note));
    if (options->origins[OPTION_batch_records_max].source == OPTION_SOURCE_DEFAULT)
        options->batch_records_max = batch_records;
    return options_check(options, note);
}

static enum err open_servers(struct run *run, struct err_note *note)
{
    struct kafka_setting items[option_kafka_count_max];
    struct kafka_settings settings = bus_kafka_settings(&run->options, items);
    size_t count = (size_t)run->live->partitions;

    TRY(topics_client(&run->options, &run->client, note));
    TRY(topics_read(run->client, &run->options, true, timeout_ms, &run->topics, note));
    TRY(topics_make(run->client, &run->options, run->live->partitions, 0, true, &run->topics,
                    note));
    TRY(feed_create(&run->options, "ringback-check", &run->feed, note));
    TRY(kafka_log_create(&settings, &run->log, note));
    run->states = memory_zalloc(count * sizeof(struct kafka_reader *), "readers");
    run->numbers = memory_zalloc(count * sizeof(*run->numbers), "numbers");
    run->decided = memory_zalloc(count * sizeof(*run->decided), "counts");
    for (int32_t partition = 0; partition < run->live->partitions; partition++)
        TRY(kafka_reader_open(run->log, run->options.topic_names[TOPIC_STATE], TOPIC_STATE,
                              partition, 0, &run->states[partition], note));
    return ERR_OK;
}

/* What was made on the servers goes. The consumer group is forgotten by the broker itself
 * (offsets.retention.minutes). */
static enum err tidy_up(struct run *run, struct err_note *note)
{
    struct err_note redis_note = {.err = ERR_OK};
    enum err redis_err = ERR_OK;

    if (run->topics.cluster_id[0] == '\0') /* the broker was never reached: nothing was made */
        return ERR_OK;
    redis_err = each_store(run, clear_store, &redis_note);
    TRY(topics_read(run->client, &run->options, false, timeout_ms, &run->topics, note));
    TRY(topics_delete(run->client, &run->topics, note));
    if (redis_err != ERR_OK)
        *note = redis_note;
    return redis_err;
}

static void close_run(struct run *run)
{
    for (int32_t at = 0; run->states != NULL && at < run->live->partitions; at++)
        kafka_reader_close(run->states[at]);
    for (size_t at = 0; run->got != NULL && at < run->count; at++)
        free(run->got[at].outputs);
    free(run->states);
    free(run->numbers);
    free(run->decided);
    free(run->got);
    free(run->lines);
    kafka_log_destroy(run->log);
    feed_destroy(run->feed);
    if (run->client != NULL)
        rd_kafka_destroy(run->client);
    options_deinit(&run->options);
    arena_deinit(&run->arena);
}

static enum err run_all(struct run *run, const char *decides, struct err_note *note)
{
    struct err_note tidy_note = {.err = ERR_OK};
    enum err err, tidy_err;

    TRY(make_options(run, decides, note));
    err = open_servers(run, note);
    if (err == ERR_OK)
        err = send_all(run, note);
    for (int nth = 0; err == ERR_OK && nth <= run->live->restarts; nth++)
        err = run_once(run, nth, note);
    if (err == ERR_OK)
        err = read_all(run, note);
    tidy_err = tidy_up(run, &tidy_note);
    if (tidy_err != ERR_OK)
        log_warn("what was made for the check could not be removed",
                 LOG_TEXT("topics", run->options.topics_prefix), LOG_TEXT("why", tidy_note.text));
    return err;
}

enum err check_live(struct check_live_options *live, struct check_live_story *stories, size_t count,
                    struct err_note *note)
{
    struct arena arena;
    const char **decides; /* by story; NULL: it was run */
    struct run *run = memory_zalloc(sizeof(*run), "a check on servers");
    enum err err = ERR_OK;

    arena_init(&arena);
    decides = arena_zalloc(&arena, (count + 1) * sizeof(*decides));
    for (size_t at = 0; at < count; at++)
        decides[at] = options_decides_text(&stories[at].story->options, &arena);
    for (size_t at = 0; at < count && err == ERR_OK; at++) {
        const char *same = decides[at];

        if (same == NULL)
            continue;
        *run = (struct run){.live = live, .stories = stories, .count = count};
        arena_init(&run->arena);
        run->mine = arena_zalloc(&run->arena, count * sizeof(*run->mine));
        for (size_t other = at; other < count; other++) {
            run->mine[other] = decides[other] != NULL && strcmp(decides[other], same) == 0;
            if (run->mine[other])
                decides[other] = NULL;
        }
        err = run_all(run, same, note);
        live->redis = run->options.redis_enabled;
        close_run(run);
    }
    free(run);
    arena_deinit(&arena);
    return err;
}
