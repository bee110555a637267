"""The work of a session as the store returns it, and the session's move for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from actors.ports.lore import LoreWrites
from actors.roleplay.addressing import Heard
from actors.roleplay.model import Character, Outbound, OutboxDraft, ResponseId, SessionId, Turn, TurnId
from actors.roleplay.plan import Failure
from actors.roleplay.turns import Before
from machines.response import Response


@dataclass(frozen=True, slots=True)
class ResponseRecord:
    """Everything that an actor needs to continue a response after a restart.

    `outbound` is the current part's intent, None if it has none yet; `reasons` are those of its failed generations,
    oldest first.
    """

    response: Response
    session_id: SessionId
    channel_id: int
    turn_id: TurnId | None
    trigger_id: int
    character: Character
    outbound: Outbound | None
    reasons: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class NextSpeaker:
    """The open turn has a speaker who has not answered yet."""

    turn: Turn
    ordinal: int
    character: Character


@dataclass(frozen=True, slots=True)
class NextMessages:
    """No turn is open, and these messages wait for one, oldest first; `before`: what the earlier turns leave.

    The turn begins at `begins_at`: until then more messages are gathered.
    """

    messages: tuple[Heard, ...]
    before: Before
    begins_at: float = 0.0


@dataclass(frozen=True, slots=True)
class NextRedelivery:
    """A person asked for a failed line again: `texts` are its stored parts, empty if it never had a text."""

    replaces: ResponseId
    turn_id: TurnId | None
    trigger_id: int
    ordinal: int
    character: Character
    texts: tuple[str, ...]
    look_after: int | None  # where an attempt of the failed one was in doubt: its line may be there


Work = ResponseRecord | NextRedelivery | NextSpeaker | NextMessages | None
"""The next work of a session: finish a response, redeliver, next speaker, next messages, or nothing; in this order."""


def can_begin(work: Work, at: float) -> bool:
    """Whether there is work for which nothing is to be waited."""
    return work is not None and not (isinstance(work, NextMessages) and work.begins_at > at)


@dataclass(frozen=True, slots=True)
class Writes:
    """What is written with a response's move: the line, in the history as `line_by`'s, the reaper's watch, and lore."""

    line_by: Character | None = None
    outbox: tuple[OutboxDraft, ...] = ()
    arms_reaper: bool = False
    lore: LoreWrites | None = None


NO_WRITES: Final = Writes()


@dataclass(frozen=True, slots=True)
class SessionMove:
    """What a session's move writes to its row; `version` is the new one."""

    state: str
    version: int
    at: float
    ended_by: str | None = None


@dataclass(frozen=True, slots=True)
class MoveByWork:
    """Two possible moves of a session: the store writes one, by the work that it finds in the same transaction."""

    with_work: SessionMove
    without_work: SessionMove
