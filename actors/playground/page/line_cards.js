// "The way of a line": a card for each response on its way or just ended.
//
// A bot moves in milliseconds, too fast for eyes: the drawing follows move by move at a pace that can be seen.

import { byId, coded, h, reconcile, tone } from "./dom.js";
import { light, machineDrawing } from "./diagram.js";

const SHOWN_MAX = 12;
const TICK_MS = 200;
const PACE_MS = 350;
const BEHIND_MAX = 8; // moves; beyond this it skips
const ENDED = {
  Delivered: "The line stands in the channel and in the history.",
  Failed: "The line could not be said.",
};

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

  /** Where the lines are told of, and whether they are at the moment. */
  renderNotes() {
    const { isFilled, has } = this.#model;
    const isElsewhere = isFilled && !has.inspector;
    byId("lines-elsewhere").hidden = !isElsewhere;
    byId("no-lines").hidden = isElsewhere || this.#cards.size > 0;
    byId("lines-down").hidden = isElsewhere || !isFilled || this.#lines.isLinked;
    byId("inspector").hidden = !this.#lines.isLinked;
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
      replay: h("a", { class: "replay", href: `/inspector/responses/${encodeURIComponent(view.id)}` }, "Replay it move by move"),
    };
    const summary = h("summary", {}, parts.name, parts.state, parts.time);
    const element = h("details", { class: "line-card", "data-id": view.id }, summary, parts.words, parts.figure, parts.facts, parts.steps, parts.replay);
    summary.addEventListener("click", () => this.#toggled.add(view.id));
    return { element, parts, svg: null, isDrawing: false, view, lastSeq: view.path.at(-1)?.seq ?? 0, behind: 0 };
  }

  #update(card, view, isOpen) {
    const isFirst = card.element.parentElement === null;
    const fresh = view.path.filter((move) => move.seq > card.lastSeq).length;
    card.behind = Math.min(BEHIND_MAX, card.behind + fresh);
    card.lastSeq = view.path.at(-1)?.seq ?? 0;
    card.view = view;
    if (!this.#toggled.has(view.id)) card.element.open = isOpen || card.behind > 0;
    if (isFirst || fresh > 0) this.#paint(card);
    if (!card.svg) this.#draw(card);
  }

  /** Shows the response as it was `behind` moves ago. */
  #paint(card) {
    const view = asShown(card);
    card.element.className = `line-card ${view.state.toLowerCase()}`;
    card.parts.state.textContent = view.state;
    card.parts.steps.replaceChildren(...view.path.map((move) => stepView(move, view)));
    card.parts.facts.replaceChildren(...factsOf(view));
    this.#time(card);
    if (card.svg) light(card.svg, view);
  }

  #catchUp() {
    for (const card of this.#cards.values()) {
      if (card.behind === 0 || card.isDrawing) continue; // what nobody could see yet is shown first
      card.behind -= 1;
      this.#paint(card);
    }
    if (this.#isCatchingUp && this.#allShown()) this.render();
    this.#isCatchingUp = !this.#allShown();
  }

  #allShown() {
    return [...this.#cards.values()].every((card) => card.behind === 0);
  }

  async #draw(card) {
    if (card.isDrawing) return;
    card.isDrawing = true;
    card.svg = await machineDrawing();
    card.isDrawing = false;
    if (card.svg === null) return;
    light(card.svg, asShown(card));
    card.parts.figure.replaceChildren(card.svg);
  }

  #tick() {
    if (!this.#isShown()) return;
    for (const card of this.#cards.values()) if (!card.view.is_final) this.#time(card);
  }

  #time(card) {
    const { parts } = card;
    const view = asShown(card);
    const now = Date.now() / 1000;
    const seconds = view.is_final ? view.entered_at - view.started_at : now - view.entered_at;
    parts.time.textContent = view.is_final ? `after ${inSeconds(seconds)}` : inSeconds(seconds);
    const words = wordsFor(view, now);
    if (parts.words.textContent !== words) parts.words.textContent = words;
  }
}

// Why it is where it is, for a move that is shown after the bot has gone on.
const WHY = {
  GenerationFailed: (reason) => `The model failed (${reason}); it is asked again`,
  Held: () => "Discord asked for a pause",
  SendRefused: (reason) => `Discord refused it (${reason}); it is sent again`,
  SendUnconfirmed: (reason) => `No usable answer (${reason}): the channel is read back before another try`,
  ReadBackFailed: (reason) => `The channel could not be read (${reason}); it is read again`,
};

/** The card's view without the moves that are not shown yet. */
function asShown({ view, behind }) {
  if (behind === 0) return view;
  const path = view.path.slice(0, view.path.length - behind);
  const counts = { ...view.counts };
  for (const move of view.path.slice(path.length)) counts[`${move.from}-${move.to}`] -= 1;
  const last = path.at(-1);
  const waits = WHY[last.fact]?.(last.reason) ?? last.reason ?? view.waits ?? "";
  // What went wrong came with a move that may not be shown yet; of those that are, `waits` says it.
  const now = { last_error: null, mend: null, attempt: last.attempt || 1, due_at: null };
  return { ...view, ...now, path, counts, state: last.to, entered_at: last.at, is_final: false, waits };
}

function wordsFor(view, now) {
  if (view.is_final) return ENDED[view.state];
  if (view.due_at === null) return view.waits ? `${view.waits}.` : "\u00a0";
  const left = view.due_at - now;
  return `${view.waits}. ${left > 0 ? `Next try in ${inSeconds(left)}.` : "Goes on now."}`;
}

function factsOf(view) {
  const rows = [
    ["Try", `${view.attempt} of ${view.attempts_max}`],
    view.parts > 1 && ["Part", `${view.part} of ${view.parts}`],
    view.unconfirmed && ["In doubt", "it may be in the channel already; the bot looks before it sends again"],
    view.cancel_by && ["Cancelled by", view.cancel_by],
    view.last_error && view.state !== "Delivered" && ["Last trouble", view.last_error],
    view.mend && view.state !== "Delivered" && ["What to do", coded(view.mend)],
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
