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


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a response stands in its session: `turn` and `speaker` count from 1; 0 without a turn."""

    response_id: ResponseId
    session_id: SessionId
    channel_id: int
    trigger_id: int
    turn: int
    speaker: int
    speakers: int
    replaces: ResponseId | None


@dataclass(frozen=True, slots=True)
class LineMessage:
    """A message that was confirmed as a part of a line; `part` counts from 1."""

    response_id: ResponseId
    part: int
    parts: int


@dataclass(frozen=True, slots=True)
class HeardMessage:
    """Somebody's message that entered the play, and the responses that it set off, oldest first."""

    session_id: SessionId
    starts_turn: bool
    has_turn: bool
    is_deleted: bool  # or edited out of the play
    responses: tuple[ResponseId, ...]


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A notice, or an answer to a command; `response_id` is of the line that it speaks of, where it does."""

    kind: str
    response_id: ResponseId | None


KnownAs = LineMessage | HeardMessage | OutboxMessage
"""What a message of a channel is to us."""


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

    async def untold_since(self) -> float | None:
        """When the oldest failure happened that nobody was told of yet; None where all are told."""
        ...

    async def seen_sessions(self, *, limit: int) -> tuple[SeenSession, ...]:
        """At most `limit` sessions: those that are open first, then the newest first."""
        ...

    async def seen_lines(self, session_id: SessionId, *, limit: int) -> tuple[SeenLine, ...]:
        """The newest `limit` lines of a history, oldest first; none for a session that is not there."""
        ...


class Debugged(Journal, Protocol):
    """What answering for one place needs besides."""

    async def standing(self, response_id: ResponseId) -> Standing | None: ...

    async def newest_responses(self, channel_id: int, *, limit: int) -> tuple[ResponseId, ...]:
        """Those of a channel's newest sessions: first what is on its way, longest first, then the newest first."""
        ...

    async def known_as(self, channel_id: int, message_id: int) -> KnownAs | None:
        """What this message is to us; None where nothing of ours has to do with it."""
        ...

    async def seen_session(self, channel_id: int) -> SeenSession | None:
        """The open session of a channel, else its newest."""
        ...
