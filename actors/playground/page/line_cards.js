// "The way of a line": a card for each response on its way or just ended.

import { byId, h, reconcile, tone } from "./dom.js";
import { light, machineDrawing } from "./diagram.js";

const SHOWN_MAX = 12;
const TICK_MS = 200;
const WORDS = {
  Generating: "is thinking of the line",
  Sending: "is sending the line",
  Retrying: "waits, and tries again",
  Delivered: "The line stands in the channel and in the history",
  Failed: "It could not be said, and the channel was told",
};
const REASONS = {
  drop: "the connection broke before an answer came",
  timeout: "no answer came in time",
  restart: "the bot was restarted in the middle of it",
  held: "Discord is down, so nothing is sent",
};

export class LineCards {
  #lines;
  #isShown;
  #cards = new Map(); // response id → card
  #toggled = new Set();

  constructor(lines, isShown) {
    this.#lines = lines;
    this.#isShown = isShown;
    lines.addEventListener("changed", () => this.render());
    setInterval(() => this.#tick(), TICK_MS);
  }

  render() {
    const newest = [...this.#lines.views.values()].sort((a, b) => b.started_at - a.started_at).slice(0, SHOWN_MAX);
    const open = newest.filter((view) => !view.is_final).map((view) => view.id);
    if (open.length === 0 && newest.length > 0) open.push(newest[0].id);
    const kept = new Map(newest.map((view) => [view.id, this.#cards.get(view.id) ?? this.#build(view)]));
    this.#cards = kept;
    for (const view of newest) this.#update(kept.get(view.id), view, open.includes(view.id));
    reconcile(byId("line-cards"), [...kept.values()].map((card) => card.element));
    byId("no-lines").hidden = newest.length > 0;
    byId("lines-down").hidden = this.#lines.isLinked;
  }

  #build(view) {
    const parts = {
      name: h("span", { class: `name ${tone(view.name)}` }, view.name),
      state: h("span", { class: "state" }),
      time: h("span", { class: "time" }),
      words: h("p", { class: "why" }),
      steps: h("ol", { class: "steps", "aria-label": "The way so far" }),
      figure: h("figure", { class: "diagram" }),
      facts: h("dl", { class: "facts-list" }),
    };
    const summary = h("summary", {}, parts.name, parts.state, parts.time);
    const element = h("details", { class: "line-card", "data-id": view.id }, summary, parts.words, parts.figure, parts.facts, parts.steps);
    summary.addEventListener("click", () => this.#toggled.add(view.id));
    return { element, parts, svg: null, view, moves: -1 };
  }

  #update(card, view, isOpen) {
    card.view = view;
    card.element.className = `line-card ${view.state.toLowerCase()}`;
    card.parts.state.textContent = view.state;
    if (!this.#toggled.has(view.id)) card.element.open = isOpen;
    if (card.moves !== view.path.length) {
      card.moves = view.path.length;
      card.parts.steps.replaceChildren(...view.path.map((move) => stepView(move, view)));
    }
    card.parts.facts.replaceChildren(...factsOf(view));
    this.#time(card);
    if (card.svg) light(card.svg, view);
    else this.#draw(card);
  }

  async #draw(card) {
    if (card.isDrawing) return;
    card.isDrawing = true;
    card.svg = await machineDrawing();
    card.isDrawing = false;
    if (card.svg === null) return;
    light(card.svg, card.view);
    card.parts.figure.replaceChildren(card.svg);
  }

  #tick() {
    if (!this.#isShown()) return;
    for (const card of this.#cards.values()) if (!card.view.is_final) this.#time(card);
  }

  #time(card) {
    const { view, parts } = card;
    const now = Date.now() / 1000;
    const seconds = view.is_final ? view.entered_at - view.started_at : now - view.entered_at;
    parts.time.textContent = view.is_final ? `after ${inSeconds(seconds)}` : inSeconds(seconds);
    const words = wordsFor(view, now);
    if (parts.words.textContent !== words) parts.words.textContent = words;
  }
}

function wordsFor(view, now) {
  if (view.is_final) return `${WORDS[view.state]}.`;
  if (view.state !== "Retrying") return `${view.name} ${WORDS[view.state]}.`;
  const why = view.waits || view.last_error;
  const left = (view.due_at ?? 0) - now;
  const next = left > 0 ? `Goes on in ${inSeconds(left)}.` : "Goes on now.";
  return why ? `Waits: ${REASONS[why] ?? why}. ${next}` : `${view.name} ${WORDS.Retrying}. ${next}`;
}

function factsOf(view) {
  const rows = [
    ["Try", `${view.attempt} of ${view.attempts_max}`],
    view.parts > 1 && ["Part", `${view.part} of ${view.parts}`],
    view.unconfirmed && ["In doubt", "it may be in the channel already; the bot looks before it sends again"],
    view.cancel_by && ["Cancelled by", view.cancel_by],
    view.last_error && view.state !== "Delivered" && ["Last trouble", view.last_error],
  ];
  return rows.filter(Boolean).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)));
}

function stepView(move, view) {
  const after = inSeconds(Math.max(0, move.at - view.started_at));
  const reason = move.reason && h("span", { class: "reason" }, move.reason);
  return h("li", { class: move.to.toLowerCase() }, h("span", { class: "at" }, after), h("span", {}, move.fact), h("span", { class: "to" }, `→ ${move.to}`), reason);
}

function inSeconds(seconds) {
  if (seconds >= 90) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  return `${Math.max(0, seconds).toFixed(1)} s`;
}
