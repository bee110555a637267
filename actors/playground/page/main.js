// Builds the page: one model, one stream, and the views that read them.

import { BotStrip } from "./bot.js";
import { Cast, say } from "./cast.js";
import { Composer } from "./composer.js";
import { byId, h, icon } from "./dom.js";
import { Faults } from "./faults.js";
import { LineCards } from "./line_cards.js";
import { Lines } from "./lines.js";
import { Model, TYPING_MS } from "./model.js";
import { Places } from "./places.js";
import { announce, attempt, setUpDialog, setUpDrawer, setUpKeys, setUpPanels, setUpTheme } from "./shell.js";
import { Timeline } from "./timeline.js";

const model = new Model();
const lines = new Lines();

/** The user's choices; every view reads them. */
const view = {
  channelId: null,
  me: { id: "0", username: "" },
  open(channelId) {
    view.channelId = channelId;
    localStorage.setItem("channel", channelId);
    closeDrawer();
    showPanel("chat");
    render();
    composer.box.focus();
  },
  become(user) {
    view.me = user;
    localStorage.setItem("person", user.username);
    render();
  },
  reply: (message) => composer.reply(message),
  editLast: () => timeline.editLastOfMine(),
  toEnd: () => timeline.toEnd(),
  say: (words) => say(view.channelId, view.me, words),
  showPanel: (name) => showPanel(name),
};

for (const each of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-icon]"))) each.prepend(icon(each.dataset.icon));
setUpTheme();
const showPanel = setUpPanels();
const closeDrawer = setUpDrawer();
const timeline = new Timeline(model, view);
const composer = new Composer(model, view);
const places = new Places(model, view);
const faults = new Faults(model);
const cast = new Cast(view);
const bot = new BotStrip(model, lines);
const cards = new LineCards(model, lines, () => byId("panel-lines").offsetParent !== null);
let typingTimer = 0;
let isCastLoaded = false;

setUpDialog("keys", "help");
setUpDialog("open-models", "models");
setUpKeys({
  ArrowUp: () => view.open(places.neighbour(-1)),
  ArrowDown: () => view.open(places.neighbour(1)),
  Digit1: () => showPanel("chat"),
  Digit2: () => showPanel("lines"),
  Digit3: () => showPanel("faults"),
  Digit4: () => showPanel("cast"),
  KeyM: () => composer.box.focus(),
});

model.addEventListener("changed", () => {
  if (!model.isFilled) return bot.render();
  settle();
  const { connected, process } = model.presence;
  lines.want(model.has.inspector && model.isLinked && (connected || process === "running"), connected);
  render();
});
model.addEventListener("heard", (event) => {
  const { detail } = /** @type {CustomEvent} */ (event);
  if (detail.channel_id === view.channelId) announce(`${detail.author.username}: ${model.words(detail)}`);
});
model.addEventListener("whispered", (event) => {
  const { detail } = /** @type {CustomEvent} */ (event);
  if (detail.for === view.me.id) announce(`${detail.author.username}, to you alone: ${model.words(detail)}`);
});
lines.addEventListener("changed", renderTyping);
cards.render();
model.connect();

/** Chooses a channel and a person if none is chosen, or the chosen one is gone. */
function settle() {
  const chosen = [view.channelId, localStorage.getItem("channel")].find((id) => model.channels.has(id));
  view.channelId = chosen ?? model.channels.keys().next().value ?? null;
  const wanted = view.me.username || localStorage.getItem("person");
  view.me = model.users.find((user) => user.username === wanted) ?? model.users[0] ?? view.me;
  if (model.has.cards && !isCastLoaded) {
    isCastLoaded = true;
    attempt(cast.load());
  }
}

function render() {
  const channel = model.channels.get(view.channelId);
  byId("channel-name").textContent = channel?.name ?? "";
  document.title = `#${channel?.name ?? ""} · Ensemble Playground`;
  byId("app").classList.toggle("filled", model.isFilled);
  byId("understudy").hidden = model.has.model;
  places.render();
  renderTyping();
  composer.render();
  timeline.render();
  faults.render();
  bot.render();
  cards.renderNotes();
}

/** Shows who is typing; for the bot, the characters that its own stream names. */
function renderTyping() {
  if (view.channelId === null) return;
  const names = model.typists(view.channelId).flatMap((id) => (id === model.bot.id ? speakers() : [model.name(id) ?? "Somebody"]));
  const words = names.length === 0 ? "" : `${new Intl.ListFormat("en").format(names)} ${names.length === 1 ? "is" : "are"} typing`;
  if (byId("typing-words").textContent !== words) byId("typing-words").textContent = words;
  byId("typing").classList.toggle("on", names.length > 0);
  clearTimeout(typingTimer);
  if (names.length > 0) typingTimer = setTimeout(renderTyping, TYPING_MS / 10);
}

function speakers() {
  const names = [...new Set(lines.underway.map((each) => each.name))];
  return names.length > 0 ? names : [model.bot.username];
}

// Keep this list equal to the keys that `setUpKeys` and the composer handle.
byId("key-list").replaceChildren(
  ...[
    ["Enter", "Send the message"],
    ["Shift + Enter", "Start a new line"],
    ["↑ in an empty box", "Edit your last message"],
    ["Esc", "Stop replying or editing"],
    ["← or → in a message's tools", "The tool before or after"],
    ["Alt + ↑ or ↓", "Previous or next channel"],
    ["Alt + 1 … 4", "Chat, Lines, Faults, Cast"],
    ["Alt + M", "Go to the message box"],
  ].map(([keys, words]) => h("div", {}, h("dt", {}, h("kbd", {}, keys)), h("dd", {}, words))),
);
