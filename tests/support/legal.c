#include "tests/support/legal.h"

#include <stdlib.h>
#include <string.h>

#include "state/internal.h"

/* A table that grows: fuzzing makes a new one for every handful of events. */
enum { slots_first = 1 << 8, facts_each_max = 16 /* new ones of one effect, and more */ };

enum where { UNBORN, IN_LINE, OFFERED, HELD, OVER };

/* Of a customer who is called first: dialled, on the line, with an agent (chapter 7). */
enum flight { NOT_FLYING, DIALLED, ON_LINE, CONNECTED };

/* Of a callback, an agent, an attempt, a call, a queue, or an id that was seen. */
struct fact {
    uint64_t hash;
    enum where where;
    uint64_t offer, agent, callback; /* hashes of ids */
    bool stay, session_over, offered, cfc;
    enum flight flight;
    uint64_t kept; /* of a callback: the agent; of an agent: the callback (7.3) */
    uint32_t ring; /* of a call that is in a stay, the last that was told */
    struct legal_stays stays;
    int64_t dials, told, talk_ms; /* of a callback: PlaceCalls, told ones; tTalk so far (10.3) */
};

struct legal {
    struct fact *facts;
    size_t slots, used, living;
};

struct legal *legal_create(void)
{
    struct legal *legal = calloc(1, sizeof(*legal));

    if (legal == NULL)
        abort();
    legal->slots = slots_first;
    legal->facts = calloc(legal->slots, sizeof(*legal->facts));
    if (legal->facts == NULL)
        abort();
    return legal;
}

void legal_destroy(struct legal *legal)
{
    free(legal->facts);
    free(legal);
}

/* FNV-1a over kind, domain, id. */
static uint64_t hash_of(char kind, struct slice domain, const char *id)
{
    uint64_t hash = 0xcbf29ce484222325u ^ (uint8_t)kind;

    for (size_t at = 0; at < domain.size; at++)
        hash = (hash ^ domain.data[at]) * 0x100000001b3u;
    hash = (hash ^ '|') * 0x100000001b3u;
    for (; *id != '\0'; id++)
        hash = (hash ^ (uint8_t)*id) * 0x100000001b3u;
    return hash == 0 ? 1 : hash;
}

static struct fact *fact_of(struct legal *legal, uint64_t hash)
{
    size_t at = hash % legal->slots;

    while (legal->facts[at].hash != 0 && legal->facts[at].hash != hash)
        at = (at + 1) % legal->slots;
    if (legal->facts[at].hash == 0) {
        legal->used++;
        legal->facts[at].hash = hash;
    }
    return &legal->facts[at];
}

/* Before a step, never within one: facts move. */
static void make_room(struct legal *legal)
{
    struct legal more = *legal;

    if (legal->used + facts_each_max < legal->slots / 2)
        return;
    more.slots *= 2;
    more.used = 0;
    more.facts = calloc(more.slots, sizeof(*more.facts));
    if (more.facts == NULL)
        abort();
    for (size_t at = 0; at < legal->slots; at++)
        if (legal->facts[at].hash != 0)
            *fact_of(&more, legal->facts[at].hash) = legal->facts[at];
    free(legal->facts);
    *legal = more;
}

static const char *next_offer(struct legal *legal, struct fact *callback, struct slice domain,
                              const PB(Offer) * offer)
{
    struct fact *agent = fact_of(legal, hash_of('a', domain, offer->agent_id));

    if (callback->where != IN_LINE || callback->flight != NOT_FLYING)
        return "offered while not in line";
    if (agent->offered)
        return "an agent in two offers (5.6)";
    if (agent->kept != 0)
        return "offered to who is kept for another (7.3)";
    agent->offered = true;
    callback->where = OFFERED;
    callback->offer = hash_of('o', domain, offer->offer_id);
    callback->agent = agent->hash;
    return NULL;
}

static const char *offer_over(struct legal *legal, struct fact *callback, struct slice domain,
                              const char *offer_id, const char *agent_id, enum where where)
{
    if (callback->where != OFFERED)
        return "an offer ends that is none";
    if (callback->offer != hash_of('o', domain, offer_id))
        return "another offer ends than the one that is out";
    if (agent_id != NULL && callback->agent != hash_of('a', domain, agent_id))
        return "an offer ends at another agent";
    fact_of(legal, callback->agent)->offered = false;
    callback->where = where;
    return NULL;
}

static const char *next_place_call(struct legal *legal, struct fact *callback, struct slice domain,
                                   const PB(PlaceCall) * place)
{
    struct fact *attempt = fact_of(legal, hash_of('t', domain, place->attempt_id));

    if (place->customer_first) {
        if (callback->where != IN_LINE || callback->flight != NOT_FLYING || attempt->callback != 0)
            return "called first while not waiting (7.2)";
        callback->flight = DIALLED;
        attempt->callback = callback->hash;
        return place->agent_id[0] == '\0' ? NULL : "called first, and yet for an agent";
    }
    if (callback->where != HELD || callback->agent != hash_of('a', domain, place->agent_id))
        return "dialled for an agent who does not have it";
    if (attempt->callback != 0)
        return "one attempt id is dialled twice (6.4)";
    attempt->callback = callback->hash;
    return NULL;
}

/* An offer that is declined has ended before the answer says so: the callback may end with it (3.4,
 * 12.13). */
static void end_declined(struct legal *legal, struct fact *callback, struct slice domain,
                         const struct input_event *cause)
{
    const PB(Command) *command =
        cause == NULL || cause->input != INPUT_COMMANDS ? NULL : (const PB(Command) *)cause->event;

    if (callback->where == OFFERED && command != NULL &&
        command->command_case == RINGBACK__V1__COMMAND__COMMAND_DECLINE &&
        callback->offer == hash_of('o', domain, command->decline->offer_id) &&
        callback->agent == hash_of('a', domain, command->agent_id)) {
        fact_of(legal, callback->agent)->offered = false;
        callback->where = IN_LINE;
    }
}

/* Into its queue, or to a flow, after which nothing but its end comes. */
static const char *next_transfer(struct legal *legal, struct fact *callback, struct slice domain,
                                 const PB(TransferToQueue) * transfer)
{
    if (fact_of(legal, hash_of('t', domain, transfer->attempt_id))->callback != callback->hash)
        return "transfers another's attempt";
    if ((transfer->place == NULL) != (transfer->flow_id[0] != '\0'))
        return "transfers to a queue and a flow, or to neither (7.4)";
    if (callback->where != IN_LINE || callback->flight == CONNECTED ||
        (transfer->place == NULL && callback->flight != DIALLED))
        return "transfers who is not called first (7.1)";
    if (transfer->place != NULL)
        callback->flight = ON_LINE;
    return NULL;
}

static const char *next_reserve(struct legal *legal, struct fact *callback, struct slice domain,
                                const PB(ReserveAgent) * reserve)
{
    struct fact *agent = fact_of(legal, hash_of('a', domain, reserve->agent_id));

    if (fact_of(legal, hash_of('t', domain, reserve->attempt_id))->callback != callback->hash ||
        (callback->flight != DIALLED && callback->flight != ON_LINE))
        return "an agent is kept for no dial (7.3)";
    if (agent->kept != 0 || callback->kept != 0 || agent->offered)
        return "an agent is kept for two, or two for one (7.3)";
    agent->kept = callback->hash;
    callback->kept = agent->hash;
    return NULL;
}

static const char *next_release(struct legal *legal, struct fact *callback, struct slice domain,
                                const PB(ReleaseAgent) * release)
{
    struct fact *agent = fact_of(legal, hash_of('a', domain, release->agent_id));

    if (agent->kept != callback->hash || callback->kept != agent->hash)
        return "an agent is released who was not kept (7.3)";
    agent->kept = callback->kept = 0;
    return NULL;
}

static const char *next_ended(struct legal *legal, struct fact *callback)
{
    if (callback->kept != 0)
        return "ends while somebody is kept for it (7.3)";
    if (callback->where != IN_LINE)
        return "ends while an agent is offered it or has it";
    callback->where = OVER;
    legal->living--;
    return NULL;
}

/* Rings rise, within a stay, and the last word is everybody (4.2). */
static const char *next_prefer(struct legal *legal, struct slice domain,
                               const PB(PreferAgents) * prefer)
{
    struct fact *call = fact_of(legal, hash_of('l', domain, prefer->interaction_id));
    uint32_t ring = prefer->ring == 0 ? RING_ALL : prefer->ring;

    if (!call->stay)
        return "agents preferred for who is in no line";
    if (ring <= call->ring || ring > RING_ALL)
        return "a ring that does not come after the one before";
    if (prefer->ring == 0 && prefer->n_agent_ids > 0)
        return "everybody, and yet a list";
    call->ring = ring;
    return NULL;
}

#define ROUTING_CASE(NAME) RINGBACK__V1__ROUTING_EVENT__EVENT_##NAME

static const char *next_routing(struct legal *legal, struct slice domain,
                                const PB(RoutingEvent) * event, const struct input_event *cause)
{
    struct fact *callback = fact_of(legal, hash_of('c', domain, event->callback_id));

    if (event->event_case == ROUTING_CASE(HANG_UP)) {
        struct fact *attempt = fact_of(legal, hash_of('t', domain, event->hang_up->attempt_id));

        if (event->callback_id[0] == '\0')
            return NULL; /* an attempt that we know nothing of any more */
        return attempt->callback == callback->hash ? NULL : "hangs up another's attempt";
    }
    if (event->event_case == ROUTING_CASE(PREFER_AGENTS))
        return next_prefer(legal, domain, event->prefer_agents);
    if (event->event_case == ROUTING_CASE(QUEUE_STATUS))
        return event->queue_status->offer_callback == (event->queue_status->reason == 0)
                   ? NULL
                   : "offers a callback and says why not (12.9)";
    if (event->event_case == ROUTING_CASE(CUSTOMER_POSITION))
        return callback->where == IN_LINE && event->customer_position->position > 0
                   ? NULL
                   : "the position of one who is not in line (12.5)";
    if (callback->where == UNBORN || callback->where == OVER)
        return "a routing event before a callback's start or after its end";
    if (event->event_case == ROUTING_CASE(OFFER))
        return next_offer(legal, callback, domain, event->offer);
    if (event->event_case == ROUTING_CASE(REVOKE))
        return offer_over(legal, callback, domain, event->revoke->offer_id, event->revoke->agent_id,
                          IN_LINE);
    if (event->event_case == ROUTING_CASE(CALLBACK_ASSIGNED) &&
        event->callback_assigned->offer_id[0] == '\0') { /* a call that followed by the switch */
        if (callback->where != IN_LINE)
            return "handed over without having been taken from an agent (6.6)";
        callback->where = HELD;
        callback->agent = hash_of('a', domain, event->callback_assigned->agent_id);
        return NULL;
    }
    if (event->event_case == ROUTING_CASE(CALLBACK_ASSIGNED))
        return offer_over(legal, callback, domain, event->callback_assigned->offer_id,
                          event->callback_assigned->agent_id, HELD);
    callback->dials += event->event_case == ROUTING_CASE(PLACE_CALL);
    if (event->event_case == ROUTING_CASE(PLACE_CALL))
        return next_place_call(legal, callback, domain, event->place_call);
    if (event->event_case == ROUTING_CASE(TRANSFER_TO_QUEUE))
        return next_transfer(legal, callback, domain, event->transfer_to_queue);
    if (event->event_case == ROUTING_CASE(RESERVE_AGENT))
        return next_reserve(legal, callback, domain, event->reserve_agent);
    if (event->event_case == ROUTING_CASE(RELEASE_AGENT))
        return next_release(legal, callback, domain, event->release_agent);
    if (event->event_case == ROUTING_CASE(CALLBACK_ENDED)) {
        end_declined(legal, callback, domain, cause);
        return next_ended(legal, callback);
    }
    if (event->event_case != ROUTING_CASE(AGENT_RELEASED))
        return event->event_case == ROUTING_CASE(CALLBACK_NOTICE) ? NULL : "not built yet";
    if (callback->where != HELD ||
        callback->agent != hash_of('a', domain, event->agent_released->agent_id))
        return "taken from an agent who does not have it";
    callback->where = IN_LINE;
    return NULL;
}

/* Beside the usual ones, of the same stays, and the queue's alone (10.4). */
static const char *next_cfc(struct fact *item, const PB(AnalyticsEvent) * event)
{
    PB(MetricName) name = event->metric->name;

    if (event->agent_id[0] != '\0')
        return "a customer-first metric of an agent (7.8)";
    if (name == METRIC(T_CFC_ACD))
        return item->flight == CONNECTED ? NULL : "waited for an agent who is not there";
    if (name == METRIC(N_CFC_OFFERED) ? !item->stay || item->cfc : item->stay || !item->cfc)
        return "a customer-first stay that is none (10.4)";
    item->cfc = name == METRIC(N_CFC_OFFERED);
    return NULL;
}

/* What sums up to something (10.3, 10.6). */
static const char *next_work(struct fact *item, const PB(Metric) * metric)
{
    if (metric->name == METRIC(N_OUTBOUND_ATTEMPTED))
        return ++item->told == item->dials ? NULL : "a dial that was none, or is told twice";
    if (metric->name == METRIC(N_CALLBACK_ATTEMPTS))
        return metric->value == item->dials ? NULL : "dials were forgotten";
    if (metric->name == METRIC(T_TALK))
        item->talk_ms += metric->value;
    if (metric->name == METRIC(T_TALK_COMPLETE) && metric->value != item->talk_ms)
        return "not all talk, or more";
    if (metric->name == METRIC(T_HANDLE) && item->where != HELD && item->flight != CONNECTED)
        return "handled by nobody";
    return NULL;
}

static const char *next_metric(struct legal *legal, struct slice domain,
                               const PB(AnalyticsEvent) * event)
{
    bool live = event->callback_id[0] == '\0';
    struct fact *item = fact_of(legal, hash_of(live ? 'l' : 'c', domain,
                                               live ? event->interaction_id : event->callback_id));
    struct legal_stays *stays =
        &fact_of(legal, hash_of(live ? 'L' : 'C', domain, event->queue_id))->stays;
    PB(MetricName) name = event->metric->name;

    if (event->metric->value < 0)
        return "a metric below 0";
    if (name >= METRIC(N_CFC_OFFERED))
        return next_cfc(item, event);
    if (name >= METRIC(T_ACD))
        return live && name != METRIC(N_OVER_SLA) && name != METRIC(O_SERVICE_LEVEL)
                   ? "a callback's metric of a live call"
                   : next_work(item, event->metric);
    if (name == METRIC(N_OFFERED)) {
        if (item->stay || item->cfc)
            return "in line twice at once (10.6)";
        stays->offered++;
        item->stay = true;
        item->ring = 0;
        return NULL;
    }
    stays->answered += name == METRIC(T_ANSWERED);
    stays->abandoned += name == METRIC(T_ABANDON);
    stays->flow_out += name == METRIC(T_FLOW_OUT);
    if (!item->stay)
        return "a stay ends that did not begin, or twice (10.6)";
    item->stay = false;
    if (name == METRIC(T_ANSWERED) && !live && item->where == IN_LINE)
        item->flight = CONNECTED;
    return NULL;
}

#define ANALYTICS_CASE(NAME) RINGBACK__V1__ANALYTICS_EVENT__EVENT_##NAME

static const char *next_analytics(struct legal *legal, struct slice domain,
                                  const PB(AnalyticsEvent) * event)
{
    struct fact *callback = fact_of(legal, hash_of('c', domain, event->callback_id));

    if (event->event_case == ANALYTICS_CASE(METRIC) && event->callback_id[0] == '\0')
        return next_metric(legal, domain, event);
    if (event->event_case == ANALYTICS_CASE(SESSION_STARTED)) {
        if (callback->where != UNBORN)
            return "a callback begins twice";
        callback->where = IN_LINE;
        legal->living++;
        return NULL;
    }
    if (event->event_case == ANALYTICS_CASE(SESSION_ENDED)) {
        if (callback->where != OVER || callback->session_over)
            return "a session ends twice, or before its callback";
        callback->session_over = true;
        if (callback->told != callback->dials)
            return "a dial was not told";
        return callback->stay || callback->cfc ? "ends in a stay (10.6)" : NULL;
    }
    if (callback->where == UNBORN || callback->where == OVER)
        return "analytics before a callback's start or after its end";
    if (event->event_case == ANALYTICS_CASE(METRIC))
        return next_metric(legal, domain, event);
    if (event->event_case == ANALYTICS_CASE(SEGMENT) && callback->flight == DIALLED &&
        event->segment->type == SEGMENT(CONTACTING))
        callback->flight = NOT_FLYING; /* the dial is over; what comes of it follows */
    if (event->event_case == ANALYTICS_CASE(SEGMENT) &&
        event->segment->end_ms < event->segment->start_ms)
        return "a segment ends before it starts";
    return NULL;
}

static const char *next_result(struct legal *legal, struct slice domain, const PB(Result) * result,
                               const struct input_event *cause)
{
    const PB(Command) * command;
    struct fact *callback;

    if (cause == NULL)
        return "an answer to nobody";
    if (cause->input != INPUT_COMMANDS ||
        result->answer_case != RINGBACK__V1__RESULT__ANSWER_COMMAND_ACCEPTED)
        return NULL;
    command = (const PB(Command) *)cause->event;
    if (command->command_case != RINGBACK__V1__COMMAND__COMMAND_DECLINE)
        return NULL;
    callback = fact_of(legal, hash_of('c', domain, command->callback_id));
    if (callback->where != OFFERED ||
        callback->offer != hash_of('o', domain, command->decline->offer_id))
        return NULL; /* a repeated answer */
    return offer_over(legal, callback, domain, command->decline->offer_id, command->agent_id,
                      IN_LINE);
}

const char *legal_next(struct legal *legal, const struct effect *effect,
                       const struct input_event *cause)
{
    const PB(RoutingEvent) *routing = (const PB(RoutingEvent) *)effect->message;

    make_room(legal);
    if (effect->topic == TOPIC_RESULTS)
        return next_result(legal, effect->domain, (const PB(Result) *)effect->message, cause);
    if (effect->topic == TOPIC_ANALYTICS ||
        routing->event_case != ROUTING_CASE(HANG_UP)) { /* which answers a repeat, too */
        struct fact *id = fact_of(legal, hash_of('#', effect->domain, effect->id));

        if (id->offered)
            return "two effects have one id";
        id->offered = true;
    }
    if (effect->topic == TOPIC_ROUTING)
        return next_routing(legal, effect->domain, routing, cause);
    return next_analytics(legal, effect->domain, (const PB(AnalyticsEvent) *)effect->message);
}

struct legal_stays legal_stays(struct legal *legal, struct slice domain, const char *queue,
                               bool live)
{
    make_room(legal);
    return fact_of(legal, hash_of(live ? 'L' : 'C', domain, queue))->stays;
}

size_t legal_living(const struct legal *legal)
{
    return legal->living;
}
