"""`diagram`: a machine drawn from its running table."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from actors.app.console import WRONG_USE, fail, refusing
from machines.diagram import MACHINES, mermaid, text


class Format(StrEnum):
    TEXT = "text"
    MERMAID = "mermaid"


WRITERS = {Format.TEXT: text, Format.MERMAID: mermaid}


def diagram(
    machine: Annotated[str, typer.Argument(help=f"Which machine: {', '.join(MACHINES)}.")] = "response",
    format: Annotated[Format, typer.Option(help="How to draw it.")] = Format.TEXT,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file to write.")] = None,
) -> None:
    """Draw a machine from the table that runs."""
    if machine not in MACHINES:
        fail(f"there is no machine {machine!r}; there are: {', '.join(MACHINES)}", WRONG_USE)
    drawn = WRITERS[format](MACHINES[machine])
    if output is None:
        typer.echo(drawn, nl=False)
        return
    with refusing(OSError):
        output.write_text(drawn, encoding="utf-8")
