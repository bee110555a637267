"""Tracks what one process knows of the simulated Discord's rate limits, with the real adapter's buckets."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final, TypeVar

from actors.adapters.discord.buckets import Buckets
from actors.adapters.discord.limits import Limit
from actors.ports import HeldBack, Refused
from actors.simulation.rate_limits import LIMITS, LONG_S_MAX, Names, RateLimits
from actors.simulation.watch import Watch

SHORT_S_MAX: Final = 8.0

Answer = TypeVar("Answer")


class KnownLimits:
    """One process's knowledge, lost when it ends."""

    def __init__(self, limits: RateLimits, watch: Watch, now: Callable[[], float], random: Random) -> None:
        self.buckets = Buckets(now)
        self._limits = limits
        self._watch = watch
        self._now = now
        self._random = random

    def held(self, names: Names) -> HeldBack | None:
        """Why a request may not be sent; None if it may, which is reported to the watch."""
        held = self.buckets.held(names.bucket, names.resource)
        if held is None:
            self._watch.request_left(names.all)
        return held

    def met(self, fault: str | None, names: Names) -> Limit | None:
        """The limit that a request meets at Discord: by its fault, or from an earlier closing."""
        return self.close(fault, names) if fault in LIMITS else self._limits.standing(names.all)

    def close(self, fault: str | None, names: Names) -> Limit:
        """Close what this fault limits, and return the limit."""
        scope, is_long = LIMITS[fault]
        shortest_s, longest_s = (20.0, LONG_S_MAX) if is_long else (0.2, SHORT_S_MAX)
        wait_s = round(shortest_s + longest_s * self._random.random(), 3)
        return self._limits.close(names.closed_by(scope), Limit(wait_s, scope))

    def heard(self, answer: Answer | Limit, names: Names) -> Answer | Refused:
        """Process the answer in the living process: a limit closes its buckets, and becomes a refusal."""
        if not isinstance(answer, Limit):
            return answer
        since = self.buckets.close(names.bucket, names.resource, answer)
        self._watch.limit_heard(names.closed_by(answer.scope), self._now() + answer.wait_s)
        return Refused("rate_limit", 429, answer.wait_s, since=since)
