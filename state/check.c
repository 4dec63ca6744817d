/* The invariants, checked over all entities. Slow: for tests, simulation, audit. */
#include "state/internal.h"

#include <assert.h>

struct check {
    struct machine *m;
    struct arena *arena;
    const char *broken;
};

static bool hold(struct check *check, bool truth, const char *what, uint32_t ref)
{
    struct slice key;

    if (truth || check->broken != NULL)
        return truth;
    key = ref == 0 ? slice_text("the machine") : ref_key(check->m, ref, check->arena);
    check->broken =
        arena_format(check->arena, "%.*s: %s", (int)key.size, (const char *)key.data, what);
    return false;
}

static uint32_t held_by(const struct machine *m, const struct agent *agent, uint32_t callback)
{
    uint32_t times = 0;

    for (uint32_t at = agent->held; at != 0;
         at = active_at(m, callback_at(m, at)->active)->held_next)
        times += at == callback;
    return times;
}

static void check_callback(struct check *check, uint32_t handle)
{
    struct machine *m = check->m;
    const struct callback *cb = callback_at(m, handle);
    uint32_t ref = ref_make(KIND_CALLBACK, handle);
    uint16_t tree = cb->flags & (CB_IN_CLASS | CB_IN_PARKED | CB_IN_BUSY);
    enum wake_class class;
    bool flies = callback_in_flight(m, cb), first = callback_first(m, cb);
    bool held = cb->head.state >= STATE(WITH_AGENT) && cb->head.state <= STATE(WRAP_UP) && !flies;
    bool waits = cb->head.state == STATE(WAITING) || cb->head.state == STATE(DELAYED) ||
                 cb->head.state == STATE(SNOOZED) || cb->head.state == STATE(OFFERED) || flies;
    uint32_t reserved = cb->active == 0 ? 0 : active_at(m, cb->active)->reserved;

    hold(check, cb->head.state >= STATE(SCHEDULED) && cb->head.state <= STATE(WRAP_UP),
         "no living state", ref);
    hold(check, tree == CB_IN_CLASS || tree == CB_IN_PARKED || tree == CB_IN_BUSY,
         "not in exactly one tree", ref);
    hold(check, (tree == CB_IN_CLASS) == (cb->head.state == STATE(WAITING)),
         "in line exactly while it waits", ref);
    hold(check, (cb->stay_ms != 0) == waits, "in a stay exactly while in line (10.6)", ref);
    hold(check, cb->class != 0 && class_at(m, cb->class)->owner == cb->owner,
         "its class is its owner's", ref);
    hold(check, (cb->agent != 0) == (held || cb->head.state == STATE(OFFERED)),
         "has an agent exactly while offered or held", ref);
    if (cb->head.state == STATE(OFFERED) && cb->agent != 0)
        hold(check, agent_at(m, cb->agent)->offered == handle, "its agent knows of no offer (5.6)",
             ref);
    if (held && cb->agent != 0)
        hold(check, held_by(m, agent_at(m, cb->agent), handle) == (first ? 0 : 1),
             "not held exactly once by its agent (5.6)", ref);
    hold(check, number_asked(m, cb) == ((cb->flags & CB_NUMBERED) != 0),
         "found by its number or not (12.1)", ref);
    if (tree == CB_IN_CLASS)
        hold(check, number_contacted(m, cb) == ((cb->flags & CB_CONTACT) != 0),
             "left alone for another call, or not (12.2)", ref);
    hold(check, !(cb->flags & CB_TOLD), "left a state and entered none", ref);
    hold(check, flies == ((cb->flags & CB_IN_FLIGHT) != 0), "in flight or not (7.2)", ref);
    hold(check, !first || cb->head.state == STATE(DIALLING) || cb->head.state == STATE(TALKING),
         "called first and in no call (7.9)", ref);
    hold(check, reserved == 0 || (flies && agent_at(m, reserved)->reserved == handle),
         "one is kept for it who does not know, or for nothing (7.3)", ref);
    hold(check, cb->head.wake_index != 0, "waits without a deadline (12.6)", ref);
    hold(check, callback_wake(m, handle, &class) != INT64_MAX && class == cb->head.wake_class,
         "in the wrong heap", ref);
}

static void check_agent(struct check *check, uint32_t handle)
{
    struct machine *m = check->m;
    const struct agent *agent = agent_at(m, handle);
    uint32_t ref = ref_make(KIND_AGENT, handle), held = 0;

    for (uint32_t at = agent->held; at != 0;
         at = active_at(m, callback_at(m, at)->active)->held_next) {
        held++;
        hold(check, callback_at(m, at)->agent == handle, "holds another agent's callback", ref);
    }
    hold(check, held == agent->held_count, "his callbacks are miscounted", ref);
    if (agent->offered != 0)
        hold(check,
             callback_at(m, agent->offered)->agent == handle &&
                 callback_at(m, agent->offered)->head.state == STATE(OFFERED),
             "an offer that is none (5.6)", ref);
    if (agent->reserved != 0)
        hold(check,
             callback_in_flight(m, callback_at(m, agent->reserved)) &&
                 active_at(m, callback_at(m, agent->reserved)->active)->reserved == handle,
             "kept for what does not want him (7.3)", ref);
    for (int use = 0; use < USE_COUNT; use++)
        hold(check, !!(agent->free_bits & 1 << use) == agent_available(m, agent, (enum use)use),
             "free or not is out of date", ref);
    for (uint32_t at = agent->calls; at != 0; at = call_at(m, at)->at_next)
        hold(check, call_at(m, at)->agent == handle, "another agent's call", ref);
}

static void check_call(struct check *check, uint32_t handle)
{
    const struct call *call = call_at(check->m, handle);
    uint32_t ref = ref_make(KIND_CALL, handle);

    hold(check, !call->in_tree || (call->stay_ms != 0 && call->head.state == CALL(WAITING)),
         "in the tree without being in line", ref);
    hold(check, (call->head.state != CALL(WAITING)) || call->stay_ms != 0, "waits without a stay",
         ref);
    hold(check, call->head.version == 0 || call->head.wake_index != 0,
         "waits without a deadline (12.7)", ref);
}

static void check_counts(struct check *check, uint32_t handle)
{
    struct machine *m = check->m;
    const struct queue *queue = queue_at(m, handle);
    uint32_t ref = ref_make(KIND_QUEUE, handle), other;
    uint64_t live = 0, callbacks = 0;
    const struct stay_counts *all[2] = {&queue->live, &queue->callbacks};
    size_t cursor = 0;

    while ((other = table_next(&m->tables[KIND_CALL], &cursor)) != 0)
        live += call_at(m, other)->queue == handle && call_at(m, other)->stay_ms != 0;
    cursor = 0;
    while ((other = table_next(&m->tables[KIND_CALLBACK], &cursor)) != 0)
        callbacks += callback_at(m, other)->queue == handle && callback_at(m, other)->stay_ms != 0;
    hold(check, queue->live.waiting == live, "live interactions are miscounted (10.5)", ref);
    hold(check, queue->callbacks.waiting == callbacks, "callbacks are miscounted (10.5)", ref);
    for (int at = 0; at < 2; at++)
        hold(check,
             all[at]->offered ==
                 all[at]->answered + all[at]->abandoned + all[at]->flow_out + all[at]->waiting,
             "the counts do not reconcile (10.5)", ref);
}

/* 7.2 */
static void check_pacing(struct check *check, uint32_t handle)
{
    struct machine *m = check->m;
    const struct queue *queue = queue_at(m, handle);
    uint32_t ref = ref_make(KIND_QUEUE, handle), other, flying = 0, online = 0;
    size_t cursor = 0;

    while ((other = table_next(&m->tables[KIND_CALLBACK], &cursor)) != 0)
        flying +=
            callback_at(m, other)->queue == handle && callback_in_flight(m, callback_at(m, other));
    for (cursor = 0; (other = table_next(&m->tables[KIND_AGENT], &cursor)) != 0;)
        online += agent_at(m, other)->online && agent_joined(agent_at(m, other), handle);
    for (int use = 0; use < USE_COUNT; use++) {
        size_t free = 0;

        for (cursor = 0; (other = table_next(&m->tables[KIND_AGENT], &cursor)) != 0;)
            free += (agent_at(m, other)->free_bits & 1 << use) != 0 &&
                    agent_joined(agent_at(m, other), handle);
        if (use == USE_DIAL && !queue_customer_first(queue))
            free = 0;
        hold(check, order_count(&queue->free[use]) == free, "free agents are miscounted", ref);
    }
    hold(check, queue->in_flight == flying, "those in flight are miscounted (7.2)", ref);
    hold(check, queue->online == online, "agents On Queue are miscounted (7.2)", ref);
}

/* 2.3: its list is who is scheduled at its local times. */
static void check_zone(struct check *check, uint32_t handle)
{
    struct machine *m = check->m;
    const struct zone *zone = zone_at(m, handle);
    size_t cursor = 0, scheduled = 0;
    uint32_t other;

    while ((other = table_next(&m->tables[KIND_CALLBACK], &cursor)) != 0) {
        const struct callback *cb = callback_at(m, other);
        const struct extra *extra = extra_of(m, cb);

        scheduled +=
            cb->head.state == STATE(SCHEDULED) && extra != NULL && extra->local_zone == handle;
    }
    hold(check, scheduled == order_count(&zone->scheduled), "its callbacks are miscounted",
         ref_make(KIND_ZONE, handle));
}

static void check_class(struct check *check, uint32_t handle)
{
    struct machine *m = check->m;
    const struct class *class = class_at(m, handle);
    uint32_t ref = ref_make(KIND_QUEUE, class->queue), free = 0, other;
    size_t cursor = 0;

    while ((other = table_next(&m->tables[KIND_AGENT], &cursor)) != 0) {
        const struct agent *agent = agent_at(m, other);

        free += agent_available(m, agent, class_purpose(m, class)) &&
                agent_joined(agent, class->queue) && class_takes(m, class, agent);
    }
    if (class->kind == CLASS_RINGS || class->kind == CLASS_PREFERRED)
        hold(check, order_count(&class->tree) == class->users,
             "its trees and those who stand in them differ (4.2)", ref);
    hold(check, class->free_count == free, "a class counts its free agents wrong", ref);
    hold(check,
         class->active == (free > 0 && order_count(&class->tree) > 0 &&
                           (class->live || queue_at(m, class->queue)->closed_ms == 0)),
         "a class is active without reason, or not with one", ref);
    /* After a walk nobody waits whom somebody free could take, live calls ahead apart. */
}

/* Who prefers agents stands in the tree of each of his pool, and nobody else does (4.2). */
static void check_pools(struct check *check)
{
    struct machine *m = check->m;
    size_t cursor = 0, wanted = 0, found = 0;
    uint32_t handle;
    bool flies;

    while ((handle = table_next(&m->tables[KIND_CALLBACK], &cursor)) != 0) {
        const struct callback *cb = callback_at(m, handle);
        const struct rings *rings = callback_rings(m, cb);

        if (rings == NULL)
            continue;
        flies = callback_in_flight(m, cb) && cb->head.state == STATE(DIALLING) &&
                active_at(m, cb->active)->reserved == 0;
        hold(check, rings->ring <= RING_ALL && cb->owner == 0, "rings of no sense",
             ref_make(KIND_CALLBACK, handle));
        for (uint32_t at = 0; ((cb->flags & CB_IN_CLASS && !(cb->flags & CB_CONTACT)) || flies) &&
                              at < scores_count(m, extra_of(m, cb)->scores);
             at++)
            wanted += scores_at(m, extra_of(m, cb)->scores, at).score >= rings->floor;
    }
    for (cursor = 0; (handle = table_next(&m->tables[KIND_CALL], &cursor)) != 0;) {
        const struct call *call = call_at(m, handle);

        for (uint32_t at = 0;
             call->in_tree && call->rings.ring != 0 && at < scores_count(m, call->scores); at++)
            wanted += scores_at(m, call->scores, at).score >= call->rings.floor;
    }
    for (cursor = 0; (handle = table_next(&m->classes, &cursor)) != 0;)
        if (class_at(m, handle)->kind == CLASS_PREFERRED)
            found += order_count(&class_at(m, handle)->tree);
    hold(check, wanted == found, "those who prefer agents are miscounted (4.2)", 0);
}

/* 8.2 */
static void check_voicemails(struct check *check)
{
    struct machine *m = check->m;
    uint32_t wanted = 0, found = 0, handle;
    size_t cursor;

    for (cursor = 0; (handle = table_next(&m->tables[KIND_CALLBACK], &cursor)) != 0;) {
        uint32_t from = callback_from_agent(m, callback_at(m, handle));

        if (from == 0)
            continue;
        wanted++;
        hold(check, agent_at(m, from)->voicemails > 0, "its sender knows of no voicemail (8.2)",
             ref_make(KIND_CALLBACK, handle));
    }
    for (cursor = 0; (handle = table_next(&m->tables[KIND_AGENT], &cursor)) != 0;)
        found += agent_at(m, handle)->voicemails;
    hold(check, wanted == found, "internal voicemails are miscounted (8.2)", 0);
}

static void check_digest(struct check *check)
{
    struct machine *m = check->m;
    uint64_t count = 0, digest = 0;

    if (m->dirty_count > 0 || m->removed_count > 0)
        return;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        const struct table *table = &m->tables[kind == KIND_COUNTERS ? KIND_QUEUE : kind];
        size_t cursor = 0;
        uint32_t handle;

        while ((handle = table_next(table, &cursor)) != 0) {
            uint32_t ref = ref_make((enum kind)kind, handle);

            if (head_of(m, ref)->version == 0)
                continue;
            count++;
            digest += entity_digest(ref_key(m, ref, check->arena), head_of(m, ref)->version);
        }
    }
    hold(check, count == m->entity_count, "the entities are miscounted", 0);
    hold(check, digest == m->digest, "the digest is not that of the entities", 0);
}

const char *machine_broken(struct machine *m, struct arena *arena)
{
    struct check check = {.m = m, .arena = arena};
    size_t cursor;
    uint32_t handle;

    for (cursor = 0; (handle = table_next(&m->tables[KIND_CALLBACK], &cursor)) != 0;)
        check_callback(&check, handle);
    for (cursor = 0; (handle = table_next(&m->tables[KIND_AGENT], &cursor)) != 0;)
        check_agent(&check, handle);
    for (cursor = 0; (handle = table_next(&m->tables[KIND_CALL], &cursor)) != 0;)
        check_call(&check, handle);
    for (cursor = 0; (handle = table_next(&m->tables[KIND_QUEUE], &cursor)) != 0;) {
        check_counts(&check, handle);
        check_pacing(&check, handle);
    }
    for (cursor = 0; (handle = table_next(&m->tables[KIND_ZONE], &cursor)) != 0;)
        check_zone(&check, handle);
    for (cursor = 0; (handle = table_next(&m->classes, &cursor)) != 0;)
        check_class(&check, handle);
    check_pools(&check);
    check_voicemails(&check);
    check_digest(&check);
    return check.broken;
}
