"""`migrate`: bring the database up to date; `run` does the same at its start."""

from __future__ import annotations

import anyio
import typer

from actors.adapters.clock import SystemClock
from actors.adapters.store import StoreError, open_store
from actors.app.characters import add_shipped
from actors.app.commands.run import held
from actors.app.console import read_settings, refusing
from actors.app.settings import Settings


def migrate() -> None:
    """Bring the database up to date."""
    settings = read_settings()
    with refusing(StoreError), held(settings):
        anyio.run(_migrate, settings)
    typer.echo("The database is up to date.")


async def _migrate(settings: Settings) -> None:
    async with open_store(settings.database_url, folder=settings.data_dir) as store:
        await add_shipped(store, SystemClock())
