"""A card's JSON, known to be one: what `card` reads and `card_in_png` chooses among."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actors.roleplay.card_fields import TEXT_FIELDS, CardJson, UnreadableError, fields_of, load
from actors.roleplay.card_kinds import kind_of_list, other_kind


@dataclass(frozen=True, slots=True)
class FoundCard:
    """A card's JSON, where in its file it stood, its fields, and what is odd about it so far."""

    place: str
    json: CardJson
    fields: Mapping[str, Any]
    doubts: tuple[str, ...]


def parsed(place: str, data: bytes) -> FoundCard:
    """The card in JSON bytes. Raises UnreadableError for what is none, named as what it is."""
    try:
        card = load(data, kind_of_list)
    except UnreadableError as error:
        raise _in_lines(data) or error from error
    other = other_kind(card.whole)
    if other is not None:
        raise other
    doubts = list(card.doubts)
    fields = fields_of(card.whole, doubts)
    if not any(isinstance(fields.get(key), str | int | list) and fields[key] for key in TEXT_FIELDS):
        raise UnreadableError("it holds nothing about a character, not even a name")
    return FoundCard(place, card, fields, tuple(doubts))


def _in_lines(data: bytes) -> UnreadableError | None:
    """What a file of JSON lines is, as its first line shows it."""
    first, _, others = data.partition(b"\n")
    if not others or not first.lstrip().startswith(b"{"):
        return None
    try:
        return other_kind(load(first).whole)
    except UnreadableError:
        return None
