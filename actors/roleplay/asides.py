"""Removes what a small model writes around a line: our notes repeated, labels, and remarks about its work.

Sure! Here is Maren's next line: Aye.          ─►     Aye.
[Write Maren's next line only.] Aye.           ─►     Aye.
Aye. (Note: I kept it short.)                  ─►     Aye.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import Final

NOTE_WORDS_MIN: Final = 3
"""A shorter line of our notes may also be a character's."""

NOTE_WORDS: Final = 5
"""A line with this many first words of a note repeats it, however it continues."""

_SIGNS: Final = r"[\s>*_\"“'#\[(-]{0,20}+"
_SURE: Final = r"(?:(?:sure|okay|ok|certainly|of course|absolutely|alright|understood|got it)\b[^\n:]{0,40}?[!,.:]\s*)?"
_HERE: Final = r"(?:(?:here(?:'s|’s| is| goes| comes)|this is|below is)\s+)?"
_LINE: Final = r"(?:line|response|reply|answer|dialogue|message|turn|post|text|output|speech)s?"
_REST: Final = (
    r"(?:\s+(?:only|would be|could be|might be|is|goes|for|as|in|to|from|of)\b[^\n:]{0,60})?"
    r"\s*[*_\"”]*\s*[:：]\s*[*_\])]*"
)
_LABELLED_TASK: Final = re.compile(
    r"\A\s*(?:sure|okay|certainly|of course|absolutely|alright|here(?:'s|’s| is)|below is)\b[^\n]{0,160}"
    r"\b(?:line|response|reply|answer|dialogue|scene|roleplay|continuation|message|character)\b"
    r"[^\n]{0,80}[:：][*_]*[ \t]*\n",
    re.IGNORECASE,
)
_LABEL_ALONE: Final = re.compile(rf"\A{_SIGNS}(?:{_LINE}|next line)\s*[*_]*\s*[:：][*_\]]*[ \t]*\n", re.IGNORECASE)
_BRACKETED: Final = re.compile(r"[ \t]*[\[(【][^\])】\n]{8,400}[\])】]")
_KIND: Final = (
    r"(?:(?:note|author'?s note|a/n|word count)\s*[:–-]"
    r"|(?:ooc|out[ -]of[ -]character|end of (?:the )?(?:line|response|reply))\b)"
)
_REMARK: Final = re.compile(
    rf"(?:\A|\n)[ \t]*[*_]*[(\[]+\s*[*_]*{_KIND}[^\n]*?[)\]]+[*_]*[ \t]*(?=\n|\Z)"
    rf"|(?<=[.!?…\"”*])[ \t]+[(\[]+{_KIND}[^\n]*[)\]]+[ \t]*(?=\n|\Z)",
    re.IGNORECASE,
)


def without_asides(text: str, names: Sequence[str], notes: Collection[str]) -> str:
    """Return `text` without labels of the speaker (`names`), remarks, and lines of our `notes` (see `noted`)."""
    text = _without_notes(text, notes)
    labels = (_label_of(tuple(names)), _LABELLED_TASK, _LABEL_ALONE)
    while found := next((found for label in labels if (found := label.match(text))), None):
        text = text[found.end() :]
    return _REMARK.sub("", text)


def noted(texts: Iterable[str]) -> frozenset[str]:
    """Return the beginnings of our notes' lines, normalised for comparison."""
    words = (_compared(line).split() for text in texts for line in text.splitlines())
    return frozenset(" ".join(each[:NOTE_WORDS]) for each in words if len(each) >= NOTE_WORDS_MIN)


@lru_cache(maxsize=256)  # of a cast, the same few again and again
def _label_of(names: tuple[str, ...]) -> re.Pattern[str]:
    own = "|".join(re.escape(name) for name in names if name) or r"(?!)"
    whose = rf"(?:(?:{own})(?:'s|’s|'|’)?\s+|(?:the|my|your|their|his|her|its|this) (?:character(?:'s|’s)?\s+)?)"
    next_one = r"(?:(?:next|following|new|own|in-character|final)\s+)*"
    return re.compile(
        rf"\A{_SIGNS}{_SURE}{_SIGNS}{_HERE}{_SIGNS}(?:"
        rf"(?:{own})(?:'s|’s|'|’)\s+{next_one}{_LINE}{_REST}"  # Maren's line:
        rf"|{whose}?next\s+{next_one}{_LINE}{_REST}"  # the next line:
        rf"|(?:{own})(?:'s|’s|'|’)\s+{next_one}{_LINE}\s*[\])]+[*_]*\s*[:：]?"  # [Maren's line]
        rf"|(?:the\s+)?{_LINE}\s+(?:from|as|for|by|of)\s+(?:{own})\s*[*_]*\s*[:：]\s*[*_]*"  # response as Maren:
        rf")\s*",
        re.IGNORECASE,
    )


def _without_notes(text: str, notes: Collection[str]) -> str:
    if not notes:
        return text
    lines = text.split("\n")
    kept = [_behind_note(line, notes) for line in lines]
    return "\n".join(line for line in kept if line is not None)


def _behind_note(line: str, notes: Collection[str]) -> str | None:
    """Return the line without a bracketed note at its beginning; None if all of it is a note."""
    bracketed = _BRACKETED.match(line)
    head = bracketed[0] if bracketed else line
    if " ".join(_compared(head).split()[:NOTE_WORDS]) not in notes:
        return line
    return line[bracketed.end() :].lstrip() if bracketed else None


def _compared(line: str) -> str:
    """Letters and digits alone: models change brackets, quotes and stars."""
    plain = unicodedata.normalize("NFKC", line).casefold()
    return " ".join("".join(c if c.isalnum() else " " for c in plain).split())
