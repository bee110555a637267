"""Cleans a model's text into a line of one character, or refuses it.

    thoughts ─► end of turn ─► our own notes ─► the own part ─► half stop ─► half sentence ─► mentions ─► links ─► Line
       ▲                                                                                              │
       └─────────── again, until nothing changes ─────────── cut to 60 lines and four parts ◄─────────┘

Every step only removes characters, so the loop ends, and cleaning is idempotent. A refused text may leave a `spare`: a
dull line of the character, for use if there is no better one.
"""

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from actors.roleplay.asides import without_asides
from actors.roleplay.confusables import keys
from actors.roleplay.end_marks import before_end
from actors.roleplay.invisible import HIDDEN, MARKS, OVERRIDES, is_drawn
from actors.roleplay.links import Links, with_links
from actors.roleplay.names import COLONS, clean_name
from actors.roleplay.parts import beginning, bounded
from actors.roleplay.quotation import heads
from actors.roleplay.refusals import is_refusal
from actors.roleplay.speakers import PERSON
from actors.roleplay.thoughts import without_thoughts
from machines.reasons import TextReason

TEXT_CHARACTERS_MAX = 20_000  # ten full messages; a longer text is a model out of control
REPEAT_LINES = 5  # a model that repeats itself does so at once; older lines may come back as an echo
REPEAT_WORDS_MIN = 6  # shorter lines are near copies of each other by chance, or are a character's own saying
REPEAT_BYTES_MIN = 60  # the same of languages that are written without blanks
REPEAT_RATIO = 0.9  # two long lines that differ in a word or two
REPEAT_WORDS_MAX = 300  # of each, compared in their order, which costs up to the cube of their number
HALF_STOP_CHARACTERS_MIN = 3  # "No" alone on the last line is more likely a word than half of "Nora:"


@dataclass(frozen=True, slots=True)
class Line:
    """What the character says; never blank. `is_shortened`: more was written than one line may hold."""

    text: str
    is_shortened: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """A text that must not reach the channel: a failed generation.

    `spare` is the part that is the character's own; it may be used if nothing better comes.
    """

    reason: TextReason
    spare: str = ""
    is_shortened: bool = False


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
    links: Links = Links.TEXT,
) -> Line | Refused:
    """Return the text as a line of `name`, or why it is refused.

    `others` are the names of all other participants, `also` further names of the speaker; `own_last_lines` are oldest
    first; `echoes` are lines that others said last (`normalise`d), `notes` those of our own in the prompt (`noted`).
    `of_machine`: the character may call itself an AI; `links`: what happens to its links. The line is never longer than
    the text, speaks for nobody else and mentions nobody.
    """
    patterns = _Patterns.of(name, tuple(also), tuple(others))
    is_shortened = len(text) > TEXT_CHARACTERS_MAX

    def settled(current: str) -> str:
        while (shorter := with_links(_once(current, patterns, echoes, notes, is_cut), links)) != current:
            current = shorter
        return current

    is_cut = cut_by_length and not is_shortened  # else the server's cut lies behind ours
    whole = _without_unstorable(beginning(text, TEXT_CHARACTERS_MAX) if is_shortened else text)
    current = settled(whole)
    while (shorter := _within_bounds(current)) != current:
        current, is_shortened = settled(shorter), True
    if reason := _reason(current, own_last_lines, of_machine=of_machine):
        return Refused(reason, current if reason == "repeat" else "", is_shortened)
    return Line(current, is_shortened)


def next_heading(
    text: str, *, name: str, others: Sequence[str], also: Sequence[str] = (), echoes: Collection[str] = ()
) -> str:
    """Return the line of somebody else at which `clean` cuts a text; empty if it cuts at none."""
    patterns = _Patterns.of(name, tuple(also), tuple(others))
    is_own, has_own = True, False
    for line in without_thoughts(_without_unstorable(text)).split("\n"):
        if own := patterns.own.match(line):
            is_own, line = True, line[own.end() :]
        if patterns.is_foreign(line):
            if has_own:
                return line
            is_own = _is_echo(line, echoes)
        elif is_own and line.strip():
            has_own = True
    return ""


def is_headed(line: str, names: Sequence[str]) -> bool:
    """Whether a line begins with one of these names, as a speaker's."""
    return bool(names) and _Patterns.of("", (), tuple(names)).is_foreign(line)


def whole_part(text: str) -> str:
    """Return the whole sentences of a text that broke off; empty if there are none."""
    return _whole_sentences(text) if _SENTENCE_END.search(text) else ""


@lru_cache(maxsize=256)  # the same few lines are compared again and again
def normalise(text: str) -> str:
    """Return the text normalised for comparison: visible characters only, every run of blanks one space.

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
_ASIDE = re.compile(r"(?<=[^\s(（])[ \t]{0,8}[(（][^()（）\n]{1,80}[)）]\W{0,8}\Z")  # `Robin (2):`, `Fitch (laughing):`
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
        """Whether another participant speaks in the line, also by a disguised name, or with `(an aside)` behind it."""
        if self.other is not None and self.other.match(line):
            return True
        return any(keys(each) & self.foreign for head in heads(line) for each in (head, _ASIDE.sub("", head)))


def _folded(names: Sequence[str], foreign: Sequence[str]) -> frozenset[str]:
    """The keys of the others' names in the prompt; a person may have the character's name."""
    shown = [clean_name(other) for other in foreign]
    people = [other + PERSON for other in (*shown, *map(clean_name, names))]
    own = frozenset().union(*(keys(each) for name in names for each in (name, clean_name(name))))
    return frozenset().union(*map(keys, (*shown, *people))) - own


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


def _within_bounds(text: str) -> str:
    short = bounded(text)
    return text if short == text else _without_half_action(short)


def _own_part(text: str, patterns: _Patterns, echoes: Collection[str]) -> str:
    """Return the first speech of the speaker, without its name and without what others say before and after."""
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
    """Whether another's line only repeats the channel: then the text after it is not that other's."""
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
    return _without_half_action(text[: ends[-1]])


def _without_half_action(text: str) -> str:
    """Return a text that was cut within an *action* without the opening mark, which would show as a star."""
    if text.count("*") % 2:
        before, _, after = text.rpartition("*")
        return before + after
    return text


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
    if SequenceMatcher(None, words, other_words, autojunk=False).quick_ratio() < REPEAT_RATIO:  # without order: linear
        return False
    first, other_first = words[:REPEAT_WORDS_MAX], other_words[:REPEAT_WORDS_MAX]
    return SequenceMatcher(None, first, other_first, autojunk=False).ratio() >= REPEAT_RATIO


def _compared(text: str) -> str:
    return normalise(text).casefold()
