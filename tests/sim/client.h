/* librdkafka, simulated: the functions of <librdkafka/rdkafka.h> that the product calls, defined by
 * client.c (producers, requests) and consumer.c on top of broker.h. What is only memory (lists of
 * partitions, headers, names of errors) is librdkafka's own.
 *
 * Requests take time on the way there and back, and may be lost, or late, or answered to nobody:
 * then the client hears a broken connection and sends once more, as librdkafka does, without
 * telling anybody but the interceptor. What was sent travels on when its process is dead. */
#ifndef RINGBACK_TESTS_SIM_CLIENT_H
#define RINGBACK_TESTS_SIM_CLIENT_H

#include <librdkafka/rdkafka.h>

#include "tests/sim/broker.h"

/* Kafka's numbers of requests. */
enum {
    api_produce = 0,
    api_fetch = 1,
    api_offsets = 2,
    api_metadata = 3,
    api_join = 11,
    api_heartbeat = 12,
    api_init_producer = 22,
    api_add_partitions = 24,
    api_end_transaction = 26
};

enum fate { FATE_ARRIVES, FATE_LOST, FATE_REPLY_LOST, FATE_LATE };

/* What becomes of a request that is sent now (sim.c). late_us: how late it comes, long after the
 * client has given it up. NULL: all arrive. */
extern enum fate (*client_fate)(struct process *process, int api, int64_t *late_us);

/* A partition comes online between two requests of a producer that it has never heard: it refuses
 * the first, and takes the second although numbers are missing. librdkafka holds the first for
 * written and reports it, without an offset, with the second. Whether that happens now. */
extern bool (*client_skips)(struct process *process);

void client_begin(const char *const names[TOPIC_COUNT]);
void client_end(void);

/* --- shared by client.c and consumer.c --- */

struct out; /* a message on its way */
struct toppar;

/* One partition, as a producer sees it. */
struct lane {
    struct out *first, **last; /* queued */
    struct out *flying;        /* in a request */
    struct out *skipped;       /* refused, and not sent again */
    int32_t sequence;          /* of the next message that is sent for the first time */
    bool added;                /* to the transaction */
    bool adding;
};

struct rd_kafka_queue_s {
    rd_kafka_t *client;
    struct message *first, **last;
    size_t count;
    int fd; /* -1: nobody is told */
};

enum membership { MEMBER_OUT, MEMBER_JOINING, MEMBER_IN };

struct rd_kafka_s {
    rd_kafka_type_t type;
    struct process *process;
    struct rd_kafka_conf_s *conf;
    bool destroyed;
    rd_kafka_t *next;
    rd_kafka_interceptor_f_on_response_received_t *on_response;
    void *on_response_opaque;
    /* producer */
    const char *id; /* transactional */
    int64_t timeout_ms;
    size_t request_max; /* messages in a request */
    enum { INIT_NOT, INIT_RUNS, INIT_DONE, INIT_FAILED } init;
    rd_kafka_resp_err_t init_code;
    int64_t producer;
    int16_t epoch;
    bool in_transaction;
    enum { END_NOT, END_RUNS, END_DONE, END_FAILED } end;
    rd_kafka_resp_err_t end_code;
    rd_kafka_resp_err_t broken; /* the transaction must be given up */
    rd_kafka_resp_err_t fatal;
    size_t pending; /* messages without a report */
    struct out *reports, **reports_last;
    bool pumping;
    int generation; /* of the transaction: answers to an earlier one are none */
    struct lane *lanes;
    /* consumer */
    bool committed; /* isolation */
    struct toppar *toppars;
    struct rd_kafka_queue_s main;
    enum membership membership;
    int group_generation;
    bool assigned;
    int32_t from, to;
    enum { CALL_NOT, CALL_ASSIGN, CALL_REVOKE } call;
    bool subscribed;
};

struct rd_kafka_topic_s {
    rd_kafka_t *client;
    enum topic topic;
};

struct rd_kafka_conf_s {
    char *names[64];
    char *values[64];
    int count;
    void *opaque;
    void (*dr)(rd_kafka_t *, const rd_kafka_message_t *, void *);
    void (*rebalance)(rd_kafka_t *, rd_kafka_resp_err_t, rd_kafka_topic_partition_list_t *, void *);
    rd_kafka_interceptor_f_on_new_t *on_new;
    void *on_new_opaque;
};

/* A request on its way: `handle` is done at the broker, `answered` at the client, in its process.
 * Both may be done to a request whose client is destroyed. */
struct request {
    rd_kafka_t *client;
    int api;
    rd_kafka_resp_err_t (*handle)(struct request *request);
    void (*answered)(struct request *request, rd_kafka_resp_err_t code);
    rd_kafka_resp_err_t code;
    int64_t first_us; /* when it was sent first */
    int generation;
    /* what the kinds need */
    int64_t producer;
    int16_t epoch;
    struct broker_place places[64];
    size_t place_count;
    int32_t sequence;
    struct record *records; /* owned copies */
    size_t count;
    int64_t base;
    struct out *outs;
    rd_kafka_topic_partition_list_t *offsets; /* owned */
    bool done;
    bool commit;
    struct request *next;
};

struct request *request_make(rd_kafka_t *client, int api);
void request_send(struct request *request);
/* The same again after a pause: a new request, since the old one may still come. */
void request_again(struct request *request, int64_t after_us);
const char *client_conf(const rd_kafka_t *client, const char *name);
enum topic client_topic(const char *name);
const char *client_topic_name(enum topic topic);
rd_kafka_t *client_first(void);
rd_kafka_error_t *client_error(rd_kafka_resp_err_t code, bool retriable, bool abort);

void consumer_begin(void);
void consumer_destroyed(rd_kafka_t *client);

/* system.c: descriptors. */
void system_signal(int fd);

#endif
