"""The doorbell."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from actors.roleplay.model import SessionId

Drain = Callable[[SessionId], Awaitable[None]]
Pending = Callable[[], Awaitable[Sequence[SessionId]]]


class Engine(Protocol):
    """A doorbell with mutual exclusion: every rung or pending session is drained eventually.

    Normally by one worker at a time; it does not promise exactly one: epoch and version guard that.
    """

    async def ring(self, session_id: SessionId) -> None:
        """Say that a session has work; may be lost or repeated."""
        ...

    async def run(self, drain: Drain, pending: Pending) -> None: ...
