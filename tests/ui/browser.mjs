// A real Chromium for the tests of the pages, TAP, pictures, and what is checked on any page.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";

const require = createRequire(new URL("../../deploy/node/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const AXE = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const LINES_MAX = 30; // of what is told of a failure
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];

export const setup = JSON.parse(process.argv[2]);

// --- TAP ---

let count = 0;
let failed = 0;

export function ok(good, name, ...details) {
  count += 1;
  failed += good ? 0 : 1;
  console.log(`${good ? "ok" : "not ok"} ${count} - ${name}`);
  if (!good) {
    const lines = details.flatMap((detail) => String(detail).split("\n")).slice(0, LINES_MAX);
    lines.forEach((line) => console.log(`#   ${line}`));
  }
  return Boolean(good);
}

export function equal(got, want, name) {
  const [left, right] = [JSON.stringify(got), JSON.stringify(want)];
  return ok(left === right, name, `got:  ${left}`, `want: ${right}`);
}

export function done() {
  console.log(`1..${count}`);
  process.exitCode = failed ? 1 : 0;
}

// --- asking the script that holds the servers ---

const answers = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Has the script of the test do something to its servers, and waits until it is done. */
export async function servers(what) {
  console.log(`@${what}`);
  await answers.next();
}

export function hangUp() {
  process.stdin.destroy();
}

// --- the browser ---

const seen = { elsewhere: [], console: [], bytes: new Map() };
export { seen };
let context;

export async function launch() {
  context = await chromium.launchPersistentContext(path.join(setup.folder, "profile"), {
    executablePath: setup.chromium,
    headless: true,
    acceptDownloads: true,
    timezoneId: "Europe/Berlin",
    locale: "en-GB",
    viewport: { width: 1440, height: 900 },
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  context.setDefaultTimeout(15000);
  return context;
}

function watch(page) {
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(setup.base) && !url.startsWith("data:") && !url.startsWith("blob:")) {
      seen.elsewhere.push(url);
    }
  });
  page.on("console", (message) => {
    // A refusal that a test wants shows as a failed resource; anything else is an error of ours.
    if (
      ["error", "warning"].includes(message.type()) &&
      !/Failed to load resource/.test(message.text())
    ) {
      seen.console.push(`${page.url()}: ${message.text()}`);
    }
  });
  page.on("pageerror", (error) => seen.console.push(`${page.url()}: ${error.stack}`));
}

/** A page that is signed in with this token and shows its list, or what `wait` picks. */
export async function open(address, token, wait = "#list tbody tr") {
  const page = await context.newPage();
  watch(page);
  await page.goto(`${setup.base}${address}${token ? `#token=${token}` : ""}`);
  if (wait) {
    await page.waitForSelector(wait);
  }
  return page;
}

export async function picture(page, name) {
  fs.mkdirSync(setup.pictures, { recursive: true });
  await page.screenshot({ path: path.join(setup.pictures, `${name}.png`), animations: "disabled" });
}

// --- what holds on any page ---

/** Text whose contrast with what is behind it is below WCAG AA, and how many texts were looked at. */
function lowContrast() {
  const parse = (text) => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const over = (top, under) => [0, 1, 2].map((at) => top[at] * top[3] + under[at] * (1 - top[3]));
  const light = (colour) => {
    const [red, green, blue] = colour.map((value) =>
      value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      layers.push(colour);
      if (colour[3] === 1) {
        break;
      }
    }
    return layers.reverse().reduce(over, [255, 255, 255, 1].slice(0, 3));
  };
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let looked = 0;
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    const style = getComputedStyle(element);
    const disabled = element.closest("button:disabled, option, [aria-busy=true]");
    if (
      !texts.currentNode.textContent.trim() ||
      disabled ||
      !element.checkVisibility() ||
      style.clipPath !== "none" ||
      element.closest(".unseen, noscript, svg")
    ) {
      continue;
    }
    looked += 1;
    const under = behind(element);
    const [high, low] = [light(over(parse(style.color), under)), light(under)].sort(
      (a, b) => b - a,
    );
    const large =
      parseFloat(style.fontSize) >= 24 ||
      (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < (large ? 3 : 4.5)) {
      found.push(
        `${ratio.toFixed(2)} ${element.className} "${texts.currentNode.textContent.trim()}"`,
      );
    }
  }
  return { found, looked };
}

/** No violation of WCAG 2.1 A and AA, and enough contrast of every text, in light and in dark. */
export async function accessible(page, name) {
  if (!(await page.evaluate(() => "axe" in window))) {
    await page.evaluate(AXE);
  }
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const broken = await page.evaluate(async (rules) => {
      const result = await window.axe.run(document, {
        runOnly: rules,
        resultTypes: ["violations"],
      });
      return result.violations.flatMap((rule) =>
        rule.nodes.map((node) => `${rule.id}: ${node.target} ${node.failureSummary}`),
      );
    }, RULES);
    const contrast = await page.evaluate(lowContrast);
    ok(
      broken.length === 0 && contrast.found.length === 0 && contrast.looked > 10,
      `${name}, ${colorScheme}: WCAG 2.1 AA, and the contrast of ${contrast.looked} texts`,
      ...broken,
      ...contrast.found,
    );
    await picture(page, `${name.replace(/\W+/g, "-")}-${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "no-preference" });
}

/** Nothing is wider than the window, whichever width it has. */
export async function fits(page, name, widths = [360, 768, 1440]) {
  const wide = [];
  for (const width of widths) {
    await page.setViewportSize({ width, height: 800 });
    const over = await page.evaluate(() => {
      const within = [...document.querySelectorAll("dialog[open], .pick[open] .pick-panel")];
      return Math.max(
        document.documentElement.scrollWidth - window.innerWidth,
        ...within.flatMap((box) => {
          const { left, right } = box.getBoundingClientRect();
          const inner = right - parseFloat(getComputedStyle(box).paddingRight);
          const parts = [...box.querySelectorAll("input, select, button")].map(
            (part) => part.getBoundingClientRect().right - inner,
          );
          return [box.scrollWidth - box.clientWidth, -left, right - window.innerWidth, ...parts];
        }),
      );
    });
    if (over > 0) {
      wide.push(`${width}: ${over} too wide`);
    }
    await picture(page, `${name.replace(/\W+/g, "-")}-${width}`);
  }
  equal(wide, [], `${name}: nothing scrolls sideways at ${widths.join(", ")} px`);
  await page.setViewportSize({ width: 1440, height: 900 });
}
