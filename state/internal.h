/* The machine's inside: its entities and what its files share. Not for anybody outside state/ but
 * tests.
 *
 * An entity is found by (domain, id) in the table of its kind; its struct never moves. An entity
 * with version 0 is only referred to (an agent named before he was heard of): it is not on `state`.
 * Whoever changes an entity calls touch() first, once a step is enough; at the end of the step its
 * version has risen by one and its wake is computed anew.
 */
#ifndef RINGBACK_STATE_INTERNAL_H
#define RINGBACK_STATE_INTERNAL_H

#include "base/heap.h"
#include "base/order.h"
#include "base/pool.h"
#include "base/table.h"
#include "state/limits.h"
#include "state/machine.h"
#include "state/reasons.h"
#include "state/text.h"

#include "ringback/v1/analytics.pb-c.h"
#include "ringback/v1/results.pb-c.h"
#include "ringback/v1/routing.pb-c.h"

/* Short names for the contract's. */
#define PB(name)       Ringback__V1__##name
#define REASON(name)   RINGBACK__V1__REASON__REASON_##name
#define METRIC(name)   RINGBACK__V1__METRIC_NAME__METRIC_NAME_##name
#define SEGMENT(name)  RINGBACK__V1__SEGMENT_TYPE__SEGMENT_TYPE_##name
#define PRESENCE(name) RINGBACK__V1__PRESENCE__PRESENCE_##name
#define STATUS(name)   RINGBACK__V1__ROUTING_STATUS__ROUTING_STATUS_##name
#define CALL(name)     RINGBACK__V1__CALL_STATE__CALL_STATE_##name
#define STATE(name)    RINGBACK__V1__CALLBACK_STATE__CALLBACK_STATE_##name

/* Kinds of entities in the order of their timers, fixed for ever. A stub is an ended callback. */
enum kind {
    KIND_DOMAIN,
    KIND_QUEUE,
    KIND_COUNTERS,
    KIND_SCRIPT,
    KIND_ZONE,
    KIND_AGENT,
    KIND_CALL,
    KIND_CALLBACK,
    KIND_ANSWER,
    KIND_REQUESTS,
    KIND_STUB,
    KIND_COUNT,
};

/* A reference: kind in the top 4 bits, handle below. */
static inline uint32_t ref_make(enum kind kind, uint32_t handle)
{
    return (uint32_t)kind << 28 | handle;
}

static inline enum kind ref_kind(uint32_t ref)
{
    return (enum kind)(ref >> 28);
}

static inline uint32_t ref_handle(uint32_t ref)
{
    return ref & ((1u << 28) - 1);
}

enum mark {
    MARK_DIRTY = 1,   /* in machine.dirty: changed in this batch */
    MARK_TOUCHED = 2, /* in machine.touched: changed in this step */
};

/* Index of the two heaps: bit 31 tells the class of the entry. */
enum wake_class { WAKE_OTHER, WAKE_STOP, WAKE_COUNT };

/* What all entities begin with. */
struct head {
    uint32_t version;
    uint32_t wake_index; /* in the heap of wake_class; 0: none */
    uint8_t marks;
    uint8_t wake_class;
    uint8_t state; /* callbacks and calls: enum CallbackState, CallState */
    uint8_t kind;  /* callbacks: enum CallbackKind; calls: enum Media */
};

struct domain {
    struct head head;
    uint32_t id;        /* text */
    uint32_t active[2]; /* classes with work and somebody free: [0] callbacks, [1] live */
    PB(DomainSettings) * settings;
    int64_t walk_ms;
    /* Derived from the settings: what is blocked (12.11), malloc. */
    uint64_t *blocked; /* sorted */
    struct blocked_prefix *prefixes;
    size_t blocked_count, prefix_count;
};

struct blocked_prefix {
    char text[32];
};

/* A name of a skill or language of a domain. */
struct name {
    uint32_t domain;
    uint32_t text;
    bool asked; /* exists, by the domain's settings (12.15) */
};

/* A set of names, sorted; interned, so equal sets have one handle. */
struct skillset {
    uint32_t domain;
    uint32_t blob; /* text: uint32_t names[count] */
    uint32_t count;
    uint64_t bits; /* bit (name % 64) of each: a quick no */
};

/* What an agent may be free for (5.2); also the index of who is. */
enum use {
    USE_OFFER, /* a callback is offered to him */
    USE_LIVE,  /* a live call, or a customer who was called first and is on the line */
    USE_DIAL,  /* a customer is called first, counting on him */
    USE_COUNT,
};

struct stay_counts {
    uint64_t offered, answered, abandoned, flow_out, waiting;
};

enum { HANDLE_SAMPLES = 32 };

/* A caller ID that the queue had until then: callbacks accepted before keep it (12.15). */
struct past_ani {
    int64_t until_ms;
    uint32_t ani, ani_name; /* texts */
};

enum { PAST_ANI_MAX = 32 };

/* What was last told of a queue (12.9). */
struct queue_status {
    uint32_t waiting_live, waiting_callbacks;
    uint32_t reason; /* why none is offered; UNSPECIFIED: one is */
    int64_t estimate_ms;
    int64_t told_ms; /* 0: nothing was told */
    int64_t wake_ms; /* looked at again then; 0: only when something happens */
};

struct queue {
    struct head head;
    struct head counters; /* of its counters entity */
    uint32_t domain;
    uint32_t id;                  /* text */
    PB(QueueSettings) * settings; /* NULL: unknown or removed */
    uint64_t removed_version;
    int64_t removing_ms;
    int64_t closed_ms;     /* since when nothing starts there (12.3, 12.10); 0: it does */
    int64_t edge_ms;       /* when its window opens or closes next; 0: never */
    struct past_ani *past; /* malloc, oldest first */
    uint32_t past_count;
    struct stay_counts live, callbacks;
    int64_t handle_ms[HANDLE_SAMPLES];
    uint32_t handle_count;
    struct queue_status status;
    bool stirred;                      /* in machine.stirred, within a step */
    uint32_t classes;                  /* first of its classes for everybody */
    struct order free[USE_COUNT];      /* agents by idle time; USE_DIAL: while customer-first */
    struct order parked;               /* scheduled, delayed, snoozed callbacks, by resume time */
    struct order busy;                 /* offered and accepted ones */
    uint32_t live_tree, callback_tree; /* entries in its classes */
    uint32_t contacted;                /* of them left alone for another call (12.2) */
    uint32_t in_flight;                /* dials, and answered ones not yet with an agent (7.2) */
    uint32_t online;                   /* agents joined and On Queue (7.2) */
};

struct script {
    struct head head;
    uint32_t domain;
    uint32_t id; /* text */
    PB(ScriptSettings) * settings;
    uint64_t removed_version;
};

struct zone {
    struct head head;
    uint32_t domain;
    uint32_t id; /* text */
    PB(ZoneTable) * table;
    uint64_t removed_version;
    int64_t apply_ms, apply_local_ms; /* due times that still follow the table (2.3) */
    struct order scheduled;           /* callbacks scheduled at its local times, by that time */
};

struct decline {
    struct ident callback; /* always a UUID */
    int64_t until_ms;
};

struct agent {
    struct head head;
    uint32_t domain;
    uint32_t id;                  /* text */
    PB(AgentSettings) * settings; /* NULL: unknown or removed */
    uint64_t removed_version;
    int64_t removed_ms;
    uint32_t skills;    /* skillset */
    uint32_t languages; /* skillset */
    uint8_t presence, status;
    bool silent;
    uint64_t presence_version, status_version, queues_version;
    int64_t presence_ms, status_ms, queues_ms;
    uint32_t *queues; /* joined, malloc */
    uint32_t queue_count;
    int64_t first_on_queue_ms, last_end_ms, busy_ms, missed_until_ms, gone_ms, heard_ms;
    struct decline *declines; /* malloc */
    uint32_t decline_count;
    struct ident after; /* customer-first attempt that he is on, or finishes after; none */
    /* Derived. */
    uint32_t offered;  /* the callback offered to him */
    uint32_t reserved; /* the callback that he is kept for (7.3) */
    uint32_t held;     /* first of the callbacks he holds, by id */
    uint32_t held_count;
    uint32_t voicemails; /* left by him, and not over (8.2) */
    uint32_t calls;      /* first of the live calls at him, by id: memory rebuilt has them so too */
    uint32_t owned;      /* first of the classes that wait for him alone */
    uint32_t preferred;  /* first of the classes of those that have him in their pool */
    uint8_t free_bits;   /* 1 << enum use */
    bool online;         /* counted as such in his queues (7.2) */
    int64_t free_key;    /* under which he is in the queues' free */
    uint64_t paper_walk; /* the walk that used him on paper */
};

struct score {
    uint32_t agent;
    uint32_t score;
};

enum { RING_ALL = 7 }; /* behind the last of at most 6 */

/* Where somebody stands in the rings of his queue (4.2). */
struct rings {
    int64_t began_ms;
    uint8_t ring;  /* 0: none apply; 1 to 6; RING_ALL: the last is over, everybody may have it */
    uint8_t floor; /* the lowest score in the pool, which only grows */
};

struct call {
    struct head head;
    uint32_t domain;
    uint32_t queue; /* its place's, 0: none */
    uint32_t class; /* while in a tree */
    uint32_t agent;
    uint32_t at_next, at_prev; /* calls at the agent */
    struct ident id, conversation;
    struct ident tie;                 /* none: the id */
    struct ident callback, scheduled; /* made from it; none: not */
    int64_t entry_ms, stay_ms, connected_ms, released_ms, ended_ms, heard_ms;
    int64_t data_ms; /* when the newest CallData was said */
    uint64_t switch_version;
    int32_t priority;
    uint32_t skills;                               /* skillset */
    uint32_t language;                             /* name */
    uint32_t scores;                               /* text: struct score[] */
    uint32_t ani, dialled, caller_id, caller_name; /* texts */
    uint32_t last_agent;                           /* agent */
    uint32_t flow_ids; /* text: uint64_t hashes of FlowEntered seen (1.10) */
    uint32_t data_ids; /* text: those of the last CallData seen, newest first */
    uint32_t held;     /* first of the places that it holds elsewhere, newest first */
    struct rings rings;
    uint64_t paper_walk; /* the walk that gave it somebody on paper */
    bool holds_place, outbound, in_tree;
    uint64_t number; /* in machine.contacts: the customer's (12.2); 0: it is not */
};

/* A place in another queue that the call flowed out of and still holds (1.6). */
struct held {
    uint32_t next;
    uint32_t queue;
    struct ident tie;
    int64_t entry_ms;
    int32_t priority;
    uint32_t skills, language, scores; /* as a call's */
};

enum { HELD_PLACES_MAX = 8 }; /* the oldest goes first */

/* What few callbacks have. */
struct extra {
    struct ident tie; /* none: the interaction's id, or the own one */
    uint32_t name, callee_name, caller_id, caller_name; /* texts */
    uint32_t scores;                                    /* text */
    uint32_t campaign, contact, recording;              /* texts (chapter 8) */
    uint32_t from_agent;                                /* agent who left the voicemail */
    uint32_t skills, language;                          /* kept while an owner has it (1.7) */
    uint32_t local_zone;                                /* the due time's zone (2.3); 0: none */
    int64_t local_ms;                                   /* the due time by its clocks */
    int64_t owner_end_ms;
    int64_t resume_ms;
    int64_t talk_ms;        /* of all its calls (10.3) */
    uint32_t told_position; /* 12.5; 0: none was */
    int64_t ani_ms; /* when it came to its queue, whose caller ID of then counts; 0: made there */
    struct rings rings;
    struct ident scheduled; /* callback made in this one */
};

/* What only callbacks that alert at an agent, or are with one, have. */
struct active {
    struct ident offer;
    int64_t offer_made_ms, deadline_ms, grace_ms;
    uint64_t status_version;
    bool unjoined; /* the offer does not ask him to be joined (4.4) */
    int64_t accepted_ms, auto_dial_ms, call_ended_ms, act_until_ms, auto_end_ms;
    bool gone;
    struct ident attempt;
    uint64_t attempt_version;
    int64_t placed_ms, outcome_until_ms, ringing_ms, answered_ms, attempt_heard_ms,
        attempt_ended_ms;
    int64_t active_ms; /* its agent's contacting, dialing, talk, held, after-call work (10.3) */
    int64_t talk_ms;   /* his in this call, until the last time that hold began or ended */
    uint8_t answered_by;
    bool lost;
    bool held;           /* the customer is on hold */
    bool first;          /* the attempt calls the customer first (chapter 7) */
    uint32_t reserved;   /* the agent who is kept for it (7.3); 0: nobody */
    uint64_t paper_walk; /* the walk that gave it somebody on paper */
    uint32_t held_next;  /* at the agent */
};

enum callback_flag {
    CB_ROUTING_KEPT = 1,
    CB_INACTIVE = 2,
    CB_REACHED = 4,
    CB_OWN_TIE = 8,       /* the tie-break is its own id */
    CB_EXTRA_TIE = 16,    /* it is extra's; else the interaction's id */
    CB_IN_CLASS = 32,     /* which tree it is in: its class's, */
    CB_IN_PARKED = 64,    /* the queue's parked, */
    CB_IN_BUSY = 128,     /* or its busy */
    CB_ROUTE_TO_ME = 256, /* at due to who scheduled it, if he can (2.5) */
    CB_TOLD = 512,        /* within a step: the segment of the state that it leaves is out */
    CB_IN_FLIGHT = 1024,  /* beside busy: counted in flight, in a tree unless one is kept for it */
    CB_CFC_STAY = 2048,   /* its stay counts as a customer-first one (10.4) */
    CB_PREVIEW = 4096,    /* of a campaign that previews its contacts (7.7) */
    CB_NUMBERED = 8192,   /* in machine.numbers */
    CB_CONTACT = 16384,   /* in its tree nobody takes it: the customer is on another call (12.2) */
};

struct callback {
    struct head head;
    uint32_t queue;
    uint32_t class;  /* what it needs, also while it is not in the tree */
    uint32_t script; /* script; 0: none */
    uint32_t extra, active;
    uint32_t owner; /* agent */
    uint32_t agent; /* who is offered it or has it */
    int32_t priority;
    uint16_t flags;
    uint16_t still; /* periods of StillWaiting told (12.6) */
    uint8_t attempts, retries, snoozes;
    uint32_t scheduled_by; /* agent */
    struct ident id;       /* made: always a UUID */
    struct ident conversation, interaction;
    uint64_t number;
    int64_t entry_ms; /* 0: not in line yet */
    int64_t created_ms, updated_ms;
    int64_t due_ms;
    int64_t stay_ms;
    int64_t since_ms;
};

/* An ended callback: enough for a repeat and for the tombstone. head.kind is the callback's. */
struct stub {
    struct head head;
    uint32_t domain;
    uint32_t reason;
    struct ident id;
    int64_t ended_ms;
    int64_t until_ms;
};

struct answer {
    struct head head;
    uint32_t domain;
    struct ident request;
    int64_t answered_ms;
    uint32_t reason;
    bool flow;
    struct ident callback, attempt; /* UUIDs or none */
};

/* What a number asked for on a day in a queue (12.4). */
struct requests {
    struct head head;
    uint32_t domain;
    uint32_t queue;
    uint32_t count;
    struct ident id; /* a hash of queue and number, a UUID */
    uint64_t number;
    int64_t day, until_ms;
};

/* Who takes those of a class. Everyone in line is in one tree of the first three kinds; who has
 * preferred agents is in those of his pool as well, so that an agent who becomes free finds in one
 * tree all who prefer him, and a ring is a matter of one callback. */
enum class_kind {
    CLASS_EVERYBODY, /* who has the skills and the language */
    CLASS_OWNER,     /* that agent alone (3.3) */
    CLASS_RINGS,     /* nobody by this class: their rings are not over (4.2) */
    CLASS_PREFERRED, /* that agent, in whose pool they have him (4.2) */
};

/* Those that the same agents can take (5.3): one queue, or one agent in it. */
struct class
{
    uint32_t queue;
    uint32_t skills;   /* skillset asked; 0: none */
    uint32_t language; /* name; 0: any */
    uint32_t owner;    /* agent, also of CLASS_PREFERRED; 0: none */
    uint32_t live;     /* 1: live calls and attempts in flight, 0: callbacks that wait */
    uint32_t kind;     /* enum class_kind */
    bool attempts;     /* its entries are callbacks in flight (5.3) */
    bool agent_first;  /* whatever its queue's mode: voicemails (12.15) */
    uint32_t next;     /* of the queue, or of the agent */
    uint32_t active_next, active_prev;
    uint32_t users;      /* callbacks that refer to it, entries that are in its tree for a while */
    uint32_t free_count; /* agents free who could take one */
    uint32_t changes;    /* of the tree: a walk's place in it is out of date */
    bool active;
    struct order tree;
};

struct dirty {
    uint32_t ref;
    const PB(StateRecord) * last; /* of a stub: the callback in full, for its last record */
};

/* What one event or timer is decided with. */
struct step {
    struct effects *effects;
    struct arena *arena;
    uint32_t domain;
    struct slice cause; /* event id, request id, or a timer's */
    int64_t now;
    int64_t when; /* the record's timestamp, capped at now; a timer: now */
    uint32_t ordinal;
    uint32_t
        routed; /* the callback due in this step that goes to its scheduler first (2.5); 0: none */
    uint32_t last_callback; /* it enters the line now, and */
    uint32_t last_agent;    /* he served this customer last: he is tried first (4.4) */
    bool last_any;          /* whether he is joined or not */
};

/* Room for the cells of the callbacks' table of transitions: events, states. */
enum { CELL_EVENTS_MAX = 64, CELL_STATES_MAX = 16 };

struct machine {
    struct machine_options options;
    struct texts texts;
    struct pool pools[KIND_COUNT];
    struct table tables[KIND_COUNT]; /* COUNTERS unused; STUB apart from CALLBACK */
    struct pool name_pool, skillset_pool, class_pool, extra_pool, active_pool, held_pool;
    struct table names, skillsets, classes, attempts;
    struct table contacts; /* live calls by domain and number, the same (12.2) */
    struct table numbers;  /* callbacks by domain and number, of domains that ask (numbers.c) */
    struct order_nodes nodes;
    struct heap wakes[WAKE_COUNT];
    struct arena scratch; /* until the batch's end */
    struct step step;
    bool loading;
    struct dirty *dirty;
    size_t dirty_count, dirty_room;
    uint32_t *touched;
    size_t touched_count, touched_room;
    struct slice *removed; /* keys, in scratch */
    size_t removed_count, removed_room;
    uint32_t *stirred; /* queues whose status is told at the step's end */
    size_t stirred_count, stirred_room;
    uint64_t entity_count, digest;
    uint64_t walk_count;
    bool walking; /* no class may go while a walk stands in its tree */
    uint64_t counts[MACHINE_COUNT_END];
    bool taken[CELL_EVENTS_MAX][CELL_STATES_MAX]; /* cells looked at: for the explorer */
};

/* --- entities.c: finding, making, removing, touching ------------------------------------------ */

static inline struct domain *domain_at(const struct machine *m, uint32_t handle)
{
    return pool_at(&m->pools[KIND_DOMAIN], handle);
}

static inline struct queue *queue_at(const struct machine *m, uint32_t handle)
{
    return pool_at(&m->pools[KIND_QUEUE], handle);
}

static inline struct script *script_at(const struct machine *m, uint32_t handle)
{
    return pool_at(&m->pools[KIND_SCRIPT], handle);
}

static inline struct zone *zone_at(const struct machine *m, uint32_t handle)
{
    return pool_at(&m->pools[KIND_ZONE], handle);
}

static inline struct agent *agent_at(const struct machine *m, uint32_t handle)
{
    return pool_at(&m->pools[KIND_AGENT], handle);
}

static inline struct call *call_at(const struct machine *m, uint32_t handle)
{
    return pool_at(&m->pools[KIND_CALL], handle);
}

static inline struct callback *callback_at(const struct machine *m, uint32_t handle)
{
    return pool_at(&m->pools[KIND_CALLBACK], handle);
}

static inline struct answer *answer_at(const struct machine *m, uint32_t handle)
{
    return pool_at(&m->pools[KIND_ANSWER], handle);
}

static inline struct requests *requests_at(const struct machine *m, uint32_t handle)
{
    return pool_at(&m->pools[KIND_REQUESTS], handle);
}

static inline struct stub *stub_at(const struct machine *m, uint32_t handle)
{
    return pool_at(&m->pools[KIND_STUB], handle);
}

static inline struct class *class_at(const struct machine *m, uint32_t handle)
{
    return pool_at(&m->class_pool, handle);
}

static inline struct active *active_at(const struct machine *m, uint32_t handle)
{
    return pool_at(&m->active_pool, handle);
}

void entities_init(struct machine *m);
void entities_deinit(struct machine *m);

/* 0: there is none. domain 0 gives 0, but for domain_find. */
uint32_t domain_find(const struct machine *m, struct slice id);
uint32_t entity_find(const struct machine *m, enum kind kind, uint32_t domain, struct slice id);
uint32_t callback_find(const struct machine *m, uint32_t domain, const struct ident *id);
uint32_t stub_find(const struct machine *m, uint32_t domain, const struct ident *id);
uint32_t attempt_find(const struct machine *m, uint32_t domain, struct slice id);
/* Made if it is not there; id is valid. Not for callbacks and stubs. */
uint32_t domain_get(struct machine *m, struct slice id);
uint32_t entity_get(struct machine *m, enum kind kind, uint32_t domain, struct slice id);
/* A new one under that id, which nobody has. */
uint32_t callback_new(struct machine *m, uint32_t domain, const struct ident *id, uint32_t queue);
uint32_t stub_new(struct machine *m, uint32_t domain, const struct ident *id);

struct head *head_of(const struct machine *m, uint32_t ref);
uint32_t ref_domain(const struct machine *m, uint32_t ref);
struct slice ref_id(const struct machine *m, uint32_t ref, char buffer[IDENT_TEXT_BYTES]);
/* kind|domain|id, in arena. */
struct slice ref_key(const struct machine *m, uint32_t ref, struct arena *arena);

/* Queues or agents of one domain, by id, each once: a table gives them in an order that depends on
 * what was in it before, and a machine loaded from `state` would do things in another. */
struct by_id {
    uint32_t *handles; /* in the step's arena */
    size_t count, room;
};

void by_id_add(struct machine *m, struct by_id *list, enum kind kind, uint32_t handle);

/* This step changes it. */
void touch(struct machine *m, uint32_t ref);
/* It is gone from `state`: tombstone, digest, wake. The struct stays for the caller to free. */
void entity_forget(struct machine *m, uint32_t ref);
/* Free calls, answers, stubs: forgets and frees. */
void call_remove(struct machine *m, uint32_t call);
void answer_remove(struct machine *m, uint32_t answer);
void requests_remove(struct machine *m, uint32_t requests);
void stub_remove(struct machine *m, uint32_t stub);
/* The live struct goes, a stub takes its place; last is its record in full, or NULL (loading). */
void callback_bury(struct machine *m, uint32_t callback, uint32_t reason, int64_t ended_ms,
                   const PB(StateRecord) * last);
/* Free what the struct holds (texts, extra, active), not the struct. */
void callback_strip(struct machine *m, struct callback *cb);
void call_strip(struct machine *m, struct call *call);

/* One more held place, the newest (its texts are the caller's to fill); or none any more. */
struct held *held_push(struct machine *m, struct call *call);
void held_clear(struct machine *m, struct call *call);
/* The place held in that queue, or NULL. */
const struct held *held_in(const struct machine *m, const struct call *call, uint32_t queue);

struct extra *extra_get(struct machine *m, struct callback *cb); /* made if needed */
const struct extra *extra_of(const struct machine *m, const struct callback *cb); /* or NULL */
struct active *active_get(struct machine *m, struct callback *cb);
void attempt_index(struct machine *m, uint32_t callback);   /* active's attempt is known now */
void attempt_unindex(struct machine *m, uint32_t callback); /* before active's attempt changes */

/* A deep copy on the heap, given back by protobuf_c_message_free_unpacked; NULL of NULL. */
void *message_keep(const ProtobufCMessage *message, struct arena *arena);

uint32_t name_get(struct machine *m, uint32_t domain, struct slice text);
void names_refresh(struct machine *m, uint32_t domain);
/* names: n_names texts; 0 for none. */
uint32_t skillset_get(struct machine *m, uint32_t domain, char **names, size_t count);
const uint32_t *skillset_names(const struct machine *m, uint32_t skillset, uint32_t *count);

/* --- machine.c ---------------------------------------------------------------------------------
 */

/* Put its wake where its state says; at the end of a step, and by machine_ready(). */
void wake_refresh(struct machine *m, uint32_t ref);
void step_end(struct machine *m);

/* --- line.c: places, classes, the trees ----------------------------------------------------------
 */

int64_t line_key(const struct queue *queue, int64_t entry_ms, int32_t priority);
bool queue_priority_only(const struct queue *queue);
struct ident callback_tie(const struct machine *m, const struct callback *cb);
struct ident call_tie(const struct call *call);
uint64_t class_hash(const struct class *class);

/* Its entries are handles of calls; else of callbacks. */
static inline bool class_of_calls(const struct class *class)
{
    return class->live && !class->attempts;
}

/* The class of a callback, counted as used once more: everybody's, or its owner's. Its queue, kind
 * and owner are set. */
uint32_t class_get(struct machine *m, const struct callback *cb, uint32_t skills,
                   uint32_t language);
/* What its entries need an agent for. */
enum use class_purpose(const struct machine *m, const struct class *class);
/* Dialling, or answered and not yet with an agent (7.2). */
bool callback_in_flight(const struct machine *m, const struct callback *cb);
void class_release(struct machine *m, uint32_t class);
/* The class is another one from now on; the callback is in no tree. */
void callback_class(struct machine *m, uint32_t callback, uint32_t skills, uint32_t language);
/* Into the tree that its state says, out of the one it is in. */
void callback_place(struct machine *m, uint32_t callback);
void callback_unplace(struct machine *m, uint32_t callback);
void call_place(struct machine *m, uint32_t call);
void call_unplace(struct machine *m, uint32_t call);
bool class_takes(const struct machine *m, const struct class *class, const struct agent *agent);
/* He has those skills and that language, as far as they are asked (12.15). */
bool agent_skilled(const struct machine *m, const struct agent *agent, uint32_t skills,
                   uint32_t language);
void class_activate(struct machine *m, uint32_t class);
/* Settings changed: keys, names, free counts. */
void queue_rebuild(struct machine *m, uint32_t queue);
void classes_recount(struct machine *m, uint32_t queue);
void classes_recount_all(struct machine *m, uint32_t queue); /* those of owners and rings too */
/* -1, 0, 1: which of two places comes first (5.1). Handles of calls if live. */
int place_compare(const struct machine *m, uint32_t a, bool a_live, uint32_t b, bool b_live);
/* On the entry, or where it would be if it has left the tree. */
bool class_seek(const struct machine *m, const struct class *class, uint32_t entry,
                struct order_cursor *cursor);
struct order_compare agent_order(const struct machine *m);

/* --- rings.c: preferred agents and the last agent (chapter 4) -------------------------------- */

/* Begin, if the queue has rings and somebody scored is a member; at the ring of now. */
void rings_begin(struct machine *m, struct rings *rings, uint32_t queue, uint32_t scores,
                 int64_t when_ms);
/* To the ring of now; true: it is another one, the pool may have grown. In no tree meanwhile. */
bool rings_advance(struct machine *m, struct rings *rings, uint32_t queue);
/* When the next ring begins; INT64_MAX: there is none. */
int64_t rings_wake(const struct machine *m, const struct rings *rings, uint32_t queue);
/* Of a callback; NULL: it never had any. */
const struct rings *callback_rings(const struct machine *m, const struct callback *cb);
/* It has its scores and rings no longer; in no tree meanwhile (4.3, 1.7). */
void callback_unprefer(struct machine *m, uint32_t callback);
/* The scores of a text, best first. */
uint32_t scores_count(const struct machine *m, uint32_t scores);
struct score scores_at(const struct machine *m, uint32_t scores, uint32_t at);
/* Settings changed: those of the queue wake by the rings of now. */
void rings_changed(struct machine *m, uint32_t queue);
bool rings_same(const PB(QueueSettings) * a, const PB(QueueSettings) * b);
/* What the switch is to do with an e-mail or message (4.2). */
void emit_prefer(struct machine *m, uint32_t call);
/* It enters the line now: the last agent is tried first if the queue says so (4.4). */
void last_agent_try(struct machine *m, uint32_t callback, uint32_t agent);

/* --- agents.c ------------------------------------------------------------------------------------
 */

bool agent_known(const struct agent *agent);
bool agent_joined(const struct agent *agent, uint32_t queue);
bool agent_idle(const struct agent *agent);
bool agent_available(const struct machine *m, const struct agent *agent, enum use use);
/* Who of two comes first by 5.4: -1, 0, 1. */
int agent_compare(const struct machine *m, uint32_t a, uint32_t b);
bool agent_declined(const struct agent *agent, const struct ident *callback);
/* He declined it: not offered to him until then. */
void agent_pause(struct agent *agent, const struct ident *callback, int64_t until_ms);
uint32_t agent_capacity(const struct agent *agent);
/* Compute free_bits anew and put him where they say. Called for touched agents at step end. */
void agent_refresh(struct machine *m, uint32_t agent);
void agent_unindex(struct machine *m, uint32_t agent); /* out of all free sets */
/* The queue's mode is another one: who is free for a dial there is known only of customer-first
 * ones.
 */
void agents_free_to_dial(struct machine *m, uint32_t queue);
/* Revokes his offer if he may no longer have it (5.5), passes on his reservation (7.3). */
void agent_check_offer(struct machine *m, uint32_t agent);
void agent_attach(struct machine *m, uint32_t agent, uint32_t call);
void agent_detach(struct machine *m, uint32_t call);
/* He is on the call of that attempt, by a word of that time (7.1). */
void agent_attend(struct machine *m, uint32_t agent, const struct ident *attempt, int64_t time_ms);
/* Done with it; false: it was none that he was on. */
bool agent_attended(struct machine *m, uint32_t agent, struct slice attempt);
void agent_hold(struct machine *m, uint32_t agent, uint32_t callback);
void agent_unhold(struct machine *m, uint32_t callback);
void agent_heard(struct machine *m, uint32_t agent);
/* One more (1) or less (-1) of the voicemails that he left waits or is with an agent (8.2). */
void voicemail_count(struct machine *m, uint32_t agent, int change);
void agent_worked(struct machine *m, uint32_t agent, int64_t until_ms); /* 5.4 */
void agent_gone(struct machine *m, uint32_t agent);                     /* gone_ms by his facts */
/* He was removed: an event for each callback in line that goes on waiting for him (3.7). */
void agent_tell_owned(struct machine *m, uint32_t agent);
int64_t agent_wake(const struct machine *m, uint32_t agent);
void agent_fire(struct machine *m, uint32_t agent);
enum err presence_event(struct machine *m, const struct input_event *event,
                        PB(UndecidedReason) * why, struct err_note *note);

/* --- calls.c
 * --------------------------------------------------------------------------------------- */

enum err interaction_event(struct machine *m, const struct input_event *event,
                           PB(UndecidedReason) * why, struct err_note *note);
int64_t call_wake(const struct machine *m, uint32_t call);
void call_fire(struct machine *m, uint32_t call);
/* It stands in a queue from now on: the switch says so, or the facts of a flow (12.8). */
void call_entered(struct machine *m, uint32_t call, const PB(InteractionEntered) * event);
/* Its numbers, routing data, last agent; the call is in no tree. */
void call_describe(struct machine *m, uint32_t call, const PB(InteractionEntered) * event);
/* Whether it holds the line, and what its agent may take beside it, hang on the media. */
void call_set_media(struct machine *m, uint32_t call, PB(Media) media);
/* Leaves the line as a flow-out, if it is in it (1.8). */
void call_flow_out(struct machine *m, uint32_t call);
void call_unalert(struct machine *m, uint32_t agent); /* calls alerting at him are back in line */
bool routing_valid(const PB(RoutingData) * routing);
uint32_t scores_put(struct machine *m, uint32_t domain, const PB(RoutingData) * routing);

/* --- settings.c
 * ------------------------------------------------------------------------------------ */

enum err settings_event(struct machine *m, const struct input_event *event,
                        PB(UndecidedReason) * why, struct err_note *note);
void queue_fire(struct machine *m, uint32_t queue);
/* The caller ID of a callback accepted then. */
void queue_ani(const struct machine *m, const struct queue *queue, int64_t accepted_ms,
               struct slice *ani, struct slice *ani_name);
void queue_past_add(struct machine *m, struct queue *queue, int64_t until_ms, struct slice ani,
                    struct slice ani_name);
void queue_past_clear(struct machine *m, struct queue *queue);
int64_t queue_alerting_ms(const struct queue *queue);
int64_t queue_ring_s(const struct queue *queue);
int64_t queue_retry_delay_ms(const struct queue *queue);
int64_t owned_duration_ms(const struct queue *queue);
int64_t owned_ahead_ms(const struct queue *queue);
bool queue_assigns(const struct queue *queue); /* assign_to_queue (3.4, 3.7) */
/* Why the queue has no owned callbacks (3.1); UNSPECIFIED: it has. */
PB(Reason) queue_owned_refusal(const struct queue *queue);
bool queue_inherits(const struct machine *m, const struct queue *queue);
struct slice country_code(const struct machine *m, uint32_t domain);
/* The clock changes of a zone, for state/zones.h; NULL: the domain has no such zone. */
const PB(ZoneTable) * zone_table(const struct machine *m, uint32_t domain, const char *zone);

/* --- callbacks.c: the life
 * ------------------------------------------------------------------------- */

enum callback_event {
    CB_DUE,
    CB_NEXT_RING,
    CB_OFFER,
    CB_ACCEPT,
    CB_DECLINE,
    CB_OFFER_TIMEOUT,
    CB_REVOKE,
    CB_DIAL,
    CB_AUTO_DIAL,
    CB_RINGING,
    CB_ANSWERED,
    CB_CONNECTED,
    CB_CALL_ENDED,
    CB_OUTCOME_LOST,
    CB_CALL_LOST,
    CB_WRAP_UP_ENDED,
    CB_ACT_LATE,
    CB_AUTO_END,
    CB_END,
    CB_CANCEL,
    CB_RESUME,
    CB_OWNER_END,
    CB_OWNER_GONE,
    CB_AGENT_GONE,
    CB_QUEUE_REMOVED,
    CB_RESCHEDULE,
    CB_REASSIGN,
    CB_TRANSFER,
    CB_SNOOZE,
    CB_BLOCKED,
    CB_EXPIRED,
    CB_CALL_FIRST,
    CB_OWNER_MISSED,
    CB_REPLACED,
    CB_HELD,
    CB_CUSTOMER_SERVED,
    CB_EVENT_COUNT,
};

struct callback_input {
    uint32_t agent;     /* who asks, is offered, is gone; 0: a supervisor */
    struct slice offer; /* accept, decline */
    uint64_t number;    /* dial: another number, or 0 */
    PB(AnswerKind) answered_by;
    PB(AttemptResult) result;
    PB(Reason) reason; /* revoke */
    const PB(Reschedule) * reschedule;
    const PB(Reassign) * reassign;
    const PB(Transfer) * transfer;
    bool unjoined;    /* offer: he need not be joined */
    bool held;        /* held: or taken back */
    uint32_t minutes; /* snooze */
    int64_t time_ms;  /* connected: when, by the switch */
};

/* Does what the table of transitions says. UNSPECIFIED: done, or ignored and counted. */
PB(Reason)
callback_step(struct machine *m, uint32_t callback, enum callback_event event,
              const struct callback_input *input);
/* Number of cells of the table that say nothing; a test wants 0. */
int callback_table_gaps(void);
/* What a cell of it does: 'd' a deed, 'r' refuses, 'l' counts as late, '-' never happens. */
char callback_table_cell(enum callback_event event, PB(CallbackState) state);

/* A callback that is scheduled is due at another time: its zone's rules changed (2.3). */
void callback_due_moves(struct machine *m, uint32_t callback, int64_t due_ms);
int64_t callback_wake(const struct machine *m, uint32_t callback, enum wake_class *class);
void callback_fire(struct machine *m, uint32_t callback);
/* It changes: its analytics are live again (10.2). */
void callback_updated(struct machine *m, uint32_t callback);
/* Enters the line: a new stay begins at when_ms. */
void callback_enter_line(struct machine *m, uint32_t callback, int64_t when_ms);
/* An agent calls it, whatever its queue's mode: no customer-first queue takes it (7.7). */
bool callback_agent_first(const struct callback *cb);
/* The agent who left the voicemail, whose capacity it uses (8.2); 0: none. */
uint32_t callback_from_agent(const struct machine *m, const struct callback *cb);
void callback_start(struct machine *m, uint32_t callback, PB(CallbackState) state);

/* --- due.c: when a callback is due (2.2, 2.3)
 * ------------------------------------------------------------------------------------------- */

struct due {
    int64_t ms;
    uint32_t zone; /* 0: it was given as an instant */
    int64_t local_ms;
};

/* What a request means that was made at the step's `when`: due_ms, else the local time, else what
 * holds when both are left out. */
PB(Reason)
due_choose(struct machine *m, int64_t due_ms, const PB(LocalTime) * local, int64_t left_out_ms,
           struct due *due);
/* The callback is in no tree. */
void due_set(struct machine *m, struct callback *cb, const struct due *due);
/* Its table is a new one: due times follow, from that local time on. */
void zone_apply(struct machine *m, uint32_t zone, int64_t from_local_ms);
void zone_fire(struct machine *m, uint32_t zone);

/* --- switches.c: chapter 12's ------------------------------------------------------------- */

bool queue_accepting(const struct queue *queue); /* 12.10 */
/* Whether its holder may still have one dialled (12.3): what began inside goes on for a while. */
bool queue_dials(const struct machine *m, const struct queue *queue);
/* Why a new request is refused by its queue: NOT_ACCEPTING; OUTSIDE_WINDOW at that time, of the
 * request or due (12.3); or UNSPECIFIED. */
PB(Reason)
queue_refusal(const struct machine *m, const struct queue *queue, int64_t time_ms);
bool queue_full(const struct queue *queue); /* 12.4 */
/* What the domain's settings block, made ready; after each change of them, and when loaded. */
void blocked_refresh(struct machine *m, uint32_t domain);
void blocked_clear(struct domain *domain);
bool number_blocked(const struct machine *m, uint32_t domain, uint64_t number); /* 12.11 */
/* When it ends if it waits (12.13); 0: never. */
int64_t callback_expiry(const struct machine *m, const struct callback *cb);
/* Until when a snooze of so many minutes lasts; or SNOOZE_RANGE, SNOOZE_LIMIT (12.12). */
PB(Reason)
snooze_until(const struct machine *m, const struct callback *cb, uint32_t minutes,
             int64_t owner_end_ms, int64_t *until_ms);
bool snooze_keeps_place(const struct queue *queue);
/* The wakes of all that waits there anew: a setting that they depend on changed. */
void queue_wakes_refresh(struct machine *m, uint32_t queue);

/* --- numbers.c: callbacks by number (12.1, 12.2) ------------------------------------------- */

PB(DuplicateNumber) domain_duplicates(const struct machine *m, uint32_t domain);
/* Whether a rule of the domain asks for callbacks by number. */
bool domain_asks_numbers(const struct machine *m, uint32_t domain);
/* Whether it is to be found by its number. */
bool number_asked(const struct machine *m, const struct callback *cb);
uint64_t number_hash(const struct machine *m, uint32_t callback);
/* Its state is another one; or the domain's settings are. */
void number_refresh(struct machine *m, uint32_t callback);
void number_drop(struct machine *m, uint32_t callback);
void numbers_refresh(struct machine *m, uint32_t domain);
/* With an agent, or in an attempt. */
bool callback_served(const struct callback *cb);
/* The live callback of the number: one that is served, else that of the best place; 0: none. */
uint32_t number_find(const struct machine *m, uint32_t domain, uint64_t number);
/* The one of the best place of those that wait, but for one. */
uint32_t number_other(const struct machine *m, uint32_t domain, uint64_t number, uint32_t but);

/* 12.2: another interaction of its number is live. */
bool number_contacted(const struct machine *m, const struct callback *cb);
uint64_t contact_hash(const struct machine *m, uint32_t call);
/* The call is live or not, or its number is another one: callbacks of it wait or go on. */
void contact_refresh(struct machine *m, uint32_t call);
void contact_ready(struct machine *m, uint32_t call); /* as it was saved */
void contact_drop(struct machine *m, uint32_t call);
void contacts_refresh(struct machine *m, uint32_t domain); /* its settings changed */
/* Of calls of that callback's number: it came, moved or goes. */
void contacts_wake_refresh(struct machine *m, uint32_t callback);
/* When its customer has talked long enough for one of his callbacks to end; INT64_MAX: for none. */
int64_t contact_wake(const struct machine *m, const struct call *call);
void contact_talked(struct machine *m, uint32_t call);
/* TOO_MANY_REQUESTS if the number asked for all that its queue allows on the day of the step's
 * `when` (12.4); else UNSPECIFIED. */
PB(Reason) requests_refusal(const struct machine *m, uint32_t queue, uint64_t number);
/* One more was accepted. */
void requests_count(struct machine *m, uint32_t queue, uint64_t number);

/* --- window.c: business hours (12.3) ------------------------------------------------------- */

/* Its settings, its zone or an edge of its window: it opens, or closes: nothing starts there (12.3,
 * 12.10). time_ms: since when. */
void queue_open_refresh(struct machine *m, uint32_t queue, int64_t time_ms);
/* The edges up to now are passed. */
void queue_edge(struct machine *m, uint32_t queue);
/* A zone's table is another one. */
void windows_refresh(struct machine *m, const char *zone);
/* Whether those of the domain's windows that are in it go by that zone; the first such queue, or 0.
 */
uint32_t window_in_zone(const struct machine *m, const char *zone);
/* When its window, in which it is, closes; 0: never, or it is closed. */
int64_t window_closes(const struct machine *m, const struct queue *queue);
/* Which day it is there, in the window's zone, else in UTC: days since 1970-01-01; and its end. */
int64_t queue_day(const struct machine *m, const struct queue *queue, int64_t time_ms,
                  int64_t *end_ms);
/* OUTSIDE_WINDOW if the queue refuses what is asked for, or due, at that time; else UNSPECIFIED. */
PB(Reason)
window_refusal(const struct machine *m, const struct queue *queue, int64_t time_ms);

/* --- status.c: what is told of queues (12.5, 12.9) ------------------------------------------ */

/* Something of it changed that customers or flows may be told of, at the end of the step. */
void queue_stir(struct machine *m, uint32_t queue);
void queues_tell(struct machine *m);
/* Loaded: what moved them was told before. */
void queues_calm(struct machine *m);

/* --- first.c: customer-first (chapter 7) -------------------------------------------------- */

bool queue_customer_first(const struct queue *queue);
/* 7.2: how many may be in flight, exactly. */
uint32_t queue_cap(const struct queue *queue);
bool queue_reserves(const struct queue *queue); /* 7.3 */
/* What is done when that one answers: to a queue, to a flow, hung up (7.4). */
PB(AnswerReaction) queue_reaction(const struct queue *queue, PB(AnswerKind) kind);
const char *queue_flow(const struct queue *queue);
uint32_t queue_first_retries(const struct queue *queue);       /* 7.5 */
int64_t queue_first_retry_delay_ms(const struct queue *queue); /* 7.5 */
/* Its attempt calls, or called, the customer first. */
bool callback_first(const struct machine *m, const struct callback *cb);
/* He is kept for it, before it is placed; told once it has its attempt. */
void callback_reserve(struct machine *m, uint32_t callback, uint32_t agent);
void callback_unreserve(struct machine *m, uint32_t callback); /* nobody is kept for it any more */
/* What he is kept for goes to another one if he is not to be had any more (7.3). */
void agent_check_reservation(struct machine *m, uint32_t agent);

/* --- create.c, schedule.c, commands.c
 * ---------------------------------------------------------------------------- */

enum err flow_event(struct machine *m, const struct input_event *event);
enum err command_event(struct machine *m, const struct input_event *event);
void command_schedule(struct machine *m, const PB(Command) * command); /* schedule.c */
/* A campaign's (8.1). */
void campaign_schedule(struct machine *m, const char *request,
                       const PB(ScheduleCallback) * schedule);
bool optional_id(const char *id);
/* What a new callback is called, and whom to ask for; empty: nothing. */
void callback_label(struct machine *m, struct callback *cb, const char *name,
                    const char *callee_name);
/* The caller ID and name that Call Data gave, texts; 0: none (1.5). */
void callback_caller(struct machine *m, struct callback *cb, uint32_t id, uint32_t name);
/* The script to use now: its own, or the queue's default when that is gone (12.15); 0: none. */
uint32_t callback_script(const struct machine *m, const struct callback *cb);
/* The number that a request means: given, else the customer's. */
PB(Reason)
number_choose(struct machine *m, uint32_t domain, const char *given, struct slice customer,
              uint64_t *number);
/* The script that a request means; 0 with UNSPECIFIED: none. */
PB(Reason)
script_choose(struct machine *m, uint32_t domain, const struct queue *queue, const char *given,
              uint32_t *script);
bool text_fits(const char *text, int64_t bytes_max);
/* Answers, remembered (11.1). */
/* Answered again as it was at first, if it was. */
bool answer_repeat(struct machine *m, struct slice request);
void answer_flow(struct machine *m, const char *request, PB(Reason) reason, const struct ident *cb);
void answer_command(struct machine *m, const char *request, PB(Reason) reason,
                    const struct ident *callback, const struct ident *attempt);
void answer_created(struct machine *m, const char *request, const struct ident *cb, bool flow);
void answer_limit(struct machine *m, const char *request, PB(Reason) reason, bool flow);

/* --- walk.c
 * -------------------------------------------------------------------------------------------- */

void walk(struct machine *m, uint32_t domain);

/* --- emit.c
 * -------------------------------------------------------------------------------------------- */

/* Ids derived from the cause (contract.md). ordinal given, or the next one. */
struct ident id_made(struct machine *m, const char *role, uint32_t ordinal);
char *id_next(struct machine *m, const char *role);
/* What the end of a step does to an entity on its own, walk and status, is made of that entity and
 * its version, not of the event: that may come again and then lead to something else
 * (docs/adr/0014). Touches it. */
void cause_is(struct machine *m, uint32_t ref);
/* A message of type, zeroed by its init function, in the effects' arena. */
#define EMIT_NEW(m, Type, prefix)                                                                  \
    __extension__({                                                                                \
        PB(Type) *emit_new_ = arena_alloc((m)->step.arena, sizeof(*emit_new_));                    \
        prefix##__init(emit_new_);                                                                 \
        emit_new_;                                                                                 \
    })
/* Adds an effect; the caller fills the returned message's oneof before the next call. */
PB(RoutingEvent) * emit_routing(struct machine *m, const char *type, const struct callback *cb);
PB(AnalyticsEvent) * emit_analytics(struct machine *m, const char *type);
PB(Result) * emit_result(struct machine *m, const char *type, const char *request_id);
void emit_metric(struct machine *m, PB(MetricName) name, int64_t value, const struct callback *cb,
                 const struct call *call, uint32_t queue, uint32_t agent);
void emit_session(struct machine *m, const struct callback *cb);
void emit_segment(struct machine *m, const struct callback *cb, PB(CallbackState) state,
                  int64_t start_ms, int64_t end_ms);
void emit_offer(struct machine *m, const struct callback *cb);
void emit_revoke(struct machine *m, const struct callback *cb, PB(Reason) reason);
void emit_assigned(struct machine *m, const struct callback *cb);
void emit_released(struct machine *m, const struct callback *cb, PB(Reason) reason);
void emit_place_call(struct machine *m, const struct callback *cb, uint64_t number);
void emit_hang_up(struct machine *m, const struct callback *cb, const char *attempt,
                  PB(Reason) reason);
/* flow NULL: into its queue, where it stands. */
void emit_transfer(struct machine *m, const struct callback *cb, const char *flow);
void emit_reserve(struct machine *m, const struct callback *cb, uint32_t agent);
void emit_unreserve(struct machine *m, const struct callback *cb, uint32_t agent);
void emit_ended(struct machine *m, const struct callback *cb, PB(Reason) reason);
void emit_notice(struct machine *m, const struct callback *cb, PB(Reason) reason, uint32_t agent);
char *text_string(struct machine *m, uint32_t text);
char *agent_string(struct machine *m, uint32_t agent);
char *ident_emit(struct machine *m, const struct ident *ident);

/* --- metrics.c: what agents and dials are measured by (10.3, 10.6) ------------------------- */

/* It was in that state from start_ms to end_ms: with the segment, before its agent is let go. */
void metrics_stretch(struct machine *m, uint32_t callback, PB(CallbackState) state,
                     int64_t start_ms, int64_t end_ms);
/* The customer is put on hold now, or taken back: a stretch of the talk is over. */
void metrics_hold(struct machine *m, uint32_t callback, bool held);
/* Its agent has it no more. */
void metrics_handled(struct machine *m, const struct callback *cb, int64_t when_ms);
void metrics_scheduled(struct machine *m, const struct callback *cb); /* for the first time */
void metrics_dialled(struct machine *m, const struct callback *cb);   /* placed, and counted */
void metrics_rang(struct machine *m, const struct callback *cb);
void metrics_reached(struct machine *m, struct callback *cb); /* a person answered: CB_REACHED */
void metrics_ended(struct machine *m, const struct callback *cb);
/* Of a stay that ended after so long. */
void metrics_service(struct machine *m, uint32_t queue, const struct callback *cb,
                     const struct call *call, bool answered, int64_t waited_ms, uint32_t agent);

/* Stays (10.6). */
enum stay_end { STAY_ANSWERED, STAY_ABANDONED, STAY_FLOW_OUT };
void stay_begin(struct machine *m, uint32_t queue, const struct callback *cb,
                const struct call *call);
void stay_over(struct machine *m, uint32_t queue, const struct callback *cb,
               const struct call *call, enum stay_end how, int64_t began_ms, int64_t when_ms,
               uint32_t agent);

/* --- codec.c
 * ------------------------------------------------------------------------------------------ */

/* The entity of a key on `state`; 0: there is none. */
uint32_t ref_find(struct machine *m, struct slice key);

/* What it ranks and matches by, in arena. */
PB(RoutingData) *
    callback_routing(struct machine *m, const struct callback *cb, struct arena *arena);
/* The entity as it goes to `state`, in arena. */
PB(StateRecord) * entity_record(struct machine *m, uint32_t ref, struct arena *arena);

static inline void count(struct machine *m, enum machine_count what)
{
    m->counts[what]++;
}

#endif
