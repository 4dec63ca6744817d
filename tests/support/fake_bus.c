#include "tests/support/fake_bus.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"

static struct fake_bus *fake_of(struct bus *bus)
{
    return (struct fake_bus *)bus;
}

static struct slice copy(struct slice slice)
{
    uint8_t *data;

    if (slice.data == NULL)
        return slice;
    data = memory_alloc(slice.size + 1, "a fake broker");
    memcpy(data, slice.data, slice.size);
    return slice_make(data, slice.size);
}

static void append(struct fake_log *log, const struct record *record)
{
    struct record *made;

    log->records = memory_grow(log->records, (log->count + 1) * sizeof(*log->records), "a fake");
    made = &log->records[log->count];
    *made = *record;
    made->key = copy(record->key);
    made->value = copy(record->value);
    made->headers = NULL;
    made->header_count = 0;
    made->offset = (int64_t)log->count++;
}

static void drop(struct fake_log *log)
{
    for (size_t i = 0; i < log->count; i++) {
        free((void *)(uintptr_t)log->records[i].key.data);
        free((void *)(uintptr_t)log->records[i].value.data);
    }
    free(log->records);
}

static void no_destroy(struct bus *bus)
{
    (void)bus;
}

static enum err seek(struct bus *head, const int64_t next[INPUT_COUNT],
                     const int64_t last_ms[INPUT_COUNT], struct err_note *note)
{
    struct fake_bus *bus = fake_of(head);

    for (int i = 0; i < INPUT_COUNT; i++) {
        if (next[i] < bus->low[i] || next[i] > (int64_t)bus->inputs[i].count)
            return FAIL(note, ERR_INPUT_LOST, "input %d: offset is gone", i);
        if (last_ms[i] >= 0 && next[i] > bus->low[i] &&
            bus->inputs[i].records[next[i] - 1].timestamp_ms != last_ms[i])
            return FAIL(note, ERR_INPUT_LOST, "input %d: another log", i);
        bus->at[i] = next[i];
    }
    bus->seeked = true;
    return ERR_OK;
}

static enum err fetch(struct bus *head, size_t count_max, struct bus_input inputs[INPUT_COUNT],
                      struct err_note *note)
{
    struct fake_bus *bus = fake_of(head);

    (void)note;
    assert(bus->seeked);
    for (int i = 0; i < INPUT_COUNT; i++) {
        size_t left = bus->inputs[i].count - (size_t)bus->at[i];

        inputs[i] = (struct bus_input){
            .records = bus->inputs[i].records == NULL ? NULL : bus->inputs[i].records + bus->at[i],
            .count = left < count_max ? left : count_max,
            .read_to = bus->at[i] + (int64_t)(left < count_max ? left : count_max),
            .at_end = left <= count_max,
            .verified = true,
        };
    }
    return ERR_OK;
}

static void taken(struct bus *head, const size_t counts[INPUT_COUNT])
{
    for (int i = 0; i < INPUT_COUNT; i++)
        fake_of(head)->at[i] += (int64_t)counts[i];
}

static int fd(const struct bus *bus)
{
    (void)bus;
    return -1;
}

static enum err ends(struct bus *head, int64_t found[INPUT_COUNT], struct err_note *note)
{
    struct fake_bus *bus = fake_of(head);

    if (bus->down)
        return FAIL(note, ERR_BUS_DOWN, "the fake broker is down");
    for (int i = 0; i < INPUT_COUNT; i++)
        found[i] = (int64_t)bus->inputs[i].count;
    return ERR_OK;
}

static enum err bounds(struct bus *head, struct bus_bounds found[INPUT_COUNT],
                       struct err_note *note)
{
    (void)note;
    for (int i = 0; i < INPUT_COUNT; i++)
        found[i] =
            (struct bus_bounds){fake_of(head)->low[i], (int64_t)fake_of(head)->inputs[i].count};
    return ERR_OK;
}

static void tell(struct bus *bus, const int64_t next[INPUT_COUNT])
{
    (void)bus;
    (void)next;
}

static enum err open_producer(struct bus *head, bool single, const struct bus_cancel *cancel,
                              struct err_note *note)
{
    (void)cancel;
    (void)note;
    fake_of(head)->opens++;
    fake_of(head)->single = single;
    return ERR_OK;
}

static void close_producer(struct bus *bus)
{
    (void)bus;
}

static enum err commit(struct bus *head, const struct batch *batch, const struct bus_cancel *cancel,
                       struct bus_committed *committed, struct err_note *note)
{
    struct fake_bus *bus = fake_of(head);
    enum fake_fault fault = bus->fault;

    (void)cancel;
    bus->fault = bus->then;
    bus->then = FAKE_FAULT_NONE;
    *committed = (struct bus_committed){.meta_offset = -1};
    if (fault == FAKE_FAULT_LOST)
        return FAIL(note, ERR_TXN_UNKNOWN, "lost");
    if (fault == FAKE_FAULT_AMBIGUOUS) {
        committed->ambiguous = true;
        return FAIL(note, ERR_TXN_UNKNOWN, "one of several is too large");
    }
    if (fault == FAKE_FAULT_FENCED)
        return FAIL(note, ERR_FENCED, "fenced");
    if (fault == FAKE_FAULT_TOO_LARGE)
        return FAIL(note, ERR_UNCOMMITTABLE, "too large");
    for (size_t i = 0; i < batch->count; i++)
        append(batch->records[i].topic == TOPIC_STATE ? &bus->state : &bus->outputs,
               &batch->records[i]);
    bus->commits++;
    committed->meta_offset = (int64_t)bus->state.count - 1;
    return fault == FAKE_FAULT_UNKNOWN ? FAIL(note, ERR_TXN_UNKNOWN, "unknown") : ERR_OK;
}

static enum err state_end(struct bus *head, int64_t *end, struct err_note *note)
{
    if (fake_of(head)->hanging)
        return FAIL(note, ERR_BUS_REFUSED, "a transaction hangs");
    *end = (int64_t)fake_of(head)->state.count;
    return ERR_OK;
}

static enum err state_open(struct bus *head, int64_t offset, struct err_note *note)
{
    struct fake_bus *bus = fake_of(head);

    (void)note;
    bus->read_at = (size_t)offset;
    bus->opened = true;
    return ERR_OK;
}

static enum err state_next(struct bus *head, int timeout_ms, struct record *record, int64_t *end,
                           struct err_note *note)
{
    struct fake_bus *bus = fake_of(head);

    (void)timeout_ms;
    (void)note;
    assert(bus->opened);
    *end = (int64_t)bus->state.count;
    if (bus->read_at >= bus->state.count)
        return ERR_END;
    *record = bus->state.records[bus->read_at++];
    *end = -1;
    return ERR_OK;
}

static void state_close(struct bus *head)
{
    fake_of(head)->opened = false;
}

static const struct bus_ops fake_ops = {
    .destroy = no_destroy,
    .seek = seek,
    .fetch = fetch,
    .taken = taken,
    .fd = fd,
    .ends = ends,
    .bounds = bounds,
    .tell = tell,
    .open = open_producer,
    .close = close_producer,
    .commit = commit,
    .state_end = state_end,
    .state_open = state_open,
    .state_next = state_next,
    .state_close = state_close,
};

struct fake_bus *fake_bus_create(void)
{
    struct fake_bus *bus = memory_zalloc(sizeof(*bus), "a fake broker");

    bus->head.ops = &fake_ops;
    return bus;
}

void fake_bus_destroy(struct fake_bus *bus)
{
    for (int i = 0; i < INPUT_COUNT; i++)
        drop(&bus->inputs[i]);
    drop(&bus->state);
    drop(&bus->outputs);
    free(bus);
}

struct bus *fake_bus_of(struct fake_bus *bus)
{
    return &bus->head;
}

void fake_bus_add(struct fake_bus *bus, enum input input, int64_t timestamp_ms, struct slice key,
                  struct slice value)
{
    append(&bus->inputs[input], &(struct record){.topic = (enum topic)input,
                                                 .timestamp_ms = timestamp_ms,
                                                 .key = key,
                                                 .value = value});
}

void fake_bus_add_marker(struct fake_bus *bus, enum input input, int64_t timestamp_ms)
{
    static const struct header header = {"ringback-end", {(const uint8_t *)"1", 1}};

    struct fake_log *log = &bus->inputs[input];

    append(log, &(struct record){.topic = (enum topic)input, .timestamp_ms = timestamp_ms});
    log->records[log->count - 1].headers = &header;
    log->records[log->count - 1].header_count = 1;
}

void fake_bus_add_state(struct fake_bus *bus, struct slice key, struct slice value)
{
    append(&bus->state, &(struct record){.topic = TOPIC_STATE, .key = key, .value = value});
}

struct slice fake_bus_state(const struct fake_bus *bus, struct slice key)
{
    for (size_t i = bus->state.count; i-- > 0;) {
        if (slice_equal(bus->state.records[i].key, key))
            return bus->state.records[i].value;
    }
    return (struct slice){0};
}

size_t fake_bus_state_count(const struct fake_bus *bus)
{
    size_t count = 0;

    for (size_t i = 0; i < bus->state.count; i++) {
        const struct record *record = &bus->state.records[i];
        struct slice last = fake_bus_state(bus, record->key);

        count += record->value.data != NULL && last.data == record->value.data &&
                 !slice_equal(record->key, slice_text(META_KEY));
    }
    return count;
}

size_t fake_bus_count(const struct fake_bus *bus, enum topic topic)
{
    size_t count = 0;

    for (size_t i = 0; i < bus->outputs.count; i++)
        count += bus->outputs.records[i].topic == topic;
    return count;
}
