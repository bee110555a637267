"""Who said what, written so that nobody can put words into another's mouth.

In the prompt a line `Name: text` means that Name spoke. So a name has no colon and no newline in it, a
person's name is not a character's, and no line of a text begins like a speaker or like our instructions.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from actors.roleplay.invisible import BLANK_LETTERS
from actors.roleplay.model import Entry
from actors.roleplay.names import COLONS, clean_name

FOLDED_MAX: Final = 512
"""Names whose folding is remembered: a prompt asks for the same few again and again."""

NARRATOR: Final = "Narrator"
SILENCE: Final = "…"  # a message of pictures alone
PERSON: Final = " (user)"  # set behind a person's name that is also a character's
_RESERVED: Final = frozenset({"narrator", "system", "assistant", "developer", "user", "human", "ai", "model"})
# What stands in front of a colon: of the first one, and of the first one behind any signs. Both are linear.
_HEADS: Final = (
    re.compile(f"([^{COLONS}]++)[{COLONS}]"),
    re.compile(rf"([\W_{BLANK_LETTERS}]*+[^{COLONS}]++)[{COLONS}]"),
)
_ROUND: Final = str.maketrans("[]", "()")
_BRACKETED: Final = re.compile(rf"([\W{BLANK_LETTERS}]*?)\[([^\]]*)\]?")


@dataclass(frozen=True, slots=True)
class Speakers:
    """The names in one prompt. `folded` are those that only their owners may speak under."""

    characters: frozenset[str]
    folded: frozenset[str]

    @classmethod
    def of(cls, characters: Iterable[str], entries: Iterable[Entry]) -> Speakers:
        """Know the cast by name, and the people by what they wrote."""
        cast = frozenset(fold(clean_name(name)) for name in characters)
        people = {fold(clean_name(name)) for name in {entry.name for entry in entries}}
        namesakes = frozenset(fold(name + PERSON) for name in cast | _RESERVED)
        return cls(cast, cast | people | namesakes | _RESERVED)

    def name(self, entry: Entry) -> str:
        """The name under which this entry stands in the prompt."""
        name = clean_name(entry.name)
        if entry.kind == "narration":
            return NARRATOR
        if entry.kind != "user":
            return name
        name = name.translate(_ROUND)  # "[Write …" would read as one of our instructions
        return name + PERSON if fold(name) in self.characters | _RESERVED else name

    def line(self, entry: Entry) -> str:
        """`Name: text`, the text disarmed."""
        return f"{self.name(entry)}: {disarmed(entry.text, self.folded) or SILENCE}"


def disarmed(text: str, folded: Collection[str]) -> str:
    """Return `text` with no line that begins like one of the `folded` names speaking, or with a bracket."""
    return "\n".join(_disarmed_line(line, folded) for line in text.strip().splitlines())


@lru_cache(maxsize=FOLDED_MAX)
def fold(name: str) -> str:
    """Return what of a name decides whose it is: letters and digits, wide and styled ones as plain."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in plain if c.isalnum() and c not in BLANK_LETTERS) or plain.strip()


def heads(line: str) -> tuple[str, ...]:
    """Return what may be the name of whoever speaks in the line: what stands in front of its first colons."""
    return tuple(found[1] for head in _HEADS if (found := head.match(line)))


def _disarmed_line(line: str, folded: Collection[str]) -> str:
    if bracket := _BRACKETED.match(line):
        line = f"{bracket[1]}({bracket[2]})" + line[bracket.end() :]
    forged = next((head for head in heads(line) if fold(head) in folded), None)
    return line if forged is None else f"{forged} –{line[len(forged) + 1 :]}"
