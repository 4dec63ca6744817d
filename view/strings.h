/* Texts that many rows share, each kept once under a handle: ids of domains, queues, agents,
 * campaigns. What was put in stays. */
#ifndef RINGBACK_VIEW_STRINGS_H
#define RINGBACK_VIEW_STRINGS_H

#include <pthread.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/table.h"

/* How the texts are ordered, for sorting by them: rank 2, 4, 6, ... by handle, so that what is not
 * among them has odd ones. Handle 0, no text, is rank 0. */
struct string_ranks {
    uint32_t uses; /* under the strings' lock */
    uint32_t count;
    uint32_t *sorted; /* handles, in order */
    uint32_t by[];    /* by handle */
};

struct strings {
    struct table table;
    struct arena arena;
    const char **texts; /* by handle; [0] is "" */
    uint32_t count;     /* of handles, 0 included */
    uint32_t room;
    pthread_mutex_t lock; /* of ranks, which readers make */
    struct string_ranks *ranks;
};

void strings_init(struct strings *strings);
void strings_deinit(struct strings *strings);

/* 0 for an empty text. */
uint32_t strings_put(struct strings *strings, struct slice text);
/* 0: not there, or empty. */
uint32_t strings_find(const struct strings *strings, struct slice text);
size_t strings_bytes(const struct strings *strings);

static inline const char *strings_text(const struct strings *strings, uint32_t handle)
{
    return strings->texts[handle];
}

/* As of now; nobody puts meanwhile. Lent until strings_ranks_done(). Many may ask at once. */
struct string_ranks *strings_ranks(struct strings *strings);
void strings_ranks_done(struct strings *strings, struct string_ranks *ranks);
/* Where the text stands or would stand. */
int64_t strings_rank_of(const struct strings *strings, const struct string_ranks *ranks,
                        const char *text);

#endif
