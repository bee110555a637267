// Suggests how to complete a line that begins with "/" or "!": the bot's commands, and for the last option of a "/"
// command the bot's own suggestions. Commands with "!" are plain messages: they are not registered with Discord.

import * as api from "./api.js";
import { suggested } from "./answers.js";
import { byId, h } from "./dom.js";

const PAUSE_MS = 200; // without typing, before the bot is asked
const SHOWN_MAX = 12;
const INNER = [1, 2]; // a subcommand, a subcommand group
const NO_SUCH = "The bot has no command of this name. As on Discord, this would be sent as a message.";

const BANGS = [
  ["start", "opens a scene: names, then optionally -- and the scenario", true],
  ["end", "ends the scene"],
  ["pause", "stops characters from beginning to speak"],
  ["resume", "continues after a pause"],
  ["retry", "delivers the last line that failed"],
  ["missing", "reports on a line that did not arrive"],
  ["lore", "lists the lorebooks, brings one, turns one on or off", true],
  ["status", "shows the state of the scene"],
  ["cast", "lists who plays, and who could"],
  ["history", "shows the last lines"],
  ["help", "lists all commands"],
].map(([name, about, hasMore]) => ({ words: `!${name}`, about, options: hasMore ? [{}] : [] }));

/** Every command that can be sent: its words, what it does, and its options. */
export function pathsOf(commands) {
  return commands.flatMap((each) => below(`/${each.name}`, each));
}

function below(words, holder) {
  const inner = (holder.options ?? []).filter((each) => INNER.includes(each.type));
  if (inner.length === 0) return [{ words, about: holder.description, options: holder.options ?? [] }];
  return inner.flatMap((each) => below(`${words} ${each.name}`, each));
}

const fitting = (paths, line) => paths.filter((each) => each.words.startsWith(line.trimEnd())).map((each) => [each.words, each.about, each]);

/** Whether the line's first word is a command's, or a beginning of it. */
function begins(words, line) {
  const [known, typed] = [words, line].map((each) => each.split(/\s/, 1)[0]);
  return line === typed ? known.startsWith(typed) : known === typed;
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

  /** Shows the commands that fit the current line. */
  render(line) {
    clearTimeout(this.#timer);
    this.#asked = line;
    if (line.startsWith("!")) return this.#show(fitting(BANGS, line));
    if (!line.startsWith("/")) return this.#show([]);
    const paths = pathsOf(this.#model.slashes);
    if (!paths.some((each) => begins(each.words, line))) return this.#note(NO_SUCH);
    const typed = paths.find((each) => line.startsWith(`${each.words} `));
    if (!typed) return this.#show(fitting(paths, line));
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

  #note(words) {
    this.list.hidden = false;
    this.list.replaceChildren(h("p", { class: "hint-note" }, words));
  }

  #row(line, about, path) {
    const onclick = () => this.#choose(path?.options.length ? `${line} ` : line);
    return h("button", { type: "button", class: "hint", onclick }, h("strong", {}, path ? line : about), path && h("span", {}, about));
  }
}
