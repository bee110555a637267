"""A copy of a database that may be in use: SQLite's online backup, checked, in one file.

    database ─► one reading transaction ─► FILE.….partial (owner only) ─► checked ─► FILE

A writer goes on meanwhile; the copy is the database as it stood at one moment. FILE appears whole or not at all.

Failure modes: each is a StoreError that says what to do: no database or not ours, damage, a file that is there already,
no folder, no room, no right to write. A process that is killed leaves the `.partial` file, which nothing reads.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkstemp
from typing import Final

from actors.adapters.store.errors import NotADatabase, StoreError
from actors.adapters.store.locked import UNLOCK, says_locked

PAGES: Final = 4096
"""Copied at a time (16 MB), so that Ctrl-C is heard."""

LOCKED_S_MAX: Final = 10.0
"""As long as any reader waits for a database that another program has locked."""

KEPT_BESIDE: Final = ("-wal", "-shm", "-journal", ".lock", ".holder.lock", ".request.lock")
"""What belongs to a database in use: a backup under such a name would destroy it."""


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What a backup holds, so that an empty one is seen."""

    file: Path
    size_bytes: int
    scenes: int
    lines: int
    characters: int


def back_up(database: Path, file: Path, *, overwrites: bool = False, locked_s_max: float = LOCKED_S_MAX) -> BackedUp:
    """Copy `database`, which may be in use, to `file`, which only its owner may read. Raises StoreError.

    A `file` that is there already stays as it is until the copy is complete, and is refused unless `overwrites`.
    """
    _require_place(database, file, overwrites=overwrites)
    file = file.resolve()  # through a link, so that what it points to is replaced and not the link
    with _source(database, locked_s_max) as source, _partial(file) as made:
        _copy(source, made, database)
        found = _checked(made, database, file)
        _put(made, file, overwrites=overwrites)
    return found


def _require_place(database: Path, file: Path, *, overwrites: bool) -> None:
    """Raises StoreError where no backup may be written, before anything is read."""
    if not database.is_file():
        raise StoreError(f"there is no database at {database.absolute()}: look at DATABASE_URL and DATA_DIR")
    if not file.parent.is_dir():
        raise StoreError(f"{file.parent} is no folder: make it first, or name a file elsewhere")
    if file.is_dir():
        raise StoreError(f"{file} is a folder: name a file in it, such as {file / 'ensemble-backup.db'}")
    if file.exists() and not file.is_file():
        raise StoreError(f"{file} is no ordinary file: name another one")
    place, own = file.resolve(), database.resolve()
    if place in (own, *(own.with_name(own.name + ending) for ending in KEPT_BESIDE)):
        raise StoreError(f"{file} belongs to the database in use: name another file")
    if os.path.lexists(file) and not overwrites:
        raise StoreError(_taken(file))


def _taken(file: Path) -> str:
    return f"{file} is there already: name another file, or overwrite it with --force"


@contextmanager
def _source(database: Path, locked_s_max: float) -> Iterator[sqlite3.Connection]:
    """The database in a reading transaction: what is copied is one moment's, whatever is written meanwhile."""
    uri = f"{database.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=locked_s_max, isolation_level=None)) as source:
            source.execute("BEGIN")
            is_ours = source.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
            if not is_ours:
                raise NotADatabase(
                    f"{database} holds nothing of Ensemble's, so there is nothing to back up: look at DATABASE_URL"
                )
            yield source
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{database} cannot be read ({error}): {_mend(error)}") from error


def says_damaged(error: sqlite3.Error) -> bool:
    """Whether SQLite refused because of what the file holds."""
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _mend(error: sqlite3.Error) -> str:
    if says_locked(error):
        return UNLOCK
    if says_damaged(error):
        return "it is no SQLite database, or it is damaged; look at DATABASE_URL, and at an older backup"
    return "look at its rights, and at its disk; `python bot.py doctor` checks it"


@contextmanager
def _partial(file: Path) -> Iterator[Path]:
    """An empty file beside `file`, which nobody else may read from the first byte on; gone at the end."""
    try:
        opened, name = mkstemp(prefix=f".{file.name}.", suffix=".partial", dir=file.parent)
    except OSError as error:
        raise StoreError(_unwritable(file, str(error.strerror))) from error
    os.close(opened)
    made = Path(name)
    try:
        yield made
    finally:
        for ending in ("", *KEPT_BESIDE[:3]):
            made.with_name(made.name + ending).unlink(missing_ok=True)


def _copy(source: sqlite3.Connection, made: Path, database: Path) -> None:
    try:
        with closing(sqlite3.connect(made, isolation_level=None)) as target:
            source.backup(target, pages=PAGES)
            # The copy says of itself that it has a -wal, as the database does: it is to be one file.
            target.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.DatabaseError as error:
        if says_damaged(error):
            raise StoreError(_damaged(database, str(error))) from error
        raise StoreError(_unwritable(made.parent, str(error))) from error


def _unwritable(place: Path, why: str) -> str:
    mend = "make room, or get the right to write there, or name a file elsewhere"
    return f"no backup was written, {place} cannot be written ({why}): {mend}"


def _damaged(database: Path, why: str) -> str:
    return f"{database} is damaged ({why}), and so would its backup be: none was written; take an older one"


def _checked(made: Path, database: Path, file: Path) -> BackedUp:
    """What the copy holds, once SQLite has looked at every page of it. Raises StoreError."""
    try:
        with closing(sqlite3.connect(made, isolation_level=None)) as copy:
            (said,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
            if said != "ok":
                raise StoreError(_damaged(database, " ".join(said.split())))
            scenes, lines, characters = (_count(copy, table) for table in ("session", "history", "character"))
    except sqlite3.DatabaseError as error:
        raise StoreError(_damaged(database, str(error))) from error
    return BackedUp(file, made.stat().st_size, scenes, lines, characters)


def _count(copy: sqlite3.Connection, table: str) -> int:
    """Rows of a table of ours; a fixed name, and every version has these three."""
    (count,) = copy.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(count)


def _put(made: Path, file: Path, *, overwrites: bool) -> None:
    """Give the copy its name, all at once."""
    try:
        if not overwrites:
            # A rename would overwrite what came meanwhile.
            os.link(made, file)
            return
    except FileExistsError as error:
        raise StoreError(_taken(file)) from error
    except OSError:
        pass  # a file system without links; that the name was free has been looked at
    try:
        made.replace(file)
    except OSError as error:
        raise StoreError(_unwritable(file, str(error.strerror))) from error
