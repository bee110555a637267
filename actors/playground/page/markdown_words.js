// Turns a message into plain words for screen readers: no marks, no hidden spoilers, a link as its name or host.

import { parse } from "./markdown.js";

const STYLES = {
  t: { timeStyle: "short" },
  T: { timeStyle: "medium" },
  d: { dateStyle: "short" },
  D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" },
  F: { dateStyle: "full", timeStyle: "short" },
};
/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const STEPS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];
const ENDED = /[.!?…:;,"'”’)]$/;

/** The text to read out; `names` as for `markdown_view.js`. */
export function spoken(text, names) {
  return sentences(parse(text).map((block) => blockWords(block, names)));
}

function blockWords(block, names) {
  switch (block.kind) {
    case "quote":
      return `Quote: ${sentences(block.blocks.map((inner) => blockWords(inner, names)))}`;
    case "code":
      return `Code: ${flat(block.text)}`;
    case "list":
      return listWords(block, names);
    default:
      return inlineWords(block.children, names);
  }
}

function listWords(list, names) {
  return sentences(list.items.map(({ children, list: inner }) => sentences([inlineWords(children, names), inner ? listWords(inner, names) : ""])));
}

function inlineWords(nodes, names) {
  return flat(nodes.map((node) => (typeof node === "string" ? node : nodeWords(node, names))).join(""));
}

function nodeWords(node, names) {
  switch (node.kind) {
    case "code":
      return node.text;
    case "emoji":
      return node.name.replaceAll("_", " ");
    case "link":
      return node.children[0] === node.url ? `link to ${new URL(node.url).host}` : inlineWords(node.children, names);
    case "mention":
      return mentioned(node, names);
    case "time":
      return timeWords(node);
    case "spoiler":
      return "spoiler";
    default:
      return inlineWords(node.children, names);
  }
}

/** Joins the parts, each with an end at which a screen reader pauses. */
function sentences(parts) {
  const said = parts.filter(Boolean);
  return said.map((part, index) => (index === said.length - 1 || ENDED.test(part) ? part : `${part}.`)).join(" ");
}

const flat = (text) => text.replaceAll(/\s+/g, " ").trim();

export function mentioned({ user, channel, text }, names) {
  if (user) return `@${names.user(user) ?? "somebody"}`;
  return channel ? `#${names.channel(channel) ?? "somewhere"}` : text;
}

/** A timestamp in words; an invalid one as it was written. */
export function timeWords({ seconds, style }) {
  const at = new Date(seconds * 1000);
  if (Number.isNaN(at.getTime())) return `<t:${seconds}>`;
  return style === "R" ? relative(seconds) : new Intl.DateTimeFormat(undefined, STYLES[style]).format(at);
}

function relative(seconds) {
  const away = seconds - Date.now() / 1000;
  const [unit, size] = STEPS.find(([, step]) => Math.abs(away) >= step) ?? STEPS.at(-1);
  return new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }).format(Math.round(away / size), unit);
}
