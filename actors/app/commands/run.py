"""`run`: connect to Discord and play, until asked to end."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Thread
from typing import Annotated, Final

import anyio
import typer

from actors.adapters import log
from actors.adapters.clock import SystemClock
from actors.adapters.groq import GroqModel
from actors.adapters.store import DatabaseLock, StoreError, database_path, open_store
from actors.adapters.understudy import Understudy
from actors.app.characters import add_shipped
from actors.app.composition import FATAL, Endpoint, compose, open_model, urls_of
from actors.app.console import WRONG_USE, fail, read_settings, refusing
from actors.app.places import refusal_of
from actors.app.settings import Settings
from actors.app.tracing import Tracing, header_secrets, read_variables, tracing
from actors.gateway import Gateway
from actors.ports import Noted, Trace

STDIN_BYTES: Final = 4096
"""Read at a time, of what nobody is meant to write."""


def run(
    end_with_stdin: Annotated[
        bool, typer.Option("--end-with-stdin", hidden=True, help="End, as by SIGTERM, when the standard input does.")
    ] = False,
) -> None:
    """Connect to Discord and play."""
    if end_with_stdin:
        # No thread of a pool: nothing waits for it at the end of the process.
        Thread(target=_end_with_stdin, name="The end of stdin", daemon=True).start()
    settings = read_settings()
    if settings.discord_token is None:
        fail("DISCORD_TOKEN is not set. Put it into .env, or try `play`, which needs no account.", WRONG_USE)
    read_variables()
    with tracing(settings) as traced:
        error_lines = log.set_up(
            level=settings.log_level,
            json_lines=settings.log_format == "json",
            secrets=(*settings.secrets, *header_secrets()),
            span_ids=traced.ids_of,
        )
        with refusing(StoreError, *FATAL), held(settings):
            anyio.run(_run, settings, settings.discord_token.get_secret_value(), traced, error_lines)


def _end_with_stdin() -> None:
    """Ask ourselves to end when whoever started us is gone, however that came."""
    while os.read(sys.stdin.fileno(), STDIN_BYTES):
        pass
    signal.raise_signal(signal.SIGTERM)


@contextmanager
def held(settings: Settings) -> Iterator[None]:
    """Hold the database against a second bot. Raises AlreadyRunning, and StoreError where none can be kept."""
    path = database_path(settings.database_url, folder=settings.data_dir)
    if path is None:  # in memory: nobody else can have it
        yield
        return
    if refusal := refusal_of(path):
        raise StoreError(str(refusal))
    with DatabaseLock(path) as lock:
        lock.acquire(at=SystemClock().now())
        yield


async def _run(settings: Settings, token: str, traced: Tracing, error_lines: log.ErrorLines) -> None:
    endpoint = Endpoint(token, urls_of(settings))
    with ending() as asked_to_end:
        async with (
            open_store(settings.database_url, folder=settings.data_dir) as store,
            open_model(settings, store) as model,
        ):
            await store.require_sound()
            await add_shipped(store, SystemClock())
            trace = traced.beside(log.LogTrace())
            bot = compose(settings, endpoint, store, model, trace=trace, error_lines=error_lines)
            checked = partial(warn_of_model, model, bot.world.trace)
            await bot.run(on_ready=say_ready, until=asked_to_end, beside=checked)


async def warn_of_model(model: GroqModel | Understudy, trace: Trace) -> None:
    """Put what `doctor` finds wrong with the model into the log: each line would fail by it."""
    if not isinstance(model, GroqModel):
        return
    found = await model.check()
    if found.outcome != "ok":
        trace.publish(Noted("warning", f"model: {found.words} {found.mend}"))


async def say_ready(gateway: Gateway) -> None:
    """The line that scripts wait for, once what the start loaded is out of the garbage collector's way."""
    keep_what_is_loaded()
    typer.echo(f"Ready: {gateway.identity}, {gateway.channel_count} channels")


def keep_what_is_loaded() -> None:
    """Have the garbage collector look only at what comes from now on.

    What the start loaded stays as long as the process does, and to look through it again and again held every
    response up for some 130 ms each time.
    """
    gc.collect()
    gc.freeze()


@contextmanager
def ending() -> Iterator[Callable[[], Awaitable[None]]]:
    """Give a wait for SIGTERM or Ctrl-C; until the block ends, further ones change nothing.

    A terminal sends Ctrl-C to `play` and to its bot, and `play` then asks the bot as well: the second
    must not cut off the sends that the first one lets finish.
    """
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:

        async def asked_to_end() -> None:
            async for _ in signals:
                return

        yield asked_to_end
