// One callback: what is known of it, and its whole life as a time line.
import { ask, callbackPath, now, Problem } from "./api.js";
import { h, icon, openDialog } from "./dom.js";
import { problemElement, relativeElement, timeElement, withToken } from "./shell.js";
import { clockText, dayText, durationText, fullText, parseTime } from "./time.js";
import { ACTIONS, countText, eventText, kindText, reasonText, stateText } from "./words.js";
import { nameOf } from "./actions.js";

function moment(text, zone) {
  const ms = parseTime(text);
  return ms === null
    ? null
    : h(
        "span",
        {},
        timeElement(ms, zone, fullText(ms, zone)),
        " ",
        h("span", { class: "hint" }, relativeElement(ms)),
      );
}

/** Since when it is as it is; its day only where that is not today. */
function sinceText(callback, zone) {
  const ms = parseTime(callback.since);
  if (ms === null) {
    return null;
  }
  const day = dayText(ms, zone, now());
  return h(
    "span",
    { class: "hint" },
    " since ",
    timeElement(ms, zone, `${day === "Today" ? "" : `${day} `}${clockText(ms, zone)}`),
    ", ",
    relativeElement(ms),
  );
}

function list(rows) {
  return h(
    "dl",
    { class: "facts" },
    rows
      .filter((row) => row && row[1])
      .map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
}

function mainFacts(callback, zone) {
  const { customer, queue, end } = callback;
  const local =
    callback.local_due && `${callback.local_due.time.replace("T", " ")} ${callback.local_due.zone}`;
  return list([
    ["Due", moment(callback.due, zone)],
    ["Due as given", local],
    [
      "State",
      [
        stateText(callback.state),
        callback.agent && ` ${callback.agent}`,
        sinceText(callback, zone),
      ],
    ],
    ["Ended", end && [`${reasonText(end.reason)}, `, moment(end.time, zone)]],
    ["Goes on", moment(callback.resume, zone)],
    ["Number", customer?.number],
    ["Ask for", customer?.callee_name],
    ["Queue", queue?.name || queue?.id],
    [
      "Owner",
      callback.owner && [
        callback.owner,
        h("span", { class: "hint" }, " until "),
        moment(callback.owner_until, zone),
      ],
    ],
  ]);
}

function moreFacts(callback, zone, may) {
  const { campaign } = callback;
  return list([
    ["Kind", kindText(callback.kind)],
    ["Scheduled by", callback.scheduled_by],
    may.campaign && [
      "Campaign",
      campaign && [campaign.id, campaign.contact_id].filter(Boolean).join(" · "),
    ],
    ["Dials", countText(callback.attempts)],
    ["Retries", callback.retries ? countText(callback.retries) : null],
    ["Snoozes", callback.snoozes ? countText(callback.snoozes) : null],
    ["Script", callback.script],
    ["Caller id shown", callback.caller_id],
    ["Created", moment(callback.created, zone)],
    ["Last change", moment(callback.updated, zone)],
    ["Conversation", callback.conversation_id],
    ["Interaction", callback.interaction_id],
    ["Callback", callback.id],
    ["Domain", callback.domain],
  ]);
}

/** Short ones to the tenth: what takes less than a second did take something. */
function tookText(seconds) {
  return seconds < 10 ? `${Math.round(seconds * 10) / 10} s` : durationText(seconds);
}

function eventRow(event, zone, dayBefore) {
  const ms = parseTime(event.time);
  const day = dayText(ms, zone, now());
  const said = [
    event.reason && reasonText(event.reason, event.detail),
    event.detail && (!event.reason || event.detail !== event.reason) && event.detail,
  ].filter(Boolean);
  const facets = [event.agent, event.queue].filter(Boolean).join(" · ");
  return h(
    "li",
    { class: `event ${event.what}` },
    h(
      "span",
      { class: "event-time" },
      day !== dayBefore && h("span", { class: "event-day" }, `${day} `),
      timeElement(ms, zone, clockText(ms, zone, true)),
    ),
    h(
      "span",
      { class: "event-what" },
      h("b", {}, eventText(event.what)),
      typeof event.duration_seconds === "number" &&
        h(
          "span",
          { class: "event-took", title: `${event.duration_seconds} s` },
          ` for ${tookText(event.duration_seconds)}`,
        ),
      said.length > 0 && h("span", {}, `: ${[...new Set(said)].join(" · ")}`),
      facets && h("span", { class: "hint" }, ` ${facets}`),
    ),
  );
}

/** By time; at one moment a life begins before anything else, and ends after it. */
function inOrder(events) {
  const rank = { created: -1, ended: 1 };
  return [...events].sort(
    (a, b) => parseTime(a.time) - parseTime(b.time) || (rank[a.what] || 0) - (rank[b.what] || 0),
  );
}

function timeline(answer, zone) {
  let day = "";
  const rows = inOrder(answer.events).map((event) => {
    const row = eventRow(event, zone, day);
    day = dayText(parseTime(event.time), zone, now());
    return row;
  });
  return h(
    "section",
    { class: "life" },
    h("h3", {}, "Its life so far"),
    (answer.note || answer.complete === false) &&
      h(
        "p",
        { class: "warning inline" },
        icon("warning"),
        h("span", {}, answer.note || "Not all of it could be read."),
      ),
    rows.length
      ? h("ol", { class: "events" }, rows)
      : h("p", { class: "hint" }, "Nothing is recorded."),
  );
}

/**
 * Opens the details of {domain, id}. `onact(action, callback)` resolves with true if something changed;
 * `zoneOf(callback)` is the zone that it is shown in.
 */
export function showDetail(identity, { zoneOf, may, onact, onclose, title }) {
  return openDialog({
    title: title || "Callback",
    className: "drawer",
    fallback: "results",
    onclose,
    build: (close, dialog) => {
      dialog.closeDetail = close;
      const body = h(
        "div",
        { class: "detail", "aria-busy": "true" },
        h("p", { class: "hint" }, "Reading its life…"),
      );
      const load = async () => {
        try {
          const answer = await withToken(() => ask(`${callbackPath(identity)}/timeline`));
          show(answer);
        } catch (problem) {
          body.replaceChildren(
            problem instanceof Problem && problem.status === 404
              ? h(
                  "p",
                  { class: "empty", role: "alert" },
                  "There is no such callback, or you may not see it.",
                )
              : problemElement(problem, load),
          );
        }
        body.setAttribute("aria-busy", "false");
      };
      const show = (answer) => {
        const { callback } = answer;
        const zone = zoneOf(callback);
        dialog.querySelector("h2").textContent = nameOf(callback);
        const buttons = Object.entries(ACTIONS)
          .filter(([action]) => (callback.allowed || []).includes(action))
          .map(([action, { verb }]) =>
            h(
              "button",
              {
                type: "button",
                class: action === "cancel" ? "danger" : "",
                onclick: async () => {
                  if (await onact(action, callback)) {
                    load();
                  }
                },
              },
              `${verb}…`,
            ),
          );
        body.replaceChildren(
          h("div", { class: "detail-tools", hidden: !buttons.length }, buttons),
          mainFacts(callback, zone),
          timeline(answer, zone),
          h("section", {}, h("h3", {}, "More about it"), moreFacts(callback, zone, may)),
        );
      };
      load();
      return body;
    },
  });
}
