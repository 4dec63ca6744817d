/* The floor that live speed is measured against: a raw transactional pass-through on librdkafka,
 * with the daemon's client settings. It reads some topics' partition 0 from the beginning to the
 * end they have at its start, produces every record's key and value once to one topic, and commits
 * a transaction every BATCH records (0: whatever has come, at most 20,000).
 *   passthrough BROKERS BATCH OUT TOPIC...
 *   passthrough BROKERS forever OUT TOPIC...   the same until SIGTERM: for latency
 * Prints one line of JSON: records, seconds from the first record read to the last commit,
 * commits, mean commit milliseconds, CPU seconds. */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static volatile sig_atomic_t stopped;
static const double pause_s = 0.010; /* between commits, forever */

static void stop(int number)
{
    (void)number;
    stopped = 1;
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void die(const char *what, const char *why)
{
    fprintf(stderr, "passthrough: %s: %s\n", what, why);
    exit(1);
}

static void set(rd_kafka_conf_t *conf, const char *key, const char *value)
{
    char error[200];

    if (rd_kafka_conf_set(conf, key, value, error, sizeof(error)) != RD_KAFKA_CONF_OK)
        die(key, error);
}

static void check(rd_kafka_error_t *error, const char *what)
{
    if (error != NULL)
        die(what, rd_kafka_error_string(error));
}

/* Without a delivery callback each flush waits in steps of 10 ms. */
static void delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    (void)client;
    (void)opaque;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        die("delivery", rd_kafka_err2str(message->err));
}

static rd_kafka_t *client(rd_kafka_type_t type, const char *brokers)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char error[200], id[64];
    rd_kafka_t *made;

    set(conf, "bootstrap.servers", brokers);
    set(conf, "socket.nagle.disable", "true");
    if (type == RD_KAFKA_PRODUCER) {
        snprintf(id, sizeof(id), "passthrough-%ld", (long)time(NULL));
        set(conf, "transactional.id", id);
        set(conf, "retry.backoff.ms", "5");
        set(conf, "linger.ms", "1"); /* as the daemon's */
        set(conf, "queue.buffering.max.messages", "1000000");
        rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    } else {
        set(conf, "group.id", "passthrough");
        set(conf, "isolation.level", "read_committed");
        set(conf, "enable.auto.commit", "false");
        set(conf, "enable.partition.eof", "true");
        set(conf, "queued.min.messages", "1000000");
        set(conf, "queued.max.messages.kbytes", "262144");
        set(conf, "fetch.wait.max.ms", "10");
    }
    made = rd_kafka_new(type, conf, error, sizeof(error));
    if (made == NULL)
        die("client", error);
    return made;
}

struct run {
    rd_kafka_t *consumer, *producer;
    rd_kafka_queue_t *queue;
    const char *out;
    int topics, ends;
    uint64_t records, commits;
    double first, last, committing;
};

static void produce(struct run *run, const rd_kafka_message_t *message)
{
    rd_kafka_resp_err_t err;

    do {
        err = rd_kafka_producev(run->producer, RD_KAFKA_V_TOPIC(run->out), RD_KAFKA_V_PARTITION(0),
                                RD_KAFKA_V_KEY(message->key, message->key_len),
                                RD_KAFKA_V_VALUE(message->payload, message->len),
                                RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            rd_kafka_poll(run->producer, 1);
        else if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
            die("produce", rd_kafka_err2str(err));
    } while (err != RD_KAFKA_RESP_ERR_NO_ERROR);
}

/* One transaction of what has come; false: nothing came. */
static bool transaction(struct run *run, size_t batch, bool forever)
{
    size_t most = batch == 0 ? 20000 : batch, count = 0;
    double start;

    while (count < most && !stopped) {
        /* A transaction right behind another waits 20 ms in the client. */
        bool early = forever && seconds() < run->last + pause_s;
        int wait_ms = count == 0 ? 100 : early ? 1 : batch == 0 ? 0 : 20;
        rd_kafka_message_t *message = rd_kafka_consume_queue(run->queue, wait_ms);

        if (message == NULL) {
            if (count > 0 && early)
                continue;
            if (count > 0 || forever || run->ends == run->topics)
                break;
            continue;
        }
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            run->ends++;
        } else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            die("consume", rd_kafka_message_errstr(message));
        } else {
            if (run->records == 0)
                run->first = seconds();
            if (count++ == 0)
                check(rd_kafka_begin_transaction(run->producer), "begin");
            produce(run, message);
            run->records++;
        }
        rd_kafka_message_destroy(message);
        if (run->ends == run->topics && !forever)
            break;
    }
    if (count == 0)
        return run->ends < run->topics;
    start = seconds();
    check(rd_kafka_commit_transaction(run->producer, 60000), "commit");
    run->last = seconds();
    run->committing += run->last - start;
    run->commits++;
    return true;
}

int main(int argc, char **argv)
{
    struct run run = {0};
    bool forever;
    size_t batch;
    struct rusage usage;
    double cpu;

    if (argc < 5)
        die("usage", "passthrough BROKERS BATCH|forever OUT TOPIC...");
    forever = strcmp(argv[2], "forever") == 0;
    batch = forever ? 0 : strtoul(argv[2], NULL, 10);
    run.out = argv[3];
    run.topics = argc - 4;
    signal(SIGTERM, stop);
    run.consumer = client(RD_KAFKA_CONSUMER, argv[1]);
    run.producer = client(RD_KAFKA_PRODUCER, argv[1]);
    check(rd_kafka_init_transactions(run.producer, 30000), "init");
    run.queue = rd_kafka_queue_new(run.consumer);
    for (int at = 4; at < argc; at++) {
        rd_kafka_topic_t *topic = rd_kafka_topic_new(run.consumer, argv[at], NULL);

        if (rd_kafka_consume_start_queue(topic, 0, RD_KAFKA_OFFSET_BEGINNING, run.queue) != 0)
            die(argv[at], rd_kafka_err2str(rd_kafka_last_error()));
    }
    if (forever) {
        puts("ready");
        fflush(stdout);
    }
    while (!stopped && (transaction(&run, batch, forever) || forever))
        continue;
    getrusage(RUSAGE_SELF, &usage);
    cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
          (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("{\"records\": %" PRIu64 ", \"seconds\": %.6f, \"commits\": %" PRIu64
           ", \"commit_ms\": %.3f, \"cpu_seconds\": %.3f}\n",
           run.records, run.last - run.first, run.commits,
           run.commits == 0 ? 0.0 : 1e3 * run.committing / (double)run.commits, cpu);
    return 0;
}
