// Shows one response: its path on the diagram, move by move, with each move's input and output.

import * as api from "./api.js";
import { PausedNotice } from "./breakpoints.js";
import { drawing, light, mark, onResize } from "./diagram.js";
import { h, reconcile, say, sayCoded } from "./dom.js";
import { requestsAt, requestsOf, triesOf } from "./exchanges.js";
import { saveLink } from "./saving.js";
import { playTo, sequence } from "./sequence.js";
import { isWell, toneOf } from "./states.js";
import { clock, inSeconds, mendOf, moment, stuck, told, why } from "./words.js";

const TICK_MS = 500;
const FAILURES = new Set(["GenerationFailed", "SendRefused", "SendUnconfirmed", "SentElsewhere", "ReadBackFailed", "ReadBackImpossible"]);

export class Replay {
  element = h("article", { class: "replay", "aria-label": "One response" });
  #live;
  #view;
  #from; // the file's name, if read from a file
  #withText = false; // whether the texts were requested
  #at = 0; // how many moves are played
  #items = new Map(); // a move's content, and its element
  #svg = null;
  #timer = 0;
  #end = new AbortController();

  /** `view` is the answer of `/api/responses/{id}`; `from` names the file if it was read from one: then nothing is live. */
  constructor(live, view, { from = null, canReadTexts = false } = {}) {
    this.#live = live;
    this.#view = view;
    this.#from = from;
    this.#build(canReadTexts && from === null);
    this.#renderPath(); // throws if a file holds something else
    const wanted = from === null ? wantedMove() : null;
    this.#show(Math.min(wanted ?? view.path.length, view.path.length));
    this.#draw();
    document.addEventListener("keydown", (event) => this.#onKey(event), this.#end);
    onResize(() => this.#draw(), this.#end);
    if (from === null) this.#follow();
    // If it does not fit, show its middle: that says more than the user's message at its left.
    requestAnimationFrame(() => (this.sequence.scrollLeft = (this.sequence.scrollWidth - this.sequence.clientWidth) / 2));
  }

  close() {
    clearInterval(this.#timer);
    this.#end.abort();
  }

  #follow() {
    const isOurs = (event) => event.detail.response.id === this.#view.id;
    this.#live.addEventListener("move", (event) => isOurs(event) && this.#readAgain(), this.#end);
    this.#live.addEventListener("paused", (event) => event.detail.response === this.#view.id && this.#readAgain(), this.#end);
    this.#live.addEventListener("link", () => this.#live.state === "live" && this.#readAgain(), this.#end);
    this.#timer = setInterval(() => !document.hidden && this.#renderHead(), TICK_MS);
  }

  async #readAgain() {
    try {
      const view = await api.response(this.#view.id, { withText: this.#withText });
      if (view.path.length < this.#view.path.length) return; // a newer answer was faster
      const isAtEnd = this.#at === this.#view.path.length;
      this.#view = view;
      this.#renderPath();
      this.#show(isAtEnd ? view.path.length : this.#at);
    } catch (error) {
      console.info("The response could not be read again:", error.message);
    }
  }

  #build(canReadTexts) {
    this.mark = h("span");
    this.time = h("span", { class: "soft" });
    this.why = h("p", { class: "why" });
    this.cause = h("p", { class: "cause" });
    this.mend = h("p", { class: "mend" });
    this.paused = new PausedNotice(this.#view.id);
    this.range = h("input", { id: "scrubber", type: "range", min: 0, step: 1, "aria-label": "Move", oninput: () => this.#show(Number(this.range.value)) });
    this.where = h("output", { for: "scrubber" });
    this.figure = h("figure", { class: "diagram" });
    this.moves = h("ol", { class: "moves", role: "list" });
    this.legal = h("p", { class: "soft legal" });
    this.sequence = h("div", { class: "sequence", tabindex: "0", role: "region", "aria-label": "Sequence diagram" });
    this.texts = h("div", { class: "texts", hidden: true });
    this.tries = h("div");
    this.element.append(
      this.#head(canReadTexts),
      h("div", { class: "replay-grid" }, this.#stage(), this.#story()),
      h("section", { class: "panel" }, h("h2", {}, "Sequence diagram"), h("p", { class: "soft" }, "Arrows to the response are facts; arrows from it are its effects and tasks. A dot is a move written to the store."), this.sequence),
      h("section", { class: "panel", "aria-label": "The model" }, h("h2", {}, "Prompts and answers of the model"), this.tries),
    );
  }

  #head(canReadTexts) {
    const view = this.#view;
    const save = this.#from === null && saveLink("Save as a file", this.#live, () => this.#view);
    const read = canReadTexts && h("button", { class: "button plain", type: "button", onclick: (event) => this.#readTexts(event.target) }, "Show what was said");
    this.saveAll = saveLink("Save with texts", this.#live, () => this.#view, { withText: true });
    this.saveAll.hidden = true;
    const where = h("p", { class: "soft" }, "Response ", h("span", { class: "mono" }, view.id), " of session ", this.#sessionLink(), ", began ", moment(view.started_at));
    const left = view.redacted === false ? "" : " Texts are omitted.";
    const imported = this.#from && h("p", { class: "notice trouble", role: "status" }, `From the file ${this.#from}: nothing is live, and it may be from another bot.${left}`);
    return h("header", { class: "panel replay-head" }, imported, h("div", { class: "row" }, h("h2", {}, `${view.name}’s line`), this.mark, this.time, h("span", { class: "row push" }, read, this.saveAll, save)), where, this.why, this.paused.element, this.cause, this.mend, this.texts);
  }

  #sessionLink() {
    const mono = h("span", { class: "mono" }, this.#view.session);
    return this.#from ? mono : h("a", { href: api.at(`?session=${encodeURIComponent(this.#view.session)}`) }, mono);
  }

  #stage() {
    const step = (words, label, go) => h("button", { class: "button plain", type: "button", "aria-label": label, title: label, onclick: go }, words);
    const keys = h(
      "div",
      { class: "row steps" },
      step("⇤", "Before the first move (Home)", () => this.#show(0)),
      step("←", "One move back (←)", () => this.#show(this.#at - 1)),
      this.range,
      step("→", "One move forward (→)", () => this.#show(this.#at + 1)),
      step("⇥", "The last move (End)", () => this.#show(this.#view.path.length)),
    );
    return h("section", { class: "panel stage", "aria-label": "The path" }, keys, this.where, this.figure, this.legal);
  }

  #story() {
    return h("section", { class: "panel story", "aria-label": "Moves" }, h("h2", {}, "Moves"), this.moves);
  }

  #onKey(event) {
    const isTyping = event.target.matches("input:not([type=range]), select, textarea");
    if (isTyping || event.target === this.range || event.altKey || event.ctrlKey || event.metaKey) return;
    const to = { ArrowLeft: this.#at - 1, ArrowRight: this.#at + 1, Home: 0, End: this.#view.path.length }[event.key];
    if (to === undefined || this.sequence.contains(event.target)) return;
    event.preventDefault();
    this.#show(to);
  }

  async #draw() {
    try {
      this.#svg = await drawing("response");
      this.figure.replaceChildren(this.#svg);
      this.#light();
    } catch (error) {
      this.figure.replaceChildren(h("p", { class: "empty" }, `The drawing cannot be read: ${error.message}`));
    }
  }

  /** Plays the first `at` moves. */
  #show(at) {
    const { path } = this.#view;
    this.#at = Math.max(0, Math.min(at, path.length));
    this.range.max = path.length;
    this.range.value = this.#at;
    const last = path[this.#at - 1];
    this.range.setAttribute("aria-valuetext", last ? `Move ${this.#at}: ${last.fact}, to ${last.to}` : "Before the first move");
    say(this.where, last ? `${this.#at} of ${path.length}: ${last.fact}, ${last.from} → ${last.to}` : `Before the first of ${path.length} moves`);
    // A file has no address of its own.
    if (this.#from === null) history.replaceState(null, "", this.#at === path.length ? location.pathname + location.search : `#move=${this.#at}`);
    this.#renderHead();
    this.#playMoves();
    playTo(this.sequence, this.#at);
    this.#light();
  }

  #light() {
    if (!this.#svg) return;
    const played = this.#view.path.slice(0, this.#at);
    const counts = {};
    for (const move of played) counts[`${move.from}-${move.to}`] = (counts[`${move.from}-${move.to}`] ?? 0) + 1;
    const last = played.at(-1);
    light(this.#svg, { state: last?.to ?? "[*]", counts, last: last && `${last.from}-${last.to}` });
    const { paused } = this.#view;
    for (const edge of this.#svg.querySelectorAll("[data-edge]")) mark(edge, paused && edge.dataset.edge === `${paused.from}-${paused.to}` ? 1 : null);
    this.#svg.setAttribute("aria-label", `The path: ${played.map((move) => move.to).join(", then ") || "not begun"}`);
  }

  #renderHead() {
    const view = this.#view;
    const now = this.#from === null ? this.#live.now() : view.entered_at;
    this.mark.className = `state-mark ${toneOf(view.state)}`;
    say(this.mark, view.state);
    say(this.time, view.is_final ? `after ${inSeconds(view.entered_at - view.started_at)}` : `for ${inSeconds(now - view.entered_at)}`);
    const reason = this.#from === null ? stuck(view, now) : null;
    say(this.why, `${reason ? `Stuck. ${reason}. ` : ""}${why(view, now)}`);
    this.why.classList.toggle("wrong", reason !== null);
    this.paused.show(view.paused, this.#live.state);
    this.cause.hidden = !view.last_error;
    const end = isWell(view) ? "Earlier error" : "The cause";
    say(this.cause, view.last_error ? `${end}: ${view.last_error}.` : "");
    sayCoded(this.mend, mendOf(view));
    this.cause.classList.toggle("wrong", view.state === "Failed");
    const at = this.#at === view.path.length;
    say(this.legal, at ? (view.legal.length ? `May come next: ${view.legal.join(", ")}.` : "This state is final: no fact can follow.") : "");
  }

  /** Renders what a step changes only by classes: an outage makes hundreds of moves, too many to rebuild each time. */
  #renderPath() {
    this.#renderMoves();
    this.#renderSequence();
    this.#renderTexts();
  }

  #renderMoves() {
    const { path, asides = [] } = this.#view;
    const kept = new Map();
    const add = (content, build) => {
      const key = JSON.stringify([kept.size, content]);
      kept.set(key, this.#items.get(key) ?? build());
    };
    for (const [index, move] of [null, ...path].entries()) {
      if (move) add([move, path[index - 2]?.at, requestsAt(this.#view, move.seq)], () => this.#moveView(move, index));
      for (const aside of asides) if (aside.after_seq === index && !this.#isRecorded(aside)) add(aside, () => asideView(aside));
    }
    this.#items = kept;
    reconcile(this.moves, [...kept.values()]); // a new move closes nothing, and keeps focus and selection
  }

  #renderSequence() {
    const path = JSON.stringify(this.#view.path);
    if (path === this.toldPath) return;
    this.toldPath = path;
    this.sequence.replaceChildren(sequence(this.#view));
  }

  #playMoves() {
    const hasFocus = this.shownAt !== this.#at && this.moves.contains(document.activeElement);
    this.shownAt = this.#at;
    for (const item of this.moves.querySelectorAll("[data-seq]")) {
      const index = Number(item.dataset.seq);
      item.classList.toggle("later", index > this.#at);
      if (index === this.#at) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    }
    if (hasFocus) this.moves.querySelector("[aria-current] button")?.focus();
    requestAnimationFrame(() => this.#scrollToCurrent());
  }

  /** Whether this attempt is recorded: then it is shown below, with more than the process remembers. */
  #isRecorded(aside) {
    return aside.kind === "generation" && (this.#view.exchanges ?? []).some((each) => each.asked?.attempt === aside.attempt);
  }

  #scrollToCurrent() {
    const current = this.moves.querySelector("[aria-current]");
    if (!current) return;
    const { offsetTop, offsetHeight } = current;
    const { scrollTop, clientHeight } = this.moves;
    if (offsetTop < scrollTop || offsetTop + offsetHeight > scrollTop + clientHeight) this.moves.scrollTop = offsetTop - clientHeight / 2;
  }

  #moveView(move, index) {
    const before = this.#view.path[index - 2];
    const after = inSeconds(move.at - (before ?? move).at);
    const given = move.given ? told(move.given, move.at) : (move.reason ?? "");
    const effects = (move.effects ?? []).map(({ name, ...fields }) => `${name}${Object.keys(fields).length ? ` (${told(fields, move.at)})` : ""}`);
    const isFailure = FAILURES.has(move.fact);
    const attempt = move.attempt > 0 && `${move.part > 0 ? `part ${move.part}, ` : ""}try ${move.attempt}`;
    return h(
      "li",
      { class: isFailure && "failure", "data-seq": index },
      h("button", { type: "button", onclick: () => this.#show(index) }, h("span", { class: "seq" }, index), h("strong", {}, move.fact), h("span", { class: toneOf(move.to) }, h("span", { class: "state-mark" }, move.to)), h("span", { class: "soft when", title: moment(move.at) }, `${clock(move.at)}  +${after}`)),
      h("dl", {}, pair("in", [attempt, given].filter(Boolean).join(" · ")), pair("out", effects.join("; ")), pair("wire", requestsOf(this.#view, move.seq))),
    );
  }

  async #readTexts(button) {
    try {
      this.#view = await api.response(this.#view.id, { withText: true });
    } catch (error) {
      say(button, `${error.message} Try again`);
      return;
    }
    this.#withText = true;
    this.saveAll.hidden = false;
    button.hidden = true;
    this.#renderPath();
    this.#show(this.#at);
  }

  #renderTexts() {
    const content = JSON.stringify([this.#view.exchanges, this.#view.texts]);
    if (content === this.told) return; // a new move closes nothing that was opened
    this.told = content;
    this.tries.replaceChildren(triesOf(this.#view));
    const { texts } = this.#view;
    this.texts.hidden = !texts;
    if (!texts) return;
    const list = (name, parts) => [h("h3", {}, name), parts.length ? parts.map((part) => h("blockquote", {}, part)) : h("p", { class: "soft" }, "Nothing.")];
    this.texts.replaceChildren(...[list("Written, part by part", texts.written), list("As Discord shows it", texts.shown)].flat(2));
  }
}

const pair = (name, words) => words && h("div", {}, h("dt", {}, name), h("dd", {}, words));

function asideView(aside) {
  const { kind, after_seq: _, at, ...fields } = aside;
  const words = kind === "refused" ? `The table refused ${aside.fact} in ${aside.state}: ${aside.reason === "guard" ? "no guard allowed it" : "there is no such row"}` : `Request to the model: ${told(fields)}`;
  return h("li", { class: `aside ${kind}` }, h("span", { class: "soft when" }, clock(at)), " ", words);
}

/** The number of the move in the address (`#move=3`); null without one. */
function wantedMove() {
  const found = /^#move=(\d+)$/.exec(location.hash);
  return found ? Number(found[1]) : null;
}
