/* Records of the inputs, any bytes, one after the other through the engine: they are decided or
 * become dead letters, what is written can be read, and the machine stays whole.
 *
 * The bytes: again and again which input (and, times INPUT_COUNT, which key and headers), how many
 * 100 ms later, the value's size (2 bytes, little end first), the value. */
#include <stdint.h>
#include <stdlib.h>

#include "daemon/engine.h"
#include "daemon/log_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { records_max = 200, key_bytes_max = 130, header_bytes_max = 60 };

/* Whatever goes out is of its topic's type; a dead letter is as it came. */
static void check_written(const struct batch *batch)
{
    struct arena arena;

    arena_init(&arena);
    for (size_t at = 0; at < batch->count; at++) {
        const struct record *record = &batch->records[at];

        if (record->topic < TOPIC_DLQ_FIRST && record->value.data != NULL &&
            log_json_unpack(NULL, record->topic, record, &arena) == NULL)
            abort();
        arena_reset(&arena);
    }
    arena_deinit(&arena);
}

static void decide(struct engine *engine, struct record *record, struct batch *batch)
{
    struct engine_input inputs[INPUT_COUNT];
    const struct engine_time time = {.quiet_until_ms = record->timestamp_ms};

    for (int at = 0; at < INPUT_COUNT; at++)
        inputs[at] = (struct engine_input){.at_end = true};
    inputs[record->topic] = (struct engine_input){record, 1, true};
    do {
        engine_decide(engine, inputs, &time, batch);
        check_written(batch);
    } while (batch->taken[record->topic] == 0 && batch->timers > 0);
    if (batch->taken[record->topic] != 1)
        abort();
}

/* A planted fault, for the test of the fuzzing itself. */
static void plant(const struct record *record)
{
    if (getenv("RINGBACK_FUZZ_PLANT") != NULL && record->topic == TOPIC_FLOWS &&
        record->value.size == 0)
        abort();
}

static struct slice beginning(struct slice value, size_t most)
{
    return slice_make(value.data, value.size < most ? value.size : most);
}

static struct slice key_of(unsigned chosen, struct slice value)
{
    if (chosen % 4 == 1)
        return slice_text("other");
    if (chosen % 4 == 2)
        return (struct slice){0};
    return chosen % 4 == 3 ? beginning(value, key_bytes_max) : slice_text("acme");
}

static void tell_all(struct engine *engine, const uint8_t *data, size_t size)
{
    int64_t offsets[INPUT_COUNT] = {0}, now_ms = 1700000000000;
    struct batch batch;

    batch_init(&batch);
    for (int count = 0; size >= 4 && count < records_max; count++) {
        size_t bytes = (size_t)data[2] | (size_t)data[3] << 8;
        unsigned chosen = data[0] / INPUT_COUNT;
        struct record record = {.topic = (enum topic)(data[0] % INPUT_COUNT)};
        struct header header = {.name = "traceparent"};

        now_ms += data[1] * 100;
        data += 4;
        size -= 4;
        bytes = bytes < size ? bytes : size;
        record.offset = offsets[record.topic]++;
        record.timestamp_ms = now_ms;
        record.value = slice_make(data, bytes);
        record.key = key_of(chosen, record.value);
        header.value = beginning(record.value, header_bytes_max);
        record.headers = &header;
        record.header_count = chosen / 4 % 2;
        plant(&record);
        decide(engine, &record, &batch);
        data += bytes;
        size -= bytes;
    }
    batch_deinit(&batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t writer[writer_bytes] = "fuzz";
    struct machine_options machine;
    struct engine_options options;
    struct engine *engine;
    struct err_note note;
    struct arena arena;

    machine_options_default(&machine);
    engine_options_default(&options);
    options.machine = &machine;
    options.clock_event = true;
    options.timers_max = 1;
    options.trace_begin = TRACE_BEGIN_SAMPLED;
    options.spans = true;
    engine = engine_create(&options);
    if (engine_ready(engine, &note) != ERR_OK)
        abort();
    engine_writer(engine, writer, writer);
    tell_all(engine, data, size);
    arena_init(&arena);
    if (machine_broken(engine_machine(engine), &arena) != NULL)
        abort();
    arena_deinit(&arena);
    engine_destroy(engine);
    return 0;
}
