// The bot's responses from its own event stream: what is on its way, and what became of it.
//
// The stream is opened only while the bot runs, so that a bot that is down causes no failed requests. Whether it is
// connected does not matter: its lines wait through an outage, and the stream says so.

import * as api from "./api.js";

const KEPT_MAX = 40; // finished ones, for the panel
const AGAIN_MIN_MS = 500; // a bot that has just connected may not serve its stream yet
const AGAIN_MAX_MS = 4000;
const DELIVERED_MAX = 500; // what the inspector lists at most

export class Lines extends EventTarget {
  views = new Map(); // response id → View
  isLinked = false;
  heardAt = 0; // seconds since 1970: when the stream was last known to be true
  isCountable = true; // false where more was delivered than the inspector lists
  #delivered = new Map(); // response id → parts; never forgotten, for the tally
  #source = null;
  #timer = 0;
  #isWanted = false;
  #isConnected = false;
  #again = AGAIN_MIN_MS;

  /** Follow while `isWanted`. A bot that has just connected is asked at once, and soon again: its inspector comes now. */
  want(isWanted, isConnected) {
    const hasConnected = isConnected && !this.#isConnected;
    this.#isConnected = isConnected;
    if (hasConnected) this.#again = AGAIN_MIN_MS;
    if (isWanted === this.#isWanted && !(isWanted && hasConnected && !this.isLinked)) return;
    this.#isWanted = isWanted;
    if (isWanted) this.#open();
    else this.#close();
  }

  /** Messages that the history holds: the parts of every delivered response. */
  get remembered() {
    return [...this.#delivered.values()].reduce((sum, parts) => sum + parts, 0);
  }

  get underway() {
    return [...this.views.values()].filter((view) => !view.is_final);
  }

  apply(kind, body) {
    if (kind === "snapshot") body.responses.forEach((view) => this.#take(view));
    else if (kind === "paused") this.#hold(body);
    else this.#take(body.response);
    this.#forgetOldest();
    this.dispatchEvent(new Event("changed"));
  }

  #take(view) {
    this.views.set(view.id, view);
    if (view.state === "Delivered") this.#delivered.set(view.id, Math.max(1, view.parts));
  }

  /** A breakpoint holds the response, or holds it no longer. */
  #hold({ response, paused }) {
    const view = this.views.get(response);
    if (view) this.views.set(response, { ...view, paused });
  }

  #forgetOldest() {
    const final = [...this.views.values()].filter((view) => view.is_final).sort((a, b) => a.started_at - b.started_at);
    for (const view of final.slice(0, Math.max(0, final.length - KEPT_MAX))) this.views.delete(view.id);
  }

  #open() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = new EventSource(api.ofInspector("events"));
    this.#source.addEventListener("error", () => this.#broken());
    this.#source.addEventListener("snapshot", (event) => {
      this.isLinked = true;
      this.#again = AGAIN_MIN_MS;
      this.apply("snapshot", JSON.parse(event.data));
      this.#recount();
    });
    for (const kind of ["move", "paused"]) this.#source.addEventListener(kind, (event) => this.apply(kind, JSON.parse(event.data)));
  }

  /** What was delivered before this page was opened. */
  async #recount() {
    try {
      const found = await api.inspected(`api/responses?state=Delivered&limit=${DELIVERED_MAX}`);
      if (found === null) return; // the bot has just gone; it is counted when it is back
      this.isCountable = found.responses.length < DELIVERED_MAX;
      for (const view of found.responses) this.#delivered.set(view.id, Math.max(1, view.parts));
      this.dispatchEvent(new Event("changed"));
    } catch (error) {
      console.info("The history could not be counted:", error.message);
    }
  }

  #broken() {
    this.#source.close();
    this.#lose();
    if (!this.#isWanted) return;
    this.#timer = setTimeout(() => this.#isWanted && this.#open(), this.#again);
    this.#again = Math.min(this.#again * 2, AGAIN_MAX_MS);
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#lose();
  }

  #lose() {
    if (this.isLinked) this.heardAt = Date.now() / 1000;
    this.isLinked = false;
    this.dispatchEvent(new Event("changed"));
  }
}
