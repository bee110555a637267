"""The gateway connection of one shard: whether events come, and whether any may have been missed.

    Connecting ─► Ready ─(lost)─► Resuming ─► Ready          what happened meanwhile is replayed
         └────────► Down ◄──(given up)──┘                    and is made anew: then channels are read again

Only a fresh READY asks for catching up: Discord replays a gap to a connection that resumes, and to no other.
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
    """A client was made and logs in."""

    at: float


@dataclass(frozen=True, slots=True)
class Readied:
    """READY: a session of its own began, and what came before it is not told."""

    at: float


@dataclass(frozen=True, slots=True)
class Resumed:
    """RESUMED: the session goes on, and what it missed has been told."""

    at: float


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection broke off; the client tries to go on with its session."""

    at: float


@dataclass(frozen=True, slots=True)
class GivenUp:
    """The client has ended; the supervisor makes another one."""

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
    Row(Readied, RESUMING, READY, do=(catch_up,)),  # the session was no longer known
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
    """Move `connection` by one fact. Raises IllegalMove, and changes nothing, when no row allows it."""
    return MACHINE.advance(connection, fact)
