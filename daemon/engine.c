#include "daemon/engine.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/version.h"
#include "daemon/engine_parts.h"
#include "daemon/format.h"

static const char *const dead_letter_names[INPUT_COUNT] = {
    "settings.dlq", "interactions.dlq", "presence.dlq", "flows.dlq", "commands.dlq",
};

static struct machine_options machine_defaults;

void engine_options_default(struct engine_options *options)
{
    machine_options_default(&machine_defaults);
    *options = (struct engine_options){
        .machine = &machine_defaults,
        .partitioner = PARTITIONER_MURMUR2,
        .records_max = 20000,
        .timers_max = 1000,
        .bytes_max = 32 * 1024 * 1024,
        .dlq_bytes_max = 900000,
        .event_jump_max_ms = INT64_C(31) * 86400000,
        .cluster_id = "",
        .program_version = RINGBACK_VERSION,
        .decides = "",
    };
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        options->partitions[topic] = 1;
        options->topics[topic] = topic >= TOPIC_DLQ_FIRST
                                     ? dead_letter_names[topic - TOPIC_DLQ_FIRST]
                                     : topic_short_name((enum topic)topic);
    }
}

static void *grow(void *items, size_t bytes)
{
    void *grown = realloc(items, bytes);

    if (grown == NULL) {
        fprintf(stderr, "ringback: out of memory: %zu bytes for an engine\n", bytes);
        abort();
    }
    return grown;
}

struct engine *engine_create(const struct engine_options *options)
{
    struct engine *engine = grow(NULL, sizeof(*engine));

    *engine = (struct engine){.options = *options};
    assert(options->partition >= 0);
    assert(options->partition < options->partitions[TOPIC_STATE]);
    assert(options->records_max > 0);
    assert(options->timers_max > 0);
    engine->machine = machine_create(options->machine);
    engine->options_hash = XXH3_64bits(options->decides, strlen(options->decides));
    engine->meta.cluster_id = options->cluster_id;
    engine->meta.partitions = options->partitions[TOPIC_STATE];
    for (int i = 0; i < INPUT_COUNT; i++)
        engine->meta.positions[i] =
            (struct engine_position){.last_timestamp_ms = -1, .fixed_end = -1};
    arena_init(&engine->scratch);
    arena_init(&engine->kept);
    return engine;
}

void engine_destroy(struct engine *engine)
{
    if (engine == NULL)
        return;
    machine_destroy(engine->machine);
    arena_deinit(&engine->scratch);
    arena_deinit(&engine->kept);
    free(engine->refusals);
    free(engine->mends);
    free(engine);
}

enum err engine_load_entity(struct engine *engine, struct slice key, struct slice value,
                            struct err_note *note)
{
    Ringback__V1__StateRecord *record = NULL;

    arena_reset(&engine->scratch);
    if (value.data != NULL) {
        record =
            ringback__v1__state_record__unpack(&engine->scratch.allocator, value.size, value.data);
        if (record == NULL)
            return FAIL(note, ERR_BAD_STATE,
                        "the entity \"%.*s\" on %s (%zu bytes) is not a StateRecord: was the topic"
                        " written by something else?",
                        (int)key.size, (const char *)key.data, engine->options.topics[TOPIC_STATE],
                        value.size);
        if (format_check(&record->base, ERR_BAD_STATE, note) != ERR_OK)
            return err_prefix(note, "the entity \"%.*s\" on %s: ", (int)key.size,
                              (const char *)key.data, engine->options.topics[TOPIC_STATE]);
    }
    return machine_load(engine->machine, key, record, note);
}

static enum err check_meta(const struct engine *engine, const Ringback__V1__Meta *meta,
                           struct err_note *note)
{
    const char *topic = engine->options.topics[TOPIC_STATE];
    int32_t partition = engine->options.partition;

    if (format_check_number(meta->format, state_format, ERR_BAD_STATE, note) != ERR_OK)
        return err_prefix(note, "the meta record of %s [%" PRId32 "] ", topic, partition);
    if (format_check(&meta->base, ERR_BAD_STATE, note) != ERR_OK)
        return err_prefix(note, "the meta record of %s [%" PRId32 "]: ", topic, partition);
    if (meta->n_positions != INPUT_COUNT || meta->writer.len != writer_bytes ||
        meta->incarnation.len != incarnation_bytes)
        return FAIL(note, ERR_BAD_STATE,
                    "the meta record of %s [%" PRId32 "] has %zu positions, a writer of %zu and an"
                    " incarnation of %zu bytes: it is damaged",
                    topic, partition, meta->n_positions, meta->writer.len, meta->incarnation.len);
    return ERR_OK;
}

enum err engine_load_meta(struct engine *engine, struct slice value, struct err_note *note)
{
    struct engine_meta *to = &engine->meta;
    Ringback__V1__Meta *meta = NULL;

    arena_reset(&engine->scratch);
    if (value.data != NULL)
        meta = ringback__v1__meta__unpack(&engine->scratch.allocator, value.size, value.data);
    if (meta == NULL)
        return FAIL(note, ERR_BAD_STATE, "the meta record of %s [%" PRId32 "] cannot be read",
                    engine->options.topics[TOPIC_STATE], engine->options.partition);
    TRY(check_meta(engine, meta, note));
    to->number = meta->number;
    to->clock_ms = meta->clock_ms;
    to->entity_count = meta->entity_count;
    to->entity_digest = meta->entity_digest;
    to->partitions = (int32_t)meta->partitions;
    to->cluster_id = arena_text(&engine->kept, slice_text(meta->cluster_id));
    memcpy(to->writer, meta->writer.data, writer_bytes);
    memcpy(to->incarnation, meta->incarnation.data, incarnation_bytes);
    for (int i = 0; i < INPUT_COUNT; i++) {
        const Ringback__V1__InputPosition *from = meta->positions[i];

        to->positions[i] = (struct engine_position){from->next_offset, from->last_timestamp_ms,
                                                    from->merge_ms, from->fixed_end};
    }
    engine->meta_loaded = true;
    return ERR_OK;
}

void engine_mend(struct engine *engine, struct slice key, struct slice value)
{
    struct engine_mend *mend;

    engine->mends = grow(engine->mends, (engine->mend_count + 1) * sizeof(*engine->mends));
    mend = &engine->mends[engine->mend_count++];
    *mend = (struct engine_mend){.key = arena_slice(&engine->kept, key), .value = value};
    if (value.data != NULL)
        mend->value = arena_slice(&engine->kept, value);
}

enum err engine_ready(struct engine *engine, struct err_note *note)
{
    uint64_t count, digest;

    machine_ready(engine->machine);
    machine_digest(engine->machine, &count, &digest);
    if (!engine->meta_loaded && count > 0)
        return FAIL(note, ERR_STATE_TORN, "%s [%" PRId32 "] has %" PRIu64 " entities and no meta",
                    engine->options.topics[TOPIC_STATE], engine->options.partition, count);
    if (engine->meta_loaded &&
        (count != engine->meta.entity_count || digest != engine->meta.entity_digest))
        return FAIL(
            note, ERR_STATE_TORN,
            "%s [%" PRId32 "] at batch %" PRIu64 ": %" PRIu64 " entities with digest %016" PRIx64
            " were read, its meta says %" PRIu64 " with %016" PRIx64,
            engine->options.topics[TOPIC_STATE], engine->options.partition, engine->meta.number,
            count, digest, engine->meta.entity_count, engine->meta.entity_digest);
    return machine_loaded(engine->machine, note);
}

void engine_writer(struct engine *engine, const uint8_t writer[writer_bytes],
                   const uint8_t incarnation[incarnation_bytes])
{
    if (!engine->writer_new) /* one that wrote nothing is nobody's predecessor */
        memcpy(engine->previous_writer, engine->meta.writer, writer_bytes);
    memcpy(engine->meta.writer, writer, writer_bytes);
    if (engine->meta.number == 0)
        memcpy(engine->meta.incarnation, incarnation, incarnation_bytes);
    engine->writer_new = true;
}

void engine_begin_at(struct engine *engine, enum input input, int64_t next_offset,
                     int64_t fixed_end)
{
    assert(engine->meta.number == 0);
    engine->meta.positions[input].next_offset = next_offset;
    engine->meta.positions[input].fixed_end = fixed_end;
}

void engine_skip_to(struct engine *engine, enum input input, int64_t next_offset,
                    int64_t last_timestamp_ms)
{
    engine->meta.positions[input].next_offset = next_offset;
    engine->meta.positions[input].last_timestamp_ms = last_timestamp_ms;
}

void engine_refuse(struct engine *engine, enum input input, int64_t offset)
{
    for (size_t i = 0; i < engine->refusal_count; i++) {
        if (engine->refusals[i].input == input && engine->refusals[i].offset == offset) {
            engine->refusals[i].times++;
            return;
        }
    }
    engine->refusals =
        grow(engine->refusals, (engine->refusal_count + 1) * sizeof(*engine->refusals));
    engine->refusals[engine->refusal_count++] = (struct engine_refusal){input, offset, 1};
}

const struct engine_meta *engine_meta(const struct engine *engine)
{
    return &engine->meta;
}

int64_t engine_due(const struct engine *engine)
{
    return machine_due(engine->machine);
}

struct machine *engine_machine(struct engine *engine)
{
    return engine->machine;
}
