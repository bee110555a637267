// The bot's presence and its process, and the tally of what is shown against what is remembered.

import * as api from "./api.js";
import { byId, icon } from "./dom.js";
import { attempt, toast } from "./shell.js";

const SETTLED_MS = 1500; // the two streams are not in step; a difference counts only once it lasts

export class BotStrip {
  #model;
  #lines;
  #isHolding = false;
  #differsSince = null;
  #timer = 0;

  constructor(model, lines) {
    this.#model = model;
    this.#lines = lines;
    byId("kill").prepend(icon("bolt"));
    byId("revive").prepend(icon("play"));
    byId("kill").addEventListener("click", () => attempt(api.steerBot("kill")));
    byId("revive").addEventListener("click", () => attempt(api.steerBot("start")));
    byId("kill-amid").addEventListener("click", () => this.#killAmid());
    lines.addEventListener("changed", () => this.render());
  }

  render() {
    const { connected, process } = this.#model.presence;
    const isUp = connected && this.#model.isLinked;
    const words = !this.#model.isLinked ? "Playground out of reach" : isUp ? "online" : process === "running" ? "is connecting" : "offline";
    const strip = byId("bot");
    strip.dataset.state = isUp ? "online" : process === "running" ? "waking" : "offline";
    setText(byId("bot-state"), this.#model.isLinked ? `${this.#model.bot.username} ${words}` : words);
    byId("kill").hidden = process !== "running";
    byId("revive").hidden = process !== "stopped";
    byId("kill-amid").disabled = process !== "running" || this.#isHolding;
    byId("no-process").hidden = process !== null;
    byId("process-tools").hidden = process === null;
    this.#tally();
  }

  #tally() {
    const shown = this.#model.lines;
    const remembered = this.#lines.remembered;
    const isKnown = this.#lines.isCountable && (this.#lines.isLinked || remembered > 0);
    setText(byId("shown"), String(shown));
    setText(byId("remembered"), isKnown ? String(remembered) : "–");
    for (const each of [byId("tally").querySelector(".sign"), byId("remembered").parentElement]) each.hidden = !this.#model.has.inspector;
    const verdict = this.#verdict(isKnown, shown - remembered);
    byId("tally").dataset.verdict = verdict.kind;
    setText(byId("verdict"), verdict.words);
  }

  #verdict(isKnown, difference) {
    if (!this.#model.has.inspector) return { kind: "unknown", words: "The history is with the bot, which was not started here." };
    if (!isKnown) return { kind: "unknown", words: this.#lines.isCountable ? "The history cannot be asked." : "The history is too long to be counted here." };
    if (difference === 0) {
      this.#differsSince = null;
      return { kind: "equal", words: "Every line is in both, once." };
    }
    if (!this.#lines.isLinked) return { kind: "underway", words: "They are compared again when the bot is back." };
    if (this.#lines.underway.length > 0) return { kind: "underway", words: "A line is on its way." };
    this.#differsSince ??= Date.now();
    if (Date.now() - this.#differsSince >= SETTLED_MS) return { kind: "differs", words: "They differ." };
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.render(), SETTLED_MS);
    return { kind: "underway", words: "A line is on its way." };
  }

  /** The server stores the next line and kills the bot before it hears of it, whether this page is open or not. */
  async #killAmid() {
    this.#isHolding = true;
    this.render();
    await attempt(this.#holdAndKill());
    this.#isHolding = false;
    this.render();
  }

  async #holdAndKill() {
    await api.steerBot("kill-amid");
    toast("Armed: the bot dies in the middle of its next line. Write something.");
    const held = await api.waitHeld();
    if (held === null) return toast("No line came within two minutes; it is still armed.");
    toast("The line was stored and the bot killed before it heard of it. Start it again and count.");
  }
}

function setText(element, words) {
  if (element.textContent !== words) element.textContent = words;
}
