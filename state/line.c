/* Lines: who stands where (5.1), kept by what an agent needs to take them (5.3). */
#include "state/internal.h"

#include <assert.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { idle_classes_max = 64 }; /* empty classes that a queue keeps */

bool queue_priority_only(const struct queue *queue)
{
    return queue->settings != NULL &&
           queue->settings->ranking == RINGBACK__V1__RANKING__RANKING_PRIORITY_ONLY;
}

int64_t line_key(const struct queue *queue, int64_t entry_ms, int32_t priority)
{
    if (queue_priority_only(queue))
        return -(int64_t)priority;
    return entry_ms - MINUTE_MS * priority;
}

struct ident call_tie(const struct call *call)
{
    return ident_is_none(&call->tie) ? call->id : call->tie;
}

struct ident callback_tie(const struct machine *m, const struct callback *cb)
{
    if (cb->flags & CB_OWN_TIE)
        return cb->id;
    if (cb->flags & CB_EXTRA_TIE)
        return extra_of(m, cb)->tie;
    return cb->interaction;
}

struct place_view {
    bool priority_only;
    int64_t key, entry_ms;
    struct ident tie, id;
};

static struct place_view place_view(const struct machine *m, uint32_t handle, bool live)
{
    struct place_view view;
    const struct queue *queue;

    if (live) {
        const struct call *call = call_at(m, handle);

        queue = queue_at(m, call->queue);
        view.key = line_key(queue, call->entry_ms, call->priority);
        view.entry_ms = call->entry_ms;
        view.tie = call_tie(call);
        view.id = call->id;
    } else {
        const struct callback *cb = callback_at(m, handle);

        queue = queue_at(m, cb->queue);
        view.key = line_key(queue, cb->entry_ms, cb->priority);
        view.entry_ms = cb->entry_ms;
        view.tie = callback_tie(m, cb);
        view.id = cb->id;
    }
    view.priority_only = queue_priority_only(queue);
    return view;
}

int place_compare(const struct machine *m, uint32_t a, bool a_live, uint32_t b, bool b_live)
{
    struct place_view left = place_view(m, a, a_live), right = place_view(m, b, b_live);
    int order;

    if (left.priority_only != right.priority_only)
        return left.priority_only ? -1 : 1;
    if (left.key != right.key)
        return left.key < right.key ? -1 : 1;
    if (left.entry_ms != right.entry_ms)
        return left.entry_ms < right.entry_ms ? -1 : 1;
    order = ident_compare(&m->texts, &left.tie, &right.tie);
    if (order != 0)
        return order;
    if (a_live != b_live)
        return a_live ? -1 : 1;
    return ident_compare(&m->texts, &left.id, &right.id);
}

static int compare_calls(const void *user, uint32_t sought, uint32_t entry)
{
    return place_compare(user, sought, true, entry, true);
}

static int compare_callbacks(const void *user, uint32_t sought, uint32_t entry)
{
    return place_compare(user, sought, false, entry, false);
}

static int compare_callback_ids(const void *user, uint32_t sought, uint32_t entry)
{
    return memcmp(&callback_at(user, sought)->id, &callback_at(user, entry)->id, 16);
}

static int compare_agents(const void *user, uint32_t sought, uint32_t entry)
{
    const struct machine *m = user;

    return slice_compare(text_at(&m->texts, agent_at(m, sought)->id),
                         text_at(&m->texts, agent_at(m, entry)->id));
}

struct order_compare agent_order(const struct machine *m)
{
    return (struct order_compare){compare_agents, m};
}

/* --- classes --- */

static const struct skillset *skillset_at(const struct machine *m, uint32_t handle)
{
    return handle == 0 ? NULL : pool_at(&m->skillset_pool, handle);
}

static bool has_name(const struct machine *m, uint32_t skillset, uint32_t name)
{
    const struct skillset *set = skillset_at(m, skillset);
    const uint32_t *names;
    uint32_t low = 0, high;

    if (set == NULL || !(set->bits & UINT64_C(1) << (name % 64)))
        return false;
    names = skillset_names(m, skillset, &high);
    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (names[middle] == name)
            return true;
        if (names[middle] < name)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static bool name_asked(const struct machine *m, uint32_t name)
{
    const struct name *row = pool_at(&m->name_pool, name);

    return row->asked;
}

bool agent_skilled(const struct machine *m, const struct agent *agent, uint32_t skills,
                   uint32_t language)
{
    const uint32_t *names;
    uint32_t count;

    names = skillset_names(m, skills, &count);
    for (uint32_t at = 0; at < count; at++)
        if (!has_name(m, agent->skills, names[at]) && name_asked(m, names[at]))
            return false;
    return language == 0 || has_name(m, agent->languages, language) || !name_asked(m, language);
}

bool class_takes(const struct machine *m, const struct class *class, const struct agent *agent)
{
    switch ((enum class_kind) class->kind) {
    case CLASS_EVERYBODY: return agent_skilled(m, agent, class->skills, class->language);
    case CLASS_OWNER:
    case CLASS_PREFERRED: /* skills are not asked of them (3.7, 4.2), joined is */
        return agent == agent_at(m, class->owner) && agent_joined(agent, class->queue);
    case CLASS_RINGS: break;
    }
    return false;
}

void class_activate(struct machine *m, uint32_t handle)
{
    struct class *class = class_at(m, handle);
    const struct queue *queue = queue_at(m, class->queue);
    bool active = class->free_count > 0 && order_count(&class->tree) > 0 &&
                  (class->live || queue->closed_ms == 0);
    uint32_t *first = &domain_at(m, queue->domain)->active[class->live];

    if (active == class->active || m->loading)
        return;
    class->active = active;
    if (active) {
        class->active_prev = 0;
        class->active_next = *first;
        if (*first != 0)
            class_at(m, *first)->active_prev = handle;
        *first = handle;
        return;
    }
    if (class->active_next != 0)
        class_at(m, class->active_next)->active_prev = class->active_prev;
    if (class->active_prev != 0)
        class_at(m, class->active_prev)->active_next = class->active_next;
    else
        *first = class->active_next;
}

enum use class_purpose(const struct machine *m, const struct class *class)
{
    if (class->live)
        return USE_LIVE;
    return class->agent_first || !queue_customer_first(queue_at(m, class->queue)) ? USE_OFFER
                                                                                  : USE_DIAL;
}

static void class_recount(struct machine *m, uint32_t handle)
{
    struct class *class = class_at(m, handle);
    struct queue *queue = queue_at(m, class->queue);
    enum use use = class_purpose(m, class);
    struct order_cursor cursor;

    class->free_count = 0;
    if (class->owner != 0) {
        const struct agent *agent = agent_at(m, class->owner);

        class->free_count = (agent->free_bits & 1 << use) != 0 && class_takes(m, class, agent);
    } else if (order_first(&queue->free[use], &m->nodes, &cursor)) {
        do
            class->free_count += class_takes(m, class, agent_at(m, order_at(&cursor)));
        while (order_next(&m->nodes, &cursor));
    }
    class_activate(m, handle);
}

void classes_recount(struct machine *m, uint32_t queue)
{
    for (uint32_t at = queue_at(m, queue)->classes; at != 0; at = class_at(m, at)->next)
        class_recount(m, at);
}

void classes_recount_all(struct machine *m, uint32_t queue)
{
    size_t cursor = 0;
    uint32_t handle;

    while ((handle = table_next(&m->classes, &cursor)) != 0)
        if (class_at(m, handle)->queue == queue)
            class_recount(m, handle);
}

static bool equal_class(const void *user, uint32_t handle, const void *key)
{
    const struct class *class = class_at(user, handle), *sought = key;

    return class->queue == sought->queue && class->skills == sought->skills &&
           class->language == sought->language && class->owner == sought->owner &&
           class->live == sought->live && class->kind == sought->kind &&
           class->attempts == sought->attempts && class->agent_first == sought->agent_first;
}

uint64_t class_hash(const struct class *class)
{
    const uint32_t parts[8] = {class->queue, class->skills, class->language, class->owner,
                               class->live,  class->kind,   class->attempts, class->agent_first};

    return XXH3_64bits(parts, sizeof(parts));
}

/* The list that the class is in: its agent's or its queue's. */
static uint32_t *class_list(struct machine *m, const struct class *class)
{
    switch ((enum class_kind) class->kind) {
    case CLASS_OWNER: return &agent_at(m, class->owner)->owned;
    case CLASS_PREFERRED: return &agent_at(m, class->owner)->preferred;
    case CLASS_EVERYBODY:
    case CLASS_RINGS: break;
    }
    return &queue_at(m, class->queue)->classes;
}

static void class_free(struct machine *m, uint32_t handle)
{
    struct class *class = class_at(m, handle);
    uint32_t *link = class_list(m, class);

    assert(!m->walking);
    class->free_count = 0;
    class_activate(m, handle);
    while (*link != handle)
        link = &class_at(m, *link)->next;
    *link = class->next;
    table_remove(&m->classes, class_hash(class), handle);
    pool_give(&m->class_pool, handle);
}

/* A queue, or an agent, of many kinds of needs keeps no more than some that nobody has now. */
static void classes_trim(struct machine *m, uint32_t first)
{
    uint32_t empty = 0, next;

    if (m->walking)
        return;
    for (uint32_t at = first; at != 0; at = next) {
        next = class_at(m, at)->next;
        if (class_at(m, at)->users == 0 && ++empty > idle_classes_max)
            class_free(m, at);
    }
}

/* The class, counted as used once more. */
static uint32_t class_use(struct machine *m, const struct class *sought)
{
    uint64_t hash = class_hash(sought);
    uint32_t handle = table_find(&m->classes, hash, equal_class, sought), *list;

    if (handle == 0) {
        list = class_list(m, sought);
        classes_trim(m, *list);
        handle = pool_take(&m->class_pool);
        *class_at(m, handle) = *sought;
        class_at(m, handle)->next = *list;
        *list = handle;
        table_put(&m->classes, hash, handle);
        if (!m->loading)
            class_recount(m, handle);
    }
    class_at(m, handle)->users++;
    return handle;
}

uint32_t class_get(struct machine *m, const struct callback *cb, uint32_t skills, uint32_t language)
{
    struct class sought = {.queue = cb->queue,
                           .skills = cb->owner == 0 ? skills : 0,
                           .language = cb->owner == 0 ? language : 0,
                           .owner = cb->owner,
                           .kind = cb->owner == 0 ? CLASS_EVERYBODY : CLASS_OWNER};

    sought.agent_first = callback_agent_first(cb);
    return class_use(m, &sought);
}

void class_release(struct machine *m, uint32_t handle)
{
    struct class *class = class_at(m, handle);

    assert(class->users > 0);
    class->users--;
    if (class->users == 0 && class->kind == CLASS_OWNER && !m->walking)
        class_free(m, handle);
}

/* --- trees --- */

static struct order_compare entry_order(const struct machine *m, const struct class *class)
{
    return (struct order_compare){class_of_calls(class) ? compare_calls : compare_callbacks, m};
}

static int64_t entry_key(const struct machine *m, const struct class *class, uint32_t entry)
{
    const struct queue *queue = queue_at(m, class->queue);

    if (class_of_calls(class))
        return line_key(queue, call_at(m, entry)->entry_ms, call_at(m, entry)->priority);
    return line_key(queue, callback_at(m, entry)->entry_ms, callback_at(m, entry)->priority);
}

bool class_seek(const struct machine *m, const struct class *class, uint32_t entry,
                struct order_cursor *cursor)
{
    return order_seek(&class->tree, &m->nodes, entry_key(m, class, entry), entry,
                      entry_order(m, class), cursor);
}

static void class_put(struct machine *m, uint32_t where, uint32_t entry)
{
    struct class *class = class_at(m, where);

    order_put(&class->tree, &m->nodes, entry_key(m, class, entry), entry, entry_order(m, class));
    class->changes++;
    queue_stir(m, class->queue);
    class_activate(m, where);
}

static void class_take(struct machine *m, uint32_t where, uint32_t entry)
{
    struct class *class = class_at(m, where);

    if (!order_remove(&class->tree, &m->nodes, entry_key(m, class, entry), entry,
                      entry_order(m, class)))
        assert(!"who is in line is in the trees of its classes");
    class->changes++;
    queue_stir(m, class->queue);
    class_activate(m, where);
}

/* Into the trees of the agents in its pool (4.2), or out of them. */
static void pool_place(struct machine *m, const struct class *about, uint32_t scores,
                       const struct rings *rings, uint32_t entry, bool in)
{
    uint32_t count = scores_count(m, scores);

    for (uint32_t at = 0; at < count; at++) {
        struct score score = scores_at(m, scores, at);
        struct class sought = {.queue = about->queue,
                               .live = about->live,
                               .owner = score.agent,
                               .kind = CLASS_PREFERRED,
                               .attempts = about->attempts,
                               .agent_first = about->agent_first};
        uint32_t class;

        if (score.score < rings->floor)
            return; /* they come best first */
        class = class_use(m, &sought);
        if (in) {
            class_put(m, class, entry);
        } else {
            class_take(m, class, entry);
            class_release(m, class);
            class_release(m, class);
        }
    }
}

/* Where those wait whose rings are not over: nobody takes them from there. */
static uint32_t rings_class(struct machine *m, uint32_t queue, bool live)
{
    struct class sought = {.queue = queue, .live = live, .kind = CLASS_RINGS};

    return class_use(m, &sought);
}

static bool in_rings(const struct rings *rings)
{
    return rings != NULL && rings->ring != 0 && rings->ring != RING_ALL;
}

void call_place(struct machine *m, uint32_t handle)
{
    struct call *call = call_at(m, handle);
    struct class sought;

    if (call->in_tree || !(m->options.holds_line & 1u << call->head.kind))
        return;
    sought = (struct class){
        .queue = call->queue, .skills = call->skills, .language = call->language, .live = 1};
    call->class =
        in_rings(&call->rings) ? rings_class(m, call->queue, true) : class_use(m, &sought);
    class_put(m, call->class, handle);
    if (call->rings.ring != 0)
        pool_place(m, class_at(m, call->class), call->scores, &call->rings, handle, true);
    call->in_tree = true;
    queue_at(m, call->queue)->live_tree++;
}

void call_unplace(struct machine *m, uint32_t handle)
{
    struct call *call = call_at(m, handle);

    if (!call->in_tree)
        return;
    class_take(m, call->class, handle);
    if (call->rings.ring != 0)
        pool_place(m, class_at(m, call->class), call->scores, &call->rings, handle, false);
    call->in_tree = false;
    queue_at(m, call->queue)->live_tree--;
    class_release(m, call->class);
    call->class = 0;
}

/* Nobody takes it by its class: its rings are not over (4.2), or the customer is on another call
 * (12.2). */
static bool by_nobody(const struct machine *m, const struct callback *cb)
{
    return cb->flags & CB_CONTACT || in_rings(callback_rings(m, cb));
}

/* In line: into the tree of its class, or, while its rings are not over, to those who wait for
 * that; and to the agents in its pool. */
static void line_put(struct machine *m, uint32_t handle)
{
    struct callback *cb = callback_at(m, handle);
    const struct rings *rings = callback_rings(m, cb);

    cb->flags &= (uint16_t)~CB_CONTACT;
    if (number_contacted(m, cb)) {
        cb->flags |= CB_CONTACT;
        queue_at(m, cb->queue)->contacted++;
    }
    class_put(m, by_nobody(m, cb) ? rings_class(m, cb->queue, false) : cb->class, handle);
    if (rings != NULL && !(cb->flags & CB_CONTACT))
        pool_place(m, class_at(m, cb->class), extra_of(m, cb)->scores, rings, handle, true);
    cb->flags |= CB_IN_CLASS;
    queue_at(m, cb->queue)->callback_tree++;
}

static void line_take(struct machine *m, uint32_t handle)
{
    struct callback *cb = callback_at(m, handle);
    const struct rings *rings = callback_rings(m, cb);
    uint32_t class = by_nobody(m, cb) ? rings_class(m, cb->queue, false) : cb->class;

    if (cb->flags & CB_CONTACT)
        queue_at(m, cb->queue)->contacted--;
    class_take(m, class, handle);
    if (class != cb->class) {
        class_release(m, class);
        class_release(m, class);
    }
    if (rings != NULL && !(cb->flags & CB_CONTACT))
        pool_place(m, class_at(m, cb->class), extra_of(m, cb)->scores, rings, handle, false);
    queue_at(m, cb->queue)->callback_tree--;
}

/* --- in flight (7.2) --- */

bool callback_in_flight(const struct machine *m, const struct callback *cb)
{
    return callback_first(m, cb) && cb->agent == 0 &&
           (cb->head.state == STATE(DIALLING) || cb->head.state == STATE(TALKING));
}

/* On the line it is a voice interaction, to which rings do not apply (4.2). */
static const struct rings *flight_rings(const struct machine *m, const struct callback *cb)
{
    return cb->head.state == STATE(DIALLING) ? callback_rings(m, cb) : NULL;
}

/* The class, counted as used once more, of who takes an agent on paper as a live call does. */
static uint32_t flight_class(struct machine *m, const struct callback *cb)
{
    const struct class *waiting = class_at(m, cb->class);
    struct class sought = {.queue = cb->queue, .live = 1, .kind = CLASS_RINGS, .attempts = true};

    if (!in_rings(flight_rings(m, cb))) {
        sought.skills = waiting->skills;
        sought.language = waiting->language;
        sought.owner = waiting->owner;
        sought.kind = waiting->kind;
    }
    return class_use(m, &sought);
}

/* Nobody needs to be left for it on paper if somebody is kept for it (7.3). */
static void flight_put(struct machine *m, uint32_t handle)
{
    struct callback *cb = callback_at(m, handle);
    const struct rings *rings = flight_rings(m, cb);
    uint32_t class;

    queue_at(m, cb->queue)->in_flight++;
    cb->flags |= CB_IN_FLIGHT;
    if (active_at(m, cb->active)->reserved != 0)
        return;
    class = flight_class(m, cb);
    class_put(m, class, handle);
    if (rings != NULL)
        pool_place(m, class_at(m, class), extra_of(m, cb)->scores, rings, handle, true);
}

static void flight_take(struct machine *m, uint32_t handle)
{
    struct callback *cb = callback_at(m, handle);
    const struct rings *rings = flight_rings(m, cb);
    uint32_t class;

    queue_at(m, cb->queue)->in_flight--;
    if (active_at(m, cb->active)->reserved != 0)
        return;
    class = flight_class(m, cb);
    class_take(m, class, handle);
    if (rings != NULL)
        pool_place(m, class_at(m, class), extra_of(m, cb)->scores, rings, handle, false);
    class_release(m, class);
    class_release(m, class);
}

static int64_t parked_key(const struct machine *m, const struct callback *cb)
{
    if (cb->head.state == STATE(SCHEDULED))
        return cb->due_ms;
    return extra_of(m, cb)->resume_ms;
}

/* Those scheduled at a local time stand with its zone too: the rules may change (2.3). */
static struct zone *zone_of(const struct machine *m, const struct callback *cb)
{
    const struct extra *extra = extra_of(m, cb);

    if (cb->head.state != STATE(SCHEDULED) || extra == NULL || extra->local_zone == 0)
        return NULL;
    return zone_at(m, extra->local_zone);
}

void callback_place(struct machine *m, uint32_t handle)
{
    struct callback *cb = callback_at(m, handle);
    struct queue *queue = queue_at(m, cb->queue);
    struct order_compare by_id = {compare_callback_ids, m};
    struct zone *zone = zone_of(m, cb);

    assert(!(cb->flags & (CB_IN_CLASS | CB_IN_PARKED | CB_IN_BUSY | CB_IN_FLIGHT)));
    switch ((PB(CallbackState))cb->head.state) {
    case STATE(WAITING): line_put(m, handle); return;
    case STATE(SCHEDULED):
    case STATE(DELAYED):
    case STATE(SNOOZED):
        order_put(&queue->parked, &m->nodes, parked_key(m, cb), handle, by_id);
        if (zone != NULL)
            order_put(&zone->scheduled, &m->nodes, extra_of(m, cb)->local_ms, handle, by_id);
        cb->flags |= CB_IN_PARKED;
        return;
    case STATE(OFFERED):
    case STATE(WITH_AGENT):
    case STATE(DIALLING):
    case STATE(TALKING):
    case STATE(WRAP_UP):
        order_put(&queue->busy, &m->nodes, cb->entry_ms, handle, by_id);
        cb->flags |= CB_IN_BUSY;
        if (callback_in_flight(m, cb))
            flight_put(m, handle);
        return;
    case STATE(UNSPECIFIED):
    case STATE(ENDED):
    case _RINGBACK__V1__CALLBACK_STATE_IS_INT_SIZE: break;
    }
    assert(!"a callback of no state has no place");
}

void callback_unplace(struct machine *m, uint32_t handle)
{
    struct callback *cb = callback_at(m, handle);
    struct queue *queue = queue_at(m, cb->queue);
    struct order_compare by_id = {compare_callback_ids, m};
    struct zone *zone = zone_of(m, cb);
    bool found = true;

    if (cb->flags & CB_IN_CLASS) {
        line_take(m, handle);
    } else if (cb->flags & CB_IN_PARKED) {
        found = order_remove(&queue->parked, &m->nodes, parked_key(m, cb), handle, by_id);
        if (zone != NULL)
            found &=
                order_remove(&zone->scheduled, &m->nodes, extra_of(m, cb)->local_ms, handle, by_id);
    } else if (cb->flags & CB_IN_BUSY) {
        found = order_remove(&queue->busy, &m->nodes, cb->entry_ms, handle, by_id);
        if (cb->flags & CB_IN_FLIGHT)
            flight_take(m, handle);
    }
    assert(found);
    cb->flags &= (uint16_t) ~(CB_IN_CLASS | CB_IN_PARKED | CB_IN_BUSY | CB_IN_FLIGHT);
}

void callback_class(struct machine *m, uint32_t handle, uint32_t skills, uint32_t language)
{
    struct callback *cb = callback_at(m, handle);
    uint32_t old = cb->class;

    assert(!(cb->flags & (CB_IN_CLASS | CB_IN_FLIGHT)));
    cb->class = class_get(m, cb, skills, language);
    if (old != 0)
        class_release(m, old);
}

static void class_rebuild(struct machine *m, struct class *class)
{
    struct order old = class->tree;
    struct order_cursor cursor;

    memset(&class->tree, 0, sizeof(class->tree));
    class->changes++;
    if (order_first(&old, &m->nodes, &cursor))
        do
            order_put(&class->tree, &m->nodes, entry_key(m, class, order_at(&cursor)),
                      order_at(&cursor), entry_order(m, class));
        while (order_next(&m->nodes, &cursor));
    order_clear(&old, &m->nodes);
}

/* The ranking changed: every key of the queue's trees is another one, those of owners too. */
void queue_rebuild(struct machine *m, uint32_t queue)
{
    size_t cursor = 0;
    uint32_t handle;

    while ((handle = table_next(&m->classes, &cursor)) != 0)
        if (class_at(m, handle)->queue == queue)
            class_rebuild(m, class_at(m, handle));
}
