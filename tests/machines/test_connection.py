"""Every row of the connection's table; every other pair of state and fact refused."""

from __future__ import annotations

import pytest

from machines import connection
from machines.binding import START, IllegalMove
from machines.connection import CatchUp, ConnectBegan, Connection, GivenUp, Lost, Readied, Resumed

T0 = 1_000.0

CASES: list[tuple[str, connection.Fact, str, tuple[object, ...]]] = [
    (START, ConnectBegan(T0), "Connecting", ()),
    ("Down", ConnectBegan(T0), "Connecting", ()),
    ("Connecting", Readied(T0), "Ready", (CatchUp(),)),
    ("Resuming", Readied(T0), "Ready", (CatchUp(),)),
    ("Ready", Readied(T0), "Ready", (CatchUp(),)),
    ("Resuming", Resumed(T0), "Ready", ()),
    ("Ready", Lost(T0), "Resuming", ()),
    ("Resuming", Lost(T0), "Resuming", ()),
    ("Connecting", GivenUp(T0), "Down", ()),
    ("Ready", GivenUp(T0), "Down", ()),
    ("Resuming", GivenUp(T0), "Down", ()),
]
FACTS = {type(fact).__name__: fact for _, fact, *_ in CASES}


@pytest.mark.parametrize(("state", "fact", "dest", "effects"), CASES)
def test_a_connection_moves_as_its_table_says(
    state: str, fact: connection.Fact, dest: str, effects: tuple[object, ...]
) -> None:
    subject = Connection(0, _state=str(state))
    step = connection.advance(subject, fact)
    assert (subject.state, step.effects) == (dest, effects)


def test_the_cases_cover_the_whole_table() -> None:
    cases = {(state, type(fact).__name__, dest) for state, fact, dest, *_ in CASES}
    assert cases == {(row.source, row.fact.__name__, row.dest) for row in connection.TABLE}
    assert connection.MACHINE.facts == set(FACTS)


@pytest.mark.parametrize(
    ("state", "name"),
    [
        (state, name)
        for state in (START, *connection.State)
        for name in FACTS
        if not any(row.source == state and row.fact.__name__ == name for row in connection.TABLE)
    ],
)
def test_a_connection_refuses_every_other_pair(state: str, name: str) -> None:
    subject = Connection(0, _state=str(state))
    with pytest.raises(IllegalMove):
        connection.MACHINE.advance(subject, FACTS[name])
    assert subject == Connection(0, _state=str(state))
