"""Every fact is made by somebody and moves some row; every effect is read by somebody."""

from __future__ import annotations

from types import ModuleType

import pytest

from machines import breaker, connection, response, session
from tests.machines.vocabulary import Name, effects_of, facts_of, made_in, product_sources, read_in

MACHINES = (response, session, breaker, connection)
SOURCES = tuple(product_sources())
MADE = {name for source in SOURCES for name in made_in(source)}
READ = {name for source in SOURCES for name in read_in(source)}


def words(names: set[Name]) -> list[str]:
    return sorted(f"{module}.{name}" for module, name in names)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.__name__)
def test_every_fact_of_a_machine_is_made_by_the_bot(machine: ModuleType) -> None:
    assert words(facts_of(machine) - MADE) == []


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.__name__)
def test_every_fact_of_a_machine_moves_some_row(machine: ModuleType) -> None:
    assert words(facts_of(machine) - {(row.fact.__module__, row.fact.__name__) for row in machine.TABLE}) == []


def test_every_effect_is_read_by_the_bot() -> None:
    assert words(effects_of(*MACHINES) - READ) == []


PLANTED = """
from machines import session as machine
from machines.breaker import Failed
from machines.response import CommitLine, Notify, Wait

def act(effects, at):
    machine.Opened(at)
    Failed(at)
    if any(isinstance(effect, CommitLine | Notify) for effect in effects):
        return
    match effects[0]:
        case Wait():
            ...
"""


def test_the_scan_sees_what_is_made_and_what_is_read() -> None:
    assert made_in(PLANTED) == {("machines.session", "Opened"), ("machines.breaker", "Failed")}
    assert read_in(PLANTED) == {("machines.response", name) for name in ("CommitLine", "Notify", "Wait")}


def test_a_fact_that_nobody_makes_and_an_effect_that_nobody_reads_are_found() -> None:
    sources = [source.replace("machine.PauseRequested(", "machine.EndRequested(") for source in SOURCES]
    made = {name for source in sources for name in made_in(source)}
    assert words(facts_of(session) - made) == ["machines.session.PauseRequested"]
    sources = [source.replace("isinstance(effect, CatchUp)", "bool(effect)") for source in SOURCES]
    read = {name for source in sources for name in read_in(source)}
    assert words(effects_of(connection) - read) == ["machines.connection.CatchUp"]
