// The live overview. It reads anew by itself only if its reader wants that.
import { ask, now, problemText } from "./api.js";
import { $, announce, h, icon, newId, svg } from "./dom.js";
import { listenKeys, pageZone, problemElement, showData, start, withToken } from "./shell.js";
import { clockText, dayText, parseTime, stopwatchText } from "./time.js";
import { counted, countText } from "./words.js";

const EVERY = { 0: "Off", 5: "Every 5 s", 15: "Every 15 s", 60: "Every minute" };
const HOUR_MS = 3600000;

let answer = null;
let known = []; // domains heard of
let sort = { by: "name", descending: false };
let timer = null;
let reading = false;
const plotted = new Map(); // domain -> id of the queue whose dues are drawn; "" for all

// --- the address ---

function state() {
  const from = new URLSearchParams(location.search);
  return {
    every: from.get("refresh") in EVERY ? Number(from.get("refresh")) : 0,
    domain: from.get("domain") || "",
    queue: from.get("queue") || "",
  };
}

function setState(change) {
  const next = { ...state(), ...change };
  const to = new URLSearchParams();
  if (next.every) {
    to.set("refresh", next.every);
  }
  if (next.domain) {
    to.set("domain", next.domain);
  }
  if (next.queue) {
    to.set("queue", next.queue);
  }
  const text = to.toString();
  history.replaceState(null, "", location.pathname + (text ? `?${text}` : ""));
}

// --- the table ---

const seconds = (value) =>
  typeof value === "number"
    ? h("span", { title: `${value} s` }, stopwatchText(value))
    : h("span", { class: "none" }, "–");
const count = (value) => h("span", { class: value ? "" : "zero" }, countText(value));

function lateCount(queue) {
  return queue.overdue
    ? h("span", { class: "late" }, icon("warning"), countText(queue.overdue))
    : count(queue.overdue);
}

const COLUMNS = [
  ["name", "Queue", (queue) => queue.name || queue.id, null],
  ["waiting_live", "Live", (queue) => queue.waiting_live, count, "Live interactions that wait"],
  [
    "waiting_callbacks",
    "Callbacks",
    (queue) => queue.waiting_callbacks,
    count,
    "Callbacks that wait in line",
  ],
  ["oldest_live_seconds", "Oldest live", (queue) => queue.oldest_live_seconds, seconds],
  ["oldest_callback_seconds", "Oldest callback", (queue) => queue.oldest_callback_seconds, seconds],
  [
    "estimate_seconds",
    "Estimate",
    (queue) => queue.estimate_seconds,
    seconds,
    "How long the next to come would wait",
  ],
  ["on_queue", "On queue", (queue) => queue.agents?.on_queue, count, "Agents on queue"],
  ["available", "Free", (queue) => queue.agents?.available, count, "Agents who are free"],
  ["busy", "Busy", (queue) => queue.agents?.busy, count, "Agents who are busy"],
  ["offers", "Offers", (queue) => queue.offers, count, "Callbacks alerting at agents"],
  ["dials", "Dials", (queue) => queue.dials, count, "Calls being placed"],
  ["in_call", "In call", (queue) => queue.in_call, count, "Callbacks with their call up"],
  [
    "overdue",
    "Overdue",
    (queue) => queue.overdue,
    null,
    "Callbacks whose time has come and that wait",
  ],
];

function compare(a, b) {
  const [, , value] = COLUMNS.find(([name]) => name === sort.by);
  const [left, right] = [value(a) ?? -1, value(b) ?? -1];
  const order =
    typeof left === "string" ? left.localeCompare(right, "en", { numeric: true }) : left - right;
  return (sort.descending ? -order : order) || a.id.localeCompare(b.id);
}

function headCell([name, label, , , hint]) {
  const mine = sort.by === name;
  return h(
    "th",
    {
      scope: "col",
      role: "columnheader",
      class: name === "name" ? "name" : "figure",
      "aria-sort": mine ? (sort.descending ? "descending" : "ascending") : null,
    },
    h(
      "button",
      {
        type: "button",
        class: "sort",
        title: hint,
        data: { sort: name },
        onclick: (event) => {
          const heading = event.currentTarget.closest("section");
          sort = { by: name, descending: mine ? !sort.descending : name !== "name" };
          const index = [...document.querySelectorAll("section.domain")].indexOf(heading);
          show();
          document
            .querySelectorAll("section.domain")
            [index]?.querySelector(`[data-sort="${name}"]`)
            ?.focus();
        },
      },
      label,
      h("span", { class: "arrow" }, mine && icon(sort.descending ? "down" : "up")),
    ),
  );
}

function nameCell(queue, domain) {
  const to = new URLSearchParams({ domain, queue: queue.id, kind: "any" });
  return [
    h("a", { href: `/?${to}`, title: "Its callbacks" }, queue.name || queue.id),
    " ",
    queue.open === false && h("span", { class: "tag" }, "closed"),
  ];
}

function queueRow(queue, domain) {
  return h(
    "tr",
    { role: "row", class: queue.open === false ? "is-closed" : "" },
    COLUMNS.map(([name, label, value, cell]) =>
      h(
        name === "name" ? "th" : "td",
        {
          role: name === "name" ? "rowheader" : "cell",
          scope: name === "name" ? "row" : null,
          class: name === "name" ? "name" : "figure",
          data: { label },
        },
        name === "name"
          ? nameCell(queue, domain)
          : name === "overdue"
            ? lateCount(queue)
            : cell(value(queue)),
      ),
    ),
  );
}

function totalsRow(totals) {
  return h(
    "tr",
    { role: "row", class: "totals" },
    COLUMNS.map(([name, label, value, cell]) =>
      h(
        name === "name" ? "th" : "td",
        {
          role: name === "name" ? "rowheader" : "cell",
          scope: name === "name" ? "row" : null,
          class: name === "name" ? "name" : "figure",
          data: { label },
        },
        name === "name"
          ? "All queues"
          : name === "overdue"
            ? lateCount(totals)
            : cell(value(totals)),
      ),
    ),
  );
}

// --- dues of the next hours ---

function bars(due, described) {
  const width = 48;
  const height = 130;
  const top = 18;
  const most = Math.max(1, ...due.map((bucket) => bucket.count));
  const drawing = svg(
    "svg",
    {
      class: "plot",
      viewBox: `0 0 ${width * due.length} ${height + top + 20}`,
      role: "img",
      "aria-labelledby": described,
    },
    svg("line", {
      class: "axis",
      x1: 0,
      x2: width * due.length,
      y1: height + top + 0.5,
      y2: height + top + 0.5,
    }),
  );
  due.forEach((bucket, index) => {
    const tall = (bucket.count / most) * height;
    const from = parseTime(bucket.from);
    const middle = index * width + width / 2;
    drawing.append(
      svg(
        "rect",
        {
          class: "bar-of-plot",
          x: index * width + 6,
          width: width - 12,
          y: height + top - tall,
          height: tall,
          rx: 2,
        },
        svg("title", {}, `${spanText(from)}: ${countText(bucket.count)} due`),
      ),
      svg(
        "text",
        { class: "plot-count", x: middle, y: height + top - tall - 5 },
        bucket.count ? countText(bucket.count) : "",
      ),
      svg(
        "text",
        { class: "plot-hour", x: middle, y: height + top + 15 },
        clockText(from, pageZone()),
      ),
    );
  });
  return drawing;
}

function spanText(from) {
  const zone = pageZone();
  return `${dayText(from, zone, now())} ${clockText(from, zone)}–${clockText(from + HOUR_MS, zone)}`;
}

function dueTable(due) {
  return h(
    "details",
    { class: "as-table" },
    h("summary", {}, "As a table"),
    h(
      "table",
      { class: "small" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", { scope: "col" }, "Due"),
          h("th", { scope: "col", class: "figure" }, "Callbacks"),
        ),
      ),
      h(
        "tbody",
        {},
        due.map((bucket) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, spanText(parseTime(bucket.from))),
            h("td", { class: "figure" }, countText(bucket.count)),
          ),
        ),
      ),
    ),
  );
}

function sumOfDues(queues) {
  return (queues[0]?.due || []).map(({ from }, index) => ({
    from,
    count: queues.reduce((sum, queue) => sum + queue.due[index].count, 0),
  }));
}

function duePlot(domain) {
  const chosen = plotted.get(domain.id) || "";
  const due = domain.queues.find(({ id }) => id === chosen)?.due || sumOfDues(domain.queues);
  const sum = due.reduce((all, bucket) => all + bucket.count, 0);
  const caption = h(
    "figcaption",
    { id: newId("due") },
    h("b", {}, `${counted(sum, "callback")} due in the next ${due.length} hours`),
    h("span", { class: "hint" }, ` hours in ${pageZone()}`),
  );
  const select = h(
    "select",
    {
      "aria-label": "Dues of",
      onchange: () => {
        plotted.set(domain.id, select.value);
        const figure = select.closest("figure");
        const anew = duePlot(domain);
        figure.replaceWith(anew);
        anew.querySelector("select").focus();
      },
    },
    h("option", { value: "" }, "All queues"),
    domain.queues.map((queue) =>
      h(
        "option",
        {
          value: queue.id,
          selected: queue.id === chosen,
        },
        queue.name || queue.id,
      ),
    ),
  );
  const was = document.querySelector(
    `figure[data-domain="${CSS.escape(domain.id)}"] details`,
  )?.open;
  const table = dueTable(due);
  table.open = Boolean(was);
  return h(
    "figure",
    { data: { domain: domain.id } },
    h("div", { class: "figure-head" }, caption, select),
    due.length ? bars(due, caption.id) : h("p", { class: "hint" }, "Nothing is known of them."),
    table,
  );
}

// --- figures at a glance ---

function tile(label, value, note, late) {
  return h(
    "div",
    { class: late ? "tile late-tile" : "tile" },
    h("dt", {}, label),
    h("dd", {}, late && icon("warning"), value, note && h("span", { class: "hint" }, ` ${note}`)),
  );
}

function tiles(totals) {
  const age = (value) => (typeof value === "number" ? `oldest ${stopwatchText(value)}` : "");
  const agents = totals.agents || {};
  return h(
    "dl",
    { class: "tiles" },
    tile("Waiting live", countText(totals.waiting_live), age(totals.oldest_live_seconds)),
    tile(
      "Waiting callbacks",
      countText(totals.waiting_callbacks),
      age(totals.oldest_callback_seconds),
    ),
    tile("Free agents", countText(agents.available), `of ${countText(agents.on_queue)} on queue`),
    tile("Offers", countText(totals.offers), "alerting"),
    tile("Dials", countText(totals.dials), "in flight"),
    tile("In call", countText(totals.in_call)),
    tile("Overdue", countText(totals.overdue), "", Boolean(totals.overdue)),
  );
}

function domainSection(domain, words, totals) {
  const queues = domain.queues
    .filter((queue) => `${queue.name || ""} ${queue.id}`.toLowerCase().includes(words))
    .sort(compare);
  const heading = h("h2", { id: newId("domain") }, domain.id);
  return h(
    "section",
    { class: "domain", "aria-labelledby": heading.id },
    heading,
    h(
      "div",
      { class: "halves" },
      queues.length === 0
        ? h(
            "p",
            { class: "empty" },
            words
              ? "No queue has that in its name."
              : "This domain has no queues that you may see.",
          )
        : h(
            "table",
            { role: "table", class: "queues", "aria-labelledby": heading.id },
            h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, COLUMNS.map(headCell))),
            h(
              "tbody",
              { role: "rowgroup" },
              queues.map((queue) => queueRow(queue, domain.id)),
            ),
            totals &&
              queues.length > 1 &&
              !words &&
              h("tfoot", { role: "rowgroup" }, totalsRow(totals)),
          ),
      duePlot(domain),
    ),
  );
}

/** The choice of a domain; shown when there are several to choose from. */
function showDomains() {
  const { domain } = state();
  const ids = [
    ...new Set([...known, ...answer.domains.map(({ id }) => id), domain].filter(Boolean)),
  ];
  known = ids;
  $("domain-filter").hidden = ids.length < 2;
  $("domain").replaceChildren(
    h("option", { value: "" }, "All"),
    ...ids.map((id) => h("option", { value: id, selected: id === domain }, id)),
  );
}

function show() {
  if (!answer) {
    return;
  }
  showData(answer.data);
  showDomains();
  const words = state().queue.toLowerCase();
  const { domains, totals } = answer;
  $("domains").replaceChildren(
    ...(domains.length
      ? [
          tiles(totals),
          ...domains.map((one) => domainSection(one, words, domains.length === 1 && totals)),
        ]
      : [
          h(
            "p",
            { class: "empty" },
            answer.data.complete === false
              ? "Still loading: nothing to show yet."
              : "No queues are set up yet.",
          ),
        ]),
  );
  $("domains").setAttribute("aria-busy", "false");
}

// --- reading ---

async function read({ quiet = false } = {}) {
  if (reading) {
    return;
  }
  reading = true;
  $("domains").setAttribute("aria-busy", "true");
  try {
    const { domain } = state();
    const query = domain ? new URLSearchParams({ domain }) : "";
    answer = await withToken(() => ask("/overview", { query }));
    $("notice").replaceChildren();
    if (quiet && document.activeElement.closest?.("#domains")) {
      keepFocus(show);
    } else {
      show();
    }
    if (!quiet) {
      announce("The overview is read anew.");
    }
  } catch (problem) {
    if (answer) {
      $("notice").replaceChildren(`${problemText(problem)} What is shown is as of before.`);
    } else {
      $("domains").replaceChildren(problemElement(problem, () => read()));
    }
  }
  $("domains").setAttribute("aria-busy", "false");
  reading = false;
}

/** What is shown is built anew; whoever is within it with the keyboard stays where he is. */
function keepFocus(build) {
  const focusable = () => [...$("domains").querySelectorAll("a, button, select, summary")];
  const at = focusable().indexOf(document.activeElement);
  build();
  focusable()[at]?.focus();
}

function watch() {
  clearInterval(timer);
  const { every } = state();
  if (every) {
    timer = setInterval(() => {
      if (!document.hidden) {
        read({ quiet: true });
      }
    }, every * 1000);
  }
}

function buildEvery() {
  const select = $("every");
  select.append(
    ...Object.entries(EVERY).map(([value, text]) =>
      h(
        "option",
        {
          value,
          selected: Number(value) === state().every,
        },
        text,
      ),
    ),
  );
  select.addEventListener("change", () => {
    setState({ every: Number(select.value) });
    watch();
    announce(
      select.value === "0"
        ? "It is read anew only when you ask."
        : `It is read anew ${EVERY[select.value].toLowerCase()}.`,
    );
  });
}

async function refresh() {
  $("refresh").disabled = true;
  await read();
  $("refresh").disabled = false;
  $("refresh").focus();
}

async function begin() {
  buildEvery();
  $("narrow").value = state().queue;
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("narrow").addEventListener("input", () => {
    setState({ queue: $("narrow").value.trim() });
    show();
  });
  $("domain").addEventListener("change", () => {
    setState({ domain: $("domain").value });
    read();
  });
  $("refresh").addEventListener("click", refresh);
  listenKeys([
    ["/", "To the field for a queue", () => $("narrow").focus()],
    ["r", "Refresh", refresh],
    ["o", "To the list of callbacks", () => $("to-list").click()],
  ]);
  try {
    await start({ zoneChanged: show });
    await read();
    watch();
  } catch (problem) {
    $("asof").textContent = "";
    $("domains").replaceChildren(problemElement(problem, () => location.reload()));
  }
}

begin();
