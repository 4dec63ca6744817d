/* How a platform is described: tables, read by adapt.c and printed as docs/adapters.md by
 * adapt_reference.c. For daemon/adapt*.c.
 *
 * A path names a field: "agentInfo.agentArn". Keys are compared without case, "_" and "-", since
 * platforms write one field in several ways. It begins at the event's body; after "*." at the item
 * of a row with a list, after "@" at what the platform's open() made of the envelope. "a|b": the
 * first that is there. */
#ifndef RINGBACK_DAEMON_ADAPT_TABLE_H
#define RINGBACK_DAEMON_ADAPT_TABLE_H

#include "daemon/adapt.h"

/* X(KIND, topic, "type for ce_type", rank within a millisecond, "what the page calls it"). The rank
 * orders events of one interaction at one millisecond as a call lives; an interaction that leaves
 * one queue enters the next, not the other way round; and an end lets the agent go by itself, so
 * that what comes behind it is not missed. */
#define ADAPT_KIND_MAP(X)                                                                          \
    X(NOTHING, INTERACTIONS, "", 0, "nothing")                                                     \
    X(LEFT, INTERACTIONS, "interactions.left", 0, "interactions: Left")                            \
    X(ENTERED, INTERACTIONS, "interactions.entered", 1, "interactions: Entered")                   \
    X(ALERTING, INTERACTIONS, "interactions.alerting", 2, "interactions: Alerting")                \
    X(CONNECTED, INTERACTIONS, "interactions.connected", 3, "interactions: Connected")             \
    X(WRAP_UP_STARTED, INTERACTIONS, "interactions.wrap_up_started", 4,                            \
      "interactions: WrapUpStarted")                                                               \
    X(WRAP_UP_ENDED, INTERACTIONS, "interactions.wrap_up_ended", 5, "interactions: WrapUpEnded")   \
    X(ENDED, INTERACTIONS, "interactions.ended", 6, "interactions: Ended")                         \
    X(PRESENCE, PRESENCE, "presence.presence", 0, "presence: PresenceChanged")                     \
    X(STATUS, PRESENCE, "presence.routing_status", 0, "presence: RoutingStatusChanged")            \
    X(QUEUES, PRESENCE, "presence.joined_queues", 0, "presence: JoinedQueuesChanged")              \
    X(FLOW_ENTERED, FLOWS, "flows.flow_entered", 0, "flows: FlowEntered")

#define ADAPT_KIND_ENUM_(name, topic, type, rank, said) ADAPT_##name,
enum adapt_kind { ADAPT_KIND_MAP(ADAPT_KIND_ENUM_) ADAPT_KIND_COUNT };
#undef ADAPT_KIND_ENUM_

enum adapt_type {
    ADAPT_ID,     /* 1..128 bytes of the contract's letters */
    ADAPT_TIME,   /* ms or s since 1970, or an RFC 3339 instant: ms */
    ADAPT_NUMBER, /* of a telephone; what is none is left out */
    ADAPT_INT,
    ADAPT_ENUM, /* of ours, by a map */
    ADAPT_IDS,  /* a list */
};

/* X(FIELD, type, "name in the contract"): all fields of ours that events can fill. */
#define ADAPT_FIELD_MAP(X)                                                                         \
    X(INTERACTION_ID, ID, "interaction_id")                                                        \
    X(CONVERSATION_ID, ID, "conversation_id")                                                      \
    X(MEDIA, ENUM, "media")                                                                        \
    X(TIME, TIME, "time_ms")                                                                       \
    X(QUEUE_ID, ID, "place.queue_id")                                                              \
    X(ENTRY, TIME, "place.entry_ms")                                                               \
    X(PRIORITY, INT, "routing.priority")                                                           \
    X(ANI, NUMBER, "ani")                                                                          \
    X(DIALLED, NUMBER, "dialled_number")                                                           \
    X(OUTBOUND, ENUM, "outbound")                                                                  \
    X(REASON, ENUM, "reason")                                                                      \
    X(AGENT_ID, ID, "agent_id")                                                                    \
    X(CHANGE, TIME, "change_ms")                                                                   \
    X(PRESENCE, ENUM, "presence")                                                                  \
    X(STATUS, ENUM, "status")                                                                      \
    X(QUEUE_IDS, IDS, "queue_ids")                                                                 \
    X(FLOW_ID, ID, "flow_id")                                                                      \
    X(FLOW_TYPE, ENUM, "flow_type")

#define ADAPT_FIELD_ENUM_(name, type, said) ADAPT_TO_##name,
enum adapt_to { ADAPT_FIELD_MAP(ADAPT_FIELD_ENUM_) ADAPT_TO_COUNT };
#undef ADAPT_FIELD_ENUM_

/* One event, open. All borrowed for the line. */
struct adapt_event {
    const struct adapt_settings *settings;
    const char *type; /* the platform's */
    const json_t *body;
    json_t *made;       /* what stands after "@": owned by adapt.c, filled by open() */
    const json_t *item; /* of a row with a list, else NULL */
    const char *id;     /* of the event; NULL: it has none */
    int64_t time_ms;    /* 0: it has none */
    struct slice traceparent;
    struct arena *arena;
};

/* Texts of the platform and what they are; compared without case, "_", "-" and spaces. Ended by
 * NULL. "*" is any other text. */
struct adapt_value {
    const char *text;
    int value;
    const char *said; /* our name for it, for the page */
};

enum { adapt_fields_max = 10, adapt_whens_max = 3 };

struct adapt_field {
    enum adapt_to to;
    const char *from;                 /* paths; NULL with a fixed value or make */
    const struct adapt_value *values; /* of ADAPT_ENUM */
    int fixed;                        /* without from and make: this value */
    bool tail;                        /* of an ARN the part after its last "/" */
    /* Instead of from: computes it. NULL: not there. The reference is the caller's. */
    json_t *(*make)(const struct adapt_event *event);
    const char *said; /* for the page: how; NULL: as it is */
};

/* The row holds for an event if all of these do. A field that is missing is "". */
struct adapt_when {
    const char *path;
    const char *is;                                 /* "A|B": it is one of them; NULL */
    const char *is_not;                             /* it is none of them; NULL */
    bool there;                                     /* it is there, whatever it is */
    bool (*holds)(const struct adapt_event *event); /* instead of a path */
    const char *said;                               /* for the page, with holds */
};

struct adapt_row {
    const char *event; /* type; "{id}" stands for one part between dots */
    enum adapt_kind kind;
    bool otherwise;   /* only if no row before it held for this event */
    const char *each; /* path of a list: the row is done for each item of it */
    struct adapt_when when[adapt_whens_max];
    struct adapt_field fields[adapt_fields_max];
    const char *why; /* of NOTHING: the reason that is counted; else a note, or NULL */
};

struct adapt_platform {
    const char *name;        /* on the command line */
    const char *title;       /* for the page */
    const char *published;   /* where the format is published */
    const char *intro;       /* paragraphs for the page, with its lines */
    const char *domain_from; /* path */
    const char *domain_said;
    bool forms;                          /* a line may be application/x-www-form-urlencoded */
    const struct adapt_row *rows;        /* ended by one whose event is NULL */
    const struct adapt_value *presences; /* names that settings may add to; NULL: none */
    /* Find type, body, id and time; fill made. Returns NULL, or what is wrong with the envelope. */
    const char *(*open)(struct adapt_event *event, const json_t *root);
};

extern const struct adapt_platform adapt_genesys, adapt_connect, adapt_twilio;

/* adapt_value.c. NULL: not there, or JSON's null. */
const json_t *adapt_find(const struct adapt_event *event, const char *paths);
const json_t *adapt_key(const json_t *object, const char *key);

/* The text of a string, a number in digits, or "" of anything else; in the arena. */
const char *adapt_text(const struct adapt_event *event, const json_t *json);
const char *adapt_text_at(const struct adapt_event *event, const char *paths);

/* false: it is no time. */
bool adapt_time(const json_t *json, int64_t *ms);
int64_t adapt_time_at(const struct adapt_event *event, const char *paths); /* 0: there is none */

bool adapt_same(const char *a, const char *b);         /* without case, "_", "-" and spaces */
bool adapt_one_of(const char *text, const char *list); /* "A|B" */

/* What follows the last "/". */
const char *adapt_tail(const char *text);

/* The telephone number in "tel:+1 202 ..." or "sip:+1202...@host", or "". */
const char *adapt_number(struct arena *arena, const char *text);

/* The map's row; NULL: it is not in it. */
const struct adapt_value *adapt_value_find(const struct adapt_value *values, const char *text);

/* The presence that a name means: by the settings, else by the platform's table. NULL: none. */
const struct adapt_value *adapt_presence(const struct adapt_event *event, const char *name,
                                         struct adapt_value *room);

/* "00-<32 hex>-<16 hex>-<2 hex>" (W3C). */
bool adapt_traceparent_valid(struct slice text);

/* A form as an object of texts; NULL: it is none. */
json_t *adapt_form(struct slice text);

extern const char *const adapt_kind_said[ADAPT_KIND_COUNT];
extern const char *const adapt_to_said[ADAPT_TO_COUNT];
extern const enum adapt_type adapt_to_type[ADAPT_TO_COUNT];

/* adapt_count.c: what was not mapped, by event type and reason, at most adapt_count_rows_max. */
enum { adapt_count_rows_max = 500, adapt_count_text_bytes = 200 };

struct adapt_count_row {
    char type[adapt_count_text_bytes];
    char reason[adapt_count_text_bytes];
    bool fault;
    uint64_t count;
    uint64_t first; /* number of the line */
};

struct adapt_tally {
    struct adapt_count_row *rows;
    size_t count;
    uint64_t others; /* beyond the bound */
};

/* true: the first of its type and reason. */
bool adapt_tally_add(struct adapt_tally *tally, const char *type, const char *reason, bool fault,
                     uint64_t number);
void adapt_tally_deinit(struct adapt_tally *tally);
void adapt_tally_print(const struct adapt_tally *tally, FILE *out);
json_t *adapt_tally_json(const struct adapt_tally *tally);

#endif
