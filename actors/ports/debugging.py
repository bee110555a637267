"""What people who may ask are told of the machines: by whoever looks things up, to whoever passes it on.

Whether somebody may ask is the asking side's to know; that nothing of another place is told, the answering side's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from actors.roleplay.model import ResponseId


class AskedIn(Protocol):
    """The place where somebody asks: what is told has to belong there."""

    @property
    def channel_id(self) -> int: ...

    async def includes(self, channel_id: int) -> bool:
        """Whether this channel is in the same server; in a direct conversation, whether it is that one."""
        ...


@dataclass(frozen=True, slots=True)
class Explained:
    """An answer: `text` fits into one message; `picture` is a PNG, and `path` says in words what it shows."""

    text: str
    picture: bytes | None = None
    path: str = ""


@dataclass(frozen=True, slots=True)
class Suggested:
    """A response that may be meant: its id, and what it is in a few words."""

    response_id: ResponseId
    words: str


class Debugger(Protocol):
    """Answers from the running process and from the journal. Nobody's words are in an answer, and no error's."""

    async def about_response(self, asked_in: AskedIn, response_id: ResponseId | None) -> Explained:
        """This response; without an id the one of this channel that is on its way longest, else its newest."""
        ...

    async def about_session(self, asked_in: AskedIn) -> Explained:
        """The session of this channel."""
        ...

    async def about_fleet(self) -> Explained:
        """All responses in numbers, the breakers and the connections."""
        ...

    async def about_message(self, asked_in: AskedIn, message_id: int, *, is_ours: bool) -> Explained:
        """Who spoke a line of this channel and why, or what somebody's message set off."""
        ...

    async def suggest(self, asked_in: AskedIn, begins: str) -> tuple[Suggested, ...]:
        """Responses of this channel whose ids begin so, as `about_response` would choose them."""
        ...
