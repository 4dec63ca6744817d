/* Reading a topic without a group, on librdkafka's in-process broker: its ends are asked again
 * while the broker is still making the topic, or passing it on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/kafka.h"
#include "consumers/kafka.h"

#include <librdkafka/rdkafka_mock.h>

enum { api_list_offsets = 2, deadline_ms = 10000, records = 3, errors_max = 1000 };

struct town {
    rd_kafka_t *producer; /* owns the broker's thread */
    rd_kafka_mock_cluster_t *cluster;
    struct kafka_log *log;
    struct err_note note;
};

static struct town town;

static int set_up(void **state)
{
    char why[200];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_topic_t *topic;
    struct kafka_setting items[1] = {{.name = "bootstrap.servers"}};
    const struct kafka_settings settings = {items, 1};

    (void)state;
    assert_int_equal(rd_kafka_conf_set(conf, "test.mock.num.brokers", "2", why, sizeof(why)),
                     RD_KAFKA_CONF_OK);
    town.producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    assert_non_null(town.producer);
    town.cluster = rd_kafka_handle_mock_cluster(town.producer);
    assert_int_equal(rd_kafka_mock_topic_create(town.cluster, "flows", 1, 2),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_mock_partition_set_leader(town.cluster, "flows", 0, 1);
    topic = rd_kafka_topic_new(town.producer, "flows", NULL);
    for (int i = 0; i < records; i++) {
        const struct record record = {.timestamp_ms = 1 + i, .value = slice_text("x")};

        assert_int_equal(kafka_produce(town.producer, topic, &record, true, NULL),
                         RD_KAFKA_RESP_ERR_NO_ERROR);
    }
    rd_kafka_topic_destroy(topic);
    assert_int_equal(rd_kafka_flush(town.producer, deadline_ms), RD_KAFKA_RESP_ERR_NO_ERROR);
    items[0].value = rd_kafka_mock_cluster_bootstraps(town.cluster);
    if (kafka_log_create(&settings, &town.log, &town.note) != ERR_OK)
        fail_msg("%s", town.note.text);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kafka_log_destroy(town.log);
    rd_kafka_destroy(town.producer);
    return 0;
}

static void refuse(rd_kafka_resp_err_t code, int times)
{
    for (int i = 0; i < times; i++)
        rd_kafka_mock_push_request_errors(town.cluster, api_list_offsets, 1, code);
}

static enum err ask(int timeout_ms, int64_t *high)
{
    int64_t begin, stable;
    enum err err =
        kafka_log_ends(town.log, "flows", 0, timeout_ms, &begin, &stable, high, &town.note);

    if (err == ERR_OK) {
        assert_int_equal(begin, 0); /* never the end: the log would look empty */
        assert_int_equal(stable, *high);
    }
    return err;
}

static void log_ends_are_asked_again_while_there_is_no_leader(void **state)
{
    static const rd_kafka_resp_err_t codes[] = {RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                                RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
                                                RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART};

    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        int64_t high = -1;

        refuse(codes[i], 8);
        if (ask(deadline_ms, &high) != ERR_OK)
            fail_msg("%s", town.note.text);
        assert_int_equal(high, records);
    }
}

static void log_ends_that_are_never_told_are_given_up_in_time(void **state)
{
    int64_t began_ms = clock_monotonic_ms(), high;

    (void)state;
    refuse(RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, errors_max);
    assert_int_equal(ask(300, &high), ERR_BUS_DOWN);
    assert_non_null(strstr(town.note.text, "ends of flows, partition 0: "));
    assert_true(clock_monotonic_ms() - began_ms < deadline_ms);
    rd_kafka_mock_clear_request_errors(town.cluster, api_list_offsets);
}

static void log_ends_refused_for_good_are_not_asked_again(void **state)
{
    int64_t high;

    (void)state;
    refuse(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 1);
    assert_int_equal(ask(deadline_ms, &high), ERR_BUS_DOWN);
    rd_kafka_mock_clear_request_errors(town.cluster, api_list_offsets);
}

/* Found by `make chaos VARIANT=three`: librdkafka asks the leader that it knows, for ever. */
static void log_ends_are_asked_of_a_new_leader(void **state)
{
    int64_t high = -1;

    (void)state;
    assert_int_equal(ask(deadline_ms, &high), ERR_OK);
    for (int32_t leader = 2; leader >= 1; leader--) {
        high = -1;
        rd_kafka_mock_partition_set_leader(town.cluster, "flows", 0, leader);
        if (ask(deadline_ms, &high) != ERR_OK)
            fail_msg("%s", town.note.text);
        assert_int_equal(high, records);
    }
}

static void log_ends_are_asked_of_a_new_leader_when_the_old_is_gone(void **state)
{
    int64_t high = -1;

    (void)state;
    assert_int_equal(ask(deadline_ms, &high), ERR_OK);
    rd_kafka_mock_partition_set_leader(town.cluster, "flows", 0, 2);
    rd_kafka_mock_broker_set_down(town.cluster, 1);
    high = -1;
    if (ask(deadline_ms, &high) != ERR_OK)
        fail_msg("%s", town.note.text);
    assert_int_equal(high, records);
    rd_kafka_mock_broker_set_up(town.cluster, 1);
}

static void log_many_ends_are_asked_of_a_new_leader(void **state)
{
    struct kafka_end ends[1] = {{.topic = "flows", .partition = 0}};
    int64_t until_ms = clock_monotonic_ms() + deadline_ms;

    (void)state;
    assert_int_equal(kafka_log_many_ends(town.log, ends, 1, deadline_ms, &town.note), ERR_OK);
    assert_int_equal(ends[0].stable, records);
    rd_kafka_mock_partition_set_leader(town.cluster, "flows", 0, 2);
    ends[0].stable = -1;
    while (kafka_log_many_ends(town.log, ends, 1, 1000, &town.note) != ERR_OK ||
           ends[0].stable != records) /* as the alarm asks, again and again */
        assert_true(clock_monotonic_ms() < until_ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(log_ends_are_asked_again_while_there_is_no_leader, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(log_ends_that_are_never_told_are_given_up_in_time, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(log_ends_refused_for_good_are_not_asked_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(log_ends_are_asked_of_a_new_leader, set_up, tear_down),
        cmocka_unit_test_setup_teardown(log_ends_are_asked_of_a_new_leader_when_the_old_is_gone,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(log_many_ends_are_asked_of_a_new_leader, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
