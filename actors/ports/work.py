"""What a session has to do, as the store hands it to the actors, and the move that a session makes by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from actors.roleplay.model import Character, Outbound, OutboxDraft, ResponseId, SessionId, Turn, TurnId
from actors.roleplay.plan import Failure
from machines.response import Response


@dataclass(frozen=True, slots=True)
class ResponseRecord:
    """Everything that an actor needs to take a response up, wherever the last process left it.

    `outbound` is the current part's intent, None when it never came near the wire; `reasons` say what
    went wrong with its generations, oldest first.
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
    """The open turn has a speaker who has not answered."""

    turn: Turn
    ordinal: int
    character: Character


@dataclass(frozen=True, slots=True)
class NextMessage:
    """No turn is open, and this message has none yet; `turns` counts the session's turns so far."""

    message_id: int
    turns: int


@dataclass(frozen=True, slots=True)
class NextRetry:
    """Somebody asked for a failed line again: `texts` are its stored parts, none where it never had a text."""

    replaces: ResponseId
    turn_id: TurnId | None
    trigger_id: int
    ordinal: int
    character: Character
    texts: tuple[str, ...]
    look_after: int | None  # where a try of the failed one was in doubt: its line may stand there unseen


Work = ResponseRecord | NextRetry | NextSpeaker | NextMessage | None
"""What a session has to do next: finish, then retry, then speak on, then answer the next message, else nothing."""


@dataclass(frozen=True, slots=True)
class Writes:
    """What a response's move writes beside itself: the line enters the history as `line_by`'s, the reaper watches."""

    line_by: Character | None = None
    outbox: tuple[OutboxDraft, ...] = ()
    arms_reaper: bool = False


NO_WRITES: Final = Writes()


@dataclass(frozen=True, slots=True)
class SessionMove:
    """What a session's move leaves in its row; `version` is the one after it."""

    state: str
    version: int
    at: float
    ended_by: str | None = None


@dataclass(frozen=True, slots=True)
class MoveByWork:
    """Two moves of a session: the store writes one, by what it finds in the transaction that looks for work."""

    with_work: SessionMove
    without_work: SessionMove
