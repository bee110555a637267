"""Looks for the keys of entries in the newest messages and in the texts of entries that fired, and counts the work.

messages, texts ─► segments ─► plain keys, each segment once      a key of one word: whole words, by Unicode
                      └──────► regular expressions, the whole     `match`, given by the adapter
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from actors.roleplay.lore.model import Fill, Match, Pattern, Verdict

CHARACTERS_MAX: Final = 100_000
"""Of messages and of texts that are searched, each: some ten windows."""

WORK_MAX: Final = 100_000_000
"""Characters that the plain keys of one prompt may read: a tenth of a second, three where keys are made to be slow."""

LOOK: Final = 100
"""What a look at a text or an entry costs besides its characters."""

_WRITTEN: Final = re.compile(r"/(.+)/([a-z]*)", re.DOTALL)
_FLAGS: Final = frozenset("gimsu")
_HIDDEN: Final = re.compile(r"\{\{\s*hidden_key\s*::?([^{}]*)\}\}", re.IGNORECASE)
_BARE_SLASH: Final = re.compile(r"(?<!\\)(?:\\\\)*/")
# Scripts without blanks between their words: there, every place is a word's boundary.
_UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_JOINER: Final = "\n\x01"  # SillyTavern's: a regular expression may end at a message with [^\x01]


def pattern_of(key: str) -> Pattern | None:
    """The regular expression that a key `/source/flags` is; None for a plain key."""
    found = _WRITTEN.fullmatch(key)
    if found is None or _BARE_SLASH.search(found[1]) or not _FLAGS.issuperset(found[2]):
        return None
    return Pattern(found[1].replace("\\/", "/"), found[2])


def hidden_keys(text: str) -> str:
    """What a text holds for the keys of other entries only: its macros `hidden_key` (Character Card V3)."""
    return "\n".join(found.strip() for found in _HIDDEN.findall(text))


class _Segment:
    """The newest messages, or an entry's text."""

    __slots__ = ("folded", "plain")

    def __init__(self, plain: str) -> None:
        self.plain = plain
        self.folded = plain.casefold()


class Scan:
    """The texts of one prompt, and what was found in them. Messages are given oldest first."""

    def __init__(self, messages: Sequence[str], match: Match, fill: Fill, slow: frozenset[str]) -> None:
        self._newest = _bounded(messages)
        self._messages: dict[int, _Segment] = {}
        self._texts: list[_Segment] = []
        self._room = CHARACTERS_MAX
        self._match = match
        self._fill = fill
        self._slow = slow
        self._filled: dict[str, str] = {}
        self._found: dict[tuple[str, bool, bool, int], bool] = {}
        self._asked: dict[tuple[str, str], bool] = {}
        self.work = 0
        self.unanswered: dict[str, Verdict] = {}

    @property
    def is_spent(self) -> bool:
        return self.work > WORK_MAX

    @property
    def depth(self) -> int:
        """How many messages there are to search."""
        return len(self._newest)

    def note_look(self) -> None:
        """Count a look at an entry."""
        self.work += LOOK

    def add(self, text: str) -> None:
        """Let the text of an entry that fired be searched as well."""
        if len(text) <= self._room:
            self._room -= len(text)
            self._texts.append(_Segment(text))

    def first(self, keys: Sequence[str], look: Look) -> str | None:
        """The first of the keys that is there."""
        return next((key for key in keys if self.holds(key, look)), None)

    def count(self, keys: Sequence[str], look: Look) -> int:
        """How many of the keys are there."""
        return sum(self.holds(key, look) for key in keys)

    def holds(self, key: str, look: Look) -> bool:
        if self.is_spent:
            return False
        words = self._filled_key(key)
        if not words:
            return False
        pattern = Pattern(words) if look.uses_regex and pattern_of(words) is None else pattern_of(words)
        return self._holds_plain(words, look) if pattern is None else self._holds_pattern(pattern, look)

    def _filled_key(self, key: str) -> str:
        if key not in self._filled:
            self._filled[key] = self._fill.key(key).strip()
        return self._filled[key]

    def _holds_plain(self, words: str, look: Look) -> bool:
        return any(self._in(words, segment, look) for segment in self._segments(look))

    def _in(self, words: str, segment: _Segment, look: Look) -> bool:
        is_whole = look.whole_words and len(words.split()) == 1
        known = words, look.is_case_sensitive, is_whole, id(segment)
        if known not in self._found:
            text, wanted = (segment.plain, words) if look.is_case_sensitive else (segment.folded, words.casefold())
            self.work += LOOK + len(text)
            self._found[known] = self._has_word(text, wanted) if is_whole else wanted in text
        return self._found[known]

    def _has_word(self, text: str, word: str) -> bool:
        at = text.find(word)
        while at >= 0:
            if _is_word(text, at, at + len(word)):
                return True
            self.work += LOOK
            at = text.find(word, at + 1)
        return False

    def _holds_pattern(self, pattern: Pattern, look: Look) -> bool:
        written = str(pattern)
        if written in self._slow:
            self.unanswered[written] = Verdict.SKIPPED
        if written in self.unanswered:
            return False
        text = self._text(look)
        if (written, text) not in self._asked:
            verdict = self._match(pattern, text)
            if verdict not in (Verdict.FOUND, Verdict.ABSENT):
                self.unanswered[written] = verdict
            self._asked[written, text] = verdict is Verdict.FOUND
        return self._asked[written, text]

    def _segments(self, look: Look) -> list[_Segment]:
        """The texts to search; no message with a depth of 0, as in SillyTavern."""
        texts = self._texts if look.with_texts else []
        depth = min(look.depth, self.depth)
        if not depth:
            return texts
        if depth not in self._messages:
            self._messages[depth] = _Segment("\x01" + _JOINER.join(self._newest[:depth]))
        return [self._messages[depth], *texts]

    def _text(self, look: Look) -> str:
        return _JOINER.join(each.plain for each in self._segments(look))


class Look:
    """How the keys of an entry are looked for, and where: in the newest `depth` messages, and in entries' texts."""

    __slots__ = ("depth", "is_case_sensitive", "uses_regex", "whole_words", "with_texts")

    def __init__(
        self, depth: int, *, with_texts: bool, whole_words: bool, is_case_sensitive: bool, uses_regex: bool
    ) -> None:
        self.depth = depth
        self.with_texts = with_texts
        self.whole_words = whole_words
        self.is_case_sensitive = is_case_sensitive
        self.uses_regex = uses_regex


def _bounded(messages: Sequence[str]) -> list[str]:
    """The newest messages first, as many as may be searched."""
    room = CHARACTERS_MAX
    kept: list[str] = []
    for message in reversed(messages):
        room -= len(message)
        if room < 0:
            break
        kept.append(message.strip())
    return kept


def _is_word(text: str, begin: int, end: int) -> bool:
    """Whether what stands here is no part of a longer word."""
    return _is_edge(text[begin - 1 : begin], text[begin]) and _is_edge(text[end : end + 1], text[end - 1])


def _is_edge(outside: str, inside: str) -> bool:
    is_in_word = outside.isalnum() or outside == "_"
    return not is_in_word or _UNSPACED.match(inside) is not None
