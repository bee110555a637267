// Reads the machines' states from the bot, in its order, once before anything is drawn.

import * as api from "./api.js";

// Without an answer the page still opens: it then says that the connection is lost.
const { machines } = await api.machines().catch(() => ({ machines: {} }));

export const MACHINES = Object.keys(machines);
export const STATES = (machines.response ?? []).map((state) => state.name);

const tones = Object.fromEntries(Object.entries(machines).map(([machine, states]) => [machine, new Map(states.map(({ name, tone }) => [name, tone]))]));

/** A state's tone: work, trouble, good, bad or rest. A state of an older bot may be unknown: rest. */
export const toneOf = (state, machine = "response") => tones[machine]?.get(state) ?? "rest";

/** Whether a response ended as it should. */
export const isWell = (view) => view.is_final && toneOf(view.state) === "good";
