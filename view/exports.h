/* Callbacks of a filter as a file (rule 9.5): whole, or refused with how many there are. */
#ifndef RINGBACK_VIEW_EXPORTS_H
#define RINGBACK_VIEW_EXPORTS_H

#include "view/auth.h"
#include "view/follower.h"

struct exports_plan {
    struct follower *follower;
    const struct view_query *query;
    const struct viewer *viewer;
    int64_t now_ms; /* recent is what was created in the 12 hours before */
    uint64_t recent_max, older_max;
    bool json; /* lines of it; else CSV */
};

struct exports_counts {
    uint64_t recent, older; /* conversations */
    uint64_t rows;
};

/* A file without a name, at its beginning; the caller's to close. Errors: ERR_TOO_MANY (over a
 * limit: counts say by how much), ERR_IO (no room in TMPDIR or the like). */
MUST_CHECK enum err exports_make(const struct exports_plan *plan, int *fd, uint64_t *size,
                                 struct exports_counts *counts, struct err_note *note);

#endif
