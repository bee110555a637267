"""Answers `!missing`: what happened to the answers to a message, by the journal.

The answer holds no text of people, characters or errors, and nothing of another channel.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

from actors.roleplay.escapes import plain_name
from actors.roleplay.model import SessionId
from actors.roleplay.notices import BEYOND_RETRY, clause
from machines.response import SILENT, State


class Finding(StrEnum):
    """What the journal shows about a line that was reported missing; a turn has the worst of its lines."""

    FAILED = "failed"
    WAITING = "waiting"  # in progress, or its message has no turn yet
    REMOVED = "removed"  # delivered, and deleted since
    CANCELLED = "cancelled"
    DELIVERED = "delivered"
    UNKNOWN = "unknown"  # the message began no turn, or nobody knows it


@dataclass(frozen=True, slots=True)
class MissingReport:
    """A person's report that a line did not arrive: an answer to `message_id`, else one of the newest turn."""

    reported_by: int
    channel_id: int
    message_id: int | None
    at: float


@dataclass(frozen=True, slots=True)
class SeenAnswer:
    """One character's answer: `at` is its last move; `reason` why it failed, as in the notice, or why it waits."""

    name: str
    state: State
    at: float
    reason: str = ""
    is_written: bool = False
    is_cancelled: bool = False
    is_removed: bool = False
    due_at: float | None = None

    @property
    def finding(self) -> Finding:
        match self.state:
            case State.DELIVERED:
                return Finding.REMOVED if self.is_removed else Finding.DELIVERED
            case State.FAILED:
                return Finding.CANCELLED if self.is_cancelled else Finding.FAILED
            case State.GENERATING | State.SENDING | State.RETRYING:
                return Finding.WAITING
            case _:
                assert_never(self.state)


@dataclass(frozen=True, slots=True)
class SeenTurn:
    """A message of a scene and its answers; `to_begin` are the speakers who have not begun.

    `waiting` messages of the scene have no turn yet. A message without a turn has no `answers`.
    """

    session_id: SessionId
    message_id: int
    at: float
    answers: tuple[SeenAnswer, ...] = ()
    to_begin: tuple[str, ...] = ()
    waiting: int = 0
    has_turn: bool = True
    starts_turn: bool = True
    is_withdrawn: bool = False  # the message was deleted, or edited to be an aside
    is_paused: bool = False
    is_ended: bool = False

    @property
    def finding(self) -> Finding:
        found = {answer.finding for answer in self.answers}
        if self.to_begin or self._is_to_come:
            found.add(Finding.WAITING)
        return next((each for each in Finding if each in found), Finding.UNKNOWN)

    @property
    def _is_to_come(self) -> bool:
        return not self.has_turn and self.starts_turn and not self.is_withdrawn and not self.is_ended


UNKNOWN: Final = (
    "🔎 This message began no turn that I know of. Commands, `((asides))` and what is written outside of a scene "
    "begin none. If it was part of the play, I have not read it: write it again."
)
NONE: Final = "🔎 Nobody was to answer anything here yet."
NO_TURN: Final = "It began no turn: the scene was paused, or a limit was reached. Everybody has read it; write again."
WITHDRAWN: Final = "It was deleted, or edited out of the play, so nobody answers it."
ENDED: Final = "The scene has ended, so it gets no answer any more."
PAUSED: Final = "The scene is paused."

HOLDS: Final = {"discord_down": "Discord is not answering", "model_down": "the model is not available"}
"""The reasons for which a line is held."""


def answer(seen: SeenTurn | None, report: MissingReport, prefix: str) -> str:
    """Return the answer for the channel; times are Discord timestamps, which each client shows in local time."""
    if seen is None:
        return NONE if report.message_id is None else UNKNOWN
    rows = [f"🔎 The answers to the message of {_clock(seen.at)}:"]
    rows += [f"- **{plain_name(each.name)}** {_became(each, prefix)}" for each in seen.answers]
    rows += [f"- **{plain_name(name)}** has not begun yet." for name in seen.to_begin if not seen.is_ended]
    rows += [f"- {words}" for words in _of_the_message(seen)]
    return "\n".join(rows)


def _of_the_message(seen: SeenTurn) -> Iterable[str]:
    if seen.is_withdrawn:
        yield WITHDRAWN
    elif not seen.starts_turn:
        yield NO_TURN
    elif seen.is_ended and (seen.to_begin or not seen.has_turn):
        yield ENDED
    elif not seen.has_turn:
        yield "It waits for its turn."
    if seen.is_paused:
        yield PAUSED
    if seen.waiting and not seen.is_ended:
        waits = "1 message of this scene waits" if seen.waiting == 1 else f"{seen.waiting} messages of this scene wait"
        yield f"{waits} for a turn."


def _became(seen: SeenAnswer, prefix: str) -> str:
    match seen.state:
        case State.DELIVERED if seen.is_removed:
            return f"came {_clock(seen.at)}, and was deleted since."
        case State.DELIVERED:
            return f"came {_clock(seen.at)}, and stands in this channel."
        case State.FAILED if seen.is_cancelled:
            return f"was called off {_clock(seen.at)}."
        case State.FAILED:
            can_retry = prefix and seen.reason not in BEYOND_RETRY | SILENT
            retry = f" `{prefix}retry` asks for it again." if can_retry else ""
            return f"did not come ({_clock(seen.at)}){_why(seen)}.{retry}"
        case State.RETRYING:
            until = "" if seen.due_at is None else f" until {_clock(seen.due_at)}"
            return f"is on its way; it waits{until}{_why(seen)}."
        case State.GENERATING:
            return f"is on its way: being written since {_clock(seen.at)}."
        case State.SENDING:
            return f"is on its way: being sent since {_clock(seen.at)}."
        case _:
            assert_never(seen.state)


def _why(seen: SeenAnswer) -> str:
    words = HOLDS.get(seen.reason) or clause(seen.reason, is_written=seen.is_written)
    return f": {words}" if words else ""


def _clock(at: float) -> str:
    """Discord's reference, "Timestamp Styles"."""
    return f"<t:{at:.0f}:T>"
