#include "daemon/log_json.h"

#include <inttypes.h>
#include <stdio.h>

#include "daemon/batch.h"

#include "ringback/v1/analytics.pb-c.h"
#include "ringback/v1/commands.pb-c.h"
#include "ringback/v1/flows.pb-c.h"
#include "ringback/v1/interactions.pb-c.h"
#include "ringback/v1/presence.pb-c.h"
#include "ringback/v1/results.pb-c.h"
#include "ringback/v1/routing.pb-c.h"
#include "ringback/v1/settings.pb-c.h"
#include "ringback/v1/state.pb-c.h"

static const ProtobufCMessageDescriptor *const types[TOPIC_DLQ_FIRST] = {
    [TOPIC_SETTINGS] = &ringback__v1__settings_event__descriptor,
    [TOPIC_INTERACTIONS] = &ringback__v1__interaction_event__descriptor,
    [TOPIC_PRESENCE] = &ringback__v1__presence_event__descriptor,
    [TOPIC_FLOWS] = &ringback__v1__flow_event__descriptor,
    [TOPIC_COMMANDS] = &ringback__v1__command__descriptor,
    [TOPIC_ROUTING] = &ringback__v1__routing_event__descriptor,
    [TOPIC_ANALYTICS] = &ringback__v1__analytics_event__descriptor,
    [TOPIC_RESULTS] = &ringback__v1__result__descriptor,
    [TOPIC_STATE] = &ringback__v1__state_record__descriptor,
    [TOPIC_JOURNAL] = &ringback__v1__journal_record__descriptor,
};

static json_t *hex(struct slice bytes, const char *before)
{
    static const char digits[] = "0123456789abcdef";
    struct arena arena;
    char *text;
    size_t at = 0;
    json_t *json;

    arena_init(&arena);
    text = arena_alloc(&arena, strlen(before) + 2 * bytes.size);
    for (; before[at] != '\0'; at++)
        text[at] = before[at];
    for (size_t i = 0; i < bytes.size; i++) {
        text[at++] = digits[bytes.data[i] >> 4];
        text[at++] = digits[bytes.data[i] & 15];
    }
    json = json_stringn(text, at);
    arena_deinit(&arena);
    return json;
}

static json_t *text_or_hex(struct slice bytes)
{
    json_t *json;

    if (bytes.data == NULL)
        return json_null();
    json = json_stringn((const char *)bytes.data, bytes.size); /* NULL: not UTF-8 */
    return json != NULL ? json : hex(bytes, "0x");
}

static json_t *unsigned_json(uint64_t value)
{
    char text[24];

    if (value <= INT64_MAX)
        return json_integer((json_int_t)value);
    snprintf(text, sizeof(text), "%" PRIu64, value);
    return json_string(text);
}

static json_t *fixed_json(uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%016" PRIx64, value);
    return json_string(text);
}

static json_t *enum_json(const ProtobufCEnumDescriptor *type, int32_t value)
{
    const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value(type, value);

    return known != NULL ? json_string(known->name) : json_integer(value);
}

/* The bytes of a member in the C type that its field has. */
#define READ(type, member) (*(type const *)(member))

/* One value; member points to it. NULL: it has its default. */
static json_t *value_json(const ProtobufCFieldDescriptor *field, const void *member, bool always)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return READ(int32_t, member) != 0 || always ? json_integer(READ(int32_t, member)) : NULL;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return READ(int64_t, member) != 0 || always ? json_integer(READ(int64_t, member)) : NULL;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return READ(uint32_t, member) != 0 || always ? json_integer(READ(uint32_t, member)) : NULL;
    case PROTOBUF_C_TYPE_UINT64:
        return READ(uint64_t, member) != 0 || always ? unsigned_json(READ(uint64_t, member)) : NULL;
    case PROTOBUF_C_TYPE_FIXED64:
        return READ(uint64_t, member) != 0 || always ? fixed_json(READ(uint64_t, member)) : NULL;
    case PROTOBUF_C_TYPE_FLOAT: return json_real((double)READ(float, member));
    case PROTOBUF_C_TYPE_DOUBLE: return json_real(READ(double, member));
    case PROTOBUF_C_TYPE_BOOL:
        return READ(protobuf_c_boolean, member) || always
                   ? json_boolean(READ(protobuf_c_boolean, member))
                   : NULL;
    case PROTOBUF_C_TYPE_ENUM:
        return READ(int32_t, member) != 0 || always
                   ? enum_json(field->descriptor, READ(int32_t, member))
                   : NULL;
    case PROTOBUF_C_TYPE_STRING:
        return READ(char *, member)[0] != '\0' || always
                   ? text_or_hex(slice_text(READ(char *, member)))
                   : NULL;
    case PROTOBUF_C_TYPE_BYTES: {
        ProtobufCBinaryData bytes = READ(ProtobufCBinaryData, member);

        return bytes.len > 0 || always ? hex(slice_make(bytes.data, bytes.len), "") : NULL;
    }
    case PROTOBUF_C_TYPE_MESSAGE:
        return READ(ProtobufCMessage *, member) != NULL
                   ? log_json_message(READ(ProtobufCMessage *, member))
                   : NULL;
    }
    return NULL;
}

static size_t item_bytes(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_ENUM: return 4;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE: return 8;
    case PROTOBUF_C_TYPE_BOOL: return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE: return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES: return sizeof(ProtobufCBinaryData);
    }
    return 0;
}

static json_t *list_json(const ProtobufCFieldDescriptor *field, const uint8_t *base)
{
    size_t count = READ(size_t, (const void *)(base + field->quantifier_offset));
    const uint8_t *items = READ(uint8_t *, (const void *)(base + field->offset));
    json_t *list;

    if (count == 0)
        return NULL;
    list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, value_json(field, items + i * item_bytes(field->type), true));
    return list;
}

static json_t *field_json(const ProtobufCFieldDescriptor *field, const uint8_t *base)
{
    bool one_of = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;

    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return list_json(field, base);
    if (one_of && READ(uint32_t, (const void *)(base + field->quantifier_offset)) != field->id)
        return NULL;
    return value_json(field, base + field->offset, one_of);
}

json_t *log_json_message(const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    json_t *object = json_object();

    for (unsigned i = 0; i < type->n_fields; i++) {
        json_t *value = field_json(&type->fields[i], (const uint8_t *)message);

        if (value != NULL)
            json_object_set_new(object, type->fields[i].name, value);
    }
    return object;
}

const ProtobufCMessage *log_json_unpack(const struct framing *framing, enum topic topic,
                                        const struct record *record, struct arena *arena)
{
    const ProtobufCMessageDescriptor *type;
    struct slice value;

    if (topic == TOPIC_COUNT)
        return NULL;
    value = framing_message(framing, topic, record->value);
    if (value.data == NULL)
        return NULL;
    type = types[topic >= TOPIC_DLQ_FIRST ? topic - TOPIC_DLQ_FIRST : topic];
    if (topic == TOPIC_STATE && slice_equal(record->key, slice_text(META_KEY)))
        type = &ringback__v1__meta__descriptor;
    return protobuf_c_message_unpack(type, &arena->allocator, value.size, value.data);
}

static json_t *headers_json(const struct record *record)
{
    json_t *headers = json_object();

    for (size_t i = 0; i < record->header_count; i++)
        json_object_set_new(headers, record->headers[i].name,
                            text_or_hex(record->headers[i].value));
    return headers;
}

json_t *log_json_record(const struct framing *framing, struct slice topic_name, enum topic topic,
                        const struct record *record, struct arena *arena)
{
    const ProtobufCMessage *message = log_json_unpack(framing, topic, record, arena);
    json_t *object = json_object();

    json_object_set_new(object, "topic", text_or_hex(topic_name));
    json_object_set_new(object, "partition", json_integer(record->partition));
    json_object_set_new(object, "offset", json_integer(record->offset));
    json_object_set_new(object, "timestamp", json_integer(record->timestamp_ms));
    json_object_set_new(object, "key", text_or_hex(record->key));
    if (record->header_count > 0)
        json_object_set_new(object, "headers", headers_json(record));
    if (message != NULL)
        json_object_set_new(object, "value", log_json_message(message));
    else if (record->value.data == NULL)
        json_object_set_new(object, "value", json_null());
    else
        json_object_set_new(object, "value_hex", hex(record->value, ""));
    return object;
}

/* The text of the first field of that name, at any depth. */
static const char *text_of(const json_t *json, const char *name)
{
    const char *found = json_string_value(json_object_get(json, name));
    const char *key;
    json_t *value;

    if (found != NULL)
        return found;
    /* jansson's iteration wants a pointer that is not const; nothing is changed */
    json_object_foreach((json_t *)(uintptr_t)json, key, value)
    {
        found = json_is_object(value) ? text_of(value, name) : NULL;
        if (found != NULL)
            return found;
    }
    return NULL;
}

const char *log_json_callback(const struct framing *framing, enum topic topic,
                              const struct record *record, struct arena *arena)
{
    static const char kind[] = "callback|";
    const ProtobufCMessage *message;
    const char *found, *text = "";
    json_t *json;

    if (topic == TOPIC_STATE && record->key.size > sizeof(kind) - 1 &&
        memcmp(record->key.data, kind, sizeof(kind) - 1) == 0) {
        const char *key = arena_text(arena, record->key);

        return strrchr(key, '|') + 1;
    }
    message = log_json_unpack(framing, topic, record, arena);
    if (message == NULL)
        return "";
    json = log_json_message(message);
    found = text_of(json, "callback_id");
    if (found != NULL)
        text = arena_text(arena, slice_text(found));
    json_decref(json);
    return text;
}

bool log_json_mentions(const json_t *json, const char *text)
{
    const char *key;
    json_t *value;
    size_t index;

    if (json_is_string(json))
        return strcmp(json_string_value(json), text) == 0;
    json_object_foreach((json_t *)(uintptr_t)json, key, value)
    {
        if (log_json_mentions(value, text))
            return true;
    }
    json_array_foreach((json_t *)(uintptr_t)json, index, value)
    {
        if (log_json_mentions(value, text))
            return true;
    }
    return false;
}
