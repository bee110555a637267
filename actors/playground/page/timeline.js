// Shows the messages of the open channel. An element is kept as long as its content stays the same; the view follows
// the newest message only while the reader is at the end.

import * as api from "./api.js";
import { interact } from "./answers.js";
import { byId, h, icon, reconcile } from "./dom.js";
import { EMOJIS, messageView } from "./message.js";
import { attempt } from "./shell.js";

const GROUP_MS = 7 * 60 * 1000;
const NEAR_END_PX = 60;

export class Timeline {
  #model;
  #view; // {channelId, me, reply(message)}: the choices of the rest of the page
  #built = new Map(); // key → {signature, element}
  #channelId = null;
  #editing = null;
  #unseen = 0;

  constructor(model, view) {
    this.#model = model;
    this.#view = view;
    this.scroll = byId("scroll");
    this.list = byId("messages");
    this.newer = byId("newer");
    this.scroll.addEventListener("scroll", () => (this.isAtEnd() ? this.#seen() : (this.#wasAtEnd = false)), { passive: true });
    this.newer.addEventListener("click", () => this.toEnd());
    new ResizeObserver(() => this.#wasAtEnd && this.toEnd()).observe(this.scroll);
    model.addEventListener("heard", ({ detail }) => this.#heard(detail));
  }

  #wasAtEnd = true;

  isAtEnd() {
    return this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < NEAR_END_PX;
  }

  toEnd() {
    this.scroll.scrollTop = this.scroll.scrollHeight;
    this.#seen();
  }

  /** Shows the model's messages. */
  render() {
    const { channelId } = this.#view;
    const isOther = channelId !== this.#channelId;
    if (isOther) this.#open(channelId);
    const follows = isOther || this.#wasAtEnd;
    const distance = this.scroll.scrollHeight - this.scroll.scrollTop;
    const before = this.list.firstElementChild;
    reconcile(this.list, this.#elements(this.#model.shown(channelId, this.#view.me.id)));
    if (follows) this.toEnd();
    else if (before !== this.list.firstElementChild) this.scroll.scrollTop = this.scroll.scrollHeight - distance;
    byId("empty").hidden = !this.#model.isFilled || this.list.childElementCount > 0;
  }

  editLastOfMine() {
    const mine = this.#model.shown(this.#channelId).filter((each) => !each.webhook_id && each.author.id === this.#view.me.id);
    if (mine.length > 0) this.#edit(mine.at(-1));
    return mine.length > 0;
  }

  #open(channelId) {
    this.#channelId = channelId;
    this.#built.clear();
    this.#editing = null;
    this.#seen();
  }

  #seen() {
    this.#unseen = 0;
    this.#wasAtEnd = this.isAtEnd();
    this.newer.hidden = true;
  }

  #heard(message) {
    this.#wasAtEnd = this.isAtEnd();
    if (message.channel_id !== this.#channelId || this.#wasAtEnd) return;
    this.#unseen += 1;
    this.newer.hidden = false;
    this.newer.replaceChildren(icon("down"), this.#unseen === 1 ? "1 new message" : `${this.#unseen} new messages`);
  }

  #elements(messages) {
    const kept = new Map();
    const elements = [];
    const add = (key, signature, build) => {
      const known = this.#built.get(key);
      const one = known?.signature === signature ? known : { signature, element: build() };
      kept.set(key, one);
      elements.push(one.element);
    };
    if (this.#model.hasEarlier.get(this.#channelId)) add("earlier", "", () => this.#earlierButton());
    let previous = null;
    for (const message of messages) {
      const day = new Date(message.timestamp).toDateString();
      const isNewDay = previous === null || new Date(previous.timestamp).toDateString() !== day;
      if (isNewDay) add(day, day, () => dayView(message.timestamp));
      const isGrouped = !isNewDay && isContinued(previous, message);
      const signature = JSON.stringify([message, isGrouped, this.#view.me.id, this.#editing === message.id, this.#model.menu]);
      add(message.id, signature, () => this.#build(message, isGrouped));
      previous = message;
    }
    this.#built = kept;
    return elements;
  }

  #build(message, isGrouped) {
    const replyTo = message.message_reference?.message_id;
    const element = messageView(message, {
      isGrouped,
      me: this.#view.me,
      menu: this.#model.menu,
      names: this.#model.names,
      words: (each) => this.#model.words(each),
      replied: replyTo && this.#model.find(this.#channelId, replyTo),
      act: this.#actions(),
    });
    if (this.#editing === message.id) this.#putEditor(element, message);
    return element;
  }

  #actions() {
    return {
      reply: (message) => this.#view.reply(message),
      edit: (message) => this.#edit(message),
      remove: (message, button) => this.#remove(message, button),
      react: (message, emoji, on) => attempt(api.react(message.id, this.#view.me.id, emoji, on)),
      pick: (message, button) => this.#pick(message, button),
      choose: (message, name) => {
        this.toEnd(); // the answer appears at the end
        return interact(this.#model, () => api.choose(message.id, this.#view.me.id, name));
      },
      press: (message, button, element) => this.#press(message, button, element),
      dismiss: (message) => {
        this.#model.dismiss(message);
        byId("text").focus();
      },
      jump: (id) => byId(`m${id}`)?.scrollIntoView({ block: "center" }),
    };
  }

  /** As on Discord, the button is busy until the bot's first answer; `interact` shows a toast if none comes in time. */
  async #press(message, button, element) {
    if (element.getAttribute("aria-busy") === "true") return;
    element.setAttribute("aria-busy", "true");
    await interact(this.#model, () => api.press(message.id, this.#view.me.id, button.custom_id));
    element.removeAttribute("aria-busy");
  }

  #pick(message, button) {
    const tools = button.parentElement;
    const open = tools.querySelector(".picker");
    if (open) return open.remove();
    const choose = (emoji) => {
      picker.remove();
      this.#actions().react(message, emoji, true);
    };
    const picker = h("div", { class: "picker" }, EMOJIS.map((emoji) => h("button", { type: "button", "aria-label": `React with ${emoji}`, onclick: () => choose(emoji) }, emoji)));
    picker.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      picker.remove();
      button.focus();
    });
    tools.append(picker);
    picker.firstElementChild.focus();
  }

  #remove(message, button) {
    if (button.classList.contains("sure")) return attempt(api.remove(message.id));
    button.classList.add("sure");
    button.replaceChildren("Delete?");
    button.setAttribute("aria-label", "Delete for good");
    button.addEventListener("blur", () => {
      button.classList.remove("sure");
      button.replaceChildren(icon("bin"));
      button.setAttribute("aria-label", "Delete");
    }, { once: true });
  }

  #edit(message) {
    this.#editing = message.id;
    this.render();
    byId(`m${message.id}`)?.querySelector("textarea")?.focus();
  }

  #putEditor(element, message) {
    const end = () => {
      this.#editing = null;
      this.render();
      byId("text").focus();
    };
    const save = async () => {
      const text = box.value.trim();
      if (text && text !== message.content && !(await attempt(api.edit(message.id, text)))) return;
      end();
    };
    const box = h("textarea", { rows: 3, maxlength: 2000, "aria-label": "Edit the message", value: message.content });
    box.addEventListener("keydown", (event) => {
      if (event.key === "Escape") end();
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      save();
    });
    const buttons = h("div", { class: "row" }, h("button", { type: "button", class: "button primary", onclick: save }, "Save"), h("button", { type: "button", class: "button plain", onclick: end }, "Cancel"));
    element.querySelector(".text")?.replaceWith(h("div", { class: "editor" }, box, buttons));
  }

  #earlierButton() {
    const button = h("button", { type: "button", class: "button plain" }, "Show earlier messages");
    button.addEventListener("click", async () => {
      this.#wasAtEnd = false;
      button.disabled = true;
      await attempt(this.#model.loadEarlier(this.#channelId));
      button.disabled = false;
    });
    return h("li", { class: "earlier" }, button);
  }
}

function isContinued(previous, message) {
  return (
    !message.message_reference &&
    !message.for &&
    !previous.for &&
    previous.author.id === message.author.id &&
    previous.author.username === message.author.username &&
    Date.parse(message.timestamp) - Date.parse(previous.timestamp) < GROUP_MS
  );
}

function dayView(iso) {
  const words = new Date(iso).toLocaleDateString(undefined, { weekday: "long", day: "numeric", month: "long" });
  return h("li", { class: "day" }, h("span", {}, words));
}
