// Shows the bot's presence and process, and compares the lines in the channels with those in the history.

import * as api from "./api.js";
import { byId, icon } from "./dom.js";
import { attempt, toast } from "./shell.js";

const SETTLED_MS = 1500; // the two streams are not synchronised; a difference counts only if it lasts this long

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
    const away = this.#model.isRefused ? "Started anew: open the address that `play` printed" : "Playground out of reach";
    const words = !this.#model.isLinked ? away : isUp ? "online" : process === "running" ? "is connecting" : "offline";
    const strip = byId("bot");
    strip.dataset.state = isUp ? "online" : process === "running" ? "waking" : "offline";
    setText(byId("bot-state"), this.#model.isLinked ? `${this.#model.bot.username} ${words}` : words);
    byId("kill").hidden = process !== "running";
    byId("revive").hidden = process !== "stopped";
    byId("kill-amid", HTMLButtonElement).disabled = process !== "running" || this.#isHolding;
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
    for (const each of [/** @type {HTMLElement} */ (byId("tally").querySelector(".sign")), byId("remembered").parentElement]) each.hidden = !this.#model.has.inspector;
    const verdict = this.#verdict(isKnown, shown - remembered);
    byId("tally").dataset.verdict = verdict.kind;
    setText(byId("verdict"), verdict.words);
  }

  #verdict(isKnown, difference) {
    if (!this.#model.has.inspector) return { kind: "unknown", words: "The bot was not started here, so this page cannot read its history." };
    if (!isKnown) return { kind: "unknown", words: this.#lines.isCountable ? "The history cannot be read." : "The history is too long to be counted here." };
    if (difference === 0) {
      this.#differsSince = null;
      return { kind: "equal", words: "Every line is in both, once." };
    }
    if (!this.#lines.isLinked) return { kind: "underway", words: "The comparison continues when the bot is back." };
    if (this.#lines.underway.length > 0) return { kind: "underway", words: "A line is on its way." };
    this.#differsSince ??= Date.now();
    if (Date.now() - this.#differsSince >= SETTLED_MS) return { kind: "differs", words: "They differ." };
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.render(), SETTLED_MS);
    return { kind: "underway", words: "A line is on its way." };
  }

  /** Arms the server: it stores the next line and kills the bot before it answers, even if this page is closed. */
  async #killAmid() {
    this.#isHolding = true;
    this.render();
    await attempt(this.#holdAndKill());
    this.#isHolding = false;
    this.render();
  }

  async #holdAndKill() {
    await api.steerBot("kill-amid");
    toast("Armed: the bot will be killed in the middle of its next line. Write something.");
    const held = await api.waitHeld();
    if (held === null) return toast("The bot sent no line within two minutes. It is still armed: write something.");
    toast("The line was stored, and the bot was killed before it got the answer. Start it again and compare the counts.");
  }
}

function setText(element, words) {
  if (element.textContent !== words) element.textContent = words;
}
