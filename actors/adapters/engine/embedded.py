"""Runs the sessions of one process: a task for each session with work, and a sweep for work without a ring.

Failure modes: its state is in memory only. After a crash, the sweep finds the pending work in the database.
"""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Callable
from typing import Final

import anyio

from actors.ports import Drain, Pending
from actors.roleplay.model import SessionId

SWEEP_S: Final = 2.0
"""How long a session's work may wait if no ring announced it."""


SOON_S: Final = 0.001
"""The shortest sleep: a clock that is a rounding error behind must not make it busy."""


class EmbeddedEngine:
    """The `Engine` port on anyio: one drain at a time per session; a ring during a drain causes another one."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._later: list[tuple[float, SessionId]] = []  # a heap
        self._later_bell = anyio.Event()
        self._rung: set[SessionId] = set()
        self._running: set[SessionId] = set()
        self._bell = anyio.Event()

    async def ring(self, session_id: SessionId, at: float | None = None) -> None:
        if at is not None and at > self._now():
            heapq.heappush(self._later, (at, session_id))
            self._later_bell.set()
            return
        self._rung.add(session_id)
        self._bell.set()

    async def run(self, drain: Drain, pending: Pending) -> None:
        """Drain every session that was rung or is pending, until cancelled. An exception of `drain` ends it."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._sweep, pending)
            group.start_soon(self._ring_later)
            while True:
                self._bell = anyio.Event()
                for session_id in sorted(self._rung - self._running):
                    self._rung.discard(session_id)
                    self._running.add(session_id)
                    group.start_soon(self._drain, drain, session_id)
                await self._bell.wait()

    async def _ring_later(self) -> None:
        """Ring sessions at their times."""
        while True:
            self._later_bell = anyio.Event()
            while self._later and self._later[0][0] <= self._now():
                _, session_id = heapq.heappop(self._later)
                await self.ring(session_id)
            wait_s = max(self._later[0][0] - self._now(), SOON_S) if self._later else math.inf
            with anyio.move_on_after(wait_s):
                await self._later_bell.wait()

    async def _sweep(self, pending: Pending) -> None:
        while True:
            # A running drain finds the pending work itself; only a ring requires another drain.
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
