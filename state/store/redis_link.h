/* One connection to a Redis or a Sentinel, in bytes: the look-up of its host, the socket, TLS. No
 * call waits. It refuses to know what the bytes mean (redis.c does). One thread's. */
#ifndef RINGBACK_STATE_STORE_REDIS_LINK_H
#define RINGBACK_STATE_STORE_REDIS_LINK_H

#include <hiredis/hiredis.h>

#include "state/store/redis_lookup.h"
#include "state/store/redis_tls.h"

enum redis_link_stage {
    REDIS_LINK_CLOSED, /* the fault says why, unless it was asked for */
    REDIS_LINK_LOOKING,
    REDIS_LINK_CONNECTING,
    REDIS_LINK_SHAKING, /* hands, by TLS */
    REDIS_LINK_OPEN
};

enum { redis_link_wire_max = 64 * 1024 };

struct redis_link {
    enum redis_link_stage stage;
    struct redis_address address;
    redisContext *redis;         /* its socket and its reader of answers */
    struct redis_lookup *lookup; /* outlives an attempt: no second one is asked meanwhile */
    char looked_up[256];         /* its host */
    struct redis_tls *tls;       /* NULL: without */
    uint8_t *wire;               /* what TLS made and the socket did not take yet */
    size_t wire_at, wire_size;
    unsigned turn; /* of the host's addresses */
    bool refused;  /* the fault is TLS's: it will be the same the next time */
    char fault[600];
};

/* Begin; the link is zeroed or closed. tls is taken, NULL: without. */
void redis_link_open(struct redis_link *link, const struct redis_address *address,
                     struct redis_tls *tls);

/* Go on as far as it goes. */
enum redis_link_stage redis_link_run(struct redis_link *link);

/* While open: how many bytes were taken, or came; 0: not now. -1: it is closed, with a fault. */
ssize_t redis_link_write(struct redis_link *link, const void *data, size_t size);
ssize_t redis_link_read(struct redis_link *link, void *data, size_t size);

/* What to poll for besides POLLIN is told by wants_out; -1: there is no socket (yet). */
int redis_link_fd(const struct redis_link *link);
bool redis_link_wants_out(const struct redis_link *link);

void redis_link_close(struct redis_link *link);
void redis_link_deinit(struct redis_link *link);

#endif
