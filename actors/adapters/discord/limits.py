"""What a 429 says: for how long it closes what.

Sources: https://discord.com/developers/docs/topics/rate-limits and RFC 9110, section 10.2.3 (Retry-After).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal

PAUSE_MAX_S: Final = 86_400.0
"""No server may silence us for longer than a day with one header."""
UNNAMED_WAIT_S: Final = 5.0
"""A 429 that names no usable wait counts as one of so long: else the next caller would meet it again at once."""

Scope = Literal["bucket", "resource", "everything", "address"]
"""What is limited: one bucket of ours (Discord's `user`), a channel for all its users (`shared`), all that the bot asks
(`global`), or all that comes from this address, when Discord's edge refuses it (Cloudflare, which knows no bots)."""

_NAMED: Final[dict[str, Scope]] = {"user": "bucket", "shared": "resource", "global": "everything"}


@dataclass(frozen=True, slots=True)
class Limit:
    """One 429."""

    wait_s: float
    scope: Scope


def limit_of(headers: Mapping[str, str], fields: Mapping[str, Any]) -> Limit:
    """Read a 429; `headers` are found whatever their case, `fields` are those of its JSON."""
    return Limit(_wait_s(headers, fields), _scope(headers, fields))


def asked_wait_s(headers: Mapping[str, str], fields: Mapping[str, Any]) -> float:
    """How long header and JSON ask to wait, the longer of both; 0 where neither says anything usable."""
    written = headers.get("Retry-After", "")
    return max(seconds(written) or _seconds_until(written, headers), seconds(fields.get("retry_after")))


def seconds(value: object) -> float:
    """A wait that a server asks for; 0 where it says nothing usable."""
    try:
        asked = float(str(value))
    except ValueError:
        return 0.0
    return min(asked, PAUSE_MAX_S) if asked > 0 else 0.0


def _wait_s(headers: Mapping[str, str], fields: Mapping[str, Any]) -> float:
    """The longest that it asks for.

    The bucket's reset counts where the bucket is empty: a shared limit sends the headers of our own, which has room.
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
    # Without a word of Discord's own it is the edge that refuses.
    return "bucket" if "retry_after" in fields else "address"


def _seconds_until(written: str, headers: Mapping[str, str]) -> float:
    """The wait until a date, by the server's own clock where it tells that."""
    try:
        until = parsedate_to_datetime(written).timestamp()
        now = parsedate_to_datetime(headers["Date"]).timestamp() if "Date" in headers else time.time()
    except (ValueError, OverflowError):
        return 0.0
    return seconds(until - now)
