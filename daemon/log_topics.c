#include "daemon/log_topics.h"

#include <stdio.h>

static bool ends_in(struct slice name, const char *end)
{
    size_t size = strlen(end);

    return name.size >= size && memcmp(name.data + name.size - size, end, size) == 0;
}

static bool separates(uint8_t byte)
{
    return byte == '.' || byte == '-' || byte == '_';
}

static enum topic find_by_ending(struct slice name, struct slice *prefix)
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

enum topic log_topics_find(const char *const *names, struct slice name, struct slice *prefix)
{
    for (int topic = 0; names != NULL && topic < TOPIC_COUNT; topic++) {
        if (slice_equal(name, slice_text(names[topic])))
            return (enum topic)topic;
    }
    return find_by_ending(name, prefix);
}

void log_strangers_add(struct log_strangers *strangers, struct slice name)
{
    size_t size = name.size < log_stranger_bytes ? name.size : log_stranger_bytes - 1;

    strangers->records++;
    for (int i = 0; i < strangers->count; i++) {
        if (slice_equal(slice_text(strangers->names[i]), slice_make(name.data, size)))
            return;
    }
    if (strangers->count == log_strangers_max) {
        strangers->others = true;
        return;
    }
    snprintf(strangers->names[strangers->count++], log_stranger_bytes, "%.*s", (int)size,
             (const char *)name.data);
}

const char *log_strangers_text(const struct log_strangers *strangers,
                               char text[log_strangers_text_bytes])
{
    size_t used = 0;

    text[0] = '\0';
    for (int i = 0; i < strangers->count; i++)
        used += (size_t)snprintf(text + used, log_strangers_text_bytes - used, "%s%.80s",
                                 i == 0 ? "" : ", ", strangers->names[i]);
    if (strangers->others)
        snprintf(text + used, log_strangers_text_bytes - used, " and others");
    return text;
}
