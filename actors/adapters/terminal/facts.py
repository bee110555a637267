"""What the live view shows, as plain values, and the port that it gets them by.

source ─ follow ─► Known ◄─ paint ─ the screen that is looked at
       ◄─ fleet, told ─ the same screen, when it is
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Final, Protocol

KEPT_MAX: Final = 1000
"""Responses that are kept; beyond it the oldest that have ended are forgotten."""


class Origin(Enum):
    """Where the facts come from."""

    NOBODY = auto()  # neither a bot nor a database: what is shown is old, or nothing
    DATABASE = auto()  # nothing is known to run
    BOT = auto()  # the running process says so, now


@dataclass(frozen=True, slots=True)
class Link:
    """Whom the facts come from, in a line for the reader; `ahead_s` is the bot's clock against ours."""

    origin: Origin
    words: str
    ahead_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One response from outside; times are seconds since 1970. `moves` counts those that it has made.

    It is stuck `late_s` after `due_at`, `silent_s` after `entered_at` where nothing is due, or `overdue_s` after
    `started_at`; the bot derives them from its settings.
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
    held: str = ""  # by which breakpoint, before which move
    late_s: float = 15.0
    silent_s: float = 90.0
    overdue_s: float = 305.0


@dataclass(frozen=True, slots=True)
class MachineSeen:
    """One machine: how many are in each state now, or None where nobody can tell; `words` say which stand out."""

    name: str
    counts: tuple[tuple[str, int], ...] | None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """One response with its path: `moves` has a row a move, with a cell for each of `heads`."""

    seen: Seen
    whose: str
    visits: Mapping[str, int]
    heads: tuple[str, ...]
    moves: tuple[tuple[str, ...], ...]
    standing: str
    legal: tuple[str, ...]


@dataclass(slots=True)
class Known:
    """All that has been told so far; `version` counts the changes, so that a painter sees whether there is any."""

    link: Link
    responses: dict[str, Seen] = field(default_factory=dict)
    version: int = 0

    def linked(self, link: Link) -> None:
        self.link = link
        self.version += 1

    def replace(self, responses: Iterable[Seen]) -> None:
        """Take what is there; what is not in it may have gone on unseen, and is forgotten."""
        self.responses = {seen.id: seen for seen in responses}
        self.version += 1

    def changed(self, seen: Seen) -> None:
        self.responses.pop(seen.id, None)
        self.responses[seen.id] = seen  # the newest last
        if len(self.responses) > KEPT_MAX:
            ended = (known.id for known in self.responses.values() if known.is_final)
            del self.responses[next(ended, next(iter(self.responses)))]
        self.version += 1

    def held(self, response_id: str, words: str) -> None:
        """A breakpoint holds a response from now on, or, with no words, not any more."""
        if response_id in self.responses:
            self.responses[response_id] = replace(self.responses[response_id], held=words)
            self.version += 1

    @property
    def is_live(self) -> bool:
        return self.link.origin is Origin.BOT


class Source(Protocol):
    """Where the facts come from: a running bot, or its database."""

    async def follow(self, known: Known) -> None:
        """Keep `known` up to date, for ever."""
        ...

    async def fleet(self) -> tuple[MachineSeen, ...]:
        """Every machine; none where nobody can tell."""
        ...

    async def told(self, response_id: str) -> Told | None:
        """One response; None where nobody knows it."""
        ...
