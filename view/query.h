/* Lists of the view: which callbacks, in which order, which page. Pure: asks the model only.
 *
 * A list by due, creation or last change without filters other than domain and kind is counted and
 * paged in the model's trees, O(log n + page). Every other one is one pass over the compact rows,
 * with the page's items kept apart: O(n), 64 bytes a row. */
#ifndef RINGBACK_VIEW_QUERY_H
#define RINGBACK_VIEW_QUERY_H

#include "view/model.h"

enum { query_values_max = 100, query_page_max = 500, query_text_bytes_max = 260 };

#define VIEW_SORT_MAP(X)                                                                           \
    X(DUE, "due")                                                                                  \
    X(CREATED, "created")                                                                          \
    X(UPDATED, "updated")                                                                          \
    X(QUEUE, "queue")                                                                              \
    X(NAME, "name")                                                                                \
    X(NUMBER, "number")                                                                            \
    X(STATE, "state")                                                                              \
    X(OWNER, "owner")                                                                              \
    X(SCHEDULED_BY, "scheduled_by")                                                                \
    X(CAMPAIGN, "campaign")                                                                        \
    X(KIND, "kind")

#define VIEW_SORT_ENUM_(name, text) VIEW_SORT_##name,
enum view_sort { VIEW_SORT_MAP(VIEW_SORT_ENUM_) VIEW_SORT_COUNT };
#undef VIEW_SORT_ENUM_

/* "due"; NULL beyond the last. */
const char *view_sort_name(int sort);

enum view_ended { VIEW_ENDED_NO, VIEW_ENDED_YES, VIEW_ENDED_ANY };

/* Texts that were given; count 0: no filter. */
struct query_values {
    const char *items[query_values_max];
    size_t count;
};

/* What a viewer may see; NULL as domains or queues: all. A queue is "id" or "domain/id". */
struct view_sight {
    const char *const *domains;
    size_t domain_count;
    const char *const *queues;
    size_t queue_count;
    bool domains_all, queues_all;
};

struct view_query {
    struct query_values domains, queues, owners, scheduled_by, campaigns, agents;
    uint32_t states; /* bits 1 << CallbackState; 0: all that `ended` lets */
    uint32_t kinds;  /* bits 1 << CallbackKind; 0: scheduled and campaign */
    enum view_ended ended;
    const char *number;                                             /* digits; NULL: none */
    const char *q;                                                  /* NULL: none */
    int64_t due_from_ms, due_to_ms, created_from_ms, created_to_ms; /* INT64_MIN, MAX: none */
    enum view_sort sort;
    bool descending;
    struct view_sight sight;
};

/* All of it: no filter, by due. */
void query_init(struct view_query *query);

/* Of everything that decides which callbacks and in which order. */
uint64_t query_hash(const struct view_query *query);

/* Where a page begins or ends. */
struct query_anchor {
    bool given;
    bool backward; /* the page ends before it; else it begins behind it */
    int64_t key;   /* of numbers and times */
    uint8_t id[16];
    char text[query_text_bytes_max]; /* of texts: what the row had */
};

struct query_page {
    size_t total;
    size_t first_index;
    size_t count;
    bool more;
    uint32_t handles[query_page_max];
};

/* limit: 1 to query_page_max. */
void query_page(const struct view_model *model, const struct view_query *query,
                const struct query_anchor *anchor, size_t limit, struct query_page *page);
/* The anchor that stands on that row. */
void query_anchor_of(const struct view_model *model, const struct view_query *query,
                     uint32_t handle, bool backward, struct query_anchor *anchor);

/* No values, or text is one of them. */
bool query_has(const struct query_values *values, const char *text);
/* Whether sight lets this one be seen. */
bool query_may_see(const struct view_model *model, const struct view_sight *sight, uint32_t domain,
                   uint32_t queue);

/* Each that matches, in no order. */
void query_each(const struct view_model *model, const struct view_query *query,
                void (*each)(void *context, uint32_t handle), void *context);

/* Anchors as text, opaque to others. Parse, false: not one of this query. text: room for it. */
enum { query_cursor_bytes_max = 512 };
void query_cursor_write(const struct view_query *query, const struct query_anchor *anchor,
                        char text[query_cursor_bytes_max]);
bool query_cursor_read(const struct view_query *query, const char *text,
                       struct query_anchor *anchor);

#endif
