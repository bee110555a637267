// Builds one row a fault: its name, its effect, and its probability.

import { byId, h } from "./dom.js";

const WAIT_MS = 200;

export class FaultRows {
  #rows = new Map(); // kind → row
  #others = []; // kinds that another page or script has set; kept unchanged
  #kept = {}; // the probabilities in force
  #timer = 0;
  #onChange;

  /** `kinds` are [kind, name, about]; `onChange` is called a moment after the last change. */
  constructor(kinds, container, prefix, onChange) {
    this.#onChange = onChange;
    byId(container).append(...kinds.map((kind) => this.#build(prefix, ...kind)));
  }

  /** Shows the probabilities in force, unless the user is moving a slider. */
  show(chances) {
    this.#kept = chances;
    this.#others = Object.keys(chances).filter((kind) => !this.#rows.has(kind) && kind !== "outage");
    if (this.#timer) return;
    for (const [kind, row] of this.#rows) showRow(row, chances[kind] ?? 0);
  }

  /** Sets every row at once. */
  set(chances) {
    for (const [kind, row] of this.#rows) showRow(row, chances[kind] ?? 0);
    this.#others = [];
  }

  /** [kind, probability] of every row that is not 0, read from the page; cancels a pending `onChange`. */
  take() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    return this.chosen;
  }

  get chosen() {
    const set = [...this.#rows].map(([kind, { number }]) => [kind, Number(number.value) / 100]);
    return [...set, ...this.#others.map((kind) => [kind, this.#kept[kind]])].filter(([, chance]) => chance > 0);
  }

  get percent() {
    return Math.round(this.chosen.reduce((sum, [, chance]) => sum + chance, 0) * 100);
  }

  #build(prefix, kind, name, about) {
    const id = `${prefix}-${kind}`;
    const slider = h("input", { type: "range", id, min: 0, max: 100, step: 5, value: "0", "aria-describedby": `${id}-about` });
    const number = h("input", { type: "number", min: 0, max: 100, step: 1, value: "0", "aria-label": `${name}, per cent` });
    const follow = (from, to) => () => {
      to.value = String(Math.min(100, Math.max(0, Number(from.value) || 0)));
      this.#soon();
    };
    slider.addEventListener("input", follow(slider, number));
    number.addEventListener("input", follow(number, slider));
    const element = h(
      "div",
      { class: "fault" },
      h("label", { for: id }, name),
      h("span", { class: "per-cent" }, number, h("span", { "aria-hidden": "true" }, "%")),
      slider,
      h("p", { id: `${id}-about` }, about),
    );
    this.#rows.set(kind, { slider, number, element });
    return element;
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      this.#onChange();
    }, WAIT_MS);
  }
}

function showRow(row, chance) {
  const percent = String(Math.round(chance * 100));
  row.slider.value = percent;
  if (document.activeElement !== row.number) row.number.value = percent;
  row.element.classList.toggle("on", chance > 0);
}
