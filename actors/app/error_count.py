"""Stores the number of errors in the log in the database, for `report`.

    log ─► ErrorCounter ─► every 10 s, and once at the end ─► database

Failure modes: a killed process loses what it counted since the last write, at most 10 s; errors that are logged after
the database is closed are lost too. A count that could not be written is kept, and written the next time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import anyio

from actors.adapters.log import ErrorCounter
from actors.adapters.store import SqlStore

WRITE_EVERY_S: Final = 10.0
"""Time between writes; nothing is written without a new error."""


@dataclass(slots=True)
class ErrorCount:
    """`run` writes the count repeatedly; call `write` once more at the end."""

    lines: ErrorCounter
    store: SqlStore
    now: Callable[[], float]
    _has_begun: bool = False

    async def run(self) -> None:
        while True:
            await self.write()
            await anyio.sleep(WRITE_EVERY_S)

    async def write(self) -> None:
        """Write the count since the last write; the first write also records when counting began."""
        counted = self.lines.take()
        if not counted and self._has_begun:
            return
        try:
            with anyio.CancelScope(shield=True):  # a cancelled write still happens: errors would count twice
                await self.store.add_errors(counted, at=self.now())
        except Exception:
            self.lines.give_back(counted)
            raise
        self._has_begun = True
