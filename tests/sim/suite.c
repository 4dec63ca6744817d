#include "tests/sim/suite.h"

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { init_ms = 30000, commit_ms = 10000, read_max = 600, patience_ms = 30000 };

static struct {
    const char *servers;
    const char *topics[2];
    rd_kafka_t *committed, *uncommitted;
    int number, failed;
    int ids;
} suite;

static void ok(bool good, const char *name)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++suite.number, name);
    suite.failed += !good;
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char why[200];

    if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) != RD_KAFKA_CONF_OK) {
        printf("Bail out! %s: %s\n", name, why);
        exit(1);
    }
}

static rd_kafka_t *make(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
    char why[200] = "";
    rd_kafka_t *kafka;

    set(conf, "bootstrap.servers", suite.servers);
    kafka = rd_kafka_new(type, conf, why, sizeof(why));
    if (kafka == NULL) {
        printf("Bail out! %s\n", why);
        exit(1);
    }
    return kafka;
}

static rd_kafka_t *make_reader(const char *isolation)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    set(conf, "isolation.level", isolation);
    set(conf, "enable.partition.eof", "true");
    set(conf, "auto.offset.reset", "error");
    set(conf, "fetch.wait.max.ms", "50");
    return make(RD_KAFKA_CONSUMER, conf);
}

/* An id that nobody had before. */
static const char *new_id(void)
{
    static char id[40];

    snprintf(id, sizeof(id), "suite-%d", ++suite.ids);
    return id;
}

static void on_delivery(rd_kafka_t *kafka, const rd_kafka_message_t *message, void *opaque)
{
    (void)kafka, (void)opaque;
    if (message->_private != NULL)
        *(rd_kafka_resp_err_t *)message->_private = message->err;
}

/* Initialised; NULL: it would not be. */
static rd_kafka_t *open_producer(const char *id, const char *timeout_ms)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *kafka;
    rd_kafka_error_t *error;

    set(conf, "transactional.id", id);
    set(conf, "transaction.timeout.ms", timeout_ms);
    set(conf, "message.timeout.ms", timeout_ms);
    set(conf, "socket.timeout.ms", timeout_ms);
    set(conf, "linger.ms", "1");
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    kafka = make(RD_KAFKA_PRODUCER, conf);
    error = rd_kafka_init_transactions(kafka, init_ms);
    if (error == NULL)
        return kafka;
    printf("# init_transactions: %s\n", rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    rd_kafka_destroy(kafka);
    return NULL;
}

static rd_kafka_resp_err_t code_of(rd_kafka_error_t *error)
{
    rd_kafka_resp_err_t code =
        error == NULL ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_error_code(error);

    if (error != NULL)
        rd_kafka_error_destroy(error);
    return code;
}

static bool begin(rd_kafka_t *kafka)
{
    return code_of(rd_kafka_begin_transaction(kafka)) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

static bool commit(rd_kafka_t *kafka)
{
    return code_of(rd_kafka_commit_transaction(kafka, commit_ms)) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* told: the delivery's code, set when it is known. */
static bool produce(rd_kafka_t *kafka, int topic, const char *text, rd_kafka_resp_err_t *told)
{
    rd_kafka_topic_t *to = rd_kafka_topic_new(kafka, suite.topics[topic], NULL);
    rd_kafka_vu_t fields[5];
    rd_kafka_resp_err_t code;

    fields[0].vtype = RD_KAFKA_VTYPE_RKT;
    fields[0].u.rkt = to;
    fields[1].vtype = RD_KAFKA_VTYPE_PARTITION;
    fields[1].u.i32 = 0;
    fields[2].vtype = RD_KAFKA_VTYPE_VALUE;
    fields[2].u.mem.ptr = (void *)(uintptr_t)text;
    fields[2].u.mem.size = strlen(text);
    fields[3].vtype = RD_KAFKA_VTYPE_KEY;
    fields[3].u.mem.ptr = (void *)(uintptr_t) "suite";
    fields[3].u.mem.size = 5;
    fields[4].vtype = RD_KAFKA_VTYPE_OPAQUE;
    fields[4].u.ptr = told;
    code = code_of(rd_kafka_produceva(kafka, fields, 5));
    rd_kafka_topic_destroy(to);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void drop(rd_kafka_t *kafka)
{
    if (kafka == NULL)
        return;
    (void)rd_kafka_purge(kafka, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_destroy(kafka);
}

/* -1: it was not told. */
static int64_t end_of(rd_kafka_t *reader, int topic)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    int64_t end = -1;

    for (int i = 0; end < 0 && i < 100; i++) {
        rd_kafka_topic_partition_t *one =
            i == 0 ? rd_kafka_topic_partition_list_add(list, suite.topics[topic], 0)
                   : &list->elems[0];

        one->offset = RD_KAFKA_OFFSET_END;
        if (rd_kafka_offsets_for_times(reader, list, commit_ms) == RD_KAFKA_RESP_ERR_NO_ERROR &&
            one->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            end = one->offset;
        else
            (void)rd_kafka_poll(reader, 100);
    }
    rd_kafka_topic_partition_list_destroy(list);
    return end;
}

static int64_t high(int topic)
{
    return end_of(suite.uncommitted, topic);
}

static int64_t stable(int topic)
{
    return end_of(suite.committed, topic);
}

/* Markers may take a moment. */
static bool settles(int topic)
{
    for (int waited_ms = 0; waited_ms < patience_ms; waited_ms += 50) {
        if (stable(topic) == high(topic))
            return true;
        (void)rd_kafka_poll(suite.committed, 50);
    }
    return false;
}

struct seen {
    char texts[read_max][16];
    int64_t offsets[read_max];
    int count;
    int64_t end; /* of the EOF event; -1: none came */
};

/* What a reader sees from there to the first end that it is told. */
static void read_from(rd_kafka_t *reader, int topic, int64_t offset, struct seen *seen)
{
    rd_kafka_topic_t *from = rd_kafka_topic_new(reader, suite.topics[topic], NULL);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(reader);

    seen->count = 0;
    seen->end = -1;
    (void)rd_kafka_consume_start_queue(from, 0, offset, queue);
    for (int silent = 0; seen->end < 0 && silent < 100;) {
        rd_kafka_message_t *message = rd_kafka_consume_queue(queue, 100);

        silent += message == NULL;
        if (message == NULL)
            continue;
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            seen->end = message->offset;
        } else if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR && seen->count < read_max) {
            snprintf(seen->texts[seen->count], sizeof(seen->texts[0]), "%.*s", (int)message->len,
                     (const char *)message->payload);
            seen->offsets[seen->count++] = message->offset;
        }
        rd_kafka_message_destroy(message);
    }
    (void)rd_kafka_consume_stop(from, 0);
    rd_kafka_queue_destroy(queue);
    rd_kafka_topic_destroy(from);
}

static struct seen seen; /* large */

static bool sees(rd_kafka_t *reader, int topic, int64_t offset, int count)
{
    read_from(reader, topic, offset, &seen);
    return seen.count == count;
}

/* --- the tests --- */

static void test_committed(void)
{
    int64_t start = high(0);
    rd_kafka_t *kafka = open_producer(new_id(), "10000");

    ok(kafka != NULL && begin(kafka) && produce(kafka, 0, "a", NULL) &&
           produce(kafka, 0, "b", NULL) && commit(kafka),
       "a transaction is committed");
    ok(settles(0) && high(0) == start + 3, "its marker takes an offset of its own");
    ok(sees(suite.committed, 0, start, 2) && strcmp(seen.texts[0], "a") == 0 &&
           strcmp(seen.texts[1], "b") == 0,
       "its records are read, in their order");
    ok(seen.end == start + 3, "the end that a reader is told lies behind the marker");
    ok(begin(kafka) && commit(kafka) && high(0) == start + 3, "one without records leaves nothing");
    drop(kafka);
}

static void test_open(void)
{
    int64_t start = high(0);
    rd_kafka_t *kafka = open_producer(new_id(), "60000");

    ok(begin(kafka) && produce(kafka, 0, "open", NULL) &&
           rd_kafka_flush(kafka, commit_ms) == RD_KAFKA_RESP_ERR_NO_ERROR,
       "records of a transaction are on the broker before it is committed");
    ok(high(0) == start + 1 && stable(0) == start, "while it is open the stable end stands still");
    ok(sees(suite.committed, 0, start, 0) && seen.end == start,
       "a reader of committed records sees none of it, and is told the stable end");
    ok(sees(suite.uncommitted, 0, start, 1), "a reader of all records sees it");
    ok(commit(kafka) && settles(0) && sees(suite.committed, 0, start, 1), "then it is committed");
    drop(kafka);
}

static void test_fence(void)
{
    int64_t start = high(0), after;
    const char *id = new_id();
    rd_kafka_t *first = open_producer(id, "60000"), *second;
    rd_kafka_resp_err_t told = RD_KAFKA_RESP_ERR_NO_ERROR;

    ok(begin(first) && produce(first, 0, "lost", NULL) &&
           rd_kafka_flush(first, commit_ms) == RD_KAFKA_RESP_ERR_NO_ERROR,
       "a producer has a transaction open");
    second = open_producer(id, "60000");
    ok(second != NULL && stable(0) == high(0),
       "init of the same id returns when it has been ended, everywhere");
    ok(sees(suite.committed, 0, start, 0) && sees(suite.uncommitted, 0, start, 1),
       "as if it had never been, but for its offsets");
    after = high(0);
    (void)produce(first, 0, "late", &told);
    ok(!commit(first), "its owner cannot commit any more");
    ok(begin(second) && produce(second, 0, "mine", NULL) && commit(second) && settles(0) &&
           sees(suite.committed, 0, start, 1) && strcmp(seen.texts[0], "mine") == 0 &&
           seen.offsets[0] >= after,
       "the new owner can, and what the old one sent late is not seen");
    drop(first);
    drop(second);
}

static void test_both_or_none(void)
{
    int64_t start[2] = {high(0), high(1)};
    const char *id = new_id();
    rd_kafka_t *kafka = open_producer(id, "60000");

    ok(begin(kafka) && produce(kafka, 0, "x", NULL) && produce(kafka, 1, "y", NULL) &&
           rd_kafka_flush(kafka, commit_ms) == RD_KAFKA_RESP_ERR_NO_ERROR,
       "a transaction writes to two topics");
    drop(kafka);
    ok(stable(0) == start[0] && stable(1) == start[1],
       "a producer that is destroyed leaves it open: nobody sees it");
    kafka = open_producer(id, "60000");
    ok(stable(0) == high(0) && stable(1) == high(1) && sees(suite.committed, 0, start[0], 0) &&
           sees(suite.committed, 1, start[1], 0),
       "init ends it on both");
    ok(begin(kafka) && produce(kafka, 0, "x", NULL) && produce(kafka, 1, "y", NULL) &&
           commit(kafka) && settles(0) && settles(1) && sees(suite.committed, 0, start[0], 1) &&
           sees(suite.committed, 1, start[1], 1),
       "committed, it is seen on both");
    drop(kafka);
}

static void test_time_out(void)
{
    int64_t start = high(0);
    rd_kafka_t *kafka = open_producer(new_id(), "2000");

    ok(begin(kafka) && produce(kafka, 0, "slow", NULL) &&
           rd_kafka_flush(kafka, commit_ms) == RD_KAFKA_RESP_ERR_NO_ERROR && stable(0) == start,
       "a transaction is begun and forgotten");
    ok(settles(0) && sees(suite.committed, 0, start, 0),
       "the broker ends it when its time is over");
    ok(!commit(kafka), "it cannot be committed afterwards");
    drop(kafka);
}

static void test_order(void)
{
    static char texts[500][8];
    int64_t start = high(0);
    rd_kafka_t *kafka = open_producer(new_id(), "60000");
    bool good = begin(kafka);

    for (int i = 0; i < 500; i++) {
        snprintf(texts[i], sizeof(texts[i]), "%d", i);
        good &= produce(kafka, 0, texts[i], NULL);
    }
    ok(good && commit(kafka) && settles(0), "five hundred records in one transaction");
    good = sees(suite.committed, 0, start, 500);
    for (int i = 0; good && i < 500; i++)
        good = strcmp(seen.texts[i], texts[i]) == 0 && seen.offsets[i] == start + i;
    ok(good, "they lie one behind the other, as they were produced");
    drop(kafka);
}

static void test_order_of_calls(void)
{
    rd_kafka_t *kafka = open_producer(new_id(), "60000");

    ok(!produce(kafka, 0, "no", NULL), "nothing is produced outside of a transaction");
    ok(begin(kafka) && !begin(kafka), "no transaction is begun within another");
    drop(kafka);
}

int suite_run(const char *servers, const char *state, const char *journal)
{
    memset(&suite, 0, sizeof(suite));
    suite.servers = servers;
    suite.topics[0] = state;
    suite.topics[1] = journal;
    suite.committed = make_reader("read_committed");
    suite.uncommitted = make_reader("read_uncommitted");
    test_committed();
    test_open();
    test_fence();
    test_both_or_none();
    test_time_out();
    test_order();
    test_order_of_calls();
    rd_kafka_destroy(suite.committed);
    rd_kafka_destroy(suite.uncommitted);
    printf("1..%d\n", suite.number);
    return suite.failed;
}
