// Times and zones, without the page: instants are Unix milliseconds, a zone is an IANA name.

const formats = new Map();

function format(zone, options) {
  const key = zone + JSON.stringify(options);
  if (!formats.has(key)) {
    formats.set(key, new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options }));
  }
  return formats.get(key);
}

export function viewerZone() {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

export function zoneIsKnown(zone) {
  try {
    format(zone, {});
    return true;
  } catch {
    return false;
  }
}

export function parseTime(text) {
  const ms = text ? Date.parse(text) : NaN;
  return Number.isNaN(ms) ? null : ms;
}

/** What a clock on the wall of that zone shows. */
export function wall(ms, zone) {
  const found = { weekday: "" };
  const parts = format(zone, {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  }).formatToParts(ms);
  for (const { type, value } of parts) {
    found[type] = type === "weekday" ? value : Number(value);
  }
  return found;
}

const two = (number) => String(number).padStart(2, "0");

/** Milliseconds that the zone's clock is ahead of UTC at that instant. */
export function offset(ms, zone) {
  const at = wall(ms, zone);
  const shown = Date.UTC(at.year, at.month - 1, at.day, at.hour, at.minute, at.second);
  return shown - Math.floor(ms / 1000) * 1000;
}

export function offsetText(ms, zone) {
  const minutes = Math.round(offset(ms, zone) / 60000);
  const ahead = Math.abs(minutes);
  const sign = minutes < 0 ? "−" : "+";
  return `UTC${sign}${two(Math.floor(ahead / 60))}:${two(ahead % 60)}`;
}

/** "2026-11-30T09:00" as a field of the page wants it. */
export function toLocal(ms, zone) {
  const at = wall(ms, zone);
  return `${at.year}-${two(at.month)}-${two(at.day)}T${two(at.hour)}:${two(at.minute)}`;
}

/**
 * The instant of a local time. `kind` is "once"; "skipped" when the clock jumps over it (it is then
 * moved forward by the gap); "twice" when it occurs twice (the first is taken); null if it is none.
 */
export function fromLocal(text, zone) {
  const found = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d))?$/.exec(text);
  if (!found) {
    return null;
  }
  const [, year, month, day, hour, minute, second] = found.map(Number);
  const shown = Date.UTC(year, month - 1, day, hour, minute, second || 0);
  const before = shown - offset(shown - 86400000, zone);
  const after = shown - offset(shown + 86400000, zone);
  const fits = (ms) => ms + offset(ms, zone) === shown;
  if (fits(before)) {
    return { ms: before, kind: before !== after && fits(after) ? "twice" : "once" };
  }
  return fits(after) ? { ms: after, kind: "once" } : { ms: before, kind: "skipped" };
}

/** The first instant of the day that holds ms, or of a day that many days later. */
export function dayStart(ms, zone, days = 0) {
  const at = wall(ms, zone);
  const noon = new Date(Date.UTC(at.year, at.month - 1, at.day + days, 12));
  return fromLocal(`${noon.toISOString().slice(0, 10)}T00:00`, zone).ms;
}

function dayNumber(ms, zone) {
  const at = wall(ms, zone);
  return Date.UTC(at.year, at.month - 1, at.day) / 86400000;
}

export function clockText(ms, zone, seconds = false) {
  const at = wall(ms, zone);
  return `${two(at.hour)}:${two(at.minute)}${seconds ? `:${two(at.second)}` : ""}`;
}

/** "Today", "Tomorrow", "Yesterday", "Tue 1 Dec", "Tue 1 Dec 2027". */
export function dayText(ms, zone, now) {
  const away = dayNumber(ms, zone) - dayNumber(now, zone);
  const near = { "-1": "Yesterday", 0: "Today", 1: "Tomorrow" }[away];
  if (near) {
    return near;
  }
  const at = wall(ms, zone);
  const month = format(zone, { month: "short" }).format(ms);
  const year = at.year === wall(now, zone).year ? "" : ` ${at.year}`;
  return `${at.weekday} ${at.day} ${month}${year}`;
}

/** All there is to know, for a hint: with seconds, year, zone and its offset. */
export function fullText(ms, zone) {
  const at = wall(ms, zone);
  const month = format(zone, { month: "short" }).format(ms);
  const day = `${at.weekday} ${at.day} ${month} ${at.year}`;
  return `${day}, ${clockText(ms, zone, true)} ${zone} (${offsetText(ms, zone)})`;
}

/** Two units at most: "45 s", "12 min", "1 h 5 min", "3 days 4 h". */
export function durationText(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) {
    return `${whole} s`;
  }
  const minutes = Math.floor(whole / 60);
  if (minutes < 10 && whole % 60) {
    return `${minutes} min ${whole % 60} s`;
  }
  if (minutes < 60) {
    return `${minutes} min`;
  }
  const hours = Math.floor(minutes / 60);
  if (hours < 48) {
    return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  }
  const days = Math.floor(hours / 24);
  return hours % 24 && days < 10 ? `${days} days ${hours % 24} h` : `${days} days`;
}

/** "in 12 min", "12 min ago", "now"; whole minutes, since it is read at a glance. */
export function relativeText(ms, now) {
  const away = Math.abs(ms - now) / 1000;
  const seconds = away < 60 ? away : Math.floor(away / 60) * 60;
  if (Math.round(seconds) === 0) {
    return "now";
  }
  return ms > now ? `in ${durationText(seconds)}` : `${durationText(seconds)} ago`;
}

/** "0:42", "12:05", "1:02:05": for columns of figures. */
export function stopwatchText(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes}:${two(whole % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}

export function iso(ms) {
  return new Date(ms).toISOString();
}
