/* What a take-over reads, any bytes: refused, or loaded; then it goes on: its timers fire.
 *
 * The bytes: one (bit 0: a meta record that fits is loaded behind all, as nobody guesses digests),
 * then again and again the key's size, the value's (2 bytes, little end first), key, value; a key
 * of no bytes is the meta record's. */
#include <stdint.h>
#include <stdlib.h>

#include "daemon/engine.h"
#include "daemon/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { batches_max = 20 };

static enum err load_each(struct engine *engine, const uint8_t *data, size_t size,
                          struct err_note *note)
{
    while (size >= 3) {
        size_t key = data[0], value = (size_t)data[1] | (size_t)data[2] << 8;
        struct slice key_bytes, value_bytes;

        data += 3;
        size -= 3;
        key = key < size ? key : size;
        key_bytes = slice_make(data, key);
        data += key;
        size -= key;
        value = value < size ? value : size;
        value_bytes = slice_make(data, value);
        data += value;
        size -= value;
        TRY(key == 0 ? engine_load_meta(engine, value_bytes, note)
                     : engine_load_entity(engine, key_bytes, value_bytes, note));
    }
    return ERR_OK;
}

static enum err load_fitting_meta(struct engine *engine, struct err_note *note)
{
    Ringback__V1__Meta meta = RINGBACK__V1__META__INIT;
    Ringback__V1__InputPosition each[INPUT_COUNT], *positions[INPUT_COUNT];
    uint8_t id[writer_bytes] = "fuzz", bytes[1000];

    for (int at = 0; at < INPUT_COUNT; at++) {
        each[at] = (Ringback__V1__InputPosition)RINGBACK__V1__INPUT_POSITION__INIT;
        positions[at] = &each[at];
    }
    meta.format = state_format;
    meta.number = 1;
    meta.clock_ms = 1700000000000;
    meta.n_positions = INPUT_COUNT;
    meta.positions = positions;
    meta.writer = meta.incarnation = (ProtobufCBinaryData){writer_bytes, id};
    machine_digest(engine_machine(engine), &meta.entity_count, &meta.entity_digest);
    return engine_load_meta(engine, slice_make(bytes, ringback__v1__meta__pack(&meta, bytes)),
                            note);
}

static enum err load_all(struct engine *engine, const uint8_t *data, size_t size,
                         struct err_note *note)
{
    TRY(load_each(engine, data + 1, size - 1, note));
    if (data[0] & 1)
        TRY(load_fitting_meta(engine, note));
    return engine_ready(engine, note);
}

static void go_on(struct engine *engine)
{
    struct engine_input inputs[INPUT_COUNT] = {{0}};
    struct engine_time time = {
        .clock_ms = 1800000000000, .horizon_ms = INT64_MAX, .horizon_stop_ms = INT64_MAX};
    struct batch batch;

    batch_init(&batch);
    for (int at = 0; at < batches_max; at++)
        engine_decide(engine, inputs, &time, &batch);
    batch_deinit(&batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t writer[writer_bytes] = "fuzz";
    struct err_note note = {.err = ERR_OK};
    struct machine_options machine;
    struct engine_options options;
    struct engine *engine;

    if (size == 0)
        return 0;
    machine_options_default(&machine);
    engine_options_default(&options);
    options.machine = &machine;
    engine = engine_create(&options);
    if (load_all(engine, data, size, &note) != ERR_OK) {
        if (note.text[0] == '\0')
            abort();
    } else {
        engine_writer(engine, writer, writer);
        go_on(engine);
    }
    engine_destroy(engine);
    return 0;
}
