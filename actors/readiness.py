"""Tracks which channels are not read yet since the last READY, and lets responses wait for theirs.

    READY ─► list the channels to read ─► each one read ─► done ─► ready when none is left

A response that is not generated yet waits for its own channel, so that its prompt holds the messages sent meanwhile.
A resumed connection replays its gap, so no response waits.

Failure modes: if a channel cannot be read, responses there wait CAUGHT_UP_WAIT_S, once for each READY, and then
continue without it. Before the first READY, and if another process has the gateway, no response waits.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import anyio

from actors.gaps import CatchUp

CAUGHT_UP_WAIT_S: Final = 5.0
"""Longest wait of a response for its channel; no typing indicator is shown meanwhile."""


class Readiness:
    """The gateway actor reports progress to it; responses wait on it."""

    def __init__(self) -> None:
        self.reached = anyio.Event()  # a shard was ready once: Discord can be reached
        self.ready = anyio.Event()  # every channel was read once since
        self._readies = 0
        self._listings = 0  # running listings, one for each READY
        self._are_listed = anyio.Event()  # the channels to read are known
        self._unread: dict[int, tuple[CatchUp, anyio.Event]] = {}
        self._given_up: set[int] = set()  # channels for which a response has waited the full time

    def begin_listing(self) -> None:
        """Start after a READY; the channels to read are unknown until `end_listing`."""
        self._readies += 1
        self._listings += 1
        if self._are_listed.is_set():  # if not set, events that came before READY wait on it already
            self._are_listed = anyio.Event()
        self._given_up.clear()

    def end_listing(self) -> None:
        self._listings -= 1
        if not self._listings:
            self._are_listed.set()
            self._note_ready()

    def wanted(self, gaps: Iterable[CatchUp]) -> None:
        """Add gaps to read; for a channel that is being read already, the new gap counts."""
        for gap in gaps:
            _, caught_up = self._unread.get(gap.channel_id, (gap, anyio.Event()))
            self._unread[gap.channel_id] = gap, caught_up

    def done(self, gap: CatchUp) -> None:
        """Note that a gap was read or given up."""
        wanted, caught_up = self._unread.get(gap.channel_id, (None, None))
        if wanted is gap and caught_up is not None:
            del self._unread[gap.channel_id]
            caught_up.set()
        self._note_ready()

    def _note_ready(self) -> None:
        """Set `ready` if no channel is left to read."""
        if not self._unread and self._are_listed.is_set():
            self.ready.set()

    async def wait_listed(self) -> None:
        """Wait until the channels to read are known."""
        while not self._are_listed.is_set():
            await self._are_listed.wait()

    async def wait_caught_up(self, channel_id: int) -> None:
        """Wait until the channel was read since the last READY, at most CAUGHT_UP_WAIT_S."""
        if channel_id in self._given_up or not self.reached.is_set():
            return
        ready = self._readies
        with anyio.move_on_after(CAUGHT_UP_WAIT_S) as patience:
            await self.wait_listed()
            while channel_id in self._unread:
                _, caught_up = self._unread[channel_id]
                await caught_up.wait()
                await self.wait_listed()
        if patience.cancelled_caught and ready == self._readies:
            self._given_up.add(channel_id)
