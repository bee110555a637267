"""The layout of a diagram: places for states, routes for edges, and the space for words.

A layout is data. Those of our machines are written by hand in `layouts.py`, since automatic ones bent the happy path;
`automatic.py` is for other machines. A test checks the handwritten ones: every state has a place, every edge a route,
and nothing overlaps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from textwrap import wrap
from typing import Final, Literal

from machines.binding import START
from machines.diagrams.drawable import Drawable, DrawableRow

Point = tuple[float, float]
Edge = tuple[str, str]
"""(source, dest): all rows between two states are drawn as one line."""

START_RADIUS: Final = 8.0
LABEL_CHARS_MAX: Final = 24
LABEL_LINES_MAX: Final = 6
GUARD_LINES_MAX: Final = 3


class Tone(StrEnum):
    """The meaning of a state, shown as its colour."""

    REST = "rest"
    WORK = "work"
    TROUBLE = "trouble"
    GOOD = "good"
    BAD = "bad"


class Size(StrEnum):
    """`wide`: a page or a document, with every fact. `compact`: 4:3 for a chat, states and counts only."""

    WIDE = "wide"
    COMPACT = "compact"


@dataclass(frozen=True, slots=True)
class Place:
    """A state's hint: the centre of its box, and its tone."""

    x: float
    y: float
    tone: Tone = Tone.REST


@dataclass(frozen=True, slots=True)
class Label:
    """The position of an edge's facts: `y` is the block's bottom (above), top (below) or middle (beside)."""

    x: float
    y: float
    sits: Literal["above", "below", "beside"] = "above"
    align: Literal["start", "middle", "end"] = "middle"


@dataclass(frozen=True, slots=True)
class Route:
    """An edge's corners from its source's border to its dest's; `badge` is the centre of its count."""

    points: tuple[Point, ...]
    badge: Point
    label: Label | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """One machine at one size, in pixels of its view box. `fact_px` 0 omits the facts.

    `with_guards`: labels include the guards; otherwise only the tooltip shows them.
    """

    width: float
    height: float
    box: tuple[float, float]
    state_px: float
    fact_px: float
    badge: tuple[float, float]
    places: Mapping[str, Place]
    routes: Mapping[Edge, Route]
    with_guards: bool = False


@dataclass(frozen=True, slots=True)
class Rect:
    """The space that an element takes."""

    left: float
    top: float
    right: float
    bottom: float


class NoLayout(LookupError):
    """A machine, a state or an edge without its hint."""


def edges_of(machine: Drawable) -> dict[Edge, tuple[DrawableRow, ...]]:
    """The machine's edges with their rows, in the table's order; the first is the entry, if it starts in a state."""
    edges: dict[Edge, tuple[DrawableRow, ...]] = {} if machine.initial == START else {(START, machine.initial): ()}
    for row in machine.table:
        edge = (str(row.source), str(row.dest))
        edges[edge] = (*edges.get(edge, ()), row)
    return edges


def label_lines(rows: tuple[DrawableRow, ...], *, with_guards: bool = False) -> tuple[str, ...]:
    """The facts of an edge, each once and cut to a readable length; a guard's lines follow its fact."""
    blocks = list(dict.fromkeys((row.fact_name, row.guard if with_guards else "") for row in rows))
    left_out = 0 if len(blocks) <= LABEL_LINES_MAX else len(blocks) - LABEL_LINES_MAX + 1
    lines = [line for name, guard in blocks[: len(blocks) - left_out] for line in (_cut(name), *_guard_lines(guard))]
    return (*lines, f"+{left_out} more") if left_out else tuple(lines)


def _cut(name: str) -> str:
    return name if len(name) <= LABEL_CHARS_MAX else name[: LABEL_CHARS_MAX - 1] + "…"


def _guard_lines(guard: str) -> list[str]:
    return wrap(f"[{guard}]", LABEL_CHARS_MAX, max_lines=GUARD_LINES_MAX, placeholder=" …") if guard else []


def line_height(px: float) -> float:
    return round(px * 1.25, 1)


def text_width(words: str, px: float) -> float:
    """An upper bound of the width of `words` in usual sans-serif fonts, in pixels."""
    return sum(_char_width(char) for char in words) * px


def label_rect(label: Label, lines: tuple[str, ...], px: float) -> Rect:
    """The space of a label's lines."""
    width = max(text_width(line, px) for line in lines)
    height = line_height(px) * len(lines)
    top = {"above": label.y - height, "below": label.y, "beside": label.y - height / 2}[label.sits]
    left = {"start": label.x, "middle": label.x - width / 2, "end": label.x - width}[label.align]
    return Rect(left, top, left + width, top + height)


def state_rect(layout: Layout, state: str) -> Rect:
    """The space of a state's box, or of the start's dot."""
    place = layout.places[state]
    width, height = (2 * START_RADIUS, 2 * START_RADIUS) if state == START else layout.box
    return _around((place.x, place.y), width, height)


def badge_rect(layout: Layout, edge: Edge) -> Rect:
    """The space of an edge's count."""
    return _around(layout.routes[edge].badge, *layout.badge)


def _around(centre: Point, width: float, height: float) -> Rect:
    x, y = centre
    return Rect(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _char_width(char: str) -> float:
    if not char.isascii():
        return 1.0  # the greatest width: a Chinese character is as wide as high
    if char in "iljftrI.,:;'|! ":
        return 0.38
    if char in "mwMW":
        return 0.92
    return 0.68 if char.isupper() else 0.6
