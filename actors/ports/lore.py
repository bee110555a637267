"""Books of scenes and servers, what a scene remembers of its lore, and what is written with a line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from actors.roleplay.lore.model import Timer
from actors.roleplay.model import OutboxDraft, SessionId


class BookScope(StrEnum):
    SCENE = "scene"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class StoredBook:
    """A book that a member gave; `content` is the JSON of the file. A change makes a new one, with a new id."""

    id: str
    scope: BookScope
    name: str
    content: str
    is_on: bool = True


@dataclass(frozen=True, slots=True)
class Shelf:
    """The books of a scene, oldest first, then those of its server, on or off; None for a channel of no server."""

    server_id: int | None = None
    books: tuple[StoredBook, ...] = ()


@dataclass(frozen=True, slots=True)
class LoreMemory:
    """The timers of lines that stand as they were delivered, with their ages, and keys that took too long.

    `replies` counts the lines of characters; 0 where nobody asked for it.
    """

    timers: tuple[Timer, ...] = ()
    slow_keys: frozenset[str] = frozenset()
    replies: int = 0


@dataclass(frozen=True, slots=True)
class LoreWrites:
    """What is written with the move that a generation led to: new timers count from the message `after_id` on.

    They hold from the line's delivery on, while the line stands as it was delivered; `timers` is None without a text.
    """

    after_id: int
    timers: tuple[Timer, ...] | None = None
    slow_keys: frozenset[str] = frozenset()


class LoreStore(Protocol):
    """The part of the store that is about lore."""

    async def lore_memory(self, session_id: SessionId, *, until: int, counts_replies: bool = False) -> LoreMemory:
        """Return what the scene remembers of its lore, as of the message `until`; replies only if they are counted."""
        ...

    async def books(self, session_id: SessionId | None, channel_id: int) -> Shelf:
        """Return the books of a scene, if there is one, and of the channel's server."""
        ...

    async def keep_book(
        self,
        book: StoredBook,
        *,
        session_id: SessionId | None = None,
        server_id: int | None = None,
        answer: OutboxDraft,
        at: float,
    ) -> bool:
        """Add a book of the scene or of the server in place of one of its name, and answer the command.

        Returns False and writes nothing if the command was answered before.
        """
        ...

    async def switch_book(self, book_id: str, *, is_on: bool, answer: OutboxDraft, at: float) -> bool:
        """Turn a book on or off, and answer the command; False if it was answered before."""
        ...
