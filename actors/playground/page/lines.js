// The bot's responses as its own event stream tells them: what is on its way, and what became of it.
//
// The stream is opened only while the bot is connected, so that a bot that is down causes no failed requests.

import * as api from "./api.js";

const KEPT_MAX = 40; // finished ones, for the panel
const AGAIN_MS = 3000;
const DELIVERED_MAX = 500; // what the inspector lists at most

export class Lines extends EventTarget {
  views = new Map(); // response id → View
  isLinked = false;
  isCountable = true; // false where more was delivered than the inspector lists
  #delivered = new Map(); // response id → parts; never forgotten, for the tally
  #source = null;
  #timer = 0;
  #isWanted = false;

  /** Follow while `isWanted`. */
  want(isWanted) {
    if (isWanted === this.#isWanted) return;
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
    else this.#take({ ...body.response, lastMove: body.move });
    this.#forgetOldest();
    this.dispatchEvent(new Event("changed"));
  }

  #take(view) {
    const known = this.views.get(view.id);
    this.views.set(view.id, { ...view, lastMove: view.lastMove ?? known?.lastMove ?? null });
    if (view.state === "Delivered") this.#delivered.set(view.id, Math.max(1, view.parts));
  }

  #forgetOldest() {
    const final = [...this.views.values()].filter((view) => view.is_final).sort((a, b) => a.started_at - b.started_at);
    for (const view of final.slice(0, Math.max(0, final.length - KEPT_MAX))) this.views.delete(view.id);
  }

  #open() {
    clearTimeout(this.#timer);
    this.#source = new EventSource(api.ofInspector("events"));
    this.#source.addEventListener("error", () => this.#broken());
    this.#source.addEventListener("snapshot", (event) => {
      this.isLinked = true;
      this.apply("snapshot", JSON.parse(event.data));
      this.#recount();
    });
    this.#source.addEventListener("move", (event) => this.apply("move", JSON.parse(event.data)));
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
    this.isLinked = false;
    this.dispatchEvent(new Event("changed"));
    if (this.#isWanted) this.#timer = setTimeout(() => this.#isWanted && this.#open(), AGAIN_MS);
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.isLinked = false;
    this.dispatchEvent(new Event("changed"));
  }
}
