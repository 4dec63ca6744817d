#include "daemon/sim_bus.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "daemon/engine.h"
#include "producers/log_file.h"

enum { name_bytes = 64 };

struct part {
    struct engine *engine; /* NULL: no record came yet */
    int64_t input_offsets[INPUT_COUNT];
    int64_t output_offsets[TOPIC_COUNT];
};

struct sim_bus {
    const struct sim_bus_options *options;
    struct engine_options engine_options;
    struct machine_options machine_options;
    char (*domains)[name_bytes];
    char topics[TOPIC_COUNT][name_bytes];
    struct part *parts;
    struct batch batch;
    struct arena arena; /* of one record */
    struct sim_ears ears;
    struct log_writer *inputs, *outputs; /* NULL: not recorded */
    struct sim_bus_counts counts;
    enum err err;
    struct err_note note;
};

/* writer NULL: not recorded. */
static void put(struct sim_bus *bus, struct log_writer *writer, const struct record *record)
{
    if (writer != NULL && bus->err == ERR_OK)
        bus->err = log_writer_add(writer, bus->topics[record->topic], record, &bus->note);
}

static enum err open_log(const char *path, struct log_writer **writer, struct err_note *note)
{
    return path == NULL ? ERR_OK : log_writer_create(path, writer, note);
}

static enum err close_log(struct log_writer **writer, struct err_note *note)
{
    struct log_writer *closed = *writer;

    *writer = NULL;
    return closed == NULL ? ERR_OK : log_writer_close(closed, note);
}

static void set_options(struct sim_bus *bus)
{
    struct engine_options *engine = &bus->engine_options;

    machine_options_default(&bus->machine_options);
    engine_options_default(engine);
    engine->machine = &bus->machine_options;
    engine->clock_event = true;
    engine->records_max = 1;
    engine->timers_max = 1;
    engine->trace_begin = TRACE_BEGIN_SAMPLED; /* as without options */
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        snprintf(bus->topics[topic], sizeof(bus->topics[topic]), "%.30s%s%s",
                 bus->options->topic_prefix, topic_short_name((enum topic)topic),
                 topic >= TOPIC_DLQ_FIRST ? ".dlq" : "");
        engine->topics[topic] = bus->topics[topic];
        engine->partitions[topic] = (int32_t)bus->options->partitions;
    }
    for (uint32_t domain = 0; domain < bus->options->domains; domain++)
        snprintf(bus->domains[domain], name_bytes, "bank-%04" PRIu32, domain + 1);
}

enum err sim_bus_create(const struct sim_bus_options *options, struct sim_bus **created,
                        struct err_note *note)
{
    struct sim_bus *bus = memory_zalloc(sizeof(*bus), "the bus");
    enum err err;

    bus->options = options;
    bus->domains = memory_zalloc(options->domains * sizeof(*bus->domains), "the bus");
    bus->parts = memory_zalloc((size_t)options->partitions * sizeof(*bus->parts), "the bus");
    batch_init(&bus->batch);
    arena_init(&bus->arena);
    set_options(bus);
    *created = bus;
    err = open_log(options->inputs_path, &bus->inputs, note);
    if (err == ERR_OK)
        err = open_log(options->outputs_path, &bus->outputs, note);
    if (err == ERR_OK)
        return ERR_OK;
    sim_bus_destroy(bus);
    *created = NULL;
    return err;
}

void sim_bus_destroy(struct sim_bus *bus)
{
    if (bus == NULL)
        return;
    for (int64_t i = 0; i < bus->options->partitions; i++)
        engine_destroy(bus->parts[i].engine);
    log_writer_abandon(bus->inputs);
    log_writer_abandon(bus->outputs);
    batch_deinit(&bus->batch);
    arena_deinit(&bus->arena);
    free(bus->domains);
    free(bus->parts);
    free(bus);
}

void sim_bus_listen(struct sim_bus *bus, const struct sim_ears *ears)
{
    bus->ears = *ears;
}

const char *sim_bus_domain(const struct sim_bus *bus, uint32_t domain)
{
    return bus->domains[domain];
}

/* "bank-0012" is 11. */
static uint32_t domain_of(struct slice key)
{
    uint32_t number = 0;

    for (size_t i = sizeof("bank-") - 1; i < key.size; i++)
        number = number * 10 + (uint32_t)(key.data[i] - '0');
    return number - 1;
}

static void hear(struct sim_bus *bus, const struct record *record)
{
    ProtobufCAllocator *allocator = &bus->arena.allocator;

    if (record->topic == TOPIC_ROUTING) {
        const Ringback__V1__RoutingEvent *event =
            ringback__v1__routing_event__unpack(allocator, record->value.size, record->value.data);

        assert(event != NULL);
        bus->ears.routing(bus->ears.user, domain_of(record->key), event);
    } else if (record->topic == TOPIC_RESULTS) {
        const Ringback__V1__Result *result =
            ringback__v1__result__unpack(allocator, record->value.size, record->value.data);

        assert(result != NULL);
        bus->ears.result(bus->ears.user, domain_of(record->key), result);
    }
}

/* A record of ours that the engine cannot take is our bug; its dead letter says why. */
static void check_decided(struct sim_bus *bus, const struct record *record)
{
    if (record->topic < TOPIC_DLQ_FIRST || bus->err != ERR_OK)
        return;
    bus->err = FAIL(&bus->note, ERR_BAD_EVENT,
                    "the engine refuses a simulated record of topic %s; please report this",
                    topic_short_name(record->topic));
    for (size_t i = 0; i < record->header_count; i++)
        err_prefix(&bus->note, "%s=%.*s: ", record->headers[i].name,
                   (int)record->headers[i].value.size, (const char *)record->headers[i].value.data);
}

static void take_batch(struct sim_bus *bus, struct part *part)
{
    for (size_t i = 0; i < bus->batch.state_first; i++) {
        struct record *record = &bus->batch.records[i];

        record->offset = part->output_offsets[record->topic]++;
        bus->counts.outputs++;
        put(bus, bus->outputs, record);
        check_decided(bus, record);
        hear(bus, record);
    }
}

static struct part *part_of(struct sim_bus *bus, int32_t number)
{
    const uint8_t writer[writer_bytes] = "simulate";
    struct part *part = &bus->parts[number];

    if (part->engine == NULL) {
        bus->engine_options.partition = number;
        part->engine = engine_create(&bus->engine_options);
        bus->err = engine_ready(part->engine, &bus->note);
        engine_writer(part->engine, writer, writer);
    }
    return part;
}

/* One decision of one engine; record NULL: a timer before before_ms. */
static void decide(struct sim_bus *bus, struct part *part, const struct record *record,
                   int64_t before_ms)
{
    struct engine_input inputs[INPUT_COUNT];
    const struct engine_time time = {.quiet_until_ms = before_ms};

    for (int i = 0; i < INPUT_COUNT; i++)
        inputs[i] = (struct engine_input){.at_end = true};
    if (record != NULL)
        inputs[record->topic] = (struct engine_input){record, 1, true};
    engine_decide(part->engine, inputs, &time, &bus->batch);
    take_batch(bus, part);
}

void sim_bus_send(struct sim_bus *bus, uint32_t domain, enum input input, int64_t time_ms,
                  const ProtobufCMessage *message)
{
    struct slice key = slice_text(bus->domains[domain]);
    int32_t number = partition_of(PARTITIONER_MURMUR2, key, (int32_t)bus->options->partitions);
    struct part *part;
    struct record record;
    uint8_t *value;

    if (bus->err != ERR_OK)
        return;
    part = part_of(bus, number);
    arena_reset(&bus->arena);
    value = arena_alloc(&bus->arena, protobuf_c_message_get_packed_size(message));
    record = (struct record){.topic = (enum topic)input,
                             .partition = number,
                             .offset = part->input_offsets[input]++,
                             .timestamp_ms = time_ms,
                             .key = key,
                             .value = {value, protobuf_c_message_pack(message, value)}};
    bus->counts.inputs++;
    put(bus, bus->inputs, &record);
    do {
        decide(bus, part, &record, time_ms);
    } while (bus->batch.taken[input] == 0 && bus->batch.timers > 0);
    assert(bus->batch.taken[input] == 1);
}

static struct part *next_due(const struct sim_bus *bus, int64_t *due_ms)
{
    struct part *next = NULL;

    *due_ms = INT64_MAX;
    for (int64_t i = 0; i < bus->options->partitions; i++) {
        struct part *part = &bus->parts[i];
        int64_t due = part->engine == NULL ? INT64_MAX : engine_due(part->engine);

        if (due < *due_ms) {
            *due_ms = due;
            next = part;
        }
    }
    return next;
}

int64_t sim_bus_due(const struct sim_bus *bus)
{
    int64_t due_ms;

    next_due(bus, &due_ms);
    return due_ms;
}

void sim_bus_fire(struct sim_bus *bus, int64_t before_ms)
{
    int64_t due_ms;
    struct part *part = next_due(bus, &due_ms);

    arena_reset(&bus->arena);
    if (part != NULL && due_ms < before_ms)
        decide(bus, part, NULL, before_ms);
}

enum err sim_bus_finish(struct sim_bus *bus, struct err_note *note)
{
    TRY(sim_bus_error(bus, note));
    for (int64_t i = 0; i < bus->options->partitions; i++) {
        do {
            arena_reset(&bus->arena);
            if (bus->parts[i].engine != NULL)
                decide(bus, &bus->parts[i], NULL, 0);
        } while (bus->parts[i].engine != NULL && bus->batch.count > 0);
    }
    TRY(close_log(&bus->inputs, note));
    return close_log(&bus->outputs, note);
}

enum err sim_bus_error(const struct sim_bus *bus, struct err_note *note)
{
    if (bus->err != ERR_OK)
        *note = bus->note;
    return bus->err;
}

struct sim_bus_counts sim_bus_counts(const struct sim_bus *bus)
{
    return bus->counts;
}
