// Builds one message as an element. `timeline.js` decides when to build it again.

import { avatar, h, iconButton, tone } from "./dom.js";
import { render } from "./markdown_view.js";

export const EMOJIS = ["👍", "❤️", "😂", "😮", "😢", "🎭", "🔥", "👀"];
const SNIPPET_MAX = 90;
const LINK_BUTTON = 5;
const THINKING = 1 << 7; // Discord's flag LOADING
const BUTTON_STYLES = { 1: "primary", 2: "plain", 3: "good", 4: "danger", 5: "plain" };

/**
 * The message's list item. `context`: {names, words, me, menu, isGrouped, replied, act}; `words(message)` returns its spoken text.
 * `act` holds the actions of its tools: reply, edit, remove, react, press, choose, jump.
 */
export function messageView(message, context) {
  const kind = message.webhook_id ? "character" : message.author.bot ? "bot" : "person";
  const item = h(
    "li",
    {
      class: `message ${kind}${context.isGrouped ? " grouped" : ""}${message.for ? " whisper" : ""}`,
      id: `m${message.id}`,
      "data-id": message.id,
      tabindex: -1,
    },
    context.isGrouped ? h("time", { class: "side-time", datetime: message.timestamp, title: clock(message.timestamp) }, bareClock(message.timestamp)) : picture(message),
    h("div", { class: "body" }, reply(message, context), context.isGrouped ? null : head(message, kind), content(message, context)),
    message.for ? null : tools(message, context),
  );
  return item;
}

const picture = (message) => avatar(message.author.username, message.avatar);

function head(message, kind) {
  const tags = { character: "Character", bot: "Bot" };
  const at = new Date(message.timestamp);
  return h(
    "div",
    { class: "head" },
    h("span", { class: `name ${tone(message.author.username)}` }, message.author.username),
    tags[kind] && h("span", { class: "tag" }, tags[kind]),
    h("time", { datetime: message.timestamp, title: at.toLocaleString() }, clock(message.timestamp)),
  );
}

function content(message, { names, me, act }) {
  const isThinking = (message.flags & THINKING) !== 0;
  const text = message.content ? h("div", { class: "text" }, render(message.content, names)) : null;
  const mark = message.edited_timestamp ? h("span", { class: "edited", title: new Date(message.edited_timestamp).toLocaleString() }, "(edited)") : null;
  if (text && mark) (text.lastElementChild?.tagName === "P" ? text.lastElementChild : text).append(" ", mark);
  return [
    text,
    isThinking && h("p", { class: "thinking" }, `${message.author.username} is thinking…`),
    message.embeds.map((embed) => embedView(embed, names)),
    text ? null : mark,
    message.attachments.map(attachmentView),
    message.components.map((row) => rowView(row, message, act)),
    reactionsView(message, me, names, act),
    message.for && aside(message, act),
  ];
}

/** Hidden from screen readers, which would read the arrow's name. */
const replyArrow = () => h("span", { "aria-hidden": "true" }, "↱ ");

function reply(message, { replied, act, names, words: wordsOf }) {
  if (!message.message_reference) return null;
  const original = replied ?? message.referenced_message;
  if (!original) return h("div", { class: "reply" }, replyArrow(), "The original message was deleted");
  const words = wordsOf(original);
  const snippet = words.length > SNIPPET_MAX ? `${words.slice(0, SNIPPET_MAX)}…` : words;
  const name = original.author?.username ?? names.user(original.author_id);
  return h(
    "button",
    { type: "button", class: "reply", onclick: () => act.jump(original.id) },
    replyArrow(),
    h("strong", { class: tone(name) }, name),
    ` ${snippet}`,
  );
}

function embedView(embed, names) {
  const title = embed.title && h("p", { class: "embed-title" }, embed.url ? outside(embed.url, embed.title) : render(embed.title, names));
  return h(
    "div",
    { class: "embed" },
    embed.author?.name && h("p", { class: "embed-author" }, embed.author.name),
    title,
    embed.description && h("div", { class: "text" }, render(embed.description, names)),
    embed.fields?.length && h("dl", {}, embed.fields.map((field) => fieldView(field, names))),
    embed.image?.url && h("p", {}, outside(embed.image.url, "Picture (on another site)")),
    embed.footer?.text && h("p", { class: "embed-footer" }, embed.footer.text),
  );
}

function fieldView(field, names) {
  return h("div", { class: field.inline ? "inline" : "wide" }, h("dt", {}, field.name), h("dd", { class: "text" }, render(field.value, names)));
}

function outside(url, words) {
  if (!/^https?:\/\//.test(url)) return words;
  return h("a", { href: url, rel: "noopener noreferrer nofollow", target: "_blank" }, words);
}

function attachmentView(attachment) {
  const size = attachment.size > 1024 * 1024 ? `${(attachment.size / 1024 / 1024).toFixed(1)} MB` : `${Math.ceil(attachment.size / 1024)} KB`;
  const shownInside = /^image\/(png|jpeg|gif|webp)$/.test(attachment.content_type);
  const { width, height } = attachment; // if known, the space is reserved until the picture is loaded
  return shownInside
    ? h("a", { href: attachment.url, class: "picture" }, h("img", { src: attachment.url, alt: attachment.description ?? attachment.filename, width, height, loading: "lazy" }))
    : h("a", { href: attachment.url, class: "file" }, `${attachment.filename} · ${size}`);
}

/** The row under a whisper, as on Discord. */
function aside(message, act) {
  const dismiss = h("button", { type: "button", class: "link", onclick: () => act.dismiss(message) }, "Dismiss");
  return h("p", { class: "aside" }, "Only you can see this · ", dismiss);
}

/** A row of buttons (component 1), or a component that newer layouts put around or beside one. */
function rowView(component, message, act) {
  if (component.type === 2) return buttonView(component, message, act);
  if (component.type === 10) return h("div", { class: "text" }, render(component.content ?? "", { user: () => null, channel: () => null }));
  return h("div", { class: "row" }, (component.components ?? []).map((each) => rowView(each, message, act)));
}

function buttonView(button, message, act) {
  const style = `button ${BUTTON_STYLES[button.style] ?? "plain"}`;
  const label = [button.emoji?.name, button.label].filter(Boolean).join(" ") || "Button";
  if (button.style === LINK_BUTTON) return h("span", { class: style }, outside(button.url, label));
  return h("button", { type: "button", class: style, disabled: button.disabled, onclick: (event) => act.press(message, button, event.currentTarget) }, label);
}

function reactionsView(message, me, names, act) {
  const found = message.reactions ?? [];
  if (found.length === 0) return null;
  const buttons = found.map(({ emoji, users }) => {
    const isMine = users.includes(me.id);
    const who = users.map((id) => names.user(id) ?? "somebody").join(", ");
    const label = `${emoji} ${users.length}: ${who}`;
    const attributes = { type: "button", class: "reaction", "aria-pressed": String(isMine), "aria-label": label, title: who };
    return h("button", { ...attributes, onclick: () => act.react(message, emoji, !isMine) }, emoji, h("span", {}, String(users.length)));
  });
  return h("div", { class: "reactions" }, buttons);
}

function tools(message, { me, menu, act }) {
  const isMine = !message.webhook_id && message.author.id === me.id;
  const about = `message of ${message.author.username}`;
  return toolbar(
    { class: "tools", "aria-label": `Actions on the ${about}` },
    iconButton("smile", "Add a reaction", (event) => act.pick(message, event.currentTarget), { "aria-haspopup": "true" }),
    iconButton("reply", "Reply", () => act.reply(message)),
    menu.map((name) => iconButton("ask", name, () => act.choose(message, name))),
    isMine && iconButton("pencil", "Edit", () => act.edit(message)),
    isMine && iconButton("bin", "Delete", (event) => act.remove(message, event.currentTarget)),
  );
}

/** One tab stop; the arrows, Home and End move from tool to tool (ARIA's pattern "toolbar"). */
function toolbar(attributes, ...children) {
  const bar = h("div", { role: "toolbar", ...attributes }, ...children);
  const buttons = [...bar.children];
  buttons.forEach((each, index) => (each.tabIndex = index === 0 ? 0 : -1));
  bar.addEventListener("focusin", ({ target }) => buttons.includes(target) && buttons.forEach((each) => (each.tabIndex = each === target ? 0 : -1)));
  bar.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(event.target);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
    if (at < 0 || to === undefined) return; // the event comes from a tool's popup
    event.preventDefault();
    buttons.at(to % buttons.length).focus();
  });
  return bar;
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

export const clock = (iso) => CLOCK.format(new Date(iso));

/** The time without AM or PM, which do not fit beside a message. */
function bareClock(iso) {
  const parts = CLOCK.formatToParts(new Date(iso)).filter((part) => part.type !== "dayPeriod");
  return parts.map((part) => part.value).join("").trim();
}
