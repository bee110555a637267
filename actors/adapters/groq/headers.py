"""What Groq's response headers say about limits and waits.

Source: https://console.groq.com/docs/rate-limits. `retry-after` comes with a 429 only, in seconds; the
resets are written as Go writes durations: `7.66s`, `2m59.56s`, `1h0m5s`, `120ms`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_UNIT_S: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_NUMBER: Final = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
_PART: Final = re.compile(rf"({_NUMBER})(ms|h|m|s)")
_DURATION: Final = re.compile(rf"(?:{_NUMBER}(?:ms|h|m|s))+")


@dataclass(frozen=True, slots=True)
class RateLimits:
    """What is left: of requests until the day's, of tokens until the minute's reset. None: not said."""

    requests_left: int | None
    requests_reset_s: float | None
    tokens_left: int | None
    tokens_reset_s: float | None
    requests_max: int | None = None
    tokens_max: int | None = None


def rate_limits(headers: Mapping[str, str]) -> RateLimits | None:
    """Read the `x-ratelimit-…` headers; None where the server sends none."""
    limits = RateLimits(
        requests_left=_count(headers.get("x-ratelimit-remaining-requests")),
        requests_reset_s=seconds(headers.get("x-ratelimit-reset-requests")),
        tokens_left=_count(headers.get("x-ratelimit-remaining-tokens")),
        tokens_reset_s=seconds(headers.get("x-ratelimit-reset-tokens")),
        requests_max=_count(headers.get("x-ratelimit-limit-requests")),
        tokens_max=_count(headers.get("x-ratelimit-limit-tokens")),
    )
    return limits if limits != RateLimits(None, None, None, None) else None


def retry_after_s(headers: Mapping[str, str]) -> float:
    """How long the server asks to wait; 0 where it does not say.

    Without `retry-after` it is the reset of what is used up: the requests if none is left, else the tokens.
    """
    told = seconds(headers.get("retry-after"))
    limits = rate_limits(headers)
    if told is not None or limits is None:
        return told or 0.0
    return (limits.requests_reset_s if limits.requests_left == 0 else limits.tokens_reset_s) or 0.0


def seconds(written: str | None) -> float | None:
    """Read seconds (`12`, `0.5`) or a Go duration (`2m59.56s`); None for anything else."""
    text = (written or "").strip()
    if re.fullmatch(_NUMBER, text):
        return float(text)
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _UNIT_S[unit] for number, unit in _PART.findall(text))


def _count(written: str | None) -> int | None:
    text = (written or "").strip()
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None
