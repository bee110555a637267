"""`replay`: prints the recorded path of one response, all at once or move by move.

journal or file ─► Recording ─► lines                       without --step
                            └─► frame ─► key ─► frame …     with it
"""

from __future__ import annotations

import shutil
import sys
from typing import Annotated, Final

import typer
from rich.console import Console

from actors.adapters.store import StoreError
from actors.app.console import WRONG_USE, fail, printable, refusing
from actors.app.recording_text import HEADS, moves, standing, whose
from actors.app.recordings import NoRecording, Recording, recording_of
from actors.observation.lore_words import lore_rows
from machines.diagrams.notations import text
from machines.response import MACHINE

ON: Final = frozenset({"\r", "\n", " ", "n", "\x1b[C", "\x1b[B", "\x1bOC", "\x1bOB", "\xe0M", "\xe0P"})
BACK: Final = frozenset({"p", "\x7f", "\b", "\x1b[D", "\x1b[A", "\x1bOD", "\x1bOA", "\xe0K", "\xe0H"})
"""Next and previous: Enter, letters and arrow keys, as terminals send them in both modes, and as Windows does."""

KEYS: Final = "Enter, →: next    ←: back    q: quit"

RIGHT: Final = (0, 2, 5)
"""Columns that are right-aligned: numbers."""

LORE_ROWS_MAX: Final = 40
"""Entries of lore that fired, and as many that were missed."""

LEAVE: Final = frozenset({"q", "\x1b"})


def replay(
    response: Annotated[
        str,
        typer.Argument(metavar="RESPONSE_ID", help="A response's id, the start of it, or an inspector file."),
    ],
    step: Annotated[bool, typer.Option("--step", help="Show one move at a time; Enter and arrow keys move.")] = False,
) -> None:
    """Print one response's recorded path, move by move, with times and reasons."""
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
    """Return the whole path as lines: a title, each move, the current state, and the lore of the last request."""
    lore = [printable(row) for row in lore_rows(recording.lore, LORE_ROWS_MAX)]
    return [whose(recording), "", *_lines(recording), "", standing(recording), *([""] if lore else []), *lore]


def frame(recording: Recording, seq: int) -> list[str]:
    """Return move number `seq`, from 1, and the machine after it: at most 23 lines, for a terminal of 24."""
    names, *walked = _lines(recording)
    below = standing(recording) if seq == len(walked) else KEYS
    here = text(MACHINE, recording.way(seq), folded=True).splitlines()
    return [whose(recording), names, walked[seq - 1], below, *here[1:]]


def after_key(key: str, seq: int, last: int) -> int | None:
    """Return the move to show after a key; None to quit, also for *next* on the last move."""
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
        except (KeyboardInterrupt, EOFError):  # Ctrl-C and Ctrl-D quit as well
            return


def _lines(recording: Recording) -> list[str]:
    """One line of column names, then one line per move."""
    rows = [HEADS, *moves(recording)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.rjust(width) if n in RIGHT else cell.ljust(width) for n, (cell, width) in enumerate(cells))
        for cells in (zip(row, widths, strict=True) for row in rows)
    ]
    return [line.rstrip() for line in lines]
