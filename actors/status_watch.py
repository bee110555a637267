"""Asks Discord's status page when Discord's breaker opens: for the log, and for a clause of the notices.

    breaker opens, or its probe failed ─► ring ─► ask once ─► one line in the log

It stands beside the breaker and decides nothing: a page that hangs, lies or is down itself delays no probe.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import anyio

from actors.ports import Indicator, Noted, Status, StatusPage, StatusUnknown, Trace

ASK_EVERY_S: Final = 30.0
"""The page is asked no more often: a short BREAKER_PAUSE_S is no reason to press somebody else's server."""


class StatusWatch:
    """`run` asks; `ring` says that there is a reason to."""

    def __init__(self, page: StatusPage, trace: Trace, *, is_over: Callable[[], bool]) -> None:
        self._page = page
        self._trace = trace
        self._is_over = is_over
        self._rung = anyio.Event()
        self._indicator: Indicator = "none"

    @property
    def indicator(self) -> Indicator:
        """The page's newest verdict on the outage that goes on; `none` when there is none."""
        return "none" if self._is_over() else self._indicator

    def ring(self) -> None:
        self._rung.set()

    async def run(self) -> None:
        """Ask at each ring, until cancelled."""
        while True:
            await self._rung.wait()
            self._rung = anyio.Event()
            self._indicator = "none"  # a verdict on an earlier outage says nothing about this one
            said = await self._page.read()
            self._note(said)
            await anyio.sleep(ASK_EVERY_S)

    def _note(self, said: Status | StatusUnknown) -> None:
        if isinstance(said, StatusUnknown):
            self._trace.publish(Noted("warning", f"Discord's status page could not be read: {said.reason}."))
            return
        self._indicator = said.indicator
        incidents = "; ".join(said.incidents) or "no incident is named"
        self._trace.publish(Noted("warning", f"Discord's status page says: {said.indicator} ({incidents})."))
