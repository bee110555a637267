"""Ctrl-C and SIGTERM for commands that have no other way to end: both tidy up, and say that they ended.

`run` and `play` wait for both signals by themselves, and end with 0.
"""

from __future__ import annotations

import signal
from types import FrameType
from typing import Final, NoReturn

import typer

SIGNAL_BASE: Final = 128
"""A shell's exit code of a program that a signal ended: this and the signal's number."""

_heard: list[signal.Signals] = []


def hear_sigterm() -> None:
    """From now on SIGTERM does what Ctrl-C does: temporary folders and child processes are not left behind."""
    signal.signal(signal.SIGTERM, _as_ctrl_c)


def _as_ctrl_c(number: int, frame: FrameType | None) -> None:
    _heard.append(signal.SIGTERM)
    on_ctrl_c = signal.getsignal(signal.SIGINT)
    if callable(on_ctrl_c):
        on_ctrl_c(signal.SIGINT, frame)  # asyncio's own while a loop runs
    else:
        raise KeyboardInterrupt  # a shell that starts it in the background has Ctrl-C ignored


def end_interrupted() -> NoReturn:
    """Say which signal it was, and leave with its code."""
    found = _heard[0] if _heard else signal.SIGINT
    name = "SIGTERM" if found is signal.SIGTERM else "Ctrl-C"
    typer.echo(f"ensemble: ended by {name} before it was done", err=True)
    raise SystemExit(SIGNAL_BASE + found)
