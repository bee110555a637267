"""Where logs, metrics and the page are fed from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from actors.roleplay.model import ResponseId, SessionId
from machines.response import Limits, Move


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


@dataclass(frozen=True, slots=True)
class GenerationBegan:
    context: Context
    attempt: int
    history_length: int


@dataclass(frozen=True, slots=True)
class GenerationErred:
    context: Context
    attempt: int
    reason: str
    error: BaseException | None


@dataclass(frozen=True, slots=True)
class AttemptBegan:
    """A part goes on the wire now."""

    context: Context
    part: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Moved:
    """A durable move; `text` is the whole line where there is one."""

    context: Context
    move: Move
    text: str
    history_length: int
    is_cancelled: bool = False
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class Noted:
    """Anything else that an operator should know: `words` carries no secret and no user's text."""

    level: Literal["info", "warning", "error", "critical"]
    words: str
    session_id: SessionId | None = None
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class BreakerMoved:
    """The breaker of `dependency` went from state `source` to `dest`; `until` is when an open one is tried again."""

    dependency: str
    source: str
    dest: str
    at: float
    until: float


TraceEvent = HistoryRead | GenerationBegan | GenerationErred | AttemptBegan | Moved | Noted | BreakerMoved


class Trace(Protocol):
    """Where logs, metrics and the page are fed from; told only what is durable, in order. Never waits."""

    def publish(self, event: TraceEvent) -> None: ...
