"""What the page can steer beyond the playground, if the application that starts it fills these in.

The playground knows neither the bot nor its characters: it judges them. So both come as protocols.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

CARD_FIELDS = ("name", "description", "personality", "scenario", "first_mes", "mes_example")
"""What the page shows and edits, under the names of Tavern's V2."""

CARD_BYTES_MAX = 64 * 1024 * 1024
"""Of a card file that comes through the page; its pictures make it large."""


class BotState(StrEnum):
    RUNNING = "running"
    STOPPED = "stopped"
    """Killed, or ended by itself."""


class BotControl(Protocol):
    """The bot's process."""

    @property
    def state(self) -> BotState:
        """Whether the process lives; whether it is connected is the gateway's to say."""

    def watch(self, watcher: Callable[[], None]) -> None:
        """Calls `watcher` after every change of `state`."""

    async def start(self) -> None:
        """Starts it unless it runs."""

    async def kill(self) -> None:
        """Kills it at once, as a power cut would; it is gone when this returns."""


class CardRefused(ValueError):
    """A card that cannot be used, as one sentence for the user."""


@dataclass(frozen=True, slots=True)
class ShownCard:
    """A character's card as the page shows it."""

    name: str
    version: str
    """Changes with every change of the card, so that pictures can be kept by address."""
    has_picture: bool
    fields: dict[str, str]
    """CARD_FIELDS."""
    doubts: tuple[str, ...] = ()
    """What was odd about the file that it was just read from: a clause each, with what comes of it."""


class CardShelf(Protocol):
    """The characters that can be called into a scene."""

    async def list(self) -> Sequence[ShownCard]:
        """Every character, by name."""

    async def picture(self, name: str) -> bytes | None:
        """The character's picture; None without one, or without the character."""

    async def save(self, data: bytes, filename: str) -> ShownCard:
        """Adds the character in a card file; one of the same name is replaced. Raises CardRefused.

        Of a file above CARD_BYTES_MAX only the beginning is given, longer than it: it is to be refused.
        """

    async def edit(self, name: str, fields: dict[str, str]) -> ShownCard:
        """Changes these fields of a character and nothing else of its card. Raises CardRefused."""
