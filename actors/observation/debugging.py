"""Port for `/debug` and *Who & why*: the Discord adapter asks, the implementation looks things up and answers.

The Discord adapter checks who may ask. The implementation makes sure that no answer is about another server.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from actors.roleplay.model import ResponseId


class AskedIn(Protocol):
    """The place where somebody asks; an answer may only be about this place."""

    @property
    def channel_id(self) -> int: ...

    async def includes(self, channel_id: int) -> bool:
        """Whether the channel is in the same server; in a direct message, whether it is the same channel."""
        ...


@dataclass(frozen=True, slots=True)
class Explained:
    """An answer. `text` fits into one message; `picture` is a PNG, and `path` describes it in words."""

    text: str
    picture: bytes | None = None
    path: str = ""


@dataclass(frozen=True, slots=True)
class Suggested:
    """A response to choose from: its id, and a short description."""

    response_id: ResponseId
    words: str


class Debugger(Protocol):
    """Answers from the running process and the journal. An answer contains no message text and no error text."""

    async def about_response(self, asked_in: AskedIn, response_id: ResponseId | None) -> Explained:
        """Explain a response; without an id, the channel's longest-running one, else its newest."""
        ...

    async def about_session(self, asked_in: AskedIn) -> Explained:
        """Explain the session of this channel."""
        ...

    async def about_fleet(self) -> Explained:
        """Summarise all responses in numbers, the breakers and the connections."""
        ...

    async def about_message(self, asked_in: AskedIn, message_id: int, *, is_ours: bool) -> Explained:
        """Explain who spoke a line of this channel and why, or which responses a person's message caused."""
        ...

    async def suggest(self, asked_in: AskedIn, begins: str) -> tuple[Suggested, ...]:
        """Responses of this channel whose ids begin with `begins`, in the order in which `about_response` chooses."""
        ...
