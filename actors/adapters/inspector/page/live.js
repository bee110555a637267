// The stream of moves, and whether it can be believed.
//
// A process that hangs keeps its connection: only answers prove that it lives. So the fleet is asked for now and then,
// and where no answer comes everything stands as of the last one.

import * as api from "./api.js";

const AGAIN_MS = 3000;
const BUSY_MS = 2000; // between two questions while something moves
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

  /** The bot's time; while it is lost, the time of the last news. */
  now() {
    return (this.state === "lost" ? this.#heardAt : Date.now() / 1000) + this.#ahead;
  }

  /** Put responses in that were asked for elsewhere, such as older ones. */
  add(views) {
    for (const view of views) if (!(this.views.get(view.id)?.path.at(-1)?.seq > view.path.at(-1)?.seq)) this.views.set(view.id, view);
    this.#tell("changed");
  }

  #connect() {
    this.#source = new EventSource(api.at("events"));
    this.#source.addEventListener("open", () => this.#heard());
    this.#source.addEventListener("error", () => this.#broken());
    this.#source.addEventListener("snapshot", (event) => {
      this.views.clear(); // what is not in it may have gone on unseen
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

  /** The fleet as of this move; the next answer says it exactly. */
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
    if (this.#source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    this.#askWhy();
    setTimeout(() => this.#connect(), AGAIN_MS);
  }

  /** Of a refused stream the browser tells nothing. A question says why, or leads to the form for another token. */
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
