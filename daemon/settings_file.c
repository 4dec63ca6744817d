#include "daemon/settings_file.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <yaml.h>

#include "base/memory.h"
#include "base/near.h"
#include "daemon/settings_table.h"
#include "daemon/settings_zone.h"
#include "daemon/value.h"
#include "state/limits.h"
#include "state/text.h"

enum { where_bytes_max = 400, file_bytes_max = 64 << 20 };

/* A script named somewhere, looked up when the domain has been read. */
struct reference {
    const char *id;
    const char *where;
    int line;
    int column;
};

struct reader {
    struct settings *settings;
    yaml_document_t *document;
    const char *domain;
    Ringback__V1__DomainSettings *domain_message;
    size_t domain_first; /* the domain's first item */
    char where[where_bytes_max];
    struct reference *references;
    size_t reference_count;
};

static yaml_node_t *node_at(struct reader *reader, int index)
{
    return yaml_document_get_node(reader->document, index);
}

static void problem(struct reader *reader, const yaml_node_t *node, bool warning, const char *rule,
                    const char *format, ...) __attribute__((format(printf, 5, 6)));

static void problem(struct reader *reader, const yaml_node_t *node, bool warning, const char *rule,
                    const char *format, ...)
{
    struct settings *settings = reader->settings;
    struct settings_problem *found;
    char text[600];
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    settings->problems =
        memory_grow(settings->problems, (settings->problem_count + 1) * sizeof(*settings->problems),
                    "problems of a settings file");
    found = &settings->problems[settings->problem_count++];
    *found = (struct settings_problem){
        .warning = warning,
        .line = (int)node->start_mark.line + 1,
        .column = (int)node->start_mark.column + 1,
        .where = arena_text(&settings->arena, slice_text(reader->where)),
        .text = arena_text(&settings->arena, slice_text(text)),
        .rule = rule,
    };
    settings->error_count += !warning;
}

/* Appends ": name" to reader->where; returns its length before, for leave(). */
static size_t enter(struct reader *reader, const char *name)
{
    size_t size = strlen(reader->where);

    snprintf(reader->where + size, sizeof(reader->where) - size, "%s%s", size == 0 ? "" : ": ",
             name);
    return size;
}

static void leave(struct reader *reader, size_t size)
{
    reader->where[size] = '\0';
}

static const char *node_kind(const yaml_node_t *node)
{
    if (node->type == YAML_MAPPING_NODE)
        return "a mapping";
    return node->type == YAML_SEQUENCE_NODE ? "a list" : "a plain value";
}

/* A value left empty or written as ~ or null. */
static bool is_empty(const yaml_node_t *node)
{
    const char *text;

    if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    text = (const char *)node->data.scalar.value;
    return text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

/* NULL, and a problem, if node is no scalar, empty, or holds a zero byte. */
static const char *scalar(struct reader *reader, const yaml_node_t *node, const char *rule)
{
    if (node->type != YAML_SCALAR_NODE) {
        problem(reader, node, false, rule, "a plain value is expected here, not %s",
                node_kind(node));
        return NULL;
    }
    if (is_empty(node)) {
        problem(reader, node, false, rule, "has no value");
        return NULL;
    }
    if (strlen((const char *)node->data.scalar.value) != node->data.scalar.length) {
        problem(reader, node, false, rule, "holds a zero byte");
        return NULL;
    }
    return (const char *)node->data.scalar.value;
}

static char *keep(struct reader *reader, const char *text)
{
    return arena_text(&reader->settings->arena, slice_text(text));
}

static bool is_text(struct reader *reader, const yaml_node_t *node, const char *text,
                    const struct settings_field *field)
{
    if (strlen(text) <= (size_t)LIMIT_NAME_BYTES_MAX)
        return true;
    problem(reader, node, false, field->rule, "has %zu bytes; at most %" PRId64 " are allowed",
            strlen(text), LIMIT_NAME_BYTES_MAX);
    return false;
}

static bool is_id(struct reader *reader, const yaml_node_t *node, const char *text)
{
    if (ident_valid(slice_text(text)))
        return true;
    problem(reader, node, false, "",
            "\"%.140s\" is no id; allowed: 1 to %" PRId64 " of letters, digits and ._@:/+-", text,
            LIMIT_ID_BYTES_MAX);
    return false;
}

static bool is_number(struct reader *reader, const yaml_node_t *node, const char *text,
                      const char *rule)
{
    const char *code = reader->domain_message->country_code;
    uint64_t number;

    if (number_parse(slice_text(text), slice_text(code), &number) == NUMBER_OK)
        return true;
    problem(reader, node, false, rule,
            "\"%.60s\" is no number; allowed: an optional + and %" PRId64 " to %" PRId64 " digits",
            text, LIMIT_NUMBER_DIGITS_MIN, LIMIT_NUMBER_DIGITS_MAX);
    return false;
}

static bool is_country(struct reader *reader, const yaml_node_t *node, const char *text,
                       const char *rule)
{
    size_t digits = strspn(text, "0123456789");

    if (digits >= 1 && digits <= 3 && text[digits] == '\0' && text[0] != '0')
        return true;
    problem(reader, node, false, rule,
            "\"%.20s\" is no country code; allowed: 1 to 3 digits without + or 0, in quotes", text);
    return false;
}

static bool is_zone(struct reader *reader, const yaml_node_t *node, const char *text)
{
    struct settings *settings = reader->settings;
    Ringback__V1__ZoneTable *table;

    for (size_t i = reader->domain_first; i < settings->item_count; i++) {
        if (settings->items[i].kind == SETTINGS_ZONE && strcmp(settings->items[i].id, text) == 0)
            return true;
    }
    table = arena_alloc(&settings->arena, sizeof(*table));
    ringback__v1__zone_table__init(table);
    if (!settings_zone_table(text, table, &settings->arena)) {
        problem(reader, node, false, "2.3", "\"%.60s\" is no time zone%s", text,
                settings_zone_data() ? "; names are those of IANA, such as Europe/Berlin"
                                     : " here: this machine has no zone data (package tzdata)");
        return false;
    }
    settings->items =
        memory_grow(settings->items, (settings->item_count + 1) * sizeof(*settings->items),
                    "items of a settings file");
    settings->items[settings->item_count++] =
        (struct settings_item){SETTINGS_ZONE,
                               reader->domain,
                               table->zone,
                               (int)node->start_mark.line + 1,
                               (int)node->start_mark.column + 1,
                               &table->base};
    return true;
}

static void remember_script(struct reader *reader, const yaml_node_t *node, const char *id)
{
    reader->references =
        memory_grow(reader->references, (reader->reference_count + 1) * sizeof(*reader->references),
                    "references");
    reader->references[reader->reference_count++] =
        (struct reference){id, keep(reader, reader->where), (int)node->start_mark.line + 1,
                           (int)node->start_mark.column + 1};
}

/* Any of the types kept as a string; NULL after a problem. */
static char *read_string(struct reader *reader, const yaml_node_t *node,
                         const struct settings_field *field)
{
    const char *text = scalar(reader, node, field->rule);
    char *kept;

    if (text == NULL || !is_text(reader, node, text, field))
        return NULL;
    if (field->type == SETTINGS_TYPE_NUMBER && !is_number(reader, node, text, field->rule))
        return NULL;
    if (field->type == SETTINGS_TYPE_COUNTRY && !is_country(reader, node, text, field->rule))
        return NULL;
    if (field->type == SETTINGS_TYPE_ZONE && !is_zone(reader, node, text))
        return NULL;
    if ((field->type == SETTINGS_TYPE_ID || field->type == SETTINGS_TYPE_SCRIPT) &&
        !is_id(reader, node, text))
        return NULL;
    kept = keep(reader, text);
    if (field->type == SETTINGS_TYPE_SCRIPT)
        remember_script(reader, node, kept);
    return kept;
}

/* 1 and 10 as 100 and 1000: exactly, a third decimal is refused. */
static enum err read_scaled(const char *text, const struct settings_field *field, int64_t *value,
                            struct err_note *note)
{
    double scale = field->type == SETTINGS_TYPE_HUNDREDTHS ? 100 : 1000;
    double parsed = 0;

    TRY(value_double(text, (double)*field->min / scale, (double)*field->max / scale, &parsed,
                     note));
    *value = (int64_t)(parsed * scale + 0.5);
    if (parsed * scale - (double)*value > 1e-6 || (double)*value - parsed * scale > 1e-6)
        return FAIL(note, ERR_BAD_OPTION, "\"%.100s\" has more than %d decimals", text,
                    scale == 100 ? 2 : 3);
    return ERR_OK;
}

static enum err read_duration(const char *text, const struct settings_field *field, int64_t *value,
                              struct err_note *note)
{
    int64_t unit = field->type == SETTINGS_TYPE_MS ? 1 : SECOND_MS;

    TRY(value_duration(text, *field->min * unit, *field->max * unit, value, note));
    if (*value % unit != 0)
        return FAIL(note, ERR_BAD_OPTION, "\"%.100s\" is no whole number of seconds", text);
    *value /= unit;
    return ERR_OK;
}

/* Any of the types kept as an integer, 32 bits wide in the message. */
static enum err parse_integer(const char *text, const struct settings_field *field, int64_t *value,
                              struct err_note *note)
{
    bool on = false;
    int choice = 0;

    switch (field->type) {
    case SETTINGS_TYPE_BOOL:
    case SETTINGS_TYPE_TOGGLE:
        TRY(value_bool(text, &on, note));
        *value = field->type == SETTINGS_TYPE_BOOL ? on
                 : on                              ? RINGBACK__V1__TOGGLE__TOGGLE_ON
                                                   : RINGBACK__V1__TOGGLE__TOGGLE_OFF;
        return ERR_OK;
    case SETTINGS_TYPE_CHOICE:
        TRY(value_choice(text, field->choices, &choice, note));
        *value = choice + 1;
        return ERR_OK;
    case SETTINGS_TYPE_SECONDS:
    case SETTINGS_TYPE_MS:
    case SETTINGS_TYPE_DELAY: return read_duration(text, field, value, note);
    case SETTINGS_TYPE_HUNDREDTHS:
    case SETTINGS_TYPE_PERMILLE: return read_scaled(text, field, value, note);
    case SETTINGS_TYPE_COUNT:
    case SETTINGS_TYPE_WRAPPED:
    case SETTINGS_TYPE_THRESHOLD: return value_int(text, *field->min, *field->max, value, note);
    case SETTINGS_TYPE_END:
    case SETTINGS_TYPE_TEXT:
    case SETTINGS_TYPE_ID:
    case SETTINGS_TYPE_SCRIPT:
    case SETTINGS_TYPE_NUMBER:
    case SETTINGS_TYPE_COUNTRY:
    case SETTINGS_TYPE_OBJECT:
    case SETTINGS_TYPE_OBJECTS:
    case SETTINGS_TYPE_TEXTS:
    case SETTINGS_TYPE_BLOCKED:
    case SETTINGS_TYPE_ZONE:
    case SETTINGS_TYPE_ZONES:
    case SETTINGS_TYPE_HOURS:
    case SETTINGS_TYPE_DAYS:
    case SETTINGS_TYPE_ITEMS: break;
    }
    abort();
}

static bool read_integer(struct reader *reader, const yaml_node_t *node,
                         const struct settings_field *field, uint32_t *value)
{
    const char *text = scalar(reader, node, field->rule);
    struct err_note note;
    int64_t parsed = 0;

    if (text == NULL)
        return false;
    if (parse_integer(text, field, &parsed, &note) != ERR_OK) {
        problem(reader, node, false, field->rule, "%s", note.text);
        return false;
    }
    *value = (uint32_t)parsed;
    return true;
}

static ProtobufCMessage *make_message(struct reader *reader,
                                      const ProtobufCMessageDescriptor *descriptor)
{
    ProtobufCMessage *message = arena_zalloc(&reader->settings->arena, descriptor->sizeof_message);

    protobuf_c_message_init(descriptor, message);
    return message;
}

/* Where the message keeps a field; count gets the address of a list's length. */
static void *slot(ProtobufCMessage *message, const char *name, size_t **count)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);

    assert(field != NULL);
    if (count != NULL)
        *count = (size_t *)(void *)((char *)message + field->quantifier_offset);
    return (char *)message + field->offset;
}

static void set_integer(ProtobufCMessage *message, const char *name, uint32_t value)
{
    memcpy(slot(message, name, NULL), &value, sizeof(value));
}

static ProtobufCMessage *set_message(struct reader *reader, ProtobufCMessage *message,
                                     const char *name)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    ProtobufCMessage *made = make_message(reader, field->descriptor);

    memcpy(slot(message, name, NULL), &made, sizeof(made));
    return made;
}

static void read_object(struct reader *reader, const yaml_node_t *node,
                        const struct settings_object *object, ProtobufCMessage *message);

/* `on` is the default delay, `off` nothing at all. */
static void read_delay(struct reader *reader, const yaml_node_t *node,
                       const struct settings_field *field, ProtobufCMessage *message)
{
    const char *text = is_empty(node) ? "on" : scalar(reader, node, field->rule);
    uint32_t delay_s = (uint32_t)LIMIT_AUTO_DELAY_S_DEFAULT;
    bool on = true;

    if (text == NULL)
        return;
    if (strcmp(text, "0") != 0 && value_bool(text, &on, NULL) == ERR_OK) {
        if (!on)
            return;
    } else if (!read_integer(reader, node, field, &delay_s)) {
        return;
    }
    set_integer(set_message(reader, message, field->field), "delay_s", delay_s);
}

static void read_wrapped(struct reader *reader, const yaml_node_t *node,
                         const struct settings_field *field, ProtobufCMessage *message)
{
    ProtobufCMessage *inner;
    uint32_t value;

    if (!read_integer(reader, node, field, &value))
        return;
    inner = set_message(reader, message, field->field);
    set_integer(inner, inner->descriptor->fields[0].name, value);
}

static void read_threshold(struct reader *reader, const yaml_node_t *node,
                           const struct settings_field *field, ProtobufCMessage *message)
{
    uint32_t value;

    if (node->type == YAML_SCALAR_NODE && strcmp((char *)node->data.scalar.value, "any") == 0)
        set_integer(message, "any", 1);
    else if (read_integer(reader, node, field, &value))
        set_integer(message, field->field, value);
}

/* "mon-fri": the days' numbers, 1 to 7. Returns what follows, NULL if these are no days. */
static const char *read_days(const char *text, uint32_t *first, uint32_t *last)
{
    static const char names[] = "montuewedthufrisatsun";
    uint32_t days[2] = {0, 0};

    for (int i = 0; i < 2; i++) {
        for (uint32_t day = 0; day < 7; day++) {
            if (strncasecmp(text, names + 3 * day, 3) == 0)
                days[i] = day + 1;
        }
        if (days[i] == 0)
            return NULL;
        text += 3;
        if (i == 0 && *text != '-') {
            days[1] = days[0];
            break;
        }
        text += i == 0;
    }
    *first = days[0];
    *last = days[1];
    return text;
}

/* "08:30"; "24:00" is the day's end. */
static const char *read_minute(const char *text, uint32_t *minute)
{
    unsigned hours = 0, minutes = 0;

    for (int i = 0; i < 5; i++) {
        if (i == 2 ? text[i] != ':' : !isdigit((unsigned char)text[i]))
            return NULL;
    }
    hours = (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
    minutes = (unsigned)(text[3] - '0') * 10 + (unsigned)(text[4] - '0');
    *minute = hours * 60 + minutes;
    return minutes > 59 || *minute > 1440 ? NULL : text + 5;
}

static void add_hours(struct reader *reader, Ringback__V1__Window *window, uint32_t day,
                      uint32_t from, uint32_t to)
{
    Ringback__V1__OpenHours *hours = arena_alloc(&reader->settings->arena, sizeof(*hours));

    if (from == to)
        return;
    ringback__v1__open_hours__init(hours);
    hours->weekday = (day - 1) % 7 + 1;
    hours->from_minute = from;
    hours->to_minute = to;
    window->hours[window->n_hours++] = hours;
}

/* One "sun-thu 08:00-18:00". The list has room for 14 spans of each. */
static void read_hours_line(struct reader *reader, const yaml_node_t *node, const char *rule,
                            Ringback__V1__Window *window)
{
    const char *text = scalar(reader, node, rule);
    const char *at = text;
    uint32_t first = 0, last = 0, from = 0, to = 0;

    if (text == NULL)
        return;
    at = read_days(at, &first, &last);
    if (at != NULL)
        at = *at == ' ' ? read_minute(at + strspn(at, " "), &from) : NULL;
    if (at != NULL)
        at = *at == '-' ? read_minute(at + 1, &to) : NULL;
    if (at == NULL || *at != '\0' || from == to || from == 1440) {
        problem(reader, node, false, rule,
                "\"%.60s\" are no opening hours; write them as mon-fri 08:00-18:30", text);
        return;
    }
    for (uint32_t day = first;; day = day % 7 + 1) {
        add_hours(reader, window, day, from, to > from ? to : 1440);
        if (to < from)
            add_hours(reader, window, day + 1, 0, to);
        if (day == last)
            break;
    }
}

static void read_hours(struct reader *reader, const yaml_node_t *node, const char *rule,
                       ProtobufCMessage *message)
{
    Ringback__V1__Window *window = (Ringback__V1__Window *)message;
    size_t count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);

    window->hours =
        arena_alloc(&reader->settings->arena, (14 * count + 1) * sizeof(window->hours[0]));
    for (size_t i = 0; i < count; i++)
        read_hours_line(reader, node_at(reader, node->data.sequence.items.start[i]), rule, window);
}

static bool is_day(unsigned year, unsigned month, unsigned day)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return month >= 1 && month <= 12 && day >= 1 &&
           day <= days[month - 1] + (month == 2 && leap ? 1 : 0);
}

static bool read_day(struct reader *reader, const yaml_node_t *node, const char *rule,
                     uint32_t *value)
{
    const char *text = scalar(reader, node, rule);
    unsigned year = 0, month = 0, day = 0;
    char end = 0;

    if (text == NULL)
        return false;
    if (strlen(text) != 10 || sscanf(text, "%4u-%2u-%2u%c", &year, &month, &day, &end) != 3 ||
        !is_day(year, month, day)) {
        problem(reader, node, false, rule, "\"%.40s\" is no day; write it as 2026-12-25", text);
        return false;
    }
    *value = year * 10000 + month * 100 + day;
    return true;
}

static void read_blocked(struct reader *reader, const yaml_node_t *node,
                         const struct settings_field *field, Ringback__V1__BlockedNumber *blocked)
{
    const char *text = scalar(reader, node, field->rule);
    size_t size = text == NULL ? 0 : strlen(text);

    if (text == NULL)
        return;
    if (text[size - 1] == '*') {
        size_t plus = text[0] == '+';

        blocked->prefix = 1;
        if (size - 1 == plus || size - 1 - plus > 15 ||
            strspn(text + plus, "0123456789") != size - 1 - plus) {
            problem(reader, node, false, field->rule,
                    "\"%.60s\" is no beginning of a number; write it as +4990*", text);
            return;
        }
        size--;
    } else if (!is_number(reader, node, text, field->rule)) {
        return;
    }
    blocked->number = arena_text(&reader->settings->arena, slice_make(text, size));
}

/* One entry of a list whose entries are strings or days; into list[at]. */
static bool read_entry(struct reader *reader, const yaml_node_t *node,
                       const struct settings_field *field, void *list, size_t at)
{
    char **texts = list;
    uint32_t *numbers = list;

    if (field->type == SETTINGS_TYPE_DAYS)
        return read_day(reader, node, field->rule, &numbers[at]);
    texts[at] = read_string(reader, node, field);
    if (texts[at] == NULL)
        return false;
    for (size_t i = 0; i < at; i++) {
        if (strcmp(texts[i], texts[at]) == 0) {
            problem(reader, node, false, field->rule, "\"%.60s\" is there twice", texts[at]);
            return false;
        }
    }
    return true;
}

static ProtobufCMessage *read_entry_message(struct reader *reader, const yaml_node_t *node,
                                            const struct settings_field *field, size_t number)
{
    Ringback__V1__BlockedNumber *blocked;
    ProtobufCMessage *message;
    char name[30];
    size_t before;

    if (field->type == SETTINGS_TYPE_BLOCKED) {
        blocked = arena_alloc(&reader->settings->arena, sizeof(*blocked));
        ringback__v1__blocked_number__init(blocked);
        read_blocked(reader, node, field, blocked);
        return &blocked->base;
    }
    message = make_message(reader, field->object->message);
    snprintf(name, sizeof(name), "%zu", number);
    before = enter(reader, name);
    read_object(reader, node, field->object, message);
    leave(reader, before);
    return message;
}

static void read_list(struct reader *reader, const yaml_node_t *node,
                      const struct settings_field *field, ProtobufCMessage *message)
{
    size_t *count;
    void *entries;
    ProtobufCMessage **messages;
    size_t total;

    if (node->type != YAML_SEQUENCE_NODE) {
        problem(reader, node, false, field->rule, "a list is expected here, not %s",
                node_kind(node));
        return;
    }
    total = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    if (field->max != NULL && total > (size_t)*field->max) {
        problem(reader, node, false, field->rule,
                "has %zu entries; at most %" PRId64 " are allowed", total, *field->max);
        return;
    }
    if (field->type == SETTINGS_TYPE_HOURS) {
        read_hours(reader, node, field->rule, message);
        return;
    }
    entries = arena_zalloc(&reader->settings->arena, (total + 1) * sizeof(void *));
    messages = entries;
    memcpy(slot(message, field->field, &count), &entries, sizeof(entries));
    *count = 0; /* a key that is there twice is an error, and its second list is read too */
    for (size_t i = 0; i < total; i++) {
        const yaml_node_t *entry = node_at(reader, node->data.sequence.items.start[i]);

        if (field->type == SETTINGS_TYPE_OBJECTS || field->type == SETTINGS_TYPE_BLOCKED)
            messages[(*count)++] = read_entry_message(reader, entry, field, i + 1);
        else if (read_entry(reader, entry, field, entries, *count))
            (*count)++;
    }
}

static void read_zones(struct reader *reader, const yaml_node_t *node,
                       const struct settings_field *field)
{
    if (node->type != YAML_SEQUENCE_NODE) {
        problem(reader, node, false, field->rule, "a list is expected here, not %s",
                node_kind(node));
        return;
    }
    for (const yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++) {
        const yaml_node_t *entry = node_at(reader, *item);
        const char *zone = scalar(reader, entry, field->rule);

        if (zone != NULL)
            (void)is_zone(reader, entry, zone);
    }
}

static void read_item(struct reader *reader, const yaml_node_t *key, const yaml_node_t *node,
                      const struct settings_field *field);

static void read_items(struct reader *reader, const yaml_node_t *node,
                       const struct settings_field *field)
{
    if (is_empty(node))
        return;
    if (node->type != YAML_MAPPING_NODE) {
        problem(reader, node, false, field->rule, "a mapping of ids is expected here, not %s",
                node_kind(node));
        return;
    }
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++)
        read_item(reader, node_at(reader, pair->key), node_at(reader, pair->value), field);
}

static void read_value(struct reader *reader, const yaml_node_t *node,
                       const struct settings_field *field, ProtobufCMessage *message)
{
    uint32_t value;
    char *text;

    switch (field->type) {
    case SETTINGS_TYPE_BOOL:
    case SETTINGS_TYPE_TOGGLE:
    case SETTINGS_TYPE_CHOICE:
    case SETTINGS_TYPE_COUNT:
    case SETTINGS_TYPE_SECONDS:
    case SETTINGS_TYPE_MS:
    case SETTINGS_TYPE_HUNDREDTHS:
    case SETTINGS_TYPE_PERMILLE:
        if (read_integer(reader, node, field, &value))
            set_integer(message, field->field, value);
        break;
    case SETTINGS_TYPE_TEXT:
    case SETTINGS_TYPE_ID:
    case SETTINGS_TYPE_SCRIPT:
    case SETTINGS_TYPE_NUMBER:
    case SETTINGS_TYPE_COUNTRY:
    case SETTINGS_TYPE_ZONE:
        text = read_string(reader, node, field);
        if (text != NULL)
            memcpy(slot(message, field->field, NULL), &text, sizeof(text));
        break;
    case SETTINGS_TYPE_DELAY: read_delay(reader, node, field, message); break;
    case SETTINGS_TYPE_WRAPPED: read_wrapped(reader, node, field, message); break;
    case SETTINGS_TYPE_THRESHOLD: read_threshold(reader, node, field, message); break;
    case SETTINGS_TYPE_OBJECT:
        read_object(reader, node, field->object, set_message(reader, message, field->field));
        break;
    case SETTINGS_TYPE_OBJECTS:
    case SETTINGS_TYPE_TEXTS:
    case SETTINGS_TYPE_BLOCKED:
    case SETTINGS_TYPE_HOURS:
    case SETTINGS_TYPE_DAYS: read_list(reader, node, field, message); break;
    case SETTINGS_TYPE_ZONES: read_zones(reader, node, field); break;
    case SETTINGS_TYPE_ITEMS: read_items(reader, node, field); break;
    case SETTINGS_TYPE_END: break;
    }
}

static const struct settings_field *find_field(const struct settings_field *fields, const char *key)
{
    for (; fields->key != NULL; fields++) {
        if (strcmp(fields->key, key) == 0)
            return fields;
    }
    return NULL;
}

static void unknown_key(struct reader *reader, const yaml_node_t *node, const char *key,
                        const struct settings_field *fields)
{
    struct near near;
    char hint[200];

    near_init(&near, key);
    for (; fields->key != NULL; fields++)
        near_offer(&near, fields->key);
    problem(reader, node, false, "", "unknown key \"%.60s\"%s", key,
            near_hint(&near, "", hint, sizeof(hint)));
}

/* An earlier pair of the mapping has the same key. */
static bool is_repeated(struct reader *reader, const yaml_node_t *mapping,
                        const yaml_node_pair_t *pair, const yaml_node_t *key)
{
    for (const yaml_node_pair_t *before = mapping->data.mapping.pairs.start; before < pair;
         before++) {
        const yaml_node_t *other = node_at(reader, before->key);

        if (other->type == YAML_SCALAR_NODE &&
            strcmp((char *)other->data.scalar.value, (char *)key->data.scalar.value) == 0) {
            problem(reader, key, false, "", "\"%.60s\" is there already, in line %zu",
                    (char *)key->data.scalar.value, other->start_mark.line + 1);
            return true;
        }
    }
    return false;
}

static void require(struct reader *reader, const yaml_node_t *node,
                    const struct settings_object *object)
{
    for (const struct settings_field *field = object->fields; field->key != NULL; field++) {
        bool found = false;

        if (strcmp(field->absent, "required") != 0)
            continue;
        if (node->type != YAML_MAPPING_NODE) {
            problem(reader, node, false, field->rule, "`%s` is missing", field->key);
            continue;
        }
        for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
             pair < node->data.mapping.pairs.top; pair++) {
            const yaml_node_t *key = node_at(reader, pair->key);

            found |= key->type == YAML_SCALAR_NODE &&
                     strcmp((char *)key->data.scalar.value, field->key) == 0;
        }
        if (!found)
            problem(reader, node, false, field->rule, "`%s` is missing", field->key);
    }
}

/* What contradicts itself within one mapping. */
static void check_object(struct reader *reader, const yaml_node_t *node,
                         const ProtobufCMessage *message)
{
    const Ringback__V1__CustomerFirst *first = (const Ringback__V1__CustomerFirst *)message;
    const int flow = RINGBACK__V1__ANSWER_REACTION__ANSWER_REACTION_FLOW;

    if (message->descriptor != &ringback__v1__customer_first__descriptor)
        return;
    if (first->site_id[0] != '\0' && first->edge_group_id[0] != '\0')
        problem(reader, node, false, "7.6", "`site` and `edge_group` exclude each other");
    if (((int)first->live_voice == flow || (int)first->answering_machine == flow) &&
        first->flow_id[0] == '\0')
        problem(reader, node, false, "7.4", "`flow` is missing: to which flow?");
}

/* What others are checked against is read before them, wherever it stands. */
static int field_turn(const struct settings_field *field)
{
    if (field->type == SETTINGS_TYPE_COUNTRY)
        return 0;
    return field->type == SETTINGS_TYPE_ITEMS ? 2 : 1;
}

static void read_pair(struct reader *reader, const yaml_node_t *mapping,
                      const yaml_node_pair_t *pair, int turn, const struct settings_object *object,
                      ProtobufCMessage *message)
{
    const yaml_node_t *key = node_at(reader, pair->key);
    const struct settings_field *field;
    const char *name;
    size_t before;

    if (turn > 0 && (key->type != YAML_SCALAR_NODE || is_empty(key)))
        return; /* said already */
    name = scalar(reader, key, "");
    if (name == NULL || (turn == 0 && is_repeated(reader, mapping, pair, key)))
        return;
    field = find_field(object->fields, name);
    if (field == NULL && turn == 0)
        unknown_key(reader, key, name, object->fields);
    if (field == NULL || field_turn(field) != turn)
        return;
    before = enter(reader, name);
    read_value(reader, node_at(reader, pair->value), field, message);
    leave(reader, before);
}

static void read_object(struct reader *reader, const yaml_node_t *node,
                        const struct settings_object *object, ProtobufCMessage *message)
{
    if (!is_empty(node) && node->type != YAML_MAPPING_NODE) {
        problem(reader, node, false, "", "a mapping is expected here, not %s", node_kind(node));
        return;
    }
    for (int turn = 0; turn <= 2 && node->type == YAML_MAPPING_NODE; turn++) {
        for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
             pair < node->data.mapping.pairs.top; pair++)
            read_pair(reader, node, pair, turn, object, message);
    }
    require(reader, node, object);
    check_object(reader, node, message);
}

/* Where a warning about key of a queue is shown: at the key, or at the queue's id. */
static const yaml_node_t *node_of_key(struct reader *reader, const yaml_node_t *id,
                                      const yaml_node_t *node, const char *name)
{
    if (node->type != YAML_MAPPING_NODE)
        return id;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = node_at(reader, pair->key);

        if (key->type == YAML_SCALAR_NODE && strcmp((char *)key->data.scalar.value, name) == 0)
            return key;
    }
    return id;
}

static void warn_queue(struct reader *reader, const yaml_node_t *id, const yaml_node_t *node,
                       const Ringback__V1__QueueSettings *queue)
{
    struct settings_warning warnings[settings_warnings_max];
    size_t count = settings_queue_warnings(queue, warnings);

    for (size_t i = 0; i < count; i++)
        problem(reader, node_of_key(reader, id, node, warnings[i].key), true, warnings[i].rule,
                "%s", warnings[i].text);
}

/* Of a list of the domain, which empty stands for all. */
static bool in_list(char **list, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i], text) == 0)
            return true;
    }
    return count == 0;
}

static void warn_agent(struct reader *reader, const yaml_node_t *id,
                       const Ringback__V1__AgentSettings *agent)
{
    const Ringback__V1__DomainSettings *domain = reader->domain_message;

    for (size_t i = 0; i < agent->n_skills; i++) {
        if (!in_list(domain->skills, domain->n_skills, agent->skills[i]))
            problem(reader, id, true, "12.15", "skill \"%.60s\" is not in the domain's `skills`",
                    agent->skills[i]);
    }
    for (size_t i = 0; i < agent->n_languages; i++) {
        if (!in_list(domain->languages, domain->n_languages, agent->languages[i]))
            problem(reader, id, true, "12.15",
                    "language \"%.60s\" is not in the domain's `languages`", agent->languages[i]);
    }
}

static void add_item(struct reader *reader, enum settings_kind kind, const char *id,
                     const yaml_node_t *key, ProtobufCMessage *message)
{
    struct settings *settings = reader->settings;

    settings->items =
        memory_grow(settings->items, (settings->item_count + 1) * sizeof(*settings->items),
                    "items of a settings file");
    settings->items[settings->item_count++] = (struct settings_item){
        kind,   reader->domain, id, (int)key->start_mark.line + 1, (int)key->start_mark.column + 1,
        message};
}

static void read_item(struct reader *reader, const yaml_node_t *key, const yaml_node_t *node,
                      const struct settings_field *field)
{
    const char *id = scalar(reader, key, "");
    size_t before;
    ProtobufCMessage *message;
    char *kept;

    if (id == NULL || !is_id(reader, key, id))
        return;
    before = enter(reader, id);
    for (size_t i = reader->domain_first; i < reader->settings->item_count; i++) {
        const struct settings_item *item = &reader->settings->items[i];

        if (item->kind == field->kind && strcmp(item->id, id) == 0)
            problem(reader, key, false, "", "is there already, in line %d", item->line);
    }
    message = make_message(reader, field->object->message);
    kept = keep(reader, id);
    memcpy(slot(message, message->descriptor->fields[0].name, NULL), &kept, sizeof(kept));
    read_object(reader, node, field->object, message);
    add_item(reader, field->kind, kept, key, message);
    if (field->kind == SETTINGS_QUEUE)
        warn_queue(reader, key, node, (Ringback__V1__QueueSettings *)message);
    if (field->kind == SETTINGS_AGENT)
        warn_agent(reader, key, (Ringback__V1__AgentSettings *)message);
    leave(reader, before);
}

static const Ringback__V1__ScriptSettings *find_script(struct reader *reader, const char *id,
                                                       struct near *near)
{
    const struct settings *settings = reader->settings;

    near_init(near, id);
    for (size_t i = reader->domain_first; i < settings->item_count; i++) {
        if (settings->items[i].kind != SETTINGS_SCRIPT)
            continue;
        if (strcmp(settings->items[i].id, id) == 0)
            return (Ringback__V1__ScriptSettings *)settings->items[i].message;
        near_offer(near, settings->items[i].id);
    }
    return NULL;
}

static void check_references(struct reader *reader)
{
    for (size_t i = 0; i < reader->reference_count; i++) {
        const struct reference *reference = &reader->references[i];
        yaml_node_t at = {.start_mark = {.line = (size_t)reference->line - 1,
                                         .column = (size_t)reference->column - 1}};
        const Ringback__V1__ScriptSettings *script;
        struct near near;
        char hint[200];

        snprintf(reader->where, sizeof(reader->where), "%s", reference->where);
        script = find_script(reader, reference->id, &near);
        if (script == NULL)
            problem(reader, &at, false, "1.3", "there is no script \"%.130s\"%s", reference->id,
                    near_hint(&near, "", hint, sizeof(hint)));
        else if (!script->callback_enabled)
            problem(reader, &at, true, "1.3",
                    "script \"%.130s\" has no `callback_enabled: on`: it will be refused,"
                    " SCRIPT_NOT_CALLBACK",
                    reference->id);
    }
    reader->reference_count = 0;
    reader->where[0] = '\0';
}

static int compare_items(const void *a, const void *b)
{
    const struct settings_item *left = a, *right = b;
    int order = strcmp(left->domain, right->domain);

    if (order == 0)
        order = (int)left->kind - (int)right->kind;
    return order != 0 ? order : strcmp(left->id, right->id);
}

static int compare_problems(const void *a, const void *b)
{
    const struct settings_problem *left = a, *right = b;

    if (left->line != right->line)
        return left->line < right->line ? -1 : 1;
    return left->column == right->column ? strcmp(left->text, right->text)
                                         : left->column - right->column;
}

void settings_warn(struct settings *settings, const struct settings_item *item, const char *rule,
                   const char *text)
{
    struct arena *arena = &settings->arena;

    settings->problems =
        memory_grow(settings->problems, (settings->problem_count + 1) * sizeof(*settings->problems),
                    "problems of a settings file");
    settings->problems[settings->problem_count++] = (struct settings_problem){
        .warning = true,
        .line = item->line,
        .column = item->column,
        .where = arena_format(arena, "%s: %ss: %s", item->domain, settings_kind_name(item->kind),
                              item->id),
        .text = arena_text(arena, slice_text(text)),
        .rule = rule,
    };
    qsort(settings->problems, settings->problem_count, sizeof(*settings->problems),
          compare_problems);
}

/* key: where the domain itself is shown. */
static void read_domain_as(struct reader *reader, const char *id, const yaml_node_t *key,
                           const yaml_node_t *node)
{
    size_t before;

    reader->domain = keep(reader, id);
    reader->domain_first = reader->settings->item_count;
    reader->domain_message = (Ringback__V1__DomainSettings *)make_message(
        reader, &ringback__v1__domain_settings__descriptor);
    before = enter(reader, id);
    read_object(reader, node, &settings_domain_object, &reader->domain_message->base);
    add_item(reader, SETTINGS_DOMAIN, "", key, &reader->domain_message->base);
    leave(reader, before);
    check_references(reader);
}

static void read_domain(struct reader *reader, const yaml_node_t *key, const yaml_node_t *node)
{
    const char *id = scalar(reader, key, "");

    if (id != NULL && is_id(reader, key, id))
        read_domain_as(reader, id, key, node);
}

static void read_root(struct reader *reader, const yaml_node_t *root)
{
    static const struct settings_field fields[] = {{.key = "domains", .type = SETTINGS_TYPE_ITEMS},
                                                   {.type = SETTINGS_TYPE_END}};

    if (root->type != YAML_MAPPING_NODE) {
        problem(reader, root, false, "", "a mapping with the key `domains` is expected, not %s",
                node_kind(root));
        return;
    }
    for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start;
         pair < root->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = node_at(reader, pair->key);
        const yaml_node_t *value = node_at(reader, pair->value);
        const char *name = scalar(reader, key, "");

        if (name == NULL || is_repeated(reader, root, pair, key))
            continue;
        if (find_field(fields, name) == NULL) {
            unknown_key(reader, key, name, fields);
            continue;
        }
        if (value->type != YAML_MAPPING_NODE) {
            problem(reader, value, false, "", "a mapping of domains is expected here, not %s",
                    node_kind(value));
            continue;
        }
        for (const yaml_node_pair_t *at = value->data.mapping.pairs.start;
             at < value->data.mapping.pairs.top; at++) {
            const yaml_node_t *domain = node_at(reader, at->key);

            if (domain->type == YAML_SCALAR_NODE && is_repeated(reader, value, at, domain))
                continue;
            read_domain(reader, domain, node_at(reader, at->value));
        }
    }
}

static void read_document(struct settings *settings, yaml_parser_t *parser)
{
    yaml_document_t document;
    struct reader reader = {.settings = settings, .document = &document};
    yaml_node_t *root;

    if (!yaml_parser_load(parser, &document)) {
        yaml_node_t at = {.start_mark = parser->problem_mark};

        problem(&reader, &at, false, "", "this is no YAML: %s%s%s",
                parser->problem == NULL ? "it cannot be read" : parser->problem,
                parser->context == NULL ? "" : " ", parser->context == NULL ? "" : parser->context);
        return;
    }
    root = yaml_document_get_root_node(&document);
    if (root == NULL) {
        yaml_node_t at = {.start_mark = {0}};

        problem(&reader, &at, false, "", "the file is empty");
    } else {
        read_root(&reader, root);
    }
    free(reader.references);
    yaml_document_delete(&document);
}

/* Items and problems in their order, the first error as the answer. */
static enum err finish(struct settings *settings, struct err_note *note)
{
    if (settings->item_count > 0)
        qsort(settings->items, settings->item_count, sizeof(*settings->items), compare_items);
    if (settings->problem_count > 0)
        qsort(settings->problems, settings->problem_count, sizeof(*settings->problems),
              compare_problems);
    for (size_t i = 0; i < settings->problem_count; i++) {
        const struct settings_problem *first = &settings->problems[i];

        if (!first->warning)
            return FAIL(note, ERR_BAD_SETTINGS, "%s:%d:%d: %s%s%s", settings->path, first->line,
                        first->column, first->where, first->where[0] == '\0' ? "" : ": ",
                        first->text);
    }
    return ERR_OK;
}

enum err settings_read_text(struct settings *settings, const char *path, const char *text,
                            size_t size, struct err_note *note)
{
    yaml_parser_t parser;

    settings->path = path;
    if (!yaml_parser_initialize(&parser))
        return FAIL(note, ERR_NO_MEMORY, "%s: no memory for the YAML parser", path);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    read_document(settings, &parser);
    yaml_parser_delete(&parser);
    return finish(settings, note);
}

enum err settings_read_domain(struct settings *settings, const char *path,
                              struct yaml_document_s *document, const struct yaml_node_s *node,
                              const char *domain, struct err_note *note)
{
    struct reader reader = {.settings = settings, .document = document};

    settings->path = path;
    read_domain_as(&reader, domain, node, node);
    free(reader.references);
    return finish(settings, note);
}

enum err settings_read(struct settings *settings, const char *path, struct err_note *note)
{
    bool is_input = strcmp(path, "-") == 0;
    FILE *file = is_input ? stdin : fopen(path, "rb");
    char *text = NULL;
    size_t size = 0, got = 0;
    enum err err = ERR_OK;

    if (file == NULL)
        return FAIL(note, ERR_IO, "%s cannot be opened: %s", path, strerror(errno));
    do {
        text = memory_grow(text, size + 65536, "a settings file");
        got = fread(text + size, 1, 65536, file);
        size += got;
    } while (got > 0 && size < file_bytes_max);
    if (ferror(file))
        err = FAIL(note, ERR_IO, "%s cannot be read: %s", path, strerror(errno));
    else if (size >= file_bytes_max)
        err = FAIL(note, ERR_IO, "%s is larger than %d MiB: is that the file?", path,
                   file_bytes_max >> 20);
    else
        err = settings_read_text(settings, path, text, size, note);
    free(text);
    if (!is_input)
        (void)fclose(file);
    return err;
}

void settings_init(struct settings *settings)
{
    memset(settings, 0, sizeof(*settings));
    arena_init(&settings->arena);
}

void settings_deinit(struct settings *settings)
{
    free(settings->items);
    free(settings->problems);
    arena_deinit(&settings->arena);
}

void settings_problem_print(const struct settings *settings, const struct settings_problem *problem,
                            FILE *out)
{
    fprintf(out, "%s:%d:%d: %s: %s%s%s", settings->path, problem->line, problem->column,
            problem->warning ? "warning" : "error", problem->where,
            problem->where[0] == '\0' ? "" : ": ", problem->text);
    if (problem->rule[0] != '\0')
        fprintf(out, " (rule %s)", problem->rule);
    fputc('\n', out);
}

static void set_event(Ringback__V1__SettingsEvent *event, const struct settings_item *item)
{
    switch (item->kind) {
    case SETTINGS_ZONE:
        event->event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_ZONE;
        event->zone = (Ringback__V1__ZoneTable *)item->message;
        return;
    case SETTINGS_DOMAIN:
        event->event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_DOMAIN;
        event->domain = (Ringback__V1__DomainSettings *)item->message;
        return;
    case SETTINGS_SCRIPT:
        event->event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_SCRIPT;
        event->script = (Ringback__V1__ScriptSettings *)item->message;
        return;
    case SETTINGS_AGENT:
        event->event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_AGENT;
        event->agent = (Ringback__V1__AgentSettings *)item->message;
        return;
    case SETTINGS_QUEUE:
        event->event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_QUEUE;
        event->queue = (Ringback__V1__QueueSettings *)item->message;
        return;
    case SETTINGS_KIND_COUNT: break;
    }
    abort();
}

struct slice settings_item_event(const struct settings_item *item, uint64_t version,
                                 struct arena *arena, const char **id)
{
    Ringback__V1__SettingsEvent event;
    size_t size;
    uint8_t *bytes;
    uint64_t seed;
    XXH128_hash_t hash;

    memcpy(slot(item->message, "version", NULL), &version, sizeof(version));
    size = protobuf_c_message_get_packed_size(item->message);
    bytes = arena_alloc(arena, size);
    protobuf_c_message_pack(item->message, bytes);
    seed = XXH3_64bits(item->domain, strlen(item->domain)) + (uint64_t)item->kind;
    hash = XXH3_128bits_withSeed(bytes, size, seed);
    ringback__v1__settings_event__init(&event);
    event.id = arena_format(arena, "settings-%016" PRIx64 "%016" PRIx64, (uint64_t)hash.high64,
                            (uint64_t)hash.low64);
    set_event(&event, item);
    size = ringback__v1__settings_event__get_packed_size(&event);
    bytes = arena_alloc(arena, size);
    ringback__v1__settings_event__pack(&event, bytes);
    version = 0;
    memcpy(slot(item->message, "version", NULL), &version, sizeof(version));
    *id = event.id;
    return slice_make(bytes, size);
}
