"""View of one response: its moves, replayed through the machine without their text.

fact ─► without_text ─► advance ─► the same state, attempt and times that the actor's own response has
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from actors.observation.journal import Recorded
from actors.observation.reasons import Failure
from actors.ports.trace import GenerationEnded, MoveRefused
from actors.roleplay.model import ResponseId, SessionId
from machines.binding import IllegalMove
from machines.diagrams.svg import edge_key
from machines.facts import (
    Effect,
    Fact,
    FoundInChannel,
    Generated,
    Sent,
    Started,
    Task,
)
from machines.response import Limits, Response, advance, next_task

FAILURES: Final = Failure.__args__

ASIDES_MAX: Final = 30
"""Generation attempts and refused moves kept for one response."""


@dataclass(frozen=True, slots=True)
class Step:
    """One move of the path, for display."""

    seq: int
    fact: str
    source: str
    dest: str
    at: float
    attempt: int
    part: int
    reason: str | None
    stayed_s: float
    """How long the response had been in `source`."""
    given: Fact
    effects: tuple[Task | Effect, ...]
    """`given` is the move's fact, `effects` are the next task and the effects; both without text."""


@dataclass(frozen=True, slots=True)
class Aside:
    """An event that is no move and not journalled: known only to the process that saw it."""

    after_seq: int
    at: float
    event: GenerationEnded | MoveRefused


@dataclass(slots=True)
class ResponseView:
    """A response and its path. Call `take` in the order of the moves; `response` holds no text."""

    id: ResponseId
    session_id: SessionId
    name: str
    response: Response
    path: list[Step] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    last_fact: Fact | None = None
    last_failure: Failure | None = None
    entered_at: float = 0.0
    asides: deque[Aside] = field(default_factory=partial(deque, maxlen=ASIDES_MAX))

    @classmethod
    def new(cls, response_id: ResponseId, session_id: SessionId, name: str, limits: Limits) -> ResponseView:
        return cls(response_id, session_id, name, Response(response_id, limits))

    @classmethod
    def of(cls, recorded: Recorded) -> ResponseView:
        """Build the view of a response from the journal."""
        line = cls.new(recorded.response_id, recorded.session_id, recorded.name, recorded.limits)
        for source, dest, fact in recorded.moves:
            line.take(source, dest, fact)
        return line

    @property
    def seq(self) -> int:
        """The number of the last move."""
        return len(self.path)

    @property
    def started_at(self) -> float:
        return self.path[0].at if self.path else 0.0

    def take(self, source: str, dest: str, fact: Fact) -> Step:
        """Replay one recorded move."""
        given, attempt, part = without_text(fact), self.response.attempt, self.response.part
        step = Step(
            seq=self.seq + 1,
            fact=type(fact).__name__,
            source=source,
            dest=dest,
            at=fact.at,
            attempt=attempt,
            part=part,
            reason=_reason(fact),
            stayed_s=max(0.0, fact.at - self.entered_at) if self.path else 0.0,
            given=given,
            effects=self._advance(dest, given),
        )
        self.path.append(step)
        self.counts[edge_key(source, dest)] += 1
        self.last_fact = given
        if isinstance(given, FAILURES):
            self.last_failure = given
        if source != dest:
            self.entered_at = fact.at
        return step

    def note(self, event: GenerationEnded | MoveRefused, at: float) -> None:
        """Keep an event that is no move."""
        self.asides.append(Aside(self.seq, at, event))

    def _advance(self, dest: str, fact: Fact) -> tuple[Task | Effect, ...]:
        """Apply the move: its next task and effects; no effects if today's table does not have the move."""
        effects: tuple[Effect, ...] = ()
        try:
            effects = advance(self.response, fact).effects
        except IllegalMove:
            # The journal of an older version may contain moves that today's table lacks; they did happen.
            self.response = replace(self.response, version=self.seq + 1)
        if self.response._state != dest:
            self.response = replace(self.response, _state=dest)
        task = next_task(self.response)
        return effects if task is None else (task, *effects)


def without_text(fact: Fact) -> Fact:
    """The fact without message text; the machine uses the number of parts only."""
    match fact:
        case Started(texts=texts) | Generated(texts=texts):
            return replace(fact, texts=("",) * len(texts))
        case Sent() | FoundInChannel():
            return replace(fact, text="")
        case _:
            return fact


def _reason(fact: Fact) -> str | None:
    return getattr(fact, "reason", None) or getattr(fact, "cause", None) or getattr(fact, "by", None)
