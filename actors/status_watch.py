"""Reads Discord's status page when there is a reason: for the log, `!status`, the notices and Discord's breaker.

    start, a new connection ──────────────┐
    too many writes fail ─────────────────┤
    the breaker holds lines ──────────────┼─► ask ─► one line in the log, if it says something new
    a write fails in a reported incident ─┘    └──► a major incident ─► the breaker

It runs beside the breaker and delays no delivery, even if the page hangs or is down. During an outage the page is read
repeatedly, so that its newest report is known when held lines are sent.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, Protocol

import anyio

from actors.ports import Indicator, Noted, Status, StatusPage, StatusUnknown, Trace
from actors.ports.status import SERIOUS, worst
from actors.roleplay.error_rate import ErrorRate

ASK_EVERY_S: Final = 30.0
"""Shortest time between two reads during an outage: a short BREAKER_PAUSE_S must not load the status page's server."""

FRESH_S: Final = 120.0
"""How long a report stays valid: until then the page is read again only if our own writes fail."""


class Breaker(Protocol):
    """The part of Discord's breaker that the watch uses."""

    @property
    def is_closed(self) -> bool: ...

    @property
    def opened_at(self) -> float:
        """When the breaker last opened; a failed probe does not count as a new opening."""
        ...

    @property
    def held_until(self) -> float | None:
        """None if it holds no caller: closed, or open with its time over and no probe running."""
        ...

    def note_incident(self) -> None: ...


class StatusWatch:
    """`run` reads the page; the other methods report a possible reason to read it, and never wait."""

    def __init__(
        self, page: StatusPage, trace: Trace, *, now: Callable[[], float], breaker: Breaker | None = None
    ) -> None:
        self._page = page
        self._trace = trace
        self._now = now
        self._breaker = breaker
        self._opened_at = 0.0
        self._error_rate = ErrorRate()
        self._asked_for = anyio.Event()
        self._asked_at = self._heard_at = -math.inf
        self._reported: Indicator = "none"
        self._worst: Indicator = "none"
        self._noted: tuple[str, str] | None = None

    @property
    def reported(self) -> Indicator:
        """The page's last report."""
        return self._reported

    @property
    def worst(self) -> Indicator:
        """The page's worst report on the current outage, or on the last one."""
        return self._worst

    # ── reasons to ask ──────────────────────────────────────────────────────────────────────────────

    def opened(self) -> None:
        """The breaker opened, or its probe failed."""
        if self._breaker is not None and self._breaker.opened_at != self._opened_at:
            self._opened_at = self._breaker.opened_at
            self._noted = None
            if not self._is_fresh(self._heard_at):
                self._worst = "none"  # a report on an earlier outage does not count for this one
        self._asked_for.set()

    def expect_backlog(self) -> None:
        """Have the page read before a backlog is sent: missed messages, or an earlier process's unfinished lines."""
        if not self._is_fresh(self._asked_at):
            self._asked_for.set()

    def wrote(self, at: float, *, is_failure: bool) -> None:
        """Note the end of a write; the breaker has counted it already."""
        self._error_rate.note(at, is_failure=is_failure)
        if self._error_rate.is_high(at):
            self._asked_for.set()
        elif is_failure and self._reported in SERIOUS:
            self._confirm_incident()

    def _confirm_incident(self) -> None:
        """Pass the reported incident to the breaker, now that a write failed; read the page again if it is old."""
        if self._is_fresh(self._heard_at):
            self._tell_breaker()
        elif anyio.current_time() - self._asked_at >= ASK_EVERY_S:
            self._asked_for.set()

    # ── asking ──────────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Read the page at the start and whenever there is a reason, until cancelled."""
        self._asked_for.set()
        while True:
            await self._asked_for.wait()
            self._asked_for = anyio.Event()
            is_in_trouble = self._is_in_trouble
            self._asked_at = anyio.current_time()
            self._hear(await self._page.read())
            if is_in_trouble or self._is_in_trouble:
                await anyio.sleep(ASK_EVERY_S)
                if self._is_in_trouble:
                    self._asked_for.set()

    @property
    def _is_in_trouble(self) -> bool:
        is_holding = self._breaker is not None and self._breaker.held_until is not None
        return is_holding or self._error_rate.is_high(self._now())

    @property
    def _is_closed(self) -> bool:
        return self._breaker is None or self._breaker.is_closed

    def _hear(self, said: Status | StatusUnknown) -> None:
        if isinstance(said, Status):
            self._heard_at = anyio.current_time()
            self._reported = said.indicator
            self._worst = said.indicator if self._is_closed else worst(self._worst, said.indicator)
        self._note(said)
        if isinstance(said, Status) and said.is_serious:
            self._tell_breaker()

    def _tell_breaker(self) -> None:
        if self._breaker is not None:
            self._breaker.note_incident()

    def _note(self, said: Status | StatusUnknown) -> None:
        """Log one line, unless the last one said the same."""
        noted = _words(said)
        if noted != self._noted:
            self._noted = noted
            is_well = noted == _words(Status("none"))
            self._trace.publish(Noted("info" if is_well and self._is_closed else "warning", " ".join(noted).rstrip()))

    def _is_fresh(self, at: float) -> bool:
        return anyio.current_time() - at < FRESH_S


def _words(said: Status | StatusUnknown) -> tuple[str, str]:
    """The report in words, and the parts of the page that could not be read."""
    if isinstance(said, StatusUnknown):
        return f"Discord's status page could not be read: {said.reason}.", ""
    incidents = "; ".join(said.incidents) or "no incident is named"
    unread = f"Not all of it could be read: {'; '.join(said.unread)}." if said.unread else ""
    return f"Discord's status page says: {said.indicator} ({incidents}).", unread
