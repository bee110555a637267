"""Open the store of a database URL.

    URL ─► path (created with a private mode) ─► migrated, or refused ─► writer thread ─► SqlStore

Failure modes: each is a StoreError of one line that says what to do: not our database, a newer database, no database to
read, an unsupported URL.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio.to_thread
from sqlalchemy import Engine, make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from actors.adapters.store.engine.errors import StoreError
from actors.adapters.store.engine.executor import Inline, Late
from actors.adapters.store.engine.lock_wait import UNLOCK, says_locked
from actors.adapters.store.engine.migrate import create_all, is_current, require_current, upgrade
from actors.adapters.store.engine.soundness import require_sound
from actors.adapters.store.engine.sqlite import file_engine, memory_engine
from actors.adapters.store.engine.writer import WriterThread
from actors.adapters.store.private_files import make_private_database
from actors.adapters.store.store import SqlStore

MEMORY = ":memory:"


def database_path(url: str, *, folder: Path = Path()) -> Path | None:
    """Return the file that `url` names, a relative one under `folder`; None for a database in memory.

    Raises StoreError if it is not an SQLite URL.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(f"DATABASE_URL is not a URL: write it like sqlite:///ensemble.db, not {url!r}") from error
    if parsed.get_backend_name() != "sqlite":
        raise StoreError(f"DATABASE_URL: {parsed.get_backend_name()} is not supported yet: use sqlite:///ensemble.db")
    if parsed.host:
        raise StoreError(f"DATABASE_URL names a host: write three slashes, as in sqlite:///{parsed.host}")
    return None if parsed.database in (None, "", MEMORY) else folder / str(parsed.database)


def prepare(path: Path, *, read_only: bool = False) -> Engine:
    """Return an engine for an up-to-date database at `path`; creates or migrates it unless `read_only`.

    Raises StoreError.
    """
    if read_only and not path.is_file():
        raise StoreError(f"there is no database at {path}: start the bot once, or set DATABASE_URL")
    engine = file_engine(path, read_only=read_only)
    try:
        if read_only:
            require_current(engine)
        else:
            make_private_database(path)
            upgrade(engine)
    except (OSError, OperationalError) as error:
        raise _unopened(path, error) from error
    return engine


def viewer_of(path: Path) -> WriterThread:
    """Return a thread with a connection of its own that only reads: what people look at holds up no line."""
    return WriterThread(file_engine(path, read_only=True), name="ensemble-viewer")


def _unopened(path: Path, error: OSError | OperationalError) -> StoreError:
    why = error.orig if isinstance(error, OperationalError) else error
    is_locked = isinstance(why, sqlite3.Error) and says_locked(why)
    return StoreError(
        f"{path} cannot be opened ({why}): {UNLOCK if is_locked else 'fix that, or set another DATABASE_URL'}"
    )


@asynccontextmanager
async def open_store(url: str, *, folder: Path = Path(), read_only: bool = False) -> AsyncIterator[SqlStore]:
    """Open the store of `url`; operations that are queued when the block ends are still written.

    `read_only` writes and migrates nothing; it works with or without a running bot. Raises StoreError.
    """
    path = database_path(url, folder=folder)
    if path is None:
        store = memory_store()
    else:
        engine = await anyio.to_thread.run_sync(lambda: prepare(path, read_only=read_only))
        store = SqlStore(WriterThread(engine), None if read_only else viewer_of(path))
    try:
        yield store
    finally:
        await store.aclose()


@asynccontextmanager
async def late_store(
    url: str, *, folder: Path = Path()
) -> AsyncIterator[tuple[SqlStore, Callable[[], Awaitable[None]]]]:
    """Yield a store on a database that another process still writes, and a function that opens it after the release.

    Callers of the store wait until it is open. Raises StoreError at once if the database could not be opened later.
    """
    path = database_path(url, folder=folder)
    if path is None:
        raise StoreError("a database in memory belongs to this process alone: there is nothing to take over")
    is_sound = await anyio.to_thread.run_sync(examine, path)
    executor, viewer = Late(), Late()
    store = SqlStore(executor, viewer)

    async def open_it() -> None:
        executor.go_on_with(WriterThread(await anyio.to_thread.run_sync(prepare, path)))
        viewer.go_on_with(viewer_of(path))
        if not is_sound:
            await store.require_sound()

    try:
        yield store, open_it
    finally:
        await store.aclose()


def examine(path: Path) -> bool:
    """Return whether the database's rows are sound; False if it must first be created or migrated. Writes nothing.

    Raises StoreError for a database that would be refused.
    """
    if not path.is_file():
        return False
    engine = file_engine(path, read_only=True)
    try:
        if not is_current(engine):
            return False
        with engine.connect() as conn:
            require_sound(conn)
        return True
    except OperationalError as error:
        raise _unopened(path, error) from error
    finally:
        engine.dispose()


def memory_store() -> SqlStore:
    """Return a store in memory; its operations run at once on the caller's thread."""
    engine = memory_engine()
    create_all(engine)
    return SqlStore(Inline(engine))
