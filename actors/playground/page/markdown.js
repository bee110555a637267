// Parses Discord's Markdown into a tree of plain objects. It does not touch the page.
//
//     text ─► blocks: paragraph, heading, subtext, quote, list, code ─► inline: strings and {kind, children}

const DEPTH_MAX = 20; // a message of 4,096 marks must not exhaust the stack
const HEADING = /^(#{1,3}) +(\S.*)$/;
const SUBTEXT = /^-# +(\S.*)$/;
const ITEM = /^( *)([-*]|\d{1,9}\.) +(\S.*)$/;
const LANGUAGE = /^([a-z0-9_+.#-]+)\n/i;

/** The blocks of a message, in order. */
export function parse(text) {
  return blocks(text.replaceAll("\r\n", "\n"), 0);
}

function blocks(text, depth) {
  const found = [];
  let prose = [];
  const flush = () => {
    found.push(...proseBlocks(prose, depth));
    prose = [];
  };
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf("\n", at) === -1 ? text.length : text.indexOf("\n", at);
    const line = text.slice(at, end);
    if (depth === 0 && line.startsWith(">>> ")) {
      flush();
      return [...found, { kind: "quote", blocks: blocks(text.slice(at + 4), 1) }];
    }
    const fence = text.slice(at, end).indexOf("```");
    const code = fence === -1 ? null : readCode(text, at + fence);
    if (code === null) {
      prose.push(line);
      at = end + 1;
      continue;
    }
    if (fence > 0) prose.push(line.slice(0, fence));
    flush();
    found.push(code.block);
    at = code.end + (text[code.end] === "\n" ? 1 : 0);
  }
  flush();
  return found;
}

function readCode(text, at) {
  const close = text.indexOf("```", at + 3);
  const inside = close === -1 ? "" : text.slice(at + 3, close);
  if (!inside.trim()) return null;
  const language = LANGUAGE.exec(inside)?.[1] ?? null;
  const code = (language === null ? inside : inside.slice(language.length + 1)).replace(/^\n+/, "").replace(/\s+$/, "");
  return code ? { block: { kind: "code", language, text: code }, end: close + 3 } : null;
}

function proseBlocks(lines, depth) {
  const found = [];
  for (let at = 0; at < lines.length; ) {
    const count = runOf(lines, at, kindOf(lines[at], depth), depth);
    found.push(proseBlock(kindOf(lines[at], depth), lines.slice(at, at + count)));
    at += count;
  }
  return found.filter((block) => block.kind !== "paragraph" || block.text !== "").map((block) => finished(block));
}

function kindOf(line, depth) {
  if (depth === 0 && line.startsWith("> ")) return "quote";
  if (HEADING.test(line)) return "heading";
  if (SUBTEXT.test(line)) return "subtext";
  return ITEM.test(line) ? "list" : "paragraph";
}

function runOf(lines, start, kind, depth) {
  if (kind === "heading" || kind === "subtext") return 1;
  let end = start + 1;
  while (end < lines.length && kindOf(lines[end], depth) === kind && !(kind === "list" && isOther(lines[start], lines[end]))) end += 1;
  return end - start;
}

/** Whether an item begins another list: numbers after bullets, or bullets after numbers, at the same indent. */
function isOther(first, item) {
  const [, indent, mark] = ITEM.exec(first);
  const [, itemIndent, itemMark] = ITEM.exec(item);
  return itemIndent.length <= indent.length && /\d/.test(mark) !== /\d/.test(itemMark);
}

function proseBlock(kind, lines) {
  switch (kind) {
    case "quote":
      return { kind, blocks: blocks(lines.map((line) => line.slice(2)).join("\n"), 1) };
    case "heading": {
      const [, marks, text] = HEADING.exec(lines[0]);
      return { kind, level: marks.length, text };
    }
    case "subtext":
      return { kind, text: SUBTEXT.exec(lines[0])[1] };
    case "list":
      return listOf(lines.map((line) => ITEM.exec(line)));
    default:
      return { kind, text: lines.join("\n") };
  }
}

/** Builds a list from its items' matches; a more indented item belongs to the item above it. */
function listOf(matches) {
  const indent = matches[0][1].length;
  const ordered = /\d/.test(matches[0][2]);
  const items = [];
  for (let at = 0; at < matches.length; ) {
    let end = at + 1;
    while (end < matches.length && matches[end][1].length > indent) end += 1;
    const inner = matches.slice(at + 1, end);
    items.push({ children: inline(matches[at][3], 0), list: inner.length && items.length < 500 ? listOf(inner) : null });
    at = end;
  }
  return { kind: "list", ordered, start: ordered ? Number.parseInt(matches[0][2], 10) : null, items };
}

function finished(block) {
  return block.text === undefined || block.kind === "code" ? block : { ...block, children: inline(block.text, 0) };
}

// Inline

const PAIRS = [
  ["**", "strong"],
  ["__", "underline"],
  ["~~", "strike"],
  ["||", "spoiler"],
  ["*", "emphasis"],
  ["_", "emphasis"],
];
const ESCAPED = /\\([^0-9A-Za-z\s])/y;
const URL_TEXT = /https?:\/\/[^\s<>]+/y;
const NAMED_LINK = /\[([^[\]\n]+)\]\(<?(https?:\/\/[^\s<>()]+)>?\)/y;
const ANGLE = /<(?:@!?(?<user>\d+)|#(?<channel>\d+)|@&(?<role>\d+)|a?:(?<emoji>\w+):\d+|t:(?<time>-?\d{1,13})(?::(?<style>[tTdDfFR]))?|(?<url>https?:\/\/[^\s<>]+))>/y;
const EVERYBODY = /@(?:everyone|here)\b/y;
const WORD = /[0-9A-Za-z_]/;

function inline(text, depth) {
  const found = [];
  let plain = "";
  const add = (node) => {
    if (plain) found.push(plain);
    plain = "";
    found.push(node);
  };
  for (let at = 0; at < text.length; ) {
    const hit = depth < DEPTH_MAX ? inlineAt(text, at, depth) : null;
    if (hit === null) plain += text[at++];
    else if (typeof hit.node === "string") [plain, at] = [plain + hit.node, hit.end];
    else {
      add(hit.node);
      at = hit.end;
    }
  }
  if (plain) found.push(plain);
  return found;
}

function inlineAt(text, at, depth) {
  switch (text[at]) {
    case "\\":
      return matched(ESCAPED, text, at, ([, mark]) => mark);
    case "`":
      return codeAt(text, at);
    case "<":
      return matched(ANGLE, text, at, ({ groups }) => angleNode(groups));
    case "[":
      return matched(NAMED_LINK, text, at, ([, label, url]) => linkNode(url, inline(label, depth + 1)));
    case "@":
      return matched(EVERYBODY, text, at, ([name]) => ({ kind: "mention", text: name }));
    case "h":
      return at > 0 && WORD.test(text[at - 1]) ? null : urlAt(text, at);
    case "*":
    case "_":
    case "~":
    case "|":
      return pairAt(text, at, depth);
    default:
      return null;
  }
}

function matched(pattern, text, at, build) {
  pattern.lastIndex = at;
  const match = pattern.exec(text);
  const node = match && build(match);
  return node === null ? null : { node, end: at + match[0].length };
}

function codeAt(text, at) {
  const run = runLength(text, at);
  for (let end = text.indexOf("`", at + run); end !== -1; ) {
    const other = runLength(text, end);
    if (other === run) return { node: { kind: "code", text: text.slice(at + run, end) }, end: end + run };
    end = text.indexOf("`", end + other);
  }
  return { node: text.slice(at, at + run), end: at + run };
}

function runLength(text, at) {
  let end = at;
  while (text[end] === "`") end += 1;
  return end - at;
}

function angleNode({ user, channel, role, emoji, time, style, url }) {
  if (user) return { kind: "mention", user };
  if (channel) return { kind: "mention", channel };
  if (role) return { kind: "mention", text: "@role" };
  if (emoji) return { kind: "emoji", name: emoji };
  if (time) return { kind: "time", seconds: Number(time), style: style ?? "f" };
  return linkNode(url, [url]);
}

/** A link if the browser parses the address as http or https; else null. */
function linkNode(url, children) {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol) ? { kind: "link", url, children } : null;
}

function urlAt(text, at) {
  return matched(URL_TEXT, text, at, ([whole]) => ({ whole }))
    ? cutUrl(text, at, URL_TEXT.lastIndex)
    : null;
}

/** The address without the punctuation of the sentence around it. */
function cutUrl(text, at, end) {
  let last = end;
  while (/[.,:;!?'"*_~|\])]/.test(text[last - 1])) {
    const url = text.slice(at, last);
    if (text[last - 1] === ")" && url.split("(").length >= url.split(")").length) break;
    last -= 1;
  }
  const url = text.slice(at, last);
  const node = linkNode(url, [url]);
  return node && { node, end: last };
}

function pairAt(text, at, depth) {
  for (const [mark, kind] of PAIRS) {
    if (!text.startsWith(mark, at)) continue;
    const end = closing(text, at, mark);
    if (end === -1) continue;
    return { node: { kind, children: inline(text.slice(at + mark.length, end), depth + 1) }, end: end + mark.length };
  }
  return null;
}

/** The index at which the mark that opens at `at` is closed; -1 if it is plain text. */
function closing(text, at, mark) {
  const first = at + mark.length;
  if (mark === "*" && /\s/.test(text[first] ?? " ")) return -1;
  if (mark === "_" && at > 0 && WORD.test(text[at - 1])) return -1;
  for (let end = first; end < text.length; end += 1) {
    if (text[end] === "\\") end += 1;
    else if (text[end] === "`") end = codeAt(text, end).end - 1;
    else if (mark.length === 1 && text.startsWith(mark + mark, end)) end += 1;
    else if (text.startsWith(mark, end) && end > first && closesAt(text, end, mark)) return end;
  }
  return -1;
}

function closesAt(text, end, mark) {
  if (mark === "*") return !/\s/.test(text[end - 1]);
  if (mark === "_") return !WORD.test(text[end + 1] ?? " ");
  return mark === "||" || mark === "~~" || text[end + 2] !== mark[0]; // in ***x*** the outer mark is closed last
}
