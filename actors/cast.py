"""The members of a cast, read from their cards: what the turn orders know of them."""

from __future__ import annotations

from functools import lru_cache

from actors.roleplay.addressing import Addressee
from actors.roleplay.card import Card, kept_card
from actors.roleplay.model import Character
from actors.roleplay.turns import TALKATIVENESS, Member


@lru_cache(maxsize=256)
def card_of(card_json: str) -> Card:
    """Parse the card in a character's row; it was checked at import."""
    return kept_card(card_json)


def member_of(character: Character) -> Member:
    """Return a character as the turn orders see it: by its name, its card's name, nickname and aliases."""
    card = card_of(character.card_json)
    names = dict.fromkeys((character.name, card.name, card.nickname, *card.aliases))
    by = Addressee(character.id, tuple(name for name in names if name))
    return Member(by, TALKATIVENESS if card.talkativeness is None else card.talkativeness)
