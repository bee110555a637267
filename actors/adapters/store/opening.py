"""From a database URL to a store that is ready.

    URL ─► path (its folder made) ─► migrated, or refused ─► writer thread ─► SqlStore

Failure modes: each StoreError is one line with its mend: not our database, a newer one, none where one is to be
read, a URL of a kind that is not built.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio.to_thread
from sqlalchemy import Engine, make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from actors.adapters.store.errors import StoreError
from actors.adapters.store.executor import Inline, Late
from actors.adapters.store.locked import UNLOCK, says_locked
from actors.adapters.store.migrate import create_all, is_current, require_current, upgrade
from actors.adapters.store.soundness import require_sound
from actors.adapters.store.sqlite import file_engine, memory_engine
from actors.adapters.store.store import SqlStore
from actors.adapters.store.writer import WriterThread

MEMORY = ":memory:"


def database_path(url: str, *, folder: Path = Path()) -> Path | None:
    """The file that `url` names, relative ones under `folder`; None for a database in memory.

    Raises StoreError for what is no SQLite URL.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(f"DATABASE_URL is no URL: write it like sqlite:///ensemble.db, not {url!r}") from error
    if parsed.get_backend_name() != "sqlite":
        raise StoreError(f"DATABASE_URL: {parsed.get_backend_name()} is not supported yet: use sqlite:///ensemble.db")
    if parsed.host:
        raise StoreError(f"DATABASE_URL names a host: write three slashes, as in sqlite:///{parsed.host}")
    return None if parsed.database in (None, "", MEMORY) else folder / str(parsed.database)


def prepare(path: Path, *, read_only: bool = False) -> Engine:
    """An engine for an up-to-date database at `path`, made or migrated unless `read_only`. Raises StoreError."""
    if read_only and not path.is_file():
        raise StoreError(f"there is no database at {path}: start the bot once, or set DATABASE_URL")
    engine = file_engine(path, read_only=read_only)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        require_current(engine) if read_only else upgrade(engine)
    except (OSError, OperationalError) as error:
        raise _unopened(path, error) from error
    return engine


def _unopened(path: Path, error: OSError | OperationalError) -> StoreError:
    why = error.orig if isinstance(error, OperationalError) else error
    is_locked = isinstance(why, sqlite3.Error) and says_locked(why)
    return StoreError(
        f"{path} cannot be opened ({why}): {UNLOCK if is_locked else 'mend it, or set another DATABASE_URL'}"
    )


@asynccontextmanager
async def open_store(url: str, *, folder: Path = Path(), read_only: bool = False) -> AsyncIterator[SqlStore]:
    """A store on the database of `url`; what is queued when the block ends is written.

    `read_only` writes and migrates nothing, beside a running bot or without one. Raises StoreError.
    """
    path = database_path(url, folder=folder)
    if path is None:
        store = memory_store()
    else:
        engine = await anyio.to_thread.run_sync(lambda: prepare(path, read_only=read_only))
        store = SqlStore(WriterThread(engine))
    try:
        yield store
    finally:
        await store.aclose()


@asynccontextmanager
async def late_store(
    url: str, *, folder: Path = Path()
) -> AsyncIterator[tuple[SqlStore, Callable[[], Awaitable[None]]]]:
    """A store on a database that another process still writes, and what opens it when that one has let go.

    Whoever uses the store before waits. Raises StoreError, at once, for a database that cannot be opened then.
    """
    path = database_path(url, folder=folder)
    if path is None:
        raise StoreError("a database in memory is nobody else's: there is nothing to take over")
    is_sound = await anyio.to_thread.run_sync(examine, path)
    executor = Late()
    store = SqlStore(executor)

    async def open_it() -> None:
        executor.go_on_with(WriterThread(await anyio.to_thread.run_sync(prepare, path)))
        if not is_sound:
            await store.require_sound()

    try:
        yield store, open_it
    finally:
        await executor.aclose()


def examine(path: Path) -> bool:
    """Whether its rows are sound; an older one's cannot be told before it is brought up to date. Nothing is written.

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
    """A store in memory whose operations run at once on the caller's thread."""
    engine = memory_engine()
    create_all(engine)
    return SqlStore(Inline(engine))
