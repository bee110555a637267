"""Tracks the buckets of Discord's rate limits: which are closed, until when, and when each held caller may send.

    429, or the last request of a bucket ─► closed ─► HeldBack, with a separate time for each caller

A bucket is named `route:resource`, as in `webhook:31`: Discord counts by both, so the threads of a channel share its
webhooks' buckets. Routes with the same X-RateLimit-Bucket are one bucket for each resource: when one is closed, all
are. There are three more limits: the shared limit of a resource for all its users, the global limit on everything
except interactions, and the limit of Discord's edge on our address.

Failure modes: the closings are in memory only; a new process learns each one again from one 429.
Source: https://discord.com/developers/docs/topics/rate-limits
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from actors.adapters.discord.limits import Limit
from actors.ports import RATE_LIMIT, HeldBack

EVERYTHING: Final = "everything"
ADDRESS: Final = "address"
OF_ALL: Final = (EVERYTHING, ADDRESS)

BUCKETS_MAX: Final = 4_096
"""Above this number, closings that ended are removed."""

SPACING_S: Final = 0.5
"""Interval between two callers that waited for a bucket: a webhook allows about five requests in two seconds, and new
callers use it, too."""
SPACING_OF_ALL_S: Final = 0.05
"""The same for the global limit of 50 requests a second: a line may need two requests."""


def of_webhook(webhook_id: int) -> str:
    """The bucket of one webhook: creating, editing and deleting messages share it, in every thread."""
    return f"webhook:{webhook_id}"


def of_all_webhooks(home_id: int) -> str:
    """The resource that all webhooks of a channel share, its threads included: about 30 messages a minute."""
    return f"webhooks-in:{home_id}"


@dataclass(slots=True)
class Closing:
    """One bucket's time without requests; `last_at` is the latest time assigned to a caller."""

    since: float
    until: float
    spacing_s: float
    last_at: float = 0.0

    def next_at(self) -> float:
        """Assign a time to one more caller, after those before it."""
        self.last_at = max(self.until, self.last_at + self.spacing_s)
        return self.last_at


class Buckets:
    """Learns from answers which buckets are closed; `now` returns seconds since 1970."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._closings: dict[str, Closing] = {}
        self._told: dict[str, str] = {}  # route ─► its X-RateLimit-Bucket

    def learn(self, bucket: str, told: str | None) -> None:
        """Note the X-RateLimit-Bucket of an answer in this bucket; it identifies a route's limit, not a resource's."""
        if told:
            self._told[_route(bucket)] = told

    def close(self, bucket: str | None, resource: str | None, limit: Limit) -> float:
        """Close what a 429 limits, and return when that closing began. A request without a bucket closes none."""
        name = {"everything": EVERYTHING, "address": ADDRESS}.get(limit.scope, bucket)
        if limit.scope == "resource" and resource is not None:
            self._close(resource, limit.wait_s).next_at()
        if name is None:
            return self._now()
        closing = self._close(name, limit.wait_s)
        closing.next_at()  # reserves the time of the request that got the 429: its caller handles that wait
        return closing.since

    def note_empty(self, bucket: str, for_s: float) -> None:
        """Close a bucket whose last request was used: Discord would refuse the next one."""
        self._close(bucket, for_s)

    def held(self, bucket: str | None, resource: str | None = None) -> HeldBack | None:
        """Return when and why a request is held; None if it may be sent now.

        Each call assigns a later time: a caller that asks twice loses its first place.
        """
        closing = self._closing(bucket, resource)
        return None if closing is None else HeldBack(closing.next_at(), RATE_LIMIT, closing.since)

    def is_closed(self, bucket: str) -> bool:
        """Whether a request would be held; assigns no time."""
        return self._closing(bucket, None) is not None

    def until(self, bucket: str) -> float | None:
        """When a bucket opens, ignoring the global limits; None if it is open."""
        closings = self._standing(self._joined(bucket))
        return max((each.until for each in closings), default=None)

    def everything_until(self) -> float | None:
        """When the global and address limits end; None if neither holds now."""
        return max((each.until for each in self._standing(OF_ALL)), default=None)

    def closed(self) -> tuple[str, ...]:
        """The names of all closed buckets and resources, without the global and address limits."""
        now = self._now()
        return tuple(name for name, each in self._closings.items() if each.until > now and name not in OF_ALL)

    def _closing(self, bucket: str | None, resource: str | None) -> Closing | None:
        """Find the closing that holds a request longest."""
        names = [ADDRESS]
        if bucket is not None:
            names += [EVERYTHING, *self._joined(bucket)]
        if resource is not None:
            names.append(resource)
        return max(self._standing(names), key=lambda each: each.until, default=None)

    def _standing(self, names: Iterable[str]) -> Iterator[Closing]:
        now = self._now()
        known = (self._closings.get(name) for name in names)
        return (each for each in known if each is not None and each.until > now)

    def _joined(self, bucket: str) -> Iterator[str]:
        """Yield the bucket, and those of the same resource with the same X-RateLimit-Bucket."""
        yield bucket
        route, _, resource = bucket.partition(":")
        told = self._told.get(route)
        if told is not None and resource:
            yield from (f"{other}:{resource}" for other, of in self._told.items() if of == told and other != route)

    def _close(self, name: str, for_s: float) -> Closing:
        """Close a bucket; an existing closing is only ever extended, never shortened."""
        now = self._now()
        known = self._closings.get(name)
        if known is not None and known.until > now:
            known.until = max(known.until, now + for_s)
            return known
        if len(self._closings) >= BUCKETS_MAX:
            self._closings = {each: one for each, one in self._closings.items() if one.until > now}
        spacing_s = SPACING_OF_ALL_S if name in OF_ALL else SPACING_S
        closing = self._closings[name] = Closing(now, now + for_s, spacing_s)
        return closing


def _route(bucket: str) -> str:
    return bucket.partition(":")[0]
