/* TLS to Redis, by OpenSSL, between two buffers: what the socket brought is put in and what it is
 * to take comes out, so nothing here waits. hiredis's own TLS is not used: Debian 12's hiredis has
 * none, and none of them compares the certificate with the host (docs/adr/0019).
 *
 * Built without OpenSSL it refuses, redis_tls_built() is false. */
#ifndef RINGBACK_STATE_STORE_REDIS_TLS_H
#define RINGBACK_STATE_STORE_REDIS_TLS_H

#include <sys/types.h>

#include "state/store/redis_access.h"

struct redis_tls_context; /* authorities, our certificate: opaque */
struct redis_tls;         /* one connection: opaque */

bool redis_tls_built(void);

/* Reads the files. Error: ERR_BAD_OPTION; *key is the option that is wrong. */
MUST_CHECK enum err redis_tls_context_create(const struct redis_access *access,
                                             struct redis_tls_context **context, const char **key,
                                             struct err_note *note);
void redis_tls_context_destroy(struct redis_tls_context *context);

/* name: a host or an address that the server's certificate must be for. NULL: no memory. The
 * context may be destroyed before it. */
struct redis_tls *redis_tls_create(struct redis_tls_context *context, const char *name);
void redis_tls_destroy(struct redis_tls *tls);

/* 1: both sides are sure of each other; 0: not yet; -1: they never will be, see the fault. */
int redis_tls_handshake(struct redis_tls *tls);

/* From the socket. -1: no memory. */
int redis_tls_put(struct redis_tls *tls, const void *data, size_t size);
/* For the socket: how many bytes were moved to data. */
size_t redis_tls_take(struct redis_tls *tls, void *data, size_t size);

/* In plain. Write takes all or fails (-1); read gives 0 when there is nothing (yet), -1 when there
 * never will be, see the fault. */
int redis_tls_write(struct redis_tls *tls, const void *data, size_t size);
ssize_t redis_tls_read(struct redis_tls *tls, void *data, size_t size);

/* What is wrong, and what to do. Never NULL. */
const char *redis_tls_fault(const struct redis_tls *tls);

#endif
