"""Diagrams in words: DOT that Graphviz's grammar takes, and a path drawn on each form."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pydot
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from machines.binding import START, Row, StateMachine
from machines.diagrams.layout import edges_of
from machines.diagrams.notations import MACHINES, dot, mermaid, text
from machines.diagrams.path import Path, Taken

# pydot 4 builds its grammar with the old names of pyparsing's functions.
pytestmark = pytest.mark.filterwarnings("ignore:.* deprecated - use :DeprecationWarning")

RESPONSE = MACHINES["response"]
RETRIED = Path(
    (
        (START, "Generating", "Started"),
        ("Generating", "Sending", "Generated"),
        ("Sending", "Retrying", "SendRefused"),
        ("Retrying", "Sending", "WaitElapsed"),
        ("Sending", "Retrying", "SendRefused"),
    )
)


def parsed(source: str) -> pydot.Dot:
    graphs = pydot.graph_from_dot_data(source)
    assert graphs is not None, source
    (graph,) = graphs
    return graph


def plain(quoted: str) -> str:
    return quoted.removeprefix('"').removesuffix('"')


def unescaped(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted)


def nodes(graph: pydot.Dot) -> dict[str, dict[str, str]]:
    return {plain(n.get_name()): n.get_attributes() for n in graph.get_nodes() if n.get_name() not in ("node", "edge")}


def edges(graph: pydot.Dot) -> dict[tuple[str, str], dict[str, str]]:
    return {
        (plain(str(e.get_source())), plain(str(e.get_destination()))): e.get_attributes() for e in graph.get_edges()
    }


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_dot_has_each_state_and_each_edge_with_its_rows(machine: StateMachine[Any, Any]) -> None:
    graph = parsed(dot(machine))
    assert set(nodes(graph)) == {START, *machine.states}
    finals = {state for state, marks in nodes(graph).items() if marks.get("peripheries") == "2"}
    assert finals == set(machine.final)
    drawn = edges(graph)
    assert set(drawn) == set(edges_of(machine))
    for edge, rows in edges_of(machine).items():
        for row in rows:
            assert row.fact_name in drawn[edge]["label"]


ODD = st.sampled_from('\\"<>{}[];-=l,|')


NAMES = st.text(ODD | st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)


@settings(max_examples=20)  # of five names each: pydot takes a tenth of a second to read how a graph begins
@given(names=st.lists(NAMES, min_size=5, max_size=5, unique=True))
def test_dot_takes_any_name_that_a_table_has(names: list[str]) -> None:
    table: tuple[Row[Any, Any], ...] = tuple(Row(type(name, (), {}), name, name) for name in names)
    graph = parsed(dot(StateMachine[Any, Any](names[0], states=names, final=(), initial=names[0], table=table)))
    assert {unescaped(node) for node in nodes(graph)} == {START, *names}
    assert {(unescaped(a), unescaped(b)) for a, b in edges(graph)} == {(START, names[0]), *((n, n) for n in names)}


def test_dot_colours_a_path_and_counts_its_rows() -> None:
    graph = parsed(dot(RESPONSE, RETRIED))
    passed = {state for state, marks in nodes(graph).items() if "penwidth" in marks}
    lit = [state for state, marks in nodes(graph).items() if "fontcolor" in marks]
    assert (passed, lit) == ({"Generating", "Sending"}, ["Retrying"])
    taken = {edge for edge, marks in edges(graph).items() if "penwidth" in marks}
    assert taken == set(RETRIED.edges)
    assert "2× SendRefused" in edges(graph)["Sending", "Retrying"]["label"]
    assert "2× SendUnconfirmed" not in dot(RESPONSE, RETRIED)


def test_mermaid_marks_where_a_path_is_and_counts_its_rows() -> None:
    drawn = mermaid(RESPONSE, RETRIED)
    (edge,) = [line for line in drawn.splitlines() if line.startswith("    Sending --> Retrying : ")]
    assert "<br>2× SendRefused [may try again] / take back blocked, wait, drop blocked<br>SendUnconfirmed / " in edge
    assert drawn.endswith("    class Generating,Sending taken\n    class Retrying lit\n")
    assert drawn.startswith("stateDiagram-v2\n")


def test_text_marks_where_a_path_is_and_counts_its_rows() -> None:
    lines = text(RESPONSE, RETRIED).splitlines()
    assert [line for line in lines if line.startswith("▶")] == ["▶ Retrying"]
    (refused,) = [line for line in lines if "SendRefused" in line and "─► Retrying" in line]
    assert refused.startswith("   2× SendRefused     ─► Retrying")
    counts = [int(found[1]) for line in lines if (found := re.match(r"\s+(\d+)× ", line))]
    assert sum(counts) == len(RETRIED.moves)


def test_folded_text_has_every_state_and_the_rows_of_one() -> None:
    lines = text(RESPONSE, RETRIED, folded=True).splitlines()
    rows = [line for line in text(RESPONSE, RETRIED).splitlines()[1:] if "─►" in line]
    assert lines[1:3] == ["  [*] (start) · Generating · Sending", "▶ Retrying"]
    assert lines[-1] == "  Delivered (final) · Failed (final)"
    assert lines[3:-1] == [line for line in rows if line in lines]
    assert len(lines[3:-1]) == sum(row.source == "Retrying" for row in RESPONSE.table)


def test_a_path_that_has_not_begun_lights_the_start_alone() -> None:
    assert "▶ [*] (start)" in text(RESPONSE, Path())
    assert " lit\n" not in mermaid(RESPONSE, Path()).replace("classDef lit", "")
    assert dot(RESPONSE, Path()) == dot(RESPONSE)


@pytest.mark.parametrize("draw", [mermaid, text, dot])
def test_no_row_is_drawn_twice_or_left_out_for_a_path(draw: Any) -> None:  # noqa: ANN401 - one of three functions
    bare = re.sub(r"\d+× ", "", draw(RESPONSE, RETRIED))
    assert [row.fact.__name__ for row in RESPONSE.table if row.fact.__name__ not in bare] == []
    assert bare.count("SendRefused") == draw(RESPONSE).count("SendRefused")


def test_each_row_of_our_tables_has_a_name_of_its_own() -> None:
    """Else a recorded move (from, to, fact) could not be told apart."""
    for machine in MACHINES.values():
        names: list[Taken] = sorted((str(row.source), str(row.dest), row.fact.__name__) for row in machine.table)
        assert [one for one, two in pairwise(names) if one == two] == []
