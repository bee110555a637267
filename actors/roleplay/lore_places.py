"""Places the lore that fired in a prompt.

    fixed entries (constant, without conditions)   in the card's text, which is the same in each turn
    all others, before or after the card           in one message behind the example dialogues
    at a depth, around the note                    among the messages of the history
    outlets                                        where a text of the card asks for them

A card's lore stands as its author wrote it. A book that a member gave is quoted as what people write.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, TypeAlias

from actors.roleplay.lore.activation import cut
from actors.roleplay.lore.model import DEPTH, Activation, Book, Fired, Place, Role
from actors.roleplay.model import ChatMessage, Purpose
from actors.roleplay.quotation import quoted
from actors.roleplay.tokens import prompt_tokens

Placed: TypeAlias = Sequence[tuple[int, ChatMessage]]
"""(depth, message) of each, the deepest first."""

HEADING: Final = "# Lore"
NO_LORE: Final = Activation()
_AROUND_CARD: Final = (
    Place.BEFORE_CHARACTER,
    Place.SCENARIO,
    Place.PERSONALITY,
    Place.AFTER_CHARACTER,
    Place.BEFORE_EXAMPLES,
    Place.AFTER_EXAMPLES,
)
_AROUND_NOTE: Final = (Place.NOTE_TOP, Place.NOTE_BOTTOM)
_IN_CARD: Final = frozenset(_AROUND_CARD) - {Place.AFTER_EXAMPLES}
"""Places whose fixed entries are a part of the card's text."""


@dataclass(frozen=True, slots=True)
class LoreFill:
    """Fills keys and texts: `filled` as a card's, `filled_apart` without setting variables."""

    filled: Callable[[str], str]
    filled_apart: Callable[[str], str]
    reserved: AbstractSet[str]

    def key(self, text: str) -> str:
        return self.filled_apart(text)

    def text(self, book: Book, text: str) -> str:
        return quoted(self.filled_apart(text), self.reserved) if book.is_typed else self.filled(text)


def fixed(lore: Activation, *places: Place) -> str:
    """The text of the fixed entries of these places; it is the same in every turn."""
    return _joined(lore.at(*places, is_fixed=True))


def fixed_section(lore: Activation, place: Place) -> str:
    text = fixed(lore, place)
    return f"{HEADING}\n{text}" if text else ""


def behind_examples(lore: Activation) -> tuple[ChatMessage, ...]:
    """The message with all lore around the card that is not in the card's text."""
    changing = lore.at(*_AROUND_CARD, is_fixed=False)
    text = "\n".join(each for each in (fixed(lore, Place.AFTER_EXAMPLES), _joined(changing)) if each)
    return (ChatMessage("system", f"{HEADING}\n{text}", Purpose.LORE),) if text else ()


def at_depths(lore: Activation) -> Placed:
    """The messages for the history; the note's lore stands at the note's depth."""
    found: dict[tuple[int, Role], list[Fired]] = {}
    for each in lore.at(*_AROUND_NOTE):
        found.setdefault((DEPTH, "system"), []).append(each)
    for each in lore.at(Place.AT_DEPTH):
        found.setdefault((each.entry.depth, each.entry.role), []).append(each)
    deepest_first = sorted(found, key=lambda key: -key[0])
    return [(depth, ChatMessage(role, _joined(found[depth, role]), Purpose.LORE)) for depth, role in deepest_first]


def own_messages(lore: Activation, tokens_max: int) -> tuple[Activation, tuple[ChatMessage, ...], Placed, int]:
    """Return the lore whose own messages cost at most `tokens_max`, these messages, and their cost in tokens."""
    lore = cut(lore, _is_message, tokens_max)
    told, placed = behind_examples(lore), at_depths(lore)
    return lore, told, placed, prompt_tokens((*told, *(message for _, message in placed)))


def _is_message(fired: Fired) -> bool:
    """Whether the entry is no part of another text."""
    place = fired.entry.place
    return place is not Place.OUTLET and not (fired.is_fixed and place in _IN_CARD)


def in_history(window: Sequence[ChatMessage], placed: Placed) -> list[ChatMessage]:
    """The messages with lore before the n-th newest of them; depth 0 is behind all."""
    mixed: list[ChatMessage] = []
    for at in range(len(window) + 1):
        depth = len(window) - at
        mixed += [message for wanted, message in placed if wanted == depth or (at == 0 and wanted > depth)]
        mixed += window[at : at + 1]
    return mixed


def _joined(fired: Sequence[Fired]) -> str:
    return "\n".join(each.text for each in fired)
