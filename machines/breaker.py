"""A circuit breaker for one dependency: Discord, or one model.

    Closed ─(too many failures in a row)─► Open ─(time over)─► HalfOpen ─(probe succeeds)─► Closed
                                             ◄──(probe fails)─────┘

Only failures of the dependency itself count as `Failed`: 5xx, timeouts, lost connections. A 4xx or a 429 proves that it
is up. A major incident reported by its status page opens the breaker early if a call failed recently, without waiting
for the remaining failures.

Failed writes and failed reads are counted separately: an answered read proves nothing about lost writes, and a failed
read between answered ones does not count against the writes. Too many in a row of either kind open the breaker.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from machines.binding import Row, StateMachine, Step

RECENT_S: Final = 120.0
"""Greatest age of a failure that confirms a reported incident."""

# ── states ──────────────────────────────────────────────────────────────────────────────────────────


class State(StrEnum):
    CLOSED = "Closed"
    OPEN = "Open"
    HALF_OPEN = "HalfOpen"


CLOSED, OPEN, HALF_OPEN = State

# ── facts ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Succeeded:
    """A call succeeded. `is_read`: any call that is no new message, deletions included; models have none."""

    at: float
    is_read: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    at: float
    is_read: bool = False


@dataclass(frozen=True, slots=True)
class PauseElapsed:
    at: float


@dataclass(frozen=True, slots=True)
class IncidentReported:
    """The dependency's status page reports a major incident."""

    at: float


Fact = Succeeded | Failed | PauseElapsed | IncidentReported

# ── effects ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Hold:
    """Hold all callers until `until`."""

    until: float


# ── the subject ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Breaker:
    """More than `failures_max` failures in a row open the breaker for `open_s`; 0 turns it off."""

    dependency: str
    failures_max: int = 5
    open_s: float = 60.0
    _state: str = CLOSED.value
    failures: int = 0  # of writes, in a row
    reads_failed: int = 0  # in a row
    open_until: float = 0.0
    opened_at: float = 0.0  # when it last left Closed; failed probes do not count as a new opening
    failed_at: float | None = None  # the newest failure since the last recovery

    @property
    def state(self) -> State:
        return State(self._state)


def too_many(breaker: Breaker, fact: Failed) -> bool:
    return 0 < breaker.failures_max <= (breaker.reads_failed if fact.is_read else breaker.failures)


def proves_nothing(breaker: Breaker, fact: Succeeded) -> bool:
    """Whether a read succeeded while the failures are of writes."""
    return fact.is_read and breaker.failures > 0


def failed_lately(breaker: Breaker, fact: IncidentReported) -> bool:
    if breaker.failures_max == 0 or breaker.failed_at is None:
        return False
    return fact.at - breaker.failed_at <= RECENT_S


def count_failure(breaker: Breaker, fact: Failed) -> None:
    if fact.is_read:
        breaker.reads_failed += 1
    else:
        breaker.failures += 1
    breaker.failed_at = fact.at


def forget_failures(breaker: Breaker, fact: Succeeded) -> None:
    breaker.reads_failed = 0
    if not fact.is_read:
        breaker.failures = 0


def note_opening(breaker: Breaker, fact: Failed | IncidentReported) -> None:
    breaker.opened_at = fact.at


def hold(breaker: Breaker, fact: Failed | IncidentReported) -> Hold:
    breaker.open_until = fact.at + breaker.open_s
    return Hold(breaker.open_until)


def note_recovery(breaker: Breaker, fact: Succeeded) -> None:
    breaker.failed_at = None  # the probe succeeded: earlier failures no longer confirm an incident


# ── the table ───────────────────────────────────────────────────────────────────────────────────────

TABLE: Final[tuple[Row[Breaker, Hold], ...]] = (
    Row(Succeeded, CLOSED, CLOSED, do=(forget_failures,)),
    Row(Failed, CLOSED, CLOSED, unless=(too_many,), do=(count_failure,)),
    Row(Failed, CLOSED, OPEN, when=(too_many,), do=(count_failure, note_opening, hold)),
    Row(IncidentReported, CLOSED, OPEN, when=(failed_lately,), do=(note_opening, hold)),
    Row(IncidentReported, CLOSED, CLOSED, unless=(failed_lately,)),
    #
    Row(PauseElapsed, OPEN, HALF_OPEN),  # one call is made and decides
    Row(Succeeded, OPEN, OPEN),  # late results of calls made before it opened
    Row(Failed, OPEN, OPEN),
    #
    Row(Succeeded, HALF_OPEN, CLOSED, unless=(proves_nothing,), do=(forget_failures, note_recovery)),
    Row(Succeeded, HALF_OPEN, HALF_OPEN, when=(proves_nothing,)),
    Row(Failed, HALF_OPEN, OPEN, do=(count_failure, hold)),
)

MACHINE: Final[StateMachine[Breaker, Hold]] = StateMachine(
    "breaker", states=tuple(State), final=(), table=TABLE, initial=CLOSED
)


def advance(breaker: Breaker, fact: Fact) -> Step[Hold]:
    """Move `breaker` by one fact. Raises IllegalMove if no row allows it."""
    return MACHINE.advance(breaker, fact)
