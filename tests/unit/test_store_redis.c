/* The store on Redis against answers that no Redis gives: a socket of our own plays the server.
 * tests/all.d/10-servers and tests/fuzz/fuzz_redis.c have the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "state/store/store.h"

struct town {
    struct store *store;
    int listener, server;
    char folder[40];
    char url[120];
};

static void say(struct town *town, const char *answer)
{
    size_t size = strlen(answer);

    assert_int_equal(send(town->server, answer, size, MSG_NOSIGNAL), size);
}

/* A server that takes whatever it is asked; the store is connected and has its scripts. */
static int set_up(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct town *town = calloc(1, sizeof(*town));
    struct store_redis_options options = {
        .cluster_id = "c", .group = "g", .timeout_ms = 1000, .backoff_ms_max = 1000};
    struct err_note note;

    assert_non_null(town);
    snprintf(town->folder, sizeof(town->folder), "/tmp/ringback-XXXXXX");
    assert_non_null(mkdtemp(town->folder));
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", town->folder);
    snprintf(town->url, sizeof(town->url), "unix://%s", address.sun_path);
    town->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(town->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(town->listener, 1), 0);
    options.url = town->url;
    assert_int_equal(store_redis_create(&options, &town->store, &note), ERR_OK);
    store_run(town->store, 1);
    town->server = accept(town->listener, NULL, NULL);
    assert_true(town->server >= 0);
    say(town, "+a\r\n+b\r\n+c\r\n");
    store_run(town->store, 2);
    assert_null(store_fault(town->store));
    (void)unlink(address.sun_path);
    (void)rmdir(town->folder);
    *state = town;
    return 0;
}

static int tear_down(void **state)
{
    struct town *town = *state;

    store_destroy(town->store);
    (void)close(town->server);
    (void)close(town->listener);
    free(town);
    return 0;
}

/* The call, answered so; it must have ended. */
static void ask(struct town *town, struct store_call *call, const char *answer)
{
    store_start(town->store, call);
    store_run(town->store, 3);
    say(town, answer);
    store_run(town->store, 4);
    assert_ptr_equal(store_done(town->store), call);
}

static void store_redis_answer_without_a_pointer_is_moved(void **state)
{
    static const char *const answers[] = {"+OK\r\n", ":1\r\n", "$-1\r\n", "*0\r\n", "*1\r\n:0\r\n"};

    for (size_t at = 0; at < sizeof(answers) / sizeof(answers[0]); at++) {
        struct store_call call = {.kind = STORE_CALL_APPLY, .pointer.present = true};

        ask(*state, &call, answers[at]);
        assert_int_equal(call.err, ERR_STORE_MOVED);
        assert_false(call.pointer.present);
    }
}

static void store_redis_policy_that_is_no_text_is_unknown(void **state)
{
    static const char *const values[] = {"$-1\r\n", ":7\r\n", "*0\r\n"};

    for (size_t at = 0; at < sizeof(values) / sizeof(values[0]); at++) {
        struct store_call call = {.kind = STORE_CALL_POLICY};
        char answer[40];

        snprintf(answer, sizeof(answer), "*2\r\n$1\r\np\r\n%s", values[at]);
        ask(*state, &call, answer);
        assert_int_equal(call.err, ERR_OK);
        assert_string_equal(call.policy, "");
    }
}

/* Its 16 GB would be asked for before the second element is there. */
static void store_redis_answer_of_too_many_elements_is_dropped(void **state)
{
    struct town *town = *state;
    struct store_call call = {.kind = STORE_CALL_POINTER};

    ask(town, &call, "*2147483647\r\n");
    assert_int_equal(call.err, ERR_STORE_DOWN);
    assert_non_null(strstr(store_fault(town->store), "its answer"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(store_redis_answer_without_a_pointer_is_moved, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(store_redis_policy_that_is_no_text_is_unknown, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(store_redis_answer_of_too_many_elements_is_dropped, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
