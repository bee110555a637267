// The page's copy of the world: the feed fills it, the views read it. It does not touch the page.

import { earlier } from "./api.js";
import { follow } from "./feed.js";
import { spoken } from "./markdown_words.js";

const KINDS = ["snapshot", "message", "deleted", "whisper", "press", "typing", "commands", "channel", "channel_deleted", "faults", "model_faults", "presence"];
export const TYPING_MS = 10_000; // as long as Discord shows it
const DM = 1;
export const THREAD = 11;
const SLASH = 1; // the type of a typed command
const MENU = 3; // the type of a command in a message's menu

export class Model extends EventTarget {
  isLinked = false;
  isRefused = false; // the server was started anew, and has another key
  isFilled = false;
  bot = { id: "0", username: "Bot" };
  users = [];
  channels = new Map();
  whispers = new Map(); // message id → a message for one person alone; kept until the page is reloaded
  messages = new Map(); // channel id → Map of message id → message, oldest first
  hasEarlier = new Map();
  typing = new Map(); // channel id → Map of user id → until when
  faults = { chances: [], seed: 0 };
  modelFaults = { chances: [], seed: 0 };
  presence = { connected: false, process: null };
  has = { cards: false, inspector: false, model: true };
  commands = []; // as the bot registered them
  lines = 0;

  /** Follows the stream; dispatches `changed` after every event, `heard` for each new message. */
  connect() {
    follow("/_control/events", KINDS, {
      onEvent: (kind, body) => this.apply(kind, body),
      onLink: (isLinked) => {
        this.isLinked = isLinked;
        this.#tell("link");
      },
      onRefused: () => {
        this.isRefused = true;
        this.#tell("link");
      },
    });
  }

  apply(kind, body) {
    this[`_${kind}`](body);
    this.#tell(kind, body);
  }

  /** The messages that a user sees in a channel, oldest first: public ones and whispers to this user. */
  shown(channelId, userId) {
    const messages = [...(this.messages.get(channelId)?.values() ?? [])];
    const whispers = [...this.whispers.values()].filter((each) => each.channel_id === channelId && each.for === userId);
    if (whispers.length === 0) return messages;
    return [...messages, ...whispers].sort((one, other) => (BigInt(one.id) < BigInt(other.id) ? -1 : 1));
  }

  /** Removes a whisper from the page for good; the server keeps none. */
  dismiss(whisper) {
    this.whispers.delete(whisper.id);
    this.#tell("dismissed");
  }

  /** The typed commands. */
  get slashes() {
    return this.commands.filter((each) => each.type === SLASH);
  }

  /** The names of the commands in a message's menu. */
  get menu() {
    return this.commands.filter((each) => each.type === MENU).map((each) => each.name);
  }

  find(channelId, messageId) {
    return this.messages.get(channelId)?.get(messageId);
  }

  name(userId) {
    if (userId === this.bot.id) return this.bot.username;
    return this.users.find((user) => user.id === userId)?.username;
  }

  /** The names of mentioned users and channels. */
  get names() {
    return { user: (id) => this.name(id), channel: (id) => this.channels.get(id)?.name };
  }

  /** A message's spoken text: its content, its embeds and its attachments. */
  words(message) {
    const embeds = (message.embeds ?? []).flatMap((embed) => [embed.title, embed.description]);
    const texts = [message.content, ...embeds].filter(Boolean).map((text) => spoken(text, this.names));
    const files = (message.attachments ?? []).map((each) => each.description ?? each.filename);
    return [...texts, ...files].filter(Boolean).join(" ") || "a message without words";
  }

  /** The ids of the users who are typing in a channel now. */
  typists(channelId) {
    const now = Date.now();
    return [...(this.typing.get(channelId) ?? [])].filter(([, until]) => until > now).map(([userId]) => userId);
  }

  /** Fetches older messages of a channel and puts them in front. */
  async loadEarlier(channelId) {
    const known = this.messages.get(channelId);
    const [oldest] = known.keys();
    const found = await earlier(channelId, oldest);
    this.messages.set(channelId, new Map([...found.shown.map((each) => [each.id, each]), ...known]));
    this.hasEarlier.set(channelId, found.more);
    this.#tell("earlier");
  }

  _snapshot(body) {
    this.bot = body.bot;
    this.users = body.users;
    this.channels = new Map(body.channels.filter((each) => each.type !== DM).map((each) => [each.id, each]));
    this.messages = new Map();
    for (const [channelId, { shown, more }] of Object.entries(body.messages)) {
      this.messages.set(channelId, new Map(shown.map((each) => [each.id, each])));
      this.hasEarlier.set(channelId, more);
    }
    this.typing.clear();
    this.faults = body.faults;
    this.modelFaults = body.model_faults;
    this.presence = body.presence;
    this.has = body.has;
    this.lines = body.lines;
    this.commands = body.commands;
    this.isFilled = true;
  }

  _message(message) {
    const channel = this.messages.get(message.channel_id) ?? new Map();
    this.messages.set(message.channel_id, channel);
    const isNew = !channel.has(message.id);
    const [oldest] = channel.keys();
    if (isNew && oldest !== undefined && BigInt(message.id) < BigInt(oldest)) return; // older than what is loaded
    channel.set(message.id, message);
    if (!isNew) return;
    if (message.is_line) this.lines += 1;
    this.typing.get(message.channel_id)?.delete(message.webhook_id ? this.bot.id : message.author.id);
    this.dispatchEvent(new CustomEvent("heard", { detail: message }));
  }

  _whisper(whisper) {
    if (whisper.gone) {
      this.whispers.delete(whisper.id);
      return;
    }
    this.whispers.set(whisper.id, whisper);
    if (whisper.content) this.dispatchEvent(new CustomEvent("whispered", { detail: whisper }));
  }

  _press({ id, answered, choices }) {
    if (answered) this.dispatchEvent(new CustomEvent("answered", { detail: { id, choices } }));
  }

  _commands({ commands }) {
    this.commands = commands;
  }

  _deleted({ id, channel_id: channelId, is_line: isLine }) {
    this.messages.get(channelId)?.delete(id);
    if (isLine) this.lines -= 1;
  }

  _typing({ channel_id: channelId, user_id: userId }) {
    const there = this.typing.get(channelId) ?? new Map();
    this.typing.set(channelId, there.set(userId, Date.now() + TYPING_MS));
  }

  _channel(channel) {
    this.channels.set(channel.id, channel);
    if (!this.messages.has(channel.id)) this.messages.set(channel.id, new Map());
  }

  _channel_deleted({ id }) {
    this.channels.delete(id);
  }

  _faults(faults) {
    this.faults = faults;
  }

  _model_faults(faults) {
    this.modelFaults = faults;
  }

  _presence(presence) {
    this.presence = presence;
    if (!presence.connected) for (const there of this.typing.values()) there.delete(this.bot.id);
  }

  #tell(kind, body) {
    this.dispatchEvent(new CustomEvent("changed", { detail: { kind, body } }));
  }
}
