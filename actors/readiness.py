"""Readiness: which channels are still to be read since the last READY, and who waits for that.

    READY ─► which channels are to be read ─► each one read ─► done ─► ready, when none is left

A response that is not generated yet waits for its own channel, so that its prompt holds what was said meanwhile.
A resumed connection replays its gap: nobody waits.

Failure modes: a channel that cannot be read is waited for CAUGHT_UP_WAIT_S, once for each READY; then responses there
go on without. Before the first READY, and where another process has the gateway, nobody waits.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import anyio

from actors.dropped import CatchUp

CAUGHT_UP_WAIT_S: Final = 5.0
"""How long a response waits at most (docs of the play: "After READY"); people see nobody type meanwhile."""


class Readiness:
    """Told by the gateway actor; asked by whoever needs to know what was said."""

    def __init__(self) -> None:
        self.reached = anyio.Event()  # some shard was ready: from now on there is somebody to speak to
        self.ready = anyio.Event()  # and every channel was read once
        self._readies = 0
        self._listings = 0  # under way: each READY has its own
        self._are_listed = anyio.Event()  # the channels to read are known
        self._unread: dict[int, tuple[CatchUp, anyio.Event]] = {}
        self._given_up: set[int] = set()  # channels that somebody has waited for in vain

    def begin_listing(self) -> None:
        """After a READY: which channels are to be read is not known until `end_listing`."""
        self._readies += 1
        self._listings += 1
        if self._are_listed.is_set():  # else events wait for it already, some came before READY
            self._are_listed = anyio.Event()
        self._given_up.clear()

    def end_listing(self) -> None:
        self._listings -= 1
        if not self._listings:
            self._are_listed.set()
            self._note_ready()

    def wanted(self, gaps: Iterable[CatchUp]) -> None:
        """These are to be read; of a channel that is being read, it is the new gap that counts."""
        for gap in gaps:
            _, caught_up = self._unread.get(gap.channel_id, (gap, anyio.Event()))
            self._unread[gap.channel_id] = gap, caught_up

    def done(self, gap: CatchUp) -> None:
        """A gap was read, or given up."""
        wanted, caught_up = self._unread.get(gap.channel_id, (None, None))
        if wanted is gap and caught_up is not None:
            del self._unread[gap.channel_id]
            caught_up.set()
        self._note_ready()

    def _note_ready(self) -> None:
        """Ready, if nothing is left to read."""
        if not self._unread and self._are_listed.is_set():
            self.ready.set()

    async def wait_listed(self) -> None:
        """Wait until it is known which channels are to be read."""
        while not self._are_listed.is_set():
            await self._are_listed.wait()

    async def wait_caught_up(self, channel_id: int) -> None:
        """Wait until what was said there before the last READY was heard, CAUGHT_UP_WAIT_S at most."""
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
