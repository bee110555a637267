"""Characters: the shipped ones, and those that people bring as Tavern cards."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Final

from actors.ports import Clock, Store
from actors.roleplay.card import FILE_BYTES_MAX, LABEL_MAX, CardError, read_card
from actors.roleplay.model import Character
from actors.roleplay.names import clean_name

SPECS: Final = ("chara_card_v2", "chara_card_v3")
"""What a card calls its version since the second; the first says nothing."""

TEXTS: Final = (
    "description",
    "personality",
    "scenario",
    "mes_example",
    "system_prompt",
    "post_history_instructions",
)
"""The fields of a card from which a prompt is made, beside the name."""


def character_from(data: bytes, *, filename: str, new_id: str) -> Character:
    """The character in a card file. Raises CardError."""
    card, picture = read_card(data, filename)
    return Character(id=new_id, name=clean_name(card.name), card_json=card.raw, picture=picture)


def read_character(path: Path, *, new_id: str) -> Character:
    """The character in the file at `path`. Raises CardError, for a file that cannot be read as well."""
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)  # one more is refused as too large, without reading it all
    except OSError as error:
        raise CardError(f"{path}: cannot be read ({error.strerror}).") from error
    return character_from(data, filename=path.name, new_id=new_id)


def doubts_of(card_json: str) -> tuple[str, ...]:
    """What is odd about a card that can be read: a clause each, with what comes of it."""
    card, _ = read_card(card_json.encode())
    spec = json.loads(card_json).get("spec", SPECS[0])
    doubts = []
    if spec not in SPECS:
        shown = "".join(filter(str.isprintable, str(spec)))[:LABEL_MAX]
        doubts.append(f"its spec {shown!r} is none that Ensemble knows: it was read as V3, look at it with `show`")
    if not any(getattr(card, name).strip() for name in TEXTS):
        doubts.append("it says nothing about the character: the model will know only the name")
    return tuple(doubts)


def keeping_picture(new: Character, known: Iterable[Character]) -> Character:
    """`new`, with the picture of the one that it replaces where it brings none: JSON can hardly hold one."""
    if new.picture is not None:
        return new
    folded = new.name.casefold()
    return replace(new, picture=next((each.picture for each in known if each.name.casefold() == folded), None))


async def add_shipped(store: Store, clock: Clock) -> None:
    """Give a new database the three characters that ship with Ensemble; whoever deletes them is rid of them."""
    if await store.has_had_characters():
        return
    for entry in sorted(resources.files("actors.app").joinpath("cards").iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".png"):
            character = character_from(entry.read_bytes(), filename=entry.name, new_id=clock.new_id())
            await store.add_character(character, at=clock.now())
