// The switches for what goes wrong on purpose.

import * as api from "./api.js";
import { byId, h, icon } from "./dom.js";
import { attempt, toast } from "./shell.js";

const KINDS = [
  ["drop_after", "Answer lost", "The line is stored, but the connection breaks before the bot hears of it."],
  ["drop_before", "Request lost", "The connection breaks and nothing is stored."],
  ["late", "Lands late", "The connection breaks, and the line appears a moment afterwards."],
  ["stored_502", "Stored, then 502", "The line is stored, but the answer says that the server failed."],
  ["http_500", "Server error", "Nothing is stored; the answer is 500."],
  ["rate_limit", "Rate limit", "Nothing is stored; try again later, says 429."],
  ["slow", "Slow answer", "The line is stored; the answer takes its time."],
];
const PRESETS = [
  ["Calm", {}],
  ["Lost answers", { drop_after: 0.5 }],
  ["Rough", { drop_after: 0.15, stored_502: 0.1, slow: 0.1, rate_limit: 0.05 }],
  ["Storm", { drop_after: 0.2, drop_before: 0.1, late: 0.1, stored_502: 0.15, http_500: 0.1, rate_limit: 0.1, slow: 0.1 }],
];
const WAIT_MS = 200;
const SEED_MAX = 100_000;

export class Faults {
  #model;
  #rows = new Map();
  #timer = 0;
  #kept = {}; // what is set, while an outage hides it
  #others = []; // kinds that were set elsewhere, kept as they are

  constructor(model) {
    this.#model = model;
    const body = KINDS.map(([kind, name, about]) => this.#row(kind, name, about));
    byId("fault-rows").append(...body);
    byId("presets").append(...PRESETS.map(([name, chances]) => h("button", { type: "button", class: "button plain", onclick: () => this.#preset(chances) }, name)));
    byId("outage").addEventListener("click", () => this.#outage());
    byId("seed").addEventListener("change", () => this.#send());
    byId("new-seed").append(icon("dice"));
    byId("new-seed").addEventListener("click", () => {
      byId("seed").value = String(Math.floor(Math.random() * SEED_MAX));
      this.#send();
    });
  }

  /** Shows what is in force, unless the user is moving a switch. */
  render() {
    const chances = Object.fromEntries(this.#model.faults.chances);
    const isOut = chances.outage === 1;
    if (!isOut) this.#kept = chances;
    this.#others = Object.keys(this.#kept).filter((kind) => !this.#rows.has(kind) && kind !== "outage");
    for (const [kind, row] of this.#rows) if (!this.#timer) this.#show(row, this.#kept[kind] ?? 0);
    byId("outage").setAttribute("aria-pressed", String(isOut));
    byId("outage").querySelector("span").textContent = isOut ? "End the outage" : "Outage: nothing gets through";
    if (document.activeElement !== byId("seed")) byId("seed").value = String(this.#model.faults.seed);
    this.#sum(isOut);
  }

  #row(kind, name, about) {
    const id = `fault-${kind}`;
    const slider = h("input", { type: "range", id, min: 0, max: 100, step: 5, value: "0", "aria-describedby": `${id}-about` });
    const number = h("input", { type: "number", min: 0, max: 100, step: 1, value: "0", "aria-label": `${name}, per cent` });
    this.#rows.set(kind, { slider, number, element: null });
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
    this.#rows.get(kind).element = element;
    return element;
  }

  #show(row, chance) {
    const percent = String(Math.round(chance * 100));
    row.slider.value = percent;
    if (document.activeElement !== row.number) row.number.value = percent;
    row.element.classList.toggle("on", chance > 0);
  }

  #preset(chances) {
    for (const [kind, row] of this.#rows) this.#show(row, chances[kind] ?? 0);
    this.#others = [];
    this.#send();
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#send(), WAIT_MS);
  }

  async #send(outage = false) {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const chosen = this.#chosen();
    const total = chosen.reduce((sum, [, chance]) => sum + chance, 0);
    this.#sum(outage);
    if (total > 1.0001) return;
    const texts = outage ? ["outage=1"] : chosen.map(([kind, chance]) => `${kind}=${chance}`);
    await attempt(api.setFaults(texts, Number.parseInt(byId("seed").value, 10) || 0));
  }

  #chosen() {
    const set = [...this.#rows].map(([kind, { number }]) => [kind, Number(number.value) / 100]);
    return [...set, ...this.#others.map((kind) => [kind, this.#kept[kind]])].filter(([, chance]) => chance > 0);
  }

  #outage() {
    const isOut = byId("outage").getAttribute("aria-pressed") === "true";
    if (!isOut) toast("Discord is out of reach for the bot now. What it has to say waits.");
    this.#send(!isOut);
  }

  #sum(isOut) {
    const total = Math.round(this.#chosen().reduce((sum, [, chance]) => sum + chance, 0) * 100);
    const words = total === 0 ? "Every line gets through." : `Trouble for ${total} % of all tries.`;
    const tooMuch = total > 100 ? `Together ${total} %: at most 100 % is possible, so the last change is not in force.` : null;
    byId("fault-sum").textContent = isOut ? "Nothing gets through." : (tooMuch ?? words);
    byId("fault-sum").classList.toggle("wrong", tooMuch !== null);
    const badge = byId("storm-mark");
    badge.hidden = !isOut && total === 0;
    badge.textContent = isOut ? "outage" : `${Math.min(total, 100)} %`;
  }
}
