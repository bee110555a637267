"""The automatic layout, held to what the ones by hand are held to, over tables that nobody would write."""

from __future__ import annotations

from itertools import combinations
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from machines.binding import START, Row, StateMachine
from machines.diagrams import layouts
from machines.diagrams.layout import Layout, Rect, Size, edges_of
from machines.diagrams.layouts import layout_of
from machines.diagrams.notations import MACHINES
from machines.diagrams.svg import svg
from tests.machines.standing import crossed, crowded, loose, outside, segments

FACTS = [type(name, (), {}) for name in ("Sent", "Refused", "WaitElapsed", "SomethingThatHasAVeryLongNameIndeed")]
EVERY = [pytest.param(machine, size, id=f"{name}-{size}") for name, machine in MACHINES.items() for size in Size]


@st.composite
def machines(draw: st.DrawFn) -> StateMachine[Any, Any]:
    """Any table: loops, islands, dead ends, forty facts between two states."""
    states = draw(st.lists(st.from_regex(r"[A-Z][a-z]{0,24}", fullmatch=True), min_size=1, max_size=7, unique=True))
    initial = draw(st.sampled_from([START, *states]))
    sources = st.sampled_from(list(dict.fromkeys([initial, *states])))
    rows = st.builds(Row, st.sampled_from(FACTS), sources, st.sampled_from(states))
    table = tuple(draw(st.lists(rows, max_size=40)))
    final = draw(st.lists(st.sampled_from(states), unique=True))
    return StateMachine("drawn", states=states, final=final, table=table, initial=initial)


def faults(machine: StateMachine[Any, Any], layout: Layout) -> list[object]:
    return [
        *({START, *machine.states} ^ set(layout.places)),
        *(set(edges_of(machine)) ^ set(layout.routes)),
        *crowded(machine, layout),
        *crossed(machine, layout),
        *loose(layout),
        *outside(machine, layout),
        *lines_on_lines(layout),
    ]


def lines_on_lines(layout: Layout) -> list[tuple[object, object]]:
    """Edges that share a stretch: nobody could tell them apart."""
    rooms = [(edge, room) for edge in layout.routes for room in segments(layout, edge)]
    return [(a, b) for (a, one), (b, two) in combinations(rooms, 2) if a != b and _share(one, two)]


def _share(one: Rect, two: Rect) -> bool:
    across = min(one.right, two.right) - max(one.left, two.left)
    down = min(one.bottom, two.bottom) - max(one.top, two.top)
    return (across > 0 and down == 0 and one.top == one.bottom == two.top == two.bottom) or (
        down > 0 and across == 0 and one.left == one.right == two.left == two.right
    )


@given(machine=machines(), size=st.sampled_from(Size))
@settings(max_examples=150)
def test_nothing_stands_on_anything_else_whatever_the_table(machine: StateMachine[Any, Any], size: Size) -> None:
    assert faults(machine, layout_of(machine, size)) == []


@pytest.mark.parametrize(("machine", "size"), EVERY)
def test_ours_could_do_without_their_hints(
    machine: StateMachine[Any, Any], size: Size, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layouts, "LAYOUTS", {})
    assert faults(machine, layout_of(machine, size)) == []
    root = ElementTree.fromstring(svg(machine, size=size))
    assert [e.get("data-state") for e in root.iter() if e.get("data-state")] == [START, *machine.states]


def test_it_is_the_same_each_time_and_nearest_states_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layouts, "LAYOUTS", {})
    machine = MACHINES["response"]
    layout = layout_of(machine)
    assert layout == layout_of(machine)
    columns = sorted({place.x for place in layout.places.values()})
    assert {state: columns.index(place.x) for state, place in layout.places.items()} == {
        START: 0,
        "Generating": 1,
        "Sending": 1,
        "Retrying": 2,
        "Delivered": 2,
        "Failed": 2,
    }


def test_a_chain_is_one_straight_line() -> None:
    states = ("One", "Two", "Three")
    table: tuple[Row[Any, Any], ...] = tuple(
        Row(FACTS[0], source, dest) for source, dest in (("One", "Two"), ("Two", "Three"))
    )
    layout = layout_of(StateMachine[Any, Any]("chain", states=states, final=(), initial="One", table=table))
    assert {len(route.points) for route in layout.routes.values()} == {2}
    assert len({place.y for place in layout.places.values()}) == 1
