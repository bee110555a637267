"""`play`: a local Discord and the real bot connected to it, without an account."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import anyio
import typer
from anyio.abc import Process

from actors.app.commands.run import asked_to_end
from actors.app.console import fail, read_settings
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
    try:
        anyio.run(_serve, settings, port, no_bot)
    except OSError as error:
        fail(f"the playground cannot start on port {port} ({error.strerror}); try `play --port 0`")


async def _serve(settings: Settings, port: int, no_bot: bool) -> None:
    folder = settings.data_dir / "playground"
    async with PlaygroundServer(port=port, folder=folder) as server:
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
                await asked_to_end()
                bot.terminate()
                with anyio.move_on_after(END_S):
                    await bot.wait()


async def _bot(server: PlaygroundServer, settings: Settings) -> Process:
    """The real bot as a child process: it may be killed and started again without harm."""
    environment = os.environ | {
        "DISCORD_TOKEN": server.token,
        "DISCORD_API_URL": server.api_url,
        "DISCORD_GATEWAY_URL": server.gateway_url,
        "DATABASE_URL": "sqlite:///ensemble.db",
        "DATA_DIR": str(settings.data_dir / "playground"),
    }
    return await anyio.open_process(
        [sys.executable, "-m", "bot", "run"], stdin=None, stdout=None, stderr=None, env=environment
    )
