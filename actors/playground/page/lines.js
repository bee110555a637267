// Follows the bot's responses through its own event stream.
//
// The stream is opened only while the bot's process runs, so that a stopped bot causes no failed requests. The bot need
// not be connected to Discord: its lines wait through an outage, and the stream reports that.

import * as api from "./api.js";

const KEPT_MAX = 40; // finished ones, for the panel
const AGAIN_MIN_MS = 500; // the inspector of a bot that has just connected may not serve the stream yet
const AGAIN_MAX_MS = 4000;
const DELIVERED_MAX = 500; // the inspector lists at most this many

export class Lines extends EventTarget {
  views = new Map(); // response id → View
  isLinked = false;
  heardAt = 0; // seconds since 1970: when the stream was last open
  isCountable = true; // false if more responses were delivered than the inspector lists
  #delivered = new Map(); // response id → parts; never forgotten, for the tally
  #source = null;
  #timer = 0;
  #isWanted = false;
  #isConnected = false;
  #again = AGAIN_MIN_MS;

  /** Follows while `isWanted`. If the bot has just connected, tries at once and soon again: its inspector starts now. */
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

  /** Records that a breakpoint stopped the response, or released it. */
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

  /** Counts what was delivered before this page was opened. */
  async #recount() {
    try {
      const found = await api.inspected(`api/responses?state=Delivered&limit=${DELIVERED_MAX}`);
      if (found === null) return; // the bot has just stopped; count when it is back
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
