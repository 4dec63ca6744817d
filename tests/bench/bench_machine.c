/* The machine alone: bytes of a callback that waits or is scheduled, and nanoseconds an event while
 * that many live, over 1,000 domains. No decoding, no encoding, no bus.
 *   bench_machine [CALLBACKS...]   without an argument 10000 and 1000000
 * Bytes are the growth of the resident set over the number of callbacks, everything included. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ringback/v1/results.pb-c.h"
#include "ringback/v1/routing.pb-c.h"
#include "state/machine.h"
#include "tests/support/chance.h"

#define PB(name) Ringback__V1__##name

enum { domain_count = 1000, queue_count = 5, batch_events = 1000, cycle_count = 100000 };

struct bench {
    struct machine *machine;
    struct arena arena;
    struct effects effects;
    struct chance chance;
    int64_t now_ms;
    uint64_t version;
    uint64_t events;
    uint64_t decide_ns;
    int in_batch;
    char offer[40], callback[40], attempt[40], offered_to[40];
};

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static size_t resident_bytes(void)
{
    unsigned long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file == NULL || fscanf(file, "%lu %lu", &pages, &resident) != 2)
        abort();
    fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void uuid(struct bench *bench, char text[40])
{
    uint64_t high = chance_next(&bench->chance), low = chance_next(&bench->chance);

    snprintf(text, 40, "%08x-%04x-4%03x-8%03x-%012" PRIx64, (unsigned)(high >> 32),
             (unsigned)(high >> 16) & 0xffff, (unsigned)high & 0xfff, (unsigned)(low >> 48) & 0xfff,
             low & 0xffffffffffff);
}

/* --- loading --- */

static void load(struct bench *bench, uint32_t count, bool scheduled)
{
    struct err_note note;

    for (uint32_t at = 0; at < count; at++) {
        PB(StateRecord) record = RINGBACK__V1__STATE_RECORD__INIT;
        PB(CallbackEntity) callback = RINGBACK__V1__CALLBACK_ENTITY__INIT;
        PB(Place) place = RINGBACK__V1__PLACE__INIT;
        char id[40], conversation[40], interaction[40], queue[16], number[20], key[100];

        uuid(bench, id);
        uuid(bench, conversation);
        uuid(bench, interaction);
        snprintf(queue, sizeof(queue), "q%u", at % queue_count);
        snprintf(number, sizeof(number), "+97250%07u", at % 10000000);
        snprintf(key, sizeof(key), "callback|domain-%u|%s", (at / queue_count) % domain_count, id);
        record.version = 1;
        record.entity_case = RINGBACK__V1__STATE_RECORD__ENTITY_CALLBACK;
        record.callback = &callback;
        callback.kind = scheduled ? RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_SCHEDULED
                                  : RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_IN_QUEUE;
        callback.state = scheduled ? RINGBACK__V1__CALLBACK_STATE__CALLBACK_STATE_SCHEDULED
                                   : RINGBACK__V1__CALLBACK_STATE__CALLBACK_STATE_WAITING;
        callback.conversation_id = conversation;
        callback.interaction_id = interaction;
        callback.number = number;
        callback.place = &place;
        place.queue_id = queue;
        place.tie_break = scheduled ? id : interaction;
        callback.created_ms = callback.updated_ms = callback.since_ms = bench->now_ms;
        if (scheduled) {
            callback.due_ms =
                bench->now_ms + 86400000 + (int64_t)chance_below(&bench->chance, 1000000000);
            callback.scheduled_by = queue;
        } else {
            place.entry_ms = bench->now_ms - (int64_t)chance_below(&bench->chance, 3600000);
            callback.stay_ms = place.entry_ms;
        }
        if (machine_load(bench->machine, slice_text(key), &record, &note) != ERR_OK) {
            fprintf(stderr, "%s\n", note.text);
            exit(1);
        }
    }
}

/* Every queue has counted its waiting callbacks. */
static void load_counters(struct bench *bench, uint32_t count)
{
    struct err_note note;

    for (uint32_t at = 0; at < domain_count * queue_count && at < count; at++) {
        PB(StateRecord) record = RINGBACK__V1__STATE_RECORD__INIT;
        PB(CountersEntity) counters = RINGBACK__V1__COUNTERS_ENTITY__INIT;
        PB(StayCounts) counts = RINGBACK__V1__STAY_COUNTS__INIT;
        char key[64];

        snprintf(key, sizeof(key), "counters|domain-%u|q%u", (at / queue_count) % domain_count,
                 at % queue_count);
        record.version = 1;
        record.entity_case = RINGBACK__V1__STATE_RECORD__ENTITY_COUNTERS;
        record.counters = &counters;
        counters.callbacks = &counts;
        counts.offered =
            count / (domain_count * queue_count) + (at < count % (domain_count * queue_count));
        if (machine_load(bench->machine, slice_text(key), &record, &note) != ERR_OK) {
            fprintf(stderr, "%s\n", note.text);
            exit(1);
        }
    }
}

/* --- a day's events --- */

static void settle(struct bench *bench)
{
    struct change *changes;
    size_t count;

    machine_changes(bench->machine, &bench->arena, &changes, &count);
    machine_batch_end(bench->machine);
    arena_reset(&bench->arena);
    effects_init(&bench->effects, &bench->arena);
    bench->in_batch = 0;
}

static void note_effects(struct bench *bench, size_t from)
{
    for (size_t at = from; at < bench->effects.count; at++) {
        const PB(RoutingEvent) *event = (const PB(RoutingEvent) *)bench->effects.items[at].message;

        if (bench->effects.items[at].topic != TOPIC_ROUTING)
            continue;
        if (event->event_case == RINGBACK__V1__ROUTING_EVENT__EVENT_OFFER) {
            snprintf(bench->offer, sizeof(bench->offer), "%s", event->offer->offer_id);
            snprintf(bench->callback, sizeof(bench->callback), "%s", event->callback_id);
            snprintf(bench->offered_to, sizeof(bench->offered_to), "%s", event->offer->agent_id);
        } else if (event->event_case == RINGBACK__V1__ROUTING_EVENT__EVENT_PLACE_CALL) {
            snprintf(bench->attempt, sizeof(bench->attempt), "%s", event->place_call->attempt_id);
        }
    }
}

static void send(struct bench *bench, const char *domain, enum input input,
                 const ProtobufCMessage *message)
{
    struct input_event event = {.input = input,
                                .offset = (int64_t)bench->events,
                                .timestamp_ms = bench->now_ms,
                                .topic = "bench",
                                .domain = slice_text(domain),
                                .event = message};
    PB(UndecidedReason) why;
    struct err_note note;
    size_t from = bench->effects.count;
    uint64_t start = now_ns();

    if (machine_event(bench->machine, &event, bench->now_ms, &bench->effects, &why, &note) !=
        ERR_OK) {
        fprintf(stderr, "%s\n", note.text);
        exit(1);
    }
    bench->events++;
    note_effects(bench, from);
    if (++bench->in_batch >= batch_events)
        settle(bench);
    bench->decide_ns += now_ns() - start;
}

static void status(struct bench *bench, const char *domain, char *agent, PB(RoutingStatus) value)
{
    PB(PresenceEvent) event = RINGBACK__V1__PRESENCE_EVENT__INIT;
    PB(RoutingStatusChanged) changed = RINGBACK__V1__ROUTING_STATUS_CHANGED__INIT;

    event.agent_id = agent;
    event.version = ++bench->version;
    event.change_ms = bench->now_ms;
    event.event_case = RINGBACK__V1__PRESENCE_EVENT__EVENT_ROUTING_STATUS;
    event.routing_status = &changed;
    changed.status = value;
    send(bench, domain, INPUT_PRESENCE, &event.base);
}

static void set_up_domain(struct bench *bench, const char *domain)
{
    char ids[queue_count][16], *queues[queue_count], event_id[32];
    char agent_id[] = "a1";

    for (int at = 0; at < queue_count; at++) {
        PB(SettingsEvent) event = RINGBACK__V1__SETTINGS_EVENT__INIT;
        PB(QueueSettings) queue = RINGBACK__V1__QUEUE_SETTINGS__INIT;

        snprintf(ids[at], sizeof(ids[at]), "q%d", at);
        snprintf(event_id, sizeof(event_id), "s%" PRIu64, ++bench->version);
        queues[at] = ids[at];
        queue.queue_id = ids[at];
        queue.version = 1;
        event.id = event_id;
        event.event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_QUEUE;
        event.queue = &queue;
        send(bench, domain, INPUT_SETTINGS, &event.base);
    }
    {
        PB(SettingsEvent) event = RINGBACK__V1__SETTINGS_EVENT__INIT;
        PB(AgentSettings) agent = RINGBACK__V1__AGENT_SETTINGS__INIT;
        PB(PresenceEvent) fact = RINGBACK__V1__PRESENCE_EVENT__INIT;
        PB(PresenceChanged) presence = RINGBACK__V1__PRESENCE_CHANGED__INIT;
        PB(JoinedQueuesChanged) joined = RINGBACK__V1__JOINED_QUEUES_CHANGED__INIT;

        agent.agent_id = agent_id;
        agent.version = 1;
        event.id = event_id;
        event.event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_AGENT;
        event.agent = &agent;
        send(bench, domain, INPUT_SETTINGS, &event.base);
        fact.agent_id = agent_id;
        fact.version = ++bench->version;
        fact.change_ms = bench->now_ms;
        fact.event_case = RINGBACK__V1__PRESENCE_EVENT__EVENT_PRESENCE;
        fact.presence = &presence;
        presence.presence = RINGBACK__V1__PRESENCE__PRESENCE_ON_QUEUE;
        send(bench, domain, INPUT_PRESENCE, &fact.base);
        fact.version = ++bench->version;
        fact.event_case = RINGBACK__V1__PRESENCE_EVENT__EVENT_JOINED_QUEUES;
        fact.joined_queues = &joined;
        joined.n_queue_ids = queue_count;
        joined.queue_ids = queues;
        send(bench, domain, INPUT_PRESENCE, &fact.base);
    }
}

static void live(struct bench *bench, const char *domain, char *interaction, bool enter)
{
    PB(InteractionEvent) event = RINGBACK__V1__INTERACTION_EVENT__INIT;
    PB(Interaction) about = RINGBACK__V1__INTERACTION__INIT;
    PB(InteractionEntered) entered = RINGBACK__V1__INTERACTION_ENTERED__INIT;
    PB(InteractionEnded) ended = RINGBACK__V1__INTERACTION_ENDED__INIT;
    PB(Place) place = RINGBACK__V1__PLACE__INIT;
    char queue[16], ani[] = "+97235551234";

    snprintf(queue, sizeof(queue), "q%u", (unsigned)chance_below(&bench->chance, queue_count));
    event.interaction = &about;
    about.interaction_id = about.conversation_id = interaction;
    about.version = ++bench->version;
    about.time_ms = bench->now_ms;
    if (enter) {
        event.event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ENTERED;
        event.entered = &entered;
        entered.place = &place;
        entered.ani = ani;
        place.queue_id = queue;
        place.entry_ms = bench->now_ms;
    } else {
        event.event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ENDED;
        event.ended = &ended;
    }
    send(bench, domain, INPUT_INTERACTIONS, &event.base);
}

static void create(struct bench *bench, const char *domain, char *interaction)
{
    PB(FlowEvent) event = RINGBACK__V1__FLOW_EVENT__INIT;
    PB(CreateCallback) wish = RINGBACK__V1__CREATE_CALLBACK__INIT;
    char id[40], queue[16];

    uuid(bench, id);
    snprintf(queue, sizeof(queue), "q%u", (unsigned)chance_below(&bench->chance, queue_count));
    event.id = id;
    event.event_case = RINGBACK__V1__FLOW_EVENT__EVENT_CREATE_CALLBACK;
    event.create_callback = &wish;
    wish.interaction_id = wish.conversation_id = interaction;
    wish.flow_type = RINGBACK__V1__FLOW_TYPE__FLOW_TYPE_IN_QUEUE_CALL;
    wish.queue_id = queue;
    send(bench, domain, INPUT_FLOWS, &event.base);
}

static void command(struct bench *bench, const char *domain,
                    Ringback__V1__Command__CommandCase what)
{
    PB(Command) message = RINGBACK__V1__COMMAND__INIT;
    PB(Accept) accept = RINGBACK__V1__ACCEPT__INIT;
    PB(Dial) dial = RINGBACK__V1__DIAL__INIT;
    PB(End) end = RINGBACK__V1__END__INIT;
    char id[40];

    uuid(bench, id);
    message.request_id = id;
    message.agent_id = bench->offered_to;
    message.callback_id = bench->callback;
    message.command_case = what;
    if (what == RINGBACK__V1__COMMAND__COMMAND_ACCEPT) {
        message.accept = &accept;
        accept.offer_id = bench->offer;
    } else if (what == RINGBACK__V1__COMMAND__COMMAND_DIAL) {
        message.dial = &dial;
    } else {
        message.end = &end;
    }
    send(bench, domain, INPUT_COMMANDS, &message.base);
}

static void attempt(struct bench *bench, const char *domain,
                    Ringback__V1__InteractionEvent__EventCase what)
{
    PB(InteractionEvent) event = RINGBACK__V1__INTERACTION_EVENT__INIT;
    PB(Attempt) about = RINGBACK__V1__ATTEMPT__INIT;
    PB(AttemptRinging) ringing = RINGBACK__V1__ATTEMPT_RINGING__INIT;
    PB(AttemptAnswered) answered = RINGBACK__V1__ATTEMPT_ANSWERED__INIT;
    PB(AttemptEnded) ended = RINGBACK__V1__ATTEMPT_ENDED__INIT;

    event.attempt = &about;
    about.attempt_id = bench->attempt;
    about.version = ++bench->version;
    event.event_case = what;
    if (what == RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_RINGING)
        event.attempt_ringing = &ringing;
    else if (what == RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_ANSWERED)
        event.attempt_answered = &answered;
    else
        event.attempt_ended = &ended;
    send(bench, domain, INPUT_INTERACTIONS, &event.base);
}

/* A call comes, becomes a callback; the agent takes the first of his domain, calls, is done. */
static void cycle(struct bench *bench)
{
    char domain[32], interaction[40], agent[] = "a1";

    snprintf(domain, sizeof(domain), "domain-%u",
             (unsigned)chance_below(&bench->chance, domain_count));
    uuid(bench, interaction);
    bench->now_ms++;
    live(bench, domain, interaction, true);
    create(bench, domain, interaction);
    live(bench, domain, interaction, false);
    status(bench, domain, agent, RINGBACK__V1__ROUTING_STATUS__ROUTING_STATUS_IDLE);
    command(bench, domain, RINGBACK__V1__COMMAND__COMMAND_ACCEPT);
    status(bench, domain, agent, RINGBACK__V1__ROUTING_STATUS__ROUTING_STATUS_INTERACTING);
    command(bench, domain, RINGBACK__V1__COMMAND__COMMAND_DIAL);
    attempt(bench, domain, RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_RINGING);
    attempt(bench, domain, RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_ANSWERED);
    attempt(bench, domain, RINGBACK__V1__INTERACTION_EVENT__EVENT_ATTEMPT_ENDED);
    command(bench, domain, RINGBACK__V1__COMMAND__COMMAND_END);
}

static void run(uint32_t count, bool scheduled)
{
    struct machine_options options;
    struct bench bench = {.now_ms = 1000000000000, .version = 1};
    size_t before, after;
    double bytes;

    bench.chance = chance_start();
    machine_options_default(&options);
    arena_init(&bench.arena);
    bench.machine = machine_create(&options);
    before = resident_bytes();
    load(&bench, count, scheduled);
    if (!scheduled)
        load_counters(&bench, count);
    machine_ready(bench.machine);
    after = resident_bytes();
    bytes = (double)(after - before) / count;
    effects_init(&bench.effects, &bench.arena);
    for (int at = 0; at < domain_count; at++) {
        char domain[32];

        snprintf(domain, sizeof(domain), "domain-%d", at);
        set_up_domain(&bench, domain);
    }
    bench.events = bench.decide_ns = 0;
    for (int at = 0; at < cycle_count; at++)
        cycle(&bench);
    printf("%9u %-9s %7.1f bytes each, %7.1f ns an event, %9.0f events/s\n", count,
           scheduled ? "scheduled" : "waiting", bytes,
           (double)bench.decide_ns / (double)bench.events,
           1e9 * (double)bench.events / (double)bench.decide_ns);
    machine_destroy(bench.machine);
    arena_deinit(&bench.arena);
}

/* In a process of its own: what another run gave back would count for nothing. */
static void apart(uint32_t count, bool scheduled)
{
    pid_t child;
    int status;

    fflush(stdout);
    child = fork();
    if (child == 0) {
        run(count, scheduled);
        exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        exit(1);
}

int main(int argc, char **argv)
{
    static const char *const usual[] = {"10000", "1000000"};

    for (int at = 0; at < (argc > 1 ? argc - 1 : 2); at++) {
        uint32_t count = (uint32_t)strtoul(argc > 1 ? argv[at + 1] : usual[at], NULL, 10);

        apart(count, false);
        apart(count, true);
    }
    return 0;
}
