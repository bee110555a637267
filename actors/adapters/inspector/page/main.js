// Builds the page: opens views and files, and shows whether the bot answers.

import * as api from "./api.js";
import { Breakpoints } from "./breakpoints.js";
import { byId, say } from "./dom.js";
import { Filters } from "./filters.js";
import { Fleet } from "./fleet.js";
import { Live } from "./live.js";
import { Machines } from "./machines.js";
import { Replay } from "./replay.js";
import { Sessions } from "./sessions.js";
import { ResponseTable } from "./table.js";
import { clock } from "./words.js";

const FILE_BYTES_MAX = 5_000_000;
const NOT_OURS = "It is not a file from “Save as a file”.";
const LINK_WORDS = { connecting: "Connecting", live: "Live", lost: "Lost" };

const live = new Live();
const filters = new Filters();
let open = []; // the parts on the page; closed when another view is opened

function show(name, ...parts) {
  for (const part of open) part.close();
  open = parts;
  byId("main").replaceChildren(...parts.map((part) => part.element));
  byId("main").dataset.view = name;
  byId("skip-rows").hidden = name !== "responses";
  for (const link of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("nav [data-view]"))) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

const VIEWS = {
  responses: () => {
    const fleet = new Fleet(live, filters);
    const breakpoints = new Breakpoints(live, filters, fleet);
    show("responses", fleet, breakpoints, new ResponseTable(live, filters));
    if (location.hash === "#breakpoints") breakpoints.open();
  },
  sessions: () => show("sessions", new Sessions(live)),
  machines: () => show("machines", new Machines(live)),
};

function openView() {
  trouble("");
  const id = responseOf(location.pathname);
  if (id !== null) return openResponse(id);
  return (VIEWS[location.hash.slice(1)] ?? VIEWS.responses)();
}

/** The id in `…/responses/{id}`; null on the first page. */
function responseOf(path) {
  const found = /\/responses\/([^/]+)$/.exec(path);
  return found ? decoded(found[1]) : null;
}

/** The decoded part. An invalid escape stays as it is: no response has that id, and the bot says so. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    return part;
  }
}

async function openResponse(id) {
  try {
    const view = await api.response(id);
    document.title = `${view.name}’s line – Ensemble Inspector`;
    const canReadTexts = document.documentElement.dataset.texts === "yes";
    show("replay", new Replay(live, view, { canReadTexts }));
  } catch (error) {
    trouble(`Response ${id} cannot be shown: ${error.message}`);
  }
}

async function openFile(file) {
  trouble("");
  try {
    show("replay", replayOf(await readFile(file), file.name));
    document.title = `${file.name} – Ensemble Inspector`;
  } catch (error) {
    trouble(`${file.name} cannot be opened: ${error.message}`);
  }
}

async function readFile(file) {
  if (file.size > FILE_BYTES_MAX) throw new Error("It is too large to be one response.");
  let view;
  try {
    view = JSON.parse(await file.text());
  } catch (error) {
    throw new Error("It is not JSON.", { cause: error });
  }
  const isMove = (move) => ["fact", "from", "to"].every((name) => typeof move?.[name] === "string") && typeof move.at === "number";
  const isOne = ["id", "name"].every((name) => typeof view?.[name] === "string") && ["started_at", "entered_at"].every((name) => typeof view[name] === "number");
  if (!isOne || !Array.isArray(view.path) || !view.path.every(isMove)) throw new Error(NOT_OURS);
  return { legal: [], asides: [], due_at: null, waits: null, last_error: null, is_final: false, ...view, paused: null };
}

/** Any other error in a file shows when it is drawn. */
function replayOf(view, from) {
  try {
    return new Replay(live, view, { from });
  } catch (error) {
    throw new Error(NOT_OURS, { cause: error });
  }
}

function trouble(words) {
  byId("trouble").hidden = words === "";
  say(byId("trouble"), words);
}

function showLink() {
  byId("link").dataset.link = live.state;
  say(byId("link-words"), LINK_WORDS[live.state]);
  document.body.classList.toggle("stale", live.state === "lost");
  byId("lost").hidden = live.state !== "lost";
  if (live.state === "lost") say(byId("lost"), `The bot does not answer. The page shows its state as of ${clock(live.now())}, which may have changed. Trying again.`);
}

function changeTheme() {
  const isDark = document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = isDark ? "light" : "dark";
  localStorage.setItem("theme", document.documentElement.dataset.theme);
}

byId("theme").addEventListener("click", changeTheme);
byId("file").addEventListener("change", () => {
  const input = byId("file", HTMLInputElement);
  const [file] = input.files;
  input.value = "";
  if (file) openFile(file);
});
live.addEventListener("link", showLink);
addEventListener("hashchange", () => !/^#(move=|main$|rows$)/.test(location.hash) && openView());
live.open();
openView();
