// The message box: the author, the text, and the message that it replies to.

import * as api from "./api.js";
import { interact } from "./answers.js";
import { avatar, byId, h, iconButton } from "./dom.js";
import { Hints } from "./hints.js";
import { attempt } from "./shell.js";

const SUGGESTIONS = [
  "*knocks twice* Hello? Is anybody home?",
  "I am soaked and hungry. Is there anything warm to eat?",
  "*listens to the wind* Will this storm ever end?",
];
const TEXT_MAX = 2000;
const COUNT_FROM = 1800;

export class Composer {
  #model;
  #view;
  #drafts = new Map();
  #channelId = null;
  #replyTo = null;
  #people = "";

  constructor(model, view) {
    this.#model = model;
    this.#view = view;
    this.box = byId("text", HTMLTextAreaElement);
    this.hints = new Hints(model, view, (line) => this.fill(line));
    this.box.addEventListener("input", () => this.#grow());
    this.box.addEventListener("keydown", (event) => this.#key(event));
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    byId("suggestions").append(...SUGGESTIONS.map((words) => h("button", { type: "button", class: "chip", onclick: () => this.fill(words) }, words)));
  }

  render() {
    const { channelId } = this.#view;
    if (channelId !== this.#channelId) this.#open(channelId);
    this.#renderPeople();
    const name = this.#model.channels.get(channelId)?.name ?? "";
    this.box.placeholder = `Write in #${name} as ${this.#view.me.username}`;
    const hasSpoken = this.#model.shown(channelId).some((each) => !each.webhook_id && !each.author.bot && !each.content.startsWith("!"));
    const isOpen = this.#model.shown(channelId).some((each) => each.author.bot);
    byId("suggestions").hidden = hasSpoken || !isOpen;
  }

  fill(words) {
    this.box.value = words;
    this.#grow();
    this.box.focus();
  }

  reply(message) {
    this.#replyTo = message;
    const bar = byId("replying");
    const end = iconButton("close", "Stop replying", () => this.#endReply());
    bar.replaceChildren(h("span", {}, "Replying to ", h("strong", {}, message.author.username)), end);
    bar.hidden = false;
    this.box.focus();
  }

  #open(channelId) {
    if (this.#channelId !== null) this.#drafts.set(this.#channelId, this.box.value);
    this.#channelId = channelId;
    this.box.value = this.#drafts.get(channelId) ?? "";
    this.#endReply();
    this.#grow();
  }

  #endReply() {
    this.#replyTo = null;
    byId("replying").hidden = true;
  }

  #key(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.#send();
    } else if (event.key === "Escape") this.#endReply();
    else if (event.key === "ArrowUp" && this.box.value === "" && this.#view.editLast()) event.preventDefault();
  }

  async #send() {
    const text = this.box.value.trim();
    if (text === "") return;
    const replyTo = this.#replyTo;
    this.box.value = "";
    this.#endReply();
    this.#grow();
    this.#view.toEnd();
    const isSent = await this.#sent(text, replyTo);
    if (isSent || this.box.value !== "") return;
    this.fill(text); // keep the text of a message that was not sent
    if (replyTo) this.reply(replyTo);
  }

  /** Sends a text that begins with a command's name as that command, any other as a message. */
  #sent(text, replyTo) {
    const [channelId, userId] = [this.#channelId, this.#view.me.id];
    const isCommand = this.#model.slashes.some((each) => text.split(/\s/, 1)[0] === `/${each.name}`);
    if (isCommand) return interact(this.#model, () => api.command(channelId, userId, text));
    return attempt(api.say(channelId, userId, text, replyTo?.id));
  }

  #grow() {
    this.hints.render(this.box.value);
    this.box.style.height = "auto";
    this.box.style.height = `${this.box.scrollHeight}px`;
    const left = TEXT_MAX - this.box.value.length;
    byId("left").textContent = this.box.value.length >= COUNT_FROM ? `${left} left` : "";
  }

  #renderPeople() {
    const signature = JSON.stringify([this.#model.users, this.#view.me.id]);
    if (signature === this.#people) return;
    this.#people = signature;
    const hadFocus = byId("people").contains(document.activeElement);
    byId("people").replaceChildren(h("legend", {}, "Write as"), ...this.#model.users.map((user) => this.#person(user)));
    if (hadFocus) /** @type {HTMLElement?} */ (byId("people").querySelector(":checked"))?.focus();
  }

  #person(user) {
    const input = h("input", { type: "radio", name: "person", value: user.id, checked: user.id === this.#view.me.id });
    input.addEventListener("change", () => this.#view.become(user));
    return h("label", { class: "as" }, input, avatar(user.username, null), h("span", {}, user.username));
  }
}
