"""Draws a machine as SVG from its running table: a box per state, a line per pair of states.

    table ─► edges ─┐
    hints ──────────┴─► svg: data-state, data-edge, a slot for each count ─► classes: lit, taken, last

A page highlights states and edges by setting classes only; without a page, `lit` and `taken` draw one moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import hypot
from types import MappingProxyType
from typing import Final, Literal
from xml.sax.saxutils import escape, quoteattr

from machines.binding import START
from machines.diagrams.drawable import Drawable, DrawableRow
from machines.diagrams.layout import (
    START_RADIUS,
    Edge,
    Label,
    Layout,
    Place,
    Point,
    Rect,
    Size,
    badge_rect,
    edges_of,
    label_lines,
    label_rect,
    line_height,
    state_rect,
)
from machines.diagrams.layouts import layout_of
from machines.diagrams.style import css

Theme = Literal["auto", "light", "dark"]

CORNER: Final = 14.0
BOX_CORNER: Final = 14.0
HEAD_LENGTH: Final = 10.0
HEAD_WIDTH: Final = 9.0
COUNT_MAX: Final = 9999
"""Above this a count is shown in thousands: its pill has space for four characters."""
_NONE_TAKEN: Final[Mapping[Edge, int]] = MappingProxyType({})
_NONE_HELD: Final[Mapping[str, int]] = MappingProxyType({})


def svg(
    machine: Drawable,
    *,
    lit: str | None = None,
    taken: Mapping[Edge, int] = _NONE_TAKEN,
    held: Mapping[str, int] = _NONE_HELD,
    size: Size = Size.WIDE,
    theme: Theme = "auto",
    layout: Layout | None = None,
) -> str:
    """The machine as an SVG document; `taken` is how often each edge was taken, `held` how many subjects are in each
    state now.

    `theme` "auto" follows the page and the system; a picture needs a fixed one. The default `layout` is the machine's
    own. Raises NoLayout for a state or an edge without a hint.
    """
    layout = layout or layout_of(machine, size)
    width, height = _number(layout.width), _number(layout.height)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' class="machine {size}" data-machine={quoteattr(machine.name)} role="img"'
        f" aria-label={quoteattr(_in_words(machine, lit))}>",
        f"<style>{css(theme)}</style>",
        f'<rect class="ground" width="{width}" height="{height}" rx="16"/>',
    ]
    parts += [_edge(layout, edge, rows, taken.get(edge, 0)) for edge, rows in edges_of(machine).items()]
    parts.append(_start(layout, lit=lit == START))
    parts += [_state(machine, layout, state, lit=lit == state, held=held.get(state, 0)) for state in machine.states]
    return "\n".join([*parts, "</svg>"]) + "\n"


def edge_key(source: str, dest: str) -> str:
    """The name of an edge in `data-edge` and in counts."""
    return f"{source}-{dest}"


def _in_words(machine: Drawable, lit: str | None) -> str:
    words = f"State machine {machine.name}: {', '.join(machine.states)}"
    return words if lit is None else f"{words}; now {lit}"


def _start(layout: Layout, *, lit: bool) -> str:
    place = layout.places[START]
    return (
        f'<circle class="start{" lit" if lit else ""}" data-state="{START}"'
        f' cx="{_number(place.x)}" cy="{_number(place.y)}" r="{_number(START_RADIUS)}"/>'
    )


def _state(machine: Drawable, layout: Layout, state: str, *, lit: bool, held: int) -> str:
    place, room = layout.places[state], state_rect(layout, state)
    is_final = state in machine.final
    classes = " ".join(["state", place.tone, *(["final"] if is_final else []), *(["lit"] if lit else [])])
    # UML marks a final state by a ring around a disc; for a box we draw a second border.
    ring = _box(room, "ring", inset=4.5, corner=BOX_CORNER - 4) if is_final else ""
    return (
        f'<g class="{classes}" data-state={quoteattr(state)}>{_box(room, "box", inset=0.0, corner=BOX_CORNER)}{ring}'
        f"{_name(state, held, place, layout.state_px)}</g>"
    )


def _name(state: str, held: int, place: Place, px: float) -> str:
    """The state's name in the middle of its box, with the number of subjects: outside it would cover an edge."""
    lines = (state, _short(held)) if held else (state,)
    apart = px * 1.08  # a final state's ring leaves no more space
    top = place.y + px * 0.34 - apart * (len(lines) - 1) / 2
    return "".join(
        f'<text class="name" x="{_number(place.x)}" y="{_number(top + apart * n)}"'
        f' font-size="{_number(px)}">{escape(line)}</text>'
        for n, line in enumerate(lines)
    )


def _box(room: Rect, name: str, *, inset: float, corner: float) -> str:
    width, height = room.right - room.left - 2 * inset, room.bottom - room.top - 2 * inset
    return (
        f'<rect class="{name}" x="{_number(room.left + inset)}" y="{_number(room.top + inset)}"'
        f' width="{_number(width)}" height="{_number(height)}" rx="{_number(corner)}"/>'
    )


def _edge(layout: Layout, edge: Edge, rows: tuple[DrawableRow, ...], count: int) -> str:
    route = layout.routes[edge]
    line = _line(_shortened(route.points))
    classes = "edge taken" if count else "edge"
    return (
        f'<g class="{classes}" data-edge={quoteattr(edge_key(*edge))}>'
        f"<title>{escape(_told(edge, rows))}</title>"
        f'<path class="halo" d="{line}"/><path class="line" d="{line}"/><path class="head" d="{_head(route.points)}"/>'
        f"{_facts(layout, route.label, rows)}{_count(layout, edge, count)}</g>"
    )


def _told(edge: Edge, rows: tuple[DrawableRow, ...]) -> str:
    """The tooltip of an edge: its rows with guards and effects."""
    lines = [f"{edge[0]} → {edge[1]}"]
    for row in rows:
        guard = f" [{row.guard}]" if row.guard else ""
        effects = f" / {row.effects}" if row.effects else ""
        lines.append(f"{row.fact_name}{guard}{effects}")
    return "\n".join(lines)


def _facts(layout: Layout, label: Label | None, rows: tuple[DrawableRow, ...]) -> str:
    lines = label_lines(rows, with_guards=layout.with_guards)
    if label is None or not lines or not layout.fact_px:
        return ""
    px, top = layout.fact_px, label_rect(label, lines, layout.fact_px).top
    spans = "".join(
        f'<tspan x="{_number(label.x)}" y="{_number(top + line_height(px) * n + px * 0.95)}">{escape(line)}</tspan>'
        for n, line in enumerate(lines)
    )
    return f'<text class="facts" font-size="{_number(px)}" text-anchor="{label.align}">{spans}</text>'


def _count(layout: Layout, edge: Edge, count: int) -> str:
    room = badge_rect(layout, edge)
    x, y = layout.routes[edge].badge
    shown = _short(count) if count else ""
    return (
        f'<g class="count{"" if count else " empty"}">{_box(room, "pill", inset=0.0, corner=layout.badge[1] / 2)}'
        f'<text x="{_number(x)}" y="{_number(y + 4.2)}" font-size="12">{shown}</text></g>'
    )


def _short(count: int) -> str:
    return f"{count}" if count <= COUNT_MAX else f"{count // 1000}k"


# ── lines ───────────────────────────────────────────────────────────────────────────────────────────


def _line(points: tuple[Point, ...]) -> str:
    """A path through `points` with rounded corners."""
    steps = [f"M{_pair(points[0])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        cut = min(CORNER, _length(before, corner) / 2, _length(corner, after) / 2)
        steps.append(f"L{_pair(_towards(corner, before, cut))}Q{_pair(corner)} {_pair(_towards(corner, after, cut))}")
    return "".join([*steps, f"L{_pair(points[-1])}"])


def _shortened(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """End the line inside its arrowhead, so that no blunt end shows beyond the tip."""
    return (*points[:-1], _towards(points[-1], points[-2], HEAD_LENGTH - 2))


def _head(points: tuple[Point, ...]) -> str:
    tip, foot = points[-1], _towards(points[-1], points[-2], HEAD_LENGTH)
    across_x = (tip[1] - foot[1]) / HEAD_LENGTH * HEAD_WIDTH / 2
    across_y = (tip[0] - foot[0]) / HEAD_LENGTH * HEAD_WIDTH / 2
    left, right = (foot[0] - across_x, foot[1] + across_y), (foot[0] + across_x, foot[1] - across_y)
    return f"M{_pair(tip)}L{_pair(left)}L{_pair(right)}Z"


def _towards(start: Point, end: Point, distance: float) -> Point:
    share = distance / _length(start, end)
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def _length(start: Point, end: Point) -> float:
    return hypot(end[0] - start[0], end[1] - start[1])


def _pair(point: Point) -> str:
    return f"{_number(point[0])} {_number(point[1])}"


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
