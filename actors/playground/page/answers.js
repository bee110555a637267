// Buttons and commands as on Discord: what was asked of the bot is answered in time, or said to have failed.

import { toast } from "./shell.js";

const ANSWER_MS = 3500; // Discord gives the bot three seconds

/** Sends `ask()`, which tells the interaction's id, and waits for the bot's first answer. False where it was refused. */
export async function interact(model, ask) {
  const answers = new Answers(model); // before the request: the answer may be told first
  try {
    const { id } = await ask();
    if (!(await answers.has(id))) toast(`This interaction failed: ${model.bot.username} did not answer in time.`);
    return true;
  } catch (error) {
    toast(error.message);
    return false;
  } finally {
    answers.end();
  }
}

/** What the bot suggests for `ask()`; nothing where it does not answer. */
export async function suggested(model, ask) {
  const answers = new Answers(model);
  try {
    const { id } = await ask();
    return (await answers.has(id)) ? answers.choices(id) : [];
  } catch {
    return []; // the line fits no command yet
  } finally {
    answers.end();
  }
}

/** Hears which interactions the bot has answered, from now on. */
class Answers {
  #heard = new Map(); // id → choices
  #wake = () => {};

  constructor(model) {
    this.model = model;
    model.addEventListener("answered", this);
  }

  handleEvent({ detail }) {
    this.#heard.set(detail.id, detail.choices);
    this.#wake();
  }

  choices(id) {
    return this.#heard.get(id) ?? [];
  }

  /** Whether this interaction is answered before the time is over. */
  has(id) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ANSWER_MS);
      this.#wake = () => {
        if (!this.#heard.has(id)) return;
        clearTimeout(timer);
        resolve(true);
      };
      this.#wake();
    });
  }

  end() {
    this.model.removeEventListener("answered", this);
  }
}
