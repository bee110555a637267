"""Knows the characters that draw nothing by themselves: a name or a message of only these is empty.

Discord strips some of them from what it is sent (control characters and direction overrides:
discord-api-docs issue 1189; combining marks beyond about 150 of them: issue 1241) and publishes no list. So
texts are compared without any of them.
"""

import unicodedata
from functools import lru_cache
from typing import Final

BLANK_LETTERS: Final = "\u115f\u1160\u2800\u3164\uffa0"
"""Invisible, although Unicode calls them letters or symbols."""

OVERRIDES: Final = "\u202a-\u202e\u2066-\u2069"
"""Turn the direction of the text behind them; as the inside of a character class."""

MARKS: Final = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f"
"""The combining marks that fit to every letter, and the variation selectors; as the inside of a character class."""

HIDDEN: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f"
    "\u2800\u3164\ufeff\uffa0\U000e0000-\U000e0fff"
)
"""Format characters and blank letters that writers hide between letters; as the inside of a character class."""

_UNDRAWN: Final = frozenset({"Cc", "Cf", "Cs", "Mn", "Me", "Zs", "Zl", "Zp"})


@lru_cache(maxsize=4096)  # asked for each character of each line
def is_drawn(character: str) -> bool:
    """Return whether this character is visible by itself."""
    if character in BLANK_LETTERS or _is_no_character(ord(character)):
        return False
    # Unassigned ones (Cn) are drawn: they are the emoji of a Unicode newer than this Python's.
    return unicodedata.category(character) not in _UNDRAWN


def is_blank(text: str) -> bool:
    """Return whether the text has no visible character."""
    return not any(map(is_drawn, text))


def _is_no_character(number: int) -> bool:
    return number & 0xFFFE == 0xFFFE or 0xFDD0 <= number <= 0xFDEF
