// Sends interactions (buttons and commands) as Discord does: if the bot does not answer in time, a toast says so.

import { toast } from "./shell.js";

const ANSWER_MS = 3500; // Discord gives the bot three seconds

/** Sends `ask()`, which returns the interaction's id, and waits for the bot's first answer. False if it was refused. */
export async function interact(model, ask) {
  const answers = new Answers(model); // before the request: the answer's event may arrive first
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

/** The bot's suggestions for `ask()`; empty if it does not answer. */
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

/** Records which interactions the bot answers from now on. */
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

  /** Whether this interaction is answered within `ANSWER_MS`. */
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
