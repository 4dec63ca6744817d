/* The machine: one step an event or timer, wakes, changes, what is derived after a take-over. */
#include "state/internal.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"

void machine_options_default(struct machine_options *options)
{
    *options = (struct machine_options){
        .dedupe_window_ms = 7 * DAY_MS,
        .retention_ms = 30 * DAY_MS,
        .late_window_ms = LIMIT_LATE_WINDOW_MS,
        .late_request_ms = LIMIT_LATE_REQUEST_MS,
        .answer_grace_ms = LIMIT_ANSWER_GRACE_MS,
        .missed_pause_ms = LIMIT_MISSED_PAUSE_MS,
        .decline_pause_ms = LIMIT_DECLINE_PAUSE_MS,
        .owner_answer_ms = LIMIT_OWNER_ANSWER_MS,
        .reclaim_after_ms = LIMIT_RECLAIM_AFTER_MS,
        .preview_max_ms = LIMIT_PREVIEW_MAX_MS,
        .after_call_max_ms = LIMIT_AFTER_CALL_MAX_MS,
        .window_overrun_ms = LIMIT_WINDOW_OVERRUN_MS,
        .contact_min_ms = LIMIT_CONTACT_MIN_MS,
        .call_ttl_ms = LIMIT_CALL_TTL_MS,
        .live_wait_ttl_ms = LIMIT_LIVE_WAIT_TTL_MS,
        .inactivity_ms = LIMIT_INACTIVITY_MS,
        .still_waiting_ms = LIMIT_STILL_WAITING_MS,
        .idle_reset = IDLE_RESET_LAST_INTERACTION,
        .holds_line = 1u << RINGBACK__V1__MEDIA__MEDIA_VOICE,
        .callback_beside = 1u << RINGBACK__V1__MEDIA__MEDIA_EMAIL,
    };
}

/* --- wakes --- */

/* Equal due times: kind, domain, id. A stub is of its callback's kind. */
static bool wake_before(const void *user, uint32_t a, uint32_t b)
{
    const struct machine *m = user;
    enum kind kind_a = ref_kind(a) == KIND_STUB ? KIND_CALLBACK : ref_kind(a);
    enum kind kind_b = ref_kind(b) == KIND_STUB ? KIND_CALLBACK : ref_kind(b);
    char buffer_a[IDENT_TEXT_BYTES], buffer_b[IDENT_TEXT_BYTES];
    uint32_t domain_a = ref_domain(m, a), domain_b = ref_domain(m, b);

    if (kind_a != kind_b)
        return kind_a < kind_b;
    if (domain_a != domain_b)
        return slice_compare(text_at(&m->texts, domain_at(m, domain_a)->id),
                             text_at(&m->texts, domain_at(m, domain_b)->id)) < 0;
    return slice_compare(ref_id(m, a, buffer_a), ref_id(m, b, buffer_b)) < 0;
}

static void wake_moved(void *user, uint32_t ref, uint32_t index)
{
    head_of(user, ref)->wake_index = index;
}

static int64_t stub_until(const struct machine *m, const struct stub *stub)
{
    int64_t keep = m->options.retention_ms > m->options.dedupe_window_ms
                       ? m->options.retention_ms
                       : m->options.dedupe_window_ms;

    return stub->ended_ms + keep;
}

static int64_t queue_wake(const struct queue *queue)
{
    int64_t edge_ms = queue->edge_ms == 0 ? INT64_MAX : queue->edge_ms;

    if (queue->status.wake_ms != 0 && queue->status.wake_ms < edge_ms)
        edge_ms = queue->status.wake_ms;
    return queue->removing_ms != 0 && queue->removing_ms < edge_ms ? queue->removing_ms : edge_ms;
}

/* The one function that says when an entity wakes; INT64_MAX: never. */
static int64_t wake_of(const struct machine *m, uint32_t ref, enum wake_class *class)
{
    uint32_t handle = ref_handle(ref);
    int64_t at;

    *class = WAKE_OTHER;
    switch (ref_kind(ref)) {
    case KIND_DOMAIN: at = domain_at(m, handle)->walk_ms; return at == 0 ? INT64_MAX : at;
    case KIND_QUEUE: return queue_wake(queue_at(m, handle));
    case KIND_ZONE: at = zone_at(m, handle)->apply_ms; return at == 0 ? INT64_MAX : at;
    case KIND_AGENT: /* a word of him would stop what wakes him */
        *class = WAKE_STOP;
        return agent_wake(m, handle);
    case KIND_CALL:
        *class = call_at(m, handle)->head.state == CALL(ENDED) ? WAKE_OTHER : WAKE_STOP;
        return call_wake(m, handle);
    case KIND_CALLBACK: return callback_wake(m, handle, class);
    case KIND_ANSWER: return answer_at(m, handle)->answered_ms + m->options.dedupe_window_ms;
    case KIND_REQUESTS: return requests_at(m, handle)->until_ms;
    case KIND_STUB: return stub_until(m, stub_at(m, handle));
    case KIND_COUNTERS:
    case KIND_SCRIPT:
    case KIND_COUNT: break;
    }
    return INT64_MAX;
}

void wake_refresh(struct machine *m, uint32_t ref)
{
    struct head *head = head_of(m, ref);
    enum wake_class class;
    int64_t at = wake_of(m, ref, &class);

    if (head->wake_index != 0 && (at == INT64_MAX || class != head->wake_class))
        heap_remove(&m->wakes[head->wake_class], head->wake_index);
    if (at == INT64_MAX)
        return;
    head->wake_class = (uint8_t) class;
    if (head->wake_index != 0)
        heap_move(&m->wakes[class], head->wake_index, at);
    else
        heap_put(&m->wakes[class], at, ref);
}

static void tree_wakes_refresh(struct machine *m, const struct order *tree)
{
    struct order_cursor cursor;

    if (order_first(tree, &m->nodes, &cursor))
        do
            wake_refresh(m, ref_make(KIND_CALLBACK, order_at(&cursor)));
        while (order_next(&m->nodes, &cursor));
}

void queue_wakes_refresh(struct machine *m, uint32_t queue)
{
    size_t cursor = 0;
    uint32_t handle;

    tree_wakes_refresh(m, &queue_at(m, queue)->parked);
    while ((handle = table_next(&m->classes, &cursor)) != 0)
        if (class_at(m, handle)->queue == queue && !class_at(m, handle)->live)
            tree_wakes_refresh(m, &class_at(m, handle)->tree);
}

/* --- steps --- */

/* Agents touched since *seen find their place among the free; walks may touch more. */
static void agents_settle(struct machine *m, size_t *seen)
{
    for (; *seen < m->touched_count; (*seen)++)
        if (m->touched[*seen] != 0 && ref_kind(m->touched[*seen]) == KIND_AGENT)
            agent_refresh(m, ref_handle(m->touched[*seen]));
}

/* Calls touched may be contacts now, or none any more (12.2). */
static void contacts_settle(struct machine *m)
{
    for (size_t at = 0; at < m->touched_count; at++)
        if (m->touched[at] != 0 && ref_kind(m->touched[at]) == KIND_CALL)
            contact_refresh(m, ref_handle(m->touched[at]));
}

/* All that was touched is as it stays: when is each due? A callback moves the call that ends it by
 * its talk, too (12.2). */
static void wakes_settle(struct machine *m)
{
    for (size_t at = 0; at < m->touched_count; at++) {
        uint32_t ref = m->touched[at];

        if (ref == 0)
            continue;
        head_of(m, ref)->marks &= (uint8_t)~MARK_TOUCHED;
        wake_refresh(m, ref);
        if (ref_kind(ref) == KIND_CALLBACK &&
            (callback_at(m, ref_handle(ref))->flags & CB_NUMBERED))
            contacts_wake_refresh(m, ref_handle(ref));
    }
    m->touched_count = 0;
}

void step_end(struct machine *m)
{
    size_t seen = 0;

    if (m->step.domain != 0) {
        contacts_settle(m);
        agents_settle(m, &seen);
        walk(m, m->step.domain);
        /* The walk's offers take agents: those touched before may have changed again. */
        seen = 0;
        agents_settle(m, &seen);
        queues_tell(m);
    }
    wakes_settle(m);
}

static void step_begin(struct machine *m, struct effects *effects, int64_t now_ms)
{
    assert(!m->loading);
    m->step =
        (struct step){.effects = effects, .arena = effects->arena, .now = now_ms, .when = now_ms};
}

/* The id of the event that is the cause of all that follows; its place on the topic if it has
 * none. */
static struct slice cause_of(struct machine *m, const struct input_event *event)
{
    const char *id = "";

    switch (event->input) {
    case INPUT_SETTINGS: id = ((const PB(SettingsEvent) *)event->event)->id; break;
    case INPUT_INTERACTIONS: id = ((const PB(InteractionEvent) *)event->event)->id; break;
    case INPUT_PRESENCE: id = ((const PB(PresenceEvent) *)event->event)->id; break;
    case INPUT_FLOWS: id = ((const PB(FlowEvent) *)event->event)->id; break;
    case INPUT_COMMANDS: id = ((const PB(Command) *)event->event)->request_id; break;
    case INPUT_COUNT: break;
    }
    if (ident_valid(slice_text(id)))
        return slice_text(id);
    return slice_text(arena_format(m->step.arena, "%s-%d-%lld", event->topic, (int)event->partition,
                                   (long long)event->offset));
}

enum err machine_event(struct machine *m, const struct input_event *event, int64_t now_ms,
                       struct effects *effects, PB(UndecidedReason) * why, struct err_note *note)
{
    enum err err = ERR_OK;

    *why = RINGBACK__V1__UNDECIDED_REASON__UNDECIDED_REASON_UNSPECIFIED;
    if (!ident_valid(event->domain)) {
        *why = RINGBACK__V1__UNDECIDED_REASON__UNDECIDED_REASON_NO_DOMAIN;
        return FAIL(note, ERR_BAD_EVENT, "the key is no domain id");
    }
    step_begin(m, effects, now_ms);
    m->step.when = event->timestamp_ms;
    if (event->timestamp_ms > now_ms) {
        m->step.when = now_ms;
        count(m, MACHINE_COUNT_FUTURE_STAMPS);
    } else if (event->timestamp_ms <= 0) {
        m->step.when = now_ms; /* a record without a stamp */
    }
    m->step.domain = domain_get(m, event->domain);
    m->step.cause = effects->cause = cause_of(m, event);
    switch (event->input) {
    case INPUT_SETTINGS: err = settings_event(m, event, why, note); break;
    case INPUT_INTERACTIONS: err = interaction_event(m, event, why, note); break;
    case INPUT_PRESENCE: err = presence_event(m, event, why, note); break;
    case INPUT_FLOWS: err = flow_event(m, event); break;
    case INPUT_COMMANDS: err = command_event(m, event); break;
    case INPUT_COUNT: assert(!"no input"); break;
    }
    count(m, MACHINE_COUNT_EVENTS);
    step_end(m);
    return err;
}

/* The heap whose first may fire and comes first; WAKE_COUNT: none. */
static enum wake_class next_heap(const struct machine *m, const struct timer_limits *limits,
                                 int64_t *due_ms)
{
    enum wake_class best = WAKE_COUNT;
    uint32_t best_ref = 0;

    for (int class = 0; class < WAKE_COUNT; class ++) {
        int64_t horizon = class == WAKE_STOP ? limits->horizon_stop_ms : limits->horizon_ms, key;
        uint32_t ref = heap_first(&m->wakes[class], &key);

        if (ref == 0 || key >= limits->before_ms || key > horizon)
            continue;
        if (best == WAKE_COUNT || key < *due_ms ||
            (key == *due_ms && wake_before(m, ref, best_ref))) {
            best = (enum wake_class) class;
            best_ref = ref;
            *due_ms = key;
        }
    }
    return best;
}

bool machine_timer_next(const struct machine *m, const struct timer_limits *limits, int64_t *due_ms)
{
    return next_heap(m, limits, due_ms) != WAKE_COUNT;
}

int64_t machine_due(const struct machine *m)
{
    const struct timer_limits all = {INT64_MAX, INT64_MAX, INT64_MAX};
    int64_t due = INT64_MAX;

    return next_heap(m, &all, &due) == WAKE_COUNT ? INT64_MAX : due;
}

static void fire_domain(struct machine *m, uint32_t handle)
{
    touch(m, ref_make(KIND_DOMAIN, handle));
    domain_at(m, handle)->walk_ms = 0;
}

void machine_timer_fire(struct machine *m, const struct timer_limits *limits, int64_t now_ms,
                        struct effects *effects)
{
    int64_t due = 0;
    enum wake_class class = next_heap(m, limits, &due);
    uint32_t ref, handle;
    struct slice key;

    assert(class != WAKE_COUNT);
    ref = heap_first(&m->wakes[class], NULL);
    handle = ref_handle(ref);
    step_begin(m, effects, now_ms);
    m->step.domain = ref_domain(m, ref);
    key = ref_key(m, ref, effects->arena);
    effects->cause =
        slice_text(arena_format(effects->arena, "%.*s|%u|%lld", (int)key.size,
                                (const char *)key.data, head_of(m, ref)->version, (long long)due));
    m->step.cause = effects->cause;
    count(m, MACHINE_COUNT_TIMERS);
    switch (ref_kind(ref)) {
    case KIND_DOMAIN: fire_domain(m, handle); break;
    case KIND_QUEUE: queue_fire(m, handle); break;
    case KIND_ZONE: zone_fire(m, handle); break;
    case KIND_AGENT: agent_fire(m, handle); break;
    case KIND_CALL: call_fire(m, handle); break;
    case KIND_CALLBACK: callback_fire(m, handle); break;
    case KIND_ANSWER: answer_remove(m, handle); break;
    case KIND_REQUESTS: requests_remove(m, handle); break;
    case KIND_STUB: stub_remove(m, handle); break;
    case KIND_COUNTERS:
    case KIND_SCRIPT:
    case KIND_COUNT: assert(!"a kind without timers"); break;
    }
    step_end(m);
}

/* --- what changed --- */

void machine_changes(struct machine *m, struct arena *arena, struct change **changes, size_t *count)
{
    *changes = arena_alloc(arena, (m->dirty_count + m->removed_count) * sizeof(**changes));
    *count = 0;
    for (size_t at = 0; at < m->removed_count; at++)
        if (ref_find(m, m->removed[at]) == 0)
            (*changes)[(*count)++] = (struct change){arena_slice(arena, m->removed[at]), NULL};
    for (size_t at = 0; at < m->dirty_count; at++) {
        uint32_t ref = m->dirty[at].ref;
        const PB(StateRecord) *record = m->dirty[at].last;
        struct head *head;

        if (ref == 0)
            continue;
        head = head_of(m, ref);
        if (record == NULL)
            record = entity_record(m, ref, arena);
        (*changes)[*count] = (struct change){ref_key(m, ref, arena), record};
        m->digest += entity_digest((*changes)[*count].key, head->version);
        (*count)++;
        head->marks &= (uint8_t)~MARK_DIRTY;
    }
    m->dirty_count = 0;
    m->removed_count = 0;
}

void machine_digest(const struct machine *m, uint64_t *count, uint64_t *digest)
{
    assert(m->dirty_count == 0);
    *count = m->entity_count;
    *digest = m->digest;
}

void machine_batch_end(struct machine *m)
{
    assert(m->dirty_count == 0);
    arena_reset(&m->scratch);
}

/* --- after a take-over --- */

static void ready_callback(struct machine *m, uint32_t handle)
{
    struct callback *cb = callback_at(m, handle);

    callback_place(m, handle);
    attempt_index(m, handle);
    number_refresh(m, handle);
    if (callback_from_agent(m, cb) != 0)
        agent_at(m, callback_from_agent(m, cb))->voicemails++;
    if (cb->head.state == STATE(OFFERED))
        agent_at(m, cb->agent)->offered = handle;
    else if (cb->agent != 0 && !callback_first(m, cb))
        agent_hold(m, cb->agent, handle);
    if (cb->active != 0 && active_at(m, cb->active)->reserved != 0)
        agent_at(m, active_at(m, cb->active)->reserved)->reserved = handle;
}

static void ready_call(struct machine *m, uint32_t handle)
{
    struct call *call = call_at(m, handle);
    uint32_t agent = call->agent;

    if (call->head.state == CALL(WAITING) && call->stay_ms != 0)
        call_place(m, handle);
    if (agent != 0 && (call->head.state == CALL(ALERTING) || call->head.state == CALL(CONNECTED) ||
                       call->head.state == CALL(WRAP_UP))) {
        call->agent = 0;
        agent_attach(m, agent, handle);
    }
}

static void ready_entity(struct machine *m, uint32_t ref)
{
    struct head *head = head_of(m, ref);

    if (head->version == 0)
        return;
    m->entity_count++;
    m->digest += entity_digest(ref_key(m, ref, &m->scratch), head->version);
    wake_refresh(m, ref);
    arena_reset(&m->scratch);
}

void machine_ready(struct machine *m)
{
    size_t cursor;
    uint32_t handle;

    assert(m->loading);
    m->loading = false;
    for (cursor = 0; (handle = table_next(&m->tables[KIND_DOMAIN], &cursor)) != 0;) {
        names_refresh(m, handle);
        blocked_refresh(m, handle);
    }
    for (cursor = 0; (handle = table_next(&m->tables[KIND_CALL], &cursor)) != 0;)
        contact_ready(m, handle);
    for (cursor = 0; (handle = table_next(&m->tables[KIND_CALLBACK], &cursor)) != 0;)
        ready_callback(m, handle);
    for (cursor = 0; (handle = table_next(&m->tables[KIND_CALL], &cursor)) != 0;)
        ready_call(m, handle);
    m->entity_count = m->digest = 0;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        if (kind == KIND_COUNTERS)
            continue;
        for (cursor = 0; (handle = table_next(&m->tables[kind], &cursor)) != 0;) {
            ready_entity(m, ref_make((enum kind)kind, handle));
            if (kind == KIND_QUEUE)
                ready_entity(m, ref_make(KIND_COUNTERS, handle));
        }
    }
    /* Agents are free as of the clock of the next step; pauses that ended fire as timers first. */
    m->step.now = INT64_MIN;
    for (cursor = 0; (handle = table_next(&m->tables[KIND_AGENT], &cursor)) != 0;)
        agent_refresh(m, handle);
    queues_calm(m);
}

/* --- the whole --- */

struct machine *machine_create(const struct machine_options *options)
{
    struct machine *m = memory_zalloc(sizeof(*m), "a machine");

    m->options = *options;
    m->loading = true;
    entities_init(m);
    for (int class = 0; class < WAKE_COUNT; class ++)
        heap_init(&m->wakes[class], wake_before, wake_moved, m);
    return m;
}

void machine_destroy(struct machine *m)
{
    if (m == NULL)
        return;
    for (int class = 0; class < WAKE_COUNT; class ++)
        heap_deinit(&m->wakes[class]);
    entities_deinit(m);
    free(m);
}

const PB(StateRecord) * machine_entity(struct machine *m, struct slice key, struct arena *arena)
{
    uint32_t ref = ref_find(m, key);

    return ref == 0 ? NULL : entity_record(m, ref, arena);
}

bool machine_next(struct machine *m, struct machine_cursor *cursor, struct arena *arena,
                  struct change *entity)
{
    while (cursor->kind < KIND_COUNT) {
        enum kind kind = (enum kind)cursor->kind;
        uint32_t handle =
                     table_next(&m->tables[kind == KIND_COUNTERS ? KIND_QUEUE : kind], &cursor->at),
                 ref = ref_make(kind, handle);

        if (handle == 0) {
            cursor->kind++;
            cursor->at = 0;
        } else if (head_of(m, ref)->version != 0) {
            *entity = (struct change){ref_key(m, ref, arena), entity_record(m, ref, arena)};
            return true;
        }
    }
    return false;
}

uint64_t machine_counted(const struct machine *m, enum machine_count what)
{
    return m->counts[what];
}

size_t machine_callbacks(const struct machine *m)
{
    return table_count(&m->tables[KIND_CALLBACK]);
}

size_t machine_timers(const struct machine *m)
{
    size_t count = 0;

    for (int class = 0; class < WAKE_COUNT; class ++)
        count += heap_count(&m->wakes[class]);
    return count;
}

size_t machine_overdue(const struct machine *m, int64_t before_ms, size_t max)
{
    size_t count = 0;

    for (int class = 0; class < WAKE_COUNT; class ++)
        count += heap_count_below(&m->wakes[class], before_ms, max - count);
    return count;
}

static size_t kind_bytes(const struct machine *m, enum kind kind)
{
    return pool_bytes(&m->pools[kind]) + table_bytes(&m->tables[kind]);
}

size_t machine_bytes_of(const struct machine *m, enum machine_memory purpose)
{
    switch (purpose) {
    case MACHINE_MEMORY_CALLBACKS:
        return kind_bytes(m, KIND_CALLBACK) + kind_bytes(m, KIND_STUB) +
               pool_bytes(&m->extra_pool) + pool_bytes(&m->active_pool) + table_bytes(&m->attempts);
    case MACHINE_MEMORY_CALLS: return kind_bytes(m, KIND_CALL) + pool_bytes(&m->held_pool);
    case MACHINE_MEMORY_AGENTS: return kind_bytes(m, KIND_AGENT);
    case MACHINE_MEMORY_QUEUES:
        return kind_bytes(m, KIND_DOMAIN) + kind_bytes(m, KIND_QUEUE) +
               kind_bytes(m, KIND_COUNTERS) + kind_bytes(m, KIND_SCRIPT) + kind_bytes(m, KIND_ZONE);
    case MACHINE_MEMORY_ANSWERS: return kind_bytes(m, KIND_ANSWER);
    case MACHINE_MEMORY_NUMBERS:
        return kind_bytes(m, KIND_REQUESTS) + table_bytes(&m->contacts) + table_bytes(&m->numbers);
    case MACHINE_MEMORY_LINES:
        return order_nodes_bytes(&m->nodes) + pool_bytes(&m->class_pool) + table_bytes(&m->classes);
    case MACHINE_MEMORY_NAMES:
        return texts_bytes(&m->texts) + pool_bytes(&m->name_pool) + table_bytes(&m->names) +
               pool_bytes(&m->skillset_pool) + table_bytes(&m->skillsets);
    case MACHINE_MEMORY_TIMERS: {
        size_t bytes = 0;

        for (int class = 0; class < WAKE_COUNT; class ++)
            bytes += heap_bytes(&m->wakes[class]);
        return bytes;
    }
    case MACHINE_MEMORY_END: break;
    }
    return 0;
}

size_t machine_bytes(const struct machine *m)
{
    size_t bytes = 0;

    for (int purpose = 0; purpose < MACHINE_MEMORY_END; purpose++)
        bytes += machine_bytes_of(m, (enum machine_memory)purpose);
    return bytes;
}
