/* What the product asks the system for, given by the world instead (the linker's --wrap): time,
 * descriptors to wait on, threads, and the end of a process. random_bytes() is the world's too. */
#include "tests/sim/system.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/random.h"
#include "tests/sim/client.h"

enum { fd_first = 1 << 20, fd_max = 4096 };

static struct {
    bool used;
    uint64_t counter;
    struct process *process;
} fds[fd_max];

int64_t system_start_ms;
uint64_t system_aborts;

void system_begin(int64_t start_ms)
{
    memset(fds, 0, sizeof(fds));
    system_start_ms = start_ms;
}

int system_fd(void)
{
    for (int i = 0; i < fd_max; i++) {
        if (fds[i].used && fds[i].process->alive)
            continue;
        fds[i].used = true;
        fds[i].counter = 0;
        fds[i].process = process_current();
        return fd_first + i;
    }
    abort();
}

void system_signal(int fd)
{
    fds[fd - fd_first].counter++;
    process_wake(fds[fd - fd_first].process);
}

void system_unsignal(int fd)
{
    fds[fd - fd_first].counter = 0;
}

void system_close(int fd)
{
    fds[fd - fd_first].used = false;
}

#define WRAPPED(name) __wrap_##name
#define REAL(type, name, ...)                                                                      \
    type __real_##name(__VA_ARGS__);                                                               \
    type __wrap_##name(__VA_ARGS__)

REAL(int, clock_gettime, clockid_t id, struct timespec *time);
REAL(int, poll, struct pollfd *fds, nfds_t count, int timeout_ms);
REAL(int, usleep, useconds_t us);
REAL(int, eventfd, unsigned int value, int flags);
REAL(int, eventfd_write, int fd, eventfd_t value);
REAL(ssize_t, read, int fd, void *data, size_t size);
REAL(ssize_t, write, int fd, const void *data, size_t size);
REAL(int, close, int fd);
REAL(int, pthread_create, pthread_t *thread, const pthread_attr_t *attributes,
     void *(*main)(void *), void *context);
REAL(int, pthread_join, pthread_t thread, void **result);
REAL(void, abort, void);

int __wrap_clock_gettime(clockid_t id, struct timespec *time)
{
    const struct process *process = process_current();
    int64_t us = world_now();

    if (process == NULL)
        return __real_clock_gettime(id, time);
    us += id == CLOCK_REALTIME ? system_start_ms * world_ms_us + process->wall_us
                               : 1000 * (int64_t)world_second_us;
    time->tv_sec = us / world_second_us;
    time->tv_nsec = us % world_second_us * 1000;
    return 0;
}

int64_t system_wall_ms(void)
{
    return system_start_ms + world_now() / world_ms_us;
}

static int count_ready(struct pollfd *wanted, nfds_t count)
{
    int ready = 0;

    for (nfds_t i = 0; i < count; i++) {
        int fd = wanted[i].fd;

        wanted[i].revents = 0;
        if (fd >= fd_first && fds[fd - fd_first].counter > 0)
            wanted[i].revents = wanted[i].events & POLLIN;
        ready += wanted[i].revents != 0;
    }
    return ready;
}

int __wrap_poll(struct pollfd *wanted, nfds_t count, int timeout_ms)
{
    int64_t until_us = world_now() + (int64_t)timeout_ms * world_ms_us;
    int ready;

    if (process_current() == NULL)
        return __real_poll(wanted, count, timeout_ms);
    world_io("poll");
    while ((ready = count_ready(wanted, count)) == 0 && world_now() < until_us)
        task_wait(until_us);
    return ready;
}

/* The world's time goes on; nobody sleeps. */
int WRAPPED(usleep)(useconds_t us)
{
    int64_t until_us = world_now() + us;

    while (world_now() < until_us)
        task_wait(until_us);
    return 0;
}

int __wrap_eventfd(unsigned int value, int flags)
{
    (void)value, (void)flags;
    return system_fd();
}

int __wrap_eventfd_write(int fd, eventfd_t value)
{
    (void)value;
    system_signal(fd);
    return 0;
}

ssize_t __wrap_read(int fd, void *data, size_t size)
{
    if (fd < fd_first)
        return __real_read(fd, data, size);
    if (fds[fd - fd_first].counter == 0) {
        errno = EAGAIN;
        return -1;
    }
    memcpy(data, &fds[fd - fd_first].counter, sizeof(uint64_t));
    fds[fd - fd_first].counter = 0;
    return sizeof(uint64_t);
}

ssize_t __wrap_write(int fd, const void *data, size_t size)
{
    if (fd < fd_first)
        return __real_write(fd, data, size);
    system_signal(fd);
    return (ssize_t)size;
}

int __wrap_close(int fd)
{
    if (fd < fd_first)
        return __real_close(fd);
    system_close(fd);
    return 0;
}

/* --- threads --- */

struct thread {
    void *(*main)(void *);
    void *context;
    struct task *task;
};

static void thread_main(void *context)
{
    struct thread *thread = context;

    (void)thread->main(thread->context);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*main)(void *), void *context)
{
    struct thread *made = memory_zalloc(sizeof(*made), "a thread");

    (void)attributes;
    made->main = main;
    made->context = context;
    made->task = task_start(thread_main, made);
    *thread = (pthread_t)(uintptr_t)made;
    return 0;
}

int __wrap_pthread_join(pthread_t thread, void **result)
{
    struct thread *made = (struct thread *)(uintptr_t)thread;

    (void)result;
    while (!task_ended(made->task))
        task_wait(world_now() + world_second_us);
    free(made);
    return 0;
}

void __wrap_abort(void)
{
    struct process *process = process_current();

    if (process == NULL)
        __real_abort();
    system_aborts++;
    process_kill(process, "abort()");
    __real_abort();
}

void random_bytes(void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)data)[i] = (uint8_t)world_below(256);
}
