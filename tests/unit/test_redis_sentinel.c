/* The store with Sentinels: sockets of our own play them and the servers that they name.
 * tests/all.d/52-secure has real ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "state/store/store.h"

struct player {
    int listener, link;
    int port;
    char heard[4000];
};

struct town {
    struct player sentinels[2], redis;
    struct store *store;
    int64_t now_ms;
};

static void listen_as(struct player *player)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);

    player->listener = socket(AF_INET, SOCK_STREAM, 0);
    player->link = -1;
    assert_int_equal(bind(player->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(player->listener, 8), 0);
    assert_int_equal(getsockname(player->listener, (struct sockaddr *)&address, &size), 0);
    player->port = ntohs(address.sin_port);
}

static void run(struct town *town)
{
    store_run(town->store, town->now_ms);
}

/* The store has begun to connect to this one; run until it has written. */
static void meet(struct town *town, struct player *player)
{
    ssize_t got;

    if (player->link >= 0)
        (void)close(player->link);
    run(town);
    player->link = accept(player->listener, NULL, NULL);
    assert_true(player->link >= 0);
    do { /* the three-way handshake of a loopback is over when accept returns; poll may lag */
        run(town);
        got = recv(player->link, player->heard, sizeof(player->heard) - 1, MSG_DONTWAIT);
    } while (got < 0);
    player->heard[got] = '\0';
}

static void say(struct town *town, struct player *player, const char *answer)
{
    size_t size = strlen(answer);

    assert_int_equal(send(player->link, answer, size, MSG_NOSIGNAL), size);
    run(town);
}

static void say_master(struct town *town, struct player *player)
{
    char port[16], text[100];

    snprintf(port, sizeof(port), "%d", town->redis.port);
    snprintf(text, sizeof(text), "*2\r\n$9\r\n127.0.0.1\r\n$%zu\r\n%s\r\n", strlen(port), port);
    say(town, player, text);
}

static int set_up(void **state)
{
    static char sentinels[100];
    struct town *town = calloc(1, sizeof(*town));
    struct store_redis_options options = {.url = "redis://:hush@unused.invalid/3",
                                          .sentinels = sentinels,
                                          .sentinel_master = "m",
                                          .cluster_id = "c",
                                          .group = "g",
                                          .timeout_ms = 1000,
                                          .backoff_ms_max = 1000};
    struct err_note note;

    assert_non_null(town);
    town->now_ms = 1;
    listen_as(&town->sentinels[0]);
    listen_as(&town->sentinels[1]);
    listen_as(&town->redis);
    snprintf(sentinels, sizeof(sentinels), "127.0.0.1:%d,127.0.0.1:%d", town->sentinels[0].port,
             town->sentinels[1].port);
    assert_int_equal(store_redis_create(&options, &town->store, &note), ERR_OK);
    *state = town;
    return 0;
}

static void close_player(struct player *player)
{
    if (player->link >= 0)
        (void)close(player->link);
    (void)close(player->listener);
}

static int tear_down(void **state)
{
    struct town *town = *state;

    store_destroy(town->store);
    close_player(&town->sentinels[0]);
    close_player(&town->sentinels[1]);
    close_player(&town->redis);
    free(town);
    return 0;
}

static void sentinel_names_the_master_which_must_say_so(void **state)
{
    struct town *town = *state;

    meet(town, &town->sentinels[0]);
    assert_non_null(strstr(town->sentinels[0].heard, "GET-MASTER-ADDR-BY-NAME\r\n$1\r\nm\r\n"));
    assert_null(strstr(town->sentinels[0].heard, "hush")); /* the master's alone */
    say_master(town, &town->sentinels[0]);
    meet(town, &town->redis);
    assert_non_null(strstr(town->redis.heard, "AUTH\r\n$4\r\nhush\r\n"));
    assert_non_null(strstr(town->redis.heard, "ROLE\r\n"));
    say(town, &town->redis, "+OK\r\n*3\r\n$5\r\nslave\r\n:1\r\n:2\r\n");
    assert_non_null(strstr(store_fault(town->store), "it says that it is none"));
    assert_false(store_refused(town->store));
    town->now_ms = store_wake_ms(town->store); /* another one is asked */
    meet(town, &town->sentinels[1]);
    say_master(town, &town->sentinels[1]);
    meet(town, &town->redis);
    say(town, &town->redis, "+OK\r\n*1\r\n$6\r\nmaster\r\n+OK\r\n+a\r\n+b\r\n+c\r\n");
    assert_null(store_fault(town->store));
}

static void sentinel_that_fails_is_followed_by_the_next_at_once(void **state)
{
    struct town *town = *state;

    meet(town, &town->sentinels[0]);
    say(town, &town->sentinels[0], "*-1\r\n");
    assert_non_null(strstr(store_fault(town->store), "it knows no master named \"m\""));
    assert_int_equal(store_wake_ms(town->store), town->now_ms);
    meet(town, &town->sentinels[1]);
    say(town, &town->sentinels[1], "-NOAUTH Authentication required.\r\n");
    assert_non_null(strstr(store_fault(town->store), "no Sentinel of redis.sentinels says"));
    assert_non_null(strstr(store_fault(town->store), "redis.sentinel_password_file"));
    assert_true(store_refused(town->store));
    assert_true(store_wake_ms(town->store) > town->now_ms);
}

static void sentinel_that_is_silent_has_the_time_out_and_no_more(void **state)
{
    struct town *town = *state;

    meet(town, &town->sentinels[0]);
    town->now_ms += 999;
    run(town);
    assert_int_equal(store_wake_ms(town->store), town->now_ms + 1);
    town->now_ms += 1;
    run(town);
    assert_non_null(strstr(store_fault(town->store), "no answer in time"));
    meet(town, &town->sentinels[1]);
    say_master(town, &town->sentinels[1]);
    meet(town, &town->redis);
}

static void sentinel_answers_of_rubbish_are_survived(void **state)
{
    static const char *const answers[] = {"+OK\r\n",
                                          ":1\r\n",
                                          "*2\r\n:1\r\n:2\r\n",
                                          "*0\r\n",
                                          "*2\r\n$1\r\nh\r\n$6\r\n123456\r\n",
                                          "*2\r\n$0\r\n\r\n$1\r\n1\r\n",
                                          "?\r\n"};
    struct town *town = *state;

    for (size_t at = 0; at < sizeof(answers) / sizeof(answers[0]); at++) {
        meet(town, &town->sentinels[at % 2]);
        say(town, &town->sentinels[at % 2], answers[at]);
        assert_non_null(strstr(store_fault(town->store), "the Sentinel at 127.0.0.1:"));
        town->now_ms = store_wake_ms(town->store);
    }
}

/* A proxy that repeats what it was told. */
static void redis_error_that_repeats_the_password_is_told_without(void **state)
{
    struct town *town = *state;

    meet(town, &town->sentinels[0]);
    say_master(town, &town->sentinels[0]);
    meet(town, &town->redis);
    say(town, &town->redis, "-ERR unknown command 'AUTH', with args beginning with: 'hush'\r\n");
    assert_non_null(strstr(store_fault(town->store), "beginning with: '***'"));
    assert_null(strstr(store_fault(town->store), "hush"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sentinel_names_the_master_which_must_say_so, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(sentinel_that_fails_is_followed_by_the_next_at_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(sentinel_that_is_silent_has_the_time_out_and_no_more,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(sentinel_answers_of_rubbish_are_survived, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(redis_error_that_repeats_the_password_is_told_without,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
