"""Handles Ctrl-C and SIGTERM for most commands: both clean up, and print that the command was ended.

`run` and `play` handle both signals themselves, and end with 0.
"""

from __future__ import annotations

import signal
from types import FrameType
from typing import Final, NoReturn

import typer

SIGNAL_BASE: Final = 128
"""Exit code of a program ended by a signal, as in shells: this plus the signal's number."""

_heard: list[signal.Signals] = []


def hear_sigterm() -> None:
    """Make SIGTERM act like Ctrl-C, so that no temporary folders or child processes are left behind."""
    signal.signal(signal.SIGTERM, _as_ctrl_c)


def _as_ctrl_c(number: int, frame: FrameType | None) -> None:
    _heard.append(signal.SIGTERM)
    on_ctrl_c = signal.getsignal(signal.SIGINT)
    if callable(on_ctrl_c):
        on_ctrl_c(signal.SIGINT, frame)  # asyncio's handler while a loop runs
    else:
        raise KeyboardInterrupt  # started in the background, a shell makes us ignore Ctrl-C


def end_interrupted() -> NoReturn:
    """Print which signal ended the command, and exit with its code."""
    found = _heard[0] if _heard else signal.SIGINT
    name = "SIGTERM" if found is signal.SIGTERM else "Ctrl-C"
    typer.echo(f"ensemble: ended by {name} before it was finished", err=True)
    raise SystemExit(SIGNAL_BASE + found)
