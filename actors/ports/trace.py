"""Where logs, metrics and the page are fed from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Protocol

from actors.roleplay.missing import Finding
from actors.roleplay.model import OutboundKind, OutboxKind, ResponseId, SessionId
from machines.facts import SendRefused, SendUnconfirmed, Sent, SentElsewhere
from machines.reasons import GenerationReason
from machines.response import FAILED, SENDING, Limits, Move

SENT: Final = (Sent, SentElsewhere, SendRefused, SendUnconfirmed)
"""The facts with which a try of a part ends."""

CANCELLED: Final = "cancelled"
"""The reason of a SendRefused for which nothing left the process, since the line is not wanted any more."""


@dataclass(frozen=True, slots=True)
class Context:
    """Whose event it is; `limits` gives logs their "of n"."""

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
    """A try at a line came to nothing; `words` are the server's own, without secrets."""

    context: Context
    attempt: int
    reason: GenerationReason
    error: BaseException | None
    words: str = ""


@dataclass(frozen=True, slots=True)
class AttemptBegan:
    """A try of a part begins. Where no webhook can be had for it, its refusal is all that follows."""

    context: Context
    part: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Moved:
    """A durable move; `text` is the whole line where there is one, as it was written."""

    context: Context
    move: Move
    text: str
    is_cancelled: bool = False
    error: BaseException | None = None

    # What counts, for the log, the metrics and (in SQL, over the journal) the report alike.

    @property
    def is_send_attempt(self) -> bool:
        """Whether this ends a try of a part on the wire: each is counted once, when what came of it is durable."""
        match self.move.fact:
            case SendRefused(reason=reason, on_wire=on_wire):
                return self.move.source == SENDING and on_wire and reason != CANCELLED
            case Sent() | SentElsewhere() | SendUnconfirmed():
                return self.move.source == SENDING
            case _:
                return False

    @property
    def is_send_retry(self) -> bool:
        """Whether this ends a further try of a part."""
        return self.is_send_attempt and self.move.attempt > 1

    @property
    def is_send_failure(self) -> bool:
        """Whether a line that was written is given up, wanted as it was."""
        return self.move.dest is FAILED and bool(self.text) and not self.is_cancelled


@dataclass(frozen=True, slots=True)
class LineDelivered:
    """A line stands in the channel and in the history, after the move that says so.

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
    """Anything else that an operator should know: `words` carries no secret and no user's text.

    `said` is what of it is another server's words: they might repeat a text, and LOG_TEXTS=false leaves them out.
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
    """One request to a model ended. `outcome` is `ok`, or why there is no completion; `model` the one asked."""

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
    """A try of an outbox row ended, durably.

    `sent`, `deleted` and `dropped` close the row; after the others it is tried again.
    """

    kind: OutboxKind
    outcome: OutboxOutcome
    attempt: int
    response_id: ResponseId | None = None
    """Of the line that it speaks of, where it does; `session_id` is that line's."""

    session_id: SessionId | None = None
    row_id: int | None = None
    channel_id: int | None = None
    reason: str = ""
    """Why it was refused or is unconfirmed, in words for operators."""


@dataclass(frozen=True, slots=True)
class Diverged:
    """A channel and its history differ in `count` places of one kind; no session is named where nobody knows it."""

    session_id: SessionId | None
    kind: str
    count: int
    channel_id: int | None = None


@dataclass(frozen=True, slots=True)
class MissingReported:
    """Somebody said that a line did not come, for the first time about this turn; what the journal says of it."""

    finding: Finding
    channel_id: int
    session_id: SessionId | None


@dataclass(frozen=True, slots=True)
class BreakerMoved:
    """A dependency's breaker moved; `until` is when an open one lets a probe through."""

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
    | BreakerMoved
    | ConnectionMoved
    | Noted
)


class Trace(Protocol):
    """Where logs, metrics and the page are fed from; told only what is durable, in order. Never waits."""

    def publish(self, event: TraceEvent) -> None: ...
