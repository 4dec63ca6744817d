/* A small HTTP server (libmicrohttpd, a thread of its own) for what the process says of itself.
 * GET and HEAD only; no body is read. One handler, which is given the path and makes the answer. */
#ifndef RINGBACK_DAEMON_HTTP_H
#define RINGBACK_DAEMON_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Filled by the handler. body is taken over (freed with free()); type is a literal. */
struct http_answer {
    unsigned status; /* 404 before the handler is called */
    const char *type;
    char *body;
    size_t size;
};

struct http_options {
    const char *listen; /* HOST:PORT, an address and no name; [::1]:PORT; :PORT is every address */
    void (*handle)(void *context, const char *path, struct http_answer *answer); /* its thread */
    void *context;
};

struct http; /* opaque */

/* Is listen an address and a port? Error: ERR_BAD_OPTION, which says what is wrong. */
MUST_CHECK enum err http_check(const char *listen, struct err_note *note);

/* Only this machine reaches it: 127.x.x.x or [::1]. */
bool http_is_local(const char *listen);

/* A socket that listens there. key: of the option, for the note. Errors: ERR_BAD_OPTION, ERR_IO. */
MUST_CHECK enum err http_listen(const char *key, const char *listen, int *fd,
                                struct err_note *note);

/* options->listen is copied. Errors: ERR_BAD_OPTION, ERR_IO (the address is in use, ...). */
MUST_CHECK enum err http_start(const struct http_options *options, struct http **http,
                               struct err_note *note);
/* Answers under way are finished. NULL is fine. */
void http_stop(struct http *http);

/* A literal or longer text as the answer, copied. */
void http_say(struct http_answer *answer, unsigned status, const char *type, const char *text);

#endif
