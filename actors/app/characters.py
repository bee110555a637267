"""Characters: the shipped ones, and those that people bring as Tavern cards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from importlib import resources
from pathlib import Path

from actors.ports import Clock, Store
from actors.roleplay.card import FILE_BYTES_MAX, CardError, read_card
from actors.roleplay.model import Character
from actors.roleplay.names import clean_name


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
