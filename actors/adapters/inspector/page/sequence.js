// Draws the moves of a response as a sequence diagram.

import { s } from "./dom.js";
import { inSeconds, told } from "./words.js";

const LANES = ["User", "Session", "Response", "Model", "Discord", "Store"];
const GAP = 152;
const LEFT = 118;
const TOP = 46;
const STEP = 30;
const LETTER = 7.1; // px; upper bound of a letter's mean width

const x = (lane) => LEFT + LANES.indexOf(lane) * GAP;
const WIDTH = x("Store") + 70;

// The source of each fact; a fact that is not here happened within the response.
const FROM = {
  Started: "Session",
  Cancelled: "Session",
  Generated: "Model",
  GenerationFailed: "Model",
  Sent: "Discord",
  SentElsewhere: "Discord",
  SendRefused: "Discord",
  SendUnconfirmed: "Discord",
  FoundInChannel: "Discord",
  NotInChannel: "Discord",
  ReadBackFailed: "Discord",
  ReadBackImpossible: "Discord",
};
const TO = { Generate: "Model", Send: "Discord", ReadBack: "Discord", CommitLine: "Store", TakeBack: "Store", Notify: "Store", Announce: "Store", ArmReaper: "Store" };
const BAD = new Set(["GenerationFailed", "SendRefused", "SentElsewhere", "ReadBackFailed", "ReadBackImpossible"]);

/** The diagram as an SVG element. */
export function sequence(view) {
  const rows = view.path.flatMap((move, index) => rowsOf(move, view.path[index - 1]));
  const height = TOP + rows.length * STEP + 24;
  const svg = s("svg", { class: "told", viewBox: `0 0 ${WIDTH} ${height}`, width: WIDTH, height, role: "img", "aria-label": inWords(rows) });
  for (const lane of LANES) svg.append(laneView(lane, height));
  rows.forEach((row, index) => svg.append(rowView(row, TOP + index * STEP + STEP)));
  return svg;
}

/** Makes the rows after move `at` faint, and that move's rows bold. */
export function playTo(svg, at) {
  for (const row of svg.querySelectorAll("[data-seq]")) {
    row.classList.toggle("later", Number(row.dataset.seq) > at);
    row.classList.toggle("current", Number(row.dataset.seq) === at);
  }
}

const inWords = (rows) => `Sequence: ${rows.map((row) => (row.to ? `${row.from} to ${row.to}: ${row.words}` : row.words)).join("; ")}`;

function rowsOf(move, before) {
  const rows = [];
  const time = `+${inSeconds(move.at - (before ?? move).at)}`;
  if (move.fact === "Started") rows.push({ seq: move.seq, from: "User", to: "Session", words: "message", time: "" });
  rows.push({ seq: move.seq, ...factRow(move), time, isMove: true });
  for (const effect of move.effects ?? []) rows.push({ seq: move.seq, ...effectRow(effect, move.at), time: "" });
  return rows;
}

function factRow(move) {
  const fields = move.given ? told(withoutNoise(move.given), move.at) : (move.reason ?? "");
  const words = fields ? `${move.fact}: ${fields}` : move.fact;
  const from = FROM[move.fact];
  return { from: from ?? "Response", to: from ? "Response" : null, words, kind: move.fact === "SendUnconfirmed" ? "lost" : BAD.has(move.fact) ? "bad" : "" };
}

function effectRow({ name, ...fields }, at) {
  const words = told(withoutNoise(fields), at);
  return { from: "Response", to: TO[name] ?? null, words: words ? `${name}: ${words}` : name, kind: "asked" };
}

/** @param {Record<string, any>} fields */
const withoutNoise = ({ message_id: _, message_ids: __, has_nonce: ___, ...fields }) => fields;

function laneView(lane, height) {
  return s("g", { class: "lane" }, s("line", { x1: x(lane), x2: x(lane), y1: TOP - 8, y2: height - 8 }), s("rect", { x: x(lane) - 46, y: 8, width: 92, height: 28, rx: 8 }), s("text", { x: x(lane), y: 27, "text-anchor": "middle" }, lane));
}

function rowView(row, y) {
  const group = s("g", { class: `told-row ${row.kind ?? ""}`, "data-seq": row.seq });
  if (row.time) group.append(s("text", { class: "when", x: 8, y: y + 4 }, row.time));
  group.append(...(row.to ? arrow(row, y) : note(row, y)));
  if (row.isMove) group.append(s("circle", { cx: x("Store"), cy: y, r: 4 }, s("title", {}, `Move ${row.seq} was written`)));
  return group;
}

function arrow(row, y) {
  const [from, to] = [x(row.from), x(row.to)];
  const way = Math.sign(to - from);
  const tip = to - way * 3;
  const middle = (from + to) / 2;
  const parts = [
    s("line", { class: "way", x1: from, x2: tip - way * 7, y1: y, y2: y }),
    s("path", { class: "tip", d: `M${tip} ${y}l${-way * 9} -4.5v9z` }),
    s("text", { class: "words", x: middle, y: y - 5, "text-anchor": "middle" }, short(row.words, 2 * Math.min(middle - LEFT, WIDTH - middle)), s("title", {}, row.words)),
  ];
  if (row.kind === "lost") parts.push(s("path", { class: "cross", d: `M${middle - 5} ${y - 5}l10 10m0 -10l-10 10` }));
  return parts;
}

function note(row, y) {
  const left = x("Response") - 5;
  const words = short(row.words, WIDTH - left - 18);
  const width = words.length * LETTER + 18;
  return [
    s("rect", { class: "note", x: left - 9, y: y - 12, width, height: 23, rx: 6 }),
    s("text", { class: "words", x: left, y: y + 4 }, words, s("title", {}, row.words)),
  ];
}

/** The words, cut to `room` px. */
function short(words, room) {
  const most = Math.floor(room / LETTER);
  return words.length > most ? `${words.slice(0, most - 1)}…` : words;
}
