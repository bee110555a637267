"""Breakers at work: what does not answer is left alone, and what was meant for it waits in line.

    caller ─► Gate ─► call ─► outcome ─► verdict ─► machines/breaker.py
      ▲         │
      └─ HeldBack(until) while it is open: nothing touches the wire

Each held caller is given a time of its own, in the order of asking: the first comes back when the pause ends
and is the probe, the others after it, paced. Nobody polls, and nothing is kept for a caller but the last time
given: however many wait, no more come back in a second than may go out.

A dependency may answer reads and lose what is written: reads are counted in a row of their own (`is_write=False`), and
one that succeeds proves nothing while writes fail.

Failure modes: a probe whose task dies decides nothing, the next caller is the probe; a caller that comes back
while the probe is still out goes to the end of the line. Breakers live in memory: a new process finds out anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from actors.ports import BreakerMoved, Clock, HeldBack, Indicator, SeenBreaker, Trace
from actors.status_watch import StatusWatch
from machines.breaker import (
    CLOSED,
    HALF_OPEN,
    OPEN,
    Breaker,
    Fact,
    Failed,
    Hold,
    IncidentReported,
    PauseElapsed,
    Succeeded,
    advance,
)
from machines.reasons import HeldReason

PROBE_LEAD_S: Final = 1.0
"""The line starts so long after its probe: a Discord that lives answers within that."""

CLOCK_ROUNDING_S: Final = 0.01
"""Who comes back so little too early comes in time: sleeping until a float is not exact."""

T = TypeVar("T")
Verdict = Callable[[object, float], Fact | None]


def never(outcome: object) -> bool:
    return False


class Gate:
    """One dependency behind its breaker."""

    def __init__(
        self, breaker: Breaker, *, cause: HeldReason, released_per_s: float, clock: Clock, trace: Trace
    ) -> None:
        self._breaker = breaker
        self._cause = cause
        self._spacing_s = 1 / released_per_s
        self._clock = clock
        self._trace = trace
        self._last_slot = 0.0  # of those given since the breaker opened
        self._is_probing = False
        self.on_hold: Callable[[], None] | None = None  # called at each opening, failed probes included
        self.on_write: Callable[[float, bool], None] | None = None  # called with each write: when, whether it failed

    @property
    def dependency(self) -> str:
        return self._breaker.dependency

    @property
    def is_closed(self) -> bool:
        return self._breaker.state is CLOSED

    @property
    def opened_at(self) -> float:
        """When it last opened; failed probes are no new opening."""
        return self._breaker.opened_at

    @property
    def seen(self) -> SeenBreaker:
        """How it stands, for those who look on."""
        breaker = self._breaker
        is_open = breaker.state is OPEN
        return SeenBreaker(
            breaker.dependency,
            breaker.state.value,
            max(breaker.failures, breaker.reads_failed),
            breaker.failures_max,
            opened_at=None if self.is_closed else breaker.opened_at,
            until=breaker.open_until if is_open else None,
        )

    @property
    def held_until(self) -> float | None:
        """When a probe may go out; None where nobody is held back now."""
        breaker, now = self._breaker, self._clock.now()
        if breaker.state is OPEN and now < breaker.open_until - CLOCK_ROUNDING_S:
            return breaker.open_until
        return now if breaker.state is HALF_OPEN and self._is_probing else None

    @property
    def tried_again_at(self) -> float:
        """When the next try may go out; now, where it only waits for somebody to make it."""
        return self.held_until or self._clock.now()

    async def attempt(
        self,
        call: Callable[[], Awaitable[T]],
        verdict: Verdict,
        *,
        is_free: Callable[[T], bool] = never,
        is_write: bool = True,
    ) -> T | HeldBack:
        """Await `call()` and judge what came of it, or hold it back.

        A failure that opened it, or met it open, is held back as well where it `is_free`: it did nothing at the
        other end and may be repeated, so nobody is to pay an attempt for it.
        """
        until = self.held_until
        if until is not None:
            return self._hold(until)
        is_probe = not self.is_closed
        if is_probe:
            self._begin_probe()
        try:
            outcome = await call()
        finally:
            if is_probe:
                self._is_probing = False  # of a task that died as well: the next caller is the probe
        if is_probe and isinstance(outcome, HeldBack) and not outcome.cause:
            return self._hold(outcome.until)  # it could not leave (no connection yet): the line does not rush after it
        # One that a closed bucket holds back waits for that bucket alone: the next caller is the probe.
        fact = self._judge(verdict, outcome, is_write=is_write)
        # What left before it opened does not decide: only the probe does.
        if fact is not None and (is_probe or self._breaker.state is not HALF_OPEN):
            self._advance(fact)
        if is_write and fact is not None and self.on_write is not None:
            self.on_write(fact.at, isinstance(fact, Failed))
        until = self.held_until
        if until is not None and isinstance(fact, Failed) and is_free(outcome):
            return self._hold(until)
        return outcome

    def note_arrival(self) -> None:
        """A write that seemed to fail had arrived after all: it was no failure.

        While it is not closed that says nothing: the write may be older than the trouble.
        """
        if self.is_closed:
            self._advance(Succeeded(self._clock.now()))

    def note_incident(self) -> None:
        """Its status page reports a major incident; while it is not closed that is nothing new."""
        if self.is_closed:
            self._advance(IncidentReported(self._clock.now()))

    def _judge(self, verdict: Verdict, outcome: object, *, is_write: bool) -> Fact | None:
        fact = verdict(outcome, self._clock.now())
        return replace(fact, is_read=not is_write) if isinstance(fact, Failed | Succeeded) else fact

    def _hold(self, until: float) -> HeldBack:
        return HeldBack(self._slot_after(until), self._cause, self._breaker.opened_at)

    def _slot_after(self, until: float) -> float:
        """The next free time in the line; the first one, while the pause lasts, is the probe's."""
        if self._breaker.state is OPEN and self._last_slot < until:
            self._last_slot = until
        else:
            self._last_slot = max(self._last_slot + self._spacing_s, until + PROBE_LEAD_S)
        return self._last_slot

    def _begin_probe(self) -> None:
        if self._breaker.state is OPEN:
            self._advance(PauseElapsed(self._clock.now()))
        self._is_probing = True

    def _advance(self, fact: Fact) -> None:
        breaker = self._breaker
        source = breaker.state
        step = advance(breaker, fact)
        if any(isinstance(effect, Hold) for effect in step.effects):
            self._last_slot = 0.0  # those who wait come back at their old times, and line up anew
            if self.on_hold is not None:
                self.on_hold()
        if breaker.state is not source:
            until = breaker.open_until if breaker.state is OPEN else 0.0
            self._trace.publish(BreakerMoved(breaker.dependency, source.value, breaker.state.value, fact.at, until))


@dataclass(frozen=True, slots=True)
class Breakers:
    """All breakers of a process; without any (BREAKER_FAILURES=0) nothing is ever held back."""

    discord: Gate | None = None
    models: tuple[Gate, ...] = ()
    watch: StatusWatch | None = None

    @property
    def indicator(self) -> Indicator:
        """The worst that Discord's status page said of the outage that holds lines; `none` where it said nothing."""
        return "none" if self.watch is None else self.watch.worst

    @property
    def reported(self) -> Indicator:
        """What Discord's status page said last; `none` where it is not asked."""
        return "none" if self.watch is None else self.watch.reported

    def expect_backlog(self) -> None:
        """Much may go out at once: the status page is asked before."""
        if self.watch is not None:
            self.watch.expect_backlog()

    def models_to_avoid(self) -> Collection[str]:
        """The models that are held; where all are, all but the one that is tried first again."""
        held = {gate.dependency: until for gate in self.models if (until := gate.held_until) is not None}
        if held and len(held) == len(self.models):
            del held[min(held, key=held.__getitem__)]
        return held.keys()

    def note_arrival(self) -> None:
        """What was sent to Discord and seemed lost stands in the channel."""
        if self.discord is not None:
            self.discord.note_arrival()

    def is_held(self, model: str) -> bool:
        return any(gate.dependency == model and gate.held_until is not None for gate in self.models)

    @property
    def gates(self) -> tuple[Gate, ...]:
        """All of them, Discord's first."""
        return (*((self.discord,) if self.discord else ()), *self.models)

    def troubles(self) -> tuple[tuple[str, float], ...]:
        """(dependency, when it is tried again) of each breaker that is not closed."""
        return tuple((gate.dependency, gate.tried_again_at) for gate in self.gates if not gate.is_closed)
