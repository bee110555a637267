"""Every row of the connection's table; every other pair of state and fact refused."""

from __future__ import annotations

import pytest

from machines import connection
from machines.binding import START, IllegalMove
from machines.connection import CatchUp, ConnectBegan, Connection, GivenUp, Lost, Readied, Resumed

T0, BEFORE = 1_000.0, 900.0

CASES: list[tuple[str, connection.Fact, str, tuple[object, ...], float]] = [
    (START, ConnectBegan(T0), "Connecting", (), T0),
    ("Down", ConnectBegan(T0), "Connecting", (), T0),
    ("Connecting", Readied(T0), "Ready", (CatchUp(),), T0),
    ("Resuming", Readied(T0), "Ready", (CatchUp(),), T0),
    ("Ready", Readied(T0), "Ready", (CatchUp(),), BEFORE),
    ("Resuming", Resumed(T0), "Ready", (), T0),
    ("Ready", Lost(T0), "Resuming", (), T0),
    ("Resuming", Lost(T0), "Resuming", (), BEFORE),
    ("Connecting", GivenUp(T0), "Down", (), T0),
    ("Ready", GivenUp(T0), "Down", (), T0),
    ("Resuming", GivenUp(T0), "Down", (), T0),
]
FACTS = {type(fact).__name__: fact for _, fact, *_ in CASES}


@pytest.mark.parametrize(("state", "fact", "dest", "effects", "since"), CASES)
def test_a_connection_moves_as_its_table_says(
    state: str, fact: connection.Fact, dest: str, effects: tuple[object, ...], since: float
) -> None:
    subject = Connection(0, _state=str(state), since=BEFORE)
    step = connection.advance(subject, fact)
    assert (subject.state, step.effects, subject.since) == (dest, effects, since)


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
