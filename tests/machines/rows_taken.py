"""Which rows of a machine's table a run takes, and which effects they give, seen through the library's own hook."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from transitions import EventData

from machines.binding import Row, StateMachine


@dataclass(slots=True)
class Taken:
    """The indexes of the rows that were taken, and the kinds of the effects that came of them."""

    machine: StateMachine[Any, Any]
    rows: set[int] = field(default_factory=set)
    effects: set[type] = field(default_factory=set)

    @property
    def left(self) -> set[str]:
        """The rows that were not taken."""
        return {described(row) for index, row in enumerate(self.machine.table) if index not in self.rows}


@contextmanager
def rows_taken(machine: StateMachine[Any, Any]) -> Iterator[Taken]:
    """What is taken while inside."""
    index_of = _indexes(machine)
    taken = Taken(machine)

    def note(event: EventData) -> None:
        if event.result and event.transition is not None:
            taken.rows.add(index_of[id(event.transition)])
            _, tape = event.args
            taken.effects |= {type(effect) for effect in tape.effects}

    machine._machine.finalize_event.append(note)
    try:
        yield taken
    finally:
        machine._machine.finalize_event.remove(note)


def described(row: Row[Any, Any]) -> str:
    """A row in one line, as lists name it."""
    guard = f" [{row.guard}]" if row.guard else ""
    return f"{row.source} → {row.dest}: {row.fact.__name__}{guard}"


def _indexes(machine: StateMachine[Any, Any]) -> dict[int, int]:
    """The library's transition of each row: it keeps those of one fact and source in the order of the table."""
    events = machine._machine.events
    left = {name: {at: list(rows) for at, rows in event.transitions.items()} for name, event in events.items()}
    return {id(left[row.fact.__name__][str(row.source)].pop(0)): index for index, row in enumerate(machine.table)}
