/* When a callback is due: an instant, or a local time whose instant follows the zone's rules (2.2,
 * 2.3). */
#include "state/internal.h"

#include <assert.h>

#include "state/zones.h"

/* 2.3. Far times are told before they are reckoned with: no clock is more than a day off. */
static PB(Reason) due_local(struct machine *m, const PB(LocalTime) * local, struct due *due)
{
    const PB(ZoneTable) *table = zone_table(m, m->step.domain, local->zone);

    if (table == NULL)
        return REASON(ZONE_UNKNOWN);
    if (local->local_ms < m->step.when - DAY_MS)
        return REASON(IN_THE_PAST);
    if (local->local_ms - DAY_MS > m->step.when + LIMIT_SCHEDULE_AHEAD_MS)
        return REASON(TOO_FAR_AHEAD);
    due->zone = entity_find(m, KIND_ZONE, m->step.domain, slice_text(local->zone));
    due->local_ms = local->local_ms;
    due->ms = zone_utc(table, local->local_ms);
    return REASON(UNSPECIFIED);
}

PB(Reason)
due_choose(struct machine *m, int64_t due_ms, const PB(LocalTime) * local, int64_t left_out_ms,
           struct due *due)
{
    PB(Reason) reason = REASON(UNSPECIFIED);

    *due = (struct due){.ms = due_ms};
    if (due_ms == 0 && local != NULL)
        reason = due_local(m, local, due);
    else if (due_ms == 0)
        due->ms = left_out_ms;
    if (reason != REASON(UNSPECIFIED))
        return reason;
    if (due->ms <= m->step.when)
        return REASON(IN_THE_PAST);
    return due->ms - m->step.when > LIMIT_SCHEDULE_AHEAD_MS ? REASON(TOO_FAR_AHEAD)
                                                            : REASON(UNSPECIFIED);
}

void due_set(struct machine *m, struct callback *cb, const struct due *due)
{
    cb->due_ms = due->ms;
    if (due->zone == 0 && cb->extra == 0)
        return;
    extra_get(m, cb)->local_zone = due->zone;
    extra_get(m, cb)->local_ms = due->local_ms;
}

/* --- rules that change before due (2.3) --- */

static int compare_before_all(const void *user, uint32_t sought, uint32_t entry)
{
    (void)user;
    (void)sought;
    (void)entry;
    return -1;
}

void zone_apply(struct machine *m, uint32_t handle, int64_t from_local_ms)
{
    struct zone *zone = zone_at(m, handle);
    struct order_compare how = {compare_before_all, m};
    struct order_cursor cursor;
    uint32_t *moved;
    int64_t count = 0;

    touch(m, ref_make(KIND_ZONE, handle));
    zone->apply_ms = zone->apply_local_ms = 0;
    if (zone->table == NULL ||
        !order_seek(&zone->scheduled, &m->nodes, from_local_ms, 0, how, &cursor))
        return;
    moved = arena_alloc(m->step.arena, (size_t)LIMIT_FAN_OUT_MAX * sizeof(*moved));
    do {
        int64_t local_ms = order_key_at(&cursor);

        if (zone_utc(zone->table, local_ms) == callback_at(m, order_at(&cursor))->due_ms)
            continue;
        if (count == LIMIT_FAN_OUT_MAX) {
            zone->apply_ms = m->step.now;
            zone->apply_local_ms = local_ms;
            break;
        }
        moved[count++] = order_at(&cursor);
    } while (order_next(&m->nodes, &cursor));
    for (int64_t at = 0; at < count; at++) {
        const struct extra *extra = extra_of(m, callback_at(m, moved[at]));

        assert(extra != NULL);
        callback_due_moves(m, moved[at], zone_utc(zone->table, extra->local_ms));
    }
}

void zone_fire(struct machine *m, uint32_t handle)
{
    zone_apply(m, handle, zone_at(m, handle)->apply_local_ms);
}
