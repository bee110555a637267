// Builds elements. Text becomes text nodes, never markup, so that nothing from outside is parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes, listeners (`onclick`) and children; null and false children are left out. */
export const h = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);

/** The same in SVG. */
export const s = (tag, attributes = {}, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) set(element, name, value);
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else element.setAttribute(name, value === true ? "" : value);
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

/** Sets a text only if it differs: unchanged text is not announced again, and stays selected. */
export function say(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

/** Makes `elements` the list's children in this order, with as few moves as possible: elements that stay are not touched. */
export function reconcile(list, elements) {
  const wanted = new Set(elements);
  for (const child of [...list.children]) if (!wanted.has(child)) child.remove();
  elements.forEach((element, index) => {
    if (list.children[index] !== element) list.insertBefore(element, list.children[index] ?? null);
  });
}

/** Sets the `[value, words]` options of a select or a datalist; does nothing if they are the same already. */
export function offer(list, pairs) {
  const isThere = list.children.length === pairs.length && pairs.every(([value], index) => list.children[index].value === value);
  if (!isThere) list.replaceChildren(...pairs.map(([value, words]) => h("option", { value }, words)));
}

/** As `say`; text in backticks becomes code. */
export function sayCoded(element, words) {
  if (element.dataset.said === words) return;
  element.dataset.said = words;
  element.replaceChildren(...coded(words));
}

/** Words as an element's children; text in backticks becomes code. */
export const coded = (words) => words.split("`").map((part, number) => (number % 2 ? h("code", {}, part) : part));
