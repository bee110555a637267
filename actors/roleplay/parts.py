"""Splits a line into parts that Discord accepts: at a paragraph, else a sentence, else a word.

    rest of the text ─► fits? ─► last part
          ▲               └ no ─► cut before a code fence, or at the best break of the window ─► part
          └── behind the cut; marks in which it falls are closed in the one part and opened in the next

Lengths are UTF-16 units. Discord's API counts code points (discord-api-docs issue 1315, answered by its
staff), its clients count UTF-16 units; a text is never shorter in UTF-16, so both limits are kept. An embed takes
4,096, but each try of a line may be one or a plain message: the smaller limit holds for both.
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import islice

from actors.roleplay.invisible import is_blank
from actors.roleplay.marks import BLOCK, FENCE, QUOTE, layout_of, quote_end

PART_UNITS_MAX = 2000  # Discord's limit of a message's content
PARTS_MAX = 4  # for one line: a longer one would fill the channel
LINES_MAX = 60  # one or two screens; a model that repeats a list writes thousands
PART_UNITS_MIN = 64  # room for a fence's two ends, its language, a few marks and some text between them
GRAPHEME_CHARACTERS_MAX = 32  # the longest emoji sequences have ten; a longer run is a prank

_FENCE = re.compile("`{3,}")
_CLOSE = f"\n{FENCE}"
_BLANKS = re.compile(r"\s*")
_NEWLINES = re.compile(r"\n*")
_INDENT_MAX = 64  # an item of a list is not indented deeper
# Kinds of break, best first, each with the share of the window that it must fill to be taken.
_BREAKS = (
    (re.compile(r"\n[^\S\n]*\n"), 0.5),
    (re.compile(r"\n"), 0.5),
    (re.compile(r"[.!?…。！？][\"'”’»)\]*_~|]*(?:\s|(?<=[。！？]))"), 0.25),
    (re.compile(r"\s+"), 0.0),
)
_NATURAL_END = re.compile("|".join(kind.pattern for kind, _ in _BREAKS[1:3]))  # a line's or a sentence's
_JOINER = "\u200d"
_REGIONAL = frozenset(map(chr, range(0x1F1E6, 0x1F200)))  # two of these letters make a flag


def length(text: str) -> int:
    """Return the text's length in UTF-16 units."""
    return len(text) + sum(character > "\uffff" for character in text)


def split(text: str, limit: int = PART_UNITS_MAX) -> tuple[str, ...]:
    """Return the text as parts of at most `limit` UTF-16 units; none for a blank text.

    Invisible characters at a cut are left out: Discord strips some, and refuses a message of only these.

    Spoilers, bold text, quotes and code that are longer than a part are closed at its end and opened again in the
    next one, a fence with its language; a code fence, a link or an emoji that fits is kept in one part.
    """
    if limit < PART_UNITS_MIN:
        raise ValueError(f"limit must be at least {PART_UNITS_MIN}, not {limit}")
    whole = _closed(text.strip())
    if length(whole) <= limit:
        return () if is_blank(whole) else (whole,)
    return _Splitter(_FENCE.sub(FENCE, text.strip()), limit).parts()


def bounded(text: str) -> str:
    """Return the text; of a longer one the `beginning` that LINES_MAX lines and PARTS_MAX parts hold."""
    short = "\n".join(text.split("\n", LINES_MAX)[:LINES_MAX])
    if length(short) <= PART_UNITS_MAX:
        return short
    whole = _FENCE.sub(FENCE, short.strip())
    end = _Splitter(whole, PART_UNITS_MAX).end_of(PARTS_MAX)
    return short if end == len(whole) else beginning(whole, end)


def beginning(text: str, end: int) -> str:
    """Return at most `end` characters of the text, up to the last end of a sentence or line among them, if any."""
    ends = [match.start() + len(match[0].rstrip()) for match in _NATURAL_END.finditer(text, 0, end + 1)]
    return text[: max((each for each in ends if each <= end), default=end)].rstrip()


def _closed(text: str) -> str:
    return text + _CLOSE if len(_FENCE.findall(text)) % 2 else text


class _Splitter:
    """Cuts one text; places are those of its characters."""

    def __init__(self, text: str, limit: int) -> None:
        self._text = text
        self._limit = limit
        self._layout = layout_of(text)

    def parts(self) -> tuple[str, ...]:
        parts: list[str] = []
        hollow: list[str] = []  # of use only where there is nothing else
        for start, end in self._ranges():
            if not is_blank(self._text[start:end]):
                kept = hollow if self._is_hollow(start, end) else parts
                kept.append(self._header(start) + self._bare(start, end) + self._closing(end))
        return tuple(parts or hollow[:1])

    def end_of(self, parts_max: int) -> int:
        """Return where the last of so many parts ends: behind the whole text where they hold it."""
        ranges = list(islice(self._ranges(), parts_max + 1))
        return ranges[parts_max - 1][1] if len(ranges) > parts_max else len(self._text)

    def _ranges(self) -> Iterator[tuple[int, int]]:
        """Return where each part begins and ends, including blank ones."""
        start = 0
        while start < len(self._text):
            end = self._end(start, self._limit - length(self._header(start)))
            yield start, end
            start = self._next_start(end)

    def _header(self, start: int) -> str:
        return "".join(span.opens for span in self._layout.around(start))

    def _is_hollow(self, start: int, end: int) -> bool:
        """Whether a part shows only marks that continue in the next one."""
        place = start
        for span in self._layout.around(end):
            if span.opens and span.opening >= start:
                if not is_blank(self._text[place : span.opening]):
                    return False
                place = span.begin
        return is_blank(self._text[place:end])

    def _bare(self, start: int, end: int) -> str:
        return self._text[start:end].rstrip()

    def _closing(self, place: int) -> str:
        return "".join(span.closes for span in reversed(self._layout.around(place)))

    def _next_start(self, end: int) -> int:
        """Return where the next part begins: marks of which nothing but the end is left were closed in this one."""
        around = list(self._layout.around(end))
        place = end
        while around and around[-1].end <= _past(_BLANKS, self._text, place):
            place = max(place, around.pop().closing)
        is_fenced = any(span.is_fence for span in around)
        place = _past(_NEWLINES if is_fenced else _BLANKS, self._text, place)
        is_quoted = any(span.opens == QUOTE for span in around)
        return quote_end(self._text, place) if is_quoted and self._text[place - 1] == "\n" else place

    # ── where to cut ────────────────────────────────────────────────────────────────────────────────

    def _end(self, start: int, room: int) -> int:
        """Return where the part that begins at `start` ends: behind all of the rest where that fits."""
        text, end = self._text, len(self._text)
        if end - start <= room and length(text[start:] + self._closing(end)) <= room:
            return end
        window = start + _fitting(text[start : start + room], room - self._reserve(start, start + room))
        code = next((span for span in self._layout.around(window) if span.is_code), None)
        is_fenced = code is not None and code.is_fence
        cut = self._legal(start, code.opening) if code is not None and is_fenced else self._best_break(start, window)
        return cut or self._any_break(start, window)

    def _reserve(self, start: int, stop: int) -> int:
        """Return how long the marks can be that a cut in this window has to close."""
        closings = {span.closes for span in (*self._layout.around(start), *self._layout.between(start, stop))}
        return max(len(_CLOSE), sum(map(len, closings)))

    def _best_break(self, start: int, window: int) -> int | None:
        for kind, share in _BREAKS:
            least = start + (window - start) * share
            for end in reversed([match.end() for match in kind.finditer(self._text, start, window)]):
                if end <= least:
                    break
                if any(span.is_code for span in self._layout.around(end)):
                    continue
                place = self._legal(start, end)
                if place is not None and place > least and not self._becomes_a_block(place):
                    return place
        return None

    def _any_break(self, start: int, window: int) -> int:
        """Return a place within code, or within a word."""
        for mark in ("\n", " "):
            found = self._text.rfind(mark, start, window) + 1
            place = self._legal(start, found) if found > start else None
            if place is not None:
                return place
        whole = _whole_grapheme(self._text, start, window)
        return self._legal(start, whole) or whole

    def _becomes_a_block(self, place: int) -> bool:
        """Whether a cut would turn the text after it into a quote, a heading or a list item."""
        follows = self._next_start(place)
        if BLOCK.match(self._text, follows) is None:
            return False
        line = self._text.rfind("\n", max(0, follows - _INDENT_MAX), follows) + 1
        return line == 0 or bool(self._text[line:follows].strip(" >"))

    def _legal(self, start: int, place: int) -> int | None:
        """Return the last place up to `place` where nothing is torn apart and no mark stands without its text."""
        layout = self._layout
        while (bare := start + len(self._bare(start, place))) > start:
            torn = layout.atom_at(place) or layout.atom_at(bare)
            hollow = next((span for span in layout.around(place) if span.begin >= bare), None)
            if torn is not None:
                place = torn[0]
            elif hollow is not None:
                place = hollow.opening
            elif self._text[bare - 1] == "\\" and layout.has_atom(bare - 1, bare):
                place = bare - 1  # it would escape the mark that closes
            else:
                return place
        return None


def _past(blanks: re.Pattern[str], text: str, place: int) -> int:
    found = blanks.match(text, place)
    return found.end() if found else place


def _fitting(text: str, units: int) -> int:
    """Return how many characters of the text have at most this many UTF-16 units."""
    used = 0
    for index, character in enumerate(text):
        used += 2 if character > "\uffff" else 1
        if used > units:
            return index
    return len(text)


def _whole_grapheme(text: str, start: int, window: int) -> int:
    """Return the last place up to `window` that does not tear a drawn character apart."""
    for cut in range(window, max(start, window - GRAPHEME_CHARACTERS_MAX), -1):
        if not _continues(text, start, cut):
            return cut
    return window


def _continues(text: str, start: int, cut: int) -> bool:
    after, before = text[cut : cut + 1], text[cut - 1]
    if not after:
        return False
    is_in_flag = after in _REGIONAL and _regional_run(text, start, cut) % 2 == 1
    is_mark = unicodedata.category(after).startswith("M") or "\U0001f3fb" <= after <= "\U0001f3ff"
    is_tag = "\U000e0020" <= after <= "\U000e007f"
    return is_in_flag or is_mark or is_tag or _JOINER in (before, after)


def _regional_run(text: str, start: int, end: int) -> int:
    """Return how many letters of flags stand directly in front of `end`: an odd number is half a flag."""
    first = end
    while first > start and text[first - 1] in _REGIONAL:
        first -= 1
    return end - first
