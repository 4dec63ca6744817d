/* How much memory the process may take (option memory_limit), shared out among what can be bounded:
 * records fetched and not decided, batches under way, changes kept for Redis. All of it only paces:
 * what does not fit waits on Kafka. The state itself is not bounded here, for what is decided must
 * not depend on memory (docs/adr/0015-memory-paces.md); that it does not fit is told. */
#ifndef RINGBACK_DAEMON_ROOM_H
#define RINGBACK_DAEMON_ROOM_H

#include "daemon/options.h"

struct room {
    int64_t queued_bytes; /* fetched, of all inputs; as much again may be held to be decided */
    int64_t batch_bytes;  /* outputs of one partition's batch */
    int64_t
        batch_records; /* of one partition's batch: each takes some memory while it is decided */
    int64_t backlog_bytes; /* changes of one partition that Redis has not yet */
};

/* Of a process that has all those partitions. */
void room_share(const struct options *options, int32_t partitions, struct room *room);

struct room_watch {
    int64_t limit; /* 0: none */
    int64_t looked_ms;
    int64_t told_ms;
    bool over;
};

/* Now and then: counts the process's memory, and says when it passes the limit or is below again.
 * now_ms: monotonic. */
void room_look(struct room_watch *watch, int64_t now_ms);

#endif
