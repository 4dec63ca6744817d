#include "daemon/check_table.h"

#include <string.h>

#include "daemon/check_say.h"

const char *check_subject_word(enum check_subject subject)
{
    static const char *const words[] = {
#define WORD_(name, word, text) #word,
        CHECK_SUBJECT_MAP(WORD_)
#undef WORD_
    };

    return words[subject];
}

/* clang-format off */
#define METRICS "nOffered|tAnswered|tAbandon|tFlowOut|tAcd|tAlert|tNotResponding|tContacting|" \
                "tDialing|tTalk|tTalkComplete|tHeld|tAcw|tHandle|tActiveCallback|tFirstDial|" \
                "tFirstConnect|nOutboundAttempted|nOutboundConnected|nCallbackScheduled|" \
                "nCallbackAttempts|nOverSla|oServiceLevel|nCfcOffered|tCfcAcd|tCfcAnswered|" \
                "tCfcAbandon|tCfcFlowOut"
#define MEDIA "voice|email|message|chat|callback"
#define FLOWS "inbound_call|in_queue_call|outbound_call|in_queue_email|in_queue_message|other"
#define KINDS "in_queue|scheduled|campaign|voicemail"

/* --- what is said --- */

#define ONE(key, type, required, help) {key, CHECK_TYPE_##type, required, NULL, NULL, 0, help}
#define PICK(key, choices, required, help) \
    {key, CHECK_TYPE_CHOICE, required, choices, NULL, 0, help}
#define END {.type = CHECK_TYPE_END}
#define CALLBACK_ID ONE("callback_id", ID, false, "Instead of a callback of this story: any id.")
#define THE_CALLBACK ONE("callback", NAME, false, "Which callback, by its name."), CALLBACK_ID
#define DUE ONE("due", TIME, false, "When."), \
            ONE("local_due", LOCAL, false, "When, by the clocks of `zone`."), \
            ONE("zone", TEXT, false, "IANA name of that zone.")
#define ROUTING ONE("priority", COUNT, false, "Minutes that count as waited more."), \
                ONE("skills", IDS, false, "Skills that an agent must have."), \
                ONE("language", ID, false, "The language to be spoken."), \
                ONE("scores", SCORES, false, "How well agents know this customer, 0 to 100.")

static const struct check_param none[] = {END};
static const struct check_param ready[] = {
    ONE("queues", IDS, true, "The queues joined."), END};
static const struct check_param presence[] = {
    PICK("to", "offline|on_queue|available|busy|away", true, "What the agent is now."), END};
static const struct check_param status[] = {
    PICK("to", "off_queue|idle|interacting|communicating|not_responding", true, "The routing status."),
    END};
static const struct check_param the_callback[] = {THE_CALLBACK, END};
static const struct check_param dial[] = {
    THE_CALLBACK, ONE("number", TEXT, false, "Another number than the callback's."), END};
static const struct check_param transfer[] = {
    THE_CALLBACK, ONE("to_queue", ID, false, "To this queue."),
    ONE("to_agent", ID, false, "Or to this agent."), END};
static const struct check_param snooze[] = {
    THE_CALLBACK, ONE("minutes", COUNT, true, "For how long."), END};
static const struct check_param schedule[] = {
    ONE("callback", NAME, true, "What the story calls the new callback."),
    ONE("during", CALLER, true, "The caller or the callback that the agent talks with."), DUE,
    ONE("queue", ID, false, "Another queue."), ONE("number", TEXT, false, "Another number."),
    ONE("callee", TEXT, false, "Whom to ask for."), ONE("script", ID, false, "The agent's script."),
    ONE("name", TEXT, false, "A label."),
    ONE("route_to_me", SWITCH, false, "First to this agent."),
    ONE("take_ownership", SWITCH, false, "The agent owns it."), END};
static const struct check_param reschedule[] = {THE_CALLBACK, DUE, END};
static const struct check_param reassign[] = {
    THE_CALLBACK, ONE("to_queue", ID, false, "To this queue."),
    ONE("to_owner", ID, false, "To this owner."), END};
static const struct check_param enter[] = {
    ONE("queue", ID, true, "Which queue."),
    ONE("number", TEXT, false, "The customer's number, or `withheld`; made up without it."),
    ONE("entered", TIME, false, "When the place counts from, if not now."), ROUTING,
    ONE("last_agent", ID, false, "Who served this customer last."),
    PICK("media", MEDIA, false, "The kind of interaction; without it voice."),
    ONE("outbound", SWITCH, false, "The flow of an outbound call: `number` was dialled."), END};
static const struct check_param the_agent[] = {
    ONE("agent", ID, true, "The agent."), END};
static const struct check_param enter_flow[] = {
    PICK("flow", FLOWS, true, "The type of the flow."),
    PICK("media", MEDIA, false, "The kind of interaction; without it as it entered, or voice."), END};
static const struct check_param set_caller_id[] = {
    ONE("number", TEXT, false, "The caller ID to show."), ONE("name", TEXT, false, "The name to show."),
    END};
static const struct check_param ask_callback[] = {
    ONE("queue", ID, true, "The callback's queue."),
    ONE("callback", NAME, false, "What the story calls it; without it as the caller."),
    PICK("flow", FLOWS, false, "The type of the flow; without it in_queue_call."),
    ONE("number", TEXT, false, "The number to call; without it the customer's."),
    ONE("callee", TEXT, false, "Whom to ask for."), ONE("name", TEXT, false, "The action's label."),
    ONE("script", ID, false, "The agent's script."), END};
static const struct check_param leave_voicemail[] = {
    ONE("queue", ID, true, "The queue."),
    ONE("callback", NAME, false, "What the story calls it; without it as the caller."),
    PICK("flow", FLOWS, false, "The type of the flow; without it in_queue_call."),
    ONE("recording", ID, true, "The recording."), ONE("number", TEXT, false, "The number to call."),
    ONE("from_agent", ID, false, "The agent who left it: an internal voicemail."),
    ONE("callee", TEXT, false, "Whom to ask for."), ONE("script", ID, false, "The agent's script."),
    END};
static const struct check_param answer[] = {
    PICK("by", "person|machine|not_confirmed", false, "Who or what answered; without it a person."),
    END};
static const struct check_param call_ends[] = {
    PICK("as", "busy|no_answer|failed|dead|hung_up", true, "How."),
    PICK("by", "customer|agent|system", false, "Who hung up."), END};
static const struct check_param customer_snooze[] = {
    ONE("minutes", COUNT, true, "For how long."), END};
static const struct check_param campaign_schedule[] = {
    ONE("callback", NAME, true, "What the story calls it."), ONE("contact", ID, true, "The contact."),
    ONE("queue", ID, true, "The queue."), ONE("number", TEXT, true, "The number to call."), DUE,
    PICK("mode", "preview|other", false, "How the campaign dials; without it other."),
    ONE("skilled", SWITCH, false, "The campaign routes by skills."), ROUTING,
    ONE("callee", TEXT, false, "Whom to ask for."), ONE("script", ID, false, "The agent's script."),
    END};
static const struct check_param change[] = {
    ONE("settings", SETTINGS, true, "Whole values, as in the settings file."), END};
static const struct check_param removal[] = {
    ONE("queue", ID, false, "The queue to remove,"), ONE("agent", ID, false, "or the agent,"),
    ONE("script", ID, false, "or the script."),
    ONE("force", SWITCH, false, "A queue with callbacks too."), END};

#define VERB(subject, word, input, flags, maker, params, help) \
    {CHECK_##subject, word, INPUT_##input, flags, check_say_##maker, params, help}
#define SAYS false, false, false
#define MAY false, true, false
#define ASKS true, false, false
#define MAKES true, false, true

const struct check_verb check_verbs[] = {
    VERB(AGENT, "ready", PRESENCE, SAYS, ready, ready, "is On Queue, joined to these queues, Idle"),
    VERB(AGENT, "presence", PRESENCE, SAYS, presence, presence, "changes presence"),
    VERB(AGENT, "status", PRESENCE, SAYS, status, status, "has another routing status"),
    VERB(AGENT, "join", PRESENCE, SAYS, join, ready, "is joined to these queues and no others"),
    VERB(AGENT, "accept", COMMANDS, ASKS, accept, the_callback, "takes the offer of a callback"),
    VERB(AGENT, "decline", COMMANDS, ASKS, decline, the_callback, "turns the offer down"),
    VERB(AGENT, "dial", COMMANDS, ASKS, dial, dial, "has the customer called"),
    VERB(AGENT, "end", COMMANDS, ASKS, end, the_callback, "is done with a callback"),
    VERB(AGENT, "cancel", COMMANDS, ASKS, cancel, the_callback, "cancels a callback"),
    VERB(AGENT, "transfer", COMMANDS, ASKS, transfer, transfer, "hands a callback on"),
    VERB(AGENT, "snooze", COMMANDS, ASKS, snooze, snooze, "has it called later, at the customer's wish"),
    VERB(AGENT, "schedule", COMMANDS, MAKES, schedule, schedule, "schedules a callback"),
    VERB(AGENT, "reschedule", COMMANDS, ASKS, reschedule, reschedule, "gives a callback another time"),
    VERB(CALLER, "enter", INTERACTIONS, SAYS, enter, enter, "enters a queue"),
    VERB(CALLER, "alert", INTERACTIONS, SAYS, alert, the_agent, "alerts at an agent"),
    VERB(CALLER, "connect", INTERACTIONS, SAYS, connect, the_agent, "is with an agent"),
    VERB(CALLER, "leave", INTERACTIONS, SAYS, leave, none, "leaves the queue: to a flow, to another queue"),
    VERB(CALLER, "abandon", INTERACTIONS, SAYS, abandon, none, "leaves the queue by hanging up"),
    VERB(CALLER, "hang_up", INTERACTIONS, SAYS, hang_up, none, "is over"),
    VERB(CALLER, "wrap_up", INTERACTIONS, SAYS, wrap_up, the_agent, "leaves the agent finishing"),
    VERB(CALLER, "wrapped_up", INTERACTIONS, SAYS, wrapped_up, the_agent, "is finished by the agent"),
    VERB(CALLER, "enter_flow", FLOWS, MAY, enter_flow, enter_flow, "enters a flow"),
    VERB(CALLER, "set_caller_id", FLOWS, SAYS, set_caller_id, set_caller_id, "meets a Call Data action"),
    VERB(CALLER, "ask_callback", FLOWS, MAKES, ask_callback, ask_callback, "meets a Create Callback action"),
    VERB(CALLER, "leave_voicemail", FLOWS, MAKES, leave_voicemail, leave_voicemail, "leaves a voicemail"),
    VERB(CUSTOMER, "ring", INTERACTIONS, SAYS, ring, none, "has a ringing phone"),
    VERB(CUSTOMER, "answer", INTERACTIONS, SAYS, answer, answer, "answers"),
    VERB(CUSTOMER, "connect", INTERACTIONS, SAYS, customer_connect, the_agent, "is with an agent"),
    VERB(CUSTOMER, "call_ends", INTERACTIONS, SAYS, call_ends, call_ends, "has the call end"),
    VERB(CUSTOMER, "wrapped_up", INTERACTIONS, SAYS, customer_wrapped_up, the_agent, "is finished by the agent"),
    VERB(CUSTOMER, "snooze", FLOWS, ASKS, customer_snooze, customer_snooze, "asks for later"),
    VERB(SUPERVISOR, "cancel", COMMANDS, ASKS, cancel, the_callback, "cancels a callback"),
    VERB(SUPERVISOR, "reschedule", COMMANDS, ASKS, reschedule, reschedule, "gives a callback another time"),
    VERB(SUPERVISOR, "reassign", COMMANDS, ASKS, reassign, reassign, "gives it another queue or owner"),
    VERB(CAMPAIGN, "schedule", FLOWS, MAKES, campaign_schedule, campaign_schedule, "schedules a callback"),
    VERB(ADMINISTRATOR, "change", SETTINGS, ASKS, change, change, "changes settings"),
    VERB(ADMINISTRATOR, "remove", SETTINGS, ASKS, remove, removal, "removes a queue, agent or script"),
    {.word = NULL},
};
#undef END

/* --- what comes out --- */

#define GOT(key, type, field, help) {key, CHECK_TYPE_##type, false, NULL, field, 0, help}
#define GOT_MS(key, unit, field, help) {key, CHECK_TYPE_DURATION, false, NULL, field, unit, help}
#define GOT_PICK(key, choices, field, help) {key, CHECK_TYPE_CHOICE, false, choices, field, 0, help}
#define IN_QUEUE GOT("queue", ID, "^queue_id", "The queue.")
#define AGENT GOT("agent", ID, "agent_id", "The agent.")
#define WHY GOT("reason", REASON, "reason", "Why.")
#define END {.type = CHECK_TYPE_END}

static const struct check_param got_offer[] = {
    AGENT, IN_QUEUE, GOT("until", TIME, "deadline_ms", "Until when it stands."),
    GOT("number", TEXT, "number", "The number."), GOT("callee", TEXT, "callee_name", "Whom to ask for."),
    GOT("name", TEXT, "name", "The label."), GOT("script", ID, "script_id", "The script to show."),
    GOT_PICK("kind", KINDS, "kind", "What kind of callback."),
    GOT("owned", SWITCH, "owned", "Offered to its owner."),
    GOT("auto_answer", SWITCH, "auto_answer", "The desktop accepts."),
    GOT("entered", TIME, "place.entry_ms", "Since when it stands in line."), END};
static const struct check_param got_agent_why[] = {AGENT, IN_QUEUE, WHY, END};
static const struct check_param got_assigned[] = {
    AGENT, IN_QUEUE, GOT("dials_at", TIME, "auto_dial_ms", "When it dials by itself."), END};
static const struct check_param got_call[] = {
    AGENT, IN_QUEUE, GOT("number", TEXT, "number", "The number."),
    GOT("caller_id", TEXT, "caller_id", "The number shown."),
    GOT("caller_name", TEXT, "caller_name", "The name shown."),
    GOT_MS("rings", 1000, "ring_timeout_s", "How long it may ring."),
    GOT("customer_first", SWITCH, "customer_first", "The customer before the agent."),
    GOT("attempt", COUNT, "number_of_attempt", "Which attempt, from 1."),
    GOT("site", ID, "site_id", "From which site."),
    GOT("edge_group", ID, "edge_group_id", "From which edge group."), END};
static const struct check_param got_hang_up[] = {IN_QUEUE, WHY, END};
static const struct check_param got_transfer[] = {
    GOT("queue", ID, "place.queue_id", "To which queue."),
    GOT("entered", TIME, "place.entry_ms", "The place: since when."),
    GOT("flow", ID, "flow_id", "Or to which flow."), END};
static const struct check_param got_agent[] = {AGENT, END};
static const struct check_param got_ended[] = {
    WHY, IN_QUEUE, GOT("attempts", COUNT, "attempts", "How often the customer was called."), END};
static const struct check_param got_position[] = {
    GOT("position", COUNT, "position", "1: the next."),
    GOT_MS("estimate", 0, "estimate_ms", "Until when, about."), END};
static const struct check_param got_queue[] = {
    GOT("live", COUNT, "waiting_live", "Calls that wait."),
    GOT("callbacks", COUNT, "waiting_callbacks", "Callbacks that wait."),
    GOT_MS("estimate", 0, "estimate_ms", "How long the next would wait."),
    GOT("offer_callback", SWITCH, "offer_callback", "Callbacks should be offered."),
    GOT("reason", REASON, "reason", "Why not."), END};
static const struct check_param got_prefer[] = {
    GOT("agents", IDS, "agent_ids", "Whom, best first."), GOT("ring", COUNT, "ring", "Which ring."),
    IN_QUEUE, END};
static const struct check_param got_started[] = {
    GOT_PICK("kind", KINDS, "kind", "What kind."), GOT("due", TIME, "due_ms", "When it is due."),
    GOT("owner", ID, "owner_agent_id", "Who owns it."), IN_QUEUE, END};
static const struct check_param got_segment[] = {
    GOT_PICK("type", "scheduled|callback|delay|alert|interact|contacting|dialing|hold|wrapup|voicemail",
             "type", "What it was."),
    GOT("began", TIME, "start_ms", "From when."), GOT("over", TIME, "end_ms", "Until when."),
    GOT("agent", ID, "^agent_id", "The agent."), IN_QUEUE, END};
static const struct check_param got_metric[] = {
    GOT_PICK("metric", METRICS, "name", "Which."), GOT_MS("lasts", 0, "value", "Its time."),
    GOT("value", COUNT, "value", "Its count."), GOT("agent", ID, "^agent_id", "The agent."), IN_QUEUE,
    END};
static const struct check_param got_session_end[] = {WHY, IN_QUEUE, END};
static const struct check_param got_inactive[] = {
    GOT("since", TIME, "since_ms", "Since when nothing changed."), END};
static const struct check_param got_nothing[] = {IN_QUEUE, END};
static const struct check_param got_still[] = {
    GOT("since", TIME, "since_ms", "Since when it is in line."),
    GOT("nobody_can_serve", SWITCH, "nobody_can_serve", "No agent could."), IN_QUEUE, END};

#define WORD(subject, word, topic, event, strict, params, help) \
    {CHECK_##subject, word, TOPIC_##topic, event, strict, params, help}

const struct check_word check_words[] = {
    WORD(CALLBACK, "offered", ROUTING, "offer", true, got_offer, "alerts at an agent"),
    WORD(CALLBACK, "revoked", ROUTING, "revoke", false, got_agent_why, "alerts no longer"),
    WORD(CALLBACK, "assigned", ROUTING, "callback_assigned", false, got_assigned, "is the agent's, who accepted"),
    WORD(CALLBACK, "released", ROUTING, "agent_released", false, got_agent_why, "is the agent's no longer"),
    WORD(CALLBACK, "dialled", ROUTING, "place_call", true, got_call, "has its customer called"),
    WORD(CALLBACK, "hung_up", ROUTING, "hang_up", false, got_hang_up, "has its call ended by us"),
    WORD(CALLBACK, "brought_in", ROUTING, "transfer_to_queue", true, got_transfer, "has its answered customer brought into the line, or a flow"),
    WORD(CALLBACK, "reserving", ROUTING, "reserve_agent", false, got_agent, "keeps an agent for its dial"),
    WORD(CALLBACK, "unreserving", ROUTING, "release_agent", false, got_agent, "keeps the agent no longer"),
    WORD(CALLBACK, "ended", ROUTING, "callback_ended", true, got_ended, "is over"),
    WORD(CALLBACK, "noticed", ROUTING, "callback_notice", false, got_agent_why, "has news that its people must know"),
    WORD(CALLBACK, "positioned", ROUTING, "customer_position", false, got_position, "stands at another place"),
    WORD(CALLBACK, "started", ANALYTICS, "session_started", false, got_started, "begins its session"),
    WORD(CALLBACK, "closed", ANALYTICS, "session_ended", false, got_session_end, "ends its session"),
    WORD(CALLBACK, "spent", ANALYTICS, "segment", false, got_segment, "spent a stretch of time"),
    WORD(CALLBACK, "measured", ANALYTICS, "metric", false, got_metric, "has a metric"),
    WORD(CALLBACK, "inactive", ANALYTICS, "inactivity", false, got_inactive, "is given up by analytics"),
    WORD(CALLBACK, "resumed", ANALYTICS, "resumed", false, got_nothing, "is back in analytics"),
    WORD(CALLBACK, "still_waiting", ANALYTICS, "still_waiting", false, got_still, "waits another two weeks"),
    WORD(CALLER, "measured", ANALYTICS, "metric", false, got_metric, "has a metric"),
    WORD(CALLER, "preferred", ROUTING, "prefer_agents", false, got_prefer, "goes to these agents first"),
    WORD(QUEUE, "reported", ROUTING, "queue_status", false, got_queue, "stands so"),
    {.word = NULL},
};
/* clang-format on */
