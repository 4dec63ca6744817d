/* Consumers: fetching into queues, ends, seeks, membership of the group. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tests/sim/client.h"

enum { fetch_max = 200, topics_per_member = INPUT_COUNT };

struct message {
    rd_kafka_message_t head;
    int64_t timestamp_ms;
    const struct record *record; /* the broker's; NULL: an event */
    rd_kafka_headers_t *headers;
    struct message *next;
};

/* One partition that is read. */
struct toppar {
    rd_kafka_t *client;
    struct rd_kafka_topic_s topic;
    int32_t partition;
    struct rd_kafka_queue_s *queue; /* where its messages go */
    struct rd_kafka_queue_s own;
    bool reading;
    bool fetching; /* an answer is under way */
    int64_t position;
    int64_t end_told; /* an EOF was told there; -1: none since the last seek */
    int64_t high;     /* as the last answer had it; -1: none */
    int64_t ready_us; /* not to be sought before */
    uint64_t version;
    struct toppar *next;
};

struct delivery {
    struct toppar *toppar;
    uint64_t version;
};

static void on_change(enum topic topic, int32_t partition);

void consumer_begin(void)
{
    broker_on_change = on_change;
}

/* --- queues --- */

static void push(struct rd_kafka_queue_s *queue, struct message *message)
{
    message->next = NULL;
    *queue->last = message;
    queue->last = &message->next;
    if (queue->count++ == 0 && queue->fd >= 0)
        system_signal(queue->fd);
    process_wake(queue->client->process);
}

static struct message *take(struct rd_kafka_queue_s *queue)
{
    struct message *message = queue->first;

    if (message == NULL)
        return NULL;
    queue->first = message->next;
    if (queue->first == NULL)
        queue->last = &queue->first;
    queue->count--;
    return message;
}

static void free_message(struct message *message)
{
    if (message->headers != NULL)
        rd_kafka_headers_destroy(message->headers);
    free(message);
}

/* Everything of that partition. */
static void purge(struct toppar *toppar)
{
    struct rd_kafka_queue_s *queue = toppar->queue;
    struct message *all = queue->first;

    queue->first = NULL;
    queue->last = &queue->first;
    queue->count = 0;
    while (all != NULL) {
        struct message *message = all;

        all = message->next;
        if (message->head.rkt == &toppar->topic) {
            free_message(message);
            continue;
        }
        message->next = NULL;
        *queue->last = message;
        queue->last = &message->next;
        queue->count++;
    }
}

void rd_kafka_message_destroy(rd_kafka_message_t *message)
{
    free_message((struct message *)message);
}

int64_t rd_kafka_message_timestamp(const rd_kafka_message_t *message,
                                   rd_kafka_timestamp_type_t *type)
{
    *type = RD_KAFKA_TIMESTAMP_CREATE_TIME;
    return ((const struct message *)message)->timestamp_ms;
}

rd_kafka_resp_err_t rd_kafka_message_headers(const rd_kafka_message_t *head,
                                             rd_kafka_headers_t **headers)
{
    struct message *message = (struct message *)(uintptr_t)head;
    const struct record *record = message->record;

    if (record == NULL || record->header_count == 0)
        return RD_KAFKA_RESP_ERR__NOENT;
    if (message->headers == NULL) {
        message->headers = rd_kafka_headers_new(record->header_count);
        for (size_t i = 0; i < record->header_count; i++)
            (void)rd_kafka_header_add(message->headers, record->headers[i].name, -1,
                                      record->headers[i].value.data,
                                      (ssize_t)record->headers[i].value.size);
    }
    *headers = message->headers;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

const char *rd_kafka_message_errstr(const rd_kafka_message_t *message)
{
    return rd_kafka_err2str(message->err);
}

rd_kafka_queue_t *rd_kafka_queue_new(rd_kafka_t *client)
{
    rd_kafka_queue_t *queue = memory_zalloc(sizeof(*queue), "a queue");

    *queue = (rd_kafka_queue_t){.client = client, .fd = -1};
    queue->last = &queue->first;
    return queue;
}

/* A queue of a partition lives as long as its client. */
void rd_kafka_queue_destroy(rd_kafka_queue_t *queue)
{
    for (struct toppar *toppar = queue->client->toppars; toppar != NULL; toppar = toppar->next) {
        if (queue == &toppar->own)
            return;
    }
    for (struct message *message = take(queue); message != NULL; message = take(queue))
        free_message(message);
    free(queue);
}

void rd_kafka_queue_io_event_enable(rd_kafka_queue_t *queue, int fd, const void *payload,
                                    size_t size)
{
    (void)payload, (void)size;
    queue->fd = fd;
    if (fd >= 0 && queue->count > 0)
        system_signal(fd);
}

/* --- partitions that are read --- */

static struct toppar *find(rd_kafka_t *client, enum topic topic, int32_t partition)
{
    struct toppar *toppar;

    for (toppar = client->toppars; toppar != NULL; toppar = toppar->next) {
        if (toppar->topic.topic == topic && toppar->partition == partition)
            return toppar;
    }
    toppar = memory_zalloc(sizeof(*toppar), "a partition");
    toppar->client = client;
    toppar->topic = (struct rd_kafka_topic_s){client, topic};
    toppar->partition = partition;
    toppar->own = (struct rd_kafka_queue_s){.client = client, .fd = -1};
    toppar->own.last = &toppar->own.first;
    toppar->queue = &client->main;
    toppar->high = -1;
    toppar->next = client->toppars;
    client->toppars = toppar;
    return toppar;
}

void consumer_destroyed(rd_kafka_t *client)
{
    while (client->toppars != NULL) {
        struct toppar *toppar = client->toppars;

        client->toppars = toppar->next;
        for (struct message *message = take(&toppar->own); message != NULL;
             message = take(&toppar->own))
            free_message(message);
        toppar->reading = false;
        toppar->version++; /* answers under way still point here: it is freed with the world */
    }
    for (struct message *message = take(&client->main); message != NULL;
         message = take(&client->main))
        free_message(message);
}

static struct message *make_message(struct toppar *toppar, rd_kafka_resp_err_t code, int64_t offset)
{
    struct message *message = memory_zalloc(sizeof(*message), "a message");

    message->head.err = code;
    message->head.rkt = &toppar->topic;
    message->head.partition = toppar->partition;
    message->head.offset = offset;
    return message;
}

static void give(struct toppar *toppar, const struct broker_entry *entry)
{
    struct message *message =
        make_message(toppar, RD_KAFKA_RESP_ERR_NO_ERROR, entry->record.offset);

    message->record = &entry->record;
    message->timestamp_ms = entry->record.timestamp_ms;
    message->head.key = (void *)(uintptr_t)entry->record.key.data;
    message->head.key_len = entry->record.key.size;
    message->head.payload = (void *)(uintptr_t)entry->record.value.data;
    message->head.len = entry->record.value.size;
    push(toppar->queue, message);
}

static void fetch_after(struct toppar *toppar, int64_t after_us);

static int64_t end_of(const struct toppar *toppar)
{
    return toppar->client->committed ? broker_stable(toppar->topic.topic, toppar->partition)
                                     : broker_high(toppar->topic.topic, toppar->partition);
}

static void fetched(void *context)
{
    struct delivery *delivery = context;
    struct toppar *toppar = delivery->toppar;
    bool old = delivery->version != toppar->version || !toppar->reading;
    int64_t end, late_us = 0;
    enum fate fate = FATE_ARRIVES;
    size_t count = 0;

    free(delivery);
    if (old)
        return;
    toppar->fetching = false;
    if (!broker_leader_is_away(toppar->topic.topic, toppar->partition) && client_fate != NULL)
        fate = client_fate(toppar->client->process, api_fetch, &late_us);
    if (broker_leader_is_away(toppar->topic.topic, toppar->partition) || fate != FATE_ARRIVES) {
        fetch_after(toppar, fate == FATE_LATE ? late_us : world_spread(20000, 200000));
        return;
    }
    end = end_of(toppar);
    toppar->high = broker_high(toppar->topic.topic, toppar->partition);
    while (toppar->position < end && count < fetch_max) {
        const struct broker_entry *entry =
            broker_entry(toppar->topic.topic, toppar->partition, toppar->position++);

        if (toppar->client->committed ? broker_visible(entry)
                                      : entry->kind == BROKER_DATA && !entry->gone) {
            give(toppar, entry);
            count++;
        }
    }
    if (toppar->position < end)
        fetch_after(toppar, world_spread(100, 3000));
    else if (count > 0 || toppar->end_told < 0)
        fetch_after(toppar, world_spread(500, 100000)); /* the empty answer that tells the end */
    if (count == 0 && toppar->position >= end && toppar->end_told != toppar->position) {
        toppar->end_told = toppar->position;
        push(toppar->queue,
             make_message(toppar, RD_KAFKA_RESP_ERR__PARTITION_EOF, toppar->position));
    }
}

static void fetch_after(struct toppar *toppar, int64_t after_us)
{
    struct delivery *delivery;

    if (toppar->fetching || !toppar->reading)
        return;
    delivery = memory_alloc(sizeof(*delivery), "an answer");
    *delivery = (struct delivery){toppar, toppar->version};
    toppar->fetching = true;
    world_at_process(toppar->client->process, world_now() + after_us, fetched, delivery);
}

static void on_change(enum topic topic, int32_t partition)
{
    for (rd_kafka_t *client = client_first(); client != NULL; client = client->next) {
        if (client->destroyed || !client->process->alive)
            continue;
        for (struct toppar *toppar = client->toppars; toppar != NULL; toppar = toppar->next) {
            if (toppar->topic.topic == topic && toppar->partition == partition && toppar->reading &&
                toppar->position < end_of(toppar))
                fetch_after(toppar, world_spread(300, 3000));
        }
    }
}

static void read_from(struct toppar *toppar, int64_t offset)
{
    int64_t high = broker_high(toppar->topic.topic, toppar->partition);

    purge(toppar);
    toppar->version++;
    toppar->fetching = false;
    toppar->reading = true;
    toppar->end_told = -1;
    toppar->position = offset == RD_KAFKA_OFFSET_BEGINNING ? 0 : offset;
    if (offset == RD_KAFKA_OFFSET_END)
        toppar->position = end_of(toppar);
    if (toppar->position > high) {
        toppar->reading = false;
        push(toppar->queue, make_message(toppar, RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, offset));
        return;
    }
    fetch_after(toppar, world_spread(300, 5000));
}

static void stop_reading(struct toppar *toppar)
{
    purge(toppar);
    toppar->version++;
    toppar->reading = toppar->fetching = false;
}

rd_kafka_queue_t *rd_kafka_queue_get_partition(rd_kafka_t *client, const char *topic,
                                               int32_t partition)
{
    return &find(client, client_topic(topic), partition)->own;
}

void rd_kafka_queue_forward(rd_kafka_queue_t *queue, rd_kafka_queue_t *to)
{
    for (struct toppar *toppar = queue->client->toppars; toppar != NULL; toppar = toppar->next) {
        if (queue == &toppar->own)
            toppar->queue = to == NULL ? queue : to;
    }
}

ssize_t rd_kafka_consume_batch_queue(rd_kafka_queue_t *queue, int timeout_ms,
                                     rd_kafka_message_t **messages, size_t count)
{
    ssize_t taken = 0;

    (void)timeout_ms;
    while (taken < (ssize_t)count && queue->first != NULL)
        messages[taken++] = &take(queue)->head;
    return taken;
}

rd_kafka_message_t *rd_kafka_consume_queue(rd_kafka_queue_t *queue, int timeout_ms)
{
    int64_t until_us = world_now() + (int64_t)timeout_ms * world_ms_us;
    struct message *message;

    world_io("consume");
    while ((message = take(queue)) == NULL && world_now() < until_us)
        task_wait(until_us);
    return message == NULL ? NULL : &message->head;
}

int rd_kafka_consume_start_queue(rd_kafka_topic_t *topic, int32_t partition, int64_t offset,
                                 rd_kafka_queue_t *queue)
{
    struct toppar *toppar = find(topic->client, topic->topic, partition);

    world_io("consume_start");
    toppar->queue = queue;
    read_from(toppar, offset);
    return 0;
}

int rd_kafka_consume_stop(rd_kafka_topic_t *topic, int32_t partition)
{
    struct toppar *toppar = find(topic->client, topic->topic, partition);

    stop_reading(toppar);
    toppar->queue = &topic->client->main;
    return 0;
}

rd_kafka_error_t *rd_kafka_seek_partitions(rd_kafka_t *client,
                                           rd_kafka_topic_partition_list_t *list, int timeout_ms)
{
    (void)timeout_ms;
    world_io("seek");
    task_wait(world_now() + world_spread(100, 2000));
    for (int i = 0; i < list->cnt; i++) {
        rd_kafka_topic_partition_t *one = &list->elems[i];
        struct toppar *toppar = find(client, client_topic(one->topic), one->partition);

        one->err = RD_KAFKA_RESP_ERR_NO_ERROR;
        if (!toppar->reading || world_now() < toppar->ready_us)
            one->err = RD_KAFKA_RESP_ERR__STATE;
        else
            read_from(toppar, one->offset);
    }
    return NULL;
}

rd_kafka_resp_err_t rd_kafka_get_watermark_offsets(rd_kafka_t *client, const char *topic,
                                                   int32_t partition, int64_t *low, int64_t *high)
{
    *low = 0;
    *high = find(client, client_topic(topic), partition)->high;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* --- ends --- */

static rd_kafka_resp_err_t handle_offsets(struct request *request)
{
    for (int i = 0; i < request->offsets->cnt; i++) {
        rd_kafka_topic_partition_t *one = &request->offsets->elems[i];
        enum topic topic = client_topic(one->topic);

        if (broker_leader_is_away(topic, one->partition))
            return RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION;
        if (one->offset == RD_KAFKA_OFFSET_BEGINNING)
            one->offset = broker_low(topic, one->partition);
        else if (one->offset == RD_KAFKA_OFFSET_END)
            one->offset = request->client->committed ? broker_stable(topic, one->partition)
                                                     : broker_high(topic, one->partition);
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void answered_offsets(struct request *request, rd_kafka_resp_err_t code)
{
    request->code = code;
}

rd_kafka_resp_err_t rd_kafka_offsets_for_times(rd_kafka_t *client,
                                               rd_kafka_topic_partition_list_t *list,
                                               int timeout_ms)
{
    int64_t until_us = world_now() + (int64_t)timeout_ms * world_ms_us;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;

    world_io("offsets");
    while (world_now() < until_us) {
        struct request *request = request_make(client, api_offsets);

        request->handle = handle_offsets;
        request->answered = answered_offsets;
        request->offsets = rd_kafka_topic_partition_list_copy(list);
        request_send(request);
        while (!request->done && world_now() < until_us)
            task_wait(until_us);
        if (!request->done) {
            request->done = true;
            break;
        }
        code = request->code;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            for (int i = 0; i < list->cnt; i++) {
                list->elems[i].offset = request->offsets->elems[i].offset;
                list->elems[i].err = RD_KAFKA_RESP_ERR_NO_ERROR;
            }
            break;
        }
        if (code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION)
            break;
        code = RD_KAFKA_RESP_ERR__TIMED_OUT;
        task_wait(world_now() + world_spread(20000, 100000));
    }
    world_io("offsets answered");
    return code;
}

rd_kafka_resp_err_t rd_kafka_commit(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *list,
                                    int async)
{
    (void)client, (void)list, (void)async;
    world_io("commit");
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* --- the group --- */

struct given {
    rd_kafka_t *client;
    int32_t from, to;
    int generation;
};

static void join(rd_kafka_t *client);

static void told_assignment(void *context)
{
    struct given *given = context;
    rd_kafka_t *client = given->client;

    if (!client->destroyed && client->membership == MEMBER_JOINING) {
        client->membership = MEMBER_IN;
        client->group_generation = given->generation;
        client->from = given->from;
        client->to = given->to;
        client->call = CALL_ASSIGN;
        process_wake(client->process);
    }
    free(given);
}

static void on_assigned(void *context, int32_t from, int32_t to, int generation)
{
    struct given *given = memory_alloc(sizeof(*given), "an assignment");

    *given = (struct given){context, from, to, generation};
    world_at_process(given->client->process, world_now() + world_spread(100, 3000), told_assignment,
                     given);
}

static rd_kafka_resp_err_t handle_join(struct request *request)
{
    rd_kafka_t *client = request->client;
    struct broker_member member = {
        client, atoll(client_conf(client, "session.timeout.ms")) * world_ms_us, on_assigned};

    if (client->destroyed)
        return RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID;
    return broker_join(&member);
}

static void join_later(void *context)
{
    rd_kafka_t *client = context;

    if (!client->destroyed && client->membership == MEMBER_JOINING)
        join(client);
}

static void answered_join(struct request *request, rd_kafka_resp_err_t code)
{
    rd_kafka_t *client = request->client;

    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && client->membership == MEMBER_JOINING)
        world_at_process(client->process, world_now() + world_spread(20000, 200000), join_later,
                         client);
}

static void join(rd_kafka_t *client)
{
    struct request *request = request_make(client, api_join);

    client->membership = MEMBER_JOINING;
    request->handle = handle_join;
    request->answered = answered_join;
    request_send(request);
}

static void give_up(rd_kafka_t *client)
{
    client->membership = MEMBER_OUT;
    if (client->assigned || client->call == CALL_ASSIGN)
        client->call = client->assigned ? CALL_REVOKE : CALL_NOT;
    if (client->call == CALL_NOT)
        join(client);
    process_wake(client->process);
}

static rd_kafka_resp_err_t handle_heartbeat(struct request *request)
{
    return broker_heartbeat(request->client, request->generation);
}

static void answered_heartbeat(struct request *request, rd_kafka_resp_err_t code)
{
    rd_kafka_t *client = request->client;

    if (client->membership != MEMBER_IN || request->generation != client->group_generation)
        return;
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
        code == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS ||
        code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION)
        give_up(client);
}

static void heartbeat(void *context)
{
    rd_kafka_t *client = context;

    if (client->destroyed || !client->subscribed)
        return;
    if (client->membership == MEMBER_IN) {
        struct request *request = request_make(client, api_heartbeat);

        request->generation = client->group_generation;
        request->handle = handle_heartbeat;
        request->answered = answered_heartbeat;
        request_send(request);
    }
    world_at_process(client->process,
                     world_now() +
                         atoll(client_conf(client, "heartbeat.interval.ms")) * world_ms_us,
                     heartbeat, client);
}

rd_kafka_resp_err_t rd_kafka_subscribe(rd_kafka_t *client,
                                       const rd_kafka_topic_partition_list_t *list)
{
    assert(list->cnt == topics_per_member);
    world_io("subscribe");
    client->subscribed = true;
    join(client);
    heartbeat(client);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t rd_kafka_poll_set_consumer(rd_kafka_t *client)
{
    (void)client;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t rd_kafka_assign(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *list)
{
    world_io("assign");
    if (list == NULL) {
        for (struct toppar *toppar = client->toppars; toppar != NULL; toppar = toppar->next) {
            if (toppar->reading)
                stop_reading(toppar);
            toppar->queue = &client->main; /* a rebalance joins it to the group's again */
        }
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *one = &list->elems[i];
        struct toppar *toppar = find(client, client_topic(one->topic), one->partition);

        read_from(toppar, one->offset);
        toppar->ready_us = world_now() + (int64_t)world_below(8000);
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void call_back(rd_kafka_t *client)
{
    bool assign = client->call == CALL_ASSIGN;
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(topics_per_member * (client->to - client->from) + 1);

    client->call = CALL_NOT;
    for (int topic = 0; topic < topics_per_member; topic++) {
        for (int32_t i = client->from; i < client->to; i++)
            rd_kafka_topic_partition_list_add(list, client_topic_name((enum topic)topic), i);
    }
    client->assigned = assign;
    client->conf->rebalance(client,
                            assign ? RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS
                                   : RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS,
                            list, client->conf->opaque);
    rd_kafka_topic_partition_list_destroy(list);
    if (!assign && client->subscribed)
        join(client);
}

rd_kafka_message_t *rd_kafka_consumer_poll(rd_kafka_t *client, int timeout_ms)
{
    int64_t until_us = world_now() + (int64_t)timeout_ms * world_ms_us;
    struct message *message;

    world_io("consumer_poll");
    for (;;) {
        if (client->call != CALL_NOT) {
            call_back(client);
            return NULL;
        }
        message = take(&client->main);
        if (message != NULL)
            return &message->head;
        if (world_now() >= until_us)
            return NULL;
        task_wait(until_us);
    }
}

rd_kafka_resp_err_t rd_kafka_consumer_close(rd_kafka_t *client)
{
    world_io("consumer_close");
    client->subscribed = false;
    client->membership = MEMBER_OUT;
    if (client->assigned) {
        client->call = CALL_REVOKE;
        call_back(client);
    }
    broker_leave(client);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}
