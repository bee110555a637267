"""Writes diagrams of machines from the running tables: text for a terminal, Mermaid and DOT for documents.

With a `Path`, each shows how often a row was taken, and the current state.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from machines import breaker, connection, response, session
from machines.binding import START, StateMachine
from machines.diagrams.drawable import Drawable, DrawableRow
from machines.diagrams.layout import Edge, edges_of
from machines.diagrams.path import Path
from machines.diagrams.style import LIGHT

MACHINES: Final[Mapping[str, StateMachine[Any, Any]]] = {
    machine.name: machine for machine in (response.MACHINE, session.MACHINE, breaker.MACHINE, connection.MACHINE)
}
"""Our machines, by name."""

# ── Mermaid ─────────────────────────────────────────────────────────────────────────────────────────

_PLAIN_ID: Final = re.compile(r"[A-Z][A-Za-z0-9]*")
_NO_ID: Final = re.compile(r"[^A-Za-z0-9]+")
_KEYWORDS: Final = ("state", "note", "class", "style", "scale", "default", "click", "href", "acc", "direction", "hide")
"""Beginnings of words that are reserved in Mermaid's grammar, in any case."""
_NOT_PLAIN: Final = re.compile(r"[^\w \[\]/,×]|_")


def mermaid(machine: Drawable, path: Path | None = None) -> str:
    """The machine as a Mermaid `stateDiagram-v2`: one line per edge; rows that stay in a state are in its box."""
    ids = _mermaid_ids(machine)
    titled = {state for state in machine.states if ids[state] != state}
    lines = ["stateDiagram-v2"]
    lines += [f'    state "{_mermaid_words(state)}" as {ids[state]}' for state in machine.states if state in titled]
    for (source, dest), rows in edges_of(machine).items():
        labels = [_mermaid_words(f"{_count(row, path)}{_label(row)}") for row in rows]
        if source == dest:
            # Mermaid draws only one loop per state. It takes the first line in a box as its title.
            lines += [f"    {ids[source]} : {line}" for line in (() if source in titled else (source,)) + tuple(labels)]
            titled.add(source)
        else:
            lines.append(f"    {ids[source]} --> {ids[dest]}" + (f" : {'<br>'.join(labels)}" if labels else ""))
    # Mermaid draws a state without edges only if it is listed.
    joined = {state for edge in edges_of(machine) for state in edge if edge[0] != edge[1]}
    lines += [f"    {state}" for state in machine.states if state not in joined | titled | machine.final]
    lines += [f"    {ids[state]} --> [*]" for state in machine.states if state in machine.final]
    if path is not None:
        lines += _mermaid_classes(machine, path, ids)
    return "\n".join(lines) + "\n"


def _mermaid_ids(machine: Drawable) -> dict[str, str]:
    """Each state's id: its name, with a number in front if Mermaid could misread the name."""
    ids = {START: START}
    for n, state in enumerate(machine.states, 1):
        is_plain = _PLAIN_ID.fullmatch(state) and not state.lower().startswith(_KEYWORDS)
        ids[state] = state if is_plain else f"s{n}_{_NO_ID.sub('_', state)}"
    return ids


def _mermaid_words(words: str) -> str:
    """`words`, with each character that has a meaning in Mermaid or HTML as an entity (mermaid.js.org/syntax)."""
    return _NOT_PLAIN.sub(lambda sign: f"#{ord(sign[0])};", words)


def _mermaid_classes(machine: Drawable, path: Path, ids: Mapping[str, str]) -> list[str]:
    lines = [
        f"    classDef taken stroke:{LIGHT['taken']},stroke-width:3px",
        f"    classDef lit fill:{LIGHT['taken']},color:{LIGHT['lit-ink']}",
    ]
    # Mermaid cannot give a class to [*], so a path without moves highlights nothing.
    passed = [ids[state] for state in machine.states if state in path.states and state != path.state]
    lines += [f"    class {','.join(passed)} taken"] if passed else []
    lines += [f"    class {ids[path.state]} lit"] if path.state in machine.states else []
    return lines


# ── DOT ─────────────────────────────────────────────────────────────────────────────────────────────


def dot(machine: Drawable, path: Path | None = None) -> str:
    """The machine as a Graphviz digraph: one line per edge, its rows below each other (graphviz.org/doc/info/lang)."""
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


def _dot_state(machine: Drawable, state: str, path: Path) -> str:
    marks = ["peripheries=2"] if state in machine.final else []
    if state == path.state:
        marks += [f'fillcolor="{LIGHT["taken"]}"', f'fontcolor="{LIGHT["lit-ink"]}"']
    elif state in path.states:
        marks += [f'color="{LIGHT["taken"]}"', "penwidth=2"]
    return f" [{', '.join(marks)}]" if marks else ""


def _dot_edge(edge: Edge, rows: tuple[DrawableRow, ...], path: Path) -> str:
    # \l ends a label's line and aligns it left.
    marks = [f"label={_quoted(*(f'{_count(row, path)}{_label(row)}' for row in rows))}"] if rows else []
    if edge in path.edges:
        marks += [f'color="{LIGHT["taken"]}"', "penwidth=2"]
    return f"{_quoted(edge[0])} -> {_quoted(edge[1])}" + (f" [{', '.join(marks)}]" if marks else "")


def _quoted(*lines: str) -> str:
    escaped = [line.replace("\\", "\\\\").replace('"', '\\"') for line in lines]
    return f'"{escaped[0]}"' if len(escaped) == 1 else '"' + "".join(f"{line}\\l" for line in escaped) + '"'


# ── text ────────────────────────────────────────────────────────────────────────────────────────────


def text(machine: Drawable, path: Path | None = None, *, folded: bool = False) -> str:
    """The machine as a list of its states, each with the rows that leave it; ▶ marks the path's current state.

    `folded` omits the rows of all other states, and lists those before and those after on one line each, so that the
    text fits any terminal.
    """
    lines = [f"{machine.name}: {_counted(machine.states, 'state')}, {_counted(machine.table, 'row')}"]
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
        width = max((len(row.fact_name) for row in rows), default=0)
        for row in rows:
            count = f"{_count(row, path):>4}" if path is not None else ""
            lines.append(f"  {count}{row.fact_name:<{width}} ─► {row.dest}{_guard(row)}{_effects(row)}")
    return "\n".join(lines) + "\n"


def _counted(things: Sequence[object], kind: str) -> str:
    return f"{len(things)} {kind}{'' if len(things) == 1 else 's'}"


def _headline(machine: Drawable, state: str) -> str:
    marks = [mark for mark, holds in (("start", state == machine.initial), ("final", state in machine.final)) if holds]
    return f"{state} ({', '.join(marks)})" if marks else state


def _count(row: DrawableRow, path: Path | None) -> str:
    times = path.times(row) if path is not None else 0
    return f"{times}× " if times else ""


def _label(row: DrawableRow) -> str:
    return f"{row.fact_name}{_guard(row)}{_effects(row)}"


def _guard(row: DrawableRow) -> str:
    return f" [{row.guard}]" if row.guard else ""


def _effects(row: DrawableRow) -> str:
    return f" / {row.effects}" if row.effects else ""
