"""Define the values that the live view shows, and the port that provides them.

source ─ follow ─► Known ◄─ paint ─ the visible screen
       ◄─ fleet, told ─ the same screen
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Final, Protocol

KEPT_MAX: Final = 1000
"""Responses that are kept; beyond it the oldest finished ones are dropped."""


class Origin(Enum):
    """Where the facts come from."""

    NOBODY = auto()  # neither a bot nor a database: old values are shown, or none
    DATABASE = auto()  # no running bot is known
    BOT = auto()  # the running process, live


@dataclass(frozen=True, slots=True)
class Link:
    """The origin of the facts, with a line for the reader; `ahead_s` is the bot's clock minus ours."""

    origin: Origin
    words: str
    ahead_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ResponseView:
    """One response as observers see it; times are seconds since 1970. `moves` is the number of its moves.

    It is stuck `late_s` after `due_at`, `silent_s` after `entered_at` if nothing is due, or `overdue_s` after
    `started_at`; the bot derives these limits from its settings.
    """

    id: str
    session: str
    name: str
    state: str
    part: int
    parts: int
    attempt: int
    attempts_max: int
    started_at: float
    entered_at: float
    due_at: float | None
    deadline_s: float
    waits: str | None
    last_error: str | None
    is_final: bool
    moves: int
    mend: str | None = None
    held: str = ""  # if stopped: by which breakpoint, before which move
    late_s: float = 15.0
    silent_s: float = 90.0
    overdue_s: float = 305.0


@dataclass(frozen=True, slots=True)
class MachineView:
    """One machine: the number in each state, None if unknown; `words` name the ones that need attention."""

    name: str
    counts: tuple[tuple[str, int], ...] | None
    words: str = ""


@dataclass(frozen=True, slots=True)
class ResponseDetail:
    """One response with its path: `moves` has a row for each move, with a cell for each of `heads`."""

    seen: ResponseView
    whose: str
    visits: Mapping[str, int]
    heads: tuple[str, ...]
    moves: tuple[tuple[str, ...], ...]
    standing: str
    legal: tuple[str, ...]


@dataclass(slots=True)
class Known:
    """Everything received so far; `version` counts the changes, so that a screen sees whether to paint again."""

    link: Link
    responses: dict[str, ResponseView] = field(default_factory=dict)
    version: int = 0

    def linked(self, link: Link) -> None:
        self.link = link
        self.version += 1

    def replace(self, responses: Iterable[ResponseView]) -> None:
        """Replace all responses; others are dropped, because they may have changed unseen."""
        self.responses = {seen.id: seen for seen in responses}
        self.version += 1

    def changed(self, seen: ResponseView) -> None:
        self.responses.pop(seen.id, None)
        self.responses[seen.id] = seen  # the newest last
        if len(self.responses) > KEPT_MAX:
            ended = (known.id for known in self.responses.values() if known.is_final)
            del self.responses[next(ended, next(iter(self.responses)))]
        self.version += 1

    def held(self, response_id: str, words: str) -> None:
        """Note that a breakpoint stops a response; with empty `words`, that it no longer does."""
        if response_id in self.responses:
            self.responses[response_id] = replace(self.responses[response_id], held=words)
            self.version += 1

    @property
    def is_live(self) -> bool:
        return self.link.origin is Origin.BOT


class Source(Protocol):
    """Port for the facts: from a running bot, or from its database."""

    async def follow(self, known: Known) -> None:
        """Keep `known` up to date until cancelled."""
        ...

    async def fleet(self) -> tuple[MachineView, ...]:
        """Return every machine; empty if neither a bot nor a database answers."""
        ...

    async def told(self, response_id: str) -> ResponseDetail | None:
        """Return one response; None if it is unknown."""
        ...
