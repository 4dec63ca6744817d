/* What /livez, /readyz and /metrics say, and on which address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/metrics.h"
#include "daemon/health.h"

enum { behind_max_ms = 10000 };

static const struct health_partition well = {.partition = 3, .state = WORKER_STATE_RUNNING};

/* The codes of that list, joined by spaces, and partitions behind them. */
static void codes(const json_t *root, const char *list, char text[300])
{
    const json_t *items = json_object_get(root, list), *item;
    size_t i;

    text[0] = '\0';
    json_array_foreach(items, i, item)
    {
        const json_t *partition = json_object_get(item, "partition");
        size_t used = strlen(text);

        assert_true(strlen(json_string_value(json_object_get(item, "text"))) > 10);
        snprintf(text + used, 300 - used, "%s%s", i == 0 ? "" : " ",
                 json_string_value(json_object_get(item, "code")));
        used = strlen(text);
        if (partition != NULL)
            snprintf(text + used, 300 - used, "/%d", (int)json_integer_value(partition));
    }
}

/* What is seen at 1000 is asked for at now_ms. */
static void assert_ready(const struct health_view *view, int64_t now_ms, unsigned status,
                         const char *word, const char *reasons, const char *warnings)
{
    struct health health;
    char *body, text[300];
    json_t *root;

    health_init(&health, behind_max_ms, 0);
    health_see(&health, view, 1000);
    assert_int_equal(health_ready(&health, now_ms, &body), status);
    root = json_loads(body, 0, NULL);
    assert_non_null(root);
    assert_string_equal(json_string_value(json_object_get(root, "status")), word);
    codes(root, "reasons", text);
    assert_string_equal(text, reasons);
    codes(root, "warnings", text);
    assert_string_equal(text, warnings);
    assert_int_equal(json_array_size(json_object_get(root, "partitions")), view->count);
    json_decref(root);
    free(body);
    health_deinit(&health);
}

static void assert_partition(struct health_partition partition, unsigned status, const char *word,
                             const char *reasons, const char *warnings)
{
    struct health_partition both[2] = {well, partition};
    struct health_view view = {.started = true, .count = 2, .partitions = both};

    both[0].partition = 0;
    assert_ready(&view, 2000, status, word, reasons, warnings);
}

static void health_is_ready_when_every_partition_is_decided(void **state)
{
    static const char *const reasons[WORKER_STATE_COUNT] = {
        [WORKER_STATE_STOPPED] = "TAKING_OVER/3",
        [WORKER_STATE_TAKING_OVER] = "TAKING_OVER/3",
        [WORKER_STATE_RUNNING] = "",
        [WORKER_STATE_BACKING_OFF] = "BACKING_OFF/3",
        [WORKER_STATE_REFUSED] = "REFUSED/3",
    };

    (void)state;
    for (int i = 0; i < WORKER_STATE_COUNT; i++) {
        struct health_partition partition = well;
        bool ready = i == WORKER_STATE_RUNNING;

        partition.state = (enum worker_state)i;
        assert_partition(partition, ready ? 200 : 503, ready ? "ready" : "not ready", reasons[i],
                         "");
    }
}

static void health_is_not_ready_before_the_group_answers_and_while_it_stops(void **state)
{
    struct health_view view = {.started = false};

    (void)state;
    assert_ready(&view, 2000, 503, "not ready", "STARTING", "");
    view.started = true;
    assert_ready(&view, 2000, 200, "degraded", "", "NO_PARTITION");
    view.stopping = true;
    assert_ready(&view, 2000, 503, "not ready", "STOPPING", "NO_PARTITION");
}

static void health_says_overload_as_warnings(void **state)
{
    struct health_partition partition = well;
    struct health_view view = {.started = true, .memory_over = true, .count = 1};

    (void)state;
    partition.behind_ms = partition.redis_behind_ms = behind_max_ms;
    assert_partition(partition, 200, "ready", "", "");
    partition.behind_ms++;
    assert_partition(partition, 200, "degraded", "", "BEHIND/3");
    partition.redis_behind_ms++;
    partition.behind_ms = 0;
    assert_partition(partition, 200, "degraded", "", "REDIS_BEHIND/3");
    partition = well;
    partition.clock_slow = true;
    assert_partition(partition, 200, "degraded", "", "CLOCK_SLOW/3");
    partition = well;
    partition.input_unread = true;
    assert_partition(partition, 200, "degraded", "", "INPUT_UNREAD/3");
    partition = well;
    partition.hangs = true;
    assert_partition(partition, 200, "degraded", "", "TRANSACTION_HANGS/3");
    partition = well;
    view.partitions = &partition;
    assert_ready(&view, 2000, 200, "degraded", "", "MEMORY_OVER");
}

/* The same as a line, of partition 3 and two that are well. */
static void assert_line(struct health_partition partition, bool ready, const char *wanted)
{
    struct health_partition three[3] = {well, well, partition};
    struct health_view view = {.started = true, .count = 3, .partitions = three};
    struct health health;
    char line[300];

    health_init(&health, behind_max_ms, 0);
    health_see(&health, &view, 1000);
    assert_int_equal(health_line(&health, 2000, line, sizeof(line)), ready);
    assert_string_equal(line, wanted);
    health_deinit(&health);
}

static void health_fits_a_line(void **state)
{
    struct health_partition partition = well;
    struct health_view one = {.started = true, .count = 1, .partitions = &partition};
    struct health health;
    char line[300];

    (void)state;
    assert_line(partition, true, "ready: decides on 3 partitions");
    partition.clock_slow = true;
    assert_line(partition, true,
                "degraded: CLOCK_SLOW on partition 3: the saved clock is ahead of this machine's: "
                "time goes at half its pace");
    partition.hangs = partition.input_unread = true;
    assert_line(partition, true,
                "degraded: CLOCK_SLOW on partition 3: the saved clock is ahead of this machine's: "
                "time goes at half its pace, and 2 more");
    partition.state = WORKER_STATE_TAKING_OVER;
    assert_line(partition, false,
                "not ready: TAKING_OVER on partition 3: the partition is being taken over");
    partition = well;
    health_init(&health, behind_max_ms, 0);
    assert_false(health_line(&health, 0, line, sizeof(line)));
    assert_string_equal(line, "not ready: STARTING: the broker was not reached yet, or the group "
                              "gave no answer");
    health_see(&health, &one, 1000);
    assert_true(health_line(&health, 1000, line, sizeof(line)));
    assert_string_equal(line, "ready: decides on 1 partition");
    health_deinit(&health);
}

static void health_lives_while_its_thread_moves(void **state)
{
    struct health_view view = {.started = true};
    struct health health;
    char *body;

    (void)state;
    health_init(&health, behind_max_ms, 500);
    assert_int_equal(health_live(&health, 60500, &body), 200);
    free(body);
    health_see(&health, &view, 1000);
    assert_int_equal(health_live(&health, 61000, &body), 200);
    free(body);
    assert_int_equal(health_live(&health, 61001, &body), 503);
    assert_non_null(strstr(body, "\"hangs\""));
    free(body);
    health_deinit(&health);
    assert_ready(&view, 61001, 503, "not ready", "HANGS", "NO_PARTITION");
}

static void health_forgets_partitions_that_went_away(void **state)
{
    struct health_partition partitions[3] = {well, well, well};
    struct health_view view = {.started = true, .partitions = partitions};
    struct health health;
    char *body;

    (void)state;
    health_init(&health, behind_max_ms, 0);
    for (size_t count = 0; count < 12; count++) {
        json_t *root;

        view.count = count * 2 % 4 == 0 ? count % 4 : 3;
        health_see(&health, &view, 1000);
        assert_int_equal(health_ready(&health, 1000, &body), 200);
        root = json_loads(body, 0, NULL);
        assert_int_equal(json_array_size(json_object_get(root, "partitions")), view.count);
        json_decref(root);
        free(body);
    }
    health_deinit(&health);
}

static void health_answers_by_path(void **state)
{
    struct health health;
    static const char *const nothing[] = {"/", "", "/readyz/", "/Livez", "/metrics/x", "*"};
    struct http_answer answer;

    (void)state;
    metrics_reset();
    metrics_add(metrics_of(0), METRIC_batches, 0, 7);
    health_init(&health, behind_max_ms, INT64_MAX / 2);
    answer = (struct http_answer){.status = 404};
    health_handle(&health, "/metrics", &answer);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.type, "text/plain; version=0.0.4; charset=utf-8");
    assert_non_null(strstr(answer.body, "\nringback_batches_total 7\n"));
    assert_int_equal(strlen(answer.body), answer.size);
    free(answer.body);
    answer = (struct http_answer){.status = 404};
    health_handle(&health, "/livez", &answer);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.type, "application/json");
    free(answer.body);
    for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++) {
        answer = (struct http_answer){.status = 404};
        health_handle(&health, nothing[i], &answer);
        assert_int_equal(answer.status, 404);
        assert_null(answer.body);
    }
    health_deinit(&health);
}

static void http_listens_on_addresses_only(void **state)
{
    static const char *const good[] = {"127.0.0.1:9464", "[::1]:1", ":65535", "0.0.0.0:80"};
    static const char *const bad[] = {"9464",      "localhost:9464", "127.0.0.1:0",   "::1:9464",
                                      "[::1]",     "127.0.0.1:",     "127.0.0.1:x",   ":65536",
                                      "1.2.3:-99", "a.b:1",          "127.0.0.1:80 ", ":"};
    struct err_note note;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(http_check(good[i], &note), ERR_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(http_check(bad[i], &note), ERR_BAD_OPTION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(health_is_ready_when_every_partition_is_decided),
        cmocka_unit_test(health_is_not_ready_before_the_group_answers_and_while_it_stops),
        cmocka_unit_test(health_says_overload_as_warnings),
        cmocka_unit_test(health_fits_a_line),
        cmocka_unit_test(health_lives_while_its_thread_moves),
        cmocka_unit_test(health_forgets_partitions_that_went_away),
        cmocka_unit_test(health_answers_by_path),
        cmocka_unit_test(http_listens_on_addresses_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
