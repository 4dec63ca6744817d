/* Export, written: CSV, a row a callback; JSON, a line a conversation. */
#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "daemon/export_parts.h"
#include "state/limits.h"

const char *export_metric_name(const ProtobufCEnumValue *metric, char text[40])
{
    const char *name = metric->name + strlen("METRIC_NAME_");
    size_t size = 0;
    bool raised = false;

    for (text[size++] = (char)(name[0] | 0x20), name++; *name != '\0'; name++) {
        assert(size < 39);
        if (*name == '_')
            raised = true;
        else
            text[size++] = (char)(raised ? *name : *name | 0x20);
        if (*name != '_')
            raised = false;
    }
    text[size] = '\0';
    return text;
}

/* The nth metric of the contract, in the order of their numbers; NULL: there are no more. */
static const ProtobufCEnumValue *nth_metric(unsigned nth)
{
    const ProtobufCEnumDescriptor *names = &ringback__v1__metric_name__descriptor;
    const ProtobufCEnumValue *value;

    if (nth + 1 >= names->n_values) /* the first is UNSPECIFIED */
        return NULL;
    value = &names->values[nth + 1];
    assert(value->value > 0);
    assert(value->value < export_metrics_max);
    return value;
}

/* A sum; of what is a part of something (o...), the mean. */
static bool metric_value(const struct export_session *session, const ProtobufCEnumValue *metric,
                         int64_t *value)
{
    const struct export_metrics *metrics = session->metrics;

    if (metrics == NULL || metrics->count[metric->value] == 0)
        return false;
    *value = metrics->sum[metric->value];
    if (metric->value == RINGBACK__V1__METRIC_NAME__METRIC_NAME_O_SERVICE_LEVEL)
        *value /= metrics->count[metric->value];
    return true;
}

static const char *enum_name(const ProtobufCEnumDescriptor *names, int value, const char *prefix)
{
    const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(names, value);

    return found == NULL ? "?" : found->name + strlen(prefix);
}

static const char *kind_name(const struct export_session *session)
{
    return enum_name(&ringback__v1__callback_kind__descriptor, (int)session->kind,
                     "CALLBACK_KIND_");
}

static const char *reason_name(const struct export_session *session)
{
    return session->ended_ms == 0
               ? ""
               : enum_name(&ringback__v1__reason__descriptor, (int)session->reason, "REASON_");
}

static const char *state_name(const struct export_session *session)
{
    if (session->ended_ms != 0)
        return "ended";
    return session->inactive ? "inactive" : "live";
}

static const char *part_name(const struct exporter *exporter,
                             const struct export_conversation *conversation)
{
    return conversation->created_ms >= exporter->plan.now_ms - LIMIT_EXPORT_RECENT_MS ? "recent"
                                                                                      : "older";
}

/* --- CSV --- */

static const char *const csv_columns[] = {
    "part",    "domain",    "conversation", "created",          "callback",
    "kind",    "state",     "began",        "first_due",        "ended",
    "reason",  "queue",     "last_agent",   "first_owner",      "campaign",
    "contact", "recording", "from_agent",   "from_interaction",
};

static void csv_text(FILE *out, const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void csv_header(FILE *out)
{
    const ProtobufCEnumValue *metric;
    char name[40];

    for (size_t at = 0; at < sizeof(csv_columns) / sizeof(csv_columns[0]); at++)
        fprintf(out, "%s%s", at == 0 ? "" : ",", csv_columns[at]);
    for (unsigned at = 0; (metric = nth_metric(at)) != NULL; at++)
        fprintf(out, ",%s", export_metric_name(metric, name));
    fputc('\n', out);
}

static const char *csv_time(int64_t time_ms, char text[clock_text_size])
{
    return time_ms == 0 ? "" : clock_format(time_ms, text);
}

static void csv_row(const struct exporter *exporter, const struct export_conversation *conversation,
                    const struct export_session *session, FILE *out)
{
    char created[clock_text_size], began[clock_text_size], due[clock_text_size],
        ended[clock_text_size];
    const char *const fields[] = {
        part_name(exporter, conversation),
        conversation->domain,
        conversation->id,
        csv_time(conversation->created_ms, created),
        session->callback,
        kind_name(session),
        state_name(session),
        csv_time(session->began_ms, began),
        csv_time(session->due_ms, due),
        csv_time(session->ended_ms, ended),
        reason_name(session),
        session->queue,
        session->agent,
        session->owner,
        session->campaign,
        session->contact,
        session->recording,
        session->from_agent,
        session->from_interaction,
    };
    const ProtobufCEnumValue *metric;
    int64_t value;

    _Static_assert(sizeof(fields) == sizeof(csv_columns), "a field a column");
    for (size_t at = 0; at < sizeof(fields) / sizeof(fields[0]); at++) {
        if (at != 0)
            fputc(',', out);
        csv_text(out, fields[at]);
    }
    for (unsigned at = 0; (metric = nth_metric(at)) != NULL; at++) {
        fputc(',', out);
        if (metric_value(session, metric, &value))
            fprintf(out, "%" PRId64, value);
    }
    fputc('\n', out);
}

/* --- JSON --- */

static void set_text(json_t *object, const char *name, const char *text)
{
    if (text[0] != '\0')
        json_object_set_new(object, name, json_string(text));
}

static void set_time(json_t *object, const char *name, int64_t time_ms)
{
    if (time_ms != 0)
        json_object_set_new(object, name, json_integer(time_ms));
}

static json_t *json_segments(const struct export_session *session)
{
    json_t *list = json_array();

    for (const struct export_segment *at = session->segments; at != NULL; at = at->next) {
        json_t *segment = json_object();

        set_text(
            segment, "type",
            enum_name(&ringback__v1__segment_type__descriptor, (int)at->type, "SEGMENT_TYPE_"));
        set_time(segment, "start_ms", at->start_ms);
        set_time(segment, "end_ms", at->end_ms);
        set_text(segment, "agent", at->agent);
        json_array_append_new(list, segment);
    }
    return list;
}

static json_t *json_metrics(const struct export_session *session)
{
    json_t *object = json_object();
    const ProtobufCEnumValue *metric;
    char name[40];
    int64_t value;

    for (unsigned at = 0; (metric = nth_metric(at)) != NULL; at++)
        if (metric_value(session, metric, &value))
            json_object_set_new(object, export_metric_name(metric, name), json_integer(value));
    return object;
}

static json_t *json_session(const struct export_session *session)
{
    json_t *object = json_object();

    set_text(object, "callback", session->callback);
    set_text(object, "kind", kind_name(session));
    set_text(object, "state", state_name(session));
    set_time(object, "began_ms", session->began_ms);
    set_time(object, "first_due_ms", session->due_ms);
    set_time(object, "ended_ms", session->ended_ms);
    set_text(object, "reason", reason_name(session));
    set_text(object, "queue", session->queue);
    set_text(object, "last_agent", session->agent);
    set_text(object, "first_owner", session->owner);
    set_text(object, "campaign", session->campaign);
    set_text(object, "contact", session->contact);
    set_text(object, "recording", session->recording);
    set_text(object, "from_agent", session->from_agent);
    set_text(object, "from_interaction", session->from_interaction);
    json_object_set_new(object, "segments", json_segments(session));
    json_object_set_new(object, "metrics", json_metrics(session));
    return object;
}

static void json_line(const struct exporter *exporter,
                      const struct export_conversation *conversation, FILE *out)
{
    json_t *object = json_object(), *sessions = json_array();

    set_text(object, "part", part_name(exporter, conversation));
    set_text(object, "domain", conversation->domain);
    set_text(object, "conversation", conversation->id);
    set_time(object, "created_ms", conversation->created_ms);
    for (const struct export_session *at = conversation->first; at != NULL; at = at->next)
        json_array_append_new(sessions, json_session(at));
    json_object_set_new(object, "sessions", sessions);
    json_dumpf(object, out, JSON_COMPACT);
    fputc('\n', out);
    json_decref(object);
}

/* --- all --- */

enum err export_check(const struct exporter *exporter, struct err_note *note)
{
    const struct export_counts *counts = &exporter->counts;
    bool recent = counts->recent > (uint64_t)LIMIT_EXPORT_RECENT_MAX;
    bool older = counts->older > (uint64_t)LIMIT_EXPORT_OLDER_MAX;

    if (recent && older)
        return FAIL(note, ERR_TOO_MANY,
                    "%" PRIu64 " conversations of the last 12 hours and %" PRIu64
                    " older ones, where an export has at most %" PRId64 " and %" PRId64
                    "; nothing is written: ask for less with --from and --to",
                    counts->recent, counts->older, LIMIT_EXPORT_RECENT_MAX, LIMIT_EXPORT_OLDER_MAX);
    if (recent || older)
        return FAIL(note, ERR_TOO_MANY,
                    "%" PRIu64 " conversations %s, where an export has at most %" PRId64
                    "; nothing is written: ask for less with --from and --to",
                    recent ? counts->recent : counts->older,
                    recent ? "of the last 12 hours" : "older than 12 hours",
                    recent ? LIMIT_EXPORT_RECENT_MAX : LIMIT_EXPORT_OLDER_MAX);
    return ERR_OK;
}

static int by_creation(const void *left, const void *right)
{
    const struct export_conversation *a = *(const struct export_conversation *const *)left;
    const struct export_conversation *b = *(const struct export_conversation *const *)right;
    int order;

    if (a->created_ms != b->created_ms)
        return a->created_ms < b->created_ms ? -1 : 1;
    order = strcmp(a->domain, b->domain);
    return order != 0 ? order : strcmp(a->id, b->id);
}

enum err export_write(struct exporter *exporter, FILE *out, struct err_note *note)
{
    const struct export_conversation **sorted;
    size_t count = 0;

    TRY(export_check(exporter, note));
    sorted = memory_alloc((exporter->conversation_count + 1) * sizeof(const void *), "an export");
    for (size_t at = 0; at < exporter->conversation_count; at++)
        if (exporter->conversations[at].id != NULL)
            sorted[count++] = &exporter->conversations[at];
    qsort(sorted, count, sizeof(const void *), by_creation);
    if (exporter->plan.format == EXPORT_CSV)
        csv_header(out);
    for (size_t at = 0; at < count && !ferror(out); at++) {
        if (exporter->plan.format == EXPORT_JSON)
            json_line(exporter, sorted[at], out);
        else
            for (const struct export_session *session = sorted[at]->first; session != NULL;
                 session = session->next)
                csv_row(exporter, sorted[at], session, out);
    }
    free(sorted);
    if (fflush(out) != 0 || ferror(out))
        return FAIL(note, ERR_IO, "the export cannot be written: is the disk full?");
    return ERR_OK;
}
