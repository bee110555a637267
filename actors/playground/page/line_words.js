// The words of a line's card. They describe the one view that the card shows, so that state and words agree.

import { coded, h } from "./dom.js";

const DONE = "The line is in the channel and in the history.";
const LATE_S = 1; // the bot's clock and this page's differ; a due move may be this late

/** Explains the view's state. `away` says why the bot does not answer; null if it does. */
export function wordsFor(view, now, away) {
  if (view.state === "Delivered") return deliveredWords(view);
  if (view.is_final) return failedWords(view);
  if (away) return away;
  if (view.paused) return pausedWords(view.paused, now);
  const waits = view.waits ? `${view.waits}.` : "\u00a0";
  if (view.due_at !== null) return `${waits} ${dueWords(view.due_at - now)}`;
  const silent = now - view.entered_at;
  return silent > view.silent_s ? `${waits} No result for ${inSeconds(silent)}.` : waits;
}

function dueWords(left) {
  if (left > 0) return `Continues in ${inSeconds(left)}.`;
  return left > -LATE_S ? "Continues now." : `It was due ${inSeconds(-left)} ago.`;
}

function pausedWords({ breakpoint, from, to, until }, now) {
  return `Stopped before ${from} → ${to} by breakpoint ${breakpoint}. Step it or let it go in the inspector; it continues automatically in ${inSeconds(until - now)}.`;
}

function deliveredWords(view) {
  if (!hadTrouble(view)) return DONE;
  const isFound = view.path.at(-1)?.fact === "FoundInChannel";
  return isFound ? `${DONE} Its answer was lost: the bot found the line in the channel.` : `${DONE} It needed more than one attempt.`;
}

function failedWords(view) {
  if (view.path.at(-1)?.fact === "ReadBackImpossible") return "Whether the line is in the channel could not be confirmed. It is not in the history, and a notice says so.";
  if (view.cancel_by) return "The line was cancelled, and is not in the history.";
  return "The line failed, and is not in the history. A notice in the channel says why.";
}

/** Whether the first attempt was not enough. */
export function hadTrouble(view) {
  return view.last_error !== null || Object.entries(view.counts).some(([edge, count]) => count > 0 && edge.includes("Retrying"));
}

/** The summary's note beside the state; empty if there is nothing to add. */
export function noteFor(view, away) {
  if (view.state === "Delivered") return hadTrouble(view) ? "after trouble" : "";
  if (view.is_final) return "";
  if (away) return "last known";
  return view.paused ? "stopped" : "";
}

export function factsOf(view) {
  const isOpen = !view.is_final;
  const rows = [
    ["Try", `${view.attempt} of ${view.attempts_max}`],
    view.parts > 1 && ["Part", `${view.part} of ${view.parts}`],
    isOpen && view.unconfirmed && ["In doubt", "it may be in the channel already; the bot reads the channel before it sends again"],
    view.cancel_by && ["Cancelled by", view.state === "Delivered" ? `${view.cancel_by}, after it was in the channel` : view.cancel_by],
    view.last_error && [view.state === "Delivered" ? "Earlier error" : "Last error", view.last_error],
    view.mend && view.state !== "Delivered" && ["What to do", coded(view.mend)],
  ];
  return rows.filter(Boolean).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)));
}

export function stepView(move, view) {
  const after = inSeconds(Math.max(0, move.at - view.started_at));
  const reason = move.reason && h("span", { class: "reason" }, move.reason);
  return h("li", { class: move.to.toLowerCase() }, h("span", { class: "at" }, after), h("span", {}, move.fact), h("span", { class: "to" }, h("span", { "aria-hidden": "true" }, "→ "), move.to), reason);
}

/** How long it has been in its state at `until` (s since 1970), or how long it took. */
export function timeFor(view, until) {
  if (view.is_final) return `after ${inSeconds(view.entered_at - view.started_at)}`;
  return inSeconds(until - view.entered_at);
}

export function inSeconds(seconds) {
  if (seconds >= 90) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  return `${Math.max(0, seconds).toFixed(1)} s`;
}
