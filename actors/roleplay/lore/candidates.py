"""An entry on its way through a pass."""

from __future__ import annotations

from dataclasses import dataclass

from actors.roleplay.lore.model import Book, LoreEntry


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """An entry of a book with what its timers say; `index` counts through all books."""

    book: Book
    entry: LoreEntry
    index: int
    is_sticky: bool = False
    is_cooling: bool = False
    has_matched: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """A candidate that may fire: by what, and its filled text with its cost."""

    candidate: Candidate
    by: str
    text: str = ""
    tokens: int = 0
