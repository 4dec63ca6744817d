#include "daemon/log_topics.h"

static bool ends_in(struct slice name, const char *end)
{
    size_t size = strlen(end);

    return name.size >= size && memcmp(name.data + name.size - size, end, size) == 0;
}

static bool separates(uint8_t byte)
{
    return byte == '.' || byte == '-' || byte == '_';
}

enum topic log_topics_find(struct slice name, struct slice *prefix)
{
    static const char dead_letters[] = ".dlq";
    bool dead = ends_in(name, dead_letters);
    int count = dead ? (int)INPUT_COUNT : (int)TOPIC_DLQ_FIRST;

    if (dead)
        name.size -= sizeof(dead_letters) - 1;
    for (int topic = 0; topic < count; topic++) {
        const char *end = topic_short_name((enum topic)topic);
        size_t before = name.size - strlen(end);

        if (!ends_in(name, end) || (before > 0 && !separates(name.data[before - 1])))
            continue;
        if (prefix != NULL)
            *prefix = slice_make(name.data, before);
        return (enum topic)(topic + (dead ? (int)TOPIC_DLQ_FIRST : 0));
    }
    return TOPIC_COUNT;
}
