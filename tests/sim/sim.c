/* make sim: the daemon in a simulated world, seed by seed, until something breaks.
 *
 *   sim [--seed N] [--runs N] [--keep BITS] [--trace] [--twice] [--stop-at-first] [--all-kinds]
 *   sim --suite
 *
 * Each run prints nothing unless it fails; a failure is shrunk to the fewest faults, but with
 * --stop-at-first. At the end:
 * how often each fault and each labelled point came. Exit 1: something failed, or --all-kinds is
 * given and a kind never came. --suite: the broker by itself (suite.h). */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/sim/client.h"
#include "tests/sim/faults.h"
#include "tests/sim/run.h"
#include "tests/sim/suite.h"
#include "tests/sim/system.h"
#include "tests/sim/world.h"

enum { chunk = 20, failures_max = 1000 };

/* What a child tells: shared memory, so that its death loses nothing. */
struct shared {
    uint64_t seed; /* under way */
    uint64_t runs, events, deaths, restarts, refusals, aborts;
    uint64_t quiet_us, quiet_us_max, quiet_seed;
    uint64_t happened[FAULT_COUNT];
    uint64_t reached[POINT_COUNT];
    uint64_t died[POINT_COUNT];
    int failures;
    uint64_t failed[failures_max];
    struct run_result last;
};

static struct shared *shared;
static bool twice, stop_at_first;

static void add_counts(const struct run_result *result)
{
    uint64_t quiet_us = (uint64_t)result->quiet_us;

    shared->runs++;
    shared->events += result->sent;
    shared->restarts += result->restarts;
    shared->refusals += result->refusals;
    shared->quiet_us += quiet_us;
    if (quiet_us > shared->quiet_us_max) {
        shared->quiet_us_max = quiet_us;
        shared->quiet_seed = shared->seed;
    }
    shared->aborts += system_aborts;
    system_aborts = 0;
    for (int i = 0; i < FAULT_COUNT; i++)
        shared->happened[i] += faults_happened[i];
    for (int i = 0; i < POINT_COUNT; i++) {
        shared->reached[i] += points_reached[i];
        shared->died[i] += points_died[i];
    }
    memset(faults_happened, 0, sizeof(faults_happened));
    memset(points_reached, 0, sizeof(points_reached));
    memset(points_died, 0, sizeof(points_died));
}

static void run_one(uint64_t seed, uint64_t keep)
{
    struct run_result result;

    shared->seed = seed;
    snprintf(shared->last.why, sizeof(shared->last.why), "CRASHED");
    shared->last.good = false;
    run_seed(seed, keep, &result);
    add_counts(&result);
    if (twice && result.good) {
        struct run_result again;

        run_seed(seed, keep, &again);
        if (again.digest != result.digest) {
            result.good = false;
            snprintf(result.why, sizeof(result.why), "RANDOM two runs of one seed differ");
        }
    }
    shared->last = result;
}

/* In a child: what it leaves behind when processes are killed goes with it. */
static void run_child(uint64_t from, uint64_t count, uint64_t keep)
{
    int before = shared->failures;
    pid_t child;
    int status;

    fflush(stdout);
    child = fork();
    if (child == 0) {
        for (uint64_t seed = from;
             seed < from + count && !(stop_at_first && shared->failures > before); seed++) {
            run_one(seed, keep);
            if (!shared->last.good && shared->failures < failures_max)
                shared->failed[shared->failures++] = seed;
        }
        fflush(stdout);
        _exit(0);
    }
    (void)waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    if (shared->failures < failures_max)
        shared->failed[shared->failures++] = shared->seed;
    if (!stop_at_first && shared->seed + 1 < from + count)
        run_child(shared->seed + 1, from + count - shared->seed - 1, keep);
}

static bool fails(uint64_t seed, uint64_t keep)
{
    int before = shared->failures;

    run_child(seed, 1, keep);
    return shared->failures > before;
}

/* Shrunk: one fault after the other is left out, as long as it fails in the same way. */
static void say_failure(uint64_t seed)
{
    uint64_t keep = (UINT64_C(1) << faults_max) - 1;
    struct run_result first, least;
    char word[32] = "";

    if (!fails(seed, keep)) {
        printf("seed %" PRIu64 ": failed once, and not again\n", seed);
        return;
    }
    first = least = shared->last;
    if (stop_at_first) { /* that it fails is what was asked */
        printf("seed %" PRIu64 ": %s\n", seed, first.why);
        return;
    }
    sscanf(first.why, "%31s", word);
    for (int i = 0; i < faults_max; i++) {
        uint64_t less = keep & ~(UINT64_C(1) << i);

        if (fails(seed, less) && strncmp(shared->last.why, word, strlen(word)) == 0) {
            keep = less;
            least = shared->last;
        }
    }
    printf("seed %" PRIu64 ": %s\n  with the fewest faults (--seed %" PRIu64 " --keep %" PRIu64
           " --trace): %s\n",
           seed, first.why, seed, keep, least.why);
    for (int i = 0; i < least.faults; i++)
        printf("  %s\n", least.said[i]);
}

static int say_counts(bool all_kinds)
{
    int missing = 0;

    printf("%-26s %10s\n", "fault", "happened");
    for (int i = 0; i < FAULT_COUNT; i++) {
        printf("%-26s %10" PRIu64 "  %s\n", fault_name((enum fault_kind)i), shared->happened[i],
               fault_text((enum fault_kind)i));
        missing += shared->happened[i] == 0;
    }
    printf("%-26s %10s %8s\n", "point", "reached", "died");
    for (int i = 0; i < POINT_COUNT; i++) {
        bool simulated = i != POINT_store_filling; /* of big states only */

        printf("%-26s %10" PRIu64 " %8" PRIu64 "\n", fault_point_name((enum point)i),
               shared->reached[i], shared->died[i]);
        missing += simulated && shared->died[i] == 0;
    }
    return all_kinds ? missing : 0;
}

static int suite_failed = -1;

static void suite_main(void *context)
{
    const char *const *names = context;

    suite_failed = suite_run("simulated:9092", names[TOPIC_STATE], names[TOPIC_JOURNAL]);
}

/* In a world of one process. */
static int run_suite(void)
{
    static const char *const names[TOPIC_COUNT] = {
        "settings", "interactions", "presence", "flows", "commands",
        "routing",  "analytics",    "results",  "state", "journal"};

    world_begin(1);
    system_begin(0);
    broker_begin(1);
    client_begin(names);
    process_start(0, suite_main, (void *)(uintptr_t)names);
    world_run(1000 * (int64_t)world_second_us);
    world_end();
    client_end();
    broker_end();
    return suite_failed != 0;
}

int main(int argc, char **argv)
{
    uint64_t seed = 1, runs = 100, keep = UINT64_MAX, done;
    bool loud_log = false, all_kinds = false;
    int missing;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            seed = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--runs") == 0 && i + 1 < argc)
            runs = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--keep") == 0 && i + 1 < argc)
            keep = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--suite") == 0)
            return run_suite();
        else if (strcmp(argv[i], "--trace") == 0)
            world_loud = loud_log = true;
        else if (strcmp(argv[i], "--twice") == 0)
            twice = true;
        else if (strcmp(argv[i], "--all-kinds") == 0)
            all_kinds = true;
        else if (strcmp(argv[i], "--stop-at-first") == 0)
            stop_at_first = true;
        else {
            fprintf(stderr,
                    "sim: what is %s? There are --seed N, --runs N, --keep BITS, --trace, --twice, "
                    "--stop-at-first, --all-kinds and --suite\n",
                    argv[i]);
            return 2;
        }
    }
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    log_init(loud_log ? 1 : open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_LEVEL_INFO,
             LOG_FORMAT_TEXT);
    if (world_loud) {
        (void)setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
        run_one(seed, keep);
        printf("seed %" PRIu64 ": %s\n", seed, shared->last.good ? "good" : shared->last.why);
        return !shared->last.good;
    }
    for (done = 0; done < runs && !(stop_at_first && shared->failures > 0); done += chunk)
        run_child(seed + done, runs - done < chunk ? runs - done : chunk, keep);
    missing = say_counts(all_kinds);
    printf("%" PRIu64 " runs from seed %" PRIu64 ": %d failed, %" PRIu64 " events, %" PRIu64
           " restarts, %" PRIu64 " refusals, %" PRIu64 " watchdogs, quiet after %.1f s (at most "
           "%.1f s, seed %" PRIu64 ")\n",
           shared->runs, seed, shared->failures, shared->events, shared->restarts, shared->refusals,
           shared->aborts,
           shared->runs == 0 ? 0 : (double)shared->quiet_us / (double)shared->runs / 1e6,
           (double)shared->quiet_us_max / 1e6, shared->quiet_seed);
    if (missing > 0)
        printf("%d kinds of faults or points never came\n", missing);
    int count = shared->failures;
    for (int i = 0; i < count && i < 5; i++)
        say_failure(shared->failed[i]);
    return count > 0 || missing > 0;
}
