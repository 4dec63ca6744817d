#include "tests/sim/faults.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/client.h"
#include "tests/sim/redis.h"
#include "tests/support/chance.h"

static const char *const names[FAULT_COUNT] = {
#define NAME_(name, text) #name,
    FAULT_MAP(NAME_)
#undef NAME_
};

static const char *const texts[FAULT_COUNT] = {
#define TEXT_(name, text) text,
    FAULT_MAP(TEXT_)
#undef TEXT_
};

static const char *const point_names[POINT_COUNT] = {
#define POINT_NAME_(name, text) #name,
    POINT_MAP(POINT_NAME_)
#undef POINT_NAME_
};

struct fault faults[faults_max];
int fault_count;
uint64_t faults_happened[FAULT_COUNT];
uint64_t points_reached[POINT_COUNT];
uint64_t points_died[POINT_COUNT];

static bool healed;
static int64_t cut_us[8]; /* by daemon */

const char *fault_name(enum fault_kind kind)
{
    return names[kind];
}

const char *fault_text(enum fault_kind kind)
{
    return texts[kind];
}

const char *fault_point_name(enum point point)
{
    return point_names[point];
}

static int64_t draw_span(struct chance *chance)
{
    static const int64_t spans_ms[] = {5, 50, 300, 1000, 3000, 8000, 20000};

    return (int64_t)chance_below(chance, (uint64_t)spans_ms[chance_below(chance, 7)] + 1) *
               world_ms_us +
           1;
}

/* Requests first of all: they are what the protocol is about. */
static enum fault_kind draw_kind(struct chance *chance)
{
    return (enum fault_kind)chance_below(chance,
                                         chance_below(chance, 4) == 0 ? FAULT_CUT : FAULT_SKIPPED);
}

static void draw_fault(struct chance *chance, struct fault *fault, int daemons, int partitions,
                       int64_t until_us)
{
    static const int apis[] = {api_produce,         api_produce, api_add_partitions,
                               api_end_transaction, api_fetch,   api_end_transaction,
                               api_init_producer,   api_offsets, api_end_transaction};

    fault->at_us = (int64_t)chance_below(chance, (uint64_t)until_us);
    fault->span_us = draw_span(chance);
    fault->who = (int)chance_below(chance, (uint64_t)daemons);
    fault->api = apis[chance_below(chance, 9)];
    fault->nth = 1 + (int)chance_below(chance, chance_below(chance, 2) == 0 ? 4 : 300);
    fault->topic =
        chance_below(chance, 2) == 0 ? TOPIC_STATE : (int)chance_below(chance, TOPIC_COUNT);
    fault->partition = (int)chance_below(chance, (uint64_t)partitions);
    fault->point = (enum point)chance_below(chance, POINT_COUNT);
    if (fault->kind == FAULT_KILLED_AT_POINT)
        fault->nth = 1 + (int)chance_below(chance, 3);
    fault->kept = true;
    /* One that comes while the next transaction is half done; and a sleep in which another took
     * the partition. */
    if (fault->kind == FAULT_REQUEST_LATE)
        fault->span_us = (int64_t)chance_below(chance, 400) * world_ms_us;
    else if (fault->kind == FAULT_KILLED_AT_POINT && fault->point <= POINT_take_over_seeked)
        fault->at_us /= 16; /* before the first take-overs are over */
    else if (fault->kind == FAULT_FROZEN && chance_below(chance, 2) == 0)
        fault->span_us = (int64_t)(7000 + chance_below(chance, 5000)) * world_ms_us;
}

/* Faults that break something only together, more often than chance brings them together; above
 * this seed in every other run. */
enum { recipes_from_seed = 100000 };

static void follow_recipe(struct chance *chance, int recipe)
{
    int64_t at_us = faults[0].at_us;

    for (int i = 0; i < fault_count; i++) {
        struct fault *fault = &faults[i];
        bool first = i % 2 == 0;

        if (recipe == 0) { /* asleep while another decides, and back with what it had in mind */
            fault->kind = FAULT_FROZEN;
            fault->span_us = (int64_t)(7000 + chance_below(chance, 2000)) * world_ms_us;
        } else if (recipe == 1) { /* a take-over while `state` cannot be read to its end */
            fault->kind = first ? FAULT_HANGING : i == 1 ? FAULT_STOPPED : FAULT_KILLED;
            fault->topic = TOPIC_STATE;
            fault->nth = 1;
            fault->at_us =
                at_us + (first ? 0 : (int64_t)(20 + chance_below(chance, 1500)) * world_ms_us);
            fault->span_us = (int64_t)(500 + chance_below(chance, 6000)) * world_ms_us;
        } else if (recipe == 2) { /* an end of a transaction that comes in the midst of the next */
            fault->kind = FAULT_REQUEST_LATE;
            fault->api = api_end_transaction;
            fault->nth = 1 + (int)chance_below(chance, 30);
            fault->span_us = (int64_t)(20 + chance_below(chance, 400)) * world_ms_us;
        } else { /* a take-over whose answers are slow to come */
            fault->kind = i == 0 ? FAULT_KILLED : FAULT_REQUEST_LATE;
            fault->who = faults[0].who;
            fault->api = api_fetch;
            fault->nth = i == 0 ? 1 : 1 + (int)chance_below(chance, 12);
            fault->at_us = at_us + i;
            fault->span_us = (int64_t)(250 + chance_below(chance, 1000)) * world_ms_us;
        }
    }
}

void faults_plan(uint64_t seed, int daemons, int partitions, int64_t until_us)
{
    struct chance draw = {.seed = seed, .state = seed ^ UINT64_C(0x5851f42d4c957f2d)};
    struct chance *chance = &draw;
    enum fault_kind kinds[4];
    int64_t around_us = (int64_t)chance_below(chance, (uint64_t)until_us);
    bool close = chance_below(chance, 2) == 0; /* all at about the same time */

    fault_count = 1 + (int)chance_below(chance, 9);
    for (int i = 0; i < 4; i++) /* few kinds a run: they meet more often */
        kinds[i] = draw_kind(chance);
    for (int i = 0; i < fault_count; i++) {
        struct fault *fault = &faults[i];

        *fault = (struct fault){.kind = kinds[chance_below(chance, 4)]};
        draw_fault(chance, fault, daemons, partitions, until_us);
        if (close)
            fault->at_us = around_us + fault->at_us / 10;
        if (fault->at_us > until_us)
            fault->at_us = until_us;
    }
    if (chance_below(chance, seed > recipes_from_seed ? 2 : 6) == 0)
        follow_recipe(chance, seed > recipes_from_seed ? 2 + (int)chance_below(chance, 2)
                                                       : (int[]){0, 1, 3}[chance_below(chance, 3)]);
    if (chance_below(chance, 12) == 0) { /* early: only what was never written to can skip */
        faults[0].kind = FAULT_SKIPPED;
        faults[0].at_us /= 16;
        faults[0].nth = 1 + (int)chance_below(chance, 6);
    }
}

void fault_say(const struct fault *fault, char text[200])
{
    const char *topic = topic_short_name((enum topic)fault->topic);
    double at_s = (double)fault->at_us / 1e6, span_s = (double)fault->span_us / 1e6;

    switch (fault->kind) {
    case FAULT_REQUEST_LOST:
    case FAULT_REPLY_LOST:
    case FAULT_REQUEST_LATE:
        snprintf(text, 200, "from %.3f s on: %s: of daemon %d, API %d, %.3f s", at_s,
                 texts[fault->kind], fault->who, fault->api, span_s);
        break;
    case FAULT_KILLED_AT_POINT:
    case FAULT_FROZEN_AT_POINT:
        snprintf(text, 200, "from %.3f s on: %s: %d, %s, %.3f s", at_s, texts[fault->kind],
                 fault->who, point_names[fault->point], span_s);
        break;
    case FAULT_CUT:
    case FAULT_SKIPPED:
    case FAULT_KILLED:
    case FAULT_FROZEN:
    case FAULT_STOPPED:
    case FAULT_CLOCK_FORTH:
    case FAULT_CLOCK_BACK:
        snprintf(text, 200, "%.3f s: %s: %d, %.3f s", at_s, texts[fault->kind], fault->who, span_s);
        break;
    case FAULT_TRANSACTIONS_AWAY:
    case FAULT_GROUP_AWAY:
    case FAULT_LEADER_AWAY:
    case FAULT_MARKERS_LATE:
    case FAULT_HANGING:
    case FAULT_FOREIGN_MARKER:
    case FAULT_COMPACTED:
    case FAULT_REDIS_CUT:
    case FAULT_REDIS_REPLY_LOST:
    case FAULT_REDIS_AWAY:
    case FAULT_REDIS_WIPED:
    case FAULT_REDIS_OLD:
    case FAULT_REDIS_LOST_KEY:
    case FAULT_COUNT:
        snprintf(text, 200, "%.3f s: %s: %s [%d], %.3f s", at_s, texts[fault->kind], topic,
                 fault->partition, span_s);
        break;
    }
}

static void happens(struct fault *fault)
{
    char text[200];

    fault->armed = false;
    fault->happened = true;
    faults_happened[fault->kind]++;
    fault_say(fault, text);
    world_trace("FAULT %s: %s", names[fault->kind], text);
}

static struct process *daemon_of(int number)
{
    for (struct process *process = process_first(); process != NULL; process = process->next) {
        if (process->alive && process->number == number)
            return process;
    }
    return NULL;
}

/* The first fault of that kind that waits for this daemon (-1: any), and whose turn it is. */
static struct fault *met(enum fault_kind kind, int who, int api, int point)
{
    for (int i = 0; i < fault_count; i++) {
        struct fault *fault = &faults[i];

        if (!fault->armed || fault->kind != kind || fault->who != who ||
            (api >= 0 && fault->api != api) || (point >= 0 && (int)fault->point != point))
            continue;
        if (--fault->nth <= 0)
            return fault;
    }
    return NULL;
}

/* --- hooks --- */

static enum fate fate_of(struct process *process, int api, int64_t *late_us)
{
    struct fault *fault;

    if (healed)
        return FATE_ARRIVES;
    if (cut_us[process->number] > world_now())
        return FATE_LOST;
    if ((fault = met(FAULT_REQUEST_LOST, process->number, api, -1)) != NULL) {
        happens(fault);
        return FATE_LOST;
    }
    if (api != api_fetch && (fault = met(FAULT_REPLY_LOST, process->number, api, -1)) != NULL) {
        happens(fault);
        return FATE_REPLY_LOST;
    }
    if ((fault = met(FAULT_REQUEST_LATE, process->number, api, -1)) != NULL) {
        happens(fault);
        *late_us = fault->span_us;
        return FATE_LATE;
    }
    return FATE_ARRIVES;
}

static bool skips(struct process *process)
{
    struct fault *fault = healed ? NULL : met(FAULT_SKIPPED, process->number, -1, -1);

    if (fault == NULL)
        return false;
    happens(fault);
    return true;
}

static void on_io(struct process *process, const char *what)
{
    struct fault *fault = healed ? NULL : met(FAULT_KILLED, process->number, -1, -1);

    if (fault == NULL)
        return;
    happens(fault);
    process_kill(process, what);
}

void point_reach(enum point point)
{
    struct process *process = process_current();
    struct fault *fault;

    if (process == NULL)
        return;
    points_reached[point]++;
    if (healed)
        return;
    fault = met(FAULT_FROZEN_AT_POINT, process->number, -1, (int)point);
    if (fault != NULL) {
        happens(fault);
        process_freeze(process, world_now() + fault->span_us);
        task_wait(process->frozen_us);
    }
    fault = met(FAULT_KILLED_AT_POINT, process->number, -1, (int)point);
    if (fault != NULL) {
        happens(fault);
        points_died[point]++;
        process_kill(process, point_names[point]);
    }
}

/* --- those that wait for nothing --- */

/* Mostly on `state`: that is where it could do harm. */
static enum topic hanging_topic(const struct fault *fault)
{
    return fault->topic < INPUT_COUNT ? TOPIC_STATE : (enum topic)fault->topic;
}

static void unhang(void *context)
{
    const struct fault *fault = context;

    broker_unhang(hanging_topic(fault), fault->partition);
}

static void hang(struct fault *fault)
{
    broker_hang(hanging_topic(fault), fault->partition);
    world_at(world_now() + fault->span_us, unhang, fault);
}

static void do_now(struct fault *fault)
{
    struct process *process = daemon_of(fault->who);
    int64_t until_us = world_now() + fault->span_us;
    bool done = true;

    switch (fault->kind) {
    case FAULT_CUT: cut_us[fault->who] = until_us; break;
    case FAULT_TRANSACTIONS_AWAY: broker_transactions_away(until_us); break;
    case FAULT_GROUP_AWAY: broker_group_away(until_us); break;
    case FAULT_LEADER_AWAY:
        broker_leader_away((enum topic)fault->topic, fault->partition, until_us);
        break;
    case FAULT_MARKERS_LATE: broker_markers_late(fault->span_us); break;
    case FAULT_HANGING: hang(fault); break;
    case FAULT_FOREIGN_MARKER:
        broker_append_marker((enum topic)(fault->topic % INPUT_COUNT), fault->partition);
        break;
    case FAULT_COMPACTED:
        done = broker_compact(TOPIC_STATE, fault->partition, fault->span_us) > 0;
        break;
    case FAULT_FROZEN:
        done = process != NULL;
        if (done)
            process_freeze(process, until_us);
        break;
    case FAULT_STOPPED:
        done = process != NULL;
        if (done)
            process->asked = true;
        break;
    case FAULT_CLOCK_FORTH:
    case FAULT_CLOCK_BACK:
        done = process != NULL;
        if (done)
            process->wall_us += fault->kind == FAULT_CLOCK_BACK ? -fault->span_us : fault->span_us;
        break;
    case FAULT_REDIS_CUT:
    case FAULT_REDIS_REPLY_LOST: redis_cut(fault->kind == FAULT_REDIS_REPLY_LOST); break;
    case FAULT_REDIS_AWAY: redis_away(until_us); break;
    case FAULT_REDIS_WIPED: redis_wipe(fault->partition); break;
    case FAULT_REDIS_OLD: redis_bring_back(fault->partition); break;
    case FAULT_REDIS_LOST_KEY: done = redis_lose(fault->partition); break;
    case FAULT_REQUEST_LOST:
    case FAULT_REPLY_LOST:
    case FAULT_REQUEST_LATE:
    case FAULT_KILLED:
    case FAULT_KILLED_AT_POINT:
    case FAULT_FROZEN_AT_POINT:
    case FAULT_SKIPPED:
    case FAULT_COUNT: done = false; break;
    }
    if (done)
        happens(fault);
}

static void begins(void *context)
{
    struct fault *fault = context;

    if (healed)
        return;
    switch (fault->kind) {
    case FAULT_REQUEST_LOST:
    case FAULT_REPLY_LOST:
    case FAULT_REQUEST_LATE:
    case FAULT_KILLED:
    case FAULT_KILLED_AT_POINT:
    case FAULT_FROZEN_AT_POINT:
    case FAULT_SKIPPED: fault->armed = true; break;
    case FAULT_CUT:
    case FAULT_TRANSACTIONS_AWAY:
    case FAULT_GROUP_AWAY:
    case FAULT_LEADER_AWAY:
    case FAULT_MARKERS_LATE:
    case FAULT_HANGING:
    case FAULT_FOREIGN_MARKER:
    case FAULT_COMPACTED:
    case FAULT_FROZEN:
    case FAULT_STOPPED:
    case FAULT_CLOCK_FORTH:
    case FAULT_CLOCK_BACK:
    case FAULT_REDIS_CUT:
    case FAULT_REDIS_REPLY_LOST:
    case FAULT_REDIS_AWAY:
    case FAULT_REDIS_WIPED:
    case FAULT_REDIS_OLD:
    case FAULT_REDIS_LOST_KEY:
    case FAULT_COUNT: do_now(fault); break;
    }
}

static void dump(void *context)
{
    redis_dump(((const struct fault *)context)->partition);
}

void faults_begin(void)
{
    healed = false;
    memset(cut_us, 0, sizeof(cut_us));
    client_fate = fate_of;
    client_skips = skips;
    world_on_io = on_io;
    for (int i = 0; i < fault_count; i++) {
        faults[i].armed = faults[i].happened = false;
        if (!faults[i].kept)
            continue;
        world_at(faults[i].at_us, begins, &faults[i]);
        if (faults[i].kind == FAULT_REDIS_OLD)
            world_at(faults[i].at_us > faults[i].span_us ? faults[i].at_us - faults[i].span_us : 0,
                     dump, &faults[i]);
    }
}

void faults_heal(void)
{
    healed = true;
    broker_transactions_away(0);
    broker_group_away(0);
    broker_markers_late(0);
    redis_away(0);
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        for (int32_t i = 0; i < broker_partitions(); i++) {
            broker_leader_away((enum topic)topic, i, 0);
            if (topic >= TOPIC_ROUTING)
                broker_unhang((enum topic)topic, i);
        }
    }
    for (struct process *process = process_first(); process != NULL; process = process->next) {
        if (process->frozen_us > world_now())
            process->frozen_us = world_now();
    }
    world_trace("everything is healed");
}
