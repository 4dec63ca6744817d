#include "view/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "daemon/http.h"

enum {
    connections_max = 256,
    connection_seconds = 30,      /* of silence */
    connection_bytes = 64 * 1024, /* request line and headers */
    stack_bytes = 512 * 1024,
    passed_bytes_max = 16 * 1024 * 1024 /* of a body that is too large: read so that 413 arrives */
};

struct server {
    struct api *api;
    struct MHD_Daemon *daemon;
};

/* One request while it comes in. */
struct coming {
    struct out body;
    bool too_large;
    size_t passed; /* of the body, so far */
    int64_t begun_us;
};

/* The page has its own files alone, and nobody frames it. */
static const char *const headers[][2] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
     "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
};

/* --- the request --- */

static const char *header_of(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static enum MHD_Result take_param(void *context, enum MHD_ValueKind kind, const char *name,
                                  size_t name_size, const char *value, size_t value_size)
{
    struct api_request *request = context;
    struct params *params = &request->params;

    (void)kind;
    if (params->count == params_max) {
        request->malformed = true;
        return MHD_NO;
    }
    params->items[params->count++] = (struct param){
        .name = name == NULL ? "" : name,
        .name_size = name_size,
        .value = value == NULL ? "" : value,
        .value_size = value == NULL ? 0 : value_size,
    };
    return MHD_YES;
}

static const char *address_of(struct MHD_Connection *connection, char text[INET6_ADDRSTRLEN])
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *at = info == NULL ? NULL : info->client_addr;

    text[0] = '\0';
    if (at != NULL && at->sa_family == AF_INET)
        (void)inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)at)->sin_addr, text,
                        INET6_ADDRSTRLEN);
    else if (at != NULL && at->sa_family == AF_INET6)
        (void)inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)at)->sin6_addr, text,
                        INET6_ADDRSTRLEN);
    return text;
}

/* --- the answer --- */

static void log_answer(const struct api_request *request, const struct api_answer *answer,
                       int64_t us)
{
    struct metrics *metrics = metrics_of(-1);
    bool health = strcmp(answer->route, "/livez") == 0 || strcmp(answer->route, "/readyz") == 0;
    enum log_level level =
        !health && (strcmp(request->method, "POST") == 0 || answer->status >= 400)
            ? LOG_LEVEL_INFO
            : LOG_LEVEL_DEBUG;

    metrics_add(metrics, METRIC_view_requests, 0, 1);
    metrics_add(metrics, METRIC_view_refused, 0, answer->status >= 400);
    metrics_observe(metrics, METRIC_view_answer, 0, us);
    if (!log_enabled(level))
        return;
    /* The route alone, as address and query have what was searched for: numbers, too. */
    log_write(level, "request",
              (const struct log_field[]){LOG_TEXT("method", request->method),
                                         LOG_TEXT("route", answer->route),
                                         LOG_UINT("status", answer->status),
                                         LOG_TEXT("user", answer->user),
                                         LOG_TEXT("address", request->address),
                                         LOG_INT("us", us),
                                         {.kind = LOG_KIND_END}});
}

static enum MHD_Result queue_answer(struct MHD_Connection *connection, struct api_answer *answer)
{
    struct MHD_Response *response;
    enum MHD_Result result;

    if (answer->fd >= 0) {
        response = MHD_create_response_from_fd64(answer->size, answer->fd);
        if (response != NULL)
            answer->fd = -1; /* libmicrohttpd's from now on */
    } else {
        response = MHD_create_response_from_buffer(answer->out.size, answer->out.data,
                                                   MHD_RESPMEM_MUST_FREE);
        if (response != NULL)
            answer->out = (struct out){.data = NULL};
    }
    if (response == NULL)
        return MHD_NO;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        (void)MHD_add_response_header(response, headers[i][0], headers[i][1]);
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL,
                                  answer->kept ? "no-cache" : "no-store");
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
    for (size_t i = 0; i < answer->header_count; i++)
        (void)MHD_add_response_header(response, answer->headers[i].name, answer->headers[i].value);
    result = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_request(struct server *server, struct MHD_Connection *connection,
                                      const char *path, const char *method,
                                      const struct coming *coming)
{
    struct api_request *request = memory_zalloc(sizeof(*request), "a request");
    char address[INET6_ADDRSTRLEN];
    struct api_answer answer;
    enum MHD_Result result;

    request->method = method;
    request->path = path;
    request->address = address_of(connection, address);
    request->authorization = header_of(connection, MHD_HTTP_HEADER_AUTHORIZATION);
    request->content_type = header_of(connection, MHD_HTTP_HEADER_CONTENT_TYPE);
    request->host = header_of(connection, MHD_HTTP_HEADER_HOST);
    request->origin = header_of(connection, "Origin");
    request->fetch_site = header_of(connection, "Sec-Fetch-Site");
    request->if_none_match = header_of(connection, MHD_HTTP_HEADER_IF_NONE_MATCH);
    (void)MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, take_param, request);
    request->body = coming->body.data == NULL ? "" : coming->body.data;
    request->body_size = coming->body.size;
    request->too_large = coming->too_large;
    api_handle(server->api, request, &answer);
    result = queue_answer(connection, &answer);
    log_answer(request, &answer, clock_monotonic_us() - coming->begun_us);
    api_answer_deinit(&answer);
    free(request);
    return result;
}

/* A body that says at once that it is far too large is not waited for. */
static bool announces_too_much(struct MHD_Connection *connection)
{
    const char *size = header_of(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);

    return size != NULL && strtoull(size, NULL, 10) > passed_bytes_max;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *upload, size_t *upload_size, void **own)
{
    struct coming *coming = *own;

    (void)version;
    if (coming == NULL) {
        *own = coming = memory_zalloc(sizeof(*coming), "a request");
        coming->begun_us = clock_monotonic_us();
        coming->too_large = announces_too_much(connection);
        return coming->too_large ? answer_request(context, connection, path, method, coming)
                                 : MHD_YES;
    }
    if (*upload_size > 0) {
        if (coming->body.size + *upload_size > api_body_bytes_max)
            coming->too_large = true;
        else if (!coming->too_large)
            out_bytes(&coming->body, upload, *upload_size);
        coming->passed += *upload_size;
        *upload_size = 0;
        return coming->passed <= passed_bytes_max ? MHD_YES : MHD_NO;
    }
    return answer_request(context, connection, path, method, coming);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **own,
                         enum MHD_RequestTerminationCode code)
{
    struct coming *coming = *own;

    (void)context, (void)connection, (void)code;
    if (coming != NULL)
        out_deinit(&coming->body);
    free(coming);
    *own = NULL;
}

/* --- the server --- */

enum err server_start(struct api *api, struct server **out, struct err_note *note)
{
    struct server *server = memory_zalloc(sizeof(*server), "an HTTP server");
    int fd = -1;
    enum err err = http_listen("view.listen", api->options->view_listen, &fd, note);

    *out = NULL;
    if (err != ERR_OK) {
        free(server);
        return err;
    }
    server->api = api;
    server->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL, 0, NULL,
        NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT, (unsigned)connections_max,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)connection_seconds,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)connection_bytes, MHD_OPTION_THREAD_STACK_SIZE,
        (size_t)stack_bytes, MHD_OPTION_END);
    if (server->daemon == NULL) {
        err = FAIL(note, ERR_IO, "view.listen: the HTTP server does not start on %s: %s",
                   api->options->view_listen, strerror(errno));
        (void)close(fd);
        free(server);
        return err;
    }
    *out = server;
    return ERR_OK;
}

void server_stop(struct server *server)
{
    if (server == NULL)
        return;
    MHD_stop_daemon(server->daemon); /* closes the socket */
    free(server);
}
