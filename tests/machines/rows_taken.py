"""Which rows of a machine's table a run takes, seen through the library's own hook."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from transitions import EventData

from machines.binding import Row, StateMachine


@contextmanager
def rows_taken(machine: StateMachine[Any, Any]) -> Iterator[set[int]]:
    """The indexes of the rows that are taken while inside."""
    index_of = _indexes(machine)
    taken: set[int] = set()

    def note(event: EventData) -> None:
        if event.result and event.transition is not None:
            taken.add(index_of[id(event.transition)])

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
