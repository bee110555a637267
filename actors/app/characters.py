"""Reads characters from Tavern cards, and adds the shipped ones to a new database."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import IO

from actors.adapters.icon import IconError, shown_icon
from actors.app.named_files import opened
from actors.ports import Clock, Store
from actors.roleplay.card import CardError, read_card_file
from actors.roleplay.model import Character
from actors.roleplay.names import name_key, shown_on_one_line


@dataclass(frozen=True, slots=True)
class Imported:
    """A character read from a card file. Each of `doubts` is a clause: what is odd about the file, and the effect."""

    character: Character
    doubts: tuple[str, ...]


def imported(file: IO[bytes], *, filename: str, new_id: str, name: str = "") -> Imported:
    """Read the character in a card file, under `name` if given. Raises CardError, and whatever `file.read` raises."""
    found = read_card_file(file, filename, name=name, name_if_none=Path(filename).stem)
    picture, doubts = found.picture, found.doubts
    try:
        picture = None if picture is None else shown_icon(picture)
    except IconError as error:
        picture, doubts = None, (*doubts, f"its picture cannot be shown ({error}): it has none")
    character = Character(new_id, shown_on_one_line(found.card.name), found.card.raw, picture)
    return Imported(character, doubts)


def character_from(data: bytes, *, filename: str, new_id: str, name: str = "") -> Imported:
    """Read the character in the bytes of a card file. Raises CardError."""
    return imported(io.BytesIO(data), filename=filename, new_id=new_id, name=name)


def read_character(path: Path, *, new_id: str, name: str = "") -> Imported:
    """Read the character in the file at `path`. Raises CardError, also if the file cannot be read."""
    try:
        with opened(path) as file:
            return imported(file, filename=path.name, new_id=new_id, name=name)
    except OSError as error:
        raise CardError(f"{path}: cannot be read ({error.strerror or error}).") from error


def keeping_picture(new: Character, known: Iterable[Character]) -> Character:
    """Return `new`; if it has no picture, with that of the character it replaces, since JSON cards rarely hold one."""
    if new.picture is not None:
        return new
    this = name_key(new.name), new.server_id
    replaced = next((each for each in known if (name_key(each.name), each.server_id) == this), None)
    return new if replaced is None else replace(new, picture=replaced.picture)


async def add_shipped(store: Store, clock: Clock) -> None:
    """Add the three shipped characters to a new database. Deleted ones are not added again."""
    if await store.has_had_characters():
        return
    for entry in sorted(resources.files("actors.app").joinpath("cards").iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".png"):
            shipped = character_from(entry.read_bytes(), filename=entry.name, new_id=clock.new_id())
            await store.add_character(shipped.character, at=clock.now())
