"""Diagrams of the machines, drawn from the running tables: text for a terminal, Mermaid for documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from machines import breaker, connection, response, session
from machines.binding import START, Row, StateMachine

MACHINES: Final[Mapping[str, StateMachine[Any]]] = {
    machine.name: machine for machine in (response.MACHINE, session.MACHINE, breaker.MACHINE, connection.MACHINE)
}
"""Every machine that can be drawn, by name."""


def mermaid(machine: StateMachine[Any]) -> str:
    """The machine as a Mermaid `stateDiagram-v2`, one line a row of its table."""
    lines = ["stateDiagram-v2"]
    if machine.initial != START:
        lines.append(f"    [*] --> {machine.initial}")
    lines += [f"    {row.source} --> {row.dest} : {_label(row)}" for row in machine.table]
    lines += [f"    {state} --> [*]" for state in machine.states if state in machine.final]
    return "\n".join(lines) + "\n"


def text(machine: StateMachine[Any]) -> str:
    """The machine as a list of its states, each with the rows that leave it."""
    lines = [f"{machine.name}: {len(machine.states)} states, {len(machine.table)} rows"]
    sources = [START, *machine.states] if machine.initial == START else list(machine.states)
    for state in sources:
        lines += ["", _headline(machine, state)]
        rows = [row for row in machine.table if row.source == state]
        width = max((len(row.fact.__name__) for row in rows), default=0)
        for row in rows:
            lines.append(f"  {row.fact.__name__:<{width}} ─► {row.dest}{_guard(row)}{_effects(row)}")
    return "\n".join(lines) + "\n"


def _headline(machine: StateMachine[Any], state: str) -> str:
    marks = [mark for mark, holds in (("start", state == machine.initial), ("final", state in machine.final)) if holds]
    return f"{state} ({', '.join(marks)})" if marks else state


def _label(row: Row) -> str:
    return f"{row.fact.__name__}{_guard(row)}{_effects(row)}"


def _guard(row: Row) -> str:
    return f" [{row.guard}]" if row.guard else ""


def _effects(row: Row) -> str:
    return f" / {row.effects}" if row.effects else ""
