// Shows the other machines, with the current states of sessions, breakers and connections.

import * as api from "./api.js";
import { breakersTable, breakersWords, budgetsTable, modelsTable, shardsTable, wide } from "./dependencies.js";
import { countState, drawing } from "./diagram.js";
import { h, say } from "./dom.js";
import { inSeconds } from "./words.js";
import { MACHINES } from "./states.js";

const WITH_TABLE = ["breaker", "connection"];

export class Machines {
  element = h("section", { "aria-label": "Machines" });
  #live;
  #drawn = new Map(); // machine → { svg, words }
  #end = new AbortController();

  constructor(live) {
    this.#live = live;
    live.addEventListener("fleet", () => this.#renderAll(), this.#end);
    this.#build();
  }

  close() {
    this.#end.abort();
  }

  async #build() {
    try {
      for (const name of MACHINES.filter((each) => each !== "response")) await this.#add(name);
    } catch (error) {
      this.element.append(h("p", { class: "notice bad", role: "alert" }, `The machines cannot be read: ${error.message}`));
      return;
    }
    this.budgets = wide("Current rate limits");
    this.element.append(h("section", { class: "panel machine-panel", "aria-label": "Rate limits" }, h("h2", {}, "Rate limits"), h("p", { class: "soft" }, "From the servers' last answers to this process."), this.budgets));
    this.models = wide("Known models");
    this.element.append(h("section", { class: "panel machine-panel", "aria-label": "Models" }, h("h2", {}, "Models"), h("p", { class: "soft" }, "What their servers refuse, how much of a prompt they read, where they put their reasoning."), this.models));
    this.#renderAll();
  }

  /** Renders everything with the fleet, so that words, tables and diagrams show the same moment. */
  #renderAll() {
    if (document.hidden || this.#live.state === "lost" || !this.models) return; // lost, or not built yet
    this.#renderFleet();
    this.#renderSessions();
    this.#renderDependencies();
  }

  async #renderDependencies() {
    let found;
    try {
      found = await api.dependencies();
    } catch (error) {
      this.budgets.replaceChildren(h("p", { class: "wrong" }, `The rate limits cannot be read: ${error.message}`));
      return;
    }
    const { breaker, connection } = Object.fromEntries(this.#drawn);
    breaker?.table.replaceChildren(breakersTable(found));
    if (breaker) say(breaker.words, breakersWords(found));
    if (breaker) lightCounts(breaker.svg, found.breakers.map((each) => each.state));
    connection?.table.replaceChildren(shardsTable(found, this.#live.fleet?.connections ?? []));
    this.budgets.replaceChildren(budgetsTable(found));
    this.models.replaceChildren(modelsTable(found));
  }

  async #add(name) {
    const svg = await drawing(name);
    const words = h("p", { class: "soft" }, "Drawn from the running definition.");
    const title = name.charAt(0).toUpperCase() + name.slice(1);
    const table = WITH_TABLE.includes(name) ? wide(`Current ${name}s`) : null;
    this.#drawn.set(name, { svg, words, table });
    this.element.append(h("section", { class: "panel machine-panel", "aria-label": title }, h("h2", {}, title), words, table, h("figure", { class: "diagram" }, svg)));
  }

  #renderFleet() {
    if (!this.#live.fleet) return;
    const { connections } = this.#live.fleet;
    if (this.#drawn.has("connection")) this.#renderConnections(this.#drawn.get("connection"), connections, this.#live.now());
  }

  #renderConnections(drawn, connections, now) {
    const told = connections.map((each) => `shard ${each.shard} is ${each.state} for ${inSeconds(now - each.at)}`);
    say(drawn.words, told.length > 0 ? `${told.join("; ")}.` : "No connection to Discord's gateway has been reported yet.");
    lightCounts(drawn.svg, connections.map((each) => each.state));
  }

  async #renderSessions() {
    const drawn = this.#drawn.get("session");
    if (!drawn) return;
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
  return count === 1 ? "The state of the one session." : `The states of the newest ${count} sessions.`;
}

function lightCounts(svg, states) {
  for (const each of svg.querySelectorAll("[data-state]")) {
    const here = states.filter((state) => state === each.dataset.state).length;
    each.classList.toggle("lit", here > 0);
    countState(svg, each.dataset.state, here);
  }
}
