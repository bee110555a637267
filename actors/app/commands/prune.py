"""`prune`: deletes scenes that ended long ago from the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import anyio
import typer

from actors.adapters.clock import SystemClock
from actors.adapters.store import SqlStore, StoreError, database_path, open_store
from actors.app.console import WRONG_USE, fail, read_settings, refusing
from actors.app.database_location import refusal_of
from actors.app.periods import period_s
from actors.app.read_only_store import in_which
from actors.app.settings import Settings

T = TypeVar("T")


def prune(
    older_than: Annotated[str, typer.Option(help="Scenes that ended longer ago than this, such as 90d or 24h.")],
) -> None:
    """Delete scenes that ended long ago, with their history and their journal, whether or not the bot runs.

    `DATA_KEEP_DAYS` does the same in a running bot, every hour. Backup files and saved transcripts are not touched.
    """
    period = period_s(older_than)
    if period is None:
        fail(f"--older-than: write a time like 24h or 90d, not {older_than!r}", WRONG_USE)
    settings = read_settings()
    with refusing(StoreError):
        removed = anyio.run(opened, settings, lambda store: _prune(store, SystemClock().now() - period))
    scenes = removed.pop("session", 0)
    typer.echo(f"Deleted {scenes} scene{'' if scenes == 1 else 's'} that ended more than {older_than} ago.")
    for table, count in sorted(removed.items()):
        if count:
            typer.echo(f"  {table}: {count}")
    typer.echo(in_which(settings, "prune"))


async def _prune(store: SqlStore, before: float) -> Counter[str]:
    removed: Counter[str] = Counter()
    while found := await store.prune(before=before):
        removed.update(found)
    return removed


async def opened(settings: Settings, work: Callable[[SqlStore], Awaitable[T]]) -> T:
    """Do `work` with the store, also beside a running bot. Raises StoreError."""
    path = database_path(settings.database_url, folder=settings.data_dir)
    if path is None or not path.is_file():
        raise StoreError(f"there is no database at {path}: check DATABASE_URL and DATA_DIR")
    if refusal := refusal_of(path):
        raise StoreError(str(refusal))
    async with open_store(settings.database_url, folder=settings.data_dir) as store:
        return await work(store)
