// Formats times, and the words about a response.

import { isWell } from "./states.js";

const MOMENT_MIN = 1e9; // numbers from here on are seconds since 1970

const LATE_S = 1; // the bot's clock and this page's differ; a due move may be this late

export function inSeconds(seconds) {
  const left = Math.max(0, seconds);
  if (left < 1) return `${Math.round(left * 1000)} ms`;
  if (left < 90) return `${left.toFixed(1)} s`;
  if (left < 5400) return `${Math.floor(left / 60)} min ${Math.floor(left % 60)} s`;
  if (left < 172800) return `${Math.floor(left / 3600)} h ${Math.floor((left % 3600) / 60)} min`;
  return `${Math.floor(left / 86400)} days`;
}

export const clock = (at) => new Date(at * 1000).toLocaleTimeString(undefined, { hour12: false });
/** The time; with the date unless it is today. */
export function moment(at) {
  const then = new Date(at * 1000);
  const isToday = then.toDateString() === new Date().toDateString();
  return isToday ? clock(at) : then.toLocaleString(undefined, { hour12: false });
}

/** Why the response counts as stuck; null if it does not. */
export function stuck(view, now) {
  if (view.is_final || view.paused) return null; // stopped by a breakpoint is not stuck
  if (view.due_at !== null && now > view.due_at + view.late_s) return `It was due ${inSeconds(now - view.due_at)} ago`;
  if (view.due_at === null && now > view.entered_at + view.silent_s) return `It has had no result for ${inSeconds(now - view.entered_at)}`;
  if (now > view.started_at + view.overdue_s) return `It has been on its way for ${inSeconds(now - view.started_at)}, and should take ${inSeconds(view.deadline_s)} at most`;
  return null;
}

/** "Stopped before Sending → Delivered …": the breakpoint, and until when at most. */
export function paused({ breakpoint, from, to, since, until }, now) {
  return `Stopped before ${from} → ${to} by breakpoint ${breakpoint} for ${inSeconds(now - since)}; continues in ${inSeconds(until - now)} at the latest`;
}

/** Why it waits, and when it continues. */
export function why(view, now) {
  if (view.is_final) return "";
  if (view.paused) return paused(view.paused, now);
  if (view.due_at === null) return view.waits ?? "";
  const left = view.due_at - now;
  if (left <= -LATE_S) return view.waits ?? ""; // it is late, or stuck: "continues now" would be wrong
  return `${view.waits}; ${left > 0 ? `next try in ${inSeconds(left)}` : "continues now"}`;
}

/** How to fix the last error; empty if the response was delivered all the same. */
export const mendOf = (view) => (isWell(view) ? "" : (view.mend ?? ""));

/** Fields of a fact or an effect in words: "status 502 · retry after 2.0 s"; a time is shown relative to `since`. */
export function told(fields, since) {
  return Object.entries(fields)
    .filter(([, value]) => value !== null && value !== "" && value !== false && value !== 0)
    .map(([name, value]) => field(name, value, since))
    .join(" · ");
}

function field(name, value, since) {
  const words = name.replaceAll("_", " ");
  if (value === true) return words;
  if (name.endsWith("_s")) return `${words.slice(0, -2)} ${inSeconds(value)}`;
  if (typeof value === "number" && value > MOMENT_MIN) return value < since ? `${words} ${clock(value)}` : `${words} +${inSeconds(value - since)}`;
  return `${words} ${Array.isArray(value) ? value.join(", ") : value}`;
}
