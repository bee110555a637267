// Builds elements. Text becomes text nodes, never markup, so nothing that people write is parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes, listeners (`onclick`) and children; null and false children are left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) set(element, name, value);
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "value") element.value = value;
  else element.setAttribute(name, value === true ? "" : value);
}

const ICONS = {
  menu: "M3 6h18M3 12h18M3 18h18",
  sun: "M12 7a5 5 0 1 0 0 10 5 5 0 0 0 0-10M12 1v3M12 20v3M1 12h3M20 12h3M4.2 4.2l2.1 2.1M17.7 17.7l2.1 2.1M4.2 19.8l2.1-2.1M17.7 6.3l2.1-2.1",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5",
  chat: "M4 5h16v11H9l-5 4z",
  route: "M5 19a2 2 0 1 0 0-.01M19 5a2 2 0 1 0 0-.01M7 19h7a4 4 0 0 0 0-8h-4a4 4 0 0 1 0-8h7",
  storm: "M7 15a4.5 4.5 0 0 1-.5-9A6 6 0 0 1 18 7.5a3.8 3.8 0 0 1 0 7.5M13 11l-3 5h4l-3 5",
  cast: "M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8M2 21v-1a6 6 0 0 1 6-6h2a6 6 0 0 1 6 6v1M16 3.5a4 4 0 0 1 0 7.2M18.5 14.6A6 6 0 0 1 22 20v1",
  send: "M4 12 20 4l-5 17-4-7zM11 14l4-5",
  reply: "M10 5 4 11l6 6M4 11h9a7 7 0 0 1 7 7v1",
  smile: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M8.5 14a4 4 0 0 0 7 0M9 9.5v.1M15 9.5v.1",
  ask: "M9 9a3 3 0 1 1 4.2 2.7c-.8.4-1.2 1-1.2 1.8v.5M12 17.4v.1M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18",
  pencil: "M4 20l1-5L16 4l4 4L9 19zM14 6l4 4",
  bin: "M4 7h16M9 7V4h6v3M6 7l1 14h10l1-14M10 11v6M14 11v6",
  close: "M5 5l14 14M19 5 5 19",
  down: "M12 4v16M5 13l7 7 7-7",
  bolt: "M13 2 5 14h6l-1 8 9-13h-6z",
  play: "M7 4v16l13-8z",
  dice: "M5 3h14a2 2 0 0 1 2 2v14a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2M8 8v.1M16 8v.1M12 12v.1M8 16v.1M16 16v.1",
  plus: "M12 4v16M4 12h16",
  keys: "M3 6h18v12H3zM7 10v.1M11 10v.1M15 10v.1M8 14h8",
};

/** A line drawing of 20 px, hidden from screen readers. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" })) {
    svg.setAttribute(key, value);
  }
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A button with an icon, labelled for screen readers. */
export function iconButton(name, label, onclick, attributes = {}) {
  return h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...attributes }, icon(name));
}

/** Makes `elements` the list's children in this order, with as few moves as possible: elements that stay are not touched. */
export function reconcile(list, elements) {
  const wanted = new Set(elements);
  for (const child of [...list.children]) if (!wanted.has(child)) child.remove();
  elements.forEach((element, index) => {
    if (list.children[index] !== element) list.insertBefore(element, list.children[index] ?? null);
  });
}

/**
 * The page's element with an id; `kind` is its class, for properties that only this class has.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @param {new () => T} [kind]
 * @returns {T}
 */
export function byId(id, kind) {
  const element = document.getElementById(id);
  if (kind && !(element instanceof kind)) throw new TypeError(`#${id} is not a ${kind.name}.`);
  return /** @type {T} */ (element);
}

/** Words as an element's children; text in backticks becomes code. */
export const coded = (words) => words.split("`").map((part, number) => (number % 2 ? h("code", {}, part) : part));

/** One of eight colours for a name, the same every time. */
export function tone(name) {
  let sum = 130; // with this start the seven names of a new world have seven colours
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 9973;
  return `tone-${sum % 8}`;
}

/** A person's or character's picture; without one, the name's first letter. */
export function avatar(name, picture) {
  const letter = h("span", { class: `avatar ${tone(name)}`, "aria-hidden": "true" }, [...name][0]?.toUpperCase() ?? "?");
  if (!picture) return letter;
  const image = h("img", { class: "avatar", src: picture, alt: "", width: 40, height: 40, decoding: "async" });
  image.addEventListener("error", () => image.replaceWith(letter), { once: true });
  return image;
}
