// Calls the inspector's API. Every refusal becomes an Error whose message is for the user.

const ROOT = new URL("..", import.meta.url);
const ANSWER_MS = 8000;

/** The address of one of the inspector's paths, served alone or by the playground under /inspector/. */
export const at = (path) => new URL(path, ROOT).href;

async function asked(path, options = {}) {
  let answer;
  try {
    answer = await fetch(at(path), { ...options, signal: AbortSignal.timeout(ANSWER_MS) });
  } catch (error) {
    throw new Error("The bot does not answer.", { cause: error });
  }
  if (answer.status === 401) location.reload(); // the token was changed: the form asks for the new one
  if (!answer.ok) throw new Error((await answer.text()).trim() || `The inspector answered ${answer.status}.`);
  return answer;
}

const json = async (path) => (await asked(path)).json();

const sent = async (method, path, body = {}) =>
  (await asked(path, { method, headers: { "Content-Type": "application/json" }, body: method === "DELETE" ? null : JSON.stringify(body) })).json();

export const fleet = () => json("api/fleet");
export const dependencies = () => json("api/dependencies");
export const sessions = () => json("api/sessions");
export const session = (id) => json(`api/sessions/${encodeURIComponent(id)}`);
export const breakpoints = () => json("api/breakpoints");
export const setBreakpoint = (wanted) => sent("POST", "api/breakpoints", wanted);
export const removeBreakpoint = (id) => sent("DELETE", `api/breakpoints/${id}`);
/** `verb` is "step" or "release"; without a response it applies to all that wait there. */
export const goOn = (id, verb, response) => sent("POST", `api/breakpoints/${id}/${verb}`, response ? { response } : {});
export const machines = () => json("api/machines");
export const response = (id, { withText = false } = {}) => json(`api/responses/${encodeURIComponent(id)}${withText ? "?text=1" : ""}`);
export const responses = (query) => json(`api/responses?${new URLSearchParams(query)}`);
export const drawing = async (name, size) => (await asked(`api/machines/${name}.svg?size=${size}`)).text();
export const pageOf = (id) => at(`responses/${encodeURIComponent(id)}`);
export const fileOf = (id, { withText = false } = {}) => at(`api/responses/${encodeURIComponent(id)}${withText ? "?text=1" : ""}`);
