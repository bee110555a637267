"""Defines protocols for what the page controls beyond the playground: the bot's process and its characters.

The application that starts the playground may implement them. The playground imports neither the bot nor its
characters, because it judges them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

CARD_FIELDS = ("name", "description", "personality", "scenario", "first_mes", "mes_example")
"""The fields of a card that the page shows and edits, with their names in Tavern's V2 format."""

CARD_BYTES_MAX = 64 * 1024 * 1024
"""Limit of a card file uploaded through the page; pictures make it large."""


class BotState(StrEnum):
    RUNNING = "running"
    STOPPED = "stopped"
    """Killed or exited."""


class BotControl(Protocol):
    """The bot's process."""

    @property
    def state(self) -> BotState:
        """Whether the process is running; the gateway knows whether it is connected."""

    def watch(self, watcher: Callable[[], None]) -> None:
        """Calls `watcher` after every change of `state`."""

    async def start(self) -> None:
        """Starts the process unless it is running."""

    async def kill(self) -> None:
        """Kills the process at once, as a power cut would; it has ended when this returns."""


class CardRefused(ValueError):
    """A card cannot be used; the message is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class ShownCard:
    """A character's card as the page shows it."""

    name: str
    version: str
    """Changes with every change of the card, so that pictures can be cached by URL."""
    has_picture: bool
    fields: dict[str, str]
    """Keys: CARD_FIELDS."""
    doubts: tuple[str, ...] = ()
    """Problems of the file that was just read: one clause each, with its consequence."""


class CardShelf(Protocol):
    """The characters that can be brought into a scene."""

    async def list(self) -> Sequence[ShownCard]:
        """Every character, ordered by name."""

    async def picture(self, name: str) -> bytes | None:
        """The character's picture; None if it has none, or if the character does not exist."""

    async def save(self, data: bytes, filename: str) -> ShownCard:
        """Adds the character of a card file; replaces one of the same name. Raises CardRefused.

        A file above CARD_BYTES_MAX is passed truncated, but still longer than that: refuse it.
        """

    async def edit(self, name: str, fields: dict[str, str]) -> ShownCard:
        """Changes only these fields of a character's card. Raises CardRefused."""
