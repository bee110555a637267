"""`play`: a local Discord and the real bot connected to it, without an account."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import anyio
import typer
from anyio.abc import Process

from actors.app.commands.run import ending
from actors.app.console import read_settings, refusing
from actors.app.settings import Settings
from actors.playground import PlaygroundServer

PORT = 8400
END_S = 15.0
"""How long the bot may take to end: its sends in flight have ten seconds."""


def play(
    port: Annotated[int, typer.Option(help="The server's port; 0 picks one.", min=0, max=65535)] = PORT,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open a browser.")] = False,
    no_bot: Annotated[bool, typer.Option("--no-bot", help="Serve alone; print the URLs and a token.")] = False,
) -> None:
    """Play on a local Discord; no account, key or server is needed."""
    settings = read_settings()
    with refusing(PlayError):
        anyio.run(_play, settings, port, no_bot)


class PlayError(Exception):
    """The playground cannot go on: one line with the mend."""


async def _play(settings: Settings, port: int, no_bot: bool) -> None:
    with ending() as asked_to_end:
        async with _serving(port, settings.data_dir / "playground") as server:
            if no_bot:
                typer.echo(f"DISCORD_API_URL={server.api_url}")
                typer.echo(f"DISCORD_GATEWAY_URL={server.gateway_url}")
                typer.echo(f"DISCORD_TOKEN={server.token}")
            typer.echo(f"Playground: {server.url}/")
            sys.stdout.flush()
            if no_bot:
                await asked_to_end()
            else:
                async with await _bot(server, settings) as bot:
                    await _accompany(bot, asked_to_end)


@asynccontextmanager
async def _serving(port: int, folder: Path) -> AsyncIterator[PlaygroundServer]:
    server = PlaygroundServer(port=port, folder=folder)
    try:
        await server.start()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PlayError(f"port {port} is in use: end what runs there, or try `play --port 0`") from error
        raise PlayError(f"the playground cannot start: {error}") from error
    try:
        yield server
    finally:
        await server.stop()


async def _bot(server: PlaygroundServer, settings: Settings) -> Process:
    """The real bot as a child process, started as we were: it may be killed and started again without harm."""
    environment = os.environ | {
        "DISCORD_TOKEN": server.token,
        "DISCORD_API_URL": server.api_url,
        "DISCORD_GATEWAY_URL": server.gateway_url,
        "DATABASE_URL": "sqlite:///ensemble.db",
        "DATA_DIR": str(settings.data_dir / "playground"),
    }
    # Not `-m bot`: the folder that we were started in may hold another bot.py.
    return await anyio.open_process(
        [sys.executable, sys.argv[0], "run"], stdin=None, stdout=None, stderr=None, env=environment
    )


async def _accompany(bot: Process, asked_to_end: Callable[[], Awaitable[None]]) -> None:
    """Stay until asked to end, and end the bot then. Raises PlayError if it ends by itself."""
    was_asked = False
    async with anyio.create_task_group() as group:

        async def watch() -> None:
            await bot.wait()
            group.cancel_scope.cancel()

        group.start_soon(watch)
        await asked_to_end()
        was_asked = True
        group.cancel_scope.cancel()
    if not was_asked:
        raise PlayError(f"the bot ended by itself (exit code {bot.returncode}); it says why above")
    if bot.returncode is None:
        bot.terminate()
    with anyio.move_on_after(END_S):
        await bot.wait()
        return
    bot.kill()
