"""Breakers at work: what does not answer is left alone, and what was meant for it waits in line.

    actor ─► Guarded… ─► Gate ─► the adapter ─► outcome ─► verdict ─► machines/breaker.py
      ▲                   │
      └─ HeldBack(until) ─┘ while it is open: nothing touches the wire

Each held caller is given a time of its own, in the order of asking: the first comes back when the pause ends
and is the probe, the others after it, paced. Nobody polls, and nothing is kept for a caller but the last time
given: however many wait, no more come back in a second than may go out.

A dependency may take reads and lose what is written: a call that only reads proves nothing while writes fail.

Failure modes: a probe whose task dies decides nothing, the next caller is the probe; a caller that comes back
while the probe is still out goes to the end of the line. Breakers live in memory: a new process finds out anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

from actors.ports import (
    BreakerMoved,
    Channel,
    Clock,
    Completion,
    DeleteOutcome,
    HeldBack,
    Indicator,
    Model,
    ModelFailed,
    PageOutcome,
    PrepareOutcome,
    ReadOutcome,
    Refused,
    SeenBreaker,
    SendOutcome,
    StatusPage,
    Trace,
    Unconfirmed,
    Voice,
)
from actors.roleplay.model import Character, Outbound, Prompt
from actors.roleplay.plan import RETRY_AFTER_S_MAX
from actors.status_watch import StatusWatch
from machines.breaker import (
    CLOSED,
    HALF_OPEN,
    OPEN,
    Breaker,
    Fact,
    Failed,
    Hold,
    LimitReached,
    PauseElapsed,
    Succeeded,
    advance,
)

DISCORD: Final = "discord"
DISCORD_DOWN: Final = "discord_down"
MODEL_DOWN: Final = "model_down"

DISCORD_RELEASED_PER_S: Final = 20.0
"""Discord takes 50 requests/s from a bot (Discord's reference, "Global Rate Limit"), and one that was held may
need two: it reads the channel back before it sends. So 40/s, and room for what is new."""

MODEL_RELEASED_PER_S: Final = 0.5
"""Groq's free tier takes 30 requests a minute; a local server takes one after the other."""

PROBE_LEAD_S: Final = 1.0
"""The line starts so long after its probe: a Discord that lives answers within that."""

CLOCK_ROUNDING_S: Final = 0.01
"""Who comes back so little too early comes in time: sleeping until a float is not exact."""

NO_ANSWER: Final = frozenset({"connection", "timeout"})
"""Reasons and causes of either port that say that nobody answered."""

T = TypeVar("T")
Verdict = Callable[[object, float], Fact | None]


def judge_discord(outcome: object, at: float) -> Fact | None:
    """What an answer says about Discord's life; None where it says nothing.

    A refusal without a status came from what the adapter knows already, unless it is the network's. An answer
    that cannot be read proves neither: one odd message must not keep a whole bot from speaking.
    """
    match outcome:
        case HeldBack() | Unconfirmed(status=None, cause="malformed"):
            return None
        case Refused(status=None, reason=reason):
            return Failed(at) if reason in NO_ANSWER else None
        case Unconfirmed(status=None):
            return Failed(at)
        case Refused(status=int(status)) | Unconfirmed(status=int(status)):
            return Failed(at) if status >= 500 else Succeeded(at)
        case _:
            return Succeeded(at)


def judge_prepared(outcome: object, at: float) -> Fact | None:
    """The same of `prepare`, which may succeed from memory alone."""
    return None if isinstance(outcome, tuple) else judge_discord(outcome, at)


def judge_model(outcome: object, at: float) -> Fact | None:
    """The same of a model; a rate limit that nobody waits out opens its breaker until it ends."""
    match outcome:
        case HeldBack() | ModelFailed(reason="malformed"):
            return None
        case ModelFailed(reason="overloaded" | "timeout" | "connection"):
            return Failed(at)
        case ModelFailed(reason="rate_limit", retry_after_s=wait_s) if wait_s > RETRY_AFTER_S_MAX:
            return LimitReached(at, at + wait_s)
        case _:
            return Succeeded(at)


def always(outcome: object) -> bool:
    return True


def never(outcome: object) -> bool:
    return False


def is_refused(outcome: object) -> bool:
    """Whether a send is known not to be stored: no connection was made, or what prepares it failed."""
    return isinstance(outcome, Refused)


class Gate:
    """One dependency behind its breaker."""

    def __init__(self, breaker: Breaker, *, cause: str, released_per_s: float, clock: Clock, trace: Trace) -> None:
        self._breaker = breaker
        self._cause = cause
        self._spacing_s = 1 / released_per_s
        self._clock = clock
        self._trace = trace
        self._last_slot = 0.0  # of those given since the breaker opened
        self._is_probing = False
        self._do_writes_fail = False  # one did, and none has succeeded since
        self.on_hold: Callable[[], None] | None = None  # called at each opening, failed probes included

    @property
    def dependency(self) -> str:
        return self._breaker.dependency

    @property
    def is_closed(self) -> bool:
        return self._breaker.state is CLOSED

    @property
    def seen(self) -> SeenBreaker:
        """How it stands, for those who look on."""
        breaker = self._breaker
        is_open = breaker.state is OPEN
        return SeenBreaker(
            breaker.dependency,
            breaker.state.value,
            breaker.failures,
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
        if is_probe and isinstance(outcome, HeldBack):
            return self._hold(outcome.until)  # it could not leave (no connection yet): the line does not rush after it
        fact = self._judge(verdict, outcome, is_write=is_write)
        # What left before it opened does not decide: only the probe does.
        if fact is not None and (is_probe or self._breaker.state is not HALF_OPEN):
            self._advance(fact)
        until = self.held_until
        if until is not None and isinstance(fact, Failed) and is_free(outcome):
            return self._hold(until)
        return outcome

    def note_arrival(self) -> None:
        """A write that seemed to fail had arrived after all: it was no failure.

        While it is not closed that says nothing: the write may be older than the trouble.
        """
        if self.is_closed:
            self._do_writes_fail = False
            self._advance(Succeeded(self._clock.now()))

    def _judge(self, verdict: Verdict, outcome: object, *, is_write: bool) -> Fact | None:
        fact = verdict(outcome, self._clock.now())
        if is_write and fact is not None:
            self._do_writes_fail = isinstance(fact, Failed)
        proves_nothing = isinstance(fact, Succeeded) and self._do_writes_fail
        return None if proves_nothing else fact

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
        """What Discord's status page said since its breaker opened; `none` where it said nothing."""
        return "none" if self.watch is None else self.watch.indicator

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


class GuardedVoice:
    """A Voice behind Discord's breaker."""

    def __init__(self, voice: Voice, gate: Gate) -> None:
        self._voice = voice
        self._gate = gate

    async def prepare(self, channel_id: int, character: Character) -> PrepareOutcome:
        return await self._gate.attempt(
            lambda: self._voice.prepare(channel_id, character), judge_prepared, is_free=always
        )

    async def send(self, outbound: Outbound) -> SendOutcome:
        return await self._gate.attempt(lambda: self._voice.send(outbound), judge_discord, is_free=is_refused)


class GuardedChannel:
    """A Channel behind the same breaker."""

    def __init__(self, channel: Channel, gate: Gate) -> None:
        self._channel = channel
        self._gate = gate

    async def messages(self, channel_id: int, *, after: int) -> ReadOutcome:
        return await self._gate.attempt(
            lambda: self._channel.messages(channel_id, after=after), judge_discord, is_free=always, is_write=False
        )

    async def page(self, channel_id: int, *, after: int) -> PageOutcome:
        return await self._gate.attempt(
            lambda: self._channel.page(channel_id, after=after), judge_discord, is_free=always, is_write=False
        )

    async def delete(self, channel_id: int, message_id: int, webhook_id: int | None) -> DeleteOutcome:
        return await self._gate.attempt(
            lambda: self._channel.delete(channel_id, message_id, webhook_id),
            judge_discord,
            is_free=always,
            is_write=False,  # it says nothing about new lines
        )

    async def typing(self, channel_id: int) -> None:
        """A courtesy: it is left out while the breaker is not closed, and proves nothing."""
        if self._gate.is_closed:
            await self._channel.typing(channel_id)


class GuardedModel:
    """A Model, each of its models behind a breaker of its own."""

    def __init__(self, model: Model, gates: tuple[Gate, ...]) -> None:
        self._model = model
        self._gates = {gate.dependency: gate for gate in gates}

    @property
    def label(self) -> str:
        return self._model.label

    @property
    def models(self) -> tuple[str, ...]:
        return self._model.models

    async def complete(self, prompt: Prompt) -> Completion | ModelFailed | HeldBack:
        return await self._gates[prompt.model].attempt(partial(self._model.complete, prompt), judge_model)


@dataclass(frozen=True, slots=True)
class Guarded:
    """The ports as the actors are given them, and the breakers between."""

    voice: Voice
    channel: Channel
    model: Model
    breakers: Breakers = field(default_factory=Breakers)


def guard(
    voice: Voice,
    channel: Channel,
    model: Model,
    *,
    clock: Clock,
    trace: Trace,
    failures_max: int,
    pause_s: float,
    status_page: StatusPage | None = None,
) -> Guarded:
    """Put the ports behind breakers; with `failures_max` 0 they stay as they are."""
    if not failures_max:
        return Guarded(voice, channel, model)

    def gate(dependency: str, cause: str, released_per_s: float) -> Gate:
        breaker = Breaker(dependency, failures_max, pause_s)
        return Gate(breaker, cause=cause, released_per_s=released_per_s, clock=clock, trace=trace)

    discord = gate(DISCORD, DISCORD_DOWN, DISCORD_RELEASED_PER_S)
    models = tuple(gate(name, MODEL_DOWN, MODEL_RELEASED_PER_S) for name in dict.fromkeys(model.models))
    watch = None if status_page is None else StatusWatch(status_page, trace, is_over=lambda: discord.is_closed)
    if watch is not None:
        discord.on_hold = watch.ring
    return Guarded(
        GuardedVoice(voice, discord),
        GuardedChannel(channel, discord),
        GuardedModel(model, models),
        Breakers(discord, models, watch),
    )
