"""Any flat machine of `transitions` is drawn with each of its rows; what cannot be drawn says what can be done."""

from __future__ import annotations

from enum import Enum
from functools import partial
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transitions import Machine, State
from transitions.extensions import AsyncMachine, HierarchicalMachine, LockedMachine

from machines.binding import START, Row, StateMachine
from machines.diagrams.layout import Size, edges_of
from machines.diagrams.layouts import automatic_layout
from machines.diagrams.notations import dot, mermaid, text
from machines.diagrams.sources import NotDrawable, Sketch, sketch
from machines.diagrams.svg import svg
from tests.machines.standing import crossed, crowded, loose, outside


def rows(machine: Machine) -> list[tuple[str, str, str, str, str]]:
    """Fact, source, dest, guard and effects of each row."""
    return [(r.fact_name, r.source, r.dest, r.guard, r.effects) for r in sketch(machine, "m").table]


def moves(machine: Machine) -> list[tuple[str, str, str]]:
    return [row[:3] for row in rows(machine)]


def two(*transitions: Any, **options: Any) -> Machine:  # noqa: ANN401 - as the library takes them
    return Machine(model=None, states=["a", "b"], initial="a", transitions=list(transitions), **options)


class Light(Enum):
    RED = 1
    GREEN = 2


def check(limit: int) -> bool:
    return limit > 0


class Checker:
    def __call__(self) -> bool:
        return True

    def is_ready(self) -> bool:
        return True


def test_states_are_strings_dicts_state_objects_and_members_of_an_enum() -> None:
    machine = Machine(states=["idle", {"name": "busy"}, State("done", final=True)], initial="idle")
    drawn = sketch(machine, "door:MACHINE")
    assert (drawn.name, drawn.states, drawn.final, drawn.initial) == (
        "door:MACHINE",
        ("idle", "busy", "done"),
        frozenset({"done"}),
        "idle",
    )
    lights = Machine(
        states=Light, initial=Light.RED, transitions=[{"trigger": "go", "source": Light.RED, "dest": Light.GREEN}]
    )
    assert sketch(lights, "m").states == ("RED", "GREEN")
    assert moves(lights) == [("go", "RED", "GREEN")]


def test_a_machine_s_own_name_comes_before_the_one_that_it_is_found_under() -> None:
    assert sketch(two(name="door"), "module:MACHINE").name == "door"


def test_any_source_reflexive_and_internal_transitions_are_rows() -> None:
    machine = two(["reset", "*", "a"], ["touch", "*", "="], {"trigger": "note", "source": "a", "dest": None})
    assert moves(machine) == [
        ("reset", "a", "a"),
        ("reset", "b", "a"),
        ("touch", "a", "a"),
        ("touch", "b", "b"),
        ("note", "a", "a"),
    ]
    assert [row[4] for row in rows(machine)] == ["", "", "", "", "(internal)"]


def test_ordered_transitions_are_rows() -> None:
    machine = Machine(states=["a", "b", "c"], initial="a", ordered_transitions=True)
    assert moves(machine) == [("next_state", "a", "b"), ("next_state", "b", "c"), ("next_state", "c", "a")]


@pytest.mark.parametrize("options", [{}, {"model_attribute": "phase"}, {"auto_transitions": False}])
def test_only_the_transitions_that_the_library_added_are_left_out(options: dict[str, Any]) -> None:
    assert moves(two(["go", "a", "b"], ["to_work", "b", "a"], **options)) == [("go", "a", "b"), ("to_work", "b", "a")]


def test_a_transition_of_one_s_own_with_an_automatic_name_is_drawn() -> None:
    own = {"trigger": "to_b", "source": "a", "dest": "b", "conditions": "is_ready"}
    assert rows(two(own)) == [("to_b", "a", "b", "is ready", "")]
    assert moves(two(["to_b", "a", "b"], auto_transitions=False)) == [("to_b", "a", "b")]


def test_guards_and_callbacks_are_words_whatever_they_are_given_as() -> None:
    checker = Checker()
    conditions = ["is_open", "door.is_open", check, partial(check, 3), checker, checker.is_ready, lambda: True]
    row: dict[str, Any] = {"trigger": "go", "source": "a", "dest": "b", "conditions": conditions, "unless": "is_shut"}
    row |= {"before": ["count_it"], "after": partial(check, 1)}
    assert rows(two(row)) == [
        (
            "go",
            "a",
            "b",
            "is open, is open, check, check, Checker, is ready, lambda, not is shut",
            "count it, check",
        )
    ]


@pytest.mark.parametrize("kind", [Machine, LockedMachine, AsyncMachine, HierarchicalMachine])
def test_each_flat_kind_of_the_library_is_drawn(kind: type[Machine]) -> None:
    machine = kind(states=["a", "b"], initial="a", transitions=[["go", "a", "b"], ["stay", "*", "="]])
    assert moves(machine) == [("go", "a", "b"), ("stay", "a", "a"), ("stay", "b", "b")]


def test_without_an_initial_state_nothing_leads_out_of_the_start() -> None:
    machine = Machine(model=None, states=["a", "b"], initial=None, transitions=[["go", "a", "b"]])
    drawn = sketch(machine, "m")
    assert (drawn.initial, set(edges_of(drawn))) == (START, {("a", "b")})
    layout = automatic_layout(drawn)
    assert layout.places[START].x < layout.places["a"].x < layout.places["b"].x


@pytest.mark.parametrize(
    ("states", "initial", "words"),
    [
        (["a", {"name": "b", "children": ["x", "y"]}], "a", "its state b contains states (x, y)"),
        (["a", {"name": "b", "parallel": ["x", "y"]}], "a", "its state b contains parallel states (x, y)"),
        (["a", "b"], ["a", "b"], "it starts in parallel states (a, b)"),
    ],
)
def test_nested_and_parallel_states_are_refused_with_what_can_be_done(
    states: list[Any],
    initial: Any,  # noqa: ANN401 - the library's stubs know no list
    words: str,
) -> None:
    with pytest.raises(NotDrawable) as refused:
        sketch(HierarchicalMachine(states=states, initial=initial), "door:MACHINE")
    assert str(refused.value).startswith(f"door:MACHINE: {words}. Only a machine without nested or parallel states")
    assert "HierarchicalGraphMachine" in str(refused.value)


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        (two(["go", "a", "nowhere"]), "its transitions name nowhere, but its states are a, b. Correct the transition"),
        (two(["go", "lost", "b"]), "its transitions name lost, but its states are a, b"),
        (Machine(states=[START], initial=START), "its state [*] has the name that diagrams use for the start"),
    ],
)
def test_a_machine_that_would_fail_when_it_moves_is_refused(machine: Machine, words: str) -> None:
    with pytest.raises(NotDrawable) as refused:
        sketch(machine, "door:MACHINE")
    assert str(refused.value).startswith(f"door:MACHINE: {words}")


def test_a_table_of_one_s_own_is_drawn_as_it_is_though_it_has_the_name_of_one_of_ours() -> None:
    opened: type = type("Opened", (), {})
    table: tuple[Row[Any, Any], ...] = (Row(opened, "Shut", "Open"),)
    machine = StateMachine[Any, Any]("response", states=("Shut", "Open"), final=("Open",), table=table, initial="Shut")
    drawn = sketch(machine, "door:MACHINE")
    assert text(drawn) == text(machine)
    assert svg(drawn, layout=automatic_layout(drawn)).count("data-state") == 3


ANY_NAME = st.text(min_size=1, max_size=10).filter(lambda name: name not in (START, "*", "="))


@given(names=st.lists(ANY_NAME, min_size=3, max_size=3, unique=True), size=st.sampled_from(Size))
def test_any_name_is_one_word_of_each_format(names: list[str], size: Size) -> None:
    machine = Machine(model=None, states=names[:2], initial=names[0], auto_transitions=False)
    machine.add_transition(names[2], names[0], names[1], conditions=names[2])
    drawn = sketch(machine, names[0])
    root = ElementTree.fromstring(svg(drawn, size=size, layout=automatic_layout(drawn, size)))
    assert [e.get("data-state") for e in root.iter() if e.get("data-state")] == [START, *drawn.states]
    assert len(text(drawn).splitlines()) == 6
    assert len(mermaid(drawn).splitlines()) <= 5
    assert len(dot(drawn).splitlines()) == 10
    dot(drawn).encode()


def order() -> Machine:
    """Ten states, with everything that a transition can have."""
    states = ["cart", "placed", "paid", "packed", "shipped", "returned", "refunded", "on hold"]
    machine = Machine(
        model=None,
        name="order",
        states=[*states, State("delivered", final=True), {"name": "cancelled", "final": True}],
        initial="cart",
    )
    machine.add_transition("place", "cart", "placed", conditions="has_items", unless="is_blocked")
    machine.add_transition("pay", "placed", "paid", conditions=partial(check, 1), after="send_receipt")
    machine.add_transition("pack", "paid", "packed", before=["reserve_stock", "print_label"])
    machine.add_transition("ship", "packed", "shipped")
    machine.add_transition("arrive", "shipped", "delivered")
    machine.add_transition("return_goods", "shipped", "returned", conditions="is_within_thirty_days", unless="is_used")
    machine.add_transition("refund", "returned", "refunded")
    machine.add_transition("hold", ["placed", "paid"], "on hold")
    machine.add_transition("release", "on hold", "placed")
    machine.add_transition("cancel", ["cart", "placed", "paid"], "cancelled", unless="is_shipped")
    machine.add_transition("look", ["cart", "placed"], "=")
    machine.add_transition("note", "packed", None, after="write_note")
    return machine


@pytest.fixture
def ten() -> Sketch:
    return sketch(order(), "shop:ORDER")


@pytest.mark.parametrize("size", Size)
def test_in_a_machine_of_ten_states_nothing_stands_on_anything_else(ten: Sketch, size: Size) -> None:
    layout = automatic_layout(ten, size)
    assert set(layout.places) == {START, *ten.states}
    faults = [*crowded(ten, layout), *crossed(ten, layout), *loose(layout), *outside(ten, layout)]
    assert faults == []


def test_a_machine_of_ten_states_has_each_row_and_each_guard_in_every_format(ten: Sketch) -> None:
    assert len(ten.states) == 10
    labels = {f"{row.fact_name} [{row.guard}]" if row.guard else row.fact_name for row in ten.table}
    assert "return_goods [is within thirty days, not is used]" in labels
    in_dot = dot(ten)
    titles = " ".join(e.text or "" for e in ElementTree.fromstring(svg(ten)).iter("{http://www.w3.org/2000/svg}title"))
    for label in labels:
        assert label in in_dot
        assert label in titles
        assert label.replace("_", "#95;") in mermaid(ten)
    assert all(f" [{row.guard}]" in text(ten) for row in ten.table if row.guard)


def test_the_picture_shows_a_guard_below_its_fact(ten: Sketch) -> None:
    shown = [e.text for e in ElementTree.fromstring(svg(ten)).iter("{http://www.w3.org/2000/svg}tspan")]
    at = shown.index("return_goods")
    assert " ".join(line or "" for line in shown[at + 1 : at + 3]) == "[is within thirty days, not is used]"
