"""The events that feed log, metrics and inspector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Protocol

from actors.roleplay.missing_reports import Finding
from actors.roleplay.model import OutboundKind, OutboxKind, ResponseId, SessionId
from actors.roleplay.quotas import Excess
from machines.facts import SendRefused, SendUnconfirmed, Sent, SentElsewhere
from machines.reasons import GenerationReason
from machines.response import FAILED, SENDING, Limits, Move

SENT: Final = (Sent, SentElsewhere, SendRefused, SendUnconfirmed)
"""The facts that end an attempt of a part."""

CANCELLED: Final = "cancelled"
"""The reason of a SendRefused without a request: the line was cancelled before it was sent."""


@dataclass(frozen=True, slots=True)
class Context:
    """The response that an event belongs to; `limits` gives logs their "of n"."""

    response_id: ResponseId
    session_id: SessionId
    name: str
    limits: Limits


@dataclass(frozen=True, slots=True)
class HistoryRead:
    """The history was read (`total`) and fitted to the prompt (`kept` of them)."""

    context: Context
    total: int
    kept: int
    attempt: int | None = None


@dataclass(frozen=True, slots=True)
class GenerationBegan:
    context: Context
    attempt: int
    history_length: int


@dataclass(frozen=True, slots=True)
class GenerationErred:
    """An attempt to write a line failed; `words` are the server's own, without secrets."""

    context: Context
    attempt: int
    reason: GenerationReason
    error: BaseException | None
    words: str = ""


@dataclass(frozen=True, slots=True)
class AttemptBegan:
    """An attempt of a part begins. If no webhook is available for it, only its refusal follows."""

    context: Context
    part: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Moved:
    """A durable move; `text` is the whole line as it was written, if there is one."""

    context: Context
    move: Move
    text: str
    is_cancelled: bool = False
    error: BaseException | None = None

    # What is counted: log, metrics and (in SQL, over the journal) report agree.

    @property
    def is_send_attempt(self) -> bool:
        """Whether this ends an attempt of a part on the wire: each counts once, when its outcome is durable."""
        match self.move.fact:
            case SendRefused(reason=reason, on_wire=on_wire):
                return self.move.source == SENDING and on_wire and reason != CANCELLED
            case Sent() | SentElsewhere() | SendUnconfirmed():
                return self.move.source == SENDING
            case _:
                return False

    @property
    def is_send_retry(self) -> bool:
        """Whether this ends an attempt of a part after the first."""
        return self.is_send_attempt and self.move.attempt > 1

    @property
    def is_send_failure(self) -> bool:
        """Whether a written line fails that was not cancelled."""
        return self.move.dest is FAILED and bool(self.text) and not self.is_cancelled


@dataclass(frozen=True, slots=True)
class LineDelivered:
    """A line is in the channel and in the history; comes after its move to Delivered.

    `text` and `parts` (message id, text) are as the channel shows them; `voice` is how the last part was said.
    """

    context: Context
    text: str
    voice: OutboundKind
    parts: tuple[tuple[int, str], ...]
    attempt: int
    history_length: int


Level = Literal["info", "warning", "error", "critical"]


@dataclass(frozen=True, slots=True)
class Noted:
    """Anything else that an operator should know: `words` holds no secret and no user's text.

    `said` is the part that is another server's words: it may repeat a text, and LOG_TEXTS=false omits it.
    """

    level: Level
    words: str
    session_id: SessionId | None = None
    error: BaseException | None = None
    response_id: ResponseId | None = None
    attempt: int | None = None
    said: str = ""


@dataclass(frozen=True, slots=True)
class GenerationEnded:
    """One request to a model ended. `outcome` is `ok`, or the reason for no completion; `model` is the one asked."""

    context: Context
    attempt: int
    model: str
    duration_s: float
    prompt_tokens: int
    completion_tokens: int
    outcome: str


@dataclass(frozen=True, slots=True)
class MoveRefused:
    """The table refused a fact. `reason`: `no_row`, or `guard` where there is a row and every guard refused."""

    context: Context
    state: str
    fact: str
    reason: Literal["no_row", "guard"]
    attempt: int | None = None


OutboxOutcome = Literal["sent", "deleted", "dropped", "refused", "unconfirmed", "held"]


@dataclass(frozen=True, slots=True)
class OutboxSettled:
    """An attempt of an outbox row ended; its outcome is durable.

    `sent`, `deleted` and `dropped` close the row; after the others it is tried again.
    """

    kind: OutboxKind
    outcome: OutboxOutcome
    attempt: int
    response_id: ResponseId | None = None
    """The response that the row is about, if any; `session_id` belongs to that response."""

    session_id: SessionId | None = None
    row_id: int | None = None
    channel_id: int | None = None
    reason: str = ""
    """Why it was refused or is unconfirmed, for operators."""


@dataclass(frozen=True, slots=True)
class Diverged:
    """A channel and its history differ in `count` places of one kind; the session is empty if it is unknown."""

    session_id: SessionId | None
    kind: str
    count: int
    channel_id: int | None = None


@dataclass(frozen=True, slots=True)
class MissingReported:
    """A person's first report that a line of this turn did not arrive; `finding` is what the journal shows."""

    finding: Finding
    channel_id: int
    session_id: SessionId | None


@dataclass(frozen=True, slots=True)
class Limited:
    """Something that a person asked for was not done, because a limit is reached."""

    excess: Excess
    channel_id: int


@dataclass(frozen=True, slots=True)
class BreakerMoved:
    """A dependency's breaker moved; an open one lets a probe through at `until`."""

    dependency: str
    source: str
    dest: str
    at: float
    until: float


@dataclass(frozen=True, slots=True)
class ConnectionMoved:
    """A shard's connection to the gateway moved."""

    shard_id: int
    source: str
    dest: str
    at: float


TraceEvent = (
    HistoryRead
    | GenerationBegan
    | GenerationErred
    | GenerationEnded
    | AttemptBegan
    | Moved
    | LineDelivered
    | MoveRefused
    | OutboxSettled
    | Diverged
    | MissingReported
    | Limited
    | BreakerMoved
    | ConnectionMoved
    | Noted
)


class Trace(Protocol):
    """Takes the events for log, metrics and inspector: durable ones only, in order. Never waits."""

    def publish(self, event: TraceEvent) -> None: ...
