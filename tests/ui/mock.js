#!/usr/bin/env node
// A small stand-in for `ringback view`, for work on the page: the same API, from made-up callbacks. It
// reads view/page from disk at each request, and needs nothing but Node.
//   tests/ui/mock.js [PORT]          then open http://127.0.0.1:PORT/ (8080 unless given)
// Environment: COUNT (callbacks, 734), BEHIND (seconds), LOADING (percent), TOKEN (asked for when set),
// LACKS (permissions that are absent, apart by commas: cancel, edit, campaign).
"use strict";
const fs = require("fs");
const http = require("http");
const path = require("path");

const PAGE = path.join(__dirname, "..", "..", "view", "page");
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
  "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
const HOUR = 3600000;
const COUNT = Number(process.env.COUNT || 734);
const LACKS = (process.env.LACKS || "").split(",");
const may = Object.fromEntries(
  ["cancel", "edit", "campaign"].map((name) => [name, !LACKS.includes(name)]),
);
const NAMES = [
  "Amara Okafor",
  "Jonas Lindqvist",
  "Mei Tanaka",
  "Rosa Delgado",
  "Piotr Zielinski",
  "Hannah Weiss",
  "Luca Moretti",
  "Aoife Byrne",
  "Samir Haddad",
  "Ingrid Solberg",
  null,
];
const QUEUES = ["billing", "claims", "mortgage.north", "retention", "technical-support.level-2"];
const STATES = [
  "scheduled",
  "scheduled",
  "scheduled",
  "scheduled",
  "waiting",
  "waiting",
  "delayed",
  "snoozed",
  "offered",
  "with_agent",
  "dialling",
  "talking",
  "wrap_up",
  "ended",
];

let seed = 7;
function random(below) {
  // the same callbacks at each start
  seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
  return Math.floor((seed / 4294967296) * below);
}
const pick = (list) => list[random(list.length)];
const iso = (ms) => new Date(ms).toISOString();
const hex = (length) => Array.from({ length }, () => random(16).toString(16)).join("");
const id = () => `${hex(8)}-${hex(4)}-${hex(4)}-${hex(4)}-${hex(12)}`;

function make(index) {
  const now = Date.now();
  const state = pick(STATES);
  const future = state === "scheduled";
  const campaign = random(4) === 0;
  const due = future ? now + (random(40) * HOUR) / 4 + 300000 : now - random(60) * 60000;
  const owner = !campaign && random(3) === 0 ? `agent-${random(40)}` : null;
  const item = {
    domain: "acme",
    id: id(),
    kind: campaign ? "campaign" : "scheduled",
    state,
    due: iso(due),
    local_due:
      index % 9 === 0 ? { time: iso(due + HOUR).slice(0, 16), zone: "Europe/Berlin" } : null,
    queue: { id: pick(QUEUES) },
    scheduled_by: campaign ? null : `agent-${random(40)}`,
    owner,
    customer: { name: pick(NAMES), callee_name: null, number: `+4930${1000000 + random(8999999)}` },
    owner_until: owner && iso(due + 24 * HOUR),
    agent: ["offered", "with_agent", "dialling", "talking", "wrap_up"].includes(state)
      ? `agent-${random(40)}`
      : null,
    campaign:
      campaign && may.campaign ? { id: "spring-renewals", contact_id: `c-${random(9999)}` } : null,
    conversation_id: id(),
    interaction_id: id(),
    created: iso(now - HOUR - random(90) * HOUR),
    updated: iso(now - random(60) * 60000),
    since: iso(now - random(60) * 60000),
    entry: null,
    attempts: future ? 0 : random(3),
    retries: 0,
    snoozes: 0,
    resume: null,
    end:
      state === "ended"
        ? { reason: pick(["COMPLETED", "NOT_REACHED", "CANCELLED"]), time: iso(now) }
        : null,
    script: null,
    caller_id: null,
  };
  item.queue.name = item.queue.id;
  return item;
}

const all = Array.from({ length: COUNT }, (_, index) => make(index));
const requests = new Map();

function lockedNow(item) {
  const away = Date.parse(item.due) - Date.now();
  return item.owner && item.state === "scheduled" && away > 0 && away <= 15 * 60000;
}

function refusal(item, action) {
  if (!item) return "CALLBACK_UNKNOWN";
  if (item.state === "ended") return "CALLBACK_ENDED";
  if (["dialling", "talking", "wrap_up"].includes(item.state)) return "IN_CALL";
  if (action !== "cancel" && item.state === "with_agent") return "WITH_AGENT";
  return action !== "cancel" && lockedNow(item) ? "EDIT_LOCKED" : null;
}

function shown(item) {
  const allowed = ["cancel", "reschedule", "reassign"].filter(
    (action) => (action === "cancel" ? may.cancel : may.edit) && !refusal(item, action),
  );
  return { ...item, allowed };
}

function data() {
  const behind = Number(process.env.BEHIND || 0.2);
  const loading = process.env.LOADING;
  return {
    time: iso(Date.now() - behind * 1000),
    behind_seconds: behind,
    behind_records: Math.round(behind * 29),
    undecided_records: 0,
    complete: !loading,
    loaded_percent: loading ? Number(loading) : 100,
    warnings: [],
  };
}

const SORT = {
  due: (item) => item.due,
  created: (item) => item.created,
  updated: (item) => item.updated,
  queue: (item) => item.queue.id,
  name: (item) => item.customer.name || "",
  state: (item) => item.state,
  number: (item) => item.customer.number,
  owner: (item) => item.owner || "",
  scheduled_by: (item) => item.scheduled_by || "",
  kind: (item) => item.kind,
  campaign: (item) => (item.campaign ? item.campaign.id : ""),
};

function matches(item, query) {
  const among = (name, value) => !query.has(name) || query.getAll(name).includes(value);
  const owner = query.getAll("owner");
  const ended = query.get("ended") || "no";
  const text = (query.get("q") || "").toLowerCase();
  return (
    among("queue", item.queue.id) &&
    among("state", item.state) &&
    among("domain", item.domain) &&
    (query.get("kind") === "any" || among("kind", item.kind)) &&
    among("agent", item.agent) &&
    among("scheduled_by", item.scheduled_by) &&
    among("campaign", item.campaign && item.campaign.id) &&
    (!owner.length || owner.includes(item.owner || "-") || (owner.includes("*") && item.owner)) &&
    (query.has("state") || ended === "any" || (ended === "yes") === (item.state === "ended")) &&
    item.customer.number.includes(query.get("number") || "") &&
    `${item.customer.name} ${item.customer.number} ${item.id}`.toLowerCase().includes(text) &&
    item.due >= (query.get("due_from") || "") &&
    item.due < (query.get("due_to") || "9") &&
    item.created >= (query.get("created_from") || "") &&
    item.created < (query.get("created_to") || "9")
  );
}

function list(query) {
  const sort = query.get("sort") || "due";
  const value = SORT[sort.replace("-", "")];
  const found = all
    .filter((item) => matches(item, query))
    .sort((a, b) => {
      const [left, right] = [value(a), value(b)];
      return (
        (left < right ? -1 : left > right ? 1 : a.id < b.id ? -1 : 1) * (sort[0] === "-" ? -1 : 1)
      );
    });
  const limit = Number(query.get("limit") || 50);
  const first = Number(query.get("cursor") || 0);
  return {
    data: data(),
    total: found.length,
    items: found.slice(first, first + limit).map(shown),
    next: first + limit < found.length ? String(first + limit) : null,
    previous: first > 0 ? String(Math.max(0, first - limit)) : null,
    first_index: first,
  };
}

function timeline(item) {
  const at = (back) => iso(Date.parse(item.updated) - back * 60000);
  const event = (time, what, more) => ({
    time,
    what,
    agent: null,
    queue: null,
    reason: null,
    detail: null,
    duration_seconds: null,
    ...more,
  });
  return {
    data: data(),
    callback: shown(item),
    complete: true,
    note: null,
    events: [
      event(item.created, "created", { agent: item.scheduled_by, queue: item.queue.id }),
      event(item.created, "scheduled", { duration_seconds: 7200 }),
      event(at(40), "waiting", { queue: item.queue.id, duration_seconds: 512 }),
      event(at(31), "offered", { agent: "agent-7", reason: "TIMED_OUT", duration_seconds: 30 }),
      event(at(30), "offered", { agent: "agent-12", duration_seconds: 4 }),
      event(at(30), "with_agent", { agent: "agent-12", duration_seconds: 61 }),
      event(at(29), "dialling", { agent: "agent-12", detail: item.customer.number }),
      event(at(28), "talk", { agent: "agent-12", duration_seconds: 245 }),
      ...(item.end ? [event(item.end.time, "ended", { reason: item.end.reason })] : []),
    ],
  };
}

function act(body) {
  const results = body.items.map((asked) => {
    const item = all.find((other) => other.id === asked.id);
    let reason = refusal(item, body.action);
    if (!reason && body.owner_agent_id && !item.owner) reason = "NOT_OWNED";
    const late = !reason && item.customer.name === "Samir Haddad" && body.items.length > 1;
    const request = id();
    if (!reason) {
      if (body.action === "cancel") {
        Object.assign(item, {
          state: "ended",
          end: { reason: "CANCELLED", time: iso(Date.now()) },
        });
      } else if (body.action === "reschedule") {
        const due = body.due || iso(Date.parse(`${body.local_due.time}:00Z`) - HOUR);
        Object.assign(item, { state: "scheduled", due, local_due: body.local_due || null });
      } else {
        item.owner = body.owner_agent_id || item.owner;
        item.queue = body.queue_id ? { id: body.queue_id, name: body.queue_id } : item.queue;
      }
      item.updated = iso(Date.now());
    }
    const result = {
      ...asked,
      status: reason ? "refused" : "done",
      reason,
      text: reason,
      request_id: request,
    };
    requests.set(request, result);
    return late ? { ...result, status: "unanswered" } : result;
  });
  const count = (status) => results.filter((result) => result.status === status).length;
  return {
    results,
    done: count("done"),
    refused: count("refused"),
    unanswered: count("unanswered"),
  };
}

function numbers(items) {
  const hour = Math.floor(Date.now() / HOUR) * HOUR;
  const waiting = items.filter((item) => ["waiting", "delayed", "snoozed"].includes(item.state));
  const count = (...states) => items.filter((item) => states.includes(item.state)).length;
  return {
    waiting_live: items.length % 7,
    waiting_callbacks: waiting.length,
    oldest_live_seconds: 42.5,
    oldest_callback_seconds: waiting.length ? 1512 : null,
    estimate_seconds: 377.25,
    agents: { joined: 14, on_queue: 12, available: 3, busy: 9 },
    offers: count("offered"),
    dials: count("dialling"),
    in_call: count("talking"),
    due: Array.from({ length: 12 }, (_, index) => ({
      from: iso(hour + index * HOUR),
      count: items.filter(
        (item) =>
          item.state === "scheduled" && Math.floor((Date.parse(item.due) - hour) / HOUR) === index,
      ).length,
    })),
    overdue: waiting.filter((item) => Date.parse(item.due) < Date.now()).length,
  };
}

function overview() {
  return {
    data: data(),
    totals: numbers(all),
    domains: [
      {
        id: "acme",
        queues: QUEUES.map((queue, index) => ({
          id: queue,
          name: queue,
          open: index !== 3,
          ...numbers(all.filter((item) => item.queue.id === queue)),
        })),
      },
    ],
  };
}

const COLUMNS = ["domain", "id", "kind", "state", "due", "scheduled_by", "owner"];

function exported(query) {
  const found = list(new URLSearchParams([...query, ["limit", "1000000"]])).items;
  return query.get("format") === "jsonl"
    ? found.map((item) => `${JSON.stringify(item)}\n`).join("")
    : [
        COLUMNS.join(","),
        ...found.map((item) => COLUMNS.map((name) => item[name] || "").join(",")),
      ].join("\r\n");
}

class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

function find(part) {
  const item = all.find((other) => other.id === decodeURIComponent(part));
  if (!item) throw new Refused(404, "No such callback.");
  return item;
}

function answer(parts, query, body) {
  const agents = Array.from({ length: 40 }, (_, index) => `agent-${index}`);
  switch (parts[0]) {
    case "me":
      return {
        user: "u-1",
        name: "Supervisor",
        domains: ["acme"],
        queues: null,
        permissions: [],
        may: { view: true, ...may },
        development: !process.env.TOKEN,
        expires: null,
      };
    case "callbacks":
      return parts.length < 3
        ? list(query)
        : parts[3]
          ? timeline(find(parts[2]))
          : { data: data(), callback: shown(find(parts[2])) };
    case "actions":
      return act(body);
    case "requests":
      if (!requests.has(parts[1])) throw new Refused(404, "No such request.");
      return requests.get(parts[1]);
    case "queues":
      return QUEUES.map((queue) => ({
        domain: "acme",
        id: queue,
        name: queue,
        callbacks: all.filter((item) => item.queue.id === queue && item.state !== "ended").length,
      }));
    case "agents":
      return agents
        .filter((agent) => agent.includes(query.get("q") || ""))
        .map((agent) => ({ domain: "acme", id: agent, name: agent }));
    case "overview":
      return overview();
    default:
      throw new Refused(404, "There is nothing at this path.");
  }
}

function send(response, status, type, text, more = {}) {
  response.writeHead(status, {
    "Content-Type": type,
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    ...more,
  });
  response.end(text);
}

function page(response, name) {
  const file = path.join(PAGE, path.basename(name));
  const type = TYPES[path.extname(file)];
  if (type && fs.existsSync(file)) {
    send(response, 200, type, fs.readFileSync(file));
  } else {
    send(response, 404, "text/plain", "There is nothing at this path.\n");
  }
}

function api(request, response, url, text) {
  try {
    if (process.env.TOKEN && request.headers.authorization !== `Bearer ${process.env.TOKEN}`) {
      throw new Refused(401, "Send Authorization: Bearer with a token.");
    }
    const parts = url.pathname.slice("/api/v1/".length).split("/");
    if (parts[0] === "export") {
      const csv = url.searchParams.get("format") !== "jsonl";
      send(
        response,
        200,
        csv ? "text/csv; charset=utf-8" : "application/jsonl",
        exported(url.searchParams),
        { "Content-Disposition": `attachment; filename="callbacks.${csv ? "csv" : "jsonl"}"` },
      );
      return;
    }
    const found = answer(parts, url.searchParams, text ? JSON.parse(text) : null);
    send(response, 200, "application/json", JSON.stringify(found));
  } catch (error) {
    const status = error.status || 400;
    send(
      response,
      status,
      "application/problem+json",
      JSON.stringify({
        type: "about:blank",
        title: http.STATUS_CODES[status],
        status,
        detail: error.message,
      }),
    );
  }
}

const server = http.createServer((request, response) => {
  const url = new URL(request.url, "http://127.0.0.1");
  let text = "";
  request.on("data", (piece) => {
    text += piece;
  });
  request.on("end", () => {
    if (url.pathname.startsWith("/api/v1/")) {
      api(request, response, url, text);
    } else {
      page(
        response,
        { "/": "index.html", "/overview": "overview.html" }[url.pathname] || url.pathname,
      );
    }
  });
});
server.listen(Number(process.argv[2] || 8080), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}/`);
});
