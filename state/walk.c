/* The walk (5.3): the lines of a domain as one, best first. Only classes that somebody free can
 * serve are looked at, and nothing at all where no callback could be served. */
#include "state/internal.h"

#include <assert.h>

struct walker {
    uint32_t class;
    struct order_cursor cursor;
};

struct walk {
    struct machine *m;
    struct walker *heap; /* best first */
    size_t count;
    size_t callback_classes; /* of those in the heap */
    uint64_t number;
};

static bool before(const struct walk *walk, const struct walker *a, const struct walker *b)
{
    return place_compare(walk->m, order_at(&a->cursor), class_at(walk->m, a->class)->live,
                         order_at(&b->cursor), class_at(walk->m, b->class)->live) < 0;
}

static void sink(struct walk *walk, size_t at)
{
    for (;;) {
        size_t child = 2 * at + 1;
        struct walker swap;

        if (child >= walk->count)
            return;
        if (child + 1 < walk->count && before(walk, &walk->heap[child + 1], &walk->heap[child]))
            child++;
        if (!before(walk, &walk->heap[child], &walk->heap[at]))
            return;
        swap = walk->heap[at];
        walk->heap[at] = walk->heap[child];
        walk->heap[child] = swap;
        at = child;
    }
}

/* The best class has no more for this walk. */
static void drop_first(struct walk *walk)
{
    if (!class_at(walk->m, walk->heap[0].class)->live)
        walk->callback_classes--;
    walk->heap[0] = walk->heap[--walk->count];
    sink(walk, 0);
}

static void next_of_first(struct walk *walk)
{
    if (order_next(&walk->m->nodes, &walk->heap[0].cursor))
        sink(walk, 0);
    else
        drop_first(walk);
}

static void walk_init(struct walk *walk, struct machine *m, uint32_t domain)
{
    size_t room = 0;

    for (int live = 0; live < 2; live++)
        for (uint32_t at = domain_at(m, domain)->active[live]; at != 0;
             at = class_at(m, at)->active_next)
            room++;
    *walk = (struct walk){.m = m, .number = ++m->walk_count};
    walk->heap = arena_alloc(m->step.arena, room * sizeof(*walk->heap));
    for (int live = 0; live < 2; live++)
        for (uint32_t at = domain_at(m, domain)->active[live]; at != 0;
             at = class_at(m, at)->active_next) {
            struct walker *walker = &walk->heap[walk->count];

            walker->class = at;
            if (!order_first(&class_at(m, at)->tree, &m->nodes, &walker->cursor))
                continue;
            walk->count++;
            walk->callback_classes += !live;
        }
    for (size_t at = walk->count / 2; at-- > 0;)
        sink(walk, at);
}

/* Who scheduled the callback that is due in this step, if it is to go to him and he can (2.5). */
static uint32_t routed_to(const struct walk *walk, const struct class *class, uint32_t entry)
{
    const struct machine *m = walk->m;
    const struct agent *agent;
    uint32_t handle;

    if (class->live || entry != m->step.routed)
        return 0;
    handle = callback_at(m, entry)->scheduled_by;
    agent = agent_at(m, handle);
    return agent->free_bits & 1 && agent->paper_walk != walk->number &&
                   agent_joined(agent, class->queue) && class_takes(m, class, agent) &&
                   !agent_declined(agent, &callback_at(m, entry)->id)
               ? handle
               : 0;
}

/* Whom 5.4 picks for an entry of the class; 0: nobody. *declined: somebody could take others. */
static uint32_t pick(const struct walk *walk, const struct class *class, uint32_t entry,
                     bool *declined)
{
    struct machine *m = walk->m;
    struct queue *queue = queue_at(m, class->queue);
    struct order_cursor cursor;

    *declined = false;
    if (class->owner != 0) {
        struct agent *owner = agent_at(m, class->owner);

        if (owner->paper_walk == walk->number || !(owner->free_bits & 1))
            return 0;
        *declined = agent_declined(owner, &callback_at(m, entry)->id);
        return *declined ? 0 : class->owner;
    }
    if (!order_first(&queue->free[class->live], &m->nodes, &cursor))
        return 0;
    do {
        uint32_t handle = order_at(&cursor);
        const struct agent *agent = agent_at(m, handle);

        count(m, MACHINE_COUNT_WALK_STEPS);
        if (agent->paper_walk == walk->number || !class_takes(m, class, agent))
            continue;
        if (!class->live && agent_declined(agent, &callback_at(m, entry)->id)) {
            *declined = true;
            continue;
        }
        return handle;
    } while (order_next(&m->nodes, &cursor));
    return 0;
}

/* Offer the first entry; the class's tree changes under the cursor. */
static void offer_first(struct walk *walk, uint32_t entry, uint32_t agent)
{
    struct machine *m = walk->m;
    struct walker *first = &walk->heap[0];
    struct callback_input input = {.agent = agent};
    uint32_t next = 0;

    if (order_next(&m->nodes, &first->cursor))
        next = order_at(&first->cursor);
    agent_at(m, agent)->paper_walk = walk->number;
    if (callback_step(m, entry, CB_OFFER, &input) != REASON(UNSPECIFIED))
        assert(!"a waiting callback can be offered");
    if (next == 0) {
        drop_first(walk);
        return;
    }
    /* Entries up to the offered one stay before the next: the seek finds it again. */
    if (!order_first(&class_at(m, first->class)->tree, &m->nodes, &first->cursor))
        assert(!"the next entry is still there");
    while (order_at(&first->cursor) != next)
        if (!order_next(&m->nodes, &first->cursor))
            assert(!"the next entry is still there");
    sink(walk, 0);
}

void walk(struct machine *m, uint32_t domain)
{
    struct walk walk;
    int64_t offers = 0;

    if (domain_at(m, domain)->active[0] == 0)
        return;
    count(m, MACHINE_COUNT_WALKS);
    walk_init(&walk, m, domain);
    while (walk.count > 0 && walk.callback_classes > 0) {
        const struct class *class = class_at(m, walk.heap[0].class);
        uint32_t entry = order_at(&walk.heap[0].cursor);
        bool declined = false;
        uint32_t agent = routed_to(&walk, class, entry);

        if (agent == 0)
            agent = pick(&walk, class, entry, &declined);
        count(m, MACHINE_COUNT_WALK_STEPS);
        if (agent == 0) {
            if (declined)
                next_of_first(&walk);
            else
                drop_first(&walk);
        } else if (class->live) {
            agent_at(m, agent)->paper_walk = walk.number;
            next_of_first(&walk);
        } else if (offers++ == LIMIT_WALK_OFFERS_MAX) {
            touch(m, ref_make(KIND_DOMAIN, domain));
            domain_at(m, domain)->walk_ms = m->step.now;
            return;
        } else {
            offer_first(&walk, entry, agent);
        }
    }
}
