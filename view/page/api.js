// Talks to the API. The token is kept for this tab only; no cookies.

const BASE = "/api/v1";
const TOKEN = "ringback.token";
let skew = 0; // the server's clock less ours, milliseconds
let memory = ""; // the token where storage is refused

/** A refusal of the server, or no answer at all (status 0). */
export class Problem extends Error {
  constructor(status, told = {}, retryAfter = null) {
    super(told.detail || told.title || "");
    this.status = status;
    this.title = told.title || "";
    this.detail = told.detail || "";
    this.code = told.code || "";
    this.errors = Array.isArray(told.errors) ? told.errors : [];
    this.retryAfter = retryAfter;
  }
}

export function token() {
  try {
    return sessionStorage.getItem(TOKEN) || memory;
  } catch {
    return memory;
  }
}

export function setToken(text) {
  memory = text;
  try {
    if (text) {
      sessionStorage.setItem(TOKEN, text);
    } else {
      sessionStorage.removeItem(TOKEN);
    }
  } catch {
    // Storage is refused: kept in memory, until the page is left.
  }
}

/** Takes #token=... out of the address at once, so that nobody copies it along. */
export function takeToken() {
  const found = /(?:^#|&)token=([^&]+)/.exec(location.hash);
  if (found) {
    setToken(decodeURIComponent(found[1]));
    history.replaceState(history.state, "", location.pathname + location.search);
  }
}

/** The server's clock as well as we know it: relative times must not depend on ours. */
export function now() {
  return Date.now() + skew;
}

function learnClock(answer) {
  const said = Date.parse(answer.headers.get("Date") || "");
  const away = said - Date.now();
  skew = Math.abs(away) > 2000 ? away : 0;
}

async function problemOf(answer) {
  let told = {};
  try {
    told = await answer.json();
  } catch {
    told = { title: answer.statusText };
  }
  const retryAfter = Number(answer.headers.get("Retry-After"));
  return new Problem(answer.status, told, retryAfter || null);
}

/** The answer itself; throws a Problem if it is no success. */
export async function fetchApi(path, { method = "GET", body, signal, query } = {}) {
  const headers = { Accept: "application/json" };
  if (token()) {
    headers.Authorization = `Bearer ${token()}`;
  }
  if (body) {
    headers["Content-Type"] = "application/json";
  }
  const asked = query ? `?${query}` : "";
  let answer;
  try {
    answer = await fetch(`${BASE}${path}${asked}`, {
      method,
      headers,
      signal,
      body: body && JSON.stringify(body),
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
    });
  } catch (error) {
    if (error.name === "AbortError") {
      throw error;
    }
    throw new Problem(0, { title: "Ringback cannot be reached" });
  }
  if (!answer.ok) {
    throw await problemOf(answer);
  }
  learnClock(answer);
  return answer;
}

export async function ask(path, options) {
  return (await fetchApi(path, options)).json();
}

export function callbackPath({ domain, id }) {
  return `/callbacks/${encodeURIComponent(domain)}/${encodeURIComponent(id)}`;
}

/** A refusal in a sentence or two: what went wrong and what to do. */
export function problemText(problem) {
  if (!(problem instanceof Problem)) {
    return `The page itself failed: ${problem.message}. Load it anew.`;
  }
  const detail = [
    problem.detail || problem.title,
    ...problem.errors.map((error) => `${error.field}: ${error.message}`),
  ]
    .filter(Boolean)
    .join(" · ");
  switch (problem.status) {
    case 0:
      return "Ringback cannot be reached. Check the connection, then refresh.";
    case 401:
      return `A token is needed. ${detail}`;
    case 403:
      return `You may not see this. ${detail}`;
    case 429:
      return `Too many requests. Try again in ${problem.retryAfter || "a few"} seconds.`;
    default:
      return detail || `The server answered with status ${problem.status}.`;
  }
}
