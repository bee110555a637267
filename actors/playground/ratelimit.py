"""Applies Discord's rate limits: fixed windows per bucket, one window for everything, and their headers.

The default limits are so wide that no test waits; `DISCORD_LIMITS` are Discord's known limits.
Source: https://discord.com/developers/docs/topics/rate-limits
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

BUCKETS_MAX = 10_000
"""Above this, ended windows are removed."""


@dataclass(frozen=True, slots=True)
class Window:
    """At most `limit` requests in `per_s` seconds."""

    limit: int
    per_s: float


@dataclass(frozen=True, slots=True)
class LimitPlan:
    """The windows of each sort of request; `other` for a sort that is not in `by_sort`."""

    everything: Window = Window(1_000_000, 1.0)
    other: tuple[Window, ...] = (Window(10_000, 1.0),)
    by_sort: dict[str, tuple[Window, ...]] = field(default_factory=dict)


WIDE_LIMITS = LimitPlan()
DISCORD_LIMITS = LimitPlan(
    everything=Window(50, 1.0),
    other=(Window(50, 1.0),),
    by_sort={
        "POST /channels/{channel}/messages": (Window(5, 5.0),),
        "PATCH /channels/{channel}/messages/{message}": (Window(5, 5.0),),
        "DELETE /channels/{channel}/messages/{message}": (Window(5, 1.0),),
        "PUT /channels/{channel}/messages/{message}/reactions/{emoji}/@me": (Window(1, 0.25),),
        "POST /webhooks/{webhook}/{token}": (Window(5, 2.0), Window(30, 60.0)),
    },
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may pass, and what its headers say."""

    headers: dict[str, str]
    retry_after_s: float | None = None
    is_global: bool = False


@dataclass(slots=True)
class _Open:
    """A window that has begun."""

    ends_at: float
    left: int


class RateLimits:
    """Counts requests against a plan."""

    def __init__(self, plan: LimitPlan, now: Callable[[], float]) -> None:
        self.plan = plan
        self._now = now
        self._open: dict[tuple[str, float], _Open] = {}

    def take(self, sort: str, place: str, *, counts_globally: bool) -> Verdict:
        """Counts a request if it may pass; `place` is the channel or webhook that the bucket belongs to."""
        windows = self.plan.by_sort.get(sort, self.plan.other)
        opened = [self._window(f"{sort} {place}", window) for window in windows]
        total = self._window("", self.plan.everything)
        blocking = [each for each in opened if each.left == 0]
        if counts_globally and total.left == 0:
            return self._refused(sort, windows[0], opened[0], total.ends_at, is_global=True)
        if blocking:
            until = max(each.ends_at for each in blocking)
            return self._refused(sort, windows[0], opened[0], until, is_global=False)
        for each in (*opened, total) if counts_globally else opened:
            each.left -= 1
        return Verdict(self._headers(sort, windows[0], opened[0]))

    def _window(self, key: str, window: Window) -> _Open:
        now = self._now()
        opened = self._open.get((key, window.per_s))
        if opened is None or opened.ends_at <= now:
            if len(self._open) > BUCKETS_MAX:
                self._open = {name: each for name, each in self._open.items() if each.ends_at > now}
            opened = self._open[key, window.per_s] = _Open(now + window.per_s, window.limit)
        return opened

    def _headers(self, sort: str, window: Window, opened: _Open) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(window.limit),
            "X-RateLimit-Remaining": str(opened.left),
            "X-RateLimit-Reset": f"{opened.ends_at:.3f}",
            "X-RateLimit-Reset-After": f"{max(0.0, opened.ends_at - self._now()):.3f}",
            "X-RateLimit-Bucket": hashlib.blake2b(sort.encode(), digest_size=16).hexdigest(),
        }

    def _refused(self, sort: str, window: Window, opened: _Open, until: float, *, is_global: bool) -> Verdict:
        headers = self._headers(sort, window, opened)
        return Verdict(headers, max(0.001, until - self._now()), is_global)
