/* What a request asks for, read and checked: query parameters and the body of an action. Every
 * fault is named; nothing is guessed. Pure. */
#ifndef RINGBACK_VIEW_PARAMS_H
#define RINGBACK_VIEW_PARAMS_H

#include "view/out.h"
#include "view/query.h"
#include "view/requests.h"

enum { params_max = 1000 };

/* Decoded, any bytes; name and value are terminated behind their sizes. */
struct param {
    const char *name, *value;
    size_t name_size, value_size;
};

struct params {
    struct param items[params_max];
    size_t count;
};

/* Faults as the members of a JSON list: {"field", "message"}. */
struct params_faults {
    struct out out;
    size_t count;
};

void params_fault(struct params_faults *faults, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What else than filters an operation takes. */
enum params_more {
    PARAMS_PAGE = 1,   /* sort, limit, cursor */
    PARAMS_FORMAT = 2, /* format */
};

struct params_list {
    struct view_query query;
    size_t limit;
    const char *cursor; /* NULL: none */
    bool json;          /* format */
};

/* Texts in list are borrowed from params. False: faults say what. */
bool params_list(const struct params *params, unsigned more, struct params_list *list,
                 struct params_faults *faults);

/* The value of one that may be given once and is the only one known beside `domain`; both may be
 * NULL. */
struct params_small {
    struct query_values domains;
    const char *q;
    size_t limit;
};
/* domain, and if searched q and limit. */
bool params_small(const struct params *params, bool searched, struct params_small *small,
                  struct params_faults *faults);
/* There may be none. */
bool params_none(const struct params *params, struct params_faults *faults);

/* The body of an action. Texts live as long as params_action_deinit() was not called. */
struct params_action {
    struct request_ask ask;
    struct request_item *items;
    size_t count;
    void *body; /* ours */
};
bool params_action(const char *body, size_t size, struct params_action *action,
                   struct params_faults *faults);
void params_action_deinit(struct params_action *action);

/* "2026-11-30T09:00" of a zone's own clock. */
bool params_local_time(const char *text, int64_t *local_ms);
/* 1..128 bytes of those that ids have. */
bool params_id(const char *text);

#endif
