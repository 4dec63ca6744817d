// The filters: in the page's address, in the API's query, in words. No page in here.
import { dayStart, dayText, clockText, iso, parseTime } from "./time.js";
import { KINDS, STATES } from "./words.js";

export const LISTS = [
  "domain",
  "queue",
  "state",
  "kind",
  "owner",
  "scheduled_by",
  "campaign",
  "agent",
];
export const TEXTS = ["q", "number"];
export const TIMES = ["due_from", "due_to", "created_from", "created_to"];
export const PRESETS = {
  overdue: "Overdue",
  hour: "In the next hour",
  today: "Today",
  tomorrow: "Tomorrow",
  week: "In the next 7 days",
};
export const LIMITS = [25, 50, 100, 200, 500];
export const SORTS = {
  due: "Due",
  queue: "Queue",
  name: "Customer",
  number: "Number",
  state: "State",
  scheduled_by: "Scheduled by",
  owner: "Owner",
  campaign: "Campaign",
  kind: "Kind",
  created: "Created",
  updated: "Last change",
};
const ENDED = ["no", "yes", "any"];

/** Filters as an object; what is rubbish in the address is as if it were not there. */
export function parse(search) {
  const from = new URLSearchParams(search);
  const found = {};
  for (const name of LISTS) {
    found[name] = [...new Set(from.getAll(name).filter(Boolean))];
  }
  found.state = found.state.filter((state) => state in STATES);
  found.kind = found.kind.filter((kind) => kind in KINDS || kind === "any");
  for (const name of TEXTS) {
    found[name] = (from.get(name) || "").trim();
  }
  for (const name of TIMES) {
    const ms = parseTime(from.get(name));
    found[name] = ms === null ? "" : iso(ms);
  }
  found.due = from.get("due") in PRESETS ? from.get("due") : "";
  found.ended = ENDED.includes(from.get("ended")) ? from.get("ended") : "no";
  const sort = from.get("sort") || "";
  found.sort = sort.replace(/^-/, "") in SORTS ? sort : "due";
  const limit = Number(from.get("limit"));
  found.limit = LIMITS.includes(limit) ? limit : 50;
  found.cursor = from.get("cursor") || "";
  found.at = Number(from.get("at")) || 0;
  found.callback = from.get("callback") || "";
  return found;
}

/** The address's query of these filters; the defaults are left out, so that it stays short. */
export function toSearch(filters) {
  const to = new URLSearchParams();
  for (const name of LISTS) {
    filters[name].forEach((value) => to.append(name, value));
  }
  for (const name of [...TEXTS, ...TIMES, "due", "cursor", "callback"]) {
    if (filters[name]) {
      to.set(name, filters[name]);
    }
  }
  const usual = { ended: "no", sort: "due", limit: 50, at: 0 };
  for (const [name, value] of Object.entries(usual)) {
    if (filters[name] !== value) {
      to.set(name, filters[name]);
    }
  }
  const text = to.toString();
  return text ? `?${text}` : "";
}

/** A preset moves with the clock, so a cursor holds only for the moment it was asked at. */
export function movesWithClock(filters) {
  return filters.due === "overdue" || filters.due === "hour";
}

function presetSpan(preset, now, zone) {
  switch (preset) {
    case "overdue":
      return [null, now];
    case "hour":
      return [now, now + 3600000];
    case "today":
      return [dayStart(now, zone), dayStart(now, zone, 1)];
    case "tomorrow":
      return [dayStart(now, zone, 1), dayStart(now, zone, 2)];
    case "week":
      return [dayStart(now, zone), dayStart(now, zone, 7)];
    default:
      return [null, null];
  }
}

/** The query of /callbacks. */
export function toApi(filters, now, zone) {
  const to = new URLSearchParams();
  for (const name of LISTS) {
    filters[name].forEach((value) => to.append(name, value));
  }
  for (const name of ["q", ...TIMES]) {
    if (filters[name]) {
      to.set(name, filters[name]);
    }
  }
  const digits = filters.number.replace(/\D/g, "");
  if (digits) {
    to.set("number", digits);
  }
  if (filters.due) {
    const [first, last] = presetSpan(filters.due, filters.at || now, zone);
    if (first !== null) {
      to.set("due_from", iso(first));
    }
    to.set("due_to", iso(last));
  }
  if (filters.ended !== "no") {
    to.set("ended", filters.ended);
  }
  to.set("sort", filters.sort);
  return to;
}

const NAMES = {
  domain: "Domain",
  queue: "Queue",
  state: "State",
  kind: "Kind",
  owner: "Owner",
  scheduled_by: "Scheduled by",
  campaign: "Campaign",
  agent: "With agent",
  q: "Search",
  number: "Number",
  due_from: "Due from",
  due_to: "Due until",
  created_from: "Created from",
  created_to: "Created until",
};

function valueText(name, value, queueName) {
  switch (name) {
    case "queue":
      return queueName(value);
    case "state":
      return STATES[value] || value;
    case "kind":
      return value === "any" ? "all kinds" : KINDS[value] || value;
    case "owner":
      return { "-": "not owned", "*": "anybody" }[value] || value;
    default:
      return value;
  }
}

/** What narrows the list, each as {label, without}: the words, and the filters without it. */
export function chips(filters, { zone, now, queueName = (id) => id }) {
  const found = [];
  for (const name of LISTS) {
    for (const value of filters[name]) {
      found.push({
        label: `${NAMES[name]}: ${valueText(name, value, queueName)}`,
        without: { [name]: filters[name].filter((other) => other !== value) },
      });
    }
  }
  for (const name of TEXTS.filter((text) => filters[text])) {
    found.push({ label: `${NAMES[name]}: ${filters[name]}`, without: { [name]: "" } });
  }
  if (filters.due) {
    found.push({ label: `Due: ${PRESETS[filters.due].toLowerCase()}`, without: { due: "" } });
  }
  for (const name of TIMES.filter((time) => filters[time])) {
    const ms = parseTime(filters[name]);
    found.push({
      label: `${NAMES[name]} ${dayText(ms, zone, now)} ${clockText(ms, zone)}`,
      without: { [name]: "" },
    });
  }
  if (filters.ended !== "no") {
    const words = filters.ended === "yes" ? "Only ended ones" : "Ended ones too";
    found.push({ label: words, without: { ended: "no" } });
  }
  return found;
}

/** All filters off; what is no filter stays. */
export function cleared(filters) {
  return { ...parse(""), sort: filters.sort, limit: filters.limit };
}
