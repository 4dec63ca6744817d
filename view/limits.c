#include "view/limits.h"

#include <string.h>
#include <xxhash.h>

void limits_init(struct limits *limits, double rate)
{
    memset(limits, 0, sizeof(*limits));
    limits->rate = rate;
    pthread_mutex_init(&limits->lock, NULL);
}

void limits_deinit(struct limits *limits)
{
    pthread_mutex_destroy(&limits->lock);
}

static struct limits_bucket *find(struct limits *limits, uint64_t key, int64_t now_ms)
{
    struct limits_bucket *set = limits->buckets[key % limits_sets], *oldest = &set[0];

    for (int i = 0; i < limits_ways; i++) {
        if (set[i].key == key)
            return &set[i];
        if (set[i].seen_ms < oldest->seen_ms || set[i].key == 0)
            oldest = &set[i];
    }
    *oldest = (struct limits_bucket){key, 2 * limits->rate, now_ms};
    return oldest;
}

bool limits_take(struct limits *limits, char kind, const char *key, int64_t now_ms,
                 int64_t *wait_ms)
{
    uint64_t hash = XXH3_64bits_withSeed(key, strlen(key), (uint64_t)(unsigned char)kind) | 1;
    struct limits_bucket *bucket;
    bool taken;

    pthread_mutex_lock(&limits->lock);
    bucket = find(limits, hash, now_ms);
    bucket->tokens += (double)(now_ms - bucket->seen_ms) * limits->rate / 1000;
    if (bucket->tokens > 2 * limits->rate)
        bucket->tokens = 2 * limits->rate;
    bucket->seen_ms = now_ms;
    taken = bucket->tokens >= 1;
    if (taken)
        bucket->tokens -= 1;
    *wait_ms = taken ? 0 : (int64_t)((1 - bucket->tokens) * 1000 / limits->rate) + 1;
    pthread_mutex_unlock(&limits->lock);
    return taken;
}
