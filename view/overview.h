/* The queues now: who waits, who works, what comes. One pass over the model's rows. */
#ifndef RINGBACK_VIEW_OVERVIEW_H
#define RINGBACK_VIEW_OVERVIEW_H

#include "view/out.h"
#include "view/query.h"

enum { overview_hours = 12 };

struct overview_numbers {
    uint32_t waiting_live, waiting_callbacks;
    int64_t oldest_live_ms, oldest_callback_ms; /* since when; 0: nobody waits */
    uint32_t joined, on_queue, available, busy;
    uint32_t offers, dials, in_call, overdue;
    uint32_t due[overview_hours];
};

struct overview {
    int64_t now_ms;
    int64_t from_ms; /* the beginning of the hour now */
    struct overview_numbers totals;
    struct overview_numbers *queues; /* by handle */
};

/* What sight lets be seen of those domains (count 0: all). */
void overview_init(struct overview *overview, const struct view_model *model,
                   const struct view_query *query, int64_t now_ms);
void overview_deinit(struct overview *overview);

/* "domains" and "totals", as members of an object. */
void overview_render(struct out *out, const struct overview *overview,
                     const struct view_model *model, const struct view_query *query);

#endif
