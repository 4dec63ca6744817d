/* engine_decide(): one batch, from candidates to records. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "consumers/decode.h"
#include "daemon/engine_parts.h"
#include "daemon/format.h"
#include "daemon/kind.h"
#include "daemon/merge.h"

/* More undecided records would take the journal record to its limit of 900 kB: one has at most 17
 * bytes, the options are far below 100 kB. */
enum { undecided_max = 40000 };

#define REASON(name) RINGBACK__V1__UNDECIDED_REASON__UNDECIDED_REASON_##name

/* One call of engine_decide(). */
struct decision {
    struct engine *engine;
    const struct engine_time *time;
    struct batch *batch;
    struct merge merge;
    struct effects effects;
    int64_t from_offsets[INPUT_COUNT];
    Ringback__V1__UndecidedRecord *undecided;
    size_t undecided_count;
    size_t undecided_capacity;
    size_t taken; /* records of all inputs */
    /* Of the one under way: */
    const struct record *record;   /* NULL: a timer */
    const ProtobufCMessage *event; /* as it was read; NULL: it was not */
    int64_t due_ms;                /* the timer's */
    uint8_t command;               /* what the record asks for (kind.h) */
    struct trace trace;
};

static void emit(struct decision *decision, struct record *record, struct batch_cause cause)
{
    const struct engine_options *options = &decision->engine->options;

    record->partition = options->partition % options->partitions[record->topic];
    batch_add(decision->batch, record, cause);
}

/* After the effects of one record or timer: what it was, for who writes spans. */
static void note_span(struct decision *decision, const struct trace *trace,
                      struct batch_cause cause, Ringback__V1__UndecidedReason why)
{
    const struct record *record = decision->record;
    struct span *span = batch_add_span(decision->batch);

    span->input = cause.input;
    span->offset = cause.offset;
    span->start_ms = record == NULL ? decision->due_ms : record->timestamp_ms;
    span->trace = *trace;
    span->undecided = (uint8_t)why;
    if (record != NULL && decode_id_valid(record->key))
        span->domain = record->key;
    span_fill(span, &decision->effects, decision->event, &decision->batch->arena);
}

/* What the effects of the decision carry as traceparent; empty: nothing. */
static struct slice trace_effects(struct decision *decision, struct batch_cause cause)
{
    const struct engine_options *options = &decision->engine->options;
    const struct record *record = decision->record;
    struct slice header = {NULL, 0}, domain = {NULL, 0};
    struct trace *trace = &decision->trace;
    bool carried;

    if (decision->effects.count == 0 && !options->spans)
        return header;
    if (record != NULL) {
        header = decode_header(record, "traceparent");
        domain = record->key;
    }
    if (header.size == 0 && options->trace_begin == TRACE_BEGIN_NO && !options->spans)
        return header;
    carried = trace_make(header, domain, &decision->effects, options->trace_begin, trace);
    if (options->spans && trace->sampled)
        note_span(decision, trace, cause, REASON(UNSPECIFIED));
    return carried ? slice_make(trace->text, trace_text_bytes) : (struct slice){NULL, 0};
}

/* Turns what the machine just decided into records. */
static void emit_effects(struct decision *decision, int64_t now_ms, struct batch_cause cause)
{
    const struct slice traceparent = trace_effects(decision, cause);

    for (size_t i = 0; i < decision->effects.count; i++) {
        const struct effect *effect = &decision->effects.items[i];
        const struct encode_output output = {effect->topic, effect->domain,  effect->id,
                                             effect->type,  effect->message, traceparent,
                                             now_ms};
        const struct kind kind = kind_of(effect);
        struct record record;

        cause.kind = kind.kind;
        cause.reason = kind.reason;
        encode_output(&decision->engine->encoder, &decision->engine->options.framing, &output,
                      &decision->batch->arena, &record);
        emit(decision, &record, cause);
    }
}

/* Scratch memory and effects of the next decision. */
static void start_one(struct decision *decision)
{
    arena_reset(&decision->engine->scratch);
    decision->record = NULL;
    decision->event = NULL;
    decision->command = 0;
    effects_init(&decision->effects, &decision->engine->scratch);
}

static void note_undecided(struct decision *decision, const struct merge_step *step,
                           Ringback__V1__UndecidedReason reason)
{
    Ringback__V1__UndecidedRecord *undecided;

    if (decision->undecided_count == decision->undecided_capacity) {
        size_t capacity = decision->undecided_capacity == 0 ? 16 : 4 * decision->undecided_capacity;

        undecided = arena_alloc(&decision->batch->arena, capacity * sizeof(*undecided));
        if (decision->undecided_count > 0)
            memcpy(undecided, decision->undecided, decision->undecided_count * sizeof(*undecided));
        decision->undecided = undecided;
        decision->undecided_capacity = capacity;
    }
    undecided = &decision->undecided[decision->undecided_count++];
    ringback__v1__undecided_record__init(undecided);
    undecided->input = (uint32_t)step->input;
    undecided->offset = step->record->offset;
    undecided->reason = reason;
    decision->batch->undecided[reason]++;
}

/* Its span: the dead letter itself keeps the headers that it came with. */
static void note_dead_letter(struct decision *decision, struct batch_cause cause,
                             Ringback__V1__UndecidedReason reason)
{
    const struct record *record = decision->record;

    effects_init(&decision->effects, &decision->engine->scratch);
    decision->effects.cause = slice_text(
        arena_format(&decision->engine->scratch, "%d-%" PRId64, (int)cause.input, cause.offset));
    (void)trace_make(decode_header(record, "traceparent"), record->key, &decision->effects,
                     decision->engine->options.trace_begin, &decision->trace);
    if (decision->trace.sampled)
        note_span(decision, &decision->trace, cause, reason);
}

static void emit_dead_letter(struct decision *decision, const struct merge_step *step,
                             Ringback__V1__UndecidedReason reason, const char *message,
                             size_t bytes_max)
{
    struct engine *engine = decision->engine;
    struct record input = *step->record, record;
    const struct batch_cause cause = {
        .input = step->input, .reason = (uint8_t)reason, .offset = step->record->offset};

    input.topic = (enum topic)step->input;
    encode_dead_letter(&input, engine->options.topics[step->input], encode_reason_name(reason),
                       message, bytes_max, engine->meta.clock_ms, &decision->batch->arena, &record);
    emit(decision, &record, cause);
    note_undecided(decision, step, reason);
    if (engine->options.spans)
        note_dead_letter(decision, cause, reason);
}

static struct engine_refusal *find_refusal(struct engine *engine, const struct merge_step *step)
{
    for (size_t i = 0; i < engine->refusal_count; i++) {
        if (engine->refusals[i].input == step->input &&
            engine->refusals[i].offset == step->record->offset)
            return &engine->refusals[i];
    }
    return NULL;
}

/* Errors: ERR_BAD_EVENT, dead letter for *why. */
static enum err check_key(const struct engine *engine, const struct record *record,
                          Ringback__V1__UndecidedReason *why, struct err_note *note)
{
    const struct engine_options *options = &engine->options;
    int32_t partitions = options->partitions[TOPIC_STATE], expected;

    *why = REASON(NO_DOMAIN);
    if (!decode_id_valid(record->key))
        return FAIL(note, ERR_BAD_EVENT,
                    "the key must be the domain, 1 to %d bytes of [A-Za-z0-9._@:/+-]; it %s",
                    decode_id_bytes_max,
                    record->key.data == NULL ? "is null"
                    : record->key.size == 0  ? "is empty"
                                             : "is none");
    if (partitions == 1)
        return ERR_OK;
    *why = REASON(WRONG_PARTITION);
    expected = partition_of(options->partitioner, record->key, partitions);
    if (expected != options->partition)
        return FAIL(note, ERR_BAD_EVENT,
                    "domain \"%.*s\" belongs to partition %" PRId32 " of %" PRId32
                    ", the record came on %" PRId32 ": does its producer partition as %s?",
                    (int)record->key.size, (const char *)record->key.data, expected, partitions,
                    options->partition,
                    options->partitioner == PARTITIONER_MURMUR2 ? "murmur2" : "crc32");
    return ERR_OK;
}

/* Decodes and decides; effects are left in decision->effects. Errors: ERR_BAD_EVENT, dead letter
 * for *why. *refused: a request was refused since its outputs are uncommittable. */
static enum err decide(struct decision *decision, const struct merge_step *step,
                       const struct engine_refusal *refusal, bool *refused,
                       Ringback__V1__UndecidedReason *why, struct err_note *note)
{
    struct engine *engine = decision->engine;
    const struct record *record = step->record;
    int64_t now_ms = engine->meta.clock_ms, stamp_ms = record->timestamp_ms;
    struct input_event event;
    struct decoded decoded;

    TRY(check_key(engine, record, why, note));
    TRY(decode_event(&engine->options.framing, step->input, record->value, &engine->scratch,
                     &decoded, why, note));
    *refused = false;
    decision->event = decoded.event;
    if (step->input == INPUT_COMMANDS)
        decision->command = kind_of_command((const Ringback__V1__Command *)decoded.event);
    if (refusal != NULL) {
        *why = REASON(UNCOMMITTABLE);
        if (step->input != INPUT_FLOWS && step->input != INPUT_COMMANDS)
            return FAIL(note, ERR_BAD_EVENT, "the broker refuses what the record causes");
        decoded.refuse = RINGBACK__V1__REASON__REASON_TOO_LARGE;
        *refused = true;
    }
    event = (struct input_event){
        .input = step->input,
        .partition = engine->options.partition,
        .offset = record->offset,
        .timestamp_ms = stamp_ms < 0        ? 0
                        : stamp_ms < now_ms ? stamp_ms
                                            : now_ms,
        .topic = engine->options.topics[step->input],
        .domain = record->key,
        .event = decoded.event,
        .refuse = decoded.refuse,
    };
    return machine_event(engine->machine, &event, now_ms, &decision->effects, why, note);
}

static void decide_record(struct decision *decision, const struct merge_step *step)
{
    struct engine *engine = decision->engine;
    struct engine_refusal *refusal = engine->refusal_count == 0 ? NULL : find_refusal(engine, step);
    Ringback__V1__UndecidedReason why = REASON(UNDECODABLE);
    struct err_note note;
    bool refused = false;

    if (engine->options.clock_event && step->time_ms > engine->meta.clock_ms)
        engine->meta.clock_ms = step->time_ms;
    start_one(decision);
    decision->record = step->record;
    if (decide(decision, step, refusal, &refused, &why, &note) != ERR_OK) {
        bool again = refusal != NULL && refusal->times > 1;

        emit_dead_letter(decision, step, why, note.text, again ? 0 : engine->options.dlq_bytes_max);
        if (again) /* named twice in the journal, so that a replay does as we did */
            note_undecided(decision, step, why);
        return;
    }
    if (refused)
        note_undecided(decision, step, REASON(UNCOMMITTABLE));
    else
        decision->batch->decided++;
    emit_effects(decision, engine->meta.clock_ms,
                 (struct batch_cause){.input = step->input,
                                      .command = decision->command,
                                      .offset = step->record->offset});
}

/* Fires the timers due before before_ms; false: the batch ends here. */
static bool fire_timers(struct decision *decision, int64_t before_ms)
{
    struct engine *engine = decision->engine;
    const struct engine_time *time = decision->time;
    bool event = engine->options.clock_event;
    size_t timers_max = time->follow ? time->timers : engine->options.timers_max;
    struct timer_limits limits = {before_ms, event ? INT64_MAX : time->horizon_ms,
                                  event ? INT64_MAX : time->horizon_stop_ms};
    int64_t due_ms;

    while (machine_timer_next(engine->machine, &limits, &due_ms)) {
        if (time->follow && decision->batch->timers == timers_max)
            return true;
        if (event && due_ms > engine->meta.clock_ms)
            engine->meta.clock_ms = due_ms;
        start_one(decision);
        decision->due_ms = due_ms;
        machine_timer_fire(engine->machine, &limits, engine->meta.clock_ms, &decision->effects);
        emit_effects(decision, engine->meta.clock_ms,
                     (struct batch_cause){.input = INPUT_COUNT, .offset = -1});
        decision->batch->timers++;
        if (time->follow)
            continue;
        if (decision->batch->timers >= timers_max) {
            decision->batch->end = BATCH_END_TIMERS;
            return false;
        }
        if (decision->batch->bytes >= engine->options.bytes_max) {
            decision->batch->end = BATCH_END_BYTES;
            return false;
        }
    }
    return true;
}

/* After the last candidate. */
static void decide_end(struct decision *decision)
{
    struct engine *engine = decision->engine;
    int64_t before_ms = INT64_MAX;

    decision->batch->end = BATCH_END_ALL;
    if (engine->options.clock_event) {
        int64_t last_ms = 0;

        for (int i = 0; i < INPUT_COUNT; i++) {
            if (engine->meta.positions[i].merge_ms > last_ms)
                last_ms = engine->meta.positions[i].merge_ms;
        }
        before_ms =
            decision->time->quiet_until_ms != 0 ? decision->time->quiet_until_ms : last_ms + 1;
    }
    if (fire_timers(decision, before_ms) && decision->time->quiet_until_ms == 0)
        decision->taken += merge_take_markers(&decision->merge);
}

static bool full(struct decision *decision)
{
    const struct engine_options *options = &decision->engine->options;

    if (decision->time->follow)
        return false;
    if (decision->taken >= options->records_max) {
        decision->batch->end = BATCH_END_RECORDS;
        return true;
    }
    if (decision->batch->bytes >= options->bytes_max ||
        decision->undecided_count >= undecided_max) {
        decision->batch->end = BATCH_END_BYTES;
        return true;
    }
    return false;
}

static void decide_all(struct decision *decision)
{
    struct engine *engine = decision->engine;

    while (!full(decision)) {
        struct merge_step step = merge_next(&decision->merge, engine->meta.clock_ms);

        switch (step.kind) {
        case MERGE_END: decide_end(decision); return;
        case MERGE_MISSING:
            decision->batch->end = BATCH_END_INPUT;
            decision->batch->missing = step.input;
            return;
        case MERGE_REPEATED: note_undecided(decision, &step, REASON(REPEATED)); break;
        case MERGE_JUMP:
            start_one(decision);
            decision->record = step.record;
            emit_dead_letter(decision, &step, REASON(TIME),
                             "the timestamp is too far ahead of the clock and no other record is"
                             " near it",
                             engine->options.dlq_bytes_max);
            break;
        case MERGE_RECORD:
            if (!fire_timers(decision, step.time_ms))
                return;
            decide_record(decision, &step);
            break;
        }
        merge_take(&decision->merge, &step);
        decision->taken++;
    }
}

static int compare_mends(const void *a, const void *b)
{
    return slice_compare(((const struct engine_mend *)a)->key,
                         ((const struct engine_mend *)b)->key);
}

static void emit_state(struct decision *decision, struct slice key, struct slice value)
{
    struct record record = {.topic = TOPIC_STATE,
                            .offset = -1,
                            .timestamp_ms = decision->engine->meta.clock_ms,
                            .key = key,
                            .value = value};

    emit(decision, &record, (struct batch_cause){.input = INPUT_COUNT, .offset = -1});
}

/* Keys seen behind the last meta, unless this batch wrote them. */
static void emit_mends(struct decision *decision)
{
    struct engine *engine = decision->engine;
    struct batch *batch = decision->batch;

    qsort(engine->mends, engine->mend_count, sizeof(*engine->mends), compare_mends);
    for (size_t i = batch->state_first; i < batch->count; i++) {
        struct engine_mend wanted = {.key = batch->records[i].key};
        struct engine_mend *mend = bsearch(&wanted, engine->mends, engine->mend_count,
                                           sizeof(*engine->mends), compare_mends);

        if (mend != NULL)
            mend->written = true;
    }
    for (size_t i = 0; i < engine->mend_count; i++) {
        const struct engine_mend *mend = &engine->mends[i];

        if (mend->written)
            continue;
        emit_state(decision, arena_slice(&batch->arena, mend->key),
                   mend->value.data == NULL ? mend->value
                                            : arena_slice(&batch->arena, mend->value));
    }
    engine->mend_count = 0;
}

static void emit_entities(struct decision *decision)
{
    struct engine *engine = decision->engine;
    struct batch *batch = decision->batch;
    struct change *changes;
    size_t count;

    arena_reset(&engine->scratch);
    machine_changes(engine->machine, &engine->scratch, &changes, &count);
    batch->state_first = batch->count;
    for (size_t i = 0; i < count; i++) {
        struct slice value = {NULL, 0};

        if (changes[i].value != NULL)
            value = encode_message(&changes[i].value->base, &batch->arena);
        emit_state(decision, arena_slice(&batch->arena, changes[i].key), value);
    }
    if (engine->mend_count > 0)
        emit_mends(decision);
    batch->state_count = batch->count - batch->state_first;
}

static ProtobufCBinaryData bytes_of(uint8_t *data, size_t size)
{
    return (ProtobufCBinaryData){size, data};
}

static void emit_journal(struct decision *decision)
{
    struct engine *engine = decision->engine;
    struct batch *batch = decision->batch;
    Ringback__V1__JournalRecord journal;
    Ringback__V1__InputRange ranges[INPUT_COUNT], *range_list[INPUT_COUNT];
    struct record record = {.topic = TOPIC_JOURNAL, .offset = -1};

    ringback__v1__journal_record__init(&journal);
    for (int i = 0; i < INPUT_COUNT; i++) {
        ringback__v1__input_range__init(&ranges[i]);
        ranges[i].from_offset = decision->from_offsets[i];
        ranges[i].to_offset = engine->meta.positions[i].next_offset;
        range_list[i] = &ranges[i];
    }
    journal.number = engine->meta.number;
    journal.writer = bytes_of(engine->meta.writer, writer_bytes);
    journal.format = journal_format;
    if (engine->meta.number > 1)
        journal.previous_writer = bytes_of(engine->previous_writer, writer_bytes);
    journal.n_ranges = INPUT_COUNT;
    journal.ranges = range_list;
    journal.clock_ms = engine->meta.clock_ms;
    journal.clock_event = engine->options.clock_event;
    journal.horizon_ms = journal.clock_event ? 0 : decision->time->horizon_ms;
    journal.horizon_stop_ms = journal.clock_event ? 0 : decision->time->horizon_stop_ms;
    journal.timers_fired = (uint32_t)batch->timers;
    journal.n_undecided = decision->undecided_count;
    if (decision->undecided_count > 0)
        journal.undecided =
            arena_alloc(&engine->scratch, decision->undecided_count * sizeof(*journal.undecided));
    for (size_t i = 0; i < decision->undecided_count; i++)
        journal.undecided[i] = &decision->undecided[i];
    journal.program_version =
        arena_text(&engine->scratch, slice_text(engine->options.program_version));
    journal.options_hash = engine->options_hash;
    if (engine->writer_new)
        journal.options = arena_text(&engine->scratch, slice_text(engine->options.decides));
    record.timestamp_ms = engine->meta.clock_ms;
    record.value = encode_message(&journal.base, &batch->arena);
    emit(decision, &record, (struct batch_cause){.input = INPUT_COUNT, .offset = -1});
}

static void emit_meta(struct decision *decision)
{
    struct engine *engine = decision->engine;
    struct engine_meta *from = &engine->meta;
    Ringback__V1__Meta meta;
    Ringback__V1__InputPosition positions[INPUT_COUNT], *position_list[INPUT_COUNT];

    ringback__v1__meta__init(&meta);
    machine_digest(engine->machine, &from->entity_count, &from->entity_digest);
    for (int i = 0; i < INPUT_COUNT; i++) {
        ringback__v1__input_position__init(&positions[i]);
        positions[i].next_offset = from->positions[i].next_offset;
        positions[i].last_timestamp_ms = from->positions[i].last_timestamp_ms;
        positions[i].merge_ms = from->positions[i].merge_ms;
        positions[i].fixed_end = from->positions[i].fixed_end;
        position_list[i] = &positions[i];
    }
    meta.number = from->number;
    meta.writer = bytes_of(from->writer, writer_bytes);
    meta.n_positions = INPUT_COUNT;
    meta.positions = position_list;
    meta.clock_ms = from->clock_ms;
    meta.entity_count = from->entity_count;
    meta.entity_digest = from->entity_digest;
    meta.incarnation = bytes_of(from->incarnation, incarnation_bytes);
    meta.cluster_id = arena_text(&engine->scratch, slice_text(engine->options.cluster_id));
    meta.partitions = (uint32_t)engine->options.partitions[TOPIC_STATE];
    meta.format = state_format;
    emit_state(decision, slice_text(META_KEY), encode_message(&meta.base, &decision->batch->arena));
}

static void finish(struct decision *decision)
{
    struct engine *engine = decision->engine;
    struct batch *batch = decision->batch;

    batch->clock_ms = engine->meta.clock_ms;
    for (int i = 0; i < INPUT_COUNT; i++)
        batch->taken[i] = decision->merge.at[i];
    if (decision->taken == 0 && batch->timers == 0 && engine->mend_count == 0)
        return;
    engine->meta.number++;
    batch->number = engine->meta.number;
    emit_entities(decision);
    emit_journal(decision);
    emit_meta(decision);
    machine_batch_end(engine->machine);
    memcpy(engine->previous_writer, engine->meta.writer, writer_bytes);
    engine->writer_new = false;
}

void engine_decide(struct engine *engine, const struct engine_input inputs[INPUT_COUNT],
                   const struct engine_time *time, struct batch *batch)
{
    struct decision decision = {.engine = engine, .time = time, .batch = batch};

    batch_reset(batch);
    if (!engine->options.clock_event && time->clock_ms > engine->meta.clock_ms)
        engine->meta.clock_ms = time->clock_ms;
    decision.merge = (struct merge){.inputs = inputs,
                                    .positions = engine->meta.positions,
                                    .clock_event = engine->options.clock_event,
                                    .follow = time->follow,
                                    .clock_ms = engine->meta.clock_ms,
                                    .event_jump_max_ms = engine->options.event_jump_max_ms};
    for (int i = 0; i < INPUT_COUNT; i++)
        decision.from_offsets[i] = engine->meta.positions[i].next_offset;
    decide_all(&decision);
    finish(&decision);
}
