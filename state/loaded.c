/* What entities that were loaded say of each other (machine_load() has looked at each alone). Only
 * what would break a promise or meet an assertion later is refused: a process that does not start
 * serves nobody. One pass over the entities, after machine_ready(). */
#include "state/internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"

/* In a stay (10.6), of one queue. */
struct waiting {
    uint64_t live, callbacks;
};

static const char *key_text(struct machine *m, uint32_t ref)
{
    return (const char *)ref_key(m, ref, &m->scratch).data; /* terminated */
}

static enum err fail_both(struct machine *m, uint32_t first, uint32_t second, const char *what,
                          struct slice id, struct err_note *note)
{
    return FAIL(note, ERR_BAD_STATE,
                "state keys '%s' and '%s' both %s '%.*s', only one can: the state is damaged",
                key_text(m, ref_make(KIND_CALLBACK, first)),
                key_text(m, ref_make(KIND_CALLBACK, second)), what, (int)id.size,
                (const char *)id.data);
}

/* machine_ready() noted the last one that named the agent, and found the attempt's first. */
static enum err check_alone(struct machine *m, uint32_t handle, struct err_note *note)
{
    const struct callback *cb = callback_at(m, handle);
    const struct active *active = cb->active == 0 ? NULL : active_at(m, cb->active);
    char buffer[IDENT_TEXT_BYTES];
    struct slice attempt;
    uint32_t other;

    if (cb->head.state == STATE(OFFERED) && agent_at(m, cb->agent)->offered != handle)
        return fail_both(m, handle, agent_at(m, cb->agent)->offered, "are offered to agent",
                         text_at(&m->texts, agent_at(m, cb->agent)->id), note);
    if (active == NULL)
        return ERR_OK;
    if (active->reserved != 0 && agent_at(m, active->reserved)->reserved != handle)
        return fail_both(m, handle, agent_at(m, active->reserved)->reserved, "keep agent",
                         text_at(&m->texts, agent_at(m, active->reserved)->id), note);
    if (ident_is_none(&active->attempt))
        return ERR_OK;
    attempt = ident_text(&m->texts, &active->attempt, buffer);
    other = attempt_find(m, queue_at(m, cb->queue)->domain, attempt);
    if (other != handle)
        return fail_both(m, handle, other, "are dialled by attempt", attempt, note);
    return ERR_OK;
}

static enum err check_counts(struct machine *m, uint32_t queue, const char *what, uint64_t counted,
                             uint64_t found, struct err_note *note)
{
    if (counted == found)
        return ERR_OK;
    return FAIL(note, ERR_BAD_STATE,
                "state key '%s': by its counts %" PRId64 " %s wait, in line are %" PRIu64
                ": the state is damaged",
                key_text(m, ref_make(KIND_COUNTERS, queue)), (int64_t)counted, what, found);
}

static enum err check_queues(struct machine *m, const struct waiting *waiting,
                             struct err_note *note)
{
    size_t cursor = 0;
    uint32_t handle;

    while ((handle = table_next(&m->tables[KIND_QUEUE], &cursor)) != 0) {
        const struct queue *queue = queue_at(m, handle);

        TRY(check_counts(m, handle, "live interactions", queue->live.waiting, waiting[handle].live,
                         note));
        TRY(check_counts(m, handle, "callbacks", queue->callbacks.waiting,
                         waiting[handle].callbacks, note));
    }
    return ERR_OK;
}

enum err machine_loaded(struct machine *m, struct err_note *note)
{
    struct waiting *waiting =
        memory_zalloc((m->pools[KIND_QUEUE].fresh + 1) * sizeof(*waiting), "a check");
    enum err err = ERR_OK;
    size_t cursor;
    uint32_t handle;

    assert(!m->loading);
    for (cursor = 0; (handle = table_next(&m->tables[KIND_CALL], &cursor)) != 0;)
        waiting[call_at(m, handle)->queue].live += call_at(m, handle)->stay_ms != 0;
    for (cursor = 0;
         err == ERR_OK && (handle = table_next(&m->tables[KIND_CALLBACK], &cursor)) != 0;) {
        waiting[callback_at(m, handle)->queue].callbacks += callback_at(m, handle)->stay_ms != 0;
        err = check_alone(m, handle, note);
    }
    if (err == ERR_OK)
        err = check_queues(m, waiting, note);
    free(waiting);
    arena_reset(&m->scratch);
    return err;
}
