"""Opens the database read-only, with or without a running bot.

Failure modes: StoreError, each one line with its fix. SQLite needs a file beside a database in use, for readers too: if
this user may not write it, the fix is to copy the database.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from actors.adapters.store import NewerDatabase, NotADatabase, SqlStore, StoreError, database_path, open_store
from actors.app.database_location import refusal_of
from actors.app.settings import Settings

PLAYGROUND: Final = "playground"
"""The folder under DATA_DIR in which `play` keeps its files."""


@asynccontextmanager
async def open_to_read(settings: Settings) -> AsyncIterator[SqlStore]:
    """Yield a store that neither writes nor migrates. Raises StoreError."""
    async with AsyncExitStack() as stack:
        opened = open_store(settings.database_url, folder=settings.data_dir, read_only=True)
        try:
            store = await stack.enter_async_context(opened)
        except (NewerDatabase, NotADatabase):
            raise
        except StoreError as error:
            path = database_path(settings.database_url, folder=settings.data_dir)
            refusal = refusal_of(path.with_name(f"{path.name}-shm")) if path and path.is_file() else None
            if path is None or refusal is None:
                raise
            raise StoreError(f"{path} cannot be read in its folder: {refusal.words}; {_mend(path)}") from error
        yield store


def is_playground(settings: Settings) -> bool:
    """Whether DATA_DIR is a playground's folder."""
    return settings.data_dir.resolve().name == PLAYGROUND


def in_which(settings: Settings, command: str) -> str:
    """Say which of the machine's two databases was changed, and how `command` reaches the other one."""
    path = database_path(settings.database_url, folder=settings.data_dir)
    where = "a database in memory" if path is None else str(path.absolute())
    if path is not None and path.absolute().parent.name == PLAYGROUND:
        return f"This is the playground's database, {where}. For the bot's: {command} without DATA_DIR={PLAYGROUND}"
    folder = settings.data_dir / PLAYGROUND
    # An absolute DATABASE_URL would override the folder.
    fixed = "DATABASE_URL= " if path is not None and not path.is_relative_to(settings.data_dir) else ""
    return f"This is the bot's database, {where}. For the playground's: {fixed}DATA_DIR={folder} {command}"


def elsewhere(settings: Settings) -> str:
    """A hint to look in the playground's database; empty if the settings already point there."""
    return "" if is_playground(settings) else f"; for the playground's database, set DATA_DIR={PLAYGROUND}"


def _mend(path: Path) -> str:
    beside = f"{path.name}-wal"
    return f"copy it, and {beside} if it exists, to a folder that you can write to, and set DATA_DIR to that folder"
