"""A state's name is written once, in its machine; who means it says so by that name."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from machines import breaker, connection, response, session

ROOT = Path(__file__).resolve().parents[2]
STATES = {str(state) for machine in (response, session, breaker, connection) for state in machine.State}
ELSEWHERE = {
    "actors/adapters/terminal/table.py",  # what a key does: *Open*
    "actors/app/commands/rehearse.py",  # titles of a table
    "actors/app/commands/simulate.py",  # the same
}
SOURCES = [
    path
    for path in sorted((ROOT / "actors").rglob("*.py"))
    if "versions" not in path.parts and path.relative_to(ROOT).as_posix() not in ELSEWHERE
]


def spelled(source: str) -> set[str]:
    """The names of states that stand in a source as texts of their own, or quoted in SQL."""
    texts = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    said = [text for text in texts if isinstance(text, str)]
    return {state for state in STATES for text in said if text == state or f"'{state}'" in text}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_state_is_spelled_outside_its_machine(path: Path) -> None:
    assert spelled(path.read_text(encoding="utf-8")) == set()


def test_the_scan_sees_texts_and_sql() -> None:
    assert spelled('a == "Failed"\nb = "state IN (\'Sending\')"\nc = f"Ready to go"') == {"Failed", "Sending"}
