"""Read-only port of the journal: responses with their recorded moves, sessions and lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from actors.ports.exchange import Exchange
from actors.roleplay.model import ResponseId, SessionId
from machines.facts import Fact
from machines.response import Limits


@dataclass(frozen=True, slots=True)
class Recorded:
    """One response from the journal; `moves` are (from, to, fact), oldest first, with the lines' text."""

    response_id: ResponseId
    session_id: SessionId
    name: str
    limits: Limits
    moves: tuple[tuple[str, str, Fact], ...]


@dataclass(frozen=True, slots=True)
class LinesInState:
    """How many responses are in a state now; `oldest_at` is when the oldest of them began, None for final states."""

    state: str
    count: int
    oldest_at: float | None = None


@dataclass(frozen=True, slots=True)
class SessionView:
    """One session, with names instead of characters and without text.

    `waiting` counts the messages without a turn. `on_its_way` is the unfinished response; `next_speakers` are the
    speakers of the open turn without a response, in order.
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
class LineView:
    """One line of a history without its text; `response_id` is None for a person's line."""

    kind: str
    name: str
    at: float
    response_id: ResponseId | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A response's position in its session: `turn` and `speaker` count from 1; 0 without a turn."""

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
    """A message confirmed as a part of a line; `part` counts from 1."""

    response_id: ResponseId
    part: int
    parts: int


@dataclass(frozen=True, slots=True)
class HeardMessage:
    """A person's message in the history, and the responses that it caused, oldest first."""

    session_id: SessionId
    starts_turn: bool
    has_turn: bool
    is_deleted: bool  # or edited so that it is no longer part of the scene
    responses: tuple[ResponseId, ...]


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A notice, or an answer to a command; `response_id` is the response that it is about, if any."""

    kind: str
    response_id: ResponseId | None


KnownAs = LineMessage | HeardMessage | OutboxMessage
"""The role of a channel's message for the bot."""


class Journal(Protocol):
    """The queries of the store for viewing responses."""

    async def recorded(self, response_id: ResponseId) -> Recorded | None: ...

    async def recently_recorded(
        self, *, limit: int, state: str | None = None, session_id: SessionId | None = None
    ) -> tuple[Recorded, ...]:
        """At most `limit` responses, newest first."""
        ...

    async def exchanges(self, response_id: ResponseId, *, with_texts: bool = False) -> tuple[tuple[int, Exchange], ...]:
        """(number of the move that followed from it, exchange) of a response, in order; empty if none are stored."""
        ...

    async def lines_by_state(self) -> tuple[LinesInState, ...]:
        """The number of responses in each state that has any."""
        ...

    async def untold_since(self) -> float | None:
        """When the oldest failure happened whose notice is not delivered yet; None if all are delivered."""
        ...

    async def seen_sessions(self, *, limit: int) -> tuple[SessionView, ...]:
        """At most `limit` sessions: open ones first, then the newest."""
        ...

    async def seen_lines(self, session_id: SessionId, *, limit: int) -> tuple[LineView, ...]:
        """The newest `limit` lines of a history, oldest first; empty for an unknown session."""
        ...


class Debugged(Journal, Protocol):
    """The further queries that `/debug` needs for one place."""

    async def standing(self, response_id: ResponseId) -> Standing | None: ...

    async def newest_responses(self, channel_id: int, *, limit: int) -> tuple[ResponseId, ...]:
        """Responses of a channel's newest sessions: unfinished ones first, longest-running first; then the newest."""
        ...

    async def known_as(self, channel_id: int, message_id: int) -> KnownAs | None:
        """The message's role for the bot; None if it has none."""
        ...

    async def seen_session(self, channel_id: int) -> SessionView | None:
        """The open session of a channel, else its newest."""
        ...
