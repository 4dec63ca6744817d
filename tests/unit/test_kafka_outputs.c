/* The transactional producer on librdkafka's in-process broker, which fails as told. It does no
 * real transactions: what is committed is not looked at here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "producers/kafka.h"

#include <librdkafka/rdkafka_mock.h>

enum {
    deadline_ms = 20000,
    timeout_ms = 1000,
    api_produce = 0,
    api_init = 22,
    many = 2000 /* answers: more than are asked for within the time-out */
};

struct town {
    rd_kafka_t *client; /* owns the broker's thread */
    rd_kafka_mock_cluster_t *cluster;
    struct kafka_outputs *outputs;
    char bootstrap[200];
    struct kafka_setting setting;
    struct err_note note;
    int64_t cancelled_ms; /* monotonic; from then on it is */
};

static bool cancelled(void *context)
{
    return clock_monotonic_ms() >= ((struct town *)context)->cancelled_ms;
}

static int set_up(void **state)
{
    struct town *town = calloc(1, sizeof(*town));
    struct kafka_outputs_options options = {.transactional_id = "t",
                                            .transaction_timeout_ms = timeout_ms};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[200];

    assert_int_equal(rd_kafka_conf_set(conf, "test.mock.num.brokers", "1", why, sizeof(why)),
                     RD_KAFKA_CONF_OK);
    town->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    assert_non_null(town->client);
    town->cluster = rd_kafka_handle_mock_cluster(town->client);
    for (int i = 0; i < TOPIC_COUNT; i++) {
        static char names[TOPIC_COUNT][16];

        snprintf(names[i], sizeof(names[i]), "t%d", i);
        options.topics[i] = names[i];
        assert_int_equal(rd_kafka_mock_topic_create(town->cluster, names[i], 1, 1),
                         RD_KAFKA_RESP_ERR_NO_ERROR);
    }
    snprintf(town->bootstrap, sizeof(town->bootstrap), "%s",
             rd_kafka_mock_cluster_bootstraps(town->cluster));
    town->setting = (struct kafka_setting){.name = "bootstrap.servers", .value = town->bootstrap};
    options.settings = (struct kafka_settings){&town->setting, 1};
    town->outputs = kafka_outputs_create(&options);
    town->cancelled_ms = clock_monotonic_ms() + deadline_ms;
    *state = town;
    return 0;
}

static int tear_down(void **state)
{
    struct town *town = *state;

    kafka_outputs_destroy(town->outputs);
    rd_kafka_destroy(town->client);
    free(town);
    return 0;
}

static void fail_often(struct town *town, int16_t api, rd_kafka_resp_err_t code, int count)
{
    for (int i = 0; i < count; i++)
        rd_kafka_mock_push_request_errors(town->cluster, api, 1, code);
}

static void open_outputs(struct town *town, bool single)
{
    if (kafka_outputs_open(town->outputs, single, cancelled, town, &town->note) != ERR_OK)
        fail_msg("%s", town->note.text);
}

/* Three records: two of them on one topic. */
static const struct record *three(void)
{
    static struct record records[3];

    for (int i = 0; i < 3; i++) {
        records[i] = (struct record){.topic = i < 2 ? TOPIC_ROUTING : TOPIC_STATE,
                                     .timestamp_ms = 1000,
                                     .key = slice_text("k"),
                                     .value = slice_text("v")};
    }
    return records;
}

static enum err commit(struct town *town, struct kafka_committed *committed)
{
    return kafka_outputs_commit(town->outputs, three(), 3, cancelled, town, committed, &town->note);
}

static void outputs_commit_tells_the_last_offset(void **state)
{
    struct town *town = *state;
    struct kafka_committed committed;

    open_outputs(town, false);
    assert_int_equal(commit(town, &committed), ERR_OK);
    assert_int_equal(committed.last_offset, 0);
    assert_int_equal(commit(town, &committed), ERR_OK);
    assert_int_equal(committed.last_offset, 1);
}

/* One of a request is too large: which? One by one: that one. Two are: the first of them, for the
 * second would be asked for ever. How many requests the client makes of the records at first hangs
 * on time: a record that was alone in its own is known at once. */
static void assert_found(struct town *town, const struct record *records, size_t count)
{
    struct kafka_committed committed;
    enum err err;

    open_outputs(town, false);
    err = kafka_outputs_commit(town->outputs, records, count, cancelled, town, &committed,
                               &town->note);
    if (err != ERR_UNCOMMITTABLE && (err != ERR_TXN_UNKNOWN || !committed.ambiguous))
        fail_msg("neither refused nor ambiguous: %s", town->note.text);
    open_outputs(town, true);
    err = kafka_outputs_commit(town->outputs, records, count, cancelled, town, &committed,
                               &town->note);
    if (err != ERR_UNCOMMITTABLE)
        fail_msg("not refused: %s", town->note.text);
    assert_int_equal(committed.refused, 0);
}

static void outputs_refused_record_is_found(void **state)
{
    struct town *town = *state;

    fail_often(town, api_produce, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, many);
    assert_found(town, three(), 3);
    rd_kafka_mock_clear_request_errors(town->cluster, api_produce);
}

/* The broker's answer comes while the batch is still being handed over: what is handed over then is
 * refused by librdkafka, for another reason. */
static void outputs_refusal_amid_a_large_batch_is_found(void **state)
{
    enum { count = 200000 };
    struct town *town = *state;
    struct record *records = calloc(count, sizeof(*records));

    for (int i = 0; i < count; i++)
        records[i] = (struct record){.topic = TOPIC_ROUTING,
                                     .timestamp_ms = 1000,
                                     .key = slice_text("k"),
                                     .value = slice_text("v")};
    fail_often(town, api_produce, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, many);
    assert_found(town, records, count);
    rd_kafka_mock_clear_request_errors(town->cluster, api_produce);
    free(records);
}

static void outputs_open_without_an_answer_ends(void **state)
{
    struct town *town = *state;
    int64_t began_ms = clock_monotonic_ms();

    fail_often(town, api_init, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, many);
    assert_int_equal(kafka_outputs_open(town->outputs, false, cancelled, town, &town->note),
                     ERR_BUS_DOWN);
    assert_in_range(clock_monotonic_ms() - began_ms, 2 * timeout_ms, deadline_ms / 2);
    rd_kafka_mock_clear_request_errors(town->cluster, api_init);
    open_outputs(town, false);
    fail_often(town, api_init, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, many);
    town->cancelled_ms = 0;
    assert_int_equal(kafka_outputs_open(town->outputs, false, cancelled, town, &town->note),
                     ERR_CANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(outputs_commit_tells_the_last_offset, set_up, tear_down),
        cmocka_unit_test_setup_teardown(outputs_refused_record_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(outputs_refusal_amid_a_large_batch_is_found, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(outputs_open_without_an_answer_ends, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
