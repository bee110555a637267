"""The gateway connection of one shard: whether events arrive, and whether some may have been missed.

    Connecting ─► Ready ─(lost)─► Resuming ─► Ready          Discord replays the events of the gap
         └────────► Down ◄──(given up)──┘                    a new client connects; then channels are read again

Only a new READY causes a catch-up: Discord replays the gap only to a connection that resumes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from machines.binding import START, Row, StateMachine, Step

# ── states ──────────────────────────────────────────────────────────────────────────────────────────


class State(StrEnum):
    CONNECTING = "Connecting"
    READY = "Ready"
    RESUMING = "Resuming"
    DOWN = "Down"


CONNECTING, READY, RESUMING, DOWN = State

# ── facts ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ConnectBegan:
    """A new client logs in."""

    at: float


@dataclass(frozen=True, slots=True)
class Readied:
    """READY: a new gateway session began; earlier events are not replayed."""

    at: float


@dataclass(frozen=True, slots=True)
class Resumed:
    """RESUMED: the gateway session continues; the missed events were replayed."""

    at: float


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection broke; the client tries to resume its gateway session."""

    at: float


@dataclass(frozen=True, slots=True)
class GivenUp:
    """The client has ended; the supervisor starts another one."""

    at: float


Fact = ConnectBegan | Readied | Resumed | Lost | GivenUp

# ── effects ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Read the channels of open sessions again: events may be missing."""


# ── the subject ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Connection:
    shard_id: int
    _state: str = START

    @property
    def state(self) -> State:
        return State(self._state)


def catch_up(connection: Connection, fact: Readied) -> CatchUp:
    return CatchUp()


# ── the table ───────────────────────────────────────────────────────────────────────────────────────

TABLE: Final[tuple[Row[Connection, CatchUp], ...]] = (
    Row(ConnectBegan, START, CONNECTING),
    Row(ConnectBegan, DOWN, CONNECTING),
    #
    Row(Readied, CONNECTING, READY, do=(catch_up,)),
    Row(Readied, RESUMING, READY, do=(catch_up,)),  # Discord no longer knew the gateway session
    Row(Readied, READY, READY, do=(catch_up,)),  # READY always means that events may be missing
    Row(Resumed, RESUMING, READY),
    #
    Row(Lost, READY, RESUMING),
    Row(Lost, RESUMING, RESUMING),
    #
    Row(GivenUp, CONNECTING, DOWN),
    Row(GivenUp, READY, DOWN),
    Row(GivenUp, RESUMING, DOWN),
)

MACHINE: Final[StateMachine[Connection, CatchUp]] = StateMachine(
    "connection", states=tuple(State), final=(), table=TABLE
)


def advance(connection: Connection, fact: Fact) -> Step[CatchUp]:
    """Move `connection` by one fact. Raises IllegalMove, without a change, if no row allows it."""
    return MACHINE.advance(connection, fact)
