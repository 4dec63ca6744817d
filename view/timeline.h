/* A callback's whole life: what topic analytics has of it between its creation and its end, with
 * bounded work, and what its row says besides. */
#ifndef RINGBACK_VIEW_TIMELINE_H
#define RINGBACK_VIEW_TIMELINE_H

#include "consumers/kafka.h"
#include "daemon/options.h"
#include "view/model.h"
#include "view/out.h"

/* What is known of the callback before anything is read. */
struct timeline_subject {
    char id[view_id_size];
    int32_t partition; /* of analytics */
    uint8_t state, reason;
    int64_t created_ms, due_ms, updated_ms, since_ms, ended_ms; /* 0: none */
    char queue[129], agent[129];
};

struct timeline_event {
    int64_t time_ms;
    int64_t duration_ms;                         /* -1: none */
    const char *what;                            /* a literal */
    const char *agent, *queue, *reason, *detail; /* "": none */
};

struct timeline {
    struct arena arena;
    struct timeline_event *events; /* by time */
    size_t count, room;
    bool begun, ended; /* analytics told of it */
    bool cut;          /* not all of analytics between could be read */
    bool complete;
    const char *note; /* a literal; NULL: none */
};

/* partitions: of analytics; 0: not known. */
void timeline_subject_of(const struct view_model *model, uint32_t handle, int32_t partitions,
                         struct timeline_subject *subject);

void timeline_init(struct timeline *timeline);
void timeline_deinit(struct timeline *timeline);
/* One record of analytics; others' are passed over. */
void timeline_take(struct timeline *timeline, const struct timeline_subject *subject,
                   struct slice value);
/* What the row says besides, order, and whether that is all. Once, after the last record. */
void timeline_finish(struct timeline *timeline, const struct timeline_subject *subject);

/* Members of an object, behind others: , "events", "complete", "note". */
void timeline_render(struct out *out, const struct timeline *timeline);

struct timelines; /* opaque: one reader at analytics, for one at a time */
struct timelines *timelines_create(const struct options *options);
void timelines_destroy(struct timelines *timelines); /* NULL is fine */

/* Read what there is and finish. Any thread; waits for its turn. Errors: ERR_BUS_DOWN, ERR_TOO_MANY
 * (others wait already). */
MUST_CHECK enum err timelines_read(struct timelines *timelines,
                                   const struct timeline_subject *subject,
                                   struct timeline *timeline, struct err_note *note);

#endif
