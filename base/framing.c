#include "base/framing.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    magic = 0,
    head_bytes = 5, /* the magic byte and the id */
    varint_bytes_max = 5,
    schema_id_max = INT32_MAX, /* a registry counts in Java's int */
};

static const char separators[] = " ,\t";

/* --- options --- */

static int topic_of(const char *word, size_t size)
{
    int topic = 0;

    while (topic < framing_topics && (strlen(topic_short_name((enum topic)topic)) != size ||
                                      memcmp(topic_short_name((enum topic)topic), word, size) != 0))
        topic++;
    return topic;
}

/* 0: it says nothing that is known. */
static uint32_t topics_of(const char *word, size_t size)
{
    const uint32_t all = (1U << framing_topics) - 1, inputs = (1U << (int)INPUT_COUNT) - 1;
    static const char *const names[] = {"all", "inputs", "outputs"};
    const uint32_t bits[] = {all, inputs, all & ~inputs};
    int topic = topic_of(word, size);

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strlen(names[i]) == size && memcmp(names[i], word, size) == 0)
            return bits[i];
    }
    return topic == framing_topics ? 0 : 1U << topic;
}

enum err framing_set_topics(struct framing *framing, const char *text, struct err_note *note)
{
    const char *at = text + strspn(text, separators);

    framing->confluent = 0;
    if (strcmp(at, "none") == 0)
        return ERR_OK;
    while (*at != '\0') {
        size_t size = strcspn(at, separators);
        uint32_t topics = topics_of(at, size);

        if (topics == 0)
            return FAIL(note, ERR_BAD_OPTION,
                        "\"%.*s\" is no topic that can be framed; allowed: settings, interactions, "
                        "presence, flows, commands, routing, analytics, results; inputs, outputs, "
                        "all; none",
                        (int)size, at);
        framing->confluent |= topics;
        at += size;
        at += strspn(at, separators);
    }
    return ERR_OK;
}

static enum err set_id(struct framing *framing, const char *word, size_t size,
                       struct err_note *note)
{
    size_t name = strcspn(word, "="), digits;
    int topic = name < size ? topic_of(word, name) : framing_topics;
    unsigned long id;

    if (topic == framing_topics)
        return FAIL(note, ERR_BAD_OPTION,
                    "\"%.*s\" is no schema id of a topic; write TOPIC=ID, as routing=7, with commas"
                    " between",
                    (int)size, word);
    digits = strspn(word + name + 1, "0123456789");
    id = digits > 0 && digits <= 10 ? strtoul(word + name + 1, NULL, 10) : 0;
    if (name + 1 + digits != size || id == 0 || id > schema_id_max)
        return FAIL(note, ERR_BAD_OPTION, "\"%.*s\": an id is a whole number from 1 to %d",
                    (int)size, word, schema_id_max);
    if (!framing_on(framing, (enum topic)topic))
        return FAIL(note, ERR_BAD_OPTION,
                    "%.*s has a schema id, but framing.confluent does not name it: its values have "
                    "no place for one",
                    (int)name, word);
    if (framing->schema_ids[topic] != 0)
        return FAIL(note, ERR_BAD_OPTION, "%.*s has two schema ids", (int)name, word);
    framing->schema_ids[topic] = (uint32_t)id;
    return ERR_OK;
}

enum err framing_set_ids(struct framing *framing, const char *text, struct err_note *note)
{
    const char *at = text + strspn(text, separators);

    memset(framing->schema_ids, 0, sizeof(framing->schema_ids));
    while (*at != '\0') {
        size_t size = strcspn(at, separators);

        TRY(set_id(framing, at, size, note));
        at += size;
        at += strspn(at, separators);
    }
    for (int topic = INPUT_COUNT; topic < framing_topics; topic++)
        TRY(framing_check_write(framing, (enum topic)topic, note));
    return ERR_OK;
}

enum err framing_check_write(const struct framing *framing, enum topic topic, struct err_note *note)
{
    if (!framing_on(framing, topic) || framing->schema_ids[topic] != 0)
        return ERR_OK;
    return FAIL(note, ERR_BAD_OPTION,
                "framing.confluent names %s, which is written here, but no schema id is given for "
                "it: add framing.schema_ids: %s=ID, the one that the registry gave to its schema",
                topic_short_name(topic), topic_short_name(topic));
}

/* --- values --- */

static enum topic input_of(enum topic topic)
{
    return topic >= TOPIC_DLQ_FIRST ? (enum topic)(topic - TOPIC_DLQ_FIRST) : topic;
}

bool framing_on(const struct framing *framing, enum topic topic)
{
    return framing != NULL && (framing->confluent >> input_of(topic) & 1U) != 0;
}

/* Moves *at behind a varint. -1: it is none that is not negative. */
static int64_t read_index(struct slice value, size_t *at)
{
    uint64_t raw = 0;

    for (unsigned i = 0; i < varint_bytes_max && *at < value.size; i++) {
        uint8_t byte = value.data[(*at)++];

        raw |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80)
            return (raw & 1) != 0 || raw / 2 > INT32_MAX ? -1 : (int64_t)(raw / 2);
    }
    return -1;
}

enum err framing_open(const struct framing *framing, enum topic topic, struct slice *value,
                      struct err_note *note)
{
    const char *name = topic_short_name(topic);
    size_t at = head_bytes;
    int64_t count, index = 0;

    if (!framing_on(framing, topic))
        return ERR_OK;
    if (value->size <= head_bytes)
        return FAIL(note, ERR_BAD_EVENT,
                    "the value has %zu bytes, too few for the Confluent wire format that "
                    "framing.confluent demands of %s",
                    value->size, name);
    if (value->data[0] != magic)
        return FAIL(note, ERR_BAD_EVENT,
                    "the value is not in the Confluent wire format that framing.confluent demands "
                    "of %s: it begins with byte %u, not 0; does its producer use a serializer with "
                    "a registry?",
                    name, value->data[0]);
    count = read_index(*value, &at);
    for (int64_t i = 0; i < count && index >= 0; i++)
        index = read_index(*value, &at);
    if (count < 0 || index < 0)
        return FAIL(note, ERR_BAD_EVENT,
                    "the value of %s begins like the Confluent wire format, but its message indexes"
                    " behind the schema id cannot be read",
                    name);
    *value = slice_make(value->data + at, value->size - at);
    return ERR_OK;
}

struct slice framing_message(const struct framing *framing, enum topic topic, struct slice value)
{
    struct err_note note;

    if (value.data == NULL || framing_open(framing, topic, &value, &note) != ERR_OK)
        return slice_make(NULL, 0);
    return value;
}

size_t framing_size(const struct framing *framing, enum topic topic)
{
    return framing_on(framing, topic) ? framing_bytes_max : 0;
}

void framing_put(const struct framing *framing, enum topic topic, uint8_t *at)
{
    uint32_t id;

    if (!framing_on(framing, topic))
        return;
    id = framing->schema_ids[topic];
    assert(id != 0);
    at[0] = magic;
    at[1] = (uint8_t)(id >> 24);
    at[2] = (uint8_t)(id >> 16);
    at[3] = (uint8_t)(id >> 8);
    at[4] = (uint8_t)id;
    at[head_bytes] = 0; /* the file's first message */
}

struct slice framing_close(const struct framing *framing, enum topic topic, struct slice message,
                           struct arena *arena)
{
    uint8_t *data;

    if (!framing_on(framing, topic))
        return message;
    data = arena_alloc(arena, framing_bytes_max + message.size);
    framing_put(framing, topic, data);
    memcpy(data + framing_bytes_max, message.data, message.size);
    return slice_make(data, framing_bytes_max + message.size);
}
