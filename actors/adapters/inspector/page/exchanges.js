// Shows what was sent over the wire for one response: its requests, the model's prompts and its raw answers.

import { h } from "./dom.js";
import { inSeconds } from "./words.js";

const HIDDEN = "Texts are omitted here. To see them, set INSPECTOR_TOKEN and press “Show what was said”.";

/** The requests before a move. */
export const requestsAt = (view, seq) => (view.exchanges ?? []).find((each) => each.seq === seq)?.requests ?? [];

/** The same as a list; null if there are none. */
export function requestsOf(view, seq) {
  const found = requestsAt(view, seq);
  return found.length === 0 ? null : h("ul", { class: "requests", role: "list" }, found.map(requestView));
}

function requestView({ method, route, status, duration_s: took, headers }) {
  const isBad = status === null || status >= 400;
  const named = Object.entries(headers).map(([name, value]) => [h("span", { class: "soft" }, name), ` ${value}  `]);
  return h(
    "li",
    {},
    h("span", { class: "mono" }, `${method} ${route}`),
    " ",
    h("strong", { class: isBad ? "wrong" : null }, status === null ? "no answer" : `${status}`),
    ` after ${inSeconds(took)}`,
    named.length > 0 && h("details", {}, h("summary", {}, "Headers"), h("p", { class: "headers mono" }, named)),
  );
}

/** Every recorded attempt of the model, the newest one open. */
export function triesOf(view) {
  const tries = (view.exchanges ?? []).filter((each) => each.asked);
  if (tries.length === 0) return h("p", { class: "soft" }, "Nothing is recorded: the database keeps this for each session's newest responses, unless RECORD_EXCHANGES is false.");
  const note = tries.some((each) => each.texts) ? null : h("p", { class: "soft" }, HIDDEN);
  return h("div", {}, note, tries.map((each, index) => tryView(each, index === tries.length - 1)));
}

function tryView({ asked, texts }, isOpen) {
  const counted = asked.prompt_tokens > 0 ? `, counted: ${asked.prompt_tokens}, and ${asked.completion_tokens} written` : "";
  const isGood = asked.outcome === "ok";
  const summary = h("summary", {}, `Try ${asked.attempt}: `, h("span", { class: "mono" }, asked.model), " ", h("strong", { class: isGood ? null : "wrong" }, isGood ? "answered" : asked.outcome), ` after ${inSeconds(asked.duration_s)}`);
  const facts = [
    ["Tokens", `about ${asked.tokens}${counted}; room for ${asked.completion_tokens_max}`],
    ["History", historyWords(asked)],
  ];
  return h(
    "details",
    { class: "try", open: isOpen },
    summary,
    h("dl", { class: "facts" }, facts.map(([name, words]) => h("div", {}, h("dt", {}, name), h("dd", {}, words)))),
    loreView(asked.lore),
    h("h3", {}, "Sent to the model"),
    h("ol", { class: "prompt" }, promptView(asked.messages, texts?.messages ?? [])),
    h("h3", {}, "Its raw answer"),
    answerView(asked, texts),
    h("h3", {}, "The line made from it"),
    texts?.cleaned ? h("blockquote", {}, texts.cleaned) : h("p", { class: "soft" }, isGood ? "Omitted here." : `None: ${asked.outcome}.`),
  );
}

/** What fired of the lorebooks and by what, and what did not and why; nothing without books. */
function loreView(lore) {
  if (!lore) return null;
  const { fired, missed, fired_count: firedCount, missed_count: missedCount, keys } = lore;
  const more = (count) => (count > 0 ? h("li", { class: "soft" }, `and ${count} more`) : null);
  const of = (each) => [h("strong", {}, each.entry), h("span", { class: "soft" }, ` · ${each.book} · `)];
  return h(
    "details",
    { class: "lore" },
    h("summary", {}, `Lore: ${firedCount} of ${firedCount + missedCount} entries fired`),
    h("ul", {}, fired.map((each) => h("li", {}, of(each), `${each.place}, by ${each.by}, ${each.tokens} tokens`)), more(firedCount - fired.length)),
    missed.length > 0 && h("p", {}, "Did not fire:"),
    missed.length > 0 && h("ul", {}, missed.map((each) => h("li", {}, of(each), each.why)), more(missedCount - missed.length)),
    keys.length > 0 && h("ul", {}, keys.map(([key, why]) => h("li", {}, h("span", { class: "mono" }, key), ` · ${why}`))),
  );
}

function historyWords({ lines, lines_kept: kept }) {
  if (lines === kept) return lines === 1 ? "its one line" : `all ${lines} lines`;
  return `the newest ${kept} of ${lines} lines; the oldest ${lines - kept} did not fit`;
}

/** The messages in order; the card's many example dialogues are folded into one item. */
function promptView(messages, texts) {
  const views = messages.map((message, index) => ({ message, view: messageView(message, texts[index]) }));
  const examples = views.filter(({ message }) => message.purpose === "example");
  if (examples.length < 2) return views.map(({ view }) => view);
  const size = examples.reduce((sum, { message }) => sum + message.characters, 0);
  const words = `${examples.length} messages · example dialogues of the card · ${size} characters`;
  const folded = h("li", {}, h("details", {}, h("summary", {}, words), h("ol", { class: "prompt" }, examples.map(({ view }) => view))));
  return views.map(({ message, view }) => (message === examples[0].message ? folded : view)).filter((view) => view === folded || !folded.contains(view));
}

function messageView(message, text) {
  const size = `${message.characters} characters`;
  const cut = message.is_shortened && h("strong", { class: "wrong" }, " its middle was left out");
  const shown = text !== undefined && h("blockquote", {}, text);
  const isPart = text !== undefined && text.length < message.characters && h("p", { class: "soft" }, `Kept: ${text.length} of ${size}.`);
  return h("li", {}, h("strong", {}, message.role), ` · ${message.purpose} · ${size}`, cut, shown, isPart);
}

function answerView(asked, texts) {
  const cut = asked.is_cut_by_length ? ", cut by length" : "";
  const size = h("p", { class: "soft" }, asked.raw_characters === 0 ? "None." : `${asked.raw_characters} characters${cut}.`);
  return texts?.raw ? [size, h("blockquote", {}, texts.raw)] : size;
}
