/* The view's HTTP server (libmicrohttpd, a thread a connection): bodies, limits, headers, the log
 * of requests. What is asked and answered is api.h's. */
#ifndef RINGBACK_VIEW_SERVER_H
#define RINGBACK_VIEW_SERVER_H

#include "view/api.h"

struct server; /* opaque */

/* api outlives it. Errors: ERR_BAD_OPTION, ERR_IO. */
MUST_CHECK enum err server_start(struct api *api, struct server **server, struct err_note *note);
/* Answers under way are finished. NULL is fine. */
void server_stop(struct server *server);

#endif
