/* The view's thread at Kafka: reads topic `state` into the model from its beginning on and follows
 * it, hands on what comes on `results`, and knows how far behind that is. Another thread asks for
 * the ends of topics. Whatever Kafka does, they go on. */
#ifndef RINGBACK_VIEW_FOLLOWER_H
#define RINGBACK_VIEW_FOLLOWER_H

#include "daemon/options.h"
#include "view/model.h"

#include "ringback/v1/results.pb-c.h"

struct follower; /* opaque */

struct follower_options {
    const struct options *options;
    /* In the follower's thread; NULL: results are not read. domain is lent for the call. */
    void (*on_result)(void *context, struct slice domain, const Ringback__V1__Result *result);
    void *context;
};

enum { follower_warnings_max = 6, follower_warning_bytes = 300 };

struct follower_status {
    int64_t clock_ms;       /* of the newest decision shown; 0: none */
    int64_t behind_ms;      /* all that was decided so long ago is shown; -1: not known yet */
    int64_t behind_records; /* of state, not shown yet; -1: not known */
    int64_t undecided;      /* records that wait for the daemon; -1: not known */
    double loaded_percent;
    bool complete;  /* state was read to its end once */
    bool reachable; /* Kafka answered not long ago */
    size_t warning_count;
    char warnings[follower_warnings_max][follower_warning_bytes];
};

/* Starts the threads; options are borrowed for its life. Errors: ERR_BAD_OPTION. */
MUST_CHECK enum err follower_start(const struct follower_options *options, struct follower **follow,
                                   struct err_note *note);
/* Ends the threads. NULL is fine. */
void follower_stop(struct follower *follow);

/* The model, for reading, until follower_unlock(). Any thread. */
const struct view_model *follower_lock(struct follower *follow);
void follower_unlock(struct follower *follow);

void follower_status(struct follower *follow, struct follower_status *status);

/* Partitions of `commands` and `analytics`; 0: not known yet. */
int32_t follower_partitions(struct follower *follow, enum topic topic);
/* Results are read: a command's answer cannot be missed from now on. */
bool follower_hears(struct follower *follow);
/* Why it cannot go on: ERR_OK while it can. It tries again by itself; for commands that do not. */
enum err follower_trouble(struct follower *follow, struct err_note *note);

#endif
