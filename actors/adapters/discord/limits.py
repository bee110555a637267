"""Reads a 429: what it limits, and for how long.

Sources: https://discord.com/developers/docs/topics/rate-limits and RFC 9110, section 10.2.3 (Retry-After).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal

PAUSE_MAX_S: Final = 86_400.0
"""One header cannot stop requests for longer than a day."""
UNNAMED_WAIT_S: Final = 5.0
"""The assumed wait of a 429 without a usable one; without it, the next caller would get a 429 at once."""

Scope = Literal["bucket", "resource", "everything", "address"]
"""What is limited: one of our buckets (Discord's `user`), a channel for all its users (`shared`), all requests of the
bot (`global`), or all requests from this address, refused by Discord's edge (Cloudflare, which does not identify bots).
"""

_NAMED: Final[dict[str, Scope]] = {"user": "bucket", "shared": "resource", "global": "everything"}


@dataclass(frozen=True, slots=True)
class Limit:
    """One 429."""

    wait_s: float
    scope: Scope


def limit_of(headers: Mapping[str, str], fields: Mapping[str, Any]) -> Limit:
    """Read a 429; `headers` are case-insensitive, `fields` are those of its JSON."""
    return Limit(_wait_s(headers, fields), _scope(headers, fields))


def asked_wait_s(headers: Mapping[str, str], fields: Mapping[str, Any]) -> float:
    """The longer of the waits in header and JSON; 0 if neither has a usable one."""
    written = headers.get("Retry-After", "")
    return max(seconds(written) or _seconds_until(written, headers), seconds(fields.get("retry_after")))


def seconds(value: object) -> float:
    """Parse a wait from a server, at most PAUSE_MAX_S; 0 if it is unusable."""
    try:
        asked = float(str(value))
    except ValueError:
        return 0.0
    return min(asked, PAUSE_MAX_S) if asked > 0 else 0.0


def _wait_s(headers: Mapping[str, str], fields: Mapping[str, Any]) -> float:
    """The longest wait that the 429 requests.

    The bucket's reset counts only if the bucket is empty: the 429 of a shared limit has the headers of our own bucket,
    which may not be empty.
    """
    asked_s, reset_s = asked_wait_s(headers, fields), seconds(headers.get("X-RateLimit-Reset-After"))
    is_empty = headers.get("X-RateLimit-Remaining") == "0"
    return max(asked_s, reset_s if is_empty or not asked_s else 0.0) or UNNAMED_WAIT_S


def _scope(headers: Mapping[str, str], fields: Mapping[str, Any]) -> Scope:
    if headers.get("X-RateLimit-Global", "").lower() == "true" or fields.get("global") is True:
        return "everything"
    named = _NAMED.get(headers.get("X-RateLimit-Scope", "").lower())
    if named is not None:
        return named
    # A 429 without Discord's own fields comes from the edge.
    return "bucket" if "retry_after" in fields else "address"


def _seconds_until(written: str, headers: Mapping[str, str]) -> float:
    """The wait until a date, by the server's clock if the answer has a `Date`."""
    try:
        until = parsedate_to_datetime(written).timestamp()
        now = parsedate_to_datetime(headers["Date"]).timestamp() if "Date" in headers else time.time()
    except (ValueError, OverflowError):
        return 0.0
    return seconds(until - now)
