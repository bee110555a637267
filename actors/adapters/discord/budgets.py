"""Keeps the rate limits that Discord reported last, for each bucket.

Source: https://discord.com/developers/docs/topics/rate-limits. Discord does not report the global limit until it is
used up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final

from actors.adapters.discord.buckets import EVERYTHING
from actors.observation import Budget

SERVER: Final = "discord"
BUDGETS_MAX: Final = 500
"""Above this number, the one reported longest ago is dropped."""

OF_CHANNELS: Final = frozenset({"send", "read", "delete", "typing", "channel", "webhooks", "webhooks-in"})
"""Buckets named by a channel's id; others have a webhook's id, or none."""


class Budgets:
    """Learns from the headers of each answer; the buckets have the names that `Buckets` uses."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._known: dict[str, Budget] = {}

    def learn(self, bucket: str, headers: Mapping[str, str]) -> None:
        """Store the limits in `headers` (names in lower case), if they contain any."""
        left = _number(headers.get("x-ratelimit-remaining"))
        if left is None:
            return
        now = self._now()
        reset_after_s = _number(headers.get("x-ratelimit-reset-after"))
        limit = _number(headers.get("x-ratelimit-limit"))
        if self._known.pop(bucket, None) is None and len(self._known) >= BUDGETS_MAX:
            del self._known[next(iter(self._known))]
        self._known[bucket] = Budget(
            server=SERVER,
            name=bucket,
            told_at=now,
            limit=None if limit is None else int(limit),
            left=int(left),
            resets_at=None if reset_after_s is None else now + reset_after_s,
        )

    def view(
        self, until: Callable[[str], float | None], everything_until: float | None, closed: Iterable[str] = ()
    ) -> tuple[Budget, ...]:
        """Return the global limit, then every bucket, newest first; `until` returns when a closed bucket opens.

        A bucket in `closed` may have no reported figures: a 429 need not contain any.
        """
        left = None if everything_until is None else 0
        everything = Budget(SERVER, EVERYTHING, left=left, held_until=everything_until)
        untold = [Budget(SERVER, name, left=0, held_until=until(name)) for name in closed if name not in self._known]
        known = [replace(each, held_until=until(each.name)) for each in reversed(self._known.values())]
        return (everything, *untold, *known)


def _number(written: str | None) -> float | None:
    try:
        number = float(written or "")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def channel_of(bucket: str) -> int | None:
    """The channel of a bucket; None if its name does not contain one."""
    kind, _, written = bucket.partition(":")
    return int(written) if kind in OF_CHANNELS else None
