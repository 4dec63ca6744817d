#include "state/store/redis_link.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/memory.h"

enum { read_bytes = 64 * 1024, plain_bytes = 16 * 1024 /* a record of TLS */ };

static void fail(struct redis_link *link, const char *why)
{
    char text[sizeof(link->fault)];

    snprintf(text, sizeof(text), "%s", why); /* it may lie in what is closed */
    redis_link_close(link);
    memcpy(link->fault, text, sizeof(text));
}

static void connect_to(struct redis_link *link, const char *address)
{
    link->redis = link->address.port == 0 ? redisConnectUnixNonBlock(address)
                                          : redisConnectNonBlock(address, link->address.port);
    if (link->redis == NULL)
        fail(link, "out of memory");
    else if (link->redis->err != 0)
        fail(link, link->redis->errstr);
    else
        link->stage = REDIS_LINK_CONNECTING;
}

/* One side does not trust the other. */
static void fail_tls(struct redis_link *link)
{
    link->refused = true;
    fail(link, redis_tls_fault(link->tls));
}

void redis_link_open(struct redis_link *link, const struct redis_address *address,
                     struct redis_tls *tls)
{
    link->address = *address;
    link->tls = tls;
    link->refused = false;
    link->fault[0] = '\0';
    if (address->port == 0 || redis_lookup_numeric(address->host)) {
        connect_to(link, address->host);
        return;
    }
    link->stage = REDIS_LINK_LOOKING;
    if (link->lookup != NULL && strcmp(link->looked_up, address->host) == 0)
        return;
    redis_lookup_drop(link->lookup);
    memcpy(link->looked_up, address->host, sizeof(link->looked_up));
    link->lookup = redis_lookup_start(address->host);
    if (link->lookup == NULL)
        fail(link, "its address cannot be looked up: no thread can be made");
}

static void end_lookup(struct redis_link *link)
{
    redis_lookup_drop(link->lookup);
    link->lookup = NULL;
}

static void finish_lookup(struct redis_link *link)
{
    char address[redis_lookup_address_size];
    const char *why;
    int answer = redis_lookup_answer(link->lookup, link->turn, address, &why);

    if (answer == 0)
        return;
    end_lookup(link);
    if (answer < 0) {
        char text[200];

        snprintf(text, sizeof(text), "its address cannot be looked up: %s", why);
        fail(link, text);
        return;
    }
    link->turn++;
    connect_to(link, address);
}

static void finish_connect(struct redis_link *link)
{
    struct pollfd poller = {.fd = link->redis->fd, .events = POLLOUT};
    int fault = 0;
    socklen_t size = sizeof(fault);

    if (poll(&poller, 1, 0) <= 0)
        return;
    if (getsockopt(link->redis->fd, SOL_SOCKET, SO_ERROR, &fault, &size) != 0)
        fault = errno;
    if (fault != 0)
        fail(link, strerror(fault));
    else
        link->stage = link->tls == NULL ? REDIS_LINK_OPEN : REDIS_LINK_SHAKING;
}

/* Bytes the socket took; 0: none now; -1: closed. */
static ssize_t send_some(struct redis_link *link, const void *data, size_t size)
{
    ssize_t sent;

    do
        sent = send(link->redis->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return sent;
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return 0;
    fail(link, strerror(errno));
    return -1;
}

static ssize_t receive_some(struct redis_link *link, void *data, size_t size)
{
    ssize_t got;

    do
        got = recv(link->redis->fd, data, size, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got > 0)
        return got;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return 0;
    fail(link, got == 0 ? "it closed the connection" : strerror(errno));
    return -1;
}

/* What TLS made goes out; false: closed. */
static bool flush(struct redis_link *link)
{
    if (link->wire == NULL)
        link->wire = memory_alloc(redis_link_wire_max, "bytes of TLS");
    for (;;) {
        ssize_t sent;

        if (link->wire_at == link->wire_size) {
            link->wire_at = 0;
            link->wire_size = redis_tls_take(link->tls, link->wire, redis_link_wire_max);
        }
        if (link->wire_size == 0)
            return true;
        sent = send_some(link, link->wire + link->wire_at, link->wire_size - link->wire_at);
        if (sent <= 0)
            return sent == 0;
        link->wire_at += (size_t)sent;
    }
}

/* Bytes of the socket that TLS was given; 0: none now; -1: closed. */
static ssize_t feed(struct redis_link *link)
{
    uint8_t data[read_bytes];
    ssize_t got = receive_some(link, data, sizeof(data));

    if (got > 0 && redis_tls_put(link->tls, data, (size_t)got) != 0) {
        fail(link, "out of memory");
        return -1;
    }
    return got;
}

static void shake_hands(struct redis_link *link)
{
    ssize_t fed = 1;

    while (fed > 0) {
        int done = redis_tls_handshake(link->tls);

        if (done < 0) {
            char why[sizeof(link->fault)];

            snprintf(why, sizeof(why), "%s", redis_tls_fault(link->tls));
            (void)flush(link); /* the alert tells the other side too */
            link->refused = true;
            fail(link, why);
            return;
        }
        if (!flush(link))
            return;
        if (done > 0) {
            link->stage = REDIS_LINK_OPEN;
            return;
        }
        fed = feed(link);
    }
}

enum redis_link_stage redis_link_run(struct redis_link *link)
{
    if (link->stage == REDIS_LINK_LOOKING)
        finish_lookup(link);
    if (link->stage == REDIS_LINK_CONNECTING)
        finish_connect(link);
    if (link->stage == REDIS_LINK_SHAKING)
        shake_hands(link);
    else if (link->stage == REDIS_LINK_OPEN && link->tls != NULL)
        (void)flush(link);
    return link->stage;
}

ssize_t redis_link_write(struct redis_link *link, const void *data, size_t size)
{
    if (link->tls == NULL)
        return send_some(link, data, size);
    if (!flush(link))
        return -1;
    if (link->wire_at < link->wire_size)
        return 0; /* one record waits: no more is made */
    if (size > plain_bytes)
        size = plain_bytes;
    if (redis_tls_write(link->tls, data, size) != 0) {
        fail_tls(link);
        return -1;
    }
    return flush(link) ? (ssize_t)size : -1;
}

ssize_t redis_link_read(struct redis_link *link, void *data, size_t size)
{
    ssize_t got, fed;

    if (link->tls == NULL)
        return receive_some(link, data, size);
    for (;;) {
        got = redis_tls_read(link->tls, data, size);
        if (got > 0)
            return got;
        if (got < 0) {
            fail_tls(link);
            return -1;
        }
        fed = feed(link);
        if (fed <= 0)
            return fed;
    }
}

int redis_link_fd(const struct redis_link *link)
{
    return link->redis == NULL ? -1 : link->redis->fd;
}

bool redis_link_wants_out(const struct redis_link *link)
{
    return link->stage == REDIS_LINK_CONNECTING || link->wire_at < link->wire_size;
}

void redis_link_close(struct redis_link *link)
{
    if (link->redis != NULL)
        redisFree(link->redis);
    redis_tls_destroy(link->tls);
    link->redis = NULL;
    link->tls = NULL;
    link->wire_at = link->wire_size = 0;
    link->stage = REDIS_LINK_CLOSED;
}

void redis_link_deinit(struct redis_link *link)
{
    redis_link_close(link);
    end_lookup(link);
    free(link->wire);
    link->wire = NULL;
}
