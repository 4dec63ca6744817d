/* What the simulated switch, desktops, flows and administration say to the engine: each function
 * makes one record and sends it on the bus. Without a bus nothing is said. */
#ifndef RINGBACK_DAEMON_SIM_SAY_H
#define RINGBACK_DAEMON_SIM_SAY_H

#include "daemon/sim_bus.h"
#include "daemon/sim_model.h"

#include "ringback/v1/presence.pb-c.h"

struct sim_options; /* sim_world.h */

struct sim_say {
    struct sim_bus *bus; /* NULL: silence */
    const struct sim_model *model;
    uint64_t *events;                  /* by domain: made so far, for their ids */
    const struct sim_options *options; /* of the queues */
};

/* Who says it and when. */
struct sim_speaker {
    uint32_t domain;
    int64_t now_ms;
};

enum sim_call_news {
    SIM_CALL_ENTERED,
    SIM_CALL_ABANDONED,
    SIM_CALL_FLOWED_OUT,
    SIM_CALL_CONNECTED,
    SIM_CALL_ENDED,
    SIM_CALL_WRAP_UP_STARTED,
    SIM_CALL_WRAP_UP_ENDED,
};

enum sim_attempt_news {
    SIM_ATTEMPT_RINGING,
    SIM_ATTEMPT_ANSWERED,
    SIM_ATTEMPT_CONNECTED,
    SIM_ATTEMPT_NO_ANSWER,
    SIM_ATTEMPT_HUNG_UP,
    SIM_ATTEMPT_WRAP_UP_ENDED,
};

enum sim_request { SIM_REQUEST_ACCEPT, SIM_REQUEST_DIAL, SIM_REQUEST_END };

enum { sim_number_bytes = 16 };

/* Domain, script, queues and agents, at the start of the day. */
void sim_say_settings(struct sim_say *say, struct sim_speaker speaker);

/* version rises with every news of the call; agent is looked at where there is one. */
void sim_say_call(struct sim_say *say, struct sim_speaker speaker, uint32_t caller,
                  enum sim_call_news news, uint32_t version, int32_t agent);
void sim_say_attempt(struct sim_say *say, struct sim_speaker speaker, const char *attempt_id,
                     enum sim_attempt_news news, uint32_t version, int32_t agent);

void sim_say_presence(struct sim_say *say, struct sim_speaker speaker, int32_t agent,
                      Ringback__V1__Presence presence, uint32_t version);
void sim_say_status(struct sim_say *say, struct sim_speaker speaker, int32_t agent,
                    Ringback__V1__RoutingStatus status, uint32_t version);
void sim_say_joined(struct sim_say *say, struct sim_speaker speaker, int32_t agent,
                    uint32_t version);

/* The flow's Create Callback. */
void sim_say_ask(struct sim_say *say, struct sim_speaker speaker, uint32_t caller,
                 uint32_t version);
void sim_say_request(struct sim_say *say, struct sim_speaker speaker, enum sim_request request,
                     int32_t agent, const char *callback_id, const char *offer_id);

/* The caller whom a conversation, or the request of a flow, is about; -1: none of ours. */
int64_t sim_caller_of(const char *conversation_id);
/* -1: no such agent. */
int32_t sim_agent_of(const struct sim_model *model, const char *agent_id);

/* The caller's number: +972, then 5 and the digits of the customer's id padded to eight, else 3 and
 * those of line and call. */
void sim_number(const struct sim_row *row, char number[sim_number_bytes]);

#endif
