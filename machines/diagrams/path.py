"""The path of one subject through its machine, which a diagram shows on top of the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from machines.binding import START
from machines.diagrams.drawable import DrawableRow
from machines.diagrams.layout import Edge

Taken = tuple[str, str, str]
"""(source, dest, the fact's name) of one move."""


@dataclass(frozen=True, slots=True)
class Path:
    """The moves made, oldest first; empty before the subject's first fact."""

    moves: tuple[Taken, ...] = ()

    @property
    def state(self) -> str:
        """The state at the end of the path."""
        return self.moves[-1][1] if self.moves else START

    @property
    def states(self) -> frozenset[str]:
        """Every state that the path entered."""
        return frozenset(dest for _, dest, _ in self.moves)

    @property
    def edges(self) -> Mapping[Edge, int]:
        """How often each edge was taken."""
        return Counter((source, dest) for source, dest, _ in self.moves)

    def times(self, row: DrawableRow) -> int:
        """How often this row was taken."""
        return self.moves.count((str(row.source), str(row.dest), row.fact_name))
