/* Latency from sent to seen: sends RATE Create Callbacks a second to partition 0 of one topic and
 * reads their answers from partition 0 of another with read_committed. latency BROKERS RATE COUNT
 * IN OUT flows|results OUT holds FlowEvents (a pass-through's copies, told by id) or Results (told
 * by request_id); what it holds at the start is passed over. Prints one line of JSON: p50, p90, p99
 * and max in ms. Fails if an answer does not come within 60 s of the last request. */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ringback/v1/flows.pb-c.h"
#include "ringback/v1/results.pb-c.h"

enum { answer_wait_s = 60, warm_up_s = 3 };

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void die(const char *what, const char *why)
{
    fprintf(stderr, "latency: %s: %s\n", what, why);
    exit(1);
}

static rd_kafka_t *client(rd_kafka_type_t type, const char *brokers)
{
    static const char *const settings[][2] = {{"socket.nagle.disable", "true"},
                                              {"linger.ms", "0"},
                                              {"group.id", "latency"},
                                              {"isolation.level", "read_committed"},
                                              {"fetch.wait.max.ms", "5"}};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char error[200];
    rd_kafka_t *made;

    if (rd_kafka_conf_set(conf, "bootstrap.servers", brokers, error, sizeof(error)) != 0)
        die(brokers, error);
    for (size_t at = 0; at < sizeof(settings) / sizeof(settings[0]); at++) {
        bool producers = at == 1, both = at == 0;

        if ((both || producers == (type == RD_KAFKA_PRODUCER)) &&
            rd_kafka_conf_set(conf, settings[at][0], settings[at][1], error, sizeof(error)) != 0)
            die(settings[at][0], error);
    }
    made = rd_kafka_new(type, conf, error, sizeof(error));
    if (made == NULL)
        die("client", error);
    return made;
}

static void send_one(rd_kafka_t *producer, const char *topic, int number)
{
    Ringback__V1__FlowEvent event = RINGBACK__V1__FLOW_EVENT__INIT;
    Ringback__V1__CreateCallback create = RINGBACK__V1__CREATE_CALLBACK__INIT;
    Ringback__V1__InteractionFacts facts = RINGBACK__V1__INTERACTION_FACTS__INIT;
    Ringback__V1__Place place = RINGBACK__V1__PLACE__INIT;
    char id[32], interaction[64], conversation[64], ani[32], queue[] = "sales";
    uint8_t bytes[1000];
    rd_kafka_resp_err_t err;

    snprintf(id, sizeof(id), "bench-%d", number);
    snprintf(interaction, sizeof(interaction), "00000000-0000-4000-8000-%012x", (unsigned)number);
    snprintf(conversation, sizeof(conversation), "00000000-0000-4000-8001-%012x", (unsigned)number);
    snprintf(ani, sizeof(ani), "+97250%07d", number);
    event.id = id;
    event.event_case = RINGBACK__V1__FLOW_EVENT__EVENT_CREATE_CALLBACK;
    event.create_callback = &create;
    create.interaction_id = interaction;
    create.conversation_id = conversation;
    create.flow_type = RINGBACK__V1__FLOW_TYPE__FLOW_TYPE_IN_QUEUE_CALL;
    create.queue_id = queue;
    create.facts = &facts;
    facts.ani = ani;
    facts.place = &place;
    place.queue_id = queue;
    place.entry_ms = 1000 + number;
    err = rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0),
                            RD_KAFKA_V_KEY("acme", 4),
                            RD_KAFKA_V_VALUE(bytes, ringback__v1__flow_event__pack(&event, bytes)),
                            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        die("produce", rd_kafka_err2str(err));
}

/* The request that a record answers; -1: none of ours. */
static int answered(const rd_kafka_message_t *message, bool results)
{
    int number = -1;

    if (results) {
        Ringback__V1__Result *result =
            ringback__v1__result__unpack(NULL, message->len, message->payload);

        if (result == NULL || sscanf(result->request_id, "bench-%d", &number) != 1)
            number = -1;
        ringback__v1__result__free_unpacked(result, NULL);
    } else {
        Ringback__V1__FlowEvent *event =
            ringback__v1__flow_event__unpack(NULL, message->len, message->payload);

        if (event == NULL || sscanf(event->id, "bench-%d", &number) != 1)
            number = -1;
        ringback__v1__flow_event__free_unpacked(event, NULL);
    }
    return number;
}

static rd_kafka_queue_t *read_from_end(rd_kafka_t *consumer, const char *name)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(consumer, name, NULL);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(consumer);
    rd_kafka_resp_err_t err;
    int64_t low, high;

    err = rd_kafka_query_watermark_offsets(consumer, name, 0, &low, &high, 30000);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        die(name, rd_kafka_err2str(err));
    if (rd_kafka_consume_start_queue(topic, 0, high, queue) != 0)
        die(name, rd_kafka_err2str(rd_kafka_last_error()));
    return queue;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return a < b ? -1 : a > b;
}

int main(int argc, char **argv)
{
    rd_kafka_t *producer, *consumer;
    rd_kafka_queue_t *queue;
    double *sent, *took, begin, until;
    int rate, count, warm, next = 0, seen = 0, all = 0;
    bool results;

    if (argc != 7)
        die("usage", "latency BROKERS RATE COUNT IN OUT flows|results");
    rate = atoi(argv[2]);
    count = atoi(argv[3]);
    results = strcmp(argv[6], "results") == 0;
    sent = calloc((size_t)count + (size_t)(warm_up_s * rate), sizeof(*sent));
    took = calloc((size_t)count, sizeof(*took));
    if (rate <= 0 || count <= 0 || sent == NULL || took == NULL)
        die("usage", "RATE and COUNT are above 0");
    warm = warm_up_s * rate;
    producer = client(RD_KAFKA_PRODUCER, argv[1]);
    consumer = client(RD_KAFKA_CONSUMER, argv[1]);
    queue = read_from_end(consumer, argv[5]);
    begin = seconds();
    until = begin + warm_up_s + (double)count / rate + answer_wait_s;
    while (all < warm + count && seconds() < until) {
        rd_kafka_message_t *message;

        for (; next < warm + count && seconds() >= begin + (double)next / rate; next++) {
            sent[next] = seconds();
            send_one(producer, argv[4], next);
        }
        rd_kafka_poll(producer, 0);
        message = rd_kafka_consume_queue(queue, 1);
        while (message != NULL) {
            int number = message->err == 0 ? answered(message, results) : -1;

            all += number >= 0 && number < next;
            if (number >= warm && number < next && seen < count)
                took[seen++] = 1e3 * (seconds() - sent[number]);
            rd_kafka_message_destroy(message);
            message = all < warm + count ? rd_kafka_consume_queue(queue, 0) : NULL;
        }
    }
    if (seen < count) {
        fprintf(stderr, "latency: %d of %d did not come back on %s\n", count - seen, count,
                argv[5]);
        return 1;
    }
    qsort(took, (size_t)count, sizeof(*took), compare);
    printf("{\"p50\": %.2f, \"p90\": %.2f, \"p99\": %.2f, \"max\": %.2f}\n", took[count / 2],
           took[count * 9 / 10], took[count * 99 / 100], took[count - 1]);
    return 0;
}
