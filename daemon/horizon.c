#include "daemon/horizon.h"

void horizon_init(struct horizon *horizon, const struct horizon_options *options, int64_t now_ms)
{
    *horizon = (struct horizon){
        .options = *options, .tried_ms = INT64_MIN / 2, .silent_since_ms = INT64_MAX};
    for (int i = 0; i < INPUT_COUNT; i++) {
        horizon->moved_ms[i] = now_ms;
        horizon->read_to[i] = -1;
    }
}

bool horizon_wants_ends(const struct horizon *horizon, int64_t due_ms, int64_t now_ms)
{
    return due_ms <= now_ms && due_ms > horizon->proven_ms && !horizon->asked &&
           now_ms >= horizon->tried_ms + horizon_ask_ms_min;
}

void horizon_answer(struct horizon *horizon, const int64_t ends[INPUT_COUNT], int64_t now_ms)
{
    for (int i = 0; i < INPUT_COUNT; i++)
        horizon->ends[i] = ends[i];
    horizon->asked = true;
    horizon->asked_ms = now_ms;
    horizon->tried_ms = now_ms;
    horizon->silent_since_ms = INT64_MAX;
}

void horizon_silence(struct horizon *horizon, int64_t now_ms)
{
    horizon->tried_ms = now_ms;
    if (horizon->silent_since_ms == INT64_MAX)
        horizon->silent_since_ms = now_ms;
}

static void raise_to(int64_t *value, int64_t ms)
{
    if (ms > *value)
        *value = ms;
}

/* Since when something stands between us and the ends; INT64_MAX: nothing does. */
static int64_t stuck_since(const struct horizon *horizon)
{
    int64_t since_ms = horizon->silent_since_ms;

    for (int i = 0; horizon->asked && i < INPUT_COUNT; i++) {
        if (horizon->read_to[i] < horizon->ends[i] && horizon->moved_ms[i] < since_ms)
            since_ms = horizon->moved_ms[i];
    }
    return since_ms;
}

bool horizon_update(struct horizon *horizon, const struct horizon_input inputs[INPUT_COUNT],
                    int64_t now_ms, int64_t *horizon_ms, int64_t *horizon_stop_ms)
{
    bool all_read = true, all_waiting = true;
    int64_t oldest_ms = INT64_MAX, since_ms;

    for (int i = 0; i < INPUT_COUNT; i++) {
        bool read = horizon->asked && inputs[i].read_to >= horizon->ends[i];

        if (inputs[i].read_to != horizon->read_to[i] || read || !horizon->asked)
            horizon->moved_ms[i] = now_ms;
        horizon->read_to[i] = inputs[i].read_to;
        all_read &= read;
        all_waiting &= inputs[i].waiting;
        if (inputs[i].waiting && inputs[i].waiting_ms < oldest_ms)
            oldest_ms = inputs[i].waiting_ms;
    }
    if (all_read) {
        raise_to(&horizon->proven_ms, horizon->asked_ms);
        horizon->asked = false;
    }
    /* Another record of that millisecond may follow, and records go first. One stamped above the
     * clock is merged at the clock: so is what follows it. */
    if (all_waiting)
        raise_to(&horizon->proven_ms, (oldest_ms < now_ms ? oldest_ms : now_ms) - 1);
    *horizon_ms = *horizon_stop_ms = horizon->proven_ms < now_ms ? horizon->proven_ms : now_ms;
    since_ms = stuck_since(horizon);
    if (since_ms == INT64_MAX || now_ms - since_ms < horizon->options.wait_ms)
        return false;
    raise_to(horizon_ms, now_ms - horizon->options.wait_ms);
    if (now_ms - since_ms >= horizon->options.wait_stop_ms)
        raise_to(horizon_stop_ms, now_ms - horizon->options.wait_stop_ms);
    return true;
}
