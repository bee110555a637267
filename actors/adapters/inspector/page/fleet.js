// Shows the response machine with the number of responses in each state; highlights edges as they are taken.

import { count, countState, drawing, flash, mark, onResize, pickable } from "./diagram.js";
import { h, say } from "./dom.js";
import { STATES, toneOf } from "./states.js";
import { inSeconds, moment, stuck } from "./words.js";
import * as api from "./api.js";

const TICK_MS = 1000;
const PAINT_MS = 150;
const NOT_TAKEN = { count: 0, last_minute: 0 };

export class Fleet {
  element = h("section", { class: "panel fleet", "aria-label": "Fleet" });
  #live;
  #filters;
  #svg = null;
  #timer = 0;
  #isDue = false;
  #held = new Map(); // edge with a breakpoint → how many wait before it
  #fresh = new Set(); // states and edges of the moves since the last paint
  #end = new AbortController();

  constructor(live, filters) {
    this.#live = live;
    this.#filters = filters;
    this.figure = h("figure", { class: "diagram" });
    this.cards = new Map(STATES.map((state) => [state, this.#card(state)]));
    this.since = h("p", { class: "soft" });
    const list = h("ul", { class: "state-cards", role: "list" }, [...this.cards.values()].map((card) => card.element));
    this.element.append(h("div", {}, h("h2", {}, "Fleet"), this.figure), h("div", { class: "beside" }, list, this.since));
    live.addEventListener("move", (event) => this.#moved(event.detail.move), this.#end);
    for (const name of ["fleet", "changed"]) live.addEventListener(name, () => this.#renderSoon(), this.#end);
    for (const [source, name] of [[live, "link"], [filters, "changed"]]) source.addEventListener(name, () => this.#render(), this.#end);
    onResize(() => this.#draw(), this.#end);
    this.#timer = setInterval(() => this.#renderSoon(), TICK_MS);
    this.#draw();
  }

  close() {
    clearInterval(this.#timer);
    this.#end.abort();
  }

  /** Marks the edges that have breakpoints. */
  markEdges(held) {
    this.#held = held;
    this.#render();
  }

  async #draw() {
    try {
      this.#svg = await drawing("response");
    } catch (error) {
      this.figure.replaceChildren(h("p", { class: "empty" }, `The drawing cannot be read: ${error.message}`));
      return;
    }
    this.#svg.setAttribute("role", "group"); // not an image: it contains buttons
    this.#svg.setAttribute("aria-label", "The response machine");
    for (const state of STATES) this.#letPick(this.#svg.querySelector(`[data-state="${state}"]`), { state });
    for (const edge of this.#svg.querySelectorAll("[data-edge]")) this.#letPick(edge, { edge: edge.dataset.edge });
    this.figure.replaceChildren(this.#svg);
    this.#render();
  }

  /** Makes a button of a part of the drawing, before there is a fleet to show on it. */
  #letPick(part, picked) {
    part.setAttribute("aria-label", picked.state ?? `Edge ${picked.edge.replace("-", " to ")}`);
    pickable(part, () => this.#pick(picked));
  }

  #pick(picked) {
    const [name, value] = Object.entries(picked)[0];
    const other = name === "state" ? "edge" : "state";
    this.#filters.set({ [name]: this.#filters.get(name) === value ? "" : value, [other]: "" });
  }

  #card(state) {
    const parts = { count: h("b"), oldest: h("a"), stay: h("span") };
    const pick = h("button", { type: "button", class: `pick ${toneOf(state)}`, "aria-pressed": "false", onclick: () => this.#pick({ state }) }, h("span", { class: "state-mark" }, state), parts.count);
    return { ...parts, pick, element: h("li", {}, pick, h("p", { class: "soft" }, parts.oldest, " ", parts.stay)) };
  }

  #moved(move) {
    this.#fresh.add(`${move.from}-${move.to}`).add(move.to);
    this.#renderSoon();
  }

  #renderSoon() {
    if (this.#isDue || document.hidden) return;
    this.#isDue = true;
    setTimeout(() => {
      this.#isDue = false;
      if (!this.#end.signal.aborted) this.#render();
    }, PAINT_MS);
  }

  #render() {
    if (this.#svg) flash(this.#svg, this.#fresh);
    this.#fresh.clear();
    const fleet = this.#live.fleet;
    if (!fleet) return;
    for (const state of STATES) this.#renderCard(state, fleet);
    say(this.since, `Edges are counted since ${moment(fleet.since)}, when this process started. Click a state or an edge to see its responses.`);
    if (this.#svg) this.#lightUp(fleet);
  }

  #renderCard(state, fleet) {
    const card = this.cards.get(state);
    const now = this.#live.now();
    const here = [...this.#live.views.values()].filter((view) => view.state === state && !view.is_final);
    const oldest = here.sort((a, b) => a.entered_at - b.entered_at)[0];
    say(card.count, `${fleet.states.find((each) => each.state === state)?.count ?? 0}`);
    card.pick.setAttribute("aria-pressed", String(this.#filters.get("state") === state));
    card.oldest.hidden = !oldest;
    if (oldest) {
      card.oldest.href = api.pageOf(oldest.id);
      card.oldest.classList.toggle("wrong", stuck(oldest, now) !== null);
      say(card.oldest, `oldest: ${oldest.name}, ${inSeconds(now - oldest.entered_at)}`);
    }
    const mean = fleet.mean_stay_s[state];
    say(card.stay, mean === undefined ? "" : `${inSeconds(mean)} on average`);
  }

  #lightUp(fleet) {
    for (const state of STATES) {
      countState(this.#svg, state, fleet.states.find((each) => each.state === state)?.count ?? 0);
      const box = this.#svg.querySelector(`[data-state="${state}"]`);
      box.setAttribute("aria-label", `${state}: ${this.cards.get(state).count.textContent} now`);
      box.setAttribute("aria-pressed", String(this.#filters.get("state") === state));
    }
    for (const edge of this.#svg.querySelectorAll("[data-edge]")) {
      const key = edge.dataset.edge;
      this.#lightEdge(edge, key, fleet.edges[key] ?? NOT_TAKEN);
    }
  }

  #lightEdge(edge, key, taken) {
    const held = this.#held.get(key) ?? null;
    count(edge, taken.count);
    mark(edge, held);
    edge.setAttribute("aria-label", `Edge ${key.replace("-", " to ")}: taken ${taken.count} times, ${taken.last_minute} in the last minute${held === null ? "" : `; a breakpoint, ${held} wait`}`);
    edge.setAttribute("aria-pressed", String(this.#filters.get("edge") === key));
    this.#title(edge, taken);
  }

  /** Puts the rate into the edge's tooltip, above the rows that the edge stands for. */
  #title(edge, taken) {
    const title = edge.querySelector("title");
    edge.dataset.rows ??= title.textContent;
    say(title, `${taken.count} times, ${taken.last_minute} in the last minute\n${edge.dataset.rows}`);
  }
}
