#include "daemon/spans.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/version.h"
#include "daemon/kind.h"
#include "producers/encode.h"
#include "producers/span_file.h"
#include "producers/span_topic.h"

enum {
    room = 16384, /* spans in the queue, half a kilobyte each */
    request_spans_max = 200,
    id_bytes = 129,
    tell_ms = 60 * 1000, /* how often it is said that they cannot be written */
    wait_ms = 200,
    end_wait_ms = 1000,
    digits_min = 7,
    digits_shown = 3,
    kind_internal = 1, /* of OTLP's Span.SpanKind and Status.StatusCode */
    kind_consumer = 5,
    status_error = 2,
    flags_here = 0x100,  /* whether the parent is remote is known, */
    flags_remote = 0x300 /* and it is */
};

/* A span, copied out of its batch. */
struct item {
    enum input input;
    int32_t partition;
    int64_t offset, start_ms, end_ms;
    char name[48], domain[id_bytes], queue[id_bytes], callback[id_bytes];
    struct trace trace;
    uint32_t kinds;
    uint8_t reason, undecided;
};

struct spans {
    struct spans_options options;
    struct span_file *file;
    struct span_topic *topic;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows; held for copying only */
    pthread_cond_t put;
    bool stop;
    size_t first, count; /* of items; the thread reads [first, first + count) without the lock */
    struct item items[room];
    int64_t told_ms; /* the thread's */
};

/* --- the queue --- */

static void copy(char *to, size_t size, struct slice from)
{
    snprintf(to, size, "%.*s", (int)from.size, from.data == NULL ? "" : (const char *)from.data);
}

static void fill(struct item *item, const struct span *span)
{
    item->input = span->input;
    item->offset = span->offset;
    item->start_ms = span->start_ms;
    item->trace = span->trace;
    item->kinds = span->kinds;
    item->reason = span->reason;
    item->undecided = span->undecided;
    copy(item->name, sizeof(item->name), span->name);
    copy(item->domain, sizeof(item->domain), span->domain);
    copy(item->queue, sizeof(item->queue), slice_text(span->queue_id));
    copy(item->callback, sizeof(item->callback), slice_text(span->callback_id));
}

/* By the trace id's end, which in ids of others is the random part: all processes choose alike. */
static bool is_chosen(const struct spans *spans, const struct trace *trace)
{
    char end[9];

    if (spans->options.percent >= 100)
        return true;
    memcpy(end, trace_id(trace) + trace_id_digits - 8, 8);
    end[8] = '\0';
    return (strtoull(end, NULL, 16) * 100) >> 32 < (uint64_t)spans->options.percent;
}

void spans_put(struct spans *spans, const struct batch *batch, int32_t partition, int64_t end_ms)
{
    size_t dropped = 0;

    pthread_mutex_lock(&spans->lock);
    for (size_t i = 0; i < batch->span_count; i++) {
        struct item *item = &spans->items[(spans->first + spans->count) % room];

        if (!is_chosen(spans, &batch->spans[i].trace))
            continue;
        if (spans->count == room) {
            dropped++;
            continue;
        }
        fill(item, &batch->spans[i]);
        item->partition = partition;
        item->end_ms = end_ms;
        spans->count++;
    }
    if (spans->count > 0)
        pthread_cond_signal(&spans->put);
    pthread_mutex_unlock(&spans->lock);
    if (dropped > 0)
        metrics_add(metrics_of(-1), METRIC_spans_dropped, SPANS_LOST_QUEUE, dropped);
}

/* --- what is written --- */

static bool is_uuid(const char *id)
{
    if (strlen(id) != 36)
        return false;
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? id[i] != '-' : !isxdigit((unsigned char)id[i]))
            return false;
    }
    return true;
}

void spans_mask(char *id)
{
    size_t size = is_uuid(id) ? 0 : strlen(id);

    for (size_t i = 0; i < size;) {
        size_t end = i, digits = 0, seen = 0;

        while (end < size &&
               (isdigit((unsigned char)id[end]) || (end > i && strchr("-./:", id[end]) != NULL &&
                                                    isdigit((unsigned char)id[end + 1]))))
            digits += isdigit((unsigned char)id[end++]) != 0;
        for (; i < end; i++) {
            if (isdigit((unsigned char)id[i]) && digits >= digits_min &&
                ++seen <= digits - digits_shown)
                id[i] = 'x';
        }
        i++;
    }
}

static void add(json_t *attributes, const char *key, const char *type, json_t *value)
{
    json_array_append_new(attributes,
                          json_pack("{s:s, s:{s:o}}", "key", key, "value", type, value));
}

static void add_text(json_t *attributes, const char *key, const char *text)
{
    if (text[0] != '\0')
        add(attributes, key, "stringValue", json_string(text));
}

static void add_id(json_t *attributes, const char *key, const char *id)
{
    char shown[id_bytes];

    snprintf(shown, sizeof(shown), "%s", id);
    spans_mask(shown);
    add_text(attributes, key, shown);
}

/* Protobuf's JSON has 64 bits as text. */
static json_t *number(int64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRId64, value);
    return json_string(text);
}

static json_t *nanos(int64_t ms)
{
    char text[32];

    snprintf(text, sizeof(text), "%" PRId64 "000000", ms < 1 ? 1 : ms);
    return json_string(text);
}

static const char *reason_name(uint8_t reason)
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(&ringback__v1__reason__descriptor, reason);

    return reason == 0 || value == NULL ? "" : value->name + strlen("REASON_");
}

static json_t *effects_of(const struct item *item)
{
    json_t *values = json_array();

    for (int kind = 0; kind < kind_count; kind++) {
        if ((item->kinds >> kind & 1) != 0)
            json_array_append_new(values,
                                  json_pack("{s:s}", "stringValue", kind_name((uint8_t)kind)));
    }
    return json_pack("{s:o}", "values", values);
}

static json_t *attributes_of(const struct spans *spans, const struct item *item)
{
    json_t *attributes = json_array();
    char partition[16];

    snprintf(partition, sizeof(partition), "%" PRId32, item->partition);
    if (item->input != INPUT_COUNT) {
        add_text(attributes, "messaging.system", "kafka");
        add_text(attributes, "messaging.operation.type", "process");
        add_text(attributes, "messaging.destination.name", spans->options.topics[item->input]);
        add_text(attributes, "messaging.destination.partition.id", partition);
        add(attributes, "messaging.kafka.offset", "intValue", number(item->offset));
    }
    add(attributes, "ringback.partition", "intValue", number(item->partition));
    add_id(attributes, "ringback.domain", item->domain);
    add_id(attributes, "ringback.callback.id", item->callback);
    add_id(attributes, "ringback.queue.id", item->queue);
    add_text(attributes, "ringback.reason",
             item->undecided != 0
                 ? encode_reason_name((Ringback__V1__UndecidedReason)item->undecided)
                 : reason_name(item->reason));
    if (item->kinds != 0)
        add(attributes, "ringback.effects", "arrayValue", effects_of(item));
    return attributes;
}

static json_t *span_of(const struct spans *spans, const struct item *item)
{
    const struct trace *trace = &item->trace;
    bool timer = item->input == INPUT_COUNT;
    char name[80];
    json_t *span;

    snprintf(name, sizeof(name), "%s %s",
             timer ? "timer" : topic_short_name((enum topic)item->input), item->name);
    span = json_pack(
        "{s:s%, s:s%, s:i, s:s, s:i, s:o, s:o, s:o}", "traceId", trace_id(trace),
        (size_t)trace_id_digits, "spanId", trace_span(trace), (size_t)trace_span_digits, "flags",
        (trace->came ? (int)flags_remote : (int)flags_here) | 1, "name", name, "kind",
        timer ? (int)kind_internal : (int)kind_consumer, "startTimeUnixNano", nanos(item->start_ms),
        "endTimeUnixNano", nanos(item->end_ms > item->start_ms ? item->end_ms : item->start_ms),
        "attributes", attributes_of(spans, item));
    assert(span != NULL);
    if (trace->came)
        json_object_set_new(span, "parentSpanId",
                            json_stringn(trace->parent, (size_t)trace_span_digits));
    if (item->undecided != 0)
        json_object_set_new(
            span, "status",
            json_pack("{s:i, s:s}", "code", (int)status_error, "message",
                      encode_reason_name((Ringback__V1__UndecidedReason)item->undecided)));
    return span;
}

/* A request of those items and a line feed; to be freed. */
static char *request_of(const struct spans *spans, size_t first, size_t count, size_t *size)
{
    json_t *list = json_array(), *resource = json_array(), *request;
    char *text, *line;

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, span_of(spans, &spans->items[(first + i) % room]));
    add_text(resource, "service.name", "ringback");
    add_text(resource, "service.version", RINGBACK_VERSION);
    add_text(resource, "messaging.consumer.group.name", spans->options.group);
    request = json_pack("{s:[{s:{s:o}, s:[{s:{s:s, s:s}, s:o}]}]}", "resourceSpans", "resource",
                        "attributes", resource, "scopeSpans", "scope", "name", "ringback",
                        "version", RINGBACK_VERSION, "spans", list);
    text = json_dumps(request, JSON_COMPACT);
    json_decref(request);
    assert(text != NULL);
    *size = strlen(text) + 1;
    line = memory_grow(text, *size + 1, "spans");
    line[*size - 1] = '\n';
    line[*size] = '\0';
    return line;
}

static void lost(struct spans *spans, enum spans_lost why, size_t count, const char *text)
{
    int64_t now_ms = clock_monotonic_ms();

    metrics_add(metrics_of(-1), METRIC_spans_dropped, (int)why, count);
    if (spans->told_ms != 0 && now_ms - spans->told_ms < tell_ms)
        return;
    spans->told_ms = now_ms;
    log_warn("spans are dropped; decisions go on", LOG_TEXT("reason", text));
}

static void look_at_topic(struct spans *spans)
{
    size_t written, missing;

    if (spans->topic == NULL)
        return;
    span_topic_poll(spans->topic, &written, &missing);
    metrics_add(metrics_of(-1), METRIC_spans_written, 0, written);
    if (missing > 0)
        lost(spans, SPANS_LOST_TOPIC, missing, "trace.topic: the broker did not take them in time");
}

static void write_items(struct spans *spans, size_t first, size_t count)
{
    struct err_note note;
    size_t size;
    char *line = request_of(spans, first, count, &size);

    if (spans->file != NULL) {
        if (span_file_write(spans->file, slice_make(line, size), clock_monotonic_ms(), &note) ==
            ERR_OK)
            metrics_add(metrics_of(-1), METRIC_spans_written, 0, count);
        else
            lost(spans, SPANS_LOST_FILE, count, note.text);
    }
    if (spans->topic != NULL &&
        span_topic_write(spans->topic, slice_make(line, size - 1), count, &note) != ERR_OK)
        lost(spans, SPANS_LOST_TOPIC, count, note.text);
    free(line);
}

/* How many wait; waits a while for the first. *stop: no more come. */
static size_t take(struct spans *spans, size_t *first, bool *stop)
{
    struct timespec until;
    size_t count;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += wait_ms * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    pthread_mutex_lock(&spans->lock);
    if (spans->count == 0 && !spans->stop)
        (void)pthread_cond_timedwait(&spans->put, &spans->lock, &until);
    *first = spans->first;
    *stop = spans->stop;
    count = spans->count;
    pthread_mutex_unlock(&spans->lock);
    return count < request_spans_max ? count : request_spans_max;
}

static void *thread_main(void *context)
{
    struct spans *spans = context;
    int64_t end_ms = 0;
    bool stop = false;

    for (;;) {
        size_t first, count = take(spans, &first, &stop);

        if (stop && end_ms == 0)
            end_ms = clock_monotonic_ms() + end_wait_ms;
        if (stop && (count == 0 || clock_monotonic_ms() > end_ms))
            break;
        if (count > 0)
            write_items(spans, first, count);
        look_at_topic(spans);
        pthread_mutex_lock(&spans->lock);
        spans->first = (spans->first + count) % room;
        spans->count -= count;
        pthread_mutex_unlock(&spans->lock);
    }
    metrics_add(metrics_of(-1), METRIC_spans_dropped, SPANS_LOST_QUEUE, spans->count);
    return NULL;
}

/* --- its life --- */

enum err spans_create(const struct spans_options *options, struct spans **out,
                      struct err_note *note)
{
    struct spans *spans = memory_zalloc(sizeof(*spans), "spans");
    pthread_condattr_t monotonic;
    enum err err = ERR_OK;
    int failed;

    spans->options = *options;
    if (options->file[0] != '\0' && span_file_create(options->file, &spans->file, note) != ERR_OK)
        err = err_prefix(note, "trace.file: ");
    if (err == ERR_OK && options->topic[0] != '\0' &&
        span_topic_create(&options->settings, options->topic, &spans->topic, note) != ERR_OK)
        err = err_prefix(note, "trace.topic: ");
    if (err != ERR_OK) {
        span_file_destroy(spans->file);
        free(spans);
        return err;
    }
    (void)pthread_mutex_init(&spans->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&spans->put, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    failed = pthread_create(&spans->thread, NULL, thread_main, spans);
    assert(failed == 0);
    *out = spans;
    return ERR_OK;
}

void spans_destroy(struct spans *spans)
{
    if (spans == NULL)
        return;
    pthread_mutex_lock(&spans->lock);
    spans->stop = true;
    pthread_cond_signal(&spans->put);
    pthread_mutex_unlock(&spans->lock);
    (void)pthread_join(spans->thread, NULL);
    span_topic_destroy(spans->topic, end_wait_ms);
    span_file_destroy(spans->file);
    (void)pthread_cond_destroy(&spans->put);
    (void)pthread_mutex_destroy(&spans->lock);
    free(spans);
}
