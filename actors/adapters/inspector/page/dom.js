// Builds elements. Text becomes text nodes, never markup, so that nothing that came from outside is read as HTML.

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

export const byId = (id) => document.getElementById(id);

/** Sets a text only where it differs: what is not touched is not announced, selected text stays selected. */
export function say(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

/** Brings a list's elements into order with as few moves as possible: nothing that stays is touched. */
export function reconcile(list, elements) {
  const wanted = new Set(elements);
  for (const child of [...list.children]) if (!wanted.has(child)) child.remove();
  elements.forEach((element, index) => {
    if (list.children[index] !== element) list.insertBefore(element, list.children[index] ?? null);
  });
}

/** Offers `[value, words]` pairs in a select or a datalist; nothing is touched where they are there already. */
export function offer(list, pairs) {
  const isThere = list.children.length === pairs.length && pairs.every(([value], index) => list.children[index].value === value);
  if (!isThere) list.replaceChildren(...pairs.map(([value, words]) => h("option", { value }, words)));
}

/** As `say`, with what stands in backticks as code. */
export function sayCoded(element, words) {
  if (element.dataset.said === words) return;
  element.dataset.said = words;
  element.replaceChildren(...coded(words));
}

/** Words as children of an element, with what stands in backticks as code. */
export const coded = (words) => words.split("`").map((part, number) => (number % 2 ? h("code", {}, part) : part));
