/* A watch over the process's own thread. A worker that hangs is seen by that thread; if the thread
 * itself hangs (librdkafka does not come back from closing, a worker cannot be joined), nobody
 * would see it, the group would wait, and the supervisor has no reason to start the process again.
 *
 * It counts its own ticks, not time: a process that was frozen is not taken for one that hangs. */
#ifndef RINGBACK_DAEMON_WATCHDOG_H
#define RINGBACK_DAEMON_WATCHDOG_H

struct watchdog; /* opaque; a thread of its own */

/* hung is called once, in the watchdog's thread, when ticks_max ticks went by without a turn. Never
 * NULL. */
struct watchdog *watchdog_create(int tick_ms, int ticks_max, void (*hung)(void *context),
                                 void *context);
void watchdog_destroy(struct watchdog *watchdog); /* NULL is fine */

/* The watched thread moves. NULL is fine. */
void watchdog_turn(struct watchdog *watchdog);

#endif
