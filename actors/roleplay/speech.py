"""A model's text made into a line of one character, or refused.

    thoughts ─► own `Name:` ─► others' `Name:` ─► half stop ─► half sentence ─► mentions ─► refuse or Line
       ▲                                                                          │
       └────────────────────── again, until nothing changes ──────────────────────┘

Every step only takes characters away, so the loop ends and cleaning a cleaned text changes nothing.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from functools import lru_cache

from actors.roleplay.invisible import HIDDEN, MARKS, OVERRIDES, is_drawn
from actors.roleplay.names import COLONS, clean_name
from actors.roleplay.speakers import PERSON, fold, heads

TEXT_CHARACTERS_MAX = 20_000  # ten full messages; what is longer is a model run wild
REPEAT_LINES = 5  # a model that repeats itself does so at once; older lines may come back as an echo
REPEAT_WORDS_MIN = 6  # shorter lines are near copies of each other by chance
REPEAT_RATIO = 0.9  # two long lines that differ in a word or two
HALF_STOP_CHARACTERS_MIN = 3  # "No" alone on the last line is more likely a word than half of "Nora:"


class Reason(StrEnum):
    """Why a text cannot be a line."""

    EMPTY = "empty"
    HTML = "html"
    REPEAT = "repeat"
    REFUSAL = "refusal"


@dataclass(frozen=True, slots=True)
class Line:
    """What the character says; never blank."""

    text: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A text that must not reach the channel: a failed generation."""

    reason: Reason


def clean(
    text: str,
    *,
    name: str,
    others: Sequence[str],
    own_last_lines: Sequence[str],
    cut_by_length: bool,
) -> Line | Refused:
    """Return the text as a line of `name`, or why it is none.

    `others` are the names of all other participants; `own_last_lines` are oldest first.
    The line is never longer than the text, speaks for nobody else and mentions nobody.
    """
    patterns = _Patterns.of(name, others)
    cut_by_length = cut_by_length or len(text) > TEXT_CHARACTERS_MAX
    current = _without_unstorable(text[:TEXT_CHARACTERS_MAX])
    while (shorter := _once(current, patterns, cut_by_length)) != current:
        current = shorter
    if reason := _reason(current, own_last_lines):
        return Refused(reason)
    return Line(current)


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
_THOUGHT = re.compile(r"<(think|thinking|thought|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
# Chat templates that open the thought themselves leave only its end in the answer.
_THOUGHT_END = re.compile(r"\A.*</(?:think|thinking|thought|reasoning)>", re.DOTALL | re.IGNORECASE)
_TEMPLATE_TOKEN = re.compile(
    r"(?:<\|(?:im_|eot|end|start|eom|channel|return)|</s>|\[/?INST\]).*\Z", re.DOTALL | re.IGNORECASE
)
_HALF_TEMPLATE_TOKEN = re.compile(r"(?<!\|)<\|[\w<|]*\Z")
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

    own: re.Pattern[str]
    other: re.Pattern[str] | None
    foreign: frozenset[str]
    half_stops: tuple[str, ...]

    @classmethod
    def of(cls, name: str, others: Sequence[str]) -> "_Patterns":
        foreign = [o.strip() for o in others if o.strip() and o.strip().lower() != name.strip().lower()]
        return cls(
            own=_prefix([name.strip()]) if name.strip() else re.compile(r"(?!)"),
            other=_prefix(foreign) if foreign else None,
            foreign=_folded(name, foreign),
            half_stops=tuple(f"{o}:" for o in foreign),
        )


def _folded(name: str, foreign: Sequence[str]) -> frozenset[str]:
    """What the others are known by, as the prompt names them; a person may be named as the character is."""
    shown = [clean_name(other) for other in foreign]
    people = [other + PERSON for other in (*shown, clean_name(name))]
    return frozenset(map(fold, (*shown, *people))) - {fold(name), fold(clean_name(name))}


def _prefix(names: Sequence[str]) -> re.Pattern[str]:
    either = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    # Models write `Name:`, `**Name**:`, `**Name:**`, `[Name]:` and, in East Asian texts, a wide colon.
    before = rf"(?:[^\S\n]|[>\[#*_{HIDDEN}])*?"
    prefix = rf"{before}(?P<mark>[*_]{{0,3}})\[?(?:{either})[ \t*_\]]*[{COLONS}](?P=mark)?[ \t]*"
    return re.compile(rf"^(?:{prefix})+", re.IGNORECASE | re.MULTILINE)


def _once(text: str, patterns: _Patterns, cut_by_length: bool) -> str:
    text = _without_thoughts(text)
    text = patterns.own.sub("", text)
    text = _before_others(text, patterns)
    text = _without_half_stop(text, patterns, cut_by_length)
    if cut_by_length:
        text = _whole_sentences(text)
    return _without_mentions(text).strip()


def _without_unstorable(text: str) -> str:
    return _UNSTORABLE.sub("", _NEWLINE.sub("\n", text))


def _without_thoughts(text: str) -> str:
    return _TEMPLATE_TOKEN.sub("", _THOUGHT_END.sub("", _THOUGHT.sub("", text)))


def _before_others(text: str, patterns: _Patterns) -> str:
    found = patterns.other.search(text) if patterns.other else None
    lines = (text[: found.start()] if found else text).split("\n")
    # Names written with something between their letters are read as those names, too.
    forged = (at for at, line in enumerate(lines) if any(fold(head) in patterns.foreign for head in heads(line)))
    return "\n".join(lines[: next(forged, len(lines))])


def _without_half_stop(text: str, patterns: _Patterns, cut_by_length: bool) -> str:
    least = 1 if cut_by_length else HALF_STOP_CHARACTERS_MIN
    lines = _HALF_TEMPLATE_TOKEN.sub("", text).rstrip().split("\n")
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
_CANNOT = r"(?:can(?:no|')t|can not|won't|am unable to|am not able to|'m unable to|'m not able to)"
_SORRY = r"(?:(?:i'm|i am|we're)(?: \w+)? sorry|sorry|i apologi[sz]e|apologies|unfortunately)[,.]? (?:but )?"
# What an assistant cannot do and what it calls it. "I'm sorry, but I can't leave the lamp" is a line.
_TASK = (
    r"(?:(?:help|assist)(?: you)? with (?:that|this|your|the request)|assist\b|comply with"
    r"|(?:fulfil|accommodate|complete|process|respond|continue|create|generate|write|produce|provide"
    r"|engage|participate|role-?play)[^.!?]{0,60}"
    r"\b(?:request|content|role-?play|prompt|conversation|material|scenario)s?\b)"
)
_REFUSAL = re.compile(rf"[\s*_]*(?:{_SORRY})?i ?{_CANNOT} {_TASK}", re.IGNORECASE)
_MODEL = r"(?:a\.?i\.?|artificial intelligence|(?:ai |large )?language model|ai (?:assistant|model))"
_AS_AN_AI = re.compile(rf"\b(?:as|i'm|i am)(?: just| only)? an? {_MODEL}(?!\w)", re.IGNORECASE)
_AS_AN_AI_WITHIN = 200  # characters: a refusal begins with it; later it may be a story's own machine


def _reason(text: str, own_last_lines: Sequence[str]) -> Reason | None:
    if not any(map(_is_shown, text)):
        return Reason.EMPTY
    if _HTML.match(text) or _HTML_PAGE.search(text):
        return Reason.HTML
    if any(_is_near_copy(text, line) for line in own_last_lines[-REPEAT_LINES:]):
        return Reason.REPEAT
    if _is_refusal(text.replace("’", "'")):
        return Reason.REFUSAL
    return None


def _is_shown(character: str) -> bool:
    return character not in _MARKDOWN and is_drawn(character)


def _is_near_copy(text: str, line: str) -> bool:
    one, other = normalise(text).casefold(), normalise(line).casefold()
    if one == other:
        return True
    words, other_words = one.split(), other.split()
    if min(len(words), len(other_words)) < REPEAT_WORDS_MIN:
        return False
    matcher = SequenceMatcher(None, words, other_words, autojunk=False)
    return matcher.quick_ratio() >= REPEAT_RATIO and matcher.ratio() >= REPEAT_RATIO


def _is_refusal(text: str) -> bool:
    return bool(_REFUSAL.match(text) or _AS_AN_AI.search(text[:_AS_AN_AI_WITHIN]))
