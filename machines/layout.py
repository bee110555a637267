"""Where the parts of a diagram stand: places for states, routes for edges, and the room that words take.

A layout is data, written by hand in `layouts.py` for every machine of ours: each automatic one bent the happy path
(`automatic.py` serves a machine that has none yet). Its price is a test: each state has a place, each edge a route,
and nothing stands on anything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal

from machines.binding import START, Row, StateMachine

Point = tuple[float, float]
Edge = tuple[str, str]
"""(source, dest): all rows between two states are drawn as one line."""

START_RADIUS: Final = 8.0
LABEL_CHARS_MAX: Final = 24
LABEL_LINES_MAX: Final = 6


class Tone(StrEnum):
    """What a state means to whoever looks: its colour."""

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
    """Where an edge's facts are written: `y` is the block's bottom (above), top (below) or middle (beside)."""

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
    """One machine at one size, in pixels of its view box. `fact_px` 0 leaves the facts out."""

    width: float
    height: float
    box: tuple[float, float]
    state_px: float
    fact_px: float
    badge: tuple[float, float]
    places: Mapping[str, Place]
    routes: Mapping[Edge, Route]


@dataclass(frozen=True, slots=True)
class Rect:
    """The room that something takes."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Rect) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def is_within(self, other: Rect) -> bool:
        return (
            other.left <= self.left
            and self.right <= other.right
            and other.top <= self.top
            and self.bottom <= other.bottom
        )


class NoLayout(LookupError):
    """A machine, a state or an edge without its hint."""


def edges_of(machine: StateMachine[Any, Any]) -> dict[Edge, tuple[Row[Any, Any], ...]]:
    """The machine's edges with their rows, in the table's order; first the entry of one that starts in a state."""
    edges: dict[Edge, tuple[Row[Any, Any], ...]] = {} if machine.initial == START else {(START, machine.initial): ()}
    for row in machine.table:
        edge = (str(row.source), str(row.dest))
        edges[edge] = (*edges.get(edge, ()), row)
    return edges


def label_lines(rows: tuple[Row[Any, Any], ...]) -> tuple[str, ...]:
    """The facts of an edge, each once, short enough to be read."""
    names = list(dict.fromkeys(row.fact.__name__ for row in rows))
    if len(names) > LABEL_LINES_MAX:
        left_out = len(names) - LABEL_LINES_MAX + 1
        names = [*names[: LABEL_LINES_MAX - 1], f"+{left_out} more"]
    return tuple(name if len(name) <= LABEL_CHARS_MAX else name[: LABEL_CHARS_MAX - 1] + "…" for name in names)


def line_height(px: float) -> float:
    return round(px * 1.25, 1)


def text_width(words: str, px: float) -> float:
    """The room that `words` need at most in the usual sans-serif types; on the safe side."""
    return sum(_char_width(char) for char in words) * px


def label_rect(label: Label, lines: tuple[str, ...], px: float) -> Rect:
    """The room of a label's block of lines."""
    width = max(text_width(line, px) for line in lines)
    height = line_height(px) * len(lines)
    top = {"above": label.y - height, "below": label.y, "beside": label.y - height / 2}[label.sits]
    left = {"start": label.x, "middle": label.x - width / 2, "end": label.x - width}[label.align]
    return Rect(left, top, left + width, top + height)


def state_rect(layout: Layout, state: str) -> Rect:
    """The room of a state's box, or of the start's dot."""
    place = layout.places[state]
    width, height = (2 * START_RADIUS, 2 * START_RADIUS) if state == START else layout.box
    return _around((place.x, place.y), width, height)


def badge_rect(layout: Layout, edge: Edge) -> Rect:
    """The room of an edge's count."""
    return _around(layout.routes[edge].badge, *layout.badge)


def _around(centre: Point, width: float, height: float) -> Rect:
    x, y = centre
    return Rect(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _char_width(char: str) -> float:
    if char in "iljftrI.,:;'|! ":
        return 0.38
    if char in "mwMW":
        return 0.92
    return 0.68 if char.isupper() else 0.6
