r"""Finds where Discord's marks begin and end in a text, and what must not be split.

    text ─► tokens ─► marks that pair, code, quotes, headings ─► spans (a tree)
                 └─► links, emoji, mentions, escapes ─────────► atoms

A mark without its partner is text, as Discord shows it. Nothing begins within code; `***` is both `**` and `*`; what
begins within a quote, a heading or an item of a list ends there. Source: what Discord's clients do
(https://support.discord.com/hc/en-us/articles/210298617, and its own parser, github.com/discord/SimpleAST).
Every step reads the text once: no text costs more than its length.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import Final

from actors.roleplay.invisible import is_blank

FENCE: Final = "```"
QUOTE: Final = "> "
LANGUAGE_CHARACTERS_MAX: Final = 20  # a longer word behind a fence is text
_LABEL_MAX: Final = 500
_RUN_MAX: Final = 3  # a longer run of stars or underscores draws itself

_TOKEN: Final = re.compile(
    r"(?P<fence>`{3,})|(?P<code>`{1,2})|(?P<line>\n)"
    r"|(?P<atom>¯\\_\(ツ\)_/¯"
    r"|\\\S?"  # a backslash and what it escapes
    r"|<(?:a?:\w{2,32}:\d{15,21}|@[!&]?\d{1,21}|\#\d{1,21}|t:-?\d{1,16}(?::[A-Za-z])?|id:\w{1,20}(?::\d{1,21})?"
    r"|/[^\s<>:][^<>:\n]{0,100}:\d{15,21}|https?://[^\s<>]+)>"
    rf"|\[[^\[\]\n]{{1,{_LABEL_MAX}}}\]\(<?https?://[^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)?>?\)"
    r"|https?://[^\s<>*|`~]*[^\s<>*|`~_.,:;!?)\]'\"])"
    r"|(?P<mark>\*+|_+|~~|\|\|)"
)
_RUN: Final = re.compile(r"\*+|_+|~~|\|\|")
_BACKTICKS: Final = re.compile("`+")
_LANGUAGE: Final = re.compile(rf"[A-Za-z0-9_+\-.#]{{1,{LANGUAGE_CHARACTERS_MAX}}}(?=\n)")
_QUOTE: Final = re.compile(r"[ ]*> (?=[^\n])")
_DEEP_QUOTE: Final = re.compile(r"[ ]*>>> ")
_HEADING: Final = re.compile(r"(?:#{1,3}|-#) (?=[^\n])")
_ITEM: Final = re.compile(r"[ ]*(?:[-*+]|\d{1,9}\.) ")
BLOCK: Final = re.compile(r"[ ]*(?:>>> |> |#{1,3} |-# |[-*+] |\d{1,9}\. )")
"""Marks that have a meaning only at the beginning of a line."""


@dataclass(frozen=True, slots=True)
class Span:
    """A pair of marks, or a block: what they enclose is [begin, end), with the marks themselves [opening, closing).

    `opens` and `closes` are what a part that is cut out of it begins and ends with. Code has no marks inside.
    """

    opening: int
    begin: int
    end: int
    closing: int
    opens: str
    closes: str = ""
    is_code: bool = False
    is_fence: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """The spans of a text by their beginnings, each with its parent's place, and its atoms in order."""

    spans: tuple[Span, ...]
    parents: tuple[int, ...]
    atoms: tuple[tuple[int, int], ...]

    def around(self, place: int) -> tuple[Span, ...]:
        """Return the spans around a cut at `place`, the outermost first."""
        index = bisect_right(self.spans, place, key=_begin) - 1
        found: list[Span] = []
        while index >= 0:
            if self.spans[index].end >= place:
                found.append(self.spans[index])
            index = self.parents[index]
        return tuple(reversed(found))

    def between(self, start: int, stop: int) -> tuple[Span, ...]:
        """The spans that begin from `start` on and before `stop`."""
        return self.spans[bisect_left(self.spans, start, key=_begin) : bisect_left(self.spans, stop, key=_begin)]

    def atom_at(self, place: int) -> tuple[int, int] | None:
        """Return the atom that a cut at `place` would split."""
        index = bisect_left(self.atoms, place, key=_start) - 1
        return self.atoms[index] if index >= 0 and place < self.atoms[index][1] else None

    def has_atom(self, start: int, end: int) -> bool:
        index = bisect_left(self.atoms, start, key=_start)
        return index < len(self.atoms) and self.atoms[index] == (start, end)


_begin: Final = attrgetter("begin")
_start: Final = itemgetter(0)


def layout_of(text: str) -> Layout:
    """Return the layout of a text; its code fences are runs of three backticks."""
    scan = _Scan(text)
    scan.run()
    spans = sorted(scan.spans, key=lambda span: (span.begin, -span.end, -span.closing))
    return Layout(tuple(spans), tuple(_parents(spans)), tuple(sorted(scan.atoms)))


def quote_end(text: str, place: int) -> int:
    """Return where the text of a quoted line at `place` begins; else `place`."""
    quoted = _QUOTE.match(text, place)
    return quoted.end() if quoted else place


def _parents(spans: list[Span]) -> Iterator[int]:
    """For each span the place of the one around it, -1 where there is none."""
    chain: list[int] = []
    for index, span in enumerate(spans):
        while chain and spans[chain[-1]].end < span.end:
            chain.pop()
        yield chain[-1] if chain else -1
        chain.append(index)


@dataclass(frozen=True, slots=True)
class _Open:
    """A mark that waits for its partner, or a block whose end has not come."""

    kind: str
    opening: int
    begin: int
    opens: str


_QUOTED: Final = "quote"
_BLOCKS: Final = frozenset({_QUOTED, "deep quote", "heading", "item"})


class _Scan:
    """One pass over a text. At most ten marks and blocks are open at a time: each kind once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.spans: list[Span] = []
        self.atoms: list[tuple[int, int]] = []
        self._open: list[_Open] = []
        self._partners = _partners(text)
        self._fresh = 0  # up to here the line holds nothing but the beginnings of marks and blocks

    def run(self) -> None:
        place = self._begin_line(0)
        while (token := _TOKEN.search(self.text, place)) is not None:
            place = self._take(token)
        self._end_blocks(len(self.text), _BLOCKS)

    def _take(self, token: re.Match[str]) -> int:
        """Handle one token; returns where to go on."""
        start, end = token.span()
        match token.lastgroup:
            case "line":
                return self._end_line(start)
            case "fence":
                return self._fence(start)
            case "code":
                return self._code(start, end)
            case "mark":
                return self._begin_line(end) if self._mark(start, end) and start == self._fresh else end
            case _:
                self.atoms.append((start, end))
        return end

    # ── lines and blocks ────────────────────────────────────────────────────────────────────────────

    def _end_line(self, place: int) -> int:
        begins = place + 1
        quoted = _QUOTE.match(self.text, begins) if self._is_open(_QUOTED) else None
        ended = {"heading"} if quoted else {"heading", _QUOTED}
        if quoted is not None:
            begins = quoted.end()
            self.atoms.append((place, begins))
        self._end_blocks(place, ended if self._goes_on_with_item(begins) else ended | {"item"})
        return self._begin_line(begins) if quoted is None else self._begin_inner(begins)

    def _goes_on_with_item(self, begins: int) -> bool:
        return self.text.startswith("  ", begins) and _ITEM.match(self.text, begins) is None

    def _begin_line(self, place: int) -> int:
        if self._is_open("deep quote"):
            deep = quoted = None
        else:
            deep, quoted = _DEEP_QUOTE.match(self.text, place), _QUOTE.match(self.text, place)
        if deep is not None:
            place = self._begin_block("deep quote", place, deep.end(), ">>> ")
        elif quoted is not None:
            place = self._begin_block(_QUOTED, place, quoted.end(), QUOTE)
        return self._begin_inner(place)

    def _begin_inner(self, place: int) -> int:
        """What may stand within a quote as well."""
        heading, item = _HEADING.match(self.text, place), _ITEM.match(self.text, place)
        if heading is not None:
            place = self._begin_block("heading", place, heading.end(), heading.group())
        elif item is not None:
            place = self._begin_block("item", place, item.end(), "")  # a second bullet would be a second item
        self._fresh = place
        return place

    def _begin_block(self, kind: str, place: int, begin: int, opens: str) -> int:
        self._open.append(_Open(kind, place, begin, opens))
        self.atoms.append((place, begin))
        return begin

    def _end_blocks(self, place: int, kinds: frozenset[str] | set[str]) -> None:
        """End the outermost block of these kinds, and with it what is open within."""
        for depth, each in enumerate(self._open):
            if each.kind in kinds:
                self._shorten(depth, place)
                return

    def _shorten(self, depth: int, place: int) -> None:
        """Forget the marks that are open from `depth` on, since their partner does not come; blocks end here."""
        for each in self._open[depth:]:
            if each.kind in _BLOCKS and each.begin < place:
                self.spans.append(Span(each.opening, each.begin, place, place, each.opens))
        del self._open[depth:]

    def _is_open(self, kind: str) -> bool:
        return any(each.kind == kind for each in self._open)

    # ── code ────────────────────────────────────────────────────────────────────────────────────────

    def _fence(self, start: int) -> int:
        begin = start + len(FENCE)
        language = _LANGUAGE.match(self.text, begin)
        if language is not None:
            begin = language.end()
        end = self._partners.get(start, len(self.text))
        closing = min(end + len(FENCE), len(self.text))
        lead = QUOTE if self._is_open(_QUOTED) else ""
        opens = f"{FENCE}{language.group() if language else ''}\n{lead}"
        begin = min(begin, end)
        self.spans.append(Span(start, begin, end, closing, opens, f"\n{lead}{FENCE}", is_code=True, is_fence=True))
        self.atoms += [(start, begin), (end, closing)]
        return closing

    def _code(self, start: int, begin: int) -> int:
        """Code may be cut but where there are backticks inside: it could not be closed there.

        A mark that began before the code ends with the first of its kind, also within it.
        """
        end = self._partners.get(start)
        inside = self.text[begin:end]
        ending = {kind for run in _RUN.findall(inside) for kind in _kinds(run)} if self._open else ()
        if end is None or any(each.kind in ending for each in self._open):
            return begin
        mark = self.text[start:begin]
        closing = end + len(mark)
        if "`" in inside or not inside.strip():
            self.atoms.append((start, closing))
        else:
            self.spans.append(Span(start, begin, end, closing, mark, mark, is_code=True))
            self.atoms += [(start, begin), (end, closing)]
        return closing

    # ── marks ───────────────────────────────────────────────────────────────────────────────────────

    def _mark(self, start: int, end: int) -> bool:
        """Close the marks that this run closes, else begin what it is; returns whether it begins one."""
        kinds = _kinds(self.text[start:end])
        if not kinds:
            return False
        self.atoms.append((start, end))
        closed = [each for each in reversed(self._open) if each.kind in kinds and self._may_close(each, start, end)]
        for each in closed:
            self._close(each, start, end)
        return not closed and self._begin_marks(kinds, start, end)

    def _may_close(self, mark: _Open, start: int, end: int) -> bool:
        if is_blank(self.text[mark.begin : start]):
            return False
        if mark.kind == "_":
            return not _is_word(self.text[end : end + 1])
        return mark.kind != "*" or not self.text[start - 1].isspace()

    def _close(self, mark: _Open, start: int, end: int) -> None:
        if mark not in self._open:
            return  # it was open within one that is closed by the same run
        depth = self._open.index(mark)
        # Of `***` either mark may be the inner one: the other goes on.
        twins = [each for each in self._open[depth + 1 :] if each.opening == mark.opening]
        self._shorten(depth + 1, start)
        self._open[depth:] = twins
        self.spans.append(Span(mark.opening, mark.begin, start, end, mark.kind, mark.kind))

    def _begin_marks(self, kinds: tuple[str, ...], start: int, end: int) -> bool:
        # A mark that waits and meets one of its kind which cannot close it is text: Discord takes none inside.
        self._open = [each for each in self._open if each.kind not in kinds]
        begins = "*" not in kinds or not self.text[end : end + 1].isspace()
        self._open += [_Open(kind, start, end, kind) for kind in kinds if begins]
        return begins


def _kinds(run: str) -> tuple[str, ...]:
    """The marks that a run of signs is; none where it only draws itself."""
    if len(run) > _RUN_MAX:
        return ()
    return (run[:2], run[:1]) if len(run) == _RUN_MAX else (run,)


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _partners(text: str) -> dict[int, int]:
    """Where each run of backticks is closed: fences in turn, others by the next run of their length before a fence."""
    runs = [match.span() for match in _BACKTICKS.finditer(text)]
    fences = [start for start, end in runs if end - start >= len(FENCE)]
    found = dict(zip(fences[::2], fences[1::2], strict=False))
    next_of: dict[int, int] = {}
    for start, end in reversed(runs):
        if end - start >= len(FENCE):
            next_of.clear()
            continue
        if (end - start) in next_of:
            found[start] = next_of[end - start]
        next_of[end - start] = start
    return found
