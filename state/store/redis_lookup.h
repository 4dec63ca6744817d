/* A host's addresses, asked for in a thread of its own: the C library's question to the name
 * servers takes as long as they do, and a worker must not wait for it. */
#ifndef RINGBACK_STATE_STORE_REDIS_LOOKUP_H
#define RINGBACK_STATE_STORE_REDIS_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>

enum { redis_lookup_address_size = 64 };

struct redis_lookup; /* opaque */

/* host is an address already: nothing need be asked. */
bool redis_lookup_numeric(const char *host);

/* NULL: no thread can be made. */
struct redis_lookup *redis_lookup_start(const char *host);

/* 1: address is one of them in digits, another with each turn, IPv4 first; 0: no answer yet; -1:
 * there is none, *why says why (static). */
int redis_lookup_answer(struct redis_lookup *lookup, unsigned turn,
                        char address[redis_lookup_address_size], const char **why);

/* At any time; a thread that still waits frees what it has when its answer comes. NULL is fine. */
void redis_lookup_drop(struct redis_lookup *lookup);

#endif
