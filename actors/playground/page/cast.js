// Shows the characters' cards, edits them, adds new ones, and starts a scene with them.

import * as api from "./api.js";
import { avatar, byId, h } from "./dom.js";
import { attempt, toast } from "./shell.js";

/** @type {[name: string, label: string, rows: number][]} */
const FIELDS = [
  ["name", "Name", 1],
  ["description", "Description", 6],
  ["personality", "Personality", 3],
  ["scenario", "Scenario", 3],
  ["first_mes", "First message", 4],
  ["mes_example", "Examples of speech", 6],
];
const SUMMARY_MAX = 110;

export class Cast {
  #view;
  #cards = [];
  #chosen = null; // names in the next scene; null until the user chooses: all of them

  constructor(view) {
    this.#view = view;
    byId("card-file").addEventListener("change", () => this.#add([...byId("card-file", HTMLInputElement).files]));
    byId("start-scene").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#start();
    });
    byId("end-scene").addEventListener("click", () => this.#view.say("!end"));
    byId("card-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    byId("card-cancel").addEventListener("click", () => byId("card", HTMLDialogElement).close());
    byId("card").addEventListener("click", (event) => event.target === byId("card") && byId("card", HTMLDialogElement).close());
    this.#takeDrops();
  }

  async load() {
    try {
      this.#cards = await api.cards();
    } catch (error) {
      this.#trouble(error.message);
      return;
    }
    this.#render();
  }

  #render() {
    byId("card-list").replaceChildren(...this.#cards.map((card) => this.#item(card)));
    byId("no-cards").hidden = this.#cards.length > 0;
  }

  #item(card) {
    const isIn = this.#chosen?.has(card.name) ?? true;
    const box = h("input", { type: "checkbox", checked: isIn, "aria-label": `${card.name} plays in the next scene` });
    box.addEventListener("change", () => {
      this.#chosen ??= new Set(this.#cards.map((each) => each.name));
      if (box.checked) this.#chosen.add(card.name);
      else this.#chosen.delete(card.name);
    });
    const about = card.fields.description.replaceAll(/\s+/g, " ");
    const words = about.length > SUMMARY_MAX ? `${about.slice(0, SUMMARY_MAX)}…` : about;
    return h(
      "li",
      { class: "card-item" },
      box,
      avatar(card.name, api.pictureOf(card)),
      h("div", { class: "about" }, h("strong", {}, card.name), h("p", {}, words || "No description yet.")),
      h("button", { type: "button", class: "button plain", "aria-label": `Edit ${card.name}`, onclick: () => this.#open(card) }, "Edit"),
    );
  }

  #open(card) {
    byId("card-title").replaceChildren(avatar(card.name, api.pictureOf(card)), h("span", {}, card.name));
    byId("card-fields").replaceChildren(...FIELDS.map(([name, label, rows]) => fieldView(name, label, rows, card.fields[name])));
    byId("card-form").dataset.name = card.name;
    byId("card-error").textContent = "";
    byId("card", HTMLDialogElement).showModal();
  }

  async #save() {
    const form = byId("card-form", HTMLFormElement);
    const fields = Object.fromEntries(FIELDS.map(([name]) => [name, /** @type {HTMLInputElement} */ (form.elements.namedItem(name)).value]));
    let card;
    try {
      card = await api.editCard(form.dataset.name, fields);
    } catch (error) {
      byId("card-error").textContent = error.message;
      return;
    }
    byId("card", HTMLDialogElement).close();
    this.#trouble("");
    this.#doubt(doubtsOf(card));
    toast(`${fields.name} is saved. The next scene uses the new card.`);
    await this.load();
  }

  async #add(files) {
    const refused = [];
    const doubts = [];
    for (const file of files) {
      try {
        const card = await api.addCard(file);
        this.#chosen?.add(card.name);
        doubts.push(...doubtsOf(card));
        toast(`${card.name} has joined the cast.`);
      } catch (error) {
        refused.push(error.message);
      }
    }
    this.#trouble(refused.join(" "));
    this.#doubt(doubts);
    byId("card-file", HTMLInputElement).value = "";
    await this.load();
  }

  /** Shows an error until the user's next action, so that it is not mistaken for that action's result. */
  #trouble(words) {
    byId("card-trouble").textContent = words;
  }

  /** Lists oddities of the cards that were just read, until the user's next action. */
  #doubt(doubts) {
    const rows = doubts.map((words) => h("li", {}, words));
    byId("card-doubts").replaceChildren(...(rows.length > 0 ? [h("ul", {}, ...rows)] : []));
  }

  #start() {
    const names = this.#cards.map((each) => each.name).filter((name) => this.#chosen?.has(name) ?? true);
    if (names.length === 0) return toast("Choose at least one character.");
    // The command takes any name in quotes. Quotes inside the name cannot be written, and are not needed to find it.
    const quoted = names.map((name) => (/^[\w.]+$/.test(name) ? name : `"${name.replaceAll(/["“”„‟]/g, "")}"`)).join(" ");
    const scenario = byId("scenario", HTMLTextAreaElement).value.trim().replaceAll(/\s+/g, " ");
    this.#trouble("");
    this.#doubt([]);
    this.#view.say(`!start ${quoted}${scenario ? ` -- ${scenario}` : ""}`);
  }

  /** A card can be dropped anywhere on the page. */
  #takeDrops() {
    const app = byId("app");
    const isFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    document.addEventListener("dragover", (event) => {
      if (!isFile(event)) return;
      event.preventDefault();
      app.classList.add("dropping");
    });
    document.addEventListener("dragleave", (event) => event.relatedTarget === null && app.classList.remove("dropping"));
    document.addEventListener("drop", (event) => {
      if (!isFile(event)) return;
      event.preventDefault();
      app.classList.remove("dropping");
      this.#view.showPanel("cast");
      this.#add([...event.dataTransfer.files]);
    });
  }
}

const doubtsOf = (card) => card.doubts.map((words) => `${card.name}: ${words}`);

function fieldView(name, label, rows, value) {
  const id = `card-${name}`;
  const box = rows === 1 ? h("input", { type: "text", id, name, required: true, maxlength: 80, value }) : h("textarea", { id, name, rows, value });
  return h("div", { class: "field" }, h("label", { for: id }, label), box);
}

export const say = (channelId, me, words) => attempt(api.say(channelId, me.id, words));
