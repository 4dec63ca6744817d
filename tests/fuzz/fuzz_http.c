/* What is asked over HTTP, any bytes: each is answered as HTTP is, or hung up on; and the next one
 * who asks in order is served.
 *
 * The bytes: one request or several, to which the end of a head is added. Every zero byte ends a
 * piece that is sent on its own. The server waits for the rest of a request for ten seconds: we do
 * not. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/health.h"
#include "daemon/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    ports_first = 20000,
    ports_last = 30000,
    ask_anew = 512,
    patience_ms = 10,
    good_ms = 10000,
    tries_max = 500
};

static struct health health;
static struct http *server;
static struct sockaddr_in address = {.sin_family = AF_INET};

static void begin(void)
{
    static struct health_partition partitions[2] = {
        {.partition = 0, .state = WORKER_STATE_RUNNING},
        {.partition = 7, .state = WORKER_STATE_REFUSED, .behind_ms = 60000, .hangs = true},
    };
    const struct health_view view = {.started = true, .count = 2, .partitions = partitions};
    enum err err = ERR_IO;

    health_init(&health, 1000, clock_monotonic_ms());
    health_see(&health, &view, clock_monotonic_ms());
    for (unsigned port = ports_first + (unsigned)getpid() % 5000; port < ports_last; port++) {
        struct http_options options = {.handle = health_handle, .context = &health};
        struct err_note note;
        char listen[32];

        (void)snprintf(listen, sizeof(listen), "127.0.0.1:%u", port);
        options.listen = listen;
        err = http_start(&options, &server, &note);
        address.sin_port = htons((uint16_t)port);
        if (err == ERR_OK)
            break;
    }
    if (err != ERR_OK)
        abort();
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

/* A signal or a lack of ports is not the server's fault; that nobody gets in is. */
static int ask(void)
{
    const struct linger reset = {.l_onoff = 1}; /* no port is kept behind each question */

    for (int tries = 0; tries < tries_max; tries++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0)
            abort();
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
            return fd;
        (void)close(fd);
        (void)poll(NULL, 0, patience_ms);
    }
    abort();
}

static bool say(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0) /* it hung up */
            return false;
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

static void say_pieces(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        const uint8_t *end = memchr(data, 0, size);
        size_t piece = end == NULL ? size : (size_t)(end - data);

        if (!say(fd, data, piece))
            return;
        piece += end != NULL;
        data += piece;
        size -= piece;
    }
}

/* What is answered until it hangs up, or until nothing comes any more; the text is ended. */
static size_t hear(int fd, int patience, char *text, size_t size)
{
    size_t got = 0;

    (void)shutdown(fd, SHUT_WR);
    for (;;) {
        char rest[4096];
        char *to = got + 1 < size ? text + got : rest;
        struct pollfd waits = {.fd = fd, .events = POLLIN};
        ssize_t more;
        int woke = poll(&waits, 1, patience);

        if (woke < 0)
            continue;
        if (woke == 0)
            break;
        more = recv(fd, to, to == rest ? sizeof(rest) : size - got - 1, 0);
        if (more < 0 && errno == EINTR)
            continue;
        if (more <= 0)
            break;
        got += to == rest ? 0 : (size_t)more;
    }
    text[got] = '\0';
    return got;
}

static void check_answer(const char *text)
{
    static const int known[] = {200, 400, 404, 405, 408, 411, 413,
                                414, 417, 431, 500, 501, 503, 505};
    int status = 0, end = 0;

    if (sscanf(text, "HTTP/1.%*1[01] %3d %n", &status, &end) != 1 || end == 0 ||
        strstr(text, "\r\n\r\n") == NULL)
        abort();
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        if (known[i] == status)
            return;
    }
    abort();
}

/* One who asks as one should gets his answer: at once, or when those before him are gone (a server
 * that has all the connections it wants hangs up). */
static void ask_well(void)
{
    static const uint8_t good[] = "GET /livez HTTP/1.0\r\n\r\n";
    char text[4096];

    for (int tries = 0; tries < tries_max; tries++) {
        int fd = ask();
        size_t heard = say(fd, good, sizeof(good) - 1) ? hear(fd, good_ms, text, sizeof(text)) : 0;

        (void)close(fd);
        if (heard > 0) {
            if (strncmp(text, "HTTP/1.", 7) != 0 || strncmp(text + 8, " 200 ", 5) != 0)
                abort();
            return;
        }
        (void)poll(NULL, 0, patience_ms);
    }
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[64 * 1024];
    static unsigned count;
    int fd;

    if (server == NULL)
        begin();
    fd = ask();
    say_pieces(fd, data, size);
    (void)say(fd, (const uint8_t *)"\r\n\r\n", 4);
    if (hear(fd, patience_ms, text, sizeof(text)) > 0)
        check_answer(text);
    (void)close(fd);
    if (count++ % ask_anew == 0)
        ask_well();
    return 0;
}
