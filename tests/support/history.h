/* Random histories: one seeded stream of events of every kind, in right and wrong orders, with
 * repeats, old versions, extreme values, several domains. It listens to what the machine says, so
 * that answers and outcomes often fit; it knows nothing else of the machine.
 */
#ifndef RINGBACK_TESTS_SUPPORT_HISTORY_H
#define RINGBACK_TESTS_SUPPORT_HISTORY_H

#include "base/arena.h"
#include "state/machine.h"
#include "tests/support/chance.h"

enum { HISTORY_RING = 32, HISTORY_KEPT = 256, HISTORY_DOMAINS_MAX = 4 };

/* What was heard of: an offer, an attempt, a callback, a call that an agent has. */
struct history_fact {
    const char *domain, *callback, *agent, *id;
};

struct history_ring {
    struct history_fact facts[HISTORY_RING];
    size_t count;
};

/* An event that may come again. */
struct history_kept {
    struct input_event event;
    int64_t sent_ms;
};

struct history {
    struct chance chance;
    struct arena arena; /* holds every message of the history */
    unsigned domains, queues, agents;
    bool odd;          /* extreme values too */
    int64_t repeat_ms; /* no event is sent again later than that */
    int64_t now_ms;
    int64_t offset;
    uint64_t number; /* of events; ids and versions come from it */
    struct history_ring offers, attempts, callbacks, connected;
    struct history_kept kept[HISTORY_KEPT];
    size_t kept_count;
    const struct history_kept *repeat; /* the next event is that one again; NULL: a new one */
};

void history_init(struct history *history, uint64_t seed);
void history_deinit(struct history *history);

/* The next event, at history->now_ms; valid until history_deinit. */
struct input_event history_next(struct history *history);

/* Learns from effects. */
void history_hear(struct history *history, const struct effects *effects, size_t first);

#endif
