"""The 429s that a fault makes up, and what they close: whoever asks again too soon is counted.

    rate_limit          its bucket's: of a channel, or of a webhook with all its threads
    rate_limit_shared   the resource's, whoever uses it: all webhooks of a channel
    rate_limit_global   the bot's: everything but interactions
    rate_limit_edge     the address's, as Discord's edge sends it: no `Via`, no JSON
    rate_limit_header   as the first; the header asks for the wait, the JSON for a moment
    rate_limit_body     the other way round
    rate_limit_reset    only `X-RateLimit-Reset-After` tells how long

Each may name its seconds: `rate_limit_shared:400`; else it asks for the plan's `retry_after_s`.
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
"""A 429 without it means "banned at the edge" to clients."""
MOMENT_S = 0.001
EVERYTHING, ADDRESS = "everything", "address"
_LIMITED = "You are being rate limited."


@dataclass(frozen=True, slots=True)
class Refused:
    """A 429 of a kind; `body` is None where there is no JSON."""

    kind: str
    wait_s: float

    @classmethod
    def parse(cls, kind: str, wait_s: float) -> "Refused":
        """Of a fault's name; `wait_s` where that names none."""
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
        """`known` are those of the request's own bucket."""
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
    """What is closed, by name, and until when."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._until: dict[str, float] = {}

    def close(self, names: "Names", refused: Refused) -> None:
        """A request of these names met this."""
        closed = {"rate_limit_edge": ADDRESS, "rate_limit_global": EVERYTHING, "rate_limit_shared": names.resource}
        name = closed.get(refused.kind, names.bucket)
        self._until[name] = max(self._until.get(name, 0.0), self._now() + refused.wait_s)

    def has(self, names: "Names") -> bool:
        """Whether a request of these names comes too soon."""
        return any(self._until.get(name, 0.0) > self._now() for name in names.all)


@dataclass(frozen=True, slots=True)
class Names:
    """By what a request may be refused: its bucket, the resource that it uses, everything, its address."""

    bucket: str
    resource: str
    is_interaction: bool = False

    @property
    def all(self) -> Iterable[str]:
        return (ADDRESS, self.bucket) if self.is_interaction else (ADDRESS, EVERYTHING, self.bucket, self.resource)
