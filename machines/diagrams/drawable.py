"""The interface that diagrams need of a machine: its states and its rows, in words. `StateMachine` implements it, and
`sources.py` converts a `transitions.Machine` to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol


class DrawableRow(Protocol):
    """One row: on `fact_name` in `source`, if `guard` holds, do `effects` and go to `dest`."""

    @property
    def fact_name(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def dest(self) -> str: ...
    @property
    def guard(self) -> str: ...
    @property
    def effects(self) -> str: ...


class Drawable(Protocol):
    """A machine; `initial` is START if its rows lead from there into the first state."""

    @property
    def name(self) -> str: ...
    @property
    def states(self) -> Sequence[str]: ...
    @property
    def final(self) -> AbstractSet[str]: ...
    @property
    def initial(self) -> str: ...
    @property
    def table(self) -> Sequence[DrawableRow]: ...
