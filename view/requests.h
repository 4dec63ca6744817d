/* Commands of supervisors on the bus, and their answers (rule 9.2). */
#ifndef RINGBACK_VIEW_REQUESTS_H
#define RINGBACK_VIEW_REQUESTS_H

#include "daemon/options.h"
#include "state/machine.h"
#include "view/follower.h"
#include "view/out.h"

enum request_status { REQUEST_DONE, REQUEST_REFUSED, REQUEST_UNANSWERED };

enum { request_id_bytes = 129, request_items_max = 1000 };

/* What is asked of each item. Texts "": not given. */
struct request_ask {
    enum machine_edit edit;
    int64_t due_ms; /* of reschedule; 0: local */
    const char *local_zone;
    int64_t local_ms;
    const char *queue_id; /* of reassign */
    const char *owner_agent_id;
    const char *request_key;
    const char *user;
};

struct request_item {
    const char *domain; /* given */
    const char *id;     /* given: the callback's, as text */
    bool refused;       /* given: it is not sent; reason and text are given too */
    enum request_status status;
    const char *reason; /* a literal; NULL: none */
    const char *text;   /* likewise */
    char request_id[request_id_bytes];
};

struct requests; /* opaque */

/* options are borrowed. Errors: ERR_BAD_OPTION. */
MUST_CHECK enum err requests_create(const struct options *options, struct requests **requests,
                                    struct err_note *note);
void requests_destroy(struct requests *requests); /* NULL is fine */

/* For follower_options: context is a struct requests. */
void requests_on_result(void *context, struct slice domain, const Ringback__V1__Result *result);

/* Sends all that are not refused and waits for the answers, wait_ms at most. Any thread. Errors:
 * ERR_BUS_DOWN: nothing was sent, results are not heard. */
MUST_CHECK enum err requests_ask(struct requests *requests, struct follower *follow,
                                 const struct request_ask *ask, struct request_item *items,
                                 size_t count, int64_t wait_ms, struct err_note *note);

/* What is known of a request of that user's; kept for ten minutes. False: nothing. domain and id:
 * room of request_id_bytes. */
bool requests_find(struct requests *requests, const char *request_id, const char *user,
                   struct request_item *item, char *domain, char *id);

/* The request's id: of the key, where there is one, so that a repeat is one; else random. */
void requests_request_id(const struct request_ask *ask, const struct request_item *item,
                         char id[request_id_bytes]);

/* As the API has it. */
void requests_render(struct out *out, const struct request_item *item);

/* "cancel"; and back, MACHINE_EDIT_COUNT: none. */
const char *requests_edit_name(enum machine_edit edit);
enum machine_edit requests_edit_find(const char *name);
const char *requests_status_name(enum request_status status);

#endif
