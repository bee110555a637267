"""`watch`: shows the live view in the terminal, from the running bot or from its database."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Final

import anyio

from actors.app.console import WRONG_USE, fail, read_settings

MISSING: Final = "watch needs the extra `terminal`. In the clone: pip install -e '.[terminal]'"


def watch() -> None:
    """Show live what the responses do: all machines, a table of responses, and one response's path."""
    settings = read_settings()
    if find_spec("textual") is None:
        fail(MISSING)
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):  # Textual draws on stderr
        fail("watch needs a terminal; use `report`, `replay` or `transcript` to print", WRONG_USE)
    # Imported here, so that every other command works without the extra.
    from actors.adapters.terminal.watch import Watch
    from actors.app.watch_sources import Watching

    anyio.run(Watch(Watching(settings)).run_async)
