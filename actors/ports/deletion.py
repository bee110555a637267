"""What is kept for how long, and what a deletion removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Kept:
    """Times in seconds since 1970; what ended before them is deleted. None: it is kept."""

    exchanges_since: float | None = None
    scenes_since: float | None = None


@dataclass(frozen=True, slots=True)
class Forgotten:
    """`removed` has the number of blanked or deleted rows by table."""

    author_id: int
    scenes: int
    removed: dict[str, int]


class DeletionStore(Protocol):
    """Deletes what is kept for a limited time."""

    async def tidy(self, kept: Kept, *, watched_since: float) -> None:
        """Blank deleted words that had to stay for a while, and delete what `kept` says of exchanges.

        Before `watched_since`, no second copy of a message is looked for any more.
        """
        ...

    async def prune(self, *, before: float) -> dict[str, int]:
        """Delete a few scenes that ended before a time; return the rows by table, empty if none was left."""
        ...
