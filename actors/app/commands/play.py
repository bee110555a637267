"""`play`: runs a local Discord and the real bot connected to it; no account is needed."""

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
from actors.adapters.llama import BadModelFile, ModelFile, ModelNotLoaded
from actors.adapters.store import (
    AlreadyRunning,
    DatabaseLock,
    StoreError,
    make_private_database,
    open_store,
    wait_until_unlocked,
)
from actors.app.bot_process import COMMAND, bot_process
from actors.app.card_shelf import StoreCardShelf
from actors.app.characters import add_shipped
from actors.app.commands.run import ending
from actors.app.console import WRONG_USE, fail, read_settings, refusing
from actors.app.database_location import refusal_of
from actors.app.first_scene import open_first_scene
from actors.app.model_file import checked_model, model_variables
from actors.app.open_files import raise_limit
from actors.app.playground_address import DATABASE, WORLD, PlaygroundPlace, announced
from actors.app.read_only_store import PLAYGROUND
from actors.app.settings import WITHOUT_LIMITS, Settings
from actors.playground import PlaygroundServer

PORT: Final = 8400
LOOPBACK: Final = "127.0.0.1"
DATABASE_URL: Final = f"sqlite:///{DATABASE}"
TOKEN_BYTES: Final = 24
UNDERSTUDY_S: Final = 10.0
"""Long enough to watch a model that does not answer; short enough for three attempts within a minute."""


AskedToEnd = Callable[[], Awaitable[None]]


class PlayError(Exception):
    """The playground cannot start; the text is one line: what is wrong and how to fix it."""


def play(
    port: Annotated[int, typer.Option(help="Port of the server; 0 picks a free one.", min=0, max=65535)] = PORT,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open a browser.")] = False,
    no_bot: Annotated[bool, typer.Option("--no-bot", help="Start only the server; print URLs and a token.")] = False,
    gguf: Annotated[
        Path | None, typer.Option("--gguf", metavar="FILE", help="A model's file for llama.cpp, which runs it here.")
    ] = None,
) -> None:
    """Play on a local Discord. No account, key or server is needed."""
    settings = read_settings()
    raise_limit()
    if gguf is not None and no_bot:
        fail("--no-bot starts no bot, so --gguf has nobody to speak for: leave one of them out", WRONG_USE)
    with refusing(BadModelFile, code=WRONG_USE):
        model = checked_model(gguf) if gguf is not None else None
    folder = settings.data_dir / PLAYGROUND
    with refusing(PlayError, StoreError, ModelNotLoaded), ExitStack() as held:
        if refusal := refusal_of(folder / DATABASE, elsewhere="set another DATA_DIR"):
            raise PlayError(str(refusal))
        held.enter_context(_alone_in(folder))
        with refusing(OSError):
            make_private_database(folder / WORLD)  # created here: the playground itself sets no file permissions
        if no_bot:
            anyio.run(_play_alone, folder, port)
        else:
            anyio.run(_play, settings, folder, port, not no_open, model)
        typer.echo(f"Playground ended. Its data is kept in {folder.absolute()}")


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Lock the world, so that no second playground opens it. Raises PlayError, which names the holder."""
    with DatabaseLock(folder / WORLD) as lock:
        try:
            lock.acquire(at=SystemClock().now())
        except AlreadyRunning as error:
            who, _, _ = str(error).rpartition(": ")  # the rest is a hint about another setting
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


async def _play(settings: Settings, folder: Path, port: int, opens_browser: bool, file: ModelFile | None) -> None:
    with ending() as asked_to_end:
        await wait_until_unlocked(folder / DATABASE, say=partial(typer.echo, err=True))
        # Opened before the bot starts, so that only one of them migrates the database.
        async with (
            open_store(DATABASE_URL, folder=folder) as store,
            _serving(folder, port) as server,
            model_variables(file, settings, partial(typer.echo, err=True)) as of_model,
        ):
            await add_shipped(store, SystemClock())
            inspector = _inspector()
            server.card_shelf = StoreCardShelf(store, SystemClock())
            server.inspector_url, server.inspector_token = f"http://{inspector.address}", inspector.token
            server.has_model = file is not None or _has_model(settings)
            with announced(folder, inspector):
                environment = _environment(server, folder, inspector) | (of_model or _patience(settings))
                async with bot_process(environment, (*COMMAND, "--model-faults", server.model_url)) as bot:
                    server.bot_control = bot
                    await bot.start()
                    _say_where(server)
                    # The address that the bot logs would ask for the token; this one does not.
                    typer.echo(f"Its inspector: {server.opening('/inspector/')}")
                    sys.stdout.flush()
                    await _accompany(server, asked_to_end, opens_browser=opens_browser)


async def _accompany(server: PlaygroundServer, asked_to_end: AskedToEnd, *, opens_browser: bool) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(open_first_scene, server)
        if opens_browser and _has_screen():
            # In a thread that may outlive us: some browsers return only when they are closed.
            tasks.start_soon(_open_browser, server.page_url)
        await asked_to_end()
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def _serving(folder: Path, port: int) -> AsyncIterator[PlaygroundServer]:
    """Run the local Discord on `port` while the block runs. Raises PlayError."""
    server = PlaygroundServer(port=port, folder=folder)
    try:
        await server.start()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PlayError(f"port {port} is in use: stop what uses it, or try `play --port 0`") from error
        raise PlayError(f"the playground cannot start: {error}") from error
    try:
        yield server
    finally:
        await server.stop()


def _has_screen() -> bool:
    """Whether there is a graphical screen. Without one, Python would start a text browser on top of our output."""
    return not sys.platform.startswith("linux") or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())


async def _open_browser(url: str) -> None:
    await anyio.to_thread.run_sync(webbrowser.open, url, abandon_on_cancel=True)


def _say_where(server: PlaygroundServer) -> None:
    typer.echo(f"Playground: {server.page_url}")
    sys.stdout.flush()


def _inspector() -> PlaygroundPlace:
    """The inspector's address and token as the user set them; else a free port and a new token.

    Every bot that this playground starts uses the same port. The token gives access to texts and breakpoints. The
    page's server sends it, so it is in no page and no URL.
    """
    token = os.environ.get("INSPECTOR_TOKEN") or secrets.token_urlsafe(TOKEN_BYTES)
    asked_for = os.environ.get("INSPECTOR_ADDRESS")
    if asked_for:
        return PlaygroundPlace(address=asked_for, token=token)
    with socket.create_server((LOOPBACK, 0)) as probe:
        return PlaygroundPlace(address=f"{LOOPBACK}:{probe.getsockname()[1]}", token=token)


def _environment(server: PlaygroundServer, folder: Path, inspector: PlaygroundPlace) -> dict[str, str]:
    """The variables that connect the bot to this playground, without limits for its one person; everything else is as
    the user set it."""
    return {
        **WITHOUT_LIMITS,
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
    """A short timeout for the understudy, unless the user set one: only typing and faults can delay it."""
    if _has_model(settings) or "generate_timeout_s" in settings.model_fields_set:
        return {}
    return {"GENERATE_TIMEOUT_S": f"{UNDERSTUDY_S:g}"}


def _has_model(settings: Settings) -> bool:
    return settings.groq_api_key is not None or bool(settings.groq_base_url)
