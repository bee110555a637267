// Filters and sorts the responses of the table. The choice is part of the address, so that a link shows the same.

import { STATES } from "./states.js";
import { stuck, why } from "./words.js";

const EMPTY = { q: "", state: "", edge: "", session: "", stuck: "", group: "", sort: "-started" };

export class Filters extends EventTarget {
  #chosen = { ...EMPTY, ...Object.fromEntries(new URLSearchParams(location.search)) };

  get(name) {
    return this.#chosen[name];
  }

  get isAny() {
    return ["q", "state", "edge", "session", "stuck"].some((name) => this.#chosen[name]);
  }

  set(changes) {
    Object.assign(this.#chosen, changes);
    const kept = Object.entries(this.#chosen).filter(([name, value]) => name in EMPTY && value !== EMPTY[name]);
    const query = new URLSearchParams(kept).toString();
    history.replaceState(null, "", `${location.pathname}${query ? `?${query}` : ""}${location.hash}`);
    this.dispatchEvent(new Event("changed"));
  }

  clear() {
    this.set({ ...EMPTY, group: this.get("group"), sort: this.get("sort") });
  }

  /** The views that pass the filters, sorted. */
  chosen(views, now) {
    const words = this.get("q").toLowerCase().split(/\s+/).filter(Boolean);
    const found = views.filter((view) => this.#fits(view, now) && words.every((word) => searched(view, now).includes(word)));
    const name = this.get("sort").replace(/^-/, "");
    const key = KEYS[name] ?? KEYS.started;
    const direction = this.get("sort").startsWith("-") ? -1 : 1;
    return found
      .map((view) => [key(view, now), view])
      .sort(([a, first], [b, second]) => direction * (compare(a, b) || compare(first.id, second.id)))
      .map(([, view]) => view);
  }

  #fits(view, now) {
    const { state, edge, session, stuck: isStuckOnly } = this.#chosen;
    if (state && view.state !== state) return false;
    if (edge && !view.counts[edge]) return false;
    if (session && view.session !== session) return false;
    return !isStuckOnly || stuck(view, now) !== null;
  }
}

const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

const searched = (view, now) => [view.id, view.session, view.name, view.state, why(view, now), view.last_error, view.mend].join(" ").toLowerCase();

const KEYS = {
  name: (view) => view.name.toLowerCase(),
  state: (view) => STATES.indexOf(view.state),
  attempt: (view) => view.attempt,
  stay: (view, now) => (view.is_final ? view.entered_at - view.started_at : now - view.entered_at),
  why: (view) => view.due_at ?? (view.is_final ? Infinity : 0),
  error: (view) => view.last_error ?? "",
  session: (view) => view.session,
  started: (view) => view.started_at,
};
