#include "tests/sim/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/partition.h"
#include "consumers/decode.h"
#include "producers/encode.h"
#include "tests/sim/broker.h"
#include "tests/sim/system.h"
#include "tests/support/history.h"

#include "ringback/v1/analytics.pb-c.h"
#include "ringback/v1/routing.pb-c.h"

static struct {
    struct history history;
    struct arena arena;
    int64_t until_us;
    int64_t each_us;
    int64_t heard[2][broker_partitions_max]; /* of routing and analytics */
    uint64_t sent;
} load;

static void hear_record(enum topic topic, const struct record *record)
{
    struct effects effects;
    struct slice type = decode_header(record, "ce_type");
    const char *kind = memmem(type.data, type.size, "analytics.session_started", 25) != NULL
                           ? "analytics.session_started"
                           : "";
    struct effect effect = {.topic = topic, .domain = record->key, .type = kind};

    arena_reset(&load.arena);
    effects_init(&effects, &load.arena);
    if (topic == TOPIC_ROUTING)
        effect.message = (const ProtobufCMessage *)ringback__v1__routing_event__unpack(
            &load.arena.allocator, record->value.size, record->value.data);
    else
        effect.message = (const ProtobufCMessage *)ringback__v1__analytics_event__unpack(
            &load.arena.allocator, record->value.size, record->value.data);
    effects.items = &effect;
    effects.count = 1;
    if (topic == TOPIC_ROUTING || kind[0] != '\0')
        history_hear(&load.history, &effects, 0);
}

static void hear(void)
{
    for (int i = 0; i < 2; i++) {
        enum topic topic = i == 0 ? TOPIC_ROUTING : TOPIC_ANALYTICS;

        for (int32_t partition = 0; partition < broker_partitions(); partition++) {
            int64_t end = broker_stable(topic, partition);

            for (; load.heard[i][partition] < end; load.heard[i][partition]++) {
                const struct broker_entry *entry =
                    broker_entry(topic, partition, load.heard[i][partition]);

                if (broker_visible(entry))
                    hear_record(topic, &entry->record);
            }
        }
    }
}

static void send_next(void *context)
{
    struct input_event event;
    struct slice value;

    (void)context;
    if (world_now() >= load.until_us)
        return;
    hear();
    load.history.now_ms = system_wall_ms();
    event = history_next(&load.history);
    arena_reset(&load.arena);
    value = encode_message(event.event, &load.arena);
    (void)broker_append((enum topic)event.input,
                        partition_of(PARTITIONER_MURMUR2, event.domain, broker_partitions()),
                        event.timestamp_ms, event.domain, value);
    load.sent++;
    world_at(world_now() + 1 + (int64_t)world_below((uint64_t)(2 * load.each_us)), send_next, NULL);
}

/* The last records: after them whatever was lost of Redis shows with the next write. */
static void send_last(void *context)
{
    (void)context;
    for (int32_t i = 0; i < broker_partitions(); i++) {
        (void)broker_append(TOPIC_COMMANDS, i, system_wall_ms(), slice_text("d0"),
                            slice_text("no command at all"));
        load.sent++;
    }
}

void load_begin(uint64_t seed, int64_t until_us, int64_t each_us)
{
    memset(&load, 0, sizeof(load));
    history_init(&load.history, seed);
    load.history.odd = false;
    load.history.domains = 4;
    arena_init(&load.arena);
    load.until_us = until_us;
    load.each_us = each_us;
    world_at(1000, send_next, NULL);
    world_at(until_us, send_last, NULL);
}

void load_end(void)
{
    history_deinit(&load.history);
    arena_deinit(&load.arena);
}

uint64_t load_sent(void)
{
    return load.sent;
}
