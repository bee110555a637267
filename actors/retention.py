"""Deletes what is kept for a limited time: once at the start and then every hour, a few scenes in each transaction.

Failure modes: none of its own; what one round did not delete, the next one does.
"""

from __future__ import annotations

from typing import Final

import anyio.lowlevel

from actors.ports.deletion import Kept
from actors.reaper import WATCH_S
from actors.services import Services

EVERY_S: Final = 3600.0


class Retention:
    """The actor that keeps the database from remembering longer than the settings say."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def run(self) -> None:
        """Delete, wait, and delete again; never returns."""
        clock = self._services.clock
        while True:
            await self.delete_old()
            await clock.sleep_until(clock.now() + EVERY_S)

    async def delete_old(self) -> None:
        """Delete everything that is too old now."""
        now, rules, store = self._services.clock.now(), self._services.rules, self._services.store
        kept = Kept(_before(now, rules.exchanges_keep_s), _before(now, rules.scenes_keep_s))
        await store.tidy(kept, watched_since=now - WATCH_S)
        while kept.scenes_since is not None and await store.prune(before=kept.scenes_since):
            await anyio.lowlevel.checkpoint()


def _before(now: float, keep_s: float | None) -> float | None:
    return None if keep_s is None else now - keep_s
