/* A record as it is on a topic, borrowed: ways in, ways out, engine and logs share it. */
#ifndef RINGBACK_BASE_RECORD_H
#define RINGBACK_BASE_RECORD_H

#include "base/slice.h"

/* The inputs, in the order in which records of one millisecond are taken, fixed for ever. */
enum input {
    INPUT_SETTINGS,
    INPUT_INTERACTIONS,
    INPUT_PRESENCE,
    INPUT_FLOWS,
    INPUT_COMMANDS,
    INPUT_COUNT,
};

/* Every topic; the first INPUT_COUNT are the inputs, the last ones their dead letters. */
enum topic {
    TOPIC_SETTINGS = INPUT_SETTINGS,
    TOPIC_INTERACTIONS = INPUT_INTERACTIONS,
    TOPIC_PRESENCE = INPUT_PRESENCE,
    TOPIC_FLOWS = INPUT_FLOWS,
    TOPIC_COMMANDS = INPUT_COMMANDS,
    TOPIC_ROUTING,
    TOPIC_ANALYTICS,
    TOPIC_RESULTS,
    TOPIC_STATE,
    TOPIC_JOURNAL,
    TOPIC_DLQ_FIRST, /* + enum input */
    TOPIC_DLQ_LAST = TOPIC_DLQ_FIRST + INPUT_COUNT - 1,
    TOPIC_COUNT,
};

struct header {
    const char *name;
    struct slice value; /* data NULL: a null value */
};

/* key.data or value.data NULL: null, which a key or value of 0 bytes is not. offset -1: not known
 * yet. */
struct record {
    enum topic topic;
    int32_t partition;
    int64_t offset;
    int64_t timestamp_ms;
    struct slice key;
    struct slice value;
    const struct header *headers;
    size_t header_count;
};

/* "settings", "routing", "state", ...; of a dead-letter topic its input's name. */
const char *topic_short_name(enum topic topic);

#endif
