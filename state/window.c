/* Business hours (12.3): when a queue is open by its window, its zone and `serving` (12.10). An
 * hour of a window is the instant that 2.3 makes of it. */
#include "state/internal.h"
#include "state/zones.h"

enum {
    EDGE_DAYS_MAX = 400, /* so far is looked for an edge, in one go */
    EDGES_MAX = 32,      /* so many for one that closes */
};

static const PB(Window) * window_of(const struct queue *queue)
{
    return queue->settings == NULL ? NULL : queue->settings->window;
}

static bool is_holiday(const PB(Window) * window, uint32_t date)
{
    for (size_t at = 0; at < window->n_holidays; at++)
        if (window->holidays[at] == date)
            return true;
    return false;
}

/* The hours of one local day: whether it is open at that instant, and the first edge behind it if
 * that is earlier than *edge_ms. */
static bool day_hours(const PB(Window) * window, const PB(ZoneTable) * table, int64_t day,
                      int64_t utc_ms, int64_t *edge_ms)
{
    struct zone_time time = zone_time(day * DAY_MS);
    bool open = false;

    if (is_holiday(window, time.date))
        return false;
    for (size_t at = 0; at < window->n_hours; at++) {
        const PB(OpenHours) *hours = window->hours[at];
        int64_t edges[2];

        if (hours->weekday != time.weekday)
            continue;
        edges[0] = zone_minute(table, day, hours->from_minute);
        edges[1] = zone_minute(table, day, hours->to_minute);
        open |= edges[0] <= utc_ms && utc_ms < edges[1];
        for (int which = 0; which < 2; which++)
            if (edges[which] > utc_ms && edges[which] < *edge_ms)
                *edge_ms = edges[which];
    }
    return open;
}

/* A zone without a table is never open: nobody is called at a wrong hour. */
static bool hours_open(const PB(Window) * window, const PB(ZoneTable) * table, int64_t utc_ms)
{
    int64_t day, edge_ms = INT64_MAX;
    bool open = false;

    if (window == NULL)
        return true;
    if (table == NULL)
        return false;
    day = zone_time(zone_local(table, utc_ms)).day;
    for (int64_t at = day - 1; at <= day + 1; at++) /* a gap may reach over midnight */
        open |= day_hours(window, table, at, utc_ms, &edge_ms);
    return open;
}

/* The next time at which to look again; 0: none. */
static int64_t next_edge(const PB(Window) * window, const PB(ZoneTable) * table, int64_t utc_ms)
{
    int64_t day, edge_ms = INT64_MAX;

    if (window == NULL || table == NULL || window->n_hours == 0)
        return 0;
    day = zone_time(zone_local(table, utc_ms)).day;
    for (int64_t at = day - 1; at <= day + EDGE_DAYS_MAX; at++) {
        int64_t before = edge_ms;

        day_hours(window, table, at, utc_ms, &edge_ms);
        if (before != INT64_MAX && at > day + 1)
            break;
    }
    return edge_ms == INT64_MAX ? utc_ms + EDGE_DAYS_MAX * DAY_MS : edge_ms;
}

static const PB(ZoneTable) * window_table(const struct machine *m, const struct queue *queue)
{
    return window_of(queue) == NULL ? NULL : zone_table(m, queue->domain, window_of(queue)->zone);
}

int64_t window_closes(const struct machine *m, const struct queue *queue)
{
    const PB(Window) *window = window_of(queue);
    const PB(ZoneTable) *table = window_table(m, queue);
    int64_t edge_ms = queue->edge_ms;

    if (queue->closed_ms != 0)
        return 0;
    /* Hours that follow each other are one; a week of them never closes. */
    for (int tries = 0; tries < EDGES_MAX && edge_ms != 0; tries++) {
        if (!hours_open(window, table, edge_ms))
            return edge_ms;
        edge_ms = next_edge(window, table, edge_ms);
    }
    return 0;
}

int64_t queue_day(const struct machine *m, const struct queue *queue, int64_t time_ms,
                  int64_t *end_ms)
{
    static const PB(ZoneTable) utc = RINGBACK__V1__ZONE_TABLE__INIT;
    const PB(ZoneTable) *table = window_table(m, queue);
    int64_t day;

    if (table == NULL)
        table = &utc;
    day = zone_time(zone_local(table, time_ms)).day;
    *end_ms = zone_minute(table, day + 1, 0);
    return day;
}

static bool queue_serving(const struct queue *queue)
{
    return queue->settings == NULL || queue->settings->serving != RINGBACK__V1__TOGGLE__TOGGLE_OFF;
}

static void set_open(struct machine *m, uint32_t handle, bool open, int64_t time_ms)
{
    struct queue *queue = queue_at(m, handle);
    size_t cursor = 0;
    uint32_t class;

    if (open == (queue->closed_ms == 0))
        return;
    queue->closed_ms = open ? 0 : time_ms;
    while ((class = table_next(&m->classes, &cursor)) != 0)
        if (class_at(m, class)->queue == handle)
            class_activate(m, class);
}

void queue_open_refresh(struct machine *m, uint32_t handle, int64_t time_ms)
{
    struct queue *queue = queue_at(m, handle);
    const PB(Window) *window = window_of(queue);
    const PB(ZoneTable) *table = window_table(m, queue);

    touch(m, ref_make(KIND_QUEUE, handle));
    queue_stir(m, handle);
    queue->edge_ms = next_edge(window, table, time_ms);
    set_open(m, handle, queue_serving(queue) && hours_open(window, table, time_ms), time_ms);
}

/* One by one: whoever was away for days learns when it closed last. */
void queue_edge(struct machine *m, uint32_t handle)
{
    const struct queue *queue = queue_at(m, handle);

    while (queue->edge_ms != 0 && queue->edge_ms <= m->step.now)
        queue_open_refresh(m, handle, queue->edge_ms);
}

uint32_t window_in_zone(const struct machine *m, const char *zone)
{
    size_t cursor = 0;
    uint32_t handle, first = 0;

    while ((handle = table_next(&m->tables[KIND_QUEUE], &cursor)) != 0) {
        const struct queue *queue = queue_at(m, handle);

        if (queue->domain == m->step.domain && window_of(queue) != NULL &&
            strcmp(window_of(queue)->zone, zone) == 0 &&
            (first == 0 || slice_compare(text_at(&m->texts, queue->id),
                                         text_at(&m->texts, queue_at(m, first)->id)) < 0))
            first = handle;
    }
    return first;
}

void windows_refresh(struct machine *m, const char *zone)
{
    struct by_id found = {.count = 0};
    size_t cursor = 0;
    uint32_t handle;

    while ((handle = table_next(&m->tables[KIND_QUEUE], &cursor)) != 0) {
        const struct queue *queue = queue_at(m, handle);

        if (queue->domain == m->step.domain && window_of(queue) != NULL &&
            strcmp(window_of(queue)->zone, zone) == 0)
            by_id_add(m, &found, KIND_QUEUE, handle);
    }
    for (size_t at = 0; at < found.count; at++)
        queue_open_refresh(m, found.handles[at], m->step.now);
}

PB(Reason)
window_refusal(const struct machine *m, const struct queue *queue, int64_t time_ms)
{
    bool now = time_ms <= m->step.now; /* what is due later may find it serving */

    if (queue->settings == NULL ||
        queue->settings->outside_window != RINGBACK__V1__OUTSIDE_WINDOW__OUTSIDE_WINDOW_REFUSE)
        return REASON(UNSPECIFIED);
    return (!now || queue_serving(queue)) &&
                   hours_open(window_of(queue), window_table(m, queue), time_ms)
               ? REASON(UNSPECIFIED)
               : REASON(OUTSIDE_WINDOW);
}
