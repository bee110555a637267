"""`diagram`: a machine drawn from its running table."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from actors.adapters.picture import png
from actors.app.console import WRONG_USE, fail, refusing
from machines.diagram import MACHINES, mermaid, text
from machines.svg import svg

PICTURE_WIDTH = 2180
"""Pixels: twice the diagram's own width, for sharp screens."""


class Format(StrEnum):
    TEXT = "text"
    MERMAID = "mermaid"
    SVG = "svg"
    PNG = "png"


ENDINGS: Final = {
    ".txt": Format.TEXT,
    ".mmd": Format.MERMAID,
    ".mermaid": Format.MERMAID,
    ".svg": Format.SVG,
    ".png": Format.PNG,
}


def diagram(
    machine: Annotated[str, typer.Argument(help=f"Which machine: {', '.join(MACHINES)}.")] = "response",
    format: Annotated[Format | None, typer.Option(help="How to draw it; else by the file's ending, else text.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file to write.")] = None,
) -> None:
    """Draw a machine from the table that runs."""
    if machine not in MACHINES:
        fail(f"there is no machine {machine!r}; there are: {', '.join(MACHINES)}", WRONG_USE)
    format = format or _format_of(output)
    if format is Format.PNG and output is None and sys.stdout.isatty():
        fail("a picture does not show in a terminal; write it to a file with -o", WRONG_USE)
    drawn = draw(machine, format)
    if output is None:
        sys.stdout.buffer.write(drawn)
        sys.stdout.flush()
        return
    with refusing(OSError):
        output.write_bytes(drawn)
    typer.echo(f"Wrote the {machine} machine to {output} ({format})")


def _format_of(output: Path | None) -> Format:
    """What a file's ending asks for; text where there is no file. Ends the program for an unknown ending."""
    if output is None:
        return Format.TEXT
    if output.suffix.lower() not in ENDINGS:
        fail(f"{output}: say what it is to be with --format, or end its name in {', '.join(ENDINGS)}", WRONG_USE)
    return ENDINGS[output.suffix.lower()]


def draw(machine: str, format: Format) -> bytes:
    """The machine of this name, as a file's content."""
    drawn = MACHINES[machine]
    match format:
        case Format.TEXT:
            return text(drawn).encode()
        case Format.MERMAID:
            return mermaid(drawn).encode()
        case Format.SVG:
            return svg(drawn).encode()
        case Format.PNG:
            return png(svg(drawn, theme="light"), width=PICTURE_WIDTH)
