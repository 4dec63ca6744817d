/* What a supervisor that speaks systemd's protocol is told (sd_notify(3)), from the process's own
 * thread alone: so that READY, STATUS and WATCHDOG come only while that thread moves.
 *
 *   READY=1                  once, when it first decides on all that the group gave it
 *   STATUS=...               a line for people, when it changes
 *   WATCHDOG=1               at half of the time that the supervisor gives, from READY on
 *   EXTEND_TIMEOUT_USEC=...  until READY: a start may take long, one that hangs may not
 *   STOPPING=1               once
 *
 * Without a supervisor (no NOTIFY_SOCKET) nothing is said to anybody. */
#ifndef RINGBACK_DAEMON_NOTIFY_H
#define RINGBACK_DAEMON_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

enum { notify_line_bytes_max = 300 };

/* Times are monotonic. */
struct notify {
    bool enabled;
    bool ready;            /* was told */
    bool stopping;         /* was told */
    bool failed;           /* the socket does not take it; logged once */
    int64_t alive_each_ms; /* 0: no watchdog */
    int64_t due_ms;
    int64_t alive_due_ms;
    int64_t extend_due_ms;
    char line[notify_line_bytes_max]; /* the last STATUS */
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and tells that it starts. */
void notify_init(struct notify *notify, int64_t now_ms);

/* Whether a turn has anything to look at: some times a second, never without a supervisor. */
bool notify_due(const struct notify *notify, int64_t now_ms);

/* line: see notify_line_bytes_max; longer is cut. */
void notify_turn(struct notify *notify, bool ready, const char *line, int64_t now_ms);
void notify_stop(struct notify *notify);

#endif
