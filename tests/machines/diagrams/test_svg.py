"""The diagrams: everything has its place, nothing stands on anything else, and words stay words."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest

from machines.binding import START, Row, StateMachine
from machines.diagrams import layouts
from machines.diagrams.layout import NoLayout, Size, edges_of, label_lines
from machines.diagrams.layouts import LAYOUTS, layout_of
from machines.diagrams.notations import MACHINES
from machines.diagrams.style import DARK, LIGHT, TONES, css
from machines.diagrams.svg import svg
from tests.machines.standing import crossed, crowded, loose, outside

SVG = "{http://www.w3.org/2000/svg}"
EVERY = [pytest.param(machine, size, id=f"{name}-{size}") for name, machine in MACHINES.items() for size in Size]
HAPPY = {"response": ["Generating", "Sending", "Delivered"], "session": ["Idle", "Responding", "Ended"]}


@pytest.mark.parametrize(("machine", "size"), EVERY)
def test_each_state_has_a_place_and_each_edge_a_route(machine: StateMachine[Any, Any], size: Size) -> None:
    layout = layout_of(machine, size)
    assert set(layout.places) == {START, *machine.states}
    assert set(layout.routes) == set(edges_of(machine))


@pytest.mark.parametrize(("machine", "size"), EVERY)
def test_a_hint_that_is_missing_is_named(
    machine: StateMachine[Any, Any], size: Size, monkeypatch: pytest.MonkeyPatch
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
def test_no_label_or_count_stands_on_another_or_on_a_state(machine: StateMachine[Any, Any], size: Size) -> None:
    assert crowded(machine, layout_of(machine, size)) == []


@pytest.mark.parametrize(("machine", "size"), EVERY)
def test_no_line_runs_through_a_label_or_through_a_state_that_it_does_not_join(
    machine: StateMachine[Any, Any], size: Size
) -> None:
    assert crossed(machine, layout_of(machine, size)) == []


@pytest.mark.parametrize(("machine", "size"), EVERY)
def test_every_line_is_upright_or_level_and_runs_from_border_to_border(
    machine: StateMachine[Any, Any], size: Size
) -> None:
    assert loose(layout_of(machine, size)) == []


@pytest.mark.parametrize(("machine", "size"), EVERY)
def test_everything_is_within_the_picture_and_names_fit_their_boxes(
    machine: StateMachine[Any, Any], size: Size
) -> None:
    assert outside(machine, layout_of(machine, size)) == []


@pytest.mark.parametrize("size", Size)
@pytest.mark.parametrize("name", HAPPY)
def test_the_happy_path_is_one_straight_line_on_top(name: str, size: Size) -> None:
    layout = layout_of(MACHINES[name], size)
    levels = {layout.places[state].y for state in HAPPY[name]}
    assert levels == {min(place.y for place in layout.places.values())}
    assert all(len(layout.routes[edge].points) == 2 for edge in pairwise(HAPPY[name]))


@pytest.mark.parametrize(("machine", "size"), EVERY)
def test_it_is_well_formed_and_has_each_state_and_each_edge_once(machine: StateMachine[Any, Any], size: Size) -> None:
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
    table: tuple[Row[Any, Any], ...] = (Row(type('<b>&"', (), {}), "<i>", "<i>", when=(is_odd,)),)
    machine = StateMachine[Any, Any]("breaker", states=("<i>",), final=(), initial="<i>", table=table)
    wide = layout_of(MACHINES["breaker"])
    places = {START: wide.places[START], "<i>": wide.places["Closed"]}
    routes = {(START, "<i>"): wide.routes[START, "Closed"], ("<i>", "<i>"): wide.routes["Closed", "Closed"]}
    odd = replace(wide, places=places, routes=routes)
    monkeypatch.setattr(layouts, "LAYOUTS", {"breaker": {Size.WIDE: odd}})
    root = ElementTree.fromstring(svg(machine))
    assert '<b>&"' in [e.text for e in root.iter(f"{SVG}tspan")]
    assert "<i>" in [e.text for e in root.iter(f"{SVG}text")]
    assert any("[a<b & c]" in (e.text or "") for e in root.iter(f"{SVG}title"))


def test_a_machine_with_an_automatic_layout_shows_its_guards_in_the_picture() -> None:
    def is_paid(subject: object, fact: object) -> bool:
        return True

    table: tuple[Row[Any, Any], ...] = (Row(type("Pack", (), {}), "Paid", "Packed", when=(is_paid,)),)
    machine = StateMachine[Any, Any]("order", states=("Paid", "Packed"), final=(), initial="Paid", table=table)
    spans = [e.text for e in ElementTree.fromstring(svg(machine)).iter(f"{SVG}tspan")]
    assert spans == ["Pack", "[is paid]"]


def test_a_long_label_is_cut_to_what_can_be_read() -> None:
    rows: tuple[Row[Any, Any], ...] = tuple(
        Row(type(f"F{n}" + "x" * 40 * (n == 0), (), {}), "a", "b") for n in range(9)
    )
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


@pytest.mark.parametrize("size", Size)
def test_how_many_are_in_a_state_stands_below_its_name_within_the_box(size: Size) -> None:
    drawn = ElementTree.fromstring(svg(MACHINES["response"], held={"Sending": 12, "Failed": 123_456}, size=size))
    for state, lines in {"Sending": ["Sending", "12"], "Failed": ["Failed", "123k"], "Retrying": ["Retrying"]}.items():
        [group] = [each for each in drawn.iter(SVG + "g") if each.get("data-state") == state]
        box, texts = next(iter(group)), list(group.iter(SVG + "text"))
        assert [text.text for text in texts] == lines
        top, height = float(box.get("y", 0)), float(box.get("height", 0))
        heights = [float(text.get("font-size", 0)) for text in texts]
        baselines = [float(text.get("y", 0)) for text in texts]
        assert top < baselines[0] - 0.75 * heights[0]
        assert baselines[-1] < top + height - 3
