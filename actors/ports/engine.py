"""The port that wakes sessions with work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from actors.roleplay.model import SessionId

Drain = Callable[[SessionId], Awaitable[None]]
Pending = Callable[[], Awaitable[Sequence[SessionId]]]


class Engine(Protocol):
    """Wakes sessions, one worker each: every session that was rung for or has pending work is drained eventually.

    Two workers on one session are rare, but possible: the checks of epoch and version refuse the older one.
    """

    async def ring(self, session_id: SessionId, at: float | None = None) -> None:
        """Say that a session has work, now or `at` that time; may be lost or repeated."""
        ...

    async def run(self, drain: Drain, pending: Pending) -> None: ...
