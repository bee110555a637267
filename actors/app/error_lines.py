"""The count of the log's ❌ lines, kept in the database for `report`.

    log ─► ErrorLines ─► every 10 s, and once at the end ─► database

Failure modes: a process that is killed loses what it counted since the last time, 10 s at most; so do lines that are
logged after the database was closed. What could not be written is kept, and written the next time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import anyio

from actors.adapters.log import ErrorLines
from actors.adapters.store import SqlStore

WRITE_EVERY_S: Final = 10.0
"""One small write where there is something to write."""


@dataclass(slots=True)
class ErrorLineCount:
    """`run` keeps it up to date; `write` once more at the end."""

    lines: ErrorLines
    store: SqlStore
    now: Callable[[], float]
    _has_begun: bool = False

    async def run(self) -> None:
        while True:
            await self.write()
            await anyio.sleep(WRITE_EVERY_S)

    async def write(self) -> None:
        """Write what was counted since the last time; the first time also that it is counted from now on."""
        counted = self.lines.take()
        if not counted and self._has_begun:
            return
        try:
            with anyio.CancelScope(shield=True):  # a write that is left is carried out, and would be counted twice
                await self.store.add_error_lines(counted, at=self.now())
        except Exception:
            self.lines.give_back(counted)
            raise
        self._has_begun = True
