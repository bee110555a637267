"""Port of the characters in the database: those of the operator, and those of single servers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from actors.roleplay.model import Character, CharacterId


@dataclass(frozen=True, slots=True)
class KnownCharacter:
    """A current version by id and name: cards and pictures have megabytes."""

    id: CharacterId
    name: str


class CharacterStore(Protocol):
    """The characters; a name has one current version for the operator, and one for each server."""

    async def characters(self) -> tuple[Character, ...]:
        """Return the current version of each character, by name."""
        ...

    async def known_in(self, server_id: int | None) -> tuple[KnownCharacter, ...]:
        """Return the characters that a server sees, by name: its own, and the operator's of other names."""
        ...

    async def versions(self, ids: Sequence[CharacterId]) -> tuple[Character, ...]:
        """Return these versions, in this order. Raises LookupError for an unknown id."""
        ...

    async def has_had_characters(self) -> bool:
        """Whether the database ever had a character, including deleted ones."""

    async def add_character(self, character: Character, *, at: float) -> bool:
        """Add a version; True if it replaces a character of that name (compared without case) and server."""
        ...

    async def delete_character(self, name: str, server_id: int | None = None) -> CharacterId | None:
        """Delete a character of a server, or of the operator; running sessions keep theirs. None if there is none."""
        ...
