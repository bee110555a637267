"""Lays out a machine without hints: less well than by hand, but nothing overlaps.

    columns by distance from the start, states below each other in them, and a gap on the right of each:

      column │ lanes out of it │ words │ lanes into the next │ column

Every line leaves a state on the right and enters on the left. A line between neighbours in the same row is straight.
Every other line has its own lane at either end, and a track above or below all states. Words are placed only over
columns and in the middle of gaps, where no lane runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final, TypeVar

from machines.binding import START
from machines.diagrams.drawable import Drawable
from machines.diagrams.layout import (
    START_RADIUS,
    Edge,
    Label,
    Layout,
    Place,
    Point,
    Route,
    edges_of,
    label_lines,
    line_height,
    text_width,
)

MARGIN: Final = 16.0
LANE: Final = 12.0
"""Distance between two lanes, and between a lane and its neighbours."""

CLEAR: Final = 4.0
"""Clear space around words."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Words:
    """The space for an edge's facts and count: half of the count is below the line, the rest above it."""

    width: float
    rise: float
    fall: float


@dataclass(frozen=True, slots=True)
class _Grid:
    """The column and row of each state, from 0, and the straight edges."""

    column: Mapping[str, int]
    row: Mapping[str, int]
    straight: frozenset[Edge]

    def cell(self, edge: Edge) -> int:
        """The cell of the edge's words: 2 n is over column n, 2 n + 1 in the gap on its right."""
        source, dest = self.column[edge[0]], self.column[edge[1]]
        if dest == source + 1:
            return 2 * source + 1
        return 2 * (source + 1) if dest > source else 2 * dest

    def gaps(self, edge: Edge) -> range:
        """The gaps that the edge's track crosses."""
        ends = sorted((self.column[edge[0]], self.column[edge[1]] - 1))
        return range(ends[0], ends[1] + 1)

    def is_above(self, edge: Edge) -> bool:
        """Whether the edge's track is above the states: so for forward edges and loops."""
        return edge[0] == edge[1] or self.column[edge[1]] > self.column[edge[0]]


@dataclass(frozen=True, slots=True)
class _Across:
    """The x of each cell's middle, and of the lanes of each line that is not straight."""

    middle: tuple[float, ...]
    lane_out: Mapping[Edge, float]
    lane_in: Mapping[Edge, float]
    width: float


@dataclass(frozen=True, slots=True)
class _Down:
    """The y of each row, and of the track of each line that is not straight."""

    row: tuple[float, ...]
    track: Mapping[Edge, float]
    height: float


def automatic(machine: Drawable, blank: Layout) -> Layout:
    """Lay out the machine at the sizes of `blank` (its places and routes are ignored); deterministic for a table."""
    widest = max(text_width(state, blank.state_px) for state in machine.states)
    blank = replace(blank, box=(max(blank.box[0], widest + 2 * LANE), blank.box[1]))
    words = {
        edge: _words(label_lines(rows, with_guards=blank.with_guards) if blank.fact_px else (), blank)
        for edge, rows in edges_of(machine).items()
    }
    grid = _grid(machine, words)
    across, down = _across(blank, grid, words), _down(blank, grid, words)
    return replace(
        blank,
        width=across.width,
        height=down.height,
        places={state: Place(across.middle[2 * grid.column[state]], down.row[grid.row[state]]) for state in grid.row},
        routes=_routes(blank, grid, across, down),
    )


def _words(lines: tuple[str, ...], blank: Layout) -> _Words:
    width = max([blank.badge[0], *(text_width(line, blank.fact_px) for line in lines)])
    height, half = line_height(blank.fact_px) * len(lines), blank.badge[1] / 2
    return _Words(width + 2 * CLEAR, height + half + 2 * CLEAR, half + CLEAR)


# ── positions of states ─────────────────────────────────────────────────────────────────────────────


def _grid(machine: Drawable, edges: Iterable[Edge]) -> _Grid:
    column = _distances(machine, list(edges))
    row = _numbered(column, lambda state: column[state])
    straight = {edge for edge in edges if column[edge[1]] == column[edge[0]] + 1 and row[edge[0]] == row[edge[1]]}
    return _Grid(column, row, frozenset(straight))


def _distances(machine: Drawable, edges: list[Edge]) -> dict[str, int]:
    """The least number of moves from the start to each state, nearest first; unreachable states come after all others,
    each followed by the states that only it leads to.
    """
    distance = _reached_from(START, 0, edges, {})
    last = max(distance.values()) + 1
    for state in machine.states:
        if state not in distance:
            distance |= _reached_from(state, last, edges, distance)
    return distance


def _reached_from(first: str, at: int, edges: list[Edge], known: Mapping[str, int]) -> dict[str, int]:
    found = {first: at}
    queue = [first]
    for state in queue:
        for source, dest in edges:
            if source == state and dest not in found and dest not in known:
                found[dest] = found[state] + 1
                queue.append(dest)
    return found


def _across(blank: Layout, grid: _Grid, words: Mapping[Edge, _Words]) -> _Across:
    tracked = [edge for edge in words if edge not in grid.straight]
    number_out = _numbered(tracked, lambda edge: grid.column[edge[0]])
    number_in = _numbered(tracked, lambda edge: grid.column[edge[1]])
    out, into = Counter(grid.column[source] for source, _ in tracked), Counter(grid.column[dest] for _, dest in tracked)
    widths, middles = [], []
    for cell in range(2 * max(grid.column.values()) + 2):
        column, room = cell // 2, max((words[edge].width for edge in words if grid.cell(edge) == cell), default=0.0)
        before, after = (LANE * (out[column] + 1), LANE * (into[column + 1] + 1)) if cell % 2 else (0.0, 0.0)
        room = room if cell % 2 else max(room, blank.box[0] if column else 2 * START_RADIUS)
        widths.append(before + room + after)
        middles.append(before + room / 2)
    lefts = list(accumulate(widths, initial=MARGIN))
    return _Across(
        middle=tuple(left + middle for left, middle in zip(lefts, middles, strict=False)),
        lane_out={edge: lefts[2 * grid.column[edge[0]] + 1] + LANE * (n + 1) for edge, n in number_out.items()},
        lane_in={edge: lefts[2 * grid.column[edge[1]]] - LANE * (n + 1) for edge, n in number_in.items()},
        width=lefts[-1] + MARGIN,
    )


def _down(blank: Layout, grid: _Grid, words: Mapping[Edge, _Words]) -> _Down:
    tracked = [edge for edge in words if edge not in grid.straight]
    above = _tracks(grid, [edge for edge in tracked if grid.is_above(edge)])
    below = _tracks(grid, [edge for edge in tracked if not grid.is_above(edge)])
    half = blank.box[1] / 2
    track: dict[Edge, float] = {}
    y = _stack(reversed(above), words, MARGIN, track)
    rows = []
    for row in range(max(grid.row.values()) + 1):
        rise, fall = _height(words, [edge for edge in grid.straight if grid.row[edge[0]] == row])
        rows.append(y + LANE + max(rise, half))
        y = rows[-1] + max(fall, half) + LANE
    y = _stack(below, words, y, track)
    return _Down(tuple(rows), track, y + MARGIN)


def _stack(tracks: Iterable[list[Edge]], words: Mapping[Edge, _Words], y: float, placed: dict[Edge, float]) -> float:
    """Place tracks below each other from `y` on; return the y below them."""
    for edges in tracks:
        rise, fall = _height(words, edges)
        placed.update(dict.fromkeys(edges, y + rise))
        y += rise + fall
    return y


def _height(words: Mapping[Edge, _Words], edges: Iterable[Edge]) -> tuple[float, float]:
    """How far words extend above and below a line that all these edges share."""
    rises, falls = [words[edge].rise for edge in edges], [words[edge].fall for edge in edges]
    return max(rises, default=0.0), max(falls, default=0.0)


def _tracks(grid: _Grid, edges: list[Edge]) -> list[list[Edge]]:
    """Group edges that can share a track; the track nearest to the states, with loops and short lines, comes first."""
    tracks: list[list[Edge]] = []
    for edge in sorted(edges, key=lambda edge: (edge[0] != edge[1], len(grid.gaps(edge)))):
        free = (track for track in tracks if all(_are_apart(grid.gaps(edge), grid.gaps(other)) for other in track))
        found = next(free, None)
        if found is None:
            tracks.append(found := [])
        found.append(edge)
    return tracks


def _are_apart(one: range, other: range) -> bool:
    return one.stop <= other.start or other.stop <= one.start


def _numbered(things: Iterable[T], kind: Callable[[T], object]) -> dict[T, int]:
    """Each thing's number, from 0, among those of its kind."""
    seen: Counter[object] = Counter()
    numbers: dict[T, int] = {}
    for thing in things:
        numbers[thing] = seen[kind(thing)]
        seen[kind(thing)] += 1
    return numbers


# ── lines ───────────────────────────────────────────────────────────────────────────────────────────


def _routes(blank: Layout, grid: _Grid, across: _Across, down: _Down) -> dict[Edge, Route]:
    leaves = _ports(blank, grid, down, end=0)
    enters = _ports(blank, grid, down, end=1)
    routes = {}
    for edge in (*grid.straight, *down.track):
        left, right = _border(blank, grid, across, edge[0], side=1), _border(blank, grid, across, edge[1], side=-1)
        if edge in grid.straight:
            y = down.row[grid.row[edge[0]]]
            points: tuple[Point, ...] = ((left, y), (right, y))
        else:
            y, out, into = down.track[edge], across.lane_out[edge], across.lane_in[edge]
            on, off = (left, leaves[edge]), (right, enters[edge])
            points = (on, (out, on[1]), (out, y), (into, y), (into, off[1]), off)
        x = across.middle[grid.cell(edge)]
        label = Label(x, y - blank.badge[1] / 2 - CLEAR) if blank.fact_px else None
        routes[edge] = Route(points, (x, y), label)
    return routes


def _border(blank: Layout, grid: _Grid, across: _Across, state: str, *, side: int) -> float:
    half = START_RADIUS if state == START else blank.box[0] / 2
    return across.middle[2 * grid.column[state]] + side * half


def _ports(blank: Layout, grid: _Grid, down: _Down, *, end: int) -> dict[Edge, float]:
    """The y at which a line leaves (`end` 0) or enters its state: towards its track, away from straight lines."""

    def side(edge: Edge) -> tuple[str, bool]:
        return edge[end], grid.is_above(edge)

    numbers, counts = _numbered(down.track, side), Counter(map(side, down.track))
    ports = {}
    for edge, number in numbers.items():
        half = START_RADIUS if edge[end] == START else blank.box[1] / 2
        away = half * (number + 1) / (counts[side(edge)] + 1)
        ports[edge] = down.row[grid.row[edge[end]]] + (-away if grid.is_above(edge) else away)
    return ports
