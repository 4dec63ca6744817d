/* The API: one request in, one answer out. Knows no sockets: server.h gives it requests. */
#ifndef RINGBACK_VIEW_API_H
#define RINGBACK_VIEW_API_H

#include <stdatomic.h>

#include "daemon/options.h"
#include "view/auth.h"
#include "view/follower.h"
#include "view/limits.h"
#include "view/out.h"
#include "view/params.h"
#include "view/requests.h"

#define API_PREFIX "/api/v1"

enum { api_body_bytes_max = 1024 * 1024, api_headers_max = 4, api_exports_max = 2 };

/* Borrowed for the call. Header values NULL: not sent. */
struct api_request {
    const char *method;
    const char *path; /* decoded */
    const char *address;
    const char *authorization, *content_type, *host, *origin, *fetch_site, *if_none_match;
    struct params params;
    const char *body;
    size_t body_size;
    bool too_large; /* the body is over api_body_bytes_max; it is not here */
    bool malformed; /* a name or the path cannot be decoded, or there are too many parameters */
};

struct api_header {
    const char *name;
    char value[200];
};

struct api_answer {
    unsigned status;
    const char *type; /* a literal */
    struct out out;
    int fd; /* -1; else the body, of size, to be closed */
    uint64_t size;
    bool kept; /* a browser may keep it, and asks with its ETag whether it is still good */
    struct api_header headers[api_headers_max];
    size_t header_count;
    const char *route; /* for the log: a literal without what was asked for */
    char user[140];    /* likewise; "": nobody */
};

struct timelines; /* timeline.h */

struct api {
    const struct options *options;
    struct follower *follower;
    struct requests *requests;
    struct auth *auth;
    struct timelines *timelines;
    struct limits limits;
    atomic_int exports; /* under way */
    const char *assets; /* folder that the page is served from; NULL: the program's own */
};

/* The answer is initialised here; api_answer_deinit() frees it. Any thread. */
void api_handle(struct api *api, const struct api_request *request, struct api_answer *answer);
void api_answer_init(struct api_answer *answer);
void api_answer_deinit(struct api_answer *answer);

/* A problem (RFC 9457) as the answer. detail and code may be NULL. */
void api_problem(struct api_answer *answer, unsigned status, const char *code, const char *detail);
void api_header_add(struct api_answer *answer, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
