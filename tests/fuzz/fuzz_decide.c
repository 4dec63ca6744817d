/* Records of the inputs, any bytes, one after the other through the engine: they are decided or
 * become dead letters, and the machine stays whole.
 *
 * The bytes: again and again which input, how many 100 ms later, the value's size (2 bytes, little
 * end first), the value. */
#include <stdint.h>
#include <stdlib.h>

#include "daemon/engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { records_max = 200 };

static void decide(struct engine *engine, struct record *record, struct batch *batch)
{
    struct engine_input inputs[INPUT_COUNT];
    const struct engine_time time = {.quiet_until_ms = record->timestamp_ms};

    for (int at = 0; at < INPUT_COUNT; at++)
        inputs[at] = (struct engine_input){.at_end = true};
    inputs[record->topic] = (struct engine_input){record, 1, true};
    do {
        engine_decide(engine, inputs, &time, batch);
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

static void tell_all(struct engine *engine, const uint8_t *data, size_t size)
{
    int64_t offsets[INPUT_COUNT] = {0}, now_ms = 1700000000000;
    struct batch batch;

    batch_init(&batch);
    for (int count = 0; size >= 4 && count < records_max; count++) {
        size_t bytes = (size_t)data[2] | (size_t)data[3] << 8;
        struct record record = {.topic = (enum topic)(data[0] % INPUT_COUNT),
                                .key = slice_text("acme")};

        now_ms += data[1] * 100;
        data += 4;
        size -= 4;
        bytes = bytes < size ? bytes : size;
        record.offset = offsets[record.topic]++;
        record.timestamp_ms = now_ms;
        record.value = slice_make(data, bytes);
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
