// The machines' states as the bot names them, in its order: read once, before anything is drawn.

import * as api from "./api.js";

// A bot that does not answer has a page all the same: it says itself that the connection is lost.
const { machines } = await api.machines().catch(() => ({ machines: {} }));

export const MACHINES = Object.keys(machines);
export const STATES = (machines.response ?? []).map((state) => state.name);

const tones = Object.fromEntries(Object.entries(machines).map(([machine, states]) => [machine, new Map(states.map(({ name, tone }) => [name, tone]))]));

/** What a state means to whoever looks: work, trouble, good, bad or rest. An older bot's may be unknown. */
export const toneOf = (state, machine = "response") => tones[machine]?.get(state) ?? "rest";

/** Whether a response ended as it should. */
export const isWell = (view) => view.is_final && toneOf(view.state) === "good";
