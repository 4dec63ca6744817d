/* Agents: three facts, eligibility (5.2), choice (5.4), going away (6.5, 12.7). */
#include "state/internal.h"

#include <assert.h>

#include "base/memory.h"

bool agent_known(const struct agent *agent)
{
    return agent->settings != NULL;
}

bool agent_joined(const struct agent *agent, uint32_t queue)
{
    for (uint32_t at = 0; at < agent->queue_count; at++)
        if (agent->queues[at] == queue)
            return true;
    return false;
}

uint32_t agent_capacity(const struct agent *agent)
{
    if (agent->settings == NULL || agent->settings->callback_capacity == NULL)
        return LIMIT_CAPACITY_DEFAULT;
    return agent->settings->callback_capacity->callbacks;
}

/* What counts against it: the callbacks that he holds, and the voicemails that he left and that are
 * not over (8.2); one that is both, once. */
static uint32_t agent_used(const struct machine *m, const struct agent *agent)
{
    uint32_t used = agent->held_count + agent->voicemails;

    if (agent->voicemails == 0)
        return used;
    for (uint32_t at = agent->held; at != 0;) {
        const struct callback *cb = callback_at(m, at);
        uint32_t from = callback_from_agent(m, cb);

        if (from != 0 && agent_at(m, from) == agent)
            used--;
        at = active_at(m, cb->active)->held_next;
    }
    return used;
}

void voicemail_count(struct machine *m, uint32_t handle, int change)
{
    struct agent *agent = agent_at(m, handle);

    agent->voicemails = (uint32_t)((int)agent->voicemails + change);
    if (agent_known(agent))
        touch(m, ref_make(KIND_AGENT, handle));
}

/* Idle by a status later than any event that named him (5.2). */
bool agent_idle(const struct agent *agent)
{
    return agent->status == STATUS(IDLE) && agent->status_ms > agent->busy_ms;
}

/* Interacting with nothing but callbacks of ours and media beside which he may take one. */
static bool agent_only_beside(const struct machine *m, const struct agent *agent)
{
    bool beside = agent->held_count > 0;

    if ((agent->status != STATUS(INTERACTING) && agent->status != STATUS(IDLE)) ||
        !ident_is_none(&agent->after))
        return false;
    for (uint32_t at = agent->calls; at != 0; at = call_at(m, at)->at_next) {
        if (!(m->options.callback_beside & 1u << call_at(m, at)->head.kind))
            return false;
        beside = true;
    }
    return beside;
}

bool agent_available(const struct machine *m, const struct agent *agent, enum use use)
{
    if (!agent_known(agent) || agent->silent || agent->presence != PRESENCE(ON_QUEUE) ||
        agent->queues_ms == 0 || agent->offered != 0 || agent->reserved != 0)
        return false;
    if (use == USE_LIVE)
        return agent_idle(agent);
    if (agent->missed_until_ms != 0)
        return false;
    if (use == USE_DIAL)
        return agent_idle(agent);
    return agent_used(m, agent) < agent_capacity(agent) &&
           (agent_idle(agent) || agent_only_beside(m, agent));
}

/* 7.2: joined apart. */
static bool agent_online(const struct agent *agent)
{
    return agent_known(agent) && !agent->silent && agent->presence == PRESENCE(ON_QUEUE) &&
           agent->status != STATUS(UNSPECIFIED) && agent->status != STATUS(OFF_QUEUE) &&
           agent->queues_ms != 0;
}

bool agent_declined(const struct agent *agent, const struct ident *callback)
{
    for (uint32_t at = 0; at < agent->decline_count; at++)
        if (memcmp(&agent->declines[at].callback, callback, sizeof(*callback)) == 0)
            return true;
    return false;
}

void agent_pause(struct agent *agent, const struct ident *callback, int64_t until_ms)
{
    for (uint32_t at = 0; at < agent->decline_count; at++)
        if (memcmp(&agent->declines[at].callback, callback, sizeof(*callback)) == 0) {
            agent->declines[at].until_ms = until_ms;
            return;
        }
    agent->declines = memory_grow(
        agent->declines, (agent->decline_count + 1) * sizeof(*agent->declines), "declines");
    agent->declines[agent->decline_count++] = (struct decline){*callback, until_ms};
}

static int64_t agent_idle_since(const struct machine *m, const struct agent *agent)
{
    if (m->options.idle_reset == IDLE_RESET_PRESENCE)
        return agent->status_ms;
    return agent->last_end_ms != 0 ? agent->last_end_ms : agent->first_on_queue_ms;
}

int agent_compare(const struct machine *m, uint32_t a, uint32_t b)
{
    int64_t since_a = agent_idle_since(m, agent_at(m, a)),
            since_b = agent_idle_since(m, agent_at(m, b));

    if (since_a != since_b)
        return since_a < since_b ? -1 : 1;
    return slice_compare(text_at(&m->texts, agent_at(m, a)->id),
                         text_at(&m->texts, agent_at(m, b)->id));
}

/* The same for classes that are his alone. */
static void count_own(struct machine *m, const struct agent *agent, uint32_t first, enum use use,
                      bool in)
{
    for (uint32_t at = first; at != 0; at = class_at(m, at)->next) {
        struct class *class = class_at(m, at);

        if (class_purpose(m, class) != use)
            continue;
        class->free_count = in && agent_joined(agent, class->queue);
        class_activate(m, at);
    }
}

/* Count him in or out of what waits in his queues, for one use. */
static void agent_count(struct machine *m, uint32_t handle, enum use use, bool in)
{
    struct agent *agent = agent_at(m, handle);

    for (uint32_t at = 0; at < agent->queue_count; at++) {
        struct queue *queue = queue_at(m, agent->queues[at]);

        if (use == USE_DIAL && !queue_customer_first(queue))
            continue; /* nobody asks */
        if (in)
            order_put(&queue->free[use], &m->nodes, agent->free_key, handle, agent_order(m));
        else if (!order_remove(&queue->free[use], &m->nodes, agent->free_key, handle,
                               agent_order(m)))
            assert(!"a free agent is in his queues' sets");
        for (uint32_t class = queue->classes; class != 0; class = class_at(m, class)->next) {
            struct class *row = class_at(m, class);

            if (class_purpose(m, row) != use || !class_takes(m, row, agent))
                continue;
            row->free_count += in ? 1u : -1u;
            class_activate(m, class);
        }
    }
    count_own(m, agent, agent->preferred, use, in);
    count_own(m, agent, agent->owned, use, in);
}

static void agent_count_online(struct machine *m, uint32_t handle, bool online)
{
    struct agent *agent = agent_at(m, handle);

    if (online == agent->online)
        return;
    agent->online = online;
    for (uint32_t at = 0; at < agent->queue_count; at++) {
        queue_at(m, agent->queues[at])->online += online ? 1u : -1u;
        queue_stir(m, agent->queues[at]);
    }
}

void agents_free_to_dial(struct machine *m, uint32_t handle)
{
    struct queue *queue = queue_at(m, handle);
    size_t cursor = 0;
    uint32_t agent;

    order_clear(&queue->free[USE_DIAL], &m->nodes);
    while (queue_customer_first(queue) &&
           (agent = table_next(&m->tables[KIND_AGENT], &cursor)) != 0)
        if (agent_at(m, agent)->free_bits & 1 << USE_DIAL &&
            agent_joined(agent_at(m, agent), handle))
            order_put(&queue->free[USE_DIAL], &m->nodes, agent_at(m, agent)->free_key, agent,
                      agent_order(m));
}

void agent_unindex(struct machine *m, uint32_t handle)
{
    struct agent *agent = agent_at(m, handle);

    for (int use = 0; use < USE_COUNT; use++)
        if (agent->free_bits & 1 << use)
            agent_count(m, handle, (enum use)use, false);
    agent->free_bits = 0;
    agent_count_online(m, handle, false);
}

void agent_refresh(struct machine *m, uint32_t handle)
{
    struct agent *agent = agent_at(m, handle);
    int64_t key = agent_idle_since(m, agent);
    uint8_t bits = 0, stay = 0;

    agent_count_online(m, handle, agent_online(agent));
    for (int use = 0; use < USE_COUNT; use++)
        if (agent_available(m, agent, (enum use)use))
            bits |= (uint8_t)(1 << use);
    if (bits == agent->free_bits && (bits == 0 || key == agent->free_key))
        return;
    if (key == agent->free_key)
        stay = bits & agent->free_bits;
    for (int use = 0; use < USE_COUNT; use++)
        if ((agent->free_bits & ~stay) & 1 << use)
            agent_count(m, handle, (enum use)use, false);
    agent->free_key = key;
    agent->free_bits = bits;
    for (int use = 0; use < USE_COUNT; use++)
        if ((bits & ~stay) & 1 << use)
            agent_count(m, handle, (enum use)use, true);
}

void agent_check_offer(struct machine *m, uint32_t handle)
{
    struct agent *agent = agent_at(m, handle);
    struct callback_input input = {.agent = handle, .reason = REASON(AGENT_NOT_ELIGIBLE)};
    struct callback *cb;
    struct active *active;
    bool interacting = agent->status == STATUS(INTERACTING) ||
                       (agent->status == STATUS(IDLE) && !agent_idle(agent));

    agent_check_reservation(m, handle);
    if (agent->offered == 0)
        return;
    cb = callback_at(m, agent->offered);
    active = active_at(m, cb->active);
    if (!agent_known(agent) || agent->silent || agent->presence != PRESENCE(ON_QUEUE) ||
        (!active->unjoined && !agent_joined(agent, cb->queue)) ||
        (agent->status != STATUS(IDLE) && agent->status != STATUS(INTERACTING)) ||
        (interacting && (agent->calls != 0 || !ident_is_none(&agent->after)) &&
         !agent_only_beside(m, agent))) {
        callback_step(m, agent->offered, CB_REVOKE, &input);
        return;
    }
    if (interacting == (active->grace_ms != 0))
        return;
    touch(m, ref_make(KIND_CALLBACK, agent->offered));
    active->grace_ms = interacting ? m->step.now + m->options.answer_grace_ms : 0;
}

void agent_attach(struct machine *m, uint32_t handle, uint32_t call_handle)
{
    struct agent *agent = agent_at(m, handle);
    struct call *call = call_at(m, call_handle);
    uint32_t *link = &agent->calls, before = 0;

    if (call->agent == handle && (call->at_prev != 0 || agent->calls == call_handle))
        return;
    agent_detach(m, call_handle);
    call->agent = handle;
    while (*link != 0 && ident_compare(&m->texts, &call_at(m, *link)->id, &call->id) < 0) {
        before = *link;
        link = &call_at(m, before)->at_next;
    }
    call->at_prev = before;
    call->at_next = *link;
    if (*link != 0)
        call_at(m, *link)->at_prev = call_handle;
    *link = call_handle;
}

/* The call still names the agent as its last. */
void agent_detach(struct machine *m, uint32_t call_handle)
{
    struct call *call = call_at(m, call_handle);
    struct agent *agent;

    if (call->agent == 0)
        return;
    agent = agent_at(m, call->agent);
    if (call->at_prev != 0)
        call_at(m, call->at_prev)->at_next = call->at_next;
    else if (agent->calls == call_handle)
        agent->calls = call->at_next;
    else
        return; /* not attached */
    if (call->at_next != 0)
        call_at(m, call->at_next)->at_prev = call->at_prev;
    call->at_next = call->at_prev = 0;
}

void agent_attend(struct machine *m, uint32_t handle, const struct ident *attempt, int64_t time_ms)
{
    struct agent *agent = agent_at(m, handle);

    touch(m, ref_make(KIND_AGENT, handle));
    agent->after = *attempt;
    if (time_ms <= 0)
        time_ms = m->step.when;
    if (time_ms > agent->busy_ms)
        agent->busy_ms = time_ms;
    agent_check_offer(m, handle);
}

bool agent_attended(struct machine *m, uint32_t handle, struct slice attempt)
{
    struct agent *agent = agent_at(m, handle);

    if (ident_is_none(&agent->after) || !ident_equal(&m->texts, &agent->after, attempt))
        return false;
    agent_worked(m, handle, m->step.when);
    memset(&agent->after, 0, sizeof(agent->after));
    return true;
}

void agent_hold(struct machine *m, uint32_t handle, uint32_t callback)
{
    struct agent *agent = agent_at(m, handle);
    const struct callback *cb = callback_at(m, callback);
    uint32_t *link = &agent->held;

    while (*link != 0 && ident_compare(&m->texts, &callback_at(m, *link)->id, &cb->id) < 0)
        link = &active_at(m, callback_at(m, *link)->active)->held_next;
    active_at(m, cb->active)->held_next = *link;
    *link = callback;
    agent->held_count++;
}

void agent_unhold(struct machine *m, uint32_t callback)
{
    struct callback *cb = callback_at(m, callback);
    struct agent *agent = agent_at(m, cb->agent);
    uint32_t *link = &agent->held;

    while (*link != callback)
        link = &active_at(m, callback_at(m, *link)->active)->held_next;
    *link = active_at(m, cb->active)->held_next;
    agent->held_count--;
}

void agent_worked(struct machine *m, uint32_t handle, int64_t until_ms)
{
    struct agent *agent = agent_at(m, handle);

    touch(m, ref_make(KIND_AGENT, handle));
    if (until_ms > agent->last_end_ms)
        agent->last_end_ms = until_ms;
}

void agent_gone(struct machine *m, uint32_t handle)
{
    struct agent *agent = agent_at(m, handle);
    bool gone = !agent_known(agent) || agent->silent || agent->presence == PRESENCE(OFFLINE);

    if (gone == (agent->gone_ms != 0))
        return;
    touch(m, ref_make(KIND_AGENT, handle));
    agent->gone_ms = gone ? m->step.when : 0;
    for (uint32_t at = agent->held; !gone && at != 0;) {
        struct active *active = active_at(m, callback_at(m, at)->active);

        if (active->gone) {
            touch(m, ref_make(KIND_CALLBACK, at));
            active->gone = false;
        }
        at = active->held_next;
    }
}

void agent_heard(struct machine *m, uint32_t handle)
{
    struct agent *agent = agent_at(m, handle);

    if (m->options.presence_ttl_ms == 0)
        return;
    touch(m, ref_make(KIND_AGENT, handle));
    agent->heard_ms = m->step.now;
    if (!agent->silent)
        return;
    agent->silent = false;
    agent_gone(m, handle);
}

/* --- timers --- */

/* The first held callback, by id, that the agent's absence has not reached yet. */
static uint32_t next_to_reclaim(const struct machine *m, const struct agent *agent)
{
    uint32_t best = 0;

    for (uint32_t at = agent->held; at != 0;
         at = active_at(m, callback_at(m, at)->active)->held_next)
        if (!active_at(m, callback_at(m, at)->active)->gone &&
            (best == 0 || memcmp(&callback_at(m, at)->id, &callback_at(m, best)->id, 16) < 0))
            best = at;
    return best;
}

/* A class that waits for this removed owner and whose queue takes over (3.7); 0: none. */
static uint32_t orphaned_class(const struct machine *m, const struct agent *agent)
{
    uint32_t best = 0;

    if (agent_known(agent) || agent->removed_ms == 0)
        return 0;
    for (uint32_t at = agent->owned; at != 0; at = class_at(m, at)->next) {
        const struct queue *queue = queue_at(m, class_at(m, at)->queue);

        if (class_at(m, at)->live || order_count(&class_at(m, at)->tree) == 0 ||
            !queue_assigns(queue))
            continue;
        if (best == 0 ||
            slice_compare(text_at(&m->texts, queue->id),
                          text_at(&m->texts, queue_at(m, class_at(m, best)->queue)->id)) < 0)
            best = at;
    }
    return best;
}

/* His next class by the queue's id after that of last (0: the first); 0: there is no more. */
static uint32_t owned_after(const struct machine *m, const struct agent *agent, uint32_t last)
{
    uint32_t best = 0;

    for (uint32_t at = agent->owned; at != 0; at = class_at(m, at)->next) {
        struct slice id = text_at(&m->texts, queue_at(m, class_at(m, at)->queue)->id);

        if (class_at(m, at)->live)
            continue; /* in flight */
        if (last != 0 &&
            slice_compare(id, text_at(&m->texts, queue_at(m, class_at(m, last)->queue)->id)) <= 0)
            continue;
        if (best == 0 ||
            slice_compare(id, text_at(&m->texts, queue_at(m, class_at(m, best)->queue)->id)) < 0)
            best = at;
    }
    return best;
}

void agent_tell_owned(struct machine *m, uint32_t handle)
{
    struct agent *agent = agent_at(m, handle);
    struct order_cursor cursor;
    int64_t told = 0;

    for (uint32_t at = owned_after(m, agent, 0); at != 0; at = owned_after(m, agent, at)) {
        if (queue_assigns(queue_at(m, class_at(m, at)->queue)) ||
            !order_first(&class_at(m, at)->tree, &m->nodes, &cursor))
            continue;
        do
            emit_notice(m, callback_at(m, order_at(&cursor)), REASON(OWNER_GONE), handle);
        while (++told < LIMIT_FAN_OUT_MAX && order_next(&m->nodes, &cursor));
    }
}

static void earliest(int64_t *wake, int64_t at)
{
    if (at < *wake)
        *wake = at;
}

int64_t agent_wake(const struct machine *m, uint32_t handle)
{
    const struct agent *agent = agent_at(m, handle);
    int64_t wake = INT64_MAX;

    if (agent->gone_ms != 0 && next_to_reclaim(m, agent) != 0)
        earliest(&wake, agent->gone_ms + m->options.reclaim_after_ms);
    if (agent->missed_until_ms != 0)
        earliest(&wake, agent->missed_until_ms);
    for (uint32_t at = 0; at < agent->decline_count; at++)
        earliest(&wake, agent->declines[at].until_ms);
    if (m->options.presence_ttl_ms != 0 && agent->heard_ms != 0 && !agent->silent)
        earliest(&wake, agent->heard_ms + m->options.presence_ttl_ms);
    if (orphaned_class(m, agent) != 0)
        earliest(&wake, agent->removed_ms);
    return wake;
}

static void declines_expire(struct machine *m, struct agent *agent)
{
    uint32_t kept = 0;

    for (uint32_t at = 0; at < agent->decline_count; at++)
        if (agent->declines[at].until_ms > m->step.now)
            agent->declines[kept++] = agent->declines[at];
    agent->decline_count = kept;
}

void agent_fire(struct machine *m, uint32_t handle)
{
    struct agent *agent = agent_at(m, handle);
    uint32_t class = orphaned_class(m, agent), held = next_to_reclaim(m, agent);
    struct callback_input input = {.agent = handle, .reason = REASON(AGENT_GONE)};

    touch(m, ref_make(KIND_AGENT, handle));
    declines_expire(m, agent);
    if (agent->missed_until_ms != 0 && agent->missed_until_ms <= m->step.now)
        agent->missed_until_ms = 0;
    if (m->options.presence_ttl_ms != 0 && agent->heard_ms != 0 && !agent->silent &&
        agent->heard_ms + m->options.presence_ttl_ms <= m->step.now) {
        agent->silent = true;
        count(m, MACHINE_COUNT_SILENT_AGENTS);
        agent_gone(m, handle);
        agent_check_offer(m, handle);
    }
    for (int64_t done = 0; class != 0 && done < LIMIT_FAN_OUT_MAX; done++) {
        struct order_cursor cursor;

        if (!order_first(&class_at(m, class)->tree, &m->nodes, &cursor))
            break;
        callback_step(m, order_at(&cursor), CB_OWNER_GONE, &input);
        class = orphaned_class(m, agent);
    }
    if (agent->gone_ms == 0 || agent->gone_ms + m->options.reclaim_after_ms > m->step.now)
        return;
    for (; held != 0; held = next_to_reclaim(m, agent))
        callback_step(m, held, CB_AGENT_GONE, &input);
}

/* --- facts --- */

/* Newer by version, else by change time (5.7). */
static bool newer(const PB(PresenceEvent) * event, uint64_t version, int64_t change_ms)
{
    if (event->version != 0 || version != 0)
        return event->version > version;
    return event->change_ms > change_ms;
}

static bool set_presence(struct machine *m, uint32_t handle, const PB(PresenceEvent) * event)
{
    struct agent *agent = agent_at(m, handle);

    if (!newer(event, agent->presence_version, agent->presence_ms))
        return false;
    touch(m, ref_make(KIND_AGENT, handle));
    agent->presence = (uint8_t)event->presence->presence;
    agent->presence_version = event->version;
    agent->presence_ms = event->change_ms;
    if (agent->presence == PRESENCE(ON_QUEUE) && agent->first_on_queue_ms == 0)
        agent->first_on_queue_ms = event->change_ms;
    return true;
}

static bool set_status(struct machine *m, uint32_t handle, const PB(PresenceEvent) * event)
{
    struct agent *agent = agent_at(m, handle);

    if (!newer(event, agent->status_version, agent->status_ms))
        return false;
    touch(m, ref_make(KIND_AGENT, handle));
    agent->status = (uint8_t)event->routing_status->status;
    agent->status_version = event->version;
    agent->status_ms = event->change_ms;
    if (agent_idle(agent))
        memset(&agent->after, 0, sizeof(agent->after));
    if (agent->status == STATUS(IDLE))
        agent->missed_until_ms = 0;
    else if (agent->missed_until_ms != 0)
        agent->missed_until_ms = INT64_MAX; /* he is heard of: until he says Idle (5.5) */
    if (agent->status != STATUS(INTERACTING))
        call_unalert(m, handle);
    return true;
}

static bool set_queues(struct machine *m, uint32_t handle, const PB(PresenceEvent) * event)
{
    struct agent *agent = agent_at(m, handle);
    const PB(JoinedQueuesChanged) *joined = event->joined_queues;

    if (agent->queues_ms != 0 && !newer(event, agent->queues_version, agent->queues_ms))
        return false;
    touch(m, ref_make(KIND_AGENT, handle));
    agent_unindex(m, handle);
    agent->queues = memory_grow(agent->queues, (joined->n_queue_ids + 1) * sizeof(uint32_t),
                                "queues of an agent");
    agent->queue_count = 0;
    for (size_t at = 0; at < joined->n_queue_ids; at++) {
        uint32_t queue =
            entity_get(m, KIND_QUEUE, agent->domain, slice_text(joined->queue_ids[at]));

        if (!agent_joined(agent, queue))
            agent->queues[agent->queue_count++] = queue;
    }
    agent->queues_version = event->version;
    agent->queues_ms = event->change_ms;
    return true;
}

static bool presence_valid(const PB(PresenceEvent) * event)
{
    if (!ident_valid(slice_text(event->agent_id)) || event->change_ms <= 0)
        return false;
    if (event->event_case != RINGBACK__V1__PRESENCE_EVENT__EVENT_JOINED_QUEUES)
        return true;
    if (event->joined_queues->n_queue_ids > (size_t)LIMIT_JOINED_MAX)
        return false;
    for (size_t at = 0; at < event->joined_queues->n_queue_ids; at++)
        if (!ident_valid(slice_text(event->joined_queues->queue_ids[at])))
            return false;
    return true;
}

enum err presence_event(struct machine *m, const struct input_event *input,
                        PB(UndecidedReason) * why, struct err_note *note)
{
    const PB(PresenceEvent) *event = (const PB(PresenceEvent) *)input->event;
    uint32_t handle;
    bool changed = false;

    if (!presence_valid(event)) {
        *why = RINGBACK__V1__UNDECIDED_REASON__UNDECIDED_REASON_LIMIT;
        return FAIL(note, ERR_BAD_EVENT,
                    "agent_id must be an id, change_ms above 0, at most %d joined queues",
                    (int)LIMIT_JOINED_MAX);
    }
    handle = entity_get(m, KIND_AGENT, m->step.domain, slice_text(event->agent_id));
    switch (event->event_case) {
    case RINGBACK__V1__PRESENCE_EVENT__EVENT_PRESENCE:
        changed = set_presence(m, handle, event);
        break;
    case RINGBACK__V1__PRESENCE_EVENT__EVENT_ROUTING_STATUS:
        changed = set_status(m, handle, event);
        break;
    case RINGBACK__V1__PRESENCE_EVENT__EVENT_JOINED_QUEUES:
        changed = set_queues(m, handle, event);
        break;
    case RINGBACK__V1__PRESENCE_EVENT__EVENT__NOT_SET:
    case _RINGBACK__V1__PRESENCE_EVENT__EVENT__CASE_IS_INT_SIZE:
        *why = RINGBACK__V1__UNDECIDED_REASON__UNDECIDED_REASON_UNKNOWN_KIND;
        return FAIL(note, ERR_BAD_EVENT, "a presence event of an unknown kind");
    }
    if (!changed) {
        count(m, MACHINE_COUNT_OLD_FACTS);
        if (agent_at(m, handle)->silent) /* the same event had its own effects before (12.7) */
            m->step.cause = slice_text(
                arena_format(m->step.arena, "%.*s/%u", (int)m->step.cause.size,
                             (const char *)m->step.cause.data, agent_at(m, handle)->head.version));
        agent_heard(m, handle);
        return ERR_OK;
    }
    agent_heard(m, handle);
    agent_gone(m, handle);
    agent_check_offer(m, handle);
    return ERR_OK;
}
