#include "tests/sim/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/run.h"
#include "tests/sim/client.h"
#include "tests/sim/faults.h"
#include "tests/sim/judge.h"
#include "tests/sim/load.h"
#include "tests/sim/redis.h"
#include "tests/sim/system.h"
#include "tests/support/chance.h"

enum {
    faulty_us = 20 * world_second_us,
    loaded_us = 21 * world_second_us,
    patience_us = 120 * world_second_us, /* until everything is decided, once nothing fails */
    look_us = 100 * world_ms_us
};

#define START_MS INT64_C(1700000000000)

static struct options options;
static int daemons;
static struct run_result *result;
/* --- daemons --- */

static bool is_asked(void *context)
{
    (void)context;
    return process_current()->asked;
}

static void daemon_main(void *context)
{
    struct run_options run = {.options = &options, .stopped = is_asked};
    struct process *process = process_current();
    struct err_note note = {.text = ""};

    (void)context;
    process->exit_err = (int)run_daemon(&run, &note);
    snprintf(process->why, sizeof(process->why), "%.390s", note.text);
    process->ended = true;
    world_trace("process %d.%d ends: %s %s", process->number, process->life,
                err_name((enum err)process->exit_err), process->why);
    process_kill(process, "its end");
}

/* What no fault of the plan may lead to: Kafka has lost nothing. */
static bool is_forbidden(enum err err)
{
    return err == ERR_STORE_AHEAD || err == ERR_STATE_TORN || err == ERR_BAD_STATE ||
           err == ERR_INPUT_LOST;
}

static void start_daemon(void *context)
{
    int number = (int)(intptr_t)context;

    process_start(number, daemon_main, NULL);
}

static bool starting[run_daemons_max];

static void start_again(void *context)
{
    starting[(intptr_t)context] = false;
    start_daemon(context);
}

/* As systemd: who is gone is started again. */
static void supervise(void *context)
{
    bool lives[run_daemons_max] = {false};

    for (struct process *process = process_first(); process != NULL; process = process->next) {
        lives[process->number] |= process->alive;
        if (process->ended && process->exit_err != ERR_OK && is_forbidden(process->exit_err) &&
            result->good) {
            result->good = false;
            snprintf(result->why, sizeof(result->why), "REFUSED daemon %d: %s: %.300s",
                     process->number, err_name((enum err)process->exit_err), process->why);
        }
        if (process->ended && process->exit_err != ERR_OK) {
            process->exit_err = ERR_OK;
            result->refusals++;
        }
    }
    for (int i = 0; i < daemons; i++) {
        if (lives[i] || starting[i])
            continue;
        starting[i] = true;
        result->restarts++;
        world_at(world_now() + world_spread(100000, 3000000), start_again, (void *)(intptr_t)i);
    }
    world_at(world_now() + look_us, supervise, context);
}

/* --- the world --- */

static void set(const char *key, const char *value)
{
    struct err_note note;

    if (options_set(&options, key, value, (struct option_origin){OPTION_SOURCE_FLAG, "sim", 0},
                    &note) != ERR_OK) {
        fprintf(stderr, "%s: %s\n", key, note.text);
        abort();
    }
}

static void set_options(struct chance *chance)
{
    static const char *const records[] = {"1", "3", "20", "1000", "20000"};
    static const char *const timers[] = {"1", "5", "1000"};
    static const char *const backlogs[] = {"0", "3KiB", "64MiB", "64MiB"};
    struct err_note note;

    options_init(&options);
    set("kafka.bootstrap.servers", "simulated:9092");
    set("group", "sim");
    set("session_timeout_ms", "6000");
    set("transaction_timeout_ms", "8000");
    set("batch.records_max", records[chance_below(chance, 5)]);
    set("batch.timers_max", timers[chance_below(chance, 3)]);
    set("redis_backlog", backlogs[chance_below(chance, 4)]);
    if (options_check(&options, &note) != ERR_OK) {
        fprintf(stderr, "options: %s\n", note.text);
        abort();
    }
}

static void begin(uint64_t seed, uint64_t keep, struct chance *chance)
{
    static const int64_t each_ms[] = {10, 30, 100, 400, 3000};
    int32_t partitions = 1 + (int32_t)chance_below(chance, 3);

    daemons = 1 + (int)chance_below(chance, 3);
    set_options(chance);
    world_begin(seed);
    system_begin(START_MS);
    broker_begin(partitions);
    redis_begin(partitions);
    client_begin(options.topic_names);
    faults_plan(seed, daemons, partitions, faulty_us);
    for (int i = 0; i < fault_count; i++)
        faults[i].kept = (keep >> i & 1) != 0;
    faults_begin();
    load_begin(seed, loaded_us, each_ms[chance_below(chance, 5)] * world_ms_us);
    memset(starting, 0, sizeof(starting));
    for (int i = 0; i < daemons; i++) {
        starting[i] = true;
        world_at((int64_t)world_below(3 * world_second_us), start_again, (void *)(intptr_t)i);
    }
    supervise(NULL);
}

static void end(void)
{
    load_end();
    world_end();
    client_end();
    redis_end();
    broker_end();
    options_deinit(&options);
}

static bool any_happened(enum fault_kind kind)
{
    for (int i = 0; i < fault_count; i++) {
        if (faults[i].kind == kind && faults[i].happened)
            return true;
    }
    return false;
}

static void judge(void)
{
    struct judge_options judged = {
        .options = &options,
        .clocks_right = !any_happened(FAULT_CLOCK_FORTH) && !any_happened(FAULT_CLOCK_BACK),
        .redis_wild = any_happened(FAULT_REDIS_LOST_KEY),
    };
    char why[run_why_bytes];

    if (result->good && !judge_all(&judged, why)) {
        result->good = false;
        snprintf(result->why, sizeof(result->why), "%s", why);
    }
}

void run_seed(uint64_t seed, uint64_t keep, struct run_result *out)
{
    struct chance chance = {.seed = seed, .state = seed + UINT64_C(0x2545f4914f6cdd1d)};

    *out = (struct run_result){.good = true};
    result = out;
    begin(seed, keep, &chance);
    world_run(faulty_us);
    faults_heal();
    world_run(loaded_us + look_us);
    while (result->good && judge_unquiet() != NULL && world_now() < loaded_us + patience_us)
        world_run(world_now() + look_us);
    result->quiet_us = world_now() - faulty_us;
    if (result->good && judge_unquiet() != NULL) {
        result->good = false;
        snprintf(result->why, sizeof(result->why), "STUCK %s, %d s after the last fault",
                 judge_unquiet(), patience_us / world_second_us);
    }
    judge();
    world_trace("the end: %s", result->good ? "good" : result->why);
    for (int i = 0; i < fault_count; i++) {
        if (faults[i].happened)
            fault_say(&faults[i], result->said[result->faults++]);
    }
    result->digest = world_digest();
    result->sent = load_sent();
    end();
}
