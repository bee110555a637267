// Follows the stream of moves, and checks that the bot still answers.
//
// A process that hangs keeps its connection: only answers prove that it is alive. So the page requests the fleet at
// intervals; without an answer, everything is shown as of the last one.

import * as api from "./api.js";

const AGAIN_MS = 3000;
const BUSY_MS = 2000; // between two requests while responses move
const QUIET_MS = 5000;
const KEPT_MAX = 3000;

export class Live extends EventTarget {
  views = new Map(); // response id → view
  fleet = null;
  state = "connecting"; // then "live" or "lost"
  #ahead = 0; // the bot's clock against ours, in seconds
  #heardAt = 0;
  #hasMoved = false;
  #source = null;

  open() {
    this.#connect();
    this.#ask();
  }

  /** The bot's time (s since 1970); while it is lost, the time of its last answer. */
  now() {
    return (this.state === "lost" ? this.#heardAt : Date.now() / 1000) + this.#ahead;
  }

  /** Adds responses that another part of the page has read, such as older ones. */
  add(views) {
    for (const view of views) if (!(this.views.get(view.id)?.path.at(-1)?.seq > view.path.at(-1)?.seq)) this.views.set(view.id, view);
    this.#tell("changed");
  }

  #connect() {
    this.#source = new EventSource(api.at("events"));
    this.#source.addEventListener("open", () => this.#heard());
    this.#source.addEventListener("error", () => this.#broken());
    this.#source.addEventListener("snapshot", (event) => {
      this.views.clear(); // a response that is not in it may have moved meanwhile
      this.add(JSON.parse(event.data).responses);
      this.#tell("snapshot");
      this.#heard();
    });
    this.#source.addEventListener("move", (event) => this.#moved(JSON.parse(event.data)));
    this.#source.addEventListener("paused", (event) => this.#paused(JSON.parse(event.data)));
    for (const name of ["breaker", "connection"]) this.#source.addEventListener(name, () => this.#refresh());
  }

  #moved({ response, move }) {
    this.#count(move);
    this.views.delete(response.id);
    this.views.set(response.id, response); // the newest last
    this.#forgetOldest();
    this.#hasMoved = true;
    this.#heard();
    this.dispatchEvent(new CustomEvent("move", { detail: { response, move } }));
    this.#tell("changed");
  }

  /** Updates the fleet's counts for this move; the next answer has the exact ones. */
  #count({ from, to }) {
    if (!this.fleet) return;
    const { edges, states } = this.fleet;
    const edge = (edges[`${from}-${to}`] ??= { count: 0, last_minute: 0 });
    edge.count += 1;
    edge.last_minute += 1;
    if (from === to) return;
    for (const [state, change] of [[from, -1], [to, 1]]) {
      const held = states.find((each) => each.state === state);
      if (held) held.count = Math.max(0, held.count + change);
      else if (change > 0) states.push({ state, count: 1, oldest_at: null });
    }
  }

  #paused({ response, paused }) {
    const view = this.views.get(response);
    if (view) view.paused = paused;
    this.#heard();
    this.dispatchEvent(new CustomEvent("paused", { detail: { response } }));
    this.#tell("changed");
  }

  #forgetOldest() {
    if (this.views.size <= KEPT_MAX) return;
    for (const [id, view] of this.views) {
      if (!view.is_final) continue;
      this.views.delete(id);
      return;
    }
  }

  #broken() {
    this.#lose();
    if (this.#source.readyState !== EventSource.CLOSED) return; // the browser reconnects automatically
    this.#askWhy();
    setTimeout(() => this.#connect(), AGAIN_MS);
  }

  /** The browser does not say why a stream was refused. A request finds the reason, or leads to the token's form. */
  async #askWhy() {
    try {
      await api.fleet();
    } catch (error) {
      console.info("The stream was refused:", error.message);
    }
  }

  async #ask() {
    const isShown = !document.hidden;
    const isOpen = this.#source.readyState === EventSource.OPEN;
    if (isShown && isOpen) await this.#refresh();
    setTimeout(() => this.#ask(), this.#hasMoved ? BUSY_MS : QUIET_MS);
    this.#hasMoved = false;
  }

  async #refresh() {
    try {
      this.fleet = await api.fleet();
    } catch (error) {
      console.info("The fleet could not be read:", error.message);
      this.#lose();
      return;
    }
    this.#ahead = this.fleet.now - Date.now() / 1000;
    this.#heard();
    this.#tell("fleet");
  }

  #heard() {
    this.#heardAt = Date.now() / 1000;
    if (this.state === "live") return;
    this.state = "live";
    this.#tell("link");
    this.#refresh();
  }

  #lose() {
    if (this.state === "lost") return;
    if (this.#heardAt === 0) this.#heardAt = Date.now() / 1000;
    this.state = "lost";
    this.#tell("link");
  }

  #tell(name) {
    this.dispatchEvent(new Event(name));
  }
}
