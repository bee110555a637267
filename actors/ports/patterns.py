"""Port for regular expressions of strangers: what looks for them is run where it cannot hold anything up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from actors.roleplay.lore.activation import no_patterns
from actors.roleplay.lore.model import Match

T = TypeVar("T")


class Patterns(Protocol):
    async def run(self, work: Callable[[Match], T]) -> T:
        """Run pure work, beside the event loop, with what looks for regular expressions within a time."""
        ...


class NoPatterns:
    """Finds no regular expression, and runs the work at once."""

    async def run(self, work: Callable[[Match], T]) -> T:
        return work(no_patterns)
