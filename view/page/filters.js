// The form above the list. It shows the filters of the address and reports each change at once.
import { ask } from "./api.js";
import { field, h, newId } from "./dom.js";
import { PRESETS } from "./query.js";
import { fromLocal, iso, parseTime, toLocal } from "./time.js";
import { KINDS, STATES, counted } from "./words.js";

const MANY = 8; // more choices than these get a field to narrow them

/** Moves an open panel to the left as far as it needs to be within the window. */
function keepInside(details) {
  if (details.open) {
    const over =
      details.getBoundingClientRect().left + details.lastChild.offsetWidth + 12 - innerWidth;
    details.style.setProperty("--shift", `${-Math.max(0, over)}px`);
  }
}

window.addEventListener("resize", () => {
  document.querySelectorAll("details.pick").forEach(keepInside);
});

/** A button that opens a panel; closed by Esc, by the button, or by going elsewhere. */
function panel(label, ...content) {
  const words = h("span", { class: "pick-value" });
  const summary = h("summary", {}, h("span", {}, label), words);
  const details = h(
    "details",
    { class: "pick" },
    summary,
    h("div", { class: "pick-panel" }, content),
  );
  details.addEventListener("toggle", () => keepInside(details));
  details.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && details.open) {
      event.preventDefault();
      event.stopPropagation();
      details.open = false;
      summary.focus();
    }
  });
  details.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !details.contains(event.relatedTarget)) {
      details.open = false;
    }
  });
  document.addEventListener("pointerdown", (event) => {
    if (!details.contains(event.target)) {
      details.open = false;
    }
  });
  return { details, say: (text) => words.replaceChildren(text) };
}

function checks(legend, choices, chosen, changed) {
  const boxes = choices.map(({ value, text, note }) => {
    const box = h("input", { type: "checkbox", value, checked: chosen.includes(value) });
    box.addEventListener("change", () =>
      changed(
        boxes
          .map((row) => row.querySelector("input"))
          .filter((other) => other.checked)
          .map((other) => other.value),
      ),
    );
    return h(
      "label",
      { class: "check" },
      box,
      h("span", {}, text),
      note && h("span", { class: "hint" }, note),
    );
  });
  const set = h("fieldset", {}, h("legend", {}, legend));
  if (choices.length > MANY) {
    const narrow = h("input", {
      type: "search",
      "aria-label": `Narrow ${legend.toLowerCase()}`,
      placeholder: "Narrow…",
      oninput: () => {
        const words = narrow.value.toLowerCase();
        boxes.forEach((row) => {
          row.hidden = !row.textContent.toLowerCase().includes(words);
        });
      },
    });
    set.append(narrow);
  }
  set.append(h("div", { class: "checks" }, boxes));
  return set;
}

function textInput(filters, name, changed, more = {}) {
  return h("input", {
    type: "search",
    value: filters[name],
    autocomplete: "off",
    spellcheck: "false",
    ...more,
    onchange: (event) => changed({ [name]: event.target.value.trim() }),
  });
}

/** Several values in one field, apart by commas. */
function listInput(filters, name, changed, more = {}) {
  return h("input", {
    type: "search",
    value: filters[name].join(", "),
    autocomplete: "off",
    spellcheck: "false",
    ...more,
    onchange: (event) =>
      changed({
        [name]: event.target.value
          .split(",")
          .map((word) => word.trim())
          .filter(Boolean),
      }),
  });
}

function timeInput(filters, name, zone, changed, more = {}) {
  const ms = parseTime(filters[name]);
  return h("input", {
    type: "datetime-local",
    value: ms === null ? "" : toLocal(ms, zone),
    onchange: (event) => {
      const found = fromLocal(event.target.value, zone);
      changed({ [name]: found ? iso(found.ms) : "", ...more });
    },
  });
}

function agentInput(filters, changed) {
  const list = h("datalist", { id: newId("agents") });
  const input = listInput(filters, "owner", changed, { list: list.id });
  input.addEventListener("focus", async () => {
    if (!list.childElementCount) {
      try {
        const found = await ask("/agents", { query: "limit=200" });
        list.replaceChildren(
          ...found.map(({ id, name }) => h("option", { value: id }, name || id)),
        );
      } catch {
        // It is only a help to type.
      }
    }
  });
  return [field("This agent", input), list];
}

function duePanel(filters, zone, changed) {
  const name = newId("due");
  const choices = { "": "Any time", ...PRESETS };
  const radios = Object.entries(choices).map(([value, text]) =>
    h(
      "label",
      { class: "check" },
      h("input", {
        type: "radio",
        name,
        value,
        checked: filters.due === value && !(filters.due_from || filters.due_to),
        onchange: () => changed({ due: value, due_from: "", due_to: "" }),
      }),
      text,
    ),
  );
  const { details, say } = panel(
    "Due",
    h("fieldset", {}, h("legend", {}, "Due"), h("div", { class: "checks" }, radios)),
    field("From", timeInput(filters, "due_from", zone, changed, { due: "" })),
    field("Until", timeInput(filters, "due_to", zone, changed, { due: "" }), `Times in ${zone}`),
  );
  say(
    filters.due
      ? PRESETS[filters.due]
      : filters.due_from || filters.due_to
        ? "chosen span"
        : "any time",
  );
  return details;
}

function queuePanel(filters, queues, changed) {
  const domains = new Set(queues.map((queue) => queue.domain));
  const choices = queues.map((queue) => ({
    value: queue.id,
    text: (queue.name || queue.id) + (domains.size > 1 ? ` (${queue.domain})` : ""),
    note: typeof queue.callbacks === "number" ? counted(queue.callbacks, "callback") : null,
  }));
  const missing = filters.queue.filter((id) => !queues.some((queue) => queue.id === id));
  missing.forEach((id) => choices.push({ value: id, text: id }));
  const { details, say } = panel(
    "Queue",
    checks("Queues", choices, filters.queue, (queue) => changed({ queue })),
  );
  say(filters.queue.length ? String(filters.queue.length) : "all");
  return details;
}

function statePanel(filters, changed) {
  const choices = Object.entries(STATES)
    .filter(([value]) => value !== "ended")
    .map(([value, text]) => ({ value, text }));
  const name = newId("ended");
  const ended = { no: "Without ended ones", any: "Ended ones too", yes: "Only ended ones" };
  const { details, say } = panel(
    "State",
    checks("States", choices, filters.state, (state) => changed({ state })),
    h(
      "fieldset",
      {},
      h("legend", {}, "Ended ones"),
      h(
        "div",
        { class: "checks" },
        Object.entries(ended).map(([value, text]) =>
          h(
            "label",
            { class: "check" },
            h("input", {
              type: "radio",
              name,
              value,
              checked: filters.ended === value,
              onchange: () => changed({ ended: value }),
            }),
            text,
          ),
        ),
      ),
    ),
  );
  const words = filters.state.length ? String(filters.state.length) : "all";
  say(filters.ended === "no" ? words : filters.ended === "yes" ? "ended" : `${words} + ended`);
  return details;
}

function ownerPanel(filters, changed) {
  const name = newId("owner");
  const special = filters.owner.find((value) => value === "-" || value === "*") || "";
  const choices = { "": "Any", "*": "Owned by anybody", "-": "Not owned" };
  const { details, say } = panel(
    "Owner",
    h(
      "fieldset",
      {},
      h("legend", {}, "Owner"),
      h(
        "div",
        { class: "checks" },
        Object.entries(choices).map(([value, text]) =>
          h(
            "label",
            { class: "check" },
            h("input", {
              type: "radio",
              name,
              value,
              checked: special === value && (special || !filters.owner.length),
              onchange: () => changed({ owner: value ? [value] : [] }),
            }),
            text,
          ),
        ),
      ),
    ),
    agentInput(special ? { owner: [] } : filters, changed),
  );
  say({ "-": "none", "*": "owned" }[special] || filters.owner.join(", ") || "any");
  return details;
}

function morePanel(filters, { zone, may, domains }, changed) {
  const kinds = [
    ...Object.entries(KINDS).map(([value, text]) => ({ value, text })),
    { value: "any", text: "All kinds" },
  ];
  const { details, say } = panel(
    "More",
    h(
      "div",
      { class: "pick-columns" },
      checks("Kind", kinds, filters.kind, (kind) => {
        const all = kind.includes("any") && !filters.kind.includes("any");
        changed({ kind: all ? ["any"] : kind.filter((value) => value !== "any") });
      }),
      h(
        "div",
        {},
        field("Scheduled by", listInput(filters, "scheduled_by", changed)),
        field("With agent", listInput(filters, "agent", changed)),
        may.campaign && field("Campaign", listInput(filters, "campaign", changed)),
        domains.length > 1 && field("Domain", listInput(filters, "domain", changed)),
      ),
      h(
        "div",
        {},
        field("Created from", timeInput(filters, "created_from", zone, changed)),
        field("Created until", timeInput(filters, "created_to", zone, changed), `Times in ${zone}`),
      ),
    ),
  );
  const names = ["kind", "scheduled_by", "agent", "campaign", "domain"];
  const count =
    names.reduce((sum, name) => sum + filters[name].length, 0) +
    ["created_from", "created_to"].filter((name) => filters[name]).length;
  say(count ? String(count) : "");
  details.classList.add("pick-wide");
  return details;
}

/** On a narrow screen all but the search is behind a button. */
function fold(form) {
  const button = h(
    "button",
    {
      type: "button",
      class: "fold",
      "aria-controls": "folded",
      "aria-expanded": String(form.classList.contains("is-open")),
      onclick: () => {
        const open = form.classList.toggle("is-open");
        button.setAttribute("aria-expanded", String(open));
      },
    },
    "Filters",
  );
  return button;
}

/** Builds the form anew for these filters; a panel that is open stays so, and so does the focus. */
export function showFilters(form, filters, context, changed) {
  const panels = () => [...form.querySelectorAll("details")];
  const open = panels().map((details) => details.open);
  const tabbables = () => [...form.querySelectorAll("input, summary, .fold")];
  const at = tabbables().indexOf(document.activeElement);
  form.replaceChildren(
    h(
      "div",
      { class: "filter search" },
      h("label", { for: "q" }, "Search"),
      textInput(filters, "q", changed, { id: "q", placeholder: "Name, number or id" }),
    ),
    fold(form),
    h(
      "div",
      { class: "folded", id: "folded" },
      h(
        "div",
        { class: "filter" },
        h("label", { for: "number" }, "Number"),
        textInput(filters, "number", changed, {
          id: "number",
          inputmode: "tel",
          placeholder: "Any part of it",
        }),
      ),
      duePanel(filters, context.zone, changed),
      queuePanel(filters, context.queues, changed),
      statePanel(filters, changed),
      ownerPanel(filters, changed),
      morePanel(filters, context, changed),
    ),
  );
  panels().forEach((details, index) => {
    details.open = Boolean(open[index]);
  });
  if (at >= 0 && tabbables()[at]) {
    tabbables()[at].focus();
  }
}
