#include "daemon/trace.h"

#include <string.h>
#include <xxhash.h>

#include "ringback/v1/analytics.pb-c.h"
#include "ringback/v1/results.pb-c.h"
#include "ringback/v1/routing.pb-c.h"

enum {
    id_at = 3,
    span_at = id_at + trace_id_digits + 1,
    flags_at = span_at + trace_span_digits + 1,
    uuid_bytes = 36
};

static const char digits[] = "0123456789abcdef";

static int digit_of(char letter)
{
    if (letter >= '0' && letter <= '9')
        return letter - '0';
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* Hexadecimal digits, in small letters, not all of them 0. */
static bool is_id(const char *text, size_t count)
{
    bool any = false;

    for (size_t i = 0; i < count; i++) {
        if (digit_of(text[i]) < 0)
            return false;
        any |= text[i] != '0';
    }
    return any;
}

bool trace_read(struct slice header, struct trace *trace)
{
    const char *text = (const char *)header.data;
    int flags;

    /* A later version may be longer; what it adds is not known and not passed on. */
    if (header.size < trace_text_bytes || digit_of(text[0]) < 0 || digit_of(text[1]) < 0 ||
        memcmp(text, "ff", 2) == 0 || text[id_at - 1] != '-' || text[span_at - 1] != '-' ||
        text[flags_at - 1] != '-' || digit_of(text[flags_at]) < 0 ||
        digit_of(text[flags_at + 1]) < 0 || !is_id(text + id_at, trace_id_digits) ||
        !is_id(text + span_at, trace_span_digits))
        return false;
    if (header.size > trace_text_bytes &&
        (memcmp(text, "00", 2) == 0 || text[trace_text_bytes] != '-'))
        return false;
    memcpy(trace->text, text, trace_text_bytes);
    memcpy(trace->text, "00", 2);
    memcpy(trace->parent, text + span_at, trace_span_digits);
    /* Sampled, and random of level 2, which goes with the trace id; others must be 0. */
    flags = digit_of(text[flags_at + 1]) & 3;
    trace->text[flags_at] = '0';
    trace->text[flags_at + 1] = digits[flags];
    trace->sampled = (flags & 1) != 0;
    trace->came = true;
    return true;
}

static void put_digits(char *at, uint64_t value)
{
    for (int i = trace_span_digits - 1; i >= 0; i--, value >>= 4)
        at[i] = digits[value & 15];
}

static const char *result_callback(const Ringback__V1__Result *result)
{
    switch (result->answer_case) {
    case RINGBACK__V1__RESULT__ANSWER_CALLBACK_ACCEPTED:
        return result->callback_accepted->callback_id;
    case RINGBACK__V1__RESULT__ANSWER_CALLBACK_REFUSED:
        return result->callback_refused->callback_id;
    case RINGBACK__V1__RESULT__ANSWER_COMMAND_ACCEPTED:
        return result->command_accepted->callback_id;
    case RINGBACK__V1__RESULT__ANSWER_COMMAND_REFUSED:
    case RINGBACK__V1__RESULT__ANSWER_SETTINGS_ACCEPTED:
    case RINGBACK__V1__RESULT__ANSWER_SETTINGS_REFUSED:
    case RINGBACK__V1__RESULT__ANSWER__NOT_SET:
    case _RINGBACK__V1__RESULT__ANSWER__CASE_IS_INT_SIZE: break;
    }
    return "";
}

const char *trace_callback(const struct effect *effect)
{
    const void *message = effect->message;

    switch (effect->topic) {
    case TOPIC_ROUTING: return ((const Ringback__V1__RoutingEvent *)message)->callback_id;
    case TOPIC_ANALYTICS: return ((const Ringback__V1__AnalyticsEvent *)message)->callback_id;
    case TOPIC_RESULTS: return result_callback(message);
    case TOPIC_SETTINGS:
    case TOPIC_INTERACTIONS:
    case TOPIC_PRESENCE:
    case TOPIC_FLOWS:
    case TOPIC_COMMANDS:
    case TOPIC_STATE:
    case TOPIC_JOURNAL:
    case TOPIC_DLQ_FIRST:
    case TOPIC_DLQ_LAST:
    case TOPIC_COUNT: break;
    }
    return "";
}

/* A callback's id is a UUID: its digits are a trace id. */
static bool begin_of_callback(const struct effects *effects, char *at)
{
    for (size_t i = 0; i < effects->count; i++) {
        const char *id = trace_callback(&effects->items[i]);

        if (strlen(id) != uuid_bytes)
            continue;
        memcpy(at, id, 8);
        memcpy(at + 8, id + 9, 4);
        memcpy(at + 12, id + 14, 4);
        memcpy(at + 16, id + 19, 4);
        memcpy(at + 20, id + 24, 12);
        return is_id(at, trace_id_digits);
    }
    return false;
}

bool trace_make(struct slice header, struct slice domain, const struct effects *effects,
                enum trace_begin begin, struct trace *trace)
{
    uint64_t seed = XXH3_64bits(domain.data, domain.size);
    uint64_t span = XXH3_64bits_withSeed(effects->cause.data, effects->cause.size, seed);
    bool came = trace_read(header, trace);

    if (!came) {
        *trace = (struct trace){.sampled = begin != TRACE_BEGIN_UNSAMPLED};
        memcpy(trace->text, "00-", 3);
        trace->text[span_at - 1] = trace->text[flags_at - 1] = '-';
        trace->text[flags_at] = '0';
        trace->text[flags_at + 1] = trace->sampled ? '1' : '0';
        if (!begin_of_callback(effects, trace->text + id_at)) {
            put_digits(trace->text + id_at, XXH3_64bits_withSeed(&span, sizeof(span), seed) | 1);
            put_digits(trace->text + id_at + trace_span_digits, span);
        }
    }
    put_digits(trace->text + span_at, span == 0 ? 1 : span);
    return came || begin != TRACE_BEGIN_NO;
}
