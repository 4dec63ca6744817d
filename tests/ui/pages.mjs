// The pages of `ringback view` in a real Chromium, against the real thing: started by tests/all.d/56-ui, which
// says where it is and what callbacks there are. Every action is done as a user does it.
import fs from "node:fs";
import path from "node:path";
import {
  accessible,
  done,
  equal,
  fits,
  hangUp,
  launch,
  ok,
  open,
  picture,
  seen,
  servers,
  setup,
} from "./browser.mjs";
import { CANCEL, EDIT, SEE, token } from "./tokens.mjs";

const all = token(setup.folder);
const DEADLINE_MS = 20000;

async function api(where, asked = {}, by = all) {
  const answer = await fetch(`${setup.base}/api/v1${where}?${new URLSearchParams(asked)}`, {
    headers: { Authorization: `Bearer ${by}` },
  });
  return answer.json();
}

const texts = (page, selector) => page.locator(selector).allInnerTexts();
const names = async (page) => (await texts(page, "a.open")).map((name) => name.trim());
const search = (page) => new URL(page.url()).searchParams;
const button = (page, name) => page.getByRole("button", { name, exact: true });
const rowOf = (page, name) => page.locator("#list tbody tr").filter({ hasText: name });

async function settled(page) {
  await page.waitForSelector("#list[aria-busy=false]");
}

/** Presses Refresh until the page shows it, as a user would; whether it did. */
async function shows(page, condition) {
  const end = Date.now() + DEADLINE_MS;
  while (!(await condition())) {
    if (Date.now() > end) {
      return false;
    }
    await button(page, "Refresh").click();
    await page.waitForSelector("#refresh:enabled");
    await settled(page);
  }
  return true;
}

async function go(page, address) {
  await page.goto(setup.base + address);
  await page.waitForSelector("#list[aria-busy=false] > *");
}

async function signIn() {
  const page = await open("/", "", "dialog");
  equal(
    await page.locator("dialog h2").innerText(),
    "Sign in with a token",
    "without a token a box asks for one",
  );
  await accessible(page, "token");
  await page.getByRole("textbox", { name: "Token" }).fill("rubbish");
  await button(page, "Sign in").click();
  await page.waitForSelector("dialog .error");
  ok(
    /refused/.test(await page.locator("dialog .error").innerText()),
    "rubbish is refused, in words",
  );
  await page.getByRole("textbox", { name: "Token" }).fill(all);
  await button(page, "Sign in").click();
  await page.waitForSelector("#list tbody tr");
  ok(true, "with a token it goes on where it was");
  await page.reload();
  await page.waitForSelector("#list tbody tr");
  equal((await texts(page, "#who .user"))[0], "The supervisor", "a reload keeps who is signed in");
  await button(page, "Sign out").click();
  await page.waitForSelector("dialog");
  ok(true, "signed out, the box is there again");
  await page.close();
}

async function shownList(page) {
  equal(page.url(), `${setup.base}/`, "the token is taken out of the address");
  const found = await api("/callbacks", { limit: 500 });
  equal(found.total, setup.listed, "the API has what was scheduled");
  equal(
    await page.locator("#results").innerText(),
    `${setup.listed} callbacks`,
    "the list says how many there are",
  );
  equal(
    (await texts(page, "#list thead th")).map((text) => text.trim()).filter(Boolean),
    [
      "Due",
      "Queue",
      "Customer",
      "Number",
      "State",
      "Scheduled by",
      "Owner",
      "Campaign",
      "Conversation",
      "Actions",
    ],
    "columns",
  );
  const wanted = found.items.find((item) => item.customer.name === "Caller Foxtrot");
  const cells = (await rowOf(page, "Caller Foxtrot").locator("td").allInnerTexts()).map((text) =>
    text.trim(),
  );
  equal(
    [cells[2], cells[3], cells[4], cells[5], cells[6], cells[7], cells[8]],
    ["claims", "Caller Foxtrot", "+493012300003", "Scheduled", "anna", "anna", "none"],
    "a row as the API has it",
  );
  const hint = await rowOf(page, "Caller Foxtrot").locator("time").getAttribute("title");
  ok(
    /:\d\d:\d\d Europe\/Berlin \(UTC\+0[12]:00\)$/.test(hint),
    "the due time has seconds and zone as a hint",
    hint,
  );
  equal(
    await rowOf(page, "Caller Foxtrot").locator("time").getAttribute("datetime"),
    wanted.due,
    "and is the API's",
  );
  ok(
    (await names(page)).includes("<img src=x onerror=alert(1)>"),
    "a name with markup is shown as text",
  );
  equal(await page.locator("td img").count(), 0, "and makes no element");
  ok(
    !(await page.locator("body").innerText()).includes("Secret Person"),
    "nothing of another domain is shown",
  );
  ok(
    await shows(page, async () => /overdue/.test(await rowOf(page, "Caller Hotel").innerText())),
    "what is overdue says so in words",
  );
  equal(await rowOf(page, "Caller Hotel").locator(".late svg").count(), 1, "and has a sign");
  ok(/locked/.test(await rowOf(page, "Caller Echo").innerText()), "what is locked says so");
  ok(
    /^Data of \d\d:\d\d:\d\d/.test(await page.locator("#asof").innerText()),
    "the data's time is shown",
  );
  await picture(page, "list");
}

async function zones(page) {
  const time = () => rowOf(page, "Caller Foxtrot").locator("time").innerText();
  const berlin = await time();
  await page.getByLabel("Times in").selectOption("UTC");
  const utc = await time();
  ok(
    berlin !== utc && /\d\d:\d\d/.test(utc),
    "UTC shows other times than the viewer's zone",
    berlin,
    utc,
  );
  await page.getByLabel("Times in").selectOption("Pacific/Auckland");
  ok(
    /Pacific\/Auckland/.test(
      await rowOf(page, "Caller Foxtrot").locator("time").getAttribute("title"),
    ),
    "any zone may be chosen",
  );
  await page.getByLabel("Times in").selectOption("queue");
  ok(
    /America\/New_York/.test(await rowOf(page, "Caller India").innerText()),
    "the customer's zone, where it is known",
  );
  await page.reload();
  await page.waitForSelector("#list tbody tr");
  equal(await page.getByLabel("Times in").inputValue(), "queue", "the choice is kept");
  await page.getByLabel("Times in").selectOption("Europe/Berlin");
  equal(await time(), berlin, "and back");
}

async function choose(page, panel, label) {
  const pick = page.locator(".pick").filter({ has: page.locator("summary", { hasText: panel }) });
  await pick.locator("summary").click();
  await pick.getByLabel(label, { exact: true }).click();
  await page.keyboard.press("Escape");
  await settled(page);
}

async function words(page) {
  await go(page, "/");
  await page.getByLabel("Search").fill("dora");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll("#list tbody tr").length === 1);
  equal(await names(page), ["Dora Keller"], "filter: a part of the name");
  equal(search(page).get("q"), "dora", "the filter is in the address");
  await page.goBack();
  await page.waitForFunction(() => document.querySelectorAll("#list tbody tr").length > 1);
  equal(await page.getByLabel("Search").inputValue(), "", "the back button takes it back");
  await page.goForward();
  await page.waitForFunction(() => document.querySelectorAll("#list tbody tr").length === 1);
  await page.getByRole("button", { name: "Remove the filter Search: dora" }).click();
  await page.waitForFunction(() => document.querySelectorAll("#list tbody tr").length > 1);
  ok(true, "a filter's chip takes it away");
  await page.getByLabel("Number", { exact: true }).fill("0123 00004");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll("#list tbody tr").length === 1);
  equal(await names(page), ["Caller Golf"], "filter: a part of the number");
}

async function filters(page) {
  await go(page, "/");
  await choose(page, "Queue", /^claims/);
  await page.waitForSelector(".chip");
  const claims = await page.locator("#list td.c-queue").allInnerTexts();
  ok(
    claims.length > 0 && claims.every((text) => text.trim() === "claims"),
    "filter: queue",
    claims,
  );
  await choose(page, "Owner", "Owned by anybody");
  await page.waitForFunction(() => document.querySelectorAll(".chip").length === 2);
  equal(await names(page), ["Caller Foxtrot"], "filter: owner");
  const copy = await open(new URL(page.url()).pathname + new URL(page.url()).search, all);
  equal(await names(copy), ["Caller Foxtrot"], "the address can be shared");
  await copy.close();
  await choose(page, "Owner", "Not owned");
  await page.waitForSelector(".chip:has-text('not owned')");
  ok(!(await names(page)).includes("Caller Foxtrot"), "filter: not owned");
  await button(page, "Clear all").click();
  await page.waitForSelector("#chips[hidden]", { state: "attached" });
  await choose(page, "State", "Waiting");
  await page.waitForSelector(".chip");
  equal(await names(page), ["Caller Hotel"], "filter: state");
  await go(page, "/");
  await choose(page, "More", "In-queue");
  await page.waitForSelector(".chip");
  equal(await names(page), ["No customer wants this"], "filter: kind");
  await go(page, "/");
  await choose(page, "Due", "In the next hour");
  await page.waitForSelector(".chip");
  const soon = await api("/callbacks", {
    due_from: new Date().toISOString(),
    due_to: new Date(Date.now() + 3600000).toISOString(),
    limit: 500,
  });
  equal((await names(page)).includes("Caller Echo"), true, "filter: due in the next hour");
  equal((await names(page)).length, soon.total, "and as many as the API says");
  await choose(page, "Due", "Overdue");
  await page.waitForSelector(".chip:has-text('overdue')");
  equal(await names(page), ["Caller Hotel"], "filter: overdue");
  await go(page, "/?q=nobody+has+this+name");
  equal(
    (await texts(page, "#list .empty p"))[0],
    "No callback matches these filters.",
    "an empty list says why",
  );
  await picture(page, "list-empty");
  await button(page, "Show all").click();
  await page.waitForSelector("#list tbody tr");
  await go(page, "/?sort=evil&limit=7&state=dead&cursor=rubbish&due_from=never&zzz=1");
  await page.waitForSelector("#list tbody tr");
  ok(
    /gone/.test(await page.locator("#notice").innerText()),
    "rubbish in the address: the first page, and a word of it",
  );
  await go(page, "/");
}

async function sorting(page) {
  for (const sort of [
    "queue",
    "name",
    "number",
    "state",
    "scheduled_by",
    "owner",
    "campaign",
    "due",
  ]) {
    for (const order of [sort, `-${sort}`]) {
      await page.locator(`[data-sort=${sort}]`).click();
      await page.waitForFunction(
        (want) =>
          new URL(location).searchParams.get("sort") === want ||
          (want === "due" && !new URL(location).searchParams.has("sort")),
        order,
      );
      await settled(page);
      const found = await api("/callbacks", { sort: order, limit: 50 });
      const wanted = found.items.map((item) => `${item.domain}|${item.id}`);
      const keys = await page
        .locator("#list tbody tr")
        .evaluateAll((rows) => rows.map((row) => row.dataset.key));
      const aria = await page.locator(`th:has([data-sort=${sort}])`).getAttribute("aria-sort");
      ok(
        JSON.stringify(keys) === JSON.stringify(wanted) &&
          aria === (order[0] === "-" ? "descending" : "ascending"),
        `sorted by ${order}`,
        aria,
        keys[0],
        wanted[0],
      );
    }
  }
  equal(
    await page.evaluate(() => document.activeElement.dataset.sort),
    "due",
    "the focus stays on the head of the column",
  );
}

async function paging(page) {
  await go(page, "/?limit=25");
  const keys = [];
  const ranges = [];
  for (;;) {
    keys.push(
      ...(await page
        .locator("#list tbody tr")
        .evaluateAll((rows) => rows.map((row) => row.dataset.key))),
    );
    ranges.push(await page.locator(".range").innerText());
    if (await page.locator("#next").isDisabled()) {
      break;
    }
    const before = ranges.at(-1);
    await page.locator("#next").click();
    await page.waitForFunction((old) => document.querySelector(".range").innerText !== old, before);
  }
  equal(
    [keys.length, new Set(keys).size],
    [setup.listed, setup.listed],
    "all pages together have each callback once",
  );
  equal(
    ranges,
    [
      `1–25 of ${setup.listed}`,
      `26–50 of ${setup.listed}`,
      `51–${setup.listed} of ${setup.listed}`,
    ],
    "ranges",
  );
  await page.locator("#previous").click();
  await page.waitForFunction(() => /^26/.test(document.querySelector(".range").innerText));
  await page.goBack();
  await page.waitForFunction(() => /^51/.test(document.querySelector(".range").innerText));
  await page.locator("#first").click();
  await page.waitForFunction(() => /^1–25/.test(document.querySelector(".range").innerText));
  ok(true, "previous, back, first");
  await page.getByLabel("A page").selectOption("100");
  await page.waitForFunction(
    (want) => document.querySelectorAll("#list tbody tr").length === want,
    setup.listed,
  );
  ok(true, "a page may be larger");
}

async function menuAct(page, name, action) {
  await page.getByRole("button", { name: `Actions for ${name}` }).click();
  await page.locator("#menu").getByRole("button", { name: action }).click();
  await page.waitForSelector("dialog[open]");
}

async function reschedules(page) {
  await go(page, "/?limit=100");
  await menuAct(page, "Dora Keller", "Reschedule…");
  await page.getByLabel("Day", { exact: true }).fill("2020-01-01");
  await button(page, "Reschedule the callback").click();
  ok(
    /past/.test(await page.locator("dialog .said").innerText()),
    "a time in the past is not even asked",
  );
  await button(page, "tomorrow 09:00").click();
  await picture(page, "reschedule");
  const [day, time] = [
    await page.getByLabel("Day", { exact: true }).inputValue(),
    await page.getByLabel("Time", { exact: true }).inputValue(),
  ];
  await button(page, "Reschedule the callback").click();
  await page.waitForSelector("dialog", { state: "detached" });
  equal(
    await page.locator("#notice span").innerText(),
    "1 callback rescheduled.",
    "rescheduled, and it says so",
  );
  const dora = async () => (await api("/callbacks", { q: "Dora" })).items[0];
  await shows(page, async () => /09:00/.test(await rowOf(page, "Dora Keller").innerText()));
  equal(
    [
      `${day}T${time}`,
      new Date((await dora()).due).toLocaleString("sv", { timeZone: "Europe/Berlin" }).slice(0, 16),
    ],
    [`${day}T09:00`, `${day} 09:00`],
    "the engine has the new time",
  );
  await menuAct(page, "Caller Golf", "Reschedule…");
  await page.getByLabel(/Keep this local time/).check();
  await button(page, "in 2 hours").click();
  await button(page, "Reschedule the callback").click();
  await page.waitForSelector("dialog", { state: "detached" });
  await shows(
    page,
    async () => (await api("/callbacks", { q: "Golf" })).items[0].local_due !== null,
  );
  equal(
    (await api("/callbacks", { q: "Golf" })).items[0].local_due.zone,
    "Europe/Berlin",
    "a local time is kept as one",
  );
}

async function lockedOne(page) {
  await go(page, "/");
  await page.getByRole("button", { name: "Actions for Caller Echo" }).click();
  equal(
    await page.locator("#menu button").allInnerTexts(),
    ["Details and time line", "Cancel…"],
    "what is locked can only be cancelled",
  );
  ok(
    /locked until it is due/.test(await page.locator("#menu").innerText()),
    "and the menu says why",
  );
  await picture(page, "menu-locked");
  await page.keyboard.press("Escape");
  await rowOf(page, "Caller Echo").locator("input").check();
  await page.locator("#selection [data-action=reschedule]").click();
  await button(page, "Reschedule the callback").click();
  await page.waitForSelector(".results");
  ok(
    /Refused: locked for 15 minutes before it is due/.test(
      await page.locator(".results").innerText(),
    ),
    "the engine refuses, and the page says why in words",
    await page.locator(".results").innerText(),
  );
  await button(page, "Close").last().click();
  await page.locator("#unselect").click();
}

async function reassigns(page) {
  await go(page, "/?kind=scheduled");
  await menuAct(page, "Caller Golf", "Reassign…");
  await button(page, "Reassign the callback").click();
  equal(
    await page.locator("dialog .error:visible").innerText(),
    "Choose one from the list.",
    "nothing chosen, nothing asked",
  );
  await page.getByLabel("Find queue").fill("reten");
  await page.waitForFunction(
    () => document.querySelector("dialog .picker select").value === "retention",
  );
  await button(page, "Reassign the callback").click();
  await page.waitForSelector("dialog", { state: "detached" });
  ok(
    await shows(page, async () => /retention/.test(await rowOf(page, "Caller Golf").innerText())),
    "reassigned to another queue",
  );
  await menuAct(page, "Caller Foxtrot", "Reassign…");
  await page.getByLabel("another owner").check();
  await page.getByLabel("Find agent").fill("cara");
  await page.waitForFunction(
    () => document.querySelectorAll("dialog .picker select")[1].value === "cara",
  );
  await accessible(page, "reassign");
  await button(page, "Reassign the callback").click();
  await page.waitForSelector("dialog", { state: "detached" });
  ok(
    await shows(
      page,
      async () =>
        (await rowOf(page, "Caller Foxtrot").locator("td.c-owner").innerText()).trim() === "cara",
    ),
    "reassigned to another owner",
  );
  await menuAct(page, "Dora Keller", "Reassign…");
  await page.getByLabel("another owner").check();
  await page.getByLabel("Find agent").fill("cara");
  await page.waitForFunction(
    () => document.querySelectorAll("dialog .picker select")[1].value === "cara",
  );
  await button(page, "Reassign the callback").click();
  await page.waitForSelector(".results");
  ok(
    /only owned callbacks go to another agent/.test(await page.locator(".results").innerText()),
    "one that is not owned goes to no agent: in words",
  );
  await button(page, "Close").last().click();
}

async function selects(page) {
  await go(page, "/?limit=25&sort=name&campaign=spring");
  await page.getByLabel("Select all on this page").check();
  ok(
    /All 25 on this page are selected/.test(await page.locator("#spread").innerText()),
    "a whole page is selected",
  );
  equal(
    await page.locator("#selection b").innerText(),
    "25 selected",
    "the selection says how many",
  );
  await page.locator("#next").click();
  await page.waitForFunction(() => /^26/.test(document.querySelector(".range").innerText));
  ok(
    /25 not on this page/.test(await page.locator("#selection").innerText()),
    "and how many are on other pages",
  );
  await page.locator("#list tbody input").first().check();
  equal(await page.locator("#selection b").innerText(), "26 selected", "a selection spans pages");
  equal(
    await page.locator("#all").evaluate((box) => box.indeterminate),
    true,
    "some of a page: the head's box is between",
  );
  await page.locator("#unselect").click();
  await page.getByLabel("Select all on this page").check();
  await page.locator("#spread button").click();
  await page.waitForFunction(
    (want) => document.querySelector("#selection b").innerText === `${want} selected`,
    setup.leads,
  );
  ok(true, "all that match are selected");
  await page.locator("#unselect").click();
}

async function bulk(page) {
  await go(page, "/?limit=25");
  for (const name of ["Caller Echo", "Lead 01", "Lead 02", "Lead 03"]) {
    await rowOf(page, name).locator("td.select input").check();
  }
  await page.locator("#selection [data-action=reschedule]").click();
  ok(
    /1 of them did not allow that/.test(await page.locator("dialog").innerText()),
    "what will be refused is said before",
  );
  await button(page, "Reschedule 4 callbacks").click();
  await page.waitForSelector(".results");
  equal(
    await page.locator(".sum").innerText(),
    "3 callbacks rescheduled, 1 refused.",
    "a bulk answer sums up",
  );
  equal(
    await texts(page, ".results .result-said > b"),
    ["Refused", "Done", "Done", "Done"],
    "and answers for each",
  );
  await accessible(page, "results");
  await fits(page, "results", [360, 768, 1440]);
  await button(page, "Close").last().click();
  equal(
    await page.locator("#selection b").innerText(),
    "1 selected",
    "what was refused stays selected",
  );
  await page.locator("#unselect").click();
  for (const name of ["Lead 04", "Lead 05"]) {
    await rowOf(page, name).locator("td.select input").check();
  }
  await page.locator("#selection [data-action=cancel]").click();
  await picture(page, "cancel");
  await button(page, "Cancel 2 callbacks").click();
  await page.waitForSelector("dialog", { state: "detached" });
  ok(
    await shows(page, async () => !(await names(page)).includes("Lead 04")),
    "two are cancelled and gone from the list",
  );
  const gone = await api("/callbacks", { q: "Lead 04", ended: "yes" });
  equal(
    gone.items.map((item) => item.end.reason),
    ["CANCELLED"],
    "the engine has ended it",
  );
}

async function lateAnswer(page) {
  await go(page, "/?q=Lead+06");
  await servers("freeze the daemon");
  try {
    await hangs(page);
  } finally {
    await servers("thaw the daemon");
  }
  const end = Date.now() + DEADLINE_MS;
  while (!(await page.locator(".results .done").count()) && Date.now() < end) {
    await page
      .locator(".results button")
      .click({ timeout: 1000 })
      .catch(() => {});
  }
  equal(await page.locator(".results .done").count(), 1, "it goes on, and the answer is there");
  await button(page, "Close").last().click();
  await page.waitForSelector("dialog", { state: "detached" });
}

async function hangs(page) {
  await rowOf(page, "Lead 06").locator("td.select input").check();
  await page.locator("#selection [data-action=cancel]").click();
  await button(page, "Cancel the callback").click();
  await page.waitForSelector(".results", { timeout: 30000 });
  ok(
    /No answer yet: it may still be done/.test(await page.locator(".results").innerText()),
    "an engine that hangs: no answer yet",
  );
  await picture(page, "unanswered");
  await button(page, "Ask for its answer").click();
  await page.waitForSelector("dialog button:has-text('No answer yet')");
}

async function lives(page) {
  await go(page, "/?kind=in_queue&ended=any");
  await rowOf(page, "Caller Oscar").locator("a.open").click();
  await page.waitForSelector(".events");
  const words = await texts(page, ".events b");
  equal(words.at(-1), "Ended", "a life is told to its end");
  for (const word of ["Created", "Waits in line", "Offered to an agent", "With an agent", "Talk"]) {
    ok(words.includes(word), `its life has "${word}"`, words.join(", "));
  }
  const times = await page
    .locator(".events time")
    .evaluateAll((all) => all.map((one) => one.dateTime));
  equal(times, [...times].sort(), "in order of time");
  ok(
    /the customer was reached/.test(await page.locator(".events").innerText()),
    "the end says why",
  );
  await accessible(page, "life");
  await fits(page, "life");
  ok(search(page).get("callback").startsWith("acme/"), "the address names it");
  await page.goBack();
  await page.waitForSelector("dialog", { state: "detached" });
  ok(true, "the back button closes it");
  await page.goForward();
  await page.waitForSelector(".events");
  await page.keyboard.press("Escape");
  await page.waitForSelector("dialog", { state: "detached" });
  equal(search(page).has("callback"), false, "Esc closes it, too");
  await go(page, "/?callback=acme/00000000-0000-0000-0000-000000000000");
  await page.waitForSelector("dialog .empty");
  ok(
    /no such callback/i.test(await page.locator("dialog .empty").innerText()),
    "one that is not there: in words",
  );
  await page.keyboard.press("Escape");
}

async function download(page, format) {
  await page.locator("#export").click();
  await page.getByLabel(format).check();
  const coming = page.waitForEvent("download");
  await button(page, "Export").click();
  const file = await coming;
  await page.waitForFunction(() =>
    /is complete/.test(document.querySelector("dialog .said").innerText),
  );
  const name = file.suggestedFilename();
  await file.saveAs(path.join(setup.folder, name));
  await button(page, "Close").last().click();
  return { name, text: fs.readFileSync(path.join(setup.folder, name), "utf8") };
}

async function exports(page) {
  await go(page, "/?queue=claims&queue=billing&limit=100");
  const wanted = (
    await api("/callbacks", [
      ["queue", "claims"],
      ["queue", "billing"],
      ["limit", "500"],
    ])
  ).items;
  const lines = await download(page, /JSON lines/);
  const essence = ({ domain, id, state, due, owner, customer, queue }) => ({
    domain,
    id,
    state,
    due,
    owner,
    customer,
    queue,
  });
  const items = lines.text
    .trim()
    .split("\n")
    .map((line) => essence(JSON.parse(line).callback));
  const byId = (a, b) => (a.id < b.id ? -1 : 1);
  equal(
    items.sort(byId),
    wanted.map(essence).sort(byId),
    "JSON lines: what the filters match, as the API has it",
  );
  ok(/\.jsonl$/.test(lines.name), "with a name", lines.name);
  const csv = await download(page, /CSV/);
  const rows = csv.text
    .replace(/^\ufeff/, "")
    .trim()
    .split(/\r?\n/);
  equal(rows.length, wanted.length + 1, "CSV: a head and as many lines");
  equal(
    wanted.filter((item) => !csv.text.includes(item.id)),
    [],
    "CSV: each of them",
  );
  ok(/\.csv$/.test(csv.name), "with a name", csv.name);
  const crowd = await open("/", token(setup.folder, { domains: ["crowd"] }));
  equal(
    await crowd.locator("#results").innerText(),
    "10,001 callbacks",
    "a domain with 10,001 callbacks is shown",
  );
  await crowd.getByLabel("Select all on this page").check();
  await crowd.locator("#spread button").click();
  await crowd.waitForFunction(
    () => document.querySelector("#selection b").innerText === "1,000 selected",
  );
  ok(true, "a thousand of them can be selected at once");
  await crowd.locator("#unselect").click();
  await crowd.locator("#export").click();
  await button(crowd, "Export").click();
  await crowd.waitForSelector("dialog .error:not([hidden])");
  ok(
    /10,?001/.test(await crowd.locator("dialog .error").innerText()),
    "over the limit: refused, and how many there are",
    await crowd.locator("dialog .error").innerText(),
  );
  await accessible(crowd, "export");
  await crowd.close();
}

async function permissions() {
  const page = await open("/?limit=100", token(setup.folder, { permissions: SEE }));
  equal(
    (await texts(page, "#list thead th")).map((text) => text.trim()).filter(Boolean),
    ["Due", "Queue", "Customer", "Number", "State", "Scheduled by", "Owner", "Conversation"],
    "without the permission there is no campaign, and no actions",
  );
  equal(await page.locator("input[type=checkbox]:visible").count(), 0, "nothing can be selected");
  await page.locator("a.open").first().click();
  await page.waitForSelector(".events");
  equal(await page.locator("dialog .detail-tools button").count(), 0, "nor changed in the details");
  ok(!/Campaign\n/.test(await page.locator("dialog").innerText()), "which show no campaign either");
  await page.close();
  const cancels = await open("/", token(setup.folder, { permissions: [...SEE, CANCEL] }));
  await cancels.locator("#list tbody input").first().check();
  equal(
    await cancels.locator("#selection button").allInnerTexts(),
    ["Cancel…", "Select none"],
    "who may only cancel can only that",
  );
  await cancels.close();
  const edits = await open("/", token(setup.folder, { permissions: [...SEE, EDIT] }));
  await edits.locator("#list tbody input").first().check();
  equal(
    await edits.locator("#selection button").allInnerTexts(),
    ["Reschedule…", "Reassign…", "Select none"],
    "who may only edit",
  );
  await edits.close();
  const queue = await open("/?limit=100", token(setup.folder, { queues: ["claims"] }));
  const shown = new Set((await texts(queue, "#list td.c-queue")).map((text) => text.trim()));
  equal([...shown], ["claims"], "who may see one queue sees one");
  await queue.close();
  const blind = await open("/", token(setup.folder, { permissions: [] }), "[role=alert]");
  ok(
    /You may not see this/.test(await blind.locator("main [role=alert]").innerText()),
    "who may see nothing is told so",
  );
  await picture(blind, "forbidden");
  await blind.close();
}

async function pressed(page, ...keys) {
  for (const key of keys) {
    await page.keyboard.press(key);
  }
}

async function keyboardOnly(page) {
  await go(page, "/?limit=100");
  const press = (...keys) => pressed(page, ...keys);
  const focused = () =>
    page.evaluate(
      () =>
        document.activeElement.textContent.trim().slice(0, 60) ||
        document.activeElement.id ||
        document.activeElement.getAttribute("aria-label"),
    );
  await press("Tab");
  equal(
    await focused(),
    "Skip to the callbacks",
    "keyboard: the first stop skips to the callbacks",
  );
  await press("Enter", "/");
  equal(await focused(), "q", "keyboard: / goes to the search");
  await page.keyboard.type("Lead 10");
  await press("Enter");
  await page.waitForFunction(() => document.querySelectorAll("#list tbody tr").length === 1);
  for (
    let turn = 0;
    turn < 40 && !(await page.evaluate(() => document.activeElement.matches("td.tools button")));
    turn += 1
  ) {
    await press("Tab");
    if (!(await page.evaluate(() => document.activeElement.matches(":focus-visible")))) {
      ok(false, "keyboard: the focus is seen", await focused());
    }
  }
  equal(
    await page.evaluate(() => document.activeElement.getAttribute("aria-label")),
    "Actions for Lead 10",
    "keyboard: Tab gets to the row's actions, the focus seen at each step",
  );
  await press("Enter");
  await page.waitForSelector("#menu button:focus");
  await press("ArrowDown", "Enter");
  await page.waitForSelector("dialog[open]");
  ok(
    /Reschedule this callback/.test(await page.locator("dialog h2").innerText()),
    "keyboard: the dialog opens",
  );
  await page.keyboard.type("24122026");
  await press("Tab", "Tab");
  for (let turn = 0; turn < 8 && (await focused()) !== "in 1 hour"; turn += 1) {
    await press("Tab");
  }
  await press("Enter");
  for (let turn = 0; turn < 8 && (await focused()) !== "Reschedule the callback"; turn += 1) {
    await press("Tab");
  }
  await picture(page, "keyboard");
  await press("Enter");
  await page.waitForSelector("dialog", { state: "detached" });
  equal(
    await page.locator("#notice span").innerText(),
    "1 callback rescheduled.",
    "keyboard: a whole reschedule without a mouse",
  );
  equal(
    await page.evaluate(() => document.activeElement !== document.body),
    true,
    "keyboard: the focus is kept after it",
  );
}

async function keys(page) {
  await go(page, "/?q=Lead+10");
  const press = (...all) => pressed(page, ...all);
  await press("j", "x");
  equal(
    await page.locator("#selection b").innerText(),
    "1 selected",
    "keyboard: j goes to a callback, x selects it",
  );
  await press("e");
  await page.waitForSelector("dialog[open]");
  await press("Escape");
  equal(
    await page.evaluate(() => document.activeElement.matches("a.open, td.select input")),
    true,
    "keyboard: e opens the dialog, Esc leads back to the row",
  );
  await press("x", "?");
  await page.waitForSelector("dialog .keys");
  ok(/To the search/.test(await page.locator("dialog").innerText()), "keyboard: ? shows the keys");
  await accessible(page, "keys");
  await page.getByLabel("Single keys act").uncheck();
  await press("Escape", "?");
  equal(await page.locator("dialog").count(), 0, "keyboard: single keys can be turned off");
  await page.locator("#help").click();
  await page.getByLabel("Single keys act").check();
  await press("Escape");
}

async function behind(page) {
  const alter = (change) =>
    page.route("**/api/v1/callbacks?**", async (route) => {
      const answer = await route.fetch();
      const body = await answer.json();
      await route.fulfill({
        response: answer,
        json: { ...body, data: { ...body.data, ...change } },
      });
    });
  equal(await page.locator("#warnings").isVisible(), false, "no warning while it is not behind");
  await alter({ behind_seconds: 754, behind_records: 12345 });
  await button(page, "Refresh").click();
  await page.waitForSelector("#warnings:not([hidden])");
  equal(
    await page.locator("#warnings").innerText(),
    "What is shown is 12 min behind, 12,345 records still to be read.",
    "a picture that is behind says so, and by how much",
  );
  await accessible(page, "behind");
  await page.unroute("**/api/v1/callbacks?**");
  await alter({ complete: false, loaded_percent: 41.7, behind_seconds: null });
  await button(page, "Refresh").click();
  await page.waitForFunction(() =>
    /Still loading/.test(document.querySelector("#warnings").innerText),
  );
  equal(
    await page.locator("#warnings").innerText(),
    "Still loading (41 %): not all callbacks are here yet.",
    "and one still loading",
  );
  await page.unroute("**/api/v1/callbacks?**");
  await button(page, "Refresh").click();
  await page.waitForSelector("#warnings[hidden]", { state: "attached" });
  ok(true, "the warning goes when it is over");
  await page.route("**/api/v1/callbacks?**", (route) => route.abort());
  await button(page, "Refresh").click();
  await page.waitForSelector("#list [role=alert]");
  ok(
    /cannot be reached/.test(await page.locator("#list [role=alert]").innerText()),
    "a server that is away: in words",
  );
  await picture(page, "away");
  await page.unroute("**/api/v1/callbacks?**");
  await button(page, "Try again").click();
  await page.waitForSelector("#list tbody tr");
}

async function reallyBehind(page) {
  await go(page, "/");
  await servers("freeze the broker");
  ok(
    await shows(page, async () =>
      /^What is shown is \d+ s behind/.test(await page.locator("#warnings").innerText()),
    ),
    "a broker that hangs: the real view says how far it is behind",
    await page.locator("#warnings").innerText(),
  );
  await picture(page, "really-behind");
  await servers("thaw the broker");
  ok(
    await shows(page, async () => !(await page.locator("#warnings").isVisible())),
    "and when it is there again",
    await page.locator("#warnings").innerText(),
  );
}

async function domains() {
  const both = token(setup.folder, { domains: ["acme", "crowd"] });
  const page = await open("/?sort=name&limit=25&domain=acme", both);
  equal(
    [
      ...new Set(
        await page
          .locator("#list tr[data-key]")
          .evaluateAll((rows) => rows.map((row) => row.dataset.key.split("|")[0])),
      ),
    ],
    ["acme"],
    "several domains: one can be chosen",
  );
  await page.locator("#list tbody input").first().check();
  await page.getByRole("button", { name: "Remove the filter Domain: acme" }).click();
  await page.waitForFunction(() => /10,06\d/.test(document.querySelector("#results").innerText));
  await page.goto(`${setup.base}/?domain=crowd&limit=25`);
  await page.waitForSelector("#list tbody tr");
  await page.locator("#list tbody input").first().check();
  await page.getByRole("button", { name: "Remove the filter Domain: crowd" }).click();
  await page.waitForFunction(() => !document.querySelector("#chips .chip"));
  await page.getByLabel("Number", { exact: true }).fill("493012300006");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll("#list tbody tr").length === 1);
  await page.locator("#list tbody input").first().check();
  await page.locator("#selection [data-action=reassign]").click();
  ok(
    /One domain at a time/.test(await page.locator("dialog h2").innerText()),
    "callbacks of two domains are not reassigned together: in words",
  );
  await button(page, "Close").last().click();
  await page.goto(`${setup.base}/overview`);
  await page.waitForSelector(".plot");
  equal(await texts(page, "section.domain h2"), ["acme", "crowd"], "the overview has both domains");
  await page.getByLabel("Domain", { exact: true }).selectOption("crowd");
  await page.waitForFunction(() => document.querySelectorAll("section.domain").length === 1);
  equal(await texts(page, "section.domain h2"), ["crowd"], "or the one that is chosen");
  equal(search(page).get("domain"), "crowd", "which is in the address");
  await page.close();
}

async function neverByItself() {
  const page = await open("/", all);
  let asked = 0;
  page.on("request", (request) => {
    asked += request.url().includes("/api/") ? 1 : 0;
  });
  await page.clock.install();
  await page.reload();
  await page.waitForSelector("#list tbody tr");
  asked = 0;
  await page.clock.fastForward("02:00:00");
  equal(asked, 0, "the list asks nothing by itself in two hours");
  ok(
    /read 2 h ago/.test(await page.locator("#asof").innerText()),
    "and says how long ago it was read",
    await page.locator("#asof").innerText(),
  );
  await page.goto(`${setup.base}/overview`);
  await page.waitForSelector(".plot");
  asked = 0;
  await page.clock.fastForward("02:00:00");
  equal(asked, 0, "nor does the overview, as long as nobody wants it");
  await page.getByLabel("Auto-refresh").selectOption("15");
  equal(search(page).get("refresh"), "15", "who wants it has it in the address");
  const again = page.waitForRequest("**/api/v1/overview*");
  await page.clock.fastForward(16000);
  await again;
  ok(true, "then it is read anew");
  await page.close();
}

async function looks(page) {
  await go(page, "/?limit=25");
  await accessible(page, "list");
  await fits(page, "list");
  await go(page, "/?kind=scheduled");
  await page.locator("summary", { hasText: "More" }).click();
  await accessible(page, "filters");
  await fits(page, "filters", [768, 1440]);
  await page.keyboard.press("Escape");
  await page.getByLabel("Select all on this page").check();
  await accessible(page, "selection");
  await fits(page, "selection");
  await page.locator("#selection [data-action=reschedule]").click();
  await accessible(page, "reschedule");
  await fits(page, "reschedule");
  await page.keyboard.press("Escape");
  await page.locator("#unselect").click();
  await page.getByLabel("Colours").selectOption("dark");
  const dark = await page.evaluate(
    () => getComputedStyle(document.body.parentElement).backgroundColor,
  );
  await page.reload();
  await page.waitForSelector("#list tbody tr");
  equal(
    await page.evaluate(() => getComputedStyle(document.body.parentElement).backgroundColor),
    dark,
    "dark by choice, and kept",
  );
  await page.getByLabel("Colours").selectOption("auto");
  await page.emulateMedia({ reducedMotion: "reduce" });
  equal(
    await page.evaluate(
      () => getComputedStyle(document.querySelector("button")).transitionDuration,
    ),
    "0s",
    "nothing moves for who wants it so",
  );
  await page.emulateMedia({ reducedMotion: "no-preference", media: "print" });
  equal(await page.locator("#filters").isVisible(), false, "on paper there are no filters");
  await picture(page, "print");
  await page.emulateMedia({ media: "screen" });
}

async function figuresOf(page, queues) {
  const row = async (name) =>
    (
      await page
        .locator("table.queues tbody tr")
        .filter({ hasText: name })
        .locator("td")
        .allInnerTexts()
    ).map((text) => text.trim());
  for (const queue of queues) {
    const cells = await row(queue.id);
    const figures = [0, 1, 5, 6, 7, 8, 9, 10, 11].map((at) => Number(cells[at]));
    equal(
      figures,
      [
        queue.waiting_live,
        queue.waiting_callbacks,
        queue.agents.on_queue,
        queue.agents.available,
        queue.agents.busy,
        queue.offers,
        queue.dials,
        queue.in_call,
        queue.overdue,
      ],
      `overview of ${queue.id}: the API's figures`,
    );
  }
}

async function duesOf(page, queues) {
  const due = queues.reduce(
    (sum, queue) => sum + queue.due.reduce((all12, bucket) => all12 + bucket.count, 0),
    0,
  );
  ok(due > 5, "some are due in the next hours", due);
  ok(
    (await page.locator("figcaption").innerText()).startsWith(
      `${due} callbacks due in the next 12 hours`,
    ),
    "the plot says how many",
  );
  equal(await page.locator(".bar-of-plot").count(), 12, "twelve hours are drawn");
  await page.locator("summary", { hasText: "As a table" }).click();
  const told = (await texts(page, "figure td")).map(Number);
  equal(
    told.reduce((sum, one) => sum + one, 0),
    due,
    "and the same is there as a table",
  );
  await page.getByLabel("Dues of").selectOption("retention");
  const retention = queues
    .find(({ id }) => id === "retention")
    .due.reduce((sum, bucket) => sum + bucket.count, 0);
  ok(
    (await page.locator("figcaption").innerText()).startsWith(`${retention} callback`),
    "of one queue, too",
  );
}

async function overview() {
  const page = await open("/overview", all, ".plot");
  const found = await api("/overview");
  const { queues } = found.domains.find(({ id }) => id === "acme");
  await figuresOf(page, queues);
  await duesOf(page, queues);
  await page.locator("[data-sort=waiting_callbacks]").click();
  equal(
    await page.locator("th:has([data-sort=waiting_callbacks])").getAttribute("aria-sort"),
    "descending",
    "it is sorted as wanted",
  );
  equal((await texts(page, "table.queues tbody th"))[0].trim(), "billing", "most waiting first");
  await page.getByLabel("Queue", { exact: true }).fill("ret");
  equal(await page.locator("table.queues tbody tr").count(), 1, "the queues can be narrowed");
  await page.getByLabel("Queue", { exact: true }).fill("");
  await accessible(page, "overview");
  await fits(page, "overview", [360, 768, 1440, 1920]);
  await page.locator("table.queues tbody a", { hasText: "claims" }).click();
  await page.waitForSelector("#list tbody tr");
  equal(search(page).get("queue"), "claims", "a queue leads to its callbacks");
  await page.close();
}

async function files() {
  const wanted = {
    "/": "text/html; charset=utf-8",
    "/overview": "text/html; charset=utf-8",
    "/assets/app.css": "text/css; charset=utf-8",
    "/assets/list.js": "text/javascript; charset=utf-8",
    "/assets/icon.svg": "image/svg+xml",
  };
  const types = {};
  const again = [];
  for (const where of Object.keys(wanted)) {
    const answer = await fetch(setup.base + where);
    types[where] = answer.headers.get("content-type");
    const tag = answer.headers.get("etag") || "";
    const kept = await fetch(setup.base + where, { headers: { "If-None-Match": tag } });
    again.push(kept.status, (await kept.text()).length, kept.headers.get("cache-control"));
  }
  equal(types, wanted, "each file has its type");
  const still = [304, 0, "no-cache"];
  equal(
    again,
    [...still, ...still, ...still, ...still, ...still],
    "what is kept is not sent again",
  );
  const other = await fetch(`${setup.base}/assets/list.js`, {
    headers: { "If-None-Match": '"x"' },
  });
  equal(other.status, 200, "what has changed is");
}

function weight() {
  const folder = setup.page;
  const files = fs.readdirSync(folder).filter((name) => /\.(html|css|js|svg)$/.test(name));
  const bytes = files.reduce((sum, name) => sum + fs.statSync(path.join(folder, name)).size, 0);
  ok(bytes < 200000, `the pages have ${bytes} bytes in all, less than 200,000`);
  equal(seen.elsewhere, [], "nothing was asked of anybody else");
  equal(seen.console, [], "the console has no word of an error");
}

async function run() {
  const context = await launch();
  try {
    const only = process.env.T ? process.env.T.split(",") : null;
    const page = await open("/", all);
    for (const test of [
      shownList,
      zones,
      words,
      filters,
      sorting,
      paging,
      reschedules,
      lockedOne,
      reassigns,
      selects,
      bulk,
      lateAnswer,
      lives,
      exports,
      keyboardOnly,
      keys,
      behind,
      looks,
    ]) {
      if (!only || only.includes(test.name)) {
        await attempt(test, page);
      }
    }
    for (const test of [
      signIn,
      files,
      permissions,
      domains,
      neverByItself,
      overview,
      reallyBehind,
    ]) {
      if (!only || only.includes(test.name)) {
        await attempt(test, page);
      }
    }
    weight();
  } finally {
    await context.close();
    hangUp();
    done();
  }
}

async function attempt(test, page) {
  const began = Date.now();
  try {
    await test(page);
  } catch (error) {
    ok(false, `${test.name} broke off`, error.stack);
    await picture(page, `broken-${test.name}`);
    await page.keyboard.press("Escape");
  }
  console.log(`# ${test.name}: ${((Date.now() - began) / 1000).toFixed(1)} s`);
}

await run();
