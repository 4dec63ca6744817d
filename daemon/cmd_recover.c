/* ringback recover: what of the inputs or of the log was lost, and going on without it. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/version.h"
#include "daemon/args.h"
#include "daemon/bus_kafka.h"
#include "daemon/format.h"
#include "daemon/run.h"
#include "daemon/topics.h"

enum { timeout_ms = 10000, peek_ms = 5000 };

/* What is wrong with one input of a partition. */
struct finding {
    int64_t next;  /* where the log wants to go on */
    int64_t begin; /* what is there */
    int64_t end;
    int64_t go_on;  /* where it can */
    bool other_log; /* the record before `next` is not the one that was decided */
};

struct recovery {
    struct command_context *context;
    const struct options *options;
    bool go_on;
    struct topics topics;
    struct machine_options machine;
    struct arena arena;
    const char *decides;
    struct kafka_log *log;
    json_t *rows;
    int wrong; /* findings in all partitions */
};

static bool never(void *context)
{
    (void)context;
    return command_stopped();
}

/* The timestamp of the record at offset, or -1: there is none (a marker, or not readable). */
static enum err peek(const struct recovery *recovery, enum input input, int32_t partition,
                     int64_t offset, int64_t *stamp_ms, struct err_note *note)
{
    struct kafka_reader *reader;
    struct record record;
    int64_t end;
    enum err err;

    *stamp_ms = -1;
    TRY(kafka_reader_open(recovery->log, recovery->options->topic_names[input], (enum topic)input,
                          partition, offset, &reader, note));
    err = kafka_reader_next(reader, peek_ms, &record, &end, note);
    if (err == ERR_OK && record.offset == offset)
        *stamp_ms = record.timestamp_ms;
    kafka_reader_close(reader);
    return err == ERR_OK || err == ERR_END ? ERR_OK : err;
}

static enum err find(const struct recovery *recovery, const struct engine_meta *meta,
                     enum input input, int32_t partition, struct finding *finding,
                     struct err_note *note)
{
    const struct engine_position *position = &meta->positions[input];
    int64_t high, stamp_ms;

    TRY(kafka_log_ends(recovery->log, recovery->options->topic_names[input], partition, timeout_ms,
                       &finding->begin, &finding->end, &high, note));
    finding->next = finding->go_on = position->next_offset;
    finding->other_log = false;
    if (finding->next < finding->begin)
        finding->go_on = finding->begin;
    if (finding->next > high)
        finding->go_on = high;
    if (finding->go_on != finding->next || position->last_timestamp_ms < 0 ||
        finding->next - 1 < finding->begin)
        return ERR_OK;
    TRY(peek(recovery, input, partition, finding->next - 1, &stamp_ms, note));
    finding->other_log = stamp_ms >= 0 && stamp_ms != position->last_timestamp_ms;
    return ERR_OK;
}

static struct slice pack(struct arena *arena, const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *data = arena_alloc(arena, size);

    return slice_make(data, protobuf_c_message_pack(message, data));
}

static void add(struct batch *batch, enum topic topic, int32_t partition, int64_t clock_ms,
                const char *key, struct slice value)
{
    struct record record = {.topic = topic,
                            .partition = partition,
                            .timestamp_ms = clock_ms,
                            .key = slice_text(key),
                            .value = value};

    (void)batch_add(batch, &record, (struct batch_cause){.input = INPUT_COUNT});
}

/* A batch that decides nothing: only its positions are others. A new incarnation makes every copy
 * in Redis one of another history. */
static void make_batch(const struct recovery *recovery, const struct engine_meta *was,
                       const struct finding findings[INPUT_COUNT], int32_t partition,
                       struct batch *batch)
{
    Ringback__V1__Meta meta;
    Ringback__V1__JournalRecord journal;
    Ringback__V1__InputPosition positions[INPUT_COUNT], *position_list[INPUT_COUNT];
    Ringback__V1__InputRange ranges[INPUT_COUNT], *range_list[INPUT_COUNT];
    struct arena *arena = &batch->arena;
    uint8_t *ids = arena_alloc(arena, 3 * (size_t)writer_bytes);
    int64_t now_ms = clock_wall_ms();

    ringback__v1__meta__init(&meta);
    ringback__v1__journal_record__init(&journal);
    random_bytes(ids, 2 * (size_t)writer_bytes);
    memcpy(ids + 2 * writer_bytes, was->writer, writer_bytes);
    for (int i = 0; i < INPUT_COUNT; i++) {
        bool moved = findings[i].go_on != findings[i].next || findings[i].other_log;

        ringback__v1__input_position__init(&positions[i]);
        positions[i].next_offset = findings[i].go_on;
        positions[i].last_timestamp_ms = moved ? -1 : was->positions[i].last_timestamp_ms;
        positions[i].merge_ms = was->positions[i].merge_ms;
        positions[i].fixed_end = was->positions[i].fixed_end;
        position_list[i] = &positions[i];
        ringback__v1__input_range__init(&ranges[i]);
        ranges[i].from_offset = findings[i].next;
        ranges[i].to_offset = findings[i].go_on;
        range_list[i] = &ranges[i];
    }
    meta.number = journal.number = was->number + 1;
    meta.writer.data = journal.writer.data = ids;
    meta.writer.len = journal.writer.len = writer_bytes;
    meta.incarnation.data = ids + writer_bytes;
    meta.incarnation.len = incarnation_bytes;
    journal.previous_writer.data = ids + 2 * writer_bytes;
    journal.previous_writer.len = writer_bytes;
    meta.n_positions = journal.n_ranges = INPUT_COUNT;
    meta.positions = position_list;
    journal.ranges = range_list;
    meta.clock_ms = journal.clock_ms = was->clock_ms > now_ms ? was->clock_ms : now_ms;
    meta.entity_count = was->entity_count;
    meta.entity_digest = was->entity_digest;
    meta.cluster_id = arena_text(arena, slice_text(recovery->topics.cluster_id));
    meta.partitions = (uint32_t)was->partitions;
    meta.format = state_format;
    journal.format = journal_format;
    journal.program_version = arena_text(arena, slice_text(RINGBACK_VERSION));
    journal.options = arena_text(arena, slice_text(recovery->decides));
    journal.options_hash = options_decides_hash(recovery->decides);
    journal.clock_event = recovery->options->clock == OPTION_CLOCK_EVENT;
    batch->number = meta.number;
    add(batch, TOPIC_JOURNAL, partition, meta.clock_ms, "journal", pack(arena, &journal.base));
    add(batch, TOPIC_STATE, partition, meta.clock_ms, META_KEY, pack(arena, &meta.base));
}

static void say(struct recovery *recovery, int32_t partition, const char *input,
                const struct finding *finding)
{
    char what[160];

    if (finding->go_on > finding->next)
        snprintf(what, sizeof(what), "%" PRId64 " records were deleted before they were decided",
                 finding->go_on - finding->next);
    else if (finding->go_on < finding->next)
        snprintf(what, sizeof(what), "%" PRId64 " records that were decided are gone",
                 finding->next - finding->go_on);
    else
        snprintf(what, sizeof(what), "the record before it is another one: another log");
    recovery->wrong++;
    if (recovery->context->json)
        json_array_append_new(recovery->rows,
                              json_pack("{s:i, s:s, s:I, s:I, s:I, s:I, s:s}", "partition",
                                        (int)partition, "input", input, "next",
                                        (json_int_t)finding->next, "begin",
                                        (json_int_t)finding->begin, "end", (json_int_t)finding->end,
                                        "go_on", (json_int_t)finding->go_on, "what", what));
    else
        fprintf(recovery->context->out,
                "partition %" PRId32 ", %s: wanted %" PRId64 ", there is %" PRId64 " up to %" PRId64
                ", can go on at %" PRId64 ": %s\n",
                partition, input, finding->next, finding->begin, finding->end, finding->go_on,
                what);
}

static enum err recover_loaded(struct recovery *recovery, struct worker *worker,
                               struct err_note *note)
{
    const struct engine_meta *meta = engine_meta(worker->engine);
    int32_t partition = worker->options.engine.partition;
    struct finding findings[INPUT_COUNT];
    struct bus_cancel cancel = {never, NULL};
    struct bus_committed committed;
    int before = recovery->wrong;

    if (meta->number == 0)
        return ERR_OK;
    for (int i = 0; i < INPUT_COUNT; i++) {
        TRY(find(recovery, meta, (enum input)i, partition, &findings[i], note));
        if (findings[i].go_on != findings[i].next || findings[i].other_log)
            say(recovery, partition, recovery->options->topic_names[i], &findings[i]);
    }
    if (worker->ahead_number > 0) {
        struct finding lost = {.next = (int64_t)worker->ahead_number + 1,
                               .go_on = (int64_t)meta->number + 1,
                               .end = (int64_t)meta->number + 1};

        say(recovery, partition, "batches on the state topic", &lost);
    }
    if (strcmp(meta->cluster_id, recovery->topics.cluster_id) != 0) {
        recovery->wrong++;
        json_array_append_new(recovery->rows,
                              json_pack("{s:i, s:s, s:s}", "partition", (int)partition, "input",
                                        "state", "what",
                                        "the state topic was written on another cluster"));
        fprintf(recovery->context->err,
                "partition %" PRId32 ": the state topic was written on cluster %s, this is %s\n",
                partition, meta->cluster_id, recovery->topics.cluster_id);
    }
    if (recovery->wrong == before || !recovery->go_on)
        return ERR_OK;
    batch_reset(&worker->batch);
    make_batch(recovery, meta, findings, partition, &worker->batch);
    return worker->bus->ops->commit(worker->bus, &worker->batch, &cancel, &committed, note);
}

static enum err recover_partition(struct recovery *recovery, int32_t partition,
                                  struct err_note *note)
{
    struct worker_options options;
    struct store *store = NULL;
    struct worker *worker;
    enum err err;

    run_worker_options(recovery->options, &recovery->topics, &recovery->machine, recovery->decides,
                       partition, 1, &options);
    options.recovering = true;
    TRY(run_store(recovery->options, &recovery->topics, partition, &store, note));
    worker = worker_create(&options, store);
    worker->bus = bus_kafka_create(recovery->options, NULL, recovery->log, partition);
    worker->follow = follow_create(&(struct follow_options){.partition = partition});
    err = takeover_load(worker, note);
    if (err == ERR_OK)
        err = recover_loaded(recovery, worker, note);
    follow_destroy(worker->follow);
    bus_destroy(worker->bus);
    worker_destroy(worker);
    return err;
}

static enum err recover_all(struct recovery *recovery, struct err_note *note)
{
    struct kafka_setting items[option_kafka_count_max];
    struct kafka_settings settings = bus_kafka_settings(recovery->options, items);
    rd_kafka_t *client = NULL;
    enum err err = topics_client(recovery->options, &client, note);

    if (err == ERR_OK)
        err = topics_read(client, recovery->options, true, timeout_ms, &recovery->topics, note);
    if (client != NULL)
        rd_kafka_destroy(client);
    TRY(err);
    for (int i = 0; i < TOPIC_COUNT; i++) {
        if (!recovery->topics.items[i].present)
            return FAIL(note, ERR_BUS_REFUSED, "topic %s is missing: `ringback topics` makes it",
                        recovery->topics.items[i].name);
    }
    TRY(kafka_log_create(&settings, &recovery->log, note));
    for (int32_t i = 0; i < recovery->topics.items[TOPIC_STATE].partitions; i++)
        TRY(recover_partition(recovery, i, note));
    return ERR_OK;
}

static enum err report(struct recovery *recovery, struct err_note *note)
{
    FILE *out = recovery->context->out;

    if (recovery->context->json) {
        command_print_json(recovery->context, json_incref(recovery->rows));
    } else if (recovery->wrong == 0) {
        fputs("Nothing is missing: every input goes on where the log says.\n", out);
    } else {
        fputs(recovery->go_on ? "Written: `ringback run` goes on from there.\n"
                              : "Nothing was changed; --go-on writes it.\n",
              out);
    }
    if (recovery->wrong > 0 && !recovery->go_on) {
        note->text[0] = '\0';
        return ERR_DIFFERENT;
    }
    return ERR_OK;
}

static const struct arg_exit exits[] = {
    {3, "something is missing and was not mended"},
    {0, NULL},
};

static const struct arg_example examples[] = {
    {"recover", "What is missing; nothing is changed."},
    {"recover --go-on", "Go on without it."},
    {NULL, NULL},
};

enum err cmd_recover(struct command_context *context, int argc, char **argv, struct err_note *note)
{
    struct recovery recovery = {.context = context};
    const struct arg_flag flags[] = {
        ARGS_SWITCH("go-on", &recovery.go_on,
                    "commit it: each partition goes on from what is there"),
        ARGS_END,
    };
    const struct args_spec spec = {
        .text =
            "For when `ringback run` refuses a partition because records of an input, or\n"
            "committed batches, are gone. Shows per partition and input where the log wants to\n"
            "go on, what is there, and how many records are missing; with --go-on commits that\n"
            "as a batch of its own. It becomes the owner of each partition while it looks: stop\n"
            "`ringback run` first.\n",
        .flags = flags,
        .exits = exits,
        .examples = examples,
        .json = ARGS_JSON,
        .options = true,
    };
    struct args args;
    struct options options;
    enum err err;

    TRY(args_parse(&spec, context, argc, argv, &args, note));
    err = options_load(&options, context, note);
    if (err == ERR_OK) {
        options_log(&options);
        command_catch_signals();
        arena_init(&recovery.arena);
        recovery.options = &options;
        recovery.rows = json_array();
        options_machine(&options, &recovery.machine);
        recovery.decides = options_decides_text(&options, &recovery.arena);
        err = recover_all(&recovery, note);
        if (err == ERR_OK)
            err = report(&recovery, note);
        kafka_log_destroy(recovery.log);
        json_decref(recovery.rows);
        arena_deinit(&recovery.arena);
    }
    options_deinit(&options);
    return err;
}
