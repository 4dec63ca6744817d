/* Lines to events, events by their rows to facts, facts to records. */
#include "daemon/adapt_table.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/memory.h"
#include "consumers/decode.h"
#include "producers/encode.h"
#include "state/limits.h"

#include "ringback/v1/flows.pb-c.h"
#include "ringback/v1/interactions.pb-c.h"
#include "ringback/v1/presence.pb-c.h"

enum {
    ranks = 8,
    reason_bytes = adapt_count_text_bytes,
    shown_bytes = 60, /* of a foreign text, in a reason */
    said_max = 20,    /* damaged lines that are named */
    suffix_bytes = 40,
    hash_text_bytes = 33
};

const struct adapt_platform *const adapt_platforms[] = {&adapt_genesys, &adapt_connect,
                                                        &adapt_twilio, NULL};

#define ADAPT_TEXT_(name, topic, type, rank, said) said,
const char *const adapt_kind_said[ADAPT_KIND_COUNT] = {ADAPT_KIND_MAP(ADAPT_TEXT_)};
#undef ADAPT_TEXT_
#define ADAPT_TEXT_(name, topic, type, rank, said) type,
static const char *const kind_type[ADAPT_KIND_COUNT] = {ADAPT_KIND_MAP(ADAPT_TEXT_)};
#undef ADAPT_TEXT_
#define ADAPT_TOPIC_(name, topic, type, rank, said) INPUT_##topic,
static const enum input kind_topic[ADAPT_KIND_COUNT] = {ADAPT_KIND_MAP(ADAPT_TOPIC_)};
#undef ADAPT_TOPIC_
#define ADAPT_RANK_(name, topic, type, rank, said) rank,
static const int kind_rank[ADAPT_KIND_COUNT] = {ADAPT_KIND_MAP(ADAPT_RANK_)};
#undef ADAPT_RANK_
#define ADAPT_SAID_(name, type, said) said,
const char *const adapt_to_said[ADAPT_TO_COUNT] = {ADAPT_FIELD_MAP(ADAPT_SAID_)};
#undef ADAPT_SAID_
#define ADAPT_TYPE_(name, type, said) ADAPT_##type,
const enum adapt_type adapt_to_type[ADAPT_TO_COUNT] = {ADAPT_FIELD_MAP(ADAPT_TYPE_)};
#undef ADAPT_TYPE_

#define BIT(to) (1u << ADAPT_TO_##to)
#define CALL    (BIT(INTERACTION_ID) | BIT(TIME))
#define AGENT   (BIT(AGENT_ID) | BIT(CHANGE))

/* What a message is nothing without. */
static const uint32_t needed[ADAPT_KIND_COUNT] = {
    [ADAPT_LEFT] = CALL | BIT(REASON),
    [ADAPT_ENTERED] = CALL | BIT(QUEUE_ID) | BIT(ENTRY),
    [ADAPT_ALERTING] = CALL | BIT(AGENT_ID),
    [ADAPT_CONNECTED] = CALL | BIT(AGENT_ID),
    [ADAPT_WRAP_UP_STARTED] = CALL | BIT(AGENT_ID),
    [ADAPT_WRAP_UP_ENDED] = CALL | BIT(AGENT_ID),
    [ADAPT_ENDED] = CALL,
    [ADAPT_PRESENCE] = AGENT | BIT(PRESENCE),
    [ADAPT_STATUS] = AGENT | BIT(STATUS),
    [ADAPT_QUEUES] = AGENT | BIT(QUEUE_IDS),
    [ADAPT_FLOW_ENTERED] = CALL | BIT(FLOW_TYPE),
};

struct adapt {
    const struct adapt_settings *settings;
    struct adapt_sink sink;
    FILE *said;
    struct adapt_counts counts;
    struct adapt_tally tally;
    struct arena arena; /* of one line */
    struct encoder encoder;
};

/* What the fields of a row gave. */
struct facts {
    uint32_t set; /* bits of enum adapt_to */
    const char *text[ADAPT_TO_COUNT];
    int64_t number[ADAPT_TO_COUNT];
    char **ids;
    size_t id_count;
};

/* The event in work, and which part of which line it is. */
struct work {
    struct adapt *adapt;
    struct adapt_event event;
    uint64_t line;
    struct slice text; /* of the line */
    size_t part;       /* of a list, from 0 */
    const char *domain;
    char reason[reason_bytes];
    bool fault;
};

/* --- counting --- */

/* For messages: printable, short. */
static const char *shown(const char *text, char room[shown_bytes + 4])
{
    size_t size = 0;

    for (; text[size] != '\0' && size < shown_bytes; size++)
        room[size] = isprint((unsigned char)text[size]) ? text[size] : '?';
    memcpy(room + size, text[size] == '\0' ? "" : "...", text[size] == '\0' ? 1 : 4);
    return room;
}

/* name: the first of its kind is named at once, as every fault is. */
static void count_reason(struct work *work, const char *reason, bool fault, bool name)
{
    struct adapt *adapt = work->adapt;
    char room[shown_bytes + 4];
    const char *type = shown(work->event.type, room);
    bool first = adapt_tally_add(&adapt->tally, type, reason, fault, work->line);

    adapt->counts.unmapped++;
    adapt->counts.faults += fault;
    if (first && (fault || name) && adapt->said != NULL)
        fprintf(adapt->said, "line %" PRIu64 ": %s: %s\n", work->line, type, reason);
}

static void damaged(struct adapt *adapt, uint64_t line, const char *why)
{
    adapt->counts.damaged++;
    adapt->counts.faults++;
    if (adapt->said == NULL || adapt->counts.damaged > said_max)
        return;
    fprintf(adapt->said, "line %" PRIu64 ": %s\n", line, why);
    if (adapt->counts.damaged == said_max)
        fputs("further lines that cannot be read are only counted\n", adapt->said);
}

__attribute__((format(printf, 3, 4))) static bool refuse(struct work *work, bool fault,
                                                         const char *format, ...)
{
    va_list list;

    va_start(list, format);
    (void)vsnprintf(work->reason, sizeof(work->reason), format, list);
    va_end(list);
    work->fault = fault;
    return false;
}

/* --- fields --- */

static bool id_fits(const char *text)
{
    return decode_id_valid(slice_text(text));
}

static const char *path_of(const struct adapt_field *field)
{
    return field->from != NULL ? field->from : adapt_to_said[field->to];
}

static bool fill_id(struct work *work, const struct adapt_field *field, const json_t *json,
                    struct facts *facts)
{
    const char *text = adapt_text(&work->event, json);
    char room[shown_bytes + 4];

    if (field->tail)
        text = adapt_tail(text);
    if (text[0] == '\0')
        return refuse(work, true, "%s is missing", path_of(field));
    if (!id_fits(text))
        return refuse(work, true, "%s: \"%s\" is no id", path_of(field), shown(text, room));
    facts->text[field->to] = text;
    return true;
}

static bool fill_enum(struct work *work, const struct adapt_field *field, const json_t *json,
                      struct facts *facts)
{
    const char *text = adapt_text(&work->event, json);
    const struct adapt_value *value = NULL;
    struct adapt_value own;
    char room[shown_bytes + 4];

    if (field->to == ADAPT_TO_PRESENCE)
        value = adapt_presence(&work->event, text, &own);
    if (value == NULL)
        value = adapt_value_find(field->values, text);
    if (value == NULL)
        return refuse(
            work, false, "%s: \"%s\" is nothing that is known%s", path_of(field), shown(text, room),
            field->to == ADAPT_TO_PRESENCE && work->adapt->settings->platform->presences != NULL
                ? "; say what it is with --presence"
                : "");
    facts->number[field->to] = value->value;
    return true;
}

static bool fill_int(struct work *work, const struct adapt_field *field, const json_t *json,
                     struct facts *facts)
{
    const char *text = adapt_text(&work->event, json);
    char room[shown_bytes + 4], *end;
    long value = strtol(text, &end, 10);

    if (end == text || *end != '\0' || value > LIMIT_PRIORITY_MAX || value < -LIMIT_PRIORITY_MAX)
        return refuse(work, false, "%s: \"%s\" is left out, it is out of range", path_of(field),
                      shown(text, room));
    facts->number[field->to] = value;
    return true;
}

static bool fill_ids(struct work *work, const struct adapt_field *field, const json_t *json,
                     struct facts *facts)
{
    const json_t *item;
    size_t i;

    if (!json_is_array(json))
        return refuse(work, true, "%s is no list", path_of(field));
    if (json_array_size(json) > (size_t)LIMIT_JOINED_MAX)
        return refuse(work, true, "%s has %zu queues, at most %d are allowed", path_of(field),
                      json_array_size(json), (int)LIMIT_JOINED_MAX);
    facts->ids = arena_alloc(work->event.arena, (json_array_size(json) + 1) * sizeof(char *));
    json_array_foreach(json, i, item)
    {
        const char *text = adapt_text(&work->event, item);
        char room[shown_bytes + 4];

        if (!id_fits(text))
            return refuse(work, true, "%s: \"%s\" is no id", path_of(field), shown(text, room));
        facts->ids[facts->id_count++] = arena_text(work->event.arena, slice_text(text));
    }
    return true;
}

/* false: work->reason says what is wrong. */
static bool fill_from(struct work *work, const struct adapt_field *field, const json_t *json,
                      struct facts *facts)
{
    switch (adapt_to_type[field->to]) {
    case ADAPT_ID: return fill_id(work, field, json, facts);
    case ADAPT_TIME:
        if (!adapt_time(json, &facts->number[field->to]))
            return refuse(work, true, "%s is no time", path_of(field));
        return true;
    case ADAPT_NUMBER:
        facts->text[field->to] = adapt_number(work->event.arena, adapt_text(&work->event, json));
        return true;
    case ADAPT_INT: return fill_int(work, field, json, facts);
    case ADAPT_ENUM: return fill_enum(work, field, json, facts);
    case ADAPT_IDS: return fill_ids(work, field, json, facts);
    }
    assert(!"a type of field that is none");
    return false;
}

/* Optional ids and numbers that cannot be used are left out and counted: better a call without its
 * conversation than no call. */
static bool fill(struct work *work, const struct adapt_row *row, const struct adapt_field *field,
                 struct facts *facts)
{
    bool must = (needed[row->kind] & 1u << field->to) != 0;
    json_t *made = field->make != NULL ? field->make(&work->event) : NULL;
    const json_t *json = field->from != NULL ? adapt_find(&work->event, field->from) : made;
    bool good = true;

    if (field->from == NULL && field->make == NULL) {
        facts->number[field->to] = field->fixed;
    } else if (json == NULL) {
        json_decref(made);
        return !must || refuse(work, true, "%s is missing", path_of(field));
    } else {
        good = fill_from(work, field, json, facts);
    }
    if (made != NULL && facts->text[field->to] != NULL) /* it may lie in what goes now */
        facts->text[field->to] = arena_text(work->event.arena, slice_text(facts->text[field->to]));
    json_decref(made);
    if (good)
        facts->set |= 1u << field->to;
    else if (!must && adapt_to_type[field->to] != ADAPT_ENUM) {
        facts->text[field->to] = NULL;
        facts->number[field->to] = 0;
        count_reason(work, work->reason, false, false);
        return true;
    }
    return good;
}

/* --- messages --- */

static char *text_of(const struct facts *facts, enum adapt_to to)
{
    /* protobuf-c's messages have plain pointers; nothing writes through them. */
    return facts->text[to] == NULL ? (char *)(uintptr_t) "" : (char *)(uintptr_t)facts->text[to];
}

static void *message_new(struct adapt_event *event, const ProtobufCMessageDescriptor *type)
{
    void *message = arena_alloc(event->arena, type->sizeof_message);

    protobuf_c_message_init(type, message);
    return message;
}

#define NEW(event, name) message_new((event), &ringback__v1__##name##__descriptor)

static Ringback__V1__InteractionEntered *entered_of(struct adapt_event *event,
                                                    const struct facts *facts)
{
    Ringback__V1__InteractionEntered *entered = NEW(event, interaction_entered);

    entered->place = NEW(event, place);
    entered->place->queue_id = text_of(facts, ADAPT_TO_QUEUE_ID);
    entered->place->entry_ms = facts->number[ADAPT_TO_ENTRY];
    if ((facts->set & BIT(PRIORITY)) != 0) {
        entered->routing = NEW(event, routing_data);
        entered->routing->priority = (int32_t)facts->number[ADAPT_TO_PRIORITY];
    }
    entered->ani = text_of(facts, ADAPT_TO_ANI);
    entered->dialled_number = text_of(facts, ADAPT_TO_DIALLED);
    entered->outbound = facts->number[ADAPT_TO_OUTBOUND] != 0;
    return entered;
}

static void tell_interaction(struct adapt_event *event, Ringback__V1__InteractionEvent *message,
                             enum adapt_kind kind, const struct facts *facts)
{
    char *agent = text_of(facts, ADAPT_TO_AGENT_ID);

#define ABOUT_AGENT(CASE, field, type)                                                             \
    message->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_##CASE;                           \
    message->field = NEW(event, type);                                                             \
    message->field->agent_id = agent
    if (kind == ADAPT_ENTERED) {
        message->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ENTERED;
        message->entered = entered_of(event, facts);
    } else if (kind == ADAPT_LEFT) {
        message->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_LEFT;
        message->left = NEW(event, interaction_left);
        message->left->reason = (Ringback__V1__LeftReason)facts->number[ADAPT_TO_REASON];
    } else if (kind == ADAPT_ENDED) {
        message->event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ENDED;
        message->ended = NEW(event, interaction_ended);
    } else if (kind == ADAPT_ALERTING) {
        ABOUT_AGENT(ALERTING, alerting, interaction_alerting);
    } else if (kind == ADAPT_CONNECTED) {
        ABOUT_AGENT(CONNECTED, connected, interaction_connected);
    } else if (kind == ADAPT_WRAP_UP_STARTED) {
        ABOUT_AGENT(WRAP_UP_STARTED, wrap_up_started, wrap_up_started);
    } else {
        assert(kind == ADAPT_WRAP_UP_ENDED);
        ABOUT_AGENT(WRAP_UP_ENDED, wrap_up_ended, wrap_up_ended);
    }
#undef ABOUT_AGENT
}

static ProtobufCMessage *interaction_of(struct adapt_event *event, enum adapt_kind kind,
                                        const struct facts *facts, char *id)
{
    Ringback__V1__InteractionEvent *message = NEW(event, interaction_event);
    int64_t time_ms = facts->number[ADAPT_TO_TIME];

    message->id = id;
    message->interaction = NEW(event, interaction);
    message->interaction->interaction_id = text_of(facts, ADAPT_TO_INTERACTION_ID);
    message->interaction->conversation_id = text_of(facts, ADAPT_TO_CONVERSATION_ID);
    message->interaction->media = (Ringback__V1__Media)facts->number[ADAPT_TO_MEDIA];
    message->interaction->version = (uint64_t)time_ms * ranks + (uint64_t)kind_rank[kind];
    message->interaction->time_ms = time_ms;
    tell_interaction(event, message, kind, facts);
    return &message->base;
}

/* Without a version: the times of changes are compared (5.7). */
static ProtobufCMessage *presence_of(struct adapt_event *event, enum adapt_kind kind,
                                     const struct facts *facts, char *id)
{
    Ringback__V1__PresenceEvent *message = NEW(event, presence_event);

    message->id = id;
    message->agent_id = text_of(facts, ADAPT_TO_AGENT_ID);
    message->change_ms = facts->number[ADAPT_TO_CHANGE];
    if (kind == ADAPT_PRESENCE) {
        message->event_case = RINGBACK__V1__PRESENCE_EVENT__EVENT_PRESENCE;
        message->presence = NEW(event, presence_changed);
        message->presence->presence = (Ringback__V1__Presence)facts->number[ADAPT_TO_PRESENCE];
    } else if (kind == ADAPT_STATUS) {
        message->event_case = RINGBACK__V1__PRESENCE_EVENT__EVENT_ROUTING_STATUS;
        message->routing_status = NEW(event, routing_status_changed);
        message->routing_status->status =
            (Ringback__V1__RoutingStatus)facts->number[ADAPT_TO_STATUS];
    } else {
        assert(kind == ADAPT_QUEUES);
        message->event_case = RINGBACK__V1__PRESENCE_EVENT__EVENT_JOINED_QUEUES;
        message->joined_queues = NEW(event, joined_queues_changed);
        message->joined_queues->n_queue_ids = facts->id_count;
        message->joined_queues->queue_ids = facts->ids;
    }
    return &message->base;
}

static ProtobufCMessage *flow_of(struct adapt_event *event, const struct facts *facts, char *id)
{
    Ringback__V1__FlowEvent *message = NEW(event, flow_event);

    message->id = id;
    message->event_case = RINGBACK__V1__FLOW_EVENT__EVENT_FLOW_ENTERED;
    message->flow_entered = NEW(event, flow_entered);
    message->flow_entered->interaction_id = text_of(facts, ADAPT_TO_INTERACTION_ID);
    message->flow_entered->conversation_id = text_of(facts, ADAPT_TO_CONVERSATION_ID);
    message->flow_entered->media = (Ringback__V1__Media)facts->number[ADAPT_TO_MEDIA];
    message->flow_entered->flow_id = text_of(facts, ADAPT_TO_FLOW_ID);
    message->flow_entered->flow_type = (Ringback__V1__FlowType)facts->number[ADAPT_TO_FLOW_TYPE];
    return &message->base;
}

static const char *hash_text(struct slice text, size_t part, char room[hash_text_bytes])
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(text.data, text.size, part);

    snprintf(room, hash_text_bytes, "%016" PRIx64 "%016" PRIx64, (uint64_t)hash.high64,
             (uint64_t)hash.low64);
    return room;
}

/* The platform's event id and what of the event it is, so that each of its messages has its own.
 * Without an id, or with one that the contract does not take: what the line's bytes give. */
static char *id_of(struct work *work, enum adapt_kind kind, size_t item)
{
    const char *base = work->event.id;
    const char *what = strchr(kind_type[kind], '.') + 1;
    char room[hash_text_bytes];

    if (base == NULL || base[0] == '\0')
        base = hash_text(work->text, work->part, room);
    else if (!id_fits(base) || strlen(base) > decode_id_bytes_max - suffix_bytes)
        base = hash_text(slice_text(base), 0, room);
    if (work->event.item != NULL)
        return arena_format(work->event.arena, "%s:%s-%zu", base, what, item);
    return arena_format(work->event.arena, "%s:%s", base, what);
}

static enum err send(struct work *work, enum adapt_kind kind, const struct facts *facts,
                     size_t item, struct err_note *note)
{
    struct adapt *adapt = work->adapt;
    struct adapt_event *event = &work->event;
    char *id = id_of(work, kind, item);
    struct encode_output output = {.topic = (enum topic)kind_topic[kind],
                                   .domain = slice_text(work->domain),
                                   .id = id,
                                   .type = kind_type[kind],
                                   .traceparent = event->traceparent,
                                   .now_ms = event->time_ms};
    struct record record;

    if ((facts->set & BIT(TIME)) != 0)
        output.now_ms = facts->number[ADAPT_TO_TIME];
    switch (kind_topic[kind]) {
    case INPUT_PRESENCE: output.message = presence_of(event, kind, facts, id); break;
    case INPUT_FLOWS: output.message = flow_of(event, facts, id); break;
    case INPUT_INTERACTIONS: output.message = interaction_of(event, kind, facts, id); break;
    case INPUT_SETTINGS:
    case INPUT_COMMANDS:
    case INPUT_COUNT: assert(!"no row makes these");
    }
    encode_output(&adapt->encoder, adapt->settings->framing, &output, event->arena, &record);
    TRY(adapt->sink.on_record(adapt->sink.context, &record, note));
    adapt->counts.messages[kind_topic[kind]]++;
    return ERR_OK;
}

/* --- rows --- */

static bool when_holds(const struct adapt_event *event, const struct adapt_when *when)
{
    const char *text;

    if (when->holds != NULL)
        return when->holds(event);
    if (when->there)
        return adapt_find(event, when->path) != NULL;
    text = adapt_text_at(event, when->path);
    if (when->is != NULL)
        return adapt_one_of(text, when->is);
    return !adapt_one_of(text, when->is_not);
}

static bool row_holds(const struct adapt_event *event, const struct adapt_row *row)
{
    for (size_t i = 0; i < adapt_whens_max; i++) {
        const struct adapt_when *when = &row->when[i];

        if ((when->path != NULL || when->holds != NULL) && !when_holds(event, when))
            return false;
    }
    return true;
}

static bool row_fills(struct work *work, const struct adapt_row *row, struct facts *facts)
{
    *facts = (struct facts){.set = 0};
    for (size_t i = 0; i < adapt_fields_max; i++) {
        const struct adapt_field *field = &row->fields[i];

        if (field->from == NULL && field->make == NULL && field->said == NULL)
            break;
        if (!fill(work, row, field, facts))
            return false;
    }
    return true;
}

static enum err do_row(struct work *work, const struct adapt_row *row, size_t item, bool *held,
                       struct err_note *note)
{
    struct facts facts;

    if (!row_holds(&work->event, row))
        return ERR_OK;
    *held = true;
    if (row->kind == ADAPT_NOTHING) {
        count_reason(work, row->why, false, false);
        return ERR_OK;
    }
    if (!row_fills(work, row, &facts)) {
        count_reason(work, work->reason, work->fault, false);
        return ERR_OK;
    }
    return send(work, row->kind, &facts, item, note);
}

static enum err do_each(struct work *work, const struct adapt_row *row, bool *held,
                        struct err_note *note)
{
    const json_t *list = adapt_find(&work->event, row->each), *item;
    enum err err = ERR_OK;
    size_t i;

    json_array_foreach(list, i, item)
    {
        work->event.item = item;
        err = do_row(work, row, i, held, note);
        if (err != ERR_OK)
            break;
    }
    work->event.item = NULL;
    return err;
}

static bool find_domain(struct work *work)
{
    const struct adapt_settings *settings = work->adapt->settings;
    const char *path = settings->domain_from;
    char room[shown_bytes + 4];

    if (path == NULL)
        path = settings->platform->domain_from;
    work->domain = settings->domain;
    if (work->domain == NULL)
        work->domain = adapt_text_at(&work->event, path);
    if (work->domain[0] == '\0')
        return refuse(work, true, "it has no domain: %s is missing; name one with --domain", path);
    if (!id_fits(work->domain))
        return refuse(work, true, "%s: \"%s\" is no domain", path, shown(work->domain, room));
    return true;
}

static enum err do_rows(struct work *work, struct err_note *note)
{
    const struct adapt_row *row = work->adapt->settings->platform->rows;
    bool known = false, held = false, checked = false;

    for (; row->event != NULL; row++) {
        if (strcmp(row->event, work->event.type) != 0 || (row->otherwise && held))
            continue;
        known = true;
        if (row->kind != ADAPT_NOTHING && !checked) {
            bool timed = work->event.time_ms > 0 || refuse(work, true, "it has no time");

            checked = true;
            if (!timed || !find_domain(work)) {
                count_reason(work, work->reason, work->fault, false);
                return ERR_OK;
            }
        }
        TRY(row->each != NULL ? do_each(work, row, &held, note)
                              : do_row(work, row, 0, &held, note));
    }
    if (!known)
        count_reason(work, "a type that is not known", false, true);
    return ERR_OK;
}

/* --- lines --- */

static struct slice find_traceparent(const json_t *root, struct slice carried)
{
    const json_t *found = adapt_key(root, "traceparent");
    struct slice own = {NULL, 0};

    if (json_is_string(found))
        own = slice_make(json_string_value(found), json_string_length(found));
    if (adapt_traceparent_valid(own))
        return own;
    return adapt_traceparent_valid(carried) ? carried : slice_make(NULL, 0);
}

static enum err do_event(struct adapt *adapt, const struct work *line, const json_t *root,
                         struct slice traceparent, struct err_note *note)
{
    struct work work = *line;
    const char *wrong = "it is no JSON object";
    enum err err = ERR_OK;

    adapt->counts.events++;
    work.event = (struct adapt_event){.settings = adapt->settings, .arena = &adapt->arena};
    work.event.type = "";
    work.event.body = root;
    work.event.made = json_object();
    work.event.traceparent = find_traceparent(root, traceparent);
    if (json_is_object(root) && work.event.made != NULL)
        wrong = adapt->settings->platform->open(&work.event, root);
    if (wrong != NULL) {
        work.event.type = "?";
        count_reason(&work, wrong, true, true);
    } else {
        err = do_rows(&work, note);
    }
    json_decref(work.event.made);
    return err;
}

static json_t *read_line(struct adapt *adapt, uint64_t number, struct slice text)
{
    json_error_t error = {.line = 0};
    json_t *root;
    char why[JSON_ERROR_TEXT_LENGTH + 80], room[shown_bytes + 4];

    if (adapt->settings->platform->forms && text.data[0] != '{' && text.data[0] != '[') {
        root = adapt_form(text);
        if (root == NULL)
            damaged(adapt, number, "it is neither JSON nor a form");
        return root;
    }
    root = json_loadb((const char *)text.data, text.size, 0, &error);
    if (root == NULL) {
        snprintf(why, sizeof(why), "byte %d: %s", error.position, shown(error.text, room));
        damaged(adapt, number, why);
    }
    return root;
}

static struct slice trimmed(struct slice text)
{
    while (text.size > 0 && isspace(text.data[text.size - 1]))
        text.size--;
    while (text.size > 0 && isspace(text.data[0])) {
        text.data++;
        text.size--;
    }
    return text;
}

enum err adapt_line(struct adapt *adapt, uint64_t number, struct slice text,
                    struct slice traceparent, struct err_note *note)
{
    struct work line = {.adapt = adapt, .line = number};
    enum err err = ERR_OK;
    json_t *root, *item;
    size_t i;

    text = trimmed(text);
    if (text.size == 0)
        return ERR_OK;
    adapt->counts.lines++;
    line.text = text;
    arena_reset(&adapt->arena);
    root = read_line(adapt, number, text);
    if (root == NULL)
        return ERR_OK;
    if (!json_is_array(root))
        err = do_event(adapt, &line, root, traceparent, note);
    json_array_foreach(root, i, item)
    {
        line.part = i;
        err = do_event(adapt, &line, item, traceparent, note);
        if (err != ERR_OK)
            break;
    }
    json_decref(root);
    return err;
}

void adapt_line_too_long(struct adapt *adapt, uint64_t number)
{
    adapt->counts.lines++;
    damaged(adapt, number, "it has more than 1 MiB");
}

/* --- the rest --- */

const struct adapt_platform *adapt_platform_find(const char *name)
{
    for (size_t i = 0; adapt_platforms[i] != NULL; i++)
        if (strcmp(adapt_platforms[i]->name, name) == 0)
            return adapt_platforms[i];
    return NULL;
}

struct adapt *adapt_create(const struct adapt_settings *settings, const struct adapt_sink *sink,
                           FILE *said)
{
    struct adapt *adapt = memory_zalloc(sizeof(*adapt), "an adapter");

    adapt->settings = settings;
    adapt->sink = *sink;
    adapt->said = said;
    arena_init(&adapt->arena);
    return adapt;
}

void adapt_destroy(struct adapt *adapt)
{
    if (adapt == NULL)
        return;
    adapt_tally_deinit(&adapt->tally);
    arena_deinit(&adapt->arena);
    free(adapt);
}

const struct adapt_counts *adapt_counts(const struct adapt *adapt)
{
    return &adapt->counts;
}

void adapt_print(const struct adapt *adapt, FILE *out)
{
    const struct adapt_counts *counts = &adapt->counts;

    fprintf(out,
            "%s: %" PRIu64 " lines, %" PRIu64 " events: %" PRIu64 " interactions, %" PRIu64
            " presence, %" PRIu64 " flows; %" PRIu64 " not mapped, %" PRIu64
            " lines that cannot be read\n",
            adapt->settings->platform->name, counts->lines, counts->events,
            counts->messages[INPUT_INTERACTIONS], counts->messages[INPUT_PRESENCE],
            counts->messages[INPUT_FLOWS], counts->unmapped, counts->damaged);
    adapt_tally_print(&adapt->tally, out);
}

json_t *adapt_json(const struct adapt *adapt)
{
    const struct adapt_counts *counts = &adapt->counts;

    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "platform",
                     adapt->settings->platform->name, "lines", (json_int_t)counts->lines, "events",
                     (json_int_t)counts->events, "interactions",
                     (json_int_t)counts->messages[INPUT_INTERACTIONS], "presence",
                     (json_int_t)counts->messages[INPUT_PRESENCE], "flows",
                     (json_int_t)counts->messages[INPUT_FLOWS], "damaged_lines",
                     (json_int_t)counts->damaged, "faults", (json_int_t)counts->faults, "unmapped",
                     (json_int_t)counts->unmapped, "reasons", adapt_tally_json(&adapt->tally));
}
