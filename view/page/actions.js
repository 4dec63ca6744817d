// Cancel, reschedule, reassign: what is asked of whom, and what each callback answered.
import { ask, now, Problem, problemText } from "./api.js";
import { field, h, icon, newId, openDialog } from "./dom.js";
import { chosenZone, pageZone, withToken } from "./shell.js";
import {
  dayStart,
  fromLocal,
  fullText,
  iso,
  parseTime,
  relativeText,
  toLocal,
  zoneIsKnown,
} from "./time.js";
import { ACTIONS, counted, reasonText, stateText } from "./words.js";

export const ITEMS_MAX = 1000;
const SHOWN_MAX = 5;

export function keyOf({ domain, id }) {
  return `${domain}|${id}`;
}

export function nameOf(callback) {
  return (
    callback.customer?.name ||
    callback.customer?.callee_name ||
    callback.customer?.number ||
    callback.id
  );
}

function whom(items) {
  const first = items
    .slice(0, SHOWN_MAX)
    .map((item) =>
      h(
        "li",
        {},
        h("b", {}, nameOf(item)),
        ` ${item.customer?.number || ""} `,
        h(
          "span",
          { class: "hint" },
          `${item.queue?.name || item.queue?.id || ""} · ${stateText(item.state)}`,
        ),
      ),
    );
  const more = items.length - first.length;
  return h(
    "ul",
    { class: "whom" },
    first,
    more > 0 && h("li", {}, `and ${counted(more, "more", "more")}`),
  );
}

function doubts(items, action) {
  const count = items.filter((item) => !(item.allowed || []).includes(action)).length;
  return (
    count > 0 &&
    h(
      "p",
      { class: "hint" },
      icon("lock"),
      items.length === 1
        ? " As last read, it did not allow that."
        : ` As last read, ${count} of them did not allow that; they are asked all the same, and each ` +
            "answers for itself.",
    )
  );
}

// --- the answers ---

function laterButton(result, row) {
  const button = h("button", { type: "button" }, "Ask for its answer");
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const found = await ask(`/requests/${encodeURIComponent(result.request_id)}`);
      if (found.status !== "unanswered") {
        const settled = resultRow(found, row.item);
        row.replaceWith(settled);
        settled.focus();
        return;
      }
      button.textContent = "No answer yet: ask again";
    } catch (problem) {
      button.textContent = problem.status === 404 ? "It is not known any more" : "Ask again";
    }
    button.disabled = false;
    button.focus();
  });
  return button;
}

function resultRow(result, item) {
  const words = { done: "Done", refused: "Refused", unanswered: "No answer yet" };
  const said =
    result.status === "refused"
      ? reasonText(result.reason, result.text)
      : result.status === "unanswered"
        ? "it may still be done"
        : "";
  const row = h(
    "li",
    { class: result.status, tabindex: "-1" },
    icon({ done: "done", refused: "close", unanswered: "clock" }[result.status] || "clock"),
    h(
      "span",
      { class: "result-name" },
      h("b", {}, nameOf(item)),
      " ",
      h("span", { class: "hint" }, item.customer?.number || item.id),
    ),
    h(
      "span",
      { class: "result-said" },
      h("b", {}, words[result.status] || result.status),
      said ? `: ${said}` : "",
      result.reason &&
        h("span", { class: "hint code", title: result.text || "" }, ` ${result.reason}`),
    ),
  );
  row.item = item;
  if (result.status === "unanswered" && result.request_id) {
    row.append(laterButton(result, row));
  }
  return row;
}

function sumText(answer, action) {
  return [
    answer.done && `${counted(answer.done, "callback")} ${ACTIONS[action].done}`,
    answer.refused && `${answer.refused} refused`,
    answer.unanswered && `${answer.unanswered} not answered yet`,
  ]
    .filter(Boolean)
    .join(", ");
}

function resultsView(answer, action, items, close) {
  const known = new Map(items.map((item) => [keyOf(item), item]));
  const rank = { refused: 0, unanswered: 1, done: 2 };
  const rows = [...answer.results].sort((a, b) => rank[a.status] - rank[b.status]);
  const heading = h(
    "p",
    { class: "sum", role: "alert", tabindex: "-1" },
    `${sumText(answer, action)}.`,
  );
  const view = h(
    "div",
    {},
    heading,
    h(
      "ul",
      { class: "results", "aria-label": "Answer of each callback" },
      rows.map((result) => resultRow(result, known.get(keyOf(result)) || result)),
    ),
    h(
      "footer",
      {},
      h("button", { type: "button", class: "main", onclick: () => close(answer) }, "Close"),
    ),
  );
  return { view, heading };
}

// --- the dialogs ---

/** Asks and shows the answers. `read()` gives the rest of the body, or null if a field is wrong. */
function actionForm(action, items, { content, read, verb }, close) {
  const failure = h("p", { class: "error", role: "alert", hidden: true });
  const button = h("button", { class: action === "cancel" ? "danger main" : "main" }, verb);
  const requestKey = crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random()}`;
  const form = h(
    "form",
    { method: "dialog", novalidate: true },
    content,
    failure,
    h(
      "footer",
      {},
      h("button", { type: "button", onclick: () => close() }, "Leave as it is"),
      button,
    ),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const rest = read();
    if (!rest || button.disabled) {
      return;
    }
    button.disabled = true;
    failure.hidden = true;
    button.textContent = "Asking…";
    try {
      const answer = await withToken(() =>
        ask("/actions", {
          method: "POST",
          body: {
            action,
            items: items.map(({ domain, id }) => ({ domain, id })),
            request_key: requestKey,
            ...rest,
          },
        }),
      );
      answer.text = `${sumText(answer, action)}.`;
      if (!answer.refused && !answer.unanswered) {
        close(answer);
        return;
      }
      const { view, heading } = resultsView(answer, action, items, close);
      form.replaceWith(view);
      const dialog = view.closest("dialog");
      dialog.querySelector("h2").textContent =
        items.length === 1 ? "What it answered" : "What each of them answered";
      dialog.partial = answer;
      heading.focus();
    } catch (problem) {
      failure.textContent = problem instanceof Problem ? problemText(problem) : String(problem);
      failure.hidden = false;
      button.disabled = false;
      button.textContent = "Ask again";
      button.focus();
    }
  });
  return form;
}

async function actionDialog(action, items, build) {
  const { verb } = ACTIONS[action];
  const title =
    items.length === 1 ? `${verb} this callback?` : `${verb} ${counted(items.length, "callback")}?`;
  let opened;
  const closed = await openDialog({
    title,
    fallback: "results",
    build: (close, dialog) => {
      opened = dialog;
      return actionForm(action, items, build(dialog), close);
    },
  });
  return closed || opened.partial || null;
}

function cancelDialog(items) {
  return actionDialog("cancel", items, () => ({
    verb:
      items.length === 1 ? "Cancel the callback" : `Cancel ${counted(items.length, "callback")}`,
    content: [
      whom(items),
      h("p", {}, "The customer will not be called back. This cannot be undone."),
      doubts(items, "cancel"),
    ],
    read: () => ({}),
  }));
}

function presetTimes(at, zone) {
  const minute = Math.ceil(at / 60000) * 60000;
  const morning = (days) =>
    fromLocal(`${toLocal(dayStart(at, zone, days), zone).slice(0, 11)}09:00`, zone).ms;
  return [
    ["in 30 minutes", minute + 1800000],
    ["in 1 hour", minute + 3600000],
    ["in 2 hours", minute + 7200000],
    ["tomorrow 09:00", morning(1)],
  ];
}

function firstZone(items) {
  const given = items.length === 1 ? items[0].local_due?.zone : "";
  const wanted = chosenZone() === "queue" && given ? given : pageZone();
  return zoneIsKnown(wanted) ? wanted : "UTC";
}

/** What is said of the time in the fields: whether it is wrong, else what it is in full. */
function sayTime(local, zone) {
  const notes = {
    skipped: " (the clock jumps over the time given; this is what follows)",
    twice: " (that time comes twice; this is the first)",
  };
  if (!local) {
    return { wrong: true, text: "Give a day and a time." };
  }
  if (local.ms <= now()) {
    return { wrong: true, text: "That is in the past: give a later time." };
  }
  const away = relativeText(local.ms, now());
  return { wrong: false, text: `${fullText(local.ms, zone)}, ${away}${notes[local.kind] || ""}` };
}

/** Day, time and zone, with buttons for the usual ones. `read()` is null if they are wrong. */
function timeFields(items) {
  const given = items.length === 1 ? items[0].local_due?.zone : "";
  const zones = [...new Set([firstZone(items), pageZone(), "UTC", given || ""])]
    .filter((name) => name && zoneIsKnown(name))
    .map((name) => h("option", { value: name }, name));
  const zone = h("select", {}, zones);
  const due = items.length === 1 ? parseTime(items[0].due) : null;
  const start = due !== null && due > now() ? due : now() + 1800000;
  const [startDay, startTime] = toLocal(start, zone.value).split("T");
  const day = h("input", { type: "date", value: startDay, required: true, autofocus: true });
  const time = h("input", { type: "time", value: startTime, required: true });
  const said = h("p", { class: "said", "aria-live": "polite" });
  const text = () => `${day.value}T${time.value.slice(0, 5)}`;
  const say = () => {
    const found = sayTime(fromLocal(text(), zone.value), zone.value);
    said.classList.toggle("error", found.wrong);
    said.textContent = found.text;
    return found;
  };
  const set = (ms) => {
    [day.value, time.value] = toLocal(ms, zone.value).split("T");
    say();
  };
  const presets = presetTimes(now(), zone.value).map(([words, ms]) =>
    h("button", { type: "button", onclick: () => set(ms) }, words),
  );
  [day, time, zone].forEach((input) => input.addEventListener("input", say));
  say();
  return {
    keeps: Boolean(given),
    content: [
      h("div", { class: "fields" }, field("Day", day), field("Time", time), field("Zone", zone)),
      h("div", { class: "presets", role: "group", "aria-label": "Usual times" }, presets),
      said,
    ],
    read: () => {
      if (say().wrong) {
        (day.value ? time : day).focus();
        return null;
      }
      return { time: text(), zone: zone.value, ms: fromLocal(text(), zone.value).ms };
    },
  };
}

function rescheduleDialog(items) {
  return actionDialog("reschedule", items, () => {
    const fields = timeFields(items);
    const keep = h("input", { type: "checkbox", checked: fields.keeps });
    const words = "Keep this local time even if the rules of its zone change before";
    return {
      verb:
        items.length === 1
          ? "Reschedule the callback"
          : `Reschedule ${counted(items.length, "callback")}`,
      content: [
        whom(items),
        fields.content,
        h("label", { class: "check" }, keep, words),
        doubts(items, "reschedule"),
      ],
      read: () => {
        const found = fields.read();
        if (!found) {
          return null;
        }
        const { time, zone, ms } = found;
        return keep.checked ? { local_due: { time, zone } } : { due: iso(ms) };
      },
    };
  });
}

/** A field that narrows a list to pick from. `find(words)` gives [{id, name}]. */
function picker(label, find, words = "") {
  const list = h("select", { size: "6", "aria-label": `${label}s found` });
  const input = h("input", {
    type: "search",
    autocomplete: "off",
    spellcheck: "false",
    value: words,
  });
  const note = h("span", { class: "hint", role: "status" });
  let turn = 0;
  const look = async () => {
    const mine = (turn += 1);
    let found = [];
    try {
      found = await find(input.value.trim());
      note.textContent = found.length ? "" : "None found.";
    } catch (problem) {
      note.textContent = problemText(problem);
    }
    if (mine === turn) {
      const before = list.value;
      list.replaceChildren(
        ...found.map(({ id, name }) =>
          h("option", { value: id }, name && name !== id ? `${name} (${id})` : id),
        ),
      );
      list.value = found.some(({ id }) => id === before)
        ? before
        : input.value.trim() && found.length === 1
          ? found[0].id
          : "";
    }
  };
  let timer;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, 150);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" && list.options.length) {
      event.preventDefault();
      list.selectedIndex = Math.max(0, list.selectedIndex);
      list.focus();
    }
  });
  look();
  return {
    element: h("div", { class: "picker" }, field(`Find ${label}`, input), list, note),
    list,
    input,
  };
}

function queueFinder(domain, queues) {
  return async (words) =>
    queues
      .filter(
        (queue) =>
          queue.domain === domain &&
          `${queue.name || ""} ${queue.id}`.toLowerCase().includes(words.toLowerCase()),
      )
      .slice(0, 200);
}

function agentFinder(domain) {
  return async (words) => {
    const query = new URLSearchParams({ domain, q: words, limit: "50" });
    return ask("/agents", { query });
  };
}

function reassignDialog(items, { queues }) {
  const { domain } = items[0];
  return actionDialog("reassign", items, () => {
    const name = newId("to");
    const toQueue = h("input", {
      type: "radio",
      name,
      value: "queue",
      checked: true,
      autofocus: true,
    });
    const toAgent = h("input", { type: "radio", name, value: "agent" });
    const queue = picker("queue", queueFinder(domain, queues));
    const agent = picker("agent", agentFinder(domain));
    const wrong = h("p", { class: "error", role: "alert", hidden: true });
    const unowned = items.filter((item) => !item.owner).length;
    const note =
      unowned > 0 &&
      h(
        "p",
        { class: "hint" },
        items.length === 1
          ? "It is not owned: only owned callbacks go to another agent."
          : `${unowned} of them are not owned: only owned callbacks go to another agent.`,
      );
    const show = () => {
      queue.element.hidden = !toQueue.checked;
      agent.element.hidden = !toAgent.checked;
      if (note) {
        note.hidden = !toAgent.checked;
      }
    };
    [toQueue, toAgent].forEach((radio) => radio.addEventListener("change", show));
    show();
    return {
      verb:
        items.length === 1
          ? "Reassign the callback"
          : `Reassign ${counted(items.length, "callback")}`,
      content: [
        whom(items),
        h(
          "fieldset",
          { class: "either" },
          h("legend", {}, "To"),
          h("label", { class: "check" }, toQueue, "another queue"),
          h("label", { class: "check" }, toAgent, "another owner"),
        ),
        queue.element,
        agent.element,
        note,
        wrong,
        doubts(items, "reassign"),
      ],
      read: () => {
        const chosen = toQueue.checked ? queue : agent;
        wrong.hidden = Boolean(chosen.list.value);
        wrong.textContent = "Choose one from the list.";
        if (!chosen.list.value) {
          chosen.input.focus();
          return null;
        }
        return toQueue.checked
          ? { queue_id: chosen.list.value }
          : { owner_agent_id: chosen.list.value };
      },
    };
  });
}

function tell(title, text) {
  return openDialog({
    title,
    className: "narrow",
    fallback: "results",
    build: (close) =>
      h(
        "div",
        {},
        h("p", {}, text),
        h(
          "footer",
          {},
          h(
            "button",
            { type: "button", class: "main", autofocus: true, onclick: () => close() },
            "Close",
          ),
        ),
      ),
  }).then(() => null);
}

/** Opens the dialog. Resolves with the API's answer, or null if nothing was asked. */
export function act(action, items, context) {
  if (items.length > ITEMS_MAX) {
    return tell(
      "Too many at once",
      `At most ${counted(ITEMS_MAX, "callback")} are changed at once; ` +
        `${counted(items.length, "is", "are")} selected.`,
    );
  }
  if (action === "reassign" && new Set(items.map((item) => item.domain)).size > 1) {
    return tell(
      "One domain at a time",
      "The selected callbacks belong to several domains, and a " +
        "queue or an agent belongs to one. Select those of one domain.",
    );
  }
  return { cancel: cancelDialog, reschedule: rescheduleDialog, reassign: reassignDialog }[action](
    items,
    context,
  );
}
