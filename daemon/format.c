#include "daemon/format.h"

#include <inttypes.h>
#include <string.h>

#include "ringback/v1/state.pb-c.h"

#define ADVICE "written by a newer one? Use the version that wrote it, or a newer one"

static bool is_settings(const ProtobufCMessageDescriptor *type)
{
    return type == &ringback__v1__domain_settings__descriptor ||
           type == &ringback__v1__queue_settings__descriptor ||
           type == &ringback__v1__script_settings__descriptor ||
           type == &ringback__v1__agent_settings__descriptor ||
           type == &ringback__v1__zone_table__descriptor;
}

/* Values that only we make; others come with inputs, as their senders chose them. */
static bool is_ours(const ProtobufCEnumDescriptor *type)
{
    return type == &ringback__v1__callback_state__descriptor ||
           type == &ringback__v1__callback_kind__descriptor ||
           type == &ringback__v1__call_state__descriptor ||
           type == &ringback__v1__reason__descriptor;
}

/* Is the field there? Of a oneof only the one that is set. */
static bool is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const uint8_t *bytes = (const uint8_t *)message;
    uint32_t set;

    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0)
        return true;
    memcpy(&set, bytes + field->quantifier_offset, sizeof(set));
    return set == field->id;
}

static enum err check_one(const ProtobufCFieldDescriptor *field, const void *value,
                          enum err err_if_newer, struct err_note *note)
{
    if (field->type == PROTOBUF_C_TYPE_ENUM && is_ours(field->descriptor)) {
        int number;

        memcpy(&number, value, sizeof(number));
        if (protobuf_c_enum_descriptor_get_value(field->descriptor, number) == NULL)
            return FAIL(note, err_if_newer, "%s is %d, which this version does not know: " ADVICE,
                        field->name, number);
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        const ProtobufCMessage *inner;

        memcpy(&inner, value, sizeof(inner));
        if (inner != NULL)
            return format_check(inner, err_if_newer, note);
    }
    return ERR_OK;
}

static enum err check_field(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                            enum err err_if_newer, struct err_note *note)
{
    const uint8_t *bytes = (const uint8_t *)message;
    size_t size = field->type == PROTOBUF_C_TYPE_ENUM ? sizeof(int) : sizeof(void *);
    const uint8_t *list;
    size_t count;

    if (field->label != PROTOBUF_C_LABEL_REPEATED)
        return check_one(field, bytes + field->offset, err_if_newer, note);
    memcpy(&count, bytes + field->quantifier_offset, sizeof(count));
    memcpy(&list, bytes + field->offset, sizeof(list));
    for (size_t i = 0; i < count; i++)
        TRY(check_one(field, list + i * size, err_if_newer, note));
    return ERR_OK;
}

enum err format_check(const ProtobufCMessage *message, enum err err_if_newer, struct err_note *note)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;

    if (is_settings(type))
        return ERR_OK;
    if (message->n_unknown_fields > 0)
        return FAIL(note, err_if_newer,
                    "a %s with field %" PRIu32 ", which this version does not know: " ADVICE,
                    type->short_name, message->unknown_fields[0].tag);
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];

        if ((field->type == PROTOBUF_C_TYPE_ENUM || field->type == PROTOBUF_C_TYPE_MESSAGE) &&
            is_set(message, field))
            TRY(check_field(message, field, err_if_newer, note));
    }
    return ERR_OK;
}

enum err format_check_number(uint32_t found, uint32_t known, enum err err_if_other,
                             struct err_note *note)
{
    if (found != known)
        return FAIL(note, err_if_other,
                    "has format %" PRIu32 "; this version reads %" PRIu32
                    ": use the version that wrote it",
                    found, known);
    return ERR_OK;
}
