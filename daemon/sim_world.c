#include "daemon/sim_world.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"
#include "daemon/command.h"
#include "daemon/sim_draw.h"
#include "daemon/sim_say.h"

/* X(name, function, input of what it sends): what can happen to a caller (who = caller), and from
 * COMES on to an agent (who = agent). */
#define ACT_MAP(X)                                                                                 \
    X(ENTERS, enters, INTERACTIONS)                                                                \
    X(HANGS_UP, hangs_up, INTERACTIONS)                                                            \
    X(IS_ASKED, is_asked, FLOWS)                                                                   \
    X(FLOWS_OUT, flows_out, INTERACTIONS)                                                          \
    X(IS_CONFIRMED, is_confirmed, INTERACTIONS)                                                    \
    X(TALK_ENDS, talk_ends, INTERACTIONS)                                                          \
    X(WRAP_UP_ENDS, wrap_up_ends, INTERACTIONS)                                                    \
    X(RINGS, rings, INTERACTIONS)                                                                  \
    X(DIAL_ENDS, dial_ends, INTERACTIONS)                                                          \
    X(IS_ON_LINE, is_on_line, INTERACTIONS)                                                        \
    X(CALLED_HANGS_UP, called_hangs_up, INTERACTIONS)                                              \
    X(CALLED_TALK_ENDS, called_talk_ends, INTERACTIONS)                                            \
    X(CALLED_WRAP_UP_ENDS, called_wrap_up_ends, INTERACTIONS)                                      \
    X(COMES, comes, PRESENCE)                                                                      \
    X(LEAVES, leaves, PRESENCE)                                                                    \
    X(SHOWS_STATUS, shows_status, PRESENCE)                                                        \
    X(ERRAND_COMES, errand_comes, PRESENCE)                                                        \
    X(ERRAND_ENDS, errand_ends, PRESENCE)                                                          \
    X(IS_HELD_NO_MORE, is_held_no_more, INTERACTIONS)                                              \
    X(ACCEPTS, accepts, COMMANDS)                                                                  \
    X(DIALS, dials, COMMANDS)                                                                      \
    X(GIVES_UP, gives_up, COMMANDS)                                                                \
    X(LOGS_OFF, logs_off, PRESENCE)

#define ACT_ENUM_(name, function, input) ACT_##name,
enum act_kind { ACT_MAP(ACT_ENUM_) ACT_COUNT };
#undef ACT_ENUM_

struct act {
    int64_t time_ms;
    uint64_t number; /* in the order of making */
    uint32_t domain;
    uint32_t who;
    uint32_t extra; /* what the act needs to know whether it still holds */
    enum act_kind kind;
};

/* CALLED: he was called first, has answered, and waits for an agent. */
enum step { STEP_AWAY, STEP_IN_LINE, STEP_GOES, STEP_TALKS, STEP_GONE, STEP_CALLED };

struct caller {
    struct sim_call *call;
    int64_t patience_ms, talk_ms;
    const char *callback_id; /* NULL: none lives */
    const char *attempt_id;  /* NULL: none lives */
    uint32_t version;        /* of the call's news */
    uint32_t attempt_version;
    enum step step;
};

/* KEPT: idle, and reserved for a dial (7.3). */
enum mode { MODE_ABSENT, MODE_FREE, MODE_BUSY, MODE_OFFERED, MODE_HOLDING, MODE_KEPT };

struct agent {
    enum mode mode;
    int64_t mode_since_ms;
    int64_t idle_since_ms; /* 5.4 */
    int64_t held_until_ms; /* no live call before */
    uint32_t caller;       /* in BUSY (with a call), OFFERED, HOLDING, KEPT */
    uint32_t offers;       /* made to him so far: which one an act is about */
    uint32_t holds;
    size_t span; /* spans begun */
    size_t errands_due, errands_done;
    bool span_over, joined;
    uint32_t status, presence_version, status_version;
    const char *offer_id;
};

/* Those who wait for one service of one domain, live or promised a callback; in no order. */
struct line {
    uint32_t *callers;
    size_t count, room;
};

struct world {
    const struct sim_model *model;
    const struct sim_options *options;
    struct sim_outcome_of_run *outcome;
    struct arena *arena;
    struct sim_say say;
    struct caller *callers;       /* [domain][caller] */
    struct agent *agents;         /* [domain][agent] */
    struct line *live, *promised; /* [domain][service] */
    struct act *acts;             /* a binary heap */
    size_t act_count, act_room;
    uint64_t acts_made;
    int64_t now_ms;
    enum input input; /* of the act being done; INPUT_COUNT: a timer's effects are heard */
    uint32_t domain;
};

struct act_rule {
    enum input input;
    void (*run)(struct world *world, const struct act *act);
};
static const struct act_rule rules[ACT_COUNT];

static bool act_before(const struct act *a, const struct act *b)
{
    if (a->time_ms != b->time_ms)
        return a->time_ms < b->time_ms;
    if (rules[a->kind].input != rules[b->kind].input)
        return rules[a->kind].input < rules[b->kind].input;
    return a->number < b->number;
}

/* Make an act of the domain at hand; never before what is being done now. */
static void will(struct world *world, int64_t time_ms, enum act_kind kind, uint32_t who,
                 uint32_t extra)
{
    struct act act = {time_ms, world->acts_made++, world->domain, who, extra, kind};
    size_t at = world->act_count++;

    if (act.time_ms < world->now_ms)
        act.time_ms = world->now_ms;
    act.time_ms += act.time_ms == world->now_ms && rules[kind].input < world->input;
    if (at == world->act_room) {
        world->act_room = world->act_room * 2 + 4096;
        world->acts = memory_grow(world->acts, world->act_room * sizeof(act), "what will happen");
    }
    for (; at > 0 && act_before(&act, &world->acts[(at - 1) / 2]); at = (at - 1) / 2)
        world->acts[at] = world->acts[(at - 1) / 2];
    world->acts[at] = act;
}

static struct act take_act(struct world *world)
{
    struct act first = world->acts[0], last = world->acts[--world->act_count];
    size_t at = 0;

    for (size_t child; (child = at * 2 + 1) < world->act_count; at = child) {
        if (child + 1 < world->act_count &&
            act_before(&world->acts[child + 1], &world->acts[child]))
            child++;
        if (!act_before(&world->acts[child], &last))
            break;
        world->acts[at] = world->acts[child];
    }
    world->acts[at] = last;
    return first;
}

static struct sim_speaker speaker(const struct world *world)
{
    return (struct sim_speaker){world->domain, world->now_ms};
}

static struct caller *caller_of(const struct world *world, uint32_t caller)
{
    return &world->callers[world->domain * world->model->caller_count + caller];
}

static struct agent *agent_of(const struct world *world, uint32_t agent)
{
    return &world->agents[world->domain * world->model->agent_count + agent];
}

static struct line *line_of(const struct world *world, struct line *lines, uint32_t caller)
{
    size_t service = (size_t)world->model->callers[caller].row->service;

    return &lines[world->domain * world->model->service_count + service];
}

static void line_add(struct line *line, uint32_t caller)
{
    if (line->count == line->room) {
        line->room = line->room * 2 + 64;
        line->callers = memory_grow(line->callers, line->room * sizeof(caller), "a line");
    }
    line->callers[line->count++] = caller;
}

static void line_remove(struct line *line, uint32_t caller)
{
    for (size_t i = 0; i < line->count; i++) {
        if (line->callers[i] == caller) {
            line->callers[i] = line->callers[--line->count];
            return;
        }
    }
}

/* Rule 5.1 for calls of one priority. */
static bool ranks_before(const struct world *world, uint32_t a, uint32_t b)
{
    int64_t x = world->model->callers[a].entry_ms, y = world->model->callers[b].entry_ms;

    return x != y ? x < y : a < b;
}

static uint32_t count_ahead(const struct world *world, const struct line *line, uint32_t caller)
{
    uint32_t count = 0;

    for (size_t i = 0; i < line->count; i++)
        count += ranks_before(world, line->callers[i], caller);
    return count;
}

static void set_mode(struct world *world, struct agent *agent, enum mode mode)
{
    int64_t elapsed_ms = world->now_ms - agent->mode_since_ms;

    if (agent->mode != MODE_ABSENT)
        world->outcome->present_ms += elapsed_ms;
    if (agent->mode != MODE_ABSENT && agent->mode != MODE_FREE && agent->mode != MODE_KEPT)
        world->outcome->busy_ms += elapsed_ms;
    agent->mode = mode;
    agent->mode_since_ms = world->now_ms;
}

static void show_status(struct world *world, uint32_t who, Ringback__V1__RoutingStatus status)
{
    will(world, world->now_ms, ACT_SHOWS_STATUS, who, (uint32_t)status);
}

/* No live call for the agent until the engine could offer a callback (contract.md). */
static void hold(struct world *world, uint32_t who)
{
    struct agent *agent = agent_of(world, who);

    agent->held_until_ms = world->now_ms + sim_hold_ms;
    will(world, agent->held_until_ms, ACT_IS_HELD_NO_MORE, who, ++agent->holds);
}

/* The agent has nothing more to do at the moment. */
static void becomes_free(struct world *world, uint32_t who)
{
    struct agent *agent = agent_of(world, who);

    agent->idle_since_ms = world->now_ms;
    set_mode(world, agent, MODE_FREE);
    if (agent->errands_done < agent->errands_due) {
        set_mode(world, agent, MODE_BUSY);
        will(world, world->now_ms, ACT_ERRAND_COMES, who, 1);
    } else if (agent->span_over) {
        set_mode(world, agent, MODE_BUSY);
        will(world, world->now_ms, ACT_LEAVES, who, 0);
    } else {
        show_status(world, who, RINGBACK__V1__ROUTING_STATUS__ROUTING_STATUS_IDLE);
        hold(world, who);
    }
}

static void say_call(struct world *world, uint32_t who, enum sim_call_news news)
{
    struct caller *caller = caller_of(world, who);

    sim_say_call(&world->say, speaker(world), who, news, ++caller->version, caller->call->agent);
}

static void say_attempt(struct world *world, uint32_t who, enum sim_attempt_news news)
{
    struct caller *caller = caller_of(world, who);

    sim_say_attempt(&world->say, speaker(world), caller->attempt_id, news,
                    ++caller->attempt_version, caller->call->agent);
}

/* The same for a customer who was called first. */
static void connect_called(struct world *world, uint32_t who, uint32_t agent_index)
{
    struct caller *caller = caller_of(world, who);
    struct agent *agent = agent_of(world, agent_index);

    line_remove(line_of(world, world->live, who), who);
    caller->step = STEP_TALKS;
    caller->call->agent = (int32_t)agent_index;
    caller->call->reached_ms = world->now_ms;
    caller->call->line_wait_ms = world->now_ms - caller->call->answered_ms;
    set_mode(world, agent, MODE_BUSY);
    agent->caller = who;
    say_attempt(world, who, SIM_ATTEMPT_CONNECTED);
    show_status(world, agent_index, RINGBACK__V1__ROUTING_STATUS__ROUTING_STATUS_INTERACTING);
    will(world, world->now_ms + caller->talk_ms, ACT_CALLED_TALK_ENDS, who, 0);
}

/* The switch connects a caller of the line with a free agent. */
static void connect(struct world *world, uint32_t who, uint32_t agent_index)
{
    struct caller *caller = caller_of(world, who);
    struct agent *agent = agent_of(world, agent_index);

    if (caller->step == STEP_CALLED) {
        connect_called(world, who, agent_index);
        return;
    }
    line_remove(line_of(world, world->live, who), who);
    caller->step = STEP_TALKS;
    caller->call->fate = SIM_FATE_SERVED;
    caller->call->agent = (int32_t)agent_index;
    caller->call->wait_ms = world->now_ms - world->model->callers[who].arrive_ms;
    set_mode(world, agent, MODE_BUSY);
    agent->caller = who;
    say_call(world, who, SIM_CALL_CONNECTED);
    show_status(world, agent_index, RINGBACK__V1__ROUTING_STATUS__ROUTING_STATUS_INTERACTING);
    will(world, world->now_ms + caller->talk_ms, ACT_TALK_ENDS, who, 0);
}

static bool kept_for(const struct agent *agent, uint32_t who)
{
    return agent->mode == MODE_KEPT && agent->caller == who;
}

/* Somebody who serves him has nothing to do, be it that the switch still holds him. */
static bool somebody_free(const struct world *world, uint32_t who)
{
    const struct sim_row *row = world->model->callers[who].row;

    for (uint32_t i = 0; i < world->model->agent_count; i++)
        if (world->model->agents[i].serves[row->service] &&
            (agent_of(world, i)->mode == MODE_FREE || kept_for(agent_of(world, i), who)))
            return true;
    return false;
}

/* Rule 5.4: longest idle, then the id; ids sort as indexes do. Who is kept for him comes first. */
static int64_t agent_for(const struct world *world, uint32_t who)
{
    const struct sim_row *row = world->model->callers[who].row;
    int64_t best = -1;

    for (uint32_t i = 0; i < world->model->agent_count; i++) {
        const struct agent *agent = agent_of(world, i);

        if (kept_for(agent, who))
            return i;
        if (agent->mode != MODE_FREE || agent->held_until_ms > world->now_ms ||
            !world->model->agents[i].serves[row->service])
            continue;
        if (best < 0 || agent->idle_since_ms < agent_of(world, (uint32_t)best)->idle_since_ms)
            best = i;
    }
    return best;
}

static void enters(struct world *world, const struct act *act)
{
    struct caller *caller = caller_of(world, act->who);
    int64_t arrive_ms = world->model->callers[act->who].arrive_ms, agent;
    const struct sim_options *options = world->options;

    caller->step = STEP_IN_LINE;
    line_add(line_of(world, world->live, act->who), act->who);
    say_call(world, act->who, SIM_CALL_ENTERED);
    agent = agent_for(world, act->who);
    if (agent >= 0) {
        connect(world, act->who, (uint32_t)agent);
        return;
    }
    if (caller->patience_ms != SIM_FOREVER_MS)
        will(world, arrive_ms + caller->patience_ms, ACT_HANGS_UP, act->who, 0);
    if (world->say.bus != NULL && sim_uniform((uint64_t)options->seed, SIM_DRAW_ACCEPT,
                                              world->domain, act->who, 0) < options->accept)
        will(world, arrive_ms + options->offer_after_ms, ACT_IS_ASKED, act->who, 0);
}

static void hangs_up(struct world *world, const struct act *act)
{
    struct caller *caller = caller_of(world, act->who);

    if (caller->step != STEP_IN_LINE)
        return;
    line_remove(line_of(world, world->live, act->who), act->who);
    caller->step = STEP_GONE;
    caller->call->fate = SIM_FATE_ABANDONED;
    caller->call->wait_ms = world->now_ms - world->model->callers[act->who].arrive_ms;
    say_call(world, act->who, SIM_CALL_ABANDONED);
    say_call(world, act->who, SIM_CALL_ENDED);
}

/* He takes the callback that the flow offers. */
static void is_asked(struct world *world, const struct act *act)
{
    struct caller *caller = caller_of(world, act->who);

    if (caller->step != STEP_IN_LINE)
        return;
    caller->call->asked_ms = world->now_ms;
    caller->call->live_ahead = count_ahead(world, line_of(world, world->live, act->who), act->who);
    caller->call->callbacks_ahead =
        count_ahead(world, line_of(world, world->promised, act->who), act->who);
    sim_say_ask(&world->say, speaker(world), act->who, caller->version);
}

static void flows_out(struct world *world, const struct act *act)
{
    say_call(world, act->who, SIM_CALL_FLOWED_OUT);
    will(world, world->now_ms + sim_confirm_ms, ACT_IS_CONFIRMED, act->who, 0);
}

static void is_confirmed(struct world *world, const struct act *act)
{
    caller_of(world, act->who)->step = STEP_GONE;
    say_call(world, act->who, SIM_CALL_ENDED);
}

static void talk_ends(struct world *world, const struct act *act)
{
    caller_of(world, act->who)->step = STEP_GONE;
    say_call(world, act->who, SIM_CALL_ENDED);
    say_call(world, act->who, SIM_CALL_WRAP_UP_STARTED);
    will(world, world->now_ms + sim_wrap_ms, ACT_WRAP_UP_ENDS, act->who, 0);
}

static void wrap_up_ends(struct world *world, const struct act *act)
{
    say_call(world, act->who, SIM_CALL_WRAP_UP_ENDED);
    becomes_free(world, (uint32_t)caller_of(world, act->who)->call->agent);
}

static void rings(struct world *world, const struct act *act)
{
    if (caller_of(world, act->who)->attempt_id != NULL)
        say_attempt(world, act->who, SIM_ATTEMPT_RINGING);
}

static void dial_ends(struct world *world, const struct act *act)
{
    struct caller *caller = caller_of(world, act->who);
    struct sim_call *call = caller->call;
    bool answered = sim_uniform((uint64_t)world->options->seed, SIM_DRAW_ANSWER, world->domain,
                                act->who, call->attempts - 1) < world->options->answer;

    if (caller->attempt_id == NULL)
        return;
    if (answered && world->options->customer_first) {
        call->answered_ms = world->now_ms;
        line_remove(line_of(world, world->promised, act->who), act->who);
        say_attempt(world, act->who, SIM_ATTEMPT_ANSWERED); /* he is on the line next */
        return;
    }
    if (answered) {
        call->reached_ms = world->now_ms;
        line_remove(line_of(world, world->promised, act->who), act->who);
        say_attempt(world, act->who, SIM_ATTEMPT_ANSWERED);
        say_attempt(world, act->who, SIM_ATTEMPT_CONNECTED);
        will(world, world->now_ms + caller->talk_ms, ACT_CALLED_TALK_ENDS, act->who, 0);
        return;
    }
    if (world->options->customer_first) {
        say_attempt(world, act->who, SIM_ATTEMPT_NO_ANSWER);
        caller->attempt_id = NULL;
        return;
    }
    /* The agent may be taken off at once (6.2); if not, he ends the callback himself. */
    will(world, world->now_ms + sim_preview_ms, ACT_GIVES_UP, (uint32_t)call->agent, act->who);
    say_attempt(world, act->who, SIM_ATTEMPT_NO_ANSWER);
    caller->attempt_id = NULL;
}

/* The engine transferred him to his place in the line (7.1). */
static void is_on_line(struct world *world, const struct act *act)
{
    struct caller *caller = caller_of(world, act->who);
    int64_t patience_ms = sim_model_patience_called(world->model, act->who,
                                                    (uint64_t)world->options->seed, world->domain);
    int64_t agent;

    caller->step = STEP_CALLED;
    caller->call->alone = !somebody_free(world, act->who);
    line_add(line_of(world, world->live, act->who), act->who);
    agent = agent_for(world, act->who);
    if (agent >= 0)
        connect(world, act->who, (uint32_t)agent);
    else if (patience_ms != SIM_FOREVER_MS)
        will(world, world->now_ms + patience_ms, ACT_CALLED_HANGS_UP, act->who, 0);
}

static void called_hangs_up(struct world *world, const struct act *act)
{
    struct caller *caller = caller_of(world, act->who);

    if (caller->step != STEP_CALLED)
        return;
    line_remove(line_of(world, world->live, act->who), act->who);
    caller->step = STEP_GONE;
    caller->call->line_wait_ms = world->now_ms - caller->call->answered_ms;
    say_attempt(world, act->who, SIM_ATTEMPT_HUNG_UP);
    caller->attempt_id = NULL;
}

static void called_talk_ends(struct world *world, const struct act *act)
{
    caller_of(world, act->who)->call->talked_ms = world->now_ms;
    say_attempt(world, act->who, SIM_ATTEMPT_HUNG_UP);
    will(world, world->now_ms + sim_wrap_ms, ACT_CALLED_WRAP_UP_ENDS, act->who, 0);
}

static void called_wrap_up_ends(struct world *world, const struct act *act)
{
    struct caller *caller = caller_of(world, act->who);

    if (!world->options->customer_first)
        will(world, world->now_ms + sim_preview_ms, ACT_GIVES_UP, (uint32_t)caller->call->agent,
             act->who);
    say_attempt(world, act->who, SIM_ATTEMPT_WRAP_UP_ENDED);
    caller->attempt_id = NULL;
    if (world->options->customer_first)
        becomes_free(world, (uint32_t)caller->call->agent);
}

static void say_presence(struct world *world, uint32_t who, Ringback__V1__Presence presence)
{
    sim_say_presence(&world->say, speaker(world), (int32_t)who, presence,
                     ++agent_of(world, who)->presence_version);
}

static void comes(struct world *world, const struct act *act)
{
    const struct sim_agent *known = &world->model->agents[act->who];
    struct agent *agent = agent_of(world, act->who);

    agent->span = act->extra + 1;
    agent->span_over = false;
    will(world, known->spans[act->extra].to_ms, ACT_LEAVES, act->who, act->extra + 1);
    if (agent->mode != MODE_ABSENT)
        return;
    if (!agent->joined)
        sim_say_joined(&world->say, speaker(world), (int32_t)act->who, 1);
    if (!agent->joined)
        agent->idle_since_ms = world->now_ms;
    agent->joined = true;
    say_presence(world, act->who, RINGBACK__V1__PRESENCE__PRESENCE_ON_QUEUE);
    set_mode(world, agent, MODE_FREE);
    show_status(world, act->who, RINGBACK__V1__ROUTING_STATUS__ROUTING_STATUS_IDLE);
    hold(world, act->who);
}

/* extra: the span that ends; 0: it ended while he was busy. */
static void leaves(struct world *world, const struct act *act)
{
    struct agent *agent = agent_of(world, act->who);

    if (act->extra != 0 && (act->extra != agent->span || agent->mode == MODE_ABSENT))
        return;
    if (act->extra == 0 && !agent->span_over) {
        becomes_free(world, act->who); /* the next span began in the meantime */
        return;
    }
    agent->span_over = true;
    if (act->extra != 0 && agent->mode != MODE_FREE)
        return;
    set_mode(world, agent, MODE_ABSENT);
    say_presence(world, act->who, RINGBACK__V1__PRESENCE__PRESENCE_AWAY);
    show_status(world, act->who, RINGBACK__V1__ROUTING_STATUS__ROUTING_STATUS_OFF_QUEUE);
}

/* The agent's status as it is said: one that was overtaken by another is not. */
static void shows_status(struct world *world, const struct act *act)
{
    struct agent *agent = agent_of(world, act->who);

    if (agent->status == act->extra)
        return;
    agent->status = act->extra;
    sim_say_status(&world->say, speaker(world), (int32_t)act->who,
                   (Ringback__V1__RoutingStatus)act->extra, ++agent->status_version);
}

/* extra 0: the recorded time of a returned call has come; 1: the agent is free for it now. */
static void errand_comes(struct world *world, const struct act *act)
{
    struct agent *agent = agent_of(world, act->who);
    const struct sim_span *errand;

    agent->errands_due += act->extra == 0;
    if (act->extra == 0 && agent->mode != MODE_FREE)
        return;
    errand = &world->model->agents[act->who].errands[agent->errands_done++];
    set_mode(world, agent, MODE_BUSY);
    show_status(world, act->who, RINGBACK__V1__ROUTING_STATUS__ROUTING_STATUS_COMMUNICATING);
    will(world, world->now_ms + errand->to_ms - errand->from_ms + sim_wrap_ms, ACT_ERRAND_ENDS,
         act->who, 0);
}

static void errand_ends(struct world *world, const struct act *act)
{
    becomes_free(world, act->who);
}

/* The engine had its turn: the switch gives the agent the first of the lines he serves. */
static void is_held_no_more(struct world *world, const struct act *act)
{
    const struct sim_model *model = world->model;
    const struct agent *agent = agent_of(world, act->who);
    int64_t best = -1;

    if (agent->mode != MODE_FREE || act->extra != agent->holds)
        return;
    for (size_t service = 0; service < model->service_count; service++) {
        const struct line *line = &world->live[world->domain * model->service_count + service];

        for (size_t i = 0; model->agents[act->who].serves[service] && i < line->count; i++) {
            if (best < 0 || ranks_before(world, line->callers[i], (uint32_t)best))
                best = line->callers[i];
        }
    }
    if (best >= 0)
        connect(world, (uint32_t)best, act->who);
}

static void accepts(struct world *world, const struct act *act)
{
    struct agent *agent = agent_of(world, act->who);

    if (agent->mode == MODE_OFFERED && agent->offers == act->extra)
        sim_say_request(&world->say, speaker(world), SIM_REQUEST_ACCEPT, (int32_t)act->who,
                        caller_of(world, agent->caller)->callback_id, agent->offer_id);
}

static bool holds(const struct world *world, uint32_t agent_index, uint32_t caller)
{
    const struct agent *agent = agent_of(world, agent_index);

    return agent->mode == MODE_HOLDING && agent->caller == caller &&
           caller_of(world, caller)->callback_id != NULL;
}

static void dials(struct world *world, const struct act *act)
{
    if (holds(world, act->who, act->extra))
        sim_say_request(&world->say, speaker(world), SIM_REQUEST_DIAL, (int32_t)act->who,
                        caller_of(world, act->extra)->callback_id, NULL);
}

static void gives_up(struct world *world, const struct act *act)
{
    if (holds(world, act->who, act->extra) && caller_of(world, act->extra)->attempt_id == NULL)
        sim_say_request(&world->say, speaker(world), SIM_REQUEST_END, (int32_t)act->who,
                        caller_of(world, act->extra)->callback_id, NULL);
}

static void logs_off(struct world *world, const struct act *act)
{
    say_presence(world, act->who, RINGBACK__V1__PRESENCE__PRESENCE_OFFLINE);
}

static const struct act_rule rules[ACT_COUNT] = {
#define RULE_(name, function, input) [ACT_##name] = {INPUT_##input, function},
    ACT_MAP(RULE_)
#undef RULE_
};

static void hear_accepted(struct world *world, uint32_t who, const char *callback_id)
{
    struct caller *caller = caller_of(world, who);

    if (caller->step != STEP_IN_LINE)
        return;
    line_remove(line_of(world, world->live, who), who);
    line_add(line_of(world, world->promised, who), who);
    caller->step = STEP_GOES;
    caller->callback_id = arena_text(world->arena, slice_text(callback_id));
    caller->call->fate = SIM_FATE_CALLBACK;
    will(world, world->now_ms, ACT_FLOWS_OUT, who, 0);
}

static void hear_result(void *user, uint32_t domain, const Ringback__V1__Result *result)
{
    struct world *world = user;
    int64_t who = sim_caller_of(result->request_id);

    world->domain = domain;
    if (who < 0 || (size_t)who >= world->model->caller_count)
        return;
    if (result->answer_case == RINGBACK__V1__RESULT__ANSWER_CALLBACK_ACCEPTED)
        hear_accepted(world, (uint32_t)who, result->callback_accepted->callback_id);
    else if (result->answer_case == RINGBACK__V1__RESULT__ANSWER_CALLBACK_REFUSED)
        caller_of(world, (uint32_t)who)->call->reason = result->callback_refused->reason;
}

static void hear_offer(struct world *world, uint32_t who, uint32_t agent_index,
                       const Ringback__V1__Offer *offer)
{
    struct agent *agent = agent_of(world, agent_index);
    struct sim_call *call = caller_of(world, who)->call;

    call->offered_ms = world->now_ms;
    call->offers++;
    /* The switch was quicker: the engine hears so and revokes. */
    if (agent->mode != MODE_FREE)
        return;
    set_mode(world, agent, MODE_OFFERED);
    agent->caller = who;
    agent->offer_id = arena_text(world->arena, slice_text(offer->offer_id));
    will(world, world->now_ms + sim_react_ms, ACT_ACCEPTS, agent_index, ++agent->offers);
}

static void hear_revoke(struct world *world, uint32_t agent_index,
                        const Ringback__V1__Revoke *revoke)
{
    struct agent *agent = agent_of(world, agent_index);
    int64_t idle_since_ms = agent->idle_since_ms;

    if (agent->mode != MODE_OFFERED || strcmp(agent->offer_id, revoke->offer_id) != 0)
        return;
    becomes_free(world, agent_index);
    agent->idle_since_ms = idle_since_ms; /* 5.4: a revoked offer does not move him */
}

static void hear_assigned(struct world *world, uint32_t caller, uint32_t who)
{
    struct agent *agent = agent_of(world, who);
    struct sim_call *call = caller_of(world, caller)->call;

    if (agent->mode != MODE_OFFERED || agent->caller != caller)
        return;
    set_mode(world, agent, MODE_HOLDING);
    call->agent = (int32_t)who;
    call->assigned_ms = world->now_ms;
    show_status(world, who, RINGBACK__V1__ROUTING_STATUS__ROUTING_STATUS_INTERACTING);
    will(world, world->now_ms + sim_preview_ms, ACT_DIALS, who, caller);
}

static void hear_place_call(struct world *world, uint32_t who, const Ringback__V1__PlaceCall *place)
{
    struct caller *caller = caller_of(world, who);

    caller->attempt_id = arena_text(world->arena, slice_text(place->attempt_id));
    caller->attempt_version = 0;
    caller->call->attempts++;
    caller->call->dialled_ms = world->now_ms;
    will(world, world->now_ms + sim_ring_ms, ACT_RINGS, who, 0);
    will(world, world->now_ms + sim_dial_ms, ACT_DIAL_ENDS, who, 0);
}

static void hear_reserve(struct world *world, uint32_t who, uint32_t agent_index)
{
    struct agent *agent = agent_of(world, agent_index);

    if (agent->mode != MODE_FREE)
        return; /* the switch was quicker: the engine hears so */
    set_mode(world, agent, MODE_KEPT);
    agent->caller = who;
}

static void hear_unreserve(struct world *world, uint32_t who, uint32_t agent_index)
{
    struct agent *agent = agent_of(world, agent_index);
    int64_t idle_since_ms = agent->idle_since_ms;

    if (!kept_for(agent, who))
        return;
    becomes_free(world, agent_index);
    agent->idle_since_ms = idle_since_ms; /* 5.4 */
}

static void hear_released(struct world *world, uint32_t who, int32_t agent_index)
{
    struct agent *agent;

    if (agent_index < 0)
        return;
    agent = agent_of(world, (uint32_t)agent_index);
    if (agent->mode == MODE_HOLDING && agent->caller == who)
        becomes_free(world, (uint32_t)agent_index);
}

static void hear_ended(struct world *world, uint32_t who, const Ringback__V1__CallbackEnded *ended)
{
    struct caller *caller = caller_of(world, who);

    line_remove(line_of(world, world->promised, who), who);
    caller->callback_id = NULL;
    caller->call->ended_ms = world->now_ms;
    caller->call->reason = ended->reason;
    caller->call->fate = caller->call->reached_ms > 0 ? SIM_FATE_KEPT : SIM_FATE_FAILED;
    hear_released(world, who, caller->call->agent);
}

static void hear_routing(void *user, uint32_t domain, const Ringback__V1__RoutingEvent *event)
{
    struct world *world = user;
    int64_t who = sim_caller_of(event->conversation_id);
    int32_t agent = -1;

    world->domain = domain;
    if (who < 0 || (size_t)who >= world->model->caller_count)
        return;
    if (event->event_case == RINGBACK__V1__ROUTING_EVENT__EVENT_PLACE_CALL)
        hear_place_call(world, (uint32_t)who, event->place_call);
    if (event->event_case == RINGBACK__V1__ROUTING_EVENT__EVENT_TRANSFER_TO_QUEUE)
        will(world, world->now_ms, ACT_IS_ON_LINE, (uint32_t)who, 0);
    if (event->event_case == RINGBACK__V1__ROUTING_EVENT__EVENT_RESERVE_AGENT)
        hear_reserve(world, (uint32_t)who,
                     (uint32_t)sim_agent_of(world->model, event->reserve_agent->agent_id));
    if (event->event_case == RINGBACK__V1__ROUTING_EVENT__EVENT_RELEASE_AGENT)
        hear_unreserve(world, (uint32_t)who,
                       (uint32_t)sim_agent_of(world->model, event->release_agent->agent_id));
    if (event->event_case == RINGBACK__V1__ROUTING_EVENT__EVENT_CALLBACK_ENDED)
        hear_ended(world, (uint32_t)who, event->callback_ended);
    if (event->event_case == RINGBACK__V1__ROUTING_EVENT__EVENT_AGENT_RELEASED)
        hear_released(world, (uint32_t)who,
                      sim_agent_of(world->model, event->agent_released->agent_id));
    if (event->event_case == RINGBACK__V1__ROUTING_EVENT__EVENT_OFFER)
        agent = sim_agent_of(world->model, event->offer->agent_id);
    if (event->event_case == RINGBACK__V1__ROUTING_EVENT__EVENT_REVOKE)
        agent = sim_agent_of(world->model, event->revoke->agent_id);
    if (event->event_case == RINGBACK__V1__ROUTING_EVENT__EVENT_CALLBACK_ASSIGNED)
        agent = sim_agent_of(world->model, event->callback_assigned->agent_id);
    if (agent < 0)
        return;
    if (event->event_case == RINGBACK__V1__ROUTING_EVENT__EVENT_OFFER)
        hear_offer(world, (uint32_t)who, (uint32_t)agent, event->offer);
    else if (event->event_case == RINGBACK__V1__ROUTING_EVENT__EVENT_REVOKE)
        hear_revoke(world, (uint32_t)agent, event->revoke);
    else
        hear_assigned(world, (uint32_t)who, (uint32_t)agent);
}

/* The local midnight before everything. */
static int64_t day_start_ms(int64_t first_ms)
{
    time_t first = (time_t)(first_ms / 1000);
    struct tm tm;

    localtime_r(&first, &tm);
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    tm.tm_isdst = -1;
    return (int64_t)mktime(&tm) * 1000;
}

static void begin_domain(struct world *world, uint32_t domain)
{
    const struct sim_model *model = world->model;
    uint64_t seed = (uint64_t)world->options->seed;

    world->domain = domain;
    sim_say_settings(&world->say, speaker(world));
    for (uint32_t i = 0; i < model->agent_count; i++) {
        const struct sim_agent *agent = &model->agents[i];

        for (uint32_t span = 0; span < agent->span_count; span++)
            will(world, agent->spans[span].from_ms, ACT_COMES, i, span);
        for (size_t errand = 0; errand < agent->errand_count; errand++)
            will(world, agent->errands[errand].from_ms, ACT_ERRAND_COMES, i, 0);
    }
    for (uint32_t i = 0; i < model->caller_count; i++) {
        struct caller *caller = caller_of(world, i);

        caller->call = &world->outcome->calls[domain * model->caller_count + i];
        caller->call->agent = -1;
        caller->patience_ms = sim_model_patience(model, i, seed, domain);
        caller->talk_ms = sim_model_talk(model, i, seed, domain);
        will(world, model->callers[i].arrive_ms, ACT_ENTERS, i, 0);
    }
}

/* Do what will happen until nothing is left. */
static enum err run_acts(struct world *world, const struct sim_progress *progress,
                         struct err_note *note)
{
    struct sim_bus *bus = world->say.bus;

    for (uint64_t count = 0; world->act_count > 0; count++) {
        int64_t due_ms = bus == NULL ? INT64_MAX : sim_bus_due(bus);
        struct act act;

        if (count % 1024 == 0 && progress->show != NULL)
            progress->show(progress->user, world->now_ms);
        if (command_stopped())
            return FAIL(note, ERR_CANCELLED, "interrupted; nothing was written to the end");
        if (due_ms < world->acts[0].time_ms) {
            world->now_ms = due_ms;
            world->input = INPUT_COUNT;
            sim_bus_fire(bus, world->acts[0].time_ms);
        } else {
            act = take_act(world);
            world->now_ms = act.time_ms;
            world->input = rules[act.kind].input;
            world->domain = act.domain;
            rules[act.kind].run(world, &act);
        }
        if (bus != NULL)
            TRY(sim_bus_error(bus, note));
    }
    return ERR_OK;
}

/* Everybody logs off when nothing more can happen: the last records of the day. */
static void end_day(struct world *world)
{
    int64_t end_ms = world->now_ms + 1000;

    world->outcome->end_ms = end_ms;
    for (uint32_t domain = 0; domain < world->options->domains; domain++) {
        world->domain = domain;
        for (uint32_t agent = 0; agent < world->model->agent_count; agent++)
            will(world, end_ms, ACT_LOGS_OFF, agent, 0);
    }
}

static enum err run_day(struct world *world, const struct sim_progress *progress,
                        struct err_note *note)
{
    world->now_ms = day_start_ms(world->model->first_ms);
    world->input = INPUT_SETTINGS;
    for (uint32_t domain = 0; domain < world->options->domains; domain++)
        begin_domain(world, domain);
    TRY(run_acts(world, progress, note));
    end_day(world);
    TRY(run_acts(world, progress, note));
    return world->say.bus == NULL ? ERR_OK : sim_bus_finish(world->say.bus, note);
}

enum err sim_world_run(const struct sim_model *model, const struct sim_options *options,
                       struct sim_bus *bus, const struct sim_progress *progress,
                       struct arena *arena, struct sim_outcome_of_run *outcome,
                       struct err_note *note)
{
    size_t domains = (size_t)options->domains, lines = domains * model->service_count;
    struct world world = {
        .model = model,
        .options = options,
        .outcome = outcome,
        .arena = arena,
        .say = {bus, model, arena_zalloc(arena, domains * sizeof(uint64_t)), options},
        .callers = memory_zalloc(domains * model->caller_count * sizeof(struct caller), "callers"),
        .agents =
            memory_zalloc((domains * model->agent_count + 1) * sizeof(struct agent), "agents"),
        .live = memory_zalloc(lines * sizeof(struct line), "lines"),
        .promised = memory_zalloc(lines * sizeof(struct line), "lines")};
    const struct sim_ears ears = {hear_routing, hear_result, &world};
    enum err err;

    outcome->count = domains * model->caller_count;
    outcome->calls = arena_zalloc(arena, outcome->count * sizeof(*outcome->calls));
    if (bus != NULL)
        sim_bus_listen(bus, &ears);
    err = run_day(&world, progress, note);
    for (size_t i = 0; i < lines; i++) {
        free(world.live[i].callers);
        free(world.promised[i].callers);
    }
    free(world.callers);
    free(world.agents);
    free(world.live);
    free(world.promised);
    free(world.acts);
    return err;
}
