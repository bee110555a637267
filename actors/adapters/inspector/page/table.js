// Shows the table of responses. It updates only the visible rows, and in them only what has changed.

import * as api from "./api.js";
import { h, offer, reconcile, say, sayCoded } from "./dom.js";
import { STATES, toneOf } from "./states.js";
import { inSeconds, mendOf, moment, stuck, why } from "./words.js";

const SHOWN_STEP = 100;
const OLDER_MAX = 500;
const OLDER = "Read older ones";
const TICK_MS = 500;
const PAINT_MS = 150; // there may be a thousand moves a second; nobody can read faster updates
const COLUMNS = [
  ["name", "Character"],
  ["state", "State"],
  ["attempt", "Try"],
  ["stay", "For"],
  ["why", "Why it waits, and until when"],
  ["error", "Last error"],
  ["session", "Session"],
  ["started", "Began"],
];

export class ResponseTable {
  element = h("section", { id: "rows", class: "panel responses", tabindex: "-1", "aria-label": "Responses" });
  #live;
  #filters;
  #rows = new Map(); // response id → row
  #shownMax = SHOWN_STEP;
  #isDue = false;
  #asked = {}; // the filters of the last read from the journal
  #timer = 0;
  #end = new AbortController();

  constructor(live, filters) {
    this.#live = live;
    this.#filters = filters;
    this.#build();
    live.addEventListener("changed", () => this.#renderSoon(), this.#end);
    live.addEventListener("snapshot", () => this.#readChosen(), this.#end); // a snapshot drops what was read before
    live.addEventListener("link", () => this.#render(), this.#end);
    filters.addEventListener("changed", () => this.#filtered(), this.#end);
    this.#timer = setInterval(() => !document.hidden && this.#render(), TICK_MS);
    if (live.state === "live") this.#readChosen();
    this.#render();
  }

  close() {
    clearInterval(this.#timer);
    this.#end.abort();
  }

  #build() {
    this.sum = h("p", { class: "soft sum", role: "status" });
    this.heads = COLUMNS.map(([key, words]) => this.#head(key, words));
    this.table = h("table", { role: "table" }, h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, this.heads)));
    this.empty = h("div", { class: "empty" });
    this.more = h("button", { class: "button plain", type: "button", onclick: () => this.#showMore() }, "Show more");
    this.older = h("button", { class: "button plain", type: "button", onclick: () => this.#read(OLDER_MAX) }, OLDER);
    this.element.append(this.#controls(), this.table, this.empty, h("div", { class: "row ends" }, this.more, this.older));
  }

  #controls() {
    const set = (name) => (event) => this.#filters.set({ [name]: event.target.type === "checkbox" ? (event.target.checked ? "1" : "") : event.target.value });
    this.q = h("input", { type: "search", placeholder: "Search", "aria-label": "Search in responses", oninput: set("q") });
    this.state = h("select", { "aria-label": "State", onchange: set("state") });
    this.session = h("select", { "aria-label": "Session", onchange: set("session") });
    this.stuck = h("input", { type: "checkbox", onchange: set("stuck") });
    this.group = h("input", { type: "checkbox", onchange: set("group") });
    this.edge = h("button", { class: "button plain", type: "button", onclick: () => this.#filters.set({ edge: "" }) });
    this.clear = h("button", { class: "button plain", type: "button", onclick: () => this.#filters.clear() }, "Show all");
    this.state.append(h("option", { value: "" }, "Every state"), ...STATES.map((name) => h("option", { value: name }, name)));
    return h(
      "div",
      { class: "controls" },
      h("h2", {}, "Responses"),
      this.sum,
      h("div", { class: "row" }, this.q, this.state, this.session, h("label", { class: "check" }, this.stuck, "Stuck only"), h("label", { class: "check" }, this.group, "By session"), this.edge, this.clear),
    );
  }

  #head(key, words) {
    const sort = () => {
      const isUp = this.#filters.get("sort") === key;
      this.#filters.set({ sort: isUp ? `-${key}` : key });
    };
    return h("th", { scope: "col", role: "columnheader", "data-key": key }, h("button", { type: "button", onclick: sort }, words));
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
    const now = this.#live.now();
    const all = [...this.#live.views.values()];
    const found = this.#filters.chosen(all, now);
    const shown = found.slice(0, this.#shownMax);
    this.older.hidden = isAll(all, this.#live.fleet);
    this.#renderControls(all, found, now);
    const rows = new Map(shown.map((view) => [view.id, this.#rows.get(view.id) ?? newRow(view)]));
    for (const view of shown) update(rows.get(view.id), view, now);
    this.#rows = rows;
    reconcile(this.table, [this.table.tHead, ...this.#bodies(shown)]);
    this.more.hidden = found.length <= shown.length;
  }

  #bodies(shown) {
    const groups = new Map();
    for (const view of shown) {
      const key = this.#filters.get("group") ? view.session : "";
      groups.set(key, [...(groups.get(key) ?? []), view]);
    }
    this.bodies = new Map([...groups.keys()].map((key) => [key, this.bodies?.get(key) ?? newBody(key)]));
    for (const [key, views] of groups) {
      const body = this.bodies.get(key);
      const rows = views.map((view) => this.#rows.get(view.id).element);
      if (key) say(body.head.querySelector("th"), `Session ${key}: ${views.length}`);
      reconcile(body.element, key ? [body.head, ...rows] : rows);
    }
    return [...this.bodies.values()].map((body) => body.element);
  }

  #renderControls(all, found, now) {
    const filters = this.#filters;
    for (const name of ["q", "state"]) if (this[name] !== document.activeElement) this[name].value = filters.get(name);
    for (const name of ["stuck", "group"]) this[name].checked = Boolean(filters.get(name));
    this.#offerSessions(all);
    this.edge.hidden = !filters.get("edge");
    say(this.edge, `Took ${filters.get("edge").replace("-", " → ")} ×`);
    this.clear.hidden = !filters.isAny;
    const stuckCount = all.filter((view) => stuck(view, now) !== null).length;
    say(this.sum, `${found.length} of ${all.length}${stuckCount ? `, ${stuckCount} stuck` : ""}`);
    for (const head of this.heads) head.ariaSort = sortOf(head.dataset.key, filters.get("sort"));
    this.empty.hidden = found.length > 0;
    this.table.hidden = found.length === 0;
    if (found.length === 0) say(this.empty, emptyWords(all.length, this.older.hidden, this.#live.state));
  }

  #offerSessions(all) {
    const known = [...new Set(all.map((view) => view.session))].sort();
    const chosen = this.#filters.get("session");
    if (chosen && !known.includes(chosen)) known.push(chosen);
    if (this.session === document.activeElement) return;
    offer(this.session, [["", "Every session"], ...known.map((id) => [id, id])]);
    this.session.value = chosen;
  }

  #showMore() {
    this.#shownMax += SHOWN_STEP;
    this.#render();
  }

  #filtered() {
    if (["state", "session"].some((name) => this.#asked[name] !== this.#filters.get(name))) this.#readChosen();
    this.#render();
  }

  /** Reads the newest responses of the chosen state and session, which may be older than all shown; more on request. */
  #readChosen() {
    this.#asked = { state: this.#filters.get("state"), session: this.#filters.get("session") };
    this.older.disabled = false;
    say(this.older, OLDER);
    if (this.#asked.state || this.#asked.session) this.#read(SHOWN_STEP);
  }

  async #read(limit) {
    const asked = this.#asked;
    this.older.disabled = true;
    try {
      const { responses } = await api.responses({ ...asked, limit });
      if (asked !== this.#asked) return; // the filters changed meanwhile
      this.#live.add(responses);
      if (responses.length < limit) return say(this.older, "There are no older ones");
      if (limit === OLDER_MAX) return say(this.older, `The newest ${OLDER_MAX} that match are here`);
    } catch (error) {
      if (asked !== this.#asked) return;
      say(this.older, `${error.message} Try again`);
    }
    this.older.disabled = false;
  }
}

function sortOf(key, sort) {
  if (sort === key) return "ascending";
  return sort === `-${key}` ? "descending" : "none";
}

/** Whether these are all responses of the journal; true before the fleet is known, so that no read is offered. */
const isAll = (views, fleet) => fleet === null || views.length >= fleet.states.reduce((sum, each) => sum + each.count, 0);

function emptyWords(known, hasAll, link) {
  if (known > 0) return hasAll ? "No response matches. Remove a filter." : "No response matches. Remove a filter, or read older ones.";
  if (link === "connecting") return "Reading from the bot …";
  return "There is no response yet. Each line of a character becomes a row here as soon as it begins: open a session with !start, and write something in its channel.";
}

function newBody(key) {
  const head = h("tr", { class: "group", role: "row" }, h("th", { colspan: COLUMNS.length, scope: "rowgroup", role: "rowheader" }));
  return { head, element: h("tbody", { role: "rowgroup", "data-session": key }) };
}

function newRow(view) {
  const cell = (key) => h("td", { role: "cell", class: `cell-${key}` });
  const cells = Object.fromEntries(COLUMNS.map(([key]) => [key, cell(key)]));
  const mark = h("span", { class: "state-mark" });
  const stuckMark = h("strong", { class: "stuck-mark" });
  const words = h("span");
  cells.name.append(h("a", { href: api.pageOf(view.id) }, view.name));
  cells.state.append(mark);
  cells.why.append(stuckMark, words);
  const [trouble, mend] = [h("span"), h("span", { class: "mend" })];
  cells.error.append(trouble, mend);
  cells.session.append(h("span", { class: "mono soft" }, view.session));
  cells.started.append(h("span", { class: "soft", title: view.id }, moment(view.started_at)));
  return { cells, mark, stuckMark, words, trouble, mend, element: h("tr", { role: "row", "data-id": view.id }, Object.values(cells)) };
}

function update(row, view, now) {
  const reason = stuck(view, now);
  row.element.classList.toggle("is-stuck", reason !== null);
  row.element.classList.toggle("is-paused", Boolean(view.paused));
  row.mark.className = `state-mark ${toneOf(view.state)}`;
  say(row.mark, view.state);
  say(row.cells.attempt, `${view.attempt} of ${view.attempts_max}${view.parts > 1 ? `, part ${view.part} of ${view.parts}` : ""}`);
  say(row.cells.stay, view.is_final ? `took ${inSeconds(view.entered_at - view.started_at)}` : inSeconds(now - view.entered_at));
  say(row.stuckMark, reason ? `Stuck. ${reason}. ` : "");
  say(row.words, why(view, now));
  say(row.trouble, view.last_error ?? "");
  sayCoded(row.mend, mendOf(view));
}
