"""Converts a developer's machine for drawing: a `StateMachine`, or any flat `transitions.Machine`.

    transitions.Machine ─► sketch ─► Sketch (states, rows in words) ─► svg, mermaid, dot, text
                              └─► NotDrawable: nested or parallel states, rows into unknown states

The library's automatic transitions `to_X` are omitted: they connect every state with every other one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from transitions import Event, Machine, State, Transition

from machines.binding import START, StateMachine, in_words
from machines.diagrams.drawable import Drawable

INTERNAL: Final = "(internal)"
"""Marks a transition without a dest: no state is left or entered."""


class NotDrawable(ValueError):
    """A machine that our diagrams cannot show; the message says what to do."""


@dataclass(frozen=True, slots=True)
class SketchRow:
    """One row in words, as DrawableRow."""

    fact_name: str
    source: str
    dest: str
    guard: str
    effects: str


@dataclass(frozen=True, slots=True)
class Sketch:
    """A machine as Drawable, with printable words only."""

    name: str
    states: tuple[str, ...]
    final: frozenset[str]
    initial: str
    table: tuple[SketchRow, ...]


def sketch(machine: StateMachine[Any, Any] | Machine, name: str) -> Sketch:
    """Convert the machine for drawing; `name` is used if it has none. Raises NotDrawable."""
    drawn = machine if isinstance(machine, StateMachine) else _of_library(machine, name)
    return Sketch(
        _printable(drawn.name),
        tuple(map(_printable, drawn.states)),
        frozenset(map(_printable, drawn.final)),
        _printable(drawn.initial),
        tuple(
            SketchRow(
                _printable(row.fact_name),
                _printable(row.source),
                _printable(row.dest),
                _inline(row.guard),
                _inline(row.effects),
            )
            for row in drawn.table
        ),
    )


def _printable(name: str) -> str:
    # XML cannot escape control characters, and line ends would break the other formats.
    return _inline(str(name)) or "''"


def _inline(words: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in words)


def _of_library(machine: Machine, name: str) -> Drawable:
    _refuse_nested(machine, name)
    states = machine.states
    drawn = Sketch(
        name=machine.name.removesuffix(": ") or name,  # the library's name is the prefix of its log lines
        states=tuple(str(state) for state in states),
        final=frozenset(str(key) for key, state in states.items() if state.final),
        initial=START if machine.initial is None else str(machine.initial),
        table=tuple(_rows(machine)),
    )
    _refuse_unknown(drawn, name)
    return drawn


def _rows(machine: Machine) -> Iterator[SketchRow]:
    for event in machine.events.values():
        for source, transitions in event.transitions.items():
            for transition in transitions[1:] if _is_automatic(machine, event, transitions[:1]) else transitions:
                dest = source if transition.dest is None else transition.dest
                yield SketchRow(event.name, str(source), str(dest), _guard(transition), _effects(transition))


def _is_automatic(machine: Machine, event: Event, first: list[Transition]) -> bool:
    """Whether the library added the first transition: it has no guard or callback, and its event's name is `to_X`."""
    prefix = "to_" if machine.model_attribute == "state" else f"to_{machine.model_attribute}_"
    return machine.auto_transitions and any(
        event.name == f"{prefix}{each.dest}" and not (each.conditions or each.prepare or each.before or each.after)
        for each in first
    )


def _guard(transition: Transition) -> str:
    return ", ".join(f"{'' if each.target else 'not '}{in_words(each.func)}" for each in transition.conditions)


def _effects(transition: Transition) -> str:
    effects = ", ".join(in_words(step) for step in (*transition.before, *transition.after))
    return f"{effects} {INTERNAL}".strip() if transition.dest is None else effects


def _refuse_nested(machine: Machine, name: str) -> None:
    for key, state in machine.states.items():
        # Only a NestedState has `states`. It is not imported, since its package loads all extensions.
        inner: Mapping[str, State] = getattr(state, "states", {})
        if inner:
            kind = "parallel states" if isinstance(getattr(state, "initial", None), list) else "states"
            raise NotDrawable(f"{name}: its state {key} contains {kind} ({', '.join(inner)}). {_FLAT_ONLY}")
    if isinstance(machine.initial, list):
        raise NotDrawable(
            f"{name}: it starts in parallel states ({', '.join(map(str, machine.initial))}). {_FLAT_ONLY}"
        )


_FLAT_ONLY: Final = (
    "Only a machine without nested or parallel states can be drawn. Name one flat machine for each level, or draw it "
    "with HierarchicalGraphMachine of transitions.extensions"
)


def _refuse_unknown(drawn: Drawable, name: str) -> None:
    if START in drawn.states:
        raise NotDrawable(f"{name}: its state {START} has the name that diagrams use for the start. Rename it")
    unknown = {state for row in drawn.table for state in (row.source, row.dest)} - set(drawn.states)
    if unknown:
        raise NotDrawable(
            f"{name}: its transitions name {', '.join(sorted(unknown))}, but its states are {', '.join(drawn.states)}. "
            "Correct the transition, or add the state"
        )
