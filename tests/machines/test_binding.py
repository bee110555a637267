"""Programmers' mistakes with `machines.binding` end in one error that says what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from machines.binding import START, IllegalMove, NoState, Row, StateMachine


@dataclass(frozen=True, slots=True)
class Opened:
    pass


TABLE: tuple[Row[Any, Any], ...] = (Row(Opened, "Shut", "Open"),)
DOOR: StateMachine[Any, Any] = StateMachine("door", states=("Shut", "Open"), final=(), table=TABLE, initial="Shut")


class Stateless:
    pass


@dataclass(slots=True)
class Door:
    _state: Any = "Shut"


def test_a_subject_without_the_state_attribute_is_told_which_to_add() -> None:
    with pytest.raises(NoState) as refused:
        DOOR.advance(Stateless(), Opened())
    assert str(refused.value) == 'door: Stateless has no attribute _state: give it one, such as `_state: str = "Shut"`'


@pytest.mark.parametrize("state", ["Ajar", None, "", 7, ["Shut"]])
def test_a_subject_in_no_state_of_the_machine_is_told_which_there_are(state: object) -> None:
    with pytest.raises(NoState) as refused:
        DOOR.advance(Door(state), Opened())
    assert str(refused.value) == (
        f"door: Door._state is {state!r}, which is no state of this machine: set it to one of Shut, Open"
    )


def test_a_subject_whose_state_is_known_is_refused_as_before() -> None:
    with pytest.raises(IllegalMove):
        DOOR.advance(Door("Open"), Opened())


@pytest.mark.parametrize(
    ("row", "final", "initial", "unknown"),
    [
        (("Shut", "Opne"), (), "Shut", "Opne"),
        (("Shutt", "Open"), (), "Shut", "Shutt"),
        (("Shut", "Open"), ("Closed",), "Shut", "Closed"),
        (("Shut", "Open"), (), "Shuut", "Shuut"),
        ((START, "Open"), (), "Shut", START),
    ],
)
def test_a_table_that_names_an_unknown_state_is_refused_when_it_is_made(
    row: tuple[str, str], final: tuple[str, ...], initial: str, unknown: str
) -> None:
    table: tuple[Row[Any, Any], ...] = (Row(Opened, *row),)
    with pytest.raises(ValueError) as refused:
        StateMachine[Any, Any]("door", states=("Shut", "Open"), final=final, table=table, initial=initial)
    assert (
        str(refused.value)
        == f"door: the table names {unknown}, but the states are Shut, Open: correct the table or the states"
    )


def test_an_error_of_a_guard_stays_that_error() -> None:
    def is_known(subject: object, fact: object) -> bool:
        raise KeyError("the guard's own")

    table: tuple[Row[Any, Any], ...] = (Row(Opened, "Shut", "Open", when=(is_known,)),)
    machine = StateMachine[Any, Any]("door", states=("Shut", "Open"), final=(), table=table, initial="Shut")
    with pytest.raises(KeyError, match="the guard's own"):
        machine.advance(Door(), Opened())
