// The page's frame: the open panel, the theme, toasts, and keys that work everywhere.

import { byId, coded, h } from "./dom.js";

const TOAST_MS = 6000;
const SAID_MAX = 240;

/** Shows a short notice at the page's edge; screen readers read it out. */
export function toast(words) {
  const note = h("div", { class: "toast" }, coded(words));
  byId("toasts").append(note);
  const gone = () => note.remove();
  note.addEventListener("click", gone);
  setTimeout(gone, TOAST_MS);
}

/** Waits for a request, and shows a toast with the error if it fails. Returns whether it succeeded. */
export async function attempt(asked) {
  try {
    await asked;
    return true;
  } catch (error) {
    toast(error.message);
    return false;
  }
}

/** Lets screen readers read the words out; they are not visible. */
export function announce(words) {
  byId("said").append(h("p", {}, words.length > SAID_MAX ? `${words.slice(0, words.lastIndexOf(" ", SAID_MAX) + 1 || SAID_MAX)}…` : words));
  while (byId("said").childElementCount > 20) byId("said").firstElementChild.remove();
}

/** Sets up the panels beside the chat; on a small screen one of them, or the chat, fills the page. */
export function setUpPanels() {
  const app = byId("app");
  const tabs = [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('[role="tab"]'))];
  const switches = [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-open]"))];

  function show(name) {
    app.dataset.view = name;
    if (name !== "chat") {
      app.dataset.panel = name;
      for (const tab of tabs) {
        const isOpen = tab.dataset.panel === name;
        tab.setAttribute("aria-selected", String(isOpen));
        tab.tabIndex = isOpen ? 0 : -1;
        byId(tab.getAttribute("aria-controls")).hidden = !isOpen;
      }
    }
    for (const each of switches) {
      if (each.dataset.open === name) each.setAttribute("aria-current", "page");
      else each.removeAttribute("aria-current");
    }
    app.dispatchEvent(new CustomEvent("panel", { detail: name }));
  }

  tabs.forEach((tab, index) => {
    tab.addEventListener("click", () => show(tab.dataset.panel));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = tabs[(index + step + tabs.length) % tabs.length];
      next.focus();
      show(next.dataset.panel);
    });
  });
  for (const each of switches) each.addEventListener("click", () => show(each.dataset.open));
  show("lines");
  show("chat");
  return show;
}

/** Sets up the list of channels as a drawer for narrow screens. */
export function setUpDrawer() {
  const app = byId("app");
  const opener = byId("open-places");
  const set = (isOpen) => {
    app.classList.toggle("places-open", isOpen);
    opener.setAttribute("aria-expanded", String(isOpen));
  };
  opener.addEventListener("click", () => {
    set(!app.classList.contains("places-open"));
    /** @type {HTMLElement?} */ (byId("places").querySelector("[aria-current]"))?.focus();
  });
  byId("veil").addEventListener("click", () => set(false));
  byId("places").addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !app.classList.contains("places-open")) return;
    set(false);
    opener.focus();
  });
  return () => set(false);
}

/** Sets up light and dark: the system's choice, until the user chooses. */
export function setUpTheme() {
  const button = byId("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
  const show = () => button.setAttribute("aria-label", isDark() ? "Use the light theme" : "Use the dark theme");
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    localStorage.setItem("theme", document.documentElement.dataset.theme);
    show();
  });
  system.addEventListener("change", show);
  show();
}

/** `onKey` maps a key code, pressed with Alt, to its action. */
export function setUpKeys(onKey) {
  document.addEventListener("keydown", (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey || !(event.code in onKey)) return;
    event.preventDefault();
    onKey[event.code]();
  });
}

/** Lets the element with the id `opener` open a dialog; a click beside it, or on its *Close*, closes it. */
export function setUpDialog(opener, id) {
  const dialog = byId(id, HTMLDialogElement);
  byId(opener).addEventListener("click", (event) => {
    event.preventDefault();
    dialog.showModal();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  byId(`${id}-close`).addEventListener("click", () => dialog.close());
}
