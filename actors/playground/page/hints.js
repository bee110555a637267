// What a line that begins with "/" may become: the bot's commands, and what the bot suggests for their last option.

import * as api from "./api.js";
import { suggested } from "./answers.js";
import { byId, h } from "./dom.js";

const PAUSE_MS = 200; // of typing, before the bot is asked
const SHOWN_MAX = 8;
const INNER = [1, 2]; // a subcommand, a group of them

/** Every command that can be sent: its words, what it does, and its options. */
export function pathsOf(commands) {
  return commands.flatMap((each) => below(`/${each.name}`, each));
}

function below(words, holder) {
  const inner = (holder.options ?? []).filter((each) => INNER.includes(each.type));
  if (inner.length === 0) return [{ words, about: holder.description, options: holder.options ?? [] }];
  return inner.flatMap((each) => below(`${words} ${each.name}`, each));
}

export class Hints {
  #model;
  #view;
  #choose;
  #timer = 0;
  #asked = "";

  /** `choose(line)` puts a line into the box. */
  constructor(model, view, choose) {
    this.#model = model;
    this.#view = view;
    this.#choose = choose;
    this.list = byId("hints");
  }

  /** Shows what fits the line as it is now. */
  render(line) {
    clearTimeout(this.#timer);
    this.#asked = line;
    if (!line.startsWith("/")) return this.#show([]);
    const paths = pathsOf(this.#model.slashes);
    const typed = paths.find((each) => line.startsWith(`${each.words} `));
    if (!typed) return this.#show(paths.filter((each) => each.words.startsWith(line.trimEnd())).map((each) => [each.words, each.about, each]));
    this.#show([]);
    const values = line.slice(typed.words.length).trim().split(/\s+/);
    if (values.length === typed.options.length && typed.options.at(-1).autocomplete) this.#timer = setTimeout(() => this.#ask(line, typed), PAUSE_MS);
  }

  async #ask(line, typed) {
    const found = await suggested(this.#model, () => api.complete(this.#view.channelId, this.#view.me.id, line));
    if (this.#asked === line) this.#show(found.map((each) => [`${typed.words} ${each.value}`, each.name, null]));
  }

  #show(rows) {
    this.list.hidden = rows.length === 0;
    this.list.replaceChildren(...rows.slice(0, SHOWN_MAX).map((row) => this.#row(...row)));
  }

  #row(line, about, path) {
    const onclick = () => this.#choose(path?.options.length ? `${line} ` : line);
    return h("button", { type: "button", class: "hint", onclick }, h("strong", {}, path ? line : about), path && h("span", {}, about));
  }
}
