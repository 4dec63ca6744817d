#include "tests/sim/client.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct rd_kafka_error_s {
    rd_kafka_resp_err_t code;
    bool retriable;
    bool abort;
};

struct out {
    rd_kafka_message_t report;
    struct record record; /* borrowed from whoever produced it, but for the headers */
    struct broker_place place;
    int32_t sequence;
    struct out *next;
};

static struct {
    const char *const *names;
    rd_kafka_t *clients;
    struct request *requests;
} wire;

enum fate (*client_fate)(struct process *process, int api, int64_t *late_us);
bool (*client_skips)(struct process *process);

void client_begin(const char *const names[TOPIC_COUNT])
{
    wire.names = names;
    wire.clients = NULL;
    wire.requests = NULL;
    consumer_begin();
}

static void free_record(struct record *record)
{
    for (size_t i = 0; i < record->header_count; i++)
        free((void *)(uintptr_t)record->headers[i].name);
    free((void *)(uintptr_t)record->headers);
}

void client_end(void)
{
    while (wire.requests != NULL) {
        struct request *request = wire.requests;

        wire.requests = request->next;
        for (size_t i = 0; i < request->count; i++) {
            free((void *)(uintptr_t)request->records[i].key.data);
            free((void *)(uintptr_t)request->records[i].value.data);
            free_record(&request->records[i]);
        }
        free(request->records);
        if (request->offsets != NULL)
            rd_kafka_topic_partition_list_destroy(request->offsets);
        free(request);
    }
    while (wire.clients != NULL) {
        rd_kafka_t *client = wire.clients;

        wire.clients = client->next;
        client->destroyed = true; /* the group is nobody's any more */
        consumer_destroyed(client);
        rd_kafka_conf_destroy(client->conf);
        free(client->lanes);
        free(client);
    }
}

rd_kafka_t *client_first(void)
{
    return wire.clients;
}

enum topic client_topic(const char *name)
{
    for (int i = 0; i < TOPIC_COUNT; i++) {
        if (strcmp(wire.names[i], name) == 0)
            return (enum topic)i;
    }
    abort();
}

const char *client_topic_name(enum topic topic)
{
    return wire.names[topic];
}

/* --- errors --- */

rd_kafka_error_t *client_error(rd_kafka_resp_err_t code, bool retriable, bool abort_needed)
{
    rd_kafka_error_t *error = memory_zalloc(sizeof(*error), "an error");

    *error = (rd_kafka_error_t){code, retriable, abort_needed};
    return error;
}

void rd_kafka_error_destroy(rd_kafka_error_t *error)
{
    free(error);
}

rd_kafka_resp_err_t rd_kafka_error_code(const rd_kafka_error_t *error)
{
    return error == NULL ? RD_KAFKA_RESP_ERR_NO_ERROR : error->code;
}

const char *rd_kafka_error_name(const rd_kafka_error_t *error)
{
    return rd_kafka_err2name(rd_kafka_error_code(error));
}

const char *rd_kafka_error_string(const rd_kafka_error_t *error)
{
    return rd_kafka_err2str(rd_kafka_error_code(error));
}

int rd_kafka_error_is_retriable(const rd_kafka_error_t *error)
{
    return error->retriable;
}

int rd_kafka_error_txn_requires_abort(const rd_kafka_error_t *error)
{
    return error->abort;
}

/* --- configuration --- */

rd_kafka_conf_t *rd_kafka_conf_new(void)
{
    return memory_zalloc(sizeof(rd_kafka_conf_t), "a configuration");
}

void rd_kafka_conf_destroy(rd_kafka_conf_t *conf)
{
    for (int i = 0; i < conf->count; i++) {
        free(conf->names[i]);
        free(conf->values[i]);
    }
    free(conf);
}

rd_kafka_conf_res_t rd_kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value,
                                      char *why, size_t size)
{
    (void)why, (void)size;
    assert(conf->count < 64);
    conf->names[conf->count] = strdup(name);
    conf->values[conf->count++] = strdup(value);
    return RD_KAFKA_CONF_OK;
}

const char *client_conf(const rd_kafka_t *client, const char *name)
{
    for (int i = client->conf->count; i-- > 0;) {
        if (strcmp(client->conf->names[i], name) == 0)
            return client->conf->values[i];
    }
    return "";
}

void rd_kafka_conf_set_opaque(rd_kafka_conf_t *conf, void *opaque)
{
    conf->opaque = opaque;
}

void rd_kafka_conf_set_log_cb(rd_kafka_conf_t *conf,
                              void (*log)(const rd_kafka_t *, int, const char *, const char *))
{
    (void)conf, (void)log;
}

void rd_kafka_conf_set_error_cb(rd_kafka_conf_t *conf,
                                void (*error)(rd_kafka_t *, int, const char *, void *))
{
    (void)conf, (void)error;
}

void rd_kafka_conf_set_dr_msg_cb(rd_kafka_conf_t *conf,
                                 void (*dr)(rd_kafka_t *, const rd_kafka_message_t *, void *))
{
    conf->dr = dr;
}

void rd_kafka_conf_set_rebalance_cb(rd_kafka_conf_t *conf,
                                    void (*rebalance)(rd_kafka_t *, rd_kafka_resp_err_t,
                                                      rd_kafka_topic_partition_list_t *, void *))
{
    conf->rebalance = rebalance;
}

rd_kafka_resp_err_t rd_kafka_conf_interceptor_add_on_new(rd_kafka_conf_t *conf, const char *name,
                                                         rd_kafka_interceptor_f_on_new_t *on_new,
                                                         void *opaque)
{
    (void)name;
    conf->on_new = on_new;
    conf->on_new_opaque = opaque;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t rd_kafka_interceptor_add_on_response_received(
    rd_kafka_t *client, const char *name,
    rd_kafka_interceptor_f_on_response_received_t *on_response, void *opaque)
{
    (void)name;
    client->on_response = on_response;
    client->on_response_opaque = opaque;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* --- requests --- */

struct request *request_make(rd_kafka_t *client, int api)
{
    struct request *request = memory_zalloc(sizeof(*request), "a request");

    request->client = client;
    request->api = api;
    request->first_us = world_now();
    request->generation = client->generation;
    request->next = wire.requests;
    wire.requests = request;
    return request;
}

static void answer(void *context)
{
    struct request *request = context;
    rd_kafka_t *client = request->client;

    if (client->destroyed || request->done)
        return;
    request->done = true;
    if (client->on_response != NULL)
        client->on_response(client, -1, "broker", 1, (int16_t)request->api, 0, 0, 0, 0,
                            request->code == RD_KAFKA_RESP_ERR__TRANSPORT
                                ? request->code
                                : RD_KAFKA_RESP_ERR_NO_ERROR,
                            client->on_response_opaque);
    request->answered(request, request->code);
    process_wake(client->process);
}

static void arrive(void *context)
{
    struct request *request = context;
    rd_kafka_resp_err_t code = request->handle(request);

    if (request->done) /* given up long ago */
        return;
    request->code = code;
    world_at_process(request->client->process, world_now() + world_spread(100, 1500), answer,
                     request);
}

static void arrive_unheard(void *context)
{
    struct request *request = context;

    (void)request->handle(request);
}

void request_send(struct request *request)
{
    struct process *process = request->client->process;
    int64_t late_us = 0, there_us = world_now() + world_spread(100, 1500);
    enum fate fate =
        client_fate == NULL ? FATE_ARRIVES : client_fate(process, request->api, &late_us);

    if (fate == FATE_ARRIVES) {
        world_at(there_us, arrive, request);
        return;
    }
    world_trace("request %d of process %d.%d is %s", request->api, process->number, process->life,
                fate == FATE_LOST         ? "lost"
                : fate == FATE_REPLY_LOST ? "answered to nobody"
                                          : "late");
    if (fate != FATE_LOST)
        world_at(there_us + (fate == FATE_LATE ? late_us : 0), arrive_unheard, request);
    request->code = RD_KAFKA_RESP_ERR__TRANSPORT;
    world_at_process(process, there_us + world_spread(2000, 200000), answer, request);
}

/* Names and values of headers lie in one block each. */
static void copy_headers(struct record *to, const struct record *from)
{
    struct header *headers;

    to->headers = NULL;
    if (from->header_count == 0)
        return;
    headers = memory_alloc(from->header_count * sizeof(*headers), "headers");
    for (size_t i = 0; i < from->header_count; i++) {
        size_t name = strlen(from->headers[i].name) + 1, size = from->headers[i].value.size;
        char *block = memory_alloc(name + size + 1, "a header");

        memcpy(block, from->headers[i].name, name);
        if (size > 0)
            memcpy(block + name, from->headers[i].value.data, size);
        headers[i] = (struct header){block, {(uint8_t *)block + name, size}};
        if (from->headers[i].value.data == NULL)
            headers[i].value.data = NULL;
    }
    to->headers = headers;
}

static void copy_records(struct request *request, const struct record *records, size_t count)
{
    request->records = memory_zalloc((count + 1) * sizeof(*records), "records");
    request->count = count;
    for (size_t i = 0; i < count; i++) {
        request->records[i] = records[i];
        request->records[i].key = world_copy(records[i].key);
        request->records[i].value = world_copy(records[i].value);
        copy_headers(&request->records[i], &records[i]);
    }
}

static void send_event(void *context)
{
    struct request *request = context;

    if (!request->client->destroyed)
        request_send(request);
}

void request_again(struct request *old, int64_t after_us)
{
    struct request *request = request_make(old->client, old->api), *next = request->next;

    *request = *old;
    request->next = next;
    request->done = false;
    request->records = NULL;
    request->offsets = NULL;
    if (old->offsets != NULL)
        request->offsets = rd_kafka_topic_partition_list_copy(old->offsets);
    copy_records(request, old->records, old->count);
    world_at_process(request->client->process, world_now() + after_us, send_event, request);
}

/* What librdkafka sends once more and keeps to itself. */
static bool is_passing(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR_NOT_COORDINATOR ||
           code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
           code == RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS;
}

static int64_t backoff(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__TRANSPORT ? world_spread(20000, 100000)
                                                : world_spread(5000, 20000);
}

/* --- life --- */

rd_kafka_t *rd_kafka_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, char *why, size_t size)
{
    rd_kafka_t *client = memory_zalloc(sizeof(*client), "a client");
    char text[200] = "";

    (void)why, (void)size;
    world_io("new");
    client->type = type;
    client->conf = conf;
    client->process = process_current();
    client->id = client_conf(client, "transactional.id");
    client->timeout_ms = atoll(client_conf(client, "transaction.timeout.ms"));
    client->request_max = atoi(client_conf(client, "batch.num.messages")) == 1 ? 1 : 10000;
    client->committed = strcmp(client_conf(client, "isolation.level"), "read_uncommitted") != 0;
    client->reports_last = &client->reports;
    client->main = (struct rd_kafka_queue_s){.client = client, .fd = -1};
    client->main.last = &client->main.first;
    client->lanes = memory_zalloc(
        (size_t)(TOPIC_COUNT * broker_partitions()) * sizeof(*client->lanes), "partitions");
    for (int i = 0; i < TOPIC_COUNT * broker_partitions(); i++)
        client->lanes[i].last = &client->lanes[i].first;
    client->next = wire.clients;
    wire.clients = client;
    if (conf->on_new != NULL)
        (void)conf->on_new(client, conf, conf->on_new_opaque, text, sizeof(text));
    return client;
}

static void free_out(struct out *out)
{
    free_record(&out->record);
    free(out);
}

static void drop_outs(struct out **first)
{
    while (*first != NULL) {
        struct out *out = *first;

        *first = out->next;
        free_out(out);
    }
}

void rd_kafka_destroy(rd_kafka_t *client)
{
    world_io("destroy");
    task_wait(world_now() + world_spread(100, 3000)); /* its threads end */
    broker_leave(client);
    client->destroyed = true;
    for (int i = 0; i < TOPIC_COUNT * broker_partitions(); i++) {
        drop_outs(&client->lanes[i].first);
        drop_outs(&client->lanes[i].flying);
        drop_outs(&client->lanes[i].skipped);
    }
    drop_outs(&client->reports);
    consumer_destroyed(client);
}

const char *rd_kafka_name(const rd_kafka_t *client)
{
    (void)client;
    return "simulated";
}

int rd_kafka_version(void)
{
    return 0x020002ff;
}

void rd_kafka_mem_free(rd_kafka_t *client, void *memory)
{
    (void)client;
    free(memory);
}

rd_kafka_resp_err_t rd_kafka_last_error(void)
{
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t rd_kafka_fatal_error(rd_kafka_t *client, char *why, size_t size)
{
    if (size > 0)
        snprintf(why, size, "%s", rd_kafka_err2str(client->fatal));
    return client->fatal;
}

rd_kafka_topic_t *rd_kafka_topic_new(rd_kafka_t *client, const char *name,
                                     rd_kafka_topic_conf_t *conf)
{
    rd_kafka_topic_t *topic = memory_zalloc(sizeof(*topic), "a topic");

    (void)conf;
    *topic = (rd_kafka_topic_t){client, client_topic(name)};
    return topic;
}

void rd_kafka_topic_destroy(rd_kafka_topic_t *topic)
{
    free(topic);
}

const char *rd_kafka_topic_name(const rd_kafka_topic_t *topic)
{
    return client_topic_name(topic->topic);
}

/* --- metadata --- */

static rd_kafka_resp_err_t handle_nothing(struct request *request)
{
    (void)request;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void answered_once(struct request *request, rd_kafka_resp_err_t code)
{
    request->code = code;
}

/* A request and its answer, tried until the time is over. */
static rd_kafka_resp_err_t ask(rd_kafka_t *client, int api, int timeout_ms)
{
    int64_t until_us = world_now() + (int64_t)timeout_ms * world_ms_us;

    do {
        struct request *request = request_make(client, api);

        request->handle = handle_nothing;
        request->answered = answered_once;
        request_send(request);
        while (!request->done && world_now() < until_us)
            task_wait(until_us);
        if (request->done && request->code == RD_KAFKA_RESP_ERR_NO_ERROR)
            return request->code;
        request->done = true;
        task_wait(world_now() + world_spread(20000, 100000));
    } while (world_now() < until_us);
    return RD_KAFKA_RESP_ERR__TIMED_OUT;
}

rd_kafka_resp_err_t rd_kafka_metadata(rd_kafka_t *client, int all, rd_kafka_topic_t *only,
                                      const struct rd_kafka_metadata **out, int timeout_ms)
{
    rd_kafka_resp_err_t code;
    struct rd_kafka_metadata *metadata;

    (void)all, (void)only;
    world_io("metadata");
    code = ask(client, api_metadata, timeout_ms);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return code;
    metadata = memory_zalloc(sizeof(*metadata), "metadata");
    metadata->broker_cnt = 1;
    metadata->topic_cnt = TOPIC_COUNT;
    metadata->topics = memory_zalloc(TOPIC_COUNT * sizeof(*metadata->topics), "metadata");
    for (int i = 0; i < TOPIC_COUNT; i++) {
        metadata->topics[i].topic = (char *)(uintptr_t)wire.names[i];
        metadata->topics[i].partition_cnt = broker_partitions();
        metadata->topics[i].partitions = memory_zalloc(
            (size_t)broker_partitions() * sizeof(*metadata->topics[i].partitions), "metadata");
        for (int j = 0; j < broker_partitions(); j++) {
            metadata->topics[i].partitions[j].id = j;
            metadata->topics[i].partitions[j].replica_cnt = 1;
        }
    }
    *out = metadata;
    return code;
}

void rd_kafka_metadata_destroy(const struct rd_kafka_metadata *metadata)
{
    for (int i = 0; i < metadata->topic_cnt; i++)
        free(metadata->topics[i].partitions);
    free(metadata->topics);
    free((void *)(uintptr_t)metadata);
}

char *rd_kafka_clusterid(rd_kafka_t *client, int timeout_ms)
{
    (void)client, (void)timeout_ms;
    return strdup("simulated");
}

/* --- the transactional producer --- */

static void report(rd_kafka_t *client, struct out *out, rd_kafka_resp_err_t code, int64_t offset)
{
    out->report.err = code;
    out->report.offset = offset;
    out->next = NULL;
    *client->reports_last = out;
    client->reports_last = &out->next;
}

static void breaks(rd_kafka_t *client, rd_kafka_resp_err_t code)
{
    world_trace("the transaction of %s is broken: %s", client->id, rd_kafka_err2name(code));
    if (client->broken == RD_KAFKA_RESP_ERR_NO_ERROR)
        client->broken = code;
    if (code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
        code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH)
        client->fatal = RD_KAFKA_RESP_ERR__FENCED;
}

static void pump(void *context);

static void pump_soon(rd_kafka_t *client, int64_t after_us)
{
    if (client->pumping)
        return;
    client->pumping = true;
    world_at_process(client->process, world_now() + after_us, pump, client);
}

static rd_kafka_resp_err_t handle_add(struct request *request)
{
    return broker_add_partitions(request->client->id, request->producer, request->epoch,
                                 request->places, request->place_count);
}

static struct lane *lane_of(rd_kafka_t *client, struct broker_place place)
{
    return &client->lanes[place.topic * broker_partitions() + place.partition];
}

static bool is_old(const struct request *request)
{
    return request->generation != request->client->generation;
}

static void answered_add(struct request *request, rd_kafka_resp_err_t code)
{
    rd_kafka_t *client = request->client;

    if (is_old(request))
        return;
    if (is_passing(code)) {
        request_again(request, backoff(code));
        return;
    }
    for (size_t i = 0; i < request->place_count; i++) {
        struct lane *lane = lane_of(client, request->places[i]);

        lane->adding = false;
        lane->added = code == RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        breaks(client, code);
    else
        pump_soon(client, 1);
}

static rd_kafka_resp_err_t handle_produce(struct request *request)
{
    return broker_produce(request->client->id, request->places[0], request->producer,
                          request->epoch, request->sequence, request->records, request->count,
                          &request->base);
}

static void report_all(rd_kafka_t *client, struct out **first, rd_kafka_resp_err_t code,
                       int64_t offset, int64_t step)
{
    while (*first != NULL) {
        struct out *out = *first;

        *first = out->next;
        report(client, out, code, offset);
        offset += step;
    }
}

static void answered_produce(struct request *request, rd_kafka_resp_err_t code)
{
    rd_kafka_t *client = request->client;
    struct lane *lane = lane_of(client, request->places[0]);

    if (is_old(request))
        return;
    if (is_passing(code) &&
        world_now() - request->first_us < client->timeout_ms * (int64_t)world_ms_us) {
        request_again(request, backoff(code));
        return;
    }
    if (is_passing(code))
        code = RD_KAFKA_RESP_ERR__MSG_TIMED_OUT;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        breaks(client, code);
    report_all(client, &lane->skipped, code, RD_KAFKA_OFFSET_INVALID, 0);
    report_all(client, &lane->flying, code, request->base, 1);
    pump_soon(client, 1);
}

/* The lane's first record, to the end of the others. Returns where the next one goes. */
static struct out **move(struct lane *lane, struct out **last)
{
    struct out *out = lane->first;

    lane->first = out->next;
    if (lane->first == NULL)
        lane->last = &lane->first;
    out->next = NULL;
    *last = out;
    return &out->next;
}

static void skip(rd_kafka_t *client, struct broker_place place)
{
    struct lane *lane = lane_of(client, place);
    struct out **last = &lane->skipped;
    uint64_t count = 1 + world_below(20);

    if (lane->first->next == NULL || broker_knows(place, client->producer) ||
        client_skips == NULL || !client_skips(client->process))
        return;
    for (; count > 0 && lane->first->next != NULL; count--)
        last = move(lane, last);
}

static void send_lane(rd_kafka_t *client, struct broker_place place)
{
    struct lane *lane = lane_of(client, place);
    struct request *request = request_make(client, api_produce);
    struct record records[300];
    struct out **last = &lane->flying;
    size_t count = 0, most = client->request_max;

    if (most > 1 && world_one_in(3))
        most = 1 + world_below(20);
    if (most > sizeof(records) / sizeof(records[0]))
        most = sizeof(records) / sizeof(records[0]);
    skip(client, place);
    request->sequence = lane->first->sequence;
    while (lane->first != NULL && count < most) {
        records[count++] = lane->first->record;
        last = move(lane, last);
    }
    request->places[0] = place;
    request->producer = client->producer;
    request->epoch = client->epoch;
    request->handle = handle_produce;
    request->answered = answered_produce;
    copy_records(request, records, count);
    request_send(request);
}

/* What librdkafka's threads do: partitions are added to the transaction, then messages are sent,
 * one request a partition at a time. */
static void pump(void *context)
{
    rd_kafka_t *client = context;
    struct request *add = NULL;

    client->pumping = false;
    if (client->destroyed || !client->in_transaction ||
        client->broken != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    for (int i = 0; i < TOPIC_COUNT * broker_partitions(); i++) {
        struct lane *lane = &client->lanes[i];
        struct broker_place place = {(enum topic)(i / broker_partitions()),
                                     i % broker_partitions()};

        if (lane->first == NULL || lane->adding)
            continue;
        if (lane->added) {
            if (lane->flying == NULL)
                send_lane(client, place);
            continue;
        }
        if (add == NULL)
            add = request_make(client, api_add_partitions);
        lane->adding = true;
        add->places[add->place_count++] = place;
    }
    if (add == NULL)
        return;
    add->producer = client->producer;
    add->epoch = client->epoch;
    add->handle = handle_add;
    add->answered = answered_add;
    request_send(add);
}

static rd_kafka_resp_err_t handle_init(struct request *request)
{
    return broker_init_producer(request->client->id, request->client->timeout_ms,
                                &request->producer, &request->epoch);
}

static void answered_init(struct request *request, rd_kafka_resp_err_t code)
{
    rd_kafka_t *client = request->client;

    if (is_passing(code)) {
        request_again(request, backoff(code));
        return;
    }
    client->init = code == RD_KAFKA_RESP_ERR_NO_ERROR ? INIT_DONE : INIT_FAILED;
    client->init_code = code;
    client->producer = request->producer;
    client->epoch = request->epoch;
}

rd_kafka_error_t *rd_kafka_init_transactions(rd_kafka_t *client, int timeout_ms)
{
    int64_t until_us = world_now() + (int64_t)timeout_ms * world_ms_us;

    world_io("init_transactions");
    if (client->init == INIT_NOT) {
        struct request *request = request_make(client, api_init_producer);

        client->init = INIT_RUNS;
        request->handle = handle_init;
        request->answered = answered_init;
        request_send(request);
    }
    while (client->init == INIT_RUNS && world_now() < until_us)
        task_wait(until_us);
    world_io("init_transactions answered");
    if (client->init == INIT_RUNS)
        return client_error(RD_KAFKA_RESP_ERR__TIMED_OUT, true, false);
    return client->init == INIT_DONE ? NULL : client_error(client->init_code, false, false);
}

rd_kafka_error_t *rd_kafka_begin_transaction(rd_kafka_t *client)
{
    world_io("begin_transaction");
    if (client->fatal != RD_KAFKA_RESP_ERR_NO_ERROR)
        return client_error(client->fatal, false, false);
    if (client->in_transaction && client->broken != RD_KAFKA_RESP_ERR_NO_ERROR)
        return client_error(client->broken, false, true);
    if (client->init != INIT_DONE || client->in_transaction)
        return client_error(RD_KAFKA_RESP_ERR__STATE, false, false);
    client->in_transaction = true;
    client->end = END_NOT;
    client->broken = RD_KAFKA_RESP_ERR_NO_ERROR;
    client->generation++;
    for (int i = 0; i < TOPIC_COUNT * broker_partitions(); i++)
        client->lanes[i].added = client->lanes[i].adding = false;
    return NULL;
}

static struct out *make_out(const rd_kafka_vu_t *fields, size_t count)
{
    struct out *out = memory_zalloc(sizeof(*out), "a message");
    struct record *record = &out->record;

    for (size_t i = 0; i < count; i++) {
        const rd_kafka_vu_t *field = &fields[i];

        if (field->vtype == RD_KAFKA_VTYPE_RKT) {
            out->place.topic = record->topic = field->u.rkt->topic;
        } else if (field->vtype == RD_KAFKA_VTYPE_PARTITION) {
            out->place.partition = record->partition = field->u.i32;
        } else if (field->vtype == RD_KAFKA_VTYPE_VALUE) {
            record->value = slice_make(field->u.mem.ptr, field->u.mem.size);
        } else if (field->vtype == RD_KAFKA_VTYPE_KEY) {
            record->key = slice_make(field->u.mem.ptr, field->u.mem.size);
        } else if (field->vtype == RD_KAFKA_VTYPE_TIMESTAMP) {
            record->timestamp_ms = field->u.i64;
        } else if (field->vtype == RD_KAFKA_VTYPE_OPAQUE) {
            out->report._private = field->u.ptr;
        } else if (field->vtype == RD_KAFKA_VTYPE_HEADERS) {
            struct header headers[32];
            struct record from = {.headers = headers};
            size_t size;
            const void *value;

            while (from.header_count < 32 &&
                   rd_kafka_header_get_all(field->u.headers, from.header_count,
                                           &headers[from.header_count].name, &value,
                                           &size) == RD_KAFKA_RESP_ERR_NO_ERROR)
                headers[from.header_count++].value = slice_make(value, size);
            copy_headers(record, &from);
            record->header_count = from.header_count;
            rd_kafka_headers_destroy(field->u.headers);
        }
    }
    return out;
}

rd_kafka_error_t *rd_kafka_produceva(rd_kafka_t *client, const rd_kafka_vu_t *fields, size_t count)
{
    struct out *out;
    struct lane *lane;

    world_io("produce");
    if (client->fatal != RD_KAFKA_RESP_ERR_NO_ERROR)
        return client_error(RD_KAFKA_RESP_ERR__FATAL, false, false);
    if (!client->in_transaction || client->broken != RD_KAFKA_RESP_ERR_NO_ERROR)
        return client_error(RD_KAFKA_RESP_ERR__STATE, false, false);
    out = make_out(fields, count);
    lane = lane_of(client, out->place);
    out->sequence = lane->sequence++;
    *lane->last = out;
    lane->last = &out->next;
    client->pending++;
    pump_soon(client, world_spread(200, 1500));
    return NULL;
}

static int serve_reports(rd_kafka_t *client)
{
    int served = 0;

    while (client->reports != NULL) {
        struct out *out = client->reports;

        client->reports = out->next;
        if (client->reports == NULL)
            client->reports_last = &client->reports;
        client->pending--;
        if (client->conf->dr != NULL)
            client->conf->dr(client, &out->report, client->conf->opaque);
        free_out(out);
        served++;
    }
    return served;
}

int rd_kafka_poll(rd_kafka_t *client, int timeout_ms)
{
    int64_t until_us = world_now() + (int64_t)timeout_ms * world_ms_us;
    int served;

    world_io("poll");
    while ((served = serve_reports(client)) == 0 && world_now() < until_us)
        task_wait(until_us);
    return served;
}

rd_kafka_resp_err_t rd_kafka_flush(rd_kafka_t *client, int timeout_ms)
{
    int64_t until_us = world_now() + (int64_t)timeout_ms * world_ms_us;

    world_io("flush");
    for (;;) {
        (void)serve_reports(client);
        if (client->pending == 0)
            return RD_KAFKA_RESP_ERR_NO_ERROR;
        if (world_now() >= until_us)
            return RD_KAFKA_RESP_ERR__TIMED_OUT;
        task_wait(until_us);
    }
}

rd_kafka_resp_err_t rd_kafka_purge(rd_kafka_t *client, int flags)
{
    (void)flags;
    for (int i = 0; i < TOPIC_COUNT * broker_partitions(); i++) {
        struct lane *lane = &client->lanes[i];

        drop_outs(&lane->first);
        lane->last = &lane->first;
        drop_outs(&lane->flying);
    }
    drop_outs(&client->reports);
    client->reports_last = &client->reports;
    client->pending = 0;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t handle_end(struct request *request)
{
    return broker_end_transaction(request->client->id, request->producer, request->epoch,
                                  request->commit);
}

static void answered_end(struct request *request, rd_kafka_resp_err_t code)
{
    rd_kafka_t *client = request->client;

    if (is_old(request))
        return;
    if (is_passing(code)) {
        request_again(request, backoff(code));
        return;
    }
    client->end = code == RD_KAFKA_RESP_ERR_NO_ERROR ? END_DONE : END_FAILED;
    client->end_code = code;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        breaks(client, code);
}

static bool any_added(const rd_kafka_t *client)
{
    for (int i = 0; i < TOPIC_COUNT * broker_partitions(); i++) {
        if (client->lanes[i].added)
            return true;
    }
    return false;
}

static void send_end(rd_kafka_t *client, bool commit)
{
    struct request *request = request_make(client, api_end_transaction);

    client->end = END_RUNS;
    request->producer = client->producer;
    request->epoch = client->epoch;
    request->commit = commit;
    request->handle = handle_end;
    request->answered = answered_end;
    request_send(request);
}

static rd_kafka_error_t *wait_end(rd_kafka_t *client, int64_t until_us)
{
    while (client->end == END_RUNS && world_now() < until_us)
        task_wait(until_us);
    if (client->end == END_RUNS)
        return client_error(RD_KAFKA_RESP_ERR__TIMED_OUT, true, false);
    if (client->end == END_FAILED)
        return client_error(client->fatal != RD_KAFKA_RESP_ERR_NO_ERROR ? client->fatal
                                                                        : client->end_code,
                            false, client->fatal == RD_KAFKA_RESP_ERR_NO_ERROR);
    client->in_transaction = false;
    return NULL;
}

static rd_kafka_error_t *broken_error(const rd_kafka_t *client)
{
    if (client->fatal != RD_KAFKA_RESP_ERR_NO_ERROR)
        return client_error(client->fatal, false, false);
    if (client->broken != RD_KAFKA_RESP_ERR_NO_ERROR)
        return client_error(client->broken, false, true);
    return NULL;
}

rd_kafka_error_t *rd_kafka_commit_transaction(rd_kafka_t *client, int timeout_ms)
{
    int64_t until_us = world_now() + (int64_t)timeout_ms * world_ms_us;
    rd_kafka_error_t *error;

    world_io("commit_transaction");
    if (client->end == END_NOT) {
        int64_t left_ms = (until_us - world_now()) / world_ms_us;

        error = broken_error(client);
        if (error != NULL)
            return error;
        if (rd_kafka_flush(client, (int)left_ms) != RD_KAFKA_RESP_ERR_NO_ERROR)
            return client_error(RD_KAFKA_RESP_ERR__TIMED_OUT, true, false);
        error = broken_error(client);
        if (error != NULL)
            return error;
        world_io("commit_transaction flushed");
        if (any_added(client))
            send_end(client, true);
        else
            client->end = END_DONE;
    }
    error = wait_end(client, until_us);
    world_io("commit_transaction answered");
    return error;
}

/* Not called by the product: a mutant of it does. What is in flight is not waited for, and its
 * sequence numbers are given out once more. */
rd_kafka_error_t *rd_kafka_abort_transaction(rd_kafka_t *client, int timeout_ms)
{
    world_io("abort_transaction");
    if (client->fatal != RD_KAFKA_RESP_ERR_NO_ERROR)
        return client_error(client->fatal, false, false);
    for (int i = 0; i < TOPIC_COUNT * broker_partitions(); i++) {
        struct lane *lane = &client->lanes[i];
        const struct out *first = lane->flying != NULL ? lane->flying : lane->first;

        if (first != NULL)
            lane->sequence = first->sequence;
    }
    (void)rd_kafka_purge(client, 0);
    client->broken = RD_KAFKA_RESP_ERR_NO_ERROR;
    client->generation++;
    if (any_added(client))
        send_end(client, false);
    else
        client->end = END_DONE;
    return wait_end(client, world_now() + (int64_t)timeout_ms * world_ms_us);
}
