// Loads the drawing of the machine, which the bot draws from its running table, and highlights it by CSS classes.

import { ofInspector } from "./api.js";

const PATH = ofInspector("api/machines/response.svg?size=compact");

let drawing = null; // a promise of the SVG element, requested once

/** A new copy of the drawing; null if the bot does not answer. */
export async function machineDrawing() {
  const asked = (drawing ??= fetchDrawing());
  const svg = await asked;
  if (svg === null && drawing === asked) drawing = null; // unless another call has requested it again meanwhile
  return svg?.cloneNode(true) ?? null;
}

async function fetchDrawing() {
  const answer = await fetch(PATH).catch(() => null);
  if (answer?.status !== 200) return null;
  const text = (await answer.text()).replaceAll(/<style[^]*?<\/style>/g, ""); // the page's content policy allows only its own styles
  const svg = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  if (svg.nodeName !== "svg") return null;
  svg.removeAttribute("width");
  svg.removeAttribute("height");
  return document.importNode(svg, true);
}

/** Highlights the response's state and the edges that it took, with their counts. */
export function light(svg, view) {
  for (const state of svg.querySelectorAll("[data-state]")) state.classList.toggle("lit", state.dataset.state === view.state);
  const last = view.path.at(-1);
  const lastKey = last ? `${last.from}-${last.to}` : null;
  for (const edge of svg.querySelectorAll("[data-edge]")) {
    const count = view.counts[edge.dataset.edge] ?? 0;
    edge.classList.toggle("taken", count > 0);
    edge.classList.toggle("last", edge.dataset.edge === lastKey);
    const badge = edge.querySelector(".count");
    badge.classList.toggle("empty", count < 2);
    badge.querySelector("text").textContent = count < 2 ? "" : String(count);
  }
  svg.setAttribute("aria-label", `${view.name}'s line: ${view.path.map((move) => move.to).join(", then ") || view.state}`);
}
