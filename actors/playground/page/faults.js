// Sets the injected faults of Discord and of the model.

import * as api from "./api.js";
import { byId, h, icon } from "./dom.js";
import { FaultRows } from "./fault_rows.js";
import { attempt, toast } from "./shell.js";

const KINDS = [
  ["drop_after", "Answer lost", "The line is stored, but the connection breaks before the bot gets the answer."],
  ["drop_before", "Request lost", "The connection breaks and nothing is stored."],
  ["late", "Lands late", "The connection breaks, and the line appears a moment later."],
  ["stored_502", "Stored, then 502", "The line is stored, but the answer says that the server failed."],
  ["http_500", "Server error", "Nothing is stored; the answer is 500."],
  ["rate_limit", "Rate limit", "Nothing is stored; the answer is 429: try again later."],
  ["slow", "Slow answer", "The line is stored; the answer is late."],
];
const PRESETS = [
  ["Calm", {}],
  ["Lost answers", { drop_after: 0.5 }],
  ["Rough", { drop_after: 0.15, stored_502: 0.1, slow: 0.1, rate_limit: 0.05 }],
  ["Storm", { drop_after: 0.2, drop_before: 0.1, late: 0.1, stored_502: 0.15, http_500: 0.1, rate_limit: 0.1, slow: 0.1 }],
];
const MODEL_KINDS = [
  ["http_503", "Overloaded", "The answer is 503: the server has too many requests."],
  ["silence", "No answer", "The model never answers; the bot gives up after GENERATE_TIMEOUT_S."],
  ["drop", "Connection lost", "The connection breaks before the answer."],
  ["rate_limit", "Short limit", "429: try again in 2 seconds, which the bot waits for."],
  ["rate_limit_long", "Long limit", "429: try again in 90 seconds. Another model is asked, or lines wait."],
  ["quota", "Quota used up", "402: no wait helps until somebody pays."],
  ["empty", "Empty answer", "The answer is complete, but has no text."],
  ["length", "Only reasoning", "Reasoning uses all the tokens; no text is left."],
  ["filtered", "Filtered", "A filter of the server stops the answer."],
  ["declined", "Declines", "The model leaves its role: “I can't continue with this request.”"],
  ["broken_off", "Broken off", "The server fails in the middle of the answer."],
  ["error_in_200", "Error in a 200", "The status is 200, but the answer is an error."],
  ["web_page", "A web page", "The answer is HTML, as from a wrong address or a proxy."],
  ["model_missing", "No such model", "404: the model was retired, or never existed."],
  ["too_large", "Prompt too long", "400: the conversation does not fit."],
  ["credentials", "Key refused", "401: every model would refuse the key, so no other is asked."],
];
const MODEL_PRESETS = [
  ["Healthy", {}],
  ["Overloaded", { http_503: 0.5 }],
  ["Free account", { rate_limit: 0.4, rate_limit_long: 0.1 }],
  ["Moody", { empty: 0.15, declined: 0.15, filtered: 0.1, broken_off: 0.1 }],
];
const SEED_MAX = 100_000;

export class Faults {
  #model;
  #rows = new FaultRows(KINDS, "fault-rows", "fault", () => this.#send());
  #modelRows = new FaultRows(MODEL_KINDS, "model-fault-rows", "model-fault", () => this.#sendModel());

  constructor(model) {
    this.#model = model;
    this.#offer("presets", PRESETS, this.#rows, () => this.#send());
    this.#offer("model-presets", MODEL_PRESETS, this.#modelRows, () => this.#sendModel());
    byId("outage").addEventListener("click", () => this.#outage());
    byId("seed").addEventListener("change", () => this.#sendBoth());
    byId("new-seed").append(icon("dice"));
    byId("new-seed").addEventListener("click", () => {
      byId("seed", HTMLInputElement).value = String(Math.floor(Math.random() * SEED_MAX));
      this.#sendBoth();
    });
  }

  /** Shows the faults in force. */
  render() {
    const { faults, modelFaults, presence } = this.#model;
    const chances = Object.fromEntries(faults.chances);
    const isOut = chances.outage === 1;
    if (!isOut) this.#rows.show(chances); // during an outage the rows keep their own probabilities
    this.#modelRows.show(Object.fromEntries(modelFaults.chances));
    byId("outage").setAttribute("aria-pressed", String(isOut));
    byId("outage").querySelector("span").textContent = isOut ? "End the outage" : "Outage: nothing gets through";
    byId("model-tools").hidden = presence.process === null;
    byId("no-model").hidden = presence.process !== null;
    if (document.activeElement !== byId("seed")) byId("seed", HTMLInputElement).value = String(faults.seed);
    this.#sum(isOut);
  }

  #offer(group, presets, rows, send) {
    const choose = (chances) => {
      rows.set(chances);
      send();
    };
    byId(group).append(...presets.map(([name, chances]) => h("button", { type: "button", class: "button plain", onclick: () => choose(chances) }, name)));
  }

  async #send(outage = false) {
    const chosen = this.#rows.take();
    this.#sum(outage);
    if (this.#rows.percent > 100) return;
    await attempt(api.setFaults(outage ? ["outage=1"] : texts(chosen), this.#seed));
  }

  async #sendModel() {
    const chosen = this.#modelRows.take();
    this.#sum(this.#isOut);
    if (this.#modelRows.percent > 100) return;
    await attempt(api.setModelFaults(texts(chosen), this.#seed));
  }

  #sendBoth() {
    this.#send(this.#isOut);
    if (this.#model.presence.process !== null) this.#sendModel();
  }

  get #seed() {
    return Number.parseInt(byId("seed", HTMLInputElement).value, 10) || 0;
  }

  get #isOut() {
    return byId("outage").getAttribute("aria-pressed") === "true";
  }

  #outage() {
    if (!this.#isOut) toast("The bot cannot reach Discord now. Its lines wait.");
    this.#send(!this.#isOut);
  }

  #sum(isOut) {
    const [discord, model] = [this.#rows.percent, this.#modelRows.percent];
    sumUp("fault-sum", discord, "Every line gets through.", isOut ? "Nothing gets through." : null);
    sumUp("model-fault-sum", model, "The model answers every attempt.", null);
    const badge = byId("storm-mark");
    const marks = [isOut ? "outage" : discord > 0 && `${Math.min(discord, 100)} %`, model > 0 && "model"];
    badge.textContent = marks.filter(Boolean).join(" + ");
    badge.hidden = badge.textContent === "";
  }
}

const texts = (chosen) => chosen.map(([kind, chance]) => `${kind}=${chance}`);

function sumUp(id, percent, calm, instead) {
  const tooMuch = percent > 100 ? `The sum is ${percent} %. At most 100 % is possible, so the last change is not in force: lower a value.` : null;
  byId(id).textContent = instead ?? tooMuch ?? (percent === 0 ? calm : `Faults hit ${percent} % of all attempts.`);
  byId(id).classList.toggle("wrong", instead === null && tooMuch !== null);
}
