#include "daemon/bus_kafka.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "producers/kafka.h"

enum { ends_timeout_ms = 1000, state_timeout_ms = 5000, hanging_ms = 10000 };

struct bus_kafka {
    struct bus head;
    const struct options *options;
    struct kafka_log *log;
    struct kafka_inputs *inputs;
    struct kafka_outputs *outputs;
    struct kafka_reader *reader;
    int32_t partition;
    struct kafka_setting settings[option_kafka_count_max];
    char transactional_id[256];
};

static struct bus_kafka *kafka_of(struct bus *bus)
{
    return (struct bus_kafka *)bus;
}

static void kafka_destroy(struct bus *head)
{
    struct bus_kafka *bus = kafka_of(head);

    kafka_reader_close(bus->reader);
    kafka_outputs_destroy(bus->outputs);
    free(bus);
}

static enum err kafka_seek(struct bus *head, const int64_t next[INPUT_COUNT],
                           const int64_t last_ms[INPUT_COUNT], struct err_note *note)
{
    return kafka_inputs_seek(kafka_of(head)->inputs, next, last_ms, note);
}

static enum err kafka_fetch(struct bus *head, size_t count_max,
                            struct bus_input inputs[INPUT_COUNT], struct err_note *note)
{
    struct kafka_fetched fetched[INPUT_COUNT];

    TRY(kafka_inputs_fetch(kafka_of(head)->inputs, count_max, fetched, note));
    for (int i = 0; i < INPUT_COUNT; i++)
        inputs[i] = (struct bus_input){fetched[i].records, fetched[i].count,    fetched[i].read_to,
                                       fetched[i].at_end,  fetched[i].verified, fetched[i].bytes};
    return ERR_OK;
}

static void kafka_taken(struct bus *head, const size_t taken[INPUT_COUNT])
{
    kafka_inputs_taken(kafka_of(head)->inputs, taken);
}

static int kafka_fd(const struct bus *head)
{
    return kafka_inputs_fd(((const struct bus_kafka *)head)->inputs);
}

static enum err kafka_ends(struct bus *head, int64_t ends[INPUT_COUNT], struct err_note *note)
{
    return kafka_inputs_ends(kafka_of(head)->inputs, ends_timeout_ms, ends, note);
}

static enum err kafka_bounds(struct bus *head, struct bus_bounds bounds[INPUT_COUNT],
                             struct err_note *note)
{
    for (int i = 0; i < INPUT_COUNT; i++)
        TRY(kafka_inputs_bounds(kafka_of(head)->inputs, (enum input)i, state_timeout_ms,
                                &bounds[i].low, &bounds[i].high, note));
    return ERR_OK;
}

static void kafka_heard_ends(struct bus *head, int64_t ends[INPUT_COUNT])
{
    kafka_inputs_heard_ends(kafka_of(head)->inputs, ends);
}

static void kafka_tell(struct bus *head, const int64_t next[INPUT_COUNT])
{
    kafka_inputs_tell(kafka_of(head)->inputs, next);
}

static enum err kafka_open(struct bus *head, bool single, const struct bus_cancel *cancel,
                           struct err_note *note)
{
    return kafka_outputs_open(kafka_of(head)->outputs, single, cancel->cancelled, cancel->context,
                              note);
}

static void kafka_close(struct bus *head)
{
    kafka_outputs_close(kafka_of(head)->outputs);
}

static enum err kafka_commit(struct bus *head, const struct batch *batch,
                             const struct bus_cancel *cancel, struct bus_committed *committed,
                             struct err_note *note)
{
    struct kafka_committed told = {.last_offset = -1};
    enum err err = kafka_outputs_commit(kafka_of(head)->outputs, batch->records, batch->count,
                                        cancel->cancelled, cancel->context, &told, note);

    _Static_assert((int)OUTPUTS_FAULT_COUNT == (int)BUS_FAULT_COUNT, "one list for both");
    *committed = (struct bus_committed){told.last_offset, told.refused, told.ambiguous,
                                        (enum bus_fault)told.fault};
    return err;
}

/* init_transactions has ended what was open; a marker may take a moment to reach the partition's
 * leader. What then still hangs was left by somebody with another id, or by a broker's fault. */
static enum err kafka_state_end(struct bus *head, int64_t *end, struct err_note *note)
{
    struct bus_kafka *bus = kafka_of(head);
    const char *topic = bus->options->topic_names[TOPIC_STATE];
    int64_t begin, stable, high;
    int64_t until_ms = clock_monotonic_ms() + hanging_ms;

    do {
        TRY(kafka_log_ends(bus->log, topic, bus->partition, state_timeout_ms, &begin, &stable,
                           &high, note));
        *end = high;
        if (stable >= high)
            return ERR_OK;
    } while (clock_monotonic_ms() < until_ms);
    return FAIL(note, ERR_BUS_REFUSED,
                "a transaction hangs on %s, partition %" PRId32 ", from offset %" PRId64
                " on: end it with Kafka's `kafka-transactions.sh abort`, then start again",
                topic, bus->partition, stable);
}

static void kafka_state_close(struct bus *head)
{
    struct bus_kafka *bus = kafka_of(head);

    kafka_reader_close(bus->reader);
    bus->reader = NULL;
}

static enum err kafka_state_open(struct bus *head, int64_t offset, struct err_note *note)
{
    struct bus_kafka *bus = kafka_of(head);

    kafka_state_close(head);
    return kafka_reader_open(bus->log, bus->options->topic_names[TOPIC_STATE], TOPIC_STATE,
                             bus->partition, offset, &bus->reader, note);
}

static enum err kafka_state_next(struct bus *head, int timeout_ms, struct record *record,
                                 int64_t *end, struct err_note *note)
{
    return kafka_reader_next(kafka_of(head)->reader, timeout_ms, record, end, note);
}

static const struct bus_ops kafka_ops = {
    .destroy = kafka_destroy,
    .seek = kafka_seek,
    .fetch = kafka_fetch,
    .taken = kafka_taken,
    .fd = kafka_fd,
    .ends = kafka_ends,
    .bounds = kafka_bounds,
    .heard_ends = kafka_heard_ends,
    .tell = kafka_tell,
    .open = kafka_open,
    .close = kafka_close,
    .commit = kafka_commit,
    .state_end = kafka_state_end,
    .state_open = kafka_state_open,
    .state_next = kafka_state_next,
    .state_close = kafka_state_close,
};

struct kafka_settings bus_kafka_settings(const struct options *options, struct kafka_setting *items)
{
    for (int i = 0; i < options->kafka_setting_count; i++)
        items[i] = options->kafka_settings[i];
    return (struct kafka_settings){items, (size_t)options->kafka_setting_count};
}

struct bus *bus_kafka_create(const struct options *options, struct kafka_group *group,
                             struct kafka_log *log, int32_t partition)
{
    struct bus_kafka *bus = memory_zalloc(sizeof(*bus), "a bus");
    struct kafka_outputs_options outputs = {
        .transactional_id = bus->transactional_id,
        .transaction_timeout_ms = options->transaction_timeout_ms,
        .settings = bus_kafka_settings(options, bus->settings),
    };

    memcpy(outputs.topics, options->topic_names, sizeof(outputs.topics));
    snprintf(bus->transactional_id, sizeof(bus->transactional_id), "%s-%" PRId32, options->group,
             partition);
    bus->head.ops = &kafka_ops;
    bus->options = options;
    bus->log = log;
    bus->inputs = group == NULL ? NULL : kafka_group_inputs(group, partition);
    bus->outputs = kafka_outputs_create(&outputs);
    bus->partition = partition;
    return &bus->head;
}
