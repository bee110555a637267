"""Statistics over all responses: moves per edge, time per state, and the breakers and connections.

Moves and times are counted since this process started; the number of responses in each state comes from the journal.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from actors.observation import Journal
from actors.observation.response_view import Step
from actors.ports import BreakerMoved, ConnectionMoved
from machines.diagrams.svg import edge_key

RATE_WINDOW_S: Final = 60
COUNTED_EVERY_S: Final = 1.0
"""Shortest time between two queries of the journal's counts, however many viewers there are."""


@dataclass(slots=True)
class _Second:
    """The moves of one second."""

    number: int
    counts: Counter[str]


class Fleet:
    """Counts moves by edge; `view` is the answer of `/api/fleet`."""

    def __init__(self, journal: Journal, now: Callable[[], float]) -> None:
        self._journal = journal
        self._now = now
        self._since = now()
        self._counts: Counter[str] = Counter()
        self._seconds: deque[_Second] = deque()
        self._stays: dict[str, tuple[int, float]] = {}  # state → (how often left, seconds in it together)
        self._breakers: dict[str, BreakerMoved] = {}
        self._connections: dict[int, ConnectionMoved] = {}
        self._states: list[dict[str, Any]] = []
        self._counted_at = float("-inf")

    def took(self, step: Step) -> None:
        """Count a move."""
        edge = edge_key(step.source, step.dest)
        self._counts[edge] += 1
        self._this_second().counts[edge] += 1
        if step.source != step.dest:
            times, total_s = self._stays.get(step.source, (0, 0.0))
            self._stays[step.source] = times + 1, total_s + step.stayed_s

    def breaker_moved(self, event: BreakerMoved) -> None:
        self._breakers[event.dependency] = event

    def connection_moved(self, event: ConnectionMoved) -> None:
        self._connections[event.shard_id] = event

    async def view(self) -> dict[str, Any]:
        """The statistics; times are seconds since 1970, and `mean_stay_s` covers the stays that ended after `since`."""
        await self._count_states()
        self._this_second()
        recent: Counter[str] = Counter()
        for second in self._seconds:
            recent.update(second.counts)
        return {
            "now": self._now(),
            "since": self._since,
            "states": self._states,
            "edges": {edge: {"count": n, "last_minute": recent[edge]} for edge, n in self._counts.items()},
            "mean_stay_s": {state: total_s / times for state, (times, total_s) in self._stays.items()},
            "breakers": [breaker_view(event) for event in self._breakers.values()],
            "connections": [connection_view(event) for event in self._connections.values()],
        }

    async def _count_states(self) -> None:
        if self._now() < self._counted_at + COUNTED_EVERY_S:
            return
        self._counted_at = self._now()
        self._states = [
            {"state": each.state, "count": each.count, "oldest_at": each.oldest_at}
            for each in await self._journal.lines_by_state()
        ]

    def _this_second(self) -> _Second:
        number = int(self._now())
        while self._seconds and self._seconds[0].number <= number - RATE_WINDOW_S:
            self._seconds.popleft()
        if not self._seconds or self._seconds[-1].number != number:
            self._seconds.append(_Second(number, Counter()))
        return self._seconds[-1]


def breaker_view(event: BreakerMoved) -> dict[str, Any]:
    return {
        "dependency": event.dependency,
        "state": event.dest,
        "from": event.source,
        "at": event.at,
        "until": event.until,
    }


def connection_view(event: ConnectionMoved) -> dict[str, Any]:
    return {"shard": event.shard_id, "state": event.dest, "from": event.source, "at": event.at}
