"""What the process depends on, as it stands at this moment: breakers, connections and rate limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

ChannelNames = Callable[[int], str | None]
"""The name of a channel, as Discord told it to this process; None where it did not, as after a restart."""


@dataclass(frozen=True, slots=True)
class SeenBreaker:
    """One breaker. More than `failures_max` failures in a row open it; while it is open, `until` is when it lets a
    probe through. Times are seconds since 1970.
    """

    dependency: str
    state: str
    failures: int
    failures_max: int
    opened_at: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class SeenShard:
    """One shard's connection. `latency_s` is that of the last heartbeat, answered at `acked_at`.

    Counted since the process began: sessions that were opened, resumed, and connections that were lost.
    """

    shard_id: int
    latency_s: float | None = None
    acked_at: float | None = None
    sessions: int = 0
    resumes: int = 0
    losses: int = 0


@dataclass(frozen=True, slots=True)
class Budget:
    """A rate limit as its server last told it, at `told_at`: `left` of `limit` until `resets_at`.

    None: it was not said. Until `held_until` nothing goes out. `channel` is the name of the channel that it is for.
    """

    server: str
    name: str
    told_at: float | None = None
    limit: int | None = None
    left: int | None = None
    resets_at: float | None = None
    held_until: float | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class SeenModel:
    """A model, the server that it is asked of, and what was learnt of the two: `known` in words for operators.

    `warning` says what of it makes lines worse, and what to do; empty where nothing does.
    """

    model: str
    server: str
    known: tuple[str, ...] = ()
    warning: str = ""


@dataclass(frozen=True, slots=True)
class SeenAllowance:
    """How many lines of the usual size the account's limits leave for a model; None where no limit says."""

    model: str
    lines_minute: int | None = None
    lines_day: int | None = None


@dataclass(frozen=True, slots=True)
class Dependencies:
    breakers: tuple[SeenBreaker, ...] = ()
    shards: tuple[SeenShard, ...] = ()
    budgets: tuple[Budget, ...] = ()
    models: tuple[SeenModel, ...] = ()
