#include "daemon/kind.h"

#include <assert.h>

#include "ringback/v1/analytics.pb-c.h"
#include "ringback/v1/results.pb-c.h"
#include "ringback/v1/routing.pb-c.h"

#define ROUTING(name)   RINGBACK__V1__ROUTING_EVENT__EVENT_##name
#define ANALYTICS(name) RINGBACK__V1__ANALYTICS_EVENT__EVENT_##name
#define RESULT(name)    RINGBACK__V1__RESULT__ANSWER_##name

static struct kind kind_made(int kind, Ringback__V1__Reason reason)
{
    assert(kind >= 0);
    assert(kind < kind_count);
    return (struct kind){(uint8_t)kind, (uint8_t)reason};
}

static Ringback__V1__Reason routing_reason(const Ringback__V1__RoutingEvent *event)
{
    switch (event->event_case) {
    case ROUTING(REVOKE): return event->revoke->reason;
    case ROUTING(AGENT_RELEASED): return event->agent_released->reason;
    case ROUTING(HANG_UP): return event->hang_up->reason;
    case ROUTING(CALLBACK_ENDED): return event->callback_ended->reason;
    case ROUTING(QUEUE_STATUS): return event->queue_status->reason;
    case ROUTING(CALLBACK_NOTICE): return event->callback_notice->reason;
    case ROUTING(OFFER):
    case ROUTING(CALLBACK_ASSIGNED):
    case ROUTING(PLACE_CALL):
    case ROUTING(TRANSFER_TO_QUEUE):
    case ROUTING(RESERVE_AGENT):
    case ROUTING(RELEASE_AGENT):
    case ROUTING(PREFER_AGENTS):
    case ROUTING(CUSTOMER_POSITION):
    case ROUTING(_NOT_SET):
    case _RINGBACK__V1__ROUTING_EVENT__EVENT__CASE_IS_INT_SIZE: break;
    }
    return RINGBACK__V1__REASON__REASON_UNSPECIFIED;
}

static Ringback__V1__Reason result_reason(const Ringback__V1__Result *result)
{
    switch (result->answer_case) {
    case RESULT(CALLBACK_REFUSED): return result->callback_refused->reason;
    case RESULT(COMMAND_REFUSED): return result->command_refused->reason;
    case RESULT(SETTINGS_REFUSED): return result->settings_refused->reason;
    case RESULT(CALLBACK_ACCEPTED):
    case RESULT(COMMAND_ACCEPTED):
    case RESULT(SETTINGS_ACCEPTED):
    case RESULT(_NOT_SET):
    case _RINGBACK__V1__RESULT__ANSWER__CASE_IS_INT_SIZE: break;
    }
    return RINGBACK__V1__REASON__REASON_UNSPECIFIED;
}

struct kind kind_of(const struct effect *effect)
{
    if (effect->topic == TOPIC_ROUTING) {
        const Ringback__V1__RoutingEvent *event = (const void *)effect->message;

        return kind_made(kind_routing + (int)event->event_case - (int)ROUTING(OFFER),
                         routing_reason(event));
    }
    if (effect->topic == TOPIC_ANALYTICS) {
        const Ringback__V1__AnalyticsEvent *event = (const void *)effect->message;

        return kind_made(kind_analytics + (int)event->event_case - (int)ANALYTICS(SESSION_STARTED),
                         event->event_case == ANALYTICS(SESSION_ENDED)
                             ? event->session_ended->reason
                             : RINGBACK__V1__REASON__REASON_UNSPECIFIED);
    }
    const Ringback__V1__Result *result = (const void *)effect->message;

    return kind_made(kind_results + (int)result->answer_case - (int)RESULT(CALLBACK_ACCEPTED),
                     result_reason(result));
}

uint8_t kind_of_command(const Ringback__V1__Command *command)
{
    return command->command_case == RINGBACK__V1__COMMAND__COMMAND__NOT_SET
               ? 0
               : (uint8_t)(command->command_case - RINGBACK__V1__COMMAND__COMMAND_SCHEDULE + 1);
}

static const char *field_name(const ProtobufCMessageDescriptor *descriptor, unsigned id)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(descriptor, id);

    assert(field != NULL);
    return field->name;
}

const char *kind_name(uint8_t kind)
{
    if (kind < kind_analytics)
        return field_name(&ringback__v1__routing_event__descriptor,
                          (unsigned)ROUTING(OFFER) + kind);
    if (kind < kind_results)
        return field_name(&ringback__v1__analytics_event__descriptor,
                          (unsigned)ANALYTICS(SESSION_STARTED) + kind - kind_analytics);
    return field_name(&ringback__v1__result__descriptor,
                      (unsigned)RESULT(CALLBACK_ACCEPTED) + kind - kind_results);
}
