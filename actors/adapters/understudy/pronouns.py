"""Finds a character's pronouns in the texts of its card, for gestures that no card wrote."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

_WORD: Final = re.compile(r"[^\W\d_]+")
_CLEAR: Final = 2  # times as many: a card also speaks of other people


@dataclass(frozen=True, slots=True)
class Pronouns:
    """The forms that stock gestures use: *their* hands, at *them*self."""

    possessive: str
    reflexive: str


HE: Final = Pronouns("his", "himself")
SHE: Final = Pronouns("her", "herself")
THEY: Final = Pronouns("their", "themself")


def pronouns_of(text: str) -> Pronouns:
    """Return the pronouns that `text` clearly prefers, he's or she's; else they's."""
    counts = Counter(word.lower() for word in _WORD.findall(text))
    he = counts["he"] + counts["him"] + counts["his"] + counts["himself"]
    she = counts["she"] + counts["her"] + counts["hers"] + counts["herself"]
    they = counts["themself"] + counts["they"]  # "them" and "their" are mostly others
    if max(he, she) <= they or max(he, she) < _CLEAR * min(he, she) or he == she:
        return THEY
    return HE if he > she else SHE
