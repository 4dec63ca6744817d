// What of the page needs no page: zones, words, the filters in the address. Prints TAP:
//   node --test-reporter=tap tests/ui/unit.mjs
import assert from "node:assert";
import fs from "node:fs";
import test from "node:test";
import { Problem, problemText } from "../../view/page/api.js";
import * as query from "../../view/page/query.js";
import * as time from "../../view/page/time.js";
import { REASONS } from "../../view/page/words.js";

const at = (text) => Date.parse(text);
const BERLIN = "Europe/Berlin";

test("time: an instant on the wall of a zone", () => {
  assert.equal(time.toLocal(at("2026-07-01T22:30:00Z"), BERLIN), "2026-07-02T00:30");
  assert.equal(time.toLocal(at("2026-12-01T22:30:00Z"), "America/St_Johns"), "2026-12-01T19:00");
  assert.equal(time.offsetText(at("2026-12-01T00:00:00Z"), "America/St_Johns"), "UTC−03:30");
  assert.equal(time.offsetText(at("2026-12-01T00:00:00Z"), "UTC"), "UTC+00:00");
});

test("time: a local time once, skipped and twice", () => {
  assert.deepEqual(time.fromLocal("2026-12-01T09:00", BERLIN), {
    ms: at("2026-12-01T08:00Z"),
    kind: "once",
  });
  assert.deepEqual(time.fromLocal("2026-03-29T02:30", BERLIN), {
    ms: at("2026-03-29T01:30Z"),
    kind: "skipped",
  });
  assert.deepEqual(time.fromLocal("2026-10-25T02:30", BERLIN), {
    ms: at("2026-10-25T00:30Z"),
    kind: "twice",
  });
  assert.deepEqual(time.fromLocal("2026-10-25T03:30", BERLIN), {
    ms: at("2026-10-25T02:30Z"),
    kind: "once",
  });
  assert.deepEqual(time.fromLocal("2026-11-01T01:30", "America/New_York"), {
    ms: at("2026-11-01T05:30Z"),
    kind: "twice",
  });
  assert.equal(time.fromLocal("tomorrow", BERLIN), null);
});

test("time: there and back in many zones, each hour of a year", () => {
  for (const zone of [BERLIN, "UTC", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Santiago"]) {
    for (let ms = at("2026-01-01T00:00Z"); ms < at("2027-01-01T00:00Z"); ms += 3600000 * 5) {
      const found = time.fromLocal(time.toLocal(ms, zone), zone);
      assert.ok(found.ms === ms || found.kind === "twice", `${zone} ${new Date(ms).toISOString()}`);
    }
  }
});

test("time: a day begins where its zone says, also in the nights of a change", () => {
  assert.equal(time.dayStart(at("2026-03-29T12:00Z"), BERLIN), at("2026-03-28T23:00Z"));
  assert.equal(time.dayStart(at("2026-03-29T12:00Z"), BERLIN, 1), at("2026-03-29T22:00Z"));
  assert.equal(time.dayStart(at("2026-12-31T23:30Z"), BERLIN), at("2026-12-31T23:00Z"));
});

test("time: words for days", () => {
  const now = at("2026-11-30T12:00Z");
  const say = (text) => time.dayText(at(text), BERLIN, now);
  assert.deepEqual(
    [
      "2026-11-29T22:59Z",
      "2026-11-29T23:00Z",
      "2026-11-30T23:00Z",
      "2026-12-02T12:00Z",
      "2027-01-02T12:00Z",
    ].map(say),
    ["Yesterday", "Today", "Tomorrow", "Wed 2 Dec", "Sat 2 Jan 2027"],
  );
  assert.equal(time.fullText(now, BERLIN), "Mon 30 Nov 2026, 13:00:00 Europe/Berlin (UTC+01:00)");
});

test("time: words for durations", () => {
  const say = [0, 59.4, 60, 61, 599, 600, 3599, 3600, 3900, 172800, 180000, 10 * 86400].map(
    time.durationText,
  );
  assert.deepEqual(say, [
    "0 s",
    "59 s",
    "1 min",
    "1 min 1 s",
    "9 min 59 s",
    "10 min",
    "59 min",
    "1 h",
    "1 h 5 min",
    "2 days",
    "2 days 2 h",
    "10 days",
  ]);
  assert.equal(time.relativeText(at("2026-11-30T12:12:40Z"), at("2026-11-30T12:00Z")), "in 12 min");
  assert.equal(time.relativeText(at("2026-11-30T11:59:15Z"), at("2026-11-30T12:00Z")), "45 s ago");
  assert.deepEqual([42.4, 725, 3725].map(time.stopwatchText), ["0:42", "12:05", "1:02:05"]);
});

test("query: the address says the same as the filters", () => {
  const search =
    "?queue=a%26b&queue=c&state=waiting&owner=-&q=dora&due_from=2026-11-30T08%3A00%3A00.000Z" +
    "&due=today&ended=any&sort=-name&limit=100";
  const filters = query.parse(search);
  assert.deepEqual(filters.queue, ["a&b", "c"]);
  assert.deepEqual(query.parse(query.toSearch(filters)), filters);
  assert.equal(query.toSearch(query.parse("")), "");
});

test("query: rubbish in the address is as if it were not there", () => {
  const rubbish =
    "?sort=evil&limit=1e9&ended=perhaps&due=never&due_from=x&state=dead&kind=&at=x&zzz=1";
  assert.equal(query.toSearch(query.parse(rubbish)), "");
});

test("query: what the API is asked", () => {
  const now = at("2026-11-30T12:00:00Z");
  const ask = (search) => Object.fromEntries(query.toApi(query.parse(search), now, BERLIN));
  assert.deepEqual(ask(""), { sort: "due" });
  assert.deepEqual(ask("?due=overdue&number=%2B49+30"), {
    sort: "due",
    due_to: "2026-11-30T12:00:00.000Z",
    number: "4930",
  });
  assert.deepEqual(ask("?due=tomorrow"), {
    sort: "due",
    due_from: "2026-11-30T23:00:00.000Z",
    due_to: "2026-12-01T23:00:00.000Z",
  });
  assert.deepEqual(ask("?due=hour&at=1000"), {
    sort: "due",
    due_from: "1970-01-01T00:00:01.000Z",
    due_to: "1970-01-01T01:00:01.000Z",
  });
});

test("query: each filter has its words and can be taken away", () => {
  const filters = query.parse(
    "?queue=q1&owner=-&number=49&due=today&ended=yes&created_from=2026-11-30T08:00Z",
  );
  const chips = query.chips(filters, { zone: BERLIN, now: at("2026-11-30T12:00Z") });
  assert.deepEqual(
    chips.map(({ label }) => label),
    [
      "Queue: q1",
      "Owner: not owned",
      "Number: 49",
      "Due: today",
      "Created from Today 09:00",
      "Only ended ones",
    ],
  );
  const bare = chips.reduce((rest, { without }) => ({ ...rest, ...without }), filters);
  assert.equal(query.toSearch(bare), "");
});

test("words: there are some for every reason of docs/reasons.md", () => {
  const page = fs.readFileSync(new URL("../../docs/reasons.md", import.meta.url), "utf8");
  const codes = [...page.matchAll(/^\| `([A-Z_]+)` \|/gm)].map((found) => found[1]);
  assert.ok(codes.length > 60);
  assert.deepEqual(
    Object.keys(REASONS)
      .filter((code) => !["FORBIDDEN", "REPEATED"].includes(code))
      .sort(),
    codes.sort(),
  );
});

test("words: what went wrong, and what to do", () => {
  const say = (status, told, retryAfter) => problemText(new Problem(status, told, retryAfter));
  assert.match(say(0), /cannot be reached/);
  assert.equal(say(429, {}, 3), "Too many requests. Try again in 3 seconds.");
  assert.equal(say(403, { detail: "lacks x:view" }), "You may not see this. lacks x:view");
  const errors = [{ field: "number", message: "digits only" }];
  assert.equal(say(400, { detail: "Bad.", errors }), "Bad. · number: digits only");
  assert.equal(say(500), "The server answered with status 500.");
  assert.match(problemText(new TypeError("oops")), /page itself failed: oops/);
});
