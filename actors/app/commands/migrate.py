"""`migrate`: brings the database up to date; `run` does the same at its start."""

from __future__ import annotations

from functools import partial

import anyio
import typer

from actors.adapters.clock import SystemClock
from actors.adapters.store import StoreError, database_path, open_store, wait_until_unlocked
from actors.app.characters import add_shipped
from actors.app.commands.run import held
from actors.app.console import read_settings, refusing
from actors.app.settings import Settings


def migrate() -> None:
    """Bring the database up to date."""
    settings = read_settings()
    path = database_path(settings.database_url, folder=settings.data_dir)
    is_new = path is not None and not path.exists()
    with refusing(StoreError), held(settings):
        anyio.run(_migrate, settings)
    typer.echo(f"Created a new database: {path}" if is_new else f"The database is up to date: {path}")


async def _migrate(settings: Settings) -> None:
    path = database_path(settings.database_url, folder=settings.data_dir)
    if path is not None:
        await wait_until_unlocked(path, say=partial(typer.echo, err=True))
    async with open_store(settings.database_url, folder=settings.data_dir) as store:
        await store.require_sound()
        await add_shipped(store, SystemClock())
