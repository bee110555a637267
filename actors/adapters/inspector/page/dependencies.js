// Shows the bot's dependencies: a table each for breakers, connections, rate limits and models.

import { coded, h } from "./dom.js";
import { clock, inSeconds } from "./words.js";
import { toneOf } from "./states.js";

const LEAST = 0.1; // share of a limit; less than this left is marked
const BUDGETS_SHOWN = 40;

/** A scrollable region for a table that may be wider than the window. */
export const wide = (label) => h("div", { class: "wide", role: "region", "aria-label": label, tabindex: "0" });

export function breakersTable({ breakers, now }) {
  if (breakers.length === 0) return h("p", { class: "soft" }, "There are none: BREAKER_FAILURES is 0.");
  const rows = breakers.map((each) => [
    each.dependency,
    h("span", { class: `state-mark ${toneOf(each.state, "breaker")}` }, each.state),
    `${each.failures}; more than ${each.failures_max} open it`,
    each.opened_at === null ? "–" : `${inSeconds(now - each.opened_at)} ago`,
    untilWords(each, now),
  ]);
  return table(["Dependency", "State", "Failures in a row", "Opened", "Next try allowed"], rows);
}

/** The same in a sentence. A breaker that stays open after a failed probe counts from its first opening. */
export function breakersWords({ breakers, now }) {
  if (breakers.length === 0) return "They are turned off.";
  const told = breakers.filter((each) => each.state !== "Closed").map((each) => `${each.dependency} is ${each.state}, opened ${inSeconds(now - each.opened_at)} ago`);
  if (told.length === 0) return "All are closed.";
  return `${told.join("; ")}.${told.length < breakers.length ? " Every other one is closed." : ""}`;
}

function untilWords({ state, until }, now) {
  if (state === "Closed") return "all";
  if (state === "HalfOpen" || until <= now) return "one, now";
  return `in ${inSeconds(until - now)}, at ${clock(until)}`;
}

export function shardsTable({ shards, now }, connections) {
  const rows = shards.map((each) => {
    const state = connections.find((connection) => connection.shard === each.shard_id)?.state ?? "–";
    const heart = each.acked_at === null ? "none answered yet" : `${inSeconds(now - each.acked_at)} ago`;
    const latency = each.latency_s === null ? "–" : inSeconds(each.latency_s);
    return [each.shard_id, state, latency, heart, each.sessions, each.resumes, each.losses];
  });
  return table(["Shard", "State", "Latency", "Last heartbeat", "Sessions", "Resumed", "Lost"], rows);
}

/** The rate limits from the servers' last answers. */
export function budgetsTable({ budgets, now }) {
  if (budgets.length === 0) return h("p", { class: "soft" }, "No server has reported its limits yet.");
  const rows = budgets.slice(0, BUDGETS_SHOWN).map((each) => [
    each.server,
    each.channel === null ? each.name : h("span", { title: each.name }, `${each.name.split(":")[0]} #${each.channel}`),
    leftWords(each, now),
    each.limit ?? "–",
    resetWords(each, now),
    each.held_until === null ? "no" : h("strong", { class: "wrong" }, `for ${inSeconds(each.held_until - now)}`),
    each.told_at === null ? "–" : `${inSeconds(now - each.told_at)} ago`,
  ]);
  return table(["Server", "Bucket", "Left", "Limit", "Full again", "Held", "Reported"], rows);
}

/** What was learnt about each model from its answers. */
export function modelsTable({ models }) {
  if (models.length === 0) return h("p", { class: "soft" }, "No model server is configured.");
  const rows = models.map((each) => [
    each.model,
    each.server,
    each.known.length === 0 ? "nothing yet" : coded(each.known.join("; ")),
    each.warning === "" ? "–" : h("strong", { class: "wrong" }, coded(each.warning)),
  ]);
  return table(["Model", "Server", "What was learnt", "Warning"], rows);
}

function leftWords({ left, limit, resets_at: reset }, now) {
  if (left === null) return "unknown until it is used up";
  if (reset !== null && reset <= now) return limit ?? "all";
  return h("span", { class: limit !== null && left <= limit * LEAST ? "wrong" : null }, left);
}

function resetWords({ resets_at: reset }, now) {
  if (reset === null) return "–";
  return reset > now ? `in ${inSeconds(reset - now)}` : `since ${inSeconds(now - reset)}`;
}

function table(heads, rows) {
  const head = h("tr", {}, heads.map((words) => h("th", { scope: "col" }, words)));
  const body = rows.map((cells) => h("tr", {}, cells.map((cell) => h("td", {}, typeof cell === "number" ? String(cell) : cell))));
  return h("table", {}, h("thead", {}, head), h("tbody", {}, body));
}
