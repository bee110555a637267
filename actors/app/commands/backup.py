"""`backup`: copies the database into one file, whether or not the bot runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from actors.adapters.store import BackedUp, StoreError, back_up, database_path
from actors.app.console import fail, read_settings, refusing
from actors.app.read_only_store import elsewhere


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; only its owner can read it.")],
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")] = False,
) -> None:
    """Copy the database into one file, whether or not the bot runs."""
    settings = read_settings()
    with refusing(StoreError):
        path = database_path(settings.database_url, folder=settings.data_dir)
        if path is None:
            fail("the database is in memory, so there is nothing to back up: set DATABASE_URL to a file")
        if not path.exists():
            fail(f"there is no database at {path.absolute()}: check DATABASE_URL and DATA_DIR{elsewhere(settings)}")
        typer.echo(_in_words(path, back_up(path, file, overwrites=force)))


def _in_words(path: Path, made: BackedUp) -> str:
    held = f"{made.scenes:,} scenes, {made.lines:,} lines, {made.characters:,} characters"
    return f"Backed up {path.absolute()} to {made.file} ({held}, {made.size_bytes / 1e6:.1f} MB; checked)"
