// Calls the control API. Every refusal becomes an Error whose message is for the user.

/**
 * `about` is a file's name: a message that begins with it keeps its case.
 * @param {string} method
 * @param {string} path
 * @param {{json?: object, body?: Blob, about?: string}} [content]
 */
async function call(method, path, { json, body, about } = {}) {
  const headers = json === undefined ? {} : { "Content-Type": "application/json" };
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: json === undefined ? body : JSON.stringify(json) });
  } catch (error) {
    throw new Error("The playground does not answer. Is it still running?", { cause: error });
  }
  const given = answer.headers.get("Content-Type")?.startsWith("application/json") ? await answer.json() : null;
  if (!answer.ok) throw new Error(sentence(given?.message ?? `The playground answered ${answer.status}`, about));
  return given;
}

const sentence = (words, about) => (about && words.startsWith(about) ? words : words.charAt(0).toUpperCase() + words.slice(1)) + (/[.!?]$/.test(words) ? "" : ".");

export const say = (channel, user, text, replyTo) =>
  call("POST", "/_control/messages", { json: { channel, user, text, ...(replyTo ? { reply_to: replyTo } : {}) } });
export const edit = (id, text) => call("PATCH", `/_control/messages/${id}`, { json: { text } });
export const remove = (id) => call("DELETE", `/_control/messages/${id}`);
export const react = (message, user, emoji, on) => call("POST", "/_control/reactions", { json: { message, user, emoji, on } });
export const press = (message, user, button) => call("POST", "/_control/presses", { json: { message, user, button } });
export const command = (channel, user, text) => call("POST", "/_control/commands", { json: { channel, user, text } });
export const complete = (channel, user, text) => call("POST", "/_control/commands", { json: { channel, user, text, completes: true } });
export const choose = (message, user, name) => call("POST", "/_control/choices", { json: { message, user, command: name } });
export const earlier = (channel, before) => call("GET", `/_control/earlier?channel=${channel}&before=${before}`);
export const addChannel = (name) => call("POST", "/_control/channels", { json: { name } });
export const addThread = (channel, name, user) => call("POST", "/_control/threads", { json: { channel, name, user } });
export const setFaults = (faults, seed) => call("PUT", "/_control/faults", { json: { faults, seed } });
export const setModelFaults = (faults, seed) => call("PUT", "/_control/model_faults", { json: { faults, seed } });
export const steerBot = (what) => call("POST", "/_control/bot", { json: { do: what } });
export const waitHeld = () => call("GET", "/_control/hold?timeout_s=120");
export const cards = () => call("GET", "/_control/cards");
export const addCard = (file) => call("POST", `/_control/cards?filename=${encodeURIComponent(file.name)}`, { body: file, about: file.name });
export const editCard = (name, fields) => call("PATCH", `/_control/cards/${encodeURIComponent(name)}`, { json: fields });
/** The path of the bot's inspector on this server; it answers 204 while the bot is down. */
export const ofInspector = (path) => `/_control/inspector/${path}`;
export const inspected = (path) => call("GET", ofInspector(path));

/** The address of a character's picture; the version gives a changed picture a new address. */
export const pictureOf = (card) =>
  card.has_picture ? `/_control/cards/${encodeURIComponent(card.name)}/picture?v=${encodeURIComponent(card.version)}` : null;
