"""What is wrong with a layout: what stands on what, which line runs through what, what is outside."""

from __future__ import annotations

from itertools import combinations, pairwise

from machines.diagrams.drawable import Drawable
from machines.diagrams.layout import (
    Edge,
    Layout,
    Point,
    Rect,
    badge_rect,
    edges_of,
    label_lines,
    label_rect,
    state_rect,
    text_width,
)


def crowded(machine: Drawable, layout: Layout) -> list[tuple[str, str]]:
    """Labels, counts and states that stand on another one."""
    rooms = labels(machine, layout) | states(layout)
    return [(a, b) for (a, one), (b, two) in combinations(rooms.items(), 2) if overlaps(one, two)]


def crossed(machine: Drawable, layout: Layout) -> list[tuple[Edge, str]]:
    """Lines that run through a label, or through a state that they do not join."""
    rooms = labels(machine, layout) | {state: grown(room, -1) for state, room in states(layout).items()}
    return [
        (edge, name)
        for edge in layout.routes
        for segment in segments(layout, edge)
        for name, room in rooms.items()
        if name != f"count of {edge}" and overlaps(grown(segment, 0.5), room)
    ]


def loose(layout: Layout) -> list[Edge]:
    """Lines that are askew somewhere, or do not run from border to border."""
    return [edge for edge in layout.routes if _is_askew(layout, edge) or not _joins(layout, edge)]


def outside(machine: Drawable, layout: Layout) -> list[str]:
    """What is not within the picture, and states whose names do not fit their boxes."""
    page = Rect(4, 4, layout.width - 4, layout.height - 4)
    rooms = labels(machine, layout) | states(layout)
    rooms |= {f"line {edge} {n}": s for edge in layout.routes for n, s in enumerate(segments(layout, edge))}
    too_long = [state for state in machine.states if text_width(state, layout.state_px) > layout.box[0] - 8]
    return [name for name, room in rooms.items() if not is_within(room, page)] + too_long


def states(layout: Layout) -> dict[str, Rect]:
    return {state: state_rect(layout, state) for state in layout.places}


def labels(machine: Drawable, layout: Layout) -> dict[str, Rect]:
    """The room of each label and of each count, by a name for the failure's message."""
    taken: dict[str, Rect] = {}
    for edge, rows in edges_of(machine).items():
        taken[f"count of {edge}"] = badge_rect(layout, edge)
        label = layout.routes[edge].label
        if layout.fact_px and rows:
            assert label is not None, f"{edge} has facts and no place for them"
            taken[f"facts of {edge}"] = label_rect(
                label, label_lines(rows, with_guards=layout.with_guards), layout.fact_px
            )
    return taken


def segments(layout: Layout, edge: Edge) -> list[Rect]:
    points = layout.routes[edge].points
    return [_room(start, end) for start, end in pairwise(points)]


def grown(room: Rect, by: float) -> Rect:
    return Rect(room.left - by, room.top - by, room.right + by, room.bottom + by)


def overlaps(one: Rect, other: Rect) -> bool:
    return one.left < other.right and other.left < one.right and one.top < other.bottom and other.top < one.bottom


def is_within(one: Rect, other: Rect) -> bool:
    return other.left <= one.left and one.right <= other.right and other.top <= one.top and one.bottom <= other.bottom


def _room(start: Point, end: Point) -> Rect:
    return Rect(min(start[0], end[0]), min(start[1], end[1]), max(start[0], end[0]), max(start[1], end[1]))


def _is_askew(layout: Layout, edge: Edge) -> bool:
    return any(room.left != room.right and room.top != room.bottom for room in segments(layout, edge))


def _joins(layout: Layout, edge: Edge) -> bool:
    points = layout.routes[edge].points
    for state, (x, y) in zip(edge, (points[0], points[-1]), strict=True):
        room = state_rect(layout, state)
        on_border = x in (room.left, room.right) or y in (room.top, room.bottom)
        if not on_border or not is_within(Rect(x, y, x, y), room):
            return False
    return True
