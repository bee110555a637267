"""Diagrams of the machines, drawn from the running tables: text for a terminal, Mermaid and DOT for documents.

With a `Path` each shows how often a row was taken and where the path has led to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from machines import breaker, connection, response, session
from machines.binding import START, Row, StateMachine
from machines.layout import Edge, edges_of
from machines.path import Path
from machines.style import LIGHT

MACHINES: Final[Mapping[str, StateMachine[Any, Any]]] = {
    machine.name: machine for machine in (response.MACHINE, session.MACHINE, breaker.MACHINE, connection.MACHINE)
}
"""Every machine that can be drawn, by name."""

# ── Mermaid ─────────────────────────────────────────────────────────────────────────────────────────


def mermaid(machine: StateMachine[Any, Any], path: Path | None = None) -> str:
    """The machine as a Mermaid `stateDiagram-v2`: one line an edge; rows that stay in a state are in its box."""
    lines = ["stateDiagram-v2"]
    for (source, dest), rows in edges_of(machine).items():
        labels = [f"{_count(row, path)}{_label(row)}" for row in rows]
        if source == dest:
            # Mermaid draws one loop a state and drops all others. The first line in a box is taken for its title.
            lines += [f"    {source} : {line}" for line in (source, *labels)]
        else:
            lines.append(f"    {source} --> {dest}" + (f" : {'<br>'.join(labels)}" if labels else ""))
    lines += [f"    {state} --> [*]" for state in machine.states if state in machine.final]
    if path is not None:
        lines += _mermaid_classes(machine, path)
    return "\n".join(lines) + "\n"


def _mermaid_classes(machine: StateMachine[Any, Any], path: Path) -> list[str]:
    lines = [
        f"    classDef taken stroke:{LIGHT['taken']},stroke-width:3px",
        f"    classDef lit fill:{LIGHT['taken']},color:{LIGHT['lit-ink']}",
    ]
    # Mermaid cannot give a class to [*]: a path without a move lights nothing.
    passed = [state for state in machine.states if state in path.states and state != path.state]
    lines += [f"    class {','.join(passed)} taken"] if passed else []
    lines += [f"    class {path.state} lit"] if path.state in machine.states else []
    return lines


# ── DOT ─────────────────────────────────────────────────────────────────────────────────────────────


def dot(machine: StateMachine[Any, Any], path: Path | None = None) -> str:
    """The machine as a Graphviz digraph, one line an edge, its rows below each other (graphviz.org/doc/info/lang)."""
    path = path or Path()
    lines = [
        f"digraph {_quoted(machine.name)} {{",
        "    rankdir=LR;",
        '    node [shape=box, style="rounded,filled", fillcolor="white", fontname="Helvetica"];',
        '    edge [fontname="Helvetica", fontsize=10];',
        f'    {_quoted(START)} [shape=point, width=0.15, label=""];',
    ]
    lines += [f"    {_quoted(state)}{_dot_state(machine, state, path)};" for state in machine.states]
    lines += [f"    {_dot_edge(edge, rows, path)};" for edge, rows in edges_of(machine).items()]
    return "\n".join([*lines, "}"]) + "\n"


def _dot_state(machine: StateMachine[Any, Any], state: str, path: Path) -> str:
    marks = ["peripheries=2"] if state in machine.final else []
    if state == path.state:
        marks += [f'fillcolor="{LIGHT["taken"]}"', f'fontcolor="{LIGHT["lit-ink"]}"']
    elif state in path.states:
        marks += [f'color="{LIGHT["taken"]}"', "penwidth=2"]
    return f" [{', '.join(marks)}]" if marks else ""


def _dot_edge(edge: Edge, rows: tuple[Row[Any, Any], ...], path: Path) -> str:
    # \l ends a line of a label and sets it flush left.
    marks = [f"label={_quoted(*(f'{_count(row, path)}{_label(row)}' for row in rows))}"] if rows else []
    if edge in path.edges:
        marks += [f'color="{LIGHT["taken"]}"', "penwidth=2"]
    return f"{_quoted(edge[0])} -> {_quoted(edge[1])}" + (f" [{', '.join(marks)}]" if marks else "")


def _quoted(*lines: str) -> str:
    escaped = [line.replace("\\", "\\\\").replace('"', '\\"') for line in lines]
    return f'"{escaped[0]}"' if len(escaped) == 1 else '"' + "".join(f"{line}\\l" for line in escaped) + '"'


# ── text ────────────────────────────────────────────────────────────────────────────────────────────


def text(machine: StateMachine[Any, Any], path: Path | None = None, *, folded: bool = False) -> str:
    """The machine as a list of its states, each with the rows that leave it; ▶ stands where the path is now.

    `folded` leaves out the rows of all other states, and has those before and after on one line each: the rest fits
    any terminal.
    """
    lines = [f"{machine.name}: {len(machine.states)} states, {len(machine.table)} rows"]
    sources = [START, *machine.states] if machine.initial == START else list(machine.states)
    was_folded = False
    for state in sources:
        is_here = path is not None and state == path.state
        if folded and not is_here:
            head = _headline(machine, state)
            lines = [*lines[:-1], f"{lines[-1]} · {head}"] if was_folded else [*lines, f"  {head}"]
            was_folded = True
            continue
        was_folded = False
        lines += [*([] if folded else [""]), f"{'▶ ' if is_here else ''}{_headline(machine, state)}"]
        rows = [row for row in machine.table if row.source == state]
        width = max((len(row.fact.__name__) for row in rows), default=0)
        for row in rows:
            count = f"{_count(row, path):>4}" if path is not None else ""
            lines.append(f"  {count}{row.fact.__name__:<{width}} ─► {row.dest}{_guard(row)}{_effects(row)}")
    return "\n".join(lines) + "\n"


def _headline(machine: StateMachine[Any, Any], state: str) -> str:
    marks = [mark for mark, holds in (("start", state == machine.initial), ("final", state in machine.final)) if holds]
    return f"{state} ({', '.join(marks)})" if marks else state


def _count(row: Row[Any, Any], path: Path | None) -> str:
    times = path.times(row) if path is not None else 0
    return f"{times}× " if times else ""


def _label(row: Row[Any, Any]) -> str:
    return f"{row.fact.__name__}{_guard(row)}{_effects(row)}"


def _guard(row: Row[Any, Any]) -> str:
    return f" [{row.guard}]" if row.guard else ""


def _effects(row: Row[Any, Any]) -> str:
    return f" / {row.effects}" if row.effects else ""
