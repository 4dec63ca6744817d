/* The walk (5.3): the lines of a domain as one, best first. Only classes that somebody free can
 * serve are looked at, and nothing at all where no callback could be served. */
#include "state/internal.h"

#include <assert.h>

/* A place in the tree of a class; class 0: the one whose last agent is tried (4.4). */
struct walker {
    uint32_t class;
    uint32_t entry;   /* where the cursor stands */
    uint32_t changes; /* of the class, when it was put there */
    struct order_cursor cursor;
};

struct walk {
    struct machine *m;
    struct walker *heap; /* best first */
    size_t count;
    size_t callback_classes; /* of those in the heap */
    uint64_t number;
};

static bool is_live(const struct walk *walk, const struct walker *walker)
{
    return walker->class != 0 && class_at(walk->m, walker->class)->live;
}

/* Its entries are handles of calls, not of callbacks. */
static bool is_call(const struct walk *walk, const struct walker *walker)
{
    return walker->class != 0 && class_of_calls(class_at(walk->m, walker->class));
}

/* What its entry needs an agent for. */
static enum use use_of(const struct walk *walk, const struct walker *walker)
{
    struct machine *m = walk->m;
    uint32_t class = walker->class != 0 ? walker->class : callback_at(m, walker->entry)->class;

    return class_purpose(m, class_at(m, class));
}

static bool before(const struct walk *walk, const struct walker *a, const struct walker *b)
{
    return place_compare(walk->m, a->entry, is_call(walk, a), b->entry, is_call(walk, b)) < 0;
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
    if (!is_live(walk, &walk->heap[0]))
        walk->callback_classes--;
    walk->heap[0] = walk->heap[--walk->count];
    sink(walk, 0);
}

/* Off its entry, to the next; false: there is none. */
static bool advance(const struct walk *walk, struct walker *walker)
{
    if (walker->class == 0 || !order_next(&walk->m->nodes, &walker->cursor))
        return false;
    walker->entry = order_at(&walker->cursor);
    return true;
}

static void next_of_first(struct walk *walk)
{
    if (advance(walk, &walk->heap[0]))
        sink(walk, 0);
    else
        drop_first(walk);
}

/* 7.2: where as many are in flight as may be, none is dialled whatever the walk reaches. */
static bool may_dial(const struct machine *m, const struct class *class)
{
    const struct queue *queue = queue_at(m, class->queue);

    return class_purpose(m, class) != USE_DIAL || queue->in_flight < queue_cap(queue);
}

static void add_walker(struct walk *walk, uint32_t class)
{
    struct walker *walker = &walk->heap[walk->count];
    const struct class *row = class_at(walk->m, class);

    if (!order_first(&row->tree, &walk->m->nodes, &walker->cursor) || !may_dial(walk->m, row))
        return;
    walker->class = class;
    walker->entry = order_at(&walker->cursor);
    walker->changes = row->changes;
    walk->count++;
    walk->callback_classes += !row->live;
}

static void walk_init(struct walk *walk, struct machine *m, uint32_t domain)
{
    size_t room = 1;

    for (int live = 0; live < 2; live++)
        for (uint32_t at = domain_at(m, domain)->active[live]; at != 0;
             at = class_at(m, at)->active_next)
            room++;
    *walk = (struct walk){.m = m, .number = ++m->walk_count};
    walk->heap = arena_alloc(m->step.arena, room * sizeof(*walk->heap));
    for (int live = 0; live < 2; live++)
        for (uint32_t at = domain_at(m, domain)->active[live]; at != 0;
             at = class_at(m, at)->active_next)
            add_walker(walk, at);
    if (m->step.last_callback != 0) {
        walk->heap[walk->count++] = (struct walker){.entry = m->step.last_callback};
        walk->callback_classes++;
    }
    for (size_t at = walk->count / 2; at-- > 0;)
        sink(walk, at);
}

/* The tree of the best walker may have changed since it was put on its entry, which is still in
 * it. */
static void find_again(const struct walk *walk, struct walker *walker)
{
    const struct class *class;

    if (walker->class == 0)
        return;
    class = class_at(walk->m, walker->class);
    if (walker->changes == class->changes)
        return;
    if (!class_seek(walk->m, class, walker->entry, &walker->cursor) ||
        order_at(&walker->cursor) != walker->entry)
        assert(!"what a walk goes to next stays in line");
    walker->changes = class->changes;
}

/* May this one have him, as far as this walk is concerned? *declined: not this one. */
static bool is_left(const struct walk *walk, uint32_t agent, enum use use,
                    const struct ident *callback, bool *declined)
{
    const struct agent *row = agent_at(walk->m, agent);

    if (row->paper_walk == walk->number || !(row->free_bits & 1 << use))
        return false;
    if (use == USE_LIVE || !agent_declined(row, callback))
        return true;
    *declined = true;
    return false;
}

/* 4.2: of its preferred agents the highest score, then 5.4. */
static uint32_t pick_preferred(const struct walk *walk, uint32_t queue, uint32_t scores,
                               const struct rings *rings, enum use use,
                               const struct ident *callback, bool *declined)
{
    struct machine *m = walk->m;
    uint32_t pairs = scores_count(m, scores);
    struct score best = {0, 0};

    for (uint32_t at = 0; at < pairs; at++) {
        struct score score = scores_at(m, scores, at);

        count(m, MACHINE_COUNT_WALK_STEPS);
        if (score.score < rings->floor || (best.agent != 0 && score.score < best.score))
            break;
        if (!is_left(walk, score.agent, use, callback, declined) ||
            !agent_joined(agent_at(m, score.agent), queue))
            continue;
        if (best.agent == 0 || agent_compare(m, score.agent, best.agent) < 0)
            best = score;
    }
    return best.agent;
}

/* 4.4: he served this customer last, and it enters the line now. */
static bool last_takes(const struct walk *walk, uint32_t entry)
{
    struct machine *m = walk->m;
    const struct callback *cb = callback_at(m, entry);
    const struct class *class = class_at(m, cb->class);
    const struct agent *agent = agent_at(m, m->step.last_agent);
    enum use use = class_purpose(m, class);
    bool declined;

    /* The switch finds only members for a customer on the line. */
    return is_left(walk, m->step.last_agent, use, &cb->id, &declined) &&
           ((m->step.last_any && use == USE_OFFER) || agent_joined(agent, cb->queue)) &&
           agent_skilled(m, agent, class->skills, class->language);
}

/* 2.5: who scheduled it, and it is due now. */
static bool scheduler_takes(const struct walk *walk, uint32_t entry)
{
    struct machine *m = walk->m;
    const struct callback *cb = callback_at(m, entry);
    const struct class *class = class_at(m, cb->class);
    const struct agent *agent = agent_at(m, cb->scheduled_by);
    bool declined;

    return is_left(walk, cb->scheduled_by, class_purpose(m, class), &cb->id, &declined) &&
           agent_joined(agent, cb->queue) && class_takes(m, class, agent);
}

/* Whom an entry prefers to those whom its class would give it to; 0: nobody of them is left. */
static uint32_t pick_first(const struct walk *walk, const struct walker *first, bool *declined)
{
    struct machine *m = walk->m;
    enum use use = use_of(walk, first);
    uint32_t entry = first->entry;
    const struct rings *rings;

    if (is_call(walk, first)) {
        const struct call *call = call_at(m, entry);

        return call->rings.ring == 0 ? 0
                                     : pick_preferred(walk, call->queue, call->scores, &call->rings,
                                                      use, NULL, declined);
    }
    if (entry == m->step.last_callback)
        return last_takes(walk, entry) ? m->step.last_agent : 0;
    if (entry == m->step.routed)
        return scheduler_takes(walk, entry) ? callback_at(m, entry)->scheduled_by : 0;
    rings = callback_rings(m, callback_at(m, entry));
    if (rings == NULL || callback_at(m, entry)->head.state == STATE(TALKING))
        return 0;
    return pick_preferred(walk, callback_at(m, entry)->queue,
                          extra_of(m, callback_at(m, entry))->scores, rings, use,
                          &callback_at(m, entry)->id, declined);
}

/* Whom 5.4 picks of all who may have the first entry; 0: nobody. *declined: somebody could take
 * others of its class. */
static uint32_t pick(const struct walk *walk, const struct walker *first, bool *declined)
{
    struct machine *m = walk->m;
    const struct class *class = first->class == 0 ? NULL : class_at(m, first->class);
    enum use use = use_of(walk, first);
    const struct ident *callback = is_call(walk, first) ? NULL : &callback_at(m, first->entry)->id;
    struct order_cursor cursor;
    uint32_t agent;

    *declined = false;
    if (class != NULL && (class->kind == CLASS_OWNER || class->kind == CLASS_PREFERRED) &&
        !is_left(walk, class->owner, use, callback, declined))
        return 0;
    agent = pick_first(walk, first, declined);
    if (agent != 0 || class == NULL || class->kind == CLASS_PREFERRED)
        return agent;
    if (class->kind == CLASS_OWNER)
        return class->owner;
    if (!order_first(&queue_at(m, class->queue)->free[use], &m->nodes, &cursor))
        return 0;
    do {
        agent = order_at(&cursor);
        count(m, MACHINE_COUNT_WALK_STEPS);
        if (class_takes(m, class, agent_at(m, agent)) &&
            is_left(walk, agent, use, callback, declined))
            return agent;
    } while (order_next(&m->nodes, &cursor));
    return 0;
}

/* Whoever stands on the entry goes on: it leaves their trees. The first one goes last. */
static void leave_entry(struct walk *walk, uint32_t entry)
{
    for (size_t at = walk->count; at-- > 0;) {
        struct walker *walker = &walk->heap[at];

        if (is_live(walk, walker) || walker->entry != entry)
            continue;
        find_again(walk, walker);
        if (advance(walk, walker))
            continue;
        walk->callback_classes--;
        *walker = walk->heap[--walk->count];
    }
    for (size_t at = walk->count / 2; at-- > 0;)
        sink(walk, at);
}

/* Offered, or dialled for (5.3). */
static void serve_callback(struct walk *walk, uint32_t entry, uint32_t agent)
{
    struct machine *m = walk->m;
    struct callback_input input = {.agent = agent};
    bool dial = use_of(walk, &walk->heap[0]) == USE_DIAL;

    agent_at(m, agent)->paper_walk = walk->number;
    input.unjoined =
        entry == m->step.last_callback && agent == m->step.last_agent && m->step.last_any;
    if (entry == m->step.last_callback || callback_rings(m, callback_at(m, entry)) != NULL)
        leave_entry(walk, entry);
    else
        next_of_first(walk);
    cause_is(m, ref_make(KIND_CALLBACK, entry));
    if (callback_step(m, entry, dial ? CB_CALL_FIRST : CB_OFFER, &input) != REASON(UNSPECIFIED))
        assert(!"a waiting callback can be offered, or dialled");
}

/* 12.11: its number was blocked since it was taken; nobody is used up by it. */
static void end_blocked(struct walk *walk, uint32_t entry)
{
    struct machine *m = walk->m;
    struct callback_input input = {0};

    leave_entry(walk, entry);
    if (entry == m->step.last_callback)
        m->step.last_callback = 0;
    cause_is(m, ref_make(KIND_CALLBACK, entry));
    if (callback_step(m, entry, CB_BLOCKED, &input) != REASON(UNSPECIFIED))
        assert(!"a waiting callback can end");
}

/* The walk that gave this one somebody on paper. */
static uint64_t *paper_walk(const struct walk *walk, const struct walker *live)
{
    struct machine *m = walk->m;

    return is_call(walk, live) ? &call_at(m, live->entry)->paper_walk
                               : &active_at(m, callback_at(m, live->entry)->active)->paper_walk;
}

/* False: there is more to do than one decision does. */
static bool serve_first(struct walk *walk, int64_t *offers)
{
    struct machine *m = walk->m;
    struct walker *first = &walk->heap[0];
    uint32_t entry = first->entry, agent;
    bool declined = false;

    find_again(walk, first);
    count(m, MACHINE_COUNT_WALK_STEPS);
    if (is_live(walk, first) && *paper_walk(walk, first) == walk->number) {
        next_of_first(walk); /* another of its preferred agents led here */
        return true;
    }
    if (!may_dial(m,
                  class_at(m, first->class != 0 ? first->class : callback_at(m, entry)->class))) {
        drop_first(walk);
        return true;
    }
    agent = pick(walk, first, &declined);
    if (agent == 0) {
        if (declined)
            next_of_first(walk);
        else
            drop_first(walk);
    } else if (is_live(walk, first)) {
        agent_at(m, agent)->paper_walk = walk->number;
        *paper_walk(walk, first) = walk->number;
        next_of_first(walk);
    } else if ((*offers)++ == LIMIT_WALK_OFFERS_MAX) {
        return false;
    } else if (number_blocked(m, m->step.domain, callback_at(m, entry)->number)) {
        end_blocked(walk, entry);
    } else {
        serve_callback(walk, entry, agent);
    }
    return true;
}

void walk(struct machine *m, uint32_t domain)
{
    struct walk walk;
    int64_t offers = 0;
    bool done = true;

    if (domain_at(m, domain)->active[0] == 0 && m->step.last_callback == 0)
        return;
    count(m, MACHINE_COUNT_WALKS);
    walk_init(&walk, m, domain);
    m->walking = true;
    while (done && walk.count > 0 && walk.callback_classes > 0)
        done = serve_first(&walk, &offers);
    m->walking = false;
    if (!done) {
        touch(m, ref_make(KIND_DOMAIN, domain));
        domain_at(m, domain)->walk_ms = m->step.now;
    }
}
