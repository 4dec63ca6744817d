/* What a take-over reads, any bytes: refused, or loaded into a machine that is whole.
 *
 * The bytes: again and again the key's size, the value's (2 bytes, little end first), key, value; a
 * key of no bytes is the meta record's. */
#include <stdint.h>
#include <stdlib.h>

#include "daemon/engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err load_all(struct engine *engine, const uint8_t *data, size_t size)
{
    struct err_note note;

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
        TRY(key == 0 ? engine_load_meta(engine, value_bytes, &note)
                     : engine_load_entity(engine, key_bytes, value_bytes, &note));
    }
    return engine_ready(engine, &note);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct machine_options machine;
    struct engine_options options;
    struct engine *engine;

    machine_options_default(&machine);
    engine_options_default(&options);
    options.machine = &machine;
    engine = engine_create(&options);
    (void)load_all(engine, data, size);
    engine_destroy(engine);
    return 0;
}
