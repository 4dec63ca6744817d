#include "daemon/notify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/log.h"

enum {
    turn_ms = 250,
    extend_each_ms = 10 * 1000,
    extend_by_ms = 90 * 1000, /* above the minute after which /livez says that it hangs */
    message_bytes_max = notify_line_bytes_max + 200
};

static void send_message(struct notify *notify, const char *message)
{
    int sent = sd_notify(0, message);

    if (sent >= 0 || notify->failed)
        return;
    notify->failed = true;
    log_warn("the supervisor cannot be told how it goes; it may end this process. Is NOTIFY_SOCKET "
             "a socket that this user may write to?",
             LOG_TEXT("socket", getenv("NOTIFY_SOCKET")), LOG_TEXT("why", strerror(-sent)));
}

void notify_init(struct notify *notify, int64_t now_ms)
{
    const char *socket = getenv("NOTIFY_SOCKET");
    char message[message_bytes_max];
    uint64_t alive_us = 0;

    memset(notify, 0, sizeof(*notify));
    notify->enabled = socket != NULL && socket[0] != '\0';
    if (!notify->enabled)
        return;
    if (sd_watchdog_enabled(0, &alive_us) > 0)
        notify->alive_each_ms = alive_us < 2000 ? 1 : (int64_t)(alive_us / 2000);
    notify->due_ms = now_ms;
    notify->extend_due_ms = now_ms + extend_each_ms;
    snprintf(message, sizeof(message), "STATUS=starts\nEXTEND_TIMEOUT_USEC=%d000", extend_by_ms);
    send_message(notify, message);
}

bool notify_due(const struct notify *notify, int64_t now_ms)
{
    return notify->enabled &&
           (now_ms >= notify->due_ms ||
            (notify->ready && notify->alive_each_ms > 0 && now_ms >= notify->alive_due_ms));
}

void notify_turn(struct notify *notify, bool ready, const char *line, int64_t now_ms)
{
    char message[message_bytes_max] = "";
    size_t used = 0;

    if (!notify_due(notify, now_ms))
        return;
    notify->due_ms = now_ms + turn_ms;
    if (strncmp(notify->line, line, sizeof(notify->line) - 1) != 0) {
        snprintf(notify->line, sizeof(notify->line), "%s", line);
        used +=
            (size_t)snprintf(message + used, sizeof(message) - used, "STATUS=%s\n", notify->line);
    }
    if (ready && !notify->ready) {
        notify->ready = true;
        notify->alive_due_ms = now_ms;
        used += (size_t)snprintf(message + used, sizeof(message) - used, "READY=1\n");
    }
    if (notify->ready && notify->alive_each_ms > 0 && now_ms >= notify->alive_due_ms) {
        notify->alive_due_ms = now_ms + notify->alive_each_ms;
        used += (size_t)snprintf(message + used, sizeof(message) - used, "WATCHDOG=1\n");
    }
    if (!notify->ready && now_ms >= notify->extend_due_ms) {
        notify->extend_due_ms = now_ms + extend_each_ms;
        used += (size_t)snprintf(message + used, sizeof(message) - used,
                                 "EXTEND_TIMEOUT_USEC=%d000\n", extend_by_ms);
    }
    if (used > 0)
        send_message(notify, message);
}

void notify_stop(struct notify *notify)
{
    if (!notify->enabled || notify->stopping)
        return;
    notify->stopping = true;
    send_message(notify, "STOPPING=1\nSTATUS=stops: ends its batches and leaves the group");
}
