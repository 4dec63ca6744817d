/* A story: one domain told to a machine event by event, as tests read it. Every event goes through
 * the machine at the story's clock; timers that are due before fire first, at their due times.
 * After each step the invariants are checked, and the machine is saved and loaded into another one,
 * which must be equal and then goes on in its place: so every test is also a test of the take-over.
 */
#ifndef RINGBACK_TESTS_STORY_H
#define RINGBACK_TESTS_STORY_H

#include "ringback/v1/analytics.pb-c.h"
#include "ringback/v1/results.pb-c.h"
#include "ringback/v1/routing.pb-c.h"
#include "state/machine.h"

#ifndef RINGBACK_STATE_INTERNAL_H
#define PB(name)     Ringback__V1__##name
#define REASON(name) RINGBACK__V1__REASON__REASON_##name
#endif

enum { STORY_START_MS = 1000000000 }; /* time 0 of every story, in Unix ms */

struct story {
    struct machine_options options; /* change before the first event */
    struct machine *machine;        /* made at the first event */
    struct arena arena;             /* all effects since story_open */
    struct effects effects;
    struct arena saved; /* of the last save */
    int64_t now_ms;     /* since STORY_START_MS */
    uint64_t version;   /* rises with every event */
    int64_t offset;
    size_t seen;             /* effects before story_now_on() */
    const char *id;          /* of the next event; NULL: made up */
    int64_t timestamp_ms;    /* of the next event, relative; -1: now */
    const char *domain;      /* of the next event; NULL: acme */
    bool unstamped;          /* the next event's record has no time stamp */
    bool frozen;             /* do not save and load (speed) */
    const char *attempt;     /* of the next attempt events; NULL: the last PlaceCall's */
    PB(Reason) refuse;       /* input_event.refuse of the next event */
    enum err err;            /* of the last event */
    PB(UndecidedReason) why; /* of the last event */
    struct err_note note;
};

void story_open(struct story *story);
void story_close(struct story *story);

/* The clock goes to at_ms; timers due up to and including it fire (records first at one ms: so call
 * events of that ms before). */
void story_at(struct story *story, int64_t at_ms);
/* The clock goes there without timers (an input that lags behind). */
void story_lag(struct story *story, int64_t at_ms);

/* Send what was prepared. The message is borrowed. */
void story_send(struct story *story, enum input input, const ProtobufCMessage *message);

/* A copy that lives until story_close: the messages want char pointers. */
char *story_text(struct story *story, const char *value);

/* Prepared events with usual values; change fields, then send. They live until story_close. */
PB(QueueSettings) * story_queue(struct story *story, const char *queue);
void story_set_queue(struct story *story, PB(QueueSettings) * settings);
PB(AgentSettings) * story_agent(struct story *story, const char *agent);
void story_set_agent(struct story *story, PB(AgentSettings) * settings);
void story_remove_queue(struct story *story, const char *queue, bool force);
void story_remove_agent(struct story *story, const char *agent);
void story_script(struct story *story, const char *script, bool callback_enabled);
void story_domain(struct story *story, const char *country_code, bool inherit);

/* Clock changes of a zone: each from a time of the story on, seconds to add to UTC. */
struct story_offset {
    int64_t from_ms;
    int32_t offset_s;
};
void story_zone(struct story *story, const char *zone, const struct story_offset *offsets,
                size_t count);
void story_remove_zone(struct story *story, const char *zone);

/* Facts of agents. */
void story_presence(struct story *story, const char *agent, PB(Presence) presence);
void story_status(struct story *story, const char *agent, PB(RoutingStatus) status);
void story_join(struct story *story, const char *agent, const char *queue); /* that queue alone */
/* The whole list, separated by spaces. */
void story_joins(struct story *story, const char *agent, const char *queues);
/* Known, On Queue, joined to queue, Idle. */
void story_ready(struct story *story, const char *agent, const char *queue);

/* Live interactions; the conversation is "c-" and the interaction's id, ANI +97235551234. */
PB(InteractionEvent) * story_interaction(struct story *story, const char *interaction);
void story_enter(struct story *story, const char *interaction, const char *queue);
void story_leave(struct story *story, const char *interaction, PB(LeftReason) reason);
void story_alert(struct story *story, const char *interaction, const char *agent);
void story_connect(struct story *story, const char *interaction, const char *agent);
void story_end_call(struct story *story, const char *interaction);
void story_wrap_up(struct story *story, const char *interaction, const char *agent, bool started);

/* Attempts: of the last PlaceCall, or of story.attempt. */
void story_ringing(struct story *story);
void story_answered(struct story *story, PB(AnswerKind) kind);
void story_attempt_ended(struct story *story, PB(AttemptResult) result);
void story_attempt_wrapped(struct story *story);
void story_attempt_held(struct story *story, bool held);
void story_attempt_connected(struct story *story, const char *agent);
void story_attempt_wrapped_by(struct story *story, const char *agent);

/* Create Callback from an in-queue flow with the facts of a call standing nowhere; the request id
 * is the event's. */
PB(CreateCallback) * story_create(struct story *story, const char *interaction, const char *queue);
void story_ask(struct story *story, const char *request, PB(CreateCallback) * create);
void story_flow(struct story *story, PB(FlowEvent) * event);

/* Commands by an agent ("" for a supervisor) about a callback. */
PB(Command) * story_command(struct story *story, const char *request, const char *agent,
                            const char *callback);
void story_accept(struct story *story, const char *agent); /* the last offer */
void story_decline(struct story *story, const char *agent);
void story_dial(struct story *story, const char *agent, const char *callback);
void story_end(struct story *story, const char *agent, const char *callback);
void story_cancel(struct story *story, const char *callback);
PB(Command) * story_schedule(struct story *story, const char *request, const char *agent,
                             const char *interaction, int64_t due_ms);
/* Send a prepared command. */
void story_do(struct story *story, const PB(Command) * command);

/* --- what came out --- */

/* Effects before this moment are not found any more. */
void story_now_on(struct story *story);
/* The nth (from 0) of a type since then, or NULL; types are the effects': "routing.offer". */
const PB(RoutingEvent) * story_routing(struct story *story, const char *type, size_t nth);
const PB(AnalyticsEvent) * story_analytics(struct story *story, const char *type, size_t nth);
size_t story_count(struct story *story, const char *type);
/* The last result; fails the test if there is none. */
const PB(Result) * story_result(struct story *story);
PB(Reason) story_reason(struct story *story); /* of the last result; UNSPECIFIED: accepted */
/* Sum of a metric's values since story_now_on, and how many there were. */
int64_t story_metric(struct story *story, PB(MetricName) name, const char *queue, size_t *count);
/* The callback as it stands, or NULL if it has ended or never was. */
const PB(CallbackEntity) * story_callback(struct story *story, const char *callback);
PB(CallbackState) story_state(struct story *story, const char *callback);
const PB(CountersEntity) * story_counters(struct story *story, const char *queue);
/* Whom the standing offer of the last "routing.offer" is for; "" if there was none. */
const char *story_offered_to(struct story *story);
/* The id of the callback that the last accepted result made. */
const char *story_made(struct story *story);

/* --- prepared, to change before sending --- */

/* As story_enter sends it; change place, routing, numbers, version. */
PB(InteractionEvent) *
    story_entered(struct story *story, const char *interaction, const char *queue);
void story_tell(struct story *story, const PB(InteractionEvent) * event);
/* Routing data: skills are words between spaces. */
PB(RoutingData) *
    story_needs(struct story *story, int32_t priority, const char *skills, const char *language);
void story_call_data(struct story *story, const char *interaction, const char *caller_id,
                     const char *caller_name);
void story_flow_entered(struct story *story, const char *interaction, PB(FlowType) type);
/* The interaction as it is known, or NULL. */
const PB(CallEntity) * story_call(struct story *story, const char *interaction);
/* An agent of these skills and languages (words), On Queue, joined to queue, Idle. */
void story_ready_with(struct story *story, const char *agent, const char *queue, const char *skills,
                      const char *languages);

#endif
