/* Which topic a full name in a recorded log means: the one that the options (topics.*) call so;
 * else by its ending, for logs of other installations. Then a name ends in the topic's short name,
 * after a prefix that ends in '.', '-' or '_' or is empty; dead letters have the suffix ".dlq"
 * behind: "ringback.routing", "flows", "test-commands.dlq". */
#ifndef RINGBACK_DAEMON_LOG_TOPICS_H
#define RINGBACK_DAEMON_LOG_TOPICS_H

#include "base/record.h"

/* names: struct options' topic_names; NULL: by endings alone. TOPIC_COUNT: none of ours. prefix
 * (NULL is allowed) is set to what stands before, if it was found by its ending. */
enum topic log_topics_find(const char *const *names, struct slice name, struct slice *prefix);

enum {
    log_strangers_max = 5,
    log_stranger_bytes = 250, /* a topic's name has at most 249 */
    log_strangers_text_bytes = 450
};

/* Names in a log that are no topics of ours, the first of them. Begin with {.count = 0}. */
struct log_strangers {
    char names[log_strangers_max][log_stranger_bytes];
    int count;
    bool others;      /* there were more names */
    uint64_t records; /* with such names */
};

void log_strangers_add(struct log_strangers *strangers, struct slice name);

/* "a, b and others", of each name at most 80 bytes; returns text. */
const char *log_strangers_text(const struct log_strangers *strangers,
                               char text[log_strangers_text_bytes]);

/* What to do about them, for the end of a message. */
#define LOG_STRANGERS_ADVICE                                                                       \
    "if topics have names of their own there, say so: --topics.flows NAME and so on, or --config " \
    "FILE"

#endif
