"""A model's text made into a line of one character, or refused.

    thoughts ─► end of turn ─► our own notes ─► the own part ─► half stop ─► half sentence ─► mentions ─► Line, Refused
       ▲                                                                                        │
       └─────────────────────────── again, until nothing changes ───────────────────────────────┘

Every step only takes characters away, so the loop ends and cleaning a cleaned text changes nothing. What is refused may
leave something of the character's own behind: a dull line, for whoever finds no better one.
"""

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from actors.roleplay.asides import without_asides
from actors.roleplay.end_marks import before_end
from actors.roleplay.invisible import HIDDEN, MARKS, OVERRIDES, is_drawn
from actors.roleplay.names import COLONS, clean_name
from actors.roleplay.refusals import is_refusal
from actors.roleplay.speakers import PERSON, fold, heads
from actors.roleplay.thoughts import without_thoughts
from machines.reasons import TextReason

TEXT_CHARACTERS_MAX = 20_000  # ten full messages; what is longer is a model run wild
REPEAT_LINES = 5  # a model that repeats itself does so at once; older lines may come back as an echo
REPEAT_WORDS_MIN = 6  # shorter lines are near copies of each other by chance, or are a character's own saying
REPEAT_BYTES_MIN = 60  # the same of languages that are written without blanks
REPEAT_RATIO = 0.9  # two long lines that differ in a word or two
HALF_STOP_CHARACTERS_MIN = 3  # "No" alone on the last line is more likely a word than half of "Nora:"


@dataclass(frozen=True, slots=True)
class Line:
    """What the character says; never blank."""

    text: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A text that must not reach the channel: a failed generation.

    `spare` is what there is of it that is the character's own, and may be said where nothing better comes.
    """

    reason: TextReason
    spare: str = ""


def clean(
    text: str,
    *,
    name: str,
    others: Sequence[str],
    own_last_lines: Sequence[str],
    cut_by_length: bool,
    also: Sequence[str] = (),
    echoes: Collection[str] = (),
    notes: Collection[str] = (),
    of_machine: bool = False,
) -> Line | Refused:
    """Return the text as a line of `name`, or why it is none.

    `others` are the names of all other participants, `also` further names of the speaker; `own_last_lines` are oldest
    first; `echoes` are lines that others said last (`normalise`d), `notes` those of our own in the prompt (`noted`).
    `of_machine`: the character may call itself an AI. The line is never longer than the text, speaks for nobody else
    and mentions nobody.
    """
    patterns = _Patterns.of(name, tuple(also), tuple(others))
    cut_by_length = cut_by_length or len(text) > TEXT_CHARACTERS_MAX
    current = _without_unstorable(text[:TEXT_CHARACTERS_MAX])
    while (shorter := _once(current, patterns, echoes, notes, cut_by_length)) != current:
        current = shorter
    if reason := _reason(current, own_last_lines, of_machine=of_machine):
        return Refused(reason, current if reason == "repeat" else "")
    return Line(current)


def whole_part(text: str) -> str:
    """What of a text that broke off is whole: up to its last sentence; empty where there is none."""
    return _whole_sentences(text) if _SENTENCE_END.search(text) else ""


@lru_cache(maxsize=256)  # the same few lines are compared again and again
def normalise(text: str) -> str:
    """Return the text as it compares: only what draws something, every run of blanks one space.

    Discord may trim and alter what was sent; a sent text and the one it shows are equal in this form.
    """
    visible = "".join(c for c in unicodedata.normalize("NFD", text) if c.isspace() or is_drawn(c))
    return " ".join(unicodedata.normalize("NFC", visible).split())


# The steps

_NEWLINE = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Discord and UTF-8 take none of these. Stripped overrides let `@…everyone` close up, so they go first.
_UNSTORABLE = re.compile(f"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff{OVERRIDES}]")
# Every opener goes, also half ones: whatever is left cannot close up into a new mention.
_LOOSE = f"[{MARKS}{HIDDEN}]*"  # may be stripped from between two letters
_MENTION = re.compile(rf"[ \t]?(?<!<)<+{_LOOSE}@+[!&]?[0-9]*>?")
_PING = re.compile(
    f"(?<!@)@+(?={'|'.join(_LOOSE + _LOOSE.join(word) for word in ('everyone', 'here'))})", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"(?:(?<![.!?…])[.!?…]+[\"'”’»)\]*_~|`]*(?=\s|\Z)|[。！？]+[」』”’）*]*)")


@dataclass(frozen=True, slots=True)
class _Patterns:
    """How the participants' names look at the start of a line."""

    names: tuple[str, ...]
    own: re.Pattern[str]
    other: re.Pattern[str] | None
    foreign: frozenset[str]
    half_stops: tuple[str, ...]

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, name: str, also: tuple[str, ...], others: tuple[str, ...]) -> "_Patterns":
        names = tuple(dict.fromkeys(each.strip() for each in (name, *also) if each.strip()))
        own = {each.lower() for each in names}
        foreign = [o.strip() for o in others if o.strip() and o.strip().lower() not in own]
        return cls(
            names=names,
            own=_prefix(names) if names else re.compile(r"(?!)"),
            other=_prefix(foreign) if foreign else None,
            foreign=_folded(names, foreign),
            half_stops=tuple(f"{o}:" for o in foreign),
        )

    def is_foreign(self, line: str) -> bool:
        """Whether another speaks in the line; names with something between their letters are read as those names."""
        if self.other is not None and self.other.match(line):
            return True
        return any(fold(head) in self.foreign for head in heads(line))


def _folded(names: Sequence[str], foreign: Sequence[str]) -> frozenset[str]:
    """What the others are known by, as the prompt names them; a person may be named as the character is."""
    shown = [clean_name(other) for other in foreign]
    people = [other + PERSON for other in (*shown, *map(clean_name, names))]
    own = {fold(each) for name in names for each in (name, clean_name(name))}
    return frozenset(map(fold, (*shown, *people))) - own


def _prefix(names: Sequence[str]) -> re.Pattern[str]:
    either = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    # Models write `Name:`, `**Name**:`, `**Name:**`, `[Name]:` and, in East Asian texts, a wide colon.
    before = rf"(?:[^\S\n]|[>\[#*_{HIDDEN}])*?"
    prefix = rf"{before}(?P<mark>[*_]{{0,3}})\[?(?:{either})[ \t*_\]]*[{COLONS}](?P=mark)?[ \t]*"
    return re.compile(rf"^(?:{prefix})+", re.IGNORECASE | re.MULTILINE)


def _once(text: str, patterns: _Patterns, echoes: Collection[str], notes: Collection[str], cut_by_length: bool) -> str:
    text = before_end(without_thoughts(text), {name.lower() for name in patterns.names})
    text = without_asides(text, patterns.names, notes)
    text = _own_part(text, patterns, echoes)
    text = _without_half_stop(text, patterns, cut_by_length)
    if cut_by_length:
        text = _whole_sentences(text)
    return _without_mentions(text).strip()


def _without_unstorable(text: str) -> str:
    return _UNSTORABLE.sub("", _NEWLINE.sub("\n", text))


def _own_part(text: str, patterns: _Patterns, echoes: Collection[str]) -> str:
    """The first thing that the speaker says: without its own name, and without what others say before and after."""
    kept: list[str] = []
    is_own = True
    for line in text.split("\n"):
        if own := patterns.own.match(line):
            is_own = True
            line = line[own.end() :]
        if patterns.is_foreign(line):
            if any(each.strip() for each in kept):
                break
            is_own = _is_echo(line, echoes)
        elif is_own:
            kept.append(line)
    return "\n".join(kept)


def _is_echo(line: str, echoes: Collection[str]) -> bool:
    """Whether another's line only repeats what the channel shows: then what follows is not that other's."""
    said = _compared(line)
    return any(said.endswith(echo) for echo in echoes if echo)


def _without_half_stop(text: str, patterns: _Patterns, cut_by_length: bool) -> str:
    least = 1 if cut_by_length else HALF_STOP_CHARACTERS_MIN
    lines = text.rstrip().split("\n")
    while len(lines) > 1 and _is_half_stop(lines[-1], patterns.half_stops, least):
        lines.pop()
    return "\n".join(lines)


def _is_half_stop(line: str, stops: Sequence[str], least: int) -> bool:
    return not line or (len(line) >= least and any(stop.startswith(line) for stop in stops))


def _whole_sentences(text: str) -> str:
    """Return the text up to its last whole sentence; all of it when there is none."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    if not ends or not text[ends[-1] :].strip():
        return text
    whole = text[: ends[-1]]
    if whole.count("*") % 2:  # the cut fell into an *action*: its opening mark would show as a star
        before, _, after = whole.rpartition("*")
        return before + after
    return whole


def _without_mentions(text: str) -> str:
    return _PING.sub("", _MENTION.sub("", text))


# What is no line

_MARKDOWN = frozenset("*_~`|>#-=+\\")
_HTML = re.compile(r"\s*(?:```\w*\s*)?<(?:!doctype\s+html|html|head|body|\?xml)\b", re.IGNORECASE)
_HTML_PAGE = re.compile(r"<html\b.*</html>", re.IGNORECASE | re.DOTALL)


def _reason(text: str, own_last_lines: Sequence[str], *, of_machine: bool) -> TextReason | None:
    if not any(map(_is_shown, text)):
        return "empty"
    if _HTML.match(text) or _HTML_PAGE.search(text):
        return "html"
    if is_refusal(text, of_machine=of_machine):
        return "refusal"
    if any(_is_near_copy(text, line) for line in own_last_lines[-REPEAT_LINES:]):
        return "repeat"
    return None


def _is_shown(character: str) -> bool:
    return character not in _MARKDOWN and is_drawn(character)


def _is_near_copy(text: str, line: str) -> bool:
    one, other = _compared(text), _compared(line)
    words, other_words = one.split(), other.split()
    if len(words) < REPEAT_WORDS_MIN and len(one.encode()) < REPEAT_BYTES_MIN:
        return False
    if one == other:
        return True
    if min(len(words), len(other_words)) < REPEAT_WORDS_MIN:
        return False
    matcher = SequenceMatcher(None, words, other_words, autojunk=False)
    return matcher.quick_ratio() >= REPEAT_RATIO and matcher.ratio() >= REPEAT_RATIO


def _compared(text: str) -> str:
    return normalise(text).casefold()
