/* What people and platforms of a story say to the engine: each maker turns one event of the file
 * into the records that a switch, platform, flow engine or desktop would send. */
#ifndef RINGBACK_DAEMON_CHECK_SAY_H
#define RINGBACK_DAEMON_CHECK_SAY_H

#include "daemon/check_run.h"

/* What is known of a callback by its name in the story. */
struct check_name {
    const char *name;
    const char *request; /* that makes it */
    const char *id;      /* NULL: it is not made (yet) */
    const char *offer_id;
    const char *attempt_id;
};

/* A live interaction, as the switch knows it. */
struct check_caller {
    const char *name;
    const char *number; /* "": withheld */
    const char *dialled;
    const char *queue; /* the last it entered; NULL: none */
    int64_t entry_ms;
    bool waits;
    Ringback__V1__Media media;
    const struct check_event *entered; /* its routing data stand there */
    uint64_t version;
};

/* What a maker sees of the run. */
struct check_voice {
    const struct check_story *story;
    struct arena *arena;
    const struct check_event *event;
    int64_t now_ms;
    uint64_t *version; /* rises with everything that is said */
};

/* --- check_run.c's, for makers --- */

struct check_voice check_voice(struct check_run *run);
/* Sends one record of the event's verb's topic; makers fill ids. */
void check_send(struct check_run *run, enum input input, const ProtobufCMessage *message);
/* The id of the request that the event makes. */
char *check_request_id(struct check_run *run);
struct check_name *check_name(struct check_run *run, const char *name);
struct check_caller *check_caller(struct check_run *run, const char *name);
/* The event cannot be told: nobody was dialled, say. */
void check_cannot(struct check_run *run, const char *why);

#define CHECK_MAKER_MAP(X)                                                                         \
    X(ready)                                                                                       \
    X(presence)                                                                                    \
    X(status)                                                                                      \
    X(join)                                                                                        \
    X(accept)                                                                                      \
    X(decline)                                                                                     \
    X(dial)                                                                                        \
    X(end)                                                                                         \
    X(transfer)                                                                                    \
    X(snooze)                                                                                      \
    X(schedule)                                                                                    \
    X(reschedule)                                                                                  \
    X(reassign)                                                                                    \
    X(cancel)                                                                                      \
    X(enter)                                                                                       \
    X(alert)                                                                                       \
    X(connect)                                                                                     \
    X(leave)                                                                                       \
    X(abandon)                                                                                     \
    X(hang_up)                                                                                     \
    X(wrap_up)                                                                                     \
    X(wrapped_up)                                                                                  \
    X(enter_flow)                                                                                  \
    X(set_caller_id)                                                                               \
    X(ask_callback)                                                                                \
    X(leave_voicemail)                                                                             \
    X(ring)                                                                                        \
    X(answer)                                                                                      \
    X(customer_connect)                                                                            \
    X(call_ends)                                                                                   \
    X(customer_wrapped_up)                                                                         \
    X(customer_snooze)                                                                             \
    X(campaign_schedule)                                                                           \
    X(change)                                                                                      \
    X(remove)

#define CHECK_MAKER_DECLARE_(name) check_maker check_say_##name;
CHECK_MAKER_MAP(CHECK_MAKER_DECLARE_)
#undef CHECK_MAKER_DECLARE_

/* The records of an item of settings. */
void check_say_settings(struct check_run *run, const struct settings *settings);

#endif
