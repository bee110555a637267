"""`replay`: the recorded path of one response, move by move, at once or by key.

journal or file ─► Recording ─► lines                       without --step
                            └─► frame ─► key ─► frame …     with it
"""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.console import Console

from actors.adapters.store import StoreError
from actors.app.console import WRONG_USE, fail, printable, refusing
from actors.app.recordings import NoRecording, RecordedMove, Recording, recording_of
from machines.diagram import text
from machines.response import FAILED, FINAL, MACHINE

ON: Final = frozenset({"\r", "\n", " ", "n", "\x1b[C", "\x1b[B", "\x1bOC", "\x1bOB", "\xe0M", "\xe0P"})
BACK: Final = frozenset({"p", "\x7f", "\b", "\x1b[D", "\x1b[A", "\x1bOD", "\x1bOA", "\xe0K", "\xe0H"})
"""Enter and the right and lower arrows; the left and upper ones: as terminals send them in both modes, and Windows."""

KEYS: Final = "Enter, →: on    ←: back    q: leave"

RIGHT: Final = (0, 2, 5)
"""The columns that are set flush right: numbers."""

LEAVE: Final = frozenset({"q", "\x1b"})


def replay(
    response: Annotated[
        str, typer.Argument(metavar="RESPONSE_ID", help="A response's id, its beginning, or a file of the inspector's.")
    ],
    step: Annotated[bool, typer.Option("--step", help="Move by move, by Enter and the arrow keys.")] = False,
) -> None:
    """Tell one response's recorded path, move by move, with times and reasons."""
    if step and not (sys.stdin.isatty() and sys.stdout.isatty()):
        fail("--step needs a terminal; without it the whole path is printed", WRONG_USE)
    with refusing(StoreError, NoRecording, OSError):
        recording = recording_of(response)
    if step:
        _walk(recording)
        return
    for line in told(recording):
        typer.echo(line)


def told(recording: Recording) -> list[str]:
    """The whole path in lines: whose it is, each move, and how it stands."""
    return [_whose(recording), "", *_moves(recording), "", _standing(recording)]


def frame(recording: Recording, seq: int) -> list[str]:
    """The move of this number, from 1, and the machine after it: at most 23 lines, as a terminal of 24 shows them."""
    names, *moves = _moves(recording)
    below = _standing(recording) if seq == len(moves) else KEYS
    here = text(MACHINE, recording.way(seq), folded=True).splitlines()
    return [_whose(recording), names, moves[seq - 1], below, *here[1:]]


def after_key(key: str, seq: int, last: int) -> int | None:
    """The move to show after a key; None to leave. Going on behind the last one leaves."""
    if key in LEAVE or (key in ON and seq == last):
        return None
    if key in ON:
        return seq + 1
    return max(1, seq - 1) if key in BACK else seq


def _walk(recording: Recording) -> None:
    seq: int | None = 1
    while seq is not None:
        Console().clear()
        columns = shutil.get_terminal_size().columns
        for line in frame(recording, seq):
            typer.echo(line[:columns])
        try:
            seq = after_key(typer.getchar(), seq, len(recording.path))
        except (KeyboardInterrupt, EOFError):  # Ctrl-C and Ctrl-D are ways to leave as well
            return


def _whose(recording: Recording) -> str:
    begun = f"{datetime.fromtimestamp(recording.path[0].at, UTC):%Y-%m-%d %H:%M:%S} UTC"
    return printable(f"{recording.name}: response {recording.id} of session {recording.session}, {begun}")


def _moves(recording: Recording) -> list[str]:
    """A line with the columns' names, then one a move."""
    path = recording.path
    moves = [_cells(move, before, recording.parts) for before, move in zip((path[0], *path), path, strict=False)]
    rows = [("#", "time", "after", "move", "fact", "try", "part", "why"), *moves]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.rjust(width) if n in RIGHT else cell.ljust(width) for n, (cell, width) in enumerate(cells))
        for cells in (zip(row, widths, strict=True) for row in rows)
    ]
    return [printable(line.rstrip()) for line in lines]


def _cells(move: RecordedMove, before: RecordedMove, parts: int) -> tuple[str, ...]:
    return (
        str(move.seq),
        _clock(move.at),
        f"+{move.at - before.at:.3f} s",
        f"{move.source} ─► {move.dest}",
        move.fact,
        str(move.attempt or ""),
        f"{move.part} of {parts}" if move.part and parts > 1 else "",
        move.reason or "",
    )


def _standing(recording: Recording) -> str:
    """Where it stands, and why."""
    if recording.state in FINAL:
        took = f"{recording.state} after {recording.path[-1].at - recording.path[0].at:.3f} s"
        why = f": {recording.last_error}" if recording.state == FAILED and recording.last_error else ""
    else:
        took = f"{recording.state} since {_clock(recording.path[-1].at)}"
        why = f": {recording.waits}" if recording.waits else ""
    goes_on = f"; goes on at {_clock(recording.due_at)}" if recording.due_at is not None else ""
    return printable(f"{took}{why}{goes_on}")


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S.%f}"[:-3]
