/* What customers and flows are told of a queue: where one stands and for how long (12.5), and
 * whether a callback should be offered now (12.9). Of queues that ask for it, at the end of a step
 * that stirred them. */
#include "state/internal.h"

#include <assert.h>

#include "base/memory.h"

enum { AHT_SAMPLES_MIN = 8 }; /* 12.5: fewer are no mean */

static bool asks(const struct queue *queue)
{
    return queue->status.told_ms != 0 ||
           (queue->settings != NULL &&
            (queue->settings->position_step != 0 || queue->settings->status_events));
}

void queue_stir(struct machine *m, uint32_t handle)
{
    struct queue *queue = queue_at(m, handle);

    if (m->loading || queue->stirred || !asks(queue))
        return;
    if (m->stirred_count == m->stirred_room) {
        m->stirred_room = m->stirred_room == 0 ? 16 : 2 * m->stirred_room;
        m->stirred =
            memory_grow(m->stirred, m->stirred_room * sizeof(*m->stirred), "queues of a step");
    }
    queue->stirred = true;
    m->stirred[m->stirred_count++] = handle;
}

/* --- how long --- */

static int64_t handle_mean_ms(const struct queue *queue)
{
    int64_t sum = 0;

    if (queue->handle_count < AHT_SAMPLES_MIN)
        return (queue->settings->aht_s == 0 ? LIMIT_AHT_S_DEFAULT : queue->settings->aht_s) *
               SECOND_MS;
    for (uint32_t at = 0; at < queue->handle_count; at++)
        sum += queue->handle_ms[at];
    return sum / queue->handle_count;
}

static int64_t estimate_ms(const struct queue *queue, uint32_t position)
{
    return position * handle_mean_ms(queue) / (queue->online > 0 ? queue->online : 1);
}

/* Live calls, attempts and callbacks in line for everybody; who waits for his owner alone is before
 * nobody. */
static uint32_t in_line(const struct machine *m, const struct queue *queue)
{
    size_t count = 0;

    for (uint32_t at = queue->classes; at != 0; at = class_at(m, at)->next)
        count += order_count(&class_at(m, at)->tree);
    return (uint32_t)count - queue->contacted; /* who is on another call is before nobody (12.2) */
}

/* --- 12.5 --- */

struct line_cursor {
    const struct class *class;
    uint32_t entry;
    struct order_cursor cursor;
};

static void tell_position(struct machine *m, uint32_t handle, uint32_t position)
{
    struct callback *cb = callback_at(m, handle);
    const struct queue *queue = queue_at(m, cb->queue);
    uint32_t told = cb->extra == 0 ? 0 : extra_get(m, cb)->told_position;
    uint32_t moved = told > position ? told - position : position - told;
    PB(RoutingEvent) * event;
    PB(CustomerPosition) * said;

    if (told != 0 && moved < queue->settings->position_step)
        return;
    cause_is(m, ref_make(KIND_CALLBACK, handle)); /* no update: a status event (10.2) */
    extra_get(m, cb)->told_position = position;
    event = emit_routing(m, "routing.customer_position", cb);
    said = EMIT_NEW(m, CustomerPosition, ringback__v1__customer_position);
    said->position = position;
    said->estimate_ms = estimate_ms(queue, position);
    event->event_case = RINGBACK__V1__ROUTING_EVENT__EVENT_CUSTOMER_POSITION;
    event->customer_position = said;
}

static size_t begin_line(struct machine *m, const struct queue *queue, struct line_cursor **line)
{
    size_t count = 0, room = 1;

    for (uint32_t at = queue->classes; at != 0; at = class_at(m, at)->next)
        room++;
    *line = arena_alloc(m->step.arena, room * sizeof(**line));
    for (uint32_t at = queue->classes; at != 0; at = class_at(m, at)->next) {
        struct line_cursor *one = &(*line)[count];

        one->class = class_at(m, at);
        if (!order_first(&one->class->tree, &m->nodes, &one->cursor))
            continue;
        one->entry = order_at(&one->cursor);
        count++;
    }
    return count;
}

static bool left_alone(const struct machine *m, uint32_t handle)
{
    return callback_at(m, handle)->flags & CB_CONTACT;
}

/* The first of the line, in order; further back nobody is told. */
static void tell_positions(struct machine *m, const struct queue *queue)
{
    struct line_cursor *line;
    size_t count = begin_line(m, queue, &line);

    uint32_t position = 1;

    while (position <= LIMIT_POSITIONS_TOLD && count > 0) {
        size_t best = 0;
        bool call;

        for (size_t at = 1; at < count; at++)
            if (place_compare(m, line[at].entry, class_of_calls(line[at].class), line[best].entry,
                              class_of_calls(line[best].class)) < 0)
                best = at;
        call = class_of_calls(line[best].class);
        if (!line[best].class->live && !left_alone(m, line[best].entry))
            tell_position(m, line[best].entry, position);
        position += call || !left_alone(m, line[best].entry);
        if (order_next(&m->nodes, &line[best].cursor))
            line[best].entry = order_at(&line[best].cursor);
        else
            line[best] = line[--count];
    }
}

/* --- 12.9 --- */

static struct queue_status status_now(const struct machine *m, uint32_t handle)
{
    const struct queue *queue = queue_at(m, handle);
    int64_t closes_ms = window_closes(m, queue);
    struct queue_status now = {.waiting_live = (uint32_t)queue->live.waiting,
                               .waiting_callbacks = (uint32_t)queue->callbacks.waiting,
                               .estimate_ms = estimate_ms(queue, 1 + in_line(m, queue))};

    if (!queue_accepting(queue))
        now.reason = REASON(NOT_ACCEPTING);
    else if (queue->closed_ms != 0 || (closes_ms != 0 && m->step.now + now.estimate_ms > closes_ms))
        now.reason = REASON(OUTSIDE_WINDOW);
    else if (queue_full(queue))
        now.reason = REASON(QUEUE_FULL);
    else if (now.estimate_ms < queue->settings->offer_above_s * SECOND_MS)
        now.reason = REASON(SHORT_WAIT);
    now.told_ms = m->step.now;
    return now;
}

/* When it is told again without anything having happened: at its interval; or when too little of
 * the window is left. */
static int64_t status_wake(const struct machine *m, const struct queue *queue,
                           const struct queue_status *status)
{
    int64_t closes_ms = window_closes(m, queue);
    int64_t wake_ms = 0;

    if (queue->settings->status_interval_s != 0)
        wake_ms = status->told_ms + queue->settings->status_interval_s * SECOND_MS;
    if (closes_ms != 0 && status->reason != REASON(OUTSIDE_WINDOW)) {
        int64_t late_ms = closes_ms - status->estimate_ms + 1;

        if (late_ms > m->step.now && (wake_ms == 0 || late_ms < wake_ms))
            wake_ms = late_ms;
    }
    return wake_ms;
}

static bool same_status(const struct queue_status *a, const struct queue_status *b)
{
    return a->waiting_live == b->waiting_live && a->waiting_callbacks == b->waiting_callbacks &&
           a->estimate_ms == b->estimate_ms && a->reason == b->reason;
}

static void emit_status(struct machine *m, const struct queue *queue,
                        const struct queue_status *status)
{
    PB(RoutingEvent) *event = emit_routing(m, "routing.queue_status", NULL);
    PB(QueueStatus) *said = EMIT_NEW(m, QueueStatus, ringback__v1__queue_status);

    event->queue_id = text_string(m, queue->id);
    said->waiting_live = status->waiting_live;
    said->waiting_callbacks = status->waiting_callbacks;
    said->estimate_ms = status->estimate_ms;
    said->offer_callback = status->reason == REASON(UNSPECIFIED);
    said->reason = (PB(Reason))status->reason;
    event->event_case = RINGBACK__V1__ROUTING_EVENT__EVENT_QUEUE_STATUS;
    event->queue_status = said;
}

static void tell_status(struct machine *m, uint32_t handle)
{
    struct queue *queue = queue_at(m, handle);
    struct queue_status now = status_now(m, handle);
    int64_t interval_ms = queue->settings->status_interval_s * SECOND_MS;
    bool due = interval_ms != 0 && m->step.now - queue->status.told_ms >= interval_ms;

    if (queue->status.told_ms != 0 && same_status(&now, &queue->status) && !due) {
        now.told_ms = queue->status.told_ms;
    } else {
        cause_is(m, ref_make(KIND_COUNTERS, handle));
        emit_status(m, queue, &now);
    }
    now.wake_ms = status_wake(m, queue, &now);
    if (now.wake_ms != queue->status.wake_ms)
        touch(m, ref_make(KIND_COUNTERS, handle));
    queue->status = now;
}

static void tell(struct machine *m, uint32_t handle)
{
    struct queue *queue = queue_at(m, handle);

    queue->stirred = false;
    if (queue->settings != NULL && queue->settings->status_events) {
        tell_status(m, handle);
    } else if (queue->status.told_ms != 0) { /* no more */
        touch(m, ref_make(KIND_COUNTERS, handle));
        queue->status = (struct queue_status){.told_ms = 0};
    }
    if (queue->settings != NULL && queue->settings->position_step != 0)
        tell_positions(m, queue);
    wake_refresh(m, ref_make(KIND_QUEUE, handle));
}

/* The next of those that are left, the same whatever the order in memory. */
static size_t first_left(const struct machine *m)
{
    size_t first = 0;

    for (size_t at = 1; at < m->stirred_count; at++)
        if (slice_compare(text_at(&m->texts, queue_at(m, m->stirred[at])->id),
                          text_at(&m->texts, queue_at(m, m->stirred[first])->id)) < 0)
            first = at;
    return first;
}

void queues_tell(struct machine *m)
{
    while (m->stirred_count > 0) {
        size_t at = first_left(m);
        uint32_t handle = m->stirred[at];

        assert(queue_at(m, handle)->domain == m->step.domain);
        m->stirred[at] = m->stirred[--m->stirred_count];
        tell(m, handle);
    }
}

void queues_calm(struct machine *m)
{
    while (m->stirred_count > 0)
        queue_at(m, m->stirred[--m->stirred_count])->stirred = false;
}
