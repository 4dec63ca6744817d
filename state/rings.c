/* Rings of preferred agents, and the last agent (chapter 4). A ring is a matter of one callback: it
 * says into which classes' trees it goes (line.c), and changes at the callback's own wake. */
#include "state/internal.h"

#include <assert.h>

uint32_t scores_count(const struct machine *m, uint32_t scores)
{
    return (uint32_t)(text_at(&m->texts, scores).size / sizeof(struct score));
}

struct score scores_at(const struct machine *m, uint32_t scores, uint32_t at)
{
    struct score score;

    memcpy(&score, text_at(&m->texts, scores).data + at * sizeof(score), sizeof(score));
    return score;
}

static size_t ring_count(const struct machine *m, uint32_t queue)
{
    const PB(QueueSettings) *settings = queue_at(m, queue)->settings;

    return settings == NULL ? 0 : settings->n_rings;
}

static int64_t ring_wait_ms(const PB(Ring) * ring)
{
    return ring->wait_ms == 0 ? LIMIT_RING_WAIT_MS_DEFAULT : ring->wait_ms;
}

bool rings_same(const PB(QueueSettings) * a, const PB(QueueSettings) * b)
{
    size_t rings = a == NULL ? 0 : a->n_rings;

    if (rings != (b == NULL ? 0 : b->n_rings))
        return false;
    for (size_t at = 0; at < rings; at++)
        if (ring_wait_ms(a->rings[at]) != ring_wait_ms(b->rings[at]))
            return false; /* a threshold is read when its ring begins */
    return true;
}

int64_t rings_wake(const struct machine *m, const struct rings *rings, uint32_t queue)
{
    size_t count = ring_count(m, queue);
    int64_t end_ms = rings->began_ms;

    if (rings->ring == 0 || rings->ring == RING_ALL)
        return INT64_MAX;
    for (size_t at = 0; at < count && at < rings->ring; at++)
        end_ms += ring_wait_ms(queue_at(m, queue)->settings->rings[at]);
    return end_ms;
}

static void rings_enter(const struct machine *m, struct rings *rings, uint32_t queue,
                        uint8_t number)
{
    const PB(Ring) *ring = queue_at(m, queue)->settings->rings[number - 1];
    uint32_t threshold = ring->any ? 0 : ring->threshold;

    rings->ring = number;
    if (threshold < rings->floor)
        rings->floor = (uint8_t)threshold;
}

/* It never goes back to a ring that is over, whatever the settings say now: the pool only grows. */
bool rings_advance(struct machine *m, struct rings *rings, uint32_t queue)
{
    uint8_t before = rings->ring;

    while (rings_wake(m, rings, queue) <= m->step.now)
        if (rings->ring < ring_count(m, queue))
            rings_enter(m, rings, queue, (uint8_t)(rings->ring + 1));
        else
            rings->ring = RING_ALL;
    return rings->ring != before;
}

void rings_begin(struct machine *m, struct rings *rings, uint32_t queue, uint32_t scores,
                 int64_t when_ms)
{
    uint32_t count = ring_count(m, queue) == 0 ? 0 : scores_count(m, scores), at = 0;

    *rings = (struct rings){0};
    while (at < count && !agent_joined(agent_at(m, scores_at(m, scores, at).agent), queue))
        at++;
    if (at == count)
        return; /* nobody scored is a member: no rings */
    *rings = (struct rings){.began_ms = when_ms, .floor = UINT8_MAX};
    rings_enter(m, rings, queue, 1);
    rings_advance(m, rings, queue);
}

const struct rings *callback_rings(const struct machine *m, const struct callback *cb)
{
    const struct extra *extra = extra_of(m, cb);

    return extra == NULL || extra->rings.ring == 0 ? NULL : &extra->rings;
}

void callback_unprefer(struct machine *m, uint32_t handle)
{
    struct callback *cb = callback_at(m, handle);
    struct extra *extra = cb->extra == 0 ? NULL : extra_get(m, cb);

    assert(!(cb->flags & CB_IN_CLASS));
    if (extra == NULL)
        return;
    text_drop(&m->texts, extra->scores);
    extra->scores = 0;
    extra->rings = (struct rings){0};
}

/* Those in line wake by what the settings say now; the others look when they come back to it. */
void rings_changed(struct machine *m, uint32_t queue)
{
    struct order_cursor cursor;
    size_t at = 0;
    uint32_t handle;

    for (handle = queue_at(m, queue)->classes; handle != 0; handle = class_at(m, handle)->next) {
        const struct class *class = class_at(m, handle);

        if (class->kind != CLASS_RINGS || class->live ||
            !order_first(&class->tree, &m->nodes, &cursor))
            continue;
        do
            wake_refresh(m, ref_make(KIND_CALLBACK, order_at(&cursor)));
        while (order_next(&m->nodes, &cursor));
    }
    while ((handle = table_next(&m->tables[KIND_CALL], &at)) != 0) /* few stand in a tree */
        if (call_at(m, handle)->queue == queue && call_at(m, handle)->rings.ring != 0)
            wake_refresh(m, ref_make(KIND_CALL, handle));
}

/* --- for the switch --- */

/* 4.2: the highest score first, then 5.4. */
static bool preferred_before(const struct machine *m, struct score a, struct score b)
{
    return a.score != b.score ? a.score > b.score : agent_compare(m, a.agent, b.agent) < 0;
}

void emit_prefer(struct machine *m, uint32_t handle)
{
    struct call *call = call_at(m, handle);
    PB(RoutingEvent) *event = emit_routing(m, "routing.prefer_agents", NULL);
    PB(PreferAgents) *prefer = EMIT_NEW(m, PreferAgents, ringback__v1__prefer_agents);
    uint32_t count = call->rings.ring == RING_ALL ? 0 : scores_count(m, call->scores), used = 0;
    struct score *pool = arena_alloc(m->step.arena, count * sizeof(*pool));

    for (uint32_t at = 0; at < count; at++) {
        struct score score = scores_at(m, call->scores, at);
        uint32_t place = used;

        if (score.score < call->rings.floor || !agent_joined(agent_at(m, score.agent), call->queue))
            continue;
        for (; place > 0 && preferred_before(m, score, pool[place - 1]); place--)
            pool[place] = pool[place - 1];
        pool[place] = score;
        used++;
    }
    prefer->interaction_id = ident_emit(m, &call->id);
    prefer->ring = call->rings.ring == RING_ALL ? 0 : call->rings.ring;
    prefer->n_agent_ids = used;
    prefer->agent_ids = arena_alloc(m->step.arena, used * sizeof(char *));
    for (uint32_t at = 0; at < used; at++)
        prefer->agent_ids[at] = agent_string(m, pool[at].agent);
    event->conversation_id = ident_emit(m, &call->conversation);
    event->queue_id = text_string(m, queue_at(m, call->queue)->id);
    event->event_case = RINGBACK__V1__ROUTING_EVENT__EVENT_PREFER_AGENTS;
    event->prefer_agents = prefer;
}

/* --- the last agent (4.4) --- */

void last_agent_try(struct machine *m, uint32_t handle, uint32_t agent)
{
    const struct callback *cb = callback_at(m, handle);
    const PB(QueueSettings) *settings = queue_at(m, cb->queue)->settings;

    if (agent == 0 || settings == NULL || callback_rings(m, cb) != NULL || cb->flags & CB_CONTACT ||
        queue_at(m, cb->queue)->closed_ms != 0 ||
        settings->last_agent < RINGBACK__V1__LAST_AGENT__LAST_AGENT_QUEUE_MEMBERS)
        return;
    m->step.last_callback = handle;
    m->step.last_agent = agent;
    m->step.last_any = settings->last_agent == RINGBACK__V1__LAST_AGENT__LAST_AGENT_ANY;
}
