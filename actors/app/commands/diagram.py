"""`diagram`: draws a machine from its running table, on request with one response's recorded path."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path as FilePath
from typing import Annotated, Final

import typer

from actors.adapters.picture import SHARPNESS, picture
from actors.adapters.store import StoreError
from actors.app.console import WRONG_USE, fail, printable, refusing
from actors.app.own_machines import FORM, NoMachine, OwnCodeFailed, own_machine
from actors.app.recordings import NoRecording, recording_of
from machines import response as response_machine
from machines.diagrams.drawable import Drawable
from machines.diagrams.layout import Layout
from machines.diagrams.layouts import automatic_layout, layout_of
from machines.diagrams.notations import MACHINES, dot, mermaid, text
from machines.diagrams.path import Path
from machines.diagrams.sources import NotDrawable, sketch
from machines.diagrams.svg import Theme, svg


class Format(StrEnum):
    TEXT = "text"
    MERMAID = "mermaid"
    DOT = "dot"
    SVG = "svg"
    PNG = "png"


PIXELS_MAX: Final = 50_000_000
"""Needs 200 MB while drawing; viewers and chats refuse larger pictures too."""


class TooLarge(ValueError):
    """The diagram has too many pixels for a PNG."""


ENDINGS: Final = {
    ".txt": Format.TEXT,
    ".mmd": Format.MERMAID,
    ".mermaid": Format.MERMAID,
    ".dot": Format.DOT,
    ".gv": Format.DOT,
    ".svg": Format.SVG,
    ".png": Format.PNG,
}


def diagram(
    machine: Annotated[
        str, typer.Argument(help=f"One of {', '.join(MACHINES)}, or your own as package.module:MACHINE.")
    ] = "response",
    format: Annotated[Format | None, typer.Option(help="Output format. Default: the file's ending, or text.")] = None,
    response: Annotated[
        str | None,
        typer.Option(help="Draw this response's path too: its id, the start of it, or an inspector file."),
    ] = None,
    output: Annotated[FilePath | None, typer.Option("--output", "-o", help="A file to write.")] = None,
) -> None:
    """Draw a state machine from its running table."""
    format = format or _format_of(output)
    if format is Format.PNG and output is None and sys.stdout.isatty():
        fail("a terminal cannot show a PNG; write it to a file with -o", WRONG_USE)
    drawable = _machine(machine)
    path = None if response is None else _path_of(response, drawable)
    with refusing(TooLarge, code=WRONG_USE):
        drawn = draw(drawable, format, path)
    if output is None:
        sys.stdout.buffer.write(drawn)
        sys.stdout.flush()
        return
    with refusing(OSError):
        output.write_bytes(drawn)
    typer.echo(f"Wrote the {drawable.name} machine to {output} ({format})")


def _machine(named: str) -> Drawable:
    """Return the built-in machine of this name, else the developer's own. Exits if there is none."""
    if named in MACHINES:
        return MACHINES[named]
    if ":" not in named:
        fail(
            f"there is no machine {printable(named)!r}; there are: {', '.join(MACHINES)}; for your own, write {FORM}",
            WRONG_USE,
        )
    with refusing(NoMachine, code=WRONG_USE), refusing(OwnCodeFailed):
        own = own_machine(named)
    if own in MACHINES.values():
        return MACHINES[own.name]
    with refusing(NotDrawable, code=WRONG_USE):
        return sketch(own, named)


def _format_of(output: FilePath | None) -> Format:
    """Return the format for the file's ending; TEXT without a file. Exits for an unknown ending."""
    if output is None:
        return Format.TEXT
    if output.suffix.lower() not in ENDINGS:
        fail(f"{output}: the ending does not name a format; use --format, or one of {', '.join(ENDINGS)}", WRONG_USE)
    return ENDINGS[output.suffix.lower()]


def _path_of(response: str, machine: Drawable) -> Path:
    if machine is not response_machine.MACHINE:
        fail(f"--response: only the machine {response_machine.MACHINE.name} has recorded paths", WRONG_USE)
    with refusing(StoreError, NoRecording, OSError):
        return recording_of(response).way()


def draw(machine: Drawable, format: Format, path: Path | None = None) -> bytes:
    """Draw the machine, with `path` on it; returns the file's bytes. Raises TooLarge for a PNG above `PIXELS_MAX`."""
    match format:
        case Format.TEXT:
            return text(machine, path).encode()
        case Format.MERMAID:
            return mermaid(machine, path).encode()
        case Format.DOT:
            return dot(machine, path).encode()
        case Format.SVG:
            return _svg(machine, path).encode()
        case Format.PNG:
            return _png(machine, path)


def _svg(machine: Drawable, path: Path | None, theme: Theme = "auto") -> str:
    layout = _layout(machine)
    if path is None:
        return svg(machine, theme=theme, layout=layout)
    return svg(machine, lit=path.state, taken=path.edges, theme=theme, layout=layout)


def _layout(machine: Drawable) -> Layout:
    # The layout hints are for the built-in machines; a developer's machine may have the same name.
    return layout_of(machine) if machine in MACHINES.values() else automatic_layout(machine)


def _png(machine: Drawable, path: Path | None) -> bytes:
    layout = _layout(machine)
    if layout.width * layout.height * SHARPNESS**2 > PIXELS_MAX:
        raise TooLarge(f"{machine.name} is too large for a PNG: draw it as svg")
    return picture(_svg(machine, path, theme="light"))
