"""Reads limits and waits from headers and error bodies.

Sources: https://console.groq.com/docs/rate-limits (`retry-after` comes with a 429 only, in seconds; the resets are
Go durations: `7.66s`, `2m59.56s`, `1h0m5s`, `120ms`); RFC 9110, "Retry-After" (seconds or a date);
OpenAI's `retry-after-ms`; google.rpc.RetryInfo (`retryDelay: "34s"`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any, Final

from actors.roleplay.allowance import MINUTE_S, SPANS, Kind, ModelLimits, Report, Span

_UNIT_S: Final = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_NUMBER: Final = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
_PART: Final = re.compile(rf"({_NUMBER})(ms|d|h|m|s)")
_DURATION: Final = re.compile(rf"(?:{_NUMBER}(?:ms|d|h|m|s))+")
_IN_WORDS: Final = re.compile(
    rf"(?:try again|retry|wait)(?: again)?(?: in| after| for)? "
    rf"(?P<long>(?:{_NUMBER}(?:ms|d|h|m|s))+|{_NUMBER}(?= ?s(?:ec|\b)))",
    re.IGNORECASE,
)
_WAIT_NAMES: Final = frozenset({"retry_after", "retry-after", "retry_after_seconds", "retrydelay", "retryafter"})


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The requests left until the daily reset, and the tokens left until the minute's reset. None: not reported."""

    requests_left: int | None
    requests_reset_s: float | None
    tokens_left: int | None
    tokens_reset_s: float | None
    requests_max: int | None = None
    tokens_max: int | None = None


def rate_limits(headers: Mapping[str, str]) -> RateLimits | None:
    """Read the `x-ratelimit-…` headers; None if the server sends none."""
    limits = RateLimits(
        requests_left=_count(headers.get("x-ratelimit-remaining-requests")),
        requests_reset_s=seconds(headers.get("x-ratelimit-reset-requests")),
        tokens_left=_count(headers.get("x-ratelimit-remaining-tokens")),
        tokens_reset_s=seconds(headers.get("x-ratelimit-reset-tokens")),
        requests_max=_count(headers.get("x-ratelimit-limit-requests")),
        tokens_max=_count(headers.get("x-ratelimit-limit-tokens")),
    )
    return limits if limits != RateLimits(None, None, None, None) else None


def reports(headers: Mapping[str, str], limits: ModelLimits, *, is_groq: bool) -> tuple[Report, ...]:
    """Read the account's limits from an answer's headers.

    `…-tokens` are per minute. `…-requests` are per day at Groq and per minute at OpenAI; for other servers, they are
    per day if the reset exceeds a minute or the limit equals the known daily one. Some servers name the span
    (Cerebras: `…-requests-day`, `…-tokens-minute`).
    """
    requests = _report(headers, "requests_per_minute", "requests")
    is_reset_of_day = requests.reset_s is not None and requests.reset_s > MINUTE_S
    is_limit_of_day = requests.limit is not None and requests.limit == limits.requests_per_day
    if is_groq or is_reset_of_day or is_limit_of_day:
        requests = replace(requests, kind="requests_per_day")
    found = [requests, _report(headers, "tokens_per_minute", "tokens")]
    for span, (of_requests, of_tokens) in SPANS.items():
        found += [_report(headers, of_requests, f"requests-{span}"), _report(headers, of_tokens, f"tokens-{span}")]
    return tuple(each for each in found if each.limit is not None or each.left is not None)


def _report(headers: Mapping[str, str], kind: Kind, name: str) -> Report:
    limit = _count(headers.get(f"x-ratelimit-limit-{name}"))
    left = _count(headers.get(f"x-ratelimit-remaining-{name}"))
    return Report(kind, limit or None, left, seconds(headers.get(f"x-ratelimit-reset-{name}")))


_LIMIT_IN_WORDS: Final = re.compile(
    r"(?P<what>tokens|requests) per (?P<span>minute|day)\b.{0,40}?\blimit:? (?P<limit>[0-9]{1,12})\b"
    r"(?:.{0,20}?\bused:? (?P<used>[0-9]{1,12}))?(?:.{0,20}?\brequested:? (?P<needed>[0-9]{1,12}))?",
    re.IGNORECASE | re.DOTALL,
)
_THOUSANDS: Final = re.compile(r"(?<=[0-9]),(?=[0-9]{3}\b)")


def report_in(message: str, wait_s: float) -> Report | None:
    """Read the limit in the text of a 429: "on tokens per day (TPD): Limit 200000, Used 199500, Requested 2200"."""
    said = _LIMIT_IN_WORDS.search(_THOUSANDS.sub("", message))
    if said is None or not int(said["limit"]):
        return None
    span: Span = "minute" if said["span"].lower() == "minute" else "day"
    of_requests, of_tokens = SPANS[span]
    limit, used = int(said["limit"]), _count(said["used"])
    left = None if used is None else max(0, limit - used)
    kind = of_tokens if said["what"].lower() == "tokens" else of_requests
    return Report(kind, limit, left, wait_s or None, _count(said["needed"]))


def retry_after_s(headers: Mapping[str, str], *, tokens_needed: int, is_limited: bool) -> float:
    """Return the wait that the server requests; 0 if it names none.

    Groq sends its resets with every answer, so a reset counts only if no request is left, or fewer tokens than the
    request needs. `is_limited`: the answer is a 429, so a limit that it does not report may be used up.
    """
    told = asked_wait_s(headers)
    limits = rate_limits(headers)
    if told is not None or limits is None:
        return told or 0.0
    waits = []
    if limits.requests_left == 0:
        waits.append(limits.requests_reset_s or 0.0)
    if limits.tokens_left is not None and limits.tokens_left < max(tokens_needed, 1):
        waits.append(limits.tokens_reset_s or 0.0)
    if is_limited and not waits and limits.tokens_left is None:
        waits.append(limits.tokens_reset_s or 0.0)
    return max(waits, default=0.0)


def asked_wait_s(headers: Mapping[str, str]) -> float | None:
    """Read `retry-after` (seconds, a duration or a date); None if it is missing or unreadable."""
    milliseconds = headers.get("retry-after-ms", "").strip()
    if re.fullmatch(_NUMBER, milliseconds):
        return float(milliseconds) / 1000
    written = headers.get("retry-after")
    told = seconds(written)
    return told if told is not None else _until(written, headers.get("date"))


def wait_in(found: Iterable[tuple[str, Any]], message: str) -> float:
    """Read the wait from an error's body: a field, or text such as "try again in 7m30.5s"; 0 if it names none."""
    for name, value in found:
        told = seconds(str(value)) if name in _WAIT_NAMES and not isinstance(value, bool) else None
        if told is not None:
            return told
    words = _IN_WORDS.search(message)
    return (seconds(words["long"]) or 0.0) if words else 0.0


def seconds(written: str | None) -> float | None:
    """Read seconds (`12`, `0.5`) or a Go duration (`2m59.56s`); None for anything else."""
    text = (written or "").strip()
    if re.fullmatch(_NUMBER, text):
        return float(text)
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _UNIT_S[unit] for number, unit in _PART.findall(text))


def _until(written: str | None, now: str | None) -> float | None:
    """The seconds from the answer's `Date` until the date in `written`; None if either is missing or unreadable."""
    if not written or not now:
        return None
    try:
        return max(0.0, (parsedate_to_datetime(written) - parsedate_to_datetime(now)).total_seconds())
    except (ValueError, TypeError):  # not a date, or only one of the two has a time zone
        return None


def _count(written: str | None) -> int | None:
    text = (written or "").strip()
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None
