#include "daemon/replay.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "consumers/log_file.h"
#include "daemon/command.h"
#include "daemon/format.h"
#include "daemon/log_topics.h"
#include "producers/log_file.h"

enum { fetch_records = 1024, partitions_max = 10000, name_bytes_max = 300 };

/* One topic and partition of the log: where its records are, and the next of them as candidates. */
struct source {
    size_t *bytes; /* of each record */
    size_t count;
    size_t capacity;
    size_t next;            /* the first that is not a candidate and not taken */
    struct record *records; /* candidates */
    size_t record_capacity;
    size_t first; /* of the candidates, the first not taken */
    size_t end;
    struct arena arena; /* their headers */
};

struct part {
    struct source inputs[INPUT_COUNT];
    struct source journal;
};

struct replay {
    const struct replay_options *options;
    struct replay_counts *counts;
    struct log_reader *reader;
    struct log_writer *writer;
    struct engine_options engine_options;
    struct machine_options machine_options;
    struct engine *engine; /* of the partition under way */
    char names[TOPIC_COUNT][name_bytes_max];
    struct part *parts;
    int32_t part_count;
    int64_t *offsets[TOPIC_COUNT]; /* next, of each partition */
    struct batch batch;
    struct arena arena; /* of one journal record */
    int64_t told_ms;    /* when progress was last shown; 0: never */
    uint64_t indexed;   /* input records */
    int32_t meta_partitions;
};

/* Progress, five times a second. Errors: ERR_CANCELLED. */
static enum err tell(struct replay *replay, const char *what, uint64_t done, uint64_t of,
                     struct err_note *note)
{
    int64_t now_ms;

    if (command_stopped())
        return FAIL(note, ERR_CANCELLED, "%s", "");
    if (replay->options->progress == NULL)
        return ERR_OK;
    now_ms = clock_monotonic_ms();
    if (now_ms - replay->told_ms < 200)
        return ERR_OK;
    replay->told_ms = now_ms;
    fprintf(replay->options->progress, "\r%s %3u %%\033[K", what,
            (unsigned)(of == 0 ? 100 : done * 100 / of));
    (void)fflush(replay->options->progress);
    return ERR_OK;
}

static void end_telling(struct replay *replay)
{
    if (replay->options->progress != NULL && replay->told_ms != 0)
        fputs("\r\033[K", replay->options->progress);
    replay->told_ms = 0;
}

static struct part *part_at(struct replay *replay, int32_t number)
{
    while (replay->part_count <= number) {
        int32_t count = replay->part_count == 0 ? 1 : 2 * replay->part_count;

        replay->parts = memory_grow(replay->parts, (size_t)count * sizeof(*replay->parts),
                                    "the partitions of a log");
        memset(&replay->parts[replay->part_count], 0,
               (size_t)(count - replay->part_count) * sizeof(*replay->parts));
        replay->part_count = count;
    }
    return &replay->parts[number];
}

static void add_place(struct source *source, size_t byte)
{
    if (source->count == source->capacity) {
        source->capacity = source->capacity == 0 ? 64 : 2 * source->capacity;
        source->bytes = memory_grow(source->bytes, source->capacity * sizeof(*source->bytes),
                                    "the places of records in a log");
    }
    source->bytes[source->count++] = byte;
}

/* The topic of a name, TOPIC_COUNT: none of ours. Errors: ERR_BAD_FILE. */
static enum err topic_of(struct replay *replay, struct slice name, enum topic *topic,
                         struct err_note *note)
{
    char *known;

    *topic = log_topics_find(replay->options->options->topic_names, name, NULL);
    if (*topic == TOPIC_COUNT)
        return ERR_OK;
    known = replay->names[*topic];
    if (known[0] == '\0')
        snprintf(known, name_bytes_max, "%.*s", (int)name.size, (const char *)name.data);
    if (!slice_equal(slice_text(known), name))
        return FAIL(note, ERR_BAD_FILE,
                    "%s: %s and %.*s are both taken for %s: make a log of one of them, or name "
                    "the topics as they are (topics.*)",
                    replay->options->log, known, (int)name.size, (const char *)name.data,
                    topic_short_name(*topic));
    return ERR_OK;
}

static enum err index_record(struct replay *replay, const struct log_entry *entry, enum topic topic,
                             struct err_note *note)
{
    struct part *part;

    if (topic > TOPIC_COMMANDS && topic != TOPIC_JOURNAL)
        return ERR_OK;
    if (entry->record.partition < 0 || entry->record.partition >= partitions_max)
        return FAIL(note, ERR_BAD_FILE,
                    "%s: record at byte %zu: partition %" PRId32 " is not 0 to %d",
                    replay->options->log, entry->byte, entry->record.partition, partitions_max - 1);
    part = part_at(replay, entry->record.partition);
    if (topic != TOPIC_JOURNAL && entry->record.partition >= replay->counts->partitions)
        replay->counts->partitions = entry->record.partition + 1;
    add_place(topic == TOPIC_JOURNAL ? &part->journal : &part->inputs[topic], entry->byte);
    return ERR_OK;
}

/* What journal and meta say of the log as a whole. */
static void look_into(struct replay *replay, enum topic topic, const struct record *record)
{
    ProtobufCAllocator *allocator = &replay->arena.allocator;

    if (record->value.data == NULL)
        return;
    if (topic == TOPIC_JOURNAL && !replay->counts->wall_clock) {
        const Ringback__V1__JournalRecord *journal =
            ringback__v1__journal_record__unpack(allocator, record->value.size, record->value.data);

        replay->counts->wall_clock = journal != NULL && !journal->clock_event;
    } else if (topic == TOPIC_STATE && slice_equal(record->key, slice_text(META_KEY))) {
        const Ringback__V1__Meta *meta =
            ringback__v1__meta__unpack(allocator, record->value.size, record->value.data);

        if (meta != NULL && meta->format == state_format && meta->partitions <= partitions_max)
            replay->meta_partitions = (int32_t)meta->partitions;
    }
}

/* Looks through the log once, up to its end or its first damage, which goes into *damage. */
static enum err index_log(struct replay *replay, enum err *damage, struct err_note *damage_note,
                          struct err_note *note)
{
    struct slice last_name = {NULL, 0};
    enum topic topic = TOPIC_COUNT;
    struct log_entry entry;

    for (;;) {
        arena_reset(&replay->arena);
        *damage = log_reader_next(replay->reader, &replay->arena, &entry, damage_note);
        if (*damage != ERR_OK)
            break;
        if (!slice_equal(entry.topic, last_name))
            TRY(topic_of(replay, entry.topic, &topic, note));
        last_name = entry.topic;
        if (topic == TOPIC_COUNT)
            log_strangers_add(&replay->counts->strangers, entry.topic);
        look_into(replay, topic, &entry.record);
        TRY(index_record(replay, &entry, topic, note));
        if ((log_reader_count(replay->reader) & 0xffff) == 0)
            TRY(tell(replay, "reading", log_reader_at(replay->reader),
                     log_reader_size(replay->reader), note));
    }
    if (*damage == ERR_END)
        *damage = ERR_OK;
    return ERR_OK;
}

/* Full names of topics that the log does not have: those of the options if it has one of them, else
 * the prefix of one that it has. */
static void complete_names(struct replay *replay)
{
    const char *const *names = replay->options->options->topic_names;
    struct slice prefix = {NULL, 0};
    bool ours = false;

    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        ours |= strcmp(replay->names[topic], names[topic]) == 0;
        if (prefix.size == 0)
            log_topics_find(NULL, slice_text(replay->names[topic]), &prefix);
    }
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        if (replay->names[topic][0] == '\0' && ours)
            snprintf(replay->names[topic], name_bytes_max, "%s", names[topic]);
        else if (replay->names[topic][0] == '\0')
            snprintf(replay->names[topic], name_bytes_max, "%.*s%s%s", (int)prefix.size,
                     (const char *)prefix.data, topic_short_name((enum topic)topic),
                     topic >= TOPIC_DLQ_FIRST ? ".dlq" : "");
        replay->engine_options.topics[topic] = replay->names[topic];
    }
}

static enum err fail_without_inputs(const struct replay *replay, struct err_note *note)
{
    const struct log_strangers *strangers = &replay->counts->strangers;
    char text[log_strangers_text_bytes];

    if (strangers->records == 0)
        return FAIL(note, ERR_BAD_FILE,
                    "%s has no record of an input topic (settings, interactions, presence, flows, "
                    "commands)",
                    replay->options->log);
    return FAIL(note, ERR_BAD_FILE,
                "%s has no record of an input topic (settings, interactions, presence, flows, "
                "commands), but of %s: " LOG_STRANGERS_ADVICE,
                replay->options->log, log_strangers_text(strangers, text));
}

static enum err choose_partitions(struct replay *replay, struct err_note *note)
{
    struct replay_counts *counts = replay->counts;
    int32_t highest = counts->partitions;

    if (replay->options->partitions > 0)
        counts->partitions = replay->options->partitions;
    else if (replay->meta_partitions > highest)
        counts->partitions = replay->meta_partitions;
    if (counts->partitions < highest)
        return FAIL(note, ERR_USAGE,
                    "%s has records of partition %" PRId32
                    ": --partitions must be at least %" PRId32,
                    replay->options->log, highest - 1, highest);
    if (counts->partitions == 0)
        return fail_without_inputs(replay, note);
    part_at(replay, counts->partitions - 1);
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        replay->engine_options.partitions[topic] = counts->partitions;
        replay->offsets[topic] = memory_zalloc(
            (size_t)counts->partitions * sizeof(*replay->offsets[topic]), "the offsets of a log");
    }
    return ERR_OK;
}

/* Makes room for and reads one more candidate; it is whole, as the first look showed. */
static const struct record *fetch_one(struct replay *replay, struct source *source,
                                      enum input input)
{
    struct log_entry entry;
    struct err_note note;
    enum err err;

    if (source->end == source->record_capacity) {
        source->record_capacity =
            source->record_capacity == 0 ? fetch_records : 2 * source->record_capacity;
        source->records =
            memory_grow(source->records, source->record_capacity * sizeof(*source->records),
                        "the records of a batch");
    }
    log_reader_seek(replay->reader, source->bytes[source->next]);
    err = log_reader_next(replay->reader, &source->arena, &entry, &note);
    assert(err == ERR_OK);
    entry.record.topic = (enum topic)input;
    source->records[source->end] = entry.record;
    source->next++;
    return &source->records[source->end++];
}

/* Candidates that were not taken are read again in front of the new ones: they are few. */
static void refill(struct replay *replay, struct source *source, enum input input)
{
    source->next -= source->end - source->first;
    source->first = source->end = 0;
    arena_reset(&source->arena);
    while (source->next < source->count && source->end < fetch_records)
        fetch_one(replay, source, input);
}

static enum err write_batch(struct replay *replay, struct err_note *note)
{
    struct replay_counts *counts = replay->counts;
    struct batch *batch = &replay->batch;

    for (size_t i = 0; i < batch->count; i++) {
        struct record *record = &batch->records[i];

        record->offset = replay->offsets[record->topic][record->partition]++;
        if (record->topic <= TOPIC_RESULTS)
            counts->outputs++;
        else if (record->topic >= TOPIC_DLQ_FIRST)
            counts->dead_letters++;
        if (replay->writer != NULL)
            TRY(log_writer_add(replay->writer, replay->names[record->topic], record, note));
    }
    counts->batches += batch->count > 0;
    counts->timers += batch->timers;
    counts->records += batch->count;
    for (int i = 0; i < INPUT_COUNT; i++)
        counts->events += batch->taken[i];
    return ERR_OK;
}

/* What is left of the candidates, as the engine takes them. */
static void offer(struct source sources[INPUT_COUNT], struct engine_input inputs[INPUT_COUNT])
{
    for (int i = 0; i < INPUT_COUNT; i++)
        inputs[i] = (struct engine_input){sources[i].records + sources[i].first,
                                          sources[i].end - sources[i].first,
                                          sources[i].next == sources[i].count};
}

static enum err run_event(struct replay *replay, struct part *part, struct err_note *note)
{
    static const uint8_t nobody[writer_bytes];
    const struct engine_time time = {0};
    struct engine_input inputs[INPUT_COUNT];

    engine_writer(replay->engine, nobody, nobody);
    for (int i = 0; i < INPUT_COUNT; i++) {
        refill(replay, &part->inputs[i], (enum input)i);
        if (part->inputs[i].count > 0)
            engine_begin_at(replay->engine, (enum input)i, part->inputs[i].records[0].offset, -1);
    }
    do {
        offer(part->inputs, inputs);
        engine_decide(replay->engine, inputs, &time, &replay->batch);
        TRY(write_batch(replay, note));
        for (int i = 0; i < INPUT_COUNT; i++) {
            struct source *source = &part->inputs[i];

            source->first += replay->batch.taken[i];
            if (source->first == source->end ||
                (replay->batch.end == BATCH_END_INPUT && (int)replay->batch.missing == i))
                refill(replay, source, (enum input)i);
        }
        TRY(tell(replay, "replaying", replay->counts->events, replay->indexed, note));
    } while (replay->batch.end != BATCH_END_ALL);
    return ERR_OK;
}

static enum err read_journal(struct replay *replay, struct part *part, int32_t number, size_t index,
                             const Ringback__V1__JournalRecord **journal, struct err_note *note)
{
    struct log_entry entry;

    arena_reset(&replay->arena);
    log_reader_seek(replay->reader, part->journal.bytes[index]);
    TRY(log_reader_next(replay->reader, &replay->arena, &entry, note));
    *journal = ringback__v1__journal_record__unpack(
        &replay->arena.allocator, entry.record.value.size, entry.record.value.data);
    if (*journal == NULL || (*journal)->n_ranges != INPUT_COUNT ||
        (*journal)->writer.len != writer_bytes)
        return FAIL(note, ERR_BAD_FILE,
                    "%s: journal [%" PRId32 "] offset %" PRId64 " at byte %zu cannot be read",
                    replay->options->log, number, entry.record.offset, entry.byte);
    if (format_check_number((*journal)->format, journal_format, ERR_BAD_FILE, note) != ERR_OK ||
        format_check(&(*journal)->base, ERR_BAD_FILE, note) != ERR_OK)
        return err_prefix(note, "%s: journal [%" PRId32 "] offset %" PRId64 " at byte %zu: ",
                          replay->options->log, number, entry.record.offset, entry.byte);
    return ERR_OK;
}

/* The batch that the journal's next record must follow on. */
static enum err check_chain(const struct replay *replay, int32_t number,
                            const Ringback__V1__JournalRecord *journal, struct err_note *note)
{
    const struct engine_meta *meta = engine_meta(replay->engine);

    if (journal->clock_event)
        return FAIL(note, ERR_BAD_FILE,
                    "%s: journal [%" PRId32 "] is of clock: event, which needs no journal: leave"
                    " --journal out",
                    replay->options->log, number);
    if (journal->number != meta->number + 1)
        return FAIL(note, ERR_BAD_FILE,
                    "%s: journal [%" PRId32 "] goes on with batch %" PRIu64 ", %" PRIu64
                    " was expected: the log lacks the batches between",
                    replay->options->log, number, journal->number, meta->number + 1);
    if (meta->number > 0 &&
        (journal->previous_writer.len != writer_bytes ||
         memcmp(journal->previous_writer.data, meta->writer, writer_bytes) != 0))
        return FAIL(note, ERR_BAD_FILE,
                    "%s: journal [%" PRId32 "] batch %" PRIu64 " follows a batch of another writer"
                    " than the one before it",
                    replay->options->log, number, journal->number);
    return ERR_OK;
}

/* The records of one range as the only candidates. */
static enum err fetch_range(struct replay *replay, struct source *source, enum input input,
                            const Ringback__V1__InputRange *range, struct err_note *note)
{
    size_t want = (size_t)(range->to_offset - range->from_offset);

    source->first = source->end = 0;
    arena_reset(&source->arena);
    while (want > 0 && source->next < source->count) {
        const struct record *record = fetch_one(replay, source, input);

        if (record->offset >= range->to_offset) {
            source->end--;
            source->next--;
            break;
        }
        if (record->offset < range->from_offset)
            source->end--;
        if (record->offset == range->to_offset - 1)
            break;
    }
    if (want > 0 && source->end == 0)
        return FAIL(note, ERR_BAD_FILE,
                    "%s: %s has no record of offsets %" PRId64 " to %" PRId64
                    ", which the journal says were decided",
                    replay->options->log, replay->names[input], range->from_offset,
                    range->to_offset - 1);
    return ERR_OK;
}

static enum err follow_batch(struct replay *replay, struct part *part,
                             const Ringback__V1__JournalRecord *journal, struct err_note *note)
{
    const struct engine_time time = {.clock_ms = journal->clock_ms,
                                     .horizon_ms = journal->horizon_ms,
                                     .horizon_stop_ms = journal->horizon_stop_ms,
                                     .follow = true,
                                     .timers = journal->timers_fired};
    struct engine_input inputs[INPUT_COUNT];

    for (size_t i = 0; i < journal->n_undecided; i++) {
        const Ringback__V1__UndecidedRecord *undecided = journal->undecided[i];

        if (undecided->reason == RINGBACK__V1__UNDECIDED_REASON__UNDECIDED_REASON_UNCOMMITTABLE &&
            undecided->input < INPUT_COUNT)
            engine_refuse(replay->engine, (enum input)undecided->input, undecided->offset);
    }
    for (int i = 0; i < INPUT_COUNT; i++)
        TRY(fetch_range(replay, &part->inputs[i], (enum input)i, journal->ranges[i], note));
    offer(part->inputs, inputs);
    engine_decide(replay->engine, inputs, &time, &replay->batch);
    if (replay->batch.timers != journal->timers_fired)
        return FAIL(note, ERR_DIFFERENT,
                    "batch %" PRIu64 " fired %" PRIu32 " timers, its replay %zu: other options,"
                    " another version (%s), or a log that lacks records",
                    journal->number, journal->timers_fired, replay->batch.timers,
                    journal->program_version);
    return write_batch(replay, note);
}

static enum err run_journal(struct replay *replay, struct part *part, int32_t number,
                            struct err_note *note)
{
    for (size_t i = 0; i < part->journal.count; i++) {
        const Ringback__V1__JournalRecord *journal;

        TRY(read_journal(replay, part, number, i, &journal, note));
        TRY(check_chain(replay, number, journal, note));
        if (i == 0 ||
            memcmp(journal->writer.data, engine_meta(replay->engine)->writer, writer_bytes) != 0)
            engine_writer(replay->engine, journal->writer.data, journal->writer.data);
        TRY(follow_batch(replay, part, journal, note));
        TRY(tell(replay, "replaying", replay->counts->events, replay->indexed, note));
    }
    return ERR_OK;
}

static void free_source(struct source *source)
{
    free(source->bytes);
    free(source->records);
    arena_deinit(&source->arena);
    *source = (struct source){.count = 0};
}

/* The engine's options, from those of the command line or the journal. */
static void set_options(struct replay *replay)
{
    const struct options *options = replay->options->options;
    struct engine_options *engine = &replay->engine_options;

    options_machine(options, &replay->machine_options);
    engine->machine = &replay->machine_options;
    engine->partitioner = (enum partitioner)options->partitioner;
    engine->framing = options->framing;
    engine->timers_max = (size_t)options->batch_timers_max;
    engine->bytes_max = (size_t)options->batch_bytes_max;
    engine->dlq_bytes_max = (size_t)options->dlq_bytes_max;
    engine->event_jump_max_ms = options->event_jump_max;
    engine->trace_begin = (enum trace_begin)options->trace_begin;
    engine->decides = options_decides_text(options, &replay->options->options->arena);
}

/* A journal begins with its options in full. */
static enum err take_journal_options(struct replay *replay, struct part *part, int32_t number,
                                     struct err_note *note)
{
    const Ringback__V1__JournalRecord *journal;

    if (part->journal.count == 0)
        return ERR_OK;
    TRY(read_journal(replay, part, number, 0, &journal, note));
    return options_decides_read(replay->options->options, slice_text(journal->options), note);
}

static enum err run_part(struct replay *replay, int32_t number, struct err_note *note)
{
    struct part *part = &replay->parts[number];
    enum err err;

    for (int i = 0; i < INPUT_COUNT; i++)
        arena_init(&part->inputs[i].arena);
    if (replay->options->journal)
        TRY(take_journal_options(replay, part, number, note));
    set_options(replay);
    replay->engine_options.partition = number;
    replay->engine = engine_create(&replay->engine_options);
    err = engine_ready(replay->engine, note);
    if (err == ERR_OK)
        err = replay->options->journal ? run_journal(replay, part, number, note)
                                       : run_event(replay, part, note);
    engine_destroy(replay->engine);
    for (int i = 0; i < INPUT_COUNT; i++)
        free_source(&part->inputs[i]);
    return err;
}

static enum err run_all(struct replay *replay, struct err_note *note)
{
    const struct replay_options *options = replay->options;
    int64_t started_us = clock_monotonic_us();
    clock_t started_cpu = clock();
    uint64_t journals = 0;

    for (int32_t i = 0; i < replay->part_count; i++) {
        journals += replay->parts[i].journal.count;
        for (int input = 0; input < INPUT_COUNT; input++)
            replay->indexed += replay->parts[i].inputs[input].count;
    }
    if (options->journal && journals == 0)
        return FAIL(note, ERR_BAD_FILE,
                    "%s has no journal to follow: capture it too, or leave"
                    " --journal out",
                    options->log);
    if (options->out != NULL)
        TRY(log_writer_create(options->out, &replay->writer, note));
    for (int32_t i = 0; i < replay->counts->partitions; i++)
        TRY(run_part(replay, i, note));
    if (replay->writer != NULL) {
        struct log_writer *writer = replay->writer;

        replay->writer = NULL;
        TRY(log_writer_close(writer, note));
    }
    replay->counts->cpu_ns = (int64_t)((double)(clock() - started_cpu) * (1e9 / CLOCKS_PER_SEC));
    replay->counts->elapsed_ns = (clock_monotonic_us() - started_us) * 1000;
    return ERR_OK;
}

static enum err prepare_and_run(struct replay *replay, struct err_note *note)
{
    struct engine_options *engine = &replay->engine_options;
    struct err_note damage_note;
    enum err damage;

    TRY(log_reader_open(replay->options->log, &replay->reader, note));
    TRY(index_log(replay, &damage, &damage_note, note));
    complete_names(replay);
    if (replay->counts->partitions == 0 && damage != ERR_OK) {
        *note = damage_note;
        return damage;
    }
    TRY(choose_partitions(replay, note));
    if (!replay->options->journal)
        replay->options->options->clock = OPTION_CLOCK_EVENT;
    engine->clock_event = !replay->options->journal;
    engine->records_max = replay->options->records_max;
    TRY(run_all(replay, note));
    if (damage != ERR_OK)
        *note = damage_note;
    return damage;
}

enum err replay_run(const struct replay_options *options, struct replay_counts *counts,
                    struct err_note *note)
{
    struct replay replay = {.options = options, .counts = counts};
    enum err err;

    *counts = (struct replay_counts){.events = 0};
    engine_options_default(&replay.engine_options);
    batch_init(&replay.batch);
    arena_init(&replay.arena);
    err = prepare_and_run(&replay, note);
    end_telling(&replay);
    log_writer_abandon(replay.writer);
    log_reader_close(replay.reader);
    for (int32_t i = 0; i < replay.part_count; i++) {
        for (int input = 0; input < INPUT_COUNT; input++)
            free_source(&replay.parts[i].inputs[input]);
        free_source(&replay.parts[i].journal);
    }
    for (int topic = 0; topic < TOPIC_COUNT; topic++)
        free(replay.offsets[topic]);
    free(replay.parts);
    batch_deinit(&replay.batch);
    arena_deinit(&replay.arena);
    return err;
}
