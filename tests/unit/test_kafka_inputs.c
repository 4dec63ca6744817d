/* The five inputs of a partition on librdkafka's in-process broker: what comes after a seek is what
 * was sought, whatever becomes of the seek. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <poll.h>

#include "base/clock.h"
#include "consumers/kafka_group.h"

#include <librdkafka/rdkafka_mock.h>

enum { deadline_ms = 20000, held_bytes = 10, first_stamp_ms = 1000 };

static const char *const names[INPUT_COUNT] = {"settings", "interactions", "presence", "flows",
                                               "commands"};

struct town {
    rd_kafka_t *producer; /* owns the broker's thread */
    rd_kafka_mock_cluster_t *cluster;
    rd_kafka_t *consumer;
    struct kafka_inputs *inputs;
    struct kafka_fetched fetched[INPUT_COUNT];
    struct err_note note;
};

static rd_kafka_t *client(rd_kafka_type_t type, const char *const *settings)
{
    char why[200];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *kafka;

    for (; *settings != NULL; settings += 2)
        assert_int_equal(rd_kafka_conf_set(conf, settings[0], settings[1], why, sizeof(why)),
                         RD_KAFKA_CONF_OK);
    kafka = rd_kafka_new(type, conf, why, sizeof(why));
    assert_non_null(kafka);
    return kafka;
}

static void put(struct town *town, enum input input, int64_t stamp_ms)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(town->producer, names[input], NULL);
    const struct record record = {.timestamp_ms = stamp_ms, .value = slice_text("x")};

    assert_int_equal(kafka_produce(town->producer, topic, &record, true, NULL),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_destroy(topic);
}

static void flush(struct town *town)
{
    assert_int_equal(rd_kafka_flush(town->producer, deadline_ms), RD_KAFKA_RESP_ERR_NO_ERROR);
}

/* Assigned at the ends, as the group does it. */
static void assign(struct town *town, int64_t end)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(INPUT_COUNT);

    town->inputs = kafka_inputs_create(town->consumer, names, 0, held_bytes);
    for (int i = 0; i < INPUT_COUNT; i++)
        rd_kafka_topic_partition_list_add(list, names[i], 0)->offset = end;
    assert_int_equal(rd_kafka_assign(town->consumer, list), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(list);
}

static int set_up(void **state)
{
    struct town *town = calloc(1, sizeof(*town));
    const char *bootstrap;

    town->producer = client(RD_KAFKA_PRODUCER, (const char *const[]){"test.mock.num.brokers", "1",
                                                                     "linger.ms", "0", NULL});
    town->cluster = rd_kafka_handle_mock_cluster(town->producer);
    assert_non_null(town->cluster);
    for (int i = 0; i < INPUT_COUNT; i++)
        assert_int_equal(rd_kafka_mock_topic_create(town->cluster, names[i], 1, 1),
                         RD_KAFKA_RESP_ERR_NO_ERROR);
    bootstrap = rd_kafka_mock_cluster_bootstraps(town->cluster);
    town->consumer = client(
        RD_KAFKA_CONSUMER,
        (const char *const[]){"bootstrap.servers", bootstrap, "group.id", "g", "enable.auto.commit",
                              "false", "enable.partition.eof", "true", "auto.offset.reset", "error",
                              "fetch.wait.max.ms", "10", "log_level", "2", NULL});
    for (int i = 0; i < INPUT_COUNT; i++) {
        for (int j = 0; j < 10; j++)
            put(town, (enum input)i, first_stamp_ms + j);
    }
    flush(town);
    assign(town, 10);
    *state = town;
    return 0;
}

static int tear_down(void **state)
{
    struct town *town = *state;

    kafka_inputs_destroy(town->inputs);
    rd_kafka_assign(town->consumer, NULL);
    rd_kafka_destroy(town->consumer);
    rd_kafka_destroy(town->producer);
    free(town);
    return 0;
}

static void seek_inputs(struct town *town, int64_t next)
{
    int64_t nexts[INPUT_COUNT], stamps_ms[INPUT_COUNT];

    for (int i = 0; i < INPUT_COUNT; i++) {
        nexts[i] = next;
        stamps_ms[i] = next == 0 ? -1 : first_stamp_ms + next - 1;
    }
    if (kafka_inputs_seek(town->inputs, nexts, stamps_ms, &town->note) != ERR_OK)
        fail_msg("%s", town->note.text);
}

/* As a librdkafka does it that answers a seek and then forgets it. */
static void undo_seek(struct town *town, enum input input, int64_t end)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_resp_err_t code;
    int64_t until_ms = clock_monotonic_ms() + deadline_ms;

    rd_kafka_topic_partition_list_add(list, names[input], 0)->offset = end;
    do {
        rd_kafka_error_t *error = rd_kafka_seek_partitions(town->consumer, list, deadline_ms);

        assert_null(error);
        code = list->elems[0].err;
    } while (code != RD_KAFKA_RESP_ERR_NO_ERROR && clock_monotonic_ms() < until_ms);
    assert_int_equal(code, RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(list);
}

/* Fetches until every input holds count records and is verified. */
static enum err fetch(struct town *town, size_t count)
{
    int64_t until_ms = clock_monotonic_ms() + deadline_ms;

    for (;;) {
        struct pollfd poller = {.fd = kafka_inputs_fd(town->inputs), .events = POLLIN};
        enum err err = kafka_inputs_fetch(town->inputs, 100, town->fetched, &town->note);
        bool all = true;

        for (int i = 0; i < INPUT_COUNT; i++)
            all &= town->fetched[i].verified && town->fetched[i].count >= count;
        if (err != ERR_OK || all)
            return err;
        if (clock_monotonic_ms() > until_ms)
            fail_msg("not all inputs came in time: %zu", count);
        (void)poll(&poller, 1, 10);
    }
}

static void assert_from(struct town *town, int64_t next, size_t count)
{
    for (int i = 0; i < INPUT_COUNT; i++) {
        assert_int_equal(town->fetched[i].count, count);
        for (size_t j = 0; j < count; j++)
            assert_int_equal(town->fetched[i].records[j].offset, next + (int64_t)j);
    }
}

static void inputs_go_on_at_the_next_record(void **state)
{
    struct town *town = *state;

    seek_inputs(town, 4);
    assert_int_equal(fetch(town, 6), ERR_OK);
    assert_from(town, 4, 6);
    seek_inputs(town, 10);
    assert_int_equal(fetch(town, 0), ERR_OK);
    assert_from(town, 10, 0);
    put(town, INPUT_FLOWS, first_stamp_ms);
    flush(town);
    seek_inputs(town, 0);
    assert_int_equal(fetch(town, 10), ERR_OK);
    assert_int_equal(town->fetched[INPUT_FLOWS].records[0].offset, 0);
}

static void inputs_whose_seek_is_lost_seek_again(void **state)
{
    struct town *town = *state;

    for (int64_t end = 7; end <= 10; end++) { /* records come first, or an end alone */
        seek_inputs(town, 4);
        undo_seek(town, INPUT_FLOWS, end);
        assert_int_equal(fetch(town, 6), ERR_OK);
        assert_from(town, 4, 6);
    }
}

static void inputs_of_another_log_are_refused(void **state)
{
    struct town *town = *state;
    int64_t nexts[INPUT_COUNT] = {4, 4, 4, 4, 4}, stamps_ms[INPUT_COUNT] = {1, 1, 1, 1, 1};

    assert_int_equal(kafka_inputs_seek(town->inputs, nexts, stamps_ms, &town->note), ERR_OK);
    assert_int_equal(fetch(town, 6), ERR_INPUT_LOST);
    nexts[INPUT_COMMANDS] = 11;
    assert_int_equal(kafka_inputs_seek(town->inputs, nexts, stamps_ms, &town->note),
                     ERR_INPUT_LOST);
}

/* librdkafka tells of records that it cannot read, and goes on behind them. */
static void inputs_do_not_go_on_behind_unreadable_records(void **state)
{
    static const rd_kafka_resp_err_t codes[] = {RD_KAFKA_RESP_ERR__BAD_MSG,
                                                RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED,
                                                RD_KAFKA_RESP_ERR__BAD_COMPRESSION};
    enum { api_fetch = 1 };
    struct town *town = *state;

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        seek_inputs(town, 10);
        assert_int_equal(fetch(town, 0), ERR_OK);
        for (int j = 0; j < 100; j++) /* one may answer a request from before the seek */
            rd_kafka_mock_push_request_errors(town->cluster, api_fetch, 1, codes[i]);
        assert_int_equal(fetch(town, 1), ERR_BUS_DOWN);
        rd_kafka_mock_clear_request_errors(town->cluster, api_fetch);
    }
}

/* Ten records of a byte are held: above the bound nothing more is taken until some are decided. */
static void inputs_hold_so_many_bytes_and_take_the_rest_later(void **state)
{
    const size_t taken[INPUT_COUNT] = {10, 10, 10, 10, 10};
    struct town *town = *state;

    seek_inputs(town, 0);
    assert_int_equal(fetch(town, 10), ERR_OK);
    for (int i = 0; i < INPUT_COUNT; i++) {
        for (int j = 0; j < 10; j++)
            put(town, (enum input)i, first_stamp_ms + 10 + j);
    }
    flush(town);
    for (int i = 0; i < 20; i++) {
        struct pollfd poller = {.fd = kafka_inputs_fd(town->inputs), .events = POLLIN};

        assert_int_equal(kafka_inputs_fetch(town->inputs, 100, town->fetched, &town->note), ERR_OK);
        (void)poll(&poller, 1, 10);
    }
    assert_from(town, 0, 10);
    kafka_inputs_taken(town->inputs, taken);
    assert_int_equal(fetch(town, 10), ERR_OK);
    assert_from(town, 10, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(inputs_go_on_at_the_next_record, set_up, tear_down),
        cmocka_unit_test_setup_teardown(inputs_whose_seek_is_lost_seek_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(inputs_do_not_go_on_behind_unreadable_records, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(inputs_hold_so_many_bytes_and_take_the_rest_later, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(inputs_of_another_log_are_refused, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
