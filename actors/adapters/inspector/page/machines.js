// The other machines: which states their subjects are in now.

import * as api from "./api.js";
import { countState, drawing } from "./diagram.js";
import { h, say } from "./dom.js";
import { inSeconds } from "./words.js";

const EVERY_MS = 3000;

export class Machines {
  element = h("section", { "aria-label": "Machines" });
  #live;
  #timer = 0;
  #drawn = new Map(); // machine → { svg, words }
  #end = new AbortController();

  constructor(live) {
    this.#live = live;
    live.addEventListener("fleet", () => this.#renderFleet(), this.#end);
    this.#build();
    this.#timer = setInterval(() => this.#renderSessions(), EVERY_MS);
  }

  close() {
    clearInterval(this.#timer);
    this.#end.abort();
  }

  async #build() {
    try {
      const { machines } = await api.machines();
      for (const name of machines.filter((each) => each !== "response")) await this.#add(name);
    } catch (error) {
      this.element.append(h("p", { class: "notice bad", role: "alert" }, `The machines cannot be read: ${error.message}`));
      return;
    }
    this.#renderFleet();
    this.#renderSessions();
  }

  async #add(name) {
    const svg = await drawing(name);
    const words = h("p", { class: "soft" }, "Drawn from the running definition.");
    this.#drawn.set(name, { svg, words });
    const title = name.charAt(0).toUpperCase() + name.slice(1);
    this.element.append(h("section", { class: "panel machine-panel", "aria-label": title }, h("h2", {}, title), words, h("figure", { class: "diagram" }, svg)));
  }

  #renderFleet() {
    if (!this.#live.fleet) return;
    const { breakers, connections } = this.#live.fleet;
    if (this.#drawn.has("breaker")) this.#renderBreakers(this.#drawn.get("breaker"), breakers, this.#live.now());
    if (this.#drawn.has("connection")) this.#renderConnections(this.#drawn.get("connection"), connections, this.#live.now());
  }

  #renderConnections(drawn, connections, now) {
    const told = connections.map((each) => `shard ${each.shard} is ${each.state} since ${inSeconds(now - each.at)}`);
    say(drawn.words, told.length > 0 ? `${told.join("; ")}.` : "No connection to Discord's gateway has told of itself yet.");
    lightCounts(drawn.svg, connections.map((each) => each.state));
  }

  #renderBreakers(drawn, breakers, now) {
    const told = breakers.map((each) => {
      const until = each.state === "Open" && each.until > now ? `, lets a try through in ${inSeconds(each.until - now)}` : "";
      return `${each.dependency} is ${each.state} since ${inSeconds(now - each.at)}${until}`;
    });
    say(drawn.words, told.length > 0 ? `${told.join("; ")}. Every other one is closed.` : "None has moved since this process began: all are closed, or turned off (BREAKER_FAILURES=0).");
    lightCounts(drawn.svg, breakers.map((each) => each.state));
  }

  async #renderSessions() {
    const drawn = this.#drawn.get("session");
    if (!drawn || document.hidden || this.#live.state === "lost") return;
    try {
      const { sessions } = await api.sessions();
      say(drawn.words, sessionWords(sessions.length));
      lightCounts(drawn.svg, sessions.map((each) => each.state));
    } catch (error) {
      say(drawn.words, `The sessions cannot be read: ${error.message}`);
    }
  }
}

function sessionWords(count) {
  if (count === 0) return "There is no session yet.";
  return count === 1 ? "Where the one session is." : `Where the newest ${count} sessions are.`;
}

function lightCounts(svg, states) {
  for (const each of svg.querySelectorAll("[data-state]")) {
    const here = states.filter((state) => state === each.dataset.state).length;
    each.classList.toggle("lit", here > 0);
    countState(svg, each.dataset.state, here);
  }
}
