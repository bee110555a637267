"""The books in the cards of a cast, and those that members gave."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from actors.roleplay.lore.model import Book
from actors.roleplay.lore.reading import book_of, read_book

KEPT_MAX: Final = 256
"""Cards whose books are kept read: as many as the store keeps characters."""


@lru_cache(maxsize=KEPT_MAX)
def book_of_card(card_json: str, character_id: str, name: str) -> Book | None:
    """Return the book in the card of a character; None if it has none, or an empty one."""
    inner = _written(json.loads(card_json))
    if inner is None:
        return None
    book, _ = book_of(inner, book_id=f"card:{character_id}", name=name)
    return book if book.entries else None


def doubts_about_book(card: Mapping[str, Any]) -> tuple[str, ...]:
    """The doubts about the book in a card, a clause each."""
    inner = _written(card)
    if not inner:
        return ()
    _, doubts = book_of(inner, book_id="", name="")
    return tuple(f"its lorebook is odd: {doubt}" for doubt in doubts)


def _written(card: Mapping[str, Any]) -> Mapping[str, Any] | None:
    data = card.get("data")
    fields = data if isinstance(data, dict) and "character_book" in data else card
    inner = fields.get("character_book")
    return inner if isinstance(inner, dict) else None


@lru_cache(maxsize=KEPT_MAX)
def book_of_member(content: str, book_id: str, name: str) -> Book:
    """Return a book that a member gave, and that was read before."""
    book, _ = read_book(content.encode(), book_id=book_id, name=name)
    return replace(book, is_typed=True)
