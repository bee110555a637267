// Shows the list of channels and their threads.

import * as api from "./api.js";
import { byId, h, iconButton, reconcile } from "./dom.js";
import { THREAD } from "./model.js";
import { attempt } from "./shell.js";

export class Places {
  #model;
  #view;
  #unread = new Map();
  #built = new Map();

  constructor(model, view) {
    this.#model = model;
    this.#view = view;
    byId("add-place").append(iconButton("plus", "Add a channel", () => this.#add()));
    model.addEventListener("heard", ({ detail }) => {
      if (detail.channel_id === view.channelId) return;
      this.#unread.set(detail.channel_id, (this.#unread.get(detail.channel_id) ?? 0) + 1);
    });
  }

  render() {
    this.#unread.delete(this.#view.channelId);
    const all = [...this.#model.channels.values()];
    const channels = all.filter((each) => each.type !== THREAD).sort((a, b) => a.position - b.position);
    const ordered = channels.flatMap((each) => [each, ...all.filter((one) => one.type === THREAD && one.parent_id === each.id)]);
    reconcile(byId("place-list"), ordered.map((each) => this.#item(each)));
  }

  /** The id of the channel `step` places after the open one. */
  neighbour(step) {
    const ids = [.../** @type {NodeListOf<HTMLElement>} */ (byId("place-list").querySelectorAll(":scope > *"))].map((each) => each.dataset.id);
    return ids[(ids.indexOf(this.#view.channelId) + step + ids.length) % ids.length];
  }

  #item(channel) {
    const isOpen = channel.id === this.#view.channelId;
    const unread = this.#unread.get(channel.id) ?? 0;
    const signature = JSON.stringify([channel.name, isOpen, unread]);
    const known = this.#built.get(channel.id);
    if (known?.signature === signature) return known.element;
    const isThread = channel.type === THREAD;
    const mark = h("span", { class: "mark", "aria-hidden": "true" }, isThread ? "↳" : "#");
    const count = unread > 0 && h("span", { class: "count" }, String(unread), h("span", { class: "unseen" }, " new"));
    const button = h("button", { type: "button", class: "place", "aria-current": isOpen ? "true" : null, onclick: () => this.#view.open(channel.id) }, mark, h("span", { class: "place-name" }, channel.name), count);
    const element = known?.element ?? h("li", { "data-id": channel.id });
    const hadFocus = element.contains(document.activeElement);
    element.className = isThread ? "thread" : "";
    element.replaceChildren(button);
    if (hadFocus) button.focus();
    this.#built.set(channel.id, { signature, element });
    return element;
  }

  #add() {
    const box = h("input", { type: "text", maxlength: 100, "aria-label": "Name of the new channel", placeholder: "new-channel" });
    const form = h("form", { class: "add-form" }, box);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const name = box.value.trim().toLowerCase().replaceAll(/\s+/g, "-");
      if (name && (await attempt(api.addChannel(name)))) form.remove();
    });
    box.addEventListener("keydown", (event) => event.key === "Escape" && form.remove());
    byId("place-list").after(form);
    box.focus();
  }
}
