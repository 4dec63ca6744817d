#include "daemon/http.h"

#include <errno.h>
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"

enum {
    connections_max = 64,
    connection_seconds = 10, /* of silence */
    connection_bytes = 16 * 1024,
    waiting_max = 64
};

struct http {
    struct http_options options;
    struct MHD_Daemon *daemon;
    int fd;
};

struct address {
    struct sockaddr_storage at;
    socklen_t size;
};

static enum err resolve(const char *listen, struct address *address, struct err_note *note)
{
    const struct addrinfo hints = {
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
        .ai_socktype = SOCK_STREAM,
    };
    struct addrinfo *found = NULL;
    const char *colon = strrchr(listen, ':');
    char host[128] = "";
    size_t size;
    char *end = NULL;
    long port;
    int wrong;

    if (colon == NULL)
        return FAIL(note, ERR_BAD_OPTION, "%s: an address and a port are wanted, as 127.0.0.1:9464",
                    listen);
    port = strtol(colon + 1, &end, 10);
    if (end == colon + 1 || *end != '\0' || port < 1 || port > 65535)
        return FAIL(note, ERR_BAD_OPTION, "%s: the port is from 1 to 65535", listen);
    size = (size_t)(colon - listen);
    if (size >= 2 && listen[0] == '[' && listen[size - 1] == ']') {
        listen++;
        size -= 2;
    } else if (memchr(listen, ':', size) != NULL) {
        return FAIL(note, ERR_BAD_OPTION,
                    "%s: an IPv6 address is written in brackets, as [::1]:9464", listen);
    }
    if (size >= sizeof(host))
        return FAIL(note, ERR_BAD_OPTION, "%s: no address is that long", listen);
    memcpy(host, listen, size);
    wrong = getaddrinfo(size == 0 ? NULL : host, colon + 1, &hints, &found);
    if (wrong != 0)
        return FAIL(note, ERR_BAD_OPTION, "%s is not an address: %s; names are not looked up", host,
                    gai_strerror(wrong));
    memcpy(&address->at, found->ai_addr, found->ai_addrlen);
    address->size = found->ai_addrlen;
    freeaddrinfo(found);
    return ERR_OK;
}

enum err http_check(const char *listen, struct err_note *note)
{
    struct address address;

    return resolve(listen, &address, note);
}

/* --- one request --- */

void http_say(struct http_answer *answer, unsigned status, const char *type, const char *text)
{
    answer->status = status;
    answer->type = type;
    answer->size = strlen(text);
    answer->body = memory_alloc(answer->size + 1, "an answer");
    memcpy(answer->body, text, answer->size + 1);
}

/* RFC 9457. title is ours: it needs no escape. */
static void say_problem(struct http_answer *answer, unsigned status, const char *title)
{
    char text[200];

    (void)snprintf(text, sizeof(text), "{\"status\":%u,\"title\":\"%s\"}\n", status, title);
    http_say(answer, status, "application/problem+json", text);
}

static enum MHD_Result answer_request(void *context, struct MHD_Connection *connection,
                                      const char *path, const char *method, const char *version,
                                      const char *upload, size_t *upload_size, void **own)
{
    struct http *http = context;
    struct http_answer answer = {.status = MHD_HTTP_NOT_FOUND};
    struct MHD_Response *response;
    enum MHD_Result result;
    bool readable =
        strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;

    (void)version, (void)upload, (void)upload_size, (void)own;
    if (!readable)
        say_problem(&answer, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD are answered");
    else
        http->options.handle(http->options.context, path, &answer);
    if (answer.body == NULL)
        say_problem(&answer, MHD_HTTP_NOT_FOUND, "there is nothing here");
    response = MHD_create_response_from_buffer(answer.size, answer.body, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(answer.body);
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer.type);
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (!readable)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    result = MHD_queue_response(connection, answer.status, response);
    MHD_destroy_response(response);
    return result;
}

/* --- the server --- */

bool http_is_local(const char *listen)
{
    struct address address = {.size = 0};
    struct err_note note;
    const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)&address.at;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)&address.at;

    if (resolve(listen, &address, &note) != ERR_OK)
        return false;
    if (address.at.ss_family == AF_INET)
        return ntohl(four->sin_addr.s_addr) >> 24 == 127;
    return address.at.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

enum err http_listen(const char *key, const char *listen_at, int *fd, struct err_note *note)
{
    struct address address = {.size = 0};
    int one = 1;

    TRY(resolve(listen_at, &address, note));
    *fd = socket(address.at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd >= 0) {
        (void)setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        if (bind(*fd, (const struct sockaddr *)&address.at, address.size) != 0 ||
            listen(*fd, waiting_max) != 0) {
            int why = errno;

            (void)close(*fd);
            *fd = -1;
            errno = why;
        }
    }
    if (*fd < 0)
        return FAIL(note, ERR_IO, "%s: cannot listen on %s: %s%s", key, listen_at, strerror(errno),
                    errno == EADDRINUSE ? ": another process has it, give each its own" : "");
    return ERR_OK;
}

enum err http_start(const struct http_options *options, struct http **out, struct err_note *note)
{
    struct http *http = memory_zalloc(sizeof(*http), "an HTTP server");
    enum err err;

    *out = NULL;
    http->options = *options;
    http->fd = -1;
    err = http_listen("http.listen", options->listen, &http->fd, note);
    if (err != ERR_OK) {
        free(http);
        return err;
    }
    http->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO, 0, NULL, NULL, answer_request, http,
        MHD_OPTION_LISTEN_SOCKET, http->fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)connections_max,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)connection_seconds,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)connection_bytes, MHD_OPTION_END);
    if (http->daemon == NULL) {
        err = FAIL(note, ERR_IO, "http.listen: the HTTP server does not start on %s: %s",
                   options->listen, strerror(errno));
        (void)close(http->fd);
        free(http);
        return err;
    }
    *out = http;
    return ERR_OK;
}

void http_stop(struct http *http)
{
    if (http == NULL)
        return;
    MHD_stop_daemon(http->daemon); /* closes the socket */
    free(http);
}
