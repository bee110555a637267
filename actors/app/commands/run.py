"""`run`: connects to Discord and plays until it is asked to end."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Annotated, Final

import anyio
import typer

from actors.adapters import log
from actors.adapters.clock import SystemClock
from actors.adapters.groq import GroqModel
from actors.adapters.store import (
    DatabaseLock,
    SqlStore,
    StoreError,
    database_path,
    late_store,
    open_store,
    wait_until_unlocked,
)
from actors.adapters.understudy import Understudy
from actors.app.characters import add_shipped
from actors.app.composition import FATAL, Bot, Endpoint, compose, open_model, recall, urls_of
from actors.app.console import WRONG_USE, fail, read_settings, refusing
from actors.app.database_location import refusal_of
from actors.app.database_notes import (
    ENDED,
    HANDED_OVER,
    NOT_BEGUN,
    note_of_empty,
    note_of_end,
    note_of_place,
)
from actors.app.faulty_model import behind_faults
from actors.app.hand_over import take_lock, wait_until_asked
from actors.app.open_files import raise_limit
from actors.app.settings import Settings
from actors.app.tracing import Tracing, header_secrets, read_variables, tracing
from actors.gateway import Gateway
from actors.ports import Model, Noted, Trace
from actors.services import SHUTDOWN_GRACE_S

STDIN_BYTES: Final = 4096
"""Bytes per read of standard input; nothing is expected there."""


def run(
    end_with_stdin: Annotated[
        bool, typer.Option("--end-with-stdin", hidden=True, help="End, as by SIGTERM, when the standard input does.")
    ] = False,
    model_faults: Annotated[
        str | None, typer.Option("--model-faults", hidden=True, help="The playground's model server, asked first.")
    ] = None,
    take_over: Annotated[
        bool,
        typer.Option(
            "--take-over",
            help="Take over from the running process: connect, let it finish its sends and end, then continue.",
        ),
    ] = False,
) -> None:
    """Connect to Discord and play."""
    if end_with_stdin:
        # A daemon thread, not one of a pool: the process does not wait for it at the end.
        Thread(target=_end_with_stdin, name="The end of stdin", daemon=True).start()
    settings = read_settings()
    if settings.discord_token is None:
        fail("DISCORD_TOKEN is not set. Put it into .env, or try `play`, which needs no account.", WRONG_USE)
    raise_limit()
    read_variables()
    with tracing(settings) as traced:
        errors = log.set_up(
            level=settings.log_level,
            json_lines=settings.log_format == "json",
            secrets=(*settings.secrets, *header_secrets()),
            span_ids=traced.ids_of,
            texts=settings.log_texts,
        )
        with refusing(StoreError, *FATAL):
            start = Start(settings, traced, errors, lock_of(settings), model_faults)
            _run_locked(start, take_over=take_over)


def _end_with_stdin() -> None:
    """Send SIGTERM to this process when its parent is gone, for whatever reason."""
    while os.read(sys.stdin.fileno(), STDIN_BYTES):
        pass
    signal.raise_signal(signal.SIGTERM)


@contextmanager
def held(settings: Settings) -> Iterator[None]:
    """Lock the database against a second bot. Raises AlreadyRunning, and StoreError if none can be kept there."""
    lock = lock_of(settings)
    with nullcontext() if lock is None else lock:
        if lock is not None:
            lock.acquire(at=SystemClock().now())
        yield


def lock_of(settings: Settings) -> DatabaseLock | None:
    """The database's lock, not yet acquired; None for a database in memory, which is not shared. Raises StoreError."""
    path = database_path(settings.database_url, folder=settings.data_dir)
    if path is None:
        return None
    if refusal := refusal_of(path):
        raise StoreError(str(refusal))
    return DatabaseLock(path)


@dataclass(frozen=True, slots=True)
class Start:
    """The inputs of a run. `lock` is None for a database in memory.

    `model_faults` is the URL of the playground's server that makes the model fail.
    """

    settings: Settings
    traced: Tracing
    errors: log.ErrorCounter
    lock: DatabaseLock | None
    model_faults: str | None = None

    @property
    def database(self) -> Path | None:
        """The database file; None for a database in memory."""
        return database_path(self.settings.database_url, folder=self.settings.data_dir)

    async def wait_for_database(self, say: Callable[[str], None]) -> None:
        """Wait until no other program locks the database. Raises StoreError if that takes too long."""
        if self.database is not None:
            await wait_until_unlocked(self.database, say=say)

    def compose(
        self, store: SqlStore, model: GroqModel | Understudy, *, asked: Model | None = None, is_standby: bool = False
    ) -> Bot:
        token = self.settings.discord_token
        return compose(
            self.settings,
            Endpoint("" if token is None else token.get_secret_value(), urls_of(self.settings)),
            store,
            model,
            trace=self.traced.beside(log.LogTrace(texts=self.settings.log_texts)),
            errors=self.errors,
            is_standby=is_standby,
            asked=asked,
        )

    def behind_faults(self, model: Model) -> AbstractAsyncContextManager[Model]:
        return behind_faults(model, self.model_faults, timeout_s=self.settings.generate_timeout_s)


def _run_locked(start: Start, *, take_over: bool) -> None:
    lock, now = start.lock, SystemClock().now
    with nullcontext() if lock is None else lock:
        if lock is not None and take_over and not lock.acquire_if_free(at=now()):
            anyio.run(_take_over, start, lock)
            return
        if lock is not None and not take_over:
            lock.acquire(at=now())
        anyio.run(_run, start)


async def _run(start: Start) -> None:
    opened = open_store(start.settings.database_url, folder=start.settings.data_dir)
    with ending(say=_say_asked) as asked_to_end:
        if not await unless(asked_to_end, partial(start.wait_for_database, _warn)):
            _note(NOT_BEGUN)
            return
        path = start.database
        place, was_there = note_of_place(path), path is not None and path.exists()
        async with (
            opened as store,
            open_model(start.settings, store) as model,
            start.behind_faults(model) as asked,
        ):
            _note(place)
            await store.require_sound()
            if path is not None and was_there and not await store.has_had_characters():
                _note(note_of_empty(path))
            await add_shipped(store, SystemClock())
            await _play(start, start.compose(store, model, asked=asked), model, asked_to_end)


def _note(noted: Noted) -> None:
    """Log a note before the bot is composed or after it has ended."""
    log.LogTrace().publish(noted)


def _warn(words: str) -> None:
    _note(Noted("warning", words))


def _say_asked(name: str) -> None:
    words = f"{name}: no new work begins; sends in progress finish within {SHUTDOWN_GRACE_S:.0f} s."
    _note(Noted("info", words))


async def _take_over(start: Start, lock: DatabaseLock) -> None:
    """Connect while the old process still runs, and continue when it has ended."""
    late = late_store(start.settings.database_url, folder=start.settings.data_dir)
    with ending(say=_say_asked) as asked_to_end:
        async with late as (store, open_it), open_model(start.settings, store, recalls=False) as model:
            bot = start.compose(store, model, is_standby=True)
            trace = bot.services.trace

            async def wait_for_turn() -> None:
                await bot.wait_connected()
                trace.publish(Noted("info", f"Connected; the running bot ({lock.holder}) is asked to hand over."))
                await take_lock(lock, now=SystemClock().now)
                await start.wait_for_database(_warn)
                await open_it()
                await recall(model)
                await add_shipped(store, SystemClock())
                trace.publish(Noted("info", "This process has taken over the database."))

            await _play(start, bot, model, asked_to_end, turn=partial(unless, asked_to_end, wait_for_turn))


async def _play(
    start: Start,
    bot: Bot,
    model: GroqModel | Understudy,
    asked_to_end: Callable[[], Awaitable[None]],
    *,
    turn: Callable[[], Awaitable[bool]] | None = None,
) -> None:
    lock, trace = start.lock, bot.services.trace
    closing = NOT_BEGUN

    async def until() -> None:
        """Wait until asked to end or to hand over."""
        nonlocal closing
        if lock is None:
            await asked_to_end()
        elif await unless(asked_to_end, partial(wait_until_asked, lock)):
            words = "Another process takes over: no new work begins; sends in progress finish."
            trace.publish(Noted("info", words))
            closing = HANDED_OVER

    async def look_back() -> None:
        nonlocal closing
        closing = await note_of_end(bot.store)

    async def release() -> None:
        nonlocal closing
        if closing is not HANDED_OVER:  # on a hand-over the new process waits for the lock
            closing = ENDED
            await bot.supervisor.contain("The closing line", look_back)
        if lock is not None:
            lock.release()
            trace.publish(Noted("info", "All writes are finished; the database is released."))

    checked = partial(warn_of_model, model, trace)
    await bot.run(on_ready=partial(say_ready, model=model), until=until, beside=checked, turn=turn, on_drained=release)
    trace.publish(closing)


async def warn_of_model(model: GroqModel | Understudy, trace: Trace) -> None:
    """Log what `doctor` would report about the model: with such a fault every line fails."""
    if not isinstance(model, GroqModel):
        return
    found = await model.check()
    if found.outcome != "ok":
        trace.publish(Noted("warning", f"model: {found.words} {found.mend}"))


async def say_ready(gateway: Gateway, *, model: Model | None = None) -> None:
    """Print the line that scripts wait for, after freezing the start's objects for the garbage collector.

    It names an understudy, and where to read how to replace it.
    """
    keep_what_is_loaded()
    speaking = f"; speaking: {model.label}" if isinstance(model, Understudy) else ""
    typer.echo(f"Ready: {gateway.identity}, {gateway.channel_count} channels{speaking}")


def keep_what_is_loaded() -> None:
    """Exclude all objects that exist now from garbage collection.

    What the start loaded lives as long as the process. Scanning it delayed responses by about 130 ms each time.
    """
    gc.collect()
    gc.freeze()


async def unless(ended: Callable[[], Awaitable[None]], work: Callable[[], Awaitable[None]]) -> bool:
    """Do `work`, but cancel it when `ended` returns. Returns whether the work was finished."""
    is_done = False
    async with anyio.create_task_group() as group:

        async def wait() -> None:
            await ended()
            group.cancel_scope.cancel()

        group.start_soon(wait)
        await work()
        is_done = True
        group.cancel_scope.cancel()
    return is_done


@contextmanager
def ending(*, say: Callable[[str], None] = lambda name: None) -> Iterator[Callable[[], Awaitable[None]]]:
    """Yield a function that waits for SIGTERM or Ctrl-C; `say` gets the signal's name. Later signals are ignored.

    A terminal sends Ctrl-C to `play` and to its bot, and then `play` sends SIGTERM to the bot: the second signal must
    not cut off the sends that the first one lets finish.
    """
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:

        async def asked_to_end() -> None:
            async for number in signals:
                say("Ctrl-C" if number == signal.SIGINT else "SIGTERM")
                return

        yield asked_to_end
