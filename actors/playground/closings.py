"""Builds the 429s that faults inject, and records what they close, so that requests that come too soon are counted.

    rate_limit          closes the request's bucket: a channel, or a webhook with all its threads
    rate_limit_shared   closes the resource for all its users: all webhooks of a channel
    rate_limit_global   closes everything of the bot except interactions
    rate_limit_edge     closes the address, as Discord's edge does: no `Via`, no JSON
    rate_limit_header   as `rate_limit`; the header gives the wait, the JSON gives 0
    rate_limit_body     as `rate_limit`; the JSON gives the wait, the header gives `MOMENT_S`
    rate_limit_reset    as `rate_limit`; only `X-RateLimit-Reset-After` gives the wait

Each may set its seconds: `rate_limit_shared:400`. The default is the plan's `retry_after_s`.
Source: https://discord.com/developers/docs/topics/rate-limits#exceeding-a-rate-limit
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .records import Json

PLAIN = "rate_limit"
VARIANTS = ("body", "edge", "global", "header", "reset", "shared")
KIND = re.compile(rf"({PLAIN}(?:_(?:{'|'.join(VARIANTS)}))?)(?::(\d+(?:\.\d+)?))?")

VIA = {"Via": "1.1 playground"}
"""Clients treat a 429 without it as a ban at the edge."""
MOMENT_S = 0.001
EVERYTHING, ADDRESS = "everything", "address"
_LIMITED = "You are being rate limited."


@dataclass(frozen=True, slots=True)
class Refused:
    """One 429; `body` is None if it has no JSON."""

    kind: str
    wait_s: float

    @classmethod
    def parse(cls, kind: str, wait_s: float) -> "Refused":
        """Reads a fault's name; `wait_s` is the wait if the name sets none."""
        found = KIND.fullmatch(kind)
        if found is None:
            return cls(PLAIN, wait_s)  # `http_429`
        return cls(found[1], float(found[2] or wait_s))

    @property
    def body(self) -> Json | None:
        match self.kind:
            case "rate_limit_edge":
                return None
            case "rate_limit_global":
                return {"message": _LIMITED, "retry_after": self.wait_s, "global": True}
            case "rate_limit_shared":
                return {"message": "The resource is being rate limited.", "retry_after": self.wait_s, "global": False}
            case "rate_limit_header" | "rate_limit_reset":
                return {"message": _LIMITED, "retry_after": 0.0, "global": False}
            case _:
                return {"message": _LIMITED, "retry_after": self.wait_s, "global": False}

    def headers(self, known: dict[str, str]) -> dict[str, str]:
        """The headers of the 429; `known` are the headers of the request's own bucket."""
        asked = {"Retry-After": f"{self.wait_s:g}"}
        empty = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": f"{self.wait_s:.3f}"}
        match self.kind:
            case "rate_limit_edge":
                return asked
            case "rate_limit_global":
                return VIA | asked | {"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"}
            case "rate_limit_shared":
                return known | VIA | asked | {"X-RateLimit-Scope": "shared"}
            case "rate_limit_body":
                return known | VIA | {"X-RateLimit-Scope": "user", "Retry-After": f"{MOMENT_S:g}"}
            case "rate_limit_reset":
                return known | VIA | {"X-RateLimit-Scope": "user"} | empty
            case _:
                return known | VIA | asked | {"X-RateLimit-Scope": "user"} | empty


class Closings:
    """Records which names are closed, and until when."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._until: dict[str, float] = {}

    def close(self, names: "Names", refused: Refused) -> None:
        """Closes what this 429 covers, for a request with these names."""
        closed = {"rate_limit_edge": ADDRESS, "rate_limit_global": EVERYTHING, "rate_limit_shared": names.resource}
        name = closed.get(refused.kind, names.bucket)
        self._until[name] = max(self._until.get(name, 0.0), self._now() + refused.wait_s)

    def has(self, names: "Names") -> bool:
        """Whether a request with these names comes too soon."""
        return any(self._until.get(name, 0.0) > self._now() for name in names.all)


@dataclass(frozen=True, slots=True)
class Names:
    """The names by which a request can be refused: its bucket, its resource, everything, its address."""

    bucket: str
    resource: str
    is_interaction: bool = False

    @property
    def all(self) -> Iterable[str]:
        return (ADDRESS, self.bucket) if self.is_interaction else (ADDRESS, EVERYTHING, self.bucket, self.resource)
