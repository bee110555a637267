"""Formats a recording for `replay` and `watch`: its title, its moves as rows, and its current state."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from actors.app.console import printable
from actors.app.recordings import RecordedMove, Recording
from machines.response import DELIVERED, FAILED, FINAL

HEADS: Final = ("#", "time", "after", "move", "fact", "try", "part", "why")
"""The column names of a path."""


def whose(recording: Recording) -> str:
    begun = f"{datetime.fromtimestamp(recording.path[0].at, UTC):%Y-%m-%d %H:%M:%S} UTC"
    return printable(f"{recording.name}: response {recording.id} of session {recording.session}, {begun}")


def moves(recording: Recording) -> list[tuple[str, ...]]:
    """Return one row per move, with a cell for each of HEADS."""
    path = recording.path
    return [_cells(move, before, recording.parts) for before, move in zip((path[0], *path), path, strict=False)]


def standing(recording: Recording) -> str:
    """Return state and reason, then the hint, on one line: a narrow terminal cuts off the hint first."""
    if recording.state in FINAL:
        took = f"{recording.state} after {recording.path[-1].at - recording.path[0].at:.3f} s"
        why = f": {recording.last_error}" if recording.state == FAILED and recording.last_error else ""
    else:
        took = f"{recording.state} since {_clock(recording.path[-1].at)}"
        why = f": {recording.waits}" if recording.waits else ""
    goes_on = f"; continues at {_clock(recording.due_at)}" if recording.due_at is not None else ""
    return printable(". ".join((f"{took}{why}{goes_on}", *mending(recording))))


def mending(recording: Recording) -> list[str]:
    """Return the hint for the last error as a line; empty if the response was delivered, or there is no hint."""
    if not recording.mend or recording.state == DELIVERED:
        return []
    return [printable(f"What to do: {recording.mend}")]


def _cells(move: RecordedMove, before: RecordedMove, parts: int) -> tuple[str, ...]:
    cells = (
        str(move.seq),
        _clock(move.at),
        f"+{move.at - before.at:.3f} s",
        f"{move.source} ─► {move.dest}",
        move.fact,
        str(move.attempt or ""),
        f"{move.part} of {parts}" if move.part and parts > 1 else "",
        " ".join(filter(None, (move.reason, f"({move.said})" if move.said else ""))),
    )
    return tuple(printable(cell) for cell in cells)


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S.%f}"[:-3]
