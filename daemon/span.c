#include "daemon/span.h"

#include <string.h>

#include "base/record.h"
#include "daemon/kind.h"

#include "ringback/v1/analytics.pb-c.h"
#include "ringback/v1/routing.pb-c.h"

/* The name of the oneof's field that is set. */
static struct slice event_name(const ProtobufCMessage *event)
{
    const ProtobufCMessageDescriptor *descriptor = event->descriptor;

    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        uint32_t set;

        if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0)
            continue;
        memcpy(&set, (const uint8_t *)event + field->quantifier_offset, sizeof(set));
        field = protobuf_c_message_descriptor_get_field(descriptor, set);
        return slice_text(field == NULL ? "nothing" : field->name);
    }
    return slice_text("nothing");
}

static struct slice timer_name(const struct effects *effects)
{
    const uint8_t *bar = memchr(effects->cause.data, '|', effects->cause.size);

    return bar == NULL ? effects->cause
                       : slice_make(effects->cause.data, (size_t)(bar - effects->cause.data));
}

static const char *effect_queue(const struct effect *effect)
{
    const void *message = effect->message;

    if (effect->topic == TOPIC_ROUTING)
        return ((const Ringback__V1__RoutingEvent *)message)->queue_id;
    if (effect->topic == TOPIC_ANALYTICS)
        return ((const Ringback__V1__AnalyticsEvent *)message)->queue_id;
    return "";
}

void span_fill(struct span *span, const struct effects *effects, const ProtobufCMessage *event,
               struct arena *arena)
{
    const char *callback = "", *queue = "";

    for (size_t i = 0; i < effects->count; i++) {
        const struct effect *effect = &effects->items[i];
        const struct kind kind = kind_of(effect);

        span->kinds |= UINT32_C(1) << kind.kind;
        if (span->reason == 0)
            span->reason = kind.reason;
        if (callback[0] == '\0')
            callback = trace_callback(effect);
        if (queue[0] == '\0')
            queue = effect_queue(effect);
    }
    span->callback_id = arena_text(arena, slice_text(callback));
    span->queue_id = arena_text(arena, slice_text(queue));
    if (event != NULL)
        span->name = event_name(event);
    else if (span->input == INPUT_COUNT)
        span->name = arena_slice(arena, timer_name(effects));
    else
        span->name = slice_text("undecided");
    span->domain =
        arena_slice(arena, effects->count > 0 && span->domain.size == 0 ? effects->items[0].domain
                                                                        : span->domain);
}
