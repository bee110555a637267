"""`diagram`: a machine drawn from its running table, with one response's recorded path on it if asked."""

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
from machines.diagram import MACHINES, dot, mermaid, text
from machines.drawable import Drawable
from machines.foreign import NotDrawable, sketch
from machines.layout import Layout
from machines.layouts import automatic_layout, layout_of
from machines.path import Path
from machines.svg import Theme, svg


class Format(StrEnum):
    TEXT = "text"
    MERMAID = "mermaid"
    DOT = "dot"
    SVG = "svg"
    PNG = "png"


PIXELS_MAX: Final = 50_000_000
"""200 MB while it is drawn; viewers and chats refuse larger pictures as well."""


class TooLarge(ValueError):
    """A diagram that is no picture any more."""


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
        str, typer.Argument(help=f"Which machine: {', '.join(MACHINES)}, or one of your own: package.module:MACHINE.")
    ] = "response",
    format: Annotated[Format | None, typer.Option(help="How to draw it; else by the file's ending, else text.")] = None,
    response: Annotated[
        str | None,
        typer.Option(help="A response's id, its beginning, or a file of the inspector's: its path is drawn as well."),
    ] = None,
    output: Annotated[FilePath | None, typer.Option("--output", "-o", help="A file to write.")] = None,
) -> None:
    """Draw a machine from the table that runs."""
    format = format or _format_of(output)
    if format is Format.PNG and output is None and sys.stdout.isatty():
        fail("a picture does not show in a terminal; write it to a file with -o", WRONG_USE)
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
    """One of ours by its name, else a developer's own. Ends the program where there is none."""
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
    """What a file's ending asks for; text where there is no file. Ends the program for an unknown ending."""
    if output is None:
        return Format.TEXT
    if output.suffix.lower() not in ENDINGS:
        fail(f"{output}: say what it is to be with --format, or end its name in {', '.join(ENDINGS)}", WRONG_USE)
    return ENDINGS[output.suffix.lower()]


def _path_of(response: str, machine: Drawable) -> Path:
    if machine is not response_machine.MACHINE:
        fail(f"--response: only the machine {response_machine.MACHINE.name} has recorded paths", WRONG_USE)
    with refusing(StoreError, NoRecording, OSError):
        return recording_of(response).way()


def draw(machine: Drawable, format: Format, path: Path | None = None) -> bytes:
    """The machine, with `path` drawn on it, as a file's content. Raises TooLarge for a picture of too many pixels."""
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
    # The hints are for our machines: a developer's own may have the same name.
    return layout_of(machine) if machine in MACHINES.values() else automatic_layout(machine)


def _png(machine: Drawable, path: Path | None) -> bytes:
    layout = _layout(machine)
    if layout.width * layout.height * SHARPNESS**2 > PIXELS_MAX:
        raise TooLarge(f"{machine.name} is too large for a picture: draw it as svg")
    return picture(_svg(machine, path, theme="light"))
