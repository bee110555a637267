"""Views of what the process depends on: breakers, connections, rate limits and models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

ChannelNames = Callable[[int], str | None]
"""The name of a channel, as this process received it from Discord; None if it did not, for example after a restart."""


@dataclass(frozen=True, slots=True)
class BreakerView:
    """One breaker. More than `failures_max` failures in a row open it; while it is open, `until` is the time of the
    probe. Times are seconds since 1970.
    """

    dependency: str
    state: str
    failures: int
    failures_max: int
    opened_at: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class ShardView:
    """One shard's connection. `latency_s` is the latency of the last heartbeat, answered at `acked_at`.

    `sessions`, `resumes` and `losses` count, since the process started: sessions opened, sessions resumed, connections
    lost.
    """

    shard_id: int
    latency_s: float | None = None
    acked_at: float | None = None
    sessions: int = 0
    resumes: int = 0
    losses: int = 0


@dataclass(frozen=True, slots=True)
class Budget:
    """A rate limit as its server last reported it, at `told_at`: `left` of `limit` until `resets_at`.

    None: not reported. Nothing is sent until `held_until`. `channel` is the name of the limit's channel.
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
class ModelView:
    """A model, its server, and what was learnt about both: `known`, in words for operators.

    `warning` says what makes lines worse and what to do; empty if there is nothing.
    """

    model: str
    server: str
    known: tuple[str, ...] = ()
    warning: str = ""


@dataclass(frozen=True, slots=True)
class AllowanceView:
    """How many lines of usual size the account's limits leave for a model; None if no limit is known."""

    model: str
    lines_minute: int | None = None
    lines_day: int | None = None


@dataclass(frozen=True, slots=True)
class Dependencies:
    breakers: tuple[BreakerView, ...] = ()
    shards: tuple[ShardView, ...] = ()
    budgets: tuple[Budget, ...] = ()
    models: tuple[ModelView, ...] = ()
