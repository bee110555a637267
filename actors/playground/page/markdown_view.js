// Turns the tree of `markdown.js` into elements.

import { h } from "./dom.js";
import { parse } from "./markdown.js";
import { mentioned, timeWords } from "./markdown_words.js";

const TAGS = { strong: "strong", emphasis: "em", underline: "u", strike: "s" };
/** A message's text as elements; `names` returns the names of mentions: {user(id), channel(id)}. */
export function render(text, names) {
  return parse(text).map((block) => blockView(block, names));
}

function blockView(block, names) {
  const within = () => inlineView(block.children, names);
  switch (block.kind) {
    case "heading": // the page has its own h1 and h2
      return h("p", { class: `heading heading-${block.level}`, role: "heading", "aria-level": block.level + 3 }, within());
    case "subtext":
      return h("p", { class: "subtext" }, within());
    case "quote":
      return h("blockquote", {}, block.blocks.map((inner) => blockView(inner, names)));
    case "code":
      return h("pre", { tabindex: 0, "data-language": block.language }, h("code", {}, block.text));
    case "list":
      return listView(block, names);
    default:
      return h("p", {}, within());
  }
}

function listView(list, names) {
  const items = list.items.map(({ children, list: inner }) =>
    h("li", {}, inlineView(children, names), inner && listView(inner, names)),
  );
  return h(list.ordered ? "ol" : "ul", { start: list.start }, items);
}

function inlineView(nodes, names) {
  return nodes.map((node) => (typeof node === "string" ? node : nodeView(node, names)));
}

function nodeView(node, names) {
  switch (node.kind) {
    case "code":
      return h("code", {}, node.text);
    case "emoji":
      return `:${node.name}:`;
    case "link":
      return h("a", { href: node.url, rel: "noopener noreferrer nofollow", target: "_blank" }, inlineView(node.children, names));
    case "mention":
      return h("span", { class: "mention" }, mentioned(node, names));
    case "time":
      return timeView(node);
    case "spoiler":
      return spoilerView(inlineView(node.children, names));
    default:
      return h(TAGS[node.kind], {}, inlineView(node.children, names));
  }
}

function timeView(node) {
  const at = new Date(node.seconds * 1000);
  const words = timeWords(node);
  return Number.isNaN(at.getTime()) ? words : h("time", { datetime: at.toISOString(), class: "stamp" }, words);
}

function spoilerView(children) {
  const inside = h("span", { class: "hidden-text" }, children);
  inside.inert = true;
  const cover = h("span", { class: "spoiler", role: "button", tabindex: 0, "aria-label": "Spoiler: show it" }, inside);
  const show = () => {
    inside.inert = false;
    cover.classList.add("shown");
    for (const name of ["role", "tabindex", "aria-label"]) cover.removeAttribute(name);
  };
  cover.addEventListener("click", show);
  cover.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    show();
  });
  return cover;
}
