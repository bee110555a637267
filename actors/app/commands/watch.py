"""`watch`: the live view in the terminal, from the running bot or from its database alone."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Final

import anyio

from actors.app.console import WRONG_USE, fail, read_settings

MISSING: Final = "watch needs the extra `terminal`. In the clone: pip install -e '.[terminal]'"


def watch() -> None:
    """Show live what every response does: the fleet, a table, and one response's path."""
    settings = read_settings()
    if find_spec("textual") is None:
        fail(MISSING)
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):  # Textual draws on the last
        fail("watch needs a terminal; `report`, `replay` and `transcript` print", WRONG_USE)
    # Only here: where the extra is missing, every other command works.
    from actors.adapters.terminal.watch import Watch
    from actors.app.watching import Watching

    anyio.run(Watch(Watching(settings)).run_async)
