/* Events that the bytes choose, into the machine: what it says may follow what it said
 * (tests/support/legal.h), every invariant holds, and a machine that is loaded from what was saved
 * is the same; it goes on from there.
 *
 * The bytes: a set of options, then what tests/support/history.h draws, and after each event what
 * else is done. RINGBACK_FUZZ_TELL=1 prints the events of an input that is run again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#include "daemon/log_json.h"
#include "state/internal.h"
#include "tests/support/history.h"
#include "tests/support/legal.h"
#include "tests/support/walk_reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { events_max = 500, timers_max = 20000 };

/* What stands on the compacted state topic. */
struct saved {
    UT_hash_handle hh;
    struct slice key;
    struct slice value; /* data NULL: a tombstone */
};

struct world {
    struct machine_options options;
    struct machine *machine;
    struct history history;
    struct legal *legal;
    struct saved *saved;
    struct arena kept;    /* what was saved */
    struct arena scratch; /* of a step */
    struct effects effects;
    int64_t clock_ms;
    bool tells;
};

#define CHECK(truth, ...)                                                                          \
    do {                                                                                           \
        if (!(truth)) {                                                                            \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fprintf(stderr, "\n");                                                                 \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* Memories short enough for a history to outlive them; all times to live, other switches. */
static void choose_options(struct machine_options *options, unsigned chosen)
{
    machine_options_default(options);
    options->dedupe_window_ms = 10 * MINUTE_MS;
    options->retention_ms = 20 * MINUTE_MS;
    options->late_window_ms = 5 * MINUTE_MS;
    if (chosen & 1) {
        options->presence_ttl_ms = 90 * SECOND_MS;
        options->call_ttl_ms = 3 * MINUTE_MS;
        options->live_wait_ttl_ms = 2 * MINUTE_MS;
        options->preview_max_ms = MINUTE_MS;
        options->after_call_max_ms = MINUTE_MS;
        options->inactivity_ms = 2 * MINUTE_MS;
        options->still_waiting_ms = 20 * MINUTE_MS;
    }
    if (chosen & 2) {
        options->idle_reset = IDLE_RESET_PRESENCE;
        options->holds_line =
            1u << RINGBACK__V1__MEDIA__MEDIA_VOICE | 1u << RINGBACK__V1__MEDIA__MEDIA_EMAIL;
        options->callback_beside =
            1u << RINGBACK__V1__MEDIA__MEDIA_EMAIL | 1u << RINGBACK__V1__MEDIA__MEDIA_CHAT;
    }
    if (chosen & 4) {
        options->answer_grace_ms = 0;
        options->missed_pause_ms = 20 * SECOND_MS;
        options->decline_pause_ms = 10 * SECOND_MS;
        options->reclaim_after_ms = 5 * SECOND_MS;
    }
}

/* --- the state topic --- */

static struct slice packed(struct arena *arena, const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = arena_alloc(arena, size + 1);

    protobuf_c_message_pack(message, bytes);
    return slice_make(bytes, size);
}

static void end_batch(struct world *world)
{
    struct change *changes;
    size_t count;

    machine_changes(world->machine, &world->scratch, &changes, &count);
    for (size_t at = 0; at < count; at++) {
        struct slice key = changes[at].key;
        struct saved *saved;

        HASH_FIND(hh, world->saved, key.data, key.size, saved);
        if (saved == NULL) {
            saved = arena_zalloc(&world->kept, sizeof(*saved));
            saved->key = slice_text(arena_text(&world->kept, key));
            HASH_ADD_KEYPTR(hh, world->saved, saved->key.data, saved->key.size, saved);
        }
        saved->value = (struct slice){0};
        if (changes[at].value != NULL)
            saved->value = packed(&world->kept, &changes[at].value->base);
    }
    machine_batch_end(world->machine);
}

static void check_whole(struct world *world, struct machine *machine)
{
    const char *broken = machine_broken(machine, &world->scratch);

    CHECK(broken == NULL, "broken: %s", broken);
}

static struct machine *load(struct world *world)
{
    struct machine *machine = machine_create(&world->options);
    struct saved *saved, *next;
    struct err_note note;

    HASH_ITER (hh, world->saved, saved, next) {
        PB(StateRecord) * record;

        if (saved->value.data == NULL)
            continue;
        record = ringback__v1__state_record__unpack(&world->scratch.allocator, saved->value.size,
                                                    saved->value.data);
        CHECK(record != NULL && machine_load(machine, saved->key, record, &note) == ERR_OK,
              "%s cannot be loaded", (const char *)saved->key.data);
    }
    machine_ready(machine);
    CHECK(machine_loaded(machine, &note) == ERR_OK, "%s", note.text);
    return machine;
}

static void check_same(struct world *world, struct machine *here, struct machine *there)
{
    uint64_t count, digest, other_count, other_digest;
    struct saved *saved, *next;

    machine_digest(here, &count, &digest);
    machine_digest(there, &other_count, &other_digest);
    CHECK(count == other_count && digest == other_digest, "the digests differ after loading");
    CHECK(machine_due(here) == machine_due(there), "the next timer differs after loading");
    HASH_ITER (hh, world->saved, saved, next) {
        const PB(StateRecord) *now = machine_entity(here, saved->key, &world->scratch),
                              *loaded = machine_entity(there, saved->key, &world->scratch);

        CHECK((now == NULL) == (loaded == NULL) &&
                  (now == NULL || slice_equal(packed(&world->scratch, &now->base),
                                              packed(&world->scratch, &loaded->base))),
              "%s differs after loading", (const char *)saved->key.data);
        CHECK((now == NULL) == (saved->value.data == NULL), "%s is kept otherwise than saved",
              (const char *)saved->key.data);
    }
}

/* Another machine takes over from what stands on `state`. */
static void take_over(struct world *world)
{
    struct machine *loaded;

    end_batch(world);
    loaded = load(world);
    check_whole(world, loaded);
    check_same(world, world->machine, loaded);
    machine_destroy(world->machine);
    world->machine = loaded;
}

/* --- steps --- */

static void check_effects(struct world *world, const struct input_event *cause)
{
    for (size_t at = 0; at < world->effects.count; at++) {
        const struct effect *effect = &world->effects.items[at];
        const char *fault = legal_next(world->legal, effect, cause);

        if (world->tells)
            fprintf(stderr, "    %s %s\n", effect->type, effect->id);
        CHECK(fault == NULL, "%s: %s", effect->type, fault);
    }
    history_hear(&world->history, &world->effects, 0);
}

static void fire_timers(struct world *world, bool lag)
{
    int64_t before_ms = world->history.now_ms, due;
    struct timer_limits limits = {before_ms, before_ms, lag ? before_ms - 4000 : before_ms};
    unsigned fired = 0;

    while (machine_timer_next(world->machine, &limits, &due)) {
        CHECK(++fired < timers_max, "timers fire without end");
        due = lag ? before_ms : due;
        if (due > world->clock_ms)
            world->clock_ms = due; /* an old stamp's deadline: the clock never goes back */
        effects_init(&world->effects, &world->scratch);
        machine_timer_fire(world->machine, &limits, world->clock_ms, &world->effects);
        check_effects(world, NULL);
        arena_reset(&world->scratch);
    }
}

static void print_event(const struct world *world, const struct input_event *event)
{
    json_t *json = log_json_message(event->event);
    char *text = json_dumps(json, JSON_COMPACT);

    fprintf(stderr, "%lld %s %.*s %s\n", (long long)world->clock_ms,
            topic_short_name((enum topic)event->input), (int)event->domain.size,
            (const char *)event->domain.data, text);
    free(text);
    json_decref(json);
}

/* False: a dead letter. */
static bool tell(struct world *world, const struct input_event *event)
{
    struct err_note note;
    PB(UndecidedReason) why;
    enum err err;

    world->clock_ms = world->history.now_ms;
    if (world->tells)
        print_event(world, event);
    effects_init(&world->effects, &world->scratch);
    err = machine_event(world->machine, event, world->clock_ms, &world->effects, &why, &note);
    CHECK(err == ERR_OK || (err == ERR_BAD_EVENT && world->effects.count == 0),
          "a dead letter has effects");
    check_effects(world, event);
    return err == ERR_OK;
}

/* Slow looks, now and then: the bytes say when. */
static void look(struct world *world, const struct input_event *event, bool taken, uint64_t chosen)
{
    const char *fault = NULL;

    if (chosen % 8 == 1 && taken)
        fault = walk_reference(world->machine, &world->options, event->domain, event,
                               &world->effects, 0, &world->scratch);
    CHECK(fault == NULL, "the walk: %s", fault);
    if (chosen % 16 == 2)
        check_whole(world, world->machine);
    if (chosen % 4 == 3)
        end_batch(world);
    if (chosen % 32 == 4)
        take_over(world);
}

static void run(struct world *world)
{
    struct chance *chance = &world->history.chance;

    for (int at = 0; at < events_max && chance->left > 0; at++) {
        struct input_event event = history_next(&world->history);
        uint64_t chosen = chance_below(chance, 256);

        if (chosen < 240)
            fire_timers(world, chosen % 64 == 63);
        look(world, &event, tell(world, &event), chosen);
        arena_reset(&world->scratch);
    }
    check_whole(world, world->machine);
    take_over(world);
    CHECK(legal_living(world->legal) == machine_callbacks(world->machine),
          "%zu callbacks live by the effects, %zu in the machine", legal_living(world->legal),
          machine_callbacks(world->machine));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world world = {.tells = getenv("RINGBACK_FUZZ_TELL") != NULL};

    if (size < 2)
        return 0;
    choose_options(&world.options, data[0]);
    history_init(&world.history, 0);
    world.history.chance.bytes = data + 1;
    world.history.chance.left = size - 1;
    world.history.domains = 1;
    world.history.queues = 2;
    world.history.agents = 3;
    world.history.odd = (data[0] & 8) != 0;
    world.history.repeat_ms = world.options.late_window_ms; /* what is forgotten may live again */
    arena_init(&world.kept);
    arena_init(&world.scratch);
    world.legal = legal_create();
    world.machine = machine_create(&world.options);
    machine_ready(world.machine);
    run(&world);
    HASH_CLEAR(hh, world.saved);
    machine_destroy(world.machine);
    legal_destroy(world.legal);
    arena_deinit(&world.scratch);
    arena_deinit(&world.kept);
    history_deinit(&world.history);
    return 0;
}
