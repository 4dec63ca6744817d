/* A query made ready for one model: what view/query*.c share. */
#ifndef RINGBACK_VIEW_QUERY_PARTS_H
#define RINGBACK_VIEW_QUERY_PARTS_H

#include "view/query.h"

/* Handles of strings that a field may have. */
struct query_set {
    uint32_t items[query_values_max];
    size_t count;
    bool wanted; /* there is a filter */
    bool none;   /* a row without one matches */
    bool any;    /* a row with one matches */
};

struct query_plan {
    const struct view_model *model;
    const struct view_query *query;
    uint8_t *domain_ok; /* by handle */
    uint8_t *queue_ok;
    bool all_queues; /* of the domains that are ok, every queue is */
    uint32_t states, kinds;
    bool classes[VIEW_CLASS_COUNT];
    struct query_set owners, scheduled_by, campaigns, agents;
    uint64_t number; /* pattern, from the lowest bits */
    int number_size; /* its digits; 0: none */
    /* of q */
    uint64_t pairs;
    char small[201];
    uint64_t q_number;
    int q_number_size;
    uint64_t id_hash;
    uint8_t id_bytes[16]; /* the beginning of a callback's id */
    int id_nibbles;
    struct string_ranks *ranks;
    int64_t *queue_ranks; /* by queue: the rank of its name */
};

void query_plan_init(struct query_plan *plan, const struct view_model *model,
                     const struct view_query *query);
void query_plan_deinit(struct query_plan *plan);
bool query_matches(const struct query_plan *plan, uint32_t handle, const struct view_row *row);
/* What it is sorted by, as a number; equal ones may still differ in their names. */
int64_t query_key(const struct query_plan *plan, uint32_t handle, const struct view_row *row);

#endif
