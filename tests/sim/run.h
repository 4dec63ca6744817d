/* One run of the world: daemons, load, faults, heal, judgement. */
#ifndef RINGBACK_TESTS_SIM_RUN_H
#define RINGBACK_TESTS_SIM_RUN_H

#include <stdbool.h>
#include <stdint.h>

enum { run_daemons_max = 3, run_why_bytes = 500, run_faults_max = 16, run_fault_bytes = 200 };

struct run_result {
    bool good;
    char why[run_why_bytes]; /* its first word names what is broken */
    uint64_t digest;         /* of all that happened */
    uint64_t sent;           /* events */
    uint64_t restarts, refusals;
    int faults; /* that happened, and what they were */
    char said[run_faults_max][run_fault_bytes];
    int64_t quiet_us; /* from the end of faults until everything was decided */
};

/* keep: which faults of the plan happen, bit by bit. */
void run_seed(uint64_t seed, uint64_t keep, struct run_result *result);

#endif
