"""A session: a cast plays in one channel, one turn for each user message, one speaker after the other.

Idle ─► Responding ─► Idle ─► …      until Ended; while Paused, no further speaker begins
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Never

from machines.binding import START, Row, StateMachine, Step

# ── states ──────────────────────────────────────────────────────────────────────────────────────────


class State(StrEnum):
    IDLE = "Idle"
    RESPONDING = "Responding"
    PAUSED = "Paused"
    ENDED = "Ended"


IDLE, RESPONDING, PAUSED, ENDED = State
FINAL: Final = frozenset({ENDED})

# ── facts ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Opened:
    at: float


@dataclass(frozen=True, slots=True)
class TurnAccepted:
    """A turn for a user message begins."""

    at: float


@dataclass(frozen=True, slots=True)
class SpeakerFinished:
    """A speaker's response is Delivered or Failed. `work_left`: speakers, or messages without a turn, remain."""

    at: float
    work_left: bool


@dataclass(frozen=True, slots=True)
class PauseRequested:
    """Somebody paused the session: the running response finishes, further speakers wait."""

    at: float


@dataclass(frozen=True, slots=True)
class Resumed:
    """Somebody resumed the session. `work_left`: speakers or messages waited during the pause."""

    at: float
    work_left: bool


@dataclass(frozen=True, slots=True)
class EndRequested:
    at: float


@dataclass(frozen=True, slots=True)
class ChannelLost:
    """Discord says that the channel is gone or permanently inaccessible."""

    at: float


Fact = Opened | TurnAccepted | SpeakerFinished | PauseRequested | Resumed | EndRequested | ChannelLost

# ── the subject ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Session:
    id: str
    _state: str = START
    version: int = 0

    @property
    def state(self) -> State:
        return State(self._state)

    @property
    def is_final(self) -> bool:
        return self._state in FINAL


def work_left(session: Session, fact: SpeakerFinished | Resumed) -> bool:
    return fact.work_left


# ── the table ───────────────────────────────────────────────────────────────────────────────────────

TABLE: Final[tuple[Row[Session, Never], ...]] = (
    Row(Opened, START, IDLE),
    #
    Row(TurnAccepted, IDLE, RESPONDING),
    Row(SpeakerFinished, RESPONDING, RESPONDING, when=(work_left,)),
    Row(SpeakerFinished, RESPONDING, IDLE, unless=(work_left,)),
    Row(SpeakerFinished, PAUSED, PAUSED),  # the response that was running when the pause began
    #
    Row(PauseRequested, IDLE, PAUSED),
    Row(PauseRequested, RESPONDING, PAUSED),
    Row(Resumed, PAUSED, RESPONDING, when=(work_left,)),
    Row(Resumed, PAUSED, IDLE, unless=(work_left,)),
    #
    Row(EndRequested, IDLE, ENDED),
    Row(EndRequested, RESPONDING, ENDED),
    Row(EndRequested, PAUSED, ENDED),
    Row(ChannelLost, IDLE, ENDED),
    Row(ChannelLost, RESPONDING, ENDED),
    Row(ChannelLost, PAUSED, ENDED),
)

MACHINE: Final[StateMachine[Session, Never]] = StateMachine(
    "session", states=tuple(State), final=tuple(FINAL), table=TABLE
)


def advance(session: Session, fact: Fact) -> Step[Never]:
    """Move `session` by one fact. Raises IllegalMove, without a change, if no row allows it."""
    step = MACHINE.advance(session, fact)
    session.version += 1
    return step
