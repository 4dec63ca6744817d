/* How often one may ask: a bucket of tokens for each viewer or address, in a table of fixed size.
 * Any thread. */
#ifndef RINGBACK_VIEW_LIMITS_H
#define RINGBACK_VIEW_LIMITS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum { limits_sets = 1024, limits_ways = 8 };

struct limits_bucket {
    uint64_t key; /* 0: free */
    double tokens;
    int64_t seen_ms;
};

struct limits {
    pthread_mutex_t lock;
    double rate; /* a second; twice as many may come at once */
    struct limits_bucket buckets[limits_sets][limits_ways];
};

void limits_init(struct limits *limits, double rate);
void limits_deinit(struct limits *limits);

/* Takes one. False: too many; *wait_ms until there is one again. key: any text; kind keeps apart
 * what is of different kinds. now_ms: monotonic. Who was not seen longest makes room. */
bool limits_take(struct limits *limits, char kind, const char *key, int64_t now_ms,
                 int64_t *wait_ms);

#endif
