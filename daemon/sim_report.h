/* What a simulated day came to: the table, its JSON, and one callback told in words. */
#ifndef RINGBACK_DAEMON_SIM_REPORT_H
#define RINGBACK_DAEMON_SIM_REPORT_H

#include <stdio.h>

#include "daemon/sim_world.h"

struct sim_spread {
    int64_t p50_ms, p90_ms, max_ms; /* nearest rank; -1: of nobody */
};

/* One column of the table. */
struct sim_figures {
    size_t callers;
    size_t served, abandoned, waiting; /* waiting: in the line at the end */
    struct sim_spread wait;            /* of the served */
    size_t made, kept, failed, open;   /* callbacks; open: neither at the end */
    struct sim_spread to_callback;     /* from asking to the answer */
    int64_t busy_ms, present_ms;
    /* Customers who were called first. */
    size_t answered, alone, alone_hung_up; /* alone: no agent was free when they answered */
    struct sim_spread alone_wait;          /* theirs, until an agent came or they hung up */
};

struct sim_report {
    const char *file;
    const char *zone;
    const struct sim_model *model;
    const struct sim_options *options;
    const struct sim_outcome_of_run *without, *with;
    struct sim_figures figures_recorded, figures_without, figures_with;
    size_t lost;                      /* hung up without callbacks */
    size_t lost_called, lost_on_line; /* of those: called back, or served on the line now */
};

/* A share of two counts; 0 if there are none. */
double sim_share(int64_t part, int64_t whole);

/* The spread of values, which are sorted. */
struct sim_spread sim_spread_of(int64_t *values, size_t count);

/* file, zone, model, options and the two outcomes are set and borrowed; fills the rest. */
void sim_report_make(struct sim_report *report);

void sim_report_table(const struct sim_report *report, FILE *out);

/* Ten lines about one who hung up without callbacks and was called back with them. */
void sim_report_story(const struct sim_report *report, FILE *out);

/* story: with its lines. */
void sim_report_json(const struct sim_report *report, bool story, FILE *out);

#endif
