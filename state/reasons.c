#include "state/reasons.h"

#include <assert.h>
#include <stddef.h>

static const struct {
    const char *name;
    const char *text;
} reasons[] = {
    [RINGBACK__V1__REASON__REASON_UNSPECIFIED] = {"", ""},
    /* clang-format off */
    [RINGBACK__V1__REASON__REASON_FLOW_TYPE] = {
        "FLOW_TYPE", "A callback can be asked for only in inbound-call, in-queue-call and outbound-call flows."},
    [RINGBACK__V1__REASON__REASON_NUMBER_MISSING] = {
        "NUMBER_MISSING", "No number was given and the customer's number is withheld or unknown."},
    [RINGBACK__V1__REASON__REASON_NUMBER_INVALID] = {
        "NUMBER_INVALID", "The number must be an optional + and 3 to 15 digits."},
    [RINGBACK__V1__REASON__REASON_SCRIPT_UNKNOWN] = {
        "SCRIPT_UNKNOWN", "There is no such script."},
    [RINGBACK__V1__REASON__REASON_SCRIPT_NOT_CALLBACK] = {
        "SCRIPT_NOT_CALLBACK", "The script is not enabled for callbacks."},
    [RINGBACK__V1__REASON__REASON_QUEUE_UNKNOWN] = {
        "QUEUE_UNKNOWN", "There is no such queue."},
    [RINGBACK__V1__REASON__REASON_IN_QUEUE_FLOW_LIMIT] = {
        "IN_QUEUE_FLOW_LIMIT", "The interaction has entered 30 in-queue flows already."},
    [RINGBACK__V1__REASON__REASON_ALREADY_SERVED] = {
        "ALREADY_SERVED", "An agent has answered the interaction already."},
    [RINGBACK__V1__REASON__REASON_ALREADY_REQUESTED] = {
        "ALREADY_REQUESTED", "The interaction has a callback already."},
    [RINGBACK__V1__REASON__REASON_NOT_CONNECTED] = {
        "NOT_CONNECTED", "The interaction is over, or the agent is not connected to it."},
    [RINGBACK__V1__REASON__REASON_ALREADY_SCHEDULED] = {
        "ALREADY_SCHEDULED", "A callback was scheduled in this interaction already."},
    [RINGBACK__V1__REASON__REASON_IN_THE_PAST] = {
        "IN_THE_PAST", "The time is not later than now."},
    [RINGBACK__V1__REASON__REASON_TOO_FAR_AHEAD] = {
        "TOO_FAR_AHEAD", "The time is further ahead than allowed."},
    [RINGBACK__V1__REASON__REASON_ZONE_UNKNOWN] = {
        "ZONE_UNKNOWN", "There is no such time zone."},
    [RINGBACK__V1__REASON__REASON_QUEUE_NEEDED] = {
        "QUEUE_NEEDED", "The interaction has no queue: name one."},
    [RINGBACK__V1__REASON__REASON_QUEUE_SELECTION_OFF] = {
        "QUEUE_SELECTION_OFF", "Agents may not choose another queue here."},
    [RINGBACK__V1__REASON__REASON_OWNERSHIP_OFF] = {
        "OWNERSHIP_OFF", "Agent-owned callbacks are off in this queue."},
    [RINGBACK__V1__REASON__REASON_NO_PREFERRED_AGENT_RULE] = {
        "NO_PREFERRED_AGENT_RULE", "The queue has no preferred-agent rule, which ownership needs."},
    [RINGBACK__V1__REASON__REASON_OWNERSHIP_EXPIRED] = {
        "OWNERSHIP_EXPIRED", "The owner did not take it in time and the queue does not take over."},
    [RINGBACK__V1__REASON__REASON_EDIT_LOCKED] = {
        "EDIT_LOCKED", "An owned callback cannot be changed in the 15 minutes before it is due."},
    [RINGBACK__V1__REASON__REASON_OWNER_MISSED] = {
        "OWNER_MISSED", "The owner was not with the customer in time."},
    [RINGBACK__V1__REASON__REASON_OWNER_GONE] = {
        "OWNER_GONE", "The owner was removed."},
    [RINGBACK__V1__REASON__REASON_NOT_A_MEMBER] = {
        "NOT_A_MEMBER", "The agent is not a member of the queue."},
    [RINGBACK__V1__REASON__REASON_OFFER_GONE] = {
        "OFFER_GONE", "The offer no longer stands or is another agent's."},
    [RINGBACK__V1__REASON__REASON_LOST] = {
        "LOST", "No word came of the call in time."},
    [RINGBACK__V1__REASON__REASON_RETRIES_EXHAUSTED] = {
        "RETRIES_EXHAUSTED", "The customer was not reached in all the attempts allowed."},
    [RINGBACK__V1__REASON__REASON_NUMBER_DEAD] = {
        "NUMBER_DEAD", "The number cannot be reached and never will be."},
    [RINGBACK__V1__REASON__REASON_NOT_IN_CUSTOMER_FIRST] = {
        "NOT_IN_CUSTOMER_FIRST", "A customer-first queue takes no voicemail and no preview-campaign callback."},
    [RINGBACK__V1__REASON__REASON_CUSTOMER_HUNG_UP] = {
        "CUSTOMER_HUNG_UP", "The customer hung up before an agent was there."},
    [RINGBACK__V1__REASON__REASON_TO_FLOW] = {
        "TO_FLOW", "The call went to a flow."},
    [RINGBACK__V1__REASON__REASON_NOT_OWNED] = {
        "NOT_OWNED", "Only an owned callback can be given to another agent."},
    [RINGBACK__V1__REASON__REASON_COMPLETED] = {
        "COMPLETED", "The customer was reached."},
    [RINGBACK__V1__REASON__REASON_NOT_REACHED] = {
        "NOT_REACHED", "The customer was not reached."},
    [RINGBACK__V1__REASON__REASON_CALLBACK_UNKNOWN] = {
        "CALLBACK_UNKNOWN", "There is no such callback."},
    [RINGBACK__V1__REASON__REASON_CALLBACK_ENDED] = {
        "CALLBACK_ENDED", "The callback has ended."},
    [RINGBACK__V1__REASON__REASON_IN_CALL] = {
        "IN_CALL", "The customer is being called or on the line."},
    [RINGBACK__V1__REASON__REASON_WITH_AGENT] = {
        "WITH_AGENT", "An agent has the callback."},
    [RINGBACK__V1__REASON__REASON_NOT_WITH_AGENT] = {
        "NOT_WITH_AGENT", "No agent has the callback."},
    [RINGBACK__V1__REASON__REASON_NOT_YOURS] = {
        "NOT_YOURS", "Another agent has the callback."},
    [RINGBACK__V1__REASON__REASON_NOT_WAITING] = {
        "NOT_WAITING", "The callback is not waiting in line."},
    [RINGBACK__V1__REASON__REASON_DUPLICATE_NUMBER] = {
        "DUPLICATE_NUMBER", "The number has a callback already."},
    [RINGBACK__V1__REASON__REASON_REPLACED] = {
        "REPLACED", "A newer callback for the number took its place."},
    [RINGBACK__V1__REASON__REASON_CUSTOMER_SERVED] = {
        "CUSTOMER_SERVED", "The customer was served by another interaction."},
    [RINGBACK__V1__REASON__REASON_OUTSIDE_WINDOW] = {
        "OUTSIDE_WINDOW", "It is outside business hours."},
    [RINGBACK__V1__REASON__REASON_QUEUE_FULL] = {
        "QUEUE_FULL", "The queue has as many waiting callbacks as it may."},
    [RINGBACK__V1__REASON__REASON_TOO_MANY_REQUESTS] = {
        "TOO_MANY_REQUESTS", "The number has asked too often today."},
    [RINGBACK__V1__REASON__REASON_NOBODY_CAN_SERVE] = {
        "NOBODY_CAN_SERVE", "No agent could serve it."},
    [RINGBACK__V1__REASON__REASON_NOT_ACCEPTING] = {
        "NOT_ACCEPTING", "The queue takes no new callbacks."},
    [RINGBACK__V1__REASON__REASON_NUMBER_BLOCKED] = {
        "NUMBER_BLOCKED", "The number is blocked."},
    [RINGBACK__V1__REASON__REASON_SNOOZE_RANGE] = {
        "SNOOZE_RANGE", "It can be put off by 5 to 1440 minutes."},
    [RINGBACK__V1__REASON__REASON_SNOOZE_LIMIT] = {
        "SNOOZE_LIMIT", "It was put off as often as allowed."},
    [RINGBACK__V1__REASON__REASON_SNOOZED] = {
        "SNOOZED", "The customer asked for later."},
    [RINGBACK__V1__REASON__REASON_EXPIRED] = {
        "EXPIRED", "It waited as long as it may."},
    [RINGBACK__V1__REASON__REASON_QUEUE_IN_USE] = {
        "QUEUE_IN_USE", "The queue has callbacks."},
    [RINGBACK__V1__REASON__REASON_QUEUE_REMOVED] = {
        "QUEUE_REMOVED", "The queue was removed."},
    [RINGBACK__V1__REASON__REASON_AGENT_UNKNOWN] = {
        "AGENT_UNKNOWN", "There is no such agent."},
    [RINGBACK__V1__REASON__REASON_SETTINGS_INVALID] = {
        "SETTINGS_INVALID", "A setting is out of range or contradicts another."},
    [RINGBACK__V1__REASON__REASON_CANCELLED] = {
        "CANCELLED", "It was cancelled."},
    [RINGBACK__V1__REASON__REASON_AGENT_GONE] = {
        "AGENT_GONE", "The agent went away."},
    [RINGBACK__V1__REASON__REASON_LIMIT] = {
        "LIMIT", "The request breaks a limit of the contract."},
    [RINGBACK__V1__REASON__REASON_TOO_LARGE] = {
        "TOO_LARGE", "The answer would be larger than the broker takes."},
    [RINGBACK__V1__REASON__REASON_NOT_SUPPORTED] = {
        "NOT_SUPPORTED", "This is not built yet."},
    [RINGBACK__V1__REASON__REASON_TIMED_OUT] = {
        "TIMED_OUT", "Nobody answered the offer in time."},
    [RINGBACK__V1__REASON__REASON_DECLINED] = {
        "DECLINED", "The agent declined."},
    [RINGBACK__V1__REASON__REASON_AGENT_NOT_ELIGIBLE] = {
        "AGENT_NOT_ELIGIBLE", "The agent is no longer free for it."},
    [RINGBACK__V1__REASON__REASON_MOVED] = {
        "MOVED", "The callback was moved."},
    [RINGBACK__V1__REASON__REASON_BUSY] = {
        "BUSY", "The line was busy."},
    [RINGBACK__V1__REASON__REASON_NO_ANSWER] = {
        "NO_ANSWER", "Nobody answered."},
    [RINGBACK__V1__REASON__REASON_FAILED] = {
        "FAILED", "The call could not be placed."},
    [RINGBACK__V1__REASON__REASON_INACTIVITY] = {
        "INACTIVITY", "Nothing changed for 14 days."},
    [RINGBACK__V1__REASON__REASON_OLD_VERSION] = {
        "OLD_VERSION", "A newer version is known already."},
    [RINGBACK__V1__REASON__REASON_SHORT_WAIT] = {
        "SHORT_WAIT", "The wait is too short for a callback to be offered."},
    /* clang-format on */
};

const char *reason_name(Ringback__V1__Reason reason)
{
    assert((size_t)reason < sizeof(reasons) / sizeof(reasons[0]));
    return reasons[reason].name;
}

const char *reason_text(Ringback__V1__Reason reason)
{
    assert((size_t)reason < sizeof(reasons) / sizeof(reasons[0]));
    return reasons[reason].text;
}
