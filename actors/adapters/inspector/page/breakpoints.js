// Shows the breakpoints and the responses that wait at each; sets, steps, releases and removes them.

import * as api from "./api.js";
import { h, offer, reconcile, say } from "./dom.js";
import { clock, inSeconds } from "./words.js";

const EVERY_MS = 3000; // other people and programs set breakpoints too
const TICK_MS = 1000;

const arrow = (edge) => edge.replace("-", " → ");
const button = (words, label, onclick) => h("button", { class: "button plain", type: "button", "aria-label": label, title: label, onclick }, words);

export class Breakpoints {
  element = h("section", { class: "panel breakpoints", "aria-label": "Breakpoints" });
  #live;
  #filters;
  #fleet;
  #told = null; // the bot's last answer
  #cards = new Map(); // breakpoint id → card
  #timers = [];
  #end = new AbortController();

  /** `fleet` is the diagram on which the edges are marked. */
  constructor(live, filters, fleet) {
    this.#live = live;
    this.#filters = filters;
    this.#fleet = fleet;
    this.#build();
    for (const name of ["paused", "link"]) live.addEventListener(name, () => this.#read(), this.#end);
    filters.addEventListener("changed", () => this.#picked(), this.#end);
    this.#timers = [setInterval(() => this.#read(), EVERY_MS), setInterval(() => !document.hidden && this.#render(), TICK_MS)];
    this.#read();
  }

  /** Opens and focuses the panel, for a link to it. */
  open() {
    this.details.open = true;
    this.element.scrollIntoView();
    this.details.querySelector("summary").focus({ preventScroll: true });
  }

  close() {
    this.#timers.forEach(clearInterval);
    this.#end.abort();
  }

  #build() {
    this.sum = h("span", { class: "soft", role: "status" });
    this.pick = h("button", { class: "button plain", type: "button", hidden: true, onclick: () => this.#openFor(this.#filters.get("edge")) });
    this.words = h("p", { class: "soft" });
    this.trouble = h("p", { class: "notice bad", role: "alert", hidden: true });
    this.list = h("ul", { class: "stops", role: "list" });
    this.gone = h("p", { class: "soft" });
    this.details = h("details", {}, h("summary", {}, h("h2", {}, "Breakpoints"), " ", this.sum), this.words, this.#form(), this.trouble, this.list, this.gone);
    this.details.addEventListener("toggle", () => this.#renderPick());
    this.element.append(this.details, this.pick);
  }

  #form() {
    this.edge = h("select", { id: "stop-edge" });
    this.character = h("input", { id: "stop-character", type: "text", list: "stop-characters", maxlength: 100, autocomplete: "off" });
    this.session = h("input", { id: "stop-session", type: "text", list: "stop-sessions", maxlength: 100, autocomplete: "off" });
    this.characters = h("datalist", { id: "stop-characters" });
    this.sessions = h("datalist", { id: "stop-sessions" });
    const field = (words, input) => h("label", { for: input.id }, words, input);
    this.form = h(
      "form",
      { class: "row", hidden: true, onsubmit: (event) => this.#submit(event) },
      field("Stop before", this.edge),
      field("Character", this.character),
      field("Session", this.session),
      this.characters,
      this.sessions,
      h("button", { class: "button primary", type: "submit" }, "Set breakpoint"),
    );
    return this.form;
  }

  #submit(event) {
    event.preventDefault();
    const wanted = { edge: this.edge.value || null, character: this.character.value.trim() || null, session: this.session.value.trim() || null };
    this.#do(async () => {
      await api.setBreakpoint(wanted);
      this.character.value = this.session.value = "";
    });
  }

  #openFor(edge) {
    this.details.open = true;
    this.edge.value = edge;
    this.character.focus();
  }

  #picked() {
    const edge = this.#filters.get("edge");
    if (this.#told?.edges.includes(edge)) this.edge.value = edge;
    this.#renderPick();
  }

  /** Sends a request, shows its error if it fails, and reads the breakpoints again. */
  async #do(ask) {
    try {
      await ask();
      this.#complain("");
    } catch (error) {
      this.#complain(error.message);
    }
    await this.#read();
  }

  #complain(words) {
    this.trouble.hidden = words === "";
    say(this.trouble, words);
  }

  async #read() {
    if (document.hidden || this.#live.state === "lost") return this.#render();
    try {
      this.#told = await api.breakpoints();
    } catch (error) {
      this.#complain(`The breakpoints cannot be read: ${error.message}`);
      return;
    }
    if (this.#end.signal.aborted) return;
    this.#render();
    const held = new Map();
    for (const each of this.#told.breakpoints) {
      for (const edge of each.edge ? [each.edge] : []) held.set(edge, held.get(edge) ?? 0);
      for (const { from, to } of each.paused) held.set(`${from}-${to}`, (held.get(`${from}-${to}`) ?? 0) + 1);
    }
    this.#fleet.markEdges(held);
  }

  #render() {
    const told = this.#told;
    if (!told) return;
    const waiting = told.breakpoints.flatMap((each) => each.paused).length;
    say(this.sum, told.is_on ? sumWords(told.breakpoints.length, waiting) : "off");
    if (waiting > 0 && !this.element.classList.contains("is-holding")) this.details.open = true;
    this.element.classList.toggle("is-holding", waiting > 0);
    this.form.hidden = !told.is_on;
    say(this.words, told.is_on ? aboutWords(told) : told.why);
    this.#offerEdges(told.edges);
    this.#offerNames();
    this.#renderPick();
    this.#renderList(told.breakpoints);
    const last = told.lapsed.at(-1);
    say(this.gone, last ? `Breakpoint ${last.id} (${whoseWords(last)}) was removed automatically at ${clock(last.at)}: a response that it stopped timed out.` : "");
    const isLost = this.#live.state === "lost"; // a bot that does not answer takes no request
    for (const each of this.element.querySelectorAll("button")) each.disabled = isLost;
  }

  #renderList(breakpoints) {
    const now = this.#live.now();
    this.#cards = new Map(breakpoints.map((each) => [each.id, this.#cards.get(each.id) ?? this.#card(each)]));
    for (const each of breakpoints) {
      const card = this.#cards.get(each.id);
      card.all.hidden = each.paused.length < 2;
      card.none.hidden = each.paused.length > 0;
      card.rows = new Map(each.paused.map((pause) => [pause.response, card.rows.get(pause.response) ?? this.#row(each.id, pause)]));
      for (const pause of each.paused) say(card.rows.get(pause.response).words, waitsWords(pause, now));
      reconcile(card.list, [...card.rows.values()].map((row) => row.element));
    }
    reconcile(this.list, [...this.#cards.values()].map((card) => card.element));
  }

  #card(each) {
    const { id } = each;
    const all = h(
      "span",
      { class: "row" },
      button("Step all", `Step all that wait at ${id}`, () => this.#do(() => api.goOn(id, "step"))),
      button("Let all go", `Let all go that wait at ${id}`, () => this.#do(() => api.goOn(id, "release"))),
    );
    const remove = button("Remove", `Remove ${id}; what waits there continues`, () => this.#do(() => api.removeBreakpoint(id)));
    const none = h("p", { class: "soft" }, "Nothing waits here yet.");
    const list = h("ul", { class: "waiting", role: "list" });
    const head = h("div", { class: "row" }, h("strong", { class: "mono" }, id), h("span", {}, whoseWords(each)), h("span", { class: "row push" }, all, remove));
    return { all, none, list, rows: new Map(), element: h("li", { "data-id": id }, head, none, list) };
  }

  #row(id, pause) {
    const words = h("span", { class: "soft" });
    const whose = `${pause.name}’s line`;
    const step = button("Step", `Step ${whose}: make this move, wait before the next`, () => this.#do(() => api.goOn(id, "step", pause.response)));
    const release = button("Let go", `Let ${whose} continue to the next breakpoint`, () => this.#do(() => api.goOn(id, "release", pause.response)));
    return { words, element: h("li", { class: "row" }, h("a", { href: api.pageOf(pause.response) }, whose), words, h("span", { class: "row push" }, step, release)) };
  }

  /** Offers a breakpoint for the edge chosen in the diagram, unless the form is open: that has the edge already. */
  #renderPick() {
    const edge = this.#filters.get("edge");
    this.pick.hidden = this.details.open || !this.#told?.is_on || !this.#told.edges.includes(edge);
    if (!this.pick.hidden) say(this.pick, `Stop before ${arrow(edge)} …`);
  }

  #offerEdges(edges) {
    if (this.edge.childElementCount > 0) return;
    this.edge.append(...edges.map((edge) => h("option", { value: edge }, arrow(edge))), h("option", { value: "" }, "Each move"));
  }

  #offerNames() {
    const views = [...this.#live.views.values()];
    offer(this.characters, once(views.map((view) => view.name)));
    offer(this.sessions, once(views.map((view) => view.session)));
  }
}

/** On a response's page: the breakpoint that stopped it, with *Step* and *Let go*. */
export class PausedNotice {
  element = h("div", { class: "pause-bar row", role: "status", hidden: true });
  #paused = null;

  constructor(id) {
    this.words = h("span");
    const goOn = (verb) => async () => {
      try {
        await api.goOn(this.#paused.breakpoint, verb, id);
      } catch (error) {
        say(this.words, error.message);
      }
    };
    this.buttons = [button("Step", "Make this move, and wait before the next", goOn("step")), button("Let go", "Continue to the next breakpoint", goOn("release"))];
    this.element.append(this.words, h("span", { class: "row push" }, this.buttons));
  }

  /** `paused` as a view has it; `link` is whether the bot answers. */
  show(paused, link) {
    if (paused && paused.since !== this.#paused?.since) {
      say(this.words, `${paused.fact} has arrived. Breakpoint ${paused.breakpoint} stopped the response before ${paused.from} → ${paused.to}.`);
    }
    this.#paused = paused;
    this.element.hidden = !paused;
    for (const each of this.buttons) each.disabled = link === "lost";
  }
}

const once = (words) => [...new Set(words)].sort().map((word) => [word, ""]);

function sumWords(count, waiting) {
  if (count === 0) return "none set";
  return `${count} set, ${waiting === 1 ? "1 response waits" : `${waiting} responses wait`}`;
}

function aboutWords({ breakpoints, pause_max_s: max, breakpoints_max: most }) {
  const empty = breakpoints.length === 0 ? "Choose an edge, here or in the diagram, and name a character, a session, or both. " : "";
  return `${empty}A breakpoint stops a response right before a move; the rest of its session waits as for any line. Step makes that move and stops it before the next one. After ${max / 60} minutes at most the response continues and the breakpoint is removed. There can be ${most} breakpoints; a restart removes them all.`;
}

function whoseWords({ character, session, edge }) {
  const whose = [character, session && `session ${session}`].filter(Boolean).join(" in ");
  return `${whose}, before ${edge ? arrow(edge) : "each move"}`;
}

function waitsWords({ from, to, fact, since, until }, now) {
  return `waits before ${from} → ${to} (${fact}) for ${inSeconds(now - since)}; continues in ${inSeconds(until - now)} at the latest`;
}
