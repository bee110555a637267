"""Simulates Discord's rate limits: the names that limit each request, and until when each is closed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Final

from actors.adapters.discord.buckets import EVERYTHING, of_all_webhooks, of_webhook
from actors.adapters.discord.limits import Limit, Scope
from actors.roleplay.model import Outbound

LIMITS: Final[dict[str | None, tuple[Scope, bool]]] = {
    "rate_limit": ("bucket", False),
    "limit_for_long": ("bucket", True),
    "limit_of_channel": ("resource", True),
    "global_pause": ("everything", False),
    "global_pause_for_long": ("everything", True),
}
"""By the fault's name: what it closes, and whether for so long that the attempt is given back."""

LONG_S_MAX: Final = 400.0


@dataclass(frozen=True, slots=True)
class Names:
    """The names that limit a request, besides `EVERYTHING`; nothing limits an answer to an interaction."""

    bucket: str | None
    resource: str | None = None

    @classmethod
    def of(cls, outbound: Outbound) -> Names:
        return cls.through(outbound.webhook_id, outbound.channel_id) or cls(f"send:{outbound.channel_id}")

    @classmethod
    def through(cls, webhook_id: int | None, channel_id: int) -> Names | None:
        """The names of a request through a webhook."""
        return None if webhook_id is None else cls(of_webhook(webhook_id), of_all_webhooks(channel_id))

    @property
    def all(self) -> tuple[str, ...]:
        if self.bucket is None:
            return ()
        return (EVERYTHING, self.bucket, *((self.resource,) if self.resource else ()))

    def closed_by(self, scope: Scope) -> str:
        """The name that a limit of this scope closes."""
        if scope == "everything":
            return EVERYTHING
        own = self.bucket or "interaction"
        return self.resource or own if scope == "resource" else own


OF_INTERACTIONS: Final = Names(None)
"""The names of an answer to an interaction."""


class RateLimits:
    """The names for which Discord refuses requests, and until when."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._closed: dict[str, tuple[float, Limit]] = {}

    def close(self, name: str, limit: Limit) -> Limit:
        """Refuse requests with this name for the limit's wait."""
        self._closed[name] = self._now() + limit.wait_s, limit
        return limit

    @property
    def is_any_standing(self) -> bool:
        """Whether any name is closed: the world is not at rest, because requests may wait for it."""
        return any(until > self._now() for until, _ in self._closed.values())

    def standing(self, names: Iterable[str]) -> Limit | None:
        """The limit for a request with these names, if one of them is closed."""
        found = max((self._closed[name] for name in names if name in self._closed), key=itemgetter(0), default=None)
        if found is None or found[0] <= self._now():
            return None
        return replace(found[1], wait_s=found[0] - self._now())
