// What codes of the API are called on the page.

export const STATES = {
  scheduled: "Scheduled",
  waiting: "Waiting",
  delayed: "Retry later",
  snoozed: "Snoozed",
  offered: "Offered",
  with_agent: "With agent",
  dialling: "Dialling",
  talking: "Talking",
  wrap_up: "Wrap-up",
  ended: "Ended",
};

export const KINDS = {
  scheduled: "Scheduled by an agent",
  campaign: "Campaign",
  in_queue: "In-queue",
  voicemail: "Voicemail",
};

export const ACTIONS = {
  cancel: { verb: "Cancel", done: "cancelled" },
  reschedule: { verb: "Reschedule", done: "rescheduled" },
  reassign: { verb: "Reassign", done: "reassigned" },
};

// One for each code of docs/reasons.md; the last two are the view's own. A test compares.
export const REASONS = {
  FLOW_TYPE: "that kind of flow cannot make callbacks",
  NUMBER_MISSING: "there is no number to call",
  NUMBER_INVALID: "the number is not a telephone number",
  SCRIPT_UNKNOWN: "the script does not exist",
  SCRIPT_NOT_CALLBACK: "the script is not for callbacks",
  QUEUE_UNKNOWN: "the queue does not exist",
  IN_QUEUE_FLOW_LIMIT: "it entered too many flows",
  ALREADY_SERVED: "an agent answered before the request",
  ALREADY_REQUESTED: "the call has a callback already",
  NOT_CONNECTED: "the agent was not connected to the call",
  ALREADY_SCHEDULED: "the call has a scheduled callback already",
  IN_THE_PAST: "the time is not later than now",
  TOO_FAR_AHEAD: "the time is further ahead than allowed",
  ZONE_UNKNOWN: "the time zone is not known to the engine",
  QUEUE_NEEDED: "a queue must be named",
  QUEUE_SELECTION_OFF: "the queue does not let agents choose another",
  OWNERSHIP_OFF: "the queue has no agent-owned callbacks",
  NO_PREFERRED_AGENT_RULE: "the queue has no preferred-agent rule",
  OWNERSHIP_EXPIRED: "ownership ended and nobody else may take it",
  EDIT_LOCKED: "locked for 15 minutes before it is due, since it is owned",
  OWNER_MISSED: "the owner was not with the customer in time",
  OWNER_GONE: "the owner was removed",
  NOT_A_MEMBER: "the agent is not a member of the queue",
  OFFER_GONE: "the offer is over",
  LOST: "nothing was heard of the call in time",
  RETRIES_EXHAUSTED: "all retries are used up",
  NUMBER_DEAD: "the number cannot be reached for good",
  NOT_IN_CUSTOMER_FIRST: "queues that call the customer first do not take it",
  CUSTOMER_HUNG_UP: "the customer hung up before an agent was there",
  TO_FLOW: "the answered call went to a flow",
  NOT_OWNED: "it is not owned; only owned callbacks go to another agent",
  COMPLETED: "the customer was reached",
  NOT_REACHED: "the customer was not reached",
  CALLBACK_UNKNOWN: "there is no such callback",
  CALLBACK_ENDED: "it has ended already",
  IN_CALL: "a call is up or being dialled",
  WITH_AGENT: "an agent has it",
  NOT_WITH_AGENT: "no agent has it",
  NOT_YOURS: "another agent has it",
  NOT_WAITING: "it is not waiting",
  DUPLICATE_NUMBER: "the number has a live callback",
  REPLACED: "a newer callback for the number took its place",
  CUSTOMER_SERVED: "the customer was served by another call",
  OUTSIDE_WINDOW: "it is outside business hours",
  QUEUE_FULL: "the queue is full",
  TOO_MANY_REQUESTS: "the number asked too often today",
  NOBODY_CAN_SERVE: "no agent of the domain could serve it",
  NOT_ACCEPTING: "the queue takes no new requests",
  NUMBER_BLOCKED: "the number is blocked",
  SNOOZE_RANGE: "that is too short or too long to wait",
  SNOOZE_LIMIT: "it was put off as often as allowed",
  SNOOZED: "the customer asked for later",
  EXPIRED: "it waited as long as it may",
  QUEUE_IN_USE: "the queue has callbacks",
  QUEUE_REMOVED: "the queue was removed",
  AGENT_UNKNOWN: "the agent does not exist",
  SETTINGS_INVALID: "the settings contradict each other",
  CANCELLED: "it was cancelled",
  AGENT_GONE: "the agent went away",
  LIMIT: "the request breaks a limit",
  TOO_LARGE: "the answer would be too large",
  NOT_SUPPORTED: "that is not built yet",
  TIMED_OUT: "the agent did not answer in time",
  DECLINED: "the agent declined",
  AGENT_NOT_ELIGIBLE: "the agent was no longer free for it",
  MOVED: "it was moved",
  BUSY: "the line was busy",
  NO_ANSWER: "nobody answered",
  FAILED: "the call failed",
  INACTIVITY: "nothing happened for 14 days",
  OLD_VERSION: "the news was old and changed nothing",
  SHORT_WAIT: "the wait is too short for a callback",
  FORBIDDEN: "you may not do this to it",
  REPEATED: "it was asked twice at once",
};

const EVENTS = {
  created: "Created",
  scheduled: "Scheduled",
  waiting: "Waits in line",
  delayed: "Waits for a retry",
  due: "Due",
  offered: "Offered to an agent",
  with_agent: "With an agent",
  contacting: "Call on its way",
  dialing: "Rings at the customer",
  talk: "Talk",
  hold: "Customer on hold",
  wrap_up: "Wrap-up",
  voicemail: "Voicemail",
  still_waiting: "Still waiting",
  inactive: "Closed in analytics: nothing happened for 14 days",
  resumed: "Resumed in analytics",
  ended: "Ended",
};

function plain(code) {
  const words = String(code || "")
    .replace(/_/g, " ")
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function stateText(state) {
  return STATES[state] || plain(state);
}

export function kindText(kind) {
  return KINDS[kind] || plain(kind);
}

export function eventText(what) {
  return EVENTS[what] || plain(what);
}

/** The words of a reason's code; what the engine said where the page knows none. */
export function reasonText(code, said) {
  return REASONS[code] || said || (code ? plain(code).toLowerCase() : "");
}

const numbers = new Intl.NumberFormat("en-GB");

export function countText(count) {
  return typeof count === "number" ? numbers.format(count) : "–";
}

/** "1 callback", "1,200 callbacks". */
export function counted(count, one, many = `${one}s`) {
  return `${countText(count)} ${count === 1 ? one : many}`;
}
