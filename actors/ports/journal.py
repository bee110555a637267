"""The journal, for those who only look: responses with their recorded moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from actors.ports.exchange import Exchange
from actors.roleplay.model import ResponseId, SessionId
from machines.facts import Fact
from machines.response import Limits


@dataclass(frozen=True, slots=True)
class Recorded:
    """One response as the journal has it; `moves` are (from, to, fact), oldest first, with the lines' text."""

    response_id: ResponseId
    session_id: SessionId
    name: str
    limits: Limits
    moves: tuple[tuple[str, str, Fact], ...]


@dataclass(frozen=True, slots=True)
class LinesInState:
    """How many responses are in a state now; `oldest_at` is when the first of them began, None for final states."""

    state: str
    count: int
    oldest_at: float | None = None


@dataclass(frozen=True, slots=True)
class SeenSession:
    """One session from outside; names instead of characters, and no text.

    `waiting` messages have no turn yet. `on_its_way` is the response that is not final, `next_speakers` are those of
    the open turn who have no response yet, in order.
    """

    session_id: SessionId
    channel_id: int
    state: str
    opened_at: float
    cast: tuple[str, ...]
    history_length: int
    waiting: int
    on_its_way: ResponseId | None
    next_speakers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeenLine:
    """One line of a history without its text; `response_id` is None where a person spoke."""

    kind: str
    name: str
    at: float
    response_id: ResponseId | None


class Journal(Protocol):
    """What looking at responses needs of the store."""

    async def recorded(self, response_id: ResponseId) -> Recorded | None: ...

    async def recently_recorded(
        self, *, limit: int, state: str | None = None, session_id: SessionId | None = None
    ) -> tuple[Recorded, ...]:
        """At most `limit` responses, newest first."""
        ...

    async def exchanges(self, response_id: ResponseId, *, with_texts: bool = False) -> tuple[tuple[int, Exchange], ...]:
        """(number of the move that came of it, exchange) of a response, in order; none where none is kept."""
        ...

    async def lines_by_state(self) -> tuple[LinesInState, ...]:
        """Every state that a response is in."""
        ...

    async def seen_sessions(self, *, limit: int) -> tuple[SeenSession, ...]:
        """At most `limit` sessions: those that are open first, then the newest first."""
        ...

    async def seen_lines(self, session_id: SessionId, *, limit: int) -> tuple[SeenLine, ...]:
        """The newest `limit` lines of a history, oldest first; none for a session that is not there."""
        ...
