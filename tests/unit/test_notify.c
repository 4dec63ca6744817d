/* What a supervisor hears, through a socket of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/notify.h"

enum { heard_bytes_max = 2000 };

/* In Linux's abstract namespace: no file is left behind. */
static int listen_here(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char name[100];
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    snprintf(name, sizeof(name), "@ringback-test-notify-%d", (int)getpid());
    memcpy(address.sun_path, name, strlen(name));
    address.sun_path[0] = '\0';
    assert_int_equal(bind(fd, (const struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
                     0);
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

static int listen_with_watchdog(const char *usec)
{
    char pid[20];

    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("WATCHDOG_USEC", usec, 1);
    setenv("WATCHDOG_PID", pid, 1);
    return listen_here();
}

static void end(int fd)
{
    close(fd);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

/* All that was said since, a message in [ ], its lines joined by blanks. */
static void assert_heard(int fd, const char *wanted)
{
    char heard[heard_bytes_max] = "";
    size_t used = 0;

    for (;;) {
        char message[heard_bytes_max];
        ssize_t size = recv(fd, message, sizeof(message) - 1, 0);

        if (size <= 0)
            break;
        if (message[size - 1] == '\n')
            size--;
        message[size] = '\0';
        for (char *at = message; *at != '\0'; at++) {
            if (*at == '\n')
                *at = ' ';
        }
        used += (size_t)snprintf(heard + used, sizeof(heard) - used, "[%s]", message);
    }
    assert_string_equal(heard, wanted);
}

static void notify_says_nothing_without_a_supervisor(void **state)
{
    struct notify notify;

    (void)state;
    unsetenv("NOTIFY_SOCKET");
    notify_init(&notify, 0);
    assert_false(notify_due(&notify, 1000000));
    notify_turn(&notify, true, "ready", 1000000);
    notify_stop(&notify);
    setenv("NOTIFY_SOCKET", "", 1);
    notify_init(&notify, 0);
    assert_false(notify_due(&notify, 1000000));
    unsetenv("NOTIFY_SOCKET");
}

static void notify_is_ready_once_and_tells_what_changes(void **state)
{
    int fd = listen_here();
    struct notify notify;

    (void)state;
    notify_init(&notify, 1000);
    assert_heard(fd, "[STATUS=starts EXTEND_TIMEOUT_USEC=90000000]");
    notify_turn(&notify, false, "takes over", 1000);
    assert_heard(fd, "[STATUS=takes over]");
    assert_false(notify_due(&notify, 1249));
    notify_turn(&notify, true, "ready", 1249);
    assert_heard(fd, "");
    notify_turn(&notify, true, "ready", 1250);
    assert_heard(fd, "[STATUS=ready READY=1]");
    notify_turn(&notify, true, "ready", 2000);
    assert_heard(fd, "");
    notify_turn(&notify, false, "takes over", 3000);
    notify_turn(&notify, true, "ready", 4000);
    assert_heard(fd, "[STATUS=takes over][STATUS=ready]");
    notify_stop(&notify);
    notify_stop(&notify);
    assert_heard(fd, "[STOPPING=1 STATUS=stops: ends its batches and leaves the group]");
    end(fd);
}

static void notify_asks_for_time_until_it_is_ready(void **state)
{
    int fd = listen_here();
    struct notify notify;

    (void)state;
    notify_init(&notify, 1000);
    notify_turn(&notify, false, "takes over", 1000);
    assert_heard(fd, "[STATUS=starts EXTEND_TIMEOUT_USEC=90000000][STATUS=takes over]");
    notify_turn(&notify, false, "takes over", 10999);
    assert_heard(fd, "");
    notify_turn(&notify, false, "takes over", 11300);
    assert_heard(fd, "[EXTEND_TIMEOUT_USEC=90000000]");
    notify_turn(&notify, false, "takes over", 21299);
    assert_heard(fd, "");
    notify_turn(&notify, true, "takes over", 21600);
    assert_heard(fd, "[READY=1]");
    notify_turn(&notify, false, "takes over", 99999);
    assert_heard(fd, "");
    end(fd);
}

static void notify_is_alive_at_half_of_the_watchdogs_time(void **state)
{
    int fd = listen_with_watchdog("10000000");
    struct notify notify;

    (void)state;
    notify_init(&notify, 1000);
    notify_turn(&notify, false, "s", 1000);
    assert_heard(fd, "[STATUS=starts EXTEND_TIMEOUT_USEC=90000000][STATUS=s]");
    notify_turn(&notify, true, "s", 2000);
    assert_heard(fd, "[READY=1 WATCHDOG=1]");
    notify_turn(&notify, true, "s", 6999);
    assert_heard(fd, "");
    notify_turn(&notify, true, "s", 7250);
    assert_heard(fd, "[WATCHDOG=1]");
    notify_turn(&notify, false, "s", 12250); /* unready is not dead */
    assert_heard(fd, "[WATCHDOG=1]");
    end(fd);
}

static void notify_is_alive_oftener_than_it_looks(void **state)
{
    int fd = listen_with_watchdog("100000");
    struct notify notify;

    (void)state;
    notify_init(&notify, 0);
    notify_turn(&notify, true, "s", 0);
    assert_heard(fd, "[STATUS=starts EXTEND_TIMEOUT_USEC=90000000][STATUS=s READY=1 WATCHDOG=1]");
    assert_false(notify_due(&notify, 49));
    assert_true(notify_due(&notify, 50));
    notify_turn(&notify, true, "s", 50);
    assert_heard(fd, "[WATCHDOG=1]");
    end(fd);
}

static void notify_minds_whose_watchdog_it_is(void **state)
{
    int fd = listen_with_watchdog("10000000");
    struct notify notify;

    (void)state;
    setenv("WATCHDOG_PID", "1", 1);
    notify_init(&notify, 0);
    notify_turn(&notify, true, "s", 0);
    assert_heard(fd, "[STATUS=starts EXTEND_TIMEOUT_USEC=90000000][STATUS=s READY=1]");
    setenv("WATCHDOG_USEC", "rubbish", 1);
    unsetenv("WATCHDOG_PID");
    notify_init(&notify, 0);
    notify_turn(&notify, true, "s", 0);
    assert_heard(fd, "[STATUS=starts EXTEND_TIMEOUT_USEC=90000000][STATUS=s READY=1]");
    end(fd);
}

static void notify_cuts_a_long_line_and_says_it_once(void **state)
{
    int fd = listen_here();
    struct notify notify;
    char line[1000], wanted[1100];

    (void)state;
    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1] = '\0';
    notify_init(&notify, 0);
    assert_heard(fd, "[STATUS=starts EXTEND_TIMEOUT_USEC=90000000]");
    notify_turn(&notify, true, line, 0);
    snprintf(wanted, sizeof(wanted), "[STATUS=%.*s READY=1]", notify_line_bytes_max - 1, line);
    assert_heard(fd, wanted);
    notify_turn(&notify, true, line, 1000);
    assert_heard(fd, "");
    end(fd);
}

static void notify_goes_on_when_nobody_listens(void **state)
{
    struct notify notify;

    (void)state;
    setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
    notify_init(&notify, 0);
    assert_true(notify.failed);
    notify_turn(&notify, true, "s", 0);
    assert_true(notify.ready);
    notify_stop(&notify);
    unsetenv("NOTIFY_SOCKET");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notify_says_nothing_without_a_supervisor),
        cmocka_unit_test(notify_is_ready_once_and_tells_what_changes),
        cmocka_unit_test(notify_asks_for_time_until_it_is_ready),
        cmocka_unit_test(notify_is_alive_at_half_of_the_watchdogs_time),
        cmocka_unit_test(notify_is_alive_oftener_than_it_looks),
        cmocka_unit_test(notify_minds_whose_watchdog_it_is),
        cmocka_unit_test(notify_cuts_a_long_line_and_says_it_once),
        cmocka_unit_test(notify_goes_on_when_nobody_listens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
