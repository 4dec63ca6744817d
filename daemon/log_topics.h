/* Which topic a full name in a recorded log means. A name ends in the topic's short name, after a
 * prefix that ends in '.', '-' or '_' or is empty; dead letters have the suffix ".dlq" behind:
 * "ringback.routing", "flows", "test-commands.dlq". */
#ifndef RINGBACK_DAEMON_LOG_TOPICS_H
#define RINGBACK_DAEMON_LOG_TOPICS_H

#include "base/record.h"

/* TOPIC_COUNT: none of ours. prefix (NULL is allowed): what stands before. */
enum topic log_topics_find(struct slice name, struct slice *prefix);

#endif
