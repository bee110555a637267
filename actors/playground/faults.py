"""Draws the faults to inject, so that a seed means the same run.

A *line* is a character's message: a webhook's message, or the bot's own message with an embed, posted or
edited. Faults hit lines only, not plain notices or the creation of webhooks.
Only `outage` hits every request.

    (seed, ordinal of the channel, n-th line in it) ──blake2b─► a point in 0..1 ─► the fault whose share holds it

The shares are stacked in the order of the faults' names, so the order of the command line does not matter.
"""

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

PLAIN_KINDS = ("drop_after", "drop_before", "late", "outage", "rate_limit", "slow")
STATUS_KIND = re.compile(r"(http|stored)_([45]\d\d)")
KNOWN = ", ".join(sorted([*PLAIN_KINDS, "http_STATUS", "stored_STATUS"])) + " (STATUS: 400 to 599)"
ROUNDING = 1e-9
"""So that 0.1 + 0.2 + 0.7 counts as 1."""


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Which faults occur, how often, and how long those that wait take."""

    chances: tuple[tuple[str, float], ...] = ()
    """(kind, probability), ordered by kind; together at most 1."""
    seed: int = 0
    slow_s: float = 1.0
    """How long the answer to a `slow` line takes after the line was stored."""
    late_s: float = 0.4
    """A `late` line is stored this long after its connection was cut."""
    retry_after_s: float = 0.5
    """The wait that `rate_limit` asks for."""

    @classmethod
    def parse(cls, texts: Iterable[str], *, seed: int = 0, speed: float = 1.0) -> "FaultPlan":
        """Reads `KIND=P` strings; `speed` divides every wait. Raises ValueError that says what is allowed."""
        chances = parse_chances(texts, is_known, KNOWN)
        if speed <= 0:
            raise ValueError(f"speed must be above 0, not {speed:g}")
        plan = cls(chances, seed)
        return replace(
            plan,
            slow_s=plan.slow_s / speed,
            late_s=plan.late_s / speed,
            retry_after_s=plan.retry_after_s / speed,
        )

    def chance(self, kind: str) -> float:
        """The probability of one kind; 0 if it is not in the plan."""
        return dict(self.chances).get(kind, 0.0)

    def line_fault(self, channel_ordinal: int, nth: int) -> str | None:
        """The fault that hits the n-th line of a channel, if any."""
        return drawn(self.chances, point_of(f"{self.seed}/{channel_ordinal}/{nth}"))

    def is_out(self, channel_ordinal: int | None, nth: int) -> bool:
        """Whether an outage hits the n-th request that is not a line (of a channel, or outside channels)."""
        return point_of(f"{self.seed}/{channel_ordinal}/other/{nth}") < self.chance("outage")


class Dice:
    """Draws from a plan, counting the lines and the other requests of each channel."""

    def __init__(self, plan: FaultPlan) -> None:
        self.plan = plan
        self._lines: Counter[int] = Counter()
        self._others: Counter[int | None] = Counter()

    def for_line(self, channel_ordinal: int) -> str | None:
        """The fault for the next line in that channel."""
        self._lines[channel_ordinal] += 1
        return self.plan.line_fault(channel_ordinal, self._lines[channel_ordinal])

    def for_other(self, channel_ordinal: int | None) -> str | None:
        """`outage` or None for the next request that is not a line."""
        self._others[channel_ordinal] += 1
        return "outage" if self.plan.is_out(channel_ordinal, self._others[channel_ordinal]) else None


class Hold:
    """Delays the answer to one stored line until it is released."""

    def __init__(self) -> None:
        self.message_id: int | None = None
        self._armed = False
        self._caught = asyncio.Event()
        self._released = asyncio.Event()

    def arm(self) -> None:
        """Holds the next line that is stored."""
        self.release()
        self.message_id = None
        self._armed = True
        self._caught, self._released = asyncio.Event(), asyncio.Event()

    def release(self) -> None:
        """Releases the held answer, and disarms."""
        self._armed = False
        self._released.set()

    async def wait_caught(self) -> int | None:
        """Waits until a line is held; returns its message's id."""
        await self._caught.wait()
        return self.message_id

    async def pass_through(self, message_id: int | None) -> bool:
        """If armed, holds the caller until `release`; returns whether it was held."""
        if not self._armed:
            return False
        self._armed = False
        self.message_id = message_id
        released = self._released
        self._caught.set()
        await released.wait()
        return True


def is_known(kind: str) -> bool:
    """Whether a plan can have this fault."""
    return kind in PLAIN_KINDS or STATUS_KIND.fullmatch(kind) is not None


def parse_chances(texts: Iterable[str], is_kind: Callable[[str], bool], known: str) -> tuple[tuple[str, float], ...]:
    """`KIND=P` strings as (kind, probability), ordered by kind. Raises ValueError that says what is allowed."""
    chances = dict(_parse_one(text, is_kind, known) for text in texts)
    total = sum(chances.values())
    if total > 1 + ROUNDING:
        raise ValueError(f"the faults' probabilities add up to {total:g}; at most 1 is possible")
    return tuple(sorted(chances.items()))


def drawn(chances: Iterable[tuple[str, float]], point: float) -> str | None:
    """The kind whose share holds the point in 0..1; the shares are stacked in the order of `chances`."""
    for kind, chance in chances:
        if point < chance:
            return kind
        point -= chance
    return None


def _parse_one(text: str, is_kind: Callable[[str], bool], known: str) -> tuple[str, float]:
    kind, _, number = text.partition("=")
    if not is_kind(kind):
        raise ValueError(f"unknown fault {kind!r}; known: {known}")
    try:
        chance = float(number)
    except ValueError:
        raise ValueError(f"fault {text!r} needs a probability, e.g. {kind}=0.3") from None
    if not 0 <= chance <= 1:
        raise ValueError(f"the probability of {kind} must be between 0 and 1, not {number}")
    return kind, chance


def point_of(text: str) -> float:
    """A point in 0..1, the same for the same text."""
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
