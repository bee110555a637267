"""Computes what an account may still ask of one model, and when. Pure: the time is an argument.

    limits, uses of the last minute and day ─┐
    what the server reported with an answer ─┼─► left(kind, at) ─► opens_at(cost) ─► now, or a later time
    a 429's own wait ────────────────────────┘

Our own count is that of a sliding window: at most the limit in any 60 seconds (24 hours). It suits servers that count
so, that count by the clock's minutes, and that refill a bucket. A bucket gives more, and a server shows that it has
one: it says that it will be full exactly when a bucket would be. What others use of the account shows as well: less is
left than we count.

Sources: https://console.groq.com/docs/rate-limits (a day of 1,000 requests is refilled with one each 86.4 s).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Final, Literal, get_args

from actors.roleplay.tokens import next_ratio
from machines.reasons import AllowanceReason, LimitKind

Kind = LimitKind
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
OF_TOKENS: Final[tuple[Kind, ...]] = ("tokens_per_minute", "tokens_per_day")

Span = Literal["minute", "day"]
SPANS: Final[dict[Span, tuple[Kind, Kind]]] = {
    "minute": ("requests_per_minute", "tokens_per_minute"),
    "day": ("requests_per_day", "tokens_per_day"),
}
"""The limits of requests and of tokens in each span."""

MINUTE_S: Final = 60.0
DAY_S: Final = 86_400.0

WINDOW_TOKENS_MIN: Final = 1500
"""A smaller window would hold a card, but too little of the latest lines."""

WINDOW_SHARE: Final = 3
"""A prompt has at most a third of a minute's tokens, so that a turn of a few characters fits into a minute or two."""

PRESSED_SHARE: Final = 0.60
"""Share of a day's tokens above which windows are halved, so that tokens are left for the rest of the day."""
SCARCE_SHARE: Final = 0.85
"""Share above which windows have their minimum."""

BUCKET_SIGNS: Final = 2
"""This many reports in a row show a bucket; one may be chance."""
BUCKET_DOUBTS: Final = 20

CLEAR_SHARE: Final = 0.85
"""Share of a span: after a whole span, every kind of server reports a full limit."""

BUCKET_TOLERANCE: Final = 0.05
BUCKET_TOLERANCE_S: Final = 0.5
"""How much a reported reset may differ from a bucket's: servers round."""

SLIP_S: Final = 1e-4
"""Tolerance of float times: a span that ends at a time has ended by then."""

REFUSALS_WAIT_MAX_S: Final = 60.0
"""The minimum wait after refusals in a row doubles up to this."""


@dataclass(frozen=True, slots=True)
class ModelLimits:
    """An account's limits for one model; None: no limit, or unknown."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    requests_per_day: int | None = None
    tokens_per_day: int | None = None

    def of(self, kind: Kind) -> int | None:
        limit: int | None = getattr(self, kind)
        return limit

    @property
    def known(self) -> tuple[Kind, ...]:
        return tuple(kind for kind in KINDS if self.of(kind) is not None)

    def updated(self, newer: ModelLimits) -> ModelLimits:
        """Return these limits, updated with the known ones of `newer`."""
        return replace(self, **{kind: newer.of(kind) for kind in newer.known})


@dataclass(frozen=True, slots=True)
class Report:
    """What a server said of one limit with an answer. `reset_s`: until there is room for `needed`; for the whole limit
    where that is None.
    """

    kind: Kind
    limit: int | None = None
    left: int | None = None
    reset_s: float | None = None
    needed: int | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """One request: `tokens` are its prompt's and what was reserved for its answer."""

    key: str
    at: float
    tokens: int
    requests: int = 1

    def cost(self, kind: Kind) -> int:
        return self.tokens if kind.startswith("tokens") else self.requests


@dataclass(frozen=True, slots=True)
class _Reported:
    """A report that counts: `left` at `at`, for a request asked at `asked_at`. `foreign` is what others used, by our
    count, until `full_at`.
    """

    at: float
    asked_at: float
    left: float
    foreign: float
    full_at: float
    is_bucket: bool


@dataclass(frozen=True, slots=True)
class Opening:
    """When a request may be sent, and which limit decides; `cause` is empty if none does."""

    at: float
    cause: AllowanceReason | Literal[""] = ""


def span_s(kind: Kind) -> float:
    return MINUTE_S if kind.endswith("minute") else DAY_S


def window_tokens(cap: int, limits: ModelLimits, *, day_share: float) -> int:
    """Return how large a prompt may be for the account, if `day_share` of the day's tokens is used."""
    a_minute = limits.tokens_per_minute
    window = cap if a_minute is None else min(cap, max(a_minute // WINDOW_SHARE, WINDOW_TOKENS_MIN))
    if day_share > SCARCE_SHARE:
        return min(window, WINDOW_TOKENS_MIN)
    return max(window // 2, min(window, WINDOW_TOKENS_MIN)) if day_share > PRESSED_SHARE else window


def answer_tokens(wanted: int, limits: ModelLimits) -> int:
    """Return how large an answer may be, so that a prompt fits beside it in one minute."""
    a_minute = limits.tokens_per_minute
    return wanted if a_minute is None else min(wanted, max(a_minute - WINDOW_TOKENS_MIN, a_minute // 2))


@dataclass(slots=True)
class Allowance:
    """One model's limits and uses. Uses are added in any order of time; those older than a day are forgotten."""

    limits: ModelLimits = field(default_factory=ModelLimits)
    _uses: deque[Use] = field(default_factory=deque)  # oldest first
    _told: dict[Kind, _Reported] = field(default_factory=dict)
    _signs: Counter[Kind] = field(default_factory=Counter)  # that a limit is a bucket's, in a row
    _closed_until: float = 0.0
    _closed_by: Kind | None = None
    _refusals: int = 0  # in a row
    _ratio: float = 1.0  # of counted to estimated tokens
    _counts: dict[Kind, _Counted] = field(default_factory=dict)  # of what is known now

    # ── what is learnt ──────────────────────────────────────────────────────────────────────────────

    def add(self, use: Use) -> None:
        """Count a request; under a known key, replace its figures."""
        later: list[Use] = []
        while self._uses and (self._uses[-1].at > use.at or self._uses[-1].key == use.key):
            newest = self._uses.pop()
            if newest.key != use.key:
                later.append(newest)
        self._uses.append(use)
        self._uses.extend(reversed(later))
        self._counts.clear()

    def forget_before(self, at: float) -> None:
        while self._uses and self._uses[0].at <= at:
            self._uses.popleft()
            self._counts.clear()

    def note_success(self, *, estimated: int, counted: int) -> None:
        """Record an answer, and the server's count of a prompt that we estimated; 0 means no count."""
        self._refusals = 0
        self._ratio = next_ratio(self._ratio, estimated=estimated, counted=counted)

    def note(self, report: Report, *, asked_at: float, at: float) -> None:
        """Record a server's report of one limit, from its answer at `at` to a request of `asked_at`."""
        limit = self.limits.of(report.kind)
        if limit is None or report.left is None:
            return
        span = span_s(report.kind)
        reset_s = span if report.reset_s is None else min(report.reset_s, span)
        self._judge_form(report, limit, span)
        by_our_count = _Counted.of(report.kind, limit, self._uses, None).left(at)
        foreign = max(0.0, by_our_count - report.left)
        is_bucket = self._signs[report.kind] >= BUCKET_SIGNS
        self._told[report.kind] = _Reported(at, asked_at, report.left, foreign, at + reset_s, is_bucket)
        self._counts.clear()

    def _judge_form(self, report: Report, limit: int, span: float) -> None:
        """Count the reports in a row that are a bucket's. One of a limit that is nearly used up, or not at all, may be
        any server's; one with a 429 that is none of a bucket's outweighs many."""
        needed = limit if report.needed is None else min(report.needed, limit)
        refill_s = max(0.0, needed - (report.left or 0)) * span / limit
        if report.reset_s is None or not span * (1 - CLEAR_SHARE) < refill_s < span * CLEAR_SHARE:
            return
        is_like = abs(report.reset_s - refill_s) <= refill_s * BUCKET_TOLERANCE + BUCKET_TOLERANCE_S
        if is_like:
            self._signs[report.kind] += 1
        else:
            self._signs[report.kind] = 0 if report.needed is None else -BUCKET_DOUBTS

    def note_refusal(self, wait_s: float, *, at: float, kind: Kind | None = None) -> float:
        """Record a 429: no request is sent for `wait_s`, longer after several in a row. Return the end of the wait."""
        self._refusals += 1
        least_s = min(2.0 ** min(self._refusals - 1, 16), REFUSALS_WAIT_MAX_S)
        until = at + max(wait_s, least_s)
        if until > self._closed_until:
            self._closed_until, self._closed_by = until, kind
        return self._closed_until

    # ── what is left ────────────────────────────────────────────────────────────────────────────────

    def left(self, kind: Kind, at: float) -> float | None:
        """Return how much of a limit is left at `at`; None without a limit."""
        limit = self.limits.of(kind)
        return None if limit is None else max(0.0, self._counted(kind, limit).left(at))

    def day_share(self, at: float) -> float:
        """Return the used share of the day's tokens, 0 to 1."""
        limit, left = self.limits.tokens_per_day, self.left("tokens_per_day", at)
        return 0.0 if not limit or left is None else 1 - left / limit

    def opens_at(self, tokens: int, at: float, *, ahead: tuple[int, int] = (0, 0)) -> Opening:
        """Return when a request of so many tokens may be sent, behind `ahead` requests and tokens of others.

        A request larger than a limit may be sent when the whole limit is free: the server decides.
        """
        opening = Opening(at)
        if self._closed_until > at:
            opening = Opening(self._closed_until, self._closed_by or "account_limit")
        for kind in self.limits.known:
            limit = self.limits.of(kind) or 0
            before, cost = (ahead[1], tokens) if kind in OF_TOKENS else (ahead[0], 1)
            opens_at = self._counted(kind, limit).opens_at(before, min(cost, limit), at)
            if opens_at > opening.at:
                opening = Opening(opens_at, kind)
        return opening

    def window_tokens(self, cap: int, at: float) -> int:
        """Return how large a prompt may be today, in estimated tokens; at most `cap`."""
        return min(cap, self.estimated(window_tokens(self.counted(cap), self.limits, day_share=self.day_share(at))))

    def fitting_window(self, cap: int, answer: int, at: float, *, ahead_tokens: int = 0) -> int:
        """The largest prompt that may go out now with this answer, behind `ahead_tokens` of others; never less than the
        least. As we estimate prompts.

        Where nothing comes back for a minute, what is left is not cut into one line and a useless rest.
        """
        full = self.window_tokens(cap, at)
        lefts = [left for kind in OF_TOKENS if (left := self.left(kind, at)) is not None]
        if not lefts:
            return full
        room, least = int(min(lefts)) - ahead_tokens, WINDOW_TOKENS_MIN + answer
        if room >= 2 * least and not self._refills(at):
            room -= least
        return max(min(full, self.estimated(WINDOW_TOKENS_MIN)), min(full, self.estimated(room - answer)))

    def counted(self, estimated: int) -> int:
        """Return the server's expected count of a prompt that we estimated."""
        return math.ceil(estimated * self._ratio)

    def estimated(self, counted: int) -> int:
        return int(counted / self._ratio)

    def _refills(self, at: float) -> bool:
        told = self._told.get("tokens_per_minute")
        return told is not None and told.is_bucket and at < told.at + MINUTE_S

    def lines_left(self, span: Span, line_tokens: int, at: float) -> int | None:
        """Return how many requests of so many tokens fit into what is left; None without a limit."""
        of_requests, of_tokens = SPANS[span]
        requests, tokens = self.left(of_requests, at), self.left(of_tokens, at)
        lines = [] if tokens is None else [tokens / max(line_tokens, 1)]
        lines += [] if requests is None else [requests]
        if not lines:
            return None
        return 0 if self._closed_until > at and span == "minute" else int(min(lines) + SLIP_S)

    def _counted(self, kind: Kind, limit: int) -> _Counted:
        known = self._counts.get(kind)
        if known is None or known.limit != limit:
            known = self._counts[kind] = _Counted.of(kind, limit, self._uses, self._told.get(kind))
        return known


@dataclass(frozen=True, slots=True)
class _Counted:
    """One limit, and what is left of it at any later time if no request is added."""

    limit: int
    span_s: float
    told: _Reported | None
    ats: tuple[float, ...]
    sums: tuple[int, ...]  # of the costs before each of `ats`, and of all

    @classmethod
    def of(cls, kind: Kind, limit: int, uses: deque[Use], told: _Reported | None) -> _Counted:
        span = span_s(kind)
        newest_at = uses[-1].at if uses else 0.0
        since = min(newest_at, told.at if told else newest_at) - span
        counted = tuple(reversed([use for use in _newest_first(uses, since) if use.cost(kind)]))
        sums = tuple(accumulate((use.cost(kind) for use in counted), initial=0))
        return cls(limit, span, told, tuple(use.at for use in counted), sums)

    def left(self, at: float) -> float:
        told = self.told
        counted = self.limit - self._used_after(at - self.span_s + SLIP_S)
        if told is None or at >= told.at + self.span_s:
            return counted
        if told.is_bucket:
            refilled = told.left + (at - told.at) * self.limit / self.span_s
            return min(float(self.limit), refilled) - self._used_after(told.asked_at)
        return counted - (told.foreign if at < told.full_at - SLIP_S else 0.0)

    def opens_at(self, before: int, cost: int, at: float) -> float:
        """When there is room for `cost` behind `before`; what exceeds the limit waits for whole spans more."""
        spans = -(-(before + cost) // self.limit) - 1
        return (
            self.reaches(min(before, self.limit), at) + spans * self.span_s
            if spans > 0
            else self.reaches(before + cost, at)
        )

    def reaches(self, wanted: int, at: float) -> float:
        """When so much is left at the earliest, from `at` on."""
        if self.left(at) >= wanted:
            return at
        times = sorted(each for each in self._times(wanted) if each > at)
        first = bisect_left(times, True, key=lambda each: self.left(each) >= wanted)
        return times[first] if first < len(times) else at + self.span_s

    def _times(self, wanted: int) -> Iterator[float]:
        """When something comes back."""
        yield from (each + self.span_s for each in self.ats)
        if self.told is None:
            return
        yield self.told.full_at
        yield self.told.at + self.span_s
        if self.told.is_bucket:
            missing = wanted + self._used_after(self.told.asked_at) - self.told.left
            yield self.told.at + missing * self.span_s / max(self.limit, 1) + SLIP_S

    def _used_after(self, since: float) -> int:
        """What was used after `since`."""
        return self.sums[-1] - self.sums[bisect_right(self.ats, since)]


def _newest_first(uses: deque[Use], since: float) -> Iterator[Use]:
    for use in reversed(uses):
        if use.at <= since:
            return
        yield use


SHORT: Final = {"rpm": KINDS[0], "tpm": KINDS[1], "rpd": KINDS[2], "tpd": KINDS[3]}
"""The names of the kinds in Groq's table of limits."""

EXAMPLE: Final = "rpm=30,tpm=8000,rpd=1000,tpd=200000"

DIGITS_MAX: Final = 12

TOKENS_PER_MINUTE_MIN: Final = 2000
"""Room for a small prompt and a short answer."""


def parsed(written: str) -> ModelLimits:
    """Read `rpm=30,tpm=8000,rpd=1000,tpd=200000`; 0, or a name that is left out, is no limit. Raises ValueError."""
    found: dict[Kind, int | None] = {}
    for part in filter(None, (each.strip() for each in written.split(","))):
        name, _, number = (each.strip() for each in part.lower().partition("="))
        digits = number.replace("_", "")
        if name not in SHORT or not digits.isdecimal() or len(digits) > DIGITS_MAX or SHORT[name] in found:
            raise ValueError(f"{part[:40]!r} is no limit, or a second one; write it like {EXAMPLE}, 0 for no limit")
        found[SHORT[name]] = int(digits) or None
    limits = replace(ModelLimits(), **found)
    if limits.tokens_per_minute is not None and limits.tokens_per_minute < TOKENS_PER_MINUTE_MIN:
        raise ValueError(f"no line fits into so few tokens a minute; tpm is {TOKENS_PER_MINUTE_MIN} at least")
    return limits
