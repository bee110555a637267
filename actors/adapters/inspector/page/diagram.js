// Loads the drawing of a machine, which the bot draws from its running table, and highlights it by CSS classes.

import * as api from "./api.js";
import { s } from "./dom.js";

const NARROW = matchMedia("(max-width: 700px)");
const FRESH_MS = 1400;
const MANY = 9999;

const drawings = new Map(); // "response wide" → a promise of its SVG element

/** A new copy of a machine's drawing, in the size that fits the window. */
export async function drawing(name) {
  const size = NARROW.matches ? "compact" : "wide";
  const key = `${name} ${size}`;
  if (!drawings.has(key)) drawings.set(key, fetched(name, size));
  try {
    return (await drawings.get(key)).cloneNode(true);
  } catch (error) {
    drawings.delete(key);
    throw error;
  }
}

/** Calls `redraw` when another size of drawing fits. */
export const onResize = (redraw, options) => NARROW.addEventListener("change", redraw, options);

async function fetched(name, size) {
  const text = (await api.drawing(name, size)).replaceAll(/<style[^]*?<\/style>/g, ""); // the page's content policy allows only its own styles
  const svg = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  svg.removeAttribute("width");
  svg.removeAttribute("height");
  return document.importNode(svg, true);
}

const states = (svg) => svg.querySelectorAll("[data-state]");
const edges = (svg) => svg.querySelectorAll("[data-edge]");

/** Highlights one state and the edges that were taken, with their counts; `last` is the edge taken last. */
export function light(svg, { state, counts, last }) {
  for (const each of states(svg)) each.classList.toggle("lit", each.dataset.state === state);
  for (const edge of edges(svg)) {
    edge.classList.toggle("last", edge.dataset.edge === last);
    count(edge, counts[edge.dataset.edge] ?? 0, 2);
  }
}

/** Marks an edge as taken `times`; shows the count from `shownFrom` on. */
export function count(edge, times, shownFrom = 1) {
  const badge = edge.querySelector(".count");
  edge.classList.toggle("taken", times > 0);
  badge.classList.toggle("empty", times < shownFrom);
  badge.querySelector("text").textContent = times > MANY ? `${Math.floor(times / 1000)}k` : times;
}

/** Marks an edge that has a breakpoint, with the number of responses that wait there; null removes the mark. */
export function mark(edge, held = null) {
  edge.classList.toggle("breakpoint", held !== null);
  edge.classList.toggle("held", held > 0);
  edge.querySelector(".stop")?.remove();
  if (held === null) return;
  const pill = edge.querySelector(".pill");
  const [x, y, width, height] = ["x", "y", "width", "height"].map((name) => Number(pill.getAttribute(name)));
  const words = held > 0 ? `❚❚ ${held}` : "❚❚";
  const middle = x + width / 2;
  const top = y + height + 1;
  edge.append(s("g", { class: "stop" }, s("rect", { x: middle - 18, y: top, width: 36, height: 17, rx: 5 }), s("text", { x: middle, y: top + 12.5 }, words)));
}

/** Shows on the corner of a state's box how many are in it now. */
export function countState(svg, state, times) {
  const group = [...states(svg)].find((each) => each.dataset.state === state);
  const box = group?.querySelector(".box");
  if (!box) return;
  group.querySelector(".now-count")?.remove();
  if (times === 0) return;
  const words = times > MANY ? `${Math.floor(times / 1000)}k` : `${times}`;
  const width = 14 + words.length * 9;
  const x = Number(box.getAttribute("x")) + Number(box.getAttribute("width")) - width + 8;
  const y = Number(box.getAttribute("y")) - 11;
  group.append(
    s("g", { class: "now-count" }, s("rect", { x, y, width, height: 22, rx: 11 }), s("text", { x: x + width / 2, y: y + 16 }, words)),
  );
}

/** Flashes edges that were just taken and states that were just entered. */
export function flash(svg, keys) {
  if (keys.size === 0) return;
  for (const each of [...edges(svg), ...states(svg)]) {
    if (!keys.has(each.dataset.edge ?? each.dataset.state)) continue;
    each.classList.add("fresh");
    setTimeout(() => each.classList.remove("fresh"), FRESH_MS);
  }
}

/** Makes a state or an edge a button. */
export function pickable(each, onPick) {
  each.setAttribute("role", "button");
  each.setAttribute("tabindex", "0");
  each.addEventListener("click", onPick);
  each.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    onPick();
  });
}
