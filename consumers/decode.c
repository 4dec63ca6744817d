#include "consumers/decode.h"

#include <assert.h>

#include "ringback/v1/commands.pb-c.h"
#include "ringback/v1/flows.pb-c.h"
#include "ringback/v1/interactions.pb-c.h"
#include "ringback/v1/presence.pb-c.h"
#include "ringback/v1/settings.pb-c.h"

static const ProtobufCMessageDescriptor *const types[INPUT_COUNT] = {
    [INPUT_SETTINGS] = &ringback__v1__settings_event__descriptor,
    [INPUT_INTERACTIONS] = &ringback__v1__interaction_event__descriptor,
    [INPUT_PRESENCE] = &ringback__v1__presence_event__descriptor,
    [INPUT_FLOWS] = &ringback__v1__flow_event__descriptor,
    [INPUT_COMMANDS] = &ringback__v1__command__descriptor,
};

/* 1: may stand in an id. */
static const uint8_t id_bytes[256] = {
    ['+'] = 1, ['-'] = 1, ['.'] = 1, ['/'] = 1, ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1,
    ['4'] = 1, ['5'] = 1, ['6'] = 1, ['7'] = 1, ['8'] = 1, ['9'] = 1, [':'] = 1, ['@'] = 1,
    ['A'] = 1, ['B'] = 1, ['C'] = 1, ['D'] = 1, ['E'] = 1, ['F'] = 1, ['G'] = 1, ['H'] = 1,
    ['I'] = 1, ['J'] = 1, ['K'] = 1, ['L'] = 1, ['M'] = 1, ['N'] = 1, ['O'] = 1, ['P'] = 1,
    ['Q'] = 1, ['R'] = 1, ['S'] = 1, ['T'] = 1, ['U'] = 1, ['V'] = 1, ['W'] = 1, ['X'] = 1,
    ['Y'] = 1, ['Z'] = 1, ['_'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1, ['e'] = 1,
    ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1, ['j'] = 1, ['k'] = 1, ['l'] = 1, ['m'] = 1,
    ['n'] = 1, ['o'] = 1, ['p'] = 1, ['q'] = 1, ['r'] = 1, ['s'] = 1, ['t'] = 1, ['u'] = 1,
    ['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1,
};

bool decode_id_valid(struct slice id)
{
    if (id.size == 0 || id.size > decode_id_bytes_max)
        return false;
    for (size_t i = 0; i < id.size; i++) {
        if (!id_bytes[id.data[i]])
            return false;
    }
    return true;
}

struct slice decode_header(const struct record *record, const char *name)
{
    for (size_t i = 0; i < record->header_count; i++) {
        if (strcmp(record->headers[i].name, name) == 0)
            return record->headers[i].value;
    }
    return slice_make(NULL, 0);
}

/* How many bytes the character at text has, 0 if it is none (RFC 3629: shortest form, no
 * surrogates, up to U+10FFFF). text is terminated, so no byte after the end is read. */
static int utf8_length(const uint8_t *text)
{
    uint8_t low = 0x80, high = 0xbf;
    int length;

    if (text[0] < 0x80)
        return 1;
    if (text[0] < 0xc2 || text[0] > 0xf4)
        return 0;
    length = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
    if (text[0] == 0xe0)
        low = 0xa0;
    if (text[0] == 0xed)
        high = 0x9f;
    if (text[0] == 0xf0)
        low = 0x90;
    if (text[0] == 0xf4)
        high = 0x8f;
    if (text[1] < low || text[1] > high)
        return 0;
    for (int i = 2; i < length; i++) {
        if (text[i] < 0x80 || text[i] > 0xbf)
            return 0;
    }
    return length;
}

static bool text_valid(const char *text)
{
    const uint8_t *at = (const uint8_t *)text;

    while (*at != '\0') {
        int length = utf8_length(at);

        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

/* One value of a field; member points to the pointer to the text or message. */
static bool value_valid(const ProtobufCFieldDescriptor *field, const void *member)
{
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return text_valid(*(const char *const *)member);
    return *(const ProtobufCMessage *const *)member == NULL ||
           decode_utf8_valid(*(const ProtobufCMessage *const *)member);
}

static bool field_valid(const ProtobufCFieldDescriptor *field, const uint8_t *base)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t count = *(const size_t *)(const void *)(base + field->quantifier_offset);
        const void *const *items =
            *(const void *const *const *)(const void *)(base + field->offset);

        for (size_t i = 0; i < count; i++) {
            if (!value_valid(field, &items[i]))
                return false;
        }
        return true;
    }
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
        *(const uint32_t *)(const void *)(base + field->quantifier_offset) != field->id)
        return true;
    return value_valid(field, base + field->offset);
}

bool decode_utf8_valid(const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;

    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];

        if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        if (!field_valid(field, (const uint8_t *)message))
            return false;
    }
    return true;
}

/* The number of the field that is set in the event's oneof, 0: none that we know. */
static int event_case(enum input input, const ProtobufCMessage *event)
{
    switch (input) {
    case INPUT_SETTINGS: return (int)((const Ringback__V1__SettingsEvent *)event)->event_case;
    case INPUT_INTERACTIONS:
        return (int)((const Ringback__V1__InteractionEvent *)event)->event_case;
    case INPUT_PRESENCE: return (int)((const Ringback__V1__PresenceEvent *)event)->event_case;
    case INPUT_FLOWS: return (int)((const Ringback__V1__FlowEvent *)event)->event_case;
    case INPUT_COMMANDS: return (int)((const Ringback__V1__Command *)event)->command_case;
    case INPUT_COUNT: break;
    }
    assert(input < INPUT_COUNT);
    return 0;
}

enum err decode_event(const struct framing *framing, enum input input, struct slice value,
                      struct arena *arena, struct decoded *decoded,
                      Ringback__V1__UndecidedReason *why, struct err_note *note)
{
    bool request = input == INPUT_FLOWS || input == INPUT_COMMANDS;
    bool large = value.size > decode_value_bytes_max;

    *why = RINGBACK__V1__UNDECIDED_REASON__UNDECIDED_REASON_UNDECODABLE;
    *decoded = (struct decoded){.refuse = RINGBACK__V1__REASON__REASON_UNSPECIFIED};
    if (value.data == NULL)
        return FAIL(note, ERR_BAD_EVENT, "the value is null; a %s is expected", types[input]->name);
    if (large && !request) {
        *why = RINGBACK__V1__UNDECIDED_REASON__UNDECIDED_REASON_LIMIT;
        return FAIL(note, ERR_BAD_EVENT, "the value has %zu bytes; at most %d are allowed",
                    value.size, decode_value_bytes_max);
    }
    TRY(framing_open(framing, (enum topic)input, &value, note));
    decoded->event =
        protobuf_c_message_unpack(types[input], &arena->allocator, value.size, value.data);
    if (decoded->event == NULL)
        return FAIL(note, ERR_BAD_EVENT, "the value (%zu bytes) is not a %s", value.size,
                    types[input]->name);
    if (!decode_utf8_valid(decoded->event))
        return FAIL(note, ERR_BAD_EVENT, "a string of the %s is not UTF-8", types[input]->name);
    if (event_case(input, decoded->event) == 0) {
        *why = RINGBACK__V1__UNDECIDED_REASON__UNDECIDED_REASON_UNKNOWN_KIND;
        if (!request)
            return FAIL(note, ERR_BAD_EVENT, "the %s says nothing that this version knows",
                        types[input]->name);
        decoded->refuse = RINGBACK__V1__REASON__REASON_NOT_SUPPORTED;
    }
    if (large)
        decoded->refuse = RINGBACK__V1__REASON__REASON_LIMIT;
    return ERR_OK;
}
