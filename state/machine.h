/* The machine: what callbacks do. It turns (state, event, now) into (state, effects) and nothing
 * else: no I/O, no clock, no randomness; the same events and times give the same bytes.
 *
 * One machine decides one partition, with all of its domains. It is single-threaded. Memory comes
 * from its own pools and from the arena of the effects.
 *
 * The life of a batch: machine_event() and machine_timer_fire() in the order that protocol.md
 * fixes; machine_changes() once; machine_batch_end().
 */
#ifndef RINGBACK_STATE_MACHINE_H
#define RINGBACK_STATE_MACHINE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/record.h"

#include "ringback/v1/commands.pb-c.h"
#include "ringback/v1/common.pb-c.h"
#include "ringback/v1/flows.pb-c.h"
#include "ringback/v1/interactions.pb-c.h"
#include "ringback/v1/journal.pb-c.h"
#include "ringback/v1/presence.pb-c.h"
#include "ringback/v1/settings.pb-c.h"
#include "ringback/v1/state.pb-c.h"

/* What agents' idle time counts from (5.4). */
enum idle_reset { IDLE_RESET_LAST_INTERACTION, IDLE_RESET_PRESENCE };

/* Options that decide; all times in milliseconds. Media sets are bits 1u << Media. */
struct machine_options {
    int64_t dedupe_window_ms;   /* answers are remembered (11.1), default 7 days */
    int64_t retention_ms;       /* ended callbacks stay on state, default 30 days */
    int64_t late_window_ms;     /* ends of live calls are remembered (12.8), 1 h */
    int64_t late_request_ms;    /* Create Callback after hanging up (1.11), 60 s */
    int64_t answer_grace_ms;    /* Interacting without an accept (5.5), 2 s */
    int64_t missed_pause_ms;    /* after a time-out (5.5), 300 s */
    int64_t decline_pause_ms;   /* after declining (5.5), 60 s */
    int64_t owner_answer_ms;    /* owner not with the customer (3.6), 20 s */
    int64_t reclaim_after_ms;   /* agent gone (6.5), 60 s */
    int64_t preview_max_ms;     /* no dial (6.5), 30 min */
    int64_t contact_min_ms;     /* talk that serves a customer (12.2), 20 s */
    int64_t window_overrun_ms;  /* a holder's dial after closing (12.3), 15 min */
    int64_t after_call_max_ms;  /* nothing after a call (6.5), 60 min */
    int64_t presence_ttl_ms;    /* silent agent (12.7), 0 = off */
    int64_t call_ttl_ms;        /* connected call without an event (12.7), 4 h */
    int64_t live_wait_ttl_ms;   /* waiting live call without an event (12.7), 2 h */
    int64_t inactivity_ms;      /* analytics end (10.2), 14 days */
    int64_t still_waiting_ms;   /* StillWaiting (12.6), 14 days */
    enum idle_reset idle_reset; /* (5.4) */
    uint32_t holds_line;        /* media that take an agent on paper (5.3), voice */
    uint32_t callback_beside;   /* media beside which an agent takes callbacks (5.2), e-mail */
};

/* The defaults of the rule book. */
void machine_options_default(struct machine_options *options);

/* One decoded record. Everything is borrowed for the call. event is the message of the input's
 * type (SettingsEvent, InteractionEvent, PresenceEvent, FlowEvent, Command). */
struct input_event {
    enum input input;
    int32_t partition;
    int64_t offset;
    int64_t timestamp_ms; /* the record's; capped at now */
    const char *topic;    /* full name; cause id without event id: topic-partition-offset */
    struct slice domain;  /* the record's key */
    const ProtobufCMessage *event;
    /* Not UNSPECIFIED: refuse this request with that reason and decide nothing (TOO_LARGE). Only
     * for flows and commands. */
    Ringback__V1__Reason refuse;
};

/* Outputs, in the order of decision. message lives in the effects' arena and is of type
 * RoutingEvent, AnalyticsEvent or Result; id and domain too. type is a literal, the
 * ce_type without prefix: "routing.offer". */
struct effect {
    enum topic topic; /* TOPIC_ROUTING, TOPIC_ANALYTICS or TOPIC_RESULTS */
    struct slice domain;
    const char *id;
    const char *type;
    const ProtobufCMessage *message;
};

struct effects {
    struct arena *arena; /* lent by the caller; reset only after the effects were encoded */
    struct effect *items;
    size_t count;
    size_t capacity;
    /* What is decided: the event's id or place, of a timer its entity's key, version and due time.
     * In arena, or lent by the event. */
    struct slice cause;
};

/* Empty effects in arena. */
void effects_init(struct effects *effects, struct arena *arena);

struct machine; /* opaque; state/internal.h */

struct machine *machine_create(const struct machine_options *options);
void machine_destroy(struct machine *machine); /* NULL is fine */

/* Decide one record at the clock now_ms (not below any clock before). Appends to effects.
 * ERR_BAD_EVENT: the record is a dead letter for *why (never for flows and commands that decode:
 * those are answered); nothing was changed. */
MUST_CHECK enum err machine_event(struct machine *machine, const struct input_event *event,
                                  int64_t now_ms, struct effects *effects,
                                  Ringback__V1__UndecidedReason *why, struct err_note *note);

/* Which timers may fire: due < before_ms, and due <= the horizon of its class. */
struct timer_limits {
    int64_t before_ms;
    int64_t horizon_ms;
    int64_t horizon_stop_ms; /* of timers that a record could stop: offers, dials, calls */
};

/* The next timer that may fire within limits, in the order (due, kind, domain, id): its due time in
 * *due_ms. false: none. Pure look-up. */
bool machine_timer_next(const struct machine *machine, const struct timer_limits *limits,
                        int64_t *due_ms);

/* Fire exactly that timer at the clock now_ms (clock: event: its due). One is a bounded amount of
 * work. */
void machine_timer_fire(struct machine *machine, const struct timer_limits *limits, int64_t now_ms,
                        struct effects *effects);

/* The earliest due time of all, INT64_MAX if there is none. */
int64_t machine_due(const struct machine *machine);

/* One changed entity: key is kind|domain|id; value NULL is a tombstone. In arena. */
struct change {
    struct slice key;
    const Ringback__V1__StateRecord *value;
};

/* What changed since the last machine_batch_end(), each entity once; then machine_digest() gives
 * count and digest (sum of entity_digest()) of all entities after it. */
void machine_changes(struct machine *machine, struct arena *arena, struct change **changes,
                     size_t *count);
void machine_digest(const struct machine *machine, uint64_t *count, uint64_t *digest);
void machine_batch_end(struct machine *machine);

/* XXH3-64 of the key's bytes followed by the version, little endian, 4 bytes. */
uint64_t entity_digest(struct slice key, uint32_t version);

/* Take-over: entities in any order, a later one of a key replaces the earlier, value NULL removes;
 * then machine_ready() once, which builds what is derived. No event before it.
 * Errors: ERR_BAD_STATE (key or value cannot be read, or is nothing that a machine writes). */
MUST_CHECK enum err machine_load(struct machine *machine, struct slice key,
                                 const Ringback__V1__StateRecord *value, struct err_note *note);
void machine_ready(struct machine *machine);

/* Whether what was loaded fits together: an agent has one offer and is kept for one, an attempt is
 * of one callback, the counts are of those who wait. Once, after machine_ready(), before any event.
 * Errors: ERR_BAD_STATE (names the keys). */
MUST_CHECK enum err machine_loaded(struct machine *machine, struct err_note *note);

/* The value of one entity as it would go to `state`, or NULL. For tests, audit, dumps. */
const Ringback__V1__StateRecord *machine_entity(struct machine *machine, struct slice key,
                                                struct arena *arena);

/* Every entity of the machine, in no order; cursor starts zeroed; false at the end. Ended
 * callbacks are stubs here: value has only version, state, end_reason and ended_ms. */
struct machine_cursor {
    int kind;
    size_t at;
};
bool machine_next(struct machine *machine, struct machine_cursor *cursor, struct arena *arena,
                  struct change *entity);

/* What a supervisor asks of a callback (9.2). */
enum machine_edit {
    MACHINE_EDIT_CANCEL,
    MACHINE_EDIT_RESCHEDULE,
    MACHINE_EDIT_REASSIGN,
    MACHINE_EDIT_COUNT,
};

/* By its state (11.3) and the edit lock (3.5): why it would be refused; UNSPECIFIED: for neither,
 * where it goes to may still be wrong. owned: it has an owner who is not removed. */
Ringback__V1__Reason machine_edit_refusal(enum machine_edit edit, Ringback__V1__CallbackState state,
                                          bool owned, int64_t due_ms, int64_t now_ms);

/* What was counted; each name once, for metrics and tests. */
#define MACHINE_COUNT_MAP(X)                                                                       \
    X(EVENTS, "events decided")                                                                    \
    X(TIMERS, "timers fired")                                                                      \
    X(OLD_FACTS, "facts or notices with an old version")                                           \
    X(LATE_NOTICES, "notices about something ended or unknown")                                    \
    X(REPEATS, "repeated requests answered again")                                                 \
    X(REFUSALS, "requests refused")                                                                \
    X(OFFERS, "offers made")                                                                       \
    X(DIALS, "calls placed")                                                                       \
    X(LATE_ANSWERS, "attempts answered after they were given up")                                  \
    X(LOST_ATTEMPTS, "attempts without an outcome")                                                \
    X(LOST_CALLS, "calls without an event for too long")                                           \
    X(SILENT_AGENTS, "agents without a word for too long")                                         \
    X(RECLAIMS, "callbacks taken back from agents who went away")                                  \
    X(FUTURE_STAMPS, "records stamped later than the clock")                                       \
    X(WALKS, "walks over the lines")                                                               \
    X(WALK_STEPS, "places looked at in walks")

#define MACHINE_COUNT_ENUM_(name, text) MACHINE_COUNT_##name,
enum machine_count { MACHINE_COUNT_MAP(MACHINE_COUNT_ENUM_) MACHINE_COUNT_END };
#undef MACHINE_COUNT_ENUM_

uint64_t machine_counted(const struct machine *machine, enum machine_count count);

/* Callbacks that live. */
size_t machine_callbacks(const struct machine *machine);

/* Deadlines: all, and those due before then, counted up to max. */
size_t machine_timers(const struct machine *machine);
size_t machine_overdue(const struct machine *machine, int64_t before_ms, size_t max);

/* What memory is held for; in the order of the metrics' label memory. */
#define MACHINE_MEMORY_MAP(X)                                                                      \
    X(CALLBACKS, "callbacks, also ended ones")                                                     \
    X(CALLS, "live calls")                                                                         \
    X(AGENTS, "agents")                                                                            \
    X(QUEUES, "domains, queues, scripts, zones")                                                   \
    X(ANSWERS, "answers that are remembered")                                                      \
    X(NUMBERS, "requests of a number, and indexes by number")                                      \
    X(LINES, "places in lines, and who can serve them")                                            \
    X(NAMES, "ids, names, skills")                                                                 \
    X(TIMERS, "deadlines")

#define MACHINE_MEMORY_ENUM_(name, text) MACHINE_MEMORY_##name,
enum machine_memory { MACHINE_MEMORY_MAP(MACHINE_MEMORY_ENUM_) MACHINE_MEMORY_END };
#undef MACHINE_MEMORY_ENUM_

/* Bytes that the machine's pools, tables and trees hold: for one purpose, for all. Settings that
 * are kept as they came are not counted. */
size_t machine_bytes_of(const struct machine *machine, enum machine_memory purpose);
size_t machine_bytes(const struct machine *machine);

/* NULL if all invariants hold (5.6, 10.5, every waiting state has a deadline or an agent to wait
 * for, indexes match entities), else what is wrong, in arena. Slow; for tests. */
const char *machine_broken(struct machine *machine, struct arena *arena);

#endif
