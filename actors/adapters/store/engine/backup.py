"""Back up a database that may be in use into one checked file, with SQLite's online backup.

    database ─► one reading transaction ─► FILE.….partial (owner only) ─► checked ─► FILE

Writers are not blocked; the copy shows the database at one moment. FILE appears complete or not at all.

Failure modes: each is a StoreError that says what to do: no database or not ours, damage, an existing file, no folder,
a full disk, no write permission. A killed process leaves the `.partial` file, which nothing reads.
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

from actors.adapters.store.engine.errors import NotADatabase, StoreError
from actors.adapters.store.engine.lock_wait import UNLOCK, says_locked
from actors.adapters.store.private_files import SQLITE_BESIDE

PAGES: Final = 4096
"""Pages that are copied at a time (16 MB), so that Ctrl-C takes effect between copies."""

LOCKED_S_MAX: Final = 10.0
"""How long to wait for a database that another program has locked; every reader waits so long."""

KEPT_BESIDE: Final = (*SQLITE_BESIDE, ".lock", ".holder.lock", ".request.lock")
"""Suffixes of the files that belong to a database in use: a backup with such a name would destroy one."""


@dataclass(frozen=True, slots=True)
class BackedUp:
    """The content of a backup, so that people notice an empty one."""

    file: Path
    size_bytes: int
    scenes: int
    lines: int
    characters: int


def back_up(database: Path, file: Path, *, overwrites: bool = False, locked_s_max: float = LOCKED_S_MAX) -> BackedUp:
    """Copy `database`, which may be in use, to `file`, which only its owner may read. Raises StoreError.

    An existing `file` is refused unless `overwrites`, and is not changed until the copy is complete.
    """
    _require_place(database, file, overwrites=overwrites)
    file = file.resolve()  # follow a link, so that its target is replaced and not the link
    with _source(database, locked_s_max) as source, _partial(file) as made:
        _copy(source, made, database)
        found = _checked(made, database, file)
        _put(made, file, overwrites=overwrites)
    return found


def _require_place(database: Path, file: Path, *, overwrites: bool) -> None:
    """Raises StoreError if no backup may be written there; nothing is read before."""
    if not database.is_file():
        raise StoreError(f"there is no database at {database.absolute()}: look at DATABASE_URL and DATA_DIR")
    if not file.parent.is_dir():
        raise StoreError(f"{file.parent} is not a folder: create it first, or name a file elsewhere")
    if file.is_dir():
        raise StoreError(f"{file} is a folder: name a file in it, such as {file / 'ensemble-backup.db'}")
    if file.exists() and not file.is_file():
        raise StoreError(f"{file} is not an ordinary file: name another one")
    place, own = file.resolve(), database.resolve()
    if place in (own, *(own.with_name(own.name + ending) for ending in KEPT_BESIDE)):
        raise StoreError(f"{file} belongs to the database in use: name another file")
    if os.path.lexists(file) and not overwrites:
        raise StoreError(_taken(file))


def _taken(file: Path) -> str:
    return f"{file} is there already: name another file, or overwrite it with --force"


@contextmanager
def _source(database: Path, locked_s_max: float) -> Iterator[sqlite3.Connection]:
    """Open the database in a read transaction, so that the copy shows one moment even if it is written meanwhile."""
    uri = f"{database.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=locked_s_max, isolation_level=None)) as source:
            source.execute("BEGIN")
            is_ours = source.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
            if not is_ours:
                raise NotADatabase(
                    f"{database} is not a database of Ensemble, so there is nothing to back up: check DATABASE_URL"
                )
            yield source
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{database} cannot be read ({error}): {_mend(error)}") from error


def says_damaged(error: sqlite3.Error) -> bool:
    """Return whether SQLite refused because the file is damaged or is not a database."""
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _mend(error: sqlite3.Error) -> str:
    if says_locked(error):
        return UNLOCK
    if says_damaged(error):
        return "it is not an SQLite database, or it is damaged; check DATABASE_URL, or use an older backup"
    return "check its permissions and its disk; `python bot.py doctor` checks the database"


@contextmanager
def _partial(file: Path) -> Iterator[Path]:
    """Create an empty private file beside `file`; delete it at the end of the block if it is still there."""
    try:
        opened, name = mkstemp(prefix=f".{file.name}.", suffix=".partial", dir=file.parent)
    except OSError as error:
        raise StoreError(_unwritable(file, str(error.strerror))) from error
    os.close(opened)
    made = Path(name)
    try:
        yield made
    finally:
        for ending in ("", *SQLITE_BESIDE):
            made.with_name(made.name + ending).unlink(missing_ok=True)


def _copy(source: sqlite3.Connection, made: Path, database: Path) -> None:
    try:
        with closing(sqlite3.connect(made, isolation_level=None)) as target:
            source.backup(target, pages=PAGES)
            # The copy's header still demands a -wal file, as the database's does: make it a single file.
            target.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.DatabaseError as error:
        if says_damaged(error):
            raise StoreError(_damaged(database, str(error))) from error
        raise StoreError(_unwritable(made.parent, str(error))) from error


def _unwritable(place: Path, why: str) -> str:
    mend = "free disk space, or allow writing there, or name a file elsewhere"
    return f"no backup was written, {place} cannot be written ({why}): {mend}"


def _damaged(database: Path, why: str) -> str:
    return f"{database} is damaged ({why}), so its backup would be too: none was written; use an older one"


def _checked(made: Path, database: Path, file: Path) -> BackedUp:
    """Check every page of the copy with SQLite and return its content. Raises StoreError."""
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
    """Number of rows; `table` is one of three fixed names that every version has."""
    (count,) = copy.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(count)


def _put(made: Path, file: Path, *, overwrites: bool) -> None:
    """Give the copy its name, atomically."""
    try:
        if not overwrites:
            # A rename would overwrite a file that was created meanwhile.
            os.link(made, file)
            return
    except FileExistsError as error:
        raise StoreError(_taken(file)) from error
    except OSError:
        pass  # a file system without hard links; `_require_place` has checked that the name is free
    try:
        made.replace(file)
    except OSError as error:
        raise StoreError(_unwritable(file, str(error.strerror))) from error
