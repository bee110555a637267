"""Every row of the session's and the breaker's tables; every other pair of state and fact refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from machines import breaker, session
from machines.binding import START, IllegalMove, StateMachine
from machines.breaker import Breaker
from machines.session import Session

T0 = 1_000.0

SESSION_CASES: list[tuple[str, session.Fact, str]] = [
    (START, session.Opened(T0), "Idle"),
    ("Idle", session.TurnAccepted(T0), "Responding"),
    ("Responding", session.SpeakerFinished(T0, work_left=True), "Responding"),
    ("Responding", session.SpeakerFinished(T0, work_left=False), "Idle"),
    ("Paused", session.SpeakerFinished(T0, work_left=True), "Paused"),
    ("Idle", session.PauseRequested(T0), "Paused"),
    ("Responding", session.PauseRequested(T0), "Paused"),
    ("Paused", session.Resumed(T0, work_left=True), "Responding"),
    ("Paused", session.Resumed(T0, work_left=False), "Idle"),
    ("Idle", session.EndRequested(T0), "Ended"),
    ("Responding", session.EndRequested(T0), "Ended"),
    ("Paused", session.EndRequested(T0), "Ended"),
    ("Idle", session.ChannelLost(T0), "Ended"),
    ("Responding", session.ChannelLost(T0), "Ended"),
    ("Paused", session.ChannelLost(T0), "Ended"),
]

BREAKER_CASES: list[tuple[Breaker, breaker.Fact, str, tuple[object, ...], int]] = [
    (Breaker("d", _state="Closed", failures=3), breaker.Succeeded(T0), "Closed", (), 0),
    (Breaker("d", _state="Closed", failures=4), breaker.Failed(T0), "Closed", (), 5),
    (Breaker("d", _state="Closed", failures=5), breaker.Failed(T0), "Open", (breaker.Hold(T0 + 60),), 6),
    (Breaker("d", 0, _state="Closed", failures=5), breaker.Failed(T0), "Closed", (), 6),
    (
        Breaker("d", _state="Closed", failures=1, failed_at=T0 - 120),
        breaker.IncidentReported(T0),
        "Open",
        (breaker.Hold(T0 + 60),),
        1,
    ),
    (Breaker("d", _state="Closed", failed_at=T0 - 121), breaker.IncidentReported(T0), "Closed", (), 0),
    (Breaker("d", _state="Closed"), breaker.IncidentReported(T0), "Closed", (), 0),
    (Breaker("d", 0, _state="Closed", failures=1, failed_at=T0), breaker.IncidentReported(T0), "Closed", (), 1),
    (Breaker("d", _state="Open", failures=6), breaker.PauseElapsed(T0), "HalfOpen", (), 6),
    (Breaker("d", _state="Open", failures=6), breaker.Succeeded(T0), "Open", (), 6),
    (Breaker("d", _state="Open", failures=6), breaker.Failed(T0), "Open", (), 6),
    (Breaker("d", _state="HalfOpen", failures=6), breaker.Succeeded(T0), "Closed", (), 0),
    (Breaker("d", _state="HalfOpen", failures=6), breaker.Failed(T0), "Open", (breaker.Hold(T0 + 60),), 7),
    # Reads are a row of their own: while writes fail, they count neither for nor against them.
    (Breaker("d", _state="Closed", failures=5), breaker.Failed(T0, is_read=True), "Closed", (), 5),
    (Breaker("d", _state="Closed", failures=5), breaker.Succeeded(T0, is_read=True), "Closed", (), 5),
    (
        Breaker("d", _state="Closed", failures=1, reads_failed=5),
        breaker.Failed(T0, is_read=True),
        "Open",
        (breaker.Hold(T0 + 60),),
        1,
    ),
    (Breaker("d", _state="HalfOpen", failures=6), breaker.Succeeded(T0, is_read=True), "HalfOpen", (), 6),
    (Breaker("d", _state="HalfOpen", reads_failed=6), breaker.Succeeded(T0, is_read=True), "Closed", (), 0),
    (
        Breaker("d", _state="HalfOpen", failures=6),
        breaker.Failed(T0, is_read=True),
        "Open",
        (breaker.Hold(T0 + 60),),
        6,
    ),
]


@pytest.mark.parametrize(("state", "fact", "dest"), SESSION_CASES)
def test_a_session_moves_as_its_table_says(state: str, fact: session.Fact, dest: str) -> None:
    subject = Session("s1", _state=str(state))
    step = session.advance(subject, fact)
    assert (subject.state, step.effects, subject.version) == (dest, (), 1)


@pytest.mark.parametrize(("before", "fact", "dest", "effects", "failures"), BREAKER_CASES)
def test_a_breaker_moves_as_its_table_says(
    before: Breaker, fact: breaker.Fact, dest: str, effects: tuple[object, ...], failures: int
) -> None:
    subject = replace(before)
    step = breaker.advance(subject, fact)
    assert (subject.state, step.effects, subject.failures) == (dest, effects, failures)


def test_five_failures_in_a_row_are_borne_and_the_sixth_opens_for_a_minute() -> None:
    subject = Breaker("discord")
    states = []
    for _ in range(6):
        breaker.advance(subject, breaker.Failed(T0))
        states.append(subject.state)
    assert states == ["Closed"] * 5 + ["Open"]
    assert subject.open_until == T0 + 60


def test_a_probe_that_fails_is_no_new_opening() -> None:
    subject = Breaker("discord", failures_max=1)
    for fact in (breaker.Failed(T0), breaker.Failed(T0 + 1), breaker.PauseElapsed(T0 + 61), breaker.Failed(T0 + 62)):
        breaker.advance(subject, fact)
    assert (subject.state, subject.opened_at, subject.open_until) == ("Open", T0 + 1, T0 + 122)


def told(subject: Breaker, *facts: breaker.Fact) -> str:
    for fact in facts:
        breaker.advance(subject, fact)
    return subject.state


def test_m3_a_reported_incident_opens_it_early_though_other_tries_succeeded_meanwhile() -> None:
    subject = Breaker("discord")
    assert told(subject, breaker.Failed(T0), breaker.Succeeded(T0 + 1), breaker.IncidentReported(T0 + 2)) == "Open"
    assert (subject.opened_at, subject.open_until) == (T0 + 2, T0 + 62)


def test_m3_an_incident_that_goes_on_does_not_open_it_again_when_its_probe_came_through() -> None:
    subject = Breaker("discord")
    told(subject, breaker.Failed(T0), breaker.IncidentReported(T0 + 1), breaker.PauseElapsed(T0 + 61))
    assert told(subject, breaker.Succeeded(T0 + 62), breaker.IncidentReported(T0 + 63)) == "Closed"
    assert told(subject, breaker.Failed(T0 + 64), breaker.IncidentReported(T0 + 65)) == "Open"


@pytest.mark.parametrize("state", ["Open", "HalfOpen"])
def test_m3_an_incident_says_nothing_new_while_it_is_not_closed(state: str) -> None:
    with pytest.raises(IllegalMove):
        breaker.advance(Breaker("d", _state=state, failed_at=T0), breaker.IncidentReported(T0))


@pytest.mark.parametrize(
    ("machine", "cases"),
    [
        (session.MACHINE, {(state, type(fact).__name__, dest) for state, fact, dest in SESSION_CASES}),
        (breaker.MACHINE, {(b._state, type(fact).__name__, dest) for b, fact, dest, *_ in BREAKER_CASES}),
    ],
)
def test_the_cases_cover_the_whole_table(machine: StateMachine[Any, Any], cases: set[tuple[str, str, str]]) -> None:
    assert cases == {(row.source, row.fact.__name__, row.dest) for row in machine.table}


FACTS: dict[str, object] = {type(fact).__name__: fact for _, fact, _ in SESSION_CASES}
NO_ROWS = [
    (state, name)
    for state in (START, *session.State)
    for name in FACTS
    if not any(row.source == state and row.fact.__name__ == name for row in session.TABLE)
]


@pytest.mark.parametrize(("state", "name"), NO_ROWS)
def test_a_session_refuses_every_other_pair(state: str, name: str) -> None:
    subject = Session("s1", _state=str(state))
    with pytest.raises(IllegalMove):
        session.MACHINE.advance(subject, FACTS[name])
    assert subject == Session("s1", _state=str(state))


@pytest.mark.parametrize("state", ["Closed", "HalfOpen"])
def test_a_pause_ends_only_where_there_is_one(state: str) -> None:
    with pytest.raises(IllegalMove):
        breaker.advance(Breaker("d", _state=str(state)), breaker.PauseElapsed(T0))


@pytest.mark.parametrize("machine", [session.MACHINE, breaker.MACHINE], ids=lambda machine: machine.name)
def test_no_row_leaves_a_final_state(machine: StateMachine[Any, Any]) -> None:
    assert {row.source for row in machine.table}.isdisjoint(machine.final)
    assert machine.facts == {row.fact.__name__ for row in machine.table}
