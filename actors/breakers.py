"""Runs the breakers: calls to a dependency that is down are not made, and their callers are held.

    caller ─► Gate ─► call ─► outcome ─► verdict ─► machines/breaker.py
      ▲         │
      └─ HeldBack(until) while the breaker is open: no request is sent

Each held caller gets its own time, in the order of the calls. The first comes back when the breaker's open time ends
and is the probe; the others follow it, paced. Nobody polls. The gate stores only the last time that it gave: however
many callers wait, no more come back per second than may be sent.

A dependency may answer reads and lose writes. So reads are counted in a row of their own (`is_write=False`), and a read
that succeeds proves nothing while writes fail.

Failure modes: if the probe's task dies, nothing is decided and the next caller is the probe; a caller that comes back
while the probe is running goes to the end of the line. Breakers live in memory: a new process starts with all closed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from actors.observation import BreakerView
from actors.ports import BreakerMoved, Clock, HeldBack, Indicator, Trace
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
"""Delay between the probe and the next held caller: a working Discord answers within that time."""

CLOCK_ROUNDING_S: Final = 0.01
"""Tolerance for a caller that comes back too early: a sleep until a float time is not exact."""

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
        self._last_slot = 0.0  # the last time given to a held caller since the breaker opened
        self._is_probing = False
        self.on_hold: Callable[[], None] | None = None  # called at each opening, failed probes included
        self.on_write: Callable[[float, bool], None] | None = None  # called after each write: time, whether it failed

    @property
    def dependency(self) -> str:
        return self._breaker.dependency

    @property
    def is_closed(self) -> bool:
        return self._breaker.state is CLOSED

    @property
    def opened_at(self) -> float:
        """When the breaker last opened; a failed probe does not count as a new opening."""
        return self._breaker.opened_at

    @property
    def seen(self) -> BreakerView:
        """The breaker's state, for the inspector, `watch` and `/debug`."""
        breaker = self._breaker
        is_open = breaker.state is OPEN
        return BreakerView(
            breaker.dependency,
            breaker.state.value,
            max(breaker.failures, breaker.reads_failed),
            breaker.failures_max,
            opened_at=None if self.is_closed else breaker.opened_at,
            until=breaker.open_until if is_open else None,
        )

    @property
    def held_until(self) -> float | None:
        """When the probe may be made; None if a call would not be held now."""
        breaker, now = self._breaker, self._clock.now()
        if breaker.state is OPEN and now < breaker.open_until - CLOCK_ROUNDING_S:
            return breaker.open_until
        return now if breaker.state is HALF_OPEN and self._is_probing else None

    @property
    def tried_again_at(self) -> float:
        """When the next call may be made; now, if no caller is held."""
        return self.held_until or self._clock.now()

    async def attempt(
        self,
        call: Callable[[], Awaitable[T]],
        verdict: Verdict,
        *,
        is_free: Callable[[T], bool] = never,
        is_write: bool = True,
    ) -> T | HeldBack:
        """Await `call()` and judge its outcome; return HeldBack without calling while the breaker is open.

        If a failure opened the breaker, or found it open, and the call had no remote effect (`is_free`), return
        HeldBack too, so that it costs no attempt.
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
                self._is_probing = False  # also when the task died: the next caller is the probe
        if is_probe and isinstance(outcome, HeldBack) and not outcome.cause:
            return self._hold(outcome.until)  # not sent (no connection yet): the other callers must not follow at once
        # A probe held by a closed bucket waits for that bucket alone: the next caller is the probe.
        fact = self._judge(verdict, outcome, is_write=is_write)
        # Only the probe decides, not a call that was sent before the breaker opened.
        if fact is not None and (is_probe or self._breaker.state is not HALF_OPEN):
            self._advance(fact)
        if is_write and fact is not None and self.on_write is not None:
            self.on_write(fact.at, isinstance(fact, Failed))
        until = self.held_until
        if until is not None and isinstance(fact, Failed) and is_free(outcome):
            return self._hold(until)
        return outcome

    def note_arrival(self) -> None:
        """Count a write that seemed to fail, but arrived, as a success.

        Ignored unless the breaker is closed: the write may be older than the outage.
        """
        if self.is_closed:
            self._advance(Succeeded(self._clock.now()))

    def note_incident(self) -> None:
        """Report a major incident from the status page; ignored unless the breaker is closed."""
        if self.is_closed:
            self._advance(IncidentReported(self._clock.now()))

    def _judge(self, verdict: Verdict, outcome: object, *, is_write: bool) -> Fact | None:
        fact = verdict(outcome, self._clock.now())
        return replace(fact, is_read=not is_write) if isinstance(fact, Failed | Succeeded) else fact

    def _hold(self, until: float) -> HeldBack:
        return HeldBack(self._slot_after(until), self._cause, self._breaker.opened_at)

    def _slot_after(self, until: float) -> float:
        """The next free time for a held caller; the first one while the breaker is open is the probe's."""
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
            self._last_slot = 0.0  # callers that wait come back at their old times and get new ones
            if self.on_hold is not None:
                self.on_hold()
        if breaker.state is not source:
            until = breaker.open_until if breaker.state is OPEN else 0.0
            self._trace.publish(BreakerMoved(breaker.dependency, source.value, breaker.state.value, fact.at, until))


@dataclass(frozen=True, slots=True)
class Breakers:
    """All breakers of a process; without any (BREAKER_FAILURES=0) no caller is held."""

    discord: Gate | None = None
    models: tuple[Gate, ...] = ()
    watch: StatusWatch | None = None

    @property
    def indicator(self) -> Indicator:
        """The worst report of Discord's status page on the current outage; `none` if there was no report."""
        return "none" if self.watch is None else self.watch.worst

    @property
    def reported(self) -> Indicator:
        """The last report of Discord's status page; `none` if it is not read."""
        return "none" if self.watch is None else self.watch.reported

    def expect_backlog(self) -> None:
        """Have the status page read before a backlog is sent."""
        if self.watch is not None:
            self.watch.expect_backlog()

    def models_to_avoid(self) -> Collection[str]:
        """The models whose breakers hold callers; if all do, all but the one that is tried again first."""
        held = {gate.dependency: until for gate in self.models if (until := gate.held_until) is not None}
        if held and len(held) == len(self.models):
            del held[min(held, key=held.__getitem__)]
        return held.keys()

    def note_arrival(self) -> None:
        """Report that a message whose send seemed to fail is in the channel."""
        if self.discord is not None:
            self.discord.note_arrival()

    def is_held(self, model: str) -> bool:
        return any(gate.dependency == model and gate.held_until is not None for gate in self.models)

    @property
    def gates(self) -> tuple[Gate, ...]:
        """All gates, Discord's first."""
        return (*((self.discord,) if self.discord else ()), *self.models)

    def troubles(self) -> tuple[tuple[str, float], ...]:
        """(dependency, time of the next try) of each breaker that is not closed."""
        return tuple((gate.dependency, gate.tried_again_at) for gate in self.gates if not gate.is_closed)
