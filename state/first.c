/* Customer-first (chapter 7): what the settings of a queue say, and agents kept for a dial. What
 * becomes of a dial is in callbacks.c, in whose line it stands in line.c. */
#include "state/internal.h"

#include <assert.h>

#define REACTION(name) RINGBACK__V1__ANSWER_REACTION__ANSWER_REACTION_##name

/* --- settings, read when they are used (12.15) --- */

static const PB(CustomerFirst) * first_settings(const struct queue *queue)
{
    static const PB(CustomerFirst) defaults = RINGBACK__V1__CUSTOMER_FIRST__INIT;

    return queue->settings == NULL || queue->settings->customer_first == NULL
               ? &defaults
               : queue->settings->customer_first;
}

bool queue_customer_first(const struct queue *queue)
{
    return queue->settings != NULL &&
           queue->settings->dial_mode == RINGBACK__V1__DIAL_MODE__DIAL_MODE_CUSTOMER_FIRST;
}

uint32_t queue_cap(const struct queue *queue)
{
    uint64_t hundredths = first_settings(queue)->pacing_hundredths;
    uint64_t cap;

    if (hundredths == 0)
        hundredths = (uint64_t)LIMIT_PACING_HUNDREDTHS_DEFAULT;
    cap = hundredths * queue->online / 1000; /* pacing x agents / 10, rounded down */
    return cap < 1 ? 1 : (uint32_t)cap;
}

bool queue_reserves(const struct queue *queue)
{
    return first_settings(queue)->reserve_agent;
}

PB(AnswerReaction) queue_reaction(const struct queue *queue, PB(AnswerKind) kind)
{
    const PB(CustomerFirst) *settings = first_settings(queue);
    bool machine = kind == RINGBACK__V1__ANSWER_KIND__ANSWER_KIND_MACHINE;
    PB(AnswerReaction) reaction = machine ? settings->answering_machine : settings->live_voice;

    if (reaction != REACTION(UNSPECIFIED))
        return reaction;
    return machine ? REACTION(HANG_UP) : REACTION(QUEUE);
}

const char *queue_flow(const struct queue *queue)
{
    return first_settings(queue)->flow_id;
}

uint32_t queue_first_retries(const struct queue *queue)
{
    return first_settings(queue)->max_retries;
}

int64_t queue_first_retry_delay_ms(const struct queue *queue)
{
    uint32_t seconds = first_settings(queue)->retry_delay_s;

    return (seconds == 0 ? LIMIT_RETRY_DELAY_S_DEFAULT : seconds) * SECOND_MS;
}

/* --- agents kept for a dial (7.3) --- */

bool callback_first(const struct machine *m, const struct callback *cb)
{
    return cb->active != 0 && active_at(m, cb->active)->first;
}

void callback_reserve(struct machine *m, uint32_t handle, uint32_t agent)
{
    struct callback *cb = callback_at(m, handle);

    assert(!(cb->flags & CB_IN_FLIGHT));
    assert(agent_at(m, agent)->reserved == 0);
    touch(m, ref_make(KIND_AGENT, agent));
    touch(m, ref_make(KIND_CALLBACK, handle));
    agent_at(m, agent)->reserved = handle;
    active_at(m, cb->active)->reserved = agent;
}

/* Out of the tree or into it, as somebody is kept for it or not. */
static void set_reserved(struct machine *m, uint32_t handle, uint32_t agent)
{
    struct callback *cb = callback_at(m, handle);
    bool placed = (cb->flags & CB_IN_FLIGHT) != 0;
    uint32_t old = active_at(m, cb->active)->reserved;

    if (placed)
        callback_unplace(m, handle);
    if (old != 0) {
        touch(m, ref_make(KIND_AGENT, old));
        touch(m, ref_make(KIND_CALLBACK, handle));
        agent_at(m, old)->reserved = 0;
        active_at(m, cb->active)->reserved = 0;
        emit_unreserve(m, cb, old);
    }
    if (agent != 0) {
        callback_reserve(m, handle, agent);
        emit_reserve(m, cb, agent);
    }
    if (placed)
        callback_place(m, handle);
}

void callback_unreserve(struct machine *m, uint32_t handle)
{
    if (active_at(m, callback_at(m, handle)->active)->reserved != 0)
        set_reserved(m, handle, 0);
}

static bool may_keep(const struct machine *m, const struct callback *cb, uint32_t agent)
{
    const struct agent *row = agent_at(m, agent);

    return agent_available(m, row, USE_DIAL) && agent_joined(row, cb->queue) &&
           !agent_declined(row, &cb->id);
}

/* While it is dialled and its rings are not over: the highest score, then 5.4 (4.2). */
static uint32_t next_preferred(const struct machine *m, const struct callback *cb)
{
    const struct rings *rings = callback_rings(m, cb);
    uint32_t scores = extra_of(m, cb)->scores, pairs = scores_count(m, scores);
    struct score best = {0, 0};

    for (uint32_t at = 0; at < pairs; at++) {
        struct score score = scores_at(m, scores, at);

        if (score.score < rings->floor || (best.agent != 0 && score.score < best.score))
            break;
        if (may_keep(m, cb, score.agent) &&
            (best.agent == 0 || agent_compare(m, score.agent, best.agent) < 0))
            best = score;
    }
    return best.agent;
}

/* Who is kept for it instead, by 5.4; 0: nobody. What an owner waits for nobody else takes (3.6).
 */
static uint32_t next_to_keep(const struct machine *m, const struct callback *cb)
{
    const struct class *class = class_at(m, cb->class);
    const struct rings *rings = cb->head.state == STATE(DIALLING) ? callback_rings(m, cb) : NULL;
    struct order_cursor cursor;
    uint32_t agent = rings == NULL ? 0 : next_preferred(m, cb);

    if (agent != 0 || (rings != NULL && rings->ring != RING_ALL) ||
        !order_first(&queue_at(m, cb->queue)->free[USE_DIAL], &m->nodes, &cursor))
        return agent;
    do {
        agent = order_at(&cursor);
        if (may_keep(m, cb, agent) && class_takes(m, class, agent_at(m, agent)))
            return agent;
    } while (order_next(&m->nodes, &cursor));
    return 0;
}

/* Interacting alone says nothing once the customer is on the line: that may be he. */
static bool still_kept(const struct agent *agent, const struct callback *cb)
{
    if (!agent_known(agent) || agent->silent || agent->presence != PRESENCE(ON_QUEUE) ||
        !agent_joined(agent, cb->queue))
        return false;
    return agent_idle(agent) || (agent->status == STATUS(INTERACTING) && agent->calls == 0 &&
                                 ident_is_none(&agent->after) && cb->head.state == STATE(TALKING));
}

void agent_check_reservation(struct machine *m, uint32_t handle)
{
    struct agent *agent = agent_at(m, handle);
    uint32_t callback = agent->reserved;

    if (callback != 0 && !still_kept(agent, callback_at(m, callback)))
        set_reserved(m, callback, next_to_keep(m, callback_at(m, callback)));
}
