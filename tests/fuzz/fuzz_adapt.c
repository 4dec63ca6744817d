/* Events of platforms, any bytes: the first byte picks the platform, the rest are lines. Whatever
 * is made of them can be decoded, and its domain is one; what is not is counted. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/decode.h"
#include "daemon/adapt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct arena arena;
    uint64_t records;
};

static enum err take(void *context, const struct record *record, struct err_note *note)
{
    struct seen *seen = context;
    struct decoded decoded;
    Ringback__V1__UndecidedReason why;

    arena_reset(&seen->arena);
    if (decode_event(NULL, (enum input)record->topic, record->value, &seen->arena, &decoded, &why,
                     note) != ERR_OK ||
        decoded.refuse != RINGBACK__V1__REASON__REASON_UNSPECIFIED ||
        !decode_id_valid(record->key) || record->timestamp_ms <= 0)
        abort();
    seen->records++;
    return ERR_OK;
}

static void read_lines(struct adapt *adapt, const uint8_t *data, size_t size)
{
    const struct slice none = {NULL, 0};
    struct err_note note;

    for (uint64_t number = 1; size > 0; number++) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t length = end == NULL ? size : (size_t)(end - data);

        if (adapt_line(adapt, number, slice_make(data, length), none, &note) != ERR_OK)
            abort();
        data += length + (end != NULL);
        size -= length + (end != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct adapt_settings settings = {.platform = NULL};
    struct seen seen = {.records = 0};
    const struct adapt_sink sink = {take, &seen};
    const struct adapt_counts *counts;
    struct adapt *adapt;

    if (size == 0)
        return 0;
    settings.platform = adapt_platforms[data[0] % 3];
    settings.domain = data[0] & 64 ? "bank" : NULL;
    arena_init(&seen.arena);
    adapt = adapt_create(&settings, &sink, NULL);
    read_lines(adapt, data + 1, size - 1);
    counts = adapt_counts(adapt);
    if (counts->messages[INPUT_INTERACTIONS] + counts->messages[INPUT_PRESENCE] +
            counts->messages[INPUT_FLOWS] !=
        seen.records)
        abort();
    json_decref(adapt_json(adapt));
    adapt_destroy(adapt);
    arena_deinit(&seen.arena);
    return 0;
}
