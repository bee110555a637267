"""`diagram`: a machine drawn from its running table, with one response's recorded path on it if asked."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path as FilePath
from typing import Annotated, Any, Final

import typer

from actors.adapters.picture import picture
from actors.adapters.store import StoreError
from actors.app.console import WRONG_USE, fail, refusing
from actors.app.recordings import NoRecording, recording_of
from machines import response as response_machine
from machines.binding import StateMachine
from machines.diagram import MACHINES, dot, mermaid, text
from machines.path import Path
from machines.svg import Theme, svg


class Format(StrEnum):
    TEXT = "text"
    MERMAID = "mermaid"
    DOT = "dot"
    SVG = "svg"
    PNG = "png"


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
    machine: Annotated[str, typer.Argument(help=f"Which machine: {', '.join(MACHINES)}.")] = "response",
    format: Annotated[Format | None, typer.Option(help="How to draw it; else by the file's ending, else text.")] = None,
    response: Annotated[
        str | None,
        typer.Option(help="A response's id, its beginning, or a file of the inspector's: its path is drawn as well."),
    ] = None,
    output: Annotated[FilePath | None, typer.Option("--output", "-o", help="A file to write.")] = None,
) -> None:
    """Draw a machine from the table that runs."""
    if machine not in MACHINES:
        fail(f"there is no machine {machine!r}; there are: {', '.join(MACHINES)}", WRONG_USE)
    format = format or _format_of(output)
    if format is Format.PNG and output is None and sys.stdout.isatty():
        fail("a picture does not show in a terminal; write it to a file with -o", WRONG_USE)
    drawn = draw(machine, format, None if response is None else _path_of(response, machine))
    if output is None:
        sys.stdout.buffer.write(drawn)
        sys.stdout.flush()
        return
    with refusing(OSError):
        output.write_bytes(drawn)
    typer.echo(f"Wrote the {machine} machine to {output} ({format})")


def _format_of(output: FilePath | None) -> Format:
    """What a file's ending asks for; text where there is no file. Ends the program for an unknown ending."""
    if output is None:
        return Format.TEXT
    if output.suffix.lower() not in ENDINGS:
        fail(f"{output}: say what it is to be with --format, or end its name in {', '.join(ENDINGS)}", WRONG_USE)
    return ENDINGS[output.suffix.lower()]


def _path_of(response: str, machine: str) -> Path:
    if machine != response_machine.MACHINE.name:
        fail(f"--response: only the machine {response_machine.MACHINE.name} has recorded paths", WRONG_USE)
    with refusing(StoreError, NoRecording, OSError):
        return recording_of(response).way()


def draw(machine: str, format: Format, path: Path | None = None) -> bytes:
    """The machine of this name, with `path` drawn on it, as a file's content."""
    drawn = MACHINES[machine]
    match format:
        case Format.TEXT:
            return text(drawn, path).encode()
        case Format.MERMAID:
            return mermaid(drawn, path).encode()
        case Format.DOT:
            return dot(drawn, path).encode()
        case Format.SVG:
            return _svg(drawn, path).encode()
        case Format.PNG:
            return picture(_svg(drawn, path, theme="light"))


def _svg(drawn: StateMachine[Any, Any], path: Path | None, theme: Theme = "auto") -> str:
    return svg(drawn, theme=theme) if path is None else svg(drawn, lit=path.state, taken=path.edges, theme=theme)
