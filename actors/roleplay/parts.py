"""A line in parts that Discord takes: broken at a paragraph, then a sentence, then a word.

    rest of the text ─► fits? ─► last part
          ▲               └ no ─► cut before a code fence, or at the best break of the window ─► part
          └── behind the cut; when that is inside a fence, with the fence opened again

Lengths are UTF-16 units. Discord's API counts code points (discord-api-docs issue 1315, answered by its
staff), its clients count UTF-16 units; a text is never shorter in UTF-16, so both limits are kept.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from actors.roleplay.invisible import is_blank

PART_UNITS_MAX = 2000  # Discord's limit of a message's content
PART_UNITS_MIN = 64  # room for a fence's two ends, its language and some text between them
LANGUAGE_CHARACTERS_MAX = 20  # a longer word behind a fence is text
GRAPHEME_CHARACTERS_MAX = 32  # the longest emoji sequences have ten; a longer run is a prank

_FENCE = re.compile("`{3,}")
_CLOSE = "\n```"
_LANGUAGE = re.compile(rf"[A-Za-z0-9_+\-.#]{{1,{LANGUAGE_CHARACTERS_MAX}}}(?=\n)")
# Kinds of break, best first, each with the share of the window that it must fill to be taken.
_BREAKS = (
    (re.compile(r"\n[^\S\n]*\n"), 0.5),
    (re.compile(r"\n"), 0.5),
    (re.compile(r"[.!?…。！？][\"'”’»)\]*_~|]*(?:\s|(?<=[。！？]))"), 0.25),
    (re.compile(r"\s"), 0.0),
)
_JOINER = "\u200d"
_REGIONAL = frozenset(map(chr, range(0x1F1E6, 0x1F200)))  # two of these letters make a flag


def length(text: str) -> int:
    """Return the text's length in UTF-16 units."""
    return len(text) + sum(character > "\uffff" for character in text)


def join(parts: Sequence[str]) -> str:
    """Return the text of a delivered line, as the history stores it."""
    return "\n".join(parts)


def split(text: str, limit: int = PART_UNITS_MAX) -> tuple[str, ...]:
    """Return the text as parts of at most `limit` UTF-16 units; none for a blank text.

    What stands at a cut and draws nothing is left out: Discord refuses a message of it, and strips some of it.

    A code fence is kept in one part where it fits; a longer one is closed and opened again with its language.
    """
    if limit < PART_UNITS_MIN:
        raise ValueError(f"limit must be at least {PART_UNITS_MIN}, not {limit}")
    whole = _closed(text.strip())
    if length(whole) <= limit:
        return () if is_blank(whole) else (whole,)
    return tuple(part for part in _parts(_FENCE.sub("```", text.strip()), limit) if not is_blank(part))


def _parts(rest: str, limit: int) -> Iterator[str]:
    header = ""  # opens the fence again that the part before had to close
    while rest.strip():
        if length(_closed(header + rest)) <= limit:
            yield _closed(header + rest)
            return
        window = _fitting(rest, limit - length(header) - length(_CLOSE))
        cut = _cut(rest, window, is_fenced=bool(header))
        if not rest[:cut].strip():  # only blanks, inside a fence
            rest = rest[cut:]
            continue
        body = header + rest[:cut].rstrip()
        yield _closed(body)
        header = _open_fence(body)
        rest = rest[cut:].strip("\n").rstrip() if header else rest[cut:].strip()
        if header and rest.lstrip().startswith("```"):  # nothing but its end was left of the fence
            header, rest = "", rest.lstrip()[3:].strip()


def _closed(text: str) -> str:
    return text + _CLOSE if _is_open(text) else text


def _is_open(text: str) -> bool:
    return len(_FENCE.findall(text)) % 2 == 1


def _open_fence(text: str) -> str:
    """Return the line that opens the fence in which the text ends, or nothing."""
    if not _is_open(text):
        return ""
    last = list(_FENCE.finditer(text))[-1]
    language = _LANGUAGE.match(text, last.end())
    return f"```{language.group() if language else ''}\n"


def _fitting(text: str, units: int) -> int:
    """Return how many characters of the text have at most this many UTF-16 units."""
    used = 0
    for index, character in enumerate(text):
        used += 2 if character > "\uffff" else 1
        if used > units:
            return index
    return len(text)


def _cut(text: str, window: int, *, is_fenced: bool) -> int:
    """Return where to end the part: at least 1, at most `window`."""
    fences = [match.start() for match in _FENCE.finditer(text, 0, window + 2)]
    window = next((start for start in fences if start and start < window < start + 3), window)
    fences = [start for start in fences if start + 3 <= window]
    if (len(fences) + is_fenced) % 2 == 0:
        return _best_break(text, window, fences, is_fenced)
    if fences and text[: fences[-1]].strip():
        return fences[-1]
    opening = _end_of_opening(text, fences)
    breaks = [text.rfind(mark, opening, window) for mark in ("\n", " ")]
    return next((found + 1 for found in breaks if found >= opening), _whole_grapheme(text, window))


def _end_of_opening(text: str, fences: Sequence[int]) -> int:
    """Return where a fence's content begins: a break before it would leave an empty fence."""
    if not fences:
        return 1
    language = _LANGUAGE.match(text, fences[-1] + 3)
    return (language.end() if language else fences[-1] + 3) + 1


def _best_break(text: str, window: int, fences: Sequence[int], is_fenced: bool) -> int:
    for kind, share in _BREAKS:
        ends = [match.end() for match in kind.finditer(text, 0, window)]
        for end in reversed(ends):
            is_outside = (sum(start < end for start in fences) + is_fenced) % 2 == 0
            if is_outside and end > window * share and text[:end].strip():
                return end
    return _whole_grapheme(text, window)


def _whole_grapheme(text: str, window: int) -> int:
    """Return the last place up to `window` that does not tear a drawn character apart."""
    for cut in range(window, max(0, window - GRAPHEME_CHARACTERS_MAX), -1):
        if not _continues(text, cut):
            return cut
    return window


def _continues(text: str, cut: int) -> bool:
    after, before = text[cut : cut + 1], text[cut - 1]
    if not after:
        return False
    is_in_flag = after in _REGIONAL and _regional_run(text, cut) % 2 == 1
    is_mark = unicodedata.category(after).startswith("M") or "\U0001f3fb" <= after <= "\U0001f3ff"
    is_tag = "\U000e0020" <= after <= "\U000e007f"
    return is_in_flag or is_mark or is_tag or _JOINER in (before, after)


def _regional_run(text: str, end: int) -> int:
    """Return how many letters of flags stand directly in front of `end`: an odd number is half a flag."""
    start = end
    while start and text[start - 1] in _REGIONAL:
        start -= 1
    return end - start
