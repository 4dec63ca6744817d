/* The sandbox's servers: librdkafka's in-process broker and a private redis-server that ends with
 * us, also when we are killed. For a first look only: that broker acknowledges transactions without
 * isolating or undoing them, does not fence, keeps 5 MiB of a partition and drops older records. */
#ifndef RINGBACK_DAEMON_SANDBOX_H
#define RINGBACK_DAEMON_SANDBOX_H

#include <stdint.h>

#include "base/err.h"

struct sandbox; /* opaque */

enum { sandbox_partitions_max = 32 };

/* Starts both. Threads of librdkafka exist from then on. Errors: ERR_IO (no folder for temporary
 * files, no redis-server: the note says which package), ERR_BUS_DOWN (no in-process broker). */
MUST_CHECK enum err sandbox_create(struct sandbox **sandbox, struct err_note *note);

/* A topic; there are none at first. Errors: ERR_BUS_REFUSED. */
MUST_CHECK enum err sandbox_topic(struct sandbox *sandbox, const char *name, int32_t partitions,
                                  struct err_note *note);

/* "127.0.0.1:41234"; lives as long as the sandbox. */
const char *sandbox_bootstrap(const struct sandbox *sandbox);
/* "unix:///tmp/ringback-sandbox-XXXXXX/redis.sock". */
const char *sandbox_redis_url(const struct sandbox *sandbox);

/* Ends both and removes the temporary files. NULL is fine. */
void sandbox_destroy(struct sandbox *sandbox);

#endif
