// What both pages have around them: token, theme, zone, data's time, warnings, help.
import { ask, now, Problem, problemText, setToken, takeToken, token } from "./api.js";
import { $, announce, field, h, icon, openDialog, store, stored } from "./dom.js";
import {
  clockText,
  dayText,
  durationText,
  fullText,
  offsetText,
  parseTime,
  relativeText,
  viewerZone,
  zoneIsKnown,
} from "./time.js";
import { counted } from "./words.js";

const BEHIND_SECONDS = 5; // less is what a reader of a log always is
const SAID_HERE = /^(what is shown is \d+ s behind|topic state is still being read)/;
const TICK_MS = 10000;
export const QUEUE_ZONE = "queue";

let me = null;
let data = null;
let settled = [];

export function who() {
  return me;
}

// --- the zone ---

export function chosenZone() {
  const zone = stored("zone", "");
  return zone === QUEUE_ZONE || (zone && zoneIsKnown(zone)) ? zone : viewerZone();
}

/** The zone of times that belong to no queue. */
export function pageZone() {
  const zone = chosenZone();
  return zone === QUEUE_ZONE ? viewerZone() : zone;
}

function buildZones(changed) {
  const select = $("zone");
  const viewer = viewerZone();
  const option = (value, text) => h("option", { value }, text);
  select.append(option(viewer, `Yours: ${viewer} (${offsetText(now(), viewer)})`));
  if (viewer !== "UTC") {
    select.append(option("UTC", "UTC"));
  }
  select.append(option(QUEUE_ZONE, "The queue’s or customer’s, where known"));
  const others = (Intl.supportedValuesOf ? Intl.supportedValuesOf("timeZone") : []).filter(
    (zone) => zone !== viewer && zone !== "UTC",
  );
  select.append(
    h(
      "optgroup",
      { label: "Others" },
      others.map((zone) => option(zone, zone)),
    ),
  );
  if (![...select.options].some(({ value }) => value === chosenZone())) {
    select.append(option(chosenZone(), chosenZone()));
  }
  select.value = chosenZone();
  select.addEventListener("change", () => {
    store("zone", select.value);
    showData(data);
    changed();
    announce(`Times are shown in ${select.selectedOptions[0].textContent}.`);
  });
}

// --- the theme ---

const THEMES = { auto: "System", light: "Light", dark: "Dark" };

function buildTheme() {
  const select = $("theme");
  select.append(...Object.entries(THEMES).map(([value, text]) => h("option", { value }, text)));
  select.value = stored("theme", "auto");
  select.addEventListener("change", () => {
    store("theme", select.value);
    if (select.value === "auto") {
      delete document.documentElement.dataset.theme;
    } else {
      document.documentElement.dataset.theme = select.value;
    }
  });
}

// --- times that age ---

/** A <time> with the whole truth as a hint. */
export function timeElement(ms, zone, text, className) {
  return h(
    "time",
    {
      datetime: new Date(ms).toISOString(),
      title: fullText(ms, zone),
      class: className,
    },
    text,
  );
}

/** Text that is said anew as the clock goes on: only words, never data. */
export function aging(element, say) {
  element.textContent = say(now());
  settled.push({ element, say });
  return element;
}

function tick() {
  settled = settled.filter(({ element }) => element.isConnected);
  for (const { element, say } of settled) {
    const text = say(now());
    if (element.textContent !== text) {
      element.textContent = text;
    }
  }
}

export function relativeElement(ms) {
  return aging(h("span", { class: "relative" }), (at) => relativeText(ms, at));
}

// --- the data's time, and how far behind it is ---

function behindWords() {
  const found = [];
  if (data.complete === false) {
    const percent =
      typeof data.loaded_percent === "number" ? ` (${Math.floor(data.loaded_percent)} %)` : "";
    found.push(`Still loading${percent}: not all callbacks are here yet.`);
  }
  if (data.behind_seconds === null && data.complete !== false) {
    found.push("How far behind this is cannot be said yet.");
  }
  if (data.behind_seconds >= BEHIND_SECONDS) {
    const records = data.behind_records
      ? `, ${counted(data.behind_records, "record")} still to be read`
      : "";
    found.push(`What is shown is ${durationText(data.behind_seconds)} behind${records}.`);
  }
  // The server's words for the same two are left out: ours say more.
  const others = (data.warnings || []).filter((text) => !SAID_HERE.test(text));
  return [
    ...found,
    ...others.map(
      (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? "" : "."}`,
    ),
  ];
}

export function showData(newData) {
  data = newData;
  const warnings = $("warnings");
  if (!data) {
    return;
  }
  const ms = parseTime(data.time);
  const zone = pageZone();
  $("asof").replaceChildren();
  if (ms === null) {
    $("asof").append("No data yet");
  } else {
    const day = dayText(ms, zone, now());
    $("asof").append(
      "Data of ",
      timeElement(ms, zone, (day === "Today" ? "" : `${day} `) + clockText(ms, zone, true)),
    );
  }
  $("asof").append(
    h(
      "span",
      { class: "read" },
      aging(
        h("span"),
        ((read) => (at) => (at - read < 60000 ? "" : ` · read ${relativeText(read, at)}`))(now()),
      ),
    ),
  );
  const words = behindWords();
  warnings.hidden = words.length === 0;
  const text = words.join(" ");
  if (warnings.dataset.text !== text) {
    warnings.dataset.text = text;
    warnings.replaceChildren(icon("warning"), h("span", {}, text));
  }
}

// --- the token ---

function askToken(problem) {
  const box = h("textarea", {
    rows: "5",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
    autofocus: true,
  });
  const refused = token() !== "";
  return openDialog({
    title: "Sign in with a token",
    className: "narrow",
    build: (close) =>
      h(
        "form",
        {
          method: "dialog",
          onsubmit: (event) => {
            event.preventDefault();
            const text = box.value.trim().replace(/^Bearer\s+/i, "");
            if (text) {
              setToken(text);
              close(true);
            }
          },
        },
        refused &&
          h(
            "p",
            { class: "error", role: "alert" },
            `The token was refused. ${problem.detail || ""}`,
          ),
        h(
          "p",
          {},
          "This page shows callbacks to those who hold a token (a JSON Web Token) of your " +
            "sign-in service. Paste it here; it is kept in this tab until you close it.",
        ),
        field("Token", box),
        h("footer", {}, h("button", { class: "main" }, "Sign in")),
      ),
  });
}

/** Does what is asked, and again with a new token as long as the old one is refused. */
export async function withToken(act) {
  for (;;) {
    try {
      return await act();
    } catch (problem) {
      if (!(problem instanceof Problem) || problem.status !== 401) {
        throw problem;
      }
      if (!(await askToken(problem))) {
        throw problem;
      }
    }
  }
}

function showWho() {
  const place = $("who");
  if (me.development) {
    place.replaceChildren(
      h("span", { class: "tag", title: "No token is asked for; all is allowed" }, "Development"),
    );
    return;
  }
  place.replaceChildren(
    h("span", { class: "user", title: me.user || "" }, me.name || me.user || ""),
    h(
      "button",
      {
        type: "button",
        class: "quiet",
        onclick: () => {
          setToken("");
          location.reload();
        },
      },
      "Sign out",
    ),
  );
}

// --- keys ---

export function keysAreOn() {
  return stored("keys", "on") === "on";
}

/** keys: [[key, words, act]]; single keys work where nothing is typed, and can be turned off. */
export function listenKeys(keys) {
  const all = [...keys, ["?", "This help", () => showHelp(keys)]];
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox]), select, textarea, dialog");
    if (
      event.defaultPrevented ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      typing ||
      document.querySelector("dialog[open]") ||
      !keysAreOn()
    ) {
      return;
    }
    const found = all.find(([key]) => key === event.key);
    if (found) {
      event.preventDefault();
      found[2]();
    }
  });
  $("help").addEventListener("click", () => showHelp(keys));
}

function showHelp(keys) {
  const toggle = h("input", { type: "checkbox", checked: keysAreOn() });
  toggle.addEventListener("change", () => store("keys", toggle.checked ? "on" : "off"));
  const rows = [
    ...keys,
    ["?", "This help"],
    ["Esc", "Close what is open"],
    ["Tab", "Everything is reached by it; Space and Enter press"],
  ];
  openDialog({
    title: "Keys and hints",
    className: "narrow",
    build: (close) =>
      h(
        "div",
        {},
        h(
          "dl",
          { class: "keys" },
          rows.map(([key, words]) =>
            h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, words)),
          ),
        ),
        h("label", { class: "check" }, toggle, "Single keys act"),
        h(
          "p",
          { class: "hint" },
          "Times show their seconds and zone when pointed at, and in each " +
            "callback’s details. The address holds filters, order and page: it can be shared and " +
            "kept. Nothing is refreshed unless you ask for it.",
        ),
        h(
          "footer",
          {},
          h("button", { class: "main", type: "button", onclick: () => close() }, "Close"),
        ),
      ),
  });
}

// --- failures, in words ---

export function problemElement(problem, again) {
  return h(
    "div",
    { class: "empty", role: "alert" },
    icon("warning"),
    h("p", {}, problemText(problem)),
    again && h("button", { type: "button", onclick: again }, "Try again"),
  );
}

/** Starts the page. Resolves with who looks at it, or null if he gave no valid token. */
export async function start({ zoneChanged }) {
  takeToken();
  buildZones(zoneChanged);
  buildTheme();
  setInterval(tick, TICK_MS);
  me = await withToken(() => ask("/me"));
  showWho();
  return me;
}
