"""The engine of one process: a task for each session with work, and a sweep for what nobody rang.

Failure modes: it keeps nothing. What a crash loses of it, the sweep finds again in the database.
"""

from __future__ import annotations

from typing import Final

import anyio

from actors.ports import Drain, Pending
from actors.roleplay.model import SessionId

SWEEP_S: Final = 2.0
"""How long a session's work may lie that nobody rang for."""


class EmbeddedEngine:
    """The `Engine` port on anyio: one drain at a time for each session; a ring during it means once more."""

    def __init__(self) -> None:
        self._rung: set[SessionId] = set()
        self._running: set[SessionId] = set()
        self._bell = anyio.Event()

    async def ring(self, session_id: SessionId) -> None:
        self._rung.add(session_id)
        self._bell.set()

    async def run(self, drain: Drain, pending: Pending) -> None:
        """Drain every session that is rung or pending, until cancelled. What `drain` raises ends it."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._sweep, pending)
            while True:
                self._bell = anyio.Event()
                for session_id in sorted(self._rung - self._running):
                    self._rung.discard(session_id)
                    self._running.add(session_id)
                    group.start_soon(self._drain, drain, session_id)
                await self._bell.wait()

    async def _sweep(self, pending: Pending) -> None:
        while True:
            # A session that is being drained finds its work by itself; only a ring says that there is more.
            for session_id in set(await pending()) - self._running:
                await self.ring(session_id)
            await anyio.sleep(SWEEP_S)

    async def _drain(self, drain: Drain, session_id: SessionId) -> None:
        try:
            await drain(session_id)
        finally:
            self._running.discard(session_id)
            if session_id in self._rung:
                self._bell.set()
