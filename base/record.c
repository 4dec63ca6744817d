#include "base/record.h"

#include <assert.h>

static const char *const names[TOPIC_COUNT] = {
    [TOPIC_SETTINGS] = "settings",   [TOPIC_INTERACTIONS] = "interactions",
    [TOPIC_PRESENCE] = "presence",   [TOPIC_FLOWS] = "flows",
    [TOPIC_COMMANDS] = "commands",   [TOPIC_ROUTING] = "routing",
    [TOPIC_ANALYTICS] = "analytics", [TOPIC_RESULTS] = "results",
    [TOPIC_STATE] = "state",         [TOPIC_JOURNAL] = "journal",
};

const char *topic_short_name(enum topic topic)
{
    assert(topic < TOPIC_COUNT);
    if (topic >= TOPIC_DLQ_FIRST)
        return names[topic - TOPIC_DLQ_FIRST];
    return names[topic];
}
