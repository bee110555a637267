"""One character's line, from its generation to its delivery or failure.

    Generating ─► Sending ─► Delivered        the normal path
        └─► Retrying ◄─┘  └─► Failed          the path if the model or Discord fails

Only the rows that end in Delivered commit to the history. No row leaves Delivered or Failed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from machines import waits
from machines.binding import START, Row, StateMachine
from machines.facts import (
    BLOCKED,
    RESTART,
    Announce,
    ArmReaper,
    Cancelled,
    CommitLine,
    Effect,
    Fact,
    FoundInChannel,
    Generate,
    Generated,
    GenerationFailed,
    Held,
    Notify,
    NotInChannel,
    ReadBack,
    ReadBackFailed,
    ReadBackImpossible,
    Send,
    SendRefused,
    SendUnconfirmed,
    Sent,
    SentElsewhere,
    Started,
    TakeBack,
    Task,
    Wait,
    WaitElapsed,
)
from machines.waits import Setback, attempts_max, is_in_time, read_back_wait_s, settle_s, wait_s

# ── states ──────────────────────────────────────────────────────────────────────────────────────────


class State(StrEnum):
    GENERATING = "Generating"
    SENDING = "Sending"
    RETRYING = "Retrying"
    DELIVERED = "Delivered"
    FAILED = "Failed"


GENERATING, SENDING, RETRYING, DELIVERED, FAILED = State
FINAL: Final = frozenset({DELIVERED, FAILED})
UNFINISHED: Final = tuple(state for state in State if state not in FINAL)

# ── the subject ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Limits:
    """The settings that decide moves: seconds, and numbers of attempts."""

    send_attempts: int = 3
    generate_attempts: int = 3
    backoff_base_s: float = 1.0
    settle_s: float = 5.0
    deadline_s: float = 300.0
    hold_max_s: float = 3600.0


SILENT: Final = frozenset({"channel_gone", "removed"})
"""Failures without a notice: the channel is gone, or a moderator removed the line."""


@dataclass(slots=True)
class Response:
    """The machine's data of one line. Only `advance` changes it; `version` counts its moves."""

    id: str
    limits: Limits
    _state: str = START
    version: int = 0
    texts: tuple[str, ...] = ()
    dropped_parts: int = 0  # number of parts of an earlier text that Discord blocked; 0 if none was
    part: int = 0  # of `texts`, from 1; 0 while there is no text
    attempt: int = 0  # per generation and per part, counted before the request
    shown: tuple[tuple[int, str], ...] = ()  # (message id, text as Discord returned it) of confirmed parts
    unconfirmed: bool = False
    doubtful: bool = False  # an attempt of this line was unconfirmed: a second copy may appear
    cancel_by: str | None = None
    deadline_at: float = 0.0
    first_try_at: float = 0.0  # of the current part
    due_at: float = 0.0  # Retrying: when it continues
    settled_at: float = 0.0  # unconfirmed: from then on, absent means not stored
    read_backs_failed: int = 0
    held_s: float = 0.0  # by limits, in total

    @property
    def state(self) -> State:
        return State(self._state)

    @property
    def is_final(self) -> bool:
        return self._state in FINAL

    @property
    def text_shown(self) -> str:
        """The confirmed parts, joined as the history keeps them."""
        return "\n".join(text for _, text in self.shown)


# ── guards ──────────────────────────────────────────────────────────────────────────────────────────


def may_try_again(response: Response, fact: Setback) -> bool:
    match fact:
        case SendRefused() if _is_blocked(fact):
            may = not response.dropped_parts  # the same text would be blocked again; another text is generated, once
        case GenerationFailed(final=True) | SendRefused(final=True):
            may = False
        case _:
            may = response.attempt < attempts_max(response)
    return may and is_in_time(response, fact)


def _is_blocked(fact: SendRefused) -> bool:
    return fact.reason == BLOCKED


def text_given(response: Response, fact: Started) -> bool:
    return bool(fact.texts)


def has_text(response: Response, fact: Fact) -> bool:
    return bool(response.texts)


def parts_left(response: Response, fact: Fact) -> bool:
    return response.part < len(response.texts)


def cancelled(response: Response, fact: Fact) -> bool:
    return response.cancel_by is not None


def unconfirmed(response: Response, fact: Fact) -> bool:
    return response.unconfirmed


# ── what rows do ────────────────────────────────────────────────────────────────────────────────────


def set_deadline(response: Response, fact: Started) -> None:
    response.deadline_at = fact.at + response.limits.deadline_s


def generate(response: Response, fact: Fact) -> None:
    response.attempt += 1


def keep_text(response: Response, fact: Started | Generated) -> None:
    response.texts = fact.texts


def note_shown(response: Response, fact: Sent | FoundInChannel) -> None:
    response.shown = (*response.shown, (fact.message_id, fact.text))
    response.unconfirmed = False


def send_next_part(response: Response, fact: Fact) -> None:
    response.part += 1
    response.attempt = 1
    response.first_try_at = fact.at


def send_again(response: Response, fact: Fact) -> None:
    response.attempt += 1
    response.unconfirmed = False


def wait(response: Response, fact: GenerationFailed | SendRefused | SentElsewhere) -> None:
    response.due_at = fact.at + wait_s(response, fact)


def give_attempt_back(response: Response, fact: Held) -> None:
    response.attempt -= 1


def wait_until_released(response: Response, fact: Held) -> None:
    """Wait until the hold is over; the deadline moves by the same time."""
    response.deadline_at += waits.held_s(fact)
    response.due_at = fact.until
    response.held_s += waits.held_s(fact) if waits.is_limit(fact) else 0.0


def announce(response: Response, fact: Held) -> Announce | None:
    if response.cancel_by is not None or not waits.is_announced(response, fact):
        return None
    return Announce(fact.cause, fact.since, fact.until if waits.is_limit(fact) else 0.0)


def settle_and_read_back(response: Response, fact: SendUnconfirmed) -> None:
    response.unconfirmed = response.doubtful = True
    response.read_backs_failed = 0
    response.due_at = fact.at
    settled_in_s = settle_s(response, fact, is_resend_left=may_try_again(response, fact))
    response.settled_at = fact.at + max(settled_in_s, wait_s(response, fact))


def wait_and_read_again(response: Response, fact: ReadBackFailed) -> None:
    response.read_backs_failed += 1
    response.due_at = fact.at + max(read_back_wait_s(response), fact.retry_after_s)


def commit_line(response: Response, fact: Fact) -> CommitLine:
    return CommitLine()


def take_back(response: Response, fact: Fact) -> TakeBack | None:
    return TakeBack(tuple(message_id for message_id, _ in response.shown)) if response.shown else None


def take_back_there(response: Response, fact: SentElsewhere) -> TakeBack:
    return TakeBack((fact.message_id,), fact.channel_id)


def take_back_blocked(response: Response, fact: SendRefused) -> TakeBack | None:
    return take_back(response, fact) if _is_blocked(fact) else None


def drop_blocked(response: Response, fact: SendRefused) -> None:
    if _is_blocked(fact):
        response.dropped_parts = len(response.texts)
        response.texts, response.shown = (), ()
        response.part = response.attempt = 0


def settle_doubt(response: Response, fact: SentElsewhere) -> None:
    response.unconfirmed = False


def notify(response: Response, fact: Setback | ReadBackImpossible | Held) -> Notify | None:
    reason = waits.reason_of(response, fact)
    return None if response.cancel_by is not None or reason in SILENT else Notify(reason)


def arm_reaper(response: Response, fact: Fact) -> ArmReaper | None:
    return ArmReaper() if response.doubtful else None


def note_cancel(response: Response, fact: Cancelled) -> None:
    response.cancel_by = response.cancel_by or fact.by


def keep_settle_time(response: Response, fact: Cancelled) -> None:
    # No further attempt follows, so the unconfirmed part gets the whole settle time before it counts as absent.
    response.settled_at = max(response.settled_at, fact.at + response.limits.settle_s)


# ── the table ───────────────────────────────────────────────────────────────────────────────────────

# Steps that several rows share: a part found in the channel is a confirmed part.
NEXT_PART: Final = (note_shown, send_next_part)
DELIVER: Final = (note_shown, commit_line, arm_reaper)
SHOW_IN_VAIN: Final = (note_shown, take_back, arm_reaper)
GIVE_UP: Final = (take_back, notify, arm_reaper)
SHOW_ELSEWHERE: Final = (take_back_there, *GIVE_UP)
HOLD: Final = (give_attempt_back, wait_until_released, announce)

TABLE: Final[tuple[Row[Response, Effect], ...]] = (
    Row(Started, START, SENDING, when=(text_given,), do=(set_deadline, keep_text, send_next_part)),
    Row(Started, START, GENERATING, unless=(text_given,), do=(set_deadline, generate)),
    #
    Row(Generated, GENERATING, SENDING, do=(keep_text, send_next_part)),
    Row(GenerationFailed, GENERATING, RETRYING, when=(may_try_again,), do=(wait,)),
    Row(GenerationFailed, GENERATING, FAILED, unless=(may_try_again,), do=(notify,)),
    #
    Row(Held, GENERATING, RETRYING, when=(waits.may_be_held,), do=HOLD),
    Row(Held, GENERATING, FAILED, unless=(waits.may_be_held,), do=(notify,)),
    Row(Held, SENDING, RETRYING, when=(waits.may_be_held,), do=HOLD),
    Row(Held, SENDING, FAILED, unless=(waits.may_be_held,), do=GIVE_UP),
    Row(Held, RETRYING, RETRYING, when=(unconfirmed,), do=(wait_until_released, announce)),
    #
    Row(Sent, SENDING, SENDING, when=(parts_left,), unless=(cancelled,), do=NEXT_PART),
    Row(Sent, SENDING, DELIVERED, unless=(parts_left,), do=DELIVER),
    Row(Sent, SENDING, FAILED, when=(parts_left, cancelled), do=SHOW_IN_VAIN),
    # The same row handles a blocked text: diagrams count a row's moves by fact, source and dest.
    Row(SendRefused, SENDING, RETRYING, when=(may_try_again,), do=(take_back_blocked, wait, drop_blocked)),
    Row(SendRefused, SENDING, FAILED, unless=(may_try_again,), do=GIVE_UP),
    Row(SendUnconfirmed, SENDING, RETRYING, do=(settle_and_read_back,)),
    Row(SentElsewhere, SENDING, RETRYING, when=(may_try_again,), do=(take_back_there, wait)),
    Row(SentElsewhere, SENDING, FAILED, unless=(may_try_again,), do=SHOW_ELSEWHERE),
    #
    Row(ReadBackFailed, RETRYING, RETRYING, when=(unconfirmed,), do=(wait_and_read_again,)),
    Row(ReadBackImpossible, RETRYING, FAILED, when=(unconfirmed,), do=GIVE_UP),
    Row(FoundInChannel, RETRYING, SENDING, when=(unconfirmed, parts_left), unless=(cancelled,), do=NEXT_PART),
    Row(FoundInChannel, RETRYING, DELIVERED, when=(unconfirmed,), unless=(parts_left,), do=DELIVER),
    Row(FoundInChannel, RETRYING, FAILED, when=(unconfirmed, parts_left, cancelled), do=SHOW_IN_VAIN),
    Row(
        SentElsewhere,
        RETRYING,
        RETRYING,
        when=(unconfirmed, may_try_again),
        do=(take_back_there, settle_doubt, wait),
    ),
    Row(SentElsewhere, RETRYING, FAILED, when=(unconfirmed,), unless=(may_try_again,), do=SHOW_ELSEWHERE),
    Row(NotInChannel, RETRYING, SENDING, when=(unconfirmed, may_try_again), do=(send_again,)),
    Row(NotInChannel, RETRYING, FAILED, when=(unconfirmed,), unless=(may_try_again,), do=GIVE_UP),
    #
    Row(WaitElapsed, RETRYING, SENDING, when=(may_try_again, has_text), unless=(unconfirmed,), do=(send_again,)),
    Row(WaitElapsed, RETRYING, GENERATING, when=(may_try_again,), unless=(unconfirmed, has_text), do=(generate,)),
    Row(WaitElapsed, RETRYING, FAILED, unless=(unconfirmed, may_try_again), do=GIVE_UP),
    #
    Row(Cancelled, GENERATING, FAILED, do=(note_cancel,)),
    Row(Cancelled, SENDING, SENDING, do=(note_cancel,)),
    Row(Cancelled, RETRYING, RETRYING, when=(unconfirmed,), do=(note_cancel, keep_settle_time)),
    Row(Cancelled, RETRYING, FAILED, unless=(unconfirmed,), do=(note_cancel, take_back, arm_reaper)),
)

MACHINE: Final[StateMachine[Response, Effect]] = StateMachine(
    "response", states=tuple(State), final=tuple(FINAL), table=TABLE
)

# ── advancing, the next task, and restarts ──────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Move:
    """One row taken: the journal's entry. `part` and `attempt` are those that the fact is about."""

    response_id: str
    seq: int
    source: str
    dest: State
    fact: Fact
    part: int
    attempt: int
    effects: tuple[Effect, ...]

    @property
    def at(self) -> float:
        return self.fact.at


def advance(response: Response, fact: Fact) -> Move:
    """Move `response` by one fact. Raises IllegalMove, without a change, if no row allows it."""
    part, attempt = response.part, response.attempt
    step = MACHINE.advance(response, fact)
    response.version += 1
    return Move(response.id, response.version, step.source, response.state, fact, part, attempt, step.effects)


def next_task(response: Response) -> Task | None:
    """The actor's next task, derived from the state alone, so that a new process finds it too."""
    match response._state:
        case State.GENERATING:
            return Generate(response.attempt)
        case State.SENDING:
            return Send(response.part, response.attempt)
        case State.RETRYING if response.unconfirmed:
            return ReadBack(response.due_at, response.settled_at)
        case State.RETRYING:
            return Wait(response.due_at)
        case _:
            return None


def restart_fact(response: Response, at: float, *, has_nonce: bool) -> Fact | None:
    """The fact with which a new process continues a response of the old one; None if the state is sufficient."""
    match response._state:
        case State.GENERATING:
            return GenerationFailed(at, RESTART)
        case State.SENDING:
            return SendUnconfirmed(at, RESTART, has_nonce=has_nonce)
        case _:
            return None
