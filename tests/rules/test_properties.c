/* What holds for every history: random long ones against the machine, a little model of what its
 * effects may be, a naive walk, and a second machine that takes over in the middle.
 *
 * RINGBACK_TEST_SEED picks other histories, RINGBACK_TEST_EVENTS how many events all of them have
 * together (default 200,000). A failure prints seed, history and step, and then the shortest story
 * that still fails so: events are left out, in processes of their own, until each is needed.
 * RINGBACK_TEST_HISTORY=N runs that history alone, RINGBACK_TEST_EVERY=1 looks at everything after
 * each step. RINGBACK_TEST_PLANT=transfer or =abort calls the first transfer wrong, for the test of
 * the shrinking.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <xxhash.h>

#include "daemon/log_json.h"
#include "state/internal.h"
#include "tests/support/history.h"
#include "tests/support/legal.h"
#include "tests/support/walk_reference.h"

enum { STEPS = 2500, SLOTS = 1 << 14, ENTITIES_MAX = 1 << 14 };

/* What stands on the compacted state topic. */
struct saved {
    char *key;
    size_t key_size;
    uint8_t *value; /* malloc; NULL: a tombstone */
    size_t size;
};

struct side {
    struct machine *machine;
    struct arena arena;
    struct effects effects;
};

struct first_answer {
    uint8_t bytes[512];
    size_t size;
};

/* One event as it was told: enough to tell it again without those before it. */
struct told {
    struct input_event event; /* its message lives in the history's arena */
    int64_t now_ms;
    unsigned step, first; /* that told it first; 0: this one does */
    bool lag, fires, twice;
};

/* What is wrong, seen by the process that shrinks. line: of this file; 0: an assertion in the core,
 * or a sanitizer. */
struct fault {
    int line;
    char text[1200];
};

struct said {
    uint64_t id, bytes; /* hashes */
    const char *type;
    unsigned step;
};

struct world {
    uint64_t seed;
    unsigned number, step;
    struct told told[STEPS];
    size_t told_count;
    unsigned first_steps[HISTORY_KEPT]; /* by the history's slot */
    sigjmp_buf aborted;                 /* where a failed assertion goes on */
    bool inside;                        /* a history is being told */
    bool trial;                         /* this process tries a part of one */
    struct fault *fault;                /* shared with the trials */
    struct machine_options options;
    struct history history;
    struct side now, other; /* other.machine NULL: nobody takes over at present */
    unsigned other_until;
    struct legal *legal;
    struct saved saved[SLOTS];
    struct arena scratch;
    struct first_answer answers[STEPS + 1]; /* by step */
    struct chance dice; /* when to look: the step's own, whatever else is told */
    bool every;         /* look after each step */
    bool lag;
    const char *plant; /* what is called wrong though it is not; NULL: nothing */
    int64_t clock_ms;  /* of the last step */
    uint64_t offers, refusals, ended, firsts, transfers, reserved;
    struct said *said; /* in this history */
    size_t said_count, said_room;
};

static struct world world;

static void shrink(void);

static void where(void)
{
    fprintf(stderr, "# RINGBACK_TEST_SEED=%llu RINGBACK_TEST_HISTORY=%u step %u\n",
            (unsigned long long)world.seed, world.number, world.step);
}

/* In a trial it ends the process; else the history is shrunk first. */
#define CHECK(truth, ...)                                                                          \
    do {                                                                                           \
        if (!(truth)) {                                                                            \
            world.fault->line = __LINE__;                                                          \
            snprintf(world.fault->text, sizeof(world.fault->text), __VA_ARGS__);                   \
            if (world.trial)                                                                       \
                _exit(1);                                                                          \
            where();                                                                               \
            shrink();                                                                              \
            world.inside = false;                                                                  \
            fail_msg(__VA_ARGS__);                                                                 \
        }                                                                                          \
    } while (0)

/* An assertion of the core, or a sanitizer, in the thread that runs the test; outside of a history
 * (leaks, after a failure) it is the end. */
static void on_abort(int signal_number)
{
    (void)signal_number;
    if (world.inside)
        siglongjmp(world.aborted, 1);
}

const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{
    return "abort_on_error=1";
}

const char *__ubsan_default_options(void)
{
    return "abort_on_error=1";
}

/* --- the state topic --- */

static struct saved *slot_of(struct slice key)
{
    uint64_t hash = entity_digest(key, 0);

    for (size_t at = hash % SLOTS;; at = (at + 1) % SLOTS) {
        struct saved *slot = &world.saved[at];

        if (slot->key == NULL ||
            (slot->key_size == key.size && memcmp(slot->key, key.data, key.size) == 0))
            return slot;
    }
}

static void save(const struct change *change)
{
    struct saved *slot = slot_of(change->key);

    if (slot->key == NULL) {
        slot->key = malloc(change->key.size);
        assert_non_null(slot->key);
        memcpy(slot->key, change->key.data, change->key.size);
        slot->key_size = change->key.size;
    }
    free(slot->value);
    slot->value = NULL;
    slot->size = 0;
    if (change->value == NULL)
        return;
    slot->size = protobuf_c_message_get_packed_size(&change->value->base);
    slot->value = malloc(slot->size + 1);
    assert_non_null(slot->value);
    protobuf_c_message_pack(&change->value->base, slot->value);
}

/* The batch ends: what changed goes to `state`. How many entities changed. */
static size_t end_batch(struct side *side, bool keep)
{
    struct change *changes;
    size_t count;

    machine_changes(side->machine, &world.scratch, &changes, &count);
    for (size_t at = 0; keep && at < count; at++)
        save(&changes[at]);
    machine_batch_end(side->machine);
    return count;
}

static void check_whole(struct side *side)
{
    const char *broken = machine_broken(side->machine, &world.scratch);

    CHECK(broken == NULL, "%s", broken);
}

static int compare_entities(const void *a, const void *b)
{
    const struct change *left = a, *right = b;

    return slice_compare(left->key, right->key);
}

static size_t dump(struct machine *machine, struct change *entities)
{
    struct machine_cursor cursor = {0};
    size_t count = 0;

    while (machine_next(machine, &cursor, &world.scratch, &entities[count]))
        CHECK(++count < ENTITIES_MAX, "too many entities");
    qsort(entities, count, sizeof(*entities), compare_entities);
    return count;
}

static struct slice packed(const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = arena_alloc(&world.scratch, size + 1);

    protobuf_c_message_pack(message, bytes);
    return slice_make(bytes, size);
}

/* Both machines are in the same state. */
static void check_equal(void)
{
    static struct change here[ENTITIES_MAX], there[ENTITIES_MAX];
    size_t count, other_count;
    uint64_t entities, digest, other_entities, other_digest;

    end_batch(&world.now, true);
    end_batch(&world.other, false);
    machine_digest(world.now.machine, &entities, &digest);
    machine_digest(world.other.machine, &other_entities, &other_digest);
    CHECK(entities == other_entities, "%llu entities, loaded %llu", (unsigned long long)entities,
          (unsigned long long)other_entities);
    CHECK(machine_due(world.now.machine) == machine_due(world.other.machine),
          "next due %lld, loaded %lld", (long long)machine_due(world.now.machine),
          (long long)machine_due(world.other.machine));
    count = dump(world.now.machine, here);
    other_count = dump(world.other.machine, there);
    CHECK(count == other_count, "%zu entities, loaded %zu", count, other_count);
    for (size_t at = 0; at < count; at++) {
        CHECK(slice_equal(here[at].key, there[at].key) &&
                  slice_equal(packed(&here[at].value->base), packed(&there[at].value->base)),
              "%.*s differs after loading", (int)here[at].key.size,
              (const char *)here[at].key.data);
    }
    CHECK(digest == other_digest, "the digests differ");
}

static void side_init(struct side *side)
{
    side->machine = machine_create(&world.options);
    arena_init(&side->arena);
}

static void side_deinit(struct side *side)
{
    machine_destroy(side->machine);
    side->machine = NULL;
    arena_deinit(&side->arena);
}

/* Another machine takes over from what stands on `state`, and goes along for a while. */
static void take_over(void)
{
    struct err_note note;

    end_batch(&world.now, true);
    side_init(&world.other);
    for (size_t at = 0; at < SLOTS; at++) {
        const struct saved *slot = &world.saved[at];
        PB(StateRecord) * record;

        if (slot->value == NULL)
            continue;
        record =
            ringback__v1__state_record__unpack(&world.scratch.allocator, slot->size, slot->value);
        CHECK(machine_load(world.other.machine, slice_make(slot->key, slot->key_size), record,
                           &note) == ERR_OK,
              "%.*s: %s", (int)slot->key_size, slot->key, note.text);
    }
    machine_ready(world.other.machine);
    CHECK(machine_loaded(world.other.machine, &note) == ERR_OK, "%s", note.text);
    check_whole(&world.other);
    check_equal();
    world.other_until = world.step + 60;
}

static void hand_over(void)
{
    struct side old = world.now;

    check_equal();
    world.now = world.other;
    memset(&world.other, 0, sizeof(world.other));
    side_deinit(&old);
}

/* --- effects --- */

static void check_same_effects(void)
{
    const struct effects *here = &world.now.effects, *there = &world.other.effects;

    CHECK(here->count == there->count, "%zu effects, loaded %zu", here->count, there->count);
    for (size_t at = 0; at < here->count; at++)
        CHECK(here->items[at].topic == there->items[at].topic &&
                  strcmp(here->items[at].type, there->items[at].type) == 0 &&
                  strcmp(here->items[at].id, there->items[at].id) == 0 &&
                  slice_equal(here->items[at].domain, there->items[at].domain) &&
                  slice_equal(packed(here->items[at].message), packed(there->items[at].message)),
              "effect %zu, %s, differs after loading", at, here->items[at].type);
}

/* What changed is written in the same order too: the bytes of `state` are those of a replay. */
static void check_same_changes(void)
{
    struct change *here, *there;
    size_t count, other_count;

    machine_changes(world.now.machine, &world.scratch, &here, &count);
    machine_changes(world.other.machine, &world.scratch, &there, &other_count);
    CHECK(count == other_count, "%zu changes, loaded %zu", count, other_count);
    for (size_t at = 0; at < count; at++)
        CHECK(slice_equal(here[at].key, there[at].key),
              "%.*s changes in another place after loading", (int)here[at].key.size,
              (const char *)here[at].key.data);
    for (size_t at = 0; at < count; at++)
        save(&here[at]);
    machine_batch_end(world.now.machine);
    machine_batch_end(world.other.machine);
}

static struct slice domain_name(unsigned number)
{
    return slice_text(arena_format(&world.scratch, "d%u", number));
}

static void check_counters(void)
{
    for (unsigned at = 0; at < world.history.domains * world.history.queues * 2; at++) {
        struct slice domain = domain_name(at % world.history.domains);
        const char *queue = arena_format(&world.scratch, "q%u", at / 2 / world.history.domains);
        const char *key =
            arena_format(&world.scratch, "counters|%s|%s", (const char *)domain.data, queue);
        bool live = at / world.history.domains % 2 != 0;
        struct legal_stays said = legal_stays(world.legal, domain, queue, live);
        const PB(StateRecord) *record =
            machine_entity(world.now.machine, slice_text(key), &world.scratch);
        const PB(StayCounts) * counts;

        if (record == NULL) {
            CHECK(said.offered == 0, "%s has no counters", key);
            continue;
        }
        counts = live ? record->counters->live : record->counters->callbacks;
        CHECK(counts->offered == said.offered && counts->answered == said.answered &&
                  counts->abandoned == said.abandoned && counts->flow_out == said.flow_out,
              "%s is not the sum of the metrics", key);
    }
}

/* What was said, by id: who drops what he has seen must drop nothing else. */
static void note_said(const struct effect *effect)
{
    struct slice bytes = packed(effect->message);
    struct said *said;

    if (world.said_count == world.said_room) {
        world.said_room = 2 * world.said_room + 1024;
        world.said = realloc(world.said, world.said_room * sizeof(*world.said));
        assert_non_null(world.said);
    }
    said = &world.said[world.said_count++];
    *said = (struct said){XXH3_64bits(effect->id, strlen(effect->id)),
                          XXH3_64bits(bytes.data, bytes.size), effect->type, world.step};
}

static int compare_said(const void *a, const void *b)
{
    const struct said *left = a, *right = b;

    return left->id < right->id ? -1 : left->id > right->id;
}

static void check_said(void)
{
    if (world.said_count > 0)
        qsort(world.said, world.said_count, sizeof(*world.said), compare_said);
    for (size_t at = 1; at < world.said_count; at++)
        CHECK(world.said[at].id != world.said[at - 1].id ||
                  world.said[at].bytes == world.said[at - 1].bytes,
              "%s of step %u and %s of step %u have one id", world.said[at - 1].type,
              world.said[at - 1].step, world.said[at].type, world.said[at].step);
}

/* What differs from the walk that the domain wants now; NULL: nothing. */
static const char *next_walk(struct slice domain, const struct input_event *cause,
                             const struct effects *effects)
{
    if (!ident_valid(domain))
        return NULL;
    return walk_reference(world.now.machine, &world.options, domain, cause, effects, 0,
                          &world.scratch);
}

/* One more event that changes nothing may bring an offer or a dial: a dial that is made takes an
 * agent on paper as a live call does, maybe not the one it counted on (5.3). */
static bool walk_goes_on(struct slice domain)
{
    const struct effects none = {.count = 0};

    return next_walk(domain, NULL, &none) != NULL;
}

/* Of the timer that fired last. */
static struct slice domain_fired(void)
{
    const struct machine *m = world.now.machine;

    return m->step.domain == 0 ? slice_text("")
                               : text_at(&m->texts, domain_at(m, m->step.domain)->id);
}

/* After each step. The lines of a domain are gone through after its own events (5.3), and nothing
 * is done in another. */
static void check_step(const struct input_event *cause)
{
    struct effects *effects = &world.now.effects;
    struct slice domain = cause == NULL ? domain_fired() : cause->domain;

    for (size_t at = 0; at < effects->count; at++) {
        const char *fault = legal_next(world.legal, &effects->items[at], cause);

        CHECK(fault == NULL, "effect %zu, %s: %s", at, effects->items[at].type, fault);
        CHECK(slice_equal(effects->items[at].domain, domain),
              "effect %zu, %s, is of another domain than what happened", at,
              effects->items[at].type);
        /* A late answer is hung up as often as it is said, under one id and at each time (7.5). */
        if (effects->items[at].topic != TOPIC_RESULTS &&
            strcmp(effects->items[at].type, "routing.hang_up") != 0)
            note_said(&effects->items[at]);
        if (world.plant != NULL &&
            strcmp(effects->items[at].type, "routing.transfer_to_queue") == 0) {
            assert(strcmp(world.plant, "abort") != 0);
            CHECK(false, "planted: a transfer");
        }
        world.offers += strcmp(effects->items[at].type, "routing.offer") == 0;
        world.ended += strcmp(effects->items[at].type, "routing.callback_ended") == 0;
        world.transfers += strcmp(effects->items[at].type, "routing.transfer_to_queue") == 0;
        world.firsts +=
            strcmp(effects->items[at].type, "routing.place_call") == 0 &&
            ((const PB(RoutingEvent) *)effects->items[at].message)->place_call->customer_first;
        world.reserved += strcmp(effects->items[at].type, "routing.reserve_agent") == 0;
    }
    if (world.other.machine != NULL)
        check_same_effects();
    if (world.every || chance_below(&world.dice, 64) == 0) {
        const char *fault = next_walk(domain, cause, effects);

        CHECK(fault == NULL, "the walk: %s", fault);
    }
    if (world.every || chance_below(&world.dice, 200) == 0)
        check_whole(&world.now);
    history_hear(&world.history, effects, 0);
}

static void clear_effects(struct side *side)
{
    if (side->machine == NULL)
        return;
    arena_reset(&side->arena);
    effects_init(&side->effects, &side->arena);
}

static void fire_timers(int64_t before_ms)
{
    struct timer_limits limits = {before_ms, before_ms, world.lag ? before_ms - 4000 : before_ms};
    int64_t due;
    unsigned fired = 0;

    while (machine_timer_next(world.now.machine, &limits, &due)) {
        int64_t now_ms = world.lag ? world.history.now_ms : due;

        if (now_ms < world.clock_ms)
            now_ms = world.clock_ms; /* an old stamp's deadline: the clock never goes back */
        world.clock_ms = now_ms;
        CHECK(++fired < 20000, "timers fire without end, now one due %lld ms before the clock",
              (long long)(world.history.now_ms - due));
        clear_effects(&world.now);
        machine_timer_fire(world.now.machine, &limits, now_ms, &world.now.effects);
        if (world.other.machine != NULL) {
            clear_effects(&world.other);
            machine_timer_fire(world.other.machine, &limits, now_ms, &world.other.effects);
        }
        check_step(NULL);
        arena_reset(&world.scratch);
    }
}

static struct slice request_of(const struct input_event *event)
{
    return slice_text(event->input == INPUT_COMMANDS
                          ? ((const PB(Command) *)event->event)->request_id
                          : ((const PB(FlowEvent) *)event->event)->id);
}

/* The answer of the step without its time; size 0: none, or it is long. */
static struct first_answer answer_of_step(const struct input_event *event)
{
    struct first_answer answer = {.size = 0};

    for (size_t at = 0; at < world.now.effects.count; at++) {
        const struct effect *effect = &world.now.effects.items[at];
        PB(Result) result;

        if (effect->topic != TOPIC_RESULTS)
            continue;
        result = *(const PB(Result) *)effect->message;
        result.time_ms = 0;
        if (!ident_valid(request_of(event)))
            result.id = result.request_id; /* made from the record's offset */
        if (protobuf_c_message_get_packed_size(&result.base) <= sizeof(answer.bytes))
            answer.size = protobuf_c_message_pack(&result.base, answer.bytes);
    }
    return answer;
}

/* 11.1: a repeated request changes nothing and is answered as the first time; a walk that goes on
 * is not the request's. */
static void check_repeat(const struct input_event *event, unsigned first_step, uint64_t digest,
                         bool goes_on)
{
    const struct first_answer *first = &world.answers[first_step];
    struct first_answer again = answer_of_step(event);
    uint64_t count, after;

    if (first->size == 0)
        return;
    CHECK(goes_on || world.now.effects.count == 1, "a repeated request has %zu effects",
          world.now.effects.count);
    CHECK(again.size == first->size && memcmp(again.bytes, first->bytes, again.size) == 0,
          "a repeated request is answered otherwise");
    if (goes_on)
        return;
    CHECK(end_batch(&world.now, true) == 0, "a repeated request changes something");
    machine_digest(world.now.machine, &count, &after);
    CHECK(digest == after, "a repeated request changes the digest");
}

static bool is_request(const struct input_event *event)
{
    PB(FlowEvent__EventCase) flow;

    if (event->input != INPUT_FLOWS)
        return event->input == INPUT_COMMANDS;
    flow = ((const PB(FlowEvent) *)event->event)->event_case;
    return flow == RINGBACK__V1__FLOW_EVENT__EVENT_CREATE_CALLBACK ||
           flow == RINGBACK__V1__FLOW_EVENT__EVENT_LEAVE_VOICEMAIL ||
           flow == RINGBACK__V1__FLOW_EVENT__EVENT_SCHEDULE_CALLBACK;
}

static void tell(const struct told *told)
{
    const struct input_event *event = &told->event;
    PB(UndecidedReason) why;
    struct err_note note;
    enum err err;

    clear_effects(&world.now);
    clear_effects(&world.other);
    err = machine_event(world.now.machine, event, told->now_ms, &world.now.effects, &why, &note);
    if (world.other.machine != NULL)
        CHECK(machine_event(world.other.machine, event, told->now_ms, &world.other.effects, &why,
                            &note) == err,
              "the loaded machine takes the event otherwise");
    CHECK(err == ERR_OK || (err == ERR_BAD_EVENT && world.now.effects.count == 0),
          "a dead letter has effects");
}

static bool had_effect(const struct effects *effects, const struct effect *wanted)
{
    for (size_t at = 0; at < effects->count; at++) {
        if (strcmp(effects->items[at].id, wanted->id) == 0 &&
            slice_equal(packed(effects->items[at].message), packed(wanted->message)))
            return true;
    }
    return false;
}

/* The same record at once again changes nothing (an entity may be written again as it was), and has
 * no effect that it did not have, with the same id: an answer, say; a walk that goes on apart. But
 * that an answered call which nobody wants any more be hung up is said as often as it is said to be
 * answered (7.5). */
static void tell_twice(const struct told *told)
{
    struct arena kept = world.now.arena;
    struct effects before = world.now.effects;
    uint64_t count, digest, after;
    bool goes_on = walk_goes_on(told->event.domain);

    arena_init(&world.now.arena);
    end_batch(&world.now, true);
    machine_digest(world.now.machine, &count, &digest);
    tell(told);
    for (size_t at = 0; at < world.now.effects.count; at++)
        CHECK(goes_on || had_effect(&before, &world.now.effects.items[at]) ||
                  strcmp(world.now.effects.items[at].type, "routing.hang_up") == 0,
              "told twice it has the effect %s", world.now.effects.items[at].type);
    arena_deinit(&kept);
    end_batch(&world.now, true);
    machine_digest(world.now.machine, &count, &after);
    CHECK(goes_on || digest == after ||
              (told->event.input == INPUT_PRESENCE &&
               world.options.presence_ttl_ms != 0), /* a sign of life */
          "told twice it changes the digest");
    check_step(&told->event);
}

/* One step of the history, or of what is left of it. */
static void step(const struct told *told)
{
    const struct input_event *event = &told->event;
    uint64_t count, digest = 0;
    bool compares, repeats = told->first != 0 && is_request(event);
    bool goes_on = false;

    world.step = told->step;
    world.history.now_ms = told->now_ms;
    world.dice =
        (struct chance){.seed = world.number, .state = world.seed + (uint64_t)told->step * 1000003};
    world.lag = told->lag;
    compares = world.other.machine != NULL && !repeats && chance_below(&world.dice, 4) == 0;
    if (compares) {
        end_batch(&world.now, true);
        end_batch(&world.other, false);
    }
    if (told->fires)
        fire_timers(told->now_ms);
    if (repeats) {
        end_batch(&world.now, true);
        machine_digest(world.now.machine, &count, &digest);
        goes_on = walk_goes_on(event->domain);
    }
    world.clock_ms = told->now_ms;
    tell(told);
    if (compares)
        check_same_changes();
    if (repeats)
        check_repeat(event, told->first, digest, goes_on);
    else if (told->first == 0 && is_request(event))
        world.answers[told->step] = answer_of_step(event);
    check_step(event);
    if (told->twice)
        tell_twice(told);
    if (chance_below(&world.dice, 8) == 0)
        end_batch(&world.now, true);
    if (world.other.machine != NULL && chance_below(&world.dice, 64) == 0)
        end_batch(&world.other, false);
    if (chance_below(&world.dice, 300) == 0)
        check_counters();
    if (world.other.machine == NULL && chance_below(&world.dice, 200) == 0)
        take_over();
    else if (world.other.machine != NULL && told->step >= world.other_until)
        hand_over();
    arena_reset(&world.scratch);
}

/* The next step of a history, made from what was heard so far. */
static const struct told *next_step(void)
{
    struct told *told = &world.told[world.told_count];
    struct history *history = &world.history;

    *told = (struct told){.event = history_next(history), .step = (unsigned)world.told_count + 1};
    told->now_ms = history->now_ms;
    if (history->repeat != NULL)
        told->first = world.first_steps[history->repeat - history->kept];
    else
        world.first_steps[(history->kept_count - 1) % HISTORY_KEPT] = told->step;
    told->lag = chance_below(&history->chance, 40) == 0;
    told->fires = chance_below(&history->chance, 20) != 0;
    told->twice = chance_below(&history->chance, 16) == 0;
    world.told_count++;
    return told;
}

/* --- whole histories --- */

static void open_machines(void)
{
    world.step = 0;
    world.clock_ms = 0;
    world.said_count = 0;
    side_init(&world.now);
    machine_ready(world.now.machine);
    memset(&world.other, 0, sizeof(world.other));
    world.legal = legal_create();
    memset(world.saved, 0, sizeof(world.saved));
    memset(world.answers, 0, sizeof(world.answers));
}

static void open_world(unsigned number)
{
    world.number = number;
    world.told_count = 0;
    history_init(&world.history, world.seed * 1000003 + number);
    world.history.repeat_ms = world.options.late_window_ms; /* what is forgotten may live again */
    open_machines();
}

static void close_world(void)
{
    if (world.other.machine != NULL)
        hand_over();
    side_deinit(&world.now);
    history_deinit(&world.history);
    legal_destroy(world.legal);
    for (size_t at = 0; at < SLOTS; at++) {
        free(world.saved[at].key);
        free(world.saved[at].value);
    }
}

static void check_end(void)
{
    check_said();
    check_counters();
    check_whole(&world.now);
    CHECK(legal_living(world.legal) == machine_callbacks(world.now.machine),
          "%zu callbacks live by the effects, %zu in the machine", legal_living(world.legal),
          machine_callbacks(world.now.machine));
}

static void run_history(unsigned number, const struct machine_options *options)
{
    world.options = *options;
    world.inside = true;
    open_world(number);
    if (sigsetjmp(world.aborted, 1) != 0) {
        world.inside = false;
        world.fault->line = 0;
        where();
        shrink();
        abort();
    }
    while (world.told_count < STEPS)
        step(next_step());
    check_end();
    world.inside = false;
    close_world();
}

/* --- a failure, shrunk --- */

/* Tells those steps alone, in a process of its own. Whether they fail as the whole did. */
static bool fails(const size_t *steps, size_t count, const struct fault *wanted)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        world.fault->line = 0;
        if (sigsetjmp(world.aborted, 1) != 0)
            _exit(1);
        world.trial = world.every = world.inside = true;
        (void)fclose(stderr); /* of a sanitizer that finds it again */
        arena_init(&world.scratch);
        open_machines();
        for (size_t at = 0; at < count; at++)
            step(&world.told[steps[at]]);
        check_end();
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return false;
    return WIFEXITED(status) && WEXITSTATUS(status) == 1 && world.fault->line == wanted->line;
}

/* Leaves out runs of a half, a quarter, ... one step, as long as it fails without them. The steps
 * that are left. */
static size_t leave_out(size_t *steps, size_t count, const struct fault *wanted)
{
    static size_t fewer[STEPS];

    for (size_t run = count / 2; run > 0;) {
        size_t before = count;

        for (size_t from = 0; from < count;) {
            size_t size = count - from < run ? count - from : run;

            memcpy(fewer, steps, from * sizeof(*steps));
            memcpy(fewer + from, steps + from + size, (count - from - size) * sizeof(*steps));
            if (fails(fewer, count - size, wanted)) {
                count -= size;
                memcpy(steps, fewer, count * sizeof(*steps));
            } else {
                from += size;
            }
        }
        if (run > 1)
            run = run / 2;
        else if (count == before)
            break;
    }
    return count;
}

static void print_step(const struct told *told)
{
    json_t *json = log_json_message(told->event.event);
    char *text = json_dumps(json, JSON_COMPACT);

    fprintf(stderr, "# %10.3f s  %-12s %.*s%s%s%s %s\n",
            (double)(told->now_ms - world.told[0].now_ms) / 1000,
            topic_short_name((enum topic)told->event.input), (int)told->event.domain.size,
            (const char *)told->event.domain.data, told->lag ? ", timers lag" : "",
            told->fires ? "" : ", no timers before", told->twice ? ", twice" : "", text);
    free(text);
    json_decref(json);
}

/* The history fails: prints as few of its steps as fail in the same way. */
static void shrink(void)
{
    static size_t steps[STEPS];
    const struct fault wanted = *world.fault;
    size_t count = world.told_count;

    for (size_t at = 0; at < count; at++)
        steps[at] = at;
    if (!fails(steps, count, &wanted)) {
        fprintf(stderr, "# told again with a look after each step it does not fail so (%s)\n",
                world.fault->text);
        return;
    }
    count = leave_out(steps, count, &wanted);
    fprintf(stderr, "# shrunk from %zu steps to %zu: %s\n", world.told_count, count,
            wanted.line == 0 ? "an assertion, or a sanitizer" : wanted.text);
    for (size_t at = 0; at < count; at++)
        print_step(&world.told[steps[at]]);
}

/* A third of the histories that the environment asks for. */
static void run_histories(const struct machine_options *options, unsigned first)
{
    const char *events = getenv("RINGBACK_TEST_EVENTS"), *alone = getenv("RINGBACK_TEST_HISTORY");
    unsigned long wanted = events == NULL ? 200000 : strtoul(events, NULL, 10);
    unsigned count = (unsigned)(wanted / STEPS / 3) + 1;

    world.seed = chance_start().seed;
    arena_init(&world.scratch);
    world.offers = world.ended = world.firsts = world.transfers = world.reserved = 0;
    world.every = getenv("RINGBACK_TEST_EVERY") != NULL;
    world.plant = getenv("RINGBACK_TEST_PLANT");
    for (unsigned at = 0; at < count; at++)
        if (alone == NULL || strtoul(alone, NULL, 10) == first + 3 * at)
            run_history(first + 3 * at, options);
    arena_deinit(&world.scratch);
    if (alone != NULL)
        return;
    /* Histories in which nothing happens would prove nothing. */
    CHECK(world.offers > 20 * count, "only %llu offers", (unsigned long long)world.offers);
    CHECK(world.ended > 5 * count, "only %llu ends", (unsigned long long)world.ended);
    CHECK(world.firsts > 2 * count, "only %llu called first", (unsigned long long)world.firsts);
    CHECK(world.transfers > count / 4, "only %llu transfers", (unsigned long long)world.transfers);
    CHECK(world.reserved > count / 4, "only %llu reserved", (unsigned long long)world.reserved);
}

/* Memories short enough for a history to outlive them. */
static struct machine_options short_options(void)
{
    struct machine_options options;

    machine_options_default(&options);
    options.dedupe_window_ms = 10 * MINUTE_MS;
    options.retention_ms = 20 * MINUTE_MS;
    options.late_window_ms = 5 * MINUTE_MS;
    return options;
}

static void properties_hold_for_random_histories(void **state)
{
    struct machine_options options = short_options();

    (void)state;
    run_histories(&options, 0);
}

static void properties_hold_with_every_time_to_live(void **state)
{
    struct machine_options options = short_options();

    (void)state;
    options.presence_ttl_ms = 90 * SECOND_MS;
    options.call_ttl_ms = 3 * MINUTE_MS;
    options.live_wait_ttl_ms = 2 * MINUTE_MS;
    options.preview_max_ms = MINUTE_MS;
    options.after_call_max_ms = MINUTE_MS;
    options.inactivity_ms = 2 * MINUTE_MS;
    options.still_waiting_ms = 20 * MINUTE_MS;
    run_histories(&options, 1);
}

static void properties_hold_with_the_other_switches(void **state)
{
    struct machine_options options = short_options();

    (void)state;
    options.idle_reset = IDLE_RESET_PRESENCE;
    options.holds_line =
        1u << RINGBACK__V1__MEDIA__MEDIA_VOICE | 1u << RINGBACK__V1__MEDIA__MEDIA_EMAIL;
    options.callback_beside =
        1u << RINGBACK__V1__MEDIA__MEDIA_EMAIL | 1u << RINGBACK__V1__MEDIA__MEDIA_CHAT;
    options.answer_grace_ms = 0;
    options.missed_pause_ms = 20 * SECOND_MS;
    options.decline_pause_ms = 10 * SECOND_MS;
    options.reclaim_after_ms = 5 * SECOND_MS;
    run_histories(&options, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(properties_hold_for_random_histories),
        cmocka_unit_test(properties_hold_with_every_time_to_live),
        cmocka_unit_test(properties_hold_with_the_other_switches),
    };

    world.fault =
        mmap(NULL, sizeof(*world.fault), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (world.fault == MAP_FAILED)
        return 1;
    signal(SIGABRT, on_abort);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
