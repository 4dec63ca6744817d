// The list of callbacks. The address says what is shown; each change of it asks the API once.
import { ask, now, Problem } from "./api.js";
import { act, ITEMS_MAX, keyOf, nameOf } from "./actions.js";
import { showDetail } from "./detail.js";
import { $, announce, h, icon } from "./dom.js";
import { exportDialog } from "./export.js";
import { showFilters } from "./filters.js";
import { chips, cleared, LIMITS, movesWithClock, parse, SORTS, toApi, toSearch } from "./query.js";
import {
  aging,
  chosenZone,
  listenKeys,
  pageZone,
  problemElement,
  QUEUE_ZONE,
  showData,
  start,
  timeElement,
  withToken,
} from "./shell.js";
import { clockText, dayText, durationText, parseTime, relativeText, zoneIsKnown } from "./time.js";
import { ACTIONS, counted, countText, KINDS, reasonText, stateText } from "./words.js";

const LOCK_MS = 15 * 60000;

let me = { may: {} };
let filters = parse(location.search);
let queues = [];
let shown = null; // the API's answer that is on the page
let query = ""; // what was asked for it, without page
let loading = null;
let detail = null;
const selected = new Map(); // key -> callback, over all pages

// --- zones ---

function zoneOf(callback) {
  const zone = chosenZone();
  if (zone !== QUEUE_ZONE) {
    return zone;
  }
  const queue = queues.find(
    ({ domain, id }) => domain === callback.domain && id === callback.queue?.id,
  );
  const found = callback.local_due?.zone || queue?.zone;
  return found && zoneIsKnown(found) ? found : pageZone();
}

// --- cells ---

const WAITS = ["scheduled", "waiting", "delayed", "snoozed", "offered"];

function overdue(callback, at) {
  return (
    WAITS.includes(callback.state) &&
    parseTime(callback.due) !== null &&
    parseTime(callback.due) <= at
  );
}

function locked(callback) {
  const due = parseTime(callback.due);
  return (
    callback.owner &&
    callback.state === "scheduled" &&
    due !== null &&
    due - LOCK_MS <= now() &&
    now() < due
  );
}

function dueCell(callback) {
  const ms = parseTime(callback.due);
  if (ms === null) {
    return h("span", { class: "none" }, "none");
  }
  const zone = zoneOf(callback);
  const away = aging(h("span", { class: "relative" }), (at) => {
    if (!WAITS.includes(callback.state)) {
      return "";
    }
    const late = (at - ms) / 1000;
    return overdue(callback, at)
      ? `${durationText(late < 60 ? late : Math.floor(late / 60) * 60)} overdue`
      : relativeText(ms, at);
  });
  return h(
    "span",
    { class: overdue(callback, now()) ? "due late" : "due" },
    h(
      "span",
      { class: "when" },
      timeElement(ms, zone, `${dayText(ms, zone, now())} ${clockText(ms, zone)}`),
      zone !== pageZone() && h("span", { class: "hint" }, ` ${zone}`),
    ),
    " ",
    h(
      "span",
      { class: "away" },
      overdue(callback, now()) && icon("warning"),
      away,
      locked(callback) &&
        h(
          "span",
          {
            class: "locked",
            title: "Owned and due within 15 minutes: neither rescheduled nor reassigned",
          },
          icon("lock"),
          "locked",
        ),
    ),
  );
}

function nameCell(callback) {
  const link = h(
    "a",
    {
      class: "open",
      href: toSearch({ ...filters, callback: `${callback.domain}/${callback.id}` }),
      onclick: (event) => {
        if (!event.ctrlKey && !event.metaKey && !event.shiftKey && !event.button) {
          event.preventDefault();
          go({ callback: `${callback.domain}/${callback.id}` });
        }
      },
    },
    callback.customer?.name || callback.customer?.callee_name || "No name",
  );
  const kind =
    !["scheduled", "campaign"].includes(callback.kind) &&
    h("span", { class: "tag" }, KINDS[callback.kind] || callback.kind);
  return [link, " ", kind];
}

function stateCell(callback) {
  const words =
    callback.state === "ended" && callback.end
      ? h("span", { class: "hint" }, ` ${reasonText(callback.end.reason)}`)
      : callback.agent && h("span", { class: "hint" }, ` ${callback.agent}`);
  return [h("span", { class: `state ${callback.state}` }, stateText(callback.state)), words];
}

const plainCell = (value, className) =>
  value
    ? h("span", { class: className, title: className === "id" ? value : null }, value)
    : h("span", { class: "none" }, h("span", { class: "unseen" }, "none"));

function columns() {
  const all = [
    ["due", "Due", dueCell],
    ["queue", "Queue", (item) => plainCell(item.queue?.name || item.queue?.id)],
    ["name", "Customer", nameCell],
    ["number", "Number", (item) => plainCell(item.customer?.number, "number")],
    ["state", "State", stateCell],
    ["scheduled_by", "Scheduled by", (item) => plainCell(item.scheduled_by)],
    ["owner", "Owner", (item) => plainCell(item.owner)],
    ["campaign", "Campaign", (item) => plainCell(item.campaign?.id)],
    ["", "Conversation", (item) => plainCell(item.conversation_id, "id")],
  ];
  return all
    .filter(([sort]) => sort !== "campaign" || me.may.campaign)
    .map(([sort, label, cell]) => ({ sort, label, cell, name: sort || "conversation" }));
}

function mayChange() {
  return me.may.cancel || me.may.edit;
}

function actionsFor() {
  return Object.keys(ACTIONS)
    .filter((action) => (action === "cancel" ? me.may.cancel : me.may.edit))
    .sort((a, b) => (a === "cancel") - (b === "cancel"));
}

// --- the table ---

function headCell({ sort, label, name }) {
  const at = filters.sort.replace(/^-/, "");
  const descending = filters.sort.startsWith("-");
  if (!sort) {
    return h("th", { scope: "col", role: "columnheader", class: `c-${name}` }, label);
  }
  const now = at === sort;
  return h(
    "th",
    {
      scope: "col",
      role: "columnheader",
      class: `c-${name}`,
      "aria-sort": now ? (descending ? "descending" : "ascending") : null,
    },
    h(
      "button",
      {
        type: "button",
        class: "sort",
        data: { sort },
        title: now
          ? `Sorted ${descending ? "downwards" : "upwards"}: press to turn`
          : `Sort by ${label.toLowerCase()}`,
        onclick: () =>
          go({ sort: now && !descending ? `-${sort}` : sort }, `[data-sort="${sort}"]`),
      },
      label,
      h("span", { class: "arrow" }, now && icon(descending ? "down" : "up")),
    ),
  );
}

function row(item, cells) {
  const key = keyOf(item);
  const tr = h(
    "tr",
    { role: "row", data: { key } },
    mayChange() &&
      h(
        "td",
        { role: "cell", class: "select" },
        h(
          "label",
          { class: "box" },
          h("input", {
            type: "checkbox",
            checked: selected.has(key),
            "aria-label": `Select ${nameOf(item)}, ${item.customer?.number || item.id}`,
            onchange: (event) => select([item], event.target.checked),
          }),
        ),
      ),
    cells.map(({ label, cell, name }) =>
      h(
        "td",
        {
          role: "cell",
          class: `c-${name}`,
          data: { label },
        },
        h("div", {}, cell(item)),
      ),
    ),
    mayChange() &&
      h(
        "td",
        { role: "cell", class: "tools" },
        h(
          "button",
          {
            type: "button",
            class: "quiet square",
            "aria-haspopup": "true",
            "aria-label": `Actions for ${nameOf(item)}`,
            title: "Actions",
            onclick: (event) => openMenu(event.currentTarget, item),
          },
          icon("more"),
        ),
      ),
  );
  tr.classList.toggle("chosen", selected.has(key));
  tr.classList.toggle("is-late", Boolean(overdue(item, now())));
  return tr;
}

function table() {
  const cells = columns();
  const all = h("input", {
    type: "checkbox",
    id: "all",
    "aria-label": "Select all on this page",
    onchange: (event) => select(shown.items, event.target.checked),
  });
  return h(
    "table",
    { role: "table", "aria-labelledby": "results" },
    h(
      "thead",
      { role: "rowgroup" },
      h(
        "tr",
        { role: "row" },
        mayChange() &&
          h(
            "th",
            { scope: "col", role: "columnheader", class: "select" },
            h("label", { class: "box" }, all),
          ),
        cells.map(headCell),
        mayChange() &&
          h(
            "th",
            { scope: "col", role: "columnheader", class: "tools" },
            h("span", { class: "unseen" }, "Actions"),
          ),
      ),
    ),
    h(
      "tbody",
      { role: "rowgroup" },
      shown.items.map((item) => row(item, cells)),
    ),
  );
}

function narrowed() {
  return chips(filters, { zone: pageZone(), now: now() }).length > 0;
}

function emptyElement() {
  if (narrowed()) {
    return h(
      "div",
      { class: "empty" },
      h("p", {}, "No callback matches these filters."),
      h("button", { type: "button", onclick: () => go(cleared(filters)) }, "Show all"),
    );
  }
  const words =
    shown.data?.complete === false
      ? "Still loading: nothing to show yet. Refresh in a moment."
      : "No callbacks are scheduled.";
  return h("div", { class: "empty" }, h("p", {}, words));
}

function rangeText() {
  const first = shown.first_index + 1;
  const last = shown.first_index + shown.items.length;
  return shown.items.length
    ? `${countText(first)}–${countText(last)} of ${countText(shown.total)}`
    : counted(shown.total, "callback");
}

function showPages() {
  const nav = $("pages");
  nav.hidden = false;
  const turn = (id, text, cursor, can) =>
    h(
      "button",
      {
        type: "button",
        id,
        disabled: !can,
        onclick: () => go({ cursor, at: filters.at || turnedAt }, `#${id}`),
      },
      text,
    );
  const size = h(
    "select",
    {
      id: "limit",
      onchange: () => go({ limit: Number(size.value) }, "#limit"),
    },
    LIMITS.map((limit) =>
      h("option", { value: String(limit), selected: limit === filters.limit }, String(limit)),
    ),
  );
  nav.replaceChildren(
    turn("first", "First", "", shown.first_index > 0),
    turn(
      "previous",
      "Previous",
      shown.previous || "",
      Boolean(shown.previous) || shown.first_index > 0,
    ),
    h("span", { class: "range" }, rangeText()),
    turn("next", "Next", shown.next || "", Boolean(shown.next)),
    h("span", { class: "size" }, h("label", { for: "limit" }, "A page"), size),
  );
}

function showSort() {
  const choices = columns()
    .filter(({ sort }) => sort)
    .map(({ sort }) => sort);
  const more = ["created", "updated", "kind"];
  const text = (sort) => SORTS[sort];
  $("sort").replaceChildren(
    ...[...choices, ...more].flatMap((sort) => [
      h("option", { value: sort }, `${text(sort)} ↑`),
      h("option", { value: `-${sort}` }, `${text(sort)} ↓`),
    ]),
  );
  $("sort").value = filters.sort;
}

function showChips() {
  const found = chips(filters, {
    zone: pageZone(),
    now: now(),
    queueName: (id) => queues.find((queue) => queue.id === id)?.name || id,
  });
  $("chips").hidden = found.length === 0;
  $("chips").replaceChildren(
    ...found.map(({ label, without }) =>
      h(
        "button",
        {
          type: "button",
          class: "chip",
          "aria-label": `Remove the filter ${label}`,
          onclick: () => go(without, "#results"),
        },
        label,
        icon("close"),
      ),
    ),
    (found.length > 1 &&
      h(
        "button",
        {
          type: "button",
          class: "quiet",
          onclick: () => go(cleared(filters), "#results"),
        },
        "Clear all",
      )) ||
      "",
  );
}

function showForm() {
  const domains = [...new Set(queues.map(({ domain }) => domain))];
  showFilters($("filters"), filters, { zone: pageZone(), queues, may: me.may, domains }, (change) =>
    go(change),
  );
}

/** The rows are built anew; who is on one of them with the keyboard stays there, if it is still there. */
function keepFocus(build) {
  const at = document.activeElement;
  const key = at.closest("#list tr")?.dataset.key;
  const part = ["a.open", ".select input", ".tools button"].find((selector) =>
    at.matches(selector),
  );
  const within = $("list").contains(at);
  build();
  if (within) {
    const row = key && $("list").querySelector(`tr[data-key="${CSS.escape(key)}"]`);
    (row && part ? row.querySelector(part) : $("results")).focus();
  }
}

function show() {
  showForm();
  showChips();
  showSort();
  if (!shown) {
    return;
  }
  showData(shown.data);
  $("results").textContent = counted(shown.total, "callback");
  keepFocus(() => $("list").replaceChildren(shown.items.length ? table() : emptyElement()));
  $("list").setAttribute("aria-busy", "false");
  $("export").disabled = shown.total === 0;
  showPages();
  showSelection();
}

// --- selection, over all pages ---

function select(items, on) {
  for (const item of items) {
    if (on) {
      selected.set(keyOf(item), item);
    } else {
      selected.delete(keyOf(item));
    }
  }
  showSelection();
}

function spreadElement(onPage) {
  const rest = shown.total - onPage;
  if (
    onPage < shown.items.length ||
    rest <= 0 ||
    selected.size >= Math.min(shown.total, ITEMS_MAX)
  ) {
    return null;
  }
  const some =
    shown.total > ITEMS_MAX ? `the first ${countText(ITEMS_MAX)}` : `all ${countText(shown.total)}`;
  return [
    `All ${countText(onPage)} on this page are selected. `,
    h(
      "button",
      {
        type: "button",
        class: "quiet",
        onclick: selectAll,
      },
      `Select ${some} that match`,
    ),
  ];
}

async function selectAll() {
  let cursor = "";
  $("spread").replaceChildren("Reading them…");
  try {
    do {
      const asked = new URLSearchParams(query);
      asked.set("limit", "500");
      if (cursor) {
        asked.set("cursor", cursor);
      }
      const page = await withToken(() => ask("/callbacks", { query: asked }));
      for (const item of page.items.slice(0, Math.max(0, ITEMS_MAX - selected.size))) {
        selected.set(keyOf(item), item);
      }
      cursor = page.next;
    } while (cursor && selected.size < ITEMS_MAX);
  } catch (problem) {
    say(`Not all could be selected. ${problem.message}`);
  }
  showSelection();
  announce(`${counted(selected.size, "callback")} selected.`);
  $("selection").querySelector("button")?.focus();
}

function showSelection() {
  const here = shown ? shown.items.filter((item) => selected.has(keyOf(item))) : [];
  for (const tr of $("list").querySelectorAll("tbody tr")) {
    const on = selected.has(tr.dataset.key);
    tr.classList.toggle("chosen", on);
    const box = tr.querySelector(".select input");
    if (box) {
      box.checked = on;
    }
  }
  const all = $("all");
  if (all) {
    all.checked = here.length > 0 && here.length === shown.items.length;
    all.indeterminate = here.length > 0 && !all.checked;
  }
  const spread = shown && spreadElement(here.length);
  $("spread").hidden = !spread;
  $("spread").replaceChildren(...(spread || []));
  const bar = $("selection");
  bar.hidden = selected.size === 0;
  document.body.classList.toggle("has-selection", selected.size > 0);
  const others = selected.size - here.length;
  bar.replaceChildren(
    h(
      "p",
      {},
      h("b", {}, `${countText(selected.size)} selected`),
      others > 0 && h("span", { class: "hint" }, ` ${countText(others)} not on this page`),
    ),
    h(
      "div",
      { class: "selection-tools" },
      actionsFor().map((action) =>
        h(
          "button",
          {
            type: "button",
            class: action === "cancel" ? "danger" : "",
            data: { action },
            onclick: () => change(action, [...selected.values()]),
          },
          `${ACTIONS[action].verb}…`,
        ),
      ),
      h(
        "button",
        {
          type: "button",
          class: "quiet",
          id: "unselect",
          onclick: () => {
            select([...selected.values()], false);
            $("results").focus();
          },
        },
        "Select none",
      ),
    ),
  );
}

// --- actions ---

function say(text) {
  $("notice").replaceChildren(
    h("span", {}, text),
    h(
      "button",
      {
        type: "button",
        class: "quiet square",
        "aria-label": "Dismiss",
        onclick: () => {
          $("notice").replaceChildren();
          $("results").focus();
        },
      },
      icon("close"),
    ),
  );
}

/** Asks, tells what came of it, and reads the list anew. True if something may have changed. */
async function change(action, items) {
  if (!items.length) {
    return false;
  }
  const answer = await act(action, items, { queues });
  if (!answer) {
    return false;
  }
  for (const result of answer.results.filter(({ status }) => status === "done")) {
    selected.delete(keyOf(result));
  }
  say(answer.text);
  await load();
  if (document.activeElement === document.body) {
    $("results").focus();
  }
  return true;
}

function openMenu(button, item) {
  const menu = $("menu");
  const allowed = actionsFor().filter((action) => (item.allowed || []).includes(action));
  const choose = (text, run, className) =>
    h(
      "button",
      {
        type: "button",
        class: className,
        onclick: () => {
          menu.hidePopover();
          button.focus();
          run();
        },
      },
      text,
    );
  const note =
    locked(item) && me.may.edit
      ? "Owned and due within 15 minutes: locked until it is due."
      : !allowed.length
        ? "Nothing of it can be changed now."
        : "";
  menu.replaceChildren(
    choose("Details and time line", () => go({ callback: `${item.domain}/${item.id}` })),
    ...allowed.map((action) =>
      choose(
        `${ACTIONS[action].verb}…`,
        () => change(action, [item]),
        action === "cancel" ? "danger" : "",
      ),
    ),
  );
  if (note) {
    menu.append(h("p", { class: "hint" }, note));
  }
  menu.showPopover();
  const at = button.getBoundingClientRect();
  const below = at.bottom + menu.offsetHeight + 8 < innerHeight;
  menu.style.top = `${below ? at.bottom + 2 : Math.max(4, at.top - menu.offsetHeight - 2)}px`;
  menu.style.left = `${Math.max(4, at.right - menu.offsetWidth)}px`;
  menu.querySelector("button").focus();
}

function moveInMenu(event) {
  const buttons = [...$("menu").querySelectorAll("button")];
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    event.preventDefault();
    const next = buttons.indexOf(document.activeElement) + step;
    buttons[(next + buttons.length) % buttons.length].focus();
  }
}

// --- the address ---

let turnedAt = 0;

/** Changes the address and shows what it says. Anything but a turn of the page starts at the first. */
function go(change, focus) {
  const turned = "cursor" in change;
  const opened = Object.keys(change).every((name) => name === "callback");
  const next = { ...filters, ...change };
  if (!turned && !opened) {
    next.cursor = "";
  }
  if (!next.cursor || !movesWithClock(next)) {
    next.at = 0;
  }
  history.pushState(null, "", location.pathname + toSearch(next));
  if (!opened) {
    $("notice").replaceChildren();
  }
  follow(opened, focus);
}

async function follow(opened, focus) {
  filters = parse(location.search);
  showOpened();
  if (!opened) {
    await load({ focus });
  }
}

function showOpened() {
  const wanted = filters.callback;
  if (detail && detail.wanted !== wanted) {
    const dialog = document.querySelector("dialog.drawer");
    detail.silent = true;
    dialog?.close();
    detail = null;
  }
  if (!wanted || detail) {
    return;
  }
  const cut = wanted.indexOf("/");
  const mine = { wanted, silent: false };
  detail = mine;
  const identity = { domain: wanted.slice(0, cut), id: wanted.slice(cut + 1) };
  showDetail(identity, {
    zoneOf,
    may: me.may,
    onact: change,
    onclose: () => {
      detail = detail === mine ? null : detail;
      if (!mine.silent) {
        go({ callback: "" });
      }
    },
  });
}

// --- reading ---

function staleCursor(problem) {
  return problem instanceof Problem && problem.status === 400 && filters.cursor;
}

/** Reads the page that the address names. What is shown stays until the new one is there. */
async function load({ focus, fresh = false } = {}) {
  loading?.abort();
  const mine = new AbortController();
  loading = mine;
  if (fresh && filters.cursor && movesWithClock(filters)) {
    filters = { ...filters, cursor: "", at: 0 };
    history.replaceState(null, "", location.pathname + toSearch(filters));
  }
  $("list").setAttribute("aria-busy", "true");
  turnedAt = filters.at || now();
  const asked = toApi(filters, turnedAt, pageZone());
  query = asked.toString();
  asked.set("limit", filters.limit);
  if (filters.cursor) {
    asked.set("cursor", filters.cursor);
  }
  try {
    const answer = await withToken(() => ask("/callbacks", { query: asked, signal: mine.signal }));
    shown = answer;
    answer.items
      .filter((item) => selected.has(keyOf(item)))
      .forEach((item) => selected.set(keyOf(item), item));
    show();
    announce(answer.items.length ? `Callbacks ${rangeText()}.` : "No callback matches.");
  } catch (problem) {
    if (problem.name === "AbortError") {
      return;
    }
    if (staleCursor(problem)) {
      filters = { ...filters, cursor: "", at: 0 };
      history.replaceState(null, "", location.pathname + toSearch(filters));
      say("That page of the list is gone; this is the first.");
      await load({ focus });
      return;
    }
    showForm();
    showChips();
    if (!shown) {
      $("asof").textContent = "";
    }
    $("list").setAttribute("aria-busy", "false");
    $("list").replaceChildren(problemElement(problem, () => load()));
    $("pages").hidden = true;
  }
  if (focus && !document.querySelector("dialog[open]")) {
    const wanted = document.querySelector(focus);
    (wanted && !wanted.disabled && wanted.offsetParent ? wanted : $("results")).focus();
  }
}

async function refresh() {
  const button = $("refresh");
  button.disabled = true;
  $("notice").replaceChildren();
  await Promise.all([load({ fresh: true }), readQueues()]);
  button.disabled = false;
  button.focus();
}

async function readQueues() {
  try {
    queues = await withToken(() => ask("/queues"));
  } catch {
    queues = queues.length ? queues : [];
  }
}

// --- keys ---

function rowAt(step) {
  const rows = [...$("list").querySelectorAll("tbody tr")];
  const at = rows.indexOf(document.activeElement.closest?.("tr"));
  const next = rows[Math.min(rows.length - 1, Math.max(0, at + step))];
  next?.querySelector("a.open")?.focus();
}

function chosenItems() {
  if (selected.size) {
    return [...selected.values()];
  }
  const key = document.activeElement.closest?.("tr")?.dataset.key;
  return shown ? shown.items.filter((item) => keyOf(item) === key) : [];
}

function keyAct(action) {
  if (actionsFor().includes(action)) {
    change(action, chosenItems());
  }
}

const KEYS = [
  ["/", "To the search", () => $("q").focus()],
  ["r", "Refresh", () => refresh()],
  ["j", "Next callback", () => rowAt(1)],
  ["k", "Callback before", () => rowAt(-1)],
  [
    "x",
    "Select this callback, or not",
    () => document.activeElement.closest?.("tr")?.querySelector(".select input")?.click(),
  ],
  ["e", "Reschedule the selected, or this one", () => keyAct("reschedule")],
  ["a", "Reassign the selected, or this one", () => keyAct("reassign")],
  ["c", "Cancel the selected, or this one", () => keyAct("cancel")],
  ["n", "Next page", () => $("next")?.click()],
  ["p", "Page before", () => $("previous")?.click()],
  ["o", "To the overview", () => $("to-overview").click()],
];

async function begin() {
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("refresh").addEventListener("click", refresh);
  $("menu").addEventListener("keydown", moveInMenu);
  $("sort").addEventListener("change", () => go({ sort: $("sort").value }, "#sort"));
  $("export").addEventListener("click", () => exportDialog(query, shown.total));
  window.addEventListener("popstate", () => {
    const bare = (of) => toSearch({ ...of, callback: "" });
    follow(bare(filters) === bare(parse(location.search)));
  });
  listenKeys(KEYS);
  try {
    me = await start({ zoneChanged: () => (filters.due ? load() : show()) });
    await readQueues();
    await load();
    showOpened();
  } catch (problem) {
    $("asof").textContent = "";
    $("list").setAttribute("aria-busy", "false");
    $("list").replaceChildren(problemElement(problem, () => location.reload()));
  }
}

begin();
