// Shows the sessions: what waits, who speaks next, and the history with a link to each line's moves.

import * as api from "./api.js";
import { h, reconcile, say } from "./dom.js";
import { clock, moment } from "./words.js";
import { toneOf } from "./states.js";

const EVERY_MS = 3000;

export class Sessions {
  element = h("section", { "aria-label": "Sessions" }, h("h2", {}, "Sessions"));
  #live;
  #cards = new Map();
  #timer = 0;

  constructor(live) {
    this.#live = live;
    this.trouble = h("p", { class: "notice bad", role: "alert", hidden: true });
    this.empty = h("p", { class: "empty", hidden: true }, "There is no session yet. Open one in a channel: write !start and the names of the characters.");
    this.list = h("ul", { class: "session-list", role: "list" });
    this.element.append(this.trouble, this.empty, this.list);
    this.#read();
    this.#timer = setInterval(() => this.#read(), EVERY_MS);
  }

  close() {
    clearInterval(this.#timer);
  }

  async #read() {
    if (document.hidden || this.#live.state === "lost") return;
    let sessions;
    try {
      ({ sessions } = await api.sessions());
    } catch (error) {
      this.trouble.hidden = false;
      say(this.trouble, `The sessions cannot be read: ${error.message}`);
      return;
    }
    this.trouble.hidden = true;
    this.empty.hidden = sessions.length > 0;
    this.#cards = new Map(sessions.map((each) => [each.session_id, this.#cards.get(each.session_id) ?? newCard(each)]));
    for (const each of sessions) update(this.#cards.get(each.session_id), each);
    reconcile(this.list, [...this.#cards.values()].map((card) => card.element));
  }
}

function newCard(session) {
  const parts = { state: h("span"), channel: h("span", { title: session.channel_id }), facts: h("dl", { class: "facts" }), lines: h("ol", { class: "lines", role: "list" }), length: h("summary") };
  const history = h("details", {}, parts.length, parts.lines);
  const card = { ...parts, element: null, history, shown: "", isRead: false };
  history.addEventListener("toggle", () => history.open && readLines(card, session.session_id));
  const head = h("h3", {}, session.cast.join(", ") || "An empty cast", " ", parts.state);
  const place = h("p", { class: "soft" }, "Channel ", parts.channel, " · session ", h("span", { class: "mono" }, session.session_id), ` · opened ${moment(session.opened_at)}`);
  card.element = h("li", { class: "panel", "data-id": session.session_id }, head, place, parts.facts, history);
  return card;
}

function update(card, session) {
  const told = JSON.stringify(session);
  if (told === card.shown) return;
  card.shown = told;
  card.state.className = `state-mark ${toneOf(session.state, "session")}`;
  say(card.state, session.state);
  say(card.channel, session.channel === null ? session.channel_id : `#${session.channel}`);
  const onItsWay = session.on_its_way ? h("a", { href: api.pageOf(session.on_its_way) }, "a response") : "nothing";
  const rows = [
    ["In the mailbox", session.waiting === 1 ? "1 message" : `${session.waiting} messages`],
    ["On its way", onItsWay],
    ["Speaks next", nextWords(session)],
  ];
  card.facts.replaceChildren(...rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
  say(card.length, `History: ${session.history_length} lines`);
  if (card.history.open) readLines(card, session.session_id);
}

function nextWords(session) {
  if (session.state === "Ended") return "nobody: the session has ended";
  if (session.next_speakers.length > 0) return `${session.next_speakers.join(", then ")} (the open turn)`;
  return session.waiting > 0 ? "decided by the next message" : "nobody: no message waits";
}

async function readLines(card, id) {
  try {
    const { lines } = await api.session(id);
    card.lines.replaceChildren(...lines.map(lineView));
    if (lines.length === 0) card.lines.append(h("li", { class: "soft" }, "The history is empty."));
  } catch (error) {
    card.lines.replaceChildren(h("li", { class: "wrong" }, error.message));
  }
}

function lineView(line) {
  const way = line.response_id && h("a", { href: api.pageOf(line.response_id) }, "its moves");
  return h("li", {}, h("span", { class: "soft mono" }, clock(line.at)), " ", h("strong", {}, line.name), ` (${line.kind}) `, way);
}
