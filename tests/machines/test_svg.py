"""The diagrams: everything has its place, nothing stands on anything else, and words stay words."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any
from xml.etree import ElementTree

import pytest

from machines import layouts
from machines.binding import START, Row, StateMachine
from machines.diagram import MACHINES
from machines.layout import (
    Edge,
    Layout,
    NoLayout,
    Point,
    Rect,
    Size,
    badge_rect,
    edges_of,
    label_lines,
    label_rect,
    state_rect,
    text_width,
)
from machines.layouts import LAYOUTS, layout_of
from machines.style import DARK, LIGHT, TONES, css
from machines.svg import svg

SVG = "{http://www.w3.org/2000/svg}"
EVERY = [pytest.param(machine, size, id=f"{name}-{size}") for name, machine in MACHINES.items() for size in Size]
HAPPY = {"response": ["Generating", "Sending", "Delivered"], "session": ["Idle", "Responding", "Ended"]}


def labels(machine: StateMachine[Any], layout: Layout) -> dict[str, Rect]:
    """The room of each label and of each count, by a name for the failure's message."""
    taken: dict[str, Rect] = {}
    for edge, rows in edges_of(machine).items():
        taken[f"count of {edge}"] = badge_rect(layout, edge)
        label = layout.routes[edge].label
        if layout.fact_px and rows:
            assert label is not None, f"{edge} has facts and no place for them"
            taken[f"facts of {edge}"] = label_rect(label, label_lines(rows), layout.fact_px)
    return taken


def segments(layout: Layout, edge: Edge) -> list[Rect]:
    points = layout.routes[edge].points
    return [_room(start, end) for start, end in pairwise(points)]


def _room(start: Point, end: Point) -> Rect:
    return Rect(min(start[0], end[0]), min(start[1], end[1]), max(start[0], end[0]), max(start[1], end[1]))


def grown(room: Rect, by: float) -> Rect:
    return Rect(room.left - by, room.top - by, room.right + by, room.bottom + by)


@pytest.mark.parametrize(("machine", "size"), EVERY)
def test_each_state_has_a_place_and_each_edge_a_route(machine: StateMachine[Any], size: Size) -> None:
    layout = layout_of(machine, size)
    assert set(layout.places) == {START, *machine.states}
    assert set(layout.routes) == set(edges_of(machine))


@pytest.mark.parametrize(("machine", "size"), EVERY)
def test_a_hint_that_is_missing_is_named(
    machine: StateMachine[Any], size: Size, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, state, edge = LAYOUTS[machine.name][size], machine.states[-1], list(edges_of(machine))[-1]
    for changes, missing in (
        ({"places": {k: v for k, v in whole.places.items() if k != state}}, f"state {state}"),
        ({"routes": {k: v for k, v in whole.routes.items() if k != edge}}, f"edge {edge[0]} to {edge[1]}"),
    ):
        monkeypatch.setattr(layouts, "LAYOUTS", {machine.name: {size: replace(whole, **changes)}})
        with pytest.raises(NoLayout, match=re.escape(missing)):
            svg(machine, size=size)


@pytest.mark.parametrize(("machine", "size"), EVERY)
def test_no_label_or_count_stands_on_another_or_on_a_state(machine: StateMachine[Any], size: Size) -> None:
    layout = layout_of(machine, size)
    rooms = labels(machine, layout) | {state: state_rect(layout, state) for state in layout.places}
    crowded = [(a, b) for (a, one), (b, two) in combinations(rooms.items(), 2) if one.overlaps(two)]
    assert crowded == []


@pytest.mark.parametrize(("machine", "size"), EVERY)
def test_no_line_runs_through_a_label_or_through_a_state_that_it_does_not_join(
    machine: StateMachine[Any], size: Size
) -> None:
    layout = layout_of(machine, size)
    rooms = labels(machine, layout) | {state: grown(state_rect(layout, state), -1) for state in layout.places}
    crossed = [
        (edge, name)
        for edge in layout.routes
        for segment in segments(layout, edge)
        for name, room in rooms.items()
        if name != f"count of {edge}" and grown(segment, 0.5).overlaps(room)
    ]
    assert crossed == []


@pytest.mark.parametrize(("machine", "size"), EVERY)
def test_every_line_is_upright_or_level_and_runs_from_border_to_border(machine: StateMachine[Any], size: Size) -> None:
    layout = layout_of(machine, size)
    for (source, dest), route in layout.routes.items():
        assert all(room.left == room.right or room.top == room.bottom for room in segments(layout, (source, dest)))
        for state, (x, y) in ((source, route.points[0]), (dest, route.points[-1])):
            room = state_rect(layout, state)
            on_border = x in (room.left, room.right) or y in (room.top, room.bottom)
            assert on_border, f"{source} to {dest} does not touch {state}"
            assert Rect(x, y, x, y).is_within(room)


@pytest.mark.parametrize(("machine", "size"), EVERY)
def test_everything_is_within_the_picture_and_names_fit_their_boxes(machine: StateMachine[Any], size: Size) -> None:
    layout = layout_of(machine, size)
    page = Rect(4, 4, layout.width - 4, layout.height - 4)
    rooms = labels(machine, layout) | {state: state_rect(layout, state) for state in layout.places}
    assert [name for name, room in rooms.items() if not room.is_within(page)] == []
    assert [state for state in machine.states if text_width(state, layout.state_px) > layout.box[0] - 8] == []


@pytest.mark.parametrize("size", Size)
@pytest.mark.parametrize("name", HAPPY)
def test_the_happy_path_is_one_straight_line_on_top(name: str, size: Size) -> None:
    layout = layout_of(MACHINES[name], size)
    levels = {layout.places[state].y for state in HAPPY[name]}
    assert levels == {min(place.y for place in layout.places.values())}
    assert all(len(layout.routes[edge].points) == 2 for edge in pairwise(HAPPY[name]))


@pytest.mark.parametrize(("machine", "size"), EVERY)
def test_it_is_well_formed_and_has_each_state_and_each_edge_once(machine: StateMachine[Any], size: Size) -> None:
    root = ElementTree.fromstring(svg(machine, size=size))
    assert [e.get("data-state") for e in root.iter() if e.get("data-state")] == [START, *machine.states]
    edges = [e.get("data-edge") for e in root.iter() if e.get("data-edge")]
    assert edges == [f"{source}-{dest}" for source, dest in edges_of(machine)]


def test_lit_and_taken_are_marked_with_their_counts() -> None:
    drawn = ElementTree.fromstring(
        svg(MACHINES["response"], lit="Retrying", taken={("Sending", "Retrying"): 2, ("Retrying", "Sending"): 12_345})
    )
    marked = {e.get("data-state"): e.get("class", "") for e in drawn.iter() if e.get("data-state")}
    assert [state for state, classes in marked.items() if "lit" in classes.split()] == ["Retrying"]
    taken = {e.get("data-edge"): e for e in drawn.iter() if "taken" in e.get("class", "").split()}
    assert {key: e.findtext(f"{SVG}g/{SVG}text") for key, e in taken.items()} == {
        "Sending-Retrying": "2",
        "Retrying-Sending": "12k",
    }
    empty = [e for e in drawn.iter() if e.get("class") == "count empty"]
    assert len(empty) == len(edges_of(MACHINES["response"])) - 2


def test_names_from_a_table_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    def is_odd(subject: object, fact: object) -> bool:
        return True

    is_odd.__name__ = "a<b & c"
    table = (Row(type('<b>&"', (), {}), "<i>", "<i>", when=(is_odd,)),)
    machine = StateMachine[Any]("breaker", states=("<i>",), final=(), initial="<i>", table=table)
    wide = layout_of(MACHINES["breaker"])
    places = {START: wide.places[START], "<i>": wide.places["Closed"]}
    routes = {(START, "<i>"): wide.routes[START, "Closed"], ("<i>", "<i>"): wide.routes["Closed", "Closed"]}
    odd = replace(wide, places=places, routes=routes)
    monkeypatch.setattr(layouts, "LAYOUTS", {"breaker": {Size.WIDE: odd}})
    root = ElementTree.fromstring(svg(machine))
    assert '<b>&"' in [e.text for e in root.iter(f"{SVG}tspan")]
    assert "<i>" in [e.text for e in root.iter(f"{SVG}text")]
    assert any("[a<b & c]" in (e.text or "") for e in root.iter(f"{SVG}title"))


def test_a_long_label_is_cut_to_what_can_be_read() -> None:
    rows = tuple(Row(type(f"F{n}" + "x" * 40 * (n == 0), (), {}), "a", "b") for n in range(9))
    lines = label_lines(rows)
    assert len(lines) == 6
    assert (lines[0], lines[-1]) == ("F0" + "x" * 21 + "…", "+4 more")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_fixed_theme_has_plain_colours_and_auto_has_both(theme: Any) -> None:  # noqa: ANN401 - a literal
    assert "var(" not in css(theme)
    assert "@media" not in css(theme)
    assert set(LIGHT) == set(DARK)
    assert all(colours[f"{key}"] in css() for colours in (LIGHT, DARK) for key in TONES)
    assert not {*re.findall(r"var\(--m-([a-z-]+)\)", css())} - set(LIGHT)
