#include "daemon/watchdog.h"

#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/memory.h"

struct watchdog {
    pthread_t thread;
    int tick_ms;
    int ticks_max;
    void (*hung)(void *context);
    void *context;
    atomic_uint turns;
    int end_fd; /* readable: it is to end */
};

static void *watch(void *context)
{
    struct watchdog *watchdog = context;
    unsigned seen = atomic_load(&watchdog->turns);
    int ticks = 0;

    while (ticks < watchdog->ticks_max) {
        struct pollfd end = {.fd = watchdog->end_fd, .events = POLLIN};
        unsigned turns;

        if (poll(&end, 1, watchdog->tick_ms) != 0)
            return NULL;
        turns = atomic_load(&watchdog->turns);
        ticks = turns == seen ? ticks + 1 : 0;
        seen = turns;
    }
    watchdog->hung(watchdog->context);
    return NULL;
}

struct watchdog *watchdog_create(int tick_ms, int ticks_max, void (*hung)(void *context),
                                 void *context)
{
    struct watchdog *watchdog = memory_zalloc(sizeof(*watchdog), "a watchdog");
    int failed;

    watchdog->tick_ms = tick_ms;
    watchdog->ticks_max = ticks_max;
    watchdog->hung = hung;
    watchdog->context = context;
    watchdog->end_fd = eventfd(0, EFD_CLOEXEC);
    assert(watchdog->end_fd >= 0);
    failed = pthread_create(&watchdog->thread, NULL, watch, watchdog);
    assert(failed == 0);
    return watchdog;
}

void watchdog_turn(struct watchdog *watchdog)
{
    if (watchdog != NULL)
        atomic_fetch_add(&watchdog->turns, 1);
}

void watchdog_destroy(struct watchdog *watchdog)
{
    if (watchdog == NULL)
        return;
    (void)eventfd_write(watchdog->end_fd, 1);
    (void)pthread_join(watchdog->thread, NULL);
    close(watchdog->end_fd);
    free(watchdog);
}
