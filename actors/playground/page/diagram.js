// The machine's drawing, as the bot drew it from its running table; lit here by classes alone.

import { ofInspector } from "./api.js";

const PATH = ofInspector("api/machines/response.svg?size=compact");

let drawing = null; // a promise of the SVG element, asked for once

/** A fresh copy of the drawing; null while the bot cannot give it. */
export async function machineDrawing() {
  drawing ??= fetchDrawing();
  const svg = await drawing;
  if (svg === null) drawing = null;
  return svg?.cloneNode(true) ?? null;
}

async function fetchDrawing() {
  const answer = await fetch(PATH).catch(() => null);
  if (answer?.status !== 200) return null;
  const text = (await answer.text()).replaceAll(/<style[^]*?<\/style>/g, ""); // the page's policy allows only its own
  const svg = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  if (svg.nodeName !== "svg") return null;
  svg.removeAttribute("width");
  svg.removeAttribute("height");
  return document.importNode(svg, true);
}

/** Lights the state that the response is in and the edges it took, with how often. */
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
