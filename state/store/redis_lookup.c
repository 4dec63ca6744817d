#include "state/store/redis_lookup.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { addresses_max = 8 };

/* Who comes second to the other's end frees it. */
enum phase { PHASE_ASKED, PHASE_ANSWERED, PHASE_DROPPED };

struct redis_lookup {
    atomic_int phase;
    char host[256];
    int error; /* getaddrinfo's */
    unsigned count;
    char addresses[addresses_max][redis_lookup_address_size];
};

bool redis_lookup_numeric(const char *host)
{
    uint8_t address[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

static void keep(struct redis_lookup *lookup, const struct addrinfo *found, int family)
{
    for (; found != NULL && lookup->count < addresses_max; found = found->ai_next) {
        if (found->ai_family == family &&
            getnameinfo(found->ai_addr, found->ai_addrlen, lookup->addresses[lookup->count],
                        redis_lookup_address_size, NULL, 0, NI_NUMERICHOST) == 0)
            lookup->count++;
    }
}

static void *ask(void *context)
{
    struct redis_lookup *lookup = context;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int asked = PHASE_ASKED;

    lookup->error = getaddrinfo(lookup->host, NULL, &hints, &found);
    if (lookup->error == 0) {
        keep(lookup, found, AF_INET);
        keep(lookup, found, AF_INET6);
        freeaddrinfo(found);
    }
    if (!atomic_compare_exchange_strong(&lookup->phase, &asked, PHASE_ANSWERED))
        free(lookup);
    return NULL;
}

struct redis_lookup *redis_lookup_start(const char *host)
{
    struct redis_lookup *lookup = memory_zalloc(sizeof(*lookup), "a look-up of a host");
    pthread_attr_t attributes;
    sigset_t all, before;
    pthread_t thread;
    int failed;

    snprintf(lookup->host, sizeof(lookup->host), "%s", host);
    atomic_init(&lookup->phase, PHASE_ASKED);
    (void)sigfillset(&all); /* signals are the other threads' */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    failed = pthread_create(&thread, &attributes, ask, lookup);
    (void)pthread_attr_destroy(&attributes);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed == 0)
        return lookup;
    free(lookup);
    return NULL;
}

int redis_lookup_answer(struct redis_lookup *lookup, unsigned turn,
                        char address[redis_lookup_address_size], const char **why)
{
    if (atomic_load(&lookup->phase) == PHASE_ASKED)
        return 0;
    if (lookup->count == 0) {
        *why = lookup->error == 0 ? "it has no address" : gai_strerror(lookup->error);
        return -1;
    }
    memcpy(address, lookup->addresses[turn % lookup->count], redis_lookup_address_size);
    return 1;
}

void redis_lookup_drop(struct redis_lookup *lookup)
{
    int asked = PHASE_ASKED;

    if (lookup != NULL && !atomic_compare_exchange_strong(&lookup->phase, &asked, PHASE_DROPPED))
        free(lookup);
}
