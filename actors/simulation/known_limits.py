"""What one process knows of the simulated Discord's rate limits: the real adapter's buckets, and a watch over them."""

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
    """Forgotten with the process."""

    def __init__(self, limits: RateLimits, watch: Watch, now: Callable[[], float], random: Random) -> None:
        self.buckets = Buckets(now)
        self._limits = limits
        self._watch = watch
        self._now = now
        self._random = random

    def held(self, names: Names) -> HeldBack | None:
        """Why a request may not leave; one that does is watched."""
        held = self.buckets.held(names.bucket, names.resource)
        if held is None:
            self._watch.request_left(names.all)
        return held

    def met(self, fault: str | None, names: Names) -> Limit | None:
        """What a request meets where it arrives: a fault, or what one before it closed."""
        return self.close(fault, names) if fault in LIMITS else self._limits.standing(names.all)

    def close(self, fault: str | None, names: Names) -> Limit:
        """Discord limits what a request asks for, all of it for as long."""
        scope, is_long = LIMITS[fault]
        shortest_s, longest_s = (20.0, LONG_S_MAX) if is_long else (0.2, SHORT_S_MAX)
        wait_s = round(shortest_s + longest_s * self._random.random(), 3)
        return self._limits.close(names.closed_by(scope), Limit(wait_s, scope))

    def heard(self, answer: Answer | Limit, names: Names) -> Answer | Refused:
        """The process lives to hear that it is limited."""
        if not isinstance(answer, Limit):
            return answer
        since = self.buckets.close(names.bucket, names.resource, answer)
        self._watch.limit_heard(names.closed_by(answer.scope), self._now() + answer.wait_s)
        return Refused("rate_limit", 429, answer.wait_s, since=since)
