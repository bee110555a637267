"""A database that another program has locked: the start waits for it, and says so.

    BEGIN IMMEDIATE ─► free
          │  ▲
          ▼  └── tried again, up to LOCKED_S_MAX
        locked ─► said once

Failure modes: StoreError after LOCKED_S_MAX, with what to do. What else is wrong with the database is said by whoever
opens it next.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread

from actors.adapters.store.errors import StoreError

UNLOCK: Final = (
    "another program has locked it. Save or undo what is open in a database browser, let a backup or copy end "
    "(`fuser` or `lsof` on the file names who uses it), and try again"
)

LOOK_S: Final = 1.0
"""SQLite itself waits for the lock so long, and takes it at once when it is free; in between Ctrl-C is heard."""

LOCKED_S_MAX: Final = 60.0
"""Longer than a VACUUM or a copy of a large database takes; then a service manager had better know."""


def says_locked(error: sqlite3.Error) -> bool:
    """Whether SQLite refused because of another program's lock."""
    # The last byte is the primary code (https://www.sqlite.org/rescode.html).
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


async def wait_until_unlocked(
    path: Path, *, say: Callable[[str], None], s_max: float = LOCKED_S_MAX, look_s: float = LOOK_S
) -> None:
    """Return when the database at `path` can be written, or is not there. Raises StoreError after `s_max`.

    `say` is called once, with words for the operator, where it has to wait.
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
    """Whether nobody may write now; nothing is changed."""
    if not path.is_file():
        return False
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=look_s)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.rollback()
    except sqlite3.DatabaseError as error:
        return says_locked(error)
    return False
