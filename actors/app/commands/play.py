"""`play`: a local Discord and the real bot connected to it, without an account."""

from __future__ import annotations

import errno
import os
import secrets
import socket
import sys
import webbrowser
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import anyio
import anyio.to_thread
import typer

from actors.adapters.clock import SystemClock
from actors.adapters.store import AlreadyRunning, DatabaseLock, StoreError, open_store, wait_until_unlocked
from actors.app.bot_process import COMMAND, bot_process
from actors.app.card_shelf import StoreCardShelf
from actors.app.characters import add_shipped
from actors.app.commands.run import ending
from actors.app.console import read_settings, refusing
from actors.app.first_scene import open_first_scene
from actors.app.places import refusal_of
from actors.app.playground_place import PlaygroundPlace, announced
from actors.app.reading import PLAYGROUND
from actors.app.settings import Settings
from actors.playground import PlaygroundServer

PORT: Final = 8400
LOOPBACK: Final = "127.0.0.1"
WORLD: Final = "world.db"
DATABASE: Final = "ensemble.db"
DATABASE_URL: Final = f"sqlite:///{DATABASE}"
TOKEN_BYTES: Final = 24
UNDERSTUDY_S: Final = 10.0
"""Long enough to look at a model that does not answer, and three tries are over within a minute."""


AskedToEnd = Callable[[], Awaitable[None]]


class PlayError(Exception):
    """The playground cannot start: one line with the mend."""


def play(
    port: Annotated[int, typer.Option(help="The server's port; 0 picks one.", min=0, max=65535)] = PORT,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open a browser.")] = False,
    no_bot: Annotated[bool, typer.Option("--no-bot", help="Serve alone; print the URLs and a token.")] = False,
) -> None:
    """Play on a local Discord; no account, key or server is needed."""
    settings = read_settings()
    folder = settings.data_dir / PLAYGROUND
    with refusing(PlayError, StoreError), ExitStack() as held:
        if refusal := refusal_of(folder / DATABASE, elsewhere="set another DATA_DIR"):
            raise PlayError(str(refusal))
        held.enter_context(_alone_in(folder))
        if no_bot:
            anyio.run(_play_alone, folder, port)
        else:
            anyio.run(_play, settings, folder, port, not no_open)
        typer.echo(f"Playground ended; what was played is kept in {folder.absolute()}")


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold the world against a second playground. Raises PlayError, which names the holder."""
    with DatabaseLock(folder / WORLD) as lock:
        try:
            lock.acquire(at=SystemClock().now())
        except AlreadyRunning as error:
            who, _, _ = str(error).rpartition(": ")  # what follows is a mend, and another setting's
            raise PlayError(f"{who}: end it first, or set another DATA_DIR") from error
        yield


async def _play_alone(folder: Path, port: int) -> None:
    with ending() as asked_to_end:
        async with _serving(folder, port) as server:
            typer.echo(f"DISCORD_API_URL={server.api_url}")
            typer.echo(f"DISCORD_GATEWAY_URL={server.gateway_url}")
            typer.echo(f"DISCORD_TOKEN={server.token}")
            _say_where(server)
            await asked_to_end()


async def _play(settings: Settings, folder: Path, port: int, opens_browser: bool) -> None:
    with ending() as asked_to_end:
        await wait_until_unlocked(folder / DATABASE, say=partial(typer.echo, err=True))
        # The characters' database is made before the bot starts, so that not both of them migrate it.
        async with open_store(DATABASE_URL, folder=folder) as store, _serving(folder, port) as server:
            await add_shipped(store, SystemClock())
            inspector = _inspector()
            server.card_shelf = StoreCardShelf(store, SystemClock())
            server.inspector_url, server.inspector_token = f"http://{inspector.address}", inspector.token
            with announced(folder, inspector):
                environment = _environment(server, folder, inspector) | _patience(settings)
                async with bot_process(environment, (*COMMAND, "--model-faults", server.model_url)) as bot:
                    server.bot_control = bot
                    await bot.start()
                    _say_where(server)
                    # Under the address that the bot logs, its inspector asks for the token.
                    typer.echo(f"Its inspector: {server.url}/inspector/")
                    sys.stdout.flush()
                    await _accompany(server, asked_to_end, opens_browser=opens_browser)


async def _accompany(server: PlaygroundServer, asked_to_end: AskedToEnd, *, opens_browser: bool) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(open_first_scene, server)
        if opens_browser and _has_screen():
            # In a thread that may be left behind: some browsers return only when they are closed.
            tasks.start_soon(_open_browser, server.url + "/")
        await asked_to_end()
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def _serving(folder: Path, port: int) -> AsyncIterator[PlaygroundServer]:
    """The local Discord on `port`. Raises PlayError."""
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


def _has_screen() -> bool:
    """Without one, Python would start a browser for terminals on top of our output."""
    return not sys.platform.startswith("linux") or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())


async def _open_browser(url: str) -> None:
    await anyio.to_thread.run_sync(webbrowser.open, url, abandon_on_cancel=True)


def _say_where(server: PlaygroundServer) -> None:
    typer.echo(f"Playground: {server.url}/")
    sys.stdout.flush()


def _inspector() -> PlaygroundPlace:
    """As the user set it; else a free port, which every bot of this playground takes in turn, and a token for it.

    The token opens texts and breakpoints; the page's server sends it, so no page and no address has it.
    """
    token = os.environ.get("INSPECTOR_TOKEN") or secrets.token_urlsafe(TOKEN_BYTES)
    asked_for = os.environ.get("INSPECTOR_ADDRESS")
    if asked_for:
        return PlaygroundPlace(address=asked_for, token=token)
    with socket.create_server((LOOPBACK, 0)) as probe:
        return PlaygroundPlace(address=f"{LOOPBACK}:{probe.getsockname()[1]}", token=token)


def _environment(server: PlaygroundServer, folder: Path, inspector: PlaygroundPlace) -> dict[str, str]:
    """What the bot needs to know of this playground; everything else is as the user set it."""
    return {
        "DISCORD_TOKEN": server.token,
        "DISCORD_API_URL": server.api_url,
        "DISCORD_GATEWAY_URL": server.gateway_url,
        "DATABASE_URL": DATABASE_URL,
        "DATA_DIR": str(folder),
        "INSPECTOR_ADDRESS": inspector.address,
        "INSPECTOR_TOKEN": inspector.token,
        "INSPECTOR_URL": "",
    }


def _patience(settings: Settings) -> dict[str, str]:
    """How long a try of the understudy may take, unless the user says so: it answers at once, or a fault keeps it."""
    has_model = settings.groq_api_key is not None or settings.groq_base_url
    if has_model or "generate_timeout_s" in settings.model_fields_set:
        return {}
    return {"GENERATE_TIMEOUT_S": f"{UNDERSTUDY_S:g}"}
