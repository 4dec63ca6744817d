/* The process's member of the consumer group. Membership only decides who should try: positions are
 * on `state`, ownership is the transactional id's. */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "consumers/kafka_group.h"
#include "consumers/kafka_offset.h"

enum {
    queued_kib_min = 64,
    fetch_bytes_min = 1024 * 1024,
    fetch_bytes_max = 50 * 1024 * 1024, /* librdkafka's default */
    queues_shared_max = 8,              /* partitions that are all full at once */
    ends_timeout_ms = 2000,             /* of one question */
    ends_wait_ms = 30000, /* while the broker chooses leaders it refuses at once, for seconds */
    ends_said_ms = 1000,
};

struct kafka_group {
    rd_kafka_t *kafka;
    struct kafka_group_events events;
    const char *topics[INPUT_COUNT];
    struct kafka_inputs **inputs; /* by partition; NULL: not ours */
    int32_t partitions_max;
    bool assigned;
    size_t held_bytes_max; /* of one input, in its queue, and once more to be decided */
    bool endless; /* the inputs' ends could not be asked: nothing is assigned, poll says so */
};

static int input_by_name(const struct kafka_group *group, const char *topic)
{
    for (int i = 0; i < INPUT_COUNT; i++) {
        if (strcmp(group->topics[i], topic) == 0)
            return i;
    }
    return -1;
}

static void drop_inputs(struct kafka_group *group)
{
    for (int32_t i = 0; i < group->partitions_max; i++) {
        kafka_inputs_destroy(group->inputs[i]);
        group->inputs[i] = NULL;
    }
}

/* Bit i of the result at [partition]: input i of it is among them. */
static void count_inputs(const struct kafka_group *group,
                         const rd_kafka_topic_partition_list_t *list, unsigned *found)
{
    for (int i = 0; i < list->cnt; i++) {
        int input = input_by_name(group, list->elems[i].topic);
        int32_t partition = list->elems[i].partition;

        if (input >= 0 && partition < group->partitions_max)
            found[partition] |= 1u << input;
    }
}

/* The assignment begins at the inputs' ends, as numbers: the workers seek before anything counts.
 * As OFFSET_END librdkafka would ask for them itself, and does so again when its answer comes after
 * the seek: 2.0.2 then forgets the seek and goes on at the end, and what lies between is never
 * read. */
static bool begin_at_ends(struct kafka_group *group, rd_kafka_topic_partition_list_t *list)
{
    int64_t began_ms;
    int tries = 0;

    if (list->cnt == 0) /* librdkafka refuses to be asked nothing */
        return true;
    began_ms = clock_monotonic_ms();
    for (int64_t said_ms = 0; clock_monotonic_ms() - began_ms < ends_wait_ms; tries++) {
        const char *unknown = group->topics[tries % INPUT_COUNT]; /* in turn, if nobody answers */
        rd_kafka_resp_err_t code;

        for (int i = 0; i < list->cnt; i++)
            list->elems[i].offset = RD_KAFKA_OFFSET_END;
        code = rd_kafka_offsets_for_times(group->kafka, list, ends_timeout_ms);
        for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++) {
            code = list->elems[i].err;
            if (code == RD_KAFKA_RESP_ERR_NO_ERROR && list->elems[i].offset < 0)
                code = RD_KAFKA_RESP_ERR__NOENT;
            if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
                unknown = list->elems[i].topic;
        }
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            return true;
        if (clock_monotonic_ms() - said_ms > ends_said_ms) {
            said_ms = clock_monotonic_ms();
            log_warn("the ends of the inputs cannot be asked",
                     LOG_TEXT("reason", rd_kafka_err2str(code)));
        }
        (void)usleep(100000);
        kafka_offset_leaders(group->kafka, unknown, ends_timeout_ms);
    }
    return false;
}

static void take_assignment(struct kafka_group *group, rd_kafka_topic_partition_list_t *list)
{
    unsigned *found = memory_zalloc((size_t)group->partitions_max * sizeof(*found), "partitions");
    int32_t *ours = memory_zalloc((size_t)group->partitions_max * sizeof(*ours), "partitions");
    size_t count = 0;

    count_inputs(group, list, found);
    for (int32_t i = 0; i < group->partitions_max; i++) {
        if (found[i] == (1u << INPUT_COUNT) - 1) {
            /* The queues are cut off the group's before rd_kafka_assign, which would join them. */
            group->inputs[i] =
                kafka_inputs_create(group->kafka, group->topics, i, group->held_bytes_max);
            ours[count++] = i;
        } else if (found[i] != 0) {
            log_error("not all five inputs of a partition are assigned here: it is not decided",
                      LOG_INT("partition", i), LOG_UINT("found", found[i]));
        }
    }
    group->assigned = true;
    kafka_group_assign(group->kafka, list);
    group->events.assigned(group->events.context, ours, count);
    free(found);
    free(ours);
}

static void give_back(struct kafka_group *group)
{
    if (group->assigned)
        group->events.revoked(group->events.context);
    group->assigned = false;
    drop_inputs(group);
    kafka_group_assign(group->kafka, NULL);
}

static void on_rebalance(rd_kafka_t *kafka, rd_kafka_resp_err_t code,
                         rd_kafka_topic_partition_list_t *list, void *opaque)
{
    struct kafka_group *group = opaque;

    (void)kafka;
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        group->endless = !begin_at_ends(group, list);
        if (group->endless)
            kafka_group_assign(group->kafka, NULL);
        else
            take_assignment(group, list);
        return;
    }
    if (code != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
        log_warn("rebalance failed", LOG_TEXT("reason", rd_kafka_err2str(code)));
    give_back(group);
}

void kafka_group_assign(rd_kafka_t *kafka, const rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_resp_err_t code = rd_kafka_assign(kafka, list);

    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        log_error("assign failed", LOG_TEXT("reason", rd_kafka_err2str(code)));
}

static size_t held_bytes(const struct kafka_group_options *options)
{
    int32_t partitions =
        options->partitions_max < queues_shared_max ? options->partitions_max : queues_shared_max;
    int64_t kib = options->queued_bytes / 1024 / (INPUT_COUNT * (partitions == 0 ? 1 : partitions));

    return (size_t)(kib < queued_kib_min ? queued_kib_min : kib) * 1024;
}

/* Of one answer of a broker, which is in memory before it is in the queues. */
static size_t fetch_bytes(const struct kafka_group_options *options)
{
    int64_t bytes = options->queued_bytes / 2;

    if (bytes > fetch_bytes_max)
        return fetch_bytes_max;
    return (size_t)(bytes < fetch_bytes_min ? fetch_bytes_min : bytes);
}

static enum err make_consumer(const struct kafka_group_options *options, struct kafka_group *group,
                              struct err_note *note)
{
    rd_kafka_conf_t *conf;
    char session[24], queued[24], fetched[24];
    snprintf(session, sizeof(session), "%" PRId64, options->session_timeout_ms);
    snprintf(fetched, sizeof(fetched), "%zu", fetch_bytes(options));
    snprintf(queued, sizeof(queued), "%zu", group->held_bytes_max / 1024);
    const char *const ours[] = {"client.id",
                                "ringback",
                                "session.timeout.ms",
                                session,
                                "heartbeat.interval.ms",
                                "250", /* a member learns of a rebalance by its next heartbeat */
                                "group.id",
                                options->group,
                                "partition.assignment.strategy",
                                "range",
                                "enable.auto.commit",
                                "false",
                                "enable.auto.offset.store",
                                "false",
                                "enable.partition.eof",
                                "true",
                                "isolation.level",
                                "read_committed",
                                "auto.offset.reset",
                                "error",
                                "queued.min.messages",
                                "1000000",
                                "queued.max.messages.kbytes",
                                queued,
                                "fetch.max.bytes",
                                fetched,
                                "fetch.wait.max.ms",
                                "100",
                                "fetch.error.backoff.ms",
                                "50",
                                "socket.nagle.disable",
                                "true",
                                "reconnect.backoff.ms",
                                "20",
                                "reconnect.backoff.max.ms",
                                "1000",
                                "max.poll.interval.ms",
                                "300000",
                                "topic.metadata.refresh.interval.ms",
                                "60000",
                                NULL};

    TRY(kafka_conf_create(&options->settings, ours, &conf, note));
    if (options->instance[0] != '\0')
        TRY(kafka_conf_set(conf, "group.instance.id", options->instance, note));
    rd_kafka_conf_set_opaque(conf, group);
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    return kafka_create(RD_KAFKA_CONSUMER, conf, "the consumer", &group->kafka, note);
}

enum err kafka_group_create(const struct kafka_group_options *options,
                            const struct kafka_group_events *events, struct kafka_group **out,
                            struct err_note *note)
{
    struct kafka_group *group = memory_zalloc(sizeof(*group), "a group");
    rd_kafka_topic_partition_list_t *list;
    rd_kafka_resp_err_t code;
    enum err err;

    group->events = *events;
    group->partitions_max = options->partitions_max;
    group->held_bytes_max = held_bytes(options);
    group->inputs =
        memory_zalloc((size_t)group->partitions_max * sizeof(struct kafka_inputs *), "partitions");
    memcpy(group->topics, options->topics, sizeof(group->topics));
    err = make_consumer(options, group, note);
    if (err != ERR_OK) {
        free(group->inputs);
        free(group);
        return err;
    }
    (void)rd_kafka_poll_set_consumer(group->kafka);
    list = rd_kafka_topic_partition_list_new(INPUT_COUNT);
    for (int i = 0; i < INPUT_COUNT; i++)
        rd_kafka_topic_partition_list_add(list, group->topics[i], RD_KAFKA_PARTITION_UA);
    code = rd_kafka_subscribe(group->kafka, list);
    rd_kafka_topic_partition_list_destroy(list);
    *out = group;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return ERR_OK;
    kafka_group_close(group);
    *out = NULL;
    return FAIL(note, ERR_BUS_DOWN, "cannot subscribe to the inputs: %s", rd_kafka_err2str(code));
}

/* A record on the main queue: a rebalance joined a queue to it again. It is not lost: the input
 * goes back to where it was. */
static void on_stray(struct kafka_group *group, const rd_kafka_message_t *message)
{
    log_error("a record came on the group's queue: its input is read again",
              LOG_TEXT("topic", rd_kafka_topic_name(message->rkt)),
              LOG_INT("partition", message->partition), LOG_INT("offset", message->offset));
    if (message->partition < group->partitions_max && group->inputs[message->partition] != NULL)
        kafka_inputs_rewind(group->inputs[message->partition]);
}

static enum err check_fatal(rd_kafka_t *kafka, struct err_note *note)
{
    char why[300] = "";
    rd_kafka_resp_err_t code = rd_kafka_fatal_error(kafka, why, sizeof(why));

    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return ERR_OK;
    return FAIL(note, ERR_BUS_REFUSED,
                "this member of the group cannot go on: %s (%s). With group_instance_id set, does "
                "another process have the same one?",
                why, rd_kafka_err2name(code));
}

enum err kafka_group_poll(struct kafka_group *group, int timeout_ms, struct err_note *note)
{
    rd_kafka_message_t *message = rd_kafka_consumer_poll(group->kafka, timeout_ms);

    if (group->endless) {
        if (message != NULL)
            rd_kafka_message_destroy(message);
        return FAIL(
            note, ERR_BUS_DOWN,
            "partitions were assigned, but the broker did not tell the inputs' ends, asked for "
            "%d s: see the reasons above",
            ends_wait_ms / 1000);
    }
    if (message == NULL)
        return check_fatal(group->kafka, note);
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        on_stray(group, message);
    else if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
        log_warn("the group", LOG_TEXT("reason", rd_kafka_message_errstr(message)));
    rd_kafka_message_destroy(message);
    return check_fatal(group->kafka, note);
}

void kafka_group_close(struct kafka_group *group)
{
    if (group == NULL)
        return;
    (void)rd_kafka_consumer_close(group->kafka);
    if (group->assigned)
        give_back(group);
    drop_inputs(group);
    rd_kafka_destroy(group->kafka);
    free(group->inputs);
    free(group);
}

rd_kafka_t *kafka_group_handle(struct kafka_group *group)
{
    return group->kafka;
}

struct kafka_inputs *kafka_group_inputs(struct kafka_group *group, int32_t partition)
{
    return partition < group->partitions_max ? group->inputs[partition] : NULL;
}
