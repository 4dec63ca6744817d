/* A machine for tests of the engine, in place of the real one: it says what it was given.
 *
 * Every event makes one output whose id holds input, offset, now and timestamp, and whose notice
 * holds a running hash of all that happened, so that any change of order shows in every later
 * output. A flow event makes a timer at now + 10 ms x the size of its id; a timer makes an output
 * too. Each domain is one entity "counters|DOMAIN|x" whose version counts. An event whose id is
 * "bad" is refused as a dead letter, LIMIT. */
#ifndef RINGBACK_TESTS_FAKE_MACHINE_H
#define RINGBACK_TESTS_FAKE_MACHINE_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "state/machine.h"

#include "ringback/v1/routing.pb-c.h"

enum { fake_domains_max = 64, fake_timers_max = 4096 };

struct fake_domain {
    char name[130];
    uint32_t version;
    bool changed;
};

struct machine {
    struct fake_domain domains[fake_domains_max];
    size_t domain_count;
    struct {
        int64_t due_ms;
        size_t domain;
        bool stop; /* a record could stop it */
    } timers[fake_timers_max];
    size_t timer_count;
    uint64_t history;
};

void machine_options_default(struct machine_options *options)
{
    *options = (struct machine_options){.retention_ms = 1};
}

struct machine *machine_create(const struct machine_options *options)
{
    struct machine *machine = calloc(1, sizeof(*machine));

    assert_int_equal(options->retention_ms, 1);
    assert_non_null(machine);
    return machine;
}

void machine_destroy(struct machine *machine)
{
    free(machine);
}

void effects_init(struct effects *effects, struct arena *arena)
{
    *effects = (struct effects){.arena = arena};
}

static size_t fake_domain(struct machine *machine, struct slice name)
{
    struct fake_domain *domain;

    for (size_t i = 0; i < machine->domain_count; i++) {
        if (slice_equal(slice_text(machine->domains[i].name), name))
            return i;
    }
    assert_true(machine->domain_count < fake_domains_max);
    domain = &machine->domains[machine->domain_count];
    snprintf(domain->name, sizeof(domain->name), "%.*s", (int)name.size, (const char *)name.data);
    return machine->domain_count++;
}

static void fake_effect(struct machine *machine, struct effects *effects, size_t domain,
                        const char *id, const char *type)
{
    Ringback__V1__RoutingEvent *event = arena_alloc(effects->arena, sizeof(*event));
    Ringback__V1__CallbackNotice *notice = arena_alloc(effects->arena, sizeof(*notice));
    struct fake_domain *entity = &machine->domains[domain];

    machine->history = XXH3_64bits_withSeed(id, strlen(id), machine->history);
    entity->version++;
    entity->changed = true;
    ringback__v1__routing_event__init(event);
    ringback__v1__callback_notice__init(notice);
    notice->text = arena_format(effects->arena, "%016" PRIx64, machine->history);
    event->event_case = RINGBACK__V1__ROUTING_EVENT__EVENT_CALLBACK_NOTICE;
    event->callback_notice = notice;
    effects->items = arena_alloc(effects->arena, sizeof(*effects->items));
    effects->count = 1;
    effects->items[0] = (struct effect){.topic = TOPIC_ROUTING,
                                        .domain = slice_text(entity->name),
                                        .id = id,
                                        .type = type,
                                        .message = &event->base};
    effects->cause = slice_text(id);
}

static const char *fake_event_id(const struct input_event *event)
{
    switch (event->input) {
    case INPUT_SETTINGS: return ((const Ringback__V1__SettingsEvent *)event->event)->id;
    case INPUT_INTERACTIONS: return ((const Ringback__V1__InteractionEvent *)event->event)->id;
    case INPUT_PRESENCE: return ((const Ringback__V1__PresenceEvent *)event->event)->id;
    case INPUT_FLOWS: return ((const Ringback__V1__FlowEvent *)event->event)->id;
    case INPUT_COMMANDS: return ((const Ringback__V1__Command *)event->event)->request_id;
    case INPUT_COUNT: break;
    }
    return "";
}

enum err machine_event(struct machine *machine, const struct input_event *event, int64_t now_ms,
                       struct effects *effects, Ringback__V1__UndecidedReason *why,
                       struct err_note *note)
{
    const char *id = fake_event_id(event);
    size_t domain;

    if (strcmp(id, "bad") == 0) {
        *why = RINGBACK__V1__UNDECIDED_REASON__UNDECIDED_REASON_LIMIT;
        return FAIL(note, ERR_BAD_EVENT, "the fake takes no bad events");
    }
    domain = fake_domain(machine, event->domain);
    fake_effect(machine, effects, domain,
                arena_format(effects->arena, "%d-%" PRId64 "-%s-%" PRId64 "-%" PRId64 "-%d",
                             (int)event->input, event->offset, id, now_ms, event->timestamp_ms,
                             (int)event->refuse),
                "routing.event");
    if (event->input == INPUT_FLOWS) {
        assert_true(machine->timer_count < fake_timers_max);
        machine->timers[machine->timer_count].due_ms = now_ms + 10 * (int64_t)strlen(id);
        machine->timers[machine->timer_count].domain = domain;
        machine->timers[machine->timer_count++].stop = id[0] == 's';
    }
    return ERR_OK;
}

static size_t fake_next(const struct machine *machine, const struct timer_limits *limits)
{
    size_t best = SIZE_MAX;

    for (size_t i = 0; i < machine->timer_count; i++) {
        int64_t due_ms = machine->timers[i].due_ms;

        if (due_ms >= limits->before_ms ||
            due_ms > (machine->timers[i].stop ? limits->horizon_stop_ms : limits->horizon_ms))
            continue;
        if (best == SIZE_MAX || due_ms < machine->timers[best].due_ms)
            best = i;
    }
    return best;
}

bool machine_timer_next(const struct machine *machine, const struct timer_limits *limits,
                        int64_t *due_ms)
{
    size_t next = fake_next(machine, limits);

    if (next != SIZE_MAX)
        *due_ms = machine->timers[next].due_ms;
    return next != SIZE_MAX;
}

void machine_timer_fire(struct machine *machine, const struct timer_limits *limits, int64_t now_ms,
                        struct effects *effects)
{
    size_t next = fake_next(machine, limits);

    assert_true(next != SIZE_MAX);
    fake_effect(machine, effects, machine->timers[next].domain,
                arena_format(effects->arena, "t-%" PRId64 "-%" PRId64, machine->timers[next].due_ms,
                             now_ms),
                "routing.timer");
    memmove(&machine->timers[next], &machine->timers[next + 1],
            (machine->timer_count - next - 1) * sizeof(machine->timers[0]));
    machine->timer_count--;
}

int64_t machine_due(const struct machine *machine)
{
    const struct timer_limits all = {INT64_MAX, INT64_MAX, INT64_MAX};
    size_t next = fake_next(machine, &all);

    return next == SIZE_MAX ? INT64_MAX : machine->timers[next].due_ms;
}

void machine_changes(struct machine *machine, struct arena *arena, struct change **changes,
                     size_t *count)
{
    *count = 0;
    *changes = arena_alloc(arena, machine->domain_count * sizeof(**changes));
    for (size_t i = 0; i < machine->domain_count; i++) {
        struct fake_domain *domain = &machine->domains[i];
        Ringback__V1__StateRecord *value;

        if (!domain->changed)
            continue;
        value = arena_alloc(arena, sizeof(*value));
        ringback__v1__state_record__init(value);
        value->version = domain->version;
        (*changes)[*count].key = slice_text(arena_format(arena, "counters|%s|x", domain->name));
        (*changes)[(*count)++].value = value;
    }
}

void machine_digest(const struct machine *machine, uint64_t *count, uint64_t *digest)
{
    *count = machine->domain_count;
    *digest = 0;
    for (size_t i = 0; i < machine->domain_count; i++)
        *digest += XXH3_64bits_withSeed(machine->domains[i].name, strlen(machine->domains[i].name),
                                        machine->domains[i].version);
}

void machine_batch_end(struct machine *machine)
{
    for (size_t i = 0; i < machine->domain_count; i++)
        machine->domains[i].changed = false;
}

enum err machine_load(struct machine *machine, struct slice key,
                      const Ringback__V1__StateRecord *value, struct err_note *note)
{
    size_t domain;

    if (key.size < 12 || memcmp(key.data, "counters|", 9) != 0)
        return FAIL(note, ERR_BAD_STATE, "not a key of the fake");
    domain = fake_domain(machine, slice_make(key.data + 9, key.size - 11));
    assert_non_null(value);
    machine->domains[domain].version = value->version;
    return ERR_OK;
}

void machine_ready(struct machine *machine)
{
    assert_int_equal(machine->timer_count, 0);
}

enum err machine_loaded(struct machine *machine, struct err_note *note)
{
    (void)machine;
    (void)note;
    return ERR_OK;
}

#endif
