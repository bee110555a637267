"""Shared by the commands: reads the settings, prints errors as one line, defines the exit codes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

import typer

from actors.app import settings as app_settings
from actors.app.settings import Settings, SettingsError

FAILED: Final = 1
WRONG_USE: Final = 2


def fail(words: str, code: int = FAILED) -> NoReturn:
    """Print what is wrong and how to fix it on standard error, and exit with `code`."""
    typer.echo(f"ensemble: {words}", err=True)
    raise typer.Exit(code)


def read_settings() -> Settings:
    """Read the settings; for a wrong one, print a line that names it and exit with 2."""
    try:
        return app_settings.load()
    except SettingsError as error:
        fail(str(error).replace("\n", "\nensemble: "), WRONG_USE)


def printable(text: str) -> str:
    """Remove control characters from `text`, so that a card or a message cannot control the terminal."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc")


@contextmanager
def refusing(*kinds: type[Exception], code: int = FAILED) -> Iterator[None]:
    """Turn exceptions of these kinds into one line and an exit code."""
    try:
        yield
    except kinds as error:
        is_file = isinstance(error, OSError) and error.filename is not None
        fail(f"{error.filename}: {error.strerror}" if is_file and isinstance(error, OSError) else str(error), code)
