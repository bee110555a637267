// Shows a card for each response that is unfinished or has just ended.
//
// Moves take milliseconds, too fast to see: a card shows its views one after the other, slowly enough to follow.

import { byId, h, reconcile, tone } from "./dom.js";
import { light, machineDrawing } from "./diagram.js";
import { factsOf, noteFor, stepView, timeFor, wordsFor } from "./line_words.js";

const SHOWN_MAX = 12;
const TICK_MS = 200;
const PACE_MS = 350;
const BEHIND_MAX = 8; // views; if more wait, the oldest are skipped
const OFFLINE = "The bot is offline. This is the line's last known state; it continues when the bot is back.";
const SILENT = "The bot does not answer. This is the line's last known state.";
const UNREACHED = "The playground does not answer. This is the line's last known state.";

export class LineCards {
  #model;
  #lines;
  #isShown;
  #cards = new Map(); // response id → card
  #toggled = new Set();
  #isCatchingUp = false;

  constructor(model, lines, isShown) {
    this.#model = model;
    this.#lines = lines;
    this.#isShown = isShown;
    lines.addEventListener("changed", () => this.render());
    setInterval(() => this.#tick(), TICK_MS);
    setInterval(() => this.#catchUp(), PACE_MS);
  }

  render() {
    const newest = [...this.#lines.views.values()].sort((a, b) => b.started_at - a.started_at).slice(0, SHOWN_MAX);
    const open = newest.filter((view) => !view.is_final).map((view) => view.id);
    if (open.length === 0 && newest.length > 0) open.push(newest[0].id);
    const kept = new Map(newest.map((view) => [view.id, this.#cards.get(view.id) ?? this.#build(view)]));
    this.#cards = kept;
    for (const view of newest) this.#update(kept.get(view.id), view, open.includes(view.id));
    reconcile(byId("line-cards"), [...kept.values()].map((card) => card.element));
    this.renderNotes();
  }

  /** Says why no lines are shown: another inspector has them, the bot is away, or there are none yet. */
  renderNotes() {
    const { isFilled, has } = this.#model;
    const isElsewhere = isFilled && !has.inspector;
    const isAway = isFilled && !isElsewhere && this.#away() !== null;
    byId("lines-elsewhere").hidden = !isElsewhere;
    byId("no-lines").hidden = isElsewhere || isAway || this.#cards.size > 0;
    byId("lines-down").hidden = !isAway;
    byId("inspector-tools").hidden = !this.#lines.isLinked;
    for (const card of this.#cards.values()) this.#time(card);
  }

  /** Why the lines are not up to date; null if they are. */
  #away() {
    if (!this.#model.isLinked) return UNREACHED;
    if (this.#lines.isLinked) return null;
    return this.#model.presence.process === "stopped" ? OFFLINE : SILENT;
  }

  #build(view) {
    const parts = {
      name: h("span", { class: `name ${tone(view.name)}` }, view.name),
      state: h("span", { class: "state" }),
      note: h("span", { class: "state-note" }),
      time: h("span", { class: "time" }),
      words: h("p", { class: "why" }),
      steps: h("ol", { class: "steps", "aria-label": "The path so far" }),
      figure: h("figure", { class: "diagram" }),
      facts: h("dl", { class: "facts-list" }),
      replay: h("a", { class: "replay", href: `/inspector/responses/${encodeURIComponent(view.id)}` }, "Replay it move by move, with the model's prompt"),
    };
    const summary = h("summary", {}, parts.name, parts.state, parts.note, parts.time);
    const element = h("details", { class: "line-card", "data-id": view.id }, summary, parts.words, parts.figure, parts.facts, parts.steps, parts.replay);
    summary.addEventListener("click", () => this.#toggled.add(view.id));
    return { element, parts, svg: null, isDrawing: false, shown: view, coming: [] };
  }

  #update(card, view, isOpen) {
    const isFirst = card.element.parentElement === null;
    this.#queue(card, view);
    if (!this.#toggled.has(view.id)) card.element.open = isOpen || card.coming.length > 0;
    if (isFirst) this.#paint(card);
    if (!card.svg) this.#draw(card);
  }

  /** Queues the view to be shown next; a view of a move that is known already replaces the earlier one. */
  #queue(card, view) {
    const newest = card.coming.at(-1) ?? card.shown;
    if (view === newest) return;
    if (lastSeq(view) > lastSeq(newest)) card.coming = [...card.coming, view].slice(-BEHIND_MAX);
    else if (card.coming.length > 0) card.coming[card.coming.length - 1] = view;
    else {
      card.shown = view;
      this.#paint(card);
    }
  }

  #paint(card) {
    const view = card.shown;
    card.element.className = `line-card ${view.state.toLowerCase()}`;
    card.parts.state.textContent = view.state;
    card.parts.steps.replaceChildren(...view.path.map((move) => stepView(move, view)));
    card.parts.facts.replaceChildren(...factsOf(view));
    this.#time(card);
    if (card.svg) light(card.svg, view);
  }

  #catchUp() {
    for (const card of this.#cards.values()) {
      if (card.coming.length === 0 || card.isDrawing) continue; // the first view is shown only when its diagram is there
      card.shown = card.coming.shift();
      this.#paint(card);
    }
    if (this.#isCatchingUp && this.#allShown()) this.render();
    this.#isCatchingUp = !this.#allShown();
  }

  #allShown() {
    return [...this.#cards.values()].every((card) => card.coming.length === 0);
  }

  async #draw(card) {
    if (card.isDrawing) return;
    card.isDrawing = true;
    card.svg = await machineDrawing();
    card.isDrawing = false;
    if (card.svg === null) return;
    light(card.svg, card.shown);
    card.parts.figure.replaceChildren(card.svg);
  }

  #tick() {
    if (!this.#isShown()) return;
    for (const card of this.#cards.values()) if (!card.shown.is_final) this.#time(card);
  }

  /** Updates what changes without a move. While the bot does not answer, an unfinished line's clock stops. */
  #time({ parts, element, shown, coming }) {
    const away = coming.length > 0 ? null : this.#away();
    const now = Date.now() / 1000;
    element.classList.toggle("stale", away !== null && !shown.is_final);
    say(parts.time, timeFor(shown, away === null ? now : this.#lines.heardAt));
    say(parts.note, noteFor(shown, away));
    say(parts.words, wordsFor(shown, now, away));
  }
}

const lastSeq = (view) => view.path.at(-1)?.seq ?? 0;

function say(element, words) {
  if (element.textContent !== words) element.textContent = words;
}
