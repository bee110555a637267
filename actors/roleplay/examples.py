"""Example dialogues of a card: `<START>` blocks of `{{char}}:` and `{{user}}:` lines."""

import re
from dataclasses import dataclass

from actors.roleplay.card import Card

_START = re.compile(r"<START>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ExampleLine:
    """One speech of an example dialogue, without its speaker's prefix; macros are still in it."""

    by_character: bool
    text: str


def examples(card: Card) -> tuple[tuple[ExampleLine, ...], ...]:
    """Return the card's dialogues in their order, each a block of speeches; empty blocks are left out.

    A line without a speaker belongs to the speech above it; at a block's start it is the character's.
    """
    blocks = (_block(block, card) for block in _START.split(card.mes_example))
    return tuple(block for block in blocks if block)


def _block(text: str, card: Card) -> tuple[ExampleLine, ...]:
    speeches: list[tuple[bool, list[str]]] = []
    prefix = _prefix(card)
    for line in text.strip().splitlines():
        speaker = prefix.match(line)
        if speaker is None and speeches:
            speeches[-1][1].append(line)
        elif speaker is None:
            speeches.append((True, [line]))
        else:
            speeches.append((speaker["user"] is None, [line[speaker.end() :]]))
    lines = (ExampleLine(by, "\n".join(said).strip()) for by, said in speeches)
    return tuple(line for line in lines if line.text)


def _prefix(card: Card) -> re.Pattern[str]:
    names = "|".join(re.escape(name) for name in {card.name, card.spoken_name})
    user = r"\{\{user\}\}|<user>"
    return re.compile(rf"\s*(?:(?P<user>{user})|\{{\{{char\}}\}}|<char>|<bot>|{names})\s*:\s*", re.IGNORECASE)
