"""The journal, for those who only look: responses with their recorded moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

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


class Journal(Protocol):
    """What looking at responses needs of the store."""

    async def recorded(self, response_id: ResponseId) -> Recorded | None: ...

    async def recently_recorded(
        self, *, limit: int, state: str | None = None, session_id: SessionId | None = None
    ) -> tuple[Recorded, ...]:
        """At most `limit` responses, newest first."""
        ...

    async def lines_by_state(self) -> tuple[LinesInState, ...]:
        """Every state that a response is in."""
        ...
