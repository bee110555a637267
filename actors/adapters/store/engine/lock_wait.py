"""Wait at the start for a database that another program has locked, and report the wait.

    BEGIN IMMEDIATE ─► free
          │  ▲
          ▼  └── tried again, up to LOCKED_S_MAX
        locked ─► reported once

Failure modes: StoreError after LOCKED_S_MAX; its message says what to do. Other faults of the database are reported
when it is opened.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread

from actors.adapters.store.engine.errors import StoreError

UNLOCK: Final = (
    "another program has locked it. Save or undo changes in a database browser, wait for a backup or copy to end "
    "(`fuser` or `lsof` on the file names the program), and try again"
)

LOOK_S: Final = 1.0
"""How long each try waits in SQLite, which takes the lock as soon as it is free; Ctrl-C takes effect between tries."""

LOCKED_S_MAX: Final = 60.0
"""Longer than a VACUUM or a copy of a large database takes; after that the service manager should see a failure."""


def says_locked(error: sqlite3.Error) -> bool:
    """Return whether SQLite refused because of another program's lock."""
    # The last byte is the primary code (https://www.sqlite.org/rescode.html).
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


async def wait_until_unlocked(
    path: Path, *, say: Callable[[str], None], s_max: float = LOCKED_S_MAX, look_s: float = LOOK_S
) -> None:
    """Return when the database at `path` can be written or does not exist. Raises StoreError after `s_max`.

    `say` is called once, with words for the operator, if it has to wait.
    """
    give_up_at = anyio.current_time() + s_max
    is_said = False
    while await anyio.to_thread.run_sync(_is_locked, path, look_s):
        if anyio.current_time() >= give_up_at:
            raise StoreError(f"{path} was locked for {s_max:.0f} s: {UNLOCK}")
        if not is_said:
            is_said = True
            say(f"{path} is locked by another program; waiting up to {s_max:.0f} s for it.")


def _is_locked(path: Path, look_s: float) -> bool:
    """Whether another program's lock prevents writing now; changes nothing."""
    if not path.is_file():
        return False
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=look_s)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.rollback()
    except sqlite3.DatabaseError as error:
        return says_locked(error)
    return False
