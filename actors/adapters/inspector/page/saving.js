// Saves a response as a file: from the bot, or from the page's copy while the bot does not answer.

import * as api from "./api.js";
import { h } from "./dom.js";

const FORGET_MS = 60_000; // the download has begun by then

/** A link that saves the response that `held()` returns; with its texts only if `withText`. */
export function saveLink(words, live, held, { withText = false } = {}) {
  const { id } = held();
  const name = `response-${id}${withText ? "-with-texts" : ""}.json`;
  const onclick = (event) => {
    if (live.state !== "lost") return;
    event.preventDefault();
    saveHeld(withText ? held() : withoutTexts(held()), name);
  };
  return h("a", { class: "button plain", href: api.fileOf(id, { withText }), download: name, onclick }, words);
}

function saveHeld(view, name) {
  const url = URL.createObjectURL(new Blob([`${JSON.stringify(view)}\n`], { type: "application/json" }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), FORGET_MS);
}

function withoutTexts({ texts: _, ...view }) {
  return { ...view, exchanges: (view.exchanges ?? []).map(({ texts: __, ...each }) => each), redacted: true };
}
