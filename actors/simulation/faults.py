"""Draws faults from a seed: every place where one can occur is a *point*, and points are counted.

A kind that is switched off, or a point beyond the last one, is still drawn, but has no effect. So a run can be
reduced to the faults that matter without a new seed.

Sources of the kinds: the tables of docs/reliability.md, and what Groq and Discord answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Final

Weights = Mapping[str, float]

LINE: Final[Weights] = {
    "no_connection": 2,
    "rate_limit": 3,
    "limit_for_long": 0.4,
    "limit_of_channel": 0.2,
    "global_pause": 0.3,
    "global_pause_for_long": 0.02,
    "http_5xx": 3,
    "stored_5xx": 3,
    "cut_before": 3,
    "cut_after": 3,
    "timeout_lost": 1,
    "late": 3,
    "very_late": 1.5,
    "malformed": 1,
    "slow": 2,
    "not_found": 0.5,
    "too_long": 0.1,
    "blocked": 1,
    "unauthorized": 0.1,
}
"""Faults of our POSTs, of lines and of the outbox."""

READ: Final[Weights] = {
    "rate_limit": 2,
    "limit_for_long": 0.1,
    "http_5xx": 2,
    "cut_before": 2,
    "timeout_lost": 1,
    "no_connection": 1,
}
"""Faults of a GET."""

DELETION: Final[Weights] = {**READ, "cut_after": 2, "stored_5xx": 2}

PREPARE: Final[Weights] = {"rate_limit": 2, "http_5xx": 2, "webhook_deleted": 2, "webhook_moved": 4}

MODEL: Final[Weights] = {
    "rate_limit": 3,
    "rate_limit_long": 0.5,
    "overloaded": 3,
    "timeout": 2,
    "connection": 2,
    "malformed": 1,
    "empty": 1,
    "length": 1,
    "too_large": 0.5,
    "model_missing": 0.5,
    "credentials": 0.1,
    "bad_request": 0.1,
    "html": 1,
    "think_only": 1,
    "refusal": 1,
    "repeat": 1,
    "forged": 2,
    "cut_by_length": 1,
}

GATEWAY: Final[Weights] = {"event_twice": 1, "event_delayed": 2}

WEATHER: Final[Weights] = {
    "outage": 2,
    "writing_out": 1,
    "gateway_lost": 4,
    "gateway_resumed": 2,
    "webhooks_revoked": 1,
    "webhook_moved": 2,
    "sending_revoked": 0.5,
    "reading_revoked": 0.7,
    "thread_muted": 0.7,
    "thread_closed": 0.7,
    "channel_deleted": 0.4,
    "disk_full_for_a_while": 1,
    "stopped": 1,
}
"""Changes of the world from outside; most last for a while."""

PEOPLE: Final[Weights] = {
    "edits": 3,
    "deletes": 2,
    "deletes_line": 2,
    "edits_line": 1,
    "edits_aside": 1,
    "edits_into_aside": 1,
    "deletes_notice": 1,
    "floods": 0.3,
    "pauses": 1,
}
"""What people do besides playing: not faults, but hard for the bot to follow."""

LANDING: Final[Weights] = {"deletes_landing": 1}
"""What people do with a line that lands late, before the bot can have looked for it."""

RETRIES: Final[Weights] = {"presses": 3, "presses_twice": 1, "asks_again": 2}
"""How people ask for a redelivery of a failed line."""

DEFERRAL: Final[Weights] = {"deferral_lost": 1}
"""Faults of the deferral with which we acknowledge the press of a button."""

CRASH: Final = "crash"
STORE: Final[Weights] = {"disk_full": 1, "database_locked": 1}

KINDS: Final = tuple(
    sorted(
        {CRASH}.union(*(map(str, weights) for weights in (LINE, READ, DELETION, PREPARE, MODEL, GATEWAY, WEATHER)))
        | {*PEOPLE, *LANDING, *RETRIES, *DEFERRAL}
        | set(STORE)
    )
)
"""Every kind that can be switched off."""

CRASHES_PER_POINT: Final = 0.006
"""Share of a fault's probability: at 30 %, two crashes in 1,000 points, one for every six or seven responses."""

STORE_SHARE: Final = 0.01
"""Share of a fault's probability, because a disk fails far less often than a network."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What to leave out of a run, to find the smallest that breaks: kinds, and all faults after a point."""

    without: frozenset[str] = frozenset()
    last_point: int | None = None


class Faults:
    """Draws the faults of one world. `chance` is the probability of a fault at one wire attempt."""

    def __init__(self, seed: str, chance: float, cut: Cut) -> None:
        self._seed = seed
        self._chance = chance
        self._cut = cut
        self._streams: dict[str, Random] = {}
        self._tables: dict[int, tuple[list[str], list[float]]] = {}
        self._crash_random = self.stream("crash").random
        self._crash_chance = chance * CRASHES_PER_POINT
        self._store_random = self.stream("store").random
        self._store_chance = chance * STORE_SHARE
        self.is_over = False
        self.is_disk_full = False
        self.points = 0
        self.counts: Counter[str] = Counter()
        self.crash_places: Counter[str] = Counter()

    def stream(self, name: str) -> Random:
        """A separate random stream, so that the draws of one part do not shift those of another."""
        if name not in self._streams:
            self._streams[name] = Random(f"{self._seed}/{name}")
        return self._streams[name]

    def pick(self, place: str, weights: Weights, *, share: float = 1.0) -> str | None:
        """The fault that occurs at this point, if any."""
        self.points += 1
        stream = self.stream(place)
        if stream.random() >= self._chance * share:
            return None
        return self._let(self._drawn(stream, weights))

    def drawn(self, place: str, weights: Weights) -> str | None:
        """One of `weights`; None only if that kind is switched off."""
        return self._let(self._drawn(self.stream(place), weights))

    def crashes(self, where: str) -> bool:
        """Whether the process crashes at this point."""
        self.points += 1
        if self._crash_random() >= self._crash_chance or self._let(CRASH) is None:
            return False
        self.crash_places[where] += 1
        return True

    def of_store(self) -> str | None:
        """The fault of a store operation, if any."""
        if self.is_disk_full:
            return "disk_full"
        self.points += 1
        if self._store_random() >= self._store_chance:
            return None
        return self._let(self._drawn(self.stream("store kind"), STORE))

    def _drawn(self, stream: Random, weights: Weights) -> str:
        table = self._tables.get(id(weights))
        if table is None:
            table = self._tables[id(weights)] = (list(weights), list(accumulate(weights.values())))
        kind: str = stream.choices(table[0], cum_weights=table[1])[0]
        return kind

    def _let(self, kind: str) -> str | None:
        cut = self._cut
        if self.is_over or kind in cut.without or (cut.last_point is not None and self.points > cut.last_point):
            return None
        self.counts[kind] += 1
        return kind
